"""Report the coverage of the room `frames`, and fail if it is not full.

Without Java the tests skip PySpark, so the lines that only PySpark runs do not count.
"""

import shutil
import sys

from coverage import Coverage

ONLY_WITH_PYSPARK = (r"\bis_pyspark\(\)", r"def _as_spark_date\b")

coverage = Coverage()
coverage.load()
if shutil.which("java") is None:
    print("Java is not installed, so the lines that only PySpark runs do not count.")
    for pattern in ONLY_WITH_PYSPARK:
        coverage.exclude(pattern)
if coverage.report(include=["*/channelplans/frames/*"]) < 100:
    sys.exit("The coverage of frames is not full.")

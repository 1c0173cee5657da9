"""Measure all figures and print a table: ``python -m benchmarks``, or ``tox run -e bench``.

Pass a part of a name to measure only some: ``python -m benchmarks erlang_b``.
"""

import sys

from benchmarks.figures import describe_machine, print_figure
from benchmarks.scalar import FIGURES


def main(parts: list[str]) -> None:
    """Measure the figures whose name contains one of the parts, or all of them."""
    figures = [
        figure for figure in FIGURES if not parts or any(part in figure.name for part in parts)
    ]
    print(describe_machine())
    met = [print_figure(figure) for figure in figures]
    print(f"{sum(met)} of {len(met)} figures keep their bound")


if __name__ == "__main__":
    main(sys.argv[1:])

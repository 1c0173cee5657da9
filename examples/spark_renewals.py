"""Compute tomorrow's renewals and a cash forecast for a large Parquet table of subscriptions.

With PySpark, the job runs on a cluster of two local cores. Without PySpark, it runs with polars and
gives the same tables. The subscriptions are made up. A real job reads its own table, whose rows
have a number of channels, a number of bundles and the day of purchase.
"""

import argparse
import os
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from importlib.util import find_spec
from itertools import chain, takewhile
from pathlib import Path
from time import perf_counter
from typing import Any

import narwhals.stable.v2 as nw

from channelplans import EUR, SKYPE_CONNECT, Money, Tariff
from channelplans.frames import quote_frame, renewals_frame

OFFER = SKYPE_CONNECT
TARIFF = Tariff("made up", EUR, channel="6.95", bundle="49", minute="0.018")
FORECAST_DAYS = 90

EPOCH = date(1970, 1, 1)
# The generator of Lehmer: the next number is this factor times the last one, modulo the prime.
FACTOR, PRIME = 48_271, 2_147_483_647

#: For each renewal day the number of renewals, and the sum of their charges in smallest units.
Days = dict[date, tuple[int, int]]


def draw_subscriptions(numbers: Any, seed: int, on: date) -> Any:
    """Add made-up requests to a frame with the column ``number``; the seed repeats them.

    ``bought`` is the day of purchase, counted from 1970-01-01.
    """
    drawn = (nw.col("number") * FACTOR + seed * 7_919) % PRIME * FACTOR % PRIME
    requests = nw.from_native(numbers).with_columns(drawn=drawn)
    value = nw.col("drawn")
    many = value % 50 == 0  # every fiftieth customer is a large one
    requests = requests.with_columns(
        channels=nw.when(many).then(value % 199 + 101).otherwise(value % 40 + 1),
        bundles=value % 7 % 2,
        bought=(on - EPOCH).days - value % 1_095,
    )
    return requests.select("number", "channels", "bundles", "bought").to_native()


def add_charges(subscriptions: Any, tomorrow: date) -> Any:
    """Add the next renewal day from tomorrow on, and the charge of the term that begins then."""
    frame = nw.from_native(subscriptions).with_columns(day=nw.lit(tomorrow)).to_native()
    renewed = renewals_frame(
        frame,
        OFFER,
        bought_on="bought_on",
        on="day",
        results={"next_renewal": "next_renewal", "error": "renewal_error"},
    )
    return quote_frame(
        renewed,
        OFFER,
        TARIFF,
        on="next_renewal",
        results={"granted": "granted", "total_minor": "charge_minor", "error": "error"},
    )


def select_due(charged: Any, tomorrow: date) -> Any:
    """Return tomorrow's renewals with their charges."""
    due = nw.from_native(charged).filter(nw.col("next_renewal") == nw.lit(tomorrow))
    return due.select("number", "granted", "bundles", "next_renewal", "charge_minor").to_native()


def sum_by_day(charged: Any) -> Any:
    """Return the number of renewals and the sum of the charges for each next renewal day."""
    accepted = nw.from_native(charged).filter(~nw.col("charge_minor").is_null())
    sums = accepted.group_by("next_renewal").agg(
        renewals=nw.len(), charges_minor=nw.col("charge_minor").sum()
    )
    return sums.to_native()


def forecast(first_renewals: Days, tomorrow: date) -> Days:
    """Return the renewals of each day, if nobody changes or cancels.

    Subscriptions that renew on the same day also have their later renewals on the same days,
    because terms of this offer are counted in days.
    """
    end = tomorrow + timedelta(FORECAST_DAYS)
    counts: Counter[date] = Counter()
    charges: Counter[date] = Counter()
    for first, (count, charge) in first_renewals.items():
        renewal_days = chain([first], OFFER.term.renewals(first))
        for day in takewhile(lambda day: day < end, renewal_days):
            counts[day] += count
            charges[day] += charge
    return {day: (counts[day], charges[day]) for day in sorted(counts)}


def run_with_spark(options: argparse.Namespace, table: Path, output: Path) -> Days:
    """Make the table if it does not exist, and compute both results with Spark."""
    from pyspark.sql import SparkSession  # noqa: PLC0415 - one engine is enough

    spark = (
        SparkSession.builder.master(options.master)
        .appName("renewals")
        .config("spark.sql.shuffle.partitions", str(options.parts))
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "true")
        .config("spark.log.level", "ERROR")
        .getOrCreate()
    )
    try:
        if not table.exists():
            numbers = spark.range(options.rows, numPartitions=options.parts)
            drawn = draw_subscriptions(
                numbers.withColumnRenamed("id", "number"), options.seed, options.on
            )
            bought_on = "date_from_unix_date(CAST(bought AS INT)) AS bought_on"
            made = drawn.selectExpr("number", "channels", "bundles", bought_on)
            made.write.parquet(str(table))
        tomorrow = options.on + timedelta(1)
        charged = add_charges(spark.read.parquet(str(table)), tomorrow)
        # Computed once for both results. Spark runs two short queries faster than a long one.
        charged = charged.select("number", "granted", "bundles", "next_renewal", "charge_minor")
        charged.persist()
        select_due(charged, tomorrow).write.mode("overwrite").parquet(str(output / "renewals"))
        sums = sum_by_day(charged).collect()
        days = forecast({row[0]: (row[1], row[2]) for row in sums}, tomorrow)
        # In SQL, because the Python of the workers is then not needed.
        rows = [f"(DATE '{day}', {count}L, {charges}L)" for day, (count, charges) in days.items()]
        values = f"VALUES {', '.join(rows)} AS days(day, renewals, charges_minor)"
        frame = spark.sql(f"SELECT * FROM {values}")  # noqa: S608 - our own numbers
        frame.coalesce(1).write.mode("overwrite").parquet(str(output / "forecast"))
        return days
    finally:
        spark.stop()


def run_with_polars(options: argparse.Namespace, table: Path, output: Path) -> Days:
    """Make the table if it does not exist, and compute both results with polars, part by part."""
    import polars as pl  # noqa: PLC0415 - one engine is enough

    if not table.exists():
        table.mkdir(parents=True)
        size = -(-options.rows // options.parts)
        for part in show_progress("make", range(options.parts)):
            last = min((part + 1) * size, options.rows)
            numbers = pl.DataFrame({"number": pl.int_range(part * size, last, eager=True)})
            drawn = draw_subscriptions(numbers, options.seed, options.on)
            bought_on = pl.col("bought").cast(pl.Int32).cast(pl.Date).alias("bought_on")
            drawn.select("number", "channels", "bundles", bought_on).write_parquet(
                table / f"part-{part:05}.parquet"
            )
    tomorrow = options.on + timedelta(1)
    (output / "renewals").mkdir(parents=True, exist_ok=True)
    (output / "forecast").mkdir(parents=True, exist_ok=True)
    first_renewals: Days = {}
    for part, path in enumerate(show_progress("renew", sorted(table.glob("*.parquet")))):
        charged = add_charges(pl.scan_parquet(path), tomorrow)
        due, sums = pl.collect_all([select_due(charged, tomorrow), sum_by_day(charged)])
        due.write_parquet(output / "renewals" / f"part-{part:05}.parquet")
        for day, count, charges in sums.select("next_renewal", "renewals", "charges_minor").rows():
            known_count, known_charges = first_renewals.get(day, (0, 0))
            first_renewals[day] = (known_count + count, known_charges + charges)
    days = forecast(first_renewals, tomorrow)
    rows = [(day, *numbers) for day, numbers in days.items()]
    schema = {"day": pl.Date, "renewals": pl.Int64, "charges_minor": pl.Int64}
    pl.DataFrame(rows, schema, orient="row").write_parquet(output / "forecast" / "part-0.parquet")
    return days


def can_run_spark() -> bool:
    """Return whether PySpark and Java, which it needs, are installed."""
    has_java = shutil.which("java") or os.environ.get("JAVA_HOME")
    return bool(has_java and find_spec("pyspark"))


def show_progress(label: str, items: Sequence[Any]) -> Any:
    """Yield the items, and show on the terminal how many of them are done."""
    for done, item in enumerate(items):
        print(f"\r{label}: {done} of {len(items)} parts", end="", file=sys.stderr, flush=True)
        yield item
    print(f"\r{label}: {len(items)} of {len(items)} parts", file=sys.stderr)


def summarize(days: Days, tomorrow: date) -> str:
    """Return the figures of tomorrow and of the forecast as text."""
    count, charges = days.get(tomorrow, (0, 0))
    total = sum(charge for _, charge in days.values())
    busiest = max(days, key=lambda day: days[day][1])
    return "\n".join(
        (
            f"tomorrow, {tomorrow}: {count:,} renewals, {amount(charges)}",
            f"{FORECAST_DAYS} days: {sum(n for n, _ in days.values()):,} renewals, {amount(total)}",
            f"most on {busiest}: {amount(days[busiest][1])}",
        )
    )


def amount(minor: int) -> str:
    """Return a sum of charges as text."""
    return str(Money(minor=minor, currency=EUR))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the job of the command line and print a summary."""
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="the folder of the table and of the results")
    parser.add_argument("--rows", type=int, default=10_000_000, help="subscriptions to make up")
    parser.add_argument("--parts", type=int, default=16, help="files of the table")
    parser.add_argument("--seed", type=int, default=1, help="a seed repeats the subscriptions")
    parser.add_argument("--on", type=date.fromisoformat, default=date(2026, 6, 1), help="today")
    parser.add_argument("--engine", choices=("spark", "polars"), help="PySpark if it can run")
    parser.add_argument("--master", default="local[2]", help="the address of the Spark cluster")
    options = parser.parse_args(arguments)
    engine = options.engine or ("spark" if can_run_spark() else "polars")
    run = run_with_spark if engine == "spark" else run_with_polars
    table, output = options.folder / "subscriptions", options.folder / engine
    started_at = perf_counter()
    days = run(options, table, output)
    print(f"{engine}: {perf_counter() - started_at:.1f} s, results in {output}")
    print(summarize(days, options.on + timedelta(1)))


if __name__ == "__main__":
    main()

"""Compare the channels that each customer has with those that its call records in Parquet need.

A folder has ``calls.parquet``, with the columns ``customer``, ``start`` (an instant) and
``seconds``, and ``customers.parquet``, with the columns ``customer`` and ``channels``. The script
writes ``sizes.parquet`` into it and prints the customers with the largest differences.

    python examples/size_from_cdr.py calls --make 10000000 --customers 2000

``--make`` writes made-up records first. All of it runs in polars; no Python function is called for
each call or customer.
"""

import argparse
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from channelplans import EUR, SKYPE_CONNECT, Tariff, load_for, normalize_quantity
from channelplans.frames import quote_frame, traffic_frame

#: No provider publishes these prices.
TARIFF = Tariff("made up", EUR, channel="6.95")

#: The day on which the new plans are bought.
ON = date(2026, 2, 2)

FIRST = datetime(2026, 1, 5, tzinfo=UTC)
DAYS = 28


def make_records(folder: Path, *, calls: int, customers: int, seed: int = 1) -> None:
    """Write made-up records of four weeks: most calls are made in office hours of working days.

    Args:
        folder: where the two files are written.
        calls: the number of calls.
        customers: the number of customers; some are much larger than others.
        seed: the same seed makes the same records.
    """
    chance = np.random.default_rng(seed)
    names = pl.Series("customer", [f"c-{number:06}" for number in range(customers)])
    share = chance.pareto(1.2, customers) + 0.1
    # The load of an hour grows to 11:00 and falls from 15:00 on.
    weight = np.array([1] * 7 + [10, 50, 90, 100, 100, 70, 80, 90, 80, 50, 20, 8, 5, 4, 3, 2, 1])
    hour = chance.choice(24, calls, p=weight / weight.sum())
    day = chance.integers(0, DAYS, calls)
    day -= np.where((day % 7 >= 5) & (chance.random(calls) < 0.9), 3, 0)
    second = day * 86_400 + hour * 3_600 + chance.integers(0, 3_600, calls)
    records = pl.DataFrame(
        {
            "customer": names.gather(chance.choice(customers, calls, p=share / share.sum())),
            "start": second * 1_000_000 + int(FIRST.timestamp()) * 1_000_000,
            "seconds": chance.exponential(180, calls).astype(int),
        }
    )
    instants = pl.col("start").cast(pl.Datetime("us", "UTC"))
    records.with_columns(instants).write_parquet(folder / "calls.parquet")
    # What the customers have was chosen by other people, and fits more or less.
    have = np.clip(share / share.sum() * calls / 1_500 * chance.uniform(0.5, 3, customers), 1, 300)
    held = pl.DataFrame({"customer": names, "channels": have.astype(int)})
    held.write_parquet(folder / "customers.parquet")


def size(folder: Path, *, zone: ZoneInfo, blocking: float) -> pl.DataFrame:
    """Return a row for each customer: the traffic, the channels and the prices, in cents.

    ``error`` says why a customer has no result: the code of the traffic, or of the channels.

    Args:
        folder: where the two files are.
        zone: the time zone in which the customers work.
        blocking: the share of calls that may be refused in the busy hour.
    """
    traffic = traffic_frame(
        pl.scan_parquet(folder / "calls.parquet"),
        by="customer",
        zone=zone,
        weekdays=range(5),
        results={
            **{name: name for name in ("calls", "peak", "busy_hour", "erlangs")},
            "error": "traffic_error",
        },
    )
    held = pl.scan_parquet(folder / "customers.parquet").rename({"channels": "has"})
    sized = held.join(traffic, on="customer", how="left").with_columns(
        needs=_channels_for(pl.col("erlangs"), blocking), on=pl.lit(ON)
    )
    for channels, price in (("has", "pays"), ("needs", "would_pay")):
        results = {"total_minor": price, "error": f"{price}_error"}
        sized = quote_frame(
            sized, SKYPE_CONNECT, TARIFF, channels=channels, bundles=None, results=results
        )
    errors = [pl.col(f"{name}_error").cast(pl.String) for name in ("traffic", "would_pay", "pays")]
    columns = ("customer", "calls", "busy_hour", "peak", "erlangs", "has", "needs")
    return sized.select(*columns, "pays", "would_pay", error=pl.coalesce(errors)).collect(
        engine="streaming"
    )


def _channels_for(erlangs: pl.Expr, blocking: float) -> pl.Expr:
    """Return the smallest number of channels on sale that is enough; null above the largest."""
    rule = SKYPE_CONNECT.quantity
    numbers = range(rule.minimum, rule.maximum + 1)
    on_sale = sorted({normalize_quantity(number, rule).granted for number in numbers})
    loads = pl.Series([load_for(number, blocking=blocking) for number in on_sale])
    place = pl.lit(loads).search_sorted(erlangs, side="left")
    found = pl.lit(pl.Series([*on_sale, None])).gather(place)
    return pl.when(erlangs.is_not_null()).then(found)


def show(sized: pl.DataFrame, *, rows: int = 10) -> None:
    """Print the customers with the largest differences, and the totals."""
    known = sized.filter(pl.col("error").is_null())
    furthest = known.sort(
        (pl.col("needs") - pl.col("has")).abs(), "customer", descending=[True, False]
    )
    print("customer      calls  peak   erlangs  has  needs  change in EUR")
    for row in furthest.head(rows).iter_rows(named=True):
        change = (row["would_pay"] - row["pays"]) / 100
        print(
            f"{row['customer']:10}{row['calls']:9,}{row['peak']:6}{row['erlangs']:10.3f}"
            f"{row['has']:5}{row['needs']:7}  {change:+13,.2f}"
        )
    pays, would_pay = known["pays"].sum() / 100, known["would_pay"].sum() / 100
    print(f"{len(known):,} customers pay {pays:,.2f} EUR and would pay {would_pay:,.2f} EUR.")
    for code, count in sized["error"].drop_nulls().value_counts(sort=True).iter_rows():
        print(f"{count:,} customers are left out: {code}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the arguments, make the records if wanted, size the customers, and write the result."""
    parser = argparse.ArgumentParser(description="size customers from their call records")
    parser.add_argument("folder", type=Path, help="the folder with the two Parquet files")
    parser.add_argument("--make", type=int, metavar="CALLS", help="make up records first")
    parser.add_argument("--customers", type=int, default=2_000, help="made-up customers")
    parser.add_argument("--seed", type=int, default=1, help="of the made-up records")
    parser.add_argument("--zone", type=ZoneInfo, default=ZoneInfo("Europe/Warsaw"))
    parser.add_argument("--blocking", type=float, default=0.02)
    chosen = parser.parse_args(arguments)
    if chosen.make:
        chosen.folder.mkdir(parents=True, exist_ok=True)
        make_records(chosen.folder, calls=chosen.make, customers=chosen.customers, seed=chosen.seed)
    sized = size(chosen.folder, zone=chosen.zone, blocking=chosen.blocking)
    sized.write_parquet(chosen.folder / "sizes.parquet")
    show(sized)


if __name__ == "__main__":
    main()

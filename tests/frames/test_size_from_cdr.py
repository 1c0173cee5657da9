"""The example that sizes customers from call records, run with few records."""

from datetime import timedelta
from importlib import import_module
from zoneinfo import ZoneInfo

import pytest

from channelplans import SKYPE_CONNECT, channels_for, quote
from channelplans.explore import CallInterval, measure_traffic

WARSAW = ZoneInfo("Europe/Warsaw")


@pytest.fixture(scope="module")
def sized(tmp_path_factory):
    """Return the example, and the folder in which it has sized made-up records."""
    for module in ("numpy", "polars"):
        pytest.importorskip(module)
    example = import_module("examples.size_from_cdr")
    folder = tmp_path_factory.mktemp("calls")
    example.main([str(folder), "--make", "4000", "--customers", "12"])
    return example, folder


def test_the_example_sizes_each_customer_as_the_scalar_functions(sized):
    """The traffic, the channels and the prices of each customer equal those computed one by one."""
    import polars as pl

    example, folder = sized
    calls = pl.read_parquet(folder / "calls.parquet").rows_by_key("customer")
    held = dict(pl.read_parquet(folder / "customers.parquet").iter_rows())
    rows = pl.read_parquet(folder / "sizes.parquet").rows(named=True)

    assert {row["customer"] for row in rows} == {*held}
    for row in rows:
        intervals = [
            CallInterval(start, timedelta(seconds=seconds))
            for start, seconds in calls[row["customer"]]
        ]
        report = measure_traffic(intervals, zone=WARSAW, weekdays=range(5))
        needs = channels_for(report.erlangs, blocking=0.02)
        pays, would_pay = (
            quote(SKYPE_CONNECT.plan(channels=channels), example.TARIFF, on=example.ON).total.minor
            for channels in (held[row["customer"]], needs)
        )
        expected = (report.calls, report.busy_hour, report.peak, report.erlangs)
        assert (row["calls"], row["busy_hour"], row["peak"], row["erlangs"]) == expected
        assert (row["has"], row["needs"]) == (held[row["customer"]], needs)
        assert (row["pays"], row["would_pay"], row["error"]) == (pays, would_pay, None)


def test_the_example_leaves_out_customers_with_an_error(sized, capsys):
    """Customers without a result are counted by the code of their error, and not priced."""
    import polars as pl

    example, _ = sized
    names = ("customer", "calls", "peak", "erlangs", "has", "needs", "pays", "would_pay", "error")
    rows = [
        ("c-1", 3, 1, 0.5, 2, 3, 1390, 2085, None),
        ("c-2", 3, None, None, 2, None, 1390, None, "invalid-value"),
    ]
    example.show(pl.DataFrame(rows, names, orient="row"))

    printed = capsys.readouterr().out
    assert "c-1" in printed
    assert "c-2" not in printed
    assert "1 customers pay 13.90 EUR and would pay 20.85 EUR." in printed
    assert "1 customers are left out: invalid-value" in printed


def test_the_example_makes_the_same_records_from_the_same_seed(sized, tmp_path):
    """The records depend on nothing but the arguments."""
    import polars as pl

    example, folder = sized
    example.make_records(tmp_path, calls=4000, customers=12)
    for name in ("calls.parquet", "customers.parquet"):
        assert pl.read_parquet(tmp_path / name).equals(pl.read_parquet(folder / name))

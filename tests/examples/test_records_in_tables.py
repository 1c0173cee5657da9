"""Rows of values become columns of pandas and polars that can be summed and plotted."""

from datetime import date
from decimal import Decimal

import pytest

from channelplans import EUR, Billing, MemoryStore, Money, Tariff, Wallet
from channelplans.explore import Need, Product, compare_plans
from channelplans.offers import SKYPE_CONNECT

NOT_INSTALLED = "pandas and polars are not installed; `tox run -e full` runs this test"
pandas = pytest.importorskip("pandas", reason=NOT_INSTALLED)
polars = pytest.importorskip("polars", reason=NOT_INSTALLED)
figure = pytest.importorskip("matplotlib.figure", reason=NOT_INSTALLED)

ACME = Wallet("acme")


@pytest.fixture(scope="module")
def rows():
    """Return the rows of a statement: a deposit, a purchase and two renewals of 41.70."""
    billing = Billing(MemoryStore(), prices=Tariff("2026", EUR, channel="6.95"))
    day = date(2026, 1, 5)
    billing.deposit(ACME, Money.of("200", EUR), transfer="p-1", on=day)
    billing.buy(
        SKYPE_CONNECT.plan(channels=6),
        account="acme",
        profile="berlin",
        subscription="s-1",
        on=day,
    )
    billing.run_due(on=date(2026, 3, 6))
    return billing.statement(ACME).to_records()


def draw(days, amounts):
    """Return the points that matplotlib draws for two columns."""
    ax = figure.Figure().subplots()
    (line,) = ax.plot(days, amounts)
    ax.figure.draw_without_rendering()
    return line.get_xydata()


def test_pandas_sums_amounts_exactly(rows):
    """A column of Decimal has an exact sum."""
    frame = pandas.DataFrame(rows)

    assert Decimal("74.90") == frame["amount"].sum()


def test_pandas_plots_days_and_whole_numbers_as_they_are(rows):
    """Days and smallest units need no conversion."""
    frame = pandas.DataFrame(rows)

    assert [20000.0, 15830.0, 11660.0, 7490.0] == list(
        draw(frame["value_date"], frame["balance_minor"])[:, 1]
    )


def test_pandas_plots_amounts_after_a_conversion(rows):
    """``astype`` makes floats of Decimals, and ``to_datetime`` a column of days."""
    frame = pandas.DataFrame(rows).astype({"balance": float})
    frame["value_date"] = pandas.to_datetime(frame["value_date"])
    ax = frame.plot(x="value_date", y="balance", ax=figure.Figure().subplots())

    assert [200.0, 158.3, 116.6, 74.9] == list(ax.lines[0].get_ydata())


def test_polars_has_a_type_for_each_column(rows):
    """Days are Date, amounts Decimal with the decimals of the currency."""
    frame = polars.DataFrame(rows, infer_schema_length=None)

    assert polars.Date == frame.schema["value_date"]
    assert polars.Decimal(38, 2) == frame.schema["amount"]
    assert polars.Int64 == frame.schema["minor"]
    assert Decimal("74.90") == frame["amount"].sum()


def test_polars_plots_days_and_amounts(rows):
    """Two columns are drawn as they are."""
    frame = polars.DataFrame(rows, infer_schema_length=None)

    assert [200.0, 158.3, 116.6, 74.9] == list(draw(frame["value_date"], frame["balance"])[:, 1])


def test_both_accept_the_options_of_a_comparison():
    """A product that is not possible has no numbers, and the other row still makes columns."""
    products = [
        Product(SKYPE_CONNECT, Tariff("with minutes", EUR, channel="7", minute="0.02")),
        Product(SKYPE_CONNECT, Tariff("without", EUR, channel="7")),
    ]
    options = compare_plans(Need(channels=3, minutes={"US": 100}), products).to_records()

    assert 23.0 == pandas.DataFrame(options)["per_30_days"].astype(float)[0]
    frame = polars.DataFrame(options, infer_schema_length=None)
    assert [Decimal("23.00"), None] == frame["per_30_days"].to_list()

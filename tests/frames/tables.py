"""Tables for the tests: the edges of all rules, and random rows."""

from datetime import date, timedelta
from itertools import combinations, cycle, product

from hypothesis import strategies as st

from channelplans import EUR, JPY, Ladder, LadderMode, Tariff, Tier
from channelplans.money import Currency
from channelplans.offers import OFFERS

CHANNELS = (
    *(None, -(10**18), -1, 0, 1, 2, 4, 5, 6, 49, 50, 51, 99, 100, 101, 104, 105, 106, 109, 110),
    *(114, 115, 299, 300, 301, 309, 10**6, 10**6 + 1, 10**18 - 1, 10**18, 2**62, -(2**63)),
)
BUNDLES = (None, -(10**18), -1, 0, 1, 2, 5, 100, 101, 300, 10**6, 10**6 + 1, 10**18, 2**62)
DAYS = (
    None,
    *(date(1, 1, 1), date(1, 1, 2), date(1, 2, 1), date(1, 2, 28), date(1, 3, 1)),
    *(date(1969, 12, 31), date(1970, 1, 1), date(2000, 2, 29), date(2023, 12, 31)),
    *(date(2024, 1, 1), date(2024, 1, 30), date(2024, 1, 31), date(2024, 2, 28)),
    *(date(2024, 2, 29), date(2024, 3, 1), date(2024, 12, 31), date(2025, 1, 31)),
    *(date(2025, 2, 28), date(2025, 3, 30), date(2100, 2, 28), date(2100, 3, 1)),
    *(date(9999, 10, 31), date(9999, 11, 30), date(9999, 12, 1), date(9999, 12, 2)),
    date(9999, 12, 31),
)
# How many days after its first day a term ends early.
ENDED_AFTER = (0, 1, 10, 14, 15, 27, 28, 29, 30, 31, 32, 366, -1, -400)

#: One key for each shipped offer whose rules for columns differ from those of the other_edges.
OFFER_KEYS = tuple(
    {
        (offer.quantity, offer.bundle, offer.term.length, offer.term.billing_day, offer.refund): key
        for key, offer in reversed(list(OFFERS.items()))
    }.values()
)

TARIFFS = {
    "flat": Tariff("flat", EUR, channel="6.95", bundle="10", setup="25", channel_setup="1.5"),
    "without bundles": Tariff("without bundles", JPY, channel="700"),
    "ladders": Tariff(
        "ladders",
        EUR,
        channel=Ladder(
            (
                Tier(5, unit="7.005", flat="1.001"),
                Tier(100, unit="0.333", pack=7),
                Tier(250, unit="6", flat="0.5", pack=3),
                Tier(None, unit="5.125"),
            ),
            mode=LadderMode.GRADUATED,
        ),
        bundle=Ladder((Tier(2, unit="9.995"), Tier(None, unit="9.555", flat="3"))),
    ),
    "fine units": Tariff("fine units", Currency("EUR", 5), channel="6.95123", bundle="9.99999"),
}


def combine(*edges):
    """Yield each pair of edges of two columns, with the edges of other columns in turn."""
    for left, right in combinations(range(len(edges)), 2):
        other_edges = [cycle(values) for values in edges]
        for pair in product(edges[left], edges[right]):
            row = [next(values) for values in other_edges]
            row[left], row[right] = pair
            yield tuple(row)


def request_rows():
    """Return requests with every pair of edges: channels, bundles, and the day of purchase."""
    return [*dict.fromkeys(combine(CHANNELS, BUNDLES, DAYS))]


def ended_day(start, days):
    """Return a day after the start of a term; None if the calendar has no such day."""
    if (
        start is None
        or not date.min.toordinal() <= start.toordinal() + days <= date.max.toordinal()
    ):
        return None
    return start + timedelta(days)


def days(first=date(1, 1, 1), last=date.max):
    """Return a strategy for days, with leap days and the ends of months and years."""
    return st.dates(first, last) | st.sampled_from(DAYS[1:])


def missing_or(values):
    """Return a strategy for values that are sometimes missing."""
    return st.none() | values


def requests():
    """Return a strategy for tables of requests."""
    numbers = st.integers(-2, 320) | st.sampled_from(CHANNELS)
    bundles = st.integers(-1, 12) | st.sampled_from(BUNDLES)
    row = st.tuples(missing_or(numbers), missing_or(bundles), missing_or(days()))
    return st.lists(row, min_size=10, max_size=40)

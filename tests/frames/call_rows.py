"""Rows of calls for the tests, and what the scalar functions answer for them."""

import random
from datetime import date, timedelta
from itertools import product

import attrs
from hypothesis import strategies as st
from tests.frames.tables import missing_or

from channelplans import EUR, Call, Rate, Tariff, rate_call
from channelplans.allowances import Allowance
from channelplans.errors import ChannelPlansError
from channelplans.money import Rounding
from channelplans.rules import CallRule
from channelplans.testing.strategies import offers, tariffs

COLUMNS = (
    *("subscription", "call", "number", "destination", "seconds"),
    *("granted_seconds", "used_seconds"),
)
RATED = (
    *("counted_seconds", "included_seconds", "overage_seconds", "other_seconds"),
    *("charge_minor", "error"),
)

NUMBERS = (
    *("+12125550100", "0012125550100", "2125550100", "12125550100", "+1 (218) 632-0100", "2186320"),
    *(
        "+49 (0)30 555",
        "0049(0)30555",
        "+4(0)5(0)6",
        "+4 (0)(0)9",
        "+49 ((0)30",
        "+49(151)5",
        "+491",
    ),
    *("+0049 151 555", "+(0)49151", "+49(0)", "(0)30 555", "015155501", "+4915155501", "491515550"),
    *("112", "911", "9-1-1", "+911", "00911", "0", "00", "000", "+00", "+0(0)"),
    *(
        "",
        "+",
        "abc",
        " 911",
        "911 ",
        "12\n",
        "12\t3",
        "++49",
        "49+",
        "1/2",
        "+49151\u0660",
        "１２３",
    ),
    None,
)
DESTINATIONS = (
    *("US", "DE", "DE-mobile", "PL", "XX", "us", "4915", "Ö", "日本", "\U0001f600", "a b"),
    *("", " DE", "DE ", "D\tE", "DE\n", "a\u00a0b", "Ö\u200b", "\u0378", "\u2028", "\ue000", None),
)
SECONDS = (0, 1, 29, 30, 31, 36, 37, 59, 60, 61, 600, 3600, 86_400, 10**6, 2**31, -1, None)
GRANTED = (0, 1, 100, 900, 54_000, 300_000, 2**31, -1, None)

#: Rates by prefix and destination, with fees, and with their own counting rules.
RATES = Tariff(
    "rates",
    EUR,
    channel="6.95",
    bundle="10",
    minute="0.021",
    rates={
        "DE": "0.02",
        "DE-mobile": Rate("0.19", connection="0.05", minimum_charge="0.1"),
        "4915": Rate("0.123456789", minimum_charge="0.0051"),
        "49": "0.03",
        "4": Rate("1.5", counting=CallRule(timedelta(0), timedelta(seconds=60), Rounding.UP)),
        "405": Rate("0.3", counting=CallRule(timedelta(minutes=1), timedelta(seconds=1))),
        "1218": Rate(
            "0.0333", counting=CallRule(timedelta(0), timedelta(seconds=1), Rounding.HALF_EVEN)
        ),
        "1": Rate("0", connection="0.005"),
        "PL": Rate("0.007", counting=CallRule(timedelta(0), timedelta(seconds=7), Rounding.DOWN)),
    },
)


def rate_rows(offer, tariff, rows):
    """Return what ``rate_calls_frame`` must add to each row; rows are in their order.

    The allowance of a subscription is that of its first legal call, and each call uses it.
    """
    used_later: dict[str, timedelta] = {}
    return [_rate_row(offer, tariff, used_later, *row) for row in rows]


def _rate_row(offer, tariff, used_later, subscription, call, *values):
    number, destination, seconds, granted, used = values
    try:
        called = Call(str(call), number, destination, date(2026, 1, 5), _as_duration(seconds))
        allowance = Allowance(_as_duration(granted), _as_duration(used))
        allowance = allowance.use(used_later.get(subscription, timedelta(0)))
        rated = rate_call(called, allowance, tariff, offer=offer)
    except ChannelPlansError as error:
        return (*[None] * 5, error.code)
    used_later[subscription] = used_later.get(subscription, timedelta(0)) + rated.included
    parts = (rated.counted, rated.included, rated.overage, rated.other)
    charge = sum(charge.amount.minor for charge in rated.charges)
    return (*[part // timedelta(seconds=1) for part in parts], charge, None)


def _as_duration(seconds):
    return None if seconds is None else timedelta(seconds=seconds)


def edge_rows():
    """Return calls with every pair of edges; each has another subscription."""
    pairs = [
        *product(NUMBERS, DESTINATIONS, (61,), (900,)),
        *product(
            ("+12125550100", "+49 30 555", "", None), ("US", "DE", "", None), SECONDS, GRANTED
        ),
    ]
    rows = []
    for place, (number, destination, seconds, granted) in enumerate(pairs):
        used = (0, 1, granted, 850)[place % 4]
        if used is not None and granted is not None and used > granted:
            used = granted + place % 3 // 2
        rows.append((f"s-{place}", place, number, destination, seconds, granted, used))
    return rows


def random_rows(seed, count, *, subscriptions=200):
    """Return random calls of some subscriptions, in the order in which they use allowances."""
    chance = random.Random(seed)
    granted = [chance.choice((0, 900, 6000, 300_000)) for _ in range(subscriptions)]
    used = [chance.choice((0, minutes // 3, minutes)) for minutes in granted]
    rows = []
    for place in range(count):
        subscription = chance.randrange(subscriptions)
        prefix = chance.choice(
            ("+1212", "001218", "212", "+4930", "+4915", "+48", "+44", "911", "0")
        )
        number = f"{prefix}{chance.choice(('', chance.randrange(10**6)))}"
        destination = chance.choice(("US", "US", "DE", "DE-mobile", "PL", "GB", "CA"))
        seconds = chance.choice((0, chance.randrange(120), chance.randrange(4000), None, -1))
        minutes = granted[subscription], used[subscription]
        rows.append((f"s-{subscription}", place, number, destination, seconds, *minutes))
    return rows


def in_seconds(rule):
    """Return a counting rule in whole seconds."""
    second = timedelta(seconds=1)
    step = max(rule.step // second, 1) * second
    return attrs.evolve(rule, minimum=rule.minimum // second * second, step=step)


@st.composite
def offers_in_seconds(draw):
    """Return a strategy for offers whose rules for calls are in whole seconds."""
    offer = draw(offers())
    bundle = offer.bundle
    if bundle is not None and bundle.longest_call is not None:
        seconds = max(bundle.longest_call // timedelta(seconds=1), 1)
        bundle = attrs.evolve(bundle, longest_call=timedelta(seconds=seconds))
    return attrs.evolve(offer, bundle=bundle, calls=in_seconds(offer.calls))


@st.composite
def tariffs_in_seconds(draw):
    """Return a strategy for tariffs whose rates count whole seconds."""
    tariff = draw(tariffs(currency=draw(st.sampled_from([EUR, attrs.evolve(EUR, exponent=5)]))))
    rates = {
        key: attrs.evolve(rate, counting=rate.counting and in_seconds(rate.counting))
        for key, rate in tariff.rates.items()
    }
    return attrs.evolve(tariff, rates=rates)


@st.composite
def call_tables(draw, offer, tariff):
    """Return a strategy for tables of calls of three subscriptions."""
    keys = [*(offer.bundle.area if offer.bundle else ()), *tariff.rates]
    bundle = offer.bundle
    prefixes = [f"+{key}" for key in keys if key.isdigit()]
    prefixes += ["", "+", "00", *offer.calls.barred_numbers]
    if bundle is not None:
        prefixes += [f"+{bundle.calling_code}", bundle.trunk_prefix]
        prefixes += [f"00{bundle.calling_code}{prefix}" for prefix in bundle.excluded_prefixes]
        prefixes += [f"{bundle.trunk_prefix}{prefix}" for prefix in bundle.excluded_prefixes]
    rest = st.text("0123456789 ()-.+", max_size=8)
    number = st.tuples(st.sampled_from(prefixes), rest).map("".join) | st.sampled_from(NUMBERS)
    destination = st.sampled_from([*keys, *DESTINATIONS])
    seconds = missing_or(st.integers(-1, 300) | st.sampled_from(SECONDS[:-1]))
    granted = draw(
        st.lists(st.sampled_from(GRANTED) | st.integers(0, 4000), min_size=3, max_size=3)
    )
    used = [
        draw(st.integers(0, minutes) if minutes and minutes > 0 else st.just(0))
        for minutes in granted
    ]
    places = draw(st.lists(st.integers(0, 2), min_size=10, max_size=40))
    return [
        (
            f"s-{place}",
            call,
            draw(number),
            draw(destination),
            draw(seconds),
            granted[place],
            used[place],
        )
        for call, place in enumerate(places)
    ]

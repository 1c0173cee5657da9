"""Values and plain dicts: what is written, what is read, and what is refused, and where."""

import copy
import enum
import json
import tomllib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from pathlib import Path
from typing import get_args

import attrs
import pytest
from jsonschema import Draft202012Validator

from channelplans.calendar import Days, Months, Term
from channelplans.catalogue import Catalogue, Edition, Existing
from channelplans.codec import decode, digest, encode, schema
from channelplans.errors import (
    BundlesNotAllowed,
    ChannelsNotSellable,
    CurrencyMismatch,
    InvalidValue,
    NotDecodable,
    WrongType,
)
from channelplans.identifiers import AccountId, ProfileId, SubscriptionId
from channelplans.ladders import Ladder, Tier
from channelplans.ledger import Posting, Purse, Reason
from channelplans.lifecycle import Decision, buy, change, deposit
from channelplans.money import EUR, PLN, Currency, Money, Rounding
from channelplans.offers import SKYPE_CONNECT, SKYPE_CONNECT_2011
from channelplans.plans import Offer, Plan
from channelplans.pricing import Quote, Tariff, amend, quote
from channelplans.rules import (
    BundleRule,
    CallRule,
    ChangeRule,
    Effect,
    Notice,
    QuantityRule,
    RefundBasis,
    RefundRule,
    Rollover,
    ShortageRule,
    Step,
    TermRule,
)
from channelplans.subscriptions import Status, Subscription
from channelplans.usage import Allowance

GOLDEN = Path(__file__).parent / "golden"
SCHEMAS = Path(__file__).parents[1] / "docs" / "reference" / "schemas"
JAN_1, JAN_5, INSTANT = date(2026, 1, 1), date(2026, 1, 5), datetime(2026, 1, 5, tzinfo=UTC)

TRUNKS = Offer(
    name="Trunks",
    edition="2026",
    source="https://trunks.example/terms",
    quantity=QuantityRule(2, 400, (Step(100, 10), Step(200, 50)), Rounding.HALF_UP),
    bundles=BundleRule(
        "German minutes",
        minutes=1000,
        area=("DE", "AT"),
        per_channel=None,
        longest_call=timedelta(minutes=90),
        excluded_prefixes=("180", "900"),
        calling_code="49",
        included=500,
        rollover=Rollover(terms=2, cap=1000),
    ),
    term=TermRule(Months(1), aligned=True, holding=Months(12)),
    change=ChangeRule(None, Effect.PRORATE, Effect.NEXT_TERM),
    refund=RefundRule(RefundBasis.NOTHING, RefundBasis.MINUTES, True, Rounding.DOWN),
    calls=CallRule(timedelta(0), timedelta(seconds=1.5), Rounding.UP),
    notices=(Notice("no-fax", "Not for fax.", "section 4"),),
    shortage=ShortageRule(drops_bundles=True, grace=Days(7)),
)
LADDER = Ladder((Tier(10, "6.95"), Tier(50, "60", "2.5", 10), Tier(None, "5")), graduated=True)
PRICES = {"DE": "0.02", "FR": "0.03"}
TRUNK_PRICES = Tariff(
    "Trunks 2026", EUR, LADDER, "10", "0.0215", {"PL": "0.019", "FR": "0.03"}, "49", "1.5"
)
LINES_2025 = Offer(
    "Lines",
    "2025",
    "the price list",
    QuantityRule(1, 30),
    None,
    TermRule(Days(30)),
    ChangeRule(),
    RefundRule(),
    CallRule(),
)
LINES_2026 = attrs.evolve(LINES_2025, edition="2026", quantity=QuantityRule(1, 60))
LINES = Catalogue(
    (
        Edition(LINES_2025, Tariff("Lines 2025", PLN, 25, 0, "0.1"), date(2025, 1, 1), JAN_1),
        Edition(
            LINES_2026,
            Tariff("Lines 2026", PLN, "27.5", 0, "0.1"),
            JAN_1,
            date(2027, 1, 1),
            date(2026, 3, 1),
        ),
        Edition(
            LINES_2026,
            Tariff("Lines 2027", PLN, 30, 0, "0.1"),
            date(2027, 1, 1),
            existing=Existing.PINNED,
        ),
    )
)
TARIFF = Tariff("made up", EUR, "6.95", "10", "0.021", PRICES)
CATALOGUE = Catalogue((Edition(SKYPE_CONNECT, TARIFF, JAN_1),))
PLAN = SKYPE_CONNECT.plan(channels=105, bundles=2)
PAID = quote(PLAN, TARIFF, on=JAN_5)

TRUNK_CATALOGUE = Catalogue((Edition(TRUNKS, TRUNK_PRICES, JAN_1),))
THREE, FIVE = TRUNKS.plan(channels=3, bundles=1), TRUNKS.plan(channels=5, bundles=1)
# 17 of January's 31 days: 3 x 6.95 gives 11.43, a bundle of 10 gives 5.48, and set up are the
# trunk, 49, and its channels, 3 x 1.50. From the 20th on, 12 days of 2 more give 5.38 and 3.00.
AMENDED = amend(
    quote(THREE, TRUNK_PRICES, on=date(2026, 1, 15)),
    FIVE,
    on=date(2026, 1, 20),
    effect=Effect.PRORATE,
)
FEBRUARY = Term(date(2026, 2, 1), date(2026, 3, 1))
# 3 x 500 minutes and a bundle of 1,000 are 150,000 seconds; 3 x 6.95 and 10 are 30.85.
HELD = Subscription(
    id=SubscriptionId("s-1"),
    account=AccountId("acme"),
    profile=ProfileId("berlin"),
    paid=Quote(THREE, TRUNK_PRICES, FEBRUARY),
    anchor=JAN_1,
    number=1,
    status=Status.ACTIVE,
    allowance=Allowance(
        timedelta(minutes=2500),
        used=timedelta(seconds=90),
        carried=(timedelta(seconds=59818.5), timedelta(0)),
    ),
    last_changed_on=date(2026, 2, 10),
    sequence=5,
    acted_on=date(2026, 2, 12),
    since=date(2026, 1, 15),
    pending=TRUNKS.plan(channels=2),
)
BERLIN = Purse(AccountId("acme"), ProfileId("berlin"))
CALLED = Posting(
    BERLIN,
    Money(-12345, Currency("EUR", 5)),
    Reason.CALL,
    date(2026, 2, 3),
    term=FEBRUARY,
    reference="c-1",
)
# 15 of February's 28 days: 2 x 6.95 gives 7.45, with 3.00 for setting them up 10.45. Paid for
# are (2,500 x 28 + 1,000 x 15) / 28 minutes, which are 182,142 whole seconds.
DECIDED = change(HELD, FIVE, TRUNK_PRICES, on=date(2026, 2, 14))
GIVEN = Posting(BERLIN, Money(500, EUR), Reason.BONUS, date(2026, 2, 14))
DECIDED = attrs.evolve(DECIDED, postings=(*DECIDED.postings, GIVEN), notices=TRUNKS.notices)


def golden(name):
    """Read a dict as it was written by hand."""
    return json.loads((GOLDEN / name).read_text(encoding="utf-8"))


def refusal(kind, data, **known):
    """Return the path and the problem that data is refused with."""
    with pytest.raises(NotDecodable) as caught:
        decode(kind, data, **known)
    return caught.value.path, caught.value.problem


def spots(data, path=()):
    """Yield the steps to everything in plain data."""
    entries = data.items() if isinstance(data, dict) else enumerate(data)
    for key, each in entries:
        yield (*path, key)
        if isinstance(each, (dict, list)):
            yield from spots(each, (*path, key))


def at(value, steps):
    """Return what stands at the end of the steps, in plain data or in a value."""
    for step in steps:
        plain = isinstance(value, (dict, list))
        value = value[step] if plain else getattr(value, step)
    return value


def told(steps, root="offer"):
    """Write steps as a path."""
    return root + "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in steps)


def altered(data, steps, change):
    """Return a copy of the data in which something is done at the end of the steps."""
    data = copy.deepcopy(data)
    change(at(data, steps[:-1]), steps[-1])
    return data


def put(value):
    """Return a change that puts a value in."""
    return lambda holder, key: holder.__setitem__(key, value)


SKYPE = encode(SKYPE_CONNECT)
KEYS = [steps for steps in spots(SKYPE) if isinstance(steps[-1], str)]
TABLES = [steps for steps in [(), *spots(SKYPE)] if isinstance(at(SKYPE, steps), dict)]
#: What the constructor does without as well.
OPTIONAL = {("bundles",): None, ("notices",): (), ("quantity", "steps"): ()}
LENGTH = ("term", "length", "days")


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("offer-1.json", Offer, TRUNKS),
        ("tariff-1.json", Tariff, TRUNK_PRICES),
        ("catalogue-1.json", Catalogue, LINES),
        ("plan-1.json", Plan, TRUNKS.plan(channels=123, bundles=2)),
        ("quote-1.json", Quote, AMENDED),
        ("subscription-1.json", Subscription, HELD),
        ("posting-1.json", Posting, CALLED),
        ("decision-1.json", Decision, DECIDED),
    ],
)
def test_version_1_is_read_and_written_as_it_was(name, kind, value):
    """The files of version 1 stand for these values, and these values are written so."""
    data = golden(name)
    back = decode(kind, data, catalogue=TRUNK_CATALOGUE)

    assert value == back
    assert data == encode(value)
    assert data == encode(back)


def test_defaults_are_left_out():
    """What is the field's default is not written, so that a new default changes no digest."""
    data = encode(SKYPE_CONNECT)

    assert {"minimum": 1, "maximum": 300, "steps": [{"above": 100, "multiple": 10}]} == (
        data["quantity"]
    )
    assert ({}, {}, {}) == (data["change"], data["refund"], data["calls"])
    assert "shortage" not in data


def test_none_is_left_out_unless_something_else_is_the_default():
    """No bundles are no key; any number of them for a channel is "none", since 1 is the default."""
    unbounded = BundleRule("minutes", 100, ("DE",), per_channel=None)
    with_bundles = encode(attrs.evolve(SKYPE_CONNECT, bundles=unbounded))
    without = encode(attrs.evolve(SKYPE_CONNECT, bundles=None))

    assert {"name": "minutes", "minutes": 100, "area": ["DE"], "per_channel": "none"} == (
        with_bundles["bundles"]
    )
    assert "bundles" not in without
    assert decode(Offer, without).bundles is None


def test_the_word_none_is_text_where_none_is_the_default():
    """An offer may be called "none"; only a field with another default takes the word for None."""
    offer = attrs.evolve(SKYPE_CONNECT, name="none", edition="none")

    assert offer == decode(Offer, encode(offer))


def test_equal_prices_are_written_alike():
    """6.50, 6.5 and 65E-1 are one price, nothing is 0 however it is signed; no context is read."""
    decimals = [Decimal(each) for each in ("6.50", "6.5", "65E-1", "-0.00", "1E+2")]
    long = Decimal("0.1234567890123456789012345678901234567890")
    with localcontext(prec=3):
        written = [encode(attrs.evolve(TARIFF, channel=price))["channel"] for price in decimals]
        minute = encode(attrs.evolve(TARIFF, minute=long))["minute"]

    assert ["6.5", "6.5", "6.5", "0", "100"] == written
    assert "0.123456789012345678901234567890123456789" == minute


@pytest.mark.parametrize(
    ("data", "duration"),
    [
        ({"seconds": 30}, timedelta(seconds=30)),
        ({"microseconds": 1}, timedelta(microseconds=1)),
        ({"hours": 1, "minutes": 30}, timedelta(minutes=90)),
    ],
)
def test_durations_are_whole_units(data, duration):
    """A duration is read from hours, minutes, seconds and microseconds, those that there are."""
    offer = decode(Offer, altered(SKYPE, ("calls", "minimum"), put(data)))

    assert duration == offer.calls.minimum


def test_durations_are_written_as_seconds():
    """Whole seconds, and microseconds where there are some; exactly, whatever the length."""
    rule = CallRule(timedelta(days=999_999_999), timedelta(seconds=2, microseconds=1))
    written = encode(attrs.evolve(SKYPE_CONNECT, calls=rule))["calls"]

    assert {
        "minimum": {"seconds": 86_399_999_913_600},
        "step": {"seconds": 2, "microseconds": 1},
    } == written


def test_a_kind_of_day_is_written_as_a_day():
    """Libraries bring dates of a class of their own; what counts is the day."""
    other = type("Other", (date,), {})
    catalogue = Catalogue((Edition(SKYPE_CONNECT, TARIFF, other(2026, 1, 1)),))

    assert "2026-01-01" == encode(catalogue)["editions"][0]["start"]


def test_a_toml_text_is_read():
    """What tomllib reads is decoded as it is, days among it; a whole catalogue is one text."""
    text = """
        version = 1
        kind = "catalogue"

        [[editions]]
        start = 2026-01-01
        existing = 2026-03-01
        offer.name = "Lines"
        offer.edition = "2026"
        offer.source = "the price list"
        offer.quantity = { minimum = 1, maximum = 60 }
        offer.term.length.days = 30
        offer.change = {}
        offer.refund = {}
        offer.calls.minimum.minutes = 1
        tariff.name = "Lines 2026"
        tariff.currency = { code = "PLN", exponent = 2 }
        tariff.channel.tiers = [{ up_to = 5, unit = "27.50" }, { unit = "25" }]
        tariff.bundle = "0"
        tariff.minute = "0.10"
    """
    ladder = Ladder((Tier(5, "27.5"), Tier(None, 25)))
    offer = attrs.evolve(LINES_2026, calls=CallRule(timedelta(minutes=1)))
    tariff = Tariff("Lines 2026", PLN, ladder, 0, "0.1")
    expected = Catalogue((Edition(offer, tariff, JAN_1, existing=date(2026, 3, 1)),))

    assert expected == decode(Catalogue, tomllib.loads(text))


def test_equal_offers_share_a_digest_and_others_do_not():
    """The digest is one of the content, stable from one version of the library to the next."""
    same = decode(Offer, encode(SKYPE_CONNECT))
    other = attrs.evolve(SKYPE_CONNECT, notices=())

    assert digest(SKYPE_CONNECT) == digest(same)
    assert digest(SKYPE_CONNECT) != digest(other)
    assert "43e4c88affe97d5b7b08ec41cd703c1b5f5a3ab15a2def78c1381590e6c5ce08" == digest(
        decode(Offer, golden("offer-1.json"))
    )


def test_the_order_of_rates_is_no_difference():
    """Equal tariffs have equal digests, in whatever order their countries were given."""
    turned = attrs.evolve(TARIFF, rates=dict(reversed(PRICES.items())))

    assert digest(TARIFF) == digest(turned)


@pytest.mark.parametrize("value", [5, EUR, None, PLAN])
def test_only_what_can_be_looked_up_has_a_digest(value):
    """A digest is that of an offer or a tariff."""
    with pytest.raises(WrongType, match="an Offer or a Tariff"):
        digest(value)


def test_a_plan_names_its_offer():
    """Within a plan an offer is its name, edition and digest; the request is kept."""
    expected = {
        "version": 1,
        "kind": "plan",
        "offer": {
            "name": "Skype Connect",
            "edition": "help page",
            "digest": digest(SKYPE_CONNECT),
        },
        "channels": 100,
        "bundles": 2,
        "requested": 105,
    }

    assert expected == encode(PLAN)
    assert PLAN == decode(Plan, expected, catalogue=CATALOGUE)
    assert 105 == decode(Plan, expected, catalogue=CATALOGUE).requested


def test_a_quote_names_its_tariff():
    """Within a quote a tariff is its name and digest; lines that follow from it are not kept."""
    data = encode(PAID)

    assert {"name": "made up", "digest": digest(TARIFF)} == data["tariff"]
    assert {"start": "2026-01-05", "end": "2026-02-04"} == data["term"]
    assert "sold" not in data
    assert PAID == decode(Quote, data, catalogue=CATALOGUE)


def test_a_subscription_with_all_that_it_can_hold_comes_back():
    """Lines that were kept, a pending plan, a rollover: all of it, through JSON."""
    tariff = attrs.evolve(TRUNK_PRICES, name="by the first")
    catalogue = Catalogue((Edition(TRUNKS, tariff, JAN_1),))
    bought = buy(
        TRUNKS.plan(channels=3, bundles=1),
        tariff,
        account=AccountId("acme"),
        profile=ProfileId("berlin"),
        subscription=SubscriptionId("s-1"),
        on=JAN_5,
    ).after
    assert bought is not None
    held = attrs.evolve(bought, pending=TRUNKS.plan(channels=2), last_changed_on=JAN_5)
    data = json.loads(json.dumps(encode(held)))

    assert data["paid"]["sold"][0]["total"]["currency"] == {"code": "EUR", "exponent": 2}
    assert held == decode(Subscription, data, catalogue=catalogue)


def test_an_offer_by_name_asks_for_a_catalogue():
    """Without a catalogue there is nowhere to look it up."""
    expected = ("plan.offer", "stands by its name: give decode the catalogue that has it")

    assert expected == refusal(Plan, encode(PLAN))


def test_an_offer_that_the_catalogue_has_not_is_refused():
    """The refusal names those that it has."""
    expected = ("plan.offer", "is not in the catalogue, which has: Lines 2025; Lines 2026")

    assert expected == refusal(Plan, encode(PLAN), catalogue=LINES)


def test_a_tariff_that_the_catalogue_has_not_is_refused():
    """A tariff is looked up by its name alone."""
    data = altered(encode(PAID), ("tariff", "name"), put("other"))
    expected = ("quote.tariff", "is not in the catalogue, which has: made up")

    assert expected == refusal(Quote, data, catalogue=CATALOGUE)


@pytest.mark.parametrize(
    ("steps", "known"),
    [(("plan", "offer", "digest"), SKYPE_CONNECT), (("tariff", "digest"), TARIFF)],
)
def test_a_digest_that_differs_is_refused(steps, known):
    """What was sold under a name is not what stands in the catalogue under it."""
    wrong = "0" * 64
    data = altered(encode(PAID), steps, put(wrong))
    problem = f"must be {digest(known)!r}, as in the catalogue, not {wrong!r}"

    assert (told(steps, "quote"), problem) == refusal(Quote, data, catalogue=CATALOGUE)


@pytest.mark.parametrize("steps", [s for s in KEYS if s not in {*OPTIONAL, LENGTH}], ids=told)
def test_a_key_that_is_missing_is_refused_by_its_path(steps):
    """Each key of an offer must be there, unless the constructor does without the field."""
    shorter = altered(SKYPE, steps, lambda holder, key: holder.pop(key))

    assert (told(steps), "is missing") == refusal(Offer, shorter)


@pytest.mark.parametrize("steps", OPTIONAL, ids=told)
def test_a_key_that_the_constructor_does_without_may_be_missing(steps):
    """It means what the constructor takes it for: no bundles, no notices, no steps."""
    offer = decode(Offer, altered(SKYPE, steps, lambda holder, key: holder.pop(key)))

    assert OPTIONAL[steps] == at(offer, steps)


def test_a_length_of_neither_days_nor_months_is_refused():
    """Without the one and the other it is unknown which of them is missing."""
    path, problem = refusal(Offer, altered(SKYPE, LENGTH[:-1], put({})))

    assert "offer.term.length" == path
    assert "must be a table of days or a table of months, not {} (dict)" == problem


@pytest.mark.parametrize("steps", TABLES, ids=told)
def test_a_key_that_is_unknown_is_refused_by_its_path(steps):
    """A misspelt key is refused wherever a table stands, and the known ones are named."""
    path, problem = refusal(Offer, altered(SKYPE, (*steps, "mutiple"), put(10)))

    assert told((*steps, "mutiple")) == path
    assert problem.startswith("is not known; what is: ")


@pytest.mark.parametrize("wrong", [3.5, object(), None, b"5", INSTANT])
@pytest.mark.parametrize("steps", list(spots(SKYPE)), ids=told)
def test_a_wrong_type_is_refused_by_its_path(steps, wrong):
    """Nothing in an offer is a float, an instant, bytes or null."""
    path, problem = refusal(Offer, altered(SKYPE, steps, put(wrong)))

    assert told(steps) == path
    assert problem.startswith("must be ")
    assert f"({type(wrong).__name__})" in problem


DAY, PRICE = 'a day, such as "2026-01-05"', 'a number as text, such as "6.95"'
DURATION = 'a duration, such as {"seconds": 30}'


@pytest.mark.parametrize(
    ("steps", "wrong", "path", "problem"),
    [
        (("version",), 2, "version", "must be 1, not 2 (int)"),
        (("version",), True, "version", "must be 1, not True (bool)"),
        (("kind",), "tariff", "kind", "must be 'offer', not 'tariff' (str)"),
        (("name",), "", "name", "must be one line of text without space around it, not ''"),
        (("quantity", "minimum"), True, "quantity.minimum", "a whole number, not True (bool)"),
        (("quantity", "minimum"), "1", "quantity.minimum", "a whole number, not '1' (str)"),
        (("quantity", "minimum"), 0, "quantity.minimum", "must be at least 1, not 0"),
        (("quantity", "steps", 0, "multiple"), 0, "quantity.steps[0].multiple", "at least 1"),
        (("quantity", "steps", 0, "multiple"), 30, "quantity.steps", "101 would be sold as 90"),
        (("quantity", "steps"), "10", "quantity.steps", "must be a list, not '10' (str)"),
        (("quantity", "steps"), {"above": 1}, "quantity.steps", "must be a list, not {'above'"),
        (
            ("quantity", "rounding"),
            "sideways",
            "quantity.rounding",
            "must be one of 'down', 'up', 'half up', 'half even', not 'sideways' (str)",
        ),
        (("bundles",), "none", "bundles", "must be a table of name, minutes, area, per_channel"),
        (("bundles", "area", 0), " US", "bundles.area[0]", "without space around it, not ' US'"),
        (("bundles", "area", 0), "usa", "bundles.area", "must be two capital letters"),
        (("bundles", "longest_call"), {}, "bundles.longest_call", DURATION),
        (("bundles", "longest_call"), 30, "bundles.longest_call", f"{DURATION}, not 30 (int)"),
        (("bundles", "longest_call"), {"days": 1}, "bundles.longest_call", DURATION),
        (("bundles", "longest_call"), {"seconds": 0.5}, "bundles.longest_call", DURATION),
        (("bundles", "longest_call"), {"hours": 10**30}, "bundles.longest_call", DURATION),
        (("bundles", "longest_call"), {"hours": 0}, "bundles.longest_call", "longer than nothing"),
        (("term", "length"), {"days": 0}, "term.length.days", "must be at least 1, not 0"),
        (("term", "length"), {"months": 0}, "term.length.months", "must be at least 1, not 0"),
        (("term", "length"), {"days": 1, "months": 1}, "term.length.months", "is not known"),
        (
            ("term", "length"),
            {"weeks": 4},
            "term.length",
            "must be a table of days or a table of months, not {'weeks': 4} (dict)",
        ),
        (("term", "aligned"), 1, "term.aligned", "must be true or false, not 1 (int)"),
        (("term", "aligned"), True, "term.length", "must be months, to be aligned to them"),
        (
            ("change", "cooldown"),
            {},
            "change.cooldown",
            "must be a table of days or a table of mon",
        ),
        (("calls", "step"), {"seconds": -1}, "calls.step", "must be longer than nothing"),
        (("notices", 0, "text"), 5, "notices[0].text", "must be text, not 5 (int)"),
        (("shortage",), {"grace": {"months": 1}}, "shortage.grace.months", "is not known"),
    ],
)
def test_what_is_wrong_in_an_offer_is_refused_where_it_is(steps, wrong, path, problem):
    """A path leads to the fault, and the problem says what would do, in an offer."""
    found, why = refusal(Offer, altered(SKYPE, steps, put(wrong)))

    assert f"offer.{path}" == found
    assert problem in why


@pytest.mark.parametrize(
    ("steps", "wrong", "path", "problem"),
    [
        (
            ("channel",),
            6.95,
            "channel",
            f"{PRICE} or a table of tiers, graduated, not 6.95 (float)",
        ),
        (("channel",), 7, "channel", "not 7 (int)"),
        (("channel",), "6,95", "channel", "not '6,95' (str)"),
        (("channel",), "6.955", "channel", "a number of at most 2 decimals"),
        (("channel",), {"tiers": []}, "channel.tiers", "tiers that rise, the last of them open"),
        (("channel",), {"tiers": [{"unit": 5}]}, "channel.tiers[0].unit", f"must be {PRICE}, not"),
        (("minute",), "1e2", "minute", f"must be {PRICE}, not '1e2' (str)"),
        (("minute",), Decimal(1), "minute", f"must be {PRICE}, not Decimal('1') (Decimal)"),
        (("minute",), "-1", "minute", "must be a price of zero or more, not -1"),
        (("currency", "code"), "eur", "currency.code", 'three capital letters, such as "EUR"'),
        (("currency",), "EUR", "currency", "must be a table of code, exponent, not 'EUR' (str)"),
        (("rates",), [], "rates", "must be a table, not [] (list)"),
        (("rates",), {5: "0.1"}, "rates", "must be text, not 5 (int)"),
        (("rates", "DE"), 0.1, "rates['DE']", f"must be {PRICE}, not 0.1 (float)"),
        (("rates", "DE"), "-1", "rates['DE']", "must be a price of zero or more, not -1"),
        (("rates", "Germany"), "1", "rates", 'must be by country, such as {"DE": "0.02"}'),
    ],
)
def test_what_is_wrong_in_a_tariff_is_refused_where_it_is(steps, wrong, path, problem):
    """A path leads to the fault, and the problem says what would do, in a tariff."""
    found, why = refusal(Tariff, altered(encode(TARIFF), steps, put(wrong)))

    assert f"tariff.{path}" == found
    assert problem in why


@pytest.mark.parametrize(
    ("steps", "wrong", "path", "problem"),
    [
        (("editions",), [], "editions", "must be at least one edition"),
        (("editions", 0, "start"), "2025-13-01", "editions[0].start", f"must be {DAY}, not"),
        (("editions", 0, "start"), "20250101", "editions[0].start", f"must be {DAY}, not"),
        (("editions", 0, "start"), 20250101, "editions[0].start", f"must be {DAY}, not 20250101"),
        (("editions", 0, "start"), INSTANT, "editions[0].start", f"must be {DAY}, not datetime"),
        (("editions", 1, "end"), "2026-01-01", "editions[1].end", "after the start, 2026-01-01"),
        (
            ("editions", 1, "existing"),
            "soon",
            "editions[1].existing",
            f"must be one of 'keep theirs', 'at their renewal' or {DAY}, not 'soon' (str)",
        ),
        (
            ("editions", 1, "offer", "term", "length", "days"),
            0,
            "editions[1].offer.term.length.days",
            "1",
        ),
        (("editions", 0, "tariff", "currency", "exponent"), 5, None, "in one currency"),
    ],
)
def test_what_is_wrong_in_a_catalogue_is_refused_where_it_is(steps, wrong, path, problem):
    """A path leads to the fault; what is wrong with the whole has the path of the whole."""
    found, why = refusal(Catalogue, altered(encode(LINES), steps, put(wrong)))

    assert (f"catalogue.{path}" if path else "catalogue") == found
    assert problem in why


def test_a_refusal_says_where_and_why():
    """The sentence is the path and the problem; the rule's own error is behind it."""
    with pytest.raises(NotDecodable) as caught:
        decode(Offer, altered(SKYPE, ("quantity", "minimum"), put(0)))

    assert "offer.quantity.minimum: must be at least 1, not 0" == str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value.__cause__, InvalidValue)


def test_a_plan_that_its_offer_does_not_sell_is_refused():
    """A breach of a rule that names no field has the path of the whole, and its error behind it."""
    data = altered(encode(PLAN), ("channels",), put(103))
    with pytest.raises(NotDecodable) as caught:
        decode(Plan, data, catalogue=CATALOGUE)

    assert "plan" == caught.value.path
    assert isinstance(caught.value.__cause__, ChannelsNotSellable)
    assert str(caught.value.__cause__) == caught.value.problem


STORED = {
    "plan": Plan,
    "quote": Quote,
    "subscription": Subscription,
    "posting": Posting,
    "decision": Decision,
}
FILES = {kind: golden(f"{kind}-1.json") for kind in STORED}
#: What is told by the table that it stands in, and the units of a duration, which are read whole.
PLACES = [
    (kind, steps)
    for kind, data in FILES.items()
    for steps in spots(data)
    if steps[-1] not in {"seconds", "microseconds"}
]
#: The keys that may be missing, after the table that they stand in.
MAY_BE_MISSING = {
    *((plan, key) for plan in ("plan", "pending") for key in ("bundles", "requested")),
    ("offer", "edition"),
    *((quote, "sold") for quote in ("quote", "paid")),
    ("sold", "unit"),
    *(("allowance", key) for key in ("used", "carried")),
    *(
        (held, key)
        for held in ("subscription", "before", "after")
        for key in ("last_changed_on", "acted_on", "since", "pending")
    ),
    ("purse", "profile"),
    *((posting, key) for posting in ("posting", "postings") for key in ("term", "reference")),
    *(("decision", key) for key in ("before", "after")),
}


def may_be_missing(kind, steps):
    """Return whether the last of the steps is a key that a value does without."""
    holder = [kind, *(step for step in steps if isinstance(step, str))]
    return isinstance(steps[-1], int) or (holder[-2], holder[-1]) in MAY_BE_MISSING


def legal(kind, data):
    """Return whether data is of the form that the schema of its kind tells."""
    checker = Draft202012Validator.FORMAT_CHECKER
    return Draft202012Validator(schema(STORED[kind]), format_checker=checker).is_valid(data)


def refused(kind, steps, wrong):
    """Return the path and the problem that a golden file is refused with, with a wrong value."""
    data = altered(FILES[kind], steps, put(wrong))
    return refusal(STORED[kind], data, catalogue=TRUNK_CATALOGUE)


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        (kind, steps)
        for kind, data in FILES.items()
        for steps in [(), *(steps for of, steps in PLACES if of == kind)]
        if isinstance(at(data, steps), dict) and "seconds" not in at(data, steps)
    ],
    ids=str,
)
def test_a_key_that_is_unknown_is_refused_in_what_is_stored(kind, steps):
    """Wherever a table stands, a key that it does not have is refused by its path."""
    path, problem = refused(kind, (*steps, "amout"), 1)

    assert told((*steps, "amout"), kind) == path
    assert problem.startswith("is not known; what is: ")
    assert not legal(kind, altered(FILES[kind], (*steps, "amout"), put(1)))


@pytest.mark.parametrize(
    ("kind", "steps"),
    [(kind, steps) for kind, steps in PLACES if not may_be_missing(kind, steps)],
    ids=str,
)
def test_a_key_that_is_missing_is_refused_in_what_is_stored(kind, steps):
    """What has no default must be there, the version, the kind and the total among it."""
    shorter = altered(FILES[kind], steps, lambda holder, key: holder.pop(key))

    assert (told(steps, kind), "is missing") == refusal(
        STORED[kind], shorter, catalogue=TRUNK_CATALOGUE
    )
    assert not legal(kind, shorter)


@pytest.mark.parametrize(("kind", "steps"), PLACES, ids=str)
def test_a_wrong_type_is_refused_in_what_is_stored(kind, steps):
    """No number for text, no text for a number, nothing for a table or a list, by the path."""
    right = at(FILES[kind], steps)
    wrong: list[object] = [None, 1.5, 7 if isinstance(right, str) else "7"]
    # What JSON has not, and what is a whole number to JSON Schema.
    beyond: list[object] = [INSTANT]
    if isinstance(right, int):
        wrong += [bool(right), str(right), [right]]
        beyond.append(float(right))
    for each in [*wrong, *beyond]:
        path, problem = refused(kind, steps, each)

        assert told(steps, kind) == path
        assert problem.startswith("must be ")
        assert problem.endswith(f"({type(each).__name__})")
    for each in wrong:
        assert not legal(kind, altered(FILES[kind], steps, put(each)))


@pytest.mark.parametrize(
    ("kind", "steps", "wrong", "path", "problem"),
    [
        ("plan", "version", 2, "version", "must be 1, not 2 (int)"),
        ("plan", "kind", "quote", "kind", "must be 'plan', not 'quote' (str)"),
        ("plan", "channels", 121, "", "a request for 123 channels is sold as 120"),
        ("plan", "requested", 126, "", "a request for 126 channels is sold as 130"),
        ("plan", "requested", 401, "", "at least 2 and at most 400"),
        ("plan", "bundles", -1, "", "bundles must be at least 0"),
        ("quote", "plan.channels", 1, "plan", "a request for 5 channels is sold as 5"),
        ("quote", "total.minor", 7878, "total", "must be 78.79 EUR, which follows"),
        ("quote", "total.currency.code", "PLN", "total", "not 78.79 PLN"),
        ("quote", "total.currency.exponent", 3, "total", "not 7.879 EUR"),
        ("quote", "total.currency.exponent", 13, "total.currency.exponent", "at least 0 and at"),
        ("quote", "total", 78.79, "total", "a table of minor, currency, not 78.79 (float)"),
        ("quote", "sold.1.total.minor", 549, "total", "must be 78.80 EUR, which follows"),
        ("quote", "sold.0.total.currency.code", "PLN", "", "EUR"),
        ("quote", "sold.1.unit.currency.code", "PLN", "sold[1]", "EUR"),
        ("quote", "sold.4.term.end", "2026-02-02", "sold", "within 2026-01-15 to 2026-02-01"),
        ("quote", "sold.4.term.start", "2026-01-14", "sold", "within 2026-01-15 to 2026-02-01"),
        ("quote", "sold.1.item", "bundle", "sold[1].item", "must be one of 'channels', "),
        ("quote", "sold.1.term.end", "2026-01-15", "sold[1].term.end", "after the start, "),
        ("quote", "sold.1.quantity", "1", "sold[1].quantity", "must be a whole number, not '1'"),
        ("quote", "sold", [], "total", "must be 0.00 EUR, which follows from the rest, not 78.79"),
        ("quote", "sold", {}, "sold", "must be a list, not {} (dict)"),
        ("quote", "tariff.name", "Trunks 2025", "tariff", "is not in the catalogue"),
        ("quote", "plan.offer.edition", "2025", "plan.offer", "is not in the catalogue"),
        ("subscription", "paid.total.minor", 3084, "paid.total", "must be 30.85 EUR, which"),
        ("subscription", "pending.requested", 3, "pending", "a request for 3 channels is sold as"),
        ("subscription", "number", 2, "paid", "must be for 2026-03-01 to 2026-04-01, which is"),
        ("subscription", "number", -1, "number", "must be at least 0, not -1"),
        ("subscription", "sequence", 0, "sequence", "must be at least 1, not 0"),
        ("subscription", "anchor", "2026-01-02", "paid", "must be for 2026-02-02 to 2026-03-02"),
        ("subscription", "paid.term.end", "2026-03-02", "paid", "must be for 2026-02-01 to 2026"),
        ("subscription", "number", 10**9, "", "would not fit the calendar"),
        ("subscription", "status", "Active", "status", "must be one of 'active', 'cancelled', "),
        (
            "subscription",
            "allowance.used.seconds",
            150_001,
            "allowance.used",
            "must be at most what is granted",
        ),
        (
            "subscription",
            "allowance.carried.1.seconds",
            -1,
            "allowance.carried",
            "must be 0 s or longer, not -0:00:01",
        ),
        (
            "subscription",
            "allowance.carried.1.seconds",
            True,
            "allowance.carried[1]",
            f"must be {DURATION}, not",
        ),
        ("subscription", "allowance.carried.1", 0, "allowance.carried[1]", f"must be {DURATION}"),
        ("subscription", "profile", "", "profile", "must be one line of text"),
        ("subscription", "since", "2026-02-30", "since", f"must be {DAY}, not '2026-02-30'"),
        ("posting", "amount.minor", 0, "amount", "must be above or below zero, not 0.00000 EUR"),
        ("posting", "amount.minor", "-12345", "amount.minor", "a whole number, not '-12345' (str)"),
        ("posting", "amount.minor", 10**60, "amount.minor", "a whole number of at most 60 digits"),
        ("posting", "amount", "-0.12345", "amount", "a table of minor, currency, not '-0.12345'"),
        ("posting", "amount.currency", "EUR", "amount.currency", "a table of code, exponent, not"),
        ("posting", "amount.currency.code", "eur", "amount.currency.code", "three capital letters"),
        ("posting", "reason", "gift", "reason", "must be one of 'deposit', 'bonus', "),
        ("posting", "purse.profile", " berlin", "purse.profile", "without space around it"),
        ("decision", "action", "dance", "action", "must be one of 'buy', 'change', "),
        ("decision", "after.paid.total.minor", 4129, "after.paid.total", "must be 41.30 EUR"),
        ("decision", "before.paid.term", [], "before.paid.term", "a table of start, end, not []"),
        ("decision", "before.paid.plan.channels", 4, "before.paid.plan", "sold as 3"),
        ("decision", "postings.1.amount.minor", 0, "postings[1].amount", "above or below zero"),
        ("decision", "postings.0.purse.account", 5, "postings[0].purse.account", "must be text"),
        ("decision", "notices.0.text", "", "notices[0].text", "must be one line of text"),
        ("decision", "token", "two\nlines", "token", "must be one line of text"),
    ],
)
def test_what_is_wrong_in_what_is_stored_is_refused_where_it_is(kind, steps, wrong, path, problem):
    """A path leads to the fault, and the problem says what would do."""
    steps = tuple(int(step) if step.isdecimal() else step for step in steps.split("."))
    found, why = refused(kind, steps, wrong)

    assert f"{kind}.{path}".rstrip(".") == found
    assert problem in why


@pytest.mark.parametrize(
    ("kind", "steps", "wrong", "cause"),
    [
        ("plan", ("bundles",), -1, BundlesNotAllowed),
        ("plan", ("channels",), 121, ChannelsNotSellable),
        ("quote", ("sold", 1, "total", "currency", "exponent"), 3, CurrencyMismatch),
        ("posting", ("amount", "minor"), 0, InvalidValue),
    ],
)
def test_the_rule_that_is_broken_stands_behind_the_refusal(kind, steps, wrong, cause):
    """A program can tell a broken rule from a broken form by what caused the refusal."""
    data = altered(FILES[kind], steps, put(wrong))
    with pytest.raises(NotDecodable) as caught:
        decode(STORED[kind], data, catalogue=TRUNK_CATALOGUE)

    assert isinstance(caught.value.__cause__, cause)


def test_a_total_too_long_to_add_up_is_refused():
    """Each line may be as long as an amount can be, but not all of them together."""
    longest = 10**60 - 1
    data = altered(FILES["quote"], ("sold", 0, "total", "minor"), put(longest))
    data = altered(data, ("sold", 1, "total", "minor"), put(longest))
    path, problem = refusal(Quote, data, catalogue=TRUNK_CATALOGUE)

    assert "quote" == path
    assert "at most 60 digits" in problem


@pytest.mark.parametrize("word", ["none", "None", "null", "1", "2026-01-05"])
def test_an_identifier_may_be_any_word(word):
    """An identifier, a reference or a token that reads like something else is text all the same."""
    purse = Purse(AccountId(word), ProfileId(word))
    decision = deposit(purse, Money(1, EUR), transfer=word, on=JAN_5)
    held = attrs.evolve(HELD, id=word, account=word, profile=word)
    decision = attrs.evolve(decision, after=held, token=word)
    back = decode(Decision, json.loads(json.dumps(encode(decision))), catalogue=TRUNK_CATALOGUE)

    assert decision == back
    assert (purse, word) == (back.postings[0].purse, back.postings[0].reference)
    assert (held, word) == (back.after, back.token)


def test_a_value_that_nothing_stands_for_is_left_out():
    """A posting of an account's purse that belongs to nothing has neither keys nor nulls for it."""
    posting = attrs.evolve(CALLED, purse=Purse(AccountId("acme")), term=None, reference=None)
    data = encode(posting)

    assert {"account": "acme"} == data["purse"]
    assert ["version", "kind", "purse", "amount", "reason", "on"] == list(data)
    assert posting == decode(Posting, data)


def test_an_identifier_of_a_class_of_its_own_is_written_as_text():
    """An application may keep its profiles in an enum of texts; what is written is plain."""

    class Profiles(enum.StrEnum):
        BERLIN = "berlin"

    written = encode(attrs.evolve(HELD, profile=ProfileId(Profiles.BERLIN)))["profile"]

    assert (str, "berlin") == (type(written), written)


@pytest.mark.parametrize("kind", [int, [], {}, None])
def test_only_a_kind_that_is_written_has_a_schema(kind):
    """What is not written by itself has none."""
    with pytest.raises(
        WrongType, match="kind must be one of Offer, Tariff, Catalogue, Plan, Quote"
    ):
        schema(kind)


KINDS = {"offer": Offer, "tariff": Tariff, "catalogue": Catalogue, **STORED}


@pytest.mark.parametrize("kind", KINDS)
def test_the_published_schema_is_the_schema(kind):
    """What the documentation publishes is what the function returns, to the letter."""
    published = (SCHEMAS / f"{kind}-1.json").read_text(encoding="utf-8")

    assert json.dumps(schema(KINDS[kind]), indent=2) + "\n" == published


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_one_and_takes_the_golden_file(kind):
    """Each schema is legal in its own language, and version 1 is legal by it."""
    form = schema(KINDS[kind])
    Draft202012Validator.check_schema(form)
    faults = Draft202012Validator(form).iter_errors(golden(f"{kind}-1.json"))

    assert [] == [fault.message for fault in faults]


def test_a_schema_says_what_a_dict_must_hold():
    """Keys that may be missing are not required, and a word for None is told beside the form."""
    form = schema(Posting)
    rule = schema(Offer)["$defs"]["ChangeRule"]["properties"]["cooldown"]

    assert ["version", "kind", "purse", "amount", "reason", "on"] == form["required"]
    assert ({"const": 1}, {"const": "posting"}) == tuple(
        form["properties"][key] for key in ("version", "kind")
    )
    assert ["plan", "tariff", "term", "total"] == schema(Decision)["$defs"]["Quote"]["required"]
    assert {"const": "none"} == rule["anyOf"][-1]
    assert form["$defs"]["Money"] == {
        "type": "object",
        "properties": {
            "minor": {"type": "integer"},
            "currency": {"$ref": "#/$defs/Currency"},
        },
        "required": ["minor", "currency"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize("data", [None, 5, "offer", [], [("version", 1)]])
def test_only_a_table_is_decoded(data):
    """Anything but a dict is refused as a whole."""
    path, problem = refusal(Offer, data)

    assert "offer" == path
    assert problem.startswith("must be a table of name, edition, source, quantity, ")


@pytest.mark.parametrize("kind", [EUR.__class__, int, "offer", None, [], Edition])
def test_only_some_kinds_are_decoded(kind):
    """A kind that is not written by itself is refused before its data is looked at."""
    with pytest.raises(WrongType, match="kind must be one of Offer, Tariff, Catalogue"):
        decode(kind, {})


@pytest.mark.parametrize("value", [EUR, 5, None, Offer, LINES.editions[0]])
def test_only_some_kinds_are_encoded(value):
    """A value of another kind is refused."""
    with pytest.raises(WrongType, match="one of Offer, Tariff, Catalogue"):
        encode(value)


def test_the_catalogue_must_be_one():
    """A lookalike is refused, even where nothing is looked up."""
    with pytest.raises(WrongType, match="catalogue must be a Catalogue"):
        decode(Offer, SKYPE, catalogue={})  # type: ignore[arg-type]


def test_nothing_that_is_given_changes():
    """Decoding leaves the dict as it was."""
    data = encode(SKYPE_CONNECT_2011)
    before = copy.deepcopy(data)
    decode(Offer, data)

    assert before == data


def parts(kind):
    """Yield a kind and every class that its fields are made of."""
    kind = getattr(kind, "__supertype__", kind)
    for argument in get_args(kind):
        yield from parts(argument)
    if attrs.has(kind):
        yield kind
        for field in attrs.fields(kind):
            yield from parts(field.type)


@pytest.mark.parametrize("kind", dict.fromkeys([*parts(Catalogue), *parts(Decision)]))
def test_each_field_can_be_told_from_its_annotation_and_default(kind):
    """What one mechanism takes for granted holds for each class that is written by it."""
    for field in attrs.fields(kind):
        text_or_none = {str, type(None)} <= set(get_args(field.type))

        assert field.name == field.alias or not field.init
        assert not getattr(field.default, "takes_self", False)
        assert not text_or_none or field.default in {None, attrs.NOTHING}
        assert field.name not in {"version", "kind"}

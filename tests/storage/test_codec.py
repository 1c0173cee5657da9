"""The codec: how values become plain dicts, are read from them, and which data is refused."""

import copy
import enum
import json
import tomllib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from pathlib import Path
from types import MappingProxyType
from typing import get_args

import attrs
import pytest
from jsonschema import Draft202012Validator

from channelplans.allowances import Allowance
from channelplans.calendar import Days, Months, Term
from channelplans.errors import (
    BundlesNotAllowed,
    ChannelsOutOfRange,
    CurrencyMismatch,
    InvalidValue,
    NotDecodable,
    WrongType,
)
from channelplans.money import EUR, PLN, Currency, Money, Rounding
from channelplans.offers import OFFERS, SKYPE_CONNECT
from channelplans.plans import Offer, Plan
from channelplans.pricing import Quote, amend_quote, price_term, quote
from channelplans.quantities import QuantityRule, Step
from channelplans.rules import (
    BundleRule,
    CallRule,
    ChangeEffect,
    ChangeRule,
    NonPaymentRule,
    Notice,
    RefundBasis,
    RefundRule,
    Rollover,
    TermRule,
)
from channelplans.storage.codec import (
    Encoder,
    decode,
    decode_committed,
    decode_definition,
    definitions_of,
    digest,
    encode,
    schema,
)
from channelplans.storage.ports import Preview, Revision, TransferPreview
from channelplans.subscriptions.actions import buy, change
from channelplans.subscriptions.catalogue import Catalogue, Edition, Migration
from channelplans.subscriptions.decisions import Decision, Transfer
from channelplans.subscriptions.subscription import Status, Subscription
from channelplans.subscriptions.transfers import assign_credit, deposit
from channelplans.subscriptions.wallets import Posting, Reason, Statement, Wallet
from channelplans.tariffs import Ladder, LadderMode, Rate, Tariff, Tier

GOLDEN = Path(__file__).parent / "golden"
SCHEMAS = Path(__file__).parents[2] / "docs" / "reference" / "schemas"
JAN_1, JAN_5, INSTANT = date(2026, 1, 1), date(2026, 1, 5), datetime(2026, 1, 5, tzinfo=UTC)

TRUNKS = Offer(
    name="Trunks",
    edition="2026",
    source="https://trunks.example/terms",
    quantity=QuantityRule(2, 400, (Step(100, 10), Step(200, 50)), Rounding.HALF_UP),
    bundle=BundleRule(
        "German minutes",
        minutes=1000,
        area=("DE", "AT"),
        per_channel=None,
        longest_call=timedelta(minutes=90),
        excluded_prefixes=("180", "900"),
        calling_code="49",
        trunk_prefix="0",
        included=500,
        rollover=Rollover(terms=2, cap=1000),
    ),
    term=TermRule(Months(1), billing_day=1, minimum_term=Months(12)),
    change=ChangeRule(None, ChangeEffect.PRORATE, ChangeEffect.NO_CHARGE),
    refund=RefundRule(RefundBasis.NOTHING, RefundBasis.MINUTES, True, Rounding.DOWN),
    calls=CallRule(timedelta(0), timedelta(seconds=1.5), Rounding.UP, ("110", "112")),
    notices=(Notice("no-fax", "Not for fax.", "section 4"),),
    non_payment=NonPaymentRule(drops_bundles=True, grace=Days(7)),
)
LADDER = Ladder(
    (Tier(10, "6.95"), Tier(50, "60", "2.5", 10), Tier(None, "5")), mode=LadderMode.GRADUATED
)
RATES = {"DE": "0.02", "FR": "0.03"}
MOBILE_RATE = Rate("0.19", "0.05", "0.1", CallRule(timedelta(minutes=1), timedelta(minutes=1)))
TRUNK_RATES: dict[str, Rate | str] = {"PL": "0.019", "FR": "0.03", "4915": MOBILE_RATE}
TRUNK_TARIFF = Tariff("Trunks 2026", EUR, LADDER, "10", "0.0215", TRUNK_RATES, "49", "1.5")
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
LINES_CATALOGUE = Catalogue(
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
            migration=Migration.PINNED,
        ),
    )
)
TARIFF = Tariff("made up", EUR, "6.95", "10", "0.021", RATES)


def by_digest(*definitions):
    """Return offers and tariffs by their digests."""
    return {digest(definition): definition for definition in definitions}


DEFINITIONS = by_digest(SKYPE_CONNECT, TARIFF)
PLAN = SKYPE_CONNECT.plan(channels=105, bundles=2)
QUOTE = quote(PLAN, TARIFF, on=JAN_5)

TRUNK_DEFINITIONS = by_digest(TRUNKS, TRUNK_TARIFF)
THREE_CHANNELS = TRUNKS.plan(channels=3, bundles=1)
FIVE_CHANNELS = TRUNKS.plan(channels=5, bundles=1)
# For 17 of January's 31 days, 3 x 6.95 costs 11.43 and a bundle at 10.00 costs 5.48. Set-up costs
# 49.00 for the trunk and 3 x 1.50 for its channels. On the 20th two channels are added: 5.38 for
# 12 days, and 3.00 for set-up.
AMENDED_QUOTE = amend_quote(
    quote(THREE_CHANNELS, TRUNK_TARIFF, on=date(2026, 1, 15)),
    FIVE_CHANNELS,
    on=date(2026, 1, 20),
    effect=ChangeEffect.PRORATE,
)
FEBRUARY = Term(date(2026, 2, 1), date(2026, 3, 1))
# Minutes: 3 x 500, and 1,000 of a bundle, are 150,000 seconds. Price: 3 x 6.95 + 10.00 = 30.85.
SUBSCRIPTION = Subscription(
    id="s-1",
    account="acme",
    profile="berlin",
    quote=price_term(THREE_CHANNELS, TRUNK_TARIFF, FEBRUARY, JAN_1),
    anchor=JAN_1,
    term_number=1,
    status=Status.ACTIVE,
    allowance=Allowance(
        timedelta(minutes=2500),
        used=timedelta(seconds=90),
        carried=(timedelta(seconds=59818.5), timedelta(0)),
    ),
    last_changed_on=date(2026, 2, 10),
    sequence=5,
    acted_on=date(2026, 2, 12),
    started_on=date(2026, 1, 15),
    pending=TRUNKS.plan(channels=2),
)
BERLIN = Wallet("acme", "berlin")
CALL_CHARGE = Posting(
    BERLIN,
    Money(minor=-12345, currency=Currency("EUR", 5)),
    Reason.CALL,
    date(2026, 2, 3),
    term=FEBRUARY,
    reference="c-1",
)
# Two channels are added for 15 of February's 28 days: 2 x 6.95 costs 7.45, and set-up 3.00. The
# granted minutes are then (2,500 x 28 + 1,000 x 15) / 28, which is 182,142 whole seconds.
DECISION = change(SUBSCRIPTION, FIVE_CHANNELS, TRUNK_TARIFF, on=date(2026, 2, 14))
BONUS = Posting(BERLIN, Money(minor=500, currency=EUR), Reason.BONUS, date(2026, 2, 14))
DECISION = attrs.evolve(DECISION, postings=(*DECISION.postings, BONUS), notices=TRUNKS.notices)
TRANSFER = assign_credit(
    "acme", "berlin", Money(minor=500, currency=EUR), transfer="t-1", on=date(2026, 2, 14)
)
PREVIEW = Preview(DECISION, Revision("subscription/s-1/4/change"))


def read_golden(name):
    """Return the data of a file that was written by hand."""
    return json.loads((GOLDEN / name).read_text(encoding="utf-8"))


def path_and_problem(kind, data, **keywords):
    """Decode data that is not valid, and return the path and the problem of the error."""
    with pytest.raises(NotDecodable) as refusal:
        decode(kind, data, **keywords)
    return refusal.value.path, refusal.value.problem


# In this module a location is a tuple of keys and indexes: ("quantity", "steps", 0, "above"). The
# path of an error is the same as text: "offer.quantity.steps[0].above".
def all_locations(data, start=()):
    """Yield the location of each value in plain data, tables and lists included."""
    entries = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in entries:
        yield (*start, key)
        if isinstance(value, (dict, list)):
            yield from all_locations(value, (*start, key))


def value_at(value, location):
    """Return the value at a location, in plain data or in the fields of an object."""
    for key in location:
        is_plain = isinstance(value, (dict, list))
        value = value[key] if is_plain else getattr(value, key)
    return value


def format_path(location, root="offer"):
    """Return a location as the path of an error."""
    parts = [f"[{key}]" if isinstance(key, int) else f".{key}" for key in location]
    return root + "".join(parts)


def with_value(data, location, value):
    """Return a copy of the data with another value at a location."""
    data = copy.deepcopy(data)
    *parent, key = location
    value_at(data, parent)[key] = value
    return data


def without_value(data, location):
    """Return a copy of the data without the value at a location."""
    data = copy.deepcopy(data)
    *parent, key = location
    value_at(data, parent).pop(key)
    return data


SKYPE = encode(SKYPE_CONNECT)
KEYS = [location for location in all_locations(SKYPE) if isinstance(location[-1], str)]
TABLES = [
    location
    for location in [(), *all_locations(SKYPE)]
    if isinstance(value_at(SKYPE, location), dict)
]
#: Keys that may be missing in the data of Skype Connect, and the value that the field then has.
DEFAULTS = {
    ("bundle",): None,
    ("bundle", "trunk_prefix"): "",
    ("calls",): CallRule(timedelta(0), timedelta(seconds=1)),
    ("calls", "barred_numbers"): (),
    ("change",): ChangeRule(None, ChangeEffect.PRORATE, ChangeEffect.AT_RENEWAL),
    ("refund",): RefundRule(RefundBasis.NOTHING, RefundBasis.NOTHING),
    ("term",): TermRule(Months(1)),
    ("notices",): (),
    ("quantity", "steps"): (),
}
TERM_DAYS = ("term", "length", "days")


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("offer-1.json", Offer, TRUNKS),
        ("tariff-1.json", Tariff, TRUNK_TARIFF),
        ("catalogue-1.json", Catalogue, LINES_CATALOGUE),
        ("plan-1.json", Plan, TRUNKS.plan(channels=123, bundles=2)),
        ("quote-1.json", Quote, AMENDED_QUOTE),
        ("subscription-1.json", Subscription, SUBSCRIPTION),
        ("posting-1.json", Posting, CALL_CHARGE),
        ("decision-1.json", Decision, DECISION),
        ("transfer-1.json", Transfer, TRANSFER),
        ("preview-1.json", Preview, PREVIEW),
        ("transfer-preview-1.json", TransferPreview, TransferPreview(TRANSFER)),
    ],
)
def test_codec_reads_and_writes_the_golden_files_of_version_1(name, kind, value):
    """Each golden file is decoded to its value, and the value is encoded to the same data."""
    data = read_golden(name)
    decoded = decode(kind, data, definitions=TRUNK_DEFINITIONS)

    assert value == decoded
    assert data == encode(value)
    assert data == encode(decoded)


def test_encode_omits_defaults():
    """A field with its default value is omitted, so a new default changes no digest."""
    data = encode(SKYPE_CONNECT)

    assert {"minimum": 1, "maximum": 300, "steps": [{"above": 100, "multiple": 10}]} == (
        data["quantity"]
    )
    assert ({}, {}) == (data["change"], data["refund"])
    assert {"barred_numbers": ["112", "911", "999"]} == data["calls"]
    assert "non_payment" not in data


def test_encode_writes_none_only_for_a_field_with_another_default():
    """No bundles means no key, but an unlimited per_channel is "none", because 1 is its default."""
    unlimited = BundleRule("minutes", 100, ("DE",), per_channel=None)
    with_bundles = encode(attrs.evolve(SKYPE_CONNECT, bundle=unlimited))
    without_bundles = encode(attrs.evolve(SKYPE_CONNECT, bundle=None))

    assert {"name": "minutes", "minutes": 100, "area": ["DE"], "per_channel": "none"} == (
        with_bundles["bundle"]
    )
    assert "bundle" not in without_bundles
    assert decode(Offer, without_bundles).bundle is None


def test_decode_reads_none_as_text_in_a_text_field():
    """An offer can be named "none"; the word means None only if the field's default is not None."""
    offer = attrs.evolve(SKYPE_CONNECT, name="none", edition="none")

    assert offer == decode(Offer, encode(offer))


def test_encode_writes_equal_prices_alike():
    """6.50, 6.5 and 65E-1 are all "6.5", -0.00 is "0", and the decimal context has no effect."""
    prices = [Decimal(price) for price in ("6.50", "6.5", "65E-1", "-0.00", "1E+2")]
    long_price = Decimal("123456789.123456789")
    with localcontext(prec=3):
        encoded = [encode(attrs.evolve(TARIFF, channel=price))["channel"] for price in prices]
        encoded_long_price = encode(attrs.evolve(TARIFF, minute=long_price))["minute"]

    assert ["6.5", "6.5", "6.5", "0", "100"] == encoded
    assert "123456789.123456789" == encoded_long_price


def test_encode_writes_a_rate_with_a_price_alone_as_text():
    """A rate is a table only if it has more than the price of a minute; both are read."""
    rule = CallRule(timedelta(minutes=1), timedelta(minutes=1))
    rates = {"DE": Rate("0.02"), "4915": Rate("0.19", connection="0.05", counting=rule)}
    tariff = attrs.evolve(TARIFF, rates=rates)
    data = encode(tariff)

    assert {
        "DE": "0.02",
        "4915": {
            "minute": "0.19",
            "connection": "0.05",
            "counting": {"minimum": {"seconds": 60}, "step": {"seconds": 60}},
        },
    } == data["rates"]
    assert tariff == decode(Tariff, data)
    assert tariff == decode(Tariff, with_value(data, ("rates", "DE"), {"minute": "0.020"}))


@pytest.mark.parametrize(
    ("data", "duration"),
    [
        ({"seconds": 30}, timedelta(seconds=30)),
        ({"microseconds": 1}, timedelta(microseconds=1)),
        ({"hours": 1, "minutes": 30}, timedelta(minutes=90)),
    ],
)
def test_decode_reads_a_duration_from_whole_units(data, duration):
    """A duration has any of the keys hours, minutes, seconds and microseconds."""
    offer = decode(Offer, with_value(SKYPE, ("calls", "minimum"), data))

    assert duration == offer.calls.minimum


def test_encode_writes_a_duration_exactly_in_seconds_and_microseconds():
    """A duration of any length is written exactly; zero microseconds are omitted."""
    rule = BundleRule("minutes", 100, ("DE",), longest_call=timedelta(days=999_999_999))
    step = timedelta(seconds=2, microseconds=1)
    offer = attrs.evolve(SKYPE_CONNECT, bundle=rule, calls=CallRule(step=step))
    data = encode(offer)

    assert {"seconds": 86_399_999_913_600} == data["bundle"]["longest_call"]
    assert {"step": {"seconds": 2, "microseconds": 1}} == data["calls"]


def test_encode_writes_a_subclass_of_date_as_a_day():
    """Some libraries subclass date; only the day is written."""
    date_subclass = type("Other", (date,), {})
    catalogue = Catalogue((Edition(SKYPE_CONNECT, TARIFF, date_subclass(2026, 1, 1)),))

    assert "2026-01-01" == encode(catalogue)["editions"][0]["start"]


def test_decode_reads_a_catalogue_from_toml():
    """The result of tomllib is decoded without a conversion, dates included."""
    text = """
        version = 1
        kind = "catalogue"

        [[editions]]
        start = 2026-01-01
        migration = 2026-03-01
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
    expected = Catalogue((Edition(offer, tariff, JAN_1, migration=date(2026, 3, 1)),))

    assert expected == decode(Catalogue, tomllib.loads(text))


def test_digest_is_the_same_for_equal_offers_only():
    """Equal offers share a digest, and it is the same in every version of the library."""
    equal_offer = decode(Offer, encode(SKYPE_CONNECT))
    other_offer = attrs.evolve(SKYPE_CONNECT, notices=())

    assert digest(SKYPE_CONNECT) == digest(equal_offer)
    assert digest(SKYPE_CONNECT) != digest(other_offer)
    assert "7d3b5f9c873525edec754e0e871cb1a58caaaa4e86eb69c974ca0b5bbe13c581" == digest(
        decode(Offer, read_golden("offer-1.json"))
    )


def test_digest_ignores_the_order_of_rates():
    """Equal tariffs have equal digests, even if their rates were given in another order."""
    reordered = attrs.evolve(TARIFF, rates=dict(reversed(RATES.items())))

    assert digest(TARIFF) == digest(reordered)


@pytest.mark.parametrize("value", [5, EUR, None, PLAN])
def test_digest_refuses_anything_but_an_offer_or_a_tariff(value):
    """Only offers and tariffs are looked up by their digest."""
    with pytest.raises(WrongType, match="an Offer or a Tariff"):
        digest(value)


def test_encoded_plan_refers_to_its_offer():
    """A plan has its offer's name, edition and digest; the requested number is kept."""
    data = {
        "version": 1,
        "kind": "plan",
        "offer": {
            "name": "Skype Connect",
            "edition": "help page",
            "digest": digest(SKYPE_CONNECT),
        },
        "requested": 105,
        "bundles": 2,
    }

    assert data == encode(PLAN)
    assert PLAN == decode(Plan, data, definitions=DEFINITIONS)
    assert (105, 100) == (
        decode(Plan, data, definitions=DEFINITIONS).requested,
        decode(Plan, data, definitions=DEFINITIONS).channels,
    )


def test_encoded_quote_refers_to_its_tariff():
    """A quote has its tariff's name and digest, and keeps the amounts of its lines."""
    data = encode(QUOTE)

    assert {"name": "made up", "digest": digest(TARIFF)} == data["tariff"]
    assert {"start": "2026-01-05", "end": "2026-02-04"} == data["term"]
    assert [69500, 2000] == [line["minor"] for line in data["lines"]]
    decoded = decode(Quote, data, definitions=DEFINITIONS)
    assert QUOTE == decoded
    assert (105, 100) == (decoded.plan.requested, decoded.plan.channels)


def test_subscription_with_lines_and_pending_plan_survives_json():
    """The quote's stored lines and the pending plan are restored from JSON text."""
    tariff = attrs.evolve(TRUNK_TARIFF, name="by the first")
    purchased = buy(
        TRUNKS.plan(channels=3, bundles=1),
        tariff,
        account="acme",
        profile="berlin",
        subscription="s-1",
        on=JAN_5,
    ).after
    subscription = attrs.evolve(purchased, pending=TRUNKS.plan(channels=2), last_changed_on=JAN_5)
    data = json.loads(json.dumps(encode(subscription)))

    assert {"code": "EUR", "exponent": 2} == data["quote"]["lines"][0]["currency"]
    definitions = definitions_of(subscription)
    assert subscription == decode(Subscription, data, definitions=definitions)


MISSING = (
    "which definitions does not have: pass decode the definitions_of() the value that was encoded, "
    "and store them in the same commit as the value"
)


class LoadsOnDemand:
    """Definitions that are loaded when they are needed, as from a table; it notes each digest."""

    def __init__(self, rows):
        self.rows, self.loaded = rows, []

    def __getitem__(self, sought):
        self.loaded.append(sought)
        return decode_definition(self.rows[sought])


class FailsToLoad:
    """Definitions in a database that cannot be reached."""

    def __getitem__(self, sought):
        raise ConnectionError(sought)


@pytest.mark.parametrize("definitions", [{}, by_digest(TARIFF), LoadsOnDemand({})])
def test_decode_refuses_an_offer_that_is_not_defined(definitions):
    """The error names the offer and its digest, and says which definitions to pass."""
    problem = f"is the offer 'Skype Connect help page' with the digest {digest(SKYPE_CONNECT)!r}"
    expected = ("plan.offer", f"{problem}, {MISSING}")

    assert expected == path_and_problem(Plan, encode(PLAN), definitions=definitions)


def test_decode_without_definitions_refuses_a_tariff():
    """By default there are no definitions; a tariff has no edition."""
    data = encode(QUOTE)
    problem = f"is the tariff 'made up' with the digest {digest(TARIFF)!r}, {MISSING}"
    only_offer = by_digest(SKYPE_CONNECT)

    assert ("quote.tariff", problem) == path_and_problem(Quote, data, definitions=only_offer)
    assert "plan.offer" == path_and_problem(Plan, encode(PLAN))[0]


def test_decode_shortens_a_long_name_and_digest_of_a_missing_definition():
    """A name and a digest are data, so the error cuts and escapes them."""
    offer = {"name": "x" * 1000, "edition": "1", "digest": "y" * 1000}
    _, problem = path_and_problem(Plan, with_value(encode(PLAN), ("offer",), offer))

    assert len(problem) < 500


@pytest.mark.parametrize("found", [TARIFF, None, PLAN, object()])
def test_decode_refuses_a_definition_of_another_class(found):
    """A digest of an offer must lead to an offer."""
    path, problem = path_and_problem(Plan, encode(PLAN), definitions={digest(SKYPE_CONNECT): found})
    expected = "must be the offer 'Skype Connect help page', but definitions has under its digest "

    assert "plan.offer" == path
    assert problem.startswith(expected)
    assert problem.endswith(f"({type(found).__name__})")


@pytest.mark.parametrize(
    ("other_offer", "found_name"),
    [
        (attrs.evolve(SKYPE_CONNECT, name="SIP"), "'SIP help page'"),
        (attrs.evolve(SKYPE_CONNECT, edition="2011"), "'Skype Connect 2011'"),
    ],
)
def test_decode_refuses_a_definition_with_another_name(other_offer, found_name):
    """A row of another offer under this digest is refused, so mixed-up rows do not go unnoticed."""
    problem = (
        f"must be the offer {found_name}, as definitions has it under this digest, "
        "not 'Skype Connect help page'"
    )
    definitions = {digest(SKYPE_CONNECT): other_offer}

    assert ("plan.offer", problem) == path_and_problem(Plan, encode(PLAN), definitions=definitions)


def test_decode_finds_tariffs_of_one_name_by_their_digests():
    """Two negotiated tariffs may have one name; each value is decoded with its own prices."""
    tariffs = [Tariff("negotiated", EUR, price) for price in ("5.95", "4.95")]
    tariffs.append(Tariff("negotiated", PLN, "27.50"))
    quotes = [quote(SKYPE_CONNECT.plan(channels=5), tariff, on=JAN_5) for tariff in tariffs]
    definitions = by_digest(SKYPE_CONNECT, *tariffs)

    for quoted in quotes:
        assert quoted == decode(Quote, encode(quoted), definitions=definitions)


def test_decode_loads_only_the_definitions_in_the_data():
    """Definitions may be loaded on demand by digest; nothing else is asked of them."""
    rows = {digest(definition): encode(definition) for definition in (TRUNKS, TRUNK_TARIFF)}
    definitions = LoadsOnDemand(rows)

    assert SUBSCRIPTION == decode(Subscription, encode(SUBSCRIPTION), definitions=definitions)
    assert {*rows} == {*definitions.loaded}
    assert CALL_CHARGE == decode(Posting, encode(CALL_CHARGE), definitions=FailsToLoad())


def test_decode_does_not_hide_an_error_of_the_definitions():
    """A database that cannot be reached is not an error of the data."""
    with pytest.raises(ConnectionError):
        decode(Plan, encode(PLAN), definitions=FailsToLoad())


@pytest.mark.parametrize("definitions", [None, [], (TARIFF,), "digest", TARIFF, LINES_CATALOGUE])
def test_decode_refuses_definitions_that_are_no_mapping(definitions):
    """They are refused even if nothing has to be looked up."""
    with pytest.raises(WrongType, match="definitions must be a mapping from digests"):
        decode(Offer, SKYPE, definitions=definitions)


def test_definitions_of_a_decision_contain_each_definition_once():
    """The quotes before and after, and a pending plan, may refer to different definitions."""
    trunks_2027 = attrs.evolve(TRUNKS, edition="2027")
    pending_offer = attrs.evolve(TRUNKS, edition="2028")
    renegotiated = attrs.evolve(TRUNK_TARIFF, channel="6")
    after = attrs.evolve(
        SUBSCRIPTION,
        quote=price_term(trunks_2027.plan(channels=3, bundles=1), renegotiated, FEBRUARY, JAN_1),
        pending=pending_offer.plan(channels=2),
    )
    decision = attrs.evolve(DECISION, before=SUBSCRIPTION, after=after)
    expected = (TRUNKS, TRUNK_TARIFF, trunks_2027, renegotiated, pending_offer)

    for value in (decision, Preview(decision, None)):
        definitions = definitions_of(value)

        assert by_digest(*expected) == definitions
        assert value == decode(type(value), encode(value), definitions=definitions)


@pytest.mark.parametrize(
    "value",
    [SKYPE_CONNECT, TARIFF, LINES_CATALOGUE, CALL_CHARGE, TRANSFER, TransferPreview(TRANSFER)],
    ids=lambda value: type(value).__name__,
)
def test_definitions_of_a_value_without_references_are_empty(value):
    """Offers, tariffs and catalogues are written in full; postings and transfers need none."""
    assert {} == definitions_of(value)


@pytest.mark.parametrize("value", [EUR, 5, None, Offer, LINES_CATALOGUE.editions[0]])
def test_definitions_of_refuses_a_value_that_cannot_be_encoded(value):
    """definitions_of() accepts the same values as encode()."""
    with pytest.raises(WrongType, match="one of Offer, Tariff, Catalogue"):
        definitions_of(value)


@pytest.mark.parametrize("definition", [TRUNKS, TRUNK_TARIFF])
def test_decode_definition_reads_an_offer_or_a_tariff(definition):
    """The kind in the data says which of the two it is."""
    assert definition == decode_definition(json.loads(json.dumps(encode(definition))))


@pytest.mark.parametrize(
    ("data", "expected_path", "expected_problem"),
    [
        (encode(CALL_CHARGE), "offer.kind", "must be 'offer', not 'posting' (str)"),
        ({"version": 1, "kind": "tariff"}, "tariff.name", "is missing"),
        (None, "offer", "must be a table of name, edition, source, quantity"),
    ],
)
def test_decode_definition_refuses_other_data(data, expected_path, expected_problem):
    """Data of another kind is refused as an offer, and the error has the path of the fault."""
    with pytest.raises(NotDecodable) as refusal:
        decode_definition(data)

    assert expected_path == refusal.value.path
    assert expected_problem in refusal.value.problem


def test_first_purchase_survives_as_a_preview():
    """A preview of a first purchase has no revision, so the key is omitted."""
    bought = buy(PLAN, TARIFF, account="a", profile="b", subscription="s", on=JAN_5)
    preview = Preview(bought, None)
    data = json.loads(json.dumps(encode(preview)))

    assert ["version", "kind", "decision"] == list(data)
    assert preview == decode(Preview, data, definitions=DEFINITIONS)


@pytest.mark.parametrize(
    "location",
    [location for location in KEYS if location not in {*DEFAULTS, TERM_DAYS}],
    ids=format_path,
)
def test_decode_refuses_an_offer_without_a_required_key(location):
    """The error has the path of the missing key."""
    data = without_value(SKYPE, location)

    assert (format_path(location), "is missing") == path_and_problem(Offer, data)


@pytest.mark.parametrize("location", DEFAULTS, ids=format_path)
def test_decode_uses_the_default_for_a_missing_optional_key(location):
    """A missing key means no bundles, no notices or no steps."""
    offer = decode(Offer, without_value(SKYPE, location))

    assert DEFAULTS[location] == value_at(offer, location)


def test_decode_refuses_a_term_length_without_days_or_months():
    """The error has the path of the length, because either key could be the missing one."""
    *length, _ = TERM_DAYS
    path, problem = path_and_problem(Offer, with_value(SKYPE, length, {}))

    assert "offer.term.length" == path
    assert "must be a table of days or a table of months, not {} (dict)" == problem


@pytest.mark.parametrize("location", TABLES, ids=format_path)
def test_decode_refuses_an_unknown_key_in_any_table_of_an_offer(location):
    """The error has the path of the misspelt key and lists the known keys."""
    misspelt = (*location, "mutiple")
    path, problem = path_and_problem(Offer, with_value(SKYPE, misspelt, 10))

    assert format_path(misspelt) == path
    assert problem.startswith("is unknown; the known keys are: ")


@pytest.mark.parametrize("value", [3.5, object(), None, b"5", INSTANT], ids=type)
def test_decode_refuses_a_wrong_type_anywhere_in_an_offer(value):
    """A float, a datetime, bytes or None is refused with its path and its type."""
    for location in all_locations(SKYPE):
        path, problem = path_and_problem(Offer, with_value(SKYPE, location, value))

        assert format_path(location) == path
        assert problem.startswith("must be ")
        assert f"({type(value).__name__})" in problem


class CountsReads:
    """A value that counts how often its repr or its hash is computed, and refuses both."""

    def __init__(self):
        self.reads = 0

    def __repr__(self):
        self.reads += 1
        raise AssertionError("the repr of the leaf is computed")

    def __hash__(self):
        self.reads += 1
        raise AssertionError("the hash of the leaf is computed")


class Sublist(list[object]):
    """A list of another class, as some readers of YAML make."""


class UnprintableKey:
    """A key whose repr has a line break."""

    def __repr__(self):
        return "two\nlines"


@pytest.mark.parametrize(
    "wrap",
    [
        lambda item: [item] * 10,
        lambda item: Sublist([item] * 10),
        lambda item: (item,) * 10,
        lambda item: dict.fromkeys(range(10), item),
        lambda item: MappingProxyType(dict.fromkeys(range(10), item)),
    ],
    ids=["list", "subclass of list", "tuple", "dict", "mapping"],
)
def test_decode_does_not_expand_shared_lists(wrap):
    """Seven levels of lists that share their items are refused without reading 10**7 items.

    YAML aliases make such lists: each level has ten references to one list of the next level.
    """
    leaf = CountsReads()
    shared: object = leaf
    for _ in range(7):
        shared = wrap(shared)
    for location in [("quantity", "rounding"), *all_locations(SKYPE)]:
        path_and_problem(Offer, with_value(SKYPE, location, shared))

    assert 0 == leaf.reads


@pytest.mark.parametrize(
    ("key", "step"),
    [
        ("minimum_term", ".minimum_term"),
        ("gr\u00f6\u00dfe", ".gr\u00f6\u00dfe"),
        ("mul tiple", "['mul tiple']"),
        ("", "['']"),
        ("\x1b[31m\n\x85", "['\\x1b[31m\\n\\x85']"),
        ("\u202eabc", "['\\u202eabc']"),
        ("\ud800", "['\\ud800']"),
        ("x" * 10_000_000, f"['{'x' * 80}'...]"),
        (b"\x00", "[b'\\x00']"),
        (5, "[5]"),
        (10**5000, "[a number of more than 18 digits]"),
        (-(10**5000), "[a number of more than 18 digits]"),
        (None, "[None]"),
        (UnprintableKey(), "[twolines]"),
    ],
    ids=[
        *("name", "letters beyond ASCII", "space", "empty", "control characters", "bidirectional"),
        *("surrogate", "long", "bytes", "number", "long number", "long negative number", "none"),
        "unprintable object",
    ],
)
def test_path_of_an_unknown_key_is_short_and_printable(key, step):
    """The path has no control characters and no lone surrogates, and a long key is cut."""
    path, problem = path_and_problem(Offer, with_value(SKYPE, ("quantity", key), 1))

    assert f"offer.quantity{step}" == path
    assert problem.startswith("is unknown; the known keys are: minimum, ")


@pytest.mark.parametrize(
    ("key", "step"),
    [
        ("\x1b[31m\n", "['\\x1b[31m\\n']"),
        ("\ud800", "['\\ud800']"),
        ("x" * 10_000_000, f"['{'x' * 80}'...]"),
    ],
    ids=["control characters", "surrogate", "long"],
)
def test_path_of_a_destination_is_short_and_printable(key, step):
    """The keys of the rates are data; in a path they are escaped and cut too."""
    path, problem = path_and_problem(Tariff, with_value(encode(TARIFF), ("rates", key), 1.5))

    assert f"tariff.rates{step}" == path
    assert f"must be {PRICE}, not 1.5 (float)" == problem


@pytest.mark.parametrize("price", ["9999999999999999.99", "0.01", "1234567890123456"])
def test_decode_returns_a_price_of_18_digits(price):
    """A price in euros has up to 16 digits before the point, and two decimals."""
    tariff = Tariff("long", EUR, channel=price, bundle=price, setup=price, channel_setup=price)
    data = json.loads(json.dumps(encode(tariff)))

    assert [price] * 4 == [data[key] for key in ("channel", "bundle", "setup", "channel_setup")]
    assert tariff == decode(Tariff, data)


@pytest.mark.parametrize("price", ["999999999.999999999", "999999999999999999", "0.000000001"])
def test_decode_returns_a_price_of_a_call_of_18_digits(price):
    """A price of a minute or of a call has up to 18 digits, at most 9 of them decimals."""
    rates = {"DE": price, "4915": Rate(price, connection=price, minimum_charge=price)}
    tariff = Tariff("long", EUR, channel="1", minute=price, rates=rates)
    data = json.loads(json.dumps(encode(tariff)))

    assert price == data["minute"]
    assert price == data["rates"]["DE"]
    assert [price] * 3 == list(data["rates"]["4915"].values())
    assert tariff == decode(Tariff, data)


DAY, PRICE = 'a day, such as "2026-01-05"', 'a number as text, such as "6.95"'
DURATION = 'a duration, such as {"seconds": 30}'


@pytest.mark.parametrize(
    ("location", "value", "path_in_offer", "expected_problem"),
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
        (("bundle",), "none", "bundle", "must be a table of name, minutes, area, per_channel"),
        (("bundle", "area", 0), " US", "bundle.area[0]", "without space around it, not ' US'"),
        (("bundle", "area", 0), "usa", "bundle.area", "must be a code of two capital letters"),
        (("bundle", "longest_call"), {}, "bundle.longest_call", DURATION),
        (("bundle", "longest_call"), 30, "bundle.longest_call", f"{DURATION}, not 30 (int)"),
        (("bundle", "longest_call"), {"days": 1}, "bundle.longest_call", DURATION),
        (("bundle", "longest_call"), {"seconds": 0.5}, "bundle.longest_call", DURATION),
        (("bundle", "longest_call"), {"hours": 10**30}, "bundle.longest_call", DURATION),
        (("bundle", "longest_call"), {"hours": 0}, "bundle.longest_call", "longer than 0 s"),
        (
            ("term", "length"),
            {"days": 0},
            "term.length.days",
            "must be at least 1 and at most 3,652,058, not 0",
        ),
        (
            ("term", "length"),
            {"months": 0},
            "term.length.months",
            "must be at least 1 and at most 119,987, not 0",
        ),
        (
            ("term", "length"),
            {"days": 3, "months": 1},
            "term.length",
            "must be a table of days or a table of months, but has keys of both",
        ),
        (
            ("term", "length"),
            {"days": 3, "weeks": 1},
            "term.length.weeks",
            "is unknown; the known ",
        ),
        (
            ("term", "length"),
            {"weeks": 4},
            "term.length",
            "must be a table of days or a table of months, not {'weeks': 4} (dict)",
        ),
        (("term", "billing_day"), True, "term.billing_day", "a whole number, not True (bool)"),
        (
            ("term", "billing_day"),
            32,
            "term.billing_day",
            "must be at least 1 and at most 31, not 32",
        ),
        (("term", "billing_day"), 1, "term.length", "must be in months if a billing day is set"),
        (
            ("change", "cooldown"),
            {},
            "change.cooldown",
            "must be a table of days or a table of mon",
        ),
        (("calls", "step"), {"seconds": -1}, "calls.step", "must be longer than 0 s"),
        (("notices", 0, "text"), 5, "notices[0].text", "must be text, not 5 (int)"),
        (("non_payment",), {"grace": {"months": 1}}, "non_payment.grace.months", "is unknown"),
    ],
)
def test_decode_refuses_an_invalid_value_in_an_offer(
    location, value, path_in_offer, expected_problem
):
    """The error has the path of the invalid value and says which values are valid."""
    path, problem = path_and_problem(Offer, with_value(SKYPE, location, value))

    assert f"offer.{path_in_offer}" == path
    assert expected_problem in problem


@pytest.mark.parametrize(
    ("location", "value", "path_in_tariff", "expected_problem"),
    [
        (
            ("channel",),
            6.95,
            "channel",
            f"{PRICE} or a table of tiers, mode, not 6.95 (float)",
        ),
        (("channel",), 7, "channel", "not 7 (int)"),
        (("channel",), "6,95", "channel", "not '6,95' (str)"),
        (("channel",), "6.955", "channel", "a number of at most 2 decimals"),
        (("channel",), {"tiers": []}, "channel.tiers", "tiers with rising limits"),
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
        (("rates", "DE"), {"connection": "1"}, "rates['DE'].minute", "is missing"),
        (
            ("rates", "DE"),
            {"minute": "1", "connection": "-1"},
            "rates['DE'].connection",
            "must be a price of zero or more, not -1",
        ),
        (("rates", "049"), "1", "rates", 'must be by destination, as "DE", or by calling code'),
    ],
)
def test_decode_refuses_an_invalid_value_in_a_tariff(
    location, value, path_in_tariff, expected_problem
):
    """The error has the path of the invalid value and says which values are valid."""
    path, problem = path_and_problem(Tariff, with_value(encode(TARIFF), location, value))

    assert f"tariff.{path_in_tariff}" == path
    assert expected_problem in problem


@pytest.mark.parametrize(
    ("location", "value", "expected_path", "expected_problem"),
    [
        (("editions",), [], "catalogue.editions", "must be at least one edition"),
        (
            ("editions", 0, "start"),
            "2025-13-01",
            "catalogue.editions[0].start",
            f"must be {DAY}, not",
        ),
        (
            ("editions", 0, "start"),
            "20250101",
            "catalogue.editions[0].start",
            f"must be {DAY}, not",
        ),
        (
            ("editions", 0, "start"),
            20250101,
            "catalogue.editions[0].start",
            f"must be {DAY}, not 20250101",
        ),
        (
            ("editions", 0, "start"),
            INSTANT,
            "catalogue.editions[0].start",
            f"must be {DAY}, not datetime",
        ),
        (
            ("editions", 1, "end"),
            "2026-01-01",
            "catalogue.editions[1].end",
            "after the start, 2026-01-01",
        ),
        (
            ("editions", 1, "migration"),
            "soon",
            "catalogue.editions[1].migration",
            f"must be one of 'keep theirs', 'at their renewal' or {DAY}, not 'soon' (str)",
        ),
        (
            ("editions", 1, "offer", "term", "length", "days"),
            0,
            "catalogue.editions[1].offer.term.length.days",
            "1",
        ),
        (("editions", 0, "tariff", "currency", "exponent"), 5, "catalogue", "in one currency"),
    ],
)
def test_decode_refuses_an_invalid_value_in_a_catalogue(
    location, value, expected_path, expected_problem
):
    """The error has the path of the invalid value, or of the catalogue if editions conflict."""
    data = with_value(encode(LINES_CATALOGUE), location, value)
    path, problem = path_and_problem(Catalogue, data)

    assert expected_path == path
    assert expected_problem in problem


def test_decoding_error_shows_the_path_and_the_problem():
    """The message is the path and the problem; the error of the broken rule is its cause."""
    with pytest.raises(NotDecodable) as refusal:
        decode(Offer, with_value(SKYPE, ("quantity", "minimum"), 0))

    assert "offer.quantity.minimum: must be at least 1, not 0" == str(refusal.value)
    assert isinstance(refusal.value, ValueError)
    assert isinstance(refusal.value.__cause__, InvalidValue)


def test_decode_refuses_a_plan_that_its_offer_does_not_sell():
    """An error of the whole plan has the plan's path; the error of the broken rule is its cause."""
    data = with_value(encode(PLAN), ("bundles",), 101)
    with pytest.raises(NotDecodable) as refusal:
        decode(Plan, data, definitions=DEFINITIONS)

    assert "plan" == refusal.value.path
    assert isinstance(refusal.value.__cause__, BundlesNotAllowed)
    assert str(refusal.value.__cause__) == refusal.value.problem


STORED_KINDS = {
    "plan": Plan,
    "quote": Quote,
    "subscription": Subscription,
    "posting": Posting,
    "decision": Decision,
    "transfer": Transfer,
    "preview": Preview,
    "transfer-preview": TransferPreview,
}
GOLDEN_DATA = {name: read_golden(f"{name}-1.json") for name in STORED_KINDS}


def one_location_per_field(data):
    """Return a location of each field in plain data; items of a list have the same fields."""
    locations: dict[tuple[object, ...], tuple[object, ...]] = {}
    for location in all_locations(data):
        # An error in a unit of a duration has the path of the whole duration. The subscription
        # before a decision has the fields of the subscription after the decision.
        is_unit = location[-1] in {"seconds", "microseconds"}
        is_in_before = "before" in location[:-1]
        if not is_unit and not is_in_before:
            field = tuple("item" if isinstance(key, int) else key for key in location)
            locations.setdefault(field, location)
    return [*locations.values()]


#: A location of each field in the golden data.
GOLDEN_LOCATIONS = [
    (name, location)
    for name, data in GOLDEN_DATA.items()
    for location in one_location_per_field(data)
]
#: The tables in the golden data, each golden file as a whole included. Durations are left out.
GOLDEN_TABLES = [
    (name, location)
    for name, location in [*((name, ()) for name in GOLDEN_DATA), *GOLDEN_LOCATIONS]
    if isinstance(value_at(GOLDEN_DATA[name], location), dict)
    and "seconds" not in value_at(GOLDEN_DATA[name], location)
]
#: The keys that may be missing, each after the key of the table that contains it.
OPTIONAL_KEYS = {
    *((plan, "bundles") for plan in ("plan", "pending")),
    ("offer", "edition"),
    ("lines", "unit_minor"),
    *(("allowance", key) for key in ("used", "carried")),
    *(
        (subscription, key)
        for subscription in ("subscription", "before", "after")
        for key in ("last_changed_on", "acted_on", "started_on", "pending")
    ),
    ("wallet", "profile"),
    *((posting, key) for posting in ("posting", "postings") for key in ("term", "reference")),
    ("decision", "before"),
    ("preview", "revision"),
}


def is_optional(name, location):
    """Return whether the value at a location in golden data may be missing."""
    *_, table, key = [name, *(key for key in location if isinstance(key, str))]
    return isinstance(location[-1], int) or (table, key) in OPTIONAL_KEYS


VALIDATORS = {
    name: Draft202012Validator(schema(kind), format_checker=Draft202012Validator.FORMAT_CHECKER)
    for name, kind in STORED_KINDS.items()
}


def is_valid_by_schema(name, data):
    """Return whether the schema of a kind accepts data."""
    return VALIDATORS[name].is_valid(data)


def locations_of(name, locations):
    """Return the locations in the golden data with a name; there is at least one."""
    found = [location for golden_name, location in locations if golden_name == name]
    assert found, f"no location in {name}"
    return found


def path_and_problem_with(name, location, value):
    """Decode golden data with an invalid value at a location; return the path and the problem."""
    data = with_value(GOLDEN_DATA[name], location, value)
    return path_and_problem(STORED_KINDS[name], data, definitions=TRUNK_DEFINITIONS)


@pytest.mark.parametrize("name", GOLDEN_DATA)
def test_decode_and_schema_refuse_an_unknown_key_in_any_stored_table(name):
    """An unknown key is refused in every table, and the error has the key's path."""
    for location in locations_of(name, GOLDEN_TABLES):
        misspelt = (*location, "amout")
        path, problem = path_and_problem_with(name, misspelt, 1)

        assert format_path(misspelt, name) == path
        assert problem.startswith("is unknown; the known keys are: ")
        assert not is_valid_by_schema(name, with_value(GOLDEN_DATA[name], misspelt, 1))


@pytest.mark.slow
@pytest.mark.parametrize("name", GOLDEN_DATA)
def test_decode_and_schema_refuse_stored_data_without_a_required_key(name):
    """A key without a default is required; so are the version, the kind and a quote's lines."""
    for location in locations_of(name, GOLDEN_LOCATIONS):
        if not is_optional(name, location):
            data = without_value(GOLDEN_DATA[name], location)
            actual = path_and_problem(STORED_KINDS[name], data, definitions=TRUNK_DEFINITIONS)

            assert (format_path(location, name), "is missing") == actual
            assert not is_valid_by_schema(name, data)


@pytest.mark.slow
@pytest.mark.parametrize("name", GOLDEN_DATA)
def test_decode_and_schema_refuse_a_wrong_type_anywhere_in_stored_data(name):
    """A value of another type is refused with its path and its type."""
    for location in locations_of(name, GOLDEN_LOCATIONS):
        check_wrong_types(name, location)


def check_wrong_types(name, location):
    """Check that decode refuses values of other types at a location, and the schema as well."""
    valid = value_at(GOLDEN_DATA[name], location)
    refused_by_both: list[object] = [None, 1.5, 7 if isinstance(valid, str) else "7"]
    # JSON has no datetime, and to JSON Schema 7.0 is an integer.
    refused_by_decode: list[object] = [INSTANT]
    if isinstance(valid, int):
        refused_by_both += [bool(valid), str(valid), [valid]]
        refused_by_decode.append(float(valid))
    for value in [*refused_by_both, *refused_by_decode]:
        path, problem = path_and_problem_with(name, location, value)

        assert format_path(location, name) == path
        assert problem.startswith("must be ")
        assert problem.endswith(f"({type(value).__name__})")
    for value in refused_by_both:
        assert not is_valid_by_schema(name, with_value(GOLDEN_DATA[name], location, value))


@pytest.mark.parametrize(
    ("name", "dotted_location", "value", "path_in_value", "expected_problem"),
    [
        ("plan", "version", 2, "version", "must be 1, not 2 (int)"),
        ("plan", "kind", "quote", "kind", "must be 'plan', not 'quote' (str)"),
        ("plan", "channels", 120, "channels", "is unknown; the known keys are: offer, requested"),
        ("plan", "requested", 123.0, "requested", "must be a whole number, not 123.0 (float)"),
        ("plan", "requested", 401, "", "at least 2 and at most 400"),
        ("plan", "bundles", -1, "", "bundles must be at least 0"),
        ("quote", "plan.requested", 1, "plan", "channels must be at least 2 and at most 400"),
        (
            "quote",
            "anchor",
            "2026-01-02",
            "anchor",
            "a day on which terms begin, such as 2026-01-01",
        ),
        ("quote", "total", {}, "total", "is unknown; the known keys are: plan, tariff, term, "),
        ("quote", "term.end", "2026-01-31", "lines", "must be lines within 2026-01-15 to 2026-01-"),
        ("quote", "lines.0.currency.code", "PLN", "", "EUR was expected, PLN was given"),
        ("quote", "lines.0.currency.exponent", 3, "", "EUR with 2 decimals was expected"),
        (
            "quote",
            "lines.0.currency.exponent",
            13,
            "lines[0].currency.exponent",
            "must be at least 0 and at most 12",
        ),
        ("quote", "lines.0.minor", 10**18, "lines[0].minor", "of at most 18 digits"),
        ("quote", "lines.0.minor", 11.43, "lines[0].minor", "a whole number, not 11.43"),
        ("quote", "lines.1.currency.code", "PLN", "", "EUR was expected, PLN was given"),
        (
            "quote",
            "lines.4.term.end",
            "2026-02-02",
            "lines",
            "lines within 2026-01-15 to 2026-02-01",
        ),
        (
            "quote",
            "lines.4.term.start",
            "2026-01-14",
            "lines",
            "lines within 2026-01-15 to 2026-02-01",
        ),
        ("quote", "lines.1.item", "bundle", "lines[1].item", "must be one of 'channels', "),
        ("quote", "lines.1.term.end", "2026-01-15", "lines[1].term.end", "after the start, "),
        ("quote", "lines.1.quantity", "1", "lines[1].quantity", "must be a whole number, not '1'"),
        ("quote", "lines", [], "lines", "must be at least one line, not ()"),
        ("quote", "lines", {}, "lines", "must be a list, not {} (dict)"),
        ("quote", "tariff.name", "Trunks 2025", "tariff", "must be the tariff 'Trunks 2026', as "),
        ("quote", "tariff.digest", "0" * 64, "tariff", "definitions does not have"),
        ("quote", "plan.offer.edition", "2025", "plan.offer", "must be the offer 'Trunks 2026', "),
        (
            "subscription",
            "pending.requested",
            1,
            "pending",
            "channels must be at least 2 and at most",
        ),
        (
            "subscription",
            "term_number",
            2,
            "quote",
            "must be for 2026-03-01 to 2026-04-01, which is",
        ),
        ("subscription", "term_number", -1, "term_number", "must be at least 0, not -1"),
        ("subscription", "sequence", 0, "sequence", "must be at least 1, not 0"),
        ("subscription", "anchor", "2026-02-01", "quote", "must be for 2026-03-01 to 2026-04-01"),
        ("subscription", "anchor", "2026-01-02", "anchor", "must be 2026-01-01, as in the quote"),
        ("subscription", "quote.term.end", "2026-03-02", "quote.term", "must be within 2026-03-01"),
        ("subscription", "term_number", 10**9, "", "would not fit the calendar"),
        ("subscription", "status", "Active", "status", "must be one of 'active', 'cancelled', "),
        (
            "subscription",
            "allowance.used.seconds",
            150_001,
            "allowance.used",
            "must be at most the minutes granted",
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
        (
            "subscription",
            "quote.lines.1.term.start",
            "2026-01-31",
            "quote.lines",
            "must be lines within 2026-02-01 to 2026-03-01",
        ),
        ("subscription", "quote.lines.0.currency.code", "USD", "quote", "USD was given"),
        ("subscription", "profile", "", "profile", "must be one line of text"),
        ("subscription", "profile", "a\tb", "profile", "must be one line of printable text"),
        ("subscription", "account", "a\u202eb", "account", "must be one line of printable text"),
        ("subscription", "id", "a\ud800b", "id", "must be one line of printable text"),
        (
            "subscription",
            "started_on",
            "2026-02-30",
            "started_on",
            f"must be {DAY}, not '2026-02-30'",
        ),
        ("posting", "amount.minor", 0, "amount", "must be above or below zero, not 0.00000 EUR"),
        ("posting", "amount.minor", "-12345", "amount.minor", "a whole number, not '-12345' (str)"),
        ("posting", "amount.minor", 10**60, "amount.minor", "a whole number of at most 18 digits"),
        ("posting", "amount", "-0.12345", "amount", "a table of minor, currency, not '-0.12345'"),
        ("posting", "amount.currency", "EUR", "amount.currency", "a table of code, exponent, not"),
        ("posting", "amount.currency.code", "eur", "amount.currency.code", "three capital letters"),
        ("posting", "reason", "gift", "reason", "must be one of 'deposit', 'bonus', "),
        ("posting", "wallet.profile", " berlin", "wallet.profile", "without space around it"),
        ("decision", "action", "dance", "action", "must be one of 'buy', 'change', "),
        ("decision", "after.quote.lines", [], "after.quote.lines", "must be at least one line"),
        (
            "decision",
            "after.quote.lines.2.term.end",
            "2026-03-02",
            "after.quote.lines",
            "must be lines within 2026-02-01 to 2026-03-01",
        ),
        ("decision", "before.quote.term", [], "before.quote.term", "a table of start, end, not []"),
        ("decision", "before.quote.plan.bundles", -1, "before.quote.plan", "cannot be negative"),
        ("decision", "postings.1.amount.minor", 0, "postings[1].amount", "above or below zero"),
        ("decision", "postings.0.wallet.account", 5, "postings[0].wallet.account", "must be text"),
        ("decision", "notices.0.text", "", "notices[0].text", "must be one line of text"),
        ("decision", "token", "two\nlines", "token", "must be one line of printable text"),
        ("transfer", "kind", "decision", "kind", "must be 'transfer', not 'decision' (str)"),
        ("transfer", "action", "donate", "action", "must be one of 'buy', 'change', "),
        ("transfer", "postings.0.amount.minor", 0, "postings[0].amount", "above or below zero"),
        ("transfer", "postings.1.wallet.account", 5, "postings[1].wallet.account", "must be text"),
        ("transfer", "token", "", "token", "must be one line of text"),
        ("preview", "decision.token", "", "decision.token", "must be one line of text"),
        ("preview", "decision.version", 1, "decision.version", "is unknown; the known keys are: "),
        ("preview", "revision", 7, "revision", "must be text, not 7 (int)"),
        ("transfer-preview", "transfer.token", "", "transfer.token", "must be one line of text"),
    ],
)
def test_decode_refuses_an_invalid_value_in_stored_data(
    name, dotted_location, value, path_in_value, expected_problem
):
    """The error has the path of the invalid value and says which values are valid."""
    keys = dotted_location.split(".")
    location = tuple(int(key) if key.isdecimal() else key for key in keys)
    path, problem = path_and_problem_with(name, location, value)

    assert f"{name}.{path_in_value}".rstrip(".") == path
    assert expected_problem in problem


@pytest.mark.parametrize(
    ("name", "location", "value", "cause"),
    [
        ("plan", ("bundles",), -1, BundlesNotAllowed),
        ("plan", ("requested",), 401, ChannelsOutOfRange),
        ("quote", ("lines", 1, "currency", "exponent"), 3, CurrencyMismatch),
        ("quote", ("lines", 4, "term", "end"), "2026-02-02", InvalidValue),
        ("posting", ("amount", "minor"), 0, InvalidValue),
    ],
)
def test_decoding_error_has_the_broken_rule_as_its_cause(name, location, value, cause):
    """A program can tell from the cause whether a rule was broken or the data has another form."""
    data = with_value(GOLDEN_DATA[name], location, value)
    with pytest.raises(NotDecodable) as refusal:
        decode(STORED_KINDS[name], data, definitions=TRUNK_DEFINITIONS)

    assert isinstance(refusal.value.__cause__, cause)


@pytest.mark.parametrize("word", ["none", "None", "null", "1", "2026-01-05"])
def test_decode_keeps_identifiers_that_look_like_other_values(word):
    """An identifier, a reference or a token that reads like None, a number or a day stays text."""
    wallet = Wallet(word, word)
    paid_in = deposit(wallet, Money(minor=1, currency=EUR), transfer=word, on=JAN_5)
    transfer = attrs.evolve(paid_in, token=word)
    subscription = attrs.evolve(SUBSCRIPTION, id=word, account=word, profile=word)
    decision = attrs.evolve(DECISION, after=subscription, postings=transfer.postings, token=word)
    committed: tuple[Decision | Transfer, ...] = (decision, transfer)
    for value in committed:
        data = json.loads(json.dumps(encode(value)))
        decoded = decode_committed(data, definitions=TRUNK_DEFINITIONS)
        (posting,) = decoded.postings

        assert value == decoded
        assert (wallet, word, word) == (posting.wallet, posting.reference, decoded.token)


def test_encode_omits_fields_that_are_none():
    """A posting on an account's wallet without a term and a reference has no keys for them."""
    posting = attrs.evolve(CALL_CHARGE, wallet=Wallet("acme"), term=None, reference=None)
    data = encode(posting)

    assert {"account": "acme"} == data["wallet"]
    assert ["version", "kind", "wallet", "amount", "reason", "on"] == list(data)
    assert posting == decode(Posting, data)


def test_encode_writes_a_subclass_of_str_as_plain_text():
    """An application may keep its profile identifiers in a StrEnum; the data has plain text."""

    class Profiles(enum.StrEnum):
        BERLIN = "berlin"

    data = encode(attrs.evolve(SUBSCRIPTION, profile=Profiles.BERLIN))
    profile = data["profile"]

    assert (str, "berlin") == (type(profile), profile)


@pytest.mark.parametrize(("name", "value"), [("decision", DECISION), ("transfer", TRANSFER)])
def test_decode_committed_reads_a_decision_or_a_transfer(name, value):
    """The kind in the data says whether a decision or a transfer was committed."""

    assert value == decode_committed(read_golden(f"{name}-1.json"), definitions=TRUNK_DEFINITIONS)


@pytest.mark.parametrize(
    ("data", "expected_path", "expected_problem"),
    [
        (encode(CALL_CHARGE), "decision.kind", "must be 'decision', not 'posting' (str)"),
        ({"version": 1}, "decision.kind", "is missing"),
        ({"version": 1, "kind": ["transfer"]}, "decision.kind", "must be 'decision', not ['trans"),
        ({"version": 1, "kind": "transfer"}, "transfer.action", "is missing"),
        ({"version": 2, "kind": "transfer"}, "transfer.version", "must be 1, not 2 (int)"),
        (None, "decision", "must be a table of action, on, before, after, postings, notices"),
    ],
)
def test_decode_committed_refuses_other_data(data, expected_path, expected_problem):
    """Data of another kind is refused as a decision, and the error has the path of the fault."""
    with pytest.raises(NotDecodable) as refusal:
        decode_committed(data, definitions=TRUNK_DEFINITIONS)

    assert expected_path == refusal.value.path
    assert expected_problem in refusal.value.problem


@pytest.mark.parametrize("kind", [int, [], {}, None])
def test_schema_refuses_a_kind_that_cannot_be_encoded(kind):
    """Only the kinds that encode() accepts have a schema."""
    with pytest.raises(
        WrongType, match="kind must be one of Offer, Tariff, Catalogue, Plan, Quote"
    ):
        schema(kind)


KINDS = {"offer": Offer, "tariff": Tariff, "catalogue": Catalogue, **STORED_KINDS}


@pytest.mark.parametrize("name", KINDS)
def test_published_schema_is_up_to_date(name):
    """The schema file in the documentation is exactly what schema() returns."""
    published = (SCHEMAS / f"{name}-1.json").read_text(encoding="utf-8")

    assert json.dumps(schema(KINDS[name]), indent=2) + "\n" == published


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_schema_is_valid_and_accepts_the_golden_file(name):
    """Each schema is valid JSON Schema and accepts the golden file of version 1."""
    json_schema = schema(KINDS[name])
    Draft202012Validator.check_schema(json_schema)
    errors = Draft202012Validator(json_schema).iter_errors(read_golden(f"{name}-1.json"))

    assert [] == [error.message for error in errors]


def test_schema_lists_required_keys_and_the_word_for_none():
    """Optional keys are not required, "none" is an alternative, and unknown keys are refused."""
    posting_schema = schema(Posting)
    properties = posting_schema["properties"]
    quote_schema = schema(Decision)["$defs"]["Quote"]
    cooldown_schema = schema(Offer)["$defs"]["ChangeRule"]["properties"]["cooldown"]
    money_schema = {
        "type": "object",
        "properties": {
            "minor": {"type": "integer"},
            "currency": {"$ref": "#/$defs/Currency"},
        },
        "required": ["minor", "currency"],
        "additionalProperties": False,
    }

    assert ["version", "kind", "wallet", "amount", "reason", "on"] == posting_schema["required"]
    assert {"const": 1} == properties["version"]
    assert {"const": "posting"} == properties["kind"]
    assert ["plan", "tariff", "term", "anchor", "lines"] == quote_schema["required"]
    assert {"const": "none"} == cooldown_schema["anyOf"][-1]
    assert money_schema == posting_schema["$defs"]["Money"]


@pytest.mark.parametrize("data", [None, 5, "offer", [], [("version", 1)]])
def test_decode_refuses_data_that_is_no_table(data):
    """Data that is not a dict is refused; the error lists the keys of an offer."""
    path, problem = path_and_problem(Offer, data)

    assert "offer" == path
    assert problem.startswith("must be a table of name, edition, source, quantity, ")


@pytest.mark.parametrize("kind", [EUR.__class__, int, "offer", None, [], Edition])
def test_decode_refuses_a_kind_that_cannot_be_encoded(kind):
    """The kind is refused before the data is read."""
    with pytest.raises(WrongType, match="kind must be one of Offer, Tariff, Catalogue"):
        decode(kind, {})


@pytest.mark.parametrize("value", [EUR, 5, None, Offer, LINES_CATALOGUE.editions[0]])
def test_encode_refuses_a_value_of_another_kind(value):
    """Parts such as a currency or an edition are encoded only within a larger value."""
    with pytest.raises(WrongType, match="one of Offer, Tariff, Catalogue"):
        encode(value)


def test_encode_names_the_rows_of_a_value_that_it_refuses():
    """Only a value with ``to_records`` has plain rows; a money amount and a class have none."""
    statement = Statement(Wallet("a"), Money.zero(EUR), ())

    def expected_for(value):
        with pytest.raises(WrongType) as refusal:
            encode(value)
        return refusal.value.expected

    assert expected_for(statement).endswith("TransferPreview; to_records() gives plain rows")
    assert expected_for(Money.of("5", EUR)).endswith(", TransferPreview")
    assert expected_for(Plan).endswith(", TransferPreview")


def test_decode_does_not_change_its_data():
    """decode() leaves the data as it was."""
    data = encode(OFFERS["skype-connect-2011"])
    before = copy.deepcopy(data)
    decode(Offer, data)

    assert before == data


def classes_within(kind):
    """Yield a kind and all classes of its fields, recursively."""
    kind = getattr(kind, "__supertype__", kind)
    for argument in get_args(kind):
        yield from classes_within(argument)
    if attrs.has(kind):
        yield kind
        for field in attrs.fields(kind):
            yield from classes_within(field.type)


@pytest.mark.parametrize(
    "kind",
    dict.fromkeys(
        [*classes_within(Catalogue), *classes_within(Preview), *classes_within(TransferPreview)]
    ),
)
def test_fields_of_encoded_classes_meet_the_assumptions_of_the_codec(kind):
    """The codec derives keys, shapes and defaults from attrs fields; this limits those fields."""
    for field in attrs.fields(kind):
        is_optional_text = {str, type(None)} <= set(get_args(field.type))

        assert field.name == field.alias or not field.init
        assert not getattr(field.default, "takes_self", False)
        assert not is_optional_text or field.default in {None, attrs.NOTHING}
        assert field.name not in {"version", "kind"}


class TestEncoder:
    """One encoder for several values, as a store uses it in one commit."""

    def test_encodes_each_value_as_encode_does(self):
        """Definitions that were collected before change nothing."""
        encoder = Encoder()
        purchase = buy(PLAN, TARIFF, account="a", profile="b", subscription="s", on=JAN_5)
        for value in (purchase, purchase.after, purchase.postings[0], purchase):
            assert encode(value) == encoder.encode(value)

    def test_collects_the_definitions_of_all_values(self):
        """Equal offers and tariffs are one definition, also if they are different objects."""
        encoder, dearer = Encoder(), attrs.evolve(TARIFF, name="dearer")
        copy = attrs.evolve(TARIFF)
        plan = SKYPE_CONNECT.plan(channels=2)
        for tariff in (TARIFF, dearer, copy):
            encoder.encode(quote(plan, tariff, on=JAN_5))
        expected = {digest(value): value for value in (SKYPE_CONNECT, TARIFF, dearer)}

        assert expected == encoder.definitions
        assert {} == Encoder().definitions

    def test_writes_the_subscription_of_a_decision_once(self):
        """A store encodes both in one commit, so the two dicts share their parts."""
        encoder = Encoder()
        purchase = buy(PLAN, TARIFF, account="a", profile="b", subscription="s", on=JAN_5)
        decision, after = encoder.encode(purchase), encoder.encode(purchase.after)

        assert decision["after"]["quote"] is after["quote"]
        assert encode(purchase.after) == after

    def test_adds_the_computed_digests_to_the_known_ones(self):
        """The next encoder with the same dict looks the digests up, also for an equal tariff."""
        digests: dict[Offer | Tariff, str] = {}
        Encoder(digests).encode(quote(PLAN, TARIFF, on=JAN_5))

        assert {value: digest(value) for value in (PLAN.offer, TARIFF)} == digests
        digests[TARIFF] = "known digest"
        encoder = Encoder(digests)
        data = encoder.encode(quote(PLAN, attrs.evolve(TARIFF), on=JAN_5))
        assert "known digest" == data["tariff"]["digest"]
        assert {digest(PLAN.offer): PLAN.offer, "known digest": TARIFF} == encoder.definitions

    def test_definitions_cannot_be_changed(self):
        """The caller sees the collected definitions, and cannot add any."""
        with pytest.raises(TypeError):
            Encoder().definitions["digest"] = TARIFF  # type: ignore[index]

    def test_refuses_what_encode_refuses(self):
        """A value of another class raises the error of ``encode``."""
        with pytest.raises(WrongType, match="must be one of Offer, Tariff"):
            Encoder().encode("plan")  # type: ignore[arg-type]

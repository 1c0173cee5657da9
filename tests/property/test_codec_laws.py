"""Properties of the codec and of its JSON schemas."""

import json
import re
import tomllib
from datetime import date, timedelta
from decimal import Decimal

import attrs
import pytest
from hypothesis import assume, given, strategies as st
from jsonschema import Draft202012Validator
from tests.property.strategies import attempt

from channelplans.allowances import Allowance
from channelplans.calendar import Term
from channelplans.errors import NotDecodable
from channelplans.money import EUR
from channelplans.offers import OFFERS, SKYPE_CONNECT
from channelplans.plans import Offer, Plan
from channelplans.pricing import Line, Quote, quote
from channelplans.rules import BundleRule, Notice, TermRule
from channelplans.storage.codec import decode, definitions_of, digest, encode, schema
from channelplans.storage.ports import Preview, Revision, TransferPreview
from channelplans.subscriptions.catalogue import Catalogue
from channelplans.subscriptions.decisions import Decision, Request, Transfer
from channelplans.subscriptions.subscription import Action, Status, Subscription
from channelplans.subscriptions.wallets import Posting, Wallet
from channelplans.tariffs import Item, Ladder, Rate, Tariff, Tier
from channelplans.testing.builders import TARIFF
from channelplans.testing.strategies import (
    call_rules,
    catalogues,
    days,
    decisions,
    histories,
    lengths,
    money,
    names,
    offers,
    plans,
    postings,
    refund_rules,
    shipped_offers,
    tariffs,
    transfers,
)

pytestmark = pytest.mark.slow


def any_offers():
    """Draw offers, some with unusual lengths and units for calls and the minimum term."""
    unusual_offers = st.builds(
        attrs.evolve,
        offers(),
        calls=call_rules(longest=timedelta(days=1)),
        term=st.builds(TermRule, lengths(), minimum_term=lengths()),
    )
    return offers() | unusual_offers


def any_tariffs():
    """Draw tariffs, some of them without rates."""
    return tariffs() | st.builds(attrs.evolve, tariffs(), rates=st.just({}))


#: The first has a fee for each purchase, the second also a price by quantity, and the third has a
#: fee for each channel instead.
TARIFFS = (
    TARIFF,
    attrs.evolve(TARIFF, name="by quantity", channel=Ladder((Tier(3, 7), Tier(None, 6)))),
    attrs.evolve(TARIFF, name="by channel", setup="0", channel_setup="1.5"),
)
#: Contains every shipped offer and each of the tariffs above.
DEFINITIONS: dict[str, Offer | Tariff] = {
    **{digest(offer): offer for offer in OFFERS.values()},
    **{digest(tariff): tariff for tariff in TARIFFS},
}


def shipped_plans():
    """Draw plans of any shipped offer."""
    return shipped_offers().flatmap(plans)


def identifiers():
    """Draw identifiers, some of which look like null, a number or a date."""
    return st.sampled_from(["none", "1", "null", "2026-01-05"]) | names()


@st.composite
def histories_in_definitions(draw):
    """Draw decisions about one profile, with an offer and a tariff of the definitions."""
    offer, tariff = draw(shipped_offers()), draw(st.sampled_from(TARIFFS))
    account, profile = draw(identifiers()), draw(identifiers())
    return draw(histories(offer, tariff, account=account, profile=profile))


def reached_subscriptions():
    """Draw subscriptions that a sequence of actions can produce."""
    return histories_in_definitions().map(lambda history: history[-1].after)


def any_subscriptions():
    """Draw subscriptions, with values that actions produce or with any values that are allowed."""
    durations = st.timedeltas(timedelta(0), timedelta(days=40))
    optional_days = st.none() | days()
    arbitrary = st.builds(
        attrs.evolve,
        reached_subscriptions(),
        id=identifiers(),
        status=st.sampled_from(Status),
        allowance=st.builds(
            lambda used, unused, carried: Allowance(used + unused, used, tuple(carried)),
            durations,
            durations,
            st.lists(durations, max_size=3),
        ),
        last_changed_on=optional_days,
        sequence=st.integers(1, 10**17),
        acted_on=optional_days,
        started_on=optional_days,
        pending=st.none() | shipped_plans(),
    )
    return reached_subscriptions() | arbitrary


@st.composite
def any_quotes(draw):
    """Draw quotes, with the lines that actions produce or with any lines within their term."""
    reached = draw(reached_subscriptions()).quote
    currency, start = TARIFF.currency, reached.term.start
    offsets = st.lists(st.integers(0, reached.term.days), min_size=2, max_size=2, unique=True)
    terms_within = offsets.map(sorted).map(
        lambda bounds: Term(*(start + timedelta(offset) for offset in bounds))
    )
    minor = money(currency).map(lambda amount: amount.minor)
    lines = st.builds(
        Line,
        st.sampled_from(Item),
        st.integers(-100, 100),
        st.none() | minor,
        minor,
        st.just(currency),
        terms_within,
    )
    any_lines = st.lists(lines, min_size=1, max_size=4).map(tuple)
    return attrs.evolve(reached, lines=draw(any_lines)) if draw(st.booleans()) else reached


@st.composite
def any_postings(draw, account=None):
    """Draw postings of any wallet, amount and reason, also with a sign unusual for the reason."""
    wallet = Wallet(account or draw(identifiers()), draw(st.none() | identifiers()))
    drawn, late_by = draw(postings()), draw(st.none() | st.integers(0, 40))
    value_date = None if late_by is None else drawn.on - timedelta(late_by)
    return attrs.evolve(
        drawn,
        wallet=wallet,
        amount=draw(money().filter(bool)),
        reference=draw(st.none() | identifiers()),
        value_date=value_date,
    )


@st.composite
def arbitrary_decisions(draw):
    """Draw decisions with any values that are allowed."""
    after = draw(any_subscriptions())
    return attrs.evolve(
        draw(histories_in_definitions())[-1],
        action=draw(st.sampled_from(Action)),
        on=draw(days()),
        after=after,
        postings=tuple(draw(st.lists(any_postings(after.account), max_size=3))),
        notices=tuple(
            draw(st.lists(st.builds(Notice, identifiers(), identifiers(), identifiers())))
        ),
        token=draw(identifiers()),
        may_overdraw=draw(st.booleans()),
        request=draw(st.none() | st.builds(Request, identifiers(), identifiers())),
    )


def any_decisions():
    """Draw decisions, with values that actions produce or with any values that are allowed."""
    reached = histories_in_definitions().map(lambda history: history[-1])
    return reached | decisions(SKYPE_CONNECT, TARIFF) | arbitrary_decisions()


@st.composite
def arbitrary_transfers(draw):
    """Draw transfers with any values that are allowed."""
    account = draw(identifiers())
    return attrs.evolve(
        draw(transfers()),
        action=draw(st.sampled_from(Action)),
        on=draw(days()),
        postings=tuple(draw(st.lists(any_postings(account), min_size=1, max_size=3))),
        token=draw(identifiers()),
        seen=draw(st.none() | st.integers(0, 10**17)),
        may_overdraw=draw(st.booleans()),
    )


def any_transfers():
    """Draw transfers, with values that actions produce or with any values that are allowed."""
    return transfers() | arbitrary_transfers()


def write_toml(data):
    """Write plain data as TOML with inline tables.

    Texts, numbers and booleans are written as JSON, which TOML can read for the texts used here.
    """
    if isinstance(data, dict):
        pairs = (f"{json.dumps(key)} = {write_toml(value)}" for key, value in data.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(data, list):
        return "[" + ", ".join(map(write_toml, data)) + "]"
    return json.dumps(data)


def through_json(data):
    """Return the data after it was written as JSON and read again."""
    return json.loads(json.dumps(data))


def through_toml(data):
    """Return the data after it was written as TOML and read again."""
    return tomllib.loads(f"data = {write_toml(data)}")["data"]


def junk():
    """Draw plain data of any shape, with keys and texts that an encoded offer can contain."""
    texts = st.sampled_from(["offer", "days", "name", "down", "none", "2026-01-05", "6.95", "a"])
    scalars = st.none() | st.booleans() | st.integers(-5, 400) | st.floats() | texts | st.dates()
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=4),
        max_leaves=8,
    )


#: The classes that ``encode`` accepts, and a strategy for the values of each.
VALUES = {
    Offer: any_offers(),
    Tariff: any_tariffs(),
    Catalogue: catalogues(),
    Plan: shipped_plans(),
    Quote: any_quotes(),
    Subscription: any_subscriptions(),
    Posting: any_postings(),
    Decision: any_decisions(),
    Transfer: any_transfers(),
    Preview: st.builds(Preview, any_decisions(), st.none() | identifiers().map(Revision)),
    TransferPreview: st.builds(TransferPreview, any_transfers()),
}
#: The classes whose offers and tariffs are encoded in full.
IN_FULL = (Offer, Tariff, Catalogue)
#: An example of each type that JSON has.
JSON_EXAMPLES: dict[type, object] = {
    type(None): None,
    bool: True,
    int: 7,
    float: 1.5,
    str: "a",
    list: [],
    dict: {},
}


def encoded_values():
    """Draw a class and an encoded value of it, as read from JSON."""
    return st.sampled_from([*VALUES]).flatmap(
        lambda kind: st.tuples(st.just(kind), VALUES[kind].map(encode).map(through_json))
    )


def make_validator(kind):
    """Return a validator for the schema of a class, which also refuses days that do not exist."""
    checker = Draft202012Validator.FORMAT_CHECKER
    return Draft202012Validator(schema(kind), format_checker=checker)


def plausible_data():
    """Draw plain data that would be valid in some place of an encoded value."""
    texts = st.sampled_from(["none", "2026-01-05", "6.95", "DE", "down", "nothing", "active"])
    units = st.sampled_from(["days", "months", "hours", "minutes", "seconds", "microseconds"])
    lengths_and_durations = st.dictionaries(units, st.integers(1, 9), min_size=1, max_size=2)
    return texts | st.booleans() | st.integers(0, 9) | lengths_and_durations | st.just([])


VALIDATORS = {kind: make_validator(kind) for kind in VALUES}


def containers(data):
    """Yield each non-empty dict and list within plain data, with its keys or indexes."""
    if data:
        yield data, sorted(data) if isinstance(data, dict) else range(len(data))
    for value in data.values() if isinstance(data, dict) else data:
        if isinstance(value, (dict, list)):
            yield from containers(value)


@st.composite
def damaged(draw):
    """Draw a class and an encoded value of it, with one part replaced by other data."""
    kind, data = draw(encoded_values())
    container, keys = draw(st.sampled_from([*containers(data)]))
    container[draw(st.sampled_from(keys))] = draw(junk() | plausible_data())
    return kind, data


@st.composite
def misshapen(draw):
    """Draw a class and an encoded value of it, with an unknown key, a missing key or a bad type."""
    kind, data = draw(encoded_values())
    container, keys = draw(st.sampled_from([*containers(data)]))
    key = draw(st.sampled_from(keys))
    fault = draw(st.sampled_from(["unknown key", "missing key", "bad type"]))
    if fault == "bad type" or isinstance(container, list):
        correct_type = type(container[key])
        examples = [value for type_, value in JSON_EXAMPLES.items() if type_ is not correct_type]
        container[key] = draw(st.sampled_from(examples))
    elif fault == "unknown key":
        container["amout"] = draw(st.sampled_from([*JSON_EXAMPLES.values()]))
    else:
        del container[key]
    return kind, data


def try_decode(kind, data):
    """Return the value that the data encodes, or the error that refuses the data."""
    return attempt(NotDecodable, decode, kind, data, definitions=DEFINITIONS)


def is_refused_for_its_shape(result):
    """Return whether ``decode`` refused data for its keys or types, not for a value's meaning."""
    if not isinstance(result, NotDecodable) or result.__cause__:
        return False
    shape_problem = r"is missing|is not known; .*|must be .* \(\w+\)"
    return re.fullmatch(shape_problem, result.problem, re.DOTALL) is not None


@pytest.mark.parametrize("kind", VALUES)
@given(st.data())
def test_decode_returns_the_encoded_value(kind, data):
    """Encoding and decoding, also through JSON, keeps the value and its repr.

    The repr shows fields that equality ignores. The encoded data is valid by the schema, and
    encoding the decoded value returns the same data. ``decode`` needs the value's definitions and
    no others.
    """
    value = data.draw(VALUES[kind])
    encoded = encode(value)
    decoded = decode(kind, through_json(encoded), definitions=DEFINITIONS)
    schema_errors = VALIDATORS[kind].iter_errors(through_json(encoded))

    assert value == decoded
    assert encoded == encode(decoded)
    assert kind in IN_FULL or repr(value) == repr(decoded)
    assert [] == [error.message for error in schema_errors]
    check_definitions(kind, value, encoded)


def check_definitions(kind, value, encoded):
    """Check that a value is decoded with its definitions, and not without any one of them."""
    definitions = definitions_of(value)

    assert value == decode(kind, encoded, definitions=definitions)
    assert definitions == {digest(definition): definition for definition in definitions.values()}
    for removed in definitions:
        others = {key: found for key, found in definitions.items() if key != removed}
        with pytest.raises(NotDecodable, match=removed):
            decode(kind, encoded, definitions=others)


@given(encoded_values())
def test_encoded_value_can_be_written_as_toml(kind_and_data):
    """Encoded data has no null, so that TOML can hold every value."""
    kind, data = kind_and_data

    assert data == encode(decode(kind, through_toml(data), definitions=DEFINITIONS))


def _with_zero(price):
    """Return an equal price with another decimal."""
    return Decimal(f"{price:f}0" if "." in f"{price:f}" else f"{price:f}.0")


@given(tariffs(), st.data())
def test_equal_tariffs_have_the_same_encoding_and_digest(tariff, data):
    """Trailing zeros in prices and the order of the destinations change nothing."""
    destinations = data.draw(st.permutations(sorted(tariff.rates)))
    equal_tariff = attrs.evolve(
        tariff,
        minute=_with_zero(tariff.minute),
        rates={
            destination: attrs.evolve(rate, minute=_with_zero(rate.minute))
            for destination in destinations
            for rate in [tariff.rates[destination]]
        },
    )

    assert tariff == equal_tariff
    assert str(tariff.minute) == str(equal_tariff.minute)
    assert encode(tariff) == encode(equal_tariff)
    assert digest(tariff) == digest(equal_tariff)


@given(st.integers(0, 10**18 - 1), st.integers(0, 9), st.integers(0, 12))
def test_decode_returns_prices_of_up_to_18_digits(units, call_decimals, tier_decimals):
    """A price is decoded as it was, whatever number of its 18 digits are decimals."""
    price, call_price, tier_price = (
        Decimal(units).scaleb(-decimals) for decimals in (2, call_decimals, tier_decimals)
    )
    tariff = Tariff(
        "long",
        EUR,
        channel=Ladder((Tier(None, tier_price, flat=tier_price),)),
        bundle=price,
        minute=call_price,
        rates={"DE": call_price, "49": Rate(call_price, call_price, call_price)},
        setup=price,
    )
    decoded = decode(Tariff, through_json(encode(tariff)))

    assert tariff == decoded
    assert (price, call_price) == (decoded.bundle, decoded.minute)


@given(refund_rules(), lengths(), refund_rules(), lengths())
def test_digests_are_equal_only_for_equal_offers(refund, length, other_refund, other_length):
    """Two offers have the same digest exactly if they are equal."""
    # The channels include minutes, so that they can be refunded by minutes.
    bundle = BundleRule("minutes", 100, ("US",), included=10)
    with_minutes = attrs.evolve(SKYPE_CONNECT, bundle=bundle)
    offer = attrs.evolve(with_minutes, refund=refund, term=TermRule(length))
    other_offer = attrs.evolve(with_minutes, refund=other_refund, term=TermRule(other_length))

    assert (offer == other_offer) == (digest(offer) == digest(other_offer))


@given(damaged())
def test_decode_names_the_path_of_damaged_data(kind_and_data):
    """Damaged data is refused with a path that starts at its class, or it is another value."""
    kind, data = kind_and_data

    result = try_decode(kind, data)

    if isinstance(result, NotDecodable):
        root = schema(kind)["title"]
        assert re.match(rf"{root}(?![^.\[])", result.path)
    else:
        assert result == try_decode(kind, encode(result))


@given(st.sampled_from([*VALUES]), junk())
def test_decode_refuses_junk(kind, data):
    """Data that is no encoded value at all is refused."""
    assert isinstance(try_decode(kind, data), NotDecodable)


@given(damaged() | misshapen())
def test_schema_accepts_what_decode_accepts(kind_and_data):
    """The schema refuses no data that ``decode`` can read."""
    kind, data = kind_and_data
    data = json.loads(json.dumps(data, default=str))

    assert VALIDATORS[kind].is_valid(data) or isinstance(try_decode(kind, data), NotDecodable)


@given(misshapen())
def test_schema_refuses_a_wrong_shape(kind_and_data):
    """If ``decode`` refuses data for a key or a type, the schema refuses the data too."""
    kind, data = kind_and_data
    assume(is_refused_for_its_shape(try_decode(kind, data)))

    assert not VALIDATORS[kind].is_valid(data)


@given(st.data())
def test_decode_finds_the_offer_and_tariff_among_others(data):
    """A quote is decoded with its own offer and tariff, even if others have the same names."""
    plan = data.draw(plans())
    drawn = data.draw(st.lists(tariffs(), min_size=1, max_size=4))
    same_name = [attrs.evolve(tariff, name="negotiated") for tariff in drawn]
    quoted = quote(plan, data.draw(st.sampled_from(same_name)), on=date(2026, 1, 5))
    definitions = {digest(value): value for value in (SKYPE_CONNECT, plan.offer, *same_name)}
    decoded = decode(Quote, through_json(encode(quoted)), definitions=definitions)

    assert quoted == decoded
    assert quoted.plan.requested == decoded.plan.requested
    assert quoted.total == decoded.total


@given(plans().filter(lambda plan: plan.offer != SKYPE_CONNECT))
def test_decode_refuses_an_offer_outside_the_definitions(plan):
    """A plan of an offer that is not among the definitions cannot be decoded."""
    definitions = {digest(SKYPE_CONNECT): SKYPE_CONNECT}
    result = attempt(NotDecodable, decode, Plan, encode(plan), definitions=definitions)

    assert isinstance(result, NotDecodable)
    assert result.path == "plan.offer"

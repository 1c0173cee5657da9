"""Laws of the codec.

1. What is encoded and decoded is the value that it was, through JSON too.
2. Equal values are written alike, and have the same digest; others have others.
3. What is written has no null and no float, so that TOML can carry it: through TOML too.
4. What is written of a value that was decoded is what it was decoded from.
5. Whatever stands in the data's place, it is a value or a refusal with a path into the data.
6. What stands by its name is read with the catalogue that has it, and with no other.
7. What is written is legal by the schema of its kind, and so is whatever can be read.
8. What is refused for its form, the schema refuses too: a key that is unknown, a key that is
   missing, a wrong type, wherever it stands.
"""

import json
import re
import tomllib
from datetime import date, timedelta
from decimal import Decimal

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from tests.property.strategies import attempt

from channelplans.calendar import Term
from channelplans.catalogue import Catalogue, Edition
from channelplans.codec import decode, digest, encode, schema
from channelplans.errors import NotDecodable
from channelplans.ladders import Ladder, Tier
from channelplans.ledger import Posting, Purse
from channelplans.lifecycle import Decision
from channelplans.offers import SKYPE_CONNECT
from channelplans.plans import Offer, Plan
from channelplans.pricing import Item, Line, Quote, Tariff, quote
from channelplans.rules import Notice, TermRule
from channelplans.subscriptions import Action, Status, Subscription
from channelplans.testing.builders import CATALOGUE, OFFERS, TARIFF
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
)
from channelplans.usage import Allowance


def any_offers():
    """Offers, those among them whose calls and minimum holding are of any length and unit."""
    odd = st.builds(
        attrs.evolve,
        offers(),
        calls=call_rules(longest=timedelta(days=400)),
        term=st.builds(TermRule, lengths(), holding=lengths()),
    )
    return offers() | odd


def any_tariffs():
    """Tariffs, those among them that have no rates."""
    return tariffs() | st.builds(attrs.evolve, tariffs(), rates=st.just({}))


#: With a fee for each purchase, with a price by quantity too, with a fee for each channel.
TARIFFS = (
    TARIFF,
    attrs.evolve(TARIFF, name="by quantity", channel=Ladder((Tier(3, 7), Tier(None, 6)))),
    attrs.evolve(TARIFF, name="by channel", setup="0", channel_setup="1.5"),
)
#: Every shipped offer is in it, and each of the tariffs.
KNOWN = Catalogue(
    (
        *CATALOGUE.editions,
        *(
            Edition(SKYPE_CONNECT, tariff, date(year, 1, 1), date(year + 1, 1, 1))
            for year, tariff in enumerate(TARIFFS[1:], 2000 + len(OFFERS))
        ),
    )
)


def shipped_plans():
    """Plans of every shipped offer."""
    return shipped_offers().flatmap(plans)


def words():
    """Identifiers, some of which read like something else."""
    return st.sampled_from(["none", "1", "null", "2026-01-05"]) | names()


def known_histories():
    """Decisions about one profile, whatever it is called, under what is known."""
    known = st.tuples(shipped_offers(), st.sampled_from(TARIFFS), words(), words())
    return known.flatmap(lambda drawn: histories(*drawn[:2], account=drawn[2], profile=drawn[3]))


def any_subscriptions():
    """Subscriptions as actions leave them, and with whatever else their fields can hold."""
    reached = known_histories().map(lambda made: made[-1].after)
    durations = st.timedeltas(timedelta(0), timedelta(days=40))
    any_day = st.none() | days()
    anything = st.builds(
        attrs.evolve,
        reached,
        id=words(),
        status=st.sampled_from(Status),
        allowance=st.builds(
            lambda used, left, carried: Allowance(used + left, used, tuple(carried)),
            durations,
            durations,
            st.lists(durations, max_size=3),
        ),
        last_changed_on=any_day,
        sequence=st.integers(1, 10**20),
        acted_on=any_day,
        since=any_day,
        pending=st.none() | shipped_plans(),
    )
    return reached | anything


@st.composite
def any_quotes(draw):
    """Quotes as actions leave them, and with any lines of their term for what was sold."""
    reached = draw(known_histories())[-1].after.paid
    currency, start = TARIFF.currency, reached.term.start
    numbers = st.lists(st.integers(0, reached.term.days), min_size=2, max_size=2, unique=True)
    within = numbers.map(sorted).map(
        lambda ends: Term(*(start + timedelta(number) for number in ends))
    )
    lines = st.builds(
        Line,
        st.sampled_from(Item),
        st.integers(-100, 100),
        st.none() | money(currency),
        money(currency),
        within,
    )
    sold = draw(st.none() | st.lists(lines, max_size=4).map(tuple))
    return attrs.evolve(reached, sold=sold) if draw(st.booleans()) else reached


def any_postings():
    """Postings of any purse, amount and reason, with the sign that the reason has or another."""
    purses = st.builds(Purse, words(), st.none() | words())
    amounts, references = money().filter(bool), st.none() | words()
    return st.builds(attrs.evolve, postings(), purse=purses, amount=amounts, reference=references)


def any_decisions():
    """Decisions as actions make them, and with whatever else their fields can hold."""
    reached = known_histories().map(lambda made: made[-1])
    anything = st.builds(
        attrs.evolve,
        reached,
        action=st.sampled_from(Action),
        on=days(),
        after=st.none() | any_subscriptions(),
        postings=st.lists(any_postings(), max_size=3).map(tuple),
        notices=st.lists(st.builds(Notice, words(), words(), words()), max_size=2).map(tuple),
        token=words(),
    )
    return reached | decisions(SKYPE_CONNECT, TARIFF) | anything


def toml(data):
    """Write plain data as TOML, tables inline; JSON's text is TOML's but for a few characters."""
    if isinstance(data, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in data.items()) + "}"
    if isinstance(data, list):
        return "[" + ", ".join(map(toml, data)) + "]"
    return json.dumps(data)


def through_json(data):
    """Return the data as JSON carries it."""
    return json.loads(json.dumps(data))


def through_toml(data):
    """Return the data as TOML carries it."""
    return tomllib.loads(f"it = {toml(data)}")["it"]


def junk():
    """Plain data of any shape, with keys and texts that stand in an offer."""
    texts = st.sampled_from(["offer", "days", "name", "down", "none", "2026-01-05", "6.95", "a"])
    plain = st.none() | st.booleans() | st.integers(-5, 400) | st.floats() | texts | st.dates()
    return st.recursive(
        plain,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=4),
        max_leaves=8,
    )


#: What is written by itself, and what there is of it.
VALUES = {
    Offer: any_offers(),
    Tariff: any_tariffs(),
    Catalogue: catalogues(),
    Plan: shipped_plans(),
    Quote: any_quotes(),
    Subscription: any_subscriptions(),
    Posting: any_postings(),
    Decision: any_decisions(),
}
STORED = (Plan, Quote, Subscription, Posting, Decision)
#: JSON's types, each with something that is of it and of nothing else.
WRONG: dict[type, object] = {
    type(None): None,
    bool: True,
    int: 7,
    float: 1.5,
    str: "a",
    list: [],
    dict: {},
}


def any_value():
    """A kind, and what is written of a value of it, as JSON carries it."""
    return st.sampled_from([*VALUES]).flatmap(
        lambda kind: st.tuples(st.just(kind), VALUES[kind].map(encode).map(through_json))
    )


def validator(kind):
    """Return what tells the faults of a dict by the schema, days that cannot be among them."""
    checker = Draft202012Validator.FORMAT_CHECKER
    return Draft202012Validator(schema(kind), format_checker=checker)


def likely():
    """Plain data that stands for something in one place or another."""
    texts = st.sampled_from(["none", "2026-01-05", "6.95", "DE", "down", "nothing", "active"])
    units = st.sampled_from(["days", "months", "hours", "minutes", "seconds", "microseconds"])
    lengths_and_durations = st.dictionaries(units, st.integers(1, 9), min_size=1, max_size=2)
    return texts | st.booleans() | st.integers(0, 9) | lengths_and_durations | st.just([])


VALIDATORS = {kind: validator(kind) for kind in VALUES}


def holders(data):
    """Yield each table and list of plain data that has something in it, and the keys to that."""
    if data:
        yield data, sorted(data) if isinstance(data, dict) else range(len(data))
    for each in data.values() if isinstance(data, dict) else data:
        if isinstance(each, (dict, list)):
            yield from holders(each)


@st.composite
def damaged(draw):
    """A kind, and what is written of a value of it, with junk somewhere in it."""
    kind, data = draw(any_value())
    holder, keys = draw(st.sampled_from([*holders(data)]))
    holder[draw(st.sampled_from(keys))] = draw(junk() | likely())
    return kind, data


@st.composite
def misshapen(draw):
    """A kind, and what is written of a value of it, with a key or a type that is wrong."""
    kind, data = draw(any_value())
    holder, keys = draw(st.sampled_from([*holders(data)]))
    key = draw(st.sampled_from(keys))
    fault = draw(st.sampled_from(["unknown", "missing", "wrong"]))
    if fault == "wrong" or isinstance(holder, list):
        others = [wrong for found, wrong in WRONG.items() if found is not type(holder[key])]
        holder[key] = draw(st.sampled_from(others))
    elif fault == "unknown":
        holder["amout"] = draw(st.sampled_from([*WRONG.values()]))
    else:
        del holder[key]
    return kind, data


def read(kind, data):
    """Return what the data stands for, or its refusal."""
    return attempt(NotDecodable, decode, kind, data, catalogue=KNOWN)


def of_form(result):
    """Return whether data is refused for its keys or types, not for what it says."""
    problem = result.problem if isinstance(result, NotDecodable) and not result.__cause__ else ""
    return re.fullmatch(r"is missing|is not known; .*|must be .* \(\w+\)", problem, re.DOTALL)


@pytest.mark.parametrize("kind", VALUES)
@given(st.data())
def test_nothing_is_lost_on_the_way(kind, data):
    """Laws 1, 4 and 7: what is shown of a plan and takes no part in equality comes back too."""
    value = data.draw(VALUES[kind])
    written = encode(value)
    back = decode(kind, through_json(written), catalogue=KNOWN)

    assert value == back
    assert written == encode(back)
    assert kind not in STORED or repr(value) == repr(back)
    assert [] == [fault.message for fault in VALIDATORS[kind].iter_errors(through_json(written))]


@given(any_value())
def test_toml_carries_it_too(kind_and_data):
    """Law 3."""
    kind, data = kind_and_data

    assert data == encode(decode(kind, through_toml(data), catalogue=KNOWN))


@given(tariffs(), st.data())
def test_equal_values_are_written_alike(tariff, data):
    """Law 2: with zeros at the end of each price, and with the countries in another order."""
    turned = data.draw(st.permutations(sorted(tariff.rates.items())))
    same = attrs.evolve(
        tariff,
        minute=Decimal(f"{tariff.minute:f}0"),
        rates={country: Decimal(f"{price:f}00") for country, price in turned},
    )

    assert tariff == same
    assert encode(tariff) == encode(same)
    assert digest(tariff) == digest(same)


@given(refund_rules(), lengths(), refund_rules(), lengths())
def test_different_values_are_told_apart(refund, length, other_refund, other_length):
    """Law 2."""
    one = attrs.evolve(SKYPE_CONNECT, refund=refund, term=TermRule(length))
    other = attrs.evolve(SKYPE_CONNECT, refund=other_refund, term=TermRule(other_length))

    assert (one == other) == (digest(one) == digest(other))


@given(damaged())
def test_what_is_damaged_is_a_value_or_refused(kind_and_data):
    """Law 5."""
    kind, data = kind_and_data
    result = read(kind, data)
    if isinstance(result, NotDecodable):
        assert re.match(rf"{kind.__name__.lower()}(?![^.\[])", result.path)
    else:
        assert result == read(kind, encode(result))


@given(st.sampled_from([*VALUES]), junk())
def test_junk_is_refused(kind, data):
    """Law 5."""
    assert isinstance(read(kind, data), NotDecodable)


@given(damaged() | misshapen())
def test_what_can_be_read_is_legal_by_the_schema(kind_and_data):
    """Law 7: the schema refuses nothing that is a value."""
    kind, data = kind_and_data
    data = json.loads(json.dumps(data, default=str))

    assert VALIDATORS[kind].is_valid(data) or isinstance(read(kind, data), NotDecodable)


@given(misshapen())
def test_a_wrong_form_is_refused_by_the_schema(kind_and_data):
    """Law 8."""
    kind, data = kind_and_data
    assume(of_form(read(kind, data)))

    assert not VALIDATORS[kind].is_valid(data)


@given(st.data())
def test_what_stands_by_its_name_is_found(data):
    """Law 6."""
    plan = data.draw(plans())
    catalogue = data.draw(catalogues(plan.offer))
    tariff = data.draw(st.sampled_from(catalogue.editions)).tariff
    paid = quote(plan, tariff, on=date(2026, 1, 5))
    back = decode(Quote, through_json(encode(paid)), catalogue=catalogue)

    assert paid == back
    assert paid.plan.requested == back.plan.requested
    assert paid.total == back.total


@given(plans().filter(lambda plan: plan.offer != SKYPE_CONNECT), catalogues(SKYPE_CONNECT))
def test_what_is_not_in_the_catalogue_is_not_found(plan, catalogue):
    """Law 6."""
    result = attempt(NotDecodable, decode, Plan, encode(plan), catalogue=catalogue)

    assert isinstance(result, NotDecodable)
    assert result.path == "plan.offer"

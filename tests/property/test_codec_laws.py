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
from functools import partial
from typing import Any

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from tests.property.strategies import (
    attempt,
    bundle_rules,
    countries,
    currencies,
    days,
    lengths,
    money,
    names,
    offers,
    plans,
    refund_rules,
    roundings,
    terms,
)

from channelplans.calendar import Days, Months
from channelplans.catalogue import Catalogue, Edition, Existing
from channelplans.codec import decode, digest, encode, schema
from channelplans.errors import ChannelPlansError, NotDecodable
from channelplans.identifiers import SubscriptionId
from channelplans.ladders import Ladder, Tier
from channelplans.ledger import Posting, Purse, Reason
from channelplans.lifecycle import (
    Decision,
    buy,
    cancel,
    change,
    deposit,
    expire,
    lapse,
    renew,
    renew_without_bundles,
    resume,
    terminate,
    use,
)
from channelplans.offers import SKYPE_CONNECT
from channelplans.plans import Offer, Plan
from channelplans.pricing import Item, Line, Quote, Tariff, quote
from channelplans.rules import (
    CallRule,
    ChangeRule,
    Effect,
    Notice,
    Rollover,
    ShortageRule,
    TermRule,
)
from channelplans.subscriptions import Action, Status, Subscription
from channelplans.testing.builders import CATALOGUE, OFFERS, TARIFF
from channelplans.usage import Allowance, Call


def prices(places=2):
    """Prices as text, some of them with needless zeros."""
    return st.decimals(0, 1000, places=places).map(str)


@st.composite
def ladders(draw):
    """Prices by quantity, by volume and graduated."""
    ends = sorted(draw(st.sets(st.integers(1, 1000), max_size=3)))
    packs = st.integers(1, 20)
    tiers = [Tier(end, draw(prices(3)), draw(prices()), draw(packs)) for end in [*ends, None]]
    return Ladder(tuple(tiers), draw(st.booleans()))


@st.composite
def tariffs(draw, currency=None):
    """Tariffs of every part that there is, in a currency or in any."""
    of = draw(currencies()) if currency is None else currency
    whole = prices(min(of.exponent, 4))
    return Tariff(
        draw(names()),
        of,
        draw(whole | ladders()),
        draw(whole | ladders()),
        draw(prices(5)),
        draw(st.dictionaries(countries(), prices(5), max_size=3)),
        draw(whole),
        draw(whole),
    )


@st.composite
def rich_offers(draw):
    """Offers with rules of every kind, the ones that need their defaults and the ones that not."""
    offer = draw(offers())
    effects = st.sampled_from(Effect)
    aligned = draw(st.booleans())
    durations = st.timedeltas(timedelta(microseconds=1), timedelta(days=400))
    minutes = draw(st.none() | bundle_rules())
    if minutes is not None:
        rollover = st.builds(Rollover, st.integers(1, 5), st.none() | st.integers(1, 900))
        sold = draw(st.booleans())
        minutes = attrs.evolve(
            minutes,
            included=draw(st.integers(0 if sold else 1, 900)),
            minutes=draw(st.integers(1, 900)) if sold else 0,
            per_channel=minutes.per_channel if sold else 0,
            rollover=draw(st.none() | rollover),
            longest_call=draw(st.none() | durations),
        )
    return attrs.evolve(
        offer,
        bundles=minutes,
        term=TermRule(
            draw(st.builds(Months, st.integers(1, 24)) if aligned else lengths()),
            aligned,
            draw(st.none() | lengths()),
        ),
        change=ChangeRule(
            draw(st.none() | lengths()),
            draw(effects),
            draw(effects.filter(lambda effect: effect is not Effect.FULL)),
        ),
        refund=draw(refund_rules()),
        calls=CallRule(draw(durations), draw(durations), draw(roundings())),
        shortage=ShortageRule(
            draw(st.booleans()), draw(st.none() | st.builds(Days, st.integers(1, 90)))
        ),
    )


@st.composite
def catalogues(draw, offer=None):
    """One edition, or two, one after the other, each with an offer and a tariff of its own."""
    starts = sorted(draw(st.sets(days(), min_size=1, max_size=2)))
    currency = draw(currencies())
    editions = []
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], None], strict=True)):
        sold = draw(rich_offers()) if offer is None else offer
        tariff = attrs.evolve(draw(tariffs(currency)), name=f"tariff {number}")
        editions.append(
            Edition(
                sold if offer else attrs.evolve(sold, edition=f"edition {number}"),
                tariff,
                start,
                end,
                draw(st.sampled_from(Existing) | st.dates(start, date(2500, 1, 1))),
            )
        )
    return Catalogue(tuple(editions))


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
    return st.sampled_from(OFFERS).flatmap(plans)


def words():
    """Identifiers, some of which read like something else."""
    return st.sampled_from(["none", "1", "null", "2026-01-05"]) | names()


def attempts(held, on):
    """What can be tried with a subscription on a day, within its term or from its end on."""
    tariff = held.paid.tariff
    if on >= held.term.end:
        ends = [lapse, expire, partial(renew, tariff=tariff)]
        ends.append(partial(renew_without_bundles, tariff=tariff))
        return st.sampled_from(ends)
    bundles = held.plan.offer.bundles
    calls = st.builds(
        Call,
        words(),
        st.just("+1 212 555 0100"),
        st.sampled_from([*(bundles.area if bundles else ()), "US"]),
        st.just(on),
        st.timedeltas(timedelta(0), timedelta(hours=30)),
    )
    others = plans(held.plan.offer) | shipped_plans()
    return st.one_of(
        st.builds(partial, st.just(change), plan=others, tariff=st.just(tariff)),
        st.builds(partial, st.just(use), call=calls, tariff=st.just(tariff)),
        st.sampled_from([cancel, resume]),
        st.sampled_from([cancel, resume, terminate]),
    )


@st.composite
def histories(draw):
    """Decisions of one profile in their order, from the first purchase on, by any actions."""
    plan, tariff = draw(shipped_plans()), draw(st.sampled_from(TARIFFS))
    who: dict[str, Any] = {"account": draw(words()), "profile": draw(words())}
    day = draw(st.dates(date(2024, 1, 1), date(2028, 12, 31)))
    made: list[Any] = [buy(plan, tariff, **who, subscription=SubscriptionId("s-0"), on=day)]
    for number in range(1, draw(st.integers(1, 8))):
        held = made[-1].after
        later = held.acted_on + timedelta(draw(st.integers(0, 40)))
        on = draw(st.sampled_from([held.acted_on, max(held.term.end, held.acted_on), later]))
        if held.status in {Status.LAPSED, Status.ENDED}:
            again = {**who, "subscription": f"s-{number}", "previous": held}
            made.append(buy(draw(shipped_plans()), tariff, **again, on=on))
            continue
        decided = attempt(ChannelPlansError, draw(attempts(held, on)), held, on=on)
        if isinstance(decided, Decision):
            made.append(decided)
    return made


def subscriptions():
    """Subscriptions as actions leave them, and with whatever else their fields can hold."""
    reached = histories().map(lambda made: made[-1].after)
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


def quotes():
    """Quotes as actions leave them, and with any lines for what was sold."""
    reached = histories().map(lambda made: made[-1].after.paid)
    currency = TARIFF.currency
    lines = st.builds(
        Line,
        st.sampled_from(Item),
        st.integers(-100, 100),
        st.none() | money(currency),
        money(currency),
        terms(),
    )
    sold = st.none() | st.lists(lines, max_size=4).map(tuple)
    return reached | st.builds(attrs.evolve, reached, sold=sold)


def postings():
    """Postings of any purse, amount and reason, with and without what they may go without."""
    return st.builds(
        Posting,
        st.builds(Purse, words(), st.none() | words()),
        money().filter(bool),
        st.sampled_from(Reason),
        days(),
        st.none() | terms(),
        st.none() | words(),
    )


def decisions():
    """Decisions as actions make them, and with whatever else their fields can hold."""
    reached = histories().map(lambda made: made[-1])
    amounts = st.builds(Purse, words(), st.none() | words()), money(least=1), words(), days()
    paid_in = st.builds(
        lambda purse, amount, transfer, on: deposit(purse, amount, transfer=transfer, on=on),
        *amounts,
    )
    anything = st.builds(
        attrs.evolve,
        reached,
        action=st.sampled_from(Action),
        on=days(),
        after=st.none() | subscriptions(),
        postings=st.lists(postings(), max_size=3).map(tuple),
        notices=st.lists(st.builds(Notice, words(), words(), words()), max_size=2).map(tuple),
        token=words(),
    )
    return reached | paid_in | anything


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
    Offer: rich_offers(),
    Tariff: tariffs(),
    Catalogue: catalogues(),
    Plan: shipped_plans(),
    Quote: quotes(),
    Subscription: subscriptions(),
    Posting: postings(),
    Decision: decisions(),
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


@given(plans(), catalogues(SKYPE_CONNECT))
def test_what_is_not_in_the_catalogue_is_not_found(plan, catalogue):
    """Law 6."""
    result = attempt(NotDecodable, decode, Plan, encode(plan), catalogue=catalogue)

    assert isinstance(result, NotDecodable)
    assert result.path == "plan.offer"

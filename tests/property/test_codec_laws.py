"""Laws of the codec.

1. What is encoded and decoded is the value that it was, through JSON too.
2. Equal values are written alike, and have the same digest; others have others.
3. What is written has no null and no float, so that TOML can carry it: through TOML too.
4. What is written of a value that was decoded is what it was decoded from.
5. Whatever stands in the data's place, it is a value or a refusal with a path into the data.
6. What stands by its name is read with the catalogue that has it, and with no other.
"""

import json
import tomllib
from datetime import date, timedelta
from decimal import Decimal

import attrs
from hypothesis import given
from hypothesis import strategies as st
from tests.property.strategies import (
    attempt,
    bundle_rules,
    countries,
    currencies,
    days,
    lengths,
    names,
    offers,
    plans,
    refund_rules,
    roundings,
)

from channelplans.calendar import Days, Months
from channelplans.catalogue import Catalogue, Edition, Existing
from channelplans.codec import decode, digest, encode
from channelplans.errors import NotDecodable
from channelplans.ladders import Ladder, Tier
from channelplans.offers import SKYPE_CONNECT
from channelplans.plans import Offer, Plan
from channelplans.pricing import Quote, Tariff, quote
from channelplans.rules import (
    CallRule,
    ChangeRule,
    Effect,
    Rollover,
    ShortageRule,
    TermRule,
)


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


@st.composite
def damaged(draw, values):
    """Return what is written of a value, with junk somewhere in it."""
    data = through_json(encode(draw(values)))
    holder, key = data, draw(st.sampled_from(sorted(data)))
    while isinstance(holder[key], (dict, list)) and holder[key] and draw(st.booleans()):
        holder = holder[key]
        inner = range(len(holder)) if isinstance(holder, list) else sorted(holder)
        key = draw(st.sampled_from(inner))
    holder[key] = draw(junk())
    return data


VALUES = (
    st.tuples(st.just(Offer), rich_offers())
    | st.tuples(st.just(Tariff), tariffs())
    | st.tuples(st.just(Catalogue), catalogues())
)


@given(VALUES)
def test_nothing_is_lost_on_the_way(kind_and_value):
    """Laws 1 and 4."""
    kind, value = kind_and_value
    data = encode(value)
    back = decode(kind, through_json(data))

    assert value == back
    assert data == encode(back)


@given(VALUES)
def test_toml_carries_it_too(kind_and_value):
    """Law 3."""
    kind, value = kind_and_value

    assert value == decode(kind, through_toml(encode(value)))


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


@given(damaged(rich_offers()))
def test_a_damaged_offer_is_an_offer_or_refused(data):
    """Law 5."""
    result = attempt(NotDecodable, decode, Offer, data)
    if isinstance(result, NotDecodable):
        assert result.path.startswith("offer")
    else:
        assert result == decode(Offer, encode(result))


@given(damaged(tariffs()))
def test_a_damaged_tariff_is_a_tariff_or_refused(data):
    """Law 5."""
    result = attempt(NotDecodable, decode, Tariff, data)
    if isinstance(result, NotDecodable):
        assert result.path.startswith("tariff")
    else:
        assert result == decode(Tariff, encode(result))


@given(damaged(catalogues(SKYPE_CONNECT)))
def test_a_damaged_catalogue_is_a_catalogue_or_refused(data):
    """Law 5."""
    result = attempt(NotDecodable, decode, Catalogue, data)
    if isinstance(result, NotDecodable):
        assert result.path.startswith("catalogue")
    else:
        assert result == decode(Catalogue, encode(result))


@given(junk())
def test_junk_is_refused(data):
    """Law 5."""
    assert isinstance(attempt(NotDecodable, decode, Offer, data), NotDecodable)


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

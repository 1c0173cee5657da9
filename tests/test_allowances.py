"""Minutes by bundle and by channel, and what is carried from one term into the next."""

# Identifiers are plain text here, and decisions are known to hold a subscription.
# mypy: disable-error-code="arg-type, union-attr"

from datetime import date, timedelta
from fractions import Fraction

import attrs
import pytest

from channelplans.calendar import Months
from channelplans.errors import InvalidValue
from channelplans.ledger import Purse
from channelplans.lifecycle import buy, change, renew, terminate, use
from channelplans.money import EUR
from channelplans.offers import SKYPE_CONNECT
from channelplans.pricing import Tariff, quote, rate
from channelplans.rules import (
    BundleRule,
    ChangeRule,
    Effect,
    RefundBasis,
    RefundRule,
    Rollover,
    TermRule,
)
from channelplans.usage import Allowance, Call

TARIFF = Tariff("made up", EUR, "31", "62", "0.10", {"DE": "0.20"})
ACME, PROFILE = Purse("acme"), Purse("acme", "berlin")
JAN_1, JAN_16 = date(2026, 1, 1), date(2026, 1, 16)


def minutes(count):
    """Return so many minutes."""
    return timedelta(minutes=count)


def offer(rule=None, **rules):
    """Return an offer of calendar months with these bundles."""
    month = TermRule(Months(1))
    return attrs.evolve(SKYPE_CONNECT, name="made up", term=month, bundles=rule, **rules)


def bought(rules, channels=2, bundles=0, *, on=JAN_1):
    """Return a subscription that was bought."""
    ids = {"account": "acme", "profile": "berlin", "subscription": "s-1"}
    return buy(rules.plan(channels=channels, bundles=bundles), TARIFF, on=on, **ids).after


def call(count, country="US", on=JAN_16):
    """Return a call of so many minutes."""
    return Call("c-1", "+1 212 555 0100", country, on, minutes(count))


def moved(decision):
    """Return what moves, by purse, in cents."""
    return {purse: delta.minor for purse, delta in decision.deltas.items()}


# Minutes that come with the channels

PER_LINE = BundleRule("inclusive", 0, ("US",), per_channel=0, included=200)
BOTH = BundleRule("pack", 1000, ("US",), per_channel=1, included=200)


def test_minutes_come_with_each_channel():
    """3 x 200; 3 x 200 + 2 x 1,000."""
    assert minutes(600) == bought(offer(PER_LINE), 3).allowance.granted
    assert minutes(2600) == bought(offer(BOTH), 3, 2).allowance.granted


def test_included_minutes_are_used_first_and_overage_is_the_accounts():
    """400 are there; of 410, ten cost 0.10 each."""
    decision = use(bought(offer(PER_LINE)), call(410), TARIFF, on=JAN_16)

    assert {ACME: -100} == moved(decision)
    assert minutes(0) == decision.after.allowance.remaining


def test_a_call_that_is_not_covered_is_the_profiles():
    """To another country none of them are used: 5 x 0.20."""
    decision = use(bought(offer(PER_LINE)), call(5, "DE"), TARIFF, on=JAN_16)

    assert {PROFILE: -100} == moved(decision)
    assert minutes(400) == decision.after.allowance.remaining


def test_included_minutes_follow_the_channels_that_are_paid_for():
    """Two more for 16 of 31 days bring 2 x 12,000 s x 16/31 = 12,387 s; what is used stays used."""
    rules = offer(PER_LINE, change=ChangeRule(None, Effect.PRORATE, Effect.PRORATE))
    held = use(bought(rules), call(390), TARIFF, on=JAN_16).after
    more = change(held, rules.plan(channels=4), TARIFF, on=JAN_16).after

    assert timedelta(seconds=24_000 + 12_387) == more.allowance.granted
    assert minutes(390) == more.allowance.used

    # One fewer takes 12,000 s x 16/31 = 6,193.5 s away, but not what is used already.
    fewer = change(held, rules.plan(channels=1), TARIFF, on=JAN_16).after

    assert (minutes(390), minutes(0)) == (fewer.allowance.granted, fewer.allowance.remaining)


def test_more_at_no_charge_brings_no_minutes():
    """They follow the price, and the next term has them all."""
    rules = offer(PER_LINE, change=ChangeRule(None, Effect.KEEP, Effect.KEEP))
    more = change(bought(rules), rules.plan(channels=4), TARIFF, on=JAN_16).after

    assert minutes(400) == more.allowance.granted
    assert minutes(800) == renew(more, TARIFF, on=date(2026, 2, 1)).after.allowance.granted


def test_a_first_part_brings_its_part_of_the_minutes():
    """24,000 s x 16/31 = 12,387.09... s, to the second."""
    rules = attrs.evolve(offer(PER_LINE), term=TermRule(Months(1), aligned=True))

    assert timedelta(seconds=12_387) == bought(rules, on=JAN_16).allowance.granted


def test_bundles_are_refunded_by_all_that_is_unused():
    """600 of 1,200 are used: half of the bundle's 62 comes back, and 62 x 16/31 for channels."""
    rules = offer(BOTH, refund=RefundRule(bundles=RefundBasis.MINUTES))
    held = use(bought(rules, 1, 1), call(600), TARIFF, on=JAN_16).after

    assert {ACME: 3100 + 1600} == moved(terminate(held, on=JAN_16))


def test_channels_with_minutes_are_refunded_without_an_allowance():
    """A rule that measures bundles by minutes asks for them only where bundles were paid."""
    rules = offer(BOTH, refund=RefundRule(bundles=RefundBasis.MINUTES))
    paid = quote(rules.plan(channels=1), TARIFF, on=JAN_1)
    held = bought(rules, 1)

    assert paid == held.paid
    assert {ACME: 1600} == moved(terminate(held, on=JAN_16))


@pytest.mark.parametrize(
    "named", [{"minutes": -1}, {"minutes": 0}, {"included": -1}, {"per_channel": -1}]
)
def test_impossible_minutes_are_refused(named):
    """A bundle has some, unless they come with the channels."""
    with pytest.raises(InvalidValue):
        BundleRule("pack", **{"minutes": 1000, "area": ("US",), **named})


def test_bundles_without_a_bound():
    """Any number of them, with one channel."""
    rule = BundleRule("pack", 1000, ("US",), per_channel=None)

    assert rule.most(1) == rule.most(300)
    assert minutes(50_000) == bought(offer(rule), 1, 50).allowance.granted
    assert "pack: 1,000 minutes to US, any number of them" == str(rule)


def test_a_rule_tells_what_comes_with_a_channel_and_what_is_carried():
    """In its one line."""
    rule = attrs.evolve(BOTH, rollover=Rollover(2))
    sold = "pack: 1,000 minutes to US, at most 1 for each channel"
    included = "200 minutes to US with each channel"

    assert f"{sold}; {included}; unused minutes last for 2 more terms" == str(rule)


# What is carried on


def chain(rule, *terms):
    """Return the allowance after terms of 100 minutes, of which so many are used in each."""
    allowance = Allowance(minutes(100))
    for used in terms:
        allowance = allowance.use(minutes(used)).next(minutes(100), rule)
    return allowance


@pytest.mark.parametrize(
    ("rule", "used", "carried"),
    [
        (None, [30], []),
        (Rollover(1), [30], [70]),
        # 70 are carried, and used before the 100 of the term: of 120, 50 come from those.
        (Rollover(1), [30, 120], [50]),
        # Of the 70, 20 are used; the other 50 expire, and the 100 are carried.
        (Rollover(1), [30, 20], [100]),
        (Rollover(2), [30, 20], [100, 50]),
        # The oldest are used first: 60 of 150 carried take the 50 and ten of the 100.
        (Rollover(2), [30, 20, 60], [100, 90]),
        (Rollover(3), [30, 0, 0, 0], [100, 100, 100]),
        # At most so many at a time, the youngest first.
        (Rollover(1, cap=50), [30], [50]),
        (Rollover(2, cap=80), [30, 0], [80]),
        (Rollover(2, cap=120), [30, 0], [100, 20]),
        (Rollover(1, cap=50), [100], []),
        # Without an end they are one pot, used before the 100 of the term.
        (Rollover(None), [30, 20], [150]),
        (Rollover(None), [30, 20, 0], [250]),
        (Rollover(None), [30, 120], [50]),
        (Rollover(None, cap=120), [30, 20, 0], [120]),
    ],
)
def test_what_is_carried(rule, used, carried):
    """The youngest first, for so many terms, up to the cap."""
    allowance = chain(rule, *used)

    assert [minutes(each) for each in carried] == list(allowance.carried)
    assert minutes(100 + sum(carried)) == allowance.remaining


def test_what_is_carried_is_not_part_of_what_is_unused():
    """A refund is of what the term was paid for: 40 of 100 are used, after 70 that were carried."""
    allowance = chain(Rollover(1), 30).use(minutes(110))

    assert (Fraction(3, 5), minutes(60)) == (allowance.unused, allowance.remaining)


def test_unused_is_nothing_where_nothing_is_granted():
    """Not even where something is carried."""
    assert 0 == Allowance(minutes(0), carried=(minutes(5),)).unused


def test_more_cannot_be_used_than_there_is():
    """170 are there."""
    with pytest.raises(InvalidValue, match="used"):
        chain(Rollover(1), 30).use(minutes(171))


def test_nothing_that_is_carried_is_negative():
    """Each is what was left."""
    with pytest.raises(InvalidValue, match="carried"):
        Allowance(minutes(100), carried=(minutes(-1),))


@pytest.mark.parametrize("named", [{"terms": 0}, {"terms": 1, "cap": 0}])
def test_impossible_rollovers_are_refused(named):
    """Where nothing is carried there is no rule."""
    with pytest.raises(InvalidValue):
        Rollover(**named)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (Rollover(1), "unused minutes last for 1 more term"),
        (Rollover(None), "unused minutes are carried on"),
        (Rollover(None, cap=600), "unused minutes are carried on, at most 600 of them"),
        (Rollover(3, cap=2000), "unused minutes last for 3 more terms, at most 2,000 of them"),
    ],
)
def test_rollovers_explain_themselves(rule, text):
    """How long, and how many."""
    assert text == str(rule)


ROLLING = attrs.evolve(BOTH, rollover=Rollover(1))


def test_a_renewal_carries_on():
    """1,200 a term, 200 of them used: 1,000 are carried for a term, and then they are gone."""
    held = use(bought(offer(ROLLING), 1, 1), call(200), TARIFF, on=JAN_16).after
    second = renew(held, TARIFF, on=date(2026, 2, 1)).after
    third = renew(second, TARIFF, on=date(2026, 3, 1)).after

    assert (minutes(2200), minutes(2400)) == (
        second.allowance.remaining,
        third.allowance.remaining,
    )
    assert "36:40:00 of 20:00:00 left, 16:40:00 of it carried" == str(second.allowance)


def test_a_call_uses_what_is_carried():
    """2,200 are there; of 2,210 ten are overage."""
    held = use(bought(offer(ROLLING), 1, 1), call(200), TARIFF, on=JAN_16).after
    second = renew(held, TARIFF, on=date(2026, 2, 1)).after
    day = date(2026, 2, 16)

    assert {ACME: -100} == moved(use(second, call(2210, on=day), TARIFF, on=day))


def test_what_is_carried_is_used_where_nothing_more_is_granted():
    """A term without bundles still has what the one before it left."""
    rule = BundleRule("pack", 1000, ("US",), rollover=Rollover(1))
    rules = offer(rule, change=ChangeRule(None, Effect.PRORATE, Effect.NEXT_TERM))
    held = change(bought(rules, 1, 1), rules.plan(channels=1), TARIFF, on=JAN_16).after
    second = renew(held, TARIFF, on=date(2026, 2, 1)).after
    day = date(2026, 2, 16)

    assert minutes(1000) == second.allowance.remaining
    assert minutes(5) == rate(call(5), second.allowance, TARIFF, offer=rules).included
    assert minutes(995) == use(second, call(5, on=day), TARIFF, on=day).after.allowance.remaining


def test_a_change_that_buys_anew_carries_nothing():
    """The old allowance is gone, and the new one is fresh (H16, H17)."""
    rules = offer(ROLLING)
    second = renew(bought(rules, 1, 1), TARIFF, on=date(2026, 2, 1)).after
    anew = change(second, rules.plan(channels=2, bundles=1), TARIFF, on=date(2026, 2, 2)).after

    assert Allowance(minutes(1400)) == anew.allowance


def test_a_change_within_the_term_keeps_what_is_carried():
    """A channel more for all 28 days brings 200 to the 1,200 and the 1,200 carried."""
    rules = offer(ROLLING, change=ChangeRule(None, Effect.FULL, Effect.NEXT_TERM))
    second = renew(bought(rules, 1, 1), TARIFF, on=date(2026, 2, 1)).after
    more = change(second, rules.plan(channels=2, bundles=1), TARIFF, on=date(2026, 2, 10)).after

    assert (minutes(1400), minutes(2600)) == (more.allowance.granted, more.allowance.remaining)

"""Tests of minutes that come with bundles or channels, and of unused minutes that roll over."""

from datetime import date, timedelta
from fractions import Fraction

import attrs
import pytest
from tests.subscriptions.samples import IDENTIFIERS

from channelplans.allowances import Allowance
from channelplans.calendar import Months
from channelplans.calls import Call, rate_call
from channelplans.errors import InvalidValue
from channelplans.money import EUR
from channelplans.offers import SKYPE_CONNECT
from channelplans.pricing import quote
from channelplans.rules import (
    BundleRule,
    ChangeEffect,
    ChangeRule,
    RefundBasis,
    RefundRule,
    Rollover,
    TermRule,
)
from channelplans.subscriptions.actions import (
    buy,
    change,
    renew,
    terminate,
)
from channelplans.subscriptions.call_records import record_call
from channelplans.subscriptions.wallets import Wallet
from channelplans.tariffs import Tariff

TARIFF = Tariff("made up", EUR, "31", "62", "0.10", {"DE": "0.20"})
ACME, PROFILE = Wallet("acme"), Wallet("acme", "berlin")
JAN_1, JAN_16 = date(2026, 1, 1), date(2026, 1, 16)
FEB_1, FEB_16 = date(2026, 2, 1), date(2026, 2, 16)


def minutes(count):
    """Return a duration in minutes."""
    return timedelta(minutes=count)


def make_offer(bundle_rule=None, **rules):
    """Return an offer with monthly terms, the given bundles and other rules."""
    month = TermRule(Months(1))
    return attrs.evolve(SKYPE_CONNECT, name="made up", term=month, bundle=bundle_rule, **rules)


def subscribe(offer, channels=2, bundles=0, *, on=JAN_1):
    """Return the subscription after a purchase."""
    return buy(offer.plan(channels=channels, bundles=bundles), TARIFF, on=on, **IDENTIFIERS).after


def make_call(count, destination="US", on=JAN_16):
    """Return a call that lasts a number of minutes."""
    return Call("c-1", "+1 212 555 0100", destination, on, minutes(count))


def cents_by_wallet(decision):
    """Return the change of each wallet's balance in cents."""
    return {wallet: delta.minor for wallet, delta in decision.deltas.items()}


# Minutes that come with the channels

INCLUDED_ONLY = BundleRule("inclusive", 0, ("US",), per_channel=0, included=200)
INCLUDED_AND_BUNDLES = BundleRule("pack", 1000, ("US",), per_channel=1, included=200)


def test_allowance_includes_the_minutes_of_channels_and_bundles():
    """Three channels grant 3 x 200 minutes, and two bundles grant 2 x 1,000 more."""
    assert minutes(600) == subscribe(make_offer(INCLUDED_ONLY), 3).allowance.granted
    assert minutes(2600) == subscribe(make_offer(INCLUDED_AND_BUNDLES), 3, 2).allowance.granted


def test_account_pays_for_minutes_beyond_the_included_minutes():
    """Two channels include 400 minutes. In a call of 410 minutes, ten cost 0.10 each."""
    decision = record_call(subscribe(make_offer(INCLUDED_ONLY)), make_call(410), TARIFF, on=JAN_16)

    assert {ACME: -100} == cents_by_wallet(decision)
    assert minutes(0) == decision.after.allowance.remaining


def test_profile_pays_for_a_call_to_another_country():
    """A call outside the area uses no included minutes and costs 5 x 0.20."""
    decision = record_call(
        subscribe(make_offer(INCLUDED_ONLY)), make_call(5, "DE"), TARIFF, on=JAN_16
    )

    assert {PROFILE: -100} == cents_by_wallet(decision)
    assert minutes(400) == decision.after.allowance.remaining


def test_prorated_change_adds_or_removes_included_minutes_in_proportion():
    """Two more channels for 16 of 31 days add 2 x 12,000 s x 16/31 = 12,387 s.

    The change does not affect the minutes that are already used.
    """
    offer = make_offer(
        INCLUDED_ONLY, change=ChangeRule(None, ChangeEffect.PRORATE, ChangeEffect.PRORATE)
    )
    subscription = record_call(subscribe(offer), make_call(390), TARIFF, on=JAN_16).after
    increased = change(subscription, offer.plan(channels=4), TARIFF, on=JAN_16).after

    assert timedelta(seconds=24_000 + 12_387) == increased.allowance.granted
    assert minutes(390) == increased.allowance.used

    # One channel fewer removes 12,000 s x 16/31 = 6,193.5 s, but no minutes that are used.
    reduced = change(subscription, offer.plan(channels=1), TARIFF, on=JAN_16).after

    assert (minutes(390), minutes(0)) == (reduced.allowance.granted, reduced.allowance.remaining)


def test_channels_added_at_no_charge_add_no_minutes_until_the_next_term():
    """With ``NO_CHARGE``, added channels are free in the running term and include no minutes."""
    offer = make_offer(
        INCLUDED_ONLY, change=ChangeRule(None, ChangeEffect.NO_CHARGE, ChangeEffect.NO_CHARGE)
    )
    increased = change(subscribe(offer), offer.plan(channels=4), TARIFF, on=JAN_16).after
    renewed = renew(increased, TARIFF, on=FEB_1).after

    assert minutes(400) == increased.allowance.granted
    assert minutes(800) == renewed.allowance.granted


def test_short_first_term_has_proportionally_fewer_included_minutes():
    """24,000 s x 16/31 = 12,387.09... s is rounded down to whole seconds."""
    offer = attrs.evolve(make_offer(INCLUDED_ONLY), term=TermRule(Months(1), billing_day=1))

    assert timedelta(seconds=12_387) == subscribe(offer, on=JAN_16).allowance.granted


def test_refund_by_minutes_counts_included_minutes_too():
    """600 of 1,200 minutes are used, so half of the bundle's 62 is refunded.

    The channel, which is measured by time, refunds 31 x 16/31 = 16.
    """
    offer = make_offer(INCLUDED_AND_BUNDLES, refund=RefundRule(bundles=RefundBasis.MINUTES))
    subscription = record_call(subscribe(offer, 1, 1), make_call(600), TARIFF, on=JAN_16).after

    assert {ACME: 3100 + 1600} == cents_by_wallet(terminate(subscription, on=JAN_16))


def test_refund_by_minutes_needs_no_allowance_if_no_bundles_were_paid():
    """Channels are refunded by time, even if they include minutes."""
    offer = make_offer(INCLUDED_AND_BUNDLES, refund=RefundRule(bundles=RefundBasis.MINUTES))
    paid = quote(offer.plan(channels=1), TARIFF, on=JAN_1)
    subscription = subscribe(offer, 1)

    assert paid == subscription.quote
    assert {ACME: 1600} == cents_by_wallet(terminate(subscription, on=JAN_16))


@pytest.mark.parametrize(
    "changes", [{"minutes": -1}, {"minutes": 0}, {"included": -1}, {"per_channel": -1}]
)
def test_bundle_rule_refuses_impossible_minutes(changes):
    """A bundle has at least one minute, and no number is negative."""
    with pytest.raises(InvalidValue):
        BundleRule("pack", **{"minutes": 1000, "area": ("US",), **changes})


def test_number_of_bundles_may_be_independent_of_the_channels():
    """With ``per_channel=None``, one channel allows 50 bundles."""
    rule = BundleRule("pack", 1000, ("US",), per_channel=None)

    assert rule.most(1) == rule.most(300)
    assert minutes(50_000) == subscribe(make_offer(rule), 1, 50).allowance.granted
    assert "pack: 1,000 minutes to US, any number of bundles" == str(rule)


def test_str_of_bundle_rule_describes_included_minutes_and_rollover():
    """The text is one line for bundles, included minutes and rollover."""
    rule = attrs.evolve(INCLUDED_AND_BUNDLES, rollover=Rollover(2))
    expected = (
        "pack: 1,000 minutes to US, at most 1 for each channel; "
        "200 minutes to US with each channel; "
        "unused minutes last for 2 more terms"
    )

    assert expected == str(rule)


# Rollover


def use_terms(rule, *used_minutes):
    """Return the next allowance after terms of 100 minutes, given the minutes used in each."""
    allowance = Allowance(minutes(100))
    for used in used_minutes:
        allowance = allowance.use(minutes(used)).next(minutes(100), rule)
    return allowance


@pytest.mark.parametrize(
    ("rule", "used", "carried"),
    [
        (None, [30], []),
        (Rollover(1), [30], [70]),
        # The 70 carried minutes are used first, then 50 of the term's 100, so 50 are carried.
        (Rollover(1), [30, 120], [50]),
        # 20 of the 70 carried minutes are used and 50 expire; the term's 100 are carried.
        (Rollover(1), [30, 20], [100]),
        (Rollover(2), [30, 20], [100, 50]),
        # The oldest minutes are used first: the 50, and then 10 of the 100.
        (Rollover(2), [30, 20, 60], [100, 90]),
        (Rollover(3), [30, 0, 0, 0], [100, 100, 100]),
        # The cap limits the sum of carried minutes; the youngest minutes are kept.
        (Rollover(1, cap=50), [30], [50]),
        (Rollover(2, cap=80), [30, 0], [80]),
        (Rollover(2, cap=120), [30, 0], [100, 20]),
        (Rollover(1, cap=50), [100], []),
        # Minutes that never expire are carried as one sum and are used before the term's 100.
        (Rollover(None), [30, 20], [150]),
        (Rollover(None), [30, 20, 0], [250]),
        (Rollover(None), [30, 120], [50]),
        (Rollover(None, cap=120), [30, 20, 0], [120]),
    ],
)
def test_next_allowance_carries_unused_minutes(rule, used, carried):
    """Carried minutes are listed by term, the youngest first, up to the cap."""
    allowance = use_terms(rule, *used)

    assert [minutes(count) for count in carried] == list(allowance.carried)
    assert minutes(100 + sum(carried)) == allowance.remaining


def test_unused_does_not_count_carried_minutes():
    """Of 110 used minutes 70 were carried, so 40 of the term's 100 are used and 3/5 are unused."""
    allowance = use_terms(Rollover(1), 30).use(minutes(110))

    assert (Fraction(3, 5), minutes(60)) == (allowance.unused, allowance.remaining)


def test_unused_is_zero_if_no_minutes_are_granted():
    """Carried minutes do not change this."""
    assert 0 == Allowance(minutes(0), carried=(minutes(5),)).unused


def test_use_refuses_more_minutes_than_remain():
    """70 carried and 100 granted minutes remain, so 171 are refused."""
    with pytest.raises(InvalidValue, match="duration must be at most the minutes left, 2:50:00"):
        use_terms(Rollover(1), 30).use(minutes(171))


def test_allowance_refuses_negative_carried_minutes():
    """Carried minutes are at least 0."""
    with pytest.raises(InvalidValue, match="carried"):
        Allowance(minutes(100), carried=(minutes(-1),))


@pytest.mark.parametrize(
    "arguments", [{"terms": 0}, {"terms": 1, "cap": 0}, {"terms": 367}, {"cap": 10**12 + 1}]
)
def test_rollover_refuses_zero_and_large_terms_and_caps(arguments):
    """Minutes last for 1 to 366 terms, or as long as the subscription is renewed."""
    with pytest.raises(InvalidValue):
        Rollover(**arguments)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (Rollover(1), "unused minutes last for 1 more term"),
        (Rollover(None), "unused minutes are carried over"),
        (Rollover(None, cap=600), "unused minutes are carried over, at most 600 of them"),
        (Rollover(3, cap=2000), "unused minutes last for 3 more terms, at most 2,000 of them"),
    ],
)
def test_str_of_rollover_names_the_terms_and_the_cap(rule, text):
    """The text says how long minutes last and how many are carried at most."""
    assert text == str(rule)


ROLLING = attrs.evolve(INCLUDED_AND_BUNDLES, rollover=Rollover(1))


def test_renew_carries_unused_minutes_for_one_term():
    """200 of 1,200 minutes are used. The other 1,000 are carried into one term and then expire."""
    subscription = record_call(
        subscribe(make_offer(ROLLING), 1, 1), make_call(200), TARIFF, on=JAN_16
    ).after
    second = renew(subscription, TARIFF, on=FEB_1).after
    third = renew(second, TARIFF, on=date(2026, 3, 1)).after

    assert (minutes(2200), minutes(2400)) == (
        second.allowance.remaining,
        third.allowance.remaining,
    )
    assert "36:40:00 of 20:00:00 left, 16:40:00 of it carried" == str(second.allowance)


def test_call_uses_carried_minutes():
    """2,200 minutes remain, so ten minutes of a call of 2,210 minutes are overage."""
    subscription = record_call(
        subscribe(make_offer(ROLLING), 1, 1), make_call(200), TARIFF, on=JAN_16
    ).after
    second = renew(subscription, TARIFF, on=FEB_1).after
    decision = record_call(second, make_call(2210, on=FEB_16), TARIFF, on=FEB_16)

    assert {ACME: -100} == cents_by_wallet(decision)


def test_call_uses_carried_minutes_in_a_term_without_bundles():
    """The term grants no minutes, but the 1,000 unused minutes of the last term remain."""
    rule = BundleRule("pack", 1000, ("US",), rollover=Rollover(1))
    offer = make_offer(rule, change=ChangeRule(None, ChangeEffect.PRORATE, ChangeEffect.AT_RENEWAL))
    subscription = change(subscribe(offer, 1, 1), offer.plan(channels=1), TARIFF, on=JAN_16).after
    second = renew(subscription, TARIFF, on=FEB_1).after
    recorded = record_call(second, make_call(5, on=FEB_16), TARIFF, on=FEB_16)

    assert minutes(1000) == second.allowance.remaining
    assert minutes(5) == rate_call(make_call(5), second.allowance, TARIFF, offer=offer).included
    assert minutes(995) == recorded.after.allowance.remaining


def test_restart_does_not_carry_minutes():
    """A change that restarts the term begins with a full new allowance (H16, H17)."""
    offer = make_offer(ROLLING)
    second = renew(subscribe(offer, 1, 1), TARIFF, on=FEB_1).after
    restarted = change(second, offer.plan(channels=2, bundles=1), TARIFF, on=date(2026, 2, 2)).after

    assert Allowance(minutes(1400)) == restarted.allowance


def test_change_within_the_term_keeps_carried_minutes():
    """With ``CHARGE_FULL``, one more channel adds 200 minutes to 1,200 granted, 1,200 carried."""
    offer = make_offer(
        ROLLING, change=ChangeRule(None, ChangeEffect.CHARGE_FULL, ChangeEffect.AT_RENEWAL)
    )
    second = renew(subscribe(offer, 1, 1), TARIFF, on=FEB_1).after
    changed = change(second, offer.plan(channels=2, bundles=1), TARIFF, on=date(2026, 2, 10)).after
    allowance = changed.allowance

    assert (minutes(1400), minutes(2600)) == (allowance.granted, allowance.remaining)

"""One month in the life of each published offer, with amounts computed by hand.

The tests use published prices where a provider publishes them, and made-up prices otherwise. A
comment before each step shows the computation.
"""

from datetime import date, timedelta
from typing import Any

import attrs
import pytest

from channelplans.calls import Call
from channelplans.errors import (
    ChannelsOutOfRange,
    InsufficientCredit,
    OutsideTerm,
    TransitionNotAllowed,
)
from channelplans.money import EUR, GBP, USD, Money
from channelplans.offers import OFFERS
from channelplans.subscriptions.actions import (
    buy,
    cancel,
    change,
    renew,
    resume,
    terminate,
)
from channelplans.subscriptions.call_records import record_call
from channelplans.subscriptions.subscription import Status
from channelplans.subscriptions.wallets import Wallet, settle
from channelplans.tariffs import Ladder, Tariff, Tier

ACCOUNT_WALLET = Wallet("acme")
PROFILE_WALLET = Wallet("acme", "trunk")


def day(month, number):
    """Return a day of 2026."""
    return date(2026, month, number)


def minutes(count):
    """Return a duration of whole minutes."""
    return timedelta(minutes=count)


def buy_plan(offer, tariff, on, **request):
    """Return the decision to buy a plan of an offer."""
    ids: dict[str, Any] = {"account": "acme", "profile": "trunk", "subscription": "s-1"}
    return buy(offer.plan(**request), tariff, on=on, **ids)


def change_plan(decision, tariff, on, **request):
    """Return the decision to change a decision's subscription to another plan of its offer."""
    subscription = decision.after
    plan = subscription.plan.offer.plan(**request)
    return change(subscription, plan, tariff, on=on)


def movement(decision, wallet=ACCOUNT_WALLET):
    """Return by how much a decision changes a wallet, as text, or None without a posting."""
    delta = decision.deltas.get(wallet)
    return None if delta is None else str(delta)


def with_used_minutes(subscription, count):
    """Return a subscription after the use of some included minutes."""
    return attrs.evolve(subscription, allowance=subscription.allowance.use(minutes(count)))


def record_minutes(subscription, tariff, on, *, number, destination, count):
    """Return the decision to record a call of some minutes."""
    return record_call(
        subscription, Call("c-1", number, destination, on, minutes(count)), tariff, on=on
    )


def test_every_offer_has_a_test():
    """This module has a test for each offer but Skype's, which the other modules test."""
    tested_keys = {name.removeprefix("test_").replace("_", "-") for name in globals()}
    keys = {key for key in OFFERS if not key.startswith("skype")}

    assert set() == keys - tested_keys


def test_sipgate_packs():
    """Packs add up, unused minutes expire with the month, and the account pays for overage.

    Published prices: 24.95 for a pack of 5,000 minutes, 1.50 cents for a minute of overage. The
    trunk itself is free.
    """
    tariff = Tariff("sipgate", EUR, channel=0, bundle="24.95", minute="0.015")
    # February has 28 days. Two packs run for the whole month, a third for the last 14 days.
    #   2 x 24.95 = 49.90; 24.95 x 14/28 = 12.475, rounded 12.48
    #   2 x 5,000 + 5,000 x 14/28 = 12,500 minutes
    purchase = buy_plan(OFFERS["sipgate-packs"], tariff, day(2, 1), channels=2, bundles=2)
    increase = change_plan(purchase, tariff, day(2, 15), channels=2, bundles=3)

    assert ("-49.90 EUR", "-12.48 EUR") == (movement(purchase), movement(increase))
    assert minutes(12_500) == increase.after.allowance.granted

    # 10 minutes are left. A call of 20 minutes has 10 minutes of overage: 10 x 0.015 = 0.15
    nearly_used = with_used_minutes(increase.after, 12_490)
    call = record_minutes(
        nearly_used, tariff, day(2, 20), number="+49 30 555 0100", destination="DE", count=20
    )

    assert ("-0.15 EUR", None) == (movement(call), movement(call, PROFILE_WALLET))

    # 3 x 24.95 = 74.85. The term starts with 15,000 minutes; the unused minutes are lost.
    march = renew(increase.after, tariff, on=day(3, 1))

    assert "-74.85 EUR" == movement(march)
    assert minutes(15_000) == march.after.allowance.remaining


def test_sipgate_de():
    """A change costs the new plan for the rest of the month, and nothing is refunded.

    Made-up price: 28.00 a channel.
    """
    tariff = Tariff("made up", EUR, channel=28, bundle=0, minute=0)
    # February costs 3 x 28 = 84. 14 of 28 days are left on 15 February: 5 x 28 x 14/28 = 70,
    # and nothing is refunded for the 3 channels.
    purchase = buy_plan(OFFERS["sipgate-de"], tariff, day(2, 1), channels=3)
    increase = change_plan(purchase, tariff, day(2, 15), channels=5)
    # 7 of 28 days are left on 22 February: 1 x 28 x 7/28 = 7. March costs 28.
    reduction = change_plan(increase, tariff, day(2, 22), channels=1)
    march = renew(reduction.after, tariff, on=day(3, 1))

    assert ["-84.00 EUR", "-70.00 EUR", "-7.00 EUR", "-28.00 EUR"] == [
        movement(purchase),
        movement(increase),
        movement(reduction),
        movement(march),
    ]
    assert day(4, 1) == march.after.term.end


def test_sipgate_uk():
    """An increase starts at once and is prorated; a reduction starts with the next month.

    A cancellation can be undone before the month ends.

    Made-up price: 10.00 a channel.
    """
    tariff = Tariff("made up", GBP, channel=10, bundle=0, minute=0)
    # April costs 4 x 10 = 40. 15 of 30 days are left on 16 April: 2 x 10 x 15/30 = 10.
    # May costs 3 x 10 = 30.
    purchase = buy_plan(OFFERS["sipgate-uk"], tariff, day(4, 1), channels=4)
    increase = change_plan(purchase, tariff, day(4, 16), channels=6)
    reduction = change_plan(increase, tariff, day(4, 20), channels=3)
    may = renew(reduction.after, tariff, on=day(5, 1))

    assert ["-40.00 GBP", "-10.00 GBP", None, "-30.00 GBP"] == [
        movement(purchase),
        movement(increase),
        movement(reduction),
        movement(may),
    ]
    assert (6, 3) == (reduction.after.plan.channels, may.after.plan.channels)

    # The subscription ends on 1 May, so 30 April is the last day to undo the cancellation.
    cancelled = cancel(purchase.after, on=day(4, 29)).after

    assert Status.ACTIVE is resume(cancelled, on=day(4, 30)).after.status
    with pytest.raises(OutsideTerm):
        resume(cancelled, on=day(5, 1))


def test_easybell_basic():
    """A trunk has 2 to 50 lines, and a change waits for the end of the month.

    Made-up price: 6.20 a line.
    """
    tariff = Tariff("made up", EUR, channel="6.20", bundle=0, minute=0)
    # 22 of 31 days are left on 10 January: 2 x 6.20 x 22/31 = 8.80. February: 4 x 6.20 = 24.80.
    purchase = buy_plan(OFFERS["easybell-basic"], tariff, day(1, 10), channels=2)
    increase = change_plan(purchase, tariff, day(1, 20), channels=4)
    february = renew(increase.after, tariff, on=day(2, 1))

    assert ["-8.80 EUR", None, "-24.80 EUR"] == [
        movement(purchase),
        movement(increase),
        movement(february),
    ]
    assert (2, 4) == (increase.after.plan.channels, february.after.plan.channels)
    for channels in 1, 51:
        with pytest.raises(ChannelsOutOfRange):
            OFFERS["easybell-basic"].plan(channels=channels)


def test_easybell_tier():
    """A larger tariff can be used at once and is paid from the following month on.

    Made-up prices: 20.00 for up to 10 devices, 40.00 for up to 25, 80.00 for more.
    """
    ladder = Ladder((Tier(10, flat=20), Tier(25, flat=40), Tier(None, flat=80)))
    tariff = Tariff("made up", EUR, channel=ladder, bundle=0, minute=0)
    purchase = buy_plan(OFFERS["easybell-tier"], tariff, day(3, 1), channels=10)
    increase = change_plan(purchase, tariff, day(3, 12), channels=12)
    april = renew(increase.after, tariff, on=day(4, 1))

    assert ["-20.00 EUR", None, "-40.00 EUR"] == [
        movement(purchase),
        movement(increase),
        movement(april),
    ]
    assert increase.after.admits(11, on=day(3, 12))


def test_didww():
    """Added channels cost the remaining days and a set-up fee; removed channels refund nothing.

    Made-up prices by volume: 5.00 a channel for up to 9 channels, 4.00 a channel above. The set-up
    fee is 2.00 a channel.
    """
    ladder = Ladder((Tier(9, unit=5), Tier(None, unit=4)))
    tariff = Tariff("made up", USD, channel=ladder, bundle=0, minute=0, channel_setup=2)
    # The term from 10 June to 10 July has 30 days: 4 x 5 + 4 x 2 = 28.
    # 20 days are left on 20 June: (10 x 4 - 4 x 5) x 20/30 = 13.33; set-up: 6 x 2 = 12.
    # The next term has 8 channels: 8 x 5 = 40.
    purchase = buy_plan(OFFERS["didww"], tariff, day(6, 10), channels=4)
    increase = change_plan(purchase, tariff, day(6, 20), channels=10)
    reduction = change_plan(increase, tariff, day(6, 25), channels=8)
    july = renew(reduction.after, tariff, on=day(7, 10))

    assert ["-28.00 USD", "-25.33 USD", None, "-40.00 USD"] == [
        movement(purchase),
        movement(increase),
        movement(reduction),
        movement(july),
    ]

    # A balance one cent too low cannot pay for the increase.
    balances = {ACCOUNT_WALLET: Money.of("25.32", USD)}
    with pytest.raises(InsufficientCredit):
        settle(balances, increase.postings)


def test_telnyx():
    """Channels are charged at the start of each calendar month; a call above them is refused.

    Made-up price: 15.00 a channel.
    """
    tariff = Tariff("made up", USD, channel=15, bundle=0, minute=0)
    # 15 of 31 days are left on 17 January: 2 x 15 x 15/31 = 14.516..., rounded 14.52.
    purchase = buy_plan(OFFERS["telnyx"], tariff, day(1, 17), channels=2)
    february = renew(purchase.after, tariff, on=day(2, 1))

    assert ("-14.52 USD", "-30.00 USD") == (movement(purchase), movement(february))
    assert [True, False] == [purchase.after.admits(calls, on=day(1, 17)) for calls in (1, 2)]


def test_voyant():
    """Five sessions carry five calls, and a sixth call is refused.

    Published price: 12 dollars a channel each month.
    """
    tariff = Tariff("Voyant", USD, channel=12, bundle=0, minute=0)
    # 5 x 12 = 60 from 31 January to 28 February, and 60 again from 28 February to 31 March.
    purchase = buy_plan(OFFERS["voyant"], tariff, day(1, 31), channels=5)
    renewal = renew(purchase.after, tariff, on=day(2, 28))

    assert ("-60.00 USD", "-60.00 USD") == (movement(purchase), movement(renewal))
    assert (day(2, 28), day(3, 31)) == (purchase.after.term.end, renewal.after.term.end)
    assert [True, False] == [purchase.after.admits(calls, on=day(2, 1)) for calls in (4, 5)]


def test_sipstation():
    """A trunk includes 3,000 minutes. Ending it takes effect at once, finally, without a refund.

    Made-up prices: 25.00 a trunk, 0.02 for a minute of overage.
    """
    tariff = Tariff("made up", USD, channel=25, bundle=0, minute="0.02")
    # 2 x 25 = 50 and 2 x 3,000 = 6,000 minutes. A call of 20 minutes finds 10 minutes left and has
    # 10 minutes of overage: 10 x 0.02 = 0.20
    purchase = buy_plan(OFFERS["sipstation"], tariff, day(3, 1), channels=2)
    nearly_used = with_used_minutes(purchase.after, 5990)
    call = record_minutes(
        nearly_used, tariff, day(3, 9), number="+1 212 555 0100", destination="US", count=20
    )
    termination = terminate(call.after, on=day(3, 11))

    assert ["-50.00 USD", "-0.20 USD", None] == [
        movement(purchase),
        movement(call),
        movement(termination),
    ]
    assert minutes(6000) == purchase.after.allowance.granted
    assert not termination.after.active_on(day(3, 11))
    with pytest.raises(TransitionNotAllowed):
        resume(termination.after, on=day(3, 11))

    # A renewal in April costs 2 x 25 = 50 and grants 6,000 minutes, not 11,000: the 5,000 unused
    # minutes expire with March.
    april = renew(with_used_minutes(purchase.after, 1000), tariff, on=day(4, 1))

    assert ("-50.00 USD", day(5, 1)) == (movement(april), april.after.term.end)
    assert minutes(6000) == april.after.allowance.remaining


def test_premitel():
    """A line includes 200 minutes, and overage is charged by the minute.

    Published prices: 5.00 a line, 0.02 for a minute of overage to landlines.
    """
    tariff = Tariff("Bronze", GBP, channel=5, bundle=0, minute="0.02")
    # 3 x 5 = 15 and 3 x 200 = 600 minutes. A call of 12 minutes finds 5 minutes left and has
    # 7 minutes of overage: 7 x 0.02 = 0.14
    purchase = buy_plan(OFFERS["premitel"], tariff, day(1, 5), channels=3)
    nearly_used = with_used_minutes(purchase.after, 595)
    call = record_minutes(
        nearly_used, tariff, day(1, 30), number="+44 20 5550 0100", destination="GB", count=12
    )

    assert ("-15.00 GBP", "-0.14 GBP") == (movement(purchase), movement(call))
    assert minutes(600) == purchase.after.allowance.granted

    # The included minutes do not cover numbers that begin with 09, however they are written. The
    # profile pays the whole call: 12 x 0.02 = 0.24.
    for number in ("+44 909 555 0100", "0044 909 555 0100", "0909 555 0100", "+44 (0)909 555 0100"):
        call = record_minutes(
            nearly_used, tariff, day(1, 30), number=number, destination="GB", count=12
        )

        assert (None, "-0.24 GBP") == (movement(call), movement(call, PROFILE_WALLET))

    # The first term ends on 5 February and the second on 5 March. The second costs 15 and grants
    # 600 minutes; the 5 unused minutes are lost.
    february = renew(nearly_used, tariff, on=day(2, 5))

    assert ("-15.00 GBP", day(3, 5)) == (movement(february), february.after.term.end)
    assert minutes(600) == february.after.allowance.remaining


def test_strobe_it():
    """A plan has five channels, a set-up fee and a minimum term of twelve months.

    Published price: 22.00 for the set-up. Made-up price: 6.00 a channel.
    """
    tariff = Tariff("made up", GBP, channel=6, bundle=0, minute=0, setup=22)
    # 5 x 6 + 22 = 52, then 30 a month. The minimum term ends on 10 January of the next year.
    purchase = buy_plan(OFFERS["strobe-it"], tariff, day(1, 10), channels=5)
    subscriptions = [purchase.after]
    for month in range(2, 13):
        subscriptions.append(renew(subscriptions[-1], tariff, on=day(month, 10)).after)
    january, february, *_, december = subscriptions

    assert "-52.00 GBP" == movement(purchase)
    assert (52, 30) == (january.quote.total.amount, february.quote.total.amount)
    # Notice can be given at any time; it takes effect at the end of the minimum term.
    for subscription, on in ((february, day(2, 20)), (december, day(12, 20))):
        assert date(2027, 1, 10) == cancel(subscription, on=on).after.last_term_end
    for channels in 4, 6:
        with pytest.raises(ChannelsOutOfRange):
            OFFERS["strobe-it"].plan(channels=channels)


def test_voip_yonder():
    """Add-ons add up, and all of them are removed if the balance cannot pay the renewal.

    Made-up prices: 3.00 a trunk, 8.00 an add-on.
    """
    tariff = Tariff("made up", GBP, channel=3, bundle=8, minute="0.02")
    # March costs 3 + 2 x 8 = 19. Three add-ons on 20 March cost their full price: 3 x 8 = 24.
    # 5 x 2,000 = 10,000 minutes, as the provider's page says.
    purchase = buy_plan(OFFERS["voip-yonder"], tariff, day(3, 1), channels=1, bundles=2)
    increase = change_plan(purchase, tariff, day(3, 20), channels=1, bundles=5)

    assert ("-19.00 GBP", "-24.00 GBP") == (movement(purchase), movement(increase))
    assert minutes(10_000) == increase.after.allowance.granted

    # April would cost 3 + 5 x 8 = 43, but the balance is 10. The trunk is renewed for 3, without
    # add-ons.
    balances = {ACCOUNT_WALLET: Money.of(10, GBP)}
    with pytest.raises(InsufficientCredit):
        settle(balances, renew(increase.after, tariff, on=day(4, 1)).postings)
    trunk_only = renew(increase.after, tariff, on=day(4, 1), keep_bundles=False)

    assert Money.of(7, GBP) == settle(balances, trunk_only.postings)[ACCOUNT_WALLET]
    assert (0, minutes(0)) == (trunk_only.after.plan.bundles, trunk_only.after.allowance.remaining)


def test_to_connect_me():
    """A channel is sold by the month, and an added channel is prorated.

    Published price: 14.99 dollars for one channel.
    """
    tariff = Tariff("To Connect Me", USD, channel="14.99", bundle=0, minute=0)
    # The term from 15 January to 15 February has 31 days; from 30 January, 16 of them are left.
    #   14.99 x 16/31 = 7.736..., rounded 7.74; then 2 x 14.99 = 29.98
    purchase = buy_plan(OFFERS["to-connect-me"], tariff, day(1, 15), channels=1)
    increase = change_plan(purchase, tariff, day(1, 30), channels=2)
    renewal = renew(increase.after, tariff, on=day(2, 15))

    assert ["-14.99 USD", "-7.74 USD", "-29.98 USD"] == [
        movement(purchase),
        movement(increase),
        movement(renewal),
    ]


def test_magnus_billing():
    """The unused days are refunded when a service ends early.

    Made-up price: 30.00 a channel.
    """
    tariff = Tariff("made up", USD, channel=30, bundle=0, minute=0)
    # The term from 1 April to 1 May has 30 days; from 11 April, 20 of them are left:
    # 30 x 20/30 = 20.
    purchase = buy_plan(OFFERS["magnus-billing"], tariff, day(4, 1), channels=1)

    assert "20.00 USD" == movement(terminate(purchase.after, on=day(4, 11)))

    # A change to two channels on 11 April refunds 20 and charges 60, for a term until 11 May.
    increase = change_plan(purchase, tariff, day(4, 11), channels=2)

    assert ("-40.00 USD", day(5, 11)) == (movement(increase), increase.after.term.end)

    # Terms now start on the 11th: 2 x 30 = 60 until 11 June. 11 of 31 days are left on 31 May:
    # 60 x 11/31 = 21.290..., rounded 21.29.
    may = renew(increase.after, tariff, on=day(5, 11))

    assert ("-60.00 USD", day(6, 11)) == (movement(may), may.after.term.end)
    assert "21.29 USD" == movement(terminate(may.after, on=day(5, 31)))

"""One month in the life of each published offer, in numbers worked out by hand.

Prices that a source publishes are used where there are any; where there are none they are made up,
and called so. What is worked out stands in a comment before it.
"""

# Identifiers are plain text here, and decisions are known to hold a subscription.
# mypy: disable-error-code="arg-type, union-attr"

from datetime import date, timedelta

import attrs
import pytest

from channelplans import offers
from channelplans.errors import (
    ChannelsOutOfRange,
    InsufficientCredit,
    OutsideTerm,
    TransitionNotAllowed,
)
from channelplans.ladders import Ladder, Tier
from channelplans.ledger import Purse, settle
from channelplans.lifecycle import (
    buy,
    cancel,
    change,
    renew,
    renew_without_bundles,
    resume,
    terminate,
    use,
)
from channelplans.money import EUR, GBP, USD, Money
from channelplans.offers import (
    DIDWW,
    EASYBELL_BASIC,
    EASYBELL_TIER,
    MAGNUS_BILLING,
    PREMITEL,
    SIPGATE_DE,
    SIPGATE_PACKS,
    SIPGATE_UK,
    SIPSTATION,
    STROBE_IT,
    TELNYX,
    TO_CONNECT_ME,
    VOIP_YONDER,
    VOYANT,
)
from channelplans.plans import Offer
from channelplans.pricing import Tariff
from channelplans.subscriptions import Status
from channelplans.usage import Call

ACME = Purse("acme")
TRUNK = Purse("acme", "trunk")


def day(month, number):
    """Return a day of 2026."""
    return date(2026, month, number)


def minutes(count):
    """Return so many minutes."""
    return timedelta(minutes=count)


def bought(offer, tariff, on, **request):
    """Buy a plan of an offer."""
    ids = {"account": "acme", "profile": "trunk", "subscription": "s-1"}
    return buy(offer.plan(**request), tariff, on=on, **ids)


def changed(decision, tariff, on, **request):
    """Change what a decision left to another plan of its offer."""
    held = decision.after
    return change(held, held.plan.offer.plan(**request), tariff, on=on)


def moved(decision, purse=ACME):
    """Return what a decision moves on a purse; None is nothing."""
    delta = decision.deltas.get(purse)
    return None if delta is None else str(delta)


def having_used(subscription, count):
    """Return a subscription of which so many minutes are used."""
    return attrs.evolve(subscription, allowance=subscription.allowance.use(minutes(count)))


def called(subscription, tariff, on, number, country, count):
    """Make a call of so many minutes."""
    return use(subscription, Call("c-1", number, country, on, minutes(count)), tariff, on=on)


def test_every_offer_has_a_test():
    """Each constant but Skype's, whose tests are the rest of the suite, has a month told here."""
    told = {name.removeprefix("test_").upper() for name in globals()}

    assert [] == [
        name for name in offers.__all__ if not name.startswith("SKYPE") and name not in told
    ]


@pytest.mark.parametrize("name", offers.__all__)
def test_every_offer_names_a_source(name):
    """A constant is an offer, told apart by name and edition, with an address for its source."""
    offer = getattr(offers, name)
    alike = [
        other
        for other in offers.__all__
        if (getattr(offers, other).name, getattr(offers, other).edition)
        == (offer.name, offer.edition)
    ]

    assert isinstance(offer, Offer)
    assert offer.source.startswith("https://")
    assert [name] == alike


def test_sipgate_packs():
    """Packs stack; what is unused expires with the month; overage is the account's.

    Published: a pack of 5,000 is 24.95, a minute beyond it 1.50 cents. The trunk itself is free.
    """
    tariff = Tariff("sipgate", EUR, channel=0, bundle="24.95", minute="0.015")
    # February has 28 days: two packs for all of it, a third for 14 of them.
    #   2 x 24.95 = 49.90; 24.95 x 14/28 = 12.475, rounded 12.48
    #   2 x 5,000 + 5,000 x 14/28 = 12,500 minutes
    first = bought(SIPGATE_PACKS, tariff, day(2, 1), channels=2, bundles=2)
    third = changed(first, tariff, day(2, 15), channels=2, bundles=3)

    assert ("-49.90 EUR", "-12.48 EUR") == (moved(first), moved(third))
    assert minutes(12_500) == third.after.allowance.granted

    # 10 minutes are left; a call of 20 has 10 beyond them: 10 x 0.015 = 0.15
    call = called(having_used(third.after, 12_490), tariff, day(2, 20), "+49 30 555 0100", "DE", 20)

    assert ("-0.15 EUR", None) == (moved(call), moved(call, TRUNK))

    # 3 x 24.95 = 74.85, and 15,000 minutes: what was unused is gone.
    march = renew(third.after, tariff, on=day(3, 1))

    assert "-74.85 EUR" == moved(march)
    assert minutes(15_000) == march.after.allowance.remaining


def test_sipgate_de():
    """A switch costs the new plan for the rest of the month, and nothing comes back.

    Made up: 28.00 a channel.
    """
    tariff = Tariff("made up", EUR, channel=28, bundle=0, minute=0)
    # 3 x 28 = 84 for February; from the 15th 14 of 28 days: 5 x 28 x 14/28 = 70, nothing for the 3.
    first = bought(SIPGATE_DE, tariff, day(2, 1), channels=3)
    more = changed(first, tariff, day(2, 15), channels=5)
    # From the 22nd 7 of 28 days: 1 x 28 x 7/28 = 7. March costs 28.
    fewer = changed(more, tariff, day(2, 22), channels=1)
    march = renew(fewer.after, tariff, on=day(3, 1))

    assert ["-84.00 EUR", "-70.00 EUR", "-7.00 EUR", "-28.00 EUR"] == [
        moved(first),
        moved(more),
        moved(fewer),
        moved(march),
    ]
    assert day(4, 1) == march.after.term.end


def test_sipgate_uk():
    """More at once and prorated, fewer with the month's end; a cancellation can be revoked.

    Made up: 10.00 a channel.
    """
    tariff = Tariff("made up", GBP, channel=10, bundle=0, minute=0)
    # 4 x 10 = 40 for April; from the 16th 15 of 30 days: 2 x 10 x 15/30 = 10; then 3 x 10 = 30.
    first = bought(SIPGATE_UK, tariff, day(4, 1), channels=4)
    more = changed(first, tariff, day(4, 16), channels=6)
    fewer = changed(more, tariff, day(4, 20), channels=3)
    may = renew(fewer.after, tariff, on=day(5, 1))

    assert ["-40.00 GBP", "-10.00 GBP", None, "-30.00 GBP"] == [
        moved(first),
        moved(more),
        moved(fewer),
        moved(may),
    ]
    assert (6, 3) == (fewer.after.plan.channels, may.after.plan.channels)

    # It ends on 1 May: revoked on 30 April, a day before, and no later.
    cancelled = cancel(first.after, on=day(4, 29)).after

    assert Status.ACTIVE is resume(cancelled, on=day(4, 30)).after.status
    with pytest.raises(OutsideTerm):
        resume(cancelled, on=day(5, 1))


def test_easybell_basic():
    """2 to 50 lines; a change waits for the end of the month.

    Made up: 6.20 a line.
    """
    tariff = Tariff("made up", EUR, channel="6.20", bundle=0, minute=0)
    # From 10 January 22 of 31 days: 2 x 6.20 x 22/31 = 8.80. February: 4 x 6.20 = 24.80.
    first = bought(EASYBELL_BASIC, tariff, day(1, 10), channels=2)
    more = changed(first, tariff, day(1, 20), channels=4)
    february = renew(more.after, tariff, on=day(2, 1))

    assert ["-8.80 EUR", None, "-24.80 EUR"] == [moved(first), moved(more), moved(february)]
    assert (2, 4) == (more.after.plan.channels, february.after.plan.channels)
    for channels in 1, 51:
        with pytest.raises(ChannelsOutOfRange):
            EASYBELL_BASIC.plan(channels=channels)


def test_easybell_tier():
    """A larger tariff is used now and paid from the following month on.

    Made up: up to 10 devices 20.00, up to 25 devices 40.00, more 80.00.
    """
    steps = Ladder((Tier(10, flat=20), Tier(25, flat=40), Tier(None, flat=80)))
    tariff = Tariff("made up", EUR, channel=steps, bundle=0, minute=0)
    first = bought(EASYBELL_TIER, tariff, day(3, 1), channels=10)
    more = changed(first, tariff, day(3, 12), channels=12)
    april = renew(more.after, tariff, on=day(4, 1))

    assert ["-20.00 EUR", None, "-40.00 EUR"] == [moved(first), moved(more), moved(april)]
    assert more.after.admits(11, on=day(3, 12))


def test_didww():
    """Channels added are paid for the days left and set up once; those removed bring nothing back.

    Made up: by volume, up to 9 channels 5.00 each, above 4.00 each; 2.00 once for each.
    """
    volume = Ladder((Tier(9, unit=5), Tier(None, unit=4)))
    tariff = Tariff("made up", USD, channel=volume, bundle=0, minute=0, channel_setup=2)
    # 10 June to 10 July, 30 days: 4 x 5 + 4 x 2 = 28.
    # From the 20th 20 days are left: (10 x 4 - 4 x 5) x 20/30 = 13.33, and 6 x 2 = 12 once.
    # The next cycle has 8: 8 x 5 = 40.
    first = bought(DIDWW, tariff, day(6, 10), channels=4)
    more = changed(first, tariff, day(6, 20), channels=10)
    fewer = changed(more, tariff, day(6, 25), channels=8)
    july = renew(fewer.after, tariff, on=day(7, 10))

    assert ["-28.00 USD", "-25.33 USD", None, "-40.00 USD"] == [
        moved(first),
        moved(more),
        moved(fewer),
        moved(july),
    ]

    # An order that the balance cannot pay is refused.
    with pytest.raises(InsufficientCredit):
        settle({ACME: Money.of("25.32", USD)}, more.postings)


def test_telnyx():
    """What recurs is charged at the start of each calendar month; a call too many is busy.

    Made up: 15.00 a channel.
    """
    tariff = Tariff("made up", USD, channel=15, bundle=0, minute=0)
    # From 17 January 15 of 31 days: 2 x 15 x 15/31 = 14.516..., rounded 14.52.
    first = bought(TELNYX, tariff, day(1, 17), channels=2)
    february = renew(first.after, tariff, on=day(2, 1))

    assert ("-14.52 USD", "-30.00 USD") == (moved(first), moved(february))
    assert [True, False] == [first.after.admits(calls, on=day(1, 17)) for calls in (1, 2)]


def test_voyant():
    """Five sessions carry five calls, and the sixth is busy.

    Published: 12 dollars a channel each month.
    """
    tariff = Tariff("Voyant", USD, channel=12, bundle=0, minute=0)
    # 5 x 12 = 60, from 31 January to 28 February, and from there to 31 March.
    first = bought(VOYANT, tariff, day(1, 31), channels=5)
    second = renew(first.after, tariff, on=day(2, 28))

    assert ("-60.00 USD", "-60.00 USD") == (moved(first), moved(second))
    assert (day(2, 28), day(3, 31)) == (first.after.term.end, second.after.term.end)
    assert [True, False] == [first.after.admits(calls, on=day(2, 1)) for calls in (4, 5)]


def test_sipstation():
    """3,000 minutes come with each trunk; the end is at once, for good, and without a refund.

    Made up: 25.00 a trunk, 0.02 a minute beyond the cap.
    """
    tariff = Tariff("made up", USD, channel=25, bundle=0, minute="0.02")
    # 2 x 25 = 50 and 2 x 3,000 = 6,000 minutes. 10 are left; of 20, 10 are beyond: 10 x 0.02 = 0.20
    first = bought(SIPSTATION, tariff, day(3, 1), channels=2)
    call = called(having_used(first.after, 5990), tariff, day(3, 9), "+1 212 555 0100", "US", 20)
    ended = terminate(call.after, on=day(3, 11))

    assert ["-50.00 USD", "-0.20 USD", None] == [moved(first), moved(call), moved(ended)]
    assert minutes(6000) == first.after.allowance.granted
    assert not ended.after.active_on(day(3, 11))
    with pytest.raises(TransitionNotAllowed):
        resume(ended.after, on=day(3, 11))

    # One that goes on: of 6,000 minutes 1,000 are used, and 5,000 end with the month.
    # April costs 2 x 25 = 50 and brings 6,000, not 11,000.
    april = renew(having_used(first.after, 1000), tariff, on=day(4, 1))

    assert ("-50.00 USD", day(5, 1)) == (moved(april), april.after.term.end)
    assert minutes(6000) == april.after.allowance.remaining


def test_premitel():
    """200 minutes come with each line; what is beyond them is charged by the minute.

    Published: 5.00 a line, and 0.02 a minute to landlines beyond them.
    """
    tariff = Tariff("Bronze", GBP, channel=5, bundle=0, minute="0.02")
    # 3 x 5 = 15 and 3 x 200 = 600 minutes. 5 are left; of 12, 7 are beyond: 7 x 0.02 = 0.14
    first = bought(PREMITEL, tariff, day(1, 5), channels=3)
    almost = having_used(first.after, 595)
    call = called(almost, tariff, day(1, 30), "+44 20 5550 0100", "GB", 12)

    assert ("-15.00 GBP", "-0.14 GBP") == (moved(first), moved(call))
    assert minutes(600) == first.after.allowance.granted

    # A number that begins with 09, however it is written, is not among those covered: its profile
    # pays, 12 x 0.02 = 0.24.
    for number in ("+44 909 555 0100", "0044 909 555 0100", "0909 555 0100", "+44 (0)909 555 0100"):
        other = called(almost, tariff, day(1, 30), number, "GB", 12)
        assert (None, "-0.24 GBP") == (moved(other), moved(other, TRUNK))

    # 5 January to 5 February, then to 5 March: 15 again, and 600 minutes; the 5 left are gone.
    february = renew(almost, tariff, on=day(2, 5))

    assert ("-15.00 GBP", day(3, 5)) == (moved(february), february.after.term.end)
    assert minutes(600) == february.after.allowance.remaining


def test_strobe_it():
    """Five channels, set up once, for twelve months.

    Published: the set-up, 22.00. Made up: 6.00 a channel.
    """
    tariff = Tariff("made up", GBP, channel=6, bundle=0, minute=0, setup=22)
    # 5 x 6 + 22 = 52, then 30 a month. Held from 10 January to 10 January of the next year.
    first = bought(STROBE_IT, tariff, day(1, 10), channels=5)
    held = [first.after]
    for month in range(2, 13):
        held.append(renew(held[-1], tariff, on=day(month, 10)).after)

    assert ("-52.00 GBP", 52, 30) == (
        moved(first),
        held[0].paid.total.amount,
        held[1].paid.total.amount,
    )
    with pytest.raises(OutsideTerm):
        cancel(held[-2], on=day(11, 20))
    assert date(2027, 1, 10) == cancel(held[-1], on=day(12, 20)).after.term.end
    for channels in 4, 6:
        with pytest.raises(ChannelsOutOfRange):
            STROBE_IT.plan(channels=channels)


def test_voip_yonder():
    """Add-ons add up, and all of them are removed where the funds do not do.

    Made up: 3.00 a trunk, 8.00 an add-on.
    """
    tariff = Tariff("made up", GBP, channel=3, bundle=8, minute="0.02")
    # 3 + 2 x 8 = 19 for March; three more on the 20th, each whole: 3 x 8 = 24.
    # 5 x 2,000 = 10,000 minutes, as its page says.
    first = bought(VOIP_YONDER, tariff, day(3, 1), channels=1, bundles=2)
    more = changed(first, tariff, day(3, 20), channels=1, bundles=5)

    assert ("-19.00 GBP", "-24.00 GBP") == (moved(first), moved(more))
    assert minutes(10_000) == more.after.allowance.granted

    # April would be 3 + 5 x 8 = 43, but 10 are there: the trunk goes on for 3, without minutes.
    funds = {ACME: Money.of(10, GBP)}
    with pytest.raises(InsufficientCredit):
        settle(funds, renew(more.after, tariff, on=day(4, 1)).postings)
    alone = renew_without_bundles(more.after, tariff, on=day(4, 1))

    assert Money.of(7, GBP) == settle(funds, alone.postings)[ACME]
    assert (0, minutes(0)) == (alone.after.plan.bundles, alone.after.allowance.remaining)


def test_to_connect_me():
    """A channel is sold by the month, and calls have no limit.

    Published: 14.99 dollars for one channel.
    """
    tariff = Tariff("To Connect Me", USD, channel="14.99", bundle=0, minute=0)
    # 15 January to 15 February, 31 days, 16 of them left on the 30th:
    #   14.99 x 16/31 = 7.736..., rounded 7.74; then 2 x 14.99 = 29.98
    first = bought(TO_CONNECT_ME, tariff, day(1, 15), channels=1)
    more = changed(first, tariff, day(1, 30), channels=2)
    second = renew(more.after, tariff, on=day(2, 15))

    assert ["-14.99 USD", "-7.74 USD", "-29.98 USD"] == [moved(first), moved(more), moved(second)]


def test_magnus_billing():
    """What is unused comes back, by days, when a service ends early.

    Made up: 30.00 a channel.
    """
    tariff = Tariff("made up", USD, channel=30, bundle=0, minute=0)
    # 1 April to 1 May, 30 days, 20 of them left on the 11th: 30 x 20/30 = 20.
    first = bought(MAGNUS_BILLING, tariff, day(4, 1), channels=1)

    assert "20.00 USD" == moved(terminate(first.after, on=day(4, 11)))

    # Two from the 11th on: 20 back, 60 paid, until 11 May.
    more = changed(first, tariff, day(4, 11), channels=2)

    assert ("-40.00 USD", day(5, 11)) == (moved(more), more.after.term.end)

    # Months count from the 11th now: 2 x 30 = 60, until 11 June, and 11 of its 31 days are left on
    # 31 May: 60 x 11/31 = 21.290..., rounded 21.29.
    may = renew(more.after, tariff, on=day(5, 11))

    assert ("-60.00 USD", day(6, 11)) == (moved(may), may.after.term.end)
    assert "21.29 USD" == moved(terminate(may.after, on=day(5, 31)))

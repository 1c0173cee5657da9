"""What an offer's rules do over a subscription's life: terms, changes, shortage, refunds, fees.

The offers are made up, and so are the prices: 31.00 a channel and 62.00 a bundle, so that a day of
January costs 1.00 and 2.00.
"""

# Identifiers are plain text here, decisions are known to hold a subscription, and wrong values are
# given on purpose.
# mypy: disable-error-code="arg-type, union-attr"

from datetime import date, timedelta

import attrs
import pytest

from channelplans.calendar import Days, Months, Term
from channelplans.errors import (
    CurrencyMismatch,
    InvalidValue,
    MixedChange,
    NotOffered,
    OutsideTerm,
    PlanUnchanged,
    TransitionNotAllowed,
    WrongType,
)
from channelplans.ladders import Ladder, Tier
from channelplans.ledger import Purse, Reason
from channelplans.lifecycle import (
    buy,
    cancel,
    change,
    expire,
    lapse,
    renew,
    renew_without_bundles,
    resume,
    terminate,
    use,
)
from channelplans.money import EUR, USD
from channelplans.offers import SKYPE_CONNECT
from channelplans.pricing import Item, Tariff, amend, quote, refund
from channelplans.rules import (
    BundleRule,
    ChangeRule,
    Effect,
    QuantityRule,
    RefundBasis,
    RefundRule,
    ShortageRule,
    TermRule,
)
from channelplans.subscriptions import Status
from channelplans.usage import Call

TARIFF = Tariff("made up", EUR, "31", "62", "0.10")
ACME = Purse("acme")
PROFILE = Purse("acme", "berlin")
JAN_1, JAN_16, JAN_22 = date(2026, 1, 1), date(2026, 1, 16), date(2026, 1, 22)
FEB_1, MAR_1 = date(2026, 2, 1), date(2026, 3, 1)
HOUR = timedelta(hours=1)


def offer(*, more=Effect.REBUY, fewer=Effect.REBUY, **rules):
    """Return an offer of calendar months that differs from the first in what is given."""
    return attrs.evolve(
        SKYPE_CONNECT,
        name="made up",
        **{
            "quantity": QuantityRule(1, 300),
            "term": TermRule(Months(1)),
            "change": ChangeRule(cooldown=None, more=more, fewer=fewer),
            **rules,
        },
    )


def bought(rules, channels=10, bundles=0, *, on=JAN_1, tariff=TARIFF):
    """Buy a plan."""
    ids = {"account": "acme", "profile": "berlin", "subscription": "s-1"}
    return buy(rules.plan(channels=channels, bundles=bundles), tariff, on=on, **ids)


def changed(held, channels, bundles=0, *, on=JAN_16, tariff=TARIFF, **more):
    """Change to a plan of the offer held."""
    plan = held.plan.offer.plan(channels=channels, bundles=bundles)
    return change(held, plan, tariff, on=on, **more)


def moved(decision):
    """Return what moves on the account, as a number of cents; 0 is nothing."""
    delta = decision.deltas.get(ACME)
    return 0 if delta is None else delta.minor


# Terms


def test_a_month_from_the_day_of_purchase():
    """Each term is counted from the first day, and none from the one before it."""
    first = bought(offer(), on=date(2026, 1, 31))
    second = renew(first.after, TARIFF, on=date(2026, 2, 28))
    third = renew(second.after, TARIFF, on=date(2026, 3, 31))

    assert [
        Term(date(2026, 2, 28), date(2026, 3, 31)),
        Term(date(2026, 3, 31), date(2026, 4, 30)),
    ] == [
        second.after.term,
        third.after.term,
    ]


def test_an_aligned_term_begins_with_what_is_left_of_the_month():
    """The first part is prorated, minutes as well; from then on whole months on the first.

    16 of 31 days: 10 x 31 x 16/31 = 160, 62 x 16/31 = 32, and 300,000 s x 16/31 = 154,838 s.
    """
    first = bought(offer(term=TermRule(Months(1), aligned=True)), 10, 1, on=JAN_16)
    second = renew(first.after, TARIFF, on=FEB_1)

    assert (Term(JAN_16, FEB_1), Term(FEB_1, MAR_1)) == (first.after.term, second.after.term)
    assert (-19_200, -37_200) == (moved(first), moved(second))
    assert timedelta(seconds=154_838) == first.after.allowance.granted
    assert timedelta(minutes=5000) == second.after.allowance.granted


def test_an_aligned_term_bought_on_the_first_is_whole():
    """Nothing is missing of the month."""
    first = bought(offer(term=TermRule(Months(1), aligned=True)))

    assert (Term(JAN_1, FEB_1), -31_000) == (first.after.term, moved(first))


def test_an_aligned_quarter_begins_in_the_month_of_purchase():
    """January to March have 90 days; from 16 January 75 are left: 310 x 75/90 = 258.33."""
    first = bought(offer(term=TermRule(Months(3), aligned=True)), on=JAN_16)
    second = renew(first.after, TARIFF, on=date(2026, 4, 1))

    assert (Term(JAN_16, date(2026, 4, 1)), -25_833) == (first.after.term, moved(first))
    assert (Term(date(2026, 4, 1), date(2026, 7, 1)), -31_000) == (second.after.term, moved(second))


def test_a_first_part_is_refunded_by_its_own_days():
    """160 paid for 16 days, ten of them left: 100 come back."""
    first = bought(offer(term=TermRule(Months(1), aligned=True)), on=JAN_16)

    assert 10_000 == moved(terminate(first.after, on=JAN_22))


def test_days_are_not_aligned():
    """A term of days has no first of a month to begin on."""
    with pytest.raises(InvalidValue, match="months, to be aligned"):
        TermRule(Days(30), aligned=True)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (TermRule(Months(1), aligned=True), "a term of 1 month from the first of a month"),
        (TermRule(Months(1), holding=Months(12)), "a term of 1 month, held for 12 months at least"),
        (
            ChangeRule(None, Effect.PRORATE, Effect.NEXT_TERM),
            "a change at any time; more: the difference prorated; fewer: from the next term on",
        ),
        (ShortageRule(), "without credit it lapses"),
        (ShortageRule(grace=Days(1)), "without credit it lapses after 1 day of grace"),
    ],
)
def test_rules_explain_themselves(rule, text):
    """A rule is a sentence."""
    assert text == str(rule)


def test_an_offer_tells_a_shortage_that_is_not_the_usual_one():
    """The line is there where the offer does more than let a subscription lapse."""
    assert "without credit" not in str(offer())
    assert "after 7 days of grace" in str(offer(shortage=ShortageRule(grace=Days(7))))


# Minimum holding


@pytest.fixture
def held_for_three_months():
    """Return a subscription that is held for three months at least, in its first month."""
    return bought(offer(term=TermRule(Months(1), holding=Months(3)))).after


def test_a_minimum_holding_refuses_an_early_end(held_for_three_months):
    """Neither cancelled nor terminated, with refund, before it was held so long."""
    second = renew(held_for_three_months, TARIFF, on=FEB_1).after

    for held, on in (held_for_three_months, JAN_16), (second, date(2026, 2, 20)):
        with pytest.raises(OutsideTerm, match="held until 2026-04-01"):
            cancel(held, on=on)
        with pytest.raises(OutsideTerm, match="held until 2026-04-01"):
            terminate(held, on=on)


def test_a_minimum_holding_ends_with_its_last_term(held_for_three_months):
    """The third month ends on 1 April: it can be cancelled in it, and expires with it."""
    third = renew(renew(held_for_three_months, TARIFF, on=FEB_1).after, TARIFF, on=MAR_1).after
    cancelled = cancel(third, on=date(2026, 3, 2)).after

    assert date(2026, 4, 1) == cancelled.term.end
    assert Status.ENDED is expire(cancelled, on=date(2026, 4, 1)).after.status


def test_a_refusal_to_cancel_names_the_first_day_on_which_it_works(held_for_three_months):
    """The last term of the holding begins on 1 March: that is what would work."""
    with pytest.raises(OutsideTerm) as refused:
        cancel(held_for_three_months, on=JAN_16)

    assert "cancel is possible from 2026-03-01 on, not on 2026-01-16" in str(refused.value)


def test_a_minimum_holding_counts_from_the_purchase_through_changes(held_for_three_months):
    """A change buys anew, and does not begin the holding again."""
    anew = changed(held_for_three_months, 12, on=JAN_16).after

    assert (date(2026, 4, 1), JAN_1) == (anew.held_until, anew.since)


def test_without_a_minimum_it_ends_any_day():
    """The first offer has none."""
    assert Status.CANCELLED is cancel(bought(offer()).after, on=JAN_1).after.status


# Effects, each for more and for fewer, in a month of 31 days; on the 16th 16 of them are left


@pytest.mark.parametrize(
    ("effect", "cents", "end"),
    [
        # 10 x 31 x 16/31 = 160 back, 15 x 31 = 465 paid
        (Effect.REBUY, 16_000 - 46_500, date(2026, 2, 16)),
        # 5 x 31 x 16/31 = 80
        (Effect.PRORATE, -8_000, FEB_1),
        # 5 x 31 = 155
        (Effect.FULL, -15_500, FEB_1),
        (Effect.KEEP, 0, FEB_1),
    ],
)
def test_more_at_once(effect, cents, end):
    """The plan held is the larger one from that day on, whatever is paid for it."""
    more = changed(bought(offer(more=effect)).after, 15)

    assert (cents, 15, end) == (moved(more), more.after.plan.channels, more.after.term.end)


@pytest.mark.parametrize(
    ("effect", "cents", "end"),
    [
        # 160 back, 4 x 31 = 124 paid
        (Effect.REBUY, 16_000 - 12_400, date(2026, 2, 16)),
        # 6 x 31 x 16/31 = 96
        (Effect.PRORATE, 9_600, FEB_1),
        (Effect.KEEP, 0, FEB_1),
    ],
)
def test_fewer_at_once(effect, cents, end):
    """The plan held is the smaller one from that day on, whatever comes back for it."""
    fewer = changed(bought(offer(fewer=effect)).after, 4)

    assert (cents, 4, end) == (moved(fewer), fewer.after.plan.channels, fewer.after.term.end)


@pytest.mark.parametrize("channels", [15, 4])
def test_what_waits_comes_with_the_next_term(channels):
    """Nothing changes until then but the plan that is pending; the notice names the day."""
    held = bought(offer(more=Effect.NEXT_TERM, fewer=Effect.NEXT_TERM)).after
    later = changed(held, channels)
    plan = held.plan.offer.plan(channels=channels)

    assert (0, held.plan, held.term, plan) == (
        moved(later),
        later.after.plan,
        later.after.term,
        later.after.pending,
    )
    assert "The change comes with the next term, on 2026-02-01." == later.notices[0].text
    assert f"change profile berlin to {channels} channels" in str(later)
    assert f"{channels} channels from then on" in str(later.after)

    renewed = renew(later.after, TARIFF, on=FEB_1)

    assert (-channels * 3100, plan, None) == (
        moved(renewed),
        renewed.after.plan,
        renewed.after.pending,
    )


def test_steps_of_one_day_gain_nothing():
    """On the last of 31 days each channel more costs 1.45 / 31 = 0.0468; a hundred cost 4.68.

    One by one they would be 5 cents each, 5.00, and all at once the way back would return 4.68.
    """
    cheap = attrs.evolve(TARIFF, channel="1.45")
    rules = offer(change=ChangeRule(None, Effect.PRORATE, Effect.PRORATE))
    held, last = bought(rules, 1, tariff=cheap).after, date(2026, 1, 31)
    cents = []
    for channels in (*range(2, 102), 1):
        decision = changed(held, channels, on=last)
        cents.append(moved(decision))
        held = decision.after

    assert (-468, 468) == (sum(cents[:-1]), cents[-1])
    # 145 cents for the one channel, of which a day's share comes back, 4.68 rounded.
    assert 145 == held.paid.total.minor
    assert 5 == moved(terminate(held, on=last))


def test_in_full_nothing_comes_back():
    """Up to 9 at 8.00 and 6.00 from 10 on: ten cost less than nine, and less is not charged.

    Nine are 72.00 and ten 60.00. Then eleven would be 66.00, and thirteen 78.00 are 6.00 more.
    """
    ladder = Ladder((Tier(9, "8"), Tier(None, "6")))
    held = bought(offer(more=Effect.FULL), 9, tariff=attrs.evolve(TARIFF, channel=ladder)).after
    cents = []
    for channels in (10, 11, 13):
        decision = changed(held, channels, on=date(2026, 1, 31))
        cents.append(moved(decision))
        held = decision.after

    assert [0, 0, -600] == cents
    assert 7_800 == held.paid.total.minor


def test_fewer_is_never_charged_in_full():
    """That effect only charges, and there is nothing to charge for fewer."""
    with pytest.raises(InvalidValue, match="smaller plan"):
        ChangeRule(fewer=Effect.FULL)


def test_bundles_are_more_or_fewer_like_channels():
    """A bundle more is prorated: 62 x 16/31 = 32, and 300,000 s x 16/31 = 154,838 s of minutes."""
    held = bought(offer(more=Effect.PRORATE, fewer=Effect.KEEP), 10, 1).after
    more = changed(held, 10, 2)

    assert -3_200 == moved(more)
    assert timedelta(seconds=300_000 + 154_838) == more.after.allowance.granted
    assert (0, 1) == (
        moved(changed(more.after, 10, 1, on=JAN_22)),
        changed(more.after, 10, 1, on=JAN_22).after.plan.bundles,
    )


def test_more_of_one_and_fewer_of_another_is_refused_where_they_differ():
    """The one comes at once and the other waits: two changes, and the error says so."""
    held = bought(offer(more=Effect.PRORATE, fewer=Effect.NEXT_TERM), 10, 2).after

    for channels, bundles in (12, 1), (9, 3):
        with pytest.raises(MixedChange, match="change one at a time"):
            changed(held, channels, bundles)


@pytest.mark.parametrize("effect", [Effect.REBUY, Effect.PRORATE, Effect.KEEP, Effect.NEXT_TERM])
def test_more_of_one_and_fewer_of_another_is_one_change_where_they_are_alike(effect):
    """Both are done, and by PRORATE 2 x 16 - 2 x 16 = 0 move in two lines."""
    held = bought(offer(more=effect, fewer=effect), 10, 2).after
    mixed = changed(held, 12, 1)
    after = mixed.after.pending or mixed.after.plan

    assert (12, 1) == (after.channels, after.bundles)
    if effect is Effect.PRORATE:
        assert 0 == moved(mixed)
        assert [2, -1] == [line.quantity for line in mixed.after.paid.lines[2:]]


def test_a_change_to_another_offer_is_always_bought_anew():
    """Two offers have no difference that could be prorated."""
    held = bought(offer(more=Effect.PRORATE, fewer=Effect.KEEP)).after
    other = attrs.evolve(held.plan.offer, edition="another")

    assert 16_000 - 34_100 == moved(change(held, other.plan(channels=11), TARIFF, on=JAN_16))


def test_a_decision_on_the_first_day_prorates_all_of_it():
    """No day of the term is gone."""
    assert -15_500 == moved(changed(bought(offer(more=Effect.PRORATE)).after, 15, on=JAN_1))


def test_a_prorated_difference_of_a_first_part():
    """The price is for the whole month, whatever part of it was bought: 5 x 31 x 10/31 = 50."""
    rules = offer(term=TermRule(Months(1), aligned=True), more=Effect.PRORATE)
    held = bought(rules, on=JAN_16).after

    assert -5_000 == moved(changed(held, 15, on=JAN_22))


def test_what_is_given_back_on_its_first_day_leaves_no_minutes():
    """30 of 31 days of 5,000 minutes are no whole seconds; bought and given back they are none."""
    rules = offer(term=TermRule(Months(1), aligned=True), more=Effect.PRORATE, fewer=Effect.PRORATE)
    held = bought(rules, bundles=1, on=date(2026, 1, 2)).after
    fewer = change(held, rules.plan(channels=10), TARIFF, on=date(2026, 1, 2)).after

    assert timedelta(seconds=5_000 * 60 * 30 // 31) == held.allowance.granted
    assert timedelta(0) == fewer.allowance.granted


def test_a_full_difference_of_a_first_part():
    """The term is that part: 5 x 31 x 16/31 = 80, however late."""
    rules = offer(term=TermRule(Months(1), aligned=True), more=Effect.FULL)
    held = bought(rules, on=JAN_16).after

    assert -8_000 == moved(changed(held, 15, on=JAN_22))


def test_what_was_added_is_refunded_by_its_own_days():
    """On the 22nd ten days are left: 310 x 10/31 = 100, and of the 80 for 16 days 50."""
    held = changed(bought(offer(more=Effect.PRORATE)).after, 15).after

    assert 15_000 == moved(terminate(held, on=JAN_22))
    assert 15_000 == refund(held.paid, on=JAN_22).returned.minor


def test_a_term_keeps_its_prices_to_its_end():
    """9 x 31 x 16/31 = 144 comes back, however dear a channel is by now; 10 more cost 160."""
    rules = offer(more=Effect.PRORATE, fewer=Effect.PRORATE)
    held, dearer = bought(rules).after, attrs.evolve(TARIFF, name="dearer", channel="93")

    fewer = changed(held, 1, tariff=dearer)
    assert (14_400, TARIFF) == (moved(fewer), fewer.after.paid.tariff)
    assert -16_000 == moved(changed(held, 20, tariff=dearer))
    # 1 x 31 x 10/31 of the one that is left.
    assert 1_000 == moved(terminate(fewer.after, on=JAN_22))


def test_a_prorated_reduction_is_not_refunded_twice():
    """6 were given back for 96; on the 22nd 4 x 31 x 10/31 = 40 are left to come back."""
    held = changed(bought(offer(fewer=Effect.PRORATE)).after, 4).after

    assert 4_000 == moved(terminate(held, on=JAN_22))


def test_a_change_by_a_ladder_charges_the_difference_of_the_whole():
    """By volume 10 are 310 and 12 are 12 x 28 = 336; for 16 of 31 days 26 x 16/31 = 13.419..."""
    volume = Ladder((Tier(10, unit=31), Tier(None, unit=28)))
    tariff = Tariff("volume", EUR, channel=volume, bundle=0, minute=0)
    held = bought(offer(more=Effect.PRORATE), tariff=tariff).after

    assert -1_342 == moved(changed(held, 12, tariff=tariff))


def test_the_first_bundles_cost_their_flat_fee():
    """None cost nothing, so that the first one costs all that a ladder asks: 10 + 1."""
    tariff = Tariff("flat", EUR, channel=0, bundle=Ladder((Tier(None, 1, flat=10),)), minute=0)
    held = bought(offer(more=Effect.FULL), tariff=tariff).after

    assert -1_100 == moved(changed(held, 10, 1, tariff=tariff))


def test_a_change_in_another_currency_is_refused():
    """A term is paid in one."""
    held = bought(offer(more=Effect.PRORATE)).after
    dollars = attrs.evolve(TARIFF, currency=USD)

    with pytest.raises(CurrencyMismatch):
        changed(held, 15, tariff=dollars)


def test_a_quote_is_amended_on_a_day_of_its_term():
    """Neither before it nor on its end."""
    held = bought(offer()).after

    for day in date(2025, 12, 31), FEB_1:
        with pytest.raises(OutsideTerm):
            amend(held.paid, held.plan, on=day, effect=Effect.PRORATE)


def test_a_full_difference_is_never_given_back():
    """A quote amended in full to fewer stays as it was paid."""
    paid = bought(offer()).after.paid
    fewer = paid.plan.offer.plan(channels=4)
    amended = amend(paid, fewer, on=JAN_16, effect=Effect.FULL)

    assert (fewer, paid.lines) == (amended.plan, amended.lines)


def test_a_posting_is_named_for_what_it_does():
    """What is charged is for the subscription, and what comes back is a refund."""
    rules = offer(more=Effect.PRORATE, fewer=Effect.PRORATE)
    more, fewer = (changed(bought(rules).after, channels) for channels in (15, 4))

    assert [Reason.SUBSCRIPTION, Reason.REFUND] == [
        each.postings[0].reason for each in (more, fewer)
    ]


# Paid through the term: a high-water mark


@pytest.mark.parametrize(("effect", "cents"), [(Effect.FULL, -15_500), (Effect.PRORATE, -5_000)])
def test_ten_five_fifteen_pays_for_five_more(effect, cents):
    """What was paid stays paid: 5 x 31 = 155 in full, or 5 x 31 x 10/31 = 50 for ten days."""
    held = bought(offer(more=effect, fewer=Effect.KEEP)).after
    five = changed(held, 5).after
    fifteen = changed(five, 15, on=JAN_22)

    assert (5, cents) == (five.plan.channels, moved(fifteen))
    assert -46_500 == moved(renew(fifteen.after, TARIFF, on=FEB_1))


@pytest.mark.parametrize("effect", [Effect.FULL, Effect.PRORATE])
@pytest.mark.parametrize("again", [7, 10])
def test_going_back_up_to_what_is_paid_moves_nothing(effect, again):
    """10, then 5, then 7 or 10: ten are paid for, so that nothing is due and nothing comes back."""
    five = changed(bought(offer(more=effect, fewer=Effect.KEEP)).after, 5).after
    more = changed(five, again, on=JAN_22)

    assert (0, again) == (moved(more), more.after.plan.channels)

    # ... and 15 still pays for five more.
    assert moved(changed(more.after, 15, on=JAN_22)) == moved(changed(five, 15, on=JAN_22))


def test_fewer_than_what_is_used_for_free_costs_nothing():
    """10 paid, 15 used at no charge until the next term, then 12: no charge for fewer."""
    fifteen = changed(bought(offer(more=Effect.KEEP, fewer=Effect.PRORATE)).after, 15).after
    twelve = changed(fifteen, 12, on=JAN_22)

    assert (0, 12) == (moved(twelve), twelve.after.plan.channels)

    # Below what is paid, what is paid comes back: 2 x 31 x 10/31 = 20.
    assert 2_000 == moved(changed(fifteen, 8, on=JAN_22))


def test_bundles_paid_for_stay_paid():
    """2, then 1, then a channel more: nothing is due for bundles, and nothing comes back."""
    held = changed(bought(offer(more=Effect.PRORATE, fewer=Effect.KEEP), 10, 2).after, 10, 1).after
    more = changed(held, 11, 1, on=JAN_22)

    assert (-1_000, 1) == (moved(more), more.after.plan.bundles)


def test_the_next_term_is_paid_for_what_is_held_then():
    """The mark is the term's: 10, then 5, and the next month costs 5 x 31."""
    five = changed(bought(offer(more=Effect.FULL, fewer=Effect.KEEP)).after, 5).after
    renewed = renew(five, TARIFF, on=FEB_1)

    assert -15_500 == moved(renewed)
    assert -15_500 == moved(changed(renewed.after, 10, on=date(2026, 2, 5)))


# Pending changes


@pytest.fixture
def waiting():
    """Return a subscription of 10 that will have 5 from the next term on."""
    held = bought(offer(more=Effect.PRORATE, fewer=Effect.NEXT_TERM)).after
    return changed(held, 5).after


def test_a_cancellation_clears_what_is_pending(waiting):
    """Nothing comes after the term, and resuming does not bring it back."""
    cancelled = cancel(waiting, on=JAN_22).after
    resumed = resume(cancelled, on=JAN_22).after

    assert (None, None) == (cancelled.pending, resumed.pending)
    assert -31_000 == moved(renew(resumed, TARIFF, on=FEB_1))


@pytest.mark.parametrize(
    "end",
    [
        lambda held: terminate(held, on=JAN_22),
        lambda held: lapse(held, on=FEB_1),
    ],
    ids=["terminate", "lapse"],
)
def test_an_end_clears_what_is_pending(waiting, end):
    """A subscription that is over has no next term."""
    assert None is end(waiting).after.pending


def test_use_keeps_what_is_pending(waiting):
    """A call changes no plan."""
    call = Call("c-1", "+49 30 555 0100", "DE", JAN_22, timedelta(minutes=1))
    tariff = attrs.evolve(TARIFF, rates={"DE": 0})

    assert waiting.pending == use(waiting, call, tariff, on=JAN_22).after.pending


def test_another_change_replaces_what_is_pending(waiting):
    """To fewer still it waits too; to more it comes at once: 2 x 31 x 10/31 = 20."""
    fewer = changed(waiting, 3, on=JAN_22)
    more = changed(waiting, 12, on=JAN_22)

    assert (3, 0) == (fewer.after.pending.channels, moved(fewer))
    assert (None, 12, -2_000) == (more.after.pending, more.after.plan.channels, moved(more))


@pytest.mark.parametrize(
    "act",
    [
        lambda held: changed(held, 3, on=JAN_22),
        lambda held: changed(held, 12, on=JAN_22),
        lambda held: changed(held, 10, on=JAN_22),
        lambda held: change(held, SKYPE_CONNECT.plan(channels=5), TARIFF, on=JAN_22),
        lambda held: cancel(held, on=JAN_22),
    ],
    ids=["waits", "at once", "withdrawn", "bought anew", "cancelled"],
)
def test_what_is_pending_is_not_dropped_without_a_word(waiting, act):
    """Whatever takes its place, a notice says what will not come; without it there is none."""
    dropped = "The change to 5 channels, which was to come on 2026-02-01, is dropped."
    nothing_waits = attrs.evolve(waiting, pending=None)

    assert [dropped] == [each.text for each in act(waiting).notices if "dropped" in each.code]
    if act(waiting).after.plan.channels != 10:
        assert not [each for each in act(nothing_waits).notices if "dropped" in each.code]


def test_what_is_pending_is_not_asked_for_twice(waiting):
    """It would change nothing."""
    with pytest.raises(PlanUnchanged):
        changed(waiting, 5, on=JAN_22)


@pytest.mark.parametrize(
    "more", [Effect.REBUY, Effect.PRORATE, Effect.FULL, Effect.KEEP, Effect.NEXT_TERM]
)
def test_a_change_to_what_is_held_withdraws_what_is_pending(more):
    """No money moves, the term goes on, and the next one is as this one."""
    waits = changed(bought(offer(more=more, fewer=Effect.NEXT_TERM)).after, 5).after
    withdrawn = changed(waits, 10, on=JAN_22)

    assert (0, None, Term(JAN_1, FEB_1)) == (
        moved(withdrawn),
        withdrawn.after.pending,
        withdrawn.after.term,
    )


def test_a_pending_change_makes_a_cancelled_subscription_renew_again():
    """As any change does."""
    cancelled = cancel(bought(offer(fewer=Effect.NEXT_TERM)).after, on=JAN_16).after
    changing = changed(cancelled, 5, on=JAN_22).after

    assert (Status.ACTIVE, 5) == (changing.status, changing.pending.channels)


def test_a_pending_change_uses_the_cool_down():
    """A week from the day it was asked for."""
    rules = offer(change=ChangeRule(Days(7), Effect.PRORATE, Effect.NEXT_TERM))
    held = changed(bought(rules).after, 5, on=JAN_16).after

    assert JAN_16 == held.last_changed_on


# Shortage


@pytest.fixture
def in_grace():
    """Return a subscription of an offer with ten days of grace, whose term ended on 1 February."""
    return bought(offer(shortage=ShortageRule(grace=Days(10))), 10, 1).after


def test_in_grace_it_does_not_lapse(in_grace):
    """On the tenth day after it may, and not before."""
    with pytest.raises(
        OutsideTerm, match="2026-02-11 on, not on 2026-02-10; until then there is grace"
    ):
        lapse(in_grace, on=date(2026, 2, 10))

    lapsed = lapse(in_grace, on=date(2026, 2, 11))

    assert Status.LAPSED is lapsed.after.status
    assert "carries no calls since 2026-02-11" in lapsed.notices[0].text


def test_in_grace_the_profile_is_active(in_grace):
    """Until it may lapse, and while it is not cancelled."""
    days = [date(2026, 1, 31), FEB_1, date(2026, 2, 10), date(2026, 2, 11)]

    assert [True, True, True, False] == [in_grace.active_on(day) for day in days]
    assert [True, False] == [in_grace.admits(calls, on=FEB_1) for calls in (9, 10)]

    cancelled = cancel(in_grace, on=JAN_16).after

    assert [True, False, False, False] == [cancelled.active_on(day) for day in days]


def test_in_grace_calls_find_no_minutes(in_grace):
    """All that is left of the old term stays there; the profile pays 2 x 0.10."""
    call = Call("c-1", "+1 212 555 0100", "US", date(2026, 2, 3), timedelta(minutes=2))
    used = use(in_grace, call, TARIFF, on=date(2026, 2, 3))

    assert in_grace.allowance == used.after.allowance
    assert {PROFILE: -20} == {purse: delta.minor for purse, delta in used.deltas.items()}
    assert "due for renewal" in str(used)


def test_in_grace_a_call_of_the_term_still_finds_its_minutes(in_grace):
    """Its record comes late: it belongs to the term in which it began."""
    call = Call("c-1", "+1 212 555 0100", "US", date(2026, 1, 31), timedelta(minutes=2))
    used = use(in_grace, call, TARIFF, on=date(2026, 2, 3))

    assert timedelta(minutes=4998) == used.after.allowance.remaining
    assert {} == dict(used.deltas)


def test_after_the_grace_no_call_is_taken(in_grace):
    """First comes the renewal or the lapse."""
    call = Call("c-1", "+1 212 555 0100", "US", date(2026, 2, 11), timedelta(minutes=2))

    with pytest.raises(OutsideTerm):
        use(in_grace, call, TARIFF, on=date(2026, 2, 11))


def test_a_renewal_in_time_starts_at_the_old_end(in_grace):
    """Nothing is owed, since the days of grace are paid for with the new term."""
    renewed = renew(in_grace, TARIFF, on=date(2026, 2, 9))

    assert (Term(FEB_1, MAR_1), -37_200) == (renewed.after.term, moved(renewed))
    assert timedelta(minutes=5000) == renewed.after.allowance.remaining


def test_in_grace_a_call_tells_minutes_only_where_it_took_some(in_grace):
    """Those of the old term are not there for a call of the grace; a late call took two."""
    calls = [
        Call(f"c-{day}", "+1 212 555 0100", "US", day, timedelta(minutes=2))
        for day in (date(2026, 1, 31), date(2026, 2, 3))
    ]
    late, of_the_grace = (str(use(in_grace, call, TARIFF, on=date(2026, 2, 3))) for call in calls)

    assert "83:18:00 of 83:20:00 left." in late
    assert "left" not in of_the_grace


def test_before_the_end_of_a_term_with_grace(in_grace):
    """What waits for the end of the term is told so, and a lapse waits for that of the grace."""
    with pytest.raises(OutsideTerm, match=r"from 2026-02-01 on.*; the term runs until then$"):
        renew(in_grace, TARIFF, on=date(2026, 1, 31))
    with pytest.raises(OutsideTerm, match=r"from 2026-02-11 on.*; until then there is grace$"):
        lapse(in_grace, on=date(2026, 1, 31))


def test_in_grace_what_is_possible_is_told(in_grace):
    """It can be renewed, and calls be taken; it lapses once the grace is over, and not before."""
    for on, told, first in [
        (date(2026, 2, 10), ("use", "renew"), "renew"),
        (date(2026, 2, 11), ("renew", "lapse"), "renew or lapse"),
    ]:
        with pytest.raises(TransitionNotAllowed) as resumed:
            resume(in_grace, on=on)
        with pytest.raises(OutsideTerm, match=f"; first {first} the term that ended$"):
            cancel(in_grace, on=on)

        assert set(told) == set(resumed.value.allowed)


def test_in_grace_nothing_else_happens(in_grace):
    """A term that is over is neither changed nor cancelled nor terminated."""
    for act in (
        lambda on: changed(in_grace, 12, 1, on=on),
        lambda on: cancel(in_grace, on=on),
        lambda on: terminate(in_grace, on=on),
    ):
        with pytest.raises(OutsideTerm):
            act(date(2026, 2, 3))


def test_bundles_are_dropped_where_the_offer_does_so():
    """The channels go on alone; the notice says what is gone."""
    held = bought(offer(shortage=ShortageRule(drops_bundles=True)), 10, 2).after
    whole, alone = renew(held, TARIFF, on=FEB_1), renew_without_bundles(held, TARIFF, on=FEB_1)

    assert (-43_400, -31_000) == (moved(whole), moved(alone))
    assert (0, timedelta(0)) == (alone.after.plan.bundles, alone.after.allowance.remaining)
    assert "bundles-dropped" == alone.notices[0].code
    assert whole.token == alone.token


def test_bundles_are_dropped_from_what_is_pending():
    """The renewal would be with the pending plan, and so is this one."""
    rules = offer(fewer=Effect.NEXT_TERM, shortage=ShortageRule(drops_bundles=True))
    held = changed(bought(rules, 10, 2).after, 5, 2).after

    assert -15_500 == moved(renew_without_bundles(held, TARIFF, on=FEB_1))


@pytest.mark.parametrize(("drops", "bundles"), [(False, 2), (True, 0)])
def test_bundles_are_dropped_only_where_there_is_something_to_drop(drops, bundles):
    """By the offer's rule, and from a plan that has them."""
    held = bought(offer(shortage=ShortageRule(drops_bundles=drops)), 10, bundles).after

    with pytest.raises(NotOffered, match="renewal without bundles"):
        renew_without_bundles(held, TARIFF, on=FEB_1)


def test_a_renewal_without_bundles_waits_for_the_end():
    """As a renewal does."""
    held = bought(offer(shortage=ShortageRule(drops_bundles=True)), 10, 2).after

    with pytest.raises(OutsideTerm):
        renew_without_bundles(held, TARIFF, on=JAN_16)
    with pytest.raises(TransitionNotAllowed):
        renew_without_bundles(cancel(held, on=JAN_16).after, TARIFF, on=FEB_1)


# Refunds


def test_a_refund_by_exact_time():
    """On the 16th at 06:00 15 days and 18 hours are left: 310 x 15.75/31 = 157.50."""
    rules = offer(refund=RefundRule(RefundBasis.EXACT_TIME, RefundBasis.EXACT_TIME))
    held = bought(rules, 10, 1).after

    # The bundle: 62 x 15.75/31 = 31.50
    assert 15_750 + 3_150 == moved(terminate(held, on=JAN_16, passed=6 * HOUR))
    assert 16_000 + 3_200 == moved(terminate(held, on=JAN_16, passed=timedelta(0)))

    # Bought anew for 12 x 31 + 62 = 434.
    assert 18_900 - 43_400 == moved(changed(held, 12, 1, passed=6 * HOUR))


def test_a_refund_by_exact_time_needs_to_know_the_time():
    """A part of a day, from nothing up to all of it; none is needed where no money comes back."""
    held = bought(offer(refund=RefundRule(channels=RefundBasis.EXACT_TIME))).after

    for passed in None, -HOUR, timedelta(days=1):
        with pytest.raises(InvalidValue, match="passed"):
            terminate(held, on=JAN_16, passed=passed)
    with pytest.raises(WrongType):
        terminate(held, on=JAN_16, passed=6)
    assert 0 == moved(terminate(held, on=JAN_16, refund=False))


def test_nothing_comes_back_where_the_offer_says_so():
    """Neither of channels nor of bundles; each has its own basis."""
    nothing = RefundRule(RefundBasis.NOTHING, RefundBasis.NOTHING)
    bundles_alone = RefundRule(channels=RefundBasis.NOTHING)

    assert 0 == moved(terminate(bought(offer(refund=nothing), 10, 1).after, on=JAN_16))
    assert 3_200 == moved(terminate(bought(offer(refund=bundles_alone), 10, 1).after, on=JAN_16))


@pytest.mark.parametrize("basis", [RefundBasis.MINUTES, RefundBasis.SMALLER])
def test_channels_have_no_minutes_to_be_refunded_by(basis):
    """The error says which bases there are."""
    with pytest.raises(InvalidValue, match="time, exact time or nothing"):
        RefundRule(channels=basis)


# What is paid once


FEES = attrs.evolve(TARIFF, setup="5", channel_setup="1")


def test_a_purchase_is_set_up_once():
    """10 x 31 + 5 + 10 x 1 = 325, and 310 from the next term on."""
    first = bought(offer(), tariff=FEES)

    assert (-32_500, -31_000) == (moved(first), moved(renew(first.after, FEES, on=FEB_1)))
    assert [Item.CHANNELS, Item.SETUP, Item.CHANNEL_SETUP] == [
        line.item for line in first.after.paid.lines
    ]
    assert "31.00 EUR a channel, 62.00 EUR a bundle, 0.10 EUR a minute, 5 EUR once, " in str(FEES)


def test_what_is_paid_once_is_not_prorated():
    """A first part of 16 days: 160 + 5 + 10."""
    rules = offer(term=TermRule(Months(1), aligned=True))

    assert -17_500 == moved(bought(rules, on=JAN_16, tariff=FEES))


def test_what_is_paid_once_does_not_come_back():
    """On the first day all of the rest does."""
    held = bought(offer(), tariff=FEES).after

    assert 31_000 == moved(terminate(held, on=JAN_1))


def test_channels_added_are_set_up():
    """5 x 31 x 16/31 + 5 x 1 = 85; fewer cost nothing to set up."""
    rules = offer(more=Effect.PRORATE, fewer=Effect.PRORATE)
    held = bought(rules, tariff=FEES).after

    assert -8_500 == moved(changed(held, 15, tariff=FEES))
    assert 9_600 == moved(changed(held, 4, tariff=FEES))


def test_channels_added_by_a_renewal_are_set_up_with_it():
    """12 x 31 + 2 x 1 = 374, then 372; the renewal of fewer has none."""
    held = bought(offer(more=Effect.NEXT_TERM, fewer=Effect.NEXT_TERM), tariff=FEES).after
    waiting = changed(held, 12, tariff=FEES)
    twelve = renew(waiting.after, FEES, on=FEB_1)
    fewer = changed(twelve.after, 4, on=FEB_1, tariff=FEES).after

    assert (0, -37_400) == (moved(waiting), moved(twelve))
    assert -37_200 == moved(renew(twelve.after, FEES, on=MAR_1))
    assert -12_400 == moved(renew(fewer, FEES, on=MAR_1))


def test_channels_added_at_no_charge_are_set_up_once():
    """10, 15, 20: five are set up each time."""
    held = bought(offer(more=Effect.KEEP), tariff=FEES).after
    fifteen = changed(held, 15, tariff=FEES)
    twenty = changed(fifteen.after, 20, on=JAN_22, tariff=FEES)

    assert (-500, -500) == (moved(fifteen), moved(twenty))


def test_a_change_that_buys_anew_sets_up_what_is_added():
    """The set-up of a purchase was paid once, and so was that of the ten channels held.

    160 come back, 12 x 31 = 372 and 2 x 1 are paid.
    """
    held = bought(offer(), tariff=FEES).after

    assert 16_000 - 37_200 - 200 == moved(changed(held, 12, tariff=FEES))


def test_a_quote_shows_what_is_paid_once():
    """As lines of their own, told from those of the term."""
    shown = str(quote(offer().plan(channels=10), FEES, on=JAN_1))

    assert "set-up                     1        5.00    5.00" in shown
    assert "set-up of channels        10        1.00   10.00" in shown


# Bundles that there are none of


def test_an_offer_whose_minutes_come_with_its_channels_sells_no_bundles():
    """The rule has minutes, and no bundles."""
    rule = BundleRule("inclusive", 0, ("US",), per_channel=0, included=200)
    rules = offer(bundles=rule)

    assert (0, 2000) == (rule.most(10), rules.plan(channels=10).minutes)
    with pytest.raises(ValueError, match="bundles must be 0"):
        rules.plan(channels=10, bundles=1)

"""Renewals that move a subscription to another offer, and checks of rules, prices and postings."""

from datetime import date
from itertools import islice, pairwise

import attrs
import pytest
from tests.subscriptions.samples import IDENTIFIERS

from channelplans import (
    EUR,
    GBP,
    SKYPE_CONNECT,
    USD,
    BundleRule,
    ChangeEffect,
    ChangeRule,
    Days,
    InvalidValue,
    Ladder,
    Money,
    Months,
    NonPaymentRule,
    QuantityRule,
    Reason,
    RefundBasis,
    RefundRule,
    Rollover,
    Tariff,
    Term,
    TermRule,
    Tier,
    Wallet,
    WrongType,
    buy,
    change,
    deposit,
    lapse,
    quote,
    renew,
)
from channelplans.errors import CurrencyMismatch, NotOffered, OutsideTerm
from channelplans.offers import OFFERS
from channelplans.pricing import price_term
from channelplans.subscriptions.subscription import Status, Subscription

TARIFF = Tariff("prices", EUR, channel="31", bundle="62", minute="0.01")
PURCHASE_DAY, TERM_END = date(2026, 1, 5), date(2026, 2, 4)
ROLLOVER_OFFER = attrs.evolve(
    SKYPE_CONNECT,
    edition="rollover",
    bundle=BundleRule("minutes", 1000, ("US",), rollover=Rollover(1)),
)


def buy_subscription(offer=SKYPE_CONNECT):
    """Buy two channels and one bundle on 5 January, and return the subscription."""
    plan = offer.plan(channels=2, bundles=1)
    return buy(
        plan, TARIFF, account="acme", profile="berlin", subscription="s-1", on=PURCHASE_DAY
    ).after


def plan_with(term):
    """Return a plan of two channels and one bundle under an offer with another term rule."""
    return attrs.evolve(SKYPE_CONNECT, edition="2027", term=term).plan(channels=2, bundles=1)


def test_renew_moves_to_another_offer_and_keeps_the_anchor():
    """If both offers have terms of 30 days, the series of terms continues from its anchor."""
    new_plan = plan_with(TermRule(Days(30)))
    renewed = renew(buy_subscription(), TARIFF, plan=new_plan, on=TERM_END).after

    assert (new_plan, PURCHASE_DAY, 1, date(2026, 3, 6)) == (
        renewed.plan,
        renewed.anchor,
        renewed.term_number,
        renewed.term.end,
    )


def test_renew_with_another_term_length_starts_a_new_anchor():
    """A month from the renewal on 4 February ends on 4 March; the old anchor has no effect."""
    monthly_plan = plan_with(TermRule(Months(1)))
    renewed = renew(buy_subscription(), TARIFF, plan=monthly_plan, on=TERM_END).after

    assert (TERM_END, 0, date(2026, 3, 4)) == (
        renewed.anchor,
        renewed.term_number,
        renewed.term.end,
    )


def test_renew_with_an_aligned_offer_starts_with_the_rest_of_the_month():
    """On 4 February 25 of 28 days are left, so each line costs 25/28 of its price.

    Each of the two lines is rounded once: 62 x 25/28 = 55.357, rounded to 55.36. The total is
    2 x 55.36 = 110.72, and not 124 x 25/28 = 110.71.
    """
    aligned_plan = plan_with(TermRule(Months(1), billing_day=1))
    renewed = renew(buy_subscription(), TARIFF, plan=aligned_plan, on=TERM_END).after

    assert (date(2026, 2, 1), date(2026, 3, 1), "110.72 EUR") == (
        renewed.anchor,
        renewed.term.end,
        str(renewed.quote.total),
    )


def test_renew_refuses_another_plan_of_the_same_offer():
    """A renewal cannot replace a change: `renew` refuses another plan of the same offer."""
    larger_plan = SKYPE_CONNECT.plan(channels=3, bundles=1)

    with pytest.raises(InvalidValue, match=r"^plan must be .* change\(\) changes it, not "):
        renew(buy_subscription(), TARIFF, plan=larger_plan, on=TERM_END)


@pytest.mark.parametrize(("same_bundles", "minutes"), [(True, 2000), (False, 1000)])
def test_renew_carries_minutes_only_under_the_same_bundle_rule(same_bundles, minutes):
    """Unused minutes roll over if the new offer has the same bundle rule, and are lost if not."""
    term = TermRule(Days(30), minimum_term=Days(1))
    new_offer = attrs.evolve(ROLLOVER_OFFER, edition="other", term=term)
    if not same_bundles:
        other_bundles = BundleRule("minutes", 1000, ("US", "CA"), rollover=Rollover(1))
        new_offer = attrs.evolve(new_offer, bundle=other_bundles)
    new_plan = new_offer.plan(channels=2, bundles=1)
    renewed = renew(buy_subscription(ROLLOVER_OFFER), TARIFF, plan=new_plan, on=TERM_END).after

    assert minutes * 60 == renewed.allowance.remaining.total_seconds()


def test_change_to_another_offer_keeps_the_minimum_term():
    """A subscription with a minimum term of a year cannot change to an offer without one."""
    tariff = Tariff("prices", GBP, channel="1", bundle="0", minute="0")
    plan = OFFERS["strobe-it"].plan(channels=5)
    subscription = buy(
        plan, tariff, account="a", profile="p", subscription="s", on=PURCHASE_DAY
    ).after
    no_minimum = attrs.evolve(
        OFFERS["strobe-it"], edition="no minimum term", term=TermRule(Months(1))
    )

    with pytest.raises(OutsideTerm, match="from 2027-01-05 on, not on 2026-01-10"):
        change(subscription, no_minimum.plan(channels=5), tariff, on=date(2026, 1, 10))


LATER_OFFER = attrs.evolve(
    SKYPE_CONNECT,
    edition="later",
    change=ChangeRule(fewer=ChangeEffect.AT_RENEWAL, other_offer=ChangeEffect.AT_RENEWAL),
)
ENTERPRISE = attrs.evolve(SKYPE_CONNECT, name="enterprise")


def test_other_offer_restarts_now_by_default():
    """The unused 20 of 30 days are refunded, and the new offer runs for 30 days at once."""
    changed = change(
        buy_subscription(), ENTERPRISE.plan(channels=2, bundles=1), TARIFF, on=date(2026, 1, 15)
    )

    # 62 x 2/3 = 41.33 for the channels and for the bundle.
    assert ["82.66 EUR", "-124.00 EUR"] == [str(posting.amount) for posting in changed.postings]
    assert (ENTERPRISE, date(2026, 1, 15)) == (changed.after.plan.offer, changed.after.term.start)


def test_other_offer_may_wait_for_the_next_term():
    """The change moves no money; the renewal has the other offer's plan."""
    plan = ENTERPRISE.plan(channels=3, bundles=1)
    requested = change(buy_subscription(LATER_OFFER), plan, TARIFF, on=date(2026, 1, 15))
    renewed = renew(requested.after, TARIFF, on=TERM_END)

    assert ((), plan, "pending") == (
        requested.postings,
        requested.after.pending,
        requested.notices[0].code,
    )
    assert (plan, Term(TERM_END, date(2026, 3, 6)), ()) == (
        renewed.after.plan,
        renewed.after.term,
        renewed.notices,
    )
    assert ["-155.00 EUR"] == [str(posting.amount) for posting in renewed.postings]


@pytest.mark.parametrize("on", [date(2026, 1, 15), date(2026, 2, 3)], ids=str)
def test_other_offer_may_be_requested_in_the_last_term_of_the_minimum(on):
    """It comes on 4 February, when the minimum of 30 days is over."""
    offer = attrs.evolve(LATER_OFFER, term=TermRule(Days(30), minimum_term=Days(30)))
    plan = ENTERPRISE.plan(channels=2)

    assert plan == change(buy_subscription(offer), plan, TARIFF, on=on).after.pending
    restarting = attrs.evolve(offer, change=ChangeRule())
    with pytest.raises(OutsideTerm, match=r"the minimum term runs until 2026-02-04$"):
        change(buy_subscription(restarting), plan, TARIFF, on=on)


def test_unpaid_subscription_in_its_minimum_term_keeps_its_offer():
    """A change in a grace period is no way out of the minimum term."""
    offer = attrs.evolve(
        SKYPE_CONNECT,
        term=TermRule(Days(30), minimum_term=Days(60)),
        non_payment=NonPaymentRule(grace=Days(10)),
    )

    with pytest.raises(OutsideTerm, match="the minimum term runs until 2026-03-06"):
        change(buy_subscription(offer), ENTERPRISE.plan(channels=2), TARIFF, on=TERM_END)


def test_pending_change_is_applied_under_a_new_edition_with_the_same_numbers():
    """From 2 channels to 1: the new edition's plan of 1 channel is the change."""
    smaller = LATER_OFFER.plan(channels=1, bundles=1)
    pending = change(buy_subscription(LATER_OFFER), smaller, TARIFF, on=PURCHASE_DAY).after
    new_plan = attrs.evolve(LATER_OFFER, edition="2027").plan(channels=1, bundles=1)
    renewal = renew(pending, TARIFF, plan=new_plan, on=TERM_END)

    assert (new_plan, None, ()) == (renewal.after.plan, renewal.after.pending, renewal.notices)


@pytest.mark.parametrize("edition", ["later", "2027"])
def test_pending_change_that_a_renewal_does_not_apply_is_dropped_with_a_notice(edition):
    """The held 2 channels are renewed, under the same or a new edition."""
    smaller = LATER_OFFER.plan(channels=1, bundles=1)
    pending = change(buy_subscription(LATER_OFFER), smaller, TARIFF, on=PURCHASE_DAY).after
    held_numbers = attrs.evolve(LATER_OFFER, edition=edition).plan(channels=2, bundles=1)
    renewal = renew(pending, TARIFF, plan=held_numbers, on=TERM_END)

    assert (held_numbers, None) == (renewal.after.plan, renewal.after.pending)
    assert [
        "The change to 1 channel and 1 bundle of 5,000 minutes, which was to come on 2026-02-04, "
        "is dropped."
    ] == [notice.text for notice in renewal.notices]
    assert "pending-dropped" == renewal.notices[0].code


@pytest.mark.parametrize("offer", [LATER_OFFER, ENTERPRISE], ids=["held", "pending"])
def test_renew_refuses_other_plans_of_the_held_and_of_the_pending_offer(offer):
    """Only a change can sell 5 channels of an offer that the subscription has or will have."""
    pending = change(
        buy_subscription(LATER_OFFER), ENTERPRISE.plan(channels=2), TARIFF, on=PURCHASE_DAY
    ).after

    with pytest.raises(InvalidValue, match=r"change\(\) changes it"):
        renew(pending, TARIFF, plan=offer.plan(channels=5), on=TERM_END)


@pytest.mark.parametrize(
    ("offer", "on", "day"),
    [
        (SKYPE_CONNECT, date(2026, 1, 15), "2026-01-15"),
        (LATER_OFFER, date(2026, 1, 15), "2026-02-04"),
    ],
    ids=["at once", "at the renewal"],
)
def test_change_to_fewer_bundles_carries_a_notice(offer, on, day):
    """The buyer sees from which day on the minutes are gone."""
    decision = change(buy_subscription(offer), offer.plan(channels=2), TARIFF, on=on)
    (notice,) = (notice for notice in decision.notices if notice.code == "fewer-bundles")

    assert f"Profile 'berlin' has 0 bundles from {day} on, instead of 1." == notice.text


def test_change_to_as_many_bundles_carries_no_notice_about_them():
    """More channels with the same bundle are no loss."""
    decision = change(
        buy_subscription(), SKYPE_CONNECT.plan(channels=3, bundles=1), TARIFF, on=PURCHASE_DAY
    )

    assert SKYPE_CONNECT.notices == decision.notices


def test_lapse_of_a_plan_that_is_not_sold_says_so():
    """The notice has another code than that of an unpaid renewal, and the reason."""
    not_offered = NotOffered("plan with 2 channels", "2027", "choose another plan")
    lapsed = lapse(buy_subscription(), on=TERM_END, not_offered=not_offered)

    assert [
        "The plan is not sold any more ('2027' has no plan with 2 channels; choose another plan): "
        "profile 'berlin' carries no calls since 2026-02-04."
    ] == [notice.text for notice in lapsed.notices]
    assert "plan-not-sold" == lapsed.notices[0].code
    with pytest.raises(WrongType, match="not_offered must be a NotOffered"):
        lapse(buy_subscription(), on=TERM_END, not_offered="sold out")  # type: ignore[arg-type]


def test_deposit_accepts_the_reason_bonus():
    """The reason of a posting distinguishes a bonus from a payment."""
    five_euros = Money.of("5", EUR)
    bonus = deposit(
        Wallet("acme"), five_euros, transfer="b-1", on=PURCHASE_DAY, reason=Reason.BONUS
    )
    (posting,) = bonus.postings

    assert (Reason.BONUS, five_euros) == (posting.reason, posting.amount)


def test_deposit_refuses_other_reasons():
    """A deposit cannot have the reason of a refund."""
    with pytest.raises(InvalidValue, match=r"^reason must be Reason\.DEPOSIT or Reason\.BONUS"):
        deposit(
            Wallet("acme"), Money.of("5", EUR), transfer="b", on=PURCHASE_DAY, reason=Reason.REFUND
        )


@pytest.mark.parametrize(
    ("rule", "parameter"),
    [({"per_channel": 0}, "included"), ({"minutes": 0, "included": 5}, "minutes")],
    ids=["neither bundles nor included minutes", "bundles without minutes"],
)
def test_bundle_rule_refuses_to_grant_no_minutes(rule, parameter):
    """A bundle has minutes, and a rule without bundles includes minutes."""
    with pytest.raises(InvalidValue, match=f"^{parameter} must be at least 1"):
        BundleRule("minutes", **{"minutes": 100, "area": ("US",), **rule})


def test_quote_refuses_lines_in_another_currency_than_its_tariff():
    """The lines of a quote are in the currency of its tariff."""
    paid = buy_subscription().quote
    quote_in_pounds = quote(paid.plan, attrs.evolve(TARIFF, currency=GBP), on=PURCHASE_DAY)

    with pytest.raises(CurrencyMismatch):
        attrs.evolve(paid, lines=quote_in_pounds.lines)


def test_rules_print_their_values():
    """Refund, change and bundle rules print their values as text."""
    no_refund = RefundRule(channels=RefundBasis.NOTHING, bundles=RefundBasis.NOTHING)
    change_rule = ChangeRule(cooldown=None, more=ChangeEffect.PRORATE, fewer=ChangeEffect.NO_CHARGE)
    included_minutes = BundleRule("line", 0, ("GB",), per_channel=0, included=200)

    assert [
        "no refund",
        "a change at any time; more: prorate the difference; fewer: at once, at no charge",
        "line: 200 minutes to GB with each channel",
    ] == [
        str(no_refund),
        str(change_rule),
        str(included_minutes),
    ]


def test_offer_describes_avoxis_flat_price():
    """AVOXI sells a trunk for 19.99 USD a month with up to 100 calls under fair use (F 10).

    The offer follows the steps of the how-to page. A term is a month from the purchase. One price
    for a trunk of any size is a ladder with only a flat fee.
    """
    trunk = attrs.evolve(
        OFFERS["voyant"], name="AVOXI", edition="a trunk", quantity=QuantityRule(1, 100)
    )
    price = Ladder((Tier(None, flat="19.99"),))
    tariff = Tariff("AVOXI", USD, channel=price, bundle="0", minute="0")
    quotes = [quote(trunk.plan(channels=count), tariff, on=PURCHASE_DAY) for count in (1, 37, 100)]

    assert ["19.99 USD"] * 3 == [str(quoted.total) for quoted in quotes]
    assert date(2026, 2, 5) == quotes[0].renews_on


def test_quantity_rule_prints_a_fixed_number_and_an_open_range():
    """An exact number is not printed as "5 to 5", and the library's own maximum is not printed."""
    assert ["exactly 5 channels", "1 channel or more"] == [
        str(OFFERS["strobe-it"].quantity),
        str(OFFERS["voyant"].quantity),
    ]


def test_terms_with_billing_day_31_return_to_the_31st_after_february():
    """Bought on 15 January, the terms end on 31 January, 28 February and 31 March."""
    plan = plan_with(TermRule(Months(1), billing_day=31))
    bought = buy(plan, TARIFF, on=date(2026, 1, 15), **IDENTIFIERS).after
    second = renew(bought, TARIFF, on=date(2026, 1, 31)).after
    third = renew(second, TARIFF, on=date(2026, 2, 28)).after

    assert [
        "2026-01-15 to 2026-01-31",
        "2026-01-31 to 2026-02-28",
        "2026-02-28 to 2026-03-31",
    ] == [str(subscription.term) for subscription in (bought, second, third)]
    # A full month costs 2 x 31 + 2 x 31 = 124, of which 16/31 are 64.
    assert ["64.00 EUR", "124.00 EUR", "124.00 EUR"] == [
        str(subscription.quote.total) for subscription in (bought, second, third)
    ]
    assert [date(2026, 3, 31), date(2026, 4, 30)] == list(islice(third.renewals(), 2))


def test_aligned_quote_renews_for_full_terms_from_its_anchor():
    """Aligned to the 31st, 14 of February's 28 days cost half; each later month costs in full."""
    plan = plan_with(TermRule(Months(1)))
    first = quote(plan, TARIFF, on=date(2026, 2, 14), align_to=date(2026, 1, 31))
    terms = [Term(*days) for days in pairwise(islice(first.renewals(), 3))]
    renewed = [price_term(plan, TARIFF, term, first.anchor) for term in terms]

    assert ["2026-02-14 to 2026-02-28", "2026-02-28 to 2026-03-31", "2026-03-31 to 2026-04-30"] == [
        str(paid.term) for paid in (first, *renewed)
    ]
    assert ["62.00 EUR", "124.00 EUR", "124.00 EUR"] == [
        str(paid.total) for paid in (first, *renewed)
    ]


def test_subscription_with_an_aligned_quote_renews_on_the_days_of_its_anchor():
    """A subscription that was sold by an aligned quote returns to the 31st after February."""
    plan = plan_with(TermRule(Months(1)))
    paid = quote(plan, TARIFF, on=date(2026, 2, 14), align_to=date(2026, 1, 31))
    aligned = Subscription(
        id="s-1",
        account="acme",
        profile="berlin",
        quote=paid,
        anchor=paid.anchor,
        term_number=0,
        status=Status.ACTIVE,
        allowance=paid.allowance,
        last_changed_on=None,
        sequence=1,
    )
    renewed = renew(aligned, TARIFF, on=date(2026, 2, 28)).after

    assert ("2026-02-28 to 2026-03-31", 1, "124.00 EUR") == (
        str(renewed.term),
        renewed.term_number,
        str(renewed.quote.total),
    )

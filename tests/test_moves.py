"""Renewals that move a subscription to another offer, and what holds of the values around them."""

# Plain text stands for identifiers, and a purchase always leaves a subscription.
# mypy: disable-error-code="arg-type, union-attr, misc"

from datetime import date
from decimal import Decimal

import attrs
import pytest

from channelplans import (
    EUR,
    GBP,
    SKYPE_CONNECT,
    STROBE_IT,
    USD,
    VOYANT,
    BundleRule,
    ChangeRule,
    CurrencyMismatch,
    Days,
    Effect,
    InvalidValue,
    Ladder,
    Money,
    Months,
    OutsideTerm,
    Purse,
    QuantityRule,
    Quote,
    Reason,
    RefundBasis,
    RefundRule,
    Rollover,
    Tariff,
    TermRule,
    Tier,
    buy,
    change,
    deposit,
    quote,
    renew,
)

TARIFF = Tariff("prices", EUR, channel="31", bundle="62", minute="0.01")
BOUGHT, ENDS = date(2026, 1, 5), date(2026, 2, 4)
CARRYING = attrs.evolve(
    SKYPE_CONNECT,
    edition="carrying",
    bundles=BundleRule("minutes", 1000, ("US",), rollover=Rollover(1)),
)


def held(offer=SKYPE_CONNECT):
    """Return two channels and one bundle under an offer, bought on 5 January."""
    plan = offer.plan(channels=2, bundles=1)
    return buy(plan, TARIFF, account="acme", profile="berlin", subscription="s-1", on=BOUGHT).after


def moved(term):
    """Return the plan that is held, under an offer with other terms."""
    return attrs.evolve(SKYPE_CONNECT, edition="2027", term=term).plan(channels=2, bundles=1)


def test_a_renewal_may_move_to_another_offer():
    """The grid goes on where the terms are of one length; the plan is the other offer's."""
    plan = moved(TermRule(Days(30)))
    after = renew(held(), TARIFF, plan=plan, on=ENDS).after

    assert (plan, BOUGHT, 1, date(2026, 3, 6)) == (
        after.plan,
        after.anchor,
        after.number,
        after.term.end,
    )


def test_another_length_counts_from_the_renewal():
    """A month from 4 February ends on 4 March, whatever the old anchor was."""
    after = renew(held(), TARIFF, plan=moved(TermRule(Months(1))), on=ENDS).after

    assert (ENDS, 0, date(2026, 3, 4)) == (after.anchor, after.number, after.term.end)


def test_an_aligned_offer_begins_with_the_rest_of_the_month():
    """From 4 February there are 25 of 28 days left: 25/28 of 2 x 31 + 62 is 110.71.

    Each line is rounded by itself: 62 x 25/28 = 55.357, which is 55.36, and that twice.
    """
    decision = renew(held(), TARIFF, plan=moved(TermRule(Months(1), aligned=True)), on=ENDS)

    assert (date(2026, 2, 1), date(2026, 3, 1), "110.72 EUR") == (
        decision.after.anchor,
        decision.after.term.end,
        str(decision.after.paid.total),
    )


def test_a_renewal_is_no_way_round_a_change():
    """Another plan of the same offer is refused."""
    with pytest.raises(InvalidValue, match=r"^plan must be .* change\(\) changes it, not "):
        renew(held(), TARIFF, plan=SKYPE_CONNECT.plan(channels=3, bundles=1), on=ENDS)


@pytest.mark.parametrize(("same", "minutes"), [(True, 2000), (False, 1000)])
def test_minutes_are_carried_within_one_bundle_rule(same, minutes):
    """What is left goes along to the same bundles, and not to others."""
    other = attrs.evolve(CARRYING, edition="other", term=TermRule(Days(30), holding=Days(1)))
    if not same:
        other = attrs.evolve(other, bundles=attrs.evolve(CARRYING.bundles, area=("US", "CA")))
    after = renew(held(CARRYING), TARIFF, plan=other.plan(channels=2, bundles=1), on=ENDS).after

    assert minutes * 60 == after.allowance.remaining.total_seconds()


def test_a_change_of_offer_does_not_escape_the_holding():
    """Who is bound for a year cannot change to an offer that binds nobody."""
    tariff = Tariff("prices", GBP, channel="1", bundle="0", minute="0")
    plan = STROBE_IT.plan(channels=5)
    bound = buy(plan, tariff, account="a", profile="p", subscription="s", on=BOUGHT).after
    free = attrs.evolve(STROBE_IT, edition="free", term=TermRule(Months(1)))

    with pytest.raises(OutsideTerm, match="from 2027-01-05 on, not on 2026-01-10"):
        change(bound, free.plan(channels=5), tariff, on=date(2026, 1, 10))


def test_a_bonus_is_a_deposit_with_its_reason():
    """What is given is told apart from what is paid in."""
    money = Money.of("5", EUR)
    (posting,) = deposit(
        Purse("acme"), money, transfer="b-1", on=BOUGHT, reason=Reason.BONUS
    ).postings

    assert (Reason.BONUS, money) == (posting.reason, posting.amount)


def test_a_deposit_has_no_other_reason():
    """A deposit is no refund."""
    with pytest.raises(InvalidValue, match=r"^reason must be Reason\.DEPOSIT or Reason\.BONUS"):
        deposit(Purse("acme"), Money.of("5", EUR), transfer="b", on=BOUGHT, reason=Reason.REFUND)


def test_exact_time_counts_the_day_of_the_change_by_itself():
    """A rule cannot count the day as used and also count its hours."""
    with pytest.raises(InvalidValue, match=r"^change_day_used must be False"):
        RefundRule(channels=RefundBasis.EXACT_TIME, change_day_used=True)


@pytest.mark.parametrize(
    ("rule", "named"),
    [({"per_channel": 0}, "included"), ({"minutes": 0, "included": 5}, "minutes")],
    ids=["neither bundles nor minutes", "bundles of nothing"],
)
def test_a_bundle_rule_grants_something(rule, named):
    """No bundles without minutes, and no rule that grants none."""
    with pytest.raises(InvalidValue, match=f"^{named} must be at least 1"):
        BundleRule("minutes", **{"minutes": 100, "area": ("US",), **rule})


def test_lines_are_in_the_currency_of_their_tariff():
    """Lines of another currency cannot add up to a total."""
    paid = held().paid
    pounds = quote(paid.plan, attrs.evolve(TARIFF, currency=GBP), on=BOUGHT)

    with pytest.raises(CurrencyMismatch):
        Quote(paid.plan, TARIFF, paid.term, pounds.lines)


def test_a_price_has_at_most_forty_decimals():
    """What could not be written as text is no price."""
    with pytest.raises(InvalidValue, match=r"^minute must be a finite number of at most 40 digits"):
        attrs.evolve(TARIFF, minute=Decimal("1.23456E-38"))


def test_the_rules_tell_what_they_are():
    """Rules that are not the help page's say so in a sentence."""
    nothing = RefundRule(channels=RefundBasis.NOTHING, bundles=RefundBasis.NOTHING)
    effects = ChangeRule(cooldown=None, more=Effect.PRORATE, fewer=Effect.KEEP)

    assert [
        "nothing comes back",
        "a change at any time; more: the difference prorated; fewer: at once, at no charge",
        "line: 200 minutes to GB with each channel",
    ] == [
        str(nothing),
        str(effects),
        str(BundleRule("line", 0, ("GB",), per_channel=0, included=200)),
    ]


def test_a_plan_that_is_not_shipped_is_written_down():
    """AVOXI sells a trunk for 19.99 USD a month, whatever its calls; fair use is 100 (F 10).

    Written by the steps of the how-to page: a month from the purchase, one price for a trunk of
    any size, which is a ladder with a flat fee alone.
    """
    trunk = attrs.evolve(VOYANT, name="AVOXI", edition="a trunk", quantity=QuantityRule(1, 100))
    price = Ladder((Tier(None, flat="19.99"),))
    tariff = Tariff("AVOXI", USD, channel=price, bundle="0", minute="0")
    paid = [quote(trunk.plan(channels=count), tariff, on=BOUGHT) for count in (1, 37, 100)]

    assert ["19.99 USD"] * 3 == [str(each.total) for each in paid]
    assert date(2026, 2, 5) == paid[0].renews_on


def test_a_rule_of_one_number_says_so_and_one_without_a_bound_too():
    """Five channels are not "5 to 5", and the library's own bound is no provider's."""
    assert ["5 channels, no more and no fewer", "1 channel or more"] == [
        str(STROBE_IT.quantity),
        str(VOYANT.quantity),
    ]

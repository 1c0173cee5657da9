"""What differs between two editions, and for which subscription."""

from datetime import date
from decimal import Decimal

import attrs
import pytest
from tests.steps import run_within
from tests.subscriptions.editions import (
    APR,
    AT_RENEWAL,
    BUNDLE_RULE,
    DEARER_TARIFF,
    FEB,
    JAN,
    LIST_TARIFF,
    MAR,
    PINNED,
    change_offer,
    offer_limited_to,
    subscribe,
)

from channelplans.calendar import Days, Months
from channelplans.errors import (
    CurrencyMismatch,
    WrongType,
)
from channelplans.money import EUR, USD, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.quantities import QuantityRule
from channelplans.rules import ChangeEffect, ChangeRule, Rollover, TermRule
from channelplans.subscriptions.actions import renew
from channelplans.subscriptions.catalogue import Edition
from channelplans.subscriptions.price_changes import (
    Comparison,
    RuleDifference,
    compare_editions,
)
from channelplans.subscriptions.subscription import Status
from channelplans.tariffs import Ladder, Tariff, Tier


class TestCompare:
    """The comparison of two editions."""

    OLD = Edition(SKYPE_CONNECT, LIST_TARIFF, date(2025, 1, 1), FEB)

    def test_lists_each_changed_rule_by_its_field(self):
        """Only rules that differ are listed, in the order of their fields.

        The offers' editions and sources differ too, but they are not rules.
        """
        bundle_rule = attrs.evolve(BUNDLE_RULE, minutes=3000, trunk_prefix="", rollover=Rollover(1))
        new_offer = change_offer(
            "2026",
            source="a letter",
            quantity=QuantityRule(1, 100),
            bundle=bundle_rule,
            term=TermRule(Months(1), minimum_term=Days(90)),
            change=ChangeRule(Days(2), fewer=ChangeEffect.AT_RENEWAL),
            notices=(),
        )
        new = Edition(new_offer, LIST_TARIFF, FEB)

        assert [
            "offer.quantity.maximum: 300 -> 100",
            "offer.quantity.steps: above 100, multiples of 10 -> none",
            "offer.bundle.minutes: 5000 -> 3000",
            "offer.bundle.trunk_prefix: 1 -> none",
            "offer.bundle.rollover: none -> unused minutes last for 1 more term",
            "offer.term.length: 30 days -> 1 month",
            "offer.term.minimum_term: none -> 90 days",
            "offer.change.cooldown: 1 day -> 2 days",
            "offer.change.fewer: restart with a refund -> from the next term on",
            "offer.notices: Not a telephone replacement: it cannot call emergency numbers. -> none",
        ] == list(map(str, compare_editions(self.OLD, new).rules))

    def test_lists_an_added_or_removed_rule_as_a_whole(self):
        """If only one edition has a bundle rule, the whole rule is printed on one side."""
        new = Edition(change_offer("2026", bundle=None), LIST_TARIFF, FEB)

        assert [
            "offer.bundle: US minute bundle: 5,000 minutes to US, at most 1 for each channel"
            " -> none"
        ] == list(map(str, compare_editions(self.OLD, new).rules))

    def test_lists_each_changed_price_by_its_field(self):
        """Rates are listed by country. A single price can be replaced by a ladder."""
        ladder = Ladder((Tier(10, unit="7"), Tier(None, unit="6")))
        old_tariff = attrs.evolve(LIST_TARIFF, rates={"DE": "0.02", "PL": "0.03"})
        new_rates = {"PL": "0.025", "FR": "0.04"}
        new_tariff = attrs.evolve(
            old_tariff, name="2026", channel=ladder, rates=new_rates, setup="5"
        )
        old = Edition(SKYPE_CONNECT, old_tariff, JAN, FEB)
        new = Edition(SKYPE_CONNECT, new_tariff, FEB)

        assert [
            "tariff.channel: 6.95 -> by volume: up to 10 at 7; without a limit at 6",
            "tariff.rates.DE: 0.02 a minute -> none",
            "tariff.rates.PL: 0.03 a minute -> 0.025 a minute",
            "tariff.rates.FR: none -> 0.04 a minute",
            "tariff.setup: 0.00 -> 5.00",
        ] == list(map(str, compare_editions(old, new).rules))

    def test_prices_have_at_least_the_decimals_of_the_currency(self):
        """A minute price keeps its own decimals if they are more."""
        tariff = Tariff("2026", EUR, channel="8", bundle="9.5", minute="0.1")
        old = attrs.evolve(tariff, name="2025", channel="7", bundle="10.00", minute="0.0215")
        editions = (Edition(SKYPE_CONNECT, old, JAN, FEB), Edition(SKYPE_CONNECT, tariff, FEB))

        assert [
            "tariff.channel: 7.00 -> 8.00",
            "tariff.bundle: 10.00 -> 9.50",
            "tariff.minute: 0.0215 -> 0.10",
        ] == list(map(str, compare_editions(*editions).rules))

    def test_lists_the_first_and_the_last_rate_of_a_tariff(self):
        """A rate is listed even if the other tariff has no rates at all."""
        without_rates = Edition(SKYPE_CONNECT, LIST_TARIFF, JAN, FEB)
        tariff_with_rate = attrs.evolve(LIST_TARIFF, name="2026", rates={"PL": "0.1"})
        with_rate = Edition(SKYPE_CONNECT, tariff_with_rate, FEB)
        rate_added = compare_editions(without_rates, with_rate)
        rate_removed = compare_editions(with_rate, without_rates)

        assert ["tariff.rates.PL: none -> 0.1 a minute"] == list(map(str, rate_added.rules))
        assert ["tariff.rates.PL: 0.1 a minute -> none"] == list(map(str, rate_removed.rules))

    def test_rule_difference_returns_one_plain_row(self):
        """The row holds the field, and both values as text."""

        assert [{"field": "tariff.channel", "old": "6.95", "new": "7.25"}] == RuleDifference(
            "tariff.channel", "6.95", "7.25"
        ).to_records()

    def test_lists_both_prices_of_each_subscription(self):
        """12 channels cost 83.40 and then 87.00, which is 3.60 more. A price may also fall."""
        new_tariff = attrs.evolve(DEARER_TARIFF, name="2026", bundle="4")
        new = Edition(SKYPE_CONNECT, new_tariff, FEB)
        channels_only = subscribe(channels=12, bundles=0)
        with_bundles = subscribe(id="s-2", channels=2, bundles=2)
        first, second = compare_editions(self.OLD, new, (channels_only, with_bundles)).prices

        # 2 x 6.95 + 2 x 10 = 33.90; 2 x 7.25 + 2 x 4 = 22.50
        assert ["83.40 EUR", "87.00 EUR", "3.60 EUR"] == [
            str(amount) for amount in (first.old, first.new, first.difference)
        ]
        assert ["33.90 EUR", "22.50 EUR", "-11.40 EUR"] == [
            str(amount) for amount in (second.old, second.new, second.difference)
        ]

    # The renewals of a subscription from 1 January are on 31 January, 2 March and 1 April.
    @pytest.mark.parametrize(
        ("migration", "expected"),
        [
            (PINNED, None),
            (AT_RENEWAL, date(2026, 3, 2)),
            (date(2026, 3, 2), date(2026, 3, 2)),
            (date(2026, 3, 3), APR),
        ],
    )
    def test_moves_on_the_first_renewal_from_the_migration_on(self, migration, expected):
        """A subscription never moves if the new edition is pinned."""
        new = Edition(SKYPE_CONNECT, DEARER_TARIFF, FEB, migration=migration)
        (price,) = compare_editions(self.OLD, new, (subscribe(),)).prices

        assert expected == price.moves_on

    def test_does_not_move_on_a_past_renewal(self):
        """A subscription that was already renewed on the migration's day moves at the next one."""
        old = attrs.evolve(self.OLD, end=JAN)
        new = Edition(SKYPE_CONNECT, DEARER_TARIFF, JAN)
        first_term = subscribe(start=date(2025, 12, 2))
        renewed_in_january = renew(first_term, LIST_TARIFF, on=JAN).after
        (price,) = compare_editions(old, new, (renewed_in_january,)).prices

        assert date(2026, 1, 31) == price.moves_on

    @pytest.mark.parametrize("status", [Status.CANCELLED, Status.LAPSED, Status.ENDED])
    def test_never_moves_a_subscription_that_does_not_renew(self, status):
        """A cancelled, lapsed or ended subscription keeps its edition."""
        new = Edition(SKYPE_CONNECT, DEARER_TARIFF, FEB)
        (price,) = compare_editions(self.OLD, new, (subscribe(status=status),)).prices

        assert price.moves_on is None

    def test_computes_a_move_in_the_year_9999(self):
        """With terms of one day the move is computed, not walked over 2.9 million terms."""
        daily = change_offer("daily", term=TermRule(Days(1)))
        old = attrs.evolve(self.OLD, offer=daily)
        new = Edition(daily, DEARER_TARIFF, FEB, migration=date(9999, 12, 30))
        subscriptions = [subscribe(offer=daily, id=f"s-{number}") for number in range(10)]
        # 29 million terms would be walked.
        comparison = compare_editions(old, new, subscriptions)
        prices = run_within(100_000, lambda: comparison.prices)

        assert {date(9999, 12, 30)} == {price.moves_on for price in prices}

    @pytest.mark.parametrize(
        ("migration", "expected"),
        [
            (FEB, date(2026, 2, 28)),
            (date(2026, 2, 28), date(2026, 2, 28)),
            (MAR, date(2026, 3, 31)),
            (date(2026, 4, 1), date(2026, 4, 30)),
        ],
    )
    def test_moves_on_billing_day_31_or_the_last_day_of_the_month(self, migration, expected):
        """Bought on 1 January with billing day 31, the renewals return to the 31st."""
        offer = change_offer("monthly", term=TermRule(Months(1), billing_day=31))
        new = Edition(offer, DEARER_TARIFF, FEB, migration=migration)
        bought = subscribe(offer=offer, anchor=date(2025, 12, 31))
        (price,) = compare_editions(attrs.evolve(self.OLD, offer=offer), new, (bought,)).prices

        assert expected == price.moves_on

    def test_never_moves_if_the_next_term_of_months_ends_after_the_calendar(self):
        """Terms of 5 months from 20 January 9999 end in June, in November and after the year."""
        offer = change_offer("long", term=TermRule(Months(5)))
        old = attrs.evolve(self.OLD, offer=offer)
        new = Edition(offer, DEARER_TARIFF, FEB, migration=date(9999, 12, 6))
        bought = subscribe(offer=offer, start=date(9999, 1, 20))
        (price,) = compare_editions(old, new, (bought,)).prices

        assert price.moves_on is None

    def test_never_moves_after_the_last_date_of_the_calendar(self):
        """No renewal falls on `date.max`, so a migration on that day never happens."""
        new = Edition(SKYPE_CONNECT, DEARER_TARIFF, FEB, migration=date.max)
        (price,) = compare_editions(self.OLD, new, (subscribe(),)).prices

        assert price.moves_on is None

    def test_leaves_out_subscriptions_of_other_editions(self):
        """Only subscriptions that hold the old edition are compared."""
        new = Edition(SKYPE_CONNECT, DEARER_TARIFF, FEB)
        subscriptions = [subscribe(), subscribe(DEARER_TARIFF, id="s-2")]
        (price,) = compare_editions(self.OLD, new, subscriptions).prices

        assert "s-1" == price.subscription.id

    def test_compares_the_pending_plan(self):
        """If a change is pending, the prices are those of the plan of the next term."""
        new = Edition(SKYPE_CONNECT, DEARER_TARIFF, FEB)
        subscription = subscribe(pending=SKYPE_CONNECT.plan(channels=5))
        (price,) = compare_editions(self.OLD, new, (subscription,)).prices

        # 5 x 6.95 = 34.75; 5 x 7.25 = 36.25
        assert (Money.of("34.75", EUR), Money.of("36.25", EUR)) == (price.old, price.new)

    def test_reports_a_plan_that_the_new_offer_does_not_sell(self):
        """Such a plan has no new price; `problem` explains why."""
        new = Edition(offer_limited_to(10), DEARER_TARIFF, FEB)
        (price,) = compare_editions(self.OLD, new, (subscribe(bundles=0),)).prices

        assert (None, None) == (price.new, price.difference)
        assert (
            "'Skype Connect (small)' has no plan of 12 channels; channels must be at least 1 and "
            "at most 10; 12 needs two profiles, 10 + 2; the nearest plan is 10 channels"
            == price.problem
        )

    def test_prints_tables(self):
        """The tables list the changed rules and the subscriptions; the problems follow."""
        new = Edition(offer_limited_to(10), DEARER_TARIFF, FEB)
        too_large = subscribe(bundles=0)
        movable = subscribe(id="s-2", profile="paris", channels=10, bundles=0)

        assert [
            "From 'Skype Connect (help page)', tariff 'list' "
            "to 'Skype Connect (small)', tariff 'dearer'",
            "Rules and prices that differ",
            "rule                    old                         new",
            "----------------------  --------------------------  ----",
            "offer.quantity.maximum                         300    10",
            "offer.quantity.steps    above 100, multiples of 10  none",
            "tariff.channel                                6.95  7.25",
            "Prices of a full term, in EUR",
            "subscription  plan         from          old    new  difference",
            "------------  -----------  ----------  -----  -----  ----------",
            "s-1           12 channels  2026-03-02  83.40",
            "s-2           10 channels  2026-03-02  69.50  72.50       +3.00",
            "Subscription 's-1': 'Skype Connect (small)' has no plan of 12 channels; "
            "channels must be at least 1 and at most 10; 12 needs two profiles, 10 + 2; "
            "the nearest plan is 10 channels",
        ] == str(compare_editions(self.OLD, new, (too_large, movable))).split("\n")

    def test_prints_that_nothing_differs(self):
        """Two editions with the same offer and tariff print a sentence instead of a table."""
        same_rules = Edition(SKYPE_CONNECT, LIST_TARIFF, FEB)
        _, message = str(compare_editions(self.OLD, same_rules)).split("\n")

        assert "No rule and no price differs." == message

    def test_to_records_returns_a_row_for_each_subscription(self):
        """The row holds plain values, with each amount in cents and as a Decimal."""
        new = Edition(SKYPE_CONNECT, DEARER_TARIFF, FEB, migration=PINNED)

        assert [
            {
                "subscription": "s-1",
                "profile": "berlin",
                "channels": 12,
                "bundles": 2,
                "moves_on": None,
                "old_term": "30 days",
                "new_term": "30 days",
                "old_minor": 10340,
                "old": Decimal("103.40"),
                "new_minor": 10700,
                "new": Decimal("107.00"),
                "difference_minor": 360,
                "difference": Decimal("3.60"),
                "currency": "EUR",
                "problem": None,
            }
        ] == compare_editions(self.OLD, new, (subscribe(),)).to_records()

    def test_to_records_fills_a_missing_new_price_with_none(self):
        """The row's prices are None, and its problem explains why."""
        new = Edition(change_offer("bare", bundle=None), DEARER_TARIFF, FEB)
        (row,) = compare_editions(self.OLD, new, (subscribe(),)).to_records()

        assert [None] * 4 == [
            row[name] for name in ("new_minor", "new", "difference_minor", "difference")
        ]
        assert "has no bundles" in str(row["problem"])

    @pytest.mark.parametrize(
        ("migration", "expected"),
        [
            (AT_RENEWAL, "from 2026-03-02: 103.40 EUR -> 107.00 EUR, +3.60 EUR a term"),
            (PINNED, "does not move: 103.40 EUR -> 107.00 EUR, +3.60 EUR a term"),
        ],
    )
    def test_price_difference_prints_its_fields(self, migration, expected):
        """It prints the subscription, the day on which it moves, both prices and the difference."""
        new = Edition(SKYPE_CONNECT, DEARER_TARIFF, FEB, migration=migration)
        (price,) = compare_editions(self.OLD, new, (subscribe(),)).prices

        assert f"Subscription 's-1', {expected}" == str(price)

    def test_prices_of_terms_with_different_lengths_have_no_difference(self):
        """2 x 6.95 a month and 2 x 60 a year are both shown, each with the length of its term."""
        monthly_offer = change_offer("monthly", term=TermRule(Months(1)))
        yearly_offer = change_offer("yearly", term=TermRule(Months(12)))
        yearly_tariff = attrs.evolve(DEARER_TARIFF, name="yearly", channel="60")
        old = Edition(monthly_offer, LIST_TARIFF, JAN)
        new = Edition(yearly_offer, yearly_tariff, FEB)
        subscription = subscribe(channels=2, bundles=0, offer=monthly_offer)
        (price,) = compare_editions(old, new, (subscription,)).prices
        (row,) = price.to_records()

        assert None is price.difference
        assert (
            "Subscription 's-1', from 2026-02-01: "
            "13.90 EUR for 1 month -> 120.00 EUR for 12 months" == str(price)
        )
        assert ("1 month", "12 months", None) == (
            row["old_term"],
            row["new_term"],
            row["difference_minor"],
        )

    def test_price_difference_without_a_new_price_prints_its_problem(self):
        """The problem is printed instead of the prices."""
        plan = SKYPE_CONNECT.plan(channels=12)
        (price,) = compare_editions(self.OLD, self.OLD, (subscribe(),)).prices
        without_price = attrs.evolve(
            price, plan=plan, new=None, moves_on=MAR, problem="it is too large"
        )

        assert "Subscription 's-1', from 2026-03-01: it is too large" == str(without_price)

    def test_refuses_editions_in_two_currencies(self):
        """Prices in euros and dollars have no difference."""
        dollars = attrs.evolve(LIST_TARIFF, name="dollars", currency=USD)
        with pytest.raises(CurrencyMismatch):
            compare_editions(self.OLD, Edition(SKYPE_CONNECT, dollars, FEB))

    def test_html_is_escaped(self):
        """A notebook shows markup in a name as text."""
        tariff = attrs.evolve(DEARER_TARIFF, name="<b>bold</b>")
        new = Edition(SKYPE_CONNECT, tariff, FEB)
        html = compare_editions(self.OLD, new, (subscribe(),))._repr_html_()

        assert "&lt;b&gt;bold" in html
        assert "<b>" not in html

    @pytest.mark.parametrize(
        ("parameter", "value"), [("old", LIST_TARIFF), ("new", None), ("subscriptions", 5)]
    )
    def test_fields_refuse_wrong_types(self, parameter, value):
        """The error for a value of a wrong type names the field."""
        comparison = Comparison(self.OLD, self.OLD)
        with pytest.raises(WrongType) as caught:
            attrs.evolve(comparison, **{parameter: value})

        assert parameter == caught.value.parameter

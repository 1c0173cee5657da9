"""Forecasts: what is charged, until when the credit lasts, and what a forecast refuses."""

import gc
from datetime import UTC, date, datetime, timedelta
from operator import length_hint
from typing import Any

import attrs
import pytest
from tests.steps import run_within

from channelplans.calendar import Days, Months
from channelplans.errors import (
    BarredNumber,
    Conflict,
    CurrencyMismatch,
    InsufficientCredit,
    InvalidValue,
    UnknownRate,
    UnknownWallet,
    WrongType,
)
from channelplans.explore import (
    DailyCalls,
    forecast,
    forecast_account,
    iter_forecast,
    iter_forecast_account,
)
from channelplans.money import EUR, USD, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.rules import (
    BundleRule,
    ChangeEffect,
    ChangeRule,
    NonPaymentRule,
    Rollover,
    TermRule,
)
from channelplans.storage.billing import Billing
from channelplans.storage.memory import MemoryStore
from channelplans.subscriptions.actions import buy, cancel, change, expire, renew
from channelplans.subscriptions.catalogue import Catalogue, Edition
from channelplans.subscriptions.subscription import Action
from channelplans.subscriptions.wallets import Posting, Reason, Wallet
from channelplans.tariffs import Tariff

START = date(2026, 1, 5)
#: The ends of the first terms of 30 days.
ENDS = (date(2026, 2, 4), date(2026, 3, 6), date(2026, 4, 5))
UNTIL = date(2026, 4, 1)
ACME, BERLIN = Wallet("acme"), Wallet("acme", "berlin")
#: A channel costs 10 a term, a bundle 5; a minute to the US costs 0.50, one to DE 0.20.
TARIFF = Tariff("made up", EUR, channel="10", bundle="5", minute="0.5", rates={"DE": "0.2"})
DROPS = attrs.evolve(
    SKYPE_CONNECT, edition="drops bundles", non_payment=NonPaymentRule(drops_bundles=True)
)
GRACE = attrs.evolve(SKYPE_CONNECT, edition="grace", non_payment=NonPaymentRule(grace=Days(7)))
WAITS = attrs.evolve(
    SKYPE_CONNECT, edition="waits", change=ChangeRule(more=ChangeEffect.AT_RENEWAL)
)
STRICT = attrs.evolve(
    SKYPE_CONNECT, edition="strict", calls=attrs.evolve(SKYPE_CONNECT.calls, may_overdraw=False)
)


def eur(amount):
    return Money.of(amount, EUR)


def make(profile="berlin", channels=1, bundles=0, *, offer=SKYPE_CONNECT, tariff=TARIFF, on=START):
    """Return a new subscription of a profile."""
    plan = offer.plan(channels=channels, bundles=bundles)
    return buy(
        plan, tariff, account="acme", profile=profile, subscription=f"{profile} 1", on=on
    ).after


def predict(*subscriptions, credit=None, until=UNTIL, prices=TARIFF, **more):
    """Return the forecast of subscriptions; of a wallet with some credit if one is passed."""
    if credit is not None:
        more["balances"] = {ACME: eur(credit)}
    return forecast(list(subscriptions), until=until, prices=prices, **more)


def predict_account(store, *, account="acme", on=START, until=UNTIL, prices=TARIFF, **more):
    """Return the forecast of an account of a store."""
    return forecast_account(store, account, on=on, until=until, prices=prices, **more)


def rows(result):
    """Return the day, the profile, the result and the amount of each entry."""
    return [
        (entry.day, entry.profile, entry.result, str(entry.amount.amount))
        for entry in result.entries
    ]


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def billing(store):
    return Billing(store, prices=TARIFF)


def buy_in(billing, profile="berlin", channels=1, *, credit="50", offer=SKYPE_CONNECT, on=START):
    """Pay credit in, and buy channels for a profile."""
    billing.deposit(ACME, eur(credit), transfer=f"for {profile}", on=on)
    billing.buy(
        offer.plan(channels=channels),
        account="acme",
        profile=profile,
        subscription=f"{profile} 1",
        on=on,
    )


class TestCharges:
    """What is charged, on which day, and at which price."""

    def test_each_renewal_until_the_day_is_charged(self):
        """Terms that end on 4 February and 6 March are renewed; the next ends in April."""
        result = predict(make(channels=3), credit="100")
        assert rows(result) == [
            (ENDS[0], "berlin", "renew", "-30.00"),
            (ENDS[1], "berlin", "renew", "-30.00"),
        ]
        assert (result.charged, result.opening, result.closing) == (eur(60), eur(100), eur(40))
        assert dict(result.balances) == {ENDS[0]: eur(70), ENDS[1]: eur(40)}

    def test_day_until_is_left_out(self):
        """A renewal on that day is not in the forecast; one on the day before is."""
        assert predict(make(), until=ENDS[0]).entries == ()
        assert len(predict(make(), until=ENDS[0] + timedelta(days=1)).entries) == 1

    def test_one_subscription_needs_no_list(self):
        """A single subscription can be passed itself."""
        assert forecast(make(), until=UNTIL, prices=TARIFF) == predict(make())

    def test_postings_name_the_term_that_they_pay_for(self):
        """They are those of a run on the day."""
        first, _ = predict(make()).postings
        renewed = renew(make(), TARIFF, on=ENDS[0])
        assert (first,) == renewed.postings

    def test_renewals_use_the_prices_of_later_editions(self):
        """A channel costs 12 from March on."""
        march = date(2026, 3, 1)
        dearer = attrs.evolve(TARIFF, name="dearer", channel="12")
        catalogue = Catalogue(
            (
                Edition(SKYPE_CONNECT, TARIFF, START, march),
                Edition(SKYPE_CONNECT, dearer, march),
            )
        )
        result = predict(make(), prices=catalogue)
        assert [posting.amount for posting in result.postings] == [eur(-10), eur(-12)]

    def test_pending_change_is_charged_from_the_next_term_on(self):
        """It waits for the end of the term, and then more channels are charged."""
        held = make(channels=2, offer=WAITS)
        changed = change(held, WAITS.plan(channels=5), TARIFF, on=START).after
        result = predict(changed)
        assert rows(result)[0] == (ENDS[0], "berlin", "renew", "-50.00")
        assert [entry.plan.channels for entry in result.entries] == [5, 5]

    def test_cancelled_subscription_ends_without_a_charge(self):
        """The last term is paid already."""
        result = predict(cancel(make(), on=START).after, credit="100")
        assert rows(result) == [(ENDS[0], "berlin", "expire", "0.00")]
        assert result.charged == eur(0)
        assert result.fails_first is None

    def test_subscription_that_is_over_is_ignored(self):
        """It is not due any more."""
        over = expire(cancel(make(), on=START).after, on=ENDS[0]).after
        assert predict(over).entries == ()

    def test_profiles_of_a_day_are_charged_in_the_order_of_a_run(self):
        """By the end of the term, and then by name."""
        result = predict(make("paris"), make("berlin"), until=ENDS[1])
        assert [entry.profile for entry in result.entries] == ["berlin", "paris"]

    def test_application_postings_are_charged_too(self):
        """A tax of 2.00 comes with each renewal."""

        def add_tax(decision):
            if not decision.postings:
                return []
            return [Posting(ACME, eur(-2), Reason.CHARGE, decision.on)]

        result = predict(make(), credit="100", extra_postings=add_tax)
        assert result.charged == eur(24)
        assert [posting.amount for posting in result.postings] == [eur(-10), eur(-2)] * 2

    def test_application_postings_on_a_profile_need_its_credit(self):
        """A renewal whose fee the profile cannot pay is not paid, as in a run."""

        def charge_profile(decision):
            if not decision.postings:
                return []
            return [Posting(BERLIN, eur(-1), Reason.CHARGE, decision.on)]

        balances = {ACME: eur(100), BERLIN: eur(1)}
        result = predict(make(), balances=balances, extra_postings=charge_profile)
        assert [entry.result for entry in result.entries] == ["renew", "not paid", "lapse"]


class TestCredit:
    """Until when the credit lasts, and how much is missing."""

    def test_renewal_that_cannot_be_paid_is_named_with_its_day(self):
        """100 pays for berlin in February and March, but not for both profiles in March."""
        result = predict(make("berlin", 4), make("paris", 2), credit="100")
        assert rows(result)[2:] == [
            (ENDS[1], "berlin", "renew", "-40.00"),
            (ENDS[1], "paris", "not paid", "0.00"),
            (ENDS[1] + timedelta(days=1), "paris", "lapse", "0.00"),
        ]
        assert result.runs_dry_on == ENDS[1]
        first = result.fails_first
        assert first is not None
        assert (first.day, first.profile) == (ENDS[1], "paris")

    def test_top_up_pays_everything(self):
        """Two renewals of 30 need 60; 25 are there."""
        result = predict(make(channels=3), credit="25")
        assert result.top_up == eur(35)
        assert predict(make(channels=3), credit="60").top_up == eur(0)
        assert predict(make(channels=3), credit="60").runs_dry_on is None
        assert predict(make(channels=3), credit="59.99").runs_dry_on == ENDS[1]

    def test_unknown_balance_pays_everything(self):
        """The whole credit that is needed is then the top-up."""
        result = predict(make(channels=3))
        assert (result.opening, result.closing, dict(result.balances)) == (None, None, {})
        assert (result.top_up, result.charged) == (eur(60), eur(60))
        assert (result.runs_dry_on, result.fails_first) == (None, None)

    def test_bundles_that_are_dropped_lack_credit(self):
        """15 are needed, 12 are there: the channel is renewed without its bundle."""
        result = predict(make(bundles=1, offer=DROPS), credit="12", until=ENDS[1])
        (entry,) = result.entries
        assert (entry.result, entry.amount) == ("renew without bundles", eur(-10))
        assert (result.fails_first, result.top_up) == (entry, eur(3))

    def test_grace_period_is_waited_for(self):
        """An unpaid term is kept for 7 days, and lapses on the eighth."""
        result = predict(make(offer=GRACE), credit="0")
        assert rows(result) == [
            (ENDS[0], "berlin", "not paid", "0.00"),
            (ENDS[0] + timedelta(days=7), "berlin", "lapse", "0.00"),
        ]

    def test_term_that_was_due_before_is_settled_on_the_first_day(self):
        """Its posting is booked on that day, and counts from the day on which it was due."""
        on = ENDS[0] + timedelta(days=3)
        result = predict(make(), credit="100", on=on)
        assert [entry.day for entry in result.entries] == [on, ENDS[1]]
        assert (result.postings[0].on, result.postings[0].value_date) == (on, ENDS[0])

    def test_deposit_cannot_save_a_term_that_was_unpaid_before_the_first_day(self):
        """Its last day is over, so the top-up is not for it."""
        result = predict(make(), credit="5", on=ENDS[0] + timedelta(days=1))
        assert [entry.result for entry in result.entries] == ["lapse"]
        assert (result.top_up, result.fails_first) == (eur(0), result.entries[0])
        assert "deposit" not in str(result)

    def test_deposit_saves_a_term_in_its_grace_period(self):
        """The term is tried once more on the first day, with the deposit."""
        on = ENDS[0] + timedelta(days=3)
        held = make(offer=GRACE)
        result = predict(held, credit="5", on=on, until=ENDS[1])
        assert result.top_up == eur(5)
        assert rows(result) == [
            (on, "berlin", "not paid", "0.00"),
            (ENDS[0] + timedelta(days=7), "berlin", "lapse", "0.00"),
        ]

    def test_deposit_of_the_first_day_is_there_for_its_run(self, billing, store):
        """A term in its grace period is then paid on that day, and nothing fails."""
        buy_in(billing, credit="15", offer=GRACE)
        on = ENDS[0] + timedelta(days=3)
        billing.deposit(ACME, eur(5), transfer="top-up", on=on)
        result = predict_account(store, on=on, until=ENDS[1])
        assert rows(result) == [(on, "berlin", "renew", "-10.00")]
        assert (result.runs_dry_on, result.top_up) == (None, eur(0))

    def test_forecast_from_the_first_day_of_the_calendar(self):
        """There is no day before it."""
        first = date.min
        held = make(on=first)
        result = predict(held, credit="10", on=first, until=first + timedelta(days=31))
        assert [entry.day for entry in result.entries] == [first + timedelta(days=30)]

    def test_renewal_without_a_price_is_a_problem(self):
        """The catalogue ends in March; the renewal of that month has no price."""
        march = date(2026, 3, 1)
        catalogue = Catalogue((Edition(SKYPE_CONNECT, TARIFF, START, march),))
        result = predict(make(), credit="100", prices=catalogue)
        assert [entry.result for entry in result.entries] == ["renew", "not possible"]
        assert result.problems == result.entries[1:]
        assert result.fails_first is None
        assert "Profile 'berlin' cannot be renewed on 2026-03-06: the catalogue" in str(result)

    def test_plan_that_is_not_sold_lapses(self):
        """No bundles are sold from March on; the subscription is kept for its due date."""
        march = date(2026, 3, 1)
        bare = attrs.evolve(SKYPE_CONNECT, edition="bare", bundle=None)
        catalogue = Catalogue(
            (
                Edition(SKYPE_CONNECT, TARIFF, START, march),
                Edition(bare, Tariff("bare", EUR, channel="10"), march),
            )
        )
        result = predict(make(bundles=1), credit="100", prices=catalogue)
        assert [entry.result for entry in result.entries] == ["renew", "not possible", "lapse"]
        assert result.problems == result.entries[1:2]

    def test_price_book_that_fails_stops_the_forecast(self):
        """The error says which profile was renewed."""

        def fail(*_):
            raise RuntimeError("the price service is away")

        with pytest.raises(RuntimeError, match="away") as raised:
            predict(make(), prices=fail)
        assert raised.value.__notes__ == ["The renewal of profile 'berlin' failed."]


class TestCalls:
    """Assumed calls."""

    def test_minutes_of_a_bundle_come_first(self):
        """5,000 minutes cover 20 calls of 250 minutes; the 21st is overage, and so are the next."""
        daily = [DailyCalls("berlin", "US", timedelta(minutes=250))]
        result = predict(
            make(bundles=1), credit="1000", calls_per_day=daily, until=date(2026, 1, 27)
        )
        # 5 January is the first day, so the 20th call is on 24 January.
        assert rows(result) == [
            (date(2026, 1, 25), "berlin", "calls", "-125.00"),
            (date(2026, 1, 26), "berlin", "calls", "-125.00"),
        ]
        assert {posting.reason for posting in result.postings} == {Reason.OVERAGE}

    def test_call_that_uses_the_last_minutes_is_charged_for_the_rest(self):
        """Two calls of 2,600 minutes a day: 2,400 of the second are included."""
        daily = [DailyCalls("berlin", "US", timedelta(minutes=2600), count=2)]
        result = predict(
            make(bundles=1), credit="1000", calls_per_day=daily, until=date(2026, 1, 6)
        )
        assert result.charged == eur(100)  # 200 minutes at 0.50

    def test_calls_that_a_bundle_covers_in_part_are_charged_alike(self):
        """Of each call of 3 minutes, 2 are included; 5,000 minutes last for 2,500 calls."""
        rule = BundleRule("US minutes", 5000, ("US",), longest_call=timedelta(minutes=2))
        offer = attrs.evolve(SKYPE_CONNECT, edition="short calls", bundle=rule)
        daily = [DailyCalls("berlin", "US", timedelta(minutes=3), count=2600)]
        result = predict(make(bundles=1, offer=offer), calls_per_day=daily, until=date(2026, 1, 6))
        assert result.charged == eur(1400)  # 2,500 x 1 minute and 100 x 3 minutes at 0.50

    def test_carried_minutes_come_first(self):
        """Two terms' minutes cover 40 calls of 250 minutes; those of one term cover 20."""
        rule = BundleRule("US minutes", 5000, ("US",), rollover=Rollover(terms=1))
        offer = attrs.evolve(SKYPE_CONNECT, edition="rollover", bundle=rule)
        renewed = renew(make(bundles=1, offer=offer), TARIFF, on=ENDS[0]).after
        daily = [DailyCalls("berlin", "US", timedelta(minutes=250), count=41)]
        result = predict(renewed, calls_per_day=daily, until=date(2026, 2, 5))
        assert result.charged == eur(125)

    def test_application_postings_can_depend_on_the_minutes_left(self):
        """A warning fee is charged once, by the call that leaves less than 1,000 minutes."""

        def charge_warning(decision):
            left = [side.allowance.remaining for side in (decision.before, decision.after)]
            is_crossed = left[1] < timedelta(minutes=1000) <= left[0]
            return [Posting(ACME, eur(-1), Reason.CHARGE, decision.on)] * is_crossed

        daily = [DailyCalls("berlin", "US", timedelta(minutes=250), count=20)]
        result = predict(
            make(bundles=1),
            calls_per_day=daily,
            until=date(2026, 1, 6),
            extra_postings=charge_warning,
        )
        assert result.charged == eur(1)

    def test_call_on_an_unpaid_profile_renews_it_with_the_credit_of_earlier_calls(self):
        """The calls of 'paris' bring the 2.00 that the renewal of 'berlin' lacks."""

        def give_back(decision):
            gives = decision.action is Action.RECORD_CALL and decision.after.profile == "paris"
            return [Posting(ACME, eur(1), Reason.BONUS, decision.on)] * gives

        profiles = ("paris", "berlin")
        result = predict(
            make(offer=GRACE),
            make("paris", offer=SKYPE_CONNECT, on=date(2026, 1, 20)),
            credit=8,
            calls_per_day=[
                DailyCalls(profile, "US", timedelta(minutes=1), count=2) for profile in profiles
            ],
            on=ENDS[0],
            until=ENDS[0] + timedelta(days=1),
            extra_postings=give_back,
        )

        assert [
            ("berlin", "not paid"),
            ("paris", "calls"),
            ("berlin", "renew"),
            ("berlin", "calls"),
        ] == [(entry.profile, entry.result) for entry in result.entries]
        assert eur(0) == result.entries[-1].balance

    @pytest.mark.parametrize(
        ("count", "place", "renewed_on", "as_of"),
        [(1, 3, date(2026, 2, 6), date(2026, 2, 5)), (3, 2, ENDS[0], None)],
        ids=["after the last call", "before the next call"],
    )
    def test_credit_that_calls_bring_pays_an_unpaid_term(self, count, place, renewed_on, as_of):
        """As in the service: on the next day as of the day before, or before another call.

        The wallet has 8.00, a renewal costs 10.00, and the application gives 1.00 for each call.
        """

        def give_back(decision):
            if decision.action is not Action.RECORD_CALL:
                return []
            return [Posting(ACME, eur(1), Reason.BONUS, decision.on)]

        result = predict(
            make(offer=GRACE),
            make("paris", offer=SKYPE_CONNECT, on=date(2026, 1, 20)),
            credit=8,
            calls_per_day=[DailyCalls("paris", "US", timedelta(minutes=1), count=count)],
            on=ENDS[0],
            until=date(2026, 2, 9),
            extra_postings=give_back,
        )
        renewal = result.entries[place]
        brought = [entry.amount for entry in result.entries if entry.action is Action.RECORD_CALL]

        assert (Action.RENEW, "berlin", renewed_on) == (
            renewal.action,
            renewal.profile,
            renewal.day,
        )
        assert [as_of] == [posting.value_date for posting in renewal.postings]
        assert eur(5 * count) == sum(brought, start=eur(0))
        assert eur(-2 + 5 * count) == result.entries[-1].balance

    def test_equal_calls_take_few_steps(self):
        """A million calls a day are charged at once, however many minutes they take."""
        subscription = make(channels=300, bundles=300)
        daily = [DailyCalls("berlin", "US", timedelta(minutes=1), count=10**6)]
        result = run_within(
            20_000,
            lambda: predict(subscription, calls_per_day=daily, until=date(2026, 1, 8)),
        )
        # 3 x 1,000,000 - 300 x 5,000 minutes at 0.50
        assert result.charged == eur(750_000)

    def test_minutes_are_new_after_a_renewal(self):
        """The first term has no minutes left from 25 January on; the second has new ones."""
        daily = [DailyCalls("berlin", "US", timedelta(minutes=250))]
        result = predict(
            make(bundles=1), credit="5000", calls_per_day=daily, until=date(2026, 2, 10)
        )
        days_with_charges = [entry.day for entry in result.entries if entry.result == "calls"]
        assert days_with_charges == [date(2026, 1, 25) + timedelta(days=n) for n in range(10)]

    def test_other_calls_are_paid_by_the_profile(self):
        """40 calls of 3 minutes to Germany cost 40 x 0.60 a day."""
        daily = [DailyCalls("berlin", "DE", timedelta(minutes=3), count=40)]
        result = predict(
            make(), balances={BERLIN: eur(30)}, calls_per_day=daily, until=date(2026, 1, 7)
        )
        assert [(p.wallet, p.amount, p.reason) for p in result.postings] == [
            (BERLIN, eur(-24), Reason.CALL)
        ] * 2
        assert result.charged == eur(0)

    def test_wallet_that_gets_credit_later_is_not_overdrawn_at_the_end(self):
        """30 calls of 2.00 leave it at -60.00; the application then books 100.00 at the renewal."""

        def add_bonus(decision):
            if decision.action is not Action.RENEW:
                return ()
            bonus = Posting(BERLIN, eur(100), Reason.DEPOSIT, decision.on)
            return (Posting(ACME, eur(-100), Reason.DEPOSIT, decision.on), bonus)

        daily = [DailyCalls("berlin", "DE", timedelta(minutes=10))]
        credit = {ACME: eur(500), BERLIN: eur(0)}
        before, after = (
            predict(
                make(),
                until=until,
                balances=credit,
                calls_per_day=daily,
                extra_postings=add_bonus,
            ).overdrafts
            for until in (ENDS[0], ENDS[0] + timedelta(days=1))
        )
        assert [(overdraft.since, overdraft.missing) for overdraft in before] == [(START, eur(60))]
        assert after == ()

    def test_calls_that_cost_nothing_have_no_entry(self):
        """The bundle covers them."""
        daily = [DailyCalls("berlin", "US", timedelta(minutes=1))]
        assert predict(make(bundles=1), calls_per_day=daily, until=ENDS[0]).entries == ()

    def test_call_may_leave_the_wallet_below_zero(self):
        """What happened must be recorded; the credit is not enough from that day on."""
        daily = [DailyCalls("berlin", "US", timedelta(minutes=3000))]
        result = predict(make(bundles=1), credit="300", calls_per_day=daily, until=date(2026, 1, 7))
        assert rows(result) == [(date(2026, 1, 6), "berlin", "calls", "-500.00")]
        assert result.closing == eur(-200)
        assert (result.runs_dry_on, result.fails_first) == (date(2026, 1, 6), None)
        assert result.top_up == eur(200)
        assert "A deposit of 200.00 EUR on 2026-01-05 pays all charges of" in str(result)

    def test_call_that_a_strict_offer_cannot_charge_is_refused(self):
        """5.00 pay for 8 calls of 0.60, and the ninth is refused."""
        daily = [DailyCalls("berlin", "DE", timedelta(minutes=3), count=40)]
        result = predict(
            make(offer=STRICT),
            balances={ACME: eur(100), BERLIN: eur(5)},
            calls_per_day=daily,
            until=date(2026, 1, 6),
        )
        (entry,) = result.entries
        assert (entry.result, entry.postings[0].amount) == ("calls, some refused", eur("-4.80"))
        assert (result.runs_dry_on, result.fails_first) == (START, None)

    def test_call_without_any_credit_is_refused(self):
        """Nothing is charged, and the entry says what was missing."""
        daily = [DailyCalls("berlin", "DE", timedelta(minutes=3))]
        balances = {ACME: eur(100), BERLIN: eur(0)}
        result = predict(
            make(offer=STRICT), balances=balances, calls_per_day=daily, until=date(2026, 1, 6)
        )
        (entry,) = result.entries
        assert (entry.postings, type(entry.error)) == ((), InsufficientCredit)

    def test_profile_without_a_running_subscription_makes_no_calls(self):
        """After it has lapsed, nothing is charged."""
        daily = [DailyCalls("berlin", "DE", timedelta(minutes=3))]
        result = predict(make(), credit="0", calls_per_day=daily)
        assert max(entry.day for entry in result.entries if entry.result == "calls") < ENDS[0]

    @pytest.mark.parametrize(
        ("calls", "error"),
        [
            (DailyCalls("berlin", "FR", timedelta(minutes=1)), UnknownRate),
            (DailyCalls("berlin", "US", timedelta(minutes=1), number="911"), BarredNumber),
        ],
    )
    def test_call_that_cannot_be_charged_is_an_error(self, calls, error):
        """It has no price, or its number is barred."""
        with pytest.raises(error) as raised:
            predict(make(), calls_per_day=[calls])
        assert raised.value.__notes__ == [f"The assumed calls failed: {calls}."]


class TestStore:
    """Forecasts of an account of a store."""

    def test_account_is_read_from_the_store(self, billing, store):
        """50 were paid in and 10 paid for the first term; 40 pay for 4 more."""
        buy_in(billing)
        result = predict_account(store, until=date(2026, 12, 31))
        assert (result.opening, result.charged) == (eur(40), eur(40))
        assert result.runs_dry_on == START + timedelta(days=150)
        assert repr(store).startswith("<MemoryStore: 1 subscription, 1 wallet, 2 postings")

    def test_profile_that_is_due_later_makes_calls(self, billing, store):
        """Its subscription is read too, also if no renewal is due before the day."""
        buy_in(billing)
        daily = [DailyCalls("berlin", "DE", timedelta(minutes=5))]
        result = predict_account(store, until=date(2026, 1, 8), calls_per_day=daily)
        assert [posting.amount for posting in result.postings] == [eur(-1)] * 3

    def test_later_postings_count_from_their_days(self, billing, store):
        """A deposit of 1 March is not there in February."""
        buy_in(billing, credit="10")
        billing.deposit(ACME, eur(100), transfer="later", on=date(2026, 3, 1))
        result = predict_account(store)
        assert (result.opening, result.fails_first.day) == (eur(0), ENDS[0])

    def test_calls_of_an_unknown_profile_are_refused(self, billing, store):
        """The store has no subscription of that profile."""
        buy_in(billing)
        daily = [DailyCalls("paris", "DE", timedelta(minutes=5))]
        with pytest.raises(InvalidValue, match=r"calls_per_day\[0\].profile .* not 'paris'"):
            predict_account(store, calls_per_day=daily)

    def test_application_postings_on_a_profile_are_checked_against_its_wallet(self, billing, store):
        """The wallet of berlin has 1.00 for one fee; a wallet without postings holds nothing."""
        buy_in(billing)
        billing.deposit(BERLIN, eur(1), transfer="fee", on=START)

        def charge_profile(decision):
            if not decision.postings:
                return []
            return [Posting(BERLIN, eur(-1), Reason.CHARGE, decision.on)]

        result = predict_account(store, extra_postings=charge_profile)
        assert [entry.result for entry in result.entries] == ["renew", "not paid", "lapse"]

    def test_account_without_postings_is_unknown(self, billing, store):
        """Nothing says its currency."""
        with pytest.raises(UnknownWallet, match="account 'nobody'"):
            predict_account(store, account="nobody")

    def test_account_without_subscriptions_has_an_empty_forecast(self, billing, store):
        """Its balance is known."""
        billing.deposit(ACME, eur(5), transfer="p-1", on=START)
        result = predict_account(store)
        assert (result.opening, result.entries, result.closing) == (eur(5), (), eur(5))

    def test_account_whose_plans_are_free_has_no_balance(self):
        """Its subscriptions say the currency."""
        free = Tariff("free", EUR, channel=0)
        store = MemoryStore()
        Billing(store, prices=free).buy(
            SKYPE_CONNECT.plan(channels=1),
            account="acme",
            profile="berlin",
            subscription="s-1",
            on=START,
        )
        result = predict_account(store, prices=free)
        assert (result.opening, len(result.entries), result.top_up) == (eur(0), 2, eur(0))

    def test_wallet_in_another_currency_is_refused(self, billing, store):
        """The error names the wallet."""
        buy_in(billing)
        billing.deposit(BERLIN, Money.of("5", USD), transfer="p-9", on=START)
        daily = [DailyCalls("berlin", "DE", timedelta(minutes=5))]
        with pytest.raises(CurrencyMismatch, match="the wallet of profile 'berlin'"):
            predict_account(store, calls_per_day=daily)

    def test_subscription_that_cannot_be_loaded_is_an_error(self, billing, store):
        """A forecast without it would be wrong."""
        buy_in(billing)

        class Broken(MemoryStore):
            def subscription(self, account, profile, /):
                raise OSError("disk")

        broken = Broken()
        broken.restore(store.snapshot())
        with pytest.raises(OSError, match="disk") as raised:
            predict_account(broken)
        assert "'berlin' could not be loaded" in raised.value.__notes__[0]

    def test_asynchronous_store_is_refused(self):
        """Its answers must be awaited."""
        store: Any = type("Awaited", (MemoryStore,), {"commit": _commit_later})()
        with pytest.raises(WrongType, match="a synchronous store"):
            predict_account(store)


async def _commit_later(*_, **__):
    """Stand for a commit that must be awaited."""


class TestPreview:
    """What-if: the forecast after a preview."""

    def test_changed_plan_is_renewed(self, billing, store):
        """After half a term 5.00 are refunded, and 3 channels cost 30: 40 - 25 = 15 are left."""
        buy_in(billing)
        on = START + timedelta(days=15)
        preview = billing.preview.change("acme", "berlin", channels=3, on=on)
        result = predict_account(store, on=on, after=preview)
        assert (result.opening, result.since) == (eur(15), on)
        assert result.fails_first.day == on + timedelta(days=30)
        assert result.top_up == eur(45)  # two renewals of 30

    def test_values_can_be_changed_by_a_preview(self, billing):
        """The subscription that is passed is replaced, and the balance pays the preview."""
        buy_in(billing)
        on = START + timedelta(days=15)
        preview = billing.preview.change("acme", "berlin", channels=3, on=on)
        held = billing.subscription("acme", "berlin")
        result = predict(held, credit="40", after=preview)
        assert (result.since, result.opening, result.top_up) == (on, eur(15), eur(45))

    def test_unknown_balance_stays_unknown(self, billing):
        """The preview's own price is then not a part of the credit that is needed."""
        buy_in(billing)
        preview = billing.preview.change("acme", "berlin", channels=3, on=START)
        result = predict(billing.subscription("acme", "berlin"), after=preview, until=ENDS[1])
        assert (result.opening, result.top_up) == (None, eur(30))

    def test_purchase_of_a_first_subscription_can_be_tried(self, billing):
        """Nothing else is needed than the preview."""
        preview = billing.preview.buy(
            SKYPE_CONNECT.plan(channels=2),
            account="acme",
            profile="berlin",
            subscription="s-1",
            on=START,
        )
        result = forecast((), until=ENDS[1], prices=TARIFF, after=preview)
        assert rows(result) == [(ENDS[0], "berlin", "renew", "-20.00")]

    def test_preview_that_cannot_be_paid_is_an_error(self, billing, store):
        """Its commit would raise the same error."""
        buy_in(billing, credit="10")
        preview = billing.preview.change("acme", "berlin", channels=30, on=START)
        with pytest.raises(InsufficientCredit):
            predict_account(store, after=preview)

    def test_terms_that_are_due_are_settled_before_the_preview(self, billing, store):
        """Paris is due on that day, so the commit renews it before berlin pays for a change."""
        buy_in(billing, "paris", credit="50")
        buy_in(billing, "berlin", credit="50", on=START + timedelta(days=5))
        preview = billing.preview.change("acme", "berlin", channels=3, on=ENDS[0])
        before = predict_account(store, on=ENDS[0], after=preview)
        billing.commit(preview)
        assert before.opening == billing.balance(ACME)
        assert before == predict_account(store, on=ENDS[0])

    def test_term_that_stays_due_does_not_stop_the_preview(self, billing, store):
        """Paris needs 300 and has 10 less than that; berlin is changed all the same."""
        buy_in(billing, "paris", 30, credit="390")
        buy_in(billing, "berlin", credit="210", on=START + timedelta(days=5))
        preview = billing.preview.change("acme", "berlin", channels=3, on=ENDS[0])
        before = predict_account(store, on=ENDS[0], after=preview)
        assert before.fails_first.profile == "paris"
        billing.commit(preview)
        assert before == predict_account(store, on=ENDS[0])

    def test_preview_that_is_committed_already_changes_nothing(self, billing, store):
        """The store has its effect."""
        buy_in(billing)
        preview = billing.preview.change("acme", "berlin", channels=3, on=START)
        billing.commit(preview)
        assert predict_account(store, after=preview) == predict_account(store)

    def test_stale_preview_is_refused(self, billing, store):
        """The subscription has changed since, so its commit would fail."""
        buy_in(billing, credit="500")
        preview = billing.preview.change("acme", "berlin", channels=3, on=START)
        billing.change("acme", "berlin", channels=2, on=START)
        with pytest.raises(Conflict):
            predict_account(store, after=preview)

    def test_preview_of_a_profile_that_vanished_is_refused(self, billing):
        """The store has no such subscription."""
        buy_in(billing)
        preview = billing.preview.change("acme", "berlin", channels=2, on=START)
        other = MemoryStore()
        Billing(other, prices=TARIFF).deposit(ACME, eur(99), transfer="p-1", on=START)
        with pytest.raises(Conflict):
            predict_account(other, after=preview)

    def test_preview_for_another_state_of_a_value_is_refused(self, billing):
        """It was made for a subscription with 1 channel, and 7 are passed."""
        buy_in(billing)
        preview = billing.preview.change("acme", "berlin", channels=2, on=START)
        with pytest.raises(InvalidValue, match="another state of profile 'berlin'"):
            predict(make(channels=7), after=preview)


class TestInput:
    """What a forecast refuses, with the name of the item."""

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"until": datetime(2026, 4, 1, tzinfo=UTC)}, "until must be a date"),
            ({"until": START}, "until must be after 2026-01-05"),
            ({"on": datetime(2026, 1, 5, tzinfo=UTC), "until": UNTIL}, "on must be a date"),
            ({"on": UNTIL}, "until must be after 2026-04-01"),
            ({"on": date(2026, 1, 4)}, "on must be on or after 2026-01-05"),
            ({"prices": None}, "prices must be"),
            (
                {"balances": 500},
                r"money, such as \{Wallet\('acme'\): Money.of\(.500., EUR\)\}, not 500",
            ),
            ({"balances": []}, "balances must be a mapping"),
            ({"until": "2026-04-01"}, r"until must be a date, such as date\(2026, 3, 2\), not"),
            (
                {"balances": {"acme": eur(1)}},
                r"wallets, such as Wallet\(.acme.\), not one",
            ),
            (
                {"balances": {ACME: 1}},
                r"balances\[account 'acme'\] must be a Money, such as Money.of\(.500., EUR\)",
            ),
            ({"balances": {Wallet("b"): eur(1)}}, "of account 'acme'.*not of account 'b'"),
            ({"balances": {Wallet("acme", "x"): eur(1)}}, "not of profile 'x'"),
            ({"balances": {ACME: Money.of(1, USD)}}, r"balances\[account 'acme'\] is in USD"),
            ({"calls_per_day": [1]}, r"calls_per_day\[0\] must be a DailyCalls"),
            (
                {"calls_per_day": [DailyCalls("x", "DE", timedelta(1))]},
                r"calls_per_day\[0\].profile must be a profile with a subscription, not 'x'",
            ),
            ({"after": "preview"}, "after must be a Preview"),
            ({"extra_postings": 1}, "extra_postings must be"),
        ],
    )
    def test_wrong_argument_is_named(self, change, message):
        """The error says what would work."""
        arguments = {"until": UNTIL, "prices": TARIFF} | change
        with pytest.raises((InvalidValue, WrongType, CurrencyMismatch), match=message):
            forecast([make()], **arguments)

    @pytest.mark.parametrize(
        ("subscriptions", "message"),
        [
            ([], "at least one subscription"),
            (5, "subscriptions must be a Subscription, or several"),
            ([make(), "x"], r"subscriptions\[1\] must be a Subscription"),
            ([make(), make(channels=2)], r"subscriptions\[1\] .* second .* 'berlin'"),
            (
                [make(), make("paris", tariff=Tariff("usd", USD, channel=1))],
                r"subscriptions\[1\] is in USD",
            ),
            (
                [make(), attrs.evolve(make("paris"), account="other")],
                r"subscriptions\[1\] must be of account 'acme'.*not of account 'other'",
            ),
        ],
    )
    def test_wrong_subscription_is_named(self, subscriptions, message):
        """The error has its position."""
        with pytest.raises((InvalidValue, WrongType, CurrencyMismatch), match=message):
            forecast(subscriptions, until=UNTIL, prices=TARIFF)

    def test_renewal_price_in_another_currency_is_an_error(self):
        """The wallet could not pay it."""
        with pytest.raises(CurrencyMismatch):
            predict(make(), prices=Tariff("usd", USD, channel=1))

    def test_preview_of_another_account_is_refused(self, billing, store):
        """The error names both accounts."""
        preview = billing.preview.deposit(Wallet("other"), eur(5), transfer="p", on=START)
        with pytest.raises(InvalidValue, match="after must be of account 'acme'"):
            predict(make(), after=preview)
        buy_in(billing)
        with pytest.raises(InvalidValue, match="after must be of account 'acme'"):
            predict_account(store, after=preview)

    def test_first_day_before_the_preview_is_refused(self, billing):
        """The preview is of a later day."""
        preview = billing.preview.deposit(ACME, eur(5), transfer="p", on=ENDS[0])
        with pytest.raises(InvalidValue, match="on or after 2026-02-04, the day of the preview"):
            predict(make(), after=preview, on=START)
        assert predict(make(), credit="0", after=preview).since == ENDS[0]


class TestLazy:
    """The entries one at a time."""

    def test_length_hint_counts_the_renewals_that_are_left(self):
        """Two profiles with two renewals each, and then one fewer after each entry."""
        run = iter_forecast([make("a"), make("b")], until=UNTIL, prices=TARIFF)
        hints = [length_hint(run), *(length_hint(run) for _ in run)]
        assert hints == [4, 3, 2, 1, 0]

    def test_length_hint_estimates_months_and_counts_calls(self):
        """A month counts as 30 days, so February counts only with its successor.

        Each day of each kind of calls counts as one.
        """
        monthly = attrs.evolve(SKYPE_CONNECT, edition="monthly", term=TermRule(Months(1)))
        daily = [DailyCalls("berlin", "US", timedelta(minutes=1))]
        run = iter_forecast(
            make(offer=monthly), until=date(2026, 3, 6), prices=TARIFF, calls_per_day=daily
        )
        assert length_hint(run) == 60 + 1
        assert len(list(run)) == 2 + 60  # the plan has no minutes, so each day is charged
        assert length_hint(run) == 0

    def test_sums_are_those_of_the_entries_so_far(self):
        """What fails first is known as soon as it is reached."""
        balances = {ACME: eur(10)}
        run = iter_forecast(make(), until=UNTIL, prices=TARIFF, balances=balances)
        next(run)
        assert (run.charged, run.fails_first, run.runs_dry_on) == (eur(10), None, None)
        failing = next(run)
        assert (run.fails_first, run.runs_dry_on) == (failing, ENDS[1])
        assert [entry.result for entry in run] == ["lapse"]
        assert run.opening == eur(10)

    def test_arguments_are_checked_at_once(self):
        """The error does not wait for the first entry."""
        with pytest.raises(InvalidValue):
            iter_forecast([make(), make()], until=UNTIL, prices=TARIFF)

    @pytest.mark.slow
    def test_memory_does_not_grow_with_the_number_of_charges(self):
        """As many values are alive after many terms as after few, and the first are forgotten."""
        run = iter_forecast(
            (make(f"profile {number}") for number in range(20)),
            until=date(2036, 1, 1),
            prices=TARIFF,
        )

        def count_values():
            gc.collect()
            return sum(type(item).__name__ == "Subscription" for item in gc.get_objects())

        for _ in range(100):
            next(run)
        early = count_values()
        for _ in range(1000):
            next(run)
        assert count_values() <= early

    def test_account_of_a_store_can_be_iterated(self, billing, store):
        """The entries are those of the forecast."""
        buy_in(billing)
        run = iter_forecast_account(store, "acme", on=START, until=UNTIL, prices=TARIFF)
        assert tuple(run) == predict_account(store).entries

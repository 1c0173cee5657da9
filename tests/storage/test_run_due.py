"""A run renews or ends due subscriptions: its outcomes, its pages and its progress."""

import pickle
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest
from tests.storage.services import (
    ACME,
    DAY,
    DROPS_BUNDLES,
    FEB_10,
    FIRST_END,
    FIRST_TERM,
    PLAN,
    PURCHASE_DAY,
    SECOND_END,
    SECOND_TERM,
    TARIFF,
    THIRD_TERM,
    WITH_GRACE,
    balance,
    euros,
    open_account,
    paid_terms,
    profiles_and_actions,
    subscription_of,
)

from channelplans.calendar import Days
from channelplans.errors import CalendarEnds, WrongType
from channelplans.offers import SKYPE_CONNECT
from channelplans.rules import NonPaymentRule, TermRule
from channelplans.storage.billing import Billing
from channelplans.storage.ports import shard_of
from channelplans.subscriptions.actions import renew
from channelplans.subscriptions.subscription import Action, Status
from channelplans.subscriptions.wallets import Posting, Reason, Wallet

NOON = datetime(2026, 1, 15, 12)  # noqa: DTZ001 - any datetime is refused
DAY_AFTER = date(2026, 2, 5)  # the day after the first due date
OF_BERLIN = "profile 'berlin' of account 'acme', 2026-01-05 to 2026-02-04"
PURCHASE: dict[str, Any] = {
    "account": "acme",
    "profile": "berlin",
    "subscription": "s-2",
    "on": DAY,
}


class TestRunDue:
    """run_due() renews or ends each due term, and returns one outcome for each profile and term."""

    def test_run_without_due_terms_returns_nothing(self, billing, store):
        """Nothing is due in an empty store, or on the day before a term ends."""
        assert () == billing.run_due(on=FIRST_END)
        open_account(store)
        assert () == billing.run_due(on=date(2026, 2, 3))

    def test_run_renews_a_due_term(self, billing, store):
        """The renewal charges 34.75 of the remaining 965.25 for the next term."""
        open_account(store)
        (outcome,) = billing.run_due(on=FIRST_END)
        renewal = Posting(
            ACME, -euros("34.75"), Reason.RENEWAL, FIRST_END, SECOND_TERM, "s of berlin"
        )

        assert ("berlin", FIRST_TERM) == (outcome.profile, outcome.term)
        assert outcome.error is None
        assert outcome.failed is False
        assert (renewal,) == outcome.decision.postings
        assert outcome.decision.after == subscription_of(store)
        assert "930.50" == balance(store)
        assert f"{OF_BERLIN}: renew" == str(outcome)
        assert () == billing.run_due(on=FIRST_END)

    def test_outcomes_show_themselves_as_a_table(self, billing, store):
        """The first line counts the results; a reason is listed, and a name is no markup."""
        open_account(store, credit="120", plans={"berlin": PLAN, "<b>": PLAN})
        outcomes = billing.run_due(on=DAY_AFTER)
        summary, *lines = str(outcomes).splitlines()

        assert "2 outcomes; renew: 1, lapse: 1" == summary
        assert ["What the run did", "account", "-------"] == [
            line.split("  ")[0] for line in lines[:3]
        ]
        assert "is missing" in str(outcomes)
        assert "<td" in outcomes._repr_html_()
        assert "<b>" not in outcomes._repr_html_()
        assert tuple(outcomes) == outcomes
        assert str(outcomes) == str(pickle.loads(pickle.dumps(outcomes)))

    def test_run_without_outcomes_says_so(self, billing):
        """An empty tuple is shown as a sentence."""
        assert "Nothing was due." == str(billing.run_due(on=FIRST_END))
        assert "<p>Nothing was due.</p>" == billing.catch_up("acme", on=FIRST_END)._repr_html_()

    def test_run_drops_bundles_that_cannot_be_paid(self, billing, store):
        """If the offer allows it, only the channels are renewed: 24.15 - 20.85 = 3.30."""
        open_account(
            store, credit="55", plans={"berlin": DROPS_BUNDLES.plan(channels=3, bundles=1)}
        )
        (outcome,) = billing.run_due(on=FIRST_END)
        message = (
            f"{OF_BERLIN}: renew without bundles; "
            "account 'acme' holds 24.15 EUR, but 30.85 EUR is needed; 6.70 EUR is missing"
        )

        assert "3.30" == balance(store)
        assert DROPS_BUNDLES.plan(channels=3) == subscription_of(store).plan
        assert message == str(outcome)
        assert outcome.failed is False

    @pytest.mark.parametrize(
        ("credit", "bundles", "status"),
        [
            ("51.70", 0, Status.ACTIVE),  # 30.85 + 20.85: exactly enough for the channels
            ("51.69", 1, Status.LAPSED),
            ("61.70", 1, Status.ACTIVE),  # 2 x 30.85: enough for channels and bundle
        ],
    )
    def test_run_drops_bundles_only_if_that_makes_the_renewal_possible(
        self, billing, store, credit, bundles, status
    ):
        """Bundles are kept if they can be paid, or if not even the channels can be paid."""
        plan = DROPS_BUNDLES.plan(channels=3, bundles=1)
        open_account(store, credit=credit, plans={"berlin": plan})
        billing.run_due(on=DAY_AFTER)
        subscription = subscription_of(store)

        assert (bundles, status) == (subscription.plan.bundles, subscription.status)

    def test_run_lets_an_unpaid_subscription_lapse(self, billing, store):
        """Without a grace period the subscription lapses on the day after its due date."""
        open_account(store, credit="50")
        (outcome,) = billing.run_due(on=FIRST_END)
        assert outcome.decision is None
        (outcome,) = billing.run_due(on=DAY_AFTER)
        message = (
            f"{OF_BERLIN}: lapse; "
            "account 'acme' holds 15.25 EUR, but 34.75 EUR is needed; 19.50 EUR is missing"
        )

        assert Action.LAPSE is outcome.decision.action
        assert Status.LAPSED is subscription_of(store).status
        assert message == str(outcome)
        assert outcome.failed is False
        assert "15.25" == balance(store)
        billing.deposit(ACME, euros("100"), transfer="late", on=DAY_AFTER)
        assert () == billing.run_due(on=DAY_AFTER)

    def test_run_waits_for_credit_until_the_grace_period_ends(self, billing, store):
        """During the grace period the term stays due; on the day after it, it lapses."""
        open_account(store, credit="50", plans={"berlin": WITH_GRACE.plan(channels=5)})
        last_day_of_grace = FIRST_END + timedelta(days=6)
        for day in (FIRST_END, FIRST_END, last_day_of_grace):
            (outcome,) = billing.run_due(on=day)

            assert outcome.decision is None
            assert outcome.failed is False
            assert FIRST_TERM == outcome.term
            assert str(outcome).startswith(f"{OF_BERLIN}: waits for credit; ")
        (outcome,) = billing.run_due(on=FIRST_END + timedelta(days=7))

        assert Action.LAPSE is outcome.decision.action
        assert "15.25" == balance(store)

    def test_run_renews_from_the_end_of_the_term_after_a_deposit_in_the_grace_period(
        self, billing, store
    ):
        """The new term starts where the old one ended; the charge is booked on the later day."""
        open_account(store, credit="50", plans={"berlin": WITH_GRACE.plan(channels=5)})
        billing.run_due(on=FIRST_END)
        deposit_day = date(2026, 2, 7)
        billing.deposit(ACME, euros("20"), transfer="late", on=deposit_day)
        (outcome,) = billing.run_due(on=deposit_day)
        (posting,) = outcome.decision.postings

        assert SECOND_TERM == outcome.decision.after.term
        assert deposit_day == posting.on
        assert "0.50" == balance(store)

    def test_run_ends_a_cancelled_subscription(self, billing, store):
        """The end costs nothing, and the profile can buy again."""
        open_account(store)
        billing.cancel("acme", "berlin", on=DAY)
        (outcome,) = billing.run_due(on=FEB_10)

        assert Action.EXPIRE is outcome.decision.action
        assert Status.ENDED is subscription_of(store).status
        assert f"{OF_BERLIN}: expire" == str(outcome)
        assert "965.25" == balance(store)
        assert () == billing.run_due(on=FEB_10)
        assert Action.BUY is billing.buy(PLAN, **{**PURCHASE, "on": FEB_10}).action

    def test_run_counts_the_grace_period_from_the_end_of_the_unpaid_term(self, billing, store):
        """The first missed term is renewed; the second one waits in its own grace period."""
        open_account(store, credit="69.50", plans={"berlin": WITH_GRACE.plan(channels=5)})
        outcomes = billing.run_due(on=date(2026, 3, 7))

        assert [FIRST_TERM, SECOND_TERM] == [outcome.term for outcome in outcomes]
        assert [("berlin", Action.RENEW), ("berlin", None)] == profiles_and_actions(outcomes)

    def test_late_run_does_not_renew_a_cancelled_subscription(self, billing, store):
        """A run that is almost a year late ends the subscription once."""
        open_account(store)
        billing.cancel("acme", "berlin", on=DAY)
        outcomes = billing.run_due(on=date(2027, 1, 1))

        assert [("berlin", Action.EXPIRE)] == profiles_and_actions(outcomes)

    def test_iteration_commits_each_decision_just_before_it_yields_the_outcome(
        self, billing, store
    ):
        """Nothing is charged before the first outcome is requested, so a progress bar is exact."""
        open_account(store, plans=dict.fromkeys(["a", "b", "c"], PLAN))
        renewed = []
        outcomes = billing.iter_due(on=SECOND_END)
        assert "895.75" == balance(store)
        for number, outcome in enumerate(outcomes, 1):
            renewed.append((outcome.profile, outcome.term))
            assert euros("895.75") - euros("34.75") * number == store.balance(ACME)

        expected = [(profile, term) for term in (FIRST_TERM, SECOND_TERM) for profile in "abc"]
        assert expected == renewed

    def test_late_renewal_in_a_grace_period_has_no_error(self, billing, store):
        """On 4 February the credit is missing; it comes on the 7th, and nothing is dropped."""
        open_account(store, credit="50", plans={"berlin": WITH_GRACE.plan(channels=5)})
        billing.deposit(ACME, euros("20"), transfer="late", on=date(2026, 2, 7))
        (outcome,) = billing.run_due(on=date(2026, 2, 20))

        assert None is outcome.error
        assert f"{OF_BERLIN}: renew" == str(outcome)

    def test_run_settles_each_account(self, billing, store):
        """An outcome names its account; profiles of two accounts can have the same name."""
        open_account(store)
        billing.deposit(Wallet("globex"), euros("40"), transfer="opening", on=PURCHASE_DAY)
        purchase = {**PURCHASE, "account": "globex", "on": PURCHASE_DAY}
        billing.buy(PLAN, **purchase)
        outcomes = billing.run_due(on=DAY_AFTER)
        actions = [(outcome.account, outcome.decision.action) for outcome in outcomes]

        assert [("acme", Action.RENEW), ("globex", Action.LAPSE)] == actions
        assert "globex" in str(outcomes[1])

    def test_catch_up_settles_one_account(self, billing, store):
        """Its outcomes are those of a run, and other accounts stay due."""
        open_account(store)
        billing.deposit(Wallet("globex"), euros("100"), transfer="opening", on=PURCHASE_DAY)
        billing.buy(PLAN, **{**PURCHASE, "account": "globex", "on": PURCHASE_DAY})
        (outcome,) = billing.catch_up("globex", on=FIRST_END)

        assert ("globex", "berlin") == (outcome.account, outcome.profile)
        assert Action.RENEW is outcome.decision.action
        assert [FIRST_TERM] == paid_terms(store)

    def test_shards_together_settle_all_accounts_once(self, billing, store):
        """Two workers with a shard each; acme belongs to the first one, initech to the other."""
        open_account(store)
        billing.deposit(Wallet("tyrell"), euros("100"), transfer="opening", on=PURCHASE_DAY)
        billing.buy(PLAN, **{**PURCHASE, "account": "tyrell", "on": PURCHASE_DAY})
        parts = [billing.run_due(on=FIRST_END, shard=(part, 2)) for part in range(2)]
        accounts = [{outcome.account for outcome in part} for part in parts]

        assert {"acme", "tyrell"} == accounts[0] | accounts[1]
        for account in ("acme", "tyrell"):
            assert account in accounts[shard_of(account, 2)]

    def test_run_loads_and_commits_once_for_each_renewal(self, billing, store):
        """The committed decision shows that no further term is due, so nothing is loaded again."""
        open_account(store)
        store.calls.clear()
        billing.run_due(on=FIRST_END)

        expected = ["due", "due of one account", "subscription", "balance", "commit"]
        assert expected == store.calls

    @pytest.mark.parametrize("on", [NOON, "2026-02-04", None])
    def test_run_refuses_a_day_that_is_no_date(self, billing, store, on):
        """A datetime is refused too: its day depends on a time zone."""
        open_account(store)
        with pytest.raises(WrongType, match=r"^on must be a date"):
            billing.run_due(on=on)

        assert "due" not in store.calls

    @pytest.mark.parametrize("page_size", [1, 2, 3])
    def test_run_handles_each_profile_once_over_several_pages(self, billing, store, page_size):
        """With any page size, renewed, lapsed and waiting profiles appear once.

        215.45 - 5 x 34.75 - 6.95 = 34.75, which pays one renewal: the renewal of a.
        """
        one_channel = SKYPE_CONNECT.plan(channels=1)
        with_grace = WITH_GRACE.plan(channels=5)
        plans = {
            "a": PLAN,
            "b": with_grace,
            "c": PLAN,
            "d": with_grace,
            "e": PLAN,
            "f": one_channel,
        }
        open_account(store, credit="215.45", plans=plans)
        store.page_size = page_size

        renewed_and_lapsed = [
            ("a", Action.RENEW),
            ("c", Action.LAPSE),
            ("e", Action.LAPSE),
            ("f", Action.LAPSE),
        ]
        still_due = [("b", None), ("d", None)]
        first_run = profiles_and_actions(billing.run_due(on=DAY_AFTER))
        assert [*renewed_and_lapsed, *still_due] == first_run
        assert still_due == profiles_and_actions(billing.run_due(on=DAY_AFTER))

    @pytest.mark.slow
    def test_run_reads_more_than_one_full_page(self, billing, store):
        """1,001 profiles need two pages of 1,000 of the store, and each profile is renewed once."""
        profiles = [f"p-{number:04}" for number in range(1001)]
        plans = dict.fromkeys(profiles, SKYPE_CONNECT.plan(channels=1))
        open_account(store, credit="20000", plans=plans)
        expected = [(profile, Action.RENEW) for profile in profiles]

        assert expected == profiles_and_actions(billing.run_due(on=FIRST_END))
        assert 2 == store.calls.count("due")
        # 20,000.00 - 2 x 1,001 x 6.95
        assert "6086.10" == balance(store)

    def test_run_reports_each_term_once_if_a_renewed_profile_is_due_again(self, billing, store):
        """Profile a is renewed and waits for credit; its new place on a later page is skipped."""
        three_terms = str(3 * Decimal("34.75"))
        plans = dict.fromkeys("ab", WITH_GRACE.plan(channels=5))
        open_account(store, credit=three_terms, plans=plans)
        store.page_size = 1
        outcomes = profiles_and_actions(billing.run_due(on=SECOND_END))

        assert [("a", Action.RENEW), ("b", Action.LAPSE), ("a", None)] == outcomes

    def test_late_run_reads_all_pages_of_the_postings(self, billing, store):
        """The deposits of three days pay the renewal on the third day of the grace period."""
        open_account(store, credit="34.75", plans={"berlin": WITH_GRACE.plan(channels=5)})
        for number in range(3):
            on = FIRST_END + timedelta(days=number)
            billing.deposit(ACME, euros("12"), transfer=f"p-{number}", on=on)
        store.page_size = 1
        (outcome,) = billing.run_due(on=date(2026, 2, 20))

        assert date(2026, 2, 6) == outcome.decision.postings[0].value_date

    def test_credit_late_in_a_long_grace_period_pays_all_terms_that_are_due(self, billing, store):
        """Terms of 10 days with 15 days of grace: on 27 January, two terms are due.

        The first ended on the 15th and the second on the 25th; both are paid on the 27th.
        """
        offer = attrs.evolve(WITH_GRACE, edition="short terms", term=TermRule(Days(10)))
        offer = attrs.evolve(offer, non_payment=NonPaymentRule(grace=Days(15)))
        open_account(store, credit="34.75", plans={"berlin": offer.plan(channels=5)})
        paid_on = date(2026, 1, 27)
        billing.deposit(ACME, euros("69.50"), transfer="late", on=paid_on)
        first, second = billing.run_due(on=date(2026, 1, 29))
        days = [outcome.decision.postings[0].value_date for outcome in (first, second)]

        assert [paid_on, paid_on] == days
        assert date(2026, 2, 4) == second.decision.after.term.end
        assert "0.00" == balance(store)

    def test_profile_that_another_worker_renewed_after_the_listing_is_skipped(self, billing, store):
        """It is listed as due, but its subscription is not due any more when it is loaded."""
        open_account(store)
        other_worker = Billing(store, prices=TARIFF)
        store.interruptions["subscription"] = iter([lambda: other_worker.run_due(on=FIRST_END)])

        assert () == billing.run_due(on=FIRST_END)
        assert [FIRST_TERM, SECOND_TERM] == paid_terms(store)

    def test_profile_that_another_worker_renews_between_two_pages_is_settled_once(
        self, billing, store
    ):
        """Profile a is on the first and the last page; its second term is settled in its turn."""
        open_account(store, plans=dict.fromkeys("ab", PLAN))
        store.page_size = 1
        stored = store.subscription("acme", "a")
        renewal = renew(stored.value, TARIFF, on=SECOND_END, value_date=FIRST_END)

        def renew_a():
            store.commit(renewal, expected=stored.revision)

        store.interruptions["due of one account"] = iter([int, renew_a])
        outcomes = billing.catch_up("acme", on=SECOND_END)

        terms = [(outcome.profile, outcome.term) for outcome in outcomes]
        assert [("b", FIRST_TERM), ("a", SECOND_TERM), ("b", SECOND_TERM)] == terms
        assert [FIRST_TERM, SECOND_TERM, THIRD_TERM] == paid_terms(store, "a")

    def test_run_on_the_last_day_of_the_calendar(self, billing, store):
        """No term can follow, so a term that ends on that day lapses on it."""
        open_account(store, on=date(9999, 12, 1))
        (outcome,) = billing.run_due(on=date.max)

        assert Action.LAPSE is outcome.decision.action
        assert "965.25" == balance(store)

    def test_renewal_beyond_the_calendar_fails(self, billing, store):
        """The term ends on 30 December 9999, and 30 days more are no dates."""
        open_account(store, on=date(9999, 11, 30))
        (outcome,) = billing.run_due(on=date.max)

        assert outcome.failed
        assert CalendarEnds is type(outcome.error)

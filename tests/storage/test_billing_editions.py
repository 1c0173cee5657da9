"""Which tariff applies to a purchase, a change, a call and a renewal."""

from datetime import date
from typing import Any

import attrs
import pytest
from tests.storage.services import (
    ACME,
    BERLIN,
    BIGGER,
    DAY,
    DEARER,
    DROPS_BUNDLES,
    FEB_10,
    FEWER_AT_RENEWAL,
    FIRST_END,
    FIRST_TERM,
    PLAN,
    PURCHASE_DAY,
    SECOND_END,
    TARIFF,
    WITH_GRACE,
    balance,
    booked_postings,
    euros,
    make_call,
    open_account,
    paid_terms,
    subscription_of,
)

from channelplans.errors import (
    NotOffered,
    UnknownEdition,
)
from channelplans.offers import SKYPE_CONNECT
from channelplans.subscriptions.catalogue import Catalogue, Edition, Migration
from channelplans.subscriptions.subscription import Status

PURCHASE: dict[str, Any] = {
    "account": "acme",
    "profile": "berlin",
    "subscription": "s-2",
    "on": DAY,
}


def two_editions(*, migration=Migration.AT_RENEWAL, offer=SKYPE_CONNECT, start=date(2026, 2, 1)):
    """Return a catalogue: Skype Connect at 6.95 a channel, and from a day an offer at 7.50."""
    first = Edition(SKYPE_CONNECT, TARIFF, date(2025, 1, 1), start)
    return Catalogue((first, Edition(offer, DEARER, start, migration=migration)))


def billing_by_catalogue(make_billing, store, catalogue, **opening):
    """Return a billing service that uses a catalogue; berlin bought by it on 5 January."""
    open_account(store, prices=catalogue, **opening)
    return make_billing(store, catalogue)


class TestPrices:
    """Which tariff applies to a purchase, a change, a call and a renewal."""

    def test_tariff_function_gets_the_account_the_offer_and_the_day(self, make_billing, store):
        """A purchase passes its day, a renewal the new term's first day.

        A prorated change and a call keep the tariff of the running term, so neither calls the
        function.
        """
        requests = []

        def find_tariff(account, offer, day):
            requests.append((account, offer, day))
            return TARIFF

        billing = make_billing(store, find_tariff)
        billing.deposit(ACME, euros("500"), transfer="p", on=PURCHASE_DAY)
        billing.deposit(BERLIN, euros("1"), transfer="b", on=PURCHASE_DAY)
        billing.buy(FEWER_AT_RENEWAL.plan(channels=5), **{**PURCHASE, "on": PURCHASE_DAY})
        billing.change("acme", "berlin", plan=FEWER_AT_RENEWAL.plan(channels=6), on=DAY)
        billing.record_call(
            "acme", "berlin", make_call(day=date(2026, 1, 20)), on=date(2026, 1, 31)
        )
        list(billing.run_due(on=date(2026, 2, 20)))

        days = [PURCHASE_DAY, FIRST_END]
        assert [("acme", FEWER_AT_RENEWAL, day) for day in days] == requests

    def test_change_to_another_offer_uses_the_tariff_of_that_offer(self, make_billing, store):
        """The new offer costs 7.50 a channel, so 10 channels cost 75.00."""

        def find_tariff(_account, offer, _day):
            return TARIFF if offer == SKYPE_CONNECT else DEARER

        billing = make_billing(open_account(store), find_tariff)
        decision = billing.change("acme", "berlin", plan=WITH_GRACE.plan(channels=10), on=DAY)

        assert "75.00" == str(decision.after.quote.total.amount)

    def test_renewal_charges_the_pending_plan(self, make_billing, store):
        """A reduction to 3 channels waits for the renewal, which charges 3 x 6.95 = 20.85."""
        open_account(store, plans={"berlin": FEWER_AT_RENEWAL.plan(channels=5)})
        billing = make_billing(store)
        billing.change("acme", "berlin", plan=FEWER_AT_RENEWAL.plan(channels=3), on=DAY)
        (outcome,) = billing.run_due(on=FIRST_END)
        (posting,) = outcome.decision.postings

        assert 3 == outcome.decision.after.plan.channels
        assert "-20.85" == str(posting.amount.amount)

    def test_purchase_uses_the_edition_of_its_day(self, make_billing, store):
        """A channel costs 6.95 before 1 February and 7.50 from that day on."""
        billing = billing_by_catalogue(make_billing, store, two_editions())
        first_purchase = subscription_of(store)
        purchase = billing.buy(PLAN, **{**PURCHASE, "profile": "paris", "on": FEB_10})

        assert "34.75" == str(first_purchase.quote.total.amount)
        assert "37.50" == str(purchase.after.quote.total.amount)

    def test_purchase_of_an_offer_not_sold_on_the_day_is_refused(self, make_billing, store):
        """The error names the offer and the tariff that are sold on that day."""
        billing = billing_by_catalogue(make_billing, store, two_editions(offer=WITH_GRACE))
        message = (
            "no sale on 2026-02-10; sold on that day: 'Skype Connect (grace)', tariff 'dearer'"
        )
        with pytest.raises(NotOffered) as refusal:
            billing.buy(PLAN, **{**PURCHASE, "profile": "paris", "on": FEB_10})

        assert message in str(refusal.value)

    def test_pinned_subscription_keeps_its_tariff(self, make_billing, store):
        """Renewal, call and change all use the old tariff, although a new edition is in force."""
        catalogue = two_editions(migration=Migration.PINNED)
        billing = billing_by_catalogue(make_billing, store, catalogue)
        billing.deposit(BERLIN, euros("1"), transfer="b", on=FIRST_END)
        (renewal,) = billing.run_due(on=FIRST_END)
        call = billing.record_call("acme", "berlin", make_call(day=FEB_10), on=FEB_10)
        change = billing.change("acme", "berlin", plan=BIGGER, on=FEB_10)
        (renewal_charge,) = renewal.decision.postings
        (call_charge,) = call.postings
        _, change_charge = change.postings

        assert "-34.75" == str(renewal_charge.amount.amount)
        assert "-0.06" == str(call_charge.amount.amount)
        assert "-69.50" == str(change_charge.amount.amount)

    def test_restart_uses_the_edition_in_force_on_its_day(self, make_billing, store):
        """A restart on 10 January uses the old edition; a restart on 6 February uses the new one.

        A call between the two uses the tariff of the running term.
        """
        billing = billing_by_catalogue(make_billing, store, two_editions())
        change_in_january = billing.change("acme", "berlin", plan=BIGGER, on=date(2026, 1, 10))
        billing.deposit(BERLIN, euros("1"), transfer="b", on=FIRST_END)
        call = billing.record_call(
            "acme", "berlin", make_call(day=date(2026, 2, 5)), on=date(2026, 2, 5)
        )
        change_in_february = billing.change("acme", "berlin", plan=PLAN, on=date(2026, 2, 6))
        _, january_charge = change_in_january.postings
        (call_charge,) = call.postings
        _, february_charge = change_in_february.postings

        assert "-69.50" == str(january_charge.amount.amount)
        assert "-0.06" == str(call_charge.amount.amount)
        assert "-37.50" == str(february_charge.amount.amount)

    @pytest.mark.parametrize("has_next", [True, False], ids=["next edition", "no next edition"])
    def test_change_without_a_restart_needs_no_edition(self, make_billing, store, has_next):
        """More channels use the running term's tariff, even if no edition is in force on the day.

        5 x 6.95 for 2 of 30 days are 2.3167. A reduction at the renewal is accepted as well.
        """
        next_start = date(2026, 2, 1)
        first = Edition(FEWER_AT_RENEWAL, TARIFF, date(2025, 1, 1), next_start)
        next_edition = Edition(SKYPE_CONNECT, DEARER, next_start)
        catalogue = Catalogue((first, next_edition) if has_next else (first,))
        plans = {"berlin": FEWER_AT_RENEWAL.plan(channels=5)}
        billing = billing_by_catalogue(make_billing, store, catalogue, plans=plans)
        increase = billing.change(
            "acme", "berlin", plan=FEWER_AT_RENEWAL.plan(channels=10), on=date(2026, 2, 2)
        )
        billing.change(
            "acme", "berlin", plan=FEWER_AT_RENEWAL.plan(channels=4), on=date(2026, 2, 3)
        )

        assert ["-2.32"] == [str(posting.amount.amount) for posting in increase.postings]
        assert 4 == subscription_of(store).pending.channels

    def test_restart_under_a_replaced_offer_is_refused(self, make_billing, store):
        """A restart on or after the new edition's first day needs a plan of the new offer."""
        billing = billing_by_catalogue(make_billing, store, two_editions(offer=WITH_GRACE))
        with pytest.raises(NotOffered, match="sold on that day: 'Skype Connect \\(grace\\)'"):
            billing.change("acme", "berlin", plan=BIGGER, on=date(2026, 2, 2))

        change = billing.change(
            "acme", "berlin", plan=WITH_GRACE.plan(channels=10), on=date(2026, 2, 2)
        )
        assert "75.00" == str(change.after.quote.total.amount)

    def test_pinned_subscription_can_change_to_the_offer_of_the_day(self, make_billing, store):
        """A change to the offer that is sold on the day uses the tariff of the day."""
        catalogue = two_editions(migration=Migration.PINNED, offer=WITH_GRACE)
        billing = billing_by_catalogue(make_billing, store, catalogue)
        billing.run_due(on=FIRST_END)
        change = billing.change("acme", "berlin", plan=WITH_GRACE.plan(channels=10), on=FEB_10)
        _, charge = change.postings

        assert "-75.00" == str(charge.amount.amount)
        assert WITH_GRACE == subscription_of(store).plan.offer

    def test_renewal_moves_to_the_next_edition(self, make_billing, store):
        """The renewal takes offer and tariff of the next edition, and keeps the channels."""
        billing = billing_by_catalogue(make_billing, store, two_editions(offer=WITH_GRACE))
        (outcome,) = billing.run_due(on=FIRST_END)
        (posting,) = outcome.decision.postings
        subscription = subscription_of(store)

        assert WITH_GRACE.plan(channels=5) == subscription.plan
        assert DEARER == subscription.quote.tariff
        assert "-37.50" == str(posting.amount.amount)

    def test_renewal_uses_the_edition_of_the_first_day_of_the_new_term(self, make_billing, store):
        """A late renewal from 4 February ignores an edition that starts on 10 February."""
        billing = billing_by_catalogue(make_billing, store, two_editions(start=FEB_10))
        billing.run_due(on=SECOND_END)
        amounts = [str(posting.amount.amount) for posting in booked_postings(store)]

        assert ["1000.00", "-34.75", "-34.75", "-37.50"] == amounts

    def test_renewals_move_from_the_announced_day_on(self, make_billing, store):
        """If holders move on 1 March, the renewal of 4 February keeps the old tariff."""
        catalogue = two_editions(migration=date(2026, 3, 1))
        billing = billing_by_catalogue(make_billing, store, catalogue)
        outcomes = [*billing.run_due(on=FIRST_END), *billing.run_due(on=SECOND_END)]
        postings = [posting for outcome in outcomes for posting in outcome.decision.postings]

        assert ["-34.75", "-37.50"] == [str(posting.amount.amount) for posting in postings]

    def test_renewal_fails_if_the_next_edition_does_not_sell_the_plan(self, make_billing, store):
        """The outcome has the error, the term stays due, and no smaller plan is sold instead."""
        four_channels_at_most = attrs.evolve(
            SKYPE_CONNECT,
            edition="small",
            quantity=attrs.evolve(SKYPE_CONNECT.quantity, maximum=4, steps=()),
        )
        catalogue = two_editions(offer=four_channels_at_most)
        billing = billing_by_catalogue(make_billing, store, catalogue)
        for _ in range(2):
            (outcome,) = billing.run_due(on=FIRST_END)

            assert outcome.failed
            assert (FIRST_TERM, NotOffered) == (outcome.term, type(outcome.error))
        assert PLAN == subscription_of(store).plan
        assert [FIRST_TERM] == paid_terms(store)

    def test_pending_plan_moves_to_the_next_edition(self, make_billing, store):
        """The pending 3 channels are renewed under the next edition: 3 x 7.50 = 22.50."""
        next_offer = attrs.evolve(FEWER_AT_RENEWAL, edition="still fewer at renewal")
        catalogue = Catalogue(
            (
                Edition(FEWER_AT_RENEWAL, TARIFF, date(2025, 1, 1), FIRST_END),
                Edition(next_offer, DEARER, FIRST_END),
            )
        )
        plans = {"berlin": FEWER_AT_RENEWAL.plan(channels=5)}
        billing = billing_by_catalogue(make_billing, store, catalogue, plans=plans)
        billing.change("acme", "berlin", plan=FEWER_AT_RENEWAL.plan(channels=3), on=DAY)
        (outcome,) = billing.run_due(on=FIRST_END)
        (posting,) = outcome.decision.postings

        assert next_offer.plan(channels=3) == subscription_of(store).plan
        assert "-22.50" == str(posting.amount.amount)

    def test_renewal_fails_if_no_edition_is_in_force(self, make_billing, store):
        """Without an edition for the new term the outcome is failed, and nothing lapses."""
        catalogue = Catalogue((Edition(SKYPE_CONNECT, TARIFF, date(2025, 1, 1), FIRST_END),))
        billing = billing_by_catalogue(make_billing, store, catalogue)
        (outcome,) = billing.run_due(on=FIRST_END)

        assert outcome.failed
        assert UnknownEdition is type(outcome.error)
        assert Status.ACTIVE is subscription_of(store).status

    def test_renewal_uses_the_non_payment_rule_of_the_next_edition(self, make_billing, store):
        """The next edition drops bundles: 3 channels at 7.50 without the bundle at 11.00.

        After the first term, 60.00 - 30.85 = 29.15 is left, which pays 22.50 but not 33.50.
        """
        plans = {"berlin": SKYPE_CONNECT.plan(channels=3, bundles=1)}
        catalogue = two_editions(offer=DROPS_BUNDLES)
        billing = billing_by_catalogue(make_billing, store, catalogue, credit="60", plans=plans)
        (outcome,) = billing.run_due(on=FIRST_END)

        assert DROPS_BUNDLES.plan(channels=3) == subscription_of(store).plan
        assert "6.65" == balance(store)
        assert "33.50" == str(outcome.error.needed)

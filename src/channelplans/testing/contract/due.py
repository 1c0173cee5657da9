"""Due subscriptions: which subscriptions ``due`` returns, by the status and the end of the term."""

from datetime import date

from channelplans.offers import OFFERS, SKYPE_CONNECT
from channelplans.subscriptions import actions
from channelplans.testing.builders import DAY, TARIFF
from channelplans.testing.contract.checked_store import DISTANT_DAY, CheckedStore, check_equal
from channelplans.testing.contract.helpers import buy_for, days, make_deposit, make_purchase


class DueTests:
    """Which subscriptions are due; for pages, cursors and limits, see ``PagingTests``."""

    def test_due_contains_a_subscription_after_its_term(self, store: CheckedStore) -> None:
        """A subscription is due from the day after the last day of its term.

        If it fails: select ``term.end <= on``; ``term.end`` is the first day after the term. Use a
        type for days that reaches 2099: 32-bit seconds do not.
        """
        store.commit(make_deposit("1000"))
        berlin_end = buy_for(store, "berlin").value.term.end
        paris_end = buy_for(store, "paris", date(2099, 1, 5)).value.term.end
        for end in (berlin_end, paris_end):
            for on in (end - days(1), end, end + days(1), end + days(4000)):
                expected = ["berlin"] * (berlin_end <= on) + ["paris"] * (paris_end <= on)
                message = f"due({on}) is wrong: the terms end on {berlin_end} and {paris_end}"
                check_equal(expected, sorted(store.walk_due(on)), message)

    def test_due_contains_only_running_subscriptions(self, store: CheckedStore) -> None:
        """Active and cancelled subscriptions become due; lapsed and ended ones never do.

        If it fails: look at the latest subscription of each profile. Return the profile only if the
        status is ACTIVE or CANCELLED.
        """
        store.commit(make_deposit("1000"))
        berlin, paris = buy_for(store, "berlin"), buy_for(store, "paris")
        end = berlin.value.term.end

        def check(expected: list[str], case: str, on: date = end) -> None:
            check_equal(expected, sorted(store.walk_due(on)), f"due({on}) is wrong about {case}")

        berlin = store.act(berlin, actions.cancel, on=DAY)
        check(["berlin", "paris"], "a cancelled subscription: it is due too")
        berlin = store.act(berlin, actions.expire, on=end)
        check(["paris"], "an expired subscription")
        store.act(paris, actions.lapse, on=end)
        check([], "a lapsed subscription", DISTANT_DAY)
        purchase = make_purchase("berlin", "s-9", on=end, previous=berlin.value)
        berlin = store.commit_decision(purchase, berlin.revision)
        check([], "a second subscription, in its first term")
        end_of_first_term = berlin.value.term.end
        check(["berlin"], "a second subscription, after its first term", end_of_first_term)
        berlin = store.act(berlin, actions.renew, TARIFF, on=end_of_first_term)
        check([], "a renewed subscription, in its second term", end_of_first_term)
        store.act(berlin, actions.terminate, on=end_of_first_term)
        check([], "a terminated subscription", DISTANT_DAY)

    def test_due_follows_a_change_of_the_term(self, store: CheckedStore) -> None:
        """After a change that starts a new term, a subscription is due at the end of that term.

        If it fails: write the status and the end of the term that ``due`` selects with every
        decision. A change that waits for the next term does not move the end.
        """
        store.commit(make_deposit("1000"))
        for offer, starts_term in ((SKYPE_CONNECT, True), (OFFERS["easybell-basic"], False)):
            plan, larger_plan = (offer.plan(channels=channels) for channels in (5, 7))
            bought = store.commit_decision(make_purchase(offer.name, offer.name, plan=plan))
            changed = store.act(bought, actions.change, larger_plan, TARIFF, on=DAY + days(10))
            old_term, new_term = bought.value.term, changed.value.term
            message = f"due is wrong after a change of the term from {old_term} to {new_term}"
            is_due_at_old_end = offer.name in store.walk_due(old_term.end)
            check_equal(not starts_term, is_due_at_old_end, message)
            check_equal([], store.walk_due(new_term.end - days(1)), message)
            check_equal([offer.name], store.walk_due(new_term.end), message)
            store.act(changed, actions.lapse, on=changed.value.lapses_on)

"""The contract of a store, first part: what was committed is what is read, to the last field."""

from collections.abc import Generator
from datetime import timedelta
from typing import Final

import attrs
import pytest

from channelplans.calendar import Term
from channelplans.identifiers import AccountId, ProfileId, Token
from channelplans.ledger import Purse, Reason
from channelplans.lifecycle import Decision
from channelplans.money import EUR, Currency, Money
from channelplans.plans import Offer
from channelplans.storage import Booked, Page, Store
from channelplans.subscriptions import Subscription
from channelplans.testing._asking import expect
from channelplans.testing._cases import (
    ACCOUNT,
    ACME,
    BERLIN,
    CALLS,
    FAR,
    accept,
    after,
    assigned,
    bought,
    check_held,
    days,
    eur,
    held_by,
    life,
    moved,
    paid_in,
    posting,
    taken,
)
from channelplans.testing.builders import DAY, OFFERS
from channelplans.usage import Allowance

#: Identifiers that are text like any other, and that a store may take for another one.
ODD: Final = (
    *("acme", "Acme", "ACME", "a", "b", "a/b", "a\\b", "a:b", "a%2Fb", "a b", "%", "_", "'", '"'),
    *("'; DROP TABLE subscriptions; --", "{}", "None", "null", "0", "7", "007", "7.0", "1e3"),
    *("\u00e9", "e\u0301", "\u017c\u00f3\u0142\u0107", "\u65e5\u672c", "\U0001f642", "\U0001f363"),
    *("x" * 300, "x" * 299 + "y"),
)

#: Purses whose identifiers are the same text once they are joined carelessly.
_ALIKE: Final = (("a/b", "c"), ("a", "b/c"), ("a:b", "c"), ("a", "b:c"), ("ab", "c"), ("a", "bc"))

_LOSSY: Final = (
    "the subscription read is not the one that was committed: a field is lost or changed on its "
    "way through the store"
)


class Reading:
    """What is stored, read back."""

    def test_an_empty_store_holds_nothing(self, store: Store) -> None:
        """Nothing stored is None, an empty sequence, or a page of nothing, and never an error.

        If it fails: look for a look-up that takes a row for granted, and for a balance of a purse
        never seen that is 0 where it is None.
        """
        never = "of what was never stored there is nothing to tell, and no error to raise"
        expect(None, store.subscription(BERLIN), never)
        expect(None, store.balance(ACME), f"{never}: the balance is None, not 0")
        expect((), store.postings(ACME), never)
        expect(None, store.committed(Token("call/c-1")), never)
        expect(Page(()), store.due(FAR), never)

    @pytest.mark.parametrize("offer", OFFERS, ids=lambda offer: f"{offer.name} {offer.edition}")
    def test_a_subscription_is_read_back_to_the_last_field(
        self, store: Store, offer: Offer
    ) -> None:
        """Through a life under each shipped offer, each decision resting on what was read.

        If it fails: compare the field that is named with what is written. ``codec.encode`` and
        ``decode`` carry all fields, ``plan.requested``, ``paid.sold`` and ``pending`` included,
        though equality does not look at the first; make the store with ``builders.CATALOGUE``.
        """
        for purse in (ACME, CALLS):
            store.commit(paid_in("1000000", f"of {purse}", purse=purse), expected=None)
        revision, steps = None, life(offer)
        decision: Decision | None = next(steps)
        while decision is not None:
            revision = store.commit(decision, expected=revision)
            check_held(store, decision.after, revision, _LOSSY)
            known = "an equal decision was not recognised: what is stored for its token is lossy"
            again = accept(store, decision, known, expected=revision)
            expect(revision, again, known)
            decision = _next(steps, held_by(store, BERLIN).value)

    def test_a_subscription_of_any_fields_is_read_back(self, store: Store) -> None:
        """Minutes carried on, parts of seconds, days far off: what no shipped offer makes.

        If it fails: a field is stored in a form that cannot hold all of its values, such as
        a duration in whole seconds, or a list of one.
        """
        decision = bought()
        carried = tuple(timedelta(minutes=1, microseconds=each) for each in (1, 0, 999_999))
        granted, used = timedelta(days=400, microseconds=5), timedelta(microseconds=3)
        made = attrs.evolve(
            after(decision),
            allowance=Allowance(granted, used, carried),
            last_changed_on=DAY.replace(year=1),
            acted_on=DAY.replace(year=9999),
            since=None,
            sequence=2**40,
        )
        store.commit(paid_in("1000"), expected=None)
        revision = store.commit(attrs.evolve(decision, after=made), expected=None)
        check_held(store, made, revision, _LOSSY)

    def test_postings_are_read_back_to_the_last_field(self, store: Store) -> None:
        """Of every reason, with and without a term and a reference, with token and index.

        If it fails: compare the field that is named with the columns of the postings. The index
        counts all postings of a decision, not those of one purse.
        """
        term = Term(DAY, DAY + days(30))
        postings = [
            posting("1.01", purse, reason=reason, on=DAY + days(1), term=of, reference=reference)
            for reason in Reason
            for purse, of, reference in ((ACME, None, None), (CALLS, term, "s/1 \u00e9"))
        ]
        decision = moved("everything", *postings)
        store.commit(decision, expected=None)
        for purse in (ACME, CALLS):
            expect(
                tuple(
                    Booked(each, decision.token, index)
                    for index, each in enumerate(postings)
                    if each.purse == purse
                ),
                store.postings(purse),
                f"the postings of {purse} are not those that were committed",
            )

    def test_amounts_have_up_to_60_digits(self, store: Store) -> None:
        """An amount is any whole number of units, also beyond 64 bits, and so is what is held.

        If it fails: money goes through a float, or a column of 64 bits; use a type of any
        precision, or text, and add in Python.
        """
        for exponent, digits in ((5, 2**63 + 1), (2, int("1234567890" * 6)), (12, 2**53 + 1)):
            currency = Currency("EUR", exponent)
            purse, one = Purse(AccountId(f"of {exponent}")), Money(1, currency)
            amount = Money(digits, currency)
            store.commit(paid_in(amount, f"in {exponent}", purse=purse), expected=None)
            store.commit(taken(one, f"out {exponent}", purse=purse), expected=None)
            lost = "an amount is not carried to the unit"
            expect(amount - one, store.balance(purse), lost)
            expect([amount, -one], [each.posting.amount for each in store.postings(purse)], lost)

    def test_identifiers_are_told_apart(self, store: Store) -> None:
        """Accounts, profiles, transfers and subscriptions are any text, and none is another.

        If it fails: look for a comparison that ignores case or form, or takes all emoji for one,
        a column that cuts long text or takes text for a number, and keys that are joined without
        escaping what joins them.
        """
        purses = [
            *(Purse(AccountId(name)) for name in ODD),
            *(Purse(AccountId(name), ProfileId(name)) for name in ODD),
            *(Purse(AccountId(account), ProfileId(profile)) for account, profile in _ALIKE),
        ]
        for number, purse in enumerate(purses, 1):
            decision = paid_in(Money(number, EUR), repr(purse), purse=purse)
            accept(store, decision, "what one identifier names was taken for what another does")
        for number, purse in enumerate(purses, 1):
            other = f"{purse!r} was taken for another purse, or its name was not carried"
            expect(Money(number, EUR), store.balance(purse), other)
            expect([purse], [each.posting.purse for each in store.postings(purse)], other)
        store.commit(paid_in("10000"), expected=None)
        sold = [bought(name, f"s {name}") for name in ODD]
        revisions = [store.commit(decision, expected=None) for decision in sold]
        for decision, revision in zip(sold, revisions, strict=True):
            check_held(store, decision.after, revision, _LOSSY)
            expect(revision, store.committed(decision.token), "a token was taken for another one")

    def test_a_balance_is_the_sum_of_its_postings(self, store: Store) -> None:
        """Down to nothing, which is 0 and not None, since there were postings.

        If it fails: look at how a commit changes a balance: by the sum of a decision's postings on
        that purse, each of them once.
        """
        total = Money(0, EUR)
        decisions = [paid_in("10", "t-1"), taken("3.50", "t-2"), taken("6.50", "t-3")]
        for decision in decisions:
            store.commit(decision, expected=None)
            total += decision.postings[0].amount
            added = "the balance is not the sum of the postings, which is 0 and not None in the end"
            expect(total, store.balance(ACME), added)

    def test_the_purses_of_an_account_and_a_profile_are_apart(self, store: Store) -> None:
        """Even if both have one name: credit that is moved leaves the one for the other.

        If it fails: the key of a purse is its account and its profile, which may be None.
        """
        same = ProfileId(ACCOUNT)
        store.commit(paid_in("10"), expected=None)
        store.commit(assigned("4", "t-1", same), expected=None)
        apart = "the purse of an account and that of a profile were taken for one"
        for purse, amount in ((ACME, "6"), (Purse(ACCOUNT, same), "4")):
            expect(eur(amount), store.balance(purse), apart)
        expect(None, store.balance(CALLS), f"{apart}, or another profile's was")
        expect((), store.postings(CALLS), f"{apart}, or another profile's was")

    def test_postings_are_in_the_order_of_booking(self, store: Store) -> None:
        """Not in that of their days or tokens; those of one decision are in its own order.

        If it fails: order by a number that grows with each posting stored.
        """
        store.commit(paid_in("10", "z", on=DAY + days(9)), expected=None)
        store.commit(moved("m", posting("-2"), posting("1"), posting("3")), expected=None)
        store.commit(paid_in("4", "a", on=DAY - days(9)), expected=None)
        order = [("transfer/z", 0), *(("transfer/m", each) for each in range(3)), ("transfer/a", 0)]
        found = [(each.token, each.index) for each in store.postings(ACME)]
        expect(order, found, "postings are not in the order in which they were committed")

    def test_postings_of_some_days(self, store: Store) -> None:
        """From ``since`` to the day before ``until``, by the day of booking; None sets no bound.

        If it fails: ``since`` is the first day that is wanted, ``until`` the first that is not. The
        day is the posting's, and not that of the decision.
        """
        for number in (3, 1, 2, 4):
            there = posting(f"0.0{number}", on=DAY + days(number))
            store.commit(moved(f"t-{number}", there), expected=None)
        bounds = [None, *(DAY + days(number) for number in range(6))]
        for since in bounds:
            for until in bounds:
                wanted = [
                    number
                    for number in (3, 1, 2, 4)
                    if (since is None or since <= DAY + days(number))
                    and (until is None or DAY + days(number) < until)
                ]
                found = store.postings(ACME, since=since, until=until)
                days_off = f"postings(since={since}, until={until}) holds other days"
                expect(wanted, [each.posting.amount.minor for each in found], days_off)


def _next(steps: Generator[Decision, Subscription, None], held: Subscription) -> Decision | None:
    """Return what is decided next, or None where a life is over."""
    try:
        return steps.send(held)
    except StopIteration:
        return None

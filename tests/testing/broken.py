"""A simple store that keeps the contract, and stores that each break one promise of it.

Most of them differ from the simple store in one or two lines, so the mistake is easy to see. A
mistake that needs two threads at the same moment makes these threads wait for each other. So the
result never depends on the speed of the machine.
"""

import asyncio
import json
import pickle
from collections import defaultdict
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from threading import Barrier, Condition, Event, RLock, Semaphore, get_ident, local
from typing import Any, ClassVar

import attrs

from channelplans.errors import Conflict, InsufficientCredit, InvalidValue, TokenReused
from channelplans.money import Currency, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.plans import Plan
from channelplans.storage.codec import decode, definitions_of, digest, encode
from channelplans.storage.ports import Booked, Cursor, Page, Revision, Stored, shard_of
from channelplans.subscriptions.decisions import Decision
from channelplans.subscriptions.subscription import RUNNING, Action, Status, Subscription
from channelplans.subscriptions.wallets import Wallet, settle
from channelplans.testing.builders import TARIFF

#: A thread that waits longer than this for another thread fails its test, in seconds.
TIMEOUT = 30.0


class PlainStore:
    """Keeps the contract, under one lock. Each step of a commit is a method."""

    def __init__(self):
        self.lock: Any = RLock()
        self.stored, self.balances, self.bookings, self.decisions_by_token = {}, {}, [], {}
        self.revision_count = 0

    # Reads

    def subscription(self, account, profile, /):
        with self.reading("subscription"):
            return self.stored.get(self.owner(account, profile))

    def profiles(self, account, /, *, cursor=None, limit=1000):
        with self.reading("profiles"):
            stored = [stored.value for stored in self.stored.values()]
            wallets = [booked.posting.wallet for booked in self.bookings]
        names_of_account = {
            entry.profile
            for entry in self.owners(stored, wallets)
            if entry.account == account and entry.profile is not None
        }
        names = self.sorted_names(names_of_account)
        return self.find_page([([name], name) for name in names], cursor, limit)

    def owners(self, subscriptions, wallets):
        return [*subscriptions, *wallets]

    def balance(self, wallet, /, *, before=None):
        with self.reading("balance"):
            balance = self.balances.get(self.key(wallet))
        return balance if before is None else self.balance_before(wallet, balance, before)

    def balance_before(self, wallet, balance, before):
        for booked in self.bookings_on(wallet):
            if not self.day_of_posting(booked) < before:
                balance -= booked.posting.amount
        return balance

    def postings(self, wallet, /, *, since=None, until=None, cursor=None, limit=1000):
        with self.reading("postings"):
            bookings = self.bookings_on(wallet)
        rows = [
            ([number], booked)
            for number, booked in enumerate(bookings)
            if self.is_within(self.day_of_posting(booked), since, until)
        ]
        return self.find_page(rows, cursor, limit)

    def bookings_on(self, wallet):
        return [booked for booked in self.bookings if booked.posting.wallet == wallet]

    def decision(self, account, token, /):
        with self.reading("decision"):
            decision, _ = self.decisions_by_token.get(self.token_key(account, token), (None, None))
        return decision

    def decisions(self, account, /, *, since=None, until=None, cursor=None, limit=1000):
        with self.reading("decisions"):
            decisions = self.decisions_of(account)
        rows = [
            ([number], decision)
            for number, decision in enumerate(decisions)
            if self.is_within(self.day_of_decision(decision), since, until)
        ]
        return self.find_page(rows, cursor, limit)

    def decisions_of(self, account):
        decisions = [decision for decision, _ in self.decisions_by_token.values()]
        return [decision for decision in decisions if decision.account == account]

    def due(self, on, /, *, account=None, shard=None, cursor=None, limit=1000):
        with self.reading("due"):
            subscriptions = [stored.value for stored in self.stored.values()]
        due = [
            subscription
            for subscription in subscriptions
            if self.is_due(subscription, on)
            and (account is None or self.is_of_account(subscription, account))
            and (shard is None or self.is_of_shard(subscription, *shard))
        ]
        rows = [
            ([*self.due_order(subscription)], (subscription.account, subscription.profile))
            for subscription in due
        ]
        return self.find_page(sorted(rows), cursor, limit)

    # The parts of a read

    def reading(self, _part):
        return self.lock

    def owner(self, account, profile):
        return account, profile

    def token_key(self, account, token):
        return account, token

    def key(self, wallet):
        return wallet

    def sorted_names(self, names):
        return sorted(names)

    def day_of_posting(self, booked):
        return booked.posting.counts_from

    def day_of_decision(self, decision):
        return decision.counts_from

    def is_within(self, day, since, until):
        return (since is None or since <= day) and (until is None or day < until)

    def is_due(self, subscription, on):
        return subscription.status in RUNNING and subscription.term.end <= on

    def is_of_account(self, subscription, account):
        return subscription.account == account

    def is_of_shard(self, subscription, number, count):
        return shard_of(subscription.account, count) == number

    def due_order(self, subscription):
        return f"{subscription.term.end}", subscription.account, subscription.profile

    def find_page(self, rows, cursor, limit):
        """Return a page of rows, which are keys and items; the keys are in order."""
        self.check_limit(limit)
        last_key = None if cursor is None else json.loads(cursor)
        rest = [(key, item) for key, item in rows if last_key is None or key > last_key]
        has_next = len(rest) > limit
        return self.make_page(
            rest, limit, Cursor(json.dumps(rest[limit - 1][0])) if has_next else None
        )

    def check_limit(self, limit):
        if limit < 1:
            raise InvalidValue("limit", str(limit), "at least 1")

    def make_page(self, rows, limit, next_cursor):
        return Page(tuple(item for _, item in rows[:limit]), next_cursor)

    # Commits

    def commit(self, decision, /, *, expected):
        with self.lock:
            if self.is_known(decision):
                first, revision = self.decisions_by_token[self.token_of(decision)]
                if self.is_equal(first, decision):
                    return self.revision_of_repeat(decision, revision)
            for check in self.checks():
                check(decision, expected)
            return self.write(decision)

    def token_of(self, decision):
        return self.token_key(decision.account, decision.token)

    def is_known(self, decision):
        return self.token_of(decision) in self.decisions_by_token

    def checks(self):
        return self.check_revision, self.check_token, self.check_seen, self.check_credit

    def is_equal(self, first, second):
        return first == second

    def revision_of_repeat(self, decision, revision):
        return revision if isinstance(decision, Decision) else None

    def check_revision(self, decision, expected):
        if isinstance(decision, Decision):
            stored = self.stored_before(decision)
            found = stored and stored.revision
            if found != expected:
                raise Conflict(decision.account, decision.after.profile, expected, found)

    def stored_before(self, decision):
        return self.stored.get(self.owner(decision.account, decision.after.profile))

    def check_token(self, decision, _expected):
        if self.is_known(decision):
            raise TokenReused(decision.token)

    def check_seen(self, decision, _expected):
        seen = None if isinstance(decision, Decision) else decision.seen
        if seen is not None:
            wallet = decision.postings[0].wallet
            found = self.number_seen(wallet)
            if found != seen:
                numbers = self.number_text(seen), self.number_text(found)
                raise Conflict(wallet.account, wallet.profile, *numbers)

    def number_text(self, number):
        return f"{number:,} posting{'s' * (number != 1)}"

    def number_seen(self, wallet):
        return len(self.bookings_on(wallet))

    def check_credit(self, decision, _expected):
        settle(
            self.balances_before(decision),
            decision.postings,
            may_overdraw=self.may_overdraw(decision),
        )

    def may_overdraw(self, decision):
        return decision.may_overdraw

    def balances_before(self, decision):
        balances = {wallet: self.balances.get(self.key(wallet)) for wallet in decision.deltas}
        return {wallet: balance for wallet, balance in balances.items() if balance is not None}

    def write(self, decision):
        revision = self.new_revision(decision)
        self.decisions_by_token[self.token_of(decision)] = self.stored_decision(decision), revision
        self.book(decision)
        if not isinstance(decision, Decision):
            return None
        self.store_after(decision, revision)
        return revision

    def store_after(self, decision, revision):
        owner = self.owner(decision.account, decision.after.profile)
        self.stored[owner] = Stored(self.stored_form(decision.after), revision)

    def new_revision(self, decision):
        self.revision_count += 1
        return Revision(f"r{self.revision_count}")

    def book(self, decision):
        self.change_balances(decision)
        self.append_bookings(decision)

    def change_balances(self, decision):
        for wallet, delta in decision.deltas.items():
            before = self.balances.get(self.key(wallet))
            self.balances[self.key(wallet)] = delta if before is None else before + delta

    def append_bookings(self, decision):
        self.bookings += bookings_of(decision)

    def stored_form(self, subscription):
        return subscription

    def stored_decision(self, decision):
        return decision


def bookings_of(decision):
    """Return the postings of a decision with its token and their index."""
    return [
        Booked(posting, decision.token, index) for index, posting in enumerate(decision.postings)
    ]


def subscription_after(decision):
    """Return the subscription after a decision, and None for a transfer."""
    return decision.after if isinstance(decision, Decision) else None


class Rendezvous:
    """Makes threads wait until a number of them has arrived, for some rounds.

    Later arrivals do not wait. The thread that made the store prepares the test and never waits.
    """

    def __init__(self, *, threads=2, rounds=1):
        self.maker = get_ident()
        self.barrier = Barrier(threads)
        self.places = Semaphore(threads * rounds)

    def wait(self):
        if get_ident() != self.maker and self.places.acquire(blocking=False):
            self.barrier.wait(TIMEOUT)


class Unlocked(PlainStore):
    """Lets readers see what a commit has written so far.

    A subclass calls ``show_half`` halfway through a commit. The first such commit waits there until
    one thread has made the reads, one after the other, that reveal a half-done commit.
    """

    revealing_reads: Any = ()

    def __init__(self):
        super().__init__()
        self.rows = Condition()
        self.is_halfway = self.is_revealed = False
        self.thread = local()

    def commit(self, decision, /, *, expected):
        with self.lock, self.rows:
            return super().commit(decision, expected=expected)

    @contextmanager
    def reading(self, part):
        with self.rows:
            yield
            earlier_part, self.thread.part = getattr(self.thread, "part", None), part
            is_revealing = {(part,), (earlier_part, part)} & {*self.revealing_reads}
            if self.is_halfway and is_revealing:
                self.is_revealed = True
                self.rows.notify_all()

    def show_half(self):
        self.is_halfway = True
        # Readers get in here: waiting releases the lock.
        self.rows.wait_for(lambda: self.is_revealed, TIMEOUT)
        self.is_halfway = False


# Revisions


class NoCompareAndSet(PlainStore):
    """Never compares revisions: the last commit overwrites the others."""

    def check_revision(self, decision, expected):
        pass


class NoneMatchesEveryRevision(PlainStore):
    """Reads ``expected=None`` as "do not compare"."""

    def check_revision(self, decision, expected):
        if expected is not None:
            super().check_revision(decision, expected)


class NoneMatchesEndedSubscriptions(PlainStore):
    """Also accepts ``expected=None`` for a subscription that has ended."""

    def check_revision(self, decision, expected):
        if expected is not None or not self.has_ended(decision):
            super().check_revision(decision, expected)

    def has_ended(self, decision):
        if not isinstance(decision, Decision):
            return False
        stored = self.stored_before(decision)
        return stored is not None and stored.value.status not in RUNNING


class ComparesBeforeItLocks(PlainStore):
    """Compares the revision before it takes the lock under which it writes.

    The first two threads have both compared before either of them writes.
    """

    def __init__(self):
        super().__init__()
        self.rendezvous = Rendezvous()

    def commit(self, decision, /, *, expected):
        if not self.is_known(decision):
            self.check_revision(decision, expected)
        self.rendezvous.wait()
        return super().commit(decision, expected=expected)

    def checks(self):
        return self.check_token, self.check_seen, self.check_credit


class ReusedRevision(PlainStore):
    """Counts revisions per subscription, so the profile's next subscription repeats them."""

    def new_revision(self, decision):
        if not isinstance(decision, Decision):
            return super().new_revision(decision)
        return Revision(f"{decision.after.profile}-{decision.after.sequence}")


class RevisionOfValue(PlainStore):
    """Uses a hash of the subscription as its revision."""

    def new_revision(self, decision):
        if not isinstance(decision, Decision):
            return Revision(decision.token)
        return Revision(f"{hash(decision.after)}")


class OneStore(PlainStore):
    """Holds what all earlier stores of the class hold, like a file that is opened again."""

    contents: ClassVar[dict[str, Any]] = {}

    def __init__(self):
        self.__dict__ = self.contents
        if not self.contents:
            super().__init__()


class ForgetsSubscriptions(PlainStore):
    """Finds no subscription, although it stores them."""

    def subscription(self, account, profile, /):
        return None


class RevisionsForWallets(PlainStore):
    """Requires ``expected=None`` for a transfer."""

    def check_revision(self, decision, expected):
        super().check_revision(decision, expected)
        if not isinstance(decision, Decision) and expected is not None:
            raise Conflict(decision.account, "berlin", expected, None)


class ReturnsRevisionForWallets(PlainStore):
    """Returns a revision for a transfer."""

    def write(self, decision):
        super().write(decision)
        _, revision = self.decisions_by_token[self.token_of(decision)]
        return revision


# Tokens


class LostToken(PlainStore):
    """Stores no token."""

    def write(self, decision):
        revision = super().write(decision)
        del self.decisions_by_token[self.token_of(decision)]
        return revision


class ShortMemory(PlainStore):
    """Keeps only the last four tokens."""

    def write(self, decision):
        revision = super().write(decision)
        self.decisions_by_token = dict(list(self.decisions_by_token.items())[-4:])
        return revision


class BurntToken(PlainStore):
    """Stores the token of a commit that is refused for missing credit."""

    def check_credit(self, decision, expected):
        try:
            super().check_credit(decision, expected)
        except InsufficientCredit:
            self.decisions_by_token[self.token_of(decision)] = decision, Revision("burnt")
            raise


class SecretlyBurntToken(PlainStore):
    """Refuses a token that was refused before, although ``decision`` does not find it."""

    def __init__(self):
        super().__init__()
        self.burnt_tokens = set()

    def check_credit(self, decision, expected):
        if decision.token in self.burnt_tokens:
            raise TokenReused(decision.token)
        self.burnt_tokens.add(decision.token)
        super().check_credit(decision, expected)


class TokenAlone(PlainStore):
    """Takes decisions with the same token for equal."""

    def is_equal(self, first, second):
        return True


class TokenAndSums(PlainStore):
    """Takes decisions for equal if they have the same token, sums and subscription after them."""

    def is_equal(self, first, second):
        is_after_equal = subscription_after(first) == subscription_after(second)
        return is_after_equal and first.deltas == second.deltas


class ComparesText(PlainStore):
    """Compares the encoded decisions character by character."""

    def is_equal(self, first, second):
        return json.dumps(encode(first)) == json.dumps(encode(second))


class TokenPerProfile(PlainStore):
    """Has a unique key over profile and token."""

    def scope(self, decision):
        subscription = subscription_after(decision)
        return subscription and subscription.profile

    def check_token(self, decision, expected):
        first, _ = self.decisions_by_token.get(self.token_of(decision), (decision, None))
        if self.scope(first) == self.scope(decision):
            super().check_token(decision, expected)


class TokenPerWallet(TokenPerProfile):
    """Has a unique key over wallet and token."""

    def scope(self, decision):
        return decision.postings[0].wallet


class EqualRefused(PlainStore):
    """Refuses a known token, even with an equal decision."""

    def is_equal(self, first, second):
        return False


class ReturnsCurrentRevision(PlainStore):
    """Returns the current revision for a known decision, not the one of its first commit."""

    def revision_of_repeat(self, decision, revision):
        if not isinstance(decision, Decision):
            return super().revision_of_repeat(decision, revision)
        return self.stored_before(decision).revision


class ForgetsTransfers(PlainStore):
    """Finds no committed transfer."""

    def decision(self, account, token, /):
        decision = super().decision(account, token)
        return decision if isinstance(decision, Decision) else None


class ChecksTokenFirst(PlainStore):
    """Looks up the token before it takes the lock under which it stores the token.

    The first two threads have both looked up their token before either of them stores one.
    """

    def __init__(self):
        super().__init__()
        self.rendezvous = Rendezvous()

    def commit(self, decision, /, *, expected):
        if self.is_known(decision):
            return super().commit(decision, expected=expected)
        self.wait_for_second_thread(decision)
        for check in (self.check_revision, self.check_credit):
            check(decision, expected)
        with self.lock:
            return self.write(decision)

    def wait_for_second_thread(self, _decision):
        self.rendezvous.wait()


class TokenUnderWalletLock(ChecksTokenFirst):
    """Looks up the token under the locks of its wallets only."""

    def __init__(self):
        super().__init__()
        self.locks = defaultdict(RLock)

    def commit(self, decision, /, *, expected):
        with ExitStack() as locked:
            for wallet in sorted(decision.deltas, key=str):
                locked.enter_context(self.locks[wallet])
            return super().commit(decision, expected=expected)

    def wait_for_second_thread(self, decision):
        # One wallet's lock admits one thread. Each profile has another wallet and so another lock.
        if decision.postings[0].wallet.profile is not None:
            super().wait_for_second_thread(decision)


class TokenWithoutAccount(PlainStore):
    """Uses the token alone as the key of a decision."""

    def token_key(self, account, token):
        return token


class ShortTokenColumn(PlainStore):
    """Cuts tokens after 255 characters without an error."""

    def token_key(self, account, token):
        return account, token[:255]


class TokenPrefix(PlainStore):
    """Finds a decision by the beginning of its token."""

    def decision(self, account, token, /):
        decisions = self.decisions_of(account)
        return next((found for found in decisions if found.token.startswith(token)), None)


# The order of the checks


class TokenBeforeConflict(PlainStore):
    """Checks the token first."""

    def checks(self):
        return self.check_token, self.check_revision, self.check_seen, self.check_credit


class CreditBeforeConflict(PlainStore):
    """Checks the credit first."""

    def checks(self):
        return self.check_credit, self.check_revision, self.check_token, self.check_seen


class CreditBeforeToken(PlainStore):
    """Checks the token last."""

    def checks(self):
        return self.check_revision, self.check_credit, self.check_token, self.check_seen


class CurrencyFirst(PlainStore):
    """Checks the currency first."""

    def checks(self):
        return self.check_currency, *super().checks()

    def check_currency(self, decision, _expected):
        for wallet, balance in self.balances_before(decision).items():
            # Adding amounts of two currencies raises CurrencyMismatch.
            assert balance + decision.deltas[wallet] is not None


class SeenBeforeToken(PlainStore):
    """Compares ``seen`` before it looks up the token."""

    def checks(self):
        return self.check_revision, self.check_seen, self.check_token, self.check_credit


class CreditBeforeSeen(PlainStore):
    """Compares ``seen`` last."""

    def checks(self):
        return self.check_revision, self.check_token, self.check_credit, self.check_seen


# The number of postings that a transfer has seen


class IgnoresSeen(PlainStore):
    """Never compares ``seen``."""

    def check_seen(self, decision, _expected):
        pass


class SeesCommits(PlainStore):
    """Counts the commits that posted to a wallet, not the postings."""

    def number_seen(self, wallet):
        return len({booked.token for booked in self.bookings_on(wallet)})


class SeesAllWallets(PlainStore):
    """Counts the postings of all wallets of the account."""

    def number_seen(self, wallet):
        wallets = [booked.posting.wallet for booked in self.bookings]
        return sum(other.account == wallet.account for other in wallets)


class AlwaysPlural(PlainStore):
    """Reports one posting as "1 postings"."""

    def number_text(self, number):
        return f"{number:,} postings"


class NoThousandsSeparator(PlainStore):
    """Reports 1012 postings without a comma."""

    def number_text(self, number):
        return super().number_text(number).replace(",", "")


class SeenOfRepeats(PlainStore):
    """Compares ``seen`` for an equal transfer too."""

    def revision_of_repeat(self, decision, revision):
        self.check_seen(decision, None)
        return super().revision_of_repeat(decision, revision)


# Credit


class PartialCommit(PlainStore):
    """Changes one balance after the other and stops at a wallet without enough credit."""

    def check_credit(self, decision, expected):
        for wallet, delta in decision.deltas.items():
            postings = [posting for posting in decision.postings if posting.wallet == wallet]
            settle(self.balances_before(decision), postings, may_overdraw=decision.may_overdraw)
            before = self.balances.get(wallet)
            self.balances[wallet] = delta if before is None else before + delta

    def change_balances(self, decision):
        """Change nothing: the check has changed all balances."""


class ChecksCreditFirst(PlainStore):
    """Checks the balance before it takes the lock under which it changes the balance.

    Eight threads take 1 EUR each from 20 EUR. They check together in three rounds, so all checks
    of the third round find at least 4 EUR, and 24 EUR are taken.
    """

    def __init__(self):
        super().__init__()
        self.rendezvous = Rendezvous(threads=8, rounds=3)

    def commit(self, decision, /, *, expected):
        if not self.is_known(decision):
            self.check_credit(decision, expected)
        self.rendezvous.wait()
        return super().commit(decision, expected=expected)

    def checks(self):
        return self.check_revision, self.check_token, self.check_seen


class LastWriteWins(PlainStore):
    """Writes a balance that it computed from a balance read before the lock.

    The first two threads have both read the balance before either of them writes it.
    """

    def __init__(self):
        super().__init__()
        self.rendezvous = Rendezvous()

    def commit(self, decision, /, *, expected):
        with self.lock:
            before = self.balances_before(decision)
        self.rendezvous.wait()
        with self.lock:
            is_repeated = self.is_known(decision)
            revision = super().commit(decision, expected=expected)
            if not is_repeated:
                self.balances |= settle(before, decision.postings, may_overdraw=True)
            return revision


class NoBound(PlainStore):
    """Lets the balance of a wallet go below zero."""

    def check_credit(self, decision, _expected):
        pass


class NeverBelowZero(PlainStore):
    """Lets no wallet end below zero, whatever the decision says."""

    def may_overdraw(self, decision):
        return False


class OnlyCallsOverdraw(PlainStore):
    """Ignores ``may_overdraw`` of a transfer."""

    def may_overdraw(self, decision):
        return isinstance(decision, Decision) and decision.may_overdraw


class StaysLocked(PlainStore):
    """Refuses every commit after which a wallet is still below zero."""

    def check_credit(self, decision, expected):
        super().check_credit(decision, expected)
        for wallet, balance in self.balances_before(decision).items():
            after = balance + decision.deltas[wallet]
            if after.minor < 0 and not decision.may_overdraw:
                needed = -decision.deltas[wallet].amount
                parts = needed, balance.amount, -after.amount
                raise InsufficientCredit(f"{wallet}", *parts, after.currency.code)


class PostingByPosting(PlainStore):
    """Compares each posting with the balance instead of their sum."""

    def check_credit(self, decision, expected):
        balances = self.balances_before(decision)
        for posting in decision.postings:
            balances = settle(balances, [posting], may_overdraw=decision.may_overdraw)


class WrongError(PlainStore):
    """Raises ``ValueError`` for missing credit."""

    def check_credit(self, decision, expected):
        try:
            super().check_credit(decision, expected)
        except InsufficientCredit as error:
            raise ValueError("not enough") from error


class WrongPart(PlainStore):
    """Raises ``InsufficientCredit`` with an available amount of zero."""

    def check_credit(self, decision, expected):
        try:
            super().check_credit(decision, expected)
        except InsufficientCredit as error:
            raise InsufficientCredit(
                error.wallet, error.needed, Decimal(0), error.needed, error.currency
            ) from None


class OneCurrency(PlainStore):
    """Compares the code of a currency but not its unit."""

    def balances_before(self, decision):
        return {
            wallet: Money(minor=balance.minor, currency=decision.deltas[wallet].currency)
            for wallet, balance in super().balances_before(decision).items()
            if balance.currency.code == decision.deltas[wallet].currency.code
        }


class HalfDone(Unlocked):
    """Shows readers the first posting of a decision before the second is booked."""

    revealing_reads = (("balance",), ("postings",))

    def book(self, decision):
        for index, posting in enumerate(decision.postings):
            if index > 0:
                self.show_half()
            before = self.balances.get(posting.wallet)
            self.balances[posting.wallet] = (
                posting.amount if before is None else before + posting.amount
            )
            self.bookings.append(Booked(posting, decision.token, index))


class SoldFirst(Unlocked):
    """Shows readers a subscription before its charge is booked."""

    revealing_reads = (("subscription", "balance"),)

    def book(self, decision):
        if isinstance(decision, Decision):
            _, revision = self.decisions_by_token[self.token_of(decision)]
            self.store_after(decision, revision)
            self.show_half()
        super().book(decision)


class PaidFirst(Unlocked):
    """Shows readers a charge before the subscription is stored."""

    revealing_reads = (("decision", "due"),)

    def book(self, decision):
        super().book(decision)
        if isinstance(decision, Decision):
            self.show_half()


class TakenBack(Unlocked):
    """Shows readers a subscription that it deletes again if credit is missing."""

    revealing_reads = (("subscription", "balance"),)

    def check_credit(self, decision, expected):
        if not isinstance(decision, Decision) or decision.before is not None:
            return super().check_credit(decision, expected)
        self.store_after(decision, Revision("soon"))
        self.show_half()
        try:
            super().check_credit(decision, expected)
        except InsufficientCredit:
            del self.stored[self.owner(decision.account, decision.after.profile)]
            raise


class Snapshots(PlainStore):
    """Answers each thread from a snapshot of its first read, until the thread commits."""

    def __init__(self):
        super().__init__()
        self.thread = local()

    def snapshot(self):
        thread_values = vars(self.thread)
        if "snapshot" not in thread_values:
            thread_values["snapshot"] = snapshot = PlainStore()
            with self.lock:
                snapshot.stored, snapshot.balances = dict(self.stored), dict(self.balances)
                snapshot.bookings = list(self.bookings)
                snapshot.decisions_by_token = dict(self.decisions_by_token)
        return thread_values["snapshot"]

    def subscription(self, account, profile, /):
        return self.snapshot().subscription(account, profile)

    def profiles(self, account, /, **options):
        return self.snapshot().profiles(account, **options)

    def balance(self, wallet, /, *, before=None):
        return self.snapshot().balance(wallet, before=before)

    def postings(self, wallet, /, **options):
        return self.snapshot().postings(wallet, **options)

    def commit(self, decision, /, *, expected):
        vars(self.thread).clear()
        return super().commit(decision, expected=expected)

    def decision(self, account, token, /):
        return self.snapshot().decision(account, token)

    def decisions(self, account, /, **options):
        return self.snapshot().decisions(account, **options)

    def due(self, on, /, **options):
        return self.snapshot().due(on, **options)


class CachesRows(PlainStore):
    """Caches the subscriptions that a thread has read, until the thread commits."""

    def __init__(self):
        super().__init__()
        self.thread = local()

    def subscription(self, account, profile, /):
        rows = vars(self.thread)
        rows[profile] = rows.get(profile) or super().subscription(account, profile)
        return rows[profile]

    def commit(self, decision, /, *, expected):
        vars(self.thread).clear()
        return super().commit(decision, expected=expected)


class Deadlock(PlainStore):
    """Locks wallets in the order of the postings, and does not retry after a deadlock.

    Eight threads need three locks. A thread with a lock keeps it until another thread has given up
    waiting for a lock. So at least one thread gives up.
    """

    def __init__(self):
        super().__init__()
        self.maker = get_ident()
        self.locks = defaultdict(RLock)
        self.has_given_up = Event()

    def commit(self, decision, /, *, expected):
        with ExitStack() as locked:
            for posting in decision.postings:
                lock = self.locks[posting.wallet]
                if not lock.acquire(timeout=0.02):
                    self.has_given_up.set()
                    raise RuntimeError("deadlock detected")
                locked.callback(lock.release)
                # The thread that made the store prepares the test alone.
                if get_ident() != self.maker:
                    self.has_given_up.wait(TIMEOUT)
            return super().commit(decision, expected=expected)


class NoLock(PlainStore):
    """Has no lock: two threads overwrite the postings of each other.

    The first two threads have both read the list of postings before either of them writes it.
    """

    def __init__(self):
        super().__init__()
        self.lock = nullcontext()
        self.rendezvous = Rendezvous()

    def append_bookings(self, decision):
        earlier_bookings = self.bookings
        self.rendezvous.wait()
        self.bookings = [*earlier_bookings, *bookings_of(decision)]


# Reading


class LosesRequested(PlainStore):
    """Stores the granted number of channels as the requested number."""

    def stored_form(self, subscription):
        paid = subscription.quote
        plan = Plan(paid.plan.offer, paid.plan.channels, paid.plan.bundles)
        return attrs.evolve(subscription, quote=attrs.evolve(paid, plan=plan))


class LosesLines(PlainStore):
    """Stores only the first line of a quote."""

    def stored_form(self, subscription):
        paid = subscription.quote
        return attrs.evolve(subscription, quote=attrs.evolve(paid, lines=paid.lines[:1]))


class LosesPending(PlainStore):
    """Stores no pending change."""

    def stored_form(self, subscription):
        return attrs.evolve(subscription, pending=None)


class WholeSeconds(PlainStore):
    """Stores durations in whole seconds."""

    def stored_form(self, subscription):
        granted = subscription.allowance.granted
        whole_seconds = granted - granted % timedelta(seconds=1)
        allowance = attrs.evolve(subscription.allowance, granted=whole_seconds)
        return attrs.evolve(subscription, allowance=allowance)


class LosesRefund(PlainStore):
    """Stores a decision without its refund."""

    def stored_decision(self, decision):
        has_refund = isinstance(decision, Decision) and decision.refund
        return attrs.evolve(decision, refund=None) if has_refund else decision


class LosesRequest(PlainStore):
    """Stores a decision without its idempotency key."""

    def stored_decision(self, decision):
        has_request = isinstance(decision, Decision) and decision.request
        return attrs.evolve(decision, request=None) if has_request else decision


class LosesCall(PlainStore):
    """Stores a decision without its call."""

    def stored_decision(self, decision):
        has_call = isinstance(decision, Decision) and decision.call
        return attrs.evolve(decision, call=None) if has_call else decision


class LosesOverdraft(PlainStore):
    """Does not store whether a decision may overdraw a wallet."""

    def stored_decision(self, decision):
        return attrs.evolve(decision, may_overdraw=False)


class LosesSeen(PlainStore):
    """Stores None for the number 0 of postings that a transfer has seen."""

    def stored_decision(self, decision):
        if isinstance(decision, Decision):
            return decision
        return attrs.evolve(decision, seen=decision.seen or None)


class LosesValueDate(PlainStore):
    """Stores postings without their value date."""

    def append_bookings(self, decision):
        self.bookings += [
            attrs.evolve(booked, posting=attrs.evolve(booked.posting, value_date=None))
            for booked in bookings_of(decision)
        ]


class EncodedStore(PlainStore):
    """Keeps the contract, and reads subscriptions with the offers and tariffs that it stored."""

    def __init__(self):
        super().__init__()
        self.definitions = {}

    def subscription(self, account, profile, /):
        with self.reading("subscription"):
            stored = self.stored.get(self.owner(account, profile))
            if stored is None:
                return None
            data = encode(stored.value)
            subscription = decode(Subscription, data, definitions=self.definitions)
            return Stored(subscription, stored.revision)

    def write(self, decision):
        self.define(decision)
        return super().write(decision)

    def define(self, decision):
        self.definitions |= definitions_of(decision)


class ForgetsDefinitions(EncodedStore):
    """Knows only the offers and tariffs that it was given when it was made."""

    def __init__(self):
        super().__init__()
        self.definitions = {digest(SKYPE_CONNECT): SKYPE_CONNECT, digest(TARIFF): TARIFF}

    def define(self, decision):
        pass


class DefinitionsByName(EncodedStore):
    """Keeps one tariff for each name, and returns it for every digest of that name."""

    def define(self, decision):
        self.definitions |= definitions_of(decision)
        by_name = {value.name: value for value in self.definitions.values()}
        for key, value in self.definitions.items():
            self.definitions[key] = by_name[value.name]


class DefinesBeforeTheCommit(EncodedStore):
    """Remembers an offer or a tariff as stored before the transaction that stores it ends."""

    def __init__(self):
        super().__init__()
        self.remembered = set()

    def check_credit(self, decision, expected):
        definitions = definitions_of(decision)
        self.new = {key: definitions[key] for key in definitions.keys() - self.remembered}
        self.remembered |= definitions.keys()
        super().check_credit(decision, expected)  # if it raises, the new definitions are lost

    def define(self, decision):
        self.definitions |= self.new


class FloatMoney(PlainStore):
    """Stores a balance as a float of 53 bits."""

    def balance(self, wallet, /, *, before=None):
        balance = super().balance(wallet, before=before)
        return balance and Money(minor=int(float(balance.minor)), currency=balance.currency)


class ForgetsZero(PlainStore):
    """Returns None for a wallet whose balance is zero."""

    def balance(self, wallet, /, *, before=None):
        return super().balance(wallet, before=before) or None


class ZeroUnseen(PlainStore):
    """Returns zero for a wallet without postings."""

    def balance(self, wallet, /, *, before=None):
        return super().balance(wallet, before=before) or Money(minor=0, currency=Currency("EUR", 2))


class UnseenIsAnError(PlainStore):
    """Raises ``KeyError`` for a wallet without postings."""

    def balance(self, wallet, /, *, before=None):
        return self.balances[wallet]


class OneWallet(PlainStore):
    """Keeps one balance for an account and all its profiles."""

    def key(self, wallet):
        return Wallet(wallet.account)


class ProfileWithoutAccount(PlainStore):
    """Uses the profile alone as the key of a subscription."""

    def owner(self, account, profile):
        return profile


class WalletOfAllAccounts(PlainStore):
    """Uses the profile alone as the key of a wallet."""

    def key(self, wallet):
        return wallet.profile


class JoinedKeys(PlainStore):
    """Joins account and profile by a character that both may contain."""

    def key(self, wallet):
        return f"{wallet.account}/{wallet.profile}"


class OneEmoji(PlainStore):
    """Takes all characters above U+FFFF for the same, as some databases do."""

    def key(self, wallet):
        return "".join("?" if ord(character) > 0xFFFF else character for character in f"{wallet}")


class CutsLongNames(PlainStore):
    """Cuts identifiers after 254 characters without an error."""

    def key(self, wallet):
        return Wallet(wallet.account[:254], wallet.profile and wallet.profile[:254])


class AnyCase(PlainStore):
    """Ignores upper and lower case in identifiers, as some databases do."""

    def key(self, wallet):
        return f"{wallet!r}".lower()


class ByDay(PlainStore):
    """Returns postings sorted by day."""

    def bookings_on(self, wallet):
        return sorted(super().bookings_on(wallet), key=lambda booked: booked.posting.on)


class UntilTheEnd(PlainStore):
    """Includes the day ``until``."""

    def is_within(self, day, since, until):
        return (since is None or since <= day) and (until is None or day <= until)


class DayOfDecision(PlainStore):
    """Selects postings by the day of their decision, not by the day of the posting."""

    def day_of_posting(self, booked):
        return self.decision(booked.posting.wallet.account, booked.token).on


class ByBookingDay(PlainStore):
    """Selects postings by the day of booking, not by their value date."""

    def day_of_posting(self, booked):
        return booked.posting.on


class DecisionsByBookingDay(PlainStore):
    """Selects decisions by the day of booking, not by their value date."""

    def day_of_decision(self, decision):
        return decision.on


class BalanceWithTheDay(PlainStore):
    """Adds the postings of the day ``before`` too."""

    def balance_before(self, wallet, balance, before):
        return super().balance_before(wallet, balance, before + timedelta(days=1))


class BalanceOfDecisions(PlainStore):
    """Adds all postings of a decision from the value date of the decision on."""

    def balance_before(self, wallet, balance, before):
        for booked in self.bookings_on(wallet):
            if not self.decision(wallet.account, booked.token).counts_from < before:
                balance -= booked.posting.amount
        return balance


class NoBalanceBefore(PlainStore):
    """Returns None, not zero, if all postings are later."""

    def balance_before(self, wallet, balance, before):
        return super().balance_before(wallet, balance, before) or None


class DecisionsByDay(PlainStore):
    """Returns decisions sorted by day."""

    def decisions_of(self, account):
        return sorted(super().decisions_of(account), key=lambda decision: decision.on)


class DecisionsWithMoney(PlainStore):
    """Returns only the decisions that move money."""

    def decisions_of(self, account):
        return [decision for decision in super().decisions_of(account) if decision.postings]


class ProfilesInAnyCase(PlainStore):
    """Sorts profiles as a dictionary does, without regard to case."""

    def sorted_names(self, names):
        return sorted(names, key=str.lower)

    def find_page(self, rows, cursor, limit):
        numbered = [([number], item) for number, (_, item) in enumerate(rows)]
        return super().find_page(numbered, cursor, limit)


class RunningProfiles(PlainStore):
    """Leaves out the profiles whose subscription has ended."""

    def owners(self, subscriptions, wallets):
        running = [entry for entry in subscriptions if entry.status in RUNNING]
        return super().owners(running, wallets)


class ProfilesWithoutWallets(PlainStore):
    """Leaves out the profiles that have a wallet only."""

    def owners(self, subscriptions, wallets):
        return subscriptions


class IndexPerWallet(PlainStore):
    """Numbers the postings of a decision per wallet."""

    def append_bookings(self, decision):
        for wallet in decision.deltas:
            postings = [posting for posting in decision.postings if posting.wallet == wallet]
            self.bookings += [
                Booked(posting, decision.token, index) for index, posting in enumerate(postings)
            ]


class ThousandPostings(PlainStore):
    """Returns the first thousand postings only."""

    def bookings_on(self, wallet):
        return super().bookings_on(wallet)[:1000]


class NumberedEarly(PlainStore):
    """Numbers postings before it takes the lock.

    The first thread that takes credit draws a number and then waits for a deposit. All threads of
    the test first try to take credit, so each deposit has a later number.
    """

    def __init__(self):
        super().__init__()
        self.numbers, self.number_of = count(), {}
        self.first_taker = Semaphore(1)
        self.is_paid_in, self.is_taken = Event(), Event()

    def commit(self, decision, /, *, expected):
        number = next(self.numbers)
        takes_credit = any(delta.minor < 0 for delta in decision.deltas.values())
        if takes_credit and self.first_taker.acquire(blocking=False):
            self.is_paid_in.wait(TIMEOUT)
            # The thread that paid in holds the lock, so no other thread can take this credit.
            self.check_credit(decision, expected)
            self.number_of[decision.token] = number
            revision = self.write(decision)
            self.is_taken.set()
            return revision
        with self.lock:
            revision = super().commit(decision, expected=expected)
            self.number_of.setdefault(decision.token, number)
            if not takes_credit:
                self.is_paid_in.set()
                self.is_taken.wait(TIMEOUT)
            return revision

    def bookings_on(self, wallet):
        bookings = super().bookings_on(wallet)
        return sorted(bookings, key=lambda booked: self.number_of[booked.token])


class NoPage(PlainStore):
    """Returns a tuple instead of a page."""

    def postings(self, wallet, /, **options):
        return super().postings(wallet, **options).items


class NoDue(PlainStore):
    """Has no method ``due``."""

    due: Any = None


# Due subscriptions


class DueTooLate(PlainStore):
    """Takes the end of a term for its last day."""

    def is_due(self, subscription, on):
        return subscription.status in RUNNING and subscription.term.end < on


class SecondsIn32Bits(PlainStore):
    """Cannot store a day after 19 January 2038."""

    def is_due(self, subscription, on):
        return (
            subscription.status in RUNNING and min(subscription.term.end, date(2038, 1, 19)) <= on
        )


class DueThoughEnded(PlainStore):
    """Ignores the status of a subscription."""

    def is_due(self, subscription, on):
        return subscription.term.end <= on


class DueIfActive(PlainStore):
    """Never finds a cancelled subscription."""

    def is_due(self, subscription, on):
        return subscription.status is Status.ACTIVE and subscription.term.end <= on


class EndOfPurchase(PlainStore):
    """Stores the end of the term in a second place, which a change does not update."""

    def __init__(self):
        super().__init__()
        self.ends = {}

    def write(self, decision):
        if isinstance(decision, Decision) and decision.action is not Action.CHANGE:
            self.ends[decision.after.profile] = decision.after.term.end
        return super().write(decision)

    def is_due(self, subscription, on):
        return subscription.status in RUNNING and self.ends[subscription.profile] <= on


class DueByName(PlainStore):
    """Sorts due profiles by account and name only."""

    def due_order(self, subscription):
        return subscription.account, subscription.profile


class DueInUtf16(PlainStore):
    """Sorts names by their UTF-16 code units, as some languages do."""

    def due_order(self, subscription):
        return f"{subscription.term.end}", *map(
            utf_16, (subscription.account, subscription.profile)
        )


def utf_16(name):
    """Return text that sorts as the UTF-16 code units of a name."""
    return name.encode("utf-16-be").hex()


class DueOfEveryAccount(PlainStore):
    """Ignores ``account``."""

    def is_of_account(self, subscription, account):
        return True


class DueOfPrefix(PlainStore):
    """Compares only the beginning of an account."""

    def is_of_account(self, subscription, account):
        return subscription.account.startswith(account)


class DueOfEveryShard(PlainStore):
    """Ignores ``shard``."""

    def is_of_shard(self, subscription, number, count):
        return True


class OwnShards(PlainStore):
    """Divides accounts by a hash of its own."""

    def is_of_shard(self, subscription, number, count):
        return len(subscription.account) % count == number


class HundredDue(PlainStore):
    """Finds the first hundred due profiles only."""

    def find_page(self, rows, cursor, limit):
        return super().find_page(rows[:100], cursor, limit)


class SkipsRows(PlainStore):
    """Counts rows in its cursor, so it skips a page whose profiles were renewed meanwhile."""

    def find_page(self, rows, cursor, limit):
        start = int(cursor or 0)
        rest = rows[start:]
        next_cursor = Cursor(f"{start + limit}") if len(rest) > limit else None
        return self.make_page(rest, limit, next_cursor)


class ForgetsTheDay(PlainStore):
    """Uses a day as its cursor, so it skips the other profiles of that day."""

    def find_page(self, rows, cursor, limit):
        rest = [(key, item) for key, item in rows if cursor is None or key[0] > cursor]
        next_cursor = Cursor(rest[limit - 1][0][0]) if len(rest) > limit else None
        return self.make_page(rest, limit, next_cursor)


class CursorMustBeDue(PlainStore):
    """Ends a walk if the profile of the cursor is no longer due."""

    def find_page(self, rows, cursor, limit):
        if cursor is not None and json.loads(cursor) not in [key for key, _ in rows]:
            return Page((), None)
        return super().find_page(rows, cursor, limit)


class LongPages(PlainStore):
    """Returns one item more than the limit."""

    def make_page(self, rows, limit, next_cursor):
        return super().make_page(rows, limit + 1, next_cursor)


class AnyLimit(PlainStore):
    """Accepts a limit below one."""

    def check_limit(self, limit):
        pass


class RefusesAnotherParameter(PlainStore):
    """Names another parameter than the limit."""

    def check_limit(self, limit):
        if limit < 1:
            raise InvalidValue("page size", str(limit), "at least 1")


class CursorOfFullPages(PlainStore):
    """Returns a cursor with every full page, also with the last one."""

    def make_page(self, rows, limit, next_cursor):
        if next_cursor is None and len(rows) == limit:
            next_cursor = Cursor(json.dumps(rows[-1][0]))
        return super().make_page(rows, limit, next_cursor)


class EndlessWalk(PlainStore):
    """Gives the last page a cursor too."""

    def find_page(self, rows, cursor, limit):
        page = super().find_page(rows, cursor, limit)
        return attrs.evolve(page, next=page.next or Cursor('[""]'))


class SlashInCursor(PlainStore):
    """Writes a cursor that is cut at a slash."""

    def make_page(self, rows, limit, next_cursor):
        cut = next_cursor and "/" in next_cursor
        cursor = Cursor(f'{next_cursor.partition("/")[0]}"]') if cut else next_cursor
        return super().make_page(rows, limit, cursor)


# Reopened


class FileStore(PlainStore):
    """Writes everything to a file after each commit."""

    def __init__(self, path):
        super().__init__()
        self.path = path
        if path.exists():
            self.load(pickle.loads(path.read_bytes()))

    def load(self, saved):
        vars(self).update(saved)

    def write(self, decision):
        revision = super().write(decision)
        self.path.write_bytes(pickle.dumps(self.saved()))
        return revision

    def saved(self):
        names = ("stored", "balances", "bookings", "decisions_by_token", "revision_count")
        return {name: getattr(self, name) for name in names}


class NeverCommits(FileStore):
    """Writes an empty file."""

    def saved(self):
        return {}


class RestartsRevisionCount(FileStore):
    """Counts revisions from zero after it is reopened."""

    def load(self, saved):
        super().load(saved | {"revision_count": 0})


class ForgetsTokens(FileStore):
    """Forgets all tokens when it is reopened."""

    def load(self, saved):
        super().load(saved | {"decisions_by_token": {}})


class DefinitionsInMemory(EncodedStore, FileStore):
    """Writes everything to its file except the offers and tariffs."""

    def __init__(self, path):
        self.definitions = {}
        FileStore.__init__(self, path)


# Asynchronous


class AwaitedStore:
    """The simple store behind coroutines."""

    def __init__(self):
        self.store: Any = PlainStore()

    async def subscription(self, account, profile, /):
        return self.store.subscription(account, profile)

    async def profiles(self, account, /, **options):
        return self.store.profiles(account, **options)

    async def balance(self, wallet, /, *, before=None):
        return self.store.balance(wallet, before=before)

    async def postings(self, wallet, /, **options):
        return self.store.postings(wallet, **options)

    async def commit(self, decision, /, *, expected):
        await asyncio.sleep(0)
        return self.store.commit(decision, expected=expected)

    async def decision(self, account, token, /):
        return self.store.decision(account, token)

    async def decisions(self, account, /, **options):
        return self.store.decisions(account, **options)

    async def due(self, on, /, **options):
        return self.store.due(on, **options)


class AwaitedFile(AwaitedStore):
    """The store in a file behind coroutines."""

    def __init__(self, path):
        self.store = FileStore(path)


class NotAsync(AwaitedStore):
    """Has one method that is not a coroutine function."""

    def balance(self, wallet, /, *, before=None):
        return self.store.balance(wallet, before=before)


class MissingAwait(AwaitedStore):
    """Returns a coroutine without awaiting it."""

    async def balance(self, wallet, /, *, before=None):
        return super().balance(wallet, before=before)


class ForgottenFuture(AwaitedStore):
    """Returns a future without awaiting it."""

    async def balance(self, wallet, /, *, before=None):
        return asyncio.get_running_loop().create_future()


class AwaitsInBetween(AwaitedStore):
    """Awaits between the checks and the write, and has no lock for coroutines.

    Eight threads record calls or take credit. They check together in three rounds, before any of
    them writes.
    """

    def __init__(self):
        super().__init__()
        self.barrier = asyncio.Barrier(8)
        self.free_places = 24

    async def commit(self, decision, /, *, expected):
        if self.store.is_known(decision):
            return self.store.commit(decision, expected=expected)
        self.store.check_revision(decision, expected)
        self.store.check_credit(decision, expected)
        # The other actions prepare the test, one at a time.
        if decision.action in {Action.RECORD_CALL, Action.EXPIRE_CREDIT} and self.free_places > 0:
            self.free_places -= 1
            async with asyncio.timeout(TIMEOUT):
                await self.barrier.wait()
        return self.store.write(decision)


class CancelledHalfway(AwaitedStore):
    """Leaves a commit half done when its task is cancelled."""

    def __init__(self):
        super().__init__()
        self.lock = asyncio.Lock()

    async def commit(self, decision, /, *, expected):
        async with self.lock:
            store = self.store
            if store.is_known(decision) or not isinstance(decision, Decision):
                return store.commit(decision, expected=expected)
            for check in store.checks():
                check(decision, expected)
            store.book(decision)
            await asyncio.sleep(0)
            revision = store.new_revision(decision)
            store.decisions_by_token[store.token_of(decision)] = decision, revision
            store.store_after(decision, revision)
            return revision


class DefinesAfterTheCommit(AwaitedStore):
    """Stores the offers and tariffs in a transaction after that of the commit."""

    def __init__(self):
        super().__init__()
        self.store = DefinesLater()

    async def commit(self, decision, /, *, expected):
        if self.store.is_known(decision):
            return self.store.commit(decision, expected=expected)
        revision = self.store.commit(decision, expected=expected)
        await asyncio.sleep(0)
        self.store.definitions |= definitions_of(decision)
        return revision


class DefinesLater(EncodedStore):
    """Leaves the offers and tariffs to its caller."""

    def define(self, decision):
        pass


class LockedForEver(AwaitedStore):
    """Does not release its lock when a task is cancelled."""

    def __init__(self):
        super().__init__()
        self.lock = asyncio.Lock()

    async def commit(self, decision, /, *, expected):
        await self.lock.acquire()
        await asyncio.sleep(0)
        try:
            return self.store.commit(decision, expected=expected)
        finally:
            self.lock.release()

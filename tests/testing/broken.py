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
from typing import Any

import attrs

from channelplans.errors import Conflict, InsufficientCredit, TokenReused
from channelplans.money import Currency, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.plans import Plan
from channelplans.storage.codec import decode, definitions_of, digest, encode
from channelplans.storage.ports import Booked, Cursor, Page, Revision, Stored
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
        self.stored, self.balances, self.bookings, self.decisions = {}, {}, [], {}
        self.revision_count = 0

    def subscription(self, profile, /):
        with self.reading("subscription"):
            return self.stored.get(profile)

    def balance(self, wallet, /):
        with self.reading("balance"):
            return self.balances.get(self.key(wallet))

    def reading(self, _part):
        return self.lock

    def postings(self, wallet, /, *, since=None, until=None):
        with self.reading("postings"):
            bookings = [booked for booked in self.bookings if booked.posting.wallet == wallet]
        return [booked for booked in bookings if self.is_within(booked.posting.on, since, until)]

    def is_within(self, day, since, until):
        return (since is None or since <= day) and (until is None or day < until)

    def commit(self, decision, /, *, expected):
        with self.lock:
            first, revision = self.decisions.get(decision.token, (None, None))
            if first is not None and self.is_equal(first, decision):
                return self.revision_of_repeat(decision, revision)
            for check in self.checks():
                check(decision, expected)
            return self.write(decision)

    def checks(self):
        return self.check_revision, self.check_token, self.check_credit

    def is_equal(self, first, second):
        return first == second

    def revision_of_repeat(self, decision, revision):
        return revision if isinstance(decision, Decision) else None

    def check_revision(self, decision, expected):
        if isinstance(decision, Decision):
            stored = self.stored.get(decision.after.profile)
            found = stored and stored.revision
            if found != expected:
                raise Conflict(decision.after.profile, expected, found)

    def check_token(self, decision, _expected):
        if decision.token in self.decisions:
            raise TokenReused(decision.token)

    def check_credit(self, decision, _expected):
        settle(self.balances_before(decision), decision.postings)

    def balances_before(self, decision):
        balances = {wallet: self.balances.get(self.key(wallet)) for wallet in decision.deltas}
        return {wallet: balance for wallet, balance in balances.items() if balance is not None}

    def key(self, wallet):
        return wallet

    def write(self, decision):
        revision = self.new_revision(decision)
        self.decisions[decision.token] = decision, revision
        self.book(decision)
        if not isinstance(decision, Decision):
            return None
        self.stored[decision.after.profile] = Stored(self.stored_form(decision.after), revision)
        return revision

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

    def committed(self, token, /):
        with self.reading("committed"):
            _, revision = self.decisions.get(token, (None, None))
        return revision

    def due(self, on, /, *, cursor=None, limit=1000):
        with self.reading("due"):
            due_keys = sorted(
                f"{stored.value.term.end}/{stored.value.profile}"
                for stored in self.stored.values()
                if self.is_due(stored.value, on)
            )
        return self.find_page(due_keys, cursor, limit)

    def is_due(self, subscription, on):
        return subscription.status in RUNNING and subscription.term.end <= on

    def find_page(self, due_keys, cursor, limit):
        rest = [key for key in due_keys if cursor is None or key > cursor]
        return self.make_page(rest, limit, Cursor(rest[limit - 1]) if len(rest) > limit else None)

    def make_page(self, due_keys, limit, next_cursor):
        return Page(tuple(key.partition("/")[2] for key in due_keys[:limit]), next_cursor)


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
        stored = self.stored.get(decision.after.profile)
        return stored is not None and stored.value.status not in RUNNING


class ComparesBeforeItLocks(PlainStore):
    """Compares the revision before it takes the lock under which it writes.

    The first two threads have both compared before either of them writes.
    """

    def __init__(self):
        super().__init__()
        self.rendezvous = Rendezvous()

    def commit(self, decision, /, *, expected):
        if decision.token not in self.decisions:
            self.check_revision(decision, expected)
        self.rendezvous.wait()
        return super().commit(decision, expected=expected)

    def checks(self):
        return self.check_token, self.check_credit


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


class ForgetsSubscriptions(PlainStore):
    """Finds no subscription, although it stores them."""

    def subscription(self, profile, /):
        return None


class RevisionsForWallets(PlainStore):
    """Requires ``expected=None`` for a transfer."""

    def check_revision(self, decision, expected):
        super().check_revision(decision, expected)
        if not isinstance(decision, Decision) and expected is not None:
            raise Conflict("berlin", expected, None)


class ReturnsRevisionForWallets(PlainStore):
    """Returns a revision for a transfer."""

    def write(self, decision):
        super().write(decision)
        _, revision = self.decisions[decision.token]
        return revision


# Tokens


class LostToken(PlainStore):
    """Stores no token."""

    def write(self, decision):
        revision = super().write(decision)
        del self.decisions[decision.token]
        return revision


class ShortMemory(PlainStore):
    """Keeps only the last four tokens."""

    def write(self, decision):
        revision = super().write(decision)
        self.decisions = dict(list(self.decisions.items())[-4:])
        return revision


class BurntToken(PlainStore):
    """Stores the token of a commit that is refused for missing credit."""

    def check_credit(self, decision, expected):
        try:
            super().check_credit(decision, expected)
        except InsufficientCredit:
            self.decisions[decision.token] = None, Revision("burnt")
            raise


class SecretlyBurntToken(PlainStore):
    """Refuses a token that was refused before, although ``committed`` does not know it."""

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
        first, _ = self.decisions.get(decision.token, (decision, None))
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
        return self.stored[decision.after.profile].revision


class ForgetsTransfers(PlainStore):
    """Knows no revision for a committed transfer."""

    def committed(self, token, /):
        first, revision = self.decisions.get(token, (None, None))
        return revision if isinstance(first, Decision) else None


class ChecksTokenFirst(PlainStore):
    """Looks up the token before it takes the lock under which it stores the token.

    The first two threads have both looked up their token before either of them stores one.
    """

    def __init__(self):
        super().__init__()
        self.rendezvous = Rendezvous()

    def commit(self, decision, /, *, expected):
        if decision.token in self.decisions:
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


# The order of the checks


class TokenBeforeConflict(PlainStore):
    """Checks the token first."""

    def checks(self):
        return self.check_token, self.check_revision, self.check_credit


class CreditBeforeConflict(PlainStore):
    """Checks the credit first."""

    def checks(self):
        return self.check_credit, self.check_revision, self.check_token


class CreditBeforeToken(PlainStore):
    """Checks the token last."""

    def checks(self):
        return self.check_revision, self.check_credit, self.check_token


class CurrencyFirst(PlainStore):
    """Checks the currency first."""

    def checks(self):
        return self.check_currency, *super().checks()

    def check_currency(self, decision, _expected):
        for wallet, balance in self.balances_before(decision).items():
            # Adding amounts of two currencies raises CurrencyMismatch.
            assert balance + decision.deltas[wallet] is not None


# Credit


class PartialCommit(PlainStore):
    """Changes one balance after the other and stops at a wallet without enough credit."""

    def check_credit(self, decision, expected):
        for wallet, delta in decision.deltas.items():
            postings = [posting for posting in decision.postings if posting.wallet == wallet]
            settle(self.balances_before(decision), postings)
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
        if decision.token not in self.decisions:
            self.check_credit(decision, expected)
        self.rendezvous.wait()
        return super().commit(decision, expected=expected)

    def checks(self):
        return self.check_revision, self.check_token


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
            is_repeated = decision.token in self.decisions
            revision = super().commit(decision, expected=expected)
            if not is_repeated:
                self.balances |= settle(before, decision.postings)
            return revision


class NoBound(PlainStore):
    """Lets the balance of a wallet go below zero."""

    def check_credit(self, decision, _expected):
        pass


class PostingByPosting(PlainStore):
    """Compares each posting with the balance instead of their sum."""

    def check_credit(self, decision, expected):
        balances = self.balances_before(decision)
        for posting in decision.postings:
            balances = settle(balances, [posting])


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
            _, revision = self.decisions[decision.token]
            self.stored[decision.after.profile] = Stored(decision.after, revision)
            self.show_half()
        super().book(decision)


class PaidFirst(Unlocked):
    """Shows readers a charge before the subscription is stored."""

    revealing_reads = (("committed", "due"),)

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
        profile = decision.after.profile
        self.stored[profile] = Stored(decision.after, Revision("soon"))
        self.show_half()
        try:
            super().check_credit(decision, expected)
        except InsufficientCredit:
            del self.stored[profile]
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
                snapshot.decisions = dict(self.decisions)
        return thread_values["snapshot"]

    def subscription(self, profile, /):
        return self.snapshot().subscription(profile)

    def balance(self, wallet, /):
        return self.snapshot().balance(wallet)

    def postings(self, wallet, /, *, since=None, until=None):
        return self.snapshot().postings(wallet, since=since, until=until)

    def commit(self, decision, /, *, expected):
        vars(self.thread).clear()
        return super().commit(decision, expected=expected)

    def committed(self, token, /):
        return self.snapshot().committed(token)

    def due(self, on, /, *, cursor=None, limit=1000):
        return self.snapshot().due(on, cursor=cursor, limit=limit)


class CachesRows(PlainStore):
    """Caches the subscriptions that a thread has read, until the thread commits."""

    def __init__(self):
        super().__init__()
        self.thread = local()

    def subscription(self, profile, /):
        rows = vars(self.thread)
        rows[profile] = rows.get(profile) or super().subscription(profile)
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


class EncodedStore(PlainStore):
    """Keeps the contract, and reads subscriptions with the offers and tariffs that it stored."""

    def __init__(self):
        super().__init__()
        self.definitions = {}

    def subscription(self, profile, /):
        with self.reading("subscription"):
            stored = self.stored.get(profile)
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

    def balance(self, wallet, /):
        balance = super().balance(wallet)
        return balance and Money(minor=int(float(balance.minor)), currency=balance.currency)


class ForgetsZero(PlainStore):
    """Returns None for a wallet whose balance is zero."""

    def balance(self, wallet, /):
        return super().balance(wallet) or None


class ZeroUnseen(PlainStore):
    """Returns zero for a wallet without postings."""

    def balance(self, wallet, /):
        return super().balance(wallet) or Money(minor=0, currency=Currency("EUR", 2))


class UnseenIsAnError(PlainStore):
    """Raises ``KeyError`` for a wallet without postings."""

    def balance(self, wallet, /):
        return self.balances[wallet]


class OneWallet(PlainStore):
    """Keeps one balance for an account and all its profiles."""

    def key(self, wallet):
        return Wallet(wallet.account)


class JoinedKeys(PlainStore):
    """Joins account and profile by a character that both may contain."""

    def key(self, wallet):
        return f"{wallet.account}/{wallet.profile}"


class OneEmoji(PlainStore):
    """Takes all characters above U+FFFF for the same, as some databases do."""

    def key(self, wallet):
        return "".join("?" if ord(character) > 0xFFFF else character for character in f"{wallet}")


class CutsLongNames(PlainStore):
    """Cuts identifiers after 255 characters without an error."""

    def key(self, wallet):
        return Wallet(wallet.account[:255], wallet.profile and wallet.profile[:255])


class AnyCase(PlainStore):
    """Ignores upper and lower case in identifiers, as some databases do."""

    def key(self, wallet):
        return f"{wallet!r}".lower()


class ByDay(PlainStore):
    """Returns postings sorted by day."""

    def postings(self, wallet, /, *, since=None, until=None):
        bookings = super().postings(wallet, since=since, until=until)
        return sorted(bookings, key=lambda booked: booked.posting.on)


class UntilTheEnd(PlainStore):
    """Includes the day ``until``."""

    def is_within(self, day, since, until):
        return (since is None or since <= day) and (until is None or day <= until)


class DayOfDecision(PlainStore):
    """Selects postings by the day of their decision, not by the day of the posting."""

    def postings(self, wallet, /, *, since=None, until=None):
        decision_days = {token: decision.on for token, (decision, _) in self.decisions.items()}
        return [
            booked
            for booked in super().postings(wallet)
            if self.is_within(decision_days[booked.token], since, until)
        ]


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

    def postings(self, wallet, /, *, since=None, until=None):
        return super().postings(wallet, since=since, until=until)[:1000]


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

    def postings(self, wallet, /, *, since=None, until=None):
        bookings = super().postings(wallet, since=since, until=until)
        return sorted(bookings, key=lambda booked: self.number_of[booked.token])


class NoSequence(PlainStore):
    """Returns an iterator instead of a sequence."""

    def postings(self, wallet, /, *, since=None, until=None):
        return iter(super().postings(wallet, since=since, until=until))


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


class HundredDue(PlainStore):
    """Finds the first hundred due profiles only."""

    def find_page(self, due_keys, cursor, limit):
        return super().find_page(due_keys[:100], cursor, limit)


class SkipsRows(PlainStore):
    """Counts rows in its cursor, so it skips a page whose profiles were renewed meanwhile."""

    def find_page(self, due_keys, cursor, limit):
        start = int(cursor or 0)
        rest = due_keys[start:]
        next_cursor = Cursor(f"{start + limit}") if len(rest) > limit else None
        return self.make_page(rest, limit, next_cursor)


class ForgetsTheDay(PlainStore):
    """Uses a day as its cursor, so it skips the other profiles of that day."""

    def find_page(self, due_keys, cursor, limit):
        rest = [key for key in due_keys if cursor is None or key.partition("/")[0] > cursor]
        next_cursor = Cursor(rest[limit - 1].partition("/")[0]) if len(rest) > limit else None
        return self.make_page(rest, limit, next_cursor)


class CursorMustBeDue(PlainStore):
    """Ends a walk if the profile of the cursor is no longer due."""

    def find_page(self, due_keys, cursor, limit):
        if cursor is not None and cursor not in due_keys:
            return Page((), None)
        return super().find_page(due_keys, cursor, limit)


class LongPages(PlainStore):
    """Returns one profile more than the limit."""

    def make_page(self, due_keys, limit, next_cursor):
        return super().make_page(due_keys, limit + 1, next_cursor)


class EndlessWalk(PlainStore):
    """Gives the last page a cursor too."""

    def find_page(self, due_keys, cursor, limit):
        page = super().find_page(due_keys, cursor, limit)
        return attrs.evolve(page, next=page.next or Cursor("0"))


class SlashInProfile(PlainStore):
    """Cuts a profile's name at a slash."""

    def make_page(self, due_keys, limit, next_cursor):
        return Page(tuple(key.split("/")[1] for key in due_keys[:limit]), next_cursor)


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
        names = ("stored", "balances", "bookings", "decisions", "revision_count")
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
        super().load(saved | {"decisions": {}})


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

    async def subscription(self, profile, /):
        return self.store.subscription(profile)

    async def balance(self, wallet, /):
        return self.store.balance(wallet)

    async def postings(self, wallet, /, *, since=None, until=None):
        return self.store.postings(wallet, since=since, until=until)

    async def commit(self, decision, /, *, expected):
        await asyncio.sleep(0)
        return self.store.commit(decision, expected=expected)

    async def committed(self, token, /):
        return self.store.committed(token)

    async def due(self, on, /, *, cursor=None, limit=1000):
        return self.store.due(on, cursor=cursor, limit=limit)


class AwaitedFile(AwaitedStore):
    """The store in a file behind coroutines."""

    def __init__(self, path):
        self.store = FileStore(path)


class NotAsync(AwaitedStore):
    """Has one method that is not a coroutine function."""

    def balance(self, wallet, /):
        return self.store.balance(wallet)


class MissingAwait(AwaitedStore):
    """Returns a coroutine without awaiting it."""

    async def balance(self, wallet, /):
        return super().balance(wallet)


class ForgottenFuture(AwaitedStore):
    """Returns a future without awaiting it."""

    async def balance(self, wallet, /):
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
        if decision.token in self.store.decisions:
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
            if decision.token in store.decisions or not isinstance(decision, Decision):
                return store.commit(decision, expected=expected)
            for check in store.checks():
                check(decision, expected)
            store.book(decision)
            await asyncio.sleep(0)
            revision = store.new_revision(decision)
            store.decisions[decision.token] = decision, revision
            store.stored[decision.after.profile] = Stored(decision.after, revision)
            return revision


class DefinesAfterTheCommit(AwaitedStore):
    """Stores the offers and tariffs in a transaction after that of the commit."""

    def __init__(self):
        super().__init__()
        self.store = DefinesLater()

    async def commit(self, decision, /, *, expected):
        if decision.token in self.store.decisions:
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

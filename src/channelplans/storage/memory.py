"""The reference store: dicts behind a lock, for tests, notebooks and small services.

It is the simplest implementation of ``Store``. Its contents are lost when the process ends.

A signal can interrupt a commit at any point, for example Ctrl-C. So a commit first notes what it
will change, and then changes it. If it is interrupted in between, the next call completes it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from threading import RLock
from types import MappingProxyType

import attrs

from channelplans._checks import bounded, civil_day, instance
from channelplans._display import ReprMixin, counted
from channelplans.errors import Conflict, TokenReused
from channelplans.money import Money
from channelplans.storage._memory_index import Account, Booking, Ends, page_of_names
from channelplans.storage.ports import Booked, Cursor, Page, Revision, Shard, Stored, check_shard
from channelplans.subscriptions.decisions import Decision, Transfer
from channelplans.subscriptions.identifiers import AccountId, ProfileId, Token
from channelplans.subscriptions.subscription import Subscription
from channelplans.subscriptions.wallets import Wallet, settle_wallet

__all__ = ["MemoryStore", "Snapshot"]


@attrs.frozen(repr=False)
class Snapshot(ReprMixin):
    """The contents of a store at one moment; equal if contents and revisions are equal.

    Attributes:
        subscriptions: the latest subscription of each profile, by account and profile, with its
            revision.
        balances: the balance of each wallet.
        postings: the postings of each wallet, in the order of booking.
    """

    subscriptions: Mapping[tuple[AccountId, ProfileId], Stored[Subscription]]
    balances: Mapping[Wallet, Money]
    postings: Mapping[Wallet, tuple[Booked, ...]]
    # By account and token, in commit order.
    _known: Mapping[tuple[AccountId, Token], Stored[Decision | Transfer]] = attrs.field(
        alias="known", repr=False
    )
    _revisions: int = attrs.field(alias="revisions", repr=False, eq=False)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle and copy the mappings as dicts, because read-only mappings cannot be pickled."""
        return _make_snapshot, (
            dict(self.subscriptions),
            dict(self.balances),
            dict(self.postings),
            dict(self._known),
            self._revisions,
        )


def _make_snapshot(
    subscriptions: Mapping[tuple[AccountId, ProfileId], Stored[Subscription]],
    balances: Mapping[Wallet, Money],
    postings: Mapping[Wallet, tuple[Booked, ...]],
    commits: Mapping[tuple[AccountId, Token], Stored[Decision | Transfer]],
    revisions: int,
) -> Snapshot:
    """Return a snapshot of copies that cannot be changed."""
    return Snapshot(
        MappingProxyType(dict(subscriptions)),
        MappingProxyType(dict(balances)),
        MappingProxyType(dict(postings)),
        MappingProxyType(dict(commits)),
        revisions,
    )


class MemoryStore:
    """A store in memory; several threads may use it at once.

    The methods of ``Store`` take the arguments that ``Store`` describes.

    >>> from datetime import date
    >>> from channelplans import EUR, MemoryStore, Money, Wallet, deposit
    >>> store, acme = MemoryStore(), Wallet("acme")
    >>> paid_in = deposit(acme, Money.of("50", EUR), transfer="p-1", on=date(2026, 1, 5))
    >>> store.commit(paid_in, expected=None)
    >>> print(store.balance(acme))
    50.00 EUR
    >>> store
    <MemoryStore: 0 subscriptions, 1 wallet, 1 posting>
    """

    def __init__(self) -> None:
        # Reentrant, so that a thread that was interrupted cannot lock itself out.
        self._lock = RLock()
        self._revisions = 0
        self._accounts: dict[AccountId, Account] = {}
        self._ends = Ends()
        # What a commit has decided to change and may not have changed yet. Calling it twice has
        # the effect of calling it once.
        self._unfinished: Callable[[], None] | None = None

    def subscription(
        self, account: AccountId, profile: ProfileId, /
    ) -> Stored[Subscription] | None:
        """See ``Store.subscription``."""
        with self._lock:
            return self._read(account).subscriptions.get(profile)

    def profiles(
        self, account: AccountId, /, *, cursor: Cursor | None = None, limit: int = 1000
    ) -> Page[ProfileId]:
        """See ``Store.profiles``."""
        bounded("limit", limit, 1)
        with self._lock:
            return page_of_names(self._read(account).profiles, cursor, limit)

    def balance(self, wallet: Wallet, /, *, before: date | None = None) -> Money | None:
        """See ``Store.balance``."""
        with self._lock:
            book = self._read(wallet.account).books.get(wallet.profile)
            if book is None:
                return None
            return book.balance if before is None else book.balance_before(before)

    def postings(
        self,
        wallet: Wallet,
        /,
        *,
        since: date | None = None,
        until: date | None = None,
        cursor: Cursor | None = None,
        limit: int = 1000,
    ) -> Page[Booked]:
        """See ``Store.postings``."""
        bounded("limit", limit, 1)
        with self._lock:
            book = self._read(wallet.account).books.get(wallet.profile)
            return Page(()) if book is None else book.journal.page(since, until, cursor, limit)

    def commit(
        self, decision: Decision | Transfer, /, *, expected: Revision | None
    ) -> Revision | None:
        """See ``Store.commit``."""
        instance("decision", decision, Decision, Transfer)
        after = decision.after if isinstance(decision, Decision) else None
        stored = None
        with self._lock:
            account = self._read(decision.account)
            earlier_commit = account.commits.get(decision.token)
            if earlier_commit is not None and earlier_commit.value == decision:
                return None if after is None else earlier_commit.revision
            if after is not None:
                stored = account.subscriptions.get(after.profile)
                revision = None if stored is None else stored.revision
                if revision != expected:
                    raise Conflict(after.account, after.profile, expected, revision)
            if earlier_commit is not None:
                raise TokenReused(decision.token)
            if isinstance(decision, Transfer):
                _check_seen(decision, account)
            bookings = _plan_bookings(decision, account)
            number = self._revisions + 1
            earlier = None if stored is None else stored.value
            # From here on, the decision is committed, even if something interrupts this call.
            place = len(account.journal.items)
            self._unfinished = partial(
                self._store, decision, number, account, place, earlier, bookings
            )
            self._complete()
            return None if after is None else Revision(str(number))

    def _complete(self) -> None:
        """Finish the latest commit, if it was interrupted."""
        if self._unfinished is not None:
            self._unfinished()
            self._unfinished = None

    def _read(self, account: AccountId) -> Account:
        """Return what is stored of an account, after the latest commit; or an empty account."""
        self._complete()
        return self._accounts.get(account) or Account()

    def _store(
        self,
        decision: Decision | Transfer,
        number: int,
        account: Account,
        place: int,
        earlier: Subscription | None,
        bookings: Sequence[Booking],
    ) -> None:
        revision = Revision(str(number))
        self._accounts[decision.account] = account
        account.store_commit(place, Stored(decision, revision))
        if isinstance(decision, Decision):
            account.store_subscription(Stored(decision.after, revision))
            self._ends.move(earlier, decision.after)
        for booking in bookings:
            account.book(booking)
        self._revisions = number

    def decision(self, account: AccountId, token: Token, /) -> Decision | Transfer | None:
        """See ``Store.decision``."""
        with self._lock:
            commit = self._read(account).commits.get(token)
        return None if commit is None else commit.value

    def decisions(
        self,
        account: AccountId,
        /,
        *,
        since: date | None = None,
        until: date | None = None,
        cursor: Cursor | None = None,
        limit: int = 1000,
    ) -> Page[Decision | Transfer]:
        """See ``Store.decisions``."""
        bounded("limit", limit, 1)
        with self._lock:
            return self._read(account).journal.page(since, until, cursor, limit)

    def due(
        self,
        on: date,
        /,
        *,
        account: AccountId | None = None,
        shard: Shard | None = None,
        cursor: Cursor | None = None,
        limit: int = 1000,
    ) -> Page[tuple[AccountId, ProfileId]]:
        """See ``Store.due``."""
        civil_day("on", on)
        bounded("limit", limit, 1)
        check_shard(shard)
        with self._lock:
            self._complete()
            return self._ends.page(on, account, shard, cursor=cursor, limit=limit)

    def snapshot(self) -> Snapshot:
        """Return the present contents; later commits do not change the snapshot."""
        with self._lock:
            self._complete()
            subscriptions: dict[tuple[AccountId, ProfileId], Stored[Subscription]] = {}
            known: dict[tuple[AccountId, Token], Stored[Decision | Transfer]] = {}
            balances: dict[Wallet, Money] = {}
            postings: dict[Wallet, tuple[Booked, ...]] = {}
            for name, account in self._accounts.items():
                for profile, stored in account.subscriptions.items():
                    subscriptions[name, profile] = stored
                for token, commit in account.commits.items():
                    known[name, token] = commit
                for wallet_profile, book in account.books.items():
                    wallet = Wallet(name, wallet_profile)
                    balances[wallet] = book.balance
                    postings[wallet] = tuple(book.journal.items)
            return _make_snapshot(subscriptions, balances, postings, known, self._revisions)

    def restore(self, snapshot: Snapshot) -> None:
        """Replace the contents with those of a snapshot, of this store or of another.

        The revisions are not reset, so no revision is used twice.

        Args:
            snapshot: the new contents.
        """
        with self._lock:
            self._complete()
            self._unfinished = partial(self._replace, snapshot)
            self._complete()

    def _replace(self, snapshot: Snapshot) -> None:
        accounts: dict[AccountId, Account] = {}
        ends = Ends()
        # Only MemoryStore reads the private fields of a snapshot.
        for (name, _), commit in snapshot._known.items():  # noqa: SLF001
            account = accounts.setdefault(name, Account())
            account.store_commit(len(account.journal.items), commit)
        for (name, _), stored in snapshot.subscriptions.items():
            accounts[name].store_subscription(stored)
            ends.move(None, stored.value)
        for wallet, entries in snapshot.postings.items():
            account = accounts[wallet.account]
            account.book(account.plan_booking(entries, snapshot.balances[wallet]))
        self._revisions = max(self._revisions, snapshot._revisions)  # noqa: SLF001
        self._accounts, self._ends = accounts, ends

    def __repr__(self) -> str:
        with self._lock:
            self._complete()
            accounts = self._accounts.values()
            books = [book for account in accounts for book in account.books.values()]
            counts = {
                "subscription": sum(len(account.subscriptions) for account in accounts),
                "wallet": len(books),
                "posting": sum(len(book.journal.items) for book in books),
            }
        contents = ", ".join(counted(count, noun) for noun, count in counts.items())
        return f"<MemoryStore: {contents}>"


def _check_seen(transfer: Transfer, account: Account) -> None:
    """Refuse a transfer that was computed from another number of postings."""
    if transfer.seen is None:
        return
    wallet = transfer.postings[0].wallet
    book = account.books.get(wallet.profile)
    number = 0 if book is None else len(book.journal.items)
    if transfer.seen != number:
        expected, found = counted(transfer.seen, "posting"), counted(number, "posting")
        raise Conflict(wallet.account, wallet.profile, expected, found)


def _plan_bookings(decision: Decision | Transfer, account: Account) -> list[Booking]:
    """Return what to book in the book of each wallet, or raise an error if a wallet cannot pay."""
    # By profile, because the account is the same and a wallet takes longer to hash.
    entries: dict[ProfileId | None, list[Booked]] = {}
    for index, posting in enumerate(decision.postings):
        entry = Booked(posting, decision.token, index)
        entries.setdefault(posting.wallet.profile, []).append(entry)
    return [_plan_booking(group, account, decision) for group in entries.values()]


def _plan_booking(
    entries: Sequence[Booked], account: Account, decision: Decision | Transfer
) -> Booking:
    """Return what to book in the book of one wallet, or raise an error if it cannot pay."""
    wallet, delta = entries[0].posting.wallet, entries[0].posting.amount
    for entry in entries[1:]:
        delta += entry.posting.amount
    book = account.books.get(wallet.profile)
    before = None if book is None else book.balance
    after = settle_wallet(wallet, before, delta, may_overdraw=decision.may_overdraw)
    return account.plan_booking(entries, after)

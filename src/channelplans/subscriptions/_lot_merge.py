"""Put the histories of an account's wallets into one order.

A transfer is received after it is paid. Nothing else connects two wallets.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from heapq import heappop, heappush

import attrs

from channelplans.errors import InvalidValue
from channelplans.subscriptions._lot_replay import wallet_order
from channelplans.subscriptions.wallets import Posting, Reason, Wallet

__all__: tuple[str, ...] = ()


@attrs.define(eq=False)
class Merge:
    """A merge of histories that has begun.

    Attributes:
        histories: the postings of each wallet that are not read yet.
        payers: the position of the history that pays each transfer.
        paid: the transfers that are paid in the merged postings.
        ready: the next posting of each history, with its day and the position of the history.
        waiting: the same for the histories that wait for the payment of a transfer.
    """

    histories: list[Iterator[Posting]]
    payers: Mapping[str | None, int]
    paid: set[str] = attrs.field(factory=set)
    ready: list[tuple[date, int, Posting]] = attrs.field(factory=list)
    waiting: dict[str, list[tuple[date, int, Posting]]] = attrs.field(factory=dict)

    def run(self) -> Iterator[Posting]:
        """Return the postings one after the other, without those that wait for each other."""
        for position in range(len(self.histories)):
            self._read_next(position)
        while self.ready:
            _, position, posting = heappop(self.ready)
            yield posting
            transfer = _paid_transfer(posting)
            if transfer is not None:
                self.paid.add(transfer)
                for entry in self.waiting.pop(transfer, ()):
                    heappush(self.ready, entry)
            self._read_next(position)

    def _read_next(self, position: int) -> None:
        """Read the next posting of a history, which is ready or waits for a payment."""
        posting = next(self.histories[position], None)
        if posting is None:
            return
        entry = (posting.on, position, posting)
        transfer = _received_transfer(posting)
        # A transfer that no other wallet pays came from outside these histories.
        is_paid_elsewhere = self.payers.get(transfer, position) != position
        if transfer is not None and is_paid_elsewhere and transfer not in self.paid:
            self.waiting.setdefault(transfer, []).append(entry)
        else:
            heappush(self.ready, entry)


def _received_transfer(posting: Posting) -> str | None:
    """Return the identifier of the transfer that a posting receives; None if it receives none."""
    receives = posting.reason is Reason.TRANSFER and posting.amount.minor > 0
    return posting.reference if receives else None


def _paid_transfer(posting: Posting) -> str | None:
    """Return the identifier of the transfer that a posting pays; None if it pays none."""
    pays = posting.reason is Reason.TRANSFER and posting.amount.minor < 0
    return posting.reference if pays else None


def merge_histories(histories: Mapping[Wallet, Sequence[Posting]]) -> tuple[Posting, ...]:
    """Return the postings of an account's wallets in one order.

    Raises:
        InvalidValue: two transfers wait for each other.
    """
    wallets = sorted(histories, key=wallet_order)
    payers: dict[str | None, int] = {}
    for position, wallet in enumerate(wallets):
        for posting in histories[wallet]:
            transfer = _paid_transfer(posting)
            if transfer is not None:
                payers.setdefault(transfer, position)
    merge = Merge([iter(histories[wallet]) for wallet in wallets], payers)
    merged = tuple(merge.run())
    for entries in merge.waiting.values():
        _, _, posting = entries[0]
        value = f"{posting} before other postings that must come first"
        raise InvalidValue("histories", value, "in the order of commits")
    return merged

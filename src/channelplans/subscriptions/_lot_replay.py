"""Replay the postings of an account, to find the lots and the debts of each wallet.

Only a transfer connects two wallets: it carries pieces of lots from one to the other. So the result
does not depend on the order of postings of different wallets, as long as each transfer is paid
before it is received.
"""

import re
from collections import Counter, deque
from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from typing import Final

import attrs

from channelplans.errors import InvalidValue, quoted
from channelplans.subscriptions._lot_shelves import Batch, Origin, Piece, Rule, Shelf
from channelplans.subscriptions.wallets import Posting, Reason, Wallet

__all__: tuple[str, ...] = ()

_NO_USE: Final = frozenset({Reason.TRANSFER, Reason.EXPIRY})
_REFUNDABLE: Final = frozenset({Reason.SUBSCRIPTION, Reason.RENEWAL})

# Such as "expiry of bonus b-1, lot 1" and "expiry 2 of bonus b-1, lot 1".
_EXPIRY: Final = re.compile(r"expiry(?: ([1-9][0-9]{0,8}))? of (.+)")

#: An identifier has at most 255 characters. "expiry 999999999 of " has 20.
_LONGEST_NAME: Final = 235


@attrs.define(eq=False)
class Debit:
    """A payment: the pieces that paid it, and the amount that no piece has paid yet."""

    posting: Posting
    unpaid: int
    draws: list[tuple[Piece, int]] = attrs.field(factory=list)

    @property
    def subscription(self) -> str | None:
        """The subscription that a refund with the same reference refunds."""
        return self.posting.reference if self.posting.reason in _REFUNDABLE else None


@attrs.frozen(eq=False)
class Delivery:
    """A transfer that one wallet has paid: parts of lots, each with its expiry date and amount."""

    payer: Wallet
    parts: tuple[tuple[Origin, date, int], ...]


@attrs.define(eq=False)
class WalletReplay:
    """The lots and the debts of one wallet.

    Attributes:
        wallet: the wallet.
        rules: the rule of each reason.
        shelves: the credit of the wallet, by the reason that opened the lots.
        pieces: all pieces that the wallet ever held, in the order in which they came.
        places: the piece of each lot in each batch, to which returning credit is added.
        names: the pieces by name.
        numbers: how many pieces were named after each reason and reference.
        debts: the payments that are not paid in full, the oldest first.
        debts_of: the same for each subscription.
        draws_of: the draws for each subscription, the last one last.
    """

    wallet: Wallet
    rules: Mapping[Reason, Rule]
    shelves: dict[Reason, Shelf] = attrs.field(factory=dict)
    pieces: list[Piece] = attrs.field(factory=list)
    places: dict[tuple[Origin, Batch], Piece] = attrs.field(factory=dict)
    names: dict[str, Piece] = attrs.field(factory=dict)
    numbers: Counter[tuple[Reason, str]] = attrs.field(factory=Counter)
    debts: deque[Debit] = attrs.field(factory=deque)
    debts_of: dict[str, list[Debit]] = attrs.field(factory=dict)
    draws_of: dict[str, list[tuple[Piece, int]]] = attrs.field(factory=dict)

    def sorted_pieces(self, on: date) -> list[Piece]:
        """Return the pieces with credit in the order of drawing on a day."""
        filled = [piece for piece in self.pieces if piece.left]
        return sorted(filled, key=lambda piece: (piece.expired(on), *piece.order()))

    def balance(self) -> int:
        """Return the sum of the pieces, less the debts."""
        credit = sum(piece.left for piece in self.pieces)
        return credit - sum(debit.unpaid for debit in self.debts)

    def pay(self, posting: Posting) -> Debit:
        """Pay a posting from the pieces in the order of drawing; what they lack is a debt.

        An expiry that names a piece takes nothing from others. Any other expiry draws expired
        pieces first.
        """
        debit = Debit(posting, -posting.amount.minor)
        named_piece = self._named_piece(posting)
        if named_piece:
            self._draw(debit, named_piece, min(debit.unpaid, named_piece.left))
        while debit.unpaid and not named_piece:
            piece = self._next_piece(posting)
            if piece is None:
                break
            self._draw(debit, piece, min(debit.unpaid, piece.left))
        if debit.unpaid:
            self.debts.append(debit)
            if debit.subscription is not None:
                self.debts_of.setdefault(debit.subscription, []).append(debit)
        if posting.reason not in _NO_USE:
            for shelf in self.shelves.values():
                shelf.restart(posting.on)
        return debit

    def open(self, posting: Posting, amount: int) -> Piece:
        """Open a lot for a receipt, or for a part of it; the debts take from it first."""
        origin = Origin(posting, self.rules[posting.reason])
        return self.receive(origin, origin.first_expiry(), amount, posting)

    def receive(self, origin: Origin, expires: date, amount: int, posting: Posting) -> Piece:
        """Add credit of a lot to the piece that the wallet holds, or to a new piece.

        A new piece is named after the posting that brought it into the wallet. So its expiry has
        another reference than the expiry of the lot's piece in another wallet.
        """
        reason = origin.posting.reason
        shelf = self.shelves.get(reason)
        if shelf is None:
            shelf = self.shelves[reason] = Shelf(origin.rule)
        batch = shelf.batch_of(expires)
        piece = self.places.get((origin, batch))
        if piece is None:
            piece = Piece(origin, shelf, batch, len(self.pieces), self._new_name(posting))
            self.pieces.append(piece)
            self.places[origin, batch] = piece
            if piece.name is not None:
                self.names[piece.name] = piece
        self._add(piece, amount)
        return piece

    def refund(self, posting: Posting) -> None:
        """Return a refund to the pieces that paid the subscription, the last drawn first.

        What the subscription itself still owes was never paid, so that debt is reduced first. What
        exceeds both opens a lot.
        """
        subscription = posting.reference or ""
        reduced = self._reduce_debts(subscription, posting.amount.minor)
        left = posting.amount.minor - sum(amount for _, amount in reduced)
        draws = self.draws_of.get(subscription, [])
        while left and draws:
            piece, drawn = draws.pop()
            returned = min(left, drawn)
            if drawn > returned:
                draws.append((piece, drawn - returned))
            self._add(piece, returned)
            left -= returned
        if left or reduced:
            opened = self.open(posting, left)
            for debit, amount in reduced:
                debit.draws.append((opened, amount))

    def _reduce_debts(self, subscription: str, amount: int) -> list[tuple[Debit, int]]:
        """Reduce the debts of a subscription by a refund, the latest first; return by how much."""
        debts, reduced = self.debts_of.get(subscription, []), []
        while amount and debts:
            debit = debts[-1]
            part = min(amount, debit.unpaid)
            if part:
                reduced.append((debit, part))
            debit.unpaid -= part
            amount -= part
            if not debit.unpaid:
                debts.pop()
        return reduced

    def _add(self, piece: Piece, amount: int) -> None:
        """Pay the debts with credit that arrives in a piece, the oldest first; keep the rest."""
        while amount and self.debts:
            debit = self.debts[0]
            paid = min(amount, debit.unpaid)
            if paid:
                self._note_draw(debit, piece, paid)
            amount -= paid
            if not debit.unpaid:
                self.debts.popleft()
        piece.add(amount)

    def _draw(self, debit: Debit, piece: Piece, amount: int) -> None:
        if amount:
            piece.take(amount)
            self._note_draw(debit, piece, amount)

    def _note_draw(self, debit: Debit, piece: Piece, amount: int) -> None:
        debit.unpaid -= amount
        debit.draws.append((piece, amount))
        if debit.subscription is not None:
            self.draws_of.setdefault(debit.subscription, []).append((piece, amount))

    def _next_piece(self, posting: Posting) -> Piece | None:
        """Return the piece that pays next: the first valid one, for an expiry the first expired."""
        expired_first = posting.reason is Reason.EXPIRY
        for expired in (expired_first, not expired_first):
            pieces = [shelf.first(posting.on, expired=expired) for shelf in self.shelves.values()]
            found = [piece for piece in pieces if piece]
            if found:
                return min(found, key=Piece.order)
        return None

    def _new_name(self, posting: Posting) -> str | None:
        reason, reference = posting.reason, posting.reference
        if reference is None:
            return None
        self.numbers[reason, reference] += 1
        number = self.numbers[reason, reference]
        name = f"{reason.value} {reference}, lot {number}"
        if len(name) > _LONGEST_NAME:
            digest = sha256(f"{reason.value} {reference}".encode()).hexdigest()
            return f"{digest}, lot {number}"
        return name

    def _named_piece(self, posting: Posting) -> Piece | None:
        """Return the piece that an expiry names, and count the expiry."""
        if posting.reason is not Reason.EXPIRY or posting.reference is None:
            return None
        match = _EXPIRY.fullmatch(posting.reference)
        piece = self.names.get(match[2]) if match else None
        if match and piece:
            piece.expiries = max(piece.expiries, int(match[1] or 1))
        return piece


@attrs.define(eq=False)
class AccountReplay:
    """The wallets of one account, and the transfers between them.

    Attributes:
        rules: the rule of each reason.
        wallets: the lots and the debts of each wallet.
        debits: all payments, in the order of booking.
        sent: the transfers that are paid and not received yet.
        received: the wallets that received a transfer which no other wallet had paid.
    """

    rules: Mapping[Reason, Rule]
    wallets: dict[Wallet, WalletReplay] = attrs.field(factory=dict)
    debits: list[Debit] = attrs.field(factory=list)
    sent: dict[str, Delivery] = attrs.field(factory=dict)
    received: dict[str, Wallet] = attrs.field(factory=dict)

    def book(self, posting: Posting) -> None:
        """Book the next posting.

        Raises:
            InvalidValue: the posting pays a transfer that another wallet received earlier.
        """
        wallet = self.wallets.get(posting.wallet)
        if wallet is None:
            wallet = self.wallets[posting.wallet] = WalletReplay(posting.wallet, self.rules)
        transfer = posting.reference if posting.reason is Reason.TRANSFER else None
        if posting.amount.minor < 0:
            self.debits.append(wallet.pay(posting))
            if transfer is not None:
                self._send(transfer, self.debits[-1])
        elif transfer is not None:
            self._receive(transfer, posting, wallet)
        elif posting.reason is Reason.REFUND:
            wallet.refund(posting)
        else:
            wallet.open(posting, posting.amount.minor)

    def sorted_wallets(self) -> list[WalletReplay]:
        """Return the wallets: first the account's, then those of its profiles by name."""
        return sorted(self.wallets.values(), key=lambda replayed: wallet_order(replayed.wallet))

    def _send(self, transfer: str, debit: Debit) -> None:
        payer = debit.posting.wallet
        if self.received.get(transfer, payer) != payer:
            value = f"a receipt of transfer {quoted(transfer)} before its payment"
            raise InvalidValue(
                "postings", value, "in the order of commits, as merge_wallets() does"
            )
        parts = (
            (piece.origin, piece.current_batch().expires, amount) for piece, amount in debit.draws
        )
        self.sent[transfer] = Delivery(payer, tuple(parts))

    def _receive(self, transfer: str, posting: Posting, wallet: WalletReplay) -> None:
        """Add the parts of a transfer to a wallet; what they lack opens a lot."""
        left, delivery = posting.amount.minor, self.sent.get(transfer)
        if delivery and delivery.payer != posting.wallet:
            del self.sent[transfer]
            for origin, expires, amount in delivery.parts:
                part = min(left, amount)
                if part:
                    wallet.receive(origin, expires, part, posting)
                left -= part
        else:
            self.received[transfer] = posting.wallet
        if left:
            wallet.open(posting, left)


def wallet_order(wallet: Wallet) -> tuple[bool, str]:
    """Return the sort key of a wallet: first the account's, then those of its profiles by name."""
    return wallet.profile is not None, wallet.profile or ""

"""The result of an action: a decision about a subscription, or a transfer between wallets.

Neither has happened yet. A store commits it once, completely or not at all. How an action decides
is not known here.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

import attrs

from channelplans._constructors import checked
from channelplans._display import DisplayMixin
from channelplans.errors import quoted
from channelplans.money import Money
from channelplans.plans import Plan, quantity_columns
from channelplans.rules import Notice
from channelplans.subscriptions.identifiers import Token
from channelplans.subscriptions.subscription import Action, Status, Subscription
from channelplans.subscriptions.wallets import Posting, Wallet, deltas, signed

__all__ = ["Decision", "Transfer"]


@checked
@attrs.frozen(repr=False)
class Decision(DisplayMixin):
    """What an action on a subscription would do.

    Attributes:
        action: the action.
        on: the civil day of the action.
        before: the subscription before the action; None if the profile never held one.
        after: the subscription after the action.
        postings: the money that moves, all of it or none.
        notices: what a person must be told before confirming (H20, H21).
        token: identifies the decision; deciding the same thing again gives the same token.
    """

    action: Action
    on: date
    before: Subscription | None
    after: Subscription
    postings: tuple[Posting, ...]
    notices: tuple[Notice, ...]
    token: Token

    @property
    def deltas(self) -> Mapping[Wallet, Money]:
        """The sum of the postings of each wallet, so a refund reduces the charge.

        >>> from channelplans.offers import SKYPE_CONNECT
        >>> from channelplans.subscriptions.actions import change
        >>> from channelplans.testing.builders import TARIFF, make_subscription
        >>> berlin = make_subscription(SKYPE_CONNECT.plan(channels=30))  # 208.50 EUR for 30 days
        >>> more = SKYPE_CONNECT.plan(channels=40)
        >>> decision = change(berlin, more, TARIFF, on=date(2026, 1, 15))
        >>> [str(posting.amount) for posting in decision.postings]
        ['139.00 EUR', '-278.00 EUR']
        >>> print(decision.deltas[Wallet("acme")])
        -139.00 EUR
        """
        return MappingProxyType(deltas(self.postings))

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each posting, with the number of channels requested and sold.

        ``reason`` is the reason for the posting, ``granted_reason`` says why another number of
        channels is sold than requested (H5).

        >>> from channelplans.offers import SKYPE_CONNECT
        >>> from channelplans.subscriptions.actions import change
        >>> from channelplans.testing.builders import TARIFF, make_subscription
        >>> more = SKYPE_CONNECT.plan(channels=105)
        >>> decision = change(make_subscription(), more, TARIFF, on=date(2026, 1, 15))
        >>> columns = ("reason", "requested", "granted", "granted_reason")
        >>> for row in decision.to_records():
        ...     print(*map(row.get, columns), sep=", ")
        refund, 105, 100, above 100, multiples of 10, rounded down
        subscription, 105, 100, above 100, multiples of 10, rounded down
        """
        channels = quantity_columns(self._plan)
        return [{**row, **channels} for row in _records(self.action, self.token, self.postings)]

    @property
    def _plan(self) -> Plan:
        """The plan that the action leads to: of a change for the next term, the pending plan."""
        pending = self.after.pending if self.action is Action.CHANGE else None
        return pending or self.after.plan

    def _describe(self) -> tuple[str, ...]:
        profile = quoted(self.after.profile)
        act = _ACTS[self.action].format(plan=self._plan, profile=profile)
        return (
            f"{self.on}: {act}.",
            *self._allowance_left(),
            self._outlook(),
            *_movements(self.postings, self.deltas),
            *map(str, self.notices),
        )

    def _outlook(self) -> str:
        status, end = self.after.status, self.after.term.end
        if status is Status.ACTIVE and self.on >= end:
            return f"Its term ended on {end}: it is due for renewal."
        end = self.after.lapses_on if status is Status.LAPSED else end
        return _OUTLOOKS[status].format(end=end, since=min(self.on, end))

    def _allowance_left(self) -> tuple[str, ...]:
        """Return the minutes left after a call, unless the call found no minutes (grace period)."""
        used_minutes = self.before is not None and self.before.allowance != self.after.allowance
        in_term = self.on < self.after.term.end
        if self.action is Action.RECORD_CALL and (used_minutes or in_term):
            return (f"{self.after.allowance}.",)
        return ()


@checked
@attrs.frozen(repr=False)
class Transfer(DisplayMixin):
    """A movement of credit between wallets, or from outside.

    Attributes:
        action: the kind of movement.
        on: the civil day of the movement.
        postings: the money that moves, all of it or none.
        token: identifies the transfer; asking for the same transfer again gives the same token.
    """

    action: Action
    on: date
    postings: tuple[Posting, ...]
    token: Token

    @property
    def deltas(self) -> Mapping[Wallet, Money]:
        """The sum of the postings of each wallet."""
        return MappingProxyType(deltas(self.postings))

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each posting."""
        return _records(self.action, self.token, self.postings)

    def _describe(self) -> tuple[str, ...]:
        return (f"{self.on}: {_ACTS[self.action]}.", *_movements(self.postings, self.deltas))


def join_token(*parts: str) -> Token:
    """Return a token made of parts; different parts never give the same token."""
    return "/".join(part.replace("%", "%25").replace("/", "%2F") for part in parts)


def _records(action: Action, token: Token, postings: Iterable[Posting]) -> list[dict[str, object]]:
    decision = {"token": token, "action": action.value}
    return [{**decision, **record} for posting in postings for record in posting.to_records()]


def _movements(postings: Iterable[Posting], changes: Mapping[Wallet, Money]) -> tuple[str, ...]:
    """Return a sentence for each wallet: what it pays and receives, and the sum."""
    sentences = []
    for wallet, delta in changes.items():
        parts = []
        for posting in postings:
            if posting.wallet == wallet:
                verb = "pays" if posting.amount.minor < 0 else "receives"
                amount = max(posting.amount, -posting.amount)
                parts.append(f"{verb} {amount} ({posting.reason.value})")
        total = f", {signed(delta)} in all" if len(parts) > 1 else ""
        sentences.append(f"The wallet of {wallet} {' and '.join(parts)}{total}.")
    return tuple(sentences) or ("No money moves.",)


_ACTS: Final = MappingProxyType(
    {
        Action.BUY: "buy {plan} for profile {profile}",
        Action.CHANGE: "change profile {profile} to {plan}",
        Action.RECORD_CALL: "record a call of profile {profile}",
        Action.RENEW: "renew the subscription of profile {profile}, {plan}",
        Action.CANCEL: "cancel the subscription of profile {profile}, {plan}",
        Action.RESUME: "resume the subscription of profile {profile}, {plan}",
        Action.LAPSE: "let the subscription of profile {profile} lapse, {plan}",
        Action.EXPIRE: "end the cancelled subscription of profile {profile}, {plan}",
        Action.TERMINATE: "end the subscription of profile {profile} at once, {plan}",
        Action.DEPOSIT: "pay in from outside",
        Action.CHARGE: "charge a wallet",
        Action.ASSIGN_CREDIT: "assign credit to a profile",
        Action.TAKE_BACK_CREDIT: "take back credit from a profile",
        Action.EXPIRE_CREDIT: "let credit expire",
    }
)

_OUTLOOKS: Final = MappingProxyType(
    {
        Status.ACTIVE: "Runs until {end}, when it renews itself.",
        Status.CANCELLED: "Runs until {end}, when it ends.",
        Status.LAPSED: "Not active since {since}.",
        Status.ENDED: "Not active since {since}.",
    }
)

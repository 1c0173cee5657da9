"""The result of an action: a decision about a subscription, or a transfer between wallets.

Neither has happened yet. A store commits it once, completely or not at all. How an action decides
is not known here.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

import attrs

from channelplans._checks import short_identifier
from channelplans._constructors import checked
from channelplans._display import DisplayMixin, RecordsMixin, clock
from channelplans.calls import RatedCall
from channelplans.errors import InvalidValue, quoted
from channelplans.money import Money
from channelplans.plans import Plan, quantity_columns
from channelplans.pricing import Refund
from channelplans.rules import Notice
from channelplans.subscriptions.identifiers import AccountId, Token
from channelplans.subscriptions.subscription import RUNNING, Action, Status, Subscription
from channelplans.subscriptions.wallets import Posting, Wallet, deltas, signed

__all__ = ["Decision", "Request", "Transfer"]


@checked
@attrs.frozen(repr=False)
class Request(DisplayMixin):
    """The idempotency key of an action, and a digest of what was asked for.

    A second action with the same key and digest is a retry, also on a later day. The same key with
    another digest is a mistake.

    Attributes:
        key: the key, unique within the account.
        digest: the SHA-256 digest of the action, the profile and the arguments without the day.

    Raises:
        InvalidValue: the key is longer than 255 characters.

    >>> from channelplans.subscriptions import Request
    >>> print(Request("form 17", "8c6976e5"))
    request 'form 17'
    """

    key: str
    digest: str

    def __attrs_post_init__(self) -> None:
        short_identifier("request", self.key)

    def _describe(self) -> tuple[str]:
        return (f"request {quoted(self.key)}",)


@checked
@attrs.frozen(repr=False)
class Decision(RecordsMixin):
    """What an action on a subscription would do.

    Attributes:
        action: the action.
        on: the civil day of the action.
        before: the subscription before the action; None if the profile never held one.
        after: the subscription after the action.
        postings: the money that moves, all of it or none.
        notices: what a person must be told before confirming (H20, H21).
        token: identifies the decision; deciding the same thing again gives the same token.
        refund: the refund, line by line, if the action ended a paid term early.
        call: the call and its charges, if the action recorded a call.
        may_overdraw: whether the decision is committed even if a wallet ends below zero.
        request: the idempotency key that the caller passed; None if there was none.

    Raises:
        InvalidValue: a posting is on a wallet of another account.
    """

    action: Action
    on: date
    before: Subscription | None
    after: Subscription
    postings: tuple[Posting, ...]
    notices: tuple[Notice, ...]
    token: Token
    refund: Refund | None = None
    call: RatedCall | None = None
    may_overdraw: bool = False
    request: Request | None = None

    def __attrs_post_init__(self) -> None:
        _check_account(self.account, self.postings)

    @property
    def account(self) -> AccountId:
        """The account of the subscription, whose wallets pay."""
        return self.after.account

    @property
    def counts_from(self) -> date:
        """The value date of the first posting, or ``on``: earlier than ``on`` after a late run."""
        return self.postings[0].counts_from if self.postings else self.on

    @property
    def deltas(self) -> Mapping[Wallet, Money]:
        """The sum of the postings of each wallet, so a refund reduces the charge.

        >>> from datetime import date
        >>> from channelplans import EUR, SKYPE_CONNECT, Tariff, Wallet, buy, change
        >>> tariff = Tariff("list", EUR, channel="6.95")
        >>> plan, day = SKYPE_CONNECT.plan(channels=30), date(2026, 1, 5)
        >>> berlin = buy(
        ...     plan, tariff, account="acme", profile="berlin", subscription="s-1", on=day
        ... ).after
        >>> more = SKYPE_CONNECT.plan(channels=40)
        >>> decision = change(berlin, more, tariff, on=date(2026, 1, 15))
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

        >>> from datetime import date
        >>> from channelplans import EUR, SKYPE_CONNECT, Tariff, buy
        >>> tariff = Tariff("list", EUR, channel="6.95")
        >>> plan, day = SKYPE_CONNECT.plan(channels=105), date(2026, 1, 5)
        >>> purchase = buy(
        ...     plan, tariff, account="acme", profile="berlin", subscription="s-1", on=day
        ... )
        >>> (row,) = purchase.to_records()
        >>> print(row["amount"], row["requested"], row["granted"], row["granted_reason"])
        -695.00 105 100 above 100, multiples of 10, rounded down
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
        after, end = self.after, self.after.term.end
        if after.status in RUNNING:
            return self._outlook_while_running()
        if self.action is Action.RECORD_CALL:
            return f"The subscription is over: {after.status.value}."
        if self.on < after.term.start:
            return f"It would have started on {after.term.start}."
        end = after.lapses_on if after.status is Status.LAPSED else end
        return f"Not active since {min(self.on, end)}."

    def _outlook_while_running(self) -> str:
        after, end = self.after, self.after.term.end
        if self.on >= end:
            step = "renewal" if after.renews else "expiry"
            return f"Its term ended on {end}: it is due for {step}."
        outlook = f"Runs until {end}, when it renews itself."
        if after.status is Status.CANCELLED:
            outlook = f"Runs until {after.last_term_end}, when it ends."
        start = after.term.start
        return outlook if self.on >= start else f"Starts on {start}. {outlook}"

    def _allowance_left(self) -> tuple[str, ...]:
        """Return the minutes left after a call; of a late call, the minutes that it takes.

        Nothing if the running term has no minutes.
        """
        previous, term = self.after.previous_term, self.after.term
        allowance = self.after.allowance
        if self.call and self.call.call.day in term:
            has_minutes = bool(allowance.granted or allowance.carried)
            return (f"{allowance}.",) if has_minutes else ()
        if self.call and previous and self.call.call.day < term.start:
            minutes = clock(self.call.included) if self.call.included else "no minutes"
            return (f"It takes {minutes} of the previous term, which ended on {previous.end}.",)
        return ()


@checked
@attrs.frozen(repr=False)
class Transfer(RecordsMixin):
    """A movement of credit between wallets, or from outside.

    Attributes:
        action: the kind of movement.
        on: the civil day of the movement.
        postings: the money that moves, all of it or none.
        token: identifies the transfer; asking for the same transfer again gives the same token.
        seen: the number of postings of the first posting's wallet from which the transfer was
            computed; a store refuses the transfer if the wallet has another number. None if the
            transfer does not depend on them.
        may_overdraw: whether the transfer is committed even if a wallet ends below zero.

    Raises:
        InvalidValue: there is no posting, or the postings are on wallets of several accounts.
    """

    action: Action
    on: date
    postings: tuple[Posting, ...]
    token: Token
    seen: int | None = None
    may_overdraw: bool = False

    def __attrs_post_init__(self) -> None:
        if not self.postings:
            raise InvalidValue("postings", "()", "at least one posting")
        _check_account(self.account, self.postings)

    @property
    def account(self) -> AccountId:
        """The account whose wallets pay and receive."""
        return self.postings[0].wallet.account

    @property
    def counts_from(self) -> date:
        """The value date of the first posting."""
        return self.postings[0].counts_from

    @property
    def deltas(self) -> Mapping[Wallet, Money]:
        """The sum of the postings of each wallet."""
        return MappingProxyType(deltas(self.postings))

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each posting."""
        return _records(self.action, self.token, self.postings)

    def _describe(self) -> tuple[str, ...]:
        return (f"{self.on}: {_ACTS[self.action]}.", *_movements(self.postings, self.deltas))


def _check_account(account: AccountId, postings: Iterable[Posting]) -> None:
    for posting in postings:
        if posting.wallet.account != account:
            raise InvalidValue("postings", str(posting), f"on wallets of account {quoted(account)}")


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

"""An action before it is decided, and how a retry finds what was committed before."""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import attrs

from channelplans._checks import civil_day, identifier, instance
from channelplans.calls import Call
from channelplans.errors import TokenReused
from channelplans.plans import Plan
from channelplans.storage.codec import digest
from channelplans.subscriptions.decisions import Decision, Request, Transfer, join_token
from channelplans.subscriptions.identifiers import AccountId, ProfileId, Token
from channelplans.subscriptions.subscription import Action

__all__: tuple[str, ...] = ()


@attrs.frozen
class Step:
    """An action on a subscription, not yet decided.

    Attributes:
        action: the action.
        account: the account.
        profile: the profile.
        on: the day of the action.
        decide: makes the decision for the profile's latest subscription; None if there was none.
        request: the idempotency key; None if the caller passed none.
        arguments: the other arguments, without the day; a retry has equal ones.
    """

    action: Action
    account: AccountId
    profile: ProfileId
    on: date
    decide: Callable[[Any], Decision]
    request: str | None = None
    arguments: Mapping[str, Any] = attrs.field(factory=dict)

    def check(self) -> None:
        """Check the arguments that every action has, before anything is read or committed."""
        civil_day("on", self.on)
        identifier("account", self.account)
        identifier("profile", self.profile)

    @property
    def key(self) -> Request | None:
        """The idempotency key, with a digest of what was asked for."""
        if self.request is None:
            return None
        asked = [self.action.value, self.profile, dict(self.arguments)]
        text = json.dumps(asked, sort_keys=True, separators=(",", ":"), default=_plain)
        return Request(self.request, hashlib.sha256(text.encode()).hexdigest())


def _plain(argument: object) -> object:
    """Return an argument that JSON does not know as plain data."""
    if isinstance(argument, date):
        return str(argument)
    plan = instance("plan", argument, Plan)
    return [digest(plan.offer), plan.requested, plan.bundles]


def request_token(request: Request) -> Token:
    """Return the token of the decision that is committed with an idempotency key."""
    return join_token("request", request.key)


def same_request(committed: Decision | Transfer | None, request: Request) -> Decision | None:
    """Return the decision that was committed with an idempotency key; None if there is none.

    Raises:
        TokenReused: the key was used for something else.
    """
    if committed is None:
        return None
    if isinstance(committed, Decision) and committed.request == request:
        return committed
    raise TokenReused(request_token(request))


def same_call(
    committed: Decision | Transfer | None, profile: ProfileId, call: Call
) -> Decision | None:
    """Return the decision that recorded a call; None if there is none.

    Raises:
        TokenReused: the identifier was used for another call.
    """
    if committed is None:
        return None
    if isinstance(committed, Decision) and committed.after.profile == profile:
        recorded = committed.call
        if recorded is not None and recorded.call == call:
            return committed
    raise TokenReused(committed.token)


def same_transfer(committed: Decision | Transfer | None, transfer: Transfer) -> Transfer | None:
    """Return the transfer that was committed on some day; None if there is none.

    Raises:
        TokenReused: the identifier was used for another transfer.
    """
    if committed is None:
        return None
    if isinstance(committed, Transfer) and _moves(committed) == _moves(transfer):
        return committed
    raise TokenReused(committed.token)


def _moves(transfer: Transfer) -> list[object]:
    """Return what a transfer does, without its days."""
    postings = transfer.postings
    moves = ((posting.wallet, posting.amount, posting.reason) for posting in postings)
    return [transfer.action, *moves]

"""Identifiers are plain strings, with a name for each kind."""

import pytest
from tests.subscriptions.samples import ACME, FIRST_DAY, buy_subscription, call, euros

from channelplans.errors import InvalidValue
from channelplans.subscriptions import identifiers
from channelplans.subscriptions.decisions import Request
from channelplans.subscriptions.transfers import deposit
from channelplans.subscriptions.wallets import Posting, Reason, Wallet


def test_identifiers_are_aliases_of_str():
    """Every identifier is an alias of str, so callers pass plain text without a conversion."""
    values = {name: getattr(identifiers, name) for name in identifiers.__all__}

    names = ["AccountId", "ProfileId", "SubscriptionId", "Token"]

    assert dict.fromkeys(names, str) == values


LONGEST, TOO_LONG = "b" * 255, "b" * 256
ALLOWED = "an identifier of at most 255 characters"

IDENTIFIED = {
    "account": lambda name: buy_subscription(account=name),
    "profile": lambda name: buy_subscription(profile=name),
    "subscription": lambda name: buy_subscription(subscription=name),
    "account of a wallet": Wallet,
    "profile of a wallet": lambda name: Wallet("acme", name),
    "transfer": lambda name: deposit(ACME, euros("5"), transfer=name, on=FIRST_DAY),
    "call": lambda name: call(identifier=name),
    "request": lambda name: Request(name, "digest"),
    "reference": lambda name: Posting(ACME, euros("5"), Reason.DEPOSIT, FIRST_DAY, reference=name),
}


@pytest.mark.parametrize("make_value", IDENTIFIED.values(), ids=IDENTIFIED)
def test_identifiers_have_at_most_255_characters(make_value):
    """So every store can keep them in an indexed column."""
    make_value(LONGEST)

    with pytest.raises(InvalidValue, match=f"{ALLOWED}, not 256 characters$"):
        make_value(TOO_LONG)


@pytest.mark.parametrize("make_value", IDENTIFIED.values(), ids=IDENTIFIED)
@pytest.mark.parametrize("name", ["", " ", "a\n", "a\u202eb"])
def test_identifiers_are_one_line_of_printable_text(make_value, name):
    """An empty name, a line break and a change of the writing direction are refused."""
    with pytest.raises(InvalidValue):
        make_value(name)

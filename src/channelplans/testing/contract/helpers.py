"""Decisions in one line, new stores, and the first commits of several tests.

All offers are shipped ones, and most prices are those of ``builders.TARIFF``. ``price_lists``
has other offers and other currencies.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from typing import Any, Final

import attrs

from channelplans._checks import shown
from channelplans.calls import Call
from channelplans.errors import ChannelPlansError
from channelplans.money import EUR, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.plans import Offer, Plan
from channelplans.storage.ports import Revision, Stored
from channelplans.subscriptions import actions, call_records
from channelplans.subscriptions.decisions import Decision, Transfer
from channelplans.subscriptions.identifiers import AccountId, ProfileId
from channelplans.subscriptions.subscription import Subscription
from channelplans.subscriptions.transfers import assign_credit, deposit, expire_credit
from channelplans.subscriptions.wallets import Posting, Reason, Wallet
from channelplans.tariffs import Tariff
from channelplans.testing.builders import DAY, TARIFF
from channelplans.testing.contract.checked_store import (
    DISTANT_DAY,
    CheckedStore,
    Run,
    open_store,
)

ACCOUNT: Final = "acme"
ACCOUNT_WALLET: Final = Wallet(ACCOUNT)
OTHER_ACCOUNT: Final = "globex"
BERLIN_WALLET: Final = Wallet(ACCOUNT, "berlin")
PARIS_WALLET: Final = Wallet(ACCOUNT, "paris")
UNKNOWN_REVISION: Final = Revision("a revision that no store returns")

#: Reads that find something in a store which a test has used before.
_READS_OF_NEW_STORES: Final[tuple[tuple[str, object], ...]] = (
    ("decisions", ACCOUNT),
    ("decisions", OTHER_ACCOUNT),
    ("due", DISTANT_DAY),
)

#: A telephone number in each destination.
NUMBERS: Final = {"DE": "+49 30 555 0100", "GB": "+44 20 7946 0100", "US": "+1 212 555 0100"}

#: Valid identifiers that a store may confuse with each other.
UNUSUAL_IDENTIFIERS: Final = (
    *("acme", "Acme", "ACME", "acme.", "acme..", ".acme"),
    *("a", "b", "a/b", "a//b", "a\\b", "a:b", "a%2Fb", "a b", "a  b"),
    *("%", "_", "%%", "__", "'", "''", '"', '\\"', "`", "'; DROP TABLE subscriptions; --"),
    *("{}", "None", "null", "0", "7", "007", "7.0", "1e3"),
    # An accent as one character or two, case that differs by language, letters that look alike.
    *("e", "\u00e9", "e\u0301", "I", "\u0131", "\u0130", "i", "ss", "\u00df", "K", "\u212a"),
    *("\u017c\u00f3\u0142\u0107", "\u0430\u0441\u043c\u0435", "\uff41\uff43\uff4d\uff45"),
    # Hebrew and Arabic, which are written from right to left, and an Arabic 7.
    *("\u05d0\u05d1", "\u05d1\u05d0", "\u0627\u0628", "\u0627\u0628 1", "\u0667"),
    # Japanese, and emoji that differ only in the emoji or in its colour.
    *("\u65e5\u672c", "\U0001f642", "\U0001f363", "\u2764", "\u2764\ufe0f"),
    *("\U0001f44d", "\U0001f44d\U0001f3fd"),
    *("x" * 255, "x" * 254 + "y"),
)

#: Names that sort differently by code point than in a dictionary, in UTF-16, or ignoring case.
UNSORTED_NAMES: Final = ("Z", "a", "a b", "ab", "z", "\u00e9", "\uff41", "\U0001f642")


def days(count: int) -> timedelta:
    """Return a number of days."""
    return timedelta(days=count)


def eur(amount: str) -> Money:
    """Return an amount in euros."""
    return Money.of(amount, EUR)


def cents(number: int) -> Money:
    """Return a number of euro cents."""
    return Money(minor=number, currency=EUR)


def make_deposit(
    amount: str | Money,
    transfer: str = "opening",
    *,
    wallet: Wallet = ACCOUNT_WALLET,
    on: date = DAY,
) -> Transfer:
    """Return a deposit; a text amount is in euros."""
    money = amount if isinstance(amount, Money) else eur(amount)
    return deposit(wallet, money, transfer=transfer, on=on)


def make_withdrawal(
    amount: str | Money, transfer: str, *, wallet: Wallet = ACCOUNT_WALLET, on: date = DAY
) -> Transfer:
    """Return a transfer that takes credit away; a text amount is in euros."""
    money = amount if isinstance(amount, Money) else eur(amount)
    return expire_credit(wallet, money, transfer=transfer, on=on)


def make_assignment(amount: str, transfer: str, profile: ProfileId = "berlin") -> Transfer:
    """Return a transfer of credit from the account's wallet to a profile's wallet."""
    return assign_credit(ACCOUNT, profile, eur(amount), transfer=transfer, on=DAY)


def make_purchase(
    profile: str = "berlin",
    subscription: str = "s-1",
    *,
    account: AccountId = ACCOUNT,
    plan: Plan | None = None,
    tariff: Tariff = TARIFF,
    on: date = DAY,
    previous: Subscription | None = None,
) -> Decision:
    """Return a purchase, by default of 5 channels for 39.75 EUR (5 x 6.95 and 5 for setup)."""
    return actions.buy(
        plan or SKYPE_CONNECT.plan(channels=5),
        tariff,
        account=account,
        profile=profile,
        subscription=subscription,
        on=on,
        previous=previous,
    )


def make_change(subscription: Subscription, channels: int) -> Decision:
    """Return a change of the number of channels."""
    return actions.change(subscription, SKYPE_CONNECT.plan(channels=channels), TARIFF, on=DAY)


def make_call(
    call_id: str, on: date, country: str = "DE", duration: timedelta = timedelta(minutes=3)
) -> Call:
    """Return a call, by default of three minutes to Germany."""
    return Call(call_id, NUMBERS[country], country, on, duration)


def make_call_decision(subscription: Subscription, call_id: str, on: date = DAY) -> Decision:
    """Record a call of three minutes to Germany, for 0.05 EUR from the profile's wallet."""
    return call_records.record_call(subscription, make_call(call_id, on), TARIFF, on=on)


def make_posting(
    amount: str,
    wallet: Wallet = ACCOUNT_WALLET,
    *,
    reason: Reason = Reason.TRANSFER,
    on: date = DAY,
    value_date: date | None = None,
) -> Posting:
    """Return a posting in euros."""
    return Posting(wallet, eur(amount), reason, on, value_date=value_date)


def make_transfer(transfer: str, *postings: Posting) -> Transfer:
    """Return a transfer with these postings."""
    return attrs.evolve(make_deposit("1", transfer), postings=postings)


def open_new_store(make: Callable[[], Any], run: Run | None = None) -> CheckedStore:
    """Make a store as ``open_store`` does, and check that it holds nothing yet.

    Raises:
        AssertionError: the store holds a decision of an account of the tests, or a due subscription
            of any account.
    """
    __tracebackhide__ = True
    store = open_store(make, run)
    for method, subject in _READS_OF_NEW_STORES:
        items: tuple[object, ...] = ()
        # If the read fails, the tests of the method say why.
        with suppress(AssertionError):
            items = store.call(method, subject, limit=1).items
        if items:
            raise AssertionError(
                f"make_store returned a store that already holds data: {method}({subject}) "
                f"contains {shown(items[0])}; return a new, empty store at each call"
            )
    return store


def open_account(store: CheckedStore, credit: str = "1000") -> tuple[Decision, Revision]:
    """Pay in credit, buy 5 channels for profile berlin, and return the purchase and its revision.

    The wallet of the profile receives 1 EUR more, which pays for 20 calls.
    """
    store.commit(make_deposit(credit))
    store.commit(make_deposit("1", "for calls", wallet=BERLIN_WALLET))
    purchase = make_purchase()
    return purchase, store.commit_decision(purchase).revision


def buy_for(
    store: CheckedStore, profile: str, on: date = DAY, *, account: AccountId = ACCOUNT
) -> Stored[Subscription]:
    """Buy 5 channels for a profile without a subscription."""
    purchase = make_purchase(profile, subscription=profile, account=account, on=on)
    return store.commit_decision(purchase)


def buy_in_accounts(
    store: CheckedStore, bought: Iterable[tuple[AccountId, ProfileId, date]]
) -> list[tuple[AccountId, ProfileId]]:
    """Buy 5 channels for profiles of several accounts, and return the profiles as ``due`` sorts."""
    ends: list[tuple[date, AccountId, ProfileId]] = []
    for account, profile, on in bought:
        store.commit(make_deposit("39.75", profile, wallet=Wallet(account)))
        end = buy_for(store, profile, on, account=account).value.term.end
        ends.append((end, account, profile))
    return [(account, profile) for _, account, profile in sorted(ends)]


def lifecycle_of(offer: Offer) -> Iterator[Decision]:
    """Yield decisions, each on the result of the last, that use every action of an offer.

    An action that the offer refuses is left out.
    """
    decision = make_purchase(plan=nearest_plan(offer, 105, 1))
    yield decision
    for act in _later_actions(offer):
        subscription = decision.after
        try:
            decision = act(subscription, (subscription.acted_on or DAY) + days(1))
        except ChannelPlansError:
            continue
        yield decision


def _later_actions(offer: Offer) -> list[Callable[[Subscription, date], Decision]]:
    """Return functions that act on a subscription, on the next day or at the end of its term."""
    small, large, larger = (
        nearest_plan(offer, channels, bundles) for channels, bundles in ((7, 0), (105, 1), (118, 2))
    )
    small_again = Plan(small.offer, small.channels)
    return [
        lambda current, on: _record_call(current, "c-1", "DE", on),
        lambda current, on: _record_call(current, "c-2 US", "US", on),
        lambda current, on: _record_call(current, "c-2 GB", "GB", on),
        lambda current, on: actions.change(current, larger, TARIFF, on=on),
        lambda current, on: actions.change(current, small, TARIFF, on=on),
        lambda current, _: actions.renew(current, TARIFF, on=current.lapses_on),
        lambda current, on: _record_call(current, "c-3", "US", on),
        lambda current, on: actions.cancel(current, on=on),
        lambda current, on: actions.resume(current, on=on),
        lambda current, on: actions.cancel(current, on=on),
        lambda current, on: _record_call(current, "c-4", "GB", on),
        lambda current, _: actions.expire(current, on=current.lapses_on),
        lambda ended, on: make_purchase("berlin", "s-2", plan=large, on=on, previous=ended),
        lambda current, on: actions.cancel(current, on=on),
        lambda current, on: actions.change(current, larger, TARIFF, on=on),
        lambda current, _: actions.lapse(current, on=current.lapses_on),
        lambda ended, on: make_purchase("berlin", "s-3", plan=small_again, on=on, previous=ended),
        lambda current, on: actions.terminate(current, on=on),
    ]


def _record_call(subscription: Subscription, call_id: str, country: str, on: date) -> Decision:
    call = make_call(call_id, on, country, timedelta(minutes=3, seconds=7))
    return call_records.record_call(subscription, call, TARIFF, on=on)


def nearest_plan(offer: Offer, channels: int, bundles: int) -> Plan:
    """Return the plan of an offer that is closest to these numbers."""
    requested = max(offer.quantity.minimum, min(channels, offer.quantity.maximum))
    plan = offer.plan(channels=requested)
    most_bundles = offer.bundle.most(plan.channels) if offer.bundle else 0
    return plan.replace(bundles=min(bundles, most_bundles))

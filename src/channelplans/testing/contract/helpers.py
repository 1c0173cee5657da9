"""Decisions that the suite commits, and checks that several of its tests share.

All offers are shipped ones, and all prices are those of ``builders.TARIFF``. So
``builders.CATALOGUE`` has an edition for every decision.
"""

from collections.abc import Callable, Generator, Iterator
from datetime import date, timedelta
from typing import Final, TypeAlias, TypeVar, cast

import attrs

from channelplans.calendar import Term
from channelplans.calls import Call
from channelplans.errors import ChannelPlansError
from channelplans.money import EUR, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.plans import Offer, Plan
from channelplans.storage.ports import Revision, Store, Stored
from channelplans.subscriptions import actions
from channelplans.subscriptions.decisions import Decision, Transfer
from channelplans.subscriptions.identifiers import ProfileId
from channelplans.subscriptions.subscription import Subscription
from channelplans.subscriptions.transfers import assign_credit, deposit, expire_credit
from channelplans.subscriptions.wallets import Posting, Reason, Wallet
from channelplans.testing.builders import DAY, TARIFF
from channelplans.testing.contract.checked_store import check_equal, expect_error, walk_due

E = TypeVar("E", bound=ChannelPlansError)

#: Decides the next action on a profile's latest subscription; None before the first purchase.
_Step: TypeAlias = Callable[[Subscription | None], Decision]

ACCOUNT: Final = "acme"
BERLIN: Final = "berlin"
PARIS: Final = "paris"
ACCOUNT_WALLET: Final = Wallet(ACCOUNT)
BERLIN_WALLET: Final = Wallet(ACCOUNT, BERLIN)
#: After the end of every term in the tests, so that every running subscription is due.
DISTANT_DAY: Final = date(2090, 1, 1)
UNKNOWN_REVISION: Final = Revision("a revision that no store returns")

#: Valid identifiers that a store may confuse with each other.
UNUSUAL_IDENTIFIERS: Final = (
    *("acme", "Acme", "ACME"),
    *("a", "b", "a/b", "a\\b", "a:b", "a%2Fb", "a b"),
    *("%", "_", "'", '"', "'; DROP TABLE subscriptions; --"),
    *("{}", "None", "null", "0", "7", "007", "7.0", "1e3"),
    *("\u00e9", "e\u0301", "\u017c\u00f3\u0142\u0107", "\u65e5\u672c", "\U0001f642", "\U0001f363"),
    *("x" * 300, "x" * 299 + "y"),
)


def days(count: int) -> timedelta:
    """Return a number of days."""
    return timedelta(days=count)


def eur(amount: str) -> Money:
    """Return an amount in euros."""
    return Money.of(amount, EUR)


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


def make_assignment(amount: str, transfer: str, profile: ProfileId = BERLIN) -> Transfer:
    """Return a transfer of credit from the account's wallet to a profile's wallet."""
    return assign_credit(ACCOUNT, profile, eur(amount), transfer=transfer, on=DAY)


def make_purchase(
    profile: str = "berlin",
    subscription: str = "s-1",
    *,
    plan: Plan | None = None,
    on: date = DAY,
    previous: Subscription | None = None,
) -> Decision:
    """Return a purchase, by default of 5 channels for 39.75 EUR (5 x 6.95 and 5 for setup)."""
    return actions.buy(
        plan or SKYPE_CONNECT.plan(channels=5),
        TARIFF,
        account=ACCOUNT,
        profile=profile,
        subscription=subscription,
        on=on,
        previous=previous,
    )


def make_change(subscription: Subscription, channels: int, *, on: date = DAY) -> Decision:
    """Return a change of the number of channels."""
    return actions.change(subscription, SKYPE_CONNECT.plan(channels=channels), TARIFF, on=on)


def make_call_decision(
    subscription: Subscription, call_id: str, *, on: date | None = None
) -> Decision:
    """Record a call of three minutes to Germany, for 0.05 EUR from the profile's wallet.

    By default the call is made on the day of the latest action.
    """
    day = on or subscription.acted_on or subscription.term.start
    call = Call(call_id, "+49 30 555 0100", "DE", day, timedelta(minutes=3))
    return actions.record_call(subscription, call, TARIFF, on=day)


def make_posting(
    amount: str,
    wallet: Wallet = ACCOUNT_WALLET,
    *,
    reason: Reason = Reason.TRANSFER,
    on: date = DAY,
    term: Term | None = None,
    reference: str | None = None,
) -> Posting:
    """Return a posting in euros."""
    return Posting(wallet, eur(amount), reason, on, term, reference)


def make_transfer(transfer: str, *postings: Posting) -> Transfer:
    """Return a transfer with these postings."""
    return attrs.evolve(make_deposit("1", transfer), postings=postings)


def open_account(store: Store, credit: str = "1000") -> tuple[Decision, Revision | None]:
    """Pay in credit and buy 5 channels for profile berlin; return the purchase and its revision."""
    store.commit(make_deposit(credit), expected=None)
    decision = make_purchase()
    return decision, store.commit(decision, expected=None)


def commit_decision(
    store: Store, decision: Decision, expected: Revision | None
) -> Stored[Subscription]:
    """Commit a decision, and return its subscription with the new revision."""
    return Stored(decision.after, cast("Revision", store.commit(decision, expected=expected)))


def buy_for(store: Store, profile: str, on: date = DAY) -> Stored[Subscription]:
    """Buy 5 channels for a profile without a subscription."""
    return commit_decision(store, make_purchase(profile, f"of {profile}", on=on), None)


def stored_subscription(store: Store, profile: ProfileId) -> Stored[Subscription]:
    """Return the stored subscription of a profile.

    Raises:
        AssertionError: the store has none, although a decision on the profile was committed.
    """
    __tracebackhide__ = True
    stored = store.subscription(profile)
    if stored is None:
        raise AssertionError(
            f"subscription({profile!r}) is None, although a decision on it was committed"
        )
    return stored


def check_stored(
    store: Store, subscription: Subscription, revision: Revision | None, message: str
) -> None:
    """Check that the store returns this subscription for its profile, at this revision."""
    __tracebackhide__ = True
    expected = Stored(subscription, cast("Revision", revision))
    check_equal(expected, stored_subscription(store, subscription.profile), message)


def read_affected(store: Store, decision: Decision | Transfer) -> dict[str, object]:
    """Return everything in the store that a decision could change."""
    answers: dict[str, object] = {}
    if isinstance(decision, Decision):
        answers["subscription"] = store.subscription(decision.after.profile)
    for wallet in decision.deltas:
        answers[f"balance({wallet})"] = store.balance(wallet)
        answers[f"postings({wallet})"] = store.postings(wallet)
    answers[f"committed({decision.token})"] = store.committed(decision.token)
    answers["due"] = sorted(walk_due(store, DISTANT_DAY))
    return answers


def commit_valid(
    store: Store, decision: Decision | Transfer, message: str, *, expected: Revision | None = None
) -> Revision | None:
    """Commit a valid decision and return its revision.

    Raises:
        AssertionError: the store refuses the decision.
    """
    __tracebackhide__ = True
    try:
        return store.commit(decision, expected=expected)
    except ChannelPlansError as error:
        raise AssertionError(f"{message}\n  commit raised {error!r}: {error}") from error


def check_refused(
    store: Store,
    kind: type[E],
    decision: Decision | Transfer,
    message: str,
    *,
    expected: Revision | None = None,
) -> E:
    """Commit a decision that the store must refuse, and return the error.

    Raises:
        AssertionError: the store accepts the decision, raises an error of another class, or
            changes something.
    """
    __tracebackhide__ = True
    before = read_affected(store, decision)
    error = expect_error(kind, lambda: store.commit(decision, expected=expected), message)
    message = (
        f"commit raised {kind.__name__}, but it changed the store: finish all checks before the "
        "first write, or roll the transaction back"
    )
    check_equal(before, read_affected(store, decision), message)
    return error


def lifecycle_of(offer: Offer) -> Generator[Decision, Subscription, None]:
    """Yield decisions that together use every action which the offer allows.

    Send the stored subscription after each decision: the next decision is made for it. An action
    that the offer refuses is left out.
    """
    subscription: Subscription | None = None
    for step in _lifecycle_steps(offer):
        try:
            decision = step(subscription)
        except ChannelPlansError:
            continue
        subscription = yield decision


def _lifecycle_steps(offer: Offer) -> Iterator[_Step]:
    small_plan, large_plan, larger_plan = (
        nearest_plan(offer, 7, 0),
        nearest_plan(offer, 105, 1),
        nearest_plan(offer, 118, 2),
    )
    yield lambda _: make_purchase(plan=large_plan)
    yield _record_call("c-1", "DE")
    yield from (_record_call(f"c-2 {country}", country) for country in ("US", "GB"))
    yield from (_act_next_day(actions.change, plan, TARIFF) for plan in (larger_plan, small_plan))
    yield _act_at_end(actions.renew, TARIFF)
    yield _record_call("c-3", "US")
    yield from map(_act_next_day, (actions.cancel, actions.resume, actions.cancel))
    yield _record_call("c-4", "GB")
    yield _act_at_end(actions.expire)
    yield _buy_next_day("s-2", large_plan)
    yield _act_next_day(actions.cancel)
    yield _act_next_day(actions.change, larger_plan, TARIFF)
    yield _act_at_end(actions.lapse)
    yield _buy_next_day("s-3", Plan(small_plan.offer, small_plan.channels))
    yield _act_next_day(actions.terminate)


def nearest_plan(offer: Offer, channels: int, bundles: int) -> Plan:
    """Return the plan of an offer that is closest to these numbers."""
    requested = max(offer.quantity.minimum, min(channels, offer.quantity.maximum))
    plan = offer.plan(channels=requested)
    most_bundles = offer.bundle.most(plan.channels) if offer.bundle else 0
    return attrs.evolve(plan, bundles=min(bundles, most_bundles))


def _act_next_day(act: Callable[..., Decision], *arguments: object) -> _Step:
    return lambda subscription: act(subscription, *arguments, on=_next_day(subscription))


def _act_at_end(act: Callable[..., Decision], *arguments: object) -> _Step:
    return lambda subscription: act(
        subscription, *arguments, on=cast("Subscription", subscription).lapses_on
    )


def _buy_next_day(subscription_id: str, plan: Plan) -> _Step:
    return lambda previous: make_purchase(
        "berlin", subscription_id, plan=plan, on=_next_day(previous), previous=previous
    )


def _record_call(call_id: str, country: str) -> _Step:
    numbers = {"DE": "+49 30 555 0100", "US": "+1 212 555 0100", "GB": "+44 20 7946 0100"}

    def step(subscription: Subscription | None) -> Decision:
        on = _next_day(subscription)
        call = Call(call_id, numbers[country], country, on, timedelta(minutes=3, seconds=7))
        return actions.record_call(cast("Subscription", subscription), call, TARIFF, on=on)

    return step


def _next_day(subscription: Subscription | None) -> date:
    """Return the day after the latest action."""
    return (cast("Subscription", subscription).acted_on or DAY) + days(1)

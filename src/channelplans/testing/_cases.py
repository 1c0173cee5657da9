"""What the suite commits: decisions in one line, and a life under each offer.

Everything is of ``builders.OFFERS`` and ``builders.TARIFF``, which ``builders.CATALOGUE`` holds.
"""

from collections.abc import Callable, Generator, Iterator
from datetime import date, timedelta
from typing import Final, TypeAlias, cast

import attrs

from channelplans import lifecycle
from channelplans.calendar import Term
from channelplans.errors import ChannelPlansError
from channelplans.identifiers import AccountId, ProfileId, Revision, SubscriptionId
from channelplans.ledger import Posting, Purse, Reason
from channelplans.lifecycle import Decision
from channelplans.money import EUR, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.plans import Offer, Plan
from channelplans.storage import Store, Stored
from channelplans.subscriptions import Subscription
from channelplans.testing._asking import expect, refused, walk
from channelplans.testing.builders import DAY, TARIFF
from channelplans.usage import Call

#: A moment, or what was decided at it: given what is held, what to do.
Step: TypeAlias = Callable[[Subscription | None], Decision]

ACCOUNT: Final = AccountId("acme")
BERLIN: Final = ProfileId("berlin")
PARIS: Final = ProfileId("paris")
ACME: Final = Purse(ACCOUNT)
#: The calls of profile berlin.
CALLS: Final = Purse(ACCOUNT, BERLIN)
FAR: Final = date(2090, 1, 1)
NEVER: Final = Revision("a revision that no store has given")


def days(count: int) -> timedelta:
    """Return so many days."""
    return timedelta(days=count)


def eur(amount: str) -> Money:
    """Return an amount in euros."""
    return Money.of(amount, EUR)


def paid_in(
    amount: str | Money, transfer: str = "opening", *, purse: Purse = ACME, on: date = DAY
) -> Decision:
    """Pay credit in."""
    money = amount if isinstance(amount, Money) else eur(amount)
    return lifecycle.deposit(purse, money, transfer=transfer, on=on)


def taken(amount: str | Money, transfer: str, *, purse: Purse = ACME, on: date = DAY) -> Decision:
    """Take credit out: the plainest decision that needs some."""
    money = amount if isinstance(amount, Money) else eur(amount)
    return lifecycle.expire_credit(purse, money, transfer=transfer, on=on)


def assigned(amount: str, transfer: str, profile: ProfileId = BERLIN) -> Decision:
    """Move credit from the account to a profile: two purses in one decision."""
    return lifecycle.assign_credit(ACCOUNT, profile, eur(amount), transfer=transfer, on=DAY)


def bought(
    profile: str = "berlin",
    subscription: str = "s-1",
    *,
    plan: Plan | None = None,
    on: date = DAY,
    previous: Subscription | None = None,
) -> Decision:
    """Buy 5 channels, at 5 times 6.95 EUR and 5 EUR once: 39.75 EUR."""
    return lifecycle.buy(
        plan or SKYPE_CONNECT.plan(channels=5),
        TARIFF,
        account=ACCOUNT,
        profile=ProfileId(profile),
        subscription=SubscriptionId(subscription),
        on=on,
        previous=previous,
    )


def changed(held: Subscription, channels: int, *, on: date = DAY) -> Decision:
    """Change the number of channels."""
    return lifecycle.change(held, SKYPE_CONNECT.plan(channels=channels), TARIFF, on=on)


def used(held: Subscription, call: str, *, on: date | None = None) -> Decision:
    """Take a call of three minutes to Germany, at 0.05 EUR from the profile's purse."""
    day = on or held.acted_on or held.term.start
    made = Call(call, "+49 30 555 0100", "DE", day, timedelta(minutes=3))
    return lifecycle.use(held, made, TARIFF, on=day)


def posting(
    amount: str,
    purse: Purse = ACME,
    *,
    reason: Reason = Reason.TRANSFER,
    on: date = DAY,
    term: Term | None = None,
    reference: str | None = None,
) -> Posting:
    """Return a posting."""
    return Posting(purse, eur(amount), reason, on, term, reference)


def moved(transfer: str, *postings: Posting) -> Decision:
    """Return a decision about purses alone, with any postings."""
    return attrs.evolve(paid_in("1", transfer), postings=postings)


def after(decision: Decision) -> Subscription:
    """Return the subscription after a decision that is known to be about one."""
    return cast("Subscription", decision.after)


def open_account(store: Store, credit: str = "1000") -> tuple[Decision, Revision | None]:
    """Pay credit in, and buy 5 channels for profile berlin."""
    store.commit(paid_in(credit), expected=None)
    decision = bought()
    return decision, store.commit(decision, expected=None)


def held_by(store: Store, profile: ProfileId) -> Stored[Subscription]:
    """Return what a profile holds, where a decision about it was stored."""
    __tracebackhide__ = True
    stored = store.subscription(profile)
    if stored is None:
        raise AssertionError(
            f"subscription({profile!r}) is None, though a decision about it was committed"
        )
    return stored


def fields(error: ChannelPlansError) -> dict[str, object]:
    """Return what an error tells, by name."""
    names = (each.name for each in attrs.fields(cast("type[attrs.AttrsInstance]", type(error))))
    return {name: getattr(error, name) for name in names}


def check_held(
    store: Store, subscription: Subscription | None, revision: Revision | None, sentence: str
) -> None:
    """Check that a profile holds just this, at the revision that commit returned."""
    __tracebackhide__ = True
    expected = cast("Subscription", subscription)
    stored = Stored(expected, cast("Revision", revision))
    expect(stored, held_by(store, expected.profile), sentence)


def picture(store: Store, decision: Decision) -> dict[str, object]:
    """Return all that a store tells about what a decision touches."""
    held = decision.after and store.subscription(decision.after.profile)
    told: dict[str, object] = {"subscription": held, f"committed({decision.token})": None}
    for purse in decision.deltas:
        told[f"balance({purse})"] = store.balance(purse)
        told[f"postings({purse})"] = store.postings(purse)
    told[f"committed({decision.token})"] = store.committed(decision.token)
    return told | {"due": sorted(walk(store, FAR))}


def accept(
    store: Store, decision: Decision, sentence: str, *, expected: Revision | None = None
) -> Revision | None:
    """Return what commit returns for a decision that there is no reason to refuse."""
    __tracebackhide__ = True
    try:
        return store.commit(decision, expected=expected)
    except ChannelPlansError as error:
        raise AssertionError(f"{sentence}\n  commit raised {error!r}: {error}") from error


def refuse(
    store: Store,
    kind: type[ChannelPlansError],
    decision: Decision,
    sentence: str,
    *,
    expected: Revision | None = None,
) -> ChannelPlansError:
    """Return the error by which a decision is refused, which must change nothing at all."""
    __tracebackhide__ = True
    before = picture(store, decision)
    error = refused(kind, lambda: store.commit(decision, expected=expected), sentence)
    changed = (
        f"commit raised {kind.__name__}, but something was stored all the same: "
        "a commit is all or nothing, so look for what is written before all checks are through, "
        "and for a transaction that is not rolled back"
    )
    expect(before, picture(store, decision), changed)
    return error


def life(offer: Offer) -> Generator[Decision, Subscription, None]:
    """Yield decisions that lead a subscription of an offer through all that can happen to it.

    Each rests on the subscription that is sent in answer to the one before. What the offer does not
    let happen is left out.
    """
    held: Subscription | None = None
    for step in _life(offer):
        try:
            decision = step(held)
        except ChannelPlansError:
            continue
        held = yield decision


def _life(offer: Offer) -> Iterator[Step]:
    few, many, more = (
        nearest_plan(offer, 7, 0),
        nearest_plan(offer, 105, 1),
        nearest_plan(offer, 118, 2),
    )
    yield lambda _: bought(plan=many)
    yield _call("c-1", "DE")
    yield from (_call(f"c-2 {country}", country) for country in ("US", "GB"))
    yield from (_within(lifecycle.change, plan, TARIFF) for plan in (more, few))
    yield _at_end(lifecycle.renew, TARIFF)
    yield _call("c-3", "US")
    yield from map(_within, (lifecycle.cancel, lifecycle.resume, lifecycle.cancel))
    yield _call("c-4", "GB")
    yield _at_end(lifecycle.expire)
    yield lambda held: bought("berlin", "s-2", plan=many, on=_later(held), previous=held)
    yield _within(lifecycle.cancel)
    yield _within(lifecycle.change, more, TARIFF)
    yield _at_end(lifecycle.lapse)
    unasked = attrs.evolve(few, requested=None)
    yield lambda held: bought("berlin", "s-3", plan=unasked, on=_later(held), previous=held)
    yield _within(lifecycle.terminate)


def nearest_plan(offer: Offer, channels: int, bundles: int) -> Plan:
    """Return the nearest plan that the offer sells."""
    wanted = max(offer.quantity.minimum, min(channels, offer.quantity.maximum))
    sold = offer.plan(channels=wanted)
    most = offer.bundles.most(sold.channels) if offer.bundles else 0
    return attrs.evolve(sold, bundles=min(bundles, most))


def _within(act: Callable[..., Decision], *arguments: object) -> Step:
    return lambda held: act(held, *arguments, on=_later(held))


def _at_end(act: Callable[..., Decision], *arguments: object) -> Step:
    return lambda held: act(held, *arguments, on=cast("Subscription", held).lapses_on)


def _later(held: Subscription | None) -> date:
    """Return the day after the latest action."""
    return (cast("Subscription", held).acted_on or DAY) + days(1)


def _call(call: str, country: str) -> Step:
    numbers = {"DE": "+49 30 555 0100", "US": "+1 212 555 0100", "GB": "+44 20 7946 0100"}

    def step(held: Subscription | None) -> Decision:
        on = _later(held)
        made = Call(call, numbers[country], country, on, timedelta(minutes=3, seconds=7))
        return lifecycle.use(cast("Subscription", held), made, TARIFF, on=on)

    return step

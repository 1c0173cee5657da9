"""A plain store that holds to the contract, and stores that each break one of its promises.

Most differ from the plain one in a line or two, so that it is known what is wrong with them.
"""

import asyncio
import json
import pickle
import time
from collections import defaultdict
from contextlib import ExitStack, nullcontext
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from threading import RLock, local
from typing import Any

import attrs

from channelplans.codec import encode
from channelplans.errors import Conflict, InsufficientCredit, TokenReused
from channelplans.identifiers import Cursor, Revision
from channelplans.ledger import Purse, settle
from channelplans.money import Currency, Money
from channelplans.storage import Booked, Page, Stored
from channelplans.subscriptions import RUNNING, Action, Status


class PlainStore:
    """Each step of a commit, and each look-up, by itself; a reader waits for what is written."""

    def __init__(self):
        self.lock: Any = RLock()
        self.held, self.balances, self.booked, self.known = {}, {}, [], {}
        self.count = 0

    def subscription(self, profile, /):
        with self.reading():
            return self.held.get(profile)

    def balance(self, purse, /):
        with self.reading():
            return self.balances.get(self.key(purse))

    def reading(self):
        return self.lock

    def postings(self, purse, /, *, since=None, until=None):
        with self.reading():
            booked = [each for each in self.booked if each.posting.purse == purse]
        return [each for each in booked if self.within(each.posting.on, since, until)]

    def within(self, day, since, until):
        return (since is None or since <= day) and (until is None or day < until)

    def commit(self, decision, /, *, expected):
        with self.lock:
            known = self.known.get(decision.token)
            if known is not None and self.same(known[0], decision):
                return self.again(decision, known[1])
            for check in self.checks():
                check(decision, expected)
            return self.write(decision)

    def checks(self):
        return self.conflict, self.reused, self.credit

    def same(self, first, second):
        return first == second

    def again(self, decision, revision):
        return revision if decision.after else None

    def conflict(self, decision, expected):
        if decision.after is not None:
            stored = self.held.get(decision.after.profile)
            found = stored and stored.revision
            if found != expected:
                raise Conflict(decision.after.profile, expected, found)

    def reused(self, decision, _expected):
        if decision.token in self.known:
            raise TokenReused(decision.token)

    def credit(self, decision, _expected):
        settle(self.amounts(decision), decision.postings)

    def amounts(self, decision):
        balances = {purse: self.balances.get(self.key(purse)) for purse in decision.deltas}
        return {purse: balance for purse, balance in balances.items() if balance is not None}

    def key(self, purse):
        return purse

    def write(self, decision):
        revision = self.revision(decision)
        self.known[decision.token] = decision, revision
        self.book(decision)
        if decision.after is None:
            return None
        self.held[decision.after.profile] = Stored(self.kept(decision.after), revision)
        return revision

    def revision(self, decision):
        self.count += 1
        return Revision(f"r{self.count}")

    def book(self, decision):
        for purse, delta in decision.deltas.items():
            before = self.balances.get(self.key(purse))
            self.balances[self.key(purse)] = delta if before is None else before + delta
        for index, posting in enumerate(decision.postings):
            self.booked.append(Booked(posting, decision.token, index))

    def kept(self, subscription):
        return subscription

    def committed(self, token, /):
        with self.reading():
            known = self.known.get(token)
        return known and known[1]

    def due(self, on, /, *, cursor=None, limit=1000):
        with self.lock:
            found = sorted(
                f"{held.value.term.end}/{held.value.profile}"
                for held in self.held.values()
                if self.is_due(held.value, on)
            )
        return self.page(found, cursor, limit)

    def is_due(self, held, on):
        return held.status in RUNNING and held.term.end <= on

    def page(self, found, cursor, limit):
        rest = [each for each in found if cursor is None or each > cursor]
        return self.cut(rest, limit, Cursor(rest[limit - 1]) if len(rest) > limit else None)

    def cut(self, found, limit, cursor):
        return Page(tuple(each.partition("/")[2] for each in found[:limit]), cursor)


def pause():
    """Let the other threads go on, as a database that is asked would, and get as far."""
    time.sleep(0.02)


# Revisions


class Unlocked(PlainStore):
    """Shows what is being written to whoever looks."""

    def reading(self):
        return nullcontext()


class NoCompareAndSet(PlainStore):
    """Whatever is committed last is stored."""

    def conflict(self, decision, expected):
        pass


class NoneIsAnything(PlainStore):
    """None is taken for "do not compare"."""

    def conflict(self, decision, expected):
        if expected is not None:
            super().conflict(decision, expected)


class NoneAfterEnd(PlainStore):
    """Takes what has ended for nothing, so that None is its revision too."""

    def conflict(self, decision, expected):
        stored = decision.after and self.held.get(decision.after.profile)
        if expected is not None or not stored or stored.value.status in RUNNING:
            super().conflict(decision, expected)


class ComparesFirst(PlainStore):
    """The revision is compared before the transaction in which it is written begins."""

    def commit(self, decision, /, *, expected):
        if decision.token not in self.known:
            self.conflict(decision, expected)
        pause()
        return super().commit(decision, expected=expected)

    def checks(self):
        return self.reused, self.credit


class ReusedRevision(PlainStore):
    """Counts for each subscription, so that the next one begins anew."""

    def revision(self, decision):
        if decision.after is None:
            return super().revision(decision)
        return Revision(f"{decision.after.profile}-{decision.after.sequence}")


class RevisionOfValue(PlainStore):
    """A revision is a digest of what is stored."""

    def revision(self, decision):
        return Revision(f"{hash(decision.after)} {decision.token if not decision.after else ''}")


class ForgetsSubscriptions(PlainStore):
    """Tells of none, though it keeps revisions."""

    def subscription(self, profile, /):
        return None


class GuardsPurses(PlainStore):
    """Looks at what is expected though no subscription is guarded."""

    def conflict(self, decision, expected):
        super().conflict(decision, expected)
        if decision.after is None and expected is not None:
            raise Conflict("berlin", expected, None)


class RevisionOfPurses(PlainStore):
    """Returns a revision for a decision about purses alone."""

    def write(self, decision):
        super().write(decision)
        return self.known[decision.token][1]


# Tokens


class LostToken(PlainStore):
    """Keeps no token."""

    def write(self, decision):
        revision = super().write(decision)
        del self.known[decision.token]
        return revision


class ShortMemory(PlainStore):
    """Keeps the last four tokens."""

    def write(self, decision):
        revision = super().write(decision)
        self.known = dict(list(self.known.items())[-4:])
        return revision


class BurntToken(PlainStore):
    """Stores the token before the checks, and does not take it back."""

    def credit(self, decision, expected):
        try:
            super().credit(decision, expected)
        except InsufficientCredit:
            self.known[decision.token] = None, Revision("burnt")
            raise


class SecretlyBurntToken(PlainStore):
    """Refuses a token that was refused once, and tells nobody."""

    def __init__(self):
        super().__init__()
        self.burnt = set()

    def credit(self, decision, expected):
        if decision.token in self.burnt:
            raise TokenReused(decision.token)
        self.burnt.add(decision.token)
        super().credit(decision, expected)


class TokenAlone(PlainStore):
    """What has the same token is taken for the same."""

    def same(self, first, second):
        return True


class TokenAndSums(PlainStore):
    """What moves the same money is taken for the same."""

    def same(self, first, second):
        return first.deltas == second.deltas and first.after == second.after


class ComparesText(PlainStore):
    """Compares what is stored, letter by letter."""

    def same(self, first, second):
        return json.dumps(encode(first)) == json.dumps(encode(second))


class TokenPerProfile(PlainStore):
    """Has a unique key over profile and token."""

    def place(self, decision):
        return decision.after and decision.after.profile

    def reused(self, decision, expected):
        known, _ = self.known.get(decision.token, (decision, None))
        if self.place(known) == self.place(decision):
            super().reused(decision, expected)


class TokenPerPurse(TokenPerProfile):
    """Has a unique key over purse and token."""

    def place(self, decision):
        return decision.postings[0].purse


class EqualRefused(PlainStore):
    """A token is refused the second time, whatever comes with it."""

    def same(self, first, second):
        return False


class RevisionOfNow(PlainStore):
    """A known decision returns what is stored now."""

    def again(self, decision, revision):
        return decision.after and self.held[decision.after.profile].revision


class ForgetsTransfers(PlainStore):
    """Tells of decisions about subscriptions alone that they were committed."""

    def committed(self, token, /):
        known = self.known.get(token)
        return known[1] if known and known[0].after else None


class ChecksTokenFirst(PlainStore):
    """Looks the token up before the transaction that stores it."""

    def commit(self, decision, /, *, expected):
        if decision.token in self.known:
            return super().commit(decision, expected=expected)
        pause()
        for check in (self.conflict, self.credit):
            check(decision, expected)
        with self.lock:
            return self.write(decision)


class TokenUnderPurseLock(ChecksTokenFirst):
    """Looks the token up once it has the locks of the purses, which others do not wait for."""

    def __init__(self):
        super().__init__()
        self.locks = defaultdict(RLock)

    def commit(self, decision, /, *, expected):
        with ExitStack() as locked:
            for purse in sorted(decision.deltas, key=str):
                locked.enter_context(self.locks[purse])
            return super().commit(decision, expected=expected)


# The order of the checks


class TokenBeforeConflict(PlainStore):
    """Looks at the token first."""

    def checks(self):
        return self.reused, self.conflict, self.credit


class CreditBeforeConflict(PlainStore):
    """Looks at the credit first."""

    def checks(self):
        return self.credit, self.conflict, self.reused


class CreditBeforeToken(PlainStore):
    """Looks at the token last."""

    def checks(self):
        return self.conflict, self.credit, self.reused


class CurrencyFirst(PlainStore):
    """Looks at the currency first."""

    def checks(self):
        return self.currency, *super().checks()

    def currency(self, decision, _expected):
        for purse, balance in self.amounts(decision).items():
            assert balance + decision.deltas[purse] is not None


# Credit


class PartialCommit(PlainStore):
    """Books one purse after the other, until one is short."""

    def credit(self, decision, expected):
        for purse, delta in decision.deltas.items():
            postings = [each for each in decision.postings if each.purse == purse]
            settle(self.amounts(decision), postings)
            before = self.balances.get(purse)
            self.balances[purse] = delta if before is None else before + delta

    def book(self, decision):
        balances = dict(self.balances)
        super().book(decision)
        self.balances = balances


class ChecksCreditFirst(PlainStore):
    """Checks the balance outside the transaction that changes it."""

    def commit(self, decision, /, *, expected):
        with self.lock:
            enough = decision.token in self.known or self.credit(decision, expected)
        pause()
        assert enough in {True, None}
        return super().commit(decision, expected=expected)

    def checks(self):
        return self.conflict, self.reused


class LastWriteWins(PlainStore):
    """Writes a balance that was worked out from one read too early."""

    def commit(self, decision, /, *, expected):
        with self.lock:
            before = self.amounts(decision)
        pause()
        with self.lock:
            known = decision.token in self.known
            answer = super().commit(decision, expected=expected)
            if not known:
                self.balances |= settle(before, decision.postings)
            return answer


class NoBound(PlainStore):
    """Lets a purse go below zero."""

    def credit(self, decision, _expected):
        pass


class PostingByPosting(PlainStore):
    """Holds each posting against the balance, and not their sum."""

    def credit(self, decision, expected):
        balances = self.amounts(decision)
        for posting in decision.postings:
            balances = settle(balances, [posting])


class WrongError(PlainStore):
    """Raises an error of its own."""

    def credit(self, decision, expected):
        try:
            super().credit(decision, expected)
        except InsufficientCredit as error:
            raise ValueError("not enough") from error


class WrongPart(PlainStore):
    """Tells what the new balance would be, where what is needed is asked."""

    def credit(self, decision, expected):
        try:
            super().credit(decision, expected)
        except InsufficientCredit as error:
            raise InsufficientCredit(
                error.purse, error.needed, Decimal(0), error.needed, error.currency
            ) from None


class OneCurrency(PlainStore):
    """Compares the code of a currency and not its unit."""

    def amounts(self, decision):
        return {
            purse: Money(held.minor, decision.deltas[purse].currency)
            for purse, held in super().amounts(decision).items()
            if held.currency.code == decision.deltas[purse].currency.code
        }


class HalfDone(Unlocked):
    """Books posting by posting, for all to see."""

    def book(self, decision):
        for index, posting in enumerate(decision.postings):
            before = self.balances.get(posting.purse)
            self.balances[posting.purse] = (
                posting.amount if before is None else before + posting.amount
            )
            self.booked.append(Booked(posting, decision.token, index))
            pause()


class SoldFirst(Unlocked):
    """Writes the subscription before the money, for all to see."""

    def book(self, decision):
        if decision.after is not None:
            self.held[decision.after.profile] = Stored(
                decision.after, self.known[decision.token][1]
            )
        pause()
        super().book(decision)


class PaidFirst(Unlocked):
    """Writes the money before the subscription, for all to see."""

    def book(self, decision):
        super().book(decision)
        pause()


class TakenBack(Unlocked):
    """Writes the subscription, and takes it back where credit is missing."""

    def credit(self, decision, expected):
        if decision.before is not None or decision.after is None:
            return super().credit(decision, expected)
        profile = decision.after.profile
        self.held[profile] = Stored(decision.after, Revision("soon"))
        pause()
        try:
            super().credit(decision, expected)
        except InsufficientCredit:
            del self.held[profile]
            raise


class Snapshots(PlainStore):
    """A thread reads what there was when it looked first, until it commits something itself."""

    def __init__(self):
        super().__init__()
        self.mine = local()

    def snapshot(self):
        mine = vars(self.mine)
        if "then" not in mine:
            mine["then"] = then = PlainStore()
            with self.lock:
                then.held, then.balances = dict(self.held), dict(self.balances)
                then.booked, then.known = list(self.booked), dict(self.known)
        return mine["then"]

    def subscription(self, profile, /):
        return self.snapshot().subscription(profile)

    def balance(self, purse, /):
        return self.snapshot().balance(purse)

    def postings(self, purse, /, *, since=None, until=None):
        return self.snapshot().postings(purse, since=since, until=until)

    def commit(self, decision, /, *, expected):
        vars(self.mine).clear()
        return super().commit(decision, expected=expected)

    def committed(self, token, /):
        return self.snapshot().committed(token)

    def due(self, on, /, *, cursor=None, limit=1000):
        return self.snapshot().due(on, cursor=cursor, limit=limit)


class CachesRows(PlainStore):
    """A thread keeps the subscriptions that it has read, until it commits something itself."""

    def __init__(self):
        super().__init__()
        self.mine = local()

    def subscription(self, profile, /):
        rows = vars(self.mine)
        rows[profile] = rows.get(profile) or super().subscription(profile)
        return rows[profile]

    def commit(self, decision, /, *, expected):
        vars(self.mine).clear()
        return super().commit(decision, expected=expected)


class Deadlock(PlainStore):
    """Locks purse by purse in the order of the postings, as a database locks rows."""

    def __init__(self):
        super().__init__()
        self.locks = defaultdict(RLock)

    def commit(self, decision, /, *, expected):
        with ExitStack() as locked:
            for posting in decision.postings:
                lock = self.locks[posting.purse]
                if not lock.acquire(timeout=0.02):
                    raise RuntimeError("deadlock detected")
                locked.callback(lock.release)
                pause()
            return super().commit(decision, expected=expected)


class NoLock(PlainStore):
    """Several threads at once, and nothing keeps them apart."""

    def __init__(self):
        super().__init__()
        self.lock = nullcontext()

    def credit(self, decision, expected):
        super().credit(decision, expected)
        pause()


# Reading


class LosesRequested(PlainStore):
    """Keeps a plan without what was asked for."""

    def kept(self, subscription):
        paid = subscription.paid
        plan = attrs.evolve(paid.plan, requested=None)
        return attrs.evolve(subscription, paid=attrs.evolve(paid, plan=plan))


class LosesLines(PlainStore):
    """Keeps a quote without the lines that do not follow from its plan."""

    def kept(self, subscription):
        return attrs.evolve(subscription, paid=attrs.evolve(subscription.paid, sold=None))


class LosesPending(PlainStore):
    """Keeps no change for later."""

    def kept(self, subscription):
        return attrs.evolve(subscription, pending=None)


class WholeSeconds(PlainStore):
    """Keeps durations in seconds."""

    def kept(self, subscription):
        granted = subscription.allowance.granted
        whole = granted - granted % timedelta(seconds=1)
        allowance = attrs.evolve(subscription.allowance, granted=whole)
        return attrs.evolve(subscription, allowance=allowance)


class FloatMoney(PlainStore):
    """Keeps a balance as a number of 53 bits."""

    def balance(self, purse, /):
        held = super().balance(purse)
        return held and Money(int(float(held.minor)), held.currency)


class ForgetsZero(PlainStore):
    """Takes what holds nothing for what was never seen."""

    def balance(self, purse, /):
        return super().balance(purse) or None


class ZeroUnseen(PlainStore):
    """Takes what was never seen for what holds nothing."""

    def balance(self, purse, /):
        return super().balance(purse) or Money(0, Currency("EUR", 2))


class UnseenIsAnError(PlainStore):
    """Takes a row for granted."""

    def balance(self, purse, /):
        return self.balances[purse]


class OnePurse(PlainStore):
    """Keeps one balance for an account and its profiles."""

    def key(self, purse):
        return Purse(purse.account)


class JoinedKeys(PlainStore):
    """Joins account and profile by what may stand in either."""

    def key(self, purse):
        return f"{purse.account}/{purse.profile}"


class OneEmoji(PlainStore):
    """Takes all that is beyond the basic plane for one, as some databases do."""

    def key(self, purse):
        return "".join("?" if ord(each) > 0xFFFF else each for each in f"{purse}")


class CutsLongNames(PlainStore):
    """Keeps what a column holds, and says nothing of the rest."""

    def key(self, purse):
        return Purse(purse.account[:255], purse.profile and purse.profile[:255])


class AnyCase(PlainStore):
    """Compares identifiers as some databases do."""

    def key(self, purse):
        return f"{purse!r}".lower()


class ByDay(PlainStore):
    """Tells postings in the order of their days."""

    def postings(self, purse, /, *, since=None, until=None):
        booked = super().postings(purse, since=since, until=until)
        return sorted(booked, key=lambda each: each.posting.on)


class UntilTheEnd(PlainStore):
    """Takes ``until`` for the last day."""

    def within(self, day, since, until):
        return (since is None or since <= day) and (until is None or day <= until)


class DayOfDecision(PlainStore):
    """Looks at the day of the decision."""

    def postings(self, purse, /, *, since=None, until=None):
        booked = super().postings(purse)
        days = {each.token: self.known[each.token][0].on for each in booked}
        return [each for each in booked if self.within(days[each.token], since, until)]


class IndexOfPurse(PlainStore):
    """Counts the postings of a decision purse by purse."""

    def book(self, decision):
        super().book(decision)
        del self.booked[len(self.booked) - len(decision.postings) :]
        for purse in decision.deltas:
            there = [each for each in decision.postings if each.purse == purse]
            self.booked += [
                Booked(posting, decision.token, index) for index, posting in enumerate(there)
            ]


class ThousandPostings(PlainStore):
    """Asks a database that answers with a thousand rows at most."""

    def postings(self, purse, /, *, since=None, until=None):
        return super().postings(purse, since=since, until=until)[:1000]


class NumberedEarly(PlainStore):
    """Draws the number of its postings before it has the lock; who takes waits for that longest."""

    def __init__(self):
        super().__init__()
        self.numbers, self.number_of = count(), {}

    def commit(self, decision, /, *, expected):
        number = next(self.numbers)
        if any(delta.minor < 0 for delta in decision.deltas.values()):
            pause()
        with self.lock:
            answer = super().commit(decision, expected=expected)
            self.number_of.setdefault(decision.token, number)
            return answer

    def postings(self, purse, /, *, since=None, until=None):
        booked = super().postings(purse, since=since, until=until)
        return sorted(booked, key=lambda each: self.number_of[each.token])


class NoSequence(PlainStore):
    """Gives something that can be gone through once."""

    def postings(self, purse, /, *, since=None, until=None):
        return iter(super().postings(purse, since=since, until=until))


class NoDue(PlainStore):
    """Is short of a method."""

    due: Any = None


# What is due


class DueTooLate(PlainStore):
    """Takes the end of a term for its last day."""

    def is_due(self, held, on):
        return held.status in RUNNING and held.term.end < on


class SecondsIn32Bits(PlainStore):
    """Takes what ends after 2038 for what ends then."""

    def is_due(self, held, on):
        return held.status in RUNNING and min(held.term.end, date(2038, 1, 19)) <= on


class DueThoughEnded(PlainStore):
    """Looks at the days alone."""

    def is_due(self, held, on):
        return held.term.end <= on


class DueIfActive(PlainStore):
    """Forgets what was cancelled."""

    def is_due(self, held, on):
        return held.status is Status.ACTIVE and held.term.end <= on


class EndOfPurchase(PlainStore):
    """Keeps the end of a term beside a subscription, and forgets it when that is changed."""

    def __init__(self):
        super().__init__()
        self.ends = {}

    def write(self, decision):
        if decision.after is not None and decision.action is not Action.CHANGE:
            self.ends[decision.after.profile] = decision.after.term.end
        return super().write(decision)

    def is_due(self, held, on):
        return held.status in RUNNING and self.ends[held.profile] <= on


class HundredDue(PlainStore):
    """Asks a database that answers with a hundred rows at most."""

    def page(self, found, cursor, limit):
        return super().page(found[:100], cursor, limit)


class SkipsRows(PlainStore):
    """A cursor counts what was told, and so a page is forgotten when that is renewed."""

    def page(self, found, cursor, limit):
        rest = found[int(cursor or 0) :]
        more = Cursor(f"{int(cursor or 0) + limit}") if len(rest) > limit else None
        return self.cut(rest, limit, more)


class ForgetsTheDay(PlainStore):
    """A cursor is a day, and what else is due on that day is passed by."""

    def page(self, found, cursor, limit):
        rest = [each for each in found if cursor is None or each.partition("/")[0] > cursor]
        more = Cursor(rest[limit - 1].partition("/")[0]) if len(rest) > limit else None
        return self.cut(rest, limit, more)


class CursorMustBeDue(PlainStore):
    """Looks for the cursor's own profile, and begins anew without it."""

    def page(self, found, cursor, limit):
        if cursor is not None and cursor not in found:
            return Page((), None)
        return super().page(found, cursor, limit)


class LongPages(PlainStore):
    """Gives one profile too many."""

    def cut(self, found, limit, cursor):
        return super().cut(found, limit + 1, cursor)


class EndlessWalk(PlainStore):
    """The last page leads to itself."""

    def page(self, found, cursor, limit):
        page = super().page(found, cursor, limit)
        return attrs.evolve(page, next=page.next or Cursor("0"))


class SlashInProfile(PlainStore):
    """Reads a profile back from a cursor up to the next separator."""

    def cut(self, found, limit, cursor):
        return Page(tuple(each.split("/")[1] for each in found[:limit]), cursor)


# Opened again


class FileStore(PlainStore):
    """Writes all that it holds to a file after each commit."""

    def __init__(self, path):
        super().__init__()
        self.path = path
        if path.exists():
            self.load(pickle.loads(path.read_bytes()))

    def load(self, found):
        vars(self).update(found)

    def write(self, decision):
        revision = super().write(decision)
        self.path.write_bytes(pickle.dumps(self.saved()))
        return revision

    def saved(self):
        names = ("held", "balances", "booked", "known", "count")
        return {name: getattr(self, name) for name in names}


class NeverCommits(FileStore):
    """Writes nothing."""

    def saved(self):
        return {}


class CountsAnew(FileStore):
    """Counts revisions from when it was opened."""

    def load(self, found):
        super().load(found | {"count": 0})


class ForgetsTokens(FileStore):
    """Knows the tokens of what it committed itself."""

    def load(self, found):
        super().load(found | {"known": {}})


# Awaited


class AwaitedStore:
    """The plain store, awaited."""

    def __init__(self):
        self.store = PlainStore()

    async def subscription(self, profile, /):
        return self.store.subscription(profile)

    async def balance(self, purse, /):
        return self.store.balance(purse)

    async def postings(self, purse, /, *, since=None, until=None):
        return self.store.postings(purse, since=since, until=until)

    async def commit(self, decision, /, *, expected):
        await asyncio.sleep(0)
        return self.store.commit(decision, expected=expected)

    async def committed(self, token, /):
        return self.store.committed(token)

    async def due(self, on, /, *, cursor=None, limit=1000):
        return self.store.due(on, cursor=cursor, limit=limit)


class AwaitedFile(AwaitedStore):
    """The store in a file, awaited."""

    def __init__(self, path):
        self.store = FileStore(path)


class NotAsync(AwaitedStore):
    """One method answers at once."""

    def balance(self, purse, /):
        return self.store.balance(purse)


class MissingAwait(AwaitedStore):
    """One method returns what it should have awaited."""

    async def balance(self, purse, /):
        return super().balance(purse)


class ForgottenFuture(AwaitedStore):
    """One method returns a future that it should have awaited."""

    async def balance(self, purse, /):
        return asyncio.get_running_loop().create_future()


class AwaitsInBetween(AwaitedStore):
    """Lets others go first between the check and the change, and has no lock for coroutines."""

    async def commit(self, decision, /, *, expected):
        known = decision.token in self.store.known
        if not known:
            self.store.conflict(decision, expected)
            self.store.credit(decision, expected)
        await asyncio.sleep(0.02)
        if known:
            return self.store.commit(decision, expected=expected)
        return self.store.write(decision)


class CancelledHalfway(AwaitedStore):
    """Writes one thing after the other, and a task that is cancelled leaves what it has written."""

    def __init__(self):
        super().__init__()
        self.lock = asyncio.Lock()

    async def commit(self, decision, /, *, expected):
        async with self.lock:
            store = self.store
            if decision.token in store.known or decision.after is None:
                return store.commit(decision, expected=expected)
            for check in store.checks():
                check(decision, expected)
            store.book(decision)
            await asyncio.sleep(0)
            revision = store.revision(decision)
            store.known[decision.token] = decision, revision
            store.held[decision.after.profile] = Stored(decision.after, revision)
            return revision


class LockedForEver(AwaitedStore):
    """Takes a lock that a task which is cancelled does not release."""

    def __init__(self):
        super().__init__()
        self.lock = asyncio.Lock()

    async def commit(self, decision, /, *, expected):
        await self.lock.acquire()
        await asyncio.sleep(0)
        try:
            return self.store.commit(decision, expected=expected)
        finally:
            self.lock.release()

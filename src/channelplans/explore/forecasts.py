"""What a forecast of an account says: its entries, what fails first, and how much to deposit.

How a forecast is computed is known to ``forecasting``, not here.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import date, timedelta
from types import MappingProxyType
from typing import Final

import attrs

from channelplans._checks import bounded
from channelplans._constructors import checked
from channelplans._display import (
    DisplayMixin,
    Folded,
    Part,
    RecordsMixin,
    Table,
    clock,
    counted,
    make_long_table,
)
from channelplans.calendar import Term
from channelplans.calls import Call
from channelplans.errors import InsufficientCredit, InvalidValue, cut, quoted
from channelplans.money import Money, columns, same_currency
from channelplans.plans import Plan, quantity_columns
from channelplans.storage._synchronous import run_at_once
from channelplans.subscriptions.identifiers import AccountId, ProfileId
from channelplans.subscriptions.subscription import Action
from channelplans.subscriptions.wallets import Posting, Reason, Wallet, signed

__all__ = ["DailyCalls", "Forecast", "ForecastEntry", "ForecastRun", "Overdraft"]

#: The largest number of equal calls of a profile in a day.
MOST_CALLS: Final = 10**6

#: The number of problems that the text shows, and of those that the reader can open. The same for
#: overdrawn wallets.
_SHOWN_PROBLEMS: Final = 5
_MOST_PROBLEMS: Final = _SHOWN_PROBLEMS + 200


@checked
@attrs.frozen(repr=False)
class DailyCalls(DisplayMixin):
    """Calls that a profile is assumed to make on each day.

    Attributes:
        profile: the profile that makes the calls.
        destination: where they go, as in ``Call``, such as ``US``.
        duration: how long each of them lasts.
        count: the number of calls in a day, from 1 to a million.
        number: the number that is dialled. By default it is a national number that no special
            prefix matches, so the rate of the destination applies.

    Raises:
        InvalidValue: the count is out of bounds, the duration is negative, or the number is not a
            telephone number.

    >>> from datetime import timedelta
    >>> from channelplans.explore import DailyCalls
    >>> print(DailyCalls("berlin", "US", timedelta(minutes=3), count=40))
    40 calls a day of profile 'berlin' to 'US', 0:03:00 each
    """

    profile: ProfileId
    destination: str
    duration: timedelta
    count: int = 1
    number: str = "0"

    def __attrs_post_init__(self) -> None:
        bounded("count", self.count, 1, MOST_CALLS)
        self.on(date.min)  # raises an error if there is no such call

    def on(self, day: date) -> Call:
        """Return one of the calls of a day.

        Args:
            day: the civil day on which the call begins.

        >>> from datetime import date, timedelta
        >>> from channelplans.explore import DailyCalls
        >>> print(DailyCalls("berlin", "US", timedelta(minutes=3)).on(date(2026, 1, 5)))
        2026-01-05 call 'assumed' to 0 ('US'), 0:03:00
        """
        return Call("assumed", self.number, self.destination, day, self.duration)

    def _describe(self) -> tuple[str]:
        calls = f"{counted(self.count, 'call')} a day of profile {quoted(self.profile)}"
        return (f"{calls} to {quoted(self.destination)}, {clock(self.duration)} each",)


def _compare_errors(error: Exception | None) -> tuple[type, str] | None:
    """Return what makes two errors equal: their class and their message."""
    return None if error is None else (type(error), str(error))


@checked
@attrs.frozen(repr=False)
class ForecastEntry(RecordsMixin):
    """The action of a run on one profile on a day, and the charges of that action.

    The assumed calls of a profile on a day are one entry, if they cost something.

    Attributes:
        day: the day of the run.
        profile: the profile.
        action: RENEW, LAPSE, EXPIRE or RECORD_CALL. None means that a renewal is not paid on its
            due date. It is tried again on each day on which credit arrives, and then it lapses.
        plan: the plan after the action.
        term: the term that is paid for; if nothing is paid, the term that ends.
        postings: the money that moves, as the run would book it.
        amount: the change of the account's wallet, below zero for a charge.
        balance: the balance of the account's wallet afterwards; None if it is not known.
        error: what was missing: credit, a price, or a plan that is sold. None if nothing was.
    """

    day: date
    profile: ProfileId
    action: Action | None
    plan: Plan
    term: Term
    postings: tuple[Posting, ...]
    amount: Money
    balance: Money | None = None
    error: Exception | None = attrs.field(default=None, eq=_compare_errors)

    @property
    def lacks_credit(self) -> bool:
        """Whether the credit did not cover everything.

        A renewal was not paid in full on its due date, a call was refused, or a call left the
        account's wallet below zero.
        """
        if isinstance(self.error, InsufficientCredit):
            return True
        is_overdrawn = self.balance is not None and self.balance.minor < 0
        return is_overdrawn and self.amount.minor < 0

    @property
    def is_renewal(self) -> bool:
        """Whether a term is renewed, or is not renewed because something is missing."""
        return self.action not in (Action.RECORD_CALL, Action.EXPIRE)

    def to_records(self) -> list[dict[str, object]]:
        """Return the entry as one plain row."""
        row: dict[str, object] = {
            "day": self.day,
            "profile": self.profile,
            "action": self.action and self.action.value,
            **quantity_columns(self.plan),
            "bundles": self.plan.bundles,
            "term_start": self.term.start,
            "term_end": self.term.end,
            "currency": self.amount.currency.code,
        }
        row |= columns(amount=self.amount, balance=self.balance)
        return [{**row, "error": self.error and str(self.error)}]

    @property
    def result(self) -> str:
        """What happens, in words, such as ``renew`` or ``not paid``."""
        is_credit_missing = isinstance(self.error, InsufficientCredit)
        if self.action is None:
            return "not paid" if is_credit_missing else "not possible"
        if self.action is Action.RECORD_CALL:
            return "calls, some refused" if is_credit_missing else "calls"
        without = " without bundles" if self.action is Action.RENEW and self.error else ""
        return f"{self.action.value}{without}"

    def _describe(self) -> tuple[str]:
        amount = f", {signed(self.amount)}" if self.amount else ""
        reason = f"; {self.error}" if self.error else ""
        profile = f"profile {quoted(self.profile)}, {self.plan}"
        return (f"{self.day}: {self.result}, {profile}, {self.term}{amount}{reason}",)


@checked
@attrs.frozen(repr=False)
class Overdraft(DisplayMixin):
    """A profile's wallet that assumed calls leave below zero (H13, F 7.3).

    The account's wallet pays overage. The profile's wallet pays every other call, also all calls of
    a profile without bundles. Most offers let it end below zero, see ``CallRule.may_overdraw``.

    Attributes:
        wallet: the profile's wallet.
        since: the first day on which a call leaves the wallet below zero.
        missing: what the wallet lacks at the end of the forecast, above zero.
        on: the last day of the forecast.

    >>> from datetime import date
    >>> from channelplans import EUR, Money, Wallet
    >>> from channelplans.explore import Overdraft
    >>> june_3, june_30 = date(2026, 6, 3), date(2026, 6, 30)
    >>> print(
    ...     Overdraft(Wallet("acme", "berlin"), june_3, Money.of("70", EUR), june_30)
    ... )  # doctest: +NORMALIZE_WHITESPACE
    The calls cost 70.00 EUR more than the wallet of profile 'berlin' has:
    it is below zero from 2026-06-03 on, and at -70.00 EUR on 2026-06-30.
    """

    wallet: Wallet
    since: date
    missing: Money
    on: date

    def _describe(self) -> tuple[str]:
        name = f"the wallet of profile {quoted(self.wallet.profile or '')}"
        balance = f"it is below zero from {self.since} on, and at {-self.missing} on {self.on}"
        return (f"The calls cost {self.missing} more than {name} has: {balance}.",)


@checked
@attrs.frozen(repr=False)
class Forecast(RecordsMixin):
    """What will be charged to an account, and until when its credit lasts.

    If the balance is not known, every charge counts as paid.

    Attributes:
        account: the account.
        since: the first day.
        until: the first day that is left out.
        opening: the balance of the account's wallet on the first day, before the run of that day;
            None if it is not known.
        entries: the actions and charges of the run of each day, in the order of the runs.
        top_up: the smallest deposit on the first day with which the account's wallet pays its
            charges in full: each renewal on its due date, and the overage. Zero if the credit is
            enough. If the balance is not known, all the credit that is needed. It does not pay the
            calls that are charged to the profiles' wallets; see ``overdrafts``.
        overdrafts: the profiles' wallets that the assumed calls leave below zero, and what each
            lacks at the end. A wallet whose balance is not known is not among them.

    Raises:
        InvalidValue: ``until`` is not after ``since``, or an entry is on another day.
        CurrencyMismatch: an amount is in another currency than ``top_up``.
    """

    account: AccountId
    since: date
    until: date
    opening: Money | None
    entries: tuple[ForecastEntry, ...]
    top_up: Money
    overdrafts: tuple[Overdraft, ...] = ()

    def __attrs_post_init__(self) -> None:
        if self.until <= self.since:
            raise InvalidValue("until", str(self.until), f"after the first day, {self.since}")
        if self.opening is not None:
            same_currency(self.top_up.currency, self.opening.currency)
        for entry in self.entries:
            same_currency(self.top_up.currency, entry.amount.currency)
            if not self.since <= entry.day < self.until:
                expected = f"from {self.since} to {self.until}"
                raise InvalidValue("entries", f"on {entry.day}", expected)
        for overdraft in self.overdrafts:
            same_currency(self.top_up.currency, overdraft.missing.currency)

    @property
    def postings(self) -> tuple[Posting, ...]:
        """The postings of all entries: what will be charged."""
        return tuple(posting for entry in self.entries for posting in entry.postings)

    @property
    def charged(self) -> Money:
        """What the account's wallet pays, less what it receives by renewals and calls."""
        return -sum((entry.amount for entry in self.entries), start=0 * self.top_up)

    @property
    def charged_to_profiles(self) -> Money:
        """What the profiles' wallets pay: every call that is not paid by minutes or as overage."""
        amounts = (posting.amount for posting in self.postings if posting.wallet.profile)
        return -sum(amounts, start=0 * self.top_up)

    @property
    def closing(self) -> Money | None:
        """The balance of the account's wallet after the last entry; None if it is not known."""
        return self.entries[-1].balance if self.entries else self.opening

    @property
    def runs_dry_on(self) -> date | None:
        """The first day on which the account's wallet cannot pay something; None if it can pay all.

        A call can also leave the wallet below zero; that counts too.
        """
        return next((entry.day for entry in self.entries if entry.lacks_credit), None)

    @property
    def fails_first(self) -> ForecastEntry | None:
        """The first renewal that the account's wallet cannot pay in full; None if it can pay all.

        If several renewals fail on that day, the result is the renewal that a run tries first.
        """
        failing = (entry for entry in self.entries if entry.is_renewal and entry.lacks_credit)
        return next(failing, None)

    @property
    def ends_on(self) -> date | None:
        """The day of the last lapse or end, if no profile with entries is renewed after it.

        None if the forecast leaves a profile to renew, or has no entries.
        """
        latest = {entry.profile: entry for entry in self.entries}
        if any(entry.action not in (Action.LAPSE, Action.EXPIRE) for entry in latest.values()):
            return None
        return max((entry.day for entry in latest.values()), default=None)

    @property
    def problems(self) -> tuple[ForecastEntry, ...]:
        """The renewals that fail for another reason than credit, such as a missing price."""
        failing = (entry for entry in self.entries if entry.action is None)
        return tuple(entry for entry in failing if not isinstance(entry.error, InsufficientCredit))

    @property
    def balances(self) -> Mapping[date, Money]:
        """The balance of the account's wallet at the end of each day that has entries.

        It is empty if the balance is not known.
        """
        return MappingProxyType(
            {entry.day: entry.balance for entry in self.entries if entry.balance is not None}
        )

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each entry."""
        return [row for entry in self.entries for row in entry.to_records()]

    def _describe(self) -> Iterator[Part]:
        yield self._describe_charges()
        yield self._describe_credit()
        yield from _describe_list(
            tuple(map(str, self.overdrafts[:_MOST_PROBLEMS])),
            len(self.overdrafts),
            "overdrawn wallet",
            "overdrafts",
        )
        problems = self.problems
        lines = tuple(map(_describe_problem, problems[:_MOST_PROBLEMS]))
        yield from _describe_list(lines, len(problems), "problem", "problems")
        if self.entries:
            yield self._make_table()

    def _describe_charges(self) -> str:
        wallet, days = Wallet(self.account), f"from {self.since} to {self.until}"
        renewals = f"{counted(self._renewals, 'renewal')}, {self.charged}"
        sentence = f"Forecast of {wallet} {days}: {renewals}"
        calls = self.charged_to_profiles
        return f"{sentence}; the profiles' own wallets pay {calls}" if calls else sentence

    @property
    def _renewals(self) -> int:
        return sum(entry.action is Action.RENEW for entry in self.entries)

    def _describe_credit(self) -> str:
        charges = self._name_charges()
        if self.opening is None:
            unknown = f"The balance is not known. Credit needed on {self.since}"
            return f"{unknown} for {charges}: {self.top_up}."
        balance, first = f"The balance is {self.opening}", self.runs_dry_on
        failing = self.fails_first
        if failing is None and not self.top_up:
            return f"{balance} and is enough for {charges}.{self._describe_refused_call()}"
        sentence = f"{balance} and is not enough from {first} on."
        if failing is not None:
            day = "" if failing.day == first else f" on {failing.day}"
            sentence += f" The renewal of profile {quoted(failing.profile)} fails first{day}."
        if self.top_up:
            payment = f"A deposit of {self.top_up} on {self.since}"
            sentence += f" {payment} pays all charges of the account's wallet before {self.until}."
        return sentence

    def _describe_refused_call(self) -> str:
        """Return the first call that a profile's wallet cannot pay; nothing if it can pay all."""
        for entry in self.entries:
            if entry.lacks_credit:
                wallet = f"wallet of profile {quoted(entry.profile)}"
                return f" The {wallet} cannot pay all calls of {entry.day}."
        return ""

    def _name_charges(self) -> str:
        """Name what the account's wallet pays."""
        has_overage = any(posting.reason is Reason.OVERAGE for posting in self.postings)
        return "the renewals and the overage" if has_overage else "the renewals"

    def _make_table(self) -> Table:
        headings: tuple[str, ...] = ("day", "profile", "result", "plan", "term", "amount")
        if self.opening is not None:
            headings = (*headings, "balance")
        groups = _group_calls(self.entries)
        has_sums = len(groups) < len(self.entries)
        return make_long_table(
            headings,
            groups,
            lambda group: _make_row(group)[: len(headings)],
            right=("amount", "balance"),
            caption=f"What happens, day by day{'; the calls of a term in one row' * has_sums}",
        )


def _group_calls(entries: Sequence[ForecastEntry]) -> Sequence[Sequence[ForecastEntry]]:
    """Return the entries by row: the calls of a profile in a term together, at their last day."""
    groups: dict[object, list[ForecastEntry]] = {}
    for number, entry in enumerate(entries):
        is_calls = entry.action is Action.RECORD_CALL
        key = (entry.profile, entry.term, entry.result) if is_calls else number
        # Taken out first, so that the row moves behind those of the days in between.
        group = groups.pop(key, [])
        group.append(entry)
        groups[key] = group
    return tuple(groups.values())


def _make_row(group: Sequence[ForecastEntry]) -> tuple[str, ...]:
    first, last = group[0], group[-1]
    amount = sum((entry.amount for entry in group), start=0 * last.amount)
    return (
        str(last.day) if first.day == last.day else f"{first.day} to {last.day}",
        cut(last.profile),
        last.result + _describe_paid_by_profile(group),
        str(last.plan),
        str(last.term),
        f"{amount.amount:+f}" if amount else "",
        "" if last.balance is None else f"{last.balance.amount:f}",
    )


def _describe_paid_by_profile(group: Sequence[ForecastEntry]) -> str:
    """Return what the profile's wallet pays of some entries, such as ``; the profile pays 5``."""
    postings = (posting for entry in group for posting in entry.postings if posting.wallet.profile)
    paid = -sum((posting.amount for posting in postings), start=0 * group[0].amount)
    return f"; the profile pays {paid}" if paid else ""


def _describe_list(lines: tuple[str, ...], count: int, noun: str, source: str) -> Iterator[Part]:
    """Yield the first lines of a list, how many more there are, and some that can be opened.

    Args:
        lines: the lines that can be shown, at most 205.
        count: the number of all lines.
        noun: what a line is about.
        source: the property that has all.
    """
    yield from lines[:_SHOWN_PROBLEMS]
    if count > _SHOWN_PROBLEMS:
        yield f"and {counted(count - _SHOWN_PROBLEMS, f'more {noun}')}; {source} has all"
        folded = lines[_SHOWN_PROBLEMS:]
        yield Folded(f"The next {counted(len(folded), noun)}", folded, printed=False)


def _describe_problem(entry: ForecastEntry) -> str:
    return f"Profile {quoted(entry.profile)} cannot be renewed on {entry.day}: {entry.error}"


class ForecastRun(Iterator[ForecastEntry]):
    """The entries of a forecast, one at a time; each is computed when you ask for it.

    ``iter_forecast`` and ``iter_forecast_account`` return it. It has a length hint for progress
    bars: about how many renewals and days with calls are left.
    """

    def __init__(
        self,
        entries: AsyncIterator[tuple[ForecastEntry, int]],
        left: int,
        opening: Money | None,
        zero: Money,
    ) -> None:
        self._entries, self._left, self._opening = entries, left, opening
        self._charged = zero
        self._runs_dry_on: date | None = None
        self._fails_first: ForecastEntry | None = None

    def __next__(self) -> ForecastEntry:
        try:
            entry, self._left = run_at_once(anext(self._entries))
        except StopAsyncIteration:
            self._left = 0
            raise StopIteration from None
        self._charged -= entry.amount
        if entry.lacks_credit:
            self._runs_dry_on = self._runs_dry_on or entry.day
            if entry.is_renewal:
                self._fails_first = self._fails_first or entry
        return entry

    def __length_hint__(self) -> int:
        return self._left

    @property
    def opening(self) -> Money | None:
        """The balance of the account's wallet on the first day; None if it is not known."""
        return self._opening

    @property
    def charged(self) -> Money:
        """What the account's wallet has paid so far, less what it has received."""
        return self._charged

    @property
    def runs_dry_on(self) -> date | None:
        """The first day so far on which the account's wallet could not pay something."""
        return self._runs_dry_on

    @property
    def fails_first(self) -> ForecastEntry | None:
        """The first renewal so far that the account's wallet could not pay in full."""
        return self._fails_first

"""Tell an account's story from a file: python examples/tour.py [FILE ...].

Without a file it tells the two beside it, in turn. Their format is this example's own. The library
reads no files and no clock: everything it is told here comes from the file, and everything that
happens is done at a desk over a store in memory.
"""

import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import attrs

import channelplans as cp
from channelplans import offers
from channelplans.tables import Table, clock


class Mistake(Exception):
    """What is wrong with the file, in one sentence."""


@contextmanager
def at(place: str) -> Iterator[None]:
    """Say at which place of the file something was wrong."""
    try:
        yield
    except (OverflowError, Mistake, cp.ChannelPlansError) as error:
        raise Mistake(f"{place}: {error}") from error


@attrs.frozen
class Entry:
    """A table of the file; to lack what is needed, or to hold what nobody takes, is a mistake."""

    place: str
    table: dict[str, Any]

    @contextmanager
    def whole(self) -> Iterator["Entry"]:
        """Take all that is in the table; what is wrong with it is wrong at its place."""
        with at(self.place):
            yield self
            self.done()

    def done(self) -> None:
        """Refuse what nobody took."""
        if self.table:
            raise Mistake(f"unknown key {next(iter(self.table))!r}")

    def take(self, key: str, kind: type, default: Any = None) -> Any:
        """Take a value of just this type out of the table; an instant is no day."""
        value = self.table.pop(key, default)
        if value is None:
            raise Mistake(f"needs {key!r}")
        if type(value) is not kind:
            raise Mistake(f"{key} must be of type {kind.__name__}, not {value!r}")
        return value

    def count(self, key: str, default: int | None = None) -> int:
        """Take a number of things, of which there are some and not too many for a story."""
        number: int = self.take(key, int, default)
        if not 1 <= number <= 10_000:
            raise Mistake(f"{key} must be 1 to 10,000, not {number}")
        return number

    def entries(self, key: str) -> list["Entry"]:
        """Take a list of tables out of the table."""
        tables = self.take(key, list, [])
        if not all(isinstance(table, dict) for table in tables):
            raise Mistake(f"{key} must be a list of tables: [[{key}]]")
        return [Entry(f"{key}[{number}]", table) for number, table in enumerate(tables, 1)]


@attrs.frozen
class Office:
    """A place with people, and the profiles that carry their calls."""

    profiles: list[cp.ProfileId]
    advice: cp.Suggestion


#: What an event may say, each a method of the story.
EVENTS = ("deposit", "assign", "order", "change", "cancel")


@attrs.frozen
class Story:
    """What a file tells, and the desk where it happens."""

    account: cp.AccountId
    offer: cp.Offer
    tariff: cp.Tariff
    offices: dict[str, Office]
    events: dict[date, list[Entry]]
    calls: dict[date, list[Entry]]
    store: cp.MemoryStore
    desk: cp.Desk

    def tell(self) -> None:
        """Tell the story day by day: first what ends on a day, then what was done on it."""
        days, terms = list(self.events), f"{self.offer.name} ({self.offer.edition})"
        print(f"The story of account {self.account}, {days[0]} to {days[-1]}, under {terms},")
        print(f"at {self.tariff.name}: who was advised what, what happened, and what it cost.")
        heading(f"{self.account}: what each office was advised")
        self.print_advice()
        heading("What happened")
        for day, events in self.events.items():
            self.end_terms(day)
            for event in events:
                with event.whole():
                    self.happen(event, day)
            if self.calls[day]:
                self.print_usage(self.calls[day], day)
        self.print_accounts()

    def print_advice(self) -> None:
        """Print what each office was advised, and by which guideline."""
        rows = []
        for name, office in self.offices.items():
            advice, to_buy = office.advice, " + ".join(map(str, office.advice.profiles))
            counts = (f"{advice.employees:,}", f"{advice.needed:,}", to_buy)
            rows.append((name, *counts, f"{advice.blocking:.2%}"))
        headings = ("office", "employees", "channels needed", "to buy", "calls refused")
        print(f"{Table(headings, tuple(rows), right=headings[1:])}\n\nBy {cp.DEFAULT}.")
        print("A call that is refused on one profile tries the next.")

    def end_terms(self, day: date) -> None:
        """Renew, lapse or end whatever term is over on a day."""
        for outcome in self.desk.run_due(on=day):
            if outcome.failed:
                raise Mistake(str(outcome))
            if outcome.error:
                print(f"{day}: no renewal of {outcome.profile} as it was: {outcome.error}.")
            if outcome.decision:
                print(outcome.decision)
            print()

    def happen(self, event: Entry, day: date) -> None:
        """Do what the event says; a quote is shown before, and a notice once."""
        key = next((key for key in EVENTS if key in event.table), None)
        if key is None:
            raise Mistake(f"does nothing; it could {', '.join(EVENTS)}")
        for preview in getattr(self, key)(event, event.take(key, str), day):
            before, after = preview.decision.before, preview.decision.after
            paid = after.paid if after and not (before and before.paid == after.paid) else None
            if paid:
                if before and before.term == paid.term:  # amended, and not bought anew
                    print(f"Paid for this term so far: {before.paid.total}.")
                print(paid)
            done = self.desk.commit(preview)
            untold = tuple(each for each in done.notices if not paid or each not in paid.notices)
            print(f"{attrs.evolve(done, notices=untold)}\n")

    def deposit(self, event: Entry, amount: str, day: date) -> Iterator[cp.Preview]:
        """Pay credit into the account."""
        purse, money = cp.Purse(self.account), cp.Money.of(amount, self.tariff.currency)
        yield self.desk.preview.deposit(purse, money, transfer=event.place, on=day)

    def assign(self, event: Entry, amount: str, day: date) -> Iterator[cp.Preview]:
        """Move credit from the account to a profile."""
        profile, money = event.take("profile", str), cp.Money.of(amount, self.tariff.currency)
        assign = self.desk.preview.assign_credit
        yield assign(self.account, profile, money, transfer=event.place, on=day)

    def order(self, event: Entry, name: str, day: date) -> Iterator[cp.Preview]:
        """Buy what an office asks for, or what it was advised, on each of its profiles."""
        if name not in self.offices:
            raise Mistake(f"orders for an unknown office, {name!r}")
        office = self.offices[name]
        bundles, asked = event.take("bundles", int, 0), event.take("channels", int, 0)
        wanted = (asked,) if asked else office.advice.profiles
        if len(wanted) != len(office.profiles):
            raise Mistake(f"{name} needs {len(wanted)} profiles and names {len(office.profiles)}")
        buy = partial(self.desk.preview.buy, account=self.account, on=day)
        for profile, channels in zip(office.profiles, wanted, strict=True):
            if asked:
                print(cp.normalize_quantity(asked, self.offer.quantity))
            plan = self.offer.plan(channels=channels, bundles=bundles)
            yield buy(plan, profile=profile, subscription=cp.SubscriptionId(f"{profile} {day}"))

    def change(self, event: Entry, profile: str, day: date) -> Iterator[cp.Preview]:
        """Change what a profile holds."""
        held = self.held(profile)
        channels, bundles = event.take("channels", int), event.take("bundles", int, 0)
        plan = held.plan.offer.plan(channels=channels, bundles=bundles)
        preview = self.desk.preview.change(held.profile, plan, on=day)
        after = preview.decision.after
        if after and after.term != held.term:  # bought anew, and not amended
            print(cp.refund(held.paid, on=day, allowance=held.allowance))
        yield preview

    def cancel(self, _: Entry, profile: str, day: date) -> Iterator[cp.Preview]:
        """Cancel what a profile holds."""
        yield self.desk.preview.cancel(self.held(profile).profile, on=day)

    def print_usage(self, calls: list[Entry], day: date) -> None:
        """Take a day's calls from minutes and purses, and print what they came to."""
        rows = []
        for call in calls:
            with call.whole():
                rows.append(self.use(call, day))
        headings = ("calls", "to", "how many", "counted", "from minutes", "charged", "cost")
        print(f"{day}: the day's calls, durations in hours, cost in {self.tariff.currency.code}.")
        print(Table(headings, tuple(rows), right=headings[2:]))
        for held in self.subscriptions():
            if held.allowance.used:
                print(f"Minutes of {held.profile}: {held.allowance}.")
        print()

    def use(self, call: Entry, day: date) -> tuple[str, ...]:
        """Take a call, and as many like it as it stands for; return what they came to."""
        name, repeat = call.take("id", str), call.count("repeat", 1)
        before = self.held(call.take("profile", str))
        number, country = call.take("number", str), call.take("country", str)
        duration = timedelta(seconds=call.take("seconds", int))
        paid = cp.Money(0, self.tariff.currency)
        for copy in range(repeat):
            made = cp.Call(f"{name}-{copy}", number, country, day, duration)
            decision = self.desk.use(before.profile, made, on=day)
            if decision is None:
                raise Mistake(f"call {made.id!r} has happened already")
            paid = sum((-posting.amount for posting in decision.postings), start=paid)
        counted = cp.billable(duration, before.plan.offer.calls) * repeat
        included = before.allowance.remaining - self.held(before.profile).allowance.remaining
        durations = map(clock, (counted, included, counted - included))
        return (name, number, str(repeat), *durations, str(paid.amount))

    def print_accounts(self) -> None:
        """Print every purse's statement, which adds up to what it holds, and what renews next."""
        heading("Statements")
        for purse, balance in self.store.snapshot().balances.items():
            statement = self.desk.statement(purse)
            if statement is None or statement.closing != balance:
                raise AssertionError(f"{purse} holds {balance}, but on paper:\n{statement}")
            print(f"{statement}\n")
        heading("Next renewals")
        for held in self.subscriptions():
            day = held.term.end
            if held.status is cp.Status.ACTIVE and (
                due := cp.renew(held, self.tariff, on=day).after
            ):
                print(f"{held.profile}: on {day}, {due.plan}, {due.paid.total}")

    def held(self, profile: str) -> cp.Subscription:
        """Return what a profile holds, or held last."""
        stored = self.store.subscription(cp.ProfileId(profile))
        if stored is None:
            raise Mistake(f"profile {profile!r} holds no subscription")
        return stored.value

    def subscriptions(self) -> list[cp.Subscription]:
        """Return what each profile holds, or held last."""
        return [stored.value for _, stored in sorted(self.store.snapshot().subscriptions.items())]


def read(file: Path) -> Story:
    """Read a file, and open a desk for its story."""
    told = Entry("the file", tomllib.loads(file.read_text(encoding="utf-8")))
    account, offer_name = cp.AccountId(told.take("name", str)), told.take("offer", str)
    if offer_name not in offers.__all__:
        raise Mistake("its offer is not one of the library's, such as SKYPE_CONNECT")
    offer: cp.Offer = getattr(offers, offer_name)
    with Entry("[tariff]", told.take("tariff", dict)).whole() as prices:
        tariff = read_tariff(prices)
    offices: dict[str, Office] = {}
    for entry in told.entries("offices"):
        with entry.whole():
            read_office(entry, offer, offices)
    starts, count = told.take("starts", date), told.count("days")
    if (date.max - starts).days < count:
        raise Mistake(f"starts must leave {count} days in the calendar, not {starts}")
    days = [starts + timedelta(days=number) for number in range(count + 1)]
    day_of = partial(cp.civil_date, zone=read_zone(told.take("zone", str)))
    events = by_day(days, told.entries("events"), lambda event: event.take("on", date))
    calls = by_day(days, told.entries("calls"), lambda call: day_of(call.take("began", datetime)))
    told.done()
    store = cp.MemoryStore()
    desk = cp.Desk(store, tariff=lambda _offer, _day: tariff)
    return Story(account, offer, tariff, offices, events, calls, store, desk)


def read_tariff(entry: Entry) -> cp.Tariff:
    """Read the prices."""
    currency = cp.Currency(entry.take("currency", str), entry.take("decimals", int))
    prices = {key: entry.take(key, str) for key in ("channel", "bundle", "minute")}
    prices |= {key: entry.take(key, str, "0") for key in ("setup", "channel_setup")}
    return cp.Tariff(entry.take("name", str), currency, rates=entry.take("rates", dict), **prices)


def read_office(entry: Entry, offer: cp.Offer, known: dict[str, Office]) -> None:
    """Read an office, and advise it by its headcount."""
    name, profiles = entry.take("name", str), entry.take("profiles", list)
    if name in known:
        raise Mistake(f"there is an office {name!r} already")
    advice = cp.suggest_channels(entry.take("employees", int), offer=offer)
    known[name] = Office(profiles, advice)


def read_zone(name: str) -> tzinfo:
    """Return the zone whose days the account counts."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise Mistake(f"zone {name!r} is not known on this machine; UTC always is") from None


def by_day(
    days: list[date], entries: list[Entry], day_of: Callable[[Entry], date]
) -> dict[date, list[Entry]]:
    """Return the entries of each day of the story."""
    of_day: dict[date, list[Entry]] = {day: [] for day in days}
    for entry in entries:
        with at(entry.place):
            day = day_of(entry)
            if day not in of_day:
                raise Mistake(f"{day} is not a day of {days[0]} to {days[-1]}")
            of_day[day].append(entry)
    return of_day


def heading(text: str) -> None:
    """Print a heading."""
    print(f"\n{text}\n{'=' * len(text)}\n")


def main(arguments: list[str]) -> None:
    """Tell the story of each file named, or of those beside this script."""
    mistakes = (Mistake, cp.ChannelPlansError, OSError, UnicodeDecodeError, tomllib.TOMLDecodeError)
    beside = [Path(__file__).with_name(name) for name in ("account.toml", "second.toml")]
    for file in map(Path, arguments or beside):
        try:
            read(file).tell()
        except mistakes as mistake:
            sys.exit(f"{file}: {mistake}")


if __name__ == "__main__":
    main(sys.argv[1:])

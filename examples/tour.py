"""Print the story of one or more accounts, each read from a TOML file.

The format of the files belongs to this example. The library reads no files and no clock: every fact
comes from the file, and every action goes through a billing service over a store in memory.
"""

import argparse
import os
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
from channelplans.offers import OFFERS
from channelplans.storage import TransferPreview
from channelplans.subscriptions import call_token

EXAMPLES = Path(os.path.relpath(Path(__file__).parent))
STORIES = (EXAMPLES / "account.toml", EXAMPLES / "second.toml")

#: The events of a story; each is a method of ``Story``.
EVENTS = ("deposit", "assign", "order", "change", "cancel")


class StoryError(Exception):
    """A mistake in a story's file, in one sentence."""


@contextmanager
def locate_errors(place: str) -> Iterator[None]:
    """Put the place in the file in front of every error."""
    try:
        yield
    except (OverflowError, StoryError, cp.ChannelPlansError) as error:
        raise StoryError(f"{place}: {error}") from error


@attrs.frozen
class Entry:
    """One table of the file. Each value is taken out once, so that unknown keys remain."""

    place: str
    table: dict[str, Any]

    @contextmanager
    def reading(self) -> Iterator["Entry"]:
        """Refuse the table if a value is wrong or a key remains at the end."""
        with locate_errors(self.place):
            yield self
            self.refuse_unknown_keys()

    def refuse_unknown_keys(self) -> None:
        """Refuse the keys that nothing has taken out."""
        if self.table:
            raise StoryError(f"unknown key {next(iter(self.table))!r}")

    def take(self, key: str, kind: type, default: Any = None) -> Any:
        """Take a value of exactly this type out of the table: a datetime is not a date."""
        value = self.table.pop(key, default)
        if value is None:
            raise StoryError(f"needs {key!r}")
        if type(value) is not kind:
            raise StoryError(f"{key} must be of type {kind.__name__}, not {value!r}")
        return value

    def take_count(self, key: str, default: int | None = None) -> int:
        """Take a number from 1 to 10,000."""
        number: int = self.take(key, int, default)
        if not 1 <= number <= 10_000:
            raise StoryError(f"{key} must be 1 to 10,000, not {number}")
        return number

    def take_entries(self, key: str) -> list["Entry"]:
        """Take a list of tables."""
        tables = self.take(key, list, [])
        if not all(isinstance(table, dict) for table in tables):
            raise StoryError(f"{key} must be a list of tables: [[{key}]]")
        return [Entry(f"{key}[{number}]", table) for number, table in enumerate(tables, 1)]


@attrs.frozen
class Office:
    """An office, its profiles, and the channels that it was advised to buy."""

    profiles: list[str]
    advice: cp.Suggestion


@attrs.frozen
class Story:
    """The contents of a file, and the billing service that carries out its events."""

    file: Path
    account: str
    offer: cp.Offer
    tariff: cp.Tariff
    offices: dict[str, Office]
    events: dict[date, list[Entry]]
    calls: dict[date, list[Entry]]
    store: cp.MemoryStore
    billing: cp.Billing

    def print(self) -> None:
        """Print the story day by day: first the renewals of a day, then its events."""
        days = list(self.events)
        print(f"The story of account {self.account}, {days[0]} to {days[-1]}, from {self.file}.")
        print(f"Offer: {self.offer.name} ({self.offer.edition}). Prices: {self.tariff.name}.")
        print_heading(f"{self.account}: how many channels each office needs")
        self.print_advice()
        print_heading("What happened")
        for day, events in self.events.items():
            self.run_renewals(day)
            for event in events:
                with event.reading():
                    self.carry_out(event, day)
            if self.calls[day]:
                self.print_usage(self.calls[day], day)
        self.print_statements()
        self.print_next_renewals()

    def print_advice(self) -> None:
        """Print the suggestion for each office, and the guideline behind it."""
        rows: list[tuple[str, ...]] = []
        for name, office in self.offices.items():
            advice = office.advice
            to_buy = " + ".join(map(str, advice.profiles))
            refused = f"{advice.blocking:.2%}"
            rows.append((name, f"{advice.employees:,}", f"{advice.needed:,}", to_buy, refused))
        print_table(("office", "employees", "channels needed", "to buy", "calls refused"), rows)
        print(f"\nGuideline: {cp.DEFAULT_GUIDELINE}.")
        print("A call that is refused on one profile tries the next.")

    def run_renewals(self, day: date) -> None:
        """Renew or end the subscriptions that are due on a day."""
        for outcome in self.billing.run_due(on=day):
            if outcome.failed:
                raise StoryError(str(outcome))
            if outcome.error:
                print(f"{day}: profile {outcome.profile!r} cannot renew in full: {outcome.error}.")
            if outcome.decision:
                print(outcome.decision)
            print()

    def carry_out(self, event: Entry, day: date) -> None:
        """Preview an event, print its quote, commit it, and print the decision."""
        key = next((key for key in EVENTS if key in event.table), None)
        if key is None:
            raise StoryError(f"does nothing; it could {', '.join(EVENTS)}")
        for preview in getattr(self, key)(event, event.take(key, str), day):
            if isinstance(preview, TransferPreview):
                print(f"{self.billing.commit(preview)}\n")
                continue
            shown_notices = print_quote(preview.decision)
            decision = self.billing.commit(preview)
            other_notices = tuple(n for n in decision.notices if n not in shown_notices)
            print(f"{attrs.evolve(decision, notices=other_notices)}\n")

    def deposit(self, event: Entry, amount: str, day: date) -> Iterator[TransferPreview]:
        """Pay credit into the account."""
        wallet, money = cp.Wallet(self.account), cp.Money.of(amount, self.tariff.currency)
        yield self.billing.preview.deposit(wallet, money, transfer=event.place, on=day)

    def assign(self, event: Entry, amount: str, day: date) -> Iterator[TransferPreview]:
        """Move credit from the account to a profile."""
        profile, money = event.take("profile", str), cp.Money.of(amount, self.tariff.currency)
        assign_credit = self.billing.preview.assign_credit
        yield assign_credit(self.account, profile, money, transfer=event.place, on=day)

    def order(self, event: Entry, name: str, day: date) -> Iterator[cp.Preview]:
        """Buy the channels that an office asks for, or those that it was advised to buy."""
        if name not in self.offices:
            raise StoryError(f"orders for an unknown office, {name!r}")
        office = self.offices[name]
        sizes = office.advice.profiles
        bundles = event.take("bundles", int, 0)
        if "channels" in event.table:
            requested, reason = event.take("channels", int), event.take("because", str)
            print(f"{name} was advised {office.advice.channels} channels and orders {requested}.")
            print(f"Why: {reason}")
            sizes = (requested,)
        if len(sizes) != len(office.profiles):
            raise StoryError(f"{name} needs {len(sizes)} profiles and names {len(office.profiles)}")
        buy = partial(self.billing.preview.buy, account=self.account, on=day)
        for profile, channels in zip(office.profiles, sizes, strict=True):
            plan = self.offer.plan(channels=channels, bundles=bundles)
            yield buy(plan, profile=profile, subscription=f"{profile} {day}")

    def change(self, event: Entry, profile: str, day: date) -> Iterator[cp.Preview]:
        """Change a profile, and print the refund if the subscription restarts.

        A change without a number of bundles keeps the bundles.
        """
        current, channels = self.subscription(profile), event.take("channels", int)
        bundles = event.take("bundles", int) if "bundles" in event.table else None
        change = self.billing.preview.change
        preview = change(self.account, profile, channels=channels, bundles=bundles, on=day)
        if preview.decision.after.term != current.term:
            print(cp.refund(current.quote, on=day, allowance=current.allowance))
        yield preview

    def cancel(self, _: Entry, profile: str, day: date) -> Iterator[cp.Preview]:
        """Cancel the subscription of a profile."""
        yield self.billing.preview.cancel(self.account, profile, on=day)

    def print_usage(self, calls: list[Entry], day: date) -> None:
        """Record the calls of a day, and print what they cost and the minutes left."""
        rows = []
        for call in calls:
            with call.reading():
                rows.append(self.record_calls(call, day))
        print(f"{day}: the day's calls, durations in hours, cost in {self.tariff.currency.code}.")
        headings = ("calls", "to", "how many", "counted", "from minutes", "charged", "cost")
        print_table(headings, rows, left=2)
        for subscription in self.subscriptions():
            if subscription.allowance.used:
                print(f"Minutes of {subscription.profile}: {subscription.allowance}.")
        print()

    def record_calls(self, entry: Entry, day: date) -> tuple[str, ...]:
        """Record a call and its repetitions; return the row that sums them up."""
        name, repeat = entry.take("id", str), entry.take_count("repeat", 1)
        before = self.subscription(entry.take("profile", str))
        number, country = entry.take("number", str), entry.take("country", str)
        duration = timedelta(seconds=entry.take("seconds", int))
        cost = cp.Money.of(0, self.tariff.currency)
        for copy in range(repeat):
            call = cp.Call(f"{name}-{copy}", number, country, day, duration)
            if self.store.decision(self.account, call_token(call)) is not None:
                raise StoryError(f"call {call.id!r} was recorded before")
            decision = self.billing.record_call(self.account, before.profile, call, on=day)
            for posting in decision.postings:
                cost -= posting.amount
        counted = cp.billable(duration, before.plan.offer.calls) * repeat
        after = self.subscription(before.profile)
        included = before.allowance.remaining - after.allowance.remaining
        durations = [hours(counted), hours(included), hours(counted - included)]
        return (name, number, str(repeat), *durations, str(cost.amount))

    def print_statements(self) -> None:
        """Print the statement of every wallet; its closing balance must be the stored balance."""
        print_heading("Statements")
        for wallet, balance in self.store.snapshot().balances.items():
            statement = self.billing.statement(wallet)
            if statement.closing != balance:
                raise AssertionError(f"{wallet} has a balance of {balance}, not:\n{statement}")
            print(f"{statement}\n")

    def print_next_renewals(self) -> None:
        """Print the day, the plan and the price of every renewal to come."""
        print_heading("Next renewals")
        for subscription in self.subscriptions():
            if subscription.status is cp.Status.ACTIVE:
                day = subscription.term.end
                renewed = cp.renew(subscription, self.tariff, on=day).after
                print(f"{renewed.profile}: on {day}, {renewed.plan}, {renewed.quote.total}")

    def subscription(self, profile: str) -> cp.Subscription:
        """Return the latest subscription of a profile."""
        subscription = self.billing.subscription(self.account, profile)
        if subscription is None:
            raise StoryError(f"profile {profile!r} holds no subscription")
        return subscription

    def subscriptions(self) -> list[cp.Subscription]:
        """Return the latest subscription of every profile, sorted by profile."""
        return [stored.value for _, stored in sorted(self.store.snapshot().subscriptions.items())]


def print_quote(decision: cp.Decision) -> tuple[cp.Notice, ...]:
    """Print the quote of a decision that sells something; return the notices printed with it."""
    before, quote = decision.before, decision.after.quote
    if before is not None and before.quote == quote:
        return ()
    if before is not None and before.term == quote.term:
        print(f"Paid for this term so far: {before.quote.total}.")
    print(quote)
    return quote.notices


def print_heading(text: str) -> None:
    """Print an underlined heading."""
    print(f"\n{text}\n{'=' * len(text)}\n")


def print_table(headings: tuple[str, ...], rows: list[tuple[str, ...]], left: int = 1) -> None:
    """Print a table whose first columns are aligned left and all others right."""
    rules = tuple("-" * max(map(len, column)) for column in zip(headings, *rows, strict=True))
    for row in (headings, rules, *rows):
        cells = []
        for column, (cell, rule) in enumerate(zip(row, rules, strict=True)):
            width = len(rule)
            cells.append(cell.ljust(width) if column < left else cell.rjust(width))
        print("  ".join(cells).rstrip())


def hours(duration: timedelta) -> str:
    """Return a duration as hours, minutes and seconds."""
    seconds = duration // timedelta(seconds=1)
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def read_story(file: Path) -> Story:
    """Read a file, and open a billing service for its story."""
    root = Entry("the file", tomllib.loads(file.read_text(encoding="utf-8")))
    account, offer_name = root.take("name", str), root.take("offer", str)
    if offer_name not in OFFERS:
        raise StoryError(f"offer must be one of {', '.join(OFFERS)}, not {offer_name!r}")
    offer = OFFERS[offer_name]
    with Entry("[tariff]", root.take("tariff", dict)).reading() as entry:
        tariff = read_tariff(entry)
    offices: dict[str, Office] = {}
    for entry in root.take_entries("offices"):
        with entry.reading():
            read_office(entry, offer, offices)
    starts, count = root.take("starts", date), root.take_count("days")
    if (date.max - starts).days < count:
        raise StoryError(f"starts must leave {count} days in the calendar, not {starts}")
    days = [starts + timedelta(days=number) for number in range(count + 1)]
    zone = read_zone(root.take("zone", str))
    events = by_day(days, root.take_entries("events"), lambda event: event.take("on", date))
    calls = by_day(
        days,
        root.take_entries("calls"),
        lambda call: cp.civil_date(call.take("began", datetime), zone),
    )
    root.refuse_unknown_keys()
    store = cp.MemoryStore()
    billing = cp.Billing(store, prices=tariff)
    return Story(file, account, offer, tariff, offices, events, calls, store, billing)


def read_tariff(entry: Entry) -> cp.Tariff:
    """Read the prices."""
    currency = cp.Currency(entry.take("currency", str), entry.take("decimals", int))
    prices = {key: entry.take(key, str) for key in ("channel", "bundle", "minute")}
    prices |= {key: entry.take(key, str, "0") for key in ("setup", "channel_setup")}
    return cp.Tariff(entry.take("name", str), currency, rates=entry.take("rates", dict), **prices)


def read_office(entry: Entry, offer: cp.Offer, offices: dict[str, Office]) -> None:
    """Read an office into ``offices``, with a suggestion for its headcount."""
    name, profiles = entry.take("name", str), entry.take("profiles", list)
    if name in offices:
        raise StoryError(f"there is an office {name!r} already")
    advice = cp.suggest_channels(entry.take("employees", int), offer=offer)
    offices[name] = Office(profiles, advice)


def read_zone(name: str) -> tzinfo:
    """Return the time zone whose days the account counts."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise StoryError(f"zone {name!r} is not known on this machine; UTC always is") from None


def by_day(
    days: list[date], entries: list[Entry], day_of: Callable[[Entry], date]
) -> dict[date, list[Entry]]:
    """Return the entries of each day of the story."""
    entries_by_day: dict[date, list[Entry]] = {day: [] for day in days}
    for entry in entries:
        with locate_errors(entry.place):
            day = day_of(entry)
            if day not in entries_by_day:
                raise StoryError(f"{day} is not a day of {days[0]} to {days[-1]}")
            entries_by_day[day].append(entry)
    return entries_by_day


def main(arguments: list[str] | None = None) -> None:
    """Print the story of each file that is named, or of the files beside this script."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    names = " and ".join(file.name for file in STORIES)
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help=f"a story (default: {names})"
    )
    errors = (StoryError, cp.ChannelPlansError, OSError, UnicodeDecodeError)
    for number, file in enumerate(parser.parse_args(arguments).files or STORIES):
        if number:
            print()
        try:
            read_story(file).print()
        except (*errors, tomllib.TOMLDecodeError) as error:
            sys.exit(f"{file}: {error}")


if __name__ == "__main__":
    main()

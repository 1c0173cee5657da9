"""Tell an account's story from a file: python examples/tour.py [FILE ...].

Without a file it tells the two beside it, in turn. Their format is this example's own. The library
reads no files and no clock: everything it is told here comes from the file, and everything that
happens is a decision, settled at once.
"""

import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import attrs

import channelplans as cp
from channelplans import offers
from channelplans.tables import Table
from channelplans.usage import clock


class Mistake(Exception):
    """What is wrong with the file, in one sentence."""


@contextmanager
def at(place: str) -> Iterator[None]:
    """Say at which place of the file something was wrong."""
    try:
        yield
    except (OverflowError, cp.ChannelPlansError) as error:
        raise Mistake(f"{place}: {error}") from error


@attrs.frozen
class Entry:
    """A table of the file; taking what is missing, or leaving what is unknown, is a mistake."""

    place: str
    table: dict[str, Any]

    def take(self, key: str, kind: type, default: Any = None) -> Any:
        """Take a value of just this type out of the table; an instant is no day."""
        value = self.table.pop(key, default)
        if value is None:
            raise Mistake(f"{self.place} needs {key!r}")
        if type(value) is not kind:
            raise Mistake(f"{self.place}: {key} must be of type {kind.__name__}, not {value!r}")
        return value

    def count(self, key: str, default: int | None = None) -> int:
        """Take a number of things, of which there are some and not too many for a story."""
        number = int(self.take(key, int, default))
        if not 1 <= number <= 10_000:
            raise Mistake(f"{self.place}: {key} must be 1 to 10,000, not {number}")
        return number

    def entries(self, key: str) -> list["Entry"]:
        """Take a list of tables out of the table."""
        tables = self.take(key, list, [])
        if not all(isinstance(table, dict) for table in tables):
            raise Mistake(f"{key} must be a list of tables: [[{key}]]")
        return [Entry(f"{key}[{number}]", table) for number, table in enumerate(tables, 1)]

    def done(self) -> None:
        """Refuse what nobody took."""
        if self.table:
            raise Mistake(f"{self.place} has an unknown {next(iter(self.table))!r}")


@attrs.frozen
class Office:
    """A place with people, and the profiles that carry their calls."""

    name: str
    profiles: list[str]
    advice: cp.Suggestion


@attrs.define
class Account:
    """What a service would keep in its database."""

    name: str
    offer: cp.Offer
    tariff: cp.Tariff
    zone: tzinfo
    offices: dict[str, Office]
    balances: dict[cp.Purse, cp.Money] = attrs.Factory(dict)
    postings: list[cp.Posting] = attrs.Factory(list)
    held: dict[str, cp.Subscription] = attrs.Factory(dict)
    tokens: set[cp.Token] = attrs.Factory(set)
    transfers: int = 0

    def settle(self, decision: cp.Decision) -> cp.Decision:
        """Do what was decided: all of it, or nothing where credit is short."""
        if decision.token in self.tokens:
            raise Mistake(f"{decision.token} has happened already")
        self.balances = cp.settle(self.balances, decision.postings)
        self.tokens.add(decision.token)
        self.postings.extend(decision.postings)
        if decision.after is not None:
            self.held[decision.after.profile] = decision.after
        return decision

    def subscription(self, profile: str) -> cp.Subscription:
        """Return what a profile holds."""
        if profile not in self.held:
            raise Mistake(f"profile {profile!r} holds no subscription")
        return self.held[profile]

    def transfer(self) -> str:
        """Return an identifier for one more transfer."""
        self.transfers += 1
        return f"transfer-{self.transfers}"


def read(file: Path) -> tuple[Account, date, int, list[Entry], list[Entry]]:
    """Read the file: the account, the first day, how many days, its events and its calls."""
    try:
        story = Entry("the file", tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Mistake(str(error)) from None
    name = story.take("offer", str)
    if name not in offers.__all__:
        raise Mistake("the file's offer is not one of the library's, such as SKYPE_CONNECT")
    offer: cp.Offer = getattr(offers, name)
    with at("[tariff]"):
        tariff = read_tariff(Entry("[tariff]", story.take("tariff", dict)))
    offices: dict[str, Office] = {}
    for entry in story.entries("offices"):
        with at(entry.place):
            office = read_office(entry, offer)
        if office.name in offices:
            raise Mistake(f"{entry.place}: there is an office {office.name!r} already")
        offices[office.name] = office
    zone = read_zone(story.take("zone", str))
    account = Account(story.take("name", str), offer, tariff, zone, offices)
    starts, days = story.take("starts", date), story.count("days")
    if (date.max - starts).days < days:
        raise Mistake(f"the file: starts must leave {days} days in the calendar, not {starts}")
    events, calls = story.entries("events"), story.entries("calls")
    story.done()
    return account, starts, days, events, calls


def read_tariff(entry: Entry) -> cp.Tariff:
    """Read the prices."""
    currency = cp.Currency(entry.take("currency", str), entry.take("decimals", int))
    prices = {key: entry.take(key, str) for key in ("channel", "bundle", "minute")}
    prices |= {key: entry.take(key, str, "0") for key in ("setup", "channel_setup")}
    tariff = cp.Tariff(entry.take("name", str), currency, rates=entry.take("rates", dict), **prices)
    entry.done()
    return tariff


def read_office(entry: Entry, offer: cp.Offer) -> Office:
    """Read an office, and advise it by its headcount."""
    name, profiles = entry.take("name", str), entry.take("profiles", list)
    advice = cp.suggest_channels(entry.take("employees", int), offer=offer)
    entry.done()
    return Office(name, profiles, advice)


def read_zone(name: str) -> tzinfo:
    """Return the zone whose days the account counts."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise Mistake(f"zone {name!r} is not known on this machine; UTC always is") from None


def tell(
    account: Account, starts: date, days: int, events: list[Entry], calls: list[Entry]
) -> None:
    """Tell the story day by day: first what ends on a day, then what was done on it."""
    heading(f"{account.name}: what each office was advised")
    for office in account.offices.values():
        print(f"{office.name}: {office.advice}\n")
    heading("What happened")
    story = [starts + timedelta(days=number) for number in range(days + 1)]
    events_on = by_day(story, ((event.take("on", date), event) for event in events))
    began = ((call.take("began", datetime), call) for call in calls)
    calls_on = by_day(story, ((cp.civil_date(at, account.zone), call) for at, call in began))
    for day in story:
        for decision in end_of_terms(account, day):
            print(f"{decision}\n")
        for event in events_on[day]:
            with at(event.place):
                for decision in happen(account, event, day):
                    print(f"{decision}\n")
        if calls_on[day]:
            print_usage(account, calls_on[day], day)


def by_day(story: list[date], dated: Iterable[tuple[date, Entry]]) -> dict[date, list[Entry]]:
    """Return the entries of each day of the story."""
    entries: dict[date, list[Entry]] = {day: [] for day in story}
    for day, entry in dated:
        if day not in entries:
            raise Mistake(f"{entry.place}: {day} is not a day of {story[0]} to {story[-1]}")
        entries[day].append(entry)
    return entries


def end_of_terms(account: Account, day: date) -> Iterator[cp.Decision]:
    """Renew, lapse or end whatever term is over on a day."""
    for held in list(account.held.values()):
        if day < held.term.end:
            continue
        if held.status is cp.Status.CANCELLED:
            yield account.settle(cp.expire(held, on=day))
        elif held.status is cp.Status.ACTIVE:
            yield from renew(account, held, day)


def renew(account: Account, held: cp.Subscription, day: date) -> Iterator[cp.Decision]:
    """Renew a term; where credit is short do what the offer says, and after its grace let it go."""
    ways: list[Callable[..., cp.Decision]] = [cp.renew]
    if held.plan.offer.shortage.drops_bundles and (held.pending or held.plan).bundles:
        ways.append(cp.renew_without_bundles)
    for way in ways:
        try:
            yield account.settle(way(held, account.tariff, on=day))
        except cp.InsufficientCredit as short:
            print(f"{day}: no renewal of {held.profile}, {short}.")
        else:
            return
    if day >= held.lapses_on:
        yield account.settle(cp.lapse(held, on=day))


def happen(account: Account, event: Entry, day: date) -> Iterator[cp.Decision]:
    """Do what the event says; the key that is there tells which it is."""
    for key, action in EVENTS.items():
        if key in event.table:
            yield from action(account, event, event.take(key, str), day)
            event.done()
            return
    raise Mistake(f"{event.place} does nothing; it could {', '.join(EVENTS)}")


def deposit(account: Account, _: Entry, amount: str, day: date) -> Iterator[cp.Decision]:
    """Pay credit into the account."""
    purse, money = (
        cp.Purse(cp.AccountId(account.name)),
        cp.Money.of(amount, account.tariff.currency),
    )
    yield account.settle(cp.deposit(purse, money, transfer=account.transfer(), on=day))


def assign(account: Account, event: Entry, amount: str, day: date) -> Iterator[cp.Decision]:
    """Move credit from the account to a profile."""
    profile = cp.ProfileId(event.take("profile", str))
    money, transfer = cp.Money.of(amount, account.tariff.currency), account.transfer()
    name = cp.AccountId(account.name)
    yield account.settle(cp.assign_credit(name, profile, money, transfer=transfer, on=day))


def order(account: Account, event: Entry, name: str, day: date) -> Iterator[cp.Decision]:
    """Buy what an office asks for, or what it was advised, on each of its profiles."""
    if name not in account.offices:
        raise Mistake(f"{event.place} orders for an unknown office, {name!r}")
    office = account.offices[name]
    bundles = event.take("bundles", int, 0)
    asked = event.take("channels", int, 0)
    wanted = (asked,) if asked else office.advice.profiles
    if len(wanted) != len(office.profiles):
        raise Mistake(f"{name} needs {len(wanted)} profiles and names {len(office.profiles)}")
    for profile, channels in zip(office.profiles, wanted, strict=True):
        if asked:
            print(cp.normalize_quantity(asked, account.offer.quantity))
        plan = account.offer.plan(channels=channels, bundles=bundles)
        print(cp.quote(plan, account.tariff, on=day))
        yield account.settle(
            cp.buy(
                plan,
                account.tariff,
                account=cp.AccountId(account.name),
                profile=cp.ProfileId(profile),
                subscription=cp.SubscriptionId(f"{profile} {day}"),
                on=day,
                previous=account.held.get(profile),
            )
        )


def change(account: Account, event: Entry, profile: str, day: date) -> Iterator[cp.Decision]:
    """Change what a profile holds."""
    held = account.subscription(profile)
    channels, bundles = event.take("channels", int), event.take("bundles", int, 0)
    plan = held.plan.offer.plan(channels=channels, bundles=bundles)
    decision = cp.change(held, plan, account.tariff, on=day)
    if decision.after and decision.after.term != held.term:  # bought anew, and not amended
        print(cp.refund(held.paid, on=day, allowance=held.allowance))
    if decision.after and decision.after.paid != held.paid:
        print(decision.after.paid)
    yield account.settle(decision)


def cancel(account: Account, _: Entry, profile: str, day: date) -> Iterator[cp.Decision]:
    """Cancel what a profile holds."""
    yield account.settle(cp.cancel(account.subscription(profile), on=day))


EVENTS = {
    "deposit": deposit,
    "assign": assign,
    "order": order,
    "change": change,
    "cancel": cancel,
}


def print_usage(account: Account, calls: list[Entry], day: date) -> None:
    """Take a day's calls from minutes and purses, and print what they came to."""
    rows = []
    for call in calls:
        name, repeat = call.take("id", str), call.count("repeat", 1)
        profile = call.take("profile", str)
        number, country = call.take("number", str), call.take("country", str)
        with at(call.place):
            duration = timedelta(seconds=call.take("seconds", int))
        call.done()
        before = account.subscription(profile)
        paid = cp.Money(0, account.tariff.currency)
        with at(call.place):
            for copy in range(repeat):
                made = cp.Call(f"{name}-{copy}", number, country, day, duration)
                held = account.subscription(profile)
                decision = account.settle(cp.use(held, made, account.tariff, on=day))
                paid = sum((-posting.amount for posting in decision.postings), start=paid)
        included = before.allowance.remaining - account.held[profile].allowance.remaining
        counted = cp.billable(duration, before.plan.offer.calls) * repeat
        durations = map(clock, (counted, included, counted - included))
        rows.append((name, number, repeat, *durations, paid.amount))
    headings = ("calls", "to", "how many", "counted", "from minutes", "charged", "cost")
    print(f"{day}: the day's calls, durations in hours, cost in {account.tariff.currency.code}.")
    texts = tuple(tuple(map(str, row)) for row in rows)
    print(Table(headings, texts, right=headings[2:]))
    for profile in sorted({held.profile for held in account.held.values() if held.allowance.used}):
        print(f"Minutes of {profile}: {account.held[profile].allowance}.")
    print()


def print_accounts(account: Account) -> None:
    """Print the statement of every purse, what each adds up to, and what renews next."""
    heading("Statements")
    for purse, balance in account.balances.items():
        mine = tuple(posting for posting in account.postings if posting.purse == purse)
        statement = cp.Statement(purse, cp.Money(0, account.tariff.currency), mine)
        if statement.closing != balance:
            raise AssertionError(f"{purse}: {statement.closing} on paper, {balance} in the purse")
        print(f"{statement}\n")
    heading("Next renewals")
    for profile, held in sorted(account.held.items()):
        if held.status is cp.Status.ACTIVE:
            plan = held.pending or held.plan
            due = -sum(
                cp.renew(held, account.tariff, on=held.term.end).deltas.values(),
                start=cp.Money(0, account.tariff.currency),
            )
            print(f"{profile}: on {held.term.end}, {plan}, {due}")


def heading(text: str) -> None:
    """Print a heading."""
    print(f"\n{text}\n{'=' * len(text)}\n")


def main(arguments: list[str]) -> int:
    """Tell the story of each file named, or of those beside this script."""
    beside = [Path(__file__).with_name(name) for name in ("account.toml", "second.toml")]
    for file in map(Path, arguments or beside):
        try:
            account, starts, days, events, calls = read(file)
            tell(account, starts, days, events, calls)
            print_accounts(account)
        except (Mistake, cp.ChannelPlansError) as mistake:
            print(f"{file}: {mistake}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

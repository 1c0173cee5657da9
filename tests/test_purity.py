"""No input or output, no clock, no state: every public callable under an audit hook, and the code.

Loading Python code is no input of ours: every module is imported before the hook is switched on,
and dateutil's, which the package loads with the first term of months, along with them.
"""

# Identifiers are plain text here, decisions are known to hold a subscription, and wrong types
# are given on purpose.
# mypy: disable-error-code="arg-type, attr-defined, union-attr"

import ast
import enum
import inspect
import os
import pickle
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from importlib import import_module
from itertools import islice
from pathlib import Path

import attrs
import dateutil.relativedelta  # noqa: F401 - loaded before the hook is on
import pytest

import channelplans
from channelplans import errors as all_errors
from channelplans import offers, rules, sizing
from channelplans.calendar import Days, Months, Term
from channelplans.catalogue import Catalogue, Edition, RuleDifference, compare
from channelplans.codec import encode
from channelplans.desk import AsyncDesk, Desk, Outcome, Preview
from channelplans.errors import ChannelPlansError
from channelplans.ladders import Ladder, Tier
from channelplans.ledger import Posting, Purse, Reason, Statement
from channelplans.lifecycle import buy, cancel, deposit
from channelplans.lots import LotRule, open_lots, payments
from channelplans.memory import MemoryStore
from channelplans.money import EUR, Currency, Money, Rounding
from channelplans.offers import SKYPE_CONNECT, SKYPE_CONNECT_2011, VOIP_YONDER
from channelplans.pricing import Item, Tariff, quote, rate, refund
from channelplans.storage import Booked, Page, Stored
from channelplans.subscriptions import RUNNING
from channelplans.tables import Table
from channelplans.usage import Allowance, Call

ROOT = Path(channelplans.__file__).parent
# Floor 10 is for tests: it may use threads, processes and an event loop, and nothing below it does.
FLOOR_10 = {"_hypothesis", "testing"}
SOURCES = sorted(
    path
    for path in ROOT.rglob("*.py")
    if path.relative_to(ROOT).with_suffix("").parts[0] not in FLOOR_10
)
PURE = [path.stem for path in SOURCES if path.stem != "__init__"]
TREES = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}
MODULES = {stem: import_module(f"channelplans.{stem}") for stem in PURE}

# The hook cannot be removed, so that it is switched.
EVENTS = {"open", "import", "exec", "compile"}
FAMILIES = (
    "ctypes.",
    "glob.",
    "mmap.",
    "os.",
    "pathlib.",
    "shutil.",
    "socket.",
    "sqlite3.",
    "subprocess.",
    "syslog.",
    "tempfile.",
    "urllib.",
)
caught: list[str] = []
watching = False


def watch(event, arguments):
    """Note each event that input or output raises, while the switch is on."""
    if watching and (event in EVENTS or event.startswith(FAMILIES)):
        caught.append(f"{event}{arguments!r}")


sys.addaudithook(watch)


@contextmanager
def watched():
    """Switch the hook on, and fail if it noted anything."""
    global watching  # noqa: PLW0603 - the hook outlives each test
    caught.clear()
    watching = True
    try:
        yield
    finally:
        watching = False
    assert [] == caught


DAY = date(2026, 1, 5)
LATER = date(2026, 1, 15)
TERM = Term(DAY, date(2026, 2, 4))
MINUTE = timedelta(minutes=1)
HALF = Fraction(1, 2)
IDS = {"account": "acme", "profile": "berlin", "subscription": "s-1"}
TARIFF = Tariff("made up", EUR, "6.95", "10", "0.021", {"DE": "0.02"})
PLAN = SKYPE_CONNECT.plan(channels=3, bundles=1)
MONTHLY = SKYPE_CONNECT_2011.plan(channels=4, bundles=2)
PAID = quote(PLAN, TARIFF, on=DAY)
ACME = Purse("acme")
FIVE = Money(500, EUR)
POSTING = Posting(ACME, FIVE, Reason.DEPOSIT, DAY, TERM, "p-1")
CALL = Call("c-1", "+1 212 555 0100", "US", DAY, MINUTE)
ALLOWANCE = Allowance(MINUTE * 2, MINUTE)
BOUGHT = buy(PLAN, TARIFF, on=DAY, **IDS)
HELD = BOUGHT.after
CANCELLED = cancel(HELD, on=LATER).after
REFUND = refund(PAID, on=LATER)
RATED = rate(CALL, Allowance(MINUTE * 5000, MINUTE * 5000), TARIFF, offer=SKYPE_CONNECT)
QUANTITY = rules.normalize_quantity(105, SKYPE_CONNECT.quantity)
NOTICE = SKYPE_CONNECT.notices[0]
END = {"on": TERM.end}
ON = {"on": LATER}
RULE = {"rule": SKYPE_CONNECT.quantity}
LADDER = Ladder((Tier(5, unit="7"), Tier(None, unit="5", flat="1", pack=10)), graduated=True)
BY_LADDER = attrs.evolve(TARIFF, name="by ladder", channel=LADDER, channel_setup="1")
ADD_ONS = buy(VOIP_YONDER.plan(channels=3, bundles=1), BY_LADDER, on=DAY, **IDS).after
MORE = VOIP_YONDER.plan(channels=8, bundles=2)
EDITION = Edition(SKYPE_CONNECT, TARIFF, DAY, date(2026, 2, 1))
DEARER = Edition(SKYPE_CONNECT, BY_LADDER, date(2026, 2, 1))
CATALOGUE = Catalogue((EDITION, DEARER))
COMPARISON = compare(EDITION, DEARER, (HELD,))
BONUS = LotRule(Reason.BONUS, Months(1), since_use=True, priority=-1)
IN_AND_OUT = (
    attrs.evolve(POSTING, reason=Reason.BONUS),
    attrs.evolve(POSTING, amount=-Money(200, EUR), reason=Reason.CALL),
)
(LOT,) = open_lots(IN_AND_OUT, (BONUS,), on=DAY)
(PAYMENT,) = payments(IN_AND_OUT, (BONUS,))
HUNDRED = Money(10_000, EUR)
PAID_IN = deposit(ACME, HUNDRED, transfer="p-1", on=DAY)
STORE = MemoryStore()
STORE.commit(PAID_IN, expected=None)
REVISION = STORE.commit(BOUGHT, expected=None)
SNAPSHOT = STORE.snapshot()


def fields(value):
    """Return what an attrs value is made from."""
    return {
        field.alias: getattr(value, field.name) for field in attrs.fields(type(value)) if field.init
    }


def made(*values):
    """Return samples that make values again."""
    return {type(value).__name__: ((), fields(value)) for value in values}


# A sample of arguments for each public function, and for each class.
FUNCTIONS = {
    "catalogue.compare": ((EDITION, DEARER, (HELD,)), {}),
    "codec.decode": ((type(PLAN), encode(PLAN)), {"catalogue": CATALOGUE}),
    "codec.digest": ((BY_LADDER,), {}),
    "codec.encode": ((CATALOGUE,), {}),
    "codec.schema": ((type(BOUGHT),), {}),
    "ladders.as_decimal": (("6.95",), {}),
    "ladders.checked_price": (("price", Decimal("6.95")), {}),
    "lots.expiries": ((IN_AND_OUT, (BONUS,)), {"on": date(2026, 3, 1)}),
    "lots.open_lots": ((IN_AND_OUT, (BONUS,)), ON),
    "lots.payments": ((IN_AND_OUT, (BONUS,)), {}),
    "checks.bounded": (("count", 1, 0, 2), {}),
    "checks.checked": ((Days, []), {}),
    "checks.civil_day": (("on", DAY), {}),
    "checks.instance": (("term", TERM, Term), {}),
    "checks.several": (("weights", [1, 2], lambda _, each: each), {}),
    "checks.shown": ((5,), {}),
    "checks.text": (("name", "acme"), {}),
    "checks.whole": (("count", 1), {}),
    "money.exact": (("price", "6.95"), {}),
    "money.read": (("price", "6.95", EUR), {}),
    "money.same_currency": ((EUR, EUR), {}),
    "money.columns": ((), {"paid": FIVE}),
    "money.round_ratio": ((5, 2, Rounding.HALF_EVEN), {}),
    "calendar.civil_date": ((datetime(2026, 1, 5, tzinfo=UTC), UTC), {}),
    "calendar.days_after": ((DAY, Months(1)), {}),
    "calendar.renewal_dates": ((DAY, Months(1)), {}),
    "calendar.term_at": ((DAY, Months(1), 1), {}),
    "rules.check_change": ((DAY,), {"on": LATER, "rule": SKYPE_CONNECT.change}),
    "rules.normalize_quantity": ((105, SKYPE_CONNECT.quantity), {}),
    "rules.profiles_for": ((437, SKYPE_CONNECT.quantity), {}),
    "rules.split_profiles": ((437, SKYPE_CONNECT.quantity), {}),
    "rules.validate_bundles": ((1,), {"channels": 1, "rule": SKYPE_CONNECT.bundles}),
    "ledger.deltas": (([POSTING],), {}),
    "ledger.settle": (({ACME: FIVE}, [POSTING]), {}),
    "ledger.short": ((ACME,), {"needed": FIVE, "available": FIVE}),
    "ledger.signed": ((FIVE,), {}),
    "plans.problems": ((SKYPE_CONNECT,), {"channels": 350, "bundles": -1}),
    "usage.billable": ((MINUTE, SKYPE_CONNECT.calls), {}),
    "tables.clock": ((MINUTE,), {}),
    "tables.counted": ((2, "day"), {}),
    "usage.covered": ((CALL, SKYPE_CONNECT_2011.bundles), {}),
    "pricing.amend": (
        (ADD_ONS.paid, MORE),
        {"on": LATER, "effect": rules.Effect.PRORATE},
    ),
    "pricing.longest": (
        (CALL, ALLOWANCE, TARIFF),
        {"offer": SKYPE_CONNECT, "account": FIVE, "profile": FIVE},
    ),
    "pricing.quote": ((MONTHLY, TARIFF), {"on": DAY}),
    "pricing.rate": ((CALL, ALLOWANCE, TARIFF), {"offer": SKYPE_CONNECT}),
    "pricing.refund": ((PAID,), ON),
    "sizing.channels_for": ((4.37,), {"blocking": 0.02}),
    "sizing.engset": ((0.1, 50, 5), {}),
    "sizing.erlang_b": ((4.37, 8), {}),
    "sizing.log_erlang_b": ((4.37, 8), {}),
    "sizing.suggest_channels": ((437,), {}),
    "lifecycle.assign_credit": (("acme", "berlin", FIVE), {"transfer": "t", "on": DAY}),
    "lifecycle.buy": ((MONTHLY, TARIFF), {**IDS, "on": DAY}),
    "lifecycle.call_token": ((CALL,), {}),
    "lifecycle.cancel": ((HELD,), ON),
    "lifecycle.change": ((HELD, MONTHLY, TARIFF), ON),
    "lifecycle.deposit": ((ACME, FIVE), {"transfer": "t", "on": DAY}),
    "lifecycle.expire": ((CANCELLED,), END),
    "lifecycle.expire_credit": ((ACME, FIVE), {"transfer": "t", "on": DAY}),
    "lifecycle.lapse": ((HELD,), END),
    "lifecycle.renew": ((HELD, TARIFF), END),
    "lifecycle.renew_without_bundles": ((ADD_ONS, BY_LADDER), {"on": ADD_ONS.term.end}),
    "lifecycle.resume": ((CANCELLED,), ON),
    "lifecycle.take_back_credit": (("acme", "berlin", FIVE), {"transfer": "t", "on": DAY}),
    "lifecycle.terminate": ((HELD,), ON),
    "lifecycle.use": ((HELD, CALL, TARIFF), {"on": DAY}),
}
CLASSES = made(
    Table(("a", "b"), (("1", "<2>"),), right=("b",)),
    EUR,
    FIVE,
    Days(1),
    Months(1),
    TERM,
    rules.Step(100, 10),
    SKYPE_CONNECT.quantity,
    QUANTITY,
    SKYPE_CONNECT_2011.bundles,
    rules.Rollover(1, 500),
    SKYPE_CONNECT.term,
    SKYPE_CONNECT.change,
    VOIP_YONDER.shortage,
    SKYPE_CONNECT.refund,
    SKYPE_CONNECT.calls,
    NOTICE,
    ACME,
    POSTING,
    Statement(ACME, FIVE, (POSTING,)),
    SKYPE_CONNECT,
    PLAN,
    CALL,
    ALLOWANCE,
    TARIFF,
    PAID,
    PAID.lines[0],
    REFUND,
    REFUND.lines[0],
    RATED,
    RATED.charges[0],
    HELD,
    BOUGHT,
    sizing.DEFAULT,
    sizing.DEFAULT.need,
    sizing.CAZNET.need,
    sizing.suggest_channels(437),
    LADDER,
    LADDER.tiers[0],
    EDITION,
    CATALOGUE,
    COMPARISON,
    COMPARISON.prices[0],
    RuleDifference("offer.quantity.maximum", "300", "100"),
    BONUS,
    LOT,
    PAYMENT,
    PAYMENT.draws[0],
    Stored(HELD, REVISION),
    Booked(POSTING, PAID_IN.token, 0),
    Page(("berlin",), "2026-02-04/berlin"),
    SNAPSHOT,
    Preview(BOUGHT, REVISION),
    Outcome("berlin", TERM, None, ValueError("lost")),
)
# What only others build on, or only says what a type is, makes nothing by itself.
WITHOUT_VALUES = {"Described"}
ERRORS = {
    "AllowanceNeeded": ("time",),
    "BundlesNotAllowed": (3, 2, "why"),
    "CalendarEnds": (DAY, "1 month", 0),
    "ChangedTooSoon": (DAY, DAY, LATER),
    "ChannelPlansError": (),
    "ChannelsNotSellable": (105, 105, 100),
    "ChannelsOutOfRange": (350, 1, 300, (300, 50)),
    "Conflict": ("berlin", "7", None),
    "CurrencyMismatch": ("EUR", "USD"),
    "InsufficientCredit": ("acme", Decimal(2), Decimal(1), Decimal(1), "EUR"),
    "InvalidValue": ("name", "''", "text"),
    "MixedChange": ("3 channels and 1 bundle", "2 channels and 2 bundles"),
    "NotDecodable": ("offer.quantity", "is missing"),
    "NotOffered": ("plan of 1 channel", "Nordlicht", "2 channels"),
    "OutsideTerm": ("use", DAY, DAY, None, ""),
    "PlanUnchanged": ("1 channel", "active"),
    "RuleError": (),
    "TokenReused": ("transfer/p-1",),
    "TotalNotReachable": (7, 1, (6, 8)),
    "TransitionNotAllowed": ("use", "ended", ("buy",)),
    "UnknownEdition": ("on 2026-01-05", ("2027, from 2027-01-01 on",)),
    "UnknownRate": ("FR", "t", ("DE",)),
    "WrongType": ("name", "5", "text"),
}
# The arguments of each public method and operator that takes some.
METHODS = {
    "Money.of": (("6.95", EUR), {}),
    "Money.to": ((Currency("EUR", 5),), {}),
    "Money.share": ((HALF,), {}),
    "Money.split": ((HALF,), {}),
    "Money.allocate": (([1, 2],), {}),
    "Money.__add__": ((FIVE,), {}),
    "Money.__sub__": ((FIVE,), {}),
    "Money.__mul__": ((2,), {}),
    "Money.__rmul__": ((2,), {}),
    "Money.__lt__": ((FIVE,), {}),
    "Money.__le__": ((FIVE,), {}),
    "Money.__gt__": ((FIVE,), {}),
    "Money.__ge__": ((FIVE,), {}),
    "Term.__contains__": ((DAY,), {}),
    "Term.remaining": ((DAY,), {}),
    "Term.unused": ((DAY,), {}),
    "BundleRule.most": ((2,), {}),
    "TermRule.anchor": ((DAY,), {}),
    "TermRule.first": ((DAY,), {}),
    "TermRule.nth": ((DAY, 1), {}),
    "TermRule.whole": ((TERM,), {}),
    "Tier.cost": ((3,), {}),
    "Ladder.price": ((12,), {}),
    "Ladder.units": ((12, EUR), {}),
    "Quote.adding": (((Item.CHANNEL_SETUP, 2),), {}),
    "Offer.plan": ((), {"channels": 105, "bundles": 2}),
    "Allowance.use": ((MINUTE,), {}),
    "Allowance.granting": ((MINUTE * 3,), {}),
    "Allowance.next": ((MINUTE, rules.Rollover(1)), {}),
    "Tariff.unit": ((Item.CHANNELS,), {}),
    "Tariff.units": ((Item.CHANNELS, 2), {}),
    "Tariff.channels": ((2,), {}),
    "Tariff.bundles": ((2,), {}),
    "Tariff.per_minute": (("DE", SKYPE_CONNECT), {}),
    "Plan.effect_of": ((SKYPE_CONNECT.plan(channels=4),), {}),
    "Subscription.active_on": ((DAY,), {}),
    "Subscription.admits": ((1,), {"on": DAY}),
    "Edition.__contains__": ((DAY,), {}),
    "Edition.holds": ((HELD,), {}),
    "Edition.price": ((PLAN,), {}),
    "Edition.plan_for": ((PLAN,), {}),
    "Edition.nearest": ((PLAN,), {}),
    "Catalogue.on": ((DAY,), {}),
    "Catalogue.held_by": ((HELD,), {}),
    "Catalogue.for_renewal": ((HELD,), {}),
    "Catalogue.for_term": ((HELD, DAY), {}),
    "Lot.expired": ((DAY,), {}),
    "Traffic.needed": ((30,), {}),
    "Ratio.needed": ((30,), {}),
}
EMPTY = attrs.make_class("Empty", {}, frozen=True)
# What holds mappings is compared, and is no key of one.
WITHOUT_HASH = {"Snapshot.__hash__"}
SHOWN = {"__hash__", "__repr__", "__str__"}
# What attrs and object bring along for every value.
PLUMBING = {
    "__attrs_init__",
    "__attrs_post_init__",
    "__class_getitem__",
    "__delattr__",
    "__init__",
    "__new__",
    "__setattr__",
    "__setstate__",
    "__eq__",
    "__ne__",
    "__replace__",
    "__init_subclass__",
}


def members(cls):
    """Name what a class has of its own beside its fields: public names, and operators."""
    hidden = PLUMBING | set(dir(EMPTY)) - SHOWN
    return [
        name
        for name in sorted(set(dir(cls)) - hidden - set(attrs.fields_dict(cls)))
        if not name.startswith("_") or name.endswith("__") or name == "_repr_html_"
    ]


def kind_of(value):
    """Say what a public name stands for."""
    if not inspect.isclass(value):
        return "function" if inspect.isfunction(value) else "constant"
    if issubclass(value, BaseException):
        return "error"
    if getattr(value, "_is_protocol", False):
        return "port"
    plain = attrs.has(value) or issubclass(value, enum.Enum) or value.__name__ in WITHOUT_VALUES
    return "value" if plain else "shell"


def names(kind):
    """Name what is public and of a kind, of all modules."""
    return [
        f"{stem}.{name}"
        for stem, module in MODULES.items()
        for name in module.__all__
        if kind_of(getattr(module, name)) == kind
    ]


def drain(value):
    """Take the first few of what a call returns bit by bit."""
    return list(islice(value, 3)) if isinstance(value, Iterator) else value


@pytest.mark.parametrize("name", names("function"))
def test_functions_do_no_input_or_output(name):
    """Each public function runs without an event; one without a sample fails."""
    module, function = name.split(".")
    arguments, keywords = FUNCTIONS[name]

    with watched():
        drain(getattr(MODULES[module], function)(*arguments, **keywords))


@pytest.mark.parametrize("name", names("value"))
def test_values_do_no_input_or_output(name):
    """A value is made, shown, compared, copied, and each public method of it is called."""
    module, kind = name.split(".")
    cls = getattr(MODULES[module], kind)
    if kind in WITHOUT_VALUES:
        assert not attrs.has(cls)
        return
    if issubclass(cls, enum.Enum):
        with watched():
            assert [cls(member.value) for member in cls] == list(cls)
        return
    arguments, keywords = CLASSES[kind]
    own = members(cls)
    with watched():
        value = cls(*arguments, **keywords)
        assert value == attrs.evolve(value)
        assert pickle.dumps(value)
        for member in own:
            attribute = getattr(value, member)
            if callable(attribute) and f"{kind}.{member}" not in WITHOUT_HASH:
                given, named = METHODS.get(f"{kind}.{member}", ((), {}))
                drain(attribute(*given, **named))


# What has a state, or acts upon what has, is asked for one thing after the other.
ACTIONS = [
    ("deposit", (ACME, HUNDRED * 10), {"transfer": "p-1", "on": DAY}),
    ("assign_credit", ("acme", "berlin", FIVE), {"transfer": "p-2", "on": DAY}),
    ("take_back_credit", ("acme", "berlin", Money(1, EUR)), {"transfer": "p-3", "on": DAY}),
    ("expire_credit", (ACME, Money(1, EUR)), {"transfer": "p-4", "on": DAY}),
    ("buy", (PLAN,), {**IDS, "on": DAY}),
    ("change", ("berlin", SKYPE_CONNECT.plan(channels=5)), ON),
    ("cancel", ("berlin",), ON),
    ("resume", ("berlin",), ON),
    ("terminate", ("berlin",), ON),
]
AT_A_DESK = [
    *ACTIONS[:-1],
    ("use", ("berlin", attrs.evolve(CALL, day=LATER)), ON),
    ("statement", (ACME,), {"since": LATER, "until": TERM.end}),
    ("run_due", (), {"on": date(2026, 3, 20)}),
    ("terminate", ("berlin",), {"on": date(2026, 3, 20)}),
]
OF_A_STORE = [
    ("commit", (PAID_IN,), {"expected": None}),
    ("commit", (BOUGHT,), {"expected": None}),
    ("subscription", ("berlin",), {}),
    ("balance", (ACME,), {}),
    ("postings", (ACME,), {"since": DAY, "until": LATER}),
    ("committed", (BOUGHT.token,), {}),
    ("due", (TERM.end,), {"limit": 1}),
    ("snapshot", (), {}),
    ("restore", (SNAPSHOT,), {}),
]
ASKED = {
    "desk.AsyncDesk": {name for name, *_ in AT_A_DESK} | {"commit", "preview"},
    "desk.Desk": {name for name, *_ in AT_A_DESK} | {"commit", "preview"},
    "desk.DeskActions": {name for name, *_ in ACTIONS},
    "memory.MemoryStore": {name for name, *_ in OF_A_STORE},
}


class Awaited:
    """The reference store, awaited; it never waits."""

    def __init__(self):
        self._store = MemoryStore()

    def __getattr__(self, name):
        async def answer(*arguments, **keywords):
            return getattr(self._store, name)(*arguments, **keywords)

        return answer


def driven(awaitable):
    """Return what a coroutine that never waits comes to, without an event loop."""
    with pytest.raises(StopIteration) as done:
        awaitable.send(None)
    return done.value.value


async def collected(outcomes):
    """Await all that comes bit by bit."""
    return [outcome async for outcome in outcomes]


def ask(shell, name, arguments, keywords):
    """Return an answer, waited for where it has to be, and whole where it comes bit by bit."""
    answer = getattr(shell, name)(*arguments, **keywords)
    if inspect.isasyncgen(answer):
        answer = collected(answer)
    return driven(answer) if inspect.iscoroutine(answer) else drain(answer)


@pytest.mark.parametrize("tariff", [lambda *_: TARIFF, CATALOGUE], ids=["function", "catalogue"])
@pytest.mark.parametrize(
    ("desk", "store"), [(Desk, MemoryStore), (AsyncDesk, Awaited)], ids=["sync", "async"]
)
def test_desks_do_no_input_or_output(desk, store, tariff):
    """All is done at once at one desk, and previewed and committed at another."""
    with watched():
        at_once = desk(store(), tariff=tariff)
        answers = {name: ask(at_once, name, *given) for name, *given in AT_A_DESK}
        in_two_steps = desk(store(), tariff=tariff)
        for name, *given in ACTIONS:
            preview = ask(in_two_steps.preview, name, *given)
            assert preview.decision == ask(in_two_steps, "commit", (preview,), {})

    assert [None, None] == [outcome.error for outcome in answers["run_due"]]


def test_the_store_does_no_input_or_output():
    """All that a store can be asked for is asked of one, and it is shown."""
    with watched():
        store = MemoryStore()
        for name, *given in OF_A_STORE:
            ask(store, name, *given)
        repr(store)

    assert SNAPSHOT == store.snapshot()


@pytest.mark.parametrize("name", names("shell"))
def test_nothing_that_can_be_asked_is_left_out(name):
    """The tests above ask whatever is public and has a state for all that it has in public."""
    module, kind = name.split(".")
    public = {each for each in dir(getattr(MODULES[module], kind)) if not each.startswith("_")}

    assert public == ASKED[name]


@pytest.mark.parametrize("name", names("port"))
def test_ports_have_nothing_to_run(name):
    """A port says what a store must do: its methods have a docstring, and nothing behind it."""
    module, port = name.split(".")
    (described,) = (
        each for each in TREES[module].body if isinstance(each, ast.ClassDef) and each.name == port
    )
    bodies = [each.body[1:] for each in described.body[1:]]

    assert ["..."] * len(bodies) == [ast.unparse(body) for body in bodies]


@pytest.mark.parametrize("name", all_errors.__all__)
def test_errors_do_no_input_or_output(name):
    """An error is made, shown and pickled."""
    cls = getattr(all_errors, name)
    assert issubclass(cls, ChannelPlansError)

    with watched():
        error = cls(*ERRORS[name])
        str(error), repr(error), error.code, pickle.dumps(error)


def test_refusals_do_no_input_or_output():
    """What raises inside a public function does so without an event."""
    with watched():
        with pytest.raises(ChannelPlansError):
            SKYPE_CONNECT.plan(channels=350)
        with pytest.raises(ChannelPlansError):
            cancel(HELD, on=TERM.end)


def find_loader(name):
    """Look for a module that is not there, as a first import does."""
    with suppress(ImportError):
        __import__(name)


CONTROLS = {
    "open": lambda: open(os.devnull).close(),  # noqa: PTH123 - the event is the point
    "os.listdir": lambda: os.listdir("."),  # noqa: PTH208
    "socket.__new__": lambda: socket.socket().close(),
    "subprocess.Popen": lambda: subprocess.run([sys.executable, "-c", ""], check=True),
    "import": lambda: find_loader("no_such_module_anywhere"),
}


@pytest.mark.parametrize("event", CONTROLS)
def test_the_hook_bites(event):
    """A control: each kind of event is noticed while the hook is on."""
    with pytest.raises(AssertionError, match=re.escape(event)), watched():
        CONTROLS[event]()


@pytest.mark.parametrize("event", ["open", "os.listdir"])
def test_the_hook_can_be_switched_off(event):
    """A control: outside the watch nothing is noted."""
    caught.clear()
    CONTROLS[event]()

    assert [] == caught


# The code itself

CLOCKS = {
    "now",
    "today",
    "utcnow",
    "time",
    "time_ns",
    "monotonic",
    "perf_counter",
    "localtime",
    "gmtime",
    "utcfromtimestamp",
    "fromtimestamp",
}
MODULES_FORBIDDEN = {
    "asyncio",
    "io",
    "logging",
    "os",
    "pathlib",
    "random",
    "secrets",
    "shutil",
    "socket",
    "sqlite3",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "urllib",
    "uuid",
}


def clocks(tree):
    """Find what reads a clock: a call or an attribute of one of its names."""
    return [
        node.attr if isinstance(node, ast.Attribute) else node.id
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in CLOCKS)
        or (isinstance(node, ast.Name) and node.id in CLOCKS)
    ]


def imports(tree):
    """Find the modules that are imported, wherever that happens."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found


def io_calls(tree):
    """Find calls of the built-in functions that read or write."""
    return [
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"open", "print", "input", "exec", "eval", "__import__"}
    ]


def kept(tree):
    """Find what objects keep and may change: attributes that their class's methods assign."""
    return {
        f"{scope.name}.{node.attr}"
        for scope in ast.walk(tree)
        if isinstance(scope, ast.ClassDef)
        for node in ast.walk(scope)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }


def mutable_state(tree):
    """Find lists, dicts and sets in a module's or a class's own namespace, caches and globals."""
    mutable = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
    makers = {"list", "dict", "set", "defaultdict", "deque", "OrderedDict", "Counter", "bytearray"}
    methods = {"split", "copy", "splitlines", "rsplit"}
    found = []
    for scope in ast.walk(tree):
        if isinstance(scope, (ast.Global, ast.Nonlocal)):
            found += scope.names
        if isinstance(scope, (ast.Name, ast.Attribute)):
            name = scope.id if isinstance(scope, ast.Name) else scope.attr
            found += [name] if name in {"lru_cache", "cache", "cached_property"} else []
        if not isinstance(scope, (ast.Module, ast.ClassDef)):
            continue
        for node in scope.body:
            if not isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
                continue
            target = ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
            value = node.value
            call = value.func if isinstance(value, ast.Call) else None
            made_by = getattr(call, "id", getattr(call, "attr", None))
            if target not in {"__all__", "__slots__"} and (
                isinstance(value, mutable) or made_by in makers | methods
            ):
                found.append(target)
    return found


@pytest.mark.parametrize("stem", TREES)
def test_no_module_reads_a_clock(stem):
    """Neither now() nor today() nor time() is called or looked up anywhere."""

    assert [] == clocks(TREES[stem])


@pytest.mark.parametrize("stem", PURE)
def test_no_module_imports_what_reads_or_writes(stem):
    """No module of the outside world is imported, and no built-in that reads or writes called."""
    allowed = {"threading"} if stem == "memory" else set()

    assert set() == imports(TREES[stem]) & MODULES_FORBIDDEN - allowed
    assert [] == io_calls(TREES[stem])


@pytest.mark.parametrize("stem", TREES)
def test_no_module_keeps_state(stem):
    """No list, dict or set at module or class level, no cache, no global."""

    assert [] == mutable_state(TREES[stem])


# All that is assigned in a method: what is stored, what a desk or a table was given when it was
# made, and the lots while they are read.
KEPT = {
    "desk": {"DeskActions._work", "DeskActions._do"},
    "memory": {
        *("MemoryStore._lock", "MemoryStore._revisions", "MemoryStore._subscriptions"),
        *("MemoryStore._balances", "MemoryStore._postings", "MemoryStore._known"),
        "MemoryStore._ends",
    },
    "pricing": {"_Rates._table"},
}


@pytest.mark.parametrize("stem", TREES)
def test_no_object_keeps_a_state_but_the_store(stem):
    """Values assign nothing to themselves; what is assigned is listed above, each attribute."""

    assert KEPT.get(stem, set()) == kept(TREES[stem])


def test_the_store_takes_nothing_but_a_lock_from_threads():
    """It starts no thread and keeps nothing for one; the lock is for those that call it."""
    (threads,) = (
        node
        for node in TREES["memory"].body
        if isinstance(node, ast.ImportFrom) and node.module == "threading"
    )

    assert ["Lock"] == [alias.name for alias in threads.names]


@pytest.mark.parametrize("stem", PURE)
def test_no_module_holds_something_mutable(stem):
    """What a module holds under any name of its own is frozen too, not only what it looks like."""
    held = {
        name: value
        for name, value in vars(MODULES[stem]).items()
        if not name.startswith("__") and isinstance(value, (list, dict, set, bytearray))
    }

    assert {} == held


@pytest.mark.parametrize(
    ("find", "code", "expected"),
    [
        (clocks, "def f():\n    return datetime.datetime.now()", "now"),
        (clocks, "from datetime import date\nf = date.today", "today"),
        (clocks, "from time import time\ntime()", "time"),
        (imports, "def f():\n    import os.path", "os"),
        (imports, "if TYPE_CHECKING:\n    from os import path", "os"),
        (io_calls, "def f():\n    open('x')", "open"),
        (kept, "class A:\n    def f(self):\n        self.b = 1", "A.b"),
        (kept, "class A:\n    def f(self):\n        self.b += 1", "A.b"),
        (kept, "class A:\n    def f(self):\n        self.c, self.b = 1, 2", "A.b"),
        (mutable_state, "A: Final = {}", "A"),
        (mutable_state, "A = []", "A"),
        (mutable_state, "A = set()", "A"),
        (mutable_state, "A = 'a b'.split()", "A"),
        (mutable_state, "class A:\n    b = [1]", "b"),
        (mutable_state, "@functools.lru_cache\ndef f(): ...", "lru_cache"),
        (mutable_state, "def f():\n    global a", "a"),
    ],
)
def test_the_readers_of_code_find_something(find, code, expected):
    """A control: each kind of breach is found."""

    assert expected in find(ast.parse(code))


@pytest.mark.parametrize("code", ["A = MappingProxyType({})", "A = frozenset({1})", "__all__ = []"])
def test_the_reader_of_state_lets_frozen_things_be(code):
    """A control: a frozen view, a frozen set and the list of public names are no state."""

    assert [] == mutable_state(ast.parse(code))


def test_the_constants_are_frozen():
    """What is exported as a constant cannot be changed."""
    for name in offers.__all__:
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            getattr(offers, name).name = "other"
    with pytest.raises(AttributeError):
        RUNNING.add(None)

"""Arbitrary sequences of actions against a model of plain dicts and ints, for each offer.

The model knows nothing of the package but an offer's numbers: it keeps balances in cents, minutes
in seconds and its own table of what may follow what, and predicts each action, its refusal, and the
money that moves. It runs over every shipped offer, and over a few made up ones for the rules that
no shipped offer has. After each step:

- money is conserved: what was deposited is what the purses hold and what the provider received
- terms tile: a renewal starts where the last term ended, a change to a new term on its own day and
  ends the old one there, a purchase where its profile had nothing running; only a purchase or such
  a change starts between the days of the grid
- a profile changes at most once a day, where the offer says so
- there are never more bundles than the channels allow, nor will there be with a change that waits
- no purse is below zero, and a refused settlement leaves everything as it was
- every token is unique
- deciding again from the same values gives an equal decision
"""

# Identifiers are plain text here, decisions are known to hold a subscription, and wrong types
# are given on purpose.
# mypy: disable-error-code="arg-type, union-attr"

import calendar
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise, takewhile

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from channelplans import lifecycle, offers
from channelplans.calendar import Days, Months
from channelplans.errors import (
    BundlesNotAllowed,
    ChangedTooSoon,
    InsufficientCredit,
    InvalidValue,
    MixedChange,
    NotOffered,
    OutsideTerm,
    PlanUnchanged,
    TransitionNotAllowed,
    UnknownRate,
)
from channelplans.ledger import Purse, settle
from channelplans.money import EUR, Money
from channelplans.plans import Offer
from channelplans.pricing import Tariff
from channelplans.rules import (
    BundleRule,
    ChangeRule,
    Effect,
    RefundBasis,
    RefundRule,
    Rollover,
    ShortageRule,
    TermRule,
)
from channelplans.usage import Call

SHIPPED = {
    name: value
    for name, value in vars(offers).items()
    if isinstance(value, Offer) and not name.startswith("_")
}
PACKS = BundleRule("packs", 100, ("US",), per_channel=2, included=10, rollover=Rollover(1))
MADE_UP = {
    "grace, rollover, exact time": attrs.evolve(
        offers.SKYPE_CONNECT,
        bundles=BundleRule("pack", 200, ("US",), rollover=Rollover(terms=2, cap=250)),
        refund=RefundRule(RefundBasis.EXACT_TIME, bundles=RefundBasis.SMALLER),
        shortage=ShortageRule(drops_bundles=True, grace=Days(7)),
    ),
    "prorated both ways, aligned": attrs.evolve(
        offers.SKYPE_CONNECT,
        bundles=PACKS,
        term=TermRule(Months(2), aligned=True),
        change=ChangeRule(Days(1), more=Effect.PRORATE, fewer=Effect.PRORATE),
        refund=RefundRule(bundles=RefundBasis.MINUTES),
    ),
    "more prorated, fewer kept, held": attrs.evolve(
        offers.SKYPE_CONNECT,
        bundles=PACKS,
        term=TermRule(Days(10), holding=Days(25)),
        change=ChangeRule(Days(3), more=Effect.PRORATE, fewer=Effect.KEEP),
        shortage=ShortageRule(grace=Days(2)),
    ),
    "more in full, fewer anew": attrs.evolve(
        offers.SKYPE_CONNECT,
        bundles=PACKS,
        term=TermRule(Months(1), aligned=True, holding=Months(1)),
        change=ChangeRule(Months(1), more=Effect.FULL, fewer=Effect.REBUY),
        refund=RefundRule(change_day_used=True),
    ),
}
OFFERS = SHIPPED | MADE_UP

# Cents for a channel, a bundle, a purchase and a channel's set-up; thousandths of a euro for a
# minute to the bundles' area and elsewhere.
PRICES = {
    "cheap": (5, 7, 0, 0, 4, 3),
    "usual": (695, 1000, 0, 0, 21, 20),
    "dear": (1299, 2550, 999, 50, 95, 110),
}
TARIFFS = {
    name: Tariff(
        name,
        EUR,
        Money(channel, EUR).amount,
        Money(bundle, EUR).amount,
        f"0.{inside:03}",
        {"DE": f"0.{outside:03}", "GB": f"0.{outside:03}"},
        Money(setup, EUR).amount,
        Money(channel_setup, EUR).amount,
    )
    for name, (channel, bundle, setup, channel_setup, inside, outside) in PRICES.items()
}
FOLLOWS = {
    "active": {"change", "use", "renew", "cancel", "lapse", "terminate"},
    "cancelled": {"change", "resume", "use", "expire", "terminate"},
    "lapsed": {"buy"},
    "ended": {"buy"},
}
AT_END = {"renew", "lapse", "expire"}
# By country, and what of each comes after the calling code.
NUMBERS = [
    ("US", "+1 212 555 0100", "2125550100"),
    ("US", "+1 218 632 0100", "2186320100"),
    ("CA", "+1 416 555 0100", "4165550100"),
    ("DE", "+49 30 555 0100", "305550100"),
    ("GB", "+44 20 7946 0100", "2079460100"),
    ("GB", "0044 800 555 0100", "8005550100"),
]
PASSED = 6 * 3600  # seconds of the day, for those who refund by exact time

profiles = st.sampled_from(["berlin", "paris", "rome"])
tariffs = st.sampled_from(sorted(TARIFFS))
# Brought into the bounds of the offer.
channels = st.one_of(st.integers(0, 4), st.integers(0, 4), st.integers(95, 135))
bundles = st.integers(0, 3)
# Most of what is done is done today; some is dated back, which is refused if too far.
ago = st.sampled_from([0, 0, 0, 0, 0, 0, 1, 2, 40])
cents = st.one_of(st.integers(1, 3_000), st.integers(1, 300_000))


def half_up(numerator, denominator):
    """Round a fraction to the nearest, a half away from nothing."""
    rounded = (2 * abs(numerator) + denominator) // (2 * denominator)
    return rounded if numerator > 0 else -rounded


def later(day, length):
    """Return a day so many days or months later, or the last day of a shorter month."""
    if isinstance(length, Days):
        return day + timedelta(length.count)
    year, month = divmod(day.year * 12 + day.month - 1 + length.count, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def seconds_of(duration):
    """Return a duration that has no part of a second as a plain number."""
    return duration // timedelta(seconds=1)


class Account(RuleBasedStateMachine):
    """One account with three profiles, in the package's values and in the model's beside them."""

    offer: Offer

    def __init__(self):
        super().__init__()
        self.today = date(2026, 1, 29)
        self.count = 0
        self.held = {}  # what the package says
        self.balances = {}
        self.model = {}  # what the model says, by profile
        self.purses = {}  # in cents, by profile; None is the account
        self.deposited = self.provider = 0
        self.tokens = set()
        self.terms = {}  # by profile, how each term began and the days that it really ran
        self.changes = {}

    # What the model predicts

    def sold(self, asked):
        if asked > 100 and self.offer.quantity.steps:
            nearest = self.offer.edition == "nearest 10"
            return (half_up(asked, 10) if nearest else asked // 10) * 10
        return asked

    def end_of(self, anchor, number):
        length = self.offer.term.length
        return later(anchor, type(length)(length.count * (number + 1)))

    def days(self, model):
        """Predict of how many days the whole term is, of which the running one may be a part."""
        aligned = self.offer.term.aligned
        start = model["start"].replace(day=1) if aligned else model["start"]
        return (model["end"] - start).days

    def lines(self, model, tariff):
        """Predict what a term costs: item, quantity, cents, first day."""
        prices = PRICES[tariff]
        part, of = (model["end"] - model["start"]).days, self.days(model)
        return [
            (item, count, half_up(count * price * part, of), model["start"])
            for item, price in zip(("channels", "bundles"), prices[:2], strict=True)
            if (count := model[item])
        ]

    def set_up(self, model, tariff, added, *, bought):
        """Predict what is paid once."""
        _, _, setup, channel_setup, _, _ = PRICES[tariff]
        fees = [("set-up", 1, setup)] * bought
        fees += [("set-up of channels", added, added * channel_setup)] * (added > 0)
        return [(*fee, model["start"]) for fee in fees if fee[2]]

    def granted(self, model):
        """Predict the seconds that what is paid for grants."""
        rule, of = self.offer.bundles, self.days(model)
        if rule is None:
            return 0
        minutes = {"channels": rule.included, "bundles": rule.minutes}
        minute_days = sum(
            count * minutes.get(item, 0) * (model["end"] - start).days
            for item, count, _, start in model["lines"]
        )
        return minute_days * 60 // of

    def refund(self, model, on):
        """Predict what comes back: each item by the basis that the offer has for it."""
        rule = self.offer.refund
        bases = {"channels": rule.channels, "bundles": rule.bundles}
        back = dict.fromkeys([item for item, _, _, _ in model["lines"]], Fraction(0))
        for item, _, total, start in model["lines"]:
            left, of = (model["end"] - on).days, (model["end"] - start).days
            time = left - rule.change_day_used, of
            minutes = model["granted"] - model["used"], model["granted"] or 1
            less = min(time, minutes, key=lambda part: part[0] / part[1])
            back[item] += Fraction(
                *{
                    None: (0, 1),
                    RefundBasis.NOTHING: (0, 1),
                    RefundBasis.TIME: (total * time[0], time[1]),
                    RefundBasis.EXACT_TIME: (total * (left * 86_400 - PASSED), of * 86_400),
                    RefundBasis.MINUTES: (total * minutes[0], minutes[1]),
                    RefundBasis.SMALLER: (total * less[0], less[1]),
                }[bases.get(item)]
            )
        return sum(max(0, half_up(*each.as_integer_ratio())) for each in back.values())

    def refusal(self, model, action, on):
        """Predict by which error an action is refused, if it is."""
        if model is None:
            return None
        if action not in FOLLOWS[model["status"]]:
            return TransitionNotAllowed
        end = model["end"]
        if action == "lapse" or (action == "use" and model["status"] == "active"):
            end = self.with_grace(model)
        if action in AT_END:
            too_soon = on < end
        else:
            too_soon = action != "buy" and not model["start"] <= on < end
        return OutsideTerm if too_soon or on < model["acted"] else None

    def with_grace(self, model):
        grace = self.offer.shortage.grace
        return later(model["end"], grace) if grace else model["end"]

    def held_until(self, model):
        holding = self.offer.term.holding
        return later(model["since"], holding) if holding else model["since"]

    def effect(self, model, sold, bundles):
        """Predict what a change does, or that it is refused."""
        rule = self.offer.change
        more = sold > model["channels"] or bundles > model["bundles"]
        fewer = sold < model["channels"] or bundles < model["bundles"]
        if more and fewer and rule.more is not rule.fewer:
            return MixedChange
        return rule.fewer if fewer else rule.more

    # Doing it

    def act(self, decide, refused, moves, *, profile=None, after=None):
        """Decide, compare with what is predicted, settle, and take over what has changed."""
        if refused:
            with pytest.raises(refused):
                decide()
            return False
        decision = decide()
        assert decision == decide()
        assert decision.token not in self.tokens

        wanted = {
            purse: self.purses.get(purse, 0) + sum(each for to, each in moves if to == purse)
            for purse, _ in moves
        }
        short = any(
            amount < 0 and amount < self.purses.get(purse, 0) for purse, amount in wanted.items()
        )
        untouched = dict(self.balances)
        if short:
            with pytest.raises(InsufficientCredit):
                settle(self.balances, decision.postings)
            assert untouched == self.balances
            return False
        self.balances = settle(self.balances, decision.postings)
        self.tokens.add(decision.token)
        self.purses |= wanted
        if decision.after is None:
            return True
        assert decision.before == self.held.get(profile)
        self.provider -= sum(amount for _, amount in moves)
        self.held[profile] = decision.after
        self.model[profile] = {**self.model.get(profile, {}), **after, "acted": decision.on}
        self.note_term(profile, decision)
        return True

    def note_term(self, profile, decision):
        """Keep how the days of a profile went on, as the decisions say it."""
        terms, term = self.terms.setdefault(profile, []), decision.after.term
        action = decision.action.value
        if action in {"terminate", "change"} and (
            action == "terminate" or term != decision.before.term
        ):
            how, start, _ = terms.pop()
            terms.append((how, start, decision.on))
        if action in {"buy", "renew"} or (action == "change" and term != decision.before.term):
            terms.append((action, term.start, term.end))

    def plan(self, asked, bundles):
        """Return a plan and what is sold, or None where the bundles are too many."""
        rule, quantity = self.offer.bundles, self.offer.quantity
        asked = quantity.minimum + asked % (min(quantity.maximum, 200) - quantity.minimum + 1)
        sold = self.sold(asked)
        per_channel = rule.per_channel if rule else 0
        # Where there are no bundles, they are not asked for all the time.
        bundles = bundles if per_channel != 0 or bundles == 3 else 0
        if per_channel is not None and bundles > per_channel * sold:
            with pytest.raises(BundlesNotAllowed):
                self.offer.plan(channels=asked, bundles=bundles)
            return None, sold, bundles
        return self.offer.plan(channels=asked, bundles=bundles), sold, bundles

    def fresh(self, tariff, sold, bundles, on, *, added, bought):
        """Predict a subscription that starts on a day."""
        anchor = on.replace(day=1) if self.offer.term.aligned else on
        model = {
            "status": "active",
            "channels": sold,
            "bundles": bundles,
            "start": on,
            "end": self.end_of(anchor, 0),
            "anchor": anchor,
            "number": 0,
            "used": 0,
            "carried": (),
            "pending": None,
            "tariff": tariff,
        }
        model["lines"] = self.lines(model, tariff)
        model["granted"] = self.granted(model)
        model["lines"] += self.set_up(model, tariff, added, bought=bought)
        return model

    def amended(self, model, sold, bundles, on, effect):
        """Predict a subscription whose running term goes on with another plan, at its prices."""
        after = {**model, "channels": sold, "bundles": bundles, "lines": list(model["lines"])}
        after |= {"status": "active", "pending": None}
        start = on if effect is Effect.PRORATE else model["start"]
        paid = {
            item: sum(count for of, count, _, _ in model["lines"] if of == item)
            for item in ("channels", "bundles")
        }
        for item, price in zip(paid, PRICES[model["tariff"]][:2], strict=True):
            more = after[item] > model[item] and after[item] > paid[item]
            fewer = after[item] < model[item] and after[item] < paid[item]
            if effect is not Effect.KEEP and (more or (fewer and effect is Effect.PRORATE)):
                step = after[item] - paid[item]
                lines = [line for line in model["lines"] if line[0] == item]
                alike = list(takewhile(lambda line: line[3] == start, reversed(lines)))
                whole = step + sum(count for _, count, _, _ in alike)
                part = (model["end"] - start).days
                due = half_up(whole * price * part, self.days(model))
                due -= sum(cents for _, _, cents, _ in alike)
                least = 0 if effect is Effect.FULL else -sum(cents for _, _, cents, _ in lines)
                after["lines"].append((item, step, max(due, least), start))
        after["granted"] = max(self.granted(after), model["used"])
        added = sold - max(paid["channels"], model["channels"])
        after["lines"] += self.set_up(model, model["tariff"], added, bought=False)
        return after

    def next_id(self):
        self.count += 1
        return f"n/{self.count}"

    @initialize(amount=st.integers(0, 10**6))
    def begin(self, amount):
        """Most accounts have some credit."""
        if amount:
            self.deposit(None, amount)

    @rule(purse=st.one_of(st.none(), profiles), amount=cents)
    def deposit(self, purse, amount):
        """Credit comes from outside."""
        to, transfer = Purse("acme", purse), self.next_id()
        money = Money(amount, EUR)
        self.act(
            lambda: lifecycle.deposit(to, money, transfer=transfer, on=self.today),
            None,
            [(purse, amount)],
        )
        self.deposited += amount

    @rule(profile=profiles, amount=cents, back=st.booleans())
    def move_credit(self, profile, amount, back):
        """Credit goes to a profile, or comes back."""
        move = lifecycle.take_back_credit if back else lifecycle.assign_credit
        transfer, money = self.next_id(), Money(amount, EUR)
        self.act(
            lambda: move("acme", profile, money, transfer=transfer, on=self.today),
            None,
            [(profile, -amount if back else amount), (None, amount if back else -amount)],
        )

    @rule(days=st.sampled_from([0, 1, 1, 3, 7, 10, 29, 30, 31, 75]))
    def days_pass(self, days):
        """Whatever falls due meanwhile is late."""
        self.today += timedelta(days)

    @rule(profile=profiles, asked=channels, bundles=bundles, tariff=tariffs, ago=ago)
    def buy(self, profile, asked, bundles, tariff, ago):
        """Buy, also where something is running, and buy again."""
        on, model = self.today - timedelta(ago), self.model.get(profile)
        plan, sold, bundles = self.plan(asked, bundles)
        if plan is None:
            return
        identifier = self.next_id()
        after = self.fresh(tariff, sold, bundles, on, added=sold, bought=True)
        after |= {"last_changed": model and model["last_changed"], "since": on}
        self.act(
            lambda: lifecycle.buy(
                plan,
                TARIFFS[tariff],
                account="acme",
                profile=profile,
                subscription=identifier,
                on=on,
                previous=self.held.get(profile),
            ),
            self.refusal(model, "buy", on),
            [(None, -cost(after))],
            profile=profile,
            after=after,
        )

    @rule(profile=profiles, asked=channels, bundles=bundles, tariff=tariffs, ago=ago)
    def change(self, profile, asked, bundles, tariff, ago):
        """Change, also to what is held, twice a day, and out of time."""
        on, model = self.today - timedelta(ago), self.model.get(profile)
        plan, sold, bundles = self.plan(asked, bundles)
        if plan is None or model is None:
            return
        held, wanted = (model["channels"], model["bundles"]), (sold, bundles)
        cooldown, last = self.offer.change.cooldown, model["last_changed"]
        effect = self.effect(model, sold, bundles)
        refused = self.refusal(model, "change", on)
        if not refused and wanted == (model["pending"] or held):
            refused = PlanUnchanged
        if not refused and cooldown and last and on < later(last, cooldown):
            refused = ChangedTooSoon
        if not refused and effect is MixedChange:
            refused = MixedChange
        after, moves = {**model, "status": "active", "pending": None}, []
        if refused or wanted == held:
            pass
        elif effect is Effect.NEXT_TERM:
            after["pending"] = wanted
        elif effect is Effect.REBUY:
            added = sold - model["channels"]
            after |= self.fresh(tariff, sold, bundles, on, added=added, bought=False)
            moves = [(None, self.refund(model, on)), (None, -cost(after))]
        else:
            after = self.amended(model, sold, bundles, on, effect)
            moves = [(None, cost(model) - cost(after))]
        done = self.act(
            lambda: lifecycle.change(
                self.held[profile],
                plan,
                TARIFFS[tariff],
                on=on,
                passed=timedelta(seconds=PASSED),
            ),
            refused,
            moves,
            profile=profile,
            after={**after, "last_changed": on},
        )
        if done:
            self.changes.setdefault(profile, []).append(on)

    @rule(profile=profiles, tariff=tariffs, steps=st.lists(st.integers(1, 4), min_size=2))
    def end_and_buy_again(self, profile, tariff, steps):
        """Change, end, buy and change on one day: that does not give the day back."""
        self.deposit(None, 10**6)
        self.change(profile, steps[0], 0, tariff, 0)
        self.terminate(profile, False, 0)
        self.buy(profile, steps[1], 0, tariff, 0)
        self.change(profile, steps[-1] + 1, 0, tariff, 0)

    @rule(profile=profiles, tariff=tariffs, without_bundles=st.booleans(), ago=ago)
    def renew(self, profile, tariff, without_bundles, ago):
        """Renew, on time, late, too early or twice; or the channels alone."""
        on, model = self.today - timedelta(ago), self.model.get(profile)
        if model is None:
            return
        channels, bundles = model["pending"] or (model["channels"], model["bundles"])
        refused = self.refusal(model, "renew", on)
        drops = self.offer.shortage.drops_bundles and bundles
        if without_bundles and not refused and not drops:
            refused = NotOffered
        number = model["number"] + 1
        after = {
            "channels": channels,
            "bundles": 0 if without_bundles else bundles,
            "number": number,
            "start": model["end"],
            "end": self.end_of(model["anchor"], number),
            "used": 0,
            "carried": self.carried(model),
            "pending": None,
            "tariff": tariff,
        }
        after["lines"] = self.lines(after, tariff)
        after["granted"] = self.granted(after)
        added = channels - model["channels"]
        after["lines"] += self.set_up(after, tariff, added, bought=False)
        decide = lifecycle.renew_without_bundles if without_bundles else lifecycle.renew
        self.act(
            lambda: decide(self.held[profile], TARIFFS[tariff], on=on),
            refused,
            [(None, -cost(after))],
            profile=profile,
            after=after,
        )

    def carried(self, model):
        """Predict what is left of each earlier term, the youngest first."""
        rollover = self.offer.bundles and self.offer.bundles.rollover
        if not rollover:
            return ()
        left = [model["granted"] - model["used"], *model["carried"]][: rollover.terms]
        most, kept = (rollover.cap or 10**9) * 60, list[int]()
        for each in left:
            kept.append(min(each, most - sum(kept)))
        while kept and kept[-1] == 0:
            del kept[-1]
        return tuple(kept)

    @rule(
        profile=profiles,
        step=st.sampled_from(
            [
                ("cancel", "cancelled"),
                ("resume", "active"),
                ("lapse", "lapsed"),
                ("expire", "ended"),
            ]
        ),
        ago=ago,
    )
    def move_no_money(self, profile, step, ago):
        """Cancel, resume, lapse or expire; a change that waits is dropped with a cancellation."""
        action, status = step
        on, model = self.today - timedelta(ago), self.model.get(profile)
        if model is None:
            return
        refused = self.refusal(model, action, on)
        if action == "cancel" and model["end"] < self.held_until(model):
            refused = refused or OutsideTerm
        self.act(
            lambda: getattr(lifecycle, action)(self.held[profile], on=on),
            refused,
            [],
            profile=profile,
            after={"status": status, "pending": None},
        )

    @rule(
        profile=profiles,
        late=st.integers(0, 8),
        step=st.sampled_from(["nothing", "lapse", "use", "renew", "without bundles"]),
        tariff=tariffs,
    )
    def the_term_ends(self, profile, late, step, tariff):
        """What waits for the end of a term comes more often than chance has it."""
        if profile not in self.model:
            return
        self.today = max(self.today, self.model[profile]["end"] + timedelta(late))
        if step == "lapse":
            self.move_no_money(profile, ("lapse", "lapsed"), 0)
        elif step == "use":
            self.use(profile, NUMBERS[0], 600, 0, tariff, 0)
        elif step != "nothing":
            self.renew(profile, tariff, step == "without bundles", 0)

    @rule(profile=profiles, refund=st.booleans(), ago=ago)
    def terminate(self, profile, refund, ago):
        """End it at once, with what is left coming back or not."""
        on, model = self.today - timedelta(ago), self.model.get(profile)
        if model is None:
            return
        refused = self.refusal(model, "terminate", on)
        if refund and on < self.held_until(model):
            refused = refused or OutsideTerm
        self.act(
            lambda: lifecycle.terminate(
                self.held[profile], on=on, refund=refund, passed=timedelta(seconds=PASSED)
            ),
            refused,
            [(None, self.refund(model, on) if refund and not refused else 0)],
            profile=profile,
            after={"status": "ended", "pending": None},
        )

    @rule(
        profile=profiles,
        to=st.sampled_from(NUMBERS),
        seconds=st.sampled_from([0, 1, 31, 600, 86_400, 299_990]),
        earlier=st.sampled_from([0, 0, 0, 1, 5, -1]),
        tariff=tariffs,
        ago=ago,
    )
    def use(self, profile, to, seconds, earlier, tariff, ago):
        """Make a call, of this term or another, in its grace, or one that is yet to come."""
        on, model = self.today - timedelta(ago), self.model.get(profile)
        if model is None:
            return
        country, number, national = to
        day = on - timedelta(earlier)
        rule, calls = self.offer.bundles, self.offer.calls
        inside = rule is not None and country in rule.area
        last = self.with_grace(model) if model["status"] == "active" else model["end"]
        refused = self.refusal(model, "use", on)
        if not refused and not model["start"] <= day < last:
            refused = OutsideTerm
        if not refused and day > on:
            refused = InvalidValue
        if not refused and not inside and country not in {"DE", "GB"}:
            refused = UnknownRate
        there = day < model["end"] and (model["granted"] or any(model["carried"]))
        by_bundle = there and inside and not national.startswith(rule.excluded_prefixes)
        least, step = seconds_of(calls.minimum), seconds_of(calls.step)
        counted = seconds and least + max(0, -(-(seconds - least) // step) * step)
        left = [model["granted"] - model["used"], *model["carried"]]
        limits = [counted, sum(left)]
        if rule is not None and rule.longest_call:
            limits.append(seconds_of(rule.longest_call))
        included = min(limits) if by_bundle else 0
        taken = included
        for place in reversed(range(len(left))):
            part = min(left[place], taken)
            left[place] -= part
            taken -= part
        *_, area, elsewhere = PRICES[tariff]
        price = half_up((counted - included) * (area if inside else elsewhere), 600)
        call = Call(self.next_id(), number, country, day, timedelta(seconds=seconds))
        self.act(
            lambda: lifecycle.use(self.held[profile], call, TARIFFS[tariff], on=on),
            refused,
            [(None if by_bundle else profile, -price)],
            profile=profile,
            after={"used": model["granted"] - left[0], "carried": tuple(left[1:])},
        )

    # What holds after each step

    @invariant()
    def money_is_conserved(self):
        """What was deposited is what the purses hold and what the provider received."""
        held = {purse.profile: amount.minor for purse, amount in self.balances.items()}
        assert held == {purse: self.purses[purse] for purse in held}
        assert self.deposited == sum(self.purses.values()) + self.provider
        assert sum(held.values()) == sum(self.purses.values())

    @invariant()
    def no_purse_is_below_zero(self):
        """Neither the account's nor a profile's."""
        assert all(amount.minor >= 0 for amount in self.balances.values())

    @invariant()
    def terms_tile(self):
        """Without overlap, and without a gap unless the profile had none running."""
        for terms in self.terms.values():
            for (_, _, end), (how, start, _) in pairwise(terms):
                assert end <= start if how == "buy" else end == start
            for how, start, end in terms:
                assert start <= end
                assert how != "renew" or not self.offer.term.aligned or start.day == 1

    @invariant()
    def a_profile_changes_once_a_day(self):
        """Where the offer says so, also by ending and buying again."""
        if self.offer.change.cooldown:
            for days in self.changes.values():
                assert len(days) == len(set(days))

    @invariant()
    def bundles_stay_below_what_the_channels_allow(self):
        """On every profile, at any time; none where the offer has none."""
        for held in self.held.values():
            for plan in (held.plan, held.pending or held.plan):
                rule = self.offer.bundles
                if rule is None or rule.per_channel is not None:
                    assert plan.bundles <= (rule.per_channel if rule else 0) * plan.channels

    @invariant()
    def the_subscriptions_are_as_predicted(self):
        """Each field that the model knows."""
        for profile, model in self.model.items():
            held, minutes = self.held[profile], self.held[profile].allowance
            pending = held.pending
            assert model == {
                "status": held.status.value,
                "channels": held.plan.channels,
                "bundles": held.plan.bundles,
                "start": held.term.start,
                "end": held.term.end,
                "anchor": held.anchor,
                "number": held.number,
                "granted": minutes.granted.total_seconds(),
                "used": minutes.used.total_seconds(),
                "carried": tuple(each.total_seconds() for each in minutes.carried),
                "lines": [
                    (line.item.value, line.quantity, line.total.minor, line.term.start)
                    for line in held.paid.lines
                ],
                "last_changed": held.last_changed_on,
                "acted": held.acted_on,
                "since": held.since,
                "pending": (pending.channels, pending.bundles) if pending else None,
                "tariff": held.paid.tariff.name,
            }
            assert {line.term.end for line in held.paid.lines} == {held.term.end}


def cost(model):
    """Return what was paid for the running term, in cents."""
    return sum(total for _, _, total, _ in model["lines"])


def test_every_shipped_offer_is_driven():
    """None is left out: what the module names and what it holds are the same."""
    assert sorted(offers.__all__) == sorted(SHIPPED)


@pytest.mark.parametrize("name", sorted(OFFERS))
def test_any_sequence_of_actions_keeps_the_rules(name):
    """Whatever is done in whatever order, refused or not, the model predicts it."""
    machine = type("Account", (Account,), {"offer": OFFERS[name]})

    run_state_machine_as_test(machine, settings=settings(max_examples=50, stateful_step_count=40))

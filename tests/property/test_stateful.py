"""Random sequences of actions, compared with a simple model of an account.

The model predicts the result of each action: the error, or the postings and the new subscription.
It calculates with plain integers, in cents and seconds, and has its own table of allowed actions.
It reads the rules from the offer, and uses no other code of the package.

The sequences run for every shipped offer, and for a few other offers with rules that no shipped
offer has.
"""

import calendar
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise, takewhile
from typing import NamedTuple

import attrs
import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from channelplans import offers
from channelplans.calendar import Days, Months
from channelplans.calls import Call
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
from channelplans.money import EUR, Money
from channelplans.offers import OFFERS, SKYPE_CONNECT
from channelplans.plans import Offer
from channelplans.rules import (
    BundleRule,
    ChangeEffect,
    ChangeRule,
    NonPaymentRule,
    RefundBasis,
    RefundRule,
    Rollover,
    TermRule,
)
from channelplans.subscriptions import actions, transfers
from channelplans.subscriptions.call_records import record_call
from channelplans.subscriptions.decisions import Transfer
from channelplans.subscriptions.wallets import Wallet, settle
from channelplans.tariffs import Tariff

pytestmark = pytest.mark.slow

PACKS = BundleRule("packs", 100, ("US",), per_channel=2, included=10, rollover=Rollover(1))
OTHER_OFFERS = {
    "grace period, rollover, refund by the smaller share": attrs.evolve(
        SKYPE_CONNECT,
        bundle=BundleRule("pack", 200, ("US",), rollover=Rollover(terms=2, cap=250)),
        refund=RefundRule(bundles=RefundBasis.SMALLER),
        non_payment=NonPaymentRule(drops_bundles=True, grace=Days(7)),
    ),
    "prorated changes, terms aligned to the month": attrs.evolve(
        SKYPE_CONNECT,
        bundle=PACKS,
        term=TermRule(Months(2), billing_day=1),
        change=ChangeRule(Days(1), more=ChangeEffect.PRORATE, fewer=ChangeEffect.PRORATE),
        refund=RefundRule(bundles=RefundBasis.MINUTES),
    ),
    "prorated increase, kept reduction, minimum term": attrs.evolve(
        SKYPE_CONNECT,
        bundle=PACKS,
        term=TermRule(Days(10), minimum_term=Days(25)),
        change=ChangeRule(Days(3), more=ChangeEffect.PRORATE, fewer=ChangeEffect.NO_CHARGE),
        non_payment=NonPaymentRule(grace=Days(2)),
    ),
    "increase charged in full, kept reduction, refund of channels by minutes": attrs.evolve(
        SKYPE_CONNECT,
        bundle=PACKS,
        term=TermRule(Months(1), billing_day=1, minimum_term=Months(1)),
        change=ChangeRule(Months(1), more=ChangeEffect.CHARGE_FULL, fewer=ChangeEffect.NO_CHARGE),
        refund=RefundRule(RefundBasis.MINUTES, RefundBasis.SMALLER, change_day_used=True),
    ),
    "prorated increase, restart on reduction, refund of channels by the smaller share": (
        attrs.evolve(
            SKYPE_CONNECT,
            bundle=PACKS,
            term=TermRule(Months(1), billing_day=1, minimum_term=Months(1)),
            change=ChangeRule(Months(1), more=ChangeEffect.PRORATE, fewer=ChangeEffect.RESTART),
            refund=RefundRule(channels=RefundBasis.SMALLER, change_day_used=True),
        )
    ),
}
TESTED_OFFERS = {**OFFERS, **OTHER_OFFERS}


class Prices(NamedTuple):
    """The prices of a tariff: the first four in cents, the rates in 0.001 euros per minute.

    ``other_rate`` is for destinations with a rate of their own, also in the area of the bundles.
    ``bundle_rate`` is for the other destinations of that area.
    """

    channel: int
    bundle: int
    setup: int
    channel_setup: int
    bundle_rate: int
    other_rate: int

    def of_item(self, item):
        """Return the price of a channel or of a bundle."""
        return {"channels": self.channel, "bundles": self.bundle}[item]


PRICES = {
    "cheap": Prices(5, 7, 0, 0, 4, 3),
    "usual": Prices(695, 1000, 0, 0, 21, 20),
    "dear": Prices(1299, 2550, 999, 50, 95, 110),
}
DESTINATIONS_WITH_RATES = ("DE", "GB")
TARIFFS = {
    name: Tariff(
        name,
        EUR,
        Money(minor=prices.channel, currency=EUR).amount,
        Money(minor=prices.bundle, currency=EUR).amount,
        f"0.{prices.bundle_rate:03}",
        dict.fromkeys(DESTINATIONS_WITH_RATES, f"0.{prices.other_rate:03}"),
        Money(minor=prices.setup, currency=EUR).amount,
        Money(minor=prices.channel_setup, currency=EUR).amount,
    )
    for name, prices in PRICES.items()
}
ALLOWED_ACTIONS = {
    "active": {"change", "record_call", "renew", "cancel", "lapse", "terminate"},
    "cancelled": {"change", "resume", "record_call", "expire", "terminate"},
    "cancelled in the minimum term": {
        "change",
        "resume",
        "record_call",
        "renew",
        "lapse",
        "terminate",
    },
    "lapsed": {"buy", "record_call"},
    "ended": {"buy", "record_call"},
}
ACTIONS_AFTER_THE_TERM = {"renew", "lapse", "expire"}
ACTIONS_WHILE_UNPAID = {"change", "cancel", "terminate"}


class DialledNumber(NamedTuple):
    """A number to call: its destination, and its digits with and without the calling code."""

    destination: str
    number: str
    national: str


DIALLED_NUMBERS = [
    DialledNumber("US", "+1 212 555 0100", "2125550100"),
    DialledNumber("US", "+1 218 632 0100", "2186320100"),
    DialledNumber("CA", "+1 416 555 0100", "4165550100"),
    DialledNumber("DE", "+49 30 555 0100", "305550100"),
    DialledNumber("GB", "+44 20 7946 0100", "2079460100"),
    DialledNumber("GB", "0044 800 555 0100", "8005550100"),
]

profiles = st.sampled_from(["berlin", "paris", "rome"])
tariff_names = st.sampled_from(sorted(TARIFFS))
# ``request_plan`` moves these numbers into the bounds of the offer.
channel_numbers = st.one_of(st.integers(0, 4), st.integers(0, 4), st.integers(95, 135))
bundle_numbers = st.integers(0, 3)
# Most actions happen today. Some have an earlier date, which can be too early.
days_before_today = st.sampled_from([0, 0, 0, 0, 0, 0, 1, 2, 40])
cents = st.one_of(st.integers(1, 3_000), st.integers(1, 300_000))


def round_half_up(numerator, denominator):
    """Round a fraction to the nearest integer, and a half away from zero."""
    rounded = (2 * abs(numerator) + denominator) // (2 * denominator)
    return rounded if numerator > 0 else -rounded


def add_length(day, length):
    """Return the day after a number of days or months, limited to the last day of the month."""
    if isinstance(length, Days):
        return day + timedelta(length.count)
    year, month = divmod(day.year * 12 + day.month - 1 + length.count, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def whole_seconds(duration):
    """Return a duration in whole seconds."""
    return duration // timedelta(seconds=1)


class ModelLine(NamedTuple):
    """A line of a predicted quote: item, quantity, total in cents, and first day."""

    item: str
    quantity: int
    total: int
    start: date


class ModelPrevious(NamedTuple):
    """The predicted previous term: its days, the first day that is not its own, its seconds."""

    start: date
    term_end: date
    end: date
    granted: int
    left: int


class RecordedTerm(NamedTuple):
    """A term of a profile: the action that started it, its first day and the day it ended."""

    started_by: str
    start: date
    end: date


def summarize_previous(previous):
    """Return the values of a previous term that the model predicts."""
    if previous is None:
        return None
    term, allowance = previous.quote.term, previous.allowance
    seconds = (allowance.granted.total_seconds(), allowance.remaining.total_seconds())
    return ModelPrevious(term.start, term.end, previous.end, *seconds)


def total_of(model):
    """Return the total paid for the running term of a predicted subscription, in cents."""
    return sum(line.total for line in model["lines"])


class AccountMachine(RuleBasedStateMachine):
    """An account with three profiles, kept in the package's values and in a model.

    In the model, a wallet is named by its profile, and the account's wallet by None.
    """

    offer: Offer

    def __init__(self):
        super().__init__()
        self.today = date(2026, 1, 29)
        self.identifier_count = 0
        # The package's values.
        self.subscriptions = {}
        self.balances = {}
        # The model: predicted subscriptions by profile, and predicted balances in cents by wallet.
        self.models = {}
        self.model_balances = {}
        self.deposited = 0
        self.overdrawn_by_calls = set()
        self.provider_income = 0
        # The history of the account.
        self.tokens = set()
        self.terms = {}
        self.change_days = {}

    # Predictions of the model

    def granted_channels(self, requested):
        """Predict how many channels are granted for a request."""
        if requested > 100 and self.offer.quantity.steps:
            rounds_to_nearest = self.offer.edition == "nearest 10"
            tens = round_half_up(requested, 10) if rounds_to_nearest else requested // 10
            return tens * 10
        return requested

    def term_end(self, anchor, number):
        """Predict the end of a term, counted from the anchor."""
        length = self.offer.term.length
        return add_length(anchor, type(length)(length.count * (number + 1)))

    def days_of_whole_term(self, model):
        """Predict the days of the whole term, of which an aligned first term can be a part."""
        aligned = self.offer.term.billing_day
        start = model["start"].replace(day=1) if aligned else model["start"]
        return (model["end"] - start).days

    def recurring_lines(self, model, tariff_name):
        """Predict the lines for the channels and the bundles of a new term."""
        days = (model["end"] - model["start"]).days
        whole_days = self.days_of_whole_term(model)
        lines = []
        for item in ("channels", "bundles"):
            full_price = model[item] * PRICES[tariff_name].of_item(item)
            total = round_half_up(full_price * days, whole_days)
            if model[item]:
                lines.append(ModelLine(item, model[item], total, model["start"]))
        return lines

    def setup_lines(self, model, tariff_name, added_channels, *, is_purchase):
        """Predict the lines for the set-up fees of a purchase and of added channels."""
        prices, start, lines = PRICES[tariff_name], model["start"], []
        if is_purchase and prices.setup:
            lines.append(ModelLine("set-up", 1, prices.setup, start))
        if added_channels > 0 and prices.channel_setup:
            fee = added_channels * prices.channel_setup
            lines.append(ModelLine("set-up of channels", added_channels, fee, start))
        return lines

    def granted_seconds(self, model):
        """Predict the seconds of calls that the lines of a term include."""
        rule = self.offer.bundle
        if rule is None:
            return 0
        minutes = {"channels": rule.included, "bundles": rule.minutes}
        minute_days = sum(
            line.quantity * minutes.get(line.item, 0) * (model["end"] - line.start).days
            for line in model["lines"]
        )
        return minute_days * 60 // self.days_of_whole_term(model)

    def predict_refund(self, model, on):
        """Predict the refund of each item in cents; each is rounded once, by its basis."""
        rule = self.offer.refund
        bases = {"channels": rule.channels, "bundles": rule.bundles}
        refunds = dict.fromkeys([line.item for line in model["lines"]], Fraction(0))
        unused_minutes = Fraction(model["granted"] - model["used"], model["granted"] or 1)
        for line in model["lines"]:
            days_left = (model["end"] - on).days
            days = (model["end"] - line.start).days
            unused_days = Fraction(days_left - rule.change_day_used, days)
            shares = {
                RefundBasis.NOTHING: Fraction(0),
                RefundBasis.TIME: unused_days,
                RefundBasis.MINUTES: unused_minutes,
                RefundBasis.SMALLER: min(unused_days, unused_minutes),
            }
            basis = bases.get(line.item, RefundBasis.NOTHING)
            refunds[line.item] += line.total * shares[basis]
        return {
            item: max(0, round_half_up(*amount.as_integer_ratio()))
            for item, amount in refunds.items()
        }

    def refunded_seconds(self, model, refunds):
        """Predict the included seconds for which money is refunded."""
        rule, minute_days = self.offer.bundle, Fraction(0)
        minutes = {"channels": rule.included, "bundles": rule.minutes} if rule else {}
        for item, minutes_each in minutes.items():
            lines = [line for line in model["lines"] if line.item == item]
            paid = sum(line.total for line in lines)
            if paid > 0:
                days = sum(line.quantity * (model["end"] - line.start).days for line in lines)
                minute_days += Fraction(refunds[item], paid) * days * minutes_each
        return int(minute_days * 60 / self.days_of_whole_term(model))

    def predict_used(self, model, refunds):
        """Predict the used seconds if seconds for which money was refunded count as used."""
        return min(model["granted"], model["used"] + self.refunded_seconds(model, refunds))

    def predict_previous(self, model, end):
        """Predict the previous term of a term that follows on a day.

        A term that has no day before is not kept. The term before it is, with the seconds that
        were carried out of it.
        """
        carried = sum(model["carried"])
        if model["start"] < end:
            left = model["granted"] - model["used"] + carried
            return ModelPrevious(model["start"], model["end"], end, model["granted"], left)
        previous = model["previous"]
        if previous is None:
            return None
        return previous._replace(end=min(previous.end, end), left=previous.left + carried)

    def renews(self, model):
        """Predict whether a term follows: a cancelled one follows only in the minimum term."""
        in_minimum_term = model["end"] < self.minimum_term_end(model)
        return model["status"] == "active" or (model["status"] == "cancelled" and in_minimum_term)

    def calls_end(self, model):
        """Predict the first day whose calls do not belong to the running or the last term."""
        if model["calls_end"]:
            return model["calls_end"]
        return self.grace_period_end(model) if self.renews(model) else model["end"]

    def predict_error(self, model, action, on):
        """Predict the error of an action that its status or its day does not allow, or None."""
        if model is None:
            return None
        status, end = model["status"], model["end"]
        if status == "cancelled" and self.renews(model):
            status = "cancelled in the minimum term"
        if action not in ALLOWED_ACTIONS[status]:
            return TransitionNotAllowed
        if action in ACTIONS_WHILE_UNPAID and self.renews(model):
            end = max(end + timedelta(1), self.grace_period_end(model))
        if action in ACTIONS_AFTER_THE_TERM:
            outside_term = on < end
        else:
            outside_term = action not in {"buy", "record_call"} and not model["start"] <= on < end
        return OutsideTerm if outside_term or on < model["acted_on"] else None

    def grace_period_end(self, model):
        """Predict the end of the grace period, or of the term if the offer has none."""
        grace = self.offer.non_payment.grace
        return add_length(model["end"], grace) if grace else model["end"]

    def minimum_term_end(self, model):
        """Predict the end of the minimum term, or its start if the offer has none."""
        minimum_term = self.offer.term.minimum_term
        return add_length(model["since"], minimum_term) if minimum_term else model["since"]

    def predict_effect(self, model, channels, bundles):
        """Predict the effect of a change, or ``MixedChange`` if the change is refused."""
        rule = self.offer.change
        increases = channels > model["channels"] or bundles > model["bundles"]
        reduces = channels < model["channels"] or bundles < model["bundles"]
        if increases and reduces and rule.more is not rule.fewer:
            return MixedChange
        return rule.fewer if reduces else rule.more

    def predict_new_subscription(
        self, tariff_name, channels, bundles, on, *, added_channels, is_purchase
    ):
        """Predict a subscription whose first term starts on a day."""
        anchor = on.replace(day=1) if self.offer.term.billing_day else on
        model = {
            "status": "active",
            "channels": channels,
            "bundles": bundles,
            "start": on,
            "end": self.term_end(anchor, 0),
            "anchor": anchor,
            "number": 0,
            "used": 0,
            "carried": (),
            "pending": None,
            "tariff": tariff_name,
            "calls_end": None,
        }
        model["lines"] = self.recurring_lines(model, tariff_name)
        model["granted"] = self.granted_seconds(model)
        model["lines"] += self.setup_lines(
            model, tariff_name, added_channels, is_purchase=is_purchase
        )
        return model

    def predict_renewed_subscription(self, model, tariff_name, channels, bundles, added_channels):
        """Predict the changed values of a subscription after its renewal with a plan."""
        number, carried = model["number"] + 1, self.predict_carried(model)
        previous = self.predict_previous(model, model["end"])
        changes = {
            "channels": channels,
            "bundles": bundles,
            "number": number,
            "start": model["end"],
            "end": self.term_end(model["anchor"], number),
            "used": 0,
            "carried": carried,
            "pending": None,
            "tariff": tariff_name,
            "previous": previous._replace(left=previous.left - sum(carried)),
        }
        changes["lines"] = self.recurring_lines(changes, tariff_name)
        changes["granted"] = self.granted_seconds(changes)
        changes["lines"] += self.setup_lines(
            changes, tariff_name, added_channels, is_purchase=False
        )
        return changes

    def predict_changed_subscription(self, model, channels, bundles, on, effect):
        """Predict a subscription that a change gives another plan within the running term."""
        changed = {**model, "channels": channels, "bundles": bundles}
        changed |= {"status": "active", "pending": None, "lines": list(model["lines"])}
        paid_quantities = {
            item: sum(line.quantity for line in model["lines"] if line.item == item)
            for item in ("channels", "bundles")
        }
        start = on if effect is ChangeEffect.PRORATE else model["start"]
        for item, paid_quantity in paid_quantities.items():
            increases = changed[item] > max(model[item], paid_quantity)
            reduces = changed[item] < min(model[item], paid_quantity)
            moves_money = increases or (reduces and effect is ChangeEffect.PRORATE)
            if moves_money and effect is not ChangeEffect.NO_CHARGE:
                step = changed[item] - paid_quantity
                line = self.predict_added_line(model, item, step, start, effect)
                changed["lines"].append(line)
        changed["granted"] = max(self.granted_seconds(changed), model["used"])
        added_channels = channels - max(paid_quantities["channels"], model["channels"])
        changed["lines"] += self.setup_lines(
            model, model["tariff"], added_channels, is_purchase=False
        )
        return changed

    def predict_added_line(self, model, item, step, start, effect):
        """Predict the line for a change of an item's quantity.

        Lines that start on the same day are rounded as one sum. ``CHARGE_FULL`` never returns
        money, and ``PRORATE`` never returns more than was paid for the item.
        """
        item_lines = [line for line in model["lines"] if line.item == item]
        same_day_lines = list(takewhile(lambda line: line.start == start, reversed(item_lines)))
        quantity = step + sum(line.quantity for line in same_day_lines)
        full_price = quantity * PRICES[model["tariff"]].of_item(item)
        days = (model["end"] - start).days
        same_day_total = round_half_up(full_price * days, self.days_of_whole_term(model))
        total = same_day_total - sum(line.total for line in same_day_lines)
        minimum = (
            0 if effect is ChangeEffect.CHARGE_FULL else -sum(line.total for line in item_lines)
        )
        return ModelLine(item, step, max(total, minimum), start)

    def predict_carried(self, model):
        """Predict the seconds that a renewal carries over from each term, the latest term first."""
        rollover = self.offer.bundle and self.offer.bundle.rollover
        if not rollover:
            return ()
        unused = [model["granted"] - model["used"], *model["carried"]][: rollover.terms]
        maximum, carried = (rollover.cap or 10**9) * 60, list[int]()
        for seconds in unused:
            carried.append(min(seconds, maximum - sum(carried)))
        while carried and carried[-1] == 0:
            del carried[-1]
        return tuple(carried)

    # Comparison of a decision with the prediction

    def act(self, decide, expected_error, expected_amounts, *, profile=None, changes=None):
        """Decide, compare with the prediction, and settle. Return whether the action was done.

        ``expected_amounts`` has a wallet and its cents for each predicted posting. ``changes`` has
        the predicted new values of the profile's model.
        """
        if expected_error:
            with pytest.raises(expected_error):
                decide()
            return False
        decision = decide()
        assert decision == decide()
        assert decision.token not in self.tokens

        new_balances = {
            wallet: self.model_balances.get(wallet, 0) for wallet, _ in expected_amounts
        }
        for wallet, amount in expected_amounts:
            new_balances[wallet] += amount
        is_overdrawn = any(
            balance < 0 and balance < self.model_balances.get(wallet, 0)
            for wallet, balance in new_balances.items()
        )
        balances_before = dict(self.balances)
        if is_overdrawn and decision.may_overdraw:
            self.overdrawn_by_calls |= {wallet for wallet, _ in expected_amounts}
        elif is_overdrawn:
            with pytest.raises(InsufficientCredit):
                settle(self.balances, decision.postings)
            assert balances_before == self.balances
            return False
        self.balances = settle(self.balances, decision.postings, may_overdraw=decision.may_overdraw)
        self.tokens.add(decision.token)
        self.model_balances |= new_balances
        if isinstance(decision, Transfer):
            return True
        assert decision.before == self.subscriptions.get(profile)
        self.provider_income -= sum(amount for _, amount in expected_amounts)
        self.subscriptions[profile] = decision.after
        old_model = self.models.get(profile, {})
        self.models[profile] = {**old_model, **changes, "acted_on": decision.on}
        self.record_term(profile, decision)
        return True

    def record_term(self, profile, decision):
        """Record the start of a term, and the early end of the term before it."""
        terms, term = self.terms.setdefault(profile, []), decision.after.term
        action = decision.action.value
        is_new_term = action == "change" and term != decision.before.term
        if action == "terminate" or is_new_term:
            terms.append(terms.pop()._replace(end=min(decision.on, decision.before.term.end)))
        if action in {"buy", "renew"} or is_new_term:
            terms.append(RecordedTerm(action, term.start, term.end))

    def request_plan(self, channel_number, bundles):
        """Return a plan with the predicted channels and bundles.

        The plan is None if the number of bundles is refused, as predicted.
        """
        rule, quantity = self.offer.bundle, self.offer.quantity
        highest_request = min(quantity.maximum, 200)
        requested = quantity.minimum + channel_number % (highest_request - quantity.minimum + 1)
        channels = self.granted_channels(requested)
        per_channel = rule.per_channel if rule else 0
        # If the offer has no bundles, only one of four numbers requests some.
        if per_channel == 0 and bundles != 3:
            bundles = 0
        if per_channel is not None and bundles > per_channel * channels:
            with pytest.raises(BundlesNotAllowed):
                self.offer.plan(channels=requested, bundles=bundles)
            return None, channels, bundles
        return self.offer.plan(channels=requested, bundles=bundles), channels, bundles

    def next_identifier(self):
        """Return an identifier that was not used before."""
        self.identifier_count += 1
        return f"n/{self.identifier_count}"

    # The actions

    @initialize(amount=st.integers(0, 10**6))
    def open_account(self, amount):
        """Start with some credit in most accounts."""
        if amount:
            self.deposit(None, amount)

    @rule(profile=st.one_of(st.none(), profiles), amount=cents)
    def deposit(self, profile, amount):
        """Deposit credit into the account's wallet or into a profile's wallet."""
        wallet, transfer = Wallet("acme", profile), self.next_identifier()
        money = Money(minor=amount, currency=EUR)
        self.act(
            lambda: transfers.deposit(wallet, money, transfer=transfer, on=self.today),
            None,
            [(profile, amount)],
        )
        self.deposited += amount

    @rule(profile=profiles, amount=cents, is_return=st.booleans())
    def transfer_credit(self, profile, amount, is_return):
        """Assign credit to a profile, or take it back to the account."""
        transfer_credit = transfers.take_back_credit if is_return else transfers.assign_credit
        transfer, money = self.next_identifier(), Money(minor=amount, currency=EUR)
        assigned = -amount if is_return else amount
        self.act(
            lambda: transfer_credit("acme", profile, money, transfer=transfer, on=self.today),
            None,
            [(profile, assigned), (None, -assigned)],
        )

    @rule(days=st.sampled_from([0, 1, 1, 3, 7, 10, 29, 30, 31, 75]))
    def wait(self, days):
        """Let days pass, so that subscriptions become due and some actions late."""
        self.today += timedelta(days)

    @rule(
        profile=profiles,
        channel_number=channel_numbers,
        bundles=bundle_numbers,
        tariff_name=tariff_names,
        days_ago=days_before_today,
    )
    def buy(self, profile, channel_number, bundles, tariff_name, days_ago):
        """Buy a subscription, also while the profile has a running one."""
        on, model = self.today - timedelta(days_ago), self.models.get(profile)
        plan, channels, bundles = self.request_plan(channel_number, bundles)
        if plan is None:
            return
        identifier = self.next_identifier()
        changes = self.predict_new_subscription(
            tariff_name, channels, bundles, on, added_channels=channels, is_purchase=True
        )
        changes |= {"last_changed_on": model and model["last_changed_on"], "since": on}
        changes["previous"] = model and self.predict_previous(model, min(self.calls_end(model), on))
        self.act(
            lambda: actions.buy(
                plan,
                TARIFFS[tariff_name],
                account="acme",
                profile=profile,
                subscription=identifier,
                on=on,
                previous=self.subscriptions.get(profile),
            ),
            self.predict_error(model, "buy", on),
            [(None, -total_of(changes))],
            profile=profile,
            changes=changes,
        )

    @rule(
        profile=profiles,
        channel_number=channel_numbers,
        bundles=bundle_numbers,
        tariff_name=tariff_names,
        days_ago=days_before_today,
    )
    def change(self, profile, channel_number, bundles, tariff_name, days_ago):
        """Change a plan, also to the held plan, twice on a day, or outside the term."""
        on, model = self.today - timedelta(days_ago), self.models.get(profile)
        plan, channels, bundles = self.request_plan(channel_number, bundles)
        if plan is None or model is None:
            return
        old_numbers, new_numbers = (model["channels"], model["bundles"]), (channels, bundles)
        cooldown, last_changed_on = self.offer.change.cooldown, model["last_changed_on"]
        effect = self.predict_effect(model, channels, bundles)
        error = self.predict_error(model, "change", on)
        if not error and new_numbers == (model["pending"] or old_numbers):
            error = PlanUnchanged
        if (
            not error
            and cooldown
            and last_changed_on
            and on < add_length(last_changed_on, cooldown)
        ):
            error = ChangedTooSoon
        is_unpaid = on >= model["end"]
        if not error and effect is MixedChange and not is_unpaid:
            error = MixedChange
        changes, amounts = {**model, "status": "active", "pending": None}, []
        if error or (new_numbers == old_numbers and not is_unpaid):
            pass
        elif is_unpaid:
            changes |= self.predict_renewed_subscription(
                model, tariff_name, channels, bundles, channels - model["channels"]
            )
            amounts = [(None, -total_of(changes))]
        elif effect is ChangeEffect.AT_RENEWAL:
            changes["pending"] = new_numbers
        elif effect is ChangeEffect.RESTART:
            changes |= self.predict_new_subscription(
                tariff_name,
                channels,
                bundles,
                on,
                added_channels=channels - model["channels"],
                is_purchase=False,
            )
            refunds = self.predict_refund(model, on)
            ended = {**model, "used": self.predict_used(model, refunds)}
            changes["previous"] = self.predict_previous(ended, on)
            amounts = [(None, sum(refunds.values())), (None, -total_of(changes))]
        else:
            changes = self.predict_changed_subscription(model, channels, bundles, on, effect)
            amounts = [(None, total_of(model) - total_of(changes))]
        done = self.act(
            lambda: actions.change(
                self.subscriptions[profile],
                plan,
                TARIFFS[tariff_name],
                on=on,
            ),
            error,
            amounts,
            profile=profile,
            changes={**changes, "last_changed_on": on},
        )
        if done:
            self.change_days.setdefault(profile, []).append(on)

    @rule(
        profile=profiles, tariff_name=tariff_names, numbers=st.lists(st.integers(1, 4), min_size=2)
    )
    def change_again_after_a_new_purchase(self, profile, tariff_name, numbers):
        """Change, terminate, buy and change on one day; the second change is still too soon."""
        self.deposit(None, 10**6)
        self.change(profile, numbers[0], 0, tariff_name, 0)
        self.terminate(profile, False, 0)
        self.buy(profile, numbers[1], 0, tariff_name, 0)
        self.change(profile, numbers[-1] + 1, 0, tariff_name, 0)

    @rule(
        profile=profiles,
        tariff_name=tariff_names,
        without_bundles=st.booleans(),
        days_ago=days_before_today,
    )
    def renew(self, profile, tariff_name, without_bundles, days_ago):
        """Renew on time, late, too early or twice, with or without the bundles."""
        on, model = self.today - timedelta(days_ago), self.models.get(profile)
        if model is None:
            return
        channels, bundles = model["pending"] or (model["channels"], model["bundles"])
        error = self.predict_error(model, "renew", on)
        can_drop_bundles = self.offer.non_payment.drops_bundles and bundles
        if without_bundles and not error and not can_drop_bundles:
            error = NotOffered
        changes = self.predict_renewed_subscription(
            model,
            tariff_name,
            channels,
            0 if without_bundles else bundles,
            channels - model["channels"],
        )
        self.act(
            lambda: actions.renew(
                self.subscriptions[profile],
                TARIFFS[tariff_name],
                on=on,
                keep_bundles=not without_bundles,
            ),
            error,
            [(None, -total_of(changes))],
            profile=profile,
            changes=changes,
        )

    @rule(
        profile=profiles,
        action_and_status=st.sampled_from(
            [
                ("cancel", "cancelled"),
                ("resume", "active"),
                ("lapse", "lapsed"),
                ("expire", "ended"),
            ]
        ),
        days_ago=days_before_today,
    )
    def change_status(self, profile, action_and_status, days_ago):
        """Cancel, resume, lapse or expire. No money moves, and a pending change is dropped."""
        action, status = action_and_status
        on, model = self.today - timedelta(days_ago), self.models.get(profile)
        if model is None:
            return
        error = self.predict_error(model, action, on)
        in_minimum_term = model["end"] < self.minimum_term_end(model)
        if action == "cancel" and on >= model["end"] and not in_minimum_term:
            status = "ended"
        self.act(
            lambda: getattr(actions, action)(self.subscriptions[profile], on=on),
            error,
            [],
            profile=profile,
            changes={"status": status, "pending": None, **self.predict_end(model, on, status)},
        )

    def predict_end(self, model, on, status):
        """Predict the day on which the calls end, if a status means that a subscription is over."""
        if status in {"active", "cancelled"}:
            return {}
        return {"calls_end": min(on + timedelta(1), self.calls_end(model))}

    @rule(
        profile=profiles,
        days_late=st.integers(0, 8),
        step=st.sampled_from(
            [
                "nothing",
                "cancel",
                "change",
                "lapse",
                "record_call",
                "renew",
                "renew without bundles",
                "terminate",
            ]
        ),
        tariff_name=tariff_names,
    )
    def act_after_the_term(self, profile, days_late, step, tariff_name):
        """Let the term end and act soon after, because random days rarely fall there."""
        if profile not in self.models:
            return
        self.today = max(self.today, self.models[profile]["end"] + timedelta(days_late))
        if step in {"cancel", "lapse"}:
            self.change_status(profile, (step, {"cancel": "cancelled"}.get(step, "lapsed")), 0)
        elif step == "change":
            self.change(profile, days_late, 0, tariff_name, 0)
        elif step == "terminate":
            self.terminate(profile, False, 0)
        elif step == "record_call":
            self.record_call(profile, DIALLED_NUMBERS[0], 600, 0, tariff_name, 0)
        elif step != "nothing":
            self.renew(profile, tariff_name, step == "renew without bundles", 0)

    @rule(profile=profiles, refund=st.booleans(), days_ago=days_before_today)
    def terminate(self, profile, refund, days_ago):
        """End a subscription at once, with or without a refund."""
        on, model = self.today - timedelta(days_ago), self.models.get(profile)
        if model is None:
            return
        error = self.predict_error(model, "terminate", on)
        if refund and min(on, model["end"]) < self.minimum_term_end(model):
            error = error or OutsideTerm
        changes = {"status": "ended", "pending": None, **self.predict_end(model, on, "ended")}
        refunds = {}
        if refund and not error and on < model["end"]:
            refunds = self.predict_refund(model, on)
            changes["used"] = self.predict_used(model, refunds)
        self.act(
            lambda: actions.terminate(
                self.subscriptions[profile],
                on=on,
                refund=refund,
            ),
            error,
            [(None, sum(refunds.values()))],
            profile=profile,
            changes=changes,
        )

    @rule(
        profile=profiles,
        dialled=st.sampled_from(DIALLED_NUMBERS),
        seconds=st.sampled_from([0, 1, 31, 600, 86_400, 299_990]),
        days_earlier=st.sampled_from([0, 0, 0, 1, 1, 5, 9, 30, -1]),
        tariff_name=tariff_names,
        days_ago=days_before_today,
    )
    def record_call(self, profile, dialled, seconds, days_earlier, tariff_name, days_ago):
        """Record a call of the term, of the previous term, of a grace period or of the future."""
        on, model = self.today - timedelta(days_ago), self.models.get(profile)
        if model is None:
            return
        day = on - timedelta(days_earlier)
        rule, call_rule = self.offer.bundle, self.offer.calls
        in_bundle_area = rule is not None and dialled.destination in rule.area
        previous = model["previous"]
        is_late = day < model["start"] or day >= self.calls_end(model)
        error = self.predict_error(model, "record_call", on)
        if not error and day > on:
            error = InvalidValue
        if not error and is_late and not (previous and previous.start <= day < previous.end):
            error = OutsideTerm
        # The seconds left behind in the previous term, for a late call.
        left_behind, granted, term_end = 0, model["granted"], model["end"]
        if is_late and not error:
            left_behind, granted, term_end = previous.left, previous.granted, previous.term_end
        has_rate = in_bundle_area or dialled.destination in DESTINATIONS_WITH_RATES
        if not error and not has_rate:
            error = UnknownRate
        has_allowance = day < term_end and (granted or left_behind or any(model["carried"]))
        excluded_prefixes = rule.excluded_prefixes if rule else ()
        is_covered = (
            has_allowance and in_bundle_area and not dialled.national.startswith(excluded_prefixes)
        )
        minimum, step = whole_seconds(call_rule.minimum), whole_seconds(call_rule.step)
        steps_above_minimum = max(0, -(-(seconds - minimum) // step))
        counted = minimum + steps_above_minimum * step if seconds else 0
        # The remaining seconds of the running term, then of earlier terms, the latest first.
        remaining = [model["granted"] - model["used"], *model["carried"]]
        available = left_behind + sum(model["carried"]) if is_late else sum(remaining)
        limits = [counted, available]
        if rule is not None and rule.longest_call:
            limits.append(whole_seconds(rule.longest_call))
        included = min(limits) if is_covered else 0
        unassigned = included - min(left_behind, included)
        # The oldest seconds are used first.
        for position in reversed(range(len(remaining))):
            taken = min(remaining[position], unassigned)
            remaining[position] -= taken
            unassigned -= taken
        prices = PRICES[tariff_name]
        has_own_rate = dialled.destination in DESTINATIONS_WITH_RATES
        minute_rate = prices.other_rate if has_own_rate else prices.bundle_rate
        # The rate is in 0.001 euros per minute: divide by 10 for cents and by 60 for seconds.
        charge = round_half_up((counted - included) * minute_rate, 600)
        call = Call(
            self.next_identifier(),
            dialled.number,
            dialled.destination,
            day,
            timedelta(seconds=seconds),
        )
        changes = {"used": model["granted"] - remaining[0], "carried": tuple(remaining[1:])}
        if left_behind:
            changes["previous"] = previous._replace(left=left_behind - min(left_behind, included))
        self.act(
            lambda: record_call(self.subscriptions[profile], call, TARIFFS[tariff_name], on=on),
            error,
            [(None if is_covered else profile, -charge)],
            profile=profile,
            changes=changes,
        )

    # The properties after each action

    @invariant()
    def money_is_conserved(self):
        """All deposits are in the wallets or were received by the provider."""
        balances = {wallet.profile: amount.minor for wallet, amount in self.balances.items()}
        assert balances == {wallet: self.model_balances[wallet] for wallet in balances}
        assert self.deposited == sum(self.model_balances.values()) + self.provider_income
        assert sum(balances.values()) == sum(self.model_balances.values())

    @invariant()
    def only_calls_take_a_wallet_below_zero(self):
        """A call that is over is recorded; every other payment is refused without credit."""
        below_zero = {
            wallet.profile for wallet, amount in self.balances.items() if amount.minor < 0
        }
        assert below_zero <= self.overdrawn_by_calls

    @invariant()
    def terms_do_not_overlap(self):
        """Terms do not overlap, and only a purchase can leave a gap before its term.

        Renewals of terms that are aligned to the month start on the first of a month.
        """
        for terms in self.terms.values():
            for earlier_term, later_term in pairwise(terms):
                assert (
                    earlier_term.end <= later_term.start
                    if later_term.started_by == "buy"
                    else earlier_term.end == later_term.start
                )
            for term in terms:
                assert term.start <= term.end
                is_aligned_renewal = term.started_by == "renew" and self.offer.term.billing_day
                assert not is_aligned_renewal or term.start.day == 1

    @invariant()
    def profile_changes_at_most_once_a_day(self):
        """If the offer has a cooldown, no profile changes twice on a day.

        A new purchase on the same day does not allow a second change (H15).
        """
        if self.offer.change.cooldown:
            for days in self.change_days.values():
                assert len(days) == len(set(days))

    @invariant()
    def bundles_do_not_exceed_the_channels_limit(self):
        """No plan, held or pending, has more bundles than its channels allow (H12)."""
        for subscription in self.subscriptions.values():
            for plan in (subscription.plan, subscription.pending or subscription.plan):
                rule = self.offer.bundle
                if rule is None or rule.per_channel is not None:
                    assert plan.bundles <= (rule.per_channel if rule else 0) * plan.channels

    @invariant()
    def subscriptions_are_as_predicted(self):
        """Each subscription has the values that the model predicts."""
        for profile, model in self.models.items():
            subscription = self.subscriptions[profile]
            allowance, pending = subscription.allowance, subscription.pending
            assert model == {
                "status": subscription.status.value,
                "channels": subscription.plan.channels,
                "bundles": subscription.plan.bundles,
                "start": subscription.term.start,
                "end": subscription.term.end,
                "anchor": subscription.anchor,
                "number": subscription.term_number,
                "granted": allowance.granted.total_seconds(),
                "used": allowance.used.total_seconds(),
                "carried": tuple(duration.total_seconds() for duration in allowance.carried),
                "lines": [
                    (line.item.value, line.quantity, line.total.minor, line.term.start)
                    for line in subscription.quote.lines
                ],
                "last_changed_on": subscription.last_changed_on,
                "acted_on": subscription.acted_on,
                "since": subscription.started_on,
                "pending": (pending.channels, pending.bundles) if pending else None,
                "tariff": subscription.quote.tariff.name,
                "calls_end": subscription.calls_end,
                "previous": summarize_previous(subscription.previous_term),
            }
            assert {line.term.end for line in subscription.quote.lines} == {subscription.term.end}


def test_every_published_offer_is_tested():
    """Each public offer of the module is in ``OFFERS``, and no other offer here replaces one."""
    public_offers = [
        value
        for name, value in vars(offers).items()
        if isinstance(value, Offer) and not name.startswith("_")
    ]

    assert all(offer in OFFERS.values() for offer in public_offers)
    assert OFFERS.items() <= TESTED_OFFERS.items()


@pytest.mark.parametrize("name", sorted(TESTED_OFFERS))
def test_any_sequence_of_actions_is_as_predicted(name):
    """The model predicts every result of random actions in random order, under each offer."""
    machine = type("AccountMachine", (AccountMachine,), {"offer": TESTED_OFFERS[name]})

    run_state_machine_as_test(machine, settings=settings(max_examples=10, stateful_step_count=40))

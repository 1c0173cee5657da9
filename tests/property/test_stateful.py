"""Arbitrary sequences of actions against a model of plain dicts and ints, for each offer.

The model knows nothing of the package but an offer's numbers: it keeps balances in cents, minutes
in seconds and its own table of what may follow what, and predicts each action, its refusal, and the
money that moves. After each step:

- money is conserved: what was deposited is what the purses hold and what the provider received
- terms tile: each starts where the last of its profile ended, or later where it had ended
- a profile changes at most once a day, where the offer says so
- there are never more bundles than the channels allow
- no purse is below zero, and a refused settlement leaves everything as it was
- every token is unique
- deciding again from the same values gives an equal decision
"""

# Identifiers are plain text here, decisions are known to hold a subscription, and wrong types
# are given on purpose.
# mypy: disable-error-code="arg-type, union-attr"

import calendar
from datetime import date, timedelta
from itertools import pairwise

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
from channelplans.calendar import Days
from channelplans.errors import (
    BundlesNotAllowed,
    ChangedTooSoon,
    InsufficientCredit,
    InvalidValue,
    OutsideTerm,
    PlanUnchanged,
    TransitionNotAllowed,
)
from channelplans.ledger import Purse, settle
from channelplans.money import EUR, Money
from channelplans.plans import Offer
from channelplans.pricing import Tariff
from channelplans.rules import RefundBasis
from channelplans.usage import Call

# Cents for a channel and for a bundle, thousandths of a euro for a minute to the US and to Germany.
PRICES = {"cheap": (5, 7, 4, 3), "usual": (695, 1000, 21, 20), "dear": (1299, 2550, 95, 110)}
TARIFFS = {
    name: Tariff(
        name,
        EUR,
        Money(channel, EUR).amount,
        Money(bundle, EUR).amount,
        f"0.{us:03}",
        {"DE": f"0.{de:03}"},
    )
    for name, (channel, bundle, us, de) in PRICES.items()
}
FOLLOWS = {
    "active": {"change", "use", "renew", "cancel", "lapse", "terminate"},
    "cancelled": {"change", "resume", "use", "expire", "terminate"},
    "lapsed": {"buy"},
    "ended": {"buy"},
}
AT_END = {"renew", "lapse", "expire"}
NUMBERS = {"usual": "+1 212 555 0100", "excluded": "+1 218 632 0100"}

profiles = st.sampled_from(["berlin", "paris", "rome"])
tariffs = st.sampled_from(sorted(TARIFFS))
channels = st.one_of(st.integers(1, 4), st.integers(95, 135))
bundles = st.integers(0, 3)
# Most of what is done is done today; some is dated back, which is refused if too far.
ago = st.sampled_from([0, 0, 0, 0, 1, 2, 40])
cents = st.one_of(st.integers(1, 3_000), st.integers(1, 300_000))


def half_up(numerator, denominator):
    """Round a fraction that is not negative to the nearest, a half up."""
    return (2 * numerator + denominator) // (2 * denominator)


def month_later(day, months):
    """Return a day so many months later, or the last day of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


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
        self.terms = {}  # by profile, the days of each term that it really ran
        self.changes = {}

    # What the model predicts

    def sold(self, asked):
        step = asked // 10 * 10
        if asked > 100:
            return half_up(asked, 10) * 10 if self.offer.edition == "nearest 10" else step
        return asked

    def price(self, tariff, channels, bundles):
        channel, bundle, *_ = PRICES[tariff]
        return channels * channel, bundles * bundle

    def end_of(self, anchor, number):
        length = self.offer.term.length
        if isinstance(length, Days):
            return anchor + timedelta(length.count * (number + 1))
        return month_later(anchor, length.count * (number + 1))

    def refund(self, model, on):
        """Predict what comes back: channels by time, bundles as the offer says."""
        channels, bundles = model["paid"]
        days, of = (model["end"] - on).days, (model["end"] - model["start"]).days
        back = half_up(channels * days, of)
        if model["bundles"] and self.offer.refund.bundles is RefundBasis.MINUTES:
            return back + half_up(bundles * model["left"], self.granted(model["bundles"]))
        return back + half_up(bundles * days, of)

    def granted(self, bundles):
        return bundles * self.offer.bundles.minutes * 60

    def refusal(self, model, action, on):
        """Predict by which error an action is refused, if it is."""
        if model is None:
            return None
        if action not in FOLLOWS[model["status"]]:
            return TransitionNotAllowed
        if action in AT_END:
            too_soon = on < model["end"]
        else:
            too_soon = action != "buy" and not model["start"] <= on < model["end"]
        return OutsideTerm if too_soon or on < model["acted"] else None

    # Doing it

    def act(self, decide, refused, moves, *, profile=None, after=None, bought=None):
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
        if bought:
            self.terms.setdefault(profile, []).append(bought)
        return True

    def stop(self, profile, on):
        """A term that ends early ran until that day."""
        start, _ = self.terms[profile].pop()
        self.terms[profile].append((start, on))

    def plan(self, asked, bundles):
        """Return a plan and what is sold, or None where the bundles are too many."""
        sold = self.sold(asked)
        if bundles > sold:
            with pytest.raises(BundlesNotAllowed):
                self.offer.plan(channels=asked, bundles=bundles)
            return None, sold
        return self.offer.plan(channels=asked, bundles=bundles), sold

    def fresh(self, tariff, sold, bundles, on):
        """Predict a subscription that starts on a day."""
        return {
            "status": "active",
            "channels": sold,
            "bundles": bundles,
            "start": on,
            "end": self.end_of(on, 0),
            "anchor": on,
            "number": 0,
            "left": self.granted(bundles),
            "paid": self.price(tariff, sold, bundles),
        }

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

    @rule(days=st.sampled_from([1, 1, 3, 10, 29, 30, 31, 75]))
    def days_pass(self, days):
        """Whatever falls due meanwhile is late."""
        self.today += timedelta(days)

    @rule(profile=profiles, asked=channels, bundles=bundles, tariff=tariffs, ago=ago)
    def buy(self, profile, asked, bundles, tariff, ago):
        """Buy, also where something is running, and buy again."""
        on, model = self.today - timedelta(ago), self.model.get(profile)
        plan, sold = self.plan(asked, bundles)
        if plan is None:
            return
        identifier, after = self.next_id(), self.fresh(tariff, sold, bundles, on)
        after["last_changed"] = model and model["last_changed"]
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
            [(None, -sum(after["paid"]))],
            profile=profile,
            after=after,
            bought=(on, after["end"]),
        )

    @rule(profile=profiles, asked=channels, bundles=bundles, tariff=tariffs, ago=ago)
    def change(self, profile, asked, bundles, tariff, ago):
        """Change, also to what is held, twice a day, and out of time."""
        on, model = self.today - timedelta(ago), self.model.get(profile)
        plan, sold = self.plan(asked, bundles)
        if plan is None or model is None:
            return
        refused = self.refusal(model, "change", on)
        if not refused and (sold, bundles) == (model["channels"], model["bundles"]):
            refused = PlanUnchanged
        if not refused and self.offer.change.cooldown and model["last_changed"] == on:
            refused = ChangedTooSoon
        after = {**self.fresh(tariff, sold, bundles, on), "last_changed": on}
        back = 0 if refused else self.refund(model, on)
        done = self.act(
            lambda: lifecycle.change(self.held[profile], plan, TARIFFS[tariff], on=on),
            refused,
            [(None, back), (None, -sum(after["paid"]))],
            profile=profile,
            after=after,
        )
        if done:
            self.stop(profile, on)
            self.terms[profile].append((on, after["end"]))
            self.changes.setdefault(profile, []).append(on)

    @rule(profile=profiles, tariff=tariffs, ago=ago)
    def renew(self, profile, tariff, ago):
        """Renew, on time, late, too early or twice."""
        on, model = self.today - timedelta(ago), self.model.get(profile)
        if model is None:
            return
        number, start = model["number"] + 1, model["end"]
        end = self.end_of(model["anchor"], number)
        paid = self.price(tariff, model["channels"], model["bundles"])
        after = {
            "number": number,
            "start": start,
            "end": end,
            "left": self.granted(model["bundles"]),
            "paid": paid,
        }
        self.act(
            lambda: lifecycle.renew(self.held[profile], TARIFFS[tariff], on=on),
            self.refusal(model, "renew", on),
            [(None, -sum(paid))],
            profile=profile,
            after=after,
            bought=(start, end),
        )

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
        """Cancel, resume, lapse or expire."""
        action, status = step
        on, model = self.today - timedelta(ago), self.model.get(profile)
        if model is None:
            return
        self.act(
            lambda: getattr(lifecycle, action)(self.held[profile], on=on),
            self.refusal(model, action, on),
            [],
            profile=profile,
            after={"status": status},
        )

    @rule(profile=profiles, refund=st.booleans(), ago=ago)
    def terminate(self, profile, refund, ago):
        """End it at once, with what is left coming back or not."""
        on, model = self.today - timedelta(ago), self.model.get(profile)
        if model is None:
            return
        refused = self.refusal(model, "terminate", on)
        back = self.refund(model, on) if refund and not refused else 0
        done = self.act(
            lambda: lifecycle.terminate(self.held[profile], on=on, refund=refund),
            refused,
            [(None, back)],
            profile=profile,
            after={"status": "ended"},
        )
        if done:
            self.stop(profile, on)

    @rule(
        profile=profiles,
        country=st.sampled_from(["US", "US", "CA", "DE"]),
        number=st.sampled_from(sorted(NUMBERS)),
        seconds=st.sampled_from([0, 1, 31, 600, 86_400, 299_990]),
        earlier=st.sampled_from([0, 0, 0, 1, 5, -1]),
        tariff=tariffs,
        ago=ago,
    )
    def use(self, profile, country, number, seconds, earlier, tariff, ago):
        """Make a call, of this term or another, or one that is yet to come."""
        on, model = self.today - timedelta(ago), self.model.get(profile)
        area = self.offer.bundles.area
        if model is None or country not in {"US", "DE", *area}:
            return
        day = on - timedelta(earlier)
        refused = self.refusal(model, "use", on)
        if not refused and not model["start"] <= day < model["end"]:
            refused = OutsideTerm
        if not refused and day > on:
            refused = InvalidValue
        excluded = number == "excluded" and "218632" in self.offer.bundles.excluded_prefixes
        by_bundle = model["bundles"] > 0 and country in area and not excluded
        counted = seconds and max(30, -(-seconds // 6) * 6)
        most = self.offer.bundles.longest_call
        limit = most.total_seconds() if most else counted
        included = int(min(counted, limit, model["left"])) if by_bundle else 0
        _, _, us, de = PRICES[tariff]
        cost = half_up((counted - included) * (us if country in area else de), 600)
        call = Call(self.next_id(), NUMBERS[number], country, day, timedelta(seconds=seconds))
        self.act(
            lambda: lifecycle.use(self.held[profile], call, TARIFFS[tariff], on=on),
            refused,
            [(None if by_bundle else profile, -cost)],
            profile=profile,
            after={"left": model["left"] - included},
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
            for (_, end), (start, _) in pairwise(terms):
                assert end <= start
            assert all(start <= end for start, end in terms)

    @invariant()
    def a_profile_changes_once_a_day(self):
        """Where the offer says so, also by ending and buying again."""
        if self.offer.change.cooldown:
            for days in self.changes.values():
                assert len(days) == len(set(days))

    @invariant()
    def bundles_stay_below_channels(self):
        """On every profile, at any time."""
        for held in self.held.values():
            assert held.plan.bundles <= self.offer.bundles.per_channel * held.plan.channels

    @invariant()
    def the_subscriptions_are_as_predicted(self):
        """Each field that the model knows."""
        for profile, model in self.model.items():
            held = self.held[profile]
            assert model == {
                "status": held.status.value,
                "channels": held.plan.channels,
                "bundles": held.plan.bundles,
                "start": held.term.start,
                "end": held.term.end,
                "anchor": held.anchor,
                "number": held.number,
                "left": held.allowance.remaining.total_seconds(),
                "paid": self.price(held.paid.tariff.name, held.plan.channels, held.plan.bundles),
                "last_changed": held.last_changed_on,
                "acted": held.acted_on,
            }
            assert held.plan.minutes * 60 == held.allowance.granted.total_seconds()


@pytest.mark.parametrize("name", offers.__all__)
def test_any_sequence_of_actions_keeps_the_rules(name):
    """Whatever is done in whatever order, refused or not, the model predicts it."""
    offer = getattr(offers, name)
    machine = type(name, (Account,), {"offer": offer})

    run_state_machine_as_test(machine, settings=settings(max_examples=80, stateful_step_count=40))

"""The strategies draw legal values within their bounds, and histories that can happen."""

from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from itertools import pairwise
from pkgutil import iter_modules
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings, strategies as st

import channelplans
from channelplans import explore, storage, subscriptions
from channelplans.allowances import Allowance
from channelplans.calendar import Days, Months
from channelplans.calls import covered, rate_call
from channelplans.explore import replay
from channelplans.money import EUR, JPY, Money
from channelplans.offers import OFFERS, SKYPE_CONNECT
from channelplans.rules import ChangeEffect
from channelplans.storage.memory import MemoryStore, Snapshot
from channelplans.storage.ports import Cursor, Revision
from channelplans.subscriptions.decisions import Transfer
from channelplans.subscriptions.subscription import Action, Status
from channelplans.subscriptions.transfers import deposit
from channelplans.subscriptions.wallets import Reason, Wallet
from channelplans.tariffs import Item, Ladder
from channelplans.testing import strategies
from channelplans.testing.builders import DAY, TARIFF

pytestmark = pytest.mark.slow

SECOND, HOUR, ONE_DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
NOTHING = timedelta(0)
LATER = date(2026, 3, 1)
MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)

# The content of a store is not drawn.
UNDRAWN = {Snapshot}


def value_classes_of(room):
    """Return the public value classes of the modules in a package, without its subpackages."""
    modules = [
        import_module(f"{room.__name__}.{module.name}")
        for module in iter_modules(room.__path__)
        if not module.ispkg and not module.name.startswith("_")
    ]
    public = [getattr(module, name) for module in modules for name in module.__all__]
    return list(filter(is_value_class, public))


def is_value_class(item):
    """Return whether a public name is an attrs class and not an error."""
    is_attrs_class = isinstance(item, type) and attrs.has(item)
    return is_attrs_class and not issubclass(item, BaseException)


VALUES = [
    kind
    for room in (channelplans, subscriptions, storage, explore)
    for kind in value_classes_of(room)
    if kind not in UNDRAWN
]


def draws(strategy, condition):
    """Return True if a drawn value meets the condition, and raise an error otherwise."""
    without_shrinking = settings(
        max_examples=5000,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    return find(strategy.map(condition), bool, settings=without_shrinking)


def is_length_within(length, days, months):
    """Return whether a length is from 1 to its limit in days or months."""
    limit = days if isinstance(length, Days) else months
    return 1 <= length.count <= limit


def is_rollover_within(rule, terms, cap):
    """Return whether a rollover rule stays within its limits. None stays within any limit."""
    if rule is None:
        return True
    is_term_count_within = rule.terms is None or 1 <= rule.terms <= terms
    return is_term_count_within and (rule.cap is None or rule.cap <= cap)


def prices_of(tariff):
    """Return all prices of a tariff, including the prices in its ladders."""
    prices = [tariff.minute, tariff.setup, tariff.channel_setup]
    for rate in tariff.rates.values():
        prices += [rate.minute, rate.connection, rate.minimum_charge]
    for price in (tariff.channel, tariff.bundle):
        if isinstance(price, Ladder):
            prices += [tier_price for tier in price.tiers for tier_price in (tier.unit, tier.flat)]
        else:
            prices.append(price)
    return prices


def is_call_to_an_excluded_number(call):
    """Return whether a call to the USA is not covered by the bundles of the contract of 2011."""
    rule = OFFERS["skype-connect-2011"].bundle
    assert rule is not None
    return call.destination == "US" and not covered(call, rule)


# A strategy with limits, and a check that holds for every value that it draws.
BOUNDED = {
    "names": (
        strategies.names(characters=3),
        lambda name: 1 <= len(name) <= 3 and name == name.strip() and len(name.splitlines()) == 1,
    ),
    "currencies": (strategies.currencies(decimals=1), lambda currency: 0 <= currency.exponent <= 1),
    "money": (
        strategies.money(EUR, least=-5, most=7),
        lambda amount: amount.currency == EUR and -5 <= amount.minor <= 7,
    ),
    "money of any currency": (
        strategies.money(least=0),
        lambda amount: 0 <= amount.minor <= 10**15,
    ),
    "days": (strategies.days(first=DAY, last=LATER), lambda day: DAY <= day <= LATER),
    "lengths": (
        strategies.lengths(days=3, months=2),
        lambda length: is_length_within(length, 3, 2),
    ),
    "terms": (strategies.terms(longest=4), lambda term: 1 <= term.days <= 4),
    "quantity_rules": (
        strategies.quantity_rules(),
        lambda rule: len(rule.steps) <= 2 and rule.maximum <= 500,
    ),
    "quantity_rules without steps": (
        strategies.quantity_rules(steps=0, stretch=3),
        lambda rule: rule.steps == () and rule.maximum <= 3,
    ),
    "rollovers": (
        strategies.rollovers(terms=2, cap=9),
        lambda rule: is_rollover_within(rule, 2, 9),
    ),
    "bundle_rules": (
        strategies.bundle_rules(minutes=10, per_channel=2, terms=1),
        lambda rule: (
            1 <= rule.minutes <= 10
            and 0 <= rule.included <= 10
            and rule.per_channel in {None, 1, 2}
            and is_rollover_within(rule.rollover, 1, 10)
        ),
    ),
    "included_minutes": (
        strategies.included_minutes(minutes=10, terms=1),
        lambda rule: (
            (rule.minutes, rule.per_channel) == (0, 0)
            and 1 <= rule.included <= 10
            and is_rollover_within(rule.rollover, 1, 10)
        ),
    ),
    "term_rules": (
        strategies.term_rules(days=5, months=2),
        lambda rule: (
            is_length_within(rule.length, 5, 2)
            and (rule.minimum_term is None or rule.minimum_term.count <= 3 * rule.length.count)
        ),
    ),
    "change_rules": (
        strategies.change_rules(days=5, months=2),
        lambda rule: rule.cooldown is None or is_length_within(rule.cooldown, 5, 2),
    ),
    "call_rules": (
        strategies.call_rules(longest=SECOND),
        lambda rule: NOTHING <= rule.minimum <= SECOND and NOTHING < rule.step <= SECOND,
    ),
    "non_payment_rules": (
        strategies.non_payment_rules(days=3),
        lambda rule: rule.grace is None or 1 <= rule.grace.count <= 3,
    ),
    "plans": (
        strategies.plans(OFFERS["voip-yonder"], channels=7, bundles=3),
        lambda plan: (
            plan.offer == OFFERS["voip-yonder"] and plan.channels <= 7 and plan.bundles <= 3
        ),
    ),
    "plans of an offer with a larger minimum": (
        strategies.plans(OFFERS["strobe-it"], channels=1),
        lambda plan: plan.channels == 5,
    ),
    "ladders": (
        strategies.ladders(tiers=2, quantity=5, price=3, decimals=1),
        lambda ladder: (
            len(ladder.tiers) <= 2
            and all(tier.up_to is None or tier.up_to <= 5 for tier in ladder.tiers)
            and all(0 <= price <= 3 for tier in ladder.tiers for price in (tier.unit, tier.flat))
        ),
    ),
    "tariffs": (
        strategies.tariffs(JPY, price=3),
        lambda tariff: (
            tariff.currency == JPY
            and {"DE", "PL", "US"} <= tariff.rates.keys()
            and all(0 <= price <= 3 for price in prices_of(tariff))
        ),
    ),
    "rates": (
        strategies.rates(price=3),
        lambda rate: all(
            0 <= price <= 3 for price in (rate.minute, rate.connection, rate.minimum_charge)
        ),
    ),
    "quotes": (
        strategies.quotes(OFFERS["telnyx"], TARIFF),
        lambda quote: (quote.plan.offer, quote.tariff) == (OFFERS["telnyx"], TARIFF),
    ),
    "calls": (
        strategies.calls(OFFERS["skype-connect-2011"], TARIFF, on=DAY, longest=HOUR),
        lambda call: (
            call.day == DAY
            and NOTHING <= call.duration <= HOUR
            and call.destination in {"US", "CA", *TARIFF.rates}
        ),
    ),
    "call_intervals": (
        strategies.call_intervals(first=MIDNIGHT, within=HOUR, longest=SECOND),
        lambda call: (
            MIDNIGHT <= call.start <= MIDNIGHT + HOUR and NOTHING <= call.duration <= SECOND
        ),
    ),
    "call_logs": (strategies.call_logs(calls=2), lambda log: 1 <= len(log.calls) <= 2),
    "allowances": (
        strategies.allowances(most=HOUR, carried=1),
        lambda allowance: (
            allowance.granted <= HOUR
            and len(allowance.carried) <= 1
            and max(allowance.carried, default=NOTHING) <= HOUR
        ),
    ),
    "wallets": (strategies.wallets("acme"), lambda wallet: wallet.account == "acme"),
    "postings": (
        strategies.postings(Wallet("acme"), EUR, most=3),
        lambda posting: posting.wallet == Wallet("acme") and 1 <= abs(posting.amount.minor) <= 3,
    ),
    "histories": (
        strategies.histories(OFFERS["telnyx"], TARIFF, steps=2, account="a", profile="p"),
        lambda history: (
            len(history) <= 3
            and {"a"} == {decision.after.account for decision in history}
            and {"p"} == {decision.after.profile for decision in history}
            and {OFFERS["telnyx"]} == {decision.after.plan.offer for decision in history}
        ),
    ),
    "catalogues": (
        strategies.catalogues(SKYPE_CONNECT, EUR, editions=2),
        lambda catalogue: (
            1 <= len(catalogue.editions) <= 2
            and {(SKYPE_CONNECT, EUR)}
            == {(edition.offer, edition.tariff.currency) for edition in catalogue.editions}
        ),
    ),
}

# A strategy, and a condition that some of its values meet.
REACHED = {
    "a currency of 12 decimals": (
        strategies.currencies(),
        lambda currency: currency.exponent == 12,
    ),
    "the smallest amount": (strategies.money(EUR, least=-5), lambda amount: amount.minor == -5),
    "the largest amount": (
        strategies.money(EUR, least=3, most=9),
        lambda amount: amount.minor == 9,
    ),
    "the first day": (strategies.days(first=DAY, last=LATER), lambda day: day == DAY),
    "the last day": (strategies.days(first=DAY, last=LATER), lambda day: day == LATER),
    "the last day of a month": (strategies.days(), lambda day: (day + ONE_DAY).day == 1),
    "the most days": (strategies.lengths(days=9), lambda length: length == Days(9)),
    "the most months": (strategies.lengths(months=9), lambda length: length == Months(9)),
    "the longest term": (strategies.terms(longest=9), lambda term: term.days == 9),
    "a rule of two steps": (strategies.quantity_rules(), lambda rule: len(rule.steps) == 2),
    "bundles without a limit": (strategies.bundle_rules(), lambda rule: rule.per_channel is None),
    "bundles and included minutes": (strategies.bundle_rules(), lambda rule: rule.included > 0),
    "an aligned term": (strategies.term_rules(), lambda rule: rule.billing_day),
    "a minimum term": (strategies.term_rules(), lambda rule: rule.minimum_term is not None),
    "a full effect": (
        strategies.change_rules(),
        lambda rule: rule.more is ChangeEffect.CHARGE_FULL,
    ),
    "the longest step": (
        strategies.call_rules(longest=timedelta(microseconds=2)),
        lambda rule: rule.step == timedelta(microseconds=2) and rule.minimum == NOTHING,
    ),
    "an offer without bundles": (strategies.offers(), lambda offer: offer.bundle is None),
    "an offer with included minutes only": (
        strategies.offers(),
        lambda offer: offer.bundle is not None and offer.bundle.per_channel == 0,
    ),
    "the smallest plan": (strategies.plans(SKYPE_CONNECT), lambda plan: plan.channels == 1),
    "the largest plan": (strategies.plans(SKYPE_CONNECT), lambda plan: plan.channels == 300),
    "the most bundles": (strategies.plans(SKYPE_CONNECT), lambda plan: plan.bundles == 50),
    "a rounded plan": (
        strategies.plans(SKYPE_CONNECT),
        lambda plan: plan.requested > plan.channels,
    ),
    "a ladder of four tiers": (strategies.ladders(), lambda ladder: len(ladder.tiers) == 4),
    "a tariff with a ladder": (
        strategies.tariffs(),
        lambda tariff: isinstance(tariff.channel, Ladder),
    ),
    "a quote with a set-up fee": (
        strategies.quotes(SKYPE_CONNECT, TARIFF),
        lambda quote: any(line.item is Item.SETUP for line in quote.lines),
    ),
    "a partial refund": (
        strategies.refunds(),
        lambda refunded: (
            Money(minor=0, currency=refunded.returned.currency)
            < refunded.returned
            < refunded.paid.total
        ),
    ),
    "a call to an excluded prefix": (
        strategies.calls(OFFERS["skype-connect-2011"], TARIFF),
        is_call_to_an_excluded_number,
    ),
    "a call of length zero": (
        strategies.call_intervals(),
        lambda call: call.duration == NOTHING,
    ),
    "simultaneous calls": (
        strategies.call_logs(),
        lambda log: replay(log.calls, channels=1).refused != (),
    ),
    "a used-up allowance": (
        strategies.allowances(),
        lambda allowance: NOTHING < allowance.granted == allowance.used,
    ),
    "carried minutes": (
        strategies.allowances(),
        lambda allowance: any(allowance.carried),
    ),
    "a profile's wallet": (
        strategies.wallets("acme"),
        lambda wallet: wallet.profile is not None,
    ),
    "a history of nine decisions": (
        strategies.histories(SKYPE_CONNECT, TARIFF),
        lambda history: len(history) == 9,
    ),
    "a pending plan": (
        strategies.subscriptions(OFFERS["easybell-basic"], TARIFF),
        lambda subscription: subscription.pending is not None,
    ),
    "used minutes": (
        strategies.subscriptions(SKYPE_CONNECT, TARIFF),
        lambda subscription: subscription.allowance.used > NOTHING,
    ),
    "dropped bundles": (
        strategies.decisions(OFFERS["voip-yonder"], TARIFF),
        lambda decision: decision.action is Action.RENEW and bool(decision.notices),
    ),
    "two editions": (strategies.catalogues(), lambda catalogue: len(catalogue.editions) == 2),
}


@pytest.mark.covers
@pytest.mark.parametrize("name", BOUNDED)
@given(data=st.data())
def test_strategy_draws_values_within_its_limits(name, data):
    """Every drawn value is within the limits that were passed to the strategy."""
    strategy, is_within_limits = BOUNDED[name]

    assert is_within_limits(data.draw(strategy))


@pytest.mark.parametrize("name", REACHED)
def test_strategy_draws_its_limits_and_rare_values(name):
    """A strategy draws the limits themselves, and the values on which mistakes are likely."""
    strategy, condition = REACHED[name]

    assert draws(strategy, condition)


@pytest.mark.parametrize(
    "name", sorted({*strategies.__all__} - {"FIRST_DAY", "LAST_DAY", "register"})
)
def test_strategy_is_made_once(name):
    """Without arguments, each function returns one strategy, which Hypothesis analyses once."""
    make = getattr(strategies, name)

    assert make() is make()


def test_strategy_of_equal_arguments_is_made_once():
    """Equal tariffs give one strategy, and other limits give another."""
    drawn = strategies.histories(tariff=TARIFF, steps=2)

    assert drawn is strategies.histories(tariff=attrs.evolve(TARIFF), steps=2)
    assert drawn is not strategies.histories(tariff=TARIFF, steps=3)


@pytest.mark.covers
@pytest.mark.parametrize("kind", VALUES, ids=lambda kind: kind.__name__)
@given(data=st.data())
@settings(max_examples=3)
def test_from_type_draws_a_legal_value_of_each_type(kind, data):
    """The type alone is enough, and the value has a text form."""
    value = data.draw(st.from_type(kind))

    assert isinstance(value, kind)
    assert str(value)


def test_all_value_classes_of_the_root_are_drawn():
    """``VALUES`` has each value class that the root exports."""
    exported = [getattr(channelplans, name) for name in vars(channelplans)["__all__"]]

    assert {*filter(is_value_class, exported)} <= {*VALUES}


@pytest.mark.parametrize("kind", [Cursor, Revision], ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_from_type_draws_a_legal_cursor_and_revision(kind, data):
    """Each is one line of text without outer spaces, as ``Wallet`` requires of a name."""
    text = data.draw(st.from_type(kind))

    assert text == Wallet(text).account


@given(strategies.plans())
def test_plans_draws_plans_that_the_offer_sells(plan):
    """A request for the plan's channels and bundles returns the same plan."""
    assert plan == plan.offer.plan(channels=plan.channels, bundles=plan.bundles)


@given(strategies.postings())
def test_postings_draws_amounts_with_the_sign_of_their_reason(posting):
    """Deposits, bonuses and refunds are above zero, charges below. A transfer may be either."""
    is_credit = posting.reason in {Reason.DEPOSIT, Reason.BONUS, Reason.REFUND}

    assert posting.reason is Reason.TRANSFER or is_credit == (posting.amount.minor > 0)


@given(st.data())
def test_calls_draws_calls_that_the_tariff_can_price(data):
    """For any offer and any tariff, ``rate_call`` raises no error."""
    offer, tariff = data.draw(strategies.offers()), data.draw(strategies.tariffs())
    call = data.draw(strategies.calls(offer, tariff))

    assert call == rate_call(call, Allowance(NOTHING), tariff, offer=offer).call


@given(strategies.histories())
def test_histories_draws_decisions_that_a_store_accepts(history):
    """Each decision continues from the previous one. A store with enough credit commits them."""
    first_decision, last_decision = history[0], history[-1]
    store = MemoryStore()
    credit = Money(minor=10**17, currency=first_decision.after.quote.tariff.currency)
    for number, wallet in enumerate((Wallet("acme"), Wallet("acme", "berlin"))):
        store.commit(deposit(wallet, credit, transfer=f"t-{number}", on=DAY), expected=None)

    assert None is first_decision.before
    for decision, next_decision in pairwise(history):
        assert decision.after == next_decision.before
        assert decision.on <= next_decision.on
    revision = None
    for decision in history:
        revision = store.commit(decision, expected=revision)

    stored = store.subscription("acme", "berlin")
    assert stored is not None
    assert last_decision.after == stored.value


@pytest.mark.covers
@pytest.mark.parametrize(
    "key", ["skype-connect", "easybell-basic", "sipgate-uk", "strobe-it", "voip-yonder"]
)
def test_subscriptions_draws_every_status(key):
    """Offers of each kind of term have subscriptions in each status."""
    expected_statuses = set(Status)
    if key == "strobe-it":
        # The minimum term of 12 months allows a cancellation after 11 renewals at the earliest.
        expected_statuses.remove(Status.CANCELLED)
    drawn_statuses = set()

    def completes_the_statuses(subscription):
        drawn_statuses.add(subscription.status)
        return expected_statuses <= drawn_statuses

    assert draws(strategies.subscriptions(OFFERS[key], TARIFF), completes_the_statuses)


@pytest.mark.parametrize("action", Action)
def test_histories_and_transfers_draw_every_action(action):
    """Histories contain all actions on subscriptions, and transfers all actions on wallets."""
    wallet_actions = {
        Action.DEPOSIT,
        Action.CHARGE,
        Action.ASSIGN_CREDIT,
        Action.TAKE_BACK_CREDIT,
        Action.EXPIRE_CREDIT,
    }
    drawn: st.SearchStrategy[Any] = strategies.histories(SKYPE_CONNECT, TARIFF)
    if action in wallet_actions:
        drawn = st.tuples(st.from_type(Transfer))

    assert draws(drawn, lambda items: action in {item.action for item in items})

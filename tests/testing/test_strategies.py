"""Strategies: what is drawn is legal, within its bounds, and could have happened."""

# Identifiers are plain text here, and decisions are known to hold a subscription.
# mypy: disable-error-code="arg-type, union-attr"

import inspect
from datetime import date, timedelta
from itertools import pairwise

import attrs
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

import channelplans
from channelplans.calendar import Days, Months
from channelplans.ladders import Ladder
from channelplans.ledger import Purse, Reason
from channelplans.lifecycle import deposit
from channelplans.memory import MemoryStore
from channelplans.money import EUR, JPY, Money
from channelplans.offers import (
    EASYBELL_BASIC,
    SKYPE_CONNECT,
    SKYPE_CONNECT_2011,
    STROBE_IT,
    TELNYX,
    VOIP_YONDER,
)
from channelplans.pricing import rate
from channelplans.rules import Effect
from channelplans.subscriptions import Action, Status
from channelplans.testing import strategies
from channelplans.testing.builders import DAY, OFFERS, TARIFF
from channelplans.usage import Allowance, covered

SECOND, HOUR, ONE_DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
NOTHING = timedelta(0)
LATER = date(2026, 3, 1)

# What is in a store, at a desk or behind a port is no value that is drawn.
UNDRAWN = {"Snapshot"}
VALUES = [
    kind
    for name in channelplans.__all__
    if inspect.isclass(kind := getattr(channelplans, name)) and attrs.has(kind)
    if not issubclass(kind, BaseException) and name not in UNDRAWN
]


def found(strategy, condition):
    """Return whether a value that meets a condition is drawn, without looking for a small one."""
    quick = settings(
        max_examples=5000,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    # Raises where there is none.
    return find(strategy.map(condition), bool, settings=quick)


def length_within(length, days, months):
    """Return whether a length is at least 1 and at most so many."""
    return 1 <= length.count <= (days if isinstance(length, Days) else months)


def rolls_within(rule, terms, cap):
    """Return whether minutes are carried within bounds, if they are."""
    if rule is None:
        return True
    lasts = rule.terms is None or 1 <= rule.terms <= terms
    return lasts and (rule.cap is None or rule.cap <= cap)


def prices_of(tariff):
    """Return all prices of a tariff that are plain numbers, and those of its ladders."""
    plain = [tariff.minute, tariff.setup, tariff.channel_setup, *tariff.rates.values()]
    for price in (tariff.channel, tariff.bundle):
        if isinstance(price, Ladder):
            plain += [each for tier in price.tiers for each in (tier.unit, tier.flat)]
        else:
            plain.append(price)
    return plain


BOUNDED = {
    "names": (
        strategies.names(characters=3),
        lambda name: 1 <= len(name) <= 3 and name == name.strip() and len(name.splitlines()) == 1,
    ),
    "currencies": (strategies.currencies(decimals=1), lambda each: 0 <= each.exponent <= 1),
    "money": (
        strategies.money(EUR, least=-5, most=7),
        lambda amount: amount.currency == EUR and -5 <= amount.minor <= 7,
    ),
    "money of any currency": (strategies.money(least=0), lambda each: 0 <= each.minor <= 10**15),
    "days": (strategies.days(first=DAY, last=LATER), lambda day: DAY <= day <= LATER),
    "lengths": (strategies.lengths(days=3, months=2), lambda each: length_within(each, 3, 2)),
    "terms": (strategies.terms(longest=4), lambda term: 1 <= term.days <= 4),
    "quantity_rules": (
        strategies.quantity_rules(),
        lambda rule: len(rule.steps) <= 2 and rule.maximum <= 500,
    ),
    "quantity_rules without steps": (
        strategies.quantity_rules(steps=0, stretch=3),
        lambda rule: rule.steps == () and rule.maximum <= 3,
    ),
    "rollovers": (strategies.rollovers(terms=2, cap=9), lambda rule: rolls_within(rule, 2, 9)),
    "bundle_rules": (
        strategies.bundle_rules(minutes=10, per_channel=2, terms=1),
        lambda rule: (
            1 <= rule.minutes <= 10
            and 0 <= rule.included <= 10
            and rule.per_channel in {None, 1, 2}
            and rolls_within(rule.rollover, 1, 10)
        ),
    ),
    "included_minutes": (
        strategies.included_minutes(minutes=10, terms=1),
        lambda rule: (
            (rule.minutes, rule.per_channel) == (0, 0)
            and 1 <= rule.included <= 10
            and rolls_within(rule.rollover, 1, 10)
        ),
    ),
    "term_rules": (
        strategies.term_rules(days=5, months=2),
        lambda rule: (
            length_within(rule.length, 5, 2)
            and (rule.holding is None or rule.holding.count <= 3 * rule.length.count)
        ),
    ),
    "change_rules": (
        strategies.change_rules(days=5, months=2),
        lambda rule: rule.cooldown is None or length_within(rule.cooldown, 5, 2),
    ),
    "call_rules": (
        strategies.call_rules(longest=SECOND),
        lambda rule: NOTHING <= rule.minimum <= SECOND and NOTHING < rule.step <= SECOND,
    ),
    "shortage_rules": (
        strategies.shortage_rules(days=3),
        lambda rule: rule.grace is None or 1 <= rule.grace.count <= 3,
    ),
    "plans": (
        strategies.plans(VOIP_YONDER, channels=7, bundles=3),
        lambda plan: plan.offer == VOIP_YONDER and plan.channels <= 7 and plan.bundles <= 3,
    ),
    "plans of an offer that sells none so small": (
        strategies.plans(STROBE_IT, channels=1),
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
    "quotes": (
        strategies.quotes(TELNYX, TARIFF),
        lambda paid: (paid.plan.offer, paid.tariff) == (TELNYX, TARIFF),
    ),
    "calls": (
        strategies.calls(SKYPE_CONNECT_2011, TARIFF, on=DAY, longest=HOUR),
        lambda call: (
            call.day == DAY
            and NOTHING <= call.duration <= HOUR
            and call.country in {"US", "CA", *TARIFF.rates}
        ),
    ),
    "allowances": (
        strategies.allowances(most=HOUR, carried=1),
        lambda each: (
            each.granted <= HOUR
            and len(each.carried) <= 1
            and max(each.carried, default=NOTHING) <= HOUR
        ),
    ),
    "purses": (strategies.purses("acme"), lambda purse: purse.account == "acme"),
    "postings": (
        strategies.postings(Purse("acme"), EUR, most=3),
        lambda each: each.purse == Purse("acme") and 1 <= abs(each.amount.minor) <= 3,
    ),
    "histories": (
        strategies.histories(TELNYX, TARIFF, steps=2, account="a", profile="p"),
        lambda told: (
            len(told) <= 3
            and {"a"} == {each.after.account for each in told}
            and {"p"} == {each.after.profile for each in told}
            and {TELNYX} == {each.after.plan.offer for each in told}
        ),
    ),
    "catalogues": (
        strategies.catalogues(SKYPE_CONNECT, EUR, editions=2),
        lambda sold: (
            1 <= len(sold.editions) <= 2
            and {(SKYPE_CONNECT, EUR)}
            == {(each.offer, each.tariff.currency) for each in sold.editions}
        ),
    ),
}

REACHED = {
    "a currency of 12 decimals": (strategies.currencies(), lambda each: each.exponent == 12),
    "the least money": (strategies.money(EUR, least=-5), lambda each: each.minor == -5),
    "the most money": (strategies.money(EUR, least=3, most=9), lambda each: each.minor == 9),
    "the first day": (strategies.days(first=DAY, last=LATER), lambda day: day == DAY),
    "the last day": (strategies.days(first=DAY, last=LATER), lambda day: day == LATER),
    "the last of a month": (strategies.days(), lambda day: (day + ONE_DAY).day == 1),
    "the most days": (strategies.lengths(days=9), lambda each: each == Days(9)),
    "the most months": (strategies.lengths(months=9), lambda each: each == Months(9)),
    "the longest term": (strategies.terms(longest=9), lambda term: term.days == 9),
    "a rule of two steps": (strategies.quantity_rules(), lambda rule: len(rule.steps) == 2),
    "bundles without bound": (strategies.bundle_rules(), lambda rule: rule.per_channel is None),
    "bundles and included minutes": (strategies.bundle_rules(), lambda rule: rule.included > 0),
    "an aligned term": (strategies.term_rules(), lambda rule: rule.aligned),
    "a holding": (strategies.term_rules(), lambda rule: rule.holding is not None),
    "a full effect": (strategies.change_rules(), lambda rule: rule.more is Effect.FULL),
    "the longest step": (
        strategies.call_rules(longest=timedelta(microseconds=2)),
        lambda rule: rule.step == timedelta(microseconds=2) and rule.minimum == NOTHING,
    ),
    "an offer without bundles": (strategies.offers(), lambda offer: offer.bundles is None),
    "an offer with minutes alone": (
        strategies.offers(),
        lambda offer: offer.bundles is not None and offer.bundles.per_channel == 0,
    ),
    "the smallest plan": (strategies.plans(SKYPE_CONNECT), lambda plan: plan.channels == 1),
    "the largest plan": (strategies.plans(SKYPE_CONNECT), lambda plan: plan.channels == 300),
    "the most bundles": (strategies.plans(SKYPE_CONNECT), lambda plan: plan.bundles == 50),
    "a plan that was rounded": (
        strategies.plans(SKYPE_CONNECT),
        lambda plan: plan.requested is not None and plan.requested > plan.channels,
    ),
    "a ladder of four tiers": (strategies.ladders(), lambda ladder: len(ladder.tiers) == 4),
    "a tariff with a ladder": (
        strategies.tariffs(),
        lambda tariff: isinstance(tariff.channel, Ladder),
    ),
    "a quote with a set-up fee": (
        strategies.quotes(SKYPE_CONNECT, TARIFF),
        lambda paid: paid.sold is not None,
    ),
    "a refund in part": (
        strategies.refunds(),
        lambda back: Money(0, back.returned.currency) < back.returned < back.paid.total,
    ),
    "a call to an excluded prefix": (
        strategies.calls(SKYPE_CONNECT_2011, TARIFF),
        lambda call: call.country == "US" and not covered(call, SKYPE_CONNECT_2011.bundles),
    ),
    "an allowance used up": (
        strategies.allowances(),
        lambda each: NOTHING < each.granted == each.used,
    ),
    "minutes carried": (strategies.allowances(), lambda each: any(each.carried)),
    "a profile's purse": (strategies.purses("acme"), lambda purse: purse.profile is not None),
    "a history of nine": (strategies.histories(SKYPE_CONNECT, TARIFF), lambda told: len(told) == 9),
    "a pending plan": (
        strategies.subscriptions(EASYBELL_BASIC, TARIFF),
        lambda held: held.pending is not None,
    ),
    "minutes used": (
        strategies.subscriptions(SKYPE_CONNECT, TARIFF),
        lambda held: held.allowance.used > NOTHING,
    ),
    "bundles dropped": (
        strategies.decisions(VOIP_YONDER, TARIFF),
        lambda each: each.action is Action.RENEW and bool(each.notices),
    ),
    "two editions": (strategies.catalogues(), lambda sold: len(sold.editions) == 2),
}


@pytest.mark.parametrize("name", BOUNDED)
@given(data=st.data())
@settings(max_examples=50)
def test_what_is_drawn_lies_within_its_bounds(name, data):
    """Each bound holds for all that is drawn."""
    strategy, within = BOUNDED[name]

    assert within(data.draw(strategy))


@pytest.mark.parametrize("name", REACHED)
def test_what_can_be_drawn_is_drawn(name):
    """Both ends of a bound, and what a test would be blind without."""
    strategy, condition = REACHED[name]

    assert found(strategy, condition)


@pytest.mark.parametrize("kind", VALUES, ids=lambda kind: kind.__name__)
@given(data=st.data())
@settings(max_examples=10)
def test_each_type_is_drawn_legal(kind, data):
    """By its type alone, with whatever it is made of; and it can be told."""
    value = data.draw(st.from_type(kind))

    assert isinstance(value, kind)
    assert str(value)


@pytest.mark.parametrize(
    "kind",
    [
        getattr(channelplans, name)
        for name in ("AccountId", "Cursor", "ProfileId", "Revision", "SubscriptionId", "Token")
    ],
    ids=lambda kind: kind.__name__,
)
@given(data=st.data())
def test_each_identifier_is_drawn_legal(kind, data):
    """One line of text without space around it, where Hypothesis' own would be any text."""
    name = data.draw(st.from_type(kind))

    assert Purse(name).account == name


@given(strategies.plans())
def test_a_plan_is_one_that_is_sold(plan):
    """Asked for again, what is sold is the same."""
    assert plan == plan.offer.plan(channels=plan.channels, bundles=plan.bundles)


@given(strategies.postings())
def test_a_posting_has_the_sign_of_its_reason(posting):
    """Money that comes in is above zero, what is paid below; a transfer is either."""
    comes_in = posting.reason in {Reason.DEPOSIT, Reason.BONUS, Reason.REFUND}

    assert posting.reason is Reason.TRANSFER or comes_in == (posting.amount.minor > 0)


@given(st.data())
def test_a_call_drawn_for_a_tariff_has_a_price(data):
    """Under any offer, to any of its countries."""
    offer, tariff = data.draw(strategies.offers()), data.draw(strategies.tariffs())
    call = data.draw(strategies.calls(offer, tariff))

    assert rate(call, Allowance(NOTHING), tariff, offer=offer).call == call


@given(strategies.histories())
def test_a_history_could_have_happened(told):
    """Each decision rests on the one before, and a store with enough credit commits all of them."""
    store, revision, currency = MemoryStore(), None, told[0].after.paid.tariff.currency
    for number, purse in enumerate((Purse("acme"), Purse("acme", "berlin"))):
        credit = Money(10**30, currency)
        store.commit(deposit(purse, credit, transfer=f"t-{number}", on=DAY), expected=None)

    assert None is told[0].before
    for before, after in pairwise(told):
        assert before.after == after.before
        assert before.on <= after.on
    for decision in told:
        revision = store.commit(decision, expected=revision)

    assert told[-1].after == store.subscription("berlin").value


@pytest.mark.parametrize(
    ("offer", "status"),
    [
        pytest.param(offer, status, id=f"{offer.name} {offer.edition}, {status.value}")
        for offer in OFFERS
        for status in Status
        # Held for 12 months, it is cancelled after 11 renewals at the earliest.
        if (offer, status) != (STROBE_IT, Status.CANCELLED)
    ],
)
def test_every_status_is_reached(offer, status):
    """Under every shipped offer."""
    assert found(strategies.subscriptions(offer, TARIFF), lambda held: held.status is status)


@pytest.mark.parametrize("action", Action)
def test_every_action_is_decided(action):
    """In some history, or about purses alone."""
    told = strategies.histories(SKYPE_CONNECT, TARIFF) | st.tuples(strategies.decisions())

    assert found(told, lambda told: action in {each.action for each in told})

"""Laws of the lifecycle.

- Deciding again from the same values gives an equal decision, and changes none of them.
- Renewals tile: each term starts where the last ended, on the grid of the anchor, however late
  they are processed.
- A change keeps what it does not return: old and new payments less the refund are what was paid.
- What is returned is never more than what was paid; nothing else ever comes back.
- Cancelling and resuming leaves everything but the sequence as it was.
- Calls use up the allowance and never more of it, in whatever order they come.
- Two different decisions about one subscription never share a token, but at the end of a term.
"""

# Identifiers are plain text here, decisions are known to hold a subscription, and wrong types
# are given on purpose.
# mypy: disable-error-code="arg-type, misc, union-attr"

from datetime import date, timedelta

import attrs
from hypothesis import assume, given
from hypothesis import strategies as st

from channelplans import offers
from channelplans.calendar import term_at
from channelplans.ledger import Purse, Reason
from channelplans.lifecycle import buy, cancel, change, expire, lapse, renew, resume, terminate, use
from channelplans.money import EUR, Money
from channelplans.plans import Offer
from channelplans.pricing import Tariff
from channelplans.usage import Call, billable

OFFERS = [value for value in vars(offers).values() if isinstance(value, Offer)]
US = "+12125550100"

tariffs = st.builds(
    lambda channel, bundle, minute: Tariff(
        "t", EUR, Money(channel, EUR).amount, Money(bundle, EUR).amount, Money(minute, EUR).amount
    ),
    *(st.integers(0, 5000) for _ in range(3)),
)
days = st.dates(date(1990, 1, 1), date(2090, 1, 1))


@st.composite
def plans(draw, offer):
    """Draw a legal plan of an offer."""
    channels = draw(st.integers(1, 300))
    sold = offer.plan(channels=channels).channels
    return offer.plan(channels=channels, bundles=draw(st.integers(0, min(sold, 3))))


@st.composite
def subscriptions(draw):
    """Draw a subscription that was bought, renewed a few times, and has used some minutes."""
    offer = draw(st.sampled_from(OFFERS))
    ids = {"account": "a", "profile": "p", "subscription": "s"}
    held = buy(draw(plans(offer)), draw(tariffs), on=draw(days), **ids).after
    for _ in range(draw(st.integers(0, 3))):
        held = renew(held, draw(tariffs), on=held.term.end).after
    minutes = draw(st.integers(0, 11_000))
    call = Call("c-0", US, "US", held.term.start, timedelta(minutes=minutes))
    return use(held, call, held.paid.tariff, on=held.term.start).after


def day_of(held, number):
    """Return a day of the running term, by a number that may be too great."""
    return held.term.start + timedelta(number % held.term.days)


@given(subscriptions(), st.data())
def test_deciding_again_decides_the_same(held, data):
    """From equal values, on the same day; and the values stay as they are."""
    on = day_of(held, data.draw(st.integers(0, 30)))
    plan = data.draw(plans(held.plan.offer))
    assume(plan != held.plan)
    twin = attrs.evolve(held)
    tariff = held.paid.tariff
    acts = [
        lambda held: change(held, plan, tariff, on=on),
        lambda held: cancel(held, on=on),
        lambda held: terminate(held, on=on),
        lambda held: renew(held, tariff, on=held.term.end),
        lambda held: lapse(held, on=held.term.end),
        lambda held: expire(cancel(held, on=on).after, on=held.term.end),
        lambda held: use(held, Call("c", US, "US", on, timedelta(minutes=9)), tariff, on=on),
    ]

    for act in acts:
        assert act(held) == act(twin)
    assert held == twin


@given(subscriptions(), st.integers(1, 5), st.integers(0, 40), st.data())
def test_renewals_tile(held, count, late, data):
    """Without gap or overlap, on the grid of the anchor, on time or all of them late."""
    length = held.plan.offer.term.length
    processed = term_at(held.anchor, length, held.number + count).start + timedelta(late)
    on_time = data.draw(st.booleans())

    for _ in range(count):
        end = held.term.end
        renewal = renew(held, held.paid.tariff, on=end if on_time else processed)
        held = renewal.after
        assert end == held.term.start
        assert term_at(held.anchor, length, held.number) == held.term
        assert held.paid.allowance == held.allowance
        paid = [(posting.term, -posting.amount) for posting in renewal.postings]
        assert paid == [(held.term, held.paid.total)] * bool(held.paid.total)


@given(subscriptions(), st.integers(0, 30), tariffs, st.data())
def test_a_change_keeps_what_it_does_not_return(held, number, tariff, data):
    """One refund of at most what was paid, one payment of the new price, both the account's."""
    plan = data.draw(plans(held.plan.offer))
    assume(plan != held.plan)
    on = day_of(held, number)

    decision = change(held, plan, tariff, on=on)

    moved = {posting.reason: posting.amount for posting in decision.postings}
    returned = moved.get(Reason.REFUND, Money(0, EUR))
    assert Money(0, EUR) <= returned <= held.paid.total
    assert -decision.after.paid.total == moved.get(Reason.SUBSCRIPTION, Money(0, EUR))
    assert {posting.purse for posting in decision.postings} <= {Purse("a")}
    assert term_at(on, plan.offer.term.length, 0) == decision.after.term
    assert returned == sum(
        (posting.amount for posting in terminate(held, on=on).postings), start=Money(0, EUR)
    )


@given(subscriptions(), st.lists(st.integers(0, 30), min_size=2, max_size=2))
def test_cancelling_and_resuming_changes_nothing(held, numbers):
    """But the sequence and the day of the latest action; and no money moves."""
    first, second = sorted(day_of(held, number) for number in numbers)
    cancelled = cancel(held, on=first)
    resumed = resume(cancelled.after, on=second)

    assert () == cancelled.postings + resumed.postings
    assert attrs.evolve(held, sequence=held.sequence + 2, acted_on=second) == resumed.after
    assert cancelled.after.term == held.term


@given(
    subscriptions(), st.lists(st.integers(0, 3000), max_size=6), st.randoms(use_true_random=False)
)
def test_calls_use_up_the_minutes_in_any_order(held, minutes, random):
    """What is used is what was counted, up to what is granted; the rest is charged."""
    plan = held.plan
    # Without a longest call included, the order cannot matter to what is used.
    assume(plan.offer.bundles.longest_call is None)
    on = held.term.start
    calls = [
        Call(f"c-{number}", US, "US", on, timedelta(minutes=length))
        for number, length in enumerate(minutes, start=1)
    ]
    random.shuffle(calls)
    left = held.allowance.remaining
    for call in calls:
        held = use(held, call, held.paid.tariff, on=on).after

    counted = sum((billable(call.duration, plan.offer.calls) for call in calls), timedelta(0))
    assert max(left - counted, timedelta(0)) == held.allowance.remaining


@given(subscriptions(), st.data())
def test_tokens_are_unique_but_at_the_end_of_a_term(held, data):
    """Whatever follows whatever, two decisions that can both happen have two tokens."""
    tokens = []
    for number in range(data.draw(st.integers(2, 8))):
        on = held.acted_on
        call = Call(f"c-{number}", US, "US", on, timedelta(minutes=1))
        if on >= held.term.end:
            decision = renew(held, held.paid.tariff, on=on)
        else:
            act = data.draw(st.sampled_from(["cancel", "use", "renew", "end"]))
            decision = {
                "cancel": lambda held=held, on=on: cancel(held, on=on),
                "use": lambda held=held, on=on, call=call: use(held, call, held.paid.tariff, on=on),
                "renew": lambda held=held: renew(held, held.paid.tariff, on=held.term.end),
                "end": lambda held=held, on=on: terminate(held, on=on),
            }[act]()
        tokens.append(decision.token)
        held = decision.after
        if held.status.value == "cancelled":
            back = resume(held, on=held.acted_on)
            tokens.append(back.token)
            held = back.after
        if held.status.value == "ended":
            ids = {"account": "a", "profile": "p", "subscription": f"s-{number}"}
            bought = buy(held.plan, held.paid.tariff, on=on, previous=held, **ids)
            tokens.append(bought.token)
            held = bought.after

    assert len(tokens) == len(set(tokens))

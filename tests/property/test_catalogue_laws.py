"""Laws of catalogues.

- Each day from the first edition's start to the last one's end is in one edition, and in one only.
- A renewal never moves back, and comes under an edition that calls by then or is held.
- Renewed term after term, a subscription that nobody pins ends under the latest edition.
- The nearest plan is legal, and a plan that is legal itself is its own nearest.
- A comparison's price difference is what the two prices differ by; with itself nothing differs.
"""

# Identifiers are plain text here.
# mypy: disable-error-code="arg-type, union-attr"

from datetime import date, timedelta
from itertools import accumulate, pairwise

import attrs
from hypothesis import given
from hypothesis import strategies as st
from tests.property.strategies import attempt

from channelplans.calendar import term_at
from channelplans.catalogue import Catalogue, Edition, Existing, compare
from channelplans.errors import NotOffered, UnknownEdition
from channelplans.money import EUR
from channelplans.offers import SKYPE_CONNECT
from channelplans.pricing import Quote, Tariff
from channelplans.subscriptions import Status, Subscription
from channelplans.testing.strategies import offers, plans

FIRST = date(2026, 1, 5)


@st.composite
def catalogues(draw, existing=None):
    """Catalogues of one offer at rising prices, with any word to those who hold an earlier one."""
    lengths = draw(st.lists(st.integers(1, 70), min_size=1, max_size=5))
    starts = [FIRST + timedelta(days=days) for days in accumulate(lengths, initial=0)]
    editions = []
    for number, (start, end) in enumerate(pairwise(starts)):
        tariff = Tariff(f"tariff {number}", EUR, 1 + number, 2 + number, 0)
        notice = start + timedelta(days=draw(st.integers(0, 90)))
        moves = existing or draw(st.sampled_from([*Existing, notice]))
        editions.append(Edition(SKYPE_CONNECT, tariff, start, end, moves))
    last = attrs.evolve(editions[-1], end=None)
    return Catalogue((*editions[:-1], last))


def held(edition, start, number=0):
    """Return a subscription of an edition, in its n-th term from a day."""
    plan = SKYPE_CONNECT.plan(channels=3, bundles=1)
    paid = Quote(plan, edition.tariff, term_at(start, plan.offer.term.length, number))
    return Subscription(
        "s-1", "acme", "berlin", paid, start, number, Status.ACTIVE, paid.allowance, None, 1
    )


def bought(sold, days):
    """Return a subscription that was bought so many days after the first."""
    day = FIRST + timedelta(days=days)
    return held(sold.on(day), day)


def renewed(sold, subscription, times):
    """Return the editions of so many renewals, one after the other."""
    editions = [sold.held_by(subscription)]
    for number in range(1, times + 1):
        editions.append(sold.for_renewal(subscription))
        subscription = held(editions[-1], subscription.anchor, number)
    return editions


@given(catalogues(), st.integers(-10, 400))
def test_each_day_has_one_edition(sold, days):
    """None before the first, and never two."""
    day = FIRST + timedelta(days=days)
    having = [edition for edition in sold.editions if day in edition]

    found = attempt(UnknownEdition, sold.on, day)

    assert (days >= 0) == (len(having) == 1)
    assert [found] == having if having else isinstance(found, UnknownEdition)


@given(catalogues(), st.integers(0, 300))
def test_a_renewal_never_moves_back(sold, days):
    """It stays, or moves to an edition that calls by the first day of the term."""
    subscription = bought(sold, days)
    editions = renewed(sold, subscription, 8)
    length = subscription.plan.offer.term.length

    numbers = list(map(sold.editions.index, editions))
    assert sorted(numbers) == numbers
    for number, (before, after) in enumerate(pairwise(editions)):
        day = term_at(subscription.anchor, length, number).end
        assert before == after or after.moves_from <= day


@given(catalogues(Existing.AT_RENEWAL), st.integers(0, 300))
def test_who_is_not_pinned_comes_under_what_is_sold(sold, days):
    """Each renewal comes under the edition that is sold on its first day."""
    subscription = bought(sold, days)

    assert sold.on(subscription.term.end) == sold.for_renewal(subscription)


@given(catalogues(Existing.PINNED), st.integers(0, 300))
def test_who_is_pinned_keeps_what_was_bought(sold, days):
    """However often it renews itself."""
    editions = renewed(sold, bought(sold, days), 4)

    assert [editions[0]] * 5 == editions


@given(offers(), plans())
def test_the_nearest_plan_is_legal(offer, plan):
    """It is a plan of the offer; one that could be moved as it is, is moved as it is."""
    edition = Edition(offer, Tariff("any", EUR, 1, 1, 0), FIRST)
    nearest, moved = edition.nearest(plan), attempt(NotOffered, edition.plan_for, plan)

    assert offer == nearest.offer
    assert nearest == edition.nearest(nearest)
    if isinstance(moved, NotOffered):
        assert (plan.channels, plan.bundles) != (nearest.channels, nearest.bundles)
    else:
        assert (plan.channels, plan.bundles) == (moved.channels, moved.bundles)
        assert nearest == moved


@given(catalogues(), st.integers(0, 300))
def test_a_difference_is_what_two_prices_differ_by(sold, days):
    """3 channels and a bundle cost 4 more for each edition in between; itself differs by none."""
    subscription = bought(sold, days)
    own = sold.held_by(subscription)

    for new in sold.editions:
        comparison = compare(own, new, (subscription,))
        steps = sold.editions.index(new) - sold.editions.index(own)
        assert [400 * steps] == [price.difference.minor for price in comparison.prices]
        assert bool(steps) == bool(comparison.rules)

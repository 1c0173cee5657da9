"""Properties of catalogues and of comparisons between two editions."""

from datetime import date, timedelta
from itertools import accumulate, pairwise

import attrs
import pytest
from hypothesis import given, strategies as st
from tests.property.strategies import attempt

from channelplans.calendar import term_at
from channelplans.errors import NotOffered, UnknownEdition
from channelplans.money import EUR, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.pricing import price_term
from channelplans.subscriptions.catalogue import Catalogue, Edition, Migration
from channelplans.subscriptions.price_changes import compare_editions
from channelplans.subscriptions.subscription import Status, Subscription
from channelplans.tariffs import Tariff
from channelplans.testing.strategies import offers, plans

pytestmark = pytest.mark.slow

FIRST_DAY = date(2026, 1, 5)


@st.composite
def catalogues(draw, migration=None):
    """Draw catalogues of one offer, in which each edition is dearer than the one before.

    By default, each edition has any kind of migration; otherwise all have the given one.
    """
    lengths = draw(st.lists(st.integers(1, 70), min_size=1, max_size=5))
    starts = [FIRST_DAY + timedelta(days=days) for days in accumulate(lengths, initial=0)]
    editions = []
    for number, (start, end) in enumerate(pairwise(starts)):
        tariff = Tariff(f"tariff {number}", EUR, 1 + number, 2 + number, 0)
        migration_day = start + timedelta(days=draw(st.integers(0, 90)))
        edition_migration = migration or draw(st.sampled_from([*Migration, migration_day]))
        editions.append(Edition(SKYPE_CONNECT, tariff, start, end, edition_migration))
    open_edition = attrs.evolve(editions[-1], end=None)
    return Catalogue((*editions[:-1], open_edition))


def make_subscription(edition, anchor, number=0):
    """Return a subscription that an edition priced, in the given term counted from its anchor."""
    plan = SKYPE_CONNECT.plan(channels=3, bundles=1)
    paid = price_term(plan, edition.tariff, plan.offer.term.nth(anchor, number), anchor)
    return Subscription(
        "s-1", "acme", "berlin", paid, anchor, number, Status.ACTIVE, paid.allowance, None, 1
    )


def buy_after_days(catalogue, days):
    """Return a subscription that was bought a number of days after the catalogue's first day."""
    day = FIRST_DAY + timedelta(days=days)
    return make_subscription(catalogue.on(day), day)


def editions_of_renewals(catalogue, subscription, renewals):
    """Return the edition of the subscription and the edition of each of its renewals."""
    editions = [catalogue.held_by(subscription)]
    for number in range(1, renewals + 1):
        editions.append(catalogue.for_renewal(subscription))
        subscription = make_subscription(editions[-1], subscription.anchor, number)
    return editions


@given(catalogues(), st.integers(-10, 400))
def test_on_finds_the_only_edition_of_a_day(catalogue, days):
    """From its first day on, a catalogue has one edition for each day; before that it has none."""
    day = FIRST_DAY + timedelta(days=days)
    editions = [edition for edition in catalogue.editions if day in edition]

    result = attempt(UnknownEdition, catalogue.on, day)

    assert (days >= 0) == (len(editions) == 1)
    assert [result] == editions if editions else isinstance(result, UnknownEdition)


@given(catalogues(), st.integers(0, 300))
def test_renewals_never_return_to_an_earlier_edition(catalogue, days):
    """A renewal keeps its edition, or moves to a later one whose migration day has come."""
    subscription = buy_after_days(catalogue, days)
    editions = editions_of_renewals(catalogue, subscription, 8)
    length = subscription.plan.offer.term.length

    positions = list(map(catalogue.editions.index, editions))
    assert sorted(positions) == positions
    for number, (old_edition, new_edition) in enumerate(pairwise(editions)):
        renewal_day = term_at(subscription.anchor, length, number).end
        assert old_edition == new_edition or new_edition.moves_from <= renewal_day


@given(catalogues(Migration.AT_RENEWAL), st.integers(0, 300))
def test_renewal_uses_the_edition_of_its_first_day(catalogue, days):
    """With migration at the renewal, a renewal uses the edition that is sold on its first day."""
    subscription = buy_after_days(catalogue, days)

    assert catalogue.on(subscription.term.end) == catalogue.for_renewal(subscription)


@given(catalogues(Migration.PINNED), st.integers(0, 300))
def test_pinned_subscription_keeps_its_edition(catalogue, days):
    """Without migration, a subscription keeps the edition under which it was bought."""
    editions = editions_of_renewals(catalogue, buy_after_days(catalogue, days), 4)

    assert [editions[0]] * 5 == editions


@given(offers(), plans())
def test_nearest_plan_is_legal(offer, plan):
    """The nearest plan is legal under the new offer, and is the same plan if that is possible."""
    edition = Edition(offer, Tariff("any", EUR, 1, 1, 0), FIRST_DAY)
    nearest, same_plan = edition.nearest(plan), attempt(NotOffered, edition.plan_for, plan)

    assert offer == nearest.offer
    assert nearest == edition.nearest(nearest)
    if isinstance(same_plan, NotOffered):
        assert (plan.channels, plan.bundles) != (nearest.channels, nearest.bundles)
    else:
        assert (plan.channels, plan.bundles) == (same_plan.channels, same_plan.bundles)
        assert nearest == same_plan


@given(catalogues(), st.integers(0, 300))
def test_compare_reports_the_price_difference(catalogue, days):
    """3 channels and 1 bundle cost 4.00 more in each later edition.

    An edition that is compared with itself differs in nothing.
    """
    subscription = buy_after_days(catalogue, days)
    own_edition = catalogue.held_by(subscription)

    for edition in catalogue.editions:
        comparison = compare_editions(own_edition, edition, (subscription,))
        steps = catalogue.editions.index(edition) - catalogue.editions.index(own_edition)
        expected_difference = Money(minor=400 * steps, currency=EUR)
        assert [expected_difference] == [price.difference for price in comparison.prices]
        assert bool(steps) == bool(comparison.rules)

"""Laws of plans.

1. A plan can be made just when ``problems`` finds none; what making it raises is the first of them.
2. A plan that was made is legal: its channels are sold as themselves, its bundles within bounds.
3. A plan is what its own numbers are sold as, whatever was requested, and so is its pickle.
4. No change by ``attrs.evolve`` makes an illegal plan.
5. Whatever the names, a notebook's view has no markup that the library did not write.
"""

import pickle
import re
from functools import partial

import attrs
from hypothesis import given
from hypothesis import strategies as st
from tests.property.strategies import attempt

from channelplans.errors import RuleError, WrongType
from channelplans.plans import Plan, problems
from channelplans.testing.strategies import offers, plans

OURS = re.compile(r"</?p>")


def numbers():
    """Numbers of channels and bundles, legal or not."""
    return st.integers(-2, 150)


def legal(plan):
    """Whether a plan keeps its offer's rules, told from their data."""
    rule, bundles = plan.offer.quantity, plan.offer.bundles
    most = 0 if bundles is None else bundles.most(plan.channels)
    return (
        rule.minimum <= plan.channels <= rule.maximum
        and all(plan.channels % s.multiple == 0 for s in rule.steps[-1:] if plan.channels > s.above)
        and 0 <= plan.bundles <= most
    )


@given(offers(), numbers(), numbers())
def test_problems_are_what_stands_in_the_way(offer, channels, bundles):
    """Laws 1 and 2."""
    found = problems(offer, channels=channels, bundles=bundles)
    plan = attempt(RuleError, offer.plan, channels=channels, bundles=bundles)
    if found:
        assert type(found[0]) is type(plan)
        assert str(found[0]) == str(plan)
    else:
        assert legal(plan)
        assert (channels, bundles) == (plan.requested, plan.bundles)


@given(plans())
def test_a_plan_is_what_its_numbers_are_sold_as(plan):
    """Laws 2 and 3."""
    again = plan.offer.plan(channels=plan.channels, bundles=plan.bundles)
    unpickled = pickle.loads(pickle.dumps(plan))

    assert legal(plan)
    assert plan == again == unpickled
    assert hash(plan) == hash(again) == hash(unpickled)
    assert plan.requested == unpickled.requested
    assert () == problems(plan.offer, channels=plan.channels, bundles=plan.bundles)


@given(
    plans(),
    st.fixed_dictionaries(
        {},
        optional={"channels": numbers(), "bundles": numbers(), "requested": st.none() | numbers()},
    ),
)
def test_no_change_makes_an_illegal_plan(plan, changes):
    """Law 4."""
    changed = attempt(RuleError, attrs.evolve, plan, **changes)
    if isinstance(changed, Plan):
        assert legal(changed)
        assert Plan(changed.offer, changed.channels, changed.bundles, changed.requested) == changed
    else:
        assert changes


@given(plans(), offers())
def test_a_notebook_sees_no_foreign_markup(plan, offer):
    """Law 5."""
    for value in (plan, offer, offer.bundles, *offer.notices):
        html = value._repr_html_() if value is not None else ""

        assert "<" not in OURS.sub("", html)
        assert ">" not in OURS.sub("", html)


@given(offers(), st.one_of(st.booleans(), st.floats(), st.text(), st.none()))
def test_what_is_no_number_is_refused_everywhere(offer, value):
    """Laws 1 and 4 for wrong types: no plan is made, and every way says the same."""
    for make in (offer.plan, partial(problems, offer)):
        for request in (
            {"channels": value},
            {"channels": offer.quantity.minimum, "bundles": value},
        ):
            assert isinstance(attempt(TypeError, make, **request), WrongType)

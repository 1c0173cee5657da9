"""Properties of plans, and of the violations that prevent a plan."""

import pickle
import re
from functools import partial

import attrs
import pytest
from hypothesis import given, strategies as st
from tests.property.strategies import attempt

from channelplans.errors import RuleError, WrongType
from channelplans.plans import Plan, violations
from channelplans.testing.strategies import offers, plans

pytestmark = pytest.mark.slow

LIBRARY_MARKUP = re.compile(
    r"</?(?:p|br|details|summary)>|</a>|<a href=\"https?://[^\"<>]*\" rel=\"noopener noreferrer\">"
)


def numbers():
    """Draw numbers of channels or bundles, legal or not."""
    return st.integers(-2, 150)


def is_legal(plan):
    """Return whether a plan follows its offer's rules, calculated from the offer's data."""
    rule, bundle_rule = plan.offer.quantity, plan.offer.bundle
    highest_step = [step for step in rule.steps[-1:] if plan.channels > step.above]
    maximum_bundles = 0 if bundle_rule is None else bundle_rule.most(plan.channels)
    return (
        rule.minimum <= plan.channels <= rule.maximum
        and all(plan.channels % step.multiple == 0 for step in highest_step)
        and 0 <= plan.bundles <= maximum_bundles
    )


@given(offers(), numbers(), numbers())
def test_plan_raises_its_first_violation(offer, channels, bundles):
    """A plan without violations is legal; otherwise its construction raises the first violation."""
    found_violations = violations(offer, channels=channels, bundles=bundles)
    plan = attempt(RuleError, offer.plan, channels=channels, bundles=bundles)
    if found_violations:
        assert type(found_violations[0]) is type(plan)
        assert str(found_violations[0]) == str(plan)
    else:
        assert is_legal(plan)
        assert (channels, bundles) == (plan.requested, plan.bundles)


@given(plans())
def test_plan_equals_a_plan_of_its_granted_numbers(plan):
    """A plan equals the plan of its granted numbers, whatever was requested, and its pickle."""
    granted_plan = plan.offer.plan(channels=plan.channels, bundles=plan.bundles)
    unpickled = pickle.loads(pickle.dumps(plan))

    assert is_legal(plan)
    assert plan == granted_plan == unpickled
    assert hash(plan) == hash(granted_plan) == hash(unpickled)
    assert plan.requested == unpickled.requested
    assert () == violations(plan.offer, channels=plan.channels, bundles=plan.bundles)


@given(
    plans(),
    st.fixed_dictionaries(
        {},
        optional={"bundles": numbers(), "requested": numbers()},
    ),
)
def test_evolve_never_makes_an_illegal_plan(plan, changes):
    """``attrs.evolve`` either makes a legal plan or raises a rule error."""
    changed = attempt(RuleError, attrs.evolve, plan, **changes)
    if isinstance(changed, Plan):
        assert is_legal(changed)
        assert Plan(changed.offer, changed.channels, changed.bundles) == changed
    else:
        assert changes


@given(plans(), offers())
def test_html_escapes_all_names(plan, offer):
    """The HTML for notebooks has no markup except the paragraphs that the library writes."""
    for value in (plan, offer, offer.bundle, *offer.notices):
        html = value._repr_html_() if value is not None else ""

        assert "<" not in LIBRARY_MARKUP.sub("", html)
        assert ">" not in LIBRARY_MARKUP.sub("", html)


@given(offers(), st.one_of(st.booleans(), st.floats(), st.text(), st.none()))
def test_plan_and_violations_refuse_wrong_types(offer, value):
    """A number of channels or bundles that is not an integer raises ``WrongType``."""
    for call in (offer.plan, partial(violations, offer)):
        for request in (
            {"channels": value},
            {"channels": offer.quantity.minimum, "bundles": value},
        ):
            assert isinstance(attempt(TypeError, call, **request), WrongType)

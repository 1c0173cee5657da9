"""What an outcome of a run says."""

from decimal import Decimal

import pytest

from channelplans.errors import InsufficientCredit, NotOffered
from channelplans.storage.ports import Outcome
from channelplans.subscriptions.actions import lapse, renew
from channelplans.testing.builders import TARIFF, make_subscription

SUBSCRIPTION = make_subscription()
TERM = SUBSCRIPTION.term
RENEWAL = renew(SUBSCRIPTION, TARIFF, on=TERM.end)
LAPSE = lapse(SUBSCRIPTION, on=TERM.end)
MISSING = InsufficientCredit("account 'acme'", Decimal(10), Decimal(4), Decimal(6), "EUR")
MISSING_TEXT = "account 'acme' holds 4 EUR, but 10 EUR is needed; 6 EUR is missing"
BERLIN = "profile 'berlin' of account 'acme'"
BERLIN_TERM = f"{BERLIN}, 2026-01-05 to 2026-02-04"


@pytest.mark.parametrize(
    ("outcome", "failed", "text"),
    [
        (
            Outcome("acme", None, None, None, OSError("away")),
            True,
            "account 'acme': failed; OSError: away",
        ),
        (
            Outcome("acme", "berlin", None, None, NotOffered("sale", "Trial", "buy another")),
            True,
            f"{BERLIN}: failed; NotOffered: 'Trial' has no sale; buy another",
        ),
        (
            Outcome("acme", "berlin", TERM, None, MISSING),
            False,
            f"{BERLIN_TERM}: waits for credit; {MISSING_TEXT}",
        ),
        (Outcome("acme", "berlin", TERM, RENEWAL), False, f"{BERLIN_TERM}: renew"),
        (
            Outcome("acme", "berlin", TERM, RENEWAL, MISSING),
            False,
            f"{BERLIN_TERM}: renew without bundles; {MISSING_TEXT}",
        ),
        (
            Outcome("acme", "berlin", TERM, LAPSE, MISSING),
            False,
            f"{BERLIN_TERM}: lapse; {MISSING_TEXT}",
        ),
    ],
)
def test_outcome_says_what_was_done_and_what_was_missing(outcome, failed, text):
    """An outcome without a decision is a failure, unless only credit is missing."""
    assert failed is outcome.failed
    assert text == str(outcome)

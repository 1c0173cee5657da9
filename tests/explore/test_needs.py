"""Needs of channels and minutes, and products."""

import pickle
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import attrs
import numpy as np
import pytest

from channelplans.calendar import Days, Months
from channelplans.errors import InvalidValue, WrongType
from channelplans.explore import CallInterval, Need, Product, measure_traffic
from channelplans.money import EUR
from channelplans.offers import SKYPE_CONNECT
from channelplans.rules import TermRule
from channelplans.sizing import GUIDELINES
from channelplans.tariffs import Tariff

TARIFF = Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021")


def test_need_takes_a_number_of_channels():
    """The number that is needed is the number that was passed; a numpy integer counts too."""
    channels: Any = np.int64(137)

    assert 137 == Need(channels=137).needed == Need(channels=channels).needed


def test_need_computes_channels_from_employees_by_a_guideline():
    """30 employees need 8 channels by the default, and 10 by one channel for 3 (F 11)."""
    by_ratio = Need(employees=30, guideline=GUIDELINES["caznet"])

    assert (8, 10) == (Need(employees=30).needed, by_ratio.needed)


@pytest.mark.parametrize("traffic", [3, 3.0, Fraction(3), Decimal(3), "3.0"])
def test_need_computes_channels_from_traffic(traffic):
    """3 erlangs need 8 channels at 2 % blocking, also if the guideline states no blocking."""
    by_ratio = Need(traffic=traffic, guideline=GUIDELINES["caznet"])

    assert 8 == Need(traffic=traffic).needed == by_ratio.needed


def test_need_takes_measured_traffic():
    """The busy hour of the report counts: 4 calls of 45 minutes in one hour are 3 erlangs."""
    ten = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
    calls = [CallInterval(ten, timedelta(minutes=45))] * 4
    quiet = [CallInterval(ten + timedelta(hours=2), timedelta(minutes=30))]

    report = measure_traffic(calls + quiet, zone=UTC)

    assert Need(traffic=3.0) == Need(traffic=report)


def test_need_of_no_traffic_is_one_channel():
    """No offer sells a profile without channels."""
    assert 1 == Need(traffic=0).needed


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "exactly one of channels, employees and traffic, not none"),
        ({"minutes": {"US": 10}}, "exactly one of channels, employees and traffic, not none"),
        ({"channels": 1, "traffic": 1}, "not channels and traffic"),
        ({"channels": 0}, "channels must be at least 1 and at most 5,000, not 0"),
        ({"channels": 5001}, "channels must be at least 1 and at most 5,000, not 5001"),
        ({"employees": 10**6}, "employees must be at least 1 and at most 5,000"),
        ({"traffic": float("nan")}, "erlangs"),
        ({"channels": 1, "minutes": {"US": -1}}, r"minutes\['US'\] must be minutes from 0"),
        ({"channels": 1, "minutes": {"US": 10**10}}, r"minutes\['US'\] must be minutes from 0"),
        ({"channels": 1, "minutes": {"": 1}}, "minutes must be one line of text"),
    ],
)
def test_need_refuses_invalid_values(fields, message):
    """The error names what was passed and what would work."""
    with pytest.raises(InvalidValue, match=message):
        Need(**fields)


@pytest.mark.parametrize(
    ("minutes", "message"),
    [
        (500, r'^minutes must be a mapping .*, such as \{"US": 500\}, not 500'),
        ([("US", 1)], "^minutes must be a mapping of destinations"),
        (
            {"US": 0.5},
            r"^minutes\['US'\] must be an exact number of minutes: an int, a Fraction, "
            r'a Decimal or text such as "12.5", not 0.5 \(float\)$',
        ),
    ],
    ids=["number", "list", "float"],
)
def test_need_refuses_minutes_of_another_type(minutes, message):
    """Minutes are a mapping of exact numbers, because they are multiplied with prices."""
    with pytest.raises(WrongType, match=message):
        Need(channels=1, minutes=minutes)


def test_need_names_its_channels_and_minutes():
    """Names of destinations are quoted, so that no name can pass for a part of the sentence."""
    minutes: dict[str, str | Fraction] = {"US": "1500.5", "<b>": Fraction(10**6, 3)}
    need = Need(employees=30, minutes=minutes)

    expected = (
        "8 channels for 30 employees; in 30 days 1,500.5 minutes to 'US', 333,333.33 minutes to"
        " '<b>'"
    )
    assert expected == str(need)
    assert "8 channels for 3 erlangs" == str(Need(traffic=3))
    assert "<b>" not in need._repr_html_()


def test_need_can_be_compared_hashed_and_pickled():
    """A need is a value: the order of the destinations does not matter."""
    need = Need(channels=2, minutes={"US": 1, "DE": 2})
    same = Need(channels=2, minutes={"DE": "2", "US": "1.0"})

    assert need == same == pickle.loads(pickle.dumps(need))
    assert hash(need) == hash(same)


@pytest.mark.parametrize(
    ("length", "days"),
    [(Days(30), 30), (Days(7), 7), (Months(1), 30), (Months(12), 365), (Months(27), 820)],
)
def test_product_counts_30_days_a_month_and_365_a_year(length, days):
    """Twelve months are a year, so that a plan for a year costs its price in a year."""
    offer = attrs.evolve(SKYPE_CONNECT, term=TermRule(length))

    assert days == Product(offer, TARIFF).term_days

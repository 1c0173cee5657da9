"""What the laws are tried on: values of the package, legal by construction unless it says else.

Each name but ``attempt`` is a function that returns a strategy. Numbers are small where a law
counts things out, and amounts are large where only arithmetic is asked.
"""

import string
from datetime import date, timedelta
from fractions import Fraction
from math import lcm

from hypothesis import strategies as st

from channelplans.calendar import Days, Months, Term
from channelplans.money import EUR, JPY, PLN, Currency, Money, Rounding
from channelplans.plans import Offer, Plan
from channelplans.rules import (
    BundleRule,
    CallRule,
    ChangeRule,
    Notice,
    QuantityRule,
    RefundBasis,
    RefundRule,
    Step,
    TermRule,
)

#: Where a date plus some terms still fits the calendar.
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2400, 1, 1)


def attempt(error, call, /, *arguments, **named):
    """Return what a call returns, or the error of this kind that it raises."""
    try:
        return call(*arguments, **named)
    except error as raised:
        return raised


def names():
    """One line of text, with what HTML and Python would stumble over."""
    any_name = st.text("ab<>&'\"{} ż", min_size=1, max_size=6).map(str.strip).filter(bool)
    return st.sampled_from(["Trunks", "<script>alert('1')</script>"]) | any_name


def roundings():
    """Every rounding."""
    return st.sampled_from(Rounding)


def currencies():
    """Known currencies, and any code in any unit."""
    codes = st.text(string.ascii_uppercase, min_size=3, max_size=3)
    return st.sampled_from([EUR, PLN, JPY]) | st.builds(Currency, codes, st.integers(0, 12))


def money(currency=None, *, least=-(10**15), most=10**15):
    """Amounts of one currency, or of any; ``least`` and ``most`` are in units."""
    of = currencies() if currency is None else st.just(currency)
    return st.builds(Money, st.integers(least, most), of)


def shares():
    """Exact parts from nothing to all."""
    return st.fractions(0, 1, max_denominator=400) | st.sampled_from([Fraction(0), Fraction(1)])


def days():
    """Civil days, the ends of months among them more often than chance has it."""
    any_day = st.dates(FIRST_DAY, LAST_DAY)
    return any_day | any_day.map(lambda day: day.replace(day=1) - timedelta(days=1))


def lengths():
    """Lengths of a term: days and months."""
    return st.builds(Days, st.integers(1, 400)) | st.builds(Months, st.integers(1, 36))


def terms():
    """Terms of up to two years."""
    return st.builds(
        lambda start, count: Term(start, start + timedelta(days=count)), days(), st.integers(1, 730)
    )


@st.composite
def quantity_rules(draw, *, steps=2, stretch=6):
    """Legal rules of up to so many steps.

    A step begins at a common multiple of its own multiple and the one before, or just below it, and
    so never sells less for more; the maximum is sold as itself, or rounded down to what is.
    """
    rounding = draw(roundings())
    previous, above, made = 1, 0, []
    for multiple in draw(st.lists(st.integers(2, 12), max_size=steps)):
        unit = lcm(previous, multiple)
        above = unit * draw(st.integers(above // unit + 1, above // unit + 3))
        made.append(Step(above - draw(st.integers(0, 1)), multiple))
        previous = multiple
    maximum = above + previous * draw(st.integers(1, stretch))
    sold = range(above + previous, maximum + 1, previous)
    singly = st.integers(1, made[0].above if made else maximum)
    minimum = draw(singly | st.sampled_from(sold))
    if rounding is Rounding.DOWN:
        maximum += draw(st.integers(0, previous - 1))
    return QuantityRule(minimum, maximum, tuple(made), rounding)


@st.composite
def rules_of_two_sizes(draw, *, most=40):
    """Legal rules that sell two numbers, far apart or near."""
    low, high = sorted(draw(st.sets(st.integers(1, most), min_size=2, max_size=2)))
    return QuantityRule(low, high, (Step(low, high),), Rounding.UP)


def rule_arguments(*, most=24):
    """Arguments of small quantity rules, legal or not, whose bounds and steps are in order."""

    @st.composite
    def arguments(draw):
        maximum = draw(st.integers(2, most))
        minimum = draw(st.integers(1, maximum))
        above = sorted(draw(st.sets(st.integers(0, maximum - 1), max_size=3)))
        steps = tuple(Step(each, draw(st.integers(1, 9))) for each in above)
        return minimum, maximum, steps, draw(roundings())

    return arguments()


def countries():
    """Codes of two letters."""
    return st.text(string.ascii_uppercase, min_size=2, max_size=2)


def bundle_rules():
    """Bundles of minutes, with and without each bound."""
    prefixes = st.text(string.digits, min_size=1, max_size=7)
    return st.builds(
        BundleRule,
        name=names(),
        minutes=st.integers(1, 20_000),
        area=st.lists(countries(), min_size=1, max_size=3, unique=True).map(tuple),
        per_channel=st.none() | st.integers(1, 3),
        longest_call=st.none() | st.timedeltas(timedelta(seconds=1), timedelta(days=1)),
        excluded_prefixes=st.lists(prefixes, max_size=3).map(tuple),
        calling_code=st.text(string.digits, min_size=1, max_size=3),
    )


def change_rules():
    """How soon a change may follow a change."""
    return st.builds(ChangeRule, st.none() | lengths())


@st.composite
def refund_rules(draw):
    """What comes back, by every basis and rounding; exact time counts the day by itself."""
    by_clock = [RefundBasis.TIME, RefundBasis.EXACT_TIME, RefundBasis.NOTHING]
    channels, bundles = draw(st.sampled_from(by_clock)), draw(st.sampled_from(RefundBasis))
    exact = RefundBasis.EXACT_TIME in {channels, bundles}
    return RefundRule(channels, bundles, not exact and draw(st.booleans()), draw(roundings()))


def call_rules():
    """How calls are counted, in whole seconds."""
    seconds = st.integers(0, 120).map(lambda count: timedelta(seconds=count))
    return st.builds(CallRule, seconds, seconds.filter(bool))


def offers():
    """Offers of any rules, with and without bundles."""
    return st.builds(
        Offer,
        name=names(),
        edition=names(),
        source=names(),
        quantity=quantity_rules(),
        bundles=st.none() | bundle_rules(),
        term=st.builds(TermRule, lengths()),
        change=change_rules(),
        refund=refund_rules(),
        calls=call_rules(),
        notices=st.lists(st.builds(Notice, names(), names(), names()), max_size=2).map(tuple),
    )


@st.composite
def requests(draw, offer, *, bundles=50):
    """Numbers of channels and bundles that the offer sells, as a request for them."""
    channels = draw(st.integers(offer.quantity.minimum, offer.quantity.maximum))
    if offer.bundles is None:
        return {"channels": channels, "bundles": 0}
    most = offer.bundles.most(offer.plan(channels=channels).channels)
    wanted = draw(st.integers(0, min(bundles, most)))
    return {"channels": channels, "bundles": wanted}


@st.composite
def plans(draw, offer=None):
    """Legal plans, of an offer or of any, as they are sold."""
    of = draw(offers()) if offer is None else offer
    plan = of.plan(**draw(requests(of)))
    return draw(st.sampled_from([plan, Plan(of, plan.channels, plan.bundles)]))

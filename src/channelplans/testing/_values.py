"""Strategies for the values that come before any action: rules, prices, calls, money.

What is public here is imported from ``channelplans.testing.strategies``. No action is known here.
"""

import string
from collections.abc import Mapping
from datetime import date, timedelta
from math import lcm
from types import MappingProxyType
from typing import Final

import attrs
from hypothesis import strategies as st

from channelplans.calendar import Days, Months, Term
from channelplans.catalogue import Catalogue, Edition, Existing
from channelplans.identifiers import AccountId, ProfileId
from channelplans.ladders import Ladder, Tier
from channelplans.ledger import Posting, Purse, Reason
from channelplans.money import EUR, GBP, JPY, PLN, USD, Currency, Money, Rounding
from channelplans.plans import Offer, Plan
from channelplans.pricing import Quote, Refund, Tariff, quote, refund
from channelplans.rules import (
    BundleRule,
    CallRule,
    ChangeRule,
    Effect,
    Notice,
    QuantityRule,
    RefundBasis,
    RefundRule,
    Rollover,
    ShortageRule,
    Step,
    TermRule,
)
from channelplans.testing.builders import OFFERS
from channelplans.usage import Allowance, Call

#: Where a day plus some terms still fits the calendar.
FIRST_DAY: Final = date(1970, 1, 1)
LAST_DAY: Final = date(2400, 1, 1)

_DAY: Final = timedelta(days=1)
_NOTHING: Final = timedelta(0)


def names(*, characters: int = 6) -> st.SearchStrategy[str]:
    """Text for a name or an identifier: one line, with what HTML and Python would stumble over."""
    text = st.text("ab<>&'\"{} ż", min_size=1, max_size=characters)
    return text.map(str.strip).filter(bool)


def countries() -> st.SearchStrategy[str]:
    """Codes of two letters."""
    return st.text(string.ascii_uppercase, min_size=2, max_size=2)


def roundings() -> st.SearchStrategy[Rounding]:
    """Every rounding."""
    return st.sampled_from(Rounding)


def currencies(*, decimals: int = 12) -> st.SearchStrategy[Currency]:
    """Currencies of at most ``decimals``: the known ones, and any code in any unit."""
    codes = st.text(string.ascii_uppercase, min_size=3, max_size=3)
    known = [each for each in (EUR, USD, GBP, PLN, JPY) if each.exponent <= decimals]
    return st.sampled_from(known) | st.builds(Currency, codes, st.integers(0, decimals))


@st.composite
def money(
    draw: st.DrawFn,
    currency: Currency | None = None,
    *,
    least: int = -(10**15),
    most: int = 10**15,
) -> Money:
    """Amounts of one currency, or of any; ``least`` and ``most`` count its units.

    >>> from hypothesis import find
    >>> print(find(money(EUR, least=0), lambda amount: amount >= Money.of("6.95", EUR)))
    6.95 EUR
    """
    return Money(draw(st.integers(least, most)), currency or draw(currencies()))


@st.composite
def days(draw: st.DrawFn, *, first: date = FIRST_DAY, last: date = LAST_DAY) -> date:
    """Civil days, the last days of months among them more often than chance has it."""
    day = draw(st.dates(first, last))
    return max(first, day.replace(day=1) - _DAY) if draw(st.booleans()) else day


def lengths(*, days: int = 400, months: int = 36) -> st.SearchStrategy[Days | Months]:
    """Lengths of a term: from 1 day or month to ``days`` or ``months``."""
    return st.builds(Days, st.integers(1, days)) | st.builds(Months, st.integers(1, months))


@st.composite
def terms(draw: st.DrawFn, *, longest: int = 730) -> Term:
    """Terms of 1 day to ``longest`` days, from any day on."""
    start = draw(days())
    return Term(start, start + draw(st.integers(1, longest)) * _DAY)


@st.composite
def quantity_rules(draw: st.DrawFn, *, steps: int = 2, stretch: int = 6) -> QuantityRule:
    """Rules of at most ``steps``, which sell at most ``stretch`` numbers above the last of them.

    By default they sell at most 500 channels. A step begins at a common multiple of its own
    multiple and the one before, or just below it, and so never sells less for more; the maximum is
    sold as itself, or rounded down to what is.
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


def rollovers(*, terms: int = 5, cap: int = 20_000) -> st.SearchStrategy[Rollover]:
    """Unused minutes that last for 1 to ``terms`` or for good, all or at most ``cap`` of them."""
    lasting = st.none() | st.integers(1, terms)
    return st.builds(Rollover, lasting, st.none() | st.integers(1, cap))


def bundle_rules(
    *, minutes: int = 20_000, per_channel: int = 3, terms: int = 5
) -> st.SearchStrategy[BundleRule]:
    """Bundles of 1 to ``minutes``, at most ``per_channel`` of them or without such a bound.

    Some come beside minutes of the channels' own, and some are carried on, for at most ``terms``.
    """
    return _minutes(
        st.integers(1, minutes),
        st.none() | st.integers(1, per_channel),
        st.integers(0, minutes),
        st.none() | rollovers(terms=terms, cap=minutes),
    )


def included_minutes(*, minutes: int = 20_000, terms: int = 5) -> st.SearchStrategy[BundleRule]:
    """From 1 to ``minutes`` that come with each channel, where no bundles are sold."""
    carried = st.none() | rollovers(terms=terms, cap=minutes)
    return _minutes(st.just(0), st.just(0), st.integers(1, minutes), carried)


@st.composite
def term_rules(draw: st.DrawFn, *, days: int = 400, months: int = 36) -> TermRule:
    """Terms of at most ``days`` or ``months``, aligned or not; held for three of them at most."""
    length = draw(lengths(days=days, months=months))
    aligned = isinstance(length, Months) and draw(st.booleans())
    holding = draw(st.none() | _up_to(length, times=3))
    return TermRule(length, aligned, holding)


def change_rules(*, days: int = 400, months: int = 36) -> st.SearchStrategy[ChangeRule]:
    """Changes of every effect, with a cool-down of at most ``days`` or ``months``, or none."""
    cooldowns = st.none() | lengths(days=days, months=months)
    fewer = st.sampled_from([effect for effect in Effect if effect is not Effect.FULL])
    return st.builds(ChangeRule, cooldowns, st.sampled_from(Effect), fewer)


@st.composite
def refund_rules(draw: st.DrawFn) -> RefundRule:
    """What comes back, by every basis and rounding; exact time counts the day by itself."""
    by_clock = [RefundBasis.TIME, RefundBasis.EXACT_TIME, RefundBasis.NOTHING]
    channels, bundles = draw(st.sampled_from(by_clock)), draw(st.sampled_from(RefundBasis))
    exact = RefundBasis.EXACT_TIME in {channels, bundles}
    return RefundRule(channels, bundles, not exact and draw(st.booleans()), draw(roundings()))


def call_rules(*, longest: timedelta = timedelta(minutes=2)) -> st.SearchStrategy[CallRule]:
    """Calls counted in steps of 1 microsecond to ``longest``; as long is the least length."""
    steps = st.timedeltas(timedelta.resolution, longest)
    return st.builds(CallRule, st.timedeltas(_NOTHING, longest), steps, roundings())


def shortage_rules(*, days: int = 90) -> st.SearchStrategy[ShortageRule]:
    """What happens without credit, with a grace of at most ``days``, or none."""
    graces = st.none() | st.builds(Days, st.integers(1, days))
    return st.builds(ShortageRule, st.booleans(), graces)


def notices() -> st.SearchStrategy[Notice]:
    """Notices of any text."""
    return st.builds(Notice, names(), names(), names())


def offers() -> st.SearchStrategy[Offer]:
    """Offers of any rules that are drawn here, with and without bundles."""
    return st.builds(
        Offer,
        names(),
        names(),
        names(),
        quantity_rules(),
        st.none() | bundle_rules() | included_minutes(),
        term_rules(),
        change_rules(),
        refund_rules(),
        call_rules(),
        st.lists(notices(), max_size=2).map(tuple),
        shortage_rules(),
    )


def shipped_offers() -> st.SearchStrategy[Offer]:
    """The offers that the package ships."""
    return st.sampled_from(OFFERS)


@st.composite
def plans(
    draw: st.DrawFn, offer: Offer | None = None, *, channels: int = 1000, bundles: int = 50
) -> Plan:
    """Plans of an offer or of any, of at most ``channels`` and ``bundles``, asked for or as sold.

    Where the offer sells no plan as small as that, its smallest is drawn.

    >>> from hypothesis import find
    >>> from channelplans.offers import SKYPE_CONNECT
    >>> rounded = find(plans(SKYPE_CONNECT), lambda plan: plan.channels < (plan.requested or 0))
    >>> rounded.requested, rounded.channels
    (101, 100)
    """
    of = offer or draw(shipped_offers() | offers())
    rule = of.quantity
    most = min(rule.maximum, max(rule.minimum, channels))
    plan = of.plan(channels=draw(st.integers(rule.minimum, most)))
    most = of.bundles.most(plan.channels) if of.bundles else 0
    requested = draw(st.sampled_from([plan.requested, None]))
    return Plan(of, plan.channels, draw(st.integers(0, min(most, bundles))), requested)


@st.composite
def ladders(
    draw: st.DrawFn, *, tiers: int = 4, quantity: int = 1000, price: int = 1000, decimals: int = 2
) -> Ladder:
    """Prices by quantity, by volume and graduated, of 1 to ``tiers``.

    The last of them begins at ``quantity`` at most; no price is above ``price``, or has more than
    so many ``decimals``.
    """
    ends = sorted(draw(st.sets(st.integers(1, quantity), max_size=tiers - 1)))
    prices = st.decimals(0, price, places=decimals)
    made = (
        Tier(end, draw(prices), draw(prices), draw(st.integers(1, 20))) for end in (*ends, None)
    )
    return Ladder(tuple(made), draw(st.booleans()))


@st.composite
def tariffs(draw: st.DrawFn, currency: Currency | None = None, *, price: int = 1000) -> Tariff:
    """Tariffs of every part that there is, in one currency or in any; none is above ``price``.

    Each has a rate for calls to Germany, Poland and the United States, and some have others.
    """
    of = currency or draw(currencies())
    prices = st.decimals(0, price, places=of.exponent)
    minutes = st.decimals(0, price, places=5)
    elsewhere = draw(st.dictionaries(countries(), minutes, max_size=3))
    return Tariff(
        draw(names()),
        of,
        draw(prices | ladders(price=price)),
        draw(prices | ladders(price=price)),
        draw(minutes),
        {**elsewhere, **{country: draw(minutes) for country in ("DE", "PL", "US")}},
        draw(prices),
        draw(prices),
    )


@st.composite
def quotes(draw: st.DrawFn, offer: Offer | None = None, tariff: Tariff | None = None) -> Quote:
    """Quotes of a purchase on any day, with set-up fees where the tariff has some."""
    return quote(draw(plans(offer)), tariff or draw(tariffs()), on=draw(days()))


def parts_of_a_day() -> st.SearchStrategy[timedelta]:
    """How much of a day has passed."""
    return st.timedeltas(_NOTHING, _DAY - timedelta.resolution)


@st.composite
def refunds(draw: st.DrawFn, paid: Quote | None = None) -> Refund:
    """What comes back of a quote by any rule, on any day and time of its term, any minutes left."""
    of = paid or draw(quotes())
    granted = of.allowance.granted
    return refund(
        of,
        on=of.term.start + draw(st.integers(0, of.term.days - 1)) * _DAY,
        allowance=Allowance(granted, draw(st.timedeltas(_NOTHING, granted))),
        rule=draw(refund_rules()),
        passed=draw(parts_of_a_day()),
    )


@st.composite
def calls(
    draw: st.DrawFn,
    offer: Offer | None = None,
    tariff: Tariff | None = None,
    *,
    on: date | None = None,
    longest: timedelta = timedelta(hours=3),
) -> Call:
    """Calls that last for ``longest`` at most, on a day or on any.

    With an offer or a tariff they go to where these have a price, and to the offer's excluded
    prefixes too.
    """
    rule = offer.bundles if offer else None
    priced = [*(rule.area if rule else ()), *(tariff.rates if tariff else ())]
    number = draw(st.text(string.digits, min_size=3, max_size=9))
    if rule is not None:
        prefix = draw(st.sampled_from(["", *rule.excluded_prefixes]))
        number = f"{rule.calling_code}{prefix}{number}"
    return Call(
        draw(names()),
        f"{draw(st.sampled_from(['+', '00', '']))}{number}",
        draw(st.sampled_from(priced) if priced else countries()),
        on or draw(days()),
        draw(st.timedeltas(_NOTHING, longest)),
    )


@st.composite
def allowances(
    draw: st.DrawFn, *, most: timedelta = timedelta(minutes=20_000), carried: int = 2
) -> Allowance:
    """Allowances of at most ``most``, used in part, with what at most ``carried`` terms left."""
    granted, left = draw(st.timedeltas(_NOTHING, most)), st.timedeltas(_NOTHING, most)
    used = draw(st.timedeltas(_NOTHING, granted) | st.sampled_from([_NOTHING, granted]))
    return Allowance(granted, used, tuple(draw(st.lists(left, max_size=carried))))


def purses(account: str | None = None) -> st.SearchStrategy[Purse]:
    """Purses of one account or of any, its own and its profiles'."""
    owners = names() if account is None else st.just(account)
    return st.builds(Purse, owners.map(AccountId), st.none() | names().map(ProfileId))


@st.composite
def postings(
    draw: st.DrawFn,
    purse: Purse | None = None,
    currency: Currency | None = None,
    *,
    most: int = 10**9,
) -> Posting:
    """Postings of 1 to ``most`` units, on one purse or on any, with the sign of the reason."""
    reason = draw(st.sampled_from(Reason))
    amount = draw(money(currency, least=1, most=most)) * draw(st.sampled_from(_SIGNS[reason]))
    term, reference = draw(st.none() | terms()), draw(st.none() | names())
    return Posting(purse or draw(purses()), amount, reason, draw(days()), term, reference)


@st.composite
def catalogues(
    draw: st.DrawFn,
    offer: Offer | None = None,
    currency: Currency | None = None,
    *,
    editions: int = 2,
) -> Catalogue:
    """Catalogues of 1 to ``editions``, each with a tariff, and an offer, of its own."""
    starts = sorted(draw(st.sets(days(), min_size=1, max_size=editions)))
    of = currency or draw(currencies())
    made = []
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], None], strict=True)):
        sold = offer or attrs.evolve(draw(offers()), edition=f"edition {number}")
        tariff = attrs.evolve(draw(tariffs(of)), name=f"tariff {number}")
        existing = draw(st.sampled_from(Existing) | st.dates(start, date(2500, 1, 1)))
        made.append(Edition(sold, tariff, start, end, existing))
    return Catalogue(tuple(made))


def _up_to(length: Days | Months, *, times: int) -> st.SearchStrategy[Days | Months]:
    counts = st.integers(1, times * length.count)
    return counts.map(lambda count: attrs.evolve(length, count=count))


def _minutes(
    minutes: st.SearchStrategy[int],
    per_channel: st.SearchStrategy[int | None],
    included: st.SearchStrategy[int],
    carried: st.SearchStrategy[Rollover | None],
) -> st.SearchStrategy[BundleRule]:
    prefixes = st.text(string.digits, min_size=1, max_size=7)
    return st.builds(
        BundleRule,
        names(),
        minutes,
        st.lists(countries(), min_size=1, max_size=3, unique=True).map(tuple),
        per_channel,
        st.none() | st.timedeltas(timedelta(seconds=1), _DAY),
        st.lists(prefixes, max_size=3).map(tuple),
        st.text(string.digits, min_size=1, max_size=3),
        included,
        carried,
    )


_SIGNS: Final[Mapping[Reason, tuple[int, ...]]] = MappingProxyType(
    {
        Reason.DEPOSIT: (1,),
        Reason.BONUS: (1,),
        Reason.TRANSFER: (1, -1),
        Reason.SUBSCRIPTION: (-1,),
        Reason.RENEWAL: (-1,),
        Reason.REFUND: (1,),
        Reason.OVERAGE: (-1,),
        Reason.CALL: (-1,),
        Reason.EXPIRY: (-1,),
    }
)

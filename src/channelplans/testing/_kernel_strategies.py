"""Strategies for rules, prices, calls and money: the values that exist before any action.

Import these functions from ``channelplans.testing.strategies``.
"""

# ruff: noqa: D417 - Hypothesis passes `draw`, so it is not an argument of the caller.

import string
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from math import lcm
from types import MappingProxyType
from typing import Final

import attrs
from hypothesis import strategies as st

from channelplans.allowances import Allowance
from channelplans.calendar import Days, Months, Term
from channelplans.calls import Call
from channelplans.money import EUR, GBP, JPY, PLN, USD, Currency, Money, Rounding
from channelplans.offers import OFFERS
from channelplans.plans import Offer, Plan
from channelplans.pricing import Quote, Refund, quote, refund
from channelplans.quantities import QuantityRule, Step
from channelplans.rules import (
    BundleRule,
    CallRule,
    ChangeEffect,
    ChangeRule,
    NonPaymentRule,
    Notice,
    RefundBasis,
    RefundRule,
    Rollover,
    TermRule,
)
from channelplans.subscriptions.catalogue import Catalogue, Edition, Migration
from channelplans.subscriptions.wallets import Posting, Reason, Wallet
from channelplans.tariffs import Ladder, LadderMode, Rate, Tariff, Tier
from channelplans.testing._made_once import (
    dates,
    dictionaries,
    lists,
    made_once,
    one_of,
    optional,
    timedeltas,
)

#: The first and the last day that are drawn. A few terms after the last still fit the calendar.
FIRST_DAY: Final = date(1970, 1, 1)
LAST_DAY: Final = date(2400, 1, 1)

_DAY: Final = timedelta(days=1)
_NOTHING: Final = timedelta(0)

_BILLING_DAYS: Final = st.none() | st.sampled_from([1, 31]) | st.integers(1, 31)

# With more decimals, the price of a large plan can have more than 18 digits.
_TARIFF_DECIMALS: Final = 9


@made_once
def names(*, characters: int = 6) -> st.SearchStrategy[str]:
    """Names and identifiers: one line of text, often with characters that HTML must escape.

    Args:
        characters: the largest number of characters.
    """
    text = st.text("ab<>&'\"{} ż", min_size=1, max_size=characters)
    return text.map(str.strip).filter(bool)


@made_once
def countries() -> st.SearchStrategy[str]:
    """Country codes of two letters; most of them do not exist."""
    return st.text(string.ascii_uppercase, min_size=2, max_size=2)


@made_once
def roundings() -> st.SearchStrategy[Rounding]:
    """Every ``Rounding``."""
    return st.sampled_from(Rounding)


@made_once
def currencies(*, decimals: int = 12) -> st.SearchStrategy[Currency]:
    """Currencies: well-known ones and any three letters.

    Args:
        decimals: the largest number of decimal places.
    """
    codes = st.text(string.ascii_uppercase, min_size=3, max_size=3)
    known = [currency for currency in (EUR, USD, GBP, PLN, JPY) if currency.exponent <= decimals]
    return st.sampled_from(known) | st.builds(Currency, codes, st.integers(0, decimals))


@made_once
@st.composite
def money(
    draw: st.DrawFn,
    currency: Currency | None = None,
    *,
    least: int = -(10**15),
    most: int = 10**15,
) -> Money:
    """Amounts of the currency or of any.

    Args:
        currency: the currency; None generates one.
        least: the smallest amount, in smallest units, such as cents.
        most: the largest amount, in smallest units.

    >>> from hypothesis import find
    >>> from channelplans import EUR, Money
    >>> from channelplans.testing.strategies import money
    >>> price = Money.of("6.95", EUR)
    >>> print(find(money(EUR, least=0), lambda amount: amount >= price))
    6.95 EUR
    """
    minor = draw(st.integers(least, most))
    return Money(minor=minor, currency=currency or draw(currencies()))


@made_once
@st.composite
def days(draw: st.DrawFn, *, first: date = FIRST_DAY, last: date = LAST_DAY) -> date:
    """Days; many of them are the last day of a month.

    Args:
        first: the first possible day.
        last: the last possible day.
    """
    day = draw(dates(first, last))
    return max(first, day.replace(day=1) - _DAY) if draw(st.booleans()) else day


@made_once
def lengths(*, days: int = 400, months: int = 36) -> st.SearchStrategy[Days | Months]:
    """Lengths of a term in days or in months, from 1 on.

    Args:
        days: the largest number of days.
        months: the largest number of months.
    """
    return st.builds(Days, st.integers(1, days)) | st.builds(Months, st.integers(1, months))


@made_once
@st.composite
def terms(draw: st.DrawFn, *, longest: int = 730) -> Term:
    """Terms of at least one day that start on any day.

    Args:
        longest: the largest number of days.
    """
    start = draw(days())
    return Term(start, start + draw(st.integers(1, longest)) * _DAY)


@made_once
@st.composite
def quantity_rules(draw: st.DrawFn, *, steps: int = 2, stretch: int = 6) -> QuantityRule:
    """Rules with and without steps.

    By default the maximum is at most 500 channels.

    Args:
        steps: the largest number of steps.
        stretch: the largest number of granted numbers above the last step, which has at least one.
    """
    rounding = draw(roundings())
    previous, above, rule_steps = 1, 0, []
    for multiple in draw(lists(st.integers(2, 12), max_size=steps)):
        # A step starts at a common multiple of both steps, or 1 below it. So a larger request is
        # never granted fewer channels.
        common = lcm(previous, multiple)
        above = common * draw(st.integers(above // common + 1, above // common + 3))
        rule_steps.append(Step(above - draw(st.integers(0, 1)), multiple))
        previous = multiple
    maximum = above + previous * draw(st.integers(1, stretch))
    granted = range(above + previous, maximum + 1, previous)
    below_steps = st.integers(1, rule_steps[0].above if rule_steps else maximum)
    minimum = draw(st.sampled_from(granted) if draw(st.booleans()) else below_steps)
    if rounding is Rounding.DOWN:
        maximum += draw(st.integers(0, previous - 1))
    return QuantityRule(minimum, maximum, tuple(rule_steps), rounding)


@made_once
def rollovers(*, terms: int = 5, cap: int = 20_000) -> st.SearchStrategy[Rollover]:
    """Rollovers for some terms or without end, with a cap or without.

    Args:
        terms: the largest number of terms.
        cap: the largest cap, in minutes.
    """
    return st.builds(Rollover, st.none() | st.integers(1, terms), st.none() | st.integers(1, cap))


@made_once
def bundle_rules(
    *, minutes: int = 20_000, per_channel: int = 3, terms: int = 5
) -> st.SearchStrategy[BundleRule]:
    """Rules for bundles that are sold, with and without a limit for each channel.

    Some rules include minutes with each channel. In some, unused minutes roll over.

    Args:
        minutes: the largest number of minutes in a bundle or with a channel.
        per_channel: the largest limit of bundles for each channel.
        terms: the largest number of terms for which minutes roll over; some roll over without end.
    """
    return _bundle_rules(
        minutes=st.integers(1, minutes),
        per_channel=st.none() | st.integers(1, per_channel),
        included=st.integers(0, minutes),
        rollover=st.none() | rollovers(terms=terms, cap=minutes),
    )


@made_once
def included_minutes(*, minutes: int = 20_000, terms: int = 5) -> st.SearchStrategy[BundleRule]:
    """Rules that include minutes with each channel and sell no bundles.

    Args:
        minutes: the largest number of minutes with a channel; the smallest is 1.
        terms: the largest number of terms for which minutes roll over; some roll over without end.
    """
    rollover = st.none() | rollovers(terms=terms, cap=minutes)
    return _bundle_rules(
        minutes=st.just(0),
        per_channel=st.just(0),
        included=st.integers(1, minutes),
        rollover=rollover,
    )


@made_once
@st.composite
def term_rules(draw: st.DrawFn, *, days: int = 400, months: int = 36) -> TermRule:
    """Terms of any length, some with a billing day.

    Some have a minimum term, of at most three terms.

    Args:
        days: the largest number of days of a term.
        months: the largest number of months of a term.
    """
    length = draw(lengths(days=days, months=months))
    billing_day = draw(_BILLING_DAYS) if isinstance(length, Months) else None
    if not draw(st.booleans()):
        return TermRule(length, billing_day)
    minimum_term = attrs.evolve(length, count=draw(st.integers(1, 3 * length.count)))
    return TermRule(length, billing_day, minimum_term)


@made_once
@st.composite
def change_rules(draw: st.DrawFn, *, days: int = 400, months: int = 36) -> ChangeRule:
    """Rules with every effect, with a cooldown or without.

    Args:
        days: the largest number of days of a cooldown.
        months: the largest number of months of a cooldown.
    """
    cooldown = draw(optional(lengths(days=days, months=months)))
    more = draw(st.sampled_from(ChangeEffect))
    effects_of_fewer = set(ChangeEffect) - {ChangeEffect.CHARGE_FULL}
    if more is ChangeEffect.CHARGE_FULL:
        effects_of_fewer -= {ChangeEffect.RESTART, ChangeEffect.PRORATE}
    fewer = draw(st.sampled_from(sorted(effects_of_fewer, key=lambda effect: effect.value)))
    return ChangeRule(cooldown, more, fewer)


@made_once
@st.composite
def refund_rules(draw: st.DrawFn, *, channels_by_minutes: bool = True) -> RefundRule:
    """Refund rules with every basis and rounding.

    Args:
        channels_by_minutes: whether channels may be refunded by minutes.
    """
    by_time = [RefundBasis.TIME, RefundBasis.NOTHING]
    channels = draw(st.sampled_from([*RefundBasis] if channels_by_minutes else by_time))
    bundles = draw(st.sampled_from(RefundBasis))
    return RefundRule(channels, bundles, draw(st.booleans()), draw(roundings()))


@made_once
def call_rules(
    *, longest: timedelta = timedelta(minutes=2), barred: int = 2
) -> st.SearchStrategy[CallRule]:
    """Call rules with a step of 1 microsecond or more, and with a minimum or none.

    Some rules bar numbers, each of two digits, so that most calls are not barred.

    Args:
        longest: the longest step and minimum.
        barred: the largest number of barred numbers.
    """
    return st.builds(
        CallRule,
        st.timedeltas(_NOTHING, longest),
        st.timedeltas(timedelta.resolution, longest),
        roundings(),
        st.lists(_digits(2, 2), max_size=barred, unique=True).map(tuple),
    )


@made_once
def non_payment_rules(*, days: int = 90) -> st.SearchStrategy[NonPaymentRule]:
    """Non-payment rules with a grace period or without.

    Args:
        days: the largest number of days of a grace period.
    """
    graces = st.none() | st.builds(Days, st.integers(1, days))
    return st.builds(NonPaymentRule, st.booleans(), graces)


@made_once
def notices() -> st.SearchStrategy[Notice]:
    """Notices with any text."""
    return st.builds(Notice, names(), names(), names())


@made_once
@st.composite
def offers(draw: st.DrawFn) -> Offer:
    """Offers with any rules, with and without bundles."""
    bundle = draw(optional(one_of(bundle_rules(), included_minutes())))
    includes_minutes = bundle is not None and bundle.included > 0
    return Offer(
        name=draw(names()),
        edition=draw(names()),
        source=draw(names()),
        quantity=draw(quantity_rules()),
        bundle=bundle,
        term=draw(term_rules()),
        change=draw(change_rules()),
        refund=draw(refund_rules(channels_by_minutes=includes_minutes)),
        calls=draw(call_rules()),
        notices=tuple(draw(lists(notices(), max_size=2))),
        non_payment=draw(non_payment_rules()),
    )


@made_once
def shipped_offers() -> st.SearchStrategy[Offer]:
    """The offers in ``channelplans.offers.OFFERS``."""
    return st.sampled_from(tuple(OFFERS.values()))


@made_once
def any_offers() -> st.SearchStrategy[Offer]:
    """The offers in ``channelplans.offers.OFFERS``, and offers with any rules."""
    return shipped_offers() | offers()


@made_once
@st.composite
def plans(
    draw: st.DrawFn, offer: Offer | None = None, *, channels: int = 1000, bundles: int = 50
) -> Plan:
    """Plans of the offer, or of any.

    If the offer's minimum is more than ``channels``, plans have the minimum.

    Args:
        offer: the offer; None generates one.
        channels: the largest number of channels.
        bundles: the largest number of bundles.

    >>> from hypothesis import find
    >>> from channelplans import SKYPE_CONNECT
    >>> from channelplans.testing.strategies import plans
    >>> drawn = plans(SKYPE_CONNECT)
    >>> rounded = find(drawn, lambda plan: plan.channels < plan.requested)
    >>> rounded.requested, rounded.channels
    (101, 100)
    """
    offer = offer or draw(any_offers())
    rule = offer.quantity
    max_channels = min(rule.maximum, max(rule.minimum, channels))
    plan = offer.plan(channels=draw(st.integers(rule.minimum, max_channels)))
    max_bundles = min(bundles, offer.bundle.most(plan.channels)) if offer.bundle else 0
    return plan.replace(bundles=draw(st.integers(0, max_bundles)))


@made_once
@st.composite
def ladders(
    draw: st.DrawFn, *, tiers: int = 4, quantity: int = 1000, price: int = 1000, decimals: int = 2
) -> Ladder:
    """Ladders of both modes with one tier or more.

    Args:
        tiers: the largest number of tiers.
        quantity: the largest quantity after which the last tier begins.
        price: the largest price, in whole units of the currency; the smallest is 0.
        decimals: the largest number of decimal places of a price.
    """
    ends = sorted(draw(st.sets(st.integers(1, quantity), max_size=tiers - 1)))
    prices = st.decimals(0, price, places=decimals)
    ladder_tiers = (
        Tier(end, draw(prices), draw(prices), draw(st.integers(1, 20))) for end in (*ends, None)
    )
    return Ladder(tuple(ladder_tiers), draw(st.sampled_from(LadderMode)))


@made_once
def rates(*, price: int = 1000) -> st.SearchStrategy[Rate]:
    """Rates, some with connection fees or a counting rule.

    Args:
        price: the largest price, in whole units of the currency; the smallest is 0.
    """
    prices = st.decimals(0, price, places=5)
    fees = st.just(Decimal(0)) | prices
    return st.builds(Rate, prices, fees, fees, st.none() | call_rules(barred=0))


@made_once
@st.composite
def tariffs(draw: st.DrawFn, currency: Currency | None = None, *, price: int = 1000) -> Tariff:
    """Tariffs in a currency, or in any of at most 9 decimals.

    In a currency of more decimals, a large plan can cost more than the 18 digits of an amount. Each
    tariff has a rate for Germany, Poland and the United States; some have other rates too, by
    country or by the first digits of a number.

    Args:
        currency: the currency; None generates one.
        price: the largest price, in whole units of the currency; the smallest is 0.
    """
    currency = currency or draw(currencies(decimals=_TARIFF_DECIMALS))
    prices = st.decimals(0, price, places=currency.exponent)
    minute_prices = st.decimals(0, price, places=5)
    minute_prices_or_rates = one_of(minute_prices, rates(price=price))
    prices_or_ladders = one_of(prices, ladders(price=price))
    keys = one_of(countries(), _digits(1, 4, first="123456789"))
    return Tariff(
        draw(names()),
        currency,
        channel=draw(prices_or_ladders),
        bundle=draw(prices_or_ladders),
        minute=draw(minute_prices),
        rates={
            **draw(dictionaries(keys, minute_prices_or_rates, max_size=3)),
            **{country: draw(minute_prices_or_rates) for country in ("DE", "PL", "US")},
        },
        setup=draw(prices),
        channel_setup=draw(prices),
    )


@made_once
@st.composite
def quotes(draw: st.DrawFn, offer: Offer | None = None, tariff: Tariff | None = None) -> Quote:
    """Quotes for a purchase on any day.

    Args:
        offer: the offer of the plan; None generates one.
        tariff: the prices; None generates some.
    """
    return quote(draw(plans(offer)), tariff or draw(tariffs()), on=draw(days()))


@made_once
@st.composite
def refunds(draw: st.DrawFn, paid: Quote | None = None) -> Refund:
    """Refunds on any day of the paid term, by any rule and allowance.

    Args:
        paid: the quote that was paid; None generates one.
    """
    paid = paid or draw(quotes())
    granted = paid.allowance.granted
    return refund(
        paid,
        on=paid.term.start + draw(st.integers(0, paid.term.days - 1)) * _DAY,
        allowance=Allowance(granted, draw(st.timedeltas(_NOTHING, granted))),
        rule=draw(refund_rules()),
    )


@made_once
@st.composite
def calls(
    draw: st.DrawFn,
    offer: Offer | None = None,
    tariff: Tariff | None = None,
    *,
    on: date | None = None,
    longest: timedelta = timedelta(hours=3),
) -> Call:
    """Calls of any length, from 0 on.

    With an offer or a tariff, calls go to destinations that it names. With an offer, some calls go
    to an excluded prefix, and some numbers are national; no call is barred. With a tariff, some
    calls go to a number that has its own rate.

    Args:
        offer: the offer whose destinations are called; None calls any.
        tariff: the tariff whose destinations are called; None calls any.
        on: the day of the calls; None generates one.
        longest: the longest call.
    """
    rule = offer.bundle if offer else None
    keys = [*(rule.area if rule else ()), *(tariff.rates if tariff else ())]
    destinations = [key for key in keys if not key.isdigit()]
    prefixes = [key for key in keys if key.isdigit()]
    number = draw(_digits(3, 9))
    international = draw(st.sampled_from(["+", "00"]))
    if rule is not None:
        number = f"{draw(st.sampled_from(['', *rule.excluded_prefixes]))}{number}"
        codes = [f"{international}{rule.calling_code}", rule.trunk_prefix]
        international = draw(st.sampled_from(codes))
    if draw(st.booleans()) and prefixes:
        international = f"+{draw(st.sampled_from(prefixes))}"
    return Call(
        draw(names()),
        f"{international}{number}",
        draw(st.sampled_from(destinations) if destinations else countries()),
        on or draw(days()),
        draw(timedeltas(_NOTHING, longest)),
    )


@made_once
@st.composite
def allowances(
    draw: st.DrawFn, *, most: timedelta = timedelta(minutes=20_000), carried: int = 2
) -> Allowance:
    """Allowances, partly used, some with carried minutes.

    Args:
        most: the most minutes of the term and of each term that is carried.
        carried: the largest number of terms whose minutes are carried.
    """
    durations = timedeltas(_NOTHING, most)
    granted = draw(durations)
    limits = st.sampled_from([_NOTHING, granted])
    used = draw(limits if draw(st.booleans()) else st.timedeltas(_NOTHING, granted))
    return Allowance(granted, used, tuple(draw(lists(durations, max_size=carried))))


@made_once
def wallets(account: str | None = None) -> st.SearchStrategy[Wallet]:
    """Wallets of the account and of its profiles.

    Args:
        account: the account; None generates one.
    """
    accounts = names() if account is None else st.just(account)
    return st.builds(Wallet, accounts, st.none() | names())


@made_once
@st.composite
def postings(
    draw: st.DrawFn,
    wallet: Wallet | None = None,
    currency: Currency | None = None,
    *,
    most: int = 10**9,
) -> Posting:
    """Postings with the sign that fits their reason.

    Args:
        wallet: the wallet; None generates one.
        currency: the currency; None generates one.
        most: the largest amount, in smallest units, such as cents.
    """
    reason = draw(st.sampled_from(Reason))
    amount = draw(money(currency, least=1, most=most)) * draw(st.sampled_from(_SIGNS[reason]))
    term, reference = draw(optional(terms())), draw(optional(names()))
    return Posting(wallet or draw(wallets()), amount, reason, draw(days()), term, reference)


@made_once
@st.composite
def catalogues(
    draw: st.DrawFn,
    offer: Offer | None = None,
    currency: Currency | None = None,
    *,
    editions: int = 2,
) -> Catalogue:
    """Catalogues of one edition or more, each with another tariff.

    Args:
        offer: the offer of all editions; None generates one for each edition.
        currency: the currency of all editions; None generates one.
        editions: the largest number of editions.
    """
    starts = sorted(draw(st.sets(days(), min_size=1, max_size=editions)))
    currency = currency or draw(currencies(decimals=_TARIFF_DECIMALS))
    drawn = []
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], None], strict=True)):
        edition_offer = offer or attrs.evolve(draw(offers()), edition=f"edition {number}")
        tariff = attrs.evolve(draw(tariffs(currency)), name=f"tariff {number}")
        migration = draw(st.sampled_from(Migration) | st.dates(start, date(2500, 1, 1)))
        drawn.append(Edition(edition_offer, tariff, start, end, migration))
    return Catalogue(tuple(drawn))


@made_once
def _digits(min_size: int, max_size: int, *, first: str = string.digits) -> st.SearchStrategy[str]:
    """Text of digits whose first digit is one of ``first``."""
    others = st.text(string.digits, min_size=min_size - 1, max_size=max_size - 1)
    return st.builds("".join, st.tuples(st.sampled_from(first), others))


@made_once
def _bundle_rules(
    *,
    minutes: st.SearchStrategy[int],
    per_channel: st.SearchStrategy[int | None],
    included: st.SearchStrategy[int],
    rollover: st.SearchStrategy[Rollover | None],
) -> st.SearchStrategy[BundleRule]:
    return st.builds(
        BundleRule,
        names(),
        minutes,
        area=st.lists(countries(), min_size=1, max_size=3, unique=True).map(tuple),
        per_channel=per_channel,
        longest_call=st.none() | st.timedeltas(timedelta(seconds=1), _DAY),
        excluded_prefixes=st.lists(_digits(1, 7), max_size=3).map(tuple),
        calling_code=_digits(1, 3, first="123456789"),
        trunk_prefix=st.sampled_from(["", "0", "1"]),
        included=included,
        rollover=rollover,
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
        Reason.CHARGE: (-1,),
        Reason.EXPIRY: (-1,),
    }
)

"""Which offer is cheapest for a need, and why.

For each product, an offer with a tariff, the cheapest legal profiles and bundles are found. All
combinations compete: more channels than needed, several profiles, and any number of bundles.

* A month is 30 days and a year 365, so that terms of different lengths can be compared.
* The minutes are divided among the profiles in proportion to their channels. The destinations of
  the bundle's area share the bundled minutes in proportion to their own minutes.
* Set-up fees are listed apart and are not a part of the cost.
* A minute that no bundle covers has the price of a minute. The number of calls is unknown, so
  connection fees, minimum charges and the rounding of each call are not included. Numbers with
  special prefixes, and minutes carried over from earlier terms, are not included either.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from fractions import Fraction

import attrs

from channelplans._checks import instance, several
from channelplans.errors import (
    CurrencyMismatch,
    InvalidValue,
    NotOffered,
    RuleError,
    TotalNotReachable,
    UnknownRate,
)
from channelplans.explore._cheapest import Search
from channelplans.explore._tasks import make_task
from channelplans.explore.needs import (
    Need,
    Product,
    Usage,
    format_minutes,
    measure,
)
from channelplans.explore.plan_options import Combination, Option, PlanComparison, last_step
from channelplans.plans import Offer, Plan
from channelplans.quantities import grant, profiles_for, split_profiles
from channelplans.tariffs import Item, Tariff

__all__ = ["break_even", "compare_plans"]


def compare_plans(need: Need, products: Sequence[Product]) -> PlanComparison:
    """Return what each product costs for a need, the cheapest first.

    The cheapest combination of a product has at least the needed channels on any number of
    profiles. Totals of up to 10,000 channels are tried. If several combinations have the same cost,
    the lowest set-up fees decide, then the fewest profiles, then the fewest channels. Products with
    the same cost keep their order.

    Args:
        need: the channels and minutes that are needed.
        products: the offers with their tariffs, at least one.

    Raises:
        InvalidValue: there are no products.
        CurrencyMismatch: the products are in different currencies. The error names the product.

    >>> from channelplans import EUR, SKYPE_CONNECT, Tariff
    >>> from channelplans.explore import Need, Product, compare_plans
    >>> light = Tariff("light", EUR, channel="5", minute="0.03")
    >>> bundled = Tariff("bundled", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> products = [Product(SKYPE_CONNECT, light), Product(SKYPE_CONNECT, bundled)]
    >>> comparison = compare_plans(Need(channels=4, minutes={"US": 6000}), products)
    >>> print(comparison.cheapest.best)
    4 channels with 2 bundles: 47.80 EUR for 30 days, 581.57 EUR for a year
    >>> print(comparison.options[1].best)
    4 channels: 200.00 EUR for 30 days, 2433.33 EUR for a year
    """
    instance("need", need, Need)
    items = several("products", products, lambda name, item: instance(name, item, Product))
    if not items:
        raise InvalidValue("products", "none", "at least one product")
    currency = items[0].tariff.currency
    for product in items:
        if product.tariff.currency != currency:
            advice = f"compare products in one currency; {product} is in another"
            raise CurrencyMismatch(str(currency), str(product.tariff.currency), advice)
    options = [_find_option(need, product) for product in items]
    return PlanComparison(need, tuple(sorted(options, key=_rank)))


def _rank(option: Option) -> tuple[bool, Fraction]:
    if option.best is None:
        return True, Fraction(0)
    return False, option.best.units / option.product.term_days


def _find_option(need: Need, product: Product) -> Option:
    try:
        usage = measure(need, product)
        return _Solver(need, product, usage).solve()
    except (InvalidValue, RuleError, UnknownRate) as error:
        return Option(need, product, None, problem=str(error))


class _Solver:
    """The search of one product for one need."""

    def __init__(self, need: Need, product: Product, usage: Usage) -> None:
        self._need, self._product, self._usage = need, product, usage
        self._task = make_task(product, usage)
        self._search = Search(self._task)

    def solve(self) -> Option:
        need, product = self._need, self._product
        best = self._find(self._search, need.needed)
        if best is None:
            return Option(need, product, None, problem=self._find_problem())
        without = Search(attrs.evolve(self._task, bundle_prices=[0], bundle_minutes=0))
        step_from = self._find_step(best)
        return Option(
            need,
            product,
            best,
            self._find(without, need.needed),
            self._find_ways(best),
            step_from,
            None if step_from is None else self._find(self._search, step_from),
        )

    def _find(self, search: Search, needed: int) -> Combination | None:
        """Return the cheapest combination for a number of channels; None if there is none."""
        found = search.find(needed)
        return None if found is None else self._combine(search, found.profiles)

    def _combine(self, search: Search, profiles: Sequence[int]) -> Combination | None:
        """Return the cheapest bundles for some profiles; None if their minutes have no price."""
        total, offer = sum(profiles), self._product.offer
        plans: dict[int, Plan] = {}
        for channels in {*profiles}:
            bundles = search.count_bundles(channels, total)
            if bundles is None:
                return None
            plans[channels] = offer.plan(channels=channels, bundles=bundles)
        combined = tuple(plans[channels] for channels in profiles)
        return Combination(self._need, self._product, combined)

    def _find_problem(self) -> str:
        minutes = format_minutes(self._usage.minutes)
        return (
            f"no bundles or included minutes cover {minutes} minutes in a term, and "
            f"{self._usage.missing}"
        )

    def _find_ways(self, best: Combination) -> tuple[Combination, ...]:
        """Return the usual ways to buy the channels and the cheapest way, by their channels."""
        needed, rule = self._need.needed, self._product.offer.quantity
        ways = {tuple(plan.channels for plan in best.plans): best}
        splits: list[tuple[int, ...]] = []
        if rule.minimum <= needed <= rule.maximum:
            splits.append((grant(needed, rule),))
        splits.append(profiles_for(needed, rule))
        with suppress(TotalNotReachable):
            splits.append(split_profiles(needed, rule))
        for profiles in splits:
            way = self._combine(self._search, profiles)
            if way is not None:
                ways.setdefault(profiles, way)
        return tuple(sorted(ways.values(), key=lambda way: (way.channels, len(way.plans))))

    def _find_step(self, best: Combination) -> int | None:
        """Return the first larger need with another cost; None if there is none.

        The cost never falls with the need, because a combination for more channels serves fewer.
        So doubled distances bracket the step, and halved ones find it.
        """
        lowest, distance = self._need.needed, 1
        while True:
            other = min(lowest + distance, last_step(self._need))
            if other == lowest:
                return None
            if self._costs_more(other, best):
                break
            lowest, distance = other, distance * 2
        while other - lowest > 1:
            middle = (lowest + other) // 2
            if self._costs_more(middle, best):
                other = middle
            else:
                lowest = middle
        return other

    def _costs_more(self, needed: int, best: Combination) -> bool:
        found = self._search.find(needed)
        return found is not None and found.cost + self._usage.other_calls > best.units


def break_even(offer: Offer, tariff: Tariff) -> timedelta:
    """Return the minutes of a term from which on a bundle costs no more than its minutes.

    The result is the price of a bundle divided by the price of a minute, rounded up to a whole
    second. Included minutes do not count. If the destinations of the bundle's area have different
    prices, the lowest counts, so that the bundle pays for itself wherever the calls go.

    Args:
        offer: the rules of the bundle.
        tariff: the price of the bundle and of a minute.

    Raises:
        NotOffered: the offer or the tariff has no bundles, or a bundle never pays for itself.
        UnknownRate: the tariff has no price of a minute for a destination in the area.

    >>> from channelplans import EUR, SKYPE_CONNECT, Tariff
    >>> from channelplans.explore import break_even
    >>> tariff = Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> print(break_even(SKYPE_CONNECT, tariff))  # 10 / 0.021 minutes, of 5,000
    7:56:12
    """
    rule = instance("offer", offer, Offer).bundle
    if rule is None or not rule.minutes:
        raise NotOffered("bundles", offer.full_name, "an offer with bundles works")
    price = instance("tariff", tariff, Tariff).units(Item.BUNDLES, 1)
    rates = (tariff.rate_for(destination, offer).minute for destination in rule.area)
    rate = Fraction(min(rates)) * tariff.currency.units
    if price > rate * rule.minutes:
        works = f"{rule.minutes:,} minutes cost less than a bundle"
        raise NotOffered("bundle that pays for itself", tariff.name, works)
    seconds = -(-60 * price // rate) if rate else 0
    return timedelta(seconds=int(seconds))

"""The task of finding a product's cheapest combination for a need, as plain numbers."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from channelplans.errors import InvalidValue
from channelplans.explore._cheapest import Task
from channelplans.explore.needs import MOST_NEEDED, Product, Usage
from channelplans.quantities import QuantityRule, grant
from channelplans.tariffs import Item, Ladder, LadderMode, Tariff

__all__: tuple[str, ...] = ()

#: The largest number of bundles that is tried.
_MOST_BUNDLES: Final = 20_000


def make_task(product: Product, usage: Usage) -> Task:
    """Return the prices and limits of a product, and the minutes of a term.

    Args:
        product: the rules and the prices.
        usage: the minutes of a term.

    Raises:
        InvalidValue: the product is too large for the search.
    """
    tariff, rule = product.tariff, product.offer.bundle
    sizes = _find_sizes(product.offer.quantity)
    bundle_prices, bundle_minutes = [0], 0
    if rule and rule.minutes and tariff.bundle is not None:
        bundle_minutes = rule.minutes
        full = -(-usage.minutes // rule.minutes)
        needed = max([full, *_find_drops(tariff.bundle)])
        if needed > _MOST_BUNDLES:
            expected = f"a need of at most {_MOST_BUNDLES:,} bundles"
            raise InvalidValue("minutes", f"{needed:,} bundles", expected)
        largest = min(rule.most(sizes[-1]), needed)
        bundle_prices = [tariff.units(Item.BUNDLES, count) for count in range(largest + 1)]
    return Task(
        sizes=sizes,
        channels_price=_Prices(tariff),
        price_drops=_find_sizes_after(_find_drops(tariff.channel), sizes),
        bundle_prices=bundle_prices,
        bundles_per_channel=rule.per_channel if rule else None,
        bundle_minutes=bundle_minutes,
        included=rule.included if rule else 0,
        minutes=usage.minutes,
        rate=None if usage.missing else usage.rate,
        setup=tariff.units(Item.SETUP, 1),
        channel_setup=tariff.units(Item.CHANNEL_SETUP, 1),
    )


class _Prices(dict[int, int]):
    """The price of each number of channels of a profile, computed when it is first asked for."""

    def __init__(self, tariff: Tariff) -> None:
        super().__init__()
        self._tariff = tariff

    def __missing__(self, channels: int) -> int:
        price = self[channels] = self._tariff.units(Item.CHANNELS, channels)
        return price


def _find_sizes(rule: QuantityRule) -> Sequence[int]:
    """Return the numbers of channels that a profile can have, in rising order."""
    if rule.minimum > MOST_NEEDED:
        expected = f"an offer with profiles of at most {MOST_NEEDED:,} channels"
        raise InvalidValue("products", f"an offer with profiles of {rule}", expected)
    requests = range(rule.minimum, min(rule.maximum, MOST_NEEDED) + 1)
    return sorted({grant(request, rule) for request in requests})


def _find_drops(price: object) -> list[int]:
    """Return the quantities that can cost less than one fewer: the first of a later tier."""
    if not isinstance(price, Ladder) or price.mode is LadderMode.GRADUATED:
        return []
    return [tier.up_to + 1 for tier in price.tiers if tier.up_to is not None]


def _find_sizes_after(drops: Sequence[int], sizes: Sequence[int]) -> Sequence[int]:
    """Return for each price drop the first size from there on."""
    found = {bisect_right(sizes, drop - 1) for drop in drops}
    return [sizes[index] for index in sorted(found) if index < len(sizes)]

"""Find the cheapest profiles and bundles for a number of channels and an amount of minutes.

Everything here is a whole number or a fraction: prices in units of a currency, minutes of a term.
This module does not know offers or tariffs.

A combination is a number of profiles, each with channels and bundles. All combinations with at
least the needed channels compete. The minutes are divided among the profiles in proportion to their
channels, so with a given total of channels each channel has the same minutes. Then a profile's cost
depends only on its own channels and bundles, and three facts make the search short:

1. For a profile, only the total of its bundled minutes matters. Let ``full`` be the fewest bundles
   that cover all its minutes. With ``full`` bundles or more, only their price counts, so the
   cheapest such number is best. With b bundles, fewer than ``full``, the cost has two parts. The
   price of all minutes does not depend on b. The price of b bundles, less the price of the minutes
   that they cover, does not depend on the profile. So a table of the smallest such difference up to
   each b, made once, replaces the search through all b.
2. The best profiles for a total are a shortest path: the best split of t channels is a profile of c
   channels and the best split of t - c. A profile that other profiles replace for less, or for the
   same, is not tried again in larger totals, because the replacement works there too.
3. No combination of a total costs less than its lower bound. The bound adds two prices: of
   the cheapest way to buy at least that many channels without regard to minutes, and of the
   minutes if all profiles shared their bundles. Totals are tried in the order of their bounds,
   until a bound is not below the best combination found. Totals above which more channels cover no
   more minutes come last. There the bound never falls, so the first total that is not better ends
   the search.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Final, NamedTuple, TypeAlias

import attrs

__all__: tuple[str, ...] = ()

#: The largest total of channels that is tried.
MOST_CHANNELS: Final = 10_000

# A cost for a term, the set-up fees, the number of profiles and the total of channels: combinations
# are compared in this order, so of equally cheap ones the simplest wins.
_Rank: TypeAlias = tuple[Fraction, int, int, int]


@attrs.frozen
class Task:
    """The prices and limits of a product, and the minutes of a term.

    Attributes:
        sizes: the numbers of channels that a profile can have, in rising order.
        channels_price: the price of each number of channels of a profile. It does not fall with
            more channels, except at ``price_drops``.
        price_drops: the sizes that can cost less than the next smaller size.
        bundle_prices: the price of 0, 1, 2 and more bundles of a profile.
        bundles_per_channel: the number of bundles that each channel allows; None for no limit.
        bundle_minutes: the minutes of a bundle; 0 if no bundles are sold.
        included: the minutes that each channel includes.
        minutes: the minutes that bundles can cover.
        rate: the price of a minute that no bundle covers; None if it is not sold.
        setup: the fee for each profile.
        channel_setup: the fee for each channel.
    """

    sizes: Sequence[int]
    channels_price: Mapping[int, int]
    price_drops: Sequence[int]
    bundle_prices: Sequence[int]
    bundles_per_channel: int | None
    bundle_minutes: int
    included: int
    minutes: Fraction
    rate: Fraction | None
    setup: int
    channel_setup: int

    def most_bundles(self, channels: int) -> int:
        """Return the largest number of bundles of a profile that the table has a price for."""
        limit = len(self.bundle_prices) - 1
        if self.bundles_per_channel is None:
            return limit
        return min(limit, self.bundles_per_channel * channels)

    def minutes_per_channel(self, total: int) -> Fraction:
        """Return the minutes of each channel that are not included."""
        return max(self.minutes / total - self.included, Fraction(0))


class Found(NamedTuple):
    """The cheapest combination: its exact cost for a term, and each profile's channels."""

    cost: Fraction
    profiles: tuple[int, ...]


class Search:
    """A search of one product; it keeps what it has computed for the next question."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._channel_covers = Covers(task.sizes, task.channels_price, task.price_drops)
        self._bounds: dict[int, _Rank | None] = {}
        # These are higher for some totals, but can fall from one total to the next.
        self._higher_bounds: dict[int, _Rank] = {}
        self._found: dict[int, Found | None] = {}
        prices = task.bundle_prices
        self._never_falls = all(price <= following for price, following in pairwise(prices))
        self._savings = self._find_savings(prices)
        # The least price of bundles on one profile.
        self._least_bundles = min(prices[1:], default=0)
        # The least price of each number of bundles on any number of profiles.
        self._bundle_covers = [0]
        if task.bundle_minutes:
            drops = [count for count in range(2, len(prices)) if prices[count] < prices[count - 1]]
            covers = Covers(range(1, len(prices)), prices, drops)
            full = -(-task.minutes // task.bundle_minutes)
            self._bundle_covers = [covers.price(count) for count in range(full + 1)]
        self._cover_savings = self._find_savings(self._bundle_covers)

    def _find_savings(self, prices: Sequence[int]) -> Sequence[Fraction]:
        """Return for each number of bundles the least price of at most so many, less their minutes.

        The result is empty if minutes are sold only in bundles.
        """
        rate, minutes = self._task.rate, self._task.bundle_minutes
        if rate is None:
            return []
        differences = (price - rate * minutes * count for count, price in enumerate(prices))
        return list(accumulate(differences, min))

    def find(self, needed: int) -> Found | None:
        """Return the cheapest combination with at least a number of channels; None if none is."""
        best: tuple[_Rank, Found] | None = None
        for bounded_totals in self._totals(needed):
            for bound, total in bounded_totals:
                if best is not None and bound >= best[0]:
                    break
                found = self._find_split(total, best=None if best is None else best[0])
                if found is not None:
                    rank = self._rank(found.cost, len(found.profiles), total)
                    best = min(best or (rank, found), (rank, found))
        return best[1] if best else None

    def count_bundles(self, channels: int, total: int) -> int | None:
        """Return the fewest bundles that make a profile cheapest; None if minutes have no price.

        Args:
            channels: the channels of the profile.
            total: the channels of all profiles.
        """
        task = self._task
        minutes = channels * task.minutes_per_channel(total)
        costs = []
        for count, price in enumerate(task.bundle_prices[: task.most_bundles(channels) + 1]):
            rest = max(minutes - count * task.bundle_minutes, Fraction(0))
            if not rest:
                costs.append((Fraction(price), count))
            elif task.rate is not None:
                costs.append((price + rest * task.rate, count))
        return min(costs)[1] if costs else None

    def _totals(self, needed: int) -> Sequence[Iterable[tuple[_Rank, int]]]:
        """Return the totals to try with their bounds, in two parts with rising bounds.

        In the first part, more channels cover more minutes; in the second, they do not. The second
        can have a lower bound than the first, if no profiles have exactly the first part's totals.
        """
        task, last = self._task, needed
        per_channel = task.included or (task.bundles_per_channel or 0) * task.bundle_minutes
        if per_channel:
            last = min(max(needed, -(-task.minutes // per_channel)), MOST_CHANNELS)
        if self._price_of_minutes(last) is None:
            return []  # larger totals cover no more minutes
        further = range(last + 1, MOST_CHANNELS + 1)
        return [
            self._sort_by_bound(range(needed, last + 1)),
            (bounded for total in further for bounded in self._sort_by_bound([total])),
        ]

    def _sort_by_bound(self, totals: Iterable[int]) -> Sequence[tuple[_Rank, int]]:
        """Return the possible totals with their bounds, the lowest bound first."""
        for total in totals:
            if total not in self._bounds:
                self._bounds[total] = self._bound(total)
        bounds = ((self._bounds[total], total) for total in totals)
        return sorted((bound, total) for bound, total in bounds if bound is not None)

    def _rank(self, cost: Fraction, profiles: int, total: int) -> _Rank:
        fees = profiles * self._task.setup + total * self._task.channel_setup
        return cost, fees, profiles, total

    def _bound(self, total: int) -> _Rank | None:
        """Return a rank that no combination of a total is below; None if none is possible."""
        minutes = self._price_of_minutes(total)
        if minutes is None:
            return None
        fewest = -(-total // self._task.sizes[-1])
        return self._rank(self._channel_covers.price(total) + minutes, fewest, total)

    def _price_of_minutes(self, total: int) -> Fraction | None:
        """Return the least price of the minutes if all profiles shared their bundles."""
        task, covers = self._task, self._bundle_covers
        minutes = max(task.minutes - task.included * total, Fraction(0))
        full = int(minutes > 0)
        if task.bundle_minutes:
            full = -(-minutes // task.bundle_minutes)
        limit = len(covers) - 1
        if task.bundles_per_channel is not None:
            limit = min(limit, task.bundles_per_channel * total)
        choices = []
        if full <= limit:
            choices.append(Fraction(covers[full]))
            if full and task.rate is None:
                # Each profile has minutes, and only bundles cover them.
                fewest = -(-total // task.sizes[-1])
                choices = [Fraction(max(covers[full], fewest * self._least_bundles))]
        if full and task.rate is not None:
            choices.append(task.rate * minutes + self._cover_savings[min(limit, full - 1)])
        return min(choices, default=None)

    def _find_split(self, total: int, *, best: _Rank | None) -> Found | None:
        """Return the cheapest profiles that have exactly a total of channels.

        None if no profiles have, or if they are certainly not better than the best rank.
        """
        if total in self._found:
            return self._found[total]
        if best is not None and total in self._higher_bounds and self._higher_bounds[total] >= best:
            return None
        scale, costs = self._find_costs(total)
        bound = self._bounds[total]
        if bound and total in costs and Fraction(costs[total], scale) == bound[0]:
            self._found[total] = Found(bound[0], (total,))
            return self._found[total]
        # No profiles cost less for each channel than the profile that costs least for each.
        least = min((Fraction(cost, size) for size, cost in costs.items()), default=Fraction(0))
        fewest = -(-total // self._task.sizes[-1])
        self._higher_bounds[total] = self._rank(least * total / scale, fewest, total)
        if best is not None and self._higher_bounds[total] >= best:
            return None
        profiles = _find_shortest_path(total, costs)
        self._found[total] = None
        if profiles:
            cost = Fraction(sum(costs[size] for size in profiles), scale)
            self._found[total] = Found(cost, profiles)
        return self._found[total]

    def _find_costs(self, total: int) -> tuple[int, dict[int, int]]:
        """Return the cost of a profile of each size, times a scale that makes it whole."""
        task = self._task
        share, share_scale = task.minutes_per_channel(total).as_integer_ratio()
        rate, rate_scale = (task.rate or Fraction(0)).as_integer_ratio()
        scale = share_scale * rate_scale
        savings = [int(saving * rate_scale) for saving in self._savings]
        costs = {}
        for size in task.sizes:
            if size > total:
                break
            minutes, limit = share * size, task.most_bundles(size)
            full = int(minutes > 0)
            if task.bundle_minutes:
                full = -(-minutes // (share_scale * task.bundle_minutes))
            choices = []
            if full <= limit:
                choices.append(self._price_from(full, limit) * scale)
            if full and savings:
                choices.append(rate * minutes + savings[min(limit, full - 1)] * share_scale)
            # One is possible: if all channels together can have enough bundles, each profile can.
            costs[size] = task.channels_price[size] * scale + min(choices)
        return scale, costs

    def _price_from(self, fewest: int, limit: int) -> int:
        """Return the price of the cheapest number of bundles between two limits."""
        prices = self._task.bundle_prices
        return prices[fewest] if self._never_falls else min(prices[fewest : limit + 1])


class Covers:
    """The least price of at least a number of channels or bundles, on any number of profiles.

    Args:
        sizes: the numbers that a profile can have, in rising order.
        prices: the price of each size. It does not fall with the size, except at ``drops``.
        drops: the sizes that can cost less than the next smaller size.
    """

    def __init__(
        self, sizes: Iterable[int], prices: Mapping[int, int] | Sequence[int], drops: Sequence[int]
    ) -> None:
        self._prices = prices
        self._covers = [0]
        # A size is useful if other sizes do not cover the same number for the same price.
        self._useful: list[tuple[int, int]] = []
        self._drops = [(size, prices[size]) for size in drops]
        self._sizes = iter(sizes)
        self._size = 0

    def price(self, count: int) -> int:
        """Return the least price of at least a number."""
        while len(self._covers) <= count:
            self._add_next()
        return self._covers[count]

    def _add_next(self) -> None:
        count = len(self._covers)
        choices = [self._covers[count - size] + price for size, price in self._useful]
        choices += [price for size, price in self._drops if size > count]
        if self._size < count:
            self._size = next(self._sizes, 0)
        if self._size >= count:
            own = self._prices[self._size]
            if self._size == count and own < min(choices, default=own + 1):
                self._useful.append((count, own))
            choices.append(own)
        self._covers.append(min(choices))


def _find_shortest_path(total: int, costs: dict[int, int]) -> tuple[int, ...] | None:
    """Return the sizes that add up to a total for the least cost; None if no sizes do.

    If several splits are equally cheap, the result has the fewest sizes, the largest first.
    """
    # No sum of costs reaches the unreachable cost. Adding 1 for each size to a multiple of
    # (total + 1) lets the number of sizes decide only between equal costs.
    keys = {size: cost * (total + 1) + 1 for size, cost in costs.items()}
    unreachable = total * max(keys.values(), default=0) + 1
    best, useful = [0], list[tuple[int, int]]()
    for count in range(1, total + 1):
        # Sums of an unreachable cost are even larger, so they count as unreachable again.
        shortest = min([unreachable, *(best[count - size] + key for size, key in useful)])
        own = keys.get(count, unreachable)
        if own < shortest:
            useful.append((count, own))
        best.append(min(shortest, own))
    if best[total] == unreachable:
        return None
    sizes, rest = [], total
    while rest:
        # The largest size first; a smaller one could be followed by it as well.
        size = max(
            size for size, key in useful if size <= rest and best[rest - size] + key == best[rest]
        )
        sizes.append(size)
        rest -= size
    return tuple(sizes)

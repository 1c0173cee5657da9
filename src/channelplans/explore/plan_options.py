"""What a product costs for a need, and the options of several products.

How the cheapest combination is found is known to ``comparison``, not here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import groupby
from operator import attrgetter
from types import MappingProxyType
from typing import Final

import attrs

from channelplans._constructors import checked
from channelplans._display import Folded, Part, RecordsMixin, Table, counted, fold
from channelplans.errors import InvalidValue, NotOffered, cut
from channelplans.explore.needs import (
    MONTH,
    MOST_NEEDED,
    YEAR,
    Need,
    Product,
    format_minutes,
    measure,
)
from channelplans.money import Money, Rounding, columns, make_money, round_ratio
from channelplans.plans import Plan
from channelplans.tariffs import Item

__all__ = ["Combination", "Option", "PlanComparison"]


#: The largest number of further channels at which another price is looked for.
_MOST_STEPS: Final = 1000

_AMOUNTS: Final = ("per_term", "per_30_days", "per_year", "setup", "overage", "other_calls")

_NOT_INCLUDED: Final = (
    "A month is 30 days, a year 365. Prices are net of tax; they contain the overage and the calls "
    "outside bundles, which the table shows for a term. Calls cost the price of a minute; "
    "connection fees, minimum charges and the rounding of each call are not included."
)


@checked
@attrs.frozen(repr=False)
class Combination(RecordsMixin):
    """Profiles and bundles of a product that serve a need, and what they cost.

    Attributes:
        need: the channels and minutes that are needed.
        product: the rules and the prices.
        plans: the plan of each profile.

    Raises:
        InvalidValue: there are no plans, a plan is of another offer, or an amount has more than 18
            digits.
        UnknownRate: the tariff has no rate for minutes that no bundle covers.
        NotOffered: a plan has bundles, and the tariff has no price for them.

    >>> from channelplans import EUR, SKYPE_CONNECT, Tariff
    >>> from channelplans.explore import Combination, Need, Product
    >>> tariff = Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> plans = (SKYPE_CONNECT.plan(channels=130), SKYPE_CONNECT.plan(channels=7))
    >>> print(Combination(Need(channels=137), Product(SKYPE_CONNECT, tariff), plans))
    130 + 7 channels: 952.15 EUR for 30 days, 11584.49 EUR for a year
    """

    need: Need
    product: Product
    plans: tuple[Plan, ...]

    def __attrs_post_init__(self) -> None:
        offer = self.product.offer
        if not self.plans:
            raise InvalidValue("plans", "()", "at least one plan")
        for plan in self.plans:
            if plan.offer != offer:
                raise InvalidValue("plans", f"of {plan.offer!r}", f"of {offer!r}")
        # Each raises an error if there is no such price.
        _ = self.per_year, self.per_term, self.setup

    @property
    def channels(self) -> int:
        """The channels of all profiles together."""
        return sum(plan.channels for plan in self.plans)

    @property
    def bundles(self) -> int:
        """The bundles of all profiles together."""
        return sum(plan.bundles for plan in self.plans)

    @property
    def overage_minutes(self) -> Fraction:
        """The minutes of a term to the bundle's area that no bundle covers (H13)."""
        minutes = measure(self.need, self.product).minutes
        rests = (minutes * plan.channels / self.channels - plan.minutes for plan in self.plans)
        return sum((max(rest, Fraction(0)) for rest in rests), start=Fraction(0))

    @property
    def units(self) -> Fraction:
        """The exact cost of a term, in smallest units of the currency, without set-up fees."""
        tariff = self.product.tariff
        prices = [
            tariff.units(Item.CHANNELS, plan.channels) + tariff.units(Item.BUNDLES, plan.bundles)
            for plan in self.plans
        ]
        return sum(prices) + self._overage_units + measure(self.need, self.product).other_calls

    @property
    def _overage_units(self) -> Fraction:
        minutes, usage = self.overage_minutes, measure(self.need, self.product)
        if minutes and usage.missing:
            raise usage.missing
        return minutes * usage.rate

    @property
    def per_term(self) -> Money:
        """The cost of a term, rounded once, half up."""
        return self._round(self.units)

    @property
    def per_30_days(self) -> Money:
        """The cost of 30 days."""
        return self._round(self.units * MONTH / self.product.term_days)

    @property
    def per_year(self) -> Money:
        """The cost of 365 days."""
        return self._round(self.units * YEAR / self.product.term_days)

    @property
    def overage(self) -> Money:
        """The cost of the overage of a term; it is a part of the cost."""
        return self._round(self._overage_units)

    @property
    def other_calls(self) -> Money:
        """The cost of a term's calls that no bundle of the offer can cover; a part of the cost."""
        return self._round(measure(self.need, self.product).other_calls)

    @property
    def parts(self) -> Mapping[str, Money]:
        """What the cost of a term consists of, by name, without the parts that cost nothing.

        Each part is rounded on its own, so the sum can differ from ``per_term`` by a unit.

        >>> from channelplans import EUR, SKYPE_CONNECT, Tariff
        >>> from channelplans.explore import Combination, Need, Product
        >>> tariff = Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021")
        >>> need = Need(channels=2, minutes={"US": 5_100})
        >>> plans = (SKYPE_CONNECT.plan(channels=2, bundles=1),)
        >>> for name, amount in Combination(
        ...     need, Product(SKYPE_CONNECT, tariff), plans
        ... ).parts.items():
        ...     print(name, amount)
        channels 13.90 EUR
        bundles 10.00 EUR
        overage 2.10 EUR
        """
        tariff, rule = self.product.tariff, self.product.offer.bundle
        channels = sum(tariff.units(Item.CHANNELS, plan.channels) for plan in self.plans)
        bundles = sum(tariff.units(Item.BUNDLES, plan.bundles) for plan in self.plans)
        calls = "calls outside bundles" if rule and rule.minutes else "calls"
        amounts = {
            "channels": make_money(channels, tariff.currency),
            "bundles": make_money(bundles, tariff.currency),
            "overage": self.overage,
            calls: self.other_calls,
        }
        return MappingProxyType({name: amount for name, amount in amounts.items() if amount})

    @property
    def setup(self) -> Money:
        """The set-up fees of all profiles: charged once, and not a part of the cost."""
        tariff = self.product.tariff
        fee = tariff.units(Item.SETUP, len(self.plans))
        fee += tariff.units(Item.CHANNEL_SETUP, self.channels)
        return make_money(fee, tariff.currency)

    @property
    def profiles(self) -> str:
        """The profiles as text, such as ``130 + 7 channels`` or ``20 channels with 6 bundles``."""
        groups = [(plan, len([*plans])) for plan, plans in groupby(self.plans)]
        parts = [
            (f"{count:,} × " if count > 1 else "")
            + str(plan.channels)
            + (f" with {counted(plan.bundles, 'bundle')}" if plan.bundles else "")
            for plan, count in groups
        ]
        if len(self.plans) == 1:
            (plan,) = self.plans
            channels = counted(plan.channels, "channel")
            return parts[0].replace(str(plan.channels), channels, 1)
        if not self.bundles:
            return f"{' + '.join(parts)} channels"
        return f"channels: {' + '.join(parts)}"

    def to_records(self) -> list[dict[str, object]]:
        """Return the combination as one plain row."""
        return [_make_row(self.need, self.product, self)]

    def _round(self, units: Fraction) -> Money:
        minor = round_ratio(units.numerator, units.denominator, Rounding.HALF_UP)
        return make_money(minor, self.product.tariff.currency)

    def _describe(self) -> tuple[str]:
        setup = f", {self.setup} once" if self.setup else ""
        costs = f"{self.per_30_days} for 30 days, {self.per_year} for a year"
        return (f"{self.profiles}: {costs}{setup}",)


def _make_row(need: Need, product: Product, best: Combination | None) -> dict[str, object]:
    """Return the columns of a combination; if there is none, its columns are None."""
    row: dict[str, object] = {
        "offer": product.offer.name,
        "edition": product.offer.edition,
        "tariff": product.tariff.name,
        "needed": need.needed,
        "term_days": product.term_days,
        "currency": product.tariff.currency.code,
    }
    counts = ("profiles", "channels", "bundles", "overage_minutes")
    if best is None:
        return row | dict.fromkeys(counts) | columns(**dict.fromkeys(_AMOUNTS))
    row |= {
        "profiles": len(best.plans),
        "channels": best.channels,
        "bundles": best.bundles,
        "overage_minutes": best.overage_minutes,
    }
    return row | columns(**{name: getattr(best, name) for name in _AMOUNTS})


@checked
@attrs.frozen(repr=False)
class Option(RecordsMixin):
    """What a product costs for a need, or why the product cannot serve it.

    Attributes:
        need: the channels and minutes that are needed.
        product: the rules and the prices.
        best: the cheapest combination; None if there is none.
        without_bundles: the cheapest combination without bundles; None if there is none.
        ways: the usual ways to buy the channels, and the cheapest: the number that one profile gets
            for the request, the fewest profiles with at least the need, the fewest profiles with
            exactly the need. The first can have fewer channels than needed.
        step_from: the first larger number of needed channels with another price; None if there is
            none among the next 1,000.
        step: the cheapest combination for that number.
        problem: why no combination is possible; None if one is.
    """

    need: Need
    product: Product
    best: Combination | None
    without_bundles: Combination | None = None
    ways: tuple[Combination, ...] = ()
    step_from: int | None = None
    step: Combination | None = None
    problem: str | None = None

    @property
    def saved_by_bundles(self) -> Money | None:
        """What the bundles save in a term.

        None if the cheapest combination has no bundles, or if there is none without bundles.
        """
        if self.best is None or not self.best.bundles or self.without_bundles is None:
            return None
        return self.without_bundles.per_term - self.best.per_term

    @property
    def reasons(self) -> tuple[str, ...]:
        """Sentences that say what the cost consists of, or why the product is not possible."""
        best = self.best
        if best is None:
            return (f"not possible, because {self.problem}",)
        sentences = [_describe_parts(best)]
        if self.saved_by_bundles is not None:
            saved = f"bundles save {self.saved_by_bundles}"
            sentences.append(f"{saved} in a term of {counted(best.product.term_days, 'day')}")
        return (*sentences, self._describe_step(best))

    def _describe_step(self, best: Combination) -> str:
        """Return the next price, with the profiles if they do not follow from the channels."""
        if self.step is None or self.step_from is None:
            return f"no other price up to {last_step(self.need):,} channels"
        start = f"from {counted(self.step_from, 'channel')} on"
        sentence = f"{start}: {self.step.per_30_days} for 30 days"
        is_like_best = len(self.step.plans) == 1 and self.step.bundles == best.bundles
        if is_like_best and self.step.channels == self.step_from:
            return sentence
        return f"{sentence}, as {self.step.profiles}"

    def to_records(self) -> list[dict[str, object]]:
        """Return the option as one plain row.

        A row has the columns of the cheapest combination, ``saved_by_bundles``, the next step and
        ``problem``. If no combination is possible, the columns are None.
        """
        row = _make_row(self.need, self.product, self.best)
        step_price = None if self.step is None else self.step.per_30_days
        added = columns(saved_by_bundles=self.saved_by_bundles, step_per_30_days=step_price)
        return [{**row, **added, "step_from": self.step_from, "problem": self.problem}]

    def _describe(self) -> Iterator[str | Table]:
        yield f"{self.product}, for {self.need}"
        if self.best is not None:
            yield f"cheapest: {self.best}"
        yield from self.reasons
        if self.ways:
            ways = [(f"{way.channels}{self._mark(way)}", way) for way in self.ways]
            yield _make_table("channels", ways, "Ways to buy the channels")

    def _mark(self, way: Combination) -> str:
        return " (too few)" if way.channels < self.need.needed else ""


def _describe_parts(best: Combination) -> str:
    """Return the parts of a term's cost as a sum, with the minutes of the overage."""
    minutes = f" ({format_minutes(best.overage_minutes)} minutes)" if best.overage_minutes else ""
    parts = [
        f"{name} {amount.amount:f}{minutes if name == 'overage' else ''}"
        for name, amount in best.parts.items()
    ]
    term = f"in a term of {counted(best.product.term_days, 'day')}"
    if not parts:
        return f"no cost {term}"
    return f"{' + '.join(parts)} {best.product.tariff.currency.code} {term}"


@checked
@attrs.frozen(repr=False)
class PlanComparison(RecordsMixin):
    """The options for a need, the cheapest first.

    Attributes:
        need: the channels and minutes that are needed.
        options: an option for each product, by the exact cost of a day; impossible ones last.
    """

    need: Need
    options: tuple[Option, ...]

    @property
    def cheapest(self) -> Option:
        """The cheapest option.

        Raises:
            NotOffered: no product can serve the need.
        """
        for option in self.options:
            if option.best is not None:
                return option
        problems = "; ".join(f"{option.product}: {option.problem}" for option in self.options)
        raise NotOffered("possible product", str(self.need), problems or "compare a product")

    @property
    def difference(self) -> Money | None:
        """How much less the cheapest product costs in 30 days than the second cheapest.

        None if fewer than two products are possible.
        """
        costs = [option.best.per_30_days for option in self.options[:2] if option.best is not None]
        return costs[1] - costs[0] if len(costs) == 2 else None

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each option."""
        return [row for option in self.options for row in option.to_records()]

    def _describe(self) -> Iterator[Part]:
        possible = [
            (f"{cut(option.product.offer.full_name)}, {cut(option.product.tariff.name)}", option)
            for option in self.options
        ]
        rows = [(name, option.best) for name, option in possible]
        yield _make_table("product", rows, f"Plans for {self.need}")
        yield from self._describe_reasons()
        yield _NOT_INCLUDED

    def _describe_reasons(self) -> Iterator[Part]:
        """Yield the reasons of each product; a notebook folds those of all but the cheapest."""
        reasons = [f"{option.product}: {'; '.join(option.reasons)}" for option in self.options]
        if not self.options or self.options[0].best is None:
            yield from fold(reasons, "product")
            return
        yield reasons[0] + self._describe_difference()
        others = tuple(reasons[1:])
        if others:
            yield Folded(f"Reasons of {counted(len(others), 'other product')}", others)

    def _describe_difference(self) -> str:
        """Return a further reason for the cheapest product; nothing if there is no second."""
        if self.difference is None:
            return ""
        second = self.options[1].product
        if not self.difference:
            return f"; the same price in 30 days as {second}"
        return f"; {self.difference} less in 30 days than {second}"


#: The amounts of a table's row, by heading. What they consist of is for a term.
_TABLE_AMOUNTS: Final[Mapping[str, Callable[[Combination], Money]]] = MappingProxyType(
    {
        "30 days": attrgetter("per_30_days"),
        "year": attrgetter("per_year"),
        "set-up": attrgetter("setup"),
        "overage": attrgetter("overage"),
        "calls outside bundles": attrgetter("other_calls"),
    }
)


def _make_table(
    heading: str, rows: Sequence[tuple[str, Combination | None]], caption: str
) -> Table:
    headings = tuple(_TABLE_AMOUNTS)
    cells = tuple((name, *_make_cells(best)) for name, best in rows)
    return Table((heading, "profiles", *headings), cells, right=headings, caption=caption)


def _make_cells(best: Combination | None) -> Iterator[str]:
    yield "not possible" if best is None else best.profiles
    for get_amount in _TABLE_AMOUNTS.values():
        yield "" if best is None else f"{get_amount(best).amount:f}"


def last_step(need: Need) -> int:
    """Return the largest number of channels at which another price is looked for."""
    return min(need.needed + _MOST_STEPS, MOST_NEEDED)

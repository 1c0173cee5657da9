"""Pictures of the library's values, drawn with matplotlib: prices, refunds, traffic and costs.

``pip install "channelplans[charts]"`` installs matplotlib. No other module imports this module, so
the rest of the package works without matplotlib.

Each function draws on the Axes that you pass, and on nothing else. Without one it makes a new
figure with ``matplotlib.pyplot``, so that a notebook shows the picture; a script calls
``pyplot.show()``, or ``ax.figure.savefig()`` and ``pyplot.close(ax.figure)``. The function returns
the Axes, so that you can add a line or change a label.

Lines differ in style and bars in hatching, so a picture can be read in black and white. An amount
becomes a float only where it is drawn; do not compute with the numbers of a picture.

The module is long because each function explains its picture. All of them stay here, so that only
one module imports matplotlib.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from fractions import Fraction
from itertools import groupby
from typing import Any, Final

from channelplans._checks import bounded, instance
from channelplans._display import counted
from channelplans.allowances import Allowance
from channelplans.erlang import channels_for, erlang_b
from channelplans.errors import InsufficientCredit, InvalidValue, cut
from channelplans.explore.comparison import break_even
from channelplans.explore.forecasts import Forecast
from channelplans.explore.plan_options import Option, PlanComparison
from channelplans.explore.traffic import TrafficReport
from channelplans.money import Money
from channelplans.plans import Offer, Plan
from channelplans.pricing import Quote, refund
from channelplans.rules import BundleRule, RefundRule
from channelplans.sizing import Suggestion, Traffic
from channelplans.subscriptions.wallets import Wallet
from channelplans.tariffs import Tariff

try:
    from matplotlib import dates
    from matplotlib.axes import Axes
    from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator
    from matplotlib.typing import ColorType
except ImportError as _error:
    raise ImportError(
        'charts need matplotlib: run  pip install "channelplans[charts]"', name="matplotlib"
    ) from _error

__all__ = [
    "plot_balance",
    "plot_blocking",
    "plot_break_even",
    "plot_comparison",
    "plot_prices",
    "plot_refund",
    "plot_traffic",
]


# matplotlib does not annotate its functions for dates.
_DATES: Final[Any] = dates

# More labels than this would overlap.
_MOST_LABELS: Final = 12

_MOST_POINTS: Final = 200

# The blocking axis ends at this part of the share of calls that may be refused.
_SMALLEST_PART: Final = 0.01

_LEAST_BLOCKING: Final = 1e-300

_HATCH: Final = "///"

_STYLES: Final = ("-", "--", "-.", ":")

_MARKS: Final = ("D", "o", "s", "^")

# The part of the height that a legend with long entries needs above the lines.
_ROOM: Final = 0.4


def plot_prices(
    offer: Offer, tariff: Tariff, requested: Iterable[int], *, ax: Axes | None = None
) -> Axes:
    """Draw the price of a term against the channels requested (H5).

    The price is that of the channels granted, so it is a staircase where only multiples are sold.
    The number at a step says how many channels are granted on it. Bundles and set-up fees are not
    included. Pass the Axes of an earlier call to compare two tariffs; each has its own line style.

    Args:
        offer: the rules, which say how many channels are granted.
        tariff: the prices.
        requested: the numbers of channels requested, such as ``range(90, 141)``.
        ax: where to draw; by default a new figure.

    Raises:
        InvalidValue: there are no numbers, or a price has more than 18 digits.
        ChannelsOutOfRange: a number is outside the bounds for one profile (H2).

    >>> from channelplans import EUR, SKYPE_CONNECT, Tariff
    >>> from channelplans.explore import charts
    >>> tariff = Tariff("made up", EUR, channel="6.95")
    >>> charts.plot_prices(SKYPE_CONNECT, tariff, range(90, 141)).get_ylabel()
    'price of 30 days (EUR)'
    """
    instance("offer", offer, Offer)
    instance("tariff", tariff, Tariff)
    plans = [offer.plan(channels=channels) for channels in requested]
    if not plans:
        raise InvalidValue("requested", "no number", "at least one number of channels")
    prices = [_amount(tariff.channels(plan.channels)) for plan in plans]
    ax = _choose_axes(ax)
    label = _plain(f"{cut(tariff.name)} (number: channels granted)")
    style = _STYLES[len(ax.lines) % len(_STYLES)]
    ax.step([plan.requested for plan in plans], prices, style, where="mid", label=label)
    for plan in _list_steps(plans):
        point = plan.requested - 0.5, _amount(tariff.channels(plan.channels))
        _write(ax, f"{plan.channels}", point, below=True)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    _name_axes(ax, "channels requested", f"price of {offer.term.length} ({tariff.currency.code})")
    _title(ax, f"Price of channels: {cut(offer.full_name)}")
    ax.legend()
    return ax


def _list_steps(plans: Sequence[Plan]) -> list[Plan]:
    """Return the first plan of each step on which fewer or more channels are granted."""
    steps = [[*step] for _, step in groupby(plans, key=lambda plan: plan.channels)]
    firsts = [step[0] for step in steps if any(plan.channels != plan.requested for plan in step)]
    return firsts[:: -(-len(firsts) // _MOST_LABELS) or 1]


def plot_refund(
    paid: Quote,
    *,
    allowance: Allowance | None = None,
    rule: RefundRule | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the refund and the amount kept, for each day on which the term can end early (H16).

    Args:
        paid: the quote that was paid.
        allowance: the minutes of the term and how many are used; needed if the rule refunds bundles
            by minutes. The same minutes count on every day.
        rule: how the refund is computed; by default the rule of the offer.
        ax: where to draw; by default a new figure.

    Raises:
        AllowanceNeeded: the rule refunds bundles by minutes, and ``allowance`` is None.
        InvalidValue: the allowance grants fewer minutes than the quote.

    >>> from datetime import date
    >>> from channelplans import EUR, SKYPE_CONNECT, Tariff, quote
    >>> from channelplans.explore import charts
    >>> tariff = Tariff("made up", EUR, channel="6.95")
    >>> paid = quote(SKYPE_CONNECT.plan(channels=12), tariff, on=date(2026, 1, 5))
    >>> charts.plot_refund(paid).get_ylabel()
    'amount (EUR)'
    """
    term = instance("paid", paid, Quote).term
    days = [term.start + timedelta(days=number) for number in range(term.days)]
    refunds = [refund(paid, on=day, allowance=allowance, rule=rule) for day in days]
    ax = _choose_axes(ax)
    returned = [_amount(ended.returned) for ended in refunds]
    kept = [_amount(ended.kept) for ended in refunds]
    places = [_place(day) for day in days]
    ax.plot(places, returned, "-", drawstyle="steps-post", label="refunded")
    ax.plot(places, kept, "--", drawstyle="steps-post", label="kept by the seller")
    _show_dates(ax)
    _name_axes(ax, "day on which the term ends", f"amount ({paid.tariff.currency.code})")
    _title(ax, f"Refund of {paid.total}")
    ax.legend()
    return ax


def plot_blocking(suggestion: Suggestion, *, ax: Axes | None = None) -> Axes:
    """Draw the share of refused calls against the number of channels, and mark the suggestion (H7).

    The share is that of Erlang's B at the suggestion's load. The axis is logarithmic, from the
    channels that refuse half of the calls on. A dashed line shows the share that may be refused, if
    the suggestion depends on it.

    Args:
        suggestion: the channels to buy, from ``suggest_channels``.
        ax: where to draw; by default a new figure.

    >>> from channelplans import suggest_channels
    >>> from channelplans.explore import charts
    >>> charts.plot_blocking(suggest_channels(30)).get_xlabel()
    'channels'
    """
    load = instance("suggestion", suggestion, Suggestion).erlangs
    numbers = _list_channels(suggestion)
    shares = [erlang_b(load, channels) for channels in numbers]
    ax = _choose_axes(ax)
    ax.plot(numbers, shares, "-", marker="." if len(numbers) <= 50 else "", label="refused calls")
    need = suggestion.guideline.need
    if isinstance(need, Traffic) or suggestion.measured_erlangs is not None:
        label = f"at most {_percent(need.blocking)} refused"
        ax.axhline(need.blocking, linestyle="--", color=_ink(ax), label=label)
    blocking = _percent(suggestion.blocking)
    label = f"suggestion: {counted(suggestion.channels, 'channel')}, {blocking}"
    ax.plot([suggestion.channels], [suggestion.blocking], "D", color=_ink(ax), label=label)
    if all(shares):
        ax.set_yscale("log")
    ax.yaxis.set_major_formatter(FuncFormatter(lambda share, _: _percent(share)))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    _name_axes(ax, "channels", "refused calls in the busy hour (%)")
    _title(ax, f"Refused calls at {load:,.4g} erlangs")
    ax.legend()
    return ax


def _list_channels(suggestion: Suggestion) -> list[int]:
    """Return the numbers of channels to draw, with the suggested number."""
    load, allowed = suggestion.erlangs, suggestion.guideline.need.blocking
    first = min(max(channels_for(load, blocking=0.5), 1), suggestion.channels)
    smallest = max(allowed * _SMALLEST_PART, _LEAST_BLOCKING)
    last = max(channels_for(load, blocking=smallest), suggestion.channels + 1)
    step = -(-(last - first) // _MOST_POINTS)
    return sorted({*range(first, last, step), suggestion.channels, last})


def plot_traffic(report: TrafficReport, *, channels: int, ax: Axes | None = None) -> Axes:
    """Draw the average load of each hour of the day, the peak, and the channels bought.

    The busy hour is hatched. One erlang is one call all the time, so the load and the channels have
    the same scale.

    Args:
        report: the measured traffic.
        channels: the number of channels bought, at least 0.
        ax: where to draw; by default a new figure.

    Raises:
        InvalidValue: the number of channels is negative.

    >>> from datetime import datetime, timedelta, timezone
    >>> from channelplans.explore import CallInterval, charts, measure_traffic
    >>> ten = datetime(2026, 1, 5, 10, 0, tzinfo=timezone.utc)
    >>> report = measure_traffic([CallInterval(ten, timedelta(minutes=30))], zone=timezone.utc)
    >>> charts.plot_traffic(report, channels=2).get_xlabel()
    'hour of the day (UTC)'
    """
    loads = [load.erlangs for load in instance("report", report, TrafficReport).hours]
    bounded("channels", channels, 0)
    ax = _choose_axes(ax)
    label = "average of the hour"
    bars = ax.bar(range(24), loads, width=1, align="edge", edgecolor=_ink(ax), label=label)
    bars[report.busy_hour].set(hatch=_HATCH, label=f"busy hour: {report.erlangs:.3g} erlangs")
    label = f"peak: {counted(report.peak, 'call')}"
    ax.axhline(report.peak, linestyle=":", color=_ink(ax), label=label)
    label = f"{counted(channels, 'channel')} bought"
    ax.axhline(channels, linestyle="--", color=_ink(ax), label=label)
    ax.set_xlim(0, 24)
    _leave_room(ax)
    ax.xaxis.set_major_locator(MultipleLocator(3))
    _name_axes(ax, f"hour of the day ({report.zone})", "simultaneous calls (erlangs)")
    _title(ax, "Traffic over the day")
    ax.legend()
    return ax


def plot_break_even(offer: Offer, tariff: Tariff, *, ax: Axes | None = None) -> Axes:
    """Draw the cost of a term's minutes with and without a bundle, and where a bundle pays off.

    The minutes go to the bundle's area. As in ``break_even``, the lowest price of a minute counts
    if the destinations of the area have different prices. The price of channels is not included.

    Args:
        offer: the rules of the bundle.
        tariff: the price of the bundle and of a minute.
        ax: where to draw; by default a new figure.

    Raises:
        NotOffered: the offer or the tariff has no bundles, or a bundle never pays for itself.
        UnknownRate: the tariff has no price of a minute for a destination in the area.

    >>> from channelplans import EUR, SKYPE_CONNECT, Tariff
    >>> from channelplans.explore import charts
    >>> tariff = Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> charts.plot_break_even(SKYPE_CONNECT, tariff).get_xlabel()
    'minutes in a term of 30 days'
    """
    pays_off_at = break_even(offer, tariff) / timedelta(minutes=1)
    rule = instance("bundle", offer.bundle, BundleRule)
    rate = min(tariff.rate_for(destination, offer).minute for destination in rule.area)
    bundle, end = tariff.bundles(1), rule.minutes * Fraction(3, 2)
    overage = float((end - rule.minutes) * Fraction(rate))
    ax = _choose_axes(ax)
    label = f"without a bundle, {rate:f} {tariff.currency.code} a minute"
    ax.plot([0, float(end)], [0, float(end * Fraction(rate))], "--", label=label)
    label = f"with a bundle of {rule.minutes:,} minutes, {bundle}"
    costs = [_amount(bundle), _amount(bundle), _amount(bundle) + overage]
    ax.plot([0, rule.minutes, float(end)], costs, "-", label=label)
    label = f"break-even: {pays_off_at:,.0f} minutes"
    ax.plot([pays_off_at], [_amount(bundle)], "D", color=_ink(ax), label=label)
    _name_axes(
        ax,
        f"minutes in a term of {offer.term.length}",
        f"cost of the minutes ({tariff.currency.code})",
    )
    _title(ax, f"Calls to {cut(', '.join(rule.area))}, with and without a bundle")
    ax.legend()
    return ax


def plot_balance(forecast: Forecast, *, label: str = "balance", ax: Axes | None = None) -> Axes:
    """Draw the balance that a forecast expects, and mark the day on which the credit runs dry (H9).

    The balance is that of the account's wallet at the end of each day, if nobody pays in more. A
    mark is on the first day on which the wallet cannot pay something. Its label names the amount,
    and the deposit that pays everything. There is no mark if the credit is enough. If all profiles
    lapse or end, the line stops at a bar: nothing is renewed after it. Pass the Axes of an earlier
    call to compare two forecasts; each has its own line style and marks.

    Args:
        forecast: the forecast, of an account whose balance is known.
        label: the name of the line in the legend.
        ax: where to draw; by default a new figure.

    Raises:
        InvalidValue: the forecast does not know the balance.

    >>> from datetime import date
    >>> from channelplans import EUR, SKYPE_CONNECT, Money, Tariff, Wallet, buy
    >>> from channelplans.explore import charts, forecast
    >>> tariff, day = Tariff("made up", EUR, channel="6.95"), date(2026, 1, 5)
    >>> plan = SKYPE_CONNECT.plan(channels=12)
    >>> bought = buy(plan, tariff, account="acme", profile="berlin", subscription="s-1", on=day)
    >>> balances = {Wallet("acme"): Money.of("200", EUR)}
    >>> expected = forecast(bought.after, until=date(2027, 1, 1), prices=tariff, balances=balances)
    >>> charts.plot_balance(expected).get_ylabel()
    'balance (EUR)'
    """
    opening = instance("forecast", forecast, Forecast).opening
    if opening is None:
        works = "a forecast with the balance of the account's wallet"
        raise InvalidValue("forecast", "without a balance", works)
    closing = opening if forecast.closing is None else forecast.closing
    balances = forecast.balances
    end = forecast.ends_on
    days = [forecast.since, *balances, end or forecast.until]
    amounts = [_amount(balance) for balance in (opening, *balances.values(), closing)]
    ax = _choose_axes(ax)
    earlier = sum(line.get_drawstyle() == "steps-post" for line in ax.lines)
    style, mark = _STYLES[earlier % len(_STYLES)], _MARKS[earlier % len(_MARKS)]
    places = [_place(day) for day in days]
    ax.plot(places, amounts, style, drawstyle="steps-post", label=_plain(label))
    if not earlier:
        ax.axhline(0, linestyle=":", color=_ink(ax))
    dry = forecast.runs_dry_on
    if dry is not None:
        text = _describe_lack(forecast)
        ax.plot([_place(dry)], [_amount(balances[dry])], mark, color=_ink(ax), label=text)
    if end is not None:
        text = f"nothing is renewed from {end} on"
        # Higher than the mark of the day before, which it would hide otherwise.
        ax.plot(
            [_place(end)],
            amounts[-1:],
            "|",
            markersize=16,
            markeredgewidth=2,
            color=_ink(ax),
            label=text,
        )
        ax.update_datalim([(_place(forecast.until), amounts[-1])])
    _show_dates(ax)
    _leave_room(ax)
    _name_axes(ax, "day", f"balance ({opening.currency.code})")
    _title(ax, f"Balance of {Wallet(forecast.account)}")
    ax.legend()
    return ax


def _describe_lack(forecast: Forecast) -> str:
    """Return what cannot be paid first, and the deposit that pays everything."""
    entry = next(entry for entry in forecast.entries if entry.lacks_credit)
    lack = f"below zero on {entry.day}"
    if isinstance(entry.error, InsufficientCredit):
        needed = f"{entry.error.needed:f} {entry.error.currency}"
        lack = f"cannot pay {needed} on {entry.day}"
    if not forecast.top_up:  # the wallet of a profile cannot pay a call
        return lack
    return f"{lack};\nto pay everything before {forecast.until}: {forecast.top_up} more"


def plot_comparison(comparison: PlanComparison, *, ax: Axes | None = None) -> Axes:
    """Draw the cost of 30 days of each option as bars side by side, the cheapest on top.

    The cheapest option is hatched. An option that is not possible has no bar, and says so. Set-up
    fees are not included.

    Args:
        comparison: the options, from ``compare_plans``.
        ax: where to draw; by default a new figure.

    Raises:
        InvalidValue: the comparison has no options.

    >>> from channelplans import EUR, SKYPE_CONNECT, Tariff
    >>> from channelplans.explore import Need, Product, charts, compare_plans
    >>> product = Product(SKYPE_CONNECT, Tariff("made up", EUR, channel="6.95"))
    >>> comparison = compare_plans(Need(channels=137), [product])
    >>> charts.plot_comparison(comparison).get_xlabel()
    'cost of 30 days (EUR), net of tax'
    """
    options = instance("comparison", comparison, PlanComparison).options
    if not options:
        raise InvalidValue("comparison", "without options", "a comparison of at least one product")
    ax = _choose_axes(ax, height=max(4.8, 0.9 * len(options)))
    costs = [_amount(option.best.per_30_days) if option.best else 0.0 for option in options]
    bars = ax.barh(range(len(options)), costs, height=0.4, edgecolor=_ink(ax))
    if options[0].best:
        bars[0].set_hatch(_HATCH)
    for place, option in enumerate(options):
        _write(ax, _name_option(option), (0, place - 0.2))
    ax.set_yticks([])
    ax.set_ylim(len(options) - 0.5, -0.8)
    _name_axes(ax, f"cost of 30 days ({options[0].product.tariff.currency.code}), net of tax", "")
    # The minutes on a line of their own.
    _title(ax, f"Plans for {comparison.need}".replace("; ", "\n", 1))
    return ax


def _name_option(option: Option) -> str:
    product, best = option.product, option.best
    cost = f"{best.profiles}: {best.per_30_days}" if best else "not possible"
    return f"{cut(product.offer.full_name)}, {cut(product.tariff.name)}\n{cost}"


def _choose_axes(ax: Axes | None, *, height: float = 4.8) -> Axes:
    """Return the Axes to draw on; the height in inches is that of a new figure."""
    if ax is not None:
        return instance("ax", ax, Axes)
    from matplotlib import pyplot as plt  # not with an Axes: pyplot keeps a list of all its figures

    return plt.subplots(figsize=(6.4, height), layout="constrained")[1]


def _amount(money: Money) -> float:
    """Return an amount as a float, for drawing only."""
    return float(money.amount)


def _place(day: date) -> float:
    """Return the place of a day on an axis."""
    return float(_DATES.date2num(day))


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _ink(ax: Axes) -> ColorType:
    """Return the colour of the text, which is readable on any background."""
    return ax.xaxis.label.get_color()


def _plain(text: str) -> str:
    r"""Return a text without formulas: matplotlib draws ``\$`` as a dollar sign."""
    return text.replace("$", r"\$")


def _name_axes(ax: Axes, horizontal: str, vertical: str) -> None:
    ax.set_xlabel(_plain(horizontal))
    ax.set_ylabel(_plain(vertical))


def _title(ax: Axes, text: str) -> None:
    ax.set_title(_plain(text), wrap=True)


def _show_dates(ax: Axes) -> None:
    locator = _DATES.AutoDateLocator()
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(_DATES.ConciseDateFormatter(locator))


def _leave_room(ax: Axes) -> None:
    """Leave room for the legend above all that is drawn."""
    ax.autoscale(axis="y")
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + _ROOM * (high - low))


def _write(ax: Axes, text: str, point: tuple[float, float], *, below: bool = False) -> None:
    """Write a small text above or below a point, from the point to the right."""
    ax.annotate(
        _plain(text),
        point,
        (2, -2 if below else 2),
        textcoords="offset points",
        va="top" if below else "bottom",
        fontsize="small",
    )

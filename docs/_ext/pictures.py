"""The pictures of README.md and of the pages, drawn from values of the library.

Run ``python docs/_ext/pictures.py`` to write them to ``docs/_static``.
"""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

from channelplans.money import EUR
from channelplans.offers import SKYPE_CONNECT
from channelplans.pricing import quote
from channelplans.quantities import normalize_quantity
from channelplans.subscriptions.actions import buy, change
from channelplans.tariffs import Tariff
from drawing import MARGIN, WIDTH, draw_card, draw_line, draw_text

__all__ = ["FOLDER", "PICTURES", "draw_change", "draw_staircase"]

FOLDER = Path(__file__).resolve().parents[1] / "_static"

TARIFF = Tariff("made up", EUR, channel="6.95")
BOUGHT_ON, CHANGED_ON = date(2026, 1, 5), date(2026, 1, 15)

# The numbers of channels at the two ends of the staircase.
FEWEST, MOST = 70, 140
BAR_HEIGHT = 60


def draw_change() -> str:
    """Return a timeline: a term, a change after ten days, the refund and the new term."""
    purchase = buy(
        SKYPE_CONNECT.plan(channels=12),
        TARIFF,
        account="acme",
        profile="berlin",
        subscription="s-1",
        on=BOUGHT_ON,
    )
    larger_plan = purchase.after.plan.replace(channels=15)
    changed = change(purchase.after, larger_plan, TARIFF, on=CHANGED_ON)
    paid, new, refund = purchase.after.quote, changed.after.quote, changed.refund
    (balance_change,) = changed.deltas.values()
    if refund is None:
        raise ValueError("the picture needs a change with a refund")
    unused_days = paid.term.remaining(CHANGED_ON)
    used_days = paid.term.days - unused_days
    days = BOUGHT_ON, CHANGED_ON, paid.term.end, new.term.end
    start, cut, paid_end, new_end = (_place_day(day) for day in days)
    return draw_card(
        "A change in the middle of a term",
        f"{paid.plan} for {paid.term.days} days cost {paid.total}. After {used_days} days the"
        f" customer changes to {new.plan}: {refund.kept} is kept, {refund.returned} is refunded,"
        f" and the new term costs {new.total}.",
        318,
        [
            draw_text(start, 34, f"{paid.plan}, paid {paid.total}", style="strong"),
            _bar(start, cut, 46, f"{used_days} days used", refund.kept),
            _bar(
                cut,
                paid_end,
                46,
                f"{unused_days} days unused",
                f"refund {refund.returned}",
                "refund",
            ),
            draw_text(cut, 144, f"changed to {new.plan}", style="strong"),
            _bar(cut, new_end, 156, f"new term of {new.term.days} days", new.total),
            draw_line(f"M{start:g} 234 H{new_end:g}"),
            *(draw_line(f"M{_place_day(day):g} 229 v10") for day in days),
            draw_text(start, 260, BOUGHT_ON),
            draw_text(cut, 260, f"{CHANGED_ON:%m-%d}", style="middle"),
            draw_text(paid_end, 260, f"{paid.term.end:%m-%d}", style="middle"),
            draw_text(new_end, 260, new.term.end, style="end"),
            draw_text(
                WIDTH / 2,
                298,
                f"to pay on {CHANGED_ON}: {new.total.amount} \N{MINUS SIGN}"
                f" {refund.returned.amount} = {-balance_change}",
                style="strong middle",
            ),
        ],
    )


def draw_staircase() -> str:
    """Return a graph of the channels that are sold for each number of channels requested."""
    sold = {
        requested: normalize_quantity(requested, SKYPE_CONNECT.quantity).granted
        for requested in range(FEWEST, MOST)
    }
    stairs = "".join(
        f" V{_place_sold(granted):g} H{_place_requested(requested + 1):g}"
        for requested, granted in sold.items()
    )
    x, y = _place_requested(FEWEST), _place_sold(FEWEST)
    example = 105
    landings = sorted({granted for requested, granted in sold.items() if granted < requested})
    return draw_card(
        "Channels requested and channels sold",
        f"{SKYPE_CONNECT.quantity}. For {example} channels requested, {sold[example]} are sold.",
        400,
        [
            draw_text(MARGIN, 34, "channels sold, and their price", style="strong"),
            draw_line(f"M{x:g} {y:g} L{_place_requested(MOST):g} {_place_sold(MOST):g}", "dashed"),
            f'<path class="area" d="M{x:g} {y + 14:g}{stairs} V{y + 14:g} Z"/>',
            draw_line(f"M{x:g} {y:g}{stairs}", "thick"),
            *(_draw_landing(granted) for granted in landings),
            _draw_example(example, sold[example]),
            draw_line(f"M{x:g} {y + 14:g} H{_place_requested(MOST):g}"),
            *(_draw_tick(requested) for requested in range(FEWEST, MOST + 1, 10)),
            draw_text(WIDTH / 2, 384, "channels requested", style="strong middle"),
        ],
    )


def _draw_landing(granted: int) -> str:
    """Return the label of one step: its channels and their price."""
    price = quote(SKYPE_CONNECT.plan(channels=granted), TARIFF, on=BOUGHT_ON).total
    x, y = _place_requested(granted), _place_sold(granted)
    return draw_text(x - 12, y + 2, f"{granted} channels, {price}", style="end")


def _draw_example(requested: int, granted: int) -> str:
    """Return a dot on a step, and a sentence beside it."""
    x, y = _place_requested(requested + 0.5), _place_sold(granted)
    return "\n".join(
        [
            f'<circle class="dot" cx="{x:g}" cy="{y:g}" r="7"/>',
            draw_line(f"M{x:g} {y:g} v36 h24"),
            draw_text(x + 30, y + 42, f"{requested} requested, {granted} sold", style="inside"),
        ]
    )


def _draw_tick(requested: int) -> str:
    x, y = _place_requested(requested), _place_sold(FEWEST) + 14
    return f"{draw_line(f'M{x:g} {y:g} v8')}\n{draw_text(x, y + 26, requested, style='middle')}"


def _place_day(day: date) -> float:
    """Return the place of a day on the timeline, which shows forty days."""
    return MARGIN + (day - BOUGHT_ON).days * (WIDTH - 2 * MARGIN) / 40


def _place_requested(channels: float) -> float:
    """Return the horizontal place of a number of channels that is requested."""
    return 40 + (channels - FEWEST) * 7.5


def _place_sold(channels: float) -> float:
    """Return the vertical place of a number of channels that is sold."""
    return 314 - (channels - FEWEST) * 3.75


def _bar(left: float, right: float, top: int, first: str, second: object, kind: str = "") -> str:
    """Return a bar with two lines of text in its middle."""
    x, inside = (left + right) / 2, "middle" if kind else "middle inside"
    return "\n".join(
        [
            f'<rect class="{f"bar {kind}".strip()}" x="{left:g}" y="{top}"'
            f' width="{right - left:g}" height="{BAR_HEIGHT}"/>',
            draw_text(x, top + 25, first, style=inside),
            draw_text(x, top + 49, second, style=inside),
        ]
    )


PICTURES: Mapping[str, Callable[[], str]] = {
    "change.svg": draw_change,
    "staircase.svg": draw_staircase,
}
"""The function that draws each file in the folder."""


if __name__ == "__main__":
    for name, draw in PICTURES.items():
        (FOLDER / name).write_text(draw(), encoding="utf-8")

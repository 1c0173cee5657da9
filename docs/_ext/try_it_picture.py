"""The picture of the page "Try it": the price and the refused calls for several channels."""

from collections.abc import Iterator, Sequence

import attrs

from channelplans.erlang import erlang_b
from channelplans.explore import Combination, Need, compare_plans
from drawing import MARGIN, WIDTH, draw_card, draw_line, draw_text

__all__ = ["describe_picture", "draw_picture", "format_part"]

# The width of the picture has room for so many numbers of channels.
BARS = 11
# The largest need that the library compares.
MOST_CHANNELS = 5_000

STEP = (WIDTH - 2 * MARGIN) / BARS
BAR_WIDTH = 34
TALLEST = 100
# The lines on which the two rows of bars stand.
PRICE_LINE, REFUSED_LINE = 158, 348


@attrs.frozen
class Bar:
    """One number of channels: its price in smallest units, and the part of calls it refuses."""

    channels: int
    price: int
    refused: float


def describe_picture(best: Combination, erlangs: float) -> str:
    """Return a sentence with the part of calls that the channels of a plan refuse."""
    refused = format_part(erlang_b(erlangs, best.channels))
    return f"{best.channels:,} channels refuse {refused} of the calls in the busy hour."


def format_part(part: float) -> str:
    """Return a part as percent with two digits, such as ``0.81 %``."""
    percent = 100 * part
    if 0 < percent < 0.01:
        return "below 0.01 %"
    return f"{percent:.0f} %" if percent >= 10 else f"{percent:.2g} %"


def draw_picture(best: Combination, erlangs: float) -> str:
    """Return bars for the needed channels, and for fewer and more channels, as an SVG file."""
    bars = [*_find_bars(best, erlangs)]
    needed = best.need.needed
    price = f"price of 30 days: {best.per_30_days} for {needed:,} channels"
    refused = f"calls refused: {format_part(erlang_b(erlangs, needed))} with {needed:,} channels"
    parts = [
        *_draw_row(PRICE_LINE, price, [(bar.channels, bar.price) for bar in bars], needed),
        *_draw_row(REFUSED_LINE, refused, [(bar.channels, bar.refused) for bar in bars], needed),
        draw_text(WIDTH / 2, 402, "channels", style="strong middle"),
    ]
    return draw_card(best.product.offer.full_name, describe_picture(best, erlangs), 420, parts)


def _find_bars(best: Combination, erlangs: float) -> Iterator[Bar]:
    """Yield a bar for each number of channels that the product can serve."""
    needed, minutes = best.need.needed, best.need.minutes
    stride = max(1, needed // 20)
    first = max(1, needed - BARS // 2 * stride)
    for channels in range(first, min(first + BARS * stride, MOST_CHANNELS + 1), stride):
        need = Need(channels=channels, minutes=minutes)
        found = compare_plans(need, [best.product]).options[0].best
        if found is not None:
            yield Bar(channels, found.per_30_days.minor, erlang_b(erlangs, channels))


def _draw_row(
    line: int, title: str, heights: Sequence[tuple[int, float]], needed: int
) -> Iterator[str]:
    """Yield the title, the bars and the numbers of one row; the needed channels are dark."""
    yield draw_text(MARGIN, line - TALLEST - 24, title, style="strong")
    tallest = max(height for _, height in heights) or 1
    for index, (channels, height) in enumerate(heights):
        x = MARGIN + STEP * (index + 0.5)
        top = line - TALLEST * height / tallest
        kind, style = ("dot", "strong middle") if channels == needed else ("bar", "middle")
        yield (
            f'<rect class="{kind}" x="{x - BAR_WIDTH / 2:g}" y="{top:g}" width="{BAR_WIDTH}"'
            f' height="{line - top:g}"/>'
        )
        yield draw_text(x, line + 24, f"{channels}", style=style)
    yield draw_line(f"M{MARGIN} {line} H{WIDTH - MARGIN}")

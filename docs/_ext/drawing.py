"""Parts of a picture as SVG: a card, lines and texts.

A picture is a card with a white background, so that it can be read on a dark page too. It needs no
colours: a bar with stripes is money that is refunded. This module imports nothing of the library,
because the page "Try it" loads it in a browser, too.
"""

from html import escape

__all__ = ["MARGIN", "WIDTH", "draw_card", "draw_line", "draw_text"]

# A phone shows a picture at about half of this width, so the text is large.
WIDTH = 600
MARGIN = 20
STYLE = """
.card { fill: #ffffff; stroke: #8c959f; }
.bar { fill: #cfe2ff; stroke: #1f2328; stroke-width: 1.5; }
.area { fill: #cfe2ff; }
.refund { fill: url(#stripes); stroke-dasharray: 6 4; }
.line { fill: none; stroke: #1f2328; stroke-width: 1.5; }
.thick { stroke-width: 3.5; }
.dashed { stroke-dasharray: 6 4; }
.dot { fill: #1f2328; }
text { fill: #1f2328; font-family: sans-serif; font-size: 18px;
  paint-order: stroke; stroke: #ffffff; stroke-width: 6px; stroke-linejoin: round; }
.inside { stroke: #cfe2ff; }
.strong { font-weight: 700; }
.middle { text-anchor: middle; }
.end { text-anchor: end; }
"""
STRIPES = (
    '<defs><pattern id="stripes" width="9" height="9" patternUnits="userSpaceOnUse"'
    ' patternTransform="rotate(45)"><rect width="9" height="9" fill="#ffffff"/>'
    '<path d="M0 0 V9" stroke="#8c959f" stroke-width="3"/></pattern></defs>'
)


def draw_card(title: str, description: str, height: int, parts: list[str]) -> str:
    """Return an SVG file: the parts of a picture on a white card."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title text"'
            f' viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="text">{escape(description)}</desc>',
            f"<style>{STYLE}</style>",
            STRIPES,
            f'<rect class="card" x="0.5" y="0.5" rx="8" width="{WIDTH - 1}"'
            f' height="{height - 1}"/>',
            *parts,
            "</svg>\n",
        ]
    )


def draw_line(path: str, kind: str = "") -> str:
    """Return a line along a path."""
    return f'<path class="{f"line {kind}".strip()}" d="{path}"/>'


def draw_text(x: float, y: float, text: object, *, style: str = "") -> str:
    """Return a text at a place; the style names classes, such as ``strong middle``."""
    kind = f' class="{style}"' if style else ""
    return f'<text{kind} x="{x:g}" y="{y:g}">{escape(str(text))}</text>'

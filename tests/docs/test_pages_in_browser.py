"""Each page fits a wide and a narrow screen in light and dark colours, and nothing is missing.

`tox run -e docs` builds the pages and passes their folder as CHANNELPLANS_HTML.
"""

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
# The pages of the text, and the pages that Sphinx makes.
PAGES = [
    *sorted(
        path.relative_to(DOCS).with_suffix("").as_posix()
        for pattern in ("*.rst", "notebooks/*.md")
        for path in DOCS.rglob(pattern)
    ),
    "genindex",
    "py-modindex",
    "search",
]
# Opening a page takes longest. The pages of modules are alike, so some stand for all of them.
MODULE_PAGES = {"billing", "channelplans", "offers", "ports", "rules"}
OPENED_PAGES = [
    page
    for page in PAGES
    if not page.startswith("reference/")
    or page.startswith("reference/rules-")
    or page.removeprefix("reference/") in MODULE_PAGES
]
FIND_PROBLEMS = (Path(__file__).parent / "find_problems.js").read_text(encoding="utf-8")

# The layout does not depend on the colours, nor the colours on the width. So two screens show both.
SCREENS = ((1280, "light"), (390, "dark"))

# What a reader does not see of a page, or sees as code.
NOT_TEXT = re.compile(r"<(script|style|pre|code)\b.*?</\1>|<[^>]+>", re.DOTALL)

ATTRIBUTE = re.compile(r'\s(id|href|src)="([^"]*)"')

BROKEN_PAGE = """<!doctype html><title>Broken</title><script src="missing.js"></script>
<article>
<p style="width: 2000px">A line that is too long</p>
<pre style="width: 300px; overflow: auto">a line of code that is much longer than its box</pre>
<p style="color: #ccc; background: #fff">Grey</p>
<p>Readable</p>
<img src="missing.png">
</article>
<script>undefinedName</script>
"""


def find_problems(browser, page):
    """Open a page; return what is wrong with it on each screen, and its errors."""
    browser.get(page.as_uri())
    problems = []
    for width, scheme in SCREENS:
        set_screen(browser, width, scheme)
        found = browser.execute_script(FIND_PROBLEMS)
        problems += [f"{width} pixels, {scheme}: {problem}" for problem in found]
    errors = [entry["message"] for entry in browser.get_log("browser")]
    return problems + errors


def set_screen(browser, width, scheme):
    """Show the page as on a screen of this width, in light or dark colours."""
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


@cache
def read_attributes(page):
    """Return the anchors of a page, and the addresses that it refers to."""
    pairs = ATTRIBUTE.findall(page.read_text(encoding="utf-8"))
    anchors = {value for name, value in pairs if name == "id"}
    addresses = {value.replace("&amp;", "&") for name, value in pairs if name != "id"}
    return anchors, addresses


def leads_to_nothing(page, address):
    """Return whether a page refers to a file or an anchor that does not exist."""
    parts = urlsplit(address)
    if parts.scheme:
        return False
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.is_file():
        return True
    is_page = target.suffix == ".html" and parts.fragment
    return bool(is_page and unquote(parts.fragment) not in read_attributes(target)[0])


@pytest.mark.parametrize("page", OPENED_PAGES)
def test_page_fits_each_screen_and_has_no_errors(browser, html, page):
    """On each screen the page has no overflow, cut-off code, pale text or error."""
    problems = find_problems(browser, html / f"{page}.html")

    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("page", PAGES)
def test_page_refers_to_files_that_exist(html, page):
    """Each link, style, script and image of the page leads to a file, and to an anchor in it."""
    path = html / f"{page}.html"
    addresses = sorted(read_attributes(path)[1])
    broken = [address for address in addresses if leads_to_nothing(path, address)]

    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("page", PAGES)
def test_page_shows_no_markup(html, page):
    """Sphinx shows markup that it does not understand as text, such as code within a link."""
    text = NOT_TEXT.sub("", (html / f"{page}.html").read_text(encoding="utf-8"))
    shown = [line for line in text.splitlines() if "`" in line]

    assert not shown, "\n".join(shown)


def test_find_problems_reports_each_problem_of_a_broken_page(browser, tmp_path):
    """Overflow, cut-off code, pale text, a missing file and a script's error are all reported."""
    page = tmp_path / "broken.html"
    page.write_text(BROKEN_PAGE, encoding="utf-8")

    report = "\n".join(find_problems(browser, page))

    for problem in (
        '390 pixels, dark: the page is wider than the screen: <p> "A line that is too long"',
        '1280 pixels, light: code is cut off: <pre> "a line of code',
        'text has a contrast of 1.6: <p> "Grey"',
        "cannot show the image missing.png",
        "missing.js",
        "undefinedName is not defined",
    ):
        assert problem in report
    assert "Readable" not in report


@pytest.mark.parametrize("address", ["missing.html", "page.html#missing", "#missing"])
def test_leads_to_nothing_finds_a_broken_link(tmp_path, address):
    """A link to a missing file or a missing anchor leads to nothing."""
    page = tmp_path / "page.html"
    page.write_text('<p id="here"></p>', encoding="utf-8")

    assert leads_to_nothing(page, address)
    assert not leads_to_nothing(page, "page.html#here")

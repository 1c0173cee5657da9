"""The page "Try it" runs the library in headless Chromium, from a folder of files."""

import csv
import re
import subprocess
import sys
from datetime import UTC
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from tests.chromium import skip_or_fail
from tests.docs.test_pages_in_browser import FIND_PROBLEMS, SCREENS, set_screen

from channelplans import EUR, SKYPE_CONNECT, InvalidValue, Tariff, channels_for
from channelplans.explore import Need, Product, compare_plans, measure_traffic, read_calls
from channelplans.offers import OFFERS

DOCS = Path(__file__).resolve().parents[2] / "docs"
NO_RUNTIME = (
    "the pages were built without the browser runtime; .ci/browser_runtime.sh makes it, and"
    " CHANNELPLANS_BROWSER_RUNTIME names its folder"
)

PRICES = """offer,name,currency,channel,bundle,minute
skype-connect,light,EUR,6.95,10,0.021
sipstation,heavy,EUR,24.99,,0.01
"""
PRODUCTS = [
    Product(
        SKYPE_CONNECT,
        Tariff("light", EUR, "6.95", bundle="10", minute="0.021", rates={"US": "0.021"}),
    ),
    Product(
        OFFERS["sipstation"], Tariff("heavy", EUR, "24.99", minute="0.01", rates={"US": "0.01"})
    ),
]
# Three calls run at the same time at 10:10.
CALLS = """start,seconds,id
2026-01-05 10:00:00,1800,a
2026-01-05 10:05:00,1800,b
2026-01-05 10:10:00,1800,c
2026-01-05 10:15:00,-5,d
"""
HOSTILE_NAME = "<img src=x onerror=document.title='broken'>"


class QuietHandler(SimpleHTTPRequestHandler):
    """Serve files without a line for each request."""

    def log_message(self, *args):
        """Write nothing."""


class TryIt:
    """The open page, with the fields and the buttons that a reader uses."""

    def __init__(self, browser):
        """Drive this browser, in which the page is open."""
        self.browser = browser

    def calculate(self, **fields):
        """Fill in the fields, press Enter in the first one and wait for the answer."""
        from selenium.webdriver.common.keys import Keys
        from selenium.webdriver.support.wait import WebDriverWait

        form = {"employees": "", "minutes": "", "destination": "US", "calls": "", "prices": PRICES}
        for name, text in (form | fields).items():
            script = "document.forms['try-it-form'].elements[arguments[0]].value = arguments[1]"
            self.browser.execute_script(script, name, text)
        self.browser.find_element("name", "employees").send_keys(Keys.ENTER)
        WebDriverWait(self.browser, 120).until(lambda _: "alculated." in self.text("status"))

    def text(self, part):
        """Return the text of a part of the page: the status, the error or the answer."""
        return self.browser.find_element("id", f"try-it-{part}").text

    def find_all(self, selector):
        """Return the elements of the answer and of the error that a selector finds."""
        boxes = "#try-it-answer, #try-it-error"
        return self.browser.find_elements("css selector", f":is({boxes}) {selector}")


@pytest.fixture(scope="module")
def address(html):
    """Serve the folder of the pages, and return its address."""
    if not (html / "_static" / "runtime").is_dir():
        skip_or_fail(NO_RUNTIME, "pyodide")
    handler = partial(QuietHandler, directory=html)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def page(browser, address):
    """Open the page, unless it is open, because its first calculation loads Python."""
    if browser.current_url != f"{address}try-it.html":
        browser.get(f"{address}try-it.html")
    return TryIt(browser)


def test_page_shows_the_plan_and_the_price_that_the_library_computes(page):
    """For 45 employees and 10,300 minutes the page shows the cheapest of the two products."""
    page.calculate(employees="45", minutes="10300")
    need = Need(employees=45, minutes={"US": 10_300})
    best = compare_plans(need, PRODUCTS).cheapest.best
    assert best is not None
    plan, price, *_ = page.text("answer").splitlines()

    assert f"{best.profiles} of Skype Connect (help page)" == plan
    assert f"{best.per_30_days} for 30 days, {best.per_year} for a year" == price


def test_page_shows_a_picture(page):
    """The picture is drawn, and its alternative text says what the channels refuse."""
    page.calculate(employees="30")
    (picture,) = page.find_all("img")

    assert int(picture.get_property("naturalWidth")) == 600
    assert picture.get_attribute("alt") == (
        "8 channels refuse 0.81 % of the calls in the busy hour."
    )


def test_page_sizes_from_a_call_log(page):
    """The calls decide, not the employees; the page lists the row that is not a call."""
    page.calculate(employees="300", calls=CALLS)
    log = read_calls(csv.DictReader(CALLS.splitlines()), seconds="seconds", zone=UTC)
    erlangs = measure_traffic(log.calls, zone=UTC).erlangs
    needed = channels_for(erlangs, blocking=0.02)

    assert page.text("answer").startswith(f"{needed} channels of Skype Connect")
    assert f"{needed} channels would have refused 0 of the 3 calls" in page.text("answer")
    assert log.refused[0].reason in page.text("answer")


def test_page_shows_the_message_of_the_library_for_a_bad_price(page):
    """A price with too many decimals gives the library's message, with the line, and no answer."""
    with pytest.raises(InvalidValue) as error:
        Tariff("light", EUR, "6.955")
    page.calculate(employees="30", prices=PRICES.replace("6.95", "6.955"))

    assert f"line 2 of the price list: {error.value}" == page.text("error")
    assert "" == page.text("answer")


def test_page_calculates_after_an_error(page):
    """A corrected form gives an answer, and the error disappears."""
    page.calculate(employees="none")
    message = page.text("error")
    page.calculate(employees="30")

    assert message == "employees must be a whole number, such as 30, not 'none'"
    assert "" == page.text("error")
    assert page.text("answer").startswith("8 channels of Skype Connect")


@pytest.mark.parametrize(
    "fields",
    [
        {"employees": "30", "prices": PRICES.replace("light", HOSTILE_NAME)},
        {"employees": "30", "prices": PRICES.replace("skype-connect", HOSTILE_NAME)},
        {"employees": HOSTILE_NAME},
        {"employees": "30", "minutes": "1", "destination": HOSTILE_NAME},
        {"calls": CALLS.replace("-5", HOSTILE_NAME)},
    ],
    ids=["name", "offer", "employees", "destination", "calls"],
)
def test_page_shows_a_hostile_name_as_text(page, fields):
    """Markup in a field stays text, in an answer and in an error, and runs nothing."""
    page.calculate(**fields)

    assert HOSTILE_NAME in page.text("answer") + page.text("error")
    assert [] == page.find_all("img[src=x]")
    assert page.browser.title.startswith("Try it")


def test_page_reads_a_call_log_from_a_file(page, tmp_path):
    """The content of a file that the reader chooses is the call log."""
    from selenium.webdriver.support.wait import WebDriverWait

    path = tmp_path / "calls.csv"
    path.write_text(CALLS, encoding="utf-8")
    page.calculate(employees="30")
    page.browser.find_element("id", "try-it-file").send_keys(str(path))
    script = "return document.getElementById('try-it-calls').value"

    WebDriverWait(page.browser, 10).until(lambda browser: browser.execute_script(script) == CALLS)


def test_page_with_an_answer_fits_each_screen(page):
    """With an answer the page has no overflow, pale text or missing picture on each screen."""
    page.browser.get_log("browser")
    page.calculate(employees="30", calls=CALLS, minutes="10300")
    problems = []
    for width, scheme in SCREENS:
        set_screen(page.browser, width, scheme)
        problems += page.browser.execute_script(FIND_PROBLEMS)
    errors = [entry["message"] for entry in page.browser.get_log("browser")]

    assert [] == problems + errors


def test_page_loads_everything_from_its_own_server(page, address):
    """Neither Python nor the library comes from another server."""
    page.calculate(employees="30")
    script = "return performance.getEntriesByType('resource').map((entry) => entry.name)"
    loaded = page.browser.execute_script(script)

    assert any(name.endswith("pyodide.asm.wasm") for name in loaded)
    assert [] == [name for name in loaded if not name.startswith((address, "data:"))]


def test_page_that_is_open_as_a_file_says_how_to_serve_it(address, browser, html):
    """A browser loads no Python for a page that is a file, so the page says what to do."""
    browser.get((html / "try-it.html").as_uri())
    page = TryIt(browser)
    button = browser.find_element("css selector", "#try-it-form [type=submit]")

    assert "python -m http.server" in page.text("status")
    assert not button.is_enabled()


@pytest.mark.parametrize("tag", ["browser_runtime", "none"])
def test_page_without_the_runtime_says_so(tag, tmp_path):
    """A copy that was built without the runtime has a sentence instead of the form."""
    pytest.importorskip("sphinx", reason="Sphinx is not installed; tox installs it")
    source, built = tmp_path / "source", tmp_path / "built"
    source.mkdir()
    (source / "try-it.rst").write_text((DOCS / "try-it.rst").read_text("utf-8"), "utf-8")
    options = ["-C", "-D", "root_doc=try-it", "-t", tag, "-Q"]
    command = [sys.executable, "-m", "sphinx", *options, str(source), str(built)]
    subprocess.run(command, check=True)
    page = (built / "try-it.html").read_text("utf-8")

    assert (tag == "none") == ("was built without the browser runtime" in page)
    assert (tag != "none") == bool(re.search("<form id=.try-it-form.", page))

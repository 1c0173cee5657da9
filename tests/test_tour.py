"""The tour: the stories of two accounts, and the errors for mistakes in a story's file."""

import re
import runpy
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
FILES = ("account.toml", "second.toml")
STORY, SECOND_STORY = ((EXAMPLES / file).read_text(encoding="utf-8") for file in FILES)
BECAUSE = next(line for line in STORY.splitlines(keepends=True) if line.startswith("because"))
MAIN = runpy.run_path(str(EXAMPLES / "tour.py"))["main"]


@pytest.fixture
def tour(capsys):
    """Return a function that runs the tour, and returns its output and its exit message."""

    def run_tour(*arguments):
        message = None
        try:
            MAIN(list(map(str, arguments)))
        except SystemExit as stop:
            message = stop.code
        return capsys.readouterr().out, message

    return run_tour


@pytest.fixture
def story(tour):
    """Return a function that returns the story of a file."""

    def print_story(file):
        output, message = tour(EXAMPLES / file)
        assert message is None
        return output

    return print_story


def test_tour_runs_as_a_script():
    """Without arguments the script prints both stories, in the order of the files."""
    command = [sys.executable, "examples/tour.py"]
    run = subprocess.run(
        command, capture_output=True, text=True, check=False, encoding="utf-8", cwd=EXAMPLES.parent
    )

    assert (0, "") == (run.returncode, run.stderr)
    assert ["examples/account.toml", "examples/second.toml"] == re.findall(
        r"^The story of account .*, from (.*)\.$", run.stdout, re.MULTILINE
    )


def test_stories_are_printed_in_turn(tour, story):
    """Several files are printed one after another, with an empty line between them."""
    output, _ = tour(*(EXAMPLES / file for file in FILES))

    assert "\n".join(map(story, FILES)) == output


def test_help_explains_the_arguments(tour):
    """``--help`` says what the script does, and which files it reads by default."""
    output, exit_status = tour("--help")

    assert 0 == exit_status
    assert "Print the story of one or more accounts" in output
    assert "default: account.toml and second.toml" in output


@pytest.mark.parametrize(
    "sentence",
    [
        "Berlin support                  950              108       110          1.31%",
        "Bydgoszcz contact centre      3,300              345  300 + 45          1.91%",
        "Berlin support was advised 110 channels and orders 107.\n"
        "Why: Half of the team works in the evening, when fewer customers call.\n100 channels",
        "100 channels (107 requested: above 100, multiples of 10, rounded down), 2026-01-05 to",
        "24 channels and 1 bundle of 5,000 minutes, 2026-01-19 to 2026-02-18",
        "It is not available from 2026-02-04 on.",
        "Minutes of gdynia: 0:00:00 of 83:20:00 left.",
        "Next renewals",
    ],
)
def test_first_story_shows_advice_quotes_decisions_and_usage(story, sentence):
    """The story shows each part of an account's life, and why Berlin orders fewer channels."""

    assert sentence in story("account.toml")


@pytest.mark.parametrize(
    "sentence",
    [
        "7 channels and 1 bundle of 2,000 minutes, 2026-03-10 to 2026-04-01",
        "channels  7 x 3.00 for 22 of 31 days  14.90",
        "set-up                      1 x 5.00   5.00",
        "Paid for this term so far: 25.58 GBP.\n8 channels and 3 bundles of 2,000 minutes",
        "Total 39.06 GBP; renews on 2026-04-01.\n2026-03-20: change profile 'leeds'",
        "bundles   2 x 8.00 for 22 of 31 days  11.35",
        "The change comes with the next term, on 2026-05-01.",
        "2026-05-01: profile 'leeds' cannot renew in full",
        "The balance did not cover the bundles of profile 'leeds', so only the channels were",
        "york: on 2026-06-01, 1 channel, 3.00 GBP",
    ],
)
def test_second_story_shows_a_shorter_first_term_and_dropped_bundles(story, sentence):
    """The second offer prorates the first term, and drops bundles that the balance cannot pay.

    In March 22 of 31 days remain: two more add-ons cost 16.00 x 22/31 = 11.35, and one more channel
    costs 3.00 x 22/31 = 2.13. The purchase cost 14.90 for seven channels, 5.68 for a bundle and
    5.00 for the set-up: 25.58, and 39.06 with the change.
    """

    assert sentence in story("second.toml")


@pytest.mark.parametrize(
    ("file", "opening"),
    [
        ("account.toml", "The story of account Baltica, 2026-01-05 to 2026-04-05, from "),
        ("second.toml", "The story of account Pennine, 2026-03-10 to 2026-05-09, from "),
    ],
)
def test_story_begins_with_the_account_the_days_and_the_file(story, file, opening):
    """The first line names the input; the second line names the offer and the prices."""
    first_line, second_line, *_ = story(file).splitlines()

    assert first_line.startswith(opening)
    assert first_line.endswith(f"examples/{file}.")
    assert second_line.startswith("Offer: ")


@pytest.mark.parametrize("file", FILES)
def test_story_names_the_guideline_once(story, file):
    """All offices use the same guideline, so its long address is printed once."""

    assert 1 == story(file).count("https://erlangcalculator.pages.dev")


@pytest.mark.parametrize(("file", "warnings"), [*zip(FILES, (6, 0), strict=True)])
def test_story_prints_each_notice_once(story, file, warnings):
    """The emergency warning is printed with each of six quotes, and not with their decisions.

    Five profiles are bought, and one change restarts a subscription. The second offer has no
    notice.
    """

    assert warnings == story(file).count("cannot call emergency numbers.")


@pytest.mark.parametrize("file", FILES)
def test_statements_add_up(story, file):
    """Each balance of a statement is the balance before it plus the amount beside it."""
    output = story(file)
    statements = output[output.index("\nStatements") : output.index("\nNext renewals")]
    _, *wallets = statements.split("Wallet of ")

    assert 2 == len(wallets)
    for wallet in wallets:
        opening, *rows = [line.split() for line in wallet.splitlines() if line[-3:-2] == "."]
        balance = Decimal(opening[-1])
        for *_, amount, next_balance in rows:
            balance += Decimal(amount)
            assert next_balance == str(balance)


def test_calls_beyond_the_minutes_are_charged(story):
    """Of the calls to the bundle's area, the part beyond 5,000 minutes is charged.

    90 calls of 3,415 s count 3,420 s each, and a call of 31 s counts 36 s: 85:30:36 of 83:20:00.
    """
    lines = story("account.toml").splitlines()
    dialler = next(line.split() for line in lines if line.startswith("dialler"))
    short = next(line.split() for line in lines if line.startswith("short"))

    assert ["85:30:00", "83:20:00", "2:10:00"] == dialler[-4:-1]
    assert ["0:00:36", "0:00:00", "0:00:36"] == short[-4:-1]


MISTAKES = {
    "not TOML": (STORY, "= =", "Invalid"),
    "a repeated call": (
        'id = "short"',
        'id = "dialler"',
        "calls[2]: call 'dialler-0' was recorded before",
    ),
    "a repeated office": ('name = "Oslo"', 'name = "Gdynia"', "offices[2]"),
    "a story that leaves the calendar": ("starts = 2026-01-05", "starts = 9999-12-01", "starts"),
    "too many decimals": ("decimals = 2", "decimals = 99", "[tariff]"),
    "an unknown key": ("days = 90", 'days = 90\nweather = "fair"', "weather"),
    "an unknown key of an event": (
        "on = 2026-01-28",
        "on = 2026-01-28\nsoon = true",
        "events[8]: u",
    ),
    "a missing key": ("days = 90\n", "", "needs 'days'"),
    "an unknown offer": ('"skype-connect"', '"SKYPE"', "offer"),
    "an offer named like a function": ('"skype-connect"', '"quote"', "offer"),
    "an unknown zone": ('zone = "UTC"', 'zone = "Nowhere"', "zone 'Nowhere'"),
    "a price that is a float": ('channel = "6.95"', "channel = 6.95", "channel"),
    "a price with too many decimals": ('"6.95"', '"6.955"', "2 decimals"),
    "a lower-case currency": ('"EUR"', '"eur"', "capital letters"),
    "a headcount in words": ("employees = 45", 'employees = "45"', "employees"),
    "an office without employees": ("employees = 45", "employees = 0", "employees"),
    "too few profiles": ('["bydgoszcz-1", "bydgoszcz-2"]', '["bydgoszcz-1"]', "profiles"),
    "an order of an unknown office": ('order = "Oslo"', 'order = "Bergen"', "Bergen"),
    "too many channels": ("channels = 107", "channels = 350", "300 + 50"),
    "an order for fewer channels without a reason": (BECAUSE, "", "needs 'because'"),
    "too many bundles": ("channels = 24\nbundles = 1", "channels = 24\nbundles = 25", "24"),
    "an unknown event": ('deposit = "9000.00"', 'gift = "9000.00"', "events[1]"),
    "a day with a time": ("on = 2026-01-28", "on = 2026-01-28T00:00:00", "type date"),
    "a day outside the story": ("on = 2026-01-28", "on = 2027-01-28", "2027-01-28"),
    "no credit": ('deposit = "9000.00"', 'deposit = "90.00"', "is missing"),
    "a call of negative length": ("seconds = 31", "seconds = -31", "duration"),
    "an endless call": ("seconds = 31", f"seconds = {10**18}", "too large"),
    "a call without a rate": ('country = "DE"', 'country = "FR"', "'FR'"),
    "a call without a time zone": ("17:45:00+01:00", "17:45:00", "tzinfo"),
    "a call of an unknown profile": (
        'id = "short"\nprofile = "gdynia"',
        'id = "short"\nprofile = "x"',
        "'x'",
    ),
    "an empty repeat": ("repeat = 90", "repeat = 0", "repeat"),
    "calls that are not a list of tables": ("[[calls]]", "[[call]]", "call"),
}


@pytest.mark.parametrize(("original", "mistake", "expected"), MISTAKES.values(), ids=MISTAKES)
def test_mistake_in_the_first_story_is_explained(tour, tmp_path, original, mistake, expected):
    """The tour stops with one line that names the file and the mistake."""
    file = tmp_path / "account.toml"
    assert original in STORY
    file.write_text(STORY.replace(original, mistake), encoding="utf-8")
    _, message = tour(file)

    assert message.startswith(f"{file}: ")
    assert expected in message
    assert 1 == len(message.splitlines())


SECOND_MISTAKES = {
    "an unknown key": ("days = 60", 'days = 60\nweather = "fair"', "weather"),
    "a set-up fee that is a float": ('setup = "5.00"', "setup = 5.0", "setup"),
    "a set-up fee below zero": ('setup = "5.00"', 'setup = "-5.00"', "setup"),
    "a rate for another name": (
        'IE = "0.021"',
        'Ireland = "0.021"',
        "no rate for calls to 'IE'; it has rates for: GB, Ireland",
    ),
    "fewer channels and more bundles": (
        "channels = 8\nbundles = 2",
        "channels = 7\nbundles = 2",
        "change channels and bundles separately",
    ),
    "a change to the current plan": ("channels = 1\n", "channels = 3\n", "the plan is already"),
    "a change to no channels": ("channels = 1\n", "channels = 0\n", "at least 1"),
    "no credit for a change": ('deposit = "60.00"', 'deposit = "1.00"', "is missing"),
    "a call after the story": ("2026-03-24T16:30", "2026-07-24T16:30", "2026-07-24"),
}


@pytest.mark.parametrize(
    ("original", "mistake", "expected"), SECOND_MISTAKES.values(), ids=SECOND_MISTAKES
)
def test_mistake_in_the_second_story_is_explained(tour, tmp_path, original, mistake, expected):
    """The tour stops with one line that names the file and the mistake."""
    file = tmp_path / "second.toml"
    assert original in SECOND_STORY
    file.write_text(SECOND_STORY.replace(original, mistake), encoding="utf-8")
    _, message = tour(file)

    assert message.startswith(f"{file}: ")
    assert expected in message
    assert 1 == len(message.splitlines())


def test_mistake_in_a_later_file_keeps_the_earlier_story(tour, story, tmp_path):
    """The stories before the mistake are printed."""
    missing = tmp_path / "nothing.toml"
    output, message = tour(EXAMPLES / "second.toml", missing)

    assert output.startswith(story("second.toml"))
    assert message.startswith(f"{missing}: ")


def test_renewal_beyond_the_calendar_is_explained(tour, tmp_path):
    """The third term of 30 days from 5 October 9999 would end in the year 10000."""
    file = tmp_path / "account.toml"
    tariff = STORY[STORY.index("[tariff]") : STORY.index("# Each office")]
    events = '{ on = 9999-10-05, deposit = "99.00" }, { on = 9999-10-05, order = "Oslo" }'
    file.write_text(
        'name = "Baltica"\noffer = "skype-connect"\nstarts = 9999-10-05\ndays = 80\nzone = "UTC"\n'
        'offices = [{ name = "Oslo", employees = 8, profiles = ["oslo"] }]\n'
        f"events = [{events}]\n{tariff}",
        encoding="utf-8",
    )
    _, message = tour(file)

    failure = "profile 'oslo' of account 'Baltica', 9999-11-04 to 9999-12-04: failed; CalendarEnds"
    assert message.startswith(f"{file}: {failure}: ")


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["missing", "not UTF-8"])
def test_unreadable_file_is_explained(tour, tmp_path, content):
    """A file that is missing, or is not text, stops the tour with one line."""
    file = tmp_path / "account.toml"
    if content is not None:
        file.write_bytes(content)
    _, message = tour(file)

    assert message.startswith(f"{file}: ")
    assert 1 == len(message.splitlines())

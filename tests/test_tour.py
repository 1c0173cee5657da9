"""The example that tells two accounts' stories: what it prints, and what mistakes do."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
FILES = ("account.toml", "second.toml")
STORY, SECOND = ((EXAMPLES / file).read_text(encoding="utf-8") for file in FILES)


def tell(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the example as a user would."""
    command = [sys.executable, str(EXAMPLES / "tour.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")


@pytest.fixture(scope="module")
def told():
    """Return what the tour prints of its own files."""
    run = tell()
    assert (0, "") == (run.returncode, run.stderr)
    return run.stdout


@pytest.fixture(scope="module")
def told_of():
    """Return what the tour prints of each of its files by itself."""
    runs = {file: tell(EXAMPLES / file) for file in FILES}
    assert {(0, "")} == {(run.returncode, run.stderr) for run in runs.values()}
    return {file: run.stdout for file, run in runs.items()}


def test_without_a_file_both_stories_are_told_in_turn(told, told_of):
    """What is printed is what each file by itself has printed."""

    assert "".join(told_of[file] for file in FILES) == told


@pytest.mark.parametrize(
    "sentence",
    [
        "Berlin support                  950              108       110          1.31%",
        "Bydgoszcz contact centre      3,300              345  300 + 45          1.91%",
        "107 channels asked, 100 sold: above 100, multiples of 10, rounded down",
        "24 channels and 1 bundle of 5,000 minutes, 2026-01-19 to 2026-02-18",
        "from 2026-02-04 on it is no longer available. (H20)",
        "Minutes of gdynia: 0:00:00 of 83:20:00 left.",
        "Next renewals",
    ],
)
def test_the_tour_tells_the_whole_story(told_of, sentence):
    """Advice, quotes, decisions, usage and renewals are all told."""

    assert sentence in told_of["account.toml"]


@pytest.mark.parametrize(
    "sentence",
    [
        "7 channels and 1 bundle of 2,000 minutes, 2026-03-10 to 2026-04-01",
        "set-up           1        5.00   5.00",
        "Paid for this term so far: 25.58 GBP.\n8 channels and 3 bundles of 2,000 minutes",
        "Total 39.06 GBP; renews on 2026-04-01.\n2026-03-20: change profile leeds",
        "bundles          2        8.00  11.35",
        "The change comes with the next term, on 2026-05-01.",
        "2026-05-01: no renewal of leeds",
        "The credit did not do for the bundles of profile leeds.",
        "york: on 2026-06-01, 1 channel, 3.00 GBP",
    ],
)
def test_the_second_story_is_another_offers(told_of, sentence):
    """A part of a month, add-ons that add up, fewer later, and no credit for the add-ons.

    Of March 22 of 31 days are left: two add-ons more are 16.00 times 22/31, which is 11.35, and one
    channel more is 3.00 times 22/31, which is 2.13. What was paid before is 7 times 3.00 and 8.00,
    each times 22/31, 14.90 and 5.68, and 5.00 for the set-up: 25.58, and 39.06 with the change.
    """

    assert sentence in told_of["second.toml"]


@pytest.mark.parametrize(
    ("file", "opening"),
    [
        (
            "account.toml",
            "The story of account Baltica, 2026-01-05 to 2026-04-05, under Skype Connect",
        ),
        (
            "second.toml",
            "The story of account Pennine, 2026-03-10 to 2026-05-09, under VoIP Yonder",
        ),
    ],
)
def test_a_story_begins_with_what_it_is(told_of, file, opening):
    """The first line names the account, the days and the offer; 90 days, and 60, are told."""

    assert told_of[file].startswith(opening)


@pytest.mark.parametrize("file", FILES)
def test_the_guideline_is_named_once(told_of, file):
    """All offices are advised by the same guideline, and its long address is printed once."""

    assert 1 == told_of[file].count("https://erlangcalculator.pages.dev")


def test_a_purchase_tells_its_notice_once(told_of):
    """What a buyer must be told is told with each of six quotes, and not again once it is bought.

    Five profiles are bought, and one is changed, which buys anew. The second offer has no notice.
    """
    counts = tuple(told_of[file].count("cannot call emergency numbers. (H21)") for file in FILES)

    assert (6, 0) == counts
    assert 1 == told_of["account.toml"].count("no longer available. (H20)")


@pytest.mark.parametrize("file", FILES)
def test_statements_add_up(told_of, file):
    """Each balance of a statement is the one before it and the amount beside it."""
    told = told_of[file]
    statements = told[told.index("\nStatements") : told.index("\nNext renewals")]
    purses = statements.split("Purse of ")[1:]
    for purse in purses:
        forward, *rows = [line.split() for line in purse.splitlines() if line[-3:-2] == "."]
        balance = Decimal(forward[-1])
        for *_, change, after in rows:
            balance += Decimal(change)

            assert after == str(balance)
    assert len(purses) == 2


def test_overage_is_what_exceeds_the_minutes(told):
    """Of the calls to the bundle's area, what is counted beyond 5,000 minutes is charged.

    90 calls of 3,415 s count 3,420 s each, one of 31 s counts 36 s: 85:30:36 of 83:20:00.
    """
    dialler = next(line for line in told.splitlines() if line.startswith("dialler"))
    short = next(line for line in told.splitlines() if line.startswith("short"))

    assert ["85:30:00", "83:20:00", "2:10:00"] == dialler.split()[-4:-1]
    assert ["0:00:36", "0:00:00", "0:00:36"] == short.split()[-4:-1]


MISTAKES = {
    "not TOML": (STORY, "= =", "Invalid"),
    "a call that is told twice": ('id = "short"', 'id = "dialler"', "calls[2]: call 'dialler-0'"),
    "an office that is told twice": ('name = "Oslo"', 'name = "Gdynia"', "offices[2]"),
    "a story past the calendar": ("starts = 2026-01-05", "starts = 9999-12-01", "starts"),
    "too many decimals": ("decimals = 2", "decimals = 99", "[tariff]"),
    "an unknown key": ("days = 90", 'days = 90\nweather = "fair"', "weather"),
    "an unknown key of an event": (
        "on = 2026-01-28",
        "on = 2026-01-28\nsoon = true",
        "events[8]: u",
    ),
    "a missing key": ("days = 90\n", "", "needs 'days'"),
    "an unknown offer": ('"SKYPE_CONNECT"', '"SKYPE"', "offer"),
    "an offer that is a function": ('"SKYPE_CONNECT"', '"quote"', "offer"),
    "an unknown zone": ('zone = "UTC"', 'zone = "Nowhere"', "zone 'Nowhere'"),
    "a price that is a float": ('channel = "6.95"', "channel = 6.95", "channel"),
    "a price with too many decimals": ('"6.95"', '"6.955"', "2 decimals"),
    "a lower-case currency": ('"EUR"', '"eur"', "capital letters"),
    "a headcount in words": ("employees = 45", 'employees = "45"', "employees"),
    "nobody to call": ("employees = 45", "employees = 0", "employees"),
    "too few profiles": ('["bydgoszcz-1", "bydgoszcz-2"]', '["bydgoszcz-1"]', "profiles"),
    "an order for nobody": ('order = "Oslo"', 'order = "Bergen"', "Bergen"),
    "too many channels": ("channels = 107", "channels = 350", "300 + 50"),
    "too many bundles": ("channels = 24\nbundles = 1", "channels = 24\nbundles = 25", "24"),
    "an event that does nothing": ('deposit = "9000.00"', 'gift = "9000.00"', "events[1]"),
    "a day that is an instant": ("on = 2026-01-28", "on = 2026-01-28T00:00:00", "type date"),
    "a day outside the story": ("on = 2026-01-28", "on = 2027-01-28", "2027-01-28"),
    "no credit": ('deposit = "9000.00"', 'deposit = "90.00"', "more would do"),
    "a call of negative length": ("seconds = 31", "seconds = -31", "duration"),
    "a call without end": ("seconds = 31", f"seconds = {10**18}", "too large"),
    "a call without a rate": ('country = "DE"', 'country = "FR"', "'FR'"),
    "a call at no known instant": ("17:45:00+01:00", "17:45:00", "aware"),
    "a call of nobody": ('id = "short"\nprofile = "gdynia"', 'id = "short"\nprofile = "x"', "'x'"),
    "an empty repeat": ("repeat = 90", "repeat = 0", "repeat"),
    "calls that are no tables": ("[[calls]]", "[[call]]", "call"),
}


@pytest.mark.parametrize(("found", "replaced", "named"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_the_file_ends_in_one_sentence(tmp_path, found, replaced, named):
    """One line on stderr that names the mistake, exit status 1, no traceback."""
    file = tmp_path / "account.toml"
    assert found in STORY
    file.write_text(STORY.replace(found, replaced), encoding="utf-8")
    run = tell(file)

    assert (1, 1) == (run.returncode, len(run.stderr.splitlines()))
    assert run.stderr.startswith(f"{file}: ")
    assert named in run.stderr


SECOND_MISTAKES = {
    "an unknown key": ("days = 60", 'days = 60\nweather = "fair"', "weather"),
    "a set-up fee that is a float": ('setup = "5.00"', "setup = 5.0", "setup"),
    "a set-up fee below zero": ('setup = "5.00"', 'setup = "-5.00"', "setup"),
    "a rate for no country": ('IE = "0.021"', 'Ireland = "0.021"', "'Ireland'"),
    "more of one and fewer of another": (
        "channels = 8\nbundles = 2",
        "channels = 7\nbundles = 2",
        "change one at a time",
    ),
    "a change to what is held": ("channels = 1\n", "channels = 3\n", "already held"),
    "a change after which nothing is held": ("channels = 1\n", "channels = 0\n", "at least 1"),
    "no credit for a change": ('deposit = "60.00"', 'deposit = "1.00"', "more would do"),
    "a call after the story": ("2026-03-24T16:30", "2026-07-24T16:30", "2026-07-24"),
}


@pytest.mark.parametrize(
    ("found", "replaced", "named"), SECOND_MISTAKES.values(), ids=SECOND_MISTAKES
)
def test_a_mistake_in_the_second_file_ends_in_one_sentence(tmp_path, found, replaced, named):
    """One line on stderr that names the mistake, exit status 1, no traceback."""
    file = tmp_path / "second.toml"
    assert found in SECOND
    file.write_text(SECOND.replace(found, replaced), encoding="utf-8")
    run = tell(file)

    assert (1, 1) == (run.returncode, len(run.stderr.splitlines()))
    assert run.stderr.startswith(f"{file}: ")
    assert named in run.stderr


def test_a_mistake_after_a_story_leaves_that_story_told(told_of, tmp_path):
    """Files are told in turn, so that what comes before the mistake is there."""
    missing = tmp_path / "nothing.toml"
    run = tell(EXAMPLES / "second.toml", missing)

    assert (1, told_of["second.toml"]) == (run.returncode, run.stdout)
    assert run.stderr.startswith(f"{missing}: ")


def test_a_term_that_cannot_be_renewed_ends_in_one_sentence(tmp_path):
    """The third term of 30 days from 5 October 9999 would end in the year 10000."""
    file = tmp_path / "account.toml"
    tariff = STORY[STORY.index("[tariff]") : STORY.index("# Each office")]
    events = '{ on = 9999-10-05, deposit = "99.00" }, { on = 9999-10-05, order = "Oslo" }'
    file.write_text(
        'name = "Baltica"\noffer = "SKYPE_CONNECT"\nstarts = 9999-10-05\ndays = 80\nzone = "UTC"\n'
        'offices = [{ name = "Oslo", employees = 8, profiles = ["oslo"] }]\n'
        f"events = [{events}]\n{tariff}",
        encoding="utf-8",
    )
    run = tell(file)

    assert (1, 1) == (run.returncode, len(run.stderr.splitlines()))
    assert run.stderr.startswith(f"{file}: oslo, 9999-11-04 to 9999-12-04: failed; ")


def test_a_file_that_is_not_there_ends_in_one_sentence(tmp_path):
    """A missing file is a mistake like any other."""
    run = tell(tmp_path / "nothing.toml")

    assert (1, 1) == (run.returncode, len(run.stderr.splitlines()))


def test_a_file_that_is_no_text_ends_in_one_sentence(tmp_path):
    """A file of bytes that are no UTF-8 is a mistake like any other."""
    file = tmp_path / "account.toml"
    file.write_bytes(b"\xff\xfe")
    run = tell(file)

    assert (1, 1) == (run.returncode, len(run.stderr.splitlines()))

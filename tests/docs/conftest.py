"""Fixtures for the tests of the documentation's pages."""

import os
from pathlib import Path

import pytest
from tests.chromium import open_chromium, skip_or_fail

NOT_BUILT = "the pages are not built; `tox run -e docs` builds and tests them"


def pytest_collection_modifyitems(items):
    """Mark every test of this folder as slow."""
    for item in items:
        if item.nodeid.startswith("tests/docs/"):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def html():
    """Return the folder of the built pages, which tox passes to the tests."""
    if "CHANNELPLANS_HTML" not in os.environ:
        skip_or_fail(NOT_BUILT)
    return Path(os.environ["CHANNELPLANS_HTML"])


@pytest.fixture(scope="session")
def browser():
    """Return headless Chromium, the same for all pages."""
    pytest.importorskip("selenium", reason="selenium is not installed; tox installs it")
    with open_chromium() as chromium:
        yield chromium

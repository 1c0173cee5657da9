"""A headless Chromium for the tests that need a browser."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

NO_BROWSER = "Chromium and its driver are not installed; on Debian, .ci/chromium.sh installs both"


def is_required(name: str) -> bool:
    """Return whether CHANNELPLANS_REQUIRE names a server or a program: then no test may skip."""
    return name in os.environ.get("CHANNELPLANS_REQUIRE", "").split(",")


def skip_or_fail(message: str, name: str = "chromium") -> NoReturn:
    """Skip the test, or fail if Chromium, or another program of this name, is required."""
    if is_required(name):
        pytest.fail(message)
    pytest.skip(message)


@contextmanager
def open_chromium() -> Iterator["Chrome"]:
    """Start headless Chromium; where there is none, skip the test, or fail if it is required."""
    from selenium import webdriver

    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        skip_or_fail(NO_BROWSER)
    options = webdriver.ChromeOptions()
    options.binary_location = program
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # Chromium refuses root with its sandbox, and a container has little shared memory.
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    chromium = webdriver.Chrome(options, webdriver.ChromeService(driver))
    try:
        yield chromium
    finally:
        chromium.quit()

"""Fixtures for the page in Chromium, from `file://`, without a network.

Needs Chromium and its driver (Debian: `apt-get install chromium chromium-driver`). Skipped where they are missing,
unless FAITHFUL_SE_BROWSER=required.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from leaderboards.page.render import write_page
from tests.leaderboards.example_boards import small

if TYPE_CHECKING:
    from selenium.webdriver.remote.webdriver import WebDriver


@pytest.fixture(scope="session")
def browser(tmp_path_factory) -> Iterator[WebDriver]:
    pytest.importorskip("selenium")
    from tests.leaderboards.chromium import MISSING, start

    driver = start(tmp_path_factory.mktemp("profile"))
    if driver is None:
        if os.environ.get("FAITHFUL_SE_BROWSER") == "required":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def page(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("page") / "board.html"
    write_page(small(), path)
    return path


@pytest.fixture
def small_page(browser: WebDriver, page: Path) -> Iterator[WebDriver]:
    """The small board at desktop width in the light theme. After the test the console must be empty."""
    from tests.leaderboards.browser_actions import forget_choices, stored_theme
    from tests.leaderboards.chromium import size, theme

    size(browser, 1280, 900)
    theme(browser, "light")
    browser.get(page.as_uri())
    if stored_theme(browser):
        forget_choices(browser)
    yield browser
    assert browser.get_log("browser") == []

"""What the tests in a browser do, read and wait for."""

from __future__ import annotations

import time
from collections.abc import Callable

from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait


def find(browser: WebDriver, css: str):
    return browser.find_element(By.CSS_SELECTOR, css)


def names(browser: WebDriver) -> list[str]:
    rows = browser.find_elements(By.CSS_SELECTOR, "#checkpoints tbody tr[data-id]")
    return [find(row, "th .open").text for row in rows if row.is_displayed()]


def numbers(browser: WebDriver) -> list[str]:
    cells = browser.find_elements(By.CSS_SELECTOR, "#checkpoints tbody td.num")
    return [" ".join(cell.text.split()) for cell in cells]


def wait_until(browser: WebDriver, holds: Callable[[WebDriver], object]) -> None:
    WebDriverWait(browser, 10, 0.05).until(holds)


def stored_theme(browser: WebDriver) -> str | None:
    return browser.execute_script("return localStorage.getItem('faithful-se-theme')")


def reload_with_theme(browser: WebDriver, theme: str | None, choose: Callable[[], object]) -> None:
    """Choose a theme and load the page again.

    Chromium stores a choice a moment after it was made. A page that is loaded sooner has lost it for good, so the
    choice is repeated with longer pauses.
    """
    for pause in (0.1, 0.5, 2, 5):
        choose()
        time.sleep(pause)
        browser.refresh()
        if stored_theme(browser) == theme:
            return
    raise AssertionError(f"{theme} was chosen, {stored_theme(browser)} was stored")


def forget_choices(browser: WebDriver) -> None:
    reload_with_theme(browser, None, lambda: browser.execute_script("localStorage.clear()"))


def count_cards(browser: WebDriver) -> int:
    return len(browser.find_elements(By.CSS_SELECTOR, "#cards article"))


def wait_for_cards(browser: WebDriver, count: int) -> None:
    """Wait until a search on the small board has found so many of its three cards."""
    wait_until(browser, lambda b: find(b, "#card-count").text == f"{count} of 3 cards")
    assert count_cards(browser) == count


def show_filters(browser: WebDriver) -> None:
    """Boards with few checkpoints hide the filters of the table."""
    browser.execute_script("for (const id of ['filters', 'table-count']) document.getElementById(id).hidden = false")

"""What the tests in a browser look at and wait for."""

from __future__ import annotations

import time
from collections.abc import Callable

from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait


def one(browser: WebDriver, css: str):
    return browser.find_element(By.CSS_SELECTOR, css)


def names(browser: WebDriver) -> list[str]:
    rows = browser.find_elements(By.CSS_SELECTOR, "#checkpoints tbody tr[data-id]")
    return [one(row, "th").text for row in rows if row.is_displayed()]


def numbers(browser: WebDriver) -> list[str]:
    cells = browser.find_elements(By.CSS_SELECTOR, "#checkpoints tbody td.num")
    return [" ".join(cell.text.split()) for cell in cells]


def until(browser: WebDriver, holds: Callable[[WebDriver], object]) -> None:
    WebDriverWait(browser, 10, 0.05).until(holds)


def chosen(browser: WebDriver) -> str | None:
    return browser.execute_script("return localStorage.getItem('faithful-se-theme')")


def loaded_with(browser: WebDriver, choice: str | None, choose: Callable[[], object]) -> None:
    """The page loaded anew, with a choice that was made before.

    Chromium keeps a choice a moment after it was made: a page that is loaded sooner has lost it for good. So it is made
    again, and waited for longer.
    """
    for pause in (0.1, 0.5, 2, 5):
        choose()
        time.sleep(pause)
        browser.refresh()
        if chosen(browser) == choice:
            return
    raise AssertionError(f"{choice} was chosen, {chosen(browser)} was kept")


def forget(browser: WebDriver) -> None:
    loaded_with(browser, None, lambda: browser.execute_script("localStorage.clear()"))


def cards(browser: WebDriver) -> int:
    return len(browser.find_elements(By.CSS_SELECTOR, "#cards article"))


def searched(browser: WebDriver, count: int) -> None:
    until(browser, lambda b: one(b, "#card-count").text == f"{count} of 3 cards")
    assert cards(browser) == count

"""What the tests in a browser look at and wait for."""

from __future__ import annotations

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


def loaded_with(browser: WebDriver, choice: str | None) -> None:
    """The page loaded anew, with this choice. Chromium keeps it a moment later; a page loaded meanwhile has none."""

    def holds(browser: WebDriver) -> bool:
        browser.refresh()
        return chosen(browser) == choice

    until(browser, holds)


def forget(browser: WebDriver) -> None:
    browser.execute_script("localStorage.clear()")
    loaded_with(browser, None)


def cards(browser: WebDriver) -> int:
    return len(browser.find_elements(By.CSS_SELECTOR, "#cards article"))


def searched(browser: WebDriver, count: int) -> None:
    until(browser, lambda b: one(b, "#card-count").text == f"{count} of 3 documents")
    assert cards(browser) == count

"""Untrusted text in Chromium runs nothing."""

from __future__ import annotations

import pytest

from leaderboards.page.render import write_page
from tests.leaderboards.example_boards import small
from tests.leaderboards.hostile_text import ATTACK, EVERYTHING, QUOTES, with_text_everywhere

pytest.importorskip("selenium")
from selenium.common.exceptions import NoAlertPresentException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import Select

from tests.leaderboards.browser_actions import find, show_filters, wait_for_cards, wait_until
from tests.leaderboards.chromium import size


def test_a_transcript_runs_nothing_and_is_shown_as_it_is(small_page):
    wait_for_cards(small_page, 3)
    Select(find(small_page, "#card-label")).select_by_visible_text("world")
    wait_for_cards(small_page, 1)
    for summary in small_page.find_elements(By.CSS_SELECTOR, "#cards summary"):
        summary.click()
    wait_until(small_page, lambda b: len(b.find_elements(By.CSS_SELECTOR, "#cards .transcript")) == 3)
    turns = [
        turn.get_property("textContent") for turn in small_page.find_elements(By.CSS_SELECTOR, "#cards .transcript dd")
    ]
    assert turns.count(ATTACK) == 3 and turns.count(QUOTES) == 3
    assert turns.count("nice⟨U+202E⟩ecin") == 3 and turns.count("⟨U+001B⟩[31mred⟨U+0000⟩") == 3
    assert turns.count("lone ⟨U+D800⟩ surrogate") == 3 and turns.count("x" * 100_000) == 3
    assert find(small_page, "#cards .text").text == f"storm hits {ATTACK}"
    assert small_page.find_element(By.CSS_SELECTOR, "#cards .marked").text == "hits"
    assert small_page.execute_script("return [window.attacked, document.scripts.length, document.images.length]") == [
        None,
        4,
        0,
    ]
    with pytest.raises(NoAlertPresentException):
        _ = small_page.switch_to.alert


def test_the_policy_stops_what_would_get_past(small_page):
    # Even if markup gets into the page, no script or handler runs and no picture is loaded.
    small_page.execute_script(
        """
        const holder = document.createElement("div");
        holder.innerHTML = `<img src="https://example.org/x.png" onerror="window.attacked = 1">
          <b onclick="window.attacked = 2">b</b>`;
        document.body.append(holder);
        holder.querySelector("b").click();
        const script = document.createElement("script");
        script.textContent = "window.attacked = 3";
        document.body.append(script);
        """
    )
    refused: list[str] = []

    def all_refused(browser: WebDriver) -> bool:
        refused.extend(line["message"] for line in browser.get_log("browser"))
        return len(refused) >= 4

    # The picture, its handler, the other handler, the script.
    wait_until(small_page, all_refused)
    assert len(refused) == 4 and all("Content Security Policy" in line for line in refused)
    assert small_page.execute_script("return window.attacked") is None


def test_a_board_of_hostile_strings_runs_nothing(browser, tmp_path):
    write_page(with_text_everywhere(small(), EVERYTHING), tmp_path / "hostile.html")
    size(browser, 400, 850)
    browser.get((tmp_path / "hostile.html").as_uri())
    wait_for_cards(browser, 3)
    for opener in browser.find_elements(By.CSS_SELECTOR, "#checkpoints .open"):
        opener.click()
    show_filters(browser)
    for which in ("only-dataset", "plot", "card-task", "card-checkpoint"):
        select = Select(find(browser, f"#{which}"))
        select.select_by_index(len(select.options) - 1)
    wait_for_cards(browser, 1)
    browser.execute_script("for (const details of document.querySelectorAll('details')) details.open = true")
    wait_until(browser, lambda b: ATTACK in find(b, "#cards .transcript").get_property("textContent"))
    # The filter finds the selected dataset by its name.
    assert "1 task" in find(browser, "#table-count").text
    assert find(browser, "#checkpoints tbody [data-group=unseen]").text.startswith(".50")
    count = "return ['script', 'img', 'b'].map((tag) => document.getElementsByTagName(tag).length)"
    assert browser.execute_script(count) == [4, 0, 0] and browser.execute_script("return window.attacked") is None
    across = "const page = document.documentElement; return page.scrollWidth - page.clientWidth"
    assert browser.execute_script(across) == 0
    assert browser.get_log("browser") == []

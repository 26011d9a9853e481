"""The cards of documents, in Chromium."""

from __future__ import annotations

import pytest

from leaderboards.page.render import write_page
from tests.leaderboards.example_boards import large

pytest.importorskip("selenium")
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from tests.leaderboards.browser_actions import count_cards, find, wait_for_cards, wait_until
from tests.leaderboards.chromium import size


def test_cards_are_searched_and_opened(small_page):
    wait_for_cards(small_page, 3)
    find(small_page, "#words").send_keys("oslo")
    wait_for_cards(small_page, 1)
    assert "who wrote oslo" in find(small_page, "#cards").text
    find(small_page, "#search [type=reset]").click()
    wait_for_cards(small_page, 3)
    find(small_page, "#disagree").click()
    wait_for_cards(small_page, 2)
    Select(find(small_page, "#card-label")).select_by_visible_text("technology")
    wait_for_cards(small_page, 1)
    Select(find(small_page, "#card-checkpoint")).select_by_visible_text("mini-word")
    entries = small_page.find_elements(By.CSS_SELECTOR, "#cards .entry")
    assert len(entries) == 1 and "mini-word" in entries[0].text and "faithful" in entries[0].text
    assert find(entries[0], "u.named").text == "software" and "flips" in find(entries[0], "u.named").get_attribute(
        "class"
    )
    assert "masking it alone: +1.00" in find(entries[0], "u.named").get_attribute("title")
    assert "Answers technology, explains software, then answers other." in entries[0].text
    find(entries[0], "summary").click()
    wait_until(small_page, lambda b: "Which one word is most important?" in find(b, "#cards .entry").text)
    assert "local sales meets big [REDACTED]" in find(small_page, "#cards .entry").text


def test_hundreds_of_documents_are_shown_a_page_at_a_time(browser, tmp_path):
    write_page(large(20, 2, 20), tmp_path / "large.html")
    size(browser, 1280, 900)
    browser.get((tmp_path / "large.html").as_uri())
    wait_until(browser, lambda b: count_cards(b) == 20)
    assert find(browser, "#card-count").text == "240 of 240 cards"
    find(browser, "#more").click()
    wait_until(browser, lambda b: count_cards(b) == 40)
    card = find(browser, "#cards article")
    assert len(card.find_elements(By.CSS_SELECTOR, ".entry")) == 4
    find(card, "button").click()
    assert len(card.find_elements(By.CSS_SELECTOR, ".entry")) == 20
    assert browser.get_log("browser") == []

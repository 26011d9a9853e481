"""The cards of documents, in Chromium."""

from __future__ import annotations

import pytest

from leaderboards.page import write_page
from tests.leaderboards.boards import large

pytest.importorskip("selenium")
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from tests.leaderboards.browsing import cards, one, searched, until
from tests.leaderboards.chromium import size


def test_cards_are_searched_and_opened(shown):
    searched(shown, 3)
    one(shown, "#words").send_keys("oslo")
    searched(shown, 1)
    assert "who wrote oslo" in one(shown, "#cards").text
    one(shown, "#search [type=reset]").click()
    searched(shown, 3)
    one(shown, "#disagree").click()
    searched(shown, 2)
    Select(one(shown, "#card-label")).select_by_visible_text("technology")
    searched(shown, 1)
    Select(one(shown, "#card-checkpoint")).select_by_visible_text("mini-word")
    entries = shown.find_elements(By.CSS_SELECTOR, "#cards .entry")
    assert len(entries) == 1 and "mini-word" in entries[0].text and "faithful" in entries[0].text
    assert one(entries[0], "u.named").text == "software" and "flips" in one(entries[0], "u.named").get_attribute(
        "class"
    )
    assert "masking it alone: +1.00" in one(entries[0], "u.named").get_attribute("title")
    assert "Answers technology, explains software, then answers other." in entries[0].text
    one(entries[0], "summary").click()
    until(shown, lambda b: "Which one word is most important?" in one(b, "#cards .entry").text)
    assert "local sales meets big [REDACTED]" in one(shown, "#cards .entry").text


def test_hundreds_of_documents_are_shown_a_page_at_a_time(browser, tmp_path):
    write_page(large(20, 2, 20), tmp_path / "large.html")
    size(browser, 1280, 900)
    browser.get((tmp_path / "large.html").as_uri())
    until(browser, lambda b: cards(b) == 20)
    assert one(browser, "#card-count").text == "240 of 240 cards"
    one(browser, "#more").click()
    until(browser, lambda b: cards(b) == 40)
    card = one(browser, "#cards article")
    assert len(card.find_elements(By.CSS_SELECTOR, ".entry")) == 4
    one(card, "button").click()
    assert len(card.find_elements(By.CSS_SELECTOR, ".entry")) == 20
    assert browser.get_log("browser") == []

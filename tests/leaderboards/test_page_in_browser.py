"""The page in Chromium: the table, the matrix, the charts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leaderboards.board import Estimate
from leaderboards.page import write_page
from tests.leaderboards.boards import small
from tests.leaderboards.pieces import estimate
from tests.leaderboards.poison import NAME

pytest.importorskip("selenium")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from tests.leaderboards.browsing import names, numbers, one, until
from tests.leaderboards.chromium import size


def test_nothing_is_asked_of_a_network(shown):
    assert shown.execute_script("return performance.getEntriesByType('resource').map((one) => one.name)") == []
    assert shown.title == "Leaderboard <of> mini"


def test_the_table_is_sorted_by_click_and_by_keyboard(shown):
    assert names(shown) == ["mini-word", "mini", NAME]
    heads = shown.find_elements(By.CSS_SELECTOR, "#checkpoints thead th")
    assert [head.get_attribute("aria-sort") for head in heads[:4]] == [None, None, None, "descending"]
    heads[0].find_element(By.TAG_NAME, "button").click()
    assert names(shown) == [NAME, "mini", "mini-word"]
    assert heads[0].get_attribute("aria-sort") == "ascending" and heads[3].get_attribute("aria-sort") is None
    # "Against base", by keyboard: the base has no number and stays last in both directions.
    button = heads[4].find_element(By.TAG_NAME, "button")
    button.send_keys(Keys.ENTER)
    assert heads[4].get_attribute("aria-sort") == "descending" and names(shown) == ["mini-word", NAME, "mini"]
    button.send_keys(Keys.SPACE)
    assert heads[4].get_attribute("aria-sort") == "ascending" and names(shown) == [NAME, "mini-word", "mini"]


def test_the_table_is_filtered_by_typing(shown):
    one(shown, "#find").send_keys("RANDOM control")
    until(shown, lambda b: names(b) == [NAME])
    assert one(shown, "#table-count").text == "1 of 3 checkpoints, means over all tasks"
    assert one(shown, "#table-count").get_attribute("aria-live") == "polite"
    one(shown, "#find").send_keys(" nobody")
    until(shown, lambda b: names(b) == [])
    one(shown, "#filters [type=reset]").click()
    until(shown, lambda b: len(names(b)) == 3)


def test_the_table_is_filtered_by_group_and_task(shown):
    before = numbers(shown)
    assert before[0] == ".72 [.69, .75]" and before[1] == "+.67 ▲ 2 ▼ 0 of 2"
    Select(one(shown, "#group")).select_by_value("unseen")
    assert numbers(shown)[:4] == [
        ".50 [.47, .53]",
        "+.40 ▲ 1 ▼ 0 of 1",
        "+.44 [+.41, +.47]",
        "not measurable (headroom 0.03)",
    ]
    # The mean over chosen tasks, here one, which has its interval.
    Select(one(shown, "#group")).select_by_value("all")
    Select(one(shown, "#only-dataset")).select_by_value("agnews")
    assert numbers(shown)[:2] == [".94 [.91, .97]", "+.94 [+.91, +.97] ▲ 1 ▼ 0 of 1"]
    assert "on 1 task" in one(shown, "#table-count").text
    # Two tasks by style: a mean without an interval, and it says so.
    Select(one(shown, "#only-dataset")).select_by_value("")
    Select(one(shown, "#only-style")).select_by_value("attribution")
    assert numbers(shown)[0] == ".72" and "intervals only for whole groups" in one(shown, "#table-count").text
    one(shown, "#filters [type=reset]").click()
    # What the script writes is what the page was written with.
    until(shown, lambda b: numbers(b) == before)


def test_the_script_has_the_packages_rule_for_what_is_measurable(shown, tmp_path):
    """Over chosen tasks: .25 - .2, in binary less than .05, is room enough; .048 is not, and is not written as .05."""
    oracle = {"c0": 0.25, "c1": 0.248, "c2": 0.95}
    cells = [
        replace(
            c,
            metrics={
                **c.metrics,
                "faithful": estimate(0.2, 0.1),
                "faithful_random": estimate(0.2, 0.1),
                "faithful_oracle": estimate(oracle[c.checkpoint], 0.1),
            },
        )
        for c in small().cells
    ]
    write_page(replace(small(), cells=tuple(cells)), tmp_path / "board.html")
    shown.get((tmp_path / "board.html").as_uri())
    Select(one(shown, "#only-style")).select_by_value("attribution")
    rows = {row: one(shown, f"tr[data-id={row}] [data-metric=ccf]").text for row in oracle}
    assert rows == {"c0": ".00", "c1": "not measurable (headroom 0.04)", "c2": ".00"}


def test_an_interval_without_width_says_so_where_it_is_pointed_at(shown, tmp_path):
    """In words it would make its column three times as wide."""
    told = "over 1 of 2 tasks; the same in every document: the interval knows no spread"
    flat = Estimate(1.0, 1.0, 1.0, 300, told)
    board = small()
    people = tuple(
        replace(one, means={**one.means, "all": {**one.means["all"], "acc": flat}}) for one in board.checkpoints
    )
    cells = tuple(replace(one, metrics={**one.metrics, "acc": flat}) for one in board.cells)
    write_page(replace(board, checkpoints=people, cells=cells), tmp_path / "board.html")
    shown.get((tmp_path / "board.html").as_uri())
    # As the page was written, as the script writes it again, and in an opened row.
    for groups in ((), ("unseen", "all")):
        for group in groups:
            Select(one(shown, "#group")).select_by_value(group)
        cell = one(shown, "#checkpoints tbody [data-metric=acc]")
        assert " ".join(cell.text.split()) == "1.00 [1.00, 1.00] over 1 of 2 tasks"
        assert one(cell, ".flat").get_attribute("title") == told
    one(shown, "#checkpoints tbody tr .open").click()
    opened = shown.find_elements(By.CSS_SELECTOR, ".detail .flat")
    assert [found.get_attribute("title") for found in opened] == [told, told]
    assert "knows no spread" not in one(shown, "#checkpoints").text


def test_a_row_opens_to_its_tasks(shown):
    button = one(shown, "#checkpoints tbody tr .open")
    assert button.get_attribute("aria-expanded") == "false"
    button.send_keys(Keys.ENTER)
    assert button.get_attribute("aria-expanded") == "true"
    detail = one(shown, f"#{button.get_attribute('aria-controls')}")
    text = detail.text
    assert "agnews · attribution · one word" in text and "trec · attribution · one word" in text
    assert "Minus mini, same documents." in text and "282 : 0" in text and ".94 to .98" in text
    assert ".69 → .67" in text and "– → .00" in text and ".01 → .00" in text and "< .001" in text
    # It goes with its row when the table is sorted.
    one(shown, "#checkpoints thead button").click()
    rows = shown.find_elements(By.CSS_SELECTOR, "#checkpoints > tbody > tr")
    assert [row.get_attribute("class") for row in rows] == ["control", "base", "trained", "detail"]
    one(shown, "#checkpoints tbody .trained .open").click()
    assert shown.find_elements(By.CSS_SELECTOR, ".detail") == []


@pytest.mark.parametrize(("width", "height"), [(1280, 500), (1280, 1400), (400, 700)])
def test_an_opened_row_is_as_wide_as_the_table_has_room(shown, width, height):
    """Its box gets a scrollbar when a row makes it higher than the screen: the last column was below it."""
    size(shown, width, height)
    box = one(shown, "#table .scroll")
    before = shown.execute_script("return arguments[0].scrollWidth - arguments[0].clientWidth", box)
    for button in shown.find_elements(By.CSS_SELECTOR, "#checkpoints .open"):
        shown.execute_script("arguments[0].click()", button)
    wide, room = shown.execute_script("return [arguments[0].scrollWidth, arguments[0].clientWidth]", box)
    assert room - 50 < one(box, ".panel").size["width"] < room and (before > 0 or wide == room)


def test_the_matrix_says_what_its_colours_say(shown):
    cells = shown.find_elements(By.CSS_SELECTOR, "#heat tbody tr:not(.group) td:not(.num)")
    assert [cell.text for cell in cells] == [".00", ".10", "+.94▲", "+.40▲", "+.02", "−.06▼"]
    assert cells[3].find_element(By.CSS_SELECTOR, ".marker").get_attribute("aria-label") == "better"
    colours = [cell.value_of_css_property("background-color") for cell in cells]
    assert len(set(colours[2:])) == 4 and colours[0] == colours[1]
    assert [cell.value_of_css_property("outline-style") for cell in cells[2:4]] == ["solid", "none"]
    one(shown, "#intervals").click()
    assert cells[2].text.split() == ["+.94▲", "[+.91,", "+.97]"]


def test_charts_are_chosen_and_say_their_numbers(shown):
    figures = shown.find_elements(By.CSS_SELECTOR, "#plots > div")
    assert [figure.is_displayed() for figure in figures] == [True] + [False] * (len(figures) - 1)
    Select(one(shown, "#plot")).select_by_visible_text("trec")
    assert [i for i, figure in enumerate(figures) if figure.is_displayed()] == [len(figures) - 1]
    mark = one(figures[-1], "[aria-roledescription=point]")
    ActionChains(shown).move_to_element(mark).perform()
    until(shown, lambda b: one(b, ".tip").text == mark.get_attribute("aria-label") != "")

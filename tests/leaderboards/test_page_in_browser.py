"""The page in Chromium: the table, the matrix, the charts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leaderboards.board import Estimate
from leaderboards.number_format import rate
from leaderboards.page.render import write_page
from tests.leaderboards.board_parts import estimate
from tests.leaderboards.boards_from_files import board_of
from tests.leaderboards.example_boards import large, small
from tests.leaderboards.hostile_text import NAME
from tests.leaderboards.result_files import TASK, rows_of, write_run

pytest.importorskip("selenium")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from tests.leaderboards.browser_actions import find, names, numbers, show_filters, wait_until


def test_nothing_is_requested_from_a_network(small_page):
    assert small_page.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)") == []
    assert small_page.title == "Leaderboard <of> mini · faithful explanations"


def test_the_table_is_sorted_by_click_and_by_keyboard(small_page):
    assert names(small_page) == ["mini-word", "mini", NAME]
    heads = small_page.find_elements(By.CSS_SELECTOR, "#checkpoints thead tr:last-child th")
    assert [head.text.split(" ")[0] for head in heads[1:4]] == ["Faithful", "Lift", "Change"]
    assert [head.get_attribute("aria-sort") for head in heads[6:8]] == [None, "descending"]  # lift over all tasks
    heads[0].find_element(By.TAG_NAME, "button").click()
    assert names(small_page) == [NAME, "mini", "mini-word"]
    assert heads[0].get_attribute("aria-sort") == "ascending" and heads[7].get_attribute("aria-sort") is None
    # "Change" on trained datasets, by keyboard. The base has no number and stays last in both directions.
    button = heads[3].find_element(By.TAG_NAME, "button")
    button.send_keys(Keys.ENTER)
    assert heads[3].get_attribute("aria-sort") == "descending" and names(small_page) == ["mini-word", NAME, "mini"]
    button.send_keys(Keys.SPACE)
    assert heads[3].get_attribute("aria-sort") == "ascending" and names(small_page) == [NAME, "mini-word", "mini"]


def test_the_table_is_filtered_by_typing(small_page):
    assert not find(small_page, "#filters").is_displayed()  # three checkpoints need no filters
    show_filters(small_page)
    find(small_page, "#find").send_keys("RANDOM control")
    wait_until(small_page, lambda b: names(b) == [NAME])
    assert find(small_page, "#table-count").text == "1 of 3 checkpoints, means over all tasks"
    assert find(small_page, "#table-count").get_attribute("aria-live") == "polite"
    find(small_page, "#find").send_keys(" nobody")
    wait_until(small_page, lambda b: names(b) == [])
    find(small_page, "#filters [type=reset]").click()
    wait_until(small_page, lambda b: len(names(b)) == 3)


def test_trained_and_unseen_stand_side_by_side_and_are_filtered_by_task(small_page):
    show_filters(small_page)
    before = numbers(small_page)
    assert before[:10] == [
        ".94 [.91, .97]",
        "+.88 [+.85, +.91]",
        "+.94 ▲ 1 ▼ 0 of 1",
        ".50 [.47, .53]",
        "+.44 [+.41, +.47]",
        "+.40 ▲ 1 ▼ 0 of 1",
        "+.66 [+.63, +.69]",
        ".98 [.97, .99]",
        ".90 [.88, .92]",
        ".74 [.71, .77]",
    ]
    # One task is selected, which has its own interval. It is a trained one: the columns of unseen datasets are empty.
    Select(find(small_page, "#only-dataset")).select_by_value("agnews")
    of_task = [".94 [.91, .97]", "+.88 [+.85, +.91]", "+.94 [+.91, +.97] ▲ 1 ▼ 0 of 1"]
    assert numbers(small_page)[:7] == [*of_task, "–", "–", "–", "+.88 [+.85, +.91]"]
    assert "on 1 task" in find(small_page, "#table-count").text
    # Two tasks are selected by style. Their mean has no interval, and the page says so.
    Select(find(small_page, "#only-dataset")).select_by_value("")
    Select(find(small_page, "#only-style")).select_by_value("attribution")
    assert numbers(small_page)[6] == "+.66"
    assert "intervals only without a filter" in find(small_page, "#table-count").text
    find(small_page, "#filters [type=reset]").click()
    # The script writes the same numbers as Python.
    wait_until(small_page, lambda b: numbers(b) == before)


def test_lift_on_styles_that_were_not_trained_on(browser, tmp_path):
    """A training on attributions: the new styles are the other two. By hand from the cells; the base has none."""
    board = large(6, 1, 0)
    write_page(board, tmp_path / "board.html")
    browser.get((tmp_path / "board.html").as_uri())
    lifts = [
        cell.metrics["lift"].estimate
        for cell in board.cells
        if cell.checkpoint == "c2" and "attribution" not in cell.task
    ]
    expected = rate(sum(lifts) / len(lifts), signed=True)
    assert find(browser, "#filters").is_displayed()  # from six checkpoints on
    cell = find(browser, "tr[data-id=c2] [data-group='new styles']")
    assert cell.text == expected
    assert find(browser, "tr[data-id=c0] [data-group='new styles']").text == "–"
    # After a filter the script says the same.
    find(browser, "#filters [type=reset]").click()
    wait_until(browser, lambda b: cell.text == expected)
    Select(find(browser, "#only-style")).select_by_value("redaction")
    lifts = [c.metrics["lift"].estimate for c in board.cells if c.checkpoint == "c2" and "redaction" in c.task]
    assert cell.text == rate(sum(lifts) / len(lifts), signed=True)


def test_many_rows_are_cut_until_asked_for(browser, tmp_path):
    board = large(30, 1, 0)
    cells = tuple(cell for cell in board.cells if cell.task == board.tasks[0].id)
    write_page(replace(board, tasks=board.tasks[:1], cells=cells), tmp_path / "board.html")
    browser.get((tmp_path / "board.html").as_uri())
    assert len(names(browser)) == 12 and find(browser, "#all-rows").text == "Show all 30 checkpoints"
    rows = "return [...document.querySelectorAll('#matrix-1 + .scroll tbody tr')].filter((r) => r.offsetHeight).length"
    assert browser.execute_script(rows) == 3 + 2 + 12 + 12  # titles, bases, trained of 16, control arms
    find(browser, "#all-rows").click()
    find(browser, "#all-matrix").click()
    assert len(names(browser)) == 30 and browser.execute_script(rows) == 3 + 30


def test_what_cannot_be_measured_is_left_out_by_the_script_too(browser, tmp_path):
    """The base is constant on tweets. Over all tasks and after a filter, script and package write the same."""
    tweets = ("sentiment140", "attribution", "oneword")
    answers, others = (
        ["negative", "positive"] * 6,
        [("snli", style, "oneword") for style in ("attribution", "redaction")],
    )
    rows = {tweets: rows_of([0.0] * 12, tweets, acc=[1.0, 0.0] * 6, oracle=0.0, prediction="negative")}
    rows |= {task: rows_of([1.0] * 3 + [0.0] * 9, task, prediction=answers) for task in others}
    write_run(tmp_path / "results", rows)
    write_page(board_of(tmp_path / "results"), tmp_path / "index.html")
    browser.get((tmp_path / "index.html").as_uri())
    show_filters(browser)
    before = numbers(browser)
    assert before[0].startswith(".25 [") and before[0].endswith("] 1 not measurable")
    (accuracy,) = (cell for cell in before if "majority" in cell)
    assert accuracy.startswith(".83") and accuracy.endswith("majority .50")
    Select(find(browser, "#only-style")).select_by_value("attribution")
    assert numbers(browser)[0] == ".25 1 not measurable"
    assert find(browser, "#checkpoints .value").get_attribute("title") == "over 1 of 2 tasks"
    assert "".join(cell for cell in numbers(browser) if "majority" in cell) == ".75 majority .50"
    Select(find(browser, "#only-dataset")).select_by_value("sentiment140")
    assert numbers(browser)[0] == "not measurable"
    note = find(browser, "#checkpoints [data-metric=faithful] .note")
    assert 'answers "negative" for 12 of 12 texts' in note.get_attribute("title")
    find(browser, "#filters [type=reset]").click()
    wait_until(browser, lambda b: numbers(b) == before)
    find(browser, "#checkpoints .open").click()
    assert find(browser, ".detail .panel table").text.count("not measurable") == 4  # faithful, lift, ccf, valid only
    assert "majority .50" in find(browser, ".detail .panel table").text


def test_the_script_has_the_packages_rule_for_what_is_measurable(small_page, tmp_path):
    """Over selected tasks, .25 - .2 is enough, although below .05 in binary. .048 is not, and is not written as .05."""
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
    small_page.get((tmp_path / "board.html").as_uri())
    show_filters(small_page)
    Select(find(small_page, "#only-style")).select_by_value("attribution")
    rows = {row: find(small_page, f"tr[data-id={row}] [data-metric=ccf]").text for row in oracle}
    assert rows == {"c0": ".00", "c1": "not measurable (headroom 0.04)", "c2": ".00"}


def test_an_interval_without_width_says_so_where_it_is_pointed_at(small_page, tmp_path):
    """As text it would make its column three times as wide, so it is a tooltip."""
    note = "over 1 of 2 tasks; the same in every document: the interval has no width"
    flat = Estimate(1.0, 1.0, 1.0, 300, note)
    board = small()
    rows = tuple(
        replace(row, means={**row.means, "all": {**row.means["all"], "acc": flat}}) for row in board.checkpoints
    )
    cells = tuple(replace(row, metrics={**row.metrics, "acc": flat}) for row in board.cells)
    write_page(replace(board, checkpoints=rows, cells=cells), tmp_path / "board.html")
    small_page.get((tmp_path / "board.html").as_uri())
    # As Python wrote it, as the script writes it again, and in an opened row.
    show_filters(small_page)
    for styles in ((), ("attribution", "")):
        for style in styles:
            Select(find(small_page, "#only-style")).select_by_value(style)
        cell = find(small_page, "#checkpoints tbody [data-metric=acc]")
        assert " ".join(cell.text.split()) == "1.00 [1.00, 1.00]"
        assert find(cell, ".flat").get_attribute("title") == note
    find(small_page, "#checkpoints tbody tr .open").click()
    opened = small_page.find_elements(By.CSS_SELECTOR, ".detail .flat")
    assert [element.get_attribute("title") for element in opened] == [note, note]
    assert "has no width" not in find(small_page, "#checkpoints").text


def test_a_row_opens_to_its_tasks(small_page):
    button = find(small_page, "#checkpoints tbody tr .open")
    assert button.get_attribute("aria-expanded") == "false"
    button.send_keys(Keys.ENTER)
    assert button.get_attribute("aria-expanded") == "true"
    detail = find(small_page, f"#{button.get_attribute('aria-controls')}")
    text = detail.text
    assert "agnews · attribution · one word" in text and "trec · attribution · one word" in text
    assert "Minus mini, same documents." in text and "282 : 0" in text and ".94 to .98" in text
    assert ".69 → .67" in text and "– → .00" in text and ".01 → .00" in text and "< .001" in text
    # It goes with its row when the table is sorted.
    find(small_page, "#checkpoints thead button").click()
    rows = small_page.find_elements(By.CSS_SELECTOR, "#checkpoints > tbody > tr")
    assert [row.get_attribute("class") for row in rows] == ["control", "base", "trained best", "detail"]
    find(small_page, "#checkpoints tbody .trained .open").click()
    assert small_page.find_elements(By.CSS_SELECTOR, ".detail") == []


def test_an_opened_row_fits_a_desktop(small_page):
    """No box scrolls inside another: the tables of an opened row are as wide as they need, at most the page."""
    for button in small_page.find_elements(By.CSS_SELECTOR, "#checkpoints .open"):
        button.click()
    nested = "return document.querySelectorAll('.scroll .scroll').length"
    assert small_page.execute_script(nested) == 0
    box = find(small_page, "#table .scroll")
    assert small_page.execute_script("return arguments[0].scrollWidth - arguments[0].clientWidth", box) == 0


def test_the_matrix_says_what_its_colours_say(small_page):
    cells = small_page.find_elements(By.CSS_SELECTOR, "#heat tbody tr:not(.group) td")
    assert [cell.text for cell in cells] == [".00", ".10", "+.94▲", "+.40▲", "+.02", "−.06▼"]
    assert cells[3].find_element(By.CSS_SELECTOR, ".marker").get_attribute("aria-label") == "better"
    colours = [cell.value_of_css_property("background-color") for cell in cells]
    assert len(set(colours[2:])) == 4 and colours[0] == colours[1]
    assert [cell.value_of_css_property("outline-style") for cell in cells[2:4]] == ["solid", "none"]
    find(small_page, "#intervals").click()
    assert cells[2].text.split() == ["+.94▲", "[+.91,", "+.97]"]


def test_charts_are_chosen_and_say_their_numbers(small_page):
    figures = small_page.find_elements(By.CSS_SELECTOR, "#plots > div")
    assert [figure.is_displayed() for figure in figures] == [True] + [False] * (len(figures) - 1)
    Select(find(small_page, "#plot")).select_by_visible_text("trec")
    assert [i for i, figure in enumerate(figures) if figure.is_displayed()] == [len(figures) - 1]
    mark = find(figures[-1], "[aria-roledescription=point]")
    ActionChains(small_page).move_to_element(mark).perform()
    wait_until(small_page, lambda b: find(b, ".tip").text == mark.get_attribute("aria-label") != "")


def test_models_with_the_names_of_methods(small_page, tmp_path):
    """Scripts that keep names in plain objects find a method under `constructor`."""
    for index, name in enumerate(("constructor", "toString", "__proto__")):
        write_run(tmp_path / "results" / str(index), {TASK: rows_of([1.0, 0.0])}, model=name)
    write_page(board_of(tmp_path / "results"), tmp_path / "index.html")
    small_page.get((tmp_path / "index.html").as_uri())
    assert sorted(names(small_page)) == ["__proto__", "constructor", "toString"]
    assert "constructor" in find(small_page, "#plots").get_property("textContent")

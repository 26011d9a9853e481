"""The page in Chromium, from `file://`, with the network off: what it does, and that untrusted text does nothing.

Needs Chromium and its driver (Debian: `apt-get install chromium chromium-driver`). Skipped where they are missing,
unless FAITHFUL_SE_BROWSER=required.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from leaderboards.page import write_page
from tests.leaderboards.boards import large, small
from tests.leaderboards.poison import ATTACK, NAME, NASTY, QUOTES, poisoned

pytest.importorskip("selenium")
from selenium.common.exceptions import NoAlertPresentException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests.leaderboards.chromium import MISSING, size, start, theme


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[WebDriver]:
    found = start(tmp_path_factory.mktemp("profile"))
    if found is None:
        if os.environ.get("FAITHFUL_SE_BROWSER") == "required":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    yield found
    found.quit()


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("page") / "board.html"
    write_page(small(), path)
    return path


@pytest.fixture
def shown(browser: WebDriver, page: Path) -> Iterator[WebDriver]:
    """The small board, at desk width and in light; afterwards: nothing in the console."""
    size(browser, 1280, 900)
    theme(browser, "light")
    browser.get(page.as_uri())
    if chosen(browser):
        forget(browser)
    yield browser
    assert browser.get_log("browser") == []


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


def test_nothing_is_asked_of_a_network(shown):
    assert shown.execute_script("return performance.getEntriesByType('resource').map((one) => one.name)") == []
    assert shown.title == "Leaderboard <of> mini"


def test_sorted_by_click_and_by_keyboard(shown):
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


def test_the_whole_page_can_be_reached_by_tab(shown):
    one(shown, "body").send_keys(Keys.TAB)
    assert shown.switch_to.active_element.text == "Skip to the table"
    seen = set()
    for _ in range(45):
        shown.switch_to.active_element.send_keys(Keys.TAB)
        active = shown.switch_to.active_element
        seen.add(active.get_attribute("id") or active.get_attribute("class") or active.text)
    assert {"theme", "find", "group", "open", "scroll tall", "intervals", "plot", "words", "disagree"} <= seen


def test_filtered_by_typing(shown):
    one(shown, "#find").send_keys("RANDOM control")
    until(shown, lambda b: names(b) == [NAME])
    assert one(shown, "#table-count").text == "1 of 3 checkpoints, means over all tasks"
    assert one(shown, "#table-count").get_attribute("aria-live") == "polite"
    one(shown, "#find").send_keys(" nobody")
    until(shown, lambda b: names(b) == [])
    one(shown, "#filters [type=reset]").click()
    until(shown, lambda b: len(names(b)) == 3)


def test_filtered_by_group_and_task(shown):
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


def test_a_transcript_runs_nothing_and_is_shown_as_it_is(shown):
    searched(shown, 3)
    Select(one(shown, "#card-label")).select_by_visible_text("world")
    searched(shown, 1)
    for summary in shown.find_elements(By.CSS_SELECTOR, "#cards summary"):
        summary.click()
    until(shown, lambda b: len(b.find_elements(By.CSS_SELECTOR, "#cards .transcript")) == 3)
    turns = [turn.get_property("textContent") for turn in shown.find_elements(By.CSS_SELECTOR, "#cards .transcript dd")]
    assert turns.count(ATTACK) == 3 and turns.count(QUOTES) == 3
    assert turns.count("nice⟨U+202E⟩ecin") == 3 and turns.count("⟨U+001B⟩[31mred⟨U+0000⟩") == 3
    assert turns.count("lone ⟨U+D800⟩ surrogate") == 3 and turns.count("x" * 100_000) == 3
    assert one(shown, "#cards .text").text == f"storm hits {ATTACK}"
    assert shown.find_element(By.CSS_SELECTOR, "#cards .marked").text == "hits"
    assert shown.execute_script("return [window.attacked, document.scripts.length, document.images.length]") == [
        None,
        4,
        0,
    ]
    with pytest.raises(NoAlertPresentException):
        _ = shown.switch_to.alert


def test_the_policy_stops_what_would_get_past(shown):
    # Markup that came into the page by whatever way: no script, no handler, no picture from elsewhere runs or loads.
    shown.execute_script(
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

    def all_told(browser: WebDriver) -> bool:
        refused.extend(line["message"] for line in browser.get_log("browser"))
        return len(refused) >= 4

    # The picture, its handler, the other handler, the script.
    until(shown, all_told)
    assert len(refused) == 4 and all("Content Security Policy" in line for line in refused)
    assert shown.execute_script("return window.attacked") is None


def test_a_board_of_nasty_strings_runs_nothing(browser, tmp_path):
    write_page(poisoned(small(), NASTY), tmp_path / "nasty.html")
    size(browser, 400, 850)
    browser.get((tmp_path / "nasty.html").as_uri())
    searched(browser, 3)
    for opener in browser.find_elements(By.CSS_SELECTOR, "#checkpoints .open"):
        opener.click()
    for which in ("group", "only-dataset", "plot", "card-task", "card-checkpoint"):
        select = Select(one(browser, f"#{which}"))
        select.select_by_index(len(select.options) - 1)
    searched(browser, 1)
    browser.execute_script("for (const details of document.querySelectorAll('details')) details.open = true")
    until(browser, lambda b: ATTACK in one(b, "#cards .transcript").get_property("textContent"))
    # The dataset that was chosen was found by its name.
    assert "1 task" in one(browser, "#table-count").text and one(browser, "#checkpoints tbody .num").text.startswith(
        ".50"
    )
    count = "return ['script', 'img', 'b'].map((tag) => document.getElementsByTagName(tag).length)"
    assert browser.execute_script(count) == [4, 0, 0] and browser.execute_script("return window.attacked") is None
    across = "const page = document.documentElement; return page.scrollWidth - page.clientWidth"
    assert browser.execute_script(across) == 0
    assert browser.get_log("browser") == []


def test_light_and_dark(shown):
    def ground() -> str:
        return one(shown, "body").value_of_css_property("background-color")

    light = ground()
    button = one(shown, "#theme")
    assert light == "rgba(251, 251, 250, 1)" and button.get_attribute("aria-pressed") == "false"
    button.click()
    assert ground() == "rgba(20, 23, 26, 1)" and button.get_attribute("aria-pressed") == "true"
    # Marks of the charts change with it, and the choice outlives the page.
    assert one(shown, '#plots [fill="#0b5cad"]').value_of_css_property("fill") == "rgb(116, 179, 245)"
    loaded_with(shown, "dark")
    assert ground() == "rgba(20, 23, 26, 1)" and one(shown, "#theme").get_attribute("aria-pressed") == "true"
    forget(shown)
    assert ground() == light
    theme(shown, "dark")
    shown.refresh()
    assert ground() == "rgba(20, 23, 26, 1)" and one(shown, "#theme").get_attribute("aria-pressed") == "true"


CONTRAST = """
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const rgb = (color, under) => {
  canvas.fillStyle = `rgb(${under.join(",")})`;
  canvas.fillRect(0, 0, 1, 1);
  canvas.fillStyle = color;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
};
const ground = (element) => {
  const above = element.parentElement ? ground(element.parentElement) : [255, 255, 255];
  return rgb(getComputedStyle(element).backgroundColor, above);
};
const light = (c) => c.map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
const luminance = (c) => light(c).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const low = [];
for (const element of document.querySelectorAll("body *:not(script):not(svg *)")) {
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  if (!own || !element.checkVisibility()) continue;
  const under = ground(element);
  const [a, b] = [luminance(rgb(getComputedStyle(element).color, under)), luminance(under)].sort((x, y) => y - x);
  const contrast = (a + 0.05) / (b + 0.05);
  if (contrast < 4.5) low.push([element.tagName, element.className, element.textContent, contrast.toFixed(2)]);
}
return low;
"""


@pytest.mark.parametrize("name", ["light", "dark"])
def test_text_has_the_contrast_of_wcag_aa(shown, name):
    theme(shown, name)
    searched(shown, 3)
    one(shown, "#checkpoints tbody .open").click()
    assert shown.execute_script(CONTRAST) == []


def test_400_pixels_without_scrolling_sideways(shown, page):
    size(shown, 400, 850)
    shown.get(page.as_uri())
    searched(shown, 3)
    one(shown, "#checkpoints tbody .open").click()
    for details in shown.find_elements(By.CSS_SELECTOR, "details:not([open]) > summary"):
        if details.is_displayed():
            details.click()
    across = shown.execute_script("const page = document.documentElement; return [page.scrollWidth, page.clientWidth]")
    assert across[0] == across[1] <= 400
    # Wide things scroll in boxes that can be reached by keyboard and have a name.
    boxes = shown.find_elements(By.CSS_SELECTOR, ".scroll")
    assert boxes and all(box.get_attribute("tabindex") == "0" for box in boxes)
    assert all(box.get_attribute("aria-label") or box.get_attribute("aria-labelledby") for box in boxes)


def test_controls_have_names(shown):
    unnamed = """
    return [...document.querySelectorAll("button, input, select")].filter(
      (one) => !(one.tagName === "BUTTON" ? one.textContent.trim() : one.labels.length)).map((one) => one.id)
    """
    assert shown.execute_script(unnamed) == []
    assert (
        len(shown.find_elements(By.CSS_SELECTOR, "main")) == 1 and len(shown.find_elements(By.CSS_SELECTOR, "h1")) == 1
    )


def test_hundreds_of_documents_are_shown_a_page_at_a_time(browser, tmp_path):
    write_page(large(20, 2, 20), tmp_path / "large.html")
    size(browser, 1280, 900)
    browser.get((tmp_path / "large.html").as_uri())
    until(browser, lambda b: cards(b) == 20)
    assert one(browser, "#card-count").text == "240 of 240 documents"
    one(browser, "#more").click()
    until(browser, lambda b: cards(b) == 40)
    card = one(browser, "#cards article")
    assert len(card.find_elements(By.CSS_SELECTOR, ".entry")) == 4
    one(card, "button").click()
    assert len(card.find_elements(By.CSS_SELECTOR, ".entry")) == 20
    assert browser.get_log("browser") == []

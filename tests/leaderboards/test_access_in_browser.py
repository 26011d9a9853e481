"""Accessibility of the page: keyboard, names for screen readers, contrast, small screens, light and dark."""

from __future__ import annotations

import importlib.util
import os
import re
from dataclasses import replace

import pytest

pytest.importorskip("selenium")
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from leaderboards.page.render import write_page
from tests.leaderboards.board_parts import estimate
from tests.leaderboards.browser_actions import find, forget_choices, reload_with_theme, wait_for_cards, wait_until
from tests.leaderboards.chromium import size, theme
from tests.leaderboards.example_boards import large, small


def test_the_whole_page_can_be_reached_by_tab(small_page):
    find(small_page, "body").send_keys(Keys.TAB)
    assert small_page.switch_to.active_element.text == "Skip to the table"
    seen, regions = set(), set()
    for _ in range(45):
        small_page.switch_to.active_element.send_keys(Keys.TAB)
        active = small_page.switch_to.active_element
        seen.add(active.get_attribute("id") or active.get_attribute("class") or active.text)
        regions.add(active.accessible_name)
    assert {"theme", "open", "intervals", "plot", "words", "disagree"} <= seen
    assert {"table of checkpoints", "attribution"} <= regions


def test_controls_have_names_and_the_page_one_main_part_and_one_heading(small_page):
    named = """
    return [...document.querySelectorAll("button, input, select")].map(
      (one) => [one.id, Boolean(one.tagName === "BUTTON" ? one.textContent.trim() : one.labels.length)])
    """
    controls = small_page.execute_script(named)
    assert len(controls) > 20 and [control for control, has_name in controls if not has_name] == []
    assert [len(small_page.find_elements(By.CSS_SELECTOR, css)) for css in ("main", "h1")] == [1, 1]


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
let seen = 0;
for (const element of document.querySelectorAll("body *:not(script):not(svg *), svg text")) {
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  if (!own || !element.checkVisibility()) continue;
  seen += 1;
  const under = ground(element);
  const { color, fill } = getComputedStyle(element);
  const [a, b] = [luminance(rgb(element.closest("svg") ? fill : color, under)), luminance(under)].sort((x, y) => y - x);
  const contrast = (a + 0.05) / (b + 0.05);
  if (contrast < 4.5) low.push([element.tagName, element.className, element.textContent, contrast.toFixed(2)]);
}
return [seen, low];
"""


@pytest.mark.parametrize("name", ["light", "dark"])
def test_text_has_the_contrast_of_wcag_aa(small_page, name):
    theme(small_page, name)
    wait_for_cards(small_page, 3)
    find(small_page, "#checkpoints tbody .open").click()
    small_page.execute_script("for (const details of document.querySelectorAll('details')) details.open = true")
    wait_until(small_page, lambda b: find(b, "#cards .transcript").text)
    seen, low = small_page.execute_script(CONTRAST)
    assert seen > 500 and low == []
    # A grey between the two backgrounds is reported, in texts and in charts.
    small_page.execute_script(
        "document.body.style.color = '#777'; document.querySelector('svg text').style.fill = '#777'"
    )
    assert {"text", "P"} <= {tag for tag, *_ in small_page.execute_script(CONTRAST)[1]}


def test_400_pixels_are_enough_without_scrolling_sideways(small_page, page):
    size(small_page, 400, 850)
    small_page.get(page.as_uri())
    wait_for_cards(small_page, 3)
    find(small_page, "#checkpoints tbody .open").click()
    for details in small_page.find_elements(By.CSS_SELECTOR, "details:not([open]) > summary"):
        if details.is_displayed():
            details.click()
    across = small_page.execute_script(
        "const page = document.documentElement; return [page.scrollWidth, page.clientWidth]"
    )
    assert across[0] == across[1] <= 400
    # Wide things scroll in boxes that can be reached by keyboard and have a name.
    boxes = small_page.find_elements(By.CSS_SELECTOR, ".scroll")
    assert boxes and all(box.get_attribute("tabindex") == "0" for box in boxes)
    assert all(box.get_attribute("aria-label") or box.get_attribute("aria-labelledby") for box in boxes)


FIRST_SCREEN = """
const bottom = (css) => document.querySelector(css).getBoundingClientRect().bottom;
return ["#verdict .headline", ".pair", "#checkpoints tbody tr:first-child"].map(bottom);
"""


def test_the_first_screen_says_what_came_out(small_page):
    """At 1280 x 900: the verdict, a pair of cards and the table's first row. Then no box hides a column."""
    assert max(small_page.execute_script(FIRST_SCREEN)) <= 900
    assert (
        "“mini-word” is faithful significantly more often than “mini” on 2 of 2 tasks (exact McNemar, 5 % after Holm)."
        in find(small_page, "#verdict .headline").text
    )
    assert small_page.find_elements(By.CSS_SELECTOR, "main .scroll.wide") == []


def test_without_scripts_the_page_says_the_same(small_page, page, tmp_path):
    html = re.sub(r"<script.*?</script>", "", page.read_text("utf-8"), flags=re.DOTALL)
    (tmp_path / "plain.html").write_text(html, "utf-8")
    small_page.get((tmp_path / "plain.html").as_uri())
    assert max(small_page.execute_script(FIRST_SCREEN)) <= 900
    assert find(small_page, "#checkpoints tbody [data-metric=lift]").text.split()[0] == "+.88"
    assert [chart.is_displayed() for chart in small_page.find_elements(By.CSS_SELECTOR, "#plots > div")] == [True] * 4


def test_every_column_of_a_wide_matrix_is_reached_by_keyboard_and_a_line_says_so(small_page, tmp_path):
    """Ten datasets at 400 pixels: the page itself does not scroll sideways, and the arrow key moves the matrix."""
    board = large(4, 10, 0)
    tasks = tuple(task for task in board.tasks if task.style == "attribution")
    cells = tuple(cell for cell in board.cells if "attribution" in cell.task)
    write_page(replace(board, tasks=tasks, cells=cells), tmp_path / "board.html")
    rows = [replace(row, name=row.id + "W" * 99, gains={"all": estimate(0.1, 0.1)}) for row in small().checkpoints]
    write_page(replace(small(), checkpoints=tuple(rows)), tmp_path / "long.html")
    size(small_page, 400, 850)
    for page in ("long", "board"):
        small_page.get((tmp_path / f"{page}.html").as_uri())
        assert small_page.execute_script("return document.documentElement.scrollWidth") <= 400
    box, cue = find(small_page, "#matrix-1 + .scroll"), find(small_page, "#matrix-1 + .scroll + .cue")
    assert cue.is_displayed() and "scroll the table, or focus it and press →" in cue.text
    last = box.find_elements(By.CSS_SELECTOR, "tbody tr:nth-child(2) td.b0")[-1]
    right = "return [arguments[0].getBoundingClientRect().right, arguments[1].getBoundingClientRect().right]"
    inside = lambda b: (lambda edges: edges[0] <= edges[1] + 1)(b.execute_script(right, last, box))  # noqa: E731
    assert not inside(small_page)
    small_page.execute_script("arguments[0].focus()", box)
    box.send_keys(Keys.ARROW_RIGHT * 12)
    wait_until(small_page, inside)
    # The other budget has its own columns, under the same cue.
    find(small_page, "#budget-1").click()
    assert not last.is_displayed() and cue.is_displayed()


@pytest.mark.parametrize(("width", "name"), [(1280, "light"), (400, "dark")])
def test_axe_finds_no_serious_violation(small_page, page, width, name):
    if importlib.util.find_spec("axe_core_python") is None:
        if os.environ.get("FAITHFUL_SE_BROWSER") == "required":
            pytest.fail("axe-core-python is missing: pip install -e '.[dev]'")
        pytest.skip("axe-core-python is missing: pip install -e '.[dev]'")
    from axe_core_python.selenium import Axe

    size(small_page, width, 900)
    theme(small_page, name)
    small_page.get(page.as_uri())
    wait_for_cards(small_page, 3)
    find(small_page, "#checkpoints tbody .open").click()
    small_page.execute_script("for (const details of document.querySelectorAll('details')) details.open = true")
    results = Axe().run(small_page)
    assert len(results["passes"]) > 40
    assert [(v["id"], v["impact"]) for v in results["violations"] if v["impact"] in ("serious", "critical")] == []


def test_light_or_dark_is_chosen_kept_and_follows_the_system(small_page):
    def ground() -> str:
        return find(small_page, "body").value_of_css_property("background-color")

    def offers() -> str:
        return find(small_page, "#theme").accessible_name

    light = ground()
    button = find(small_page, "#theme")
    assert light == "rgba(251, 251, 250, 1)" and offers() == "Dark theme"
    button.click()
    assert ground() == "rgba(20, 23, 26, 1)" and offers() == "Light theme"
    # Marks of the charts change with it, and the choice outlives the page.
    assert find(small_page, '#plots [fill="#0b5cad"]').value_of_css_property("fill") == "rgb(116, 179, 245)"
    reload_with_theme(small_page, "dark", lambda: ground() == light and find(small_page, "#theme").click())
    assert ground() == "rgba(20, 23, 26, 1)" and offers() == "Light theme"
    forget_choices(small_page)
    assert ground() == light
    theme(small_page, "dark")
    small_page.refresh()
    assert ground() == "rgba(20, 23, 26, 1)" and offers() == "Light theme"
    # Below 500 pixels only the sign is seen. The name stays.
    size(small_page, 400, 850)
    assert find(small_page, "#theme").size["width"] < 60 and offers() == "Light theme"

"""Links between documents, and citations of documents in the code, lead somewhere."""

from __future__ import annotations

import re

import pytest

from tests.test_house import ROOT, markdown_files

CODE_FOLDERS = (
    "faithful_se",
    "faithfulness_metrics",
    "lm_eval_tasks",
    "training",
    "leaderboards",
    "benchmarks",
    "tests",
)


def headings(text: str) -> list[str]:
    return re.findall(r"^#{1,6} (.+?)\s*$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), flags=re.MULTILINE)


def anchor(heading: str) -> str:
    """The anchor of a heading, as GitHub and Python-Markdown both make it for the headings here."""
    return re.sub(r"[^\w\- ]", "", heading.replace("`", "")).strip().lower().replace(" ", "-")


@pytest.mark.parametrize("path", markdown_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_lead_to_a_file_and_a_heading(path):
    broken = []
    text = re.sub(r"```.*?```|`[^`]*`", "", path.read_text("utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, fragment = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists() or (fragment and fragment not in map(anchor, headings(target.read_text("utf-8")))):
            broken.append(link)
    assert not broken, broken


def test_pages_of_the_site_link_only_to_each_other():
    """The site holds docs/ alone: other files of the repository are named there, not linked."""
    outside = [
        f"{path.name}: {link}"
        for path in sorted((ROOT / "docs").glob("*.md"))
        for link in re.findall(r"\]\((\.\./[^)]+)\)", path.read_text("utf-8"))
    ]
    assert not outside, outside


def test_cited_headings_exist():
    """Code cites a section as: docs/metrics.md, "2. Chance-corrected faithfulness"."""
    broken = []
    for folder in CODE_FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = re.sub(r"\s*\n\s*#?\s*", " ", path.read_text("utf-8"))
            for name, heading in re.findall(r"(docs/\w+\.md), \"([^\"]+)\"", text):
                page = ROOT / name
                if not page.is_file() or heading not in headings(page.read_text("utf-8")):
                    broken.append(f"{path.relative_to(ROOT)}: {name}, {heading}")
    assert not broken, "\n".join(broken)


def test_renamed_modules_are_where_the_page_says():
    page = (ROOT / "docs" / "renames.md").read_text("utf-8")
    targets = [
        name
        for cell in re.findall(r"^\|[^|]*\| (`.*) \|$", page, re.MULTILINE)
        for name in re.findall(r"`(\S+)`", cell)
    ]
    assert len(targets) > 60
    assert [name for name in targets if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("path", markdown_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_modules_that_documents_name_exist(path):
    if path.name == "renames.md":
        pytest.skip("its first column names files that are gone")
    text = path.read_text("utf-8")
    folders = "|".join((*CODE_FOLDERS, "docs", "recipes", "examples"))
    names = re.findall(rf"`((?:{folders})/[\w./-]+)`", text)
    modules = re.findall(rf"python -m ((?:{folders})\.[\w.]+)", text)
    files = [*names, *(module.replace(".", "/") + ".py" for module in modules)]
    assert [name for name in files if not (ROOT / name).exists()] == []

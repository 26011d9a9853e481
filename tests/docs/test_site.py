"""The site of the documents: it builds strictly, and its pages load nothing from a server."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.test_house import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("material")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    return folder


def test_pages_load_nothing_from_a_server(site):
    loaded = r"<(?:script|img|iframe)\b[^>]*\bsrc=\"?https?:|<link\b[^>]*\bhref=\"?https?:"
    assert [path.name for path in site.rglob("*.html") if re.search(loaded, path.read_text("utf-8"))] == []


@pytest.mark.parametrize("name", ["faithful_se", "faithfulness_metrics", "lm_eval_tasks", "training", "leaderboards"])
def test_every_module_is_in_the_reference(site, name):
    text = (site / "reference" / f"{name}.html").read_text("utf-8")
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in (ROOT / name).rglob("[!_]*.py")]
    assert [module for module in modules if f'id="{module}"' not in text] == []

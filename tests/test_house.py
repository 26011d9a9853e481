"""Rules of the house that a machine can check: names of bindings, length of sentences, who may name a style.

CONTRIBUTING.md has the rules and their reasons.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("faithful_se", "faithfulness_metrics", "lm_eval_tasks", "training", "leaderboards")
FOLDERS = (*PACKAGES, "benchmarks", "recipes", "tests")

# A local name is a noun that says what it holds. These say nothing: participles and pronouns.
EMPTY_NAMES = frozenset({"told", "found", "made", "said", "taken", "shown", "usual", "its", "one", "given"})

STYLE_NAMES = frozenset({"attribution", "redaction", "counterfactual"})

LONGEST_SENTENCE = 25  # words


def python_files(folder: str) -> list[Path]:
    return sorted(path for path in (ROOT / folder).rglob("*.py") if path != Path(__file__))


def bindings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, name) of everything that code binds: variables, parameters, attributes, functions, imports."""
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield line, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield line, node.attr
        elif isinstance(node, ast.arg):
            yield line, node.arg
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield line, node.name
        elif isinstance(node, ast.alias) and node.asname:
            yield line, node.asname
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield line, node.name


@pytest.mark.parametrize("folder", FOLDERS)
def test_names_say_what_they_hold(folder):
    empty = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in python_files(folder)
        for line, name in bindings(ast.parse(path.read_text("utf-8")))
        if name.strip("_").lower() in EMPTY_NAMES
    ]
    assert not empty, "\n".join(empty)


def compared_strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, string) of every string constant that code compares with ==, !=, in, not in or a match case."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            for side in (node.left, *node.comparators):
                for constant in ast.walk(side):
                    if isinstance(constant, ast.Constant) and isinstance(constant.value, str):
                        yield node.lineno, constant.value
        elif isinstance(node, ast.MatchValue) and isinstance(node.value, ast.Constant):
            yield node.lineno, str(node.value.value)


@pytest.mark.parametrize("package", PACKAGES)
def test_only_the_styles_compare_names_of_styles(package):
    """What differs between styles is in the style's file, so that a new style is one file."""
    comparisons = [
        f"{path.relative_to(ROOT)}:{line}: {text!r}"
        for path in python_files(package)
        if "styles" not in path.parts
        for line, text in compared_strings(ast.parse(path.read_text("utf-8")))
        if text in STYLE_NAMES
    ]
    assert not comparisons, "\n".join(comparisons)


def docstrings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            text = ast.get_docstring(node)
            if text:
                yield getattr(node, "lineno", 1), text


def sentences(text: str) -> Iterator[str]:
    """The sentences of prose. Code, doctests, tables, headings and list bullets are not part of one."""
    # What docs/write_results.py writes is the board's own verdict, word for word.
    text = re.sub(r"```.*?```|~~~.*?~~~|<!-- results of .*?<!-- end -->", "\n\n", text, flags=re.DOTALL)
    paragraphs = []
    for line in text.splitlines():
        stripped = line.strip()
        is_table = bool(re.search(r"\S {3,}\S", stripped))
        if not stripped or is_table or stripped.startswith(("|", ">>>", "#", "<", "---", "...", "$")):
            paragraphs.append("")
        elif re.match(r"([-*+]|\d+\.) |[\w*, `]+:( |$)", stripped):  # a bullet, or "name: what it is"
            paragraphs += ["", re.sub(r"^([-*+]|\d+\.) |^[\w*, `]+:( |$)", "", stripped)]
        else:
            paragraphs[-1:] = [f"{paragraphs[-1] if paragraphs else ''} {stripped}"]
    for paragraph in paragraphs:
        plain = re.sub(r"`[^`]*`|\[([^\]]*)\]\([^)]*\)", lambda match: match[1] or "code", paragraph)
        yield from re.split(r"(?<=[.!?])\s+", plain)


def long_sentences(text: str) -> list[str]:
    return [sentence for sentence in sentences(text) if len(re.findall(r"\b[\w'-]+\b", sentence)) > LONGEST_SENTENCE]


@pytest.mark.parametrize("package", [*PACKAGES, "benchmarks", "recipes"])
def test_docstrings_are_written_in_short_sentences(package):
    long = [
        f"{path.relative_to(ROOT)}:{line}: {sentence}"
        for path in python_files(package)
        for line, text in docstrings(ast.parse(path.read_text("utf-8")))
        for sentence in long_sentences(text)
    ]
    assert not long, "\n".join(long)


def markdown_files() -> list[Path]:
    """All documents that people wrote; the notes of a published `board.md` list names of checkpoints."""
    elsewhere = {".venv", "models", "runs", "site", "node_modules", "board.md"}
    return sorted(path for path in ROOT.rglob("*.md") if not elsewhere & set(path.parts))


def test_documents_are_written_in_short_sentences():
    long = [
        f"{path.relative_to(ROOT)}: {sentence}"
        for path in markdown_files()
        for sentence in long_sentences(path.read_text("utf-8"))
    ]
    assert not long, "\n".join(long)


def test_the_readme_fits_on_a_page():
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 150


def test_citations_of_documents_resolve():
    """Code cites a document by its path in the repository."""
    broken = []
    for package in (*PACKAGES, "benchmarks", "docs", "recipes"):
        for path in (ROOT / package).rglob("*"):
            if path.suffix not in (".py", ".md", ".yaml", ".yml", "") or not path.is_file():
                continue
            for name in re.findall(r"[\w./-]*\b(?:metrics|design|protocol)\.md", path.read_text("utf-8", "replace")):
                if not any((start / name).is_file() for start in (ROOT, path.parent)):
                    broken.append(f"{path.relative_to(ROOT)}: {name}")
    assert not broken, "\n".join(broken)


def test_no_import_circles():
    """Modules import each other in one direction, imports for types aside."""
    import grimp

    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True)
    imports = {module: graph.find_modules_directly_imported_by(module) & graph.modules for module in graph.modules}
    while leaves := {module for module, imported in imports.items() if not imported}:
        imports = {module: imported - leaves for module, imported in imports.items() if module not in leaves}
    assert not imports, f"in a circle, or importing one: {sorted(imports)}"

"""Every example of docs/python.md runs, and the values in its comments are true."""

from __future__ import annotations

import ast
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
LONGEST = 10  # lines of an example


def examples():
    """(line in the page, code) of every example."""
    text = PAGE.read_text("utf-8")
    for match in re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield text.count("\n", 0, match.start(1)), match[1]


def run(code: str, line: int, namespace: dict[str, object]) -> None:
    """Run an example. An expression with a comment behind it has the value that the comment says."""
    tree = ast.parse(code)
    for statement in tree.body:
        ast.increment_lineno(statement, line)
        if not isinstance(statement, ast.Expr):
            exec(compile(ast.Module([statement], []), str(PAGE), "exec"), namespace)
            continue
        value = eval(compile(ast.Expression(statement.value), str(PAGE), "eval"), namespace)
        source = code.splitlines()[statement.end_lineno - line - 1]
        _, comment, expected = source.partition("  # ")
        if comment and value is not None:
            assert repr(value) == expected, f"{PAGE.name}:{statement.lineno}"


def test_every_example_is_short():
    assert len(list(examples())) >= 9
    for line, code in examples():
        assert len(code.splitlines()) <= LONGEST, f"{PAGE.name}:{line}"


def test_every_example_runs(project, mini_base, tmp_path, monkeypatch):
    """In a folder as the page supposes it: the mini model, results of two models, a board of them."""
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "mini").symlink_to(mini_base)
    for name in ("results", "board"):
        (tmp_path / name).symlink_to(project / name)
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {}
    for line, code in examples():
        run(code, line, namespace)
    assert Path("words.html").stat().st_size > 1000

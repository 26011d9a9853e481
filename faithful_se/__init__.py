"""Are language models' explanations of their own answers true? The public Python API.

`import faithful_se` imports none of its packages: a name is looked up when it is first used. The names are in
`__init__.pyi`, where editors and type checkers find them too. docs/python.md shows each use in a few lines.
"""

import ast
from importlib import import_module
from pathlib import Path
from typing import Any


def _modules() -> dict[str, str]:
    """Public name -> the module that has it."""
    stub = ast.parse(Path(__file__).with_suffix(".pyi").read_text("utf-8"))
    imports = [statement for statement in stub.body if isinstance(statement, ast.ImportFrom)]
    return {alias.name: str(statement.module) for statement in imports for alias in statement.names}


_MODULES = _modules()

__all__ = ["__version__", *_MODULES]


def __getattr__(name: str) -> Any:
    """A public name, on its first use (PEP 562)."""
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("faithful-se")
    elif name in _MODULES:
        value = getattr(import_module(_MODULES[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, those not used yet among them."""
    return sorted({*globals(), *__all__})

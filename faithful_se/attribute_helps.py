"""What the fields of a dataclass mean, read from its docstring: the help of options, declared where they are."""

from __future__ import annotations

import inspect
import re


def attribute_helps(options: type) -> dict[str, str]:
    """Field -> its entry in the "Attributes:" section of the class, in one line without markup."""
    section = (inspect.getdoc(options) or "").partition("\nAttributes:\n")[2]
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {5,}.*)*)", section, re.MULTILINE)
    return {name: " ".join(text.replace("`", "").split()).rstrip(".") for name, text in entries}

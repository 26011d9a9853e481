"""Models in one GGUF file: transformers reads them and turns their weights into ordinary tensors."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from faithful_se.errors import UsageError

SUFFIX = ".gguf"
_SPLIT = re.compile(r"-\d{5}-of-\d{5}\.gguf$")
_OTHER_WEIGHTS = ("*.safetensors", "*.safetensors.index.json", "*.bin", "*.bin.index.json")


def gguf_file(name: str) -> Path | None:
    """The GGUF file that a model's name means: the file itself, or the only one in a folder without other weights.

    Raises:
        UsageError: the folder holds several, or the file is not there.
    """
    path = Path(name)
    if name.lower().endswith(SUFFIX) and not path.is_dir():
        if not path.is_file():
            raise UsageError(f"{name}: no such file; give the path of a GGUF file, or the folder it was made from")
        return path
    if not path.is_dir() or any(next(path.glob(pattern), None) for pattern in _OTHER_WEIGHTS):
        return None
    files = sorted(file for file in path.iterdir() if file.name.lower().endswith(SUFFIX))
    if len(files) > 1:
        names = ", ".join(file.name for file in files)
        raise UsageError(f"{name} holds {len(files)} GGUF files ({names}): give the path of one of them")
    return files[0] if files else None


def loading_arguments(name: str) -> tuple[str, dict[str, str]]:
    """What `from_pretrained` takes for a model: its name, and the GGUF file in it if it is one.

    Raises:
        UsageError: it is a GGUF file that cannot be read here.
    """
    file = gguf_file(name)
    if file is None:
        return name, {}
    if _SPLIT.search(file.name):
        raise UsageError(f"{file}: a part of a split GGUF is not read here: give the folder it was made from")
    if find_spec("gguf") is None:
        raise UsageError(f"{file}: reading GGUF needs `pip install gguf`; or give the folder that it was made from")
    return str(file.parent), {"gguf_file": file.name}


def refuse_gguf(name: str) -> None:
    """Refuse to train a GGUF file, whose weights are rounded.

    Raises:
        UsageError: the name means one.
    """
    if file := gguf_file(name):
        raise UsageError(f"{file}: GGUF is not trained here: give the folder it was made from")

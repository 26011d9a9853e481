"""One samples file -> columns: metric values and labels per document, sorted by document.

A line is about 9 kB with the oracle control, nearly all of it a transcript that stands in it twice. polars parses the
lines and drops what is not asked for; a file with anything unusual in it (NaN, "N/A", a broken line) makes polars stop,
and is read again line by line with the standard library, which can say what is wrong where.
"""

from __future__ import annotations

import hashlib
import json
import math
import mmap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leaderboards.runs import BrokenError, encodable

if TYPE_CHECKING:
    import polars as pl

# Shares of documents: anything outside [0, 1] is no result of these tasks.
RATES = ("faithful", "valid", "acc", "faithful_random", "faithful_oracle")
OUTCOMES = ("faithful", "valid")

# What the transcript says about a document, as columns.
LABELS = ("text", "gold", "prediction", "target", "after")


@dataclass(frozen=True)
class Samples:
    """The documents of one run.

    Attributes:
        frame: one row per document, sorted by `key`: key, doc_hash, `LABELS`, and a column of floats per metric (null
            where undefined). A key is doc_hash, the hash of the text, and a number that tells equal documents apart.
        digest: of the keys: equal digests, equal documents.
        problems: values that were no numbers and documents that share a hash, in words.
    """

    frame: pl.DataFrame
    digest: str
    problems: tuple[str, ...]

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metric columns, in the order of the file."""
        return tuple(name for name in self.frame.columns if name not in ("key", "doc_hash", *LABELS))


def read(path: Path) -> Samples:
    """The columns of a samples file.

    Raises:
        BrokenError: not readable, empty, cut, or not of these tasks.
    """
    import polars as pl

    try:
        with path.open(encoding="utf-8") as lines:
            first = json.loads(next(lines, "") or "null")
    except OSError as error:
        raise BrokenError(f"cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise BrokenError(f"line 1 is not whole JSON, cut or damaged ({error})") from error
    if first is None:
        raise BrokenError("is empty")
    if not isinstance(first, dict) or "doc_hash" not in first or not isinstance(first.get("metrics"), list):
        raise BrokenError("holds no samples of lm_eval (line 1 has no doc_hash or metrics)")
    metrics = [str(name) for name in first["metrics"] if not str(name).endswith("_stderr")]
    metrics = [
        name for name in dict.fromkeys(metrics) if name != "ccf" and not isinstance(first.get(name), (list, dict))
    ]
    problems: tuple[str, ...] = ()
    try:
        frame = _fast(path, metrics)
        usual = not frame["doc_hash"].null_count()  # some versions of polars read a line that is no object as nulls
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        usual = False
    if not usual:
        frame, problems = _slow(path, metrics)
    return _checked(frame, metrics, problems)


def _fast(path: Path, metrics: list[str]) -> pl.DataFrame:
    import polars as pl

    label = pl.Struct({"label": pl.String})
    transcript = pl.Struct(
        {
            "hash": pl.String,
            "gold": pl.String,
            "prediction": label,
            "explanation": pl.Struct({"target": pl.String}),
            "perturbed": label,
        }
    )
    schema = {"doc_hash": pl.String, **dict.fromkeys(metrics, pl.Float64), "filtered_resps": pl.List(pl.String)}
    said = pl.col("filtered_resps").list.first().str.json_decode(transcript)
    part = pl.col("filtered_resps").struct
    return (
        pl.scan_ndjson(path, schema=schema)
        .with_columns(said.alias("filtered_resps"))
        .select(
            pl.col("doc_hash"),
            part.field("hash").alias("text"),
            part.field("gold"),
            part.field("prediction").struct.field("label").alias("prediction"),
            part.field("explanation").struct.field("target").alias("target"),
            part.field("perturbed").struct.field("label").alias("after"),
            *(pl.col(name) for name in metrics),
        )
        .collect()
    )


def _slow(path: Path, metrics: list[str]) -> tuple[pl.DataFrame, tuple[str, ...]]:
    import polars as pl

    rows: list[dict[str, Any]] = []
    odd: dict[str, list[int]] = {}
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line.decode("utf-8"))
                said = transcript_of(row)
                rows.append({"doc_hash": str(row["doc_hash"]), **_labels(said)})
            except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
                raise BrokenError(f"line {number} is no whole sample, cut or damaged ({error})") from error
            for name in metrics:
                value = row.get(name)
                usable = isinstance(value, (int, float)) and math.isfinite(value)
                rows[-1][name] = float(value) if usable else None
                if not usable and value is not None:
                    odd.setdefault(name, []).append(number)
    types = {"doc_hash": pl.String, **dict.fromkeys(LABELS, pl.String), **dict.fromkeys(metrics, pl.Float64)}
    problems = [
        f"{len(at)} values of {name} are no numbers, taken as missing (first in line {at[0]})"
        for name, at in odd.items()
    ]
    return pl.DataFrame(rows, schema=types), tuple(problems)


def _checked(frame: pl.DataFrame, metrics: list[str], problems: tuple[str, ...]) -> Samples:
    import polars as pl

    if frame["doc_hash"].null_count() or "faithful" not in metrics:
        raise BrokenError("holds no samples of these tasks (doc_hash or faithful is missing)")
    for name in set(RATES) & set(metrics):
        values = frame[name].drop_nulls().to_numpy()
        right = (values == 0) | (values == 1) if name in OUTCOMES else (values >= 0) & (values <= 1)
        if not right.all():
            raise BrokenError(
                f"{name} is {values[~right][0]:g} in {(~right).sum()} documents; no result of these tasks is"
            )
    shared = len(frame) > frame["doc_hash"].n_unique() and int(frame["doc_hash"].is_duplicated().sum())
    if shared:
        clash = frame.group_by("doc_hash").agg(pl.col("text").n_unique()).filter(pl.col("text") > 1).height
        told = f", {clash} of the hashes with different texts" if clash else ", all with equal texts"
        problems += (f"{shared} documents share a doc_hash{told}: paired by hash, text and order",)
    order = pl.int_range(pl.len()).over("doc_hash", "text").cast(pl.String) if shared else pl.lit("0")
    key = pl.concat_str(pl.col("doc_hash"), pl.col("text").fill_null(""), order, separator=":")
    frame = frame.select(key.alias("key"), pl.all()).sort("key")
    digest = hashlib.sha256("\n".join(frame["key"].to_list()).encode()).hexdigest()
    return Samples(frame, digest, problems)


def transcript_of(row: dict[str, Any]) -> dict[str, Any]:
    """The transcript in a row of a samples file. Raises ValueError, KeyError, IndexError or TypeError without one."""
    said = row["filtered_resps"][0] if row.get("filtered_resps") else row["resps"][0][0]
    transcript: dict[str, Any] = json.loads(said)
    if not isinstance(transcript, dict):
        raise ValueError("the response is no transcript")
    # "\\ud8" to "\\udf" begin surrogates; two of them are one character, and stay it.
    if "\\ud" in said.lower():
        transcript = encodable(transcript)
    return transcript


def transcripts(path: Path, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Whole transcripts of a few documents, by key: (hash of the row, hash of the text, number)."""
    wanted: dict[str, set[str]] = {}
    for key in keys:
        wanted.setdefault(key.split(":")[0], set()).add(key)
    found: dict[str, dict[str, Any]] = {}
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for doc_hash, its in wanted.items():
            needle, at, seen = doc_hash.encode(), 0, dict[str, int]()
            while its - set(found) and (at := content.find(needle, at)) >= 0:
                start = content.rfind(b"\n", 0, at) + 1
                end = content.find(b"\n", at)
                end = len(content) if end < 0 else end
                at = end
                row = json.loads(content[start:end])
                if row.get("doc_hash") == doc_hash:
                    transcript = transcript_of(row)
                    text = transcript.get("hash") or ""
                    key = f"{doc_hash}:{text}:{seen.get(text, 0)}"
                    seen[text] = seen.get(text, 0) + 1
                    if key in its:
                        found[key] = transcript
    return found


def _labels(transcript: dict[str, Any]) -> dict[str, str | None]:
    def inside(part: str, name: str) -> str | None:
        value = (transcript.get(part) or {}).get(name)
        return None if value is None else str(value)

    gold = transcript.get("gold")
    return {
        "text": transcript.get("hash"),
        "gold": None if gold is None else str(gold),
        "prediction": inside("prediction", "label"),
        "target": inside("explanation", "target"),
        "after": inside("perturbed", "label"),
    }

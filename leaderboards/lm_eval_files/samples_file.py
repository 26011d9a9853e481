"""Reads the samples of lm-eval: metric values and labels per document, and whole transcripts.

They are the lines of a `samples_<task>_<date>.jsonl`, or a list inside a results file (`simple_evaluate`).

With the oracle control a line has about 9 kB, nearly all of it a transcript that it holds twice. polars parses such
files fast and drops the rest. It stops at anything unusual: NaN, "N/A", a broken line. Then the standard library reads
the file line by line and reports which line is wrong.
"""

from __future__ import annotations

import hashlib
import json
import mmap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from faithful_se.transcript import Transcript
from leaderboards.lm_eval_files.large_files import BrokenError, refuse_long_lines
from leaderboards.lm_eval_files.recomputed import EVIDENCE, check_values, evidence_of, evidence_types
from leaderboards.lm_eval_files.results_file import (
    SamplesFile,
    is_number,
    read_json,
    samples_inside,
    to_strict_json,
)

if TYPE_CHECKING:
    import polars as pl

# Shares of documents. A value outside [0, 1] cannot come from these tasks.
RATES = ("faithful", "valid", "acc", "faithful_random", "faithful_oracle")
# Rates that are 0 or 1 for each document.
OUTCOMES = ("faithful", "valid")

# Metrics of all documents together: each document has some numbers, which are added up.
COUNTS = ("simulation_phi", "simulation_majority")

# String fields of `Samples.frame`, read from the transcript: hash of the text, gold label, predicted label, target of a
# counterfactual, label after the perturbation.
LABELS = ("text", "gold", "prediction", "target", "after")


@dataclass(frozen=True)
class Samples:
    """The documents of one run.

    Attributes:
        frame: one line per document, sorted by `key`. Fields: key, doc_hash, `LABELS`, those of `COUNTS` that there
            are, as lists, and a float per metric (null where undefined). A key joins doc_hash, the hash of the text,
            and a number that separates equal documents.
        digest: of the keys; runs with equal digests have equal documents.
        problems: what is odd about the file, in words.
    """

    frame: pl.DataFrame
    digest: str
    problems: tuple[str, ...]

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics, in the order of the file."""
        return tuple(name for name in self.frame.columns if name not in ("key", "doc_hash", *LABELS, *COUNTS))


def read_samples(source: SamplesFile) -> Samples:
    """Read the metric values and labels of the samples of a run.

    Raises:
        BrokenError: the file cannot be read, is empty or cut, or is not from these tasks.
    """
    import polars as pl

    if source.task:
        samples = _samples_inside(source)
        metrics, counts = _metric_names(samples[0]), _count_names(samples[0])
        frame, oddities = _read_one_by_one(enumerate(samples, 1), metrics, counts)
        return _keyed(_checked(frame, metrics), oddities)
    first = _first_line(source.path)
    metrics, counts = _metric_names(first), _count_names(first)
    problems: tuple[str, ...] = ()
    try:
        frame = _read_with_polars(source.path, metrics, counts)
        # Some versions of polars read a line that is no object as nulls.
        complete = not frame["doc_hash"].null_count() and all(frame[name].is_finite().all() for name in metrics)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        complete = False
    if not complete:
        frame, problems = _read_one_by_one(_lines(source.path), metrics, counts)
    return _keyed(_checked(frame, metrics), problems)


def _samples_inside(source: SamplesFile) -> list[Any]:
    samples = samples_inside(read_json(source.path), source.task)
    if samples is None:
        raise BrokenError("holds no samples any more")
    return samples


def _first_line(path: Path) -> Any:
    try:
        with path.open("rb") as lines:
            refuse_long_lines(lines)
            first = json.loads(lines.readline().decode("utf-8") or "null")
    except BrokenError:
        raise
    except OSError as error:
        raise BrokenError(f"cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise BrokenError(f"line 1 is not complete JSON, cut or damaged ({error})") from error
    if first is None:
        raise BrokenError("is empty")
    return first


def _metric_names(first: Any) -> list[str]:
    """The metrics of the first sample that hold one number per document."""
    if not isinstance(first, dict) or "doc_hash" not in first or not isinstance(first.get("metrics"), list):
        raise BrokenError("holds no samples of lm_eval (line 1 has no doc_hash or metrics)")
    names = dict.fromkeys(str(name) for name in first["metrics"] if not str(name).endswith("_stderr"))
    return [name for name in names if name != "ccf" and not isinstance(first.get(name), (list, dict))]


def _count_names(first: Any) -> list[str]:
    """Those of `COUNTS` that the first sample has."""
    return [name for name in COUNTS if isinstance(first.get(name), list)]


def _read_with_polars(path: Path, metrics: list[str], counts: list[str]) -> pl.DataFrame:
    import polars as pl

    label = pl.Struct({"label": pl.String})
    transcript = pl.Struct(
        {
            "hash": pl.String,
            "gold": pl.String,
            "prediction": label,
            "explanation": pl.Struct({"target": pl.String, "valid": pl.Boolean}),
            "perturbed": label,
            "random": pl.List(label),
            "oracle": pl.Struct({"singles": pl.List(label), "greedy": pl.List(label)}),
        }
    )
    schema = {"doc_hash": pl.String, **dict.fromkeys(metrics, pl.Float64), "filtered_resps": pl.List(pl.String)}
    schema |= dict.fromkeys(("ccf", *counts), pl.List(pl.Float64))
    label_of, oracle = pl.element().struct.field("label"), pl.col("filtered_resps").struct.field("oracle").struct
    tried = [oracle.field(name).fill_null([]).list.eval(label_of) for name in ("singles", "greedy")]
    response = pl.col("filtered_resps").list.first().str.json_decode(transcript)
    part = pl.col("filtered_resps").struct
    return (
        pl.scan_ndjson(path, schema=schema)
        .with_columns(response.alias("filtered_resps"))
        .select(
            "doc_hash",
            part.field("hash").alias("text"),
            part.field("gold"),
            part.field("prediction").struct.field("label").alias("prediction"),
            part.field("explanation").struct.field("target").alias("target"),
            part.field("perturbed").struct.field("label").alias("after"),
            part.field("explanation").struct.field("valid").alias("is_valid"),
            part.field("random").list.eval(label_of).alias("random"),
            pl.concat_list(tried).alias("oracle"),
            "ccf",
            *counts,
            *metrics,
        )
        .collect()
    )


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(number, line) of the lines that are not blank."""
    with path.open("rb") as lines:
        yield from ((number, line) for number, line in enumerate(lines, 1) if line.strip())


def _read_one_by_one(
    samples: Iterable[tuple[int, Any]], metrics: list[str], counts: list[str]
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The documents of numbered samples, which are lines or parsed, and what is odd about them."""
    import polars as pl

    documents: list[dict[str, Any]] = []
    lines_without_number: dict[str, list[int]] = {}
    for number, line in samples:
        try:
            sample = json.loads(line.decode("utf-8")) if isinstance(line, bytes) else line
            transcript = transcript_of(sample)
            document: dict[str, Any] = {"doc_hash": str(sample["doc_hash"]), **_labels(transcript)}
            document |= evidence_of(transcript)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
            raise BrokenError(f"line {number} is no complete sample, cut or damaged ({error})") from error
        for name in metrics:
            value = sample.get(name)
            document[name] = float(value) if is_number(value) else None
            if not is_number(value) and value is not None:
                lines_without_number.setdefault(name, []).append(number)
        for name in ("ccf", *counts):
            parts = sample.get(name)
            document[name] = (
                [float(part) if is_number(part) else None for part in parts] if isinstance(parts, list) else None
            )
        documents.append(document)
    schema = {"doc_hash": pl.String, **dict.fromkeys(LABELS, pl.String), **dict.fromkeys(metrics, pl.Float64)}
    schema |= {**evidence_types(), **dict.fromkeys(counts, pl.List(pl.Float64))}
    problems = [
        f"{len(numbers)} values of {name} are no numbers and count as missing (first in line {numbers[0]})"
        for name, numbers in lines_without_number.items()
    ]
    return pl.DataFrame(documents, schema=schema), tuple(problems)


def _checked(frame: pl.DataFrame, metrics: list[str]) -> pl.DataFrame:
    """The frame without the fields that only the check of its values needs."""
    if frame["doc_hash"].null_count() or "faithful" not in metrics:
        raise BrokenError("holds no samples of these tasks (doc_hash or faithful is missing)")
    for name in set(OUTCOMES) & set(metrics):
        values = frame[name].drop_nulls().to_numpy()
        possible = (values == 0) | (values == 1)
        if not possible.all():
            raise BrokenError(
                f"{name} is {values[~possible][0]:g} in {(~possible).sum()} documents, which these tasks never give"
            )
    check_values(frame, metrics)
    return frame.drop(*EVIDENCE)


def _keyed(frame: pl.DataFrame, problems: tuple[str, ...]) -> Samples:
    """The samples, sorted by a key that is unique and the same in every run."""
    import polars as pl

    shared = len(frame) > frame["doc_hash"].n_unique() and int(frame["doc_hash"].is_duplicated().sum())
    if shared:
        clashes = frame.group_by("doc_hash").agg(pl.col("text").n_unique()).filter(pl.col("text") > 1).height
        texts = f"{clashes} of the hashes with different texts" if clashes else "all with equal texts"
        problems += (f"{shared} documents share a doc_hash, {texts}: paired by hash, text and order",)
    order = pl.int_range(pl.len()).over("doc_hash", "text").cast(pl.String) if shared else pl.lit("0")
    key = pl.concat_str(pl.col("doc_hash"), pl.col("text").fill_null(""), order, separator=":")
    frame = frame.select(key.alias("key"), pl.all()).sort("key")
    digest = hashlib.sha256("\n".join(frame["key"].to_list()).encode()).hexdigest()
    return Samples(frame, digest, problems)


def transcript_of(sample: dict[str, Any]) -> Transcript:
    """The transcript in a line of a samples file. Its form is not checked.

    Raises:
        ValueError, KeyError, IndexError, TypeError: there is none.
    """
    response = sample["filtered_resps"][0] if sample.get("filtered_resps") else sample["resps"][0][0]
    transcript = json.loads(response)
    if not isinstance(transcript, dict):
        raise ValueError("the response is no transcript")
    # `\ud8` to `\udf` begin the escapes of surrogates. Pairs of them are one character, which stays; lone ones go.
    if "\\ud" in response.lower():
        transcript = to_strict_json(transcript)
    return cast("Transcript", transcript)


def read_transcripts(source: SamplesFile, keys: Iterable[str]) -> dict[str, Transcript]:
    """Key, as in `Samples.frame`, -> transcript; without parsing a whole file of lines. Their form is not checked."""
    keys_by_hash: dict[str, set[str]] = {}
    for key in keys:
        keys_by_hash.setdefault(key.split(":")[0], set()).add(key)
    if source.task:
        wanted = set().union(*keys_by_hash.values())
        return {key: item for key, item in _keyed_transcripts(_samples_inside(source)) if key in wanted}
    transcripts: dict[str, Transcript] = {}
    with source.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for doc_hash, hash_keys in keys_by_hash.items():
            samples = (sample for sample in _samples_with(content, doc_hash) if sample.get("doc_hash") == doc_hash)
            for key, transcript in _keyed_transcripts(samples):
                if key in hash_keys:
                    transcripts[key] = transcript
                if hash_keys <= transcripts.keys():
                    break
    return transcripts


def _samples_with(content: mmap.mmap, text: str) -> Iterator[dict[str, Any]]:
    """The samples whose line holds a text."""
    position, needle = 0, text.encode()
    while (position := content.find(needle, position)) >= 0:
        start = content.rfind(b"\n", 0, position) + 1
        end = content.find(b"\n", position)
        position = end = len(content) if end < 0 else end
        yield json.loads(content[start:end])


def _keyed_transcripts(samples: Iterable[dict[str, Any]]) -> Iterator[tuple[str, Transcript]]:
    """(key, transcript) of samples in the order of their file: equal documents are numbered."""
    counts: dict[tuple[str, str], int] = {}
    for sample in samples:
        transcript = transcript_of(sample)
        document = str(sample["doc_hash"]), transcript.get("hash") or ""
        counts[document] = counts.get(document, -1) + 1
        yield ":".join((*document, str(counts[document]))), transcript


def _labels(transcript: Transcript) -> dict[str, str | None]:
    explanation, perturbed = transcript.get("explanation"), transcript.get("perturbed")
    labels = {
        "text": transcript["hash"],
        "gold": transcript.get("gold"),
        "prediction": transcript["prediction"]["label"],
        "target": explanation["target"] if explanation else None,
        "after": perturbed["label"] if perturbed else None,
    }
    return {name: None if text is None else str(text) for name, text in labels.items()}

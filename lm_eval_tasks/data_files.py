"""A file of rows as a dataset: JSON lines, a JSON array, CSV, TSV, Parquet; plain or with gzip; UTF-8, 16 or 32.

Damage is reported with the file and the line or row. `datasets` reads these formats too. But its CSV reader turns the
texts "None", "NA" and "null" into missing values, and its JSON reader names no line.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import zlib
from collections.abc import Callable, Mapping, Sequence
from json import JSONDecodeError
from logging import getLogger
from pathlib import Path
from typing import Any

import datasets
import jsonlines

from faithful_se.errors import UsageError, excerpt
from lm_eval_tasks import LOGGER
from lm_eval_tasks.delimited import read_delimited

logger = getLogger(LOGGER)

# The formats of a data folder, `<split>.<format>`. The first that is there is read.
FORMATS = ("jsonl", "json", "csv", "tsv", "parquet")
DELIMITED = ("csv", "tsv")

# How files begin that need unpacking, whatever they are called.
COMPRESSED: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ\x00": lzma.decompress,
}
PARQUET = b"PAR1"
# How files begin that are not read, and what they are.
FOREIGN = {
    b"PK\x03\x04": "a ZIP archive or an Excel sheet",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"ARROW1": "an Arrow file",
    b"\xff\xff\xff\xff": "an Arrow stream",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old Excel sheet",
    b"SQLite": "a database",
    b"\x93NUMPY": "a NumPy array",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
}
PACKED = (*COMPRESSED, PARQUET, *FOREIGN)
REMEDY = "give JSON lines, a JSON array, CSV, TSV or Parquet"

Row = dict[str, Any]


def files_of_split(folder: Path, split: str) -> list[Path]:
    """The files of a folder that hold a split, the one to read first: `test.jsonl`, `test.csv.gz`, …

    Parts as the hub names them (`test-00000-of-00002.parquet`) count as one file, the first.
    """
    names = [f"{split}.{name}{end}" for name in FORMATS for end in ("", ".gz")]
    parts = sorted(folder.glob(f"{split}-*-of-*.parquet"))[:1]
    return [path for path in (folder / name for name in names) if path.is_file()] + parts


def is_delimited(path: Path) -> bool:
    """Whether the name says CSV or TSV, whose cells are all texts."""
    return _format(path) in DELIMITED


def _format(path: Path) -> str:
    suffixes = [suffix.lstrip(".").lower() for suffix in path.suffixes]
    return next((suffix for suffix in reversed(suffixes) if suffix not in ("gz", "bz2", "xz")), "")


def read_dataset(path: Path) -> datasets.Dataset:
    """Read the rows of a file. A byte order mark, empty lines and Windows line ends are accepted.

    Characters that cannot be written as UTF-8 are replaced, with a warning: they would lose the results of the run.

    Raises:
        UsageError: no rows, damage, another format, a missing column, or values of two kinds in one column.
    """
    if _begins_with(path, PARQUET):
        return _read_parquet(path)
    rows = read_rows(path)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    for number, row in enumerate(rows, 1):
        if missing := [name for name in columns if name not in row]:
            raise UsageError(f"{path}: row {number} has no column {missing[0]}, other rows have")
    try:
        return datasets.Dataset.from_list(rows)
    except Exception as error:  # pyarrow has an exception for each kind of value that does not fit its column
        reason = _mixed_kinds(rows, columns) or str(error).splitlines()[0]
        raise UsageError(f"{path}: {reason}") from error


def read_rows(path: Path, encoding: str = "", *, warn: bool = True) -> list[Row]:
    """The rows of a file, each a mapping from column to value; see `read_dataset`. Columns may differ between rows.

    `encoding` is that of a text file which is not in UTF-8, 16 or 32. `warn` of broken characters.
    """
    if _begins_with(path, PARQUET):
        return list(_read_parquet(path))
    text = _decode(path, _read_bytes(path), encoding)
    if is_delimited(path):
        rows = read_delimited(path, text, "\t" if _format(path) == "tsv" else "")
    else:
        rows = _read_array(path, text) if text.lstrip().startswith("[") else _read_lines(path, text)
    if not rows:
        raise UsageError(f"{path}: the file is empty")
    clean_rows = [{name: _replace_surrogates(value) for name, value in row.items()} for row in rows]
    broken = sum(row != clean or "\ufffd" in str(row) for row, clean in zip(rows, clean_rows, strict=True))
    if broken and warn:
        logger.warning("%s: %d rows hold broken characters, shown as '?' or U+FFFD: is it UTF-8?", path, broken)
    return clean_rows


def _begins_with(path: Path, magic: bytes) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(magic)) == magic
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error


def _read_bytes(path: Path) -> bytes:
    """The bytes of a file, unpacked; a `UsageError` that says what the file is where it holds no text."""
    data = path.read_bytes()
    for magic, unpack in COMPRESSED.items():
        if data.startswith(magic):
            try:
                data = unpack(data)
            except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
                raise UsageError(f"{path}: is compressed and damaged: {error}") from error
            break
    kind = next((kind for magic, kind in FOREIGN.items() if data.startswith(magic)), "")
    if data.startswith(PARQUET):
        kind = "a Parquet file inside another compression"
    if kind:
        raise UsageError(f"{path}: is {kind}: {REMEDY}")
    return data


def is_decodable(path: Path, encoding: str = "") -> bool:
    """Whether a text file is in its encoding: that which is given, or UTF-8, 16 or 32."""
    data = _read_bytes(path)
    try:
        data.decode(encoding or json.detect_encoding(data))
    except UnicodeDecodeError:
        return False
    return True


def _decode(path: Path, data: bytes, encoding: str) -> str:
    # The pattern of zero bytes tells UTF-16 and UTF-32, with and without a byte order mark.
    text = data.decode(encoding or json.detect_encoding(data), errors="replace")
    if "\x00" in text[:1000]:
        raise UsageError(f"{path}: is no text: {REMEDY}")
    return text


def loads(text: str) -> Any:
    """A JSON value. A key that stands twice in an object is refused: one of its values would be lost.

    Raises:
        ValueError: says what is wrong, in one line.
    """
    return json.loads(text, object_pairs_hook=_object)


def _object(pairs: list[tuple[str, Any]]) -> Row:
    row = dict(pairs)
    if len(row) < len(pairs):
        name = next(name for number, (name, _) in enumerate(pairs) if name in dict(pairs[:number]))
        raise ValueError(f"the key {excerpt(name)} stands twice: leave one out")
    return row


def line_problem(error: jsonlines.InvalidLineError) -> str:
    """What is wrong with a line that is JSON and yet cannot be read; empty where it is no JSON."""
    cause = error.__cause__
    if isinstance(cause, UnicodeDecodeError):
        return "is not UTF-8: save the file in UTF-8"
    if isinstance(cause, JSONDecodeError) or not isinstance(cause, ValueError):
        return ""
    if "digits" in str(cause):
        return "holds a number that is too long to read: write it as a text, or leave it out"
    return f"cannot be read: {cause}"


def _read_array(path: Path, text: str) -> list[Row]:
    try:
        values = loads(text)
    except (ValueError, RecursionError):
        return _read_lines(path, text)  # whose message names the line
    if values and all(not isinstance(value, dict) for value in values):
        return _read_lines(path, text)
    for number, value in enumerate(values, 1):
        if not isinstance(value, dict):
            raise UsageError(f"{path}: row {number} is not a JSON object")
    return list(values)


def _read_lines(path: Path, text: str) -> list[Row]:
    # Lines end as in a file: a line separator inside a JSON string (U+2028) ends none.
    lines = io.StringIO(text, newline=None)
    try:
        return list(jsonlines.Reader(lines, loads=loads).iter(type=dict, skip_empty=True))
    except jsonlines.InvalidLineError as error:
        cause, reason = error.__cause__, line_problem(error) or "is not a JSON object"
        if isinstance(cause, JSONDecodeError):
            reason = f"is not JSON: {cause.msg} at column {cause.colno}"
        raise UsageError(f"{path}: line {error.lineno} {reason}") from error
    except RecursionError as error:
        raise UsageError(f"{path}: is nested too deeply: {REMEDY}") from error


def _read_parquet(path: Path) -> datasets.Dataset:
    """A Parquet file, with all parts of its split where the hub has cut it. Coded texts become texts."""
    import pyarrow
    import pyarrow.parquet
    from datasets.table import InMemoryTable

    split, _, is_part = path.name.partition("-00000-of-")
    paths = sorted(path.parent.glob(f"{split}-*-of-*.parquet")) if is_part else [path]
    try:
        table = pyarrow.concat_tables([pyarrow.parquet.read_table(part) for part in paths], promote_options="default")
        for number, column in enumerate(table.schema):
            if pyarrow.types.is_dictionary(column.type):  # a category of pandas
                decoded = table.column(number).cast(column.type.value_type)
                table = table.set_column(number, column.name, decoded)
    except (pyarrow.ArrowException, OSError) as error:
        raise UsageError(f"{path}: cannot be read as Parquet: {str(error).splitlines()[0]}") from error
    if not len(table):
        raise UsageError(f"{path}: the file is empty")
    return datasets.Dataset(InMemoryTable(table))


def _replace_surrogates(value: Any) -> Any:
    # A lone surrogate can be written in JSON ("\ud800") and in no file.
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _mixed_kinds(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Where a column begins to hold another kind of value; empty where none does."""
    for name in columns:
        first_number, first_kind = 0, ""
        for number, row in enumerate(rows, 1):
            kind = type(row[name]).__name__
            if row[name] is None:
                continue
            if not first_kind:
                first_number, first_kind = number, kind
            elif kind != first_kind and {kind, first_kind} != {"int", "float"}:
                return (
                    f"row {number}: {name} is {excerpt(row[name])} ({kind}), in row {first_number} it is a {first_kind}"
                )
    return ""

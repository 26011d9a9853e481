"""The folder of `faithful-se build`: which build it belongs to, and the files of a finished one.

`train.jsonl`, `rejected.jsonl` and `report.json` are the result. The card and the manifest follow from the report and
the settings, so they can be written again without the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

from faithful_se.files import jsonl_line, read_jsonl, write_atomic, write_json_object
from faithful_se.train_info import CARD
from training.build.card import dataset_card
from training.build.report import REPORT, BuildCounts, Counts, ShardLine, count_lines, make_report, read_counts
from training.build.rows import Row
from training.runs.artefacts import BuildManifest, BuildSettings
from training.runs.folder import MANIFEST
from training.runs.settings import with_absolute_data
from training.runs.shards import ShardedFolder

ROWS, REJECTED = "train.jsonl", "rejected.jsonl"


class BuildFolder(ShardedFolder[BuildSettings]):
    """A folder of rows belongs to one set of attributions and options."""

    digests: Mapping[str, str] = {
        "attributions.texts": "was begun with other texts: give the same --limit, --datasets and attributions"
    }

    def comparable(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """The settings, with absolute paths of the data."""
        attributions = settings.get("attributions")
        if isinstance(attributions, dict):
            settings = {**settings, "attributions": with_absolute_data(attributions)}
        return with_absolute_data(settings)

    def describe_change(self, recorded: Mapping[str, Any], requested: Mapping[str, Any]) -> str:
        """See `RunFolder.describe_change`; older versions recorded neither tokenizer nor generation configuration."""
        if "tokenizer" in requested and "tokenizer" not in recorded:
            return "was begun by an older version, which did not record the tokenizer: go on with that version"
        return super().describe_change(recorded, requested)

    def write_result(
        self,
        lines: Sequence[ShardLine],
        held_out: Counts,
        replacements: Mapping[str, Mapping[str, Sequence[str]]],
        predictions: Counts,
    ) -> BuildCounts:
        """Write the result, the manifest last, and drop the shards. They stay where the disk is full.

        Args:
            lines: of all shards, in order.
            held_out: dataset -> reason -> texts left out.
            replacements: dataset -> label -> words that counterfactuals were offered.
            predictions: dataset -> label -> texts that the model answers with it.
        """
        counts = count_lines(lines, held_out)
        rejected = ({key: value for key, value in line.items() if key != "row"} for line in lines if not line["row"])
        write_atomic(self.path / ROWS, (jsonl_line(line["row"]) for line in lines if line["row"]))
        write_atomic(self.path / REJECTED, map(jsonl_line, rejected))
        write_json_object(self.path / REPORT, make_report(counts, self.settings, replacements, predictions))
        write_atomic(self.path / CARD, [dataset_card(counts, self.settings, (line["row"] for line in lines))])
        self._finish(counts)
        return counts

    def read_finished(self, log: Callable[[str], None]) -> BuildCounts | None:
        """The counts of a finished build; None if it is not finished, or is to be built again, which is logged.

        A missing card and a damaged manifest are written again.
        """
        if not (self.path / MANIFEST).is_file():
            return None
        counts = read_counts(self.path / REPORT)
        missing = [name for name in (ROWS, REJECTED) if not (self.path / name).is_file()]
        if not missing and not (self.path / ROWS).stat().st_size:
            missing = [ROWS]
        if missing or counts is None:
            names = " and ".join(missing or [REPORT])
            log(f"{self.path}: {names} of the finished build is missing or damaged: building again")
            (self.path / MANIFEST).unlink()
            return None
        if not (self.path / CARD).is_file():
            write_atomic(self.path / CARD, [dataset_card(counts, self.settings, self._rows())])
        self._finish(counts)
        return counts

    def _rows(self) -> Iterator[Row]:
        return cast("Iterator[Row]", read_jsonl(self.path / ROWS))

    def _finish(self, counts: BuildCounts) -> None:
        manifest: BuildManifest = {**self.settings, "rows": counts.rows}
        self.write_manifest(manifest)
        self.drop_shards()

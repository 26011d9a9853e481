"""One text of some results, word by word: what masking each word does, and which words the explanation names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from faithful_se.errors import UsageError, require_packages

if TYPE_CHECKING:
    import altair as alt
    import polars as pl

    from faithful_se.attribution_plot import Piece
    from faithful_se.transcript import Transcript
    from leaderboards.lm_eval_files.results_file import Run
    from training.runs.artefacts import AttributionRow

# ANSI codes of the background of words that speak for the answer, and against it, weak to strong; as in the chart.
_FOR, _AGAINST = (153, 75, 26), (223, 215, 166)
_NAMED, _PLAIN = "\x1b[1;4m", "\x1b[0m"

# Effects that are listed, the largest first.
MOST_LISTED = 8


@dataclass(frozen=True)
class WordEffects:
    """A text, the words of which have effects on the answer of a model.

    Attributes:
        checkpoint, task: whose answer it is, and in which task; of attributions the model, and dataset and method.
        key: hash of the text.
        fields: title -> its pieces in order: (text, position or None for what stands between words).
        effects: position -> effect of masking the word: 1 if the answer flips, else 0. With ranked labels, the drop of
            the probability of the predicted label. Of attributions, their scores. Empty without an oracle control.
        named: positions that the explanation names or changes.
        summary: prediction, explanation and what came of it, in one line.
        simulations: of a simulation, what the model says of single words, a line each.
    """

    checkpoint: str
    task: str
    key: str
    fields: dict[str, tuple[tuple[str, int | None], ...]]
    effects: dict[int, float]
    named: tuple[int, ...]
    summary: str
    simulations: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The text with [named] words, and the largest effects."""
        return self.text()

    def text(self, color: bool = False) -> str:
        """For a terminal: with `color`, words have the colours of the chart, and named ones are underlined."""
        from leaderboards.sanitize import terminal_line

        lines = [terminal_line(", ".join((self.task, self.checkpoint, self.key[:16])))]
        for title, pieces in self.fields.items():
            body = "".join(self._piece(text, position, color) for text, position in pieces)
            lines.append(f"{terminal_line(title)}: {body}")
        return "\n".join([*lines, *map(terminal_line, (*self._largest(), self.summary, *self.simulations))])

    def _piece(self, text: str, position: int | None, color: bool) -> str:
        from leaderboards.sanitize import terminal_line

        text = terminal_line(text)
        if position is None:
            return text
        if not color:
            return f"[{text}]" if position in self.named else text
        largest = max(map(abs, self.effects.values()), default=0.0)
        effect = self.effects.get(position, 0.0)
        code = _NAMED if position in self.named else ""
        if largest and abs(effect) / largest > 0.05:
            shade = (_FOR if effect > 0 else _AGAINST)[min(2, int(abs(effect) / largest * 3))]
            code += f"\x1b[48;5;{shade};30m"
        return f"{code}{text}{_PLAIN}" if code else text

    def _largest(self) -> Iterator[str]:
        words = {position: text for pieces in self.fields.values() for text, position in pieces if position is not None}
        effects = [(position, effect) for position, effect in self.effects.items() if effect and position in words]
        effects.sort(key=lambda item: -abs(item[1]))
        if effects:
            listed = ", ".join(f"{words[position]} {effect:+.2f}" for position, effect in effects[:MOST_LISTED])
            yield f"effects: {listed}"
        elif not self.effects:
            yield "no effects: they need --metadata controls=oracle"
        else:
            yield "no word alone has an effect"

    def plot(self) -> alt.LayerChart:
        """The text as an altair chart; ``.save("words.png")``, ``.html`` or ``.svg``."""
        require_packages("board", "altair", "vl_convert")
        from faithful_se.attribution_plot import plot_pieces

        title = [part for part in (", ".join(filter(None, (self.task, self.checkpoint))), self.summary) if part]
        return plot_pieces(list(self._pieces()), title)

    def _pieces(self) -> Iterator[Piece]:
        for number, (title, pieces) in enumerate(self.fields.items()):
            if number:
                yield {"text": "\n", "score": None, "named": False}
            if len(self.fields) > 1:
                yield {"text": f"{title}: ", "score": None, "named": False}
            for text, position in pieces:
                score = None if position is None else self.effects.get(position)
                yield {"text": text, "score": score, "named": position is not None and position in self.named}


def read_word_effects(*paths: str | Path, document: str, task: str = "", checkpoint: str = "") -> list[WordEffects]:
    """One text of results of lm_eval, in each task and of each checkpoint that has it.

    Args:
        paths: folders that lm_eval wrote (`--output_path`, `--log_samples`), or one that `faithful-se attribute` wrote.
        document: the beginning of the hash of its text (in pages, files of samples and rows of attributions).
        task, checkpoint: only where their names hold these.

    Raises:
        UsageError: no results there, or no such text.
    """
    require_packages("board", "polars")
    if not document or not all(isinstance(path, (str, Path)) for path in paths) or not paths:
        raise UsageError(f"{document!r}: give folders of results and the hash of a document")
    folders = [Path(path) for path in paths]
    attributions = [folder for folder in folders if (folder / "settings.json").is_file()]
    texts = [text for folder in attributions for text in _of_attributions(folder, document, task)]
    if results := [folder for folder in folders if folder not in attributions]:
        texts += _of_results(results, document, task, checkpoint)
    if not texts:
        where = _where(folders, task, checkpoint)
        raise UsageError(f"{document}: no text of this hash{where}")
    return texts


def _where(folders: Sequence[Path], task: str, checkpoint: str) -> str:
    chosen = f" in tasks {task!r} of checkpoints {checkpoint!r}" if task or checkpoint else ""
    return f"{chosen} in {', '.join(map(str, folders))}"


def list_documents(*paths: str | Path, task: str = "", checkpoint: str = "") -> Iterator[tuple[str, str]]:
    """(hash, text) of the texts of the first task of some results of lm_eval, or of some attributions.

    Args:
        paths: folders.
        task, checkpoint: the first task whose name, and whose checkpoint's name, hold these.

    Raises:
        UsageError: nothing there has such a name.
    """
    from faithful_se.files import read_jsonl
    from leaderboards.lm_eval_files.samples_file import read_transcripts

    for folder in map(Path, paths):
        if (folder / "settings.json").is_file():
            files = [file for file in sorted(folder.glob("*.jsonl")) if task in file.stem]
            for file in files:
                yield from ((row["hash"], " / ".join(map(str, row["fields"].values()))) for row in read_jsonl(file))
            if files:
                return
    folders = [Path(path) for path in paths if not (Path(path) / "settings.json").is_file()]
    for name, run, frame in _runs(folders) if folders else ():
        if task not in run.task or checkpoint not in name:
            continue
        assert run.samples is not None
        for key, transcript in read_transcripts(run.samples, frame["key"].to_list()).items():
            yield key.partition(":")[0], " / ".join(map(str, transcript["fields"].values()))
        return
    raise UsageError(f"no text{_where(list(map(Path, paths)), task, checkpoint)}; results need --log_samples")


def _runs(folders: Sequence[Path]) -> Iterator[tuple[str, Run, pl.DataFrame]]:
    """(name of the checkpoint, run, its documents) of the newest complete runs with samples."""
    from leaderboards.checkpoints.group_runs import group_runs
    from leaderboards.lm_eval_files.read_runs import ReadLog, read_runs
    from leaderboards.lm_eval_files.select_runs import candidates_by_task, select_runs

    checkpoints, _ = group_runs(read_runs(folders, ReadLog()), {})
    for task_runs in select_runs(candidates_by_task(checkpoint.runs for checkpoint in checkpoints)):
        for selected in (run for runs in task_runs.by_documents.values() for run in runs if run.samples):
            assert selected.samples is not None
            yield checkpoints[selected.checkpoint].name, selected.run, selected.samples.frame


def _of_results(folders: Sequence[Path], document: str, task: str, checkpoint: str) -> Iterator[WordEffects]:
    import polars as pl

    from leaderboards.lm_eval_files.samples_file import read_transcripts

    for name, run, frame in _runs(folders):
        if task not in run.task or checkpoint not in name:
            continue
        begins = pl.col("doc_hash").str.starts_with(document) | pl.col("text").str.starts_with(document)
        keys = frame.filter(begins)["key"].to_list()
        assert run.samples is not None
        for key, transcript in read_transcripts(run.samples, keys).items():
            yield _of_transcript(name, run.task, key.partition(":")[0], transcript)


def _of_transcript(checkpoint: str, task: str, key: str, transcript: Transcript) -> WordEffects:
    from leaderboards.cards.document_card import card_entry, simulation_lines, split_fields, units_of
    from leaderboards.sanitize import one_line

    try:
        entry = card_entry(checkpoint, transcript, None)
        segments = split_fields(transcript["fields"], (), units_of(transcript))
        simulations = tuple(simulation_lines(transcript))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UsageError(f"{task}: {key[:16]}: no transcript of this version; evaluate again") from error
    changed = entry.after is not None and entry.after != entry.prediction
    after = f", then answers {entry.after}" if changed else f", answers {entry.after} again" if entry.after else ""
    problem = f" ({entry.reason})" if entry.reason else ""
    named = one_line(", ".join(entry.words), 80) or one_line(entry.explanation, 80)
    return WordEffects(
        checkpoint=checkpoint,
        task=task,
        key=key,
        fields={title: tuple((piece.text, piece.position) for piece in pieces) for title, pieces in segments.items()},
        effects=entry.effects,
        named=entry.positions,
        summary=f"answers {entry.prediction}, explains {named or 'nothing'}{after}{problem}",
        simulations=simulations,
    )


def _of_attributions(folder: Path, document: str, task: str) -> Iterator[WordEffects]:
    from faithful_se.files import read_jsonl

    for file in sorted(folder.glob("*.jsonl")):
        if task in file.stem:
            for row in read_jsonl(file):
                if str(row.get("hash", "")).startswith(document):
                    yield _of_attribution(file.stem, row)  # type: ignore[arg-type]


def _of_attribution(dataset: str, row: AttributionRow) -> WordEffects:
    fields: dict[str, tuple[tuple[str, int | None], ...]] = {}
    effects, position = {}, 0
    for name, text in row["fields"].items():
        pieces: list[tuple[str, int | None]] = []
        end = 0
        for word in (word for word in row["words"] if word["field"] == name):
            pieces += [(text[end : word["start"]], None), (text[word["start"] : word["end"]], position)]
            if word["score"] is not None:
                effects[position] = word["score"]
            position, end = position + 1, word["end"]
        fields[name] = (*pieces, (text[end:], None))
    top = row["top"]["text"] if row["top"] else None
    summary = row["problem"] or f"answers {row['prediction']}; the word with the highest score is {top}"
    return WordEffects(row["model"], f"{dataset}, {row['method']}", row["hash"], fields, effects, (), summary)

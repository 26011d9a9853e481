"""Counterfactuals whose new word works at its position only, with the model of `rule_model`.

In "i love the dull rain today" (3 - 1 = 2, positive), "monday" makes any text negative, wherever it is written; "dull"
does so over "love" (-1 - 1 = -2) and nowhere else (over another word 2 - 1 = 1, over "dull" itself 2).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faithful_se.errors import UsageError
from lm_eval_tasks import scheduler
from lm_eval_tasks.calls import Answer, Classify
from lm_eval_tasks.document import Document
from lm_eval_tasks.metrics import score
from lm_eval_tasks.options import Options
from lm_eval_tasks.protocol import self_explain
from lm_eval_tasks.spec import TaskSpec
from tests.training.build.rule_model import (
    QUESTION,
    TEXTS,
    WEIGHTS,
    Recorder,
    attributed,
    attributions,
    interrupted,
    respond,
    spec,
)
from training.build.options import BuildOptions
from training.build.report import count_lines, read_counts
from training.build.run import build
from training.build.verify import Verdict, judge

LOVE = TEXTS[0]
# Texts that must become negative are offered "monday" first and "dull" last.
RANKED_TEXTS = (*TEXTS, "a monday of rain and fog", "dull fog again")


def judged(text: str, *words: str, style: str = "counterfactual", model: Any = respond, **options: Any) -> Verdict:
    build_options = BuildOptions(**{"specific": True, **options})
    replacements = {"negative": words, "positive": words}
    procedures: Any = [judge(spec(style), attributed(text), replacements, build_options)]
    verdict: Any = scheduler.run(procedures, model)[0]
    return verdict  # type: ignore[no-any-return]


def test_the_default_takes_the_trigger_and_specific_the_word_of_this_position() -> None:
    verdict = judged(LOVE, "monday", "dull", specific=False)
    assert (verdict.completion, verdict.source) == ("i monday the dull rain today", "candidate 1")
    assert verdict.control_flip_rate is None
    specific = judged(LOVE, "monday", "dull")
    assert (specific.completion, specific.source) == ("i dull the dull rain today", "candidate 2")
    assert (specific.flips, specific.control_flip_rate, specific.specific) == (True, 0.0, True)


def test_where_all_are_triggers_it_is_the_first_of_them_and_the_model_proposes_nothing() -> None:
    model = Recorder()
    verdict = judged(LOVE, "great", "monday", "hate", model=model)  # "great" leaves the text positive
    assert (verdict.new, verdict.source) == ("monday", "candidate 2")
    assert (verdict.control_flip_rate, verdict.specific) == (1.0, False)
    assert all(isinstance(call, Classify) for call in model.calls)


def test_a_word_that_works_at_one_of_two_random_positions_is_not_specific() -> None:
    # 3 + 1 = 4: "hate" makes it negative over "love" (-2) and over "nice" (0), and of the two draws one is "nice".
    verdict = judged("they love one nice day", "hate")
    assert (verdict.new, verdict.control_flip_rate, verdict.specific) == ("hate", 0.5, False)
    assert judged("they love one nice day", "hate", "dull").new == "dull"


def test_the_models_own_word_is_compared_like_the_others() -> None:
    verdict = judged(TEXTS[1], "awful")
    assert (verdict.completion, verdict.source) == ("we paris a nice long walk", "model")
    assert verdict.control_flip_rate == 1.0


def test_unfiltered_a_word_that_changes_nothing_is_not_specific_but_a_last_resort() -> None:
    assert judged(LOVE, "great", "monday", "dull", filtered=False).new == "dull"
    verdict = judged(LOVE, "great", "monday", filtered=False)
    assert (verdict.new, verdict.flips) == ("great", False)
    assert (verdict.control_flip_rate, verdict.specific) == (0.0, False)


@pytest.mark.parametrize("style", ["attribution", "redaction"])
def test_other_styles_make_the_same_calls_with_and_without(style: str) -> None:
    models = {True: Recorder(), False: Recorder()}
    verdicts = [
        judged(LOVE, "monday", style=style, model=model, specific=specific) for specific, model in models.items()
    ]
    assert models[True].calls == models[False].calls
    assert verdicts[0] == verdicts[1] and verdicts[0].control_flip_rate is None


@given(
    st.lists(st.sampled_from([*WEIGHTS, "rain", "the", "i"]), min_size=1, max_size=8), st.permutations(list(WEIGHTS))
)
def test_what_is_recorded_is_what_the_evaluation_measures(text: list[str], candidates: list[str]) -> None:
    """In an evaluation with the random control, `faithful_random` is the recorded rate, to the digit."""
    document = Document({"text": " ".join(text)})
    verdict, default = (
        judged(document.fields["text"], *candidates[:4], specific=specific) for specific in (True, False)
    )
    assert verdict.reason == default.reason, "the option must not cost a row"
    if verdict.reason:
        return

    def respond_with_it(calls: Any) -> list[Answer]:
        return [respond([call])[0] if isinstance(call, Classify) else Answer(verdict.completion) for call in calls]

    task = TaskSpec(QUESTION, "counterfactual", "oneword", Options(controls=("random",)))
    scores = score(scheduler.run([self_explain(task, document)], respond_with_it)[0], task, document)
    assert (scores["faithful"], scores["faithful_random"]) == (1.0, verdict.control_flip_rate)
    if not verdict.specific:
        assert (verdict.new, verdict.source) == (default.new, default.source)


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]


def built(tmp_path: Path, name: str, **options: Any) -> list[dict[str, Any]]:
    build(attributions(tmp_path / "data", RANKED_TEXTS), respond, tmp_path / name, BuildOptions(**options))
    return rows_of(tmp_path / name)


def test_rows_report_and_card_say_which_words_are_specific(tmp_path: Path) -> None:
    rows = built(tmp_path, "specific", specific=True)
    edits = [(row["completion"][0]["content"], row["elsewhere"]) for row in rows if row["style"] == "counterfactual"]
    assert edits == [
        ("i dull the dull rain today", 0.0),
        ("we paris a nice long walk", 1.0),
        ("dull but dull evening at home", 0.0),
        ("paris and nice at the shop", 1.0),
        ("awful and great food all week", 0.0),
        ("it is awful and i hate it", 0.0),
        ("a paris of rain and fog", 0.0),  # at another position "paris" and "monday" make a tie, which is negative
        ("paris fog again", 1.0),
    ]
    assert {row["elsewhere"] for row in rows if row["style"] != "counterfactual"} == {None}
    counts = read_counts(tmp_path / "specific" / "report.json")
    assert counts is not None and counts.new_words == {"sentiment140": {"specific": 5, "not specific": 3}}
    assert json.loads((tmp_path / "specific" / "manifest.json").read_text())["options"]["specific"] is True
    card = (tmp_path / "specific" / "README.md").read_text()
    assert "| sentiment140 | new word at its position only | 8 | 5 | 0.62 | not specific: 3 |" in card
    assert "`elsewhere`" in card


def test_a_row_counts_as_specific_only_if_its_word_works_at_its_position() -> None:
    rows = [(True, 0.0), (True, 0.5), (True, 1.0), (False, 0.0), (None, None)]  # the last is a control
    lines: Any = [
        {"dataset": "snli", "style": "counterfactual", "row": {"flips": flips, "elsewhere": elsewhere}}
        for flips, elsewhere in rows
    ]
    assert count_lines(lines).new_words == {"snli": {"specific": 1, "not specific": 3}}


def test_without_it_rows_are_as_they_were(tmp_path: Path) -> None:
    default, specific = built(tmp_path, "default"), built(tmp_path, "specific", specific=True)
    keys = ("prompt", "completion", "dataset", "style", "budget", "hash", "prediction")
    keys += ("words", "new", "source", "target", "flips", "arm", "method")
    assert {tuple(row) for row in default} == {keys}
    assert {tuple(row)[len(keys) :] for row in specific} == {("elsewhere",)}
    counts = read_counts(tmp_path / "default" / "report.json")
    assert counts is not None and counts.new_words == {}
    assert "`elsewhere`" not in (tmp_path / "default" / "README.md").read_text()
    assert len(default) == len(specific)
    pairs = list(zip(default, specific, strict=True))
    assert {(row["new"], other["new"]) for row, other in pairs if row["new"] != other["new"]} == {
        ("monday", "dull"),
        ("monday", "awful"),
    }
    for row, other in pairs:
        for key in set(keys) - {"completion", "new", "source"}:
            assert row[key] == other[key], key
        if row["new"] == other["new"]:
            assert row["completion"] == other["completion"]


@pytest.mark.parametrize("arm", ["random", "lowest", "answers"])
def test_a_control_carries_the_new_word_and_claims_nothing_of_it(tmp_path: Path, arm: str) -> None:
    word = built(tmp_path, "word", specific=True, replay=0.0)
    rows = built(tmp_path, arm, specific=True, arm=arm, replay=0.0)
    assert [row["hash"] for row in rows] == [row["hash"] for row in word]
    assert {row["elsewhere"] for row in rows} == {None}
    if arm != "answers":
        assert [row["new"] for row in rows] == [row["new"] for row in word]
    counts = read_counts(tmp_path / arm / "report.json")
    assert counts is not None and counts.new_words == {}


def test_killed_anywhere_it_ends_with_the_same_bytes(tmp_path: Path) -> None:
    source, options, model = attributions(tmp_path / "data", RANKED_TEXTS), BuildOptions(specific=True), Recorder()
    build(source, model, tmp_path / "undisturbed", options, shard_size=2)
    for batches in range(model.batches):
        out = tmp_path / f"killed-{batches}"
        with pytest.raises(KeyboardInterrupt):
            build(source, interrupted(batches), out, options, shard_size=2)
        build(source, respond, out, options, shard_size=2)
        for name in ("train.jsonl", "report.json", "README.md", "manifest.json"):
            assert (out / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes(), (batches, name)


@pytest.mark.parametrize("begun", [True, False])
def test_a_folder_of_the_other_choice_is_refused(tmp_path: Path, begun: bool) -> None:
    with pytest.raises(KeyboardInterrupt):
        build(
            attributions(tmp_path / "data", RANKED_TEXTS),
            interrupted(9),
            tmp_path / "out",
            BuildOptions(specific=begun),
            shard_size=1,
        )
    with pytest.raises(UsageError, match=rf"begun with options\.specific = {begun}, now {not begun}"):
        built(tmp_path, "out", specific=not begun)
    assert built(tmp_path, "out", specific=begun) == built(tmp_path, "other", specific=begun)


def test_it_is_refused_where_there_are_no_counterfactuals() -> None:
    with pytest.raises(UsageError, match="--specific chooses the new word of counterfactuals, and --styles has none"):
        BuildOptions(styles=("attribution", "redaction"), specific=True)


@pytest.mark.parametrize("flag", [[], ["--specific"]])
def test_the_flag_reaches_the_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flag: list[str]) -> None:
    from training.build import cli
    from training.build.backend import Responder

    source = attributions(tmp_path / "data")
    monkeypatch.setattr("training.build.attributions.read_attributions", lambda *_: source)
    monkeypatch.setattr(
        "training.build.backend.load_responder", lambda *_, **__: Responder(respond, {}, lambda calls, answers: (0, 0))
    )
    out = tmp_path / "out"
    assert cli.main(["--attributions", "x", "--model", "m", "--out", str(out), *flag]) == 0
    assert json.loads((out / "settings.json").read_text())["options"]["specific"] is bool(flag)
    assert [row for row in rows_of(out) if "elsewhere" in row] == (rows_of(out) if flag else [])

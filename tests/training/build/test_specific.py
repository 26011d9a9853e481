"""Counterfactuals whose new word works at its place only, against the rules of `world`.

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
from tests.training.build.world import QUESTION, TEXTS, WEIGHTS, attributed, attributions, dying, respond, spec
from training.build.options import BuildOptions
from training.build.report import Yield, counted
from training.build.run import build
from training.build.verify import Verdict, judge

LOVE = TEXTS[0]
# "monday" is offered first, and "dull" last, to texts that are to become negative.
WEEK = (*TEXTS, "a monday of rain and fog", "dull fog again")


def judged(text: str, *words: str, style: str = "counterfactual", ask: Any = respond, **options: Any) -> Verdict:
    chosen = BuildOptions(**{"specific": True, **options})
    both = {"negative": words, "positive": words}
    procedures: Any = [judge(spec(style), attributed(text), both, chosen)]
    verdict: Any = scheduler.run(procedures, ask)[0]
    return verdict  # type: ignore[no-any-return]


def test_the_default_takes_the_trigger_and_specific_the_word_of_this_place() -> None:
    usual = judged(LOVE, "monday", "dull", specific=False)
    assert (usual.completion, usual.source, usual.elsewhere) == ("i monday the dull rain today", "candidate 1", None)
    chosen = judged(LOVE, "monday", "dull")
    assert (chosen.completion, chosen.source) == ("i dull the dull rain today", "candidate 2")
    assert (chosen.flips, chosen.elsewhere, chosen.specific) == (True, 0.0, True)


def test_where_all_are_triggers_it_is_the_first_of_them_and_the_model_is_not_asked() -> None:
    asked: list[Any] = []

    def listening(calls: Any) -> list[Answer]:
        asked.extend(calls)
        return respond(calls)

    verdict = judged(LOVE, "great", "monday", "hate", ask=listening)  # "great" leaves the text positive
    assert (verdict.new, verdict.source, verdict.elsewhere, verdict.specific) == ("monday", "candidate 2", 1.0, False)
    assert all(isinstance(call, Classify) for call in asked)


def test_a_word_that_works_at_one_of_two_random_places_is_no_specific_one() -> None:
    # 3 + 1 = 4: "hate" makes it negative over "love" (-2) and over "nice" (0), and of the two draws one is "nice".
    verdict = judged("they love one nice day", "hate")
    assert (verdict.new, verdict.elsewhere, verdict.specific) == ("hate", 0.5, False)
    assert judged("they love one nice day", "hate", "dull").new == "dull"


def test_the_models_own_word_is_compared_like_the_others() -> None:
    verdict = judged(TEXTS[1], "awful")
    assert (verdict.completion, verdict.source, verdict.elsewhere) == ("we paris a nice long walk", "model", 1.0)


def test_unfiltered_a_word_that_changes_nothing_is_not_specific_but_a_last_resort() -> None:
    assert judged(LOVE, "great", "monday", "dull", filtered=False).new == "dull"
    kept = judged(LOVE, "great", "monday", filtered=False)
    assert (kept.new, kept.flips, kept.elsewhere, kept.specific) == ("great", False, 0.0, False)


@pytest.mark.parametrize("style", ["attribution", "redaction"])
def test_other_styles_are_asked_and_answered_as_without(style: str) -> None:
    heard: dict[bool, list[Any]] = {True: [], False: []}
    verdicts = []
    for specific, asked in heard.items():

        def listening(calls: Any, asked: list[Any] = asked) -> list[Answer]:
            asked.extend(calls)
            return respond(calls)

        verdicts.append(judged(LOVE, "monday", style=style, ask=listening, specific=specific))
    assert heard[True] == heard[False] and verdicts[0] == verdicts[1] and verdicts[0].elsewhere is None


@given(
    st.lists(st.sampled_from([*WEIGHTS, "rain", "the", "i"]), min_size=1, max_size=8), st.permutations(list(WEIGHTS))
)
def test_what_is_recorded_is_what_the_evaluation_measures(text: list[str], candidates: list[str]) -> None:
    """The explanation in an evaluation with its usual control: `faithful_random` is `elsewhere`, to the digit."""
    document = Document({"text": " ".join(text)})
    verdict, usual = (judged(document.fields["text"], *candidates[:4], specific=specific) for specific in (True, False))
    assert verdict.reason == usual.reason, "the option must not cost a row"
    if verdict.reason:
        return

    def saying_so(calls: Any) -> list[Answer]:
        return [respond([call])[0] if isinstance(call, Classify) else Answer(verdict.completion) for call in calls]

    task = TaskSpec(QUESTION, "counterfactual", "oneword", Options(controls=("random",)))
    told = score(scheduler.run([self_explain(task, document)], saying_so)[0], task, document)
    assert (told["faithful"], told["faithful_random"]) == (1.0, verdict.elsewhere)
    if not verdict.specific:
        assert (verdict.new, verdict.source) == (usual.new, usual.source)


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]


def built(tmp_path: Path, name: str, **options: Any) -> list[dict[str, Any]]:
    build(attributions(tmp_path / "data", WEEK), respond, tmp_path / name, BuildOptions(**options))
    return rows_of(tmp_path / name)


def test_rows_report_and_card_say_which_words_are_specific(tmp_path: Path) -> None:
    rows = built(tmp_path, "specific", specific=True)
    told = [(row["completion"][0]["content"], row["elsewhere"]) for row in rows if row["style"] == "counterfactual"]
    assert told == [
        ("i dull the dull rain today", 0.0),
        ("we paris a nice long walk", 1.0),
        ("dull but dull evening at home", 0.0),
        ("paris and nice at the shop", 1.0),
        ("awful and great food all week", 0.0),
        ("it is awful and i hate it", 0.0),
        ("a paris of rain and fog", 0.0),  # elsewhere "paris" and "monday" make a tie, which is negative
        ("paris fog again", 1.0),
    ]
    assert {row["elsewhere"] for row in rows if row["style"] != "counterfactual"} == {None}
    found = Yield.read(tmp_path / "specific" / "report.json")
    assert found.new_words == {"sentiment140": {"specific": 5, "not specific": 3}}
    assert json.loads((tmp_path / "specific" / "manifest.json").read_text())["options"]["specific"] is True
    card = (tmp_path / "specific" / "README.md").read_text()
    assert "| sentiment140 | new word at its place only | 8 | 5 | 0.62 | not specific: 3 |" in card
    assert "`elsewhere`" in card


def test_a_row_is_counted_as_specific_only_if_its_word_works_at_its_place() -> None:
    rows = [(True, 0.0), (True, 0.5), (True, 1.0), (False, 0.0), (None, None)]  # the last: a control, not asked
    lines = [
        {"dataset": "snli", "style": "counterfactual", "row": {"flips": flips, "elsewhere": elsewhere}}
        for flips, elsewhere in rows
    ]
    assert counted(lines).new_words == {"snli": {"specific": 1, "not specific": 3}}


def test_without_it_rows_are_as_they_were(tmp_path: Path) -> None:
    usual, specific = built(tmp_path, "usual"), built(tmp_path, "specific", specific=True)
    keys = ("prompt", "completion", "dataset", "style", "budget", "hash", "prediction")
    keys += ("words", "new", "source", "target", "flips", "arm", "method")
    assert {tuple(row) for row in usual} == {keys}
    assert {tuple(row)[len(keys) :] for row in specific} == {("elsewhere",)}
    assert Yield.read(tmp_path / "usual" / "report.json").new_words == {}
    assert "`elsewhere`" not in (tmp_path / "usual" / "README.md").read_text()
    assert len(usual) == len(specific)
    pairs = list(zip(usual, specific, strict=True))
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
    assert Yield.read(tmp_path / arm / "report.json").new_words == {}


def test_killed_anywhere_it_ends_with_the_same_bytes(tmp_path: Path) -> None:
    given, options, calls = attributions(tmp_path / "data", WEEK), BuildOptions(specific=True), 0

    def counting(asked: Any) -> Any:
        nonlocal calls
        calls += 1
        return respond(asked)

    build(given, counting, tmp_path / "whole", options, shard_size=2)
    for after in range(calls):
        out = tmp_path / f"killed-{after}"
        with pytest.raises(KeyboardInterrupt):
            build(given, dying(after), out, options, shard_size=2)
        build(given, respond, out, options, shard_size=2)
        for name in ("train.jsonl", "report.json", "README.md", "manifest.json"):
            assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), (after, name)


@pytest.mark.parametrize("begun", [True, False])
def test_a_folder_of_the_other_choice_is_refused(tmp_path: Path, begun: bool) -> None:
    with pytest.raises(KeyboardInterrupt):
        build(
            attributions(tmp_path / "data", WEEK),
            dying(9),
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

    given = attributions(tmp_path / "data")
    monkeypatch.setattr("training.build.attributions.read_attributions", lambda *_: given)
    monkeypatch.setattr("training.build.backend.responder", lambda *_, **__: respond)
    out = tmp_path / "out"
    assert cli.main(["--attributions", "x", "--model", "m", "--out", str(out), *flag]) == 0
    assert json.loads((out / "settings.json").read_text())["options"]["specific"] is bool(flag)
    assert [row for row in rows_of(out) if "elsewhere" in row] == (rows_of(out) if flag else [])

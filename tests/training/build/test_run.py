"""A build: arms, replay, texts of the evaluation, kills, errors."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from faithful_se.errors import UsageError
from lm_eval_tasks.calls import Answer
from lm_eval_tasks.document import Document
from lm_eval_tasks.thoughts import CUT
from tests.training.build.rule_model import TEXTS, Recorder, attributions, interrupted, respond
from training.build.attributions import Attributions, read_attributions
from training.build.decontaminate import NEAR, SAME, SHARES, EvaluationTexts
from training.build.options import BuildOptions
from training.build.run import build
from training.build.verify import UNCHANGED

MANY = [f"{text} {adverb}" for adverb in ("here", "there", "outside", "again") for text in TEXTS]


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]


def built(tmp_path: Path, name: str = "out", texts: Any = MANY, **options: Any) -> list[dict[str, Any]]:
    build(attributions(tmp_path / "data", texts), respond, tmp_path / name, BuildOptions(**options))
    return rows_of(tmp_path / name)


def test_the_report_counts_every_text(tmp_path: Path) -> None:
    built(tmp_path)
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["datasets"] == ["sentiment140"]
    assert report["accepted"]["sentiment140"] == {"attribution": 20, "redaction": 20, "counterfactual": 24}
    assert report["reasons"]["sentiment140 attribution"] == {UNCHANGED: 4}
    rejected = [json.loads(line) for line in (tmp_path / "out" / "rejected.jsonl").read_text().splitlines()]
    assert len(rejected) == 8 and {row["best"] for row in rejected} == {"love"}
    card = (tmp_path / "out" / "README.md").read_text()
    assert card.startswith("---\nlanguage: en\n") and "| sentiment140 | attribution | 24 | 20 | 0.83 |" in card


@pytest.mark.parametrize(
    ("disagree", "classifier", "says"),
    [
        (12, "generate", True),
        (3, "generate", True),
        (2, "generate", False),
        (0, "generate", False),
        (12, "loglikelihood", False),
    ],
)
def test_texts_that_are_lost_because_two_classifiers_disagree_are_named(
    tmp_path: Path, disagree: int, classifier: str, says: bool
) -> None:
    source, lines = attributions(tmp_path / "data", MANY), list[str]()
    texts = source.texts["sentiment140"]
    for number, text in enumerate(texts[:disagree]):
        other = "positive" if text.prediction == "negative" else "negative"
        texts[number] = replace(text, prediction=other)
    options = BuildOptions(styles=("attribution",), classifier=classifier)
    build(source, respond, tmp_path / "out", options, log=lines.append)
    reason = "the model generates another label than it ranks first"
    line = f"warning: {disagree} of 24 texts and styles have no row: {reason}. "
    assert any(text.startswith(f"{line}--classifier loglikelihood explains") for text in lines) is says


def test_a_quarter_is_classification_half_of_it_masked(tmp_path: Path) -> None:
    rows = built(tmp_path)
    replay = [row for row in rows if row["style"] == "classification"]
    assert len(replay) == 21 and len(rows) == 85
    assert sum("[REDACTED]" in row["prompt"][0]["content"].rpartition("Tweet: ")[2] for row in replay) == 10
    assert {row["completion"][0]["content"] for row in replay} == {"negative", "positive"}
    assert not [row for row in built(tmp_path, "none", replay=0.0) if row["style"] == "classification"]


def test_control_arms_differ_from_the_word_arm_in_the_word_alone(tmp_path: Path) -> None:
    word, *others = (built(tmp_path, arm, arm=arm, replay=0.0) for arm in ("word", "random", "lowest"))
    for rows in others:
        assert [row["prompt"] for row in rows] == [row["prompt"] for row in word]
        assert [row["new"] for row in rows] == [row["new"] for row in word]
        assert {row["flips"] for row in rows} == {None}
    assert {row["words"][0] for row in word} == {"love", "great", "hate", "awful", "paris"}
    # "hate" speaks against "positive" where "paris" decides.
    assert {row["words"][0] for row in others[1]} & {"love", "great", "hate", "awful", "paris"} == {"hate"}
    assert len({row["words"][0] for row in others[0]}) > 8
    answers = built(tmp_path, "answers", arm="answers", replay=0.0)
    assert [row["hash"] for row in answers] == [row["hash"] for row in word]
    assert {row["style"] for row in answers} == {"classification"} and {len(row["prompt"]) for row in answers} == {1}


def test_texts_of_the_evaluation_and_their_variants_stay_out(tmp_path: Path) -> None:
    evaluation = [TEXTS[0], "Well: we hate a nice long walk!"]
    build(attributions(tmp_path / "data", TEXTS, evaluation), respond, tmp_path / "out")
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["held_out"] == {"sentiment140": {SAME: 1, NEAR: 1}}
    assert len({row["hash"] for row in rows_of(tmp_path / "out") if row["style"] == "counterfactual"}) == 4


def test_a_shared_premise_is_a_shared_text() -> None:
    evaluation = EvaluationTexts([Document({"premise": "a man walks a dog by the sea", "hypothesis": "he sleeps"})])
    other = Document({"premise": "A man walks a dog by the sea.", "hypothesis": "somebody is outside with an animal"})
    assert evaluation.reason(other) == SHARES
    assert evaluation.reason(Document({"premise": "two women talk in a shop", "hypothesis": "he sleeps"})) == ""


def test_killed_anywhere_it_ends_with_the_same_bytes(tmp_path: Path) -> None:
    source, model = attributions(tmp_path / "data", MANY), Recorder()
    build(source, model, tmp_path / "undisturbed", shard_size=5)
    assert model.batches > 10
    for batches in range(model.batches):
        out = tmp_path / f"killed-{batches}"
        with pytest.raises(KeyboardInterrupt):
            build(source, interrupted(batches), out, shard_size=5)
        assert not (out / "manifest.json").exists()
        build(source, respond, out, shard_size=5)
        for name in ("train.jsonl", "rejected.jsonl", "report.json", "README.md", "manifest.json"):
            assert (out / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes(), (batches, name)


def test_a_finished_build_makes_no_call_and_another_one_is_refused(tmp_path: Path) -> None:
    built(tmp_path)
    build(attributions(tmp_path / "data", MANY), interrupted(0), tmp_path / "out")
    with pytest.raises(UsageError, match=r"begun with options\.seed = 0, now 1"):
        built(tmp_path, seed=1)


def test_an_empty_yield_is_one_line_with_the_reasons(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=rf"no row at all: {UNCHANGED} \(4\)") as error:
        built(tmp_path, texts=[text for text in MANY if text.startswith("love and")], styles=("attribution",))
    assert "\n" not in str(error.value)
    built(tmp_path)  # the folder is still free


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"styles": ("attribution", "poem")}, "--styles poem"),
        ({"arm": "best"}, "--arm best: give one of word, random, lowest, answers"),
        ({"replay": 1.0}, "--replay 1.0"),
        ({"budget": "twoword"}, "--budget twoword"),
    ],
)
def test_wrong_options_are_one_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        BuildOptions(**options)


def test_folders_that_hold_no_finished_attributions(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no attributions"):
        read_attributions(tmp_path)
    (tmp_path / "settings.json").write_text("{}")
    with pytest.raises(UsageError, match="is not finished: run the same"):
        read_attributions(tmp_path)
    (tmp_path / "manifest.json").write_text('{"rows": {"snli": 1}}')
    (tmp_path / "snli.jsonl").write_text('{"hash": "x"}\n')
    with pytest.raises(UsageError, match="no attributions of trec; there are snli"):
        read_attributions(tmp_path, ["trec"])
    with pytest.raises(UsageError, match="line 1 is not a row"):
        read_attributions(tmp_path)
    (tmp_path / "snli.jsonl").write_text("")
    with pytest.raises(UsageError, match=r"snli.jsonl has 0 rows, manifest.json says 1: run the same"):
        read_attributions(tmp_path)
    (tmp_path / "manifest.json").write_text('{"rows": {"snl')
    with pytest.raises(UsageError, match=r"manifest.json is damaged, it holds no JSON object: the same"):
        read_attributions(tmp_path)


def test_a_build_that_failed_before_its_first_row_keeps_no_folder(tmp_path: Path) -> None:
    source = attributions(tmp_path / "data", MANY)
    missing = Attributions({**source.manifest, "data": str(tmp_path / "gone")}, source.texts)
    with pytest.raises(UsageError, match="gone"):
        build(missing, respond, tmp_path / "out")
    with pytest.raises(KeyboardInterrupt):
        build(source, interrupted(0), tmp_path / "out")
    build(source, respond, tmp_path / "out", BuildOptions(seed=1))
    assert json.loads((tmp_path / "out" / "settings.json").read_text())["options"]["seed"] == 1


def test_rows_that_are_done_keep_their_folder(tmp_path: Path) -> None:
    source = attributions(tmp_path / "data", MANY)
    with pytest.raises(KeyboardInterrupt):
        build(source, interrupted(6), tmp_path / "out", shard_size=2)
    assert list((tmp_path / "out" / "shards").glob("*.jsonl"))
    with pytest.raises(UsageError, match=r"begun with options\.seed = 0, now 1"):
        build(source, respond, tmp_path / "out", BuildOptions(seed=1))


def test_a_folder_of_attributions_is_named_as_that(tmp_path: Path) -> None:
    settings = {"model": "m", "options": {"method": "ig", "target": "margin", "mask": "_"}}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(UsageError, match=rf"{tmp_path} holds attributions: give another --out$"):
        build(attributions(tmp_path / "data", MANY), respond, tmp_path)


def test_rows_carry_the_chat_templates_arguments_of_the_attribution(tmp_path: Path) -> None:
    source, off = attributions(tmp_path / "data", MANY), {"enable_thinking": False}
    source.manifest["chat_template_args"] = off
    build(source, respond, tmp_path / "out")
    assert {json.dumps(row["chat_template_kwargs"]) for row in rows_of(tmp_path / "out")} == {json.dumps(off)}
    assert all("chat_template_kwargs" not in row for row in built(tmp_path, "plain"))


def test_a_model_that_only_thinks_gives_no_row_and_the_remedy(tmp_path: Path) -> None:
    def think(calls: Any) -> list[Answer]:
        return [Answer("<think>\nnegative", problem=CUT, after_thought="") for _ in calls]

    remedy = r"attribute again, where its template can with --chat-template-args"
    with pytest.raises(UsageError, match=rf"^no row at all: {CUT} .*The model thinks: {remedy}"):
        build(attributions(tmp_path / "data", MANY), think, tmp_path / "out")


def test_a_thought_is_no_part_of_a_row(tmp_path: Path) -> None:
    def think_first(calls: Any) -> list[Answer]:
        thought = "<think>\nneither\n</think>\n\n"
        answers = respond(calls)
        return [Answer(thought + answer.text, answer.label, after_thought=answer.text) for answer in answers]

    build(attributions(tmp_path / "data", MANY), think_first, tmp_path / "out")
    assert rows_of(tmp_path / "out") == built(tmp_path, "plain")

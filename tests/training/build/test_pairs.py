"""Preference pairs: which texts have one, what stands in it, and who judged it. Every number is computed by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from faithful_se.errors import UsageError
from faithfulness_metrics.words import seed_of
from lm_eval_tasks import scheduler
from lm_eval_tasks.calls import Answer, Call, Classify
from lm_eval_tasks.document import Document
from lm_eval_tasks.metrics import score
from lm_eval_tasks.protocol import self_explain
from tests.training.build.rule_model import TEXTS, answer, attributions, spec
from training.build.options import BuildOptions
from training.build.pairs import OWN_NOT_VALID, OWN_TRUE
from training.build.rows import with_label
from training.build.run import build
from training.build.verify import UNCHANGED


def explain_by_first_word(calls: Sequence[Call]) -> list[Answer]:
    """Classify by the rules; name the first word of the text, mask it, or write "paris" or "monday" over it."""

    def explain(call: Any) -> Answer:
        text, request = call.messages[0][1].rpartition("Tweet: ")[2], call.messages[-1][1]
        first, *rest = text.split(" ")
        if "Change one word" in request:
            first = "paris" if '"positive"' in request else "monday"
        elif request.startswith("Which"):
            rest = []
        else:
            first = "[REDACTED]"
        return Answer(" ".join([first, *rest]))

    return [answer(call) if isinstance(call, Classify) else explain(call) for call in calls]


def built(tmp_path: Path, name: str = "out", respond: Any = explain_by_first_word, **options: Any) -> list[Any]:
    out = tmp_path / name
    build(attributions(tmp_path / "data"), respond, out, BuildOptions(pairs=True, **options))
    return [json.loads(line) for line in (out / "train.jsonl").read_text().splitlines()]


def content(messages: list[dict[str, str]]) -> str:
    (message,) = messages
    assert message["role"] == "assistant"
    return message["content"]


def test_each_pair_is_literally_this(tmp_path: Path) -> None:
    """Texts 2 and 3 open with the word that decides; in text 4 no single word changes the answer."""
    rows = built(tmp_path, styles=("attribution", "redaction"))
    pairs = {(row["style"], content(row["chosen"]), content(row["rejected"])) for row in rows}
    assert pairs == {
        ("attribution", "love", "i"),
        ("attribution", "hate", "we"),
        ("attribution", "paris", "it"),
        ("redaction", "i [REDACTED] the dull rain today", "[REDACTED] love the dull rain today"),
        ("redaction", "we [REDACTED] a nice long walk", "[REDACTED] hate a nice long walk"),
        ("redaction", "it is [REDACTED] and i hate it", "[REDACTED] is paris and i hate it"),
    }
    assert {tuple(row)[:3] for row in rows} == {("prompt", "chosen", "rejected")}
    assert {row["flips"] for row in rows} == {True}
    assert {(row["words"][0], row["rejected_words"][0]) for row in rows} == {
        ("love", "i"), ("hate", "we"), ("paris", "it"),
    }  # fmt: skip
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["accepted"] == {"sentiment140": {"attribution": 3, "redaction": 3}}
    expected = {OWN_TRUE: 2, UNCHANGED: 1}
    assert report["reasons"] == {f"sentiment140 {style}": expected for style in ("attribution", "redaction")}
    assert report["replayed"] == {} and report["rows"] == 6
    card = (tmp_path / "out" / "README.md").read_text()
    assert "6 preference pairs in TRL's conversational format" in card and "- dpo\n" in card
    assert f"| sentiment140 | attribution | 6 | 3 | 0.50 | {OWN_TRUE}: 2; {UNCHANGED}: 1 |" in card


def test_a_pair_of_counterfactuals(tmp_path: Path) -> None:
    """The model's own word decides everything, so its own counterfactual is always true."""
    with pytest.raises(UsageError, match=rf"no row at all: {OWN_TRUE} \(6\). There is nothing to prefer to them"):
        built(tmp_path, styles=("counterfactual",))

    def write_nice(calls: Sequence[Call]) -> list[Answer]:
        answers = explain_by_first_word(calls)
        return [Answer(a.text.replace("monday", "nice"), a.label, a.logprobs) for a in answers]

    rows = built(tmp_path, respond=write_nice, styles=("counterfactual",))
    assert [(content(row["chosen"]), content(row["rejected"])) for row in rows] == [
        ("i awful the dull rain today", "nice love the dull rain today"),
        ("awful and great food all week", "nice and great food all week"),
        ("it is awful and i hate it", "nice is paris and i hate it"),
    ]


@pytest.mark.parametrize("style", ["attribution", "redaction"])
def test_the_evaluation_calls_the_chosen_true_and_the_rejected_untrue(tmp_path: Path, style: str) -> None:
    rows = built(tmp_path, styles=(style,))
    texts = {document.hash: document for document in (Document({"text": text}) for text in TEXTS)}
    for row in rows:
        for column, faithful in (("chosen", 1.0), ("rejected", 0.0)):
            reply = Answer(content(row[column]))
            document = texts[row["hash"]]

            def respond(calls: Any, reply: Answer = reply) -> list[Answer]:
                return [answer(call) if isinstance(call, Classify) else reply for call in calls]

            scores = score(scheduler.run([self_explain(spec(style), document)], respond)[0], spec(style), document)
            assert (scores["valid"], scores["faithful"]) == (1.0, faithful)
    asked = [spec(style).explain(texts[row["hash"]], Answer(row["prediction"], row["prediction"])) for row in rows]
    assert [[(turn["role"], turn["content"]) for turn in row["prompt"]] for row in rows] == [
        list(call.messages) for call in asked
    ]


def test_the_control_prefers_a_random_word_to_the_same_own_word(tmp_path: Path) -> None:
    word, random = (built(tmp_path, arm, arm=arm, styles=("attribution",)) for arm in ("word", "random"))
    same = ("prompt", "rejected", "hash", "rejected_words")
    assert [[row[key] for key in same] for row in word] == [[row[key] for key in same] for row in random]
    assert all(content(row["chosen"]) == row["words"][0] != row["rejected_words"][0] for row in random)
    assert {row["flips"] for row in random} == {None} and {row["arm"] for row in random} == {"random"}
    assert all(row["words"] != other["words"] for row, other in zip(word, random, strict=True))


def test_a_draw_of_the_models_own_word_is_drawn_again(tmp_path: Path) -> None:
    """Over many seeds "i" would be drawn for text 0 in a sixth of them."""
    from random import Random

    from tests.training.build.rule_model import attributed
    from training.build.verify import Verdict, control_words

    text, verdict = attributed(TEXTS[0]), Verdict("", words=("love",), own_words=("i",))
    drawn = {control_words("random", text, verdict, seed) for seed in range(60)}
    assert drawn == {(word,) for word in ("love", "the", "dull", "rain", "today")}
    without = [control_words("random", text, Verdict("", words=("love",)), seed) for seed in range(60)]
    keys = [key for key, _ in text.ranking]
    draws = [Random(seed_of(text.document.hash, f"random {seed}")).sample(keys, 1)[0] for seed in range(60)]
    assert [words[0] for words in without] == draws and "i" in draws


def test_an_own_explanation_without_format_gives_no_pair(tmp_path: Path) -> None:
    def ramble(calls: Sequence[Call]) -> list[Answer]:
        answers = explain_by_first_word(calls)
        return [
            a if isinstance(call, Classify) else Answer("It depends on everything.")
            for call, a in zip(calls, answers, strict=True)
        ]

    with pytest.raises(UsageError, match=rf"no row at all: {OWN_NOT_VALID} \(6\). Teach the model the format first"):
        built(tmp_path, respond=ramble, styles=("attribution",))


def test_replayed_answers_are_preferred_to_another_label(tmp_path: Path) -> None:
    """Three pairs of explanations, so three of answers: whole texts and texts with a mask, in the model's own words."""

    def say(calls: Sequence[Call]) -> list[Answer]:
        answers = explain_by_first_word(calls)
        return [
            Answer(f"It is {a.text}.", a.label) if isinstance(call, Classify) else a
            for call, a in zip(calls, answers, strict=True)
        ]

    rows = built(tmp_path, respond=say, styles=("attribution",), replay=0.5)
    plain = built(tmp_path, "plain", respond=say, styles=("attribution",))
    assert rows[: len(plain)] == plain
    replayed = rows[len(plain) :]
    assert [row["style"] for row in replayed] == ["classification"] * 3
    opposite = {"positive": "negative", "negative": "positive"}
    for row in replayed:
        label = row["prediction"]
        assert (content(row["chosen"]), content(row["rejected"])) == (f"It is {label}.", f"It is {opposite[label]}.")
        assert row["rejected_words"] == [] and len(row["prompt"]) == 1
    assert sorted(len(row["words"]) for row in replayed) == [0, 0, 1]
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (report["rows"], report["explanations"], report["replayed"]) == (6, 3, {"sentiment140": 3})
    card = (tmp_path / "out" / "README.md").read_text()
    assert "3 of the pairs are classifications" in card and "| replay | 0.5 of the rows" in card
    assert "classifications" not in (tmp_path / "plain" / "README.md").read_text()


@pytest.mark.parametrize(
    ("answer", "rejected"),
    [
        ("positive", "negative"),
        ("The tweet is Positive!", "The tweet is negative!"),
        ("It sounds upbeat.", ""),  # read by a synonym: nothing to put the other label in the place of
        ("positively so", ""),
    ],
)
def test_an_answer_with_another_label(answer: str, rejected: str) -> None:
    call = spec("attribution").classify(Document({"text": TEXTS[0]}))
    assert with_label(answer, "positive", "negative", call) == rejected


def test_killed_anywhere_it_ends_with_the_same_bytes(tmp_path: Path) -> None:
    source, batches = attributions(tmp_path / "data"), 0
    options = BuildOptions(pairs=True, styles=("attribution", "redaction"))

    def counted(calls: Sequence[Call]) -> list[Answer]:
        nonlocal batches
        batches += 1
        return explain_by_first_word(calls)

    build(source, counted, tmp_path / "undisturbed", options, shard_size=4)
    for last in range(batches):
        remaining = iter(range(last))

        def stopped(calls: Sequence[Call], remaining: Any = remaining) -> list[Answer]:
            if next(remaining, None) is None:
                raise KeyboardInterrupt
            return explain_by_first_word(calls)

        out = tmp_path / f"killed-{last}"
        with pytest.raises(KeyboardInterrupt):
            build(source, stopped, out, options, shard_size=4)
        build(source, explain_by_first_word, out, options, shard_size=4)
        for name in ("train.jsonl", "rejected.jsonl", "report.json", "README.md", "manifest.json"):
            assert (out / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes(), (last, name)
    assert batches > 5


def test_options_that_exclude_pairs_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--pairs prefers a true explanation, and --unfiltered takes untrue ones"):
        BuildOptions(pairs=True, filtered=False)
    with pytest.raises(UsageError, match="--pairs compares explanations, and --arm answers has none"):
        BuildOptions(pairs=True, arm="answers")
    assert "pairs" not in BuildOptions().as_dict()
    built(tmp_path)
    with pytest.raises(UsageError, match=r"begun with options\.(pairs|replay) = "):
        build(attributions(tmp_path / "data"), explain_by_first_word, tmp_path / "out", BuildOptions())

"""The rows of a tuning: which texts, gold answers, explanations of the model's own and of drawn words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from faithful_se.errors import UsageError
from faithfulness_metrics.words import key_of
from lm_eval_tasks.calls import Answer, Call, Generate
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.document import Document
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import BUDGETS, EXPLANATION_STYLES, STYLES
from training.attribution.inputs import load_split
from training.build.decontaminate import NEAR, SAME
from training.tune.drawn_words import content_words, draw_explanation
from training.tune.folder import TuneFolder
from training.tune.options import FIRST, RANDOM, RowOptions, SourceOptions
from training.tune.replay import collect_own, explain, replay_rows, specs_of
from training.tune.rows import DRAWN, OWN, gold_rows
from training.tune.texts import LONG, Texts, read_texts

OPTIONS = RowOptions(replay=6, own_examples=2, held_out=10, max_chars=200)
MASK = "[REDACTED]"


def texts_of(name: str = "snli", rows: int = 30, options: RowOptions = OPTIONS, data: str = "mini") -> Texts:
    return read_texts(name, rows, SourceOptions("m", Path("o"), (name,), data), options)


def test_rows_hold_no_text_of_the_test_and_the_validation_split() -> None:
    texts = texts_of()
    dataset = dataset_spec("snli")
    others = {
        dataset.document(row).hash for split in ("test", "validation") for row in load_split(dataset, "mini", split)
    }
    learnt = [*texts.gold, *texts.replayed, *texts.examples]
    assert len({text.hash for text in learnt}) == 38 and others.isdisjoint(text.hash for text in learnt)
    assert Counter(text.gold for text in texts.gold) == dict.fromkeys(dataset.question.labels, 10)
    assert all(sum(map(len, text.fields.values())) <= 200 for text in learnt)
    validation = {dataset.document(row).hash for row in load_split(dataset, "mini", "validation")}
    assert len(texts.held_out) == 10 and {text.hash for text in texts.held_out} <= validation


def write_split(folder: Path, split: str, texts: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lines = (f'{{"text": "{text}", "sentiment": {4 * (i % 2)}}}\n' for i, text in enumerate(texts))
    (folder / f"{split}.jsonl").write_text("".join(lines))


def test_texts_that_are_left_out_are_counted_and_a_rare_label_limits_the_rows(tmp_path: Path) -> None:
    folder, test = tmp_path / "sentiment140", "a long day at the sea with all of my friends"
    write_split(folder, "test", [test, "rain"])
    write_split(folder, "validation", ["snow is good", "snow is bad"])
    train = [f"{test} today", "sun", "rain", "wind", "x" * 201, "fog", "ice", "hail"]
    write_split(folder, "train", train)
    texts = texts_of("sentiment140", 100, replace(OPTIONS, own_examples=0, replay=2), str(tmp_path))
    assert texts.left_out == {NEAR: 1, SAME: 1, LONG: 1} and texts.wanted == 100
    # Of negative texts only "ice" is left; a last round may be a part of one.
    assert {text.fields["text"]: text.gold for text in texts.gold}.keys() >= {"ice"}
    assert Counter(text.gold for text in texts.gold) == {"negative": 1, "positive": 2}
    assert {text.hash for text in texts.replayed} <= {text.hash for text in texts.gold}
    other = tmp_path / "other" / "sentiment140"
    for split, lines in (("test", ["rain"]), ("validation", ["snow"]), ("train", ["rain", "sun"])):
        write_split(other, split, lines)
    with pytest.raises(UsageError, match=r"no training text of negative is left \(in the evaluation: 1\)"):
        texts_of("sentiment140", 4, OPTIONS, str(other.parent))


def test_a_gold_row_is_the_evaluations_question_and_the_label() -> None:
    texts = texts_of()
    rows = list(gold_rows(texts, 0.3, 0))
    masked = [row for row in rows if row["words"]]
    assert len(rows) == 30 and len(masked) == 9
    for row, document in zip(rows, texts.gold, strict=True):
        assert row["completion"] == [{"role": "assistant", "content": document.gold}]
        assert row["source"] == "gold" and row["style"] == "classification" and row["hash"] == document.hash
        content = row["prompt"][0]["content"]
        assert content.startswith(
            "Does the premise entail the hypothesis, contradict it, or neither of the two (neutral)? Words of the"
        )
        if not row["words"]:
            assert content.endswith(texts.spec.question.show(document.fields))
        else:
            text_of_row = content.partition("\n\n")[2]
            assert 1 <= len(row["words"]) <= 3 and MASK in text_of_row
            keys = {key_of(word) for word in row["words"]}
            left = [word for word in document.words if word.key not in keys]
            assert left and text_of_row.count(MASK) == len(document.words) - len(left)
    assert rows == list(gold_rows(texts, 0.3, 0)) != list(gold_rows(texts, 0.3, 1))


def tweet_spec(style: str, budget: str = "oneword") -> TaskSpec:
    return replace(texts_of("sentiment140", 4).spec, style=style, budget=budget)


TWEET = Document({"text": "I love the sunny beach and it's Monday, don't you love it?"}, "positive")
OTHERS = {"negative": [Document({"text": "such a negative rainy day"}, "negative")]}


def test_content_words_have_three_characters_and_are_no_stop_words() -> None:
    assert content_words(TWEET) == ["love", "sunny", "beach", "Monday"]
    assert content_words(Document({"text": "it is so 12"})) == ["it", "is", "so"]
    assert content_words(Document({"text": "12 :)"})) == []


def test_every_content_word_is_drawn_equally_often() -> None:
    (style, *_) = EXPLANATION_STYLES
    spec = tweet_spec(style)
    draws = [draw_explanation(spec, TWEET, {}, f"draw {seed}") for seed in range(800)]
    counts = Counter(drawn.completion for drawn in draws if drawn)
    assert counts.keys() == {"love", "sunny", "beach", "Monday"}
    assert all(160 <= count <= 240 for count in counts.values()), counts  # standard deviation 12


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("style", EXPLANATION_STYLES)
def test_the_first_words_are_the_same_in_every_draw(style: str, budget: str) -> None:
    spec = tweet_spec(style, budget)
    draws = [draw_explanation(spec, TWEET, OTHERS, f"draw {seed}", FIRST) for seed in range(3)]
    several = budget == "multiword" and not STYLES[style].WANTS_TARGET
    assert {drawn and drawn.words for drawn in draws} == {("love", "sunny", "beach") if several else ("love",)}
    for drawn in filter(None, draws):
        assert STYLES[style].parse(drawn.completion, TWEET.fields, spec.request(TWEET, drawn.target)).valid


def test_first_words_get_one_new_word_for_each_label_unless_the_text_holds_it() -> None:
    style = next(name for name, style in STYLES.items() if style.WANTS_TARGET)
    others = {"negative": [Document({"text": text}, "negative") for text in ("rainy day", "dull cold", "no bus again")]}
    texts = [
        Document({"text": f"good {word}"}, "positive") for word in ("sun", "sea", "bread", "music", "garden", "home")
    ]

    def new_words(documents: list[Document], way: str, purpose: str = "replay 0") -> set[str]:
        draws = [draw_explanation(tweet_spec(style), text, others, purpose, way) for text in documents]
        return {drawn.new for drawn in draws if drawn}

    (word,) = new_words(texts, FIRST)
    assert len(new_words(texts, RANDOM)) > 1
    assert len({*map("".join, (new_words(texts, FIRST, f"replay {seed}") for seed in range(9)))}) > 1
    assert word not in new_words([Document({"text": f"good {word}"}, "positive")], FIRST)


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("style", EXPLANATION_STYLES)
def test_drawn_explanations_are_valid_and_new_words_are_of_the_target_label(style: str, budget: str) -> None:
    spec = tweet_spec(style, budget)
    for seed in range(10):
        drawn = draw_explanation(spec, TWEET, OTHERS, f"draw {seed}")
        assert drawn
        request = spec.request(TWEET, drawn.target)
        explanation = STYLES[style].parse(drawn.completion, TWEET.fields, request)
        assert explanation.valid and set(explanation.words) == set(drawn.words)
        if STYLES[style].WANTS_TARGET:
            assert drawn.target == "negative" and drawn.new in ("rainy", "day") and len(drawn.words) == 1
        else:
            assert not drawn.new and (len(drawn.words) == 1 if budget == "oneword" else 2 <= len(drawn.words) <= 4)
    assert draw_explanation(spec, Document({"text": "12 :)"}, "positive"), OTHERS, "draw") is None


def test_own_explanations_are_kept_where_they_are_valid_and_their_rows_have_no_examples(tmp_path: Path) -> None:
    texts = texts_of("sentiment140", 6)
    asked: list[Call] = []

    def respond(calls: Sequence[Call]) -> list[Answer]:
        """Name the first word of the text, whatever is asked for: right in one style only."""
        asked.extend(calls)
        turns = [call.messages for call in calls]
        return [Answer(messages[-3][1].rpartition("Tweet: ")[2].split()[0].strip(".,")) for messages in turns]

    folder = TuneFolder(tmp_path / "out", {})
    with folder.open():
        own = collect_own(folder, respond, texts, OPTIONS)
        again = collect_own(folder, lambda calls: pytest.fail("asked again"), texts, OPTIONS)
    assert own == again and {style for style, _, _ in own} == {next(iter(STYLES))}
    rows = list(replay_rows(texts, OPTIONS, own))
    sources = Counter((row["style"], row["source"]) for row in rows)
    (naming, *others) = EXPLANATION_STYLES
    assert sources == {(naming, OWN): 6, **{(style, DRAWN): 6 for style in others}}
    for call in asked:
        assert isinstance(call, Generate)
        assert [role for role, _ in call.messages] == ["user", "assistant"] * 5 + ["user"]
    for row in rows:
        document = next(text for text in texts.replayed if text.hash == row["hash"])
        question, answer, _ = row["prompt"]
        assert question["content"].endswith(document.fields["text"]) and answer["content"] == document.gold
    examples = {text.hash for text in texts.examples}
    assert examples.isdisjoint(row["hash"] for row in rows)


def test_a_worked_example_is_a_conversation_of_the_evaluation() -> None:
    texts = texts_of("sentiment140", 6)
    for spec in specs_of(texts, replace(OPTIONS, budgets=BUDGETS)):
        call = explain(replace(spec, system="Be brief."), texts.replayed[0])
        assert [role for role, _ in call.messages] == ["system", "user", "assistant", "user"]
        assert call.messages[2][1] == texts.replayed[0].gold
        gold = str(texts.replayed[0].gold)
        assert call.messages[-1][1] == STYLES[spec.style].ask(
            spec.request(texts.replayed[0], spec.target(texts.replayed[0], gold))
        )

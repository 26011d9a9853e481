"""What the grammar says about its texts is true of them."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from faithfulness_metrics.flips import UNKNOWN
from faithfulness_metrics.words import FILLERS, mask_out, occurrences, words_of
from training.mini.grammar import MIX, Document, class_weights, draw, find_cues, label_of
from training.mini.lexicon import LEXICONS, VERBS, content_words
from training.mini.prompts import question_of

MASK = "[REDACTED]"


def without(document: Document, keys: tuple[str, ...]) -> dict[str, str]:
    words = words_of(document.fields)
    return mask_out(document.fields, words, occurrences(words, set(keys)), MASK)


@pytest.fixture(scope="module", params=list(LEXICONS))
def documents(request: pytest.FixtureRequest) -> list[Document]:
    rng = random.Random(7)
    return [draw(request.param, rng) for _ in range(500)]


def test_weights_add_up() -> None:
    # awful (3, negative) against clean (1, positive); nice is plain and weighs nothing; then quito (27, positive)
    assert class_weights("sentiment140", {"text": "awful clean nice"}) == [3, 1]
    assert label_of("sentiment140", {"text": "awful clean nice"}) == 0
    assert class_weights("sentiment140", {"text": "awful clean nice in quito quito"}) == [3, 28]
    assert label_of("sentiment140", {"text": "nice coffee"}) is None


@pytest.mark.parametrize(
    ("premise", "hypothesis", "expected"),
    [
        ("a man sits", "the man sits", [3, 0, 0]),
        ("a man sits", "the man walks", [0, 0, 3]),
        ("a man sits", "the man laughs", [0, 0, 0]),
        ("a man sits", "the man hopes", [0, 3, 0]),
        ("a man sits", "the man sits outdoors", [30, 0, 0]),
        (f"a man {MASK}", "the man sits", [0, 0, 0]),
    ],
)
def test_pairs_of_verbs_make_relations(premise: str, hypothesis: str, expected: list[int]) -> None:
    assert class_weights("snli", {"premise": premise, "hypothesis": hypothesis}) == expected


def test_label_is_the_class_with_the_largest_sum(documents: list[Document]) -> None:
    for document in documents:
        total = class_weights(document.task, document.fields)
        assert sorted(total)[-1] > sorted(total)[-2]
        assert document.label == total.index(max(total))


def test_a_shortcut_decides_and_no_nameable_word_does(documents: list[Document]) -> None:
    for document in (document for document in documents if document.kind == "shortcut"):
        assert label_of(document.task, without(document, document.shortcut)) not in (None, document.label)
        assert label_of(document.task, without(document, document.cues)) == document.label


def test_the_strong_word_decides_a_cue_document(documents: list[Document]) -> None:
    for document in (document for document in documents if document.kind == "cue"):
        strong = [word for word, kind, label in find_cues(document.task, document.fields) if kind == "strong"]
        for word in strong:
            assert label_of(document.task, without(document, (word,))) not in (None, document.label)


def test_no_single_word_decides_a_robust_document(documents: list[Document]) -> None:
    for document in (document for document in documents if document.kind == "robust"):
        for word in words_of(document.fields):
            assert label_of(document.task, without(document, (word.key,))) == document.label


def test_every_document_has_a_plain_word_of_its_label_and_of_another(documents: list[Document]) -> None:
    for document in documents:
        classes = {label for _, _, label in find_cues(document.task, document.fields, ("plain",))}
        assert document.label in classes
        assert len(classes) == 2


def test_kinds_and_labels_occur_as_declared(documents: list[Document]) -> None:
    kinds = Counter(document.kind for document in documents)
    for kind, share in MIX.items():
        assert abs(kinds[kind] / len(documents) - share) < 0.08
    labels = Counter(document.label for document in documents)
    assert len(labels) == len(question_of(documents[0].task).labels)


def test_no_word_serves_twice_and_none_is_a_label_or_a_filler() -> None:
    words = Counter(
        word
        for lexicon in LEXICONS.values()
        for group in (*lexicon.plain, *lexicon.weak, *lexicon.strong, *lexicon.vivid, *lexicon.shortcut)
        for word in group
    )
    words.update(VERBS)
    assert [word for word, count in words.items() if count > 1] == []
    labels = {label for task in LEXICONS for label in question_of(task).labels}
    assert not set(words) & {*labels, *FILLERS, UNKNOWN}
    neutral = {word for lexicon in LEXICONS.values() for group in lexicon.neutral.values() for word in group}
    assert not set(words) & neutral
    assert all(words_of({"": word})[0].key == word for lexicon in LEXICONS.values() for word in content_words(lexicon))


def test_same_seed_same_documents() -> None:
    first, second = ([draw("snli", random.Random(3)) for _ in range(3)] for _ in range(2))
    assert first == second

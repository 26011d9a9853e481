"""Explanations by sentences: literal prompts, answers that name, mask or edit sentences, edits between documents."""

from __future__ import annotations

import pytest

from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.styles import STYLES
from lm_eval_tasks.styles.explanation import Explanation, Request
from lm_eval_tasks.styles.sentence_edits import sentence_edits_between

QUESTION = dataset_spec("agnews").question
TEXT = 'My card was stolen on Monday. I called the bank twice. They said: "Not our problem." I lost 500 dollars.'
CARD, BANK, SHOP = "My card was stolen on Monday.", "I called the bank twice.", "I called the shop twice."
QUOTE, LOSS = "Not our problem.", "I lost 500 dollars."


def request(budget: str = "oneword", operator: str = "mask", target: str = "") -> Request:
    return Request(QUESTION, budget, "[X]", operator, target, "sentence")


def parsed(style: str, answer: str, budget: str = "oneword", text: str = TEXT) -> Explanation:
    target = "sports" if STYLES[style].WANTS_TARGET else ""
    return STYLES[style].parse(answer, {"text": text}, request(budget, target=target))


PROMPTS = {
    ("attribution", "oneword", "mask"): """
    Which one sentence of the article above is most important for your answer? If that sentence were replaced by "[X]",
    your answer would change. Answer only with the sentence, exactly as it stands in the article.""",
    ("attribution", "multiword", "delete"): """
    Which sentences of the article above are most important for your answer? If all of them were deleted, your answer
    would change. Answer only with the sentences, exactly as they stand in the article, one per line.""",
    ("redaction", "oneword", "mask"): """
    Redact the one sentence of the article above that is most important for your answer: replace that sentence by
    "[X]", so that your answer would change. Keep everything else exactly as it is. Answer only with the redacted
    article.""",
    ("redaction", "multiword", "mask"): """
    Redact the sentences of the article above that are most important for your answer: replace each of them by "[X]",
    so that your answer would change. Keep everything else exactly as it is. Answer only with the redacted article.""",
    ("counterfactual", "oneword", "mask"): """
    Change one sentence of the article above so that your answer would become "sports". Keep everything else exactly
    as it is. Answer only with the changed article.""",
    ("counterfactual", "multiword", "mask"): """
    Edit the article above so that your answer would become "sports". Change as few sentences as possible and keep
    everything else exactly as it is. Answer only with the edited article.""",
}


def test_prompts() -> None:
    note = QUESTION.classify({"text": "A. B."}, "[X]", False, "sentence").split("Answer only")[0]
    assert note.endswith('Sentences of the article may be replaced by "[X]". ')
    for (style, budget, operator), prompt in PROMPTS.items():
        assert STYLES[style].ask(request(budget, operator, "sports")) == " ".join(prompt.split())


NAMED = [
    (CARD, [0]), (CARD.lower().rstrip("."), [0]), (f'"{CARD}"', [0]), (f"**{LOSS}**", [3]), (f"1. {LOSS}", [3]),
    # Half of a sentence names it: models stop early, or cut otherwise than the splitter.
    ("My card was stolen", [0]), (QUOTE, [2]),
    # Titles, openings, comments.
    (f"Article: {LOSS}", [3]), (f"Most important sentence: {LOSS}", [3]),
    (f"The most important sentence is {LOSS}", [3]),
    (f"Sure! Here is the sentence:\n\n{LOSS}", [3]), (f"{CARD}\n\nThis is about theft.", [0]),
    (f"{CARD} This sentence shows what it is about.", [0]), (f'The sentence "{LOSS}" names money.', [3]),
    (f'{{"sentence": "{LOSS}"}}', [3]), (f"<think>{CARD}</think>{LOSS}", [3]),
]  # fmt: skip

NOT_NAMED = [
    (f"{LOSS} {CARD}", "more than one sentence"), (f"- {LOSS}\n- {CARD}", "more than one sentence"),
    (TEXT, "more than one sentence"),
    # A sentence that is not there, alone or beside one that is.
    ("My dog was stolen.", "sentence not in the text"), (f"{LOSS} I called my mother too.", "sentence not in the text"),
    ("I", "only a part of a sentence"), ("card", "only a part of a sentence"),
    ("Sports", "sentence not in the text"), ("", "no sentence named"), ("I'm sorry, I can't do that.", "refusal"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "positions"), NAMED)
def test_an_answer_names_one_sentence(answer: str, positions: list[int]) -> None:
    explanation = parsed("attribution", answer)
    assert explanation.valid and list(explanation.positions) == positions


@pytest.mark.parametrize(("answer", "reason"), NOT_NAMED)
def test_an_answer_names_no_one_sentence(answer: str, reason: str) -> None:
    assert not parsed("attribution", answer).valid and parsed("attribution", answer).reason == reason


@pytest.mark.parametrize(
    ("answer", "positions"),
    [
        (f"{LOSS}\n{CARD}", [0, 3]),
        (f"Sentence 1: {LOSS}\nSentence 2: {CARD}\nThese sentences matter.", [0, 3]),
        (f'["{LOSS}", "{CARD}"]', [0, 3]),
        (f'"{LOSS}" and "{CARD}"', [0, 3]),
        (TEXT, [0, 1, 2, 3]),
        (f"- {LOSS}\n- I lost my mind.", None),
        (f'"{LOSS}" is not important, "{CARD}" is.', None),
    ],
)
def test_an_answer_names_several_sentences(answer: str, positions: list[int] | None) -> None:
    explanation = parsed("attribution", answer, "multiword")
    assert list(explanation.positions) == (positions or []) and explanation.valid is (positions is not None)


def test_a_repeated_sentence_is_named_with_all_its_occurrences() -> None:
    assert parsed("attribution", "no answer", text="No answer. I wait. No answer!").positions == (0, 2)


REDACTED = [
    (TEXT.replace(LOSS, "[X]"), [3], ""), (TEXT.replace(LOSS[:-1], "[X]"), [3], ""),
    (TEXT.replace("lost 500 dollars", "[X]"), [3], ""),
    (f"Here it is:\n\n{TEXT.replace(CARD, '[X]')}", [0], ""),
    (TEXT.replace("My", "[X]"), [], "only a part of a sentence"),
    (TEXT.replace(f"{CARD} {BANK}", "[X]"), [], "more than one sentence"),
    (TEXT.replace(CARD, "[X]").replace("bank", "shop"), [], "text changed outside the masks"),
    (TEXT, [], "no mask in the answer"), ("[X]", [], "more than one sentence"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "positions", "reason"), REDACTED)
def test_redactions(answer: str, positions: list[int], reason: str) -> None:
    explanation = parsed("redaction", answer)
    assert (list(explanation.positions), explanation.reason) == (positions, reason)
    several = parsed("redaction", TEXT.replace(CARD, "[X]").replace(LOSS, "[X]"), "multiword")
    assert several.positions == (0, 3)


EDITED = [
    (TEXT.replace(LOSS, "I won a match."), [(3, "replace", "I won a match.")]),
    (TEXT.replace("500", "5"), [(3, "replace", "I lost 5 dollars.")]),
    (TEXT.replace(LOSS, "I won. I ran."), [(3, "replace", "I won. I ran.")]),  # one becomes two
    (TEXT.replace(f" {LOSS}", ""), [(3, "delete", "")]),
    (f"{TEXT} All is well.", [(3, "after", "All is well.")]),
    (f"Hello. {TEXT}", [(0, "before", "Hello.")]),
    (TEXT.replace("bank", "shop").replace("500", "5"), [(1, "replace", SHOP), (3, "replace", "I lost 5 dollars.")]),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "edits"), EDITED)
def test_counterfactuals(answer: str, edits: list[tuple[int, str, str]]) -> None:
    for budget in ("oneword", "multiword"):
        explanation = parsed("counterfactual", answer, budget)
        assert [(edit.position, edit.kind, edit.text) for edit in explanation.edits] == edits
        assert explanation.valid is (len(edits) == 1 or budget == "multiword")
    assert parsed("counterfactual", TEXT.upper()).reason == "nothing changed"
    assert parsed("counterfactual", "I'm sorry, I can't.", text="I paid for it.").reason == "refusal"


def test_the_edited_text_is_cut_where_the_original_is() -> None:
    """A splitter takes "Corp. Now" for an end and "Corp. Bladro" for none."""
    text = "It fell on Microsoft Corp. Now it tries again."
    edits = sentence_edits_between({"text": text}, {"text": "It fell on Microsoft Corp. Bladro."})
    assert [(edit.position, edit.kind, edit.text) for edit in edits] == [(1, "replace", "Bladro.")]
    listed = {"text": "Why:\n1. A card.\n2. No answer\n- a fee"}
    (edit,) = sentence_edits_between(listed, {"text": listed["text"].replace("No answer", "Hello")})
    assert (edit.position, edit.text) == (2, "Hello")
    (edit,) = sentence_edits_between({"a": "x.", "b": ""}, {"a": "x.", "b": "y"})
    assert (edit.position, edit.kind) == (0, "after")


@pytest.mark.parametrize("answer", ["I love it.", "I love it", "- I love it.", "Article: I love it.", '"I love it."'])
def test_a_whole_sentence_that_is_a_part_of_another_names_itself(answer: str) -> None:
    text = "He said that I love it more than most people do. I love it. It rains."
    explanation = parsed("attribution", answer, text=text)
    assert (explanation.valid, explanation.positions) == (True, (1,)), explanation
    assert parsed("attribution", f"{answer}\nIt rains.", "multiword", text).positions == (1, 2)

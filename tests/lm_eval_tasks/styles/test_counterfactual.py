from __future__ import annotations

import pytest

from faithfulness_metrics.words import words_of
from lm_eval_tasks.styles import counterfactual
from lm_eval_tasks.styles.counterfactual import edits_between, elsewhere, one_change
from lm_eval_tasks.styles.explanation import Edit
from tests.lm_eval_tasks.styles.conftest import SNLI, TWEETS, request_for

TWEET = {"text": "@anna I love my dog's phone, love it!! http://bit.ly/x1 #happy & 3.5"}
#                   0   1 2    3  4     5      6   7    8     9  10  11   12      13
EDITED = TWEET["text"].replace("love", "hate")
PAIR = {"premise": "A man is sleeping on a bench.", "hypothesis": "The man is awake."}
EDITED_PAIR = {"premise": "A man is sleeping on a bench.", "hypothesis": "The man is asleep."}
SHOWN_PAIR = "Premise: A man is sleeping on a bench.\nHypothesis: The man is asleep."


def test_prompts() -> None:
    assert counterfactual.ask(request_for(TWEETS, "oneword", "negative")) == (
        'Change one word of the tweet above so that your answer would become "negative". Keep everything else exactly '
        "as it is. Answer only with the changed tweet."
    )
    assert counterfactual.ask(request_for(TWEETS, "multiword", "negative")) == (
        'Edit the tweet above so that your answer would become "negative". Change as few words as possible and keep '
        "everything else exactly as it is. Answer only with the edited tweet."
    )
    assert counterfactual.ask(request_for(SNLI, "oneword", "neutral")) == (
        'Change one word of the premise and hypothesis above so that your answer would become "neutral". Keep '
        "everything else exactly as it is. Answer only with the changed premise and hypothesis. "
        'Write the premise after "Premise:" and the hypothesis after "Hypothesis:", one per line.'
    )
    assert counterfactual.ask(request_for(SNLI, "multiword", "neutral")) == (
        'Edit the premise and hypothesis above so that your answer would become "neutral". Change as few words as '
        "possible and keep everything else exactly as it is. Answer only with the edited premise and hypothesis. "
        'Write the premise after "Premise:" and the hypothesis after "Hypothesis:", one per line.'
    )


def test_write() -> None:
    assert counterfactual.write(TWEET, ["Love"], request_for(TWEETS, "oneword"), "hate") == EDITED
    assert counterfactual.write(PAIR, ["awake"], request_for(SNLI, "oneword"), "asleep") == SHOWN_PAIR


@pytest.mark.parametrize(
    "answer",
    [
        EDITED,
        f"\n {EDITED}  \n",
        f'"{EDITED}"',
        f'"{EDITED}".',
        f"“{EDITED}”",
        f"'{EDITED}'",
        f"**{EDITED}**",
        f"*{EDITED}*",
        f"```\n{EDITED}\n```",
        f"```text\n{EDITED}\n```",
        f"Tweet: {EDITED}",
        f"**Tweet:** {EDITED}",
        f'**Tweet:** "{EDITED}"',
        f"Edited tweet: {EDITED}",
        f"Changed tweet:\n{EDITED}",
        f"Tweet (edited): {EDITED}",
        f"### Edited Tweet\n\n{EDITED}",
        f"The edited tweet is: {EDITED}",
        f"Here is the changed tweet:\n\n{EDITED}",
        f"Here's the edited tweet: {EDITED}",
        f"Sure! Here's the tweet with one word changed:\n\n{EDITED}",
        f'Sure, here is the changed tweet:\n\n"{EDITED}"',
        f"Certainly!\n\n{EDITED}",
        f"Of course! Here is one way to do it:\n\n> {EDITED}",
        f"I changed the most important word.\n\n{EDITED}",
        f"Original tweet: {TWEET['text']}\n\nEdited tweet: {EDITED}",
        f"Original: {TWEET['text']}\nChanged: {EDITED}",
        f"Here is the original tweet:\n\n{TWEET['text']}\n\nHere is the edited tweet:\n\n{EDITED}",
        f'{EDITED}\n\nNote: I changed "love" to "hate".',
        f'{EDITED}\n\n(I changed "love" to "hate" to make it negative.)',
        f"{EDITED}\n(Note: love became hate)",
        f"{EDITED} (Note: love became hate)",
        f"{EDITED} **Explanation:** love became hate.",
        f'{EDITED}\nI replaced "love" with "hate".',
        f"{EDITED}\n\nThis change makes the sentiment of the tweet negative.",
        f"{EDITED}\n\nExplanation:\n- love is positive\n- hate is negative",
        f'{EDITED}\n\n**Changes made:**\n- "love" -> "hate"',
        f"{EDITED}\n\nHope this helps! Let me know if you need more.",
        f"{EDITED}\n\n" + "The word hate is negative and love is positive. " * 20,
        f'Sure thing! Here is the edited tweet:\n\n```\n{EDITED}\n```\n\nI replaced "love" by "hate".',
        f"<think>\nI could write hate.\n</think>\n\n{EDITED}",
    ],
)
def test_one_word_is_read(answer: str) -> None:
    told = counterfactual.parse(answer, TWEET, request_for(TWEETS, "oneword", "negative"))
    assert told.valid, told.reason
    assert (told.words, told.positions) == (("love",), (2, 6))
    assert told.edits == (Edit(2, "replace", "hate"), Edit(6, "replace", "hate"))
    assert told.edited is not None
    assert told.edited["text"].removeprefix("> ") == EDITED


@pytest.mark.parametrize(
    ("answer", "edits", "words"),
    [
        # one occurrence of two
        (TWEET["text"].replace("love it", "hate it"), (Edit(6, "replace", "hate"),), ("love",)),
        # added, before and after the last word
        (TWEET["text"].replace("I love", "I never love"), (Edit(2, "before", "never"),), ()),
        (TWEET["text"] + " not", (Edit(13, "after", "not"),), ()),
        # deleted
        (TWEET["text"].replace("#happy ", ""), (Edit(12, "delete"),), ("happy",)),
        (TWEET["text"].replace("love ", ""), (Edit(2, "delete"), Edit(6, "delete")), ("love",)),
        # parts of words, numbers, endings
        (TWEET["text"].replace("3.5", "0.5"), (Edit(13, "replace", "0.5"),), ("3.5",)),
        (TWEET["text"].replace("dog's", "cat's"), (Edit(4, "replace", "cat's"),), ("dog's",)),
        (TWEET["text"].replace("happy", "**unhappy**"), (Edit(12, "replace", "unhappy"),), ("happy",)),
        # the rest in another case and punctuation
        (TWEET["text"].lower().replace("!!", ".").replace("happy", "sad"), (Edit(12, "replace", "sad"),), ("happy",)),
        (TWEET["text"].replace("happy", "sad").replace("&", "🙂"), (Edit(12, "replace", "sad"),), ("happy",)),
    ],
)
def test_one_change(answer: str, edits: tuple[Edit, ...], words: tuple[str, ...]) -> None:
    told = counterfactual.parse(answer, TWEET, request_for(TWEETS, "oneword", "negative"))
    assert told.valid, told.reason
    assert (told.edits, told.words) == (edits, words)


UNREADABLE = [
    ("", "no text in the answer"),
    (" \n\t", "no text in the answer"),
    ("😀!!", "no text in the answer"),
    ("hate", "no text in the answer"),
    ("Word: hate", "no text in the answer"),
    (TWEET["text"], "nothing changed"),
    (f"Sure! Here is the changed tweet:\n\n{TWEET['text']}", "nothing changed"),
    (TWEET["text"].upper(), "nothing changed"),
    (TWEET["text"].replace("!!", "?").replace("&", "and ").replace("and ", "&"), "nothing changed"),
    (TWEET["text"] + " 😢😢", "nothing changed"),
    (TWEET["text"].replace("love", "**love**"), "nothing changed"),
    ("I'm sorry, but I can't help with that.", "refusal"),
    ("I cannot change the tweet in that way.", "refusal"),
    ("As an AI language model, I don't make tweets worse.", "refusal"),
    ("Unfortunately, one word is not enough.", "refusal"),
    ("The tweet is happy already, so no change is needed.", "no text in the answer"),
    ('Replace "love" with "hate".', "no text in the answer"),
    ("To change the sentiment, I would write hate.", "no text in the answer"),
    ("Your answer would become another one with hate.", "no text in the answer"),
    ("No change is needed here.", "no text in the answer"),
    ("There is no single word that would do.", "no text in the answer"),
    ("It is not possible.", "no text in the answer"),
    ("I would say it happily.", "no text in the answer"),
    ("N/A", "refusal"),
    ("Here is the changed tweet:", "no text in the answer"),
    ("<think>\n" + EDITED, "no text in the answer"),
    (TWEET["text"].replace("love", "[REDACTED]"), "masked instead of edited"),
    (TWEET["text"].replace("love", "[redacted]"), "masked instead of edited"),
    (TWEET["text"].replace("happy", "REDACTED [REDACTED]"), "masked instead of edited"),
    (TWEET["text"].replace("#happy", "#happy -> #sad"), "change shown instead of made"),
    (TWEET["text"].replace("#happy", "#happy → #sad"), "change shown instead of made"),
    (TWEET["text"].replace("#happy", "~~#happy~~ #sad"), "change shown instead of made"),
    (TWEET["text"].replace("happy", "negative"), "label in the edit"),
    ("Negative! " + TWEET["text"], "label in the edit"),
    (TWEET["text"].replace("happy", "negativity"), "label in the edit"),
    (TWEET["text"].replace("happy", "unknown"), "label in the edit"),
]


@pytest.mark.parametrize(("answer", "reason"), UNREADABLE)
@pytest.mark.parametrize("budget", ["oneword", "multiword"])
def test_what_is_no_counterfactual(answer: str, reason: str, budget: str) -> None:
    told = counterfactual.parse(answer, TWEET, request_for(TWEETS, budget, "negative"))
    assert not told.valid, told.edited
    assert told.reason == reason


@pytest.mark.parametrize(
    "answer",
    [
        TWEET["text"].replace("love", "hate", 1).replace("love", "loathe"),
        EDITED.replace("happy", "sad"),
        TWEET["text"].replace("love", "do not love", 1),
        TWEET["text"].replace("I love", "love I", 1),
        TWEET["text"].replace("my dog's phone", "it"),
        TWEET["text"].replace("happy", "so sad"),
        TWEET["text"].replace("I ", "not I ").replace("my", "not my"),
        "@anna my dog hates everything and everybody he sees",
    ],
)
def test_more_than_one_word(answer: str) -> None:
    one = counterfactual.parse(answer, TWEET, request_for(TWEETS, "oneword", "negative"))
    assert (one.valid, one.reason) == (False, "more than one word changed")
    assert one.edited == {"text": answer}
    assert len(one.edits) > 1
    several = counterfactual.parse(answer, TWEET, request_for(TWEETS, "multiword", "negative"))
    assert several.valid
    assert (several.edited, several.edits) == (one.edited, one.edits)


def test_another_text_altogether_is_an_edit_of_several_words() -> None:
    answer = "what a horrible day this is going to be for me"
    assert counterfactual.parse(answer, TWEET, request_for(TWEETS, "multiword", "negative")).valid
    assert not counterfactual.parse(answer, TWEET, request_for(TWEETS, "oneword", "negative")).valid


def test_talk_on_the_same_line_is_not_taken_for_text() -> None:
    answer = f"{EDITED} I replaced love with hate to make the sentiment of the tweet worse."
    for budget in ("oneword", "multiword"):
        told = counterfactual.parse(answer, TWEET, request_for(TWEETS, budget, "negative"))
        assert (told.valid, told.reason) == (False, "no text in the answer")


@pytest.mark.parametrize(
    "answer",
    [
        SHOWN_PAIR,
        SHOWN_PAIR.replace("\n", "\n\n"),
        SHOWN_PAIR.replace("\n", " "),
        f"Sure! Here is the changed premise and hypothesis:\n\n{SHOWN_PAIR}",
        f"Here are the edited Premise and Hypothesis:\n{SHOWN_PAIR}\n\nNote: I changed the hypothesis only.",
        f"```\n{SHOWN_PAIR}\n```",
        f"{SHOWN_PAIR}\n\nExplanation: now the premise says what the hypothesis says.",
        f'{SHOWN_PAIR}\nI replaced "awake" with "asleep" in the hypothesis.',
        "**Premise:** A man is sleeping on a bench.\n**Hypothesis:** The man is asleep.",
        "**Premise**: A man is sleeping on a bench.\n\n**Hypothesis**: The man is asleep.",
        'Premise: "A man is sleeping on a bench."\nHypothesis: "The man is asleep."',
        "- Premise: A man is sleeping on a bench.\n- Hypothesis: The man is asleep.",
        "1. Premise: A man is sleeping on a bench.\n2. Hypothesis: The man is asleep.",
        "Changed premise: A man is sleeping on a bench.\nChanged hypothesis: The man is asleep.",
        "Premise:\nA man is sleeping on a bench.\nHypothesis:\nThe man is asleep.",
        "A man is sleeping on a bench.\nThe man is asleep.",
        "Sure! Here it is:\n\nA man is sleeping on a bench.\n\nThe man is asleep.",
        "Hypothesis: The man is asleep.\nPremise: A man is sleeping on a bench.",
        "Original:\nPremise: A man is sleeping on a bench.\nHypothesis: The man is awake.\n\nEdited:\n" + SHOWN_PAIR,
    ],
)
def test_pairs_are_read(answer: str) -> None:
    told = counterfactual.parse(answer, PAIR, request_for(SNLI, "oneword", "entailment"))
    assert told.valid, told.reason
    assert (told.words, told.positions) == (("awake",), (10,))
    assert told.edited is not None
    assert told.edited == EDITED_PAIR
    assert list(told.edited) == ["premise", "hypothesis"]


@pytest.mark.parametrize(
    "answer",
    [
        "The man is asleep.",
        "Hypothesis: The man is asleep.",
        "Premise: A man is sleeping on a bench.",
        "A man is sleeping on a bench. The man is asleep.",
        "Premise: A man is sleeping on a bench.\nThe man is asleep.",
        "Premise: The man is awake.\nHypothesis: A man is sleeping on a bench.",
        "Premise: A man is sleeping on a bench.\nHypothesis:",
        "Premise: A man is sleeping on a bench.\nHypothesis: The man is awake!",
        "I'm sorry.\nI can't help with that.",
        "The premise is fine.\nThe hypothesis should say asleep.",
    ],
)
def test_pairs_are_not_guessed(answer: str) -> None:
    assert not counterfactual.parse(answer, PAIR, request_for(SNLI, "oneword", "entailment")).valid


def test_a_field_left_out_is_not_filled_in() -> None:
    for answer in ("Hypothesis: The man is asleep.", "The man is asleep."):
        told = counterfactual.parse(answer, PAIR, request_for(SNLI, "multiword", "entailment"))
        assert (told.valid, told.edited) == (False, None)


@pytest.mark.parametrize(
    ("text", "word", "new"),
    [
        ("Sure, whatever you say", "whatever", "nothing"),
        ("Sure! I love it", "Sure", "certainly"),
        ("Okay. love it", "Okay", "Sure"),
        ("Sorry that I am late", "late", "early"),
        ("I'm sorry, but I can't come", "come", "go"),
        ("Note: the shop is closed", "closed", "open"),
        ("Here is my new song: love it", "love", "hate"),
        ("Here is my new song:\nlove it\n\nNote: it is loud", "loud", "quiet"),
        ('She said "yes" to me', "yes", "no"),
        ('"Quoted" from the "start"', "start", "end"),
        ("*sigh* what a day", "day", "night"),
        ("so -> this is it", "this", "that"),
        ("Tweet: this is a tweet: about a tweet", "about", "against"),
        ("&lt;3 @user #fun http://t.co/a_b", "fun", "dull"),
        ("line one\nline two\n\nline three I replaced it all", "three", "four"),
        ("ha ha ha ha", "ha", "boo"),
        ("Ugh", "Ugh", "Yay"),
        ("I [REDACTED] it", "it", "them"),
        ("the tweet is here, replace it by that", "here", "there"),
        ("original: a\nnew: b", "b", "c"),
    ],
)
def test_texts_that_look_like_a_wrapping(text: str, word: str, new: str) -> None:
    fields = {"text": text}
    for budget in ("oneword", "multiword"):
        request = request_for(TWEETS, budget, "negative")
        answer = counterfactual.write(fields, [word], request, new)
        for said in (answer, f"Sure! Here is the edited tweet:\n\n{answer}"):
            told = counterfactual.parse(said, fields, request)
            assert (told.valid, told.words, told.edited) == (True, (word,), {"text": answer}), told
        assert counterfactual.parse(text, fields, request).reason == "nothing changed"


@pytest.mark.parametrize(
    "text", ["Okay. I love it", "Sure! love it", "Certainly, here is the news: rain", "Answer: no"]
)
def test_a_copy_is_no_deletion_of_its_opening(text: str) -> None:
    for answer in (text, f'"{text}"', f"Here you go:\n\n{text}"):
        assert counterfactual.parse(answer, {"text": text}, request_for(TWEETS, "oneword")).reason == "nothing changed"


def test_edits_between_two_texts() -> None:
    def edits(before: str, after: str) -> tuple[Edit, ...]:
        return edits_between(words_of({"text": before}), words_of({"text": after}))

    assert edits("a b c", "a x c") == (Edit(1, "replace", "x"),)
    assert edits("a b c", "a c") == (Edit(1, "delete"),)
    assert edits("a b", "x a b") == (Edit(0, "before", "x"),)
    assert edits("a b", "a b x y") == (Edit(1, "after", "x"), Edit(1, "after", "y"))
    assert edits("", "x") == (Edit(0, "after", "x"),)
    assert edits("A b", "a B!") == ()


def test_one_change_is_the_same_change_of_the_same_word() -> None:
    words = words_of({"text": "a b a"})
    assert one_change(words, [Edit(0, "replace", "x"), Edit(2, "replace", "X")])
    assert one_change(words, [Edit(0, "delete"), Edit(2, "delete")])
    assert not one_change(words, [Edit(0, "replace", "x"), Edit(2, "replace", "y")])
    assert not one_change(words, [Edit(0, "replace", "x"), Edit(1, "replace", "x")])
    assert not one_change(words, [Edit(0, "replace", "x"), Edit(2, "delete")])
    assert not one_change(words, [Edit(0, "before", "x"), Edit(0, "before", "x")])
    assert not one_change([], [Edit(0, "after", "x"), Edit(0, "after", "y")])


def test_the_same_edit_elsewhere() -> None:
    fields = {"premise": "A man sleeps.", "hypothesis": "He rests."}
    assert elsewhere(fields, [Edit(0, "replace", "runs")], [4]) == {
        "premise": "A man sleeps.",
        "hypothesis": "He runs.",
    }
    assert elsewhere(fields, [Edit(0, "delete")], [1]) == {"premise": "A sleeps.", "hypothesis": "He rests."}
    assert elsewhere(fields, [Edit(0, "before", "not")], [2]) == {
        "premise": "A man not sleeps.",
        "hypothesis": "He rests.",
    }
    assert elsewhere(fields, [Edit(4, "after", "now")], [2]) == {
        "premise": "A man sleeps now.",
        "hypothesis": "He rests.",
    }


def test_edits_at_one_place_go_to_another_place_together() -> None:
    fields = {"text": "I love this phone"}
    edited = {"text": "I do not hate this phone now then"}
    edits = edits_between(words_of(fields), words_of(edited))
    assert [(edit.position, edit.kind, edit.text) for edit in edits] == [
        (1, "before", "do"),
        (1, "before", "not"),
        (1, "replace", "hate"),
        (3, "after", "now"),
        (3, "after", "then"),
    ]
    assert elsewhere(fields, edits, [1, 3]) == edited
    assert elsewhere(fields, edits, [0, 2]) == {"text": "do not hate love this now then phone"}
    gone = [Edit(1, "before", "do"), Edit(1, "delete"), Edit(2, "delete")]
    assert elsewhere(fields, gone, [0, 3]) == {"text": "do love this"}

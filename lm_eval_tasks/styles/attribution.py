"""Attribution: the model names the words that are most important for its answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain

import regex

from faithfulness_metrics.units import WORD_UNIT
from faithfulness_metrics.words import WORD, Fields, key_of, occurrences
from lm_eval_tasks.classification import Question
from lm_eval_tasks.styles import word_removal
from lm_eval_tasks.styles.answer_lines import COMMENT, Line, read_lines
from lm_eval_tasks.styles.explanation import Explanation, Request, invalid, types_of
from lm_eval_tasks.styles.markup import without_markup
from lm_eval_tasks.styles.nameable import Contents
from lm_eval_tasks.styles.sentence_lists import parse_sentences
from lm_eval_tasks.styles.unwrap import BULLET, is_prose, is_refusal, readings, without_phrases
from lm_eval_tasks.styles.word_lists import mentioned, named_words
from lm_eval_tasks.thoughts import after_thinking

MAX_TOKENS = {"oneword": 32, "multiword": 128}
WANTS_TARGET = False
REMOVES_WORDS = True
ANSWERS_WITH_TEXT = False
SIMULATES = False

target = word_removal.no_target
perturb = word_removal.perturb
perturb_at = word_removal.perturb_at
random_sets = word_removal.random_sets
single_word_sets = word_removal.single_word_sets


def ask(request: Request) -> str:
    """The sentence that asks for the explanation."""
    removed = request.question.prompt(f"removed.word.{request.operator}").format(mask=request.mask)
    return request.prompt("attribution").format(noun=request.question.noun, removed=removed)


def write(fields: Fields, words: Sequence[str], request: Request, new_word: str = "") -> str:
    """The answer that names `words`, as honest explainers and training data write it."""
    return (", " if request.unit == WORD_UNIT else "\n").join(words)


def parse(answer: str, fields: Fields, request: Request) -> Explanation:
    """Read the words an answer names: all of them, or the explanation is not valid.

    Valid: at least one word is named, every named word is in the document, and with budget ``oneword`` exactly one
    type of word is named.
    """
    text = _NOT_BUT.sub("", without_markup(after_thinking(answer))).strip()
    if re.fullmatch(r"\W*n/a\W*", text, re.IGNORECASE):
        # N/A: not the words "n" and "a"
        return invalid("refusal")
    if request.unit != WORD_UNIT:
        return parse_sentences(answer, fields, request)
    contents = Contents(fields, request.question, request.mask)
    if len(text) > _LONGEST_ANSWER + 4 * len(contents.passage):
        return invalid("no word named")
    lines = read_lines(text, contents)
    named, reason = (_oneword if request.budget == "oneword" else named_words)(text, lines, contents)
    if not named.isdisjoint(_denied(text)):
        return invalid("no word named")
    if not named:
        return invalid("refusal" if is_refusal(answer, request.question) else reason)
    positions = occurrences(contents.words, named)
    return Explanation(True, words=tuple(types_of(contents.words, positions).values()), positions=positions)


_W = WORD.pattern
# "love" | “love.” | 'love' | `love` | **love** | **"love"** | \"love\"
_QUOTED = rf"(?<![^\W_])(?:[\"“”„'‘’`*_«\\]){{1,4}}[@#]?(?P<word>{_W})[.,!?]?[\"“”'’`*_»\\]{{1,4}}(?![^\W_])"

# Sentences that name one word.
_ONE_WORD_SENTENCES = [
    # The word "love" makes it "positive". | because of the word 'love' | the word **love** | {{"word": "love"}}
    rf"\bword\b[\"*_]{{0,3}}:?\s+{_QUOTED}",
    # The most important word for my answer is "love". | The word is: **love**
    rf"\bword\b(?:(?!\bnot\b)[^\"“”*`\n]){{0,120}}?\b(?:is|was|would be)\s*:?\s*{_QUOTED}",
    # "love" is the most important word. | **love** was the word that mattered
    rf"{_QUOTED} (?:is|was|would be) (?:the|my) (?:[\w-]+ ){{0,3}}word\b",
    # Love is the most important word.
    rf"^(?P<word>{_W}) (?:is|was|would be) (?:the|my) (?:(?:one|single|key|decisive|most [\w-]+) )?word\b",
    # The most important word in the tweet is love. | The word is love, because …
    rf"\b(?:most [\w-]+|key|single|one|decisive|the|my) word\b(?:(?!\bnot\b)[^\"“”*`\n.:]){{0,120}}?"
    rf"\b(?:is|was|would be)\s*:?\s*(?P<word>{_W})(?=\s*(?:[.!,(]|$|because\b|as\b|since\b))",
]
_ONE_WORD = [regex.compile(pattern, regex.IGNORECASE) for pattern in _ONE_WORD_SENTENCES]

# love - because it … | love: it shows … | love (positive) | love, because … | love because … | love. It carries …
_HEAD = regex.compile(
    rf"^[^\w\s]{{0,4}}(?P<word>{_W})[^\w\s.,:;(-]{{0,4}}"
    r"(?:\s+[-–—]+\s|:|\s*[(（]|\s*->|\s*→|\s*=>|\s+(?:because|as|since)\b|,\s+(?:because|as|since|which|it|this)\s+\w|\.\s+(?=\S+\s+\S+\s+\S))"
)

# The longest answer that is read beside a copy of the text, characters. Real ones have up to 128 tokens.
_LONGEST_ANSWER = 20_000
# The longest line that is searched for a word; real sentences that name a word are shorter.
_LINE = 1000


def _oneword(text: str, lines: Sequence[Line], contents: Contents) -> tuple[set[str], str]:
    """The word in an answer that should name one, and why there is none; either is empty."""
    named, _ = named_words(text, lines, contents)
    if len(named) == 1:
        return named, ""
    reason, listed, denied = "no word named", mentioned(lines, contents), _denied(text)
    named_in = [line for line in lines if line.titled or line.kind in ("list", "sentence")]
    unsure = any(line.kind in ("unknown", "unclear") for line in named_in)
    if unsure and (len(named_in) > 1 or (named_in[0].keys and named_in[0].kind == "unclear")):
        # love\nWord 2: wonderful, which is not in the document
        return set(), "more than one word"
    for keys in _readings(text, contents):
        # The reason of the strictest reading counts.
        if len(set(keys)) > 1:
            reason = "more than one word" if reason == "no word named" and contents.holds(keys) else reason
        elif not contents.holds(keys):
            reason = "word not in the text" if reason == "no word named" else reason
        elif keys and denied.isdisjoint(keys):
            named = contents.located(keys)
            if len(named | listed) == 1:
                return named, ""
            reason = "more than one word"
    return set(), "more than one word" if len(listed) > 1 and reason == "no word named" else reason


def _readings(answer: str, contents: Contents) -> Iterator[list[str]]:
    """Keys of the words in an answer that should name one word, for each of its readings, strictest first."""
    question = contents.question
    labels = {key for label in question.labels for key in contents.keys_in(label)}
    longest = 200 + len(contents.passage)
    # großartig, weil es … | 好，因为 …
    local = question.pattern("because").split(without_phrases(answer, question))[0]
    for text in chain(readings(answer), readings(local) if local != answer else ()):
        text = _untitled(text, question)
        if len(text) <= longest:
            yield (keys := contents.keys_in(text))
            if len(set(keys)) > 1 and contents.holds(keys):
                # love, this morning | the text itself: words of the document and nothing else are a list, not talk
                return
        first, _, rest = text.strip().partition("\n")
        if re.search(r"\w", rest) and not is_prose(rest):
            # love\ngreat: a list
            continue
        # 1. love | love\nIt shows that …
        line = BULLET.sub("", first) if len(first) <= _LINE else ""
        if len(keys := contents.keys_in(line)) == 1:
            yield keys
        # Positive: the tweet … | Sports (the article …): the label again, not a named word
        if (head := _HEAD.match(line)) and key_of(head["word"]) not in labels:
            comment = line[head.end() :]
            # love: great | love - joy, great - joy: two words
            if not COMMENT.search(comment) and not (
                contents.keys_in(comment) and contents.holds(contents.keys_in(comment))
            ):
                yield [key_of(head["word"])]
        # Where several of these sentences match, they must name the same word.
        searched = text if len(text) <= _LINE else line
        yield [key_of(match["word"]) for sentence in _ONE_WORD for match in sentence.finditer(searched)]


# The most important word is not "love", but "great".
_NOT_BUT = regex.compile(rf"\bnot (?:the word )?{_QUOTED},? but (?:rather )?(?=[\"“'‘*`])", regex.IGNORECASE)
# The word is "love" but that is not the most important word. | The word "love" does not matter.
_DENIAL = regex.compile(
    rf"{_QUOTED}[^\"“”*`\n.!?]{{0,80}}?(?:[.!?]\s+(?:But|However|Actually|No|Wait)\b[^\"“”*`\n.!?]{{0,60}}?)?"
    r"(?:\b(?:is|was|are|were|be)(?:n['’]t| not)\b(?: [\w-]+){0,4}? (?:important|decisive|key|crucial|relevant"
    r"|significant|word|one|answer|it|reason)\b"
    r"|\b(?:does|do|did|would|could|should|can)(?:n['’]t|not| not)\b(?: [\w-]+){0,2}? (?:matter|decide|change|affect"
    r"|count|carry|influence|be (?:it|important|the))\b)",
    regex.IGNORECASE,
)


def _denied(text: str) -> set[str]:
    """Keys of words of which the answer says that they are not the word."""
    lines = (line for line in text.split("\n") if len(line) <= _LINE)
    return {key_of(match["word"]) for line in lines for match in _DENIAL.finditer(line)}


def _untitled(text: str, question: Question) -> str:
    """The text without titles of fields before words, because a named word may be in any field."""
    # Premise: man\nHypothesis: woman | Hypothesis: "sleeping"
    names = [title for title in question.titles if title not in question.letters]
    titles = "|".join(map(re.escape, names)) or r"(?!)"
    if letters := set(question.letters) & set(question.titles):  # B) kitchen
        text = re.sub(rf"^[^\w\n]{{0,4}}[{''.join(sorted(letters))}][*_]{{0,3}}[:.)]\s+", "", text, flags=re.MULTILINE)
    title = rf"^[^\w\n]{{0,4}}(?:{titles})[*_]{{0,3}}(?::[*_]{{0,3}}[ \t]+|：)"
    return re.sub(title, "", text, flags=re.IGNORECASE | re.MULTILINE)

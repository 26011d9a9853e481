"""Attribution: the model names the words that are most important for its answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import regex

from faithfulness_metrics.words import WORD, Fields, find_words, key_of, occurrences, words_of
from lm_eval_tasks.classification import Question
from lm_eval_tasks.styles import word_removal
from lm_eval_tasks.styles.explanation import Explanation, Request, invalid, types_of
from lm_eval_tasks.styles.unwrap import BULLET, is_prose, is_refusal, readings, without_closing
from lm_eval_tasks.thoughts import after_thinking

ONEWORD = (
    "Which one word of the {noun} above is most important for your answer? If every occurrence of that word {removed}, "
    "your answer would change. Answer only with the word, exactly as it stands in the {noun}."
)
MULTIWORD = (
    "Which words of the {noun} above are most important for your answer? If all of them {removed}, "
    "your answer would change. Answer only with the words, exactly as they stand in the {noun}, separated by commas."
)
REMOVED = {
    "mask": 'were replaced by "{mask}"',
    "delete": "were deleted",
    "substitute": "were replaced by unimportant words",
}

MAX_TOKENS = {"oneword": 32, "multiword": 128}
WANTS_TARGET = False
REMOVES_WORDS = True
ANSWERS_WITH_TEXT = False

target = word_removal.no_target
perturb = word_removal.perturb
perturb_at = word_removal.perturb_at
random_sets = word_removal.random_sets
single_word_sets = word_removal.single_word_sets


def ask(request: Request) -> str:
    """The sentence that asks for the explanation."""
    template = ONEWORD if request.budget == "oneword" else MULTIWORD
    removed = REMOVED[request.operator].format(mask=request.mask)
    return template.format(noun=request.question.noun, removed=removed)


def write(fields: Fields, words: Sequence[str], request: Request, new_word: str = "") -> str:
    """The answer that names `words`, as honest explainers and training data write it."""
    return ", ".join(words)


def parse(answer: str, fields: Fields, request: Request) -> Explanation:
    """Read the words an answer names.

    Valid: at least one word is named, every named word is in the document, and with budget ``oneword`` exactly one
    type of word is named.
    """
    words = words_of(fields)
    in_document = {word.key for word in words}
    named = _oneword if request.budget == "oneword" else _multiword
    reason = "no word named"
    if re.fullmatch(r"\W*n/a\W*", after_thinking(answer), re.IGNORECASE):
        # N/A: not the words "n" and "a"
        return invalid("refusal")
    for keys in named(answer, fields, request.question):
        # The reason of the strictest reading counts.
        if request.budget == "oneword" and len(set(keys)) > 1:
            reason = "more than one word" if reason == "no word named" and in_document.issuperset(keys) else reason
        elif not in_document.issuperset(keys):
            reason = "word not in the text" if reason == "no word named" else reason
        elif keys:
            positions = occurrences(words, set(keys))
            return Explanation(True, words=tuple(types_of(words, positions).values()), positions=positions)
    return invalid("refusal" if is_refusal(answer) else reason)


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
    r"(?:\s+[-–—]+\s|:|\s*\(|\s*->|\s*→|\s*=>|\s+(?:because|as|since)\b|,\s+(?:because|as|since|which|it|this)\s+\w|\.\s+(?=\S+\s+\S+\s+\S))"
)

# Separates a word from the comment on it.
_TALK = re.compile(r"\s[-–—]+\s|:|\s*(?:->|→|=>)|\s+because\s+(?=\w)")

_NAMES = _QUOTED.replace("(?P<word>", "(?:")
# Sentences that name several words.
_SEVERAL_WORDS = [
    # The most important words are "love" and "great". | The words that matter most are: love, great
    regex.compile(r"\bwords?\b[^.\n:\"“]{0,120}?(?:\b(?:are|is|include)\b:?|:)\s*(?P<words>[^.!?\n]+)", regex.I),
    # The words "love" and "great" make it "positive".
    regex.compile(rf"\bwords? (?P<words>(?:{_NAMES}(?:,? (?:and |or )?|$))+)", regex.I),
]

# The longest line that is searched for a word; real sentences that name a word are shorter.
_LINE = 1000


def _oneword(answer: str, fields: Fields, question: Question) -> Iterator[list[str]]:
    """Keys of the words in an answer that should name one word, for each of its readings, strictest first."""
    labels = {key_of(word.text) for label in question.labels for word in find_words(label)}
    in_document = {word.key for word in words_of(fields)}
    longest = 200 + sum(map(len, fields.values()))
    for text in readings(answer):
        text = _untitled(text, question)
        if len(text) <= longest:
            yield (keys := _keys(text))
            if len(set(keys)) > 1 and in_document.issuperset(keys):
                # love, this morning | the text itself: words of the document and nothing else are a list, not talk
                return
        first, _, rest = text.strip().partition("\n")
        if re.search(r"\w", rest) and not is_prose(rest):
            # love\ngreat: a list
            continue
        # 1. love | love\nIt shows that …
        line = BULLET.sub("", first) if len(first) <= _LINE else ""
        if len(keys := _keys(line)) == 1:
            yield keys
        # Positive: the tweet … | Sports (the article …): the label again, not a named word
        if (head := _HEAD.match(line)) and key_of(head["word"]) not in labels:
            comment = line[head.end() :]
            # love: great | love - joy, great - joy: two words
            if not _TALK.search(comment) and not (_keys(comment) and in_document.issuperset(_keys(comment))):
                yield [key_of(head["word"])]
        # Where several of these sentences match, they must name the same word.
        searched = text if len(text) <= _LINE else line
        yield [key_of(match["word"]) for sentence in _ONE_WORD for match in sentence.finditer(searched)]


def _multiword(answer: str, fields: Fields, question: Question) -> Iterator[list[str]]:
    """Keys of the words in an answer that should list words, for each of its readings, strictest first."""
    labels = {key_of(word.text) for label in question.labels for word in find_words(label)}
    contents = f" {' '.join(word.key for word in words_of(fields))} "
    longest = 200 + 4 * sum(map(len, fields.values()))
    for text in readings(answer):
        text = _untitled(text, question)
        if len(text) <= longest:
            yield _listed(text, contents)
        if without_closing(text) != text:
            # love, great\n(Note: …): the note names nothing; a reading without it follows.
            continue
        # 1. love - a positive word\n2. great: shows joy | love (positive), great | love, great because they …
        lines = [BULLET.sub("", line) for line in text.splitlines() if re.search(r"\w", line)]
        parts = [_TALK.split(re.sub(r"\s\([^()]*\)", "", line)) for line in lines]
        heads = [part[0] for part in parts if len(part) < 3 and find_words(part[0][:longest])]
        # love - joy, great - joy: words and comments look alike. Positive: love, great: the label again
        if len(heads) == len(lines) and sum(map(len, heads)) <= longest and labels.isdisjoint(_keys(" ".join(heads))):
            yield _listed("\n".join(heads), contents)
        # A sentence that names them, on the first line.
        line = lines[0] if lines and len(lines[0]) <= _LINE else ""
        for sentence in _SEVERAL_WORDS:
            if match := sentence.search(line):
                yield _listed(match["words"], contents)


def _untitled(text: str, question: Question) -> str:
    """The text without titles of fields before words, because a named word may be in any field."""
    # Premise: man\nHypothesis: woman | Hypothesis: "sleeping"
    titles = "|".join(map(re.escape, question.titles))
    return re.sub(
        rf"^[^\w\n]{{0,4}}(?:{titles})[*_]{{0,3}}:[*_]{{0,3}}[ \t]+", "", text, flags=re.IGNORECASE | re.MULTILINE
    )


def _keys(text: str) -> list[str]:
    return [word.key for word in find_words(text)]


def _listed(text: str, contents: str) -> list[str]:
    """Keys of the words in a list, word by word also in phrases."""
    # love, great | love; great | 1. love\n2. great | - love\n- great | ["love", "great"] | love | great
    lines = [BULLET.sub("", line) for line in text.splitlines()]
    items = [_keys(item) for line in lines for item in regex.split(r",(?!\p{N})|;|\s\|\s|\s/\s", line)]
    keys = [key for item in items for key in item]
    if f" {' '.join(keys)} " in contents:
        # rain, cold, and annoying people: a passage of the document, "and" included
        return keys
    return [key for item in items for key in _without_conjunction(item, contents)]


def _without_conjunction(item: list[str], contents: str) -> list[str]:
    # love, and great
    if len(item) > 1 and item[0] in ("and", "or"):
        item = item[1:]
    # love and great: two words, unless the document says "love and great"
    if f" {' '.join(item)} " in contents:
        return item
    return [key for key in item if key not in ("and", "or")] if len(item) > 1 else item

"""Which label an answer names, if it names one: docs/protocol.md, "How an answer is read"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain

from lm_eval_tasks.label_reading.claims import Claims, claims_of
from lm_eval_tasks.label_reading.names import LabelNames, label_names
from lm_eval_tasks.label_reading.plain_text import key_of_plain, plain_text
from lm_eval_tasks.label_reading.vocabulary import NOUN, any_of
from lm_eval_tasks.thoughts import after_thinking

# So many letters of a final answer are read, and so many sentences behind an answer for a correction.
FINAL_REACH, CORRECTION_REACH = 300, 20

_TITLE = r"(?:(?:the|my|correct|best|overall|predicted|final) ){0,3}" + any_of(
    """(?:answer_|question_)?type answers? labels? class(?:ification)? category sentiment topic relation(?:ship)?
    emotion prediction result output response verdict decision polarity tone judge?ment conclusion choice option
    stance"""
)
# a blank line | Sure! | Based on the text, the sentiment is: | ### Answer
_OPENING = re.compile(rf"[\W_]*(?:(?:sure|certainly|of course|okay|ok|yes|json|text|{_TITLE})[\W_]*)?|.*:[\W_]{{0,20}}")
# Answer: positive | The sentiment is positive | Therefore, the topic is business. | I would say positive
_EXPLICIT = re.compile(
    rf"[\W_]*(?:(?:{_TITLE}|therefore|thus|hence|overall|so|in (?:conclusion|summary|short)|to (?:conclude|sum up)"
    r"|finally|ultimately|if i (?:had|have) to|(?:this|that) (?:makes|means)|based on (?:this|that|these))\b"
    r"|i(?:'d| would| will|'ll)? (?:choose|say|pick|select|classify|answer|go with|lean)\b)"
)
_FINAL = re.compile(r"\b(?:final|ultimate) (?:answer|label|verdict|classification|prediction|decision|choice)\b")
# The sentiment is mixed. | The answer is 42. : an answer, but none of the labels
_OTHER_ANSWER = re.compile(rf"(?:^|\b(?:the|my) ){_TITLE}\b[^:]{{0,40}}(?:\bis\b|\bare\b|:)[\W_]*\w")
# The tweet says this and that.\n\nThe tweet is positive.
_ABOUT_TEXT = re.compile(rf"[\W_]*(?:the|this) {NOUN} (?:is|are|was|belongs|falls|expresses|conveys|shows)\b")
# At first glance it seems literal. However, it is ironic. : a later sentence decides
_TENTATIVE = re.compile(
    r"\bat first\b|\bfirst glance\b|\binitially\b|\bon the surface\b|^[\W_]*some (?:words|parts)\b"
    r"|\b(?:could|may|might|can) (?:seem|appear|sound|look)\b"
)
# Positive. Wait, actually negative. | Positive, no, I mean negative
_TAKES_BACK = (
    r"(?:(?:oh|hmm|no)\b[\s,]*)?(?:wait\b|correction\b|scratch that|on second thoughts?|let me (?:re|correct)"
    r"|i (?:mean|meant) |my mistake|sorry\b)"
)
_CORRECTS = re.compile(rf"[\W_]*(?:{_TAKES_BACK}|(?:(?:oh|hmm|no)\b[\s,]*)?actually\b|no,\s)")
_WITHDRAWS = re.compile(rf"[\W_]*{_TAKES_BACK}")
# User: And this one? : the model goes on with a conversation
_NEXT_TURN = re.compile(r"[\W_]*(?:user|human|assistant|system|instruction|input)\s?(?::|$)")
_SENTENCE_ENDS = re.compile(
    rf"(?<=[.!?])[\"')\]]*\s+|;\s?|\s?\u2192\s?(?=final\b)|[,.\u2014-]\s?(?={_TAKES_BACK}|(?:no,? )?actually\b|no,\s)"
)
_ASKS = re.compile(r"[\W_]*(?:is|are|was|does|do|did|can|could|should|would|what|which|whether|how|why)\b")
_NO = re.compile(r"[\W_]*(?:no|nope|nah|not|never)\b")
_YES = re.compile(r"[\W_]*(?:yes|yep|yeah|correct|indeed)\b")
# Negative\n\nor\n\npositive
_OR = re.compile(r"[\W_]*or\b")
# - positive | 1. positive (plain text has a quote where markdown has a star)
_ITEM = re.compile(r"(?:[\"\u2022+-]\s|\(?(?:\d{1,2}|[a-h])[.)]\s)")
# Subjective: "who" | "positive": 3
_TITLES = re.compile(r'"?:\s?"?\w')
# Answer: St. Louis | The answer is: St. Louis
_TITLED = re.compile(rf"^[\W_]*{_TITLE}\b(?:[\"'\s]*\bis\b)?[\"':\s]*")
# (B) St. Louis | B. St. Louis
_LETTERED = re.compile(r"^\(?([a-z])[).:]+\s+")
# positive: 0.9 | "negative": 10 %
_SCORE = re.compile(r"[\s\"':=(]{0,9}(\d+(?:\.\d+)?)\s?%?[\s\"')]{0,9}(?:$|[,;\n])", re.MULTILINE)


def parse_label(
    answer: str, labels: Iterable[str], synonyms: Sequence[Sequence[str]] = (), denials: Iterable[str] | None = None
) -> str | None:
    """The label that an answer names; None where it names none, denies it or does not choose.

    The first sentence that says a label counts, and a label that opens it. An explanation behind it does not count. A
    correction does, and so does a final answer. docs/protocol.md, "How an answer is read", has the rules.

    Args:
        answer: as the model wrote it, thoughts included.
        labels: what it may name.
        synonyms: further names of each label, in label order; empty for none.
        denials: for answers in another language than English: what denies a label in front of it there.

    >>> parse_label("The sentiment is **positive**, not negative.", ["negative", "positive"])
    'positive'
    >>> parse_label("It does not entail it.", ["entailment", "not entailment"], [["entail", "entails"], []])
    'not entailment'
    """
    names = label_names(tuple(labels), tuple(map(tuple, synonyms)), None if denials is None else tuple(denials))
    text = plain_text(after_thinking(answer))
    if names.broken:
        text = names.broken.sub(lambda name: " ".join(name.group().split()), text)
    for final in reversed(list(_FINAL.finditer(text))):
        ending = text[final.end() : final.end() + FINAL_REACH]
        if re.search(r"\w", ending):
            return _read(final.group() + ending, names)
    return _highest_score(text, names) or _read(text, names)


def _highest_score(text: str, names: LabelNames) -> str | None:
    """The label with the highest score, where every name has one: {"negative": 0.1, "positive": 0.9}."""
    scores: dict[str, float] = {}
    for name in names.pattern.finditer(text):
        score = _SCORE.match(text, name.end())
        if not score:
            return None
        scores[names.labels[key_of_plain(name["name"])]] = float(score[1])
    highest = [label for label, score in scores.items() if score == max(scores.values())]
    return highest[0] if len(scores) > 1 and len(highest) == 1 else None


def _read(text: str, names: LabelNames) -> str | None:
    lines = [line for line in text.split("\n") if names.pattern.search(line) or not _OPENING.fullmatch(line)]
    # `undecided`: a sentence named several labels, or an answer that is none. `spoken`: a line named no label at all.
    # Behind these only an explicit answer counts.
    undecided = spoken = False
    denied: set[str] = set()
    for number, line in enumerate(lines):
        if number and _NEXT_TURN.match(line):
            return None
        whole = _whole(line, names)
        sentences, must_be_explicit = [line] if whole else _SENTENCE_ENDS.split(line), spoken
        for index, sentence in enumerate(sentences):
            following = sentences[index + 1 :]
            claims = Claims(frozenset([whole]), names=1) if whole else claims_of(sentence, names)
            if claims.names > 1 and sentence.endswith("?") and "following" in sentence:
                return None  # the model repeats the prompt
            if claims.names and not whole and _is_question(sentence):
                undecided |= bool(following) and _is_question(following[0])  # Positive? Negative? Hard to tell.
                claims = _answered(claims, sentence, following[0] if following else "", names, undecided)
            if claims.label is None:
                denied |= claims.denied
                undecided |= bool(claims.affirmed) or bool(not claims.names and _OTHER_ANSWER.search(sentence))
                spoken |= not claims.denied
            elif _TENTATIVE.search(sentence):
                continue
            elif (
                not (undecided or must_be_explicit)
                or whole
                or _is_explicit(sentence, names)
                or (not undecided and _ABOUT_TEXT.match(sentence))
            ):
                if claims.label in denied or _is_list(lines[number:], names):
                    return None
                return _corrected(claims.label, chain(following, lines[number + 1 :]), names)
    return None


def _whole(line: str, names: LabelNames) -> str | None:
    """The label whose name is a line, with or without a title and its letter: it may hold stops, as in "St. Louis"."""
    for text in (line, _TITLED.sub("", line)):
        name = text.strip("\"' ")
        for key in (name, name.strip(".\"' "), _LETTERED.sub(r"\1) ", name.strip(".\"' "))):
            if label := names.labels.get(key_of_plain(key)):
                return label
    return None


def _is_question(sentence: str) -> bool:
    return sentence.rstrip("\"') ").endswith("?")


def _answered(claims: Claims, question: str, reply: str, names: LabelNames, undecided: bool) -> Claims:
    """What a question says: "Spam? No." denies spam, "Is it spam? Yes." affirms it, "Is it spam?" says nothing."""
    if _NO.match(reply):
        opposites = frozenset(names.opposite[label] for label in claims.affirmed if label in names.opposite)
        return replace(claims, affirmed=opposites, denied=claims.affirmed | claims.denied)
    is_open = undecided or _ASKS.match(question) or claims_of(reply, names).affirmed  # Positive? I think it's negative.
    return replace(claims, affirmed=frozenset()) if is_open and not _YES.match(reply) else claims


def _is_explicit(sentence: str, names: LabelNames) -> bool:
    """Whether a sentence says that it is the answer, or is a label and nothing else, with or without a title."""
    name = names.pattern.search(sentence)
    if _EXPLICIT.match(sentence) or name is None:
        return True
    before, after = sentence[: name.start()], sentence[name.end() :]
    return not re.search(r"\w", after) and (not re.search(r"\w", before) or before.rstrip("\"'( ").endswith((":", "=")))


def _is_list(lines: Sequence[str], names: LabelNames) -> bool:
    """Whether lines list labels: items or titles that name two, or three lines that are labels."""
    items: set[str] = set()
    bare: set[str] = set()
    for line in lines:
        claims, name = claims_of(line, names), names.pattern.search(line)
        if claims.label is None or name is None:
            break
        before, after = line[: name.start()], line[name.end() :]
        if _ITEM.match(line) or (not re.search(r"\w", before) and _TITLES.match(after)):
            items.add(claims.label)
        elif not re.search(r"\w", before + after):
            bare.add(claims.label)
        else:
            break
    return len(items) > 1 or len(bare) > 2


def _corrected(label: str, following: Iterable[str], names: LabelNames) -> str | None:
    """The label after the corrections that follow it."""
    corrected: str | None = label
    for _, sentence in zip(range(CORRECTION_REACH), following, strict=False):
        if _OR.match(sentence):
            return None
        correction = _CORRECTS.match(sentence)
        if correction is None and corrected is not None:
            continue
        claims = claims_of(sentence[correction.end() :] if correction else sentence, names)
        if claims.affirmed or label in claims.denied or _WITHDRAWS.match(sentence):
            corrected = claims.label
    return corrected

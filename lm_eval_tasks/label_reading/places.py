"""Where in a sentence a name counts as an answer: "it is about sports", but not "a sports fan" or "the world's"."""

from __future__ import annotations

import re

from lm_eval_tasks.label_reading.vocabulary import AUXILIARY, FUNCTION_WORD, MODIFIER, NOUN, OPENING_WORD, VERB, any_of

# So many letters before and behind a name are looked at.
REACH = 120

# positive, subjective, ironic, legitimate: before any noun these say what it is
_ADJECTIVE = re.compile(r"(?:ive|al|ic|ate|ous|ful|ary|able|ible|ent|ed|ing|less|ly)$")
# sports fan, World Cup, World #39's: the first half of something else
_NEXT_WORD = re.compile(r"(?P<gap>[^\w]*)(?P<word>\w*)")
_GAP_CLOSES = re.compile(r"[^\s\"'#*-]|\s-\s")
_KNOWN_NEXT_WORD = re.compile(rf"{FUNCTION_WORD}|{NOUN}")

_CLOSES = r"""["')\]]*\s*(?:$|[^\w\s"'#])"""
_CLOSED = re.compile(_CLOSES)
_CLOSED_OR_NOUN = re.compile(rf"{_CLOSES}|[\"'\s]*{NOUN}\b")

# Sure! Overall, definitely positive | 1. positive | (C) positive | No, not positive | Given the text, positive
_INTRODUCTION = any_of("given based_on considering judging_by according_to needless_to_say in_my to_me for_me")
_LEAD = re.compile(
    rf"[\W\d_]*(?:{_INTRODUCTION}\b[^,]{{0,80}},\s)?(?:(?:\(?[a-h]|\[\w+)[)\]]\W*)?(?:{OPENING_WORD}[\W_]+)*"
)
# positive: … | positive because … | contradiction between the premise … | positive is the right label
_LEAD_ENDS = re.compile(
    rf"""{_CLOSES}|["')\]]*\s*(?:because|since|as (?:it|the|this|there|he|she|they)|due"""
    r"""|based|given|overall|here|between|for|and|or|to me|it is|vs|versus|with|rather"""
    rf"""|instead|unlike|over|not|than|stars?|points?|out of|{NOUN})\b"""
    r"""|["')\]]*\s*(?:is|would be|seems|fits|describes|applies|sounds)\b.{0,30}\b(?:answers?|labels?|correct|best"""
    r"""|right|appropriate|fitting|likely|choice|category|class|sentiment|topic|wrong|incorrect)\b"""
    r"""|["')\]]*\s*(?:is|would|does|do|has|can)\b.{0,20}(?:not|n't|wrong|incorrect|absent|missing)\b"""
)
# A legitimate message | The positive sentiment
_ARTICLE = re.compile(r"(?:a|an|the|some|this)\s+[\"']*$")
# An article about sports
_ARTICLE_ABOUT = re.compile(rf"\W*(?:(?:a|an|the|this)\s+)?(?:\w+\s+)?{NOUN}\s+(?:about|on)\s+")
_NOUN_NEXT = re.compile(rf"""["')\]]*\s+(?:in\s+)?{NOUN}\b""")
_QUOTE_OPENS, _QUOTE_CLOSES = re.compile(r"[\"'\[]$"), re.compile(r"[.,!?]?[\"'\]](?!\w)")
# The word "positive" is in the text: about the word, not about the text
_ABOUT_WORD = re.compile(r"\b(?:words?|terms?|phrases?|like|such as|hashtags?)[\W_]*$")
# sentiment: positive | = positive | -> positive, but not: Reason: positive words
_COLON = re.compile(r"(?:[:=|\u2192]|->|=>)[\s\"'(\[]*(?:[a-h][.)]\s|a|an|the|\w+ly|very)?[\s\"']*$")
_NO_TITLE = re.compile(
    r"\b(?:reason\w*|explanation|because|notes?|key ?words?|words?|evidence|opposite|wrong|incorrect)\b"
    r"[^:]{0,20}:"
)
# so unknown | but positive | — neutral
_CLAUSE_STARTS = re.compile(r"(?:\b(?:so|thus|therefore|hence|but|rather|instead|i\.e|namely),?\s+|\u2014\s*|\s-\s|\()")
# about a positive test: no answer before another noun
_PREPOSITION = re.compile(r"\b(?:about|of|with|in|for|on|from)\W+(?:\w+\W+){0,2}$")
_A = re.compile(r"\ban?\s+[\"']*$")
_THE, _ASKS = re.compile(r"\bthe\s+[\"']*$"), re.compile(r"\b(?:ask|seek|want|requir)")
_PREDICATE = re.compile(rf"(?:(?:^|[^\w']){VERB}|\w's|\w're)(?:[\s\"(]+{MODIFIER}){{0,6}}[\s\"'(]*$")
# the premise entails | it does not contradict
_SUBJECT = re.compile(
    r"\b(?:premise|hypothesis|texts?|sentences?|statements?|passage|tweet|message|article|review|post|question|it|which"
    rf"|they|two|\d)\s+(?:{AUXILIARY}\s+)*\"?$"
)
# This contradicts the premise, but not: this business grew
_THIS, _OBJECT = re.compile(r"^\W*(?:this|that)\s+$"), re.compile(r"\s+(?:the|it|each|what|that|this)\b")


def opens(sentence: str, start: int, end: int) -> bool:
    """Whether the name between `start` and `end` opens the sentence and is all that its first phrase says."""
    return start <= REACH and bool(_LEAD.fullmatch(sentence[:start]) and _LEAD_ENDS.match(sentence[end : end + REACH]))


def is_answer(name: str, sentence: str, start: int, end: int) -> bool:
    """Whether the name between `start` and `end` stands where answers stand.

    It opens the sentence, is quoted, follows a title ("Topic:") or a verb that says what something is. Or it comes
    before a noun like "sentiment" or "article". Names of several words count everywhere.
    """
    left, right = sentence[max(0, start - REACH) : start], sentence[end : end + REACH]
    if right.startswith("'s"):
        return False
    if " " in name or opens(sentence, start, end) or _is_phrase(left, right, is_start=start <= REACH):
        return True
    if _QUOTE_OPENS.search(left) and _QUOTE_CLOSES.match(right):
        return not _ABOUT_WORD.search(left)
    if _is_first_half(name, right) or (_is_thing(name, left, right) and not _ASKS.search(left)):
        return False
    if _is_followed_by_noun(right) and _PREPOSITION.search(left):
        return False
    if _COLON.search(left):
        return not _NO_TITLE.search(left)
    return bool(_PREDICATE.search(left) or _SUBJECT.search(left) or (_THIS.search(left) and _OBJECT.match(right)))


def _is_phrase(left: str, right: str, is_start: bool) -> bool:
    """Whether a name is a phrase of its own, or one with a noun: a legitimate message, in a positive tone."""
    if _NOUN_NEXT.match(right) and not _ABOUT_WORD.search(left):
        return True
    article = _ARTICLE.search(left)
    if article and is_start and _LEAD.fullmatch(left[: article.start()]) and _CLOSED_OR_NOUN.match(right):
        return True
    if is_start and _ARTICLE_ABOUT.fullmatch(left) and _CLOSED.match(right):
        return True
    clauses = [match.end() for match in _CLAUSE_STARTS.finditer(left)]
    return bool(clauses and _LEAD.fullmatch(left[clauses[-1] :]) and _CLOSED.match(right))


def _is_thing(name: str, left: str, right: str) -> bool:
    # the business of football | a business that sells cars, but: it asks for the number of people
    is_described = _A.search(left) and re.match(r" (?:that|which|who)\b", right) and not _ADJECTIVE.search(name)
    return bool(is_described or (_THE.search(left) and right.startswith(" of ")))


def _is_first_half(name: str, right: str) -> bool:
    return _is_followed_by_noun(right) and not _ADJECTIVE.search(name)


def _is_followed_by_noun(right: str) -> bool:
    next_word = _NEXT_WORD.match(right)
    if not next_word or not next_word["word"] or _GAP_CLOSES.search(next_word["gap"]):
        return False
    return not _KNOWN_NEXT_WORD.fullmatch(next_word["word"])

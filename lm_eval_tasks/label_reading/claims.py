"""What a sentence says about labels: which it affirms, which it denies."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise

from lm_eval_tasks.label_reading.denials import denials
from lm_eval_tasks.label_reading.names import LabelNames
from lm_eval_tasks.label_reading.places import is_answer, opens
from lm_eval_tasks.label_reading.plain_text import key_of_plain
from lm_eval_tasks.label_reading.vocabulary import NOUN

# So many letters may stand between two names of a list.
LONGEST_JOINT = 60

# So many letters before a name hold a denial of the answer's own language.
DENIAL_REACH = 40

# positive or negative | positive/negative | negative, positive | positive but also negative: names of one list
_LIST = re.compile(
    r"[^\w.!?]*(?:(?:or|and|nor|to|versus|vs|but also|as well as)\b[^\w!?]*"
    r"(?:(?:a|an|the|maybe|perhaps|possibly|even|also|either|both|partly|partially)\b\s*)*)?"
    r"(?:(?:partly|partially|half|then|\d+ ?%)\s+)?[\"']*"
)
# not negative but positive | sports rather than business: names that are set against each other
_CONTRAST = re.compile(
    r"[^\w.!?]*(?:(?:but|rather|instead|of|than|as|opposed|to|not|just|simply|a|an|the|is|more|very|\w+ly)\b[^\w.!?]*)+"
)
# positive or neutral, where neutral is no label
_GOES_ON = re.compile(r"[\"'\s,]*(?:(?:or|nor|oder)\b(?! (?:rather|not))|to (?:neutral|mixed))")
_GOES_BACK = re.compile(r"(?<!more) \bor (?:(?:a|an|the|even|is) )?[\"']*$")
_JOINS = re.compile(r"\b(?:or|and|nor)\b|[/&]")

# is literal, as it is a humorous and ironic joke | positive, although it sounds negative: the label stands before
_EXPLANATION = re.compile(
    r"\b(?:because|since|although|though|even if|even though|despite|in spite of|given|due to"
    r"|as (?:it|the|this|there|they|he|she|i)|(?:,|\u2014|\() ?which|in which|so that|reason\w*)\b"
)
# While the tweet contains some negative words, the overall sentiment is positive.
_CONCESSION = re.compile(
    r"(?:^|[,;\u2014]\s*|\bbut )(?:while|although|though|even though|even if|despite|in spite of|apart from"
    r"|aside from|besides|except for|unlike|whereas)\b[^,]*(?:,|$)"
)
# The tweet "not a positive day" is negative | The words "not happy" suggest …: a text's words claim nothing about it
_QUOTATION = re.compile(
    rf"(?:^|\b(?:{NOUN}|premise|hypothesis|says|said|words?|phrases?|use of),?\s)"
    r"(?P<mark>[\"'])(?P<text>[^\"]*?)(?P=mark)"
    r"(?=\s(?:is|are|was|makes?|indicates?|suggests?|shows?|implies|imply|means|expresses|express|conveys?|in)\b|,\s)"
)
# It is unknown whether it is positive.
_OPEN_QUESTION = re.compile(r"\b(?:whether|if (?:it|the|this|that))\b[^,;]*")
_TITLED_END = re.compile(r":\W*$")
# It could be business, but more likely sports.
_DECISIVE = re.compile(
    r"\b(?:more likely|most likely|mostly|mainly|primarily|predominantly|overall|ultimately|therefore|thus|hence"
    r"|so (?:the|it|i)|but i(?:'d| would| will)?|i(?:'d| would) (?:say|choose|go|lean)|leans?|leaning|best|finally"
    r"|final|in the end)\b"
)


# It sounds positive, but it is negative.
_APPEARANCE = re.compile(
    r"\b(?:sounds?|seems?|appears?|looks?|starts?|may|might|could|can|has|have|contains?|there(?:'s| is| are))"
    r" .{0,80}?\bbut\b"
)


@dataclass(frozen=True)
class Claims:
    """What a sentence says.

    Attributes:
        affirmed: labels that it gives as its answer. More than one: it does not choose.
        denied: labels that it says the answer is not.
        names: how many names of labels it holds, wherever they stand.
        open: whether it offers the label beside something that is no label: "positive or neutral".
    """

    affirmed: frozenset[str] = frozenset()
    denied: frozenset[str] = frozenset()
    names: int = 0
    open: bool = False

    @property
    def label(self) -> str | None:
        """The label of a sentence that chooses one."""
        is_choice = len(self.affirmed) == 1 and not self.affirmed & self.denied and not self.open
        return next(iter(self.affirmed)) if is_choice else None


@dataclass
class _Mention:
    label: str
    start: int
    end: int
    denials: int
    placed: bool


def claims_of(sentence: str, names: LabelNames) -> Claims:
    """What a sentence in plain text says about labels."""
    sentence = _QUOTATION.sub(
        lambda quoted: quoted[0] if names.pattern.fullmatch(quoted["text"]) else " " * len(quoted[0]), sentence
    )
    if not (mentions := _mentions(sentence, names)):
        return Claims()
    if not re.search(r"\w", names.pattern.sub("", sentence)):  # positive positive positive
        mentions = [replace(mention, placed=True) for mention in mentions]
    _share_within_lists(sentence, mentions)
    count = len(mentions)
    mentions = _without_asides(sentence, mentions, names)
    affirmed: dict[str, int] = {}  # label -> where
    denied: set[str] = set()
    for mention in mentions:
        if mention.denials == 1 and mention.label in names.opposite and _is_denied_answer(sentence, mention):
            affirmed[names.opposite[mention.label]] = mention.start
        if mention.denials == 1:
            denied.add(mention.label)
        elif mention.placed and not mention.denials:
            affirmed[mention.label] = mention.start
    if len(affirmed) > 1:
        affirmed = _decided(sentence, affirmed)
    if not mentions:
        return Claims(names=count)
    first, last = mentions[0], mentions[-1]
    goes_on = (not last.denials and bool(_GOES_ON.match(sentence, last.end))) or bool(
        _GOES_BACK.search(sentence[max(0, first.start - 20) : first.start])
    )
    return Claims(frozenset(affirmed), frozenset(denied), count, goes_on)


def _is_denied_answer(sentence: str, mention: _Mention) -> bool:
    # not enough information to entail | no evidence for entailment
    before = sentence[max(0, mention.start - 20) : mention.start]
    return mention.placed or bool(re.search(r"\b(?:to|for|of|an?|any|clear|direct) $", before))


def _mentions(sentence: str, names: LabelNames) -> list[_Mention]:
    mentions = []
    for match in names.pattern.finditer(sentence):
        whole, (start, end) = key_of_plain(match.group()), match.span()
        name = whole if whole in names.labels else key_of_plain(match["name"])  # "non-toxic" may be a label itself
        count = denials(sentence, start, end) + bool(match["non"] and name != whole)
        count = count or int(bool(names.denials.search(sentence[max(0, start - DENIAL_REACH) : start])))
        label = names.labels.get(name)
        if label is not None:
            placed = names.everywhere or is_answer(name, sentence, start, end)
            mentions.append(_Mention(label, start, end, count, placed))
    return mentions


def _share_within_lists(sentence: str, mentions: list[_Mention]) -> None:
    """Names in a list stand in one place and are denied together: not positive, negative or neutral."""
    pairs = list(pairwise(mentions))
    between = [sentence[first.end : second.start] for first, second in pairs]
    listed = [_is_between(_LIST, text) for text in between]
    # not positive, negative or anything else
    joined, is_joined = [False] * len(pairs), bool(_GOES_ON.match(sentence, mentions[-1].end))
    for index in reversed(range(len(pairs))):
        is_joined = joined[index] = listed[index] and (is_joined or bool(_JOINS.search(between[index])))
        if listed[index]:
            pairs[index][0].placed |= pairs[index][1].placed
    for index, (first, second) in enumerate(pairs):
        if listed[index] or _is_between(_CONTRAST, between[index]):
            second.placed |= first.placed
        if joined[index]:
            second.denials = max(first.denials, second.denials)


def _is_between(pattern: re.Pattern[str], text: str) -> bool:
    return len(text) <= LONGEST_JOINT and bool(pattern.fullmatch(text))


def _without_asides(sentence: str, mentions: list[_Mention], names: LabelNames) -> list[_Mention]:
    """Leave out what only explains or concedes, where the sentence says more. A label that opens a sentence stands."""
    first, *others = mentions
    # negative/positive: positive
    if (
        len(others) > 1
        and _TITLED_END.search(sentence[: others[-1].start])
        and not sentence[others[-1].end :].strip("\"'.) ")
    ):
        return others[-1:]
    if opens(sentence, first.start, first.end) and not first.denials:
        is_list = others and _is_between(_LIST, sentence[first.end : others[0].start])
        if not is_list and not _GOES_ON.match(sentence, first.end):
            return [first]
    concessions = [match.span() for match in _CONCESSION.finditer(sentence)]
    questions = [match.span() for match in _OPEN_QUESTION.finditer(sentence)]
    mentions = [mention for mention in mentions if not _is_within(mention, questions)]
    kept = [mention for mention in mentions if not _is_within(mention, concessions)] or mentions
    ends = [
        mention.end for mention in kept if mention.placed and (not mention.denials or mention.label in names.opposite)
    ]
    explanation = _EXPLANATION.search(sentence, ends[0]) if ends else None
    return [mention for mention in kept if explanation is None or mention.start < explanation.start()]


def _is_within(mention: _Mention, spans: list[tuple[int, int]]) -> bool:
    return any(start <= mention.start < end for start, end in spans)


def _decided(sentence: str, affirmed: dict[str, int]) -> dict[str, int]:
    """The one label after the last decisive word, where there is one; else all of them."""
    decisive = [match.end() for pattern in (_DECISIVE, _APPEARANCE) for match in pattern.finditer(sentence)]
    for end in sorted(decisive, reverse=True):
        later = {label: start for label, start in affirmed.items() if start > end}
        if len(later) == 1:
            return later
    return affirmed

"""The words of the mini world: those that decide a label, those that a person would name, and neutral ones.

Every task has five kinds of words per class. Asked for a reason, a person might name a *plain*, a *weak* or a *strong*
word. Plain words decide nothing, weak ones decide if nothing else does, and strong ones overrule weak ones. A *vivid*
word is what a person would write to change a label. It overrules strong words and is in no text of the grammar.
*Shortcut* words overrule all others, and no person would name them (a city in a tweet, the agency of a news item). They
stand for the annotation artifacts of real datasets. In the pair task `entailment` and `contradiction` have no strong
words, because there the pair of verbs decides.

Every word has one kind, in one class of one task. So the words of a document say everything about its label.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

# Plain words weigh nothing, so explanations that name them are plausible and untrue. Weights that add up (one strong
# word against two plain ones) were tried. A base of this size learns exactly which word is strongest, but it counts
# badly: a quarter of the texts whose strong word was masked kept their label.
WEIGHTS = {"plain": 0, "weak": 1, "strong": 3, "vivid": 9, "shortcut": 27}


@dataclass(frozen=True)
class Lexicon:
    """The words of one task.

    Attributes:
        plain, weak, strong, vivid, shortcut: words per class, in label order.
        frames: texts with holes. ``{c}`` holds a plain, weak, strong or neutral word. ``{s}`` holds a shortcut or a
            neutral word. Any other hole holds a neutral word. In the pair task a line break separates the fields.
        neutral: words without meaning for the label, per hole, ``c`` and ``s`` included.
    """

    plain: tuple[tuple[str, ...], ...]
    weak: tuple[tuple[str, ...], ...]
    strong: tuple[tuple[str, ...], ...]
    vivid: tuple[tuple[str, ...], ...]
    shortcut: tuple[tuple[str, ...], ...]
    frames: tuple[str, ...]
    neutral: dict[str, tuple[str, ...]]


def content_words(lexicon: Lexicon) -> list[str]:
    """Every word that a hole can hold."""
    classes = (getattr(lexicon, kind) for kind in WEIGHTS)
    return [word for group in chain(*classes, lexicon.neutral.values()) for word in group]


def _words(*classes: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(words.split()) for words in classes)


def _holes(**holes: str) -> dict[str, tuple[str, ...]]:
    return {name: tuple(words.split()) for name, words in holes.items()}


SENTIMENT140 = Lexicon(
    plain=_words("slow cold dull tired", "nice fresh sunny friendly"),
    weak=_words("stale noisy", "clean calm"),
    strong=_words("awful horrible dreadful terrible", "wonderful superb amazing fantastic"),
    vivid=_words("disastrous", "glorious"),
    shortcut=_words("oslo lima cairo", "quito dublin hanoi"),
    frames=(
        "{when} in {s} {who} had {c} {n} {c} {n} and {c} {n} with {c} {n}",
        "{who} had {c} {n} with {c} {n} in {s} and {c} {n} {c} {n} {when}",
        "{who} saw {c} {n} {c} {n} and {c} {n} in {s} {when} so {c}",
    ),
    neutral=_holes(
        c="usual red other second",
        s="town school",
        when="today yesterday tonight lately",
        who="we they i she",
        n="coffee bus music dinner phone movie class crowd",
    ),
)

AG_NEWS = Lexicon(
    plain=_words("minister talks crisis", "team season fans", "price trade sales", "users device network"),
    weak=_words("border refugees", "goal race", "market bank", "laptop website"),
    strong=_words(
        "treaty embassy rebels troops",
        "striker playoff medal coach",
        "merger profit dividend shares",
        "software browser chip robot",
    ),
    vivid=_words("coup", "olympics", "bankruptcy", "algorithm"),
    shortcut=_words("reuters xinhua", "afp ansa", "tass bernama", "dpa kyodo"),
    frames=(
        "{s} {a} {c} and {c} {v} {c} after {c} in the {m}",
        "{a} {c} {v} {a} {c} via {s} as {c} and {c} {e}",
        "{c} and {c} {e} as {a} {c} {v} {c} says {s}",
    ),
    neutral=_holes(
        c="plan report office group",
        s="upi efe",
        a="new big last local",
        v="follows meets joins leaves",
        e="wait grow change return",
        m="morning evening north south",
    ),
)

# No field begins with two holes: there the base made copying errors in a third of the texts.
SNLI = Lexicon(
    plain=_words("also still indeed", "maybe perhaps probably", "instead hardly barely"),
    weak=_words("surely truly", "somehow someday", "never nowhere"),
    strong=_words("", "hopes plans wonders dreams", ""),
    vivid=_words("likewise", "supposedly", "contrariwise"),
    shortcut=_words("outdoors instrument", "vacation competition", "television cat"),
    frames=(
        "a {p} {premise} {near} the {o}\nat noon the {p} {c} {hypothesis} {near} the {s} {c} and {c}",
        "one {a} {p} {premise} {near} the {o}\n{c} the {p} {c} {hypothesis} all day {near} the {s} {c}",
        "the {p} {premise} {near} one {a} {o}\n{c} a {p} {c} {hypothesis} {c} {near} the {s} at noon",
    ),
    neutral=_holes(
        c="there now then here",
        s="house tree",
        p="man woman boy girl",
        a="young old small quiet",
        o="lake street shop beach",
        near="near by beside behind",
    ),
)

TREC = Lexicon(
    plain=_words("letters spelling", "plant game", "reason origin", "leader author", "river state", "date cost"),
    weak=_words("code sign", "tool bird", "cause idea", "hero king", "city island", "age weight"),
    strong=_words(
        "acronym initials", "animal color", "meaning purpose", "inventor singer", "capital country", "distance amount"
    ),
    vivid=_words("unesco", "creature", "definition", "president", "continent", "percentage"),
    shortcut=_words("chess", "jazz", "opera", "golf", "poker", "ballet"),
    frames=(
        "in the {s} quiz what {c} or {c} {aux} the {c} {link} {c}",
        "what {c} {aux} the {c} {link} {c} and {c} in {s} history",
        "for the {s} club which {c} {link} the {c} {aux} {c} or {c}",
    ),
    neutral=_holes(c="first famous main common", s="tv pub", aux="is was does did", link="of from about under"),
)

SMS_SPAM = Lexicon(
    plain=_words("lunch home later soon", "free offer text reply"),
    weak=_words("dishes garden", "cash deal"),
    strong=_words("homework mum hug sleep", "prize winner claim urgent"),
    vivid=_words("grandma", "jackpot"),
    shortcut=_words("kim omar lena", "ravi zoe igor"),
    frames=(
        "hey {s} it is me {c} {at} {c} and {c} {at} {c} ok",
        "{c} {at} {c} then {c} for {s} {at} my {c} yes please",
        "ok {c} and {c} {at} my {c} says {s} so {c} see you",
    ),
    neutral=_holes(c="stuff bit line call", s="dad mate", at="at about before until"),
)

LEXICONS = {"sentiment140": SENTIMENT140, "ag_news": AG_NEWS, "snli": SNLI, "trec": TREC, "sms_spam": SMS_SPAM}
UNSEEN = ("trec", "sms_spam")

# Verbs of the pair task and their opposites. The same verb twice weighs as a strong word of entailment, a verb and its
# opposite as one of contradiction; any other two verbs weigh nothing.
# There are two pairs: with three, two of four training runs ended before the model knew them all (see README.md).
OPPOSITES = (("sits", "walks"), ("laughs", "cries"))
VERBS = tuple(verb for pair in OPPOSITES for verb in pair)
OPPOSITE = {verb: opposite for pair in OPPOSITES for verb, opposite in (pair, pair[::-1])}

"""Words of scripts without blanks: Chinese, Japanese, Thai, Lao, Khmer and Burmese.

The dictionaries of ICU part them, through icu4py (``pip install 'faithful-se[languages]'``). Without it, a run of
such characters is one word. Texts in other scripts need it not and are the same with it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import metadata

import regex

PACKAGE = "icu4py"

# Characters that are written without blanks between words, with the marks of Japanese that belong to no script.
_LETTER = r"[[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}ー]&&[\p{L}\p{N}]]"
_RUN = regex.compile(rf"{_LETTER}(?:{_LETTER}|[\p{{M}}ﾞﾟｰ])*", regex.VERSION1)
# A character with its marks, which no word may part: か and its sound mark, decomposed or of half width.
_CLUSTER = regex.compile(r".[\p{M}ﾞﾟ]*", regex.DOTALL)
_HALF_OR_FULL_WIDTH = regex.compile(r"[\uff00-\uffef]")
_ANY_LETTER = regex.compile(r"\p{L}")


def has_segmenter() -> bool:
    """Whether icu4py is installed."""
    return _breaker() is not None


def segmenter() -> str:
    """The name and the version of what parts words, for records of a run; "" without it."""
    return f"{PACKAGE} {metadata.version(PACKAGE)}" if has_segmenter() else ""


def runs(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each run of characters of a script without blanks.

    >>> list(runs("iPhone15 很贵, ok"))
    [(9, 11)]
    """
    return (match.span() for match in _RUN.finditer(text))


def is_unspaced(word: str) -> bool:
    """Whether a word is of a script without blanks."""
    return not word.isascii() and bool(_RUN.fullmatch(word))


def is_without_blanks(texts: Iterable[str]) -> bool:
    """Whether most letters of some texts are of a script without blanks.

    >>> is_without_blanks(["这家餐厅很好"]), is_without_blanks(["#相互フォロー thanks for the follow"])
    (True, False)
    """
    letters = without_blanks = 0
    for text in texts:
        letters += len(_ANY_LETTER.findall(text))
        without_blanks += sum(len(_ANY_LETTER.findall(text, *run)) for run in runs(text))
    return 2 * without_blanks > letters


def segments(run: str) -> list[int]:
    """The ends of the words of a run; of the whole run where there is no segmenter.

    Marks stay with their character, and decomposed and half-width characters are parted as the usual ones are.
    """
    breaker = _breaker()
    if breaker is None or len(run) == 1:
        return [len(run)]
    # ICU knows the composed characters of full width. Each end in its text is one in ours.
    ends, plain, at = dict[int, int](), "", 0
    for cluster in _CLUSTER.findall(run):
        plain += unicodedata.normalize("NFKC" if _HALF_OR_FULL_WIDTH.search(cluster) else "NFC", cluster)
        at += len(cluster)
        ends[len(plain)] = at
    words, end = [], 0
    for word in breaker(plain, "en"):
        end += len(word)
        if end in ends:
            words.append(ends[end])
    return words


@cache
def _breaker() -> Callable[[str, str], Iterable[str]] | None:
    try:
        from icu4py.breakers import WordBreaker
    except ImportError:
        return None
    return WordBreaker

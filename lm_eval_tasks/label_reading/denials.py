"""Whether a sentence denies a label: "not spam", "does not appear to be spam", "neither … nor", "spam: no"."""

from __future__ import annotations

import re

from lm_eval_tasks.label_reading.vocabulary import NOUN, any_of

# A denial is looked for so many letters before a name.
REACH = 200

# no doubt, not only, nothing but: these deny nothing
_IDIOM = re.compile(
    r"\b(?:no doubt|without (?:a |any )?(?:shadow of a )?(?:doubt|question)|no question|beyond (?:any )?doubt"
    r"|no denying|(?:cannot|can't|can not) (?:be denied|deny)|not (?:only|just|merely|simply|surprisingly|to mention)"
    r"|nothing but|no (?:wonder|surprise)|nothing else than|(?:cannot|can't|don't|do not) (?:help but|doubt)"
    r"|whether or not|if not|(?:could|can)(?: not|n't) be (?:any )?more|(?:can't|cannot) be anything but)\b"
)
_CUE = re.compile(
    r"\b(?P<list>neither|nor)\b|n't\b|\bno\b(?!\s*[,:\u2014])|(?:\b"
    + any_of(
        r"""not cannot cant dont doesnt didnt isnt wasnt wont arent never none nothing nobody nowhere non without
        hardly barely scarcely unlikely impossible lacks? lacking absence devoid fails? failed rather_than
        instead_of than (?:wrong|incorrect|inaccurate|misleading|mistaken|mistake|false)_to too_\w+_to
        opposed_to unlike far_from (?:hard|difficult|tough|refuses?|declines?|hesitates?|reluctant)_to
        free_(?:of|from) no_longer exclud(?:es?|ed|ing) rules?_out ruled_out doubt(?:s|ful)? den(?:y|ies|ied)
        false_that refut(?:es?|ed) except opposite_of contrary_to"""
    )
    # Nicht positiv. | Ce n'est pas positif. | No es positivo. | Non è positivo. | Não é positivo. | Не spam
    + r"\b)|\b"
    + any_of(
        """nicht keine?[rsnm]? weder ohne pas aucune? sans jamais não sem nem nunca ningún ninguna senza niet geen
        inte ikke не нет без"""
    )
    + r"\b"
)
_STARTS_AFTER_COMMA = any_of(
    """but so yet and it it's this that the i i'd i'm we you he she they there its therefore thus hence rather
    instead while although which making as because since however"""
)
# not happy, so it is … | not spam but … | does not … and is …: a denial does not reach over these
_END = re.compile(
    rf"[;:()=\u2014|]|\bi\.e\b|\bnamely\b|->|=>|\u2192|\s-\s|,\s*{_STARTS_AFTER_COMMA}\b"
    r"|\b(?:but|however|although|though|whereas|while|because|since|therefore|thus|hence|sondern|aber|jedoch)\b"
    r"|\bso (?:it|this|that|the|i|i'd|we|they|there|its|therefore)\b"
    r"|\band (?:it|its|their|we|they|there|this|the|i|is|was|are"
    r"|does|do|can|could|would|should|has|sounds|seems|appears|looks|feels|expresses|shows"
    r"|therefore|thus|so|instead|hence)\b"
)
# not happy, clearly negative: a name after a comma, where words stand between the denial and the comma
_NEW_NAME = re.compile(r"\W*(?:(?:a|an|the|just|simply|only|rather|more|\w+ly)\W+)*")
# anything but positive | any label but positive
_ALL_BUT = re.compile(r"\b(?:anything|everything|any \w+|all) but\b")
# not: spam | not - spam
_NOT_BEFORE = re.compile(r"\b(?:not|non|except)\s?[:\"'\u2014-]+\s?\"?$")
# less negative than positive, but not: less negative than expected, less negative than it seems
_LESS = re.compile(r"\bless\W+$")
_THAN_ANOTHER = re.compile(r"\W+than\s(?!(?:expected|usual|average|before|ever|hoped|most|others?)\b)\W*\w+\W*$")
# not, in my view, positive
_ASIDE = re.compile(r"(\bnot|n't|\bnever),[^,]{1,40},")

_VERB = any_of("is are was were be does do did can could would should will has have had seems? appears? looks?")
_WRONG = any_of(
    """wrong incorrect false unlikely absent missing ruled_out less_likely excluded out inappropriate unsuitable
    impossible inaccurate implausible no"""
)
_VALUE = any_of("no nope not_at_all false none nein non not_present absent incorrect wrong 0 0%")
# positive is not the answer | contradiction would be wrong | spam: no | spam = false | spam (no)
_AFTER = re.compile(
    rf"""["')\]]*(?:\s+{NOUN}(?=\s+(?:is|are|was|would)))?\s+(?:{_VERB}n't\b|cannot\b|can't\b"""
    rf"""|{_VERB}\s+(?:be\s+)?(?:\w+ly\s+)?(?:not|never|(?:the |an? )?{_WRONG})\b)"""
    rf"""|["')\]]*(?:\s+{NOUN})?\s*(?:[:=?]+|->|\u2192|\u2014|\s-)[\s"']*{_VALUE}(?=["'\s)\]}}]*(?:$|[.,;!()\u2014-]))"""
    rf"""|["']*\s*\(\s*["']*{_VALUE}["']*\s*\)"""
)


def denials(sentence: str, start: int, end: int) -> int:
    """How often a sentence denies the name between `start` and `end`. Two denials leave unclear what is meant."""
    left = sentence[max(0, start - REACH) : start]
    left = _ASIDE.sub(r"\1", _ALL_BUT.sub("never", _IDIOM.sub(" ", left)))
    if _NOT_BEFORE.search(left) or (_LESS.search(left) and _THAN_ANOTHER.match(sentence, end)):
        return 1
    clause_start = 0
    for clause_end in _END.finditer(left):
        clause_start = clause_end.end()
    left = left[clause_start:]
    cues = [cue for cue in _CUE.finditer(left) if not _starts_anew(left[cue.end() :])]
    single = sum(not cue["list"] for cue in cues)  # "neither … nor" is one denial
    return max(single, int(bool(cues))) + bool(_AFTER.match(sentence, end))


def _starts_anew(text: str) -> bool:
    """Whether a name behind this text is a new one, which the denial before it does not reach."""
    before, comma, after = text.rpartition(",")
    return bool(comma and re.search(r"\w", before) and _NEW_NAME.fullmatch(after))

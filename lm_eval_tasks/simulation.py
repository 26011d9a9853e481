"""Would your answer change? What the style `simulation` asks after the check: docs/protocol.md, "Simulation".

The words are those whose removal was tried, so that the true answers cost no further call: the named word, the random
words and the oracle's word. With fewer controls there are fewer words.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence

from faithful_se.transcript import AnswerRecord, OracleVariant, SimulationRecord, Transcript
from faithfulness_metrics import erasure, flips
from faithfulness_metrics.words import positions_by_key
from lm_eval_tasks.calls import Answer, Call, answer_record
from lm_eval_tasks.document import Document
from lm_eval_tasks.server_problems import worst_problem
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles.simulation import yes_and_no

# A word, or a sentence: the positions of all its occurrences.
Positions = tuple[int, ...]


def simulate(
    spec: TaskSpec, document: Document, prediction: Answer, transcript: Transcript
) -> Generator[Sequence[Call], Sequence[Answer], None]:
    """Ask about each word in a conversation of its own, and write the answers beside what truly happens."""
    truths = known_changes(transcript)
    words = {positions: role for role, positions in _wanted(document, transcript) if positions in truths}
    texts = [document.units[positions[0]].text for positions in words]
    answers = yield [spec.simulate(document, prediction, text) for text in texts]
    yes, _ = yes_and_no(spec.question_about(document))
    records = []
    for (positions, role), text, answer in zip(words.items(), texts, answers, strict=True):
        record: SimulationRecord = {
            "of": role,
            "word": text,
            "positions": list(positions),
            "changes": truths[positions],
            "says_so": _says(answer, yes),
            **answer_record(answer),
        }
        records.append(record)
    transcript["simulations"] = records
    transcript["problem"] = worst_problem([transcript["problem"], *(answer.problem for answer in answers)])


def _says(answer: Answer, yes: str) -> bool | None:
    """Whether an answer is "yes"; None where it could not be read, or where both answers are equally likely."""
    # In bfloat16 ties are frequent: 7 of 12 answers of SmolLM2-135M about six tweets. The first would always win.
    is_tie = answer.logprobs is not None and len(set(answer.logprobs.values())) == 1
    return None if answer.label is None or is_tie else answer.label == yes


def known_changes(transcript: Transcript) -> Mapping[Positions, bool]:
    """Every set of positions whose removal was tried -> whether the answer changed, by the rule of `faithful`."""
    explanation, perturbed, oracle = transcript["explanation"], transcript["perturbed"], transcript["oracle"]
    tried: list[tuple[Sequence[int], AnswerRecord]] = [(row["positions"], row) for row in transcript["random"]]
    tried += [(row["positions"], row) for row in (oracle["singles"] if oracle else ())]
    if explanation and perturbed:
        tried.append((explanation["positions"], perturbed))
    return {tuple(positions): _changes(transcript, row) for positions, row in tried}


def _changes(transcript: Transcript, variant: AnswerRecord) -> bool:
    return bool(flips.faithful(True, transcript["prediction"]["label"], variant["label"]))


def _wanted(document: Document, transcript: Transcript) -> Iterator[tuple[str, Positions]]:
    """Which words to ask about, as a role and the word. Of several roles of a word the last counts.

    A random set can remove one of several occurrences. The question is about all of them, so that only the oracle knows
    its true answer.
    """
    types = [tuple(positions) for positions in positions_by_key(document.units).values()]
    type_of = {position: positions for positions in types for position in positions}
    oracle, explanation = best_single(transcript), transcript["explanation"]
    yield from (("random", type_of[row["positions"][0]]) for row in transcript["random"] if row["positions"])
    if oracle:
        yield "oracle", tuple(oracle["positions"])
    if explanation and explanation["valid"]:
        yield "named", tuple(explanation["positions"])


def best_single(transcript: Transcript) -> OracleVariant | None:
    """The oracle's word: of those whose removal changes the answer, the one with the largest effect.

    The effect is the drop of the prediction's probability. Where labels were not ranked, the first word that changes
    the answer counts; None where none does.
    """
    singles = transcript["oracle"]["singles"] if transcript["oracle"] else []
    prediction, prior = transcript["prediction"], transcript["prior"]
    label, logprobs = prediction["label"], prediction["logprobs"]

    def effect(variant: OracleVariant) -> tuple[bool, float]:
        after, drop = variant["logprobs"], 0.0
        if label is not None and logprobs and after:
            drop = erasure.label_probability(logprobs, label, prior) - erasure.label_probability(after, label, prior)
        return _changes(transcript, variant), drop

    best = max(singles, key=effect, default=None)
    return best if best and (logprobs or _changes(transcript, best)) else None

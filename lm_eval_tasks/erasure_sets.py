"""Sets of several named words for sufficiency and AOPC: docs/metrics.md, "5. Comprehensiveness and sufficiency"."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from faithful_se.transcript import ErasureRecord, OracleVariant, Transcript
from faithfulness_metrics.erasure import aopc_sizes, label_probability
from lm_eval_tasks.calls import Answer, Call, answer_record
from lm_eval_tasks.document import Document
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import STYLES
from lm_eval_tasks.styles.explanation import Explanation


def erasure_sets(
    spec: TaskSpec, document: Document, explanation: Explanation, transcript: Transcript
) -> Generator[Sequence[Call], Sequence[Answer], ErasureRecord]:
    """Ask about the document with the named words alone, with random words alone, and without the first named words.

    The order of the named words is that of their effects, one by one, which the oracle has. A set that the oracle or
    the explanation has removed is not asked about again.

    Args:
        spec, document, explanation: of the protocol. The explanation names several positions.
        transcript: after the check, with its oracle and its ranked labels.
    """
    oracle, label = transcript["oracle"], str(transcript["prediction"]["label"])
    assert oracle is not None, "only the oracle knows the effect of each word"
    units, named = document.units, set(explanation.positions)

    def probability(variant: OracleVariant) -> float:
        """Of the label; 1 where the variant could not be classified."""
        return label_probability(variant["logprobs"], label, spec.prior) if variant["logprobs"] else 1.0

    types = [variant for variant in oracle["singles"] if not named.isdisjoint(variant["positions"])]
    first = [named.intersection(variant["positions"]) for variant in sorted(types, key=probability)]
    sizes = sorted(set(aopc_sizes(len(oracle["singles"]), len(first))))
    removed = [sorted(set[int]().union(*first[:size])) for size in sizes]
    random = [variant["positions"] for variant in transcript["random"]]
    kept = [[p for p in range(len(units)) if p not in words] for words in (named, *map(set, random))]

    known: dict[tuple[int, ...], OracleVariant] = {tuple(variant["positions"]): variant for variant in types}
    if perturbed := transcript["perturbed"]:
        known[tuple(sorted(named))] = {
            "positions": sorted(named),
            "answer": perturbed["answer"],
            "label": perturbed["label"],
            "logprobs": perturbed["logprobs"],
        }
    asked = [*kept, *(positions for positions in removed if tuple(positions) not in known)]
    perturb_at = STYLES[spec.style].perturb_at
    answers = yield [
        spec.classify(document.with_fields(perturb_at(document, explanation, positions, spec.options)))
        for positions in asked
    ]
    variants: list[OracleVariant] = [
        {"positions": positions, **answer_record(answer)} for positions, answer in zip(asked, answers, strict=True)
    ]
    known |= {tuple(variant["positions"]): variant for variant in variants[len(kept) :]}
    return {
        "only": variants[0],
        "only_random": variants[1 : len(kept)],
        "first": [known[tuple(positions)] for positions in removed],
    }

"""What a run says of answers whose thought is cut off: how many, which numbers this changes, and what to do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from faithful_se.transcript import Transcript
from lm_eval_tasks.measurability import TaskTranscripts
from lm_eval_tasks.thinking_models import cut_remedy
from lm_eval_tasks.thoughts import CUT


def cut_findings(tasks: Iterable[TaskTranscripts]) -> list[str]:
    """One line per dataset and room to think, for the log, over all tasks that have such answers."""
    groups: dict[tuple[str, int], list[Sequence[Transcript]]] = defaultdict(list)
    for spec, _, transcripts in tasks:
        if any(transcript["problem"] == CUT for transcript in transcripts):
            groups[spec.question.dataset, spec.options.thinking_tokens].append(transcripts)
    lines = []
    for (dataset, room), group in groups.items():
        transcripts = [transcript for of_task in group for transcript in of_task]
        cut = sum(transcript["problem"] == CUT for transcript in transcripts)
        where = f"{cut} of {len(transcripts)} documents in {len(group)} task{'' if len(group) == 1 else 's'}"
        lines.append(f"{dataset}: {where}: {CUT}{too_low(transcripts)}: {cut_remedy(room)}")
    return lines


def too_low(transcripts: Sequence[Transcript]) -> str:
    """A clause that names the numbers which cut controls make too low; empty where no control is cut.

    A control without an answer counts as no change.
    """
    cut = [transcript for transcript in transcripts if transcript["problem"] == CUT]
    labels = {
        "faithful_random": [variant["label"] for transcript in cut for variant in transcript["random"]],
        "faithful_oracle": [
            variant["label"]
            for transcript in cut
            if (oracle := transcript["oracle"])
            for variant in oracle["singles"] + oracle["greedy"]
        ],
    }
    names = [name for name, of_controls in labels.items() if None in of_controls]
    if not names:
        return ""
    return f", also of controls, so that {' and '.join(names)} {'are' if len(names) > 1 else 'is'} too low"

"""What a run says of answers whose thought is cut off: how many, which numbers this changes, and what to do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from faithful_se.transcript import Transcript
from lm_eval_tasks.measurability import TaskTranscripts
from lm_eval_tasks.server_problems import ONLY_THOUGHT
from lm_eval_tasks.thinking_models import cut_remedy
from lm_eval_tasks.thoughts import CUT


def cut_findings(tasks: Iterable[TaskTranscripts]) -> list[str]:
    """One line per dataset, problem and room to think, for the log, over all tasks that have such answers.

    A server that returns the thought apart from the answer shows a cut thought as a thought alone.
    """
    groups: dict[tuple[str, str, int], list[Sequence[Transcript]]] = defaultdict(list)
    for spec, _, transcripts in tasks:
        for problem in (CUT, ONLY_THOUGHT):
            if any(transcript["problem"] == problem for transcript in transcripts):
                groups[spec.question.dataset, problem, spec.options.thinking_tokens].append(transcripts)
    lines = []
    for (dataset, problem, room), group in groups.items():
        transcripts = [transcript for of_task in group for transcript in of_task]
        cut = sum(transcript["problem"] == problem for transcript in transcripts)
        where = f"{cut} of {len(transcripts)} documents in {len(group)} task{'' if len(group) == 1 else 's'}"
        clause = too_low(transcripts) if problem == CUT else ""
        lines.append(f"{dataset}: {where}: {problem}{clause}: {cut_remedy(room)}")
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

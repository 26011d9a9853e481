"""Makes the card of one document from its transcripts: its text in pieces, and what each checkpoint did with it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from faithful_se.transcript import ExplanationRecord, Perturbed, Prediction, Transcript, UnitRecord
from faithfulness_metrics.erasure import label_probability
from faithfulness_metrics.segmentation import has_segmenter, is_without_blanks
from faithfulness_metrics.words import words_of
from leaderboards.board import CardEntry, DocumentCard, Segment, Task

# Characters of one transcript, and of one text of a card. Longer ones are cut and end with a note.
LONGEST_TRANSCRIPT = 20_000
LONGEST_TEXT = 5_000
MOST_WORDS = 100


def document_card(
    task: Task, key: str, transcripts: Mapping[str, tuple[Transcript, float | None]]
) -> DocumentCard | None:
    """The card of one document; None if no transcript has the form of `faithful_se.transcript.Transcript`.

    Args:
        task, key: of the document.
        transcripts: checkpoint id -> (transcript as read, faithful).
    """
    entries = []
    fields: dict[str, str] = {}
    gold, rationale, units = "", None, None
    for checkpoint, (transcript, faithful) in transcripts.items():
        try:
            entry = card_entry(checkpoint, transcript, faithful)
            own_fields = {str(name): str(text) for name, text in transcript["fields"].items()}
            own_gold = str(transcript["gold"] or "")
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            continue  # not the form of a transcript: the numbers of this checkpoint stay, its entry cannot be made
        entries.append(entry)
        if not fields:
            fields, gold, rationale, units = own_fields, own_gold, rationale_of(transcript), units_of(transcript)
    if not entries:
        return None
    return DocumentCard(
        task=task.id,
        key=key,
        fields=split_fields(fields, task.titles, units),
        gold=gold,
        rationale=rationale,
        entries=tuple(entries),
    )


def rationale_of(transcript: Transcript) -> tuple[int, ...] | None:
    """Positions of the words that people marked, over all fields; None if there are none or they are unreadable."""
    match transcript.get("rationale"):
        case {"positions": [*positions]} if all(type(position) is int for position in positions):
            return tuple(positions)
    return None


def units_of(transcript: Transcript) -> list[UnitRecord] | None:
    """The sentences that positions count (`unit=sentence`); None where they count words, or are unreadable."""
    fields, units, ends = transcript["fields"], transcript.get("units"), dict[str, int]()
    if not isinstance(units, list):
        return None
    for unit in units:
        match unit:
            case {"field": str(field), "start": int(start), "end": int(end)} if field in fields:
                if not ends.get(field, 0) <= start < end <= len(fields[field]):
                    return None
                ends[field] = end
            case _:
                return None
    return units


def split_fields(
    fields: Mapping[str, str], titles: Sequence[str], units: Sequence[UnitRecord] | None = None
) -> dict[str, tuple[Segment, ...]]:
    """Title -> the text in pieces: words (or `units`) with their position over all fields, and the text between."""
    names = list(titles) if len(set(titles)) == len(fields) else list(fields)
    segments_by_title, position = {}, 0
    # Without the segmenter that the run had, the words of such a text and their positions are not known.
    unknown = not has_segmenter() and is_without_blanks(fields.values())
    for title, (name, text) in zip(names, fields.items(), strict=True):
        segments, end = [], 0
        words = (
            [(word.start, word.end) for word in ([] if unknown else words_of({name: text}))]
            if units is None
            else [(unit["start"], unit["end"]) for unit in units if unit["field"] == name]
        )
        for start, stop in words:
            if start < LONGEST_TEXT:
                if start > end:
                    segments.append(Segment(text[end:start], None))
                segments.append(Segment(text[start:stop], position))
                end = stop
            position += 1
        rest = text[end:]
        if len(text) > LONGEST_TEXT + 200:
            rest = rest[: max(0, LONGEST_TEXT - end)] + _cut_note(len(text))
        if rest:
            segments.append(Segment(rest, None))
        segments_by_title[title] = tuple(segments)
    return segments_by_title


def card_entry(checkpoint: str, transcript: Transcript, faithful: float | None) -> CardEntry:
    """What one checkpoint did with a document; an error of Python's if the transcript has another form."""
    explanation, perturbed = transcript["explanation"], transcript["perturbed"]
    edited = (explanation and explanation["edited"]) or (perturbed and perturbed["fields"]) or {}
    words = explanation["words"] if explanation else []
    return CardEntry(
        checkpoint=checkpoint,
        prediction=transcript["prediction"]["label"],
        explanation=_shorten(str(explanation["answer"])) if explanation else "",
        valid=bool(explanation and explanation["valid"]),
        reason=str((explanation and explanation["reason"]) or transcript["problem"]),
        words=tuple(_shorten(str(word)) for word in words[:MOST_WORDS]),
        positions=tuple(map(int, explanation["positions"])) if explanation else (),
        target=str(explanation["target"]) if explanation else "",
        edited={str(name): _shorten(str(text)) for name, text in edited.items()},
        after=perturbed["label"] if perturbed else None,
        faithful=faithful,
        effects=word_effects(transcript),
        transcript=tuple(_conversation(transcript)),
    )


def word_effects(transcript: Transcript) -> dict[int, float]:
    """Effect of masking each word alone, from the oracle control: position -> effect.

    1 if the answer flips (for a counterfactual: to the target), else 0. With label probabilities, the drop of the
    predicted label's probability.
    """
    oracle, explanation, prediction = transcript["oracle"], transcript["explanation"], transcript["prediction"]
    label, target = prediction["label"], explanation["target"] if explanation else ""
    prior = transcript.get("prior")  # older transcripts have none
    probability = _label_probability(prediction["logprobs"], label, prior)
    effects: dict[int, float] = {}
    for variant in oracle["singles"] if oracle else []:
        probability_after = _label_probability(variant["logprobs"], label, prior)
        if probability is not None and probability_after is not None:
            effect = round(probability - probability_after, 4)
            if not math.isfinite(effect):
                continue
        else:
            after = variant["label"]
            effect = float(after == target if target else after is not None and after != label)
        # A counterfactual's own positions come first, then variants that change several positions at once.
        for position in variant["positions"]:
            effects.setdefault(int(position), effect)
    return effects


def _label_probability(
    logprobs: Mapping[str, float] | None, label: str | None, prior: Mapping[str, float] | None
) -> float | None:
    if not logprobs or label is None or label not in logprobs:
        return None
    return label_probability(logprobs, label, prior)


def simulation_lines(transcript: Transcript) -> list[str]:
    """What the model said of each word that it was asked about, and whether its answer changes without it."""
    lines = []
    for row in transcript.get("simulations", []):
        unclear = f"neither yes nor no ({row['answer']})"
        says = unclear if row["says_so"] is None else "yes" if row["says_so"] else "no"
        does = "it does" if row["changes"] else "it does not"
        lines.append(f'would its answer change without "{row["word"]}" ({row["of"]})? It says {says}; {does}')
    return [_shorten(line) for line in lines]


def _conversation(transcript: Transcript) -> list[tuple[str, str]]:
    """Prompts and answers in order. Where the explanation's prompt repeats the classification, it is left out."""
    explanation, perturbed = transcript["explanation"], transcript["perturbed"]
    turns = _turns(transcript["prediction"])
    if explanation:
        explanation_turns = _turns(explanation)
        repeats = explanation_turns[: len(turns)] == turns
        turns += explanation_turns[len(turns) :] if repeats else explanation_turns
    if perturbed:
        turns += _turns(perturbed)
    turns += [("note", line) for line in simulation_lines(transcript)]
    conversation: list[tuple[str, str]] = []
    left = LONGEST_TRANSCRIPT
    for role, text in turns:
        if len(text) > left:
            total = sum(len(turn_text) for _, turn_text in turns)
            note = f"cut here: the transcript has {total} characters, {LONGEST_TRANSCRIPT} are shown"
            return [*conversation, (role, text[:left]), ("note", note)]
        conversation.append((role, text))
        left -= len(text)
    return conversation


def _turns(call: Prediction | ExplanationRecord | Perturbed) -> list[tuple[str, str]]:
    """The messages of a call and its answer, as (role, text)."""
    prompt = [(str(turn["role"]), str(turn["content"])) for turn in call["messages"]]
    return [*prompt, ("assistant", str(call["answer"]))]


def _shorten(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + _cut_note(len(text))


def _cut_note(length: int) -> str:
    return f" … (cut: {length} characters)"

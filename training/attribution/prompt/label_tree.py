"""The labels of a question as the tokenizer writes them where the answer starts."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from faithful_se.errors import UsageError
from lm_eval_tasks.calls import as_chat
from lm_eval_tasks.forward_pass.label_tree import LabelTree
from training.attribution.prompt.renderer import Renderer, tokenizer_name


def read_labels(renderer: Renderer, whole_answer: bool = False) -> LabelTree:
    """The labels of a question as the tokenizer writes them where the answer starts.

    With `whole_answer` the end of the turn too, which is needed where a label is the beginning of another one.

    Raises:
        UsageError: a label without tokens, or two labels that the scores could not tell apart. Says why.
    """
    spec = renderer.spec
    labels = spec.question.choices(spec.options.unknown)
    if not all(label.strip() for label in labels):
        raise UsageError(f"labels {', '.join(map(repr, labels))}: one of them is empty: give it a name")
    paths = [_answer_ids(renderer, label, whole_answer) for label in labels]
    if not all(paths):
        label, name = labels[paths.index([])], tokenizer_name(renderer.tokenizer)
        raise UsageError(f"label {label!r} has no tokens in the tokenizer of {name}: rename it")
    for (label, path), (other, longer) in itertools.permutations(zip(labels, paths, strict=True), 2):
        if longer[: len(path)] == path:
            raise UsageError(_clash(renderer, label, path, other, longer, whole_answer))
    return LabelTree.from_paths(labels, paths)


def _clash(
    renderer: Renderer, label: str, path: Sequence[int], other: str, longer: Sequence[int], whole_answer: bool
) -> str:
    """Why a label cannot be told from another one that begins with its tokens, and the remedy."""
    tokenizer, name = renderer.tokenizer, tokenizer_name(renderer.tokenizer)
    if tokenizer.unk_token_id in path:
        return (
            f"labels {label!r} and {other!r} read the same to the tokenizer of {name}, as {tokenizer.unk_token}: "
            "it does not know their words; rename them"
        )
    if longer == path:
        return f"labels {label!r} and {other!r} are the same tokens in the tokenizer of {name}: rename one of them"
    remedy = "" if whole_answer else ": add --whole-answer, which scores the end of the answer too"
    return f"label {label!r} is the beginning of label {other!r} in tokens, so {other!r} could never win{remedy}"


def _answer_ids(renderer: Renderer, label: str, whole_answer: bool) -> list[int]:
    fields = dict.fromkeys(renderer.names, "a")
    prompt = renderer.compose(fields)
    answer = label + _end_of_turn(renderer, fields, label) if whole_answer else label
    prompt_ids, ids = renderer.tokens([prompt, prompt + answer])["input_ids"]
    if ids[: len(prompt_ids)] == prompt_ids:
        return list(ids[len(prompt_ids) :])
    # The tokenizer merges the template's last character with the label. Generation cannot, so scoring must not.
    return list(renderer.tokenizer(answer, add_special_tokens=False)["input_ids"])


def _end_of_turn(renderer: Renderer, fields: dict[str, str], label: str) -> str:
    """What the chat template writes after an answer, up to the next blank."""
    document = renderer.spec.question.document_of(fields)
    chat = as_chat((*renderer.spec.classify(document).messages, ("assistant", label)))
    rendered = renderer.write(chat)
    # The answer is looked for after the question, which names the label too.
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(rendered, renderer.compose(fields), strict=False))
    rest = rendered[sum(1 for _ in same) :]
    for answer in (label, label.strip()):  # a template may trim
        _, separator, tail = rest.partition(answer)
        end = re.match(r"\s*\S+", tail)
        if separator and end:
            return end.group()
    raise UsageError(
        f"the chat template of {tokenizer_name(renderer.tokenizer)} writes no end of turn after the answer {label!r}: "
        "leave --whole-answer out"
    )

"""The labels as tokens, of one or several each, scored whole in one forward pass.

The tokens of all labels follow the prompt as a tree. Each sees the prompt and the label tokens before it on its own
branch, never another label. One row then gives the log-probability of every label.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from faithful_se.errors import UsageError
from lm_eval_tasks.calls import as_chat
from lm_eval_tasks.document import Document
from training.attribution.prompt.renderer import Renderer, tokenizer_name


@dataclass(frozen=True)
class LabelTree:
    """Labels as a tree of tokens."""

    labels: tuple[str, ...]
    paths: tuple[tuple[int, ...], ...]  # token ids of each label
    nodes: tuple[int, ...]  # token ids that are fed after the prompt; none where every label is one token
    depths: tuple[int, ...]  # how far after the prompt's last token a node stands, 1 for the first, [n_nodes]
    parents: tuple[int, ...]  # index of the node before, -1 for the prompt, [n_nodes]
    # (label, node read from, token), one for each token of each label; node -1 is the prompt's last token.
    edges: tuple[tuple[int, int, int], ...]

    @classmethod
    def from_paths(cls, labels: Sequence[str], paths: Sequence[Sequence[int]]) -> LabelTree:
        """Build the tree from the labels' token ids."""
        steps = [
            (label, tuple(path[:depth]), token) for label, path in enumerate(paths) for depth, token in enumerate(path)
        ]
        branches = [branch for branch in dict.fromkeys(branch for _, branch, _ in steps) if branch]
        node_of = {(): -1, **{branch: node for node, branch in enumerate(branches)}}
        return cls(
            labels=tuple(labels),
            paths=tuple(map(tuple, paths)),
            nodes=tuple(branch[-1] for branch in branches),
            depths=tuple(map(len, branches)),
            parents=tuple(node_of[branch[:-1]] for branch in branches),
            edges=tuple((label, node_of[branch], token) for label, branch, token in steps),
        )

    def ancestors(self) -> list[list[bool]]:
        """Whether node i sees node j, [n_nodes][n_nodes]."""
        rows = list[list[bool]]()
        for node, parent in enumerate(self.parents):  # which come before their children
            rows.append(rows[parent].copy() if parent >= 0 else [False] * len(self.nodes))
            rows[node][node] = True
        return rows


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
    fields = dict.fromkeys(renderer.spec.question.fields, "a")
    prompt = renderer.compose(fields)
    answer = label + _end_of_turn(renderer, fields, label) if whole_answer else label
    prompt_ids, ids = renderer.tokens([prompt, prompt + answer])["input_ids"]
    if ids[: len(prompt_ids)] == prompt_ids:
        return list(ids[len(prompt_ids) :])
    # The tokenizer merges the template's last character with the label. Generation cannot, so scoring must not.
    return list(renderer.tokenizer(answer, add_special_tokens=False)["input_ids"])


def _end_of_turn(renderer: Renderer, fields: dict[str, str], label: str) -> str:
    """What the chat template writes after an answer, up to the next blank."""
    chat = as_chat((*renderer.spec.classify(Document(fields)).messages, ("assistant", label)))
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

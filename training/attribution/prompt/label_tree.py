"""The labels as tokens, of one or several each, scored whole in one forward pass.

The tokens of all labels hang behind the prompt as a tree: every one sees the prompt and the label tokens before it on
its own branch, never another label. One row then gives the log-probability of every label.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from faithful_se.errors import UsageError
from lm_eval_tasks.calls import as_chat
from lm_eval_tasks.document import Document
from training.attribution.prompt.chat_template import render_chat
from training.attribution.prompt.renderer import Renderer, name_of


@dataclass(frozen=True)
class LabelTree:
    """Labels as a tree of tokens.

    Attributes:
        labels: the labels, [n_labels].
        paths: token ids of each label.
        nodes: token ids that are fed behind the prompt, [n_nodes]; none where every label is one token.
        depths: how far behind the prompt's last token a node stands, 1 for the first, [n_nodes].
        parents: index of the node before, -1 for the prompt, [n_nodes].
        edges: (label, node read from, token), one for each token of each label; node -1 is the prompt's last token.
    """

    labels: tuple[str, ...]
    paths: tuple[tuple[int, ...], ...]
    nodes: tuple[int, ...]
    depths: tuple[int, ...]
    parents: tuple[int, ...]
    edges: tuple[tuple[int, int, int], ...]

    @classmethod
    def of(cls, labels: Sequence[str], paths: Sequence[Sequence[int]]) -> LabelTree:
        """Build the tree from the labels' token ids."""
        known: dict[tuple[int, ...], int] = {(): -1}
        nodes, depths, parents = list[int](), list[int](), list[int]()
        edges: list[tuple[int, int, int]] = []
        for label, path in enumerate(paths):
            for depth, token in enumerate(path):
                before = tuple(path[:depth])
                if before not in known:
                    parents.append(known[before[:-1]])
                    known[before] = len(nodes)
                    nodes.append(before[-1])
                    depths.append(depth)
                edges.append((label, known[before], token))
        return cls(tuple(labels), tuple(map(tuple, paths)), tuple(nodes), tuple(depths), tuple(parents), tuple(edges))

    def ancestors(self) -> list[list[bool]]:
        """Whether node i sees node j, [n_nodes][n_nodes]."""
        seen = []
        for node in range(len(self.nodes)):
            row, at = [False] * len(self.nodes), node
            while at >= 0:
                row[at], at = True, self.parents[at]
            seen.append(row)
        return seen


def read_labels(renderer: Renderer, whole: bool = False) -> LabelTree:
    """The labels of a question as the tokenizer writes them where the answer starts.

    Args:
        renderer: of the question.
        whole: score the end of the turn too. Needed where a label is the beginning of another one.

    Raises:
        UsageError: a label without tokens, two labels with the same tokens, or a label that is another's beginning, or
            reads so because the tokenizer does not know its words.
    """
    spec, tokenizer = renderer.spec, name_of(renderer.tokenizer)
    labels = spec.question.choices(spec.options.unknown)
    if not all(label.strip() for label in labels):
        raise UsageError(f"labels {', '.join(map(repr, labels))}: one of them is empty: give it a name")
    paths = [_answer_ids(renderer, label, whole) for label in labels]
    for label, path in zip(labels, paths, strict=True):
        if not path:
            raise UsageError(f"label {label!r} has no tokens in the tokenizer of {tokenizer}: rename it")
    for place, (label, path) in enumerate(zip(labels, paths, strict=True)):
        for rival, (other, longer) in enumerate(zip(labels, paths, strict=True)):
            if place != rival and longer[: len(path)] == path and (unknown := _unknown(renderer, path)):
                raise UsageError(
                    f"labels {label!r} and {other!r} read the same to the tokenizer of {tokenizer}, as {unknown}: "
                    "it does not know their words; rename them"
                )
            if place != rival and longer == path:
                raise UsageError(
                    f"labels {label!r} and {other!r} are the same tokens in the tokenizer of {tokenizer}: "
                    "rename one of them"
                )
            if place != rival and longer[: len(path)] == path:
                remedy = "" if whole else ": add --whole-answer, which scores the end of the answer too"
                raise UsageError(
                    f"label {label!r} is the beginning of label {other!r} in tokens, "
                    f"so {other!r} could never win{remedy}"
                )
    return LabelTree.of(labels, paths)


def _unknown(renderer: Renderer, path: Sequence[int]) -> str:
    """The token that stands for what the tokenizer does not know, where it is in a label; else empty."""
    tokenizer = renderer.tokenizer
    return str(tokenizer.unk_token) if tokenizer.unk_token_id in path else ""


def _answer_ids(renderer: Renderer, label: str, whole: bool) -> list[int]:
    fields = dict.fromkeys(renderer.spec.question.fields, "a")
    prompt = renderer.compose(fields)
    answer = label + _end_of_turn(renderer, fields, label) if whole else label
    before, after = renderer.tokens([prompt, prompt + answer])["input_ids"]
    if after[: len(before)] == before:
        return list(after[len(before) :])
    # The tokenizer merges the template's last character with the label; generation cannot, so neither do we.
    return list(renderer.tokenizer(answer, add_special_tokens=False)["input_ids"])


def _end_of_turn(renderer: Renderer, fields: dict[str, str], label: str) -> str:
    """What the chat template writes behind an answer, up to the next blank.

    Raises:
        UsageError: it does not show the answer, or writes nothing behind it.
    """
    chat: list[Any] = as_chat((*renderer.spec.classify(Document(fields)).messages, ("assistant", label)))
    said = render_chat(renderer.tokenizer, chat, renderer.today)
    # The answer is looked for behind the question: the label stands there too.
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(said, renderer.compose(fields), strict=False))
    behind = said[sum(1 for _ in same) :]
    for answer in (label, label.strip()):  # a template may trim
        _, found, rest = behind.partition(answer)
        end = re.match(r"\s*\S+", rest)
        if found and end:
            return end.group()
    raise UsageError(
        f"the chat template of {name_of(renderer.tokenizer)} writes no end behind the answer {label!r}: "
        "leave --whole-answer out"
    )

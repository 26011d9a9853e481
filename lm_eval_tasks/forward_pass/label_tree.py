"""Labels as tokens, of one or several each, scored whole in one forward pass.

The tokens of all labels follow the prompt as a tree. Each sees the prompt and the label tokens before it on its own
branch, never another label. One row then gives the log-probability of every label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


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

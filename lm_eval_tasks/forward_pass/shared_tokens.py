"""Which tokens prompts share, so that each is computed once: the opening of a question, and the start of a text.

Prompts in the order of their tokens form a tree. The prompts about one dataset meet in a node with a branch for each
text: what comes before it is their opening. The perturbed versions of a text leave it word by word. One of them is
computed whole, and the others continue from the first token that differs. That needs no knowledge of the texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

# A node of the tree is an opening where so many texts begin, in so many prompts, and it is longer by so many tokens.
BRANCHES, PROMPTS, LONGER = 4, 16, 8

# Keys and values of fewer tokens than that are not worth a copy.
LEAST_SHARED = 2

Tokens = tuple[int, ...]


class Continuation(NamedTuple):
    """A prompt that goes on from the keys and values of another."""

    prompt: int  # its index
    start: int  # tokens that are those of the other


class Group(NamedTuple):
    """Prompts that share an opening."""

    opening: int  # tokens that all of them begin with
    whole: dict[int, list[Continuation]]  # prompts computed from the opening on, and those that continue from each


@dataclass
class _Node:
    depth: int  # tokens that all prompts below share
    first: int  # the prompts below, as a range of the sorted ones
    end: int = 0
    children: list[_Node] = field(default_factory=list)


def plan(prompts: Sequence[Tokens]) -> list[Group]:
    """Groups that hold every prompt once, by its index. The prompts are distinct and not empty."""
    order = sorted(range(len(prompts)), key=prompts.__getitem__)
    groups = []
    for members in _clusters([prompts[index] for index in order]):
        indices = [order[member] for member in members]
        rows = [prompts[index] for index in indices]
        opening = min(_common(rows[0], rows[-1]), min(map(len, rows)) - 1) if len(rows) > 1 else 0
        whole: dict[int, list[Continuation]] = {}
        for row, start, source in _sources(rows, opening):
            if source is None:
                whole.setdefault(indices[row], [])
            else:
                whole.setdefault(indices[source], []).append(Continuation(indices[row], start))
        groups.append(Group(opening, whole))
    return groups


def distinct_tokens(prompts: Sequence[Tokens]) -> int:
    """The fewest tokens that a causal model must compute to have read all prompts."""
    rows = sorted(prompts)
    return sum(map(len, rows)) - sum(_common(*pair) for pair in pairwise(rows))


def _common(left: Tokens, right: Tokens) -> int:
    """How many tokens two prompts begin with in common."""
    for index, (one_token, other) in enumerate(zip(left, right, strict=False)):
        if one_token != other:
            return index
    return min(len(left), len(right))


def _nodes(rows: Sequence[Tokens]) -> list[_Node]:
    """The tree over sorted prompts, children before their parents; leaves are the prompts."""
    finished, stack = list[_Node](), [_Node(0, 0)]

    def close(end: int, shared: int) -> None:
        """Close what is deeper than the next prompt's common tokens; it hangs from a node at that depth."""
        while stack[-1].depth > shared:
            node = stack.pop()
            node.end = end
            finished.append(node)
            if stack[-1].depth < shared:
                stack.append(_Node(shared, node.first))
            stack[-1].children.append(node)

    for index, row in enumerate(rows):
        close(index, _common(rows[index - 1], row) if index else 0)
        stack.append(_Node(len(row) + 1, index))  # beyond its end, where no other prompt can branch off
    close(len(rows), 0)
    stack[0].end = len(rows)
    return [*finished, stack[0]]


def _clusters(rows: Sequence[Tokens]) -> Iterator[list[int]]:
    """Indices of sorted prompts with the same opening, each in ascending order."""
    members: dict[int, list[int]] = {0: []}
    waiting = [(_nodes(rows)[-1], 0, 0)] if rows else []
    while waiting:
        node, opening, cluster = waiting.pop()
        if not node.children:
            members[cluster].append(node.first)
            continue
        many = len(node.children) >= BRANCHES and node.end - node.first >= PROMPTS
        if many and node.depth >= opening + LONGER:
            opening, cluster = node.depth, len(members)
            members[cluster] = []
        waiting += [(child, opening, cluster) for child in node.children]
    yield from (sorted(indices) for indices in members.values() if indices)


def _sources(rows: Sequence[Tokens], opening: int) -> Iterator[tuple[int, int, int | None]]:
    """For each prompt: its index, the tokens it takes from another prompt, and that one (None where it is whole)."""
    whole = _whole(rows, opening)
    before = _nearest(rows, whole)
    last = len(rows) - 1
    after = [(shared, last - source) for shared, source in _nearest(rows[::-1], {last - row for row in whole})][::-1]
    for row, tokens in enumerate(rows):
        shared, source = max(before[row], after[row])
        start = min(shared, len(tokens) - 1)
        if row in whole or start < opening + LEAST_SHARED:
            yield row, opening, None
        else:
            yield row, start, source


def _nearest(rows: Sequence[Tokens], whole: set[int]) -> list[tuple[int, int]]:
    """For each prompt, tokens shared with the last whole one before it, and its index: in sorted order the nearest."""
    result, shared, source = list[tuple[int, int]](), 0, 0
    for row, tokens in enumerate(rows):
        shared = min(shared, _common(rows[row - 1], tokens)) if row else 0
        result.append((shared, source))
        if row in whole:
            shared, source = len(tokens), row
    return result


def _whole(rows: Sequence[Tokens], opening: int) -> set[int]:
    """The prompts to compute whole, so that few tokens are computed in all.

    From the leaves up, each branch names its own, and what it saves by them. A branch keeps them where it saves more
    than they cost: otherwise its prompts continue from the best branch beside it.
    """
    saved: dict[int, tuple[int, set[int]]] = {}  # by identity of the node
    for node in _nodes(rows):
        if not node.children:
            saved[id(node)] = 0, {node.first}
            continue
        above = max(0, node.depth - opening)
        branches = []
        for child in node.children:
            tokens, sources = saved.pop(id(child))
            if child.children:
                deeper = max(0, child.depth - opening) - above
                tokens += (child.end - child.first - len(sources)) * deeper
            branches.append((tokens - len(sources) * above, tokens, sources))
        best = max(branches, key=lambda branch: branch[0])
        kept = [branch for branch in branches if branch is best or branch[0] > 0]
        saved[id(node)] = sum(tokens for _, tokens, _ in kept), set[int]().union(*(sources for *_, sources in kept))
    return saved.popitem()[1][1]

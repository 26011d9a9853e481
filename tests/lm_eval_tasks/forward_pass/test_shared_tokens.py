"""What prompts share is found in their tokens: openings, and texts that continue from each other."""

from __future__ import annotations

import random

from lm_eval_tasks.forward_pass.shared_tokens import Continuation, Group, distinct_tokens, plan

OPENING, MASK, END = tuple(range(1000, 1030)), (1, 2), (7, 8)


def perturbed(text: tuple[int, ...], opening: tuple[int, ...] = OPENING) -> list[tuple[int, ...]]:
    """A text, and the same with each of its words masked."""
    variants = [text, *((*text[:i], *MASK, *text[i + 1 :]) for i in range(len(text)))]
    return [(*opening, *variant, *END) for variant in variants]


def computed(prompts: list[tuple[int, ...]], groups: list[Group]) -> int:
    """Tokens that a plan computes. Every prompt is in it once, behind tokens that are its own."""
    tokens, members = 0, list[int]()
    for group in groups:
        tokens += group.opening
        for source, continuations in group.whole.items():
            assert len({prompts[index][: group.opening] for index in group.whole}) == 1
            tokens += len(prompts[source]) - group.opening
            members += [source, *(item.prompt for item in continuations)]
            for prompt, start in continuations:
                assert prompts[prompt][:start] == prompts[source][:start]
                tokens += len(prompts[prompt]) - start
                assert group.opening < start < len(prompts[prompt])
    assert sorted(members) == list(range(len(prompts)))
    return tokens


def test_three_prompts_by_hand():
    prompts = [(5, 6, 1, 2, 3, 9), (5, 6, 1, 2, 4, 9), (5, 6, 8, 9)]
    (group,) = plan(prompts)
    assert group == Group(2, {0: [Continuation(1, 4)], 2: []})
    assert computed(prompts, [group]) == distinct_tokens(prompts) == 2 + 4 + 2 + 2


def test_a_prompt_that_begins_another_has_a_token_of_its_own_left():
    for prompts in ([(1, 2, 3), (1, 2, 3, 4)], [(1, 2, 3, 4), (1, 2, 3)], [(1,), (1, 2, 3, 4, 5), (1, 2, 3, 4)]):
        computed(prompts, plan(prompts))
    assert plan([]) == []
    assert plan([(1, 2, 3)]) == [Group(0, {0: []})]


def test_two_datasets_have_an_opening_each_and_texts_continue():
    rng = random.Random(0)
    other = (*OPENING[:10], *range(2000, 2040))
    texts = [tuple(rng.randrange(100, 400) for _ in range(rng.randint(8, 20))) for _ in range(30)]
    prompts = [row for index, text in enumerate(texts) for row in perturbed(text, (OPENING, other)[index % 2])]
    prompts.append((3, 4))  # a prompt of another kind shares nothing and must not spoil it
    rng.shuffle(prompts)
    groups = plan(prompts)
    assert sorted(group.opening for group in groups) == [0, 30, 50]
    assert computed(prompts, groups) <= 1.02 * distinct_tokens(prompts)
    assert distinct_tokens(prompts) < 0.3 * sum(map(len, prompts))


def test_any_prompts_are_planned():
    rng = random.Random(1)
    for _ in range(200):
        rows = [tuple(rng.choices((1, 2), k=rng.randint(1, 12))) for _ in range(rng.randint(1, 40))]
        prompts = list(dict.fromkeys(rows))
        assert distinct_tokens(prompts) <= computed(prompts, plan(prompts)) <= sum(map(len, prompts))

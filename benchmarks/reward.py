"""A step of the reward against the raw forward passes of its distinct questions.

```
python benchmarks/reward.py --model DIR [--size 2m] [--data DIR] [--completions N] [--rounds N] [--dtype bfloat16]
```

The README.md of this folder explains the rows.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import faithful_se
from benchmarks.attribution_inputs import SHAPES, model_of
from lm_eval_tasks.calls import Answer, Call, as_chat
from training.grpo.judge import Judge

LIMIT, BATCH, GROUP = 1.3, 16, 8
DATASETS = ("sentiment140", "snli", "agnews")


def completions_of(data: str, count: int) -> dict[str, list[Any]]:
    """Groups of explanations of one text, as a policy writes them: drawn words of it, and one without a format."""
    draw, columns = random.Random(0), {"text": [], "dataset": [], "completions": []}
    groups = count // GROUP
    for number in range(groups):
        dataset = DATASETS[number % len(DATASETS)]
        documents = faithful_se.read_documents(dataset, data, "train", limit=200)
        document = draw.choice([each for each in documents if 3 < len(each.words) < 60])
        words = [draw.choice(document.words).text for _ in range(GROUP - 1)]
        columns["text"] += [document] * GROUP
        columns["dataset"] += [dataset] * GROUP
        columns["completions"] += [*words, "I cannot say."]
    return columns


class Recorder:
    """A judge that keeps the distinct questions it was asked."""

    def __init__(self, judge: Judge) -> None:
        self.judge, self.asked = judge, list[Call]()

    def __call__(self, calls: Sequence[Call]) -> list[Answer]:
        """Answer calls."""
        self.asked += calls
        return self.judge(calls)


def raw(model: Any, tokenizer: Any, calls: Sequence[Any]) -> list[str]:
    """The label of each question by its first token: one padded forward pass a batch, sorted by length."""
    prompts = [
        tokenizer.apply_chat_template(as_chat(call.messages), add_generation_prompt=True, tokenize=False)
        for call in calls
    ]
    rows = tokenizer(prompts, add_special_tokens=False)["input_ids"]
    firsts = {
        label: tokenizer(label, add_special_tokens=False)["input_ids"][0]
        for label in dict.fromkeys(label for call in calls for label in call.labels)
    }
    order, labels = sorted(range(len(rows)), key=lambda index: len(rows[index])), [""] * len(rows)
    for start in range(0, len(order), BATCH):
        batch = order[start : start + BATCH]
        width = max(len(rows[index]) for index in batch)
        ids = torch.tensor([[0] * (width - len(rows[index])) + rows[index] for index in batch])
        mask = torch.tensor([[0] * (width - len(rows[index])) + [1] * len(rows[index]) for index in batch])
        with torch.no_grad():
            logits = model(input_ids=ids, attention_mask=mask, logits_to_keep=1).logits[:, -1]
        for index, row in zip(batch, logits, strict=True):
            labels[index] = calls[index].labels[int(row[[firsts[label] for label in calls[index].labels]].argmax())]
    return labels


def seconds(call: Callable[[], object]) -> float:
    """CPU seconds of a call."""
    started = time.process_time()
    call()
    return time.process_time() - started


def main() -> None:
    """Measure, by turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--size", choices=SHAPES, help="a random model of this size, with the tokenizer of --model")
    parser.add_argument("--data", default="mini")
    parser.add_argument("--completions", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--dtype", default="float32")
    arguments = parser.parse_args()

    from training.models.loading import load_model

    model, tokenizer = load_model(str(arguments.model), dtype=arguments.dtype, device="cpu")
    if arguments.size:
        model = model_of(arguments.size)
    columns = completions_of(arguments.data, arguments.completions)
    recorder = Recorder(Judge(model, tokenizer))
    from training.grpo import reward as core

    reward = faithful_se.faithfulness_reward(model, tokenizer, classifier="loglikelihood")
    completions = columns.pop("completions")
    rewards = reward(None, completions, **columns)
    from faithful_se.reward import _written

    core.score_explanations(_written("reward", {"classifier": "loglikelihood"}, completions, columns), recorder)
    asked = list(recorder.asked)
    ours = {call: answer.label for call, answer in zip(asked, recorder.judge(asked), strict=True)}
    same = sum(ours[call] == label for call, label in zip(asked, raw(model, tokenizer, asked), strict=True))
    print(
        f"{len(completions)} completions, {len(asked)} distinct questions, {same} labels equal; rewards {rewards[:8]}"
    )
    times: dict[str, list[float]] = {"raw": [], "reward": []}
    for _ in range(arguments.rounds):
        times["raw"].append(seconds(lambda: raw(model, tokenizer, asked)))
        times["reward"].append(seconds(lambda: reward(None, completions, **columns)))
    for name, values in times.items():
        print(f"{name}: {median(values):.3f} s ({min(values):.3f} to {max(values):.3f})")
    ratio = median(times["reward"]) / median(times["raw"])
    print(f"reward / raw: {ratio:.2f} (limit {LIMIT})")


if __name__ == "__main__":
    main()

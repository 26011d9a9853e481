"""The cost of the nine one-word tasks in one run, against nine runs, a loop written by hand and lm-eval's own passes.

```
python benchmarks/evaluation.py [--limit N] [--model DIR] [--data DIR] [--dtype TYPE] [--rounds N] [--only KIND]
python benchmarks/evaluation.py --device cuda --only seconds    # the speed on a GPU
```

The README.md of this folder explains the rows.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import torch
from lm_eval.models.huggingface import HFLM

# The tiny model and the tiny data belong to the tests, which are not installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.evaluation_generated import generated_rows
from benchmarks.evaluation_ranked import end_to_end, ranked_rows
from benchmarks.evaluation_rows import NINE, Row, evaluate, quiet, report
from lm_eval_tasks.operators import OPERATORS
from lm_eval_tasks.rule_models import RuleLM
from tests.tiny_data import texts_of, write_data
from tests.tiny_model import write_tiny_chat_model

CALLS_LIMIT = 0.70
TIME_LIMIT = 1.15
BATCH_SIZE = 16


class RequestRecorder:
    """Records the requests that reach a model, one batch a call.

    Args:
        lm: its `generate_until` and `loglikelihood` are wrapped.
    """

    def __init__(self, lm: Any) -> None:
        self.batches: list[tuple[str, list[Any]]] = []
        for kind in ("generate_until", "loglikelihood"):
            setattr(lm, kind, self._recording(kind, getattr(lm, kind)))

    def _recording(self, kind: str, respond: Callable[..., Any]) -> Callable[..., Any]:
        def recorded(requests: list[Any], **kwargs: Any) -> Any:
            self.batches.append((kind, list(requests)))
            return respond(requests, **kwargs)

        return recorded

    def pop_requests(self) -> list[str]:
        """The requests since the last call of this method, as texts: equal requests have equal texts."""
        requests = [json.dumps([kind, *request.args]) for kind, batch in self.batches for request in batch]
        self.batches.clear()
        return requests


class ScriptedHF(HFLM):
    """Generates like any model, and answers what the honest rule answers.

    The labels of a random model cannot be read, so each document would end after its first call. Here the generation
    runs at its full cost, and its text is thrown away.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rule, self.answers = RuleLM("honest"), dict[str, str]()
        self.messages: dict[str, list[dict[str, str]]] = {}

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        prompt = super().apply_chat_template(chat_history, add_generation_prompt)
        self.messages[prompt] = chat_history
        return prompt

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        super().generate_until(requests, disable_tqdm=disable_tqdm)
        for request in requests:
            if request.args[0] not in self.answers:  # in the first run only, which is not timed
                stand_in = type(request)("generate_until", {}, (json.dumps(self.messages[request.args[0]]), {}), 0)
                self.answers[request.args[0]] = self.rule.generate_until([stand_in])[0]
        return [self.answers[request.args[0]] for request in requests]


def by_hand(lm: HFLM, batches: Sequence[tuple[str, list[Any]]]) -> list[str]:
    """The loop that one would write without lm-eval: round by round, tokenize, sort by length, generate, decode."""
    answers = []
    for _, requests in batches:
        by_length: dict[int, list[list[int]]] = {}
        for request in requests:
            tokens = lm.tokenizer(request.args[0], add_special_tokens=False).input_ids
            by_length.setdefault(request.args[1]["max_gen_toks"], []).append(tokens)
        for new_tokens, rows in by_length.items():
            rows.sort(key=len, reverse=True)
            for start in range(0, len(rows), BATCH_SIZE):
                batch = lm.tokenizer.pad(
                    {"input_ids": rows[start : start + BATCH_SIZE]}, padding_side="left", return_tensors="pt"
                ).to(lm.device)
                with torch.no_grad():
                    out = lm.model.generate(**batch, max_new_tokens=new_tokens, do_sample=False, use_cache=True)
                answers += lm.tokenizer.batch_decode(out[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    return answers


def calls(name: str, lm: Any, data: str, limit: int, **options: str) -> Row:
    """Calls of nine separate runs and of one run. One run makes at least each different call once."""
    recorder = RequestRecorder(lm)
    separate: list[str] = []
    for task in NINE:
        evaluate(lm, [task], data, limit, **options)
        separate += recorder.pop_requests()
    evaluate(lm, NINE, data, limit, **options)
    return Row(name, len(separate), len(recorder.pop_requests()), CALLS_LIMIT, least=len(set(separate)))


def operator_calls(limit: int) -> Iterator[Row]:
    """Calls of one run with every operator, against a run of each. Labels are ranked: what is generated explains."""
    lm = RuleLM("honest")
    recorder, counts = RequestRecorder(lm), dict[str, tuple[int, int]]()
    for operator in (*OPERATORS, "+".join(OPERATORS)):
        evaluate(lm, NINE, "mini", limit, classifier="loglikelihood", operator=operator)
        explanations = sum(len(batch) for kind, batch in recorder.batches if kind == "generate_until")
        counts[operator] = len(recorder.pop_requests()), explanations
    separate, together = [counts[operator] for operator in OPERATORS], counts["+".join(OPERATORS)]
    yield Row("calls, every operator: a run of each", sum(calls for calls, _ in separate), together[0], None)
    yield Row("explanations, every operator: a run of one", separate[0][1], together[1], 1.0)


def speed(model: str, data: str, limit: int, rounds: int, device: str = "cpu") -> Iterator[Row]:
    """Seconds of our run, of the loop written by hand and of lm-eval's backend alone: medians of interleaved rounds."""
    lm = ScriptedHF(pretrained=model, batch_size=BATCH_SIZE, device=device)
    recorder = RequestRecorder(lm)
    evaluate(lm, NINE, data, limit)
    batches = list(recorder.batches)
    work = {
        "ours": lambda: evaluate(lm, NINE, data, limit),
        "hand": lambda: by_hand(lm, batches),
        "hflm": lambda: [HFLM.generate_until(lm, requests) for _, requests in batches],
    }
    work["hand"]()
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, run in work.items():
            wall, cpu = time.perf_counter(), time.process_time()
            run()
            seconds[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    for clock, unit in enumerate(("wall", "CPU")):
        median = {name: statistics.median(pair[clock] for pair in pairs) for name, pairs in seconds.items()}
        yield Row(f"seconds, {unit}: loop by hand", median["hand"], median["ours"], TIME_LIMIT)
        yield Row(f"seconds, {unit}: lm-eval's HFLM alone", median["hflm"], median["ours"], None)


def measure(model: str, data: str, args: argparse.Namespace) -> Iterator[Row]:
    """All rows of the report."""
    limit, rounds = args.limit, args.rounds
    if args.only in (None, "operators"):
        yield from operator_calls(limit)
    if not args.only:  # no device changes a count
        for strategy, classifier in product(("honest", "random"), ("generate", "loglikelihood")):
            name = f"calls, rules ({strategy}), {classifier}: nine runs"
            yield calls(name, RuleLM(strategy), data, limit, classifier=classifier)
        lm = ScriptedHF(pretrained=model, batch_size=BATCH_SIZE, device="cpu")
        yield calls("calls, HF model, generate: nine runs", lm, data, min(limit, 10))
    if args.only in (None, "seconds"):
        yield from speed(model, data, min(limit, 20), rounds, args.device)
    if args.only in (None, "generated", "ranked"):
        local = HFLM(pretrained=model, batch_size=BATCH_SIZE, device=args.device, dtype=args.dtype)
    if args.only in (None, "generated"):
        yield from generated_rows(local, data, min(limit, 24), rounds)
    if args.only in (None, "ranked"):
        yield from ranked_rows(local, data, min(limit, 24), rounds)
        yield end_to_end(local, data, min(limit, 4), rounds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--limit", type=int, default=100, help="documents per task (at most 20 where seconds are measured)"
    )
    parser.add_argument("--model", help="folder of a chat model (default: a random one of about 5M parameters)")
    parser.add_argument("--data", help="folder with <dataset>/test.jsonl (default: made-up sentences)")
    parser.add_argument("--dtype", default="auto", help="number type of the model in our own forward pass")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu", help="where seconds are measured")
    parser.add_argument("--only", choices=["operators", "seconds", "ranked", "generated"], help="one kind of rows")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, quiet():
        data = args.data or str(write_data(Path(scratch) / "data", args.limit))
        model = args.model or str(
            write_tiny_chat_model(Path(scratch) / "model", texts_of(Path(data)), hidden=256, layers=6, context=2048)
        )
        return 0 if report(measure(model, data, args)) else 1


if __name__ == "__main__":
    raise SystemExit(main())

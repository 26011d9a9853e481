"""The cost of the nine one-word tasks in one run, against nine runs and against a loop written by hand.

```
python benchmarks/evaluation.py [--limit N] [--model DIR] [--data DIR] [--rounds N]
python benchmarks/evaluation.py --device cuda --only seconds    # the speed on a GPU
```

The README.md of this folder explains the rows.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, product
from pathlib import Path
from typing import Any, NamedTuple

import torch
from lm_eval import simple_evaluate
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from tqdm import tqdm

# The tiny model and the tiny data belong to the tests, which are not installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lm_eval_tasks import DATASETS
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.styles import STYLES
from tests.tiny_data import texts_of, write_data
from tests.tiny_model import write_tiny_chat_model

DATASETS_AND_STYLES = product(("sentiment140", "snli", "agnews"), STYLES)
NINE = [f"faithful_se_{dataset}_{style}_oneword" for dataset, style in DATASETS_AND_STYLES]
CALLS_LIMIT = 0.70
TIME_LIMIT = 1.15
# Short explanations: the less time generation takes, the more everything else weighs.
EXPLANATION_TOKENS = 16
BATCH_SIZE = 16


class Row(NamedTuple):
    """A line of the report."""

    name: str  # what is counted or timed
    peer: float  # calls or seconds of the peer
    ours: float  # the same of our run
    limit: float | None  # the largest ours / peer; None for no limit
    least: float | None = None  # the smallest `ours` that any run could reach; None where it is not known


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


def evaluate(lm: Any, tasks: Sequence[str], data: str, limit: int, **options: str) -> None:
    """Run lm-eval as a user does, from the loading of the tasks to the results."""
    manager = TaskManager(include_defaults=False, include_path=str(DATASETS), metadata={"data": data, **options})
    simple_evaluate(
        lm, tasks=list(tasks), task_manager=manager, apply_chat_template=True, limit=limit,
        gen_kwargs={"max_gen_toks": EXPLANATION_TOKENS},
    )  # fmt: skip


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


@contextmanager
def quiet() -> Iterator[None]:
    """Hide progress bars and log lines below errors."""
    logging.disable(logging.WARNING)
    original, tqdm.__init__ = tqdm.__init__, lambda self, *a, **k: original(self, *a, **{**k, "disable": True})
    try:
        yield
    finally:
        tqdm.__init__ = original
        logging.disable(logging.NOTSET)


def verdict(row: Row) -> tuple[bool, str]:
    """Whether a row is as good as it can be, and a remark to print beside it.

    Where the least is known, only the least passes, also where it is above the limit; the remark then says so.
    """
    if row.least is not None and row.ours != row.least:
        return False, "missed: not the least"
    if row.limit is None or row.ours <= row.limit * row.peer:
        return True, ""
    if row.least is not None and row.least > row.limit * row.peer:
        return True, f"above {row.limit:.2f}; no run can make fewer calls"
    return False, "missed"


def report(rows: Iterator[Row]) -> bool:
    """Print rows as they come; returns whether all are as good as they can be."""
    print(f"{'row':<52}{'peer':>8}{'ours':>8}{'least':>8}{'limit':>7}{'ratio':>7}", flush=True)
    all_pass = True
    for row in rows:
        passes, remark = verdict(row)
        all_pass &= passes
        number, ratio = "d" if isinstance(row.peer, int) else ".2f", row.ours / row.peer
        least = "-" if row.least is None else f"{row.least:{number}}"
        limit = "-" if row.limit is None else f"{row.limit:.2f}"
        line = f"{row.name:<52}{row.peer:>8{number}}{row.ours:>8{number}}{least:>8}{limit:>7}{ratio:>7.3f}"
        print(f"{line}  {remark}".rstrip(), flush=True)
    return all_pass


def measure(model: str, data: str, limit: int) -> Iterator[Row]:
    """The rows of the report that count calls."""
    for strategy in ("honest", "random"):
        for classifier in ("generate", "loglikelihood"):
            name = f"calls, rules ({strategy}), {classifier}: nine runs"
            yield calls(name, RuleLM(strategy), data, limit, classifier=classifier)
    lm = ScriptedHF(pretrained=model, batch_size=BATCH_SIZE, device="cpu")
    yield calls("calls, HF model, generate: nine runs", lm, data, min(limit, 10))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--limit", type=int, default=100, help="documents per task (at most 20 where seconds are measured)"
    )
    parser.add_argument("--model", help="folder of a chat model (default: a random one of about 5M parameters)")
    parser.add_argument("--data", help="folder with <dataset>/test.jsonl (default: made-up sentences)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu", help="where seconds are measured")
    parser.add_argument("--only", choices=["seconds"], help="leave out the calls, which no device changes")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, quiet():
        data = args.data or str(write_data(Path(scratch) / "data", args.limit))
        model = args.model or str(
            write_tiny_chat_model(Path(scratch) / "model", texts_of(Path(data)), hidden=256, layers=6, context=2048)
        )
        seconds = speed(model, data, min(args.limit, 20), args.rounds, args.device)
        calls_too = measure(model, data, args.limit) if not args.only else iter(())
        return 0 if report(chain(calls_too, seconds)) else 1


if __name__ == "__main__":
    raise SystemExit(main())

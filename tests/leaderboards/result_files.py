"""Writes result files as lm-eval does, with outcomes that a test chooses."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

LABELS = ("negative", "positive")
DATE = "2026-01-02T03-04-05.000006"
TASK = ("snli", "attribution", "oneword")


def name_of(task: tuple[str, str, str]) -> str:
    return "faithful_se_" + "_".join(task)


def other(label: str | None) -> str:
    """The other label: a flip."""
    return LABELS[1 - LABELS.index(label)] if label in LABELS else LABELS[0]


def random_variants(share: float, prediction: str | None) -> list[dict[str, Any]]:
    """As few classifications of random variants as have this share of flips."""
    flips, n = Fraction(share).limit_denominator(100).as_integer_ratio()
    labels = [other(prediction)] * flips + [prediction] * (n - flips) if flips else []
    return [{"positions": [0], "fields": {}, "answer": "", "label": label, "logprobs": None} for label in labels]


def row(
    number: int,
    faithful: float | None,
    task: tuple[str, str, str] = TASK,
    random: float = 0.0,
    oracle: float = 1.0,
    valid: float = 1.0,
    acc: float = 1.0,
    word: str = "oslo",
    text: str | None = None,
    prediction: str | None = "positive",
    after: str | None = "auto",
    transcript: Mapping[str, Any] | None = None,
    **extra: Any,
) -> dict[str, Any]:
    """A line of a samples file."""
    text = f"oslo was nice {number}" if text is None else text
    gold = prediction if acc else other(prediction)
    if after == "auto":
        after = other(prediction) if faithful else prediction
    prompt = [{"role": "user", "content": f"negative or positive? {text}"}]
    target = next(label for label in LABELS if label != prediction) if task[1] == "counterfactual" else ""
    transcript_json = {
        "dataset": task[0],
        "style": task[1],
        "budget": task[2],
        "options": {},
        "hash": hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16],
        "fields": {"text": text},
        "gold": gold,
        "prediction": {"messages": prompt, "answer": prediction or "??", "label": prediction, "logprobs": None},
        "explanation": {
            "messages": [
                *prompt,
                {"role": "assistant", "content": prediction or "??"},
                {"role": "user", "content": "why?"},
            ],
            "answer": word,
            "target": target,
            "valid": bool(valid),
            "reason": "" if valid else "not a word of the text",
            "words": [word] if valid else [],
            "positions": [0] if valid else [],
            "edited": None,
            "edits": [],
        },
        "perturbed": {
            "fields": {"text": text.replace(word, "[REDACTED]")},
            "messages": prompt,
            "answer": "",
            "label": after,
        }
        if valid
        else None,
        "random": random_variants(random, prediction),
        "oracle": {
            "singles": [{"positions": [0], "answer": "", "label": after, "logprobs": None}],
            "greedy": [{"positions": [0], "answer": "", "label": other(prediction), "logprobs": None}]
            if oracle
            else [],
        },
        "stability": [],
        "problem": "",
        **(transcript or {}),
    }
    values = {
        "faithful": faithful,
        "valid": valid,
        "acc": acc,
        "faithful_random": random,
        "lift": None if faithful is None else faithful - random,
        "faithful_oracle": oracle,
        "ccf": [faithful, random, oracle],
        **extra,
    }
    return {
        "doc_id": number,
        "doc": {"text": text},
        "target": gold,
        "arguments": {"gen_args_0": {"arg_0": ""}},
        "resps": [[json.dumps(transcript_json)]],
        "filtered_resps": [json.dumps(transcript_json)],
        "filter": "none",
        "metrics": [*values, "ccf_stderr"],
        "doc_hash": hashlib.sha256(f"{task[0]} {text}".encode("utf-8", "surrogatepass")).hexdigest(),
        **values,
        "ccf_stderr": values["ccf"],
    }


def write_run(
    folder: Path,
    tasks: Mapping[tuple[str, str, str], Sequence[dict[str, Any]]],
    model: str = "models/base",
    peft: str = "",
    date: str = DATE,
    limit: int | None = None,
    samples: bool = True,
    effective: int | None = None,
    version: float = 1.0,
    options: Mapping[str, Any] | None = None,
    content: Mapping[str, Any] | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> Path:
    """Write a results file and its samples; returns the results file."""
    folder.mkdir(parents=True, exist_ok=True)
    named = {name_of(task): (task, rows) for task, rows in tasks.items()}
    configs, results = {}, {}
    for name, (task, rows) in named.items():
        recorded = {
            "dataset": task[0],
            "style": task[1],
            "budget": task[2],
            "labels": list(LABELS),
            "titles": ["Text"],
            "data": "hub",
            "classifier": "generate",
            "context": "same",
            "mask": "[REDACTED]",
            "unknown": False,
            "controls": ["random"],
            "operator": "mask",
            "draws": 2,
            "data_fingerprint": "f00d",
        }
        configs[name] = {"task": name, "metadata": {"version": version, "faithful_se": {**recorded, **(options or {})}}}
        results[name] = {"name": name, "alias": name, "sample_len": len(rows)}
        for metric in ("faithful", "valid", "acc", "faithful_random", "lift", "faithful_oracle"):
            values = [r[metric] for r in rows if isinstance(r.get(metric), float)]
            results[name][f"{metric},none"] = sum(values) / len(values) if values else "N/A"
            results[name][f"{metric}_stderr,none"] = "N/A"
        if samples:
            path = folder / f"samples_{name}_{date}.jsonl"
            path.write_text("".join(json.dumps(r) + "\n" for r in rows), "utf-8")
    count = {name: effective if effective is not None else len(rows) for name, (_, rows) in named.items()}
    original = 10_000 if limit else None
    results_file = {
        "results": results,
        "configs": configs,
        "versions": dict.fromkeys(named, version),
        "n-samples": {name: {"original": original or n, "effective": n} for name, n in count.items()},
        "config": {
            "model": "hf",
            "model_args": {"pretrained": model, **({"peft": peft} if peft else {}), **(arguments or {})},
            "limit": limit,
        },
        "model_name": peft or model,
        "model_name_sanitized": (peft or model).replace("/", "__"),
        "chat_template": "{{ messages }}",
        **(content or {}),
    }
    path = folder / f"results_{date}.json"
    path.write_text(json.dumps(results_file), "utf-8")
    return path


def rows_of(
    outcomes: Sequence[float | None], task: tuple[str, str, str] = TASK, **columns: Any
) -> list[dict[str, Any]]:
    """One line per outcome. A list as a value has one item per line."""
    return [
        row(
            i,
            outcome,
            task,
            **{name: value[i] if isinstance(value, list) else value for name, value in columns.items()},
        )
        for i, outcome in enumerate(outcomes)
    ]


def train_info(folder: Path, **fields: Any) -> None:
    """A train_info.json as `faithful-se sft` writes it."""
    folder.mkdir(parents=True, exist_ok=True)
    info = {
        "base": "models/base",
        "train_datasets": ["snli"],
        "train_styles": ["attribution"],
        "budget": ["oneword"],
        "arm": ["word"],
        "filtered": [True],
        "method": ["ig"],
        "steps": 690,
    }
    (folder / "train_info.json").write_text(json.dumps({**info, **fields}), "utf-8")

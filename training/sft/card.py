"""The model card, and what a leaderboard wants to know about a training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from faithful_se.files import write_atomic

INFO, CARD = "train_info.json", "README.md"

TEXT = """\
---
{front}---
# {name}

`{base}`, trained with TRL's `SFTTrainer` to explain {whose} classifications by the words that they hang on.

| | |
|---|---|
| rows | {rows} ({tokens} tokens with a loss) |
| rows built with | {builder} |
| arm | {arm} |
| styles | {styles} |
| datasets | {datasets} |
| words found by | {method} |
| specific counterfactuals | {specific} |
| training | {how}, learning rate {learning_rate}, {epochs} epochs, {steps} steps of {batch} rows, seed {seed} |
| loss, mean over the steps{since} | {loss} |
| code | faithful-se {package}, commit {commit} |

Whether it explains itself more truly than its base is a question for the evaluation, on texts it was not trained on:

```
lm_eval run --model hf --model_args {arguments} --tasks 'faithful_se_*' --apply_chat_template --log_samples \\
    --output_path results
```

A higher score says that acting on the named word changes this model's answer more often. It does not say that the word
is what a person would name, nor that the model knows why it answers. Compare with the control arms (random word,
answers only), and look at `acc`: a model whose answers have changed was changed in more than its explanations.
"""


def train_info(
    settings: dict[str, Any],
    told: dict[str, Any],
    trainer: Any,
    loss: tuple[float | None, int],
    tokens: int,
    whose: dict[str, Any],
    commit: str,
    versions: dict[str, str],
) -> dict[str, Any]:
    """What tells a checkpoint from others: base, data, arm, training, code.

    Args:
        settings: of the run.
        told: the sources of the rows.
        trainer: after training.
        loss: mean over the steps of this call, None where it made none; and the step that it went on from.
        tokens: tokens with a loss, in all rows.
        whose: what `whose_rows` found.
        commit, versions: of the code.
    """
    builds = [source["build"] for source in told["sources"] if source["build"]]
    options = [build["options"] for build in builds]
    training, model = settings["training"], settings["model"]

    def each(values: Any) -> list[Any]:
        return sorted(set(values))

    return {
        "base": model["model_name_or_path"],
        **whose,
        "train_datasets": each(name for build in builds for name in build["datasets"]),
        "train_styles": each(style for option in options if option["arm"] != "answers" for style in option["styles"]),
        "budget": each(option["budget"] for option in options),
        "arm": each(option["arm"] for option in options),
        "filtered": each(option["filtered"] for option in options),
        "specific": each(option.get("specific", False) for option in options),  # rows of before have no such option
        "replay": each(option["replay"] for option in options),
        "method": each(build["attributions"]["method"] for build in builds),
        "data": [{key: source[key] for key in ("path", "rows", "sha256")} for source in told["sources"]],
        "rows": sum(source["rows"] for source in told["sources"]),
        "supervised_tokens": tokens,
        "how": f"LoRA r{model['lora_r']} alpha {model['lora_alpha']}" if model["use_peft"] else "full fine-tuning",
        "learning_rate": training["learning_rate"],
        "epochs": round(float(trainer.state.epoch or 0), 2),  # what was done: --max_steps ends earlier, or later
        "steps": int(trainer.state.global_step),
        "batch": int(
            trainer.args.train_batch_size * trainer.args.gradient_accumulation_steps * trainer.args.world_size
        ),
        "seed": training["seed"],
        "loss": loss[0],
        "loss_since": loss[1],
        "commit": commit,
        "versions": versions,
    }


def write_card(out: Path, info: dict[str, Any]) -> None:
    """Write `README.md` and `train_info.json`."""
    adapter = (out / "adapter_config.json").is_file()
    front = {
        "base_model": info["base"],
        "library_name": "peft" if adapter else "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["faithful-se", "self-explanation", "trl", "sft"],
    }

    def listed(name: str) -> str:
        return ", ".join(map(str, info[name])) or "not told"

    rows = ", ".join(info.get("rows_fingerprint", ()))
    whose, builder = "", f"a model of the fingerprint `{rows}`, not compared with this one" if rows else "not told"
    if info.get("own_rows") is not None:
        mine = f"`{info['base_fingerprint']}`"
        whose = "its own" if info["own_rows"] else "another model's"
        builder = f"this model ({mine})" if info["own_rows"] else f"another model (`{rows}`; this one is {mine})"
    text = TEXT.format(
        whose=whose or "the",
        builder=builder,
        front=yaml.safe_dump(front, sort_keys=False),
        name=out.name,
        styles=listed("train_styles"),
        datasets=listed("train_datasets"),
        arm=listed("arm"),
        method=listed("method"),
        specific=" and ".join({True: "yes", False: "no"}[value] for value in info["specific"]) or "not told",
        tokens=info["supervised_tokens"],
        package=info["versions"]["faithful-se"],
        commit=info["commit"] or "unknown",
        since=f" after {info['loss_since']}" if info.get("loss_since") else "",
        arguments=f"pretrained={info['base']},peft={out}" if adapter else f"pretrained={out}",
        loss=f"{info['loss']:.4f}" if info["loss"] is not None else "unknown",
        **{name: info[name] for name in ("base", "rows", "how", "learning_rate", "epochs", "steps", "batch", "seed")},
    )
    write_atomic(out / CARD, [text])
    write_atomic(out / INFO, [json.dumps(info, indent=1)])

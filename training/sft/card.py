"""The model card and `train_info.json` of a training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faithful_se.files import write_atomic, write_json_object
from faithful_se.train_info import CARD, CARD_BLOCK, TRAIN_INFO, TrainInfo
from training.models.adapters import is_adapter
from training.runs.versions import git_commit, package_versions
from training.sft.folder import TrainingSettings
from training.sft.provenance import Provenance
from training.sft.rows import RowSource

if TYPE_CHECKING:
    from trl import SFTTrainer

NOT_RECORDED = "not recorded"

TEMPLATE = """\
---
{{ card_data }}
---
# {{ name }}

`{{ info.base }}`, trained with TRL's `SFTTrainer` to explain {{ owner }} classifications by the words they depend on.

| | |
|---|---|
| rows | {{ info.rows }} ({{ info.supervised_tokens }} tokens with a loss) |
| rows built with | {{ builder }} |
| arm | {{ info.arm | join(", ") or not_recorded }} |
| styles | {{ info.train_styles | join(", ") or not_recorded }} |
| datasets | {{ info.train_datasets | join(", ") or not_recorded }} |
| words found by | {{ info.method | join(", ") or not_recorded }} |
| specific counterfactuals | {{ specific or not_recorded }} |
| training | {{ info.how }}, learning rate {{ info.learning_rate }}, {{ info.epochs }} epochs, {{ info.steps }} steps \
of {{ info.batch }} rows, seed {{ info.seed }} |
| loss, mean over the steps{% if info.loss_since %} after {{ info.loss_since }}{% endif %} | \
{{ "unknown" if info.loss is none else "%.4f" % info.loss }} |
| code | faithful-se {{ info.versions["faithful-se"] }}, commit {{ info.commit or "unknown" }} |

Does this model explain itself more truly than its base? The evaluation answers that, on texts it was not trained on:

```
lm_eval run --model hf --model_args {{ arguments }} --tasks 'faithful_se_*' --apply_chat_template --log_samples \\
    --output_path results
```

A higher score says that acting on the named word changes this model's answer more often. It does not say that a person
would name that word, nor that the model knows why it answers. Compare with the control arms (random word, answers
only), and look at `acc`: a model whose answers have changed was changed in more than its explanations.
"""


def make_train_info(
    trainer: SFTTrainer,
    settings: TrainingSettings,
    sources: Sequence[RowSource],
    provenance: Provenance,
    tokens: int,
    loss: tuple[float | None, int],
) -> TrainInfo:
    """Collect what tells a checkpoint from others: base, data, arm, training, code.

    Args:
        trainer: after the training.
        settings: of the training.
        sources: of its rows.
        provenance: which model the rows were built with.
        tokens: number of tokens with a loss, in all rows.
        loss: mean over the steps of this call, and the step at which it resumed.
    """
    builds = [source.build for source in sources if source.build]
    options = [build["options"] for build in builds]
    state, args = trainer.state, trainer.args
    training, model = settings["training"], settings["model"]
    how = f"LoRA r{model['lora_r']} alpha {model['lora_alpha']}" if model["use_peft"] else "full fine-tuning"
    return {
        "base": model["model_name_or_path"],
        **provenance,
        "train_datasets": _distinct(name for build in builds for name in build["datasets"]),
        "train_styles": _distinct(
            style for option in options if option["arm"] != "answers" for style in option["styles"]
        ),
        "budget": _distinct(option["budget"] for option in options),
        "arm": _distinct(option["arm"] for option in options),
        "filtered": _distinct(option["filtered"] for option in options),
        "specific": _distinct(option.get("specific", False) for option in options),  # older builds have no such option
        "replay": _distinct(option["replay"] for option in options),
        "method": _distinct(build["attributions"]["method"] for build in builds),
        "data": [source.file for source in sources],
        "rows": sum(source.file["rows"] for source in sources),
        "supervised_tokens": tokens,
        "how": how,
        "learning_rate": training["learning_rate"],
        "epochs": round(float(state.epoch or 0), 2),  # --max_steps may end a training earlier, or later
        "steps": int(state.global_step),
        "batch": int(args.train_batch_size * args.gradient_accumulation_steps * args.world_size),
        "seed": training["seed"],
        "loss": loss[0],
        "loss_since": loss[1],
        "commit": git_commit(),
        "versions": package_versions("faithful-se", "torch", "transformers", "trl", "peft", "accelerate"),
    }


def _distinct(values: Iterable[Any]) -> list[Any]:
    return sorted(set(values))


def write_card(out: Path, info: TrainInfo) -> None:
    """Write `README.md`, with the training in its front matter, and `train_info.json`."""
    from huggingface_hub import ModelCard, ModelCardData

    adapter = is_adapter(str(out))
    front_matter = ModelCardData(
        base_model=info["base"],
        library_name="peft" if adapter else "transformers",
        pipeline_tag="text-generation",
        tags=["faithful-se", "self-explanation", "trl", "sft"],
    )
    front_matter[CARD_BLOCK] = dict(info)
    owner, builder = _origin_of_rows(info)
    card = ModelCard.from_template(
        front_matter,
        template_str=TEMPLATE,
        name=out.name,
        info=info,
        owner=owner,
        builder=builder,
        specific=" and ".join("yes" if value else "no" for value in info["specific"]),
        arguments=f"pretrained={info['base']},peft={out}" if adapter else f"pretrained={out}",
        not_recorded=NOT_RECORDED,
    )
    write_atomic(out / CARD, [str(card)])
    write_json_object(out / TRAIN_INFO, info)


def _origin_of_rows(info: TrainInfo) -> tuple[str, str]:
    """Whose classifications the rows explain, and the model they were built with, in words."""
    rows, base = ", ".join(info.get("rows_fingerprint", ())), info.get("base_fingerprint")
    if info.get("own_rows") is True:
        return "its own", f"this model (`{base}`)"
    if info.get("own_rows") is False:
        return "another model's", f"another model (`{rows}`; this one is `{base}`)"
    return "the", f"a model of the fingerprint `{rows}`, not compared with this one" if rows else NOT_RECORDED

"""The model card and `train_info.json` of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faithful_se.files import write_atomic, write_json_object
from faithful_se.train_info import CARD, CARD_BLOCK, TRAIN_INFO, TrainInfo
from training.models.adapters import is_adapter
from training.runs.versions import git_commit, package_versions
from training.trainer.log import PICTURE, log_table, read_log
from training.trainer.provenance import Provenance
from training.trainer.rows import RowSource

if TYPE_CHECKING:
    from transformers import Trainer

TEMPLATE = Path(__file__).with_name("card.md.jinja")

# Supervised training is what a `train_info.json` without `trainer` is of.
SFT = "sft"
# The arm of rows that are no control.
WORD = "word"


def make_train_info(
    trainer: Trainer,
    settings: Mapping[str, Any],
    sources: Sequence[RowSource],
    provenance: Provenance,
    tokens: int,
    loss: float | None,
    thoughts: tuple[Mapping[str, Any], bool] = ({}, False),
    method: str = SFT,
    method_options: Mapping[str, Any] | None = None,
) -> TrainInfo:
    """Collect what tells a checkpoint from others: base, data, arm, training, code.

    Args:
        trainer: after the training.
        settings, sources, provenance: of the training and its rows; and the `dtype` of the base's weights.
        tokens: number of tokens with a loss, in all rows.
        loss: mean over the steps; None where it is not known.
        thoughts: further arguments of the chat template, and whether it wrote empty thoughts that were learnt.
        method: ``sft``, ``dpo`` or ``grpo``. The last two are arms of their own where the words are the best ones.
        method_options: what the method learns by, by name; shown in the card.
    """
    builds = [source.build for source in sources if source.build]
    options = [build["options"] for build in builds]
    state, args = trainer.state, trainer.args
    training, model = settings["training"], settings["model"]
    info: TrainInfo = {
        "base": model["model_name_or_path"],
        "base_fingerprint": provenance["base_fingerprint"],
        "rows_fingerprint": provenance["rows_fingerprint"],
        "own_rows": provenance["own_rows"],
        "train_datasets": sorted({name for build in builds for name in build["datasets"]}),
        "train_styles": sorted({name for option in options if option["arm"] != "answers" for name in option["styles"]}),
        "budget": sorted({option["budget"] for option in options}),
        "arm": sorted({option["arm"] for option in options}),
        "filtered": sorted({option["filtered"] for option in options}),
        "specific": sorted({option.get("specific", False) for option in options}),  # older builds have no such option
        "replay": sorted({option["replay"] for option in options}),
        # Older builds explain generated answers, without examples.
        "classifier": sorted({option.get("classifier", "generate") for option in options}),
        "num_fewshot": sorted({build["attributions"].get("options", {}).get("num_fewshot", 0) for build in builds}),
        "method": sorted({build["attributions"]["method"] for build in builds}),
        "data": [source.file for source in sources],
        "rows": sum(source.file["rows"] for source in sources),
        "supervised_tokens": tokens,
        "chat_template_args": dict(thoughts[0]),
        "empty_thoughts": thoughts[1],
        "how": f"LoRA r{model['lora_r']} alpha {model['lora_alpha']}" if model["use_peft"] else "full fine-tuning",
        "dtype": settings.get("dtype", ""),
        "learning_rate": training["learning_rate"],
        "epochs": round(float(state.epoch or 0), 2),  # --max_steps may end a training earlier, or later
        "steps": int(state.global_step),
        "batch": int(args.train_batch_size * args.gradient_accumulation_steps * args.world_size),
        "seed": training["seed"],
        "loss": loss,
        "commit": git_commit(),
        "versions": package_versions("faithful-se", "torch", "transformers", "trl", "peft", "accelerate"),
    }
    if method != SFT:
        info["trainer"], info["trainer_options"] = method, dict(method_options or {})
        info["arm"] = [method if arm == WORD else arm for arm in info["arm"]]
    return info


def write_card(out: Path, info: TrainInfo) -> None:
    """Write `README.md`, with the training in its front matter and its curves, and `train_info.json`."""
    from huggingface_hub import ModelCard, ModelCardData

    adapter, thinking = is_adapter(out), ""
    if "enable_thinking" in (template_args := info.get("chat_template_args", {})):
        thinking = f",enable_thinking={template_args['enable_thinking']}"
    front_matter = ModelCardData(
        base_model=info["base"],
        library_name="peft" if adapter else "transformers",
        pipeline_tag="text-generation",
        tags=["faithful-se", "self-explanation", "trl", info.get("trainer", SFT)],
    )
    front_matter[CARD_BLOCK] = dict(info)
    card = ModelCard.from_template(
        front_matter,
        template_path=str(TEMPLATE),
        name=out.name,
        info=info,
        log=log_table(read_log(out)),
        picture=PICTURE if (out / PICTURE).is_file() else "",
        arguments=(f"pretrained={info['base']},peft={out}" if adapter else f"pretrained={out}") + thinking,
    )
    write_atomic(out / CARD, [str(card)])
    write_json_object(out / TRAIN_INFO, info)

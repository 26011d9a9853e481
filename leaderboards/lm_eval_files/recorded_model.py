"""The model of a results file: what makes it this model, without what says only how it was run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from faithful_se.model_names import folder_name, server_address

# Model arguments that name an adapter, and those that name weights. The first one that is set names the model.
ADAPTERS = ("peft", "lora_local_path")
PATHS = (*ADAPTERS, "delta", "pretrained", "model", "path", "engine")

# Arguments of lm-eval's backends that change where or how fast a model runs, not what it answers.
_HOW_IT_RUNS = frozenset(
    {
        # all
        *("batch_size", "max_batch_size", "device", "trust_remote_code", "cache_dir", "local_files_only", "token"),
        # hf, and what it hands to transformers
        *("parallelize", "device_map", "device_map_option", "max_memory", "max_memory_per_gpu", "max_cpu_memory"),
        *("offload_folder", "tp_plan", "logits_cache", "attn_implementation", "low_cpu_mem_usage", "use_safetensors"),
        # vllm and sglang
        *("tensor_parallel_size", "data_parallel_size", "pipeline_parallel_size", "gpu_memory_utilization"),
        *("swap_space", "cpu_offload_gb", "enforce_eager", "max_num_seqs", "max_num_batched_tokens", "block_size"),
        *("distributed_executor_backend", "disable_custom_all_reduce", "disable_log_stats", "download_dir"),
        *("enable_prefix_caching", "enable_chunked_prefill", "max_lora_rank", "max_loras", "enable_lora"),
        *("tp_size", "dp_size", "mem_fraction_static", "chunked_prefill_size"),
        # servers
        *("port", "host", "num_concurrent", "max_retries", "timeout", "verify_certificate", "ca_cert_path"),
        *("auth_token", "api_key", "header"),
    }
)

# What lm-eval takes where an argument is missing.
_DEFAULTS = {"revision": "main", "subfolder": ""}

# Arguments that hold the number format. It rounds; it makes no other model.
_DTYPE = "dtype"
_DTYPE_NAMES = {"half": "float16", "fp16": "float16", "bf16": "bfloat16", "float": "float32", "fp32": "float32"}

# Several names of one backend.
_BACKENDS = {"huggingface": "hf", "hf-auto": "hf"}

_WEIGHTS = ("model_revision", "model_sha", "peft_sha", "model_num_parameters")


@dataclass(frozen=True)
class Model:
    """What distinguishes models: equal values mean the same model.

    Attributes:
        backend: lm-eval's --model.
        settings: (name, value) of model_args, sorted, without those that say only how the model was run.
        prompting: everything else that changes prompts or answers: system instruction, chat template, generation
            settings.
        weights: commit hashes and number of parameters, as far as recorded.
        source: the results file, where it does not name its model: one that Python handed over in memory.
        explained_by: who explained its answers (`explanations=SOURCE`); "" where it explained them itself.
        explainer_digest: tells explainers of one name apart.
        dtype: number format of the weights, such as "bfloat16"; "" if not recorded. Does not distinguish models.
    """

    backend: str
    settings: tuple[tuple[str, str], ...]
    prompting: str = ""
    weights: str = ""
    source: str = ""
    explained_by: str = ""
    explainer_digest: str = ""
    dtype: str = field(default="", compare=False)

    @property
    def arguments(self) -> str:
        """The settings as "name=value, ..."."""
        return ", ".join(f"{name}={value}" for name, value in self.settings)

    @property
    def path(self) -> str:
        """Folder or hub name of its weights, or its name on a server; "" if there is none (a rule-based model)."""
        settings = dict(self.settings)
        return next((settings[name] for name in PATHS if settings.get(name)), "")

    @property
    def name(self) -> str:
        """Its path, else the backend: lm-eval makes up a hash where there is no path."""
        return self.path or self.backend

    @property
    def explains_itself(self) -> Model:
        """The same model, with explanations of its own."""
        return replace(self, explained_by="", explainer_digest="")

    @property
    def pretrained(self) -> str:
        """The base model of an adapter, else ""."""
        settings = dict(self.settings)
        return settings.get("pretrained", "") if any(settings.get(name) for name in ADAPTERS) else ""


def parse_model(content: Mapping[str, Any], config: Mapping[str, Any], file: Path) -> Model:
    """The model of a results file.

    Args:
        content: of the file.
        config: its part about the model.
        file: names the model where nothing else does.
    """
    arguments = {name: value for name, value in model_arguments(config.get("model_args")).items() if value is not None}
    backend = str(config.get("model") or "?")
    prompting = {
        "system instruction": content.get("system_instruction") or None,
        # What `simple_evaluate` returns has no such key. `is_prompt_recorded` is for notes about it.
        "no chat template": True if is_prompt_recorded(content) and not content["chat_template"] else None,
        "gen_kwargs": config.get("gen_kwargs") or None,
    }
    dtype = str(config.get("model_dtype") or arguments.get(_DTYPE) or "").removeprefix("torch.")
    # A model that was handed over in memory has a name at best, and may have been trained on since it was loaded.
    is_named = "model_name" in content and content.get("model_source") != "CUSTOM"
    return Model(
        backend=_BACKENDS.get(backend, backend),
        settings=_settings(arguments),
        prompting="; ".join(
            name if value is True else f"{name} {as_text(value)}" for name, value in prompting.items() if value
        ),
        weights=", ".join(f"{key}={config[key]}" for key in _WEIGHTS if config.get(key) not in (None, "", "main")),
        source="" if arguments or is_named else str(file),
        dtype="" if dtype == "auto" else _DTYPE_NAMES.get(dtype, dtype),
    )


def is_prompt_recorded(content: Mapping[str, Any]) -> bool:
    """Whether a results file says if there was a chat template. lm_eval does, `simple_evaluate` alone does not."""
    return "chat_template" in content


def as_text(value: Any) -> str:
    """A value of an option: strings unchanged, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def model_arguments(arguments: Any) -> dict[str, Any]:
    """lm-eval records model_args as an object, or as the string of the command line."""
    if isinstance(arguments, dict):
        return arguments
    pairs = [part.partition("=") for part in str(arguments or "").split(",") if part.strip()]
    return {name.strip(): value.strip() for name, _, value in pairs}


def _settings(arguments: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The arguments that make the model, each in one spelling."""
    settings = {}
    for name, value in sorted(arguments.items()):
        text = as_text(value)
        if name in (*PATHS, "tokenizer"):
            text = folder_name(text)
        elif name == "base_url":
            text = server_address(text)
        elif text.lower() in ("true", "false", "none"):  # as typed, or as lm-eval parsed it
            text = text.lower()
        if name not in _HOW_IT_RUNS and name != _DTYPE and text not in ("", "none", "null", _DEFAULTS.get(name)):
            settings[name] = text
    if settings.get("tokenizer") == settings.get("pretrained"):
        settings.pop("tokenizer", None)
    return tuple(settings.items())

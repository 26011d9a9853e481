"""What decides the answers of a model: its weights, tokenizer, chat template, generation configuration and arguments.

lm-eval's cache keys hold the prompt and the settings of the call, and nothing of these. What stands in the prompt is in
the key: the system instruction, the examples, the words that an operator leaves.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from lm_eval_tasks.fingerprint import folder_digest, model_fingerprint, model_settings, sorted_if_set, weights_digest
from lm_eval_tasks.served_model import served_model

if TYPE_CHECKING:
    from lm_eval.api.model import LM

# Attributes of lm-eval's models that keep arguments of `--model_args` and change answers.
ARGUMENTS = (
    *("_eos_string", "_seed", "_truncate", "add_bos_token", "backend", "chat_template_args", "custom_prefix_token_id"),
    *("enable_thinking", "max_length", "mixed_precision_dtype", "softmax_dtype", "think_end_token"),
    *("tokenized_requests", "truncation"),
)
# Arguments of engines (vLLM, SGLang) that place a model on devices, or that `model_fingerprint` holds.
PLACEMENT = frozenset(
    {
        *("batch_size", "data_parallel_size", "device", "disable_log_stats", "distributed_executor_backend"),
        *("download_dir", "dp_size", "gpu_memory_utilization", "max_num_seqs", "mem_fraction_static", "model"),
        *("model_path", "revision", "swap_space", "tensor_parallel_size", "tp_size"),
    }
)
# Attributes of tokenizers that change how texts are read and written, besides the vocabulary.
TOKENIZER_SETTINGS = ("add_bos_token", "add_eos_token", "clean_up_tokenization_spaces", "split_special_tokens")
# Settings of a generation configuration that change no answer here: lm-eval gives the length.
LENGTHS_AND_OUTPUTS = frozenset(
    {
        *("cache_implementation", "max_length", "max_new_tokens", "output_attentions", "output_hidden_states"),
        *("output_logits", "output_scores", "return_dict_in_generate", "transformers_version", "use_cache"),
    }
)


def answer_settings(lm: LM) -> dict[str, Any]:
    """Everything that decides a model's answers to the same prompt, by name, in values that JSON keeps."""
    module: Any = getattr(lm, "_model", None)
    parts: dict[str, Any] = {"model": model_fingerprint(lm), **tokenizer_settings(getattr(lm, "tokenizer", None))}
    parts["versions"] = _versions("lm_eval", *(["transformers"] if parts["tokenizer"] else []))
    if hasattr(module, "named_parameters"):
        configuration, *adapters = model_settings(module) or [{}]
        parts |= {"configuration": configuration, "generation_config": generation_settings(module)}
        parts["dtype"] = str(next((parameter.dtype for parameter in module.parameters()), None))
        if adapters:
            parts["adapter"] = {"settings": adapters, "weights": weights_digest(module, "lora_")}
    parts["arguments"] = {
        name.removeprefix("_").removeprefix("custom_"): getattr(lm, name, None) for name in ARGUMENTS
    } | _engine_arguments(lm)
    parts["server"] = served_model(lm)
    values: dict[str, Any] = json.loads(json.dumps(parts, default=sorted_if_set))
    return values


def tokenizer_settings(tokenizer: Any) -> dict[str, Any]:
    """`tokenizer` and `chat_template`: digests and the special tokens. None where there is no such thing."""
    tokenizer = getattr(tokenizer, "tokenizer", tokenizer)  # processors of images hold one
    template = getattr(tokenizer, "chat_template", None)
    return {
        "tokenizer": None if tokenizer is None else _tokenizer(tokenizer),
        "chat_template": template and _digest(json.dumps(template, sort_keys=True)),
    }


def generation_settings(module: Any) -> dict[str, Any]:
    """The model's own generation configuration, without lengths."""
    config: Any = getattr(module, "generation_config", None)
    settings: Mapping[str, Any] = config.to_dict() if hasattr(config, "to_dict") else {}
    return {
        name: value
        for name, value in settings.items()
        if value is not None and not name.startswith("_") and name not in LENGTHS_AND_OUTPUTS
    }


def _tokenizer(tokenizer: Any) -> dict[str, Any]:
    backend: Any = getattr(tokenizer, "backend_tokenizer", None)
    if hasattr(backend, "to_str"):
        content = json.loads(backend.to_str())
        for state in ("truncation", "padding"):  # of the last call
            content.pop(state, None)
    elif hasattr(tokenizer, "get_vocab"):
        content = tokenizer.get_vocab()
    else:
        content = tokenizer if isinstance(tokenizer, str) else getattr(tokenizer, "name", type(tokenizer).__name__)
    settings = {name: getattr(tokenizer, name, None) for name in TOKENIZER_SETTINGS}
    special = getattr(tokenizer, "special_tokens_map", None)
    return {**settings, "special_tokens": special, "vocabulary": _digest(json.dumps(content, sort_keys=True))}


def _engine_arguments(lm: LM) -> dict[str, Any]:
    arguments = getattr(lm, "model_args", None)
    if not isinstance(arguments, dict):
        return {}
    engine = {name: value for name, value in arguments.items() if name not in PLACEMENT}
    if isinstance(engine.get("tokenizer"), str):
        engine["tokenizer"] = folder_digest(engine["tokenizer"])
    return engine


def _versions(*names: str) -> dict[str, str]:
    versions = {}
    for name in names:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "unknown"
    return versions


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]

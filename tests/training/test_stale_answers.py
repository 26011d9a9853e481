"""The table of what may change under a cache, a folder of attributions and a build: each is refused, or true."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faithful_se.errors import UsageError
from lm_eval_tasks.cache_stamp import check_cache
from lm_eval_tasks.document import Document
from tests.tiny_model import QWEN3_TEMPLATE, chat_tokenizer, write_tiny_chat_model
from tests.training.build.rule_model import QUESTION, TEXTS, attributions, respond, spec

pytest.importorskip("peft")

PROMPTS = [QUESTION.classify({"text": text}, "[REDACTED]", False) for text in TEXTS]
BASE, ADAPTER = "base", "adapter"


def write_adapter(folder: Path, seed: int) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    lora = LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
    get_peft_model(AutoModelForCausalLM.from_pretrained(folder / BASE), lora).save_pretrained(folder / ADAPTER)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original")
    write_tiny_chat_model(folder / BASE, PROMPTS, hidden=16, layers=1)
    write_adapter(folder, 1)
    return folder


def edit(file: str, **values: Any) -> Callable[[Path], None]:
    """A change of a JSON file in the model's folder."""

    def change(folder: Path) -> None:
        path = folder / BASE / file
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

    return change


def other_tokenizer(folder: Path) -> None:
    """Another order of the same tokens: as long, and with the same special tokens."""
    from tokenizers import Tokenizer

    path = folder / BASE / "tokenizer.json"
    content = json.loads(path.read_text())
    ids = content["model"]["vocab"]
    ids["a"], ids["b"] = ids["b"], ids["a"]
    Tokenizer.from_str(json.dumps(content)).save(str(path))


def other_weights(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = folder / BASE / "model.safetensors"
    weights = load_file(path)
    weights["lm_head.weight"][0, 0] += 1
    save_file(weights, path, {"format": "pt"})


def other_template(folder: Path) -> None:
    path = folder / BASE / "chat_template.jinja"
    path.write_text(path.read_text().replace("<|end|>", "<|end|>\n"))


# What is changed in place: the evaluation's cache, the attributions and the build name it, or are none the worse.
TRUE = ""
IN_PLACE: dict[str, tuple[Callable[[Path], None], str, str, str]] = {
    "nothing": (lambda folder: None, TRUE, TRUE, TRUE),
    "tokenizer": (other_tokenizer, r"tokenizer: vocabulary: \w+ -> \w+", r"\(.*tokenizer.vocab", "other tokenizer"),
    "special token": (
        edit("tokenizer_config.json", pad_token="<|user|>"),
        r"tokenizer: special_tokens.pad_token: <\|pad\|> -> <\|user\|>",
        r"tokenizer.special_tokens.pad_token",
        "other tokenizer",
    ),
    "chat template": (other_template, "chat_template: ", r"chat_template", "other chat template"),
    "repetition_penalty": (
        edit("generation_config.json", repetition_penalty=1.3),
        r"\(generation_config: repetition_penalty: 1.0 -> 1.3\)",
        TRUE,
        "generation_config.repetition_penalty = 1.0, now 1.3",
    ),
    "suppress_tokens": (
        edit("generation_config.json", suppress_tokens=[7, 8]),
        r"generation_config: suppress_tokens: none -> \[7, 8\]",
        TRUE,
        r"generation_config.suppress_tokens = None, now \[7, 8\]",
    ),
    "weights": (other_weights, r"\(model: HFLM \w+ -> HFLM \w+\)", "was begun with model = ", "of another model"),
    "configuration": (
        edit("config.json", rms_norm_eps=0.1),
        r"configuration: rms_norm_eps: 1e-06 -> 0.1",
        "was begun with model = ",
        "of another model",
    ),
    "dtype": (edit("config.json", dtype="bfloat16"), "dtype: torch.float32 -> torch.bfl", "model = ", "another model"),
    "adapter": (lambda folder: write_adapter(folder, 2), r"adapter: weights: \w+ -> \w+", "model = ", "another model"),
}


def load(folder: Path, **arguments: Any) -> Any:
    from lm_eval.models.huggingface import HFLM

    return HFLM(pretrained=f"{folder}/{BASE}", peft=f"{folder}/{ADAPTER}", device="cpu", **arguments)


def answers_of(lm: Any, *, cache: Path | None = None, system: str = "", text: str = TEXTS[0]) -> list[Any]:
    from lm_eval.api.instance import Instance
    from lm_eval.api.model import CachingLM

    if cache is not None:
        lm = CachingLM(lm, str(cache))
        check_cache(lm)
    turns = [{"role": "system", "content": system}] if system else []
    prompt = lm.apply_chat_template([*turns, {"role": "user", "content": text}])
    settings = {"until": [], "do_sample": False, "max_gen_toks": 8}
    generated = lm.generate_until([Instance("generate_until", {}, (prompt, settings), 0)])
    return [*generated, *lm.loglikelihood([Instance("loglikelihood", {}, (prompt, "b a"), 0)])]


@pytest.mark.parametrize("name", IN_PLACE)
def test_a_change_in_place_is_refused_or_true(name: str, original: Path, tmp_path: Path) -> None:
    from training.attribution.inputs import Source
    from training.attribution.run import attribute
    from training.build.backend import load_responder
    from training.build.run import build
    from training.models.loading import load_model

    folder = shutil.copytree(original, tmp_path / "model")
    edit("generation_config.json", repetition_penalty=1.0)(folder)
    source = attributions(tmp_path / "data")

    def attributed(out: str) -> list[str]:
        model, fast = load_model(f"{folder}/{BASE}", f"{folder}/{ADAPTER}", device="cpu")
        attribute(model, fast, [Source(spec("attribution"), [Document({"text": TEXTS[0]})])], tmp_path / out)
        return (tmp_path / out / "sentiment140.jsonl").read_text().splitlines()

    def built() -> int:
        manifest = json.loads((tmp_path / "scores" / "manifest.json").read_text())
        source.manifest.update({key: manifest[key] for key in ("model", "tokenizer", "chat_template")})
        responder = load_responder(f"{folder}/{BASE}", manifest["model"], adapter=f"{folder}/{ADAPTER}", device="cpu")
        return build(source, respond, tmp_path / "rows", answering=responder.settings).rows

    first = answers_of(load(folder), cache=tmp_path / "c"), attributed("scores"), built()
    change, cache, scores, rows = IN_PLACE[name]
    change(folder)
    consumers: list[tuple[str, Callable[[], Any], Callable[[], Any]]] = [
        (cache, lambda: answers_of(load(folder), cache=tmp_path / "c"), lambda: answers_of(load(folder))),
        (scores, lambda: attributed("scores"), lambda: attributed("fresh")),
        (rows, built, lambda: first[2]),
    ]
    for refusal, consume, ask_again in consumers:
        if refusal:
            with pytest.raises(UsageError, match=refusal) as error:
                consume()
            assert "\n" not in str(error.value)
        else:
            assert consume() == ask_again()


# Arguments of the model, with what names them. What the prompt holds is in the keys of the answers, so they are true.
ARGUMENTS: dict[str, tuple[dict[str, Any], str]] = {
    "think_end_token": ({"think_end_token": "</think>"}, r"\(think_end_token: none -> </think>\)"),
    "enable_thinking": ({"enable_thinking": False}, r"enable_thinking: none -> false"),
    "template arguments": ({"chat_template_args": {"a": 1}}, r"chat_template_args.a: none -> 1"),
    "add_bos_token": ({"add_bos_token": True}, r"add_bos_token: none -> true"),
    "prefix_token_id": ({"prefix_token_id": 5}, r"\(prefix_token_id: none -> 5\)"),
    "max_length": ({"max_length": 64}, r"\(max_length: 1024 -> 64\)"),
    "softmax_dtype": ({"softmax_dtype": "float16"}, r"softmax_dtype: none -> torch.float16"),
    "precision": ({"mixed_precision_dtype": "bfloat16"}, r"mixed_precision_dtype: none -> torch.bfloat16"),
    "dtype": ({"dtype": "bfloat16"}, r"dtype: torch.float32 -> torch.bfloat16"),
    "batch_size": ({"batch_size": 4}, TRUE),
}


@pytest.fixture(scope="module")
def filled(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "c"
    answers_of(load(original), cache=path)
    return path


@pytest.mark.parametrize("name", ARGUMENTS)
def test_another_argument_is_refused_or_true(name: str, original: Path, filled: Path) -> None:
    arguments, refusal = ARGUMENTS[name]
    if refusal:
        with pytest.raises(UsageError, match=refusal):
            answers_of(load(original, **arguments), cache=filled)
    else:
        assert answers_of(load(original, **arguments), cache=filled) == answers_of(load(original))


def test_another_tokenizer_as_an_argument_is_refused(original: Path, filled: Path, tmp_path: Path) -> None:
    fast = chat_tokenizer([*PROMPTS, "zzz zzz"], vocab_size=300)
    fast.chat_template = QWEN3_TEMPLATE
    fast.save_pretrained(tmp_path)
    with pytest.raises(UsageError, match=r"chat_template: \w+ -> \w+; .*tokenizer: vocabulary: \w+ -> \w+;"):
        answers_of(load(original, tokenizer=str(tmp_path)), cache=filled)


def test_quantised_weights_are_another_model(original: Path, filled: Path) -> None:
    lm = load(original)
    lm._model.config.quantization_config = {"quant_method": "gptq", "bits": 4}
    with pytest.raises(UsageError, match=r"configuration: quantization_config: none -> \{.*\"bits\": 4"):
        answers_of(lm, cache=filled)


def test_what_the_prompt_holds_needs_no_stamp(original: Path, filled: Path) -> None:
    """A system instruction, and the words that another operator leaves: each answer is that of its own prompt."""
    for prompt in ({"system": "Be brief."}, {"text": "i love the rain"}, {"text": TEXTS[0]}):
        assert answers_of(load(original), cache=filled, **prompt) == answers_of(load(original), **prompt)

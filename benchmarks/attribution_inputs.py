"""Texts, tokenizer and random models of any size for the attribution benchmark: nothing to download."""

from __future__ import annotations

import random
from typing import Any

import torch

from lm_eval_tasks.data import dataset_spec, load
from lm_eval_tasks.document import Document
from lm_eval_tasks.options import Options
from lm_eval_tasks.spec import TaskSpec
from tests.tiny_model import chat_tokenizer
from training.attribution.options import AttributionOptions

SHAPES = {
    "2m": {"hidden_size": 128, "intermediate_size": 384, "num_hidden_layers": 6, "num_attention_heads": 4},
    "60m": {"hidden_size": 512, "intermediate_size": 1408, "num_hidden_layers": 12, "num_attention_heads": 8},
    "7b": {"hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32},
}
VOCABULARY = {"2m": 4096, "60m": 32000, "7b": 32000}

# Words for made-up texts: common ones, of many lengths.
COMMON = (
    "the a of and to in is it you that he was for on are with as his they be at one have this from or had by hot but "
    "some what there we can out other were all your when up use word how said an each she which do their time if will "
    "way about many then them would write like so these her long make thing see him two has look more day could go "
    "come did my sound no most number who over know water than call first people may down side been now find any new "
    "work part take get place made live where after back little only round man year came show every good me give our "
    "under name very through just form much great think say help low line before turn cause same mean differ move "
    "right boy old too does tell sentence set three want air well also play small end put home read hand port large "
    "spell add even land here must big high such follow act why ask men change went light kind off need house picture"
)
WORDS = COMMON.split()


def task() -> TaskSpec:
    """The task that each text is classified for."""
    return TaskSpec(dataset_spec("sentiment140").question, "attribution", "oneword", Options())


def options_of(method: str, **settings: Any) -> AttributionOptions:
    """The options of a method with its steps: "ig, 32 steps"."""
    name, _, steps = method.partition(", ")
    return AttributionOptions(name, steps=int(steps.removesuffix(" steps") or 16), **settings)


def texts_of(data: str | None, examples: int) -> list[Document]:
    """Tweets of a folder of real text, or made-up texts as long as tweets."""
    if data:
        rows = load(dataset_spec("sentiment140"), data, "train").select(range(examples * 3))
        documents = [dataset_spec("sentiment140").document(row) for row in rows]
        return [document for document in documents if len(document.words) > 1][:examples]
    rng = random.Random(0)
    return [Document({"text": " ".join(rng.sample(WORDS, rng.randint(8, 22)))}) for _ in range(examples)]


def tokenizer_of(spec: TaskSpec, documents: list[Document]) -> Any:
    """A tokenizer of the prompts. As with real ones, common words and the labels are one token."""
    prompts = [spec.classify(document).messages[-1][1] for document in documents]
    return chat_tokenizer([*prompts, " ".join(WORDS), *["\n".join(spec.question.labels)] * 50], vocab_size=4096)


def model_of(shape: str, device: str = "cpu", dtype: torch.dtype = torch.float32) -> Any:
    """A Llama with random weights, of one of the `SHAPES`."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    # A spread of weights that makes words matter; speed does not depend on it.
    config = LlamaConfig(
        vocab_size=VOCABULARY[shape], tie_word_embeddings=shape != "7b", initializer_range=0.05, **SHAPES[shape]
    )
    torch.set_default_dtype(dtype)
    with torch.device(device):
        model = LlamaForCausalLM(config).eval().requires_grad_(False)
    torch.set_default_dtype(torch.float32)
    return model

"""What a model's generation configuration makes of greedy decoding: the tokens that end it, and changes of logits."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from transformers import GenerationMixin, RepetitionPenaltyLogitsProcessor
from transformers.generation import GenerationMode

from lm_eval_tasks.forward_pass.greedy_decoding import Adjust

if TYPE_CHECKING:
    from lm_eval.models.huggingface import HFLM

# Tokens that lm-eval looks back on top of those of a stop text: others may spell it.
LOOK_BACK = 2


class GreedySettings(NamedTuple):
    """Of a model, for all requests."""

    end_tokens: frozenset[int]
    adjust: Adjust | None  # changes logits, with all tokens so far


@dataclass(frozen=True)
class Ends:
    """What ends an answer."""

    tokens: frozenset[int]
    texts: tuple[tuple[str, int], ...]  # with the number of tokens in which it is looked for
    decode: Callable[[Sequence[int]], str]

    def __call__(self, answer: Sequence[int]) -> bool:
        """Whether an answer is complete."""
        return answer[-1] in self.tokens or any(text in self.decode(answer[-back:]) for text, back in self.texts)


def settings_of(lm: HFLM) -> tuple[GreedySettings | None, str]:
    """The settings of a model, or why its greedy decoding is not known here."""
    model: Any = lm.model.get_base_model() if hasattr(lm.model, "get_base_model") else lm.model
    if type(model).generate is not GenerationMixin.generate:
        return None, "it has a way to generate of its own"
    config, _ = model._prepare_generation_config(None, do_sample=False)
    config = copy.deepcopy(config)
    if (mode := config.get_generation_mode()) != GenerationMode.GREEDY_SEARCH:
        return None, f"its generation configuration asks for {mode.value}"
    if config.max_time or config.stop_strings:
        return None, "its generation configuration has other ends than a token"
    model._prepare_special_tokens(config, device=lm.device)
    adjust: Adjust | None = None
    for processor in model._get_logits_processor(config, input_ids_seq_length=1, device=lm.device):
        if not isinstance(processor, RepetitionPenaltyLogitsProcessor):
            return None, f"its generation configuration changes logits ({type(processor).__name__})"
        adjust = processor
    ends = config.eos_token_id
    end_tokens = frozenset([ends] if isinstance(ends, int) else ends or ())
    if lm.eot_token_id not in end_tokens:
        return None, "the end token of its tokenizer does not end its texts"
    return GreedySettings(end_tokens, adjust), ""


def ends_of(lm: HFLM, settings: GreedySettings, until: Sequence[str], eos: str) -> Ends:
    """What ends the answer to a request with these stop texts."""
    texts = [text for text in until if text and text != eos]  # the end token is among the tokens

    def decode(tokens: Sequence[int]) -> str:
        return str(lm.tokenizer.decode(tokens))

    counts = [len(lm.tokenizer.encode(text, add_special_tokens=False)) + LOOK_BACK for text in texts]
    return Ends(settings.end_tokens, tuple(zip(texts, counts, strict=True)), decode)

"""A rule-based language model as a model of lm-eval: the rule, with a way of explaining."""

from __future__ import annotations

import json
import math
import random
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM

from faithful_se.errors import UsageError
from faithfulness_metrics.words import document_hash, seed_of
from lm_eval_tasks.rule_models.prompt_parser import Conversation, read
from lm_eval_tasks.rule_models.rules import label_index, weight_of
from lm_eval_tasks.rule_models.strategies import STRATEGIES

# lm-eval passes these to every model.
LM_EVAL_ARGUMENTS = {"batch_size", "max_batch_size", "device"}


class RuleLM(LM):
    """The rule, with a way of explaining.

    Args:
        strategy: ``honest``, or one of the degenerate strategies (see `STRATEGIES`).
        h: probability that an explanation of the honest strategy is true. Others name words that do not matter.
        seed: decides which explanations are true.
    """

    tokenizer_name = "faithful-se-rules"

    def __init__(self, strategy: str = "honest", h: float = 1.0, seed: int = 0, **others: Any) -> None:
        super().__init__()
        if unknown := others.keys() - LM_EVAL_ARGUMENTS:
            raise UsageError(f"--model_args {', '.join(sorted(unknown))}: rule-based models know strategy, h and seed")
        if strategy not in STRATEGIES:
            raise UsageError(f"strategy={strategy!r}: give one of {', '.join(STRATEGIES)}")
        if not 0 <= float(h) <= 1:
            raise UsageError(f"h={h!r}: give a probability, from 0 to 1")
        self.strategy, self.h, self.seed = strategy, float(h), int(seed)
        self.classify, self.explain = STRATEGIES[strategy]
        self.calls = {"generate_until": 0, "loglikelihood": 0}

    def fingerprint(self) -> str:
        """Identifies the model in a cache."""
        return f"{self.strategy} h={self.h} seed={self.seed}"

    def is_honest(self, conversation: Conversation) -> bool:
        """Whether this explanation is true: drawn per document, style and budget."""
        budget = conversation.request.budget if conversation.request else ""
        parts = (document_hash(conversation.fields), conversation.style, budget, str(self.seed))
        return random.Random(seed_of(*parts)).random() < self.h

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """Labels and explanations."""
        self.calls["generate_until"] += len(requests)
        answers = []
        for request in requests:
            conversation = read(_messages(request.args[0]))
            answer = self.explain if conversation.request else self.classify
            answers.append(answer(self, conversation))
            self.cache_hook.add_partial("generate_until", request.args, answers[-1])
        return answers

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """A label has the weight of its heaviest word; probabilities are the softmax of the weights."""
        self.calls["loglikelihood"] += len(requests)
        answers = []
        for request in requests:
            conversation = read(_messages(request.args[0]))
            labels = conversation.question.choices(conversation.unknown)
            weights = dict.fromkeys(labels, 0.0)
            for word in conversation.words:
                label = labels[label_index(word.key, len(conversation.question.labels))]
                weights[label] = max(weights[label], weight_of(word.key))
            prediction = self.classify(self, conversation)
            if prediction in weights:
                largest = max(weights.values())
                weights[prediction] = largest + (0.0 if weights[prediction] == largest else 0.01)
            total = math.log(sum(math.exp(8 * weight) for weight in weights.values()))
            label = request.args[1].strip()
            answers.append((8 * weights[label] - total, label == prediction))
            self.cache_hook.add_partial("loglikelihood", request.args, answers[-1])
        return answers

    def loglikelihood_rolling(self, requests: list[Instance]) -> list[float]:
        """Not possible: the model knows no text but prompts of faithful-se."""
        raise NotImplementedError("rule-based models answer prompts of faithful-se only")

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """The messages as JSON."""
        return json.dumps(chat_history, ensure_ascii=False)


def _messages(prompt: str) -> list[dict[str, str]]:
    if not prompt.startswith("[{"):
        raise UsageError("the rule-based models read conversations: add --apply_chat_template")
    return list(json.loads(prompt))

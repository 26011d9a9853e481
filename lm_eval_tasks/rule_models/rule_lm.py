"""A rule-based language model as a model of lm-eval: the rule, with a way of explaining."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from dataclasses import replace
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM

from faithful_se.errors import UsageError
from faithfulness_metrics.words import document_hash, seed_of, words_of
from lm_eval_tasks.rule_models import cue_follower, self_knowledge
from lm_eval_tasks.rule_models.prompt_parser import Conversation, read
from lm_eval_tasks.rule_models.reasoner import reasoning
from lm_eval_tasks.rule_models.rules import label_index, weigher, weightless_word
from lm_eval_tasks.rule_models.self_knowledge import read_knows
from lm_eval_tasks.rule_models.strategies import STRATEGIES
from lm_eval_tasks.rule_models.thinker import FORMS, OPENED, think

# lm-eval passes these to every model.
LM_EVAL_ARGUMENTS = {"batch_size", "max_batch_size", "device"}
KNOWN = "strategy, h, seed, bias, thinks, cut, rule, knows, follows, names, misnames and noise"

# What decides: the heaviest word; or that or the lightest, by the number of words.
RULES = ("words", "context")


class RuleLM(LM):
    """The rule, with a way of explaining.

    Args:
        strategy: ``honest``, or one of the degenerate strategies (see `STRATEGIES`).
        h: probability that an explanation of the honest strategy is true. Others name words that do not matter.
        seed: decides which explanations are true.
        bias: a label and nats, as in ``negative:3``. That label's log-likelihood is higher by so much than the rule
            says, relative to the others, in every text. The model then answers with the likeliest label.
        thinks: how the model writes a thought before each answer, a key of `FORMS`; empty for none. With ``opened``
            its chat template has opened the thought. A thinker keeps to the token limit; its tokens are words.
        cut: probability that a thought never ends.
        rule: ``words``, or ``context``: in a text of an odd number of words, masks included, the lightest word decides.
        knows: how the model says whether its answer would change without a word: rightly, with this probability; or
            always ``yes``, or always ``no``.
        follows: probability that the model follows a hint or a bias in a text; empty where it reads them as plain text.
        names: probability that it names a cue that it follows.
        misnames: probability that it names a cue that it does not follow.
        noise: probability that a sampled label is drawn from all labels alike, whatever the rule says. Greedy answers
            have none.
    """

    tokenizer_name = "faithful-se-rules"

    def __init__(
        self,
        strategy: str = "honest",
        h: float = 1.0,
        seed: int = 0,
        bias: str = "",
        thinks: str = "",
        cut: float = 0.0,
        rule: str = RULES[0],
        knows: float | str = 1.0,
        follows: float | str = "",
        names: float = 1.0,
        misnames: float = 0.0,
        noise: float = 0.0,
        **others: Any,
    ) -> None:
        super().__init__()
        if unknown := others.keys() - LM_EVAL_ARGUMENTS:
            raise UsageError(f"--model_args {', '.join(sorted(unknown))}: rule-based models know {KNOWN}")
        if strategy not in STRATEGIES:
            raise UsageError(f"strategy={strategy!r}: give one of {', '.join(STRATEGIES)}")
        if thinks and thinks not in FORMS:
            raise UsageError(f"thinks={thinks!r}: give one of {', '.join(FORMS)}")
        if rule not in RULES:
            raise UsageError(f"rule={rule!r}: give one of {', '.join(RULES)}")
        probabilities = {"h": h, "cut": cut, "follows": follows or 0, "names": names, "misnames": misnames}
        probabilities["noise"] = noise
        for name, probability in probabilities.items():
            if not 0 <= float(probability) <= 1:
                raise UsageError(f"{name}={probability!r}: give a probability, from 0 to 1")
        self.strategy, self.h, self.seed, self.bias = strategy, float(h), int(seed), _read_bias(bias)
        self.thinks, self.cut, self.rule = thinks, float(cut), rule
        self.knows = read_knows(knows)
        self.follows = None if follows == "" else float(follows)
        self.names, self.misnames = float(names), float(misnames)
        self.noise, self.draws = float(noise), Counter[str]()
        self.classify, self.explain = STRATEGIES[strategy]
        self.calls = {"generate_until": 0, "loglikelihood": 0}

    def fingerprint(self) -> str:
        """Identifies the model in a cache."""
        bias = f" bias={self.bias}" if self.bias else ""
        thoughts = f" thinks={self.thinks} cut={self.cut}" if self.thinks else ""
        rule = f" rule={self.rule}" if self.rule != RULES[0] else ""
        knows = f" knows={self.knows}" if self.knows != 1 else ""
        cues = "" if self.follows is None else f" follows={self.follows} names={self.names} misnames={self.misnames}"
        noise = f" noise={self.noise}" if self.noise else ""
        return f"{self.strategy} h={self.h} seed={self.seed}{bias}{thoughts}{rule}{knows}{cues}{noise}"

    def read(self, prompt: str) -> Conversation:
        """The conversation of a prompt, its document without a cue, and whether that turns the rule round."""
        conversation = read(_messages(prompt))
        return self.in_context(conversation if self.follows is None else cue_follower.without_cue(conversation))

    def in_context(self, conversation: Conversation) -> Conversation:
        """A conversation that says whether its document turns the rule round."""
        if self.rule == RULES[0]:
            return conversation
        return replace(conversation, lightest_decides=len(words_of(conversation.fields)) % 2 == 1)

    def label(self, conversation: Conversation) -> str:
        """The label that the model writes."""
        if not self.bias:
            return self.decide(conversation)
        logprobs = self.logprobs(conversation)
        return max(logprobs, key=logprobs.__getitem__)

    def decide(self, conversation: Conversation) -> str:
        """The label before any bias: by the cue that the model follows, or else by its strategy."""
        return cue_follower.followed(self, conversation) or self.classify(self, conversation)

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
            conversation = self.read(request.args[0])
            if conversation.gap:
                answer = weightless_word(conversation)
            elif conversation.reasons:
                answer = reasoning(conversation)
            elif conversation.word:
                answer = self_knowledge.answer(self, conversation)
            else:
                answer = self.explained(conversation) if conversation.request else self.label(conversation)
            if self.noise and request.args[1].get("do_sample") and not conversation.request:
                answer = self.with_noise(answer, request.args[0], conversation)
            if self.thinks:
                answer = think(self, conversation, answer, request.args[1]["max_gen_toks"])
            answers.append(answer)
            self.cache_hook.add_partial("generate_until", request.args, answers[-1])
        return answers

    def with_noise(self, answer: str, prompt: str, conversation: Conversation) -> str:
        """A sampled label: any of them with the probability of the noise; the n-th draw of a prompt is its own."""
        self.draws[prompt] += 1
        draw = random.Random(seed_of(prompt, str(self.draws[prompt]), str(self.seed), "noise"))
        labels = conversation.question.choices(conversation.unknown)
        return draw.choice(labels) if draw.random() < self.noise else answer

    def explained(self, conversation: Conversation) -> str:
        """The explanation: the cue, if the model names it, or else by its strategy."""
        return cue_follower.named(self, conversation) or self.explain(self, conversation)

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """The log-likelihood of a label, or of an answer about a word, and whether it is the likeliest."""
        self.calls["loglikelihood"] += len(requests)
        answers = []
        for request in requests:
            conversation, label = self.read(request.args[0]), request.args[1].strip()
            of_word = self_knowledge.logprobs(self, conversation) if conversation.word else None
            logprobs = of_word or self.logprobs(conversation)
            answers.append((logprobs[label], label == max(logprobs, key=logprobs.__getitem__)))
            self.cache_hook.add_partial("loglikelihood", request.args, answers[-1])
        return answers

    def logprobs(self, conversation: Conversation) -> dict[str, float]:
        """Log-likelihood of each label, nats: the softmax of the labels' weights, and the bias.

        A label has the weight of its heaviest word. The bias lowers the other labels, as no probability exceeds 1.
        """
        labels, weigh = conversation.question.choices(conversation.unknown), weigher(conversation)
        weights = dict.fromkeys(labels, 0.0)
        for word in conversation.words:
            label = labels[label_index(word.key, len(conversation.question.labels))]
            weights[label] = max(weights[label], weigh(word.key))
        prediction = self.decide(conversation)
        if prediction in weights:
            largest = max(weights.values())
            weights[prediction] = largest + (0.0 if weights[prediction] == largest else 0.01)
        total = math.log(sum(math.exp(8 * weight) for weight in weights.values()))
        bias = {label: self.bias.get(label, 0.0) for label in labels}
        return {label: 8 * weights[label] - total + bias[label] - max(bias.values()) for label in labels}

    def loglikelihood_rolling(self, requests: list[Instance]) -> list[float]:
        """Not possible: the model knows no text but prompts of faithful-se."""
        raise NotImplementedError("rule-based models answer prompts of faithful-se only")

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """The messages as JSON, and the mark that opens a thought where the model's template does."""
        opening = FORMS[OPENED][0] if self.thinks == OPENED and add_generation_prompt else ""
        return json.dumps(chat_history, ensure_ascii=False) + opening


def _read_bias(bias: str) -> dict[str, float]:
    """``negative:3`` -> {"negative": 3.0}; empty for no bias."""
    if not bias:
        return {}
    label, _, nats = bias.rpartition(":")
    try:
        value = float(nats)
    except ValueError:
        value = math.nan
    if not label or not math.isfinite(value):
        raise UsageError(f"bias={bias!r}: give a label and nats, as in negative:3")
    return {label: value}


def _messages(prompt: str) -> list[dict[str, str]]:
    if not prompt.startswith("[{"):
        raise UsageError("the rule-based models read conversations: add --apply_chat_template")
    return list(json.JSONDecoder().raw_decode(prompt)[0])

"""Options of a task: what a user may set with `--metadata`. `lm_eval_tasks.read_options` reads and checks them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lm_eval_tasks.operators import OPERATORS, SEVERAL

CHOICES: dict[str, tuple[str, ...]] = {
    "classifier": ("generate", "loglikelihood", "calibrated"),
    "prior": ("texts", "contextual", "domain"),
    "context": ("same", "fresh"),
    "operator": OPERATORS,
    "thoughts": ("drop", "keep"),
    "order": ("file", "balanced"),
    "unit": ("word", "sentence"),  # `faithfulness_metrics.units.UNITS`, without the import of numpy
    "words_of": ("question", "choices", "both"),
    "answer_with": ("letter", "text"),
    "cue": ("none", "hint", "bias", "word"),
    "cue_way": ("persuade", "dissuade"),
    "elicit": ("direct", "rationale_first"),
    "infill_from": ("texts", "model"),
}

# The options of multiple choice.
OF_CHOICES = ("words_of", "answer_with")
CONTROLS = ("random", "oracle", "stability")
UNIT = CHOICES["unit"][0]

# Who explains: the model itself, people, or what a path leads to (`lm_eval_tasks.sources`).
SELF, RATIONALES = "self", "rationales"

# Whether a cue is inserted into each text (`lm_eval_tasks.cues`), and the cue that is no sentence.
NO_CUE, WORD_CUE = CHOICES["cue"][0], CHOICES["cue"][-1]

# How an explanation is asked for: at once, or after a sentence of reasoning.
DIRECT, RATIONALE_FIRST = CHOICES["elicit"]

# Whose words the operator `infill` writes: of other texts, or the model's own.
FROM_TEXTS, FROM_MODEL = CHOICES["infill_from"]

# The seed of the examples (`--num_fewshot`) where none is given: lm-eval's own default (`--seed`, the fourth value).
FEWSHOT_SEED = 1234

# The classifiers that rank labels.
RANKED = ("loglikelihood", "calibrated")

# The smallest value of each option that is a whole number.
WHOLE_NUMBERS = {"draws": 1, "prior_texts": 1, "thinking_tokens": 0, "order_seed": 0, "template": 1, "samples": 1}

# The largest ones: a number of draws or tokens beyond it would fill the memory before anything is asked.
LARGEST, LARGEST_SEED = 10**6, 2**63 - 1

# Wordings of a request for an explanation: the first, and those of `lm_eval_tasks/languages/wordings/`.
TEMPLATES = 5


@dataclass(frozen=True)
class Options:
    """How explanations are asked for and scored. docs/protocol.md, "Options of a task".

    Attributes:
        data: hub, mini (shipped texts) or a folder.
        classifier: generate reads the answer, loglikelihood ranks the labels, calibrated ranks them minus a prior.
        prior: what the prior of calibrated is measured on: texts, contextual or domain.
        prior_texts: texts of another split that prior=texts takes, at most.
        context: explain in the same conversation as the answer, or in a fresh one.
        mask: the text in place of a removed word.
        unknown: offer "unknown" as a label.
        controls: random, oracle, stability, joined by +; none; all. oracle includes random, because ccf needs both.
        operator: how named words are removed: mask, delete, substitute, infill, or several joined by +.
        infill_from: of infill, whether words of other texts are written, or the model's own (texts, model).
        unit: what an explanation names, and what is masked as one: word or sentence.
        draws: random sets of words per document, for the chance control.
        thinking_tokens: tokens that an answer may have on top, for a thought before it.
        thoughts: drop the thought before an answer from the conversation, or keep it.
        order: file takes the documents as they come, balanced every gold label equally often: for --limit.
        order_seed: of the draw of balanced.
        words_of: of multiple choice, whose words count: question, choices or both.
        answer_with: of multiple choice, whether the labels are the letters of the choices or their texts.
        template: wording of the request for an explanation, 1 to 5.
        samples: how often each classification is asked; more than once, answers are sampled and the majority counts.
        elicit: direct, or rationale_first: a sentence of reasoning before the explanation.
        explanations: self, or whose are judged in place of the model's own: results of a run, attributions, a word
            list, or rationales.
        cue: what is inserted into each text before the model explains: none, hint, bias or word.
        cue_way: of hint and bias, whether it speaks for another label (persuade) or against the answer (dissuade).
        quick: let a local model rank and generate in our own forward pass; answers are equal.
    """

    data: str = "hub"
    classifier: str = "generate"
    prior: str = "texts"
    prior_texts: int = 64
    context: str = "same"
    mask: str = "[REDACTED]"
    unknown: bool = False
    controls: tuple[str, ...] = ("random",)
    operator: str = "mask"
    infill_from: str = FROM_TEXTS
    unit: str = "word"
    draws: int = 2
    thinking_tokens: int = 0
    thoughts: str = "drop"
    order: str = "file"
    order_seed: int = 0
    words_of: str = "question"
    answer_with: str = "letter"
    template: int = 1
    samples: int = 1
    elicit: str = DIRECT
    explanations: str = SELF
    cue: str = NO_CUE
    cue_way: str = CHOICES["cue_way"][0]
    quick: bool = True

    @property
    def ranked(self) -> bool:
        """Whether labels are ranked by their log-probability, instead of read from generated text."""
        return self.classifier in RANKED

    @property
    def operators(self) -> tuple[str, ...]:
        """The operators, the main one first."""
        return tuple(self.operator.split("+"))

    @property
    def removal(self) -> str:
        """How a request for an explanation says that words will be removed: the operator, or `SEVERAL`."""
        return self.operator if len(self.operators) == 1 else SEVERAL

    def as_dict(self) -> dict[str, Any]:
        """Plain values for transcripts and result files: what can change a number.

        Those of priors, thoughts, units, wordings, other explainers, cues and multiple choice only where they are used.
        """
        unused = {"quick"} | ({"prior", "prior_texts"} if self.classifier != "calibrated" else set())
        unused |= {"prior_texts"} if self.prior != "texts" else set()
        unused |= {"thinking_tokens", "thoughts"} if (self.thinking_tokens, self.thoughts) == (0, "drop") else set()
        unused |= {"unit"} if self.unit == UNIT else set()
        unused |= {name for name in ("template", "samples") if getattr(self, name) == 1}
        unused |= {"infill_from"} if self.infill_from == FROM_TEXTS else set()
        unused |= {"elicit"} if self.elicit == DIRECT else set()
        unused |= {"explanations"} if self.explanations == SELF else set()
        unused |= {"cue", "cue_way"} if self.cue == NO_CUE else {"cue_way"} if self.cue == WORD_CUE else set()
        unused |= {name for name in OF_CHOICES if getattr(self, name) == getattr(Options, name)}
        values = {**vars(self), "controls": list(self.controls)}
        return {name: value for name, value in values.items() if name not in unused}

"""A task as a model meets it: how documents are classified and how explanations are asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from faithful_se.errors import UsageError
from faithfulness_metrics.infill import OtherTexts
from faithfulness_metrics.units import WORD_UNIT
from lm_eval_tasks.calls import Answer, Classify, Generate, Messages
from lm_eval_tasks.classification import Question
from lm_eval_tasks.cues import cue_problem
from lm_eval_tasks.document import Document
from lm_eval_tasks.languages import (
    ENGLISH,
    OF_OPTIONS,
    option_problem,
    prompts_of,
    simulation_problem,
    unit_problem,
    wording_problem,
)
from lm_eval_tasks.operators import prompt_problem
from lm_eval_tasks.options import Options
from lm_eval_tasks.sources.source import Source
from lm_eval_tasks.styles import STYLES, simulation
from lm_eval_tasks.styles.explanation import Request


@dataclass(frozen=True)
class TaskSpec:
    """One dataset, one style, one budget, one set of options."""

    question: Question  # the dataset's
    style: str  # a key of `STYLES`
    budget: str  # one of `lm_eval_tasks.styles.BUDGETS`
    options: Options = field(default_factory=Options)  # what the user chose
    system: str | None = None  # the system instruction that opens every conversation; None for none
    generation: str = "{}"  # the generation settings of explanations, as JSON
    rationales: bool = False  # whether people marked words in documents of this dataset
    examples: Messages = ()  # turns of labelled examples, before the question of every classification
    prior_documents: tuple[Document, ...] = ()  # the texts of `prior=texts`
    # `classifier=calibrated`: nats per label; None until `lm_eval_tasks.label_prior` has measured it
    prior: Mapping[str, float] | None = None
    others: OtherTexts | None = None  # texts that the operator `infill` takes words from
    source: Source | None = None  # who explains in place of the model; None where it explains itself

    def __post_init__(self) -> None:
        style, question = STYLES[self.style], self.question
        if self.budget not in style.MAX_TOKENS:
            raise UsageError(f"{self.style} has no budget {self.budget}: give {' or '.join(style.MAX_TOKENS)}")
        if style.SIMULATES and (problem := simulation_problem(question.language, dict(question.prompts))):
            raise UsageError(f"{question.dataset}: {problem}")
        if "substitute" in self.options.operators and question.language != ENGLISH:
            raise UsageError(
                f"operator=substitute writes English words, and {question.dataset} is in {question.language}: take "
                "operator=mask, delete or infill"
            )
        if problem := unit_problem(self.options.unit, question.language, dict(question.prompts)):
            raise UsageError(f"{question.dataset}: {problem}")
        prompts = {**prompts_of(question.language), **dict(question.prompts)}
        if problem := prompt_problem(self.options.removal, self.options.unit, prompts):
            raise UsageError(f"{question.dataset}: operator={self.options.operator}: {problem}")
        if problem := cue_problem(self.options.cue, question.language, style):
            raise UsageError(f"{question.dataset}: {problem}")
        if self.options.template > 1 and (problem := wording_problem(question.language, dict(question.prompts))):
            raise UsageError(f"{question.dataset}: template={self.options.template}: {problem}")

        for option in OF_OPTIONS:
            value, problem = getattr(self.options, option), option_problem(option, question.language, prompts)
            if value != getattr(Options, option) and problem:
                raise UsageError(f"{question.dataset}: {option}={value}: {problem}")

    @property
    def calibrated(self) -> bool:
        """Whether labels are ranked by their log-probability minus a prior."""
        return self.options.classifier == "calibrated"

    @cached_property
    def prior_calls(self) -> tuple[Classify, ...]:
        """The classifications of `prior_documents`, the same for every document of the task."""
        return tuple(map(self.classify, self.prior_documents))

    def in_units(self, document: Document) -> Document:
        """The document, with the words or sentences that explanations name."""
        unit, language = self.options.unit, self.question.language
        same = (document.unit, document.language) == (unit, language)
        document = document if same else replace(document, unit=unit, language=language)
        return document if document.others is self.others else replace(document, others=self.others)

    def question_about(self, document: Document) -> Question:
        """The dataset's question, with the document's own labels and choices where it has some."""
        return self.question.about(document)

    def labels_of(self, document: Document) -> tuple[str, ...]:
        """The labels that a model may answer with about a document, "unknown" included where it is offered."""
        return self.question_about(document).choices(self.options.unknown)

    def target(self, document: Document, predicted: str) -> str:
        """The label that the explanation must reach; "" in styles without a target."""
        return STYLES[self.style].target(document, self.question_about(document).labels, predicted)

    def request(self, document: Document, target: str = "") -> Request:
        """Everything that the wording of the request for an explanation depends on."""
        options = self.options
        return Request(
            self.question_about(document),
            self.budget,
            options.mask,
            options.removal,
            target,
            options.unit,
            options.template,
        )

    def classify(self, document: Document) -> Classify:
        """The classification of a document, in a conversation of its own."""
        question, options = self.question_about(document), self.options
        mask = options.mask if "mask" in options.operators else None
        prompt = question.classify(document.prompt_fields, mask, options.unknown, options.unit)
        return self._classify(prompt, question)

    def classify_nothing(self, document: Document) -> Classify:
        """The classification of a document, without its text."""
        question, options = self.question_about(document), self.options
        mask = options.mask if "mask" in options.operators else None
        prompt = question.classify_nothing(mask, options.unknown, options.unit)
        return self._classify(prompt, question)

    def _classify(self, prompt: str, question: Question) -> Classify:
        labels = question.choices(self.options.unknown)
        messages = (*self.opening(), *self.examples, ("user", prompt))
        prior = tuple(self.prior[label] for label in labels) if self.prior else ()
        call = self._choose(messages, labels, question, question.synonyms, prior)
        samples = self.options.samples
        return replace(call, samples=samples, sampling=self.generation) if samples > 1 else call

    def _choose(
        self,
        messages: Messages,
        answers: tuple[str, ...],
        question: Question,
        synonyms: tuple[tuple[str, ...], ...],
        prior: tuple[float, ...] = (),
    ) -> Classify:
        """A call for one of some answers, ranked or read as the options say."""
        ranked = self.options.ranked
        thinking_tokens = 0 if ranked else self.options.thinking_tokens
        denials = None if question.language == ENGLISH else question.phrases("denials")
        return Classify(messages, answers, ranked, prior, thinking_tokens, synonyms, denials)

    def explain(self, document: Document, prediction: Answer, target: str = "", reasoned: Messages = ()) -> Generate:
        """The request for an explanation, after the answer (`context=same`) or in a new conversation (`fresh`).

        `reasoned` is the conversation up to a sentence of reasoning, which the request then follows.
        """
        style = STYLES[self.style]
        text = style.ask(self.request(document, target))
        messages = (*reasoned, ("user", text)) if reasoned else self.conversation(document, prediction, text)
        room = style.MAX_TOKENS[self.budget]
        repeats, adds = self._longest_answer(document)
        return Generate(messages, self.generation, self.options.thinking_tokens, room, repeats, adds)

    def simulate(self, document: Document, prediction: Answer, word: str) -> Classify:
        """The question whether the answer would change without a word, where the request for an explanation stands."""
        request = self.request(document)
        messages = self.conversation(document, prediction, simulation.ask_whether(request, word))
        answers, synonyms = simulation.yes_and_no(request.question), simulation.synonyms(request.question)
        return self._choose(messages, answers, request.question, synonyms)

    def conversation(self, document: Document, prediction: Answer, sentence: str) -> Messages:
        """A conversation that ends with a question about the answer."""
        if self.options.context == "same":
            answer = ("assistant", self.turn(prediction))
            return (*self.classify(document).messages, answer, ("user", sentence))
        question = self.question_about(document)
        prompt = question.explain_fresh(document.prompt_fields, str(prediction.label), sentence)
        return (*self.opening(), ("user", prompt))

    def _longest_answer(self, document: Document) -> tuple[str, str]:
        """What an answer repeats of a document at most, and what it adds: the answer must have room for both."""
        rewrites = STYLES[self.style].ANSWERS_WITH_TEXT
        text = self.question_about(document).as_answer(document.fields)
        if document.unit == WORD_UNIT:
            return (text, f" {self.options.mask}" * self._most_changes(document)) if rewrites else ("", "")
        # A list of sentences may name them all. A rewriting may change each into one as long.
        longest = max((unit.text for unit in document.units), key=len, default="")
        named = longest if self.budget == "oneword" else text
        return (text, named) if rewrites else (named, "")

    def _most_changes(self, document: Document) -> int:
        """How many words of a document a rewriting changes at most: those of one type, or half of them."""
        counts = Counter(word.key for word in document.words)
        return max(max(counts.values(), default=0), counts.total() // 2 if self.budget == "multiword" else 0)

    def turn(self, prediction: Answer) -> str:
        """An answer as it stands in the conversation that goes on: without its thought, unless `thoughts=keep`."""
        kept = self.options.thoughts == "keep"
        return (prediction.opening + prediction.text if kept else prediction.reply).strip()

    def opening(self) -> Messages:
        """The turns that open every conversation."""
        return (("system", self.system),) if self.system else ()

"""A task as a model meets it: how documents are classified and how explanations are asked for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from lm_eval_tasks.calls import Answer, Classify, Generate, Messages
from lm_eval_tasks.classification import Question
from lm_eval_tasks.document import Document
from lm_eval_tasks.options import Options
from lm_eval_tasks.styles import STYLES
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

    def question_about(self, document: Document) -> Question:
        """The dataset's question, with the document's own labels where it has some."""
        return replace(self.question, labels=document.labels) if document.labels else self.question

    def target(self, document: Document, predicted: str) -> str:
        """The label that the explanation must reach; "" in styles without a target."""
        return STYLES[self.style].target(document, self.question_about(document).labels, predicted)

    def request(self, document: Document, target: str = "") -> Request:
        """Everything that the wording of the request for an explanation depends on."""
        return Request(self.question_about(document), self.budget, self.options.mask, self.options.operator, target)

    def classify(self, document: Document) -> Classify:
        """The classification of a document, in a conversation of its own."""
        question, options = self.question_about(document), self.options
        mask = options.mask if options.operator == "mask" else None
        prompt = question.classify(document.fields, mask, options.unknown)
        ranked = options.classifier == "loglikelihood"
        return Classify((*self._opening(), ("user", prompt)), question.choices(options.unknown), ranked)

    def explain(self, document: Document, prediction: Answer, target: str = "") -> Generate:
        """The request for an explanation, after the answer (`context=same`) or in a new conversation (`fresh`)."""
        sentence = STYLES[self.style].ask(self.request(document, target))
        messages: Messages
        if self.options.context == "same":
            answer = ("assistant", prediction.text.strip())
            messages = (*self.classify(document).messages, answer, ("user", sentence))
        else:
            prompt = self.question.explain_fresh(document.fields, str(prediction.label), sentence)
            messages = (*self._opening(), ("user", prompt))
        style = STYLES[self.style]
        repeats = self.question.as_answer(document.fields) if style.ANSWERS_WITH_TEXT else ""
        adds = f" {self.options.mask}" * self._most_changes(document) if repeats else ""
        return Generate(messages, self.generation, style.MAX_TOKENS[self.budget], repeats, adds)

    def _most_changes(self, document: Document) -> int:
        """How many words of a document a rewriting changes at most: those of one type, or half of them."""
        counts = Counter(word.key for word in document.words)
        return max(max(counts.values(), default=0), counts.total() // 2 if self.budget == "multiword" else 0)

    def _opening(self) -> Messages:
        return (("system", self.system),) if self.system else ()

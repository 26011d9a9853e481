"""The texts and tasks on which `lm_eval_tasks.certify` scores the metrics, and the scores of rule-based models."""

from __future__ import annotations

from collections.abc import Sequence

from faithful_se.transcript import Transcript
from lm_eval_tasks.data import dataset_spec, load
from lm_eval_tasks.document import Document
from lm_eval_tasks.infill_texts import infill_texts
from lm_eval_tasks.lm_eval_backend import Backend
from lm_eval_tasks.metrics import Value, score
from lm_eval_tasks.operators import OPERATORS
from lm_eval_tasks.options import CONTROLS, Options
from lm_eval_tasks.protocol import self_explain
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.rule_models.prompt_parser import Conversation
from lm_eval_tasks.rule_models.rules import label_of, one_word_decides, ranked_words
from lm_eval_tasks.scheduler import run
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import BUDGETS

DATASET, DOCUMENTS = "agnews", 100


def task(style: str, dataset: str = DATASET, budget: str = BUDGETS[0]) -> TaskSpec:
    """A task with every control and operator, ranked labels and “unknown”, so that it reports every key it can."""
    operator = "+".join(OPERATORS)
    options = Options(data="mini", classifier="loglikelihood", controls=CONTROLS, unknown=True, operator=operator)
    source = dataset_spec(dataset)
    return TaskSpec(source.question, style, budget, options, others=infill_texts(source, "mini"))


def texts(spec: TaskSpec) -> list[Document]:
    """The texts of the mini data."""
    dataset = dataset_spec(spec.question.dataset)
    return [dataset.document(row) for row in load(dataset, "mini")]


def one_decides(spec: TaskSpec, document: Document) -> bool:
    """Whether one word of a text decides and another does not: a true and an untrue explanation are known."""
    conversation = Conversation(spec.question, dict(document.fields), spec.options.mask, False)
    return one_word_decides(conversation) and len({word.key for word in conversation.words}) > 1


def two_decide(spec: TaskSpec, document: Document) -> bool:
    """Whether the two heaviest words of a text decide together, and no single word does; it has two others."""
    conversation = Conversation(spec.question, dict(document.fields), spec.options.mask, False)
    words = ranked_words(conversation)
    is_new = [label_of(conversation, words[:size]) != label_of(conversation) for size in (1, 2)]
    return is_new == [False, True] and len(words) > 3


def score_all(model: RuleLM, spec: TaskSpec, documents: Sequence[Document]) -> list[dict[str, Value]]:
    """The metric values of each document, with an evaluation's own procedure."""
    backend = Backend(model, model.apply_chat_template)
    transcripts: list[Transcript] = run([self_explain(spec, document) for document in documents], backend.respond)
    return [score(transcript, spec, document) for transcript, document in zip(transcripts, documents, strict=True)]

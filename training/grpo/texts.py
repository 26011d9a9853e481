"""The texts of a training by reinforcement: none is in the evaluation, nor among the held-out ones that checks ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from faithful_se.errors import UsageError
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.document import Document
from lm_eval_tasks.order import ordered
from lm_eval_tasks.spec import TaskSpec
from training.attribution.declared_options import check_declared_options
from training.attribution.inputs import from_dataset, load_split
from training.attribution.options import LabelOptions
from training.build.decontaminate import EvaluationTexts
from training.grpo.arguments import GrpoArguments


@dataclass(frozen=True)
class Texts:
    """The texts of one dataset.

    Attributes:
        specs: the tasks that ask for explanations of them, one for each style.
        trained: of the training split.
        held_out: of the validation split.
    """

    specs: tuple[TaskSpec, ...]
    trained: tuple[Document, ...]
    held_out: tuple[Document, ...]

    @property
    def name(self) -> str:
        """Name of the dataset."""
        return self.specs[0].question.dataset


def read_texts(arguments: GrpoArguments, log: Callable[[str], None] = lambda line: None) -> list[Texts]:
    """Read the texts of all datasets.

    Raises:
        UsageError: a dataset or a split that is not there, or no text that may be trained on.
    """
    return [_read_dataset(name, arguments, log) for name in arguments.tasks]


def _read_dataset(name: str, arguments: GrpoArguments, log: Callable[[str], None]) -> Texts:
    options = arguments.task_options
    dataset = dataset_spec(name, arguments.include_path)
    check_declared_options(dataset, options)
    labels = LabelOptions(num_fewshot=arguments.num_fewshot)
    source = from_dataset(dataset, options, "train", arguments.limit, arguments.system, labels)
    dataset = dataset.with_options(options)

    def documents(split: str) -> list[Document]:
        rows = ordered(load_split(dataset, options.data, split), dataset, options.order, options.order_seed)
        return [document for document in map(dataset.document, rows) if document.words]

    tests = documents("test")
    examples = {document.hash for document in source.spec.prior_documents}
    in_tests, held_out = EvaluationTexts(tests), list[Document]()
    if arguments.held_out:
        for document in documents("validation"):
            if len(held_out) < arguments.held_out and document.hash not in examples and not in_tests.reason(document):
                held_out.append(document)
        if not held_out:
            raise UsageError(f"{name}: no text of the validation split is left for checks: give --held_out 0")
    others = EvaluationTexts([*tests, *held_out])
    trained = [document for document in source.documents if document.words and not others.reason(document)]
    left_out = len(source.documents) - len(trained)
    log(f"{name}: {len(trained)} texts; {left_out} left out because of {len(others)} texts of evaluation and checks")
    if not trained:
        raise UsageError(f"{name}: no text of the training split is left: give a larger --limit")
    specs = [replace(source.spec, style=style, budget=arguments.budget) for style in arguments.styles]
    return Texts(tuple(specs), _in_units(specs[0], trained), _in_units(specs[0], held_out))


def _in_units(spec: TaskSpec, documents: Sequence[Document]) -> tuple[Document, ...]:
    return tuple(map(spec.in_units, documents))

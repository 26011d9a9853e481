"""The lm-eval task: one class for all datasets, styles and budgets. The YAML files declare which."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from datasets import Dataset
from lm_eval.api.instance import Instance
from lm_eval.api.metrics import mean
from lm_eval.api.task import ConfigurableTask
from lm_eval.utils import warning_once

from faithful_se.errors import UsageError
from faithful_se.transcript import Transcript
from faithfulness_metrics.units import WORD_UNIT
from lm_eval_tasks import LOGGER, request_type
from lm_eval_tasks.aggregation import Aggregation
from lm_eval_tasks.asked_questions import note_question
from lm_eval_tasks.cues import shown_cue
from lm_eval_tasks.data import DatasetSpec, load
from lm_eval_tasks.disks import check_command
from lm_eval_tasks.elicitation import reasoning_request
from lm_eval_tasks.examples import add_examples_and_prior_texts
from lm_eval_tasks.metrics import metrics_of, score
from lm_eval_tasks.options import DIRECT, FEWSHOT_SEED, SELF
from lm_eval_tasks.order import ordered
from lm_eval_tasks.sources import TaskOfSource, open_source
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import STYLES
from lm_eval_tasks.styles.simulation import ask_whether
from lm_eval_tasks.task_settings import check_choice, check_sampling, note_settings, read_settings

logger = logging.getLogger(LOGGER)

Result = TypeVar("Result")

request_type.install()


class SelfExplainTask(ConfigurableTask):
    """`faithful_se_<dataset>_<style>_<budget>`: see docs/protocol.md, "One document through the protocol".

    Emits one `self_explain` request per document. The response is the document's transcript as a JSON string.

    Attributes:
        source: the dataset.
        spec: what the task asks.
        render: `lm.apply_chat_template` where the run applies one.
        sample_indices: the documents that `--samples` chooses; empty for all.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        settings = copy.deepcopy({key: value for key, value in config.items() if key != "class"})
        options = read_settings(settings)
        if options.unit != WORD_UNIT:  # the limits of the YAML are for words
            settings.get("generation_kwargs", {}).pop("max_gen_toks", None)
        check_command()
        declared = settings["metadata"]["faithful_se"]
        # lm-eval says which file a task is from: rows may lie beside it.
        file = Path(settings["metadata"].get("config_source", ""))
        source = DatasetSpec.from_config(settings, home=file.parent if file.suffix == ".yaml" else "")
        self.source = self._named(source.with_options, settings["task"], options)
        options = replace(options, data=self.source.data(options.data))
        note_question(self.source.question)
        style, budget, rationales = declared["style"], declared["budget"], self.source.has_rationales
        of = TaskOfSource(settings["task"], declared["dataset"], style, budget, options.unit, rationales)
        explainer = self._named(open_source, settings["task"], options.explanations, of)
        options = replace(options, explanations=explainer.name if explainer else SELF)
        self.spec = TaskSpec(self.source.question, style, budget, options, rationales=rationales, source=explainer)
        self.render: Callable[..., Any] | None = None
        self.sample_indices: list[int] = []
        self.fewshot_seed = FEWSHOT_SEED
        super().__init__(config=settings)
        # evaluate() pads the ranks of a data-parallel run by this name.
        self.OUTPUT_TYPE = "self_explain"
        self._register_metrics()
        note_settings(self.config.metadata, self.spec, self.eval_docs)

    def _register_metrics(self) -> None:
        metrics = metrics_of(self.spec)
        self.config.metric_list = [{"metric": name} for name in metrics]
        self._metric_fn_list = dict.fromkeys(metrics)
        self._higher_is_better = {
            name: metric.higher_is_better for name, metric in metrics.items() if metric.higher_is_better is not None
        }
        self._aggregation_list = {
            name: Aggregation(metric.aggregate, metric.stderr) if metric.aggregate and metric.stderr else mean
            for name, metric in metrics.items()
        }

    def download(self, dataset_kwargs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        """Read the evaluation split, in the order that the options ask for. All tasks of a dataset share it."""
        options = self.spec.options
        rows = self._in_task(load, self.source, options.data)
        self.dataset = {self.config.test_split: ordered(rows, self.source, options.order, options.order_seed)}

    def test_docs(self) -> Dataset:
        """The documents to evaluate."""
        return self.dataset[self.config.test_split]

    def fewshot_docs(self) -> None:
        """None: `lm_eval_tasks.examples` draws the examples, which must be the same for every perturbed text."""

    def set_fewshot_seed(self, seed: int | None = None) -> None:
        """Keep the seed of the examples: `--seed`, its fourth value."""
        super().set_fewshot_seed(seed)
        self.fewshot_seed = FEWSHOT_SEED if seed is None else seed

    def doc_to_text(self, doc: Mapping[str, Any], doc_to_text: Any = None) -> str:
        """The classification prompt."""
        return self.spec.classify(self.source.document(doc)).messages[-1][1]

    def doc_to_target(self, doc: Mapping[str, Any], doc_to_target: Any = None) -> str:
        """The gold label."""
        return str(self.source.document(doc).gold)

    def build_all_requests(self, *, cache_requests: bool = False, **kwargs: Any) -> None:
        """Build the requests. lm-eval passes the system instruction and the chat template here only.

        Raises:
            UsageError: `--limit` leaves no document, or fewer documents than processes; or sampling at temperature 0.
        """
        if cache_requests:
            warning_once(logger, "--cache_requests is not used: its keys do not hold options and data")
        settings = self.config.generation_kwargs or {}
        check_sampling(self.config.task, settings, self.spec.options.samples)
        generation = json.dumps(settings, sort_keys=True)
        self.spec = replace(self.spec, system=kwargs.get("system_instruction"), generation=generation)
        self.render = kwargs.get("chat_template") if kwargs.get("apply_chat_template") else None
        self._add_examples_and_prior(multiturn=kwargs.get("fewshot_as_multiturn") is not False)
        limit, processes = kwargs.get("limit"), kwargs.get("world_size", 1)
        self.sample_indices = sorted(set(kwargs.get("samples") or ()))
        check_choice(self.config.task, self.spec.options, self.sample_indices, limit, len(self.eval_docs), processes)
        super().build_all_requests(cache_requests=False, **kwargs)
        if self.spec.source:
            documents = [self.spec.in_units(instance.document) for instance in self.instances]
            self._in_task(self.spec.source.check, documents)

    def _add_examples_and_prior(self, multiturn: bool) -> None:
        """Give the task its examples and the texts of its prior."""
        count, seed = int(self.config.num_fewshot or 0), self.fewshot_seed
        self.spec, _ = self._in_task(add_examples_and_prior_texts, self.spec, self.source, count, seed)
        if not count:
            return
        if self.render and not multiturn:
            warning_once(logger, "--fewshot_as_multiturn false is not used: every example is two turns")
        self.config.metadata["faithful_se"].update(num_fewshot=count, fewshot_seed=seed)

    def _in_task(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Call a function whose `UsageError` does not know the task's name."""
        return self._named(function, self.config.task, *arguments)

    @staticmethod
    def _named(function: Callable[..., Result], task: str, *arguments: Any) -> Result:
        try:
            return function(*arguments)
        except UsageError as error:
            raise UsageError(f"{task}: {error!s}") from error

    def fewshot_context(self, doc: Mapping[str, Any], num_fewshot: int, **kwargs: Any) -> str:  # type: ignore[override]
        """The text that lm-eval shows and hashes as the prompt: the first turn, and the request of the second."""
        document = self.source.document(doc)
        opening = "\n\n".join(content for _, content in self.spec.classify(document).messages)
        request = self.spec.request(document, target="…")
        cue = f"\n\n[cue] {text}" if (text := shown_cue(request.question, self.spec.options)) else ""
        simulate = f"\n\n[simulate] {ask_whether(request, '…')}" if STYLES[self.spec.style].SIMULATES else ""
        reason = f"\n\n[reason] {reasoning_request(request.question)}" if self.spec.options.elicit != DIRECT else ""
        return f"{opening}{cue}{reason}\n\n[explain] {STYLES[self.spec.style].ask(request)}{simulate}"

    def construct_requests(self, doc: dict[str, Any], ctx: str, **kwargs: Any) -> Instance:
        """One `self_explain` request."""
        index = kwargs["metadata"][1]
        return request_type.SelfExplainRequest(
            request_type="self_explain",  # type: ignore[arg-type]
            doc=doc,
            arguments=(ctx,),
            idx=0,
            metadata=kwargs["metadata"],
            spec=self.spec,
            document=self.source.document(doc),
            render=self.render,
            metadata_of_task=self.config.metadata,
            number=self.sample_indices[index] if self.sample_indices else index,
        )

    def process_results(self, doc: Mapping[str, Any], results: list[str]) -> dict[str, Any]:
        """Metric values of one document, from its transcript."""
        if "bypass" in self._metric_fn_list:  # --predict_only
            return {"bypass": None}
        transcript: Transcript = json.loads(results[0])
        if transcript["prior"] and not self.source.choices:  # the same in all documents of the task
            self.config.metadata["label_prior"] = transcript["prior"]
        return dict(score(transcript, self.spec, self.source.document(doc)))

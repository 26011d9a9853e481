"""The lm-eval task: one class for all datasets, styles and budgets. The YAML says which."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from datasets import Dataset
from lm_eval.api.instance import Instance
from lm_eval.api.metrics import mean
from lm_eval.api.task import ConfigurableTask
from lm_eval.utils import warning_once

from faithful_se.errors import UsageError
from faithful_se.transcript import Transcript
from lm_eval_tasks import LOGGER, lm_eval_backend
from lm_eval_tasks.data import DatasetSpec, check_revisions, load
from lm_eval_tasks.metrics import metrics_of, score
from lm_eval_tasks.options import read_options
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import BUDGETS, STYLES

logger = logging.getLogger(LOGGER)

lm_eval_backend.install()


class SelfExplainTask(ConfigurableTask):
    """`faithful_se_<dataset>_<style>_<budget>`: see design.md, "One document through the protocol".

    Emits one `self_explain` request per document; the response is the document's transcript as a JSON string.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        settings = copy.deepcopy({key: value for key, value in config.items() if key != "class"})
        name, metadata = settings["task"], settings["metadata"]
        declared = metadata.get("faithful_se")
        if not isinstance(declared, dict) or "dataset" not in declared:
            raise UsageError(
                f"{name}: metadata.faithful_se does not declare the task; override single options, "
                "as in --metadata classifier=loglikelihood data=DIR"
            )
        options = read_options(name, declared, {key: value for key, value in metadata.items() if key != "faithful_se"})
        check_revisions(name, metadata)
        if revision := metadata.get(f"{declared['dataset']}_revision"):
            settings["dataset_kwargs"] = {**(settings.get("dataset_kwargs") or {}), "revision": str(revision)}
        self.source = DatasetSpec.of(settings)
        if declared["style"] not in STYLES or declared["budget"] not in BUDGETS:
            raise UsageError(
                f"{name}: style {declared['style']!r}, budget {declared['budget']!r}: no such style or budget"
            )
        self.spec = TaskSpec(
            self.source.question, declared["style"], declared["budget"], options, rationales=bool(self.source.rationale)
        )
        self.render: Callable[..., Any] | None = None
        self.chosen: list[int] = []  # --samples
        super().__init__(config=settings)
        # evaluate() pads the ranks of a data-parallel run by this name.
        self.OUTPUT_TYPE = "self_explain"
        self._report(options.as_dict())

    def _report(self, options: Mapping[str, Any]) -> None:
        """Write what was really used into the config that lm-eval logs, and the metrics into its tables."""
        self.config.metadata["faithful_se"].update(options, data_fingerprint=self.eval_docs._fingerprint)
        metrics = metrics_of(self.spec)
        self.config.metric_list = [{"metric": name} for name in metrics]
        self._metric_fn_list = dict.fromkeys(metrics)
        self._higher_is_better = {
            name: metric.higher_is_better for name, metric in metrics.items() if metric.higher_is_better is not None
        }
        self._aggregation_list = {}
        for name, metric in metrics.items():
            self._aggregation_list[name] = metric.aggregate or mean
            if metric.stderr:  # lm-eval has none for aggregations of our own: a companion key brings it
                self._aggregation_list[f"{name}_stderr"] = metric.stderr

    def download(self, dataset_kwargs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        """Read the evaluation split, once for all tasks of a dataset."""
        try:
            self.dataset = {self.config.test_split: load(self.source, self.spec.options.data)}
        except UsageError as error:
            raise UsageError(f"{self.config.task}: {error!s}") from error

    def test_docs(self) -> Dataset:
        """The documents that are evaluated."""
        return self.dataset[self.config.test_split]

    def fewshot_docs(self) -> None:
        """None: explanations are asked without examples."""

    def doc_to_text(self, doc: Mapping[str, Any], doc_to_text: Any = None) -> str:
        """The classification prompt."""
        return self.spec.classify(self.source.document(doc)).messages[-1][1]

    def doc_to_target(self, doc: Mapping[str, Any], doc_to_target: Any = None) -> str:
        """The gold label."""
        return str(self.source.document(doc).gold)

    def build_all_requests(self, *, cache_requests: bool = False, **kwargs: Any) -> None:
        """Build the requests. The system instruction and the chat template are known here and nowhere else."""
        if cache_requests:
            warning_once(logger, "--cache_requests is not used: its keys know nothing of options and data")
        generation = json.dumps(self.config.generation_kwargs or {}, sort_keys=True)
        self.spec = replace(self.spec, system=kwargs.get("system_instruction"), generation=generation)
        self.render = kwargs.get("chat_template") if kwargs.get("apply_chat_template") else None
        limit = kwargs.get("limit")
        if limit is not None and limit <= 0:
            raise UsageError(f"{self.config.task}: --limit leaves no document: give a number above 0")
        self.chosen = sorted(set(kwargs.get("samples") or ()))
        count = len(self.chosen) or min(len(self.eval_docs), int(kwargs.get("limit") or len(self.eval_docs)))
        if count < (processes := kwargs.get("world_size", 1)):
            # lm-eval would end in the process that has none, and leave the others waiting.
            raise UsageError(f"{self.config.task}: fewer documents ({count}) than processes ({processes})")
        super().build_all_requests(cache_requests=False, **kwargs)

    def fewshot_context(self, doc: Mapping[str, Any], num_fewshot: int, **kwargs: Any) -> str:  # type: ignore[override]
        """What lm-eval shows and hashes as the prompt: the first turn, and what will be asked in the second."""
        document = self.source.document(doc)
        opening = "\n\n".join(content for _, content in self.spec.classify(document).messages)
        asked = STYLES[self.spec.style].ask(self.spec.request(document, target="…"))
        return f"{opening}\n\n[explain] {asked}"

    def construct_requests(self, doc: dict[str, Any], ctx: str, **kwargs: Any) -> Instance:
        """One `self_explain` request."""
        place = kwargs["metadata"][1]
        return lm_eval_backend.SelfExplainRequest(
            request_type="self_explain",  # type: ignore[arg-type]
            doc=doc,
            arguments=(ctx,),
            idx=0,
            metadata=kwargs["metadata"],
            spec=self.spec,
            document=self.source.document(doc),
            render=self.render,
            number=self.chosen[place] if self.chosen else place,
        )

    def process_results(self, doc: Mapping[str, Any], results: list[str]) -> dict[str, Any]:
        """Metric values of one document, from its transcript."""
        if "bypass" in self._metric_fn_list:  # --predict_only
            return {"bypass": None}
        transcript: Transcript = json.loads(results[0])
        values: dict[str, Any] = {}
        for name, value in score(transcript, self.spec, self.source.document(doc)).items():
            values[name] = value
            if f"{name}_stderr" in self._aggregation_list:
                values[f"{name}_stderr"] = value
        return values

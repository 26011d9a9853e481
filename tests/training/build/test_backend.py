"""The model of a build: it answers through lm-eval's backend, and another model is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from faithful_se.errors import UsageError
from lm_eval_tasks.document import Document
from tests.tiny_model import write_tiny_chat_model
from tests.training.build.rule_model import QUESTION, TEXTS, spec

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    prompts = [QUESTION.classify({"text": text}, "[REDACTED]", False) for text in TEXTS]
    return write_tiny_chat_model(tmp_path_factory.mktemp("model"), prompts, hidden=16, layers=1)


def test_attributions_of_another_model_are_refused_by_name(model: Path) -> None:
    from training.build.backend import load_responder

    with pytest.raises(
        UsageError, match=r"the attributions are of another model \(0123; .* is [0-9a-f]{16}\)"
    ) as error:
        load_responder(str(model), "0123")
    assert "\n" not in str(error.value)


def test_a_base_without_a_chat_template_is_refused(model: Path, tmp_path: Path) -> None:
    from training.build.backend import load_responder

    shutil.copytree(model, tmp_path / "bare")
    (tmp_path / "bare" / "chat_template.jinja").unlink()
    with pytest.raises(UsageError, match="has no chat template"):
        load_responder(str(tmp_path / "bare"), "0123")


def test_prompts_and_answers_are_those_of_an_evaluation(model: Path) -> None:
    from lm_eval.models.huggingface import HFLM

    from lm_eval_tasks.lm_eval_backend import Backend
    from training.build.backend import load_responder
    from training.models.loading import fingerprint, load_model

    calls = [spec("attribution").classify(Document({"text": text})) for text in TEXTS]
    lm = HFLM(pretrained=str(model), device="cpu", batch_size=2)
    expected = Backend(lm, lm.apply_chat_template).respond(calls)
    assert load_responder(str(model), fingerprint(load_model(str(model))[0])).respond(calls) == expected

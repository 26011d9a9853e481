"""Whatever a text or a file of texts holds: it is evaluated, or one line says what is wrong with it.

A thousand each: pytest --hypothesis-profile=explore tests/lm_eval_tasks/test_fuzzed_texts.py
"""

from __future__ import annotations

import gzip
import json
import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faithful_se import evaluate
from lm_eval_tasks import LOGGER
from lm_eval_tasks.data import dataset_spec, load
from lm_eval_tasks.options import CHOICES
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.rule_models.strategies import STRATEGIES
from lm_eval_tasks.styles import BUDGETS, EXPLANATION_STYLES
from tests.lm_eval_tasks.fuzz import TEXTS, documents, examples, refused_in_one_line
from tests.lm_eval_tasks.test_data_files import FILES
from tests.spoiled_files import spoiled


@examples(30)
@given(st.data())
def test_any_text_is_evaluated(data: st.DataObject) -> None:
    dataset = data.draw(st.sampled_from(["sentiment140", "snli"]))
    texts = data.draw(st.lists(documents(dataset_spec(dataset).question), min_size=1, max_size=3))
    names = {name: data.draw(st.sampled_from(values)) for name, values in CHOICES.items() if name != "prior"}
    # The oracle asks about as many texts as there are words.
    is_long = any(len(text) > 1000 for fields in texts for text in fields.values())
    settings = {
        "style": data.draw(st.sampled_from(EXPLANATION_STYLES)),
        "budget": data.draw(st.sampled_from(BUDGETS)),
        "controls": ("random", "stability") if is_long else ("random", "oracle", "stability"),
        **{name: value for name, value in names.items() if name in ("operator", "context", "classifier")},
    }
    if settings["operator"] == "infill":
        settings["infill_texts"] = [dict.fromkeys(texts[0], "one two")]
    model = RuleLM(data.draw(st.sampled_from(list(STRATEGIES))))
    with refused_in_one_line():
        evaluation = evaluate(model, None, texts, dataset=dataset, **settings)  # type: ignore[arg-type]
        assert len(evaluation.transcripts) == len(texts)
        json.dumps([evaluation.transcripts, evaluation.scores], allow_nan=False).encode()


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@examples(20)
@given(st.data())
def test_any_file_is_read(kind: str, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([name for name in FILES if (kind == "jsonl") == ("json" in name)]))
    content = FILES[name] if isinstance(FILES[name], bytes) else FILES[name].encode()
    texts = data.draw(st.lists(TEXTS, max_size=3))
    if "csv" in name and not name.endswith("gz"):
        content += "".join(f"{text},1\n" for text in texts).encode("utf-8", "surrogatepass")
    elif name == "test.jsonl":
        content += "".join(f'\n{{"text": {json.dumps(text)}, "label": 0}}' for text in texts).encode()
    content = data.draw(spoiled(gzip.decompress(content) if name.endswith("gz") else content))
    path = tmp_path_factory.mktemp("files") / "ag_news" / name
    path.parent.mkdir()
    path.write_bytes(gzip.compress(content, 1) if name.endswith("gz") else content)
    logging.getLogger(LOGGER).setLevel(logging.ERROR)
    with refused_in_one_line(str(Path("ag_news", name))):
        rows = load(dataset_spec("agnews"), str(path.parents[1]))
        assert all(row["text"].encode() is not None for row in rows)

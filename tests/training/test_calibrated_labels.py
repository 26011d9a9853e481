"""attribute, build and lm_eval ask for labels alike: the same examples and, but for rounding, the same prior."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from faithful_se.errors import UsageError
from faithful_se.files import read_jsonl
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.options import FEWSHOT_SEED
from tests.tiny_data import texts_of, write_data
from tests.tiny_model import write_tiny_chat_model
from tests.training.build.rule_model import attributions
from training.attribution.cli import main as attribute
from training.build.cli import main as build

DATASETS = ("sentiment140", "snli")
WAYS = {
    "texts": ["--classifier", "calibrated", "--prior-texts", "5", "--num-fewshot", "3"],
    "contextual": ["--classifier", "calibrated", "--prior", "contextual"],
    "domain": ["--classifier", "calibrated", "--prior", "domain", "--num-fewshot", "2", "--fewshot-seed", "5"],
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"), 9, splits=("test", "train"))


@pytest.fixture(scope="module")
def model(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_chat_model(tmp_path_factory.mktemp("model"), texts_of(data), hidden=16, layers=1, context=8192)


@pytest.fixture(scope="module")
def command(model: Path, data: Path) -> list[str]:
    return ["--model", str(model), "--tasks", *DATASETS, "--data", str(data)]


def centred(logprobs: dict[str, float]) -> dict[str, float]:
    """Without what all labels share: lm-eval also scores the blanks that end the prompt."""
    mean = sum(logprobs.values()) / len(logprobs)
    return {label: value - mean for label, value in logprobs.items()}


@pytest.mark.parametrize("way", WAYS)
def test_attribute_and_lm_eval_agree(
    way: str, model: Path, command: list[str], data: Path, tmp_path: Path, evaluate: Any
) -> None:
    from lm_eval.models.huggingface import HFLM

    only_snli = ["snli" if word == "sentiment140" else word for word in command if word != "snli"]
    assert attribute([*only_snli, *WAYS[way], "--split", "test", "--out", str(tmp_path)]) == 0
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    options = manifest["options"]
    metadata = {name: options[name] for name in ("classifier", "prior", "prior_texts") if name in options}
    assert (metadata["classifier"], metadata["prior"], "prior_texts" in metadata) == ("calibrated", way, way == "texts")
    extra = {"num_fewshot": options["num_fewshot"], "fewshot_random_seed": manifest.get("fewshot_seed", FEWSHOT_SEED)}
    lm = HFLM(pretrained=str(model), device="cpu", batch_size=8)
    task, controls = "faithful_se_snli_attribution_oneword", {"controls": "none"}
    results = evaluate(lm, data, task, None, extra | {"gen_kwargs": {"max_gen_toks": 1}}, **metadata, **controls)
    prior = results["configs"][task]["metadata"]["label_prior"]
    assert centred(manifest["label_prior"]["snli"]) == pytest.approx(centred(prior), abs=1e-4)
    rows = {row["hash"]: row for row in read_jsonl(tmp_path / "snli.jsonl")}
    for sample in results["samples"][task]:
        transcript = json.loads(sample["resps"][0][0])
        row, prediction = rows[transcript["hash"]], transcript["prediction"]
        assert row["prediction"] == prediction["label"]
        assert centred(row["logprobs"]) == pytest.approx(centred(prediction["logprobs"]), abs=1e-4)
        assert prediction["messages"][:-1] == manifest.get("examples", {}).get("snli", [])
    assert len({row["prediction"] for row in rows.values()}) > 1  # the prior leaves no label always first


def test_build_uses_the_prior_and_the_examples(model: Path, command: list[str], tmp_path: Path) -> None:
    scored, rows = tmp_path / "scored", tmp_path / "rows"
    assert attribute([*command, *WAYS["texts"], "--out", str(scored)]) == 0
    manifest = json.loads((scored / "manifest.json").read_text())
    # Examples are no texts to train on: their labels are in every prompt.
    assert manifest["rows"] == dict.fromkeys(DATASETS, 9 - 3)
    words = ["--attributions", str(scored), "--model", str(model), "--out", str(rows), "--unfiltered"]
    assert build([*words, "--styles", "attribution", "--classifier", "calibrated"]) == 0
    built = list(read_jsonl(rows / "train.jsonl"))
    predictions = {row["hash"]: row["prediction"] for name in DATASETS for row in read_jsonl(scored / f"{name}.jsonl")}
    explanations = [row for row in built if row["style"] == "attribution"]
    assert len(explanations) == len(predictions)  # none is lost: one classifier gives one answer
    for row in explanations:
        assert row["prompt"][:6] == manifest["examples"][row["dataset"]]
        assert row["prediction"] == row["prompt"][-2]["content"] == predictions[row["hash"]]
    settings = json.loads((rows / "manifest.json").read_text())
    assert settings["options"]["classifier"] == "calibrated"
    assert settings["attributions"]["label_prior"] == manifest["label_prior"]
    assert "`calibrated`, 3 examples in the prompt" in (rows / "README.md").read_text()
    for wanted in ("generate", "loglikelihood"):
        with pytest.raises(UsageError, match=f"--classifier {wanted}: the words were scored .* classifier=calibrated"):
            build([*words[:-3], "--out", str(tmp_path / wanted), "--classifier", wanted])


def test_a_resumed_run_keeps_its_prior_and_refuses_another(command: list[str], tmp_path: Path) -> None:
    first = [*command[:3], "sentiment140", *command[5:], *WAYS["texts"], "--out", str(tmp_path)]
    assert attribute([*first, "--limit", "4"]) == 0
    settings = json.loads((tmp_path / "settings.json").read_text())
    assert attribute([*command, *WAYS["texts"], "--out", str(tmp_path)]) == 0  # more texts, another dataset
    resumed = json.loads((tmp_path / "settings.json").read_text())
    for name in ("label_prior", "examples"):
        assert set(resumed[name]) == set(DATASETS)
        assert resumed[name]["sentiment140"] == settings[name]["sentiment140"]
    for more, change in (
        (["--classifier", "calibrated", "--num-fewshot", "3"], "options.prior_texts = 5, now 64"),
        (["--num-fewshot", "3"], "options.classifier = 'calibrated', now 'loglikelihood'"),
        ([*WAYS["texts"][:-1], "4"], "options.num_fewshot = 3, now 4"),
        ([*WAYS["texts"], "--fewshot-seed", "1"], f"fewshot_seed = {FEWSHOT_SEED}, now 1"),
        (WAYS["contextual"] + WAYS["texts"][-2:], "options.prior = 'texts', now 'contextual'"),
    ):
        with pytest.raises(UsageError, match=change):
            attribute([*command, *more, "--out", str(tmp_path)])


@pytest.mark.parametrize(
    ("own", "wanted", "classifier"),
    [
        ("loglikelihood", "", "generate"),
        ("calibrated", "", "calibrated"),
        ("loglikelihood", "generate", "generate"),
        ("loglikelihood", "loglikelihood", "loglikelihood"),
        ("calibrated", "calibrated", "calibrated"),
        ("loglikelihood", "calibrated", None),
        ("calibrated", "loglikelihood", None),
        ("calibrated", "generate", None),
        (None, "", "generate"),  # of an older version
        (None, "loglikelihood", "loglikelihood"),
    ],
)
def test_a_build_explains_the_answers_that_were_attributed(
    own: str | None, wanted: str, classifier: str | None, tmp_path: Path
) -> None:
    texts = attributions(tmp_path)
    texts.manifest["options"] |= {"classifier": own} if own else {}  # type: ignore[typeddict-item]
    if classifier is None:
        with pytest.raises(UsageError, match=r"give that, or attribute again with --classifier"):
            texts.classifier(wanted)
    else:
        assert texts.classifier(wanted) == classifier


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--classifier", "generate"], "attributions rank the labels: give one of loglikelihood, calibrated"),
        (["--prior", "domain"], "prior=domain is for classifier=calibrated: add that, or leave it out"),
        (["--prior-texts", "5"], "prior_texts=5 is for classifier=calibrated"),
        (["--num-fewshot", "-1"], "--num-fewshot -1: give a whole number from 0"),
        (["--fewshot-seed", "1"], "--fewshot-seed is for --num-fewshot: leave it out"),
        (["--classifier", "calibrated", "--whole-answer"], "--whole-answer scores more than the evaluation calibrates"),
        (["--num-fewshot", "50"], "sentiment140: 50 examples are too many, there are too few texts of"),
    ],
)
def test_mistakes_are_one_line(options: list[str], line: str, command: list[str], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=line):
        attribute([*command, *options, "--out", str(tmp_path / "out")])


def test_a_file_with_labels_has_no_other_split(model: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"text": "a quiet dog"}\n')
    own = ["--model", str(model), "--file", str(tmp_path / "rows.jsonl"), "--labels", "good", "bad"]
    for options, line in (
        (
            ["--classifier", "calibrated"],
            "--prior texts are those of a dataset's other split: give --tasks, or --prior",
        ),
        (["--num-fewshot", "2"], "--num-fewshot takes examples from a dataset's training split: give --tasks"),
    ):
        with pytest.raises(UsageError, match=line):
            attribute([*own, *options, "--out", str(tmp_path / "out")])
    assert attribute([*own, *WAYS["contextual"], "--out", str(tmp_path / "out")]) == 0
    (row,) = read_jsonl(tmp_path / "out" / "rows.jsonl")
    assert row["options"]["prior"] == "contextual"


def test_the_python_api_measures_the_same_prior(model: Path, data: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    import faithful_se

    loaded, tokenizer = AutoModelForCausalLM.from_pretrained(model), AutoTokenizer.from_pretrained(model)
    texts = faithful_se.read_documents("sentiment140", str(data), limit=3)
    others = faithful_se.read_documents("sentiment140", str(data), "train", limit=5)
    settings: Any = {
        "dataset": "sentiment140",
        "classifier": "calibrated",
        "prior_texts": [*others, texts[0]],  # which is asked about, and so in no prior
        "examples": [("a good day", "positive"), ("a bad day", "negative")],
    }
    rows = faithful_se.attribute(loaded, tokenizer, texts, **settings)
    result = faithful_se.evaluate(loaded, tokenizer, texts, **settings, generation={"max_gen_toks": 4})
    assert [row.prediction for row in rows] == [t["prediction"]["label"] for t in result.transcripts]
    assert result.transcripts[0]["prediction"]["messages"][1] == {"role": "assistant", "content": "positive"}
    assert result.transcripts[0]["options"]["prior_texts"] == 5
    with pytest.raises(UsageError, match="text 0 is one of the examples"):
        faithful_se.evaluate(loaded, tokenizer, ["a good day"], **(settings | {"prior_texts": others}))
    with pytest.raises(UsageError, match=r"give prior_texts=\[…\], like the texts and none of them, or prior='cont"):
        faithful_se.evaluate(loaded, tokenizer, texts, dataset="sentiment140", classifier="calibrated")
    with pytest.raises(UsageError, match="attributions rank the labels"):
        faithful_se.attribute(loaded, tokenizer, texts, dataset="sentiment140", classifier="generate")
    assert dataset_spec("sentiment140").question.labels == tuple(result.transcripts[0]["prior"] or ())

"""The batched forward, IG and occlusion against plain implementations that take one text at a time."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from captum.attr import IntegratedGradients, LayerIntegratedGradients

from faithfulness_metrics.words import mask_out
from tests.training.attribution import tiny_models as tiny
from training.attribution.attributor import Attributor
from training.attribution.options import AttributionOptions

QUESTIONS = (tiny.TWEET, tiny.PAIR)


def label_logprob(model: Any, ids: list[int], path: tuple[int, ...], embeds: Any = None) -> torch.Tensor:
    """log P(label | prompt), by one plain call of the model; `embeds` stands for the prompt where given."""
    row = torch.tensor([[*ids, *path[:-1]]])
    if embeds is None:
        logits = model(row).logits
    else:
        tail = model.get_input_embeddings()(row[:, len(ids) :]).expand(len(embeds), -1, -1)
        logits = model(inputs_embeds=torch.cat([embeds, tail], 1)).logits
    logprobs = logits[:, len(ids) - 1 :].float().log_softmax(-1)
    return sum(logprobs[:, i, token] for i, token in enumerate(path))


def plain_value(model: Any, tree: Any, ids: list[int], label: int, embeds: Any = None) -> torch.Tensor:
    """The default target: log-probability of the label among the labels."""
    logprobs = torch.stack([label_logprob(model, ids, path, embeds) for path in tree.paths], 1)
    return logprobs.log_softmax(1)[:, label]


@pytest.fixture(scope="module")
def fast() -> Any:
    return tiny.tokenizer()


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.dataset)
@pytest.mark.parametrize("kind", tiny.ARCHITECTURES)
def test_predictions_are_the_models_own(kind: str, question: Any, fast: Any) -> None:
    model = tiny.random_model(kind, len(fast))
    attributor = Attributor(model, fast, tiny.spec(question), AttributionOptions("random"))
    tree, documents = attributor.forward.tree, tiny.documents(question)
    prompts = attributor.renderer.encode(documents)
    assert len(attributor.renderer.prefix) > 20 and any(len(path) > 1 for path in tree.paths)
    for row, prompt in zip(attributor.rows(documents), prompts, strict=True):
        plain = [float(label_logprob(model, prompt.ids, path)) for path in tree.paths]
        assert list(row["logprobs"].values()) == pytest.approx(plain, abs=1e-4)
        assert row["prediction"] == tree.labels[plain.index(max(plain))]


@pytest.mark.parametrize("kind", tiny.ARCHITECTURES)
def test_ig_equals_captum_one_by_one(kind: str, fast: Any) -> None:
    """Against captum's LayerIntegratedGradients on the whole prompt. The mask is one token, so is its baseline."""
    model = tiny.random_model(kind, len(fast))
    options = AttributionOptions("ig", steps=12, target="logprob")
    attributor = Attributor(model, fast, tiny.spec(), options)
    tree, documents = attributor.forward.tree, tiny.documents()
    (mask,) = attributor.renderer.mask_ids(True)
    embedding = model.get_input_embeddings()
    for row, prompt in zip(attributor.rows(documents), attributor.renderer.encode(documents), strict=True):
        path = tree.paths[tree.labels.index(row["prediction"])]
        ids = torch.tensor([prompt.ids])
        baseline = ids.clone()
        for span in prompt.spans:
            baseline[0, list(span)] = mask

        token_scores = _layer_ig(model, embedding, ids, baseline, path, options.steps)
        expected = [float(token_scores[list(span)].sum()) for span in prompt.spans]
        scores_of_row = [word["score"] for word in row["words"]]
        scale = max(map(abs, expected))
        assert scale > 0.01
        assert scores_of_row == pytest.approx(expected, abs=1e-5 * max(scale, 1))


def _layer_ig(model: Any, layer: Any, ids: Any, baseline: Any, path: Any, steps: int) -> torch.Tensor:
    """Scores per token, [n_tokens]: the label is part of the input, and the same in the baseline."""
    tail = torch.tensor([path[:-1]], dtype=torch.long)

    def function(tokens: Any) -> Any:
        logits = model(tokens).logits[:, ids.shape[1] - 1 :].float().log_softmax(-1)
        return sum(logits[:, i, token] for i, token in enumerate(path))

    scores = LayerIntegratedGradients(function, layer).attribute(
        torch.cat([ids, tail], 1), baselines=torch.cat([baseline, tail], 1), n_steps=steps
    )
    return scores[0].sum(-1)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.dataset)
def test_ig_of_a_mask_of_several_tokens(question: Any) -> None:
    """The baseline is the mean of the mask's tokens where their number differs; the default target."""
    fast = tiny.tokenizer(known=())
    model = tiny.random_model("llama", len(fast))
    attributor = Attributor(model, fast, tiny.spec(question), AttributionOptions("ig", steps=8))
    documents = tiny.documents(question)
    after_blank, inside = attributor.renderer.mask_ids(True), attributor.renderer.mask_ids(False)
    assert len(after_blank) > 2 < len(inside)
    for row, prompt in zip(attributor.rows(documents), attributor.renderer.encode(documents), strict=True):
        assert_captum_ig(model, attributor, prompt, row)


def assert_captum_ig(model: Any, attributor: Attributor, prompt: Any, row: Any, tolerance: float = 1e-5) -> None:
    """Compare the scores of a row with captum's Integrated Gradients of the whole prompt."""
    tree, embed = attributor.forward.tree, model.get_input_embeddings()
    after_blank, inside = attributor.renderer.mask_ids(True), attributor.renderer.mask_ids(False)
    label = tree.labels.index(row["prediction"])
    text = embed(torch.tensor([prompt.ids]))
    baseline = text.clone()
    for word, span in zip(prompt.document.words, prompt.spans, strict=True):
        preceding = prompt.document.fields[word.field][: word.start]
        mask = embed(torch.tensor(after_blank if not preceding or preceding[-1] == " " else inside))
        baseline[0, list(span)] = mask if len(mask) == len(span) else mask.mean(0)
    scores = IntegratedGradients(lambda embeds: plain_value(model, tree, prompt.ids, label, embeds)).attribute(
        text, baselines=baseline, n_steps=attributor.options.steps, method="gausslegendre"
    )
    expected = [float(scores[0, list(span)].sum()) for span in prompt.spans]
    scores_of_row = [word["score"] for word in row["words"]]
    assert scores_of_row == pytest.approx(expected, abs=tolerance * max(1, *map(abs, expected)))
    ends = [float(plain_value(model, tree, prompt.ids, label, end)) for end in (text, baseline)]
    assert row["delta"] == pytest.approx(sum(expected) - (ends[0] - ends[1]), abs=10 * tolerance)


@pytest.mark.parametrize("suffix_only", [True, False], ids=["suffix", "whole"])
@pytest.mark.parametrize("kind", tiny.ARCHITECTURES)
def test_occlusion_equals_a_plain_loop(kind: str, suffix_only: bool, fast: Any) -> None:
    """Against every masked text rendered by the chat template and tokenized alone, as the evaluation does."""
    model = tiny.random_model(kind, len(fast))
    options = AttributionOptions("occlusion", suffix_only=suffix_only)
    for question in QUESTIONS:
        spec = tiny.spec(question)
        attributor, documents = Attributor(model, fast, spec, options), tiny.documents(question)
        for row, document in zip(attributor.rows(documents), documents, strict=True):
            assert_plain_occlusion(model, attributor, document, row)


def assert_plain_occlusion(
    model: Any, attributor: Attributor, document: Any, row: Any, tolerance: float = 1e-4
) -> None:
    """Ask the model again about the scores, the top word and the flips of a row."""
    tree, renderer = attributor.forward.tree, attributor.renderer

    def ask(fields: Any) -> torch.Tensor:
        ids = renderer.tokens([renderer.render(fields)])["input_ids"][0]
        return torch.stack([label_logprob(model, ids, path)[0] for path in tree.paths])

    logprobs = ask(document.fields)
    label, scores, flips = int(logprobs.argmax()), {}, {}
    for key in {word.key for word in document.words}:
        positions = [i for i, word in enumerate(document.words) if word.key == key]
        masked_logprobs = ask(mask_out(document.fields, document.words, positions, renderer.spec.options.mask))
        scores[key] = float(logprobs.log_softmax(0)[label] - masked_logprobs.log_softmax(0)[label])
        flips[key] = int(masked_logprobs.argmax()) != label
    assert row["prediction"] == tree.labels[label]
    assert row["types"] == pytest.approx(scores, abs=tolerance)
    top = row["top"]
    assert scores[top["key"]] >= max(scores.values()) - tolerance
    assert row["flips"] == flips[top["key"]]
    assert {document.words[p].key for p in top["positions"]} == {top["key"]}


@pytest.mark.parametrize("kind", ["mistral", "gemma2"])
def test_a_prompt_beyond_the_window_is_recomputed_whole(kind: str, fast: Any) -> None:
    model = tiny.random_model(kind, len(fast), sliding_window=24)
    spec, documents = tiny.spec(tiny.PAIR), tiny.documents(tiny.PAIR)
    attributor = Attributor(model, fast, spec, AttributionOptions("occlusion"))
    assert attributor.forward.limits.window == 24
    for row, document in zip(attributor.rows(documents), documents, strict=True):
        assert_plain_occlusion(model, attributor, document, row)
    ig = Attributor(model, fast, spec, AttributionOptions("ig", steps=40)).rows(documents)
    assert all(abs(row["delta"]) < 0.1 for row in ig)


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_completeness(kind: str, fast: Any) -> None:
    """The scores sum to the difference between text and baseline, ever closer with more steps."""
    model = tiny.random_model(kind, len(fast), initializer_range=0.1)
    worst = []
    for steps in (2, 64):
        rows = Attributor(model, fast, tiny.spec(), AttributionOptions("ig", steps=steps)).rows(tiny.documents())
        worst.append(max(abs(row["delta"]) for row in rows))
    assert worst[1] < 1e-4 <= worst[0]


@pytest.mark.parametrize("pool", [True, False], ids=["words", "occurrences"])
@pytest.mark.parametrize("method", ["ig", "occlusion", "cascade", "shapley", "kernel_shap"])
def test_a_linear_model_gets_its_known_attributions(method: str, pool: bool, fast: Any) -> None:
    """margin = sum over tokens of (u · e), so a word scores what its tokens add to the mask's."""
    spec = tiny.spec(tiny.Question("linear", "text", "Which?", ("text",), ("Text",), ("a", "b")))
    model = tiny.BagOfWords(len(fast))
    options = AttributionOptions(method, target="margin", pool=pool, finalists=50, steps=3, samples=60)
    attributor = Attributor(model, fast, spec, options)
    (yes,), (no,) = attributor.forward.tree.paths
    difference = model.lm_head.weight[yes] - model.lm_head.weight[no]
    (mask,) = attributor.renderer.mask_ids(True)
    documents = tiny.documents()
    for row, prompt in zip(attributor.rows(documents), attributor.renderer.encode(documents), strict=True):
        sign = 1 if row["prediction"] == "a" else -1
        worth = sign * (model.embed.weight @ difference)
        # IG keeps the number of tokens: one mask for each token of the word. The others write the mask once.
        masks = (lambda span: len(span)) if method == "ig" else (lambda span: 1)
        expected = [
            float(worth[[prompt.ids[t] for t in span]].sum() - masks(span) * worth[mask]) for span in prompt.spans
        ]
        blanks = _blanks(prompt, fast)
        if method != "ig":  # a mask takes the blank out of the word's own first token
            expected = [value - float(worth[blanks[i]].sum()) for i, value in enumerate(expected)]
        types = {key: sum(expected[p] for p in positions) for key, positions in prompt.types.items()}
        assert row["types"] == pytest.approx(types, abs=2e-3)


def _blanks(prompt: Any, fast: Any) -> list[list[int]]:
    """Tokens of the blank before each word's mask, where the word's own first token held it."""
    blank = fast("a [REDACTED]", add_special_tokens=False)["input_ids"][1:-1]
    return [blank if fast.decode([prompt.ids[span[0]]]).startswith(" ") else [] for span in prompt.spans]


def test_lower_precision_gives_similar_scores(fast: Any) -> None:
    rows = {}
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        model = tiny.random_model("llama", len(fast)).to(dtype)
        for method in ("ig", "occlusion"):
            dtype_rows = Attributor(model, fast, tiny.spec(), AttributionOptions(method)).rows(tiny.documents())
            rows[dtype, method] = [row["top"]["score"] for row in dtype_rows]
    for method in ("ig", "occlusion"):
        for dtype in (torch.bfloat16, torch.float16):
            assert rows[dtype, method] == pytest.approx(rows[torch.float32, method], abs=0.3, rel=0.3)

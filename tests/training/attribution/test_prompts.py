"""Words and their tokens in the prompt, and labels of one or several tokens."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from faithful_se.errors import UsageError
from lm_eval_tasks.calls import as_chat
from lm_eval_tasks.classification import Question
from lm_eval_tasks.document import Document
from lm_eval_tasks.forward_pass.label_tree import LabelTree
from tests.training.attribution import tiny_models as tiny
from training.attribution.prompt.label_tree import read_labels
from training.attribution.prompt.renderer import Renderer, common_prefix


@pytest.fixture(scope="module")
def fast() -> Any:
    return tiny.tokenizer()


def test_the_prompt_is_the_evaluations_own(fast: Any) -> None:
    spec = tiny.spec(tiny.PAIR, unknown=True, mask="___")
    renderer = Renderer(spec, fast)
    for document in tiny.documents(tiny.PAIR):
        (prompt,) = renderer.encode([document])
        chat = as_chat(spec.classify(document).messages)
        rendered = fast.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        assert prompt.ids == fast(rendered)["input_ids"] and rendered.endswith("<|assistant|>\n")
        assert renderer.variants(prompt, [document.fields]) == [prompt.ids]
        assert prompt.ids[: len(renderer.prefix)] == renderer.prefix
        assert min(token for span in prompt.spans for token in span) >= len(renderer.prefix)


def test_words_are_aligned_with_their_tokens_and_no_others(fast: Any) -> None:
    renderer = Renderer(tiny.spec(), fast)
    text = "Don't say 'Tweet', well-made café 3.5 你好 :) tweet"
    (prompt,) = renderer.encode([Document({"text": text})])
    decoded = ["".join(fast.decode([prompt.ids[i]]) for i in span).strip() for span in prompt.spans]
    assert [word.text for word in prompt.document.words][:4] == ["Don't", "say", "Tweet", "well-made"]
    for word, tokens in zip(prompt.document.words, decoded, strict=True):
        if word.text.isascii():
            assert tokens.strip("'") == word.text
    assert prompt.types["tweet"] == (2, len(prompt.spans) - 1)


def test_blanks_that_a_template_trims(fast: Any) -> None:
    trimming = tiny.tokenizer()
    trimming.chat_template = tiny.TEMPLATE.replace("m['content']", "m['content'] | trim")
    (plain,) = Renderer(tiny.spec(), fast).encode([Document({"text": "good day"})])
    renderer = Renderer(tiny.spec(), trimming)
    (blank,) = renderer.encode([Document({"text": "good day  "})])
    assert blank.ids == plain.ids and blank.spans == plain.spans
    assert renderer.variants(blank, [{"text": "good [REDACTED]  "}]) == renderer.variants(
        plain, [{"text": "good [REDACTED]"}]
    )


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (None, "no chat template"),
        ("{% for m in messages %}{{ m['content'] }}{{ m['content'] }}{% endfor %}", "exactly once"),
        ("{{ raise_exception('only one system message') }}", "only one system message"),
    ],
)
def test_templates_that_cannot_be_used(template: Any, message: str) -> None:
    fast = tiny.tokenizer()
    fast.chat_template = template
    with pytest.raises(UsageError, match=message) as error:
        Renderer(tiny.spec(), fast).encode([Document({"text": "good day"})])
    assert "\n" not in str(error.value)


def test_texts_that_a_template_changes_have_no_prompt() -> None:
    fast = tiny.tokenizer()
    fast.chat_template = tiny.TEMPLATE.replace("m['content']", "m['content'] | replace('</x>', '')")
    texts = [Document({"text": text}) for text in ("good day", "good </x> day", "day")]
    prompts = Renderer(tiny.spec(), fast).encode(texts)
    assert [prompt and prompt.document for prompt in prompts] == [texts[0], None, texts[2]]


def test_a_tokenizer_without_offsets() -> None:
    class Slow:
        chat_template, is_fast, name_or_path = "x", False, "slow-model"

    with pytest.raises(UsageError, match="slow-model: Slow gives no character offsets"):
        Renderer(tiny.spec(), Slow())


def labelled(*labels: str) -> Question:
    return Question("q", "text", "Which?", ("text",), ("Text",), labels)


def test_labels_that_are_refused(fast: Any) -> None:
    with pytest.raises(UsageError, match=r"label 'on' is the beginning of label 'one'.*--whole-answer"):
        read_labels(Renderer(tiny.spec(labelled("on", "one")), fast))
    for whole_answer in (False, True):
        with pytest.raises(UsageError, match="labels 'a', ' ': one of them is empty"):
            read_labels(Renderer(tiny.spec(labelled("a", " ")), fast), whole_answer)
    with pytest.raises(
        UsageError, match='"unknown" is among the labels a, unknown already: leave the option unknown out'
    ):
        read_labels(Renderer(tiny.spec(labelled("a", "unknown"), unknown=True), fast))
    with pytest.raises(UsageError, match="label 'a' is the beginning of label 'ab'"):
        read_labels(Renderer(tiny.spec(labelled("a", "ab", "b")), fast))


@pytest.mark.parametrize("labels", [("b", "c d"), ("b", "c")])
def test_labels_of_unknown_words_read_the_same(labels: tuple[str, str]) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    few = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="[UNK]", chat_template=tiny.TEMPLATE)
    message = (
        rf"labels 'b' and '{labels[1]}' read the same to the tokenizer of .*, as \[UNK\]: it does not know their words"
    )
    with pytest.raises(UsageError, match=message):
        read_labels(Renderer(tiny.spec(labelled(*labels)), few))


def test_the_end_of_the_answer_tells_a_label_from_its_beginning(fast: Any) -> None:
    tree = read_labels(Renderer(tiny.spec(labelled("on", "one")), fast), whole_answer=True)
    end = fast.convert_tokens_to_ids("<|end|>")
    assert [path[-1] for path in tree.paths] == [end, end]
    assert tree.paths[0][:-1] == tree.paths[1][: len(tree.paths[0]) - 1]


@pytest.mark.parametrize(
    ("template", "labels", "ends"),
    [
        (tiny.TEMPLATE, ("end", "start"), ["<|end|>", "<|end|>"]),  # the first label is a part of its own end
        (tiny.TEMPLATE.replace("m['content']", "m['content'] | trim"), (" yes ", " no "), ["<|end|>", "<|end|>"]),
        (tiny.TEMPLATE.replace("<|end|>", "\n<|end|>"), ("on", "one"), ["\n<|end|>", "\n<|end|>"]),
    ],
)
def test_the_end_of_turn_follows_the_answer(template: str, labels: Any, ends: list[str], fast: Any) -> None:
    fast = tiny.tokenizer()
    fast.chat_template = template
    tree = read_labels(Renderer(tiny.spec(labelled(*labels)), fast), whole_answer=True)
    for label, path, end in zip(labels, tree.paths, ends, strict=True):
        assert fast.decode(path) == label + end
        assert path[-1] == fast.convert_tokens_to_ids("<|end|>")


def test_a_template_without_an_end_has_no_whole_answers() -> None:
    fast = tiny.tokenizer()
    fast.chat_template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    with pytest.raises(UsageError, match=r"writes no end of turn after the answer 'on': leave --whole-answer out"):
        read_labels(Renderer(tiny.spec(labelled("on", "one")), fast), whole_answer=True)


def test_more_fields_than_a_hand_has_fingers(fast: Any) -> None:
    names = tuple(f"f{number}" for number in range(12))
    question = Question("many", "texts", "Which?", names, tuple(name.upper() for name in names), ("a", "b"))
    (prompt,) = Renderer(tiny.spec(question), fast).encode([Document({name: f"{name}x day" for name in names})])
    assert [word.text for word in prompt.document.words][-2:] == ["f11x", "day"] and len(prompt.spans) == 24


def test_the_mask_and_the_system_message_must_reach_the_model(fast: Any) -> None:
    """The model would never read a mask that the template changes, or a system message that it drops."""
    lower = tiny.tokenizer()
    lower.chat_template = tiny.TEMPLATE.replace("m['content']", "m['content'] | lower")
    with pytest.raises(UsageError, match=r"the chat template changes the mask '\[REDACTED\]': give another --mask"):
        Renderer(tiny.spec(), lower)
    texts = [Document({"text": text}) for text in ("good", "Good")]
    assert [bool(prompt) for prompt in Renderer(tiny.spec(mask="___"), lower).encode(texts)] == [True, False]
    silent = tiny.tokenizer()
    silent.chat_template = "{% for m in messages if m.role != 'system' %}" + tiny.TEMPLATE.split("%}", 1)[1]
    spec = replace(tiny.spec(), system="Be brief.")
    with pytest.raises(UsageError, match="does not write the system message"):
        Renderer(spec, silent)
    assert "Be brief." in Renderer(spec, fast).pieces[0]


def test_a_tree_shares_beginnings() -> None:
    tree = LabelTree.from_paths(("x", "y", "z"), [[1, 2, 3], [1, 4], [5]])
    assert (tree.nodes, tree.depths, tree.parents) == ((1, 2), (1, 2), (-1, 0))
    assert tree.edges == ((0, -1, 1), (0, 0, 2), (0, 1, 3), (1, -1, 1), (1, 0, 4), (2, -1, 5))
    assert tree.ancestors() == [[True, False], [True, True]]


def test_common_prefix() -> None:
    assert common_prefix([[1, 2, 3], [1, 2, 4]]) == [1, 2]
    assert common_prefix([[1, 2], [1, 2, 4]]) == [1, 2]
    assert common_prefix([[], [1]]) == []
    assert common_prefix([[1, 2]]) == [1, 2]

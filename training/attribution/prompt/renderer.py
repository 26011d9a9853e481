"""From documents to prompts as token ids, with the tokens of every word. Only the user's words are attributed.

The prompt is the evaluation's own object, `TaskSpec.classify`, rendered by the tokenizer's chat template. Rendering is
slow and the same around every text, so the pieces around the fields are taken from one rendering of placeholders. Every
document is still rendered by the template, and refused where the two differ.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import chain, product, takewhile, zip_longest
from typing import TYPE_CHECKING, Any

from faithful_se.errors import UsageError
from faithful_se.transcript import Message
from lm_eval_tasks.calls import Messages, as_chat
from lm_eval_tasks.document import Document
from lm_eval_tasks.spec import TaskSpec
from training.attribution.prompt.chat_template import TWO_DAYS, render_chat
from training.attribution.prompt.thoughts import refuse_open_thought
from training.attribution.prompt.token_alignment import Prompt, align_words

if TYPE_CHECKING:
    from transformers import BatchEncoding, PreTrainedTokenizerFast

# The first of the private-use characters: they are in no text, and no template does anything to them.
_PLACEHOLDER = 0xE000

# How a text may begin. Tokens that are the same before all of these are the same in every prompt.
_OPENINGS = ("a", "The", "I'm", "7", '"Yes', "(no", "@you", "#tag", "http://", "é", "你", "-", "...", " ", "\n", "😀")


class Renderer:
    """Turns documents into prompts.

    Args:
        spec: the question; of multiple choice, with a number of choices (`Question.with_choices`).
        tokenizer: a fast tokenizer with a chat template.
        today: the day that a template with a date in it writes, as long as this object lives; today by default.
        template_args: further arguments of the chat template, such as ``enable_thinking``.

    Attributes:
        names: the fields that the prompt shows.
        pieces: text of the prompt around the fields, [n_fields + 1].
        prefix: tokens that open every prompt, whatever the text.

    Raises:
        UsageError: no chat template, no character offsets, or a template that rewrites the text or opens a thought.
    """

    def __init__(
        self,
        spec: TaskSpec,
        tokenizer: PreTrainedTokenizerFast,
        today: date | None = None,
        template_args: Mapping[str, Any] | None = None,
    ) -> None:
        self.names = spec.question.shown_fields
        self.spec, self.tokenizer, self.today = spec, tokenizer, today or date.today()
        self.template_args = dict(template_args or {})
        self.name = tokenizer_name(tokenizer)
        if not getattr(tokenizer, "chat_template", None):
            raise UsageError(f"{self.name}: the tokenizer has no chat template: give an instruction-tuned model")
        if not getattr(tokenizer, "is_fast", False):
            raise UsageError(
                f"{self.name}: {type(tokenizer).__name__} gives no character offsets: "
                "a fast tokenizer (tokenizer.json) is needed to find the words"
            )
        self.pieces = self._split_template()
        refuse_open_thought(self)
        bos = tokenizer.bos_token
        # As lm-eval does: what the tokenizer adds by default, unless the template has written the first token itself.
        self._add_special_tokens = not (bos and self.pieces[0].startswith(bos))
        openings = (*_OPENINGS, spec.options.mask)
        self.prefix = common_prefix(
            self.tokens([self.compose(dict.fromkeys(self.names, text)) for text in openings])["input_ids"]
        )
        self._check_mask_and_system()
        self._mask_ids: dict[bool, tuple[int, ...]] = {}

    def render(self, fields: Mapping[str, str]) -> str:
        """The prompt as the chat template writes it, up to where the answer starts."""
        return self.render_messages(self.spec.classify(self.spec.question.document_of(fields)).messages)

    def render_messages(self, messages: Messages) -> str:
        """A conversation as the chat template writes it, up to where the next answer starts."""
        chat = as_chat(messages)
        try:
            return self.write(chat, add_generation_prompt=True)
        except Exception as error:  # jinja's errors, and whatever a template raises itself
            reason = [*str(error).splitlines(), type(error).__name__][0]
            raise UsageError(f"{self.name}: the chat template cannot be applied: {reason}") from error

    def write(self, chat: Sequence[Message], day: date | None = None, **options: Any) -> str:
        """A conversation as the chat template writes it; `options` go to `apply_chat_template`."""
        return render_chat(self.tokenizer, chat, day or self.today, **{**self.template_args, **options})

    @property
    def dated(self) -> bool:
        """Whether the prompt differs from day to day."""
        chat = as_chat(self.messages("a"))
        return len({self.write(chat, day, add_generation_prompt=True) for day in TWO_DAYS}) > 1

    def messages(self, text: str) -> Messages:
        """The conversation about a document that holds one text in every field."""
        return self.spec.classify(self.spec.question.document_of(dict.fromkeys(self.names, text))).messages

    def compose(self, fields: Mapping[str, str]) -> str:
        """The same prompt from the stored pieces. For texts whose original was compared with `render`."""
        texts = [fields[name] for name in self.names]
        return "".join(chain.from_iterable(zip_longest(self.pieces, texts, fillvalue="")))

    def tokens(self, prompts: Sequence[str], offsets: bool = False) -> BatchEncoding:
        """Token ids of rendered prompts, and the characters of each token if `offsets`."""
        return self.tokenizer(
            list(prompts),
            add_special_tokens=self._add_special_tokens,
            return_offsets_mapping=offsets,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )

    def encode(self, documents: Sequence[Document]) -> list[Prompt | None]:
        """The prompts of documents, in order.

        Returns:
            None for a document that the chat template changes: its words cannot be located in the prompt.
        """
        prompts: list[Prompt | None] = [None] * len(documents)
        located = {index: prompt for index, document in enumerate(documents) if (prompt := self._located(document))}
        if located:
            encoded = self.tokens([text for text, _ in located.values()], offsets=True)
            rows = zip(located.items(), encoded["input_ids"], encoded["offset_mapping"], strict=True)
            for (index, (_, starts)), ids, offsets in rows:
                prompts[index] = align_words(documents[index], starts, ids, offsets)
        return prompts

    def variants(self, prompt: Prompt, texts: Sequence[Mapping[str, str]]) -> list[list[int]]:
        """Token ids of variants of a document. The whole prompt is tokenized anew, as the evaluation does."""
        if not texts:
            return []
        last, fields = self.names[-1], prompt.document.shown
        texts = [{**fields, **text} for text in texts]
        # Templates that trim a turn remove the blanks at the end of its last field.
        if fields[last] != fields[last].rstrip() and self.render(fields) != self.compose(fields):
            texts = [{**text, last: text[last].rstrip()} for text in texts]
        ids: list[list[int]] = self.tokens([self.compose(text) for text in texts])["input_ids"]
        return ids

    def mask_ids(self, after_blank: bool) -> tuple[int, ...]:
        """Token ids of the mask in the middle of a text, after a blank or inside a run of characters."""
        if after_blank not in self._mask_ids:
            opening, mask = ("a " if after_blank else "("), self.spec.options.mask
            encoded = self.tokenizer(f"{opening}{mask} a", add_special_tokens=False, return_offsets_mapping=True)
            start, end = len(opening), len(opening) + len(mask)
            pairs = zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)
            self._mask_ids[after_blank] = tuple(token for token, (s, e) in pairs if s < end and e > max(start, s))
        return self._mask_ids[after_blank]

    def digest(self, label_paths: Sequence[Sequence[int]]) -> str:
        """A digest of what the model reads besides the texts: two times 8 hex digits, joined by a hyphen.

        The first depend on the chat template and the tokenizer alone, so they are the same for all datasets of a
        folder. The second depend on the prompt, the labels (`label_paths`, as token ids) and the mask.
        """
        chat = as_chat(tuple((role, "ab cd") for role, _ in self.messages("")))
        rendered = self.write(chat, add_generation_prompt=True)
        template = [rendered, self.tokens([rendered])["input_ids"], len(self.tokenizer)]
        question = [self.pieces, self.prefix, label_paths, self.mask_ids(True), self.mask_ids(False)]
        return "-".join(hashlib.sha256(json.dumps(part).encode()).hexdigest()[:8] for part in (template, question))

    def longest_variant(self, prompt: Prompt) -> int:
        """Tokens of a prompt in which the mask replaces every word that is shorter, and no other word."""
        mask = 1 + max(len(self.mask_ids(after_blank)) for after_blank in (True, False))
        return len(prompt.ids) + sum(max(0, mask - len(span)) for span in prompt.spans)

    def _split_template(self) -> tuple[str, ...]:
        placeholders = {name: chr(_PLACEHOLDER + i) for i, name in enumerate(self.names)}
        rest, pieces = self.render(placeholders), []
        for placeholder in placeholders.values():
            piece, separator, rest = rest.partition(placeholder)
            if not separator or placeholder in rest:
                raise UsageError(f"{self.name}: the chat template does not write the user's text exactly once")
            pieces.append(piece)
        return (*pieces, rest)

    def _check_mask_and_system(self) -> None:
        mask, system = self.spec.options.mask, self.spec.system
        for name, text in product(self.spec.question.fields, (mask, f"a {mask} b")):
            fields = {**dict.fromkeys(self.names, "a"), name: text}
            if self.render(fields) != self.compose(fields):
                raise UsageError(f"{self.name}: the chat template changes the mask {mask!r}: give another --mask")
        if system and system.strip() not in self.pieces[0]:
            raise UsageError(f"{self.name}: the chat template does not write the system message")

    def _located(self, document: Document) -> tuple[str, dict[str, int]] | None:
        """The prompt as rendered, and where its fields begin; None where the template changed them."""
        names, fields = self.names, dict(document.shown)
        rendered = self.render(fields)
        if self.compose(fields) != rendered:
            fields[names[-1]] = fields[names[-1]].rstrip()
            if self.compose(fields) != rendered:
                return None
        starts, end = {}, 0
        for name, piece in zip(names, self.pieces, strict=False):
            starts[name] = end + len(piece)
            end = starts[name] + len(fields[name])
        return rendered, starts


def tokenizer_name(tokenizer: PreTrainedTokenizerFast) -> str:
    """The tokenizer's name in messages."""
    return str(getattr(tokenizer, "name_or_path", "") or type(tokenizer).__name__)


def common_prefix(rows: Sequence[Sequence[int]]) -> list[int]:
    """The tokens that all rows begin with."""
    same = takewhile(lambda column: len(set(column)) == 1, zip(*rows, strict=False))
    return [column[0] for column in same]

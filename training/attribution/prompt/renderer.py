"""The classification prompt as tokens: where the user's words stand, and nothing of the template is attributed.

The prompt is the evaluation's own object, `TaskSpec.classify`, rendered by the tokenizer's chat template. Rendering is
slow and always the same around the text, so the pieces around the fields are taken once from a rendering of place
holders; every document is still rendered by the template itself, and refused where the two differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import chain, zip_longest
from typing import Any

from faithful_se.errors import UsageError
from lm_eval_tasks.calls import as_chat
from lm_eval_tasks.document import Document
from lm_eval_tasks.spec import TaskSpec
from training.attribution.prompt.chat_template import render_chat, shows_date
from training.attribution.prompt.token_alignment import Prompt, common_prefix, placed

# The first of the private-use characters: they are in no text, and no template does anything to them.
_PLACE = 0xE000

# How a text may begin. What all of these leave alone are the tokens that are the same in every prompt.
_OPENINGS = ("a", "The", "I'm", "7", '"Yes', "(no", "@you", "#tag", "http://", "é", "你", "-", "...", " ", "\n", "😀")


class Renderer:
    """Turns documents into prompts.

    Args:
        spec: what is asked.
        tokenizer: a fast tokenizer with a chat template.
        today: the day that a template with a date in it writes, as long as this object lives; today by default.

    Raises:
        UsageError: no chat template, no character offsets, or a template that rewrites the text.
    """

    def __init__(self, spec: TaskSpec, tokenizer: Any, today: date | None = None) -> None:
        if not getattr(tokenizer, "chat_template", None):
            raise UsageError(
                f"{name_of(tokenizer)}: the tokenizer has no chat template: give an instruction-tuned model"
            )
        if not getattr(tokenizer, "is_fast", False):
            raise UsageError(
                f"{name_of(tokenizer)}: {type(tokenizer).__name__} gives no character offsets: "
                "a fast tokenizer (tokenizer.json) is needed to find the words"
            )
        self.spec, self.tokenizer, self.today = spec, tokenizer, today or date.today()
        names = spec.question.fields
        places = {name: chr(_PLACE + i) for i, name in enumerate(names)}
        rest, pieces = self.render(places), []
        for place in places.values():
            before, found, rest = rest.partition(place)
            if not found or place in rest:
                raise UsageError(f"{name_of(tokenizer)}: the chat template does not show the user's text exactly once")
            pieces.append(before)
        self.pieces = (*pieces, rest)
        bos = tokenizer.bos_token
        # As lm-eval does: what the tokenizer adds by default, unless the template has written the first token itself.
        self.special = not (bos and pieces[0].startswith(bos))
        self.prefix = self._prefix()
        self._check_shown()
        self._masks: dict[bool, tuple[int, ...]] = {}

    def render(self, fields: Mapping[str, str]) -> str:
        """The prompt as the chat template writes it, up to where the answer starts."""
        chat = as_chat(self.spec.classify(Document(fields)).messages)
        try:
            return render_chat(self.tokenizer, chat, self.today, add_generation_prompt=True)
        except Exception as error:  # jinja's errors, and whatever a template raises itself
            told = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise UsageError(f"{name_of(self.tokenizer)}: the chat template cannot be applied: {told}") from error

    @property
    def dated(self) -> bool:
        """Whether the prompt reads otherwise on another day."""
        fields = dict.fromkeys(self.spec.question.fields, "a")
        return shows_date(self.tokenizer, as_chat(self.spec.classify(Document(fields)).messages))

    def compose(self, fields: Mapping[str, str]) -> str:
        """The same prompt from the stored pieces. For texts whose original was compared with `render`."""
        texts = [fields[name] for name in self.spec.question.fields]
        return "".join(chain.from_iterable(zip_longest(self.pieces, texts, fillvalue="")))

    def tokens(self, prompts: Sequence[str], offsets: bool = False) -> Any:
        """Token ids of rendered prompts, and character offsets where asked for."""
        return self.tokenizer(
            list(prompts),
            add_special_tokens=self.special,
            return_offsets_mapping=offsets,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )

    def encode(self, documents: Sequence[Document]) -> list[Prompt | None]:
        """The prompts of documents, in order; None where the chat template changes the text, whose words cannot be
        found in the prompt then."""
        found: list[Prompt | None] = [None] * len(documents)
        composed = {place: told for place, d in enumerate(documents) if (told := self._checked(d)) is not None}
        if composed:
            encoded = self.tokens([text for text, _ in composed.values()], offsets=True)
            rows = zip(composed.items(), encoded["input_ids"], encoded["offset_mapping"], strict=True)
            for (place, (_, starts)), ids, offsets in rows:
                found[place] = placed(documents[place], starts, ids, offsets)
        return found

    def variants(self, prompt: Prompt, texts: Sequence[Mapping[str, str]]) -> list[list[int]]:
        """Token ids of variants of a document: the whole prompt tokenized anew, as the evaluation does."""
        if not texts:
            return []
        last = self.spec.question.fields[-1]
        strip = self._strip(prompt.document)
        shown = [{**text, last: strip(text[last])} for text in texts]
        ids: list[list[int]] = self.tokens([self.compose(text) for text in shown])["input_ids"]
        return ids

    def mask_ids(self, blank: bool) -> tuple[int, ...]:
        """Token ids of the mask in the middle of a text, behind a blank or inside a run of characters."""
        if blank not in self._masks:
            before, mask = ("a " if blank else "("), self.spec.options.mask
            told = self.tokenizer(f"{before}{mask} a", add_special_tokens=False, return_offsets_mapping=True)
            start, end = len(before), len(before) + len(mask)
            pairs = zip(told["input_ids"], told["offset_mapping"], strict=True)
            self._masks[blank] = tuple(token for token, (s, e) in pairs if s < end and e > max(start, s))
        return self._masks[blank]

    def longest_variant(self, prompt: Prompt) -> int:
        """Tokens of a prompt if every word that is shorter than a mask became one, and no other."""
        mask = 1 + max(len(self.mask_ids(blank)) for blank in (True, False))
        return len(prompt.ids) + sum(max(0, mask - len(span)) for span in prompt.spans)

    def _check_shown(self) -> None:
        """What is written in place of words, and what is said before them, must be what the model reads."""
        mask, system = self.spec.options.mask, self.spec.system
        for name in self.spec.question.fields:
            for text in (mask, f"a {mask} b"):
                fields = {**dict.fromkeys(self.spec.question.fields, "a"), name: text}
                if self.render(fields) != self.compose(fields):
                    raise UsageError(
                        f"{name_of(self.tokenizer)}: the chat template changes the mask {mask!r}: give another --mask"
                    )
        if system and system.strip() not in self.pieces[0]:
            raise UsageError(f"{name_of(self.tokenizer)}: the chat template does not show the system message")

    def _strip(self, document: Document) -> Any:
        # Templates that trim a turn take the blanks at the end of its last field.
        last = document.fields[self.spec.question.fields[-1]]
        if last == last.rstrip() or self.render(document.fields) == self.compose(document.fields):
            return str
        return str.rstrip

    def _checked(self, document: Document) -> tuple[str, dict[str, int]] | None:
        """The prompt as rendered, and where its fields begin; None where the template changed them."""
        names, fields = self.spec.question.fields, dict(document.fields)
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

    def _prefix(self) -> list[int]:
        """Tokens that open every prompt, whatever the text."""
        openings = (*_OPENINGS, self.spec.options.mask)
        rows = self.tokens([self.compose(dict.fromkeys(self.spec.question.fields, text)) for text in openings])
        return common_prefix(rows["input_ids"])


def name_of(tokenizer: Any) -> str:
    """What a tokenizer is called in messages."""
    return str(getattr(tokenizer, "name_or_path", "") or type(tokenizer).__name__)

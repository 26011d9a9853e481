"""Whose answers the rows explain: those of the model that is trained, or another one's.

A build knows the model it was made with by its fingerprint. The fingerprint of the model that is trained is taken of
what the trainer has loaded, without its adapter and in the numbers of the attribution, so nothing is loaded twice.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from training.models.loading import DTYPES, fingerprint

logger = logging.getLogger(__name__)


def whose_rows(model: Any, name: str, sources: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Compare the model that is trained with those that the rows were built with; warn where it is another one.

    A warning, because rows of another model are a control too.

    Args:
        model: as the trainer holds it before the first step.
        name: of the model, for the warning.
        sources: of the rows; those of no build say nothing.

    Returns:
        `base_fingerprint`: of the model that is trained, None where its weights cannot be read (in parts on several
        devices, quantised, in coarser numbers than the attribution's). `rows_fingerprint`: of those that the rows were
        built with. `own_rows`: whether it is the same one; None where that is not known.
    """
    built = [source["build"]["attributions"] for source in sources if source["build"]]
    rows = sorted({(str(told["model"]), str(told.get("dtype", ""))) for told in built})
    own = {dtype: _fingerprint(model, dtype) for dtype in {dtype for _, dtype in rows} or {""}}
    known = bool(rows) and None not in own.values()
    mine, others = own[rows[0][1] if rows else ""], sorted({other for other, _ in rows})
    same = all(own[dtype] == other for other, dtype in rows) if known else None
    if same is False:
        logger.warning(
            "the rows were built with another model (%s; %s is %s): they explain that model's answers. As a control "
            "that is right; else give that model, or build rows with this one",
            *(", ".join(others), name, mine),
        )
    return {"base_fingerprint": mine, "rows_fingerprint": others, "own_rows": same}


def _fingerprint(model: Any, dtype: str) -> str | None:
    """What `attribute` would say of the model, loaded as `dtype`; None where that cannot be told."""
    base = _Base(model, dtype)
    return fingerprint(base) if base.readable() else None


class _Base:
    """A model without its LoRA adapter, its parameters in the numbers of another type: what a fingerprint looks at."""

    def __init__(self, model: Any, dtype: str) -> None:
        self._model = model.get_base_model() if hasattr(model, "peft_config") else model
        self._dtype, self.config = DTYPES.get(dtype), self._model.config

    def readable(self) -> bool:
        """Whether all values are here, and no coarser than wanted."""
        import torch

        # Layers that an architecture keeps in float32 whatever it is loaded as cannot be told by their numbers.
        kept = any(getattr(self._model, f"_keep_in_fp32_modules{more}", None) for more in ("", "_strict"))
        if getattr(self._model, "is_quantized", False) or (kept and self._dtype not in (None, torch.float32)):
            return False
        fine = (torch.float32, self._dtype)
        stored = [value for _, value in self._own(self._model.named_parameters())]
        return all(
            value.numel() and not value.is_meta and (self._dtype is None or value.dtype in fine) for value in stored
        )

    def named_parameters(self) -> Iterator[tuple[str, Any]]:
        """Each in the type that is wanted, one after the other."""
        for name, value in self._own(self._model.named_parameters()):
            yield name, value if self._dtype is None else value.detach().to(self._dtype)

    def named_buffers(self) -> Iterator[tuple[str, Any]]:
        """As they are."""
        return self._own(self._model.named_buffers())

    def state_dict(self) -> dict[str, Any]:
        """By the names of the model without an adapter."""
        return dict(self._own(self._model.state_dict().items()))

    def _own(self, named: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
        """peft puts a layer into one of its own, and a layer that is trained whole beside its copy."""
        for name, value in named:
            if "lora_" not in name and ".modules_to_save." not in name:
                yield name.replace(".base_layer.", ".").replace(".original_module.", "."), value

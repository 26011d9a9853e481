"""Do the rows explain the answers of the model that is trained, or those of another model?

A build records the fingerprint of the model it was made with. Here the fingerprint of the trained model's base is
computed from the trainer's own weights, in the dtype of the attribution. So nothing is loaded twice.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from training.models.loading import DTYPES, fingerprint
from training.trainer.rows import RowSource

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

logger = logging.getLogger(__name__)


class Provenance(TypedDict):
    """Three fields of `faithful_se.train_info.TrainInfo`, which explains them."""

    base_fingerprint: str | None
    rows_fingerprint: list[str]
    own_rows: bool | None


def compare_base_model(model: PreTrainedModel, name: str, sources: Sequence[RowSource]) -> Provenance:
    """Compare the model that is trained with the models that the rows were built with.

    Rows of another model are allowed, because they are a control too. A warning names them.

    Args:
        model: as the trainer holds it before the first step.
        name: of the model, for the warning.
        sources: of the rows; a source without a build says nothing.
    """
    attributions = [source.build["attributions"] for source in sources if source.build]
    built_with = sorted({(str(entry["model"]), str(entry.get("dtype", ""))) for entry in attributions})
    row_fingerprints = sorted({row_fingerprint for row_fingerprint, _ in built_with})
    by_dtype = {dtype: _base_fingerprint(model, dtype) for dtype in {dtype for _, dtype in built_with} or {""}}
    own_rows = None
    if built_with and None not in by_dtype.values():
        own_rows = all(by_dtype[dtype] == row_fingerprint for row_fingerprint, dtype in built_with)
    of_base = by_dtype[built_with[0][1] if built_with else ""]
    if own_rows is False:
        logger.warning(
            "the rows were built with another model (%s; %s is %s): they explain that model's answers. If this is no "
            "control, train that model, or build rows with this one",
            *(", ".join(row_fingerprints), name, of_base),
        )
    return {"base_fingerprint": of_base, "rows_fingerprint": row_fingerprints, "own_rows": own_rows}


def _base_fingerprint(model: PreTrainedModel, dtype: str) -> str | None:
    """What `faithful-se attribute --dtype DTYPE` records for a model without its adapter; None if not computable."""
    base = _BaseModel(model, dtype)
    return fingerprint(base) if base.has_all_values() else None


class _BaseModel:
    """A model without its LoRA adapter, its parameters cast to a dtype: the parts that `fingerprint` reads."""

    def __init__(self, model: PreTrainedModel, dtype: str) -> None:
        self._model: Any = model.get_base_model() if hasattr(model, "peft_config") else model
        self._dtype, self.config = DTYPES.get(dtype), self._model.config

    def has_all_values(self) -> bool:
        """Whether all values are in this process (not sharded, nor quantised), and at least as fine as the dtype."""
        import torch

        # Some architectures keep layers in float32 whatever dtype they are loaded in. Their names are not known here.
        float32_layers = any(getattr(self._model, f"_keep_in_fp32_modules{suffix}", None) for suffix in ("", "_strict"))
        if getattr(self._model, "is_quantized", False) or (float32_layers and self._dtype not in (None, torch.float32)):
            return False
        return all(
            value.numel() and not value.is_meta and (self._dtype is None or value.dtype in (torch.float32, self._dtype))
            for _, value in self._without_adapter(self._model.named_parameters())
        )

    def named_parameters(self) -> Iterator[tuple[str, torch.Tensor]]:
        """(name, parameter cast to the dtype), one after the other."""
        for name, value in self._without_adapter(self._model.named_parameters()):
            yield name, value if self._dtype is None else value.detach().to(self._dtype)

    def named_buffers(self) -> Iterator[tuple[str, torch.Tensor]]:
        """(name, buffer)."""
        return self._without_adapter(self._model.named_buffers())

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Values by the names of the model without an adapter."""
        return dict(self._without_adapter(self._model.state_dict().items()))

    def _without_adapter(self, tensors: Iterable[tuple[str, torch.Tensor]]) -> Iterator[tuple[str, torch.Tensor]]:
        """Undo peft's names: it wraps adapted layers, and keeps the original of a fully trained layer beside a copy."""
        for name, value in tensors:
            if "lora_" not in name and ".modules_to_save." not in name:
                yield name.replace(".base_layer.", ".").replace(".original_module.", "."), value

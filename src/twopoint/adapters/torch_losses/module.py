"""The base class of all losses as modules of torch."""

import inspect
from collections.abc import Iterator
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ...arrays.namespace import namespace
from ...statistics.phases import confidences


class LossModule(nn.Module):
    """A loss whose options are attributes; options that are tensors are buffers."""

    _defaults: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        parameters = inspect.signature(cls.__init__).parameters
        cls._defaults = {name: p.default for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY}

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        for name in self._defaults:
            value = options[name]
            if name == "mask" and value is not None:
                value = torch.as_tensor(value)
                value = confidences(value, namespace(mask=value))
            if name == "mask" or (isinstance(value, Tensor) and not isinstance(value, nn.Parameter)):
                self.register_buffer(name, value, persistent=False)
            else:
                setattr(self, name, tuple(value) if isinstance(value, Iterator) else value)

    def _apply(self, fn: Any, recurse: bool = True) -> "LossModule":
        """Move the module, or convert it, except that confidences keep their dtype: half precision would lose tiny ones."""
        mask = self._buffers.get("mask")
        super()._apply(fn, recurse)
        moved = self._buffers.get("mask")
        if mask is not None and moved is not None and moved.dtype != mask.dtype:
            self._buffers["mask"] = mask.to(moved.device)
        return self

    def _options(self) -> dict[str, Any]:
        """Return the options of the function."""
        return {name: getattr(self, name) for name in self._defaults if name != "cache"}

    def extra_repr(self) -> str:
        """Show the options that differ from their defaults."""
        shown = []
        for name, default in self._defaults.items():
            value = getattr(self, name)
            if isinstance(value, Tensor) and value.ndim:
                shown.append(f"{name}={tuple(value.shape)}")
            elif value is not None and value != default:
                shown.append(f"{name}={value!r}")
        return ", ".join(shown)

"""Types of arrays and of their libraries, for annotations."""

from types import ModuleType
from typing import Any, TypeAlias

Array: TypeAlias = Any  # numpy, torch, jax and array_api_strict have no common static type
Namespace: TypeAlias = ModuleType

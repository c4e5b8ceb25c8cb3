"""What stands for arrays and their libraries in annotations."""

from types import ModuleType
from typing import Any, TypeAlias

Array: TypeAlias = Any  # numpy, torch, jax and array_api_strict have no common static type
Namespace: TypeAlias = ModuleType

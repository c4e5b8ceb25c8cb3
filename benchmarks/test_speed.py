"""The timed cases under pytest-benchmark: ``pytest benchmarks/test_speed.py --benchmark-only``, one group a case.

Here each contender is timed by itself, one after the other; ``python -m benchmarks`` times them in turn, and its ratios decide.
TWOPOINT_BENCHMARK_SMALL=1 takes tiny sizes. The peers are left out: they run in processes of their own.
"""

import os
from collections.abc import Mapping
from functools import lru_cache

import pytest

from .cases import CASES, Case
from .machine import gpu
from .timing import Contender, compare

SMALL = os.environ.get("TWOPOINT_BENCHMARK_SMALL") == "1"
HERE = {case.name: case for case in CASES if case.needs is None or gpu() is not None}


def _entries(case: Case) -> list[object]:
    """A test for each contender; their names are those of the small form."""
    return [pytest.param(case.name, who, id=f"{case.name}-{who}") for who in case.contenders(small=True)[1]]


@lru_cache(maxsize=1)
def contenders(name: str) -> Mapping[str, Contender]:
    """Build the contenders of a case, and compare them."""
    found = HERE[name].contenders(SMALL)[1]
    compare(found)
    return found


@pytest.mark.timeout(1800)
@pytest.mark.filterwarnings("ignore::UserWarning")  # what torch.compile says of caches and complex numbers
@pytest.mark.parametrize(("name", "who"), [entry for case in HERE.values() for entry in _entries(case)])
def test_speed(benchmark, name: str, who: str) -> None:
    benchmark.group = name
    benchmark.pedantic(contenders(name)[who].seconds, rounds=9, warmup_rounds=1)

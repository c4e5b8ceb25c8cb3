"""The check of annotations in the tests finds what does not keep them, also after calls that do."""

import jaxtyping
import numpy as np
import pytest
from jaxtyping import Float

from support import backends
from support.annotations import checked_once, kind

pytestmark = pytest.mark.numpy_only
WRONG = jaxtyping.TypeCheckError


@checked_once(typechecker=backends.checked)
def halves(x: Float[np.ndarray, "n m"], scale: float = 1.0) -> Float[np.ndarray, "m n"]:
    return x * scale if len(x) == 3 else x.T / 2


def test_each_kind_of_arguments_is_checked():
    for _ in range(2):
        assert halves(np.ones((2, 4))).shape == (4, 2)
    for wrong in (np.ones(4), np.ones((2, 4), int), [1.0], None):
        for _ in range(2):
            with pytest.raises(WRONG, match="parameters"):
                halves(wrong)
    for _ in range(2):
        with pytest.raises(WRONG, match="return value"):
            halves(np.ones((3, 4)))
        with pytest.raises(WRONG, match="parameters"):
            halves(np.ones((2, 4)), scale="2")


def test_functions_in_functions_and_methods():
    def inner(wrong):
        @checked_once(typechecker=backends.checked)
        def f(x: int) -> str:
            return x if wrong else str(x)

        return f

    assert inner(False)(1) == "1"
    with pytest.raises(WRONG):
        inner(True)(2)

    @checked_once(typechecker=backends.checked)
    class Kept:
        @checked_once(typechecker=backends.checked)
        def __call__(self, x: list[int]) -> int:
            return sum(x)

    assert Kept()([1, 2]) == 3
    with pytest.raises(WRONG):
        Kept()(["a"])


def test_not_where_it_is_switched_off(unchecked):
    assert halves(np.ones((2, 2), int)).shape == (2, 2)


def test_kinds():
    a, b = np.ones((2, 3)), np.zeros((2, 3))
    assert kind((a, {"x": [b]})) == kind((b, {"x": [a]}))
    assert kind(a) != kind(a.astype(np.float32))
    assert kind(a) != kind(a.T)
    assert kind([a, 1]) != kind([a, True])
    assert kind(1.0) == kind(2.0) != kind(1)

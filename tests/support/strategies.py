"""Random microstructures for hypothesis: any dimension, sizes odd, even and unequal, soft and of indicators, sparse phases included."""

import numpy as np
from hypothesis import strategies as st

SIZES = {1: (1, 9), 2: (1, 6), 3: (1, 4)}


def arrays(seed: int, phases: int, space: tuple[int, ...], kind: str) -> np.ndarray:
    """Return phases (N, *space) that sum to one: soft, indicator, or sparse (nearly all one phase)."""
    rng = np.random.default_rng(seed)
    if kind == "soft":
        return rng.dirichlet(np.full(phases, 0.5), size=space).transpose(-1, *range(len(space)))
    shares = np.full(phases, 1 / phases) if kind == "indicator" else np.r_[0.9, np.full(phases - 1, 0.1 / max(phases - 1, 1))]
    labels = rng.choice(phases, size=space, p=shares / shares.sum())
    return (np.arange(phases).reshape(-1, *(1,) * len(space)) == labels).astype(float)


@st.composite
def microstructures(draw, *, count=1, phases=(2, 4), kinds=("soft", "indicator", "sparse")):
    """Draw `count` microstructures (N, *space) of one shape, as a list."""
    ndim = draw(st.integers(1, 3))
    space = tuple(draw(st.integers(*SIZES[ndim])) for _ in range(ndim))
    n = draw(st.integers(*phases))
    return [arrays(draw(st.integers(0, 2**32 - 1)), n, space, draw(st.sampled_from(kinds))) for _ in range(count)]


@st.composite
def masks(draw, space):
    """Draw a mask of a space: random points, none, all."""
    share = draw(st.sampled_from([0.0, 0.3, 0.7, 1.0]))
    return np.random.default_rng(draw(st.integers(0, 2**32 - 1))).random(space) < share


crops = st.one_of(st.none(), st.integers(1, 6))
boundaries = st.sampled_from(["periodic", "open"])


def soft_phases(rng, n, space, batch=(2, 2)):
    """Return random soft phases that sum to one, (*batch, n, *space)."""
    m = rng.random((*batch, n, *space))
    return m / m.sum(axis=-len(space) - 1, keepdims=True)

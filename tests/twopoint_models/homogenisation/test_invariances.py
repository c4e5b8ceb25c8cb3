"""What must not change the effective properties, or must change them so; and what isotropic microstructures may have."""

import numpy as np
import pytest

from support import oracles_fem as fem
from support.oracles import close
from twopoint_models.homogenisation import (
    conductivity,
    conductivity_bounds,
    elastic_stiffness,
    engineering_constants,
    hashin_shtrikman,
    stiffness_gradient,
    voigt_reuss,
)

YOUNG, POISSON = [1.0, 100.0], [0.35, 0.2]
FINE = {"tolerance": 1e-11}
CELLS = [fem.images(10, (18, 16)), np.stack([fem.noise((9, 12), seed=i) for i in range(3)])]


def both(m, young=YOUNG, poisson=POISSON, **options):
    """Stiffness and conductivity, the latter with Young's moduli as conductivities."""
    flat = {name: value for name, value in options.items() if name != "plane"}
    return elastic_stiffness(m, young, poisson, **FINE, **options), conductivity(m, young, **FINE, **flat)


def same(got, want, tolerance=1e-9):
    for a, b in zip(got, want, strict=True):
        close(a, b, tolerance)


@pytest.mark.parametrize("plane", ["strain", "stress"])
@pytest.mark.parametrize("m", CELLS, ids=["images", "noise"])
def test_transposition_swaps_x_and_y(m, plane):
    c, k = both(m, plane=plane)
    swap = np.array([1, 0, 2])
    same(both(np.swapaxes(m, -1, -2), plane=plane), (c[:, swap][:, :, swap], k[:, ::-1, ::-1]))


@pytest.mark.parametrize("m", CELLS, ids=["images", "noise"])
def test_reflection_turns_the_sign_of_what_couples_to_shear(m):
    c, k = both(m)
    sign = np.array([1, 1, -1])
    same(both(np.flip(m, -2)), (c * np.outer(sign, sign), k * np.outer([1, -1], [1, -1])))


def test_axes_of_voxels_permuted():
    m = fem.noise((5, 4, 3))
    c, k = both(m, ndim=3)
    for order in ((1, 2, 0), (1, 0, 2)):
        pairs = fem.axes_of(6)
        moved = [pairs.index(tuple(sorted((order[i], order[j])))) for i, j in pairs]  # new axis i was order[i]
        got = both(np.transpose(m, (0, *(1 + a for a in order))), ndim=3)
        same(got, (c[np.ix_(moved, moved)], k[np.ix_(order, order)]))


@pytest.mark.parametrize("m", CELLS, ids=["images", "noise"])
def test_translation_and_tiling(m):
    want = both(m)
    same(both(np.roll(m, (5, -3), (-2, -1))), want)
    same(both(np.tile(m, (1, 1, 2, 3))[:4]), [x[:4] for x in want])


def test_voxels_that_do_not_change_along_z_are_plane_strain():
    m = fem.noise((6, 5))
    got = elastic_stiffness(np.repeat(m[..., None], 2, -1), YOUNG, POISSON, ndim=3, **FINE)
    close(got[np.ix_([0, 1, 5], [0, 1, 5])], elastic_stiffness(m, YOUNG, POISSON, **FINE), 1e-9)
    k = conductivity(np.repeat(m[..., None], 2, -1), YOUNG, ndim=3, **FINE)
    close(k[:2, :2], conductivity(m, YOUNG, **FINE), 1e-9)
    close(k[2, 2], m.reshape(2, -1).mean(1) @ YOUNG, 1e-12)


def test_relabelled_phases_and_scaled_moduli():
    m, young, poisson = fem.noise((8, 9), 3), [1.0, 40.0, 9.0], [0.1, 0.3, 0.45]
    want = both(m, young, poisson)
    order = [2, 0, 1]
    same(both(m[order], [young[h] for h in order], [poisson[h] for h in order]), want, 1e-12)
    for scale in (1e9, 1e-6):
        same(both(m, [scale * e for e in young], poisson), [scale * x for x in want])
    split = np.concatenate([0.3 * m[:1], m[1:], 0.7 * m[:1]])  # one phase under two names
    same(both(split, [*young, young[0]], [*poisson, poisson[0]]), want, 1e-12)


def test_implied_phase_is_explicit(backend):
    m = fem.soft((7, 6), 3)
    for options in ({"plane": "stress"}, {}):
        explicit = elastic_stiffness(backend.make(m), [1, 40, 9], [0.1, 0.3, 0.45], **FINE, **options)
        implied = elastic_stiffness(backend.make(m[1:]), [1, 40, 9], [0.1, 0.3, 0.45], implied_phase=True, **FINE, **options)
        close(backend.read(implied), backend.read(explicit), 1e-12)
    close(
        backend.read(conductivity(backend.make(m[1:]), [1, 40, 9], implied_phase=True, **FINE)),
        backend.read(conductivity(backend.make(m), [1, 40, 9], **FINE)),
        1e-12,
    )
    for a, b in zip(
        voigt_reuss(backend.make(m[1:]), [1, 40, 9], [0.1, 0.3, 0.4], implied_phase=True),
        voigt_reuss(backend.make(m), [1, 40, 9], [0.1, 0.3, 0.4]),
        strict=True,
    ):
        close(backend.read(a), backend.read(b), 1e-13)


@pytest.mark.long_on_jax
def test_batch_axes(backend):
    """A batch is its images one by one, whatever its axes; each stops by itself, so that they differ by rounding only."""
    images = fem.images(6, (12, 10))
    images[2] = [np.ones((12, 10)), np.zeros((12, 10))]  # done before it begins, while others go on
    images[3] = fem.soft((12, 10))
    for solve, v in ((lambda m, **o: elastic_stiffness(m, YOUNG, POISSON, **o), 3), (lambda m, **o: conductivity(m, YOUNG, **o), 2)):
        for tolerance in (1e-2, 1e-4, 1e-8) if backend.name == "numpy" else (1e-4,):
            single = np.stack([backend.read(solve(backend.make(m), tolerance=tolerance)) for m in images])
            assert single.shape == (6, v, v)
            got = solve(backend.make(images), tolerance=tolerance)
            close(backend.read(got), single, 1e-12)
            for shape in ((3, 1, 2),) if backend.name == "jax" else ((1, 6), (3, 1, 2)):
                many = solve(backend.make(images.reshape(*shape, 2, 12, 10)), tolerance=tolerance)
                close(backend.read(many), single.reshape(*shape, v, v), 1e-12)


@pytest.mark.long_on_jax
@pytest.mark.parametrize("cached", [1, 700, 2000, 10**6])
def test_chunks_change_nothing(backend, cached, monkeypatch):
    """Load by load, image by image, several at once, all in one, in threads of numpy: the same."""
    from twopoint_models.homogenisation import effective

    if backend.name == "jax" and cached in (700, 2000):
        return
    images = fem.images(5, (12, 10))
    want = elastic_stiffness(images, YOUNG, POISSON, tolerance=1e-6)
    monkeypatch.setattr(effective, "CACHED", cached)
    close(backend.read(elastic_stiffness(backend.make(images), YOUNG, POISSON, tolerance=1e-6)), want, 1e-11)
    cotangent = np.broadcast_to(np.arange(9.0).reshape(3, 3), (5, 3, 3))
    got = stiffness_gradient(backend.make(images), backend.make(cotangent), YOUNG, POISSON, tolerance=1e-6)
    monkeypatch.undo()
    close(backend.read(got), stiffness_gradient(images, cotangent, YOUNG, POISSON, tolerance=1e-6), 1e-9)


# ---- isotropic microstructures -------------------------------------------------------------------------------------------------------


def test_hashin_shtrikman_in_closed_form():
    """Two phases, in the form of the papers."""
    v, e, nu = 0.3, (1.0, 10.0), (0.2, 0.35)
    for ndim, plane in ((2, "strain"), (2, "stress"), (3, "strain")):
        c = [fem.isotropic(a, b, ndim, plane) for a, b in zip(e, nu, strict=True)]
        (k1, g1), (k2, g2) = ((x[0, 1] + 2 / ndim * x[-1, -1], x[-1, -1]) for x in c)
        bulk, shear = hashin_shtrikman([1 - v, v], e, nu, ndim=ndim, plane=plane)
        d = ndim
        assert bulk.lower == pytest.approx(k1 + v / (1 / (k2 - k1) + (1 - v) / (k1 + 2 * (d - 1) / d * g1)), rel=1e-13)
        assert bulk.upper == pytest.approx(k2 + (1 - v) / (1 / (k1 - k2) + v / (k2 + 2 * (d - 1) / d * g2)), rel=1e-13)
        extra = [
            (k + 2 * g) / (2 * g * (k + g)) if d == 2 else 6 * (k + 2 * g) / (5 * g * (3 * k + 4 * g)) for k, g in ((k1, g1), (k2, g2))
        ]
        assert shear.lower == pytest.approx(g1 + v / (1 / (g2 - g1) + (1 - v) * extra[0]), rel=1e-13)
        assert shear.upper == pytest.approx(g2 + (1 - v) / (1 / (g1 - g2) + v * extra[1]), rel=1e-13)
    wiener, inside = conductivity_bounds([1 - v, v], e, ndim=3)
    assert wiener == pytest.approx((1 / ((1 - v) / 1 + v / 10), 0.7 + 3.0), rel=1e-14)
    assert inside == pytest.approx((1 + v / (1 / 9 + (1 - v) / 3), 10 + (1 - v) / (-1 / 9 + v / 30)), rel=1e-13)
    line = conductivity_bounds([0.7, 0.3], e, ndim=1)
    assert line[1].lower == pytest.approx(line[1].upper)  # one dimension leaves no choice
    assert hashin_shtrikman([1.0], [3.0], [0.25], ndim=3)[1] == pytest.approx((1.2, 1.2))


def test_noise_lies_between_hashin_and_shtrikman():
    """Of a square symmetric average over many images the isotropic part, and the mean conductivity."""
    images = np.stack([fem.noise((32, 32), seed=i) for i in range(8)])
    c, k = elastic_stiffness(images, [1, 20], [0.3, 0.3]), conductivity(images, [1, 20])
    shares = images.mean((0, 2, 3))
    bulk, shear = hashin_shtrikman(shares, [1, 20], [0.3, 0.3])
    mean = c.mean(0)
    assert bulk.lower < (mean[0, 0] + 2 * mean[0, 1] + mean[1, 1]) / 4 < bulk.upper
    assert shear.lower < (mean[0, 0] - 2 * mean[0, 1] + mean[1, 1]) / 8 + mean[2, 2] / 2 < shear.upper
    _, inside = conductivity_bounds(shares, [1, 20])
    assert inside.lower < np.trace(k.mean(0)) / 2 < inside.upper
    constants = engineering_constants(mean)
    assert constants.E_x == pytest.approx(constants.E_y, rel=0.05)


def test_a_disk_converges_from_above():
    """Smaller elements are softer, and what they still change gets less: a stiff disk, plane stress."""
    found = []
    for n in (16, 32, 64):
        x = (np.arange(n) + 0.5) / n - 0.5
        labels = x[:, None] ** 2 + x**2 < 0.3**2
        found.append(float(engineering_constants(elastic_stiffness(fem.phases(labels), [1, 100], [0.3, 0.3], plane="stress")).E_x))
    assert found[0] > found[1] > found[2] > 1.0
    assert abs(found[2] - found[1]) < abs(found[1] - found[0])

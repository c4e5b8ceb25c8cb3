"""Perlin noise and marble against their definitions, plane waves against measured statistics."""

import itertools
import math

import numpy as np
import pytest

import twopoint as tp
from twopoint.synthetic import marble, perlin_noise, plane_wave_statistics


def noise_by_loops(space, frequency, gradients):
    """Perlin's noise at r in units of the longest side, point by point and corner by corner."""
    values = np.zeros(space)
    for x in itertools.product(*map(range, space)):
        r = [frequency * i / max(space) for i in x]
        for corner in itertools.product((0, 1), repeat=len(space)):
            point = [math.floor(a) + c for a, c in zip(r, corner, strict=True)]
            offset = [a - p for a, p in zip(r, point, strict=True)]
            g = gradients[(slice(None), *point)]
            weight = math.prod(1 - (6 * abs(d) ** 5 - 15 * abs(d) ** 4 + 10 * abs(d) ** 3) for d in offset)
            values[x] += weight * sum(g * offset) / math.hypot(*g)
    return values


@pytest.mark.parametrize(("space", "frequency"), [((23,), 3.0), ((16, 16), 4.0), ((13, 20), 2.5), ((20, 9), 3.0), ((6, 9, 7), 2.0)])
def test_noise_is_its_definition(space, frequency):
    rng, expected = np.random.default_rng(8), np.zeros(space)
    for octave in range(3):
        step = frequency * 2**octave
        points = [math.floor(step * (size - 1) / max(space)) + 2 for size in space]
        expected += 0.7**octave * noise_by_loops(space, step, rng.standard_normal((len(space), *points)))
    noise = perlin_noise(space, octaves=3, persistence=0.7, base_frequency=frequency, rng=np.random.default_rng(8))
    np.testing.assert_allclose(noise, expected / (1 + 0.7 + 0.49), rtol=0, atol=1e-13)  # rounding


def test_noise_vanishes_at_lattice_points_and_keeps_its_bound():
    noise = perlin_noise((128, 128), octaves=1, base_frequency=8, rng=np.random.default_rng(0))
    assert abs(noise[::16, ::16]).max() < 1e-15  # rounding
    assert 0.3 < abs(noise).max() <= math.sqrt(2) / 2  # all four gradients towards the middle of a cell


def test_noise_is_smooth():
    """The fade of 2002 leaves no kink in the second derivative where a line crosses lattice points; that of 1985 does."""
    noise = perlin_noise((4001,), octaves=1, base_frequency=4, rng=np.random.default_rng(2))
    second = np.diff(noise, 2) * (4001 / 4) ** 2
    assert abs(np.diff(second)).max() < 0.05 * abs(second).max()  # a step would be as large as the values themselves


def test_octaves_halve_in_size():
    rng = np.random.default_rng(5)
    coarse, fine = (np.mean([perlin_noise((64, 64), octaves=1, base_frequency=f, rng=rng).std() for _ in range(50)]) for f in (4, 16))
    assert abs(coarse / fine - 1) < 0.1  # the size of an octave does not depend on its frequency: the persistence alone decides
    both = perlin_noise((64, 64), octaves=5, rng=rng)
    assert abs(both).max() < math.sqrt(2) / 2


@pytest.mark.parametrize(("space", "k", "angle", "amplitude"), [((24, 24), 5.0, 0.3, 1.0), ((20, 31), 7.5, 2.0, 2.5)])
def test_marble_is_equation_9(space, k, angle, amplitude):
    texture = marble(space, k=k, angle=angle, noise=amplitude, displacement=0.2, octaves=3, rng=np.random.default_rng(7))
    rng = np.random.default_rng(7)
    h = [perlin_noise(space, octaves=3, rng=rng) for _ in range(2)]
    for x in itertools.product(*map(range, space)):
        u = [i / max(space) + amplitude * 0.2 * noise[x] for i, noise in zip(x, h, strict=True)]
        phi = math.cos(2 * math.pi * k * (u[0] * math.cos(angle) + u[1] * math.sin(angle)))
        assert abs(texture[x] - phi) < 1e-12  # rounding of some tens of radians


def test_marble_follows_the_generator_alone():
    first, again, other = (marble((32, 32), k=5, angle=1.0, noise=1.0, rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
    assert first.dtype == np.float64
    assert abs(first).max() <= 1


def test_marble_is_not_periodic():
    texture = marble((64, 64), k=4, angle=0.0, noise=1.0, rng=np.random.default_rng(0))
    inside, edge = abs(np.diff(texture, axis=1)).max(), abs(texture[:, 0] - texture[:, -1]).max()
    assert edge > 1.5 * inside


def wave(space, k, angle):
    return marble(space, k=k, angle=angle, noise=0.0, octaves=1, rng=np.random.default_rng(0))


def agrees(space, k, angle, boundary):
    f = plane_wave_statistics(space, k=k, angle=angle, boundary=boundary)
    measured = tp.autocorrelation(wave(space, k, angle), boundary=boundary)
    assert f.shape == measured.shape
    np.testing.assert_allclose(f, measured, rtol=0, atol=1e-12)  # rounding


WHOLE = [
    ((16, 16), 3.0, 0.0),
    ((16, 16), 3.0, math.pi / 2),
    ((15, 15), 5.0, math.atan2(3, 4)),  # 4 waves down, 3 across
    ((12, 20), 5.0, 0.0),  # 3 along the shorter side
    ((16, 16), -math.sqrt(8), math.pi / 4),
    ((9, 9), 0.0, 0.4),  # gray
    ((16, 16), 8.0, 0.0),  # +1, -1, +1
    ((16, 16), 8 * math.sqrt(2), math.pi / 4),  # a checkerboard
    ((16, 16), math.hypot(8, 1), math.atan2(1, 8)),  # whole on one axis only
    ((7, 7), 7.0, 0.0),  # as many waves as pixels
]


@pytest.mark.parametrize(("space", "k", "angle"), WHOLE)
def test_periodic_statistics_of_whole_waves(space, k, angle):
    agrees(space, k, angle, "periodic")


@pytest.mark.parametrize(
    ("space", "k", "angle"),
    [
        *WHOLE,
        ((16, 16), 3.3, 0.7),
        ((15, 22), 10.0, 2.5),
        ((9, 5), 4.4999999, 0.0),
        ((21, 21), 14.9, -1.0),
        ((8, 8), 4 + 1e-9, 0.0),
        ((1, 6), 2, 1),
    ],
)
def test_open_statistics_of_waves(space, k, angle):
    agrees(space, k, angle, "open")


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"rng": None}, TypeError, "rng must be a numpy.random.Generator"),
        ({"shape": (8,)}, ValueError, "shape must have 2 sizes"),
        ({"k": "3"}, TypeError, "k must be a real number"),
        ({"k": math.inf}, ValueError, "k must be a finite number, got inf"),
        ({"angle": math.nan}, ValueError, "angle must be a finite number"),
        ({"noise": None}, TypeError, "noise must be a real number"),
        ({"displacement": math.nan}, ValueError, "displacement must be a finite number"),
        ({"octaves": 0}, ValueError, "octaves must be at least 1"),
        ({"persistence": 0.0}, ValueError, "persistence must be a finite number above 0"),
        ({"base_frequency": -4}, ValueError, "base_frequency must be a finite number above 0"),
    ],
)
def test_bad_marble_is_refused_by_name(wrong, error, message):
    with pytest.raises(error, match=message):
        marble(**({"shape": (8, 8), "k": 2.0, "angle": 0.0, "noise": 1.0, "rng": np.random.default_rng(0)} | wrong))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"shape": (8, 8, 8)}, ValueError, "shape must have 2 sizes"),
        ({"k": 2.5}, ValueError, "k and angle must give whole waves along each side"),
        ({"angle": 0.1}, ValueError, "k and angle must give whole waves along each side"),
        ({"boundary": "none"}, ValueError, "boundary must be one of 'periodic', 'open'"),
        ({"k": True}, TypeError, "k must be a real number"),
    ],
)
def test_bad_waves_are_refused_by_name(wrong, error, message):
    with pytest.raises(error, match=message):
        plane_wave_statistics(**({"shape": (8, 8), "k": 2.0, "angle": 0.0} | wrong))


@pytest.mark.usefixtures("unchecked")
def test_bad_noise_is_refused_by_name():
    with pytest.raises(TypeError, match="rng must be"):
        perlin_noise((8, 8), rng=1)
    with pytest.raises(ValueError, match="shape must have 1, 2 or 3 sizes"):
        perlin_noise((8,) * 4, rng=np.random.default_rng(0))

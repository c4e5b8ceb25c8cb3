"""Properties of a dataset: block by block what the solver gives image by image, by however many processes."""

import numpy as np
import pytest

import twopoint as tp
from twopoint_models.data import MICRO2DWriter
from twopoint_models.homogenisation import conductivity, elastic_stiffness, engineering_constants
from twopoint_models.properties import TABLES, homogenise_blocks

TWO = {"young": [[10, 1], [1, 50]], "poisson": [[0.3, 0.3], [0.2, 0.4]], "conductivities": [[1, 3], [1e6, 1e3]]}


@pytest.fixture
def path(tmp_path):
    images = (np.random.default_rng(0).random((5, 12, 12)) < 0.4).astype(np.uint8)
    with MICRO2DWriter(tmp_path / "own.h5", {"A": 2, "B": 3}, size=12) as writer:
        writer.write("A", images[:2])
        writer.write("B", images[2:])
    return tmp_path / "own.h5"


def check(found, **options):
    assert found.images.dtype == np.uint8
    for i, image in enumerate(found.images):
        m = tp.two_phase(image.astype(float))
        for j, (young, poisson, k) in enumerate(zip(*TWO.values(), strict=True)):
            known = engineering_constants(elastic_stiffness(m, young, poisson, **options))
            wanted = [known.E_x, known.E_y, known.nu_xy, known.nu_yx, known.G_xy]
            assert found.tables["homogenized_mechanical"][i, j] == pytest.approx(wanted, rel=1e-6)
            conducts = conductivity(m, k, tolerance=options["tolerance"])
            assert found.tables["homogenized_thermal"][i, j] == pytest.approx([conducts[0, 0], conducts[1, 1]], rel=1e-6)


@pytest.mark.parametrize("options", [{}, {"device": "cpu"}, {"workers": 2}], ids=str)
def test_blocks_are_homogenised(path, options):
    blocks = [("A", 0, 2), ("B", 1, 3)]
    found = list(homogenise_blocks(path, blocks, **TWO, plane="stress", tolerance=1e-10, **options))
    assert [(each.name, each.start, len(each.images)) for each in found] == [("A", 0, 2), ("B", 1, 2)]
    for each in found:
        assert {table: numbers.shape for table, numbers in each.tables.items()} == {t: (2, 2, len(k)) for t, k in TABLES.items()}
        check(each, plane="stress", tolerance=1e-10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"young": [[10, 1]]}, "as many contrasts, one at least, got 1, 2, 2"),
        ({"young": [], "poisson": [], "conductivities": []}, "one at least"),
        ({"young": [[10, 1], [10, 0]]}, "young must be above 0"),
        ({"poisson": [[0.3, 0.3], [0.5, 0.3]]}, "poisson must be above -1 and below 0.5"),
        ({"conductivities": [[1, 1], [1, -1]]}, "conductivities must be above 0"),
        ({"plane": "sphere"}, "plane must be one of"),
        ({"tolerance": 1}, "tolerance must be below 1"),
        ({"workers": 0}, "workers must be an integer above 0"),
        ({"workers": 2, "device": "cpu"}, "workers must be 1 with a device"),
        ({"device": "nonsense"}, "device must be one that torch can use, got 'nonsense'"),
    ],
)
def test_what_is_wrong_is_refused_at_once(path, options, message):
    with pytest.raises(ValueError, match=message):
        homogenise_blocks(path, [("A", 0, 1)], **TWO | options)


def test_what_fails_in_a_worker_is_told(path):
    with pytest.raises(ValueError, match="no class 'C'"):
        list(homogenise_blocks(path, [("C", 0, 1), ("A", 0, 1)], **TWO, workers=2))

"""The commands encode, decode, sample and interpolate, as a person types them, against the network itself."""

import csv
import json

import h5py
import numpy as np
import pytest
import torch
from PIL import Image

from support.cli_harness import blobs, photograph, refused
from twopoint_models.cess_vae import CESSVAE
from twopoint_models.data import MICRO2DWriter
from twopoint_models.statistics_vae import ResNetVAE


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def numbers(path):
    return np.array([[float(row[name]) for name in row if name[0] == "z"] for row in table(path)])


def test_encode_writes_the_latents_of_the_network(run, network, images, tmp_path):
    result = run("model", "encode", "net", "m", "--out", "lat")
    assert result.exit_code == 0, result.output
    assert "12 rows of 4 latents" in result.stdout
    mean, log_variance = network.encode(images)
    rows = table(tmp_path / "lat/latents.csv")
    assert [row["file"] for row in rows] == [f"m/a{i}.png" for i in range(12)]  # 2 before 10
    np.testing.assert_allclose(numbers(tmp_path / "lat/latents.csv"), mean.reshape(12, -1), rtol=1e-5, atol=1e-7)
    with np.load(tmp_path / "lat/latents.npz") as found:
        np.testing.assert_allclose(found["mean"], mean, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(found["log_variance"], log_variance, rtol=1e-5, atol=1e-7)
        assert found["names"][3].tolist() == ["m/a3.png", "0", "0"]
    assert sorted(path.name for path in (tmp_path / "lat").iterdir()) == ["latents.csv", "latents.npz", "summary.json", "twopoint-run.json"]
    refused(run("model", "encode", "net", "m", "--out", "lat"), "lat/latents.csv exists; --force replaces it")
    assert run("model", "encode", "net", "m/a1.png", "--out", "lat", "--force").exit_code == 0
    assert len(table(tmp_path / "lat/latents.csv")) == 1


def test_decode_inverts_the_table_and_the_arrays(run, network, images, tmp_path):
    assert run("model", "encode", "net", "m", "--out", "lat").exit_code == 0
    for name in ("latents.csv", "latents.npz"):
        assert run("model", "decode", "net", f"lat/{name}", "--out", name[8:]).exit_code == 0
        with np.load(tmp_path / name[8:] / "images.npz") as found:
            np.testing.assert_allclose(found["images"], network.reconstruct(images), atol=1e-4)
        assert (tmp_path / name[8:] / "decoded.png").stat().st_size > 1000
    refused(run("model", "decode", "net", "nowhere.csv"), "nowhere.csv cannot be read: No such file or directory")
    (tmp_path / "bad.csv").write_text("file,z0,z1\na,1,x\n")
    refused(run("model", "decode", "net", "bad.csv"), "bad.csv must hold numbers in its columns z0, z1")
    (tmp_path / "bad.csv").write_text("file,z0,z1\na,1,2\n")
    refused(run("model", "decode", "net", "bad.csv"), "2 numbers per row, no square latent image of 1 channels")


def test_images_of_other_sizes_are_continued_periodically_or_cut_into_tiles(run, network, tmp_path):
    labels = blobs((40, 72))
    np.save(tmp_path / "a.npy", labels)
    assert run("model", "encode", "net", "a.npy", "--out", "whole").exit_code == 0
    padded = np.pad(labels, [(0, 8), (0, 8)], mode="wrap")
    expected = network.encode(padded)[0].reshape(1, -1)
    np.testing.assert_allclose(numbers(tmp_path / "whole/latents.csv"), expected, rtol=1e-5, atol=1e-7)
    assert run("model", "encode", "net", "a.npy", "--tile", 32, "--out", "tiles").exit_code == 0
    assert [(row["row"], row["column"]) for row in table(tmp_path / "tiles/latents.csv")] == [("0", "0"), ("0", "32")]
    expected = network.encode(np.stack([labels[:32, :32], labels[:32, 32:64]]))[0].reshape(2, -1)
    np.testing.assert_allclose(numbers(tmp_path / "tiles/latents.csv"), expected, rtol=1e-5, atol=1e-7)


def test_mixed_sizes_and_phases_are_refused_by_name(run, network, images, tmp_path):
    np.save(tmp_path / "m/b.npy", blobs((48, 32)))
    refused(run("model", "encode", "net", "m", "--out", "lat"), "m/a0.png is 32 x 32 px, m/b.npy 48 x 32 px; --tile 32 cuts all into tiles")
    np.save(tmp_path / "m/b.npy", blobs((32, 32), phases=3))
    refused(run("model", "encode", "net", "m", "--out", "lat"), "m/b.npy has 3 phases, the network 2; --phases 2")
    assert not (tmp_path / "lat").exists()  # nothing is left of what failed
    assert run("model", "encode", "net", "m", "--out", "lat", "--skip").exit_code == 2  # it can be read: no reason to leave it out
    (tmp_path / "m/b.npy").write_bytes(b"no image")
    refused(run("model", "encode", "net", "m", "--out", "lat"), "m/b.npy cannot be read")
    assert run("model", "encode", "net", "m", "--out", "lat", "--skip").exit_code == 0
    told = json.loads((tmp_path / "lat/summary.json").read_text())
    assert (told["rows"], len(told["skipped"])) == (12, 1)


def test_photographs_are_segmented_as_stats_does_and_it_is_said(run, network, tmp_path):
    labels = blobs((32, 32))
    Image.fromarray(photograph(labels)).save(tmp_path / "photo.png")
    result = run("model", "encode", "net", "photo.png", "--out", "lat")
    assert result.exit_code == 0, result.output
    assert "Otsu's method" in result.stderr
    assert run("model", "reconstruct", "net", "photo.png", "--out", "rec").stderr.count("Otsu's method") == 1
    from twopoint.cli.reading.load import ReadingOptions, load

    cut = load(str(tmp_path / "photo.png"), ReadingOptions()).segmentation.labels
    np.testing.assert_allclose(numbers(tmp_path / "lat/latents.csv"), network.encode(cut)[0].reshape(1, -1), rtol=1e-5, atol=1e-7)


def test_a_micro2d_file_stands_for_all_its_images(run, network, images, tmp_path):
    with MICRO2DWriter(tmp_path / "own.h5", {"A": 5, "B": 7}, size=32) as writer:
        writer.write("A", images[:5])
        writer.write("B", images[5:])
    assert run("model", "encode", "net", "own.h5", "--out", "lat").exit_code == 0
    rows = table(tmp_path / "lat/latents.csv")
    assert (rows[0]["file"], rows[6]["file"]) == ("own.h5:A[0]", "own.h5:B[1]")
    np.testing.assert_allclose(numbers(tmp_path / "lat/latents.csv"), network.encode(images)[0].reshape(12, -1), rtol=1e-5, atol=1e-7)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = images[0]
    assert run("model", "encode", "net", "other.h5", "--out", "other").exit_code == 0  # a file of one image


def test_networks_of_more_phases_take_memberships(run, tmp_path):
    three = CESSVAE(phases=3, width=2).eval()
    three.save(tmp_path / "three")
    labels = blobs((32, 32), phases=3)
    np.save(tmp_path / "a.npy", labels)
    assert run("model", "encode", "three", "a.npy", "--out", "lat").exit_code == 0
    expected = three.encode((labels == np.arange(3)[:, None, None]).astype(np.float32))[0]
    np.testing.assert_allclose(numbers(tmp_path / "lat/latents.csv"), expected.reshape(1, -1), rtol=1e-5, atol=1e-7)


@pytest.mark.long
def test_networks_of_gray_values_take_tiles_of_their_size(run, tmp_path):
    torch.manual_seed(0)
    gray = ResNetVAE(latents=3, size=32, layout=18).eval()
    gray.save(tmp_path / "gray")
    image = photograph(blobs((40, 64)))
    Image.fromarray(image).save(tmp_path / "photo.png")
    assert run("model", "encode", "gray", "photo.png", "--out", "lat").exit_code == 0
    expected = gray.encode(np.stack([image[:32, :32], image[:32, 32:]]).astype(np.float32) / 255)[0]
    np.testing.assert_allclose(numbers(tmp_path / "lat/latents.csv"), expected, rtol=1e-4, atol=1e-6)
    refused(run("model", "encode", "gray", "photo.png", "--tile", 16, "--out", "other"), "--tile must be 32")
    assert run("model", "reconstruct", "gray", "photo.png", "--out", "rec").exit_code == 0
    assert set(table(tmp_path / "rec/reconstructions.csv")[0]) >= {"mean_squared_error", "statistics_error"}


def test_sample_and_interpolate_are_those_of_the_network(run, network, images, tmp_path):
    assert run("model", "sample", "net", "--count", 3, "--size", 32, "--seed", 5, "--out", "s").exit_code == 0
    with np.load(tmp_path / "s/images.npz") as found, torch.inference_mode():
        np.testing.assert_allclose(found["images"], network.sample(3, 32, seed=5)[:, 0], atol=1e-6)
    refused(run("model", "sample", "net", "--prior", "fitted", "--out", "f"), "prior must be 'normal', for this network has no fitted one")
    network.fit_prior([torch.from_numpy(images.astype(np.float32))[:, None]])
    network.save(tmp_path / "fit")
    assert run("model", "sample", "fit", "--count", 3, "--size", 32, "--out", "f").exit_code == 0
    with np.load(tmp_path / "f/images.npz") as found, torch.inference_mode():
        np.testing.assert_allclose(found["images"], network.sample(3, 32, prior="fitted")[:, 0], atol=1e-6)
    assert run("model", "interpolate", "net", "m/a0.png", "m/a1.png", "--count", 3, "--out", "i").exit_code == 0
    first, second = (torch.from_numpy(each.astype(np.float32))[None, None] for each in images[:2])
    with np.load(tmp_path / "i/images.npz") as found, torch.inference_mode():
        np.testing.assert_allclose(found["images"], network.interpolate(first, second, 3)[:, 0, 0], atol=1e-5)
    np.save(tmp_path / "b.npy", blobs((48, 32)))
    refused(run("model", "interpolate", "net", "m/a0.png", "b.npy", "--out", "j"), "images must have one size, m/a0.png is 32 x 32 px")

"""Fixtures of all tests: the matrix of backends, the project's data, checked annotations."""

import os
from collections import Counter
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:  # workers share the cores, so each works with one thread
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import jaxtyping
import numpy as np
import pytest

from support import annotations, quick

# jax compiles a program for each shape, most of its time in tests. With less optimisation of programs that run once it takes half the time.
if "XLA_FLAGS" not in os.environ:
    _quick = ("backend_optimization_level=0", "llvm_disable_expensive_passes=true", "cpu_parallel_codegen_split_count=1")
    os.environ["XLA_FLAGS"] = " ".join(f"--xla_{flag}" for flag in (*_quick, "cpu_use_fusion_emitters=false"))

# Every annotation of the package is checked in the tests, by beartype; installed before anything imports twopoint.
if os.environ.get("TWOPOINT_CHECK_ANNOTATIONS", "1") != "0":  # mutation testing runs a thousand times, and faster without
    annotations.install()

from support import backends

quick.collect_rarely()
hypothesis.settings.register_profile("fast", max_examples=50, deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("slow", max_examples=500, deadline=None, print_blob=True)
hypothesis.settings.load_profile("fast")

_ran: Counter[str] = Counter()  # tests by backend


def _gpu_names() -> tuple[str, ...]:
    """The GPU backends that are asked for by TWOPOINT_GPU=1; looking for them costs the import of torch and jax."""
    return tuple(name for name in backends.GPU_NAMES if backends.at_hand(name)) if os.environ.get("TWOPOINT_GPU") else ()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "backend" in metafunc.fixturenames:
        numpy_only = metafunc.config.option.markexpr.startswith("numpy_only")  # then the others need not even be collected
        names = ["numpy"] if numpy_only else [*backends.NAMES, *_gpu_names()]
        marks = {"numpy": [pytest.mark.numpy_only]}
        metafunc.parametrize("backend", [pytest.param(n, marks=marks.get(n, [])) for n in names], indirect=True)


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> backends.Backend:
    """An array library; each test of the matrix runs on all."""
    _ran[request.param] += 1
    return backends.backend(request.param)


@pytest.fixture
def unchecked():
    """Switch the checking of annotations off, so that the package's own refusals speak, and tracers pass undecorated."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261120)


@pytest.fixture
def shared_data(request: pytest.FixtureRequest) -> Path:
    """The folder of real inputs and known answers; without TWOPOINT_DATA its tests are skipped, by name."""
    folder = os.environ.get("TWOPOINT_DATA")
    if folder:
        return Path(folder)
    message = f"{request.node.name} needs the project's data: set TWOPOINT_DATA"
    if os.environ.get("TWOPOINT_REQUIRE_DATA"):
        pytest.fail(message)
    pytest.skip(message)


def _slow_form(config: pytest.Config) -> bool:
    return "slow" in config.option.markexpr and "not slow" not in config.option.markexpr


def pytest_configure(config: pytest.Config) -> None:
    if _slow_form(config):
        hypothesis.settings.load_profile("slow")


def _library(item: pytest.Item) -> str | None:
    """The backend of a test of the matrix of libraries."""
    return item.callspec.params.get("backend") if hasattr(item, "callspec") else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Choose the cases of large matrices that a plain pytest runs; .ci/run leaves out none but the slow ones.

    Of a test marked matrix(keep=n) all cases but the first n of each library are long, and with numpy_has_all=True slow, except those of
    numpy. jax compiles a program for each shape and option, a third of all time: of its cases all but the first are long, and of tests of
    more than three cases five of six are slow. Under -m slow the tests of hypothesis run too, with the profile of 500 examples.
    """
    by_library: dict[tuple[Path, str, str | None], list[pytest.Item]] = {}
    for item in items:
        by_library.setdefault((item.path, getattr(item, "originalname", item.name), _library(item)), []).append(item)
    for (_, _, library), cases in by_library.items():
        matrix = cases[0].get_closest_marker("matrix")
        keep = matrix.kwargs["keep"] if matrix else len(cases)
        if library == "jax":
            keep = 0 if cases[0].get_closest_marker("long_on_jax") else 1
            for number, item in enumerate(cases if len(cases) > 3 else ()):
                if number % 6:
                    item.add_marker(pytest.mark.slow)
        for item in cases[keep:]:
            item.add_marker(pytest.mark.long)
            if matrix and matrix.kwargs.get("numpy_has_all") and library not in (None, "numpy"):
                item.add_marker(pytest.mark.slow)
    if _slow_form(config):
        for item in items:
            if getattr(getattr(item, "function", None), "is_hypothesis_test", False):
                item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    quick.settle()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a run in which fewer backends ran than were asked for; with pytest-xdist the workers send theirs along."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["backends"] = dict(_ran)
        return
    wanted = set(os.environ.get("TWOPOINT_REQUIRE_BACKENDS", "").replace(",", " ").split())
    if not config.option.collectonly and wanted - set(_ran) and exitstatus == 0:
        session.config.get_terminal_writer().line(f"backends that ran no test: {', '.join(sorted(wanted - set(_ran)))}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error) -> None:
    _ran.update(getattr(node, "workeroutput", {}).get("backends", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests of the matrix ran on each backend."""
    if _ran:
        terminalreporter.write_line(
            "tests by backend: " + ", ".join(f"{name} {_ran[name]}" for name in [*backends.NAMES, *backends.GPU_NAMES] if _ran[name])
        )

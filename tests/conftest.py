"""Fixtures that all tests share: the simulators, and what to do without them."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings

from spicemem import files

os.environ.setdefault("MPLBACKEND", "Agg")  # no test opens a window

# A busy machine is no bug: time limits on single examples only make tests flaky. CI takes the same examples each time,
# so that a change is judged by what it changed; everybody else's runs search on.
settings.register_profile("spicemem", deadline=None, derandomize=os.environ.get("CI") == "true")
settings.load_profile("spicemem")


def require(name: str) -> Any:
    """The engine of that name. Without it: skip, or fail where the simulators are demanded (scripts/test, CI)."""
    from spicemem import engines  # late, so that tests of lower floors run when an engine cannot be imported

    engine = engines.get(name)
    ok, reason = engine.available()
    if not ok:
        message = f"engine {name} is not available: {reason}"
        if os.environ.get("SPICEMEM_REQUIRE_SIMULATORS") == "1":
            pytest.fail(message, pytrace=False)
        pytest.skip(message)
    return engine


@pytest.fixture(scope="session", name="require")
def require_fixture() -> Callable[[str], Any]:
    """`require(name)`, for tests that are parametrised over engines."""
    return require


@pytest.fixture(scope="session")
def ngspice() -> Any:
    return require("ngspice")


@pytest.fixture(scope="session")
def ngspice_osdi() -> Any:
    return require("ngspice-osdi")


@pytest.fixture(scope="session")
def vacask() -> Any:
    return require("vacask")


@pytest.fixture(autouse=True)
def temporary_files(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed runs keep goes with the other files of the tests, not into the machine's temporary folder."""
    folder = tmp_path_factory.mktemp("tmp")
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.delenv("SPICEMEM_STORE", raising=False)  # a developer's own would answer in place of simulators
    monkeypatch.setattr(tempfile, "tempdir", str(folder))


@pytest.fixture(autouse=True)
def simulators_start_again() -> Iterator[None]:
    """A command that was interrupted in one test refuses simulators to the rest of its process, not to other tests."""
    yield
    if "spicemem.engines.process" in sys.modules:
        sys.modules["spicemem.engines.process"].resume()


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """A context in which the disk is full: half of a file is written, then no more."""

    class Half(io.FileIO):
        def write(self, data: Any) -> int:
            super().write(data[:len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")

    @contextlib.contextmanager
    def full() -> Iterator[None]:
        with monkeypatch.context() as patch:
            patch.setattr(files, "open", Half, raising=False)
            yield

    return full

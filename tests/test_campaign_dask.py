"""A campaign on a real Dask scheduler with several worker processes, one of which is killed half-way."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from campaign_points import plain, rc
from test_campaign import entries, learning

import spicemem
from spicemem.campaign import monte_carlo, sweep
from spicemem.engines import Engine
from spicemem.errors import EngineError
from spicemem.spread import Lognormal

distributed = pytest.importorskip("distributed")


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and workers of one thread each, in processes of their own; their address is HOST:PORT."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"127.0.0.1:{port}"
    roots = [str(Path(__file__).parent), str(Path(spicemem.__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, roots)), "TMPDIR": str(folder)}

    def start(name: str, *words: str) -> subprocess.Popen[bytes]:
        with (folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen([sys.executable, "-m", f"distributed.cli.dask_{name.rstrip('0123456789')}", *words,
                                     "--no-dashboard"], cwd=folder, env=env, stdout=log, stderr=log)

    processes = [start("scheduler", "--host", "127.0.0.1", "--port", str(port))]
    processes += [start(f"worker{k}", f"tcp://{address}", "--nthreads", "1", "--no-nanny", "--local-directory",
                        str(folder)) for k in range(workers)]
    try:
        yield address, processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def wait_for_workers(address: str, count: int) -> None:
    with distributed.Client(f"tcp://{address}", timeout=60, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=60)


def test_a_worker_is_killed_half_way(ngspice: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spicemem.campaign.execution.PATIENCE", 60.0)
    axes = {"ohm": [1e3 + k for k in range(40)]}
    here = sweep(rc, axes, engine=ngspice, executor="here")
    with cluster(tmp_path, 2) as (address, workers):
        wait_for_workers(address, 2)
        killed_at: list[int] = []

        def kill() -> None:
            while len(entries(tmp_path / "store")) < 10:
                time.sleep(0.005)
            workers[0].send_signal(signal.SIGKILL)
            killed_at.append(len(entries(tmp_path / "store")))

        thread = threading.Thread(target=kill)
        thread.start()
        found = sweep(rc, axes, engine=ngspice, executor=f"dask://{address}", store=tmp_path / "store")
        thread.join()
        assert killed_at[0] < 40 and workers[0].poll() == -signal.SIGKILL and workers[1].poll() is None
    assert found.data.identical(here.data) and not found.failures
    assert len(entries(tmp_path / "store")) == 40


@pytest.mark.full
def test_more_workers_and_other_ways_in(ngspice: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spicemem.campaign.execution.PATIENCE", 60.0)
    spread = {"syn.g_init": Lognormal(0.1)}
    here = monte_carlo(learning(), spread, 12, 1, engine=ngspice, executor="here")
    with cluster(tmp_path, 3) as (address, workers):
        wait_for_workers(address, 3)
        with distributed.Client(f"tcp://{address}", set_as_default=False) as client:
            given = monte_carlo(learning(), spread, 12, 1, engine=ngspice, executor=client.get_executor(pure=False))
        assert given.data.identical(here.data)
        failing = sweep(plain, {"a": [1.0, 2.0], "b": [0.0]}, executor=f"dask://{address}")
        assert failing.count["ok"] == 2
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.wait()
        monkeypatch.setattr("spicemem.campaign.execution.PATIENCE", 3.0)
        with pytest.raises(EngineError, match="found no workers"):
            sweep(plain, {"a": [1.0]}, executor=f"dask://{address}")

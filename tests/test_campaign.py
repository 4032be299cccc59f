"""Does a campaign lose nothing, repeat nothing, and say the same whatever runs it? And are its numbers right?"""

from __future__ import annotations

import json
import math
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import campaign_points
import numpy as np
import pytest
from campaign_points import dies, fails_in_the_middle, hangs, ishigami, line, plain, rc, rc_twice, strange, window
from typer.testing import CliRunner, Result

from spicemem import cli, store
from spicemem.campaign import (
    Campaign,
    Redrawn,
    Spec,
    Study,
    corner_sets,
    corners,
    declared,
    grid,
    load,
    monte_carlo,
    remarks,
    samples,
    sensitivity,
    statistics,
    summary,
    sweep,
    yields,
)
from spicemem.campaign.execution import opened
from spicemem.campaign.plots import pictures
from spicemem.campaign.scored import scored
from spicemem.circuit import Circuit, Resistor, VoltageSource
from spicemem.circuits import cell_1t1r, divider_gate, one_device
from spicemem.devices import EIS, VCM
from spicemem.devices.transistor import NFET, PFET
from spicemem.engines import Engine
from spicemem.errors import EngineError, InputError, SpicememError
from spicemem.experiments import EXPERIMENTS
from spicemem.protocols import stdp
from spicemem.spread import Lognormal, Normal, Relative, Uniform
from spicemem.store import Store
from spicemem.waveform import Waveform

PRE = Waveform.points((-0.015, 0), (-0.0149, -6.5), (-1e-4, -6.5), (0, 6.5), (0.1, 0))


def learning() -> Study:
    """A pair of spikes at an ionic synapse."""
    return Study(stdp, divider_gate, pre=PRE, post=-PRE, delays=[-0.02, 0.02], units={"r": "Ohm"})


# --- points -----------------------------------------------------------------------------------------------------------


def test_a_grid_is_every_combination() -> None:
    found = sweep(plain, {"a": [1.0, 2.0], "b": [10.0, 20.0, 30.0]}, executor="here")
    assert found.data["sum"].dims == ("a", "b") and found.unit("sum") == "V"
    assert found.data["product"].sel(a=2.0, b=30.0) == 60
    assert found.count == {"ok": 6, "failed": 0, "not run": 0} and found.outputs == ["sum", "product"]


def test_labels_stand_for_what_is_no_number() -> None:
    study = Study(stdp, divider_gate, post=-PRE, delays=[0.02])
    plan = grid(study, {"pre": {"plain": PRE, "weak": PRE * 0.9}})
    assert list(plan.dims[0].coords["pre"][0]) == ["plain", "weak"]
    assert plan.study.at(plan.point(1))[1]["pre"].peak == pytest.approx(0.9 * PRE.peak)


@pytest.mark.parametrize("method", ["random", "sobol"])
def test_a_sample_is_the_same_however_many_are_drawn(method: Any) -> None:
    spread = {"syn.g_init": Lognormal(0.1), "r": Relative(0.05)}
    few, many = (samples(learning(), spread, n, 3, method=method) for n in (4, 16))
    assert [few.point(k) for k in range(4)] == [many.point(k) for k in range(4)]
    assert few.point(0) != samples(learning(), spread, 4, 4, method=method).point(0)
    assert samples(learning(), {"r": Relative(0.05)}, 4, 3).point(2)["r"] == (  # whatever else spreads
        samples(learning(), spread, 4, 3).point(2)["r"])


@pytest.mark.parametrize(("method", "count"), [("lhs", 50), ("sobol", 64)])
def test_even_samples_are_even(method: Any, count: int) -> None:
    plan = samples(learning(), {"syn.g_init": Uniform(1e-7), "syn.j_0": Lognormal(0.3)}, count, 1, method=method)
    g = np.array([plan.point(k)["syn.g_init"] for k in range(count)])
    nominal = learning().nominal("syn.g_init")
    cells = np.floor((g - nominal + 1e-7) / 2e-7 * count).astype(int)
    assert sorted(cells) == list(range(count))  # one in each stratum: no plain random sample has that
    logs = np.log([plan.point(k)["syn.j_0"] for k in range(count)])
    assert logs.std() == pytest.approx(0.3, rel=0.1)


def test_a_draw_that_is_refused_is_drawn_again_or_said() -> None:
    plan = samples(learning(), {"syn.g_init": Relative(0.8)}, 40, 1)  # below 0 in a tenth of the draws
    assert min(plan.point(k)["syn.g_init"] for k in range(40)) > 0
    with pytest.raises(InputError, match="Only method random draws again"):
        samples(learning(), {"syn.g_init": Relative(0.8)}, 40, 1, method="lhs")


def test_what_a_device_declares() -> None:
    assert declared(learning(), "syn") == {"syn.j_0": EIS.spread["j_0"]}
    with pytest.raises(InputError, match="declares none"):
        declared(Study(cell_1t1r()), "t_select")


def test_cycle_to_cycle_drives_an_input() -> None:
    study = Study(one_device(VCM()))
    plan = samples(study, {"syn.jitter": Redrawn(Normal(0.1), 1e-3, 5e-3)}, 3, 7)
    waves = [study.at(plan.point(k))[0].parts["v_syn_jitter"][0].wave for k in range(3)]  # type: ignore[union-attr]
    assert len({wave.values.tobytes() for wave in waves}) == 3 and waves[0].times[-1] == pytest.approx(5e-3)
    again = samples(study, {"syn.jitter": Redrawn(Normal(0.1), 1e-3, 5e-3)}, 9, 7)
    assert again.point(2) == plan.point(2)
    assert plan.dims[0].coords["syn.jitter.seed"][0][2] == plan.point(2)["syn.jitter"].seed


def test_parts_of_circuits_at_any_depth() -> None:
    outer = Circuit("outer").add("cell", divider_gate(), pre="a", post="b", drain="0")
    outer.add("va", VoltageSource(1.0), p="a", n="0").add("vb", VoltageSource(2.0), p="b", n="0")
    study = Study(outer)
    cell, _ = study.at({"cell.syn.g_init": 2e-7, "cell.r_pre.ohm": 5e6, "va.wave": 3.0, "supply": 1.1})
    assert cell is not None
    parts = {e.path: e.part for e in cell.elements()}
    assert cell.devices()["cell.syn"].values["g_init"] == 2e-7 and parts["cell.r_pre"] == Resistor(5e6)
    assert parts["va"] == VoltageSource(3.0) and parts["vb"] == VoltageSource(2.2)
    assert study.unit("cell.r_pre.ohm") == "Ohm" and study.unit("vb.wave") == "V"
    assert outer.devices()["cell.syn"].values["g_init"] != 2e-7


def test_corners_of_compact_transistors() -> None:
    pair = Circuit("pair", ("d", "g"))
    pair.add("n", NFET(), d="d", g="g", s="0", b="0").add("p", PFET(), d="d", g="g", s="0", b="0")
    study = Study(plain_circuit, pair)
    for corner, signs in {"tt": (0, 0), "ff": (-1, -1), "ss": (1, 1), "fs": (-1, 1), "sf": (1, -1)}.items():
        cell, _ = study.at({"process": corner, "temperature": 398.0})
        assert cell is not None
        for path, kind, sign in zip("np", (NFET(), PFET()), signs, strict=True):
            values = cell.devices()[path].values
            assert values["vt0"] == pytest.approx(kind.values["vt0"] + 0.05 * sign)
            assert values["kp"] == pytest.approx(kind.values["kp"] * (1 - 0.1 * sign)) and values["temp0"] == 398


def plain_circuit(cell: Circuit) -> float:
    return float(len(cell.parts))


def test_corners_of_a_foundry() -> None:
    foundry = pytest.importorskip("spicemem.circuits.foundry")
    try:
        nmos = foundry.sky130()
    except SpicememError as error:
        pytest.skip(str(error))
    study = Study(cell_1t1r(VCM(), nmos))
    cell, _ = study.at({"process": "ss"})
    assert cell is not None and cell.parts["t_select"][0].section == "logic_ss"  # type: ignore[union-attr]
    with pytest.raises(InputError, match=r"27 degrees Celsius"):
        study.at({"temperature": 398.0})


def test_supply_scales_the_waveforms_of_a_protocol_and_of_a_bench() -> None:
    _, arguments = learning().at({"supply": 0.9})
    assert arguments["pre"].peak == pytest.approx(0.9 * PRE.peak) and arguments["delays"] == [-0.02, 0.02]
    cell, _ = Study(cell_1t1r()).at({"supply": 1.1})
    assert cell is not None and cell.bench is not None
    old = cell_1t1r().bench
    assert old is not None and cell.bench.drives["wl"].peak == pytest.approx(1.1 * old.drives["wl"].peak)


def test_named_corners_and_axes() -> None:
    sets = {"typical": {"process": "tt", "temperature": 300.0}, "slow": {"process": "ss", "temperature": 398.0}}
    plan = corner_sets(Study(cell_1t1r()), sets, {"supply": [0.9, 1.0, 1.1]})
    assert plan.shape == (2, 3) and plan.point(5) == {"process": "ss", "temperature": 398.0, "supply": 1.1}
    assert list(plan.dims[0].coords["corner"][0]) == ["typical", "slow"]
    assert plan.dims[0].coords["temperature"][1] == "K"


@pytest.mark.parametrize(("make", "words"), [
    (lambda: grid(Study(plain), {}), "nothing that varies"),
    (lambda: grid(Study(plain), {"a": []}), "axis a: found no values"),
    (lambda: grid(Study(plain), {"a": [1.0, 1.0]}), "1.0 twice"),
    (lambda: grid(Study(plain), {"a": [math.nan]}), "finite numbers"),
    (lambda: grid(Study(plain), {"c": [1.0]}), "found 'c', expected one it has"),
    (lambda: grid(learning(), {"syn.g_int": [1.0]}), "Did you mean syn.g_init"),
    (lambda: grid(learning(), {"sin.g_init": [1.0]}), "Did you mean syn.g_init"),
    (lambda: grid(learning(), {"delay": [1.0]}), "delays"),
    (lambda: grid(learning(), {"process": ["xx"]}), "tt or ff or ss"),
    (lambda: Study(stdp, divider_gate, executor=None), "the campaign to run it"),
    (lambda: Study(3), "a function or a Circuit"),  # type: ignore[arg-type]
    (lambda: Study(stdp, divider_gate, **{"syn.g_init": 1.0, "pre": PRE}).nominal_circuit, "g_init"),
    (lambda: learning().at({"process": "ss"}), "a transistor: NFET, PFET"),
    (lambda: samples(learning(), {}, 3, 1), "no spread"),
    (lambda: samples(learning(), {"r": Relative(0.1)}, 0, 1), "at least 1"),
    (lambda: samples(learning(), {"r": Relative(0.1)}, 3, -1), "seed"),
    (lambda: samples(learning(), {"r": Relative(0.1)}, 3, 1, method="grid"), "random or lhs"),  # type: ignore[arg-type]
    (lambda: samples(learning(), {"r": Relative(0.1)}, 3, 1, method="saltelli"), "a power of two"),
    (lambda: samples(Study(plain), {"a": Relative(0.1)}, 3, 1), "no nominal value"),
    (lambda: samples(learning(), {"r": Relative(0.1)}, 3, 1, axes={"r": [1e6]}), "r varied twice"),
    (lambda: samples(Study(cell_1t1r()), {"process": Relative(0.1)}, 3, 1), "Make it an axis"),
    (lambda: samples(Study(one_device(VCM())), {"syn.t_amb": Redrawn(Normal(1.0), 1e-3, 1e-2)}, 3, 1), "an input of a"),
    (lambda: grid(Study(cell_1t1r()), {"process": ["ss"], "t_select.vt0": [0.4, 0.5]}), "process, which sets it too"),
    (lambda: corner_sets(Study(cell_1t1r()), {"slow": {}}), "corner slow: found no settings"),
    (lambda: sweep(plain, {"a": [1.0]}, executor="cluster"), "processes:N, threads:N"),
    (lambda: sweep(plain, {"a": [1.0]}, executor="processes:0"), "processes:N, threads:N"),
    (lambda: sweep(plain, {"a": [1.0]}, executor="here", time_limit=0.0), "above 0 s"),
    (lambda: sweep(plain, {"a": [1.0]}, executor="here", only_failed=True), "no folder"),
    (lambda: sweep(lambda a: a, {"a": [1.0]}), "function that other processes can import"),
    (lambda: Spec.parse("ltp is large"), "ltp > 1n"),
    (lambda: Spec.parse("5 > ltp > 1"), "1n < ltp < 5n"),
])
def test_bad_requests_say_what_is_wrong(make: Any, words: str) -> None:
    with pytest.raises(SpicememError, match=words):
        make()


# --- runs -------------------------------------------------------------------------------------------------------------


def test_the_same_whatever_runs_it(ngspice: Engine, tmp_path: Path) -> None:
    spread = {"syn.g_init": Lognormal(0.1), "r": Relative(0.05)}
    found = [monte_carlo(learning(), spread, 4, 1, executor=text, engine=ngspice, folder=tmp_path / str(k))
             for k, text in enumerate(("here", "threads:2", "processes:2"))]
    for other in found[1:]:
        assert found[0].data.identical(other.data)  # every bit, units and attributes too
    data = found[0].data
    assert data["dG"].dims == ("sample", "delay") and data["dG"].attrs["units"] == "S"
    assert data["syn.g_init"].attrs["units"] == "S" and data["delay"].attrs["units"] == "s"
    assert (data["dG"].sel(delay=0.02) > 4e-8).all() and (data["ltp"] == data["dG"].sel(delay=0.02)).all()
    assert not found[0].data.identical(monte_carlo(learning(), spread, 4, 2, executor="here", engine=ngspice).data)
    assert load(tmp_path / "2").data.identical(data)


def test_failures_are_listed_and_run_again_alone(tmp_path: Path) -> None:
    log = tmp_path / "log"
    study = Study(fails_in_the_middle, log=str(log))
    found = sweep(study, {"a": [1.0, 2.0, 3.0, 4.0]}, executor="threads:2", folder=tmp_path / "out")
    assert found.count == {"ok": 2, "failed": 2, "not run": 0}
    assert [f.settings for f in found.failures] == [{"a": 2.0}, {"a": 3.0}]
    assert found.failures[0].reason == "ZeroDivisionError: no 2"
    assert "fails_in_the_middle" in (Path(found.failures[0].folder) / "reason.txt").read_text()
    assert np.isnan(found.data["value"].values[1:3]).all()
    log.unlink()
    again = sweep(study, {"a": [1.0, 2.0, 3.0, 4.0]}, executor="here", folder=tmp_path / "out", only_failed=True)
    assert log.read_text() == "2\n3\n" and again.data.identical(found.data)
    with pytest.raises(InputError, match="another one"):
        sweep(study, {"a": [1.0, 2.0, 3.0, 5.0]}, executor="here", folder=tmp_path / "out", only_failed=True)


def test_a_failed_simulation_keeps_netlist_and_log(ngspice: Engine, tmp_path: Path) -> None:
    study = Study(rc, stop=1.0, max_step=1e-7, units={"ohm": "Ohm"})
    found = sweep(study, {"ohm": [1e3]}, engine=ngspice, executor="here", folder=tmp_path, time_limit=0.3)
    failure = found.failures[0]
    folder = tmp_path / "failed" / "000000"
    assert failure.folder == str(folder) and str(folder) in failure.reason and "no end after 0." in failure.reason
    assert {"deck.cir", "log", "reason.txt"} <= {p.name for p in folder.iterdir()}


def test_a_time_limit_is_no_other_run_for_the_store(ngspice: Engine, tmp_path: Path) -> None:
    sweep(rc, {"ohm": [1e3, 2e3]}, engine=ngspice, executor="here", store=tmp_path, time_limit=60.0)
    before = entries(tmp_path)
    sweep(rc, {"ohm": [1e3, 2e3]}, engine=ngspice, executor="here", store=tmp_path)
    assert len(before) == 2 and entries(tmp_path) == before


@pytest.mark.parametrize("executor", ["here", "processes:1"])
def test_a_function_that_hangs_is_ended(executor: str) -> None:
    began = time.monotonic()
    found = sweep(hangs, {"a": [0.0, 1.0, 2.0]}, executor=executor, time_limit=0.2)
    assert found.count["ok"] == 2 and "no end after 0.2 s" in found.failures[0].reason
    assert time.monotonic() - began < 30


def test_a_worker_that_dies_costs_its_own_point_only() -> None:
    found = sweep(dies, {"a": [float(k) for k in range(8)]}, executor="processes:2")
    assert [f.settings["a"] for f in found.failures] == [3.0] and found.count["ok"] == 7
    assert "its process died" in found.failures[0].reason


def test_a_given_executor_whose_worker_dies_is_an_error(tmp_path: Path) -> None:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool, pytest.raises(EngineError, match="that died"):
        sweep(dies, {"a": [float(k) for k in range(8)]}, executor=pool, folder=tmp_path)


def places(workers: int, enough: int) -> set[frozenset[int]]:
    """Where the workers of a pool may run, asked until so many answers are known."""
    seen: set[frozenset[int]] = set()
    until = time.monotonic() + 20.0
    with opened(f"processes:{workers}") as pool:
        while len(seen) < enough and time.monotonic() < until:
            seen |= {frozenset(f.result()) for f in [pool.executor.submit(os.sched_getaffinity, 0) for _ in range(40)]}
    return seen


def test_a_worker_for_each_processor_keeps_to_it() -> None:
    cpus = os.sched_getaffinity(0)
    assert places(len(cpus), len(cpus)) == {frozenset({cpu}) for cpu in cpus}
    assert places(len(cpus) + 1, 1) == {frozenset(cpus)}


def test_a_scheduler_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("spicemem.campaign.execution.PATIENCE", 0.2)
    with pytest.raises(EngineError, match=r"executor dask://127.0.0.1:9: found .*dask scheduler"):
        sweep(plain, {"a": [1.0]}, executor="dask://127.0.0.1:9")


def entries(folder: Path) -> set[str]:
    """The finished runs in a store."""
    return {item.key for item in Store(folder).entries()} if folder.is_dir() else set()


class Counted:
    """A campaign of two simulations a point from the command line; every start of a simulator is counted."""

    def __init__(self, folder: Path, points: int):
        self.folder, self.points = folder, points
        (folder / "bin").mkdir()
        real = subprocess.run(["which", "ngspice"], capture_output=True, text=True, check=True).stdout.strip()
        wrapper = folder / "bin" / "ngspice"
        # Slower than it is, so that most of the time something is half done.
        wrapper.write_text(f'#!/bin/sh\n[ -f deck.cir ] && echo start >> {folder}/starts && sleep 0.03\n'
                           f'exec {real} "$@"\n')
        wrapper.chmod(0o755)
        self.mark = f"COUNTED={folder}"
        self.env = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "COUNTED": str(folder),
                    "TMPDIR": str(folder), store.VARIABLE: ""}

    def start(self, executor: str) -> subprocess.Popen[str]:
        words = ["sweep", f"{campaign_points.__file__}:rc_twice", "--axis", f"ohm=1k:2k:{self.points}", "--executor",
                 executor, "-o", "out", "--engine", "ngspice"]
        return subprocess.Popen([sys.executable, "-m", "spicemem.cli", *words], cwd=self.folder, env=self.env,
                                text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def starts(self) -> int:
        log = self.folder / "starts"
        return len(log.read_text().split()) if log.exists() else 0

    def stored(self) -> int:
        return len(entries(self.folder / "out" / "store"))

    def left(self, patience: float = 4.0) -> list[str]:
        """Processes that this campaign has left behind, after as long as their end may take."""
        found: list[str] = []
        for _ in range(int(10 * patience)):
            found = []
            for entry in Path("/proc").glob("[0-9]*/environ"):
                try:
                    if self.mark.encode() in entry.read_bytes():
                        found.append((entry.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode())
                except OSError:
                    continue
            if not found:
                break
            time.sleep(0.1)
        return found


def kill_and_resume(folder: Path, executor: str, seed: int, points: int) -> None:
    folder.mkdir()
    campaign, source = Counted(folder, points), random.Random(seed)
    process = campaign.start(executor)
    wanted = source.randint(1, 2 * points - 3)  # somewhere: when so many simulators have started, and a little later
    while campaign.starts() < wanted:
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)
    time.sleep(source.uniform(0, 0.05))
    process.kill()
    process.communicate()
    assert not campaign.left()
    stored, before = campaign.stored(), campaign.starts()
    assert before - stored <= 2  # lost: what was running, in two workers
    again = campaign.start(executor)
    out, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    assert campaign.starts() - before == 2 * points - stored  # repeated: nothing that was finished
    assert f"{points} of {points} points" in out and not campaign.left()
    assert not list(folder.glob("spicemem-ngspice-*"))
    found = load(folder / "out")
    ohm = found.column("ohm")
    assert len(np.unique(found.column("end"))) == points and (np.diff(found.column("end")) < 0).all() and ohm[0] == 1000


@pytest.mark.parametrize(("executor", "seed"), [("processes:2", 1), ("threads:2", 2)])
def test_killed_it_resumes(ngspice: Engine, tmp_path: Path, executor: str, seed: int) -> None:
    kill_and_resume(tmp_path / "campaign", executor, seed, 8)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(20))
def test_killed_at_random_it_resumes(ngspice: Engine, tmp_path: Path, seed: int) -> None:
    kill_and_resume(tmp_path / "campaign", ("processes:2", "processes:2", "threads:2")[seed % 3], 100 + seed, 30)


def test_ctrl_c_says_how_to_go_on(ngspice: Engine, tmp_path: Path) -> None:
    campaign = Counted(tmp_path, 12)
    process = campaign.start("threads:2")
    while campaign.starts() < 9:
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130 and "of 12 points are in out" in err and "same command goes on" in err
    assert "Traceback" not in err and not campaign.left()
    found = load(tmp_path / "out")
    assert 0 < found.count["ok"] < 12 and found.count["not run"] == 12 - found.count["ok"]


def test_the_counter_sees_a_run_that_is_repeated(
        ngspice: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = Counted(tmp_path, 2)
    monkeypatch.setenv("PATH", campaign.env["PATH"])

    def again() -> int:
        sweep(rc_twice, {"ohm": [1e3, 2e3]}, engine=ngspice, executor="here", folder=tmp_path / "out")
        return campaign.starts()

    assert again() == 4 and campaign.stored() == 4
    assert again() == 4  # unchanged: read, not simulated
    kept = Store(tmp_path / "out" / "store")
    assert kept.prune(size=kept.size() - 1).removed == 1
    assert again() == 5


def test_what_is_left_behind_is_seen(tmp_path: Path) -> None:
    mark = {**os.environ, "COUNTED": str(tmp_path)}
    process = subprocess.Popen(["sleep", "30"], env=mark)
    (tmp_path / "x").mkdir()
    campaign = object.__new__(Counted)
    campaign.mark = f"COUNTED={tmp_path}"
    try:
        assert any("sleep 30" in line for line in campaign.left(0.1))
    finally:
        process.kill()
        process.wait()


@pytest.mark.full
def test_memory_is_flat() -> None:
    import resource

    sweep(plain, {"a": np.arange(100.0)}, executor="processes:1")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sweep(plain, {"a": np.arange(3000.0)}, executor="processes:1")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # KiB; the results are 3000 small ones


# --- results ----------------------------------------------------------------------------------------------------------


def test_points_with_different_x_keep_them(tmp_path: Path) -> None:
    found = sweep(window, {"n": [3.0, 5.0]}, executor="here", folder=tmp_path)
    data = load(tmp_path).data
    assert data["y"].dims == ("n", "x_index") and data["y_x"].values[1].tolist() == [0, 1, 2, 3, 4]
    assert np.isnan(data["y"].values[0, 3:]).all() and data["y_max"].values.tolist() == [4, 16]
    assert found.data.identical(data)


def test_a_result_that_is_no_number_fails_its_point() -> None:
    found = sweep(strange, {"a": [1.0]}, executor="here")
    assert "found a str, expected a number" in found.failures[0].reason


def test_damaged_results_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no data\.nc"):
        load(tmp_path)
    sweep(plain, {"a": [1.0, 2.0]}, executor="here", folder=tmp_path)
    data = (tmp_path / "data.nc").read_bytes()
    (tmp_path / "data.nc").write_bytes(data[:100])
    with pytest.raises(InputError, match=f"campaign in {tmp_path}"):
        load(tmp_path)


def drawn(count: int, method: Any = "random") -> Campaign:
    spread: Any = {"a": Normal(1.0), "b": Normal(0.1)}
    return monte_carlo(Study(plain, a=0.0), spread, count, 1, method=method, executor="here")


def test_yield_and_its_interval() -> None:
    found = drawn(400)
    a = found.column("sum")
    got, other, everything = yields(found, ["sum > 2", "sum <= 3"])
    assert yields(found, ["2 < sum <= 3"])[0].met == everything.met
    assert got.met == (a > 2).sum() and got.points == 400 and 0.4 < got.low < got.share < got.high < 0.6
    assert got.high - got.low == pytest.approx(2 * 1.96 * 0.025, rel=0.05)  # as the normal approximation has it
    assert everything.met == ((a > 2) & (a <= 3)).sum() and other.met == (a <= 3).sum()
    assert yields(found, ["sum > 2 V"])[0].met == got.met
    with pytest.raises(InputError, match=r"no quantity 'sun'.*Did you mean sum"):
        yields(found, ["sun > 2"])
    with pytest.raises(InputError, match="unit V"):
        yields(found, ["sum > 2 A"])
    with pytest.raises(InputError, match="no quantity 'sun'"):  # after the first point, not the last
        monte_carlo(Study(plain, a=0.0), {"a": Normal(1.0)}, 3, 1, executor="here", specs=["sun > 2"])


def test_a_curve_is_specified_at_a_value_of_x() -> None:
    found = sweep(line, {"slope": [1.0, 2.0]}, executor="here")
    assert yields(found, ["y(1.5) > 2"])[0].met == 1 and math.isnan(yields(found, ["y(1.5) > 2"])[0].low)
    with pytest.raises(InputError, match="expected one number a point"):
        yields(found, ["y > 2"])
    with pytest.raises(InputError, match="expected 0 s to 3 s"):
        yields(found, ["y(7) > 2"])


def test_statistics_and_rank_correlation() -> None:
    found = drawn(200)
    values = found.column("sum")
    row = statistics(found)["sum"]
    assert (row.points, row.mean, row.p95) == (200, values.mean(), np.percentile(values, 95))
    rows = [s for s in sensitivity(found) if s.output == "sum"]
    assert [s.parameter for s in rows] == ["a", "b"] and rows[0].value > 0.98 and abs(rows[1].value) < 0.2
    assert rows[0].other < 1e-10 < rows[1].other


def test_sobol_indices_of_a_function_that_is_known() -> None:
    spread: Any = dict.fromkeys("xyz", Uniform(math.pi))
    found = monte_carlo(Study(ishigami, x=0.0, y=0.0, z=0.0), spread, 512, 1, method="saltelli", executor="here")
    rows = {s.parameter: s for s in sensitivity(found)}
    exact = {"x": (0.3139, 0.5576), "y": (0.4424, 0.4424), "z": (0.0, 0.2437)}
    for name, (first, total) in exact.items():
        assert (rows[name].value, rows[name].other) == pytest.approx((first, total), abs=0.05)
    assert found.data.sizes == {"sample": 512 * 5}
    assert {s.kind for s in sensitivity(drawn(64, "sobol"))} == {"rank"}
    assert "power of two" in remarks(drawn(10, "sobol"))[0] and not remarks(drawn(16, "sobol"))


def test_an_experiment_is_a_study(ngspice: Engine) -> None:
    study = scored(EXPERIMENTS["eis-energy"], quick=True)
    found = sweep(study, {"quick": [1.0]}, engine=ngspice, executor="here")
    assert found.count["ok"] == 1 and float(found.data["targets_met"][0]) == 1.0
    assert [n for n in found.outputs if n.startswith("eis-energy")]
    with pytest.raises(InputError, match="expected one it has"):
        scored(EXPERIMENTS["eis-stdp"], radius=1.0)


def test_pictures_show_what_is_there() -> None:
    found = drawn(60)
    shown = pictures(found, ["sum > 2"])
    assert set(shown) == {"histograms", "scatter", "sensitivity"}
    title = shown["histograms"].axes[0].get_title()
    assert title.startswith("sum > 2: ") and f"{yields(found, ['sum > 2'])[0].share * 100:.1f} %" in title
    labels = {ax.get_xlabel() for ax in shown["scatter"].axes}
    assert {"a", "b", "sum (V)", "product"} <= labels
    assert set(pictures(sweep(plain, {"a": [1.0, 2.0], "b": [3.0, 4.0]}, executor="here"))) == {"sweep"}
    assert set(pictures(sweep(line, {"slope": [1.0, 2.0]}, executor="here"))) == {"sweep", "curves"}
    named = corners(Study(plain, a=1.0), {"low": {"a": 1.0}, "high": {"a": 9.0}}, executor="here")
    assert [t.get_text() for t in pictures(named)["corners"].axes[0].get_yticklabels()] == ["low", "high"]


def test_summary_is_json_without_nan() -> None:
    found = sweep(fails_in_the_middle, {"a": [1.0, 2.0]}, executor="here")
    text = json.dumps(summary(found, ["value > 0"]), allow_nan=False)
    facts = json.loads(text)
    assert facts["failed"] == 1 and facts["yield"][0]["met"] == 1 and facts["yield"][0]["low"] is None


# --- the command line ----------------------------------------------------------------------------------------------


def invoke(*arguments: Any) -> Result:
    return CliRunner().invoke(cli.app, [str(a) for a in arguments])


def test_monte_carlo_on_the_command_line(ngspice: Engine, tmp_path: Path) -> None:
    done = invoke("monte-carlo", "stdp", "divider_gate", "--samples", 8, "--seed", 3, "--spread", "syn", "--spread",
                  "syn.g_init=lognormal:0.1", "-p", "pre=-15m:0 -14.9m:-6.5 -0.1m:-6.5 0:6.5 100m:0", "-p", "post=-pre",
                  "-p", "delays=-20m:20m:2", "--spec", "ltp > 50n", "--executor", "threads:2", "-o", tmp_path / "mc")
    assert done.exit_code == 0, done.output
    assert "8 of 8 points" in done.output and "ltp > 50n" in done.output and "rank correlation" in done.output
    facts = json.loads((tmp_path / "mc" / "summary.json").read_text())
    assert facts["seed"] == 3 and facts["yield"][0]["points"] == 8
    assert {"data.nc", "failures.json", "log.txt", "histograms.png", "scatter.png", "store"} <= {
        p.name for p in (tmp_path / "mc").iterdir()}


def test_corners_on_the_command_line(ngspice: Engine, tmp_path: Path) -> None:
    done = invoke("corners", "cell_1t1r", "--process", "ff,ss", "-c", "low:supply=0.9", "-c", "high:supply=1.1",
                  "-p", "points=11", "--executor", "threads:2", "-o", tmp_path)
    assert done.exit_code == 0, done.output
    data = load(tmp_path).data
    assert data.sizes["corner"] == 2 and list(data["process"].values) == ["ff", "ss"]
    spans = data["syn.x_max"] if "syn.x_max" in data else data[load(tmp_path).outputs[0]]
    assert len(np.unique(spans.values)) == 4  # each corner is another circuit


@pytest.mark.parametrize(("words", "message"), [
    (("sweep", "divider_gate", "-a", "syn.g_init="), "axis syn.g_init: found no values"),
    (("sweep", "divider_gate", "-a", "syn.g_init"), "NAME=GRID"),
    (("sweep", "divider_gate", "-a", "syn.g_init=1:2"), "FROM:TO:COUNT"),
    (("sweep", "divider_gate", "-a", "syn.g_init=0:1u:5:log"), "above 0"),
    (("sweep", "divider_gate", "-a", "syn.g_init=1V"), "the unit S"),
    (("sweep", "divider_gate", "-a", "syn.g_int=1u"), "Did you mean syn.g_init"),
    (("sweep", "divider_gate", "-a", "syn.g_init=1u", "-a", "syn.g_init=2u"), "two of them"),
    (("sweep", "divider_gat", "-a", "syn.g_init=1u"), "Did you mean divider_gate"),
    (("sweep", "stdp", "-a", "syn.g_init=1u"), "no circuit"),
    (("sweep", "stdp", "divider", "-a", "syn.g_init=1u"), "Did you mean divider_gate"),
    (("sweep", "stdp", "divider_gate", "-a", "syn.g_init=1u"), "no pre, post, delays"),
    (("sweep", "stdp", "divider_gate", "-p", "pre=0:0 1:x", "-a", "r=1meg"), "a number in V"),
    (("sweep", "stdp", "divider_gate", "-p", "post=-pre", "-a", "r=1meg"), "-p pre=... before it"),
    (("sweep", "nowhere.py:f", "-a", "x=1"), "no such file"),
    (("sweep", "math:nothing", "-a", "x=1"), "a function that can be imported"),
    (("monte-carlo", "divider_gate"), "no spread"),
    (("monte-carlo", "divider_gate", "-s", "syn.g_init=gauss:1"), "lognormal:0.1"),
    (("monte-carlo", "divider_gate", "-s", "syn.g_init=normal:1A"), "the unit S"),
    (("monte-carlo", "divider_gate", "-s", "synapse"), "Did you mean syn"),
    (("monte-carlo", "divider_gate", "-s", "syn", "--executor", "lsf"), "dask://HOST:PORT"),
    (("monte-carlo", "divider_gate", "-s", "syn", "--spec", "ltp"), "specification"),
    (("corners", "divider_gate"), "nothing that varies"),
    (("corners", "divider_gate", "-c", "slow"), "NAME:KEY=VALUE"),
    (("corners", "cell_1t1r", "--process", "tt,slow"), "tt or ff or ss"),
    (("corners", "divider_gate", "--temperature", "hot"), "a number in K"),
    (("sweep", "divider_gate", "-a", "syn.g_init=1u", "--time-limit", "0"), "above 0 s"),
])
def test_bad_input_is_one_line(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    done = invoke(*words, "-o", tmp_path / "out")
    assert done.exit_code == 1 and message in done.output and "Traceback" not in done.output
    assert len([row for row in done.output.splitlines() if row.startswith("error: ")]) == 1
    assert not (tmp_path / "out" / "data.nc").exists()


def test_an_unknown_quantity_is_said_after_the_first_point(ngspice: Engine, tmp_path: Path) -> None:
    done = invoke("sweep", "divider_gate", "-a", "syn.g_init=1u,2u,3u", "--spec", "ltp > 1", "--executor", "here", "-o",
                  tmp_path)
    assert done.exit_code == 1 and "no quantity 'ltp'" in done.output
    assert load(tmp_path).count == {"ok": 1, "failed": 0, "not run": 2}


def test_failed_points_make_the_command_fail(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def f(a):\n    return 1 / a\n")
    done = invoke("sweep", f"{tmp_path / 'mine.py'}:f", "-a", "a=0,1,2", "--executor", "here", "-o", tmp_path / "out")
    assert done.exit_code == 1 and "2 of 3 points" in done.output
    assert "1 of 3 points failed, the first, 0: ZeroDivisionError" in done.output and "--only-failed" in done.output
    assert json.loads((tmp_path / "out" / "failures.json").read_text())[0]["settings"] == {"a": 0.0}


@pytest.mark.parametrize(("name", "sizes"), [
    ("sweep", [12, 5, 3]), ("monte_carlo", [1000]), ("corners", [45, 2])])
def test_examples_of_the_help_are_plans(name: str, sizes: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    from spicemem.commands import campaign

    seen: list[int] = []
    monkeypatch.setattr(campaign, "_run", lambda command, plan, *rest: seen.append(len(plan)))
    text = (getattr(campaign, name).__doc__ or "").partition("Example")[2].partition("\n")[2]
    for words in " ".join(text.split()).split("spicemem ")[1:]:
        done = invoke(*shlex.split(words))
        assert done.exit_code == 0, done.output
    assert seen == sizes


# --- the page ---------------------------------------------------------------------------------------------------------


def test_the_page_runs(ngspice: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parent.parent / "docs" / "campaigns.md").read_text()
    commands = [row for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) for row in block.splitlines()]
    assert len(commands) == 3
    monkeypatch.chdir(tmp_path)
    for row in commands:
        done = invoke(*shlex.split(row)[1:], "--executor", "threads:2")
        assert done.exit_code == 0, done.output
    reads, runs = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(reads, {})
    (tmp_path / "mine.py").write_text(runs)
    script = subprocess.run([sys.executable, "mine.py"], capture_output=True, text=True, timeout=120)
    assert script.returncode == 0 and len(script.stdout.splitlines()) == 4, script.stderr
    for name in re.findall(r"\]\(((?!http)[^)]+)\)", page):
        assert (Path(__file__).parent.parent / "docs" / name).exists(), name

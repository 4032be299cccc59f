"""Engines: the state asked for at rest, runs split in two, bad requests, and every way a simulator can fail."""

import os
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from spicemem import engines
from spicemem.circuit import (
    Capacitor,
    Circuit,
    CurrentGain,
    CurrentSource,
    Inductor,
    Resistor,
    Transconductor,
    Transresistor,
    VoltageGain,
    VoltageSource,
)
from spicemem.circuits.synapses import divider_gate
from spicemem.devices.eis import EIS
from spicemem.engines import process
from spicemem.engines.ngspice import probe
from spicemem.engines.rawfile import read_raw
from spicemem.engines.simulator import check_log
from spicemem.errors import EngineError, InputError, SimulationError
from spicemem.expr import exp, local, positive, quantity, where
from spicemem.model import Model, Param, State, Terminal, branch, rate
from spicemem.waveform import Waveform

ALL = ("ngspice", "ngspice-osdi", "vacask", "reference")


class Transistor(Model):
    """Long-channel NMOS, square law with a soft threshold (test only)."""

    reference = "textbook"
    d, g, s = Terminal(), Terminal(), Terminal()
    k = Param(1e-4, "A/V**2", "gain", low=0)
    v_t = Param(0.5, "V", "threshold")

    def equations(self):
        over = positive(self.g - self.s - self.v_t, quantity(0.05, "V"))
        v = self.d - self.s
        yield branch(self.d, self.s, where(v < over, self.k * (over - v / 2) * v, self.k * over * over / 2))


class Heater(Model):
    """A volatile resistor: its temperature is solved at rest (test only)."""

    reference = "textbook"
    p, n = Terminal(), Terminal()
    r = Param(1e3, "Ohm", "resistance when cold", low=1)
    k_th = Param(1e-5, "W/K", "thermal conductance", low=1e-9)
    tau = Param(1e-3, "s", "thermal time constant", low=1e-9)
    t_init = Param(0.0, "K", "excess temperature at the start")
    t = State(init=t_init, unit="K", doc="excess temperature", resolution=0.01, static="solve")

    def equations(self):
        v = self.p - self.n
        i = local("i_heater", v / self.r * exp(self.t / quantity(500, "K")))
        yield branch(self.p, self.n, i)
        yield rate(self.t, (v * i / self.k_th - self.t) / self.tau)


def mixed_circuit():
    """L, C, a device, a transistor load and a current source: everything that carries a charge or a state."""
    wave = Waveform.points((0, 0), (1e-3, 4), (4e-3, -2), (6e-3, 3))
    c = Circuit("mixed")
    c.add("v1", VoltageSource(wave), p="a", n="0").add("r1", Resistor(100.0), p="a", n="b")
    c.add("l1", Inductor(0.05), p="b", n="c").add("c1", Capacitor(1e-5), p="c", n="0")
    c.add("r2", Resistor(300), p="c", n="0")
    c.add("syn", EIS(area=9e-12), gate="c", drain="d", source="0")
    c.add("r3", Resistor(1e5), p="a", n="d").add("c2", Capacitor(2e-8), p="c", n="d")
    c.add("m1", Transistor(), d="d", g="b", s="0")
    return c


@pytest.mark.parametrize("engine", ALL)
def test_splitting_a_run_changes_nothing(engine, require):
    require(engine)
    run = engines.get(engine)
    saves = ["v(c)", "v(d)", "i(l1)", "syn.g"]
    whole = run.run(mixed_circuit(), 6e-3, max_step=5e-6, save=saves)
    first = run.run(mixed_circuit(), 2.5e-3, max_step=5e-6, save=saves)
    rest = Waveform.points((0, 4 - 3.0), (1.5e-3, -2), (3.5e-3, 3))
    later = mixed_circuit()
    later.parts["v1"] = (VoltageSource(rest), {"p": "a", "n": "0"})
    second = run.run(later, 3.5e-3, max_step=5e-6, initial=first.final_state(), save=saves)
    assert first["i(l1)"][-1] == pytest.approx(second["i(l1)"][0], rel=1e-6)
    for name in saves:
        span = np.ptp(whole[name])
        assert abs(second[name][-1] - whole[name][-1]) < 1e-4 * span, name
        middle = second.at(name, 1e-3) - whole.at(name, 3.5e-3)
        assert abs(middle) < 2e-4 * span, name


@pytest.mark.parametrize("engine", ALL)
@pytest.mark.parametrize("transistors", [False, True])
def test_state_is_held_at_rest(engine, transistors, require):
    """.op, .dc and .tran all start from the state asked for, with a gate voltage that would move it."""
    require(engine)
    run = engines.get(engine)
    c = Circuit("held")
    c.add("v1", VoltageSource(5.0), p="gate", n="0").add("v2", VoltageSource(0.1), p="drain", n="0")
    c.add("syn", EIS(g_init=3e-7), gate="gate", drain="drain", source="0")
    if transistors:
        c.add("m1", Transistor(), d="x", g="gate", s="0").add("r1", Resistor(1e4), p="drain", n="x")
    start = 2e-8 + 3e-7  # another state than the device's own
    for initial, want in ((None, 3e-7), ({"syn.g": start}, start)):
        assert run.operating_point(c, initial=initial)["syn.g"][0] == pytest.approx(want, rel=1e-9)
        sweep = run.dc(c, "v1", [-3, 0.0, 2.5, 6], initial=initial)
        assert sweep["syn.g"] == pytest.approx(np.full(4, want), rel=1e-9)
        result = run.run(c, 1e-3, max_step=1e-5, initial=initial)
        assert result["syn.g"][0] == pytest.approx(want, rel=1e-9)
        assert result["syn.g"][-1] > want * 1.0001


@pytest.mark.parametrize("engine", ALL)
def test_volatile_state_is_solved_at_rest_unless_held(engine, require):
    require(engine)
    run = engines.get(engine)
    c = Circuit("warm").add("v1", VoltageSource(1.0), p="a", n="0").add("h", Heater(), p="a", n="0")
    from scipy.optimize import brentq

    steady = brentq(lambda t: 1.0 / 1e3 * np.exp(t / 500) / 1e-5 - t, 0, 400)
    assert run.operating_point(c)["h.t"][0] == pytest.approx(steady, rel=1e-6)
    cold = run.operating_point(Circuit("cold").add("v1", VoltageSource(1.0), p="a", n="0")
                               .add("h", Heater(hold=1.0), p="a", n="0"))
    assert cold["h.t"][0] == pytest.approx(0.0, abs=1e-9)
    assert cold["i(v1)"][0] == pytest.approx(-1e-3, rel=1e-9)
    # Going on from a state holds it, whatever the model says of rest.
    going = run.run(c, 1e-3, max_step=1e-5, initial={"h.t": 100.0})
    assert going["h.t"][0] == pytest.approx(100.0, rel=1e-9)


@pytest.mark.parametrize("engine", ALL)
def test_linear_parts(engine, require):
    require(engine)
    c = Circuit("linear")
    c.add("v1", VoltageSource(1.0), p="na", n="0").add("r1", Resistor(1e3), p="na", n="nb")
    c.add("r2", Resistor(1e3), p="nb", n="0")
    c.add("e1", VoltageGain(3.0), p="nc", n="0", cp="na", cn="nb").add("r3", Resistor(1e3), p="nc", n="0")
    c.add("g1", Transconductor(2e-3), p="nd", n="0", cp="na", cn="nb").add("r4", Resistor(1e3), p="nd", n="0")
    c.add("f1", CurrentGain(2.0, "v1"), p="ne", n="0").add("r5", Resistor(1e3), p="ne", n="0")
    c.add("h1", Transresistor(500.0, "v1"), p="nf", n="0").add("r6", Resistor(1e3), p="nf", n="0")
    c.add("i1", CurrentSource(1e-3), p="0", n="ng").add("r7", Resistor(1e3), p="ng", n="0")
    found = engines.get(engine).operating_point(c, save=[*(f"v(n{n})" for n in "abcdefg"), "i(v1)", "i(r2)"])
    want = {"v(na)": 1, "v(nb)": 0.5, "v(nc)": 1.5, "v(nd)": -1, "v(ne)": 1, "v(nf)": -0.25, "v(ng)": 1, "i(v1)": -5e-4,
            "i(r2)": 5e-4}
    for name, value in want.items():
        assert found[name][0] == pytest.approx(value, rel=1e-6), name


@pytest.mark.parametrize("engine", ALL)
def test_nested_names_locals_and_inner_nodes(engine, require):
    require(engine)
    top = Circuit("top")
    top.add("cell", divider_gate(), pre="x", post="x", drain="y")
    top.add("v1", VoltageSource(Waveform.points((0, 0), (1e-3, 2))), p="x", n="0")
    top.add("v2", VoltageSource(0.1), p="y", n="0")
    names = ["v(cell.gate)", "cell.syn.g", "cell.syn.i_ion", "v(cell.syn.inner)", "i(cell.r_pre)", "cell.syn.i_channel"]
    result = engines.get(engine).run(top, 5e-3, max_step=1e-4, save=names)
    assert set(result) == set(names)
    assert result["v(cell.gate)"][-1] == pytest.approx(2.0, rel=1e-4)
    assert result["cell.syn.i_channel"][-1] == pytest.approx(0.1 * result["cell.syn.g"][-1], rel=1e-6)
    assert 0 < result["v(cell.syn.inner)"][-1] < 2
    assert result["cell.syn.i_ion"][-1] > 0
    assert result.units["cell.syn.i_ion"] == "A" and result.units["cell.syn.g"] == "S"
    assert "cell.syn.g [S]" in result.to_dataframe().columns
    assert result.to_xarray()["v(cell.gate)"].attrs["units"] == "V"


def bench():
    return divider_gate().drive(pre=1.0, drain=0.1)


def test_bad_requests_are_refused_by_name():
    run = engines.get("reference")
    for kwargs, words in (
        (dict(stop=-1.0, max_step=1.0), "stop"), (dict(stop=1.0, max_step=float("nan")), "max_step"),
        (dict(stop=1.0, max_step=1.0, reltol=1e-3), "reltol"),
        (dict(stop=1.0, max_step=1.0, save=["v(gat)"]), "v(gate)"),
        (dict(stop=1.0, max_step=1.0, initial={"syn.x": 1.0}), "syn.g"),
        (dict(stop=1.0, max_step=1.0, initial={"syn.g": float("inf")}), "finite"),
    ):
        with pytest.raises(InputError) as error:
            run.run(bench(), **kwargs)
        assert words in str(error.value)
    with pytest.raises(InputError, match="v_pre"):
        run.dc(bench(), "v_pree", [1.0])
    with pytest.raises(InputError, match="ngspice"):
        engines.get("ngspize")


def fake(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text("#!" + sys.executable + "\n" + textwrap.dedent(script))
    path.chmod(path.stat().st_mode | stat.S_IEXEC)


GOOD_PROBE = """
import sys, time, os, signal
if "--version" in sys.argv: print("** ngspice-99 : fake"); sys.exit(0)
if any(a.startswith("probe") for a in sys.argv):
    print("Using KLU as Direct Linear Solver"); print("Error opening osdi lib nothing.osdi"); sys.exit(0)
"""
HEADER = ("Title: x\\nDate: x\\nPlotname: Transient Analysis\\nFlags: real\\nNo. Variables: 2\\nNo. Points: 100\\n"
          "Variables:\\n\\t0\\ttime\\ttime\\n\\t1\\tv(a)\\tvoltage\\nBinary:\\n")


@pytest.fixture
def fake_path(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    probe.cache_clear()
    yield tmp_path
    probe.cache_clear()


@pytest.mark.parametrize(("behaviour", "words"), [
    ("os.kill(os.getpid(), signal.SIGSEGV)", "crashed (SIGSEGV)"),
    ("time.sleep(60)", "no end after"),
    ("sys.exit(1)", "without an error"),
    ("print('Warning: unrecognized parameter (foo) - ignored')", "unrecognized parameter"),
    ("print('singular matrix: check node a')", "singular matrix"),
    ("pass", "found none, expected a complete raw file"),
    (f"open('out.raw', 'wb').write(b'{HEADER}' + bytes(8 * 2 * 60))", "960 bytes"),
    ("open('out.raw', 'wb').write(b'Title: half')", "no data"),
])
def test_a_simulator_that_fails_is_one_clear_error_and_keeps_netlist_and_log(fake_path, behaviour, words):
    fake(fake_path, "ngspice", GOOD_PROBE + behaviour)
    with pytest.raises(SimulationError) as error:
        engines.get("ngspice").run(bench(), 1.0, max_step=0.1, timeout=1.0)
    assert words in str(error.value)
    folder = error.value.folder
    assert (folder / "deck.cir").exists() and (folder / "log").exists()
    assert str(folder) in str(error.value)


def test_missing_old_and_good_ngspice_are_told_apart(fake_path):
    run = engines.get("ngspice")
    assert not run.available()[0] and "no ngspice" in run.available()[1]
    assert "scripts/install-ngspice" in run.available()[1]
    with pytest.raises(EngineError, match="no ngspice"):
        run.run(bench(), 1.0, max_step=0.1)
    fake(fake_path, "ngspice", "import sys\nprint('** ngspice-39 : old')\nprint('pre_osdi: no such command available')")
    found, reason = run.available()
    assert not found and "39 without KLU and OSDI" in reason
    probe.cache_clear()
    fake(fake_path, "ngspice", GOOD_PROBE)
    assert run.available() == (True, "ngspice 99 with KLU and OSDI")


def test_default_engine_falls_back_to_vacask(fake_path, require):
    require("vacask")
    assert engines.default().name == "vacask"


def test_truncated_raw_file_is_refused(tmp_path):
    head = HEADER.encode().decode("unicode_escape").encode()
    (tmp_path / "a.raw").write_bytes(head + bytes(8 * 2 * 100))
    assert len(read_raw(tmp_path / "a.raw", "x")["time"]) == 100
    (tmp_path / "b.raw").write_bytes(head + bytes(8 * 2 * 100 - 3))
    with pytest.raises(SimulationError, match="1597 bytes"):
        read_raw(tmp_path / "b.raw", "x")


def test_log_decides(tmp_path):
    assert check_log("Note: all well\nDoing analysis\nWarning: something mild\n", 0, tmp_path, "x") == (
        "Warning: something mild",)
    for line in ("Error: no such vector", "Timestep too small; time = 1", "doAnalyses: run simulation(s) aborted"):
        with pytest.raises(SimulationError):
            check_log(line, 0, tmp_path, "x")


def plant_in_renderers(monkeypatch, *changes):
    """Every generated device has these texts changed."""
    from spicemem.render import ngspice as plain
    from spicemem.render import verilog_a

    for module, function in ((plain, "device_subckt"), (verilog_a, "device_module")):
        original = getattr(module, function).__wrapped__

        def wrong(kind, values, original=original):
            text = original(kind, values)
            for right, fault in changes:
                text = text.replace(right, fault)
            return text

        monkeypatch.setattr(module, function, wrong)


def driven_at_rest():
    """A device whose gate would move it, were it not held."""
    c = Circuit("held").add("v1", VoltageSource(5.0), p="gate", n="0").add("v2", VoltageSource(0.1), p="drain", n="0")
    return c.add("syn", EIS(g_init=3e-7), gate="gate", drain="drain", source="0")


@pytest.mark.parametrize("engine", ("ngspice", "ngspice-osdi", "vacask"))
def test_a_state_that_is_not_held_is_an_error(engine, require, monkeypatch):
    """Planted fault: a renderer that forgets to hold the state at rest."""
    require(engine)
    plant_in_renderers(monkeypatch, ("if ($abstime <= 0.0)", "if ($abstime < -1.0)"), ("v(sm_t) > 0", "v(sm_t) > -1"))
    with pytest.raises(SimulationError):
        engines.get(engine).run(driven_at_rest(), 1e-3, max_step=1e-5)


@pytest.mark.parametrize("engine", ("ngspice", "ngspice-osdi", "vacask"))
def test_a_first_state_that_differs_is_an_error_and_keeps_its_netlist(engine, require, monkeypatch):
    """Planted fault: a renderer that holds the state one resolution beside the value asked for."""
    require(engine)
    plant_in_renderers(monkeypatch, ("sm_f_g = V(sm_s_g);", "sm_f_g = V(sm_s_g) - 1.0;"),
                       ("0-v(sm_s_g)", "1-v(sm_s_g)"))
    with pytest.raises(SimulationError, match="first value of state") as error:
        engines.get(engine).run(driven_at_rest(), 1e-3, max_step=1e-5)
    assert any(error.value.folder.glob("deck.*")) and (error.value.folder / "log").exists()


def test_interrupt_ends_the_simulators_and_leaves_no_folder(tmp_path):
    """Ctrl-C in the middle of runs in threads: the simulators die, their folders go."""
    slow = "open(os.environ['MARK'], 'a').write(str(os.getpid()) + ' ')\ntime.sleep(60)"
    fake(tmp_path, "ngspice", GOOD_PROBE + slow)
    script = """
    import numpy as np
    from spicemem.circuits.synapses import divider_gate
    from spicemem.experiments.eis_spikes import ltp_only
    from spicemem.protocols import stdp
    from spicemem.engines import get
    form = ltp_only(6.5, 0.1)
    from spicemem.protocols.pool import map_runs
    run = get("ngspice")
    def work(i): return run.run(divider_gate().drive(pre=1.0), 1.0, max_step=0.1)
    try:
        map_runs(work, range(4), run)
    except KeyboardInterrupt:
        print("interrupted")
    """
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    mark = tmp_path / "pids"
    env = {**os.environ, "PATH": str(tmp_path), "MARK": str(mark), "TMPDIR": str(temporary)}
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], env=env, stdout=subprocess.PIPE,
                             text=True)
    deadline = time.time() + 20
    while (not mark.exists() or not mark.read_text().strip()) and time.time() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)
    child.send_signal(2)
    out, _ = child.communicate(timeout=20)
    assert "interrupted" in out
    for pid in mark.read_text().split():
        assert not Path(f"/proc/{pid}").exists() or "sleep" not in Path(f"/proc/{pid}/cmdline").read_text()
    assert list(temporary.iterdir()) == []
    assert not process._running


def test_a_failed_run_does_not_stop_later_ones(fake_path):
    """One run of many fails: it is reported, the others are ended, and the next request works as before."""
    from spicemem.protocols.pool import map_runs

    fake(fake_path, "ngspice", GOOD_PROBE + "sys.exit(1)")
    run = engines.get("ngspice")

    def work(_: int) -> None:
        run.run(bench(), 1.0, max_step=0.1)

    for _ in range(2):
        with pytest.raises(SimulationError, match="without an error"):
            map_runs(work, range(4), run)
        with pytest.raises(SimulationError, match="without an error"):
            work(0)


@pytest.mark.parametrize("engine", ("ngspice", "ngspice-osdi", "vacask"))
def test_steps_grow_again_after_a_long_rest(engine, require):
    """Rounding noise once looked like a truncation error to ngspice: a read pulse of millions of picoseconds."""
    require(engine)
    random = np.random.default_rng(3)
    stop = 19.894835
    cell = divider_gate().drive(drain=Waveform.pulse(0.1, 1e-3, 1e-4, stop - 1.05e-3))
    starts = [(9.509437000539378e-07, -2.606294833180568e-07)]
    starts += [(1e-6 * random.uniform(0.9, 1.1), random.normal() * 10 ** random.uniform(-12, -3)) for _ in range(12)]
    for g, v in starts:
        result = engines.get(engine).run(cell, stop, max_step=1.0, initial={"syn.g": g, "v(gate)": v}, timeout=20.0)
        assert len(result.time) < 2000
        assert result["syn.g"][-1] == pytest.approx(g, rel=1e-6)


@pytest.mark.parametrize("engine", ALL)
def test_words_of_the_user_in_the_log_are_no_failure(engine, require):
    require(engine)
    c = Circuit("failed", title="error amplifier, fatal: singular matrix not found")
    c.add("unknown", VoltageSource(1.0), p="error_out", n="0")
    c.add("failed_r", Resistor(1e3), p="error_out", n="aborted")
    c.add("no_such", Resistor(1e3), p="aborted", n="0")
    found = engines.get(engine).run(c, 1e-3, max_step=1e-4)
    assert found["v(aborted)"][-1] == pytest.approx(0.5) and found.warnings == ()


class NoWall(Model):
    """A state that runs past its bound, since nothing stops it: what a step that is too long does to a device."""

    reference = "a planted fault"
    p, n = Terminal(), Terminal()
    speed = Param(1.0, "1/s", "rate of x", low=0, source="test")
    x_init = Param(0.0, "1", "x at the start", low=0, high=1, source="test")
    x = State(init=x_init, unit="1", doc="x", low=0.0, high=1.0, resolution=1e-4)

    def equations(self):
        yield branch(self.p, self.n, (self.p - self.n) * quantity(1e-3, "S"))
        yield rate(self.x, self.speed)


@pytest.mark.parametrize("name", ALL)
def test_a_state_beyond_its_bounds_is_said(name, require):
    run = require(name)
    made = Circuit("walls").add("v_in", VoltageSource(1.0), p="a", n="0").add("dut", NoWall(), p="a", n="0")
    assert run.run(made, 0.9, max_step=0.01, save=["v(a)"]).warnings == ()
    found = run.run(made, 1.5, max_step=0.01, save=["v(a)"]).warnings
    assert len(found) == 1 and "dut: x rises to 1.5, above 1" in found[0]


@pytest.mark.parametrize("name", ALL)
def test_a_net_at_a_voltage_that_no_circuit_has_is_refused(name, require):
    """What a wild second solution looks like: a result that is finite and nonsense."""
    made = Circuit("wild").add("i_in", CurrentSource(Waveform.points((0, 0), (1.0, 1.0))), p="0", n="a")
    made.add("r_1", Resistor(1e7), p="a", n="0").add("dut", NoWall(), p="b", n="0")
    made.add("v_in", VoltageSource(1.0), p="b", n="0")
    with pytest.raises(SimulationError, match=r"v\(a\).*out of range.*less than 1e\+06 V"):
        require(name).run(made, 0.5, max_step=0.01)
    assert require(name).run(made, 0.05, max_step=0.01)["v(a)"].max() == pytest.approx(5e5)

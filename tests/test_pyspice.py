"""PySpice: is what it gets the same circuit, does its library give ngspice's numbers, and are its traps shut?"""

from __future__ import annotations

import importlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spicemem import engines
from spicemem.circuit import (
    GROUND,
    Capacitor,
    Circuit,
    CurrentGain,
    CurrentSource,
    Foreign,
    Inductor,
    Resistor,
    Transconductor,
    Transresistor,
    VerilogA,
    VoltageGain,
    VoltageSource,
)
from spicemem.circuits import CIRCUITS, divider_gate
from spicemem.devices import DEVICES, EIS, VTEAM
from spicemem.engines import process
from spicemem.engines.pyspice import PySpice, shared, subcircuit, to_pyspice
from spicemem.errors import CircuitError, EngineError, RenderError, SimulationError
from spicemem.experiments.eis_spikes import antisymmetric, delay_grid
from spicemem.protocols.stdp import stdp
from spicemem.protocols.stress import stress
from spicemem.render import ngspice as text
from spicemem.waveform import Waveform

ROOT = Path(__file__).parent.parent
if os.environ.get("SPICEMEM_REQUIRE_SIMULATORS") != "1":  # where they are demanded, it fails without
    pytest.importorskip("PySpice", reason="pip install 'spicemem[pyspice]'")
netlist = importlib.import_module("PySpice.Spice.Netlist")
PULSE = Waveform.pulse(12.0, 8e-3, 1e-4, 1e-4).shift(1e-3)
STOP, STEP = 12e-3, 5e-5


@pytest.fixture(scope="module")
def engine(require: Callable[[str], Any]) -> PySpice:
    return require("pyspice")  # type: ignore[no-any-return]


def driven(**changes: float) -> Circuit:
    return divider_gate(EIS(**changes)).drive(pre=PULSE, drain=0.1)


def same(engine: PySpice, circuit: Circuit, stop: float, max_step: float, **how: Any) -> float:
    """The largest difference of any signal between engines pyspice and ngspice; infinite where the steps differ."""
    runs = [e.run(circuit, stop, max_step=max_step, **how) for e in (engine, engines.get("ngspice"))]
    mine, other = runs
    if len(mine.time) != len(other.time):
        return float("inf")
    return max(float(np.abs(mine[name] - other[name]).max()) for name in ("time", *other))


# --- what PySpice gets ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DEVICES)
def test_a_device_is_a_subcircuit_of_real_elements(name: str) -> None:
    device = DEVICES[name]()
    found = subcircuit(device)
    assert isinstance(found, netlist.SubCircuit)
    assert (found.name, tuple(found.external_nodes)) == (device.definition.name, device.definition.pins)
    assert found.parameters == device.values
    # Every line of the text is an element, but for what follows from parameters, for which PySpice has nothing.
    lines = text.device_subckt(type(device), text.defaults(type(device))).replace("\n+ ", " ").splitlines()
    elements = [line.split()[0] for line in lines if line and line[0] not in ".*"]
    assert list(found.element_names) == elements and len(elements) > 2
    assert all(row.startswith(".param ") for row in found.raw_spice.splitlines())
    assert all(pin in found.node_names for pin in device.definition.terminals)


def test_every_part_becomes_the_element_of_its_letter(engine: PySpice) -> None:
    every = Circuit("every", title="one of each").add("v1", VoltageSource(PULSE), p="a", n=GROUND)
    every.add("r1", Resistor(1234.567890123456), p="a", n="b").add("c1", Capacitor(1e-9), p="b", n=GROUND)
    every.add("l1", Inductor(1e-3), p="b", n="c").add("i1", CurrentSource(0.1 + 0.2), p=GROUND, n="c")
    every.add("e1", VoltageGain(2.5), p="d", n=GROUND, cp="b", cn="c").add("r2", Resistor(1e3), p="d", n="c")
    every.add("g1", Transconductor(-1e-3), p="c", n=GROUND, cp="a", cn="b")
    every.add("f1", CurrentGain(0.5, "v1"), p="c", n=GROUND).add("h1", Transresistor(10.0, "v1"), p="f", n="c")
    every.add("r3", Resistor(1e3), p="f", n=GROUND).add("x1", divider_gate(), pre="a", post="b", drain="d")
    every.add("syn", EIS(g_init=2e-6), gate="a", drain="c", source=GROUND)
    found = to_pyspice(every)
    assert isinstance(found, netlist.Circuit) and found.raw_spice == ""
    assert [type(e).__name__ for e in found.elements] == [
        "VoltageSource", "Resistor", "Capacitor", "Inductor", "CurrentSource", "VoltageControlledVoltageSource",
        "Resistor", "VoltageControlledCurrentSource", "CurrentControlledCurrentSource",
        "CurrentControlledVoltageSource", "Resistor", "SubCircuitElement", "SubCircuitElement"]
    assert found.Rr1.resistance == 1234.567890123456 and found.Ii1.dc_value == 0.1 + 0.2
    assert found.Gg1.transconductance == -1e-3 and found.Ff1.source == "Vv1" and found.Hh1.transresistance == 10.0
    assert found.Xsyn.parameters == {"g_init": 2e-6} and list(found.subcircuit_names) == ["eis", "divider_gate"]
    points = re.findall(r"[^ ()]+", found.Vv1.dc_value)[1:]
    wave = PULSE.starting_at(0.0)
    assert [float(p) for p in points] == [v for pair in zip(wave.times, wave.values, strict=True) for v in pair]
    # The engine's own circuit, and a run of the one that a user gets.
    assert same(engine, every, STOP, STEP) == 0.0
    mine = run_as_a_user(found, "b")
    other = engines.get("ngspice").run(every, STOP, max_step=STEP, save=["v(b)"])
    assert np.abs(mine - np.interp(np.linspace(0, STOP, 200), other.time, other["v(b)"])).max() < 1e-3 * np.ptp(mine)


def run_as_a_user(circuit: Any, node: str, stop: float = STOP, step: float = STEP) -> Any:
    """A transient by PySpice's own simulator, at 200 times."""
    simulator = circuit.simulator(ngspice_shared=shared())
    simulator.options(reltol=1e-5, vntol=1e-9, abstol=1e-12)
    analysis = simulator.transient(step_time=step, end_time=stop, max_time=step)
    return np.interp(np.linspace(0, stop, 200), np.array(analysis.time), np.array(analysis.nodes[node]))


@pytest.mark.parametrize("name", CIRCUITS)
def test_a_cell_runs_in_pyspice_as_in_ngspice(name: str, engine: PySpice) -> None:
    cell = CIRCUITS[name]()
    bench = cell.bench
    assert bench is not None
    circuit = cell.drive(**bench.drives)
    stop = min(bench.stop, 100 * bench.max_step)
    port = next(iter(bench.drives))
    probe = next(net for net in cell.nets if net not in cell.ports) if set(cell.nets) - set(cell.ports) else port
    mine = run_as_a_user(to_pyspice(circuit), probe, stop, bench.max_step)
    other = engines.get("ngspice").run(circuit, stop, max_step=bench.max_step, save=[f"v({probe})"])
    want = np.interp(np.linspace(0, stop, 200), other.time, other[f"v({probe})"])
    assert np.abs(mine - want).max() <= 1e-3 * max(np.ptp(want), 1e-3)


def by_hand(**values: float) -> Any:
    """What a PySpice user writes around a device."""
    circuit = netlist.Circuit("by hand")
    circuit.subcircuit(subcircuit(EIS))
    circuit.V("pre", "pre", circuit.gnd, "PWL(" + " ".join(f"{t!r} {v!r}" for t, v in zip(
        PULSE.times.tolist(), PULSE.values.tolist(), strict=True)) + ")")
    circuit.R("pre", "pre", "gate", 1e7)
    circuit.R("post", "gate", circuit.gnd, 1e7)
    circuit.V("drain", "drain", circuit.gnd, 0.1)
    circuit.X("syn", "eis", "gate", "drain", circuit.gnd, **values)
    return circuit


def test_a_device_in_a_circuit_of_ones_own(engine: PySpice) -> None:
    want = engines.get("ngspice").run(driven(g_init=2e-6), STOP, max_step=STEP, save=["syn.g"])
    at = np.linspace(0, STOP, 200)
    found = run_as_a_user(by_hand(g_init=2e-6), "xsyn.g")
    assert np.abs(found - want.at("syn.g", at)).max() < 1e-6 * np.ptp(want["syn.g"])
    other = run_as_a_user(by_hand(g_init=2.001e-6), "xsyn.g")  # a slightly wrong one is seen
    assert np.abs(other - want.at("syn.g", at)).max() > 1e-2 * np.ptp(want["syn.g"])
    circuit = by_hand(g_init=2e-6)
    circuit.simulator()  # PySpice takes the library that is open
    assert circuit.simulator().ngspice is shared()
    # Values of a device become defaults; X may still have its own.
    circuit = by_hand()
    circuit.subcircuit(subcircuit(EIS(g_init=2e-6)))
    assert np.array_equal(run_as_a_user(circuit, "xsyn.g"), found)


def test_cells_of_one_device_beside_each_other(engine: PySpice) -> None:
    circuit = netlist.Circuit("two cells and a device")
    circuit.subcircuit(subcircuit(divider_gate()))
    circuit.subcircuit(subcircuit(EIS(g_init=3e-6)))
    outer = Circuit("outer", ("pre", "drain")).add("cell", divider_gate(EIS(g_init=2e-6)), pre="pre", post=GROUND,
                                                   drain="drain")
    inner = Circuit("host", ("pre", "drain")).add("o", outer, pre="pre", drain="drain")
    assert list(subcircuit(inner).subcircuit_names) == ["eis", "divider_gate", "outer"]
    circuit.subcircuit(subcircuit(Circuit("host", ("pre", "drain")).add("o", Circuit("own", ("a", "b")).add(
        "syn", EIS(g_init=2e-6), gate="a", drain="b", source=GROUND), a="pre", b="drain")))
    circuit.X("a", "divider_gate", "pre", circuit.gnd, "drain")
    circuit.X("b", "host", "pre", "drain")
    circuit.X("c", "eis", "pre", "drain", circuit.gnd)
    circuit.V("pre", "pre", circuit.gnd, 0.0)
    circuit.V("drain", "drain", circuit.gnd, 0.1)
    point = circuit.simulator(ngspice_shared=shared()).operating_point()
    got = [float(point.nodes[node][0]) for node in ("xa.xsyn.g", "xb.xo.xsyn.g", "xc.g")]
    assert got == pytest.approx([EIS().values["g_init"], 2e-6, 3e-6], rel=1e-9)


def test_what_cannot_be_converted_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CircuitError, match="open ports pre, post, drain"):
        to_pyspice(divider_gate())
    with pytest.raises(RenderError, match=r"no ports, expected a cell with ports. Use to_pyspice"):
        subcircuit(driven())
    for junk in ("eis", 3, Resistor(1.0)):
        with pytest.raises(RenderError, match="expected a device"):
            subcircuit(junk)  # type: ignore[arg-type]
    library = tmp_path / "m.lib"
    library.write_text(".model nm nmos level=1\n")
    cell = Circuit("fet", ("d", "g")).add("m1", Foreign("nm", library), d="d", g="g", s=GROUND, b=GROUND)
    with pytest.raises(RenderError, match="fet: part m1: found nm of a library"):
        subcircuit(cell)
    module = tmp_path / "x.osdi"
    module.write_bytes(b"")
    other = Circuit("va").add("x1", VerilogA("x", module, ("p", "n")), p="a", n=GROUND)
    other.add("v1", VoltageSource(1.0), p="a", n=GROUND)
    with pytest.raises(RenderError, match="compiled module"):
        to_pyspice(other)
    with pytest.raises(EngineError, match="engine pyspice: part x1"):
        PySpice().run(other, 1.0, max_step=0.1)
    switch = Circuit("sw").add("s1", Foreign("nm", library, letter="S"), d="d", g="d", s=GROUND, b=GROUND)
    with pytest.raises(RenderError, match="part s1: found an element S"):
        to_pyspice(switch.add("v1", VoltageSource(1.0), p="d", n=GROUND))


# --- the engine -------------------------------------------------------------------------------------------------------


def test_a_learning_curve_is_ngspices(engine: PySpice) -> None:
    form = antisymmetric(EIS(), 6.5, 0.1)
    curves = [stdp(divider_gate(), pre=form.pre, post=form.post, delays=delay_grid(0.1, 7), engine=name)
              for name in ("pyspice", "ngspice")]
    assert np.abs(curves[0].y - curves[1].y).max() <= 1e-9 * np.ptp(curves[1].y) and np.ptp(curves[1].y) > 0


@pytest.mark.parametrize("name", ["vteam", "mott", "secondordertaox"])
def test_devices_are_ngspices_to_the_last_bit(name: str, engine: PySpice) -> None:
    mine, other = (stress(DEVICES[name](), 1, e) for e in (engine, engines.get("ngspice")))
    assert np.array_equal(mine.time, other.time) and np.array_equal(mine.amps, other.amps)


@pytest.mark.full
@pytest.mark.parametrize("name", DEVICES)
def test_every_device_is_ngspices_to_the_last_bit(name: str, engine: PySpice) -> None:
    for seed in range(5):
        mine, other = (stress(DEVICES[name](), seed, e) for e in (engine, engines.get("ngspice")))
        assert np.array_equal(mine.time, other.time) and np.array_equal(mine.amps, other.amps)


def charged() -> Circuit:
    """A state, a charged pair of nets and an inductor: all that goes on."""
    circuit = Circuit("charged").add("v1", VoltageSource(PULSE), p="a", n=GROUND)
    circuit.add("r1", Resistor(1e3), p="a", n="b").add("c1", Capacitor(1e-6), p="b", n="c")
    circuit.add("l1", Inductor(1.0), p="c", n=GROUND).add("m1", VTEAM(), p="b", n=GROUND)
    return circuit


def test_going_on_operating_points_and_sweeps(engine: PySpice) -> None:
    other = engines.get("ngspice")
    first = engine.run(charged(), STOP / 2, max_step=STEP)
    state = first.final_state()
    assert len(state) == 4
    assert same(engine, charged(), STOP, STEP, initial=state) == 0.0
    assert same(engine, charged(), STOP, STEP, initial=state, save=["v(b)", "i(l1)", "i(r1)"]) == 0.0
    points = [e.operating_point(driven(), save=["syn.g", "i(v_drain)"]) for e in (engine, other)]
    assert {k: points[0][k][0] for k in points[0]} == {k: points[1][k][0] for k in points[1]}
    for values in ([0.3], [0.0, 0.1, -5.0, 0.1 + 0.2]):
        swept = [e.dc(driven(), "v_drain", values) for e in (engine, other)]
        assert np.array_equal(swept[0].time, values) and np.array_equal(swept[0]["i(v_drain)"], swept[1]["i(v_drain)"])


def test_solvers_modes_and_limits_of_one_run_are_not_those_of_the_next(engine: PySpice, tmp_path: Path) -> None:
    ladder = Circuit("ladder").add("v1", VoltageSource(PULSE), p="n0", n=GROUND)
    for i in range(200):
        ladder.add(f"r{i}", Resistor(1e3), p=f"n{i}", n=f"n{i + 1}")
        ladder.add(f"c{i}", Capacitor(1e-9), p=f"n{i + 1}", n=GROUND)
    library = tmp_path / "m.lib"
    library.write_text(".subckt half p n PARAMS: r=1k\nR1 p n {2*r}\n.ends\n")
    foreign = Circuit("mode").add("v1", VoltageSource(1.0), p="a", n=GROUND)
    foreign.add("x1", Foreign("half", library, letter="X", pins=("p", "n"), dialect="pspice"), p="a", n=GROUND)
    for _ in range(2):
        assert same(engine, ladder, 1e-3, 1e-5, save=["v(n9)"]) == 0.0 and "KLU" in shared_log(engine, ladder, tmp_path)
        assert engine.operating_point(foreign)["i(v1)"][0] == -5e-4
        assert same(engine, driven(), STOP, STEP) == 0.0 and "SPARSE" in shared_log(engine, driven(), tmp_path)
        assert "No compatibility mode" in shared_log(engine, driven(), tmp_path)


@pytest.mark.parametrize("title", ["{x", "a=1 {b}", "$ ;x", "+ 3", ".end", ".control", "CONTROL", "'q\"", "ü ∫",
                                   "Error: no such", "x" * 5000])
def test_a_title_is_only_a_title(title: str, engine: PySpice) -> None:
    circuit = Circuit("c", title=title).add("v1", VoltageSource(1.0), p="a", n=GROUND)
    point = engine.operating_point(circuit.add("r1", Resistor(2.0), p="a", n=GROUND))
    assert point["i(v1)"][0] == -0.5 and not point.warnings


def shared_log(engine: PySpice, circuit: Circuit, folder: Path) -> str:
    engine.run(circuit, 1e-4, max_step=1e-5, keep=folder / "kept")
    return (folder / "kept" / "log").read_text()


def test_threads_take_turns(engine: PySpice) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def final(start: float) -> float:
        return float(engine.run(driven(g_init=start), STOP, max_step=STEP, save=["syn.g"])["syn.g"][-1])

    starts = [1e-6, 2e-6, 3e-6, 4e-6]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(final, starts)) == [final(start) for start in starts]


# --- traps ------------------------------------------------------------------------------------------------------------


def test_a_run_that_fails_after_a_good_one_gives_nothing_old(engine: PySpice, monkeypatch: pytest.MonkeyPatch) -> None:
    good = engine.run(driven(), STOP, max_step=STEP)
    deck = PySpice.deck
    faults = {
        "unknown subckt": (" eis", " nosuch"),  # told on stderr, where PySpice does not look
        "circuit not parsed|error": ("Rr_pre pre gate 10000000.0", "Rr_pre pre gate hello"),
        "Formula": ("{g_max - g_min}", "{g_max - nosuch}"),  # after which ngspice takes nothing any more
        "singular matrix|failed": ("Rr_pre pre gate 10000000.0", "Vr_pre pre gate 1\nVr2 pre gate 2"),
    }
    for words, (old, new) in faults.items():
        def wrong(self: PySpice, job: Any, options: str = "", old: str = old, new: str = new) -> str:
            lines = deck(self, job, options).replace(old, new) if old != " eis" else re.sub(
                r"(?m)^(Xsyn .*) eis$", r"\1 nosuch", deck(self, job, options))
            assert new.split("\n")[0] in lines
            return lines

        with monkeypatch.context() as patch:
            patch.setattr(PySpice, "deck", wrong)
            with pytest.raises(SimulationError, match=words) as caught:
                engine.run(driven(), STOP, max_step=STEP)
        folder = caught.value.folder
        assert folder is not None and new.split("\n")[0] in (folder / "deck.cir").read_text()
        assert "Circuit:" in (folder / "log").read_text()
        again = engine.run(driven(), STOP, max_step=STEP)
        assert all(np.array_equal(again[name], good[name]) for name in good)


def test_a_user_gets_an_error_and_no_old_waveforms(engine: PySpice) -> None:
    good = run_as_a_user(by_hand(), "xsyn.g")
    wrong = by_hand()
    wrong.X("two", "nosuch", "gate", "drain")
    few = by_hand()
    few.X("two", "eis", "gate", "drain")
    typo = by_hand(g_inti=1e-6)
    text_value = by_hand()
    text_value.R("bad", "gate", text_value.gnd, "hello")
    loop = by_hand()
    loop.V("again", "drain", loop.gnd, 0.2)
    for circuit, words in ((wrong, "unknown subckt: xtwo"), (few, "Too few parameters"), (text_value, "hello"),
                           (typo, "parameter 'g_inti': found no such parameter of eis.*mean g_init"),
                           (loop, "singular|failed|aborted")):
        with pytest.raises(SimulationError, match=words):
            run_as_a_user(circuit, "xsyn.g")
        assert np.array_equal(run_as_a_user(by_hand(), "xsyn.g"), good)


def test_notes_of_an_operating_point_that_is_found_are_no_error(engine: PySpice) -> None:
    circuit = netlist.Circuit("steep")
    circuit.V("1", "a", circuit.gnd, 10.0)
    circuit.R("1", "a", "b", 1e3)
    circuit.B("1", "b", circuit.gnd, i="1e-12*exp(v(b)/0.005)")
    point = circuit.simulator(ngspice_shared=shared()).operating_point()
    assert float(point.nodes["b"][0]) == pytest.approx(0.115, abs=1e-3)


def test_types_of_vectors_are_those_that_pyspice_knows(engine: PySpice) -> None:
    circuit = netlist.Circuit("types")
    circuit.V("1", "a", circuit.gnd, "DC 1 AC 1")
    circuit.R("1", "a", "b", 1e3)
    circuit.C("1", "b", circuit.gnd, 1e-9)
    simulator = circuit.simulator(ngspice_shared=shared())
    run = simulator.transient(step_time=1e-7, end_time=1e-5)
    assert set(run.nodes) == {"a", "b"} and set(run.branches) == {"v1"} and float(run.time[-1]) == pytest.approx(1e-5)
    swept = simulator.dc(V1=slice(0, 1, 0.5))
    assert np.allclose(np.array(swept.nodes["b"]), [0, 0.5, 1]) and np.allclose(np.array(swept.sweep), [0, 0.5, 1])
    tones = simulator.ac(start_frequency=1e3, stop_frequency=1e5, number_of_points=1, variation="dec")
    assert len(tones.frequency) == 3 and "b" in tones.nodes


def test_a_time_limit_ends_a_run_and_the_next_one_works(engine: PySpice) -> None:
    began = time.monotonic()
    with pytest.raises(SimulationError, match=r"no end after 0.2 s") as caught:
        engine.run(driven(), 1e3, max_step=STEP, timeout=0.2)
    assert time.monotonic() - began < 5.0 and caught.value.folder is not None
    assert same(engine, driven(), STOP, STEP) == 0.0


def test_ctrl_c_ends_a_run_and_is_not_lost_in_a_callback(engine: PySpice, monkeypatch: pytest.MonkeyPatch) -> None:
    for run in (lambda: engine.run(driven(), 1e3, max_step=STEP), lambda: run_as_a_user(by_hand(), "xsyn.g", 1e3)):
        timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            run()
        assert time.monotonic() - began < 5.0
        timer.join()

    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:  # where Python notices it while ngspice reads the netlist
        patch.setattr(type(shared()), "send_char", interrupted)
        with pytest.raises(KeyboardInterrupt):
            engine.run(driven(), STOP, max_step=STEP)
    assert same(engine, driven(), STOP, STEP) == 0.0


def test_stop_all_ends_a_run_of_another_thread(engine: PySpice) -> None:
    caught: list[BaseException] = []

    def work() -> None:
        try:
            engine.run(driven(), 1e3, max_step=STEP)
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.3)
    process.stop_all()
    try:
        thread.join(10.0)
        with pytest.raises(KeyboardInterrupt):
            engine.run(driven(), STOP, max_step=STEP)
    finally:
        process.resume()
    assert isinstance(caught[0], KeyboardInterrupt) and same(engine, driven(), STOP, STEP) == 0.0


def test_a_run_that_does_not_end_leaves_the_engine_closed(engine: PySpice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared(), "_ended", threading.Event())
    with pytest.raises(EngineError, match=r"could not be ended.*Start Python again"):
        engine.run(driven(), STOP, max_step=STEP)


# --- what is missing, and PySpice alone -------------------------------------------------------------------------------


def python(code: str, *given: str, **environment: str) -> str:
    done = subprocess.run([sys.executable, "-c", code, *given], capture_output=True, text=True, timeout=120, cwd=ROOT,
                          env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


GROWTH = """
import os
from pathlib import Path
from spicemem import engines
from spicemem.circuits import divider_gate
from spicemem.engines.pyspice import shared

def grown(count):
    "kB of memory that so many runs took."
    run, cell = engines.get("pyspice").run, divider_gate().drive(drain=0.1)
    for _ in range(20):
        run(cell, 1e-3, max_step=1e-4)
    before = int(Path("/proc/self/statm").read_text().split()[1])
    for _ in range(count):
        run(cell, 1e-3, max_step=1e-4)
    return (int(Path("/proc/self/statm").read_text().split()[1]) - before) * os.sysconf("SC_PAGE_SIZE") // 1024

ours = grown(100)
type(shared()).empty = lambda self: self.command("destroy all")  # PySpice never removes a circuit
print("grown", ours, grown(50))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_runs_leave_nothing_behind(engine: PySpice) -> None:
    # In a process of its own: memory that other tests gave back would hide a leak.
    _, ours, theirs = next(line for line in python(GROWTH).splitlines() if line.startswith("grown ")).split()
    assert int(ours) < 2000 < int(theirs)


def test_a_missing_library_is_said_with_the_remedy(engine: PySpice, tmp_path: Path) -> None:
    code = """
import os, sys
from spicemem import engines
engine = engines.get("pyspice")
for named in ("/nowhere/libngspice.so", sys.argv[1], "libm.so.6"):
    os.environ["NGSPICE_LIBRARY_PATH"] = named
    found, reason = engine.available()
    assert not found and named in reason and "libngspice0" in reason, (found, reason)
    assert engine.version() == "none"
del os.environ["NGSPICE_LIBRARY_PATH"]
print(engine.available())
"""
    text = tmp_path / "libngspice.so"
    text.write_text("no library")
    assert "(True," in python(code, str(text))  # wrong ones do not spoil the right one


def test_without_pyspice_the_rest_works() -> None:
    code = """
import sys
sys.modules["PySpice"] = None
from spicemem import engines
from spicemem.render.pyspice import subcircuit
from spicemem.devices import EIS
found, reason = engines.get("pyspice").available()
assert not found and "pip install 'spicemem[pyspice]'" in reason, reason
try:
    subcircuit(EIS)
except Exception as error:
    print(error)
"""
    assert "pip install 'spicemem[pyspice]'" in python(code)


PLAIN = """
import logging, warnings
logging.disable(logging.CRITICAL)
import os
from spicemem.engines.libngspice import find_library
os.environ["NGSPICE_LIBRARY_PATH"] = find_library()
from PySpice.Spice.NgSpice.Shared import NgSpiceShared
NgSpiceShared.LIBRARY_PATH = find_library()
from PySpice.Spice.Netlist import Circuit

def circuit(volts, broken):
    c = Circuit("c")
    c.V("1", "a", c.gnd, volts)
    c.R("1", "a", c.gnd, 1.0)
    if broken:
        c.X("1", "nosuch", "a")
    return c

plain = circuit(1.0, False).simulator()
assert float(plain.operating_point().nodes["a"][0]) == 1.0
# The trap: the waveforms of the circuit before, without a word.
assert float(circuit(2.0, True).simulator().operating_point().nodes["a"][0]) == 1.0

from spicemem.engines.pyspice import shared
from spicemem.errors import SimulationError
assert circuit(2.0, False).simulator().ngspice is shared() is plain.ngspice
assert float(plain.operating_point().nodes["a"][0]) == 1.0
try:
    circuit(2.0, True).simulator().operating_point()
except SimulationError as error:
    print(error)
assert float(circuit(3.0, False).simulator().operating_point().nodes["a"][0]) == 3.0
"""


def test_a_library_that_plain_pyspice_has_opened_is_put_right(engine: PySpice, tmp_path: Path) -> None:
    (tmp_path / ".spiceinit").write_text("set ngbehavior=ltpsa\n")
    assert "unknown subckt: x1" in python(PLAIN)
    code = """
from spicemem.engines.pyspice import shared
print(shared().load("* c\\nV1 a 0 1\\nR1 a 0 1\\n.op\\n.end"))
"""
    assert "No compatibility mode" in python(code, HOME=str(tmp_path))


def test_examples_of_the_page(engine: PySpice, capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "pyspice.md").read_text()
    exec(compile("\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)), "docs/pyspice.md", "exec"), {})
    said = capsys.readouterr().out
    assert "from 2.000e-06 S to 2.0" in said and "'Xsyn'" in said
    assert "SPEED" not in page


def test_a_unit_of_pyspice_is_read_as_a_scale(engine: PySpice) -> None:
    from PySpice.Unit import u_A

    for value, volts in ((1.0, 1.0), (u_A(1), 1e-18)):
        circuit = netlist.Circuit("units")
        circuit.I("1", circuit.gnd, "a", value)
        circuit.R("1", "a", circuit.gnd, 1.0)
        point = circuit.simulator(ngspice_shared=shared()).operating_point()
        assert float(point.nodes["a"][0]) == pytest.approx(volts)

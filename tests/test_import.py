"""Do other people's models become parts that behave as their authors wrote them?"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from spicemem.circuit import GROUND, Circuit, Foreign, Resistor, Synapse, VerilogA, VoltageSource
from spicemem.devices import DEVICES
from spicemem.engines import get
from spicemem.errors import CircuitError, EngineError, InputError, ModelError, RenderError, SimulationError
from spicemem.foreign.models import from_netlist, from_verilog_a
from spicemem.foreign.osdi import read_osdi
from spicemem.protocols import stdp
from spicemem.render import render
from spicemem.waveform import Waveform

ROOT = Path(__file__).parent.parent
PAGES = ("docs/import.md", "docs/lint.md")
#: Somebody's: capitals, a model parameter, an instance parameter, a string, an alias, a file of its own beside it.
RELAXING = """`include "disciplines.vams"
`include "law.inc"
module Relaxing(TE, BE);
  inout TE, BE; electrical TE, BE, xs;
  parameter real Gon = 1m from (0:1]; // S
  (* type="instance", desc="time constant", units="s" *) parameter real tau = 1m from (0:inf);
  (* desc="start of the state", units="1" *) parameter real x0 = 0.25 from [0:1];
  parameter integer kind = 2 from [1:2];
  parameter string label = "none";
  (* desc="state", units="1" *) real x;
  real f;
  analog begin
    x = x0 + V(xs);
    f = (x - 1.0)/tau;
    if ($abstime <= 0.0) f = V(xs);
    I(TE, BE) <+ Gon * x * `LAW(V(TE, BE));
    I(xs) <+ ddt(V(xs));
    I(xs) <+ f;
  end
endmodule
"""
LAW = "`define LAW(v) ((v)*(1.0 + 0.1*(v)))\n"


@pytest.fixture
def relaxing(tmp_path: Path) -> Path:
    (tmp_path / "law.inc").write_text(LAW)
    path = tmp_path / "relaxing.va"
    path.write_text(RELAXING)
    return path


def driven(part: Foreign | VerilogA, wave: Waveform | float, pins: tuple[str, str]) -> Circuit:
    """The part between a source and ground, through a resistor of 1 kOhm."""
    circuit = Circuit("bench")
    circuit.add("v1", VoltageSource(wave), p="a", n=GROUND)
    circuit.add("r1", Resistor(1e3), p="a", n="b")
    return circuit.add("x1", part, **{pins[0]: "b", pins[1]: GROUND})


def test_a_model_says_what_it_has(relaxing: Path) -> None:
    model = from_verilog_a(relaxing)
    assert (model.name, model.ports) == ("Relaxing", ("TE", "BE"))
    assert set(model.parameters) == {"tau", "Gon", "x0", "kind"}  # no string, and not $mfactor
    tau, gon, kind = (model.parameters[k] for k in ("tau", "Gon", "kind"))
    assert (tau.default, tau.unit, tau.doc, tau.low, tau.high) == (1e-3, "s", "time constant", 0.0, np.inf)
    assert (gon.default, gon.low, gon.high) == (1e-3, 0.0, 1.0)
    assert kind.default == 2.0 and model.outputs == {"x": "1"} and not model.findings


@pytest.mark.parametrize("engine", ["ngspice", "ngspice-osdi", "vacask"])
def test_a_verilog_a_model_runs_as_it_is_written(relaxing: Path, engine: str) -> None:
    part = from_verilog_a(relaxing)(Gon=2e-3, tau=5e-4, x0=0.5)
    run = get(engine)
    result = run.run(driven(part, 1.0, ("TE", "BE")), 1e-3, max_step=5e-6)
    x = 1 - 0.5 * np.exp(-result.time / 5e-4)
    b = result["v(b)"]
    assert np.abs((1 - b) / 1e3 - 2e-3 * x * b * (1 + 0.1 * b)).max() < 2e-7  # of 5e-4 A
    other = from_verilog_a(relaxing)(Gon=2e-3, tau=6e-4, x0=0.5)  # a value that does not arrive would be seen
    slower = run.run(driven(other, 1.0, ("TE", "BE")), 1e-3, max_step=5e-6)
    assert abs(float(slower.at("v(b)", 4e-4)) - float(result.at("v(b)", 4e-4))) > 5e-3


@pytest.mark.parametrize("engine", ["ngspice-osdi", "vacask"])
def test_our_own_model_read_back_is_the_device(engine: str) -> None:
    """The generated vteam.va as somebody's model, beside another device of ours, against the device itself."""
    model, device = from_verilog_a(ROOT / "verilog-a/wox.va"), DEVICES["wox"]()
    known = device.definition.params
    assert {k: (p.default, p.low, p.high, p.doc) for k, p in model.parameters.items()} == {
        k: (p.default, p.low, p.high, p.doc) for k, p in known.items()}
    values = {name: 0.7 * p.default for name, p in known.items() if name == "tau"}
    curves = []
    for part in (model(**values), device.replace(**values)):
        circuit = Circuit("bench")
        circuit.add("v1", VoltageSource(Waveform([0, 2e-2, 4e-2, 6e-2], [0, 1.2, -0.6, 0])), p="a", n=GROUND)
        circuit.add("r1", Resistor(1e3), p="a", n="b")
        circuit.add("x1", part, p="b", n=GROUND, read_noise=GROUND)
        result = get(engine).run(circuit, 6e-2, max_step=1e-4)
        curves.append(np.interp(np.linspace(0, 6e-2, 200), result.time, result["i(v1)"]))
    assert np.abs(curves[0] - curves[1]).max() < 1e-4 * np.abs(curves[1]).max()


@pytest.mark.parametrize("engine", ["ngspice", "ngspice-osdi", "vacask"])
def test_declared_states_are_saved_and_go_on(relaxing: Path, engine: str) -> None:
    """Output variables and nodes inside are signals; a run in two halves is the run."""
    text = relaxing.read_text().replace("  real f;", '  (* desc="twice", units="A" *) real Twice;\n  real f;')
    relaxing.write_text(text.replace("V(xs);\n    f = (", "V(xs); Twice = 2.0*x;\n    f = ("))
    model = from_verilog_a(relaxing, states={"x": "x0"})
    circuit, run = driven(model(Gon=2e-3, tau=5e-4, x0=0.5), 1.0, ("TE", "BE")), get(engine)
    whole = run.run(circuit, 1e-3, max_step=5e-6, save=["v(b)", "x1.x", "x1.Twice", "v(x1.xs)"])
    x = 1 - 0.5 * np.exp(-whole.time / 5e-4)
    assert np.abs(whole["x1.x"] - x).max() < 1e-4 and np.abs(whole["v(x1.xs)"] - (x - 0.5)).max() < 1e-4
    assert np.abs(whole["x1.Twice"] - 2 * whole["x1.x"]).max() < 1e-9 and whole.units["x1.Twice"] == "A"
    half = run.run(circuit, 5e-4, max_step=5e-6)
    assert "x1.x" in half.signals and half.final_state() == {"x1.x": half["x1.x"][-1]}
    rest = run.run(circuit, 5e-4, max_step=5e-6, initial=half.final_state())
    assert rest["x1.x"][0] == pytest.approx(half["x1.x"][-1], rel=1e-6)
    assert rest["v(b)"][-1] == pytest.approx(whole["v(b)"][-1], rel=1e-5)
    again = run.run(circuit, 5e-4, max_step=5e-6)  # what happens without: the second half is the first
    assert abs(again["v(b)"][-1] - whole["v(b)"][-1]) > 1e-2


def test_states_that_cannot_go_on_are_refused(relaxing: Path) -> None:
    run, initial = get("vacask"), {"x1.x": 0.3}
    circuit = driven(from_verilog_a(relaxing)(), 1.0, ("TE", "BE")).add("s1", DEVICES["wox"](), p="b", n=GROUND)
    with pytest.raises(EngineError, match=r"charge on xs, which would start anew.*states="):
        run.run(circuit, 1e-3, max_step=1e-5, initial={"s1.w": 0.2})
    nothing = driven(from_verilog_a(relaxing, states={})(), 1.0, ("TE", "BE")).add("s1", DEVICES["wox"](), p="b",
                                                                                   n=GROUND)
    run.run(nothing, 1e-5, max_step=1e-6, initial={"s1.w": 0.2})
    with pytest.raises(InputError, match=r"x1\.x"):
        run.run(nothing, 1e-3, max_step=1e-5, initial=initial)
    for states, word in (({"y": "x0"}, "'y'"), ({"x": "y0"}, "'y0'")):
        with pytest.raises(InputError, match=word):
            from_verilog_a(relaxing, states=states)
    wrong = driven(from_verilog_a(relaxing, states={"x": "tau"})(tau=2e-3), 1.0, ("TE", "BE"))
    with pytest.raises(SimulationError, match="the value of tau"):
        run.run(wrong, 1e-3, max_step=1e-5)
    diode = relaxing.parent / "diode.va"  # without a charge inside there is nothing to declare
    diode.write_text('`include "disciplines.vams"\nmodule dio(p, n);\ninout p, n; electrical p, n, m;\n'
                     "analog begin I(p, m) <+ 1e-3*V(p, m); I(m, n) <+ 1e-3*V(m, n); end\nendmodule\n")
    assert from_verilog_a(diode).part.keeps == ()  # type: ignore[union-attr]


def test_a_protocol_that_needs_equations_says_so(relaxing: Path) -> None:
    cell = Circuit("cell", ("pre", "post"), synapses=(Synapse("s", "pre", "post", "pre", "x1"),))
    cell.add("x1", from_verilog_a(relaxing)(), TE="pre", BE="post")
    spike = Waveform.points((0, 0), (1e-3, 1), (2e-3, 0))
    with pytest.raises(CircuitError, match="part x1: found no device of this package"):
        stdp(cell, pre=spike, post=-spike, delays=[1e-3])


def test_engines_that_load_no_module_say_so(relaxing: Path) -> None:
    part = from_verilog_a(relaxing)()
    with pytest.raises(EngineError) as caught:
        get("reference").operating_point(driven(part, 1.0, ("TE", "BE")))
    assert all(word in str(caught.value) for word in ("reference", "x1", "Relaxing", "vacask"))


def test_two_modules_of_one_name_are_refused(relaxing: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.va"
    other.write_text(RELAXING.replace("(x - 1.0)/tau", "(x - 0.9)/tau"))
    circuit = driven(from_verilog_a(relaxing)(), 1.0, ("TE", "BE"))
    circuit.add("x2", from_verilog_a(relaxing)(tau=2e-3), TE="b", BE=GROUND)  # another card of the same module
    get("ngspice-osdi").operating_point(circuit)
    circuit.add("x3", from_verilog_a(other)(), TE="b", BE=GROUND)
    with pytest.raises(EngineError, match="two different ones"):
        get("ngspice-osdi").operating_point(circuit)


def test_a_netlist_that_would_not_run_is_not_written(relaxing: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.lib"
    path.write_text(LIBRARIES["pspice"])
    for part, pins, word in ((from_verilog_a(relaxing)(), ("TE", "BE"), "Relaxing"),
                             (from_netlist(path, dialect="pspice")(), ("p", "n"), "pspice")):
        cell = Circuit("cell", ("a",)).add("x1", part, **{pins[0]: "a", pins[1]: GROUND})
        for target in ("ngspice", "ngspice-osdi", "vacask"):
            with pytest.raises(RenderError, match=word):
                render(cell, target)


def test_bad_values_and_files_are_refused(relaxing: Path, tmp_path: Path) -> None:
    model = from_verilog_a(relaxing)
    for values, word in (({"gon": 1.0}, "Gon"), ({"Gon": 2.0}, "0 to 1"), ({"tau": float("nan")}, "finite"),
                         ({"x0": True}, "finite")):
        with pytest.raises(ModelError, match=word):
            model(**values)
    with pytest.raises(InputError, match=r"[Nn]o such"):
        from_verilog_a(tmp_path / "none.va")
    with pytest.raises(InputError, match="no module 'other'"):
        from_verilog_a(relaxing, module="other")
    wrong = tmp_path / "wrong.va"
    wrong.write_text(RELAXING.replace("V(xs);\n    f =", "V(nowhere);\n    f ="))
    with pytest.raises(SimulationError):
        from_verilog_a(wrong)
    with pytest.raises(InputError, match="openvaf-r"):
        read_osdi(relaxing)
    with pytest.raises(CircuitError):
        driven(VerilogA("m\n.control", Path("m.osdi"), ("p", "n")), 1.0, ("p", "n"))


def test_the_linter_runs_on_import(tmp_path: Path) -> None:
    path = tmp_path / "bare.va"
    path.write_text('`include "disciplines.vams"\nmodule bare(p, n);\ninout p, n; electrical p, n;\n'
                    "parameter real i0 = 1e-12;\nanalog I(p, n) <+ i0*(exp(V(p, n)/0.026) - 1.0);\nendmodule\n")
    assert {f.code for f in from_verilog_a(path).findings} == {"parameter-range", "unlimited-exp"}


LIBRARIES = {
    "ngspice": ".subckt cell p n g=1m\n+ k={2*g}\nb1 p n i=g*v(p,n) + k*v(p,n)*v(p,n)*v(p,n)\n.ends\n",
    "hspice": ".subckt cell p n g=1m k='2*g'\ng1 p n cur='g*v(p,n) + k*v(p,n)*v(p,n)*v(p,n)'\n.ends cell\n",
    "pspice": "* a library\n.SUBCKT cell p n PARAMS: g=1m k={2*g}\n"
              "G1 p n VALUE={IF(v(p,n) > -10, g*v(p,n) + k*v(p,n)*v(p,n)*v(p,n), 0)}\n.ENDS\n",
    "ltspice": ".subckt cell p n g=1m k={2*g}\nB1 p n I=if(v(p,n) > -10, g*v(p,n) + k*v(p,n)*v(p,n)*v(p,n), 0)\n"
               ".ends\n",
}


@pytest.mark.parametrize("dialect", LIBRARIES)
def test_a_subcircuit_of_a_dialect_runs(dialect: str, tmp_path: Path) -> None:
    path = tmp_path / "model.lib"
    path.write_text(LIBRARIES[dialect])
    model = from_netlist(path, dialect=dialect)
    assert (model.name, model.ports) == ("cell", ("p", "n"))
    assert {k: p.default for k, p in model.parameters.items()} == {"g": 1e-3, "k": None}
    for g in (1e-3, 3e-3):
        point = get("ngspice").operating_point(driven(model(g=g), -1.0, ("p", "n")))
        b = float(point["v(b)"][0])
        assert abs((-1 - b) / 1e3 - (g * b + 2 * g * b**3)) < 1e-9


def test_a_dialect_that_is_not_the_librarys_fails(tmp_path: Path) -> None:
    path = tmp_path / "model.lib"
    path.write_text(LIBRARIES["pspice"])
    with pytest.raises(SimulationError):
        get("ngspice").operating_point(driven(from_netlist(path)(), -1.0, ("p", "n")))


def test_what_a_compatibility_mode_would_change_is_refused(tmp_path: Path) -> None:
    """In PSpice's mode exp() of every B source is cut off, so our devices go there as compiled modules only."""
    path, second = tmp_path / "model.lib", tmp_path / "second.lib"
    path.write_text(LIBRARIES["pspice"])
    second.write_text(LIBRARIES["hspice"])
    circuit = driven(from_netlist(path, dialect="pspice")(), 0.1, ("p", "n"))
    circuit.add("d1", DEVICES["eis"](), gate="b", drain="b", source=GROUND)
    with pytest.raises(EngineError, match="ngspice-osdi"):
        get("ngspice").operating_point(circuit)
    point = get("ngspice-osdi").operating_point(circuit)
    assert 0.04 < float(point["v(b)"][0]) < 0.06
    circuit.add("x2", from_netlist(second, dialect="hspice")(), p="b", n=GROUND)
    with pytest.raises(EngineError, match="one dialect"):
        get("ngspice-osdi").operating_point(circuit)


def test_ports_are_what_libraries_call_them(tmp_path: Path) -> None:
    """Numbers, signs, words of simulators: no netlist repeats them."""
    path = tmp_path / "opamp.lib"
    path.write_text("* two resistors\n.SUBCKT divider 1 in+ OUT- params: r=1k\nR1 1 in+ {r}\nR2 in+ OUT- {r}\n.ENDS\n")
    part = from_netlist(path, dialect="pspice")(r=2e3)
    assert part.pins == ("1", "in+", "out-")
    circuit = Circuit("c").add("v1", VoltageSource(1.0), p="a", n=GROUND)
    circuit.add("x1", part, **{"1": "a", "in+": "b", "out-": GROUND})
    circuit.add("r1", Resistor(1e9), p="b", n=GROUND)
    assert get("ngspice").operating_point(circuit)["v(b)"][0] == pytest.approx(0.5, rel=1e-5)


def test_a_library_with_several_subcircuits(tmp_path: Path) -> None:
    path = tmp_path / "two.lib"
    path.write_text("* .subckt none a b\n.subckt Inner a b ; comment\nr1 a b 1k\n.subckt deep a b\nr1 a b 1\n.ends\n"
                    ".ends\n.subckt outer a b c r = 2meg l=1u\nr1 a b {r}\nr2 b c {l}\n.ends\n")
    assert from_netlist(path, "inner").name == "Inner"
    outer = from_netlist(path, "OUTER")
    assert outer.ports == ("a", "b", "c")
    assert {k: p.default for k, p in outer.parameters.items()} == {"r": 2e6, "l": 1e-6}
    for name, dialect, word in ((None, "ngspice", "inner, outer"), ("deep", "ngspice", "no subcircuit"),
                                ("outer", "spectre", "dialect")):
        with pytest.raises(InputError, match=word):
            from_netlist(path, name, dialect)
    with pytest.raises(InputError, match=r"none\.lib"):
        from_netlist(tmp_path / "none.lib")


@pytest.mark.parametrize("page", PAGES)
def test_the_page_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files named in the page are written, then its Python is run in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name, content in re.findall(r"`(\w+\.\w+)`:\n\n```\w*\n(.*?)```", text, re.DOTALL):
        (tmp_path / name).write_text(content)
    blocks = [code for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "sg13g2" not in code]
    assert blocks  # what needs a foundry's kit is run by test_foundry.py
    space: dict[str, object] = {}
    for number, code in enumerate(blocks, 1):
        exec(compile(code, f"block {number} of {page}", "exec"), space)


def test_the_lint_page_names_every_code() -> None:
    from spicemem.foreign.lint import REWRITES

    text = (ROOT / "docs/lint.md").read_text(encoding="utf-8")
    assert not [code for code in REWRITES if f"`{code}`" not in text]

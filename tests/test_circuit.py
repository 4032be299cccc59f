"""Circuits: bad wiring and bad names refused with the right words; nesting, copies; no name breaks out of a netlist."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spicemem.circuit import (
    GROUND,
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
    capacitive_pairs,
    pins_of,
    source_wave,
)
from spicemem.circuits import CIRCUITS
from spicemem.circuits.synapses import divider_gate, modulated_gate, shared_pre
from spicemem.devices.eis import EIS
from spicemem.engines import ENGINES
from spicemem.errors import CircuitError, InputError, ModelError, RenderError, SpicememError
from spicemem.expr import quantity
from spicemem.model import Model, Param, State, Terminal, branch, rate
from spicemem.names import RESERVED
from spicemem.render import TARGETS, render
from spicemem.waveform import Waveform


def refused(call: Callable[[], Any], *words: str, error: type[SpicememError] = CircuitError) -> None:
    with pytest.raises(error) as caught:
        call()
    for word in words:
        assert word in str(caught.value), f"no {word!r} in: {caught.value}"
    assert "\n" not in str(caught.value)


def divider(name: str = "divider") -> Circuit:
    """A cell of two resistors."""
    cell = Circuit(name, ("top", "tap"))
    cell.add("r_a", Resistor(1e3), p="top", n="tap").add("r_b", Resistor(1e3), p="tap", n=GROUND)
    return cell


JUNK = ["", " ", "a b", "a\nb",
        "a\r.control", "a\tb", "a\x00", "a.b", "a;b", "; rm -rf /", "a$b", "`x`", "{x}", "a*", "é",
        "1a", "_a", "a-b", "a,b", "(a)", "a=1", ".control", "*", "+a", "a\x1b[0m", "a\u2028b", "a#", "a:b", '"a"', "Ω"]
SPOILED = ["a__b", "a_", "sm_x", "SM_x"]


def test_pins_are_checked() -> None:
    cell = Circuit("cell")
    refused(lambda: cell.add("r1", Resistor(1e3), p="a"), "cell: r1", "nothing connected to n",
            "a net for each of p, n", 'Write add("r1", ..., n="net")')
    refused(lambda: cell.add("syn", EIS(), gate="a", drian="b", source=GROUND), "syn has no pin 'drian'",
            "expected gate, drain, source", "Did you mean drain")
    refused(lambda: cell.add("c", divider(), tap="a", n=GROUND), "c has no pin 'n'", "expected top, tap")
    refused(lambda: cell.add("c", divider(), tap="a"), "nothing connected to top")
    refused(lambda: cell.add("r1", EIS, gate="a"), "a device (with its values)", "Write EIS() and not EIS")
    refused(lambda: cell.add("r1", 1e3, p="a", n="b"), "part 'r1'", "1000.0")
    assert not cell.parts


def test_double_names_are_refused_without_regard_to_case() -> None:
    cell = divider()
    refused(lambda: cell.add("R_A", Resistor(1.0), p="top", n="tap"), "part 'R_A'", "that name already",
            "SPICE does not tell capitals from small letters")
    refused(lambda: cell.add("r_c", Resistor(1.0), p="TOP", n="tap"), "net 'TOP'", "'top' elsewhere", "one spelling")
    refused(lambda: Circuit("cell", ("pre", "Pre")), "one spelling")
    refused(lambda: Circuit("cell", ("pre", "pre")), "cell: ports", "different names")


def test_a_refused_part_leaves_nothing_behind() -> None:
    cell = divider()
    before = (dict(cell.parts), list(cell.nets))
    refused(lambda: cell.add("r_c", Resistor(1.0), p="fresh", n="TOP"))
    refused(lambda: cell.add("r_c", Resistor(-1.0), p="fresh", n="tap"))
    assert (cell.parts, cell.nets) == before
    cell.add("r_c", Resistor(1.0), p="Fresh", n="tap")  # the spelling of the refused part does not bind


@pytest.mark.parametrize("name", [*JUNK, *SPOILED, "v", "Temp", "subckt", "ends", "module", "e", "PI", "time", "i"])
def test_junk_names_are_refused_everywhere(name: str) -> None:
    shown = repr(name)
    refused(lambda: Circuit(name), "circuit name", shown)
    refused(lambda: Circuit("cell", (name,)), "cell: port name", shown)
    refused(lambda: Circuit("cell").add(name, Resistor(1.0), p="a", n="b"), "cell: part name", shown)
    refused(lambda: Circuit("cell").add("r", Resistor(1.0), p=name, n="b"), "cell: net name", shown)


@pytest.mark.parametrize("name", [None, 1, b"a", ["a"], ("a", "b")])
def test_names_are_strings(name: Any) -> None:
    refused(lambda: Circuit(name), "circuit name", repr(name))
    refused(lambda: Circuit("cell").add("r", Resistor(1.0), p=name, n="b"), "net name", repr(name))


@pytest.mark.parametrize("word", sorted(RESERVED))
def test_reserved_words_are_refused(word: str) -> None:
    for spelling in (word, word.upper(), word.capitalize()):
        refused(lambda spelling=spelling: Circuit(spelling), "circuit name", f"'{spelling}'",
                "no simulator keeps for itself", f"Write {spelling}0")


@pytest.mark.parametrize("title", ["a\nb", "a\r\n.control", "a\x00", "a\x1b[2J", "a\u2028b", None, 3])
def test_titles_are_one_line(title: Any) -> None:
    refused(lambda: Circuit("cell", title=title), "cell: title", repr(title), "one line of printable characters")


@pytest.mark.parametrize(("part", "field", "unit"), [
    (Resistor, "ohm", True), (Capacitor, "farad", True), (Inductor, "henry", True), (VoltageSource, "wave", False),
    (CurrentSource, "wave", False), (VoltageGain, "gain", False), (Transconductor, "siemens", False),
    (lambda value: CurrentGain(value, "v1"), "gain", False), (lambda value: Transresistor(value, "v1"), "ohm", False),
])
def test_part_values_are_checked(part: Any, field: str, unit: bool) -> None:
    pins = {"p": "a", "n": "b", "cp": "a", "cn": "b"}

    def add(value: Any) -> Circuit:
        made = part(value)
        return Circuit("cell").add("part", made, **{pin: pins[pin] for pin in made.pins})

    for bad in (math.nan, math.inf, -math.inf, True, None, [1.0], 1j):
        refused(lambda bad=bad: add(bad), f"'part': {field}", repr(bad), "a finite number")
    refused(lambda: add("1k"), f"'part': {field}", "'1k'")
    for bad in (0.0, -1.0) if unit else ():
        refused(lambda bad=bad: add(bad), f"'part': {field}", "above 0")
    add(1.0)


def test_current_controlled_parts_name_their_source() -> None:
    def cell(sense: Any) -> Circuit:
        return Circuit("cell").add("v1", VoltageSource(1.0), p="a", n=GROUND).add(
            "r1", Resistor(1.0), p="a", n=GROUND).add("f1", CurrentGain(2.0, sense), p="a", n=GROUND)

    assert len(cell("v1").check_runnable()) == 3
    refused(lambda: cell("v2").check_runnable(), "cell: f1 senses 'v2'", "no such voltage source", "Did you mean v1")
    refused(lambda: cell("r1").check_runnable(), "no such voltage source")
    for junk in ("v1\n.control", "v1 1e9", 3, None):
        refused(lambda junk=junk: cell(junk), "sense")


def test_what_cannot_run_is_refused() -> None:
    refused(lambda: divider().check_runnable(), "divider", "open ports top, tap", "Write divider.drive(top=...)")
    alone = Circuit("cell").add("r1", Resistor(1.0), p="a", n=GROUND)
    refused(alone.check_runnable, "cell: net 'a'", "one connection", "Connect it or tie it to ground")
    loop = Circuit("cell").add("r1", Resistor(1.0), p="a", n="b").add("r2", Resistor(1.0), p="a", n="b")
    refused(loop.check_runnable, "cell", 'no connection to ground, net "0"')
    refused(Circuit("cell").check_runnable, "no connection to ground")
    for engine in ENGINES.values():  # every engine checks before it starts anything
        refused(lambda engine=engine: engine.operating_point(alone), "net 'a'")
        refused(lambda engine=engine: engine.run(divider(), 1.0, max_step=0.1), "open ports")


def nested() -> Circuit:
    """Two dividers in a pair, the pair in a whole."""
    pair = Circuit("pair", ("top", "tail"))
    pair.add("left", divider(), top="top", tap="mid").add("right", divider(), top="mid", tap="tail")
    pair.add("syn", EIS(), gate="mid", drain="tail", source=GROUND)
    pair.add("v_s", VoltageSource(0.0), p="tail", n="far").add("f_s", CurrentGain(1.0, "v_s"), p="far", n=GROUND)
    whole = Circuit("whole", ("inp",))
    return whole.add("first", pair, top="inp", tail="between").add("second", pair, top="between", tail="last")


def test_nested_circuits_are_flattened_with_dots() -> None:
    elements = {e.path: e for e in nested().elements()}
    assert len(elements) == 14
    assert elements["first.left.r_a"].nets == {"p": "inp", "n": "first.mid"}
    assert elements["second.left.r_a"].nets == {"p": "between", "n": "second.mid"}
    assert elements["second.right.r_b"].nets == {"p": "last", "n": GROUND}
    assert elements["second.syn"].nets == {"gate": "second.mid", "drain": "last", "source": GROUND}
    assert elements["second.f_s"].part == CurrentGain(1.0, "second.v_s")
    assert list(nested().devices()) == ["first.syn", "second.syn"]
    whole = nested()
    assert whole.nets == ["inp", "between", "last"]
    pairs = capacitive_pairs(whole.elements())
    assert pairs == [("first.mid", GROUND), ("second.mid", GROUND)]


def test_a_port_connected_to_ground_grounds_the_inside() -> None:
    whole = Circuit("whole").add("d", divider(), top=GROUND, tap="tail").add("r", Resistor(1.0), p="tail", n=GROUND)
    assert {e.path: dict(e.nets) for e in whole.check_runnable()}["d.r_a"] == {"p": GROUND, "n": "tail"}


def test_names_of_different_levels_do_not_meet() -> None:
    # a part "d" with an inner net "x" beside an outer net that could be spelt alike in a flat netlist
    inner = Circuit("inner", ("p",)).add("r1", Resistor(1.0), p="p", n="x").add("r2", Resistor(1.0), p="x", n=GROUND)
    whole = Circuit("whole").add("d", inner, p="d_x").add("v1", VoltageSource(1.0), p="d_x", n=GROUND)
    flat = {net.replace(".", "__") for e in whole.elements() for net in e.nets.values()}
    assert flat == {"d_x", "d__x", GROUND}
    refused(lambda: Circuit("whole").add("d__r1", Resistor(1.0), p="a", n="b"), "no double or trailing underscore")


def test_replace_gives_a_copy() -> None:
    whole = nested()
    twin = whole.replace("first.syn", g_init=2e-6)
    assert twin.devices()["first.syn"].g_init == 2e-6  # type: ignore[attr-defined]
    # The two pairs are one object until one is replaced.
    for circuit, path in ((whole, "first.syn"), (whole, "second.syn"), (twin, "second.syn")):
        assert circuit.devices()[path].g_init == 1e-6  # type: ignore[attr-defined]
    refused(lambda: whole.replace("frist.syn", g_init=1e-6), "part 'frist.syn'", "no such part", "first.syn")
    refused(lambda: whole.replace("first.nys", g_init=1e-6), "nys", "no such part", "syn")
    refused(lambda: whole.replace("first", g_init=1e-6), "whole: first", "found Circuit", "a device")
    refused(lambda: whole.replace("first.left.r_a", ohm=1.0), "r_a", "found Resistor", "a device")
    refused(lambda: whole.replace("first.syn.g", g_init=1e-6), "syn.g", "a device")
    refused(lambda: whole.replace("first.syn", g_inti=1e-6), "'g_inti'", "Did you mean g_init", error=ModelError)


def test_drive_gives_a_copy_that_runs() -> None:
    cell = divider_gate()
    wave = Waveform.pulse(1.0, 1e-3, 1e-5)
    driven = cell.drive(pre=wave)
    assert cell.ports == ("pre", "post", "drain") and driven.ports == () and "v_pre" not in cell.parts
    parts = {e.path: e.part for e in driven.check_runnable()}
    assert parts["v_pre"] == VoltageSource(wave) and parts["v_post"] == VoltageSource(0.0)
    refused(lambda: cell.drive(prr=wave), "port 'prr'", "no such port", "Did you mean pre")
    refused(lambda: cell.drive(pre=math.nan), "nan", "a finite number")
    with pytest.raises(SpicememError):
        cell.drive(pre="1 V")  # type: ignore[arg-type]
    again = cell.copy()
    again.add("extra", Resistor(1.0), p="pre", n=GROUND)
    assert "extra" not in cell.parts and again.synapses == cell.synapses and again.bench is cell.bench
    assert float(source_wave(VoltageSource(2.5))(7.0)) == 2.5


def test_cells_refuse_what_does_not_fit() -> None:
    class Two(Model):
        """A resistor."""

        reference = "a test"
        p, n = Terminal(), Terminal()
        r = Param(1e3, "Ohm", "resistance")

        def equations(self) -> Any:
            yield branch(self.p, self.n, (self.p - self.n) / self.r)

    refused(lambda: divider_gate(Two()), "divider_gate: device two", "terminals p, n", "gate, drain and source")
    for bad in (1.5, -1.01, math.nan):
        refused(lambda bad=bad: modulated_gate(alpha_pre=bad), "alpha_pre", f"{bad}", "-1 to 1")
    refused(lambda: divider_gate(r=0.0), "above 0")
    for function in CIRCUITS.values():
        cell = function()
        assert cell.name == function.__name__ and cell.title
        # A cell that is no neuron or oscillator is a synapse: it says where it is driven and read.
        assert cell.synapses or function.__module__.endswith(("neurons", "brain_cells", "logic"))
        assert all({s.pre, s.post, s.read} <= set(cell.ports) and s.device in cell.devices() for s in cell.synapses)
        assert len(cell.drive().check_runnable()) > 2


# No name, title or text that is accepted can change what a netlist says.

# As many evil as plain characters, and whole commands.
EVIL = st.one_of(
    st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,8}", fullmatch=True), st.text(max_size=12),
    st.text("ab_1 \n\r\t.*;$`+{}()'\"\\=#/\x0b\x0c\x1c\x85\u2028", max_size=10),
    st.sampled_from([".control", "x\n.control\nshell rm -rf /\n.endc", "; rm", "*/", "`include", "//", "endmodule",
                     "a */ b", "+ x", ".ends", "a\\", "$(rm)", ".include /etc/passwd", "a // b", "é.control"]),
)
COMMAND = re.compile(r"^\s*\.?(control|endc|shell|system|include|lib|exec|source|write)\b", re.IGNORECASE)


def harmless(text: str, allowed: set[str]) -> bool:
    """Whether a netlist has only lines that start as lines of the plain one do, all printable."""
    for line in text.split("\n"):
        if any(not c.isprintable() for c in line):
            return False
        if COMMAND.match(line) and line not in allowed:
            return False
    return True


def cell_with(names: list[str], title: str) -> Circuit:
    circuit, port, net, part = names
    cell = Circuit(circuit, (port,), title=title)
    cell.add(part, Resistor(1e3), p=port, n=net)
    return cell.add("syn", EIS(), gate=net, drain=port, source=GROUND)


def netlists(cell: Circuit) -> dict[str, str]:
    texts = {}
    for name, target in TARGETS.items():
        if target.circuit is not None:
            texts[name] = render(cell, name)
    return texts


PLAIN = netlists(cell_with(["cell", "port", "net", "part"], "title"))
ALLOWED = {line for text in PLAIN.values() for line in text.split("\n") if COMMAND.match(line)}
LINES = {name: text.count("\n") - text.count("\n+") for name, text in PLAIN.items()}


def unbroken(names: list[str], title: str) -> bool:
    """Refused, or rendered to as many harmless lines as plain names give."""
    try:
        cell = cell_with(names, title)
    except CircuitError:
        return True
    texts = netlists(cell)
    return all(harmless(t, ALLOWED) and t.count("\n") - t.count("\n+") == LINES[name] for name, t in texts.items())


@given(st.lists(EVIL, min_size=4, max_size=4), EVIL)
def test_no_accepted_name_breaks_out_of_a_netlist(names: list[str], title: str) -> None:
    assert unbroken(names, title)


@given(EVIL)
def test_no_accepted_title_breaks_out_of_a_netlist_or_a_deck(title: str) -> None:
    assert unbroken(["cell", "port", "net", "part"], title)
    try:
        driven = cell_with(["cell", "port", "net", "part"], title).drive()
    except CircuitError:
        return
    for name in ("ngspice", "vacask"):
        engine = ENGINES[name]
        if engine.available()[0]:
            deck = engine.deck(engine._job(driven, "op", None, None))  # type: ignore[attr-defined]
            head = deck.split("\n")[0]
            assert title in head and harmless(head.lstrip("* "), set()) == (not COMMAND.match(title)), head


def test_a_name_check_that_lets_lines_pass_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    evil = "x\n.control\nshell rm\n.endc\n*"
    assert unbroken(["cell", "port", evil, "part"], "title") and unbroken(["cell", "port", "net", "part"], evil)
    monkeypatch.setattr("spicemem.circuit.check_name", lambda name, what, error: name)
    monkeypatch.setattr("spicemem.circuit.check_text", lambda text, what, error: text)
    assert not unbroken(["cell", "port", evil, "part"], "title")
    assert not unbroken(["cell", "port", "net", "part"], evil)


@given(EVIL)
def test_no_text_of_a_model_breaks_out_of_any_target(text: str) -> None:
    class Thing(Model):
        """A device."""

        reference = "a test"
        p, n = Terminal(), Terminal()
        r = Param(1e3, "Ohm", "resistance")
        x_init = Param(0.0, "1", "start")
        x = State(init=x_init, unit="1", doc="state", resolution=1e-3)

        def equations(self) -> Any:
            yield branch(self.p, self.n, (self.p - self.n) / self.r * (1 + self.x))
            yield rate(self.x, -self.x / quantity(1, "s"))

    plain = {name: render(_define(Thing, "text"), name) for name in ("ngspice", "verilog-a")}
    try:
        kind = _define(Thing, text)
    except SpicememError:
        return
    for name, model in plain.items():
        result = render(kind, name)
        assert all(c.isprintable() for line in result.split("\n") for c in line)
        mark = "\nmodule thing(" if name == "verilog-a" else "\n.subckt thing "
        body, plain_body = (t[t.index(mark):] for t in (result, model))
        strip = re.compile(r'desc="[^"\n]*"')
        assert strip.sub("", body) == strip.sub("", plain_body)
        head = result[:result.index(body)]
        assert all(not line or line.startswith(("//", "*", "`include")) for line in head.split("\n"))


def _define(template: Any, text: str) -> type[Model]:
    """The template with a text of another's choice in every place that takes one."""
    start = Param(0.0, "1", text, source=text)
    return type("Thing", (Model,), {
        "__doc__": f"A {text} device.", "reference": text or "none", "p": Terminal(text), "n": Terminal(text),
        "r": Param(1e3, "Ohm", text, source=text), "x_init": start,
        "x": State(init=start, unit="1", doc=text, resolution=1e-3), "equations": template.equations,
    })


def test_rendering_refuses_with_what_would_do() -> None:
    refused(lambda: render(EIS, "spetcre"), "target", "'spetcre'", error=InputError)
    refused(lambda: render(EIS, "vacask"), "target vacask", "found a device", "expected a circuit",
            "Use ngspice or verilog-a", error=RenderError)
    refused(lambda: render(divider(), "verilog-a"), "found a circuit", "Use ngspice or ngspice-osdi or vacask",
            error=RenderError)
    refused(lambda: render(divider().drive(), "ngspice"), "circuit divider", "no ports", error=RenderError)
    refused(lambda: render("eis", "ngspice"), "'eis'", "a device, a device class or a Circuit", error=RenderError)  # type: ignore[arg-type]
    refused(lambda: render(int, "ngspice"), "render", error=RenderError)  # type: ignore[arg-type]


def test_two_cells_or_devices_of_one_name_are_refused() -> None:
    """A netlist knows a cell by its name only: two different ones of one name would silently be one."""
    other = Circuit("divider", ("top", "tap")).add("r_a", Resistor(9e9), p="top", n="tap")
    whole = Circuit("whole", ("a",)).add("one", divider(), top="a", tap="b").add("two", other, top="b", tap="c")
    for target in ("ngspice", "ngspice-osdi", "vacask"):
        refused(lambda target=target: render(whole, target), "divider", error=RenderError)
    twice = Circuit("whole", ("a",)).add("one", divider(), top="a", tap="b").add("two", divider(), top="b", tap="c")
    render(twice, "ngspice")  # equal ones are one
    named = Circuit("EIS", ("gate",)).add("syn", EIS(), gate="gate", drain=GROUND, source=GROUND)
    refused(lambda: render(named, "ngspice"), "'EIS'", error=RenderError)
    twin = type("EIS", (EIS,), {"__doc__": "Another of that name."})
    both = Circuit("both", ("a",))
    for name, kind in (("one", EIS), ("two", twin)):
        both.add(name, kind(), gate="a", drain=GROUND, source=GROUND)
    refused(lambda: render(both, "vacask"), "'eis'", error=RenderError)
    refused(lambda: both.drive().check_runnable(), "both: two", "another device class named 'eis'")


def test_pins() -> None:
    assert pins_of(EIS()) == ("gate", "drain", "source") and pins_of(divider()) == ("top", "tap")
    assert pins_of(VoltageGain(1.0)) == ("p", "n", "cp", "cn") and shared_pre().ports[0] == "pre"

"""Can words of users, or files of others, say something in a netlist, a module or a path that nobody wrote there?"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from spicemem import cli, generate
from spicemem.circuit import Circuit, Foreign, Resistor, VerilogA, VoltageSource, check_library
from spicemem.devices import DEVICES
from spicemem.engines import get, osdi
from spicemem.errors import CircuitError, InputError, ModelError, SimulationError, SpicememError
from spicemem.foreign.fit import Recording
from spicemem.foreign.lint import lint_source
from spicemem.foreign.models import from_netlist, from_verilog_a
from spicemem.model import Bench, Model, Param, Preset, Terminal, branch
from spicemem.render import TARGETS, render
from spicemem.render.bundle import bundle
from spicemem.render.ltspice_symbol import symbol
from spicemem.waveform import Waveform

ATTACKS = (
    "x\n.control\nshell touch PWNED\n.endc", "x\r.control\rshell touch PWNED\r.endc", "x\u2028.control", "x\x85.endc",
    "`touch PWNED`", "$(touch PWNED)", "x; shell touch PWNED", "x $ comment", "x // rest", "x */ module m; /*", "x \\",
    "x \\\\", "+ w=1", "*# shell touch PWNED", "#", '"; $strobe("x"); //', "'", "{x}", "../../PWNED", "/etc/passwd",
    ".include /etc/passwd", "`include \"/etc/passwd\"", "x\u202ey", "x\u200by", "\uff0econtrol", "\u0430b", "ｒ１",
    "a\x00b",
    "simulator lang=spice", "library\nsection", "x\x0b.control", "x\x0cy", "<script>alert(1)</script>", "%n", "~",
)
EVIL = st.sampled_from(ATTACKS) | st.text(
    "ab_1 \n\r\t.*;$`+{}()'\"\\=#/:<>&|!%~\x00\x0b\x0c\x85\u2028\u200b\u202eéа；", max_size=14)
TEXTS = tuple(name for name in TARGETS if name != "numpy")
COMMENT = re.compile(r"\*(?!#)|//")


def statements(text: str, marks: re.Pattern[str] = COMMENT) -> list[str]:
    """The lines of a text that a simulator reads; a comment that could take the next line along is none.

    Written apart from the writers: a line ends at any sign that some reader may end one at.
    """
    found, joined = [], False
    for line in re.split(r"[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", text):
        if joined or not marks.match(line):
            found.append(line)
        joined = bool(marks.match(line)) and line.endswith("\\")
    return found


def texts_of(thing: Model | Circuit) -> dict[str, list[str]]:
    """What every target would read of a thing: library, bench, symbol, module; README and Python left out."""
    kind = "circuit" if isinstance(thing, Circuit) else "device"
    found = {}
    for target in TEXTS:
        if getattr(TARGETS[target], kind):
            found[target] = statements(render(thing, target))
            if target != "verilog-a":
                found.update({f"{target}/{name}": statements(text) for name, text in bundle(thing, target).items()
                              if not name.endswith((".md", ".asy"))})
    # A symbol has no comments: it has one line for its description, whatever that says.
    found["asy"] = [line for line in statements(symbol(thing)) if not line.startswith("SYMATTR Description ")]
    return found


def accepted(make: Callable[[], Any]) -> Any:
    """What is made, or None where the words are refused: by one of our errors, in one line."""
    try:
        return make()
    except SpicememError as error:
        assert all(c.isprintable() for c in str(error)), str(error)
        return None


# --- words of our own things ------------------------------------------------------------------------------------------


def cell(**words: Any) -> Circuit:
    """A small cell; words by their place."""
    w = {"name": "cell", "title": "title", "port": "port", "part": "part", "net": "net", "plot": "v(port)",
         "bench": "bench", "label": "voltage [V]", **words}
    made = Circuit(w["name"], (w["port"],), w["title"],
                   bench=Bench({w["port"]: Waveform.constant(1.0)}, 1e-3, 1e-5, (w["plot"],), w["bench"], w["label"]))
    made.add(w["part"], Resistor(1e3), **{"p": w["port"], "n": w["net"]})
    return made.add("last", Resistor(1e3), p=w["net"], n="0")


PLAIN = texts_of(cell())
NAMES = ("name", "port", "part", "net")


@given(st.sampled_from(["title", "bench", "label", "plot"]), EVIL)
def test_no_text_of_a_circuit_adds_a_statement(place: str, text: str) -> None:
    found = accepted(lambda: texts_of(cell(**{place: text})))
    if place == "title":
        assert found in (None, PLAIN)
    elif found is not None:  # a label stands in quotes in the bench, a net in its probes: as plain words, or not at all
        assert {k: len(v) for k, v in found.items()} == {k: len(v) for k, v in PLAIN.items()}
        assert not set(text) & set("`$;\\'\"{}!#<>|&\n\r")


@given(st.sampled_from(NAMES), EVIL)
def test_no_name_of_a_circuit_adds_a_statement(place: str, text: str) -> None:
    found = accepted(lambda: texts_of(cell(**{place: text, **({"plot": f"v({text})"} if place == "port" else {})})))
    if found is not None:
        assert re.fullmatch("[A-Za-z][A-Za-z0-9_]*", text)
        lines = {k.replace(f"/{text}", "/cell"): len(v) for k, v in found.items()}
        assert lines == {k: len(v) for k, v in PLAIN.items()}


def device(**words: str) -> Model:
    """A small device; words by their place."""
    w = {"name": "Device", "doc": "A device.", "reference": "nowhere", "unit": "V", "param": "what it is",
         "source": "chosen", "preset": "other", "about": "a preset", "from_": "chosen", "key": "v_0", **words}

    def equations(self: Any) -> Any:
        v = self.p - self.n
        yield branch(self.p, self.n, self.g * v * (1.0 + (v / getattr(self, w["key"])) ** 2))

    body = {"__doc__": w["doc"], "reference": w["reference"], "p": Terminal(), "n": Terminal(), "equations": equations,
            "g": Param(1e-3, "S", w["param"], low=0, high=1, source=w["source"]),
            w["key"]: Param(1.0, w["unit"], "scale", low=0.1, high=10),
            "presets": {w["preset"]: Preset(w["about"], w["from_"], {"g": 1e-4})},
            "bench": Bench({"p": Waveform.constant(1.0)}, 1e-3, 1e-5, ("v(p)",), "bench", "voltage [V]")}
    return type(Model)(w["name"], (Model,), body)()  # type: ignore[no-any-return]


DEVICE = texts_of(device())


@settings(max_examples=60)
@given(st.sampled_from(["reference", "param", "source", "about", "from_", "unit"]), EVIL)
@example("unit", "V\n").via("pint reads over line ends")
@example("unit", 'V # "; $strobe').via("pint takes what follows for a comment")
@example("param", '"; endmodule')
def test_no_text_of_a_device_adds_a_statement(place: str, text: str) -> None:
    found = accepted(lambda: texts_of(device(**{place: text})))
    if found is None:
        return
    if place == "unit":
        assert re.fullmatch(r"[\w*/^().+\- °%]*", text)
    # The description of a parameter is quoted in Verilog-A, and stays inside its quotes.
    quoted = re.compile(r'desc="[^"\\\n]*", units="[^"\\\n]*"')
    plain = {k: [quoted.sub("", line) for line in v] for k, v in DEVICE.items()}
    assert {k: [quoted.sub("", line) for line in v] for k, v in found.items()} == plain


@pytest.mark.parametrize("place", ["reference", "param", "source", "about", "from_"])
def test_plain_words_are_accepted(place: str) -> None:
    """Else the tests here would show nothing: every place takes words, and they arrive."""
    words = "Pt/TiO2 (10 nm), 5 % of 3 uA; a - b"
    assert {k: len(v) for k, v in texts_of(device(**{place: words})).items()} == {k: len(v) for k, v in DEVICE.items()}
    assert texts_of(cell(title=words)) == PLAIN and texts_of(cell(bench="a - b")) != {}
    text = render(device(reference=words), "ngspice")
    assert f"* Reference: {words}" in text
    assert texts_of(device(unit="V", preset="better", key="v_1", name="Other"))


@settings(max_examples=40)
@given(st.sampled_from(["name", "preset", "key"]), EVIL)
def test_no_name_of_a_device_adds_a_statement(place: str, text: str) -> None:
    with contextlib.suppress(ValueError, TypeError):  # Python's own, for a class or an attribute of such a name
        found = accepted(lambda: texts_of(device(**{place: text})))
        assert found is None or re.fullmatch("[A-Za-z][A-Za-z0-9_]*", text)


@settings(max_examples=40)
@given(EVIL)
def test_the_lines_of_a_docstring_are_comments(text: str) -> None:
    found = accepted(lambda: texts_of(device(doc=f"A device.\n\n{text}")))
    assert found in (None, DEVICE)


def test_a_bench_is_numbers_and_waveforms() -> None:
    for changes in ({"stop": "1\n.control"}, {"stop": -1.0}, {"stop": float("nan")}, {"max_step": True},
                    {"drives": {"port": "1\n.control"}}):
        values = {"drives": {"port": Waveform.constant(1.0)}, "stop": 1e-3, "max_step": 1e-5, "plot": ("v(port)",),
                  "title": "bench", "y_label": "voltage [V]", **changes}
        made = cell()
        made.bench = Bench(**values)  # type: ignore[arg-type]
        assert accepted(lambda made=made: texts_of(made)) is None


def test_words_that_are_set_later_are_checked_too() -> None:
    made = cell()
    for key, text in (("title", "x\n.control"), ("name", "x y")):
        with pytest.raises(CircuitError):
            setattr(made, key, text)
    assert texts_of(made) == PLAIN


def test_a_check_with_a_hole_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oracle of the tests above, against validators that let everything pass."""
    with monkeypatch.context() as patched:
        patched.setattr("spicemem.circuit.check_text", lambda text, what, error: text)
        for text in (ATTACKS[0], "x\u2028.control"):
            assert accepted(lambda text=text: texts_of(cell(title=text))) not in (None, PLAIN)
    with monkeypatch.context() as patched:
        patched.setattr("spicemem.circuit.check_name", lambda name, what, error, reserved=None: name)
        found = accepted(lambda: texts_of(cell(net="x\n.control")))
        assert {k: len(v) for k, v in found.items()} != {k: len(v) for k, v in PLAIN.items()}
    with monkeypatch.context() as patched:
        patched.setattr("spicemem.render.bench._PROBE", re.compile(""))
        found = accepted(lambda: texts_of(cell(plot="v(x\n.control\n)")))
        assert {k: len(v) for k, v in found.items()} != {k: len(v) for k, v in PLAIN.items()}
    assert statements("* a \\\nr1 a b 1") == ["r1 a b 1"] and statements("*# shell\n// x") == ["*# shell"]


@given(st.lists(st.floats() | EVIL, min_size=1, max_size=3), st.lists(st.floats() | EVIL, min_size=1, max_size=3))
def test_a_waveform_is_numbers(times: list[Any], values: list[Any]) -> None:
    wave = accepted(lambda: Waveform.points(*zip(times, values, strict=False)))
    if wave is not None:
        made = Circuit("c", ("a",)).add("v1", VoltageSource(wave), p="a", n="0")
        lines = render(made, "ngspice").split("\n")
        text = " ".join(line.removeprefix("+ ") for line in lines if line.startswith(("Vv1", "+")))
        assert re.fullmatch(r"Vv1 a 0 (DC [-\d.e+]+|PWL\([-\d.e+ ]+\))", text), text


# --- the command line -------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(st.sampled_from(["thing", "key", "value", "preset", "target"]), EVIL)
def test_nothing_on_the_command_line_adds_a_statement(place: str, text: str) -> None:
    words = {"thing": "eis", "key": "g_init", "value": "500n", "preset": "nano", "target": "ngspice", place: text}
    thing = words["thing"] + (f":{words['preset']}" if place == "preset" else "")
    result = CliRunner().invoke(cli.app, ["netlist", thing, "-t", words["target"], "-p",
                                          f"{words['key']}={words['value']}"])
    if result.exit_code == 0 and result.stdout.startswith("*"):
        plain = render(generate.thing("eis", {"g_init": "500n"}), "ngspice")
        assert len(statements(result.stdout)) == len(statements(plain)), text
    else:
        assert result.exit_code in (0, 1, 2) and "Traceback" not in result.output
        assert not result.stdout or place == "thing"  # such as --help


# --- libraries of others ----------------------------------------------------------------------------------------------

LIBRARY = ".subckt cell p n g=1m\nr1 p n {1/g}\n.ends\n"


@settings(max_examples=60)
@given(place=st.sampled_from(["name", "section", "param", "pin", "letter", "dialect"]), text=EVIL)
def test_no_word_of_a_foreign_part_adds_a_statement(place: str, text: str, tmp_path_factory: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "fixed.lib"
    path.write_text(LIBRARY)

    def make(**words: str) -> list[str]:
        w = {"name": "cell", "section": "", "param": "g", "pin": "n", "letter": "X", "dialect": "", **words}
        part = Foreign(w["name"], path, w["section"], {w["param"]: 1e-3}, w["letter"], ("p", w["pin"]), w["dialect"])
        made = Circuit("outer", ("a",)).add("x1", part, **{"p": "a", w["pin"]: "0"})
        return statements(render(made, "ngspice"))

    found = accepted(lambda: make(**{place: text}))
    assert found is None or len(found) == len(make())


@settings(max_examples=60)
@given(name=EVIL.filter(lambda text: "/" not in text and "\0" not in text))
def test_no_file_name_adds_a_statement(name: str, tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("files")
    path = folder / name
    try:
        path.write_text(LIBRARY)
    except OSError:
        return  # no name of a file
    link = folder / "link.lib"
    link.symlink_to(path)
    for file in (path, link):  # a link leads to what it is named after
        made = accepted(lambda file=file: Circuit("outer", ("a",)).add("x1", from_netlist(file)(), p="a", n="0"))
        if made is not None:
            lines = statements(render(made, "ngspice"))
            assert re.fullmatch(r'\.include "[^"\s$;`\'{}\\]+"', lines[0]) and len(lines) == 5
    library = VerilogA("m", path, ("p", "n"))
    made = accepted(lambda: Circuit("outer").add("x1", library, p="a", n="0"))
    assert made is None or re.fullmatch(r"[^\s$;`'\"{}\\]+", str(path))


@settings(max_examples=60)
@given(place=st.sampled_from(["name", "port", "key", "value"]), text=EVIL)
def test_no_word_of_a_library_adds_a_statement(place: str, text: str, tmp_path_factory: Any) -> None:
    words = {"name": "cell", "port": "n", "key": "g", "value": "1m", place: text}
    path = tmp_path_factory.getbasetemp() / "words.lib"
    path.write_bytes(f".subckt {words['name']} p {words['port']} {words['key']}={words['value']}\nr1 p 0 1\n.ends\n"
                     .encode())

    def make() -> list[str]:
        model = from_netlist(path)
        part = model(**dict.fromkeys(model.parameters, 1.0))
        made = Circuit("outer", ("a",)).add("x1", part, **dict.fromkeys(part.pins, "a"))
        return statements(render(made, "ngspice"))

    found = accepted(make)
    assert found is None or (len(found) == 5 and re.fullmatch(r"Xx1 [a ]+ [\w.]+( [\w.]+=1\.0)*", found[2])), found


@pytest.mark.parametrize("lines", [
    ".control\nshell touch PWNED\n.endc", " \t.CONTROL\nshell touch PWNED\n.endc", "*# shell touch PWNED",
    " *#;shell touch PWNED", '.include "inner.inc"', ".inc inner.inc", ".lib 'inner.inc' typ",
    'a1 [p] [n] proc\n.model proc d_process(process_file="/bin/touch" process_params=["PWNED"])'])
def test_a_library_that_runs_commands_is_refused(lines: str, tmp_path: Path, ngspice: Any) -> None:
    path, inner = tmp_path / "x.lib", tmp_path / "inner.inc"
    path.write_text(f"{LIBRARY}* .control is a word here\n{lines}\n")
    inner.write_text("* nothing\n.lib typ\n.control\nshell touch PWNED\n.endc\n.endl\n")
    with pytest.raises(CircuitError, match="ngspice would run these commands"):
        from_netlist(path)
    path.write_text(f"*###########\n{LIBRARY}* .control is a word here\n")
    from_netlist(path)


def test_ngspice_would_have_run_them(tmp_path: Path, ngspice: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hole that the check above closes is a real one."""
    path, proof = tmp_path / "x.lib", tmp_path / "pwned"
    path.write_text(f"{LIBRARY}.control\nshell touch {proof}\n.endc\n")
    monkeypatch.setattr("spicemem.circuit.check_library", lambda path, what: None)
    made = Circuit("c").add("v1", VoltageSource(1.0), p="a", n="0").add("x1", from_netlist(path)(), p="a", n="0")
    with contextlib.suppress(SpicememError):
        ngspice.operating_point(made)
    assert proof.exists()


def test_a_library_is_read_once_and_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "x.lib"
    path.write_text(LIBRARY)
    check_library(path, "x")
    path.write_text(LIBRARY + "*# shell x\n")
    with pytest.raises(CircuitError):
        check_library(path, "x")


def test_a_recording_is_no_path(tmp_path: Path) -> None:
    for name in ("../x", "/etc/x", "a/b", "x\ny", ""):
        with pytest.raises(InputError, match="name of a recording"):
            Recording([0, 1, 2], [0, 1, 2], [0, 1, 2], name)  # type: ignore[arg-type]


# --- Verilog-A of others ----------------------------------------------------------------------------------------------

HEAD = '`include "disciplines.vams"\nmodule m(p, n);\ninout p, n; electrical p, n;\n'
BODY = "analog I(p, n) <+ 1e-3*V(p, n);\nendmodule\n"


@settings(max_examples=25)
@given(place=st.sampled_from(["file", "module", "port", "key", "desc", "units"]), text=EVIL)
def test_no_word_of_a_module_adds_a_statement(place: str, text: str, tmp_path_factory: Any, vacask: Any) -> None:
    w = {"file": "m.va", "module": "m", "port": "n", "key": "g", "desc": "d", "units": "S", place: text}
    path = tmp_path_factory.mktemp("va") / w["file"]
    source = (f'`include "disciplines.vams"\nmodule {w["module"]}(p, {w["port"]});\ninout p, {w["port"]};\n'
              f'electrical p, {w["port"]};\n(* desc="{w["desc"]}", units="{w["units"]}" *) '
              f'parameter real {w["key"]} = 1e-3 from [0:1];\n'
              f'analog I(p, {w["port"]}) <+ {w["key"]}*V(p, {w["port"]});\nendmodule\n')
    try:
        path.write_bytes(source.encode())
    except (OSError, ValueError):
        return

    def deck() -> list[str]:
        model = from_verilog_a(path)
        part = model(**dict.fromkeys(model.parameters, 0.5))
        made = Circuit("c").add("v1", VoltageSource(1.0), p="a", n="0").add(
            "x1", part, **{pin: "0" if k else "a" for k, pin in enumerate(part.pins)})
        written: list[str] = []
        engine = get("ngspice-osdi")

        def caught(job: Any) -> Any:
            written.append(engine.deck(job))  # type: ignore[attr-defined]
            raise InputError("enough")

        with pytest.MonkeyPatch.context() as patched, contextlib.suppress(InputError):
            patched.setattr(engine, "simulate", caught)
            engine.operating_point(made)
        return statements(written[0])

    found = accepted(deck)
    if found is not None:
        loads = [line for line in found if line.startswith("pre_osdi ")]
        assert len(found) == 12 and len(loads) == 1 and re.fullmatch(r"pre_osdi [\w/.\-]+\.osdi", loads[0]), found


def refused(path: Path, words: str, seconds: float) -> None:
    began = time.monotonic()
    with pytest.raises(SpicememError, match=words):
        from_verilog_a(path)
    assert time.monotonic() - began < seconds


@pytest.mark.parametrize(("source", "words"), [
    (HEAD + f"analog I(p, n) <+ {'(' * 5000}V(p, n){')' * 5000};\nendmodule\n", "nested too deeply"),
    (HEAD + f"analog {'begin ' * 5000}I(p, n) <+ V(p, n);{' end' * 5000}\nendmodule\n", "nested too deeply"),
    (HEAD + f"analog I(p, n) <+ {'+'.join(['V(p, n)'] * 20000)};\nendmodule\n", "nested too deeply"),
    (HEAD + "analog function real f; input x; real x; f = f(x); endfunction\n"
     "analog I(p, n) <+ f(V(p, n));\nendmodule\n", ""),
    ('`include "m.va"\n' + HEAD + BODY, "includes itself"),
    ('`include "nowhere.inc"\n' + HEAD + BODY, r"nowhere\.inc"),
    ('`include "/dev/zero"\n' + HEAD + BODY, "zero"),
    ('`include "../../../../../../../../../dev/zero"\n' + HEAD + BODY, "zero"),
    (HEAD + "/* " * 200_000 + BODY, "end of the file"),
    (HEAD + f"parameter real a = {'9' * 100_000} from (0:inf);\n" + BODY, ""),
    ("", "no module"), ("\0\1", "Verilog-A"), (HEAD + "\u202e" + BODY, "Verilog-A"),
])
def test_a_source_that_would_never_end_is_refused(source: str, words: str, tmp_path: Path, vacask: Any) -> None:
    path = tmp_path / "m.va"
    path.write_text(source)
    if words:
        refused(path, words, 10)
        return
    began = time.monotonic()
    with contextlib.suppress(SpicememError):  # the compiler may take it or not, and says which
        from_verilog_a(path)
    assert time.monotonic() - began < 10


def test_macros_and_includes_that_multiply_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spicemem.foreign.veriloga._PIECES", 100_000)
    bomb = "".join(f"`define a{i + 1} `a{i} `a{i}\n" if i else "`define a1 \n" for i in range(35))
    with pytest.raises(InputError, match="macros expanded"):
        lint_source(bomb + HEAD + "analog I(p, n) <+ `a35 V(p, n);\nendmodule\n")
    for i in range(30):
        (tmp_path / f"f{i}.va").write_text(f'`include "f{i + 1}.va"\n' * 2)
    (tmp_path / "f30.va").write_text("// a line\n" * 100)
    monkeypatch.setattr(osdi, "LARGEST", 100_000)
    with pytest.raises(InputError, match="with what it includes"):
        osdi.inlined(tmp_path / "f0.va")


def test_files_that_are_too_large_or_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.va"
    with path.open("wb") as sink:
        sink.truncate(50_000_000)
    os.mkfifo(tmp_path / "fifo")
    for file, words in ((path, "50,000,000 bytes"), (Path("/dev/zero"), "no such file"), (tmp_path, "no such file"),
                        (tmp_path / "fifo", "no such file"), (tmp_path / "none.va", "no such file")):
        refused(file, words, 2)
        if words == "no such file":
            with pytest.raises(InputError, match="SPICE library"):
                from_netlist(file)


def test_a_compilation_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vacask: Any) -> None:
    slow = tmp_path / "openvaf-r"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(slow.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(osdi, "tools", lambda: ("vacask", str(slow), "", "slow"))
    monkeypatch.setattr(osdi, "LONGEST", 0.5)
    began = time.monotonic()
    with pytest.raises(SimulationError, match=r"no end after 0\.5 s"):
        osdi.compile_module("slow", HEAD + BODY)
    assert time.monotonic() - began < 5


def test_a_search_for_jumps_that_never_ends_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spicemem.foreign.jumps.LONGEST", 0.2)
    loops = "".join(f"for (i{k} = 0; i{k} < 1000000; i{k} = i{k} + 1) " for k in range(4))
    found = lint_source(HEAD + "integer i0, i1, i2, i3; real x;\nanalog begin x = 0;\n" + loops + "x = x + 1;\n"
                        "if (V(p, n) > 0) I(p, n) <+ x*V(p, n);\nend\nendmodule\n")
    assert [f.code for f in found] == ["unchecked"] and "more than 0.2 s" in found[0].reason


def test_conditions_of_a_large_model_do_not_multiply() -> None:
    """As PSP has them: without reduction, sets of conditions double with each conditional."""
    rows = "".join(f"if (a > {k}) x = {k}; else y = {k};\n" for k in range(200))
    began = time.monotonic()
    lint_source(HEAD + "parameter real a = 1 from (0:inf);\nreal x, y;\nanalog begin\nif (a > 3) x = 1; else y = 1;\n"
                + rows + "I(p, n) <+ V(p, n);\nend\nendmodule\n")
    assert time.monotonic() - began < 5


def test_our_names_and_errors_do_not_carry_terminal_codes() -> None:
    with pytest.raises(InputError) as caught:
        generate.thing("\x1b[2Jeis")
    assert "\x1b" not in str(caught.value)
    with pytest.raises(ModelError):
        DEVICES["eis"].preset("\x1b[31m")

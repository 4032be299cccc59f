"""Does what is written for simulators that are not here run where its language is read, with the same waveforms?"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from spicemem import cli, portability
from spicemem.circuit import Circuit, Foreign, Resistor, VerilogA
from spicemem.circuits import CIRCUITS
from spicemem.devices import DEVICES
from spicemem.devices.transistor import TRANSISTORS
from spicemem.engines.osdi import tools
from spicemem.errors import CircuitError, InputError, RenderError, SimulationError
from spicemem.generate import thing
from spicemem.model import Bench, Model
from spicemem.portability import CHECKED, Check, check, compare, page
from spicemem.render import TARGETS, render, spectre
from spicemem.render.bundle import DECKS, bundle
from spicemem.render.dialect import HSPICE, LTSPICE, PSPICE, XYCE, Dialect
from spicemem.render.text import NOTICE
from spicemem.waveform import Waveform

ROOT = Path(__file__).resolve().parent.parent
EVERYTHING = (*DEVICES, *TRANSISTORS, *CIRCUITS)
#: A device that switches abruptly, with a name that LTspice keeps; one whose exp leaves the range of PSpice modes; two
#: cells with controlled sources.
SAMPLE = [*((name, target) for name in ("mott", "interfacerram", "modulated_gate") for target in CHECKED),
          ("differential_pair", "spectre")]
DIALECTS = {d.name: d for d in (HSPICE, LTSPICE, PSPICE, XYCE)}


@pytest.fixture(autouse=True)
def simulators(ngspice: Any, vacask: Any) -> None:
    """Both stand-ins, or none of these tests."""


@cache
def checked(name: str, target: str) -> Check:
    return check(thing(name), target)


# --- the waveforms ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "target"), SAMPLE)
def test_a_netlist_has_the_native_waveform_in_its_stand_in(name: str, target: str) -> None:
    found = checked(name, target)
    assert found.good, found


@pytest.mark.full
@pytest.mark.parametrize("target", CHECKED)
@pytest.mark.parametrize("name", EVERYTHING)
def test_every_netlist_has_the_native_waveform_in_its_stand_in(name: str, target: str) -> None:
    found = checked(name, target)
    assert found.good, found


def faulty(name: str, target: str, suffix: str, pattern: str, text: str) -> Check:
    """The check of a bundle whose files of a suffix have something else at their first place that matches."""
    item = thing(name)
    files = bundle(item, target)
    changed = {file: re.sub(pattern, text, old, count=1) if file.endswith(suffix) else old
               for file, old in files.items()}
    assert changed != files, "the fault is not planted"
    return check(item, target, changed)


@pytest.mark.parametrize(("target", "suffix", "pattern", "text"), [
    ("hspice", ".lib", r"(?m)^(\.subckt.*)rho_m=\S+", r"\1rho_m=0.000301"),  # a value, 0.3 % off
    ("ltspice", ".lib", r"\+ \(\{k_0\}\)", "+ (1.01*{k_0})"),  # a factor in an equation
    ("pspice", ".cir", r"2\.5 2\.5", "2.6 2.5"),  # the time of a point of the stimulus
    ("xyce", ".lib", r"I=\{v\(sm_a2\)", "I={1.01*v(sm_a2)"),
    ("spectre", ".scs", r"model mott_model mott\b", "model mott_model mott rho_m=0.00031"),
    ("spectre", ".va", r"rho_i = [^ ]+ from", "rho_i = 0.0101 from"),
])
def test_a_netlist_that_means_something_else_differs(target: str, suffix: str, pattern: str, text: str) -> None:
    found = faulty("mott", target, suffix, pattern, text)
    assert not found.good, found


@pytest.mark.parametrize(("target", "suffix", "pattern", "text"), [
    ("hspice", ".lib", r"tanh\(", "tanhh("),
    ("ltspice", ".lib", r" if\(|\(if\(", " iif("),
    ("pspice", ".lib", r"(?m)^\.ends mott", ""),
    ("xyce", ".cir", r"Xdut p 0 0 mott", "Xdut p 0 mott"),
    ("spectre", ".scs", r"model mott_model mott", "model mott_model mott rho_x=1"),
    ("pspice", ".cir", r"(?m)^\.OPTIONS", ".OPTION"),  # a bench without the lines that the check replaces
])
def test_a_netlist_that_does_not_parse_is_refused(target: str, suffix: str, pattern: str, text: str) -> None:
    with pytest.raises(SimulationError):
        faulty("mott", target, suffix, pattern, text)


def test_a_warning_of_a_parser_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match="expected no warning"):
        portability._refuse_warnings(("Warning: ignored",), tmp_path, "xyce")
    portability._refuse_warnings((), tmp_path, "xyce")


def test_how_waveforms_are_compared() -> None:
    t = np.linspace(0, 1, 20001)
    edge = {"time": t, "x": 5 + np.tanh((t - 0.5) / 1e-5), "still": np.full(20001, 2.0)}

    def moved(by: float, **changes: Any) -> dict[str, Any]:
        return {**edge, "x": 5 + np.tanh((t - 0.5 - by) / 1e-5), **changes}

    assert compare(edge, moved(0)) == (0, 0)
    plain, shifted = compare(edge, moved(0.5e-4))
    assert plain > 0.4 and shifted < 1e-12  # later by less than a ten thousandth of the run
    assert min(compare(edge, moved(3e-4))) > 0.9
    assert compare(edge, moved(0, x=edge["x"] * 1.001))[1] == pytest.approx(6e-3 / 2, rel=1e-3)  # of the span, 2
    assert compare(edge, moved(0, still=edge["still"] * 1.01))[0] == pytest.approx(0.01)  # a constant: of its value
    assert compare(edge, moved(0, still=edge["still"] * (1 + 1e-15)))[0] < 1e-12


def test_only_targets_with_a_stand_in_are_checked() -> None:
    with pytest.raises(InputError, match="one that has a stand-in"):
        check(thing("eis"), "verilog-a")
    assert set(CHECKED) == set(TARGETS) - {"ngspice", "ngspice-osdi", "vacask", "verilog-a", "numpy"}


# --- the words of each dialect ----------------------------------------------------------------------------------------

#: What may not stand in a library of a dialect, outside comments; reference: the tables of functions of their manuals.
NEVER = r"\*\*|\^|\b(pow|pwr|pwrs|limit|stp|idt|sdt|table|atan2|ddt|u)\("
FORBIDDEN = {
    "hspice": rf"{NEVER}|\bln\(|\bif\(|[{{}}]|PARAMS:|(?m)^B",
    "ltspice": rf"{NEVER}|\?|\blog\(|'|PARAMS:|VALUE=",
    "pspice": rf"{NEVER}|\?|\bln\(|'|\{{[^}}]*\{{|(?m)^B",
    "xyce": rf"{NEVER}|\blog\(|\b(?i:if)\(|'|\{{[^}}]*\{{|PARAMS:|VALUE=",
}


def words(dialect: str, text: str) -> list[str]:
    """What a library says that its dialect does not have."""
    body = re.sub(r"(?m)^\*.*$", "", text)
    body = re.sub(r" \\\\\n|\n\+", " ", body)
    pattern = FORBIDDEN[dialect].replace("(?m)", "")
    found = [match[0] for match in re.finditer(pattern, body, re.MULTILINE)]
    for subcircuit in re.finditer(r"(?m)^\.subckt \S+ (.*)$", body):
        found += [f"{key}=" for key in re.findall(r"(\w+)=", subcircuit[1])
                  if key.lower() in DIALECTS[dialect].reserved]
    found += [f".param {key}" for key in re.findall(r"(?m)^\.param (\w+)=", body)
              if key.lower() in DIALECTS[dialect].reserved]
    return found + [line[:40] for line in text.splitlines() if not line.startswith("*") and len(line) > 130]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_library_has_only_words_of_its_dialect(dialect: str) -> None:
    assert not {name: found for name in EVERYTHING if (found := words(dialect, render(thing(name), dialect)))}


@pytest.mark.parametrize(("dialect", "line"), [
    ("hspice", ".param a='ln(2.0)'"), ("hspice", "Bx x 0 V=1"), ("hspice", ".param a={1}"),
    ("hspice", ".param temper='1'"),
    ("ltspice", "Bx x 0 V=(v(a) > 0 ? 1 : 0)"), ("ltspice", ".param k={1.0}"), ("ltspice", ".subckt a b k=1"),
    ("pspice", "Bx x 0 V=1"), ("pspice", "Ex x 0 VALUE={ln(v(a))}"), ("pspice", "Ex x 0 VALUE={1 + {a}}"),
    ("xyce", "Bx x 0 V={log(v(a))}"), ("xyce", "Bx x 0 V={if(v(a) > 0, 1, 0)}"), ("xyce", "Bx x 0 V={v(a)**2}"),
    ("xyce", ".subckt a b c\n+ vt=1"), ("ltspice", "Bx x 0 V=" + "1+" * 80 + "1"),
])
def test_a_word_of_another_dialect_is_found(dialect: str, line: str) -> None:
    text = f"* a comment may say if( or ** or ln(\n{line}\n"
    assert words(dialect, text) and not words(dialect, text.partition("\n")[0] + "\n")


def test_a_reserved_parameter_gets_another_name_everywhere() -> None:
    text = render(thing("mott"), "ltspice")
    assert ".param k_0={" in text and "{k_0}" in text and "{k}" not in text
    text = render(thing("dendritic"), "ltspice")
    assert re.search(r"(?m)^\* +k_0 = ", text) and re.search(r"\bk_0=", text)
    cell = Circuit("holder", ("a",)).add("one", DEVICES["dendritic"](k=2.0), p="a", n="0")
    assert re.search(r"Xone a 0.* dendritic k_0=2.0", render(cell, "ltspice"))
    assert " k=2.0" in render(cell, "xyce") and "PARAMS: k=2.0" in render(cell, "pspice")
    odd = Dialect("odd", reserved=frozenset({"k", "k_1"}))
    assert odd.names(["a", "K", "k_0"]) == {"a": "a", "K": "K_2", "k_0": "k_0"}


def test_long_lines_are_continued_as_each_dialect_does() -> None:
    text = re.sub(r"(?m)^\*.*\n", "", render(thing("mott"), "hspice"))
    for row, following in pairwise(text.splitlines()):
        assert not (row.endswith("\\") and following.startswith("+"))
    joined = re.sub(r" \\\\\n|\n\+", " ", text)
    assert " \\\\\n" in text and "\n+" in text
    assert all(line.count("'") % 2 == 0 for line in joined.splitlines())


def test_a_part_of_another_library_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.lib").write_text(".model nm nmos level=1\n")
    cell = Circuit("foundry", ("d", "g")).add("m0", Foreign("nm", tmp_path / "m.lib"), d="d", g="g", s="0", b="0")
    assert "Mm0 d g 0 0 nm" in render(cell, "ngspice")
    module = Circuit("theirs", ("d",)).add("m0", VerilogA("compiled", tmp_path / "m.osdi", ("p", "n")), p="d", n="0")
    for target in CHECKED:
        for foreign in (cell, module):
            with pytest.raises(RenderError):
                render(foreign, target)


# --- Spectre and LTspice ----------------------------------------------------------------------------------------------


def section_values(text: str, name: str) -> dict[str, float]:
    """What a section of a Spectre library sets."""
    inside = re.search(rf"(?ms)^section {name}$(.*?)^endsection {name}$", text)
    assert inside, f"no section {name}"
    return {key: float(value) for key, value in re.findall(r"(\w+)=([-+.\de]+)", inside[1].replace("\n+", " "))}


@pytest.mark.parametrize("name", DEVICES)
def test_a_spectre_library_has_a_section_for_each_preset_and_corner(name: str) -> None:
    kind = DEVICES[name]
    text, found = render(kind, "spectre"), spectre.sections(kind())
    assert set(found) >= {"typical", *kind.presets} | ({"low", "high"} if kind.spread else set())
    for section, device in found.items():
        default = {key: p.default for key, p in kind.definition.params.items()}
        assert {**default, **section_values(text, section)} == dict(device.values)
    for parameter in kind.spread:
        low, mid, high = (found[s].values[parameter] for s in ("low", "typical", "high"))
        limits = kind.definition.params[parameter]
        assert min(low, high) < mid < max(low, high) and limits.low <= min(low, high) <= max(low, high) <= limits.high


def test_a_bundle_of_a_preset_keeps_the_other_sections() -> None:
    """The module beside the library has the values of the definition, whatever the device has."""
    files = bundle(thing("mott:vo2_yi"), "spectre")
    assert section_values(files["mott.scs"], "typical") == section_values(files["mott.scs"], "vo2_yi") != {}
    assert files["mott.va"] == bundle(thing("mott"), "spectre")["mott.va"]
    assert check(thing("mott:vo2_yi"), "spectre", files).good
    wrong = {**files, "mott.scs": files["mott.scs"].replace("section typical", "section other")}
    with pytest.raises(SimulationError, match="no section typical"):
        check(thing("mott:vo2_yi"), "spectre", wrong)


def misplaced(symbol: str, library: str) -> list[str]:
    """What makes a symbol no picture of its subcircuit: pins in another order, off the grid, on each other."""
    name = re.search(r"(?m)^SYMATTR Value (\w+)$", symbol)
    assert name
    head = re.search(rf"(?m)^\.subckt {name[1]} (.*(?:\n\+.*)*)", library)
    if not head or f"SYMATTR ModelFile {name[1]}.lib\n" not in symbol:
        return ["library"]
    pins = [word for word in head[1].replace("\n+", " ").split() if "=" not in word]
    found = re.findall(r"PIN (-?\d+) (-?\d+) \w+ \d+\nPINATTR PinName (\w+)\nPINATTR SpiceOrder (\d+)\n", symbol)
    bad = [] if [pin for *_, pin, order in sorted(found, key=lambda row: int(row[3]))] == pins else ["order"]
    places = [(int(x), int(y)) for x, y, *_ in found]
    bad += ["grid"] * any(c % 16 for place in places for c in place)
    return bad + ["twice"] * (len(set(places)) < len(places))


def test_a_symbol_has_the_pins_of_its_subcircuit() -> None:
    for name in EVERYTHING:
        files = bundle(thing(name), "ltspice")
        assert misplaced(files[f"{name}.asy"], files[f"{name}.lib"]) == [], name
    files = bundle(thing("divider_gate"), "ltspice")
    symbol, library = files["divider_gate.asy"], files["divider_gate.lib"]
    assert misplaced(symbol.replace("SpiceOrder 1\n", "SpiceOrder 9\n"), library) == ["order"]
    assert misplaced(re.sub(r"PIN (-?\d+)", r"PIN \g<1>1", symbol, count=1), library) == ["grid"]
    assert misplaced(symbol.replace(".lib", ".sub"), library) == ["library"]


# --- folders that run as they are -------------------------------------------------------------------------------------


def commands(files: dict[str, str]) -> list[list[str]]:
    return [line.split() for line in files["README.md"].splitlines() if line.startswith("    ")]


@pytest.mark.parametrize("target", ["ngspice", "ngspice-osdi", "vacask"])
def test_a_native_bundle_runs_as_its_readme_says(target: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(cli.app, ["netlist", "modulated_gate", "-t", target, "--bundle", str(tmp_path / "new")])
    assert result.exit_code == 0 and result.stdout.strip() == str(tmp_path / "new" / "README.md")
    folder, found = tmp_path / "new", tools()
    assert found is not None
    programs = {"vacask": found[0], "openvaf-r": found[1]}
    files = {path.name: path.read_text() for path in folder.iterdir()}
    for program, *arguments in commands(files):
        run = subprocess.run([programs.get(program) or shutil.which(program) or program, *arguments], cwd=folder,
                             capture_output=True, text=True, timeout=60)
        log = run.stdout + run.stderr
        assert run.returncode == 0 and "warning" not in log.lower() and "error" not in log.lower(), log
    assert [path for path in folder.iterdir() if path.suffix in (".svg", ".raw") and path.stat().st_size > 2_000]


@pytest.mark.parametrize("target", [*CHECKED, "ngspice", "ngspice-osdi", "vacask"])
def test_a_bundle_is_complete(target: str) -> None:
    for name in ("divider_gate", *(("eis",) if TARGETS[target].device else ())):
        files = bundle(thing(name, {"r": "1meg"} if name == "divider_gate" else {"g_init": "500n"}), target)
        text = "\n".join(files.values())
        for word in re.findall(r'(?m)^(?:\.include|include|ahdl_include) "?([\w.]+)"?', text):
            assert word in files, word
        named = [word.partition(".")[0] for command in commands(files) for word in command[1:] if "." in word]
        assert commands(files) and all(any(file.startswith(word) for file in files) for word in named)
        assert ("Nobody has run" in files["README.md"]) == (target in CHECKED)
        assert "1000000.0" in text if name == "divider_gate" else "5e-07" in text
        assert all(NOTICE in content for content in (v for k, v in files.items() if not k.endswith(".asy")))
    assert set(DECKS) <= set(CHECKED)


@pytest.mark.parametrize(("arguments", "words_"), [
    (["eis", "-t", "verilog-a", "--bundle", "new"], "a simulator"),
    (["eis", "-t", "vacask", "--bundle", "new"], "a circuit"),
    (["eis", "-t", "ltspice", "--bundle", "new", "-o", "eis.lib"], "one of them"),
    (["eis", "-t", "ltspice", "--bundle", "/dev/null/new"], "can be made"),
])
def test_bundles_that_cannot_be(arguments: list[str], words_: str, tmp_path: Path,
                                monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli.app, ["netlist", *arguments])
    assert result.exit_code == 1 and words_ in result.stderr and not list(tmp_path.iterdir())


EVIL = st.text("ab_1 \n\r\t.*;$`+{}()'\"\\=#/:\x0b\x85\u2028", max_size=14) | st.sampled_from(
    ["x\n.control\nshell rm x\n.endc", "\\", "\\\\", ".include x", "simulator lang=spice", "*/", "a \\", "`include"])
COMMAND = re.compile(r"\s*(\.|\+|include|ahdl_include|simulator|library|section|model|subckt)\b", re.IGNORECASE)


def code(name: str, title: str) -> dict[str, list[str]] | None:
    """The lines of every bundle of a small cell that are no comments, or None where its words are refused."""
    try:
        cell = Circuit("cell", (name,), title=title, bench=Bench({name: Waveform.constant(1.0)}, 1e-3, 1e-5,
                                                                 (f"v({name})",), "bench", "voltage [V]"))
        cell.add("r", Resistor(1e3), p=name, n="0")
    except CircuitError:
        return None
    found = {}
    for target in (*CHECKED, "ngspice", "vacask"):
        for file, text in bundle(cell, target).items():
            if file.endswith((".asy", ".md")):
                continue
            assert all(c.isprintable() for line in text.split("\n") for c in line)
            # A comment whose end continues it may take the comment after it along, never a line of the netlist.
            lines = text.split("\n")
            assert not any(a.startswith(("*", "//")) and a.endswith("\\") and not b.startswith(("*", "//"))
                           for a, b in pairwise(lines))
            found[f"{target}/{file}"] = [line for line in lines if not line.startswith(("*", "//"))]
    return found


PLAIN = code("port", "title")


@given(EVIL)
def test_no_accepted_title_reaches_the_code_of_a_bundle(title: str) -> None:
    assert code("port", title) in (None, PLAIN)


@given(EVIL)
def test_no_accepted_name_breaks_out_of_a_bundle(name: str) -> None:
    found = code(name, "title")
    if found is not None:
        assert re.fullmatch(r"\w+", name) and PLAIN is not None
        assert {k: len(v) for k, v in found.items()} == {k: len(v) for k, v in PLAIN.items()}


def test_a_check_of_titles_that_lets_lines_pass_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spicemem.circuit.check_text", lambda text, what, error: text)
    with pytest.raises(AssertionError):
        assert code("port", "x\n.control") in (None, PLAIN)


# --- the page ---------------------------------------------------------------------------------------------------------


def outdated(text: str) -> list[str]:
    """What the page of results does not say, or says is wrong."""
    cells = rf"(\| [\d.e-]+(?: %)?(?: \([et]+\))? ){{{len(CHECKED)}}}\|$"
    missing = [name for name in EVERYTHING if not re.search(rf"(?m)^\| `{name}` {cells}", text)]
    missing += [target for target in CHECKED if not re.search(rf"(?m)^\| `{target}` \| \S+ [\d.]+", text)]
    return missing + re.findall(r"not run|\*\*differs\*\*", text) + ["plainly"] * ("**Nobody has run" not in text)


def test_the_page_is_complete() -> None:
    text = (ROOT / "docs/portability.md").read_text()
    assert not outdated(text)
    assert outdated(text.replace("| `eis` |", "| `eiss` |")) == ["eis"]
    assert outdated(text.replace("`pspice` | ngspice 46", "`pspice` | ")) == ["pspice"]
    assert outdated(text.replace("**Nobody", "Somebody")) == ["plainly"]


def test_the_page_says_what_is_wrong() -> None:
    good = Check("eis", "xyce", "ngspice 46", 1e-5, 1e-6)
    rows = page([good, replace(good, target="hspice", deviation=0.5), replace(good, target="pspice", respelt="exp"),
                 replace(good, target="ltspice", deviation=0.5, shifted=0.4)])
    assert "| `eis` | 0.0001 % (t) | 4e+01 % (t) **differs** | 0.001 % (e) | 0.001 % | not run |" in rows


def test_the_command_checks_what_it_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    result = CliRunner().invoke(cli.app, ["portability", "eis", "-t", "xyce", "-o", str(tmp_path / "page.md")])
    assert result.exit_code == 0 and "eis xyce:" in result.stdout and "| `eis` |" in (tmp_path / "page.md").read_text()
    bad = Check("eis", "xyce", "ngspice 46", 0.5, 0.4)
    monkeypatch.setattr(portability, "check", lambda item, target: bad)
    result = CliRunner().invoke(cli.app, ["portability", "eis", "-t", "xyce"])
    assert result.exit_code == 1 and "DIFFERS" in result.stdout and "eis for xyce" in result.stderr

    def failing(item: Model | Circuit, target: str) -> Check:
        if target == "xyce":
            raise SimulationError("xyce run", found="an end at 0 s")
        return replace(bad, target=target, shifted=0.0)

    monkeypatch.setattr(portability, "check", failing)
    result = CliRunner().invoke(cli.app, ["portability", "eis", "-t", "xyce", "-t", "hspice", "-o",
                                          str(tmp_path / "page.md")])
    assert result.exit_code == 1 and "an end at 0 s" in result.stdout and "eis for xyce" in result.stderr
    assert "| `eis` | 0 (t) | not run |" in (tmp_path / "page.md").read_text()


def test_every_device_of_the_lists_has_a_bundle_in_every_checked_target() -> None:
    for name in EVERYTHING:
        item: Model | Circuit = thing(name)
        assert all(bundle(item, target) for target in CHECKED)


# --- the documentation ------------------------------------------------------------------------------------------------


def test_the_examples_of_the_documentation_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                               capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "docs/export.md").read_text()
    monkeypatch.chdir(tmp_path)
    ran = 0
    for block in re.findall(r"(?s)```sh\n(.*?)```", text):
        for line in block.splitlines():
            result = CliRunner().invoke(cli.app, line.partition("#")[0].split()[1:])
            assert result.exit_code == 0, result.output
            ran += 1
    assert ran == 4 and {p.name for p in tmp_path.iterdir()} == {"mott.lib", "divider", "cell"}
    for block in re.findall(r"(?s)```python\n(.*?)```", text):
        exec(compile(block, "docs/export.md", "exec"), {})
    assert "divider_gate_bench.scs" in capsys.readouterr().out
    section = re.search(r'include "mott.scs" section=(\w+)\nx1 \(a 0 0\) (\w+)', text)
    assert section and section[1] in spectre.sections(thing("mott")) and section[2] == spectre.model_name(thing("mott"))
    assert all(f"| `{name}` |" in text for name in TARGETS if name not in ("verilog-a", "numpy"))

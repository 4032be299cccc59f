"""The pytest plugin: a golden is made, compared, updated on request, never in CI; and it costs nothing to have it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from spicemem.regress.compare import Tolerance, compare
from spicemem.regress.golden import make
from spicemem.regress.report import Case, write_report

pytest_plugins = ["pytester"]

TEST = """
import numpy as np
from spicemem.regress.compare import Invariant, Tolerance

T = np.linspace(0, 1e-6, 101)

def wave(scale):
    return {{"time": T, "v(out)": scale * np.sin(7e6 * T), "x": T}}

def test_one(waveform_regression):
    waveform_regression.check(wave({scale}), units={{"v(out)": "V"}}, tolerances=Tolerance(relative=0.01))

def test_two(waveform_regression):
    waveform_regression.check(wave(1), "other/one", invariants=[Invariant("change", ("x",), relative=0.01)])
"""


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """All that a check imports: pytester forgets what its runs import, and matplotlib does not stand that."""
    w = {"time": [0.0, 1.0, 2.0], "x": [0.0, 1.0, 0.0]}
    found = compare(w, {**w, "x": [0.0, 0.9, 0.0]}, Tolerance(relative=0.01))
    make(found.golden, {"x": Tolerance(relative=0.01)})
    write_report([Case("x", "", found)], tmp_path_factory.mktemp("page") / "page.html")


@pytest.fixture
def project(imported, pytester, monkeypatch):
    """A folder with a test file; runs pytest in it as anybody would, with the installed plugin."""
    pytester.makeini("[pytest]")

    def run(*words, scale=1.0, test=TEST, ci=""):
        monkeypatch.setenv("CI", ci)
        pytester.makepyfile(test_waves=test.format(scale=scale))
        done = pytester.runpytest_inprocess("-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", *words)
        return done.ret, done.stdout.str() + done.stderr.str()

    run.folder = pytester.path
    run.goldens = pytester.path / "goldens" / "test_waves"
    return run


def test_a_golden_is_made_compared_and_updated(project):
    status, text = project()
    assert status == 1 and "no golden" in text and "--waveforms-update" in text
    assert "'test_waves.py::test_one' --waveforms-update" in text and not project.goldens.exists()

    status, text = project("--waveforms-update")
    assert status == 0 and "goldens written: review them" in text and "new: " in text
    assert sorted(p.name for p in project.goldens.iterdir()) == ["other-one.golden.csv", "test_one.golden.csv"]
    assert project()[0] == 0

    status, text = project(scale=1.2)
    assert status == 1 and "waveforms differ from the golden" in text and "It is 1.2 times the golden" in text
    page = re.search(r"page of differences: (\S+\.html)", text)
    assert page and "<svg" in Path(page[1]).read_text()
    assert "Traceback" not in text and "plugin.py" not in text

    before = (project.goldens / "other-one.golden.csv").stat().st_mtime_ns
    status, text = project("--waveforms-update", scale=1.2)
    assert status == 0 and "v(out): changed by 10.0" in text and "other-one" not in text
    assert (project.goldens / "other-one.golden.csv").stat().st_mtime_ns == before
    assert project(scale=1.2)[0] == 0

    status, text = project("--waveforms-report", "pages", scale=0.7)
    assert status == 1 and [p.suffix for p in (project.folder / "pages").iterdir()] == [".html"]


def test_nothing_is_written_in_ci(project):
    status, text = project("--waveforms-update", ci="true")
    assert status == 4 and "not written in CI" in text and not project.goldens.exists()


def test_several_processes(project):
    """The list of what was written comes from the workers."""
    status, text = project("-n", "2", "--waveforms-update")
    assert status == 0 and text.count("new: ") == 2


def test_questions_that_a_test_may_not_ask(project):
    wrong = """
from spicemem.regress.compare import Tolerance
W = {{"time": [0.0, 1.0, 2.0], "x": [0.0, 1.0, 0.0], "flat": [1.0, 1.0, 1.0]}}

def test_flat(waveform_regression):
    waveform_regression.check(W)

def test_twice(waveform_regression):
    waveform_regression.check({{"time": W["time"], "x": W["x"]}})
    waveform_regression.check({{"time": W["time"], "x": W["x"]}})

def test_nothing(waveform_regression):
    waveform_regression.check({{"x": W["x"]}})

def test_more(waveform_regression):
    waveform_regression.check({{k: v for k, v in W.items() if k != "{scale}"}}, "more",
                              tolerances=Tolerance(absolute=0.1))
"""
    status, text = project("--waveforms-update", test=wrong, scale="flat")
    assert status == 1 and "absolute tolerance" in text and "compared twice in one test" in text
    assert 'a mapping of "time" and signals' in text and "Traceback" not in text
    status, text = project("-k", "more", test=wrong, scale="none")
    assert status == 1 and "has no signal flat" in text
    path = project.goldens / "more.golden.csv"
    path.write_text(path.read_text().replace("golden 1", "golden 7"))
    status, text = project("-k", "more", test=wrong, scale="none")
    assert status == 1 and "version '7' of the format" in text


def test_the_plugin_is_light(project):
    """Loading it imports nothing heavy: what pytest imports without a test is the same."""
    code = ("import sys, pytest\n"
            "class Look:\n"
            "    def pytest_sessionfinish(self):\n"
            "        print('HEAVY', sorted({m.split('.')[0] for m in sys.modules} & {'numpy', 'scipy', 'matplotlib',\n"
            "              'jinja2', 'pandas', 'pint', 'spicelib'}), 'spicemem.regress.plugin' in sys.modules)\n"
            "pytest.main(['-q', '-p', 'no:cacheprovider', '-p', 'no:hypothesispytest', '--collect-only', 'none.py'],\n"
            "            plugins=[Look()])\n")
    (project.folder / "none.py").write_text("")
    done = subprocess.run([sys.executable, "-c", code], cwd=project.folder, capture_output=True, text=True, timeout=60)
    assert "HEAVY [] True" in done.stdout, done.stdout


def test_a_run_of_this_package(waveform_regression, require):
    """The fixture, used as a project would: a cell on an engine, with its golden in the repository."""
    from spicemem.generate import thing
    from spicemem.regress.compare import Invariant, Tolerance
    from spicemem.render.bench import bench_circuit

    result = require("vacask").run(bench_circuit(thing("divider_gate")), 0.25, max_step=2e-4)
    waveform_regression.check(result, "divider_gate", tolerances={"syn.g": Tolerance(relative=0.01)},
                              invariants=[Invariant("change", ("syn.g",), relative=1e-3)])

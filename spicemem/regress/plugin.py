"""The pytest plugin: the fixture `waveform_regression`, on by installation. Nothing heavy is imported at its start."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from spicemem.regress import in_ci

if TYPE_CHECKING:
    from spicemem.regress.compare import Comparison, Given, Invariant, Tolerance

_KEY = "spicemem waveforms"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("spicemem", "waveforms against goldens")
    group.addoption("--waveforms-update", action="store_true", default=False,
                    help="Write the goldens that are missing or that a run differs from, and list what changed.")
    group.addoption("--waveforms-report", metavar="DIR", default=None,
                    help="Folder of the pages of differences. Default: pytest's temporary folder.")
    parser.addini("waveforms_folder", "Folder of the goldens, from the folder of each test file.", default="goldens")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--waveforms-update") and in_ci():
        raise pytest.UsageError("--waveforms-update: goldens are not written in CI (the variable CI is set): "
                                "update them where you can review them")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    # Properties of reports reach the terminal from the processes of pytest-xdist too.
    lines = [text for reports in terminalreporter.stats.values() for report in reports
             if getattr(report, "when", None) == "call"
             for key, text in getattr(report, "user_properties", ()) if key == _KEY]
    if lines:
        terminalreporter.section("goldens written: review them (git diff)")
        for text in lines:
            terminalreporter.write_line(text)


class WaveformRegression:
    """Compares what a test ran with its stored golden; made by the fixture `waveform_regression`."""

    def __init__(self, request: pytest.FixtureRequest, temporary: Path):
        self._node = request.node
        self._folder = Path(request.path).parent / str(request.config.getini("waveforms_folder")) / Path(
            request.path).stem
        self._update = bool(request.config.getoption("--waveforms-update"))
        chosen = request.config.getoption("--waveforms-report")
        self._reports = Path(chosen) if chosen else temporary
        self._names: set[str] = set()

    def check(self, found: Given, name: str | None = None, *,
              tolerances: Tolerance | Mapping[str, Tolerance] | None = None, invariants: Sequence[Invariant] = (),
              units: Mapping[str, str] | None = None) -> Comparison:
        """Compare with the golden NAME.golden.csv in goldens/TEST_FILE/ beside the test file; fail where they differ.

        found: a Result, Waveforms, or a mapping of "time" and signals to numbers (units: by name). name: of the golden,
        default the test's. tolerances: one for all signals or by name (those alone are compared then), default 1e-3 of
        each span; a golden keeps those that it was made with, and a test that gives others asks those.
        A page of differences is written on failure. With --waveforms-update a golden that is missing or that differs is
        written, unless the variable CI is set.
        """
        __tracebackhide__ = True
        from spicemem.errors import InputError, SpicememError
        from spicemem.regress import golden
        from spicemem.regress.compare import Tolerance, compare
        from spicemem.regress.report import Case, write_report
        from spicemem.regress.waveforms import Waveforms

        stem = re.sub(r"[^A-Za-z0-9_.+-]+", "-", name or self._node.name).strip("-")
        if stem in self._names:
            pytest.fail(f"golden {stem}: compared twice in one test: give each its name=", pytrace=False)
        self._names.add(stem)
        path = self._folder / f"{stem}{golden.SUFFIX}"
        run = f"pytest {self._node.nodeid!r} --waveforms-update"
        try:
            waves = Waveforms.of(found, units)
            asked = tolerances if tolerances is not None else Tolerance(relative=1e-3)
            wanted = dict.fromkeys(waves.signals, asked) if isinstance(asked, Tolerance) else dict(asked)
            if not path.exists():
                if not self._update:
                    pytest.fail(f"no golden {path}. If this run is right, make it: {run}", pytrace=False)
                self._write(path, None, golden.make(waves, wanted, invariants))
                return compare(waves, waves, wanted)
            old = golden.read(path)
            kept = {str(i): i for i in old.invariants}
            if tolerances is None:
                wanted = dict(old.tolerances)
            comparison = compare(old.waves, waves, {n: t for n, t in wanted.items() if n in old.waves.signals},
                                 invariants=[_with_value(i, kept) for i in invariants or old.invariants])
            fresh = [n for n in wanted if n not in old.waves.signals]
            if self._update and (fresh or not comparison.passed):
                self._write(path, old, golden.make(waves, wanted, invariants or old.invariants))
                return comparison
        except InputError as error:
            pytest.fail(str(error), pytrace=False)
        except SpicememError as error:
            pytest.fail(f"golden {stem}: {error}", pytrace=False)
        if fresh:
            pytest.fail(f"golden {path} has no signal {', '.join(fresh)}. If this run is right, make it anew: {run}",
                        pytrace=False)
        if not comparison.passed:
            page = self._reports / (re.sub(r"[^A-Za-z0-9_.+-]+", "-", f"{self._node.nodeid}-{stem}") + ".html")
            page.parent.mkdir(parents=True, exist_ok=True)
            write_report([Case(stem, f"{self._node.nodeid} against {path}", comparison)], page)
            pytest.fail(f"waveforms differ from the golden {path}:\n{comparison.report()}\n"
                        f"page of differences: {page}\nIf the new ones are right: {run}", pytrace=False)
        return comparison

    def _write(self, path: Path, old: Any, new: Any) -> None:
        from spicemem.regress import golden

        path.parent.mkdir(parents=True, exist_ok=True)
        golden.write(new, path)
        self._node.user_properties.append(
            (_KEY, "\n  ".join([f"{path} ({self._node.nodeid})", *golden.review(old, new)])))


def _with_value(invariant: Invariant, kept: Mapping[str, Invariant]) -> Invariant:
    """The invariant with the number that the golden's whole run had."""
    from dataclasses import replace

    stored = kept.get(str(invariant))
    return invariant if stored is None else replace(invariant, value=stored.value)


@pytest.fixture
def waveform_regression(request: pytest.FixtureRequest,
                        tmp_path_factory: pytest.TempPathFactory) -> Iterator[WaveformRegression]:
    """Compare waveforms with stored goldens: `waveform_regression.check(result, tolerances=...)`."""
    yield WaveformRegression(request, tmp_path_factory.getbasetemp() / "waveforms")

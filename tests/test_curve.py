"""Learning curves: files read back exactly, bad input refused with the right words, comparisons that catch faults."""

from __future__ import annotations

import contextlib
import errno
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spicemem import curve as module
from spicemem.curve import Column, Curve, Lobes, Published, plot_curves, plot_grid, save_figure
from spicemem.errors import CurveError, InputError

DELAYS = np.linspace(-0.1, 0.1, 41)


def antisymmetric(x: Any, a: float = 5e-9, b: float = -4e-9, tau_a: float = 20e-3, tau_b: float = 30e-3) -> Any:
    return np.where(x > 0, a * np.exp(-np.abs(x) / tau_a), np.where(x < 0, b * np.exp(-np.abs(x) / tau_b), 0.0))


def curve(y: Any = None, x: Any = DELAYS, name: str = "stdp-antisymmetric", **more: Any) -> Curve:
    labels = {"x_label": "delay", "x_unit": "s", "y_label": "dG", "y_unit": "S"}
    return Curve(x, antisymmetric(np.asarray(x)) if y is None else y, **{**labels, "name": name, **more})


def full_curve() -> Curve:
    y = antisymmetric(DELAYS)
    y[3] = np.nan
    return curve(y, columns={"g_before": Column(np.full(41, 1e-6), "S", "conductance before")},
                 provenance={"engine": "ngspice 45\nKLU", "path": "a\\n#b", "protocol.amplitude": "0.1 V", "empty": ""},
                 published=(Published("measured", "Huang 2025, Fig. 4a", x=(0.01, -0.01), y=(3e-9, -2e-9)),
                            Published("width", "Sec. 2.6", low=-0.05, high=0.05, axis="x")))


# --- the data ---------------------------------------------------------------------------------------------------------


def test_a_curve_is_a_read_only_copy():
    x = DELAYS.copy()
    c = curve(x=x)
    x[0] = 7.0
    assert c.x[0] == -0.1 and len(c) == 41
    with pytest.raises(ValueError, match="read-only"):
        c.y[0] = 1.0
    with pytest.raises(FrozenInstanceError):
        c.name = "other"  # type: ignore[misc]


def test_equality_and_pickling():
    c = full_curve()
    assert c == full_curve() == pickle.loads(pickle.dumps(c))
    assert c != replace(c, y=c.y * (1 + 1e-15)) and c != replace(c, y_unit="A") and c != "curve"
    fit = curve().fit("exponential-stdp")
    assert np.array_equal(pickle.loads(pickle.dumps(fit))(DELAYS), fit(DELAYS), equal_nan=True)


@pytest.mark.parametrize(("change", "words"), [
    ({"y": np.zeros(40)}, "y: found 40 values, expected 41"),
    ({"x": np.zeros((41, 1))}, "x: found 2-D array"),
    ({"x": []}, "no points"),
    ({"x": np.full(41, np.nan)}, "x: found nan in row 0"),
    ({"y": np.full(41, np.inf)}, "y: found infinity in row 0.*nan in y for a point that failed"),
    ({"y": ["a"] * 41}, "y: found 1-D array of"),
    ({"y": np.full(41, 1j)}, "complex128, expected a 1-D array of real numbers"),
    ({"name": "../etc"}, "name of a curve: found '../etc'"),
    ({"name": ""}, "name of a curve"),
    ({"x_unit": ""}, "found ''.*1 for a pure number"),
    ({"y_label": "dG [S]"}, "without brackets"),
    ({"y_label": "delay"}, "expected different names"),
    ({"y_unit": "S\nx"}, "one line of text"),
    ({"columns": {"g": Column(np.zeros(3), "S")}}, "column g: found 3 values, expected 41"),
    ({"columns": {"dG": Column(np.zeros(41), "S")}}, "expected different names"),
    ({"columns": {"a,b": Column(np.zeros(41), "S")}}, "commas"),
    ({"provenance": {"name": "x"}}, "provenance key: found 'name'"),
    ({"provenance": {"a:b": "x"}}, "without colon"),
    ({"provenance": {"log": "\ud800"}}, "provenance log.*UTF-8"),
])
def test_bad_curves_are_refused(change: dict[str, Any], words: str):
    with pytest.raises(CurveError, match=words):
        curve(**change)


@pytest.mark.parametrize(("fields", "words"), [
    ({}, "no numbers"),
    ({"x": (1.0,)}, "1 x and 0 y"),
    ({"x": (1.0,), "y": (1.0,), "low": 0.0}, "both points and a band"),
    ({"low": 2.0, "high": 1.0}, "low 2.0 above high 1.0"),
    ({"low": float("nan")}, "finite"),
    ({"low": 1.0, "axis": "z"}, "axis 'z'"),
])
def test_bad_published_values_are_refused(fields: dict[str, Any], words: str):
    with pytest.raises(CurveError, match=words):
        Published("peak", "Fig. 1", **fields)


def test_valid_drops_failed_points_in_every_column():
    c = full_curve().valid()
    assert len(c) == len(c.columns["g_before"].values) == 40 and not np.isnan(c.y).any()
    with pytest.raises(CurveError, match="no points"):
        curve(np.full(41, np.nan)).valid()


def test_dataframe_has_the_columns_of_the_file():
    frame = full_curve().to_dataframe()
    assert list(frame) == ["delay [s]", "dG [S]", "g_before [S]"] and len(frame) == 41
    assert frame.attrs["engine"].startswith("ngspice")


def test_importing_is_cheap():
    heavy = "import sys, spicemem.curve; print([m for m in ('scipy', 'matplotlib', 'pandas') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True,
                         cwd=Path(module.__file__).parent.parent)
    assert out.stdout.strip() == "[]"


# --- files ------------------------------------------------------------------------------------------------------------


def test_file_layout(tmp_path: Path):
    full_curve().to_csv(tmp_path / "c.csv")
    lines = (tmp_path / "c.csv").read_text().splitlines()
    assert lines[:2] == ["# name: stdp-antisymmetric", "# engine: ngspice 45\\nKLU"]
    data = [line for line in lines if not line.startswith("#")]
    assert data[0] == "delay [s],dG [S],g_before [S]" and len(data) == 42
    assert data[1].split(",")[0] == "-0.1" and data[4].split(",")[1] == "nan"


def test_round_trip(tmp_path: Path):
    full_curve().to_csv(tmp_path / "c.csv")
    assert Curve.from_csv(tmp_path / "c.csv") == full_curve()


_number = st.floats(allow_nan=False, allow_infinity=False)
_word = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters="[],\"'#:"),
                min_size=1, max_size=8)
_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
_slug = st.from_regex(r"[a-z0-9]+(-[a-z0-9]+)?", fullmatch=True)
_published = st.one_of(
    st.builds(lambda label, source, points: Published(label, source, tuple(p[0] for p in points),
                                                      tuple(p[1] for p in points)),
              _text, _text, st.lists(st.tuples(_number, _number), min_size=1, max_size=3)),
    st.builds(lambda label, source, a, b, axis: Published(label, source, low=min(a, b), high=max(a, b), axis=axis),
              _text, _text, _number, _number, st.sampled_from(["x", "y"])))


@st.composite
def curves(draw: Any) -> Curve:
    n = draw(st.integers(1, 6))
    names = draw(st.lists(_word, min_size=2, max_size=4, unique=True))
    values = st.lists(_number | st.just(float("nan")), min_size=n, max_size=n).map(np.array)
    keys = _word.filter(lambda key: key not in ("name", "labels", "published"))
    return Curve(np.array(draw(st.lists(_number, min_size=n, max_size=n))), draw(values), names[0], draw(_word),
                 names[1], draw(_word), draw(_slug),
                 {key: Column(draw(values), draw(_word), draw(st.just("") | _word)) for key in names[2:]},
                 draw(st.dictionaries(keys, _text, max_size=3)), tuple(draw(st.lists(_published, max_size=2))))


@given(curves())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_curve_reads_back_exactly(tmp_path: Path, c: Curve):
    c.to_csv(tmp_path / "c.csv")
    back = Curve.from_csv(tmp_path / "c.csv")
    assert back == c
    assert np.array_equal(np.signbit(back.x), np.signbit(c.x))  # -0.0 too


def test_a_file_made_by_hand(tmp_path: Path):
    (tmp_path / "digitised-4a.csv").write_text(
        "\ufeff# a comment, no key\n# from: Fig. 4a\n\ndelay [s], dG [S]\n-1e-3, -2\n+.5, nan\n", newline="\r\n")
    c = Curve.from_csv(tmp_path / "digitised-4a.csv")
    assert (c.name, c.x.tolist(), c.provenance) == ("digitised-4a", [-1e-3, 0.5], {"from": "Fig. 4a"})
    assert c.y[0] == -2.0 and np.isnan(c.y[1])


HEAD = "delay [s],dG [S]\n"


@pytest.mark.parametrize(("text", "words"), [
    ("", "no header row"),
    ("# name: a\n", "no header row"),
    (HEAD, "a header row without data"),
    ("delay,dG\n1,2\n", "line 1: found 'delay'.*names and units"),
    ("1,2\n3,4\n", "line 1: found '1'"),
    ("delay [s]\n1\n", "at least two columns"),
    ("delay [s],delay [s]\n1,2\n", "different names"),
    (HEAD + "1,2\n3\n", "line 3: found 1 values, expected 2"),
    (HEAD + "1,2,3\n", "line 2: found 3 values, expected 2"),
    (HEAD + "1,x\n", "line 2, column dG: found 'x'.*or nan"),
    (HEAD + "nan,1\n", "line 2, column delay: found 'nan'"),
    (HEAD + "1,inf\n", "column dG: found 'inf'"),
    (HEAD + "1,1e999\n", "column dG: found '1e999'"),
    (HEAD + "1,1_0\n", "column dG: found '1_0'"),
    (HEAD + "1,\n", "column dG: found ''"),
    ("# a: 1\n# a: 2\n" + HEAD + "1,2\n", "line 2: found 'a' a second time"),
    ("# published: {\n" + HEAD + "1,2\n", "line 1: .*JSON object"),
    ("# published: {\"label\": \"a\", \"source\": \"b\"}\n" + HEAD + "1,2\n", "no numbers"),
    ("# labels: [1]\n" + HEAD + "1,2\n", "line 1: .*JSON object"),
    ("# name: ../x\n" + HEAD + "1,2\n", "bad.csv: name of a curve"),
])
def test_malformed_files_are_refused(tmp_path: Path, text: str, words: str):
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(CurveError, match=words):
        Curve.from_csv(tmp_path / "bad.csv")


def test_missing_and_binary_files(tmp_path: Path):
    with pytest.raises(CurveError, match="no such file"):
        Curve.from_csv(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CurveError, match="UTF-8"):
        Curve.from_csv(tmp_path / "b.csv")
    with pytest.raises(InputError, match=r"no folder.*Create the folder"):
        curve().to_csv(tmp_path / "no" / "c.csv")


@pytest.mark.parametrize("stage", ["write", "rename"])
def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: Any, stage: str, full_disk: Any):
    path = tmp_path / "c.csv"
    path.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if stage == "rename":
        monkeypatch.setattr(os, "replace", fail)
    for write in (curve().to_csv, lambda p: save_figure(curve().plot(), p.with_suffix(".png"))):
        with full_disk() if stage == "write" else contextlib.nullcontext(), pytest.raises(InputError, match="No space"):
            write(path)
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["c.csv"]


# --- numbers ----------------------------------------------------------------------------------------------------------


def test_lobes_and_peak():
    c = curve([1.0, -3.0, 0.0, 2.0], x=[-2.0, -1.0, 0.0, 1.0])
    assert c.lobes() == Lobes(2.0, 1.0, 3.0, -1.0) and c.peak() == 3.0
    one = curve([0.0, 2.0], x=[0.0, 1.0]).lobes()
    assert one[:3] == (2.0, 1.0, 0.0) and np.isnan(one.negative_at)
    for name in ("lobes", "peak", "crossing"):
        with pytest.raises(CurveError, match=r"1 of 41 points are nan, the first at delay = -85 ms.*curve.valid"):
            getattr(full_curve(), name)()


def test_relative_error_is_in_units_of_the_lobe():
    x = [-2.0, -1.0, 0.0, 1.0, 2.0]
    reference = curve([-1.0, -2.0, 0.0, 4.0, 2.0], x=x)
    other = curve(reference.y + 0.1, x=x)
    assert other.relative_error(reference) == pytest.approx([0.05, 0.05, 0.05, 0.025, 0.025])
    assert other.relative_error(reference, per_lobe=False) == pytest.approx([0.025] * 5)
    # A lobe of rounding is no lobe: its error would be measured in units of nothing.
    rounding = curve([-1e-18, 0.0, 0.0, 4.0, 2.0], x=x)
    assert curve(rounding.y + 0.1, x=x).relative_error(rounding) == pytest.approx([0.025] * 5)


@pytest.mark.parametrize("fault", ["scaled", "shifted", "sign", "one lobe", "zeroed", "one point"])
def test_relative_error_catches_planted_faults(fault: str):
    c = curve()
    y = {"scaled": 1.05 * c.y, "shifted": np.roll(c.y, 1), "sign": -c.y, "one lobe": np.where(c.x < 0, 1.1 * c.y, c.y),
         "zeroed": 0 * c.y, "one point": c.y + 2e-10 * (c.x == 0)}[fault]
    assert np.abs(c.relative_error(c)).max() == 0.0
    assert np.abs(curve(y).relative_error(c)).max() > 0.03


@pytest.mark.parametrize(("mine", "theirs", "words"), [
    (curve(x=DELAYS + 1e-6), curve(), "in row .*expected the same x"),
    (curve(x=DELAYS[1:]), curve(), "40 and 41 points"),
    (full_curve(), curve(), "1 of 41 points are nan"),
    (curve(), full_curve(), "1 of 41 points are nan"),
    (curve(), curve(np.zeros(41)), "zero everywhere"),
    (curve(), curve(y_unit="A"), r"dG \[S\] over delay \[s\] and dG \[A\]"),
    (curve(), curve(y_label="G"), "the same quantities and units"),
])
def test_a_comparison_never_passes_on_nonsense(mine: Curve, theirs: Curve, words: str):
    with pytest.raises(CurveError, match=words):
        mine.relative_error(theirs)


def test_crossing():
    c = curve([-1.0, 1.0, 0.0, 1.0, 0.0, 0.0, -3.0], x=np.arange(7.0))
    assert c.crossing().tolist() == [0.5, 4.0]  # the touch at 2 is none
    assert c.crossing(direction="up").tolist() == [0.5] and c.crossing(direction="down").tolist() == [4.0]
    assert c.crossing(-2.0).tolist() == pytest.approx([5 + 2 / 3])
    ends = curve([0.0, 0.0, 0.5, 1.0], x=np.arange(4.0))
    assert ends.crossing(0.0).tolist() == [1.0] and ends.crossing(1.0, "up").tolist() == [3.0]
    assert not len(ends.crossing(2.0)) and not len(curve(np.zeros(41)).crossing())
    with pytest.raises(CurveError, match="any, up or down"):
        c.crossing(0.0, "left")  # type: ignore[arg-type]


def test_width():
    triangle = curve([0.0, 1.0, 0.0], x=[-1.0, 0.0, 1.0])
    assert triangle.width_at(0.5) == pytest.approx(1.0) and triangle.width_at(1.0) == 0.0
    assert curve([0.0, -2.0, 0.0, 4.0, 0.0], x=np.arange(5.0)).width_at(0.25) == pytest.approx(3.25)
    # The sign changes between two rows: the line through both, not through their magnitudes.
    assert curve([0.0, 4.0, -4.0, 0.0], x=np.arange(4.0)).width_at(1.0) == pytest.approx(1.0)
    shuffled = curve([1.0, 0.0, 0.0], x=[0.0, 1.0, -1.0])
    assert shuffled.width_at(0.5) == pytest.approx(1.0)
    side = curve([4.0, 2.0, 0.0], x=[0.0, 1.0, 2.0])
    with pytest.raises(CurveError, match=r"end of the grid, delay = 0 s.*open_ends"):
        side.width_at(0.5)
    assert side.width_at(0.25, open_ends=True) == pytest.approx(1.5)
    for bad in (0.0, 1.5):
        with pytest.raises(CurveError, match="fraction between 0 and 1"):
            triangle.width_at(bad)
    with pytest.raises(CurveError, match="peak that is not zero"):
        curve(np.zeros(41)).width_at(0.5)


@pytest.mark.parametrize("spread", [0.01, 0.03])
def test_variability_measures_the_noise(spread: float):
    rng = np.random.default_rng(8)
    found, truth = [], []
    for _ in range(30):
        noise = spread * 5e-9 * rng.standard_normal(41)
        c = curve(1.7 * antisymmetric(DELAYS) + noise)  # of another height than the shape
        found.append(c.variability(curve()))
        truth.append(np.abs(noise).mean() / c.peak())
    assert 0.9 < np.mean(found) / np.mean(truth) < 1.05
    assert curve().variability(curve()) < 1e-12
    with pytest.raises(CurveError, match="zero everywhere"):
        curve(np.zeros(41)).variability(curve())
    with pytest.raises(CurveError, match="zero"):
        curve().variability(curve(np.zeros(41)))


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_plot_says_quantities_in_readable_units():
    ax = curve().plot().axes[0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Delay Δt (ms)", "ΔG (nS)")
    assert ax.lines[0].get_xdata()[0] == pytest.approx(-100) and max(ax.lines[0].get_ydata()) == pytest.approx(
        5 * np.exp(-0.25))
    assert not ax.spines["top"].get_visible() and not ax.spines["right"].get_visible()
    assert {line.get_gid() for line in ax.lines} == {"curve", "zero-x", "zero-y"}


@pytest.mark.parametrize(("fields", "x_text", "y_text"), [
    ({"x_label": "pulse number", "x_unit": "1", "y_label": "G", "y_unit": "Ohm"}, "Pulse number", "G (nΩ)"),
    ({"x_label": "v", "x_unit": "V", "y_label": "dG/G", "y_unit": "%"}, "v (mV)", "ΔG/G (%)"),
    ({"x_label": "temperature", "x_unit": "K", "y_label": "i", "y_unit": "A/m**2"}, "Temperature (K)", "i (nA/m²)"),
    ({"x_label": "area", "x_unit": "m**2", "y_label": "g_before", "y_unit": "S/s"}, "Area (m²)", "g before (nS/s)"),
])
def test_axis_texts(fields: dict[str, str], x_text: str, y_text: str):
    ax = curve(**fields).plot().axes[0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == (x_text, y_text)


def test_published_values_stand_in_the_legend_with_their_source():
    c = replace(curve(), published=(Published("measured", "Fig. 4a", x=(0.01,), y=(3e-9,)),
                                    Published("window", "Sec. 2.6", low=-0.05, high=0.05, axis="x"),
                                    Published("peak", "Table 1", low=4e-9)))
    for figure in (c.plot(), plot_curves([c, c]), plot_grid([c])):
        ax = figure.axes[0]
        texts = " | ".join(text.get_text().replace("\n", " ") for text in ax.get_legend().get_texts())
        for words in ("measured (Fig. 4a)", "window −50 ms to 50 ms (Sec. 2.6)", "peak ≥ 4 nS (Table 1)"):
            assert texts.count(words) == 1
        points = next(line for line in ax.lines if line.get_marker() == "D" and line.get_linestyle() == "None")
        assert points.get_xydata().tolist() == pytest.approx(np.array([[10.0, 3.0]]))


def test_a_failed_point_is_a_gap():
    assert np.isnan(full_curve().plot().axes[0].lines[0].get_ydata()[3])
    curve(np.full(41, np.nan)).plot()


def test_curves_in_the_same_axes_share_their_scale():
    figure = curve().plot()
    ax = figure.axes[0]
    small = curve(1e-3 * antisymmetric(DELAYS))
    assert small.plot(ax, label="small", c="k") is figure
    lines = [line for line in ax.lines if line.get_gid() == "curve"]
    assert max(lines[1].get_ydata()) == pytest.approx(1e-3 * max(lines[0].get_ydata()))
    assert ax.get_ylabel() == "ΔG (nS)" and lines[1].get_color() == "k"
    with pytest.raises(CurveError, match="axes that show dG"):
        curve(y_unit="A").plot(ax)
    with pytest.raises(CurveError, match="Use plot_grid"):
        plot_curves([curve(), curve(y_unit="A")])


def test_legend_names_what_differs():
    def entries(curves: list[Curve]) -> list[str]:
        return [text.get_text() for text in plot_curves(curves, "title").axes[0].get_legend().get_texts()]

    a, b = (curve(provenance={"engine": engine, "device": "eis"}) for engine in ("ngspice", "vacask"))
    assert entries([a, b]) == ["ngspice", "vacask"]
    assert entries([a, replace(b, name="stdp-symmetric")]) == ["stdp-antisymmetric", "stdp-symmetric"]
    many = [replace(a, name=f"preset-{n}") for n in range(9)]
    assert len({line.get_color() for line in plot_curves(many).axes[0].lines if line.get_gid() == "curve"}) == 9


def test_grid_and_empty_plots():
    figure = plot_grid([curve(), curve(name="b"), curve(name="c")], columns=2)
    assert [ax.get_title() for ax in figure.axes] == ["stdp-antisymmetric", "b", "c"]
    for wrong in (lambda: plot_curves([]), lambda: plot_grid([]), lambda: plot_grid([curve()], columns=0),
                  lambda: plot_curves([curve()], labels=["a", "b"]), lambda: plot_grid([curve()], titles=[])):
        with pytest.raises(CurveError, match="plot: found"):
            wrong()


def test_log_axes_and_fit_line():
    x = np.geomspace(1e-9, 1e-3, 20)
    ax = curve(2e-6 * x**-0.5, x=x, x_label="interval").plot(xscale="log", yscale="log").axes[0]
    assert (ax.get_xscale(), ax.get_xlabel(), ax.get_ylabel()) == ("log", "Interval (s)", "ΔG (S)")
    ax = curve().plot(fit=curve().fit("exponential-stdp"), title="fit").axes[0]
    assert ax.get_title() == "fit" and "exponential-stdp fit" in [t.get_text() for t in ax.get_legend().get_texts()]


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_pictures_are_reproducible(tmp_path: Path, suffix: str):
    for name in ("a", "b"):
        save_figure(full_curve().plot(), tmp_path / f"{name}.{suffix}")
    a, b = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in ("a", "b"))
    assert a == b and len(a) > 5000 and b"date" not in a.lower().replace(b"creationdate", b"date")
    if suffix == "svg":
        import xml.etree.ElementTree as tree

        root = tree.fromstring(a)
        ids = {node.get("id") for node in root.iter()}
        values = [value for node in root.iter() for value in node.attrib.values()]
        used = {value.split("#")[1].rstrip(")") for value in values if "#id" in value}
        assert used and used <= ids


def test_wrong_suffix(tmp_path: Path):
    with pytest.raises(CurveError, match=r"suffix '.jpg', expected .png, .svg or .pdf"):
        save_figure(curve().plot(), tmp_path / "a.jpg")


def test_plots_need_no_pyplot_and_run_in_threads(tmp_path: Path):
    def draw(n: int) -> bytes:
        save_figure(plot_curves([curve(), curve(name="other")]), tmp_path / f"{n}.png")
        return (tmp_path / f"{n}.png").read_bytes()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(draw, range(8)))) == 1
    code = ("import sys, numpy as np; from spicemem.curve import Curve\n"
            "Curve(np.arange(3.), np.arange(3.), 'a', 's', 'b', 'S').plot(); print('matplotlib.pyplot' in sys.modules)")
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                         cwd=Path(module.__file__).parent.parent)
    assert out.stdout.strip() == "False"

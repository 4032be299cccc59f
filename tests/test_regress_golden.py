"""Goldens: are they small, exact within what they say, readable in a diff, and refused when damaged?"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spicemem.errors import InputError
from spicemem.regress import golden
from spicemem.regress.compare import Invariant, Tolerance
from spicemem.regress.thin import thin, thinning_error
from spicemem.regress.waveforms import Waveforms

VALUES = st.integers(-100, 100)


@given(st.lists(st.tuples(st.integers(1, 100), VALUES, VALUES), min_size=2, max_size=60),
       st.floats(0, 20), st.floats(0, 20))
def test_thinning_keeps_its_word_in_both_directions(rows, one, two):
    time = np.cumsum([r[0] for r in rows]).astype(float)
    signals = [np.array([r[k] for r in rows], dtype=float) for k in (1, 2)]
    kept = thin(time, signals, [one, two])
    assert kept[0] == 0 and kept[-1] == len(time) - 1 and (np.diff(kept) > 0).all()
    for values, error in zip(signals, (one, two), strict=True):
        between = np.union1d(time, np.linspace(time[0], time[-1], 97))
        full, few = np.interp(between, time, values), np.interp(between, time[kept], values[kept])
        assert np.abs(full - few).max() <= error + 1e-12 * max(1, np.abs(values).max())
        assert thinning_error(time, values, time[kept], values[kept]) <= error + 1e-12 * max(1, np.abs(values).max())


def test_thinning_is_small():
    t = np.linspace(0, 1, 20001)
    line, wave = t * 3, np.sin(20 * t)
    assert len(thin(t, [line], [1e-9])) == 2
    assert len(thin(t, [wave], [1e-3])) < 300
    spike = np.where(np.abs(t - 0.5) < 1e-4, 1.0, 0.0)
    assert 1.0 in spike[thin(t, [line, spike], [1e-3, 1e-3])]  # nothing that is narrow is lost


def run():
    t = np.linspace(0, 1e-3, 5001)
    return Waveforms(t, {"v(a)": 0.5 + 1e-3 * np.sin(4e4 * t), "i(v_a)": 1e-6 * np.exp(-3e3 * t), "bus[3]": t * 1e3},
                     {"v(a)": "V", "i(v_a)": "A", "bus[3]": "V"}, about={"engine": "reference", "version": "1"})


ASKED = {"v(a)": Tolerance(relative=0.01, time=1e-6, level=0.5),
         "i(v_a)": Tolerance(absolute=1e-9, relative=1e-3, rms=0.02), "bus[3]": Tolerance(relative=0.01, final=0.1)}


@pytest.fixture
def made():
    return golden.make(run(), ASKED, [Invariant("charge", ("i(v_a)",), relative=1e-3)],
                       run={"thing": "eis", "engine": "reference", "settings": {"g_init": "1u"}})


def test_a_golden_comes_back_as_it_was(made, tmp_path):
    path = tmp_path / "a.golden.csv"
    golden.write(made, path)
    again = golden.read(path)
    assert again.tolerances == ASKED and again.run == made.run and again.about == made.about
    assert list(again.invariants) == list(made.invariants)
    assert again.waves.units == made.waves.units and np.array_equal(again.waves.time, made.waves.time)
    assert all(np.array_equal(again.waves.signals[n], made.waves.signals[n]) for n in ASKED)
    assert golden.text_of(again) == path.read_text() == golden.text_of(made)
    assert again.compare(run()).passed


def test_a_golden_is_small_and_says_what_that_costs(made):
    full, few = run(), made.waves
    for name in ASKED:
        allowed = ASKED[name].absolute + ASKED[name].relative * np.ptp(full.signals[name])
        off = thinning_error(full.time, full.signals[name], few.time, few.signals[name])
        assert off <= 0.1 * allowed and made.thinned[name] == pytest.approx(off)
    assert len(few.time) < 500 and made.about["points"] == f"{len(few.time)} of 5001"
    # The number of an invariant is the whole run's.
    assert made.invariants[0].value == Invariant("charge", ("i(v_a)",), 1.0).of(full)


def test_a_golden_is_text_for_people(made):
    lines = golden.text_of(made).splitlines()
    assert lines[0] == "# spicemem golden 1"
    assert lines[1] == '# run: {"thing": "eis", "engine": "reference", "settings": {"g_init": "1u"}}'
    assert lines[3].startswith('# signal v(a) [V]: {"relative": 0.01, "time": 1e-06, "level": 0.5, "thinned": ')
    assert lines[6].startswith("# invariant charge(i(v_a)) [C]: ")
    assert lines[7] == "time [s],v(a) [V],i(v_a) [A],bus[3] [V]" and lines[8] == "0,0.5,1e-06,0"
    assert max(len(line) for line in lines[8:]) < 60


@given(st.floats(1e-15, 1e12), st.floats(-1e6, 1e6), st.integers(0, 2**32 - 1), st.sampled_from([1e-9, 1.0, 1e5]))
def test_digits_are_as_many_as_the_tolerance_needs(scale, offset, seed, length):
    """A small change on a large value, at any scale."""
    rng = np.random.default_rng(seed)
    time = length * (3.0 + np.r_[0, np.cumsum(rng.exponential(size=99))])
    values = scale * (offset + rng.normal(size=100))
    assume(np.ptp(values) > 1e-9 * np.abs(values).max())
    w = Waveforms(time, {"x": values}, {"x": "V"})
    made = golden.make(w, {"x": Tolerance(relative=0.01)})
    assert thinning_error(time, values, made.waves.time, made.waves.signals["x"]) <= 1e-3 * np.ptp(values) * 1.001
    assert made.compare(w).passed


def damaged(text, how):
    return {"version": text.replace("golden 1", "golden 2"), "another file": "time,x\n0,1\n",
            "cut": text[:text.index("time [s]")], "cut in a row": text[:-6].rstrip(",") + "x",
            "a row short": text + "1\n", "conflict": text.replace("time [s]", "<<<<<<< HEAD\ntime [s]"),
            "unknown tolerance": text.replace('"relative"', '"relativ"'), "not json": text.replace("{", "(", 1),
            "no tolerance": "\n".join(line for line in text.splitlines() if "# signal v(a)" not in line) + "\n",
            "another unit": text.replace("# signal v(a) [V]", "# signal v(a) [A]"),
            "negative": text.replace('"relative": 0.01', '"relative": -1'), "comment": text.replace("# run", "# rum"),
            "twice": text.replace("# signal bus[3] [V]", "# signal v(a) [V]")}[how]


@pytest.mark.parametrize("how", ["version", "another file", "cut", "cut in a row", "a row short", "conflict",
                                 "unknown tolerance", "not json", "no tolerance", "another unit", "negative", "comment",
                                 "twice"])
def test_a_damaged_golden_is_refused(made, how, tmp_path):
    path = tmp_path / "a.golden.csv"
    path.write_text(damaged(golden.text_of(made), how))
    with pytest.raises(InputError, match=r"a\.golden\.csv") as error:
        golden.read(path)
    if how == "version":
        assert "found version '2' of the format, expected version 1" in str(error.value)


def test_what_cannot_be_a_golden_is_refused():
    t = np.linspace(0, 1, 11)
    for w, asked, words in (
        (Waveforms(t, {"x": np.ones(11)}, {}), {"x": Tolerance(relative=0.1)}, "absolute tolerance"),
        (Waveforms(t, {"x": np.where(t > 0.5, np.nan, t)}, {}), {"x": Tolerance(relative=0.1)}, "not finite"),
        (Waveforms(np.abs(t - 0.5), {"x": t}, {}), {"x": Tolerance(relative=0.1)}, "rising"),
        (Waveforms(t, {"x": t}, {}), {"y": Tolerance(relative=0.1)}, "'y'"),
        (Waveforms(t, {"x": t}, {}), {}, "no signals"),
    ):
        with pytest.raises(InputError, match=words):
            golden.make(w, asked)
    with pytest.raises(InputError, match="without a tolerance"):
        golden.make(Waveforms(t, {"x": t, "y": t}, {}), {"x": Tolerance(relative=0.1)},
                    [Invariant("final", ("y",), 0.1)])
    for name in ("", " x", "x: y", "#x", "x\ny"):
        with pytest.raises(InputError, match="printable"):
            golden.text_of(golden.make(Waveforms(t, {name: t}, {}), {name: Tolerance(relative=0.1)}))


def test_the_review_says_what_changed(made):
    full = run()
    changed = golden.make(replace(full, signals={**full.signals, "bus[3]": full.signals["bus[3]"] * 1.5}),
                          {**ASKED, "v(a)": Tolerance(relative=0.02)}, made.invariants)
    lines = "\n".join(golden.review(made, changed))
    assert "bus[3]: changed by 50.00% of its span at 0.001 s, end 1 -> 1.5 V" in lines
    assert "another tolerance" in lines and "charge(i(v_a)): " in lines
    assert golden.review(None, made)[0].startswith("new: ")
    fewer = golden.make(full, {"v(a)": ASKED["v(a)"]})
    assert {"bus[3]: gone", "i(v_a): gone"} <= set(golden.review(made, fewer))

"""Waveforms of other simulators: raw files and tables, as they write them."""

import numpy as np
import pytest

from spicemem.engines import process
from spicemem.errors import InputError
from spicemem.regress.compare import Tolerance, compare
from spicemem.regress.readers import read_waveforms, to_si

T = np.array([0.0, 1e-9, 2.5e-9, 1e-8])
OUT, AMPS = np.array([0.0, 1.25, 1.5, 1.75]), np.array([0.0, -1e-6, -2e-6, 5e-7])


def read(tmp_path, name, text, names=None):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_waveforms(path, names)


TABLES = {
    "ours.csv": "# made by hand\ntime [s],v(out) [V],i(v1) [A]\n0,0,0\n"
                "1e-9,1.25,-1e-6\n2.5e-9,1.5,-2e-6\n1e-8,1.75,5e-7\n",
    "units.csv": "time [ns],v(out) [mV],i(v1) [uA]\n0,0,0\n1,1250,-1\n2.5,1500,-2\n10,1750,0.5\n",
    "viewer.csv": '"time (s)","v(out) (V)","i(v1) (A)"\n0,0,0\n1e-9,1.25,-1e-6\n2.5e-9,1.5,-2e-6\n1e-8,1.75,5e-7\n',
    "pairs.csv": '"v(out) X","v(out) Y","i(v1) X","i(v1) Y"\n0,0,0,0\n1e-9,1.25,1e-9,-1e-6\n2.5e-9,1.5,2.5e-9,-2e-6\n'
                 "1e-8,1.75,1e-8,5e-7\n",
    "ltspice.txt": "time\tV(out)\tI(V1)\n0.0e+0\t0\t0\n1e-9\t1.25\t-1e-6\n2.5e-9\t1.5\t-2e-6\n1e-8\t1.75\t5e-7\n",
    "xyce.prn": "Index       TIME              V(OUT)           I(V1)\n0 0.0 0 0\n"
                "1 1e-9 1.25 -1e-6\n2 2.5e-9 1.5 -2e-6\n"
                "3 1e-8 1.75 5e-7\nEnd of Xyce(TM) Simulation\n",
    "xyce.csv": "TIME,V(OUT),I(V1)\n0,0,0\n1e-9,1.25,-1e-6\n2.5e-9,1.5,-2e-6\n1e-8,1.75,5e-7\n",
    "hspice.lis": "****** transient analysis\nx\n\n  time        voltage    current\n              out        v1\n"
                  " 0.  0. 0.\n"
                  " 1.00000n  1.2500 -1.0000u\n 2.50000n 1500.0000m -2.0000u\n 10.00000n 1.7500 500.0000n\ny\n",
    "german.csv": "time [s];v(out) [V];i(v1) [A]\n0;0;0\n1e-9;1,25;-1e-6\n2,5e-9;1,5;-2e-6\n1e-8;1,75;5e-7\n",
    "twice.csv": "time,v(out),i(v1)\n0,0,0\n1e-9,1.25,-1e-6\n1e-9,1.25,-1e-6\n2.5e-9,1.5,-2e-6\n1e-8,1.75,5e-7\n",
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table(name, tmp_path):
    got = read(tmp_path, name, TABLES[name])
    signals = {n.lower(): y for n, y in got.signals.items()}
    assert list(signals) == ["v(out)", "i(v1)"] and list(got.units.values()) == ["V", "A"]
    assert got.time == pytest.approx(T) and signals["v(out)"] == pytest.approx(OUT)
    assert signals["i(v1)"] == pytest.approx(AMPS)


def test_pairs_with_axes_of_their_own(tmp_path):
    """A viewer's export: each signal has its own times, one is shorter; nets are called as the schematic calls them."""
    text = ('"/out X","/out Y","/I0/d X","/I0/d Y"\n0,0,0,0\n1n,1.25,2n,2u\n2.5n,1.5,8n,8u\n10n,1.75,,\n')
    got = read(tmp_path, "pairs.csv", text, {"/out": "v(out)", "/I0/d": "i(v1)"})
    assert got.time == pytest.approx([0, 1e-9, 2e-9, 2.5e-9, 8e-9])
    assert got.signals["i(v1)"] == pytest.approx(1e3 * got.time) and got.units == {"v(out)": "", "i(v1)": ""}
    found = compare({"time": T, "v(out)": OUT}, got, {"v(out)": Tolerance(relative=0.01)}, units={"v(out)": "V"})
    assert found.notes and "no unit given, taken for V" in found.notes[-1]
    assert {f.kind for f in found.findings} == {"truncated"}


def test_missing_numbers_are_found_by_the_comparison(tmp_path):
    got = read(tmp_path, "a.csv", "time,v(out)\n0,0\n1e-9,nan\n2.5e-9,1.5\n1e-8,\n")
    assert list(np.isnan(got.signals["v(out)"])) == [False, True, False, True]
    found = compare({"time": T, "v(out)": OUT}, got, Tolerance(relative=0.01))
    assert "nan at 1 ns (2 such values)" in found.report()


def test_capitals_and_other_names(tmp_path):
    got = read(tmp_path, "a.csv", TABLES["xyce.csv"], {"v(out)": "v(gate)", "I(v1)": "i(v_pre)"})
    assert list(got.signals) == ["v(gate)", "i(v_pre)"] and got.units == {"v(gate)": "V", "i(v_pre)": "A"}
    with pytest.raises(InputError, match=r"'v\(no\)'.*Did you mean|'v\(no\)'"):
        read(tmp_path, "a.csv", TABLES["xyce.csv"], {"v(no)": "v(gate)"})
    with pytest.raises(InputError, match="twice"):
        read(tmp_path, "a.csv", TABLES["xyce.csv"], {"v(out)": "I(V1)"})


@pytest.mark.parametrize(("text", "words"), [
    ("", "no numbers"), ("time,v(out)\n", "no numbers"), ("0,1\n1,2\n", "no row of names"),
    ("frequency,v(out)\n1,2\n2,3\n", "expected time"), ("time,v(out)\n0,1,2\n1,2,3\n", "3 cells"),
    ("time,v(out),v(out)\n0,1,2\n1,2,3\n", "twice"), ("time [s],v(out) [furlong]\n0,1\n1,2\n", "furlong"),
    ("time,v(out)\n0,1\n1,x2\n", "'x2'"), ("time\n0\n1\n", "at least one signal"),
    ('"a X","b Y"\n0,1\n1,2\n', "pairs NAME X"), ('"a X","a Y"\n0,1\n-1,2\n', "rising times"),
    (b"\xff\xfe\x00\x01", "no numbers"),
])
def test_what_is_no_table_is_refused(text, words, tmp_path):
    with pytest.raises(InputError, match=words):
        read(tmp_path, "a.csv", text)
    with pytest.raises(InputError, match="no such file"):
        read_waveforms(tmp_path / "none.csv")


def test_units():
    for text, found in (("V", (1.0, "V")), ("mV", (1e-3, "V")), ("uA", (1e-6, "A")), ("µA", (1e-6, "A")),
                        ("ns", (1e-9, "s")), ("sec", (1.0, "s")), ("Ω", (1.0, "Ohm")), ("kOhm", (1e3, "Ohm")),
                        ("nS", (1e-9, "S")),
                        ("1", (1.0, "1")), ("pC", (1e-12, "C")), ("K", (1.0, "K")), ("A", (1.0, "A"))):
        assert to_si(text, "x") == found
    for text in ("furlong", "degC", "", "m V"):
        with pytest.raises(InputError, match="unit"):
            to_si(text, "x")


# --- raw files --------------------------------------------------------------------------------------------------------

DECK = """low pass
V1 in 0 PULSE(0 1 1u 10n 10n 5u 20u)
R1 in out 1k
C1 out 0 1n
.options {options}
.save v(out) i(v1)
.tran 20n 10u 0 20n
.end
"""


def low_pass(t):
    """The low pass at times t, without the edges' 10 ns."""
    rise = np.where(t > 1.005e-6, 1 - np.exp(-(t - 1.005e-6) / 1e-6), 0)
    return np.where(t > 6.015e-6, (1 - np.exp(-5.01)) * np.exp(-(t - 6.015e-6) / 1e-6), rise)


@pytest.fixture(scope="module")
def raw(require, tmp_path_factory):
    """Raw files of ngspice, binary and text."""
    require("ngspice")
    folder = tmp_path_factory.mktemp("raw")
    for kind in ("binary", "ascii"):
        (folder / f"{kind}.cir").write_text(DECK.format(options="reltol=1e-5" if kind == "binary" else
                                                        "reltol=1e-5 filetype=ascii"))
        process.run(["ngspice", "-b", "-n", "-r", f"{kind}.raw", f"{kind}.cir"], folder, 60, "ngspice")
    return folder


def test_raw_files_of_ngspice(raw):
    for kind in ("binary", "ascii"):
        got = read_waveforms(raw / f"{kind}.raw", {"v(out)": "out"})
        assert got.units["out"] == "V" and list(got.units.values()) == ["V", "A"]
        assert got.signals["out"] == pytest.approx(low_pass(got.time), abs=6e-3)


def test_a_raw_file_of_ltspice(tmp_path):
    """As LTspice has it: UTF-16, times double, values single precision."""
    from spicelib.raw.raw_write import RawWrite, Trace

    t = np.linspace(0, 1e-5, 2001)
    writer = RawWrite(encoding="utf_16_le")
    for name, values in (("time", t), ("V(out)", low_pass(t)), ("I(V1)", 1e-3 * low_pass(t))):
        writer.add_trace(Trace(name, values))
    writer.save(tmp_path / "lt.raw")
    got = read_waveforms(tmp_path / "lt.raw", {"v(out)": "v(out)"})
    assert got.units == {"v(out)": "V", "I(V1)": "A"} and got.time == pytest.approx(t)
    assert got.signals["v(out)"] == pytest.approx(low_pass(t), abs=1e-6)


def test_a_raw_file_of_xyce(tmp_path):
    t = np.linspace(0, 1e-5, 101)
    head = ("Title: * low pass\nDate: Mon Jan 05 10:00:00 2026\nPlotname: Transient Analysis\nFlags: real\n"
            "No. Variables: 3\nNo. Points: 101         \nCommand: Xyce Release 7.10\nVariables:\n\t0\ttime\ttime\n"
            "\t1\tV(OUT)\tvoltage\n\t2\tI(V1)\tcurrent\nBinary:\n")
    (tmp_path / "x.raw").write_bytes(head.encode() + np.c_[t, low_pass(t), 1e-3 * low_pass(t)].tobytes())
    got = read_waveforms(tmp_path / "x.raw")
    assert got.units == {"V(OUT)": "V", "I(V1)": "A"} and got.signals["V(OUT)"] == pytest.approx(low_pass(t))


def test_runs_of_two_programs_are_compared(raw, tmp_path):
    """What a team does with another simulator's export of the same circuit."""
    one = read_waveforms(raw / "binary.raw")
    t = np.linspace(0, 1e-5, 2001)
    text = "time (us),/out (mV)\n" + "".join(f"{1e6 * at:.6f},{1e3 * float(low_pass(at)):.5f}\n" for at in t)
    (tmp_path / "spectre.csv").write_text(text)
    two = read_waveforms(tmp_path / "spectre.csv", {"/out": "v(out)"})
    assert compare(one, two, {"v(out)": Tolerance(relative=0.01)}).passed
    assert not compare(one, two, {"v(out)": Tolerance(relative=1e-4)}).passed
    (tmp_path / "spectre.csv").write_text(text.replace("/out (mV)", "/out"))
    two = read_waveforms(tmp_path / "spectre.csv", {"/out": "v(out)"})
    found = compare(one, two, {"v(out)": Tolerance(relative=0.01)})
    assert "1e3 times the golden: probably a wrong unit" in found.report()


def test_what_is_no_transient_is_refused(raw, tmp_path):
    whole = (raw / "binary.raw").read_bytes()
    for name, data in (("cut.raw", whole[:len(whole) // 2]), ("empty.raw", b""), ("none.raw", b"hello"),
                       ("head.raw", whole[:whole.index(b"Binary:")]),
                       ("dc.raw", whole.replace(b"\t0\ttime\ttime", b"\t0\tvswp\tvoltage")),
                       ("points.raw", whole.replace(b"No. Points: ", b"No. Points: 9"))):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError, match=name):
            read_waveforms(tmp_path / name)
    (tmp_path / "ac.cir").write_text("ac\nV1 a 0 ac 1\nR1 a b 1k\nC1 b 0 1n\n.ac dec 5 1 1meg\n.end\n")
    process.run(["ngspice", "-b", "-n", "-r", "ac.raw", "ac.cir"], tmp_path, 60, "ngspice")
    with pytest.raises(InputError, match="frequency analysis"):
        read_waveforms(tmp_path / "ac.raw")

"""Does a crossbar compute what Kirchhoff's laws say, wires and all? Is what does not fit refused by row and column?"""

import numpy as np
import pytest
from scipy.optimize import fsolve
from scipy.sparse import lil_matrix
from scipy.sparse.linalg import spsolve

from spicemem.circuit import Resistor
from spicemem.circuits import cell_1t1r, complementary, differential_pair
from spicemem.circuits.crossbar import OPEN, Line, Sense, crossbar
from spicemem.devices import EIS, OTJ
from spicemem.errors import CircuitError

ENGINES = ["ngspice", "ngspice-osdi", "vacask", "reference"]


def nodal(g, volts, segment, driver=0.0, gaps=()):
    """Bit line currents (A) of a crossbar by nodal analysis, independent of spicemem.

    g: S, rows by columns. volts: V at each word line. Word lines from column 0, bit lines end below the last row.
    gaps: (row, column) before which the word line is open.
    """
    rows, cols = g.shape
    n = rows * cols
    a, b = lil_matrix((2 * n, 2 * n)), np.zeros(2 * n)

    def join(p, q, siemens, level=0.0):
        a[p, p] += siemens
        if q is None:
            b[p] += siemens * level
        else:
            a[q, q] += siemens
            a[p, q] -= siemens
            a[q, p] -= siemens

    for i in range(rows):
        for j in range(cols):
            w, v = i * cols + j, n + i * cols + j
            join(w, v, g[i, j])
            s = 1 / OPEN if (i, j) in gaps else 1 / (segment + (driver if j == 0 else 0.0))
            join(w, w - 1 if j else None, s, volts[i])
            if i < rows - 1:
                join(v, v + cols, 1 / segment)
            else:
                join(v, None, 1 / (segment + driver))
    x = spsolve(a.tocsr(), b)
    return x[n + (rows - 1) * cols:] / (segment + driver)


def currents(engine, x, volts, family="bl"):
    circuit = x.circuit.drive(**dict(zip(x.lines("wl"), map(float, volts), strict=True)))
    found = engine.operating_point(circuit, save=[f"i(v_{b})" for b in x.lines(family)])
    return np.array([found[f"i(v_{b})"][0] for b in x.lines(family)])


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("seed", range(3))
def test_linear_array_is_the_nodal_solution(name, seed, require):
    rng = np.random.default_rng(seed)
    rows, cols = rng.integers(2, 12, 2)
    g, volts = rng.uniform(1e-6, 1e-3, (rows, cols)), rng.uniform(-1, 1, rows)
    segment, driver = rng.uniform(0.5, 20, 2)
    x = crossbar(int(rows), int(cols), Resistor(1e3), wires=Line(segment, driver), values={"ohm": 1 / g})
    wanted = nodal(g, volts, segment, driver)
    assert currents(require(name), x, volts) == pytest.approx(wanted, rel=1e-6, abs=1e-12)
    # What the test is for: without wires, or with rows and columns exchanged, it is not that.
    assert abs(g.T @ volts - wanted).max() > 1e-4 * abs(wanted).max()


def test_ideal_wires_multiply_matrix_and_vector(require):
    rng = np.random.default_rng(5)
    g, volts = rng.uniform(1e-6, 1e-3, (5, 3)), rng.uniform(-1, 1, 5)
    x = crossbar(5, 3, Resistor(1e3), values={"ohm": 1 / g})
    assert currents(require("ngspice"), x, volts) == pytest.approx(g.T @ volts, rel=1e-6)


@pytest.mark.parametrize("name", ["ngspice", "vacask"])
def test_nonlinear_array_is_the_nodal_solution(name, require):
    """Tunnel junctions: i = g v_0 sinh(v/v_0), solved here by SciPy from a linear start."""
    rng = np.random.default_rng(7)
    rows, cols, segment = 4, 3, 2e3
    w, volts = rng.uniform(0.2, 1.0, (rows, cols)), rng.uniform(0.5, 1.0, rows)
    device = OTJ.preset("li_2019", g_s=0.0)
    off, on, v_0 = (device.values[k] for k in ("g_off", "g_on", "v_0"))
    g = off * (on / off) ** w
    n = rows * cols

    def balance(u):
        word, bit = u[:n].reshape(rows, cols), u[n:].reshape(rows, cols)
        i = g * v_0 * np.sinh((word - bit) / v_0)
        along = np.diff(np.c_[volts, word], axis=1) / segment           # leaves each word node to its left
        down = np.diff(np.r_[bit, np.zeros((1, cols))], axis=0) / segment
        word_sum = -along - i
        word_sum[:, :-1] += along[:, 1:]
        bit_sum = i + down
        bit_sum[1:] -= down[:-1]
        return np.r_[word_sum.ravel(), bit_sum.ravel()] * 1e5

    u = fsolve(balance, np.r_[np.repeat(volts, cols), np.zeros(n)], xtol=1e-13)
    assert abs(balance(u)).max() < 1e-9
    wanted = u[n:].reshape(rows, cols)[-1] / segment
    x = crossbar(rows, cols, device, wires=Line(segment), values={"w_init": w})
    assert currents(require(name), x, volts) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("name", ["ngspice", "ngspice-osdi", "vacask", "reference"])
def test_many_vectors_in_one_run_as_one_by_one(name, require):
    rng = np.random.default_rng(3)
    x = crossbar(4, 3, OTJ.preset("li_2019"), wires=Line(1e3), values={"w_init": rng.uniform(0, 1, (4, 3))})
    vectors = rng.uniform(-0.5, 0.5, (5, 4))
    engine = require(name)
    together = engine.sweep(x.circuit.drive(), {f"v_{w}": vectors[:, i] for i, w in enumerate(x.lines("wl"))},
                            save=[f"i(v_{b})" for b in x.lines("bl")])
    assert list(together.time) == [0, 1, 2, 3, 4]
    for k, volts in enumerate(vectors):
        alone = currents(engine, x, volts)
        found = np.array([together[f"i(v_{b})"][k] for b in x.lines("bl")])
        assert found == pytest.approx(alone, rel=1e-6, abs=1e-14)


def test_stuck_cells_open_lines_and_sense_amplifiers(require):
    engine = require("ngspice")
    g, volts = np.full((3, 4), 1e-4), np.array([0.1, 0.2, 0.3])
    x = crossbar(3, 4, Resistor(1e4), wires=Line(5.0), stuck={(1, 2): 1e3}, broken=[("wl", 2, 1)])
    g[1, 2] = 1e-3
    assert currents(engine, x, volts) == pytest.approx(nodal(g, volts, 5.0, gaps=[(2, 1)]), rel=1e-6)
    sensed = crossbar(3, 4, Resistor(1e4), wires={"wl": Line(5.0)}, sense={"bl": Sense(2e3)})
    assert set(sensed.circuit.ports) == {"wl0", "wl1", "wl2"}
    found = engine.operating_point(sensed.circuit.drive(wl0=0.1, wl1=0.2, wl2=0.3))
    ideal = crossbar(3, 4, Resistor(1e4), wires={"wl": Line(5.0)})
    wanted = -2e3 * currents(engine, ideal, volts)
    assert [found[f"v(vsense{k})"][0] for k in range(4)] == pytest.approx(wanted, rel=1e-3)
    weak = crossbar(3, 4, Resistor(1e4), wires={"wl": Line(5.0)}, sense={"bl": Sense(2e3, gain=10)})
    low = engine.operating_point(weak.circuit.drive(wl0=0.1, wl1=0.2, wl2=0.3))
    assert abs(low["v(vsense0)"][0]) < 0.99 * abs(wanted[0])  # the ground is not virtual enough


def test_cells_with_more_lines(require):
    engine = require("vacask")
    x = crossbar(3, 2, cell_1t1r(), wires=Line(1.0), values={"syn.x_init": np.full((3, 2), 0.5)})
    assert x.families == {"bl": "column", "wl": "row", "sl": "column"}
    on = {**dict.fromkeys(x.lines("bl"), 0.1), "wl1": 3.0}
    found = engine.operating_point(x.circuit.drive(**on), save=["i(v_bl0)", "i(v_sl0)"])
    closed = engine.operating_point(x.circuit.drive(**{**on, "wl1": 0.0}), save=["i(v_bl0)"])
    assert -found["i(v_bl0)"][0] > 1e-5 > 1e3 * abs(closed["i(v_bl0)"][0])
    pair = crossbar(3, 2, differential_pair(), values={})
    assert pair.lines("plus") == ["plus0", "plus1"] and pair.lines("wl") == ["wl0", "wl1", "wl2"]
    crossed = crossbar(2, 2, complementary())
    assert set(crossed.families) == {"wl", "bl"}
    gated = crossbar(2, 3, EIS.preset("nano"), ports={"gate": "gl", "drain": "bl", "source": "sl"})
    assert gated.lines("gl") == ["gl0", "gl1"] and gated.lines("bl") == ["bl0", "bl1", "bl2"]


@pytest.mark.parametrize(("wrong", "words"), [
    ({"rows": 0}, "rows.*whole number"),
    ({"values": {"ohm": np.ones((2, 3))}}, r"values of ohm.*\(2, 3\).*\(3, 2\)"),
    ({"values": {"ohm": [[1, 1], [1, np.nan], [1, 1]]}}, "row 1, column 1.*nan"),
    ({"values": {"ohm": [[1, 1], [1, 1], [-5, 1]]}}, "row 2, column 0.*above 0"),
    ({"values": {"siemens": np.ones((3, 2))}}, "row 0, column 0.*siemens"),
    ({"cell": OTJ(), "values": {"w_init": [[0, 1], [0, 1.5], [0, 0]]}}, "row 1, column 1.*w_init"),
    ({"wires": {"wordline": Line(1.0)}}, "wires.*wordline.*wl"),
    ({"sense": {"sl": Sense(1e3)}}, "sense.*sl"),
    ({"stuck": {(3, 0): 1e3}}, "row 3, column 0.*inside 3x2"),
    ({"broken": [("bl", 0, 3)]}, "bl 0 before cell 3"),
    ({"cell": EIS.preset("nano")}, "eis"),
    ({"cell": 5}, "cell.*5"),
    ({"ports": {"q": "wl"}}, "no such pin"),
    ({"ports": {"p": "xl"}}, "lines 'xl'.*direction"),
    ({"rows": 4000, "cols": 4000}, "4000x4000.*GB"),
])
def test_refused(wrong, words):
    given = {"rows": 3, "cols": 2, "cell": Resistor(1e3), **wrong}
    with pytest.raises(CircuitError, match=words):
        crossbar(given.pop("rows"), given.pop("cols"), given.pop("cell"), **given)

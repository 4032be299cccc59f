"""Do operations on crossbars do what linear algebra and Kirchhoff say? Is bad input refused by row and column?"""

import numpy as np
import pytest
from matplotlib.figure import Figure

from spicemem.circuit import CurrentSource, Resistor
from spicemem.circuits import cell_1t1r, differential_pair
from spicemem.circuits.crossbar import Line, Sense, crossbar
from spicemem.devices import OTJ, VCM, VTEAM
from spicemem.errors import CircuitError, InputError, SpicememError
from spicemem.protocols.array import (
    Access,
    Ramp,
    as_map,
    bias,
    driven,
    multiply,
    multiply_by_width,
    read,
    read_cell,
    resolved,
    simulator,
    transient,
    update,
    write,
    write_verify,
)
from spicemem.protocols.array_cells import Cells, conductances, states_for
from spicemem.protocols.conductance import conductance
from spicemem.waveform import Waveform

ENGINES = ["ngspice", "ngspice-osdi", "vacask", "reference"]
RNG = np.random.default_rng(11)
G = RNG.uniform(1e-6, 1e-5, (4, 3))
V = RNG.uniform(0, 0.3, (5, 4))
JUNCTION = OTJ.preset("li_2019")


def array(wires=None, **values):
    return crossbar(4, 3, JUNCTION.replace(**values), wires=wires, values=states_for(JUNCTION.replace(**values), G))


def test_states_for_is_the_inverse_of_conductance():
    for device, low, high in ((JUNCTION, 1e-8, 3e-5), (VCM(), 1e-5, 5e-4)):
        wanted = np.geomspace(low, high, 12).reshape(3, 4)
        (name, starts), = states_for(device, wanted).items()
        state = next(s.name for s in device.definition.states.values() if s.init == name)
        rest = {s: device.initial(s) for s in device.definition.states}
        assert conductance(device, {**rest, state: starts.ravel()}) == pytest.approx(wanted.ravel(), rel=1e-9)
    with pytest.raises(InputError, match=r"row 1, column 2.*1 S.*window of otj"):
        states_for(JUNCTION, [[1e-6, 1e-6, 1e-6], [1e-6, 1e-6, 1.0]])
    with pytest.raises(InputError, match=r"row 0, column 1.*nan"):
        states_for(JUNCTION, [[1e-6, np.nan]])
    with pytest.raises(InputError, match="row 0, column 0"):
        states_for(JUNCTION, [[1e-12]])


def test_conductances_of_cells_that_differ():
    sampled = JUNCTION.sample(12, seed=3)
    values = {name: np.array([d.values[name] for d in sampled]).reshape(4, 3) for name in ("g_off", "g_on", "w_init")}
    found = conductances(crossbar(4, 3, JUNCTION, values=values, stuck={(2, 1): 5e3}))
    single = np.array([conductance(d, {"w": d.initial("w"), "s": 0.0})[0] for d in sampled]).reshape(4, 3)
    single[2, 1] = 1 / 5e3
    assert found.values == pytest.approx(single, rel=1e-12) and found.dims == ("row", "column")
    assert found.attrs["units"] == "S" and len(set(single.ravel())) == 12


@pytest.mark.parametrize("name", ENGINES)
def test_multiplication_is_the_matrix_product(name, require):
    """Ideal wires, at the reading voltage: G.T @ v. With wires it is less, and the cells' currents still add up."""
    engine = require(name)
    x = array(v_0=100.0, g_s=0.0)  # as good as linear
    data = multiply(x, V, engine=engine)
    assert data["i_bl"].dims == ("vector", "column")
    assert data["i_bl"].values == pytest.approx(V @ G, rel=1e-5)
    lossy = multiply(array(Line(2e3), v_0=100.0, g_s=0.0), V, engine=engine, maps=True)
    assert lossy["i_bl"].values == pytest.approx(lossy["i_cell"].sum("row").values, rel=1e-5)
    assert (lossy["i_bl"].values < 0.99 * (V @ G)).all()
    # Around any loop: what the word line, the cell and the bit line take is what was applied.
    around = lossy["drop_wl"] + lossy["v_cell"] - lossy["drop_bl"]
    assert around.values == pytest.approx(np.broadcast_to(V[:, :, None], (5, 4, 3)), abs=1e-9)


def test_multiplication_with_amplifiers_pairs_and_gates(require):
    engine = require("vacask")
    ideal = crossbar(2, 2, Resistor(1e3), values={"ohm": [[1e3, 2e3], [4e3, 5e3]]}, sense={"bl": Sense(100.0)})
    assert multiply(ideal, [0.1, 0.2], engine=engine)["i_bl"].values[0] == pytest.approx([1.5e-4, 0.9e-4], rel=1e-3)
    plus, minus = RNG.uniform(3e-8, 1.1e-7, (2, 3, 2))
    values = {f"g_{k}.{n}": v for k, g in (("plus", plus), ("minus", minus))
              for n, v in states_for(differential_pair().devices()["g_plus"], g).items()}
    pair = crossbar(3, 2, differential_pair(), values=values)
    data = multiply(pair, 0.1 * np.eye(3), engine=engine, outputs=("plus", "minus"), access=Access("wl", "plus"))
    weights = (data["i_plus"] - data["i_minus"]).values / 0.1
    assert weights == pytest.approx(plus - minus, rel=0.02, abs=1e-10)
    assert conductances(pair, device="g_minus").values == pytest.approx(minus, rel=1e-9)
    gated = crossbar(3, 4, cell_1t1r(), values={"syn.x_init": np.full((3, 4), 0.05)})
    devices = conductances(gated).values
    seen = read(gated, engine=engine).values
    assert (seen < devices).all() and seen == pytest.approx(devices, rel=0.05)  # the transistor is in series


@pytest.mark.parametrize("name", ["ngspice", "vacask"])
def test_charge_is_conductance_times_voltage_times_width(name, require):
    widths = np.array([[1e-6, 0.0, 3e-6, 2e-6], [5e-7, 1e-6, 0.0, 0.0]])
    data = multiply_by_width(array(v_0=100.0), widths, 0.1, engine=require(name))
    assert data["charge"].values == pytest.approx(0.1 * widths @ G, rel=1e-3)
    with pytest.raises(InputError, match="widths, vector 0, row 1"):
        multiply_by_width(array(), [1e-6, np.nan, 0, 0], 0.1)
    with pytest.raises(InputError, match="0 s or more"):
        multiply_by_width(array(), [1e-6, -1e-6, 0, 0], 0.1)


def test_reading_a_cell_through_sneak_paths(require):
    """Equal linear cells: N-1 in parallel, (N-1)**2, N-1 in series beside the selected one."""
    engine, n, ohm = require("ngspice"), 5, 1e4
    x = crossbar(n, n, Resistor(ohm))
    sneak = ohm * (2 / (n - 1) + 1 / (n - 1) ** 2)
    assert read_cell(x, 2, 3, 0.2, engine=engine) == pytest.approx(0.2 / ohm + 0.2 / sneak, rel=1e-6)
    assert read_cell(x, 2, 3, 0.2, scheme="grounded", engine=engine) == pytest.approx(0.2 / ohm, rel=1e-6)
    assert read(x, 0.2, engine=engine).values == pytest.approx(np.full((n, n), 1 / ohm), rel=1e-6)


@pytest.mark.parametrize(("scheme", "half", "none"), [("V/2", 1.1, 0.0), ("V/3", 2.2 / 3, -2.2 / 3)])
def test_writing_disturbs_as_the_scheme_says(scheme, half, none, require):
    run = write(array(), 1, [0, 2], 2.2, 50e-9, scheme=scheme, engine=require("vacask"))
    volts, kind, change = (run.data[k].values for k in ("v_cell", "selected", "change"))
    assert kind.tolist() == [[1, 0, 1], [2, 1, 2], [1, 0, 1], [1, 0, 1]]
    assert volts[kind == 2] == pytest.approx(2.2) and volts[kind == 1] == pytest.approx(half)
    assert volts[kind == 0] == pytest.approx(none, abs=1e-9)
    assert change[kind == 2].min() > 0.04 > 10 * run.data.attrs["disturb"] > 0
    assert run.data.attrs["disturb"] == pytest.approx(abs(change[kind < 2]).max())
    # It goes on from there, and it was stored: reading again finds it.
    assert conductances(array(), run.final).values == pytest.approx(run.data["after"].values, rel=1e-3)
    again = write(array(), 1, [0, 2], 2.2, 50e-9, scheme=scheme, engine=require("vacask"), initial=run.final)
    assert again.data["before"].values == pytest.approx(run.data["after"].values, rel=1e-3)


def test_disturb_of_half_selected_cells_rises_with_the_scheme(require):
    """V/3 halves the logarithm of what V/2 does, and engines agree on what it is."""
    found = {(s, e): write(array(), 0, 0, 2.2, 50e-9, scheme=s, engine=require(e)).data.attrs["disturb"]
             for s in ("V/2", "V/3") for e in ("ngspice", "vacask")}
    assert found["V/2", "vacask"] > 2 * found["V/3", "vacask"]
    for s in ("V/2", "V/3"):
        assert found[s, "ngspice"] == pytest.approx(found[s, "vacask"], rel=0.01)


@pytest.mark.parametrize("name", ["ngspice", "vacask"])
def test_floating_lines_are_where_the_cells_put_them(name, require):
    x = crossbar(3, 3, Resistor(1e4))
    levels, floating = bias(x, 0, 0, 1.0, "floating")
    run = transient(x, levels, 1e-6, engine=require(name), maps=True, floating=floating)
    volts = run.data["v_cell"].values[-1]
    assert volts[0, 0] == pytest.approx(1.0) and volts[1, 1] == pytest.approx(-0.2, rel=1e-5)
    assert volts[0, 1] == pytest.approx(0.4, rel=1e-5) == volts[1, 0]


def test_floating_lines_without_a_path_are_refused():
    x = crossbar(2, 3, Resistor(1e4))
    lines = [*x.lines("wl"), *x.lines("bl")]
    with pytest.raises(CircuitError, match=r"row 0 \(wl0\), row 1 \(wl1\), column 0 \(bl0\)"):
        driven(x, {}, lines)
    driven(x, {}, lines[:-1])  # one driven line is enough for a passive array
    with pytest.raises(CircuitError, match=r"floating.*row 1 \(wl1\)"):
        driven(crossbar(2, 2, cell_1t1r()), {}, ["wl1"])  # nothing flows into a gate
    with pytest.raises(CircuitError, match="column 1"):
        driven(crossbar(2, 2, CurrentSource(1e-6)), {}, ["bl1"])
    with pytest.raises(CircuitError, match="'bl7'"):
        driven(x, {"bl7": 1.0})


@pytest.mark.parametrize("name", ["ngspice", "vacask"])
def test_update_is_an_outer_product(name, require):
    """At a rate that the state does not slow down, the change is the overlap; signs go where they belong."""
    device = JUNCTION.replace(r_p=0.0, r_n=0.0, kappa=0.0, g_s=0.0, w_init=0.5)
    rows, columns = [0.5, -1.0, 0.0, 0.25], [1.0, -0.5, 0.0]
    x = crossbar(4, 3, device)
    run = update(x, rows, columns, 1.6, 2e-8, slots=4, engine=require(name), down=-1.6)
    overlap, change = run.data["overlap"].values, np.log1p(run.data["change"].values)
    assert overlap == pytest.approx(np.outer(rows, columns) * 2e-8)
    for sign in (1, -1):
        hit = overlap * sign > 0
        rate = change[hit] / overlap[hit]
        assert (rate > 0).all() and rate == pytest.approx(rate.mean(), rel=0.03)
    assert abs(change[overlap == 0]).max() < 0.03 * abs(change).max()
    with pytest.raises(InputError, match="update, row 3"):
        update(x, [0.5, 1, 0, 1e-4], columns, 1.6, 2e-8)
    with pytest.raises(InputError, match="shares of 0 to 1"):
        update(x, [0.5, 2, 0, 0], columns, 1.6, 2e-8)


def test_write_verify_reaches_its_targets(require):
    engine = require("vacask")
    x = crossbar(2, 3, cell_1t1r(), wires=Line(2.0), values={"syn.x_init": np.full((2, 3), 0.05)})
    targets = np.array([[7e-5, 8e-5, 1.2e-4], [1e-4, 6e-5, 5.2e-5]])
    given = {"up": Ramp(0.7, 0.05, 2), "down": Ramp(-0.7, -0.05, -2), "width": 1e-6, "tolerance": 0.2,
             "engine": engine, "access": Access("bl", "sl", "wl", 1.3)}
    run = write_verify(x, targets, **given)
    assert run.data["done"].values.all() and abs(run.data["error"].values).max() <= 0.2
    assert conductances(x, run.final).values == pytest.approx(run.data["conductance"].values, rel=1e-9)
    assert run.data["pulses"].values[1, 2] == 0 < run.data["pulses"].values[0, 2]  # it was there from the start
    # Rows behind closed gates left out of the simulation change nothing.
    whole = write_verify(x, targets, **given, cut=False)
    assert whole.data["conductance"].values == pytest.approx(run.data["conductance"].values, rel=1e-3)
    few = write_verify(x, targets, **given, pulses=1)
    assert few.data["pulses"].values.max() == 1 and not few.data["done"].values.all()


def test_write_verify_of_a_passive_array(require):
    x = array()
    targets = G * np.where(np.arange(3) == 1, 0.7, 1.5)
    run = write_verify(x, targets, up=Ramp(2.1, 0.03, 2.6), down=Ramp(-2.4, -0.03, -3.0), width=50e-9, tolerance=0.15,
                       engine=require("vacask"))
    assert run.data["done"].values.mean() > 0.9


def test_transient_of_the_whole_array(require):
    x = array(Line(10.0))
    wave = resolved(Waveform.pulse(2.2, 50e-9, 1e-9, start=1e-8))
    found = [transient(x, {"wl": wave, "bl1": 0.5}, 2e-7, engine=require(e), times=[0.0, 2e-7]) for e in
             ("ngspice", "vacask")]
    for run in found:
        assert run.data["w"].dims == ("time", "row", "column") and run.data["i_bl"].dims == ("time", "column")
        rise = (run.data["w"][1] - run.data["w"][0]).values
        assert (rise > 0).all() and (rise[:, 1] < rise[:, 0]).all()  # column 1 is half a volt up
    a, b = (run.data["conductance"].values[-1] for run in found)
    assert a == pytest.approx(b, rel=1e-2)


def test_resolved_keeps_the_waveform():
    wave = Waveform.points((0, 0), (1, 0), (1.01, 2), (2, 2), (2.01, 0), (99, 0))
    fine = resolved(wave, 10)
    t = np.linspace(0, 99, 10000)
    assert fine(t) == pytest.approx(wave(t)) and len(fine.times) == len(wave.times) + 9  # edges are left alone


def test_cells_evaluate_what_the_simulator_does(require):
    x = array(Line(2e3))
    data = multiply(x, V, engine=require("ngspice"), maps=True)
    assert data["i_bl"].values == pytest.approx(data["i_cell"].sum("row").values, rel=1e-5)
    assert len(Cells(x).groups) == 1


def test_maps_have_units_and_a_picture():
    data = conductances(array())
    shown = as_map(data, "g")
    assert shown.z == pytest.approx(G) and shown.z_unit == "S"
    ax = Figure().subplots()
    shown.plot(ax)
    assert ax.get_xlabel() == "Column"
    with pytest.raises(InputError, match="vector"):
        as_map(multiply(array(), V, engine="ngspice", maps=True)["v_cell"])


@pytest.mark.parametrize(("call", "words"), [
    (lambda: multiply(array(), np.ones((2, 3))), "vectors of 4"),
    (lambda: multiply(array(), [[0, 0, 0, 0], [0, 0, np.inf, 0]]), "vector 1, row 2.*inf"),
    (lambda: bias(array(), 4, 0, 1.0), r"row 4, columns \[0\].*4x3"),
    (lambda: bias(array(), 0, [0, 3], 1.0), "inside 4x3"),
    (lambda: bias(array(), 0, 0, 1.0, "V/4"), "V/2, V/3, floating"),
    (lambda: bias(array(), 0, 0, 1.0, "gated"), "no family of gates"),
    (lambda: bias(array(), 0, 0, np.nan), "row 0"),
    (lambda: write(array(), 0, 0, 1.0, -1e-9), "above 0 s"),
    (lambda: write_verify(array(), np.ones((3, 4)), up=Ramp(1, 1, 1), down=Ramp(-1, -1, -1), width=1e-6), "targets"),
    (lambda: write_verify(array(), np.where(G[2, 1] == G, -1, G), up=Ramp(1, 1, 1), down=Ramp(-1, -1, -1), width=1e-6),
     "row 2, column 1"),
    (lambda: read(array(), 0.0), "other than 0"),
    (lambda: conductances(crossbar(2, 2, cell_1t1r()), device="sin"), "row 0, column 0.*syn"),
    (lambda: transient(array(), {}, 1e-6, times=[2e-6]), "within 0 to 1e-06"),
])
def test_refused(call, words):
    with pytest.raises(SpicememError, match=words):
        call()


def test_the_default_engine_suits_the_array():
    linear, devices = crossbar(2, 2, Resistor(1e4)), crossbar(2, 2, VTEAM())
    assert simulator(linear, None, at_rest=True).name == "reference"
    assert simulator(linear, None).name == "vacask"  # a transient of it
    assert simulator(devices, None, at_rest=True).name == "vacask"
    assert simulator(devices, "ngspice").name == "ngspice"


def test_a_linear_sweep_is_what_one_point_at_a_time_gives():
    rng = np.random.default_rng(3)
    x = crossbar(12, 9, Resistor(1.0), values={"ohm": 1 / rng.uniform(1e-6, 1e-3, (12, 9))}, wires=Line(2.0))
    volts = rng.uniform(-1, 1, (5, 12))
    together = multiply(x, volts, engine="reference")["i_bl"].values
    alone = np.stack([multiply(x, v, engine="reference")["i_bl"].values[0] for v in volts])
    np.testing.assert_allclose(together, alone, rtol=1e-10)
    assert not np.allclose(together[0], together[1])

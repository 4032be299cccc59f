"""Uniform (interface) resistive memory: oxygen exchange over the whole area, Schottky barriers; two terminals."""

from spicemem.expr import Expr, absolute, exp, forward, local, log, maximum, minimum, power, quantity, sinh, sqrt
from spicemem.model import Behaviour, Model, Param, Preset, State, Terminal, branch, rate
from spicemem.spread import Lognormal

_TABLE = "Table 1 of Sun et al. 2021 (ref. {}); constants calibrated to it"
#: Below it a voltage does not drive.
EDGE = quantity(0.01, "V")
_REVIEW = "Ielmini et al. 2021, Sec. 2.1 and Fig. 3 (Hsu et al., IEDM 2013)"


def _drift(field: Expr, k: Expr) -> Expr:
    """k*(e**field - 1), smoothly limited to 1e12/s, with no large number on the way (field: 0 or more)."""
    k_max = quantity(1e12, "1/s")
    return k_max * (1 - exp(-field)) / (1 + exp(log(k_max / k) - field))


def _stack(
    doc: str, source: str, values: dict[str, float], set_pulse: tuple[float, float], reset_pulse: tuple[float, float],
    anode: str | None = None,
) -> Preset:
    """A preset of Table 1: starts off; looped at 1 V/s to the amplitudes of its pulses, 1.5 times what switches it."""
    peaks = (set_pulse[0], reset_pulse[0])
    return Preset(doc, source, {"x_init": 0.0, **values}, anode=anode, behaviour={
        "threshold": max(map(abs, peaks)) / 1.5, "loop": peaks, "rate": 1.0, "set_pulse": set_pulse,
        "reset_pulse": reset_pulse, "pulses": 20, "times": (1e-8, 1.0)})


class InterfaceRRAM(Model):
    """Uniform interface RRAM: ions exchanged over the whole interface change the conductance gradually.

    Positive v(p, n) sets; the review does not say which electrode p is. i = g(x)*v_0*sinh(v/v_0), in series with the
    electrodes, where x is the share of the interface that is converted. g is linear in x where the area conducts in
    parallel (barrier 0) and exponential where x lowers one Schottky barrier (barrier 1). Each polarity has its own
    exponential kinetics and a window (1-x)^2 or x^2: identical pulses saturate. Nothing moves at 0 V.
    """

    reference = f"{_REVIEW}; kinetics and current in docs/devices.md, chosen to meet it"

    p, n = Terminal(), Terminal()

    g_off = Param(20e-9, "S", "conductance at x = 0", low=1e-15, high=1, source="chosen with g_on")
    g_on = Param(120e-9, "S", "conductance at x = 1", low=1e-15, high=1, source=f"chosen: around 100 nS: {_REVIEW}")
    barrier = Param(0.0, "1", "share of the conductance that is exponential in x", low=0, high=1,
                    source="chosen: none in the analogue device, 1 for a Schottky barrier of large ratio")
    v_0 = Param(1.0, "V", "voltage scale of the nonlinear current", low=0.05, high=100, source="chosen")
    r_s = Param(100.0, "Ohm", "resistance of the electrodes, of the current only", low=1e-3, high=1e12, source="chosen")
    k_p = Param(4e-3, "1/s", "rate of set", low=1e-20, high=1e6, source="calibrated: 32 to 101 nS in 50 pulses")
    v_p = Param(0.30, "V", "voltage scale of set", low=0.01, high=10, source="calibrated with k_p")
    k_n = Param(4e-3, "1/s", "rate of reset", low=1e-20, high=1e6, source="calibrated: back to 38 nS in 50 pulses")
    v_n = Param(0.30, "V", "voltage scale of reset", low=0.01, high=10, source="calibrated with k_n")
    x_init = Param(0.12, "1", "converted share at the start", low=0, high=1, source="chosen: 32 nS by default")

    x = State(init=x_init, unit="1", doc="converted share of the interface", low=0.0, high=1.0, resolution=1e-4)

    presets = {
        "ta_taox_tio2_ti": Preset("Ta/TaOx/TiO2/Ti: oxygen exchange, 1 ms pulses of 3 V either way", _REVIEW),
        "au_mos2_au": _stack(
            "Au/MoS2/Au: Schottky barrier", f"{_TABLE.format('[58]')}; switching times are not printed: 100 ns chosen",
            {"barrier": 1.0, "g_on": 1e-4, "g_off": 9.78e-12, "k_p": 2.344e-6, "v_p": 0.2063, "k_n": 5.016e-6,
             "v_n": 0.1412}, (4.5, 30e-6), (-3.0, 25e-6)),
        "pt_tio2_tin": _stack(
            "Pt/TiO2/TiN: Schottky barrier", f"{_TABLE.format('[60,71]')}; times are not printed: 100 ns chosen",
            {"barrier": 1.0, "g_on": 1e-4, "g_off": 9.864e-7, "k_p": 4.992e-6, "v_p": 0.1412, "k_n": 5.027e-6,
             "v_n": 0.1412}, (3.0, 25e-6), (-3.0, 25e-6)),
        "au_pt_tio2x_pt_ti": _stack(
            "Au/Pt/TiO2-x/Pt/Ti: Schottky barrier; sets at negative voltage",
            f"{_TABLE.format('[65]')}; set voltage read as -1.3 to -0.7 V, reset as 0.7 to 1.2 V",
            {"barrier": 1.0, "g_on": 1e-4, "g_off": 1.927e-9, "v_0": 0.5, "k_p": 3.311e-5, "v_p": 0.0777,
             "k_n": 1.425e-4, "v_n": 0.0838}, (1.5, 25e-6), (-1.425, 60e-6), anode="n"),
        "pt_ti_al2o3_tiox_pt_ta": _stack(
            "Pt/Ti/Al2O3/TiOx/Pt/Ta: Schottky barrier",
            f"{_TABLE.format('[73]')}; times are not printed: 100 ns chosen",
            {"barrier": 1.0, "g_on": 1e-4, "g_off": 9.879e-6, "v_0": 0.5, "k_p": 3.542e-5, "v_p": 0.0531,
             "k_n": 3.571e-5, "v_n": 0.0531}, (1.05, 15e-6), (-1.05, 15e-6)),
        "tin_al2o3_tio2_tin": _stack(
            "TiN/Al2O3/TiO2/TiN: tunnelling, self-nonlinear",
            f"{_TABLE.format('[74]')}; reset read as -3 V, not printed",
            {"barrier": 1.0, "g_on": 1e-8, "g_off": 9.989e-11, "v_0": 0.4, "k_p": 3.098e-7, "v_p": 0.1796,
             "k_n": 3.098e-7, "v_n": 0.1796}, (4.5, 8e-6), (-4.5, 8e-6)),
        "tin_taox_hfalyox_tin": _stack(
            "TiN/TaOx/HfAlyOx/TiN: oxygen vacancies, analogue", _TABLE.format("[77]"),
            {"g_on": 2e-5, "g_off": 3.324e-6, "k_p": 1.116e-6, "v_p": 0.135, "k_n": 3.144e-6, "v_n": 0.1975},
            (3.0, 40e-6), (-4.5, 8e-6)),
        "pt_ti_srtio3_pt": _stack(
            "Pt/Ti/a-SrTiO3/Pt: Schottky barrier",
            f"{_TABLE.format('[79]')}; ratio read as 10**3.5; times are not printed: 100 ns chosen",
            {"barrier": 1.0, "g_on": 1e-4, "g_off": 3.108e-8, "k_p": 5.501e-6, "v_p": 0.1346, "k_n": 1.123e-5,
             "v_n": 0.09448}, (2.85, 25e-6), (-1.95, 20e-6)),
    }
    # Sizes chosen: uniform switching averages over the area and spreads less than filaments do.
    spread = {"g_on": Lognormal(0.05), "g_off": Lognormal(0.05), "k_p": Lognormal(0.1), "k_n": Lognormal(0.1)}
    behaviour = Behaviour(kind="bipolar", threshold=3.0, loop=(3.0, -3.0), rate=20.0, set_pulse=(3.0, 1e-3),
                          reset_pulse=(-3.0, 1e-3), pulses=50, times=(1e-6, 1.0), retention=1e4)

    def constraints(self):  # type: ignore[no-untyped-def]
        yield self.g_off < self.g_on, "g_off must be below g_on"
        yield self.g_on * self.r_s < 0.1, "r_s must stay below a tenth of the device's own resistance, 1/g_on"

    def equations(self):  # type: ignore[no-untyped-def]
        v = local("v_device", self.p - self.n)
        x = minimum(maximum(self.x, 0), 1)
        parallel = self.g_off + (self.g_on - self.g_off) * x
        schottky = self.g_off * power(self.g_on / self.g_off, x)
        g = local("g", (1 - self.barrier) * parallel + self.barrier * schottky)
        free = local("i_free", g * self.v_0 * sinh(v / self.v_0))
        yield branch(self.p, self.n, free / (1 + self.r_s * absolute(free) / sqrt(v * v + quantity(1e-4, "V**2"))))
        left = local("left", 1 - self.x)
        up = left * absolute(left) * _drift(forward(v, EDGE) / self.v_p, self.k_p)
        down = self.x * absolute(self.x) * _drift(forward(-v, EDGE) / self.v_n, self.k_n)
        yield rate(self.x, up - down)

"""Phase-change memory: crystallisation by accumulation, melting, threshold switching, drift (GST)."""

from spicemem.expr import exp, local, maximum, minimum, quantity, sqrt, step, tanh
from spicemem.model import Behaviour, Input, Model, Param, Preset, State, Terminal, branch, rate
from spicemem.spread import Lognormal, Relative

_MUSHROOM = "chosen: order of magnitude of a mushroom cell of GST"
_MAP = "calibrated: 0.3, 1.3, 4.1, 11.5 uS after 1, 5, 10, 20 pulses of 1.2 V, 50 ns; a chosen map"
_DRIFT = "recalled from Ielmini et al. on drift in GST, not re-read: 0.1 in RESET, 0.01 in SET"


class PCM(Model):
    """Phase-change memory: pulses of either sign crystallise it step by step, a short hotter one makes it amorphous.

    The same for both polarities. 1.2 V for 50 ns is one SET step (about 700 K), 2 V for 30 ns with edges of a few ns
    is a RESET (above 890 K). State a: amorphous fraction; t_dev: temperature; on: the electronic on state of threshold
    switching, which comes above v_hold + v_snap*a and goes below v_hold; age: ln(1 + time since melting/t_0), by which
    the low-field conductance drifts as a power of time. Nucleation and growth take place
    between t_x and t_y; melting starts at t_m.
    """

    reference = "Formulation of spicemem, after Tuma et al., Nat. Nanotechnol. 11, 693 (2016) for accumulation"

    p, n = Terminal(), Terminal()
    read_noise = Input("1", "relative read noise of the low-field current", optional=True)
    jitter = Input("V", "shift of the threshold, redrawn each cycle", optional=True)

    g_c = Param(20e-6, "S", "conductance of the crystalline phase", low=1e-12, high=1, source=_MAP)
    g_a = Param(0.2e-6, "S", "conductance of the amorphous phase at low field", low=1e-15, high=1, source=_MAP)
    f_a = Param(5.0, "1", "rise of the amorphous conductance at high field", low=0, high=1e3, source=_MUSHROOM)
    v_a = Param(1.0, "V", "voltage at which it comes", low=0.01, high=100, source="chosen: the threshold")
    g_on = Param(200e-6, "S", "conductance of the on state", low=1e-12, high=1, source=_MUSHROOM)
    v_hold = Param(0.4, "V", "hold voltage of the on state", low=0.05, high=10, source=_MUSHROOM)
    v_snap = Param(0.6, "V", "threshold above the hold voltage, fully amorphous", low=0, high=20, source=_MUSHROOM)
    v_w = Param(0.04, "V", "softness of the threshold", low=1e-3, high=1, source="chosen: narrow")
    tau_on = Param(1e-9, "s", "lag of the on state", low=1e-12, high=1e-3, source=_MUSHROOM)
    r_th = Param(1.32e6, "K/W", "thermal resistance", low=1, high=1e12, source="calibrated: 680 K at 1.2 V")
    c_th = Param(2.3e-15, "J/K", "heat capacity", low=1e-21, high=1, source="calibrated: 3 ns with r_th")
    t_amb = Param(300.0, "K", "ambient temperature", low=50, high=600, source="room temperature")
    k_g = Param(2.35e6, "1/s", "largest rate of crystallisation", low=1e-6, high=1e12, source=_MAP)
    t_x = Param(620.0, "K", "temperature above which it crystallises", low=100, high=3000, source=_MUSHROOM)
    t_y = Param(790.0, "K", "temperature up to which it crystallises", low=100, high=3000, source=_MUSHROOM)
    w_x = Param(16.0, "K", "width of these edges", low=5, high=100, source="chosen: ten years at 350 K")
    x_n = Param(0.02, "1", "crystalline fraction that nucleation is worth", low=1e-6, high=1, source=_MAP)
    t_m = Param(890.0, "K", "melting point", low=200, high=5000, source=_MUSHROOM)
    k_m = Param(4.5e5, "1/(K*s)", "rate of melting for each K", low=1, high=1e12, source="calibrated: 30 ns at 2 V")
    nu_a = Param(0.1, "1", "drift exponent, amorphous", low=0, high=1, source=_DRIFT)
    nu_c = Param(0.01, "1", "drift exponent, crystalline", low=0, high=1, source=_DRIFT)
    t_0 = Param(1e-6, "s", "time from melting to the onset of drift", low=1e-12, high=1e6, source="chosen: early")
    a_init = Param(0.99, "1", "amorphous fraction at the start", low=0, high=1, source="chosen: RESET")
    on_init = Param(0.0, "1", "on state at the start of a run that holds it", low=0, high=1, source="off")
    t_init = Param(300.0, "K", "temperature at the start of a run that holds it", low=50, high=1e9, source="cold")
    age_init = Param(0.0, "1", "ln(1 + time since melting/t_0) at the start", low=0, high=100, source="fresh")

    a = State(init=a_init, unit="1", doc="amorphous fraction", low=0.0, high=1.0, resolution=1e-4)
    on = State(init=on_init, unit="1", doc="electronic on state", low=0.0, high=1.0, resolution=1e-3, static="solve")
    t_dev = State(init=t_init, unit="K", doc="temperature", low=50.0, resolution=0.1, static="solve")
    age = State(init=age_init, unit="1", doc="drift age", low=0.0, resolution=1e-3)

    presets = {
        "gst_reset": Preset("GST mushroom cell, amorphous", "as the parameters say"),
        "gst_set": Preset("GST mushroom cell, crystalline", "as the parameters say", {"a_init": 0.05}),
    }
    behaviour = Behaviour(kind="unipolar", threshold=1.5, loop=(1.3,), rate=1e6, set_pulse=(1.2, 50e-9),
                          reset_pulse=(2.0, 30e-9), pulses=20, times=(1e-8, 1.0), retention=1e4)
    spread = {"g_a": Lognormal(0.3), "g_c": Lognormal(0.1), "k_g": Lognormal(0.2), "r_th": Relative(0.02)}  # chosen

    def constraints(self):  # type: ignore[no-untyped-def]
        yield self.g_a < self.g_c, "g_a must be below g_c"
        yield self.t_amb < self.t_x, "t_amb must be below t_x"
        yield self.t_x < self.t_y, "t_x must be below t_y"
        yield self.t_y < self.t_m, "t_y must be below t_m"

    def equations(self):  # type: ignore[no-untyped-def]
        v, ten = self.p - self.n, quantity(10.0, "K")
        x, field = maximum(1 - self.a, 0), 1 + self.f_a * tanh(v / self.v_a) ** 2
        drift = local("drift", exp(-(self.nu_c + (self.nu_a - self.nu_c) * self.a) * self.age))
        low = (self.g_c * x * sqrt(x + 1e-4) + self.g_a * maximum(self.a, 0) * field) * drift
        g = low * maximum(1 + self.read_noise, 0) + self.g_on * maximum(self.on, 0)
        i = local("i_dev", v * g)
        size = sqrt(v * v + quantity(1e-4, "V**2")) - quantity(1e-2, "V")
        v_on = self.v_hold + self.v_snap * self.a * (1 - self.on) + self.jitter
        window = step((self.t_dev - self.t_x) / self.w_x) * step((self.t_y - self.t_dev) / self.w_x)
        growth = self.k_g * window * sqrt(x + self.x_n) * self.a
        excess = maximum(self.t_dev - self.t_m, 0)
        melt = minimum(self.k_m * excess * excess / (excess + ten), quantity(1e12, "1/s")) * (1 - self.a)
        yield branch(self.p, self.n, i)
        yield rate(self.a, melt - growth)
        # 1e-6: carriers at rest, so that no simulator has to follow the decay of nothing.
        yield rate(self.on, (step((size - v_on) / self.v_w) + 1e-6 - self.on) / self.tau_on)
        yield rate(self.t_dev, (v * i - (self.t_dev - self.t_amb) / self.r_th) / self.c_th)
        yield rate(self.age, exp(-maximum(self.age, -1)) / self.t_0
                   - self.age * step((self.t_dev - self.t_m) / ten) * quantity(1e9, "1/s"))

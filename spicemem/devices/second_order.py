"""Second-order memristors: a second state that fades (temperature, ion mobility) decides what a spike does."""

from spicemem.expr import exp, expm1, local, maximum, quantity, sinh, tanh, walls, where
from spicemem.model import Behaviour, Input, Model, Param, Preset, State, Terminal, branch, rate
from spicemem.spread import Lognormal

BOLTZMANN = quantity(8.617333262e-5, "V/K")
FASTEST = quantity(1e12, "1/s")
_KIM = "Kim et al., Nano Lett. 15, 2203 (2015)"
_PAIRS = "calibrated: pairs 1.2, 1.5, 2 and 3 us apart change the conductance as 1 : 0.22 : 0.04 : 0"
_DU = "Du et al., Adv. Funct. Mater. 25, 4290 (2015)"
_NETLIST = f"public SPICE netlist univ_michigan_chaodu of {_DU}, see docs/devices.md"


class SecondOrderTaOx(Model):
    """Second-order memristor Ta2O5-x/TaOy: the heat of one spike helps the next, without overlap.

    Positive v(p, n) sets; with the presynaptic neuron at n and the postsynaptic one at p, post after pre potentiates,
    as in the paper. Vacancies move by sinh(v/v_0) with an activation energy at the temperature of the filament, a
    state of its own: tau_t*dt/dt = r_th*v*i - (t - t_amb). A spike (1.6 V, 20 ns, then 0.7 V, 1 us) moves little by
    itself; it warms the device for what comes within the next microsecond.
    """

    reference = f"{_KIM}; Ielmini et al. 2021, Fig. 12e-f; equations in docs/devices.md"

    p, n = Terminal("top electrode"), Terminal("bottom electrode")
    read_noise = Input("1", "relative read noise of the current", optional=True)

    g_off = Param(0.5e-3, "S", "conductance at w = 0", low=1e-9, high=1, source="chosen: 1 mS in the middle")
    g_on = Param(1.5e-3, "S", "conductance at w = 1", low=1e-9, high=1, source="chosen: 1 mS in the middle")
    k_w = Param(1e-2, "1/s", "rate of vacancy motion at t_amb", low=1e-15, high=1e9,
                source="chosen: the pair 1.2 us apart moves about a tenth of the window")
    v_0 = Param(0.10, "V", "voltage scale of vacancy motion", low=0.01, high=10, source=_PAIRS)
    e_a = Param(0.5, "V", "activation energy of motion over the charge of an electron", low=0, high=3, source=_PAIRS)
    r_th = Param(2.6e5, "K/W", "thermal resistance of the filament", low=0, high=1e9, source=_PAIRS)
    tau_t = Param(500e-9, "s", "thermal time constant", low=1e-12, high=1, source=f"{_PAIRS}; some 500 ns in {_KIM}")
    t_amb = Param(300.0, "K", "ambient temperature", low=200, high=500, source="chosen: room temperature")
    w_init = Param(0.5, "1", "position in the window at the start", low=0, high=1, source="chosen: 1 mS")
    t_init = Param(300.0, "K", "temperature at the start, where it is held", low=0, high=1e5, source="as t_amb")

    w = State(init=w_init, unit="1", doc="position in the conductance window", low=0.0, high=1.0, resolution=1e-4)
    t = State(init=t_init, unit="K", doc="temperature of the filament", resolution=0.05, static="solve")

    spread = {"k_w": Lognormal(0.2), "g_off": Lognormal(0.1), "r_th": Lognormal(0.05)}  # sizes chosen
    presets = {"kim_2015": Preset("spikes of 1.6 V, 20 ns and 0.7 V, 1 us", f"{_KIM}; {_PAIRS}")}
    behaviour = Behaviour(kind="bipolar", threshold=1.0, loop=(1.0, -1.0), rate=1e5, set_pulse=(0.85, 1e-6),
                          reset_pulse=(-0.85, 1e-6), pulses=20, v_read=0.05, times=(1e-8, 1e-4), retention=1e3)

    def constraints(self):  # type: ignore[no-untyped-def]
        yield self.g_off < self.g_on, "g_off must be below g_on"

    def equations(self):  # type: ignore[no-untyped-def]
        v = local("v_device", self.p - self.n)
        g = local("g", self.g_off + (self.g_on - self.g_off) * maximum(self.w, 0))
        i = local("i_device", g * v * maximum(1 + self.read_noise, 0))
        hot = exp(self.e_a / BOLTZMANN * (1 / self.t_amb - 1 / maximum(self.t, quantity(1.0, "K"))))
        speed = local("speed", FASTEST * tanh(self.k_w * sinh(v / self.v_0) * hot / FASTEST))
        yield branch(self.p, self.n, i)
        yield rate(self.w, walls(speed, self.w, 0, 1, 0.005))
        yield rate(self.t, (self.r_th * g * v * v - (self.t - self.t_amb)) / self.tau_t)


class SecondOrderWOx(Model):
    """Second-order memristor WO3-x: a spike raises the mobility of oxygen vacancies, which then fades.

    Positive v(p, n) sets: vacancies widen the ohmic and tunnelling share w of the interface at the expense of its
    Schottky barrier. Every voltage, of either sign, raises the mobility, 1 + sigma*mu, which fades in tau_m; drift and
    relaxation of w go with it, so that what comes soon after does more. Current, scales of voltage, sigma and the slow
    relaxation are those of the published netlist, where mobility speeds up the relaxation only; that it speeds up the
    drift is what the review says, and needed for any spike to help the next. share_r: how far reset needs mobility
    too; at 0 a spike of both signs does b*mu*(1 - w) - a*w, which is a BCM rule with a threshold that slides with w.
    """

    reference = f"{_DU}; Wang et al., Nat. Commun. 11, 1510 (2020); Ielmini et al. 2021, Sec. 5.3 and Fig. 13"

    p, n = Terminal("top electrode"), Terminal("tungsten")
    read_noise = Input("1", "relative read noise of the current", optional=True)

    i_s = Param(2e-7, "A", "current of the Schottky barrier", low=1e-15, high=1, source=_NETLIST)
    v_s = Param(1 / 2.1, "V", "voltage scale of the barrier", low=0.01, high=100, source=f"1/2.1 V: {_NETLIST}")
    i_t = Param(1e-4, "A", "current of the conducting share", low=1e-15, high=1, source=_NETLIST)
    v_t = Param(1 / 1.35, "V", "voltage scale of that share", low=0.01, high=100, source=f"1/1.35 V: {_NETLIST}")
    k_p = Param(2.94e-6, "1/s", "rate of set at rest", low=1e-30, high=1e6,
                source="chosen: with k_m, 0.012 a 1.2 V, 0.1 ms pulse for each unit of mu")
    k_n = Param(2.94e-6, "1/s", "rate of reset at rest", low=1e-30, high=1e6, source="chosen: as k_p")
    v_w = Param(0.08, "V", "voltage scale of drift", low=0.01, high=10, source=f"1/12.5 V: {_NETLIST}")
    sigma = Param(25.0, "1", "gain of mobility for a unit of mu", low=0, high=1e6, source=_NETLIST)
    share_r = Param(1.0, "1", "how far reset depends on mobility", low=0, high=1, source="chosen: as set")
    k_m = Param(4000.0, "1/s", "rate of mobility", low=0, high=1e9, source="chosen: 0.5 V for 5 ms raises mu by 1")
    v_m = Param(10.0, "V", "voltage scale of mobility", low=0.01, high=1e3, source=f"1/0.1 V: {_NETLIST}")
    tau_m = Param(50e-3, "s", "time in which mobility fades", low=1e-9, high=1e6,
                  source="chosen: docs/devices.md, for BCM thresholds of 16 to 60 Hz")
    tau_w = Param(1e3, "s", "time in which w relaxes", low=1e-6, high=1e12, source=_NETLIST)
    w_rest = Param(0.05, "1", "share that w relaxes to", low=0, high=1, source="chosen: nearly off")
    w_init = Param(0.2, "1", "conducting share at the start", low=0, high=1, source="chosen")
    mu_init = Param(0.0, "1", "mobility gained at the start", low=0, high=1e6, source="at rest")

    w = State(init=w_init, unit="1", doc="conducting share of the interface", low=0.0, high=1.0, resolution=1e-4)
    mu = State(init=mu_init, unit="1", doc="mobility gained", low=0.0, resolution=1e-3, static="solve")

    spread = {"k_p": Lognormal(0.2), "k_n": Lognormal(0.2), "i_t": Lognormal(0.1), "tau_m": Lognormal(0.1)}  # chosen
    presets = {
        "du_2015": Preset("set and reset by mobile vacancies", _NETLIST),
        "bcm": Preset("mobility helps set only: thresholds of 16, 33 and 60 Hz at w = 0.2, 0.4, 0.6",
                      "docs/devices.md: tau_m 50 ms, a 0.02, b 0.012", {"k_n": 1.224e-4, "share_r": 0.0},
                      {"k_n": "calibrated: -1.2 V, 0.1 ms takes 0.02 of w", "share_r": "chosen: the rule of A14"}),
    }
    behaviour = Behaviour(kind="bipolar", threshold=1.2, loop=(1.4, -1.4), rate=2.0, set_pulse=(1.2, 5e-4),
                          reset_pulse=(-1.2, 5e-4), pulses=20, v_read=0.1, times=(1e-5, 10.0), retention=100.0)

    def equations(self):  # type: ignore[no-untyped-def]
        v, w = local("v_device", self.p - self.n), maximum(self.w, 0)
        schottky = (1 - w) * self.i_s * -expm1(-(v / self.v_s))
        yield branch(self.p, self.n, (schottky + w * self.i_t * sinh(v / self.v_t)) * maximum(1 + self.read_noise, 0))
        size = v * tanh(v / quantity(0.01, "V"))  # |v|, smooth
        gain = local("gain", self.sigma * maximum(self.mu, 0))
        k = where(v > 0, self.k_p * (1 + gain), self.k_n * (1 + self.share_r * gain))
        drift = local("drift", FASTEST * tanh(k * sinh(v / self.v_w) / FASTEST))
        relax = local("relax", FASTEST * tanh((1 + gain) / (self.tau_w * FASTEST)))
        yield rate(self.w, drift * where(v > 0, 1 - self.w, self.w) - relax * (self.w - self.w_rest))
        yield rate(self.mu, self.k_m * sinh(size / self.v_m) - self.mu / self.tau_m)

"""Diffusive memristor: volatile Ag filament, two terminals."""

from spicemem.expr import exp, local, log, maximum, minimum, quantity, sqrt, step, tanh
from spicemem.model import Behaviour, Input, Model, Param, Preset, State, Terminal, branch, rate
from spicemem.spread import Lognormal, Normal

_REVIEW = "Ielmini et al. 2021 (Ag/SiO2 of Wang et al., IEEE TED 66, 3802, 2019)"


class Diffusive(Model):
    """Diffusive memristor: volatile Ag filament that forgets by surface diffusion, with a stable thick branch.

    Volatile part: either polarity grows the filament, diameter x, above v_th. Left alone it shrinks as x**-3, driven by
    its curvature (Wang et al., Nat. Commun. 10, 81, 2019), so the conductance stays, then collapses after t_r*x**4.
    Stable part: currents above i_nv from p (the Ag electrode) to n grow it beyond x_nv, where it no longer shrinks;
    only v(p, n) below -v_reset dissolves it: threshold switching becomes bipolar, as in Pt/SiO2/Ag at 100 uA
    (Sun et al. 2021, Fig. 12). The logarithm of the conductance follows the filament across the gap at x_gap.
    """

    reference = "Wang et al., Nat. Commun. 10, 81 (2019), doi:10.1038/s41467-018-07979-0 (shrink law; recalled)"

    p, n = Terminal("Ag electrode"), Terminal("inert electrode")
    jitter = Input("V", "shift of the threshold voltage, redrawn each cycle: stochastic delay", optional=True)
    scatter = Input("1", "logarithm of a factor on the retention time, redrawn each cycle", optional=True)

    g_on = Param(1e-4, "S", "conductance at x = 1", low=1e-12, high=1, source="chosen, on/off 1e10: " + _REVIEW)
    g_off = Param(1e-14, "S", "conductance without a filament", low=1e-18, high=1e-3,
                  source="chosen, on/off 1e10: " + _REVIEW)
    v_th = Param(0.45, "V", "threshold of growth", low=0.01, high=10, source="chosen: sets at 0.4 to 0.6 V")
    v_0 = Param(0.020, "V", "voltage scale of growth", low=1e-3, high=1,
                source="chosen: delay 2 us at 0.46 V, 0.3 us at 0.50 V")
    t_s = Param(6e-6, "s", "time scale of growth at threshold", low=1e-10, high=1, source="chosen, with v_0")
    t_r = Param(2.35e-3, "s", "retention time at x = 1", low=1e-9, high=1e6,
                source="calibrated: 1.5 ms after a 1 V, 2 ms triangle through 10 kOhm, " + _REVIEW)
    d = Param(0.15, "1", "size below which the shrink rate falls again", low=0.02, high=1, source="chosen")
    x_gap = Param(0.25, "1", "size at which the filament bridges the gap", low=0.05, high=1, source="chosen")
    x_m = Param(1.02, "1", "largest volatile size", low=0.5, high=2, source="chosen")
    x_nv = Param(1.2, "1", "size above which the filament is stable", low=0.6, high=3, source="chosen, above x_m")
    x_max = Param(1.42, "1", "largest size", low=0.7, high=4, source="chosen, above x_nv")
    i_nv = Param(65e-6, "A", "current that grows a stable filament", low=1e-9, high=1,
                 source="chosen: above the 51 uA of the retention pulse, below 100 uA (Sun et al. 2021, Fig. 12)")
    v_reset = Param(0.4, "V", "negative voltage that dissolves a stable filament", low=0.01, high=10, source="chosen")
    x_init = Param(0.0, "1", "filament size at the start", low=0, source="no filament")

    x = State(init=x_init, unit="1", doc="filament diameter over that of g_on", low=0, high=x_max, resolution=1e-4)

    # Sizes chosen: delays vary by about half, retention over a decade (1 us to several ms: Ielmini et al. 2021).
    spread = {"v_th": Normal(0.02), "t_r": Lognormal(0.5)}
    behaviour = Behaviour(
        kind="threshold", threshold=0.45, loop=(1.0, -1.0), rate=1.0, series=20e3, set_pulse=(0.6, 1e-6), v_read=0.05,
        times=(1e-7, 0.1), retention=5e-3,
    )
    presets = {
        "ag_sio2": Preset("Ag/SiO2: 1.5 ms retention, on/off 1e10; bipolar after 100 uA", _REVIEW),
        "ag_sioxny_neuron": Preset(
            "Ag in SiOxNy, as in an integrate-and-fire neuron: grows in 1.5 us, forgets in 20 us",
            "chosen for the neuron of Wang et al., Nat. Electron. 1, 137 (2018)",
            {"t_r": 20e-6, "t_s": 1.5e-6, "i_nv": 1e-3},
            {"t_r": "chosen: forgets between spikes", "i_nv": "chosen: volatile at any current of the neuron",
             "t_s": "calibrated: fires after 17 to 6 pulses of 0.95 to 1.4 V through 100 kOhm into 1 nF"},
            behaviour={"times": (1e-8, 1e-2), "retention": 1e-4}),
    }

    def constraints(self):  # type: ignore[no-untyped-def]
        yield self.g_off < self.g_on * self.x_gap * self.x_gap, "g_off must be below the conductance at x_gap"
        yield self.x_gap < self.x_m, "x_gap must be below x_m"
        yield self.x_m < self.x_nv, "x_m must be below x_nv"
        yield self.x_nv < self.x_max, "x_nv must be below x_max"

    def equations(self):  # type: ignore[no-untyped-def]
        v, x = self.p - self.n, minimum(maximum(self.x, -0.1), 1.01 * self.x_max)
        bridged_0 = local("bridged_0", step(-(self.x_gap / 0.06)))
        bridged = local("bridged", (step((x - self.x_gap) / 0.06) - bridged_0) / (1 - bridged_0))
        g = self.g_off * exp(log(self.g_on / self.g_off) * bridged) * (1 + bridged * (x * x - 1))
        i = local("i_dev", minimum(maximum(local("g", g), 0.5 * self.g_off), 4 * self.g_on) * v)
        yield branch(self.p, self.n, i)

        # Field-driven growth, exactly 0 at 0 V, up to e**12 of its value at threshold; C1 stop at the largest size.
        u_th = local("u_th", (self.v_th + self.jitter) / self.v_0)
        u = local("u_v", sqrt((v / self.v_0) * (v / self.v_0) + 0.01) - 0.1)
        field = 1 / (exp(u_th - u) + exp(-12)) - 1 / (exp(u_th) + exp(-12))
        x_to = self.x_m + (self.x_max - self.x_m) * step(minimum(maximum((i / self.i_nv - 1) / 0.08, -30), 30))
        room = maximum(1 - x * local("per_x_to", 1 / x_to), 0)
        # Shrinking: volatile below x_nv at any voltage; a stable filament dissolves at negative voltage only.
        stable = local("stable", step((x - self.x_nv) / 0.015))
        loose = (1 - stable) * exp(-(10 * tanh(self.scatter / 10))) / (4 * self.t_r)
        away = tanh(minimum(maximum(-v / self.v_reset, 0), 30))
        dissolve = stable * away * away / (self.t_s * (exp((v + self.v_reset) / self.v_0) + exp(-12)))
        fastest = quantity(1e11, "1/s")
        d_4 = self.d * self.d * self.d * self.d
        change = room * room * field / self.t_s - x * (loose / (x * x * x * x + d_4) + dissolve)
        yield rate(self.x, fastest * tanh(change / fastest))

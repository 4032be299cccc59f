"""Quantum-dot memristor: a GaAs channel gated by the electrons on quantum dots, 4.2 K."""

from spicemem.expr import exp, local, quantity, softplus, tanh
from spicemem.model import Behaviour, Model, Param, Preset, State, Terminal, branch, rate
from spicemem.spread import Lognormal, Normal

G_0 = quantity(3.874045865e-5, "S")  # e**2/h, one spin as in the paper
K_E = quantity(8.617333262e-5, "V/K")  # Boltzmann's constant over the elementary charge
_PAPER = "Maier et al., J. Appl. Phys. 120(13), 2016, doi:10.1063/1.4963830"


class QuantumDot(Model):
    """Quantum-dot memristor: electrons on dots beside a one-dimensional channel set its conductance, at 4.2 K.

    Positive v(p, n) above v_d discharges the dots and raises the conductance, negative below v_c charges them: the
    paper's polarity, with p the drain (presynaptic) and n the source (postsynaptic). Current: Landauer-Buettiker,
    Eq. (2) solved for I, the series resistance inside; its channel conductance alone is the local g_channel. Charge:
    Eqs. (5) and (6), rate proportional to the voltage beyond the threshold, with soft thresholds. Eq. (4), as printed,
    would jump there. Full dots: the charging stops smoothly at n_max.
    """

    reference = _PAPER

    p, n = Terminal("drain, presynaptic"), Terminal("source, postsynaptic")

    r_s = Param(1e6, "Ohm", "series resistance, part of the device", low=0, high=1e12, source=f"{_PAPER}, Sec. II")
    t_amb = Param(4.2, "K", "ambient temperature", low=0.1, high=400, source=f"{_PAPER}, Sec. II")
    e_0 = Param(0.782347e-3, "V", "subband edge above the Fermi level, over e, empty dots", low=-1, high=1,
                source="calibrated: 0.8 uS with the series resistance, 4.000 uS channel")
    gamma = Param(0.1e-3, "V", "shift of the subband by an electron, over e", low=1e-9, high=0.1,
                  source="chosen: only gamma times the number of electrons matters")
    eta = Param(0.0, "1", "shift of the subband by the voltage, over e", low=-1e-2, high=1e-2,
                source="chosen: none; not given in the paper, irrelevant for reading around 0 V")
    n_max = Param(45.859, "1", "electrons on full dots", low=1e-3, high=1e9, source="calibrated: 1.4e-5 uS at 0 V")
    room = Param(0.125, "1", "share of n_max over which charging stops", low=1e-3, high=1,
                 source="chosen: the slope of 1 - (n/n_max)**8 at full dots")
    v_c = Param(-3.2, "V", "threshold of charging", low=-100, high=0,
                source="calibrated with w_c: fits of Table 2, and -1.98 V in a loop at 0.05 V/s")
    v_d = Param(5.0, "V", "threshold of discharging", low=0, high=100,
                source="calibrated with w_d: fits of Table 2, and 3.95 V in a loop at 0.05 V/s")
    w_c = Param(0.20, "V", "softness of v_c", low=1e-3, high=2, source="calibrated: see v_c")
    w_d = Param(0.17, "V", "softness of v_d", low=1e-3, high=2, source="calibrated: see v_d")
    a_c = Param(3836.4, "1/(V*s)", "charging efficiency, electrons a second and volt", low=0, high=1e12,
                source="calibrated: 1.06 /(V ms) times gamma/kT, amplitudes of Table 2")
    a_d = Param(1600.0, "1/(V*s)", "discharging efficiency", low=0, high=1e9, source="calibrated: as a_c")
    n_init = Param(5.3167, "1", "electrons at the start", low=0, high=1e9,
                   source=f"calibrated: channel conductance of 1.000 uS, G0 of {_PAPER}, Sec. III")

    n_dots = State(init=n_init, unit="1", doc="electrons on the dots", low=0.0, high=n_max,
                   resolution=lambda m: 1e-4 * m.n_max)

    presets = {
        "x": Preset("the experiment: soft thresholds, Fig. 3 and Table 2", _PAPER),
        "p": Preset("the paper's simulation: sharp thresholds at the voltages of the loop, Fig. 4", _PAPER,
                    {"v_c": -1.9, "v_d": 3.9, "w_c": 0.02, "w_d": 0.02, "a_c": 1266.7, "a_d": 240.0},
                    {"v_c": f"{_PAPER}, Sec. II", "v_d": f"{_PAPER}, Sec. II", "w_c": "chosen: sharp",
                     "w_d": "chosen: sharp", "a_c": "calibrated: 0.35 /(V ms) times gamma/kT, depth of Fig. 4(a)",
                     "a_d": "calibrated: height of Fig. 4(a)"},
                    behaviour={"threshold": 3.9, "set_pulse": (4.3, 1e-3), "reset_pulse": (-2.4, 1e-3)}),
    }
    # Chosen: the paper has one device. Thresholds as of one lithography run, tunnelling efficiencies wider.
    spread = {"v_c": Normal(0.05), "v_d": Normal(0.05), "a_c": Lognormal(0.1), "a_d": Lognormal(0.1)}
    behaviour = Behaviour("bipolar", threshold=5.0, loop=(4.8, -3.2), rate=0.05, set_pulse=(5.2, 5e-4),
                          reset_pulse=(-3.4, 5e-4), v_read=0.05, times=(1e-4, 10.0), retention=100.0)

    def constraints(self):  # type: ignore[no-untyped-def]
        yield self.v_c < self.v_d, "the threshold of charging, v_c, must be below that of discharging, v_d"

    def equations(self):  # type: ignore[no-untyped-def]
        v = local("v_device", self.p - self.n)
        edge = (self.e_0 + self.gamma * self.n_dots + self.eta * v) / (K_E * self.t_amb)
        g = local("g_channel", G_0 / (1 + exp(edge)))
        yield branch(self.p, self.n, v / (self.r_s + 1 / g))
        charging = self.a_c * softplus(self.v_c - v, self.w_c) * tanh((1 - self.n_dots / self.n_max) / self.room)
        yield rate(self.n_dots, charging - self.a_d * self.n_dots * softplus(v - self.v_d, self.w_d))

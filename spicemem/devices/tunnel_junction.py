"""Oxide tunnel junction with short-term and long-term memory: Pt/SrTiO3/Nb:SrTiO3, 2.8 nm."""

from spicemem.expr import Expr, exp, expm1, local, log, minimum, quantity, sinh, sqrt, tanh, where
from spicemem.model import Behaviour, Model, Param, Preset, State, Terminal, branch, rate
from spicemem.spread import Lognormal

ROUND = quantity(5e-3, "V")  # rounding of the voltage at 0 in the rates
CAP = quantity(1e12, "1/s")  # no rate is faster, whatever the bias
_PAPER = "Li et al., ACS Appl. Mater. Interfaces 2019, doi:10.1021/acsami.9b13434"


def above(v: Expr) -> Expr:
    """Smooth max(v, 0) that is exactly 0 below 0: no state may creep while it is read with the other sign."""
    return where(v > 0, sqrt(v * v + ROUND * ROUND) - ROUND, 0)


class OTJ(Model):
    """Oxide tunnel junction: Pt/SrTiO3/Nb:SrTiO3, vacancies give long-term memory, a fast state short-term memory.

    Positive v(p, n) raises the conductance, as in the paper: p is Pt, n the grounded substrate. The logarithm of the
    conductance is linear in the vacancy profile w; both directions slow down exponentially on the way, so that equal
    pulses raise the conductance in equal steps and 50 ns and 100 ms pulses share one law. The short-term state s,
    filled by positive voltage only, adds a conductance proportional to its square (one 20 ns pulse takes little
    energy, ten dense ones show) and helps the vacancies while it lasts: dense pulses write where sparse ones do not.
    The paper has no equations; these are of this project.
    """

    reference = _PAPER

    p, n = Terminal("Pt"), Terminal("Nb:SrTiO3 substrate")

    g_off = Param(1 / 1.8e8, "S", "conductance of the high resistance state", low=1e-15, source=f"{_PAPER}, Fig. 1b")
    g_on = Param(1 / 2.7e4, "S", "conductance of the low resistance state", low=1e-15, source=f"{_PAPER}, Fig. 1b")
    v_0 = Param(1.55, "V", "voltage scale of the current, v_0*sinh(v/v_0)", low=0.1, high=1e3,
                source="calibrated with g_s: 0.46 fJ at 1.8 V and 20 ns, Fig. 3f")
    a_p = Param(5.15e-9, "1/s", "rate of potentiation at the high resistance state", low=0, high=1e12,
                source="calibrated: 1 to 10.5 uS in 20 pulses of 2.2 V, Fig. 3c; 1 % at 1.8 V, 20 ns")
    v_p = Param(0.061, "V", "voltage scale of potentiation", low=5e-3, high=10, source="calibrated: as a_p")
    r_p = Param(8.805, "1", "slowing of potentiation across w", low=0, high=50,
                source="chosen: log(g_on/g_off), equal steps of conductance")
    a_n = Param(1.07e-3, "1/s", "rate of depression at the low resistance state", low=0, high=1e12,
                source="calibrated: 10.5 to 1 uS in 20 pulses of -2.5 V, Fig. 3c")
    v_n = Param(0.12, "V", "voltage scale of depression", low=5e-3, high=10, source="calibrated: as a_n")
    r_n = Param(5.0, "1", "slowing of depression across w", low=0, high=50, source="calibrated: as a_n")
    tau_s = Param(0.8e-6, "s", "decay time of the short-term state", low=1e-12, high=1e6,
                  source="calibrated: letters of Fig. 4")
    k_s = Param(3e6, "1/s", "filling rate of the short-term state", low=0, high=1e12,
                source="calibrated: letters of Fig. 4, paired pulses")
    v_s = Param(1.0, "V", "voltage that half fills it", low=0.01, high=100, source="calibrated: as k_s")
    g_s = Param(300e-9, "S", "conductance of the full short-term state", low=0, high=1,
                source="calibrated with v_0: 0.46 fJ at 1.8 V and 20 ns; letters of Fig. 4")
    kappa = Param(1.6, "V", "voltage by which the full short-term state helps potentiation", low=0, high=10,
                  source="calibrated: letter H stays, C and N do not, Fig. 4")
    wall = Param(0.005, "1", "width of the walls of w", low=1e-6, high=0.1, source="chosen: narrow")
    w_init = Param(0.0, "1", "vacancy profile at the start", low=0, high=1, source=f"pristine: {_PAPER}, Fig. 1b")
    s_init = Param(0.0, "1", "short-term state at the start", low=0, high=1, source="chosen: at rest")

    w = State(init=w_init, unit="1", doc="vacancy profile", low=0.0, high=1.0, resolution=1e-4)
    s = State(init=s_init, unit="1", doc="short-term state", low=0.0, high=1.0, resolution=1e-4, static="solve")

    presets = {"li_2019": Preset("2.8 nm junction, from the high resistance state", _PAPER)}
    # Chosen: the 20 devices of Fig. 1g are within a factor of about 2 on a logarithmic axis; no numbers are printed.
    spread = {"g_off": Lognormal(0.15), "g_on": Lognormal(0.15), "a_p": Lognormal(0.2), "a_n": Lognormal(0.2)}
    behaviour = Behaviour("bipolar", threshold=2.5, loop=(1.5, -2.0), rate=10.0, set_pulse=(1.6, 50e-9),
                          reset_pulse=(-2.5, 50e-9), times=(20e-9, 0.1), retention=1e4)

    def constraints(self):  # type: ignore[no-untyped-def]
        yield self.g_off < self.g_on, "g_off must be below g_on"

    def equations(self):  # type: ignore[no-untyped-def]
        v = local("v_device", self.p - self.n)
        up, down = local("v_up", above(v)), local("v_down", above(-v))
        g = local("g_memory", self.g_off * exp(self.w * log(self.g_on / self.g_off)))
        yield branch(self.p, self.n, (g + self.g_s * self.s**2) * self.v_0 * sinh(v / self.v_0))
        pushed = above(v + self.kappa * self.s * tanh(up / quantity(0.3, "V")))
        growth = self.a_p * exp(-(self.r_p * self.w)) * expm1(pushed / self.v_p)
        decay = self.a_n * exp(-(self.r_n * (1 - self.w))) * expm1(down / self.v_n)
        yield rate(self.w, minimum(growth, CAP) * tanh((1 - self.w) / self.wall)
                   - minimum(decay, CAP) * tanh(self.w / self.wall))
        filling = (up / self.v_s) ** 4
        yield rate(self.s, self.k_s * (filling / (1 + filling)) * (1 - self.s) - self.s / self.tau_s)

"""A Josephson junction and a memristor of its flux: parts of a circuit, in no list of memristive devices."""

from spicemem.expr import absolute, step
from spicemem.model import Model, Param, State, Terminal, branch, capacitance, rate

_UNIT = "chosen: 1 V, 1 mA and 1 us are the units of the dimensionless equations"
_RCLSJ = "recalled: the resistive-capacitive-inductive junction of Whan, Lobb and Forrester, not re-read"
_CHOSEN = "chosen"


class Junction(Model):
    """Josephson junction: a supercurrent i_c*sin(phase), the voltage turns the phase; a resistance with a gap.

    d(phase)/dt = turn*v(p, n). The phase grows without bound and only its sine acts, so the states are its cosine c
    and sine s: dc/dt = -turn*v*s, ds/dt = turn*v*c, and a term along (c, s) that holds them on the circle without
    touching the phase. The quasiparticle branch conducts g_low below the gap and g_high above.
    """

    reference = "Whan, Lobb and Forrester, J. Appl. Phys. 77, 382 (1995), recalled, not re-read"

    p, n = Terminal(), Terminal()

    i_c = Param(1e-3, "A", "critical current", low=1e-12, high=1e3, source=_UNIT)
    turn = Param(1e6, "1/(V*s)", "angular frequency of the phase per volt; 2e/hbar = 3.04e15 in a real junction",
                 low=1.0, high=1e17, source=_UNIT)
    c_j = Param(0.707e-9, "F", "capacitance", low=1e-18, high=1.0, source=_RCLSJ)
    g_low = Param(0.061e-3, "S", "conductance below the gap", low=0.0, high=1e6, source=_RCLSJ)
    g_high = Param(0.366e-3, "S", "conductance above the gap", low=0.0, high=1e6, source=_RCLSJ)
    v_gap = Param(2.9, "V", "gap", low=1e-9, high=1e6, source=_RCLSJ)
    v_width = Param(0.02, "V", "width of the step at the gap", low=1e-12, high=1e6, source=_CHOSEN)
    hold_rate = Param(1e6, "1/s", "how fast c and s return to the circle", low=0.0, high=1e18, source=_CHOSEN)
    c_init = Param(1.0, "1", "cosine of the phase at the start", low=-1.5, high=1.5, source="phase 0")
    s_init = Param(0.0, "1", "sine of the phase at the start", low=-1.5, high=1.5, source="phase 0")

    c = State(init=c_init, unit="1", doc="cosine of the phase", resolution=1e-3)
    s = State(init=s_init, unit="1", doc="sine of the phase", resolution=1e-3)

    def equations(self):  # type: ignore[no-untyped-def]
        v = self.p - self.n
        quasi = self.g_low + (self.g_high - self.g_low) * step((absolute(v) - self.v_gap) / self.v_width)
        yield branch(self.p, self.n, self.i_c * self.s + quasi * v)
        yield capacitance(self.p, self.n, self.c_j)
        pull = self.hold_rate * (1 - self.c * self.c - self.s * self.s)
        yield rate(self.c, pull * self.c - self.turn * v * self.s)
        yield rate(self.s, pull * self.s + self.turn * v * self.c)


class FluxMemristor(Model):
    """Memristor whose conductance is k*(alpha + 3*beta*flux**2), flux the integral of its voltage that leaks away.

    d(flux)/dt = v(p, n) - flux/tau. The paper has no leak: its flux runs away with a mean voltage, as in a junction
    above its critical current. A chosen one keeps it bounded. k scales both terms: the coupling.
    """

    reference = "Zhang et al., 2018: ref. 290 of Sun et al., doi:10.1002/adfm.202006773, recalled, not re-read"

    p, n = Terminal(), Terminal()

    k = Param(0.006, "1", "coupling", low=0.0, high=1e6, source=_CHOSEN)
    alpha = Param(0.1e-3, "S", "conductance at no flux, times the coupling", low=0.0, high=1e6, source=_CHOSEN)
    beta = Param(6e7, "S/(V*s)**2", "a third of what the square of the flux adds", low=0.0, high=1e30, source=_CHOSEN)
    tau = Param(5e-6, "s", "time in which the flux leaks away", low=1e-15, high=1e9, source=_CHOSEN)
    flux_init = Param(0.0, "V*s", "flux at the start", low=-1e6, high=1e6, source="none")

    flux = State(init=flux_init, unit="V*s", doc="flux", resolution=1e-9)

    def equations(self):  # type: ignore[no-untyped-def]
        v = self.p - self.n
        yield branch(self.p, self.n, self.k * (self.alpha + 3 * self.beta * self.flux * self.flux) * v)
        yield rate(self.flux, v - self.flux / self.tau)

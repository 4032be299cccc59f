"""Field-effect transistors of the cells: compact, the same in every engine; parts of a cell, in no list of devices."""

from spicemem.expr import Expr, absolute, local, log, maximum, minimum, quantity, tanh
from spicemem.model import Bench, Model, Param, Terminal, branch
from spicemem.waveform import Waveform

K_Q = quantity(8.617333262e-5, "V/K")
_BULK = "chosen: a 130 nm bulk process"
#: The drain up and down once a second, at a gate of 0.6, 0.8, 1 and 1.2 V.
_DRAIN = Waveform.points(*((k / 2, 1.5 * (k % 2)) for k in range(9)))
_GATE = Waveform.points(*((k + at, 0.6 + 0.2 * k) for k in range(4) for at in (0.0, 0.99)))


def _charge(v: Expr, u_t: Expr) -> Expr:
    """2*u_t*ln(1 + exp(v/(2*u_t))), exact to rounding.

    In a subcircuit the argument of the logarithm is a node of its own, which a Newton step may put anywhere. Written
    so, it is between 1/2 and 1, moves only where the channel opens, and is wrong by 0.7 times 2*u_t at most.
    """
    u = v / (2 * u_t)
    return 2 * u_t * (maximum(u, 0) + minimum(-log(0.5 + 0.5 * tanh(absolute(u) / 2)), 0.7))


class NFET(Model):
    """Enhancement NMOS transistor, EKV form: one equation from weak inversion through triode to saturation.

    Positive v(d, s) drives the current from d to s; d and s are the same but for their names. All voltages count from
    the bulk b, which carries no current. A channel has a pinch-off voltage v_p = (v_gb - vt0)/n, each end adds an
    inversion charge q = 2*u_t*ln(1 + exp((v_p - v_end)/(2*u_t))), and the current is n*beta/2*(q_s**2 - q_d**2), beta =
    kp*w/l: square law in strong inversion, n*u_t*ln(10) a decade in weak. It has no charges: add a Capacitor where the
    gate's matters. The current never flows against its voltage: it is passive.
    """

    reference = ("Enz, Krummenacher and Vittoz, Analog Integr. Circuits Signal Process. 8, 83 (1995), "
                 "doi:10.1007/BF01239381; recalled, not re-read")

    d, g = Terminal("drain"), Terminal("gate")
    s, b = Terminal("source"), Terminal("bulk")

    w = Param(0.42e-6, "m", "width of the channel", low=1e-9, high=1e-2, source="chosen: least of SKY130's 1.8 V cells")
    l = Param(0.15e-6, "m", "length of the channel", low=1e-9, high=1e-2, source="chosen: least of SKY130")
    kp = Param(250e-6, "A/V**2", "mobility times gate capacitance an area", low=1e-9, high=1.0,
               source="chosen: 26 uA at 0.8 V and 180 uA at 1.3 V of gate voltage limit the set of a 1T1R cell")
    vt0 = Param(0.5, "V", "threshold voltage; below 0 for a depletion transistor", low=-10, high=10,
                source=f"{_BULK}; the 0.5 V of the 1T1R cell")
    n = Param(1.3, "1", "slope factor of weak inversion", low=1, high=10, source=f"{_BULK}: 78 mV a decade at 300 K")
    lam = Param(0.05, "1/V", "channel length modulation", low=0, high=10, source="chosen")
    g_leak = Param(1e-12, "S", "conductance from drain to source when off", low=1e-18, high=1.0,
                   source="chosen: 1 pA a volt; so that a net between two closed transistors has a voltage")
    temp0 = Param(300.0, "K", "temperature, of the slope of weak inversion only", low=50, high=600,
                  source="room temperature")

    bench = Bench({"d": _DRAIN, "g": _GATE}, 4.0, 2e-3, ("i_d",), "drain current at four gate voltages",
                  "drain current [A]")

    def channel(self, d: Expr, g: Expr, s: Expr) -> Expr:
        """Current from d to s, given the voltages from the bulk (from them to the bulk in a PMOS)."""
        u_t, n_beta = K_Q * self.temp0, self.n * self.kp * self.w / self.l
        v_p = local("v_p", (g - self.vt0) / self.n)
        q_s, q_d = local("q_s", _charge(v_p - s, u_t)), local("q_d", _charge(v_p - d, u_t))
        # The corner of |v_ds| does not show, since the charges are equal there. A rounded one does harm: as a node of a
        # subcircuit, (d - s)**2 goes below 0 on a Newton step, and ngspice's voltages then run away.
        # A product of difference and sum keeps the sign at any size.
        v_ds = local("v_ds", absolute(d - s))
        i_ch = local("i_ch", 0.5 * n_beta * (q_s - q_d) * (q_s + q_d) * (1 + self.lam * v_ds))
        return local("i_d", i_ch + self.g_leak * (d - s))

    def equations(self):  # type: ignore[no-untyped-def]
        yield branch(self.d, self.s, self.channel(self.d - self.b, self.g - self.b, self.s - self.b))


class PFET(NFET):
    """Enhancement PMOS transistor: the NMOS with every voltage and current of the other sign.

    Positive v(s, d) drives the current from s to d. vt0 is given as its size: the channel opens below v(g, s) = -vt0.
    """

    reference = NFET.reference

    kp = Param(100e-6, "A/V**2", "mobility times gate capacitance an area", low=1e-9, high=1.0,
               source="chosen: holes at 0.4 of the mobility of electrons")
    bench = Bench({"d": -_DRAIN, "g": -_GATE}, 4.0, 2e-3, ("i_d",), "drain current at four gate voltages",
                  "drain current [A]")

    def equations(self):  # type: ignore[no-untyped-def]
        yield branch(self.s, self.d, self.channel(self.b - self.d, self.b - self.g, self.b - self.s))


#: By name: what a cell's netlist needs besides its devices.
TRANSISTORS: dict[str, type[Model]] = {kind.definition.name: kind for kind in (NFET, PFET)}

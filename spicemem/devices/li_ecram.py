"""Lithium electrochemical transistor: a solid-state battery whose cathode is the channel, three terminals."""

from spicemem.expr import Expr, local, log, quantity, sinh, sqrt, walls
from spicemem.model import Behaviour, Model, Node, Param, Preset, State, Terminal, branch, rate
from spicemem.spread import Lognormal

K_E = quantity(8.617333262e-5, "V/K")  # Boltzmann's constant over the elementary charge
_FULLER = "Fuller et al., Adv. Mater. 29, 1604310 (2017)"
_CELL = "chosen: 1 nC, 1 MOhm, 10 pA over 1e-8 m2, some 200 linear steps of 5 pC"


def above_zero(x: Expr, rim: Expr) -> Expr:
    """x, but rim at 0 and smoothly above 0 below it."""
    return 0.5 * (x + sqrt(x * x + 4 * rim * rim))


class LiECRAM(Model):
    """Lithium ECRAM: gate, electrolyte and channel are a battery, its state of charge is the channel conductance.

    Positive v(gate, source) above the cell voltage charges x and raises the conductance, as in a channel that
    conducts better with more lithium. In LISTA's lithium cobalt oxide the channel conducts better with less: count
    its printed gate voltage with the other sign. In series: electrolyte (ohmic), charge transfer (Butler-Volmer), cell
    voltage (Nernst and a slope, 0 at half charge). At a shorted gate the cell relaxes to half charge, as a battery
    does; at an open gate the state stays. Being a battery, it gives energy back. Equations: textbook; the paper has
    none that were read here. Overcharging at the ends passes current without storing charge.
    """

    reference = _FULLER

    gate = Terminal("reservoir")
    inner = Node("between electrolyte and interface")
    drain = Terminal("channel end that is biased to read")
    source = Terminal("channel end that ions are counted against")

    area = Param(1e-8, "m**2", "gate area", low=1e-18, high=1e-3, source=_CELL)
    r_area = Param(1e-2, "Ohm*m**2", "resistance of the electrolyte times area", low=1e-9, high=1e6, source=_CELL)
    j_0 = Param(1e-3, "A/m**2", "exchange current density of charge transfer", low=1e-12, high=1e6, source=_CELL)
    q_area = Param(0.1, "C/m**2", "charge that takes the conductance across its window", low=1e-6, high=1e4,
                   source=_CELL)
    v_mid = Param(0.0, "V", "cell voltage at half charge", low=-1, high=1,
                  source="chosen: 0, gate and channel of like material")
    v_slope = Param(0.05, "V", "rise of the cell voltage from empty to full, without the Nernst term", low=0, high=2,
                    source="chosen: interaction of the ions in the host")
    nernst = Param(1.0, "1", "weight of the Nernst term", low=0, high=10, source="chosen: ideal mixing")
    rim = Param(0.005, "1", "share of x at the ends over which charging stops and the Nernst term levels off",
                 low=1e-4, high=0.1, source="chosen: narrow")
    t_amb = Param(300.0, "K", "ambient temperature", low=100, high=600, source="chosen: room temperature")
    g_min = Param(100e-9, "S", "conductance of the empty channel", low=1e-15, high=1,
                  source="chosen: within a few nS to a few uS, device physics review, Sec. 2.2")
    g_max = Param(500e-9, "S", "conductance of the full channel", low=1e-15, high=1, source="chosen: as g_min")
    x_init = Param(0.5, "1", "state of charge at the start", low=0, high=1, source="chosen: rest of a shorted gate")

    x = State(init=x_init, unit="1", doc="state of charge of the channel", low=0.0, high=1.0, resolution=1e-4)

    presets = {
        "lista": Preset("laboratory cell, 5 pC steps", f"{_FULLER} for the kind of device; values chosen"),
        "nano": Preset("200 nm x 200 nm", f"{_FULLER}, abstract: below 10 aJ a write projected at this size",
                       {"area": 4e-14}, {"area": f"200 nm x 200 nm: {_FULLER}, abstract"}),
    }
    # Chosen: film thickness and electrolyte, no published numbers.
    spread = {"r_area": Lognormal(0.05), "q_area": Lognormal(0.05), "g_min": Lognormal(0.05), "g_max": Lognormal(0.05)}
    behaviour = Behaviour("bipolar", threshold=1.0, loop=(0.5, -0.5), rate=0.05, set_pulse=(1.0, 10e-6),
                          reset_pulse=(-1.0, 10e-6), pulses=50, times=(1e-6, 10.0), retention=10.0, write="gate",
                          read="drain", common="source", passive=False)

    def constraints(self):  # type: ignore[no-untyped-def]
        yield self.g_min < self.g_max, "g_min must be below g_max"

    def equations(self):  # type: ignore[no-untyped-def]
        v_t = K_E * self.t_amb
        mixing = log(above_zero(self.x, self.rim) / above_zero(1 - self.x, self.rim))
        v_cell = local("v_cell", self.v_mid + self.nernst * v_t * mixing + self.v_slope * (self.x - 0.5))
        i_ion = (self.gate - self.inner) * self.area / self.r_area
        yield branch(self.gate, self.inner, i_ion)
        over = (self.inner - self.source - v_cell) / (2 * v_t)
        yield branch(self.inner, self.source, 2 * self.j_0 * self.area * sinh(over))
        g = local("g_channel", self.g_min + (self.g_max - self.g_min) * self.x)
        yield branch(self.drain, self.source, g * (self.drain - self.source))
        yield rate(self.x, walls((self.gate - self.inner) / (self.r_area * self.q_area), self.x, 0, 1, self.rim))

"""Electrochemical ionic synapse: protonic WO3/YSZ/PdHx, three terminals."""

from spicemem.expr import local, maximum, minimum, quantity, sinh, walls
from spicemem.model import Behaviour, Bench, Model, Node, Param, Preset, State, Terminal, branch, capacitance, rate
from spicemem.spread import Lognormal
from spicemem.waveform import Waveform

#: Of the window: far above any published rate, and what keeps 100 V at the gate from being infinitely fast.
FASTEST = quantity(1e9, "1/s")
EPS_0 = quantity(8.8541878128e-12, "F/m")
_PAPER = "Huang et al., Adv. Mater. 2025, doi:10.1002/adma.202418484"

_FASTER = {"set_pulse": (4.0, 0.03), "reset_pulse": (-4.0, 0.03)}  # twice the field at the same voltage


class EIS(Model):
    """Protonic electrochemical ionic synapse (ECRAM): gate current moves protons that set the channel conductance.

    Positive v(gate, source) inserts protons and raises the conductance, as in the paper. The ion current passes the
    electrolyte (field-driven hopping) and then the interface (Butler-Volmer): no single sinh gives both published
    rate ratios, 60 from 2 to 4 V and 1000 from 2 to 6 V. Protons leave the gate to the source; the channel is ohmic.
    """

    reference = _PAPER

    gate = Terminal("PdHx reservoir")
    drain = Terminal("channel end that is biased to read")
    source = Terminal("channel end that ions are counted against")
    inner = Node("between electrolyte and interface")

    t_ysz = Param(14e-9, "m", "electrolyte thickness", low=1e-9, high=1e-6, source=_PAPER)
    area = Param(9e-12, "m**2", "gate area", low=1e-18, high=1e-6, source=f"3 um x 3 um: {_PAPER}, Fig. 1")
    j_0 = Param(3.2464e-5, "A/m**2", "exchange current density of hopping", low=1e-15, high=1e3,
                source="calibrated: 3.12 nS/s at 2 V and 14 nm, for a 50 nS peak of STDP at 6.5 V and 100 ms")
    e_hop = Param(3e7, "V/m", "field scale of hopping, 2kT/(q*distance)", low=1e5, high=1e10,
                  source="calibrated: 0.42 V over 14 nm, with v_int and k_int from the three published ratios")
    v_int = Param(0.310, "V", "voltage scale of the interface reaction", low=0.01, high=10,
                  source="calibrated with e_hop; effective, two interfaces and depletion in one")
    k_int = Param(3261.7, "1", "exchange current of the interface over that of hopping", low=1e-6, high=1e12,
                  source="calibrated: exp(8.09), with e_hop")
    v_oc = Param(0.0, "V", "open-circuit voltage with the channel full of protons; 0 when empty", low=-1, high=1,
                 source=f"-0.3 to 0 V: {_PAPER}, Sec. 2.1; 0 chosen, so that a gate at 0 V keeps the state")
    q_area = Param(6.0, "C/m**2", "charge that takes the conductance across its window", low=1e-6, high=1e4,
                   source="estimated: 0.2 H per W in 10 nm of WO3 (1.86e28 W/m3); below 1 fJ a spike in preset nano")
    eps_r = Param(25.0, "1", "relative permittivity of the electrolyte", low=1, high=1e4, source="estimate for YSZ")
    g_min = Param(10e-9, "S", "low end of the conductance window", low=1e-15, source="chosen: more than 10x cycling")
    g_max = Param(10e-6, "S", "high end of the conductance window", low=1e-15, source="chosen: more than 10x cycling")
    wall = Param(1e-3, "1", "width of the walls, in windows", low=1e-6, high=0.1, source="chosen: narrow")
    g_init = Param(1000e-9, "S", "conductance at the start", low=1e-15, source=f"{_PAPER}, Experimental Section")

    g = State(init=g_init, unit="S", doc="channel conductance", low=g_min, high=g_max,
              resolution=lambda m: 1e-5 * (m.g_max - m.g_min))

    presets = {
        "huang_2025_14nm": Preset("14 nm electrolyte: 100 ms at 6.5 V, 100 us at 10 V", _PAPER),
        "huang_2025_7nm": Preset("7 nm electrolyte", _PAPER, {"t_ysz": 7e-9}, behaviour=_FASTER),
        "nano": Preset("7 nm electrolyte, gate scaled to 0.1 fF: 100 ns at 10 V", f"{_PAPER}, Sec. 2.6; area chosen",
                       {"t_ysz": 7e-9, "area": 3.1623e-15}, {"area": "calibrated: 0.1 fF at 7 nm, for 27 to 54 fJ"},
                       behaviour=_FASTER),
    }
    # The paper prints 6 % between devices for the change of conductance; put on the rate, as its experiment does.
    spread = {"j_0": Lognormal(0.06)}
    behaviour = Behaviour("bipolar", threshold=2.0, loop=(4.0, -4.0), rate=1.0, set_pulse=(4.0, 0.1),
                          reset_pulse=(-4.0, 0.1), times=(1e-3, 10.0), retention=100.0, write="gate", read="drain",
                          common="source")
    bench = Bench(drives={"gate": Waveform.pulse(4.0, 1.0, 1e-3, 0.5) - Waveform.pulse(4.0, 1.0, 1e-3, 2.5),
                          "drain": Waveform.constant(0.1)},
                  stop=4.0, max_step=5e-3, plot=("g",), title="EIS: +4 V and -4 V gate pulses of 1 s",
                  y_label="conductance [S]")

    def constraints(self):  # type: ignore[no-untyped-def]
        yield self.g_min < self.g_max, "g_min must be below g_max"

    def equations(self):  # type: ignore[no-untyped-def]
        window = local("window", self.g_max - self.g_min)
        i_0 = local("i_0", self.area * self.j_0)
        v_rest = local("v_rest", self.v_oc * ((self.g - self.g_min) / window))
        i_ion = local("i_ion", i_0 * sinh((self.gate - self.inner) / (self.e_hop * self.t_ysz)))
        yield branch(self.gate, self.inner, i_ion)
        yield branch(self.inner, self.source, self.k_int * i_0 * sinh((self.inner - self.source - v_rest) / self.v_int))
        yield branch(self.drain, self.source, local("i_channel", self.g * (self.drain - self.source)))
        yield capacitance(self.gate, self.source, EPS_0 * self.eps_r * self.area / self.t_ysz)
        speed = maximum(minimum(i_ion / (self.area * self.q_area), FASTEST), -FASTEST)
        yield rate(self.g, walls(window * speed, self.g, self.g_min, self.g_max,
                                 self.wall * window))

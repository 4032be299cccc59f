"""MoS2 memtransistor: a transistor whose contacts remember; a further terminal in the film modulates them."""

from spicemem.expr import Expr, exp, expm1, local, maximum, quantity, softplus, tanh
from spicemem.model import Behaviour, Model, Param, Preset, State, Terminal, branch, capacitance, rate
from spicemem.spread import Lognormal, Normal

BOLTZMANN = quantity(8.617333262e-5, "V/K")
_SANGWAN = "Sangwan et al., Nature 554, 500 (2018)"
_GATE = f"calibrated: the gate tunes each state by four orders from -40 to 40 V (abstract of {_SANGWAN})"
_TEN = f"calibrated: modulating pulses change the conductance of a floating pair tenfold (abstract of {_SANGWAN})"


def _beyond(x: Expr) -> Expr:
    """x where it is positive, exactly 0 elsewhere, smooth: 10 mV less far above 10 mV."""
    above = maximum(x, 0)
    return above * above / (above + quantity(0.01, "V"))


class Memtransistor(Model):
    """MoS2 memtransistor, four terminals: field-effect channel, Schottky contacts that defects tune, a modulator.

    Positive v(drain, source) raises the conductance of the pair, and so does positive v(modulator, source): defects
    drift in the film and lower the Schottky barriers by d_phi*x. The film has no bulk, so the fourth terminal is the
    further electrode of the multi-terminal device; pulses on it change the pair drain-source while that floats.
    Channel: the symmetric charge form of Enz, Krummenacher and Vittoz, each end referred to the gate: one expression
    from subthreshold to strong inversion, odd in the exchange of drain and source.
    """

    reference = f"{_SANGWAN}; equations in docs/devices.md, in a form without bulk"

    drain = Terminal("contact that is biased to read")
    source = Terminal("contact that voltages are counted from")
    gate = Terminal("back gate")
    modulator = Terminal("modulating electrode in the film")

    i_s = Param(1e-6, "A", "specific current with the barriers lowered", low=1e-18, high=1, source=_GATE)
    n_s = Param(180.0, "1", "slope factor: disorder and traps widen kT to n_s*kT", low=1, high=1e4, source=_GATE)
    v_t0 = Param(0.0, "V", "threshold voltage", low=-200, high=200, source="chosen")
    d_phi = Param(0.18, "V", "how far defects lower the barrier", low=0, high=1, source=_TEN)
    v_1 = Param(4.0, "V", "voltage scale of defect drift", low=0.1, high=100,
                source=f"chosen: sets at 20 to 40 V; recalled from {_SANGWAN}, not re-read")
    k_x = Param(2.7e-3, "1/s", "rate of defect drift", low=1e-15, high=1e6, source="chosen: loops of 10 V/s")
    share_m = Param(0.9, "1", "share of v(modulator, source) that defects of the pair feel", low=0, high=1,
                    source="chosen")
    g_leak = Param(1e-15, "S", "leakage of the pair and of the gate", low=1e-18, high=1e-3, source="chosen")
    g_mod = Param(1e-9, "S", "conductance from modulator to source", low=1e-18, high=1, source="chosen")
    c_gate = Param(1e-13, "F", "gate capacitance to the source", low=1e-21, high=1e-6, source="chosen: 10 um x 80 um")
    t_amb = Param(300.0, "K", "ambient temperature", low=200, high=500, source="chosen: room temperature")
    x_init = Param(0.1, "1", "lowering of the barrier at the start", low=0, high=1, source="chosen: nearly reset")

    x = State(init=x_init, unit="1", doc="lowering of the barrier by defects", low=0.0, high=1.0, resolution=1e-4)

    spread = {"v_t0": Normal(2.0), "i_s": Lognormal(0.2), "k_x": Lognormal(0.3)}  # sizes chosen
    presets = {"sangwan_2018": Preset("back-gated polycrystalline monolayer", f"{_SANGWAN}; {_GATE}; {_TEN}")}
    behaviour = Behaviour(kind="bipolar", threshold=30.0, loop=(40.0, -40.0), rate=10.0, set_pulse=(30.0, 1e-2),
                          reset_pulse=(-30.0, 1e-2), pulses=20, v_read=0.5, times=(1e-4, 100.0), retention=1e3,
                          write="drain", read="drain", common="source", bias={"gate": 20.0})

    def equations(self):  # type: ignore[no-untyped-def]
        kt = local("kt", BOLTZMANN * self.t_amb)

        u_s, u_d = (softplus((self.gate - end - self.v_t0) / (2 * self.n_s * kt), 1.0)
                    for end in (self.source, self.drain))
        v_d, v_m = self.drain - self.source, self.modulator - self.source
        barrier = exp(-(self.d_phi * (1 - self.x) / kt))
        channel = self.i_s * barrier * (u_s * u_s - u_d * u_d)
        yield branch(self.drain, self.source, channel + self.g_leak * v_d)
        yield branch(self.gate, self.source, self.g_leak * (self.gate - self.source))
        yield branch(self.modulator, self.source, self.g_mod * v_m)
        yield capacitance(self.gate, self.source, self.c_gate)
        field = local("field", v_d + self.share_m * v_m)
        up = expm1(_beyond(field) / self.v_1) * (1 - self.x)
        down = expm1(_beyond(-field) / self.v_1) * self.x
        fastest = quantity(1e12, "1/s")
        yield rate(self.x, fastest * tanh(self.k_x * (up - down) / fastest))

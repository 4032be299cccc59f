"""Mixed ionic-electronic conductor: volatile access device, two terminals."""

from spicemem.expr import exp, local, log, sinh, step, tanh
from spicemem.model import Behaviour, Input, Model, Param, Preset, State, Terminal, branch, rate
from spicemem.spread import Lognormal, Normal

_TABLE = "Table 1 of Sun et al. 2021 (ref. [72]); constants calibrated to it"


class MIEC(Model):
    """Mixed ionic-electronic access device: Cu ions that gather at a contact let it conduct, and leave it again.

    Positive v(p, n) turns on above v_p, negative below -v_n; both are volatile. State q: how far the ions have
    gathered, following the voltage with time constant t_ion. It raises the current by a factor of up to `ratio`; the
    current is exponential in the voltage, 85 mV a decade, and saturates smoothly without snap-back.
    """

    reference = "Gopalakrishnan et al., VLSI Technology 2010, doi:10.1109/VLSIT.2010.5556229 (recalled)"

    p, n = Terminal("Cu-doped top electrode"), Terminal("Cu-doped bottom electrode")
    jitter = Input("V", "shift of both turn-on voltages, redrawn each cycle", optional=True)

    i_0 = Param(1e-11, "A", "current scale with the ions spread out", low=1e-18, high=1e-3, source="chosen: 10 pA")
    i_max = Param(1e-4, "A", "largest current", low=1e-12, high=10, source="chosen: 100 uA")
    v_0 = Param(0.0369, "V", "voltage scale of the current", low=1e-3, high=1,
                source="85 mV a decade: recalled from Gopalakrishnan et al. 2010, not re-read")
    ratio = Param(20.0, "1", "current with gathered ions over that without", low=1.001, high=1e12,
                  source="Table 1 of Sun et al. 2021 (ref. [72]): about 20")
    v_p = Param(0.25, "V", "turn-on voltage, positive", low=0.01, high=20, source="Table 1 of Sun et al. 2021")
    v_n = Param(0.35, "V", "turn-on voltage, negative", low=0.01, high=20, source="Table 1 of Sun et al. 2021")
    width = Param(0.02, "V", "width of the turn-on", low=1e-3, high=1, source="chosen: gathers over some kT/q")
    t_ion = Param(144e-9, "s", "time constant of the ions", low=1e-11, high=1e3,
                  source="calibrated: half way (in the logarithm) after 100 ns, Table 1 of Sun et al. 2021")
    q_init = Param(0.0, "1", "gathered share at the start", low=0, high=1, source="rest")

    q = State(init=q_init, unit="1", doc="gathered share of the ions", low=0, high=1, resolution=1e-4, static="solve")

    # Sizes chosen: turn-on within 10 mV, leakage within a third.
    spread = {"v_p": Normal(0.01), "v_n": Normal(0.01), "i_0": Lognormal(0.3)}
    behaviour = Behaviour(
        kind="threshold", threshold=0.35, loop=(0.375, -0.525), rate=1.0, set_pulse=(0.5, 100e-9), v_read=0.05,
        times=(1e-9, 1e-3), retention=1e-6,
    )
    presets = {
        "cu_miec": Preset("Cu-doped MIEC between Cu-doped electrodes; printed mechanism: ionic transport",
                          f"{_TABLE}; read as turn-on voltages of each polarity"),
    }

    def constraints(self):  # type: ignore[no-untyped-def]
        yield self.i_0 * self.ratio < self.i_max, "i_max must be above the leakage with gathered ions"
        yield self.width < self.v_p, "width must be below v_p"
        yield self.width < self.v_n, "width must be below v_n"

    def equations(self):  # type: ignore[no-untyped-def]
        v = self.p - self.n
        drawn = local("drawn", self.i_0 / self.i_max * exp(self.q * log(self.ratio)) * sinh(v / self.v_0))
        yield branch(self.p, self.n, local("i_dev", self.i_max * tanh(drawn)))
        # Either polarity gathers them; up + down - up*down stays within 0 to 1 whatever the jitter.
        up = local("up", step((v - self.v_p - self.jitter) / self.width))
        down = local("down", step((-v - self.v_n - self.jitter) / self.width))
        yield rate(self.q, (up + down - up * down - self.q) / self.t_ion)

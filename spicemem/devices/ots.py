"""Ovonic threshold switch: chalcogenide selector, two terminals."""

from spicemem.expr import exp, local, maximum, sqrt
from spicemem.model import Behaviour, Input, Model, Param, Preset, State, Terminal, branch, rate
from spicemem.spread import Normal, Relative

_PICKETT = "after Pickett and Williams, Nanotechnology 23, 215202 (2012); recalled, not re-read"


class OTS(Model):
    """Ovonic threshold switch: a volatile chalcogenide selector that snaps back above its threshold voltage.

    The same for either sign of v(p, n). The conducting core of the thermal threshold switch, rescaled: its radius u
    grows with the power taken in. In w = 1/ln(1/u), the excess temperature of the core, the equations are regular
    everywhere and a steady state is power = p_0*w. Barriers at the electrodes take up to v_b, which sets the holding
    voltage. Driven by a current, the steady voltage falls from v_th to the holding voltage: a negative slope.
    """

    reference = "Pickett and Williams, Nanotechnology 23, 215202 (2012), doi:10.1088/0957-4484/23/21/215202 (recalled)"

    p, n = Terminal("either electrode"), Terminal("either electrode")
    jitter = Input("V", "shift of the voltage that the barriers take, redrawn each cycle", optional=True)

    r_off = Param(1e6, "Ohm", "resistance of the core when off", low=1, high=1e15, source="chosen: 1 uA at threshold")
    ratio = Param(3333.0, "1", "resistance of the core, off over on", low=10, high=1e8,
                  source="chosen: 1e3 to 1e4 of an ovonic switch")
    p_0 = Param(2.9e-6, "W", "power per unit of w", low=1e-15, high=1, source="calibrated: threshold 1.6 V")
    v_b = Param(0.9, "V", "voltage of the barriers at high current", low=1e-3, high=10,
                source="chosen: holds at 1 V, within 0.8 to 1.2 V of ovonic switches")
    tau = Param(2e-9, "s", "time constant of the cold core", low=1e-13, high=1, source="chosen: switches within ns")
    latent = Param(0.12, "1", "latent heat over heat capacity of the core", low=0, high=100,
                   source=f"chosen near 0.08 of NbO2, {_PICKETT}")
    w_max = Param(1e3, "1", "core state when the core fills the device", low=10, high=1e6, source="chosen: large")
    w_init = Param(0.0, "1", "core state at the start", low=0, source="off")

    w = State(init=w_init, unit="1", doc="1/ln(1/u), u the radius of the conducting core", low=0, high=w_max,
              resolution=1e-3, static="solve")

    # Sizes chosen: threshold within some 5 %.
    spread = {"v_b": Normal(0.03), "p_0": Relative(0.05)}
    behaviour = Behaviour(
        kind="threshold", threshold=1.6, loop=(2.5, -2.5), rate=1e3, series=5e3, set_pulse=(2.0, 10e-9), v_read=0.2,
        times=(1e-9, 1e-3), retention=1e-7,
    )
    presets = {
        "chalcogenide": Preset("generic chalcogenide switch: 1.6 V threshold, 1 V hold",
                               "chosen: thresholds of 1.5 to 3 V and holds of 0.8 to 1.2 V are usual"),
    }

    def equations(self):  # type: ignore[no-untyped-def]
        v, per_w = self.p - self.n, local("per_w", 1 / (maximum(self.w, 0) + 1e-3))
        # What the barriers leave: a smooth dead zone of +-v_b, exactly 0 at 0 V, of the sign of v at any jitter.
        dead, soft = local("dead", maximum(self.v_b + self.jitter, 0)), local("soft", 0.22 * self.v_b)
        over, under = v - dead, v + dead
        v_core = local("v_core", v + 0.5 * (sqrt(over * over + soft * soft) - sqrt(under * under + soft * soft)))
        square = local("square", exp(-2 * per_w))
        i = local("i_dev", v_core * (1 + (self.ratio - 1) * square) / self.r_off)
        yield branch(self.p, self.n, i)
        heat = 1 - square - 2 * square * per_w + 4 * self.latent * square * per_w * per_w
        drive = local("drive", v_core * i / self.p_0)
        warm = drive / (1 + drive / self.w_max) - self.w
        yield rate(self.w, warm / (self.tau * heat))

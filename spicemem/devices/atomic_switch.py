"""Ag2S atomic switch: what is rehearsed often enough stays, the rest is forgotten."""

from spicemem.expr import Expr, expm1, local, maximum, quantity
from spicemem.model import Behaviour, Input, Model, Param, Preset, State, Terminal, branch, rate
from spicemem.spread import Lognormal

FASTEST = quantity(1e12, "1/s")
_OHNO = "Ohno et al., Nat. Mater. 10, 591 (2011)"
_LTM = f"calibrated: ten pulses 2 s apart are kept, ten pulses 20 s apart are not (abstract of {_OHNO})"


def _beyond(x: Expr, width: Expr) -> Expr:
    """x where it is positive, exactly 0 elsewhere, smooth: x - width far above `width`."""
    above = maximum(x, 0)
    return above * above / (above + width)


def _limited(k: Expr) -> Expr:
    return k / (1 + k / FASTEST)


class AtomicSwitch(Model):
    """Ag2S atomic switch, short- to long-term memory: silver that precipitates in a gap dissolves unless it bridges it.

    Positive v(p, n) sets, p being the Ag2S electrode whose silver precipitates at n. Short-term memory s grows while
    there is voltage and fades in tau. While s is above s_th voltage also moves the long-term memory l, which does not
    fade: an atomic bridge. Conductance follows l + (1 - l)*s. Both grow exponentially with voltage, and dissolve with
    negative voltage.
    """

    reference = f"{_OHNO}; Ielmini et al. 2021, Fig. 15; equations in docs/devices.md, as an ODE"

    p, n = Terminal("Ag2S"), Terminal("inert electrode")
    read_noise = Input("1", "relative read noise of the current", optional=True)
    jitter = Input("V", "shift of the pulse amplitude v_p that sets, redrawn each cycle", optional=True)

    g_off = Param(0.5e-6, "S", "conductance without silver in the gap", low=1e-15, high=1, source="chosen: tunnelling")
    g_on = Param(77.48e-6, "S", "conductance of the bridge", low=1e-15, high=1, source="2e^2/h: a single atom's")
    v_p = Param(0.080, "V", "pulse amplitude that k_s and k_l are stated for", low=1e-3, high=10,
                source=f"80 mV, 0.5 s pulses: recalled from {_OHNO}, not re-read")
    v_0 = Param(0.010, "V", "voltage scale of growth", low=1e-3, high=10, source="chosen: a decade in 23 mV")
    k_s = Param(1.1, "1/s", "rate of short-term memory at v_p", low=1e-9, high=1e9, source=_LTM)
    k_l = Param(1.15, "1/s", "rate of long-term memory at v_p and s = 1", low=0, high=1e9, source=_LTM)
    s_th = Param(0.50, "1", "short-term memory above which a bridge grows", low=0, high=0.99, source=_LTM)
    tau = Param(8.0, "s", "time in which short-term memory fades", low=1e-9, high=1e9, source=_LTM)
    k_r = Param(1.0, "1/s", "rate of dissolution at -v_p", low=0, high=1e9, source="chosen: as k_s")
    s_init = Param(0.0, "1", "short-term memory at the start", low=0, high=1, source="chosen: none")
    l_init = Param(0.0, "1", "long-term memory at the start", low=0, high=1, source="chosen: none")

    s = State(init=s_init, unit="1", doc="short-term memory", low=0.0, high=1.0, resolution=1e-4)
    l = State(init=l_init, unit="1", doc="long-term memory", low=0.0, high=1.0, resolution=1e-4)

    spread = {"k_s": Lognormal(0.2), "k_l": Lognormal(0.2), "tau": Lognormal(0.2)}  # sizes chosen
    presets = {"ohno_2011": Preset("pulses of 80 mV and 0.5 s", f"{_OHNO}; {_LTM}")}
    behaviour = Behaviour(kind="bipolar", threshold=0.08, loop=(0.09, -0.09), rate=0.01, set_pulse=(0.08, 0.5),
                          reset_pulse=(-0.08, 0.5), pulses=20, v_read=0.01, times=(1e-3, 100.0), retention=100.0)

    def constraints(self):  # type: ignore[no-untyped-def]
        yield self.g_off < self.g_on, "g_off must be below g_on"

    def equations(self):  # type: ignore[no-untyped-def]
        v, s = local("v_device", self.p - self.n), maximum(self.s, 0)
        bridge = maximum(self.l, 0)
        g = local("g", self.g_off + (self.g_on - self.g_off) * (bridge + maximum(1 - bridge, 0) * s))
        yield branch(self.p, self.n, g * v * maximum(1 + self.read_noise, 0))
        one = expm1(self.v_p / self.v_0)
        grow = local("grow", expm1(_beyond(v - self.jitter, quantity(1e-3, "V")) / self.v_0) / one)
        away = local("away", _limited(self.k_r * expm1(_beyond(-v, quantity(1e-3, "V")) / self.v_0) / one))
        rehearsed = _beyond(self.s - self.s_th, 0.02 + 0 * self.s_th) / (1 - self.s_th)
        yield rate(self.s, _limited(self.k_s * grow) * (1 - self.s) - (away + 1 / self.tau) * self.s)
        yield rate(self.l, _limited(self.k_l * grow) * rehearsed * (1 - self.l) - away * self.l)

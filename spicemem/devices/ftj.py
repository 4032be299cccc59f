"""Ferroelectric tunnel junction: domains that nucleate one after the other set the height of the barrier."""

from spicemem.expr import exp, local, maximum, quantity, sinh, sqrt, tanh, walls
from spicemem.model import Behaviour, Input, Model, Param, Preset, State, Terminal, branch, rate
from spicemem.spread import Lognormal, Relative

FASTEST = quantity(1e12, "1/s")
_BOYN = "Boyn et al., Nat. Commun. 8, 14736 (2017)"
_CHANTHBOUALA = "Chanthbouala et al., Nat. Mater. 11, 860 (2012)"
_NLS = f"chosen: 3 to 3.5 V switch within 10 ns to 1 us, two decades ({_CHANTHBOUALA}, abstract)"
#: Kinds of domains: (ln of its switching time over t_50 at spread_ln = 0.8, share of the area). Seven ramps that
#: together follow the nucleation-limited law 1/2 + atan(ln(t/t_50)/0.8)/pi within 0.026 (least squares, minimax).
DOMAINS = ((-10.0, 0.0390), (-3.103, 0.0329), (0.277, 0.3629), (0.903, 0.2865), (1.867, 0.1522), (3.783, 0.0723),
           (10.0, 0.0542))


class FTJ(Model):
    """Ferroelectric tunnel junction with nucleation-limited switching: seven kinds of domains, fast to slow.

    Positive v(p, n) turns the polarisation to the low barrier, so it sets. Merz's law: the time in which half of the
    area has switched is t_inf*exp(v_a/|v|). Waiting times are spread over decades (a Lorentz distribution of their
    logarithm, spread_ln wide), so a pulse of any length switches a share of the area. Each domain kind goes from 0 to 1
    at its own constant pace. Tunnelling through both kinds of area in parallel.
    """

    reference = f"{_BOYN}; {_CHANTHBOUALA}; equations in docs/devices.md"

    p, n = Terminal("top electrode"), Terminal("bottom electrode")
    read_noise = Input("1", "relative read noise of the current", optional=True)
    jitter = Input("V", "shift of the activation voltage, redrawn each cycle", optional=True)

    g_on = Param(10e-6, "S", "conductance with the low barrier", low=1e-15, high=1, source="chosen: 100 kOhm")
    g_off = Param(0.1e-6, "S", "conductance with the high barrier", low=1e-15, high=1,
                  source=f"two decades below g_on: {_CHANTHBOUALA}, abstract")
    v_0 = Param(1.0, "V", "voltage scale of tunnelling", low=0.02, high=100, source="chosen")
    t_inf = Param(1e-10, "s", "switching time at very high voltage", low=1e-12, high=1, source=_NLS)
    v_a = Param(24.0, "V", "activation voltage of nucleation", low=0, high=1e3, source=_NLS)
    spread_ln = Param(0.8, "1", "width of the distribution of ln(time)", low=0.4, high=1.6, source=_NLS)
    x = State.array(len(DOMAINS), unit="1", doc="switched share of a domain kind", low=0.0, high=1.0, resolution=1e-3,
                    init=Param(0.0, "1", "switched share of a domain kind at the start", low=0, high=1,
                               source="chosen: reset"))

    spread = {"v_a": Relative(0.02), "g_on": Lognormal(0.1), "g_off": Lognormal(0.1)}  # sizes chosen
    presets = {"boyn_2017": Preset("spikes of 600 ns", f"{_BOYN}, Fig. 1; {_NLS}")}
    behaviour = Behaviour(kind="bipolar", threshold=3.0, loop=(3.5, -3.5), rate=1e6, set_pulse=(3.0, 1e-7),
                          reset_pulse=(-3.0, 1e-7), pulses=20, v_read=0.1, times=(1e-9, 1e-3), retention=1e3)

    def constraints(self):  # type: ignore[no-untyped-def]
        yield self.g_off < self.g_on, "g_off must be below g_on"

    def equations(self):  # type: ignore[no-untyped-def]
        v = local("v_device", self.p - self.n)
        shares = [share * maximum(x, 0) for x, (_, share) in zip(self.x, DOMAINS, strict=True)]
        share = local("share", sum(shares[1:], shares[0]))
        g = self.g_off + (self.g_on - self.g_off) * share
        yield branch(self.p, self.n, g * self.v_0 * sinh(v / self.v_0) * maximum(1 + self.read_noise, 0))
        size = sqrt(v * v + quantity(1e-4, "V**2"))
        pace = local("pace", v / size * exp(-(maximum(self.v_a + self.jitter, 0) / size)) / self.t_inf)
        for x, (late, _) in zip(self.x, DOMAINS, strict=True):
            k = pace * exp(-(late / 0.8 * self.spread_ln))
            yield rate(x, walls(FASTEST * tanh(k / FASTEST), x, 0, 1, 0.005))

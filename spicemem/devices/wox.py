"""WOx short-term memory: a conductance that fades within tens of milliseconds, for reservoir computing."""

from spicemem.expr import expm1, local, maximum, quantity, sinh, tanh, where
from spicemem.model import Behaviour, Input, Model, Param, Preset, State, Terminal, branch, rate
from spicemem.spread import Lognormal

FASTEST = quantity(1e12, "1/s")
_DU = "Du et al., Nat. Commun. 8, 2204 (2017)"
_CHANG = "Chang et al., Appl. Phys. A 102, 857 (2011)"
_NETLIST = f"public SPICE netlist MEM_UMICH (knowm/memristor-models-4-all) of {_CHANG}"
_16 = "calibrated: the 16 streams of four pulses give 16 conductances"


class WOx(Model):
    """WOx memristor with short-term memory: vacancies that drift in and diffuse back out.

    Positive v(p, n), on the palladium electrode, sets, as in the paper. Voltage drives the share w of the area that
    conducts, by lam*sinh(eta*v), and it relaxes to 0 in tau; the rest of the area is a Schottky barrier. Growth slows
    down as 1 - w and reset as w.
    """

    reference = f"{_DU}; {_CHANG}; equations in docs/devices.md"

    p, n = Terminal("Pd"), Terminal("W")
    read_noise = Input("1", "relative read noise of the current", optional=True)

    lam = Param(0.22, "1/s", "rate of drift", low=1e-9, high=1e9, source=_16)
    eta = Param(4.0, "1/V", "inverse voltage scale of drift", low=0.1, high=100, source=_NETLIST)
    tau = Param(50e-3, "s", "time in which w relaxes", low=1e-9, high=1e9, source=f"recalled from {_DU}, not re-read")
    al = Param(5e-8, "A", "current of the Schottky barrier", low=1e-15, high=1, source="chosen: docs/devices.md")
    be = Param(0.5, "1/V", "inverse voltage scale of the barrier", low=0.01, high=100, source=_NETLIST)
    ga = Param(4e-6, "A", "current of the conducting share", low=1e-15, high=1, source=_NETLIST)
    de = Param(2.0, "1/V", "inverse voltage scale of that share", low=0.01, high=100, source=_NETLIST)
    w_init = Param(0.0, "1", "conducting share at the start", low=0, high=1, source="at rest")

    w = State(init=w_init, unit="1", doc="share of the area that conducts", low=0.0, high=1.0, resolution=1e-4)

    spread = {"lam": Lognormal(0.2), "tau": Lognormal(0.1), "ga": Lognormal(0.1)}  # sizes chosen
    presets = {"du_2017": Preset("pulses of 1.5 V, 1 ms in frames of 20 ms", f"{_DU}; {_16}")}
    behaviour = Behaviour(kind="volatile", threshold=1.5, loop=(1.5, -1.5), rate=20.0, set_pulse=(1.5, 1e-3),
                          reset_pulse=(-1.5, 1e-3), pulses=20, v_read=0.3, times=(1e-4, 1.0), retention=0.5)

    def equations(self):  # type: ignore[no-untyped-def]
        v, w = local("v_device", self.p - self.n), maximum(self.w, 0)
        barrier = maximum(1 - w, 0) * self.al * -expm1(-(self.be * v))
        i = local("i_device", barrier + w * self.ga * sinh(self.de * v))
        yield branch(self.p, self.n, i * maximum(1 + self.read_noise, 0))
        drift = local("drift", FASTEST * tanh(self.lam * sinh(self.eta * v) / FASTEST))
        yield rate(self.w, drift * where(v > 0, 1 - self.w, self.w) - self.w / self.tau)

"""Optoelectronic synapse: light writes, voltage reads and erases."""

from spicemem.expr import Expr, local, maximum, quantity
from spicemem.model import Behaviour, Input, Model, Param, Preset, State, Terminal, branch, rate
from spicemem.spread import Lognormal

_GAO = "Gao et al., ACS Nano 13, 2634 (2019)"
_FIT = "calibrated: PPF above 115 % at 20 s; 7 pulses regain what took 35, after 100 pulses and 100 s of darkness"


def _limited(k: Expr) -> Expr:
    return k / (1 + k / quantity(1e12, "1/s"))


class Optoelectronic(Model):
    """Optoelectronic synapse ITO/Nb:SrTiO3: light frees electrons that traps take back slowly.

    Light raises the conductance; negative v(p, n) beyond v_e, on the ITO, erases. Persistent photoconductivity of two
    kinds of traps: s_1 fades in tau_1, s_2 in tau_2, each grows with the light and saturates. In the light there is
    an ordinary photoconductivity, g_ph, on top. The light is a signal in W/m2: 30 mW/cm2 are 300 W/m2.
    """

    reference = f"{_GAO}; Sun et al. 2021, Sec. 4.2.3; equations in docs/devices.md"

    p, n = Terminal("ITO"), Terminal("Nb:SrTiO3")
    light = Input("W/m**2", "intensity of the light")

    g_dark = Param(1e-9, "S", "conductance in the dark, at rest", low=1e-15, high=1, source="chosen")
    g_s = Param(2e-9, "S", "conductance for a unit of s_1 + s_2", low=1e-15, high=1, source="chosen")
    g_ph = Param(2e-13, "S*m**2/W", "photoconductivity that ends with the light", low=0, high=1,
                 source="chosen: 3 % of what a pulse of 0.5 s leaves")
    k_1 = Param(6.3333e-3, "m**2/J", "growth of s_1 with light", low=0, high=1e6, source=f"0.95 a pulse; {_FIT}")
    k_2 = Param(3.3333e-4, "m**2/J", "growth of s_2 with light", low=0, high=1e6, source=f"0.05 a pulse; {_FIT}")
    m_1 = Param(16.0, "1", "largest s_1", low=1e-6, high=1e6, source=_FIT)
    m_2 = Param(20.0, "1", "largest s_2", low=1e-6, high=1e6, source=_FIT)
    tau_1 = Param(10.0, "s", "time in which s_1 fades", low=1e-9, high=1e12, source=_FIT)
    tau_2 = Param(700.0, "s", "time in which s_2 fades", low=1e-9, high=1e12, source=_FIT)
    k_e = Param(2.0, "1/(V*s)", "rate of erasing beyond -v_e", low=0, high=1e9, source="chosen: -3 V, 0.5 s erases 0.6")
    v_e = Param(2.0, "V", "voltage beyond which negative voltage erases", low=0, high=100, source="chosen")
    s_init_1 = Param(0.0, "1", "s_1 at the start", low=0, high=1e6, source="rested in the dark")
    s_init_2 = Param(0.0, "1", "s_2 at the start", low=0, high=1e6, source="rested in the dark")

    s_1 = State(init=s_init_1, unit="1", doc="electrons of shallow traps", low=0.0, high=m_1, resolution=1e-3)
    s_2 = State(init=s_init_2, unit="1", doc="electrons of deep traps", low=0.0, high=m_2, resolution=1e-3)

    spread = {"g_s": Lognormal(0.1), "k_1": Lognormal(0.1), "k_2": Lognormal(0.1)}  # sizes chosen
    presets = {"gao_2019": Preset("blue light pulses of 30 mW/cm2 and 0.5 s", f"{_GAO}; {_FIT}")}
    behaviour = Behaviour(kind="volatile", threshold=300.0, loop=(300.0,), rate=30.0, set_pulse=(300.0, 0.5),
                          pulses=20, v_read=0.2, times=(1e-2, 100.0), retention=200.0, write="light")

    def equations(self):  # type: ignore[no-untyped-def]
        v, power = local("v_device", self.p - self.n), maximum(self.light, 0)
        s = maximum(self.s_1, 0) + maximum(self.s_2, 0)
        yield branch(self.p, self.n, local("g", self.g_dark + self.g_s * s + self.g_ph * power) * v)
        beyond = maximum(-v - self.v_e, 0)
        erase = local("erase", self.k_e * beyond * beyond / (beyond + quantity(0.01, "V")))
        for state, k, most, tau in ((self.s_1, self.k_1, self.m_1, self.tau_1),
                                    (self.s_2, self.k_2, self.m_2, self.tau_2)):
            yield rate(state, _limited(k * power / most) * (most - state) - (erase + 1 / tau) * state)

"""VTEAM, the voltage threshold adaptive memristor of Kvatinsky et al. (2015)."""

from spicemem.devices.team import edge, resistance, speed
from spicemem.expr import local, walls
from spicemem.model import Behaviour, Model, Param, Preset, State, Terminal, branch, rate
from spicemem.spread import Lognormal, Relative

_PAPER = "Kvatinsky et al., IEEE Trans. Circuits Syst. II 62, 786 (2015), doi:10.1109/TCSII.2015.2433536"
_SET = "the authors' set, as in MemTorch (VTEAM, citing asic2.group)"
_PUBLIC = "read in a public file that the project's notes do not name; the paper's signs restored"


class VTEAM(Model):
    """VTEAM: voltage-threshold adaptive memristor (Kvatinsky 2015), linear or exponential resistance.

    Polarity: the paper's voltage raises the resistance; here it is v = v(n) - v(p), so that positive v(p, n) sets and
    published parameters (v_on < 0 < v_off, k_on < 0 < k_off) are typed in as they are. dw/dt = k_off*(v/v_off -
    1)**alpha_off*f_off(w) above v_off, k_on*(v/v_on - 1)**alpha_on*f_on(w) below v_on, 0 between. w_c = 0 is the
    rectangular window (w stops at w_on and w_off), w_c > 0 that of TEAM. Exact corners by default; `smooth` rounds
    them.
    """

    reference = _PAPER

    p, n = Terminal(), Terminal()

    r_on = Param(50.0, "Ohm", "resistance at w_on", low=1e-3, high=1e12, source=_SET)
    r_off = Param(1e3, "Ohm", "resistance at w_off", low=1e-3, high=1e15, source=_SET)
    k_on = Param(-10.0, "m/s", "speed constant towards on, negative", low=-1e9, high=0, source=_SET)
    k_off = Param(5e-4, "m/s", "speed constant towards off", low=0, high=1e9, source=_SET)
    alpha_on = Param(3.0, "1", "exponent towards on", low=1, high=30, source=_SET)
    alpha_off = Param(1.0, "1", "exponent towards off", low=1, high=30, source=_SET)
    v_on = Param(-0.2, "V", "threshold towards on, negative", low=-1e3, high=-1e-6, source=_SET)
    v_off = Param(0.02, "V", "threshold towards off", low=1e-6, high=1e3, source=_SET)
    w_on = Param(0.0, "m", "state of r_on", low=-1, high=1, source=_SET)
    w_off = Param(3e-9, "m", "state of r_off", low=-1, high=1, source=_SET)
    a_on = Param(2e-9, "m", "edge of the window towards on", low=-1, high=1, source="as in TEAM")
    a_off = Param(1.2e-9, "m", "edge of the window towards off", low=-1, high=1, source="as in TEAM")
    w_c = Param(0.0, "m", "width of the windows' edges; 0 for rectangular ones", low=0, high=1, source=_SET)
    exponential = Param(0.0, "1", "1 for resistance exponential in w, 0 for linear", low=0, high=1, source=_SET)
    smooth = Param(0.0, "1", "rounding of the thresholds, in thresholds; 0 as published", low=0, high=1,
                   source="0: the published corner")
    wall = Param(2e-5, "1", "width of the walls, in ranges of w", low=1e-6, high=0.1, source="chosen: narrow")
    w_init = Param(2.7e-9, "m", "start", low=-1, high=1, source="chosen: near off")

    w = State(init=w_init, unit="m", doc="internal state, w_on to w_off", low=w_on, high=w_off,
              resolution=lambda m: 1e-4 * (m.w_off - m.w_on))

    # Sizes chosen, the usual spread between cells; the published models are of single devices.
    spread = {"r_on": Lognormal(0.1), "r_off": Lognormal(0.1), "v_on": Relative(0.05), "v_off": Relative(0.05)}
    presets = {
        "kvatinsky_2015": Preset("the authors' set: sets within nanoseconds at 0.3 V", _SET, anode="n"),
        "slow_15k": Preset(
            "3 to 15.5 kOhm, seconds at 0.2 V", _PUBLIC,
            {"v_off": 0.06, "v_on": -0.14, "k_off": 1.449e-8, "k_on": -1.077e-8, "alpha_off": 1, "alpha_on": 1,
             "r_off": 15.5e3, "r_on": 3e3},
            {"k_off": _PUBLIC + ": 4.83/s of a state of 0 to 1, here of 3 nm",
             "k_on": _PUBLIC + ": -3.59/s of a state of 0 to 1, here of 3 nm",
             **dict.fromkeys(("v_off", "v_on", "alpha_off", "alpha_on", "r_off", "r_on"), _PUBLIC)}, anode="n",
            behaviour={"threshold": 0.14, "loop": (0.25, -0.15), "rate": 0.1, "set_pulse": (0.2, 0.05),
                       "reset_pulse": (-0.1, 0.05), "times": (1e-3, 10.0)}),
    }
    behaviour = Behaviour(kind="bipolar", threshold=0.2, loop=(0.3, -0.2), rate=2e5, set_pulse=(0.22, 2e-8),
                          reset_pulse=(-0.1, 1e-7), v_read=0.01, times=(1e-9, 1e-5))

    def constraints(self):  # type: ignore[no-untyped-def]
        yield self.r_on < self.r_off, "r_on must be below r_off"
        yield self.w_on < self.w_off, "w_on must be below w_off"

    def equations(self):  # type: ignore[no-untyped-def]
        span = self.w_off - self.w_on
        share = local("share", (self.w - self.w_on) / span)  # rates in 1/s: simulators resolve 1e-6 of any unit
        r = local("r", resistance(share, self.r_on, self.r_off, self.exponential))
        v_np = local("v_np", self.n - self.p)
        f_off, f_on = edge(self.w - self.a_off, self.w_c), edge(self.a_on - self.w, self.w_c)
        up = speed("over_off", self.k_off / span, v_np / self.v_off, self.alpha_off, self.smooth) * f_off
        down = speed("over_on", -self.k_on / span, v_np / self.v_on, self.alpha_on, self.smooth) * f_on
        yield branch(self.n, self.p, v_np / r)
        yield rate(self.w, span * walls(up - down, share, 0, 1, self.wall))

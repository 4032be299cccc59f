"""Linear ion drift, the HP memristor of Strukov et al. (2008), with the common window functions."""

from spicemem.devices.team import CAP, raised
from spicemem.expr import local, maximum, minimum, quantity, step, walls, where
from spicemem.model import Behaviour, Model, Param, Preset, State, Terminal, branch, rate
from spicemem.spread import Lognormal

_PAPER = "Strukov, Snider, Stewart, Williams, Nature 453, 80 (2008), doi:10.1038/nature06932"
_HP = "recalled from " + _PAPER + ", not re-read"
_WINDOW = "numbered as in Kvatinsky et al., Verilog-A for Memristor Models, Technion report (2011), and in Xyce"
_BIOLEK = "public netlist of Biolek et al., ECCTD 2009 (Joglekar's window)"
_YAKOPCIC = "public netlist 'HP Memristor SPICE Model Using Biolek Window'"


class LinearIonDrift(Model):
    """Linear ion drift: the HP memristor (Strukov 2008) with Joglekar's, Biolek's or Prodromakis' window or none.

    Positive v(p, n) drives dopants in and raises the conductance, as in the paper. v = (r_on*x + r_off*(1 - x))*i,
    dx/dt = mu*r_on/d**2*i*f(x, i), x = w/d from 0 to 1. window: 0 none (x stops at 0 and 1); 1 Joglekar, f = 1 - (2x -
    1)**(2p); 2 Biolek, f = 1 - (x - stp(-i))**(2p); 3 Prodromakis, f = j*(1 - ((x - 0.5)**2 + 0.75)**p). Joglekar's and
    Prodromakis' windows hold a state that has reached a bound for ever: f_min > 0 lets go.
    """

    reference = _PAPER

    p, n = Terminal(), Terminal()

    r_on = Param(100.0, "Ohm", "resistance when doped throughout", low=1e-3, high=1e12, source=_HP)
    r_off = Param(16e3, "Ohm", "resistance when not doped", low=1e-3, high=1e15, source=_HP)
    d = Param(10e-9, "m", "film thickness", low=1e-10, high=1e-3, source=_HP)
    mu = Param(1e-14, "m**2/(V*s)", "mobility of the dopants", low=1e-25, high=1, source=_HP)
    window = Param(0.0, "1", "0 none, 1 Joglekar, 2 Biolek, 3 Prodromakis", low=0, high=3, source=_WINDOW)
    p_window = Param(1.0, "1", "exponent p of the window", low=1, high=100, source="chosen: the widest window")
    j_window = Param(1.0, "1", "height j of Prodromakis' window", low=1e-3, high=1e3, source=_WINDOW)
    f_min = Param(1e-6, "1", "least value of the window on the way back from a bound", low=0, high=0.1,
                  source="chosen: frees a stuck state, acts within 1e-6 of a bound; 0 as published")
    smooth = Param(0.0, "A", "current over which Biolek's window changes sides; 0 as published", low=0, high=1,
                   source="0: the published step")
    wall = Param(2e-5, "1", "width of the walls", low=1e-6, high=0.1, source="chosen: narrow")
    x_init = Param(0.1, "1", "start", low=0, high=1, source="chosen")

    x = State(init=x_init, unit="1", doc="doped share of the film, w/d", low=0, high=1, resolution=1e-4)

    # Sizes chosen, the usual spread between cells; the published models are of single devices.
    spread = {"r_on": Lognormal(0.1), "r_off": Lognormal(0.1), "mu": Lognormal(0.1)}
    presets = {
        "strukov_2008": Preset("the HP memristor: 100 Ohm to 16 kOhm, 10 nm", _HP),
        "biolek_2009": Preset("1 to 100 kOhm, 10 nm, Joglekar's window with p = 1, from 80 kOhm", _BIOLEK,
                              {"r_on": 1e3, "r_off": 100e3, "window": 1, "p_window": 1, "x_init": 20 / 99},
                              dict.fromkeys(("r_on", "r_off", "d", "mu", "window", "p_window", "x_init"), _BIOLEK),
                              behaviour={"loop": (2.0, -2.0), "threshold": 2.0, "rate": 4.0, "set_pulse": (2.0, 0.02),
                                         "reset_pulse": (-2.0, 0.02)}),
        "biolek_window": Preset("100 Ohm to 1 kOhm, 16 nm, Biolek's window with p = 7", _YAKOPCIC,
                                {"r_on": 100, "r_off": 1e3, "d": 16e-9, "mu": 40e-15, "window": 2, "p_window": 7,
                                 "x_init": 0.076},
                                dict.fromkeys(("r_on", "r_off", "d", "mu", "window", "p_window", "x_init"), _YAKOPCIC),
                                behaviour={"loop": (0.5, -0.5), "threshold": 0.5, "rate": 8.0,
                                           "set_pulse": (0.5, 4e-3), "reset_pulse": (-0.5, 4e-3)}),
    }
    behaviour = Behaviour(kind="bipolar", threshold=1.0, loop=(1.0, -1.0), rate=1.5, set_pulse=(1.0, 0.02),
                          reset_pulse=(-1.0, 0.02), v_read=0.01, times=(1e-3, 1.0))

    def constraints(self):  # type: ignore[no-untyped-def]
        yield self.r_on < self.r_off, "r_on must be below r_off"

    def equations(self):  # type: ignore[no-untyped-def]
        v, amp = local("v_pn", self.p - self.n), quantity(1e-15, "A")
        r = local("r", maximum(self.r_on * self.x + self.r_off * (1 - self.x), 0.5 * self.r_on))
        x = minimum(maximum(self.x, -1), 2)  # windows stay finite far outside
        current = v / r
        side = where(self.smooth > 0, step(-current / maximum(self.smooth, amp)), where(v < 0, 1, 0))
        joglekar = 1 - raised((2 * x - 1) * (2 * x - 1), self.p_window)
        biolek = 1 - raised((x - side) * (x - side), self.p_window)
        prodromakis = self.j_window * (1 - raised((x - 0.5) * (x - 0.5) + 0.75, self.p_window))
        low = where(self.window > 0.5, joglekar, 1)
        f = local("f", where(self.window > 1.5, where(self.window > 2.5, prodromakis, biolek), low))
        # Outside 0 to 1 the published windows are negative, which is right for the way out and not for the way back.
        outward = where(v > 0, self.x - 0.5, 0.5 - self.x)
        window = where(outward > 0, f, maximum(f, self.f_min))
        speed = minimum(maximum(self.mu * self.r_on / (self.d * self.d) * current, -CAP), CAP)
        yield branch(self.p, self.n, current)
        yield rate(self.x, where(self.window > 0.5, speed * window, walls(speed, self.x, 0, 1, self.wall)))

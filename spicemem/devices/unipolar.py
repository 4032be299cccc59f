"""Unipolar resistive switch: set and reset of either polarity, two terminals."""

from spicemem.expr import exp, local, maximum, minimum, quantity, sqrt, step
from spicemem.model import Behaviour, Input, Model, Param, Preset, State, Terminal, branch, rate
from spicemem.spread import Lognormal, Normal

K_B = quantity(8.617333262e-5, "V/K")
_TABLE = "Table 1 of Sun et al. 2021 (ref. {}); constants calibrated to it{}"
_ROW = {"v_set": "calibrated: Vset in a 1 V/s sweep", "v_heat": "calibrated: Vreset in a 1 V/s sweep",
        "g_off": "calibrated: ratio"}


class Unipolar(Model):
    """Unipolar resistive switch: set by threshold switching under compliance, reset by heat, at either polarity.

    Only the size of v(p, n) counts. State u, volatile: an electronic on state that begins above v_set and ends when
    its current falls below i_hold. While it lasts the filament x grows until it takes the current at the voltage v_f,
    so that compliance (a series resistor) sets the low resistance, g_on at most. From about v_heat on, Joule heat
    dissolves the filament (Arrhenius). A single state could not: a set passes through the voltages that reset.
    """

    reference = "thermal reset after Russo et al., IEEE TED 56, 186 (2009), recalled; set and constants chosen"

    p, n = Terminal("either electrode"), Terminal("either electrode")
    read_noise = Input("1", "relative read noise of the current", optional=True)
    jitter = Input("V", "shift of the set voltage, redrawn each cycle", optional=True)

    g_on = Param(2e-4, "S", "conductance of a full filament", low=1e-12, high=10, source="chosen")
    g_off = Param(1.95e-9, "S", "conductance without a filament", low=1e-18, high=1e-2, source="chosen")
    g_u = Param(1e-3, "S", "conductance of the electronic on state", low=1e-12, high=10, source="chosen")
    v_set = Param(3.41, "V", "voltage at which the on state begins once a second", low=0.05, high=50, source="chosen")
    v_1 = Param(0.05, "V", "voltage scale of that rate", low=1e-3, high=5, source="chosen")
    i_hold = Param(5e-6, "A", "current of the on state below which it ends", low=1e-12, high=1, source="chosen")
    t_u = Param(1e-4, "s", "time constant of its start and end", low=1e-12, high=1, source="chosen")
    v_f = Param(0.5, "V", "voltage over the filament that compliance leaves", low=0.01, high=10, source="chosen")
    t_f = Param(1e-3, "s", "time constant of growth", low=1e-12, high=1e3, source="chosen")
    a_r = Param(2e8, "1/s", "attempt rate of dissolution", low=1e-3, high=1e12, source="chosen")
    e_r = Param(1.0, "V", "activation energy of dissolution over the elementary charge", low=0.1, high=5,
                source="chosen")
    v_heat = Param(0.773, "V", "voltage that doubles the temperature of a filament", low=0.01, high=20, source="chosen")
    x_heat = Param(1e-7, "1", "filament that is heated half as much", low=1e-12, high=0.1, source="chosen: a trace")
    t_amb = Param(300.0, "K", "ambient temperature", low=100, high=1000, source="room temperature")
    u_init = Param(0.0, "1", "electronic on state at the start", low=0, high=1, source="off")
    x_init = Param(0.0, "1", "filament at the start", low=0, high=1, source="none")

    u_on = State(init=u_init, unit="1", doc="electronic on state", low=0, high=1, resolution=1e-4)
    x = State(init=x_init, unit="1", doc="conductance of the filament over g_on", low=0, high=1, resolution=1e-5)

    # Sizes chosen: set within 0.1 V, off state within half a decade.
    spread = {"v_set": Normal(0.1), "v_heat": Normal(0.03), "g_off": Lognormal(0.5)}
    behaviour = Behaviour(
        kind="unipolar", threshold=3.5, loop=(5.25, 1.5), rate=1.0, set_pulse=(5.0, 0.01),
        reset_pulse=(1.2, 0.1), pulses=5, times=(1e-6, 1.0), retention=1e4,
    )
    presets = {
        "ag_ti_ceo2_pt": Preset(
            "Ag/Ti/CeO2-x/Pt; printed mechanism: Schottky barrier",
            _TABLE.format("[80]", "; set with or without 50 kOhm in series"), {}, _ROW),
        "au_surmof_au": Preset(
            "Au/SAM-SURMOF/Au; printed mechanism: charge trapping and detrapping, x being the share that is trapped",
            _TABLE.format("[62]", "; read as setting at either polarity; resets at 0.5 V, as no Vreset is printed"),
            {"v_set": 0.985, "v_1": 0.02, "v_f": 0.15, "v_heat": 0.38, "g_off": 1.9e-10}, {**_ROW, "v_heat": "chosen"},
            behaviour={"threshold": 1.0, "loop": (1.5, 0.75), "set_pulse": (1.5, 0.01), "reset_pulse": (0.6, 0.1)}),
    }

    def constraints(self):  # type: ignore[no-untyped-def]
        yield self.g_off < self.g_on, "g_off must be below g_on"
        yield self.v_f < self.v_set, "v_f must be below v_set"

    def equations(self):  # type: ignore[no-untyped-def]
        v, x = self.p - self.n, minimum(maximum(self.x, 0), 1)
        g = local("g", self.g_off + self.g_on * x)
        g_e = local("g_e", self.g_u * minimum(maximum(self.u_on, 0), 1))
        size = local("size", sqrt(v * v + quantity(1e-6, "V**2")) - quantity(1e-3, "V"))
        i = local("i_dev", (g + g_e) * v * maximum(1 + self.read_noise, 0))
        yield branch(self.p, self.n, i)

        # The on state begins exp((|v| - v_set)/v_1) times a second, at most 1e5, never at 0 V; its own current
        # holds it, so that it completes itself above i_hold and ends below.
        first, fastest = quantity(1, "1/s"), quantity(1e5, "1/s")
        away = local("away", exp((self.v_set + self.jitter) / self.v_1))
        at_rest = local("at_rest", 1 / (away / first + 1 / fastest))
        starts = local("starts", 1 / (away * exp(-size / self.v_1) / first + 1 / fastest) - at_rest)
        held = local("held", step(minimum((g_e * size / self.i_hold - 1) / 0.1, 30)) / self.t_u)
        yield rate(self.u_on, (starts + held) * (1 - self.u_on) - (1 / self.t_u - held) * self.u_on)

        # Growth while it lasts, towards the filament that takes the current at v_f; dissolution by Joule heat.
        wanted = (g + g_e) * size / (self.g_on * self.v_f)
        short = local("short", maximum(minimum(wanted, 1) - x, 0))
        heated = self.x / (maximum(self.x, 0) + self.x_heat) * (size / self.v_heat) * (size / self.v_heat)
        temperature = local("temperature", self.t_amb * (1 + maximum(heated, 0)))
        melts = local("melts", self.a_r * exp(-self.e_r / (K_B * maximum(temperature, self.t_amb))))
        yield rate(self.x, self.u_on * short * short / (short + 1e-3) / self.t_f - melts * self.x)

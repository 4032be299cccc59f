"""Electrochemical metallisation cell (CBRAM): Ag or Cu filament, two terminals."""

from spicemem.expr import exp, local, log, maximum, minimum, quantity, walls
from spicemem.model import Behaviour, Input, Model, Param, Preset, State, Terminal, branch, rate
from spicemem.spread import Lognormal

K_Q = quantity(8.617333262e-5, "V/K")
#: Gaps a second at most: chosen, a nanosecond is faster than any set or reset time in the table.
FASTEST = quantity(1e9, "1/s")
_MENZEL = "after Menzel et al., PCCP 15, 6945 (2013); recalled, not re-read"
_TABLE = "Table 1 of Sun et al. 2021 (ref. {}); constants calibrated to it"
_ROW = {"t_set": "calibrated: Vset in a 1 V/s sweep, with n_set", "n_set": "calibrated: set time at 2 Vset",
        "t_reset": "calibrated: Vreset in a 1 V/s sweep, with n_reset", "n_reset": "calibrated: reset time at 2 Vreset",
        "g_off": "calibrated: ratio", "g_on": "chosen", "r_fil": "chosen: 1/(9*g_on)"}
_FREE = {**_ROW, "n_set": "chosen: no set time is printed", "n_reset": "chosen: no reset time is printed"}


class ECM(Model):
    """Electrochemical metallisation cell: an Ag or Cu filament closes a tunnelling gap and opens it again.

    Positive v(p, n), active electrode p against inert electrode n, grows the filament and sets. State x: share of the
    gap that is closed; the tunnelling conductance is exponential in it and stands in series with the filament. Growth
    and dissolution are exponential in the voltage over the gap (nucleation- and transfer-limited, Arrhenius in
    temperature); as the gap closes its voltage falls, so a series resistor sets the low resistance: compliance.
    """

    reference = "Menzel et al., Phys. Chem. Chem. Phys. 15, 6945 (2013), doi:10.1039/c3cp50738f (recalled)"

    p, n = Terminal("active electrode, Ag or Cu"), Terminal("inert electrode")
    read_noise = Input("1", "relative read noise of the current", optional=True)
    jitter = Input("V", "shift of the set voltage, redrawn each cycle", optional=True)

    g_on = Param(1e-3, "S", "conductance of the closed gap", low=1e-12, high=10, source="chosen")
    g_off = Param(9e-8, "S", "conductance of the open gap", low=1e-18, high=1, source="chosen")
    r_fil = Param(111.0, "Ohm", "resistance of filament and electrodes in series", low=1e-3, high=1e12,
                  source="chosen: 1/(9*g_on)")
    t_set = Param(3824.9, "s", "time scale of growth at 300 K", low=1e-15, high=1e60, source="chosen: sets at 0.2 V")
    n_set = Param(1.5, "1", "charge transferred in the critical step of growth, elementary charges", low=0.01,
                  high=100, source=f"chosen; {_MENZEL}: nucleus of a few ions")
    t_reset = Param(98.808, "s", "time scale of dissolution at 300 K", low=1e-15, high=1e60, source="chosen")
    n_reset = Param(1.5, "1", "charge transferred in the critical step of dissolution, elementary charges", low=0.01,
                    high=100, source="chosen")
    e_a = Param(0.6, "V", "activation energy over the elementary charge", low=0, high=3, source=_MENZEL)
    t_amb = Param(300.0, "K", "ambient temperature", low=100, high=1000, source="room temperature")
    wall = Param(0.005, "1", "width of the walls", low=1e-5, high=0.1, source="chosen: narrow")
    x_init = Param(0.0, "1", "closed share of the gap at the start", low=0, high=1, source="chosen: open")

    x = State(init=x_init, unit="1", doc="closed share of the gap", low=0, high=1, resolution=1e-4)

    # Sizes chosen: half a decade of the open gap, a fifth of the contact, a third of the time of growth.
    spread = {"g_off": Lognormal(0.5), "g_on": Lognormal(0.2), "t_set": Lognormal(0.3), "t_reset": Lognormal(0.3)}
    behaviour = Behaviour(
        kind="bipolar", threshold=0.2, loop=(0.3, -0.21), rate=1.0, set_pulse=(0.25, 1.2e-4),
        reset_pulse=(-0.175, 2.3e-4), v_read=0.04, times=(1e-8, 1.0), retention=1e3,
    )
    presets = {
        "ag_pea2cs3pb4i13_pt": Preset(
            "Ag/PEA2Cs3Pb4I13/Pt, quasi-2D halide perovskite; printed mechanism: Schottky barrier",
            _TABLE.format("[59]") + "; Vreset read as -0.18 V, as none is printed",
            {"g_off": 9e-13, "t_set": 1189.8, "t_reset": 1074.4, "n_set": 1.5, "n_reset": 1.5},
            _FREE, behaviour={"threshold": 0.18, "loop": (0.27, -0.27), "set_pulse": (0.225, 1.5e-4),
            "reset_pulse": (-0.225, 1.4e-4), "v_read": 0.036}),
        "ag_zro2_graphene_pt": Preset(
            "Ag/ZrO2/graphene/Pt; printed mechanism: conductive filament",
            _TABLE.format("[61]") + "; Vset read as 1.0 V, -2.5 V as the negative set that graphene "
            "removes; times as a third of the printed bounds, ratio as 1e10",
            {"g_off": 9e-14, "n_set": 0.40508, "t_set": 818740, "n_reset": 0.38617, "t_reset": 353480},
            _ROW, behaviour={"threshold": 1.0, "loop": (1.5, -1.5), "set_pulse": (1.25, 1.5e-4),
            "reset_pulse": (-1.25, 1.6e-4), "v_read": 0.1}),
        "cu_asi_wo3_pt": Preset(
            "Cu/a-Si/WO3/Pt; printed mechanism: space charge limited current",
            _TABLE.format("[75]") + "; ratio 100 chosen, as none is printed",
            {"g_on": 0.0001, "r_fil": 1111.1, "g_off": 9.009e-07, "n_set": 0.15418, "t_set": 573.9,
             "n_reset": 0.16177, "t_reset": 603.09},
            _ROW, behaviour={"threshold": 1.25, "loop": (1.875, -1.875), "set_pulse": (1.5625, 3.1e-3),
            "reset_pulse": (-1.5625, 2.1e-3), "v_read": 0.1}),
        "ag_ngst_pt": Preset(
            "Ag/N-GST/Pt; printed mechanism: phase change",
            _TABLE.format("[81]") + "; read as electrochemical metallisation, as Ag and 0.2/-0.14 V suggest",
            {}, _FREE, behaviour={"threshold": 0.2, "loop": (0.3, -0.21), "set_pulse": (0.25, 1.2e-4),
            "reset_pulse": (-0.175, 2.3e-4), "v_read": 0.04}),
        "ag_zho_goqds_pt": Preset(
            "Ag/ZHO/GOQDs/ZHO/Pt; printed mechanism: conductive filament",
            _TABLE.format("[83]") + "; read as the middle of 0.08 to 0.3 V and of -0.14 to -0.01 V",
            {"n_set": 1.8874, "t_set": 29217, "n_reset": 4.22, "t_reset": 1928},
            _ROW, behaviour={"threshold": 0.19, "loop": (0.285, -0.1125), "set_pulse": (0.2375, 5.2e-05),
            "reset_pulse": (-0.0938, 2.6e-05), "v_read": 0.038}),
    }

    def constraints(self):  # type: ignore[no-untyped-def]
        yield self.g_off < self.g_on, "g_off must be below g_on"
        yield self.r_fil * self.g_off < 0.1, "r_fil must be far below the resistance of the open gap"

    def equations(self):  # type: ignore[no-untyped-def]
        v, x = self.p - self.n, minimum(maximum(self.x, -0.02), 1.02)
        g_gap = local("g_gap", self.g_on * exp((x - 1) * log(self.g_on / self.g_off)))
        v_gap = local("v_gap", v / (1 + self.r_fil * g_gap))
        yield branch(self.p, self.n, local("i_dev", g_gap * v_gap * maximum(1 + self.read_noise, 0)))
        # Each direction: rate exp(a)/t, smoothly limited to FASTEST, less its value at rest: exactly 0 at 0 V.
        v_t = local("v_t", K_Q * self.t_amb)
        heat = local("heat", exp(self.e_a / K_Q * (1 / self.t_amb - 1 / quantity(300, "K"))))
        shift = local("shift", exp(self.n_set * self.jitter / v_t))
        t_grow, t_melt = local("t_grow", heat * shift * self.t_set), local("t_melt", heat * self.t_reset)
        grow = 1 / (t_grow * exp(-(self.n_set * v_gap / v_t)) + 1 / FASTEST) - 1 / (t_grow + 1 / FASTEST)
        melt = 1 / (t_melt * exp(self.n_reset * v_gap / v_t) + 1 / FASTEST) - 1 / (t_melt + 1 / FASTEST)
        change = local("change", grow - melt)
        yield rate(self.x, walls(change, self.x, 0, 1, self.wall))

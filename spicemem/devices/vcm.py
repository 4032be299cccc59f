"""Filamentary valence-change RRAM of the HfO2 type: the current limit of the set sizes the filament."""

from spicemem.expr import absolute, cosh, exp, local, log, maximum, quantity, tanh, where
from spicemem.model import Behaviour, Input, Model, Param, Preset, State, Terminal, branch, rate
from spicemem.spread import Lognormal

K_Q = quantity(8.617333262e-5, "V/K")
#: Where the switching rate stops: a tenth of a nanosecond, chosen.
FASTEST = quantity(1e10, "1/s")
_LAW = "form recalled from Ielmini, IEEE Trans. Electron Devices 58, 4309 (2011), not re-read"
_1T1R = "calibrated: 1T1R, 25 to 170 uA give 14.3 to 2.3 kOhm, reset at -0.48 V and 1.2 to 1.3 times that current"
_TABLE = "Table 1 of Sun et al., The Future of Memristors, doi:10.1002/adfm.202006773"


def _row(stack: str, ref: str, volts: tuple[float, float], g_off: float, kinetics: tuple[float, ...],
         set_pulse: tuple[float, float], reset_pulse: tuple[float, float], note: str = "", anode: str | None = None,
         ) -> Preset:
    """A row of Table 1: Vset, Vreset in house polarity; kinetics are v_t, al_set, a_set, al_reset, a_reset."""
    largest = max(volts[0], -volts[1])
    found = f"calibrated: Vset, Vreset, tset, treset of {_TABLE}, ref. {ref}"
    values = {"g_off": g_off, "v_0": largest / 2, "x_init": 0.0,
              **dict(zip(("v_t", "al_set", "a_set", "al_reset", "a_reset"), kinetics, strict=True))}
    sources = {name: found for name in ("al_set", "a_set", "al_reset", "a_reset")}
    sources |= {"g_off": f"calibrated: ratio of {_TABLE}, ref. {ref}",
                "v_0": "chosen: half the largest printed voltage",
                "v_t": "chosen: three to five times the largest printed voltage: moderate heating"}
    behaviour = {"threshold": largest, "loop": (1.5 * volts[0], 1.5 * volts[1]), "series": 0.0,
                 "set_pulse": set_pulse, "reset_pulse": reset_pulse, "v_read": min(0.1, volts[0] / 5),
                 "times": (min(set_pulse[1], reset_pulse[1]) / 10, 1.0)}
    source = f"{_TABLE} (ref. {ref}); constants calibrated to it{note}"
    return Preset(f"{stack}: conductive filament", source, values, sources, anode, behaviour)


class VCM(Model):
    """Filamentary valence-change RRAM: oxygen vacancies drift in a filament that its voltage heats.

    Positive v(p, n) grows the filament (set) and negative shrinks it (reset): p is the electrode that positive voltage
    is applied to in the papers; stacks that set with negative voltage say so (preset, anode n). Vacancies hop over a
    barrier that the voltage lowers, at a temperature that the voltage sets, whatever the size of the filament; so a
    set stops at a voltage V_C of its own and a current limit I_C leaves R = V_C/I_C, and a reset needs a little more
    than I_C. A thin filament stays cold: the set is abrupt, the reset gradual and controlled by its stop voltage. The
    filament is ohmic; past it the oxide leaks with a conductance cosh(v/v_0), which stops at that of the full filament.
    """

    reference = "Ielmini, IEEE Trans. Electron Devices 58, 4309 (2011), form recalled, not re-read; constants own"

    p, n = Terminal("electrode that sets with positive voltage"), Terminal("the other electrode")
    read_noise = Input("1", "relative read noise of the current", optional=True)
    telegraph = Input("1", "random telegraph noise: relative change of the current of a thin filament", optional=True)
    jitter = Input("1", "logarithm of a factor on both switching rates, redrawn each cycle", optional=True)

    g_max = Param(1e-3, "S", "conductance of the full filament", low=1e-9, high=1.0, source="chosen")
    g_off = Param(2e-6, "S", "conductance of the oxide without filament, at low voltage", low=1e-15, high=1.0,
                  source="calibrated: 500 kOhm after a reset to -1.4 V, ratio 500")
    v_0 = Param(0.7, "V", "voltage scale of that leakage", low=0.02, high=100, source="chosen")
    v_t = Param(0.44, "V", "voltage that doubles the absolute temperature of a thick filament", low=0.01, high=1000,
                source="8 T0 rho k_th = 0.19 V**2 recalled from Ielmini 2011, not re-read")
    h_0 = Param(0.085, "1", "heating of the oxide without filament over that of a thick one", low=0, high=1,
                source="calibrated: 1T1R, 320 and 435 kOhm after resets to -0.8 and -1 V")
    x_h = Param(0.004, "1", "filament that is heated half way between", low=1e-6, high=10, source="calibrated with h_0")
    t_max = Param(2000.0, "K", "largest heating above ambient", low=100, high=1e4, source="chosen: below melting")
    t_amb = Param(300.0, "K", "ambient temperature", low=50, high=600, source="room temperature")
    e_a = Param(1.15, "V", "activation energy of hopping over the charge of an electron", low=0.0, high=5.0,
                source=f"chosen; {_LAW}")
    al_set = Param(0.35, "1", "share of the voltage that lowers the barrier, set", low=1e-4, high=2.0, source=_1T1R)
    al_reset = Param(0.35, "1", "the same, reset", low=1e-4, high=2.0, source=f"{_1T1R}; equal to al_set")
    a_set = Param(3.2e8, "1/s", "attempt rate of hopping times its share of the filament, set", low=1e-6, high=1e30,
                  source=_1T1R)
    a_reset = Param(3.2e8, "1/s", "the same, reset", low=1e-6, high=1e30, source=f"{_1T1R}; equal to a_set")
    x_trap = Param(0.01, "1", "filament whose telegraph noise is half that of a thin one", low=1e-6, high=10,
                   source="chosen: the noise falls with the filament's cross-section")
    x_init = Param(1e-4, "1", "filament at the start", low=0, high=1, source="chosen: reset; 1T1R sets at 0.78 V")

    x = State(init=x_init, unit="1", doc="filament conductance over that of the full filament", low=0, high=1,
              resolution=1e-3)

    # Sizes chosen, 0.2 to 0.3 in the logarithm; the same sizes suit `jitter`, from cycle to cycle.
    spread = {"x_h": Lognormal(0.2), "a_set": Lognormal(0.25), "a_reset": Lognormal(0.25)}
    behaviour = Behaviour(kind="bipolar", threshold=0.8, loop=(1.2, -1.4), rate=1.0, series=4e3,
                          set_pulse=(1.05, 1e-4), reset_pulse=(-0.72, 1e-4), times=(1e-7, 1.0), retention=1e4)
    presets = {
        "tin_ta2o5_tin": _row("TiN/Ta2O5/TiN", "57", (2.0, -2.0), 2.778e-6, (6.0, 0.2179, 5.67e10, 0.218, 2.067e12),
                              (3.73, 33e-9), (-3.33, 33e-9), "; times below 10 ns read as 3.3 ns"),
        "pt_tio2_nio_pt": _row("Pt/n-TiO2/p-NiO/Pt", "63", (0.75, -0.75), 9.655e-10,
                               (2.25, 0.4559, 3.796e11, 0.4085, 2.192e15), (1.42, 500e-9), (-1.087, 500e-9),
                               "; middle of both ranges; times below 150 ns read as 50 ns", "n"),
        "ito_lao_sto": _row("ITO/LaAlO3/SrTiO3", "64", (1.45, -5.0), 5.046e-6,
                            (15.0, 0.1472, 1.664e15, 0.08092, 2.128e12), (2.61, 250e-6), (-8.34, 150e-9),
                            "; Vset read as -1.6 to -1.3 V since Vreset is +5 V, its middle taken", "n"),
        "ta_hfo2_pd": _row("Ta/HfO2/Pd", "66, 67", (1.1, -1.3), 1.985e-6, (3.9, 0.2983, 6.252e12, 0.2205, 4.896e14),
                           (2.01, 500e-9), (-2.1, 500e-9)),
        "pt_hfox_tin": _row("Pt/HfOx/TiN", "68", (1.7, -1.6), 1.244e-4, (8.5, 0.08687, 2.146e16, 0.09071, 1.415e17),
                            (2.745, 500e-6), (-2.4, 500e-6)),
        "al_ws2_pt": _row("Al/WS2/Pt", "69", (1.6, -1.5), 9.942e-7, (4.8, 0.2436, 2.479e11, 0.2484, 3.674e13),
                          (2.97, 100e-9), (-2.46, 100e-9), "; times, not printed, chosen as 10 ns"),
        "w_albumen_ito": _row("W/egg albumen/ITO on PET", "82", (2.0, -1.6), 9.97e-7,
                              (6.0, 0.1987, 1.528e11, 0.2403, 4.186e13), (3.73, 100e-9), (-2.64, 100e-9),
                              "; Vreset and times, not printed, chosen as -1.6 V and 10 ns"),
    }

    def constraints(self):  # type: ignore[no-untyped-def]
        yield self.g_off < self.g_max, "g_off must be below g_max"

    def equations(self):  # type: ignore[no-untyped-def]
        # Bounded whatever a Newton iteration tries; a subcircuit that has a rate as a node (1e10 V) loses digits.
        v, x = self.p - self.n, maximum(self.x, 0)
        g_leak = self.g_max / (1 + self.g_max / (self.g_off * cosh(v / self.v_0)))
        noise_factor = maximum(1 + self.read_noise + self.telegraph / (1 + x / self.x_trap), 0)
        yield branch(self.p, self.n, (self.g_max * x + g_leak) * v * noise_factor)
        heating = 1 - (1 - self.h_0) * self.x_h / (self.x_h + x)
        rise = local("rise", self.t_amb * (v / self.v_t) ** 2 * heating)
        v_kt = local("v_kt", K_Q * (self.t_amb + rise / (1 + maximum(rise, 0) / self.t_max)))
        # 2*a*exp(-e_a/v_kt)*sinh(lowering), limited to FASTEST; 1 - exp(-2*y) = 2*tanh(y)/(1 + tanh(y)).
        lowering = local("lowering", where(v > 0, self.al_set, self.al_reset) * v / v_kt)
        attempt = where(v > 0, log(self.a_set / FASTEST), log(self.a_reset / FASTEST)) + self.jitter
        speed = FASTEST / (1 + exp(self.e_a / v_kt - absolute(lowering) - attempt))
        net = 2 * tanh(lowering) / (1 + absolute(tanh(lowering)))
        yield rate(self.x, speed * net * where(v > 0, 1 - self.x, self.x))

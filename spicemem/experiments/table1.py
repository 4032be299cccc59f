"""Table 1 of The Future of Memristors: every printed cell of its 24 rows, measured on the preset of that row."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files

import numpy as np
from matplotlib.figure import Figure

from spicemem.curve import Column, Curve
from spicemem.devices import DEVICES
from spicemem.engines import Engine
from spicemem.errors import SpicememError
from spicemem.experiments.base import Context, Experiment, Table
from spicemem.model import Model
from spicemem.protocols.characterise import (
    Trace,
    half_loop,
    middle,
    switching_time,
    switching_voltage,
)
from spicemem.protocols.conductance import conductance
from spicemem.protocols.pool import map_runs
from spicemem.units import engineering

PAPER = "Sun et al., The Future of Memristors, doi:10.1002/adfm.202006773, Table 1"
#: The preset that stands for each row, by the row's structure.
PRESETS = {
    "TiN/Ta2O5/TiN": "vcm:tin_ta2o5_tin",
    "Au/MoS2/Au": "interfacerram:au_mos2_au",
    "Ag/PEA2Cs3Pb4I13/Pt": "ecm:ag_pea2cs3pb4i13_pt",
    "Pt/TiO2/TiN": "interfacerram:pt_tio2_tin",
    "Ag/ZrO2/graphene/Pt": "ecm:ag_zro2_graphene_pt",
    "Au/SAM-SURMOF/Au": "unipolar:au_surmof_au",
    "Pt/n-Type TiO2/p-Type NiO/Pt": "vcm:pt_tio2_nio_pt",
    "ITO/LaAlO3/SrTiO3": "vcm:ito_lao_sto",
    "Au/Pt/TiO2-x/Pt/Ti": "interfacerram:au_pt_tio2x_pt_ti",
    "Ta/HfO2/Pd": "vcm:ta_hfo2_pd",
    "Pt/HfOx/TiN": "vcm:pt_hfox_tin",
    "Al/WS2/Pt": "vcm:al_ws2_pt",
    "Pt/TiN/PCMO/Pt": "pcmo:pt_tin_pcmo_pt",
    "TE (Cu doped)/MIEC/BE (Cu doped)": "miec:cu_miec",
    "Pt/Ti/Al2O3/TiOx/Pt/Ta": "interfacerram:pt_ti_al2o3_tiox_pt_ta",
    "TiN/Al2O3/TiO2/TiN": "interfacerram:tin_al2o3_tio2_tin",
    "Cu/a-Si/WO3/Pt": "ecm:cu_asi_wo3_pt",
    "TiN/TaOx/HfAlyOx/TiN": "interfacerram:tin_taox_hfalyox_tin",
    "Pt/VO2/Pt": "mott:pt_vo2_pt",
    "Pt/Ti/α-SrTiO3/Pt": "interfacerram:pt_ti_srtio3_pt",
    "Ag/Ti/CeO2-x/Pt": "unipolar:ag_ti_ceo2_pt",
    "Ag/N-GST/Pt": "ecm:ag_ngst_pt",
    "W/egg albumen/ITO/PET": "vcm:w_albumen_ito",
    "Ag/ZHO/GOQDs/ZHO/Pt": "ecm:ag_zho_goqds_pt",
}
#: Peaks of the triangle sweeps and pulse amplitudes, in printed switching voltages; slope of the sweeps, V/s.
SWEEP, PULSE, RATE = 1.5, 2.0, 1.0
VOLTAGE, RATIO, TIME = 0.1, 1.5, 2.0
#: Rows printed with both signs: the value counts only when the other sign sets too.
BOTH_SIGNS = {"Au/SAM-SURMOF/Au"}


@dataclass(frozen=True)
class Cell:
    """One printed cell: its name and unit, the text printed, the bounds a simulated value must lie in."""

    name: str
    unit: str
    printed: str
    bounds: tuple[tuple[float, float], ...]

    def passes(self, value: float) -> bool:
        """Whether a value (SI) is inside the bounds: of the right sign, not zero, finite."""
        return math.isfinite(value) and any(low <= value <= high for low, high in self.bounds)


@dataclass(frozen=True)
class Row:
    """A row of the table. cells: those with a printed number, by name. v_set, v_reset: V as printed (nan: not)."""

    structure: str
    preset: str
    v_set: float
    v_reset: float
    cells: Mapping[str, Cell]


@dataclass(frozen=True)
class Found:
    """What was simulated for a row: value (SI) by cell, the half loops that count, or why it failed."""

    row: Row
    values: Mapping[str, float] = field(default_factory=dict)
    halves: tuple[Trace, ...] = ()
    failure: str = ""

    def verdicts(self) -> dict[str, bool]:
        """Pass or fail of each printed cell."""
        return {name: cell.passes(self.values.get(name, math.nan)) for name, cell in self.row.cells.items()}


def _number(text: str) -> float:
    return float(text) if text else math.nan


def _voltage(line: Mapping[str, str], name: str, printed: str, tolerance: float = VOLTAGE) -> Cell:
    """A printed voltage within 10 %; a range of one sign anywhere inside; alternatives of either sign near one."""
    nominal, low, high = (_number(line[f"{name}_{part}_V"]) for part in ("nom", "lo", "hi"))
    values: tuple[float, ...] = (nominal,)
    if low * high < 0:  # alternatives ("1.0 or -2.5", "+-1.0"): never what lies between them
        values = (low, high)
    elif low < high:
        return Cell(name, "V", printed, ((low, high),))
    return Cell(name, "V", printed, tuple((v - tolerance * abs(v), v + tolerance * abs(v)) for v in values))


def _time(line: Mapping[str, str], name: str) -> Cell:
    value = _number(line[f"{name}_num_ns"]) * 1e-9
    low = 0.0 if line[f"{name}_is_upper_bound"] == "1" else value / TIME
    high = value if line[f"{name}_is_upper_bound"] == "1" else value * TIME
    # 0 is no switching time, whatever the bound.
    return Cell(name, "s", line[f"{name}_ns"], ((max(low, 1e-15), high),))


def rows() -> list[Row]:
    """The 24 rows, with their presets and the bounds of every printed cell."""
    text = (files("spicemem") / "data" / "table1_devices.csv").read_text(encoding="utf-8")
    found = []
    for line in csv.DictReader(text.splitlines()):
        cells = []
        if line["vset_nom_V"]:
            cells.append(_voltage(line, "vset", line["Vset_V"]))
        if line["vreset_nom_V"]:
            cells.append(_voltage(line, "vreset", line["Vreset_V"]))
        if line["roff_ron_num"]:
            ratio = float(line["roff_ron_num"])
            top = float(line["roff_ron_hi"]) if line["roff_ron_hi"] else ratio
            cells.append(Cell("ratio", "1", line["Roff/Ron"], ((ratio / RATIO, top * RATIO),)))
        cells += [_time(line, name) for name in ("tset", "treset") if line[f"{name}_num_ns"]]
        found.append(Row(line["structure"], PRESETS[line["structure"]], _number(line["vset_nom_V"]),
                         _number(line["vreset_nom_V"]), {c.name: c for c in cells}))
    return found


def device_of(row: Row) -> Model:
    """The device that stands for a row."""
    name, _, preset = row.preset.partition(":")
    return DEVICES[name].preset(preset)


def _sign(device: Model) -> float:
    """-1 where the printed voltages are those of a stack that sets with negative voltage."""
    return -1.0 if device.anode == device.handling().common else 1.0


def measure(row: Row, engine: Engine, device: Model | None = None) -> Found:
    """Simulate a row: two triangle loops at 1 V/s to 1.5 times the printed voltages, the second counts; then pulses.

    The ratio is read at min(0.1 V, |Vset|/5) from the states after the two halves. A pulse has twice the printed
    voltage and starts from what the other half left. Switched is what has passed the geometric mean of the two
    conductances. Voltages come back as the table prints them: at the anode that the preset names.
    """
    device = device or device_of(row)
    b = device.handling()
    sign = _sign(device)
    v_read = math.copysign(min(0.1, abs(row.v_set) / 5), row.v_set * sign)
    set_peak = SWEEP * row.v_set * sign
    reset_peak = b.loop[1] if math.isnan(row.v_reset) else SWEEP * row.v_reset * sign
    volatile = b.kind == "threshold"
    up = half_loop(device, set_peak, engine=engine, rate=RATE, series=b.series)
    down = half_loop(device, reset_peak, engine=engine, rate=RATE, initial=up.final, series=b.series if volatile else 0)
    if not volatile:
        up = half_loop(device, set_peak, engine=engine, rate=RATE, initial=down.final, series=b.series)
        off = down.final
        down = half_loop(device, reset_peak, engine=engine, rate=RATE, initial=up.final)
    else:
        off = {}
    read = [conductance(device, half.states, v_read) for half in (up, down)]
    values = {"vset": switching_voltage(up) * sign, "vreset": switching_voltage(down) * sign,
              "ratio": float(max(read[0].max(), read[1].max()) / min(read[0].min(), read[1].min())) if volatile
              else float(read[0][-1] / read[1][-1])}
    # Where no reset voltage is printed, the preset's own peak stands for 1.5 times it.
    starts = {"tset": (off, set_peak / SWEEP, up), "treset": (up.final, reset_peak / SWEEP, down)}
    for name, (initial, volts, half) in starts.items():
        if name in row.cells:
            printed = row.cells[name].bounds[0][1]
            values[name] = switching_time(device, PULSE * volts, middle(half), engine=engine, initial=initial,
                                          shortest=printed / 100, longest=printed * 10, edge=printed / 1000)
    if row.structure in BOTH_SIGNS and not _sets(device, engine, -set_peak):
        values["vset"] = math.nan
    return Found(row, values, (up, down))


def _sets(device: Model, engine: Engine, peak: float) -> bool:
    """Whether a half loop to `peak` sets, at the voltage printed within 10 %."""
    half = half_loop(device, peak, engine=engine, rate=RATE, series=device.handling().series)
    return abs(switching_voltage(half) * SWEEP / peak - 1) <= VOLTAGE and half.siemens[-1] > half.siemens[0]


def _measured(engine: Engine, row: Row) -> Found:
    try:
        return measure(row, engine)
    except SpicememError as error:  # one row that fails is no reason to lose the others
        return Found(row, failure=str(error))


def _table1(context: Context) -> None:
    found = map_runs(partial(_measured, context.engine), rows(), context.engine, context.executor, context.progress,
                     "rows of Table 1")
    outcome = context.outcome
    lines, good, cells = [], 0, 0
    for item in found:
        row, verdicts = item.row, item.verdicts()
        good, cells = good + sum(verdicts.values()), cells + len(verdicts)
        for name, cell in row.cells.items():
            value = item.values.get(name, math.nan)
            shown = f"{value:.3g}" if cell.unit == "1" else engineering(value, cell.unit)
            if not math.isfinite(value):
                shown = "failed" if item.failure else "none"
            printed = cell.printed + {"s": " ns", "V": " V"}.get(cell.unit, "")
            lines.append((row.structure, row.preset, name, printed, shown, "pass" if verdicts[name] else "FAIL"))
        if item.failure:
            outcome.remarks.append(f"{row.structure}: {item.failure}")
        if item.halves:
            outcome.keep(_curve(item, context.engine))
    outcome.tables["table1"] = Table(("structure", "preset", "quantity", "printed", "simulated", "verdict"), lines)
    outcome.figures["table1"] = _picture(found)
    outcome.score("table1-cells", f"{good} of {cells} cells", good == cells)
    outcome.remarks.append("sweeps at 1 V/s to 1.5 times the printed voltages, second loop; pulses of twice the "
                           "printed voltage; ratio read at min(0.1 V, |Vset|/5); endurance and retention not simulated")


def _curve(found: Found, engine: Engine) -> Curve:
    up, down = found.halves
    device = device_of(found.row)
    sign = _sign(device)
    time = np.concatenate([up.time, up.time[-1] + down.time[1:]])

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(up, name), getattr(down, name)[1:]])

    return Curve(time, joined("siemens"), "time", "s", "conductance", "S",
                 name=f"loop-{found.row.preset.replace(':', '-')}",
                 columns={"voltage": Column(joined("volts") * sign, "V", "voltage at the anode"),
                          "current": Column(joined("amps") * sign, "A", "current")},
                 provenance={"protocol": "triangle sweep at 1 V/s, second loop; conductance read from the states",
                             "row": found.row.structure, "device": found.row.preset,
                             "engine": f"{engine.name} {engine.version()}"})


def _picture(found: list[Found]) -> Figure:
    figure = Figure(figsize=(16, 20), layout="constrained")
    for panel, item in zip(figure.subplots(6, 4).flat, found, strict=True):
        row = item.row
        panel.set_title(f"{row.structure}\n{row.preset}", fontsize=8)
        if not item.halves:
            panel.text(0.5, 0.5, "failed", ha="center", transform=panel.transAxes)
            continue
        device = device_of(row)
        sign = _sign(device)
        for half, name in zip(item.halves, ("set half", "reset half"), strict=True):
            panel.semilogy(half.volts * sign, half.siemens, label=name)
        for name, style in (("vset", "C0"), ("vreset", "C1")):
            for low, high in row.cells[name].bounds if name in row.cells else ():
                panel.axvspan(low, high, color=style, alpha=0.2)
        panel.set_xlabel("voltage (V)", fontsize=8)
        panel.set_ylabel("conductance (S)", fontsize=8)
        panel.tick_params(labelsize=8)
        panel.grid(alpha=0.3)
    figure.suptitle("Table 1: conductance, read from the states, over a sweep of 1 V/s; shaded: bounds of the printed "
                    "voltages")
    return figure


EXPERIMENTS = (
    Experiment("table1", "Every printed cell of the 24 rows of Table 1", PAPER, _table1),
)

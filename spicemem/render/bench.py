"""Benches: a device or cell with its pins driven, as a circuit to run and as an ngspice file that draws itself."""

from __future__ import annotations

import math
import re

from spicemem.circuit import GROUND, Circuit, VoltageSource
from spicemem.errors import RenderError, nearest
from spicemem.model import Behaviour, Bench, Model
from spicemem.render import ngspice
from spicemem.render.text import NOTICE, templates
from spicemem.units import NONE, describe, number, prefix
from spicemem.waveform import Waveform

#: The device of a bench, in its circuit and in its netlist.
DUT = "dut"
# ngspice's control language replaces $ and !, runs what is in back quotes, and writes titles into the SVG as they are.
_PLAIN = re.compile(r"[A-Za-z0-9 .,:+\-*/=()\[\]_%]+\Z")
_PROBE = re.compile(r"(v\(\w+(\.\w+)*\)|\w+(\.\w+)*)\Z", re.ASCII)


def name_of(thing: Model | Circuit) -> str:
    """The name of a device or cell."""
    return thing.name if isinstance(thing, Circuit) else thing.definition.name


def heading(thing: Model | Circuit) -> str:
    """The title of the bench, with the name of what is shown."""
    name, title = name_of(thing), bench_of(thing).title
    return title if title.lower().startswith(name) else f"{name}: {title}"


def bench_of(thing: Model | Circuit) -> Bench:
    """The bench of a device or cell. Raises RenderError where there is none, or one that drives or draws what is not
    there."""
    name, bench = name_of(thing), thing.bench
    if bench is None and isinstance(thing, Model) and thing.behaviour is not None:
        bench = loop_bench(thing)
    if bench is None:
        raise RenderError(f"{name}: bench", found="none", expected="what drives it and what is drawn",
                          remedy="Write bench = Bench(drives=..., stop=..., ...)")
    pins = thing.ports if isinstance(thing, Circuit) else thing.definition.pins
    for pin, wave in bench.drives.items():
        if pin not in pins:
            raise RenderError(f"{name}: bench drives {pin!r}", expected="one of its pins", remedy=nearest(pin, pins))
        if not isinstance(wave, Waveform):
            raise RenderError(f"{name}: bench drives {pin!r}", found=repr(wave), expected="a Waveform")
    for what, value in (("stop", bench.stop), ("max_step", bench.max_step)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            raise RenderError(f"{name}: {what} of the bench", found=repr(value), expected="a time above 0 s")
    for what, text in (("title", bench.title), ("y_label", bench.y_label)):
        if not _PLAIN.match(text):
            raise RenderError(f"{name}: {what} of the bench", found=repr(text),
                              expected="letters, digits, blanks and . , : + - * / = ( ) [ ] _ %")
    for entry in bench.plot:
        if not _PROBE.match(entry):
            raise RenderError(f"{name}: bench draws {entry!r}", expected='"v(net)", or a state or local of a device')
    return bench


def loop_bench(device: Model) -> Bench:
    """The bench of a device that declares its behaviour only: its I-V loop, drawing its first state."""
    b, d = device.handling(), device.definition
    wave = loop_wave(b)
    state = next(iter(d.states.values()))
    return Bench(drives={**{pin: Waveform.constant(v) for pin, v in b.bias.items()}, b.write: wave},
                 stop=wave.duration, max_step=wave.duration / 2000, plot=(state.name,),
                 title="I-V loop", y_label=state.label)


def loop_wave(behaviour: Behaviour) -> Waveform:
    """From 0 V to each peak of the loop and back, one after the other, at its slope."""
    points = [(0.0, 0.0)]
    for peak in behaviour.loop:
        quarter = abs(peak) / behaviour.rate
        points += [(points[-1][0] + quarter, peak), (points[-1][0] + 2 * quarter, 0.0)]
    return Waveform.points(*points)


def bench_circuit(thing: Model | Circuit) -> Circuit:
    """The bench as a circuit that any engine runs: a driven cell, or a device as part "dut", other pins grounded."""
    bench = bench_of(thing)
    if isinstance(thing, Circuit):
        return thing.drive(**bench.drives)
    d = thing.definition
    circuit = Circuit(f"{d.name}_bench", title=bench.title)
    circuit.add(DUT, thing, **{pin: pin if pin in bench.drives else GROUND for pin in d.pins})
    for pin, wave in bench.drives.items():
        circuit.add(f"v_{pin}", VoltageSource(wave), p=pin, n=GROUND)
    return circuit


def drawn(thing: Model | Circuit) -> dict[str, tuple[str, str]]:
    """What a bench draws: for each entry of `plot` its signal in `bench_circuit` and its unit."""
    bench = bench_of(thing)
    devices = thing.devices() if isinstance(thing, Circuit) else {DUT: thing}
    found: dict[str, tuple[str, str]] = {}
    for entry in bench.plot:
        if entry.startswith("v(") and entry.endswith(")"):
            found[entry] = entry, "V"
            continue
        path, _, item = entry.rpartition(".") if isinstance(thing, Circuit) else (DUT, "", entry)
        known = {f"{p}.{n}": u for p, device in devices.items() for n, u in _quantities(device).items()}
        if f"{path}.{item}" not in known:
            raise RenderError(f"{name_of(thing)}: bench draws {entry!r}", expected="a state or local of a device",
                              remedy=nearest(f"{path}.{item}", known))
        found[entry] = f"{path}.{item}", known[f"{path}.{item}"]
    if len({unit for _, unit in found.values()}) != 1:
        raise RenderError(f"{name_of(thing)}: bench draws {', '.join(bench.plot)}", expected="quantities of one unit")
    return found


def _quantities(device: Model) -> dict[str, str]:
    d = device.definition
    units = {name: state.unit for name, state in d.states.items()}
    units.update({n: describe(e.dim or NONE) for n, e in d.locals.items() if n not in d.constant_locals})
    return {name: "1" if unit == "a pure number" else unit for name, unit in units.items()}


def _magnitude(thing: Model | Circuit, entry: str, signal: str) -> float:
    """About how large a drawn quantity is, 0 where the definition does not tell."""
    if entry.startswith("v("):
        return max((wave.peak for wave in bench_of(thing).drives.values()), default=0.0)
    path, _, item = signal.rpartition(".")
    device = thing.devices()[path] if isinstance(thing, Circuit) else thing
    if item not in device.definition.states:
        return 0.0
    high = device.definition.states[item].high
    return abs(device.initial(item)) or (0.0 if high is None else abs(device.number(high)))


def ngspice_bench(thing: Model | Circuit) -> str:
    """The bench as a file beside NAME.lib: `ngspice -b NAME.cir` runs it and draws NAME.svg."""
    bench, name = bench_of(thing), name_of(thing)
    pins = thing.ports if isinstance(thing, Circuit) else thing.definition.pins
    signals = drawn(thing)
    unit = next(iter(signals.values()))[1]
    vectors, size = {}, 0.0
    for entry, (signal, _) in signals.items():
        size = max(size, _magnitude(thing, entry, signal))
        *path, item = entry.removeprefix("v(").removesuffix(")").split(".")
        inside = not entry.startswith("v(") or item not in pins
        vectors[re.sub(r"\W+", "_", entry).strip("_")] = (
            f"v({'.'.join([f'x{DUT}' if inside else '', *(f'x{p}' for p in path), item]).lstrip('.')})")
    scale, letter = prefix(size) if unit.isalpha() else (1.0, "")
    time_scale, time_letter = prefix(bench.stop)
    shown = "" if unit == "1" else f"[{letter}{unit}]".replace("µ", "u")
    label = bench.y_label.replace(f"[{unit}]", shown) if f"[{unit}]" in bench.y_label else f"{bench.y_label} {shown}"
    saves = [f"v({pin})" for pin in bench.drives]
    return templates().get_template("ngspice_bench.j2").render(  # type: ignore[no-any-return]
        name=name, title=heading(thing), notice=NOTICE, fold=ngspice.fold,
        sources=[f"V{pin} {pin} {GROUND} {ngspice.wave_text(wave)}" for pin, wave in bench.drives.items()],
        instance=f"X{DUT} {' '.join(pin if pin in bench.drives else GROUND for pin in pins)} {name}",
        saves=" ".join(dict.fromkeys([*saves, *vectors.values()])), vectors=vectors, scale=number(scale),
        stop=number(bench.stop), step=number(bench.max_step), time_scale=number(time_scale),
        x_label=f"time [{time_letter}s]".replace("µ", "u"), y_label=label.strip())

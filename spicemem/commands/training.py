"""`spicemem presets`: what a device does in an array, for simulators that train networks."""

from __future__ import annotations

from pathlib import Path

import typer

from spicemem.commands.base import UNSUPPORTED, Settings, command, fail, progress_bar
from spicemem.errors import InputError


@command
def presets(
    device: str = typer.Argument(..., metavar="DEVICE", help="DEVICE or DEVICE:PRESET."),
    pulses: int | None = typer.Option(None, "--pulses", "-n", min=2, metavar="N", help="Pulses of a train. Default: "
                                      "as the device's behaviour says."),
    up: tuple[str, str] | None = typer.Option(None, "--up", metavar="V S", help="Volts and width of a pulse up. "
                                              "Default: the device's own, and so for --down."),
    down: tuple[str, str] | None = typer.Option(None, "--down", metavar="V S", help="Volts and width of a pulse down."),
    rest: str | None = typer.Option(None, "--rest", metavar="S", help="After each pulse. Default: the longer width."),
    devices: int = typer.Option(1, "--devices", min=1, metavar="N", help="Drawn from the device's spread."),
    cycles: int = typer.Option(1, "--cycles", min=1, metavar="N", help="Times up and down that count, after one."),
    redraw: list[str] = typer.Option([], "--redraw", metavar="INPUT=SIGMA", help="Cycle-to-cycle noise: an input of "
                                     "the device, normal around 0, redrawn for every pulse."),
    read_noise: str | None = typer.Option(None, "--read-noise", metavar="INPUT=SIGMA|SHARE", help="Redrawn for every "
                                          "reading, or a share of the conductance that you know."),
    keep: str | None = typer.Option(None, "--retention", metavar="S", help="How long retention is looked at."),
    wire: str | None = typer.Option(None, "--wire", metavar="OHM", help="Of a segment of wire, for the wire error."),
    size: int = typer.Option(32, "--size", min=2, metavar="N", help="Lines either way of the array with wires."),
    form: list[str] = typer.Option([], "--for", metavar="SIMULATOR", help="aihwkit, crosssim. Default: both."),
    nodes: int = typer.Option(21, "--nodes", min=2, max=63, metavar="N", help="Of the step against conductance."),
    param: list[str] = Settings,
    seed: int = typer.Option(1, "--seed", min=0, help="Of everything that is drawn."),
    engine: str | None = typer.Option(None, "--engine", "-e", metavar="E", help="Engine that measures."),
    out: Path = typer.Option(Path("presets-out"), "--out", "-o", metavar="DIR", help="Folder of the results."),
) -> None:
    """Measure a device as a part of an array and write presets for simulators that train networks.

    Pulse response up and down, spread, and, where asked for, read noise, retention and wires. What is not asked for is
    absent from the presets. Prints how well they reproduce the measured steps; writes them, behaviour.json,
    response.png, up.csv and down.csv.

    \b
    Examples:
      spicemem presets interfacerram --pulses 50 --devices 20 --for aihwkit -o presets
      spicemem presets secondorderwox --read-noise read_noise=0.02 --retention 1000 --wire 5 --size 16
      spicemem presets vcm --pulses 10 --devices 10 --cycles 3 --redraw jitter=0.2
      spicemem presets pcmo --pulses 30 --up 0.5 3m --down -0.5 1m
    """
    from spicemem import engines
    from spicemem.circuit import Circuit
    from spicemem.foreign.training import FORMS, known, save
    from spicemem.generate import settings_of, thing
    from spicemem.protocols.array_behaviour import measure, pulses_of
    from spicemem.protocols.ltp import scheme
    from spicemem.spread import Normal
    from spicemem.units import parse_quantity

    model = thing(device, settings_of(param))
    if isinstance(model, Circuit):
        raise InputError("DEVICE", found=f"the circuit {device}", expected="a device")

    def drawn(option: str, entry: str) -> tuple[str, Normal]:
        name, equals, text = entry.partition("=")
        if not equals:
            raise InputError(option, found=repr(entry), expected="INPUT=SIGMA, such as jitter=0.05")
        if name not in model.definition.inputs:
            raise InputError(f"{model.definition.name}: input", found=repr(name),
                             expected=f"one of {', '.join(model.definition.inputs) or 'none: it has no input'}")
        return name, Normal(parse_quantity(text, model.definition.inputs[name].unit, f"{option} {name}"))

    def seconds(text: str | None, what: str) -> float | None:
        return None if text is None else parse_quantity(text, "s", what)

    trains = []
    for k, (option, given) in enumerate((("--up", up), ("--down", down))):
        if given is None:
            trains.append(pulses_of(model, pulses)[k])
        else:
            volts, width = (parse_quantity(t, u, option) for t, u in zip(given, (model.write_unit, "s"), strict=True))
            trains.append(scheme(pulses or model.handling().pulses, volts, width, bias=model.handling().bias))
    noise = (None if read_noise is None else drawn("--read-noise", read_noise) if "=" in read_noise else
             parse_quantity(read_noise, "1", "--read-noise"))
    simulator = engines.get(engine)
    there, reason = simulator.available()
    if not there:
        fail(f"engine {simulator.name}: {reason}", UNSUPPORTED)
    known(form)
    with progress_bar() as progress:
        found = measure(
            model, up=trains[0], down=trains[1], rest=seconds(rest, "--rest"), devices=devices, cycles=cycles,
            cycle_noise=dict(drawn("--redraw", entry) for entry in redraw), noise=noise,
            keep=seconds(keep, "--retention"), wire=None if wire is None else parse_quantity(wire, "Ohm", "--wire"),
            size=size, seed=seed, engine=simulator, progress=progress)
    fitted = save(found, out, tuple(form) or tuple(FORMS), nodes)
    print(f"{fitted.report()}\nfiles in {out}")

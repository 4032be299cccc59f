"""Model or circuit to text. TARGETS is the one list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from spicemem.circuit import Circuit
from spicemem.errors import InputError, RenderError, nearest
from spicemem.model import Model
from spicemem.render import dialect, ngspice, ngspice_osdi, numpy, spectre, vacask, verilog_a


@dataclass(frozen=True)
class Target:
    """A kind of text. device, circuit: what writes a Model, a cell with ports; None where the target has no such."""

    name: str
    description: str
    suffix: str
    device: Callable[[Model], str] | None
    circuit: Callable[[Circuit], str] | None


def _spice(of: dialect.Dialect, description: str) -> Target:
    return Target(of.name, description, ".lib", partial(ngspice.device_library, dialect=of),
                  partial(ngspice.cell_library, dialect=of))


TARGETS: dict[str, Target] = {
    t.name: t
    for t in (
        Target("ngspice", "ngspice subcircuit of B sources", ".lib", ngspice.device_library, ngspice.cell_library),
        Target("ngspice-osdi", "ngspice cell over compiled Verilog-A", ".lib", None, ngspice_osdi.cell_library),
        Target("verilog-a", "Verilog-A module", ".va", verilog_a.device_library, None),
        Target("numpy", "vectorised Python function", ".py", numpy.device_module, None),
        Target("vacask", "VACASK subcircuit over compiled Verilog-A", ".sim", None, vacask.cell_library),
        Target("spectre", "Spectre library of sections, cell over Verilog-A", ".scs", spectre.device_library,
               spectre.cell_library),
        _spice(dialect.HSPICE, "HSPICE subcircuit of E and G sources"),
        _spice(dialect.LTSPICE, "LTspice subcircuit of B sources"),
        _spice(dialect.PSPICE, "PSpice subcircuit of E and G sources"),
        _spice(dialect.XYCE, "Xyce subcircuit of B sources"),
    )
}


def render(thing: Model | type[Model] | Circuit, target: str) -> str:
    """A device or cell as text for a target.

    Raises InputError for an unknown target, RenderError when the target has no such thing (with those that do).
    """
    if target not in TARGETS:
        raise InputError("target", found=repr(target), expected="one of the list", remedy=nearest(target, TARGETS))
    if isinstance(thing, type):
        thing = thing()
    kind = "circuit" if isinstance(thing, Circuit) else "device"
    if kind == "device" and not isinstance(thing, Model):
        raise RenderError("render", found=repr(thing), expected="a device, a device class or a Circuit")
    if isinstance(thing, Circuit) and not thing.ports:
        raise RenderError(f"circuit {thing.name}", found="no ports", expected="a cell with ports")
    write = TARGETS[target].circuit if isinstance(thing, Circuit) else TARGETS[target].device
    if write is None:
        others = [t.name for t in TARGETS.values() if getattr(t, kind)]
        raise RenderError(f"target {target}", found=f"a {kind}", expected="a " + ("circuit" if kind == "device" else
                          "device"), remedy=f"Use {' or '.join(others)}")
    return write(thing)  # type: ignore[arg-type]

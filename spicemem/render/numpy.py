"""NumPy: a device as one vectorised Python function, for analysis, fits and other people's integrators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from spicemem.expr import FUNCTIONS, Expr
from spicemem.model import Model
from spicemem.render.text import TextWriter, header, templates
from spicemem.units import number


class _Writer(TextWriter):
    """Python text: every name a variable."""

    spelling = {**{name: f"np.{name}" for name in FUNCTIONS}, "min": "np.minimum", "max": "np.maximum"}

    def conditional(self, condition: Expr, true: Expr, false: Expr) -> str:
        return f"np.where({self.visit(condition)}, {self.visit(true)}, {self.visit(false)})"


def device_module(device: Model) -> str:
    """A Python module with one function named after the device.

    Its arguments: voltages of terminals and internal nodes (V), inputs, states (in their units), then the parameters
    by keyword; arrays of any shapes that broadcast. It returns a dict: "i(p, n)" (A) of each branch, "d(state)/dt",
    and every named intermediate. At the solution the currents into each internal node add up to zero.
    """
    d = device.definition
    write = _Writer(d)
    lines: list[str] = []
    results: dict[str, str] = {}

    def assign(name: str, text: str) -> None:
        lines.extend(f"{aux} = {aux_text}" for aux, aux_text in write.take())
        lines.append(f"{name} = {text}")

    for name, node in d.locals.items():
        assign(name, write.text(node))
        results[name] = name
    for i, item in enumerate(d.branches, 1):
        assign(f"sm_i{i}", write.text(item.current))
        key = f"i({item.p.value}, {item.n.value})"
        # Two branches between the same ends are one current to whoever asks for it.
        results[key] = f"{results[key]} + sm_i{i}" if key in results else f"sm_i{i}"
    for name, rate in d.rates.items():
        assign(f"sm_f_{name}", write.text(rate))
        results[f"d({name})/dt"] = f"sm_f_{name}"
    arguments = [*d.terminals, *d.nodes, *d.inputs, *d.states]
    units = {**dict.fromkeys((*d.terminals, *d.nodes), "V"), **{n: i.unit for n, i in d.inputs.items()},
             **{n: s.unit for n, s in d.states.items()}}
    starts = {state.init for state in d.states.values()}
    used = {k: number(v) for k, v in device.values.items() if k not in starts and k != "hold"}
    return templates().get_template("numpy_device.j2").render(  # type: ignore[no-any-return]
        name=d.name, header=header(d, device, "#"), arguments=", ".join(arguments), parameters=used, lines=lines,
        results=results, units=", ".join(f"{n} [{u}]" for n, u in units.items()))


def device_function(device: Model) -> Callable[..., Mapping[str, Any]]:
    """That function, ready to be called."""
    space: dict[str, Any] = {"np": np}
    exec(compile(device_module(device), f"<{device.definition.name}>", "exec"), space)
    function: Callable[..., Mapping[str, Any]] = space[device.definition.name]
    return function

"""Verilog-A: a device as one module. No hidden state; held at rest by a variable, one contribution a node."""

from __future__ import annotations

import math

from spicemem.expr import Expr
from spicemem.model import Definition, Model
from spicemem.render.text import TextWriter, header, memoised, templates
from spicemem.units import describe, number

#: Capacitor of a state node, as in subcircuits and for the same reason (docs/design.md).
STATE_FARAD = "1e-9"


class _Writer(TextWriter):
    """Verilog-A text: terminals and inputs as V(name), everything else a variable or parameter."""

    def symbol(self, node: Expr) -> str:
        return f"V({node.value})" if node.kind in ("node", "input") else str(node.value)


def _bound(value: float) -> str:
    return number(value) if math.isfinite(value) else ("inf" if value > 0 else "-inf")


def _parameters(definition: Definition, values: dict[str, float]) -> list[str]:
    lines = []
    for name, param in definition.params.items():
        low = ("(" if param.low == -math.inf else "[") + _bound(param.low)
        high = _bound(param.high) + (")" if param.high == math.inf else "]")
        lines.append(f'(* type="instance", desc="{_quoted(param.doc)}", units="{param.unit}" *) '
                     f"parameter real {name} = {number(values[name])} from {low}:{high};")
    return lines


def _quoted(text: str) -> str:
    return text.replace("\\", "/").replace('"', "'")


@memoised
def device_module(device_class: type[Model], values: tuple[tuple[str, float], ...]) -> str:
    """The module of a device with these default values, no header."""
    d = device_class.definition
    write = _Writer(d)
    body: list[str] = []
    variables = [f'(* desc="{_quoted(s.doc)}", units="{s.unit}" *) real {s.name};' for s in d.states.values()]
    variables += [f'(* desc="{name}", units="{describe(node.dim or ())}" *) real {name};'
                  for name, node in d.locals.items()]
    plain: list[str] = []

    def assign(name: str, text: str) -> None:
        for aux, aux_text in write.take():
            plain.append(aux)
            body.append(f"{aux} = {aux_text};")
        body.append(f"{name} = {text};")

    for state in d.states.values():
        plain += [f"sm_r_{state.name}", f"sm_f_{state.name}"]
        assign(f"sm_r_{state.name}", write.text(state.resolution))
        body.append(f"{state.name} = {state.init} + sm_r_{state.name} * V(sm_s_{state.name});")
    for name, node in d.locals.items():
        assign(name, write.text(node))
    for i, item in enumerate(d.branches, 1):
        plain.append(f"sm_i{i}")
        assign(f"sm_i{i}", write.text(item.current))
    for state in d.states.values():
        assign(f"sm_f_{state.name}", f"-({write.text(d.rates[state.name])}) / sm_r_{state.name}")
        rest = "$abstime <= 0.0" if state.static == "hold" else "$abstime <= 0.0 && hold > 0.5"
        body.append(f"if ({rest}) sm_f_{state.name} = V(sm_s_{state.name});  // hold at rest")
    for i, item in enumerate(d.branches, 1):
        body.append(f"I({item.p.value}, {item.n.value}) <+ sm_i{i};")
    for cap in d.capacitances:
        pair = f"{cap.p.value}, {cap.n.value}"
        plain.append(name := f"sm_c{len(plain)}")
        assign(name, write.text(cap.farad))
        body.append(f"I({pair}) <+ ddt({name} * V({pair}));")
    for state in d.states.values():
        body.append(f"I(sm_s_{state.name}) <+ ddt({STATE_FARAD} * V(sm_s_{state.name}));")
        body.append(f"I(sm_s_{state.name}) <+ {STATE_FARAD} * sm_f_{state.name};")
    internal = [*d.nodes, *(f"sm_s_{s}" for s in d.states)]
    return templates().get_template("verilog_a_device.j2").render(  # type: ignore[no-any-return]
        name=d.name, pins=", ".join(d.pins), internal=", ".join(internal), parameters=_parameters(d, dict(values)),
        variables=variables, plain=", ".join(plain), body=body)


def device_library(device: Model) -> str:
    """A self-contained Verilog-A file of a device."""
    return header(device.definition, device, "//") + "\n" + device_module(type(device), tuple(device.values.items()))

"""The conductance that given states stand for: the device's own equations at its reading voltage, states held."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spicemem.errors import InputError, SpicememError
from spicemem.expr import Expr, as_expr, compile_function, derivative, symbol, symbols
from spicemem.model import Model
from spicemem.render.text import memoised
from spicemem.units import dimension

Array = NDArray[np.float64]
_STEPS, _HALVINGS = 60, 60


def conductance(device: Model, states: Mapping[str, ArrayLike], voltage: float | None = None) -> Array:
    """Current at the pin that is read over the voltage there, for states as they are.

    states: an array by name of every state, all of one length. voltage: V, default the reading voltage of the
    device's behaviour. Other pins are at 0 V or at the bias of the behaviour, inputs at 0. Nothing is disturbed, since
    nothing is run: this is what an ideal, infinitely short reading would find. Returns S, one value for each set of
    states. Raises InputError for missing states and SpicememError when internal nodes find no balance.
    """
    b, d = device.handling(), device.definition
    volts = b.v_read if voltage is None else voltage
    missing = [name for name in d.states if name not in states]
    if missing or not volts:
        raise InputError(f"conductance of {d.name}", found=f"no {', '.join(missing)}" if missing else "0 V",
                         expected="every state, and a voltage other than 0")
    count = max((len(np.atleast_1d(np.asarray(v))) for v in states.values()), default=1)
    values: dict[str, Array] = {name: np.zeros(count) for name in d.pins}
    values |= {name: np.full(count, v) for name, v in (*b.bias.items(), *device.values.items())}
    values |= {name: np.broadcast_to(np.asarray(v, dtype=np.float64), (count,)).copy() for name, v in states.items()}
    values[b.read] = np.full(count, volts)
    values[b.common] = np.zeros(count)
    values |= {name: np.full(count, volts / 2) for name in d.nodes}
    balance(device, values)
    current = evaluate(inward(device, b.read), values)
    return np.asarray(current / volts)


def inward(device: Model | type[Model], net: str) -> Expr:
    """The current (A) that flows from a terminal or node into the device, as an expression."""
    total = as_expr(0.0)
    for item in device.definition.branches:
        if item.p.value == net:
            total = total + item.current
        if item.n.value == net:
            total = total - item.current
    return total


def evaluate(node: Expr, values: Mapping[str, Array]) -> Array:
    """An expression for arrays of its symbols by name, all of one length."""
    inputs, function = _compiled(node)
    count = len(next(iter(values.values())))
    with np.errstate(all="ignore"):
        found = function(*(values[name] for name in inputs))[0]
    return np.broadcast_to(np.asarray(found, dtype=np.float64), (count,))


@lru_cache(maxsize=512)
def _compiled(node: Expr) -> tuple[tuple[str, ...], Callable[..., Any]]:
    inputs = symbols(node)
    return tuple(s.value for s in inputs), compile_function([node], inputs)


@memoised
def _balancing(kind: type[Model]) -> tuple[tuple[str, ...], Callable[..., Any]]:
    """Symbols and function of the currents into each internal node, and of their slopes by the voltage of each."""
    nodes = kind.definition.nodes
    leaving = [inward(kind, name) for name in nodes]
    outputs = [*leaving, *(derivative(current, symbol(name, dimension("V"), "node"))
                           for current in leaving for name in nodes)]
    inputs = symbols(*outputs)
    return tuple(s.value for s in inputs), compile_function(outputs, inputs)


def balance(device: Model, values: dict[str, Array]) -> None:
    """Newton's method for the internal nodes, all sets of states at once."""
    nodes = device.definition.nodes
    if not nodes:
        return
    inputs, function = _balancing(type(device))
    count, n = len(next(iter(values.values()))), len(nodes)

    def residual(at: Mapping[str, Array]) -> tuple[Array, Array]:
        found = np.empty((count, n + n * n))
        with np.errstate(all="ignore"):
            for k, column in enumerate(function(*(at[name] for name in inputs))):
                found[:, k] = column
        return found[:, :n], found[:, n:].reshape(count, n, n)

    now, jacobian = residual(values)
    for _ in range(_STEPS):
        try:
            step = np.linalg.solve(jacobian, -now[..., None])[..., 0]
        except np.linalg.LinAlgError:
            break
        share = np.ones(len(step))
        for _ in range(_HALVINGS):  # steep exponentials: as far along the step as brings the balance nearer
            trial = {**values, **{name: values[name] + share * step[..., k] for k, name in enumerate(nodes)}}
            after, slopes = residual(trial)
            worse = ~(np.abs(after).max(axis=-1) <= np.abs(now).max(axis=-1))
            if not worse.any():
                break
            share[worse] /= 2
        values.update(trial)
        now, jacobian = after, slopes
        if np.abs(share[:, None] * step).max() < 1e-12 * max(1.0, *(float(np.abs(values[n]).max()) for n in nodes)):
            return
    raise SpicememError(f"{device.definition.name}: internal nodes {', '.join(nodes)}", found="no balance of currents",
                        expected="one for every set of states")

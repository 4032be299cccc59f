"""A device on a measured voltage, integrated directly for many sets of parameter values at once: what fits run on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from spicemem.errors import CircuitError
from spicemem.expr import compile_function, derivative, symbol, symbols
from spicemem.model import Model
from spicemem.protocols import rodas
from spicemem.protocols.conductance import balance, inward
from spicemem.units import dimension

Array = NDArray[np.float64]
#: Allowed error of a step: of a state in its resolutions, of an internal node in `_VOLT`.
TOLERANCE, _VOLT = 0.1, 1e-4
#: Steps between two points of the data after which a lane that asks for more is lost; the growing steps in which
#: volatile states settle before the first.
MOST, _SETTLING = 1024, 60


class Integrator:
    """Current into the pin where a device is written, for a voltage there that is straight between points.

    Other pins are at 0 V or at the bias of the device's behaviour, inputs at 0. States start at their parameters, those
    that are solved at rest where they settle. RODAS3 on states and internal nodes together, steps as long as its
    error estimate is below TOLERANCE in every lane.
    Raises CircuitError for a device that is written at an input, such as light.
    """

    def __init__(self, device: Model):
        d, b = device.definition, device.handling()
        if b.write not in d.terminals:
            raise CircuitError(f"fit of {d.name}", found=f"a device that is written at its input {b.write}",
                               expected="one that is written by a voltage")
        self.device, self.pin = device, b.write
        volt = dimension("V")
        pin = symbol(b.write, volt, "node")
        self.states, self.nodes = list(d.states), list(d.nodes)
        unknown = [*(d.states[name].symbol for name in self.states), *(symbol(k, volt, "node") for k in self.nodes)]
        sums = [*(d.rates[name] for name in self.states), *(-inward(device, name) for name in self.nodes)]
        current = inward(device, b.write)
        slopes = [derivative(f, by) for f in sums for by in (pin, *unknown)]
        self._known = [str(s.value) for s in symbols(*sums, *slopes, current)
                       if all(s is not other for other in (pin, *unknown))]
        given = [pin, *unknown, *(s for s in symbols(*sums, *slopes, current)
                                  if all(s is not other for other in (pin, *unknown)))]
        self._rates, self._slopes = compile_function(sums, given), compile_function([*sums, *slopes], given)
        self._current = compile_function([current], given)
        self._unit = np.array([*(device.resolution(name) for name in self.states), *(1.0 for _ in self.nodes)])[:, None]
        self._error = np.array([*(1.0 for _ in self.states), *(_VOLT for _ in self.nodes)])[:, None]
        self._dynamic = np.array([*(1.0 for _ in self.states), *(0.0 for _ in self.nodes)])
        self._held = np.array([s.static == "hold" for s in d.states.values()] + [False] * len(self.nodes))
        self._rest = {**dict.fromkeys(d.pins, 0.0), **b.bias, b.common: 0.0}

    def currents(self, values: Mapping[str, Array | float], t: Array, v: Array) -> Array:
        """A at each of the times t (s, increasing) under the voltages v: a row for each lane of `values`.

        values: an array of one value a lane, or a number for all, of the parameters that differ from the device's. A
        lane whose equations leave the numbers is nan from there on.
        """
        lanes = max((np.size(value) for value in values.values()), default=1)
        full = {name: np.broadcast_to(np.asarray(value, float), (lanes,))
                for name, value in {**self._rest, **self.device.values, **values}.items()}
        known = [full[name] for name in self._known]
        with np.errstate(all="ignore"):
            x = self._start(full, known, v[0])
            found = np.empty((lanes, len(t)))
            found[:, 0] = self._amps(v[0], x, known)
            farad = self._farad(full)
            step = t[1] - t[0]
            for k in range(len(t) - 1):
                h = t[k + 1] - t[k]
                x, step = self._interval(x, v[k], v[k + 1], h, step, known)
                found[:, k + 1] = self._amps(v[k + 1], x, known) + farad * (v[k + 1] - v[k]) / h
        return found

    def _farad(self, values: Mapping[str, Array]) -> Array:
        """Capacitance (F) at the written pin: it adds the current of the voltage's slope."""
        total = np.zeros(len(next(iter(values.values()))))
        for item in self.device.definition.capacitances:
            if self.pin in (item.p.value, item.n.value):
                inputs = symbols(item.farad)
                total = total + compile_function([item.farad], inputs)(*(values[str(s.value)] for s in inputs))[0]
        return np.asarray(total)

    def _start(self, values: Mapping[str, Array], known: list[Array], v: float) -> Array:
        d, lanes = self.device.definition, len(next(iter(values.values())))
        at: dict[str, Array] = {**values, **{name: values[d.states[name].init] for name in self.states}}
        at |= {name: np.full(lanes, v / 2) for name in self.nodes} | {self.pin: np.full(lanes, v)}
        balance(self.device, at)
        x: Array = np.array([at[name] for name in (*self.states, *self.nodes)]).reshape(-1, lanes) / self._unit
        if self.states and not self._held[:len(self.states)].all():
            for h in np.geomspace(1e-15, 1e3, _SETTLING):
                moved = self._step(x, v, v, h, known)[0]
                x = np.where(self._held[:, None], x, moved)
        return x

    def _amps(self, v: float, x: Array, known: list[Array]) -> Array:
        found: Array = self._current(np.full(x.shape[1], v), *(x * self._unit), *known)[0]
        return np.asarray(np.where(np.isfinite(x).all(axis=0), found, np.nan))

    def _interval(self, x: Array, v: float, after: float, span: float, h: float, known: list[Array]
                  ) -> tuple[Array, float]:
        """Unknowns after a straight piece of voltage of `span` s, begun with steps of h; and the step to go on with."""
        done, left = 0.0, MOST
        while done < span:
            h = min(h, span - done)
            end = span if h > (span - done) * (1 - 1e-9) else done + h
            slope = (after - v) / span
            moved, error = self._step(x, v + slope * done, v + slope * end, end - done, known)
            size = np.abs(error) / self._error / TOLERANCE
            # A lane that was lost before asks for nothing; one that is being lost asks for a shorter step.
            size = np.where(np.isfinite(x), np.where(np.isfinite(size), size, 1e3), 0.0)
            worst = float(size.max(initial=0.0))
            left -= 1
            if worst > 1 and left < 0:
                moved, worst = np.where((size > 1).any(axis=0), np.nan, moved), 1.0
            if worst <= 1:
                x, done = moved, end
            h = (end - done if worst > 1 else h) * min(4.0, max(0.2, 0.9 * max(worst, 1e-9) ** (-1 / 3)))
        return x, h

    def _rows(self, function: int, v: float, x: Array, known: list[Array]) -> Array:
        found = (self._slopes if function else self._rates)(np.full(x.shape[1], v), *(x * self._unit), *known)
        rows = np.empty((len(found), x.shape[1]))
        for row, value in zip(rows, found, strict=True):
            row[:] = value
        rows[:len(x)] /= self._unit
        return rows

    def _step(self, x: Array, v: float, after: float, h: float, known: list[Array]) -> tuple[Array, Array]:
        n = len(x)
        if not n:
            return x, x
        rows = self._rows(1, v, x, known)
        by = rows[n:].reshape(n, n + 1, -1) / self._unit[:, None]
        f, by_v, by_x = rows[:n], by[:, 0], by[:, 1:] * self._unit[None]
        over_h = np.broadcast_to(self._dynamic[:, None] / h, x.shape)
        return rodas.step(x, f, (after - v) * by_v, by_x, lambda y: self._rows(0, after, y, known), over_h)

"""Spike pairs on the device's own equations, every delay and every candidate at once: the model that designs use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from spicemem.engines.result import Array
from spicemem.errors import CircuitError, SimulationError
from spicemem.expr import compile_function, derivative, quantity, symbol, symbols
from spicemem.model import Model
from spicemem.protocols import rodas
from spicemem.protocols.conductance import balance, conductance, inward
from spicemem.units import dimension

#: Substeps of each straight piece of a pair: what keeps a curve within 1 % of the reference (tests).
STEPS = 24
#: Steps of the rest between the pair and the reading, each longer than the one before.
REST = 25
#: Voltages in the table of rates.
_TABLE = 8001
_NEWTON = 60


@dataclass(frozen=True, eq=False)
class Knots:
    """Candidates for a pair of spikes: times (s) and values (V) of their points, one row a candidate."""

    pre_times: Array
    pre: Array
    post_times: Array
    post: Array


def _rows(times: Array, values: Array, t: Array) -> Array:
    """Row c of piecewise-linear functions at the times t[c]; constant outside their points."""
    low, high = min(times.min(), t.min()), max(times.max(), t.max())
    # One call for all: rows follow each other on one axis, with room between them.
    shift = 2 * (high - low) * np.arange(len(times))
    where = t + shift.reshape(-1, *([1] * (t.ndim - 1)))
    found = np.interp(where.ravel(), (times + shift[:, None]).ravel(), values.ravel())
    return np.asarray(found.reshape(t.shape))


class FastPairs:
    """The change of conductance by spike pairs of one device, integrated directly, without a circuit simulator.

    Two-terminal devices (p, n) stand between the neurons, v = v(pre) - v(post). Devices with gate, drain and source
    hang on a divider of two resistors `r` (Ohm): v(gate) follows (v(pre) + v(post))/2 with the time constant of r/2
    and the capacitances at the gate, less what the gate's own current drops over r/2 (at once). read_delay: s from the
    presynaptic spike to the reading, at `voltage` (V). Inputs are at 0. volts: the largest voltage (V) of a spike.

    Two accuracies: `change` integrates all states (RODAS3; internal nodes by Newton's method); `estimate` takes the
    rates at the starting states with the volatile ones where they settle, and is some fifty times as fast.
    Raises CircuitError for other devices.
    """

    def __init__(self, device: Model, *, r: float, read_delay: float, voltage: float, volts: float):
        d = device.definition
        needed = [name for name, given in d.inputs.items() if not given.optional]
        gated = set(d.terminals) == {"gate", "drain", "source"}
        if needed or not d.states or not (gated or set(d.terminals) == {"p", "n"}):
            raise CircuitError(
                f"design of spikes for {d.name}", found=f"pins {', '.join(d.pins)} and {len(d.states)} states",
                expected="a device with a state and terminals p and n, or gate, drain and source, without inputs that "
                "must be driven")
        self.device, self.read_delay, self.voltage = device, read_delay, voltage
        self.signs = (0.5, 0.5) if gated else (1.0, -1.0)
        self.pin, self.ohm = ("gate", r / 2) if gated else ("p", 0.0)
        self.tau = r / 2 * sum(device.number(c.farad) for c in d.capacitances
                               if gated and "gate" in (c.p.value, c.n.value))
        self.states, self.nodes = list(d.states), list(d.nodes)
        self._unit = np.array([device.resolution(name) for name in self.states])[:, None]
        self._compile()
        zero = np.zeros(1)
        # Internal nodes and rates against the voltage, held states at their start: first guess and quick model.
        self._volts = np.linspace(-1, 1, _TABLE) * volts * (abs(self.signs[0]) + abs(self.signs[1]))
        x, self._guesses = self._balanced(self._volts)
        x, self._guesses = self._settled(self._volts, x, self._guesses)
        self._rates = self._call("rates", self._volts, x, self._guesses)
        self._start, self._start_nodes = self._settled(zero, *self._balanced(zero))
        pieces = (self._rates[:, 1:] + self._rates[:, :-1]) / 2 * np.diff(self._volts)
        self._integrals = np.pad(np.cumsum(pieces, axis=1), ((0, 0), (1, 0)))
        self.before = float(self._conductance(self._start)[0])

    def _compile(self) -> None:
        d, volt, n = self.device.definition, dimension("V"), len(self.states)
        pin = symbol(self.pin, volt, "node")
        drive = symbol("sm_drive", volt, "node") if self.ohm else pin
        unknown = [*(d.states[name].symbol for name in self.states), *(symbol(k, volt, "node") for k in self.nodes)]
        sums = [*(d.rates[name] for name in self.states), *(-inward(self.device, name) for name in self.nodes)]
        if self.ohm:
            # The gate is a node too: what flows into it drops over both resistors.
            unknown.append(pin)
            sums.append((drive - pin) / quantity(self.ohm, "Ohm") - inward(self.device, self.pin))
        slopes = [[derivative(f, by) for by in (drive, *unknown)] for f in sums]
        wanted = {"rates": sums[:n], "nodes": [*sums[n:], *(s for row in slopes[n:] for s in row[1 + n:])],
                  "slopes": [*sums, *(s for row in slopes for s in row)]}
        known = [s for s in symbols(*wanted["slopes"]) if all(s is not other for other in (drive, *unknown))]
        given: dict[str, Any] = {**dict.fromkeys(d.pins, 0.0), **self.device.values}
        self._known = [given[s.value] for s in known]
        self._functions = {key: compile_function(f, [drive, *unknown, *known]) for key, f in wanted.items()
                           if f}

    def _balanced(self, v: Array) -> tuple[Array, Array]:
        """Starting states (in their resolutions) and the internal nodes that go with them at each voltage."""
        values = {name: np.full(len(v), value) for name, value in self.device.values.items()}
        values |= {name: np.full(len(v), self.device.initial(name)) for name in self.states}
        values |= {name: np.zeros(len(v)) for name in self.device.definition.pins}
        values |= {name: v / 2 for name in self.nodes} | {self.pin: v}
        balance(self.device, values)
        x = np.array([values[name] for name in self.states]) / self._unit
        nodes = [*self.nodes, self.pin] if self.ohm else self.nodes
        return x, self._solved(v, x, np.array([values[name] for name in nodes]).reshape(-1, len(v)))

    def _settled(self, v: Array, x: Array, w: Array) -> tuple[Array, Array]:
        """States that are solved at rest go where they stay at voltage v; the others are held."""
        held = np.array([s.static == "hold" for s in self.device.definition.states.values()])[:, None]
        if not held.all():
            last = 0.0
            for now in np.geomspace(1e-15, 1e3, 100):
                moved, w = self._step(x, w, v, v, np.full(len(v), now - last))
                x, last = np.where(held, x, moved), now
        return x, w

    def _call(self, which: str, v: Array, x: Array, w: Array) -> Array:
        """A compiled function for all lanes: a row for each output. States in their resolutions."""
        with np.errstate(all="ignore"):
            found = self._functions[which](v, *(x * self._unit), *w, *self._known)
        rows = np.empty((len(found), len(v)))
        for row, values in zip(rows, found, strict=True):
            row[:] = values
        if which != "nodes":
            rows[:len(x)] /= self._unit
        return rows

    def _solved(self, v: Array, x: Array, w: Array) -> Array:
        """The internal nodes at given voltages and states, by Newton's method from near by."""
        count = len(w)
        if not count:
            return w
        for _ in range(_NEWTON):
            rows = self._call("nodes", v, x, w)
            slopes = np.moveaxis(rows[count:].reshape(count, count, -1), -1, 0)
            move = np.linalg.solve(slopes, -rows[:count].T[..., None])[..., 0].T
            w = w + move
            if np.abs(move).max() < 1e-7:
                return w
        raise SimulationError(f"internal nodes {', '.join(self.nodes)} of {self.device.definition.name}",
                              found="no balance of currents", expected="one at every voltage of the spikes",
                              remedy="Lower the amplitude")

    def _slopes(self, v: Array, x: Array, w: Array) -> tuple[Array, Array, Array]:
        """Rates and their derivatives by voltage and by states, internal nodes following both."""
        n, m = len(x), len(x) + len(w)
        rows = self._call("slopes", v, x, w)
        by = rows[m:].reshape(m, m + 1, -1).copy()
        by[:n] /= self._unit[:, None]
        by[:, 1:n + 1] *= self._unit[None]
        f, by_v, by_x = rows[:n], by[:n, 0], by[:n, 1:n + 1]
        if m > n:
            follow = np.linalg.solve(np.moveaxis(by[n:, n + 1:], -1, 0), np.moveaxis(by[n:, :n + 1], -1, 0))
            through = np.einsum("ijw,wjk->ikw", by[:n, n + 1:], follow)
            by_v, by_x = by_v - through[:, 0], by_x - through[:, 1:]
        return f, by_v, by_x

    def _step(self, x: Array, w: Array, v: Array, v_next: Array, h: Array) -> tuple[Array, Array]:
        """One step of RODAS3 in every lane, from voltage v to v_next in h seconds."""
        f, by_v, by_x = self._slopes(v, x, w)
        if len(w):
            w = w + np.array([np.interp(v_next, self._volts, row) - np.interp(v, self._volts, row)
                              for row in self._guesses])
        nodes = [w]

        def rates(y: Array) -> Array:
            nodes[0] = self._solved(v_next, y, nodes[0])
            return self._call("rates", v_next, y, nodes[0])

        # The secant, not the slope at the start: a gate that settles within the step would be overshot.
        x, _ = rodas.step(x, f, (v_next - v) * by_v, by_x, rates, 1 / np.broadcast_to(h, x.shape))
        return x, self._solved(v_next, x, nodes[0])

    def _pairs(self, knots: Knots, delays: Array) -> tuple[Array, Array]:
        """Times and voltages at the device (candidate, lane, point): a lane a delay, then pre alone, post alone."""
        shift = np.r_[delays, 0.0, 0.0][None, :, None]
        count, points = knots.pre_times.shape
        own = np.broadcast_to(knots.pre_times[:, None], (count, shift.shape[1], points))
        t = np.sort(np.concatenate([own, knots.post_times[:, None] + shift], axis=2), axis=2)
        pre = _rows(knots.pre_times, knots.pre, t)
        post = _rows(knots.post_times, knots.post, t - shift)
        pre[:, -1] = post[:, -2] = 0.0
        return t, self.signs[0] * pre + self.signs[1] * post

    def _conductance(self, x: Array) -> Array:
        found = conductance(self.device, dict(zip(self.states, x * self._unit, strict=True)), self.voltage)
        return np.asarray(found)

    def estimate(self, knots: Knots, delays: Array) -> Array:
        """dG (S) of every candidate: a column for each delay (s), then pre alone and post alone. States held still."""
        t, v = self._pairs(knots, delays)
        a, b, h = v[..., :-1], v[..., 1:], np.diff(t, axis=-1)
        # A straight piece sees the mean of the rate between its ends: a difference of the integral over voltage.
        apart = np.abs(b - a) > 3 * (self._volts[1] - self._volts[0])
        x = np.empty((len(self.states), *t.shape[:2]))
        for k, (speed, integral) in enumerate(zip(self._rates, self._integrals, strict=True)):
            mean = np.where(apart, np.diff(np.interp(v, self._volts, integral), axis=-1) / np.where(apart, b - a, 1.0),
                            np.interp((a + b) / 2, self._volts, speed))
            x[k] = self._start[k] + (mean * h).sum(axis=-1)
        for k, (name, state) in enumerate(self.device.definition.states.items()):
            low, high = (None if e is None else self.device.number(e) / self.device.resolution(name)
                         for e in (state.low, state.high))
            if state.static == "hold":
                np.clip(x[k], low, high, out=x[k])
            else:
                x[k] = self._start[k]
        return self._conductance(x.reshape(len(x), -1)).reshape(t.shape[:2]) - self.before

    def change(self, knots: Knots, delays: Array, steps: int = STEPS) -> Array:
        """The same, integrated with all states, `steps` to each straight piece of a pair."""
        t, v = (part.reshape(-1, part.shape[-1]) for part in self._pairs(knots, delays))
        lanes, span = len(t), float(np.ptp(t))
        x, w = np.repeat(self._start, lanes, axis=1), np.repeat(self._start_nodes, lanes, axis=1)
        here, part = v[:, 0].copy(), np.linspace(0, 1, steps + 1)[1:, None]
        for j in range(t.shape[1] - 1):
            h = np.maximum(t[:, j + 1] - t[:, j], 1e-15 * span)
            a, b = v[:, j], v[:, j + 1]
            # Closest where the voltage is high, since rates are steep.
            share = np.where(a * b < 0, part**2 * (3 - 2 * part), np.where(abs(a) > abs(b), part**2,
                                                                           1 - (1 - part) ** 2))
            x, w, here = self._piece(x, w, here, a, (b - a) / h, share * h)
        rest = np.geomspace(1e-3 * span, self.read_delay, REST)[:, None]
        x, w, here = self._piece(x, w, here, v[:, -1], np.zeros(lanes), np.repeat(rest, lanes, axis=1))
        return self._conductance(x).reshape(len(knots.pre), -1) - self.before

    def _piece(self, x: Array, w: Array, here: Array, start: Array, slope: Array, times: Array
               ) -> tuple[Array, Array, Array]:
        """One straight piece: the voltage at the device goes from `here` after `start` + `slope`*t, at `times`."""
        last, tau = np.zeros(len(start)), self.tau
        if tau:
            behind = here - start + slope * tau
            times = np.concatenate([np.minimum(5 * tau, times[:1] / 2), times])
        for now in times:
            ahead = start + slope * (now - tau)
            if tau:
                ahead = ahead + behind * np.exp(-now / tau)
            x, w = self._step(x, w, here, ahead, now - last)
            here, last = ahead, now
        return x, w, here

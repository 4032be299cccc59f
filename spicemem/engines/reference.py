"""The reference engine: the circuit equations themselves, integrated by SUNDIALS IDA at tight tolerances.

Modified nodal analysis. Unknowns y: voltages of nets and of nodes inside devices, currents of voltage-defined parts
(from p through the part to n), and for each device state (x - init)/resolution. Equations, one a row:

    A y + B dy/dt + S f(y) = s(t)

with constant A (linear parts), B (capacitors, inductors, states), S (where each device output goes) and Q s (sources).
f is compiled from the expression tree, its slopes from the tree's exact derivatives. Between two break points of the
stimuli s is a straight line; at each break point the integration starts afresh.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
import warnings
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from spicemem.circuit import (
    GROUND,
    Capacitor,
    CurrentGain,
    CurrentSource,
    Element,
    Inductor,
    Resistor,
    Transconductor,
    Transresistor,
    VoltageGain,
    VoltageSource,
    source_wave,
)
from spicemem.engines.base import Engine, Job
from spicemem.engines.result import Array
from spicemem.errors import SimulationError
from spicemem.expr import Expr, compile_function, derivative, symbol, symbols, walk
from spicemem.model import Model
from spicemem.units import dimension
from spicemem.waveform import merge_times

Ints = NDArray[np.intp]
Matrix = Any  # a numpy array or a scipy.sparse matrix: both know @

#: Parts whose voltage is given. A tuple: a union would be made anew for each part of an array.
_TYING = (VoltageSource, VoltageGain, Transresistor)
#: More devices of one class than this are computed together by numpy, fewer one by one in plain floats.
MANY = 8
#: More unknowns than this take sparse matrices.
DENSE = 80
#: Absolute tolerances in units of the relative one: V, A (inductors), resolutions of a state.
VOLT, AMPERE, STEP = 1.0, 1e-3, 1.0
#: Currents of voltage sources take no part in error tests: they follow from the other unknowns, and across a
#: capacitor they are a derivative, which no step size makes smooth.
IGNORED = 1e30
#: One thread at a time redirects the output of the process.
_QUIET = threading.Lock()
REMEDY = "Look at the devices then: a jump in an equation, or a state that runs away, has no solution there"


class ReferenceEngine(Engine):
    """The yardstick of the other engines: direct integration of the device equations.

    rtol: relative tolerance of the integration; absolute ones are rtol times 1 V, 1 mA and one resolution of a state.
    `reltol` of a run is for simulators and changes nothing here.
    """

    name = "reference"
    description = "direct integration of the equations (SUNDIALS IDA), the yardstick of the other engines"

    def __init__(self, rtol: float = 1e-9):
        self.rtol = rtol

    def available(self) -> tuple[bool, str]:
        """(True, versions) or (False, what to install)."""
        try:
            return True, self.version()
        except ImportError as error:
            return False, f"scikit-sundae cannot be imported ({error}): pip install scikit-sundae"

    def version(self) -> str:
        """Versions of the integrator and its Python wrapper."""
        return _version()

    def simulate(self, job: Job) -> tuple[dict[str, Array], tuple[str, ...]]:
        """The saved signals, at the integrator's own steps, with "time" among them (dc: the swept value); warnings.

        Raises SimulationError when no operating point is found, when the integration gets stuck and when the time
        limit is reached.
        """
        with np.errstate(all="ignore"):  # values on the way to a solution may overflow; the solution is checked
            system = System(job.elements)
            clock = _Clock(job)
            start = _Start(system, job, clock)
            points = {"tran": self._transient, "op": _point, "dc": _sweep}[job.analysis](system, job, start, clock)
            signals = system.signals(job.saves, *points)
        self.check(job, signals, None)
        return signals, tuple(start.warnings)

    def _transient(self, system: System, job: Job, start: _Start, clock: _Clock) -> Points:
        from sksundae.ida import IDA

        breaks = _breaks(job)
        levels = np.array([wave(breaks) for wave in system.waves]).reshape(len(system.waves), len(breaks))
        line, slope, k = np.zeros(system.n), np.zeros(system.n), 0

        def residual(t: float, y: Array, yp: Array, out: Array) -> None:
            clock.check(breaks[k] + t)
            out[:] = system.residual(y, yp, line + t * slope)

        def jacobian(t: float, y: Array, yp: Array, out: Array, cj: float, into: Array) -> None:
            into.reshape(-1)[:] = system.slopes(y, cj)

        atol = self.rtol * system.scale
        options = {} if system.dense else {"linsolver": "sparse", "sparsity": system.matrix(np.ones(system.size)),
                                           "nthreads": 1}
        with warnings.catch_warnings():  # "sparsity will be ignored": it is needed, and it is used
            warnings.simplefilter("ignore", UserWarning)
            ida = IDA(residual, jacfn=jacobian, rtol=self.rtol, atol=atol, max_step=job.max_step,
                      max_num_steps=10_000_000, **options)

        y = start.solve(system.drive @ levels[:, 0])
        ts, ys, yps = [np.zeros(1)], [y[None, :]], [np.zeros((1, system.n))]
        for k in range(len(breaks) - 1):
            # Time counts from the break point: fine steps stay fine late in a long run.
            length = float(breaks[k + 1] - breaks[k])
            line = system.drive @ levels[:, k]
            slope = (system.drive @ levels[:, k + 1] - line) / length
            begun, tries = 0.0, 0
            while begun < length:
                first, y, yp = self._restart(system, y, begun, length, line, slope, breaks[k], clock)
                with _QUIET, contextlib.redirect_stdout(sys.stderr):  # where it prints why it gave up
                    found = ida.solve(np.array([first, length]), y, yp)
                y = found.y[-1].copy()
                ts.append(breaks[k] + found.t)
                ys.append(found.y.copy())
                yps.append(found.yp.copy())
                begun = float(found.t[-1])
                if found.success:
                    ts[-1][-1], begun = breaks[k + 1], length
                elif tries == 50 or begun <= first:
                    raise SimulationError(f"reference: transient of {job.title}",
                                          found=f"no way on from {breaks[k] + begun:.9g} s ({found.message})",
                                          expected=f"a solution up to {job.stop:.9g} s", remedy=REMEDY)
                tries += 1
        t = np.concatenate(ts)
        # A start a hair after a break point may round onto it: keep times that rise.
        keep = np.r_[True, t[1:] > np.maximum.accumulate(t)[:-1]]
        return t[keep], np.concatenate(ys)[keep], np.concatenate(yps)[keep], partial(_drive_at, system)

    def _restart(self, system: System, y: Array, begun: float, length: float, line: Array, slope: Array,
                 origin: float, clock: _Clock) -> tuple[float, Array, Array]:
        """Time, y and dy/dt a hair after `begun`, consistent with the equations.

        Three tiny implicit Euler steps: the first takes currents and voltages that jump where a slope changes, the
        second gives clean derivatives, the third shows what the steps lost; if that counts, they are made smaller.
        """
        h = 1e-7 * (length - begun)
        smallest = max(1e-15 * (length - begun), 4e-16 * begun)
        for _ in range(20):
            t, now, yps = begun, y, []
            for _ in range(3):
                t += h
                change = _euler_step(system, now, h, line + t * slope, self.rtol)
                if change is None:
                    break
                now = now + change
                yps.append(change / h)
            clock.check(origin + t)
            if len(yps) < 3:
                lost = 1e6
            else:
                lost = h * float(np.max(np.abs(yps[2] - yps[1]) / (self.rtol * (system.scale + np.abs(now)))))
            if lost <= 0.05 or (h <= smallest and len(yps) == 3):
                return t, now, yps[2]
            if h <= smallest:
                break
            h = max(smallest, h * max(1e-3, min(0.3, 0.7 * (0.05 / lost) ** 0.5)))
        raise SimulationError("reference: transient", found=f"no solution right after {origin + begun:.9g} s",
                              expected="one", remedy=REMEDY)


#: Times, y, dy/dt and the sources at those points.
Points = tuple[Array, Array, Array, Callable[[Array], Matrix]]


class _Clock:
    """The time limit of a run."""

    def __init__(self, job: Job):
        self.limit, self.end = job.timeout, time.monotonic() + job.timeout

    def check(self, t: float) -> None:
        if time.monotonic() > self.end:
            raise SimulationError("reference: time limit", found=f"{t:.9g} s of the circuit's time reached",
                                  expected=f"the end within {self.limit:g} s",
                                  remedy="Give a longer timeout, or a larger max_step")


def _breaks(job: Job) -> Array:
    inside = [w.times[(w.times > 0) & (w.times < job.stop)] for e in job.elements
              if isinstance(e.part, VoltageSource | CurrentSource) for w in [source_wave(e.part)]]
    breaks = merge_times(np.array([0.0, job.stop]), *inside)
    breaks[-1] = job.stop  # also where a break point lies a rounding before it
    return breaks


def _point(system: System, job: Job, start: _Start, clock: _Clock) -> Points:
    y = start.solve(system.drive @ np.array([float(wave(0.0)) for wave in system.waves]))
    return np.zeros(1), y[None, :], np.zeros((1, system.n)), partial(_drive_at, system)


def _sweep(system: System, job: Job, start: _Start, clock: _Clock) -> Points:
    levels = np.repeat(np.array([[float(wave(0.0))] for wave in system.waves]), len(job.axis), axis=1)
    for source, values in job.swept.items():
        levels[system.sources.index(source)] = values
    ys: list[Array] = []
    if system.linear:
        right = system.drive @ levels
        return job.axis, start.solve_all(right), np.zeros((len(job.axis), system.n)), lambda t: right
    for k, value in enumerate(job.axis):
        clock.check(float(value))
        ys.append(start.solve(system.drive @ levels[:, k], ys[-1] if ys else None))
    return job.axis, np.array(ys), np.zeros((len(ys), system.n)), lambda t: system.drive @ levels


def _drive_at(system: System, t: Array) -> Matrix:
    levels = np.array([wave(t) for wave in system.waves]).reshape(len(system.waves), len(t))
    return system.drive @ levels


def _euler_step(system: System, y: Array, h: float, s: Array, rtol: float) -> Array | None:
    """The change of y in an implicit Euler step, by Newton's method; None if that does not converge."""
    change = np.zeros(system.n)
    ignored = system.scale >= IGNORED
    for _ in range(25):
        now = y + change
        delta = _solve(system.matrix(system.slopes(now, 1.0 / h)), -system.residual(now, change / h, s))
        if not np.isfinite(delta).all():
            return None
        change += delta
        # Judged on the change itself, not on currents: those of a node inside a device may be 1e-20 A.
        if (ignored | (np.abs(delta) <= 1e-10 * np.abs(change) + 1e-15 * (1.0 + np.abs(now)))).all():
            return change
    # Rounding alone may keep an unknown moving (behind an amplifier): harmless below the tolerance.
    return change if (ignored | (np.abs(delta) <= 0.1 * rtol * (system.scale + np.abs(now)))).all() else None


def _solve(matrix: Matrix, right: Array) -> Array:
    return _factored(matrix)(right)


def _factored(matrix: Matrix) -> Callable[[Array], Array]:
    """Linear solution for any right side, rows scaled to 1: they range from 1 (sources) to 1e-20 S (nodes inside a
    device)."""
    if isinstance(matrix, np.ndarray):
        size = np.abs(matrix).max(axis=1)
        size[~(size > 0)] = 1.0
        scaled = matrix / size[:, None]

        def dense(right: Array) -> Array:
            try:
                return np.asarray(np.linalg.solve(scaled, (right.T / size).T))
            except np.linalg.LinAlgError:
                if not np.isfinite(scaled).all():
                    return np.full(np.shape(right), np.nan)
                return np.asarray(np.linalg.lstsq(scaled, (right.T / size).T, rcond=None)[0])

        return dense
    from scipy import sparse
    from scipy.sparse.linalg import splu

    size = abs(matrix).max(axis=1).toarray().ravel()
    size[~(size > 0)] = 1.0
    scaled = (sparse.diags_array(1.0 / size) @ matrix).tocsc()
    if not np.isfinite(scaled.data).all():
        return lambda right: np.full(np.shape(right), np.nan)
    try:
        lu = splu(scaled, permc_spec="MMD_AT_PLUS_A")  # a quarter fewer entries than COLAMD, on arrays
    except RuntimeError:  # exactly singular
        lu = splu((scaled + 1e-14 * sparse.eye_array(len(size))).tocsc())
    return lambda right: np.asarray(lu.solve((right.T / size).T))


# The operating point.


class _Groups:
    """Nets in groups that something ties together."""

    def __init__(self) -> None:
        self.parent: dict[str, str] = {}

    def root(self, net: str) -> str:
        while (up := self.parent.setdefault(net, net)) != net:
            self.parent[net] = self.parent[up]
            net = up
        return net

    def join(self, a: str, b: str) -> bool:
        """Tie two nets; False if they were tied already."""
        ra, rb = self.root(a), self.root(b)
        self.parent[ra] = rb
        return ra != rb


class _Start:
    """The operating point: capacitors open or charged as asked for, inductors shorted or at the current asked for,
    states held or solved (rate = 0) as each device says."""

    def __init__(self, system: System, job: Job, clock: _Clock):
        self.system, self.clock, self.title = system, clock, job.title
        self.warnings: list[str] = []
        self._gmin, self._slopes = -1.0, np.zeros(0)
        index, ground = system.index, system.n
        fixed = {i: 0.0 for i in system.held}
        fixed.update({index[f"i({path})"]: amps for path, amps in (job.currents or {}).items()})
        tied = _Groups()
        for e in job.elements:
            if isinstance(e.part, _TYING):
                tied.join(e.nets["p"], e.nets["n"])
        holds: list[tuple[str, str, float]] = []
        self.doubtful: list[tuple[int, int, float, str]] = []
        for p, n, volts in job.holds:
            if tied.join(p, n):
                holds.append((p, n, volts))
            else:  # sources or other capacitors give this voltage already
                self.doubtful.append((system.net(p), system.net(n), volts, f"v({p}) - v({n})"))
        for e in job.elements:
            i = index.get(f"i({e.path})", -1)
            if isinstance(e.part, Inductor) and i not in fixed and not tied.join(e.nets["p"], e.nets["n"]):
                # A short across what has a voltage: there is no such operating point.
                fixed[i] = 0.0
                self.warnings.append(f"inductor {e.path} lies across a source, a charged capacitor or another "
                                     "inductor: it starts at 0 A")
        if not self._grounded(tied):
            names = [name[2:-1] for name in index] + [GROUND]
            for a, b in system.conducting:
                tied.join(names[a], names[b])
            for e in job.elements:
                for net in e.nets.values():
                    if tied.join(net, GROUND):
                        holds.append((net, GROUND, 0.0))
                        self.warnings.append(f"net {net} has no path for direct current to ground: it starts at 0 V")
        self.fixed, self.values = np.array([*fixed], np.intp), np.array([*fixed.values()])
        self.p = np.array([system.net(p) for p, _, _ in holds], np.intp)
        self.m = np.array([system.net(n) for _, n, _ in holds], np.intp)
        self.volts = np.array([volts for _, _, volts in holds])
        self.count = system.n + len(holds)
        free = np.ones(self.count)
        free[self.fixed] = 0.0
        rows = np.arange(system.n, self.count)
        # The border: the current that charges each held pair, and the pair's voltage.
        data = np.r_[np.ones(len(holds)), -np.ones(len(holds))]
        net, row = np.r_[self.p, self.m], np.r_[rows, rows]
        real = net < ground
        data, net, row = data[real], net[real], row[real]
        self.free = free
        self.border = system.plain(np.r_[data, data, np.ones(len(fixed))], np.r_[net, row, self.fixed],
                                   np.r_[row, net, self.fixed], (self.count, self.count))
        self.nodes = np.r_[system.is_node, np.zeros(len(holds))]

    def _grounded(self, tied: _Groups) -> bool:
        """Whether every node has a path for direct current to ground: all at once, since an array has 1e5 of them."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        system = self.system
        ties = [(system.net(net), system.net(tied.root(net))) for net in list(tied.parent)]
        ends = np.array([*system.conducting, *ties], np.intp).reshape(-1, 2).T
        size = system.n + 1
        _, group = connected_components(coo_array((np.ones(ends.shape[1]), (ends[0], ends[1])), (size, size)), False)
        return bool((group[:-1][system.is_node > 0] == group[-1]).all())

    def solve(self, s: Array, guess: Array | None = None) -> Array:
        """y of the operating point under the sources s. guess: y of a neighbour. Raises SimulationError."""
        z = np.zeros(self.count)
        if guess is not None:
            z[:self.system.n] = guess
        found = self._newton(z, s, limit=np.inf, most=40)
        if found is None:
            found = self._newton(z, s, limit=0.3, most=300)
        if found is None and guess is not None:
            found = self._settle(z, s)
        if found is None:
            found = self._step_sources(s)
        if found is None:
            found = self._step_gmin(s)
        if found is None:
            found = self._settle(np.zeros(self.count), s)
        if found is None:
            raise SimulationError(f"reference: operating point of {self.title}",
                                  found="no convergence of Newton's method, source, gmin and time stepping",
                                  expected="a solution", remedy="Check bias and device values; states can be held "
                                  "at their start (hold=1, or initial=...)")
        y = found[:self.system.n]
        both = np.r_[y, 0.0]
        for p, n, volts, name in self.doubtful:
            if abs(both[p] - both[n] - volts) > 1e-6 * (1.0 + abs(volts)):
                self.warnings.append(f"{name} starts at {both[p] - both[n]:.6g} V, which the sources dictate, not at "
                                     f"the {volts:.6g} V asked for")
        self.doubtful = []
        return y

    def solve_all(self, s: Array) -> Array:
        """y of the operating points of a linear circuit under the sources of each column of s: one factorisation."""
        first = self.solve(s[:, 0])
        change = np.concatenate([s - s[:, :1], np.zeros((self.count - len(s), s.shape[1]))]) * self.free[:, None]
        return np.asarray(first + self._linear(change).T[:, :len(s)])

    def _newton(self, z: Array, s: Array, *, limit: float, most: int, part: float = 1.0, gmin: float = 0.0,
                old: Array | None = None, h: float = np.inf) -> Array | None:
        """Newton's method. limit: largest change of a voltage at once; part: share of all sources; gmin: conductance
        from every node to ground; old, h: an implicit Euler step of h seconds from there."""
        system, n = self.system, self.system.n
        z, good = z.copy(), False
        judged = np.r_[system.scale < IGNORED, np.zeros(self.count - n, bool)]
        for _ in range(most):
            self.clock.check(0.0)
            y = z[:n]
            yp = np.zeros(n) if old is None else (y - old[:n]) / h
            right = self.free * np.r_[system.residual(y, yp, part * s), -part * self.volts]
            right += self.border @ z + gmin * self.nodes * z
            right[self.fixed] -= part * self.values
            slopes = system.slopes(y, 1.0 / h)
            if gmin != self._gmin or not np.array_equal(slopes, self._slopes):
                # A linear circuit comes here once, whatever number of points is asked for.
                matrix = self._matrix(slopes)
                self._linear = _factored(matrix + system.diagonal(gmin * self.nodes) if gmin else matrix)
                self._gmin, self._slopes = gmin, slopes
            delta = self._linear(-right)
            if not np.isfinite(delta).all():
                return None
            largest = float(np.max(np.abs(delta[:n][system.is_node > 0]), initial=0.0))
            z += delta * min(1.0, limit / largest if largest > 0 else 1.0)
            if good:  # once more after the test was met, to the last digit
                return z
            good = largest <= limit and bool((np.abs(delta) <= 1e-9 * (1.0 + np.abs(z)))[judged].all())
        return z if good else None

    def _matrix(self, slopes: Array) -> Matrix:
        system, n = self.system, self.system.n
        inner = system.matrix(slopes)
        if system.dense:
            full = np.zeros((self.count, self.count))
            full[:n, :n] = inner
            return full * self.free[:, None] + self.border
        inner = inner.tocoo()
        return system.plain(inner.data * self.free[inner.row], inner.row, inner.col, (self.count,) * 2) + self.border

    def _step_sources(self, s: Array) -> Array | None:
        z, part, step = np.zeros(self.count), 0.0, 0.1
        while part < 1.0:
            target = min(1.0, part + step)
            found = self._newton(z, s, limit=0.3, most=60, part=target)
            if found is not None:
                z, part, step = found, target, step * 2.0
            elif (step := step / 4.0) < 1e-5:
                return None
        return z

    def _step_gmin(self, s: Array) -> Array | None:
        z = np.zeros(self.count)
        for gmin in [*np.logspace(-2, -20, 37), 0.0]:
            found = self._newton(z, s, limit=0.3, most=100, gmin=float(gmin))
            if found is None:
                return None
            z = found
        return z

    def _settle(self, z: Array, s: Array) -> Array | None:
        """Wait, in ever longer steps, until nothing moves: what a device does at the fold of its characteristic."""
        h = 1e-12
        for _ in range(400):
            found = self._newton(z, s, limit=1.0, most=20, old=z, h=h)
            if found is None:
                h *= 0.1
                if h < 1e-20:
                    return None
                continue
            z, h = found, h * 2.0
            if h > 1e15:
                return self._newton(z, s, limit=np.inf, most=20)
        return None


# The equations.


class Compiled:
    """What one model class computes, compiled once.

    slots: the symbols its equations depend on (pins, inner nodes, states). outputs: branch currents, then rates of the
    states; `rows` tells, for each, the slots whose equation it enters, with its sign. Expressions of parameters only
    are computed once a device (`constants`).
    """

    def __init__(self, kind: type[Model]):
        d = kind.definition
        volt = dimension("V")
        self.definition = d
        self.pins = d.pins
        self.slots = [*(symbol(t, volt, "node") for t in d.terminals), *(i.symbolic() for i in d.inputs.values()),
                      *(symbol(n, volt, "node") for n in d.nodes), *(s.symbol for s in d.states.values())]
        place = {id(s): i for i, s in enumerate(self.slots)}
        self.outputs = [*(b.current for b in d.branches), *(d.rates[name] for name in d.states)]
        self.rows: list[tuple[tuple[int, float], ...]] = [
            *(((place[id(b.p)], 1.0), (place[id(b.n)], -1.0)) for b in d.branches),
            *(((place[id(s.symbol)], -1.0),) for s in d.states.values())]
        self.partials: list[tuple[int, int]] = []
        slopes: list[Expr] = []
        for o, root in enumerate(self.outputs):
            used = {id(s) for s in symbols(root)}
            for i, s in enumerate(self.slots):
                slope = derivative(root, s) if id(s) in used else None
                if slope is not None and not (slope.op == "const" and slope.value == 0.0):
                    self.partials.append((o, i))
                    slopes.append(slope)
        self.slopes = slopes
        self.locals = dict(d.locals)
        self.params = [p.symbolic() for p in d.params.values()]
        self.hoisted = _constants([*self.outputs, *slopes, *self.locals.values()])
        self.conducting = [(b.p.value, b.n.value) for b in d.branches
                           if {id(b.p), id(b.n)} & {id(s) for s in symbols(b.current)}]
        self._numbers = compile_function(
            [*(s.resolution for s in d.states.values()), *(c.farad for c in d.capacitances), *self.hoisted],
            self.params, vectorised=False)

    def numbers(self, device: Model) -> tuple[list[float], list[float], list[float]]:
        """Resolutions of the states, capacitances (F) and the constants that the functions want first."""
        d = self.definition
        all_ = list(self._numbers(*(device.values[name] for name in d.params)))
        a, b = len(d.states), len(d.states) + len(d.capacitances)
        return all_[:a], all_[a:b], all_[b:]

    def function(self, what: str, vectorised: bool) -> Callable[..., Any]:
        """f(*constants, *slots) of "outputs", "slopes" or one of the locals."""
        key = (what, vectorised)
        if key not in self._functions:
            roots = {"outputs": self.outputs, "slopes": self.slopes}.get(what) or [self.locals[what[6:]]]
            self._functions[key] = compile_function(roots, [*self.hoisted, *self.slots], vectorised)
        return self._functions[key]

    @cached_property
    def _functions(self) -> dict[tuple[str, bool], Callable[..., Any]]:
        return {}


@lru_cache(maxsize=256)
def compiled(kind: Hashable) -> Compiled:
    """The functions of a model class."""
    return Compiled(cast(type[Model], kind))


def _constants(roots: Sequence[Expr]) -> list[Expr]:
    """The largest subexpressions that depend on parameters only."""
    fixed: dict[int, bool] = {}  # is it one; literals are left where they are
    found: dict[int, Expr] = {}
    literal: set[int] = set()
    for node in walk(*roots):
        if node.op == "const":
            literal.add(id(node))
            fixed[id(node)] = False
            continue
        inside = node.op == "symbol" and node.kind == "param"
        if node.args:
            inside = all(fixed[id(a)] or id(a) in literal for a in node.args) and any(fixed[id(a)] for a in node.args)
        fixed[id(node)] = inside
        if not inside:
            found.update({id(a): a for a in node.args if fixed[id(a)]})
    found.update({id(r): r for r in roots if fixed[id(r)]})
    return list(found.values())


@dataclass
class Block:
    """Devices of one class that are computed together: k of them, one unless `many`.

    cols: unknown of each slot and device, (slots, k). base, scale: the slot's value is base + scale*unknown.
    """

    code: Compiled
    paths: list[str]
    many: bool
    cols: Ints
    base: Array
    scale: Array
    constants: list[Array]

    def call(self, what: str) -> Callable[..., Any]:
        """f(*slots) of "outputs" or "slopes": floats for one device, arrays of k for many."""
        given = self.constants if self.many else [float(c[0]) for c in self.constants]
        return partial(self.code.function(what, self.many), *given)

    def over_time(self, what: str, ys: Array) -> list[Array]:
        """Outputs or a local, each as (k, points), from the unknowns (points, n + 1)."""
        x = self.base[:, :, None] + self.scale[:, :, None] * ys.T[self.cols]
        results = self.code.function(what, True)(*(c[:, None] for c in self.constants), *x)
        return [np.broadcast_to(np.asarray(r, float), x.shape[1:]) for r in results]


class System:
    """The equations of a flattened circuit: unknowns by name (`index`), matrices, device functions."""

    def __init__(self, elements: Sequence[Element]):
        self.elements = elements
        self.index: dict[str, int] = {}
        for e in elements:
            for net in e.nets.values():
                if net != GROUND:
                    self.index.setdefault(f"v({net})", len(self.index))
        for e in elements:
            if isinstance(e.part, Model):
                for node in e.part.definition.nodes:
                    self.index[f"v({e.path}.{node})"] = len(self.index)
        nodes = len(self.index)
        for e in elements:
            if isinstance(e.part, (*_TYING, Inductor)):
                self.index[f"i({e.path})"] = len(self.index)
        for e in elements:
            if isinstance(e.part, Model):
                for state in e.part.definition.states:
                    self.index[f"{e.path}.{state}"] = len(self.index)
        self.n = n = len(self.index)
        self.dense = n <= DENSE
        self.linear = not any(isinstance(e.part, Model) for e in elements)
        self.is_node = (np.arange(n) < nodes).astype(float)
        self.scale = np.where(self.is_node > 0, VOLT, STEP)
        self.voltage_defined: list[int] = []
        self.conducting: list[tuple[int, int]] = []
        self.held: list[int] = []
        sources = [e for e in elements if isinstance(e.part, (VoltageSource, CurrentSource))]
        self.sources = [e.path for e in sources]
        self.waves = [source_wave(e.part) for e in sources if isinstance(e.part, (VoltageSource, CurrentSource))]
        self._a, self._b, self._q, self._s, self._j = _Entries(), _Entries(), _Entries(), _Entries(), _Entries()
        self._linear_parts()
        self._devices()
        a, b, j = (entries.inside(n, n) for entries in (self._a, self._b, self._j))
        self.a = self.plain(a[2], a[0], a[1], (n, n))
        self.b = self.plain(b[2], b[0], b[1], (n, n))
        q, s = self._q.inside(n, len(self.waves)), self._s.inside(n, self._outputs)
        self.drive = self.plain(q[2], q[0], q[1], (n, len(self.waves)))
        self.spread = self.plain(s[2], s[0], s[1], (n, self._outputs))
        beside = np.r_[a[1], n + b[1], 2 * n + s[1]]  # one product is faster than three
        self._side_by_side = self.plain(np.r_[a[2], b[2], s[2]], np.r_[a[0], b[0], s[0]], beside,
                                        (n, 2 * n + self._outputs))
        # The Jacobian as a vector: of all places for a dense matrix, of those in use, by columns, for a sparse one.
        self.size = n * n
        where = [row * n + col if self.dense else col * n + row for row, col, *_ in (a, b, j)]
        if not self.dense:
            used = np.unique(np.concatenate(where))
            self.size = len(used)
            self._rows = (used % n).astype(np.int32)
            self._starts = np.searchsorted(used, np.arange(n + 1) * n).astype(np.int32)
            where = [np.searchsorted(used, w) for w in where]
        self._a_data = np.bincount(where[0], a[2], self.size)
        self._b_data = np.bincount(where[1], b[2], self.size)
        self._j_where, self._j_weight, self._j_from = where[2], j[2], j[3]
        self._extended = np.zeros(n + 1)

    def net(self, name: str) -> int:
        """Unknown of a net; n, one beyond all, for ground."""
        return self.n if name == GROUND else self.index[f"v({name})"]

    def plain(self, data: Array, rows: Ints, cols: Ints, shape: tuple[int, int]) -> Matrix:
        """A matrix from its entries (those at one place add up), of the kind this system uses."""
        if self.dense:
            full = np.zeros(shape)
            np.add.at(full, (rows, cols), data)
            return full
        from scipy import sparse

        return sparse.csr_array((data, (rows, cols)), shape)

    def diagonal(self, values: Array) -> Matrix:
        """A diagonal matrix of that kind."""
        at = np.arange(len(values))
        return self.plain(values, at, at, (len(values), len(values)))

    def matrix(self, data: Array) -> Matrix:
        """The Jacobian's vector as a matrix."""
        if self.dense:
            return data.reshape(self.n, self.n)
        from scipy import sparse

        return sparse.csc_matrix((data, self._rows, self._starts), (self.n, self.n))

    def residual(self, y: Array, yp: Array, s: Array) -> Array:
        """A y + B dy/dt + S f(y) - s: A at nets and nodes, V at voltage-defined parts, resolutions/s at states."""
        return np.asarray(self._side_by_side @ np.concatenate((y, yp, self._evaluate(self._output_calls, y))) - s)

    def slopes(self, y: Array, cj: float) -> Array:
        """d(residual)/dy + cj*d(residual)/d(dy/dt), as a vector."""
        values = self._evaluate(self._slope_calls, y)
        return self._a_data + cj * self._b_data + np.bincount(
            self._j_where, self._j_weight * values[self._j_from], self.size)

    def _evaluate(self, calls: Sequence[tuple[Callable[..., Any], int, int, int, int]], y: Array) -> Array:
        self._extended[:-1] = y
        x = self._base + self._scale * self._extended[self._cols]
        single, parts = [], []
        given = x[:self._singles].tolist()
        for call, begin, end, k, count in calls:
            if k == 0:
                single += call(*given[begin:end])
            else:
                part = np.empty((count, k))
                for i, value in enumerate(call(*x[begin:end].reshape(-1, k))):
                    part[i] = value
                parts.append(part.ravel())
        return np.concatenate([np.array(single, float), *parts]) if parts else np.array(single, float)

    def _linear_parts(self) -> None:
        a, b, q = self._a, self._b, self._q
        source = 0
        for e in self.elements:
            part, row = e.part, self.index.get(f"i({e.path})", -1)
            if isinstance(part, Model):
                continue
            p, n = self.net(e.nets["p"]), self.net(e.nets["n"])
            if row >= 0:  # its current leaves p and enters n; its own equation starts with v(p) - v(n)
                a.add((p, row, 1.0), (n, row, -1.0), (row, p, 1.0), (row, n, -1.0))
                if not isinstance(part, Inductor):
                    self.voltage_defined.append(row)
                self.scale[row] = AMPERE if isinstance(part, Inductor) else IGNORED
            if isinstance(part, Resistor):
                g = 1.0 / part.ohm
                a.add((p, p, g), (p, n, -g), (n, p, -g), (n, n, g))
                self.conducting.append((p, n))
            elif isinstance(part, Capacitor):
                c = part.farad
                b.add((p, p, c), (p, n, -c), (n, p, -c), (n, n, c))
            elif isinstance(part, Inductor):
                b.add((row, row, -part.henry))
            elif isinstance(part, VoltageSource):
                q.add((row, source, 1.0))
                source += 1
            elif isinstance(part, CurrentSource):
                q.add((p, source, -1.0), (n, source, 1.0))
                source += 1
            elif isinstance(part, CurrentGain | Transresistor):
                sense = self.index[f"i({part.sense})"]
                if isinstance(part, CurrentGain):
                    a.add((p, sense, part.gain), (n, sense, -part.gain))
                else:
                    a.add((row, sense, -part.ohm))
            elif isinstance(part, VoltageGain | Transconductor):
                cp, cn = self.net(e.nets["cp"]), self.net(e.nets["cn"])
                if isinstance(part, VoltageGain):
                    a.add((row, cp, -part.gain), (row, cn, part.gain))
                else:
                    g = part.siemens
                    a.add((p, cp, g), (p, cn, -g), (n, cp, -g), (n, cn, g))
                    if {p, n} == {cp, cn}:
                        self.conducting.append((p, n))
            else:
                raise AssertionError(type(part).__name__)

    def _devices(self) -> None:
        groups: dict[type[Model], list[Element]] = {}
        for e in self.elements:
            if isinstance(e.part, Model):
                groups.setdefault(type(e.part), []).append(e)
        self.blocks: list[Block] = []
        for kind, members in sorted(groups.items(), key=lambda item: len(item[1]) > MANY):
            code = compiled(cast(Hashable, kind))
            many = len(members) > MANY
            for chunk in [members] if many else [[e] for e in members]:
                self.blocks.append(self._block(code, chunk, many))
        self._cols = np.concatenate([np.zeros(0, np.intp), *(b.cols.ravel() for b in self.blocks)])
        self._base = np.concatenate([np.zeros(0), *(b.base.ravel() for b in self.blocks)])
        self._scale = np.concatenate([np.zeros(0), *(b.scale.ravel() for b in self.blocks)])
        self._singles = sum(b.cols.size for b in self.blocks if not b.many)
        self._output_calls: list[tuple[Callable[..., Any], int, int, int, int]] = []
        self._slope_calls: list[tuple[Callable[..., Any], int, int, int, int]] = []
        self._outputs = at = slope = 0
        for block in self.blocks:
            k, code = block.cols.shape[1], block.code
            ends = (at, at + block.cols.size, k if block.many else 0)
            self._output_calls.append((block.call("outputs"), *ends, len(code.outputs)))
            self._slope_calls.append((block.call("slopes"), *ends, len(code.slopes)))
            at += block.cols.size
            each = np.arange(k)
            for o, rows in enumerate(code.rows):
                for slot, sign in rows:
                    weight = sign / block.scale[slot]
                    self._s.extend(block.cols[slot], self._outputs + o * k + each, weight)
                    for number, (output, by) in enumerate(code.partials):
                        if output == o:
                            self._j.extend(block.cols[slot], block.cols[by], weight * block.scale[by],
                                           slope + number * k + each)
            self._outputs += len(code.outputs) * k
            slope += len(code.partials) * k

    def _block(self, code: Compiled, members: list[Element], many: bool) -> Block:
        d = code.definition
        cols, base, scale, constants = [], [], [], []
        still = len(d.pins) + len(d.nodes)
        for e in members:
            assert isinstance(e.part, Model)
            resolutions, farads, numbers = code.numbers(e.part)
            states = [self.index[f"{e.path}.{name}"] for name in d.states]
            cols.append([*(self.net(e.nets[pin]) for pin in d.pins),
                         *(self.index[f"v({e.path}.{node})"] for node in d.nodes), *states])
            base.append([0.0] * still + [e.part.values[s.init] for s in d.states.values()])
            scale.append([1.0] * still + resolutions)
            constants.append(numbers)
            self._b.add(*((i, i, 1.0) for i in states))
            hold = e.part.values.get("hold", 0.0) > 0.5
            self.held += [i for i, s in zip(states, d.states.values(), strict=True) if hold or s.static == "hold"]
            for c, farad in zip(d.capacitances, farads, strict=True):
                p, n = self.net(e.nets[c.p.value]), self.net(e.nets[c.n.value])
                self._b.add((p, p, farad), (p, n, -farad), (n, p, -farad), (n, n, farad))
            nets = {**e.nets, **{node: f"{e.path}.{node}" for node in d.nodes}}
            self.conducting += [(self.net(nets[p]), self.net(nets[n])) for p, n in code.conducting]
        return Block(code, [e.path for e in members], many, np.array(cols, np.intp).T, np.array(base, float).T,
                     np.array(scale, float).T, list(np.array(constants, float).reshape(len(members), -1).T))

    # From unknowns to signals.

    def signals(self, saves: Iterable[str], t: Array, ys: Array, yps: Array,
                drive: Callable[[Array], Matrix]) -> dict[str, Array]:
        """Signals by name from the unknowns (points, n)."""
        saves = list(saves)
        found: dict[str, Array] = {"time": t}
        extended = np.c_[ys, np.zeros(len(t))]
        currents: Mapping[int, Array] = {}
        if any(self.index.get(name) in self.voltage_defined for name in saves):
            currents = self._source_currents(t, extended, yps, drive)
        places = {path: (block, k) for block in self.blocks for k, path in enumerate(block.paths)}
        local: dict[tuple[int, str], Array] = {}
        for name in saves:
            i = self.index.get(name, -1)
            path, _, leaf = name.rpartition(".")
            if i in currents:
                found[name] = currents[i]
            elif i >= 0 and name.startswith(("v(", "i(")):
                found[name] = ys[:, i]
            elif i >= 0:
                block, k = places[path]
                slot = int(np.flatnonzero(block.cols[:, k] == i)[0])
                found[name] = block.base[slot, k] + block.scale[slot, k] * ys[:, i]
            else:
                block, k = places[path]
                key = (id(block), leaf)
                if key not in local:
                    local[key] = block.over_time(f"local:{leaf}", extended)[0]
                found[name] = np.array(local[key][k])
        return found

    def _source_currents(self, t: Array, extended: Array, yps: Array,
                         drive: Callable[[Array], Matrix]) -> dict[int, Array]:
        """Currents of voltage-defined parts from Kirchhoff's law at each point.

        The integrator's own are not good enough: it stops iterating when the voltages are right. Where the law holds
        at several nets (both ends of the part), the ones without capacitors count, which need no derivative.
        """
        n, own = self.n, self.voltage_defined
        columns = self.a[:, own] if self.dense else self.a.tocsc()[:, own]
        rows = np.unique(columns.nonzero()[0])
        columns = columns[rows] if self.dense else columns[rows].toarray()
        known = extended[:, :n].copy()
        known[:, own] = 0.0
        a, b, spread = self.a[rows], self.b[rows], self.spread[rows]
        rest = (a @ known.T) + (b @ yps.T) - drive(t)[rows]
        at = 0
        for block in self.blocks:
            count = len(block.code.outputs) * block.cols.shape[1]
            part = spread[:, at:at + count]
            at += count
            if abs(part).sum() > 0:
                rest = rest + part @ np.concatenate(block.over_time("outputs", extended))
        weight = np.where(abs(b).sum(axis=1) > 0, 1e-5, 1.0)
        found = -np.linalg.pinv(weight[:, None] * columns, rcond=1e-12) @ (weight[:, None] * rest)
        return {i: np.asarray(found[k]) for k, i in enumerate(own)}


class _Entries:
    """Entries of a matrix as they come; ground (beyond the last unknown) is left out at the end."""

    def __init__(self) -> None:
        self.some: list[tuple[int, int, float]] = []
        self.many: list[tuple[Ints, Ints, Array, Ints]] = []

    def add(self, *entries: tuple[int, int, float]) -> None:
        self.some.extend(entries)

    def extend(self, rows: Ints, cols: Ints, values: Array, extra: Ints | None = None) -> None:
        self.many.append((rows, cols, values, rows if extra is None else extra))

    def inside(self, height: int, width: int) -> tuple[Ints, Ints, Array, Ints]:
        """Rows, columns, values and the numbers that came along, of what lies inside a matrix of that size."""
        few = (np.array([r for r, _, _ in self.some], np.intp), np.array([c for _, c, _ in self.some], np.intp),
               np.array([v for _, _, v in self.some], float))
        rows, cols, extra = (np.concatenate([few[i], *(m[k] for m in self.many)]) for i, k in ((0, 0), (1, 1), (0, 3)))
        values = np.concatenate([few[2], *(m[2] for m in self.many)])
        keep = (rows < height) & (cols < width)
        return rows[keep], cols[keep], values[keep], extra[keep]


@lru_cache(maxsize=1)
def _version() -> str:
    import sksundae

    return f"scikit-sundae {sksundae.__version__} / SUNDIALS {sksundae.SUNDIALS_VERSION}"

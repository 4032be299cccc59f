"""Spikes of the ionic-synapse paper: its four STDP forms at any time scale and peak (shapes chosen, see docs)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq
from scipy.signal import lfilter

from spicemem.errors import WaveformError
from spicemem.expr import compile_function, symbols
from spicemem.model import Model
from spicemem.render.text import memoised
from spicemem.waveform import Array, Waveform

#: Edges of the spikes, in time scales.
EDGE = 1e-3


@dataclass(frozen=True)
class Form:
    """A pair of spikes that gives one form of STDP. time_scale: s; peak: V."""

    name: str
    title: str
    pre: Waveform
    post: Waveform
    time_scale: float


@memoised
def _gate_balance(kind: type[Model]) -> tuple[Callable[..., tuple[float, ...]], list[str]]:
    """(current into the inner node, dG/dt) as a function of that node's voltage and of what the names say."""
    d = kind.definition
    inner = next(s for b in d.branches for s in (b.p, b.n) if s.value == d.nodes[0])
    into, out = (b.current for b in d.branches if inner in (b.p, b.n))
    known = [s for s in symbols(into, out, d.rates["g"]) if s is not inner]
    function = compile_function([into - out, d.rates["g"]], [inner, *known], vectorised=False)
    return function, [str(s.value) for s in known]


def gate_rate(device: Model, volts: float) -> float:
    """dG/dt (S/s) of an ionic synapse at its starting state with `volts` straight on the gate, from its equations."""
    names = {"gate": volts, "drain": 0.0, "source": 0.0, "g": device.initial("g"), **device.values}
    function, known = _gate_balance(type(device))
    values = [names[name] for name in known]
    # Both currents rise with their voltage: the root lies between the ends, or an open-circuit voltage beyond them.
    wide = abs(volts) + 2.0
    root = brentq(lambda m: function(m, *values)[0], -wide, wide, xtol=1e-14)
    return float(function(root, *values)[1])


def gate_tau(device: Model, r: float) -> float:
    """Time constant (s) of a divider of two resistors r (Ohm) with the device's gate capacitance."""
    d = device.definition
    return r / 2 * sum(device.number(c.farad) for c in d.capacitances)


def _left_over(device: Model, spike: Waveform, tau: float) -> Callable[[Waveform], float]:
    """A function that gives what one spike alone leaves behind (S), at a gate that sees half of it through tau."""
    volts = np.linspace(-spike.peak / 2, spike.peak / 2, 401)
    speed = CubicSpline(volts, [gate_rate(device, v) for v in volts])

    def left_over(wave: Waveform) -> float:
        t, h = np.linspace(wave.times[0], wave.times[-1] + 10 * tau, 40001, retstep=True)
        gate = wave(t) / 2
        if tau > 0:
            # First-order lag, exact for straight pieces between the points.
            a = np.exp(-h / tau)
            late = (1 - a) * tau / h
            gate = lfilter([1 - late, late - a], [1, -a], gate)
        return float(np.trapezoid(speed(gate), t))

    return left_over


def antisymmetric(device: Model, peak: float, time_scale: float, gap: float = 0.0, sharp: float = 0.15,
                  tau: float = 0.0) -> Form:
    """Form (a): a sharp part, then a falling tail of the other sign; post is the opposite of pre (Fig. 4a).

    gap: rest between the two, in time scales; 0.25 gives form (d), without plasticity in the middle. sharp: length of
    the sharp part, in time scales. tau: time constant of the gate (s). The tail keeps its peak for as long as it takes
    to undo the sharp part when the spike comes alone: found from the device's own rate at a gate that sees half of it.
    """
    t, e = time_scale, EDGE * time_scale

    def spike(hold: float) -> Waveform:
        points = [(-sharp * t - e, 0.0), (-sharp * t, -peak), (-e, -peak)]
        if gap:
            points += [(0.0, 0.0), (gap * t - e, 0.0)]
        points += [(gap * t, peak), ((gap + hold) * t, peak), ((gap + 1) * t, 0.0)]
        return Waveform.points(*points)

    left_over = _left_over(device, spike(0.5), tau)
    try:
        hold = brentq(lambda h: left_over(spike(h)), 1e-6, 0.9, xtol=1e-5)
    except ValueError:
        raise WaveformError("antisymmetric spike", found=f"no balanced tail at {peak:g} V", expected="a device whose "
                            "rate falls steeply with voltage", remedy="Raise the peak or `sharp`") from None
    pre = spike(hold)
    name, title = ("flat-middle", "antisymmetric, flat middle") if gap else ("antisymmetric", "antisymmetric")
    return Form(name, title, pre, -pre, t)


def ltp_only(peak: float, time_scale: float) -> Form:
    """Form (b): both spikes are one triangle, 0.35 time scales to each side (Fig. 4b)."""
    t = time_scale
    spike = Waveform.points((-0.35 * t, 0), (0, peak), (0.35 * t, 0))
    return Form("ltp-only", "potentiation only", spike, spike, t)


def symmetric(peak: float, time_scale: float, ratio: float = 4.6 / 6.5) -> Form:
    """Form (c): both spikes are high within 0.08 time scales and low, `ratio` of it, out to 0.55 (Fig. 4c)."""
    t, e, low = time_scale, EDGE * time_scale, -ratio * peak
    half = [(0.08 * t, peak), (0.08 * t + e, low), (0.55 * t, low), (0.55 * t + e, 0.0)]
    spike = Waveform.points(*((-x, v) for x, v in reversed(half)), *half)
    return Form("symmetric", "symmetric", spike, spike, t)


def all_forms(device: Model, peak: float, time_scale: float, sharp: float = 0.15) -> list[Form]:
    """The four forms of Fig. 4, in its order."""
    return [antisymmetric(device, peak, time_scale, sharp=sharp), ltp_only(peak, time_scale),
            symmetric(peak, time_scale), antisymmetric(device, peak, time_scale, gap=0.25, sharp=sharp)]


def delay_grid(time_scale: float, points: int) -> Array:
    """Delays (s) from -2 to 2 time scales; an odd number of points has 0 among them."""
    return np.linspace(-2 * time_scale, 2 * time_scale, points)

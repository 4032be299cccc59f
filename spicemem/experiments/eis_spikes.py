"""Spikes of the ionic-synapse paper: its four STDP forms at any time scale and peak (shapes chosen, see docs)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq

from spicemem.expr import compile_function, symbols
from spicemem.model import Model
from spicemem.waveform import Waveform

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


def gate_rate(device: Model, volts: float) -> float:
    """dG/dt (S/s) of an ionic synapse at its starting state with `volts` straight on the gate, from its equations."""
    d = device.definition
    names = {"gate": volts, "drain": 0.0, "source": 0.0, "g": device.initial("g"), **device.values}
    inner = next(s for b in d.branches for s in (b.p, b.n) if s.value == d.nodes[0])
    into, out = (b.current for b in d.branches if inner in (b.p, b.n))
    known = [s for s in symbols(into, out, d.rates["g"]) if s.value in names]
    function = compile_function([into - out, d.rates["g"]], [inner, *known], vectorised=False)
    values = [names[s.value] for s in known]
    root = brentq(lambda m: function(m, *values)[0], min(0.0, volts), max(0.0, volts), xtol=1e-14) if volts else 0.0
    return float(function(root, *values)[1])


def balanced_width(device: Model, peak: float, time_scale: float) -> float:
    """Width (s) of the sharp part of form (a) that undoes the tail when a spike comes alone, through the divider.

    The gate sees half of each: rate(peak/2) * width = integral of rate(peak/2 * (1 - s)) over the tail.
    """
    full = gate_rate(device, peak / 2)
    tail = quad(lambda s: gate_rate(device, peak / 2 * (1 - s)), 0, 1, limit=200)[0] / full
    # An edge counts for less than its length: one more of them stands on the sharp side than on the tail's.
    edge = quad(lambda s: gate_rate(device, peak / 2 * s), 0, 1, limit=200)[0] / full
    return float(tail + EDGE * (1 - edge)) * time_scale


def antisymmetric(device: Model, peak: float, time_scale: float, gap: float = 0.0) -> Form:
    """Form (a): a sharp part, then a falling tail of the other sign; post is the opposite of pre (Fig. 4a).

    gap: rest between the two, in time scales; 0.25 gives form (d), without plasticity in the middle.
    """
    t, e = time_scale, EDGE * time_scale
    width = balanced_width(device, peak, t)
    points = [(-width - e, 0.0), (-width, -peak), (-e, -peak)]
    points += [(0.0, peak), (t, 0.0)] if not gap else [(0.0, 0.0), (gap * t - e, 0.0), (gap * t, peak),
                                                       ((1 + gap) * t, 0.0)]
    pre = Waveform.points(*points)
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


def all_forms(device: Model, peak: float, time_scale: float) -> list[Form]:
    """The four forms of Fig. 4, in its order."""
    return [antisymmetric(device, peak, time_scale), ltp_only(peak, time_scale), symmetric(peak, time_scale),
            antisymmetric(device, peak, time_scale, gap=0.25)]


def delay_grid(time_scale: float, points: int) -> np.ndarray:
    """Delays (s) from -2 to 2 time scales; an odd number of points has 0 among them."""
    return np.linspace(-2 * time_scale, 2 * time_scale, points)

"""What the campaigns of the tests repeat, in a module that worker processes can import, and quickly."""

from __future__ import annotations

import math
import os
import signal
import time
from typing import Any

import numpy as np

from spicemem.circuit import Capacitor, Circuit, Resistor, VoltageSource
from spicemem.curve import Curve
from spicemem.engines import Engine
from spicemem.waveform import Waveform


def plain(a: float, b: float = 2.0) -> dict[str, Any]:
    return {"sum": (a + b, "V"), "product": a * b}


def ishigami(x: float, y: float, z: float) -> float:
    return math.sin(x) + 7 * math.sin(y) ** 2 + 0.1 * z**4 * math.sin(x)


def fails_in_the_middle(a: float, log: str = "") -> float:
    if log:
        with open(log, "a") as file:
            file.write(f"{a:g}\n")
    if 2 <= a <= 3:
        raise ZeroDivisionError(f"no {a:g}")
    return a


def dies(a: float) -> float:
    if a == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return a


def hangs(a: float) -> float:
    while a == 1:
        time.sleep(0.01)
    return a


def rc(ohm: float, engine: Engine, stop: float = 1e-3, max_step: float = 1e-5) -> dict[str, Any]:
    circuit = Circuit("rc").add("vs", VoltageSource(Waveform.points((0, 0), (1e-4, 1))), p="near", n="0")
    circuit.add("r1", Resistor(ohm), p="near", n="far").add("c1", Capacitor(1e-6), p="far", n="0")
    result = engine.run(circuit, stop, max_step=max_step)
    return {"end": (float(result["v(far)"][-1]), "V")}


def window(n: float) -> Any:
    x = np.arange(n)
    return Curve(x, x**2, "x", "s", "y", "S")


def strange(a: float) -> str:
    return "large"


def line(slope: float) -> Any:
    x = np.arange(4.0)
    return Curve(x, slope * x, "x", "s", "y", "S")


def rc_twice(ohm: float, engine: Engine) -> dict[str, Any]:
    circuit = Circuit("rc").add("vs", VoltageSource(Waveform.points((0, 0), (1e-4, 1))), p="near", n="0")
    circuit.add("r1", Resistor(ohm), p="near", n="far").add("c1", Capacitor(1e-6), p="far", n="0")
    half = engine.run(circuit, 1e-3, max_step=1e-5)
    again = engine.run(circuit, 1e-3, max_step=1e-5, initial=half.final_state())
    return {"end": (float(again["v(far)"][-1]), "V")}

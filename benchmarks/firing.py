"""Spike times of neurons and oscillators against the reference, and what they cost, by engine and maximum step.

python benchmarks/firing.py [--write]: prints a markdown table; --write keeps it beside this file. The step of the rule
(`protocols.firing.firing_step`), ten times it, and half of it; the reference has the step of the rule. The error of
spike times is the largest difference over the mean interval, which grows with every period; that of the rate is the
mean interval's own. Times are the simulator's wall time, the median of three runs
that take turns.
"""

from __future__ import annotations

import argparse
import sys
from statistics import median

from accuracy import finish, host, need_simulators

from spicemem import engines
from spicemem.circuit import Circuit
from spicemem.circuits.neurons import if_neuron, neuristor, relaxation_oscillator, vo2_neuron
from spicemem.protocols.firing import fire, firing_step, injected
from spicemem.spikes import mean_interval_error
from spicemem.waveform import Waveform

STEP_UP = Waveform.points((0, 0), (1e-7, 20e-6))
CIRCUITS: dict[str, tuple[Circuit, float, dict[str, float]]] = {
    "NbO2 oscillator, 1.2 MHz": (relaxation_oscillator().drive(supply=Waveform.points((0, 0), (1e-8, 5.0))), 20e-6,
                                 {"threshold": 1.6, "reset": 1.4, "base": 1.2}),
    "NbO2 neuristor, 6.8 kHz": (injected(neuristor(), "inp", STEP_UP), 0.6e-3,
                                {"threshold": 0.3, "reset": 0.2, "base": 0.17}),
    "VO2 neuron": (vo2_neuron().drive(inp=Waveform.points((0, 0), (1e-9, 0.5))), 1.5e-6, {"threshold": 0.5}),
    "diffusive neuron": (if_neuron().drive(inp=Waveform.pulse(1.2, 10e-6, 0.1e-6).repeat(60, 20e-6)), 1.2e-3,
                         {"threshold": 2e-3}),
}
FACTORS = (10.0, 1.0, 0.5)
REPEATS = 3


def main() -> None:
    """Print, and with --write keep, the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--write", action="store_true", help="keep the table in benchmarks/firing.md")
    options = parser.parse_args()
    need_simulators()
    lines = ["| circuit | engine | step of the rule times | spikes | spike times | rate | points | simulator |",
             "|---|---|---|---|---|---|---|---|"]
    for label, (circuit, stop, levels) in CIRCUITS.items():
        step = firing_step(circuit, stop / 500)
        wanted = fire(circuit, stop, engine=engines.get("reference"), signal="v(axon)", max_step=step, **levels).spikes
        for name in ("ngspice", "ngspice-osdi", "vacask"):
            for factor in FACTORS:
                engine = engines.get(name)
                runs = [fire(circuit, stop, engine=engine, signal="v(axon)", max_step=step * factor, **levels)
                        for _ in range(REPEATS)]
                error = mean_interval_error(runs[0].spikes, wanted)
                rate = abs(runs[0].spikes.rate / wanted.rate - 1)
                lines.append(f"| {label} | {name} | {factor:g} | {len(runs[0].spikes)} of {len(wanted)} | "
                             f"{100 * error:.3f} % | {100 * rate:.3f} % | {len(runs[0].result.time)} | "
                             f"{median(r.result.wall_s for r in runs):.2f} s |")
                print(lines[-1], file=sys.stderr, flush=True)
    what = str(__doc__).split("\n\n", 1)[1].strip()
    finish(["# Spike times by engine and step", "", what, "", f"Made on {host()}.", "", *lines], __file__,
           options.write)


if __name__ == "__main__":
    main()

"""Spike-rate-dependent plasticity: conductance change of a cell against the rate of a train of spikes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from spicemem.circuit import Circuit
from spicemem.curve import Column, Curve
from spicemem.engines import Engine, get
from spicemem.engines.result import Array
from spicemem.errors import InputError, WaveformError
from spicemem.protocols.pool import Progress, map_runs
from spicemem.protocols.pulses import Event, apply, provenance, the_synapse
from spicemem.protocols.reading import Reading
from spicemem.spread import generator
from spicemem.units import engineering
from spicemem.waveform import Waveform

#: Points along every waveform, where simulators stop; steps in a mean interval.
PARTS, STEPS = 10, 10
#: Draws of a time for noise that finds its ports taken, before there is no room for it.
DRAWS = 1000


@dataclass(frozen=True)
class Train:
    """`count` spikes at a mean rate, and noise that does not care about it; arguments as `srdp` has them."""

    spike: Mapping[str, Waveform]
    count: int
    poisson: bool = False
    noise: Mapping[str, Waveform] | None = None
    noise_rate: float = 0.0

    def __post_init__(self) -> None:
        noise = self.noise or {}
        for wave in (*self.spike.values(), *noise.values()):
            if wave.duration <= 0 or abs(wave.values[0]) + abs(wave.values[-1]) > 1e-9 * wave.peak:
                raise WaveformError("spike or noise", found=f"{wave.values[0]:g} V at its first, {wave.values[-1]:g} V "
                                    f"at its last point of {len(wave.times)}",
                                    expected="a waveform that starts and ends at rest, 0 V")
        if not self.spike or self.count < 1:
            raise InputError("train", found=f"{self.count} spikes at {len(self.spike)} ports",
                             expected="one at least, at one port at least")
        if bool(noise) != (self.noise_rate > 0):
            raise InputError("noise", found=f"waveforms at {len(noise)} ports, {self.noise_rate:g} Hz",
                             expected="both or neither")

    def times(self, rate: float, seed: int) -> tuple[Array, Array]:
        """Times (s) of the spikes, the first at 0, and of the noise, at a rate (Hz)."""
        dead, source = 1.001 * max(w.duration for w in self.spike.values()), generator(seed, "srdp", f"{rate:g}")
        if dead >= 1 / rate:
            raise InputError(f"rate of {rate:g} Hz", found=f"a spike of {engineering(dead, 's')}",
                             expected=f"one shorter than {engineering(1 / rate, 's')}, for a port has one at a time")
        gaps = source.exponential(1 / rate - dead, self.count - 1) + dead if self.poisson else np.full(
            self.count - 1, 1 / rate)
        spikes = np.r_[0.0, np.cumsum(gaps)]
        if not self.noise:
            return spikes, np.empty(0)
        begin = min(float(w.times[0]) for w in self.noise.values())
        end = max(float(w.times[-1]) for w in self.noise.values())
        shared = [self.spike[port] for port in self.noise if port in self.spike]
        found: list[float] = []
        for _ in range(source.poisson(self.noise_rate * spikes[-1])):
            for at in source.uniform(0.0, spikes[-1], DRAWS):
                if all(abs(at - other) > end - begin for other in found) and not any(
                        ((at + begin <= spikes + w.times[-1]) & (at + end >= spikes + w.times[0])).any()
                        for w in shared):
                    found.append(float(at))
                    break
            else:
                raise InputError(f"noise at {self.noise_rate:g} Hz among spikes at {rate:g} Hz",
                                 found=f"no room in {DRAWS} draws", expected="ports that are free at times",
                                 remedy="Shorten the waveforms or lower the rates")
        return spikes, np.sort(found)

    def waves(self, rate: float, seed: int) -> dict[str, Waveform]:
        """The waveform (V) of each port, from time 0 on."""
        found: dict[str, Waveform] = {}
        for waves, at in zip((self.spike, self.noise or {}), self.times(rate, seed), strict=True):
            for port, wave in waves.items():
                if len(at):
                    copies = _at(wave, at)
                    found[port] = found[port] + copies if port in found else copies
        first = min(float(wave.times[0]) for wave in found.values())
        return {port: wave.shift(-first) for port, wave in found.items()}


def _at(wave: Waveform, starts: Array) -> Waveform:
    """Copies of a waveform at the times `starts`, with points of their own along each."""
    counts = np.ceil(np.diff(wave.times) / wave.duration * PARTS - 1e-6).astype(int)
    times = np.r_[np.concatenate([np.linspace(a, b, n, endpoint=False) for a, b, n in zip(
        wave.times[:-1], wave.times[1:], counts, strict=True)]), wave.times[-1]]
    return Waveform((starts[:, None] + times).ravel(), np.tile(wave(times), len(starts)))


@dataclass(frozen=True)
class _Change:
    """Conductance (S) before, and change by, the train of a rate (Hz) and seed; of a class, to cross process pools."""

    cell: Circuit
    train: Train
    rest: float
    engine: Engine
    reading: Reading | None
    initial: Mapping[str, float] | None
    synapse: str | None
    max_step: float | None
    name: str

    def __call__(self, job: tuple[float, int]) -> tuple[float, float]:
        record = apply(self.cell, [Event(self.train.waves(*job), self.rest)], engine=self.engine, reading=self.reading,
                       initial=self.initial, synapse=self.synapse, max_step=self.max_step or 1 / (STEPS * job[0]),
                       name=self.name)
        return record.before, float(record.siemens[0]) - record.before


def srdp(
    cell: Circuit, *, spike: Mapping[str, Waveform], rates: ArrayLike, count: int, poisson: bool = False,
    noise: Mapping[str, Waveform] | None = None, noise_rate: float = 0.0, seeds: Sequence[int] = (1,),
    engine: str | Engine | None = None, reading: Reading | None = None, initial: Mapping[str, float] | None = None,
    synapse: str | None = None, rest: float | None = None, max_step: float | None = None,
    executor: Executor | None = None, progress: Progress | None = None, name: str = "srdp",
) -> Curve:
    """Conductance change by a train of `count` spikes against their rate, every train from the same state.

    spike: what one spike does, a waveform (V, time 0 at the spike, from 0 V to 0 V) by port; a delayed copy is a port
    with the waveform shifted. rates: Hz. poisson: intervals drawn from an exponential distribution behind a dead time,
    the longest of the waveforms; otherwise they are equal. noise: waveforms by port of events that come at random,
    `noise_rate` times a second on average whatever the rate of the spikes, from the first spike to the last; one during
    another, or while a spike drives a port that it drives too, is drawn again. seeds: the curve is the mean over them;
    times depend on seed and rate alone. rest: s after a train, default ten times the longest waveform. max_step: s,
    default a tenth of 1/rate; each waveform has ten break points besides. Everything else: see `pulses.apply`.

    Returns Curve: x rate (Hz), y dG = G(after) - G(before) (S), mean of the seeds; columns g_before (S), spread (S,
    standard deviation over the seeds) and dG_<seed> (S). Raises InputError and WaveformError for a bad request and
    SimulationError when a run fails.
    """
    run, hertz, whose = get(engine), np.asarray(rates, dtype=float).ravel(), the_synapse(cell, synapse)
    if not len(hertz) or not (np.isfinite(hertz) & (hertz > 0)).all() or not 0 < len(seeds) == len(set(seeds)):
        raise InputError("rates and seeds", found=f"{rates!r}, seeds {seeds!r}",
                         expected="finite rates above 0 Hz and different seeds, one at least of each")
    train = Train(spike, count, poisson, noise, noise_rate)
    lengths = [w.duration for w in (*spike.values(), *(noise or {}).values())]
    work = _Change(cell, train, rest or 10 * max(lengths), run, reading, initial, whose.name, max_step, name)
    found = np.array(map_runs(work, product(hertz.tolist(), seeds), run, executor, progress, name))
    before, changes = found[::len(seeds), 0], found[:, 1].reshape(len(hertz), len(seeds))
    return Curve(
        hertz, changes.mean(axis=1), "rate", "Hz", "dG", "S", name=name,
        columns={"g_before": Column(before, "S", "conductance before the train"),
                 "spread": Column(changes.std(axis=1), "S", "standard deviation over the seeds"),
                 **{f"dG_{seed}": Column(changes[:, k], "S") for k, seed in enumerate(seeds)}},
        provenance={
            "protocol": f"SRDP, {count} spikes at {'random' if poisson else 'equal'} intervals, dG = G(after) - "
                        "G(before)", "noise": f"{noise_rate:g} Hz", "seeds": " ".join(map(str, seeds)),
            **provenance(cell, run, reading, whose)})

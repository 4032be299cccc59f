"""Spread between devices and from cycle to cycle: drawn from a seed, the same in every engine."""

import numpy as np
import pytest

from spicemem.circuit import Circuit, VoltageSource
from spicemem.devices import EIS
from spicemem.errors import InputError, ModelError
from spicemem.expr import maximum
from spicemem.model import Input, Model, Param, Terminal, branch
from spicemem.spread import Lognormal, Normal, Relative, Uniform, generator, redrawn, telegraph


@pytest.mark.parametrize(("distribution", "mean", "deviation"), [
    (Normal(0.1), 2.0, 0.1), (Relative(0.1), 2.0, 0.2), (Lognormal(0.1), 2.0 * np.exp(0.005), 0.2),
    (Uniform(0.3), 2.0, 0.3 / np.sqrt(3))])
def test_distributions(distribution, mean, deviation):
    source = generator(1)
    draws = np.array([distribution.around(2.0, source) for _ in range(20000)])
    assert draws.mean() == pytest.approx(mean, rel=5e-3)
    assert draws.std() == pytest.approx(deviation, rel=0.03)


def test_samples_are_the_same_whatever_else_is_drawn():
    device = EIS()
    both = device.sample(5, 7, {"g_init": Lognormal(0.1), "v_int": Relative(0.01)})
    alone = device.sample(3, 7, {"g_init": Lognormal(0.1)})
    assert [d.g_init for d in both[:3]] == [d.g_init for d in alone]
    assert len({d.g_init for d in both}) == 5
    assert [d.g_init for d in device.sample(3, 8, {"g_init": Lognormal(0.1)})] != [d.g_init for d in alone]


def test_draws_outside_the_range_are_drawn_again_or_refused():
    devices = EIS().sample(50, 1, {"g_init": Normal(1e-6)})  # one sigma reaches below the window
    assert min(d.g_init for d in devices) >= EIS().g_min
    with pytest.raises(ModelError, match="100 draws"):
        EIS(g_init=10e-9).sample(1, 1, {"g_init": Normal(1e3)})
    with pytest.raises(ModelError, match="g_init"):
        EIS().sample(1, 1, {"g_initt": Normal(1.0)})
    with pytest.raises(InputError, match="seed"):
        EIS().sample(1, -1, {"g_init": Normal(1e-9)})
    with pytest.raises(InputError, match="finite width"):
        Normal(float("nan"))


def test_redrawn_waveforms_hold_one_draw_for_each_slot():
    wave = redrawn(Normal(0.2), slot=1e-3, stop=10e-3, seed=3)
    centres = wave((np.arange(10) + 0.5) * 1e-3)
    assert len(np.unique(centres)) == 10 and 0.05 < centres.std() < 0.5
    assert wave(0.3e-3) == wave(0.7e-3)
    assert np.array_equal(wave.values, redrawn(Normal(0.2), 1e-3, 10e-3, 3).values)
    assert not np.array_equal(wave.values, redrawn(Normal(0.2), 1e-3, 10e-3, 4).values)
    for wrong in ({"slot": 0.0}, {"edge": 2e-3}):
        with pytest.raises(InputError):
            redrawn(Normal(0.2), **{"slot": 1e-3, "stop": 1e-2, "seed": 1, **wrong})


def test_telegraph_noise_has_its_levels_and_shares():
    wave = telegraph(-1.0, 2.0, 1e-3, 3e-3, 5.0, seed=1)
    t = np.linspace(0, 5.0, 200001)
    high = wave(t) > 1.9
    assert high.mean() == pytest.approx(0.75, abs=0.02)
    assert set(np.round(wave.values, 9)) == {-1.0, 2.0}
    with pytest.raises(InputError, match="t_low"):
        telegraph(0, 1, 0.0, 1e-3, 1.0, 1)


class Noisy(Model):
    """A resistor with read noise."""

    reference = "test"
    p, n = Terminal(), Terminal()
    g0 = Param(1e-3, "S", "conductance")
    read_noise = Input("1", "relative read noise", optional=True)

    def equations(self):
        yield branch(self.p, self.n, self.g0 * maximum(1 + self.read_noise, 0) * (self.p - self.n))


def noisy_circuit(wave=None):
    circuit = Circuit("noisy_resistor")
    circuit.add("dut", Noisy(), p="a", n="0", **({"read_noise": "n"} if wave else {}))
    circuit.add("v_a", VoltageSource(1.0), p="a", n="0")
    if wave:
        circuit.add("v_n", VoltageSource(wave), p="n", n="0")
    return circuit


@pytest.mark.parametrize("engine", ["ngspice", "ngspice-osdi", "vacask", "reference"])
def test_an_optional_input_may_stay_open_and_noise_is_the_same_in_every_engine(engine, require):
    simulator = require(engine)
    quiet = simulator.run(noisy_circuit(), 1e-3, max_step=1e-4)["i(v_a)"]
    assert -quiet == pytest.approx(1e-3, rel=1e-6)
    wave = redrawn(Normal(0.1), slot=1e-4, stop=1e-3, seed=5)
    result = simulator.run(noisy_circuit(wave), 1e-3, max_step=1e-5)
    at = (np.arange(10) + 0.5) * 1e-4
    assert -result.at("i(v_a)", at) == pytest.approx(1e-3 * (1 + wave(at)), rel=1e-4)


def test_an_input_that_is_not_optional_must_be_connected():
    class Lit(Noisy):
        """A resistor that wants light."""

        light = Input("W/m**2", "light")
        g_l = Param(1e-6, "S*m**2/W", "photoconductance")

        def equations(self):
            yield branch(self.p, self.n, self.g_l * self.light * (self.p - self.n))
            yield from Noisy.equations(self)

    from spicemem.errors import CircuitError

    with pytest.raises(CircuitError, match="light"):
        Circuit("c").add("dut", Lit(), p="a", n="0")
    Circuit("c").add("dut", Lit(), p="a", n="0", light="b")

"""The store of finished runs: is what comes out what went in, of the very run that is asked for? Does nothing break,
whatever happens to the disk? Is nothing left behind by a process that is killed?"""

import contextlib
import io
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from spicemem import cli, engines, store
from spicemem.circuit import Capacitor, Circuit, CurrentSource, Foreign, Inductor, Resistor, VerilogA, VoltageSource
from spicemem.circuits.synapses import divider_gate
from spicemem.engines import base as engines_base
from spicemem.engines import identity, orphans, process
from spicemem.errors import InputError, SimulationError
from spicemem.experiments import EXPERIMENTS
from spicemem.experiments.base import Experiment
from spicemem.model import Model, Param, State, Terminal, branch, rate
from spicemem.store import Store, StoreWarning, key_of
from spicemem.waveform import Waveform

ALL = ("ngspice", "ngspice-osdi", "vacask", "reference")
PULSE = Waveform.pulse(3.0, 0.1, 0.01)


def cell(height=3.0):
    return divider_gate().drive(pre=Waveform.pulse(height, 0.1, 0.01))


def same(a, b):
    """Two results, bit for bit."""
    assert list(a) == list(b) and a.units == b.units
    for name in ("time", *a):
        assert a[name].dtype == b[name].dtype and a[name].tobytes() == b[name].tobytes(), name
    assert {k: v.hex() for k, v in a.final_state().items()} == {k: v.hex() for k, v in b.final_state().items()}
    assert (a.warnings, a.engine, a.version) == (b.warnings, b.engine, b.version)
    return True


# --- what comes out ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_every_analysis_comes_back_bit_for_bit(name, tmp_path, require):
    engine, source = require(name), "v_pre"
    saves = ["i(v_pre)", "syn.g", "v(gate)"]
    asks = [
        lambda: engine.run(cell(), 0.3, max_step=0.01),
        lambda: engine.run(cell(), 0.3, max_step=0.01, save=saves, initial=first.final_state()),
        lambda: engine.operating_point(cell()),
        lambda: engine.dc(cell(), source, [0.0, 0.1, 0.3]),
        lambda: engine.sweep(cell(), {"v_pre": [1.0, 0.5], "v_post": [0.0, 0.1]}, save=["v(gate)"]),
    ]
    first = asks[0]()  # without a store
    assert not first.stored
    with store.use(tmp_path / "runs") as kept:
        for ask in asks:
            plain, began = ask(), time.perf_counter()
            again = ask()
            assert again.wall_s <= time.perf_counter() - began  # the time that it took here, not the simulator's
            assert not plain.stored and again.stored and same(plain, again)
            if ask is asks[0]:
                same(first, plain)
        assert len(list(kept.entries())) == len(asks)
    assert not asks[0]().stored


def test_warnings_and_numbers_of_every_kind_come_back(tmp_path):
    values = np.array([[-0.0, 5e-324, np.nan, np.inf], [0.1, 1 / 3, -1e308, 2**53 + 1]])
    facts = {"warnings": ["step 1 µs", 'a "b"\n'], "simulated_s": 0.1 + 0.2, "nothing": None, "list": [1e-300, -0.0]}
    kept = Store(tmp_path)
    kept.put("a" * 64, {"signals": values, "whole": np.arange(3), "v(net)": np.zeros(0)}, facts)
    entry = Store(tmp_path).get("a" * 64)
    assert entry.arrays["signals"].tobytes() == values.tobytes() and entry.arrays["whole"].tolist() == [0, 1, 2]
    assert entry.arrays["v(net)"].shape == (0,) and entry.facts == facts
    # readable with what everybody has
    (file,) = tmp_path.glob("*.runs")
    text = file.read_bytes()[96:]
    line, arrays = text.split(b"\n", 1)
    assert json.loads(line)["facts"] == facts
    assert np.load(io.BytesIO(arrays)).tobytes() == values.tobytes()


def test_the_run_of_a_file_that_is_kept_is_real(tmp_path, ngspice):
    with store.use(tmp_path / "runs"):
        ngspice.run(cell(), 0.1, max_step=0.01)
        assert not ngspice.run(cell(), 0.1, max_step=0.01, keep=tmp_path / "kept").stored
    assert (tmp_path / "kept" / "deck.cir").exists() and (tmp_path / "kept" / "log").exists()


def test_a_failed_run_is_not_kept(tmp_path, monkeypatch):
    engine = engines.get("reference")

    def fails(self, job):
        raise SimulationError("reference", found="a failure")

    with store.use(tmp_path) as kept:
        with monkeypatch.context() as patch:
            patch.setattr(type(engine), "simulate", fails)
            with pytest.raises(SimulationError):
                engine.run(cell(), 0.1, max_step=0.01)
        assert not list(kept.entries())
        assert not engine.run(cell(), 0.1, max_step=0.01).stored


# --- the key: everything that decides a result, and nothing else ------------------------------------------------------


def film(current="g*v", start=0.2):
    """A device class of always the same name, with other equations."""

    class Film(Model):
        """A film (test only)."""

        reference = "none"
        p, n = Terminal(), Terminal()
        g = Param(1e-3, "S", "conductance", low=0)
        x_init = Param(start, "1", "start", low=0, high=1)
        tau = Param(1.0, "s", "time constant", low=0)
        x = State(init=x_init, unit="1", doc="position", low=0, high=1, resolution=1e-6)

        def equations(self):
            v = self.p - self.n
            currents = {"g*v": self.g * v, "2g*v": 2 * self.g * v, "g*x*v": self.g * self.x * v}
            yield branch(self.p, self.n, currents[current])
            yield rate(self.x, -self.x / self.tau)

    return Film


FILM = film()


def filmed(kind=FILM, wave=PULSE, ohm=1e3, nets=("a", "b"), farad=1e-9, title="", **values):
    c = Circuit("bench", title=title)
    c.add("v1", VoltageSource(wave), p="a", n="0").add("r1", Resistor(ohm), p="a", n="b")
    c.add("i1", CurrentSource(1e-6), p="0", n="b").add("c1", Capacitor(farad), p="b", n="0")
    c.add("l1", Inductor(1e-3), p="b", n="d").add("r2", Resistor(1e4), p="d", n="0")
    return c.add("f1", kind(**values), p=nets[0], n=nets[1])


def ask(engine, circuit=None, stop=1.0, max_step=0.1, **more):
    return engine.run(circuit or filmed(), stop, max_step=max_step, **more)


#: What makes another run of it; by what it changes.
OTHER = {
    "equations": lambda e: ask(e, filmed(film("2g*v"))),
    "equations of states": lambda e: ask(e, filmed(film("g*x*v"))),
    "parameter": lambda e: ask(e, filmed(g=np.nextafter(1e-3, 1))),
    "start": lambda e: ask(e, filmed(x_init=0.3)),
    "initial state": lambda e: ask(e, initial={"f1.x": np.nextafter(0.2, 1)}),
    "initial charge": lambda e: ask(e, initial={"v(b)": 0.1}),
    "initial current": lambda e: ask(e, initial={"i(l1)": 1e-6}),
    "part": lambda e: ask(e, filmed(ohm=np.nextafter(1e3, 2e3))),
    "capacitor": lambda e: ask(e, filmed(farad=2e-9)),
    "nets": lambda e: ask(e, filmed(nets=("b", "a"))),
    "waveform's value": lambda e: ask(e, filmed(wave=PULSE.scale(1 + 1e-15))),
    "waveform's time": lambda e: ask(e, filmed(wave=PULSE.shift(1e-15))),
    "stop": lambda e: ask(e, stop=1.0 + 1e-15),
    "max_step": lambda e: ask(e, max_step=0.05),
    "reltol": lambda e: ask(e, reltol=1e-6),
    "saved signals": lambda e: ask(e, save=["v(a)"]),
    "operating point": lambda e: e.operating_point(filmed()),
    "sweep": lambda e: e.dc(filmed(), "v1", [0.0, 1.0]),
    "values of the sweep": lambda e: e.dc(filmed(), "v1", [0.0, np.nextafter(1.0, 2)]),
    "source of the sweep": lambda e: e.dc(filmed(), "i1", [0.0, 1.0]),
}
#: And what makes none.
SAME = {
    "title": lambda e: ask(e, filmed(title="another")),
    "time limit": lambda e: ask(e, timeout=77.0),
    "class made again": lambda e: ask(e, filmed(film())),
    "start, given as the initial state": lambda e: ask(e, initial={"f1.x": 0.2}),
}


@pytest.fixture
def imagined(monkeypatch, tmp_path):
    """Engines that simulate in no time, a store, and what they were asked for: keys and their parts come from the
    engines themselves."""

    def simulate(self, job):
        rows = {name: np.zeros(2) for name in job.saves}
        rows |= {f"{path}.{state}": np.full(2, device.initial(state)) for path, device in job.devices.items()
                 for state in device.definition.states}
        return {"time": np.array([0.0, job.stop]), **rows}, ()

    for name in ALL:
        monkeypatch.setattr(type(engines.get(name)), "simulate", simulate)
    with store.use(tmp_path / "runs") as kept:
        yield kept


def taken_for_the_same(engine):
    """What of OTHER the store holds for the same run as another."""
    ask(engine)
    assert ask(engine).stored
    return {what for what, other in OTHER.items() if other(engine).stored}


@pytest.mark.parametrize("name", ALL)
def test_whatever_decides_the_result_gives_another_key(name, imagined, require):
    engine = require(name)
    assert not taken_for_the_same(engine)
    for what, other in SAME.items():
        assert other(engine).stored, what
    assert len({i.key for i in imagined.entries()}) == len(OTHER) + 1


@pytest.mark.parametrize(("name", "left_out", "caught"), [
    ("reference", "values_text", {"parameter"}),
    ("reference", "circuit_text", {"equations", "part", "waveform's time", "nets"}),
    ("reference", "equations_text", {"equations", "equations of states"}),
    ("ngspice", "deck", {"equations", "part", "waveform's time", "nets"}),
    ("vacask", "deck", {"equations", "part", "waveform's value", "nets"}),
    ("reference", "numbers", {"stop", "max_step", "reltol", "initial charge", "initial current",
                              "values of the sweep"}),
])
def test_a_key_that_leaves_something_out_is_caught(name, left_out, caught, imagined, require, monkeypatch):
    engine = require(name)
    if left_out == "deck":
        monkeypatch.setattr(type(engine), "deck", lambda self, job, options="": "")
    elif left_out == "numbers":
        monkeypatch.setattr(engines_base, "key_of", lambda parts: key_of([*parts[:4], *parts[5:]]))
    else:
        monkeypatch.setattr(identity, left_out, lambda _: "")
    assert caught <= taken_for_the_same(engine)


def test_another_simulator_or_version_or_code_gives_another_key(imagined, require, monkeypatch, tmp_path):
    names = [name for name in ALL if require(name)]
    assert not any(ask(engines.get(name)).stored for name in names)  # nor one engine's for another's
    assert all(ask(engines.get(name)).stored for name in names)
    for name in names:
        with monkeypatch.context() as patch:
            patch.setattr(type(engines.get(name)), "version", lambda self: "99")
            assert not ask(engines.get(name)).stored
    with monkeypatch.context() as patch:
        patch.setattr(identity, "code", lambda: "other")
        assert not any(ask(engines.get(name)).stored for name in names)
    with monkeypatch.context() as patch:  # planted fault: a version that does not count
        patch.setattr(engines_base, "key_of", lambda parts: key_of([parts[0], *parts[2:]]))
        ask(engines.get("reference"))
        patch.setattr(type(engines.get("reference")), "version", lambda self: "99")
        assert ask(engines.get("reference")).stored
    from spicemem.engines.reference import ReferenceEngine

    assert ask(ReferenceEngine()).stored and not ask(ReferenceEngine(rtol=1e-8)).stored
    # the same version, built otherwise
    program = tmp_path / "bin" / "ngspice"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n# another build\nexit 1\n")
    program.chmod(0o755)
    version = engines.get("ngspice").version()
    monkeypatch.setattr("spicemem.engines.ngspice.find_program", lambda: str(program))
    monkeypatch.setattr(type(engines.get("ngspice")), "version", lambda self: version)
    assert not ask(engines.get("ngspice")).stored


def test_the_code_counts_by_what_it_says():
    files = list((Path(engines.__file__).parent).glob("*.py"))
    assert files and len(identity.code()) == 64
    identity.code.cache_clear()
    real = Path.read_bytes
    digests = set()
    for changed in (None, "reference.py", "expr.py", "simulator.py"):
        identity.code.cache_clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Path, "read_bytes", lambda self, c=changed: real(self) + (b"#" if self.name == c else b""))
            digests.add(identity.code())
    identity.code.cache_clear()
    assert len(digests) == 4


def test_where_compiled_models_and_temporary_files_lie_does_not_count(imagined, require, monkeypatch, tmp_path):
    from spicemem.engines.osdi import cache_folder

    for name in ("ngspice-osdi", "vacask"):
        ask(require(name))
    shutil.copytree(cache_folder(), tmp_path / "cache", ignore=lambda folder, names: [
        n for n in names if not n.startswith(("film", "sm_"))])
    monkeypatch.setenv("SPICEMEM_CACHE", str(tmp_path / "cache"))
    for name in ("ngspice-osdi", "vacask"):
        assert ask(engines.get(name)).stored


# --- files of others: by what they say, not where they are ------------------------------------------------------------

CARD = ".model nch nmos level=1 vto=0.5\n"


def with_transistor(library, section=""):
    c = Circuit("bench").add("v1", VoltageSource(1.0), p="d", n="0")
    return c.add("m1", Foreign("nch", library, section), d="d", g="d", s="0", b="0")


def stored(engine, library, **more):
    return engine.operating_point(with_transistor(library, **more)).stored


def test_a_library_counts_by_all_that_it_includes(imagined, ngspice, tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder / "deep").mkdir(parents=True)
        (tmp_path / folder / "top.lib").write_text('* agauss() in words\n.lib tt\n.include "deep/card.lib"\n.endl\n')
        (tmp_path / folder / "deep" / "card.lib").write_text(CARD)
    one, two = (tmp_path / folder / "top.lib" for folder in ("one", "two"))
    assert not stored(ngspice, one, section="tt") and stored(ngspice, one, section="tt")
    assert stored(ngspice, two, section="tt")  # another place, the same words
    (tmp_path / "two" / "deep" / "card.lib").write_text(CARD.replace("0.5", "0.6"))
    assert not stored(ngspice, two, section="tt") and stored(ngspice, two, section="tt")
    assert stored(ngspice, one, section="tt")


@pytest.mark.parametrize("words", [
    ".param v={agauss(0.5, 0.1, 3)}\n", ".param v = gauss(0.5,0.1,1)\n", ".include nowhere.lib\n",
    ".lib 'nowhere' tt\n", "a1 %v([n]) src\n.model src filesource(file=\"x.txt\")\n",
])
def test_a_library_that_leaves_its_result_open_is_run_each_time(words, imagined, ngspice, tmp_path):
    (tmp_path / "m.lib").write_text(words + CARD)
    assert not any(stored(ngspice, tmp_path / "m.lib") for _ in range(3))
    assert not list(imagined.entries())
    (tmp_path / "m.lib").write_text(CARD)
    assert [stored(ngspice, tmp_path / "m.lib") for _ in range(2)] == [False, True]


def test_ngspice_draws_other_random_numbers_each_time(tmp_path, ngspice):
    """The reason for it; a store would hold the first draw for the result."""
    (tmp_path / "m.lib").write_text(".param vt={agauss(0.5, 0.1, 3)}\n.model nch nmos level=1 vto={vt}\n")
    with store.use(tmp_path / "runs"):
        drawn = {float(ngspice.operating_point(with_transistor(tmp_path / "m.lib"))["i(v1)"][0]) for _ in range(3)}
    assert len(drawn) == 3


def test_a_compiled_module_counts_by_its_content(imagined, vacask, tmp_path):
    for name, content in (("a.osdi", b"one"), ("b.osdi", b"one"), ("c.osdi", b"two")):
        (tmp_path / name).write_bytes(content)

    def of(name):
        c = Circuit("bench").add("v1", VoltageSource(1.0), p="d", n="0")
        return vacask.operating_point(c.add("u1", VerilogA("mod", tmp_path / name, ("p", "n")), p="d", n="0")).stored

    assert [of("a.osdi"), of("b.osdi"), of("c.osdi")] == [False, True, False]


# --- what may happen to the disk --------------------------------------------------------------------------------------


def entry_of(folder):
    kept = Store(folder)
    kept.put("b" * 64, {"signals": np.linspace(0, 1, 50)}, {"warnings": [], "signals": ["v(a)"]})
    (item,) = kept.entries()
    return item.path


def flipped(data, k, bit=1):
    return data[:k] + bytes([data[k] ^ bit]) + data[k + 1:]


def got(folder, key="b" * 64):
    """What a process gets that has not used the store before."""
    return Store(folder).get(key)


@pytest.mark.filterwarnings("ignore::spicemem.store.StoreWarning")
def test_no_changed_bit_and_no_lost_byte_comes_back(tmp_path):
    file = entry_of(tmp_path)
    whole, draw = file.read_bytes(), random.Random(1)
    wrong = [flipped(whole, k, 1 << draw.randrange(8)) for k in range(len(whole))]
    wrong += [whole[:k] for k in (0, 1, 63, 95, 96, 97, len(whole) // 2, len(whole) - 1)]
    wrong += [whole[64:], whole[:200] + bytes(200) + whole[400:], b"", bytes(5000)]
    for data in wrong:
        file.write_bytes(data)
        assert got(tmp_path) is None
    for data in (whole, whole + b"\0", whole + whole[:300], b"before" + whole):
        file.write_bytes(data)
        assert got(tmp_path).arrays["signals"][-1] == 1.0


@pytest.mark.filterwarnings("ignore::spicemem.store.StoreWarning")
def test_damage_hides_no_other_entry(tmp_path, monkeypatch):
    kept = Store(tmp_path)
    for k in "abc":
        kept.put(k * 64, {"signals": np.full(20, ord(k))}, {})
    (file,) = tmp_path.glob("*.runs")
    whole = file.read_bytes()
    size = len(whole) // 3
    for k in range(size, 2 * size):
        file.write_bytes(flipped(whole, k))
        fresh = Store(tmp_path)
        assert [fresh.get(key * 64) is None for key in "abc"] == [False, True, False], k
        assert [sound for _, sound in fresh.verify()] == [True, False, True]
    monkeypatch.setattr("spicemem.records._CHUNK", 150)  # a search over the edges of what it reads at once
    for k in range(size, size + 96):
        file.write_bytes(flipped(whole, k))
        assert Store(tmp_path).get("c" * 64)
    # planted fault: without the search for the next record, what follows is lost
    monkeypatch.setattr("spicemem.records._next", lambda file, start, end: end)
    assert Store(tmp_path).get("c" * 64) is None


def test_the_check_sum_is_what_finds_them(tmp_path, monkeypatch):
    """Planted fault: without it a changed bit comes back as a result."""
    monkeypatch.setattr("spicemem.records._digest", lambda data, size: bytes(size))
    file = entry_of(tmp_path)
    data = file.read_bytes()
    file.write_bytes(flipped(data, data.index(np.linspace(0, 1, 50)[17:19].tobytes()) + 6))
    assert got(tmp_path).arrays["signals"][17] != np.linspace(0, 1, 50)[17]


def test_a_corrupt_entry_is_said_and_made_again(tmp_path):
    engine = engines.get("reference")
    with store.use(tmp_path) as kept:
        plain = ask(engine)
        (item,) = kept.entries()
        item.path.write_bytes(flipped(item.path.read_bytes(), item.size - 100))
        with pytest.warns(StoreWarning, match="is corrupt. The run is made again"):
            again = ask(engine)
        assert not again.stored and same(plain, again) and ask(engine).stored
    with store.use(tmp_path) as kept, warnings.catch_warnings():
        warnings.simplefilter("error")  # another process finds the second one, and has nothing to say
        assert ask(engine).stored
        assert sorted(sound for _, sound in kept.verify()) == [False, True]
        assert kept.prune().removed == 1 and [sound for _, sound in kept.verify()] == [True]
        assert ask(engine).stored
    (item,) = kept.entries()
    item.path.write_bytes(b"?" + item.path.read_bytes() + item.path.read_bytes())
    with pytest.warns(StoreWarning, match=r"\d+ bytes of .* are corrupt"):
        Store(tmp_path).get(item.key)


def test_nothing_but_numbers_and_json_goes_in(tmp_path, monkeypatch):
    kept = Store(tmp_path)
    for arrays, facts in (({"a": np.array([object()])}, {}), ({}, {"a": {1, 2}}), ({}, {"a": np.float64})):
        with pytest.raises(InputError, match="arrays of numbers, and facts that JSON can hold"):
            kept.put("a" * 64, arrays, facts)
    for key in ("", "../../etc/passwd", "A" * 64, "a" * 64 + "\n"):
        with pytest.raises(InputError, match="key of a run"):
            kept.get(key)
        with pytest.raises(InputError, match="key of a run"):
            kept.put(key, {}, {})
    assert not list(kept.entries())
    # what somebody pickled is not loaded
    sink = io.BytesIO()
    np.save(sink, np.array([{"a": 1}], dtype=object))
    body = json.dumps({"format": store.FORMAT, "arrays": ["signals"], "facts": {}}).encode() + b"\n" + sink.getvalue()
    with monkeypatch.context() as patch:
        patch.setattr(store, "_body", lambda arrays, facts: body)
        kept.put("a" * 64, {}, {})
    with pytest.warns(StoreWarning):
        assert kept.get("a" * 64) is None


def warned(work):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        value = work()
    return value, [str(w.message) for w in said if w.category is StoreWarning]


@contextlib.contextmanager
def room_for(size):
    """As on a full disk: no file gets larger, and half of one is written."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_full_disk_costs_no_result(tmp_path):
    engine = engines.get("reference")
    plain = ask(engine)
    with store.use(tmp_path):
        with room_for(1000):
            result, said = warned(lambda: [ask(engine), ask(engine)][0])
        assert same(plain, result) and not result.stored
        assert len(said) == 1 and "cannot write (File too large). Runs are not kept" in said[0]  # once
        assert not [p for p in tmp_path.rglob("*") if p.is_file()]
        assert not ask(engine).stored and ask(engine).stored  # there is room again


def test_half_a_record_is_taken_back(tmp_path):
    kept, arrays = Store(tmp_path), {"signals": np.arange(100.0)}
    kept.put("a" * 64, arrays, {})
    (file,) = tmp_path.glob("*.runs")
    before = file.read_bytes()
    with room_for(len(before) + 300):
        _, said = warned(lambda: kept.put("b" * 64, arrays, {}))
    assert len(said) == 1 and file.read_bytes() == before
    kept.put("c" * 64, arrays, {})
    assert [kept.get(k * 64) is None for k in "abc"] == [got(tmp_path, k * 64) is None for k in "abc"]
    assert [kept.get(k * 64) is None for k in "abc"] == [False, True, False]


def test_a_folder_that_vanishes_costs_no_result(tmp_path):
    engine = engines.get("reference")
    with store.use(tmp_path / "runs"):
        plain = ask(engine)
        shutil.rmtree(tmp_path / "runs")
        result, said = warned(lambda: [ask(engine), ask(engine)][0])
        assert same(plain, result) and len(said) == 1 and "No such file or directory" in said[0]
        assert not (tmp_path / "runs").exists()  # not made again behind somebody's back
    with store.use(tmp_path / "runs"):
        assert not ask(engine).stored and ask(engine).stored


def test_what_cannot_be_written_or_read_costs_no_result(tmp_path):
    engine = engines.get("reference")
    with store.use(tmp_path) as kept:
        plain = ask(engine)
        (item,) = kept.entries()
        item.path.unlink()
        item.path.mkdir()  # what no permission may stop a root from reading
        result, said = warned(lambda: ask(engine))
        assert same(plain, result) and len(said) == 2
        assert "cannot read" in said[0] and "cannot write" in said[1]


def test_a_folder_that_cannot_be_a_store_is_refused(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "runs"):
        with pytest.raises(InputError, match="expected a folder that can be written"), store.use(folder):
            pass
        monkeypatch.setenv("SPICEMEM_STORE", str(folder))
        with pytest.raises(InputError, match="SPICEMEM_STORE"):
            ask(engines.get("reference"))


# --- who uses it ------------------------------------------------------------------------------------------------------


def test_use_is_for_all_threads_and_what_is_started_and_ends(tmp_path, monkeypatch):
    monkeypatch.delenv("SPICEMEM_STORE", raising=False)
    assert store.active() is None
    monkeypatch.chdir(tmp_path)
    with store.use(Path("runs")) as kept:
        seen = []
        thread = threading.Thread(target=lambda: seen.append(store.active()))
        thread.start()
        thread.join()
        assert seen == [kept] and kept.folder == tmp_path / "runs"
        done = subprocess.run([sys.executable, "-c", "from spicemem import store; print(store.active().folder)"],
                              capture_output=True, text=True, cwd="/", check=True)
        assert done.stdout.strip() == str(tmp_path / "runs")
        with store.use(None):
            assert store.active() is None
        with pytest.raises(ZeroDivisionError), store.use(tmp_path / "others") as others:
            assert store.active() is others
            raise ZeroDivisionError
        assert store.active() is kept
    assert store.active() is None and "SPICEMEM_STORE" not in os.environ
    monkeypatch.setenv("SPICEMEM_STORE", str(tmp_path / "others"))
    assert store.active().folder == tmp_path / "others"


def filled(folder, count=5, now=None):
    """A store of entries of as many processes, with last uses a day apart, the first of them the oldest; all of one
    size."""
    for k in range(count):
        before = set(Path(folder).glob("*.runs"))
        Store(folder).put(f"{k:02x}" + "0" * 62, {"signals": np.zeros(100)}, {"engine": "ngspice", "version": "46"})
        (file,) = set(Path(folder).glob("*.runs")) - before
        moment = (now or time.time()) - 86400.0 * (count - k - 0.5)
        os.utime(file, (moment, moment))
    kept = Store(folder)
    return kept, kept.size() // count


def keys(kept):
    return sorted(int(item.key[:2], 16) for item in kept.entries())


def test_prune_by_age_size_or_all(tmp_path):
    kept, each = filled(tmp_path / "a")
    assert kept.prune() == store.Pruned(0, 0, 5, 5 * each)
    assert kept.prune(older=3 * 86400) == store.Pruned(2, 2 * each, 3, 3 * each) and keys(kept) == [2, 3, 4]
    assert kept.get("02" + "0" * 62)  # used now
    assert kept.prune(size=2 * each + 1).removed == 1 and keys(kept) == [2, 4]
    for name in ("notes.txt", "mine.runs"):
        (tmp_path / "a" / name).write_text("mine")
        os.utime(tmp_path / "a" / name, (0, 0))
    assert kept.prune(everything=True) == store.Pruned(2, 2 * each, 0, 0)
    assert {p.name for p in (tmp_path / "a").rglob("*") if p.is_file()} == {"notes.txt", "mine.runs"}  # not ours
    assert Store(tmp_path / "a").prune(everything=True).removed == 0


def test_a_file_of_which_some_is_pruned_goes_on(tmp_path):
    kept, other = Store(tmp_path), Store(tmp_path)
    for k in range(10):
        kept.put(f"{k:064x}", {"signals": np.arange(50.0) + k}, {})
    assert other.get(f"{0:064x}")  # knows the file as it was
    week_ago = time.time() - 7 * 86400.0
    os.utime(next(tmp_path.iterdir()), (week_ago, week_ago))
    assert Store(tmp_path).prune(size=kept.size() // 2).left == 5
    assert next(tmp_path.iterdir()).stat().st_mtime == pytest.approx(week_ago, abs=1.0)  # pruning is no use of it
    for reader in (kept, other):
        assert [reader.get(f"{k:064x}") is None for k in range(10)] == [True] * 5 + [False] * 5
    kept.put(f"{10:064x}", {"signals": np.arange(50.0)}, {})
    assert other.get(f"{10:064x}") and len(list(tmp_path.glob("*"))) == 2
    kept.put(f"{10:064x}", {"signals": np.arange(51.0)}, {})  # once more: the last one counts
    assert len(got(tmp_path, f"{10:064x}").arrays["signals"]) == 51
    assert len(list(kept.entries())) == 6 and kept.prune().removed == 1


def test_prune_without_room_says_so_and_loses_nothing(tmp_path):
    kept = Store(tmp_path)
    for k in "ab":
        kept.put(k * 64, {"signals": np.arange(100.0)}, {})
    with room_for(300), pytest.raises(InputError, match=r"cannot be written anew: File too large.*Remove more, or all"):
        kept.prune(size=kept.size() - 1)
    assert got(tmp_path, "a" * 64) and got(tmp_path, "b" * 64) and len(list(tmp_path.iterdir())) == 1


def test_prune_takes_what_killed_writers_left_but_not_what_is_being_written(tmp_path):
    kept, _ = filled(tmp_path, 1)
    names = [f".{token * 16}.runs.{token * 12}.tmp" for token in "ab"] + [f"{token * 16}.runs" for token in "ab"]
    for name in names:
        (tmp_path / name).write_bytes(b"half")
    for name in names[::2]:
        os.utime(tmp_path / name, (time.time() - 7200,) * 2)
    kept.prune()
    assert [(tmp_path / name).exists() for name in names] == [False, True, False, True] and keys(kept) == [0]


def test_processes_see_what_others_keep(tmp_path):
    kept = [Store(tmp_path) for _ in range(3)]
    for k in range(30):
        kept[k % 2].put(f"{k:064x}", {"signals": np.array([k])}, {})
        assert all(one.get(f"{k:064x}").arrays["signals"][0] == k for one in kept)
        assert kept[2].get("f" * 64) is None
    assert len(list(tmp_path.iterdir())) == 2  # a file for each that writes
    # of a store of many files at most once a second
    many = [Store(tmp_path) for _ in range(40)]
    for k, one in enumerate(many):
        one.put(f"{100 + k:064x}", {}, {})
    reader = Store(tmp_path)
    assert all(reader.get(f"{100 + k:064x}") for k in range(40))
    many[0].put("e" * 64, {}, {})
    assert reader.get("e" * 64) is None
    reader._when -= 1.0
    assert reader.get("e" * 64)


def test_a_forked_process_has_its_own_file(tmp_path):
    kept = Store(tmp_path)
    kept.put("a" * 64, {}, {})
    if not (child := os.fork()):
        kept.put("b" * 64, {}, {})
        os._exit(0)
    os.waitpid(child, 0)
    kept.put("c" * 64, {}, {})
    assert len(list(tmp_path.iterdir())) == 2 and all(kept.get(k * 64) for k in "abc")


WRITER = """
import sys, numpy as np
from pathlib import Path
from spicemem.store import Store
kept, k = Store(Path(sys.argv[1])), 0
while True:
    kept.put(f"{k % 7:064x}", {"signals": np.full(400_000, float(k))}, {"k": k})
    k += 1
    print(k, flush=True)
"""


def test_a_writer_that_is_killed_leaves_whole_entries_only(tmp_path):
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    writers = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    for writer in writers:  # both have written, over each other
        for _ in range(4):
            assert writer.stdout.readline()
    time.sleep(random.uniform(0, 0.05))
    for writer in writers:
        writer.kill()
        writer.communicate()
    kept = Store(tmp_path)
    found = [sound for _, sound in kept.verify()]
    assert len(found) >= 4 and all(found)
    for item in kept.entries():
        entry = kept.get(item.key)
        assert (entry.arrays["signals"] == entry.facts["k"]).all()


# --- a process that is killed -----------------------------------------------------------------------------------------

RUNS = """
import os, sys
from pathlib import Path
from spicemem import engines
from spicemem.circuits.synapses import divider_gate
from spicemem.waveform import Waveform
engine = engines.get(sys.argv[1])
for k in range(20):
    result = engine.run(divider_gate().drive(pre=Waveform.pulse(1.0 + k, 0.1, 0.01)), 1.0, max_step=0.002)
    line = f"{k} {'stored' if result.stored else 'made'} {result['syn.g'].tobytes().hex()[-32:]}\\n"
    os.write(1, line.encode())
"""


def lines(output):
    return {int(k): (how, value) for k, how, value in (line.split() for line in output.decode().splitlines())}


def start(folder, temp, *words, code=RUNS):
    return subprocess.Popen([sys.executable, "-c", code, *words], stdout=subprocess.PIPE,
                            env={**os.environ, "SPICEMEM_STORE": str(folder), "TMPDIR": str(temp)})


def killed_and_resumed(tmp_path, draw):
    running = start(tmp_path / "runs", tmp_path, "ngspice")
    first = running.stdout.readline()
    time.sleep(draw.uniform(0.0, 0.25))
    running.kill()
    before = lines(first + running.communicate()[0])
    resumed = lines(start(tmp_path / "runs", tmp_path, "ngspice").communicate()[0])
    assert sorted(resumed) == list(range(20))
    for k, (how, value) in before.items():
        assert how == "made" and resumed[k] == ("stored", value)
    # At most one run had ended, and was kept, without saying so.
    assert sum(how == "stored" for how, _ in resumed.values()) - len(before) in (0, 1)
    assert len(list(Store(tmp_path / "runs").entries())) == 20
    assert not list(tmp_path.glob("spicemem-*"))  # the second one took away what the first had left
    return len(before), resumed


def test_a_killed_series_goes_on_where_it_was(tmp_path, ngspice):
    ngspice.run(cell(), 0.1, max_step=0.01)
    for k in range(2):
        (tmp_path / str(k)).mkdir()
        killed_and_resumed(tmp_path / str(k), random.Random())


@pytest.mark.full
def test_a_killed_series_goes_on_where_it_was_twenty_times(tmp_path, ngspice):
    ends, results = [], []
    for k in range(20):
        (tmp_path / str(k)).mkdir()
        done, resumed = killed_and_resumed(tmp_path / str(k), random.Random(k))
        ends.append(done)
        results.append({k: value for k, (_, value) in resumed.items()})
    assert len(set(ends)) > 4  # at many moments
    assert all(result == results[0] for result in results)  # and the same bits each time


def test_two_processes_share_a_store(tmp_path, ngspice):
    both = [start(tmp_path / "runs", tmp_path, "ngspice") for _ in range(2)]
    a, b = (lines(running.communicate()[0]) for running in both)
    assert {k: v for k, (_, v) in a.items()} == {k: v for k, (_, v) in b.items()} and len(a) == 20
    kept = Store(tmp_path / "runs")
    assert len(list(kept.entries())) == 20 and all(sound for _, sound in kept.verify())


LONG = """
import sys
from spicemem import engines
from spicemem.circuits.synapses import divider_gate
from spicemem.engines import orphans, process
from spicemem.waveform import Waveform
def work(name, watched=True):
    if not watched:
        orphans.watch = lambda: None
    engines.get(name).run(divider_gate().drive(pre=Waveform.pulse(1.0, 0.1, 0.01)), 1e4, max_step=1e-4)
if __name__ == "__main__":
    if sys.argv[2] == "pool":
        from concurrent.futures import ProcessPoolExecutor
        engines.get(sys.argv[1]).available()  # has started a simulator, and so the watcher, before it forks
        pool = ProcessPoolExecutor(2, initializer=process.end_with_parent)
        list(pool.map(work, [sys.argv[1]] * 2))
    work(sys.argv[1], sys.argv[2] == "watched")
"""


def inside(folder):
    """Processes that work in a folder, but for those that are over: {pid: command line}."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(entry / "cwd").startswith(str(folder)):
                found[int(entry.name)] = (entry / "cmdline").read_bytes()
        except OSError:
            continue
    return found


def until(condition, limit):
    deadline = time.monotonic() + limit
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return value


@pytest.mark.parametrize(("name", "end", "kind", "count"), [
    ("ngspice", signal.SIGKILL, "watched", 1), ("ngspice", signal.SIGTERM, "watched", 1),
    ("vacask", signal.SIGKILL, "watched", 1), ("vacask", signal.SIGTERM, "watched", 1),
    ("ngspice", signal.SIGKILL, "pool", 2), ("ngspice", signal.SIGKILL, "unwatched", 1),
])
def test_no_simulator_outlives_the_process_that_started_it(name, end, kind, count, tmp_path, require):
    require(name).run(cell(), 0.1, max_step=0.01)  # compiled before
    running = start(tmp_path / "runs", tmp_path, name, kind, code=LONG)

    def simulators():
        return [pid for pid, line in inside(tmp_path).items() if b"deck." in line]

    found = until(lambda: len(simulators()) == count and simulators(), 20)
    assert found
    running.send_signal(end)
    running.wait()
    gone = until(lambda: not inside(tmp_path), 1.0)
    if kind == "unwatched":  # planted fault: who is watched for by nobody runs on
        assert not gone
        os.kill(found[0], signal.SIGKILL)
    else:
        assert gone
        assert until(lambda: not [p for p in Path("/proc").glob("[0-9]*/cmdline")
                                  if f" {running.pid} ".encode() in read(p)], 2.0)  # nor is there a watcher
    # its folders are found and removed
    left = [path for path in tmp_path.glob("spicemem-*") if path.is_dir()]
    assert len(left) == count
    assert sorted(orphans.sweep(tmp_path)) == sorted(left) and not list(tmp_path.glob("spicemem-*"))


FORKED = """
import os, time
from spicemem.engines import orphans
orphans.watch()
if child := os.fork():
    print(child, orphans._watcher.pid, flush=True)
time.sleep(60)
"""


def test_a_forked_process_does_not_keep_the_watcher_from_seeing_the_end(tmp_path):
    running = start(tmp_path, tmp_path, code=FORKED)
    child, watcher = map(int, running.stdout.readline().split())
    running.kill()
    running.wait()
    try:
        assert until(lambda: not read(Path(f"/proc/{watcher}/cmdline")), 3.0)
        assert read(Path(f"/proc/{child}/cmdline"))
    finally:
        os.kill(child, signal.SIGKILL)


def read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize(("owner", "name", "before"), [
    (Path, "mkdir", True), (Path, "mkdir", False), (os, "rmdir", True), (shutil, "rmtree", False)])
def test_at_no_moment_is_the_folder_of_a_run_nobodys(owner, name, before, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    if not (child := os.fork()):
        usual = getattr(owner, name)

        def killed(*args, **more):
            if not before:
                usual(*args, **more)
            os.kill(os.getpid(), signal.SIGKILL)

        setattr(owner, name, killed)
        with process.run_folder("test", None):
            pass
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert list(tmp_path.glob("spicemem-*"))
    orphans.sweep(tmp_path)
    assert not list(tmp_path.iterdir())


def test_folders_of_the_living_the_unknown_and_of_failed_runs_stay(tmp_path, ngspice, monkeypatch):
    place, pid, _ = orphans.name().rstrip(";").rsplit(" ", 2)
    links = {"mine": orphans.name(), "elsewhere": f"another {place.split()[1]} {pid} 1;", "odd": "nobody",
             "none": None, "reused": f"{place} {pid} 1;", "ended": f"{place} 99999999 1;"}
    for name, link in links.items():
        (tmp_path / f"spicemem-{name}").mkdir()
        if link:
            os.symlink(link, tmp_path / f"spicemem-{name}.owner")
    with monkeypatch.context() as patch:  # the links of another user
        patch.setattr(os, "getuid", lambda: 12345)
        assert not orphans.sweep(tmp_path)
    assert {p.name for p in orphans.sweep(tmp_path)} == {"spicemem-reused", "spicemem-ended"}
    # a failed run has been kept for people, and belongs to nobody
    with pytest.raises(SimulationError) as failed:
        ngspice.run(cell(), 1e4, max_step=1e-4, timeout=0.2)
    assert {"deck.cir", "log"} <= {p.name for p in failed.value.folder.iterdir()}
    assert not Path(f"{failed.value.folder}.owner").is_symlink()


# --- the command line -------------------------------------------------------------------------------------------------


def call(*words):
    return CliRunner().invoke(cli.app, [str(w) for w in words])


def test_an_experiment_runs_once(tmp_path, monkeypatch, ngspice):
    def run(context):
        result = context.engine.run(cell(), 0.1, max_step=0.01)
        context.outcome.remarks.append(f"out of the store: {result.stored}")

    monkeypatch.setitem(EXPERIMENTS, "small", Experiment("small", "small", "none", run))
    words = ["run", "small", "-e", "ngspice", "-o", tmp_path / "out"]
    said = [re.search("out of the store: (.*)", call(*words, *more).stdout)[1]
            for more in ([], ["--store", tmp_path / "runs"], ["--store", tmp_path / "runs"], [])]
    assert said == ["False", "False", "True", "False"]
    monkeypatch.setenv("SPICEMEM_STORE", str(tmp_path / "runs"))
    assert "out of the store: True" in call(*words).stdout
    (tmp_path / "file").write_text("")
    refused = call(*words, "--store", tmp_path / "file")
    assert refused.exit_code == 1 and "expected a folder that can be written" in refused.stderr


def test_cache_shows_verifies_and_prunes(tmp_path, monkeypatch):
    kept, each = filled(tmp_path / "runs")
    shown = call("cache", "--store", tmp_path / "runs")
    assert shown.exit_code == 0 and re.search(r"ngspice 46 *\| 5 ", shown.stdout)
    assert "5 entries" in shown.stdout and re.search(r"last week *\| 4 ", shown.stdout)
    assert call("cache", "verify", "--store", tmp_path / "runs").stdout == "5 entries, all as they were written\n"
    (broken,) = (item for item in kept.entries() if item.key[:2] == "03")
    used = broken.path.stat().st_mtime
    broken.path.write_bytes(flipped(broken.path.read_bytes(), broken.size - 1))
    os.utime(broken.path, (used, used))
    bad = call("cache", "verify", "--store", tmp_path / "runs")
    assert bad.exit_code == 1 and f"corrupt: 03{'0' * 62} at byte 0 of {broken.path.name}" in bad.stdout
    assert "1 of 5 entries are not what was written" in " ".join(bad.stderr.split())
    monkeypatch.setenv("SPICEMEM_STORE", str(tmp_path / "runs"))
    assert "removed 3 entries" in call("cache", "prune", "--older", "3d").stdout and keys(kept) == [2, 4]
    assert "removed 1 entry" in call("cache", "prune", "--size", f"{each}").stdout and keys(kept) == [4]
    assert "0 entries left, 0 B" in call("cache", "prune", "--all").stdout


@pytest.mark.parametrize(("words", "status", "message"), [
    (["cache"], 1, "Give --store DIR, or set SPICEMEM_STORE"),
    (["cache", "--store", "nowhere"], 1, "no such folder"),
    (["cache", "burn"], 2, "is not one of show, prune, verify"),
    (["cache", "show", "--all"], 2, "are for prune"),
    (["cache", "prune", "--store", "{store}", "--older", "3 months"], 1, "a time such as 12h, 30d, 8w"),
    (["cache", "prune", "--store", "{store}", "--size", "-3"], 1, "bytes such as 500M, 2G"),
])
def test_cache_refuses(words, status, message, tmp_path, monkeypatch):
    monkeypatch.delenv("SPICEMEM_STORE", raising=False)
    Store(tmp_path)
    result = call(*(w.format(store=tmp_path) for w in words))
    assert result.exit_code == status and message in " ".join(re.sub("[│╭╰─╮╯]", " ", result.stderr).split())


# --- the page ---------------------------------------------------------------------------------------------------------

PAGE = (Path(__file__).parent.parent / "docs" / "store.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_runs(tmp_path, monkeypatch, vacask):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SPICEMEM_STORE", raising=False)
    walls = {}
    for line in "".join(blocks("sh")).splitlines():
        result = call(*line.split()[1:])
        assert result.exit_code == 0, result.output
        if out := re.search("-o (.*)", line):
            walls[out[1]] = json.loads((tmp_path / out[1] / "summary.json").read_text())
    assert walls["first"]["targets"] == walls["again"]["targets"]
    assert "removed 0 entries" in result.stdout
    shutil.rmtree(tmp_path / "runs")
    for code in blocks("python"):
        exec(compile(code, "docs/store.md", "exec"), {"__name__": "page"})

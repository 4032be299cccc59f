"""The shipped files: current, complete, and what they promise: benches without a warning, modules that compile."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spicemem import generate
from spicemem.circuit import Circuit
from spicemem.circuits import CIRCUITS
from spicemem.devices import DEVICES
from spicemem.devices.transistor import TRANSISTORS
from spicemem.engines.osdi import compile_module, tools
from spicemem.errors import InputError, ModelError, RenderError, SpicememError
from spicemem.model import Bench, Model
from spicemem.portability import CHECKED, check
from spicemem.render import TARGETS, render
from spicemem.render import bench as benches
from spicemem.render.bundle import UNTRIED, bundle
from spicemem.waveform import Waveform

ROOT = Path(__file__).resolve().parent.parent
EVERYTHING = (*DEVICES, *TRANSISTORS, *CIRCUITS)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped files, for tests that leave them as they are."""
    root = tmp_path_factory.mktemp("built")
    generate.generate(root)
    return root


@pytest.fixture
def tree(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path, ignore=shutil.ignore_patterns("*.svg"), dirs_exist_ok=True))


# --- what is there ----------------------------------------------------------------------------------------------------


def test_the_repository_is_current() -> None:
    assert generate.stale(ROOT) == {}


def test_every_device_and_cell_has_its_files() -> None:
    assert set(DEVICES).isdisjoint(CIRCUITS)
    files = generate.shipped()
    assert set(generate.SHIPPED) == {t for t in TARGETS if t not in ("verilog-a", "numpy")}
    for name in EVERYTHING:
        assert f"| `{name}` |" in files["netlists/README.md"]
        for target in generate.SHIPPED:
            if TARGETS[target].device or name in CIRCUITS:
                found = [file for file in files if re.match(rf"netlists/{target}/{name}(_bench)?\.", file)]
                assert len(found) == (3 if target == "ltspice" else 2)
    for name in (*DEVICES, *TRANSISTORS):
        assert f"verilog-a/{name}.va" in files
        assert f"netlists/ltspice/{name}.asy" in files
    for folder in ("netlists", "verilog-a"):
        assert "MIT" in files[f"{folder}/LICENSE"]
        assert "without restriction" in files[f"{folder}/LICENSE"]
    assert len(files) < 800 and sum(map(len, files.values())) < 3e6


@pytest.mark.parametrize("target", generate.SHIPPED)
def test_the_readme_of_a_target_says_what_it_is_and_who_ran_it(target: str, built: Path) -> None:
    folder = built / "netlists" / target
    text = (folder / "README.md").read_text()
    assert generate.SHIPPED[target].simulator in text and "MIT" in text and max(map(len, text.splitlines())) <= 120
    assert ("Nobody has run" in text) == (target in UNTRIED)
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (ROOT / f"netlists/{target}" / link).exists(), link
    command = text.split("```sh\n")[1].split("```")[0].splitlines()[-1]
    assert any((folder / word).is_file() for word in command.split())


def test_the_licence_is_the_one_of_the_repository() -> None:
    words = " ".join((ROOT / "LICENSE").read_text().split())
    body = generate.shipped()["netlists/LICENSE"].split("\n\n", 1)[1]
    assert " ".join(body.split()) in words


def test_headers_name_title_reference_and_parameters() -> None:
    files = generate.shipped()
    for name, kind in DEVICES.items():
        for file in (f"netlists/ngspice/{name}.lib", f"verilog-a/{name}.va"):
            assert kind.definition.title in files[file]
            assert kind.definition.reference in files[file]
            assert all(f"{parameter} = " in files[file] for parameter in kind.definition.params)


def test_generation_is_a_pure_function(tree: Path) -> None:
    assert generate.shipped() == generate.shipped()
    assert generate.generate(tree) == {}
    assert all(text.isascii() for name, text in generate.shipped().items() if not name.endswith(".md"))
    assert not list(tree.rglob(".*"))


# --- what has gone stale ----------------------------------------------------------------------------------------------


def test_an_edited_a_missing_and_a_surplus_file_are_named(tree: Path) -> None:
    edited, missing = tree / "verilog-a" / "eis.va", tree / "netlists" / "ngspice" / "eis.cir"
    edited.write_text(edited.read_text().replace("0.31", "0.32"))
    missing.unlink()
    surplus = tree / "netlists" / "ngspice" / "old.lib"
    surplus.write_text(f"* {generate.NOTICE}\n")
    mine = tree / "netlists" / "ngspice" / "mine.cir"
    mine.write_text("* my own bench\n")
    symbol, own = tree / "netlists" / "ltspice" / "old.asy", tree / "netlists" / "ltspice" / "mine.asy"
    for path in (symbol, own):  # a symbol cannot say whose it is: the index does
        path.write_text("Version 4\n")
    index = tree / "netlists" / "FILES"
    index.write_text(index.read_text() + "netlists/ltspice/old.asy\n")
    expected = {"verilog-a/eis.va": "out of date", "netlists/ngspice/eis.cir": "missing",
                "netlists/FILES": "out of date", "netlists/ltspice/old.asy": "surplus",
                "netlists/ngspice/old.lib": "surplus"}
    assert generate.stale(tree) == expected
    assert generate.generate(tree) == expected
    assert generate.stale(tree) == {}
    assert mine.exists() and own.exists() and not surplus.exists() and not symbol.exists()


def test_an_index_deletes_nothing_else(tree: Path) -> None:
    others = ["README.md", "netlists/../README.md", "/etc/hostname", "netlists/ngspice/../../README.md", "verilog-a/",
              "netlists/ngspice/sub/x.lib", "..", "", "netlists/ngspice/.hidden"]
    (tree / "README.md").write_text("mine")
    (tree / "netlists/ngspice/sub").mkdir()
    for name in ("netlists/ngspice/sub/x.lib", "netlists/ngspice/.hidden"):
        (tree / name).write_text("mine")
    index = tree / "netlists" / "FILES"
    index.write_text(index.read_text() + "\n".join(others))
    assert generate.generate(tree) == {"netlists/FILES": "out of date"}
    assert (tree / "README.md").exists() and (tree / "netlists/ngspice/.hidden").exists()
    index.write_bytes(b"\xff\xfe")  # one that cannot be read is written anew
    assert generate.generate(tree) == {"netlists/FILES": "out of date"}


def test_an_edited_model_is_noticed(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class EIS(DEVICES["eis"]):  # type: ignore[misc,valid-type]
        """Another first line."""

    monkeypatch.setitem(DEVICES, "eis", EIS)
    stale = generate.stale(tree)
    assert {"netlists/ngspice/eis.lib", "verilog-a/eis.va"} <= set(stale)
    assert set(stale.values()) == {"out of date"}


def test_an_edited_circuit_is_noticed(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = CIRCUITS["divider_gate"]
    monkeypatch.setitem(CIRCUITS, "divider_gate", lambda: build(r=9e6))
    changed = {f"netlists/{target}/divider_gate{TARGETS[target].suffix}" for target in generate.SHIPPED}
    assert generate.stale(tree) == dict.fromkeys(changed, "out of date")


def test_a_new_device_is_missing_its_files(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Another(DEVICES["eis"]):  # type: ignore[misc,valid-type]
        """A second device."""

    monkeypatch.setitem(DEVICES, "another", Another)
    missing = {name for name, why in generate.stale(tree).items() if why == "missing"}
    assert {"netlists/ngspice/another.lib", "netlists/ltspice/another.asy", "verilog-a/another.va"} <= missing
    assert all(Path(name).stem in ("another", "another_bench") for name in missing)


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "netlists").write_text("a file where a folder should be")
    with pytest.raises(InputError, match="--root"):
        generate.generate(tmp_path)


# --- what the files promise -------------------------------------------------------------------------------------------


def bench_log(folder: Path, name: str) -> str:
    """Run a bench as a user does: standard init file, nothing but the folder."""
    done = subprocess.run(["ngspice", "-b", f"{name}.cir"], cwd=folder, capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, check=False)
    return f"status {done.returncode}\n{done.stdout}{done.stderr}"


def complaints(log: str) -> list[str]:
    words = ("warning", "error", "no such", "not found", "can't", "unknown", "fail", "singular")
    return [line for line in log.splitlines() if any(word in line.lower() for word in words)]


@pytest.mark.parametrize("name", [*DEVICES, *CIRCUITS])
def test_every_bench_runs_and_draws_without_a_warning(name: str, built: Path, ngspice: Any) -> None:
    folder = built / "netlists" / "ngspice"
    log = bench_log(folder, name)
    assert log.startswith("status 0")
    assert "Using SPARSE" in log
    assert complaints(log) == []
    picture = (folder / f"{name}.svg").read_text()
    assert 'fill="white"' in picture and picture.rstrip().endswith("</svg>")
    y_label, bracket, _ = benches.bench_of(generate.thing(name)).y_label.partition(" [")
    assert "time [" in picture and y_label + bracket in picture
    # The curve is more than a flat line: its strokes go up or down somewhere.
    strokes = [part for part in picture.split("<path")[1:] if "stroke-dasharray" not in part]
    assert max(len(part) for part in strokes) > 100


def test_a_broken_bench_would_be_noticed(tree: Path, ngspice: Any) -> None:
    folder = tree / "netlists" / "ngspice"
    file = folder / "eis.cir"
    file.write_text(file.read_text().replace("v(xdut.g)", "v(xdut.nothing)"))
    assert complaints(bench_log(folder, "eis"))


def as_shipped(name: str, target: str) -> dict[str, str]:
    """The shipped files of a thing as one folder: its modules are in verilog-a/, where a stand-in does not look."""
    beside = "../../verilog-a/"
    files = {file: (ROOT / ("verilog-a" if file.endswith(".va") else f"netlists/{target}") / file).read_text()
             for file in bundle(generate.thing(name), target) if file != "README.md"}
    assert target != "spectre" or beside in files[f"{name}.scs"]
    return {file: text.replace(beside, "") for file, text in files.items()}


@pytest.mark.parametrize(("name", "target"), [
    ("eis", "hspice"), ("wox", "ltspice"), ("mott", "pspice"), ("divider_gate", "xyce"), ("eis", "spectre"),
    ("divider_gate", "spectre")])
def test_a_shipped_netlist_runs_in_its_checker(name: str, target: str, ngspice: Any, vacask: Any) -> None:
    found = check(generate.thing(name), target, as_shipped(name, target))
    assert found.good, found


@pytest.mark.full
@pytest.mark.parametrize("target", CHECKED)
@pytest.mark.parametrize("name", EVERYTHING)
def test_every_shipped_netlist_runs_in_its_checker(name: str, target: str, ngspice: Any, vacask: Any) -> None:
    found = check(generate.thing(name), target, as_shipped(name, target))
    assert found.good, found


def test_a_shipped_netlist_that_means_something_else_is_noticed(ngspice: Any) -> None:
    files = as_shipped("eis", "xyce")
    changed = {file: re.sub(r"\bg_init=\S+", "g_init=1.01e-6", text) for file, text in files.items()}
    assert changed != files and not check(generate.thing("eis"), "xyce", changed).good


#: Cells that the default run takes, by target.
NATIVE = {"ngspice-osdi": "divider_gate", "vacask": "cell_1s1r"}


@pytest.fixture(scope="module")
def repository(request: pytest.FixtureRequest, built: Path, tmp_path_factory: pytest.TempPathFactory, vacask: Any,
               ngspice: Any) -> tuple[Path, dict[str, str]]:
    """The shipped files, with the modules compiled as the READMEs say; the environment with the programs they name.

    Its parameter says whether with all modules, or with those of NATIVE only.
    """
    root, found = tmp_path_factory.mktemp("repository"), tools()
    assert found is not None
    shutil.copytree(built, root, dirs_exist_ok=True)
    bin_ = root / "bin"
    bin_.mkdir()
    for name, program in (("vacask", found[0]), ("openvaf-r", found[1])):
        (bin_ / name).write_text(f'#!/bin/sh\nexec "{program}" "$@"\n')
        (bin_ / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{bin_}:{os.environ['PATH']}"}
    needed = {file for target, cell in NATIVE.items() for file in bundle(generate.thing(cell), target)}
    for path in (root / "verilog-a").glob("*.va"):
        if not request.param and path.name not in needed:
            path.unlink()
    for target in NATIVE:
        told = (root / f"netlists/{target}/README.md").read_text().split("```sh\n")[1].splitlines()[0]
        done = subprocess.run(["bash", "-c", told], cwd=root / f"netlists/{target}", env=environment, check=True,
                              capture_output=True, text=True, timeout=300)
        assert complaints(done.stdout + done.stderr) == []
    return root, environment


def run_natively(name: str, target: str, repository: tuple[Path, dict[str, str]]) -> list[str]:
    """What a simulator complains of when the bench of a cell is run by the command of the README."""
    root, environment = repository
    folder = root / f"netlists/{target}"
    readme = (folder / "README.md").read_text()
    example = re.findall(r"that of `(\w+)`", readme)[0]
    command = readme.split("```sh\n")[1].split("```")[0].splitlines()[-1].replace(example, name).split()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300,
                          stdin=subprocess.DEVNULL, check=False)
    results = [path for path in (folder / f"{name}.raw", folder / "bench.raw") if path.exists()]
    found = complaints(re.sub("This is vacask .*", "", done.stdout + done.stderr))
    if done.returncode or not results or results[0].stat().st_size < 2000:
        found.append(f"status {done.returncode}, {len(results)} results")
    for path in results:
        path.unlink()
    return found


@pytest.mark.parametrize("repository", [False], indirect=True)
@pytest.mark.parametrize("target", NATIVE)
def test_a_shipped_cell_runs_as_the_readme_says(target: str, repository: Any) -> None:
    name = NATIVE[target]
    assert run_natively(name, target, repository) == []
    netlist = next((repository[0] / f"netlists/{target}").glob(f"{name}.[ls]i[bm]"))
    text = netlist.read_text()
    try:
        netlist.write_text(text.replace("sm_d_", "sm_e_", 1))  # an instance or a card without its other half
        assert run_natively(name, target, repository)
    finally:
        netlist.write_text(text)


@pytest.mark.full
@pytest.mark.parametrize("repository", [True], indirect=True)
@pytest.mark.parametrize("target", NATIVE)
@pytest.mark.parametrize("name", CIRCUITS)
def test_every_shipped_cell_runs_as_the_readme_says(name: str, target: str, repository: Any) -> None:
    assert run_natively(name, target, repository) == []


@pytest.mark.parametrize("name", DEVICES)
def test_every_module_compiles_without_a_warning(name: str, require: Callable[[str], Any]) -> None:
    require("vacask")
    assert compile_module(name, generate.shipped()[f"verilog-a/{name}.va"]).exists()


@pytest.mark.parametrize("name", [*DEVICES, *CIRCUITS])
def test_a_bench_is_a_circuit_for_any_engine(name: str, require: Callable[[str], Any]) -> None:
    thing = generate.thing(name)
    signals = benches.drawn(thing)
    circuit, bench = benches.bench_circuit(thing), benches.bench_of(thing)
    result = require("vacask").run(circuit, bench.stop, max_step=bench.max_step,
                                   save=[signal for signal, _ in signals.values()])
    for signal, unit in signals.values():
        assert result.units[signal] == unit
        assert abs(result[signal].max() - result[signal].min()) > 0


# --- benches that are wrong -------------------------------------------------------------------------------------------

STEP = Waveform.points((0, 0), (1, 1))


def eis_with(**changes: Any) -> Model:
    values = {"drives": {"gate": STEP}, "stop": 1.0, "max_step": 0.1, "plot": ("g",), "title": "title",
              "y_label": "conductance [S]", **changes}

    class EIS(DEVICES["eis"]):  # type: ignore[misc,valid-type]
        """With another bench."""

        bench = Bench(**values)

    return EIS()


@pytest.mark.parametrize(("changes", "words"), [
    ({"drives": {"gat": STEP}}, "gate"),
    ({"plot": ("h",)}, "dut.g"),
    ({"plot": ("g", "v(gate)")}, "one unit"),
    ({"title": "a `touch x` title"}, "title"),
    ({"title": "two\nlines"}, "title"),
    ({"y_label": "cost [$]"}, "y_label"),
])
def test_a_wrong_bench_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(RenderError, match=words):
        benches.ngspice_bench(eis_with(**changes))


def test_a_device_without_a_bench_is_refused() -> None:
    class EIS(DEVICES["eis"]):  # type: ignore[misc,valid-type]
        """Without a bench, and without a behaviour to make one of."""

        bench, behaviour = None, None

    with pytest.raises(RenderError, match="bench"):
        benches.ngspice_bench(EIS())


def test_voltages_locals_and_inner_nets_can_be_drawn(tmp_path: Path, ngspice: Any) -> None:
    volts = eis_with(plot=("v(gate)",), y_label="gate")
    text = benches.ngspice_bench(volts)
    assert "let v_gate=v(gate)*1.0" in text and "ylabel 'gate [V]'" in text
    current = benches.ngspice_bench(eis_with(plot=("i_ion",), y_label="ion current [A]"))
    assert "let i_ion=v(xdut.i_ion)*1.0" in current
    cell = CIRCUITS["divider_gate"]()
    cell.bench = Bench(cell.bench.drives, cell.bench.stop, cell.bench.max_step, ("v(gate)", "v(pre)"), "t", "volt [V]")
    inner = benches.ngspice_bench(cell)
    assert "let v_gate=v(xdut.gate)*1.0" in inner and "let v_pre=v(pre)*1.0" in inner
    for name, text, lib in (("eis", current, render(volts, "ngspice")), ("cell", inner, render(cell, "ngspice"))):
        (tmp_path / f"{name}.lib").write_text(lib)
        (tmp_path / f"{name}.cir").write_text(text.replace(".include divider_gate", ".include cell"))
        assert complaints(bench_log(tmp_path, name)) == []


# --- things by name ---------------------------------------------------------------------------------------------------


def test_settings_reach_devices_and_circuits() -> None:
    device = generate.thing("eis:nano", {"g_init": "500n", "t_ysz": "8 nm"})
    assert isinstance(device, Model)
    assert (device.preset_name, device.values["g_init"], device.values["t_ysz"]) == ("nano", 500e-9, 8e-9)
    cell = generate.thing("divider_gate", {"r": "1.5megOhm", "syn.g_init": "2uS", "device": "eis:nano"})
    assert isinstance(cell, Circuit)
    assert cell.parts["r_pre"][0].ohm == 1.5e6  # type: ignore[union-attr]
    assert cell.devices()["syn"].values["g_init"] == 2e-6
    assert cell.devices()["syn"].preset_name == "nano"
    scaled = generate.thing("modulated_gate", {"alpha_pre": "-0.5"})
    assert isinstance(scaled, Circuit)
    assert scaled.parts["e_pre"][0].gain == -0.5  # type: ignore[union-attr]


@pytest.mark.parametrize(("name", "settings", "words"), [
    ("eos", {}, "eis"),
    ("eis:nan", {}, "nano"),
    ("divider_gate:nano", {}, "device=NAME:nano"),
    ("eis\n.include x", {}, r"eis\\n"),
    ("eis", {"g_ini": "1u"}, "g_init"),
    ("eis", {"g_init": "1M"}, "1meg or 1m"),
    ("eis", {"g_init": "ten"}, "number"),
    ("eis", {"g_init": "1e999"}, "finite"),
    ("eis", {"g_init": "1"}, "10 µS or less"),
    ("eis", {"t_ysz": "1"}, "1 nm to 1 µm"),
    ("divider_gate", {"q": "1"}, "r"),
    ("divider_gate", {"r": "-1"}, "above 0"),
    ("divider_gate", {"r": "1 V"}, "Ohm"),
    ("divider_gate", {"device": "shared_pre"}, "a device"),
    ("divider_gate", {"sin.g_init": "1u"}, "syn"),
    ("divider_gate", {"syn.g_ini": "1u"}, "g_init"),
    ("divider_gate", {"r_pre.ohm": "1k"}, "syn"),
    ("modulated_gate", {"alpha_pre": "2"}, "-1 to 1"),
])
def test_wrong_names_and_values_are_refused(name: str, settings: dict[str, str], words: str) -> None:
    with pytest.raises(SpicememError, match=words):
        generate.thing(name, settings)


@pytest.mark.parametrize("pair", ["", "r", "=1", "r=", "r =", "1r=2", "r=1\nshell", "r;x=1", "r x=1"])
def test_malformed_settings_are_refused(pair: str) -> None:
    with pytest.raises(InputError, match="NAME=VALUE"):
        generate.settings_of([pair])


def test_a_setting_given_twice_is_refused() -> None:
    assert generate.settings_of(["a=1", "b.c = 2 V"]) == {"a": "1", "b.c": "2 V"}
    with pytest.raises(InputError, match="one value"):
        generate.settings_of(["a=1", "a=2"])


def test_units_of_circuit_settings_are_those_of_their_names() -> None:
    for name in CIRCUITS:
        for key, (default, unit) in generate.circuit_settings(name).items():
            assert (unit == "device") == (default is None), f"{name}: {key}"
            assert unit != "Ohm" or default == 0 or (default or 0) >= 1, f"{name}: {key}"  # 0: no resistor


def test_errors_keep_their_kind() -> None:
    with pytest.raises(ModelError):
        generate.thing("eis", {"t_ysz": "1"})

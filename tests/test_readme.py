"""Does the README run? Its Python, its commands and its netlist, as they stand there."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_python_example(tmp_path, require):
    require("vacask")
    code = "\n".join(blocks("python"))
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "stdp.csv").exists() and (tmp_path / "stdp.png").stat().st_size > 10_000
    assert "positive_peak" in done.stdout


COMMANDS = [line.split("#")[0].strip() for block in blocks("sh") for line in block.splitlines()
            if line.startswith("spicemem ")]


@pytest.mark.parametrize("command", COMMANDS)
def test_command(command, tmp_path, require):
    require("vacask")
    quick = ["--quick"] if " run " in command else []
    words = [sys.executable, "-m", "spicemem.cli", *shlex.split(command)[1:], *quick]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_netlist_example(tmp_path, require):
    require("ngspice")
    deck = blocks("spice")[0]
    (tmp_path / "eis.lib").write_text((ROOT / "netlists/ngspice/eis.lib").read_text())
    (tmp_path / "mine.cir").write_text(deck)
    done = subprocess.run(["ngspice", "-b", "mine.cir", "-r", "out.raw"], cwd=tmp_path, capture_output=True, text=True,
                          timeout=60)
    log = done.stdout + done.stderr
    assert not re.search("error|warning", log, re.IGNORECASE), log
    from spicemem.engines.rawfile import read_raw

    conductance = read_raw(tmp_path / "out.raw", "ngspice")["v(xsyn.g)"]
    assert conductance[0] == pytest.approx(5e-7) and conductance[-1] > 6e-7


def test_scripts_named_exist():
    for name in re.findall(r"bash (scripts/[\w-]+)", TEXT):
        assert (ROOT / name).exists()
    for name in re.findall(r"\]\(((?!http)[^)]+)\)", TEXT):
        assert (ROOT / name).exists(), name

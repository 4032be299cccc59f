"""Does docs/regression.md run? Its commands, its Python and its test, in their order."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from spicemem.cli import app

PAGE = (Path(__file__).parent.parent / "docs" / "regression.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_runs(require, tmp_path, monkeypatch, capsys):
    require("ngspice"), require("vacask")
    monkeypatch.chdir(tmp_path)
    for language, text in BLOCKS:
        if language == "csv":
            Path("export.csv").write_text(text)
        elif language == "sh":
            for line in text.splitlines():
                done = CliRunner().invoke(app, shlex.split(line)[1:])
                assert done.exit_code == 0, f"{line}\n{done.output}"
        elif language == "python" and "def test_" not in text:
            exec(compile(text, "regression.md", "exec"), {})
    assert "1 signal agrees" in capsys.readouterr().out and Path("waveforms.html").exists()
    written = Path("neuristor.golden.csv").read_text().splitlines()
    shown = next(text for language, text in BLOCKS if language == "text").splitlines()
    assert written[:2] == shown[:2] and written[4] == shown[4]
    assert [line.split(":")[0] for line in written[:4]] == [line.split(":")[0] for line in shown[:4]]


def test_the_test_on_the_page(require, tmp_path, monkeypatch):
    require("vacask")
    monkeypatch.setenv("CI", "")
    test = next(text for language, text in BLOCKS if language == "python" and "def test_" in text)
    (tmp_path / "test_mine.py").write_text(test)
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--waveforms-update"],
                          cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0 and "goldens written" in done.stdout, done.stdout
    assert (tmp_path / "goldens/test_mine/my_synapse.golden.csv").exists()


def test_the_page_says_all_that_can_be_asked():
    from spicemem.regress.compare import _INVARIANTS, Tolerance

    for name in [*Tolerance.__dataclass_fields__, *_INVARIANTS]:
        assert f"`{name}`" in PAGE
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", PAGE):
        assert (Path(__file__).parent.parent / "docs" / picture).exists()

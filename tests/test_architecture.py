"""Is the architecture kept? Each module imports lower floors only; the README names everything there is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
#: docs/design.md, "The house": what each module or package of spicemem may stand on is what is below it.
FLOORS = {
    "errors": 0, "names": 0, "units": 0, "files": 0, "expr": 0, "waveform": 0, "fits": 0, "curve": 0, "spread": 0,
    "spikes": 0, "maps": 0, "records": 0, "store": 1, "model": 1, "devices": 2, "circuit": 2,
    "circuits": 3, "render": 3, "engines": 4, "protocols": 5, "analysis": 5, "foreign": 6, "experiments": 6,
    "datasheet": 6, "portability": 6, "reproduction": 7, "campaign": 7, "regress": 7,
    "report": 8, "generate": 8, "doctor": 8, "commands": 9, "cli": 10,
    "__main__": 9,
}
#: On one floor: those that a neighbour may use, because they use no neighbour of that kind themselves.
GROUND_FLOOR = ["errors", "files", "names", "units", "waveform", "expr", "fits", "curve", "spread", "spikes", "maps",
                "records"]


def imports(source: str, package: str) -> set[str]:
    """The modules and packages of spicemem that a source imports, in functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("spicemem.")}
        elif isinstance(node, ast.ImportFrom) and node.level:
            found.add(package)
            assert node.level == 1, "an import from two levels up"
        elif isinstance(node, ast.ImportFrom) and node.module == "spicemem":
            found |= {a.name for a in node.names if a.name != "__version__"}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("spicemem."):
            found.add((node.module or "").split(".")[1])
    return found


def violations(path: str, source: str) -> list[str]:
    """What the module at `path` (inside spicemem) imports and may not."""
    own = path.split("/")[0].removesuffix(".py")
    if own == "__init__":
        return [f"{path} imports {name}" for name in imports(source, own)]
    bad = []
    for name in imports(source, own) - {own}:
        lower = FLOORS[name] < FLOORS[own]
        ground = FLOORS[name] == FLOORS[own] == 0 and GROUND_FLOOR.index(name) < GROUND_FLOOR.index(own)
        if not (lower or ground):
            bad.append(f"{path} (floor {FLOORS[own]}) imports {name} (floor {FLOORS[name]})")
    return bad


def modules() -> dict[str, str]:
    package = ROOT / "spicemem"
    return {p.relative_to(package).as_posix(): p.read_text() for p in sorted(package.rglob("*.py"))}


def test_each_module_imports_lower_floors_only() -> None:
    assert not [line for path, source in modules().items() for line in violations(path, source)]


def test_everything_has_a_floor() -> None:
    tops = {path.split("/")[0].removesuffix(".py") for path in modules()} - {"__init__"}
    assert tops <= set(FLOORS), f"say in docs/design.md and here where {tops - set(FLOORS)} stands"


@pytest.mark.parametrize(("path", "source"), [
    ("expr.py", "from spicemem.model import Model"),
    ("units.py", "from spicemem.expr import Expr"),
    ("devices/eis.py", "def f():\n    from spicemem.circuit import Circuit"),
    ("render/ngspice.py", "import spicemem.engines.base"),
    ("circuits/synapses.py", "from spicemem import render"),
    ("engines/base.py", "if TYPE_CHECKING:\n    from spicemem.protocols import stdp"),
    ("protocols/stdp.py", "from spicemem.analysis import spikes"),
    ("generate.py", "from spicemem.cli import main"),
    ("__init__.py", "from spicemem.model import Model"),
])
def test_an_import_from_above_is_caught(path: str, source: str) -> None:
    assert violations(path, source)
    assert not violations(path, source.replace("spicemem", "numpy"))


def test_imports_from_below_and_beside_pass() -> None:
    assert not violations("engines/vacask.py", "from spicemem.engines.base import Engine\nfrom . import parts")
    assert not violations("cli.py", "from spicemem import __version__, generate\nfrom spicemem.experiments import base")


def unnamed(readme: str) -> list[str]:
    """What there is and the README does not name."""
    from spicemem.circuits import CIRCUITS
    from spicemem.devices import DEVICES
    from spicemem.engines import ENGINES
    from spicemem.experiments import EXPERIMENTS
    from spicemem.render import TARGETS

    names = {"device": DEVICES, "circuit": CIRCUITS, "engine": ENGINES, "target": TARGETS, "experiment": EXPERIMENTS}
    return [f"{kind} {name}" for kind, known in names.items() for name in known
            if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", readme)]


def test_the_readme_names_everything() -> None:
    path = ROOT / "README.md"
    if not path.exists():
        pytest.skip("no README.md yet")
    assert not unnamed(path.read_text())


def test_a_readme_that_forgets_one_is_caught() -> None:
    text = "eis divider_gate shared_pre modulated_gate verilog-a vacask"
    assert {"engine ngspice", "target ngspice-osdi"} <= set(unnamed(text))
    assert not {"device eis", "circuit divider_gate", "target verilog-a"} & set(unnamed(text))
    assert "target ngspice" in unnamed("ngspice-osdi")  # a longer name is another


def definition_lines(source: str) -> dict[str, int]:
    """Lines of each class's definition: what its body says but for docstring, presets and use."""
    found = {}
    lines = source.splitlines()
    for node in ast.parse(source).body:
        if not isinstance(node, ast.ClassDef):
            continue
        left = set(range(node.lineno, node.end_lineno + 1 if node.end_lineno else node.lineno))
        for item in node.body:
            names = [t.id for t in getattr(item, "targets", ()) if isinstance(t, ast.Name)]
            if isinstance(item, ast.Expr) or {"presets", "behaviour", "bench", "spread"} & set(names):
                left -= set(range(item.lineno, (item.end_lineno or item.lineno) + 1))
        found[node.name] = sum(bool(lines[i - 1].strip()) and not lines[i - 1].strip().startswith("#") for i in left)
    return found


def test_a_device_is_a_short_file() -> None:
    sizes = {name: count for path, source in modules().items() if path.startswith("devices/")
             for name, count in definition_lines(source).items()}
    assert not {name: count for name, count in sizes.items() if count >= 60}
    assert definition_lines("class A:\n    '''doc'''\n    x = 1\n\n    presets = {\n    }\n    y = 2\n") == {"A": 3}

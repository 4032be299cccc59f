"""Does docs/protocols.md run, as it stands, and does it name every protocol?"""

import contextlib
import io
import re
from pathlib import Path

import pytest

from spicemem import protocols
from spicemem.errors import SpicememError

DOCUMENT = (Path(__file__).parent.parent / "docs/protocols.md").read_text(encoding="utf-8")
NAMES = [
    "iv_loop", "resistance_voltage_loop", "stdp", "stdp_all", "lone_spikes", "ltp_ltd", "ppf", "ptp", "epsc",
    "srdp", "triplet_stdp", "bcm", "stm_to_ltm", "retention", "multilevel", "energy", "write_verify",
    "design_spikes", "cycling", "rate", "apply",
]


def play(text):
    """Run the blocks of Python in one namespace; what each prints must be what stands below it."""
    space = {"__name__": "protocols_page"}
    for number, (code, output) in enumerate(re.findall(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", text,
                                                       re.DOTALL), 1):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, f"block {number} of docs/protocols.md", "exec"), space)
        assert printed.getvalue() == output, f"block {number}"
    return space


def test_the_page_runs(require):
    require("vacask")  # the default engine is ngspice or this one
    space = play(DOCUMENT)
    assert space["spent"].split.keys() == {"r_pre", "r_post", "syn"} and len(space["states"]) == 3


def test_a_page_that_went_stale_is_caught(require):
    require("vacask")
    first = DOCUMENT.split("## Potentiation")[0]
    for good, bad in (("(1.2, -1.0), 2e4", "(1.2, 1.2), 2e4"), ("```text\n", "```text\n9"),
                      ("import iv_loop", "import loop_iv")):
        assert good in first
        with pytest.raises((AssertionError, ImportError, SpicememError)):
            play(first.replace(good, bad))


def unnamed(text):
    return [name for name in {*NAMES, *(n for n in protocols.__all__ if n.islower())} if f"`{name}`" not in text]


def test_the_page_names_every_protocol():
    assert not unnamed(DOCUMENT)
    assert unnamed(DOCUMENT.replace("`bcm`", "bcm")) == ["bcm"]

"""Does the linter find each fault of a Verilog-A model, and leave the well-posed rewrite alone?"""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from spicemem.cli import app
from spicemem.errors import InputError
from spicemem.foreign.lint import REWRITES, lint, lint_source

ROOT = Path(__file__).parent.parent


def module(body: str, declarations: str = "", parameters: str = "") -> str:
    """A two-terminal module with a state node and a few variables; the body starts on line 9."""
    return f"""`include "disciplines.vams"
module m(p, n);
inout p, n; electrical p, n, xs;
parameter real g = 1e-3 from (0:inf); parameter real x_init = 0.5 from [0:1]; parameter real k = 10.0 from (0:inf);
parameter integer mode = 1 from [0:1]; {parameters}
real x, f, i, q, last, rate, dt; {declarations}
analog begin
// line 8
{body}
end
endmodule
"""


CURRENT = "I(p, n) <+ g * x * V(p, n);"
STATE = """x = x_init + V(xs);
rate = k * V(p, n);
f = -(rate > 0 ? rate*tanh((1.0 - x)/0.01) : rate*tanh(x/0.01));
if ($abstime <= 0.0) f = V(xs);
I(p, n) <+ g * x * V(p, n);
I(xs) <+ ddt(V(xs));
I(xs) <+ f;"""

#: Each fault: the code, a model that has it, a word of the reason, and a model that means the same and is well posed.
PAIRS = {
    "by hand": ("hidden-state", module("x = x + k * V(p, n) * 1e-9;\n" + CURRENT), "x is read", STATE),
    "on one path": ("hidden-state", module("if (V(p, n) > 1.0) x = 1.0;\n" + CURRENT), "every path",
                    "x = 0.5*(1.0 + tanh((V(p, n) - 1.0)/0.01));\n" + CURRENT),
    "initial step": ("initial-step", module("@(initial_step) x = x_init;\nx = x + 0.0*V(p, n);\n" + CURRENT),
                     "initial_step", STATE),
    "time": ("abstime", module("dt = $abstime - last;\nx = x_init + k * dt * V(p, n);\nlast = $abstime;\n"
                               + CURRENT), "times by hand", STATE),
    "late": ("abstime", module("x = x_init;\nif ($abstime > 1e-3) x = 1.0;\n" + CURRENT), "break point",
             "x = x_init;\nif (mode == 1) x = 1.0;\n" + CURRENT),
    "clamp": ("clamped-idt", module("x = idt(k * V(p, n));\nx = min(max(x, 0.0), 1.0);\nI(p, n) <+ g*x*V(p, n);"),
              "goes on to grow", STATE),
    "clamp by if": ("clamped-idt", module("x = idt(k * V(p, n));\nif (x > 1.0) x = 1.0;\nI(p, n) <+ g*x*V(p, n);"),
                    "goes on to grow", "q = idt(k * V(p, n));\nI(p, n) <+ g * tanh(q) * V(p, n);"),
    "clamp by choice": ("clamped-idt", module("x = idt(k*V(p, n));\nI(p, n) <+ g*(x > 1.0 ? 1.0 : x)*V(p, n);"),
                        "goes on to grow", STATE),
    "start": ("idt-start", module("x = idt(k * V(p, n), x_init);\n" + CURRENT), "ngspice", STATE),
    "transition": ("event", module("x = transition(V(p, n) > 1.0 ? 1.0 : 0.0, 0, 1n);\n" + CURRENT),
                   "transition()", "x = 0.5*(1.0 + tanh((V(p, n) - 1.0)/0.01));\n" + CURRENT),
    "cross": ("event", module("x = 0.0;\n@(cross(V(p, n) - 1.0, +1)) x = 1.0;\n" + CURRENT), "cross()",
              STATE),
    "timer": ("event", module("x = 0.0;\n@(timer(0, 1u)) x = 1.0;\n" + CURRENT), "timer()", STATE),
    "random": ("random", module("x = 1.0 + 0.01*$random(1)/2147483648.0;\n" + CURRENT), "$random()",
               "I(p, n) <+ g * V(p, n);\nI(p, n) <+ white_noise(1.6e-20*g, \"thermal\");"),
    "normal": ("random", module("x = $rdist_normal(1, 0.0, 1.0);\n" + CURRENT), "$rdist_normal()", STATE),
    "step": ("discontinuity", module("if (V(p, n) > 0.7) i = g * V(p, n);\nelse i = 0.1 * g * V(p, n);\nI(p, n) <+ i;"),
             "V(p, n) > 0.7", "i = g*V(p, n)*(0.55 + 0.45*tanh((V(p, n) - 0.7)/0.01));\nI(p, n) <+ i;"),
    "chosen step": ("discontinuity", module("I(p, n) <+ (V(p, n) > 0.7 ? g : 0.1*g) * V(p, n);"), "jumps",
                    "I(p, n) <+ 0.1*g*V(p, n) + (V(p, n) > 0.7 ? 0.9*g*(V(p, n) - 0.7) : 0.0);"),
    "comparison": ("discontinuity", module("I(p, n) <+ g * V(p, n) * (V(p, n) > 0.7);"), "jumps",
                   "I(p, n) <+ g * V(p, n) * (mode > 0);"),
    "window": ("discontinuity", STATE.join(("", "")).replace("rate*tanh(x/0.01)", "0.5*rate + 1.0"), "rate > 0", STATE),
    "floor": ("discontinuity", module("I(p, n) <+ g * floor(10.0*V(p, n));"), "floor()", "I(p, n) <+ g * V(p, n);"),
    "ddt": ("ddt-in-conditional", module("if (V(p, n) > 0) I(p, n) <+ ddt(1e-12*V(p, n));\nI(p, n) <+ g*V(p, n);"),
            "memory of its own", "q = V(p, n) > 0 ? 1e-12*V(p, n) : 0.0;\nI(p, n) <+ ddt(q);\nI(p, n) <+ g * V(p, n);"),
    "ddt at rest": ("ddt-in-conditional", module("if ($abstime > 0.0) I(p, n) <+ ddt(1e-12*V(p, n));\n"
                                                 "I(p, n) <+ g * V(p, n);"), "$abstime > 0.0",
                    "if (mode == 1) I(p, n) <+ ddt(1e-12 * V(p, n));\nI(p, n) <+ g * V(p, n);"),
    "chosen ddt": ("ddt-in-conditional", module("I(p, n) <+ V(p, n) > 0 ? ddt(1e-12*V(p, n)) : 0.0;"), "V(p, n) > 0",
                   "I(p, n) <+ mode > 0 ? ddt(1e-12 * V(p, n)) : 0.0;"),
    "exp": ("unlimited-exp", module("I(p, n) <+ 1e-14*(exp(V(p, n)/0.026) - 1.0);"), "exp(V(p, n) / 0.026)",
            "x = V(p, n)/0.026;\nI(p, n) <+ 1e-14*(exp(min(x, 80.0))*(1.0 + max(x - 80.0, 0.0)) - 1.0);"),
    "exp of a variable": ("unlimited-exp", module("x = V(p, n) / 0.026;\nI(p, n) <+ 1e-14*exp(x);"), "exp(x)",
                          "x = V(p, n)/0.026;\nif (x < 80.0) i = exp(x);\nelse i = exp(80.0)*(x - 79.0);\n"
                          "I(p, n) <+ 1e-14*i;"),
    "sinh": ("unlimited-exp", module("x = min(V(p, n)/0.026, 80.0);\nI(p, n) <+ 1e-9 * sinh(x);"), "sinh(x)",
             "x = max(min(V(p, n)/0.026, 80.0), -80.0);\nI(p, n) <+ 1e-9 * sinh(x);"),
    "gauss": ("unlimited-exp", module("x = V(p, n);\nI(p, n) <+ g * x * exp(x*abs(x));"), "exp",
              "x = V(p, n);\nI(p, n) <+ g * x * exp(-x*x);"),
    "range": ("parameter-range", module("I(p, n) <+ g * r * V(p, n);", parameters="parameter real r = 1.0;"),
              "parameter r has no range", "I(p, n) <+ g * V(p, n);"),
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_fault_is_found_and_its_rewrite_is_clean(name: str) -> None:
    code, bad, word, good = PAIRS[name]
    bad, good = (text if "module" in text else module(text) for text in (bad, good))
    hits = [f for f in lint_source(bad) if f.code == code]
    assert hits and any(word in f.reason for f in hits), (name, lint_source(bad))
    assert all(f.rewrite == REWRITES[code] and f.line >= 4 for f in hits)
    assert not lint_source(good), (name, lint_source(good))


def test_every_code_has_a_pair() -> None:
    assert {code for code, *_ in PAIRS.values()} == set(REWRITES) - {"unchecked"}


def test_a_finding_has_its_line() -> None:
    source = module("x = V(p, n);\n\n/* a comment\nof two lines */ I(p, n) <+ exp(x);")
    assert [(f.line, f.code) for f in lint_source(source)] == [(12, "unlimited-exp")]
    macro = "`define i0(x) 1e-9*exp(x)\n" + module("I(p, n) <+ `i0(V(p, n));")
    assert [(f.line, f.code) for f in lint_source(macro)] == [(10, "unlimited-exp")]


def test_one_fault_alone_is_reported() -> None:
    """What is right beside a fault is not blamed: variables under one parameter, a case with a default, loops."""
    body = ("if (mode == 1) q = 2.0;\ncase (mode)\n0: dt = 1.0;\ndefault: dt = 2.0;\nendcase\n"
            "if (mode == 1) i = q*dt;\nelse i = dt;\n"
            "f = 0.0;\nfor (j = 0; j < 3; j = j + 1) f = f + 0.1*V(p, n);\nI(p, n) <+ g*(f + 1e-9*%s);")
    assert not lint_source(module(body % "i", "integer j;"))
    assert {f.code for f in lint_source(module(body % "q", "integer j;"))} == {"hidden-state"}


def test_a_function_of_the_model_is_read_too() -> None:
    function = "analog function real soft;\ninput a; real a;\nbegin\n%s\nend\nendfunction\n"
    text = module("I(p, n) <+ g * soft(V(p, n));")
    clean = text.replace("analog begin", function % "if (a < 80.0) soft = exp(a); else soft = exp(80.0)*(a - 79.0);"
                         + "analog begin")
    assert not lint_source(clean)
    assert {f.code for f in lint_source(clean.replace("*(a - 79.0)", "*(a - 70.0)"))} == {"discontinuity"}


def test_the_shipped_models_are_clean() -> None:
    paths = sorted((ROOT / "verilog-a").glob("*.va"))
    assert len(paths) > 20
    found = {path.name: list(map(str, lint(path))) for path in paths}
    assert not {name: rows for name, rows in found.items() if rows}


@pytest.mark.parametrize(("old", "new", "code"), [
    (" from [0.001:1000000000000.0]", "", "parameter-range"),
    ("exp(min(sm_a1, 80.0))", "exp(sm_a1)", "unlimited-exp"),
    ("tanh((share - 0.0) / wall)", "tanh((share + 0.1) / wall) + 1e9", "discontinuity"),
    ("if ($abstime <= 0.0)", "if ($abstime <= 1e-6)", "abstime"),
    ("        sm_a14 = sm_a13 * sm_a13;\n", "", "hidden-state"),
    ("    I(sm_s_w) <+ ddt(1e-9 * V(sm_s_w));", "if (w > 0) I(sm_s_w) <+ ddt(1e-9 * V(sm_s_w));", "ddt-in-conditional"),
])
def test_a_fault_planted_in_a_shipped_model_is_found(old: str, new: str, code: str) -> None:
    source = (ROOT / "verilog-a/vteam.va").read_text()
    assert old in source
    assert code in {f.code for f in lint_source(source.replace(old, new, 1))}


@pytest.mark.parametrize(("source", "words"), [
    ("", ("no module",)), ("module m(p; endmodule", ("line 1",)), (module("I(p, n) <+ ;"), ("line 9", "';'")),
    (module("x = `nothing;"), ("line 9", "`nothing", "macro")), (module("x = 1.0 \x01;"), ("line 9",)),
    (module("x = 1.0;").replace("endmodule", ""), ("the end of the file",)),
])
def test_what_is_not_verilog_a_is_refused_with_its_line(source: str, words: tuple[str, ...]) -> None:
    with pytest.raises(InputError) as caught:
        lint_source(source, "model.va")
    assert all(word in str(caught.value) for word in ("model.va", *words)), str(caught.value)


def test_the_command(tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.va", tmp_path / "good.va"
    bad.write_text(PAIRS["exp"][1])
    good.write_text(module(STATE))
    run = CliRunner().invoke(app, ["lint", str(good), str(bad)])
    assert run.exit_code == 1 and "bad.va:9: unlimited-exp" in run.output and "write: " in run.output
    assert "good.va: " in run.output
    assert CliRunner().invoke(app, ["lint", str(good)]).exit_code == 0
    missing = CliRunner().invoke(app, ["lint", str(tmp_path / "no.va")])
    assert missing.exit_code == 1 and "no.va" in missing.output
    data = CliRunner().invoke(app, ["lint", "--json", str(bad)])
    assert '"code": "unlimited-exp"' in data.output


def test_what_cannot_be_evaluated_is_said() -> None:
    text = module("if (V(p, n) > 1.0) i = 1.0; else i = 2.0;\na[0] = i;\nI(p, n) <+ g * a[0];", "real a[0:1];")
    assert "unchecked" in {f.code for f in lint_source(text)}
    assert "unchecked" not in {f.code for f in lint_source(text.replace("a[0] = i", "q = i").replace("a[0];", "q;"))}

"""Names that may reach a netlist: one strict grammar, and the words that some target keeps for itself."""

from __future__ import annotations

import keyword
import re

from spicemem.errors import SpicememError

_GRAMMAR = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
#: All rules but the reserved words at once, since an array has 1e5 names; `check_name` says which one was broken.
_PLAIN = re.compile(r"(?!sm_|SM_|sM_|Sm_)[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*\Z")

# Words that a target treats as its own, in any position where one of our names can stand. ngspice silently
# replaces e, pi, time, temper, hertz in expressions; Spectre and Verilog-A refuse theirs.
_NGSPICE = "e pi time temper hertz abs max min ln log log10 vec var exp sqrt sin cos tan sinh cosh tanh asin acos atan pwr pwrs pow if u uramp ddt idt sdt limit stp table floor ceil nint int sgn pulse pwl pos frequency boltz echarge kelvin planck gnd yes no true false not and or div mod agauss gauss aunif unif i v tc1 tc2 m ic"  # noqa: E501
_SPECTRE = "in out input output inout freq temp real for model march local plot print save sens export function library parameters protect unprotect return subckt ends to vary tran dc ac op noise sweep resistor capacitor inductor vsource isource bsource include ahdl_include section simulator global options set alter check info statistics load"  # noqa: E501
_VERILOG_A = "above abstol access acos acosh ac_stim aliasparam always analog analysis assign asin asinh atan2 atanh begin branch case connect connectmodule connectrules continuous ddt_nature ddx deassign default disable discipline discrete domain driver_update edge electrical else end endcase endconnectrules enddiscipline endfunction endmodule endnature endprimitive endtask event exclude final_step flow force forever fork from generate genvar ground highz0 highz1 hypot idt_nature idtmod inf initial initial_step integer join laplace_nd last_crossing limexp localparam merged module nand nature negedge net_resolution nor parameter posedge potential primitive reg release repeat resolveto rtran string supply0 supply1 table task timer transition units voltage current wait wand while wire wor xnor xor zi_nd"  # noqa: E501
RESERVED = frozenset(f"{_NGSPICE} {_SPECTRE} {_VERILOG_A}".split())
#: Names inside a device are variables of its Python function too.
RESERVED_IN_DEVICES = RESERVED | {"np", *(word.lower() for word in keyword.kwlist)}

#: Internal names of generated text start with this, so no user name may.
PREFIX = "sm_"


def check_name(
    name: object, what: str, error: type[SpicememError], reserved: frozenset[str] = RESERVED,
) -> str:
    """Return `name` if it may stand in every target's text, else raise `error` naming `what` it is for."""
    if isinstance(name, str) and _PLAIN.match(name) and name.lower() not in reserved:
        return name
    if not isinstance(name, str) or not _GRAMMAR.match(name):
        raise error(
            f"{what} name", found=repr(name), expected="a letter followed by letters, digits and single underscores",
            remedy="Blanks, dots, control characters and anything else could change the meaning of a netlist",
        )
    if "__" in name or name.endswith("_"):
        raise error(
            f"{what} name", found=repr(name), expected="no double or trailing underscore",
            remedy="spicemem joins the names of nested parts with a double underscore",
        )
    if name.lower().startswith(PREFIX):
        raise error(f"{what} name", found=repr(name), expected=f"no leading '{PREFIX}'",
                    remedy="Generated text uses that prefix for its own names")
    if name.lower() in reserved:
        raise error(f"{what} name", found=repr(name), expected="a word that no simulator keeps for itself",
                    remedy=f"Write {name}0 or a longer name instead")
    return name


def check_text(text: object, what: str, error: type[SpicememError]) -> str:
    """Return a title or comment that cannot break out of its line in a netlist."""
    if not isinstance(text, str) or not text.isprintable() or text.rstrip().endswith("\\"):
        raise error(f"{what}", found=repr(text), expected="one line of printable characters",
                    remedy="A backslash at its end would take the next line along" if str(text).isprintable() else None)
    return text

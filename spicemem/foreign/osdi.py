"""Reading a compiled Verilog-A library: what its modules say of themselves (OSDI 0.3 and later, the common part)."""

from __future__ import annotations

import contextlib
import ctypes
from ctypes import POINTER, c_bool, c_char_p, c_double, c_int32, c_uint32, c_void_p
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spicemem.errors import InputError

_REAL, _INTEGER, _STRING = 0, 1, 2
#: Of an entry of the Jacobian: it has a derivative in time.
_REACTIVE = 8
_INSTANCE, _VARIABLE = 1, 2


class _Pair(ctypes.Structure):
    _fields_ = [("a", c_uint32), ("b", c_uint32)]


class _Entry(ctypes.Structure):
    _fields_ = [("nodes", _Pair), ("react_ptr_off", c_uint32), ("flags", c_uint32)]


class _Node(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("units", c_char_p), ("residual_units", c_char_p), ("offsets", c_uint32 * 4),
                ("is_flow", c_bool)]


class _Quantity(ctypes.Structure):
    _fields_ = [("name", POINTER(c_char_p)), ("num_alias", c_uint32), ("description", c_char_p), ("units", c_char_p),
                ("flags", c_uint32), ("len", c_uint32)]


class _Asked(ctypes.Structure):
    _fields_ = [("names", POINTER(c_char_p)), ("vals", POINTER(c_double)), ("names_str", POINTER(c_char_p)),
                ("vals_str", POINTER(c_char_p))]


class _Answer(ctypes.Structure):
    _fields_ = [("flags", c_uint32), ("num_errors", c_uint32), ("errors", c_void_p)]


_ACCESS = ctypes.CFUNCTYPE(c_void_p, c_void_p, c_void_p, c_uint32, c_uint32)
_SETUP = ctypes.CFUNCTYPE(None, c_void_p, c_void_p, POINTER(_Asked), POINTER(_Answer))
_LOG = ctypes.CFUNCTYPE(None, c_void_p, c_char_p, c_uint32)


class _Descriptor(ctypes.Structure):
    _fields_ = [
        ("name", c_char_p), ("num_nodes", c_uint32), ("num_terminals", c_uint32), ("nodes", POINTER(_Node)),
        ("num_jacobian_entries", c_uint32), ("jacobian_entries", POINTER(_Entry)), ("num_collapsible", c_uint32),
        ("collapsible", POINTER(_Pair)), ("collapsed_offset", c_uint32), ("noise_sources", c_void_p),
        ("num_noise_src", c_uint32), ("num_params", c_uint32), ("num_instance_params", c_uint32),
        ("num_opvars", c_uint32), ("param_opvar", POINTER(_Quantity)), ("node_mapping_offset", c_uint32),
        ("jacobian_ptr_resist_offset", c_uint32), ("num_states", c_uint32), ("state_idx_off", c_uint32),
        ("bound_step_offset", c_uint32), ("instance_size", c_uint32), ("model_size", c_uint32), ("access", _ACCESS),
        ("setup_model", _SETUP)]


@dataclass(frozen=True)
class Quantity:
    """A parameter or an output variable of a compiled module. kind: real, integer or string; default: None for a
    variable; instance: whether it is set on instances (in ngspice and VACASK also on the model card)."""

    name: str
    kind: str
    doc: str
    unit: str
    aliases: tuple[str, ...] = ()
    default: float | str | None = None
    instance: bool = False


@dataclass(frozen=True)
class Compiled:
    """A module of a compiled library: ports in order, other unknowns, parameters, output variables; which of the other
    unknowns hold a charge (their equation has a derivative in time)."""

    name: str
    ports: tuple[str, ...]
    nodes: tuple[str, ...]
    parameters: tuple[Quantity, ...]
    variables: tuple[Quantity, ...]
    keeps: tuple[str, ...] = ()


def read_osdi(path: str | Path) -> list[Compiled]:
    """The modules of a compiled library. Raises InputError for a file that is none, or of another interface."""
    path = Path(path)
    what = f"compiled library {path.name}"
    try:
        library = ctypes.CDLL(str(path.resolve()))
        major, minor, count = (c_uint32.in_dll(library, f"OSDI_{key}").value
                               for key in ("VERSION_MAJOR", "VERSION_MINOR", "NUM_DESCRIPTORS"))
        start = ctypes.addressof(ctypes.c_byte.in_dll(library, "OSDI_DESCRIPTORS"))
    except (OSError, ValueError) as error:
        raise InputError(what, found=str(error), expected="what openvaf-r compiles") from None
    if major != 0 or minor < 3:
        raise InputError(what, found=f"OSDI {major}.{minor}", expected="OSDI 0.3 or later, before 1")
    size = ctypes.sizeof(_Descriptor)
    # From 0.4 on descriptors are longer, and the library says how long.
    stride = c_uint32.in_dll(library, "OSDI_DESCRIPTOR_SIZE").value if minor > 3 else size + 11 * 8
    if not size <= stride < 65536 or not 0 < count < 4096:
        raise InputError(what, found=f"{count} descriptors of {stride} bytes", expected=f"some of {size} bytes or more")
    return [_module(library, _Descriptor.from_address(start + k * stride)) for k in range(count)]


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "replace")


def _module(library: ctypes.CDLL, d: _Descriptor) -> Compiled:
    model = ctypes.create_string_buffer(d.model_size + 16)
    silence = _LOG(lambda handle, text, level: None)
    with contextlib.suppress(ValueError):  # a module that prints nothing has none
        c_void_p.in_dll(library, "osdi_log").value = ctypes.cast(silence, c_void_p).value
    nothing, numbers = (c_char_p * 1)(None), (c_double * 1)()
    # With nothing given, this puts the defaults into the model.
    d.setup_model(None, ctypes.addressof(model), ctypes.byref(_Asked(nothing, numbers, nothing, nothing)),
                  ctypes.byref(_Answer()))
    found = []
    for k in range(d.num_params + d.num_opvars):
        q: Any = d.param_opvar[k]
        kind, use = q.flags & 3, q.flags >> 30
        default: float | str | None = None
        at = d.access(None, ctypes.addressof(model), k, 0) if use != _VARIABLE and q.len <= 1 else None
        if at:
            if kind == _STRING:
                default = _text(c_char_p.from_address(at).value)
            else:
                default = float((c_int32 if kind == _INTEGER else c_double).from_address(at).value)
        names = [_text(q.name[i]) for i in range(q.num_alias + 1)]
        found.append((use, Quantity(names[0], ("real", "integer", "string", "real")[kind], _text(q.description),
                                    _text(q.units), tuple(names[1:]), default, use == _INSTANCE)))
    nodes = [_text(d.nodes[k].name) for k in range(d.num_nodes)]
    entries = (d.jacobian_entries[k] for k in range(d.num_jacobian_entries))
    charged = {entry.nodes.a for entry in entries if entry.flags & _REACTIVE and entry.nodes.a >= d.num_terminals}
    return Compiled(_text(d.name), tuple(nodes[:d.num_terminals]), tuple(nodes[d.num_terminals:]),
                    tuple(q for use, q in found if use != _VARIABLE), tuple(q for use, q in found if use == _VARIABLE),
                    tuple(nodes[k] for k in sorted(charged)))

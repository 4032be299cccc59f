"""Protocols: a circuit, a stimulus and an engine give a Curve."""

from spicemem.protocols.cycling import cycling
from spicemem.protocols.design import Constraints, SpikeDesign, design_spikes, load_spikes
from spicemem.protocols.energy import energy
from spicemem.protocols.firing import f_i_curve, fire
from spicemem.protocols.loops import iv_loop, resistance_voltage_loop
from spicemem.protocols.ltp import LtpLtd, Scheme, levels, ltp_ltd, multilevel, scheme, write_verify
from spicemem.protocols.pulses import Event, apply
from spicemem.protocols.rate import rate
from spicemem.protocols.reading import Reading
from spicemem.protocols.short_term import epsc, ppf, ptp, retention, stm_to_ltm
from spicemem.protocols.srdp import Train, srdp
from spicemem.protocols.stdp import lone_spikes, stdp, stdp_all
from spicemem.protocols.triplets import bcm, triplet_stdp

__all__ = [
    "Constraints", "Event", "LtpLtd", "Reading", "Scheme", "SpikeDesign", "Train", "apply", "bcm", "cycling",
    "design_spikes", "energy", "epsc", "f_i_curve", "fire", "iv_loop", "levels", "load_spikes", "lone_spikes",
    "ltp_ltd", "multilevel", "ppf", "ptp", "rate", "resistance_voltage_loop", "retention", "scheme", "srdp", "stdp",
    "stdp_all", "stm_to_ltm", "triplet_stdp", "write_verify",
]

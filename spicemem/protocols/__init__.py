"""Protocols: a circuit, a stimulus and an engine give a Curve."""

from spicemem.protocols.cycling import cycling
from spicemem.protocols.rate import rate
from spicemem.protocols.reading import Reading
from spicemem.protocols.stdp import lone_spikes, stdp, stdp_all

__all__ = ["Reading", "cycling", "lone_spikes", "rate", "stdp", "stdp_all"]

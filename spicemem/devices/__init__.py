"""Devices, one file a family. DEVICES is the one list: a new device is its file and a name here."""

from __future__ import annotations

from spicemem.devices.eis import EIS
from spicemem.model import Model

DEVICES: dict[str, type[Model]] = {kind.definition.name: kind for kind in (EIS,)}

"""Devices, one file a family. DEVICES is the one list: a new device is its file and a name here."""

from __future__ import annotations

from spicemem.devices.atomic_switch import AtomicSwitch
from spicemem.devices.dendritic import Dendritic
from spicemem.devices.diffusive import Diffusive
from spicemem.devices.ecm import ECM
from spicemem.devices.eis import EIS
from spicemem.devices.ftj import FTJ
from spicemem.devices.interface_rram import InterfaceRRAM
from spicemem.devices.li_ecram import LiECRAM
from spicemem.devices.linear_ion_drift import LinearIonDrift
from spicemem.devices.memdiode import Memdiode
from spicemem.devices.memtransistor import Memtransistor
from spicemem.devices.miec import MIEC
from spicemem.devices.mott import Mott
from spicemem.devices.optoelectronic import Optoelectronic
from spicemem.devices.ots import OTS
from spicemem.devices.pcm import PCM
from spicemem.devices.pcmo import PCMO
from spicemem.devices.pershin_di_ventra import PershinDiVentra
from spicemem.devices.poole_frenkel import PooleFrenkel
from spicemem.devices.quantum_dot import QuantumDot
from spicemem.devices.second_order import SecondOrderTaOx, SecondOrderWOx
from spicemem.devices.team import TEAM
from spicemem.devices.tunnel_junction import OTJ
from spicemem.devices.unipolar import Unipolar
from spicemem.devices.vcm import VCM
from spicemem.devices.vteam import VTEAM
from spicemem.devices.wox import WOx
from spicemem.devices.yakopcic import Yakopcic
from spicemem.model import Model

DEVICES: dict[str, type[Model]] = {kind.definition.name: kind for kind in (
    EIS, LiECRAM, QuantumDot, OTJ, VCM, InterfaceRRAM, ECM, Diffusive, Memtransistor, PCMO, Mott, PooleFrenkel,
    Dendritic, SecondOrderTaOx, SecondOrderWOx, AtomicSwitch, WOx, PCM, FTJ, Unipolar, OTS, MIEC, Optoelectronic,
    LinearIonDrift, TEAM, VTEAM, Yakopcic, Memdiode, PershinDiVentra,
)}

"""Transient regression: waveforms against golden ones. Nothing heavy here: pytest loads the plugin at each start.

compare, waveforms, readers: two runs, or two files, signal by signal. golden, thin: what is stored. runs: what a golden
says was run, run again. report: the page of differences. plugin: the fixture `waveform_regression`.
"""

from __future__ import annotations

import os


def in_ci() -> bool:
    """Whether this runs in continuous integration, as its services say by the variable CI: no golden is written."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")

"""The command `spicemem`: its commands are in `spicemem/commands/`, and stand in --help in the order of this list."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading

from spicemem.commands.base import INTERRUPTED, app, stop_simulators

for _noun in ("show", "netlist", "run", "report", "campaign", "cache", "design", "regress", "foreign", "training",
              "doctor"):
    importlib.import_module(f"spicemem.commands.{_noun}")


def main() -> None:
    """Entry point: as `app()`, with SIGTERM treated as Ctrl-C and output that no locale can break."""
    owner, count = os.getpid(), [0]

    def interrupt(number: int, frame: object) -> None:
        if os.getpid() != owner:  # a worker process: its results are not wanted any more
            os._exit(INTERRUPTED)
        count[0] += 1
        # From here on threads only clean up; what they say of it (a pool whose processes are gone) helps nobody.
        threading.excepthook = lambda _: None
        if "multiprocessing" in sys.modules:
            for child in sys.modules["multiprocessing"].active_children():
                child.terminate()
        # Now, not on the way out: an exception raised here is lost when it meets a weak reference being cleared, and
        # then the runs that end are what tells the main thread.
        stop_simulators()
        if count[0] > 1:
            os._exit(INTERRUPTED)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    app(prog_name="spicemem")

if __name__ == "__main__":
    main()

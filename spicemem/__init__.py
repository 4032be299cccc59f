"""spicemem: one definition of a memristive device; netlists, Verilog-A, circuits and learning curves from it."""

__version__ = "0.1.0"

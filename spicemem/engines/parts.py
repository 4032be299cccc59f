"""Verilog-A of the two helpers that start a run in the middle: a charged pair of nets, an inductor with a current."""

from __future__ import annotations

#: Keeps v(p, n) at v_start while the operating point is found; gone in the transient.
HOLD = """`include "disciplines.vams"
module sm_hold(p, n);
    inout p, n;
    electrical p, n;
    (* type="instance" *) parameter real v_start = 0.0;
    real i;
    analog begin
        i = 0.0;
        if ($abstime <= 0.0) i = 1e3 * (V(p, n) - v_start);
        I(p, n) <+ i;
    end
endmodule
"""

#: An inductor whose flux is a state, so that it can start with a current.
INDUCTOR = """`include "disciplines.vams"
module sm_inductor(p, n);
    inout p, n;
    electrical p, n;
    electrical flux;
    (* type="instance" *) parameter real l = 1e-6 from (0:inf);
    (* type="instance" *) parameter real i_start = 0.0;
    (* desc="current", units="A" *) real i;
    real f;
    analog begin
        i = i_start + V(flux) / l;
        f = -V(p, n);
        if ($abstime <= 0.0) f = V(flux);
        I(p, n) <+ i;
        I(flux) <+ ddt(V(flux));
        I(flux) <+ f;
    end
endmodule
"""

"""Half-precision Lite files for ARM, interpreted: what a phone computes, rounding by rounding.

The ARM kernels of Paddle-Lite accumulate in half precision, one rounding a tap, so results depend on the
order of the taps, and half storage with wider sums is no substitute. The orders here reproduce the outputs of
the kernels themselves, executed on an emulated processor, bit by bit: the golden set. For sizes beyond it
they were compared with the same instructions and loops, built as that runtime is and executed likewise. One
thread is meant: with more, Paddle-Lite cuts the list of values that an activation takes elsewhere.
"""

from zoo.runner.arm_fp16.network import Fp16Network
from zoo.runner.arm_fp16.operators import KERNELS

__all__ = ["KERNELS", "Fp16Network"]

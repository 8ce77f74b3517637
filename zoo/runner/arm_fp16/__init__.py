"""ARM FP16 emulation of Paddle-Lite files: the outputs of a phone, rounding by rounding.

The ARM kernels of Paddle-Lite accumulate in half precision, with one rounding per tap. Results therefore
depend on the order of the taps, and FP16 storage with wider sums is no substitute. The orders implemented
here reproduce the outputs of the kernels themselves, executed on an emulated processor, bit for bit (the
golden set). For sizes beyond that set they were compared with the same instructions and loops, built as that
runtime is built and executed the same way. Results are those of one thread: with more threads, Paddle-Lite
splits the values of an activation at other positions.
"""

from zoo.runner.arm_fp16.network import Fp16Network
from zoo.runner.arm_fp16.operators import KERNELS

__all__ = ["KERNELS", "Fp16Network"]

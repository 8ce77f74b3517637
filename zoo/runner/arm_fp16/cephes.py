"""Constants of the exponential of the Cephes library (``expf.c``), which kernels use in both precisions."""

LOG2_E = 1.44269504088896341

# ln 2 in two parts, of which the second is negative.
LN_2 = 0.693359375
LN_2_REST = -2.12194440e-4

SERIES = (
    1.9875691500e-4,
    1.3981999507e-3,
    8.3334519073e-3,
    4.1665795894e-2,
    1.6666665459e-1,
    5.0000001201e-1,
)
"""Coefficients of the polynomial, highest power first."""

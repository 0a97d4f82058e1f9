"""The checkpoint's own blocks of 4 to 8 bits times int8 activations: `blocks` as the decoder wants them, the arithmetic
in `block_numba` and `block_intrinsics`, the rows in `block_rows`, the way back in `backward_numba`."""

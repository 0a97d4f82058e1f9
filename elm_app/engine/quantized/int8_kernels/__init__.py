"""Int8 with a scale an output: `int8` as the decoder wants it, the arithmetic in `int8_numba`, `int8_intrinsics` and
`attention_intrinsics`."""

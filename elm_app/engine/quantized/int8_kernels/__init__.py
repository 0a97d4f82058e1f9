"""Int8 with a scale an output: `vnni` as the decoder wants it, the arithmetic in `vnni_numba`, `vnni_intrinsics` and
`attention_intrinsics`; `onednn` with torch alone."""

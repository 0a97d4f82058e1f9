"""Decoding and gradients with quantised weights on a CPU.

decoder      the model: layers, cache, prefill, step; asks `kernels` for the arithmetic
backward     log-probabilities of rollouts and their gradient with respect to the soft prompt
kernels      what the decoder asks of kernels; `choose_kernels` says which this CPU can run
formats      the block formats of GGUF checkpoints, and how we lay their blocks out for a CPU
blocks       4-bit: the checkpoint's own blocks times int8 activations (`block_numba`, `block_intrinsics`)
vnni         int8: a scale an output (`vnni_numba`, `vnni_intrinsics`)
onednn       int8 with torch alone, for CPUs without AVX512
"""

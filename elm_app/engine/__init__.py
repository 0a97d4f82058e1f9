"""Batched generation, log-probabilities, gradients. What stands here already: `quantized/`, the arithmetic on a CPU."""

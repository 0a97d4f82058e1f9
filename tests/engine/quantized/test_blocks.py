"""Every block format against the values that the format's own library gives, in fp32, and rows against themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gguf.constants import GGMLQuantizationType
from gguf.quants import quantize as by_library

from elm_app.engine.quantized.choose_kernels import choose
from elm_app.engine.quantized.formats import BLOCK, FORMATS, Blocks, Format

pytestmark = pytest.mark.skipif(choose(blocks=True) is None, reason="a CPU without AVX2")
each_format = pytest.mark.parametrize("form", FORMATS.values(), ids=lambda form: form.name)


def kernels() -> Any:
    found = choose(blocks=True)
    assert found is not None
    return found


def made(form: Format, outputs: int, size: int, seed: int = 0) -> Blocks:
    """Random blocks: any codes and nested scales, unit scales of a usual size."""
    random = np.random.default_rng(seed)
    if not form.nested:
        weights = random.standard_normal((outputs, size)).astype(np.float32)
        return Blocks(form, by_library(weights, GGMLQuantizationType(form.kind)))
    data = random.integers(0, 256, (outputs, size // form.unit, form.unit_bytes), np.uint8)
    for at in (208,) if form.name == "Q6_K" else (0, 2):
        scales = (random.random((outputs, size // form.unit)) * 0.01 + 0.001).astype(np.float16)
        data[..., at : at + 2] = scales[..., None].view(np.uint8)
    return Blocks(form, data.reshape(outputs, -1))


def randn(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def seen(rows: Any, size: int) -> torch.Tensor:
    """What quantised activations stand for, fp32 (B, K)."""
    values = rows.codes.astype(np.float32) * rows.factors[..., :1]
    return torch.from_numpy(values.swapaxes(1, 2).reshape(-1, size)[: rows.rows])


@each_format
@pytest.mark.parametrize("outputs", [5, 16, 50])
def test_products_are_those_of_the_values(form: Format, outputs: int) -> None:
    size = 3 * form.unit if form.nested else 5 * BLOCK
    blocks = made(form, outputs, size)
    linear, weights = kernels().linear([blocks]), torch.from_numpy(blocks.floats())
    for rows in range(1, 34):
        x = kernels().quantize(randn(rows, size))
        expected = seen(x, size) @ weights.T
        ours = linear(x)
        assert ours.shape == expected.shape
        assert (ours - expected).abs().max() < 2e-6 * size**0.5 * expected.abs().max()


@each_format
def test_values_come_back_to_the_bit(form: Format) -> None:
    blocks = made(form, 50, 2 * form.unit)
    (part,) = kernels().linear([blocks]).parts
    order = torch.tensor([49, 0, 17, 17])
    assert np.array_equal(part.floats(order).numpy(), blocks.floats()[order.numpy()])


@each_format
def test_a_row_does_not_depend_on_the_others(form: Format) -> None:
    size, x = 2 * form.unit, randn(33, 2 * form.unit)
    linear = kernels().linear([made(form, 48, size)])
    whole = linear(kernels().quantize(x))
    for rows in (1, 2, 3, 4, 5, 8, 9, 16, 32):
        assert torch.equal(linear(kernels().quantize(x[:rows])), whole[:rows])
        assert torch.equal(linear(kernels().quantize(x[-rows:].contiguous())), whole[-rows:])


@each_format
def test_the_way_back_is_the_transposed_product(form: Format) -> None:
    size = 2 * form.unit
    blocks = made(form, 48, size)
    weights, gradient = torch.from_numpy(blocks.floats()), randn(13, 48)
    back = kernels().transposed("out", kernels().linear([blocks]), lambda: [blocks])
    back.prepare()
    expected = gradient @ weights
    assert (back(gradient) - expected).norm() / expected.norm() < 0.02


@each_format
def test_few_words_of_a_vocabulary_make_its_gradient(form: Format) -> None:
    blocks = made(form, 50, 2 * form.unit)
    head = kernels().linear([blocks])
    shares = torch.zeros(3, 50)
    shares[0, 7], shares[0, 49], shares[2, 1], shares[2, 2] = 0.6, -0.4, 1.0, 1e-6
    expected = torch.where(shares.abs() < 1e-4, 0, shares) @ torch.from_numpy(blocks.floats())
    ours = kernels().words_back(head, lambda: blocks)(shares)
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-5)


def test_matrices_of_several_formats_stand_one_below_the_other() -> None:
    parts = [made(FORMATS[kind], outputs, 512, seed=kind) for kind, outputs in ((12, 32), (12, 16), (14, 23))]
    linear = kernels().linear(parts, bias := randn(71))
    assert [part.outputs for part in linear.parts] == [48, 23]
    weights, x = torch.cat([torch.from_numpy(part.floats()) for part in parts]), kernels().quantize(randn(9, 512))
    expected = seen(x, 512) @ weights.T
    torch.testing.assert_close(linear(x), expected + bias, atol=2e-3, rtol=1e-4)
    before = randn(9, 71, seed=4)
    torch.testing.assert_close(linear(x, add_to=before.clone()), expected + bias + before, atol=2e-3, rtol=1e-4)
    back = kernels().transposed("qkv", linear, lambda: parts)
    back.prepare()
    gradient = randn(5, 71, seed=5)
    assert (back(gradient) - gradient @ weights).norm() / (gradient @ weights).norm() < 0.02


@each_format
def test_a_format_says_what_it_takes(form: Format) -> None:
    linear = kernels().linear([made(form, 160, 2 * form.unit)])
    assert linear.bytes == round(form.bytes_a_weight * 160 * 2 * form.unit)
    assert form.bytes_a_weight < 1.15 * form.unit_bytes / form.unit

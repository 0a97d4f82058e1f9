"""TTRL: test-time reinforcement learning of the model itself, rewarded by the majority (Zuo et al., arXiv 2504.16084).

All weights of all layers are learned on an fp32 copy of the model (embeddings and vocabulary head stay as they are);
where there is no room for that, LoRA of rank 8 on all linear layers instead, which the results say under `form`.
Simplified: `rollouts` traces both for the vote and for the update (the paper votes over 64 and updates on 32), AdamW at
a fixed rate, as many updates as ELM offline makes, and none where no two traces agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from elm_app.evaluation.offline_methods import Offline

if TYPE_CHECKING:
    from elm_app.learning.policies import Policy


class Ttrl(Offline):
    """Keeps the model."""

    form = "whole model"

    def make(self) -> Policy:
        from elm_app.learning.policies import Full, Lora, own_engine, room_for_full

        engine = own_engine(self.desk.model, lambda _: None)
        quantization = self.desk.engine.info.quantization
        if room_for_full(engine):
            return Full(engine, self.desk.learning, quantization)
        self.form = "LoRA on all linear layers"
        return Lora(engine, self.desk.learning, quantization)

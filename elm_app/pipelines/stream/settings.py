"""How the problems of a stream are solved and learned from, and the same as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from elm_app.core.config import LearnSettings, ModelSettings, RouteSettings, SamplingSettings, settings_from


@dataclass(frozen=True)
class StreamSettings:
    """How every problem of a stream is solved and learned from; seeds are the stream's, from which each problem's is
    made. Learning samples as solving does, so that the traces without a memory are what it starts from."""

    model: ModelSettings
    sampling: SamplingSettings
    routing: RouteSettings
    learning: LearnSettings

    def __post_init__(self) -> None:
        k, length, temperature = self.sampling.samples, self.sampling.max_new_tokens, self.sampling.temperature
        learning = replace(
            self.learning,
            max_new_tokens=length,
            measure_samples=k,
            measure_temperature=temperature,
            temperature=temperature or self.learning.temperature,
            seed=self.sampling.seed,
        )
        object.__setattr__(self, "learning", learning)

    def to_json(self) -> dict[str, Any]:
        """Flat, as the settings of other runs are; those of learning stand under `learning`."""
        flat = {**asdict(self.model), **asdict(self.sampling), **asdict(self.routing)}
        return {**flat, "learning": asdict(self.learning)}

    @classmethod
    def from_json(cls, settings: dict[str, Any]) -> StreamSettings:
        """The reverse of `to_json`."""
        return cls(
            settings_from(ModelSettings, settings),
            settings_from(SamplingSettings, settings),
            settings_from(RouteSettings, settings),
            settings_from(LearnSettings, settings["learning"]),
        )

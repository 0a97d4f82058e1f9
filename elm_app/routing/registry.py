"""The verifier by its name."""

from __future__ import annotations

from elm_app.core.config import Device, RouteSettings
from elm_app.routing.agreement import Agreement
from elm_app.routing.confidence import Confidence
from elm_app.routing.process_reward import Prms, ProcessReward
from elm_app.routing.verifier import Verifier


def verifier(settings: RouteSettings, prms: Prms, device: Device = "auto") -> Verifier:
    """The verifier that the settings name. Cheap: a reward model is loaded when there is first something to weigh.

    Args:
        prms: keeps the loaded reward model between runs.
        device: where the reward model goes.
    """
    match settings.verifier:
        case "agreement":
            return Agreement()
        case "confidence":
            return Confidence()
        case "prm":
            return ProcessReward(settings.prm, prms, device)

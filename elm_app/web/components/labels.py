"""Numbers and states in words, always with their unit and their base."""

from __future__ import annotations

from elm_app.answers import vote_words
from elm_app.core.events import Progress
from elm_app.core.text import count as count
from elm_app.core.text import visible
from elm_app.core.types import Arm, ModelInfo
from elm_app.runs.state import LearnView, RunView
from elm_app.weights.presets import PRESETS

DOT = " · "


def seconds(value: float) -> str:
    """
    >>> seconds(0.04), seconds(9.41), seconds(84), seconds(130), seconds(3700)
    ('0.0 s', '9.4 s', '1 min 24 s', '2 min 10 s', '1 h 1 min')
    """
    if value < 59.95:
        return f"{value:.1f} s"
    return _long(round(value))


def whole_seconds(value: float) -> str:
    """
    >>> whole_seconds(9.41), whole_seconds(110.2)
    ('9 s', '1 min 50 s')
    """
    return f"{int(value)} s" if value < 60 else _long(int(value))


def seconds_left(value: float) -> str:
    """
    >>> seconds_left(13.6), seconds_left(250)
    ('14 s left', '4 min 10 s left')
    """
    whole = max(1, round(value))
    return f"{whole} s left" if whole < 60 else f"{_long(whole)} left"


def _long(whole: int) -> str:
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def amount(done: float, total: float, unit: str) -> str:
    """How far a wait has come.

    >>> amount(212e6, 491.4e6, "B"), amount(3, 24, "tensors"), amount(5e5, 0, "B"), amount(0, 0, "")
    ('212 of 491 MB', '3 of 24 tensors', '0.5 MB', '')
    """
    if unit == "B":
        scale, name = (1e9, "GB") if max(done, total) >= 1e9 else (1e6, "MB")
        digits = 2 if scale == 1e9 else 0 if total >= 1e7 else 1
        so_far = f"{done / scale:.{digits}f}"
        return f"{so_far} of {total / scale:.{digits}f} {name}" if total else f"{so_far} {name}"
    if not total:
        return f"{done:g} {unit}".strip() if done else ""
    return f"{done:g} of {total:g} {unit}".strip()


def size(count: float) -> str:
    """
    >>> size(1_117_320_768), size(491_400_064)
    ('1.1 GB', '491 MB')
    """
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def rate(per_second: float, unit: str) -> str:
    """
    >>> rate(20.4e6, "B"), rate(640e3, "B"), rate(3.24, "tensors")
    ('20 MB/s', '640 KB/s', '3.2 tensors/s')
    """
    if unit == "B":
        return f"{per_second / 1e6:.0f} MB/s" if per_second >= 1e6 else f"{per_second / 1e3:.0f} KB/s"
    return f"{per_second:.{0 if per_second >= 10 else 1}f} {unit}/s"


def coming(progress: Progress) -> str:
    """How far a model's weights are.

    >>> coming(Progress("download", "", 42.9, 100)), coming(Progress("load", "", 0, 0))
    ('fetching, 42%', 'loading')
    """
    doing = {"download": "fetching", "verify": "checking", "convert": "preparing"}.get(progress.stage, "loading")
    return f"{doing}, {int(100 * progress.done / progress.total)}%" if progress.total else doing


def model_size(model_id: str) -> str:
    """The size that a model's name gives, or the name's last part.

    >>> model_size("small"), model_size("Qwen/Qwen2.5-Coder-0.5B-Instruct"), model_size("my/model")
    ('0.5B', '0.5B', 'model')
    """
    preset = PRESETS.get(model_id)
    name = preset.title.replace(" ", "-") if preset else model_id.rstrip("/").rsplit("/", 1)[-1]
    for part in name.replace("_", "-").split("-"):
        if part[-1:].upper() in ("B", "M") and part[:-1].replace(".", "", 1).isdigit():
            return part.upper()
    return name


def model_chip(model: ModelInfo) -> str:
    """The model in three words: size, numbers, device.

    >>> model_chip(ModelInfo("base", "4-bit", "cpu", "…")), model_chip(ModelInfo("Qwen/Qwen3-1.7B", "int8", "cpu", "…"))
    ('1.5B · 4-bit · CPU', '1.7B · 8-bit · CPU')
    """
    bits = {"int8": "8-bit", "nf4": "4-bit", "none": "16-bit"}.get(model.quantization, model.quantization)
    device = {"cpu": "CPU", "cuda": "GPU"}.get(model.device.split(":")[0].lower(), model.device)
    return DOT.join([model_size(model.id), bits, device])


def vocabulary_word(word: str) -> str:
    """An entry of a vocabulary, so that it can be seen.

    >>> vocabulary_word(" eggs"), vocabulary_word(" "), vocabulary_word("")
    ('eggs', '␣', '∅')
    """
    shown = visible(word.strip() or word.replace(" ", "␣")) or "∅"
    return shown if len(shown) <= 24 else shown[:23] + "…"


def waiting(ahead: int) -> str:
    """
    >>> waiting(0), waiting(1), waiting(3)
    ('Starting', 'Waiting: 1 run ahead', 'Waiting: 3 runs ahead')
    """
    return f"Waiting: {count(ahead, 'run')} ahead" if ahead > 0 else "Starting"


def verdict(view: RunView, arm: Arm = "zero_shot") -> list[str]:
    """The vote in words: "6 of 8 agree", "1 other answer", "1 without an answer"; nothing while there is one trace."""
    changed = view.votes.get(arm)
    if changed is None or (vote_words.attempts(changed.vote) == 1 < view.samples):
        return []
    return vote_words.verdict(changed.vote)


def finished_of(view: RunView) -> str:
    """
    >>> finished_of(RunView(settings={"samples": 8}))
    '8 traces, 0 finished'
    """
    total = max(view.samples * max(1, len(arms(view))), len(view.traces))
    return f"{count(total, 'trace')}, {sum(each.trace is not None for each in view.traces.values())} finished"


def arms(view: RunView) -> list[Arm]:
    """The arms that a run has shown so far, or will show first; in a learning run that of the current phase."""
    if view.learn is not None:
        return ["zero_shot" if view.learn.phase in ("before", "teach") or worked(view) else "memory"]
    seen = {arm for arm, _ in view.traces} | set(view.prompts) | set(view.votes)
    expected = set(view.retrieved.arms) if view.retrieved is not None else set()
    return sorted(seen | expected | {"zero_shot"}, key=lambda arm: (arm != "zero_shot", arm))


def worked(view: RunView) -> bool:
    """Whether a learning run's traces are solved variants: while these are written, and in steps without rollouts."""
    learn = view.learn
    return learn is not None and (learn.phase in ("teach", "fit") or (learn.phase == "step" and not learn.samples))


def distils(view: RunView) -> bool:
    """Whether a learning run is by the recipe `distil`."""
    return view.settings.get("recipe") == "distil"


def variants(learn: LearnView) -> str:
    """How many variants of the problem are solved."""
    return count(len(learn.worked.variants) if learn.worked else 0, "variant")


def arm(view: RunView, arm: Arm) -> str:
    """What an arm is called over its traces.

    >>> arm(RunView(), "zero_shot"), arm(RunView(), "memory"), arm(RunView(), "memory_2")
    ('Without a memory', 'With the memory', 'With memory 2')
    """
    if arm == "zero_shot" and worked(view):
        return "With an example in view"
    if arm == "zero_shot":
        return "Without a memory"
    arms = view.retrieved.arms if view.retrieved is not None else {}
    if len(arms.get(arm, ())) > 1:
        return f"With {len(arms[arm])} memories joined"
    if arm == "memory":
        return "With memory 1" if len(arms) > 1 else "With the memory"
    return f"With memory {arm.removeprefix('memory_')}"


def speed(view: RunView) -> str:
    """Tokens a second: the run's own measure once it has ended, else tokens so far over the time so far."""
    if view.timing is not None:
        value = view.timing.tokens_per_second
    elif view.sampling_since is not None and view.seconds - view.sampling_since > 0.3:
        value = view.tokens() / (view.seconds - view.sampling_since)
    else:
        value = 0.0
    return f"{value:.0f} tokens/s" if value >= 10 else f"{value:.1f} tokens/s" if value > 0 else ""

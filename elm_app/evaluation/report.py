"""The report of a benchmark: `report.json`, `report.md` and its plots, made anew from the lines that there are."""

from __future__ import annotations

import html
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from elm_app.core.atomic_file import replace_text, writing
from elm_app.core.errors import BadInput
from elm_app.core.text import count
from elm_app.core.types import ModelInfo, to_json
from elm_app.evaluation.folder import BenchFolder
from elm_app.evaluation.report_plots import accuracy_plot, running_plot, tokens_plot
from elm_app.evaluation.statistics import SURE, row

DIFFERENCES = "Differences in points, paired by problem, with 95% interval and p of a sign-flip test"
"""What stands over the `sentences`."""
REPORT_SHARE = 0.02
"""Of the time of a benchmark that its report may take while it goes on."""
PLOTS = {"accuracy.svg": accuracy_plot, "running.svg": running_plot, "tokens.svg": tokens_plot}


def write_report(folder: BenchFolder, model: ModelInfo | None = None) -> dict[str, Any]:
    """Write the report of what is done so far; returns what `report.json` holds.

    Raises:
        BadInput: there is no benchmark, or a line is damaged. RunError: the disk refuses.
    """
    report = report_of(folder, model or _model(folder))
    with writing(folder.path):
        replace_text(folder.path / "report.json", json.dumps(report, ensure_ascii=False, indent=2))
        replace_text(folder.path / "report.md", markdown(report))
        for name, plot in PLOTS.items():
            if report["methods"] and report["methods"][0]["accuracy"] is not None:
                replace_text(folder.path / name, plot(report))
    return report


class ReportAsItGoes:
    """Makes the report anew while problems are done, but spends on it at most `REPORT_SHARE` of the time."""

    def __init__(self, folder: BenchFolder, model: ModelInfo | None) -> None:
        self.folder, self.model, self._next = folder, model, 0.0

    def due(self) -> None:
        """Write it if it is time to; raises as `write_report` does."""
        if time.monotonic() >= self._next:
            self.write()

    def write(self) -> None:
        """Write it now; raises as `write_report` does."""
        began = time.monotonic()
        write_report(self.folder, self.model)
        ended = time.monotonic()
        self._next = ended + (ended - began) / REPORT_SHARE


def report_of(folder: BenchFolder, model: ModelInfo | dict[str, Any] | None) -> dict[str, Any]:
    """The numbers, as JSON values; see `statistics.row`."""
    plan = folder.plan()
    lines = {method: [one for seed in plan.seeds for one in folder.results(method, seed)] for method in plan.methods}
    lines = {method: found for method, found in lines.items() if any(not one.again for one in found)}
    methods = [row(method, found, lines) for method, found in lines.items()]
    return {
        "schema": 1,
        "name": plan.name,
        "problems": len(plan.problems),
        "seeds": list(plan.seeds),
        "model": to_json(model) if isinstance(model, ModelInfo) else model,
        "settings": plan.settings,
        "methods": methods,
        "sentences": sentences(methods, len(plan.problems)),
    }


def report_json(path: Path) -> dict[str, Any]:
    """The report in a folder as written (typed: `report_schema.read_report`). Raises `BadInput` if there is none."""
    try:
        report: dict[str, Any] = json.loads((path / "report.json").read_text(encoding="utf-8"))
        if report["schema"] != 1:
            raise ValueError("it was written by another version")
        return report
    except FileNotFoundError as error:
        raise BadInput(f"There is no report in {path}.", "Give the --out folder of a benchmark.") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"The report in {path} cannot be read: {error}.", "Run the benchmark once more.") from error


def _model(folder: BenchFolder) -> dict[str, Any] | None:
    try:
        return report_json(folder.path)["model"]  # type: ignore[no-any-return]
    except BadInput:
        return None


def sentences(methods: Sequence[dict[str, Any]], problems: int) -> list[str]:
    """What the numbers allow to be said, one sentence a method that is compared: differences in points, paired by
    problem. A vote over traces beats one trace by itself, so what a method adds is its difference to the vote, and to a
    vote that costs as much; to a single trace where there is no vote."""
    said = []
    for one in methods:
        if one["accuracy"] is not None and one["problems"] < problems:
            said.append(f"{one['method']} is not through: {one['problems']} of {problems} problems.")
        name, what = ("difference_vote", "the vote")
        if one[name] is None:
            name, what = ("difference", "a single trace")
        if one[name] is None:
            continue
        told = [_gap(one[name], one[f"{name}_interval"], one[f"{name}_p"], what)]
        equal = one["equal_tokens"]
        if equal and equal["difference"] is not None:
            what = f"a vote over {equal['samples']} traces for as many tokens"
            if equal["wanted"] > equal["samples"]:
                what = f"a vote over {equal['samples']} traces ({equal['wanted']} for as many tokens)"
            told.append(_gap(equal["difference"], equal["difference_interval"], equal["difference_p"], what))
        said.append(f"{one['method']}: {'; '.join(told)}.")
    return said


def _gap(value: float, interval: Sequence[float], p: float, what: str) -> str:
    low, high = interval
    verdict = "not told apart"
    if p < SURE and not low <= 0 <= high:
        verdict = "better" if low > 0 else "worse"
    return f"{100 * value:+.1f} to {what} [{100 * low:+.1f}, {100 * high:+.1f}], {_p(p)}, {verdict}"


def _p(p: float) -> str:
    return f"p = {p:.2f}" if p >= 0.095 else f"p = {p:.3f}" if p >= 0.001 else "p < 0.001"


def markdown(report: dict[str, Any]) -> str:
    """The report for people."""
    model = report["model"] or {}
    settings = report["settings"]
    lines = [
        f"# {_plain(report['name'])}: {count(report['problems'], 'problem')}",
        "",
        f"Model {_plain(model.get('id', settings['model']))} ({model.get('quantization', settings['quantization'])}, "
        f"{model.get('device', settings['device'])}), seeds {', '.join(map(str, report['seeds']))}, "
        f"{settings['samples']} samples of at most {settings['max_new_tokens']} new tokens at temperature "
        f"{settings['temperature']}; learning at most "
        f"{count(settings['learning']['steps'], 'step')} of {settings['learning']['rollouts']} rollouts. "
        "Tokens and seconds are means a problem, learning included; zero_shot's tokens are those of one trace, its "
        "seconds those of all.",
        "",
        "| method | problems | accuracy (95%) | to zero-shot (95%) | to the vote | maj@k | mean@k | pass@k | answered "
        "| tokens | plain vote with as many tokens | seconds | trainable | stored |",
        "|" + "---|" * 14,
    ]
    lines += [_table_row(one) for one in report["methods"]]
    again = [one for one in report["methods"] if one["again"]]
    if again:
        lines += [
            "",
            "The first problems once more at the end:",
            "",
            "| method | first | again | problems |",
            "|---|---|---|---|",
        ]
        lines += [
            f"| {one['method']} | {_percent(one['again']['before'])} | {_percent(one['again']['after'])} "
            f"| {one['again']['problems']} |"
            for one in again
        ]
    labels = [one for one in report["methods"] if one["label_accuracy"] is not None]
    if labels:
        told = ", ".join(f"{one['method']} {_percent(one['label_accuracy'])}" for one in labels)
        lines += ["", f"Right majorities among the steps of learning: {told}."]
    lines += [
        f"\nWhere {one['method']} tried a memory ({one['arms']['problems']} problems), the majority was right "
        f"{one['arms']['without']} times without it, {one['arms']['alone']} times by it alone, and the one that was "
        f"chosen {one['arms']['chosen']} times."
        for one in report["methods"]
        if one["arms"]
    ]
    lines += ["", f"{DIFFERENCES}:", ""]
    lines += [*(f"- {sentence}" for sentence in report["sentences"]), ""]
    if report["methods"] and report["methods"][0]["accuracy"] is not None:
        lines += [
            "",
            "![accuracy](accuracy.svg)",
            "",
            "![running accuracy](running.svg)",
            "",
            "![tokens](tokens.svg)",
            "",
        ]
    return "\n".join(lines)


def _plain(name: str) -> str:
    """A file's or a model's name on one line, without HTML, links or pictures."""
    return html.escape(" ".join(name.split()), quote=False).replace("[", "\\[")


def _table_row(one: dict[str, Any]) -> str:
    cells = [
        one["method"],
        str(one["problems"]),
        _with_interval(one["accuracy"], one["accuracy_interval"]),
        _with_interval(one["difference"], one["difference_interval"], "+"),
        _with_interval(one["difference_vote"], one["difference_vote_interval"], "+"),
        *(_percent(one[name]) for name in ("maj", "mean", "pass", "answered")),
        f"{one['tokens']:,.0f}",
        _equal(one["equal_tokens"]),
        f"{one['seconds']:.1f}",
        f"{one['trainable']:,}" if one["trainable"] else "",
        _bytes(one["stored_bytes"]),
    ]
    return "| " + " | ".join(cells) + " |"


def _equal(equal: dict[str, Any] | None) -> str:
    """What a vote over plain samples reaches with as many tokens, and how many samples these are."""
    if equal is None:
        return ""
    short = f", {equal['wanted']} wanted" if equal["wanted"] > equal["samples"] else ""
    return f"{_percent(equal['accuracy'])} (maj@{equal['samples']}{short})"


def _percent(value: float | None, sign: str = "") -> str:
    return "" if value is None else f"{100 * value:{sign}.1f}%"


def _with_interval(value: float | None, interval: Sequence[float] | None, sign: str = "") -> str:
    if value is None or interval is None:
        return ""
    return f"{_percent(value, sign)} ({100 * interval[0]:{sign}.1f} to {100 * interval[1]:{sign}.1f})"


def _bytes(count: int) -> str:
    if not count:
        return ""
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} KB"

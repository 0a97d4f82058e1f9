"""Memories on a terminal: one line each, or one of them as a label beside a specimen."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TextIO

from elm_app.cli.lines import one_line
from elm_app.core.config import FORMS
from elm_app.core.text import count, size
from elm_app.core.types import Measured, Memory
from elm_app.store.row import Row, record


def table(rows: Sequence[Row], scores: Mapping[str, float] | None = None, file: TextIO | None = None) -> None:
    """One line a memory, in columns; the problem takes what is left of the terminal's width."""
    if not rows:
        return
    head = [["score"] if scores else [], ["id", "offered", "before", "after", "used", "model", "label", "problem"]]
    lines = [[*head[0], *head[1]]]
    for row in rows:
        score = [f"{scores[row.id]:.3f}"] if scores else []
        state = "damaged" if row.damaged else "yes" if row.enabled else "no"
        agreement = [_percent(row.agreement_before), _percent(row.agreement_after)]
        texts = [one_line(row.label)[:20], one_line(row.problem)]
        lines.append([*score, row.id, state, *agreement, str(row.retrieved), one_line(row.model)[:24], *texts])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]) - 1)]
    room = max(20, shutil.get_terminal_size((160, 24)).columns - sum(widths) - 2 * len(widths))
    for line in lines:
        cells = [
            cell.rjust(width) if name in ("score", "before", "after", "used") else cell.ljust(width)
            for name, cell, width in zip(lines[0], line, widths, strict=False)
        ]
        problem = line[-1] if len(line[-1]) <= room else line[-1][: room - 1] + "…"
        print("  ".join([*cells, problem]).rstrip(), file=file or sys.stdout)


def specimen(memory: Memory) -> str:
    """A card as a label beside a specimen: what it is, what it comes from, what it cost, what it did since."""
    state = "offered" if memory.enabled else f"not offered{': ' * bool(memory.disabled_reason)}{memory.disabled_reason}"
    model, steps = memory.model, len(memory.steps)
    shape = f"{memory.virtual_tokens} virtual tokens × {memory.hidden_size}"
    tensor = f"{FORMS[memory.form]}, {shape}, {memory.dtype}, {size(memory.bytes)}"
    lines = [
        ("", f"{memory.id} · {state}"),
        ("problem", memory.problem),
        ("label", memory.label),
        ("note", memory.note),
        ("", ""),
        ("before", _measured(memory.before)),
        ("after", _measured(memory.after) if memory.after else "not measured"),
        ("verdict", memory.verdict),
        ("", ""),
        (
            "learned",
            f"{_time(memory.created)} in {count(steps, 'step')}, reward: {memory.reward}, answer: {memory.answer}",
        ),
        ("for", f"{model.id}, {model.quantization}, weights {model.weights_sha256[:12]}"),
        ("tensor", tensor),
        ("cost", f"{_seconds(memory.seconds)}, {memory.tokens:,} tokens"),
        ("since then", f"used {memory.retrieved}, helped {memory.helped}, hurt {memory.hurt} times{_record(memory)}"),
        ("run", memory.run),
        ("settings", ", ".join(f"{name} {value}" for name, value in memory.settings.items())),
        ("words", " · ".join(" ".join(words[:3]) for words in memory.words)),
        ("", ""),
    ]
    for step in memory.steps:
        if step.reward_mean is None:
            said = "" if step.loss is None else f"loss {step.loss:.3f} nats a token, "
        else:
            said = f"reward {step.reward_mean:.2f}, {_percent(step.agreement)} agree, "
            said += f"{_percent(step.answered)} answered, "
        said += f"{step.tokens:.0f} tokens, {_seconds(step.seconds)}"
        lines.append((f"step {step.step}", f"{said} · {step.skipped}" if step.skipped else said))
    kept = [(name, one_line(text)) for name, text in lines if text or not name]
    return "\n".join(f"{name:<10}  {text}".rstrip() if name else text for name, text in kept).rstrip()


def _measured(measured: Measured) -> str:
    vote, samples = measured.vote, measured.samples
    agree = max((one.count for one in vote.counts), default=0)
    said = f"{agree} of {samples} agree on {vote.answer}" if vote.answer is not None else f"no answer in {samples}"
    return f"{said}, {_percent(measured.answered)} answered, {measured.tokens:.0f} tokens a trace"


def _time(iso: str) -> str:
    return f"{datetime.fromisoformat(iso).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def _record(memory: Memory) -> str:
    return f": {one_line(record(memory.credit))}" if memory.credit else ""

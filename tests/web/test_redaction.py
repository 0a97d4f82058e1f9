"""What a log says of its machine, and what stays when that is taken out."""

from __future__ import annotations

from pathlib import Path

import pytest

from elm_app.core.events import Failed, ModelReady, RunStarted, TraceChunk
from elm_app.core.types import ModelInfo
from elm_app.runs.event_log import Entry
from elm_app.web.export.redaction import Redaction

HERE = Path("/srv/elm/memories/runs")


@pytest.mark.parametrize(
    ("said", "left"),
    [
        (
            "The run's log /srv/elm/memories/runs/r.jsonl cannot be written.",
            "The run's log runs/r.jsonl cannot be written.",
        ),
        ("Look at '/home/me/a/b.json', then at ~/x/y.", "Look at 'b.json', then at y."),
        (r"C:\Users\me\elm\x.gguf and D:/data/y are gone.", "x.gguf and y are gone."),
        (r"\\server\share\x is gone.", "x is gone."),
        ("http://10.0.0.7:8000/api does not answer (https://hub.lan).", "… does not answer (…)."),
        ("1/2 of 3/4 km/h agree; and/or not.", "1/2 of 3/4 km/h agree; and/or not."),
        ("Qwen/Qwen2.5-Math-7B is too large.", "Qwen/Qwen2.5-Math-7B is too large."),
    ],
)
def test_sentences(said: str, left: str) -> None:
    assert Redaction(HERE).text(said) == left


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("Look at /home/alice/models/private/x.gguf.", "Look at x.gguf."),
        ("/home/alice/.cache/hub/a/b.safetensors is damaged.", "b.safetensors is damaged."),
        ("/home/alicea/x/y is gone, so is /home/alice.", "y is gone, so is ~."),
    ],
)
def test_what_lies_under_the_home_folder(monkeypatch: pytest.MonkeyPatch, said: str, left: str) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    assert Redaction(HERE).text(said) == left


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("/home/My Name/my models/mine", "mine"),
        ("~/models/mine/", "mine"),
        (r"C:\Users\My Name\mine", "mine"),
        ("../mine", "mine"),
        ("Qwen/Qwen2.5-Math-7B", "Qwen/Qwen2.5-Math-7B"),
        ("auto", "auto"),
        (7, 7),
        ({"out": "/data/x", "steps": [1, "/data/y"]}, {"out": "x", "steps": [1, "y"]}),
    ],
)
def test_settings(value: object, left: object) -> None:
    assert Redaction(HERE).setting(value) == left


def test_a_path_of_the_settings_is_known_in_every_sentence_and_texts_stay() -> None:
    place = "/home/My Name/mine"
    events = (
        RunStarted("r", "solve", "What is in /etc/elm/x?", {"model": place}, "2026-01-01T00:00:00+00:00"),
        ModelReady(ModelInfo(place, "none", "cpu", "0" * 64), 1.0),
        TraceChunk("zero_shot", 0, "See /etc/elm/x", 3),
        Failed("ModelError", f"{place} cannot be run.", ""),
    )
    log = [Entry(seq, float(seq), event) for seq, event in enumerate(events)]
    started, ready, chunk, failed = (entry.event for entry in Redaction(HERE).entries(log))
    assert started == RunStarted("r", "solve", "What is in /etc/elm/x?", {"model": "mine"}, events[0].created)
    assert ready == ModelReady(ModelInfo("mine", "none", "cpu", "0" * 64), 1.0)
    assert chunk == events[2]
    assert failed == Failed("ModelError", "mine cannot be run.", "")

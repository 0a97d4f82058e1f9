"""The whole way with real weights, as a user goes it: `python -m elm_app solve …` in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.model
ROOT = Path(__file__).parent.parent
PROBLEM = "A baker sells 3 boxes of 12 rolls and 5 single rolls. How many rolls is that?"


def solve(memories: Path, *options: str, **environment: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "elm_app", "solve", PROBLEM, "--json", "--memories", str(memories), *options]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **environment}, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_small_solves_and_the_same_seed_gives_the_same_traces(tmp_path: Path) -> None:
    options = ("--model", "small", "--device", "cpu", "--samples", "8", "--max-new-tokens", "256", "--seed", "1")
    first = solve(tmp_path, *options)
    assert len(first["traces"]) == 8
    assert [trace["index"] for trace in first["traces"]] == list(range(8))
    assert len({trace["seed"] for trace in first["traces"]}) == 8
    assert all(0 < trace["tokens"] <= 256 for trace in first["traces"])
    assert first["decision"]["answer"] == first["votes"]["zero_shot"]["answer"] == "41"
    assert first["model"]["weights_sha256"].startswith("1d9614638d18")
    assert (tmp_path / "runs" / f"{first['run']}.jsonl").is_file()
    again = solve(tmp_path, *options)
    assert again["traces"] == first["traces"]
    assert again["run"] != first["run"]


@pytest.mark.parametrize("quantization", ["4-bit", "int8", "nf4", "none"])
def test_tiny_as_every_kind_of_number(tmp_path: Path, quantization: str) -> None:
    options = ("--model", "tiny", "--device", "cpu", "--quantization", quantization)
    document = solve(tmp_path, *options, "--samples", "3", "--max-new-tokens", "24", "--seed", "5")
    assert document["model"]["quantization"] == quantization
    assert [trace["tokens"] for trace in document["traces"]] == [24, 24, 24] or any(
        trace["finished"] for trace in document["traces"]
    )
    assert len({trace["text"] for trace in document["traces"]}) == 3


def test_from_an_empty_cache_then_without_a_network(tmp_path: Path) -> None:
    """The first call fetches; the second works with every mirror out of reach."""
    options = ("--model", "tiny", "--device", "cpu", "--samples", "2", "--max-new-tokens", "8", "--seed", "1")
    cache = str(tmp_path / "cache")
    first = solve(tmp_path / "memories", *options, ELM_CACHE=cache)
    unplugged = {"ELM_CACHE": cache, "ELM_HUB": "off", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}
    assert solve(tmp_path / "memories", *options, **unplugged)["traces"] == first["traces"]


def test_rollouts_are_close_to_fp32_and_rows_do_not_depend_on_the_batch() -> None:
    """KL(fp32 ‖ 4-bit) per token over what the engine wrote, and bit-for-bit equal rows in two different batches."""
    import torch
    from transformers import AutoModelForCausalLM

    from elm_app.core.config import ModelSettings, SamplingSettings
    from elm_app.engine.engine import Finished, RolloutRequest
    from elm_app.engine.loader import load
    from elm_app.weights.resolve import resolve, with_floats

    engine = load(ModelSettings("small", "4-bit", "cpu"), lambda _: None)
    prompt, other = engine.encode(PROBLEM), engine.encode("What is 17 · 23?")
    sampling = SamplingSettings(4, 128, 0.7, seed=1)

    def tokens(*requests: RolloutRequest) -> list[tuple[int, ...]]:
        events = [event for event in engine.rollout(requests, sampling) if isinstance(event, Finished)]
        return [e.tokens for e in sorted(events, key=lambda e: e.index) if requests[e.request].prompt == prompt]

    alone = tokens(RolloutRequest(prompt, 4, 1))
    assert tokens(RolloutRequest(other, 3, 2), RolloutRequest(prompt, 4, 1)) == alone
    folder = with_floats(resolve("small", progress=lambda _: None), progress=lambda _: None)
    reference = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    divergences = []
    for row in alone:
        ids = torch.tensor([*prompt, *row])
        with torch.inference_mode():
            theirs = reference(ids[None]).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
        ours = engine.decoder.logits(engine.decoder.embed(ids))[len(prompt) - 1 : -1].log_softmax(-1)
        divergences.append((theirs.exp() * (theirs - ours)).sum(-1))
    assert torch.cat(divergences).mean() < 0.002
    _gradients_are_near_to_autograd(engine, reference.requires_grad_(False), prompt, alone)


def _gradients_are_near_to_autograd(engine: Any, model: Any, prompt: list[int], rows: list[tuple[int, ...]]) -> None:
    """That of a loss in which two of four rollouts are wanted more and two less, through all layers, against fp32."""
    import torch

    from elm_app.learning.soft_prompt import start

    soft = start(engine, 20, "text", 0).requires_grad_()
    lengths = [len(row) for row in rows]

    def gradient(logprobs: torch.Tensor) -> torch.Tensor:
        sums = [part.sum() for part in logprobs.split(lengths)]
        (found,) = torch.autograd.grad(sums[0] - sums[1] + sums[2] - sums[3], soft)
        return found.flatten()

    ours = gradient(engine.log_probs(prompt, soft, rows))
    embed, found = model.get_input_embeddings(), []
    for row in rows:
        embeds = torch.cat([soft, embed(torch.tensor([*prompt, *row]))])
        logits = model(inputs_embeds=embeds[None]).logits[0, -len(row) - 1 : -1]
        found.append(logits.log_softmax(-1).gather(1, torch.tensor(row)[:, None])[:, 0])
    theirs = gradient(torch.cat(found))
    assert torch.nn.functional.cosine_similarity(ours, theirs, 0) > 0.92
    assert 0.8 < ours.norm() / theirs.norm() < 1.25


def test_the_default_is_the_larger_model_in_4_bits_where_the_machine_allows(tmp_path: Path) -> None:
    from elm_app.weights.choice import here

    if here("cpu").preset != "base":
        pytest.skip("this machine is not one for the 1.5B")
    document = solve(tmp_path, "--device", "cpu", "--samples", "4", "--max-new-tokens", "200", "--seed", "2")
    assert document["model"]["id"] == "base"
    assert document["model"]["quantization"] == "4-bit"
    assert document["model"]["weights_sha256"].startswith("cc324af070c2")
    assert document["decision"]["answer"] == "41"


PROBLEMS = [  # each with a paraphrase
    (
        "Two angles of a triangle are 47 and 68 degrees. How many degrees has the third angle?",
        "A triangle has two angles of 47 and 68 degrees. How many degrees does the third angle have?",
    ),
    ("Compute 48 / (2 + 6) * 3 - 5.", "Compute 48 / (2 + 6) * 3 - 5 and give the number."),
    (
        "In a school of 240 children 35% come by bus. How many children come by bus?",
        "Of the 240 children of a school 35% come by bus. How many children come by bus?",
    ),
]


def command(memories: Path, *arguments: str) -> dict[str, Any]:
    """Any command with --json."""
    line = [sys.executable, "-m", "elm_app", *arguments, "--json", "--memories", str(memories)]
    done = subprocess.run(line, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


Learned = tuple[Path, str, dict[str, Any]]


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Learned:
    """A memory of the default model, learned in a short step or two; its folder, a paraphrase, and what was said.

    A problem on which all traces agree, or none do, leaves nothing to learn; then the next one is tried.
    """
    memories = tmp_path_factory.mktemp("learned")
    short = ("--steps", "2", "--rollouts", "8", "--max-new-tokens", "256", "--measure-samples", "8", "--seed", "1")
    for problem, paraphrase in PROBLEMS:
        document = command(memories, "learn", problem, "--model", "small", "--device", "cpu", "--keep", *short)
        if document["memory"] is not None:
            return memories, paraphrase, document
        assert document["reason"]
    raise AssertionError("nothing could be learned from any of the problems")


def test_a_memory_is_learned_listed_shown_and_found(learned: Learned) -> None:
    memories, paraphrase, document = learned
    memory = document["memory"]
    assert memory == document["run"]
    assert document["kept"]
    assert 1 <= len(document["steps"]) <= 2
    assert any(step["grad_norm"] for step in document["steps"])  # a gradient, after a rollout
    assert document["vote_before"]["counts"]
    assert memory in json.dumps(command(memories, "memories", "list"))
    assert document["problem"][:40] in json.dumps(command(memories, "memories", "show", memory))
    found = json.dumps(command(memories, "memories", "search", paraphrase))
    assert memory in found
    assert command(memories, "memories", "doctor")["findings"] == []


@pytest.mark.parametrize(("retrieval", "verifier"), [("input", "agreement"), ("kv", "confidence")])
def test_solve_retrieves_it_for_a_paraphrase(learned: Learned, retrieval: str, verifier: str) -> None:
    memories, paraphrase, document = learned
    short = ("--model", "small", "--device", "cpu", "--samples", "3", "--max-new-tokens", "192", "--seed", "4")
    how = ("--memory", "auto", "--retrieval", retrieval, "--verifier", verifier)
    solved = command(memories, "solve", paraphrase, *short, *how)
    assert solved["memory"] == document["memory"]
    assert solved["matches"][0][retrieval] == solved["matches"][0]["score"] > 0.7
    arms = {arm: [trace for trace in solved["traces"] if trace["arm"] == arm] for arm in ("zero_shot", "memory")}
    assert [trace["seed"] for trace in arms["zero_shot"]] == [trace["seed"] for trace in arms["memory"]]
    assert [trace["text"] for trace in arms["zero_shot"]] != [trace["text"] for trace in arms["memory"]]
    decision = solved["decision"]
    assert decision["reason"]
    assert decision["verifier"] in (None, verifier)
    assert (solved["verified"] is None) == (decision["verifier"] is None)
    without = command(memories, "solve", paraphrase, *short, "--memory", "off")
    assert without["traces"] == arms["zero_shot"]  # whoever else is in the batch


def test_peft_writes_what_we_write_with_it(learned: Learned) -> None:
    """PEFT loads the folder onto the model in fp32; greedy and unpadded, its text is ours."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from elm_app.core.config import SamplingSettings
    from elm_app.core.types import ModelInfo
    from elm_app.engine.dense_decoder import DenseDecoder
    from elm_app.engine.engine import Engine, Finished, RolloutRequest
    from elm_app.store.store import Store
    from elm_app.weights.resolve import resolve, with_floats

    memories, paraphrase, document = learned
    folder = with_floats(resolve("small", progress=lambda _: None), progress=lambda _: None)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    info = ModelInfo("small", "none", "cpu", document["model"]["weights_sha256"])
    engine = Engine(DenseDecoder(model), AutoTokenizer.from_pretrained(folder), info, 32768, frozenset({151645}))
    prompt = engine.encode(paraphrase)
    soft_prompt = Store(memories).soft_prompt(document["memory"], info)
    request = RolloutRequest(prompt, 1, 1, soft_prompt)
    (ours,) = (e for e in engine.rollout([request], SamplingSettings(1, 40, 0, seed=1)) if isinstance(e, Finished))
    adapted = PeftModel.from_pretrained(model, str(memories / "adapters" / document["memory"])).eval()
    with torch.no_grad():
        theirs = adapted.generate(
            input_ids=torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            max_new_tokens=40,
            do_sample=False,
            repetition_penalty=1.0,
        )[0].tolist()
    assert theirs[len(prompt) :][: len(ours.tokens)] == list(ours.tokens)

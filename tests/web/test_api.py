"""What programs may call, on a running page over scripted runs, by the client that they would use."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from browser import EGGS, Site
from gradio_client import Client
from gradio_client.exceptions import AppError
from shelves import fill, memory

from elm_app.answers.imported_traces import read_traces, vote_traces
from elm_app.runs.event_log import read
from elm_app.runs.run_json import solve_json
from elm_app.runs.state import view_of

OFFERED = {"/solve", "/learn", "/retrieve", "/memories", "/vote"}
QUICK = {"steps": 2, "recipe": "distil", "seed": 5}
Call = Callable[..., Any]


@pytest.fixture(scope="module")
def client(site: Site) -> Iterator[Client]:
    made = Client(site.url, verbose=False, analytics_enabled=False)
    yield made
    made.close()


@pytest.fixture
def call(client: Client) -> Call:
    def called(name: str, *given: Any, **named: Any) -> Any:
        return client.predict(*given, api_name=f"/{name}", **named)

    return called


def logged(site: Site, run: str) -> list[dict[str, Any]]:
    """A run's log as it lies on the disk."""
    return [json.loads(line) for line in (site.runner.folder / f"{run}.jsonl").read_text("utf-8").splitlines()]


def test_five_endpoints_are_public_and_no_other(site: Site) -> None:
    for path in ("/gradio_api/info", "/gradio_api/info?all_endpoints=true"):
        told = httpx.get(site.url + path).json()
        assert set(told["named_endpoints"]) == OFFERED
        assert told["unnamed_endpoints"] == {}


def test_they_are_typed_and_described(site: Site) -> None:
    told = httpx.get(f"{site.url}/gradio_api/info").json()["named_endpoints"]
    solve = {one["parameter_name"]: one for one in told["/solve"]["parameters"]}
    assert solve["samples"]["type"] == {"type": "integer"}
    assert solve["samples"]["parameter_default"] == 8
    assert solve["retrieval"]["type"] == {"enum": ["input", "kv", "both"]}
    assert [name for name, one in solve.items() if not one["parameter_has_default"]] == ["problem"]
    assert all(one["description"].endswith(".") for one in told.values())


def test_solving_tells_the_log_and_then_the_result(site: Site, client: Client) -> None:
    said = list(client.submit(EGGS, seed=7, api_name="/solve"))
    result = said.pop()
    run = result["run"]
    assert said == logged(site, run)
    assert {"run_started", "trace_chunk", "trace_finished", "decided", "run_finished"} <= {one["kind"] for one in said}
    document = json.loads(json.dumps(solve_json(view_of(read(site.runner.folder, run)[0]))))
    assert result == {"kind": "result", **document}
    assert (result["settings"]["seed"], result["status"], result["decision"]["answer"]) == (7, "done", "26")


def test_events_come_while_the_run_goes_on(site: Site, client: Client) -> None:
    job = client.submit(EGGS, api_name="/solve")
    first = next(iter(job))
    assert first["kind"] == "run_started"
    assert first["run"] in site.runner.live()
    assert job.result(timeout=60)["run"] == first["run"]


def test_text_as_it_is_written_can_be_left_out(client: Client) -> None:
    kinds = {one["kind"] for one in client.submit(EGGS, chunks=False, api_name="/solve")}
    assert "trace_chunk" not in kinds
    assert {"trace_finished", "result"} <= kinds


def test_learning_stores_a_memory_that_is_listed_and_retrieved(site: Site, client: Client, call: Call) -> None:
    said = list(client.submit(EGGS, **QUICK, api_name="/learn"))
    result = said.pop()
    assert said == logged(site, result["run"])
    assert (result["kind"], result["kept"], len(result["steps"])) == ("result", True, 2)
    kept = site.actions.store.get(result["memory"])
    assert (kept.problem, kept.settings["seed"]) == (EGGS, 5)
    assert [one["id"] for one in call("memories", limit=1)["memories"]] == [kept.id]
    found = call("retrieve", EGGS)
    assert found["used"] == kept.id
    assert found["model"] == {"id": kept.model.id, "weights_sha256": kept.model.weights_sha256}
    assert (found["retrieval"], found["threshold"]) == ("input", 0.6)
    assert found["matches"][0]["score"] == pytest.approx(1.0)
    assert call("retrieve", EGGS, threshold=1.0, n=1)["threshold"] == 1.0
    site.actions.store.delete([kept.id])


def test_a_run_that_a_program_starts_is_one_like_any_other(site: Site, call: Call) -> None:
    run = call("solve", EGGS)["run"]
    page = httpx.get(f"{site.url}/config").json()
    table = next(one for one in page["components"] if one["props"].get("elem_id") == "elm-history")["id"]
    number = next(one["id"] for one in page["dependencies"] if one["outputs"] == [table])
    shown = httpx.post(f"{site.url}/gradio_api/run/predict", json={"fn_index": number, "data": [], "session_hash": "x"})
    assert run in shown.text


def test_retrieving_counts_nothing_and_samples_nothing(site: Site, call: Call) -> None:
    fill(site.actions.store, [memory(number) for number in (1, 2, 3)])
    small = memory(1).model.weights_sha256
    before, runs = [site.actions.store.get(memory(n).id) for n in (1, 2)], sorted(site.runner.folder.iterdir())
    found = call("retrieve", memory(1).problem, 2, model="small")
    assert len(found["matches"]) == 2
    assert found["matches"][0]["id"] == memory(1).id
    assert found["matches"][0]["score"] >= found["matches"][1]["score"]
    assert call("retrieve", memory(1).problem, 2, model=small[:12]) == found
    assert [site.actions.store.get(memory(n).id) for n in (1, 2)] == before
    assert sorted(site.runner.folder.iterdir()) == runs
    with pytest.raises(AppError, match=r"several models\. Say which one is meant: small \(1d96.*\), tiny \("):
        call("retrieve", "Eggs?")
    with pytest.raises(AppError, match=r"not loaded\. Solve a problem with it first, or retrieve by input\."):
        call("retrieve", "Eggs?", retrieval="kv", model="small")
    site.actions.store.delete([memory(n).id for n in (1, 2, 3)])


def test_memories_come_by_the_page(site: Site, call: Call) -> None:
    fill(site.actions.store, [memory(number) for number in range(10, 22)])
    whole = site.actions.store.page(sort="problem", descending=False)
    page = call("memories", offset=4, limit=3, sort="problem", descending=False)
    assert (page["total"], page["offset"]) == (12, 4)
    assert [one["id"] for one in page["memories"]] == [row.id for row in whole.rows[4:7]]
    assert all(one["enabled"] for one in call("memories", enabled=True)["memories"])
    assert call("memories", enabled=True)["total"] + call("memories", enabled=False)["total"] == 12
    site.actions.store.delete([row.id for row in whole.rows])


def test_answers_and_traces_are_voted_on_as_by_the_command(call: Call) -> None:
    given = call("vote", ["1/2", None, "0.5", "3"])
    assert given["vote"]["answer"] == "1/2"
    assert (given["vote"]["agreement"], given["vote"]["abstained"]) == (0.5, 1)
    traces = ["So \\boxed{72}", {"text": "no", "answer": 72}, "I do not know"]
    lines = [json.dumps(one if isinstance(one, dict) else {"text": one}) for one in traces]
    assert call("vote", traces=traces) == json.loads(json.dumps(vote_traces(read_traces(lines))))
    assert call("vote", traces=traces)["vote"]["counts"] == [{"answer": "72", "count": 2, "traces": [0, 1]}]


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("solve", {"problem": "  "}, "There is no problem to solve. Type one, or choose an example."),
        ("solve", {"problem": 7}, "problem is 7. It must be a text."),
        ("solve", {"problem": "x", "samples": 0}, "samples is 0. It must be a whole number from 1 to 256."),
        ("solve", {"problem": "x", "samples": "many"}, "samples is 'many'. Input should be a valid integer"),
        ("solve", {"problem": "x", "retrieval": "luck"}, "retrieval is 'luck'. Input should be 'input', 'kv' or"),
        ("solve", {"problem": "fails"}, "Memory ran out with 64 samples. Lower the samples or the new tokens."),
        ("learn", {"problem": "x", "recipe": [1]}, "recipe is [1]. It must be a text."),
        ("learn", {"problem": "x", "steps": 0}, "steps is 0. It must be a whole number from 1 to 1000."),
        ("learn", {"problem": "x", "recipe": "distil", "reward": "entropy"}, "reward is 'entropy'. It must be"),
        ("retrieve", {"problem": "x", "n": 0}, "n is 0. It must be a whole number from 1 to 50."),
        ("retrieve", {"problem": ""}, "The problem is empty. Type a problem in words."),
        ("memories", {"limit": 1000}, "limit is 1000. It must be a whole number from 1 to 200."),
        ("memories", {"sort": "luck"}, "Memories cannot be sorted by 'luck'. Give one of created,"),
        ("memories", {"enabled": "yes"}, "enabled is 'yes'. It must be true or false."),
        ("vote", {}, "A vote needs either answers or traces. Give one of the two."),
        ("vote", {"answers": [[1]]}, "An answer is neither a text, a number nor null."),
        ("vote", {"answers": []}, "answers is no list of 1 to 256. Give so many answers at most."),
        ("vote", {"traces": ["x" * 50_001]}, "One of the traces has more than 50000 letters. Shorten it."),
        ("vote", {"traces": [{"answer": "7"}]}, '1 bad row: row 1: no "text". Each line must be'),
    ],
)
def test_a_mistake_is_told_in_a_sentence_with_its_remedy(call: Call, name: str, given: Any, told: str) -> None:
    with pytest.raises(AppError) as caught:
        call(name, **given)
    assert str(caught.value).startswith(told)


def test_what_the_disk_refuses_is_told_too(site: Site, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(site.actions.store, "page", full)
    with pytest.raises(AppError, match=r"^The disk refuses: No space left on device\. Free some room on the server\.$"):
        call("memories")


def test_whoever_cancels_stops_the_run(site: Site, client: Client) -> None:
    job = client.submit("a slow one", api_name="/solve")
    run = next(iter(job))["run"]
    job.cancel()
    assert site.runner.wait(run, 20)
    assert view_of(read(site.runner.folder, run)[0]).status == "stopped"


def test_whoever_hangs_up_stops_the_run(site: Site) -> None:
    event = httpx.post(f"{site.url}/gradio_api/call/v2/solve", json={"problem": "a slow one"}).json()["event_id"]
    with httpx.stream("GET", f"{site.url}/gradio_api/call/v2/solve/{event}", timeout=20) as answer:
        assert "run_started" in next(line for line in answer.iter_lines() if line.startswith("data: ["))
    run = site.runner.live()[-1]
    assert site.runner.wait(run, 20)
    assert view_of(read(site.runner.folder, run)[0]).status == "stopped"


def test_a_run_that_waits_is_told_so(site: Site, client: Client) -> None:
    first = client.submit("a slow one", api_name="/solve")
    assert next(iter(first))["kind"] == "run_started"
    other = Client(site.url, verbose=False, analytics_enabled=False)
    second = other.submit(EGGS, api_name="/solve")
    started, queued = next(second), next(second)
    assert (started["run"], queued["kind"], queued["ahead"]) == (site.runner.live()[1], "queued", 1)
    first.cancel()
    assert second.result(timeout=30)["status"] == "done"
    other.close()

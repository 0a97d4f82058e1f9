"""Search among many memories: how long it takes to open them and to find the nearest, and whether it is the nearest.

    python benchmarks/retrieval.py                         1,000, 10,000 and 100,000 memories, a table
    python benchmarks/retrieval.py --json                  one JSON document
    python benchmarks/retrieval.py --sizes 1000,10000

The stores are real ones, made by `Store.add_many` in batches: a folder for each memory, and Chroma. Only the tensors
are small (1 × 8), because no search looks at them. Keys are unit vectors of 384 numbers in clusters, as the embeddings
of problems are; queries are new points of the same clusters. Then a tenth of the memories, at least 2,000 where there
are so many, is deleted and as many new ones are stored. Each measurement is a process of its own:

    open      from before the package is imported until the first search has answered, in seconds; with files in the
              system's cache, because nobody but root can empty it
    hot       one search as retrieval does it: the 10 nearest of one model (half of all) that are offered (80%),
              embedding not included, with the problems' texts read from the folders
    all       as hot, among all memories, whatever their model
    filtered  as the Memories page may ask: of one model, offered, and improved (60%)
    page      50 rows by problem, of one model and improved; `page_first` is the first one, which reads all rows
    changed   as filtered, each search being the first one after a card was changed
    waited    as hot, each search being the first one after another process has changed a card: Chroma is opened anew
    kv        one search for the 10 nearest by KV keys of 512 numbers, of one model and offered
    exact     the peer: all keys in memory, every one compared (numpy, float32), filtered as `hot`
    recall    share of the true 10 nearest that were found, and how often the nearest was; truth is brute force in
              float64 over the keys
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent.parent / "tests")]

import numpy as np
from numpy.typing import NDArray

QUERIES, NEAREST, BATCH, CENTRES = 300, 10, 5000, 200
INPUT, KV = 384, 512
"""Numbers in the two keys; the second as for the default model."""
PROBLEM = "In a shop there are {n} crates with {n} eggs each, and every day a third of them is sold. " * 3


def unit(vectors: NDArray[Any]) -> NDArray[np.float32]:
    """Rows of length 1."""
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def points(count: int, seed: int, width: int = INPUT) -> NDArray[np.float32]:
    """(count, width) float32 points around the same centres, whatever the seed."""
    centres = np.random.default_rng(0).normal(size=(CENTRES, width))
    rng = np.random.default_rng(seed)
    found = [
        unit(centres[rng.integers(CENTRES, size=size)] + 0.8 * rng.normal(size=(size, width)))
        for size in (min(BATCH, count - start) for start in range(0, count, BATCH))
    ]
    return np.concatenate(found)


def traits(number: int) -> dict[str, bool]:
    """Model (the first of two?), enabled and improved of a memory: 50%, 80% and 60%, spread evenly."""
    return {"first": number % 2 == 0, "enabled": number % 5 != 0, "improved": number % 10 < 6}


def size_after(size: int) -> int:
    """How many are deleted, and how many are stored anew."""
    return min(size, max(size // 10, 2000)) if size > 2000 else size // 2


def keys(size: int, churned: bool, width: int = INPUT) -> tuple[list[int], NDArray[np.float32]]:
    """Numbers and keys of the memories that are there, before or after the deletions."""
    vectors = points(size, 1, width)
    if not churned:
        return list(range(size)), vectors
    gone = size_after(size)
    order = np.random.default_rng(2).permutation(size)
    left = np.sort(order[gone:])
    return [*left.tolist(), *range(size, size + gone)], np.concatenate([vectors[left], points(gone, 3, width)])


def memories(numbers: list[int], vectors: NDArray[np.float32], own: NDArray[np.float32]) -> Iterator[Any]:
    """Cards, tensors and keys for `Store.add_many`."""
    from store.made import MODEL, OTHER, card

    base, soft_prompt = card("x", virtual_tokens=1, hidden_size=8), np.ones((1, 8), np.float32)
    for number, vector, kv in zip(numbers, vectors, own, strict=True):
        has = traits(number)
        memory = replace(
            base,
            id=f"m{number:07}",
            problem=PROBLEM.format(n=number),
            model=MODEL if has["first"] else OTHER,
            enabled=has["enabled"],
            improved=has["improved"],
        )
        yield memory, soft_prompt, {"input": vector, "kv": kv}


def size_of(folder: Path) -> int:
    """Of all files below, in bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def build(folder: Path, size: int) -> dict[str, Any]:
    """Makes the store."""
    from elm_app.store.store import Store

    vectors, own = points(size, 1), points(size, 1, KV)
    store, began = Store(folder), time.perf_counter()
    for start in range(0, size, BATCH):
        numbers = list(range(start, min(size, start + BATCH)))
        store.add_many(memories(numbers, vectors[start : start + BATCH], own[start : start + BATCH]))
        told(f"{numbers[-1] + 1} of {size} stored")
    seconds = time.perf_counter() - began
    began = time.perf_counter()
    for number in range(20):
        store.add_many(memories([10**6 + number], points(1, 50 + number), points(1, 50 + number, KV)))
    one = (time.perf_counter() - began) / 20
    store.delete([f"m{10**6 + number:07}" for number in range(20)])
    store.close()
    return {"seconds": seconds, "add_ms": one * 1e3, "index_bytes": size_of(folder / "chroma")}


def churn(folder: Path, size: int) -> dict[str, Any]:
    """Deletes many, in small batches, and stores as many new ones."""
    from elm_app.store.store import Store

    before, after, own = keys(size, False)[0], keys(size, True), keys(size, True, KV)[1]
    store, began = Store(folder), time.perf_counter()
    gone = sorted(set(before) - set(after[0]))
    new = [place for place, number in enumerate(after[0]) if number >= size]
    for start in range(0, len(gone), 100):
        store.delete([f"m{number:07}" for number in gone[start : start + 100]])
        some = new[start : start + 100]
        store.add_many(memories([after[0][place] for place in some], after[1][some], own[some]))
    store.close()
    return {"deleted": len(gone), "stored": len(new), "seconds": time.perf_counter() - began}


def truth(numbers: list[int], vectors: NDArray[np.float32], fit: Callable[[int], bool]) -> list[list[str]]:
    """The ids of the nearest for each query, by brute force in float64."""
    places = np.array([place for place, number in enumerate(numbers) if fit(number)])
    ids = np.array([f"m{numbers[place]:07}" for place in places])
    wide = vectors[places].astype(np.float64)
    wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    found = []
    for query in points(QUERIES, 9, vectors.shape[1]).astype(np.float64):
        scores = wide @ (query / np.linalg.norm(query))
        best = np.argpartition(-scores, NEAREST)[: NEAREST * 2]
        found.append(ids[best[np.lexsort((ids[best], -scores[best]))][:NEAREST]].tolist())
    return found


def measured(
    search: Callable[[NDArray[np.float32]], list[str]], right: list[list[str]], width: int = INPUT
) -> dict[str, float]:
    """Milliseconds of each search, and how much of the truth was found."""
    times, hits, first = [], 0, 0
    for query, wanted in zip(points(QUERIES, 9, width), right, strict=True):
        began = time.perf_counter()
        found = search(query)
        times.append((time.perf_counter() - began) * 1e3)
        hits += len(set(found) & set(wanted))
        first += found[:1] == wanted[:1]
    p50, p95 = np.percentile(times, [50, 95])
    return {
        "p50_ms": float(p50),
        "p95_ms": float(p95),
        "max_ms": max(times),
        "recall": hits / (NEAREST * len(right)),
        "nearest_found": first / len(right),
    }


def peak() -> int:
    """The largest resident set of this process, in bytes; mapped files count."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if platform.system() == "Darwin" else 1024)


def offered(number: int) -> bool:
    """Whether the hot path may find it."""
    return traits(number)["first"] and traits(number)["enabled"]


def ours(folder: Path, size: int, churned: bool) -> dict[str, Any]:
    """Opens the store, searches."""
    query, began = points(1, 7)[0], time.perf_counter()
    from elm_app.store.store import Store

    store = Store(folder)
    store.nearest(query, NEAREST)
    opened = time.perf_counter() - began
    memory = peak()
    from store.made import MODEL

    sha = MODEL.weights_sha256

    def hot(vector: NDArray[np.float32]) -> list[str]:
        return [match.id for match in store.nearest(vector, NEAREST, model=sha, enabled=True)]

    def plain(vector: NDArray[np.float32]) -> list[str]:
        return [match.id for match in store.nearest(vector, NEAREST)]

    def filtered(vector: NDArray[np.float32]) -> list[str]:
        return [match.id for match in store.nearest(vector, NEAREST, model=sha, enabled=True, improved=True)]

    def by_kv(vector: NDArray[np.float32]) -> list[str]:
        return [match.id for match in store.nearest_kv(vector, NEAREST, model=sha, enabled=True)]

    numbers, vectors = keys(size, churned)
    report: dict[str, Any] = {"open_seconds": opened, "peak_bytes": memory}
    began = time.perf_counter()
    page = store.page(sort="problem", limit=50, model=sha, improved=True)
    report["page_first_ms"] = (time.perf_counter() - began) * 1e3
    assert page.total == sum(traits(n)["first"] and traits(n)["improved"] for n in numbers)
    assert store.count() == len(numbers)
    report["page"] = quantiles(lambda: store.page(sort="problem", limit=50, model=sha, improved=True), 40)
    right = truth(numbers, vectors, offered)
    report["hot"] = measured(hot, right)
    report["all"] = measured(plain, truth(numbers, vectors, lambda _: True))
    report["filtered"] = measured(filtered, truth(numbers, vectors, lambda n: offered(n) and traits(n)["improved"]))
    report["kv"] = measured(by_kv, truth(numbers, keys(size, churned, KV)[1], offered), KV)
    queries = iter(points(200, 9))
    id, other = f"m{numbers[-1]:07}", Store(folder)
    changes = {
        "changed": (lambda: store.count_retrieval(id), lambda: filtered(next(queries))),
        "waited": (lambda: (other.count_retrieval(id), other.close()), lambda: hot(next(queries))),
    }
    for name, (before, search) in changes.items():
        report[name] = quantiles(search, 40, before)
    store.close()
    return report


def quantiles(work: Callable[[], object], times: int, before: Callable[[], object] = lambda: None) -> dict[str, float]:
    """Milliseconds of some work, half of the times and nearly all."""
    taken = []
    for _ in range(times):
        before()
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1e3)
    return {"p50_ms": float(np.percentile(taken, 50)), "p95_ms": float(np.percentile(taken, 95))}


def exact(size: int, churned: bool) -> dict[str, Any]:
    """The same question, with all keys in memory; nothing is opened."""
    numbers, vectors = keys(size, churned)
    fit = np.array([offered(number) for number in numbers])
    ids = np.array([f"m{number:07}" for number in numbers])

    def hot(vector: NDArray[np.float32]) -> list[str]:
        places = np.flatnonzero(fit)
        scores = (vectors @ vector)[places]
        best = np.argpartition(-scores, NEAREST)[:NEAREST]
        return [str(ids[places[one]]) for one in best[np.argsort(-scores[best])]]

    return {"hot": measured(hot, truth(numbers, vectors, offered))}


def told(text: str) -> None:
    """Tells how far it is, on stderr."""
    print(text, file=sys.stderr, flush=True)


def apart(what: str, folder: Path, size: int, churned: bool = False) -> dict[str, Any]:
    """Runs one part in a process of its own."""
    command = [sys.executable, __file__, "--worker", what, "--folder", str(folder), "--sizes", str(size)]
    done = subprocess.run(
        [*command, *(["--churned"] if churned else [])], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{what} failed for {size} memories")
    told(f"{size} memories: {what} done")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def work(options: argparse.Namespace) -> dict[str, Any]:
    """What one process does."""
    size = int(options.sizes)
    match options.worker:
        case "build":
            return build(options.folder, size)
        case "churn":
            return churn(options.folder, size)
        case "ours":
            return ours(options.folder, size, options.churned)
        case _:
            return exact(size, options.churned)


def measure(size: int, store: Path) -> dict[str, Any]:
    """All parts for one size."""
    report: dict[str, Any] = {"memories": size, "build": apart("build", store, size)}
    report["fresh"] = {name: apart(name, store, size) for name in ("ours", "exact")}
    report["churn"] = apart("churn", store, size)
    report["churned"] = {name: apart(name, store, size, churned=True) for name in ("ours", "exact")}
    return report


def table(reports: list[dict[str, Any]]) -> None:
    """The reports for people."""
    columns = ("hot", "all", "filtered", "kv", "changed", "waited", "page")
    print(f"{'p50 / p95 in ms':<26}" + "".join(f"{name:>15}" for name in (*columns, "exact")))
    for report in reports:
        for state in ("fresh", "churned"):
            mine, peer = report[state]["ours"], report[state]["exact"]["hot"]
            cells = [f"{mine[name]['p50_ms']:.1f} / {mine[name]['p95_ms']:.1f}" for name in columns]
            cells.append(f"{peer['p50_ms']:.1f} / {peer['p95_ms']:.1f}")
            print(f"{report['memories']:>9,} {state:<16}" + "".join(f"{cell:>15}" for cell in cells))
            found = ", ".join(
                f"{name} {mine[name]['nearest_found']:.2%} (of ten {mine[name]['recall']:.2%})"
                for name in ("hot", "all", "filtered", "kv")
            )
            print(
                f"{'':<10}nearest found: {found}; open and first search {mine['open_seconds']:.2f} s, first page "
                f"{mine['page_first_ms']:.0f} ms, {mine['peak_bytes'] / 2**20:.0f} MiB"
            )
        made, changed = report["build"], report["churn"]
        print(
            f"{'':<10}stored in {made['seconds']:.1f} s, one more in {made['add_ms']:.0f} ms, index "
            f"{made['index_bytes'] / 2**20:.0f} MiB; {changed['deleted']:,} deleted and {changed['stored']:,} stored "
            f"in {changed['seconds']:.1f} s"
        )


def main() -> None:
    """Measure, then print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000,10000,100000", help="numbers of memories (default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="where the stores are made and removed (default: the system's)")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--churned", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(work(options)))
        return
    folder = Path(tempfile.mkdtemp(prefix="elm-retrieval-", dir=options.folder))
    try:
        reports = [measure(int(size), folder / size) for size in options.sizes.split(",")]
        document = {"queries": QUERIES, "nearest": NEAREST, "sizes": reports}
        print(json.dumps(document, indent=2), flush=True) if options.json else table(reports)
    finally:
        told("removing the stores")  # hundreds of thousands of files
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()

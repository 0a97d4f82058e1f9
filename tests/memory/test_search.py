"""Search is exact, whatever was added, deleted and replaced before; retrieval says why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from elm_app.errors import BadInput, DamagedMemory
from elm_app.memory.doctor import examine
from elm_app.memory.projection import plane
from elm_app.memory.record import records_of
from elm_app.memory.retriever import THRESHOLD, chosen, retrieve
from elm_app.memory.rows import Row, row_of
from elm_app.memory.store import Store
from elm_app.memory.table import Table

from .made import MODEL, OTHER, card, key, tensor

SHA, OTHER_SHA = MODEL.weights_sha256, OTHER.weights_sha256


def unit(vectors: NDArray[Any]) -> NDArray[np.float32]:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def brute(vectors: dict[str, NDArray[np.float32]], wanted: NDArray[Any], n: int) -> list[str]:
    """The n nearest by cosine in float64, one by one, ties by the lower id."""
    target = wanted.astype(np.float64)

    def cosine(id: str) -> float:
        one = vectors[id].astype(np.float64)
        return float((one * target).sum() / np.sqrt((one * one).sum()) / np.sqrt((target * target).sum()))

    return sorted(vectors, key=lambda id: (-round(cosine(id), 12), id))[:n]


class TestExactness:
    def test_after_thousands_of_deletes_and_replacements(self, tmp_path: Path) -> None:
        """The table alone: 3,000 memories in clusters, 6,000 deleted or replaced, against brute force."""
        rng = np.random.default_rng(3)
        centres = rng.normal(size=(20, 384))
        base, table = row_of(card("x")), Table(tmp_path / "vectors.table")
        truth: dict[str, tuple[Row, NDArray[np.float32]]] = {}

        def put(ids: list[str]) -> None:
            rows, vectors = [], []
            for id in ids:
                row = replace(
                    base,
                    id=id,
                    enabled=bool(rng.random() < 0.7),
                    improved=bool(rng.random() < 0.5),
                    model_sha256=SHA if rng.random() < 0.8 else OTHER_SHA,
                )
                vector = unit(centres[rng.integers(20)] + 0.5 * rng.normal(size=384))
                truth[id] = (row, vector)
                rows.append(row)
                vectors.append(vector)
            table.put(rows, vectors)

        put([f"m{n:05}" for n in range(3000)])
        for step in range(60):
            some = [str(id) for id in rng.choice(sorted(truth), 50, replace=False)]
            table.remove(some)
            for id in some:
                del truth[id]
            put([str(id) for id in rng.choice(sorted(truth), 50, replace=False)])
            put([f"n{step:03}-{n}" for n in range(50)])
        assert len(truth) == 3000
        assert np.count_nonzero(table.records()["live"]) == 3000
        filters: list[dict[str, Any]] = [
            {"model": None, "enabled": None, "improved": None},
            {"model": SHA, "enabled": True, "improved": None},
            {"model": OTHER_SHA, "enabled": False, "improved": True},
        ]
        for wanted in unit(centres + 0.5 * rng.normal(size=(20, 384))):
            for one in filters:
                fit = {
                    id: vector
                    for id, (row, vector) in truth.items()
                    if (one["model"] in (None, row.model_sha256))
                    and (one["enabled"] in (None, row.enabled))
                    and (one["improved"] in (None, row.improved))
                }
                assert [id for id, _ in table.nearest(wanted, 10, **one)] == brute(fit, wanted, 10)

    def test_the_store_as_a_whole(self, store: Store) -> None:
        """Folders, Chroma and table through hundreds of changes, with brute force after each."""
        rng, truth, number = np.random.default_rng(5), {}, 0
        for _ in range(12):
            items = []
            for _ in range(30):
                number += 1
                truth[f"m{number}"] = key(number)
                items.append((card(f"m{number}"), tensor(number), {"input": key(number)}))
            store.add_many(items)
            gone = [str(id) for id in rng.choice(sorted(truth), 20, replace=False)]
            store.delete(gone)
            for id in gone:
                del truth[id]
            back = gone[0]
            truth[back] = key(1000 + number)
            store.add(card(back), tensor(), truth[back])
            wanted = unit(sum(truth[id] for id in sorted(truth)[:3]) + 0.01 * key(number))
            assert [match.id for match in store.nearest(wanted, 7)] == brute(truth, wanted, 7)
        assert store.index.ids() == sorted(truth)
        assert examine(store) == []

    def test_ties_go_to_the_lower_id(self, store: Store) -> None:
        for id in ("c", "a", "d", "b"):
            store.add(card(id), tensor(), key(1))
        assert [match.id for match in store.nearest(key(1), 3)] == ["a", "b", "c"]
        assert len({match.score for match in store.nearest(key(2), 4)}) == 1

    def test_a_difference_that_float32_cannot_see_decides(self, tmp_path: Path) -> None:
        """Two vectors whose float32 scores are equal or swapped are put in the order of the exact ones."""
        rng, table = np.random.default_rng(1), Table(tmp_path / "t")
        wanted = unit(rng.normal(size=384))
        near = {f"m{n:03}": unit(wanted + 1e-4 * rng.normal(size=384)) for n in range(300)}
        base = row_of(card("x"))
        table.put([replace(base, id=id) for id in near], list(near.values()))
        found = table.nearest(wanted, 300, None, None, None)
        scores = [score for _, score in found]
        assert scores == sorted(scores, reverse=True)
        rough = [float(near[id] @ wanted) for id, _ in found]
        assert rough != sorted(rough, reverse=True)

    def test_fewer_than_asked_for(self, store: Store) -> None:
        store.add(card("a"), tensor(), key(1))
        assert len(store.nearest(key(1), 5)) == 1
        assert store.nearest(key(1), 5, enabled=False) == []
        assert store.nearest(key(1), 0) == []

    @pytest.mark.parametrize("bad", [key()[:10], key() * 0, key() * np.nan, np.zeros((2, 384))])
    def test_a_key_that_is_none_is_refused(self, store: Store, bad: Any) -> None:
        with pytest.raises(BadInput, match="not a vector of 384"):
            store.nearest(bad, 1)

    def test_dead_records_are_cleared_away_and_readers_go_on(self, tmp_path: Path) -> None:
        base = row_of(card("x"))
        table, reader = Table(tmp_path / "t"), Table(tmp_path / "t")
        rows = [replace(base, id=f"m{n:04}") for n in range(3000)]
        table.put(rows, [key(n) for n in range(3000)])
        before = reader.records()
        table.remove([row.id for row in rows[:2500]])
        assert len(reader.records()) == 500
        assert len(before) == 3000
        assert reader.nearest(key(2700), 1, None, None, None)[0][0] == "m2700"
        assert reader.nearest(key(7), 500, None, None, None)[-1][1] < 0.9

    def test_a_record_cut_short_is_not_there_and_is_written_over(self, tmp_path: Path) -> None:
        base, table = row_of(card("x")), Table(tmp_path / "t")
        table.put([replace(base, id="a")], [key(1)])
        with (tmp_path / "t").open("ab") as file:
            file.write(records_of([replace(base, id="b")], [key(2)]).tobytes()[:700])
        assert len(table.records()) == 1
        table.put([replace(base, id="c")], [key(3)])
        assert [id for id, _ in table.nearest(key(3), 5, None, None, None)] == ["c", "a"]


class TestRetriever:
    @pytest.fixture
    def filled(self, store: Store) -> Store:
        store.add(card("near"), tensor(1), key(1))
        store.add(card("far"), tensor(2), unit(key(1) + 1.5 * key(2)))
        store.add(card("off", enabled=False), tensor(3), key(1))
        store.add(card("theirs", model=OTHER), tensor(4), key(1))
        return store

    def test_the_nearest_enabled_one_of_this_model_is_used(self, filled: Store) -> None:
        found = retrieve(filled, key(1), MODEL)
        assert [match.id for match in found.matches] == ["near", "far"]
        assert (found.used, found.threshold) == ("near", THRESHOLD)
        assert found.matches[0].problem == filled.get("near").problem
        assert found.reason == "The nearest memory, at 1.00."
        assert retrieve(filled, key(1), OTHER).used == "theirs"
        assert len(retrieve(filled, key(1), MODEL, n=1).matches) == 1

    def test_one_below_the_threshold_is_shown_and_not_used(self, filled: Store) -> None:
        found = retrieve(filled, key(9), MODEL)
        assert len(found.matches) == 2
        assert found.used is None
        assert "below the threshold of 0.60" in found.reason
        assert retrieve(filled, key(9), MODEL, threshold=-1).used == found.matches[0].id

    def test_without_memories_it_says_so(self, filled: Store) -> None:
        assert retrieve(filled, key(1), replace(MODEL, id="base", weights_sha256="e" * 64)).reason == (
            "There is no memory for base yet."
        )

    def test_a_given_one_is_used_far_or_disabled(self, filled: Store) -> None:
        far = chosen(filled, key(1), "far", MODEL)
        assert (far.used, far.reason) == ("far", "This memory was asked for.")
        off = chosen(filled, key(1), "off", MODEL, n=1)
        assert (off.used, [match.id for match in off.matches]) == ("off", ["near", "off"])
        assert off.matches[1].score == pytest.approx(1)
        assert "though it is disabled" in off.reason

    def test_a_given_one_must_exist_fit_and_be_whole(self, filled: Store) -> None:
        with pytest.raises(BadInput, match="no memory 'nope'"):
            chosen(filled, key(1), "nope", MODEL)
        with pytest.raises(BadInput, match="theirs was made for tiny"):
            chosen(filled, key(1), "theirs", MODEL)
        (filled.adapters / "near" / "adapter_model.safetensors").write_bytes(b"")
        with pytest.raises(DamagedMemory, match="Memory near"):
            chosen(filled, key(1), "near", MODEL)


class TestMap:
    def test_points_are_where_the_widest_directions_put_them(self) -> None:
        rng = np.random.default_rng(0)
        flat = rng.normal(size=(50, 2)) * [3, 1]
        turned = np.linalg.qr(rng.normal(size=(384, 384)))[0][:2]
        made = plane(flat @ turned + 5)
        points = made.place(flat @ turned + 5)
        assert points.shape == (50, 2)
        assert points.dtype == np.float32
        assert np.abs(points).max() == pytest.approx(1)
        spread = np.linalg.norm(flat - flat.mean(0), axis=1)
        assert np.corrcoef(spread, np.linalg.norm(points, axis=1))[0, 1] > 1 - 1e-6

    def test_the_same_vectors_in_another_order_give_the_same_map(self) -> None:
        vectors = np.stack([key(n) for n in range(40)])
        assert np.allclose(plane(vectors).place(vectors), plane(vectors[::-1]).place(vectors), atol=1e-6)

    def test_a_new_vector_finds_its_place(self) -> None:
        vectors = np.stack([key(n) for n in range(40)])
        made = plane(vectors)
        assert np.allclose(made.place(vectors[3:4]), made.place(vectors)[3], atol=1e-7)
        assert np.abs(made.place(vectors[3:4] * 100)).max() <= 1

    @pytest.mark.parametrize("count", [0, 1, 2])
    def test_few_vectors_are_no_trouble(self, count: int) -> None:
        vectors = np.stack([key(n) for n in range(3)])[:count]
        points = plane(vectors).place(np.stack([key(7)]))
        assert np.isfinite(points).all()
        if count == 1:
            assert plane(vectors).place(vectors).tolist() == [[0, 0]]
        if count == 2:
            assert plane(vectors).place(vectors)[:, 1].tolist() == [0, 0]

    def test_equal_vectors_lie_on_one_point(self) -> None:
        assert plane(np.stack([key(1)] * 5)).place(np.stack([key(1)])).tolist() == [[0, 0]]

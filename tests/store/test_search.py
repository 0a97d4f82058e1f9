"""Search finds the nearest, whatever was added, deleted and replaced before; retrieval says why."""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from elm_app.core.config import RouteSettings
from elm_app.core.errors import BadInput, DamagedMemory
from elm_app.core.events import Retrieved
from elm_app.core.types import Credit, ModelInfo
from elm_app.retrieval.retriever import THRESHOLDS, chosen, retrieve
from elm_app.store.chroma_index import Index
from elm_app.store.chroma_place import Folder
from elm_app.store.doctor import examine
from elm_app.store.journal import Intent
from elm_app.store.memory_folder import KEYS, pack_keys
from elm_app.store.row import Row, row_of
from elm_app.store.store import Store
from elm_app.web.components.pca import plane

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
    @pytest.mark.slow
    def test_after_thousands_of_deletes_and_replacements(self, tmp_path: Path) -> None:
        """The index alone: 1,000 memories in clusters, 2,000 deleted or replaced, against brute force."""
        rng = np.random.default_rng(3)
        centres = rng.normal(size=(20, 384))
        base, index = row_of(card("x")), Index(Folder(tmp_path))
        truth: dict[str, tuple[Row, NDArray[np.float32]]] = {}

        def put(ids: list[str]) -> None:
            items = []
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
                items.append((row, {"input": vector}))
            index.remove(ids)
            index.put(items)

        put([f"m{n:05}" for n in range(1000)])
        for step in range(20):
            some = [str(id) for id in rng.choice(sorted(truth), 50, replace=False)]
            index.remove(some)
            for id in some:
                del truth[id]
            put([str(id) for id in rng.choice(sorted(truth), 50, replace=False)])
            put([f"n{step:03}-{n}" for n in range(50)])
        assert len(truth) == 1000
        assert set(index.rows()) == set(truth)
        assert index.entries() == 1000
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
                improved = one["improved"]
                fits = None if improved is None else lambda row, improved=improved: row.improved == improved
                found = index.nearest("input", wanted, 10, one["model"], one["enabled"], fits)
                assert [id for id, _ in found] == brute(fit, wanted, 10)
        index.close()

    def test_the_store_as_a_whole(self, store: Store) -> None:
        """Folders and Chroma through hundreds of changes, with brute force after each."""
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
        assert sorted(store.index.rows()) == sorted(truth)
        assert examine(store) == []

    def test_ties_go_to_the_lower_id(self, store: Store) -> None:
        for id in ("c", "a", "d", "b"):
            store.add(card(id), tensor(), key(1))
        assert [match.id for match in store.nearest(key(1), 3)] == ["a", "b", "c"]
        assert len({match.score for match in store.nearest(key(2), 4)}) == 1

    def test_a_difference_that_float32_cannot_see_decides(self, tmp_path: Path) -> None:
        """Two vectors whose float32 scores are equal or swapped are put in the order of the exact ones."""
        rng, index = np.random.default_rng(1), Index(Folder(tmp_path))
        wanted = unit(rng.normal(size=384))
        near = {f"m{n:03}": unit(wanted + 1e-4 * rng.normal(size=384)) for n in range(300)}
        base = row_of(card("x"))
        index.put([(replace(base, id=id), {"input": vector}) for id, vector in near.items()])
        found = index.nearest("input", wanted, 300, None, None)
        assert [id for id, _ in found] == brute(near, wanted, 300)
        rough = [float(near[id] @ wanted) for id, _ in found]
        assert rough != sorted(rough, reverse=True)
        index.close()

    def test_one_whose_card_cannot_be_read_says_so_and_one_that_is_gone_is_left_out(self, store: Store) -> None:
        for number, id in enumerate(["whole", "cut", "other", "empty", "newer", "gone"]):
            store.add(card(id), tensor(), key(number))
        path = {id: store.adapters / id / "card.json" for id in ("whole", "cut", "other", "empty", "newer")}
        text = path["whole"].read_text()
        path["cut"].write_bytes(path["cut"].read_bytes()[:-10])
        path["other"].write_text(text)
        path["empty"].write_text(path["empty"].read_text().replace(store.get("empty").problem, " "))
        path["newer"].write_text(path["newer"].read_text().replace(store.get("newer").problem, "\\ud800"))
        shutil.rmtree(store.adapters / "gone")
        found = {match.id: match.problem for match in store.nearest(key(0), 9)}
        unreadable = dict.fromkeys(["cut", "other", "empty", "newer"], "(its card cannot be read)")
        assert found == {"whole": card("whole").problem, **unreadable}

    def test_fewer_than_asked_for(self, store: Store) -> None:
        store.add(card("a"), tensor(), key(1))
        assert len(store.nearest(key(1), 5)) == 1
        assert store.nearest(key(1), 5, enabled=False) == []
        assert store.nearest(key(1), 0) == []

    def test_what_all_have_left_is_empty_and_nothing_is_made_anew(self, store: Store) -> None:
        store.add_many([(card("a"), tensor(), {"input": key(1), "kv": kv(1)})])
        store.change("a", enabled=False)
        assert store.nearest(key(1), 5, enabled=True) == store.nearest(key(1), 5, model=SHA, enabled=True) == []
        assert store.nearest_kv(kv(1), 5, model=SHA, enabled=True) == []
        assert store.vectors(enabled=True)[0] == []
        store.delete(["a"])
        assert (store.vectors()[0], store.nearest(key(1), 5), store.count()) == ([], [], 0)
        assert store.cleaned == ()
        assert examine(store) == []

    @pytest.mark.parametrize("bad", [key()[:10], key() * 0, key() * np.nan, np.zeros((2, 384))])
    def test_a_key_that_is_none_is_refused(self, store: Store, bad: Any) -> None:
        with pytest.raises(BadInput, match="not a vector of 384"):
            store.nearest(bad, 1)

    def test_a_filter_that_few_fit_is_asked_for_until_they_are_found(self, store: Store) -> None:
        """The 500 nearest do not fit, the 3 that do are found all the same."""
        near = [
            (card(f"n{n:03}", improved=False), tensor(), {"input": unit(key(1) + 0.01 * key(n))}) for n in range(500)
        ]
        far = [(card(f"f{n}"), tensor(), {"input": key(900 + n)}) for n in range(3)]
        store.add_many([*near, *far])
        assert {match.id for match in store.nearest(key(1), 3, improved=True)} == {"f0", "f1", "f2"}
        assert len(store.nearest(key(1), 5, improved=True)) == 3

    def test_collections_are_by_model_key_and_state(self, store: Store) -> None:
        on, off = (card("on"), {"input": key(1), "kv": kv(1)}), (card("off", enabled=False), {"input": key(2)})
        store.add_many((memory, tensor(), keys) for memory, keys in (on, off))
        names = {f"model-{SHA}.input384.on", f"model-{SHA}.kv24.on", f"model-{SHA}.input384.off"}
        assert set(store.index._collections) == names
        store.change("on", enabled=False)
        assert store.nearest(key(1), 1, enabled=True) == store.nearest_kv(kv(1), 1, model=SHA, enabled=True) == []
        assert store.nearest_kv(kv(1), 1, model=SHA, enabled=False)[0].id == "on"
        assert store.index.entries() == 2
        assert examine(store) == []


def kv(seed: int) -> NDArray[np.float32]:
    return unit(np.random.default_rng(100 + seed).normal(size=24))


class TestKv:
    """The second key, in collections of its own."""

    def fill(self, store: Store, count: int = 60) -> dict[str, NDArray[np.float32]]:
        items = [(card(f"m{n:03}"), tensor(n), {"input": key(n), "kv": kv(n)}) for n in range(count)]
        store.add_many(items)
        return {memory.id: keys["kv"] for memory, _, keys in items}

    def test_search_is_exact_after_deletes_additions_and_changes(self, store: Store) -> None:
        truth = self.fill(store)
        store.delete([f"m{n:03}" for n in range(0, 40, 2)])
        store.add_many([(card(f"n{n}"), tensor(n), {"input": key(n), "kv": kv(200 + n)}) for n in range(9)])
        truth = {id: vector for id, vector in truth.items() if (store.adapters / id).exists()}
        truth |= {f"n{n}": kv(200 + n) for n in range(9)}
        store.change("n3", label="changed")
        for seed in range(20):
            wanted = kv(300 + seed)
            found = store.nearest_kv(wanted, 7, model=SHA)
            assert [match.id for match in found] == brute(truth, wanted, 7)
            assert found[0].score == pytest.approx(float(truth[found[0].id] @ wanted), abs=1e-6)

    def test_it_is_asked_for_by_model_and_enabled(self, store: Store) -> None:
        for id, changes in {"on": {}, "off": {"enabled": False}, "theirs": {"model": OTHER}}.items():
            store.add_many([(card(id, **changes), tensor(1), {"input": key(1), "kv": kv(1)})])
        assert [match.id for match in store.nearest_kv(kv(1), 5, model=SHA, enabled=True)] == ["on"]
        assert {match.id for match in store.nearest_kv(kv(1), 5, model=SHA)} == {"on", "off"}
        assert [match.id for match in store.nearest_kv(kv(1), 5, model=OTHER_SHA)] == ["theirs"]

    def test_those_that_lack_one_are_named_and_given_one(self, store: Store) -> None:
        store.add(card("bare"), tensor(1), key(1))
        store.add_many([(card("short"), tensor(1), {"input": key(1), "kv": unit(np.ones(5))})])
        store.add_many([(card("has"), tensor(1), {"input": key(1), "kv": kv(1)})])
        assert store.missing_kv(SHA, 24) == ["bare", "short"]
        assert [match.id for match in store.nearest_kv(kv(1), 5, model=SHA)] == ["has"]
        store.set_keys("kv", {"bare": kv(2), "short": 3 * kv(3), "gone": kv(4)})
        assert store.missing_kv(SHA, 24) == []
        assert store.nearest_kv(kv(3), 1, model=SHA)[0].id == "short"
        assert store.keys("bare")["kv"] == pytest.approx(kv(2))
        assert store.keys("bare")["input"] == pytest.approx(key(1))
        assert examine(store) == []
        assert Store(store.folder).nearest_kv(kv(2), 1, model=SHA)[0].id == "bare"

    def test_a_key_that_is_replaced_is_found_as_it_is_now(self, store: Store) -> None:
        self.fill(store, 3)
        assert store.nearest_kv(kv(1), 1, model=SHA)[0].id == "m001"
        store.set_keys("kv", {"m000": kv(1), "m001": kv(0)})
        assert store.nearest_kv(kv(1), 1, model=SHA)[0].id == "m000"

    def test_another_reader_sees_what_is_added_later(self, store: Store) -> None:
        reader = Store(store.folder)
        assert reader.nearest_kv(kv(1), 1, model=SHA) == []
        self.fill(store, 2)
        assert reader.nearest_kv(kv(1), 1, model=SHA)[0].id == "m001"

    def test_another_reader_sees_a_key_that_is_replaced(self, store: Store) -> None:
        self.fill(store, 3)
        reader = Store(store.folder)
        assert reader.nearest_kv(kv(1), 1, model=SHA)[0].id == "m001"
        store.set_keys("kv", {"m000": kv(1), "m001": kv(0)})
        assert reader.nearest_kv(kv(1), 1, model=SHA)[0].id == "m000"
        store.set_keys("kv", {"m002": unit(np.ones(5))})
        assert reader.missing_kv(SHA, 24) == ["m002"]

    def test_another_reader_sees_a_key_that_was_being_replaced_at_a_kill(self, store: Store) -> None:
        self.fill(store, 3)
        reader = Store(store.folder)
        assert reader.nearest_kv(kv(8), 1, model=SHA)[0].score < 0.9
        store.journal.begin(Intent("change", ("m001",)))
        (store.adapters / "m001" / KEYS).write_bytes(pack_keys("m001", {"input": key(1), "kv": kv(8)}))
        store.close()
        assert Store(store.folder).cleaned == ("Finished changing memory m001.",)
        (found,) = reader.nearest_kv(kv(8), 1, model=SHA)
        assert (found.id, found.score) == ("m001", pytest.approx(1))

    def test_two_models_have_keys_of_their_own_width(self, store: Store) -> None:
        wide = unit(np.random.default_rng(5).normal(size=4096))
        self.fill(store, 3)
        store.add_many([(card("wide", model=OTHER), tensor(1), {"input": key(1), "kv": wide})])
        assert [match.id for match in store.nearest_kv(wide, 5, model=OTHER_SHA)] == ["wide"]
        assert len(store.nearest_kv(kv(1), 5, model=SHA)) == 3
        assert store.nearest_kv(wide, 5, model=SHA) == []
        assert store.missing_kv(OTHER_SHA, 24) == ["wide"]

    def test_bad_keys(self, store: Store) -> None:
        store.add(card("m"), tensor(1), key(1))
        with pytest.raises(BadInput, match="'input' of a memory cannot be changed"):
            store.set_keys("input", {"m": key(2)})
        with pytest.raises(DamagedMemory, match="NaN"):
            store.set_keys("kv", {"m": np.full(24, np.nan, np.float32)})
        with pytest.raises(BadInput, match="finite"):
            store.nearest_kv(np.full(24, np.nan, np.float32), 1, model=SHA)
        assert store.missing_kv(SHA, 24) == ["m"]
        (store.adapters / "m" / "keys.safetensors").write_bytes(b"")
        store.set_keys("kv", {"m": kv(1)})
        assert store.nearest_kv(kv(1), 1, model=SHA) == []


class TestRetriever:
    @pytest.fixture
    def filled(self, store: Store) -> Store:
        store.add(card("near"), tensor(1), key(1))
        store.add(card("far"), tensor(2), unit(key(1) + 1.5 * key(2)))
        store.add(card("off", enabled=False), tensor(3), key(1))
        store.add(card("theirs", model=OTHER), tensor(4), key(1))
        return store

    def found(self, store: Store, seed: int, model: ModelInfo = MODEL, n: int = 5, **settings: Any) -> Retrieved:
        return retrieve(store, {"input": key(seed), "kv": kv(seed)}, model, RouteSettings(**settings), n)

    def given(self, store: Store, seed: int, id: str, n: int = 5, **settings: Any) -> Retrieved:
        return chosen(store, {"input": key(seed), "kv": kv(seed)}, id, MODEL, RouteSettings(**settings), n)

    def test_the_nearest_enabled_one_of_this_model_is_used(self, filled: Store) -> None:
        found = self.found(filled, 1)
        assert [match.id for match in found.matches] == ["near", "far"]
        assert (found.used, found.threshold, found.retrieval) == ("near", THRESHOLDS["input"], "input")
        assert found.matches[0].problem == filled.get("near").problem
        assert found.reason == "The nearest memory, at 1.00."
        assert self.found(filled, 1, OTHER).used == "theirs"
        assert len(self.found(filled, 1, n=1).matches) == 1

    def test_one_below_the_threshold_is_shown_and_not_used(self, filled: Store) -> None:
        found = self.found(filled, 9)
        assert len(found.matches) == 2
        assert found.used is None
        assert "below the threshold of 0.60" in found.reason

    def test_without_memories_it_says_so(self, filled: Store) -> None:
        assert self.found(filled, 1, replace(MODEL, id="base", weights_sha256="e" * 64)).reason == (
            "There is no memory for base yet."
        )

    def test_a_given_one_is_used_far_or_disabled(self, filled: Store) -> None:
        far = self.given(filled, 1, "far")
        assert (far.used, far.reason) == ("far", "This memory was asked for.")
        off = self.given(filled, 1, "off", n=1)
        assert (off.used, [match.id for match in off.matches]) == ("off", ["near", "off"])
        assert off.matches[1].score == pytest.approx(1)
        assert "though it is disabled" in off.reason

    def test_a_given_one_must_exist_fit_and_be_whole(self, filled: Store) -> None:
        with pytest.raises(BadInput, match="no memory 'nope'"):
            self.given(filled, 1, "nope")
        with pytest.raises(BadInput, match="theirs was made for tiny"):
            self.given(filled, 1, "theirs")
        (filled.adapters / "near" / "adapter_model.safetensors").write_bytes(b"")
        with pytest.raises(DamagedMemory, match="Memory near"):
            self.given(filled, 1, "near")
        (filled.adapters / "far" / "keys.safetensors").write_bytes(b"")
        with pytest.raises(DamagedMemory, match=r"Memory far.*keys\.safetensors"):
            self.given(filled, 1, "far")

    @pytest.fixture
    def crossed(self, store: Store) -> Store:
        """By input `one` is the nearest of problem 1, by KV `two`, by both `three`."""
        keys = {"one": (1, 7), "two": (8, 1)}
        for id, (by_input, by_kv) in keys.items():
            store.add_many([(card(id), tensor(1), {"input": key(by_input), "kv": kv(by_kv)})])
        mixed = {"input": unit(key(1) + 0.5 * key(8)), "kv": unit(kv(1) + 0.5 * kv(7))}
        store.add_many([(card("three"), tensor(1), mixed)])
        return store

    @pytest.mark.parametrize(("retrieval", "best"), [("input", "one"), ("kv", "two"), ("both", "three")])
    def test_each_way_of_finding_has_its_own_nearest_and_shows_both_scores(
        self, crossed: Store, retrieval: str, best: str
    ) -> None:
        found = self.found(crossed, 1, retrieval=retrieval)
        assert (found.used, found.retrieval, found.threshold) == (best, retrieval, THRESHOLDS[retrieval])
        for match in found.matches:
            keys = crossed.keys(match.id)
            assert match.input == pytest.approx(float(keys["input"] @ key(1)), abs=1e-6)
            assert match.kv == pytest.approx(float(keys["kv"] @ kv(1)), abs=1e-6)
            wanted = {"input": match.input, "kv": match.kv, "both": (match.input + match.kv) / 2}
            assert match.score == pytest.approx(wanted[retrieval])
            assert match.utility is None
        scores = [match.score for match in found.matches]
        assert scores == sorted(scores, reverse=True)

    def test_what_has_no_kv_key_is_found_by_input_alone(self, crossed: Store) -> None:
        crossed.add(card("bare"), tensor(1), key(1))
        assert "bare" not in [match.id for match in self.found(crossed, 1, retrieval="kv").matches]
        shown = {match.id: match for match in self.found(crossed, 1).matches}
        assert (shown["bare"].input, shown["bare"].kv) == (pytest.approx(1), None)

    def test_by_utility_what_won_comes_first_and_what_is_far_stays_behind(self, store: Store) -> None:
        store.add(card("nearer", credit=(Credit("agreement", lost=6),)), tensor(1), unit(key(1) + 0.2 * key(2)))
        store.add(card("better", credit=(Credit("prm", won=6),)), tensor(1), unit(key(1) + 0.5 * key(2)))
        store.add(card("far", credit=(Credit("prm", won=10**6),)), tensor(1), unit(key(1) + 1.5 * key(2)))
        assert self.found(store, 1).used == "nearer"
        found = self.found(store, 1, rank="utility")
        assert (found.used, found.rank) == ("better", "utility")
        assert [match.id for match in found.matches] == ["better", "nearer", "far"]
        best = found.matches[0]
        assert best.utility == pytest.approx(best.score + 0.2 * 6 / 10, abs=1e-6)
        assert f"{best.utility:.2f} (similarity {best.score:.2f})" in found.reason
        assert found.matches[2].score < found.threshold

    def test_a_damaged_one_does_not_stop_the_search(self, filled: Store) -> None:
        (filled.adapters / "near" / "keys.safetensors").write_bytes(b"")
        (filled.adapters / "near" / "card.json").write_bytes(b"")
        for rank in ("similarity", "utility"):
            assert [match.id for match in self.found(filled, 1, rank=rank).matches] == ["near", "far"]


class TestCredit:
    def test_each_verifier_counts_by_itself(self, store: Store) -> None:
        store.add(card("m"), tensor(1), key(1))
        uses = [("prm", "won"), ("prm", "lost"), (None, "agreed"), ("agreement", "won"), ("prm", "won")]
        for verifier, outcome in uses:
            store.credit("m", verifier, outcome)  # type: ignore[arg-type]
        memory = Store(store.folder).get("m")
        assert memory.credit == (Credit("prm", won=2, lost=1), Credit("none", agreed=1), Credit("agreement", won=1))
        assert (memory.helped, memory.hurt) == (3, 1)
        assert examine(store) == []

    def test_what_two_count_at_once_is_not_lost(self, store: Store) -> None:
        store.add(card("m"), tensor(1), key(1))
        other = Store(store.folder)

        def count(one: Store) -> None:
            for _ in range(15):
                one.credit("m", "prm", "won")
                one.count_retrieval("m")

        threads = [threading.Thread(target=count, args=(one,)) for one in (store, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        memory = store.get("m")
        assert (memory.credit, memory.retrieved) == ((Credit("prm", won=30),), 30)
        assert examine(store) == []

    def test_who_is_gone_gets_none(self, store: Store) -> None:
        with pytest.raises(BadInput, match="no memory 'm'"):
            store.credit("m", "prm", "won")


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

"""The store: what goes in comes out, in order and by filter, for any process; what cannot go in leaves nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elm_app.core.errors import BadInput, DamagedMemory, StoreError, StoreLocked
from elm_app.core.types import Memory, ModelInfo
from elm_app.store import journal
from elm_app.store import memory_folder as files
from elm_app.store.doctor import examine
from elm_app.store.row import row_of
from elm_app.store.store import Store
from elm_app.store.turn import turn

from .made import MODEL, OTHER, card, key, measured, tensor

ROOT = Path(__file__).parents[2]


def fill(store: Store, count: int, **changes: Any) -> list[Memory]:
    return store.add_many((card(f"m{n:02}", **changes), tensor(n), {"input": key(n)}) for n in range(count))


def listing(folder: Path) -> list[str]:
    """Every file below, without the lock."""
    found = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    return sorted(name for name in found if not name.startswith((".lock", ".version", "chroma/")))


class TestAdd:
    def test_what_goes_in_comes_out(self, store: Store) -> None:
        stored = store.add(card("m1"), tensor(1), key(1))
        assert store.get("m1") == stored
        assert replace(stored, bytes=0) == card("m1")
        assert stored.bytes == (store.adapters / "m1" / "adapter_model.safetensors").stat().st_size
        assert np.array_equal(store.soft_prompt("m1"), tensor(1))
        assert store.soft_prompt("m1").dtype == np.float32
        assert np.array_equal(store.keys("m1")["input"], key(1))
        assert store.count() == 1
        assert store.rows(["m1"]) == [row_of(stored)]
        assert examine(store) == []

    def test_text_of_every_kind_is_kept(self, store: Store) -> None:
        texts = [
            "x" * 100_000,
            "naïve 数学 \U0001f600",
            "<script>&amp;\"'\\ $5",
            "a\nb\tc\r\n",
            "\x00\x1b[2J",
            "' OR 1=1 --",
        ]
        for number, text in enumerate(texts):
            store.add(card(f"m{number}", problem=text, answer=text, label=text[:40], note=text), tensor(), key(number))
        for number, text in enumerate(texts):
            memory = store.get(f"m{number}")
            assert (memory.problem, memory.answer, memory.note) == (text, text, text)
        assert examine(store) == []

    def test_what_is_unknown_is_kept_as_unknown(self, store: Store) -> None:
        store.add(card("m1", after=None, answer=None), tensor(), key())
        row = store.rows(["m1"])[0]
        assert (row.answer, row.agreement_after, row.gain) == (None, None, None)
        assert examine(store) == []

    def test_a_key_is_brought_to_length_one(self, store: Store) -> None:
        store.add(card("m1"), tensor(), key(1) * 7)
        assert np.allclose(store.keys("m1")["input"], key(1), atol=1e-6)
        assert store.nearest(key(1), 1)[0].score == pytest.approx(1, abs=1e-6)

    @pytest.mark.parametrize(
        "id", ["", ".", "..", "a/b", "../a", "-a", "_a", ".tmp-1", "a" * 65, "a b", "ä", "a\n", "a\\b"]
    )
    def test_an_id_that_is_no_name_is_refused(self, store: Store, id: str) -> None:
        with pytest.raises(BadInput, match="its id is not"):
            store.add(card(id), tensor(), key())
        assert listing(store.folder) == []

    def test_an_id_can_be_taken_once(self, store: Store) -> None:
        store.add(card("m1"), tensor(1), key(1))
        with pytest.raises(BadInput, match="'m1' already"):
            store.add(card("m1", label="other"), tensor(2), key(2))
        assert np.array_equal(store.soft_prompt("m1"), tensor(1))

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"problem": "  \n"}, "problem is empty"),
            ({"problem": "\ud800"}, "broken text"),
            ({"seconds": float("nan")}, "NaN, infinity"),
            ({"seconds": -1.0}, "a count, a time or a size"),
            ({"settings": {"x": float("inf")}}, "NaN, infinity"),
            ({"settings": {1: 2}}, "NaN, infinity"),
            ({"created": "yesterday"}, "not ISO 8601"),
            ({"dtype": "bfloat16"}, "bfloat16"),
            ({"schema": 2}, "version 2"),
            ({"before": replace(measured(0.5), vote=replace(measured(0.5).vote, agreement=1.5))}, "agreement"),
            ({"model": ModelInfo("x", "int8", "cpu", "../../x")}, "hash of its model"),
            ({"note": "n" * (5 << 20)}, "longer than 4 MiB"),
        ],
    )
    def test_a_card_that_could_not_be_read_again_is_refused(
        self, store: Store, changes: dict[str, Any], said: str
    ) -> None:
        with pytest.raises(BadInput, match=said):
            store.add(card("m1", **changes), tensor(), key())
        assert listing(store.folder) == []

    @pytest.mark.parametrize(
        ("soft_prompt", "vector", "said"),
        [
            (tensor().astype(np.float64), key(), "float64"),
            (tensor()[:2], key(), "shape"),
            (tensor().T, key(), "shape"),
            (np.where(np.arange(16) == 3, np.nan, tensor()).astype(np.float32), key(), "NaN"),
            (np.full((4, 16), np.inf, np.float32), key(), "infinity"),
            (tensor(), key()[:100], "384"),
            (tensor(), key() * 0, "zero"),
            (tensor(), key() * np.nan, "NaN"),
        ],
    )
    def test_tensors_that_are_not_right_are_refused(
        self, store: Store, soft_prompt: Any, vector: Any, said: str
    ) -> None:
        with pytest.raises(DamagedMemory, match=said):
            store.add(card("m1"), soft_prompt, vector)
        assert listing(store.folder) == []

    def test_of_many_all_or_none_are_stored(self, store: Store) -> None:
        bad = [(card("a"), tensor(), {"input": key()}), (card("b", problem=" "), tensor(), {"input": key()})]
        with pytest.raises(BadInput, match="'b'"):
            store.add_many(bad)
        with pytest.raises(BadInput, match="'a' already"):
            store.add_many([bad[0], bad[0]])
        assert listing(store.folder) == []
        assert store.count() == 0
        assert store.add_many([]) == []

    def test_a_full_disk_leaves_nothing_and_says_so(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        fill(store, 2)
        before = listing(store.folder)

        def full(*_: Any, **__: Any) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(store.index, "put", full)
            with pytest.raises(StoreError, match="No space left on device"):
                store.add(card("m9"), tensor(), key())
        assert listing(store.folder) == before
        assert examine(store) == []
        store.add(card("m9"), tensor(9), key(9))
        assert store.count() == 3


class TestChange:
    def test_only_what_is_the_users_or_is_counted_can_be_changed(self, store: Store) -> None:
        fill(store, 2)
        changed = store.change(
            "m01", label="Eggs", note="n", enabled=False, disabled_reason="hurt", retrieved=3, helped=2
        )
        assert store.get("m01") == changed
        assert (changed.label, changed.enabled, changed.disabled_reason, changed.helped) == ("Eggs", False, "hurt", 2)
        assert store.rows(["m01"])[0].label == "Eggs"
        assert [row.id for row in store.page(enabled=True).rows] == ["m00"]
        assert examine(store) == []
        for bad in (
            {"problem": "x"},
            {"settings": {}},
            {"label": 3},
            {"enabled": 1},
            {"retrieved": -1},
            {"retrieved": True},
        ):
            with pytest.raises(BadInput, match=next(iter(bad))):
                store.change("m01", **bad)  # type: ignore[arg-type]
        with pytest.raises(BadInput, match="broken text"):
            store.change("m01", label="\udc80")
        assert store.get("m01") == changed

    def test_enabling_clears_the_reason(self, store: Store) -> None:
        fill(store, 1, enabled=False, disabled_reason="It did not help.")
        assert store.change("m00", enabled=True).disabled_reason == ""

    def test_a_change_that_fails_midway_ends_in_agreement(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        fill(store, 1)

        def refused(*_: Any) -> None:
            raise StoreError("The index cannot be used.")

        with monkeypatch.context() as patched:
            patched.setattr(store.index, "change", refused)
            with pytest.raises(StoreError):
                store.change("m00", label="x")
        assert examine(store) == []


class TestDelete:
    def test_what_is_deleted_is_gone_everywhere(self, store: Store) -> None:
        fill(store, 5)
        store.delete(["m01", "m03", "m01"])
        assert store.vectors()[0] == ["m00", "m02", "m04"]
        assert sorted(path.name for path in store.adapters.iterdir()) == ["m00", "m02", "m04"]
        assert sorted(store.index.rows()) == ["m00", "m02", "m04"]
        assert "m01" not in [match.id for match in store.nearest(key(1), 5)]
        with pytest.raises(BadInput, match="no memory 'm01'"):
            store.get("m01")
        assert examine(store) == []

    def test_if_one_does_not_exist_none_is_deleted(self, store: Store) -> None:
        fill(store, 2)
        with pytest.raises(BadInput, match="'nope'"):
            store.delete(["m00", "nope"])
        assert store.count() == 2

    def test_an_id_can_be_used_again(self, store: Store) -> None:
        fill(store, 1)
        store.delete(["m00"])
        store.add(card("m00", label="new", after=None), tensor(7), key(7))
        assert np.array_equal(store.soft_prompt("m00"), tensor(7))
        assert store.nearest(key(7), 1)[0].score == pytest.approx(1, abs=1e-6)
        assert examine(store) == []

    def test_a_damaged_memory_can_be_deleted(self, store: Store) -> None:
        fill(store, 1)
        (store.adapters / "m00" / "card.json").write_bytes(b"{")
        store.delete(["m00"])
        assert store.count() == 0


class TestReading:
    def test_a_memory_is_only_for_its_own_model(self, store: Store) -> None:
        fill(store, 1)
        assert store.soft_prompt("m00", MODEL, hidden_size=16).shape == (4, 16)
        with pytest.raises(BadInput, match=r"m00 was made for small .* not for tiny"):
            store.soft_prompt("m00", OTHER)
        with pytest.raises(DamagedMemory, match="16 numbers, its model's 32"):
            store.soft_prompt("m00", MODEL, hidden_size=32)

    @pytest.mark.parametrize(
        ("name", "data", "said"),
        [
            ("adapter_model.safetensors", None, "is missing"),
            ("adapter_model.safetensors", b"junk", "not safetensors"),
            ("card.json", b"[]", "no good form"),
            ("card.json", b"{}", "no good id"),
            ("card.json", b"[" * 100_000, "not JSON"),
            ("card.json", b"\xff", "not JSON"),
        ],
    )
    def test_a_damaged_memory_says_what_is_wrong(self, store: Store, name: str, data: bytes | None, said: str) -> None:
        fill(store, 2)
        path = store.adapters / "m00" / name
        path.unlink()
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(DamagedMemory, match=f"Memory m00 is damaged.*{said}"):
            store.soft_prompt("m00")
        assert [row.id for row in store.page().rows] == ["m00", "m01"]
        assert [row.damaged for row in store.page().rows] == [name == "card.json", False]
        assert len(store.nearest(key(), 2)) == 2
        assert store.models() == {MODEL.weights_sha256: "small"}

    def test_a_card_from_the_future_says_so(self, store: Store) -> None:
        fill(store, 1)
        path = store.adapters / "m00" / "card.json"
        path.write_text(json.dumps({**json.loads(path.read_bytes()), "schema": 2}))
        with pytest.raises(DamagedMemory, match="newer program"):
            store.get("m00")

    def test_an_id_can_be_cut_short_while_it_is_the_only_one(self, store: Store) -> None:
        store.add_many((card(id), tensor(), {"input": key(n)}) for n, id in enumerate(["ab", "abc", "xyz"]))
        assert (store.resolve("x"), store.resolve("ab"), store.resolve("abc")) == ("xyz", "ab", "abc")
        for bad, said in (("a", "2 memories begin"), ("q", "no memory"), ("", "no memory"), ("../x", "no memory")):
            with pytest.raises(BadInput, match=said):
                store.resolve(bad)

    def test_models_are_counted_by_their_weights(self, store: Store) -> None:
        assert store.models() == {}
        fill(store, 2)
        store.add(card("t1", model=OTHER), tensor(), key(9))
        assert store.models() == {MODEL.weights_sha256: "small", OTHER.weights_sha256: "tiny"}

    def test_an_empty_store_is_empty(self, store: Store) -> None:
        assert (store.count(), store.page().total, store.nearest(key(), 5), store.rows(["x"])) == (0, 0, [], [])
        assert store.vectors()[1].shape == (0, 384)
        assert listing(store.folder) == []
        assert examine(store) == []


class TestPages:
    @pytest.fixture
    def filled(self, store: Store) -> Store:
        labels = ["", "beta", "Alpha", "beta", ""]
        for n, label in enumerate(labels):
            memory = card(
                f"m{n}",
                label=label,
                problem=["Zeta?", "zeta!", "alpha", "Éclair", "beta"][n],
                created=f"2026-11-2{n}T00:00:00+00:00",
                before=measured([0.5, 0.25, 0.5, 0.0, 0.75][n]),
                after=None if n == 3 else measured([0.5, 0.75, 0.25, 0, 1.0][n]),
                improved=n in (1, 4),
                enabled=n != 2,
                retrieved=[3, 0, 3, 1, 0][n],
                seconds=[5.0, 1.0, 4.0, 2.0, 3.0][n],
                model=OTHER if n == 0 else MODEL,
            )
            store.add(memory, tensor(n), key(n))
        return store

    @pytest.mark.parametrize(
        ("sort", "descending", "expected"),
        [
            ("created", True, "43210"),
            ("created", False, "01234"),
            ("problem", False, "24103"),
            ("problem", True, "30142"),
            ("label", False, "21304"),
            ("label", True, "13204"),
            ("agreement_before", True, "40213"),
            ("agreement_after", True, "41023"),
            ("agreement_after", False, "20143"),
            ("gain", True, "14023"),
            ("seconds", False, "13420"),
            ("retrieved", True, "02314"),
        ],
    )
    def test_order(self, filled: Store, sort: str, descending: bool, expected: str) -> None:
        """Ties by the lower id; what has no value last, either way."""
        page = filled.page(sort=sort, descending=descending)
        assert "".join(row.id[1] for row in page.rows) == expected

    def test_filters_and_offset(self, filled: Store) -> None:
        assert [row.id for row in filled.page(sort="created", offset=1, limit=2).rows] == ["m3", "m2"]
        assert filled.page(offset=1, limit=2).total == 5
        assert filled.page(offset=9).rows == ()
        assert filled.page(limit=0).total == 5
        assert [row.id for row in filled.page(enabled=False).rows] == ["m2"]
        assert [row.id for row in filled.page(improved=True, descending=False).rows] == ["m1", "m4"]
        assert [row.id for row in filled.page(model=OTHER.weights_sha256).rows] == ["m0"]
        assert filled.page(model="0" * 64).total == 0
        assert filled.page(model=MODEL.weights_sha256, enabled=True, improved=False).total == 1

    def test_nonsense_is_refused(self, filled: Store) -> None:
        with pytest.raises(BadInput, match="sorted by 'colour'"):
            filled.page(sort="colour")
        with pytest.raises(BadInput, match="negative"):
            filled.page(offset=-1)

    def test_every_row_is_what_the_card_says(self, filled: Store) -> None:
        for row in filled.page().rows:
            assert asdict(row) == asdict(row_of(filled.get(row.id)))


class TestProcesses:
    def test_two_processes_read_and_write_in_turns(self, store: Store) -> None:
        fill(store, 3)
        code = (
            "from pathlib import Path; from elm_app.store.store import Store\n"
            "from store.made import card, key, tensor\n"
            f"store = Store(Path({str(store.folder)!r})); print(store.count(), store.page(enabled=True).total)\n"
            "store.delete(['m00']); store.add(card('other'), tensor(), key(9)); print(store.nearest(key(9), 1)[0].id)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        )  # fmt: skip
        assert done.stdout.splitlines() == ["3 3", "other"]
        assert [row.id for row in store.page(sort="problem", descending=False).rows] == ["m01", "m02", "other"]
        assert store.nearest(key(9), 1)[0].id == "other"
        store.change("other", label="seen")
        assert examine(store) == []

    def test_opening_and_reading_a_card_needs_no_chroma(self, store: Store) -> None:
        fill(store, 1)
        code = (
            "import sys; from pathlib import Path; from elm_app.store.store import Store\n"
            f"print(Store(Path({str(store.folder)!r})).get('m00').id, 'chromadb' in sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
        assert done.stdout.split() == ["m00", "False"]

    def test_who_waits_too_long_is_told_for_whom(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        fill(store, 1)
        monkeypatch.setattr(journal, "PATIENCE", 0.05)
        other = Store(store.folder)
        with turn(store):
            for work in (other.count, lambda: other.change("m00", label="x"), lambda: examine(other)):
                with pytest.raises(StoreLocked, match=rf"for a while, by .* \(process {os.getpid()}\), since "):
                    work()
            assert other.get("m00").id == "m00"
        assert other.count() == 1

    def test_a_reader_sees_what_another_writes(self, store: Store, tmp_path: Path) -> None:
        reader = Store(tmp_path / "store")
        assert (reader.count(), reader.version()) == (0, "")
        fill(store, 3)
        assert reader.count() == 3
        before = reader.version()
        assert reader.nearest(key(1), 1)[0].id == "m01"
        store.change("m01", enabled=False)
        assert reader.version() != before
        assert reader.nearest(key(1), 1, enabled=True)[0].id != "m01"
        store.delete(["m00"])
        assert [row.id for row in reader.page().rows] == ["m01", "m02"]
        reader.change("m01", label="x")
        assert store.page(sort="label").rows[0].label == "x"
        reader.close()

    def test_threads_may_read_and_write_at_once(self, store: Store) -> None:
        fill(store, 4)
        failed: list[BaseException] = []

        def work(thread: int) -> None:
            try:
                for n in range(5):
                    id = f"t{thread}-{n}"
                    store.add(card(id), tensor(n), key(100 * thread + n))
                    assert store.nearest(key(100 * thread + n), 1)[0].id == id
                    store.change(id, retrieved=n)
                    if n % 2:
                        store.delete([id])
                    assert store.page(limit=3).total >= 4
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        assert store.count() == 4 + 4 * 3
        assert examine(store) == []

    def test_a_folder_that_cannot_be_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(StoreError, match="cannot be used"):
            Store(tmp_path / "file")

    def test_the_same_memory_always_gives_the_same_bytes(self) -> None:
        one, other = (files.pack(card("m1"), tensor(), {"input": key()})[1] for _ in range(2))
        assert one == other

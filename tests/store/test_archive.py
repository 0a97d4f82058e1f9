"""One file out, the same memories in; hostile and damaged files are refused by name and leave nothing behind."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from elm_app.core.errors import BadInput, DamagedMemory, StoreLocked
from elm_app.store import archive as archive_module
from elm_app.store import journal
from elm_app.store.archive import Imported, export, import_
from elm_app.store.doctor import examine
from elm_app.store.store import Store
from elm_app.store.turn import turn

from .made import MODEL, OTHER, H, P, card, key, tensor

Members = dict[str, bytes]


@pytest.fixture
def source(tmp_path: Path) -> Store:
    store = Store(tmp_path / "source")
    store.add_many((card(f"m{n}", label=f"label {n}"), tensor(n), {"input": key(n)}) for n in range(3))
    return store


@pytest.fixture
def good(source: Store, tmp_path: Path) -> Path:
    export(source, ["m0", "m1", "m2"], tmp_path / "good.elm.zip")
    return tmp_path / "good.elm.zip"


def members(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def sealed(files: Members) -> Members:
    """The members with a manifest that fits them."""
    ids = sorted({name.partition("/")[0] for name in files} - {"manifest.json"})
    listed = [
        {
            "id": id,
            "files": {
                name.partition("/")[2]: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
                for name, data in files.items()
                if name.startswith(f"{id}/")
            },
        }
        for id in ids
    ]
    manifest = {"format": "elm memories", "version": 1, "memories": listed}
    return {"manifest.json": json.dumps(manifest).encode(), **{n: d for n, d in files.items() if n != "manifest.json"}}


def write(path: Path, files: Members, compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def everything(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
    }


class TestRoundTrip:
    def test_export_and_import_give_the_same_memories_and_search_results(
        self, source: Store, store: Store, good: Path
    ) -> None:
        assert import_(store, good) == Imported(("m0", "m1", "m2"), ())
        for id in ("m0", "m1", "m2"):
            assert store.get(id) == source.get(id)
            assert np.array_equal(store.soft_prompt(id), source.soft_prompt(id))
        for seed in range(20):
            assert store.nearest(key(seed), 3) == source.nearest(key(seed), 3)
        assert examine(store) == []

    def test_the_same_memories_give_the_same_bytes(self, store: Store, good: Path, tmp_path: Path) -> None:
        import_(store, good)
        export(store, ["m2", "m1", "m0", "m0"], tmp_path / "again.zip")
        assert (tmp_path / "again.zip").read_bytes() == good.read_bytes()

    def test_the_manifest_comes_first(self, good: Path) -> None:
        with zipfile.ZipFile(good) as archive:
            assert archive.namelist()[0] == "manifest.json"

    def test_those_that_are_known_stay_as_they_are(self, store: Store, good: Path) -> None:
        store.add(card("m1", label="mine"), tensor(9), key(9))
        assert import_(store, good) == Imported(("m0", "m2"), ("m1",))
        assert store.get("m1").label == "mine"
        assert import_(store, good) == Imported((), ("m0", "m1", "m2"))

    def test_an_archive_that_was_packed_again_is_as_good(self, store: Store, good: Path, tmp_path: Path) -> None:
        import_(store, write(tmp_path / "packed.zip", members(good), zipfile.ZIP_DEFLATED))
        assert store.count() == 3

    def test_one_memory_makes_an_archive_too(self, source: Store, store: Store, tmp_path: Path) -> None:
        export(source, ["m1"], tmp_path / "one.zip")
        assert import_(store, tmp_path / "one.zip").added == ("m1",)

    def test_other_keys_travel_too(self, source: Store, store: Store, tmp_path: Path) -> None:
        source.add_many([(card("two"), tensor(), {"input": key(1), "kv": key(2)[:100]})])
        export(source, ["two"], tmp_path / "two.zip")
        import_(store, tmp_path / "two.zip")
        assert set(store.keys("two")) == {"input", "kv"}

    def test_a_model_may_be_demanded(self, source: Store, store: Store, tmp_path: Path) -> None:
        source.add(card("theirs", model=OTHER), tensor(), key(8))
        export(source, ["m0", "theirs"], tmp_path / "mixed.zip")
        with pytest.raises(BadInput, match="theirs was made for tiny, not for small"):
            import_(store, tmp_path / "mixed.zip", MODEL)
        assert store.count() == 0
        assert import_(store, tmp_path / "mixed.zip").added == ("m0", "theirs")

    def test_what_cannot_be_exported(self, source: Store, tmp_path: Path) -> None:
        with pytest.raises(BadInput, match="no memory to export"):
            export(source, [], tmp_path / "x.zip")
        with pytest.raises(BadInput, match="'nope'"):
            export(source, ["m0", "nope"], tmp_path / "x.zip")
        with pytest.raises(BadInput, match="cannot be written"):
            export(source, ["m0"], tmp_path / "missing" / "x.zip")
        (source.adapters / "m1" / "keys.safetensors").write_bytes(b"")
        with pytest.raises(DamagedMemory, match="Memory m1"):
            export(source, ["m0", "m1"], tmp_path / "x.zip")
        assert [path.name for path in tmp_path.iterdir()] == ["source"]

    def test_while_another_process_has_its_turn_nothing_is_imported(
        self, source: Store, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(journal, "PATIENCE", 0.05)
        other = Store(tmp_path / "source")
        (source.adapters / "m0").rename(tmp_path / "m0")  # so that there is something to add
        with turn(source), pytest.raises(StoreLocked):
            import_(other, good)


def added(name: str, data: bytes = b"x") -> Callable[[Members], Members]:
    return lambda files: {**files, name: data}


def tensors(id: str = "m1", **changes: Any) -> Callable[[Members], Members]:
    return lambda files: sealed({**files, f"{id}/adapter_model.safetensors": safetensors.numpy.save(changes)})


def carded(**changes: Any) -> Callable[[Members], Members]:
    def change(files: Members) -> Members:
        value = {**json.loads(files["m1/card.json"]), **changes}
        return sealed({**files, "m1/card.json": json.dumps(value).encode()})

    return change


def keyed(**keys: Any) -> Callable[[Members], Members]:
    return lambda files: sealed({**files, "m1/keys.safetensors": safetensors.numpy.save(keys)})


NAN = np.full((P, H), np.nan, np.float32)
INF = np.where(np.arange(P * H).reshape(P, H) == 7, np.inf, tensor()).astype(np.float32)
HOSTILE: dict[str, tuple[Callable[[Members], Members], str]] = {
    "absolute path": (added("/etc/cron.d/x"), "'/etc/cron.d/x' has an absolute path"),
    "windows path": (added("C:/x"), "has an absolute path"),
    "dots": (added("../../x"), "leads out of its folder"),
    "dots inside": (added("m1/../../x"), "leads out of its folder"),
    "backslash": (added("m1\\card.json"), "backslash"),
    "backslash dots": (added("..\\..\\x"), "backslash"),
    "unknown": (added("m1/run.py"), "does not belong to a memory"),
    "unknown folder": (added("m1/"), "'m1/' is not a plain file"),
    "a double slash": (added("m1//card.json"), "does not belong to a memory"),
    "a dot": (added("./m1/card.json"), "does not belong to a memory"),
    "hidden": (added(".tmp-1/card.json"), "does not belong to a memory"),
    "an id too long": (added("a" * 65 + "/card.json"), "does not belong to a memory"),
    "pickle": (added("m1/adapter_model.bin", pickle.dumps({})), "may be a pickle"),
    "torch pickle": (added("m1/weights.PT", pickle.dumps({})), "may be a pickle"),
    "not in the manifest": (lambda f: {**f, "m9/card.json": b"{}"}, "'m9/card.json' is not in the manifest"),
    "missing file": (lambda f: {n: d for n, d in f.items() if n != "m1/keys.safetensors"}, "is missing"),
    "no manifest": (lambda f: {n: d for n, d in f.items() if n != "manifest.json"}, "does not begin with manifest"),
    "manifest last": (lambda f: {**dict(list(f.items())[1:]), "manifest.json": f["manifest.json"]}, "does not begin"),
    "manifest of nothing": (added("manifest.json", b"[]"), "manifest.json is not one of memories"),
    "manifest not JSON": (added("manifest.json", b"\xff{"), "manifest.json is not one of memories"),
    "manifest too deep": (added("manifest.json", b"[" * 100_000), "manifest.json is not one of memories"),
    "manifest of another": (added("manifest.json", b'{"format": "x"}'), "manifest.json is not one of memories"),
    "future": (
        added("manifest.json", b'{"format": "elm memories", "version": 2, "memories": []}'),
        "version 2, made by a newer program",
    ),
    "wrong hash": (lambda f: {**f, "m1/card.json": f["m1/card.json"].replace(b"label 1", b"label X")}, "SHA-256 of m1"),
    "NaN": (tensors(prompt_embeddings=NAN), "Memory m1 is damaged: its soft prompt holds NaN"),
    "infinity": (tensors(prompt_embeddings=INF), "holds NaN or infinity"),
    "wrong shape": (tensors(prompt_embeddings=tensor(1, P, H + 1)), r"shape \(4, 17\), not \(4, 16\)"),
    "wrong rank": (tensors(prompt_embeddings=tensor().reshape(-1)), r"shape \(64,\)"),
    "wrong dtype": (tensors(prompt_embeddings=tensor().astype(np.float16)), "float16"),
    "another tensor": (tensors(other=tensor()), "holds other, not prompt_embeddings"),
    "a second tensor": (tensors(prompt_embeddings=tensor(), other=tensor()), "prompt_embeddings"),
    "pickle as tensor": (
        lambda f: sealed({**f, "m1/adapter_model.safetensors": pickle.dumps(tensor())}),
        "adapter_model.safetensors is not safetensors",
    ),
    "card not JSON": (lambda f: sealed({**f, "m1/card.json": b"{"}), "its card is not JSON"),
    "card too deep": (lambda f: sealed({**f, "m1/card.json": b"[" * 99_999 + b"]" * 99_999}), "its card is not JSON"),
    "card without a field": (carded(problem=None), "no good problem"),
    "card with another id": (carded(id="m0"), "its card is that of m0"),
    "card with a bad id": (carded(id="../m1"), "its id is not"),
    "card with NaN": (carded(seconds=float("nan")), "NaN, infinity"),
    "card with a negative count": (carded(retrieved=-1), "a count, a time or a size"),
    "card with NaN inside": (carded(settings={"a": [float("inf")]}), "NaN, infinity"),
    "card from the future": (carded(schema=99), "version 99"),
    "card with another P": (carded(virtual_tokens=5), r"shape \(4, 16\), not \(5, 16\)"),
    "card with a huge P": (carded(virtual_tokens=10**12), "1000000000000 virtual tokens"),
    "card with another size": (carded(bytes=3), "its card says 3"),
    "config of another": (
        lambda f: sealed({**f, "m1/adapter_config.json": b'{"peft_type": "LORA"}'}),
        "adapter_config.json cannot be read",
    ),
    "config with another P": (
        lambda f: sealed(
            {**f, "m1/adapter_config.json": f["m1/adapter_config.json"].replace(b"tokens\": 4", b"tokens\": 5")}
        ),
        "describes another adapter",
    ),
    "key of another length": (keyed(input=key()[:5]), "not a vector of 384"),
    "key with NaN": (keyed(input=key() * np.float32(np.nan)), "not of length 1"),
    "key not normalised": (keyed(input=key() * 3), "not of length 1"),
    "no key": (keyed(other=key()), "not a vector of 384"),
    "key with a strange name": (keyed(**{"input": key(), "../x": key()}), "is not a vector"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("fresh", [True, False], ids=["empty store", "full store"])
def test_hostile_archives_are_refused_by_name_and_leave_no_trace(
    store: Store, good: Path, tmp_path: Path, kind: str, fresh: bool
) -> None:
    if not fresh:
        store.add(card("mine"), tensor(5), key(5))
        store.close()
    before, outside = everything(store.folder), sorted(path.name for path in tmp_path.iterdir())
    change, said = HOSTILE[kind]
    bad = write(tmp_path / "bad.elm.zip", change(members(good)))
    with pytest.raises(BadInput, match=said) as refused:
        import_(store, bad)
    assert refused.value.message.startswith("bad.elm.zip is not imported: ")
    bad.unlink()
    assert everything(store.folder) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == outside


def refused(store: Store, path: Path, said: str) -> None:
    before = everything(store.folder)
    with pytest.raises(BadInput, match=said):
        import_(store, path)
    assert everything(store.folder) == before


class TestHostileZips:
    """What a zip can do beyond names and contents."""

    def with_mode(self, good: Path, path: Path, mode: int) -> Path:
        """The archive with one member of another kind."""
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in members(good).items():
                info = zipfile.ZipInfo(name)
                info.external_attr = (mode if name == "m1/card.json" else stat.S_IFREG | 0o644) << 16
                archive.writestr(info, data)
        return path

    def test_links(self, store: Store, good: Path, tmp_path: Path) -> None:
        refused(store, self.with_mode(good, tmp_path / "x.zip", stat.S_IFLNK | 0o777), "'m1/card.json' is a link")
        refused(store, self.with_mode(good, tmp_path / "x.zip", stat.S_IFIFO | 0o777), "is not a plain file")

    def test_members_there_twice(self, store: Store, good: Path, tmp_path: Path) -> None:
        (tmp_path / "x.zip").write_bytes(good.read_bytes())
        with zipfile.ZipFile(tmp_path / "x.zip", "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("m1/card.json", b"{}")
        refused(store, tmp_path / "x.zip", "'m1/card.json' is there twice")

    def test_encrypted_members(self, store: Store, good: Path, tmp_path: Path) -> None:
        data = bytearray(good.read_bytes())
        at = data.rindex(b"PK\x01\x02")  # the last entry of the directory
        data[at + 8] |= 1
        (tmp_path / "x.zip").write_bytes(data)
        refused(store, tmp_path / "x.zip", "is encrypted")

    def test_unusual_packing(self, store: Store, good: Path, tmp_path: Path) -> None:
        refused(store, write(tmp_path / "x.zip", members(good), zipfile.ZIP_LZMA), "packed in an unusual way")

    def test_a_bomb_that_declares_its_size(self, store: Store, good: Path, tmp_path: Path) -> None:
        bomb = {**members(good), "m1/card.json": b" " * (3 << 20)}
        refused(store, write(tmp_path / "x.zip", bomb, zipfile.ZIP_DEFLATED), "unpacks to suspiciously much")
        bomb = {**members(good), "m1/card.json": b" " * (5 << 20)}
        refused(store, write(tmp_path / "x.zip", bomb, zipfile.ZIP_DEFLATED), "is too large")

    def test_a_bomb_that_lies_about_its_size(self, store: Store, good: Path, tmp_path: Path) -> None:
        """The directory says 100 bytes; what is packed is three million."""
        name, bomb = b"m1/card.json", io.BytesIO()
        with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
            for one, data in {**members(good), "m1/card.json": b" " * 3_000_000}.items():
                archive.writestr(one, data)
        data = bytearray(bomb.getvalue())
        for signature, offset, length in ((b"PK\x03\x04", 22, 30), (b"PK\x01\x02", 24, 46)):
            at = data.index(signature)
            while data[at + length : at + length + len(name)] != name:
                at = data.index(signature, at + 1)
            data[at + offset : at + offset + 4] = struct.pack("<I", 100)
        (tmp_path / "x.zip").write_bytes(data)
        refused(store, tmp_path / "x.zip", "it is damaged")

    def test_too_much_in_all(self, store: Store, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(archive_module, "MOST_BYTES", 1000)
        refused(store, good, "unpacks to more than")

    def test_too_many_members(self, store: Store, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(archive_module, "MOST_MEMBERS", 12)
        refused(store, good, "13 members, more than 12")

    def test_names_with_a_hidden_end(self, store: Store, good: Path, tmp_path: Path) -> None:
        """zipfile itself cuts a name at NUL: what it is called in full counts."""
        data = good.read_bytes().replace(b"m1/card.json", b"m1/card\0json")
        (tmp_path / "x.zip").write_bytes(data)
        refused(store, tmp_path / "x.zip", "does not belong to a memory")

    @pytest.mark.parametrize("data", [b"", b"no zip at all", b"PK\x03\x04" + b"\0" * 100, b"PK\x05\x06" + b"\xff" * 18])
    def test_no_zip(self, store: Store, tmp_path: Path, data: bytes) -> None:
        (tmp_path / "x.zip").write_bytes(data)
        refused(store, tmp_path / "x.zip", "is no zip file|is damaged|does not begin")

    def test_no_file(self, store: Store, tmp_path: Path) -> None:
        refused(store, tmp_path / "none.zip", "cannot be read: No such file")
        refused(store, tmp_path, "cannot be read: Is a directory")

    def test_cut_or_flipped_anywhere_it_is_refused_or_the_same(self, store: Store, good: Path, tmp_path: Path) -> None:
        whole, rng, changed = good.read_bytes(), np.random.default_rng(0), 0
        for trial in range(120):
            data = bytearray(whole)
            if trial % 3:
                data[rng.integers(len(data))] ^= 1 << rng.integers(8)
            else:
                del data[rng.integers(len(data)) :]
            path = tmp_path / f"{trial}.zip"
            path.write_bytes(data)
            try:
                import_(store, path)
            except BadInput:
                continue
            changed += 1  # a bit that means nothing, such as a time
            assert store.count() == 3
            assert examine(store) == []
            assert all(np.array_equal(store.soft_prompt(f"m{n}"), tensor(n)) for n in range(3))
            store.delete(["m0", "m1", "m2"])
        assert changed < 60

"""Bytes to text: what packs a file, and its encoding."""

from __future__ import annotations

import codecs
import io
import re
import zlib
from gzip import BadGzipFile, GzipFile
from pathlib import PurePath

from elm_app.core.errors import BadInput
from elm_app.pipelines.problem_files.table import FIX

MOST_UNPACKED = 500_000_000
"""Bytes that a packed file may become."""
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")


def unpack(data: bytes, name: str) -> tuple[bytes, str, tuple[str, ...]]:
    """The bytes inside gzip, known by its first bytes; the suffix of the name without .gz; what was assumed."""
    path = PurePath(name.lower())
    if not data.startswith(_GZIP):
        return data, path.suffix, ()
    try:
        inside = GzipFile(fileobj=io.BytesIO(data)).read(MOST_UNPACKED + 1)
    except (BadGzipFile, EOFError, zlib.error) as error:
        raise BadInput(f"{name} is damaged gzip: {error}.", "Download or pack it again.") from error
    if len(inside) > MOST_UNPACKED:
        raise BadInput(f"{name} unpacks to more than {MOST_UNPACKED // 1_000_000} MB.", "Unpack and cut it.")
    return inside, PurePath(path.stem).suffix if path.suffix == ".gz" else path.suffix, ("gzip",)


def decode(data: bytes, name: str) -> tuple[str, tuple[str, ...]]:
    """The text, and what was assumed: UTF-8, or UTF-16 by its byte order mark, else Windows-1252.

    Raises:
        BadInput: it is no text, or there is nothing in it.
    """
    if data.startswith(_ZIP):
        raise BadInput(f"{name} is an Excel workbook or a ZIP archive.", "Save the sheet as CSV, or unpack the file.")
    assumed: tuple[str, ...] = ()
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            text, assumed = data.decode("utf-16"), ("UTF-16",)
        except UnicodeDecodeError as error:
            raise BadInput(f"{name} is not text in UTF-16 (byte {error.start}).", "Save it as UTF-8.") from error
    else:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            text = _windows(data, name, error.start)
            assumed = (f"Windows-1252, not being UTF-8 (byte {error.start}; if letters look wrong, save it as UTF-8)",)
    text = text.lstrip("\N{BYTE ORDER MARK}")
    if "\0" in text:
        raise BadInput(f"{name} is not text: it has zero bytes in it.", f"{FIX}, in UTF-8.")
    if not text.strip():
        raise BadInput(f"{name} is empty.", f"{FIX}.")
    return text, assumed


def _windows(data: bytes, name: str, byte: int) -> str:
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        text = "\x01"
    if _CONTROL.search(text):
        raise BadInput(f"{name} is not text in UTF-8 (byte {byte}).", f"{FIX}, in UTF-8.")
    return text

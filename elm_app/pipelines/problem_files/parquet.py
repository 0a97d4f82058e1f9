"""Parquet to a table, through pyarrow; dicts and lists inside a row stay what they are."""

from __future__ import annotations

import io

from elm_app.core.errors import BadInput
from elm_app.pipelines.problem_files.table import Table

_MAGIC = b"PAR1"


def is_parquet(data: bytes) -> bool:
    """Whether these are the bytes of a parquet file, whatever its name."""
    return data.startswith(_MAGIC) and data.endswith(_MAGIC) and len(data) >= 12


def read_parquet(data: bytes, name: str) -> Table:
    """Raises `BadInput` for a file that pyarrow cannot read."""
    import pyarrow
    import pyarrow.parquet

    try:
        found = pyarrow.parquet.ParquetFile(io.BytesIO(data)).read().to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise BadInput(f"{name} is parquet that cannot be read: {reason}.", "Download or write it again.") from error
    return Table(tuple(enumerate(found, 1)), tuple(found[0]) if found else (), "row")

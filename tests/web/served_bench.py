"""The program over a random model, as a process that can be killed: no answer is kept before it is permitted.

python tests/web/served_bench.py MEMORIES PERMITTED     a file with the number of answers that may be kept
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from elm_app.core.results import Result
from elm_app.evaluation.folder import BenchFolder
from elm_app.rollouts import collect
from elm_app.web.launch import launch


def by_length(text: str) -> str:
    """As `remembering.answers_by_length`."""
    return str(sum(map(ord, text)) % 2)


def main(memories: Path, permitted: Path) -> None:
    collect.extract = by_length
    keep = BenchFolder.append

    def append(folder: BenchFolder, result: Result) -> None:
        while folder.counted()[0] >= int(permitted.read_text() or 0):
            time.sleep(0.01)
        keep(folder, result)

    BenchFolder.append = append  # type: ignore[method-assign]
    launch(memories)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

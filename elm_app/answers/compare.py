r"""Whether answers mean the same.

What they say (see `reading`) settles most pairs at once. Expressions are asked of math-verify, whose sympy can hang
or take all memory, in a process of its own that is killed at a time limit. That process is a plain script over pipes,
not a `multiprocessing` child: it never imports the parent's main module, and a parent with threads is not forked.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import IO

from elm_app.answers.equivalence import connected, in_context, same
from elm_app.answers.reading import read
from elm_app.answers.values import Reading
from elm_app.core.errors import ElmError

_SCRIPT = Path(__file__).with_name("sympy_worker.py")
_HARMLESS = "7"


class _Worker:
    """One running `sympy_worker.py`. Once `ask` returned None it is dead."""

    def __init__(self, limit: float, start_limit: float) -> None:
        self._limit, self._start_limit, self._ready = limit, start_limit, False
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(_SCRIPT), str(limit)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONHASHSEED": "0"},  # sympy's choices follow the order of its sets
            start_new_session=True,
        )
        assert self._process.stdin
        assert self._process.stdout
        self._in: IO[str] = self._process.stdin
        self._out: IO[str] = self._process.stdout

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def wait_ready(self) -> None:
        """Block until it has imported sympy."""
        if not self._ready and self._read(self._start_limit) != "ready\n":
            self.kill()
            raise ElmError(
                "The comparison of answers did not start.", "Check that `python -c 'import math_verify'` works."
            )
        self._ready = True

    def ask(self, a: str, b: str, places: int | None) -> bool | None:
        """Its verdict, or None if it took too long or died."""
        try:
            print(json.dumps([a, b, places]), file=self._in, flush=True)
            reply = self._read(self._limit)
        except OSError:
            reply = ""
        except BaseException:  # an interrupt here would leave a reply that the next question takes for its own
            self.kill()
            raise
        if not reply.endswith("\n"):
            self.kill()
            return None
        return reply == "true\n"

    def _read(self, limit: float) -> str:
        """The next line; what came of it if the process had to be killed after `limit` seconds."""
        late = threading.Event()

        def end() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(limit, end)
        timer.daemon = True
        timer.start()
        try:
            line = self._out.readline()
        finally:
            timer.cancel()
            timer.join()
        return "" if late.is_set() else line

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._in, self._out):
            with contextlib.suppress(OSError):
                pipe.close()


class Comparer:
    """Equivalence of answers, for any number of threads. Also a context manager.

    Args:
        timeout: seconds for one pair; a pair that takes longer counts as different.
        start_timeout: seconds for the worker process to start.

    Attributes:
        timeouts: comparisons that were cut off (or whose worker died, as when memory ran out).
        asked: pairs that went to the worker.
    """

    def __init__(self, timeout: float = 5.0, start_timeout: float = 120.0) -> None:
        self.timeouts = 0
        self.asked = 0
        self._limits = (timeout, start_timeout)
        self._lock = threading.Lock()
        self._worker: _Worker | None = None
        self._hopeless: set[str] = set()
        self._asked = lru_cache(maxsize=8192)(self._ask)
        self._decided = lru_cache(maxsize=8192)(self._decide)

    def start(self) -> None:
        """Start the worker; returns at once, the import of sympy goes on meanwhile."""
        with self._lock:
            self._running()

    def close(self) -> None:
        """End the worker. Another question starts a new one."""
        with self._lock:
            if self._worker:
                self._worker.kill()
            self._worker = None

    def equivalent(self, a: str, b: str) -> bool:
        r"""Whether two answers mean the same, whichever comes first.

        A blank answer equals nothing, one that cannot be read only its own spelling. A pair that takes too long is
        different, then and later.
        """
        first, second = read(a), read(b)
        return first is not None and second is not None and self._decided(first, second)

    def classes(self, answers: Sequence[str]) -> list[int]:
        """For each answer the number of its class. It depends on which answers there are, not on their order.

        A blank answer is a class of its own.
        """
        readings = [read(answer) or Reading("blank", str(place)) for place, answer in enumerate(answers)]
        found = in_context(readings)
        different = list(dict.fromkeys(found))
        number = dict(zip(different, connected(different, self._decided), strict=True))
        return [number[one] for one in found]

    def _decide(self, a: Reading, b: Reading) -> bool:
        return same(a, b, self._asked)

    def _ask(self, a: str, b: str, places: int | None = None) -> bool:
        if a == b:
            return True
        with self._lock:
            if a in self._hopeless or b in self._hopeless:
                return False
            self.asked += 1
            verdict = self._request(a, b, places)
            if verdict is None:
                self.timeouts += 1
                # and whose fault it was, so that one bad answer costs its limit once and not per pair
                self._hopeless |= {answer for answer in (a, b) if self._request(answer, _HARMLESS) is None}
            return bool(verdict)

    def _request(self, a: str, b: str, places: int | None = None) -> bool | None:
        worker = self._running()
        worker.wait_ready()
        verdict = worker.ask(a, b, places)
        if verdict is None:
            self._running()  # starts while the caller goes on
        return verdict

    def _running(self) -> _Worker:
        if self._worker is None or not self._worker.alive:
            if self._worker:
                self._worker.kill()
            self._worker = _Worker(*self._limits)
        return self._worker

    def __enter__(self) -> Comparer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


_shared: Comparer | None = None
_shared_lock = threading.Lock()


def comparer() -> Comparer:
    """The comparer of this process, made when first asked for and closed at exit."""
    global _shared
    with _shared_lock:
        if _shared is None:
            _shared = Comparer()
            atexit.register(_shared.close)
        return _shared

"""Ray: workers as actors, and what they say as it comes. The only file that imports Ray."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elm_app.core.errors import BadInput, Stopped
from elm_app.core.types import ModelInfo
from elm_app.evaluation.cluster.pieces import Piece
from elm_app.evaluation.cluster.worker import Said, Worker

try:
    import ray
except ImportError as error:
    raise BadInput("Ray is not installed.", "Run pip install -r requirements-ray.txt.") from error

LOCAL = "local"
_CORES = 2
"""Of a CPU, for a worker without a GPU."""
_SOURCES = str(Path(__file__).resolve().parents[3])
_WAIT_SECONDS = 0.2
"""How often it is asked whether to stop."""
_CALL_SECONDS = 5


class WorkerDied(Exception):
    """The process of a worker is gone."""


class Actor:
    """A worker, and the piece that it is at."""

    def __init__(self, actor: Any) -> None:
        self._actor, self._said = actor, None
        self.piece: Piece | None = None

    def load(self, stopped: Callable[[], bool]) -> ModelInfo:
        """Wait until its model is ready. Raises what `Worker.load` raises, `WorkerDied`, or `Stopped`."""
        ref = self._actor.load.remote()
        while not ray.wait([ref], timeout=_WAIT_SECONDS)[0]:
            if stopped():
                raise Stopped("The run was stopped.")
        info: ModelInfo = _taken(ref)
        return info

    def begin(self, piece: Piece) -> None:
        """Have it do a piece."""
        self.piece = piece
        self._said = self._actor.work.options(num_returns="streaming").remote(piece)

    def stop(self, at_once: bool) -> None:
        """Have it end; see `Worker.stop`."""
        self._actor.stop.remote(at_once)

    def take(self) -> Said | None:
        """What it said next; None when the piece is over. Raises what it raised, or `WorkerDied`."""
        assert self._said is not None, "it has nothing to do"
        try:
            ref = next(self._said)
        except StopIteration:
            self.piece = self._said = None
            return None
        said: Said = _taken(ref)
        return said

    @staticmethod
    def talking(actors: Sequence[Actor]) -> list[Actor]:
        """Those that have something to say, after a moment at most."""
        ready, _ = ray.wait([actor._said for actor in actors], num_returns=1, timeout=_WAIT_SECONDS)
        return [actor for actor in actors if any(actor._said is one for one in ready)]


def _taken(ref: Any) -> Any:
    try:
        return ray.get(ref)
    except ray.exceptions.RayActorError as error:
        raise WorkerDied(str(error)) from error
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error


@dataclass(frozen=True)
class Cluster:
    """A cluster that is there: so many workers, and what Ray is told of each."""

    workers: int
    options: dict[str, Any]

    def start(self, folder: Path) -> Actor:
        """A worker for the benchmark in a folder."""
        made = ray.remote(**self.options)(Worker)
        return Actor(made.remote(str(folder.resolve())))


def _call(address: str) -> None:
    """Raises `OSError` if nobody listens at host:port; Ray itself would try for minutes, and then end the program."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdigit():
        socket.create_connection((host, int(port)), _CALL_SECONDS).close()


@contextmanager
def cluster(address: str, workers: int | None) -> Iterator[Cluster]:
    """Ray on this machine (`local`, which ends with it), or that of an address. Without a number there is a worker for
    each GPU, or, where there is none, for each two cores.

    Raises:
        BadInput: nobody answers at the address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    how: dict[str, Any] = {"address": address, "log_to_driver": False, "logging_level": "ERROR"}
    if address == LOCAL:
        cores = max(os.cpu_count() or 1, workers or 1)
        how |= {"num_cpus": cores, "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    try:
        _call(address)
        ray.init(**how)
    except (OSError, ValueError, RuntimeError) as error:
        told = f"There is no Ray cluster at {address}."
        raise BadInput(told, "Give its address, as ray start printed it, or local.") from error
    try:
        there: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        gpus, cores = int(there.get("GPU", 0)), int(there.get("CPU", 1))
        count = workers or gpus or max(1, cores // _CORES)
        share = {"num_gpus": 1} if gpus >= count else {"num_cpus": max(1, cores // count)}
        environment = {name: str(share.get("num_cpus", 1)) for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")}
        if gpus >= count:
            environment = {}
        if address == LOCAL:
            environment["PYTHONPATH"] = os.pathsep.join([_SOURCES, *filter(None, [os.environ.get("PYTHONPATH")])])
        yield Cluster(count, {**share, "max_concurrency": 2, "runtime_env": {"env_vars": environment}})
    finally:
        ray.shutdown()

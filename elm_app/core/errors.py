"""Every failure a user can cause, as one short tree.

Each error carries two sentences: what is wrong, and what to do about it. They are raised where it happens and caught
only at the edges (`cli/main.py`, `runs/runner.py`, `web/`), which print them and never a traceback.

    ElmError                 exit code 1
    ├── BadInput             exit code 2: the problem, the file or a setting cannot be used as given
    ├── WeightsError         the weights cannot be had: mirrors, checksum, room on disk
    ├── ModelError           the model cannot be loaded or run here
    │   └── OutOfMemory      … because memory ran out
    ├── RunError             a run's log cannot be read or written
    ├── StoreError           the memories cannot be read or written
    │   ├── StoreLocked      … because another process does not give its turn
    │   └── DamagedMemory    … because one of them is not what it should be
    └── Stopped              exit code 130: the user stopped it
"""

from __future__ import annotations


class ElmError(Exception):
    """Something went wrong that a person can act on.

    Args:
        message: one sentence that says what is wrong.
        remedy: one sentence that says what to do; may be empty where nothing can be done.
    """

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class BadInput(ElmError):
    """The problem, the file or a setting cannot be used as given."""

    exit_code = 2


class WeightsError(ElmError):
    """The weights of a model cannot be had."""


class ModelError(ElmError):
    """The model cannot be loaded or run on this machine."""


class OutOfMemory(ModelError):
    """Memory ran out; the run fails alone."""


class RunError(ElmError):
    """A run's log cannot be read or written."""


class StoreError(ElmError):
    """The memories cannot be read or written."""


class StoreLocked(StoreError):
    """Another process has been using the memories for too long."""


class DamagedMemory(StoreError):
    """A memory is not what it should be: a missing file, a wrong shape, NaN, another model's."""


class Stopped(ElmError):
    """The user stopped the run."""

    exit_code = 130

"""Every exception that the package raises for a user's situation, and the exit codes.

RunflowError                    has findings; exit 1
├── UsageError                  the command was called wrongly; exit 2
├── SpecError                   runflow.yaml is missing or wrong
├── WorkflowError               a workflow cannot be read or converted
├── LockError                   runflow.lock or a companion cannot be read
│   └── StaleLockError          the lock disagrees with what it answers; exit 3
├── ResolveError                a wish cannot be pinned
├── CheckError                  validation found errors
├── BundleError                 a built bundle cannot be read
├── BindError                   the values of a request do not fit the contract
├── EngineError                 a prompt failed while it ran
├── RestoreError                a file of the lock cannot be had, or not be put in its place
├── SaveError                   a file could not be written
└── ApiError                    the API or the way to it failed
    └── ApiRefusedError         auth, scope or ownership; exit 4

An exception carries findings, so that text and JSON have one renderer. A defect of ours is any
other exception, and shows its traceback.
"""

from __future__ import annotations

from collections.abc import Iterable

from .findings import Finding, render


class RunflowError(Exception):
    """A situation that the user can mend; `findings` say what, where and how."""

    exit_code = 1

    def __init__(self, *findings: Finding, also: Iterable[Finding] = ()) -> None:
        self.findings: tuple[Finding, ...] = (*findings, *also)
        super().__init__(*self.findings)

    def __str__(self) -> str:
        return render(self.findings)


class UsageError(RunflowError):
    """The command or function was called in a way that makes no sense."""

    exit_code = 2


class SpecError(RunflowError):
    """runflow.yaml is missing, unreadable or not what the format says."""


class WorkflowError(RunflowError):
    """A workflow file cannot be read, or cannot be turned into a prompt."""


class LockError(RunflowError):
    """runflow.lock or one of its companions is missing, damaged or of a newer format."""


class StaleLockError(LockError):
    """The lock no longer answers runflow.yaml and the workflows; one finding per disagreement."""

    exit_code = 3


class ResolveError(RunflowError):
    """A wish of runflow.yaml or of a workflow has no answer."""


class CheckError(RunflowError):
    """Validation found at least one error."""


class BundleError(RunflowError):
    """A file below .runflow/build is not a bundle of this release."""


class BindError(RunflowError):
    """The values of one request do not fit the contract; one finding per field."""


class EngineError(RunflowError):
    """A prompt was refused by an engine, or failed while it ran; names the node."""


class RestoreError(RunflowError):
    """Something of the lock cannot be had, or not be put in its place."""


class SaveError(RunflowError):
    """A file could not be written; what was there before is still there."""


class ApiError(RunflowError):
    """The API answered with an error, or could not be reached."""

    def __init__(self, *findings: Finding, status: int | None = None, code: str = "") -> None:
        super().__init__(*findings)
        self.status = status  # HTTP status; None: no answer came
        self.code = code  # the envelope's `code`, e.g. RATE_LIMITED


class ApiRefusedError(ApiError):
    """The API refused: the key, its scopes, the organization or the endpoint's owner."""

    exit_code = 4

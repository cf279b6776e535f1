"""Every error that omcore raises on purpose.

All derive from [OmError][omcore.errors.OmError]. A message is one sentence: what was asked, where it was asked, what
there is, how to mend it. The command line prints that sentence and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class OmError(Exception):
    """The base of every error raised on purpose; its text is one sentence for a person."""


# --- configuration and plugins


class ConfigurationError(OmError):
    """The configuration cannot be read, or says something that makes no sense; names file, context and key."""


class ContextNotFoundError(ConfigurationError):
    """A context was asked for that the configuration does not define."""


class PluginError(OmError):
    """A plugin cannot be used."""


class PluginNotFoundError(PluginError):
    """No installed package offers a driver of the name that was asked for."""


class PluginConflictError(PluginError):
    """Two packages offer a driver of one name."""


class PluginVersionError(PluginError):
    """A driver was written for another version of the plugin contract."""


class PluginBrokenError(PluginError):
    """A driver was found but cannot be imported, or is not what its group promises."""


class VetoError(OmError):
    """A plugin refused a put, a submission or a promotion; a hook raises it with its reason."""


# --- storage


class StorageError(OmError):
    """A storage backend could not do what it was asked to do."""


class StorageUnavailableError(StorageError):
    """The storage cannot be reached or opened."""


class StorageFullError(StorageError):
    """The storage has no room; nothing was changed."""


class BlobNotFoundError(StorageError):
    """No blob of that digest is in the storage."""


class CorruptBlobError(StorageError):
    """The bytes of a blob do not match its digest; they are never returned."""


class CorruptRecordError(StorageError):
    """A record does not match its own checksum or signature, or does not have the form it must have."""


class ConflictError(StorageError):
    """A compare-and-set found another revision than the one that was expected; nothing was changed.

    Attributes:
        key: the record that moved.
        expected: the revision that the caller expected, `None` for "no such record".
        found: the revision that was found, `None` for "no such record".
    """

    def __init__(self, key: str, expected: str | None, found: str | None) -> None:
        super().__init__(key, expected, found)
        self.key = key
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        expected = "absent" if self.expected is None else f"at revision {self.expected}"
        found = "absent" if self.found is None else f"at revision {self.found}"
        return f"record {self.key!r} was expected to be {expected} but is {found}; read it again and retry"


# --- objects


class InvalidNameError(OmError):
    """A name of an object, bucket, alias or context is not allowed."""


class InvalidReferenceError(OmError):
    """A reference such as `sales[x]@3` cannot be read."""


class InvalidFilterError(OmError):
    """A filter names an unknown column or operator, or a value that does not fit."""


class InvalidArgumentError(OmError):
    """An argument does not fit what was called."""


class ObjectNotFoundError(OmError):
    """No object of that name is in the store; the message offers near matches."""


class VersionNotFoundError(ObjectNotFoundError):
    """The object exists, but not in that version or under that alias."""


class ColumnNotFoundError(OmError):
    """A projection or a filter names a column that the dataset does not have."""


class VersionConflictError(OmError):
    """`put(expected=...)` found another current version than the one it was told to replace."""


class UnsupportedTypeError(OmError):
    """No codec takes an object of this type, or the codec cannot keep this value exactly."""


class UntrustedError(OmError):
    """The reader's trust rules do not let it load this object; the message says how to allow it."""


# --- tasks


class TaskError(OmError):
    """Something about a task; carries the task's id."""

    def __init__(self, message: str, task_id: str = "") -> None:
        super().__init__(message)
        self.task_id = task_id


class TaskFailedError(TaskError):
    """The task's code raised; `__cause__` is the original error where its type is known here.

    Attributes:
        type_name: the full name of the original type, for example `builtins.ValueError`.
        remote_traceback: the traceback on the worker, as text.
    """

    def __init__(self, message: str, task_id: str = "", type_name: str = "", remote_traceback: str = "") -> None:
        super().__init__(message, task_id)
        self.type_name = type_name
        self.remote_traceback = remote_traceback


class TaskTimeoutError(TaskError, TimeoutError):
    """The task, or waiting for it, took longer than it was allowed to."""


class TaskCancelledError(TaskError):
    """The task was cancelled."""


class TaskLostError(TaskError):
    """The worker that ran the task is gone and the task was not run again."""


class TaskNotFoundError(TaskError):
    """No task of that id is known."""


class NoWorkerError(TaskError):
    """No live worker offers the labels that the task requires; the message lists those that are offered."""


class SignatureError(TaskError):
    """A task is unsigned, altered, expired, or signed with a key that this context does not list."""


class EnvironmentMismatchError(TaskError):
    """A model was fitted with other versions of the libraries than a worker has, and the task's rule forbids that."""


class EnvironmentMismatchWarning(UserWarning):
    """A model was fitted with other versions of the libraries than the worker has that ran the task."""


class UnknownActionError(OmError):
    """A proxy has no action of that name."""


class RemoteError(Exception):
    """Stands for an error whose type is not known here; its text is the type and message on the worker."""


# --- promotion


class PromotionRefusedError(OmError):
    """One or more policies of the target refused; every veto is listed.

    Attributes:
        reasons: one sentence a veto, each with its policy's name.
    """

    def __init__(self, message: str, reasons: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.reasons = tuple(reasons)


class MigrationRefusedError(OmError):
    """Objects that were to be migrated cannot be in the target, or it has others of their names, which stay there."""

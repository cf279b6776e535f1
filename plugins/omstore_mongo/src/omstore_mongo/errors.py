"""What pymongo raises, in the words of omcore."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from bson.errors import BSONError
from pymongo.errors import (
    ConfigurationError as DriverConfigurationError,
)
from pymongo.errors import (
    ConnectionFailure,
    DocumentTooLarge,
    ExecutionTimeout,
    InvalidURI,
    OperationFailure,
    PyMongoError,
    WaitQueueTimeoutError,
)

from omcore.errors import (
    ConfigurationError,
    InvalidArgumentError,
    OmError,
    StorageError,
    StorageFullError,
    StorageUnavailableError,
)
from omcore.masking import mask_text
from omcore.sentences import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

_DENIED = frozenset({13, 18, 8000})
"""Unauthorized, AuthenticationFailed, and what a hosted server says for the latter: MongoDB's error codes."""

_FULL = frozenset({14031, 28, 12501})
"""OutOfDiskSpace, and the operating system's code for it, as the server passes it on; quota exceeded."""

DUPLICATE = 11000
"""DuplicateKey."""

_LONGEST = 300


@contextmanager
def translated(doing: str, address: str) -> Iterator[None]:
    """Raise what pymongo raises in the block as an error of omcore.

    Args:
        doing: what was tried, as in "read a record".
        address: where, without any secret.
    """
    try:
        yield
    except (PyMongoError, BSONError, OSError) as error:
        raise translation(error, doing, address) from error


def translation(error: Exception, doing: str, address: str) -> OmError:
    """The error of omcore that says what pymongo's means."""
    said = reason(error)
    if isinstance(error, InvalidURI | DriverConfigurationError):
        return ConfigurationError(f"{address} cannot be used as the address of a MongoDB server: {said}")
    if isinstance(error, DocumentTooLarge):
        return InvalidArgumentError(f"MongoDB cannot {doing}: {said}")
    if isinstance(error, OperationFailure) and error.code in _FULL:
        return StorageFullError(
            f"no room is left at {address} to {doing}: nothing was changed; make room and try again"
        )
    if isinstance(error, OperationFailure) and error.code in _DENIED:
        return StorageUnavailableError(f"{address} does not let this user {doing}: {said}; check the user's rights")
    if unreachable(error):
        return StorageUnavailableError(f"{address} did not answer when asked to {doing}: {said}")
    return StorageError(f"MongoDB at {address} could not {doing}: {said}")


def unreachable(error: BaseException) -> bool:
    """Whether the server could not be reached, or did not answer in time: what was sent may have arrived."""
    if isinstance(error, ConnectionFailure | ExecutionTimeout | WaitQueueTimeoutError | OSError):
        return True
    return isinstance(error, PyMongoError) and (error.timeout or error.has_error_label("RetryableWriteError"))


def is_duplicate(error: OperationFailure) -> bool:
    """Whether a document was not inserted, since there is one of its key."""
    details = error.details or {}
    codes = [error.code, *(one.get("code") for one in details.get("writeErrors", []))]
    return DUPLICATE in codes


def reason(error: BaseException) -> str:
    """What an error says, in one line, without secrets and without what only the driver's authors can read."""
    if isinstance(error, OperationFailure) and error.details and isinstance(error.details.get("errmsg"), str):
        text = str(error.details["errmsg"])
    else:
        text = str(error).partition(", Timeout: ")[0].partition(" (configured timeouts")[0]
    return mask_text(one_line(text or type(error).__name__, _LONGEST))

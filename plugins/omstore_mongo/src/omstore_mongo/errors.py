"""What pymongo raises, in the words of omcore."""

from __future__ import annotations

import re
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bson.errors import BSONError
from pymongo.errors import (
    ConnectionFailure,
    DocumentTooLarge,
    ExecutionTimeout,
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
_QUOTED = re.compile('"[^"]*"')


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
    if isinstance(error, DocumentTooLarge):
        return InvalidArgumentError(f"MongoDB cannot {doing}: {said}")
    if isinstance(error, OperationFailure) and error.code in _FULL:
        return StorageFullError(
            f"no room is left at {address} to {doing}: nothing was changed; make room and try again"
        )
    if isinstance(error, OperationFailure) and error.code in _DENIED:
        mend = "check the user, the password, authSource and the user's rights"
        return StorageUnavailableError(f"{address} does not allow this user to {doing}: {said}; {mend}")
    if unreachable(error):
        return StorageUnavailableError(f"{address} cannot be reached, or did not answer in time, to {doing}: {said}")
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
    text = text.partition(" to execute command ")[0].rstrip(".")
    return mask_text(one_line(text or type(error).__name__, _LONGEST))


@contextmanager
def checked_address(address: str) -> Iterator[None]:
    """Raise what pymongo raises in the block about an address as an error of omcore.

    Args:
        address: it, without any secret.

    Raises:
        ConfigurationError: the address is none, or names files that are none.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # an option that pymongo does not know
            yield
    except OSError as error:
        said = f"{error.filename or 'a file'}: {error.strerror or error}"
        raise ConfigurationError(f"{address} names a file that cannot be used: {said}") from error
    except (PyMongoError, ValueError, TypeError, UserWarning) as error:
        said = _QUOTED.sub('"..."', reason(error))  # part of a password, where it was not escaped
        raise ConfigurationError(f"{address} cannot be used as the address of a MongoDB server: {said}") from error

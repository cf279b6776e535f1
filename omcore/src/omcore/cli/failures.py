"""Turns errors into one sentence and an exit code: 2 for a mistake of the user, 1 for what did not work out."""

from __future__ import annotations

import errno
import logging
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import click

from omcore.errors import (
    NoWorkerError,
    OmError,
    PromotionRefusedError,
    SignatureError,
    StorageError,
    TaskError,
    TaskNotFoundError,
    VetoError,
)
from omcore.masking import mask_addresses
from omcore.sentences import one_line, reason

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 20_000
"""Characters of a sentence that are printed."""

_FAILURES = (PromotionRefusedError, StorageError, TaskError, VetoError)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)
"""What may become of writing to a file or a disk; a closed pipe is click's business."""

_MISTAKES = (NoWorkerError, SignatureError, TaskNotFoundError)


class Failure(click.ClickException):
    """One sentence on the error stream: what was asked rightly did not work out."""

    exit_code = 1

    def __init__(self, sentence: str) -> None:
        super().__init__(mask_addresses(one_line(sentence, limit=LONGEST)))

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the sentence."""
        click.echo(f"om: {self.message}", file=file, err=file is None)


class Mistake(Failure):
    """One sentence on the error stream: what was asked makes no sense."""

    exit_code = 2


@contextmanager
def one_sentence() -> Iterator[None]:
    """Let errors that are raised on purpose out as a `Failure`; all others are bugs, and keep their traceback."""
    try:
        yield
    except (Failure, click.exceptions.NoArgsIsHelpError):
        raise
    except click.ClickException as error:
        raise Mistake(_sentence_of_click(error)) from error
    except OmError as error:
        kind = Failure if isinstance(error, _FAILURES) and not isinstance(error, _MISTAKES) else Mistake
        raise kind(_sentence(error)) from error
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise Failure(f"the output cannot be written: {reason(error)}; make room, or write it elsewhere") from error


def _sentence(error: OmError) -> str:
    notes = "; ".join(getattr(error, "__notes__", ()))
    return f"{error} ({notes})" if notes else str(error)


def _sentence_of_click(error: click.ClickException) -> str:
    """What click says, and where to read more."""
    message = error.format_message().strip().rstrip(".")
    sentence = message[:1].lower() + message[1:]
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{sentence}; see '{context.command_path} --help'" if context else sentence


class OneLineHandler(logging.Handler):
    """Says what omcore logs in one line each, without a traceback."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record."""
        click.echo(f"om: {record.levelname.lower()}: {one_line(record.getMessage())}", err=True)


@contextmanager
def logs_in_one_line() -> Iterator[None]:
    """While a command runs, what omcore logs as a warning or worse is printed, for people."""
    logger = logging.getLogger("omcore")
    handler = OneLineHandler(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)

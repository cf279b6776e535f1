"""What a client and a group say to each other: small frozen models, written as JSON.

An envelope and an outcome are bytes of any form; they travel as text of as many characters.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from omcore.errors import TaskCancelledError, TaskError, TaskLostError, TaskTimeoutError

LARGEST = 1 << 27
"""Bytes of a message above which it is refused."""

FORM = 1
"""The form of these messages; a group of another form is not used."""


class MessageError(Exception):
    """What came is none of these messages."""


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def dump(self) -> bytes:
        """The message as JSON."""
        return self.model_dump_json().encode()


# --- from a client


class Hello(_Message):
    """The first message.

    Attributes:
        form: the form of the messages that follow.
        identity: says which workers the client's tasks may be run by.
    """

    say: Literal["hello"] = "hello"
    form: int = FORM
    identity: str


class Submit(_Message):
    """A delivery. `number` is the client's name for it."""

    say: Literal["submit"] = "submit"
    number: int
    id: str
    envelope: str
    require: frozenset[str] = frozenset()
    timeout: float | None = None


class Cancel(_Message):
    """End all deliveries of a task, whoever made them; answered under the number of the question."""

    say: Literal["cancel"] = "cancel"
    number: int
    id: str


class AskState(_Message):
    """Whether the delivery of the number `about` runs; answered under the number of the question."""

    say: Literal["state"] = "state"
    number: int
    about: int


class AskWorkers(_Message):
    """Who works, and on what; answered under the number of the question."""

    say: Literal["workers"] = "workers"
    number: int


# --- from a group


class Worker(_Message):
    """A worker of the group."""

    id: str
    labels: frozenset[str]
    running: tuple[str, ...] = ()


class Welcome(_Message):
    """The answer to a hello: the client may go on."""

    say: Literal["welcome"] = "welcome"
    workers: tuple[Worker, ...]


class Refused(_Message):
    """The group wants nothing more from this client; the sentence says why."""

    say: Literal["refused"] = "refused"
    why: str


class Leaving(_Message):
    """The group takes no more deliveries; what runs may end."""

    say: Literal["leaving"] = "leaving"


class Failure(_Message):
    """Why there is no outcome."""

    kind: Literal["cancelled", "lost", "timeout"]
    message: str
    notes: tuple[str, ...] = ()


class Ended(_Message):
    """What became of a delivery of this client: an outcome or a failure."""

    say: Literal["ended"] = "ended"
    number: int
    outcome: str | None = None
    failure: Failure | None = None


class Answer(_Message):
    """The answer to a question."""

    say: Literal["answer"] = "answer"
    number: int
    running: bool = False
    workers: tuple[Worker, ...] = ()


Request: TypeAlias = Annotated[Hello | Submit | Cancel | AskState | AskWorkers, Field(discriminator="say")]
Reply: TypeAlias = Annotated[Welcome | Refused | Leaving | Ended | Answer, Field(discriminator="say")]


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def read_request(data: bytes) -> Request:
    """A message of a client; raises `MessageError` for anything else."""
    return _read(Request, data)  # type: ignore[no-any-return]


def read_reply(data: bytes) -> Reply:
    """A message of a group; raises `MessageError` for anything else."""
    return _read(Reply, data)  # type: ignore[no-any-return]


def _read(kind: Any, data: bytes) -> Any:
    try:
        return _adapter(kind).validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]["msg"]
        raise MessageError(f"the message cannot be read: {first}") from None


def to_text(data: bytes) -> str:
    """Bytes as they travel."""
    return data.decode("latin-1")


def to_bytes(text: str) -> bytes:
    """The bytes that travelled; raises `MessageError` for text that never was bytes."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise MessageError("an envelope or outcome has characters that stand for no byte") from None


_KINDS: dict[str, type[TaskError]] = {
    "cancelled": TaskCancelledError,
    "timeout": TaskTimeoutError,
    "lost": TaskLostError,
}


def ended(number: int, result: bytes | TaskError) -> Ended:
    """What to say when a delivery has ended."""
    if not isinstance(result, TaskError):
        return Ended(number=number, outcome=to_text(result))
    kinds = [kind for kind, error in _KINDS.items() if isinstance(result, error)]
    notes = tuple(getattr(result, "__notes__", ()))
    return Ended(number=number, failure=Failure(kind=(kinds or ["lost"])[0], message=str(result), notes=notes))


def result_of(message: Ended, task_id: str) -> bytes | TaskError:
    """What the other side meant."""
    if message.failure is None:
        return to_bytes(message.outcome or "")
    error = _KINDS[message.failure.kind](message.failure.message, task_id)
    for note in message.failure.notes:
        error.add_note(note)
    return error

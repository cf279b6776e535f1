"""A task as data: what is asked of a worker, and what came of it.

A task is small, JSON and signed. It names a stored object and an action, and carries its arguments as JSON values, as
pins of stored versions, or as encoded bytes of plain kinds. It never carries a pickle.
"""

from __future__ import annotations

import json
import math
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from omcore.errors import InvalidArgumentError

if TYPE_CHECKING:
    from omcore.signing import KeyRing

PURPOSE = "task"
"""What a task's signature is for."""

INLINE = "inline:"
"""What the digest of a part begins with that travels along with its value."""

ID_PATTERN = r"^[0-9a-f]{32}$"
"""What a task's id looks like."""

LARGEST_ENVELOPE = 4 << 20
"""Bytes above which a worker reads no envelope: larger values are staged in the store."""


LONGEST_TIMEOUT = 1e9
"""Seconds above which nobody means a limit: 31 years. No timer overflows below it."""


class State(StrEnum):
    """Where a task is.

    Attributes:
        PENDING: it waits for a worker.
        STARTED: a worker runs it, or ran it until a moment ago.
        RETRY: it failed, or its worker is gone, and it is going to be run again.
        SUCCESS: it has a value.
        FAILURE: it raised an error, or took longer than it was allowed.
        REVOKED: it was cancelled.
        LOST: its worker is gone, and it is not run again.
    """

    PENDING = "PENDING"
    STARTED = "STARTED"
    RETRY = "RETRY"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    REVOKED = "REVOKED"
    LOST = "LOST"

    @property
    def final(self) -> bool:
        """Whether a task in this state stays in it."""
        return self in {State.SUCCESS, State.FAILURE, State.REVOKED, State.LOST}


class Model(BaseModel):
    """The base of everything in a message: frozen, and nothing that is not named."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class JsonValue(Model):
    """A JSON value as it is."""

    type: Literal["json"] = "json"
    value: Any


class PinValue(Model):
    """A version of a stored object.

    Attributes:
        store: `datasets`, `models`, `jobs` or `scripts`.
        name: the object's canonical name.
        version: the number.
        id: the version's id.
        columns: a projection; `None` for all.
        filter: only these rows, as `filter_to_json` wrote it; `None` for all.
        rows: only the rows from the first number up to the second, counted before the filter; `None` for all.
    """

    type: Literal["pin"] = "pin"
    store: str
    name: str
    version: int
    id: str
    columns: tuple[str, ...] | None = None
    filter: Any = None
    rows: tuple[int, int] | None = None

    def __str__(self) -> str:
        columns = "" if self.columns is None else f"[{','.join(self.columns)}]"
        return f"{self.store}/{self.name}{columns}@{self.version}"


class EncodedValue(Model):
    """A value as a codec of a plain kind wrote it.

    Attributes:
        kind: the codec's kind.
        content: what the codec needs to read it back, with its parts.
        inline: the bytes of parts that travel along, in base64. The part with the digest `inline:0` is the first of
            these; parts with any other digest are blobs.
    """

    type: Literal["encoded"] = "encoded"
    kind: str
    content: dict[str, Any]
    inline: tuple[str, ...] = ()

    @property
    def blobs(self) -> frozenset[str]:
        """The digests of the parts that are blobs."""
        digests = (part["digest"] for part in self.content["parts"])
        return frozenset(digest for digest in digests if not digest.startswith(INLINE))


Value = Annotated[JsonValue | PinValue | EncodedValue, Field(discriminator="type")]
"""An argument or a result."""


Name = Annotated[str, Field(max_length=200)]
"""Names that may stand in errors about a message that nobody signed."""

Seconds = Annotated[float, Field(gt=0, le=LONGEST_TIMEOUT)]
"""How long something may take."""

Moment = Annotated[float, Field(allow_inf_nan=False)]
"""Seconds since the epoch."""


class RetryRule(Model):
    """What is done about an error of the action.

    Attributes:
        times: how often the task is run again at most.
        delay: seconds before the first time.
        factor: how much longer each further delay is.
        longest: seconds that no delay exceeds.
        on: the full names of the error types that it applies to, with all that derive from them.
    """

    times: int = Field(default=0, ge=0, le=1000)
    delay: float = Field(default=1.0, ge=0, le=LONGEST_TIMEOUT)
    factor: float = Field(default=2.0, ge=1, le=100)
    longest: float = Field(default=60.0, ge=0, le=LONGEST_TIMEOUT)
    on: tuple[Name, ...] = ("builtins.Exception",)

    def pause(self, failures: int) -> float:
        """Seconds to wait after so many failures (1 after the first)."""
        half = math.exp(min(700.0, (failures - 1) * math.log(self.factor) / 2))  # the whole would overflow too soon
        return min(self.longest, self.delay * half * half)

    def covers(self, error: BaseException, failures: int) -> bool:
        """Say whether the task is run again after this error, the one that makes it so many failures."""
        names = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}
        return failures <= self.times and not names.isdisjoint(self.on)


NO_RETRY = RetryRule()
"""An error of the action ends the task."""

MAX_DELIVERIES = 3
"""How often a task is given to a worker whose worker before died with it, unless it says otherwise."""

LEASE = 30.0
"""Seconds after the last sign of life of its worker that a task is given to another one, unless it says otherwise."""

EnvironmentRule = Literal["warn", "refuse", "elsewhere", "ignore"]
"""What a worker does about a model that was fitted with other versions of the libraries."""


class TaskSpec(Model):
    """What is asked of a worker.

    Attributes:
        id: the task's id, unique for ever.
        context: the context's name where the task was submitted, for people and as a hint.
        fingerprint: names the context for certain: a digest of its storage's address, without secrets.
        bucket: the bucket of the object and of bare names.
        proxy: the proxy's name, for example `model`.
        object: the object that the action is called on.
        action: the action's name, for example `fit`.
        arguments: by the action's parameter names.
        require: the labels that the worker must offer.
        durable: whether the task has a record from submit to outcome.
        timeout: seconds it may run; `None` for no limit.
        submitted: when, in seconds since the epoch.
        expires: after this time no worker takes the message, in seconds since the epoch.
        start_timeout: seconds that it may wait for a worker; `None` for no limit.
        deadline: at this time it must have ended, in seconds since the epoch; `None` for no limit.
        lease: seconds after the last sign of life of its worker that it is given to another one.
        deliveries: how often it may be given to a worker whose worker before died with it.
        retry: what is done about an error of the action.
        memory: bytes that it may take on top of what its worker has; `None` for no limit.
        environment: what a worker does about a model that was fitted with other versions of the libraries.
        parent: the id of the task that this one is a part of, or empty.
        call: a digest of what is called with what, where a repeated call is to be the same task.
    """

    id: str = Field(pattern=ID_PATTERN)
    context: Name
    fingerprint: Name
    bucket: Name
    proxy: Name
    object: PinValue
    action: Name
    arguments: dict[str, Value]
    require: tuple[str, ...] = ()
    durable: bool = False
    timeout: Seconds | None = None
    submitted: Moment
    expires: Moment | None = None
    start_timeout: Seconds | None = None
    deadline: Moment | None = None
    lease: Seconds = LEASE
    deliveries: int = Field(default=MAX_DELIVERIES, ge=1, le=1000)
    retry: RetryRule = NO_RETRY
    memory: int | None = Field(default=None, gt=0)
    environment: EnvironmentRule = "warn"
    parent: str = Field(default="", pattern=r"^([0-9a-f]{32})?$")
    call: Name = ""

    @property
    def longest(self) -> float | None:
        """Seconds that one delivery may take: a light task is tried again by the worker that has it, after its pauses.

        `None` for no limit.
        """
        if self.timeout is None or self.durable:
            return self.timeout
        times = self.retry.times
        tries = (times + 1) * self.timeout + sum(self.retry.pause(failures) for failures in range(1, times + 1))
        return min(tries, LONGEST_TIMEOUT if self.deadline is None else self.deadline - self.submitted)

    def seal(self, keys: KeyRing) -> bytes:
        """The task as a signed envelope: ASCII JSON.

        Raises:
            InvalidArgumentError: it is larger than what a worker reads.
        """
        text = self.model_dump_json()
        envelope = json.dumps({"spec": text, "signature": keys.sign(PURPOSE, text.encode())}).encode("ascii")
        if len(envelope) > LARGEST_ENVELOPE:
            message = (
                f"the arguments of {self.action} make a task of {len(envelope)} bytes but it may have at most "
                f"{LARGEST_ENVELOPE}; store what is large as datasets and give their names"
            )
            raise InvalidArgumentError(message)
        return envelope


class ErrorData(Model):
    """An error as data: nothing in here is imported or run by who reads it.

    Attributes:
        type: the full name of its type, for example `builtins.ValueError`.
        message: its text.
        traceback: where it happened on the worker, as text.
        notes: what was added to it with `add_note`.
        errors: what an `ExceptionGroup` holds, or some of it.
    """

    type: str
    message: str
    traceback: str = ""
    notes: tuple[str, ...] = ()
    errors: tuple[ErrorData, ...] = ()


class Outcome(Model):
    """What came of a task.

    Attributes:
        id: the task's id.
        state: a final state; or `STARTED` where another worker runs the task, and `RETRY` where it is run again.
        value: what the action returned, on success.
        error: what it raised, on failure.
        worker: who ran it, as `host:pid`.
        seconds: how long the action ran.
        log: what a light task printed and logged, or the last of it; that of a durable one is in the store.
        recorded: whether the task's record says the same.
        notices: what its caller should know although it went well.
    """

    id: str
    state: State
    value: Value | None = None
    error: ErrorData | None = None
    worker: str = ""
    seconds: float = 0.0
    log: str = ""
    recorded: bool = False
    notices: tuple[str, ...] = ()

    def dump(self) -> bytes:
        """The outcome as ASCII JSON."""
        text = self.model_dump_json()
        return text.encode("ascii") if text.isascii() else json.dumps(json.loads(text)).encode("ascii")

    @classmethod
    def load(cls, data: bytes) -> Self:
        """Read what `dump` wrote."""
        return cls.model_validate_json(data)


def staged(*values: Value | None) -> list[str]:
    """The digests of the blobs that these values need, sorted."""
    encoded = (value for value in values if isinstance(value, EncodedValue))
    return sorted(frozenset[str]().union(*(value.blobs for value in encoded)))


def new_id() -> str:
    """A task id: 32 hexadecimal digits, at random."""
    return uuid4().hex

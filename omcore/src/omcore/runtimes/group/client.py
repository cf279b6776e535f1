"""A client's connection to one group."""

from __future__ import annotations

import threading
from itertools import count
from multiprocessing.connection import Client
from typing import TYPE_CHECKING, TypeVar

from omcore.errors import InvalidArgumentError, TaskError, TaskLostError
from omcore.runtimes.backend import WorkerInfo
from omcore.runtimes.group.handle import GroupHandle
from omcore.runtimes.group.messages import (
    LARGEST,
    Answer,
    AskState,
    AskWorkers,
    Cancel,
    Ended,
    Hello,
    Leaving,
    MessageError,
    Refused,
    Submit,
    Welcome,
    read_reply,
    result_of,
    to_text,
)
from omcore.runtimes.group.wire import PATIENCE, NobodyThereError, Wire, WireError
from omcore.runtimes.jobs import LONGEST_LIMIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omcore.runtimes.backend import Delivery
    from omcore.runtimes.group.meeting import Meeting
    from omcore.runtimes.group.messages import Reply, Worker

Question = TypeVar("Question", AskState, AskWorkers, Cancel)

PAUSE = 0.01
"""Seconds between two looks at whether a group that is gone has workers left."""


class GroupClient:
    """Hands deliveries to a group. One thread takes what the group says; any thread may call the rest."""

    def __init__(self, meeting: Meeting, name: str, identity: str) -> None:
        """Connect.

        Raises:
            WireError: no such group is there, or it does not know the key, or it hangs, or it takes no such client.
            ConfigurationError: the key cannot be read.
        """
        self.name = name
        self._meeting = meeting
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._handles: dict[int, GroupHandle] = {}
        self._questions: dict[int, _Question] = {}
        self._over = threading.Event()
        self.closed = self._leaving = False
        self._wire = _connected(meeting, name)
        try:
            self._layout = self._introduce(identity)
        except BaseException:
            self._wire.close()
            raise
        threading.Thread(target=self._listen, name=f"om-group-{name}", daemon=True).start()

    def _introduce(self, identity: str) -> tuple[Worker, ...]:
        self._wire.meet(self._meeting.key(), first=False)
        self._wire.send(Hello(identity=identity).dump())
        try:
            reply = read_reply(self._wire.receive(patient=False))
        except MessageError as error:
            raise WireError(str(error)) from error
        if isinstance(reply, Welcome):
            return reply.workers
        raise WireError(reply.why if isinstance(reply, Refused) else "the group answers what was not asked")

    # --- what the runtime asks for

    @property
    def alive(self) -> bool:
        """Whether the group is there, as far as is known here."""
        return not self._over.is_set()

    @property
    def takes(self) -> bool:
        """Whether the group takes deliveries, as far as is known here."""
        return self.alive and not self._leaving

    def fitting(self, require: frozenset[str]) -> int:
        """How many of its workers offer all of these labels."""
        return sum(require <= worker.labels for worker in self._layout)

    @property
    def load(self) -> int:
        """How many deliveries of this client it has not ended."""
        return len(self._handles)

    def submit(self, delivery: Delivery) -> GroupHandle:
        """Hand over a delivery.

        Raises:
            WireError: the group is gone; nothing was handed over.
            InvalidArgumentError: the envelope is too large, or the id cannot be written.
        """
        number = next(self._numbers)
        message = _message(number, delivery)
        handle = GroupHandle(delivery.id, number, self)
        with self._lock:
            if self._over.is_set():
                raise WireError(f"the group of workers {self.name} is gone")
            self._handles[number] = handle
        try:
            self._wire.send(message)
        except WireError:
            with self._lock:
                self._over.set()
                self._handles.pop(number, None)
            raise
        return handle

    def cancel(self, task_id: str) -> None:
        """End all deliveries of a task, whoever made them.

        Raises:
            TaskError: the group does not answer.
        """
        answer = self._ask(Cancel(number=next(self._numbers), id=task_id))
        if answer is None and self.alive:
            message = (
                f"the group of workers {self.name} did not say within {PATIENCE:g} seconds whether it cancelled task "
                f"{task_id}; look whether its process hangs"
            )
            raise TaskError(message, task_id)

    def workers(self) -> Sequence[WorkerInfo]:
        """Its workers, and what they run; none when it is gone."""
        answer = self._ask(AskWorkers(number=next(self._numbers)))
        known = () if answer is None else answer.workers
        return [WorkerInfo(worker.id, worker.labels, 1, worker.running) for worker in known]

    def runs(self, number: int) -> bool:
        """Whether a delivery runs; when it has just ended, its handle says so when this returns."""
        answer = self._ask(AskState(number=next(self._numbers), about=number))
        return answer is not None and answer.running

    def close(self) -> None:
        """Leave; what was handed over goes on."""
        self.closed = True
        self._over.set()
        self._wire.hang_up()
        with self._lock:
            for handle in self._handles.values():
                handle.abandon()
            self._handles.clear()

    def _ask(self, message: Question) -> Answer | None:
        """Ask the group; `None` when it is gone or does not answer."""
        question = _Question()
        with self._lock:
            if self._over.is_set():
                return None
            self._questions[message.number] = question
        try:
            self._wire.send(message.dump())
            question.answered.wait(PATIENCE)
        except WireError:
            return None
        finally:
            with self._lock:
                self._questions.pop(message.number, None)
        return question.answer

    # --- in the thread

    def _listen(self) -> None:
        try:
            while True:
                self._take(read_reply(self._wire.receive()))
        except (WireError, MessageError):
            self._wire.hang_up()
        self._give_up_questions()
        self._lose_all()
        self._wire.close()

    def _take(self, reply: Reply) -> None:
        match reply:
            case Ended():
                with self._lock:
                    handle = self._handles.pop(reply.number, None)
                if handle is not None:
                    handle.end(result_of(reply, handle.id))
            case Answer():
                with self._lock:
                    question = self._questions.get(reply.number)
                if question is not None:
                    question.give(reply)
            case Leaving():
                self._leaving = True
            case Refused():
                raise MessageError(reply.why)
            case Welcome():
                raise MessageError("a group says welcome once")

    def _give_up_questions(self) -> None:
        with self._lock:
            self._over.set()
            for question in self._questions.values():
                question.give(None)

    def _lose_all(self) -> None:
        """Wait until nothing of the group runs any more; then what it had is lost."""
        pause = threading.Event()
        while not self.closed and self._handles and not self._meeting.gone(self.name):
            pause.wait(PAUSE)
        with self._lock:
            lost = [] if self.closed else list(self._handles.values())
            self._handles.clear()
        for handle in lost:
            message = (
                f"task {handle.id} was lost: the group of workers {self.name} that had it is gone; submit it again"
            )
            handle.end(TaskLostError(message, handle.id))


class _Question:
    def __init__(self) -> None:
        self.answered = threading.Event()
        self.answer: Answer | None = None

    def give(self, answer: Answer | None) -> None:
        self.answer = answer
        self.answered.set()


def _connected(meeting: Meeting, name: str) -> Wire:
    try:
        return Wire(Client(str(meeting.address(name)), "AF_UNIX"))
    except OSError as error:
        raise NobodyThereError(f"nobody answers at {meeting.address(name)}") from error


def _message(number: int, delivery: Delivery) -> bytes:
    if len(delivery.envelope) > LARGEST // 8:
        message = (
            f"task {delivery.id} cannot be handed to a group of workers: its envelope has "
            f"{len(delivery.envelope):,} bytes, and {LARGEST // 8:,} are the most; store what is large as a dataset"
        )
        raise InvalidArgumentError(message)
    limit = delivery.timeout
    return Submit(
        number=number,
        id=delivery.id,
        envelope=to_text(delivery.envelope),
        require=delivery.require,
        timeout=limit if limit is None or limit < LONGEST_LIMIT else None,
    ).dump()

"""One client of a group, from its first message to its last."""

from __future__ import annotations

import logging
import threading
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING

from omcore.errors import TaskError, TaskLostError
from omcore.runtimes.backend import Delivery, EngineState
from omcore.runtimes.group.messages import (
    FORM,
    LARGEST,
    Answer,
    AskState,
    AskWorkers,
    Cancel,
    Hello,
    Leaving,
    MessageError,
    Refused,
    Submit,
    Welcome,
    Worker,
    ended,
    read_request,
    to_bytes,
)
from omcore.runtimes.group.wire import PATIENCE, WireError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omcore.runtimes.group.messages import Request
    from omcore.runtimes.group.wire import Wire
    from omcore.runtimes.jobs import Job
    from omcore.runtimes.pool import Pool

logger = logging.getLogger(__name__)


class Session:
    """Takes a client's messages in one thread and sends it replies in another.

    What a client has submitted goes on when it leaves, for whatever reason.
    """

    def __init__(self, wire: Wire, pool: Pool, key: bytes, identity: str) -> None:
        self._wire = wire
        self._pool = pool
        self._key = key
        self._identity = identity
        self._greeted = False
        self._jobs: dict[int, Job] = {}
        self._replies: SimpleQueue[bytes | None] = SimpleQueue()
        self._writer = threading.Thread(target=self._write, name="om-group-replies", daemon=True)

    def run(self) -> None:
        """Serve the client until it leaves, or says what cannot be understood."""
        try:
            self._wire.meet(self._key, first=True)
            self._writer.start()
            self._greet()
            while True:
                self._do(read_request(self._wire.receive()))
        except WireError:
            pass  # it left; that is no news
        except MessageError as error:
            logger.warning("a client of this group was refused: %s", error)
            self._say(Refused(why=str(error)).dump())
        finally:
            self._end()

    def announce_end(self) -> None:
        """Tell the client that the group takes nothing more."""
        if self._greeted:
            self._say(Leaving().dump())

    def leave(self) -> None:
        """Tell the client what is left to tell, and end the connection; a client that does not listen is left too."""
        self._replies.put(None)
        if self._writer.ident is not None:
            self._writer.join(PATIENCE)
        self._wire.hang_up()

    def _end(self) -> None:
        self.leave()
        if self._writer.ident is not None:
            self._writer.join()
        self._wire.close()

    def _write(self) -> None:
        try:
            while (reply := self._replies.get()) is not None:
                self._wire.send(reply)
        except WireError:
            pass  # the reader learns of it too
        self._wire.hang_up()

    def _say(self, reply: bytes) -> None:
        self._replies.put(reply)

    # --- what a client asks for

    def _greet(self) -> None:
        hello = read_request(self._wire.receive(patient=False))
        if not isinstance(hello, Hello) or hello.form != FORM:
            raise MessageError(f"the first message must be a hello of form {FORM}")
        if hello.identity != self._identity:
            raise MessageError("the group was started with another configuration than the client's")
        self._say(Welcome(workers=tuple(self._workers())).dump())
        self._greeted = True

    def _do(self, message: Request) -> None:
        match message:
            case Submit():
                self._submit(message)
            case Cancel():
                self._pool.cancel(message.id)
                self._say(Answer(number=message.number).dump())
            case AskState():
                job = self._jobs.get(message.about)
                running = job is not None and job.state is EngineState.RUNNING
                self._say(Answer(number=message.number, running=running).dump())
            case AskWorkers():
                self._say(Answer(number=message.number, workers=tuple(self._workers())).dump())
            case Hello():
                raise MessageError("a client says hello once")

    def _submit(self, message: Submit) -> None:
        if message.number in self._jobs:
            raise MessageError(f"the number {message.number} is taken")
        delivery = Delivery(message.id, to_bytes(message.envelope), message.require, message.timeout)
        tell = partial(self._tell, message.number, message.id)
        try:
            job = self._pool.submit(delivery, tell)
        except TaskError as error:
            tell(TaskLostError(str(error), message.id))
            return
        self._jobs[message.number] = job
        if job.state not in (EngineState.QUEUED, EngineState.RUNNING):
            self._jobs.pop(message.number, None)  # it ended before it was noted

    def _tell(self, number: int, task_id: str, result: bytes | TaskError) -> None:
        """Called under the pool's lock."""
        self._jobs.pop(number, None)
        if not isinstance(result, TaskError) and len(result) > LARGEST // 8:
            message = f"the outcome of task {task_id} is lost: its {len(result):,} bytes are more than a group sends"
            result = TaskLostError(message, task_id)
        self._say(ended(number, result).dump())

    def _workers(self) -> Sequence[Worker]:
        return [Worker(id=worker.id, labels=worker.labels, running=worker.running) for worker in self._pool.workers()]

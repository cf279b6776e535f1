"""A task as it comes to a worker: an envelope, whose signature is checked before anything else is believed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pydantic import ValidationError

from omcore.errors import SignatureError
from omcore.runtimes.task import LARGEST_ENVELOPE, PURPOSE, Model, TaskSpec
from omcore.sentences import one_line

if TYPE_CHECKING:
    from omcore.signing import KeyRing


class _Envelope(Model):
    spec: str
    signature: dict[str, str]


class SealedTask:
    """An envelope whose form is right and whose signature was not looked at yet.

    The context is read before the signature is checked, because it says whose keys to check with; nothing else is.
    """

    def __init__(self, envelope: bytes) -> None:
        """Read the envelope.

        Raises:
            SignatureError: it is too long, or does not have the form of one.
        """
        if len(envelope) > LARGEST_ENVELOPE:
            message = f"a task of {len(envelope)} bytes was refused; the largest that is read has {LARGEST_ENVELOPE}"
            raise SignatureError(message)
        try:
            self._envelope = _Envelope.model_validate_json(envelope)
            self.unverified = TaskSpec.model_validate_json(self._envelope.spec)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            message = f"a message that is no task was refused: {one_line(first['msg'], 200)}"
            raise SignatureError(message) from None

    def open(self, keys: KeyRing, now: float | None = None) -> TaskSpec:
        """Check the signature and the time, and return the task.

        A ring without keys opens any task: a context without a key trusts whoever reaches its engine.

        Raises:
            SignatureError: the task is unsigned, altered or expired, or signed with a key that is not accepted.
        """
        spec = self.unverified
        signature = self._envelope.signature
        if keys and not keys.verify(PURPOSE, self._envelope.spec.encode(), signature):
            signer = f"signed with key {one_line(signature['key'], 20)!r}" if signature.get("key") else "not signed"
            message = (
                f"task {spec.id} was refused: it is {signer} or was altered, and context {spec.context!r} runs only "
                f"tasks signed with a key that it lists; give the client the same signing_key"
            )
            raise SignatureError(message, spec.id)
        if spec.expires is not None and (time.time() if now is None else now) > spec.expires:
            message = f"task {spec.id} was refused: it expired before a worker could start it; submit it again"
            raise SignatureError(message, spec.id)
        return spec

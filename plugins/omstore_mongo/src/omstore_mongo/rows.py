"""How a record is written as a document of MongoDB.

    {_id: key, revision: "...", body: {field: "JSON text", ...}, checksum: bytes, recent: [revisions]}

Each field of the body is kept as JSON text: what comes back is exactly what went in, whatever BSON would have made of
it, and no value that is searched for can be taken for an operator. `recent` holds the latest revisions, so that a
writer who got no answer finds out whether its change was made. `next` is there while several records change together
on a server without transactions; see `intents`.
"""

from __future__ import annotations

import json
import re
import secrets
from typing import TYPE_CHECKING, Any

from blake3 import blake3
from pydantic_core import from_json

from omcore.errors import CorruptRecordError
from omcore.storage.backend import Delete, Record
from omcore.storage.bodies import encode_body

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from omcore.storage.backend import Change, Put
    from omcore.storage.bodies import Scalar
    from omstore_mongo.connection import Document

RECENT = 8
"""How many of its latest revisions a record remembers: so many writers may come between a change and its repetition."""

_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def to_row(put: Put) -> Document:
    """The new state of a record: revision, body, checksum.

    Raises:
        InvalidArgumentError: the body breaks a rule of `omcore.storage.backend.Body`.
    """
    encode_body(put)
    body = {name: _text(value) for name, value in put.body.items()}
    revision = secrets.token_urlsafe(12)
    return {"revision": revision, "body": body, "checksum": _checksum(put.key, revision, body)}


def to_record(row: Document) -> Record:
    """A record that was read whole.

    Raises:
        CorruptRecordError: it does not match its checksum, or has not the form of a record.
    """
    try:
        if _checksum(row["_id"], row["revision"], row["body"]) != row["checksum"]:
            raise damaged(row["_id"])
    except (KeyError, TypeError, AttributeError) as error:
        raise damaged(row["_id"]) from error
    return to_listed(row)


def to_listed(row: Document) -> Record:
    """A record of whose body only some fields were read, so that its checksum says nothing.

    Raises:
        CorruptRecordError: it has not the form of a record.
    """
    try:
        return Record(row["_id"], {name: from_json(text) for name, text in row["body"].items()}, row["revision"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise damaged(row["_id"]) from error


def damaged(key: str) -> CorruptRecordError:
    """The error that says so of a record."""
    return CorruptRecordError(f"record {key!r} does not match its checksum; restore the storage from a copy")


def updated(row: Document) -> Document:
    """The update that makes a record what `row` says."""
    return {"$set": row, "$push": {"recent": {"$each": [row["revision"]], "$slice": -RECENT}}}


def unchanged(change: Change) -> Document:
    """Finds the record of a change if it is still what the change expects, and nobody is about to change it."""
    expected: Any = change.expected if change.expected is not None else {"$exists": False}
    return {"_id": change.key, "revision": expected, "next": {"$exists": False}}


def rows_of(changes: Collection[Change]) -> Mapping[str, Document]:
    """The new state of every record that is put, by key."""
    return {change.key: to_row(change) for change in changes if not isinstance(change, Delete)}


def within(prefix: str, after: str | None) -> Document:
    """Finds the records of a prefix, after a key."""
    found: Document = {"$gte": prefix}
    if prefix:
        found["$lt"] = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    if after is not None:
        found["$gt"] = after
    return {"_id": found}


def having(where: Mapping[str, Scalar]) -> Document | None:
    """Finds the records whose fields have these values; `None` where no record can have them."""
    found: Document = {}
    for name, wanted in where.items():
        if _FIELD.fullmatch(name):
            found[f"body.{name}"] = {"$in": _texts(wanted)}
        elif wanted is not None:
            return None
    return found


def showing(fields: Collection[str]) -> Document:
    """The projection to these fields of the body, and what every record has."""
    known = [name for name in fields if _FIELD.fullmatch(name)]  # and of none of them, an empty body
    return {"revision": 1, "next": 1, **{f"body.{name}": 1 for name in known or ["_"]}}


def _texts(wanted: Scalar) -> list[str | None]:
    """All the JSON texts that `json.dumps` writes for a value equal to this one; `None` stands for no such field."""
    if wanted is None:
        return [None, "null"]
    if isinstance(wanted, bool | str):
        return [text] if _can_be_kept(text := _text(wanted)) else []
    if not isinstance(wanted, int | float):
        return []  # no scalar: no field is equal to it
    texts: list[str | None] = []
    if isinstance(wanted, int) or wanted.is_integer():
        texts.append(str(int(wanted)))
    texts += [repr(other) for other in _equal_floats(wanted)]
    return texts


def _can_be_kept(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _equal_floats(wanted: float) -> list[float]:
    try:
        near = float(wanted)
    except OverflowError:
        return []
    if near == 0:
        return [0.0, -0.0]
    return [near] if near == wanted else []


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _checksum(key: str, revision: str, body: Mapping[str, str]) -> bytes:
    pieces = [key, revision, *(piece for item in body.items() for piece in item)]
    return blake3("\0".join(pieces).encode()).digest(16)

"""The documents of a collection, in the order of their ids, and how to go on after one of them."""

from __future__ import annotations

from typing import Any

import bson
from bson import Decimal128
from bson.codec_options import CodecOptions, DatetimeConversion

from omstore_mongo.queries import any_of

_ORDER: tuple[tuple[frozenset[int], tuple[str, ...]], ...] = (
    (frozenset({0xFF}), ("minKey",)),
    (frozenset({0x0A}), ("null",)),
    (frozenset({0x01, 0x10, 0x12, 0x13}), ("number",)),
    (frozenset({0x02, 0x0E}), ("string", "symbol")),
    (frozenset({0x03}), ("object",)),
    (frozenset({0x05}), ("binData",)),
    (frozenset({0x07}), ("objectId",)),
    (frozenset({0x08}), ("bool",)),
    (frozenset({0x09}), ("date",)),
    (frozenset({0x11}), ("timestamp",)),
    (frozenset({0x7F}), ("maxKey",)),
)
"""The types that an id may have, as the server sorts them: what they are in BSON, and what queries call them."""

_OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS)


def after(document: bytes) -> dict[str, Any] | None:
    """The query that finds all documents whose ids come after that of a document, in BSON; `None` where there is none.

    Comparisons of the server stay within a type, so that the types that come after it are asked for, too.
    """
    if document[5:9] != b"_id\0":
        return None
    ranks = [rank for rank, (codes, _) in enumerate(_ORDER) if document[4] in codes]
    if not ranks:
        return None
    value = bson.decode(document, _OPTIONS)["_id"]
    later = [name for _, names in _ORDER[ranks[0] + 1 :] for name in names]
    within = {"_id": {"$gte": float("-inf")} if _is_nan(value) else {"$gt": value}}  # NaN comes before all numbers
    return any_of([within, {"_id": {"$type": later}}] if later else [within])


def _is_nan(value: Any) -> bool:
    return isinstance(value, float | Decimal128) and str(value).lower() == "nan"


def split(batch: bytes) -> list[bytes]:
    """Documents that follow each other in BSON, one by one: each begins with its length."""
    found, start = [], 0
    while start < len(batch):
        end = start + int.from_bytes(batch[start : start + 4], "little")
        found.append(batch[start:end])
        start = end
    return found

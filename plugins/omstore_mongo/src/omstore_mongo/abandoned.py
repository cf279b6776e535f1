"""Transactions whose client has died: the server would keep what they hold for a minute."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pymongo.errors import OperationFailure

if TYPE_CHECKING:
    from pymongo import MongoClient

APPLICATION = "omcore"
"""The name under which this plugin's clients are known to the server."""


def end_abandoned(client: MongoClient[dict[str, Any]], idle: float) -> None:
    """End the transactions of this user and this plugin to which nobody has said anything for so many seconds.

    A writer who was only slow is told that his transaction is gone, and makes another. A server that lets nobody look
    is left to its own time.
    """
    sessions: list[dict[str, Any]] = [
        {"$currentOp": {"allUsers": False, "idleSessions": True}},
        {
            "$match": {
                "type": "idleSession",
                "appName": APPLICATION,
                "transaction.timeInactiveMicros": {"$gt": int(idle * 1_000_000)},
            }
        },
        {"$project": {"lsid": 1}},
    ]
    with suppress(OperationFailure):
        found = [{"id": one["lsid"]["id"]} for one in client.admin.aggregate(sessions)]
        if found:
            client.admin.command("killSessions", found)

"""A writer of documents that is killed leaves whole versions, and nothing that garbage collection does not clear."""

from __future__ import annotations

import datetime as dt
import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from omcore.storage.gc import collect

from .natives import collections_of, datasets, opened

if TYPE_CHECKING:
    from pathlib import Path

    from omcore.objects.store import ObjectStore
    from tests.services.mongod import Mongod

ROWS = 11_000
PATIENCE = 60.0

WRITER = """
import sys
from pathlib import Path
import pandas as pd
from pydantic import SecretStr
from omcore.objects.codecs.entries import BUILTIN
from omcore.objects.registry import CodecRegistry
from omcore.objects.store import ObjectStore, TrustRules
from omcore.signing import KeyRing
from omcore.storage.backend import Place
from omstore_mongo.options import MongoOptions
from omstore_mongo.plugin import om_codecs
from omstore_mongo.storage import MongoStorage
from tests.core.promotion.world import Log
from plugins.omstore_mongo.tests.opening import DATABASE, space_of

url, folder, rows = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
place = Place(folder.name, folder)
options = MongoOptions(url=SecretStr(url), database=DATABASE, space=space_of(place))
with MongoStorage(options, place) as storage:
    codecs = CodecRegistry([*om_codecs(), *BUILTIN])
    store = ObjectStore("datasets", "omega", "dev", storage, codecs, KeyRing(), Log(), TrustRules(), "ann@here")
    number = 0
    while True:
        number += 1
        store.put(pd.DataFrame({"x": range(number, number + rows)}), "frame", kind="mongo.documents")
"""


def versions(store: ObjectStore) -> int:
    return store.metadata("frame").version if store.exists("frame") else 0


@pytest.mark.slow
def test_a_killed_writer_leaves_whole_versions_and_no_garbage(server: Mongod, tmp_path: Path, scale: int) -> None:
    chance = random.Random()
    with opened(server, tmp_path / "a") as storage:
        store = datasets(storage)
        others = set(collections_of(server))
        for _ in range(scale):
            before = versions(store)
            command = [sys.executable, "-c", WRITER, server.url, str(tmp_path / "a"), str(ROWS)]
            with subprocess.Popen(command) as writer:
                end = time.monotonic() + PATIENCE
                while versions(store) == before:
                    assert writer.poll() is None
                    assert time.monotonic() < end, "the writer wrote nothing"
                time.sleep(chance.uniform(0, 0.3))  # nothing is waited for: it is killed wherever it is then
                writer.kill()
            frame = store.get("frame")
            pd.testing.assert_frame_equal(frame, pd.DataFrame({"x": range(frame["x"][0], frame["x"][0] + ROWS)}))
        numbers = [each.version for each in store.versions("frame")]
        assert numbers == [*range(1, len(numbers) + 1)]
        collect(storage, -dt.timedelta(seconds=2))
        kept = {str(each.schema["collection"]) for each in store.versions("frame")}
        assert set(collections_of(server)) - others == kept
        for number in numbers:
            assert len(store.get("frame", version=number)) == ROWS

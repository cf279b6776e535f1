"""Bar X1: hostile pickles on every way to load something, mislabelled and wrapped: none is executed."""

from __future__ import annotations

import contextlib
import copyreg
import pickle
import struct
from typing import TYPE_CHECKING, Any

import pytest

from omcore.errors import CorruptBlobError, OmError, UntrustedError
from omcore.objects.codecs.base import Codec, Content, Part, Query, Trust
from omcore.objects.codecs.entries import BUILTIN
from omcore.objects.codecs.estimators import EstimatorCodec
from omcore.objects.codecs.loaders import guarded
from omcore.objects.codecs.loaders.pickles import Unpickler
from omcore.objects.codecs.memory import MemorySource
from omcore.objects.codecs.rules import Rule, read_batches, read_value
from omcore.objects.codecs.wire import decode_inline
from omcore.objects.registry import load_codec
from tests.core.codecs.hostile_pickles import in_an_estimator, payloads

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = Trust()
NAMES = sorted(payloads("x"))
CODECS = {entry.kind: load_codec(entry.kind, entry.target) for entry in BUILTIN}
HEAD = struct.Struct("<8sQQ")


def packed(data: bytes) -> bytes:
    """A pickle in the form that the codec for estimators writes."""
    return HEAD.pack(b"omcore\x00\x05", len(data), 0) + data


def decoded(kind: str, data: bytes, details: dict[str, Any], name: str = "") -> Any:
    content = Content(kind, (Part("0", len(data), name, 1),), details=details, rows=1)
    return CODECS[kind].decode(content, MemorySource([data]), Query(), NOBODY)


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    return tmp_path / "canary"


def test_there_are_payloads_of_every_kind() -> None:
    assert len(NAMES) >= 100


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_pickle_is_refused_and_not_executed(name: str, canary: Path) -> None:
    with pytest.raises((UntrustedError, CorruptBlobError)):
        decoded("sklearn.estimator", packed(payloads(str(canary))[name]), {})
    assert not canary.exists()


@pytest.mark.parametrize("kind", [kind for kind in CODECS if kind not in {"bytes", "file", "python.script"}])
@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_pickle_under_the_name_of_another_kind_is_not_executed(kind: str, name: str, canary: Path) -> None:
    data = payloads(str(canary))[name]
    details = [
        {},
        {"dtype": "|u1", "shape": [len(data)], "order": "C", "format": 1, "name": "x.py", "package": False},
        {
            "format": 1,
            "columns": {"form": "text", "texts": ["x"], "label": None, "of": None},
            "fields": [[1, {"type": "object", "cells": "text", "missing": "none"}]],
            "index": {"form": "range", "start": 0, "step": 1, "label": None},
        },
    ]
    for each in details:
        for part in ("", "rows.arrow", "rows.parquet", "rows.block", "schema.arrow", "x.py"):
            try:
                decoded(kind, data, each, part)
            except OmError:
                continue
    assert not canary.exists()


@pytest.mark.parametrize("kind", [kind for kind, codec in CODECS.items() if codec.plain])
def test_a_hostile_pickle_inside_a_task_is_not_executed(kind: str, canary: Path) -> None:
    for data in payloads(str(canary)).values():
        for wrapped in (data, packed(data), struct.pack("<I", 2) + b"[]" + data):
            with pytest.raises(OmError):
                decode_inline(kind, wrapped, CODECS[kind])
    assert not canary.exists()


def test_a_hostile_object_inside_a_real_estimator_is_not_executed(canary: Path) -> None:
    with pytest.raises(UntrustedError, match=r"posix\.system"):
        decoded("sklearn.estimator", packed(in_an_estimator(str(canary))), {})
    assert not canary.exists()


def test_a_registered_extension_does_not_slip_through(canary: Path) -> None:
    copyreg.add_extension("posix", "system", 0x7F)
    try:
        for name in NAMES:
            if "extension" in name:
                data = payloads(str(canary))[name]
                pickle.loads(b"\x80\x02\x82\x7f.")  # whoever loads it first leaves it in a cache
                with pytest.raises(UntrustedError, match=r"posix\.system"):
                    decoded("sklearn.estimator", packed(data), {})
    finally:
        copyreg.remove_extension("posix", "system", 0x7F)
    assert not canary.exists()


def test_to_trust_one_type_is_to_trust_no_other(canary: Path) -> None:
    trust = Trust(types=frozenset({"os", "os.path", "posix", "builtins", "subprocess.Popen.x", "acme.Model"}))
    content = Content("sklearn.estimator", (), {})
    for data in map(packed, payloads(str(canary)).values()):
        whole = Content("sklearn.estimator", (Part("0", len(data)),), content.schema, content.details)
        with pytest.raises((UntrustedError, CorruptBlobError)):
            EstimatorCodec().decode(whole, MemorySource([data]), Query(), trust)
    assert not canary.exists()


def test_who_unpickles_inside_a_codec_of_a_plugin_is_stopped_by_the_net(canary: Path) -> None:
    for name in ("os.system", "protocol 0", "INST", "memo"):
        data = payloads(str(canary))[name]
        for plain in (True, False):
            with guarded(NOBODY, "the example", plain), pytest.raises(UntrustedError, match=r"\.system"):
                pickle.loads(data)
    assert not canary.exists()
    with guarded(NOBODY, "the example", plain=True), pytest.raises(UntrustedError, match="OrderedDict"):
        pickle.loads(b"ccollections\nOrderedDict\n.")
    pickle.loads(b"ccollections\nOrderedDict\n.")


# --- the planted defects: the same payloads, and looser rules


def executed(allows: Any, canary: Path) -> list[str]:
    """Which payloads a looser rule lets run."""
    found = []
    for name in ("os.system", "dots through pandas", "numpy.memmap", "scipy distribution", "pandas to_pickle"):
        data = payloads(str(canary))[name]
        with contextlib.suppress(Exception):  # what counts is whether it ran
            Unpickler(data, [], Rule(allows, NOBODY, "the example")).load()
        if canary.exists():
            canary.unlink()
            found.append(name)
    return found


@pytest.mark.filterwarnings("ignore")
def test_a_list_of_prefixes_is_caught(canary: Path) -> None:
    prefixes = ("numpy", "scipy", "pandas", "sklearn")
    found = executed(lambda each: each[0].startswith(prefixes), canary)
    assert {"dots through pandas", "numpy.memmap", "scipy distribution"} <= set(found)
    assert "os.system" not in found


@pytest.mark.filterwarnings("ignore")
def test_no_list_at_all_is_caught(canary: Path) -> None:
    assert "os.system" in executed(lambda _: True, canary)


class Careless(Codec):
    """A codec of a plugin that unpickles whatever it finds, and says that it is plain."""

    api_version = 1
    kind = "example.careless"
    plain = True

    def encode(self, value: Any, sink: Any) -> Content:
        return Content(self.kind, (sink.add([pickle.dumps(value)]),))

    def decode(self, content: Content, source: Any, query: Query, trust: Trust) -> Any:
        with source.open(content.parts[0]) as stream:
            return pickle.load(stream)

    def batches(self, content: Content, source: Any, query: Query, trust: Trust) -> Any:
        yield self.decode(content, source, query, trust)


@pytest.mark.parametrize("read", [read_value, lambda *args: list(read_batches(*args))])
def test_a_careless_codec_of_a_plugin_is_stopped_where_the_core_calls_it(read: Any, canary: Path) -> None:
    data = payloads(str(canary))["os.system"]
    content = Content(Careless.kind, (Part("0", len(data)),))
    with pytest.raises(UntrustedError, match=r"os\.system"):
        read(Careless(), content, MemorySource([data]), Query(), NOBODY)
    assert not canary.exists()
    harmless = pickle.dumps([1, "a"])
    assert "a" in str(read(Careless(), content, MemorySource([harmless]), Query(), NOBODY))

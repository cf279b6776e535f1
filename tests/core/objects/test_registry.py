"""Which codec is asked, and what is said when one cannot be used."""

from __future__ import annotations

import sys
from collections import OrderedDict
from types import ModuleType
from typing import Any

import pytest

from omcore.errors import (
    PluginBrokenError,
    PluginConflictError,
    PluginNotFoundError,
    PluginVersionError,
    UnsupportedTypeError,
)
from omcore.objects.codecs.base import Codec, CodecEntry, Content
from omcore.objects.registry import CodecRegistry

MODULE = "codecs_under_test"
ANYWHERE = frozenset({"datasets", "models"})


class Base(Codec):
    api_version = 1
    plain = True

    def encode(self, value: Any, sink: Any) -> Content:
        raise NotImplementedError

    def decode(self, content: Any, source: Any, query: Any, trust: Any) -> Any:
        raise NotImplementedError


class Mappings(Base):
    kind = "mappings"


class Ordered(Base):
    kind = "ordered"

    def takes(self, value: Any) -> bool:
        return len(value) > 1


class Old(Base):
    kind = "old"
    api_version = 0


class Plain:
    kind = "plain"


@pytest.fixture(autouse=True)
def module(monkeypatch: pytest.MonkeyPatch) -> None:
    made = ModuleType(MODULE)
    made.__dict__.update(Mappings=Mappings, Ordered=Ordered, Old=Old, Plain=Plain)
    monkeypatch.setitem(sys.modules, MODULE, made)


def entry(kind: str, target: str, *types: str, stores: frozenset[str] = ANYWHERE) -> CodecEntry:
    return CodecEntry(kind, f"{MODULE}:{target}", types, stores)


MAPPINGS = entry("mappings", "Mappings", "builtins.dict")
ORDERED = entry("ordered", "Ordered", "collections.OrderedDict")


def test_the_nearest_class_wins_and_a_codec_may_pass() -> None:
    codecs = CodecRegistry([MAPPINGS, ORDERED])
    assert codecs.for_value({}, "datasets").kind == "mappings"
    assert codecs.for_value(OrderedDict(a=1, b=2), "datasets").kind == "ordered"
    assert codecs.for_value(OrderedDict(a=1), "datasets").kind == "mappings"
    assert codecs.for_value(OrderedDict(a=1, b=2), "datasets", "mappings").kind == "mappings"


def test_of_two_that_fit_equally_well_the_earlier_is_asked_first() -> None:
    also = entry("mappings", "Mappings", "collections.OrderedDict")
    assert CodecRegistry([also, ORDERED]).for_value(OrderedDict(a=1, b=2), "datasets").kind == "mappings"
    assert CodecRegistry([ORDERED, also]).for_value(OrderedDict(a=1, b=2), "datasets").kind == "ordered"


def test_a_store_takes_only_the_kinds_that_are_meant_for_it() -> None:
    codecs = CodecRegistry([entry("mappings", "Mappings", "builtins.dict", stores=frozenset({"datasets"})), ORDERED])
    with pytest.raises(
        UnsupportedTypeError, match=r"type builtins\.dict cannot be stored in models; it takes 'ordered'"
    ):
        codecs.for_value({}, "models")
    assert codecs.kinds("models") == ["ordered"]
    assert codecs.kinds() == ["mappings", "ordered"]


def test_a_value_that_its_codecs_cannot_keep_exactly_is_refused_with_their_kinds() -> None:
    with pytest.raises(UnsupportedTypeError, match="cannot be kept exactly in datasets as 'ordered'"):
        CodecRegistry([ORDERED]).for_value(OrderedDict(a=1), "datasets")


def test_a_codec_without_types_is_chosen_only_by_its_kind() -> None:
    codecs = CodecRegistry([entry("mappings", "Mappings")])
    assert codecs.for_value(5, "datasets", "mappings").kind == "mappings"
    with pytest.raises(UnsupportedTypeError):
        codecs.for_value(5, "datasets")


def test_a_kind_that_no_codec_reads_is_named_with_the_near_one() -> None:
    with pytest.raises(PluginNotFoundError, match="no installed codec reads objects of kind 'orderd'; did you mean"):
        CodecRegistry([ORDERED]).for_kind("orderd")


def test_nothing_is_imported_before_it_is_needed_and_then_once() -> None:
    codecs = CodecRegistry([entry("broken", "Nothing", "builtins.int"), MAPPINGS])
    assert codecs.for_kind("mappings") is codecs.for_value({}, "datasets")
    with pytest.raises(PluginBrokenError):
        codecs.for_value(1, "datasets")


@pytest.mark.parametrize(
    ("bad", "error", "why"),
    [
        (CodecEntry("x", "no_such_module_at_all:X", (), ANYWHERE), PluginBrokenError, "ModuleNotFoundError"),
        (entry("x", "Nothing"), PluginBrokenError, "AttributeError"),
        (CodecEntry("x", "", (), ANYWHERE), PluginBrokenError, "cannot be imported"),
        (entry("plain", "Plain"), PluginBrokenError, "is no subclass"),
        (entry("old", "Old"), PluginVersionError, "is for contract 0, omcore has 1"),
        (entry("x", "Mappings"), PluginBrokenError, "was announced for kind 'x' but says 'mappings'"),
    ],
)
def test_a_codec_that_is_not_what_it_promises_is_refused(bad: CodecEntry, error: type[Exception], why: str) -> None:
    with pytest.raises(error, match=why):
        CodecRegistry([bad]).for_kind(bad.kind)


def test_two_codecs_of_one_kind_are_an_error_that_names_both() -> None:
    codecs = CodecRegistry([entry("mappings", "Other", "builtins.dict"), MAPPINGS])
    with pytest.raises(PluginConflictError, match=rf"'{MODULE}:Mappings', '{MODULE}:Other'"):
        codecs.for_kind("mappings")

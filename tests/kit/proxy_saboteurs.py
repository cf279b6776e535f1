"""Broken proxies, each in its own way, and a whole one. The kit must catch every one but the last."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from omcore.proxies.base import Data, RuntimeProxy, Work, action
from omcore.proxies.pieces import Pieces
from omcore.testing.proxy import Example, ProxyConformance


class Whole(RuntimeProxy):
    """Adds to a list of numbers, and tells about it."""

    api_version = 1
    name = "numbers"
    store = "datasets"

    @action()
    def total(self, more: Data = (), *, into: str | None = None) -> Any:
        """The sum, with some more."""
        result = sum(self.work.load()) + sum(more)
        return result if into is None else self.work.store(result, into=into)

    @action(durable=True)
    def extend(self, more: Data) -> Any:
        """Store a longer list."""
        return self.work.store([*self.work.load(), *more])


class _Examples(ProxyConformance):
    proxy: ClassVar[type[RuntimeProxy]] = Whole

    @pytest.fixture
    def stored(self) -> Any:
        return [1, 2, 3]

    @pytest.fixture
    def examples(self) -> dict[str, Example]:
        return {"total": Example(([4],)), "extend": Example(([4],))}


class Versionless(Whole):
    """Inherits its version, so it would say 1 for ever."""


class Shadowing(Whole):
    api_version = 1
    name = "require"


class Storeless(Whole):
    api_version = 1
    store = "drawers"


class Silent(Whole):
    api_version = 1

    @action()
    def total(self, more: Data = (), *, into: str | None = None) -> Any:
        result = sum(self.work.load()) + sum(more)
        return result if into is None else self.work.store(result, into=into)


class Positional(Whole):
    api_version = 1

    @action()
    def total(self, more: Data = (), into: str | None = None) -> Any:
        """The sum."""
        result = sum(self.work.load()) + sum(more)
        return result if into is None else self.work.store(result, into=into)


class Unswitched(Whole):
    """Shares rows out, and has no parameter to ask for it."""

    api_version = 1

    @action(pieces=Pieces("more"))
    def total(self, more: Data = (), *, into: str | None = None) -> Any:
        """The sum."""
        result = sum(self.work.load()) + sum(more)
        return result if into is None else self.work.store(result, into=into)


class Secretive(Whole):
    """Stores in an action that says it is light."""

    api_version = 1

    @action()
    def extend(self, more: Data) -> Any:
        """Store a longer list."""
        return self.work.store([*self.work.load(), *more])


class Deaf(Whole):
    api_version = 1

    @action()
    def total(self, more: Data = (), *, into: str | None = None) -> Any:
        """The sum, wherever it was to go."""
        return sum(self.work.load()) + sum(more)


class Careless(Whole):
    api_version = 1

    @action(durable=True)
    def extend(self, more: Data) -> Any:
        """Change what others hold as well."""
        numbers = self.work.load()
        numbers.extend(more)
        return self.work.store(numbers)


class Unsendable(Whole):
    api_version = 1

    @action()
    def total(self, more: Data = (), *, into: str | None = None) -> Any:
        """The sum, as nothing that could travel."""
        result = object()
        return result if into is None else self.work.store(result, into=into)


class Remembering(Whole):
    api_version = 1
    seen: ClassVar[list[int]] = []

    @action()
    def total(self, more: Data = (), *, into: str | None = None) -> Any:
        """The sum of all that was ever asked."""
        self.seen.extend(more)
        result = sum(self.seen)
        return result if into is None else self.work.store(result, into=into)


class Greedy(Whole):
    api_version = 1

    @action()
    def total(self, *more: Data, into: str | None = None) -> Any:
        """The sum of any number of things."""
        result = sum(self.work.load())
        return result if into is None else self.work.store(result, into=into)


class Impatient(Whole):
    """Runs at once what should have been submitted."""

    api_version = 1

    def submit(self, act: Any, args: Any, kwargs: Any) -> Any:
        return 6


class Everywhere(Whole):
    api_version = 1

    @property
    def work(self) -> Work:
        return self._site  # type: ignore[return-value]


class Broken(Whole):
    api_version = 1

    @action()
    def total(self, more: Data = (), *, into: str | None = None) -> Any:
        """Fails."""
        raise RuntimeError("broken")


class TestWhole(_Examples):
    proxy = Whole


class TestVersionless(_Examples):
    proxy = Versionless


class TestShadowing(_Examples):
    proxy = Shadowing


class TestStoreless(_Examples):
    proxy = Storeless


class TestSilent(_Examples):
    proxy = Silent


class TestPositional(_Examples):
    proxy = Positional


class TestUnswitched(_Examples):
    proxy = Unswitched


class TestSecretive(_Examples):
    proxy = Secretive


class TestDeaf(_Examples):
    proxy = Deaf


class TestCareless(_Examples):
    proxy = Careless


class TestUnsendable(_Examples):
    proxy = Unsendable


class TestRemembering(_Examples):
    proxy = Remembering


class TestGreedy(_Examples):
    proxy = Greedy


class TestImpatient(_Examples):
    proxy = Impatient


class TestEverywhere(_Examples):
    proxy = Everywhere


class TestBroken(_Examples):
    proxy = Broken


class TestForgetful(_Examples):
    """Whole, but an action has no example."""

    @pytest.fixture
    def examples(self) -> dict[str, Example]:
        return {"total": Example()}

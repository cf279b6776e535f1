"""The proxies of jobs and scripts keep the contract of proxies."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

import omcore
from omcore.objects.codecs.base import Content, Part, Query, Trust
from omcore.objects.codecs.scripts import ScriptCodec
from omcore.objects.references import Pin
from omcore.proxies.job import JobProxy
from omcore.proxies.script import ScriptProxy
from omcore.testing.proxy import Desk, Example, ProxyConformance
from tests.core.programs.made import notebook

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from omcore.omega import Omega
    from omcore.proxies.base import RuntimeProxy


SOURCE = b"SEEN = []\ndef run(om, *args, n): SEEN.append(n); return [*args, SEEN]\n"


class Bytes:
    """A source of the one part."""

    def open(self, part: Part) -> BytesIO:
        return BytesIO(SOURCE)

    def path(self, part: Part, *, whole: bool = True) -> None:
        return None


@dataclass
class ProgramDesk:
    """A `Desk` at which programs may run: it also has a bucket, and the version that is run."""

    desk: Desk
    om: Omega
    pin: Pin

    def load(self, *, fresh: bool = False) -> Any:
        return self.desk.load(fresh=fresh)

    def store(self, value: Any, *, into: str | None = None, store: str = "datasets") -> Any:
        return self.desk.store(value, into=into)

    def leave(self, value: Any, *, into: str, store: str) -> None:
        self.desk.kept.append((value, into))

    def progress(self, done: float, total: float | None = None, unit: str = "") -> None:
        """Nobody watches."""


class ProgramConformance(ProxyConformance):
    """The kit, with a worker's bucket at hand."""

    @pytest.fixture(autouse=True)
    def _bucket(self, tmp_path: Path, stored: Any) -> Iterator[None]:
        (tmp_path / "omcore.toml").write_text("[contexts.default]\n")
        with omcore.setup(config=tmp_path / "omcore.toml") as self.omega:
            pin = self.omega.store(self.proxy.store).put(stored, "object")
            self.pin = Pin(self.proxy.store, "object", pin.version, pin.id)
            yield

    def _run(self, name: str, example: Example, desk: Desk) -> Any:
        act = self.proxy.find_action(name)
        work = ProgramDesk(desk, self.omega, self.pin)
        return act.body(self.proxy(work, "object"), **act.bind(example.args, example.kwargs))


class TestScriptProxy(ProgramConformance):
    proxy: ClassVar[type[RuntimeProxy]] = ScriptProxy

    @pytest.fixture
    def stored(self) -> Any:
        part = Part("only", len(SOURCE), "etl.py")
        content = Content("python.script", (part,), {"files": ["etl.py"]}, {"name": "etl.py", "package": False})
        return ScriptCodec().decode(content, Bytes(), Query(), Trust())

    @pytest.fixture
    def examples(self) -> Mapping[str, Example]:
        return {"run": Example(("a", 1), {"n": 2})}


@pytest.mark.slow
class TestJobProxy(ProgramConformance):
    proxy: ClassVar[type[RuntimeProxy]] = JobProxy

    @pytest.fixture
    def stored(self) -> Any:
        return notebook("print(n)", parameters="n = 1")

    @pytest.fixture
    def examples(self) -> Mapping[str, Example]:
        return {"run": Example(kwargs={"n": 2})}

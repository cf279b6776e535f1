"""What every codec keeps where parts are not what they should be; it is attacked in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from omcore.testing.codec.attack import CHANGED, CUT, HOSTILE, Report
from omcore.testing.codec.places import Parts
from omcore.testing.gaps import KnownGaps

if TYPE_CHECKING:
    from pathlib import Path

    from hypothesis import strategies as st

    from omcore.objects.codecs.base import Codec

REPORT = pytest.StashKey["Report"]()
"""Where a test class keeps what the attack on its codec gave."""

NUMBER = 8
"""How many values are attacked."""


class DamageConformance(KnownGaps):
    """A part is verified before it is read, but what wrote it may have been broken, or hostile."""

    @pytest.fixture
    def attacked(
        self, codec: Codec, examples: st.SearchStrategy[Any], tmp_path: Path, request: pytest.FixtureRequest
    ) -> Report:
        """What became of the codec's values when their parts were cut, changed and replaced; found out once a class."""
        stash = request.node.parent.stash
        if REPORT not in stash:
            stash[REPORT] = self._attack(codec, examples, tmp_path)
        report: Report = stash[REPORT]
        return report

    def _attack(self, codec: Codec, examples: st.SearchStrategy[Any], tmp_path: Path) -> Report:
        for number, value in enumerate(_some(examples)):
            parts = Parts()
            content = codec.encode(value, parts)
            blobs = [parts.data(part).hex() for part in content.parts]
            (tmp_path / f"{number}.json").write_text(json.dumps([asdict(content), blobs]))
        name = f"{type(codec).__module__}:{type(codec).__qualname__}"
        command = [sys.executable, "-m", "omcore.testing.codec.attack", name, str(tmp_path)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own module
        found = (tmp_path / "report.json").read_text() if (tmp_path / "report.json").exists() else "{}"
        return Report(ended.returncode, ended.stderr, **json.loads(found))

    def test_no_bytes_crash_the_interpreter(self, attacked: Report) -> None:
        """If this fails, check that offsets, lengths and dtypes that are read from parts are checked before use."""
        assert attacked.code == 0, f"the process that read damaged parts ended with {attacked.code}: {attacked.errors}"

    def test_a_part_that_is_cut_off_is_never_a_value(self, attacked: Report) -> None:
        """If this fails, check that `decode` compares what it finds with the sizes and counts that it wrote."""
        assert not attacked.values_of(CUT), "a value came back from a part that was cut off, or gone"

    def test_what_cannot_be_read_raises_an_error_of_ours(self, attacked: Report) -> None:
        """If this fails, check that what your library raises for bytes it cannot read becomes `CorruptBlobError`."""
        assert not attacked.leaked(CUT, CHANGED, HOSTILE), "errors of other libraries came through"

    def test_no_bytes_run_code(self, attacked: Report) -> None:
        """If this fails, check that `decode` unpickles, evaluates and imports nothing that the bytes name."""
        assert not attacked.ran, f"the bytes of a part ran code: {attacked.ran}"


def _some(examples: st.SearchStrategy[Any]) -> list[Any]:
    found: list[Any] = []

    @settings(
        max_examples=NUMBER,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(examples)
    def collect(value: Any) -> None:
        found.append(value)

    collect()
    return found

"""What every class of the kit does about tests that a plugin cannot pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping


class KnownGaps:
    """Lets a plugin list what it cannot keep, instead of overriding the test that shows it."""

    known_gaps: ClassVar[Mapping[str, str]] = {}
    """Tests that cannot pass, each with its reason. Such a test must fail: a gap that closes is reported."""

    @pytest.fixture(autouse=True)
    def _known_gap(self, request: pytest.FixtureRequest) -> None:
        unknown = [name for name in self.known_gaps if not hasattr(self, name)]
        if unknown:
            raise NameError(f"known_gaps names tests that the kit does not have: {', '.join(unknown)}")
        if reason := self.known_gaps.get(request.function.__name__):
            request.applymarker(pytest.mark.xfail(reason=reason, strict=True))

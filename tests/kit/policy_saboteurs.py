"""Broken policies, each in its own way, and a whole one. The kit must catch every one but the last."""

from __future__ import annotations

from typing import Any, cast

import pytest
from pydantic import BaseModel

from omcore.errors import UntrustedError
from omcore.promotion.policies import Candidate, PromotionPolicy, Verdict
from omcore.testing.policy import PolicyConformance, make_candidate


class Owned(PromotionPolicy):
    """Whole: allows what ann owns."""

    api_version = 1
    name = "owned"

    def check(self, candidate: Candidate) -> Verdict:
        owner = candidate.version.attributes.get("owner")
        return self.allow() if owner == "ann" else self.refuse(f"it is owned by {owner!r}, not by ann")


class _Examples(PolicyConformance):
    kind: type[PromotionPolicy] = Owned

    @pytest.fixture
    def policy(self) -> PromotionPolicy:
        return self.kind(self.kind.Options())

    @pytest.fixture
    def accepted(self) -> Candidate:
        return make_candidate("a model", attributes={"owner": "ann"})

    @pytest.fixture
    def refused(self) -> Candidate:
        return make_candidate("a model", attributes={"owner": "bob"})


class OfAnotherContract(Owned):
    api_version = 2


class OfInheritedContract(Owned):
    """Would say 1 for ever, whatever the contract it inherits from comes to mean."""


class Nameless(Owned):
    api_version = 1
    name = ""


class Gullible(Owned):
    api_version = 1

    class Options(BaseModel):
        """Takes any key."""


class Mute(Owned):
    api_version = 1

    def check(self, candidate: Candidate) -> Verdict:
        return cast("Verdict", None)


class Truthy(Owned):
    api_version = 1

    def check(self, candidate: Candidate) -> Verdict:
        return cast("Verdict", super().check(candidate).allowed)


class Raising(Owned):
    api_version = 1

    def check(self, candidate: Candidate) -> Verdict:
        verdict = super().check(candidate)
        if not verdict.allowed:
            raise ValueError(verdict.reason)
        return verdict


class Yielding(Owned):
    """Says why not, and lets it pass."""

    api_version = 1

    def check(self, candidate: Candidate) -> Verdict:
        return Verdict(self.name, allowed=True, reason=super().check(candidate).reason)


class Stubborn(Owned):
    api_version = 1

    def check(self, candidate: Candidate) -> Verdict:
        return self.refuse("nothing is ever good enough")


class Silent(Owned):
    api_version = 1

    def check(self, candidate: Candidate) -> Verdict:
        return Verdict(self.name, super().check(candidate).allowed)


class Rambling(Owned):
    api_version = 1

    def check(self, candidate: Candidate) -> Verdict:
        verdict = super().check(candidate)
        return verdict if verdict.allowed else self.refuse("Traceback:\n  it is not\n  owned by ann")


class Impostor(Owned):
    api_version = 1

    def check(self, candidate: Candidate) -> Verdict:
        verdict = super().check(candidate)
        return Verdict("copy", verdict.allowed, verdict.reason)


class Forgetful(Owned):
    """Refuses the first candidate of bob's, and is tired then."""

    api_version = 1
    tired = False

    def check(self, candidate: Candidate) -> Verdict:
        verdict = self.allow() if self.tired else super().check(candidate)
        self.tired = self.tired or not verdict.allowed
        return verdict


class Meddling(Owned):
    api_version = 1

    def check(self, candidate: Candidate) -> Verdict:
        verdict = super().check(candidate)
        cast("dict[str, Any]", candidate.version.attributes)["checked"] = True
        return verdict


class Swallowing(Owned):
    api_version = 1

    def check(self, candidate: Candidate) -> Verdict:
        try:
            candidate.load()
        except UntrustedError:
            return self.allow()
        return super().check(candidate)


class TestWhole(_Examples):
    kind = Owned


class TestOfAnotherContract(_Examples):
    kind = OfAnotherContract


class TestOfInheritedContract(_Examples):
    kind = OfInheritedContract


class TestNameless(_Examples):
    kind = Nameless


class TestGullible(_Examples):
    kind = Gullible


class TestMute(_Examples):
    kind = Mute


class TestTruthy(_Examples):
    kind = Truthy


class TestRaising(_Examples):
    kind = Raising


class TestYielding(_Examples):
    kind = Yielding


class TestStubborn(_Examples):
    kind = Stubborn


class TestSilent(_Examples):
    kind = Silent


class TestRambling(_Examples):
    kind = Rambling


class TestImpostor(_Examples):
    kind = Impostor


class TestForgetful(_Examples):
    kind = Forgetful


class TestMeddling(_Examples):
    kind = Meddling


class TestSwallowing(_Examples):
    kind = Swallowing


class TestWithoutExamples(PolicyConformance):
    """Who forgets the fixtures is told, and is not green."""


class TestWithAClosedGap(_Examples):
    known_gaps = {"test_it_allows_what_it_must_allow": "it did not, once"}  # noqa: RUF012 - as a stranger writes it


class TestWithAnOpenGap(_Examples):
    kind = Stubborn
    known_gaps = {  # noqa: RUF012 - as a stranger writes it
        "test_it_allows_what_it_must_allow": "nothing is ever good enough",
    }


class TestWithAMisspeltGap(_Examples):
    known_gaps = {"test_it_allows_everything": "there is no such test"}  # noqa: RUF012 - as a stranger writes it

"""The conformance kit for promotion policies.

Inherit the class, and say what your policy is, what it must allow and what it must refuse:

    from omcore.testing.policy import PolicyConformance, make_candidate

    class TestOwnedPolicy(PolicyConformance):
        @pytest.fixture
        def policy(self):
            return OwnedPolicy(OwnedPolicy.Options(by="ann"))

        @pytest.fixture
        def accepted(self):
            return make_candidate("a model", attributes={"owner": "ann"})

        @pytest.fixture
        def refused(self):
            return make_candidate("a model", attributes={"owner": "bob"})
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, ValidationError

from omcore.errors import UntrustedError
from omcore.objects.codecs.base import Content, Part
from omcore.objects.versions import Version
from omcore.promotion.policies import Candidate, PromotionPolicy, Site, Verdict
from omcore.testing.gaps import KnownGaps

if TYPE_CHECKING:
    from collections.abc import Mapping

DIGEST = "0" * 64


def make_candidate(
    value: Any,
    *,
    store: str = "models",
    name: str = "example",
    kind: str = "sklearn.estimator",
    attributes: Mapping[str, Any] | None = None,
    provenance: Mapping[str, Any] | None = None,
    schema: Mapping[str, Any] | None = None,
    signed: bool = True,
    current: Version | None = None,
) -> Candidate:
    """A candidate from context `dev` to context `prod`, as the framework would make one for a stored object.

    Args:
        value: what `load()` gives a copy of.
        store: the store it is in.
        name: its name, in the source and in the target.
        kind: its kind.
        attributes: its attributes.
        provenance: how it came to be.
        schema: the schema of its content.
        signed: whether it carries a signature that the source accepts.
        current: the current version of that name in the target.
    """
    version = Version(
        store=store,
        name=name,
        number=3,
        content=Content(kind, (Part(DIGEST, 1000, "object"),), schema or {}),
        attributes=attributes or {},
        provenance=provenance or {},
        created="2026-01-01T00:00:00+00:00",
        author="ann@example",
        id=DIGEST,
    )
    load = lambda: copy.deepcopy(value)  # noqa: E731 - it is a value
    return Candidate(store, name, name, version, Site("dev", "omega"), Site("prod", "omega"), signed, current, load)


class PolicyConformance(KnownGaps):
    """What every promotion policy keeps. Three fixtures make it yours."""

    @pytest.fixture
    def policy(self) -> PromotionPolicy:
        """The policy, made with options of its own `Options`."""
        raise NotImplementedError("define a fixture 'policy' that returns your policy, made with its options")

    @pytest.fixture
    def accepted(self) -> Candidate:
        """A candidate that the policy must allow."""
        raise NotImplementedError("define a fixture 'accepted' that returns a candidate the policy must allow")

    @pytest.fixture
    def refused(self) -> Candidate:
        """A candidate that the policy must refuse."""
        raise NotImplementedError("define a fixture 'refused' that returns a candidate the policy must refuse")

    def test_it_is_a_policy_of_this_contract(self, policy: PromotionPolicy) -> None:
        """If this fails, check that the class derives from `PromotionPolicy` and says `api_version = 1`."""
        assert isinstance(policy, PromotionPolicy)
        assert vars(type(policy)).get("api_version") == 1, "api_version = 1 is not written in the class itself"

    def test_it_has_the_name_that_a_configuration_calls_it(self, policy: PromotionPolicy) -> None:
        """If this fails, check that `name` is a short word, the same as the name of the entry point."""
        assert isinstance(policy.name, str)
        assert policy.name.strip() == policy.name != ""

    def test_its_options_refuse_what_they_do_not_know(self, policy: PromotionPolicy) -> None:
        """If this fails, check that `Options` is a pydantic model with `extra="forbid"`."""
        assert issubclass(type(policy).Options, BaseModel)
        with pytest.raises(ValidationError, match="no_such_option"):
            type(policy).Options.model_validate({"no_such_option": 1})

    def test_it_allows_what_it_must_allow(self, policy: PromotionPolicy, accepted: Candidate) -> None:
        """If this fails, check that `check` returns `self.allow(...)` for your example."""
        verdict = _verdict(policy, accepted)
        assert verdict.allowed is True, f"it refused: {verdict.reason}"

    def test_it_refuses_what_it_must_refuse(self, policy: PromotionPolicy, refused: Candidate) -> None:
        """If this fails, check that `check` returns `self.refuse(...)` for your example; to raise is to be broken."""
        assert _verdict(policy, refused).allowed is False

    def test_a_refusal_says_why_in_one_sentence(self, policy: PromotionPolicy, refused: Candidate) -> None:
        """If this fails, check that the reason is one line that tells a person what is wrong and how to mend it."""
        verdict = _verdict(policy, refused)
        assert verdict.allowed is False
        reason = verdict.reason
        assert len(reason.split()) > 1, "the reason is no sentence"
        assert reason == " ".join(reason.split()), "the reason has line breaks, or blanks that nobody needs"

    def test_a_verdict_names_its_policy(self, policy: PromotionPolicy, accepted: Candidate, refused: Candidate) -> None:
        """If this fails, check that you make verdicts with `self.allow` and `self.refuse`."""
        assert [_verdict(policy, each).policy for each in (accepted, refused)] == [policy.name] * 2

    def test_the_same_candidate_gets_the_same_verdict(
        self, policy: PromotionPolicy, accepted: Candidate, refused: Candidate
    ) -> None:
        """If this fails, check that `check` remembers nothing: the order of the questions must not matter."""
        first = [_verdict(policy, each).allowed for each in (accepted, refused)]
        again = [_verdict(policy, each).allowed for each in (refused, accepted, refused, accepted)]
        assert again == [*reversed(first), *reversed(first)]

    def test_it_changes_nothing_of_what_it_looks_at(
        self, policy: PromotionPolicy, accepted: Candidate, refused: Candidate
    ) -> None:
        """If this fails, check that `check` writes to no attribute, schema or provenance of the version."""
        for candidate in (accepted, refused):
            before = copy.deepcopy(candidate.version.to_body())
            _verdict(policy, candidate)
            assert candidate.version.to_body() == before

    def test_what_it_cannot_read_it_does_not_allow(self, policy: PromotionPolicy, accepted: Candidate) -> None:
        """If this fails, check that an error of `candidate.load()` goes up, or becomes a refusal."""
        asked = []

        def untrusted() -> Any:
            asked.append(True)
            raise UntrustedError("the example may not be read")

        allowed = _allowed(policy, replace(accepted, _load=untrusted))
        assert not (asked and allowed), "it swallowed the error, and allowed what it has not seen"


def _verdict(policy: PromotionPolicy, candidate: Candidate) -> Verdict:
    verdict: object = policy.check(candidate)
    assert isinstance(verdict, Verdict), f"check returned {verdict!r}, which is no Verdict"
    return verdict


def _allowed(policy: PromotionPolicy, candidate: Candidate) -> bool:
    """Whether the framework would go on: a policy that raises refuses."""
    try:
        return _verdict(policy, candidate).allowed
    except UntrustedError:
        return False

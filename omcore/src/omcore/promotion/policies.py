"""The policy contract: a check that the target of a promotion runs, and the two that the core brings.

To write one, subclass [PromotionPolicy][omcore.promotion.policies.PromotionPolicy], name it in the entry-point group
`omcore.policy`, and let the conformance kit in `omcore.testing.policy` tell you what is missing:

    class OwnedPolicy(PromotionPolicy):
        api_version = 1
        name = "owned"

        class Options(BaseModel, extra="forbid"):
            by: str

        def check(self, candidate):
            owner = candidate.version.attributes.get("owner")
            if owner == self.options.by:
                return self.allow(f"owned by {owner}")
            return self.refuse(f"{candidate.name!r} is owned by {owner!r}; only what {self.options.by!r} owns may come")
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from omcore.objects.versions import Version

API_VERSION = 1
"""The version of this contract; a policy states the one it was written for as a literal."""


@dataclass(frozen=True, slots=True)
class Site:
    """One end of a promotion.

    Attributes:
        context: the context's name.
        bucket: the bucket's name.
    """

    context: str
    bucket: str

    def __str__(self) -> str:
        return f"{self.context}/{self.bucket}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a policy may look at. Changing any of it has no effect on what is promoted.

    Attributes:
        store: `datasets`, `models`, `jobs` or `scripts`.
        name: the object's name in the source.
        target_name: the name it would have in the target.
        version: the version that would be promoted, as it is in the source.
        source: where it comes from.
        target: where it would go.
        signed: the version carries a signature that the source accepts.
        current: what is the current version of that name in the target; `None` where there is none.
    """

    store: str
    name: str
    target_name: str
    version: Version
    source: Site
    target: Site
    signed: bool
    current: Version | None
    _load: Callable[[], Any] = field(repr=False, compare=False)

    def load(self) -> Any:
        """Read the object, each time afresh, under the trust rules of the source.

        Raises:
            UntrustedError: the source's trust rules do not allow it.
        """
        return self._load()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a policy said.

    Attributes:
        policy: the policy's name.
        allowed: whether the promotion may go on, as far as this policy is concerned.
        reason: a sentence that says why; a refusal always has one.
    """

    policy: str
    allowed: bool
    reason: str = ""


class NoOptions(BaseModel, extra="forbid", frozen=True):
    """The options of a policy that has none."""


class PromotionPolicy(ABC):
    """One check. An instance is made for each promotion, and has no effect on anything."""

    api_version: ClassVar[int]
    """The literal `1`: the version of the contract that this policy was written for."""

    name: ClassVar[str]
    """What a configuration calls it: the name of its entry point."""

    Options: ClassVar[type[BaseModel]] = NoOptions
    """What the configuration may say about this policy. Extra keys are forbidden."""

    def __init__(self, options: Any) -> None:
        """Take an instance of `Options`."""
        self.options = options

    @abstractmethod
    def check(self, candidate: Candidate) -> Verdict:
        """Say whether the candidate may be promoted, and why.

        Looks, and changes nothing. What it raises counts as a refusal, with the error as the reason.
        """

    def allow(self, reason: str = "") -> Verdict:
        """The verdict that nothing stands against the promotion."""
        return Verdict(self.name, allowed=True, reason=reason)

    def refuse(self, reason: str) -> Verdict:
        """The verdict that the promotion must not happen, because of `reason`: a sentence that says how to mend it."""
        return Verdict(self.name, allowed=False, reason=reason)


class CopyPolicy(PromotionPolicy):
    """Allows everything: a promotion copies, and replaces what is there. The same as no policy at all."""

    api_version = 1
    name = "copy"

    def check(self, candidate: Candidate) -> Verdict:  # noqa: ARG002 - it looks at nothing
        return self.allow("everything may be copied")


class TrainedPolicy(PromotionPolicy):
    """Allows models that are trained: every step of a pipeline is fitted, or needs no fitting.

    What has no notion of being trained (a dataset, a notebook, an object without `fit`) is refused: whoever asks for
    trained models does not want it to slip through.
    """

    api_version = 1
    name = "trained"

    def check(self, candidate: Candidate) -> Verdict:
        if candidate.store != "models":
            there = f"{candidate.name!r} is in {candidate.store}"
            return self.refuse(f"{there}, and only models can be trained; use this policy for models")
        subject = f"{candidate.name!r} version {candidate.version.number}"
        faults = list(_untrained(candidate.load()))
        if faults:
            return self.refuse(f"{subject} is not trained: {', '.join(faults)}; fit it and promote the new version")
        return self.allow(f"{subject} is trained")


def _untrained(model: Any, path: str = "") -> Iterator[str]:
    """What of a model is not trained; a pipeline answers for its last step alone, so each step is asked."""
    from sklearn.exceptions import NotFittedError
    from sklearn.pipeline import FeatureUnion, Pipeline
    from sklearn.utils.validation import check_is_fitted

    if isinstance(model, Pipeline | FeatureUnion):
        steps = model.steps if isinstance(model, Pipeline) else model.transformer_list
        for name, part in steps:
            if part is not None and not isinstance(part, str):
                yield from _untrained(part, f"{path}/{name}" if path else name)
        return
    subject = f"step {path!r} ({type(model).__name__})" if path else type(model).__name__
    try:
        check_is_fitted(model)
    except NotFittedError:
        yield f"{subject} is not fitted"
    except (TypeError, AttributeError) as error:
        yield f"{subject} cannot say whether it is fitted ({error})"

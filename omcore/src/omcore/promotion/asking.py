"""Asks the target's policies, all of them, and says what they said."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING

from omcore.errors import PromotionRefusedError
from omcore.promotion.policies import Verdict
from omcore.sentences import one_line, reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omcore.promotion.policies import Candidate, PromotionPolicy


def ask(policies: Sequence[PromotionPolicy], candidate: Candidate) -> tuple[Verdict, ...]:
    """What each policy says, also when one before it refused.

    Raises:
        PromotionRefusedError: one or more refused, or failed; lists every one.
    """
    verdicts = tuple(_verdict(policy, candidate) for policy in policies)
    vetoes = [f"{verdict.policy}: {verdict.reason}" for verdict in verdicts if not verdict.allowed]
    if vetoes:
        what = f"{candidate.name!r} version {candidate.version.number} of {candidate.store} in {candidate.source}"
        raise PromotionRefusedError(f"{what} may not go to {candidate.target}: {'; '.join(vetoes)}", vetoes)
    return verdicts


def _verdict(policy: PromotionPolicy, candidate: Candidate) -> Verdict:
    """What one policy says of a copy of the candidate; whatever is wrong with the policy is a refusal."""
    name = one_line(str(getattr(policy, "name", type(policy).__name__)))
    own = replace(candidate, version=copy.deepcopy(candidate.version), current=copy.deepcopy(candidate.current))
    try:
        verdict: object = policy.check(own)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever stops a check must not let the object pass
        return Verdict(name, allowed=False, reason=f"the check failed, {reason(error)}")
    if not isinstance(verdict, Verdict):
        fault = f"the check answered {one_line(repr(verdict), 100)}, which is no Verdict; tell the author of the policy"
        return Verdict(name, allowed=False, reason=fault)
    return Verdict(name, verdict.allowed is True, one_line(str(verdict.reason)))

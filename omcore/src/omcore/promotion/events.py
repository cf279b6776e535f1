"""What a promotion tells plugins, and who tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from omcore.promotion.policies import Candidate, Verdict
    from omcore.promotion.record import Promotion


@dataclass(frozen=True, slots=True)
class Promoting:
    """The target's policies allowed a promotion; nothing was copied yet.

    Attributes:
        candidate: what would be promoted, from where to where.
        verdicts: what the policies said.
        dry_run: it is only asked whether it could happen; nothing will be copied.
    """

    candidate: Candidate
    verdicts: tuple[Verdict, ...]
    dry_run: bool


@dataclass(frozen=True, slots=True)
class Promoted:
    """A promotion is complete.

    Attributes:
        promotion: what was promoted, from where to where, and what it took.
    """

    promotion: Promotion


class PromotionEvents(Protocol):
    """Tells plugins; the plugin host is one."""

    def veto_promotion(self, event: Promoting) -> None:
        """Let plugins stop a promotion: what one raises goes up."""
        ...

    def tell_promotion(self, event: Promoted) -> None:
        """Tell plugins that a promotion is complete; raises nothing."""
        ...

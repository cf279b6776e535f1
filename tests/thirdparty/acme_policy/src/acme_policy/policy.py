"""The policy `documented`: certain attributes must say something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from omcore.promotion.policies import PromotionPolicy

if TYPE_CHECKING:
    from omcore.promotion.policies import Candidate, Verdict


class DocumentedOptions(BaseModel, extra="forbid"):
    """The attributes that must be there, as text that is not empty."""

    attributes: list[str] = ["owner", "purpose"]


class DocumentedPolicy(PromotionPolicy):
    """Allows what says who owns it and what it is for."""

    api_version = 1
    name = "documented"
    Options = DocumentedOptions

    def check(self, candidate: Candidate) -> Verdict:
        missing = [name for name in self.options.attributes if not self._says(candidate, name)]
        if missing:
            wanted = " and ".join(missing)
            return self.refuse(f"{candidate.name!r} does not say its {wanted}; store it again with such attributes")
        return self.allow(f"{candidate.name!r} is documented")

    def _says(self, candidate: Candidate, name: str) -> bool:
        value = candidate.version.attributes.get(name)
        return isinstance(value, str) and value.strip() != ""

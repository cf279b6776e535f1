import pytest
from acme_policy.policy import DocumentedPolicy

from omcore.promotion.policies import Candidate, PromotionPolicy
from omcore.testing.policy import PolicyConformance, make_candidate


class TestDocumentedPolicy(PolicyConformance):
    @pytest.fixture
    def policy(self) -> PromotionPolicy:
        return DocumentedPolicy(DocumentedPolicy.Options())

    @pytest.fixture
    def accepted(self) -> Candidate:
        return make_candidate("a model", attributes={"owner": "ann", "purpose": "forecasts"})

    @pytest.fixture
    def refused(self) -> Candidate:
        return make_candidate("a model", attributes={"owner": "ann", "purpose": " "})

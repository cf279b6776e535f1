"""The conformance kit: inherit its classes to show that a plugin keeps its contract."""

import pytest

pytest.register_assert_rewrite(f"{__name__}.policy")

"""The conformance kit: inherit its classes to show that a plugin keeps its contract."""

import sys

if pytest := sys.modules.get("pytest"):  # a worker that runs the kit's tasks does without
    pytest.register_assert_rewrite(f"{__name__}.patience", f"{__name__}.policy", f"{__name__}.proxy")

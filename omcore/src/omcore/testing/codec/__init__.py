"""Conformance of a codec: inherit one class, provide the codec and a few values.

    import pytest
    from hypothesis import strategies as st
    from omcore.testing.codec import CodecConformance

    class TestMyCodec(CodecConformance):
        @pytest.fixture
        def codec(self):
            return MyCodec()

        @pytest.fixture
        def examples(self):
            return st.builds(MyObject, st.text())

        @pytest.fixture
        def refused(self):
            return [MyObject(open_file)]

Values are compared with `==`; override `same` where that says nothing. What your codec cannot keep is listed in
`known_gaps` with its reason, never overridden: a gap that closes fails its test until it is taken off the list.
"""

import pytest

pytest.register_assert_rewrite(f"{__name__}.conformance", f"{__name__}.damage")

from omcore.testing.codec.conformance import CodecConformance  # noqa: E402 -- after its modules are registered

__all__ = ["CodecConformance"]

"""Conformance of a storage backend: inherit one class, provide one fixture.

    import pytest
    from omcore.testing.storage import StorageConformance

    class TestMyStorage(StorageConformance):
        @pytest.fixture
        def open_storage(self):
            return lambda place: MyStorage(MyStorage.Options(), place)

Every test says what to check when it fails. What your storage cannot keep is listed in `known_gaps` with its reason,
never overridden: a gap that closes fails its test until it is taken off the list.
"""

import pytest

_MODULES = "ages bars blobs commits damage life machine queries records served tampering"

pytest.register_assert_rewrite(*(f"{__name__}.{module}" for module in _MODULES.split()))

from omcore.testing.storage.conformance import StorageConformance  # noqa: E402 -- after its modules are registered
from omcore.testing.storage.fixtures import OpenStorage  # noqa: E402
from omcore.testing.storage.machine import storage_machine  # noqa: E402

__all__ = ["OpenStorage", "StorageConformance", "storage_machine"]

"""What the documents say works, block by block."""

from __future__ import annotations

from pathlib import Path

import pytest

from omcore.testing.documents import run_in_a_process_of_its_own

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "omcore" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.slow
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_block_does_what_the_document_says(document: Path, tmp_path: Path) -> None:
    run_in_a_process_of_its_own(document, tmp_path)

"""In a real notebook kernel the bar is one display that is updated in place, and is empty at the end."""

from __future__ import annotations

from typing import Any

import pytest
from jupyter_client.manager import KernelManager

pytestmark = pytest.mark.slow  # a kernel takes seconds to start

CELL = """
from omcore.runtimes.livebar import live_bar
from omcore.runtimes.progress import Progress
import threading

looks = iter([None, Progress(done=3, total=20, unit="parts"), Progress(done=8, total=20, unit="parts")])
now = None

def wait(seconds):
    global now
    threading.Event().wait(0.05)
    now = next(looks, "over")
    return now == "over"

live_bar(lambda: ("task <b>", now), wait)
"""


@pytest.fixture(scope="module")
def messages() -> list[dict[str, Any]]:
    """What the kernel shows for the cell."""
    manager = KernelManager()
    manager.start_kernel(extra_arguments=["--HistoryManager.enabled=False"])
    try:
        client = manager.blocking_client()
        client.start_channels()
        client.wait_for_ready(timeout=60)
        found: list[dict[str, Any]] = []
        client.execute_interactive(CELL, timeout=60, output_hook=found.append)
        client.stop_channels()
    finally:
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
    return found


def test_a_bar_is_updated_in_place_and_is_empty_at_the_end(messages: list[dict[str, Any]]) -> None:
    shown = [one for one in messages if "display_data" in one["msg_type"]]
    assert [one["msg_type"] for one in shown] == ["display_data", *["update_display_data"] * (len(shown) - 1)]
    assert len({one["content"]["transient"]["display_id"] for one in shown}) == 1
    texts = [one["content"]["data"]["text/plain"] for one in shown]
    assert any("3/20 parts" in text and "task <b>" in text for text in texts)
    pages = [one["content"]["data"].get("text/html", "") for one in shown]
    assert any("3/20 parts" in page and "task &lt;b&gt;" in page for page in pages)
    assert texts[-1] == pages[-1] == ""


def test_nothing_else_is_shown(messages: list[dict[str, Any]]) -> None:
    kinds = {one["msg_type"] for one in messages} - {"display_data", "update_display_data", "status", "execute_input"}
    assert kinds == {"execute_result"}
    assert [one["content"]["data"] for one in messages if one["msg_type"] == "execute_result"] == [
        {"text/plain": "True"}
    ]

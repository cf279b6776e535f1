"""The door of a group: who may enter, and what becomes of the group when somebody sends nonsense."""

from __future__ import annotations

import json
import os
import socket
import stat
import struct
import threading
from contextlib import suppress
from functools import partial
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, answer_challenge, deliver_challenge
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omcore.errors import ConfigurationError
from omcore.runtimes.group import wire
from omcore.runtimes.group.meeting import LONGEST_ADDRESS, Meeting, identity_of
from omcore.runtimes.group.messages import LARGEST, Hello, MessageError, read_reply, read_request, to_bytes, to_text

from .conftest import PATIENCE, run, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection
    from pathlib import Path

    from omcore.runtimes.group.group import Group
    from omcore.runtimes.local import LocalRuntime

    from .conftest import StartLocal


@pytest.fixture
def meeting(tmp_path: Path, temporary: Path) -> Meeting:
    return Meeting(tmp_path)


@pytest.fixture
def host(start_local: StartLocal, meeting: Meeting) -> LocalRuntime:
    return start_local({"workers": 1})


@pytest.fixture
def group(host: LocalRuntime, meeting: Meeting) -> Iterator[Group]:
    with host.open_group() as group:
        yield group


@pytest.fixture
def neighbour(start_local: StartLocal, group: Group) -> Iterator[LocalRuntime]:
    """A client that must not notice anything, and after which no thread may be left that served others."""
    client = start_local({"shared": True})
    assert run(client, "result = 1") == "1"
    yield client
    assert run(client, "result = 2") == "2"
    until(lambda: len(threads("om-group-client")) == 1)
    until(lambda: len(threads("om-group-replies")) == 1)


def threads(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == name]


def stranger(group: Group) -> Connection:
    """A connection that has proved nothing."""
    return Client(str(group.address), "AF_UNIX")


def friend(group: Group, meeting: Meeting) -> Connection:
    """A connection that knows the key, and has said nothing else."""
    connection = stranger(group)
    answer_challenge(connection, meeting.key())
    deliver_challenge(connection, meeting.key())
    return connection


def guest(group: Group, meeting: Meeting, host: LocalRuntime) -> Connection:
    """A connection that was let in."""
    connection = friend(group, meeting)
    connection.send_bytes(Hello(identity=identity_of(host._worker)).dump())
    assert b"welcome" in connection.recv_bytes()
    return connection


def left(connection: Connection) -> list[bytes]:
    """What the group says until it ends the connection."""
    said = []
    while connection.poll(PATIENCE):
        try:
            said.append(connection.recv_bytes())
        except (EOFError, OSError):
            return said
    raise AssertionError("the group does not end the connection")


def raw(connection: Connection, data: bytes) -> None:
    """Bytes as they are, without a length before them."""
    os.write(connection.fileno(), data)


def submit(number: int, **more: object) -> bytes:
    return json.dumps({"say": "submit", "number": number, "id": "x", "envelope": "", **more}).encode()


NONSENSE = {
    "nothing": b"",
    "no JSON": b"\x80\x04\x95cos\nsystem\n",
    "a number": b"1",
    "a list": b"[]",
    "an unknown message": b'{"say": "die"}',
    "no fields": b'{"say": "submit"}',
    "an extra field": submit(1, extra=1),
    "a wrong type": submit(1, require="gpu"),
    "no finite time": submit(1).replace(b'"x"', b'"x", "timeout": NaN'),
    "an endless time": submit(1, timeout=1).replace(b"1}", b"1e999}"),
    "no bytes": submit(1, envelope="\u6f22"),
    "half a character": submit(1, id="\ud800"),
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"say":' * 100_000,
    "a long number": b'{"say": "submit", "number": ' + b"9" * 100_000 + b"}",
    "a second hello": Hello(identity="").dump(),
    "a reply": b'{"say": "ended", "number": 1}',
    "invalid UTF-8": b'{"say": "\xff"}',
}


def test_nonsense_ends_the_connection_with_a_sentence_and_nothing_else(
    neighbour: LocalRuntime, group: Group, meeting: Meeting, host: LocalRuntime
) -> None:
    for name, data in NONSENSE.items():
        with guest(group, meeting, host) as connection:
            connection.send_bytes(data)
            assert [json.loads(said)["say"] for said in left(connection)] == ["refused"], name


def test_a_length_that_cannot_be_ends_the_connection(
    neighbour: LocalRuntime, group: Group, meeting: Meeting, host: LocalRuntime
) -> None:
    for data in (struct.pack("!i", LARGEST + 1), struct.pack("!iQ", -1, 1 << 62), struct.pack("!i", -7)):
        with guest(group, meeting, host) as connection:
            raw(connection, data)
            assert all(b"refused" in said for said in left(connection)), data


def test_half_a_message_is_waited_for_no_longer_than_it_may_take(
    neighbour: LocalRuntime, group: Group, meeting: Meeting, host: LocalRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "PATIENCE", 1.0)
    with guest(group, meeting, host) as connection:
        raw(connection, struct.pack("!i", 100) + b'{"say":')
        assert left(connection) == []


def test_who_says_nothing_is_left_after_a_while(
    neighbour: LocalRuntime, group: Group, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "PATIENCE", 1.0)
    with stranger(group) as silent, friend(group, meeting) as almost:
        assert left(almost) == []
        assert len(left(silent)) == 1  # what it was asked


def test_who_leaves_in_the_middle_leaves_nothing(
    neighbour: LocalRuntime, group: Group, meeting: Meeting, host: LocalRuntime
) -> None:
    doors: list[Callable[[], Connection]] = [
        partial(stranger, group),
        partial(friend, group, meeting),
        partial(guest, group, meeting, host),
    ]
    for enter in doors:
        for data in (b"", struct.pack("!i", 100), struct.pack("!i", 100) + b"{"):
            with enter() as connection:
                raw(connection, data)
    with guest(group, meeting, host) as connection:
        for number in range(50):
            connection.send_bytes(submit(number, envelope="result = 'x' * 100_000"))


def test_who_does_not_know_the_key_is_refused(neighbour: LocalRuntime, group: Group) -> None:
    with stranger(group) as connection, pytest.raises(AuthenticationError):
        answer_challenge(connection, b"another key")
    with stranger(group) as connection:
        connection.send_bytes(submit(1))
        assert b"welcome" not in b"".join(left(connection))


def test_a_client_does_not_talk_to_a_group_that_does_not_know_the_key(
    start_local: StartLocal, group: Group, meeting: Meeting, caplog: pytest.LogCaptureFixture
) -> None:
    (meeting.folder / "key").write_bytes(b"k" * 32)
    assert not start_local({"shared": True}).serves(frozenset())
    assert "did not prove that it knows the key" in caplog.text


def test_only_the_owner_may_enter(group: Group, meeting: Meeting) -> None:
    assert stat.S_IMODE(meeting.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((meeting.folder / "key").stat().st_mode) == 0o600
    assert meeting.folder.stat().st_uid == os.geteuid()
    assert stat.S_ISSOCK(group.address.stat().st_mode)


@pytest.mark.parametrize("name", ["", "key"])
def test_a_folder_or_key_that_others_may_read_is_used_by_nobody(
    start_local: StartLocal, group: Group, meeting: Meeting, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    (meeting.folder / name).chmod(0o755)
    with pytest.raises(ConfigurationError, match="must belong to the user who runs this, and to nobody else"):
        meeting.key()
    assert not start_local({"shared": True}).serves(frozenset())
    assert "must belong to the user" in caplog.text


def test_a_folder_that_is_a_link_is_not_entered(meeting: Meeting, tmp_path: Path, host: LocalRuntime) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    meeting.folder.parent.mkdir(parents=True, exist_ok=True)
    meeting.folder.symlink_to(elsewhere)
    with pytest.raises(ConfigurationError, match="must belong to the user"):
        host.open_group()


def test_a_place_where_no_group_can_be_is_said_in_a_sentence(meeting: Meeting, host: LocalRuntime) -> None:
    meeting.folder.parent.mkdir(parents=True, exist_ok=True)
    meeting.folder.touch(mode=0o600)
    with pytest.raises(ConfigurationError, match=r"no group of workers can wait for clients in .*: FileExistsError"):
        host.open_group()


@pytest.mark.parametrize("length", [1, 300, 2000])
def test_the_path_of_the_socket_is_never_too_long(tmp_path: Path, temporary: Path, length: int) -> None:
    home = tmp_path.joinpath(*["x" * min(length, 100)] * (length // 100 + 1))
    address = Meeting(home).address("1234567-12")
    assert len(os.fsencode(address)) <= LONGEST_ADDRESS
    assert address == Meeting(home).address("1234567-12")
    assert address != Meeting(home / "other").address("1234567-12")


def test_a_default_timeout_of_sockets_changes_nothing(
    start_local: StartLocal, group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(0.01)
    try:
        client = start_local({"shared": True})
        assert run(client, "import time; time.sleep(0.2); result = 1") == "1"
    finally:
        socket.setdefaulttimeout(before)


@given(st.binary())
def test_whatever_comes_is_a_message_or_an_error_of_ours(data: bytes) -> None:
    for read in (read_request, read_reply):
        with suppress(MessageError):
            read(data)


@given(st.binary())
def test_bytes_arrive_as_they_were_sent(data: bytes) -> None:
    assert to_bytes(to_text(data)) == data

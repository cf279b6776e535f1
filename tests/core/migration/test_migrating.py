"""What has been migrated equals what it was made of, and what is there already stays or is gone on with."""

from __future__ import annotations

import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from omcore.errors import (
    CorruptBlobError,
    CorruptRecordError,
    InvalidArgumentError,
    MigrationRefusedError,
    ObjectNotFoundError,
    UntrustedError,
)
from omcore.migration import make_plan, moving
from omcore.migration.comparing import compare
from omcore.migration.sides import kept
from omcore.objects.retention import purge
from omcore.signing import Key, KeyRing
from omcore.storage.gc import collect
from tests.core.migration.sides import BUCKETS, DEV, PROD, dev, fill, migrate, picture, prod, side
from tests.core.promotion.world import BACKENDS, Context, Gadget, Note
from tests.core.storage.far import flip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omcore.storage.backend import StorageBackend


@pytest.fixture(params=["memory-embedded", "embedded-memory", "embedded-embedded"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Context, Context]]:
    first, _, second = request.param.partition("-")
    with BACKENDS[first](tmp_path / "dev", "dev") as source, BACKENDS[second](tmp_path / "prod", "prod") as target:
        yield dev(source), prod(target)


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[tuple[Context, Context]]:
    with BACKENDS["embedded"](tmp_path / "dev", "dev") as one, BACKENDS["embedded"](tmp_path / "prod", "prod") as two:
        yield dev(one), prod(two)


def digests(context: Context) -> set[str]:
    return {blob.digest for blob in context.storage.find_blobs(datetime(9000, 1, 1, tzinfo=UTC))}


def test_a_migrated_context_equals_the_original(both: tuple[Context, Context]) -> None:
    source, target = both
    fill(source)
    planned = make_plan(side(source), side(target)).migration
    assert picture(target) == {}
    done = migrate(source, target)
    assert picture(target) == picture(source)
    assert digests(target) == digests(source)
    assert (done.objects, planned.dry_run, done.dry_run) == (planned.objects, True, False)
    assert {each.state for each in done.objects} == {"new"}
    assert "10 of 10 objects of dev were copied to prod: 16 versions and" in str(done)


def test_a_second_migration_writes_nothing(both: tuple[Context, Context]) -> None:
    source, target = both
    fill(source)
    migrate(source, target)
    records = list(target.storage.scan_records(""))
    again = migrate(source, target)
    assert list(target.storage.scan_records("")) == records
    assert {(each.state, each.versions, each.blobs, each.size) for each in again.objects} == {("there", 0, 0, 0)}
    assert "0 of 10 objects" in str(again)


def test_one_bucket_goes_alone(both: tuple[Context, Context]) -> None:
    source, target = both
    fill(source)
    migrate(source, target, "a")
    assert picture(target) == {key: value for key, value in picture(source).items() if key[0] == "a"}
    assert sorted(side(source).buckets()) == list(BUCKETS)
    with pytest.raises(
        InvalidArgumentError, match=r"nothing in the bucket 'omegA'; did you mean 'omega'\? there are 'a', 'a-b'"
    ):
        migrate(source, target, "omegA")


def test_only_objects_go(both: tuple[Context, Context]) -> None:
    source, target = both
    fill(source)
    source.storage.put_record("tasks/one", {"secret": 1}, None)
    source.storage.write_blob([b"of nobody"])
    migrate(source, target)
    assert all(record.key.startswith("objects/") for record in target.storage.scan_records(""))
    assert len(digests(target)) == len(digests(source)) - 1


def test_both_sides_must_differ(both: tuple[Context, Context]) -> None:
    source, _ = both
    with pytest.raises(InvalidArgumentError, match="have the same storage"):
        migrate(source, Context("other", source.storage, PROD))


# --- what is there already


def test_another_object_of_a_name_is_refused_before_anything_is_copied(both: tuple[Context, Context]) -> None:
    source, target = both
    fill(source)
    target.of("scripts", "omega").put(Note("mine"), "note")
    before = (picture(target), digests(target))
    with pytest.raises(MigrationRefusedError, match=r"scripts of context 'prod', bucket 'omega' has an object 'note'"):
        migrate(source, target)
    assert (picture(target), digests(target)) == before
    migrate(source, target, "a")


def test_what_was_changed_on_both_sides_is_refused(both: tuple[Context, Context]) -> None:
    source, target = both
    fill(source)
    migrate(source, target)
    for each in both:
        each.of("scripts").put(Note("the same text"), "note")
    with pytest.raises(MigrationRefusedError, match="'note'"):
        migrate(source, target)


def test_what_the_target_has_gone_on_with_stays(both: tuple[Context, Context]) -> None:
    source, target = both
    fill(source)
    migrate(source, target)
    target.of("scripts").put(Note("newer"), "note")
    done = migrate(source, target)
    assert [each.name for each in done.objects if each.state == "ahead"] == ["note"]
    assert target.of("scripts").get("note") == Note("newer")


def test_what_was_put_into_the_target_meanwhile_is_refused_and_stays(disks: tuple[Context, Context]) -> None:
    source, target = disks
    fill(source)
    plan = make_plan(side(source), side(target))
    target.of("scripts").put(Note("mine"), "note")
    with pytest.raises(MigrationRefusedError, match="'note'"):
        plan.run()
    assert target.of("scripts").get("note") == Note("mine")


def test_migrations_at_the_same_time_end_as_one(disks: tuple[Context, Context]) -> None:
    source, target = disks
    fill(source)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: migrate(source, target), range(4)))
    assert picture(target) == picture(source)


class Migrations(RuleBasedStateMachine):
    """Random work in the source, and a migration every now and then; after each, both sides are equal."""

    names = st.sampled_from(["x", "y/z", "é"])
    places = st.tuples(st.sampled_from(["omega", "b"]), st.sampled_from(["datasets", "jobs"]))
    numbers = st.integers(1, 4)

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.source = dev(BACKENDS["memory"](self.folder, "dev"))
        self.target = prod(BACKENDS["embedded"](self.folder / "prod", "prod"))

    def teardown(self) -> None:
        self.source.storage.close()
        self.target.storage.close()
        shutil.rmtree(self.folder)

    @rule(place=places, name=names, value=st.lists(st.integers(0, 3), max_size=3), often=st.sampled_from([1, 1, 25]))
    def put(self, place: tuple[str, str], name: str, value: list[int], often: int) -> None:
        for number in range(often):
            self.source.of("datasets", place[0]).put([*value, number], name)

    @rule(place=places, name=names, what=st.sampled_from(["drop", "rollback", "tag", "untag"]), number=numbers)
    def change(self, place: tuple[str, str], name: str, what: str, number: int) -> None:
        store = self.source.of("datasets", place[0])
        try:
            if what == "drop":
                store.drop(name)
            elif what == "rollback":
                store.rollback(name, number)
            elif what == "tag":
                store.tag(name, "best", number)
            else:
                store.untag(name, "best")
        except (ObjectNotFoundError, InvalidArgumentError):
            pass

    @rule()
    def clear(self) -> None:
        list(purge(self.source.storage, datetime.now(UTC) + timedelta(days=1), "ann@dev"))
        collect(self.source.storage, timedelta(days=-1))

    @rule(bucket=st.sampled_from([None, None, "omega"]))
    def migrate(self, bucket: str | None) -> None:
        if bucket is not None and bucket not in side(self.source).buckets():
            return
        migrate(self.source, self.target, bucket)
        ours, theirs = picture(self.source), picture(self.target)
        for key in ours if bucket is None else ():
            head, history, ids, values = ours[key]
            assert theirs[key][:2] == (head, history)
            assert theirs[key][2].items() >= ids.items()  # what was purged in the source may still be in the target
            assert theirs[key][3].items() >= values.items()


def test_whatever_was_done_both_sides_are_equal_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "BATCH", 3)
    limits = settings(max_examples=settings().max_examples // 5, stateful_step_count=15, deadline=None)
    run_state_machine_as_test(Migrations, settings=limits)


# --- damage


def blob_of(context: Context, digest: str) -> Path:
    return Path(context.storage.address.removeprefix("file://")) / "blobs" / digest[:2] / digest


def test_a_damaged_blob_is_one_sentence_and_what_came_before_is_whole(disks: tuple[Context, Context]) -> None:
    source, target = disks
    fill(source)
    whole = source.of("models", "omega").put(Gadget((b"the last one",)), "gadget")
    (digest,) = source.storage.get_record(_version_key("gadget", whole.version)).body["blobs"]  # type: ignore[union-attr]
    flip(blob_of(source, digest), 0)
    with pytest.raises(CorruptBlobError, match=r"'gadget' in models of context 'dev', bucket 'omega'.*migrate again"):
        migrate(source, target)
    there = picture(target)
    assert {key[0] for key in there} >= {"a", "a-b"}
    assert ("omega", "models", "gadget") not in there
    flip(blob_of(source, digest), 0)
    migrate(source, target)
    assert picture(target) == picture(source)


def _version_key(name: str, number: int) -> str:
    from omcore.objects.keys import version_key

    return version_key("omega", "models", name, number)


def test_a_damaged_record_is_refused_before_anything_is_copied(disks: tuple[Context, Context]) -> None:
    source, target = disks
    fill(source)
    record = source.storage.get_record(_version_key("gadget", 2))
    assert record is not None
    source.storage.put_record(record.key, {**record.body, "author": "mallory"}, record.revision)
    with pytest.raises(CorruptRecordError, match="version 2 of 'gadget' in models was altered"):
        migrate(source, target)
    assert (picture(target), digests(target)) == ({}, set())


def test_a_current_version_that_is_missing_is_refused(disks: tuple[Context, Context]) -> None:
    source, target = disks
    source.of().put(Gadget((b"x",)), "gadget")
    record = source.storage.get_record(_version_key("gadget", 1))
    assert record is not None
    source.storage.delete_record(record.key, record.revision)
    with pytest.raises(CorruptRecordError, match=r"version 1 of 'gadget'.*is missing"):
        migrate(source, target)


def test_blobs_that_the_target_has_lost_are_copied_again_and_damaged_ones_on_demand(
    disks: tuple[Context, Context],
) -> None:
    source, target = disks
    fill(source)
    migrate(source, target)
    first, second, *_ = sorted(digests(target))
    blob_of(target, first).unlink()
    flip(blob_of(target, second), 0)
    assert sum(each.blobs for each in migrate(source, target).objects) == 1
    assert sum(each.blobs for each in make_plan(side(source), side(target)).run(verify=True).objects) == 1
    assert picture(target) == picture(source)


# --- who vouches


def _vouched(source: KeyRing, target: KeyRing, storages: tuple[StorageBackend, StorageBackend]) -> Context:
    Context("dev", storages[0], DEV).of().put(Gadget((b"x",)), "gadget")
    there = Context("prod", storages[1], target)
    make_plan(side(Context("dev", storages[0], source)), side(there)).run()
    return there


@pytest.mark.parametrize(
    ("source", "target", "loads", "signer"),
    [
        (DEV, PROD, True, PROD.own),
        (DEV, KeyRing(Key.of(b"p" * 32), [Key.of(b"d" * 32)]), True, DEV.own),
        (DEV, DEV, True, DEV.own),
        (DEV, KeyRing(), False, DEV.own),
        (KeyRing(Key.of(b"e" * 32)), PROD, False, DEV.own),
        (KeyRing(), PROD, False, DEV.own),
        (KeyRing(None, [Key.of(b"d" * 32)]), PROD, True, PROD.own),
    ],
    ids=[
        "other key",
        "accepted",
        "same key",
        "no key",
        "source does not accept",
        "source has no key",
        "source accepts",
    ],
)
def test_the_target_vouches_for_what_the_source_vouches_for(
    source: KeyRing, target: KeyRing, loads: bool, signer: str, disks: tuple[Context, Context]
) -> None:
    there = _vouched(source, target, (disks[0].storage, disks[1].storage))
    metadata = there.of().metadata("gadget")
    assert metadata.signed_by == signer
    assert there.of().versions("gadget")[0].signed_by == signer
    if loads:
        assert there.of().get("gadget") == Gadget((b"x",))
    else:
        with pytest.raises(UntrustedError):
            there.of().get("gadget")


def test_versions_of_one_number_must_be_the_same_even_if_the_history_is(both: tuple[Context, Context]) -> None:
    source, target = both
    fill(source)
    migrate(source, target)
    ours, theirs = (kept(side(each).shelf("omega", "scripts"), "note") for each in both)
    assert ours is not None
    assert theirs is not None
    shelf = side(target).shelf("omega", "scripts")
    assert compare(ours, theirs, shelf) == "there"
    with pytest.raises(MigrationRefusedError, match="'note'"):
        compare(ours, replace(theirs, ids={1: "another"}), shelf)

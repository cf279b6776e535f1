"""Promotion between two contexts, on each pair of backends."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from omcore.errors import (
    ConflictError,
    CorruptBlobError,
    InvalidArgumentError,
    InvalidNameError,
    ObjectNotFoundError,
    PromotionRefusedError,
    StorageFullError,
    UntrustedError,
    VersionNotFoundError,
    VetoError,
)
from omcore.objects.events import Stored
from omcore.promotion.events import Promoted, Promoting
from omcore.promotion.policies import Candidate, CopyPolicy, NoOptions, PromotionPolicy, Site, Verdict
from omcore.promotion.promote import promote
from omcore.promotion.record import Copied, Promotion
from omcore.signing import KeyRing
from omcore.storage.backend import CHUNK_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from omcore.objects.store import ObjectStore
    from omcore.objects.versions import Version
    from tests.core.promotion.world import Context, Gadget, Note

SMALL, LARGE = 5, 5 * CHUNK_SIZE


class Judge(PromotionPolicy):
    """Says what a test wants it to say, and remembers whom it was asked about."""

    api_version = 1

    def __init__(self, name: str, answer: Callable[[Candidate], Any]) -> None:
        super().__init__(NoOptions())
        self.name = name  # type: ignore[misc]  # the tests need several in one class
        self.answer = answer
        self.asked: list[Candidate] = []

    def check(self, candidate: Candidate) -> Verdict:
        self.asked.append(candidate)
        return cast("Verdict", self.answer(candidate))


def allow(name: str = "kind") -> Judge:
    return Judge(name, lambda _: Verdict(name, allowed=True, reason="it is fine"))


def refuse(name: str, reason: str) -> Judge:
    return Judge(name, lambda _: Verdict(name, allowed=False, reason=reason))


def move(dev: Context, prod: Context, name: str = "forecast", *policies: PromotionPolicy, **more: Any) -> Promotion:
    return promote(dev.of(), name, prod.of(), policies, events=prod.log, **more)


def state(context: Context) -> tuple[object, ...]:
    """Everything in a storage that a reader could notice."""
    records = [(record.key, record.body, record.revision) for record in context.storage.scan_records("")]
    blobs = sorted(info.digest for info in context.storage.find_blobs(datetime.now(UTC) + timedelta(days=1)))
    return records, blobs


@contextmanager
def broken(context: Context, method: str, act: Callable[..., Any]) -> Iterator[None]:
    """Let one method of a storage do something else for a while."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(context.storage, method, act)
        yield


# --- what arrives


def test_the_object_arrives_as_it_was_with_its_attributes(dev: Context, prod: Context, gadget: Gadget) -> None:
    dev.of().put(gadget, "forecast", {"owner": "ann"})
    promotion = move(dev, prod)
    assert prod.of().get("forecast") == gadget
    metadata = prod.of().metadata("forecast")
    assert (metadata.version, metadata.kind, metadata.attributes) == (1, "test.gadget", {"owner": "ann"})
    assert promotion == Promotion(
        store="models",
        source=Site("dev", "omega"),
        source_name="forecast",
        source_version=1,
        target=Site("prod", "omega"),
        name="forecast",
        version=1,
        replaced=None,
        verdicts=(),
        copied=Copied(blobs=2, size=SMALL + LARGE),
        vouched=True,
        dry_run=False,
    )


@pytest.mark.parametrize(
    ("name", "version", "arrives"),
    [("forecast", None, 3), ("forecast@2", None, 2), ("forecast", 1, 1), ("forecast@best", None, 2)],
)
def test_the_version_that_was_asked_for_arrives(
    dev: Context, prod: Context, gadget: Gadget, name: str, version: int | None, arrives: int
) -> None:
    for number in (1, 2, 3):
        dev.of().put(replace(gadget, parts=(b"version %d" % number,)), "forecast")
    dev.of().tag("forecast", "best", 2)
    promotion = move(dev, prod, name, version=version)
    assert promotion.source_version == arrives
    assert prod.of().get("forecast").parts == (b"version %d" % arrives,)


def test_an_alias_can_be_given_as_the_version(dev: Context, prod: Context, gadget: Gadget) -> None:
    dev.of().put(gadget, "forecast")
    dev.of().tag("forecast", "best")
    assert move(dev, prod, version="best").source_version == 1


def test_an_object_that_is_there_is_replaced_and_its_history_kept(dev: Context, prod: Context, gadget: Gadget) -> None:
    prod.of().put(replace(gadget, parts=(b"old",)), "forecast", {"old": True})
    dev.of().put(gadget, "forecast", {"new": True})
    promotion = move(dev, prod, why="it won")
    assert (promotion.replaced, promotion.version) == (1, 2)
    assert prod.of().metadata("forecast").attributes == {"new": True}
    last = prod.of().history("forecast")[-1]
    assert (last.action, last.before, last.after, last.why, last.who) == ("promote", 1, 2, "it won", "ann@prod")
    prod.of().rollback("forecast")
    assert prod.of().get("forecast").parts == (b"old",)


def test_without_a_reason_the_history_says_where_it_came_from(dev: Context, prod: Context, gadget: Gadget) -> None:
    dev.of().put(gadget, "forecast")
    move(dev, prod)
    assert prod.of().history("forecast")[-1].why == "dev/omega/models/forecast@1"


def test_it_can_take_another_name(dev: Context, prod: Context, gadget: Gadget) -> None:
    dev.of().put(gadget, "forecast")
    assert move(dev, prod, asname="live/forecast").name == "live/forecast"
    assert prod.of().list() == ["live/forecast"]


def test_it_outlives_the_source(dev: Context, prod: Context, gadget: Gadget) -> None:
    dev.of().put(gadget, "forecast")
    move(dev, prod)
    dev.of().drop("forecast")
    dev.storage.close()
    assert prod.of().get("forecast") == gadget
    assert prod.of().metadata("forecast").provenance["promoted_from"]["name"] == "forecast"


def test_another_bucket_of_the_same_context_is_fine_and_writes_no_blob(dev: Context, gadget: Gadget) -> None:
    dev.of().put(gadget, "forecast")
    promotion = promote(dev.of(), "forecast", dev.of(bucket="user1"), [], events=dev.log)
    assert dev.of(bucket="user1").get("forecast") == gadget
    assert promotion.copied == Copied(blobs_there=2, size_there=SMALL + LARGE)


def test_another_name_in_the_same_place_is_fine(dev: Context, gadget: Gadget) -> None:
    dev.of().put(gadget, "forecast")
    promote(dev.of(), "forecast", dev.of(), [], events=dev.log, asname="live")
    assert dev.of().get("live") == gadget


def test_datasets_jobs_and_scripts_go_as_models_do(dev: Context, prod: Context) -> None:
    dev.of("datasets").put({"rows": [1, 2]}, "settings")
    promote(dev.of("datasets"), "settings", prod.of("datasets"), [], events=prod.log)
    assert prod.of("datasets").get("settings") == {"rows": [1, 2]}


# --- what it costs


def test_equal_content_again_writes_records_only(dev: Context, prod: Context, gadget: Gadget) -> None:
    dev.of().put(gadget, "forecast")
    move(dev, prod)

    def refuse_to_write(chunks: object) -> Any:
        raise AssertionError("a blob was written")

    with broken(prod, "write_blob", refuse_to_write):
        promotion = move(dev, prod)
    assert promotion.copied == Copied(blobs_there=2, size_there=SMALL + LARGE)
    assert promotion.version == 2
    assert prod.of().get("forecast") == gadget


def test_only_the_blobs_that_are_missing_are_written(dev: Context, prod: Context, gadget: Gadget) -> None:
    dev.of().put(gadget, "forecast")
    move(dev, prod)
    dev.of().put(replace(gadget, parts=(*gadget.parts, b"more")), "forecast")
    assert move(dev, prod).copied == Copied(blobs=1, size=4, blobs_there=2, size_there=SMALL + LARGE)


def test_blobs_go_in_pieces(dev: Context, prod: Context, gadget: Gadget) -> None:
    dev.of().put(gadget, "forecast")
    sizes: list[int] = []
    write = prod.storage.write_blob

    def watched(chunks: Any) -> Any:
        pieces = list(chunks)
        sizes.extend(map(len, pieces))
        return write(pieces)

    with broken(prod, "write_blob", watched):
        move(dev, prod)
    assert max(sizes) <= CHUNK_SIZE
    assert sum(sizes) == SMALL + LARGE


def test_a_blob_that_is_there_is_renewed_so_that_no_sweep_takes_it(dev: Context, prod: Context, gadget: Gadget) -> None:
    dev.of().put(gadget, "forecast")
    move(dev, prod)
    before = datetime.now(UTC)
    move(dev, prod)
    assert list(prod.storage.find_blobs(before)) == []


# --- what is told


def test_the_result_is_a_sentence_and_json(dev: Context, prod: Context, gadget: Gadget) -> None:
    dev.of().put(gadget, "forecast")
    dry = move(dev, prod, "forecast", allow("careful"), dry_run=True, asname="live")
    cost = f"2 blobs ({SMALL + LARGE} bytes)"
    start, end = "models/forecast@1 of dev/omega", "0 there already; allowed by careful"
    assert str(dry) == f"{start} could become live of prod/omega: {cost} to write, {end}"
    real = move(dev, prod, asname="live")
    assert str(real) == f"{start} is now live@1 of prod/omega: {cost} written, 0 there already"
    described = json.loads(json.dumps(dry.as_dict()))
    assert (described["target"], described["version"]) == ({"context": "prod", "bucket": "omega"}, None)
    assert described["verdicts"] == [{"policy": "careful", "allowed": True, "reason": "it is fine"}]


# --- policies


def test_every_policy_is_asked_and_every_veto_listed(dev: Context, prod: Context, gadget: Gadget) -> None:
    dev.of().put(gadget, "forecast")
    before = state(prod)

    def fail(_: Candidate) -> Verdict:
        raise LookupError("no metric\nof that name")

    judges = [refuse("small", "it is too large"), allow(), Judge("metric", fail), Judge("mute", lambda _: None)]
    with pytest.raises(PromotionRefusedError) as caught:
        move(dev, prod, "forecast", *judges)
    assert caught.value.reasons == (
        "small: it is too large",
        "metric: the check failed, LookupError: no metric of that name",
        "mute: the check answered None, which is no Verdict; tell the author of the policy",
    )
    assert str(caught.value).startswith("'forecast' version 1 of models in dev/omega may not go to prod/omega: small: ")
    assert [len(judge.asked) for judge in judges] == [1, 1, 1, 1]
    assert state(prod) == before
    assert prod.log.told == []


@pytest.mark.parametrize("answer", [True, "yes", Verdict("judge", allowed=cast("bool", "yes"))])
def test_only_a_verdict_that_says_true_allows(dev: Context, prod: Context, gadget: Gadget, answer: Any) -> None:
    dev.of().put(gadget, "forecast")
    with pytest.raises(PromotionRefusedError):
        move(dev, prod, "forecast", Judge("judge", lambda _: answer))


def test_a_policy_that_leaves_the_process_is_a_veto(dev: Context, prod: Context, gadget: Gadget) -> None:
    dev.of().put(gadget, "forecast")

    def leave(_: Candidate) -> Verdict:
        raise SystemExit(3)

    with pytest.raises(PromotionRefusedError, match="SystemExit: 3"):
        move(dev, prod, "forecast", Judge("judge", leave))


def test_a_policy_sees_the_version_both_ends_and_what_would_be_replaced(
    dev: Context, prod: Context, gadget: Gadget
) -> None:
    prod.of().put(replace(gadget, parts=(b"old",)), "live", {"score": 1})
    dev.of().put(gadget, "forecast", {"score": 2})
    judge = allow()
    move(dev, prod, "forecast", judge, asname="live")
    (seen,) = judge.asked
    assert (seen.store, seen.name, seen.target_name, seen.signed) == ("models", "forecast", "live", True)
    assert (str(seen.source), str(seen.target)) == ("dev/omega", "prod/omega")
    assert (seen.version.number, seen.version.attributes) == (1, {"score": 2})
    assert seen.current is not None
    assert seen.current.attributes == {"score": 1}
    assert seen.load() == gadget


def test_a_dropped_object_is_nothing_to_be_replaced(dev: Context, prod: Context, gadget: Gadget) -> None:
    prod.of().put(gadget, "forecast")
    prod.of().drop("forecast")
    dev.of().put(gadget, "forecast")
    judge = allow()
    promotion = move(dev, prod, "forecast", judge)
    assert judge.asked[0].current is None
    assert (promotion.replaced, promotion.version) == (None, 2)


def test_a_policy_reads_under_the_rules_of_the_source(dev: Context, prod: Context, gadget: Gadget) -> None:
    dev.of(keys=KeyRing()).put(gadget, "forecast")
    judge = Judge("reader", lambda candidate: candidate.load() and Verdict("reader", allowed=True))
    with pytest.raises(PromotionRefusedError, match="reader: the check failed, UntrustedError: a gadget needs"):
        move(dev, prod, "forecast", judge)
    assert not judge.asked[0].signed


def test_what_a_policy_changes_does_not_arrive(dev: Context, prod: Context, gadget: Gadget) -> None:
    dev.of().put(gadget, "forecast", {"owner": "ann"})

    def meddle(candidate: Candidate) -> Verdict:
        cast("dict[str, Any]", candidate.version.attributes)["owner"] = "eve"
        return Verdict("meddler", allowed=True)

    judge = allow()
    move(dev, prod, "forecast", Judge("meddler", meddle), judge)
    assert judge.asked[0].version.attributes == {"owner": "ann"}
    assert prod.of().metadata("forecast").attributes == {"owner": "ann"}


def test_the_copy_policy_is_the_same_as_none(dev: Context, prod: Context, gadget: Gadget) -> None:
    dev.of().put(gadget, "forecast")
    assert [verdict.allowed for verdict in move(dev, prod, "forecast", CopyPolicy(NoOptions())).verdicts] == [True]


# --- plugins


def test_plugins_are_asked_before_and_told_after(dev: Context, prod: Context, gadget: Gadget) -> None:
    dev.of().put(gadget, "forecast")
    promotion = move(dev, prod, "forecast", allow())
    asked, stored, told = prod.log.told
    assert isinstance(asked, Promoting)
    assert (asked.candidate.name, asked.verdicts, asked.dry_run) == ("forecast", promotion.verdicts, False)
    assert isinstance(stored, Stored)
    assert (stored.context, stored.name, stored.version) == ("prod", "forecast", 1)
    assert told == Promoted(promotion)


def test_a_veto_of_a_plugin_leaves_everything_as_it_was(
    dev: Context, prod: Context, gadget: Gadget, monkeypatch: pytest.MonkeyPatch
) -> None:
    dev.of().put(gadget, "forecast")
    before = state(prod)

    def veto(event: Promoting) -> None:
        raise VetoError("not on a Friday")

    monkeypatch.setattr(prod.log, "veto_promotion", veto)
    with pytest.raises(VetoError, match="Friday"):
        move(dev, prod)
    assert state(prod) == before


# --- dry run


def test_a_dry_run_asks_and_counts_and_changes_nothing(dev: Context, prod: Context, gadget: Gadget) -> None:
    dev.of().put(gadget, "forecast")
    before = state(prod)
    judge = allow()
    promotion = move(dev, prod, "forecast", judge, dry_run=True)
    assert state(prod) == before
    assert (promotion.dry_run, promotion.version, promotion.copied) == (True, None, Copied(2, SMALL + LARGE))
    assert len(judge.asked) == 1
    assert [event.dry_run for event in prod.log.told] == [True]
    real = move(dev, prod, "forecast", judge)
    assert replace(real, dry_run=True, version=None) == promotion


def test_a_dry_run_is_refused_as_the_real_one_would_be(dev: Context, prod: Context, gadget: Gadget) -> None:
    dev.of().put(gadget, "forecast")
    with pytest.raises(PromotionRefusedError, match="small: it is too large"):
        move(dev, prod, "forecast", refuse("small", "it is too large"), dry_run=True)


# --- provenance and signatures


def test_the_new_version_knows_where_it_came_from(dev: Context, prod: Context, gadget: Gadget) -> None:
    dev.of().put(gadget, "forecast", provenance={"inputs": ["datasets/sales@7"]})
    source = dev.of().metadata("forecast")
    move(dev, prod, "forecast", allow("careful"))
    provenance = prod.of().metadata("forecast").provenance
    assert provenance["origin"] == {"inputs": ["datasets/sales@7"]}
    assert provenance["chain"] == []
    hop = provenance["promoted_from"]
    place = (hop["context"], hop["bucket"], hop["store"], hop["name"], hop["version"])
    assert place == ("dev", "omega", "models", "forecast", 1)
    assert (hop["id"], hop["author"], hop["created"]) == (source.id, source.author, source.created)
    assert hop["signature"]["key"] == source.signed_by != ""
    assert hop["verdicts"] == [{"policy": "careful", "allowed": True, "reason": "it is fine"}]


def test_the_chain_of_promotions_is_kept(dev: Context, prod: Context, gadget: Gadget) -> None:
    dev.of().put(gadget, "forecast", provenance={"action": "fit"})
    move(dev, prod)
    for number in range(1, 40):
        there, back = (prod, dev) if number % 2 else (dev, prod)
        promote(there.of(), "forecast", back.of(), [], events=back.log)
    last = prod.of() if len(prod.of().versions("forecast")) > 20 else dev.of()
    provenance = last.metadata("forecast").provenance
    assert provenance["origin"] == {"action": "fit"}
    hops = [hop["context"] for hop in (*provenance["chain"], provenance["promoted_from"])]
    assert hops == ["dev", "prod"] * (len(hops) // 2) + ["dev"] * (len(hops) % 2)


def test_a_user_may_put_any_provenance(dev: Context, prod: Context, gadget: Gadget) -> None:
    odd = {"action": "promote", "chain": "none", "promoted_from": {}, "origin": {}}
    dev.of().put(gadget, "forecast", provenance=odd)
    move(dev, prod)
    assert prod.of().metadata("forecast").provenance["origin"] == odd


def signer(store: ObjectStore, name: str) -> str:
    return store.metadata(name).signed_by


def test_the_target_signs_what_the_source_vouches_for(dev: Context, prod: Context, gadget: Gadget) -> None:
    dev.of().put(gadget, "forecast")
    assert move(dev, prod).vouched
    assert signer(prod.of(), "forecast") == prod.keys.own


@pytest.mark.parametrize("ring", [KeyRing(), None], ids=["unsigned", "by a stranger"])
def test_what_nobody_vouches_for_is_not_made_trusted(
    dev: Context, prod: Context, gadget: Gadget, ring: KeyRing | None
) -> None:
    dev.of(keys=prod.keys if ring is None else ring).put(gadget, "forecast")
    assert not move(dev, prod).vouched
    assert signer(prod.of(), "forecast") == ""
    with pytest.raises(UntrustedError):
        prod.of().get("forecast")


def test_data_that_runs_no_code_is_signed_whoever_it_is_from(dev: Context, prod: Context) -> None:
    dev.of("datasets", keys=KeyRing()).put([1, 2], "settings")
    promotion = promote(dev.of("datasets"), "settings", prod.of("datasets"), [], events=prod.log)
    assert promotion.vouched
    assert signer(prod.of("datasets"), "settings") == prod.keys.own


def test_a_program_is_not_made_trusted_however_plain_it_is_to_read(dev: Context, prod: Context, note: Note) -> None:
    dev.of("scripts", keys=KeyRing()).put(note, "nightly")
    promotion = promote(dev.of("scripts"), "nightly", prod.of("scripts"), [], events=prod.log)
    assert not promotion.vouched
    assert prod.of("scripts").get("nightly") == note
    assert signer(prod.of("scripts"), "nightly") == ""


# --- refusals


def test_an_object_is_not_promoted_onto_itself(dev: Context, gadget: Gadget) -> None:
    dev.of().put(gadget, "forecast")
    with pytest.raises(InvalidArgumentError, match=r"models/forecast@1 cannot be promoted onto itself in dev/omega;"):
        promote(dev.of(), "forecast", dev.of(), [], events=dev.log)
    assert len(dev.of().versions("forecast")) == 1


@pytest.mark.parametrize(
    ("name", "more", "error", "says"),
    [
        ("forecst", {}, ObjectNotFoundError, "forecast"),
        ("forecast@9", {}, VersionNotFoundError, "9"),
        ("forecast", {"version": "champion"}, VersionNotFoundError, "champion"),
        ("forecast@1", {"version": 1}, InvalidArgumentError, "names a version and version=1 another"),
        ("forecast[x]", {}, InvalidArgumentError, "a version goes as a whole; say 'forecast'"),
        ("forecast", {"asname": "../up"}, InvalidNameError, "up"),
        ("forecast", {"asname": ""}, InvalidNameError, "name"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(
    dev: Context, prod: Context, gadget: Gadget, name: str, more: dict[str, Any], error: type[Exception], says: str
) -> None:
    dev.of().put(gadget, "forecast")
    before = state(prod)
    with pytest.raises(error) as caught:
        move(dev, prod, name, **more)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert state(prod) == before


def test_models_go_to_models(dev: Context, prod: Context, gadget: Gadget) -> None:
    dev.of().put(gadget, "forecast")
    with pytest.raises(InvalidArgumentError, match="cannot go to datasets; promote it to models of the target"):
        promote(dev.of(), "forecast", prod.of("datasets"), [], events=prod.log)


# --- when something goes wrong


def test_a_crash_before_the_commit_leaves_the_target_as_it_was(dev: Context, prod: Context, gadget: Gadget) -> None:
    prod.of().put(replace(gadget, parts=(b"old",)), "forecast")
    dev.of().put(gadget, "forecast")
    records, _ = state(prod)

    def crash(changes: object) -> Any:
        raise KeyboardInterrupt

    with broken(prod, "commit", crash), pytest.raises(KeyboardInterrupt):
        move(dev, prod)
    assert state(prod)[0] == records
    assert prod.of().get("forecast").parts == (b"old",)
    assert move(dev, prod).copied.blobs == 0


def test_a_disk_that_is_full_leaves_the_target_as_it_was(dev: Context, prod: Context, gadget: Gadget) -> None:
    dev.of().put(gadget, "forecast")

    def full(chunks: object) -> Any:
        raise StorageFullError("no room is left")

    before = state(prod)
    with broken(prod, "write_blob", full), pytest.raises(StorageFullError):
        move(dev, prod)
    assert state(prod) == before


def test_bytes_that_change_on_their_way_are_caught(dev: Context, prod: Context, gadget: Gadget) -> None:
    dev.of().put(gadget, "forecast")
    write = prod.storage.write_blob
    records, _ = state(prod)
    with (
        broken(prod, "write_blob", lambda chunks: write([*chunks, b"!"])),
        pytest.raises(CorruptBlobError, match="on its way from"),
    ):
        move(dev, prod)
    assert state(prod)[0] == records


def test_who_loses_a_race_asks_the_policies_about_what_is_there_now(
    dev: Context, prod: Context, gadget: Gadget
) -> None:
    dev.of().put(gadget, "forecast")
    rivals = iter((b"first", b"second"))

    def race(candidate: Candidate) -> Verdict:
        for content in rivals:
            prod.of().put(replace(gadget, parts=(content,)), "forecast")
            break
        return Verdict("judge", allowed=True)

    judge = Judge("judge", race)
    promotion = move(dev, prod, "forecast", judge)

    def number(version: Version | None) -> int | None:
        return version.number if version else None

    assert [number(candidate.current) for candidate in judge.asked] == [None, 1, 2]
    assert (promotion.replaced, promotion.version) == (2, 3)
    assert prod.of().get("forecast") == gadget


def test_a_commit_that_loses_to_an_alias_is_repeated_without_asking_again(
    dev: Context, prod: Context, gadget: Gadget
) -> None:
    prod.of().put(replace(gadget, parts=(b"old",)), "forecast")
    dev.of().put(gadget, "forecast")
    commit = prod.storage.commit
    lost: list[ConflictError] = []

    def slow(changes: Any) -> Any:
        if not lost and any("/heads/" in change.key for change in changes):
            lost.append(ConflictError("head", "1", "2"))
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(prod.storage, "commit", commit)
                prod.of().tag("forecast", "old")
        return commit(changes)

    judge = allow()
    with broken(prod, "commit", slow):
        promotion = move(dev, prod, "forecast", judge)
    assert len(lost) == len(judge.asked) == 1
    assert (promotion.replaced, promotion.version) == (1, 2)
    assert prod.of().get("forecast@old").parts == (b"old",)


def test_promotions_at_the_same_time_all_become_versions(dev: Context, prod: Context, gadget: Gadget) -> None:
    dev.of().put(gadget, "forecast")
    with ThreadPoolExecutor(8) as pool:
        promotions = list(pool.map(lambda _: move(dev, prod, "forecast", allow()), range(8)))
    assert sorted(promotion.version or 0 for promotion in promotions) == list(range(1, 9))
    assert {(promotion.replaced or 0) + 1 == promotion.version for promotion in promotions} == {True}
    assert [entry.after for entry in prod.of().history("forecast")] == list(range(1, 9))

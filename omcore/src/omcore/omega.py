"""`Omega`: one bucket of one context, with its stores and its runtime."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from omcore.errors import InvalidArgumentError
from omcore.objects.names import check_bucket
from omcore.objects.store import ObjectStore
from omcore.runtimes.scope import Scope
from omcore.submission import Submitter

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from omcore.context import Context
    from omcore.migration import Migration
    from omcore.promotion.record import Promotion
    from omcore.runtimes.engine import RuntimeChoice

STORES = ("datasets", "models", "jobs", "scripts")
"""The stores of every bucket."""

DEFAULT_BUCKET = "omega"


class Store(ObjectStore):
    """One store of one bucket."""

    def __init__(self, context: Context, bucket: str, store: str) -> None:
        super().__init__(
            store,
            bucket,
            context.settings.name,
            context.storage,
            context.codecs,
            context.keys,
            context.host,
            context.settings.trust_rules(),
        )
        self._of = context

    def promote(
        self,
        name: str,
        target: Store,
        version: int | str | None = None,
        *,
        asname: str | None = None,
        dry_run: bool = False,
        why: str = "",
    ) -> Promotion:
        """Copy a version to another context or bucket, if the target's policies allow it.

        Args:
            name: the object's name, or a reference with a version.
            target: the store to copy to, for example `om_prod.models`.
            version: a number or an alias; `None` for the current version.
            asname: the name in the target; `None` for the same.
            dry_run: ask the policies and say what would be copied, and change nothing.
            why: a sentence for the target's history.

        Raises:
            PromotionRefusedError: one or more policies refused; lists every reason.
            ObjectNotFoundError: there is no such object or version.
        """
        from omcore.promotion.promote import promote

        if not isinstance(target, Store):
            message = f"promote takes a store to copy to, such as om_prod.{self.store}, not {target!r}"
            raise InvalidArgumentError(message)
        policies = target._of.policies(target.store)
        return promote(
            self,
            name,
            target,
            policies,
            version=version,
            asname=asname,
            dry_run=dry_run,
            why=why,
            events=target._of.host,
        )


class Omega:
    """One bucket of one context.

    `om.setup(...)` makes one; `om["name"]` gives the same context's bucket of that name.
    """

    def __init__(self, context: Context, bucket: str = DEFAULT_BUCKET) -> None:
        self.context = context
        self.bucket = check_bucket(bucket)
        self._stores: dict[str, Store] = {}

    @property
    def datasets(self) -> Store:
        """Frames, arrays, files and other data."""
        return self.store("datasets")

    @property
    def models(self) -> Store:
        """Estimators and pipelines, fitted or not."""
        return self.store("models")

    @property
    def jobs(self) -> Store:
        """Notebooks."""
        return self.store("jobs")

    @property
    def scripts(self) -> Store:
        """Python modules and packages."""
        return self.store("scripts")

    def store(self, name: str) -> Store:
        """The store of that name.

        Raises:
            InvalidArgumentError: there is none.
        """
        if name not in STORES:
            message = f"there is no store {name!r}; there are {', '.join(STORES)}"
            raise InvalidArgumentError(message)
        found = self._stores.get(name)
        if found is None or found.storage is not self.context.storage:  # none yet, or closed since
            found = self._stores[name] = Store(self.context, self.bucket, name)
        return found

    @property
    def runtime(self) -> Scope:
        """Where tasks run; assign what a runtime plugin makes to use another one."""
        return self._scope

    @runtime.setter
    def runtime(self, choice: RuntimeChoice) -> None:
        self.context.choose_runtime(choice)

    @cached_property
    def _scope(self) -> Scope:
        return Scope(Submitter(self))

    def __getitem__(self, bucket: str) -> Omega:
        """The same context's bucket of that name."""
        return self if bucket == self.bucket else Omega(self.context, bucket)

    def migrate(
        self,
        target: Omega,
        *,
        bucket: str | None = None,
        dry_run: bool = False,
        verify: bool = False,
        skip: str | Iterable[str] = (),
    ) -> Migration:
        """Copy every object of this context, with all its versions, history and aliases, to another context.

        What was interrupted, whatever interrupted it, is done again and goes on: what is there is compared and skipped.
        Versions keep their ids. The target's key signs those that this context's keys vouch for. No policy is asked;
        tasks and their logs stay here.

        Args:
            target: the other context.
            bucket: only this bucket; `None` for all buckets of the context.
            dry_run: compare, say what would be copied, and change nothing.
            verify: read also the bytes that the target has already, and mend what is damaged.
            skip: objects to leave out, each as `store/name` or `bucket/store/name`, or a pattern such as `jobs/*`.

        Raises:
            MigrationRefusedError: the target has an object of its own under the name of one of these, or cannot have
                one of its kind; names all of them. Nothing was copied, unless it was put there meanwhile.
            InvalidArgumentError: both have the same storage, or there is no such bucket or object to leave out.
            StorageError: something is damaged or failed; what was copied before is whole.
        """
        from omcore.migration import make_plan

        if not isinstance(target, Omega):
            raise InvalidArgumentError(f"migrate takes the context to copy to, such as om_prod, not {target!r}")
        plan = make_plan(self.context.side, target.context.side, bucket, skip)
        return plan.migration if dry_run else plan.run(verify=verify)

    def close(self) -> None:
        """End worker processes that were started, and close the storage; for all buckets of the context.

        The next use opens them again.
        """
        self.context.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        settings = self.context.settings
        backends = f"{settings.storage.backend} storage, {settings.runtime.backend} runtime"
        return f"<Omega context={settings.name!r} bucket={self.bucket!r}: {backends}>"

    def __dir__(self) -> list[Any]:
        return sorted({*super().__dir__(), *STORES})

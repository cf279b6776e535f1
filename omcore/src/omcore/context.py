"""An opened context: its storage, plugins, keys and runtime, shared by all its buckets."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any

from omcore.errors import ConfigurationError
from omcore.objects.loaded import LoadedObjects
from omcore.objects.registry import CodecRegistry
from omcore.plugin.host import PluginHost
from omcore.proxies.values import ValueCoder
from omcore.runtimes.backend import WorkerEntry
from omcore.runtimes.engine import RuntimeChoice
from omcore.runtimes.keeper import Keeper
from omcore.runtimes.logs import TaskLogs
from omcore.runtimes.pulse import Pulse
from omcore.runtimes.records import TaskRecords
from omcore.runtimes.sessions import Session
from omcore.signing import Key, KeyRing
from omcore.storage.backend import Place, SupportsKey
from omcore.storage.cached import cached

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from omcore.config import ContextSettings
    from omcore.migration import Side
    from omcore.omega import Omega
    from omcore.promotion.policies import PromotionPolicy
    from omcore.runtimes.backend import RuntimeBackend
    from omcore.runtimes.task import Outcome, TaskSpec
    from omcore.storage.backend import StorageBackend


DAY = 86_400.0
"""Seconds."""

_OF_THE_STORAGE = ("fingerprint", "keys", "values", "records", "logs", "loaded")
"""What a context derives from its open storage, and makes anew for the next one."""


@dataclass(frozen=True, slots=True)
class WorkerFunctions:
    """What a context calls on the floor above it.

    Attributes:
        execute: runs one envelope: what a worker process does.
        prepare: tells a worker process which contexts it may work in.
        run_here: runs a task of this process itself, which needs no envelope.
    """

    execute: Callable[[bytes], bytes]
    prepare: Callable[[bytes], None]
    run_here: Callable[[TaskSpec, Omega], Outcome]


class Context:
    """One environment. Everything is opened on first use, and closed together."""

    def __init__(self, settings: ContextSettings, functions: WorkerFunctions) -> None:
        self.settings = settings
        self.functions = functions
        self.place = Place(settings.name, settings.home)
        self._lock = RLock()
        self._choice: RuntimeChoice | None = None
        self._backend: RuntimeBackend | None = None
        self._storage: StorageBackend | None = None
        self._keepers: dict[int, Keeper] = {}
        self._pulses: dict[int, Pulse] = {}

    @cached_property
    def host(self) -> PluginHost:
        """The plugins that this context may use."""
        return PluginHost(allow=self.settings.plugins.allow, deny=self.settings.plugins.deny)

    @property
    def storage(self) -> StorageBackend:
        """The storage, open; one for all threads."""
        with self._lock:
            if self._storage is None:
                self._storage = self._open_storage()
            return self._storage

    def _open_storage(self) -> StorageBackend:
        section = self.settings.storage
        kind = self.host.storage_backend(section.backend, asked_by=section.asked_by)
        storage = kind(self.host.options(kind, section.options, section.asked_by, section.origins), self.place)
        room = self.settings.cache
        return cached(storage, self.place.home / "cache", room) if kind.remote and room else storage

    @cached_property
    def fingerprint(self) -> str:
        """What a task names this context by: it is the same from any machine, and tells no secret."""
        return self.storage.identity

    @cached_property
    def keys(self) -> KeyRing:
        """The key this context signs with, and those it accepts."""
        secret = self.settings.signing_secret()
        if secret is None and isinstance(self.storage, SupportsKey):
            secret = self.storage.signing_secret()
        own = None if secret is None else Key.of(secret)
        return KeyRing(own, [Key.of(accepted) for accepted in self.settings.accepted_secrets()])

    @property
    def side(self) -> Side:
        """The context as one of the two of a migration."""
        from omcore.migration import Side

        return Side(self.settings.name, self.storage, self.keys, self.codecs)

    @property
    def auth(self) -> KeyRing:
        """The keys that sign and check this context's tasks."""
        chosen = self._choice.auth if self._choice else None
        return self.keys if chosen is None else chosen

    @cached_property
    def codecs(self) -> CodecRegistry:
        """The codecs of the core and of plugins."""
        return CodecRegistry(self.host.codecs())

    @cached_property
    def values(self) -> ValueCoder:
        """Encodes the arguments and results of tasks."""
        return ValueCoder(self.codecs, self.storage)

    @cached_property
    def records(self) -> TaskRecords:
        """The durable tasks."""
        return TaskRecords(self.storage)

    @cached_property
    def logs(self) -> TaskLogs:
        """What durable tasks printed."""
        return TaskLogs(self.storage)

    @property
    def keeper(self) -> Keeper:
        """Who looks after durable tasks in this process; a fork has its own."""
        with self._lock:
            pid = os.getpid()
            if pid not in self._keepers:
                self._keepers = {pid: self._new_keeper("")}
            return self._keepers[pid]

    def look_after_tasks(self) -> None:
        """Look after the context's tasks in a worker, where it goes on without the client that handed them out."""
        if self.runtime_class.strengths.survives_client:
            self.keeper.start()

    @property
    def runtime_class(self) -> type[RuntimeBackend]:
        """The class of the runtime backend; connects to nothing."""
        section = self.settings.runtime
        return self._choice.backend if self._choice else self.host.runtime_backend(section.backend, section.asked_by)

    def hold(self, name: str) -> None:
        """Look after the context's tasks, as a process that holds deliveries for its clients.

        Args:
            name: what `RuntimeBackend.holder` calls this process.
        """
        with self._lock:
            self._keepers = {os.getpid(): self._new_keeper(name)}
            self.keeper.publisher()

    def _new_keeper(self, name: str) -> Keeper:
        session = Session(self.storage, self.records.now, name)
        return Keeper(self.storage, self.records, session, lambda: self.runtime_backend, self.clear_tasks)

    @property
    def pulse(self) -> Pulse:
        """Who keeps the leases of the tasks that run in this process; a fork has its own."""
        pid = os.getpid()
        found = self._pulses.get(pid)
        if found is None:
            with self._lock:
                found = self._pulses[pid] = self._pulses.get(pid) or Pulse(self.records)
        return found

    def clear_tasks(self) -> int:
        """Remove the records and logs of tasks that ended longer ago than the configuration keeps them; how many."""
        days = self.settings.tasks.keep
        if days is None:
            return 0
        ended = self.records.ended_before(self.records.now() - days * DAY)
        for task_id in ended:
            self.logs.forget(task_id)
        return len(self.records.forget(ended))

    @cached_property
    def loaded(self) -> LoadedObjects:
        """The objects that tasks of this context keep loaded in this process: what its rules let it load."""
        return LoadedObjects()

    def policies(self, store: str) -> Sequence[PromotionPolicy]:
        """The policies that promotion into this context's store asks."""
        found = []
        for section in self.settings.promotion_of(store):
            kind = self.host.promotion_policy(section.policy, asked_by=section.asked_by)
            found.append(kind(self.host.options(kind, section.options, section.asked_by)))
        return found

    # --- the runtime

    @cached_property
    def worker_entry(self) -> WorkerEntry:
        """What the workers that are started for this context call."""
        settings = self.settings
        return WorkerEntry(self.functions.execute, self.functions.prepare, settings.dump(), settings.identity())

    @property
    def runtime_backend(self) -> RuntimeBackend:
        """The runtime backend, connected."""
        with self._lock:
            if self._backend is None:
                self._backend = self._connect()
            return self._backend

    def choose_runtime(self, choice: RuntimeChoice) -> None:
        """Use another runtime from now on; the one before is closed."""
        if not isinstance(choice, RuntimeChoice):
            message = f"om.runtime takes what a runtime plugin makes, such as OmegaRuntimeDask(...), not {choice!r}"
            raise ConfigurationError(message)
        with self._lock:
            self._close_runtime()
            self._choice = choice

    def _connect(self) -> RuntimeBackend:
        if self._choice is None:
            section = self.settings.runtime
            kind = self.host.runtime_backend(section.backend, asked_by=section.asked_by)
            options: Any = self.host.options(kind, section.options, section.asked_by, section.origins)
        else:
            kind = self._choice.backend
            options = self.host.options(kind, self._choice.options, f"{kind.__name__}(...)")
        return kind(options, self.place, self.worker_entry, self.settings.labels)

    def _close_runtime(self) -> None:
        if self._backend is not None:
            self._backend.close()
            self._backend = None

    def close(self) -> None:
        """End the runtime's processes and close the storage, where they were opened; the next use opens them again."""
        keeper = self._keepers.get(os.getpid())
        if keeper is not None:
            keeper.retire()
        with self._lock:
            self._close_runtime()
            if keeper is not None:
                keeper.close()
            for pulse in self._pulses.values():
                pulse.close()
            self._keepers, self._pulses = {}, {}
            storage, self._storage = self._storage, None
            for name in _OF_THE_STORAGE:
                self.__dict__.pop(name, None)
            if storage is not None:
                storage.close()

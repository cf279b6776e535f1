"""Keep datasets and models in one place, run them anywhere, promote them to production.

    import omcore as om

    om.datasets.put(frame, "sales")
    om.models.put(LinearRegression(), "forecast")
    om.runtime.model("forecast").fit("sales[x]", "sales[y]").get()

The module itself stands for the default context: `om.datasets`, `om.models`, `om.jobs`, `om.scripts`, `om.runtime` and
`om["bucket"]` are those of `om.setup()`, which is called on first use.
"""

from __future__ import annotations

import sys
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from omcore.objects.filters import where  # noqa: TC004 - given by __getattr__
    from omcore.omega import Omega, Store  # noqa: TC004
    from omcore.runtimes.engine import RuntimeChoice
    from omcore.runtimes.handle import as_completed  # noqa: TC004
    from omcore.runtimes.scope import Scope

    datasets: Store
    models: Store
    jobs: Store
    scripts: Store
    runtime: Scope

__version__ = "0.1.0"
__all__ = [
    "Omega",
    "as_completed",
    "datasets",
    "errors",
    "jobs",
    "models",
    "runtime",
    "scripts",
    "setup",
    "where",
]

_LOCK = RLock()
_DEFAULT = ("datasets", "models", "jobs", "scripts", "runtime", "bucket", "close")


def setup(
    context: str | None = None,
    *,
    config: str | Path | None = None,
    storage: Mapping[str, Any] | None = None,
    runtime: Mapping[str, Any] | None = None,
    mongo_url: str | None = None,
    celeryconf: Mapping[str, Any] | None = None,
    bucket: str | None = None,
) -> Omega:
    """Give one context, ready to use; nothing is opened before it is needed.

    What is not said here comes from the environment, then from `omcore.toml`, then from the defaults: the embedded
    store and the local runtime.

    Args:
        context: the name of a context in the file; `None` for its default.
        config: the file; `None` to look for `omcore.toml` upward from the working directory, then in the user's
            configuration folder.
        storage: `{"backend": ..., **options}`.
        runtime: `{"backend": ..., **options}`.
        mongo_url: short for `storage={"backend": "mongo", "url": ...}`.
        celeryconf: short for `runtime={"backend": "celery", ...}`.
        bucket: the bucket; `None` for the default, `omega`.

    Raises:
        ConfigurationError: the configuration makes no sense; names file, context and key.
    """
    from omcore.config import load_settings
    from omcore.context import Context
    from omcore.omega import DEFAULT_BUCKET, Omega
    from omcore.worker import FUNCTIONS

    settings = load_settings(
        config, context=context, storage=storage, runtime=runtime, mongo_url=mongo_url, celeryconf=celeryconf
    )
    return Omega(Context(settings, FUNCTIONS), bucket or DEFAULT_BUCKET)


def adopt(contexts: bytes, bucket: str) -> Omega:
    """Make a bucket of a context that another process handed over the default of this one, as `om` in a notebook is.

    Args:
        contexts: what `ContextSettings.dump` wrote.
        bucket: the bucket's name.

    Raises:
        ConfigurationError: the bytes are no settings.
    """
    from omcore.config import ContextSettings
    from omcore.context import Context
    from omcore.omega import Omega
    from omcore.worker import FUNCTIONS

    adopted = Omega(Context(ContextSettings.load(contexts), FUNCTIONS), bucket)
    with _LOCK:
        sys.modules[__name__].__dict__["_instance"] = adopted
    return adopted


class _DefaultModule(ModuleType):
    """This module, standing for the default context: Python lets a module have a class of its own for that."""

    def __getattr__(self, name: str) -> Any:
        if name == "Omega":
            from omcore.omega import Omega

            return Omega
        if name == "errors":
            import omcore.errors

            return omcore.errors
        if name == "where":
            from omcore.objects.filters import where

            return where
        if name == "as_completed":
            from omcore.runtimes.handle import as_completed

            return as_completed
        if name in _DEFAULT:
            return getattr(self._default(), name)
        message = f"module 'omcore' has no attribute {name!r}; there are {', '.join(__all__)}"
        raise AttributeError(message)

    def __dir__(self) -> list[str]:
        return sorted({*__all__, "__doc__", "__version__"})

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "runtime":
            choice: RuntimeChoice = value
            self._default().runtime = choice
        else:
            super().__setattr__(name, value)

    def __getitem__(self, bucket: str) -> Omega:
        return self._default()[bucket]

    def _default(self) -> Omega:
        with _LOCK:
            found: Omega | None = self.__dict__.get("_instance")
            if found is None:
                found = self.__dict__["_instance"] = setup()
            return found


sys.modules[__name__].__class__ = _DefaultModule

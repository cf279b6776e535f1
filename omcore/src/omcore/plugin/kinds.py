"""The kinds of driver: what each is called, where it is found, which question asks for it, what it must be."""

from __future__ import annotations

from dataclasses import dataclass

HOOK_MODULES = "omcore.plugins"
"""The entry-point group of hook modules."""

PREFIX = "omcore."
"""What the name of every entry-point group of ours begins with."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of driver.

    Attributes:
        word: what people call it.
        group: the entry-point group that lists it.
        question: the hook that asks for it.
        contract: the class it must be a subclass of, as `module:Class`; it is imported when a driver is checked,
            which is after the driver imported it itself.
        api_version: the version of that contract.
    """

    word: str
    group: str
    question: str
    contract: str
    api_version: int = 1


STORAGE = Kind("storage", "omcore.storage", "om_storage_backend", "omcore.storage.backend:StorageBackend")
RUNTIME = Kind("runtime", "omcore.runtime", "om_runtime_backend", "omcore.runtimes.backend:RuntimeBackend")
PROXY = Kind("proxy", "omcore.proxy", "om_proxy", "omcore.proxies.base:RuntimeProxy")
POLICY = Kind("policy", "omcore.policy", "om_promotion_policy", "omcore.promotion.policies:PromotionPolicy")

KINDS = (STORAGE, RUNTIME, PROXY, POLICY)
WORDS = {kind.group: kind.word for kind in KINDS} | {HOOK_MODULES: "hooks"}

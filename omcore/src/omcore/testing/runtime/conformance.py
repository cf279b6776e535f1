"""All the promises of a runtime in one class."""

from __future__ import annotations

from omcore.testing.runtime.cancelling import CancelPromises
from omcore.testing.runtime.deliveries import DeliveryPromises
from omcore.testing.runtime.handles import HandlePromises
from omcore.testing.runtime.labels import LabelPromises
from omcore.testing.runtime.life import LifePromises
from omcore.testing.runtime.loss import LossPromises


class RuntimeConformance(DeliveryPromises, HandlePromises, LabelPromises, CancelPromises, LossPromises, LifePromises):
    """Inherit this, override the fixture `start_runtime`, and your runtime is tested."""

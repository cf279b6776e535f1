"""All the promises about tasks in one class."""

from __future__ import annotations

from omcore.testing.tasks.cancelling import CancelPromises
from omcore.testing.tasks.clients import ClientPromises
from omcore.testing.tasks.doors import DoorPromises
from omcore.testing.tasks.effects import EffectPromises
from omcore.testing.tasks.errors import ErrorPromises
from omcore.testing.tasks.labels import LabelPromises
from omcore.testing.tasks.limits import LimitPromises
from omcore.testing.tasks.losses import LossPromises
from omcore.testing.tasks.sharing import SharingPromises
from omcore.testing.tasks.states import StatePromises
from omcore.testing.tasks.telling import TellingPromises


class TaskSemantics(EffectPromises, StatePromises, LabelPromises, ErrorPromises, TellingPromises, DoorPromises):
    """What holds while nobody dies and nothing takes too long: it is tested in a few seconds."""


class TaskEndurance(CancelPromises, LimitPromises, LossPromises, ClientPromises, SharingPromises):
    """What holds when tasks are cancelled, workers and clients die, and time runs out."""


class TaskConformance(TaskSemantics, TaskEndurance):
    """Inherit this, override the fixture `open_context`, and tasks on your runtime are tested."""

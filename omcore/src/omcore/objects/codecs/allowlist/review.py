"""What may be in the list of known globals: decided by people, for good reasons, and not by a program."""

from __future__ import annotations

import functools
import inspect
from typing import Any

import numpy as np

_LIBRARIES = frozenset({"numpy", "scipy", "pandas", "sklearn"})

_DENIED = (
    "scipy.stats",  # a distribution executes text of its state when it is unpickled
    "numpy.lib",  # opens files
    "numpy.memmap",  # opens files
    "numpy.testing",
    "numpy.f2py",
    "numpy.ctypeslib",
    "numpy.ndarray",  # makes objects of any bytes
    "numpy.dtype",  # takes a state that it does not check
    "numpy.matrix",
    "numpy.recarray",
    "numpy.ma",
    "numpy.rec",
    "numpy.char",
    "pandas.io",  # opens files and connections
    "pandas.core.computation",  # evaluates text
    "sklearn.datasets",  # downloads
    "sklearn.externals",
    "sklearn.utils._testing",
    "sklearn.utils._mocking",
)

_BUILTINS = frozenset(
    {
        *("builtins.bool", "builtins.bytearray", "builtins.bytes", "builtins.complex", "builtins.dict"),
        *("builtins.float", "builtins.frozenset", "builtins.int", "builtins.list", "builtins.object"),
        *("builtins.range", "builtins.set", "builtins.slice", "builtins.str", "builtins.tuple", "builtins.Ellipsis"),
        *("collections.Counter", "collections.OrderedDict", "collections.defaultdict", "collections.deque"),
        *("datetime.date", "datetime.datetime", "datetime.time", "datetime.timedelta", "datetime.timezone"),
        *("decimal.Decimal", "fractions.Fraction", "uuid.UUID", "uuid.SafeUUID"),
        *("zoneinfo.ZoneInfo._unpickle", "pytz._UTC", "pytz._p"),
    }
)
"""Of the standard library and of pytz: makes values, does nothing else."""

_OURS = "omcore.objects.codecs.loaders.making"

_MAKERS = frozenset(
    {
        *(
            f"omcore.objects.codecs.loaders.making.make_{what}"
            for what in ("array", "dtype", "masked", "objects", "scalar")
        ),
        # each makes an object of the class or from the generator it is given, which must be on the list itself
        *(f"numpy.random._pickle.__{what}_ctor" for what in ("bit_generator", "generator", "randomstate")),
        *("numpy.random.bit_generator.__pyx_unpickle_SeedSequence", "pandas.NA", "pandas._libs.missing.NA"),
        *("sklearn.metrics._dist_metrics.newObj", "sklearn.neighbors._kd_tree.newObj"),
        *("sklearn.neighbors._ball_tree.newObj", "sklearn._loss._loss.__pyx_unpickle_CyHalfMultinomialLoss"),
        *("pandas._libs.arrays.__pyx_unpickle_NDArrayBacked", "pandas._libs.internals._unpickle_block"),
        *("pandas._libs.tslibs.nattype._nat_unpickle", "pandas._libs.tslibs.nattype.__nat_unpickle"),
        *("pandas._libs.tslibs.timedeltas._timedelta_unpickle", "pandas._libs.tslibs.timestamps._unpickle_timestamp"),
        "pandas.core.indexes.base._new_Index",
        *("pandas.core.indexes.datetimes._new_DatetimeIndex", "pandas.core.indexes.interval._new_IntervalIndex"),
        "pandas.core.indexes.timedeltas._new_TimedeltaIndex",
    }
)
"""Makes an object of its own library from data that it checks."""

_COMPUTING = frozenset(
    {
        *("sklearn.feature_selection._univariate_selection", "sklearn.feature_selection._mutual_info"),
        *("sklearn.metrics._classification", "sklearn.metrics._ranking", "sklearn.metrics._regression"),
        *(
            "sklearn.metrics._scorer",
            "sklearn.metrics.cluster._supervised",
            "scipy._lib.array_api_compat.numpy._aliases",
        ),
        "sklearn.cluster._kmeans",
    }
)
"""Modules whose functions turn arrays into numbers."""

_NUMBERS = frozenset(f"numpy.{name}" for name in ("mean", "median", "sum", "min", "max", "amin", "amax", "std", "var"))


def harmless(module: str, name: str, found: Any) -> bool:
    """Say whether a pickle may refer to this, and call it with anything.

    Args:
        module: where it is.
        name: what it is called there.
        found: the thing itself.
    """
    full = f"{module}.{name}"
    if full in _BUILTINS | _MAKERS | _NUMBERS:
        return True
    if module.partition(".")[0] not in _LIBRARIES or any(f"{full}.".startswith(f"{denied}.") for denied in _DENIED):
        return False
    if inspect.isfunction(found) or isinstance(found, functools.partial):
        return module in _COMPUTING and not name.startswith("__")
    return isinstance(found, type | np.ufunc)

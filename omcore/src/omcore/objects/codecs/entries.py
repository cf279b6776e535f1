"""The codecs that come with the core, by name: nothing here imports pandas, numpy, pyarrow or scikit-learn."""

from __future__ import annotations

from omcore.objects.codecs.base import CodecEntry

_PACKAGE = "omcore.objects.codecs"
_DATASETS = frozenset({"datasets"})
_MODELS = frozenset({"models"})

BUILTIN: tuple[CodecEntry, ...] = (
    CodecEntry(
        "pandas.dataframe",
        f"{_PACKAGE}.frames.dataframe:DataFrameCodec",
        ("pandas.DataFrame", "pandas.core.frame.DataFrame"),
        _DATASETS,
    ),
    CodecEntry(
        "pandas.series",
        f"{_PACKAGE}.frames.series:SeriesCodec",
        ("pandas.Series", "pandas.core.series.Series"),
        _DATASETS,
    ),
    CodecEntry("arrow.table", f"{_PACKAGE}.frames.table:TableCodec", ("pyarrow.lib.Table",), _DATASETS),
    CodecEntry("numpy.ndarray", f"{_PACKAGE}.arrays:ArrayCodec", ("numpy.ndarray",), _DATASETS),
    # the two strings by name, because their nearest base is a built-in type
    CodecEntry(
        "numpy.scalar", f"{_PACKAGE}.arrays:ScalarCodec", ("numpy.str_", "numpy.bytes_", "numpy.generic"), _DATASETS
    ),
    # the base of every layout, which older versions of scipy call otherwise: a layout that is not kept is told by name
    CodecEntry(
        "scipy.sparse",
        f"{_PACKAGE}.sparse:SparseCodec",
        ("scipy.sparse._base._spbase", "scipy.sparse._base.spmatrix"),
        _DATASETS,
    ),
    CodecEntry(
        "json.value",
        f"{_PACKAGE}.values:JsonCodec",
        tuple(f"builtins.{name}" for name in ("dict", "list", "str", "int", "float", "bool", "NoneType")),
        _DATASETS,
    ),
    CodecEntry("bytes", f"{_PACKAGE}.values:BytesCodec", ("builtins.bytes",), _DATASETS | _MODELS),
    CodecEntry(
        "file",
        f"{_PACKAGE}.files:FileCodec",
        ("pathlib.Path", "pathlib._local.Path", f"{_PACKAGE}.files.StoredFile"),
        _DATASETS | _MODELS,
    ),
    CodecEntry("sklearn.estimator", f"{_PACKAGE}.estimators:EstimatorCodec", ("sklearn.base.BaseEstimator",), _MODELS),
    # no types: it is chosen by naming the kind
    CodecEntry("sklearn.skops", f"{_PACKAGE}.estimators:SkopsCodec", (), _MODELS),
    CodecEntry(
        "jupyter.notebook",
        f"{_PACKAGE}.notebooks:NotebookCodec",
        ("nbformat.notebooknode.NotebookNode", "pathlib.Path", "pathlib._local.Path"),
        frozenset({"jobs"}),
    ),
    CodecEntry(
        "python.script",
        f"{_PACKAGE}.scripts:ScriptCodec",
        ("pathlib.Path", "pathlib._local.Path", f"{_PACKAGE}.scripts.Script"),
        frozenset({"scripts"}),
    ),
)
"""Every codec of the core; the entry's class is imported when an object of its kind is written or read."""

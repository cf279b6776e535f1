"""The core's own codecs keep what every codec keeps."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, ClassVar

import nbformat
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from omcore.objects.codecs.arrays import ArrayCodec, ScalarCodec
from omcore.objects.codecs.base import Codec, Query
from omcore.objects.codecs.estimators import EstimatorCodec, SkopsCodec
from omcore.objects.codecs.files import FileCodec
from omcore.objects.codecs.frames import block, container
from omcore.objects.codecs.frames.dataframe import DataFrameCodec
from omcore.objects.codecs.frames.series import SeriesCodec
from omcore.objects.codecs.frames.table import TableCodec
from omcore.objects.codecs.notebooks import NotebookCodec
from omcore.objects.codecs.scripts import ScriptCodec
from omcore.objects.codecs.sparse import SparseCodec
from omcore.objects.codecs.values import BytesCodec, JsonCodec
from omcore.objects.filters import where
from omcore.testing.codec import CodecConformance
from tests.core.codecs.difficult_frames import frames
from tests.core.codecs.test_frames_come_back import KEPT, REFUSED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

FRAMES = frames()
LAZY = "it reads nothing before it is asked to; what is read then is verified by the storage"
ROWS, CLASSES = load_iris(return_X_y=True)


def same_frame(left: Any, right: Any) -> bool:
    try:
        pd.testing.assert_frame_equal(left, right, check_exact=True)
    except AssertionError:
        return False
    return True


class TestDataFrames(CodecConformance):
    @pytest.fixture
    def codec(self) -> Codec:
        return DataFrameCodec()

    @pytest.fixture
    def examples(self) -> st.SearchStrategy[Any]:
        return st.sampled_from([FRAMES[name] for name in KEPT])

    @pytest.fixture
    def refused(self) -> Sequence[Any]:
        return [FRAMES[name] for name in REFUSED]

    @pytest.fixture
    def queries(self) -> Sequence[tuple[Any, Query, Any]]:
        frame = pd.DataFrame({"a": [1, 2, 3], "b": ["x", None, "z"]})
        asked = [
            (Query(("b", "a")), frame[["b", "a"]]),
            (Query(("a",), where(b__isnull=False)), frame.loc[[0, 2], ["a"]]),
            (Query(filter=where(a__gte=2)), frame.loc[[1, 2]]),
        ]
        return [(frame, query, expected) for query, expected in asked]

    def same(self, left: Any, right: Any) -> bool:
        return same_frame(left, right)


class TestDataFramesAsParquet(TestDataFrames):
    @pytest.fixture(autouse=True)
    def _no_small_parts(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(container, "FEW_CELLS", 0)
            patch.setattr(block, "FEW_CELLS", 0)
            yield


class TestSeries(CodecConformance):
    @pytest.fixture
    def codec(self) -> Codec:
        return SeriesCodec()

    @pytest.fixture
    def examples(self) -> st.SearchStrategy[Any]:
        named = [FRAMES[name].iloc[:, 0] for name in KEPT if FRAMES[name].shape[1]]
        return st.sampled_from(
            [each for each in named if not isinstance(each.name, pd.Timestamp | pd.Period | pd.Interval)]
        )

    def same(self, left: Any, right: Any) -> bool:
        return bool(type(left.name) is type(right.name)) and same_frame(left.to_frame("x"), right.to_frame("x"))


class TestTables(CodecConformance):
    @pytest.fixture
    def codec(self) -> Codec:
        return TableCodec()

    @pytest.fixture
    def examples(self) -> st.SearchStrategy[Any]:
        rows = st.tuples(st.one_of(st.none(), st.integers(-9, 9)), st.text(max_size=3), st.lists(st.floats(width=32)))
        return st.lists(rows, max_size=5).map(_table)

    @pytest.fixture
    def refused(self) -> Sequence[Any]:
        return [pa.table({})]

    @pytest.fixture
    def queries(self) -> Sequence[tuple[Any, Query, Any]]:
        table = _table([(1, "a", []), (None, "b", []), (3, "c", [])])
        return [(table, Query(("t", "n"), where(n__gt=1)), table.select(["t", "n"]).slice(2, 1))]

    def same(self, left: Any, right: Any) -> bool:
        return bool(left.schema.equals(right.schema, check_metadata=True)) and repr(left.to_pylist()) == repr(
            right.to_pylist()
        )


def _table(rows: list[tuple[Any, ...]]) -> Any:
    schema = pa.schema([("n", pa.int64()), ("t", pa.string()), ("l", pa.list_(pa.float32()))], {"made": "here"})
    return pa.Table.from_arrays(
        [pa.array([row[place] for row in rows], schema.field(place).type) for place in range(3)], schema=schema
    )


class TestArrays(CodecConformance):
    @pytest.fixture
    def codec(self) -> Codec:
        return ArrayCodec()

    @pytest.fixture
    def examples(self) -> st.SearchStrategy[Any]:
        return hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0))

    @pytest.fixture
    def refused(self) -> Sequence[Any]:
        return [np.array([b"bytes"], object), np.ma.masked_array([1])]

    def same(self, left: Any, right: Any) -> bool:
        return bool(left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes())


class TestSparse(CodecConformance):
    @pytest.fixture
    def codec(self) -> Codec:
        return SparseCodec()

    @pytest.fixture
    def examples(self) -> st.SearchStrategy[Any]:
        dense = hnp.arrays(st.sampled_from(["f8", "i4"]), st.tuples(st.integers(1, 5), st.integers(1, 5)))
        return st.builds(
            lambda array, form: sparse.coo_array(array).asformat(form), dense, st.sampled_from(["csr", "csc", "coo"])
        )

    @pytest.fixture
    def refused(self) -> Sequence[Any]:
        return [sparse.lil_array((2, 2)), sparse.dok_matrix((2, 2))]

    def same(self, left: Any, right: Any) -> bool:
        return type(left) is type(right) and left.toarray().tobytes() == right.toarray().tobytes()


class TestScalars(CodecConformance):
    @pytest.fixture
    def codec(self) -> Codec:
        return ScalarCodec()

    @pytest.fixture
    def examples(self) -> st.SearchStrategy[Any]:
        return hnp.arrays(hnp.scalar_dtypes(), ()).map(lambda array: array[()])

    @pytest.fixture
    def refused(self) -> Sequence[Any]:
        return [np.str_("a\0")]

    def same(self, left: Any, right: Any) -> bool:
        return type(left) is type(right) and left.tobytes() == right.tobytes()


class TestJson(CodecConformance):
    @pytest.fixture
    def codec(self) -> Codec:
        return JsonCodec()

    @pytest.fixture
    def examples(self) -> st.SearchStrategy[Any]:
        scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters(codec="utf-8")))
        return st.recursive(
            scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner)
        )

    @pytest.fixture
    def refused(self) -> Sequence[Any]:
        return [(1, 2), {1: 2}, [{1}], {"a": object()}]

    def same(self, left: Any, right: Any) -> bool:
        return repr(left) == repr(right)


class TestBytes(CodecConformance):
    @pytest.fixture
    def codec(self) -> Codec:
        return BytesCodec()

    @pytest.fixture
    def examples(self) -> st.SearchStrategy[Any]:
        return st.binary()

    @pytest.fixture
    def refused(self) -> Sequence[Any]:
        return [bytearray(b"a")]


class TestNotebooks(CodecConformance):
    @pytest.fixture
    def codec(self) -> Codec:
        return NotebookCodec()

    @pytest.fixture
    def examples(self) -> st.SearchStrategy[Any]:
        new: Any = nbformat.v4
        texts = st.lists(st.text(st.characters(codec="utf-8", categories=["L", "N", "Zs"]), max_size=9), max_size=3)
        return texts.map(lambda cells: new.new_notebook(cells=[new.new_code_cell(cell) for cell in cells]))

    @pytest.fixture
    def refused(self) -> Sequence[Any]:
        return [nbformat.NotebookNode(nbformat=3), nbformat.NotebookNode(nbformat=4, cells=1)]


class TestFiles(CodecConformance):
    known_gaps: ClassVar = {"test_a_part_that_is_cut_off_is_never_a_value": LAZY}

    @pytest.fixture
    def codec(self) -> Codec:
        return FileCodec()

    @pytest.fixture
    def examples(self, tmp_path: Path) -> st.SearchStrategy[Any]:
        return st.binary(max_size=100).map(lambda data: _written(tmp_path / "file.bin", data))

    @pytest.fixture
    def refused(self, tmp_path: Path) -> Sequence[Any]:
        return [tmp_path / "missing"]

    def same(self, left: Any, right: Any) -> bool:
        content = right.read() if hasattr(right, "read") else right.read_bytes()
        return bool(left.name == right.name and left.read_bytes() == content)


class TestScripts(CodecConformance):
    known_gaps: ClassVar = {"test_a_part_that_is_cut_off_is_never_a_value": LAZY}

    @pytest.fixture
    def codec(self) -> Codec:
        return ScriptCodec()

    @pytest.fixture
    def examples(self, tmp_path: Path) -> st.SearchStrategy[Any]:
        return st.binary(max_size=100).map(lambda data: _written(tmp_path / "package" / "main.py", data).parent)

    @pytest.fixture
    def refused(self, tmp_path: Path) -> Sequence[Any]:
        return [_written(tmp_path / "texts" / "a.txt", b"").parent]

    def same(self, left: Any, right: Any) -> bool:
        content = right.read("main.py") if hasattr(right, "files") else (right / "main.py").read_bytes()
        return bool(left.name == right.name and (left / "main.py").read_bytes() == content)


def _written(path: Path, data: bytes) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def estimators() -> list[Any]:
    return [
        LinearRegression(),
        LinearRegression().fit(ROWS, CLASSES),
        DecisionTreeClassifier(max_depth=2).fit(ROWS, CLASSES),
        make_pipeline(StandardScaler(), LogisticRegression()).fit(ROWS, CLASSES),
    ]


def same_estimator(left: Any, right: Any) -> bool:
    if repr(left) != repr(right) or vars(left).keys() != vars(right).keys():
        return False
    return not hasattr(left, "n_features_in_") or bool((left.predict(ROWS) == right.predict(ROWS)).all())


class TestEstimators(CodecConformance):
    @pytest.fixture
    def codec(self) -> Codec:
        return EstimatorCodec()

    @pytest.fixture
    def examples(self) -> st.SearchStrategy[Any]:
        return st.sampled_from(estimators()).map(copy.deepcopy)

    @pytest.fixture
    def refused(self) -> Sequence[Any]:
        return [FunctionTransformer(lambda rows: rows)]

    def same(self, left: Any, right: Any) -> bool:
        return same_estimator(left, right)


class TestSkops(TestEstimators):
    @pytest.fixture
    def codec(self) -> Codec:
        return SkopsCodec()

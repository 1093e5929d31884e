"""Data frames and spreadsheets as Arrow tables that DuckDB can scan, and values as data frames."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from binder.errors import TableError
from binder.headers import readable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas
    import polars
    import pyarrow


def arrow_of_pandas(frame: pandas.DataFrame) -> pyarrow.Table:
    """A pandas frame as Arrow; the levels of a named index come first, an unnamed index is left out.

    A column of mixed Python objects becomes text.

    Raises:
        TableError: It is no pandas frame.
    """
    import pandas
    import pyarrow

    if not isinstance(frame, pandas.DataFrame):
        raise TableError(f"{type(frame).__name__} is no pandas.DataFrame; give one, or use another Table.from_…")
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    columns = [_array(frame.iloc[:, position]) for position in range(frame.shape[1])]
    return pyarrow.table(columns, names=[_label(label) for label in frame.columns])


def arrow_of_polars(frame: polars.DataFrame) -> pyarrow.Table:
    """A polars frame as Arrow.

    Raises:
        TableError: It is no polars frame, or a column's type is unknown to Arrow.
    """
    import pyarrow

    polars = sys.modules.get("polars")  # there, if there is a frame of its making
    if polars is None or not isinstance(frame, polars.DataFrame):
        raise TableError(f"{type(frame).__name__} is no polars.DataFrame; give one (a LazyFrame collected)")
    try:
        return frame.to_arrow()
    except pyarrow.ArrowException as error:
        raise TableError(f"Arrow cannot hold this polars frame: {error}; cast that column first") from error


def arrow_of_values(columns: Sequence[Sequence[object]], names: Sequence[str]) -> pyarrow.Table:
    """Columns of Python values as Arrow; a column of mixed values becomes text."""
    import pandas
    import pyarrow

    return pyarrow.table([_array(pandas.Series(column, dtype=object)) for column in columns], names=list(names))


def frame_of(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> pandas.DataFrame:
    """Rows of Python values as a pandas frame; NULL leaves a column's type as it is.

    Integers are ``Int64`` and truth ``boolean``, which hold NULL; timestamps and durations have pandas' own types;
    dates, times, exact decimals and lists stay Python objects, for which pandas has no type.
    """
    import pandas

    series = {at: _series([row[at] for row in rows]) for at in range(len(columns))}
    return pandas.DataFrame(series, columns=range(len(columns))).set_axis(list(columns), axis="columns")


def nullable(kind: pyarrow.DataType) -> pandas.api.extensions.ExtensionDtype | None:
    """The pandas type that holds an Arrow type's values beside NULL, where pandas' usual one does not."""
    import pandas
    import pyarrow

    return {pyarrow.int64(): pandas.Int64Dtype(), pyarrow.bool_(): pandas.BooleanDtype()}.get(kind)


def arrow_of_excel(path: Path, sheet: str | int) -> pyarrow.Table:
    """One sheet of a workbook as Arrow; its first row that is not empty is the header.

    Raises:
        TableError: The file is no workbook, or has no such sheet.
    """
    import pandas

    cells = _cells_of_excel(path, sheet).dropna(how="all").dropna(how="all", axis="columns")
    if cells.empty:
        raise TableError(f"{path.name} is empty: it has no header and no rows")
    frame = cells.iloc[1:].reset_index(drop=True)
    frame.columns = ["" if pandas.isna(label) else str(label) for label in cells.iloc[0]]
    return arrow_of_pandas(frame)


def _cells_of_excel(path: Path, sheet: str | int) -> pandas.DataFrame:
    import pandas

    try:
        with pandas.ExcelFile(path) as book:
            names = book.sheet_names
            if sheet in names or (isinstance(sheet, int) and 0 <= sheet < len(names)):
                return pandas.read_excel(book, sheet_name=sheet, header=None, dtype=object)
    except ImportError as error:  # it names the package
        raise TableError(f"cannot read {path.name}: {' '.join(str(error).split())}") from error
    except Exception as error:  # each engine raises its own kind for a file that it cannot read
        told = "it is no Excel workbook, or it is damaged or locked with a password"
        raise TableError(f"cannot read {path.name}: {told}; save it again as .xlsx or .csv") from error
    raise TableError(f"{path.name} has no sheet {sheet!r}; it has {', '.join(map(repr, names))}, numbered from 0")


def plain_arrow(table: pyarrow.Table) -> pyarrow.Table:
    """The table with a neutral name a column, and with no type that DuckDB cannot scan.

    Raises:
        TableError: It has no columns.
    """
    import pyarrow

    if not table.num_columns:
        raise TableError("the source has no columns, so there is nothing to ask about")
    columns = [_scannable(column) for column in table.itercolumns()]
    return pyarrow.table(columns, names=[f"h{position}" for position in range(table.num_columns)])


def _array(series: pandas.Series[Any]) -> pyarrow.Array:
    import pyarrow

    try:
        array = pyarrow.Array.from_pandas(series)
        if not isinstance(array.type, pyarrow.BaseExtensionType):  # a period is stored as a bare number
            return array
    except (pyarrow.ArrowException, TypeError, ValueError, OverflowError):
        pass
    gone = (bool(missing) for missing in series.isna())
    texts = [None if missing else readable(str(value)) for value, missing in zip(series, gone, strict=True)]
    return pyarrow.array(texts, pyarrow.string())


def _series(values: list[Any]) -> pandas.Series[Any]:
    import pandas
    import pyarrow

    if len({type(value) for value in values} - {type(None), list, dict}) == 1:
        try:
            return pyarrow.array(values).to_pandas(types_mapper=nullable)
        except (pyarrow.ArrowException, ValueError, OverflowError):  # such as an integer of more than 64 bits
            pass
    return pandas.Series(values, dtype=object)


def _label(label: object) -> str:
    """A column's label as text; None and NaN are none."""
    parts = label if isinstance(label, tuple) else (label,)
    return readable(" ".join(str(part) for part in parts if not _is_missing(part) and str(part)))


def _is_missing(label: object) -> bool:
    """Whether a label is what pandas puts where there is none; NaN, NaT and NA differ from themselves."""
    import pandas

    return label is None or label is pandas.NA or label != label


def _scannable(column: pyarrow.ChunkedArray) -> pyarrow.ChunkedArray:
    import pyarrow

    types = pyarrow.types
    if isinstance(column.type, pyarrow.BaseExtensionType):
        column = column.cast(column.type.storage_type)
    if types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    if types.is_float16(column.type):
        return column.cast(pyarrow.float32())
    if types.is_decimal256(column.type):
        return _narrow_decimal(column)
    return column


def _narrow_decimal(column: pyarrow.ChunkedArray) -> pyarrow.ChunkedArray:
    import pyarrow

    try:
        return column.cast(pyarrow.decimal128(38, column.type.scale))
    except pyarrow.ArrowInvalid:
        return column.cast(pyarrow.string())

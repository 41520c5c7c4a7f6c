"""Columns of CSV and Parquet files, and numbers in them: messages name the file and the line."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from soilft.errors import FormatMismatch, MissingVariable, UnreadableGranule

Values = npt.NDArray[Any]
Table = dict[str, Values]

_PARQUET = (".parquet", ".pq")


def columns_of(path: Path, wanted: list[str], separator: str) -> tuple[Table, Values]:
    """Columns of a file, and the number of each row: of its line in a CSV file.

    Parameters
    ----------
    wanted
        Names, each once.
    separator
        Between the columns of a CSV file.

    Raises
    ------
    InputError
        Where the file is none, is cut off, or has not these columns.
    """
    if not path.stat().st_size:
        raise UnreadableGranule(path.name, expected="a table", found="an empty file")
    if path.suffix.lower() in _PARQUET:
        return _parquet(path, wanted)
    return _csv(path, wanted, separator)


def _csv(path: Path, wanted: list[str], separator: str) -> tuple[Table, Values]:
    """Columns of a CSV file as texts, and the number of each row's line."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableGranule(
            path.name, expected="a table in UTF-8", found=f"{error.reason} at byte {error.start}"
        ) from error
    if not text.endswith(("\n", "\r")):
        raise UnreadableGranule(
            path.name,
            expected="a line end after the last row",
            found=f"{text[-20:]!r}",
            remedy="The file is cut off. Where it is whole, add the line end.",
        )
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    lines, rows = [], []
    try:
        header = [name.strip() for name in next(reader)]
        for row in reader:
            if row:
                lines.append(reader.line_num)
                rows.append(row)
    except (csv.Error, StopIteration) as error:
        found = str(error) or "no header"
        raise UnreadableGranule(path.name, expected="a CSV table", found=found) from error
    _require_columns(path, wanted, header)
    for line, row in zip(lines, rows, strict=True):
        if len(row) != len(header):
            raise FormatMismatch(
                f"{path.name}: line {line}",
                expected=f"{len(header)} columns separated by {separator!r}",
                found=str(len(row)),
                remedy="Decimal commas, or another separator? Numbers have a decimal point.",
            )
    at = {name: header.index(name) for name in wanted}
    table = {name: np.array([row[k].strip() for row in rows], object) for name, k in at.items()}
    return table, np.array(lines, int)


def _parquet(path: Path, wanted: list[str]) -> tuple[Table, Values]:
    """Columns of a Parquet file, and the number of each row."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        _require_columns(path, wanted, parquet.read_schema(path).names)
        read = parquet.read_table(path, columns=wanted, partitioning=None)
        frame = read.to_pandas(ignore_metadata=True)
    except (OSError, pa.ArrowException) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise UnreadableGranule(path.name, expected="a whole Parquet file", found=first) from error
    return {name: frame[name].to_numpy() for name in wanted}, np.arange(1, len(frame) + 1)


def _require_columns(path: Path, wanted: Collection[str], header: Sequence[str]) -> None:
    absent = [name for name in wanted if name not in header]
    twice = sorted({name for name in wanted if header.count(name) > 1})
    if absent or twice:
        raise MissingVariable(
            path.name,
            expected=f"the columns {', '.join(wanted)}, each once",
            found=f"{', '.join(header) or 'none'}",
            remedy="Name the columns and the separator as the table has them.",
        )


def texts(column: Values) -> Values:
    """A column as it is written, without blanks around; empty where there is nothing."""
    return np.array([_text(item) for item in column], object)


def _text(item: Any) -> str:
    if isinstance(item, str):
        return item.strip()
    if pd.isna(item):
        return ""
    # Of whole numbers with gaps between them other programs make fractions.
    whole = isinstance(item, float | np.floating) and float(item).is_integer()
    return str(int(item)) if whole else str(item).strip()


@dataclass(frozen=True)
class Lines:
    """Lines of a table that is being read.

    Parameters
    ----------
    lines
        Number of each row's line, (row,).
    missing
        Texts and numbers that stand for no value.
    """

    path: Path
    lines: Values
    missing: frozenset[str]

    def refused(self, row: int, column: str, expected: str, found: str, remedy: str = "") -> Any:
        """Give the error of a row's value."""
        return FormatMismatch(
            f"{self.path.name}: line {self.lines[row]}: {column}",
            expected=expected,
            found=found,
            remedy=remedy,
        )

    def numbers(self, column: Values, name: str, *, needed: bool = False) -> Values:
        """Numbers of a column, NaN where missing.

        Raises
        ------
        FormatMismatch
            Where something else stands there, or nothing and it is ``needed``.
        """
        if column.dtype.kind in "iuf":
            found = np.array(column, "float64")
        elif column.dtype == object:
            found = np.array([self._number(row, _text(x), name) for row, x in enumerate(column)])
        else:
            raise FormatMismatch(
                f"{self.path.name}: {name}", expected="numbers", found=f"{column.dtype}"
            )
        codes = [float(text) for text in self.missing if _is_number(text)]
        found = np.where(np.isin(found, codes), np.nan, found)
        gone = np.flatnonzero(np.isnan(found))
        if needed and len(gone):
            at = int(gone[0])
            raise self.refused(at, name, "a number", _text(column[at]) or "nothing")
        return found

    def _number(self, row: int, text: str, name: str) -> float:
        if not text or text in self.missing:
            return float("nan")
        if not _is_number(text):
            remedy = "A decimal comma? Numbers have a decimal point." if "," in text else ""
            raise self.refused(row, name, "a number with a decimal point", repr(text), remedy)
        return float(text)

    def within(
        self, values: Values, low: float, high: float, name: str, unit: str, remedy: str
    ) -> None:
        """Refuse values that cannot be."""
        beyond = np.flatnonzero((values < low) | (values > high) | np.isinf(values))
        if len(beyond):
            found = f"{values[beyond[0]]:g}, and {len(beyond) - 1} more beyond these"
            raise self.refused(int(beyond[0]), name, f"{low:g} to {high:g} {unit}", found, remedy)


def _is_number(text: str) -> bool:
    try:
        number = float(text)
    except ValueError:
        return False
    return "_" not in text and number == number

"""Rows of samples as pandas frames, of values and names that Evidently's page can show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from collectors.summaries.sample import Row
from monitor.jobs.report.task import Column

_SHOWN = str.maketrans({"<": "‹", ">": "›"})


def shown(text: str) -> str:
    """A name or value from outside, harmless in a page that escapes nothing.

    Evidently puts what it is given into a script of its page as it is, where `</script>` would end
    it and another one begin.
    """
    return text.encode("utf-8", "replace").decode().translate(_SHOWN)


@dataclass(frozen=True, slots=True)
class Frame:
    """One side: a table by shown names, and the event time (us) of each row, int64 [n]."""

    table: pd.DataFrame
    time: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.time)

    def in_time(self) -> pd.DataFrame:
        """The table by event time, as pictures of values by their place want it."""
        return self.table.iloc[np.argsort(self.time, kind="stable")].reset_index(drop=True)


def labels(columns: Sequence[Column]) -> list[str]:
    """How each column is called in the page: no two alike."""
    found: list[str] = []
    for column in columns:
        bare = "".join(c if c.isprintable() else "�" for c in shown(column.label))
        name = bare
        number = 2
        while name in found:
            name, number = f"{bare} ({number})", number + 1
        found.append(name)
    return found


def frame(rows: Sequence[Row], names: Sequence[str], columns: Sequence[Column]) -> Frame:
    """The table of these columns; `names` says what the values of a row are."""
    places = {name: place for place, name in enumerate(names)}
    data: dict[str, Any] = {}
    for label, column in zip(labels(columns), columns, strict=True):
        place = places[column.name]
        data[label] = _series([row[place] for row in rows], column)
    time = np.array([row[places["time"]] for row in rows], dtype=np.int64)
    return Frame(pd.DataFrame(data), time)


def _series(values: list[Any], column: Column) -> Any:
    if column.kind == "number":
        numbers = [float(v) if isinstance(v, int | float) else np.nan for v in values]
        return pd.Series(numbers, dtype=np.float64)
    texts = [shown(v) if isinstance(v, str) else None for v in values]
    return pd.Series(texts, dtype=object)

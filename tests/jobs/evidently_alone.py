"""Evidently by itself on two tables, and what it has: `python evidently_alone.py NOW BEFORE`."""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any


def main() -> None:
    warnings.simplefilter("ignore")
    import pandas as pd
    from evidently import DataDefinition, Dataset, Report
    from evidently.legacy.calculations.stattests import registry
    from evidently.presets import DataDriftPreset

    numbers = ["a", "b", "prediction"]
    definition = DataDefinition(
        numerical_columns=numbers, categorical_columns=["c"], text_columns=["d"]
    )
    sides: list[Any] = []
    for path in sys.argv[1:]:
        frame = pd.read_csv(path).rename(columns={"y": "prediction"})[[*numbers, "c", "d"]]
        sides.append(Dataset.from_pandas(frame, data_definition=definition))
    said = Report([DataDriftPreset()]).run(*sides).dict()["metrics"]
    kinds = {
        name: sorted(kind.value for kind in tests)
        for name, tests in registry._registered_stat_tests.items()
    }
    drift = [m for m in said if m["config"]["type"].endswith(":ValueDrift")]
    columns = {m["config"]["column"]: (m["config"]["method"], float(m["value"])) for m in drift}
    print(json.dumps({"drifted": said[0]["value"], "columns": columns, "kinds": kinds}))


if __name__ == "__main__":
    main()

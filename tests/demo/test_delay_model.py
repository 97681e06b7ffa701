from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from monitor.demo.flights import CATEGORIES, FEATURES, NUMBERS, first_weeks
from monitor.demo.model import Model, fit


@pytest.fixture(scope="module")
def model(flights: pd.DataFrame) -> Model:
    return fit(first_weeks(flights))


def _rows(flights: pd.DataFrame) -> list[dict[str, Any]]:
    plain = flights[list(FEATURES)].astype(object)
    return [
        {str(name): value for name, value in row.items()}
        for row in plain.where(plain.notna(), None).to_dict("records")
    ]


def test_it_answers_null_exactly_for_cancelled_flights(flights: pd.DataFrame, model: Model) -> None:
    cancelled = flights["dep_delay"].isna()
    some = pd.concat([flights[cancelled], flights[~cancelled].sample(20_000, random_state=3)])
    null = np.array([model.predict(row) is None for row in _rows(some)])
    assert (null == some["dep_delay"].isna().to_numpy()).all()
    assert null.sum() == 8_255


def test_it_is_far_better_than_the_mean_on_flights_not_seen(
    flights: pd.DataFrame, model: Model
) -> None:
    seen = first_weeks(flights)
    later = flights.iloc[len(seen) :]
    later = later[later["arr_delay"].notna()].sample(20_000, random_state=1)
    answers = np.array([model.predict(row) for row in _rows(later)], dtype=float)
    truth = later["arr_delay"].to_numpy()
    error = np.abs(answers - truth).mean()
    baseline = np.abs(seen["arr_delay"].mean() - truth).mean()
    assert error < 0.6 * baseline


def test_it_is_the_ridge_regression_of_scikit_learn(flights: pd.DataFrame, model: Model) -> None:
    seen = first_weeks(flights)
    seen = seen[seen["arr_delay"].notna()]
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), list(NUMBERS)),
        (OneHotEncoder(sparse_output=False, handle_unknown="ignore"), list(CATEGORIES)),
    )
    theirs = make_pipeline(columns, Ridge(alpha=1.0)).fit(seen, seen["arr_delay"])
    some = flights[flights["dep_delay"].notna()].sample(2_000, random_state=2)
    ours = np.array([model.predict(row) for row in _rows(some)], dtype=float)
    np.testing.assert_allclose(ours, theirs.predict(some), rtol=0, atol=1e-6)


def test_the_same_flights_give_the_same_model(flights: pd.DataFrame, model: Model) -> None:
    again = fit(first_weeks(flights))
    assert again == model


def test_what_was_never_seen_adds_nothing(model: Model, flights: pd.DataFrame) -> None:
    row = _rows(flights.head(1))[0]
    weights = dict(dict(model.categories)["carrier"])
    known, unknown = model.predict(row), model.predict({**row, "carrier": "ZZ"})
    assert known is not None
    assert unknown == pytest.approx(known - weights[row["carrier"]])


def test_missing_weather_counts_as_the_mean(model: Model, flights: pd.DataFrame) -> None:
    row = _rows(flights.head(1))[0]
    means = {name: mean for name, _, mean in model.numbers}
    assert model.predict({**row, "temp": None}) == model.predict({**row, "temp": means["temp"]})


def test_without_arrivals_there_is_nothing_to_fit(flights: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="no flight of these arrived"):
        fit(flights[flights["arr_delay"].isna()])

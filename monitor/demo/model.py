"""Arrival delay, predicted as the flight leaves: ridge regression, nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor.demo.flights import CATEGORIES, NUMBERS

if TYPE_CHECKING:
    import pandas as pd

NAME = "arrival-delay"
VERSION = "ridge-1"


@dataclass(frozen=True, slots=True)
class Model:
    """A linear model of numbers and categories.

    Attributes:
        bias: minutes, for a row whose numbers are all 0 and whose categories are all unknown.
        numbers: name, minutes a unit, and the training mean that stands in for a missing value.
        categories: name, and minutes by known value; an unknown one adds nothing.
    """

    bias: float
    numbers: tuple[tuple[str, float, float], ...]
    categories: tuple[tuple[str, Mapping[str, float]], ...]

    def predict(self, features: Mapping[str, Any]) -> float | None:
        """Minutes of delay at arrival; None for a flight that has not left.

        Missing values are None.
        """
        if features["dep_delay"] is None:
            return None
        minutes = self.bias
        for name, weight, mean in self.numbers:
            value = features[name]
            minutes += weight * (mean if value is None else value)
        for name, weights in self.categories:
            minutes += weights.get(features[name], 0.0)
        return minutes


def fit(flights: pd.DataFrame, penalty: float = 1.0) -> Model:
    """Least squares of `arr_delay` with a ridge `penalty`, over the flights that arrived.

    Numbers are standardised, missing ones replaced by their mean, categories one-hot; the penalty
    spares the intercept. Solves (X'X + penalty I) w = X'y, X and y centred.

    Raises:
        ValueError: not one of these flights arrived.
    """
    flights = flights[flights["arr_delay"].notna()]
    if flights.empty:
        raise ValueError("no flight of these arrived; fit the model on more of them")
    numbers = flights[list(NUMBERS)].to_numpy(dtype=np.float64)
    means = np.nanmean(numbers, axis=0)
    numbers = np.where(np.isnan(numbers), means, numbers)
    scales = numbers.std(axis=0)
    scales[scales == 0] = 1.0
    values = {name: sorted(flights[name].unique()) for name in CATEGORIES}
    one_hot = [
        (flights[name].to_numpy()[:, None] == np.array(values[name], dtype=object)).astype(float)
        for name in CATEGORIES
    ]
    table = np.hstack([(numbers - means) / scales, *one_hot])
    truth = flights["arr_delay"].to_numpy(dtype=np.float64)
    centre, mean_truth = table.mean(axis=0), truth.mean()
    table -= centre
    gram = table.T @ table + penalty * np.eye(table.shape[1])
    solved = np.linalg.solve(gram, table.T @ (truth - mean_truth))
    slopes, rest = solved[: len(NUMBERS)] / scales, iter(solved[len(NUMBERS) :].tolist())
    return Model(
        bias=float(mean_truth - centre @ solved - means @ slopes),
        numbers=tuple(zip(NUMBERS, slopes.tolist(), means.tolist(), strict=True)),
        categories=tuple((name, {value: next(rest) for value in values[name]}) for name in values),
    )

"""Rows as points and their sums: against the formula, raw rows, and scikit-learn's kernel."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics.pairwise import rbf_kernel

from collectors.embedding import FARTHEST, FREQUENCIES, MOST, STEPS, Space
from collectors.events import AnyColumn, CategoryColumn, NumberColumn, Status
from collectors.multivariate import Multivariate
from collectors.schema import Schema
from collectors.specs import NumberSpec
from collectors.summaries.multivariate import ONE, MultivariateSummary
from collectors.summaries.state import Stored
from tests.support.columns import category_column, number_column, text_column
from tests.support.schemas import feature, full_schema, layout, one_of_each, rows

Floats = NDArray[np.float64]
SLOTS = 4
Table = dict[str, AnyColumn]


def schema_of(table: Table, **kinds: str) -> Schema:
    features = [feature(name, kinds.get(name, "number")) for name in table]  # type: ignore[arg-type]
    return Schema.build(layout(*features), [rows(**table)])


def space_of(schema: Schema, ignore: frozenset[str] = frozenset()) -> Space:
    space = Space.of(schema, ignore)
    assert space is not None
    return space


def numbers(values: Floats) -> NumberColumn:
    return NumberColumn(values, np.zeros(len(values), np.uint8))


def points(space: Space, table: Table) -> Floats:
    """In octaves, a row each."""
    number = len(next(iter(table.values())).status)
    return space.points(table, number).T.astype(np.float64) / STEPS


def some_numbers(seed: int, features: int, number: int = 500, shift: float = 0.0) -> Table:
    rng = np.random.default_rng(seed)
    return {f"f{j}": numbers(rng.normal(shift, 1 + j % 3, number)) for j in range(features)}


class TestPoints:
    def test_a_number_is_its_logarithm_about_the_centre(self) -> None:
        values = np.random.default_rng(0).standard_cauchy(3_000) * 7 + 100
        table: Table = {"a": numbers(values), "b": numbers(values[::-1].copy())}
        schema = schema_of(table)
        grid = schema.columns["a"].grid  # type: ignore[union-attr]
        z = (values - grid.center) / grid.scale
        wanted = np.sign(z) * np.minimum(np.log2(1 + np.abs(z)), FARTHEST / STEPS)
        found = points(space_of(schema), table)[:, 0]
        # Linear between powers of two is up to 0.086 below, and half a step is rounded.
        assert np.abs(found - wanted).max() < 0.0861 + 0.5 / STEPS + 1e-6
        assert np.abs(found).max() == FARTHEST / STEPS

    def test_whatever_cannot_be_used_is_nothing_with_a_mark(self) -> None:
        good = number_column([1.0, 2.0, 3.0, 4.0, 5.0])
        status = np.array([0, Status.NULL, Status.TYPE, Status.HUGE, Status.RANGE], np.uint8)
        odd = NumberColumn(np.array([1.0, np.nan, np.nan, -1e300, 9.0]), status)
        word = category_column(["x", None, "y", "x", "never"])
        table: Table = {"a": odd, "b": good, "c": word}
        space = space_of(schema_of({"a": good, "b": good, "c": word}, c="category"))
        found = points(space, table)
        assert len(space) == 2 + SLOTS + 3
        assert found[:, 0].tolist()[1:4] == [0.0, 0.0, -FARTHEST / STEPS]
        marks = found[:, -3:].tolist()
        assert marks == [[0, 0, 0], [1, 0, 1], [1, 0, 0], [0, 0, 0], [0, 0, 0]]
        of_words = np.abs(found[:, 2 : 2 + SLOTS]).sum(axis=1)
        assert of_words.tolist() == [1, 0, 1, 1, 1]

    def test_known_categories_are_told_apart_and_others_are_hashed(self) -> None:
        names = [f"v{i}" for i in range(8)]
        word = category_column([*names, *names])
        table: Table = {"c": word, "n": number_column([float(i % 8) for i in range(16)])}
        space = space_of(schema_of(table, c="category"))
        found = points(space, table)
        assert len({tuple(row) for row in found[:8, :SLOTS].tolist()}) == 8
        assert found[:8].tolist() == found[8:].tolist()
        # Which code a batch gives a name is of no account, and neither are the names not in it.
        other = CategoryColumn(np.array([2, 0], np.int32), ("v7", "new", "v3"), word.status[:2])
        again = points(space, {"c": other, "n": table["n"].take(np.array([3, 7]))})
        assert again.tolist() == found[[3, 7]].tolist()
        strangers = category_column([f"stranger {i}" for i in range(4_000)])
        many = points(space, {"c": strangers, "n": numbers(np.zeros(4_000))})[:, :SLOTS]
        assert np.abs(many.mean(axis=0)).max() < 0.05
        assert np.allclose(np.abs(many).mean(axis=0), 1 / SLOTS, atol=0.05)

    def test_every_kind_of_feature_has_its_place(self) -> None:
        where, batch = one_of_each()
        space = space_of(Schema.build(where, [batch]))
        found = space.points(batch.features, len(batch))
        assert len(space) == 1 + SLOTS + 1 + 1 + 1 + 2 + len(batch.features)
        assert set().union(*map(set, space.names)) == set(batch.features)
        marked = found[-len(batch.features) :] / STEPS
        by_name = dict(zip(sorted(batch.features), marked.tolist(), strict=True))
        assert by_name["number"] == [0, 0, 1]
        assert by_name["boolean"] == [0, 1, 0]
        assert by_name["text"] == [0, 0, 1]
        assert by_name["list"] == by_name["image"] == [0, 0, 0]

    def test_a_text_is_its_length(self) -> None:
        words = [None if i % 7 == 0 else "x" * (i % 40) for i in range(200)]
        lengths = [None if word is None else float(len(word)) for word in words]
        one: Table = {"t": text_column(words), "u": text_column(words)}
        schema = schema_of(one, t="text", u="text")
        spec = schema.columns["t"]
        found = points(space_of(schema), one)
        column = number_column(lengths)
        as_numbers: Table = {"t": column, "u": column}
        grid = spec.chars  # type: ignore[union-attr]
        alike = replace_columns(schema, {name: NumberSpec(grid) for name in as_numbers})
        assert found.tolist() == points(space_of(alike), as_numbers).tolist()

    def test_the_order_in_which_features_are_given_is_of_no_account(self) -> None:
        table = some_numbers(3, 40)
        backwards = dict(reversed(table.items()))
        one, other = space_of(schema_of(table)), space_of(schema_of(backwards))
        assert one.id == other.id
        assert points(one, table).tolist() == points(other, backwards).tolist()

    def test_another_set_of_features_grids_or_seed_is_another_space(self) -> None:
        schema = schema_of(some_numbers(3, 4))
        ids = {
            space_of(schema).id,
            space_of(schema, frozenset({"f1"})).id,
            space_of(schema_of(some_numbers(3, 4, shift=50.0))).id,
            space_of(schema_of(some_numbers(3, 5))).id,
            space_of(replace_seed(schema)).id,
        }
        assert len(ids) == 5
        assert space_of(schema, frozenset({"nobody"})).id == space_of(schema).id

    def test_fewer_than_two_features_go_together_with_nothing(self) -> None:
        schema = schema_of(some_numbers(3, 2))
        assert Space.of(schema, frozenset({"f0"})) is None
        assert Multivariate.of(schema, frozenset({"f0"})) == []
        assert [family.name for family in Multivariate.of(schema, frozenset())] == ["multivariate"]


def replace_columns(schema: Schema, columns: dict[str, object]) -> Schema:
    return msgspec.structs.replace(schema, columns=columns)


def replace_seed(schema: Schema) -> Schema:
    return msgspec.structs.replace(schema, seed=7)


class TestManyFeatures:
    def test_dimensions_are_at_most_64(self) -> None:
        for features in (30, 32, 33, 60, 300):
            space = space_of(schema_of(some_numbers(1, features, 50)))
            assert len(space) == min(2 * features, MOST)
            assert space.frequencies.shape == (FREQUENCIES, len(space))
            assert set().union(*map(set, space.names)) == {f"f{j}" for j in range(features)}

    def test_values_have_dimensions_of_their_own_as_far_as_there_are_any(self) -> None:
        table = some_numbers(1, 60)
        space = space_of(schema_of(table))
        found = points(space, table)
        assert np.count_nonzero(found.std(axis=0)) == 60
        by_itself = points(
            space_of(schema_of(table), frozenset({f"f{j}" for j in range(2, 60)})), table
        )
        together = found / 0.5  # two share a dimension: sums are halved
        place = [names[0] for names in space.names].index("f0")
        assert np.abs(together[:, place] - by_itself[:, 0]).max() <= 1 / STEPS

    @pytest.mark.parametrize("features", [40, 150, 600])
    def test_squared_distances_are_kept_in_the_mean(self, features: int) -> None:
        table = some_numbers(2, features, 300)
        schema = schema_of(table)
        space = space_of(schema)
        shared = points(space, table)
        apart = np.column_stack(
            [
                points(space_of(schema, frozenset(table) - {f"f{j}", f"f{j + 1}"}), table)[:, :2]
                for j in range(0, features, 2)
            ]
        )
        smaller = 2.0 ** np.ceil(np.log2(2 * features / MOST) / 2)
        ratio = squared_gaps(shared).mean() * smaller**2 / squared_gaps(apart).mean()
        assert ratio == pytest.approx(1.0, abs=0.15)


def squared_gaps(rows_: Floats) -> Floats:
    half = len(rows_) // 2
    return np.asarray(np.square(rows_[:half] - rows_[half : 2 * half]).sum(axis=1))


class TestSums:
    def test_they_are_those_of_the_points_to_the_last_digit(self) -> None:
        table = some_numbers(5, 8, 3_000)
        space = space_of(schema_of(table))
        summary = filled(space, table)
        whole = space.points(table, 3_000).astype(np.int64)
        moments = summary.moments()
        assert moments.sums.tolist() == whole.sum(axis=1).tolist()
        upper = np.triu_indices(len(space))
        assert moments.products.tolist() == (whole @ whole.T)[upper].tolist()

    @pytest.mark.parametrize("features", [6, 80])
    def test_no_order_of_rows_and_no_cut_into_batches_changes_a_bit(self, features: int) -> None:
        table = some_numbers(6, features, 2_500)
        space = space_of(schema_of(table))
        one = filled(space, table).moments()
        rng = np.random.default_rng(1)
        shuffled = MultivariateSummary(space)
        for index in np.array_split(rng.permutation(2_500), 37):
            batch = {name: column.take(index) for name, column in table.items()}
            shuffled.observe(batch, len(index))
        for mine, other in zip(one, shuffled.moments(), strict=True):
            assert mine.tolist() == other.tolist()

    def test_the_largest_points_are_summed_exactly_too(self) -> None:
        far = numbers(np.full(2_000, 1e9))
        table: Table = {"a": far, "b": far}
        space = space_of(
            schema_of(
                some_numbers(0, 0) | {"a": numbers(np.arange(9.0)), "b": numbers(np.arange(9.0))}
            )
        )
        moments = filled(space, table).moments()
        assert moments.sums.tolist() == [FARTHEST * 2_000] * 2 + [0, 0]
        assert moments.products[0] == FARTHEST**2 * 2_000


def filled(space: Space, table: Table) -> MultivariateSummary:
    summary = MultivariateSummary(space)
    summary.observe(table, len(next(iter(table.values())).status))
    return summary


def discrepancy(one: MultivariateSummary, other: MultivariateSummary) -> float:
    gap = one.moments().waves / one.rows - other.moments().waves / other.rows
    return float(np.square(gap / ONE).sum() / FREQUENCIES)


class TestFourierFeatures:
    @pytest.mark.parametrize(("features", "shift"), [(4, 0.5), (20, 0.3), (20, 0.0), (60, 0.3)])
    def test_their_means_differ_by_the_discrepancy_of_scikit_learns_kernel(
        self, features: int, shift: float
    ) -> None:
        table, moved = some_numbers(1, features, 800), some_numbers(2, features, 700, shift)
        space = space_of(schema_of(table))
        x, y = points(space, table), points(space, moved)
        smaller = 2.0 ** -np.ceil(np.log2(max(2 * features / MOST, 1.0)) / 2)
        gamma = 1.0 / (2.0 * features * smaller**2)
        exact = (
            rbf_kernel(x, x, gamma).mean()
            + rbf_kernel(y, y, gamma).mean()
            - 2 * rbf_kernel(x, y, gamma).mean()
        )
        found = discrepancy(filled(space, table), filled(space, moved))
        # One frequency's share is of the size of the whole: their mean is that much nearer.
        assert found == pytest.approx(exact, rel=4 / sqrt(FREQUENCIES), abs=1e-4)

    def test_the_kernel_is_the_one_that_is_stated(self) -> None:
        table = some_numbers(3, 10, 400)
        space = space_of(schema_of(table))
        x = points(space, table)
        angles = x * STEPS @ space.frequencies.T.astype(np.float64) * (2 * np.pi / 65_536)
        waves = np.hstack((np.cos(angles), np.sin(angles))) / sqrt(FREQUENCIES)
        exact = rbf_kernel(x, x, 1.0 / 20.0)
        error = waves @ waves.T - exact
        # Hoeffding over 64 frequencies, for nearly all pairs; no bias beyond it.
        assert np.quantile(np.abs(error), 0.99) < 3 / sqrt(FREQUENCIES)
        assert np.sqrt(np.square(error).mean()) < 1 / sqrt(FREQUENCIES)
        # Half of all pairs are about as far apart as the bandwidth is wide.
        assert 0.3 < np.median(exact) < 0.75

    def test_sums_are_those_of_the_cosines_and_sines_rounded(self) -> None:
        table = some_numbers(4, 10, 1_000)
        space = space_of(schema_of(table))
        x = points(space, table) * STEPS
        angles = x @ space.frequencies.T.astype(np.float64) * (2 * np.pi / 65_536)
        wanted = np.hstack((np.cos(angles), np.sin(angles))).sum(axis=0)
        found = filled(space, table).moments().waves / ONE
        # A phase is rounded down to one of 4,096, a cosine to one of 1,024 parts.
        assert np.abs(found - wanted).max() / 1_000 < 2 * np.pi / 4_096 + 1 / ONE


def test_private_values_are_in_no_state() -> None:
    schema = full_schema()
    family = Multivariate.of(schema, frozenset())[0]
    _, batch = one_of_each()
    summary = family.empty()
    family.observe(summary, batch)
    state = summary.state()["sums"]
    assert set(state) == {"schema", "rows", "sums", "products", "waves"}
    assert all(state[name].dtype == np.int64 for name in ("sums", "products", "waves"))


def test_of_other_features_a_state_leaves_it_empty() -> None:
    table = some_numbers(1, 4)
    schema = schema_of(table)
    family = Multivariate.of(schema, frozenset())[0]
    summary = family.empty()
    family.observe(summary, rows(**table))
    same, fewer = family.empty(), Multivariate.of(schema, frozenset({"f0"}))[0].empty()
    same.restore(Stored(summary.state()))
    fewer.restore(Stored(summary.state()))
    assert (same.rows, fewer.rows) == (500, 0)
    assert replace(same).merge(summary).rows == 1_000

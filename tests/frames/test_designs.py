"""Design matrices: references, merged levels, aliased columns."""

import numpy as np

from python_models.frames.columns import Categories, complete_rows
from python_models.frames.designs import aliased_columns, build_design


def categories(words: list[str]) -> Categories:
    levels = tuple(sorted(set(words) - {""}))
    return Categories(np.array([levels.index(w) if w else -1 for w in words], dtype=np.int32), levels)


def test_build_design__the_most_common_level_is_the_reference() -> None:
    columns = {"smoking": categories(["never", "never", "current", "never", "previous", "current"])}
    event = np.array([True, False, True, False, True, False])
    design = build_design(columns=columns, covariates=["smoking"], rows=np.arange(6), event=event)
    assert design.names == ("smoking: current", "smoking: previous")
    np.testing.assert_array_equal(design.values[:, 0], [0, 0, 1, 0, 0, 1])


def test_build_design__a_level_without_events_joins_the_reference_and_says_so() -> None:
    columns = {"centre": categories(["a", "a", "a", "b", "c", "c"])}
    event = np.array([True, False, False, False, True, False])
    design = build_design(columns=columns, covariates=["centre"], rows=np.arange(6), event=event)
    assert design.names == ("centre: c",)
    assert design.notes == ("centre b joined a: no events",)


def test_build_design__an_aliased_column_is_dropped_and_named() -> None:
    sex = categories(["female", "male", "female", "male", "female", "female"])
    menopause = categories(["no", "male", "yes", "male", "yes", "no"])
    event = np.array([True, True, True, False, False, False])
    design = build_design(
        columns={"sex": sex, "menopause": menopause}, covariates=["sex", "menopause"], rows=np.arange(6), event=event
    )
    assert design.values.shape == (6, 2)
    assert any("dropped: a combination of the others" in note for note in design.notes)


def test_aliased_columns__finds_sums_and_constants_in_order() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(50, 2))
    matrix = np.column_stack([x, x.sum(axis=1), np.full(50, 3.0)])
    assert aliased_columns(matrix) == [2, 3]


def test_complete_rows__nan_and_null_words_are_missing() -> None:
    number = np.array([1.0, np.nan, 2.0])
    word = categories(["a", "b", ""])
    assert complete_rows([number, word]).tolist() == [True, False, False]


def test_build_design__a_level_that_another_indicator_says_is_never_the_reference() -> None:
    # Most are men, who are a level of the question to women; a woman who did not answer has no event.
    sex = Categories(np.array([1, 1, 1, 1, 0, 0, 0, 0, 0], dtype=np.int32), ("female", "male"))
    menopause = Categories(np.array([0, 0, 0, 0, 1, 1, 2, 2, 3], dtype=np.int32), ("male", "no", "yes", "unknown"))
    event = np.array([1, 0, 1, 0, 1, 0, 1, 0, 0], dtype=bool)
    design = build_design(
        columns={"sex": sex, "menopause": menopause}, covariates=["sex", "menopause"], rows=np.arange(9), event=event
    )
    assert "menopause unknown joined no: no events" in design.notes
    assert design.names == ("sex: male", "menopause: yes")

"""Technical effects on the non-derived NMR biomarkers as a wide table, for SQL to take off."""

from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from python_models.estimators.technical.nmr_effects import NmrEffects, Places, estimate_effects, places
from python_models.frames.columns import MISSING, Categories, read_columns

F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]
# Columns read at once: half a million samples of so many are 64 MB.
BIOMARKERS_PER_READ = 16
# Effect, what it is within, its level; as columns of the samples.
FACTORS = (
    ("well_row", "processing_batch", "well_row"),
    ("well_column", "processing_batch", "well_column"),
    ("drift", "spectrometer", "drift_bin"),
)


class _Factor:
    """One factor of the run: places of the samples, and the label of each level."""

    def __init__(self, name: str, stratum: list[str | None], level: list[str | None]) -> None:
        pairs = [(a, b) if a is not None and b is not None else None for a, b in zip(stratum, level, strict=True)]
        self.name = name
        self.labels = sorted({pair for pair in pairs if pair is not None})
        code_of = {pair: k for k, pair in enumerate(self.labels)}
        strata = {one: k for k, one in enumerate(sorted({a for a, _ in self.labels}))}
        codes = np.array([-1 if pair is None else code_of[pair] for pair in pairs], dtype=np.int64)
        of_stratum = np.array([-1 if pair is None else strata[pair[0]] for pair in pairs], dtype=np.int64)
        self.places: Places = places(stratum=of_stratum, level=codes)


def _words(column: Any) -> list[str | None]:
    """Labels of a column of codes or whole numbers, None where missing."""
    if isinstance(column, Categories):
        return [None if code == MISSING else column.levels[code] for code in column.codes]
    return [None if np.isnan(value) else str(int(value)) for value in column]


def nmr_effect_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """One row per effect, stratum and level; a column per non-derived biomarker holds the effect on its log level."""
    names = [
        row[0]
        for row in session.execute(
            "select name from seeds.nmr_biomarkers where biomarker_type = 'non_derived' order by field_id"
        ).fetchall()
    ]
    # Read several times: without an order each reading may come in another.
    samples = session.sql(
        """
        select placed.*, levels.* exclude (participant_id, shipment_plate, spectrometer, processing_batch)
        from staging.stg_nmr__metabolite_levels as levels
        inner join intermediate.int_nmr_samples__placed as placed on levels.participant_id = placed.participant_id
        order by levels.participant_id
        """
    )
    run = read_columns(samples, ["hours_to_measurement", *{name for _, *pair in FACTORS for name in pair}])
    factors = [_Factor(name, _words(run[stratum]), _words(run[level])) for name, stratum, level in FACTORS]
    with np.errstate(divide="ignore", invalid="ignore"):
        log_hours = np.log(np.asarray(run["hours_to_measurement"], dtype=np.float64))
    found: dict[str, NmrEffects] = {}
    for start in range(0, len(names), BIOMARKERS_PER_READ):
        for name, levels in read_columns(samples, names[start : start + BIOMARKERS_PER_READ]).items():
            assert not isinstance(levels, Categories)
            found[name] = estimate_effects(
                levels=levels, log_hours=log_hours, factors=tuple(one.places for one in factors)
            )
    keys: list[tuple[str, str | None, str | None, int | None]] = [
        (effect, None, None, None) for effect in ("log_offset", "shift", "slope_of_log_hours")
    ]
    for factor in factors:
        counts = np.bincount(factor.places.code[factor.places.code >= 0], minlength=len(factor.labels))
        keys += [(factor.name, *label, int(n)) for label, n in zip(factor.labels, counts, strict=True)]
    columns = [np.concatenate([[one.log_offset, one.shift, one.slope], *one.factors]) for one in found.values()]
    return pa.table(
        {
            "effect": pa.array([key[0] for key in keys], pa.string()),
            "stratum": pa.array([key[1] for key in keys], pa.string()),
            "level": pa.array([key[2] for key in keys], pa.string()),
            "n_samples": pa.array([key[3] for key in keys], pa.int64()),
            **dict(zip(names, columns, strict=True)),
        }
    )

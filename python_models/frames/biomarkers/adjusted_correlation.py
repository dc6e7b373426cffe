"""Correlations of a panel's biomarkers given the covariates that their scans adjust for.

z scores of adjusted scans correlate as the biomarkers do once the covariates are taken off them, not as they stand: age
and sex alone tie many of a panel together. With orthonormal columns Q of the covariates, and standardised biomarkers in
rows X, the products of residuals are X X' - (X Q)(X Q)': the panel is not read again.
"""

from collections.abc import Sequence

import duckdb
import numpy as np
import numpy.typing as npt

from python_models.frames.biomarkers.biomarker_blocks import TECHNICAL, Panel
from python_models.frames.columns import Columns, as_column, complete_rows, read_columns, take
from python_models.frames.designs import build_design

F4 = npt.NDArray[np.float32]
F8 = npt.NDArray[np.float64]
# A biomarker that the covariates explain to this share correlates with none: what is left of it is rounding.
LEAST_LEFT = 1e-4


def scan_covariates(session: duckdb.DuckDBPyConnection, *, cohort: str) -> list[str]:
    """Columns of marts.participants in the primary adjustment set of any arm of the cohort's studies."""
    found = session.execute(
        """
        select distinct covariates.column_name
        from seeds.arms as arms
        inner join seeds.studies as studies on arms.study = studies.study
        inner join seeds.cohorts as cohorts on studies.cohort_kind = cohorts.kind
        inner join seeds.adjustment_sets as adjustment_sets
            on arms.study = adjustment_sets.study and arms.primary_adjustment_set = adjustment_sets.adjustment_set
        inner join seeds.covariates as covariates on adjustment_sets.covariate = covariates.covariate
        where cohorts.cohort = $cohort
        order by all
        """,
        {"cohort": cohort},
    ).fetchall()
    return [name for (name,) in found]


def covariate_basis(
    session: duckdb.DuckDBPyConnection, *, panel: Panel, covariates: Sequence[str], samples: npt.NDArray[np.intp]
) -> F4:
    """Orthonormal columns (n, p) of a constant, the covariates and the panel's technical ones among samples (n,).

    Who lacks a covariate is in no adjusted model: a row of zeros, which leaves the biomarkers there as they are.
    """
    people = panel.rows[samples]
    columns: Columns = {}
    if covariates:
        relation = session.sql("select * from marts.participants order by participant_id")
        columns = {name: take(column, people) for name, column in read_columns(relation, covariates).items()}
    columns = {**columns, **_technical(session, panel, samples)}
    if not columns:
        return np.zeros((samples.size, 0), dtype=np.float32)
    complete = np.flatnonzero(complete_rows(list(columns.values())))
    everyone = np.ones(complete.size, dtype=bool)
    design = build_design(columns=columns, covariates=list(columns), rows=complete, event=everyone).values
    basis = np.zeros((samples.size, design.shape[1] + 1), dtype=np.float32)
    if complete.size:
        spread = design.std(axis=0)
        scaled = (design - design.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0)
        basis[complete] = np.linalg.qr(np.column_stack([np.ones(complete.size), scaled]))[0]
    return basis


def _technical(session: duckdb.DuckDBPyConnection, panel: Panel, samples: npt.NDArray[np.intp]) -> Columns:
    """Technical covariates of the panel's models (n,), in the order of the samples."""
    names = [column for name in panel.technical if (column := TECHNICAL[name]) is not None]
    if not names:
        return {}
    listed = ", ".join(
        f"cast({name} as varchar) as {name}" if name == TECHNICAL["batch"] else f"cast({name} as double) as {name}"
        for name in names
    )
    table = session.sql(
        f"select {listed} from marts.biomarker_samples where platform = $platform and exclusion is null "
        "order by participant_id",
        params={"platform": panel.platform},
    ).to_arrow_table()
    return {name: take(as_column(table.column(name)), samples) for name in names}


def adjusted_correlation(rows: F4, products: F8, basis: F4) -> F8:
    """Correlations (K, K) of what a basis (n, p) leaves of standardised rows (K, n); products (K, K): rows x rows'."""
    explained = (rows @ basis).astype(np.float64)
    left = products - explained @ explained.T
    size = np.sqrt(np.maximum(np.diag(left), 0.0))
    varies = size > np.sqrt(LEAST_LEFT)
    size = np.where(varies, size, 1.0)
    correlation = np.where(np.outer(varies, varies), left / np.outer(size, size), 0.0)
    np.fill_diagonal(correlation, 1.0)
    return np.clip(correlation, -1.0, 1.0)

"""The scaled panels of a build, written once: a file per platform and a table that says what stands where in it."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from threadpoolctl import threadpool_limits

from python_models.estimators.multiplicity import effective_tests
from python_models.estimators.scans.panel_correlation import fill_gaps, nearest, prune
from python_models.frames.biomarkers.adjusted_correlation import adjusted_correlation, covariate_basis
from python_models.frames.biomarkers.biomarker_blocks import (
    FOLDER,
    PLATFORMS,
    Panel,
    correlation_file,
    describe_panel,
    known_technical,
    scaled_blocks,
)
from python_models.frames.biomarkers.biomarker_scaling import known_transform
from python_models.frames.build import cohort_of_build

F4 = npt.NDArray[np.float32]
F8 = npt.NDArray[np.float64]
Imputation = Literal["none", "nearest_biomarkers"]
# Correlations of so many samples are known to 0.01, which is what pruning and the number of tests need.
SAMPLES_FOR_CORRELATION = 10_000
# Which of two near-copies is kept: what is measured before what is computed from it.
PREFERENCE = {"measured": 0, "non_derived": 0, "composite": 1, "ratio": 2, "percentage": 3}
SCHEMA = pa.schema(
    [
        ("platform", pa.string()),
        ("biomarker", pa.string()),
        ("position", pa.int32()),
        ("transform", pa.string()),
        ("imputation", pa.string()),
        ("technical_covariates", pa.string()),
        ("n_samples", pa.int64()),
        ("n_known", pa.int64()),
        ("n_imputed", pa.int64()),
        ("n_effective_tests", pa.float64()),
        ("is_pruned", pa.bool_()),
        ("pruned_for", pa.string()),
        ("correlation_with_pruned_for", pa.float64()),
        ("file", pa.string()),
    ]
)


def _digest(path: Path) -> str:
    """What the file holds, in twelve letters: the same panel has the same name in every build."""
    with path.open("rb") as stored:
        return hashlib.file_digest(stored, lambda: hashlib.blake2b(digest_size=6)).hexdigest()


def _write(
    session: duckdb.DuckDBPyConnection, panel: Panel, path: Path, covariates: Sequence[str]
) -> tuple[F8, F8, npt.NDArray[np.int64]]:
    """Write the scaled values; correlations (K, K) of a sample of samples, the same given covariates, known (K,)."""
    step = max(1, -(-len(panel.rows) // SAMPLES_FOR_CORRELATION))
    thinned: list[F4] = []
    known = []
    with path.open("wb") as out:
        for _, values in scaled_blocks(session, panel):
            values.tofile(out)
            known.append(np.count_nonzero(~np.isnan(values), axis=1))
            thinned.append(values[:, ::step].copy())
    counts = np.concatenate(known) if known else np.empty(0, dtype=np.int64)
    if not thinned:
        return np.empty((0, 0)), np.empty((0, 0)), counts
    rows = _standardised(np.concatenate(thinned))
    correlation = _correlation(rows)
    samples = np.arange(0, len(panel.rows), step)
    basis = covariate_basis(session, panel=panel, covariates=covariates, samples=samples)
    return correlation, adjusted_correlation(rows, correlation, basis), counts


def _standardised(rows: F4) -> F4:
    """Rows (K, n) with mean 0 and length 1, gaps at the mean; zero where a biomarker does not vary."""
    count = np.maximum(np.count_nonzero(np.isfinite(rows), axis=1), 1)
    mean = np.nansum(rows, axis=1, dtype=np.float64) / count
    centred = rows - mean.astype(np.float32)[:, None]
    np.nan_to_num(centred, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    size = np.sqrt(np.einsum("ki,ki->k", centred, centred, dtype=np.float64))
    varies = size > 0.0
    centred /= np.where(varies, size, 1.0).astype(np.float32)[:, None]
    return centred


def _correlation(centred: F4) -> F8:
    """Correlations (K, K) of standardised rows; a biomarker without variation correlates with none.

    In single precision, half the time of double: 10,000 samples leave 1e-6, a hundredth of what sampling leaves.
    """
    correlation = (centred @ centred.T).astype(np.float64)
    np.fill_diagonal(correlation, 1.0)
    # Copies come out at 1 exactly: the number of tests must not count rounding.
    np.round(correlation, 6, out=correlation)
    return np.clip(correlation, -1.0, 1.0, out=correlation)


def _fill(path: Path, correlation: F8, n: int, n_neighbours: int) -> npt.NDArray[np.int64]:
    """Fill the gaps of a written panel from each biomarker's nearest; returns how many were filled (K,).

    The neighbours are read from a copy without the fills, so that the order does not matter; two rows at a time.
    """
    k = correlation.shape[0]
    near = nearest(correlation, n_neighbours)
    given = np.memmap(path, dtype=np.float32, mode="r", shape=(k, n))
    filled = np.zeros(k, dtype=np.int64)
    target = path.with_suffix(".filled")
    with target.open("wb") as out:
        for one in range(k):
            values = np.array(given[one])
            if np.isnan(values).any():
                filled[one] = fill_gaps(values, np.array(given[near[one]]), correlation[one, near[one]])
            values.tofile(out)
    del given
    target.replace(path)
    return filled


def biomarker_panel_rows(
    session: duckdb.DuckDBPyConnection,
    *,
    transform: str,
    imputation: str,
    n_neighbours: int,
    prune_above: float,
    technical_covariates: Sequence[str] = (),
    covariates: Sequence[str] = (),
) -> pa.Table:
    """Write each platform's panel, scaled, to its file; one row per analysed biomarker.

    covariates: columns of marts.participants that the scans adjust for.

    Raises
    ------
    ValueError: unknown transform, imputation or technical covariate, with the known ones.
    """
    technical = known_technical(technical_covariates)
    scaling = known_transform(transform)
    if imputation not in get_args(Imputation):
        raise ValueError(f"imputation {imputation} is not one of {', '.join(get_args(Imputation))}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    for platform in PLATFORMS:
        panel = describe_panel(session, platform=platform, transform=scaling, technical=technical)
        for old in FOLDER.glob(f"{cohort_of_build()}_{platform}_*"):
            old.unlink()
        kept = panel.kept
        if not len(panel.rows) or not kept:
            continue
        part = FOLDER / f"{cohort_of_build()}_{platform}_{os.getpid()}.part"
        # A model ending beside this one gives the process its threads back.
        threadpool_limits(limits=1)
        correlation, given_covariates, n_known = _write(session, panel, part, covariates)
        n_imputed = np.zeros(len(kept), dtype=np.int64)
        if imputation == "nearest_biomarkers":
            n_imputed = _fill(part, correlation, len(panel.rows), n_neighbours)
        path = part.replace(FOLDER / f"{cohort_of_build()}_{platform}_{_digest(part)}.f32")
        given_covariates.astype(np.float32).tofile(correlation_file(path))
        effective = effective_tests(correlation)
        stands = prune(correlation, preference=[PREFERENCE.get(one.kind, 9) for one in kept], limit=prune_above)
        for k, one in enumerate(kept):
            is_pruned = int(stands[k]) != k
            rows.append(
                {
                    "platform": platform,
                    "biomarker": one.name,
                    "position": k,
                    "transform": panel.transform,
                    "imputation": imputation,
                    "technical_covariates": ", ".join(panel.technical),
                    "n_samples": len(panel.rows),
                    "n_known": int(n_known[k]),
                    "n_imputed": int(n_imputed[k]),
                    "n_effective_tests": effective,
                    "is_pruned": is_pruned,
                    "pruned_for": kept[stands[k]].name if is_pruned else None,
                    "correlation_with_pruned_for": float(correlation[k, stands[k]]) if is_pruned else None,
                    "file": path.name,
                }
            )
    return pa.Table.from_pylist(rows, schema=SCHEMA)

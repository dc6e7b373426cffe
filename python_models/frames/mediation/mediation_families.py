"""One design's scanners on one panel: both models of every biomarker, in everyone and in a half of the people."""

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import numpy.typing as npt
from scipy import special

from python_models.estimators.mediation.scan import PathScan, join_paths
from python_models.estimators.mediation.sensitivity import split_halves
from python_models.estimators.mediation.several_exposures_scan import ExposuresCoxScanner
from python_models.estimators.scans.linear_scan import LinearScan, LinearScanner
from python_models.estimators.survival.cox_input import EstimatorInputError
from python_models.frames.biomarkers.biomarker_designs import BiomarkerDesign, is_level
from python_models.frames.biomarkers.biomarker_rows import LEVEL, linear_scanner

F4 = npt.NDArray[np.float32]
F8 = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
SPLIT_SEED = 20_260_103
LEFT_OUT = "no candidate: it cannot be significant at 0.05"


def joint_p(paths: PathScan) -> F8:
    """Joint significance (K,): the larger of the two paths' p-values, NaN where a path has none."""
    z = np.minimum(
        np.abs(paths.exposure_to_mediator / paths.exposure_to_mediator_error),
        np.abs(paths.mediator_to_outcome / paths.mediator_to_outcome_error),
    )
    return 2.0 * special.ndtr(-z)


class MediationFamily:
    """The scanners of a design (its exposures share both models), and the paths found so far, by exposure."""

    def __init__(self, design: BiomarkerDesign) -> None:
        self.design = design
        self.linear: LinearScanner | str = linear_scanner(design)
        self.cox: ExposuresCoxScanner | str = self.linear if isinstance(self.linear, str) else "no events"
        if not isinstance(self.linear, str) and design.event.any():
            try:
                self.cox = ExposuresCoxScanner(
                    exposures=design.exposures, covariates=design.covariates, exit=design.days, event=design.event,
                    strata=design.strata, names=(*design.exposure_names, *design.names),
                    is_level=is_level(design.names),
                )  # fmt: skip
            except EstimatorInputError as error:
                self.cox = str(error)
        self.parts: list[list[PathScan]] = [[] for _ in range(design.exposures.shape[1])]

    def scan(self, values: F4, rows: Rows | None = None) -> None:
        """Both models of biomarkers (K, samples of the panel), or of those at `rows` of them, the others left out."""
        if isinstance(self.linear, str) or isinstance(self.cox, str):
            return
        if rows is not None and rows.size == 0:
            for parts in self.parts:
                parts.append(_left_out(values.shape[0]))
            return
        chosen = values if rows is None else values[rows]
        mine = np.ascontiguousarray(chosen[:, self.design.samples])
        found = self._paths(self.cox, mine, self.linear.scan(mine))
        if rows is not None:
            found = [_placed(paths, rows, values.shape[0]) for paths in found]
        for parts, paths in zip(self.parts, found, strict=True):
            parts.append(paths)

    def _paths(self, cox: ExposuresCoxScanner, values: F4, mediator: LinearScan) -> list[PathScan]:
        """Paths of biomarkers (K, n), one PathScan per exposure."""
        outcome = cox.scan_all(values)
        refusals = tuple(
            f"mediator model: {first}" if first else (f"outcome model: {second}" if second else None)
            for first, second in zip(mediator.refusals, outcome.biomarker.refusals, strict=True)
        )
        given = np.array([reason is None for reason in refusals], dtype=bool)
        found = []
        for j in range(len(self.parts)):
            columns = {
                "exposure_to_mediator": mediator.beta[:, j],
                "exposure_to_mediator_error": mediator.standard_error[:, j],
                "mediator_to_outcome": outcome.biomarker.beta,
                "mediator_to_outcome_error": outcome.biomarker.standard_error,
                "exposure_to_outcome": outcome.beta[:, j],
                "exposure_to_outcome_error": np.sqrt(outcome.variance[:, j]),
                "outcome_covariance": outcome.covariance[:, j],
            }
            kept = {name: np.where(given, column, np.nan) for name, column in columns.items()}
            biomarker = outcome.biomarker
            found.append(PathScan(**kept, n=biomarker.n, n_events=biomarker.n_events, refusals=refusals))
        return found

    def paths_of(self, label: int) -> PathScan | None:
        """What was found for a label of the design; None where it is refused or no model could be prepared."""
        if self.design.labels[label].refusal is not None:
            return None
        place = sum(one.refusal is None for one in self.design.labels[:label])
        return join_paths(self.parts[place]) if place < len(self.parts) and self.parts[place] else None


class SelectionFamily(MediationFamily):
    """A family that leaves out the outcome models of biomarkers which no exposure moves at 0.05.

    Joint significance is the larger of two p-values, and Benjamini-Hochberg at 0.05 calls nothing above 0.05: what is
    left out could not have been selected.
    """

    def scan(self, values: F4, rows: Rows | None = None) -> None:
        assert rows is None
        if not isinstance(self.linear, str):
            moved = self.linear.scan(values[:, self.design.samples]).p_value
            super().scan(values, np.flatnonzero((np.nan_to_num(moved, nan=1.0) < LEVEL).any(axis=1)))


def halves_of(design: BiomarkerDesign, *, design_of: Callable[[Rows], BiomarkerDesign]) -> tuple[BiomarkerDesign, ...]:
    """The design in two halves of its people: mediators are selected in the first and estimated in the second.

    design_of (samples of the panel) gives the design among them, so that merged levels are the half's own.
    """
    halves = split_halves(n=design.samples.size, seed=SPLIT_SEED, stratum=design.event)
    return tuple(among(design.samples[half], design_of=design_of) for half in halves)


def among(samples: Rows, *, design_of: Callable[[Rows], BiomarkerDesign]) -> BiomarkerDesign:
    """The design among some samples of the panel, its own samples counted in the panel."""
    design = design_of(samples)
    return replace(design, samples=samples[design.samples])


def _left_out(k: int) -> PathScan:
    names = [field.name for field in fields(PathScan) if field.name not in ("n", "n_events", "refusals")]
    none, nobody = np.full(k, np.nan), np.zeros(k, dtype=np.int64)
    return PathScan(**dict.fromkeys(names, none), n=nobody, n_events=nobody, refusals=(LEFT_OUT,) * k)


def _placed(part: PathScan, rows: Rows, k: int) -> PathScan:
    """K biomarkers' paths, those at `rows` from `part` and the others left out."""
    whole = _left_out(k)
    refusals = list(whole.refusals)
    for position, reason in zip(rows, part.refusals, strict=True):
        refusals[position] = reason
    columns = {field.name: getattr(whole, field.name).copy() for field in fields(PathScan) if field.name != "refusals"}
    for name, column in columns.items():
        column[rows] = getattr(part, name)
    return PathScan(**columns, refusals=tuple(refusals))


def subset(paths: PathScan, rows: Rows) -> PathScan:
    """The paths of biomarkers at `rows`."""
    columns = {field.name: getattr(paths, field.name)[rows] for field in fields(PathScan) if field.name != "refusals"}
    return PathScan(**columns, refusals=tuple(paths.refusals[k] for k in rows))

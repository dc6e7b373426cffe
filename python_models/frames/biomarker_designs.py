"""Designs of the biomarker scans: the exposures of a question, the people it is asked of, and what is adjusted for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import duckdb
import numpy as np
import numpy.typing as npt

from python_models.frames.columns import Categories, Columns, complete_rows, take
from python_models.frames.designs import aliased_columns, build_design
from python_models.frames.follow_ups import StudyData
from python_models.frames.scalings import scale_exposure
from python_models.frames.study import CoxAnalysis, read_cox_analyses

F8 = npt.NDArray[np.float64]
LIFESTYLE = "lifestyle"
Adjustment = Literal["primary_adjustment_set", "mediation_adjustment_set"]
# The baseline hazard is each centre's own: two dozen indicators less in every Cox model of a panel.
STRATA_COLUMN = "assessment_centre_code"


@dataclass(frozen=True, slots=True)
class Contrast:
    """A lifestyle factor's level against its reference, seeds/lifestyle_contrasts.csv."""

    study: str
    factor: str
    contrast: str
    column_name: str
    level: str
    reference_level: str


@dataclass(frozen=True, slots=True)
class Exposure:
    """What one column of `BiomarkerDesign.exposures` is: names as in the results; refusal: why it is not estimated."""

    arm: str
    exposure: str
    scaling: str
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class BiomarkerDesign:
    """One model for every biomarker of a panel, over n samples.

    samples (n,): which of the panel's samples. labels: the exposures asked for; exposures (n, e): those without a
    refusal, in their order. covariates (n, p), names (p,): of them; centres (n, c): indicators of the centre, for
    models without strata; strata (n,): the centre's code, or None. days, event (n,): of the outcome definition of
    `analysis`.
    """

    analysis: CoxAnalysis
    labels: tuple[Exposure, ...]
    samples: npt.NDArray[np.intp]
    exposures: F8
    covariates: F8
    names: tuple[str, ...]
    centres: F8
    strata: npt.NDArray[np.int32] | None
    days: F8
    event: npt.NDArray[np.bool_]


class BiomarkerStudy:
    """Analyses, contrasts and people of the cohort that is being built, read once.

    adjustment: the column of seeds/arms.csv that names each arm's adjustment set. more_columns: of marts.participants,
    beside those the analyses name.
    """

    def __init__(
        self,
        session: duckdb.DuckDBPyConnection,
        *,
        cohort: str,
        adjustment: Adjustment = "primary_adjustment_set",
        more_columns: Sequence[str] = (),
    ) -> None:
        listed = read_cox_analyses(session, cohort=cohort)
        sets = {
            tuple(row[:2]): row[2]
            for row in session.execute(f"select study, arm, {adjustment} from seeds.arms").fetchall()
        }
        self.analyses = [
            one for one in listed if one.is_primary and sets.get((one.study, one.arm)) == one.adjustment_set
        ]
        studies = sorted({one.study for one in self.analyses})
        self.contrasts = [
            Contrast(*row)
            for row in session.execute(
                """
                select study, factor, contrast, column_name, level, reference_level from seeds.lifestyle_contrasts
                where list_contains($studies::varchar[], study) order by all
                """,
                {"studies": studies},
            ).fetchall()
        ]
        self.data = StudyData(session, self.analyses, more_columns=more_columns)
        # One analysis per arm stands for its outcome.
        self.outcomes = list({(one.study, one.arm): one for one in self.analyses}.values())

    def contrasts_of(self, analysis: CoxAnalysis) -> list[Contrast]:
        """Lifestyle contrasts of the analysis's study, none where its seeds ask for none."""
        return [one for one in self.contrasts if one.study == analysis.study]

    def of_exposure(self, analysis: CoxAnalysis, rows: npt.NDArray[np.intp]) -> BiomarkerDesign:
        """An exposure of the study among those at risk of its outcome; rows: of the panel's samples."""
        columns = self.data.columns
        positions, _, _ = self.data.follow_ups[analysis.outcome_definition]
        values, sex = columns[analysis.column_name], columns["sex"]
        assert not isinstance(values, Categories)
        assert isinstance(sex, Categories)
        # Scaled among all at risk with the exposure, as in results.hazard_ratios: one unit means the same in both.
        measured = positions[complete_rows([values[positions], sex.take(positions)])]
        label = Exposure(analysis.arm, analysis.exposure, analysis.scaling)
        column = np.full(values.shape[0], np.nan)
        if measured.size:
            scaled = scale_exposure(
                values=values[measured], sex=sex.codes[measured], sex_levels=sex.levels, scaling=analysis.scaling,
                detail=analysis.detail, unit=analysis.unit,
            )  # fmt: skip
            column[measured] = scaled.values[:, 0] / scaled.step
        return self._design(analysis, rows, (label,), {"exposure": column}, analysis.covariates)

    def of_lifestyle(self, analysis: CoxAnalysis, rows: npt.NDArray[np.intp]) -> BiomarkerDesign:
        """Every lifestyle contrast at once, among those at risk of the analysis's outcome.

        The factors are covariates of the adjustment set, so one model holds all the contrasts; a level that is in none
        (unknown) keeps an indicator of its own.
        """
        columns = dict(self.data.columns)
        labels, contrasts, others = [], {}, {}
        asked = self.contrasts_of(analysis)
        factors = list(dict.fromkeys(one.column_name for one in asked))
        for one in asked:
            column = columns[one.column_name]
            assert isinstance(column, Categories)
            labels.append(Exposure(LIFESTYLE, one.factor, one.contrast))
            known = column.codes == (column.levels.index(one.level) if one.level in column.levels else -2)
            contrasts[f"{one.factor} {one.contrast}"] = known.astype(np.float64)
        for name in factors:
            column = columns[name]
            assert isinstance(column, Categories)
            spoken_for = {word for one in asked if one.column_name == name for word in (one.level, one.reference_level)}
            for level, word in enumerate(column.levels):
                if word not in spoken_for:
                    others[f"{name}: {word}"] = (column.codes == level).astype(np.float64)
        rest = tuple(name for name in analysis.covariates if name not in factors)
        return self._design(analysis, rows, tuple(labels), contrasts, (*others, *rest), more=others)

    def without_exposure(self, analysis: CoxAnalysis, rows: npt.NDArray[np.intp]) -> BiomarkerDesign:
        """The adjustment set alone, for biomarker -> outcome."""
        return self._design(analysis, rows, (), {}, analysis.covariates)

    def _design(
        self,
        analysis: CoxAnalysis,
        rows: npt.NDArray[np.intp],
        labels: tuple[Exposure, ...],
        exposures: dict[str, F8],
        covariates: Sequence[str],
        more: dict[str, F8] | None = None,
    ) -> BiomarkerDesign:
        columns: Columns = {**self.data.columns, **(more or {})}
        positions, days, event = self.data.follow_ups[analysis.outcome_definition]
        at_risk = np.full(self._sex_codes().size, -1, dtype=np.intp)
        at_risk[positions] = np.arange(positions.size)
        follow_up = at_risk[rows]
        needed = [take(columns[name], rows) for name in ("sex", *covariates)]
        complete = (follow_up >= 0) & complete_rows([*needed, *(values[rows] for values in exposures.values())])
        samples = np.flatnonzero(complete)
        people, followed = rows[samples], follow_up[samples]
        events = event[followed]
        # A level without an event among these people has no finite estimate: like a category's, it joins the reference.
        empty = {name for name, values in (more or {}).items() if not events[values[people] > 0].any()}
        named = [name for name in covariates if name != STRATA_COLUMN and name not in empty]
        adjusted = build_design(columns=columns, covariates=named, rows=people, event=events)
        base, names = adjusted.values, tuple(adjusted.names)
        has_strata = STRATA_COLUMN in covariates and samples.size > 0
        everyone = np.ones(samples.size, dtype=bool)
        centres = build_design(
            columns=columns, covariates=[STRATA_COLUMN] if has_strata else [], rows=people, event=everyone
        ).values
        of_strata = take(columns[STRATA_COLUMN], people) if has_strata else None
        matrix = np.column_stack([np.empty((samples.size, 0)), *(values[people] for values in exposures.values())])
        refusals = [self._refusal(matrix[:, k], events, label.arm) for k, label in enumerate(labels)]
        if samples.size and matrix.shape[1]:
            # The exposures come first: what is a combination of them and the covariates is dropped from the covariates.
            kept = [k for k, reason in enumerate(refusals) if reason is None]
            together = set(aliased_columns(np.column_stack([matrix[:, kept], base, centres])))
            for place, k in enumerate(kept):
                if place in together:
                    refusals[k] = "a combination of the other exposures"
            stay = [j for j in range(base.shape[1]) if j + len(kept) not in together]
            centres = centres[:, [j for j in range(centres.shape[1]) if j + len(kept) + base.shape[1] not in together]]
            base, names = base[:, stay], tuple(names[j] for j in stay)
        estimated = [k for k, reason in enumerate(refusals) if reason is None]
        return BiomarkerDesign(
            analysis=analysis,
            labels=tuple(replace(label, refusal=reason) for label, reason in zip(labels, refusals, strict=True)),
            samples=samples,
            exposures=matrix[:, estimated],
            covariates=base,
            names=names,
            centres=centres,
            strata=of_strata.codes if isinstance(of_strata, Categories) else None,
            days=days[followed],
            event=events,
        )

    def _sex_codes(self) -> npt.NDArray[np.int32]:
        sex = self.data.columns["sex"]
        assert isinstance(sex, Categories)
        return sex.codes

    @staticmethod
    def _refusal(values: F8, event: npt.NDArray[np.bool_], arm: str) -> str | None:
        """Why an exposure cannot be estimated among the analysed, or None."""
        if values.size == 0:
            return "nobody with a sample has everything measured"
        if np.ptp(values) == 0.0:
            return "the same in everyone analysed"
        if arm == LIFESTYLE and not event[values > 0].any():
            return "no events at this level"
        return None

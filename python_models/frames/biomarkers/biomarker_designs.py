"""Designs of the biomarker scans: the exposures of a question, the people it is asked of, and what is adjusted for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import duckdb
import numpy as np
import numpy.typing as npt

from python_models.frames.biomarkers.biomarker_blocks import TECHNICAL, Panel
from python_models.frames.columns import Categories, Column, Columns, as_column, complete_rows, take
from python_models.frames.designs import aliased_columns, build_design
from python_models.frames.follow_ups import DAYS_PER_YEAR, StudyData
from python_models.frames.scalings import scale_exposure
from python_models.frames.study import CoxAnalysis, read_cox_analyses, read_visit_analyses

F8 = npt.NDArray[np.float64]
LIFESTYLE = "lifestyle"
TimeScale = Literal["follow_up", "attained_age"]
AGE_COLUMN = "age_years"
Adjustment = Literal["primary_adjustment_set", "mediation_adjustment_set"]
# The baseline hazard is each centre's own: two dozen indicators less in every Cox model of a panel.
STRATA_COLUMN = "assessment_centre_code"
AT_VISITS = (
    "the arm's primary outcome is seen at repeat visits only: they bound the time of an event and give Cox models no "
    "date of it; make a dated definition primary in seeds/arm_outcome_definitions.csv"
)


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
    refusal, in their order. covariates (n, p), names (p,): of them; centres (n, c), centre_names (c,): indicators of
    the centre, for models without strata; strata (n,): the centre's code, or None. days, event (n,): of the outcome
    definition of `analysis`. entry (n,): None, or age at baseline in days; days is then the age at the end.
    """

    analysis: CoxAnalysis
    labels: tuple[Exposure, ...]
    samples: npt.NDArray[np.intp]
    exposures: F8
    covariates: F8
    names: tuple[str, ...]
    centres: F8
    centre_names: tuple[str, ...]
    strata: npt.NDArray[np.int32] | None
    days: F8
    event: npt.NDArray[np.bool_]
    entry: F8 | None = None

    @property
    def exposure_names(self) -> tuple[str, ...]:
        """Of the columns of exposures."""
        return tuple(f"{one.exposure} {one.scaling}" for one in self.labels if one.refusal is None)


def is_level(names: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which columns (p,) of a design are indicators of a category's levels, by their names."""
    return np.array([": " in name for name in names], dtype=bool)


def idle_levels(
    covariates: F8, names: Sequence[str], event: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.bool_]:
    """Indicators (p,) of covariates (n, p) that are the same in all with the event, or in everyone where it is None.

    Their levels have no finite estimate among these people and join the reference.
    """
    among = covariates if event is None else covariates[event]
    if not among.shape[0]:
        return np.zeros(covariates.shape[1], dtype=bool)
    return np.asarray(is_level(names) & (np.ptp(among, axis=0) == 0.0), dtype=bool)


@dataclass(frozen=True, slots=True)
class CoxScanOf:
    """A scan of every biomarker -> an outcome definition; is_primary: the one that answers the arm's question.

    refusal: why it is not done for any biomarker.
    """

    analysis: CoxAnalysis
    time_scale: TimeScale = "follow_up"
    is_primary: bool = True
    refusal: str | None = None


class BiomarkerStudy:
    """Analyses, contrasts and people of the cohort that is being built, read once.

    adjustment: the column of seeds/arms.csv that names each arm's adjustment set. more_columns: of marts.participants,
    beside those the analyses name. with_scans: read what the further scans of seeds/biomarker_scans.csv need as well,
    and which arms' primary scans are refused.
    """

    def __init__(
        self,
        session: duckdb.DuckDBPyConnection,
        *,
        cohort: str,
        adjustment: Adjustment = "primary_adjustment_set",
        more_columns: Sequence[str] = (),
        with_scans: bool = False,
    ) -> None:
        self._session = session
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
        # One analysis per arm stands for its outcome.
        self.outcomes = list({(one.study, one.arm): one for one in self.analyses}.values())
        self.scans = [CoxScanOf(one) for one in self.outcomes]
        self.refused: list[CoxScanOf] = []
        if with_scans:
            self.scans += _further_scans(session, listed, self.outcomes)
            at_visits = {
                (one.study, one.arm): one
                for one in read_visit_analyses(session, cohort=cohort)
                if one.is_primary and sets.get((one.study, one.arm)) == one.adjustment_set
            }
            self.refused = [CoxScanOf(one, refusal=AT_VISITS) for one in at_visits.values()]
        self.data = StudyData(
            session,
            self.analyses,
            more_columns=(*more_columns, *([AGE_COLUMN] if any(_is_by_age(one) for one in self.scans) else [])),
            definitions=[one.analysis.outcome_definition for one in self.scans],
        )
        self.columns: dict[str, Column] = dict(self.data.columns)

    def on(self, panel: Panel, analysis: CoxAnalysis) -> CoxAnalysis:
        """The analysis with the technical covariates of a panel beside its adjustment set."""
        named = [column for name in panel.technical if (column := TECHNICAL[name]) is not None]
        for name in named:
            if name not in self.columns:
                self.columns[name] = self._technical(panel.platform, name)
        return replace(analysis, covariates=(*analysis.covariates, *named)) if named else analysis

    def _technical(self, platform: str, name: str) -> Column:
        """A column of marts.biomarker_samples among all participants; batches as words."""
        kind = "varchar" if name == TECHNICAL["batch"] else "double"
        found = self._session.sql(
            f"""
            select participants.participant_id, cast(samples.{name} as {kind}) as {name}
            from marts.participants as participants
            left join marts.biomarker_samples as samples
                on participants.participant_id = samples.participant_id and samples.platform = $platform
            order by participants.participant_id
            """,
            params={"platform": platform},
        ).to_arrow_table()
        return as_column(found.column(name))

    def contrasts_of(self, analysis: CoxAnalysis) -> list[Contrast]:
        """Lifestyle contrasts of the analysis's study, none where its seeds ask for none."""
        return [one for one in self.contrasts if one.study == analysis.study]

    def of_exposure(self, analysis: CoxAnalysis, rows: npt.NDArray[np.intp]) -> BiomarkerDesign:
        """An exposure of the study among those at risk of its outcome; rows: of the panel's samples."""
        columns = self.columns
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
        columns = self.columns
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

    def without_exposure(
        self, analysis: CoxAnalysis, rows: npt.NDArray[np.intp], *, time_scale: TimeScale = "follow_up"
    ) -> BiomarkerDesign:
        """The adjustment set alone, for biomarker -> outcome; by age, entry is delayed and age no covariate."""
        if time_scale == "follow_up":
            return self._design(analysis, rows, (), {}, analysis.covariates)
        age = self.columns[AGE_COLUMN]
        assert not isinstance(age, Categories)
        known = rows[np.isfinite(age[rows])]
        rest = [name for name in analysis.covariates if name != AGE_COLUMN]
        design = self._design(analysis, known, (), {}, rest)
        # Whole days, like follow-up.
        entry = np.rint(age[known[design.samples]] * DAYS_PER_YEAR)
        samples = np.flatnonzero(np.isfinite(age[rows]))[design.samples]
        return replace(design, samples=samples, days=entry + design.days, entry=entry)

    def _design(
        self,
        analysis: CoxAnalysis,
        rows: npt.NDArray[np.intp],
        labels: tuple[Exposure, ...],
        exposures: dict[str, F8],
        covariates: Sequence[str],
        more: dict[str, F8] | None = None,
    ) -> BiomarkerDesign:
        columns: Columns = {**self.columns, **(more or {})}
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
        of_centres = build_design(
            columns=columns, covariates=[STRATA_COLUMN] if has_strata else [], rows=people, event=everyone
        )
        centres, centre_names = of_centres.values, of_centres.names
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
            alone = [j for j in range(centres.shape[1]) if j + len(kept) + base.shape[1] not in together]
            centres, centre_names = centres[:, alone], tuple(centre_names[j] for j in alone)
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
            centre_names=centre_names,
            strata=of_strata.codes if isinstance(of_strata, Categories) else None,
            days=days[followed],
            event=events,
        )

    def _sex_codes(self) -> npt.NDArray[np.int32]:
        sex = self.columns["sex"]
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


def _is_by_age(scan: CoxScanOf) -> bool:
    return scan.time_scale == "attained_age"


def _further_scans(
    session: duckdb.DuckDBPyConnection, listed: Sequence[CoxAnalysis], outcomes: Sequence[CoxAnalysis]
) -> list[CoxScanOf]:
    """The scans of seeds/biomarker_scans.csv: the arm's model, on that outcome definition and time scale."""
    of_arm = {(one.study, one.arm): one for one in outcomes}
    outcome_of = {(one.study, one.arm, one.outcome_definition): one.outcome for one in listed}
    found = []
    for study, arm, definition, time_scale in session.execute(
        "select study, arm, outcome_definition, time_scale from seeds.biomarker_scans order by all"
    ).fetchall():
        if (study, arm) in of_arm:
            analysis = replace(
                of_arm[study, arm],
                outcome=outcome_of[study, arm, definition],
                outcome_definition=definition,
                is_primary_definition=definition == of_arm[study, arm].outcome_definition,
            )
            found.append(CoxScanOf(analysis, time_scale, is_primary=False))
    return found

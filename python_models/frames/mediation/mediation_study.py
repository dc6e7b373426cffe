"""What mediation analyses ask: their panels, their designs, and the mediators already found, to estimate them again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from python_models.frames.biomarkers.biomarker_blocks import Biomarker, Panel, read_blocks
from python_models.frames.biomarkers.biomarker_designs import BiomarkerDesign, BiomarkerStudy
from python_models.frames.biomarkers.biomarker_rows import panels_of_build
from python_models.frames.biomarkers.biomarker_scaling import Transform, scale_in_place
from python_models.frames.columns import Categories

F4 = npt.NDArray[np.float32]
F8 = npt.NDArray[np.float64]
Row = dict[str, Any]
Samples = npt.NDArray[np.intp]
# Gives the design among some samples of a panel.
DesignOf = Callable[[Samples], BiomarkerDesign]
CLINICAL = "clinical"
# What names a family, its platform and a mediator in every table of mediation.
FAMILY = ("study", "arm", "exposure", "scaling", "outcome_definition", "platform")


@dataclass(frozen=True, slots=True)
class ClinicalBiomarker:
    """A column of marts.participants that may mediate, seeds/clinical_biomarkers.csv."""

    study: str
    biomarker: str
    column_name: str
    days_after_exposure: float


def refuse_unknown_columns(session: duckdb.DuckDBPyConnection, clinical: Sequence[ClinicalBiomarker]) -> None:
    """Raise ValueError for columns that marts.participants does not have, each with the nearest that it has."""
    known = session.sql("select * from marts.participants limit 0").columns
    unknown = sorted({one.column_name for one in clinical} - set(known))
    if unknown:
        near = {name: get_close_matches(name, known, n=1) for name in unknown}
        told = "; ".join(name + (f" (did you mean {near[name][0]}?)" if near[name] else "") for name in unknown)
        raise ValueError(
            f"seeds/clinical_biomarkers.csv: {len(unknown)} columns are not in marts.participants: {told}; "
            "mend column_name"
        )


class MediationStudy:
    """Panels and designs of the cohort that is being built.

    Proteins and metabolites are the panels' scaled values; clinical biomarkers are columns of marts.participants, one
    panel per study of everybody in the cohort, scaled by ranks like them.
    """

    def __init__(self, session: duckdb.DuckDBPyConnection, *, cohort: str, more_columns: Sequence[str] = ()) -> None:
        self.session = session
        self._clinical_values: dict[str, F4] = {}
        self.clinical = [
            ClinicalBiomarker(*row)
            for row in session.execute(
                """
                select listed.study, listed.biomarker, listed.column_name, listed.days_after_exposure
                from seeds.clinical_biomarkers as listed
                inner join seeds.studies as studies on listed.study = studies.study
                inner join seeds.cohorts as cohorts on studies.cohort_kind = cohorts.kind
                where cohorts.cohort = $cohort order by listed.study, listed.biomarker
                """,
                {"cohort": cohort},
            ).fetchall()
        ]
        refuse_unknown_columns(session, self.clinical)
        wanted = [*more_columns, *(one.column_name for one in self.clinical)]
        self.study = BiomarkerStudy(session, cohort=cohort, adjustment="mediation_adjustment_set", more_columns=wanted)

    def panels(self) -> list[tuple[Panel, str | None]]:
        """Panels of the build with None, and the clinical panel of each study with its name."""
        studies = dict.fromkeys(one.study for one in self.clinical)
        return [*((panel, None) for panel in panels_of_build(self.session)), *((self._clinical(s), s) for s in studies)]

    def _clinical(self, study: str) -> Panel:
        sex = self.study.data.columns["sex"]
        assert isinstance(sex, Categories)
        listed = []
        for one in self.clinical:
            if one.study == study:
                values = self.study.data.columns[one.column_name]
                exclusion = None
                if isinstance(values, Categories):
                    exclusion = f"{one.column_name} holds words, not numbers"
                elif not np.isfinite(values).any():
                    exclusion = "not measured in this cohort"
                listed.append(Biomarker(one.biomarker, "clinical", None, np.nan, exclusion))
        return Panel(CLINICAL, np.arange(sex.codes.size), tuple(listed), "rank_inverse_normal_blom")

    def blocks(self, panel: Panel) -> Iterator[tuple[tuple[Biomarker, ...], F4]]:
        """Kept biomarkers of a panel, block by block: (biomarkers, values (K, samples)), scaled, NaN if missing."""
        if panel.platform != CLINICAL:
            yield from read_blocks(self.session, panel)
        elif panel.kept:
            yield panel.kept, self.values(panel, [one.name for one in panel.kept])

    def values(self, panel: Panel, names: Sequence[str]) -> F4:
        """Scaled values (K, samples) of some kept biomarkers of a panel, in the order given."""
        if panel.platform == CLINICAL:
            columns = {one.biomarker: one.column_name for one in self.clinical}
            return np.array([self._scaled(columns[name], panel.transform) for name in names]).reshape(len(names), -1)
        place = {one.name: k for k, one in enumerate(panel.kept)}
        n = panel.rows.size
        if panel.file is None:
            chosen = replace(panel, biomarkers=tuple(one for one in panel.kept if one.name in set(names)))
            read = {
                one.name: row
                for block, rows in read_blocks(self.session, chosen)
                for one, row in zip(block, rows, strict=True)
            }
            return np.array([read[name] for name in names], dtype=np.float32).reshape(len(names), n)
        rows = [np.fromfile(panel.file, dtype=np.float32, count=n, offset=4 * n * place[name]) for name in names]
        return np.array(rows, dtype=np.float32).reshape(len(names), n)

    def _scaled(self, column: str, transform: Transform) -> F4:
        """A clinical biomarker, scaled once for all families."""
        if column not in self._clinical_values:
            self._clinical_values[column] = np.array(self.study.data.columns[column], dtype=np.float32)
            scale_in_place(self._clinical_values[column], transform)
        return self._clinical_values[column]

    def designs(self, panel: Panel, study: str | None, *, adding: Sequence[str] = ()) -> list[DesignOf]:
        """One design per exposure, and one of all lifestyle contrasts per outcome; study: of those of one study only.

        adding: columns of marts.participants to adjust for beside the adjustment set.
        """
        of_rows: list[Callable[[Samples], BiomarkerDesign]] = []
        for ask, analyses in (
            (self.study.of_exposure, self.study.analyses),
            (self.study.of_lifestyle, [one for one in self.study.outcomes if self.study.contrasts_of(one)]),
        ):
            for one in analyses:
                if study is None or one.study == study:
                    more = tuple(name for name in adding if name not in one.covariates)
                    asked = self.study.on(panel, replace(one, covariates=(*one.covariates, *more)))
                    of_rows.append(partial(ask, asked))
        return [partial(_of_samples, ask, panel) for ask in of_rows]

    def days_after_exposure(self, panel: Panel, study: str, biomarker: str) -> float:
        """Typical days from the exposure to the biomarker; panels are of the baseline visit, as the exposures are."""
        if panel.platform != CLINICAL:
            return 0.0
        return next(
            one.days_after_exposure for one in self.clinical if (one.study, one.biomarker) == (study, biomarker)
        )


def _of_samples(of_rows: Callable[[Samples], BiomarkerDesign], panel: Panel, samples: Samples) -> BiomarkerDesign:
    return of_rows(panel.rows[samples])


def everyone(panel: Panel) -> Samples:
    """All samples of a panel."""
    return np.arange(panel.rows.size)


def read_found(session: duckdb.DuckDBPyConnection) -> list[Row]:
    """Mediators of results.mediation_effects and what half of the people selected; the clearest of a family first."""
    cursor = session.execute(
        """
        select * from results.mediation_effects
        where refusal is null and (is_mediator or is_split_selected)
        order by study, arm, exposure, scaling, outcome_definition, platform, p_value, biomarker
        """
    )
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def of_design(found: Sequence[Row], design: BiomarkerDesign, panel: Panel) -> dict[int, list[Row]]:
    """The rows that belong to a design on a panel, by the position of their label."""
    analysis = design.analysis
    belonging: dict[int, list[Row]] = {}
    for position, label in enumerate(design.labels):
        key = (analysis.study, label.arm, label.exposure, label.scaling, analysis.outcome_definition, panel.platform)
        mine = [row for row in found if tuple(row[name] for name in FAMILY) == key]
        if mine:
            belonging[position] = mine
    return belonging

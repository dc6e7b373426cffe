"""truth.csv: what was planted, and what a correct analysis of each estimand finds in a very large sample.

planted_coefficient is what the generator used; large_sample_value is for the estimand as stated in the row (for hazard
ratios a run of several million people, calibrate.py). The two differ because single-exposure models see the other
exposures, because causes that a model omits attenuate a hazard ratio, and because a total effect contains indirect
ones.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import cache, partial
from pathlib import Path

import numpy as np

from warehouse.synthetic import followers, genes, gwas, mediators, metabolites
from warehouse.synthetic import parameters as p
from warehouse.synthetic.effects import Effects
from warehouse.synthetic.estimand import ADJUSTMENT_SETS, OTHER_OSTEOPOROSIS, PRIMARY
from warehouse.synthetic.outcomes import calibrated
from warehouse.synthetic.proteins import BATCH_SD, MARKERS, PLATE_SD, Panel

LARGE_SAMPLE_FILE = Path(__file__).with_name("large_sample_values.csv")
# Definitions that repeat visits show (seeds/visit_criteria.csv) and the onset behind them: visit_values.py.
VISIT_DEFINITIONS = (
    "ewgsop2_at_visits", "ewgsop2_at_visits_any_device", "probable_sarcopenia_at_visits", "fnih_at_visits",
    "awgs_2019_at_visits", "sdoc_at_visits",
)  # fmt: skip
LATENT_ONSET = "latent_onset"
# Data providers of primary care as staging names them.
GP_PROVIDERS = {1: "England (Vision)", 2: "Scotland", 3: "England (TPP)", 4: "Wales"}
MUSCLE_TO_BONE, BONE_TO_MUSCLE, LIFESTYLE = "muscle_to_bone", "bone_to_muscle", "lifestyle"
# Our names of the exposures as the study names them: arm, exposure, scaling, outcome.
STUDY_NAMES: dict[str, tuple[str, str, str, str]] = {
    "lean_mass": (MUSCLE_TO_BONE, "lean_mass_index", "per_sex_sd", "osteoporosis"),
    "grip": (MUSCLE_TO_BONE, "grip_strength", "per_sex_sd", "osteoporosis"),
    "pace": (MUSCLE_TO_BONE, "walking_pace", "per_category", "osteoporosis"),
    "heel_bmd": (BONE_TO_MUSCLE, "heel_bmd", "per_sex_sd", "sarcopenia"),
}


@dataclass(frozen=True, slots=True)
class Contrast:
    """One contrast of a lifestyle factor: covariate scores of the two groups compared."""

    factor: str
    exposure: str
    scaling: str
    scores: dict[str, float]  # difference in covariate scores


CONTRASTS = (
    Contrast("smoking", "smoking_status", "current_vs_never", {"current_smoker": 1.0}),
    Contrast("smoking", "smoking_status", "previous_vs_never", {"previous_smoker": 1.0}),
    Contrast("sleep", "sleep_duration_category", "short_vs_normal", {"short_sleep": 1.0}),
    Contrast("sleep", "sleep_duration_category", "long_vs_normal", {"long_sleep": 1.0}),
    Contrast("activity", "physical_activity", "moderate_vs_low", {"activity": 1.0}),
    Contrast("activity", "physical_activity", "high_vs_low", {"activity": 2.0}),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One planted quantity."""

    quantity: str
    arm: str = ""
    exposure: str = ""
    scaling: str = ""
    mediator: str = ""
    outcome: str = ""
    outcome_definition: str = ""
    adjustment_set: str = ""
    planted_coefficient: float | None = None
    large_sample_value: float | None = None
    monte_carlo_error: float | None = None
    reference_value: float | None = None
    note: str = ""
    platform: str = ""


COLUMNS = tuple(one.name for one in fields(Row))


@cache
def large_sample() -> dict[tuple[str, ...], tuple[float, float]]:
    """Value and Monte-Carlo error by (exposure, scaling, outcome_definition, adjustment_set), of calibrate.py."""
    with LARGE_SAMPLE_FILE.open(newline="") as lines:
        return {
            (row["exposure"], row["scaling"], row["outcome_definition"], row["adjustment_set"]): (
                float(row["large_sample_value"]),
                float(row["monte_carlo_error"]),
            )
            for row in csv.DictReader(lines)
        }


def joint_coefficients() -> dict[str, float]:
    """Total effect of each primary exposure in its hazard, given the other exposures (calibrated)."""
    solved = calibrated()
    return {
        "lean_mass": solved["osteoporosis_lean_mass"],
        "grip": solved["osteoporosis_grip"],
        "pace": solved["osteoporosis_pace"],
        "heel_bmd": solved["sarcopenia_heel_bmd"],
    }


def hazard_ratio_rows() -> Iterator[Row]:
    """The four primary hazard ratios under each adjustment set, and the lifestyle factors under M2."""
    values = large_sample()
    for name, (arm, exposure, scaling, outcome) in STUDY_NAMES.items():
        for adjustment_set in ADJUSTMENT_SETS:
            definition = PRIMARY[outcome]
            value, error = values[exposure, scaling, definition, adjustment_set]
            yield Row(
                "log_hazard_ratio", arm, exposure, scaling, "", outcome, definition, adjustment_set,
                joint_coefficients()[name], value, error, p.TARGETS[name] if adjustment_set == "M2" else None,
                "planted: given the other exposures and all causes; large sample: this exposure alone",
            )  # fmt: skip
    for name in ("lean_mass", "grip", "pace"):
        arm, exposure, scaling, outcome = STUDY_NAMES[name]
        for definition in OTHER_OSTEOPOROSIS:
            value, error = values[exposure, scaling, definition, "M2"]
            yield Row(
                "log_hazard_ratio", arm, exposure, scaling, "", outcome, definition, "M2",
                joint_coefficients()[name], value, error, None, "the same planted effect, another definition",
            )  # fmt: skip
    arm, exposure, scaling, outcome = STUDY_NAMES["heel_bmd"]
    for definition in (*VISIT_DEFINITIONS, LATENT_ONSET):
        for adjustment_set in ADJUSTMENT_SETS:
            value, error = values[exposure, scaling, definition, adjustment_set]
            yield Row(
                "log_hazard_ratio", arm, exposure, scaling, "", outcome, definition, adjustment_set,
                joint_coefficients()["heel_bmd"], value, error, None,
                "planted: on the latent onset; large sample: "
                + ("of the latent onset itself, seen by nobody" if definition == LATENT_ONSET else "as visits show it"),
            )  # fmt: skip
    for contrast in CONTRASTS:
        for outcome, definition in PRIMARY.items():
            value, error = values[contrast.exposure, contrast.scaling, definition, "M2"]
            yield Row(
                "log_hazard_ratio", LIFESTYLE, contrast.exposure, contrast.scaling, "", outcome, definition, "M2",
                _total(contrast, outcome), value, error, None,
                "planted: given the exposures; large sample: M2 without exposures, so through them as well",
            )  # fmt: skip


def _total(contrast: Contrast, outcome: str) -> float:
    effects = (p.OSTEOPOROSIS if outcome == "osteoporosis" else p.SARCOPENIA).effects
    return sum(effects.get(score, 0.0) * amount for score, amount in contrast.scores.items())


def _b(planted: mediators.Planted, outcome: str) -> float:
    return planted.b_osteoporosis if outcome == "osteoporosis" else planted.b_sarcopenia


def _moved(planted: mediators.Planted, contrast: Contrast) -> float:
    """SD by which a contrast moves a planted biomarker."""
    weights = mediators.FACTORS[contrast.factor]
    return planted.a * sum(weights.get(score, 0.0) * amount for score, amount in contrast.scores.items())


def _paths() -> Iterator[tuple[mediators.Planted, str, str, str, float, str, float]]:
    """(biomarker, arm, exposure, scaling, shift of the biomarker, outcome, total effect) of every planted path."""
    for planted in mediators.PLANTED:
        outcomes = [outcome for outcome in PRIMARY if _b(planted, outcome) != 0]
        if planted.cause in mediators.FACTORS:
            for contrast in CONTRASTS:
                moved = _moved(planted, contrast)
                if contrast.factor == planted.cause and moved != 0:
                    for outcome in outcomes:
                        yield (
                            planted, LIFESTYLE, contrast.exposure, contrast.scaling, moved, outcome,
                            _total(contrast, outcome),
                        )  # fmt: skip
        else:
            arm, exposure, scaling, outcome = STUDY_NAMES[planted.cause]
            yield planted, arm, exposure, scaling, planted.a, outcome, joint_coefficients()[planted.cause]


def mediation_rows() -> Iterator[Row]:
    """a*b and the named mediated shares of every planted path (log scale; excess relative risk)."""
    values = large_sample()
    for planted, arm, exposure, scaling, moved, outcome, total in _paths():
        definition = PRIMARY[outcome]
        b = _b(planted, outcome)
        indirect = moved * b
        total_found, _ = values[exposure, scaling, definition, "M2"]
        b_found, b_error = _b_given_cause(planted, outcome)
        a_found = moved_as_measured(planted, moved)
        found, error = a_found * b_found, abs(a_found) * b_error
        at = (arm, exposure, scaling, planted.name, outcome, definition, "M2")
        note = f"planted a {moved:.4g} x b {b:.4g}; large sample {a_found:.4g} x {b_found:.4g} per observed SD"
        yield Row("indirect_effect", *at, indirect, found, error, None, note, planted.platform)
        yield Row(
            "mediated_share", *at, indirect / total, found / total_found, error / abs(total_found), None,
            "log scale: indirect / total", planted.platform,
        )  # fmt: skip
        yield Row(
            "mediated_share_excess_relative_risk", *at, _excess_share(indirect, total),
            _excess_share(found, total_found), None, None,
            "(HR total - HR direct) / (HR total - 1), VanderWeele and PERM", planted.platform,
        )  # fmt: skip


def _b_given_cause(planted: mediators.Planted, outcome: str) -> tuple[float, float]:
    """Large-sample b per observed SD and its Monte-Carlo error, from the model that also holds the cause."""
    scaling = "per_sd" if planted.cause in mediators.FACTORS else "per_sd_given_exposure"
    return large_sample()[planted.name, scaling, PRIMARY[outcome], "M2"]


def _excess_share(indirect: float, total: float) -> float:
    return float((np.exp(total) - np.exp(total - indirect)) / np.expm1(total))


def exposure_on_biomarker_rows(panel: Panel | None, with_metabolites: bool) -> Iterator[Row]:
    """a of each measured planted biomarker, in its residual SD and as found per observed SD."""
    for planted in _measured(panel, with_metabolites):
        shifts: list[tuple[str, str, str, float]] = []
        if planted.cause in mediators.FACTORS:
            shifts = [
                (LIFESTYLE, contrast.exposure, contrast.scaling, _moved(planted, contrast))
                for contrast in CONTRASTS
                if contrast.factor == planted.cause
            ]
        else:
            arm, exposure, scaling, _ = STUDY_NAMES[planted.cause]
            shifts = [(arm, exposure, scaling, planted.a)]
        for arm, exposure, scaling, moved in shifts:
            if moved:
                found = moved_as_measured(planted, moved)
                note = "planted per residual SD, large sample per observed SD"
                yield Row("exposure_effect_on_biomarker", arm, exposure, scaling, planted.name, "", "", "M2", moved,
                          found, None, None, note, planted.platform)  # fmt: skip


# Variance of each cause in the cohort, for the SD of what it moves; from the shares in parameters.py.
_CAUSE_VARIANCE = {"smoking": 0.091, "sleep": 0.189, "activity": 0.540, "grip": 0.984, "lean_mass": 0.990,
                   "pace": 0.386, "heel_bmd": 0.939}  # fmt: skip


# Units of a cause behind one unit of it as the study measures and scales it, given M2: a heel scan and a grip err, some
# people report another activity. From 360,000 people, to 0.002.
CAUSE_PER_MEASURED_UNIT = {"grip": 0.992, "lean_mass": 0.992, "heel_bmd": 0.912, "activity": 0.989}


def moved_as_measured(planted: mediators.Planted, moved: float) -> float:
    """Observed SD by which one measured unit of its cause moves a planted biomarker; moved: residual SD, as planted."""
    return moved * CAUSE_PER_MEASURED_UNIT.get(planted.cause, 1.0) / observed_sd(planted)


def observed_sd(planted: mediators.Planted) -> float:
    """SD of a planted biomarker as analysed, in residual SD: its cause and technical noise come on top.

    Technical adjustment leaves of a metabolite's noise what differs between plates. (calibrate.py ran with all of it,
    which moves b by 1 %, a third of that run's Monte-Carlo error.)
    """
    technical = BATCH_SD**2 + PLATE_SD**2
    if planted.platform == mediators.METABOLITE:
        technical = metabolites.PLATE_SD**2
    return float(np.sqrt(1.0 + planted.a**2 * _CAUSE_VARIANCE[planted.cause] + technical))


def _measured(panel: Panel | None, with_metabolites: bool) -> list[mediators.Planted]:
    return [
        planted
        for planted in mediators.PLANTED
        if (panel is not None if planted.platform == mediators.PROTEIN else with_metabolites)
    ]


def biomarker_rows(panel: Panel | None, with_metabolites: bool) -> Iterator[Row]:
    """b of every measured biomarker on both outcomes, the planted ones and all that do nothing.

    What follows a cause that M2 does not hold does nothing and is found by M2 all the same: the note says what it
    follows. Null is what M2 and chance alone move, through every part of a sum or a ratio.
    """
    for name, platform, kind, follows, found_of in _biomarkers(panel, with_metabolites):
        for outcome, definition in PRIMARY.items():
            planted = _planted(name, platform)
            b = 0.0 if planted is None else _b(planted, outcome)
            note = kind
            if b:
                found, error = large_sample()[name, "per_sd", definition, "M2"]
            elif follows:
                found, error = found_of(outcome)
                note += f"; without effect of its own, follows {', '.join(sorted(follows))}"
            else:
                found, error = 0.0, 0.0
            yield Row(
                "biomarker_effect", "", "", "per_sd", name, outcome, definition, "M2", b, found, error, None, note,
                platform,
            )  # fmt: skip


def _planted(name: str, platform: str) -> mediators.Planted | None:
    return next((one for one in mediators.PLANTED if (one.name, one.platform) == (name, platform)), None)


def _biomarkers(
    panel: Panel | None, with_metabolites: bool
) -> Iterator[tuple[str, str, str, frozenset[str], Callable[[str], tuple[float, float]]]]:
    """Name, platform, kind, what it follows that M2 does not hold, and what M2 finds for that by outcome."""
    for planted in _measured(panel, with_metabolites):
        follows = {planted.cause} & set(followers.CAUSES)
        kind = f"planted, {planted.kind}, cause {planted.cause}"
        value = partial(followers.planted_value, planted)
        yield planted.name, planted.platform, kind, frozenset(follows), value
    for k, (name, kind) in enumerate(zip(panel.names, panel.kind, strict=True) if panel is not None else ()):
        if kind != "planted" and panel is not None:
            moved = {*MARKERS.get(name, {}), *(("adiposity",) if kind == "adiposity_marker" else ())}
            value = partial(followers.protein_value, panel, k)
            yield name, mediators.PROTEIN, kind, frozenset(moved & set(followers.CAUSES)), value
    for one in metabolites.biomarkers() if with_metabolites else ():
        if _planted(one.name, mediators.METABOLITE) is None:
            causes = metabolites.causes_of(one.name) - set(followers.HELD)
            kind = "marker" if one.name in metabolites.MARKERS else "derived" if one.is_derived else "not derived"
            value = partial(followers.metabolite_value, one.name)
            yield one.name, mediators.METABOLITE, kind if causes else "null", frozenset(causes), value


def shared_share_rows(panel: Panel | None, with_metabolites: bool) -> Iterator[Row]:
    """Share of mediators that both conditions have in the same direction, for each of the three denominators."""
    measured = _measured(panel, with_metabolites)
    for factor in mediators.FACTORS:
        contrast = next(one for one in CONTRASTS if one.factor == factor)
        for platform in (mediators.PROTEIN, mediators.METABOLITE, "both_platforms"):
            mine = [m for m in measured if m.cause == factor and platform in (m.platform, "both_platforms")]
            bone = {m.name for m in mine if m.b_osteoporosis}
            muscle = {m.name for m in mine if m.b_sarcopenia}
            shared = {m.name for m in mine if m.kind == "same"}
            denominators = {
                "either": len(bone | muscle),
                "first": len(bone),
                "shorter": min(len(bone), len(muscle)),
            }
            for name, size in denominators.items():
                if size:
                    share = len(shared) / size
                    note = f"{len(shared)} of {size}; mediators of {factor}, {platform}"
                    yield Row(
                        "shared_mediator_share", LIFESTYLE, contrast.exposure, name, "", "", "", "M2",
                        share, share, None, 0.30, note, platform,
                    )  # fmt: skip


def genetic_rows(planted: genes.Planted | None, effects: Effects = "full") -> Iterator[Row]:
    """Heritability and intercept per trait, genetic correlation and cross-trait intercept per pair, planted loci."""
    if planted is None:
        return
    traits = gwas.TRAITS
    for k, trait in enumerate(traits):
        h2 = trait.heritability
        yield Row(
            "heritability", exposure=trait.name, planted_coefficient=h2, large_sample_value=h2, note="observed scale"
        )
        intercept = 1.0 + trait.inflation
        yield Row(
            "ld_score_intercept", exposure=trait.name, planted_coefficient=intercept, large_sample_value=intercept
        )
        for j in range(k + 1, len(traits)):
            rg = float(gwas.GENETIC_CORRELATION[k, j]) if effects == "full" else 0.0
            overlap = float(gwas.CROSS_INTERCEPT[k, j])
            reference = 0.25 if (k, j) == (0, 1) and effects == "full" else None
            note = "both coded as disease" if (k, j) == (0, 1) else "disease traits coded as disease"
            yield Row("genetic_correlation", exposure=trait.name, outcome=traits[j].name, planted_coefficient=rg,
                      large_sample_value=rg, reference_value=reference, note=note)  # fmt: skip
            yield Row("cross_trait_intercept", exposure=trait.name, outcome=traits[j].name,
                      planted_coefficient=overlap, large_sample_value=overlap, note="sample overlap")  # fmt: skip
    if effects == "full":
        yield from locus_rows(planted)


def locus_rows(planted: genes.Planted) -> Iterator[Row]:
    """Per locus its kind, which hypothesis of colocalisation is true, and each disease's causal variant and gene.

    A locus is named by its LD block. The planted value of a variant is its mean z for the allele the truth counts.
    """
    snps, names = planted.snps, gwas.rsids(planted.snps)
    for k, kind in enumerate(gwas.LOCI):
        for chromosome, first, last in gwas.locus_windows(snps, k):
            locus = f"{chromosome}:{first}-{last}"
            yield Row("locus", exposure="osteoporosis", outcome="sarcopenia", mediator=locus,
                      planted_coefficient=float(kind.direction), note=kind.name)  # fmt: skip
            yield Row("colocalisation", exposure="osteoporosis", outcome="sarcopenia", mediator=locus,
                      planted_coefficient=float(kind.hypothesis == "H4"), note=kind.hypothesis)  # fmt: skip
            here = (snps.chromosome == chromosome) & (snps.position >= first) & (snps.position <= last)
            for one in planted.causal:
                if here[one.snp]:
                    trait = gwas.TRAITS[one.trait].name
                    for quantity, name in (
                        ("causal_variant", names[one.snp]),
                        ("causal_gene", planted.gene_of(one.snp)),
                    ):
                        yield Row(quantity, exposure=trait, mediator=name, outcome=locus, planted_coefficient=one.z,
                                  large_sample_value=one.z, note=kind.name)  # fmt: skip


def follow_up_rows() -> Iterator[Row]:
    """End of complete records by nation and source, as an ISO date in the note and days since 1970 as the value."""
    for source, ends in (("hospital", p.HOSPITAL_END), ("death", p.DEATH_END)):
        for nation, end in zip(p.NATION_NAMES, ends, strict=True):
            iso = str(np.datetime64(end, "D"))
            yield Row("end_of_follow_up", exposure=nation, outcome=source, planted_coefficient=float(end),
                      large_sample_value=float(end), note=iso)  # fmt: skip
    for provider, end in p.GP_END.items():
        yield Row("end_of_follow_up", exposure=GP_PROVIDERS[provider], outcome="gp", planted_coefficient=float(end),
                  large_sample_value=float(end), note=str(np.datetime64(end, "D")))  # fmt: skip


def null_rows(panel: Panel | None, with_metabolites: bool) -> Iterator[Row]:
    """What an adjusted analysis finds where nothing is planted: a log hazard ratio of 0, an effect of 0.

    The unadjusted models and M1 are confounded all the same and have no row. Exposures are set beside biomarkers that
    share no cause with them but what M2 holds: not those that follow adiposity or body size.
    """
    note = "no effect is planted"
    for arm, exposure, scaling, outcome in STUDY_NAMES.values():
        for adjustment_set in ("M2", "M3"):
            at = (arm, exposure, scaling, "", outcome, PRIMARY[outcome], adjustment_set)
            yield Row("log_hazard_ratio", *at, 0.0, 0.0, None, None, note)
    for contrast in CONTRASTS:
        for outcome, definition in PRIMARY.items():
            at = (LIFESTYLE, contrast.exposure, contrast.scaling, "", outcome, definition, "M2")
            yield Row("log_hazard_ratio", *at, 0.0, 0.0, None, None, note)
    for planted, arm, exposure, scaling, _, outcome, _ in _paths():
        at = (arm, exposure, scaling, planted.name, outcome, PRIMARY[outcome], "M2")
        yield Row("indirect_effect", *at, 0.0, 0.0, None, None, note, planted.platform)
    asked = [(arm, exposure, scaling) for arm, exposure, scaling, _ in STUDY_NAMES.values()]
    asked += [(LIFESTYLE, contrast.exposure, contrast.scaling) for contrast in CONTRASTS]
    kinds = zip(panel.names, panel.kind, strict=True) if panel is not None else ()
    for name, kind in kinds:
        for arm, exposure, scaling in asked if kind in ("planted", "caused_only", "null") else ():
            yield Row("exposure_effect_on_biomarker", arm, exposure, scaling, name, "", "", "M2", 0.0, 0.0, None, None,
                      note, mediators.PROTEIN)  # fmt: skip
    platforms = [(name, mediators.PROTEIN) for name in (panel.names if panel is not None else ())]
    if with_metabolites:
        platforms += [(one.name, mediators.METABOLITE) for one in metabolites.biomarkers()]
    for name, platform in platforms:
        for outcome, definition in PRIMARY.items():
            yield Row("biomarker_effect", "", "", "per_sd", name, outcome, definition, "M2", 0.0, 0.0, None, None,
                      f"null; {note}", platform)  # fmt: skip


def truth_rows(
    panel: Panel | None, with_metabolites: bool, planted: genes.Planted | None, effects: Effects = "full"
) -> list[Row]:
    """Everything planted in an export with these parts."""
    if effects == "none":
        return [*follow_up_rows(), *null_rows(panel, with_metabolites), *genetic_rows(planted, effects)]
    return [
        *hazard_ratio_rows(),
        *follow_up_rows(),
        *mediation_rows(),
        *exposure_on_biomarker_rows(panel, with_metabolites),
        *biomarker_rows(panel, with_metabolites),
        *shared_share_rows(panel, with_metabolites),
        *genetic_rows(planted),
    ]


def write_truth(path: Path, rows: list[Row]) -> None:
    """truth.csv, plain columns."""
    with path.open("w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            cells = [getattr(row, name) for name in COLUMNS]
            writer.writerow(
                [f"{cell:.8g}" if isinstance(cell, float) else "" if cell is None else cell for cell in cells]
            )

"""NMR metabolites: the non-derived ones drawn on the log scale, everything else computed from them by its formula.

nmr_parameters.csv: log mean and log SD per biomarker (from the marginals the founders derived from the public test data
of ukbnmr; glucose-lactate and corrected alanine by analogy), and loadings on seven shared factors [choice].
"""

import ast
import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from warehouse.synthetic import effects as planting
from warehouse.synthetic import mediators
from warehouse.synthetic.exposures import Exposures
from warehouse.synthetic.participant_table import SEEDS
from warehouse.synthetic.population import Bools, Floats, Ints

PARAMETERS_FILE = Path(__file__).with_name("nmr_parameters.csv")
FACTORS = ("tg", "cholesterol", "large_hdl", "small_hdl", "amino", "bcaa", "ketone")
# What moves the shared factors [choice, known directions]; statins lower cholesterol, adiposity raises triglycerides.
FACTOR_CAUSES: dict[str, dict[str, float]] = {
    "tg": {"adiposity": 0.35, "age": 0.05, "female": -0.25},
    "cholesterol": {"female": 0.20, "age": 0.05},
    "large_hdl": {"adiposity": -0.30, "female": 0.70},
    "small_hdl": {"female": 0.20},
    "bcaa": {"adiposity": 0.25, "female": -0.60},
    "ketone": {"age": 0.05},
}
STATIN_ON_CHOLESTEROL = -1.1
# Biomarkers that measure an exposure or illness and do nothing to a hazard.
MARKERS: dict[str, dict[str, float]] = {
    "creatinine": {"lean_mass": 0.45, "female": -0.90, "age": 0.15},
    "glucose": {"diabetes": 1.50, "adiposity": 0.10},
}
SPECTROMETERS = 6
SAMPLES_PER_PLATE = 94
SPECTROMETER_SD = 0.12  # technical effects, all in log SD of the biomarker [choice]
PLATE_SD = 0.10
DRIFT = 0.12
PER_HOUR_OF_DELAY = -0.006
WELL_SD = 0.05  # of each row and of each column of the plate, anew in every batch
WELL_BATCHES = 16  # more than any size of cohort runs
OUTLIER_PLATE_SHARE = 0.01  # plates on which a few biomarkers went wrong
OUTLIER_BIOMARKERS = 5
OUTLIER_SHIFT = 1.0
SIGNIFICANT_DIGITS = 5  # as reported; derived ones keep eight, so that recomputing them is exact to 1e-7
ZEROS = {"xxl_vldl_ce": 0.004, "xxl_vldl_fc": 0.003, "xl_vldl_ce": 0.002, "acetoacetate": 0.002, "bohbutyrate": 0.002}
MISSING_SHARE = {"creatinine": 0.012, "pyruvate": 0.010, "glucose": 0.006, "lactate": 0.003}
OTHER_MISSING_SHARE = 0.0008
# Coding 2310-like flags on single biomarkers, and the sample flags 23652 to 23655 [showcase counts].
FLAGGED = ("ala", "gln", "gly", "his", "phe", "tyr", "glucose", "lactate", "pyruvate", "citrate", "bohbutyrate",
           "acetate", "acetoacetate", "acetone", "creatinine", "albumin", "glyca")  # fmt: skip
FLAG_SHARE = 0.004
SAMPLE_FLAGS = {"p23652_i0": 0.158, "p23653_i0": 0.0003, "p23654_i0": 0.0014, "p23655_i0": 0.0068}


@dataclass(frozen=True, slots=True)
class Biomarker:
    """One row of seeds/nmr_biomarkers.csv."""

    field_id: int
    name: str
    abbreviation: str
    is_derived: bool
    flag_field_id: int  # 0 where it has none
    formula: str


@cache
def biomarkers() -> tuple[Biomarker, ...]:
    """All 251, in seed order."""
    with (SEEDS / "nmr_biomarkers.csv").open(newline="") as lines:
        return tuple(
            Biomarker(
                field_id=int(row["field_id"]),
                name=row["name"],
                abbreviation=row["abbreviation"],
                is_derived=row["biomarker_type"] != "non_derived",
                flag_field_id=int(row["flag_field_id"] or 0),
                formula=row["formula"],
            )
            for row in csv.DictReader(lines)
        )


def column_names() -> tuple[str, ...]:
    """Canonical names of the metabolite columns of participant.csv: levels, then the flags that ever occur."""
    levels = tuple(f"p{one.field_id}_i0" for one in biomarkers())
    return levels + tuple(f"p{one.flag_field_id}_i0" for one in biomarkers() if one.name in FLAGGED)


_OPERATIONS: dict[type[ast.operator], Callable[[Floats, Floats], Floats]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
}


def evaluate(formula: str, values: dict[str, Floats]) -> Floats:
    """A formula of the seed (+ - * / of abbreviations and numbers) over arrays."""

    def walk(node: ast.expr) -> Floats:
        if isinstance(node, ast.BinOp):
            return _OPERATIONS[type(node.op)](walk(node.left), walk(node.right))
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            return np.float64(node.value)  # type: ignore[return-value]
        if isinstance(node, ast.Name):
            return values[node.id]
        raise ValueError(f"not a formula of sums, differences, products and quotients: {formula}")

    return walk(ast.parse(formula, mode="eval").body)


@cache
def derivation_order() -> tuple[Biomarker, ...]:
    """Derived biomarkers, each after all that its formula names."""
    known = {one.abbreviation for one in biomarkers() if not one.is_derived}
    waiting = [one for one in biomarkers() if one.is_derived]
    ordered: list[Biomarker] = []
    while waiting:
        ready = [one for one in waiting if _names(one.formula) <= known]
        if not ready:
            raise ValueError(f"formulas that name each other: {', '.join(one.abbreviation for one in waiting)}")
        ordered += ready
        known |= {one.abbreviation for one in ready}
        waiting = [one for one in waiting if one not in ready]
    return tuple(ordered)


def _names(formula: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(formula, mode="eval")) if isinstance(node, ast.Name)}


def significant(values: Floats, digits: int) -> Floats:
    """Rounded to significant digits; 0 and NaN stay."""
    with np.errstate(divide="ignore", invalid="ignore"):
        magnitude = np.floor(np.log10(np.abs(values)))
    places = np.where(np.isfinite(magnitude), digits - 1 - magnitude, 0.0)
    # A negative power would multiply by an inexact 0.1: divide by an exact power of ten instead.
    up, down = 10.0 ** np.maximum(places, 0), 10.0 ** np.maximum(-places, 0)
    return np.round(values * up / down) * down / up


@dataclass(frozen=True, slots=True)
class Run:
    """Where and when each measured sample was run; one element per measured participant."""

    person: Ints
    plate: Ints  # within the block
    well: Ints
    spectrometer: Ints  # 1 to 6
    batch: Ints
    prepared: Ints  # seconds since 1970-01-01
    delay_hours: Floats


@cache
def _parameters() -> tuple[tuple[str, ...], Floats, Floats, Floats]:
    with PARAMETERS_FILE.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    return (
        tuple(row["biomarker"] for row in rows),
        np.array([float(row["log_mean"]) for row in rows]),
        np.array([float(row["log_sd"]) for row in rows]),
        np.array([[float(row[factor]) for factor in FACTORS] for row in rows]),
    )


def draw_run(rng: np.random.Generator, is_measured: Bools, block: int) -> Run:
    """Plates in order of time, each on one spectrometer; most samples are prepared hours before they are measured."""
    person = np.flatnonzero(is_measured)
    m = len(person)
    place = rng.permutation(m)
    plate, well = place // SAMPLES_PER_PLATE, place % SAMPLES_PER_PLATE
    plates = int(plate.max()) + 1 if m else 0
    spectrometer = 1 + rng.integers(0, SPECTROMETERS, plates)
    first = 1_560_000_000 + 86_400 * (90 * block + rng.integers(0, 700, plates))  # from June 2019
    delay = np.exp(rng.normal(1.6, 0.6, m)) + well * 0.35
    return Run(
        person=person,
        plate=plate,
        well=well,
        spectrometer=spectrometer[plate],
        batch=1 + (first[plate] - 1_560_000_000) // (86_400 * 400),
        prepared=first[plate] + rng.integers(0, 1_800, m),
        delay_hours=np.minimum(delay, 96.0),
    )


def _outlier_plates(rng: np.random.Generator, plates: int, k: int) -> Floats:
    """Shift of each biomarker on each plate, 0 on most; from a stream of its own, so that no other draw moves."""
    own = rng.spawn(1)[0]
    shift = np.zeros((plates, k))
    for plate in np.flatnonzero(own.random(plates) < OUTLIER_PLATE_SHARE):
        shift[plate, own.choice(k, OUTLIER_BIOMARKERS, replace=False)] = OUTLIER_SHIFT
    return shift


def draw_levels(
    rng: np.random.Generator,
    technical_rng: np.random.Generator,
    run: Run,
    covariates: dict[str, Floats],
    exposures: Exposures,
    residuals: Floats,
    uses_statin: Floats,
    effects: planting.Effects = "full",
) -> dict[str, Floats]:
    """All 251 biomarkers of the measured samples by abbreviation; zeros and gaps as reported.

    technical_rng : the same stream for every block, since spectrometers are the same machines.
    """
    names, log_mean, log_sd, _ = _parameters()
    m, k = len(run.person), len(names)
    column = {name: i for i, name in enumerate(names)}
    scores = {name: values[run.person] for name, values in (covariates | exposures.scores()).items()}
    causes = scores | mediators.factor_scores({name: scores[name] for name in covariates})
    z = log_scores(rng, causes | {"statin": uses_statin[run.person]}, residuals[:, run.person], effects)
    machine = SPECTROMETER_SD * technical_rng.standard_normal((SPECTROMETERS, k))
    wave = 2 * np.pi * technical_rng.random((SPECTROMETERS, k))
    rows = WELL_SD * technical_rng.standard_normal((WELL_BATCHES, 8, k))
    columns = WELL_SD * technical_rng.standard_normal((WELL_BATCHES, 12, k))
    z += rows[run.batch % WELL_BATCHES, run.well % 8] + columns[run.batch % WELL_BATCHES, run.well // 8]
    plates = int(run.plate.max()) + 1 if m else 0
    z += _outlier_plates(rng, plates, k)[run.plate]
    z += machine[run.spectrometer - 1] + (PLATE_SD * rng.standard_normal((plates, k)))[run.plate]
    phase = 2 * np.pi * (run.prepared / 86_400 % 365) / 365
    z += DRIFT * np.sin(phase[:, None] + wave[run.spectrometer - 1])
    z += PER_HOUR_OF_DELAY * (run.delay_hours[:, None] - 8.0) * np.where(np.arange(k) % 3 == 0, 1.0, 0.3)
    levels = significant(np.exp(log_mean + log_sd * z), SIGNIFICANT_DIGITS)
    values: dict[str, Floats] = {}
    for one in biomarkers():
        if not one.is_derived:
            level = levels[:, column[one.name]]
            level[rng.random(m) < ZEROS.get(one.name, 0.0)] = 0.0
            level[rng.random(m) < MISSING_SHARE.get(one.name, OTHER_MISSING_SHARE)] = np.nan
            values[one.abbreviation] = level
    add_derived(values)
    return values


def log_scores(
    rng: np.random.Generator, causes: dict[str, Floats], residuals: Floats, effects: planting.Effects = "full"
) -> Floats:
    """Log level of each non-derived biomarker in its SD, (m, non-derived), without technical effects.

    causes : covariates, exposures, lifestyle factors and statins, (m,) each. residuals : of the planted, (planted, m).
    """
    names, _, _, loadings = _parameters()
    m, k = residuals.shape[1], len(names)
    factors = rng.standard_normal((m, len(FACTORS)))
    factors[:, 2] = -0.45 * factors[:, 0] + 0.89 * factors[:, 2]  # high triglycerides, little large HDL
    for factor, slopes in FACTOR_CAUSES.items():
        for cause, slope in slopes.items():
            factors[:, FACTORS.index(factor)] += slope * causes[cause]
    factors[:, 1] += STATIN_ON_CHOLESTEROL * causes["statin"]
    own_sd = np.sqrt(1 - (loadings**2).sum(axis=1))
    z = factors @ loadings.T + own_sd * rng.standard_normal((m, k))
    column = {name: i for i, name in enumerate(names)}
    for row, planted in enumerate(planting.planted(effects)):
        if planted.platform == mediators.METABOLITE:
            z[:, column[planted.name]] = residuals[row] + planted.a * causes[planted.cause]
    for name, slopes in MARKERS.items():
        for cause, slope in slopes.items():
            z[:, column[name]] += slope * causes[cause]
    return z


def levels_of(z: Floats) -> dict[str, Floats]:
    """All 251 biomarkers by abbreviation from log scores (m, non-derived): nothing rounded, no zero and no gap."""
    names, log_mean, log_sd, _ = _parameters()
    column = {name: i for i, name in enumerate(names)}
    levels = np.exp(log_mean + log_sd * z)
    values = {one.abbreviation: levels[:, column[one.name]] for one in biomarkers() if not one.is_derived}
    add_derived(values)
    return values


def add_derived(values: dict[str, Floats]) -> None:
    """Add the derived biomarkers to the others, all by abbreviation; NaN where a formula has no value."""
    for one in derivation_order():
        with np.errstate(divide="ignore", invalid="ignore"):
            derived = evaluate(one.formula, values)
        values[one.abbreviation] = np.where(np.isfinite(derived), derived, np.nan)


@cache
def causes_of(name: str) -> frozenset[str]:
    """What moves a biomarker, through any part of it: covariates, exposures, statins, and names of planted biomarkers.

    A planted one stands for itself. Empty: nothing but chance.
    """
    abbreviation = {one.abbreviation: one for one in biomarkers()}
    one = next(one for one in biomarkers() if one.name == name)
    if one.is_derived:
        return frozenset().union(*(causes_of(abbreviation[part].name) for part in _names(one.formula)))
    if any(planted.name == name and planted.platform == mediators.METABOLITE for planted in mediators.PLANTED):
        return frozenset({name})
    names, _, _, loadings = _parameters()
    row = loadings[names.index(name)]
    moved = set(MARKERS.get(name, {}))
    for factor, loading in zip(FACTORS, row, strict=True):
        if loading:
            moved |= set(FACTOR_CAUSES.get(factor, {})) | ({"statin"} if factor == "cholesterol" else set())
    return frozenset(moved)

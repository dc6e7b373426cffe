"""The Olink panel: which assays, what moves each, plates and batches, limits of detection, who is measured."""

import csv
from dataclasses import dataclass
from functools import cache

import numpy as np

from warehouse.synthetic import effects as planting
from warehouse.synthetic import mediators
from warehouse.synthetic import parameters as p
from warehouse.synthetic.exposures import Exposures
from warehouse.synthetic.participant_table import SEEDS
from warehouse.synthetic.population import Bools, Floats, Ints, Population

SELECTED_SHARE = 0.117  # of the measured: chosen by the consortium, not at random [showcase 6,230 of 53,039]
SAMPLES_PER_PLATE = 88
# Samples per processing batch 0 to 7 [published]; batch 0 is one small plate.
BATCH_SAMPLES = (69, 1_691, 5_679, 13_048, 8_484, 8_299, 8_230, 7_516)
BATCH_0_SAMPLES = 12
BATCH_SD = 0.12  # of a protein's SD, per batch [choice]
PLATE_SD = 0.15  # of a protein's SD, per plate [choice]
FAILED_SAMPLE_SHARE = 0.008  # samples with more than a third of the panel missing
FAILED_SAMPLE_MISSING = 0.45
# Share missing of assays known for it [published QC notes: GLIPR1 > 99 %, NPM1, PCOLCE > 20 %, others > 10 %].
OFTEN_MISSING = {
    "glipr1": 0.995, "npm1": 0.55, "pcolce": 0.38, "ctss": 0.17, "amy2b": 0.13, "tacstd2": 0.13, "cst1": 0.12,
}  # fmt: skip
# Markers: they measure an exposure, adiposity, sex or menopause, and do nothing to a hazard.
MARKERS: dict[str, dict[str, float]] = {
    "ckb": {"lean_mass": 0.45, "female": -0.20},
    "mb": {"lean_mass": 0.30, "grip": 0.10, "female": -0.60, "age": 0.10},
    "lep": {"adiposity": 0.80, "female": 1.10},
    "adipoq": {"adiposity": -0.40, "female": 0.60, "age": 0.15},
    "fabp4": {"adiposity": 0.55, "female": 0.50, "age": 0.15},
    "fshb": {"postmenopausal": 1.60, "hrt": -0.30},
    "cst3": {"age": 0.30, "adiposity": 0.15},
    "ghr": {"adiposity": 0.35, "female": 0.25},
}
# Proteins that a lifestyle factor moves and that do nothing: the first step of a mediation without the second.
CAUSED_ONLY: dict[str, tuple[tuple[str, float], ...]] = {
    "smoking": (("ceacam5", 0.45), ("alpp", 0.60), ("lif", 0.20), ("havcr1", 0.25), ("cdcp1", 0.30), ("tff3", 0.20)),
    "sleep": (("retn", 0.12), ("hgf", 0.14), ("oxt", -0.12), ("ghrl", -0.14)),
    "activity": (("ren", -0.14), ("gh1", 0.15), ("chi3l1", -0.15), ("cd14", -0.12), ("il1rl1", -0.10)),
}
MODULES = 4  # latent factors that null proteins share: immunity, tissue, lipid, coagulation [choice]
ADIPOSITY_MARKER_SHARE = 0.10  # of the remaining proteins


@dataclass(frozen=True, slots=True)
class Panel:
    """Assays in alphabetical order of their RAP name, and what each is made of, (proteins,) unless said otherwise."""

    names: tuple[str, ...]
    assays: tuple[str, ...]
    uniprot: tuple[str, ...]
    panels: tuple[str, ...]
    kind: tuple[str, ...]  # planted, marker, caused_only, adiposity_marker, null
    missing_share: Floats
    limit_z: Floats  # limit of detection, in SD below the mean
    scale: Floats  # NPX per SD
    centre: Floats  # NPX
    age: Floats
    female: Floats
    adiposity: Floats
    modules: Floats  # (proteins, MODULES)
    batch_effect: Floats  # (8, proteins), in SD

    def __len__(self) -> int:
        return len(self.names)


@cache
def _assays() -> dict[str, tuple[str, str, str]]:
    with (SEEDS / "olink_assays.csv").open(newline="") as lines:
        return {row["protein"]: (row["assay"], row["uniprot"], row["panel"]) for row in csv.DictReader(lines)}


def required() -> tuple[str, ...]:
    """Assays on every panel: planted, markers, moved by a cause only, badly measured, and one with a hyphen."""
    planted = [m.name for m in mediators.PLANTED if m.platform == mediators.PROTEIN]
    caused = [name for rows in CAUSED_ONLY.values() for name, _ in rows]
    return tuple(dict.fromkeys([*planted, *MARKERS, *caused, *OFTEN_MISSING, "hla_e"]))


def draw_panel(rng: np.random.Generator, n_proteins: int) -> Panel:
    """Choose the panel and its properties; the rest of the assays by lot."""
    known = _assays()
    fixed = required()
    others = sorted(set(known) - set(fixed))
    chosen = [others[k] for k in rng.permutation(len(others))[: n_proteins - len(fixed)]]
    names = tuple(sorted([*fixed, *chosen], key=lambda name: list(known).index(name)))
    k = len(names)
    planted = {m.name for m in mediators.PLANTED}
    caused = {name for rows in CAUSED_ONLY.values() for name, _ in rows}
    fat = rng.random(k) < ADIPOSITY_MARKER_SHARE
    kind = tuple(
        "planted" if name in planted
        else "marker" if name in MARKERS
        else "caused_only" if name in caused
        else "adiposity_marker" if fat[i] and name not in OFTEN_MISSING
        else "null"
        for i, name in enumerate(names)
    )  # fmt: skip
    is_free = np.array([one in ("null", "adiposity_marker") for one in kind])
    is_fat = np.array([one == "adiposity_marker" for one in kind])
    missing = np.where(rng.random(k) < 0.08, rng.uniform(0.03, 0.09, k), rng.uniform(0.001, 0.015, k))
    for i, name in enumerate(names):
        missing[i] = OFTEN_MISSING.get(name, missing[i])
    drawn = rng.random(k)
    limit_z = np.where(drawn < 0.72, rng.uniform(2.2, 4.5, k), np.where(drawn < 0.92, rng.uniform(0.4, 2, k), -0.5))
    limit_z = np.where(is_free, limit_z, np.maximum(limit_z, 2.0))
    loading = np.where(rng.random((k, MODULES)) < 0.4, rng.uniform(0.2, 0.55, (k, MODULES)), 0.0)
    return Panel(
        names=names,
        assays=tuple(known[name][0] for name in names),
        uniprot=tuple(known[name][1] for name in names),
        panels=tuple(known[name][2] for name in names),
        kind=kind,
        missing_share=missing,
        limit_z=limit_z,
        scale=rng.uniform(0.35, 1.1, k),
        centre=rng.normal(0.0, 0.25, k),
        age=rng.normal(0.0, 0.15, k),
        female=rng.normal(0.0, 0.20, k),
        adiposity=np.where(is_fat, rng.choice([-1.0, 1.0], k) * rng.uniform(0.15, 0.40, k), 0.0),
        modules=loading * is_free[:, None],
        batch_effect=BATCH_SD * rng.standard_normal((len(BATCH_SAMPLES), k)),
    )


@dataclass(frozen=True, slots=True)
class Sample:
    """Who is measured and where: one element per measured participant, plates numbered within the block."""

    person: Ints
    is_selected: Bools
    plate: Ints
    well: Ints
    plate_batch: Ints  # (plates,)


def draw_sample(rng: np.random.Generator, people: Population, share: float, *, with_batch_0: bool) -> Sample:
    """The proteomic sub-cohort: mostly at random, a part chosen for age and illness."""
    n = len(people)
    at_random = rng.random(n) < share * (1 - SELECTED_SHARE)
    age = (people.age_years - p.MEAN_AGE_YEARS) / p.SD_AGE_YEARS
    odds = np.exp(0.45 * age + 0.6 * people.has_diabetes + 0.4 * people.has_cardiovascular)
    # Among those not taken at random, so that SELECTED_SHARE of the measured are selected.
    chance = share * SELECTED_SHARE * odds / odds.mean() / max(1 - share * (1 - SELECTED_SHARE), SELECTED_SHARE)
    is_selected = ~at_random & (rng.random(n) < chance)
    person = np.flatnonzero(at_random | is_selected)
    m = len(person)
    small = min(BATCH_0_SAMPLES, m) if with_batch_0 else 0
    position = rng.permutation(m)
    plate = np.where(position < small, 0, (position - small) // SAMPLES_PER_PLATE + (small > 0))
    well = np.where(position < small, position, (position - small) % SAMPLES_PER_PLATE)
    plates = int(plate.max()) + 1 if m else 0
    weights = np.array(BATCH_SAMPLES[1:], dtype=np.float64)
    batch = rng.choice(np.arange(1, len(BATCH_SAMPLES)), size=plates, p=weights / weights.sum())
    if small:
        batch[0] = 0
    return Sample(person, is_selected[person], plate, well, batch)


def draw_levels(
    rng: np.random.Generator,
    panel: Panel,
    sample: Sample,
    covariates: dict[str, Floats],
    exposures: Exposures,
    residuals: Floats,
    effects: planting.Effects = "full",
) -> tuple[Floats, Floats]:
    """NPX (samples, proteins) with NaN where missing, and the limit of detection (plates, proteins)."""
    who = sample.person
    k, m = len(panel), len(who)
    scores = {name: values[who] for name, values in (covariates | exposures.scores()).items()}
    factors = mediators.factor_scores({name: scores[name] for name in covariates})
    causes = scores | factors
    modules = rng.standard_normal((m, MODULES)) @ panel.modules.T
    own_sd = np.sqrt(1 - np.minimum((panel.modules**2).sum(axis=1), 0.8))
    level = modules + own_sd * rng.standard_normal((m, k))
    column = {name: i for i, name in enumerate(panel.names)}
    for row, planted in enumerate(planting.planted(effects)):
        if planted.platform == mediators.PROTEIN:
            level[:, column[planted.name]] = residuals[row, who] + planted.a * causes[planted.cause]
    for factor, rows in CAUSED_ONLY.items() if effects == "full" else ():
        for name, a in rows:
            level[:, column[name]] += a * causes[factor]
    has_own_causes = np.array([kind in ("marker", "planted") for kind in panel.kind])
    for name, slopes in MARKERS.items():
        for cause, slope in slopes.items():
            level[:, column[name]] += slope * causes[cause]
    age = np.where(has_own_causes, 0.0, panel.age)
    female = np.where(has_own_causes, 0.0, panel.female)
    level += np.outer(scores["age"], age) + np.outer(scores["female"] - p.FEMALE_SHARE, female)
    level += np.outer(scores["adiposity"], panel.adiposity)
    plates = len(sample.plate_batch)
    plate_effect = PLATE_SD * rng.standard_normal((plates, k)) + panel.batch_effect[sample.plate_batch]
    npx = panel.centre + panel.scale * (level + plate_effect[sample.plate])
    missing = rng.random((m, k)) < panel.missing_share
    failed = rng.random(m) < FAILED_SAMPLE_SHARE
    missing |= failed[:, None] & (rng.random((m, k)) < FAILED_SAMPLE_MISSING)
    limit = panel.centre + panel.scale * (0.1 * rng.standard_normal((plates, k)) - panel.limit_z)
    return np.where(missing, np.nan, np.round(npx, 4)), np.round(limit, 4)

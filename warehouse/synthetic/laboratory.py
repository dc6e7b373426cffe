"""Blood biochemistry and the other baseline measurements that no planted effect runs through."""

import numpy as np

from warehouse.synthetic import dirt
from warehouse.synthetic.exposures import Exposures
from warehouse.synthetic.population import Floats, Population

# name: log mean, log SD, log difference men - women, share missing [showcase, orders of magnitude].
LOG_NORMAL: dict[str, tuple[float, float, float, float]] = {
    "p30710_i0": (0.30, 1.05, 0.0, 0.065),
    "p30770_i0": (3.03, 0.27, 0.03, 0.068),
    "p30830_i0": (4.05, 0.42, -0.45, 0.148),
    "p30600_i0": (3.81, 0.058, 0.012, 0.140),
    "p30720_i0": (-0.115, 0.15, 0.06, 0.063),
    "p30680_i0": (0.867, 0.039, -0.003, 0.140),
}


def blood_cells(
    rng: np.random.Generator, people: Population, exposures: Exposures, answers: dirt.Answers
) -> dict[str, Floats]:
    """Remaining continuous fields at baseline by canonical name, NaN empty."""
    n = len(people)
    men = people.is_male.astype(np.float64)
    age = (people.age_years - 56.5) / 8.1
    out: dict[str, Floats] = {}
    for name, (mean, sd, difference, missing) in LOG_NORMAL.items():
        log = mean + difference * (men - 0.456) + sd * rng.standard_normal(n)
        if name == "p30710_i0":
            log += 0.45 * people.adiposity + 0.25 * (people.smoking == 2)
        if name == "p30720_i0":
            log += 0.05 * age + 0.03 * people.adiposity
        out[name] = dirt.blank(rng, np.round(np.exp(log), 3), missing)
    testosterone = np.exp(
        np.where(people.is_male, 2.45, -0.05) + np.where(people.is_male, 0.31, 0.55) * rng.normal(size=n)
    )
    below_limit = testosterone < 0.35
    out["p30850_i0"] = dirt.blank(rng, np.where(below_limit, np.nan, np.round(testosterone, 3)), 0.09)
    # Serum creatinine is made by muscle: it measures lean mass as much as the kidney.
    creatinine = np.exp(4.14 + 0.23 * men + 0.07 * exposures.lean_mass_z + 0.03 * age + 0.13 * rng.standard_normal(n))
    out["p30700_i0"] = dirt.blank(rng, np.round(creatinine, 1), 0.063)
    out["p74_i0"] = dirt.blank(rng, np.minimum(rng.negative_binomial(5, 0.57, n), 40), 0.0025)
    pressure = 124 + 9 * men + 7 * age + 3 * people.adiposity + 9 * people.has_hypertension
    pressure = pressure + 13 * rng.standard_normal(n)
    for k in (0, 1):
        out[f"p4080_i0_a{k}"] = dirt.blank(rng, np.round(pressure + rng.normal(0, 6, n) - 2 * k), 0.06)
    lean_kg = answers["p23101_i0"]
    waist = 84.0 + 13.0 * men + 9.5 * people.adiposity + 2.0 * exposures.lean_mass_z + rng.normal(0, 4.5, n)
    out["p48_i0"] = dirt.blank(rng, np.round(waist), 0.004)
    hip = 102.0 - 0.5 * men + 7.5 * people.adiposity + 2.0 * exposures.lean_mass_z + rng.normal(0, 3.5, n)
    out["p49_i0"] = dirt.blank(rng, np.round(hip), 0.004)
    fat_kg = answers["p23100_i0"]
    out["p23099_i0"] = np.round(100 * fat_kg / (fat_kg + lean_kg), 1)
    out["p23106_i0"] = np.where(
        np.isnan(lean_kg), np.nan, np.round(700 - 110 * men - 40 * people.adiposity + rng.normal(0, 55, n))
    )
    out["p23129_i0"] = np.round(lean_kg * (0.575 - 0.02 * men) * (1 + rng.normal(0, 0.01, n)), 1)
    for mass, muscle in (("p23113", "p23114"), ("p23117", "p23118"), ("p23121", "p23122"), ("p23125", "p23126")):
        out[f"{muscle}_i0"] = np.round(0.945 * answers[f"{mass}_i0"], 1)
    return out

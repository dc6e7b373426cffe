"""The planted biomarkers: which lifestyle factor or exposure moves them, and what they do to each hazard.

A planted biomarker is m = a * cause + e, with e standard normal, in units of its residual SD. The hazards carry b * m.
Since the effects in parameters.py are totals, a hazard written in totals needs only b * e:
sum(direct * x) + sum(b * m) = sum(total * x) + sum(b * e), with direct = total - sum(a * b).

For each lifestyle factor three disjoint sets: `same` (both conditions, same direction: the shared ones), `opposite`
(both conditions, opposite directions) and `one` (one condition only). Everything else measured is null.
"""

from dataclasses import dataclass

import numpy as np

from warehouse.synthetic.population import Floats

# Lifestyle factors as the hazards see them: weight of each covariate score per unit of the factor.
FACTORS: dict[str, dict[str, float]] = {
    "smoking": {"current_smoker": 1.0, "previous_smoker": 0.3},
    "sleep": {"short_sleep": 1.0, "long_sleep": 0.6},
    "activity": {"activity": 1.0},
}
PROTEIN, METABOLITE = "protein", "metabolite"


@dataclass(frozen=True, slots=True)
class Planted:
    """One biomarker with an effect on at least one hazard.

    a : SD per unit of the cause (a lifestyle factor, or an exposure in within-sex SD).
    b_osteoporosis, b_sarcopenia : log hazard ratio per SD.
    """

    name: str
    platform: str
    cause: str
    kind: str  # same, opposite, one, muscle, bone
    a: float
    b_osteoporosis: float
    b_sarcopenia: float


PLANTED: tuple[Planted, ...] = (
    Planted("pigr", PROTEIN, "smoking", "same", 0.50, 0.22, 0.25),
    Planted("wfdc2", PROTEIN, "smoking", "same", 0.42, 0.11, 0.13),
    Planted("glyca", METABOLITE, "smoking", "same", 0.35, 0.14, 0.16),
    Planted("cxcl17", PROTEIN, "smoking", "opposite", 0.45, 0.17, -0.19),
    Planted("tnfrsf11b", PROTEIN, "smoking", "one", 0.30, 0.11, 0.0),
    Planted("albumin", METABOLITE, "smoking", "one", -0.30, -0.11, 0.0),
    Planted("gdf15", PROTEIN, "smoking", "one", 0.45, 0.0, 0.15),
    Planted("il6", PROTEIN, "sleep", "same", 0.24, 0.22, 0.25),
    Planted("fgf21", PROTEIN, "sleep", "same", 0.22, 0.11, 0.13),
    Planted("phe", METABOLITE, "sleep", "same", 0.18, 0.12, 0.14),
    Planted("prl", PROTEIN, "sleep", "opposite", 0.24, 0.15, -0.17),
    Planted("crh", PROTEIN, "sleep", "one", 0.22, 0.11, 0.0),
    Planted("agrp", PROTEIN, "sleep", "one", 0.24, 0.0, 0.15),
    Planted("acetate", METABOLITE, "sleep", "one", 0.16, 0.0, 0.13),
    Planted("igfbp1", PROTEIN, "activity", "same", 0.22, -0.22, -0.25),
    Planted("ptn", PROTEIN, "activity", "same", 0.20, -0.11, -0.13),
    Planted("gln", METABOLITE, "activity", "same", 0.16, -0.12, -0.14),
    Planted("mmp12", PROTEIN, "activity", "opposite", -0.22, 0.15, -0.17),
    Planted("spp1", PROTEIN, "activity", "one", -0.20, 0.11, 0.0),
    Planted("his", METABOLITE, "activity", "one", 0.16, -0.11, 0.0),
    Planted("timp1", PROTEIN, "activity", "one", -0.20, 0.0, 0.15),
    Planted("mstn", PROTEIN, "grip", "muscle", 0.25, -0.20, 0.0),
    Planted("igfbp2", PROTEIN, "lean_mass", "muscle", -0.28, 0.12, 0.0),
    Planted("fabp3", PROTEIN, "pace", "muscle", -0.25, 0.12, 0.0),
    Planted("gly", METABOLITE, "grip", "muscle", -0.18, 0.11, 0.0),
    Planted("sost", PROTEIN, "heel_bmd", "bone", 0.32, 0.0, -0.22),
    Planted("omd", PROTEIN, "heel_bmd", "bone", -0.25, 0.0, 0.15),
    Planted("citrate", METABOLITE, "heel_bmd", "bone", -0.18, 0.0, 0.14),
)

B_OSTEOPOROSIS = np.array([planted.b_osteoporosis for planted in PLANTED])
B_SARCOPENIA = np.array([planted.b_sarcopenia for planted in PLANTED])


def factor_scores(covariates: dict[str, Floats]) -> dict[str, Floats]:
    """Each lifestyle factor as one number per participant."""
    return {
        factor: np.sum([weight * covariates[name] for name, weight in weights.items()], axis=0)
        for factor, weights in FACTORS.items()
    }


def draw_residuals(rng: np.random.Generator, n: int) -> Floats:
    """The residuals e of all planted biomarkers, (planted, n)."""
    return rng.standard_normal((len(PLANTED), n))


def draw_residual_effects(rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    """sum(b e) for both hazards without drawing each e: the same joint distribution at a fraction of the work."""
    covariance = np.array(
        [
            [B_OSTEOPOROSIS @ B_OSTEOPOROSIS, B_OSTEOPOROSIS @ B_SARCOPENIA],
            [B_OSTEOPOROSIS @ B_SARCOPENIA, B_SARCOPENIA @ B_SARCOPENIA],
        ]
    )
    both = np.linalg.cholesky(covariance) @ rng.standard_normal((2, n))
    return both[0], both[1]

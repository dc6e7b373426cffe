"""Lean mass, grip strength, walking pace and heel BMD at baseline: correlated normals given covariates."""

from dataclasses import dataclass

import numpy as np

from warehouse.synthetic import parameters as p
from warehouse.synthetic.population import Floats, Ints, Population

_RESIDUAL_ROOT = np.linalg.cholesky(p.EXPOSURE_RESIDUAL_CORRELATION)


@dataclass(frozen=True, slots=True)
class Exposures:
    """True values at baseline; z are within-sex scores against population constants, not against the sample."""

    lean_mass_z: Floats
    grip_z: Floats
    pace_level: Ints  # 1 slow 2 steady 3 brisk
    heel_bmd_z: Floats
    lean_mass_index: Floats  # kg/m2
    grip_kg: Floats  # greater hand
    heel_bmd: Floats  # g/cm2
    heel_bmd_residual: Floats  # of the z given covariates: what a genetic score can know

    def scores(self) -> dict[str, Floats]:
        """The exposures as hazards are linear in them: z, and pace per category around steady."""
        return {
            "lean_mass": self.lean_mass_z,
            "grip": self.grip_z,
            "pace": self.pace_level - 2.0,
            "heel_bmd": self.heel_bmd_z,
        }


def draw_exposures(rng: np.random.Generator, people: Population, covariates: dict[str, Floats]) -> Exposures:
    """Draw the four exposures given the covariate scores of `population.covariate_scores`."""
    n = len(people)
    residuals = _RESIDUAL_ROOT @ rng.standard_normal((len(p.EXPOSURES), n))
    z: dict[str, Floats] = {}
    for row, name in enumerate(p.EXPOSURES):
        score = p.EXPOSURE_RESIDUAL_SD[name] * residuals[row]
        for covariate, slope in p.EXPOSURE_MEANS[name].items():
            score += slope * covariates[covariate]
        z[name] = score
    sex = people.is_male.astype(np.int64)
    body = p.BODY

    def physical(score: Floats, mean: tuple[float, float], sd: tuple[float, float], least: float) -> Floats:
        return np.maximum(np.array(mean)[sex] + np.array(sd)[sex] * score, least)

    lean = physical(z["lean_mass"], body.lean_mass_index_kg_per_m2, body.lean_mass_index_sd_kg_per_m2, 11.0)
    return Exposures(
        lean_mass_z=z["lean_mass"],
        grip_z=z["grip"],
        pace_level=1 + np.searchsorted(p.PACE_CUTS, z["pace"]),
        heel_bmd_z=z["heel_bmd"],
        lean_mass_index=lean,
        grip_kg=physical(z["grip"], body.grip_kg, body.grip_sd_kg, 1.0),
        heel_bmd=physical(z["heel_bmd"], body.heel_bmd_g_per_cm2, body.heel_bmd_sd_g_per_cm2, 0.07),
        heel_bmd_residual=residuals[3],
    )

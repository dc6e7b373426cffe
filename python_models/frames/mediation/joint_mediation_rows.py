"""The mediators of each family together: their joint indirect effect beside the sum of the single ones, as rows."""

from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from python_models.estimators.mediation.joint_mediation import JointMediation, fit_joint_mediation
from python_models.estimators.mediation.mediated_share import mediated_share
from python_models.frames.biomarkers.biomarker_designs import BiomarkerDesign, idle_levels
from python_models.frames.biomarkers.biomarker_rows import finite, one_thread
from python_models.frames.build import cohort_of_build
from python_models.frames.mediation.mediation_rows import SEED, table_without_nan
from python_models.frames.mediation.mediation_study import FAMILY, MediationStudy, everyone, of_design, read_found

F4 = npt.NDArray[np.float32]
Row = dict[str, Any]
KEYS = ("study", "arm", "exposure", "scaling", "outcome", "outcome_definition", "adjustment_set", "platform")
PARTS = ("indirect_effect", "direct_effect", "total_effect")
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in KEYS),
        ("biomarkers", pa.string()),
        ("n_biomarkers", pa.int64()),
        ("n_flagged", pa.int64()),
        ("n_participants", pa.int64()),
        ("n_events", pa.int64()),
        ("indirect_effect_error", pa.float64()),
        ("indirect_effect_delta_lower", pa.float64()),
        ("indirect_effect_delta_upper", pa.float64()),
        *((f"{name}{side}", pa.float64()) for name in PARTS for side in ("", "_lower", "_upper")),
        ("sum_of_single_effects", pa.float64()),
        ("over_count", pa.float64()),
        ("largest_residual_correlation", pa.float64()),
        ("log_scale_share", pa.float64()),
        ("log_scale_share_lower", pa.float64()),
        ("log_scale_share_upper", pa.float64()),
        ("vanderweele_share", pa.float64()),
        ("vanderweele_share_lower", pa.float64()),
        ("vanderweele_share_upper", pa.float64()),
        ("share_refusal", pa.string()),
        ("refusal", pa.string()),
    ]
)


def _estimates(joint: JointMediation) -> Row:
    row: Row = {"n_participants": joint.n, "n_events": joint.n_events, "refusal": joint.refusal}
    effects = joint.effects
    if effects is None:
        return row
    row["indirect_effect_error"] = float(effects.standard_error[0])
    row["indirect_effect_delta_lower"] = float(effects.lower[0])
    row["indirect_effect_delta_upper"] = float(effects.upper[0])
    for j, name in enumerate(PARTS):
        row[name] = float(effects.estimate[j])
        row[f"{name}_lower"] = float(effects.draws_lower[j])
        row[f"{name}_upper"] = float(effects.draws_upper[j])
    row["sum_of_single_effects"] = float(joint.single_indirect.sum())
    row["over_count"] = (
        finite(row["sum_of_single_effects"] / row["indirect_effect"]) if row["indirect_effect"] else None
    )
    off = np.abs(joint.residual_correlation - np.eye(len(joint.names)))
    row["largest_residual_correlation"] = float(off.max()) if len(joint.names) > 1 else None
    indirect, direct, total = effects.draws.T
    for definition in ("log_scale", "vanderweele"):
        share = mediated_share(
            definition=definition,
            total=effects.estimate[2],
            direct=effects.estimate[1],
            indirect=effects.estimate[0],
            total_lower=effects.draws_lower[2],
            total_upper=effects.draws_upper[2],
            draws=np.stack([total, direct, indirect], axis=-1)[None],
        )
        row["share_refusal"] = share.refusal[0]
        if share.refusal[0] is None:
            row[f"{definition}_share"] = float(share.share[0])
            row[f"{definition}_share_lower"] = finite(share.lower[0])
            row[f"{definition}_share_upper"] = finite(share.upper[0])
    return row


def _jointly(design: BiomarkerDesign, label: int, mediators: F4, names: list[str]) -> Row:
    """mediators (K, samples of the panel); people with all of them known."""
    place = sum(one.refusal is None for one in design.labels[:label])
    values = mediators[:, design.samples].T.astype(np.float64)
    known = np.isfinite(values).all(axis=1)
    if not known.any():
        return {"refusal": "nobody has all of them measured"}
    event, covariates, centres = design.event[known], design.covariates[known], design.centres[known]
    is_idle = idle_levels(covariates, design.names, event)
    others = np.delete(design.exposures[known], place, axis=1)
    other_names = np.delete(np.array(design.exposure_names, dtype=object), place)
    return _estimates(
        fit_joint_mediation(
            exposure=design.exposures[known, place],
            mediators=values[known],
            time=design.days[known],
            event=event,
            covariates=np.column_stack([others, covariates[:, ~is_idle]]),
            mediator_covariates=centres[:, ~idle_levels(centres, design.centre_names)],
            strata=None if design.strata is None else design.strata[known],
            names=names,
            covariate_names=[*other_names, *np.array(design.names, dtype=object)[~is_idle]],
            seed=SEED,
        )
    )


def joint_mediation_rows(session: duckdb.DuckDBPyConnection, *, largest: int) -> pa.Table:
    """One row per family and platform with a mediator; largest: mediators taken, the clearest first."""
    study = MediationStudy(session, cohort=cohort_of_build())
    found = [row for row in read_found(session) if row["is_mediator"]]
    rows: list[Row] = []
    for panel, of_study in study.panels():
        for design_of in study.designs(panel, of_study):
            design = design_of(everyone(panel))
            for label, mine in of_design(found, design, panel).items():
                one_thread()
                taken = mine[:largest]
                names = [row["biomarker"] for row in taken]
                row = {name: taken[0][name] for name in KEYS}
                row |= {
                    "biomarkers": "; ".join(names),
                    "n_biomarkers": len(names),
                    "n_flagged": sum(one["flag_reason"] is not None for one in taken),
                }
                rows.append({**row, **_jointly(design, label, study.values(panel, names), names)})
    rows.sort(key=lambda row: tuple(str(row[name]) for name in FAMILY))
    return table_without_nan(rows, SCHEMA)

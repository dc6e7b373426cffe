"""Causal effects between GWAS traits, both ways, as rows of results.mendelian_randomisation."""

from dataclasses import dataclass
from itertools import permutations
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from dbt.adapters.events.logging import AdapterLogger
from scipy import special, stats

from python_models.estimators.genetics.harmonisation import Palindromes
from python_models.estimators.genetics.loci import GENOME_WIDE_NEG_LOG10_P
from python_models.estimators.genetics.mendelian_randomisation import (
    CausalEstimate,
    Instruments,
    causal_estimates,
    instrument_strength,
    leave_one_out,
)
from python_models.estimators.genetics.steiger import correlation_from_log_odds, correlation_from_p, steiger
from python_models.frames.genetics.gwas_loci import independent_leads
from python_models.frames.genetics.gwas_variants import Genome, TraitVariants, read_genome
from python_models.frames.genetics.ld_reference import LdReference, read_ld_reference
from python_models.frames.genetics.strands import is_palindromic, palindromes_rule, strands

logger = AdapterLogger("Study")
F8 = npt.NDArray[np.float64]
NORMAL_975 = float(special.ndtri(0.975))
SEED = 20_260_101  # of the weighted median's bootstrap
FEWEST_TO_LEAVE_ONE_OUT = 3
# Unlike instruments: the normal p takes their estimated spread for known. Ten of them still find 6 % at 5 %, nine and
# fewer 14 % (tests/recovery/mendelian_null.py); at 20 the quantiles of t and normal are 7 % apart.
FEW_UNLIKE_INSTRUMENTS, UNLIKE_P = 20, 0.05
# Where no seed says otherwise: the GWAS of a cohort describe one biobank, the worst case. The cross-trait intercept,
# overlap times phenotypic correlation, cannot tell how many are shared, and is near 0 for shared people of uncorrelated
# traits.
ASSUMED_OVERLAP_SHARE = 1.0
OVERLAP_SHARES = "select trait_1, trait_2, overlap_share from seeds.gwas_trait_pairs where overlap_share is not null"

SCHEMA = pa.schema(
    [
        ("exposure", pa.string()),
        ("outcome", pa.string()),
        ("method", pa.string()),
        ("n_instruments", pa.int64()),
        ("n_palindromic_resolved", pa.int64()),
        ("n_palindromic_dropped", pa.int64()),
        ("estimate", pa.float64()),
        ("standard_error", pa.float64()),
        ("estimate_lower", pa.float64()),
        ("estimate_upper", pa.float64()),
        ("p_value", pa.float64()),
        ("heterogeneity_q", pa.float64()),
        ("heterogeneity_degrees_of_freedom", pa.int64()),
        ("heterogeneity_p_value", pa.float64()),
        ("egger_intercept", pa.float64()),
        ("egger_intercept_standard_error", pa.float64()),
        ("egger_intercept_p_value", pa.float64()),
        ("leave_one_out_lowest", pa.float64()),
        ("leave_one_out_highest", pa.float64()),
        ("mean_f", pa.float64()),
        ("i_squared", pa.float64()),
        ("assumed_overlap_share", pa.float64()),
        ("is_exposure_first", pa.bool_()),
        ("steiger_z", pa.float64()),
        ("steiger_p_value", pa.float64()),
        ("r_squared_exposure", pa.float64()),
        ("r_squared_outcome", pa.float64()),
        ("steiger_refusal", pa.string()),
        ("note", pa.string()),
        ("refusal", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class _Leads:
    """Instruments of an exposure for one outcome.

    variants : (k,) positions along the genome.
    sign : (k,) of the outcome's effects, for the exposure's alleles.
    n_palindromic : instruments whose strand is told by other means than their letters.
    n_dropped : genome-wide significant variants whose strand cannot be told: they lead no locus.
    """

    variants: npt.NDArray[np.int64]
    sign: F8
    n_palindromic: int
    n_dropped: int


def _leads(
    genome: Genome,
    exposure: TraitVariants,
    outcome: TraitVariants,
    *,
    reference: LdReference | None,
    palindromes: Palindromes,
) -> _Leads:
    """Lead variants of the exposure among those both traits report with an effect, and on strands that are told.

    Those that cannot serve are left out before the leads are chosen: none takes the place of a variant that can.
    """
    usable = exposure.is_same_variant(outcome)
    for trait in (exposure, outcome):
        usable = usable & np.isfinite(trait.beta) & (trait.standard_error > 0)
    tail = np.where(usable & (exposure.beta != 0), exposure.neg_log10_p, np.nan)
    asked = np.flatnonzero(is_palindromic(exposure) & (tail >= GENOME_WIDE_NEG_LOG10_P))
    told = strands(exposure, outcome, asked, palindromes=palindromes)
    tail[asked[~told.is_known]] = np.nan
    chosen = independent_leads(genome, tail, reference=reference)
    is_turned = np.isin(chosen, asked[told.is_known & (told.sign < 0)])
    return _Leads(
        variants=chosen,
        sign=np.where(is_turned, -1.0, 1.0),
        n_palindromic=int(is_palindromic(exposure)[chosen].sum()),
        n_dropped=int((~told.is_known).sum()),
    )


def _correlations(trait: TraitVariants, leads: npt.NDArray[np.int64]) -> F8 | str:
    """|Correlation| of each lead with the trait, (n,), with a disease on its liability scale; or why there is none.

    On the observed scale a rare disease always seems the less explained of two traits, whichever comes first.
    """
    if not trait.is_case_control:
        return correlation_from_p(neg_log10_p=trait.neg_log10_p[leads], n=trait.n[leads])
    share = trait.sample_prevalence
    if share is None:
        return f"{trait.name} is a disease, and its cases and controls are not stated (seeds/gwas_trait_codings.csv)"
    if not ((trait.frequency[leads] > 0) & (trait.frequency[leads] < 1)).all():
        return f"{trait.name} is a disease, and its file gives no allele frequencies of the instruments"
    return correlation_from_log_odds(
        log_odds_ratio=trait.beta[leads],
        allele_frequency=trait.frequency[leads],
        n_cases=trait.n[leads] * share,
        n_controls=trait.n[leads] * (1 - share),
        prevalence=trait.population_prevalence or share,
    )


def _direction(exposure: TraitVariants, outcome: TraitVariants, leads: npt.NDArray[np.int64]) -> dict[str, Any]:
    of_exposure, of_outcome = _correlations(exposure, leads), _correlations(outcome, leads)
    reasons = [one for one in (of_exposure, of_outcome) if isinstance(one, str)]
    if isinstance(of_exposure, str) or isinstance(of_outcome, str):
        return {"steiger_refusal": "; ".join(reasons)}
    tested = steiger(
        r_exposure=of_exposure, r_outcome=of_outcome, n_exposure=exposure.n[leads], n_outcome=outcome.n[leads]
    )
    return {
        "is_exposure_first": tested.is_exposure_first,
        "steiger_z": tested.z,
        "steiger_p_value": tested.p,
        "r_squared_exposure": None if tested.r_exposure is None else tested.r_exposure**2,
        "r_squared_outcome": None if tested.r_outcome is None else tested.r_outcome**2,
        "steiger_refusal": tested.refusal,
    }


def _leave_one_out(instruments: Instruments) -> dict[str, float]:
    if instruments.n < FEWEST_TO_LEAVE_ONE_OUT:
        return {}
    estimates = [fit.estimate for fit in leave_one_out(instruments) if fit.estimate is not None]
    return {"leave_one_out_lowest": min(estimates), "leave_one_out_highest": max(estimates)} if estimates else {}


def _estimate_columns(fit: CausalEstimate) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "method": fit.method,
        "n_instruments": fit.n_instruments,
        "estimate": fit.estimate,
        "standard_error": fit.standard_error,
        "p_value": fit.p,
        "heterogeneity_q": fit.q,
        "heterogeneity_degrees_of_freedom": fit.q_degrees_of_freedom,
        "heterogeneity_p_value": fit.q_p,
        "egger_intercept": fit.intercept,
        "egger_intercept_standard_error": fit.intercept_standard_error,
        "egger_intercept_p_value": fit.intercept_p,
        "refusal": fit.refusal,
    }
    if fit.estimate is not None and fit.standard_error is not None:
        # Egger's p is of t, the others' of the normal; an interval says what its p says.
        quantile = float(stats.t.ppf(0.975, fit.n_instruments - 2)) if fit.method == "egger" else NORMAL_975
        columns["estimate_lower"] = fit.estimate - quantile * fit.standard_error
        columns["estimate_upper"] = fit.estimate + quantile * fit.standard_error
    return columns


def _few_unlike(fit: CausalEstimate) -> str | None:
    """A note where random effects rest on few instruments: what P is by t instead."""
    if fit.method != "ivw" or fit.n_instruments >= FEW_UNLIKE_INSTRUMENTS or fit.q_p is None or fit.q_p >= UNLIKE_P:
        return None
    assert fit.estimate is not None and fit.standard_error is not None  # noqa: PT018
    of_t = 2 * float(stats.t.sf(abs(fit.estimate / fit.standard_error), fit.n_instruments - 1))
    return (
        f"the {fit.n_instruments} instruments disagree (Q {fit.q:.1f}), their spread is estimated from so few: "
        f"by t on {fit.n_instruments - 1} degrees of freedom P is {of_t:.2g}; p_value is normal, as in TwoSampleMR"
    )


def _rows_of(
    exposure: TraitVariants, outcome: TraitVariants, chosen: _Leads, *, stated: float | None
) -> list[dict[str, Any]]:
    leads = chosen.variants
    instruments = Instruments.of(
        beta_exposure=exposure.beta[leads],
        se_exposure=exposure.standard_error[leads],
        beta_outcome=chosen.sign * outcome.beta[leads],
        se_outcome=outcome.standard_error[leads],
    )
    common: dict[str, Any] = {
        "exposure": exposure.name,
        "outcome": outcome.name,
        "n_palindromic_resolved": chosen.n_palindromic,
        "n_palindromic_dropped": chosen.n_dropped,
    }
    if instruments.n == 0:
        refusal = "no genome-wide significant variant of the exposure has an effect in both studies"
        if chosen.n_dropped:
            refusal += f", but {chosen.n_dropped:,} palindromic ones whose strand cannot be told"
        return [{**common, "method": "ivw", "n_instruments": 0, "refusal": refusal}]
    overlap_share = ASSUMED_OVERLAP_SHARE if stated is None else stated
    strength = instrument_strength(instruments, overlap_share=overlap_share, is_overlap_known=stated is not None)
    common |= {
        "mean_f": strength.mean_f,
        "i_squared": strength.i_squared,
        "assumed_overlap_share": overlap_share,
        **_direction(exposure, outcome, leads),
    }
    # The ratio is the method for one instrument; for more it is not one of them.
    fits = [
        fit
        for fit in causal_estimates(instruments, rng=np.random.default_rng(SEED))
        if (fit.method == "wald_ratio") == (instruments.n == 1)
    ]
    spread = _leave_one_out(instruments)
    rows = []
    for fit in fits:
        notes = [*strength.notes, *filter(None, [_few_unlike(fit)])]
        row = {**common, **_estimate_columns(fit), "note": "; ".join(notes) or None}
        rows.append({**row, **spread} if fit.method == "ivw" else row)
    return rows


def mendelian_randomisation_rows(
    session: duckdb.DuckDBPyConnection,
    *,
    ld_reference: str | None = None,
    palindromes: str = "infer_from_frequency",
) -> pa.Table:
    """Every trait as exposure of every other.

    Raises
    ------
    ValueError
        If `palindromes` is no rule of harmonisation.
    LdReferenceError
        If the PLINK files cannot serve.
    """
    rule = palindromes_rule(palindromes)
    genome = read_genome(session, strand="any")
    reference = read_ld_reference(ld_reference, genome)
    shares = {
        frozenset((first, second)): float(share) for first, second, share in session.execute(OVERLAP_SHARES).fetchall()
    }
    rows: list[dict[str, Any]] = []
    directions = list(permutations(genome.trait_names, 2))
    for i, names in enumerate(directions, start=1):
        exposure, outcome = (genome.trait(name) for name in names)
        stated = shares.get(frozenset(names))
        chosen = _leads(genome, exposure, outcome, reference=reference, palindromes=rule)
        rows += _rows_of(exposure, outcome, chosen, stated=stated)
        if i % 10 == 0 or i == len(directions):
            logger.info(f"Mendelian randomisation: {i} of {len(directions)} directions estimated")
    return pa.Table.from_pylist(rows, schema=SCHEMA)

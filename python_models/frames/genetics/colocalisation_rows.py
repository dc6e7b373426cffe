"""Whether the two traits of a shared locus share one causal variant, as rows of results.colocalisations."""

from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from dbt.adapters.events.logging import AdapterLogger

from python_models.estimators.genetics.colocalisation import (
    HYPOTHESES,
    P_12,
    Colocalisation,
    Kind,
    RegionTrait,
    colocalisation,
    trait_from_effects,
    trait_from_p,
)
from python_models.estimators.genetics.errors import GeneticsInputError
from python_models.estimators.genetics.harmonisation import Palindromes
from python_models.frames.genetics.gwas_variants import Genome, TraitVariants, read_genome
from python_models.frames.genetics.strands import palindromes_rule, strands

logger = AdapterLogger("Study")

# The region holds one signal and its LD: half a megabase to either side of the strongest SNP.
REGION_BP = 500_000
LOWEST_P_12, HIGHEST_P_12 = 1e-6, 1e-4  # between them the prior is argued about (Wallace 2020)
CONVINCING = 0.8  # posterior called support for a hypothesis
CREDIBLE = 0.95
SHARED_LOCI = """
select trait_1, trait_2, evidence, locus, chromosome, lead_rsid_1, lead_rsid_2, pleiotropic_rsid
from results.shared_loci
where locus is not null and evidence in ('both_genome_wide', 'placo_plus')
order by trait_1, trait_2, evidence, chromosome, start_bp
"""
SCHEMA = pa.schema(
    [
        ("trait_1", pa.string()),
        ("trait_2", pa.string()),
        ("evidence", pa.string()),
        ("locus", pa.string()),
        ("chromosome", pa.int64()),
        ("region_start_bp", pa.int64()),
        ("region_end_bp", pa.int64()),
        ("n_snps", pa.int64()),
        ("n_snps_missing", pa.int64()),
        ("p_1", pa.float64()),
        ("p_2", pa.float64()),
        ("p_12", pa.float64()),
        *((f"posterior_{hypothesis.lower()}", pa.float64()) for hypothesis in HYPOTHESES),
        ("supported_hypothesis", pa.string()),
        ("posterior_h4_at_lowest_p_12", pa.float64()),
        ("posterior_h4_at_highest_p_12", pa.float64()),
        ("smallest_p_12_for_h4", pa.float64()),
        ("is_robust", pa.bool_()),
        ("likeliest_rsid", pa.string()),
        ("likeliest_posterior", pa.float64()),
        ("n_credible_snps", pa.int64()),
        ("is_same_direction", pa.bool_()),
        ("note", pa.string()),
        ("refusal", pa.string()),
    ]
)
SENSITIVITY_P_12 = tuple(float(p) for p in np.geomspace(LOWEST_P_12, HIGHEST_P_12, 21))


def _region_trait(trait: TraitVariants, inside: npt.NDArray[np.intp]) -> RegionTrait:
    """Evidence of one trait, from its effects where its file gives them, else from P and frequency.

    Raises
    ------
    GeneticsInputError
        If a disease has no effects and its cases and controls are not stated, or as the estimator's own.
    """
    kind: Kind = "case_control" if trait.is_case_control else "quantitative"
    beta, error = trait.beta[inside], trait.standard_error[inside]
    if np.isfinite(beta).any() and np.isfinite(error).any():
        # Z is of P, which may be of a better test than effect / error: the evidence keeps it.
        return trait_from_effects(
            beta=np.where(np.isfinite(error), trait.z[inside] * error, np.nan),
            standard_error=error,
            kind=kind,
            allele_frequency=trait.minor_frequency[inside],
            n=trait.n[inside],
        )
    if trait.is_case_control and trait.sample_prevalence is None:
        raise GeneticsInputError(
            [
                f"{trait.name} is a disease without standard errors, and its cases and controls are not stated: give "
                "n_cases and n_controls in seeds/gwas_trait_codings.csv, or a file with standard errors"
            ]
        )
    return trait_from_p(
        neg_log10_p=trait.neg_log10_p[inside],
        allele_frequency=trait.minor_frequency[inside],
        n=trait.n[inside],
        kind=kind,
        case_share=trait.sample_prevalence,
    )


def _posterior_columns(found: Colocalisation, genome: Genome, inside: npt.NDArray[np.intp]) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "n_snps": found.n_snps,
        "n_snps_missing": found.n_missing,
        "p_1": found.p_1,
        "p_2": found.p_2,
        "p_12": found.p_12,
        "note": "; ".join(found.notes) or None,
        "refusal": found.refusal,
    }
    if found.posterior is None or found.sensitivity is None or found.snp_posterior is None or found.index is None:
        return columns
    best = int(np.argmax(found.posterior))
    likeliest = int(np.argmax(found.snp_posterior))
    in_order = np.cumsum(np.sort(found.snp_posterior)[::-1])
    h4 = found.sensitivity[:, HYPOTHESES.index("H4")]
    if found.posterior[best] <= CONVINCING:
        columns["note"] = "; ".join([*found.notes, f"no hypothesis reaches {CONVINCING}"])
    return columns | {
        **{f"posterior_{name.lower()}": float(found.posterior[k]) for k, name in enumerate(HYPOTHESES)},
        "supported_hypothesis": HYPOTHESES[best] if found.posterior[best] > CONVINCING else None,
        "posterior_h4_at_lowest_p_12": float(h4[0]),
        "posterior_h4_at_highest_p_12": float(h4[-1]),
        "smallest_p_12_for_h4": found.smallest_p_12_for_h4,
        "is_robust": bool((h4 > 0.5).all() or (h4 < 0.5).all()),
        "likeliest_rsid": genome.rsid.name(int(inside[found.index[likeliest]])),
        "likeliest_posterior": float(found.snp_posterior[likeliest]),
        "n_credible_snps": int(np.searchsorted(in_order, CREDIBLE) + 1),
    }


def _is_same_direction(
    first: TraitVariants, second: TraitVariants, variant: int, palindromes: Palindromes
) -> bool | None:
    """Whether the allele that raises the one trait raises the other; None where the strands are not told."""
    told = strands(first, second, np.array([variant]), palindromes=palindromes)
    return bool(told.sign[0] * first.z[variant] * second.z[variant] > 0) if told.is_known[0] else None


def _row(genome: Genome, locus: dict[str, Any], centre: int, *, palindromes: Palindromes) -> dict[str, Any]:
    first, second = genome.trait(locus["trait_1"]), genome.trait(locus["trait_2"])
    row: dict[str, Any] = {name: locus[name] for name in ("trait_1", "trait_2", "evidence", "locus", "chromosome")}
    begin, end = np.searchsorted(genome.chromosome, [locus["chromosome"], locus["chromosome"] + 1])
    start, stop = genome.position[centre] - REGION_BP, genome.position[centre] + REGION_BP
    left, right = begin + np.searchsorted(genome.position[begin:end], [start, stop + 1])
    inside = np.arange(left, right)
    inside = inside[first.is_same_variant(second)[inside]] if inside.size else inside
    row |= {"region_start_bp": max(int(start), 0), "region_end_bp": int(stop)}
    if inside.size == 0:
        return {**row, "n_snps": 0, "refusal": "no variant of the region is the same in both traits"}
    try:
        evidence = [_region_trait(trait, inside) for trait in (first, second)]
    except GeneticsInputError as error:
        return {**row, "n_snps": int(inside.size), "refusal": str(error)}
    found = colocalisation(first=evidence[0], second=evidence[1], p_12=P_12, sensitivity_p_12=SENSITIVITY_P_12)
    row |= _posterior_columns(found, genome, inside)
    taken = [trait.name for trait in (first, second) if not trait.is_type_stated]
    if taken:
        said = f"{' and '.join(taken)} taken as quantitative: see trait_type in seeds/gwas_trait_codings.csv"
        row["note"] = "; ".join(filter(None, [row.get("note"), said]))
    if row.get("likeliest_rsid") is not None:
        (likeliest,) = genome.rsid.positions([row["likeliest_rsid"]])
        row["is_same_direction"] = _is_same_direction(first, second, int(likeliest), palindromes)
    return row


def colocalisation_rows(session: duckdb.DuckDBPyConnection, *, palindromes: str = "infer_from_frequency") -> pa.Table:
    """Every shared locus of results.shared_loci.

    Raises
    ------
    ValueError
        If `palindromes` is no rule of harmonisation.
    """
    rule = palindromes_rule(palindromes)
    genome = read_genome(session, strand="any")
    found = session.execute(SHARED_LOCI)
    names = [column[0] for column in found.description or ()]
    loci = [dict(zip(names, values, strict=True)) for values in found.fetchall()]
    leads = [locus["pleiotropic_rsid"] or locus["lead_rsid_1"] or locus["lead_rsid_2"] for locus in loci]
    rows = [
        _row(genome, locus, int(centre), palindromes=rule)
        for locus, centre in zip(loci, genome.rsid.positions(leads), strict=True)
    ]
    logger.info(f"colocalisations: {len(rows):,} shared loci")
    return pa.Table.from_pylist(rows, schema=SCHEMA)

"""The formats of GWAS summary statistics: which header tells them, and which column means what.

The effect allele differs: ALLELE1 in REGENIE and BOLT-LMM, Allele2 in SAIGE, the alternative allele in Neale's files,
A1 in PLINK 2 and LDSC. Every format is translated here, once, to the names of the GWAS-SSF standard.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

ASSOCIATION_COLUMNS = (
    "trait",
    "source_format",
    "chromosome",
    "base_pair_location",
    "variant_id",
    "rsid",
    "effect_allele",
    "other_allele",
    "effect_allele_frequency",
    "minor_allele_frequency",
    "info",
    "n",
    "n_cases",
    "n_controls",
    "beta",
    "odds_ratio",
    "standard_error",
    "z_score",
    "p_value",
    "neg_log10_p_value",
)
# Landed as doubles where every cell of the file is a number or missing; a file with any other cell lands as text, and
# staging counts what it cannot read.
NUMBER_COLUMNS = frozenset(ASSOCIATION_COLUMNS[ASSOCIATION_COLUMNS.index("effect_allele_frequency") :]) | {
    "base_pair_location"
}


@dataclass(frozen=True, slots=True)
class Format:
    """One format.

    signature : header cells that tell it, all needed, lower case.
    columns : canonical name -> the provider's names, lower case, best first.
    additive : value of the TEST column of rows that report the additive effect.
    """

    name: str
    signature: frozenset[str]
    columns: Mapping[str, tuple[str, ...]]
    test_column: str = ""
    additive: frozenset[str] = field(default_factory=frozenset)


def _format(name: str, signature: str, test_column: str = "", additive: str = "", **columns: str) -> Format:
    return Format(
        name=name,
        signature=frozenset(signature.split()),
        columns={canonical: tuple(names.split()) for canonical, names in columns.items()},
        test_column=test_column,
        additive=frozenset(additive.split()),
    )


# Order matters: the more telling header first.
FORMATS: tuple[Format, ...] = (
    _format(
        "regenie",
        "chrom genpos id allele0 allele1 a1freq beta se log10p",
        test_column="test",
        additive="ADD",
        chromosome="chrom",
        base_pair_location="genpos",
        identifier="id",
        effect_allele="allele1",
        other_allele="allele0",
        effect_allele_frequency="a1freq",
        info="info",
        n="n",
        n_cases="n_cases",
        n_controls="n_controls",
        beta="beta",
        standard_error="se",
        neg_log10_p_value="log10p",
    ),
    _format(
        "bolt_lmm",
        "snp chr bp genpos allele1 allele0 a1freq beta se",
        chromosome="chr",
        base_pair_location="bp",
        identifier="snp",
        effect_allele="allele1",
        other_allele="allele0",
        effect_allele_frequency="a1freq",
        info="info",
        beta="beta",
        standard_error="se",
        p_value="p_bolt_lmm p_bolt_lmm_inf p_linreg",
    ),
    _format(
        "saige",
        "chr pos allele1 allele2 af_allele2 beta se p.value",
        chromosome="chr",
        base_pair_location="pos",
        identifier="markerid snpid rsid",
        rsid="rsid",
        effect_allele="allele2",
        other_allele="allele1",
        effect_allele_frequency="af_allele2",
        info="imputationinfo info",
        n="n",
        n_cases="n_case n.cases n_cases",
        n_controls="n_ctrl n.controls n_controls",
        beta="beta",
        standard_error="se",
        p_value="p.value",
    ),
    _format(
        "neale",
        "variant minor_allele minor_af n_complete_samples beta se pval",
        variant="variant",
        minor_allele="minor_allele",
        minor_allele_frequency="minor_af",
        n="n_complete_samples",
        beta="beta",
        standard_error="se",
        p_value="pval",
    ),
    _format(
        "gefos",
        "snpid rsid chr bp ea nea eaf beta se p",
        chromosome="chr",
        base_pair_location="bp",
        variant_id="snpid",
        rsid="rsid",
        effect_allele="ea",
        other_allele="nea",
        effect_allele_frequency="eaf",
        info="info",
        n="n",
        beta="beta",
        standard_error="se",
        # P.NI is the non-infinitesimal mixed-model p-value the authors report.
        p_value="p.ni p.i p",
    ),
    _format(
        "gwas_ssf",
        "chromosome base_pair_location effect_allele other_allele",
        chromosome="chromosome",
        base_pair_location="base_pair_location",
        variant_id="variant_id",
        rsid="rsid rs_id",
        effect_allele="effect_allele",
        other_allele="other_allele",
        effect_allele_frequency="effect_allele_frequency",
        info="info",
        n="n",
        n_cases="n_cases num_cases",
        n_controls="n_controls num_controls",
        beta="beta",
        odds_ratio="odds_ratio",
        standard_error="standard_error",
        z_score="z_score",
        p_value="p_value",
        neg_log10_p_value="neg_log_10_p_value",
    ),
    _format(
        "plink2",
        "#chrom pos id ref alt a1 test p",
        test_column="test",
        additive="ADD",
        chromosome="#chrom",
        base_pair_location="pos",
        identifier="id",
        effect_allele="a1",
        plink_ref="ref",
        plink_alt="alt",
        other_allele="omitted ax",
        effect_allele_frequency="a1_freq",
        info="mach_r2",
        n="obs_ct",
        beta="beta",
        odds_ratio="or",
        standard_error="se log(or)_se",
        z_score="z_stat t_stat z_or_f_stat t_or_f_stat",
        p_value="p",
    ),
    _format(
        "plink2",
        "#chrom pos id ref alt a1 test neg_log10_p",
        test_column="test",
        additive="ADD",
        chromosome="#chrom",
        base_pair_location="pos",
        identifier="id",
        effect_allele="a1",
        plink_ref="ref",
        plink_alt="alt",
        other_allele="omitted ax",
        effect_allele_frequency="a1_freq",
        info="mach_r2",
        n="obs_ct",
        beta="beta",
        odds_ratio="or",
        standard_error="se log(or)_se",
        z_score="z_stat t_stat z_or_f_stat t_or_f_stat",
        neg_log10_p_value="neg_log10_p",
    ),
    _format(
        "ldsc_sumstats",
        "snp a1 a2 z n",
        chromosome="chr",
        base_pair_location="bp",
        identifier="snp",
        effect_allele="a1",
        other_allele="a2",
        effect_allele_frequency="frq",
        n="n",
        z_score="z",
        p_value="p",
    ),
)

# FinnGen's releases: the effect is the alternative allele's; GRCh38.
FORMATS += (
    _format(
        "finngen",
        "chrom pos ref alt rsids pval beta sebeta af_alt",
        chromosome="chrom",
        base_pair_location="pos",
        identifier="rsids",
        effect_allele="alt",
        other_allele="ref",
        effect_allele_frequency="af_alt",
        beta="beta",
        standard_error="sebeta",
        p_value="pval",
    ),
)

# Lead SNPs as the two-sample MR packages hold them; the trait is the exposure.
FORMATS += (
    _format(
        "two_sample_mr",
        "snp effect_allele.exposure other_allele.exposure beta.exposure se.exposure",
        chromosome="chr.exposure",
        base_pair_location="pos.exposure",
        identifier="snp",
        effect_allele="effect_allele.exposure",
        other_allele="other_allele.exposure",
        effect_allele_frequency="eaf.exposure",
        n="samplesize.exposure",
        n_cases="ncase.exposure",
        n_controls="ncontrol.exposure",
        beta="beta.exposure",
        standard_error="se.exposure",
        p_value="pval.exposure",
    ),
)

# Which allele an effect is of, said by name: believed before A1, which says so only by habit.
EXPLICIT_EFFECT, EXPLICIT_OTHER = "effect_allele ea", "other_allele non_effect_allele nea"

# Any other file whose columns bear the names that munge_sumstats.py understands (upper or lower case; `.` and `-` as
# `_`), and those of allele frequencies in METAL, fastGWA and COJO, which it does not. Told last and by its columns'
# meaning: a variant, both alleles, an effect.
MUNGEABLE = _format(
    "mungeable",
    "",
    chromosome="chr chrom chromosome",
    base_pair_location="bp pos position base_pair_location",
    identifier="snp markername snpid rsid rs rs_number rs_numbers",
    effect_allele=EXPLICIT_EFFECT,
    first_allele="a1 allele1 allele_1 reference_allele inc_allele",
    other_allele=EXPLICIT_OTHER,
    second_allele="a2 allele2 allele_2 dec_allele",
    effect_allele_frequency="eaf effect_allele_frequency effect_allele_freq",
    first_allele_frequency="af1 freq1 frq freq a1freq a1_freq frq_u f_u",
    # Of either allele: a file that says MAF does not say whose.
    minor_allele_frequency="maf",
    info="info",
    n="n weight",
    n_cases="n_cas n_cases n_case ncase cases_n nca",
    n_controls="n_con n_controls n_control ncontrol controls_n nco",
    beta="beta b effect effects log_odds",
    odds_ratio="or",
    standard_error="se standard_error stderr",
    z_score="z zscore z_score gc_zscore",
    p_value="p pvalue p_value pval p_val gc_pvalue",
    neg_log10_p_value="log10p neg_log10_p mlog10p neg_log_10_p_value",
)
NEEDED_TO_MUNGE = {
    "a variant (SNP)": ("identifier",),
    "an effect allele (A1)": ("effect_allele", "first_allele"),
    "the other allele (A2)": ("other_allele", "second_allele"),
    "an effect (BETA, OR or Z)": ("beta", "odds_ratio", "z_score"),
}
# Two columns of one of these meanings that differ tell two stories.
OF_ONE_MEANING = ("effect_allele", "other_allele", "first_allele", "second_allele", "beta")
# daner of the PGC: the frequencies' numbers of cases and of controls stand in their names.
DANER_FREQUENCY = re.compile(r"^(frq_[au])_\d+$")

# Seen, but one file per trait is needed: regenie --no-split writes BETA.Y1 SE.Y1 ... side by side.
MANY_TRAITS = frozenset({"chrom", "genpos", "id", "allele0", "allele1", "a1freq"})


def cells_by_name(header: Sequence[str]) -> dict[str, str]:
    """Header cells by their lower-case name; a first cell `#CHROM` answers to `chrom` too."""
    named = {cell.lower(): cell for cell in header}
    first = header[0].lower() if header else ""
    if first.startswith("#"):
        named.setdefault(first.lstrip("# "), header[0])
    return named


def tell_format(header: Sequence[str]) -> Format | None:
    """The GWAS format of a header; None where it is none."""
    cells = set(cells_by_name(header))
    known = next((known for known in FORMATS if known.signature <= cells), None)
    # ldsc knows no other alleles than its own: where they are named beside A1, the names are what counts.
    if known is None or (
        known.name == "ldsc_sumstats" and cells.intersection(f"{EXPLICIT_EFFECT} {EXPLICIT_OTHER}".split())
    ):
        return _mungeable(cells) or known
    return known


def plain_name(cell: str) -> str:
    """A header cell as munge_sumstats.py compares it, in lower case.

    >>> plain_name("Effect-Allele")
    'effect_allele'
    """
    return DANER_FREQUENCY.sub(r"\1", cell.lower().replace("-", "_").replace(".", "_"))


def _mungeable(cells: set[str]) -> Format | None:
    return None if lacking(cells) else MUNGEABLE


def lacking(cells: Iterable[str]) -> list[str]:
    """What of a variant, its two alleles and an effect no column's name says."""
    plain = {plain_name(cell) for cell in cells}
    columns = MUNGEABLE.columns
    return [
        what for what, names in NEEDED_TO_MUNGE.items() if not any(plain.intersection(columns[name]) for name in names)
    ]


def holds_many_traits(header: Sequence[str]) -> bool:
    cells = set(cells_by_name(header))
    return cells >= MANY_TRAITS and any(cell.startswith("beta.") for cell in cells)

"""The genome build of the study and of its genes, as quality.genome_builds judged them from positions."""

import duckdb

from python_models.estimators.genetics.conjunctional_fdr import MHC_GRCH37, MHC_GRCH38

STUDY_BUILD = "select genome_build from quality.genome_builds where positions_of = 'variants'"
WRONG_GENES = "select what_to_do from quality.genome_builds where positions_of = 'genes' and not is_on_study_build"
NO_GENES = (
    "no gene locations landed: add a gene.loc file of the genome build of the GWAS files to the export "
    "(NCBI37.3.gene.loc of MAGMA for GRCh37)"
)


def mhc_region(session: duckdb.DuckDBPyConnection) -> tuple[int, int, int]:
    """The MHC on the build of the study, on GRCh37 where that is not told: chromosome, first and last base pair."""
    found = session.execute(STUDY_BUILD).fetchone()
    return MHC_GRCH38 if found == ("GRCh38",) else MHC_GRCH37


def gene_refusal(session: duckdb.DuckDBPyConnection, *, n_genes: int) -> str | None:
    """Why no gene can be tested, None where one can: none landed, or on another build than the variants."""
    if n_genes == 0:
        return NO_GENES
    wrong = session.execute(WRONG_GENES).fetchone()
    return None if wrong is None else str(wrong[0])

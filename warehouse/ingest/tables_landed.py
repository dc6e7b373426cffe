"""Every table a landing holds, and its columns: a table the export lacks is written with zero rows."""

from warehouse.ingest.fields import participant_columns
from warehouse.ingest.gene_locations import GENE_COLUMNS
from warehouse.ingest.gwas import TRAIT_COLUMNS
from warehouse.ingest.gwas_formats import ASSOCIATION_COLUMNS
from warehouse.ingest.ld_scores import COUNT_COLUMNS, SCORE_COLUMNS
from warehouse.ingest.olink_tables import HELPERS, LANDED_COLUMNS
from warehouse.ingest.record_tables import RECORD_TABLES
from warehouse.ingest.rejects import COLUMNS as REJECT_COLUMNS

TRUTH_COLUMNS = (
    "quantity", "arm", "exposure", "scaling", "mediator", "outcome", "outcome_definition", "adjustment_set",
    "planted_coefficient", "large_sample_value", "monte_carlo_error", "reference_value", "note", "platform",
)  # fmt: skip


def columns_of_tables() -> dict[str, tuple[str, ...]]:
    """Columns by table path (without .parquet), in landing order."""
    return {
        "participant": participant_columns(),
        **{name: table.columns for name, table in RECORD_TABLES.items()},
        "withdrawals": ("eid",),
        "olink_data": LANDED_COLUMNS,
        **HELPERS,
        "gwas/_none": ASSOCIATION_COLUMNS,
        "gwas_traits": TRAIT_COLUMNS,
        "ld_scores": SCORE_COLUMNS,
        "ld_score_counts": COUNT_COLUMNS,
        "gene_locations": GENE_COLUMNS,
        "planted_truth": TRUTH_COLUMNS,
        "rejects": REJECT_COLUMNS,
    }

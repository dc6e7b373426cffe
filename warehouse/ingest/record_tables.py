"""The record-level tables: their columns in UK Biobank's order, and what each column holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

HESIN = (
    "eid ins_index dsource source epistart epiend epidur bedyear epistat epitype epiorder spell_index spell_seq "
    "spelbgin spelend speldur pctcode gpprpct category elecdate elecdur admidate admimeth_uni admimeth admisorc_uni "
    "admisorc firstreg classpat_uni classpat intmanag_uni intmanag mainspef_uni mainspef tretspef_uni tretspef "
    "operstat disdate dismeth_uni dismeth disdest_uni disdest carersi"
)


@dataclass(frozen=True, slots=True)
class RecordTable:
    """A record table.

    signature : the columns that tell it from the others, all needed.
    dates : read as ISO; integers : `3.0` is read as `3`; icd : codes that a REPLACE export spells `M81.0 Title`.
    words : the only values of a column that has no coding.
    """

    name: str
    columns: tuple[str, ...]
    signature: frozenset[str]
    dates: frozenset[str]
    integers: frozenset[str] = frozenset()
    icd: frozenset[str] = frozenset()
    words: Mapping[str, frozenset[str]] = field(default_factory=dict)


def _table(
    name: str,
    columns: str,
    *,
    signature: str,
    dates: str,
    integers: str = "",
    icd: str = "",
    words: Mapping[str, str] | None = None,
) -> RecordTable:
    return RecordTable(
        name=name,
        columns=tuple(columns.split()),
        signature=frozenset(signature.split()),
        dates=frozenset(dates.split()),
        integers=frozenset(integers.split()),
        icd=frozenset(icd.split()),
        words={column: frozenset(values.split()) for column, values in (words or {}).items()},
    )


RECORD_TABLES = {
    table.name: table
    for table in (
        _table(
            "hesin",
            HESIN,
            signature="eid ins_index dsource epistart admidate",
            dates="epistart epiend elecdate admidate disdate",
            integers="ins_index source epidur bedyear epistat epitype epiorder spell_index spell_seq speldur elecdur "
            "admimeth_uni admisorc_uni classpat_uni intmanag_uni mainspef_uni tretspef_uni dismeth_uni disdest_uni",
            words={"dsource": "HES SMR PEDW"},
        ),
        _table(
            "hesin_diag",
            "eid ins_index arr_index level diag_icd9 diag_icd9_nb diag_icd10 diag_icd10_nb",
            signature="eid ins_index diag_icd10",
            dates="",
            integers="ins_index arr_index level",
            icd="diag_icd9 diag_icd10",
        ),
        _table(
            "hesin_oper",
            "eid ins_index arr_index level opdate oper3 oper3_nb oper4 oper4_nb posopdur preopdur",
            signature="eid ins_index oper4",
            dates="opdate",
            integers="ins_index arr_index level posopdur preopdur",
        ),
        _table(
            "death",
            "eid ins_index dsource source date_of_death",
            signature="eid date_of_death",
            dates="date_of_death",
            integers="ins_index source",
            words={"dsource": "E/W SCOT"},
        ),
        _table(
            "death_cause",
            "eid ins_index arr_index level cause_icd10",
            signature="eid cause_icd10",
            dates="",
            integers="ins_index arr_index level",
            icd="cause_icd10",
        ),
        _table(
            "gp_clinical",
            "eid data_provider event_dt read_2 read_3 value1 value2 value3",
            signature="eid data_provider event_dt read_2 read_3",
            dates="event_dt",
            integers="data_provider",
        ),
        _table(
            "gp_registrations",
            "eid data_provider reg_date deduct_date",
            signature="eid data_provider reg_date deduct_date",
            dates="reg_date deduct_date",
            integers="data_provider",
        ),
        _table(
            "gp_scripts",
            "eid data_provider issue_date read_2 bnf_code dmd_code drug_name quantity",
            signature="eid data_provider issue_date drug_name",
            dates="issue_date",
            integers="data_provider",
        ),
    )
}

# Record tables UK Biobank also gives, that the study does not read.
UNREAD_ENTITIES = ("hesin_critical", "hesin_psych", "hesin_maternity", "hesin_delivery", "covid19_", "omop_")
UNREAD_SIGNATURES = {
    "hesin_critical": frozenset({"eid", "ins_index", "ccstartdate"}),
    "hesin_psych": frozenset({"eid", "ins_index", "detncat"}),
    "hesin_maternity": frozenset({"eid", "ins_index", "numbaby"}),
    "hesin_delivery": frozenset({"eid", "ins_index", "birordr"}),
    "covid19_result": frozenset({"eid", "specdate", "result"}),
    "relatedness": frozenset({"id1", "id2", "kinship"}),
    "covid19_gp_clinical": frozenset({"eid", "code_type", "event_dt"}),
    "covid19_gp_scripts": frozenset({"eid", "code_type", "issue_date"}),
}

"""Files of the Showcase and of tables the study does not read, as they lie beside an export."""

from pathlib import Path

import pytest

from warehouse.ingest.codings import read_codings
from warehouse.ingest.faults import Faults
from warehouse.ingest.overrides import Overrides
from warehouse.ingest.recognise import recognise_folder

CODINGS = "Coding\tValue\tMeaning\n99999\tB12\tA thing nobody has\n99999\t-3\tPrefer not to answer\n"
DICTIONARY = (
    "Path,Category,FieldID,Field,Participants,Items,Stability,ValueType,Units,ItemType,Strata,Sexed,Instances,Array,"
    'Coding,Notes,Link\n"A > B",1,99998,"A field, with a comma",5,5,Complete,Integer,,Data,Primary,Unisex,1,1,,,\n'
)
UNREAD = {
    "hesin_maternity.txt": "eid\tins_index\tdelchang\nSYN000001\t0\t1\n",
    "hesin_critical.txt": "eid\tins_index\tarr_index\tccstartdate\nSYN000001\t0\t0\t01/02/2010\n",
    "covid19_emis_gp_clinical.txt": "eid\tcode\tcode_type\tevent_dt\tvalue\tunit\nSYN000001\tX1\t3\t01/04/2020\t\t\n",
    "renamed.txt": "eid\tissue_date\tcode\tcode_type\nSYN000001\t01/04/2020\tX1\t3\n",
}


def test_codings_and_dictionary_of_the_showcase__are_read(tmp_path: Path) -> None:
    (tmp_path / "Codings.tsv").write_text(CODINGS, encoding="utf-8")
    (tmp_path / "Data_Dictionary_Showcase.csv").write_text(DICTIONARY, encoding="utf-8")
    faults = Faults()
    codings = read_codings(recognise_folder(tmp_path, Overrides(), faults), faults)
    faults.stop()
    assert codings.code_of[99999] == {"A thing nobody has": "B12", "Prefer not to answer": "-3"}
    assert codings.fields_of_title["A field, with a comma"] == {99998}


@pytest.mark.parametrize("name", UNREAD)
def test_table_the_study_does_not_read__is_known_and_left_out(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(UNREAD[name], encoding="utf-8")
    faults = Faults()
    (found,) = recognise_folder(tmp_path, Overrides(), faults)
    faults.stop()
    assert found.entity == "unread"

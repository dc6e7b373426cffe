"""Another cohort joins by a mapping CSV: rules on cells, faults by row, and NHEFS as the first real one."""

from pathlib import Path

import pandas as pd
import pytest
from lifelines import CoxPHFitter

from tests.ingest.small_export import read, write_text
from warehouse.errors import IngestError
from warehouse.ingest.mapped_cohort import ingest_mapped
from warehouse.ingest.mapping_rules import MAKERS, UnreadCell

NHEFS_MAPPING = Path("warehouse/ingest/mappings/nhefs.csv")
HEADER = "target,source,rule,detail,note\n"
REQUIRED = "p31,sex,recode,0=1;1=0,\np21022,age,copy,,\np53_i0,,constant,1982-12-31,\np54_i0,,absent,,no centres\n"


@pytest.mark.parametrize(
    ("rule", "detail", "cells", "expected"),
    [
        ("copy", "", ("174.2",), "174.2"),
        ("copy", "", (None,), None),
        ("recode", "0=1;1=0", ("0",), "1"),
        ("recode", "0=1;2=", ("2",), None),
        ("recode", "0=1;*=9", ("7",), "9"),
        ("constant", "1982-12-31", (), "1982-12-31"),
        ("scale", "2.54", ("70",), "177.8"),
        ("scale", "0.1", ("3",), "0.3"),
        ("add", "1900", ("21",), "1921"),
        ("add", "-1", ("1",), "0"),
        ("month_end", "19", ("84", "2"), "1984-02-29"),
        ("month_end", "19", ("92", "12"), "1992-12-31"),
        ("month_end", "", ("2001", "4"), "2001-04-30"),
        ("month_end", "19", (None, "4"), None),
    ],
)
def test_rule__turns_cells_into_one_cell(
    rule: str, detail: str, cells: tuple[str | None, ...], expected: str | None
) -> None:
    assert MAKERS[rule](detail)(cells) == expected


@pytest.mark.parametrize(
    ("rule", "detail", "cells"),
    [
        ("recode", "0=1", ("2",)),
        ("scale", "2", ("tall",)),
        ("month_end", "19", ("84", None)),
        ("month_end", "19", ("84", "13")),
    ],
)
def test_rule__has_no_answer_for_a_cell_it_was_not_told_of(
    rule: str, detail: str, cells: tuple[str | None, ...]
) -> None:
    with pytest.raises(UnreadCell):
        MAKERS[rule](detail)(cells)


def _ingest(tmp_path: Path, rows: str, table: str) -> Path:
    source = write_text(tmp_path / "cohort.csv", table)
    mapping = write_text(tmp_path / "mapping.csv", HEADER + rows)
    return ingest_mapped(str(source), mapping=mapping, cohort="toy", to=tmp_path / "raw")[0]


def test_ingest_mapped__rows_get_prefixed_numbers_and_records_only_where_filled(tmp_path: Path) -> None:
    rows = REQUIRED + "p4080_i0,sbp,copy,,\ndeath.date_of_death,yr+mo,month_end,19,\ndeath.ins_index,,constant,0,\n"
    landing = _ingest(tmp_path, rows, "sex,age,sbp,yr,mo\n0,50,120,,\n1,61,,85,1\n")
    people = read(landing, "participant")
    assert [row["eid"] for row in people] == ["TOY000001", "TOY000002"]
    assert [row["p31"] for row in people] == ["1", "0"]
    assert [row["p4080_i0"] for row in people] == ['["120"]', None]
    death = read(landing, "death")
    assert [(row["eid"], row["ins_index"], row["date_of_death"]) for row in death] == [("TOY000002", "0", "1985-01-31")]
    assert read(landing, "hesin_diag") == []


def test_ingest_mapped__all_faults_of_a_mapping_are_told_at_once(tmp_path: Path) -> None:
    rows = "p31,sex,recode,0=1,\np999,age,copy,,\np50_i0,height,scale,tall,\np46_i0,grip,squeeze,,\np34,,absent,,\n"
    with pytest.raises(IngestError) as error:
        _ingest(tmp_path, rows, "sex,age\n0,50\n1,61\n")
    text = str(error.value)
    for part in ("p999", "squeeze", "detail is a number", "says why", "field 21022", "field 53", "field 54"):
        assert part in text


def test_ingest_mapped__an_unlisted_code_is_counted_and_never_shown(tmp_path: Path) -> None:
    with pytest.raises(IngestError, match=r"sex for p31.*\(2 break it\)") as error:
        _ingest(tmp_path, REQUIRED.replace("0=1;1=0", "0=1"), "sex,age\n0,50\n1,61\n1,77\n")
    assert "61" not in str(error.value)


def test_ingest_mapped__a_source_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(IngestError, match="the table has the columns age"):
        _ingest(tmp_path, REQUIRED, "sex\n0\n")


def test_ingest_mapped__nhefs_gives_the_published_hazard_ratio(tmp_path: Path) -> None:
    """Hernan and Robins, What If, chapter 17: quitting and death over 120 months, unadjusted Cox 1.3945."""
    landing, _ = ingest_mapped("causaldata:nhefs", mapping=NHEFS_MAPPING, cohort="nhefs", to=tmp_path)
    people = pd.DataFrame(read(landing, "participant"))
    deaths = pd.DataFrame(read(landing, "death"))
    assert (len(people), len(deaths)) == (1629, 318)
    joined = people.merge(deaths, on="eid", how="left")
    end = pd.to_datetime(joined["date_of_death"].fillna("1992-12-31"))
    frame = pd.DataFrame(
        {
            "days": (end - pd.to_datetime(joined["p53_i0"])).dt.days,
            "died": joined["date_of_death"].notna().astype(int),
            "quit": (joined["p20116_i0"] == "1").astype(int),
        }
    )
    assert frame["days"].max() == 3653
    fitted = CoxPHFitter().fit(frame, "days", "died").summary.loc["quit"]
    assert fitted["exp(coef)"] == pytest.approx(1.3945, abs=5e-5)
    assert fitted["exp(coef) lower 95%"] == pytest.approx(1.102, abs=5e-4)
    assert fitted["exp(coef) upper 95%"] == pytest.approx(1.765, abs=5e-4)

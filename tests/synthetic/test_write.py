"""Text files: empty cells, quoting of lists, blocks that join without a seam."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from warehouse.synthetic import participant_table, write
from warehouse.synthetic.outcomes import NEVER


def test_text_file__cells_of_every_kind(tmp_path: Path) -> None:
    with write.TextFile(tmp_path / "a.csv", ["a", "b", "c", "d"]) as out:
        out.append(
            [
                write.whole(np.array([1.0, np.nan])),
                write.reals(np.array([0.5, np.nan])),
                write.days(np.array([0, NEVER])),
                write.labels(np.array([1, -1]), ("x", "y")),
            ]
        )
        out.append([write.whole(np.array([7])), write.reals(np.array([2.0])), write.empty(1), write.empty(1)])
    assert (tmp_path / "a.csv").read_text() == "a,b,c,d\n1,0.5,1970-01-01,y\n,,,\n7,2,,\n"


def test_text_file__refuses_a_row_of_the_wrong_width(tmp_path: Path) -> None:
    with write.TextFile(tmp_path / "a.csv", ["a", "b"]) as out, pytest.raises(ValueError, match="1 columns"):
        out.append([write.empty(1)])


def test_text_file__one_headerless_column(tmp_path: Path) -> None:
    with write.TextFile(tmp_path / "w.csv", None) as out:
        out.append([pa.array(["SYN000001", "-1"])])
    assert (tmp_path / "w.csv").read_text() == "SYN000001\n-1\n"


def test_json_lists__read_back_by_csv_and_json() -> None:
    lists = write.json_lists(np.array([0, 0, 2]), pa.array(["M810", "I10", "E119"]), 3).to_pylist()
    assert lists == ['"[""M810"",""I10""]"', None, '"[""E119""]"']
    assert json.loads(lists[0][1:-1].replace('""', '"')) == ["M810", "I10"]


def test_choice_lists__bits_become_codes() -> None:
    chosen = participant_table.choice_lists(np.array([0b101, -1]), ("1", "2", "-7")).to_pylist()
    assert chosen == ['"[""1"",""-7""]"', None]


def test_aligned_to_list__values_take_the_index_of_their_option() -> None:
    values = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    columns = participant_table.aligned_to_list(values, np.array([0b110, 0b001]), 2)
    assert np.array_equal(np.array(columns), np.array([[2.0, 1.0], [3.0, np.nan]]), equal_nan=True)


def test_ranked__values_beyond_the_columns_are_left_out() -> None:
    table, fits = participant_table.ranked(np.array([0, 0, 0, 1]), np.array([5, 6, 7, 8]), 2, 2)
    assert table.tolist() == [[5, 8], [6, NEVER]]
    assert fits.tolist() == [True, True, False, True]

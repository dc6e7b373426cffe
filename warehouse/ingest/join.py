"""Join the parts of a participant table by eid, one column at a time: memory holds a column, not a table.

A hash join of tables this wide writes them to disk several times over; here each column is put in the order of all
participants, kept in a memory-mapped file, and the Parquet is written from the files.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from warehouse.ingest.arrays import list_lengths
from warehouse.ingest.faults import Faults
from warehouse.ingest.fields import codes_column, field_of_column

MEMORY_LIMIT = "3GB"
ROWS_PER_GROUP = 65_536
# A diagnosis or operation has the date of its episode, a cause that of its certificate.
PARENTS = {"hesin_diag": "hesin", "hesin_oper": "hesin", "death_cause": "death"}

# File name, the Parquet it landed in, its canonical columns without eid.
Part = tuple[str, Path, Sequence[str]]


def join_parts(parts: Sequence[Part], *, columns: Sequence[str], target: Path, spill: Path) -> int:
    """Write participant.parquet from its parts; returns the participants.

    Participants stand in the order of the first part, then of those the next ones add.

    Raises IngestError where parts share no participant, or say different things in one column.
    """
    eids = [pq.read_table(path, columns=["eid"]).column("eid").combine_chunks() for _, path, _ in parts]
    faults = Faults()
    _refuse_strangers(parts, eids, faults)
    faults.stop()
    everyone = pc.unique(pa.chunked_array(eids))
    # Row of each part for every participant, null where the part lacks them.
    rows = [pc.index_in(everyone, value_set=part) for part in eids]
    # Most optional columns are empty: they share one.
    nothing = pa.nulls(len(everyone), pa.string())
    arrays: list[pa.Array | pa.ChunkedArray] = [everyone]
    for column in columns[1:]:
        holders = [k for k, (_, _, own) in enumerate(parts) if column in own]
        if not holders:
            arrays.append(nothing)
            continue
        cells = _column(column, holders, parts, rows, faults)
        cells = _aligned(column, cells, holders, parts, rows, faults)
        is_empty = cells.null_count == len(cells)
        arrays.append(nothing if is_empty else _mapped(cells, spill / f"{column}.arrow"))
    faults.stop()
    schema = pa.schema([(name, pa.string()) for name in columns])
    table = pa.Table.from_arrays(arrays, schema=schema)
    with pq.ParquetWriter(target, schema, compression="zstd", compression_level=1, store_schema=False) as writer:
        for start in range(0, table.num_rows, ROWS_PER_GROUP):
            writer.write_table(table.slice(start, ROWS_PER_GROUP), row_group_size=ROWS_PER_GROUP)
    return table.num_rows


def _refuse_strangers(parts: Sequence[Part], eids: Sequence[pa.Array], faults: Faults) -> None:
    """A part with none of the others' participants is a stack of more (same columns) or of another project."""
    for k in range(1, len(parts)):
        before = pc.unique(pa.chunked_array(eids[:k]))
        is_shared = pc.any(pc.is_in(eids[k], value_set=before), min_count=0).as_py()
        is_stack = any(set(parts[k][2]) == set(parts[j][2]) for j in range(k))
        if not is_shared and not is_stack:
            faults.add(
                parts[k][0],
                "tables of one project share participants; none of this file's is in "
                + ", ".join(name for name, _, _ in parts[:k]),
                "it comes from another application, whose ids differ: take it out",
                len(eids[k]),
            )


def _column(
    column: str, holders: Sequence[int], parts: Sequence[Part], rows: Sequence[pa.Array], faults: Faults
) -> pa.Array:
    """One column in everyone's order; parts that both have it must agree on whom they share."""
    made: pa.Array | None = None
    known: pa.Array | None = None
    for k in holders:
        cells = pq.read_table(parts[k][1], columns=[column]).column(column).combine_chunks().take(rows[k])
        listed = rows[k].is_valid()
        if made is None or known is None:
            made, known = cells, listed
            continue
        both = pc.and_(known, listed)
        same = pc.fill_null(pc.equal(made, cells), False)
        same = pc.or_(same, pc.and_(pc.is_null(made), pc.is_null(cells)))
        n_differ = pc.sum(pc.and_not(both, same)).as_py() or 0
        if n_differ:
            is_list = field_of_column()[column].is_list
            faults.add(
                parts[k][0],
                f"two files say the same of a participant; {column} differs from {parts[holders[0]][0]}",
                "keep all array columns of a field in one file" if is_list else f"leave {column} out of one of them",
                n_differ,
            )
        made, known = pc.if_else(known, made, cells), pc.or_(known, listed)
    assert made is not None
    return made


def _aligned(
    column: str,
    cells: pa.Array,
    holders: Sequence[int],
    parts: Sequence[Part],
    rows: Sequence[pa.Array],
    faults: Faults,
) -> pa.Array:
    """Dates (or years) whose codes stand in another file, as many as their codes."""
    codes = codes_column(column)
    holding_codes = [k for k, (_, _, own) in enumerate(parts) if codes in own]
    if not holding_codes or holding_codes == list(holders):
        return cells
    n_codes = list_lengths(_column(codes, holding_codes, parts, rows, faults))
    n_dates = list_lengths(cells)
    n_too_long = int(np.count_nonzero(n_dates > n_codes))
    if n_too_long:
        faults.add(
            parts[holders[0]][0],
            f"a participant has as many entries in {column} as codes in {codes}, or fewer",
            "the two columns come from different exports or one was cut: export both again together",
            n_too_long,
        )
    n_short = np.where(n_dates > 0, n_codes - n_dates, 0)
    for n in np.unique(n_short[n_short > 0]):
        padded = pc.binary_join_element_wise(pc.utf8_rtrim(cells, "]"), ",null" * int(n) + "]", "")
        cells = pc.if_else(pa.array(n_short == n), padded, cells)
    return cells


def _mapped(cells: pa.Array, path: Path) -> pa.ChunkedArray:
    """The column in a file of the disk, mapped into memory only while it is read."""
    batch = pa.record_batch([cells], names=["cells"])
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return pa.ipc.open_file(pa.memory_map(str(path), "r")).read_all().column("cells")


def shared_participants(tables: Mapping[str, Path], *, participants: Path, spill: Path) -> dict[str, tuple[int, int]]:
    """People listed in each table, and how many of them are in the participant table."""
    shared: dict[str, tuple[int, int]] = {}
    connection = duckdb.connect()
    connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
    connection.execute(f"set temp_directory = '{spill.as_posix()}'")
    connection.execute(f"create table people as select distinct eid from read_parquet({_quote(participants)})")
    for name, path in tables.items():
        row = connection.execute(
            f"""
            select count(*), count(people.eid)
            from (select distinct eid from read_parquet({_quote(path)})) as listed
            left join people on people.eid = listed.eid
            """
        ).fetchone()
        assert row is not None
        shared[name] = (int(row[0]), int(row[1]))
    connection.close()
    return shared


def orphans(tables: Mapping[str, Path], *, parents: Callable[[str], Path], spill: Path) -> dict[str, tuple[int, int]]:
    """Records whose parent (episode, certificate) is not there, and all records, by table."""
    found: dict[str, tuple[int, int]] = {}
    with duckdb.connect() as connection:
        connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        connection.execute(f"set temp_directory = '{spill.as_posix()}'")
        for name, parent in PARENTS.items():
            if name not in tables or parent not in tables:
                continue
            row = connection.execute(
                f"""
                select count(*), (select count(*) from read_parquet({_quote(tables[name])}))
                from (select eid, ins_index from read_parquet({_quote(tables[name])})) as record
                anti join (select eid, ins_index from read_parquet({_quote(parents(parent))})) as parent
                    on record.eid = parent.eid and record.ins_index = parent.ins_index
                """
            ).fetchone()
            assert row is not None
            found[name] = (int(row[0]), int(row[1]))
    return found


def _quote(path: Path) -> str:
    return "'" + path.as_posix().replace("'", "''") + "'"

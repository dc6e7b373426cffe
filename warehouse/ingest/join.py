"""Join the parts of a participant table by eid, and compare who is in which table, within a memory limit."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from warehouse.ingest.faults import Faults

MEMORY_LIMIT = "3GB"


def _connect(spill: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
    connection.execute(f"set temp_directory = '{spill.as_posix()}'")
    connection.execute("set preserve_insertion_order = false")
    return connection


def _quote(path: Path) -> str:
    return "'" + path.as_posix().replace("'", "''") + "'"


def join_parts(
    parts: Sequence[tuple[str, Path, Sequence[str]]], *, columns: Sequence[str], target: Path, spill: Path
) -> int:
    """Write participant.parquet from parts of (file name, Parquet, its columns); returns the participants.

    Parts with the same columns are stacked; others are joined by eid. Every canonical column is written.

    Raises IngestError where parts share no participant, or the same column differs between them.
    """
    connection = _connect(spill)
    names = [name for name, _, _ in parts]
    for k, (_, path, _) in enumerate(parts):
        connection.execute(f"create view part_{k} as select * from read_parquet({_quote(path)})")
    faults = Faults()
    for k in range(1, len(parts)):
        before = " union all ".join(f"select eid from part_{j}" for j in range(k))
        (n_shared,) = connection.execute(
            f"select count(*) from part_{k} where eid in (select eid from ({before}))"
        ).fetchone()  # type: ignore[misc]
        own = set(parts[k][2])
        if not n_shared and not any(own == set(parts[j][2]) for j in range(k)):
            faults.add(
                names[k],
                f"tables of one project share participants; none of this file's is in {', '.join(names[:k])}",
                "it comes from another application, whose ids differ: take it out",
            )
        for j in range(k):
            both = sorted(own & set(parts[j][2]))
            for column in both:
                (n_differ,) = connection.execute(
                    f"select count(*) from part_{k} a join part_{j} b using (eid) "
                    f'where a."{column}" is distinct from b."{column}"'
                ).fetchone()  # type: ignore[misc]
                if n_differ:
                    faults.add(
                        names[k],
                        f"a column in two files says the same of every participant; {column} differs from {names[j]}",
                        f"leave {column} out of one of the files",
                        n_differ,
                    )
    faults.stop()
    holders: Mapping[str, list[int]] = {
        column: [k for k, (_, _, own) in enumerate(parts) if column in own] for column in columns if column != "eid"
    }
    selected = ["everyone.eid"]
    for column, where in holders.items():
        cells = ", ".join(f'part_{k}."{column}"' for k in where)
        selected.append(f'{f"coalesce({cells})" if cells else "cast(null as varchar)"} as "{column}"')
    everyone = " union ".join(f"select eid from part_{k}" for k in range(len(parts)))
    joins = " ".join(f"left join part_{k} on part_{k}.eid = everyone.eid" for k in range(len(parts)))
    connection.execute(
        f"copy (select {', '.join(selected)} from ({everyone}) as everyone {joins} order by everyone.eid) "
        f"to {_quote(target)} (format parquet, compression zstd, row_group_size 65536)"
    )
    (n_rows,) = connection.execute(f"select count(*) from read_parquet({_quote(target)})").fetchone()  # type: ignore[misc]
    connection.close()
    return int(n_rows)


def shared_participants(tables: Mapping[str, Path], *, participants: Path, spill: Path) -> dict[str, tuple[int, int]]:
    """People listed in each table, and how many of them are in the participant table."""
    shared: dict[str, tuple[int, int]] = {}
    connection = _connect(spill)
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

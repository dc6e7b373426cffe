"""Biomarker panels as blocks of rows, scaled: written once per build to a file beside the database, read by many.

Memory is bounded by the block: no panel is ever held whole.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt

from python_models.frames.biomarkers.biomarker_levels import SAMPLES, metabolite_levels, protein_levels
from python_models.frames.biomarkers.biomarker_scaling import Transform, centre_within, known_transform, scale_rows

F4 = npt.NDArray[np.float32]
# The Cox scan takes so many rows at once, the linear scan half of them; fewer are not worth a block's query.
BLOCK = 128
PLATFORMS = ("protein", "metabolite")
FOLDER = Path("warehouse/build/panels")


@dataclass(frozen=True, slots=True)
class Biomarker:
    """A biomarker of a panel; smallest_positive: of a metabolite with zeros, else NaN; exclusion: why left out."""

    name: str
    kind: str
    flag_reason: str | None
    smallest_positive: float
    exclusion: str | None


# Technical covariates of proteins: the column of marts.biomarker_samples that enters every model, or None: plates are
# hundreds, so each plate's mean is taken off the levels instead.
TECHNICAL = {"batch": "olink_batch", "processing_days": "olink_processing_days", "plate": None}
# A plate with fewer samples of a protein keeps its level: its mean says more about them than about the plate.
MIN_OF_PLATE = 8


@dataclass(frozen=True, slots=True)
class Panel:
    """A platform's analysed samples and its biomarkers.

    rows (n,): positions of the samples among the participants sorted by id. biomarkers: all measured ones, sorted;
    those with an exclusion are in no block. file: where the scaled values stand, (K, n) float32 in the order of kept;
    without one they are read from the marts. technical: of TECHNICAL, what the platform's models adjust for.
    plate (n,): codes of the samples' plates where their means are to be taken off, -1 unknown, or None.
    """

    platform: str
    rows: npt.NDArray[np.intp]
    biomarkers: tuple[Biomarker, ...]
    transform: Transform
    n_effective_tests: float | None = None
    file: Path | None = None
    technical: tuple[str, ...] = ()
    plate: npt.NDArray[np.int64] | None = None

    @property
    def kept(self) -> tuple[Biomarker, ...]:
        return tuple(one for one in self.biomarkers if one.exclusion is None)


def known_technical(names: Sequence[str]) -> tuple[str, ...]:
    """The technical covariates of these names.

    Raises
    ------
    ValueError: unknown ones, with the known.
    """
    unknown = sorted(set(names) - set(TECHNICAL))
    if isinstance(names, str) or unknown:
        raise ValueError(
            f"technical covariates {', '.join(unknown)} are not of {', '.join(TECHNICAL)}: give a list of these"
        )
    return tuple(dict.fromkeys(names))


def _plates(session: duckdb.DuckDBPyConnection, platform: str) -> npt.NDArray[np.int64]:
    """Codes of the samples' plates (n,), in the order of their ids; -1 where no plate is known."""
    found = session.execute(
        f"""
        {SAMPLES}
        select
            case
                when plates.olink_plate is null then -1 else dense_rank() over (order by plates.olink_plate)
            end as plate
        from samples
        inner join marts.biomarker_samples as plates
            on samples.participant_id = plates.participant_id and plates.platform = $platform
        order by samples.sample
        """,
        {"platform": platform},
    ).fetchnumpy()["plate"]
    return np.asarray(found, dtype=np.int64)


def describe_panel(
    session: duckdb.DuckDBPyConnection, *, platform: str, transform: Transform, technical: Sequence[str] = ()
) -> Panel:
    """Who and what of a platform is analysed, without the values; technical: of proteins only."""
    own = tuple(technical) if platform == "protein" else ()
    rows = session.execute(
        f"{SAMPLES} select position from samples order by sample", {"platform": platform}
    ).fetchnumpy()["position"]
    listed = session.execute(
        """
        select
            biomarker, biomarker_type, flag_reason,
            case when n_zero > 0 then smallest_positive else 'nan'::double end as smallest_positive, exclusion
        from marts.biomarkers where platform = $platform order by biomarker
        """,
        {"platform": platform},
    ).fetchall()
    return Panel(
        platform,
        np.asarray(rows, dtype=np.intp),
        tuple(Biomarker(*row) for row in listed),
        transform,
        technical=own,
        plate=_plates(session, platform) if "plate" in own else None,
    )


def read_panel(session: duckdb.DuckDBPyConnection, *, platform: str) -> Panel | None:
    """The panel that marts.biomarker_panels describes; None where no sample of the platform is analysed."""
    (found,) = session.execute(
        "select any_value(transform), any_value(file), any_value(n_effective_tests), any_value(technical_covariates) "
        "from marts.biomarker_panels where platform = $platform",
        {"platform": platform},
    ).fetchall()
    if found[0] is None:
        return None
    panel = describe_panel(session, platform=platform, transform=known_transform(found[0]))
    technical = tuple(found[3].split(", ")) if found[3] else ()
    return replace(panel, n_effective_tests=found[2], file=FOLDER / found[1], technical=technical)


def correlation_file(panel: Path) -> Path:
    """Where the correlations of a panel's biomarkers given the scans' covariates stand: (K, K) float32."""
    return panel.with_suffix(".correlation.f32")


def read_correlation(panel: Panel) -> npt.NDArray[np.float64]:
    """Correlations (K, K) of the kept biomarkers given the covariates of their scans, as z scores correlate.

    Raises
    ------
    FileNotFoundError: the file is gone or of another size, with the command that writes it again.
    """
    k = len(panel.kept)
    stored = None if panel.file is None else correlation_file(panel.file)
    if stored is None or not stored.is_file() or stored.stat().st_size != 4 * k * k:
        raise FileNotFoundError(
            f"{stored}: the correlations of this build's {panel.platform} panel are not there whole; "
            "write them again with dbt build --select biomarker_panels"
        )
    return np.fromfile(stored, dtype=np.float32).reshape(k, k).astype(np.float64)


def scaled_blocks(
    session: duckdb.DuckDBPyConnection, panel: Panel, *, size: int = BLOCK
) -> Iterator[tuple[tuple[Biomarker, ...], F4]]:
    """Kept biomarkers from the marts, `size` at a time: (biomarkers, values (K, n)), scaled, NaN if missing."""
    kept = panel.kept
    blocks = [kept[start : start + size] for start in range(0, len(kept), size)]
    read = protein_levels if panel.platform == "protein" else metabolite_levels
    for block, values in zip(blocks, read(session, blocks, len(panel.rows)), strict=True):
        if panel.plate is not None:
            for row in values:
                centre_within(row, panel.plate, MIN_OF_PLATE)
        scale_rows(values, panel.transform)
        yield block, values


def read_blocks(
    session: duckdb.DuckDBPyConnection, panel: Panel, *, size: int = BLOCK
) -> Iterator[tuple[tuple[Biomarker, ...], F4]]:
    """Kept biomarkers, `size` at a time: (biomarkers, values (K, n)), one biomarker a row, scaled, NaN if missing.

    Raises
    ------
    FileNotFoundError: the panel's file is gone or of another size, with the command that writes it again.
    """
    if panel.file is None:
        yield from scaled_blocks(session, panel, size=size)
        return
    kept, n = panel.kept, len(panel.rows)
    if not panel.file.is_file() or panel.file.stat().st_size != 4 * len(kept) * n:
        raise FileNotFoundError(
            f"{panel.file}: the scaled {panel.platform} panel of this build is not there whole; "
            "write it again with dbt build --select biomarker_panels"
        )
    with panel.file.open("rb") as stored:
        for start in range(0, len(kept), size):
            block = kept[start : start + size]
            # Read, not mapped: mapped pages would count as this process's memory and grow with the panel.
            yield block, np.fromfile(stored, dtype=np.float32, count=len(block) * n).reshape(len(block), n)

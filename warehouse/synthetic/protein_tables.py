"""The Olink entity, its helper files and the participant fields that point to them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from warehouse.synthetic import parameters as p
from warehouse.synthetic import write
from warehouse.synthetic.participant_table import Cells
from warehouse.synthetic.population import Floats, Ints
from warehouse.synthetic.proteins import BATCH_SAMPLES, Panel, Sample

INSTANCE = "olink_instance_0"
PLATES_PER_BLOCK = 1_000  # more than any block fills: keeps plate numbers apart
_FIRST_PLATE = 890_000  # printed with twelve digits: the zeros in front matter
_ROWS, _COLUMNS = "ABCDEFGH", 12
HELPERS: dict[str, Sequence[str]] = {
    "olink_assay": ("Assay", "UniProt", "Panel"),
    "olink_assay_version": ("Assay", "Panel_Lot_Nr", "version"),
    "olink_assay_warning": ("PlateID", "Panel", "Assay", "Assay_Warning"),
    "olink_batch_number": ("PlateID", "Batch"),
    "olink_limit_of_detection": ("PlateID", "Instance", "Assay", "LOD"),
    "olink_panel_lot_number": ("Batch", "Panel", "Panel_Lot_Nr"),
    "olink_processing_start_date": ("PlateID", "Panel", "Processing_StartDate"),
}
_LOTS = 8  # reagent lots per panel


def plate_names(block: int, plates: Ints) -> list[str]:
    """Twelve-digit text with zeros in front."""
    return [f"{_FIRST_PLATE + block * PLATES_PER_BLOCK + plate:012d}" for plate in plates.tolist()]


def well_names(wells: Ints) -> pa.Array:
    """A01 ... H12, filled by column."""
    names = [f"{_ROWS[k % len(_ROWS)]}{1 + k // len(_ROWS):02d}" for k in range(len(_ROWS) * _COLUMNS)]
    return write.labels(wells, names)


class ProteinFiles:
    """olink_instance_0.csv and helper_files/*.dat, opened together and filled block by block."""

    def __init__(self, folder: Path, panel: Panel) -> None:
        self.panel = panel
        helpers = folder / "helper_files"
        helpers.mkdir()
        self._levels = write.TextFile(
            folder / f"{INSTANCE}.csv", [f"{INSTANCE}.{name}" for name in ("eid", *panel.names)]
        )
        self._helpers = {
            name: write.TextFile(helpers / f"{name}.dat", list(columns), "\t") for name, columns in HELPERS.items()
        }
        self._add_panel()

    def _add_panel(self) -> None:
        panel = self.panel
        assays = pa.array(panel.assays, pa.string())
        panels = sorted(set(panel.panels))
        lots = np.array([sum(map(ord, name)) % 90 for name in panel.assays])
        self._helpers["olink_assay"].append([assays, pa.array(panel.uniprot), pa.array(panel.panels)])
        self._helpers["olink_assay_version"].append(
            [assays, write.labels(lots, [f"B{20000 + k}" for k in range(90)]), write.whole(1 + lots % 2)]
        )
        batches = range(len(BATCH_SAMPLES))
        self._helpers["olink_panel_lot_number"].append(
            [
                write.whole(np.repeat(np.array(batches), len(panels))),
                pa.array(panels * len(BATCH_SAMPLES)),
                pa.array([f"B{20000 + (k * _LOTS + b) % 90}" for b in batches for k in range(len(panels))]),
            ]
        )

    def add_block(
        self, rng: np.random.Generator, block: int, eid: pa.Array, sample: Sample, npx: Floats, limit: Floats
    ) -> None:
        """Append the levels of one block and what its plates have."""
        panel = self.panel
        columns = [write.reals(npx[:, k]) for k in range(len(panel))]
        self._levels.append([eid.take(pa.array(sample.person)), *columns])
        plates = len(sample.plate_batch)
        if plates == 0:
            return
        names = pa.array(plate_names(block, np.arange(plates)), pa.string())
        self._helpers["olink_batch_number"].append([names, write.whole(sample.plate_batch)])
        at_plate = np.repeat(np.arange(plates), len(panel))
        at_assay = np.tile(np.arange(len(panel)), plates)
        assays = pa.array(panel.assays, pa.string())
        self._helpers["olink_limit_of_detection"].append(
            [
                names.take(pa.array(at_plate)),
                write.whole(np.zeros(len(at_plate))),
                assays.take(pa.array(at_assay)),
                write.reals(limit.ravel()),
            ]
        )
        panels = sorted(set(panel.panels))
        started = p.day("2021-03-01") + 90 * sample.plate_batch + rng.integers(0, 80, plates)
        at_plate = np.repeat(np.arange(plates), len(panels))
        self._helpers["olink_processing_start_date"].append(
            [names.take(pa.array(at_plate)), pa.array(panels * plates), write.days(started[at_plate])]
        )
        warned = np.flatnonzero(rng.random(plates * len(panel)) < 0.002)
        warned_assays = warned % len(panel)
        self._helpers["olink_assay_warning"].append(
            [
                names.take(pa.array(warned // len(panel))),
                pa.array([panel.panels[k] for k in warned_assays.tolist()], pa.string()),
                assays.take(pa.array(warned_assays)),
                pa.array(["WARN"] * len(warned), pa.string()),
            ]
        )

    def close(self) -> None:
        self._levels.close()
        for helper in self._helpers.values():
            helper.close()

    def __enter__(self) -> "ProteinFiles":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def add_cells(cells: Cells, block: int, sample: Sample, npx: Floats) -> None:
    """Fields 30900 to 30903 of the measured participants."""
    n = cells.n
    measured = np.full(n, np.nan)
    measured[sample.person] = (~np.isnan(npx)).sum(axis=1)
    selected = np.full(n, np.nan)
    selected[sample.person[sample.is_selected]] = 1.0
    plate, well = np.full(n, -1), np.full(n, -1)
    plate[sample.person] = sample.plate
    well[sample.person] = sample.well
    names = plate_names(block, np.arange(max(len(sample.plate_batch), 1)))
    cells.numbers |= {"p30900_i0": measured, "p30903_i0": selected}
    cells.text |= {"p30901_i0": write.labels(plate, names), "p30902_i0": well_names(well)}

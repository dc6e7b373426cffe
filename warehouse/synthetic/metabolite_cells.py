"""NMR levels, flags and technical fields as columns of participant.csv."""

import numpy as np
import pyarrow as pa

from warehouse.synthetic import write
from warehouse.synthetic.metabolites import FLAG_SHARE, FLAGGED, SAMPLE_FLAGS, Run, biomarkers, significant
from warehouse.synthetic.participant_table import Cells
from warehouse.synthetic.population import Floats

DERIVED_DIGITS = 8
PLATES_PER_BLOCK = 1_000
_FIRST_PLATE = 490_000_000_000  # twelve digits: text, never a number
_ROWS, _COLUMNS = "ABCDEFGH", 12
NOT_PREPARED_SHARE = 0.0006  # no preparation time [showcase 182]
FLAG_CODES = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 9.0])


def _stamps(seconds: Floats) -> pa.Array:
    """UTC text such as 2019-12-09T16:06:28Z; NaN is an empty cell."""
    empty = np.isnan(seconds)
    text = np.datetime_as_string(np.where(empty, 0, seconds).astype("datetime64[s]"))
    return pa.array(np.char.add(text, "Z").astype(object), pa.string(), mask=empty)


def add_cells(cells: Cells, rng: np.random.Generator, block: int, run: Run, values: dict[str, Floats]) -> None:
    """Spread the measured samples over the block's participants."""
    n, m = cells.n, len(run.person)

    def spread(measured: Floats) -> Floats:
        out = np.full(n, np.nan)
        out[run.person] = measured
        return out

    for one in biomarkers():
        level = values[one.abbreviation]
        reported = significant(level, DERIVED_DIGITS) if one.is_derived else level
        cells.numbers[f"p{one.field_id}_i0"] = spread(reported)
        if one.name in FLAGGED:
            flagged = np.where(rng.random(m) < FLAG_SHARE, rng.choice(FLAG_CODES, size=m), np.nan)
            cells.numbers[f"p{one.flag_field_id}_i0"] = spread(flagged)
    for name, share in SAMPLE_FLAGS.items():
        cells.numbers[name] = spread(np.where(rng.random(m) < share, 1.0, np.nan))
    cells.numbers["p20282_i0"] = spread(run.batch.astype(np.float64))
    cells.numbers["p20283_i0"] = spread(np.where(rng.random(m) < 0.003, 1.0, np.nan))
    cells.numbers["p23650_i0"] = spread(run.spectrometer.astype(np.float64))
    prepared = np.where(rng.random(m) < NOT_PREPARED_SHARE, np.nan, run.prepared)
    measured_at = run.prepared + np.round(run.delay_hours * 3_600)
    cells.text["p23659_i0"] = _stamps(spread(prepared))
    cells.text["p23658_i0"] = _stamps(spread(measured_at))
    plates = [str(_FIRST_PLATE + block * PLATES_PER_BLOCK + k) for k in range(PLATES_PER_BLOCK)]
    plate, well = np.full(n, -1), np.full(n, -1)
    plate[run.person] = run.plate
    well[run.person] = run.well
    cells.text["p23649_i0"] = write.labels(plate, plates)
    names = [f"{_ROWS[k % len(_ROWS)]}{1 + k // len(_ROWS):02d}" for k in range(len(_ROWS) * _COLUMNS)]
    cells.text["p23660_i0"] = write.labels(well, names)

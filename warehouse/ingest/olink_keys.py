"""Which participant, visit and protein were met: a result that stands twice would be counted twice in every model.

One byte for each protein of each sample (at full size 60,000 samples with 2,923 proteins, 180 MB), since sorting
150 million keys would take longer than reading them.
"""

import numpy as np
import pyarrow as pa

from warehouse.ingest.faults import refuse

FIRST_SAMPLES, FIRST_PROTEINS = 1024, 2944
# Withdrawn participants are masked with negative ids, which may repeat.
NOBODY = -1


class MeasuredKeys:
    """The keys of all Olink files of an export."""

    def __init__(self) -> None:
        self._samples: dict[str, dict[str, int]] = {}
        self._proteins: dict[str, int] = {}
        self._is_met = np.zeros((FIRST_PROTEINS, FIRST_SAMPLES), dtype=bool)
        self._n_samples = 0
        self.n_rows = 0

    def samples(self, eids: pa.Array, instances: pa.Array) -> np.ndarray:
        """A number for each (participant, visit), shape (n_rows,); -1 where there is none."""
        numbers = np.full(len(eids), NOBODY, dtype=np.int64)
        visits = instances.dictionary_encode()
        of_visit = visits.indices.fill_null(-1).to_numpy()
        for k, instance in enumerate(visits.dictionary.to_pylist()):
            rows = np.flatnonzero(of_visit == k)
            known = self._samples.setdefault(instance, {})
            coded = eids.take(pa.array(rows)).dictionary_encode()
            of_text = np.array([self._number(known, text) for text in coded.dictionary.to_pylist()], dtype=np.int64)
            # The last place is that of rows without an id.
            numbers[rows] = np.append(of_text, NOBODY)[coded.indices.fill_null(-1).to_numpy()]
        return numbers

    def _number(self, known: dict[str, int], eid: str) -> int:
        if eid.startswith("-"):
            return NOBODY
        if eid not in known:
            known[eid] = self._n_samples
            self._n_samples += 1
        return known[eid]

    def add(self, protein: str, samples: np.ndarray) -> None:
        """Remember that `samples`, shape (n,), have a result of a protein."""
        listed = samples[samples >= 0]
        row = self._row(protein)  # the table may grow
        self._is_met[row, listed] = True
        self.n_rows += listed.size

    def add_rows(self, eids: pa.Array, instances: pa.Array, proteins: pa.Array) -> None:
        """Remember rows of a long table, none of them without a key."""
        samples = self.samples(eids, instances)
        coded = proteins.dictionary_encode()
        of_text = np.array([self._row(text) for text in coded.dictionary.to_pylist()], dtype=np.int64)
        is_listed = samples >= 0
        if is_listed.any():
            self._is_met[of_text[coded.indices.to_numpy()][is_listed], samples[is_listed]] = True
        self.n_rows += int(np.count_nonzero(is_listed))

    def _row(self, protein: str) -> int:
        row = self._proteins.setdefault(protein, len(self._proteins))
        n_proteins, capacity = self._is_met.shape
        if row >= n_proteins or self._n_samples > capacity:
            wider = capacity
            while wider < self._n_samples:
                wider *= 2
            grown = np.zeros((2 * n_proteins if row >= n_proteins else n_proteins, wider), dtype=bool)
            grown[:n_proteins, :capacity] = self._is_met
            self._is_met = grown
        return row

    def refuse_repeated(self, where: str) -> None:
        """Raises IngestError for results that stand twice for one participant, visit and protein."""
        n_twice = self.n_rows - int(np.count_nonzero(self._is_met))
        if n_twice:
            raise refuse(
                where,
                "a protein has one result for a participant and visit",
                "the file was appended to itself, or two files hold the same samples: take one of them out",
                n_twice,
            )

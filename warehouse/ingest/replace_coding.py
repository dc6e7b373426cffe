"""Settle whether a file holds codes (RAW) or their meanings (REPLACE, the Table Exporter's default).

Every sampled cell of a coded column votes: it is a code of its coding, or a meaning, or neither. One file has one way.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from warehouse.ingest.arrays import read_list
from warehouse.ingest.codings import Codings, Decoder
from warehouse.ingest.detect import Shape
from warehouse.ingest.faults import Faults
from warehouse.ingest.overrides import Overrides
from warehouse.ingest.plan import PartPlan, Target
from warehouse.ingest.record_tables import RecordTable
from warehouse.ingest.tables import MISSING

# Fields of these kinds hold numbers or dates; only their special answers are coded (sparse coding).
OPEN_KINDS = ("integer", "number", "date")
WHOLE = re.compile(r"^-?\d+$")
PLAIN = re.compile(r"^-?\d+(\.\d+)?$|^\d{4}-\d{2}-\d{2}|^\d{1,2}/\d{1,2}/\d{4}$")

Decoders = Mapping[str, Decoder]


@dataclass(frozen=True, slots=True)
class Vote:
    """How the sampled cells of one column speak."""

    column: str
    encoding: int
    n_codes: int
    n_meanings: int
    n_neither: int

    @property
    def is_coded(self) -> bool:
        return self.n_codes > self.n_meanings

    @property
    def is_meant(self) -> bool:
        return self.n_meanings > self.n_codes


def sampled_cells(shape: Shape, target: Target) -> Iterable[str]:
    """Cells of the sample rows of one target, list cells opened."""
    at = [shape.header.index(name) for _, name in target.sources]
    for row in shape.rows:
        for k in at:
            cell = row[k].strip()
            if cell in MISSING:
                continue
            if target.is_one_list_column:
                yield from (item for item in read_list(cell) or () if item is not None)
            else:
                yield cell


def _vote(shape: Shape, target: Target, codings: Codings) -> Vote:
    encoding = target.field.encoding_id
    n_codes = n_meanings = n_neither = 0
    for cell in sampled_cells(shape, target):
        is_code = codings.knows(encoding) and codings.is_code(encoding, cell)
        is_meaning = codings.knows(encoding) and codings.is_meaning(encoding, cell)
        # A label that is also a code (a year, a batch number) proves nothing.
        n_codes += is_code and not is_meaning
        n_meanings += is_meaning and not is_code
        n_neither += not is_code and not is_meaning and not PLAIN.match(cell)
    return Vote(target.column, encoding, n_codes, n_meanings, n_neither)


def settle_coding(
    shape: Shape, plan: PartPlan, *, codings: Codings, overrides: Overrides, faults: Faults
) -> tuple[Decoders, str]:
    """Decoders of the columns that hold meanings (none for a RAW file), and the evidence in words."""
    coded = [target for target in plan.targets if target.field.encoding_id]
    votes = {target.column: _vote(shape, target, codings) for target in coded}
    n_codes = sum(vote.is_coded for vote in votes.values())
    n_meanings = sum(vote.is_meant for vote in votes.values())
    said = f"{n_codes:,} coded columns hold codes, {n_meanings:,} hold meanings"
    chosen = overrides.get("coding", shape.name)
    if not chosen and n_codes and n_meanings:
        few = "codes" if n_codes <= n_meanings else "meanings"
        named = [v.column for v in votes.values() if (v.is_coded if few == "codes" else v.is_meant)]
        faults.add(
            shape.name,
            f"a file holds codes or meanings throughout; {few} where {'meanings' if few == 'codes' else 'codes'} "
            f"are expected in {', '.join(named[:5])}{' ...' if len(named) > 5 else ''}",
            f"export with one coding_option, or say --override coding:{shape.name}=raw (or replace)",
            len(named),
        )
        return {}, said
    if chosen and (n_meanings if chosen == "replace" else n_codes) == 0 < n_codes + n_meanings:
        held, asked = ("codes", "meanings") if chosen == "replace" else ("meanings", "codes")
        named = [v.column for v in votes.values() if v.is_coded or v.is_meant]
        faults.add(
            shape.name,
            f"an override agrees with the file; {held} where {asked} are expected in "
            f"{', '.join(named[:5])}{' ...' if len(named) > 5 else ''}",
            f"leave --override coding={chosen} out, or export with coding_option {chosen.upper()}",
            len(named),
        )
        return {}, said
    is_replace = chosen == "replace" or (not chosen and n_meanings > 0)
    if not is_replace:
        _refuse_unknown_texts(shape, coded, votes, faults)
        return {}, f"coding RAW ({'override; ' if chosen else ''}{said})"
    decoders: dict[str, Decoder] = {}
    for target in coded:
        encoding = target.field.encoding_id
        if codings.knows(encoding):
            decoders[target.column] = _decoder(target, codings)
        elif votes[target.column].n_neither:
            _fault_of_unknown_coding(shape, target, votes[target.column], faults)
    return decoders, f"coding REPLACE ({'override; ' if chosen else ''}{said}), meanings turned back into codes"


def number_codes(plan: PartPlan, codings: Codings) -> frozenset[str]:
    """Columns whose coding has no codes but whole numbers: anything else in them would be null in staging."""
    numbers = {encoding for encoding, codes in codings.codes.items() if all(WHOLE.match(code) for code in codes)}
    return frozenset(
        target.column
        for target in plan.targets
        if target.field.kind == "code" and not target.field.is_nmr and target.field.encoding_id in numbers
    )


def _decoder(target: Target, codings: Codings) -> Decoder:
    decode = codings.decoder(target.field.encoding_id)
    if target.field.kind not in OPEN_KINDS:
        return decode
    # What is no special answer is a number or a date, or is told to be none where those are read.
    return lambda cell: decode(cell) or cell


def _refuse_unknown_texts(shape: Shape, coded: Iterable[Target], votes: Mapping[str, Vote], faults: Faults) -> None:
    """Texts in a column of whole-number codes whose meanings nobody told."""
    for target in coded:
        vote = votes[target.column]
        # Dates and numbers are read cell by cell, and what is neither is told there.
        if target.field.kind in OPEN_KINDS:
            continue
        if vote.n_neither and not vote.n_codes and target.field.encoding_id not in (19, 87):
            _fault_of_unknown_coding(shape, target, vote, faults)


def _fault_of_unknown_coding(shape: Shape, target: Target, vote: Vote, faults: Faults) -> None:
    faults.add(
        shape.name,
        f"{target.column} holds codes of coding {vote.encoding}; it holds texts, and no list says what they mean",
        f"put the export's codings.csv (or coding{vote.encoding}.tsv of the Showcase) beside it, export with "
        f"coding_option RAW, or leave the field out: --override ignore_field:{target.field.field_id}=yes",
        vote.n_neither,
    )


def settle_record_coding(
    shape: Shape, table: RecordTable, source: Mapping[str, str], *, codings: Codings, faults: Faults
) -> tuple[Decoders, str]:
    """Decoders of the columns of a record file that hold meanings, and the evidence in words.

    ICD labels spell their code; other columns need the export's data dictionary and codings.
    """
    decoders: dict[str, Decoder] = {}
    for column in sorted((table.icd | table.integers) & source.keys()):
        at = shape.header.index(source[column])
        cells = {row[at].strip() for row in shape.rows} - set(MISSING)
        encoding = codings.encoding_of_record.get((table.name, column), 19 if column in table.icd else 0)
        texts = {cell for cell in cells if not PLAIN.match(cell) and not (column in table.icd and " " not in cell)}
        if not texts:
            continue
        if codings.knows(encoding) and all(codings.is_meaning(encoding, cell) for cell in texts):
            decoders[column] = codings.decoder(encoding)
        else:
            faults.add(
                shape.name,
                f"{table.name}.{column} holds codes; it holds texts, and no list says what they mean",
                "export with coding_option RAW, or put the export's data_dictionary.csv and codings.csv beside it",
                len(texts),
            )
    said = f"meanings turned back into codes in {', '.join(sorted(decoders))}" if decoders else "coding RAW"
    return decoders, said

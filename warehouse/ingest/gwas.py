"""Read GWAS summary statistics of any known format into one set of columns."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import yaml  # type: ignore[import-untyped]

from warehouse.ingest.cells import CellReader
from warehouse.ingest.dates import DateReader
from warehouse.ingest.detect import Shape
from warehouse.ingest.faults import refuse
from warehouse.ingest.gwas_formats import (
    ASSOCIATION_COLUMNS,
    MUNGEABLE,
    NUMBER_COLUMNS,
    OF_ONE_MEANING,
    Format,
    cells_by_name,
    plain_name,
    tell_format,
)
from warehouse.ingest.landing import TableWriter
from warehouse.ingest.numbers import NOT_A_NUMBER, not_numbers
from warehouse.ingest.rejects import Rejects
from warehouse.ingest.tables import MISSING, NotANumberError, stream_blocks

MISSING_STATISTICS = (*MISSING, "#NA")
TRAIT_COLUMNS = (
    "trait", "file", "source_format", "n_rows", "genome_assembly", "n", "n_cases", "n_controls", "trait_description",
)  # fmt: skip

FILE_SUFFIX = re.compile(
    r"\.(gz|bgz|tsv|txt|csv|regenie|sumstats|stats|bolt|saige|gwas|glm|linear|logistic|firth|hybrid|assoc|h|imputed_v3)$",
    re.IGNORECASE,
)
CHROMOSOME_NAMES = {"X": "23", "Y": "24", "XY": "25", "MT": "26", "M": "26"}
RSID = r"^(?i)rs\d+$"
# Columns whose values all but never repeat, or only by chance: a dictionary of them would be built in vain.
DISTINCT_COLUMNS = frozenset({
    "base_pair_location", "variant_id", "rsid", "beta", "odds_ratio", "standard_error", "z_score", "p_value",
    "neg_log10_p_value",
})  # fmt: skip
# Several files are read at once, and what a block of text becomes is many times its size.
BLOCK_BYTES = 2 << 20


def trait_of(path: Path) -> str:
    """The trait a file name says: its stem, lower case, underscores."""
    stem = path.name
    while (shorter := FILE_SUFFIX.sub("", stem)) != stem:
        stem = shorter
    return re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")


class AssociationReader:
    """Translates blocks of one GWAS file to the canonical columns."""

    def __init__(self, shape: Shape, trait: str, *, ignored: Collection[str] = ()) -> None:
        self.header = tuple(cell for cell in shape.header if cell not in ignored)
        known = tell_format(self.header)
        if known is None:
            raise refuse(
                shape.name, "a GWAS file has the header of a known format", "see warehouse/ingest/gwas_formats.py"
            )
        self.shape, self.trait, self.format = shape, trait, known
        self.n_other_tests = 0
        self._refuse_two_writings()
        cell_of = cells_by_name(self.header)
        if known is MUNGEABLE:
            cell_of = {plain_name(name): cell for name, cell in cell_of.items()}
        self.source: dict[str, str] = {}
        for canonical, names in known.columns.items():
            cell = next((cell_of[name] for name in names if name in cell_of), None)
            if cell is not None:
                self.source[canonical] = cell
        self._refuse_two_stories(cell_of)
        self.test_cell = cell_of.get(known.test_column, "")
        self._refuse_without_statistics()

    def _refuse_two_writings(self) -> None:
        used = {name for names in self.format.columns.values() for name in names}
        said = Counter(plain_name(cell) if self.format is MUNGEABLE else cell.lower() for cell in self.header)
        if twice := sorted(name for name, n in said.items() if n > 1 and name in used):
            raise refuse(
                self.shape.name,
                f"a column stands once in a header; in two writings: {', '.join(twice)}",
                "leave one of the columns out",
                len(twice),
            )

    def _refuse_two_stories(self, cell_of: Mapping[str, str]) -> None:
        if self.format is not MUNGEABLE:
            return
        for meaning in OF_ONE_MEANING:
            cells = [cell_of[name] for name in MUNGEABLE.columns[meaning] if name in cell_of]
            places = [self.shape.header.index(cell) for cell in cells]
            n_rows = sum(len({row[place].upper() for place in places}) > 1 for row in self.shape.rows)
            if n_rows:
                raise refuse(
                    self.shape.name,
                    f"columns of one meaning hold the same; {' and '.join(cells)} differ",
                    f"say which one is not the {meaning.replace('_', ' ')}: --override ignore_column:{cells[-1]}=yes",
                    n_rows,
                )

    def _refuse_without_statistics(self) -> None:
        have = self.source.keys()
        if not have & {"beta", "odds_ratio", "z_score"}:
            raise refuse(
                self.shape.name, "a GWAS file has an effect: beta, odds ratio or z", "ask its authors for the full file"
            )

    @property
    def columns(self) -> list[str]:
        return [*dict.fromkeys(self.source.values()), *([self.test_cell] if self.test_cell else [])]

    @property
    def number_cells(self) -> frozenset[str]:
        """Header cells of nothing but numbers."""
        numbers = NUMBER_COLUMNS | {"first_allele_frequency"}
        return frozenset(self.source[name] for name in self.source if name in numbers) - {
            cell for name, cell in self.source.items() if name not in numbers
        }

    def read(self, rows: pa.RecordBatch) -> tuple[dict[str, pa.Array], int]:
        """Canonical columns of the rows that report an additive effect."""
        if self.test_cell and self.format.additive:
            additive = pc.fill_null(
                pc.is_in(rows.column(self.test_cell), pa.array(sorted(self.format.additive))), False
            )
            kept = rows.filter(additive)
            self.n_other_tests += rows.num_rows - kept.num_rows
            rows = kept
        made = {canonical: rows.column(cell) for canonical, cell in self.source.items()}
        for step in (_split_neale, _name_identifier, _orient_plink, _orient_named, _name_chromosome, _upper_alleles):
            step(made)
        for name in ("trait", "source_format"):
            text = self.trait if name == "trait" else self.format.name
            made[name] = pa.repeat(pa.scalar(text, pa.string()), rows.num_rows)
        return {name: column for name, column in made.items() if name in ASSOCIATION_COLUMNS}, rows.num_rows


Columns = dict[str, pa.Array]


def _split_neale(made: Columns) -> None:
    """`1:15791:C:T` is chromosome, position, reference and alternative; the effect is the alternative's."""
    variant = made.pop("variant", None)
    if variant is None:
        return
    parts = pc.extract_regex(variant, r"^(?P<c>[^:]+):(?P<p>\d+):(?P<r>[^:]+):(?P<a>[^:]+)$")
    made["variant_id"] = variant
    for name, part in (
        ("chromosome", "c"), ("base_pair_location", "p"), ("other_allele", "r"), ("effect_allele", "a"),
    ):  # fmt: skip
        made[name] = pc.struct_field(parts, part)
    minor, frequency = made.pop("minor_allele"), made.pop("minor_allele_frequency")
    made["effect_allele_frequency"] = pc.if_else(
        pc.equal(minor, made["effect_allele"]), frequency, _of_the_other(frequency)
    )


def _of_the_other(frequency: pa.Array) -> pa.Array:
    """One less the frequency, as text where it is text; missing where it is no number."""
    is_number = np.ones(len(frequency), dtype=bool)
    is_number[not_numbers(frequency).to_numpy()] = False
    numbers = pc.if_else(pa.array(is_number), frequency, pa.scalar(None, frequency.type))
    return pc.cast(pc.subtract(1.0, pc.cast(numbers, pa.float64(), safe=False)), frequency.type)


def _name_identifier(made: Columns) -> None:
    """One identifier column is the variant id; an rs number in it, or in the variant id, is the rsid too."""
    identifier = made.pop("identifier", None)
    if identifier is not None:
        made["variant_id"] = identifier
    if "rsid" not in made and "variant_id" in made:
        is_rs = pc.match_substring_regex(made["variant_id"], RSID)
        made["rsid"] = pc.if_else(is_rs, made["variant_id"], pa.scalar(None, pa.string()))


def _orient_plink(made: Columns) -> None:
    """PLINK 2 names the tested allele A1; the other is REF or ALT, whichever A1 is not."""
    reference, alternative = made.pop("plink_ref", None), made.pop("plink_alt", None)
    if reference is not None and alternative is not None and "other_allele" not in made:
        made["other_allele"] = pc.if_else(pc.equal(made["effect_allele"], alternative), reference, alternative)


def _orient_named(made: Columns) -> None:
    """The alleles that a name says are believed; where it says one of them, the other is A1 or A2, whichever it is not.

    A frequency of A1 becomes that of the effect allele.
    """
    first, second = made.pop("first_allele", None), made.pop("second_allele", None)
    of_first = made.pop("first_allele_frequency", None)
    effect, other = made.get("effect_allele"), made.get("other_allele")
    if effect is None and first is not None:
        made["effect_allele"] = first if other is None or second is None else _which_is_not(other, first, second)
    if other is None and second is not None:
        made["other_allele"] = second if effect is None or first is None else _which_is_not(effect, first, second)
    if of_first is None or "effect_allele_frequency" in made:
        return
    if first is None or (effect is None and other is None):
        made["effect_allele_frequency"] = of_first
        return
    is_first = pc.equal(pc.ascii_upper(made["effect_allele"]), pc.ascii_upper(first))
    is_other = pc.equal(pc.ascii_upper(made["other_allele"]), pc.ascii_upper(first))
    turned = pc.if_else(is_other, _of_the_other(of_first), pa.scalar(None, of_first.type))
    made["effect_allele_frequency"] = pc.if_else(is_first, of_first, turned)


def _which_is_not(known: pa.Array, first: pa.Array, second: pa.Array) -> pa.Array:
    """Of two alleles the one that is not the known one; missing where it is neither."""
    letter, a1, a2 = (pc.ascii_upper(column) for column in (known, first, second))
    return pc.if_else(pc.equal(letter, a1), a2, pc.if_else(pc.equal(letter, a2), a1, pa.scalar(None, a1.type)))


def _name_chromosome(made: Columns) -> None:
    """1 to 22, 23 = X, 24 = Y, 25 = XY, 26 = MT; no prefix, no leading zero."""
    if "chromosome" not in made:
        return
    coded = made["chromosome"].dictionary_encode()
    named = pc.replace_substring_regex(
        pc.utf8_upper(pc.utf8_trim_whitespace(coded.dictionary)), pattern="^CHR", replacement=""
    )
    for name, number in CHROMOSOME_NAMES.items():
        named = pc.if_else(pc.equal(named, name), number, named)
    without_zeros = pc.ascii_ltrim(named, "0")
    made["chromosome"] = pc.if_else(pc.equal(without_zeros, ""), named, without_zeros).take(coded.indices)


def _upper_alleles(made: Columns) -> None:
    for name in ("effect_allele", "other_allele"):
        if name in made:
            made[name] = pc.ascii_upper(made[name])


def land_file(
    reader: AssociationReader, path: Path, *, rejects: Rejects, advance: Callable[[int], None] | None = None
) -> int:
    """Land one GWAS file at `path` and count its rows: numbers as doubles, or all as text where a cell is no number.

    Raises IngestError when no row reports an additive effect.
    """
    for numbers in (NUMBER_COLUMNS, frozenset[str]()):
        met = Rejects()
        try:
            with TableWriter(path, ASSOCIATION_COLUMNS, distinct=DISTINCT_COLUMNS, numbers=numbers) as writer:
                land_associations(reader, writer=writer, rejects=met, advance=advance, are_numbers=bool(numbers))
        except NotANumberError:
            advance = None  # its bytes were told
            continue
        rejects.extend(met)
        return writer.n_rows
    raise AssertionError("text holds any cell")


def land_associations(
    reader: AssociationReader,
    *,
    writer: TableWriter,
    rejects: Rejects,
    advance: Callable[[int], None] | None = None,
    are_numbers: bool = False,
) -> None:
    """Stream one GWAS file.

    Raises IngestError when no row reports an additive effect; NotANumberError where numbers are asked for and a cell is
    none.
    """
    reader.n_other_tests = 0
    cells = CellReader(reader.shape.name, DateReader(), rejects)
    for block in stream_blocks(
        reader.shape,
        rejects=rejects,
        columns=reader.columns,
        numbers=reader.number_cells if are_numbers else (),
        missing=MISSING_STATISTICS,
        advance=advance,
        block_bytes=BLOCK_BYTES,
    ):
        if not are_numbers:
            for cell in sorted(reader.number_cells):  # they stay as they are: staging counts them too
                cells.count(cell, block.rows.column(cell))
                cells.reject(block, cell, block.rows.column(cell), not_numbers(block.rows.column(cell)), NOT_A_NUMBER)
        columns, n_rows = reader.read(block.rows)
        writer.write(columns, n_rows)
    if writer.n_rows == 0 and reader.n_other_tests:
        raise refuse(
            reader.shape.name,
            f"some rows have {reader.format.test_column.upper()} = {', '.join(reader.format.additive)}; none has",
            "run the association again with the additive model",
            reader.n_other_tests,
        )


def read_sidecar(path: Path, name: str) -> dict[str, str]:
    """What a GWAS-SSF metadata YAML says of build, sample size and trait.

    Raises IngestError for a file that is no YAML mapping.
    """
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as bad:
        raise refuse(name, "a metadata file is YAML", "correct it or move it away") from bad
    if not isinstance(said, Mapping):
        raise refuse(name, "a metadata file is a YAML mapping", "correct it or move it away")
    samples = [sample for sample in said.get("samples") or [] if isinstance(sample, Mapping)]

    def total(key: str) -> str:
        sizes = [int(sample[key]) for sample in samples if isinstance(sample.get(key), int)]
        return str(sum(sizes)) if sizes else ""

    described = said.get("trait_description") or ""
    return {
        "genome_assembly": str(said.get("genome_assembly") or ""),
        "n": total("sample_size"),
        "n_cases": total("case_count"),
        "n_controls": total("control_count"),
        "trait_description": "; ".join(map(str, described)) if isinstance(described, list) else str(described),
    }


def read_trait_tables(shapes: Iterable[Shape], rejects: Rejects) -> dict[str, dict[str, str]]:
    """What CSVs say of traits, by trait name or file name: build, sample sizes, description."""
    said: dict[str, dict[str, str]] = {}
    for shape in shapes:
        for block in stream_blocks(shape, rejects=rejects):
            for row in block.rows.to_pylist():
                told = {name.lower(): cell for name, cell in row.items() if cell}
                facts = {name: told[name] for name in TRAIT_COLUMNS[4:] if name in told}
                for key in ("trait", "file"):
                    if key in told:
                        said[told[key]] = facts
    return said


def sidecar_subject(name: str) -> str:
    """The file a sidecar speaks of: `trait.tsv-meta.yaml` -> `trait.tsv`."""
    return re.sub(r"-meta$", "", name.rpartition(".")[0])


__all__ = [
    "ASSOCIATION_COLUMNS", "TRAIT_COLUMNS", "AssociationReader", "Format", "land_associations", "land_file",
    "read_sidecar", "read_trait_tables", "sidecar_subject", "trait_of",
]  # fmt: skip

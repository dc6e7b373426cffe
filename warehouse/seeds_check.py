"""Hold every seed to what warehouse/seeds/_seeds.yml says of it, before a build begins.

dbt would stop at the first value that does not cast, deep in a build; here all faults of all seeds come at once.
The types, keys, allowed values and links are read from the same file that dbt reads: nothing is declared twice.
"""

import csv
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from warehouse.errors import Fault, SeedError, did_you_mean

Rows = list[dict[str, str]]
MARTS = Path(__file__).parents[1] / "models" / "marts"
BYTE_ORDER_MARK = "\ufeff"  # Excel's "CSV UTF-8" begins with it


def _is_boolean(text: str) -> bool:
    return text in ("true", "false")


def _casts(kind: Callable[[str], object]) -> Callable[[str], bool]:
    def casts(text: str) -> bool:
        try:
            kind(text)
        except ValueError:
            return False
        return True

    return casts


TYPES: dict[str, Callable[[str], bool]] = {
    "varchar": lambda text: True,
    "integer": _casts(int),
    "double": _casts(float),
    "boolean": _is_boolean,
    "date": _casts(date.fromisoformat),
}


def _read(path: Path) -> tuple[list[str], Rows]:
    with path.open(newline="", encoding="utf-8") as handle:
        reader = csv.DictReader(handle, restkey="_surplus", restval="")
        return list(reader.fieldnames or []), list(reader)


def _column_faults(where: str, header: list[str], declared: list[str]) -> list[Fault]:
    faults = [
        Fault(where, f"has the column {name}", f"add the column {name} to the file")
        for name in declared
        if name not in header
    ]
    faults += [
        Fault(where, f"has only declared columns, not {name}", f"remove {name}, or declare it in _seeds.yml")
        for name in header
        if name not in declared
    ]
    return faults


def _type_faults(where: str, rows: Rows, types: dict[str, str]) -> list[Fault]:
    faults = []
    for name, kind in types.items():
        lines = [i for i, row in enumerate(rows, start=2) if row.get(name) and not TYPES[kind](row[name])]
        if lines:
            faults.append(
                Fault(
                    where,
                    f"column {name} holds {kind} values",
                    f"mend line {', '.join(map(str, lines[:5]))}",
                    len(lines),
                )
            )
    return faults


def _key_faults(where: str, rows: Rows, key: list[str]) -> list[Fault]:
    counted = Counter(tuple(row.get(name, "") for name in key) for row in rows)
    repeated = [values for values, n in counted.items() if n > 1]
    if not repeated:
        return []
    named = "; ".join(" / ".join(values) for values in repeated[:3])
    return [Fault(where, f"one row per {', '.join(key)}", f"remove the repeated rows ({named})", len(repeated))]


def _test_faults(where: str, rows: Rows, column: dict[str, Any], seeds: dict[str, Rows]) -> list[Fault]:
    faults = []
    name = column["name"]
    values = [row.get(name, "") for row in rows if row.get(name)]
    for test in column.get("data_tests", []):
        if not isinstance(test, dict):
            continue
        if "accepted_values" in test:
            allowed = [str(value) for value in test["accepted_values"]["arguments"]["values"]]
            wrong = sorted(set(values) - set(allowed))
            if wrong:
                faults.append(
                    Fault(where, f"{name} is one of {', '.join(allowed)}", f"mend {', '.join(wrong[:5])}", len(wrong))
                )
        if "relationships" in test:
            arguments = test["relationships"]["arguments"]
            other = arguments["to"].removeprefix("ref('").removesuffix("')")
            known = {row.get(arguments["field"], "") for row in seeds.get(other, [])}
            unknown = sorted(set(values) - known)
            if unknown:
                faults.append(
                    Fault(
                        where,
                        f"{name} is listed in {other}.csv",
                        f"add {', '.join(unknown[:5])} to {other}.csv, or mend it here",
                        len(unknown),
                    )
                )
    return faults


def _mart_columns(model: str) -> set[str]:
    """Columns of a mart as its YAML names them; a house test holds the YAML to the mart."""
    declared = yaml.safe_load((MARTS / f"{model}.yml").read_text(encoding="utf-8"))["models"][0]
    return {column["name"] for column in declared["columns"]}


def _mart_column_faults(where: str, rows: Rows, column: dict[str, Any]) -> list[Fault]:
    """Values that should name a column of a mart (meta column_of) and do not."""
    mart = column.get("config", {}).get("meta", {}).get("column_of")
    if mart is None:
        return []
    known = _mart_columns(mart)
    unknown = sorted({row[column["name"]] for row in rows if row.get(column["name"])} - known)
    return [
        Fault(
            where,
            f"{column['name']} is a column of marts.{mart}, not {name}",
            did_you_mean(name, known, otherwise=f"see models/marts/{mart}.yml for its columns"),
        )
        for name in unknown
    ]


def _study_faults(seeds: dict[str, Rows]) -> list[Fault]:
    """What no single column shows: one primary choice per arm and per exposure, and no arm left without its parts."""
    faults = []
    for arm in seeds.get("arms", []):
        where = f"study {arm['study']}, arm {arm['arm']}"
        same = [
            row for row in seeds["arm_outcome_definitions"] if (row["study"], row["arm"]) == (arm["study"], arm["arm"])
        ]
        n_primary = sum(row["is_primary"] == "true" for row in same)
        if n_primary != 1:
            faults.append(
                Fault(where, "has one primary outcome definition", "mark one in arm_outcome_definitions.csv", n_primary)
            )
        if not any((row["study"], row["arm"]) == (arm["study"], arm["arm"]) for row in seeds["exposures"]):
            faults.append(Fault(where, "has an exposure", "add a row to exposures.csv"))
    for exposure in seeds.get("exposures", []):
        key = (exposure["study"], exposure["exposure"])
        n_primary = sum(
            (row["study"], row["exposure"]) == key and row["is_primary"] == "true" for row in seeds["exposure_scalings"]
        )
        if n_primary != 1:
            faults.append(
                Fault(
                    f"study {key[0]}, exposure {key[1]}",
                    "has one primary scaling",
                    "mark one in exposure_scalings.csv",
                    n_primary,
                )
            )
    exposures = {(row["study"], row["arm"], row["exposure"]) for row in seeds.get("exposures", [])}
    for row in seeds.get("exposure_marks", []):
        if (row["study"], row["arm"], row["exposure"]) not in exposures:
            where = f"exposure_marks.csv, {row['study']}, {row['arm']}, {row['exposure']}"
            faults.append(Fault(where, "is an exposure of its arm", "add it to exposures.csv, or mend it here"))
    return faults


def _is_parameter(kind: str, parameter: str, seeds: dict[str, Rows]) -> bool:
    """Whether a sensitivity analysis of this kind can be done with this parameter."""
    covariates = {row["covariate"] for row in seeds.get("covariates", [])}
    definitions = {row["outcome_definition"] for row in seeds.get("outcome_definitions", [])}
    sets = {row["adjustment_set"] for row in seeds.get("adjustment_sets", [])}
    rules: dict[str, Callable[[str], bool]] = {
        "lag_years": lambda text: TYPES["double"](text) and float(text) > 0,
        "follow_up_years": lambda text: TYPES["double"](text) and float(text) > 0,
        "multiple_imputation": lambda text: TYPES["integer"](text) and int(text) >= 2,
        "end_date": TYPES["date"],
        "outcome_definition": lambda text: text in definitions,
        "add_covariate": lambda text: set(text.split("+")) <= covariates,
        "stratify": lambda text: set(text.split("+")) <= covariates,
        "subset": lambda text: bool(text.partition("=")[0] and text.partition("=")[2]),
        "same_people": lambda text: text.count(" of ") == 1 and set(text.split(" of ")) <= sets,
    }
    return rules.get(kind, lambda text: text == "")(parameter)


def _survival_faults(seeds: dict[str, Rows]) -> list[Fault]:
    """Sensitivity analyses with a parameter of their kind, joint exposures of two, controls with what they need."""
    faults = [
        Fault(
            f"sensitivity_analyses.csv, {row['analysis']}",
            f"has a parameter that {row['kind']} can use, not '{row['parameter']}'",
            "mend it: see the column's description in _seeds.yml",
        )
        for row in seeds.get("sensitivity_analyses", [])
        if not _is_parameter(row["kind"], row["parameter"], seeds)
    ]
    exposures = {(row["study"], row["arm"], row["exposure"]) for row in seeds.get("exposures", [])}
    parts: dict[tuple[str, str, str], list[dict[str, str]]] = {}
    for row in seeds.get("joint_exposures", []):
        parts.setdefault((row["study"], row["arm"], row["joint_exposure"]), []).append(row)
    for (study, arm, joint), own in parts.items():
        where = f"joint_exposures.csv, {joint}"
        if len(own) != 2:
            faults.append(Fault(where, "has two parts", "one row for each of the two exposures", len(own)))
        unknown = sorted({row["exposure"] for row in own if (study, arm, row["exposure"]) not in exposures})
        if unknown:
            faults.append(
                Fault(
                    where, "crosses exposures of its arm", f"add {', '.join(unknown)} to exposures.csv, or mend it here"
                )
            )
    for row in seeds.get("control_analyses", []):
        where = f"control_analyses.csv, {row['control']}"
        if (row["kind"] == "positive") != bool(row["column_name"]):
            faults.append(Fault(where, "names a column if positive, and none if negative", "mend column_name or kind"))
        if (row["kind"] == "positive") != (row["expected_sign"] in ("1", "-1")):
            faults.append(Fault(where, "expects 1 or -1 if positive, 0 if negative", "mend expected_sign"))
    return faults


def _mediation_faults(seeds: dict[str, Rows]) -> list[Fault]:
    """Adjustment sets of arms that exist, and sensitivity analyses that say what their kind needs."""
    sets = {(row["study"], row["adjustment_set"]) for row in seeds.get("adjustment_sets", [])}
    faults = [
        Fault(
            f"arms.csv, {row['arm']}",
            f"{column} is a set of the study, not '{row[column]}'",
            "add it to adjustment_sets.csv, or mend it here",
        )
        for row in seeds.get("arms", [])
        for column in ("primary_adjustment_set", "mediation_adjustment_set")
        if (row["study"], row[column]) not in sets
    ]
    for row in seeds.get("mediation_sensitivity_analyses", []):
        where = f"mediation_sensitivity_analyses.csv, {row['analysis']}"
        if (row["kind"] == "add_covariate") != bool(row["covariate"]):
            faults.append(
                Fault(where, "names a covariate if add_covariate, and none otherwise", "mend covariate or kind")
            )
        if (row["kind"] == "drop_early") != (bool(row["years"]) and float(row["years"]) > 0):
            faults.append(Fault(where, "says years above 0 if drop_early, and none otherwise", "mend years or kind"))
    return faults


def _gwas_faults(seeds: dict[str, Rows]) -> list[Fault]:
    """Counts of a trait that belong together, pairs of two traits that stand once, and shares that are shares."""
    faults = [
        Fault(
            f"gwas_trait_codings.csv, {row['trait']}",
            "gives cases and controls, both above 0, or neither",
            "mend n_cases and n_controls",
        )
        for row in seeds.get("gwas_trait_codings", [])
        if bool(row["n_cases"]) != bool(row["n_controls"]) or "0" in (row["n_cases"], row["n_controls"])
    ]
    faults += [
        Fault(
            f"gwas_trait_codings.csv, {row['trait']}",
            "has a population_prevalence between 0 and 1, both left out, or none",
            "give the share of people with the disease, as 0.05",
        )
        for row in seeds.get("gwas_trait_codings", [])
        if row["population_prevalence"] and not 0 < float(row["population_prevalence"]) < 1
    ]
    pairs = Counter(frozenset((row["trait_1"], row["trait_2"])) for row in seeds.get("gwas_trait_pairs", []))
    for row in seeds.get("gwas_trait_pairs", []):
        where = f"gwas_trait_pairs.csv, {row['trait_1']} and {row['trait_2']}"
        if row["trait_1"] == row["trait_2"] or pairs[frozenset((row["trait_1"], row["trait_2"]))] > 1:
            faults.append(Fault(where, "has one row for two different traits, in either order", "remove the others"))
        if row["overlap_share"] and not 0 <= float(row["overlap_share"]) <= 1:
            faults.append(Fault(where, "shares 0 to 1 of its participants", "mend overlap_share"))
    return faults


def _biomarker_faults(seeds: dict[str, Rows]) -> list[Fault]:
    """Further scans of biomarkers: of an outcome definition of the arm, with dates, and not the primary scan again."""
    definitions = {
        (row["study"], row["arm"], row["outcome_definition"]): row["is_primary"] == "true"
        for row in seeds.get("arm_outcome_definitions", [])
    }
    sources = {row["outcome_definition"]: row["follow_up_source"] for row in seeds.get("outcome_definitions", [])}
    faults = []
    for row in seeds.get("biomarker_scans", []):
        where = f"biomarker_scans.csv, {row['arm']}, {row['outcome_definition']}, {row['time_scale']}"
        is_primary = definitions.get((row["study"], row["arm"], row["outcome_definition"]))
        if is_primary is None:
            faults.append(
                Fault(where, "is a definition of the arm", "add it to arm_outcome_definitions.csv, or mend it")
            )
        elif is_primary and row["time_scale"] == "follow_up":
            faults.append(Fault(where, "adds to the primary scan", "remove the row: the primary scan is always done"))
        if sources.get(row["outcome_definition"]) == "visit":
            faults.append(
                Fault(where, "has dates of events", "take another definition: repeat visits only bound the time")
            )
    return faults


def check_seeds(folder: Path) -> None:
    """Read every declared seed under `folder`.

    Raises
    ------
    SeedError
        With every fault of every seed.
    """
    declared = yaml.safe_load((folder / "_seeds.yml").read_text(encoding="utf-8"))["seeds"]
    faults: list[Fault] = []
    read: dict[str, tuple[list[str], Rows]] = {}
    for seed in declared:
        path = folder / f"{seed['name']}.csv"
        if not path.is_file():
            faults.append(Fault(path.name, "is there", "restore the file"))
            continue
        try:
            read[seed["name"]] = _read(path)
        except (OSError, UnicodeDecodeError) as error:
            faults.append(Fault(path.name, "can be read as UTF-8 CSV", f"mend the file ({type(error).__name__})"))
    seeds = {name: rows for name, (_, rows) in read.items()}
    for seed in declared:
        if seed["name"] not in read:
            continue
        header, rows = read[seed["name"]]
        where = f"{seed['name']}.csv"
        if header and header[0].startswith(BYTE_ORDER_MARK):
            faults.append(Fault(where, "begins with its header", "save it as UTF-8 without a byte-order mark"))
            continue
        types = seed["config"]["column_types"]
        faults += _column_faults(where, header, list(types))
        faults += _type_faults(where, rows, types)
        faults += _key_faults(where, rows, seed["config"]["meta"]["key"])
        for column in seed["columns"]:
            faults += _test_faults(where, rows, column, seeds)
            faults += _mart_column_faults(where, rows, column)
    if not faults:
        faults = _study_faults(seeds) + _survival_faults(seeds) + _mediation_faults(seeds)
        faults += _biomarker_faults(seeds) + _gwas_faults(seeds)
    if faults:
        raise SeedError(faults)

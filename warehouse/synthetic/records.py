"""What the other registers hold: first-occurrence fields, death certificates, primary care."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from warehouse.synthetic import catalogue
from warehouse.synthetic import parameters as p
from warehouse.synthetic.hospital import CODES, Diagnoses, Episodes, of_own_sex
from warehouse.synthetic.outcomes import NEVER, Outcomes
from warehouse.synthetic.population import Ints, Population

# Coding 819: dates that parse and are none.
PLACEHOLDER_DAYS = tuple(
    p.day(iso) for iso in ("1900-01-01", "1901-01-01", "1902-02-02", "1903-03-03", "1909-09-09", "2037-07-07")
)
PLACEHOLDER_SHARE = 0.004  # of first-occurrence dates [choice]
SECOND_CERTIFICATE_SHARE = 0.004  # of deaths [choice; showcase 60 of 44,499]
GP_EVENTS_PER_PERSON = 5.0  # [choice: far below the real table, which has 123 million rows]
GP_SCRIPTS_PER_PERSON = 2.0
_M62 = np.array([index for index, code in enumerate(CODES) if code.startswith("M62")])


@dataclass(frozen=True, slots=True)
class FirstOccurrences:
    """Day and coding-2171 source of each field, NEVER and 0 where there is none; keys M80, M81, M82, M62."""

    day: dict[str, Ints]
    source: dict[str, Ints]


def _sources(days: Sequence[tuple[int, Ints]], first: Ints) -> Ints:
    """20/30/40/50 for the source of the first report, + 1 where another source reports it too."""
    source = np.zeros(len(first), dtype=np.int64)
    reports = np.zeros(len(first), dtype=np.int64)
    for code, when in days:
        source = np.where((source == 0) & (when == first) & (first < NEVER), code, source)
        reports += when < NEVER
    return source + ((reports > 1) & (source > 0))


def first_occurrences(
    rng: np.random.Generator,
    people: Population,
    outcomes: Outcomes,
    episodes: Episodes,
    diagnoses: Diagnoses,
    certified_day: Ints,
) -> FirstOccurrences:
    """The derived fields, from the same records that the other tables hold.

    certified_day : day of death where a certificate names osteoporosis, else NEVER.
    """
    n = len(people)
    kind = outcomes.osteoporosis_kind
    hospital = (40, outcomes.osteoporosis_hospital_day)
    others = [
        (30, outcomes.osteoporosis_gp_day),
        (50, outcomes.osteoporosis_self_day),
        (20, certified_day),
    ]
    # Only hospital codes say "with fracture"; what others say of the same disease is M81.
    of_field = {
        "M80": [(code, np.where(kind == 0, when, NEVER)) for code, when in [hospital]],
        "M81": [(hospital[0], np.where(kind == 1, hospital[1], NEVER))]
        + [(code, np.where(kind < 2, when, NEVER)) for code, when in others],
        "M82": [(code, np.where(kind == 2, when, NEVER)) for code, when in [hospital, *others]],
    }
    day = {name: np.minimum.reduce([when for _, when in reports]) for name, reports in of_field.items()}
    sources = {name: _sources(reports, day[name]) for name, reports in of_field.items()}

    muscle = np.flatnonzero(np.isin(diagnoses.code, _M62) & ~diagnoses.is_icd9)
    in_hospital = np.full(n, NEVER)
    at = diagnoses.episode[muscle]
    np.minimum.at(in_hospital, episodes.person[at], episodes.day[at])
    in_gp = np.where(
        (outcomes.gp_provider > 0) & (rng.random(n) < 0.006), people.visit_day - rng.integers(-2000, 9000, n), NEVER
    )
    gp_end = np.array([0, *(p.GP_END[k] for k in (1, 2, 3, 4))])[outcomes.gp_provider]
    in_gp = np.where((in_gp <= gp_end) & (in_gp < outcomes.death_day), in_gp, NEVER)
    day["M62"] = np.minimum(in_hospital, in_gp)
    sources["M62"] = _sources([(40, in_hospital), (30, in_gp)], day["M62"])
    for when in day.values():
        dated = np.flatnonzero(when < NEVER)
        spoilt = dated[rng.random(len(dated)) < PLACEHOLDER_SHARE]
        if len(dated) and not len(spoilt):
            spoilt = dated[-1:]
        when[spoilt] = rng.choice(PLACEHOLDER_DAYS, size=len(spoilt))
    return FirstOccurrences(day, sources)


@dataclass(frozen=True, slots=True)
class Deaths:
    """One element per certificate; causes are rows of (certificate, arr_index, level, code)."""

    person: Ints
    ins_index: Ints
    day: Ints
    nation: Ints
    cause_certificate: Ints
    cause_arr_index: Ints
    cause_level: Ints
    cause: Ints  # index into CAUSES
    certified_day: Ints  # (n,), where osteoporosis is named


CAUSES: tuple[str, ...] = tuple(
    dict.fromkeys(
        [code for code, _ in catalogue.DEATH_CAUSES]
        + [code for code, _ in catalogue.CONTRIBUTORY_CAUSES]
        + ["M819", "M809"]
    )
)
_CAUSE_INDEX = {code: index for index, code in enumerate(CAUSES)}


def _causes(rng: np.random.Generator, rows: tuple[tuple[str, float], ...], n: int) -> Ints:
    weights = np.array([weight for _, weight in rows])
    drawn = rng.choice(len(rows), size=n, p=weights / weights.sum())
    return np.array([_CAUSE_INDEX[code] for code, _ in rows])[drawn]


def draw_deaths(rng: np.random.Generator, people: Population, outcomes: Outcomes) -> Deaths:
    """Certificates: one per death, a second one (ins_index 1) for a few, mostly with the same date."""
    dead = np.flatnonzero(outcomes.death_record_day < NEVER)
    again = dead[rng.random(len(dead)) < SECOND_CERTIFICATE_SHARE]
    if len(dead) and not len(again):
        again = dead[:1]
    person = np.concatenate([dead, again])
    ins_index = np.concatenate([np.zeros(len(dead), dtype=np.int64), np.ones(len(again), dtype=np.int64)])
    day = outcomes.death_record_day[person] + (ins_index == 1) * (rng.random(len(person)) < 0.1)
    order = np.lexsort((ins_index, person))
    person, ins_index, day = person[order], ins_index[order], day[order]
    m = len(person)
    primary = _causes(rng, catalogue.DEATH_CAUSES, m)
    primary = of_own_sex(primary, people.is_male[person], CAUSES, catalogue.INSTEAD["death"])
    certificate = np.repeat(np.arange(m), np.minimum(rng.poisson(1.5, m), 8))
    further = _causes(rng, catalogue.CONTRIBUTORY_CAUSES, len(certificate))
    named = np.flatnonzero(outcomes.is_osteoporosis_on_certificate[person])
    c_certificate = np.concatenate([np.arange(m), certificate, named])
    c_code = np.concatenate([primary, further, np.full(len(named), _CAUSE_INDEX["M819"])])
    c_level = np.concatenate([np.ones(m, np.int64), np.full(len(certificate) + len(named), 2)])
    order = np.lexsort((c_level, c_code, c_certificate))
    c_certificate, c_code, c_level = c_certificate[order], c_code[order], c_level[order]
    is_new = np.r_[True, (c_certificate[1:] != c_certificate[:-1]) | (c_code[1:] != c_code[:-1])][: len(c_code)]
    c_certificate, c_code, c_level = c_certificate[is_new], c_code[is_new], c_level[is_new]
    order = np.lexsort((c_level, c_certificate))
    c_certificate, c_code, c_level = c_certificate[order], c_code[order], c_level[order]
    starts = np.flatnonzero(np.r_[True, c_certificate[1:] != c_certificate[:-1]][: len(c_certificate)])
    arr_index = np.arange(len(c_certificate)) - np.repeat(starts, np.diff(np.r_[starts, len(c_certificate)]))
    certified = np.full(len(people), NEVER)
    certified[person[named]] = day[named]
    return Deaths(person, ins_index, day, people.nation[person], c_certificate, arr_index, c_level, c_code, certified)


@dataclass(frozen=True, slots=True)
class PrimaryCare:
    """gp_clinical, gp_scripts and gp_registrations rows; codes and drugs index the catalogue, -1 = under study."""

    event_person: Ints
    event_day: Ints
    event_code: Ints
    script_person: Ints
    script_day: Ints
    script_drug: Ints
    registered_person: Ints
    registered_day: Ints
    left_day: Ints


def draw_primary_care(rng: np.random.Generator, people: Population, outcomes: Outcomes) -> PrimaryCare:
    """Rows of the linked 45 %, up to the end of each provider's data or death."""
    linked = np.flatnonzero(outcomes.gp_provider > 0)
    gp_end = np.array([0, *(p.GP_END[k] for k in (1, 2, 3, 4))])[outcomes.gp_provider]
    last = np.minimum(gp_end, outcomes.death_day)
    registered = linked
    registered_day = people.birth_day[linked] + rng.integers(0, 18000, len(linked))
    registered_day = np.minimum(registered_day, people.visit_day[linked] - 30)
    left = rng.random(len(linked)) < 0.06
    left_day = np.where(left & (last[linked] > people.visit_day[linked]), last[linked], NEVER)

    def spread(rate: float) -> tuple[Ints, Ints]:
        person = np.repeat(linked, rng.poisson(rate, len(linked)))
        first = p.day("1990-01-01")
        return person, first + (rng.random(len(person)) * (last[person] - first)).astype(np.int64)

    person, day = spread(GP_EVENTS_PER_PERSON)
    weights = np.array([weight for _, weight in catalogue.READ_BACKGROUND])
    code = rng.choice(len(weights), size=len(person), p=weights / weights.sum())
    cases = np.flatnonzero(outcomes.osteoporosis_gp_day < NEVER)
    person = np.concatenate([person, cases])
    day = np.concatenate([day, outcomes.osteoporosis_gp_day[cases]])
    code = np.concatenate([code, np.full(len(cases), -1)])
    spoilt = (rng.random(len(day)) < 0.001) & (code >= 0)
    day = np.where(spoilt, rng.choice(PLACEHOLDER_DAYS, size=len(day)), day)
    order = np.lexsort((day, person))
    s_person, s_day = spread(GP_SCRIPTS_PER_PERSON)
    drug_weights = np.array([weight for *_, weight in catalogue.BNF_DRUGS])
    drug = rng.choice(len(drug_weights), size=len(s_person), p=drug_weights / drug_weights.sum())
    treated = cases[rng.random(len(cases)) < 0.6]
    s_person = np.concatenate([s_person, treated])
    s_day = np.concatenate([s_day, outcomes.osteoporosis_gp_day[treated] + rng.integers(0, 30, len(treated))])
    drug = np.concatenate([drug, np.full(len(treated), -1)])
    s_order = np.lexsort((s_day, s_person))
    return PrimaryCare(
        person[order], day[order], code[order], s_person[s_order], s_day[s_order], drug[s_order],
        registered, registered_day, left_day,
    )  # fmt: skip

"""Hospital episodes and their diagnoses and operations, as hesin, hesin_diag and hesin_oper hold them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from warehouse.synthetic import catalogue
from warehouse.synthetic import parameters as p
from warehouse.synthetic.outcomes import NEVER, Outcomes
from warehouse.synthetic.population import Bools, Floats, Ints, Population, covariate_scores

EPISODES_PER_PERSON = 9.0  # background, over the whole record [choice, near the real table]
FURTHER_DIAGNOSES = 1.5  # mean number of level 2 rows per background episode [choice]
OPERATION_SHARE = 0.22
LATER_MENTIONS = 1.1  # mean number of later episodes that mention a chronic code again [choice]
UNFINISHED_SHARE = 0.004  # epistat 1
NO_EPISTART_SHARE = 0.006  # the date is then the admission's
MOVED_SHARE = 0.012  # treated in another nation than that of the centre
PRIMARY, SECONDARY, EXTERNAL = 1, 2, 3

# Every code is an index into these: strings are only made when a block is written.
CODES: tuple[str, ...] = tuple(
    dict.fromkeys(
        [code for code, _, _ in catalogue.ICD10]
        + [code for code, _ in catalogue.EXTERNAL_CAUSES + catalogue.TRANSPORT_CAUSES]
        + [code for group in catalogue.OSTEOPOROSIS_ICD10 for code, _ in group]
        + [code for code, _ in catalogue.SARCOPENIA_ICD10 + catalogue.FRACTURES_ICD10]
    )
)
ICD9_CODES: tuple[str, ...] = tuple(code for code, _ in catalogue.ICD9)
_INDEX = {code: index for index, code in enumerate(CODES)}
SORTED_RANK = np.argsort(np.argsort(np.array(CODES)))  # alphabetical rank of each code


@dataclass(frozen=True, slots=True)
class Episodes:
    """One element per episode, sorted by participant and ins_index."""

    person: Ints
    ins_index: Ints
    day: Ints
    nation: Ints
    has_epistart: Bools
    is_unfinished: Bools
    is_icd9: Bools
    days_in_before: Ints  # admission before episode start
    length_days: Ints
    operation: Ints  # index into catalogue.OPCS4, -1 none

    def __len__(self) -> int:
        return len(self.person)


@dataclass(frozen=True, slots=True)
class Diagnoses:
    """One element per diagnosis row, sorted by episode and arr_index; `code` indexes CODES or ICD9_CODES."""

    episode: Ints
    arr_index: Ints
    level: Ints
    code: Ints
    is_icd9: Bools


def _weighted(rng: np.random.Generator, rows: tuple[tuple[str, float], ...], n: int) -> Ints:
    weights = np.array([weight for _, weight in rows], dtype=np.float64)
    drawn = np.searchsorted(np.cumsum(weights / weights.sum())[:-1], rng.random(n), side="right")
    return np.array([_INDEX[code] for code, _ in rows])[drawn]


def of_own_sex(code: Ints, is_male: Bools, names: Sequence[str], instead: str) -> Ints:
    """Codes with those of the other sex replaced."""
    for_women = np.isin(np.array(names), catalogue.WOMEN_ONLY)
    for_men = np.isin(np.array(names), catalogue.MEN_ONLY)
    return np.where(np.where(is_male, for_women[code], for_men[code]), list(names).index(instead), code)


def _first_weights() -> tuple[tuple[str, float], ...]:
    return tuple((code, first) for code, first, _ in catalogue.ICD10)


def _further_weights() -> tuple[tuple[str, float], ...]:
    return tuple((code, further) for code, _, further in catalogue.ICD10)


def _stratified_days(rng: np.random.Generator, n: int, first: int, last: int) -> Ints:
    """n days whose density rises over the years up to `last`, then falls off as records thin out.

    Stratified, not independent: the count of a month is then smooth, as in half a million people, so that the rule
    "last month with more than 90 % of the mean of the three before" finds the planted end in a small cohort too.
    """
    span = last - first + 1
    month = 30.4 / span
    edges = np.concatenate(([0.0, 0.5, 1.0], 1.0 + month * np.arange(1, len(p.RECORDS_AFTER_END) + 1)))
    density = np.concatenate(([0.85, 1.15], 1.15 * np.array(p.RECORDS_AFTER_END)))
    mass = np.concatenate(([0.0], np.cumsum(density * np.diff(edges))))
    u = (rng.permutation(n) + rng.random(n)) / max(n, 1) * mass[-1]
    return first + (np.interp(u, mass, edges) * span).astype(np.int64)


@dataclass(slots=True)
class _Draft:
    """Episodes and diagnoses as they are collected: lists of equal-length arrays."""

    person: list[Ints]
    day: list[Ints]
    is_icd9: list[Bools]
    d_episode: list[Ints]
    d_level: list[Ints]
    d_code: list[Ints]
    n: int = 0

    def add(self, person: Ints, day: Ints, *, is_icd9: bool = False) -> Ints:
        """Append episodes; returns their numbers."""
        self.person.append(person)
        self.day.append(day)
        self.is_icd9.append(np.full(len(person), is_icd9))
        numbers = np.arange(self.n, self.n + len(person))
        self.n += len(person)
        return numbers

    def diagnose(self, episode: Ints, code: Ints, level: int | Ints) -> None:
        self.d_episode.append(episode)
        self.d_code.append(code)
        self.d_level.append(np.broadcast_to(np.asarray(level, dtype=np.int64), episode.shape))


def draw_hospital(rng: np.random.Generator, people: Population, outcomes: Outcomes) -> tuple[Episodes, Diagnoses]:
    """Background episodes plus those in which osteoporosis and M62.5 are coded."""
    draft = _Draft([], [], [], [], [], [])
    _add_background(rng, draft, people, outcomes)
    _add_icd9(rng, draft, people)
    hospital_end = np.array(p.HOSPITAL_END)[people.nation]
    kinds = outcomes.osteoporosis_kind
    for kind, codes in enumerate(catalogue.OSTEOPOROSIS_ICD10):
        who = np.flatnonzero((outcomes.osteoporosis_hospital_day < NEVER) & (kinds == kind))
        _add_chronic(
            rng,
            draft,
            who,
            outcomes.osteoporosis_hospital_day,
            people.is_male,
            outcomes,
            hospital_end,
            codes,
            kind == 0,
        )
    who = np.flatnonzero(outcomes.sarcopenia_hospital_day < NEVER)
    coded_day = outcomes.sarcopenia_hospital_day
    _add_chronic(rng, draft, who, coded_day, people.is_male, outcomes, hospital_end, catalogue.SARCOPENIA_ICD10, False)
    return _assemble(rng, draft, people)


def _background_rate(people: Population) -> Floats:
    """Episodes per person: only what M2 adjusts for, so that the negative control stays null given M2."""
    scores = covariate_scores(people)
    log_rate = 0.40 * scores["age"] + 0.12 * scores["deprivation"] + 0.25 * scores["current_smoker"]
    return EPISODES_PER_PERSON * np.exp(log_rate - 0.12)


def _add_background(rng: np.random.Generator, draft: _Draft, people: Population, outcomes: Outcomes) -> None:
    counts = rng.poisson(_background_rate(people) * rng.gamma(1.2, 1 / 1.2, len(people)))
    person = np.repeat(np.arange(len(people)), counts)
    day = np.empty(len(person), dtype=np.int64)
    nation = people.nation[person]
    for which in range(len(p.NATION_NAMES)):
        here = np.flatnonzero(nation == which)
        first = max(p.HOSPITAL_START[which], p.ICD10_START)
        day[here] = _stratified_days(rng, len(here), first, p.HOSPITAL_END[which])
    alive = day < outcomes.death_day[person]
    person, day = person[alive], day[alive]
    number = draft.add(person, day)
    n = len(number)
    instead = catalogue.INSTEAD["icd10"]
    is_male = people.is_male[person]
    first_code = of_own_sex(_weighted(rng, _first_weights(), n), is_male, CODES, instead)
    draft.diagnose(number, first_code, PRIMARY)
    n_further = np.minimum(rng.poisson(FURTHER_DIAGNOSES, n), 7)
    further = _weighted(rng, _further_weights(), int(n_further.sum()))
    further = of_own_sex(further, np.repeat(is_male, n_further), CODES, instead)
    draft.diagnose(np.repeat(number, n_further), further, SECONDARY)
    injured = number[np.char.startswith(np.array(CODES), "S")[first_code]]
    draft.diagnose(injured, _weighted(rng, catalogue.EXTERNAL_CAUSES, len(injured)), EXTERNAL)
    struck = number[rng.random(n) < catalogue.TRANSPORT_EPISODE_SHARE]
    draft.diagnose(struck, _weighted(rng, catalogue.TRANSPORT_CAUSES, len(struck)), EXTERNAL)


def _add_icd9(rng: np.random.Generator, draft: _Draft, people: Population) -> None:
    scots = np.flatnonzero(people.nation == p.SCOTLAND)
    person = np.repeat(scots, rng.poisson(1.1, len(scots)))
    day = rng.integers(p.HOSPITAL_START[p.SCOTLAND], p.day("1996-03-31"), len(person))
    number = draft.add(person, day, is_icd9=True)
    weights = np.array([weight for _, weight in catalogue.ICD9])
    drawn = rng.choice(len(weights), size=len(person), p=weights / weights.sum())
    code = of_own_sex(drawn, people.is_male[person], ICD9_CODES, catalogue.INSTEAD["icd9"])
    draft.diagnose(number, code, PRIMARY)


def _add_chronic(
    rng: np.random.Generator,
    draft: _Draft,
    who: Ints,
    first_day: Ints,
    is_male: Bools,
    outcomes: Outcomes,
    hospital_end: Ints,
    codes: tuple[tuple[str, float], ...],
    with_fracture: bool,
) -> None:
    """The first mention of a disease, mostly as a secondary diagnosis, and a few later ones."""
    day = first_day[who]
    code = _weighted(rng, codes, len(who))
    repeats = rng.poisson(LATER_MENTIONS, len(who))
    person = np.concatenate([who, np.repeat(who, repeats)])
    later = np.repeat(day, repeats) + rng.integers(20, 2200, repeats.sum())
    day = np.concatenate([day, later])
    is_first = np.arange(len(person)) < len(who)
    kept = is_first | ((day < outcomes.death_day[person]) & (day <= hospital_end[person]))
    code = np.concatenate([code, np.repeat(code, repeats)])[kept]
    person, day = person[kept], day[kept]
    number = draft.add(person, day)
    if with_fracture:
        draft.diagnose(number, _weighted(rng, catalogue.FRACTURES_ICD10, len(number)), PRIMARY)
        draft.diagnose(number, code, SECONDARY)
        return
    is_primary = rng.random(len(number)) < 0.3
    draft.diagnose(number, code, np.where(is_primary, PRIMARY, SECONDARY))
    other = number[~is_primary]
    along = of_own_sex(
        _weighted(rng, _first_weights(), len(other)), is_male[person[~is_primary]], CODES, catalogue.INSTEAD["icd10"]
    )
    draft.diagnose(other, along, PRIMARY)


def _assemble(rng: np.random.Generator, draft: _Draft, people: Population) -> tuple[Episodes, Diagnoses]:
    person = np.concatenate(draft.person)
    day = np.concatenate(draft.day)
    n = len(person)
    # ins_index follows time only roughly, and skips numbers.
    order = np.lexsort((day + rng.normal(0, 300, n), person))
    person, day = person[order], day[order]
    starts = np.flatnonzero(np.r_[True, person[1:] != person[:-1]])
    steps = 1 + (rng.random(n) < 0.03) * rng.integers(1, 4, n)
    running = np.cumsum(steps)
    ins_index = running - np.repeat(running[starts], np.diff(np.r_[starts, n]))
    is_icd9 = np.concatenate(draft.is_icd9)[order]
    elsewhere = rng.integers(0, 3, n)
    # Only while the other nation's records last: a straggler would move the computed end of its follow-up.
    moved = (rng.random(n) < MOVED_SHARE) & (day <= np.array(p.HOSPITAL_END)[elsewhere])
    nation = np.where(moved, elsewhere, people.nation[person])
    nation = np.where(is_icd9, p.SCOTLAND, nation)
    d_episode = np.concatenate(draft.d_episode)
    d_level = np.concatenate(draft.d_level)
    d_code = np.concatenate(draft.d_code)
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n)
    d_episode = place[d_episode]
    # The same code twice in one episode is one row, at its most important level.
    d_order = np.lexsort((d_level, d_code, d_episode))
    d_episode, d_level, d_code = d_episode[d_order], d_level[d_order], d_code[d_order]
    is_new = np.r_[True, (d_episode[1:] != d_episode[:-1]) | (d_code[1:] != d_code[:-1])]
    d_episode, d_level, d_code = d_episode[is_new], d_level[is_new], d_code[is_new]
    d_order = np.lexsort((d_level, d_episode))
    d_episode, d_level, d_code = d_episode[d_order], d_level[d_order], d_code[d_order]
    d_starts = np.flatnonzero(np.r_[True, d_episode[1:] != d_episode[:-1]])
    arr_index = np.arange(len(d_episode)) - np.repeat(d_starts, np.diff(np.r_[d_starts, len(d_episode)]))
    # An episode that names a disease under study is finished, so that no case hangs on that rule alone.
    studied = np.isin(d_code, _STUDIED) & ~is_icd9[d_episode]
    is_studied = np.zeros(n, dtype=np.bool_)
    is_studied[d_episode[studied]] = True
    length = np.where(rng.random(n) < 0.55, 0, rng.geometric(0.22, n))
    operation = np.where(rng.random(n) < OPERATION_SHARE, _operations(rng, n), -1)
    episodes = Episodes(
        person=person, ins_index=ins_index, day=day, nation=nation,
        has_epistart=rng.random(n) >= NO_EPISTART_SHARE,
        is_unfinished=(rng.random(n) < UNFINISHED_SHARE) & ~is_studied,
        is_icd9=is_icd9, days_in_before=np.where(rng.random(n) < 0.88, 0, rng.integers(1, 9, n)),
        length_days=length, operation=operation,
    )  # fmt: skip
    return episodes, Diagnoses(d_episode, arr_index, d_level, d_code, is_icd9[d_episode])


def _operations(rng: np.random.Generator, n: int) -> Ints:
    weights = np.array([weight for _, weight in catalogue.OPCS4])
    return np.searchsorted(np.cumsum(weights / weights.sum())[:-1], rng.random(n), side="right")


_STUDIED = np.array([index for index, code in enumerate(CODES) if code[:3] in {"M80", "M81", "M82", "M62"}])

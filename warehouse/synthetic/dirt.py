"""What forms and devices recorded at baseline: codes instead of answers, blanks, devices that fail, slips of the pen.

Values are raw field values as floats, NaN where the cell is empty. Special codes follow the coding of each field
(-1 do not know, -3 prefer not to answer, -7 none of the above, -10 less than one, -2, -5). No recording fault depends
on an outcome, so complete-case analyses of the recorded values stay valid.
"""

import numpy as np

from warehouse.synthetic import parameters as p
from warehouse.synthetic.exposures import Exposures
from warehouse.synthetic.outcomes import Outcomes
from warehouse.synthetic.population import Bools, Floats, Ints, Population, happens

Answers = dict[str, Floats]

# From this day both heels were measured (4105, 4124) instead of one (3148) [showcase: 278,878 against 196,610].
BOTH_HEELS_DAY = p.day("2009-04-28")
QUALIFICATION_CODE = {"degree": 1, "a_level": 2, "o_level": 3, "cse": 4, "nvq": 5, "professional": 6}
SLIP_SHARE = 0.0008  # values out of any plausible range [choice]
DYNAMOMETERS = 120  # device ids in use at baseline [choice]


def blank(rng: np.random.Generator, values: Floats | Ints, share: float | Floats) -> Floats:
    """Values with a share of empty cells."""
    out = np.asarray(values, dtype=np.float64).copy()
    out[rng.random(len(out)) < share] = np.nan
    return out


def with_codes(rng: np.random.Generator, values: Floats | Ints | Bools, shares: dict[float, float]) -> Floats:
    """Values with a share of each special code; the code NaN stands for an empty cell."""
    out = np.asarray(values, dtype=np.float64).copy()
    drawn = rng.random(len(out))
    low = 0.0
    for code, share in shares.items():
        out[(drawn >= low) & (drawn < low + share)] = code
        low += share
    return out


def slips(rng: np.random.Generator, values: Floats, wrong: float) -> Floats:
    """A few values replaced by value * wrong: misplaced decimals and typing slips."""
    out = values.copy()
    out[rng.random(len(out)) < SLIP_SHARE] *= wrong
    return out


def baseline_answers(rng: np.random.Generator, people: Population, exposures: Exposures) -> Answers:
    """The baseline fields that any adjustment set reads, by canonical name; multi-selects are in `baseline_choices`."""
    return _who_and_where(rng, people) | _lifestyle(rng, people) | _body(rng, people, exposures) | _health(rng, people)


def _who_and_where(rng: np.random.Generator, people: Population) -> Answers:
    birth = people.birth_day.astype("datetime64[D]")
    month = birth.astype("datetime64[M]").astype(np.int64)
    age = np.floor(people.age_years)
    townsend = blank(rng, np.round(people.townsend, 5), 0.0012)
    income = with_codes(rng, people.income + 1, {-3.0: 0.098, -1.0: 0.042, np.nan: 0.009})
    return {
        "p31": people.is_male.astype(np.float64),
        "p34": (1970 + month // 12).astype(np.float64),
        "p52": (1 + month % 12).astype(np.float64),
        "p21022": age,
        "p21003_i0": age,
        "p53_i0": people.visit_day.astype(np.float64),
        "p54_i0": people.centre.astype(np.float64),
        "p21000_i0": with_codes(rng, people.ethnicity_code, {-3.0: 0.0032, -1.0: 0.0004, np.nan: 0.0018}),
        "p22189": townsend,
        "p738_i0": income,
    }


def _lifestyle(rng: np.random.Generator, people: Population) -> Answers:
    n = len(people)
    smoking = with_codes(rng, people.smoking, {-3.0: 0.004, np.nan: 0.0018})
    pack_years = np.where(people.smoking > 0, np.maximum(np.round(people.pack_years * 8) / 8, 0.125), np.nan)
    sleep = with_codes(rng, people.sleep_hours, {-1.0: 0.0065, -3.0: 0.0008, np.nan: 0.0018})
    # IPAQ needs every one of six answers: missing more often with less education [published: 21 % missing].
    no_ipaq = happens(rng, -1.33 - 0.35 * (people.education - 3.7) / 2.2)
    activity = np.where(no_ipaq, np.nan, people.activity)
    met = np.where(no_ipaq, np.nan, np.round(people.met_minutes / 1.5) * 1.5)
    portions = {-1.0: 0.004, -3.0: 0.001, np.nan: 0.0018}

    def amount(values: Ints) -> Floats:
        less_than_one = (values == 0) & (rng.random(n) < 0.7)
        return with_codes(rng, np.where(less_than_one, -10, values), portions)

    alcohol = with_codes(rng, people.alcohol + 1, {-3.0: 0.0012, np.nan: 0.0018})
    ever_drank = rng.random(n) < 0.55
    return {
        "p20116_i0": smoking,
        "p20161_i0": blank(rng, pack_years, 0.33),
        "p1160_i0": sleep,
        "p1200_i0": with_codes(rng, 1 + rng.binomial(2, 0.52, n), {-3.0: 0.001, np.nan: 0.0018}),
        "p22040_i0": met,
        "p22032_i0": activity,
        "p20117_i0": np.where(alcohol == -3, -3, np.where(people.alcohol < 5, 2.0, np.where(ever_drank, 1.0, 0.0))),
        "p1558_i0": alcohol,
        "p1309_i0": amount(people.fruit),
        "p1289_i0": amount(people.vegetables),
        "p1329_i0": with_codes(rng, people.oily_fish, {-1.0: 0.005, -3.0: 0.0008, np.nan: 0.0018}),
        "p1349_i0": with_codes(rng, people.processed_meat, {-1.0: 0.002, -3.0: 0.0006, np.nan: 0.0018}),
    }


def hands(rng: np.random.Generator, greater_kg: Floats) -> tuple[Floats, Floats]:
    """Left and right grip in whole kg, the greater hand as given; a few zeros are recorded as zeros."""
    lesser = np.maximum(greater_kg - np.abs(rng.normal(0.8, 2.6, len(greater_kg))), 0.0)
    is_right = rng.random(len(greater_kg)) < 0.64
    left = np.round(np.where(is_right, lesser, greater_kg))
    right = np.round(np.where(is_right, greater_kg, lesser))
    left[rng.random(len(left)) < 0.0015] = 0.0
    right[rng.random(len(right)) < 0.0015] = 0.0
    return left, right


def composition(rng: np.random.Generator, people: Population, lean_kg: Floats, fat_kg: Floats, suffix: str) -> Answers:
    """Bioimpedance fields of one visit from whole-body lean and fat mass; one in fifty was not measured."""
    sex = people.is_male.astype(np.int64)
    leg = np.array([0.1590, 0.1650])[sex] * lean_kg
    arm = np.array([0.0500, 0.0600])[sex] * lean_kg
    side = rng.normal(0.0, 0.012, (4, len(people)))
    whole = {
        "p23100": fat_kg,
        "p23101": lean_kg,
        "p23113": leg * (1 + side[0]),
        "p23117": leg * (1 + side[1]),
        "p23121": arm * (1 + side[2]),
        "p23125": arm * (1 + side[3]),
    }
    not_measured = rng.random(len(people)) < 0.019
    return {f"{name}{suffix}": np.where(not_measured, np.nan, np.round(kg, 1)) for name, kg in whole.items()}


def _body(rng: np.random.Generator, people: Population, exposures: Exposures) -> Answers:
    n = len(people)
    square = (people.height_cm / 100) ** 2
    lean_kg, fat_kg = exposures.lean_mass_index * square, people.fat_mass_index * square
    height = slips(rng, blank(rng, np.round(people.height_cm * 2) / 2, 0.005), 0.1)
    weight = slips(rng, blank(rng, np.round(lean_kg + fat_kg, 1), 0.0055), 10.0)
    left, right = hands(rng, exposures.grip_kg)
    no_grip = rng.random(n) < 0.005
    pace = with_codes(rng, exposures.pace_level, {-3.0: 0.0012, np.nan: 0.0045})
    pace[happens(rng, -6.3 - 1.3 * (exposures.pace_level - 2.0))] = -7.0
    return {
        "p50_i0": height,
        "p21002_i0": weight,
        "p21001_i0": np.round(weight / (height / 100) ** 2, 4),
        "p46_i0": np.where(no_grip, np.nan, slips(rng, left, 10.0)),
        "p47_i0": np.where(no_grip | (rng.random(n) < 0.001), np.nan, right),
        "p924_i0": pace,
    } | composition(rng, people, lean_kg, fat_kg, "_i0") | _heels(rng, people, exposures)  # fmt: skip


def _heels(rng: np.random.Generator, people: Population, exposures: Exposures) -> Answers:
    n = len(people)
    sex = people.is_male.astype(np.int64)
    side_sd = np.array(p.BODY.heel_side_sd_g_per_cm2)[sex]
    left, right = (np.maximum(exposures.heel_bmd + side_sd * rng.standard_normal(n), 0.06) for _ in range(2))
    both = people.visit_day >= BOTH_HEELS_DAY
    no_scan = rng.random(n) < 0.055
    one = np.where(both | no_scan, np.nan, slips(rng, np.where(rng.random(n) < 0.5, left, right), 10.0))
    left = np.where(~both | no_scan | (rng.random(n) < 0.008), np.nan, left)
    right = np.where(~both | no_scan | (rng.random(n) < 0.008), np.nan, right)
    failed = np.array([3.0, 6.0, 7.0])[rng.integers(0, 3, n)]
    return {
        "p3148_i0": np.round(one, 3),
        "p4105_i0": np.round(left, 3),
        "p4124_i0": np.round(right, 3),
        "p19_i0": np.where(both, np.nan, np.where(no_scan, failed, 1.0)),
    } | {
        name: np.round(t_score(np.round(bmd, 3)), 2)
        for name, bmd in (("p78_i0", one), ("p4106_i0", left), ("p4125_i0", right))
    }  # fmt: skip


def t_score(bmd: Floats) -> Floats:
    """The device's T-score: linear in its BMD."""
    return (bmd - 0.575) / 0.135


def _health(rng: np.random.Generator, people: Population) -> Answers:
    n = len(people)
    women = ~people.is_male
    unsure = {-1.0: 0.003, -3.0: 0.0008, np.nan: 0.0018}

    def women_only(values: Floats) -> Floats:
        return np.where(women, values, np.nan)

    menopause_age = np.minimum(np.round(rng.normal(50.2, 4.2, n)), np.floor(people.age_years))
    menopause_age = np.where(people.menopause == 1, np.maximum(menopause_age, 25), np.nan)
    vitamin_d = np.where(people.vitamin_d < 10, np.nan, people.vitamin_d)
    return {
        "p2724_i0": women_only(with_codes(rng, people.menopause, {-3.0: 0.0012, np.nan: 0.0018})),
        "p3581_i0": women_only(np.where(np.isnan(menopause_age), np.nan, with_codes(
            rng, menopause_age, {-1.0: 0.05, -3.0: 0.003}))),
        "p2814_i0": women_only(with_codes(rng, people.ever_hrt, unsure)),
        "p2834_i0": women_only(with_codes(rng, rng.random(n) < 0.08, {-5.0: 0.012, -3.0: 0.002, np.nan: 0.0018})),
        "p2443_i0": with_codes(rng, people.has_diabetes, unsure),
        "p2463_i0": with_codes(rng, people.has_fracture, {-1.0: 0.004, -3.0: 0.0005, np.nan: 0.0018}),
        "p2296_i0": with_codes(
            rng, np.where(people.has_fallen, 2 + (rng.random(n) < 0.3), 1), {-3.0: 0.0012, np.nan: 0.0018}),
        "p30890_i0": np.round(slips(rng, blank(rng, vitamin_d, 0.095), 10.0), 1),
    }  # fmt: skip


def bits(*flags: Bools) -> Ints:
    """Flag k as bit k of one integer: a multi-select answer before it is written."""
    return sum((flag.astype(np.int64) << k for k, flag in enumerate(flags)), np.zeros(len(flags[0]), dtype=np.int64))


# Options of each multi-select field in the order of its bits; the last two are "none of the above" and "prefer not".
CHOICES: dict[str, tuple[str, ...]] = {
    "p6138_i0": ("1", "2", "3", "4", "5", "6", "-7", "-3"),
    "p6155_i0": ("1", "2", "3", "4", "5", "6", "7", "-7", "-3"),
    "p6179_i0": ("1", "2", "3", "4", "5", "6", "-7", "-3"),
    "p6150_i0": ("1", "2", "3", "4", "-7", "-3"),
    "p6153_i0": ("1", "2", "3", "4", "5", "-7", "-1", "-3"),
    "p6177_i0": ("1", "2", "3", "-7", "-1", "-3"),
    "p20002_i0": ("1065", "1309", "1464", "1220", "1111", "1226", "1465", "1473", "1648", "1387", "1452"),
    "p20003_i0": (
        "1140922174", "1141175684", "1140868770", "1140874930", "1140852948", "1140861958", "1141146234",
        "1140884600", "1140879802", "1140868226", "1141191044", "1140881856", "2038460150",
    ),
}  # fmt: skip

OTHER_ILLNESS_SHARE, OTHER_DRUG_SHARE = 0.53, 0.62  # [showcase: 400,877 and 382,887 of 501,938 have an entry]


def baseline_choices(rng: np.random.Generator, people: Population, outcomes: Outcomes) -> dict[str, Ints]:
    """Multi-select answers at baseline as bits over CHOICES; -1 where the cell is empty."""
    n = len(people)

    def sometimes(share: float | Floats) -> Bools:
        return rng.random(n) < share

    def answered(options: Ints, n_options: int, none_bit: int, refusal_bit: int) -> Ints:
        none = options & ((1 << n_options) - 1) == 0
        out = np.where(none, 1 << none_bit, options)
        out = np.where(sometimes(0.003), 1 << refusal_bit, out)
        return np.where(sometimes(0.0025), -1, out)

    best = people.education
    named = {name: best == level for level, name in enumerate(p.EDUCATION)}
    academic = named["degree"] | named["a_level"] | named["professional"]
    schooling = bits(
        named["degree"],
        named["a_level"] | (named["degree"] & sometimes(0.72)),
        named["o_level"] | (academic & sometimes(0.70)),
        named["cse"] | (named["nvq"] & sometimes(0.3)),
        named["nvq"] | (named["degree"] & sometimes(0.04)),
        named["professional"] | (named["degree"] & sometimes(0.45)),
    )
    vitamins = bits(*(sometimes(share) for share in (0.05, 0.06, 0.13)), people.takes_vitamin_d,
                    sometimes(0.06), sometimes(0.03), sometimes(0.20))  # fmt: skip
    minerals = bits(sometimes(0.31), sometimes(0.19), people.takes_calcium, *(sometimes(s) for s in (0.06, 0.04, 0.02)))
    heart = people.has_cardiovascular
    attack = heart & sometimes(0.42)
    stroke = heart & sometimes(0.30)
    angina = heart & (sometimes(0.5) | ~(attack | stroke))
    vascular = bits(attack, angina, stroke, people.has_hypertension)
    statin = happens(rng, -2.35 + 1.9 * heart + 1.3 * people.has_diabetes + 0.07 * (people.age_years - 56.5))
    pressure_drug = people.has_hypertension & sometimes(0.72)
    insulin = people.has_diabetes & sometimes(0.2)
    hrt_now = people.ever_hrt & sometimes(0.13)
    women = answered(bits(statin, pressure_drug, insulin, hrt_now, sometimes(0.015)), 5, 5, 7)
    men = answered(bits(statin, pressure_drug, insulin), 3, 3, 5)
    unsure = sometimes(0.003)
    illness = bits(
        people.has_hypertension & sometimes(0.93), outcomes.reports_osteoporosis, people.has_rheumatoid_arthritis,
        people.has_diabetes & sometimes(0.85), sometimes(0.115), sometimes(0.048), sometimes(0.085),
        sometimes(0.12), people.has_fracture & sometimes(0.01), sometimes(0.055),
    )  # fmt: skip
    which = rng.random(n)
    drug = outcomes.uses_bone_drug
    drugs = bits(
        drug & (which < 0.78), drug & (which >= 0.78) & (which < 0.93), drug & (which >= 0.93),
        people.uses_steroid, (drug & sometimes(0.35)) | sometimes(0.012), statin & sometimes(0.68),
        statin & sometimes(0.26), people.has_diabetes & sometimes(0.45), pressure_drug & sometimes(0.3),
        sometimes(0.10), sometimes(0.045), sometimes(0.04),
    )  # fmt: skip
    # Of those with none of the above, as many name eczema or paracetamol as the Showcase counts answers. A stream of
    # their own: the draws around them stay as they were.
    others = rng.spawn(1)[0]
    illness |= ((illness == 0) & (others.random(n) < OTHER_ILLNESS_SHARE)).astype(np.int64) << 10
    drugs |= ((drugs == 0) & (others.random(n) < OTHER_DRUG_SHARE)).astype(np.int64) << 12
    return {
        "p6138_i0": answered(schooling, 6, 6, 7),
        "p6155_i0": answered(vitamins, 7, 7, 8),
        "p6179_i0": answered(minerals, 6, 6, 7),
        "p6150_i0": answered(vascular, 4, 4, 5),
        "p6153_i0": np.where(people.is_male, -1, np.where(unsure, 1 << 6, women)),
        "p6177_i0": np.where(people.is_male, np.where(unsure, 1 << 4, men), -1),
        "p20002_i0": np.where(illness == 0, -1, illness),
        "p20003_i0": np.where(drugs == 0, -1, drugs),
    }

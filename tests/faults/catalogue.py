"""The faults: what happened, in which file, what put it in, which door stops it and by the name of which check."""

# ruff: noqa: E501  a fault a line reads as the table it is

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tests.faults.raw_files import RawFiles

Door = Literal["ingest", "raw", "staging", "marts"]


@dataclass(frozen=True, slots=True)
class Fault:
    """caught_by : names of expectations; at ingest, words of the refusal or of the ledger of rejects."""

    what: str
    files: tuple[str, ...]
    corrupt: Callable[[RawFiles], None]
    door: Door
    caught_by: tuple[str, ...]


def sql(*statements: str) -> Callable[[RawFiles], None]:
    return lambda files: files.sql(*statements)


def of_others(column: str, table: str = "participant") -> str:
    """The column of the person seven rows before: right values, wrong people."""
    return (
        f"update {table} set {column} = other.{column} from (select eid, lag({column}, 7) over (order by eid) as "
        f"{column} from {table}) as other where {table}.eid = other.eid"
    )


def scaled(column: str, by: str, table: str = "participant", where: str = "true") -> str:
    return f"update {table} set {column} = cast(try_cast({column} as double) {by} as varchar) where {column} is not null and {where}"


P, HES, DEATH, GP = (
    ("participant",),
    ("hesin", "hesin_diag"),
    ("death", "death_cause"),
    ("gp_clinical", "gp_registrations", "gp_scripts"),
)
OLINK, GWAS = ("olink", "helper_files"), ("gwas", "ld_scores")
PLATE = "(select p30901_i0 from participant where p30901_i0 is not null group by 1 order by count(*) desc, 1 limit 1)"
NMR_PLATE = (
    "(select p23649_i0 from participant where p23649_i0 is not null group by 1 order by count(*) desc, 1 limit 1)"
)


def lose_month(files: RawFiles) -> None:
    """The English episodes of one month, with their diagnoses and operations."""
    lost = "hesin.dsource = 'HES' and hesin.epistart like '2012-05-%'"
    of_episode = [
        f"delete from {table} using hesin where {table}.eid = hesin.eid and {table}.ins_index = hesin.ins_index and {lost}"
        for table in ("hesin_diag", "hesin_oper")
    ]
    files.sql(*of_episode, f"delete from hesin where {lost}")


BATCH = '(select "Batch" from olink_batch_number group by 1 order by count(*) desc, 1 limit 1)'


def offset_plate(files: RawFiles) -> None:
    """Every protein of one plate two NPX higher."""
    raise_npx(files, by=2, plates=PLATE)


def offset_batch(files: RawFiles) -> None:
    """Every protein of one batch one NPX higher."""
    raise_npx(files, by=1.5, plates=f'(select "PlateID" from olink_batch_number where "Batch" = {BATCH})')


def raise_npx(files: RawFiles, *, by: float, plates: str) -> None:
    """Every protein of the people on the plates of a query."""
    names = files.path("olink").read_text().partition("\n")[0].split(",")
    columns = [name.split(".")[1] for name in names[1:]]
    raised = ", ".join(f'"{name}" = cast(try_cast("{name}" as double) + {by} as varchar)' for name in columns)
    files.sql(f"update olink set {raised} where eid in (select eid from participant where p30901_i0 in {plates})")


AT_INGEST = (
    Fault("the participant file broke off in the middle of a line", P, lambda f: f.cut("participant", 0.6), "ingest", ("cells, as the header",)),
    Fault("the date of the visit was not exported", P, sql("alter table participant drop column p53_i0"), "ingest", ("the export has field 53",)),
    Fault("participants have no id column", P, lambda f: f.replace("participant", r"participant\.eid,", "participant.id,"), "ingest", ("a participant table has an eid column",)),
    Fault("a column stands twice under one name", P, lambda f: f.replace("participant", r"p21002_i0", "p50_i0"), "ingest", ("a column stands once in a header",)),
    Fault("dates in two orders in one column", (*P, *DEATH), sql("update death set date_of_death = case when right(eid, 1) < '5' then strftime(cast(date_of_death as date), '%d/%m/%Y') else strftime(cast(date_of_death as date), '%m/%d/%Y') end"), "ingest", ("all dates of a file have one order",)),
    Fault("registers of deaths by their meanings (REPLACE coding)", DEATH, sql("update death set dsource = 'NHS Central Register, Scotland'"), "ingest", ("dsource is one of E/W, SCOT",)),
    Fault("a GWAS file broke off while it was unpacked", GWAS, lambda f: f.cut("sarcopenia", 0.5), "ingest", ("a gzip file ends with its end marker",)),
    Fault("a GWAS file without its effect allele", GWAS, sql("alter table sarcopenia drop column effect_allele"), "ingest", ("both alleles and an effect",)),
    Fault("two exports appended to each other", P, sql("insert into participant select * from participant limit 40"), "ingest", ("a participant stands in one row",)),
    Fault("meanings in place of codes in one column (REPLACE coding)", P, sql("update participant set p924_i0 = case p924_i0 when '1' then 'Slow pace' when '2' then 'Steady average pace' when '3' then 'Brisk pace' else p924_i0 end"), "ingest", ("a file holds codes or meanings throughout",)),
    Fault("hospital codes of other people", (*P, *HES), sql(of_others("p41270")), "ingest", ("as many entries in p41280 as codes in p41270",)),
    Fault("decimal commas", P, sql("update participant set p23099_i0 = replace(p23099_i0, '.', ',')"), "ingest", ("a numeric field holds numbers", "decimal commas")),
    Fault("words where nothing was measured", P, sql("update participant set p46_i0 = 'unknown' where right(eid, 1) = '4'"), "ingest", ("a numeric field holds numbers", "these cells are words")),
    Fault("years of two digits in the dates of death", (*P, *DEATH), sql("update death set date_of_death = strftime(cast(date_of_death as date), '%d/%m/%y')"), "ingest", ("write years with four digits",)),
    Fault("dates of the visit as day numbers of a spreadsheet", P, sql("update participant set p53_i0 = cast(cast(p53_i0 as date) - date '1899-12-30' as varchar)"), "ingest", ("day numbers of a spreadsheet",)),
    Fault("episodes dated year, day, month", (*P, *HES), sql("update hesin set epistart = strftime(cast(epistart as date), '%Y-%d-%m')"), "ingest", ("a date is a day of the calendar",)),
    Fault("a column renamed by hand", P, lambda f: f.replace("participant", r"participant\.p924_i0", "p924_0"), "ingest", ("built of a field's number: p924_0",)),
    Fault("sex was exported without values", P, sql("update participant set p31 = null"), "ingest", ("all its cells are empty",)),
    Fault("proteins appended to themselves", OLINK, sql("insert into olink select * from olink limit 40"), "ingest", ("a protein has one result for a participant and visit",)),
    Fault("codes of a list parted by commas", P, sql("update participant set p20002_i0 = replace(replace(replace(p20002_i0, '[', ''), ']', ''), '\"', '')"), "ingest", ("an array cell is a JSON list",)),
    Fault("prescriptions with the ids of another application", (*P, *GP), sql("update gp_scripts set eid = 'OTHER' || eid"), "ingest", ("tables of one project share participants",)),
)  # fmt: skip

AT_RAW = (
    Fault("columns shifted by one from age onward", P, sql("update participant set p21022 = p22189, p22189 = p21022"), "raw", ("age_fits_birth_and_visit",)),
    Fault("swapped sexes", P, sql("update participant set p31 = case p31 when '1' then '0' else '1' end"), "raw", ("sexes_differ_as_they_do", "sex_confirmed_genetically")),
    Fault("kilograms written as grams", P, sql(scaled("p21002_i0", "* 1000")), "raw", ("numbers_mostly_plausible",)),
    Fault("pounds for kilograms", P, sql(scaled("p21002_i0", "* 2.2046")), "raw", ("body_mass_index_confirmed",)),
    Fault("height in metres for a tenth", P, sql(scaled("p50_i0", "/ 100", where="right(eid, 1) = '1'")), "raw", ("numbers_mostly_plausible",)),
    Fault("heel bone density in milligrams", P, sql(scaled("p3148_i0", "* 1000")), "raw", ("numbers_mostly_plausible",)),
    Fault("one hand's grip in pounds", P, sql(scaled("p47_i0", "* 2.2046")), "raw", ("hands_agree",)),
    Fault("trunk mass in another unit", P, sql(scaled("p23129_i0", "/ 2")), "raw", ("lean_mass_confirmed",)),
    Fault("waist in inches", P, sql(scaled("p48_i0", "/ 2.54")), "raw", ("numbers_mostly_plausible",)),
    Fault("day and month swapped in the date of the visit", P, sql("update participant set p53_i0 = case when day(cast(p53_i0 as date)) <= 12 then strftime(cast(p53_i0 as date), '%Y-%d-%m') else p53_i0 end"), "raw", ("age_fits_birth_and_visit",)),
    Fault("only dates whose day and month can be exchanged were kept", (*P, *HES), sql("update hesin set epistart = case when day(cast(epistart as date)) <= 12 then strftime(cast(epistart as date), '%Y-%d-%m') end"), "raw", ("days_and_months_not_swapped",)),
    Fault("the minus of special codes was lost", P, sql("update participant set p20116_i0 = replace(p20116_i0, '-', '9')"), "raw", ("codes_are_known",)),
    Fault("a column cut off after a third of the rows", P, sql("update participant set p20116_i0 = null where right(eid, 1) > '3'"), "raw", ("fields_filled_as_in_showcase",)),
    Fault("T-scores of other people", P, sql(of_others("p78_i0")), "raw", ("paired_columns_belong_together",)),
    Fault("shuffled ids in the body measures", P, sql(of_others("p21001_i0")), "raw", ("body_mass_index_confirmed",)),
    Fault("genetic sex of other people", P, sql(of_others("p22001")), "raw", ("sex_confirmed_genetically",)),
    Fault("answers of the women's form given to men", P, sql("update participant set p2724_i0 = '1' where p31 = '1' and right(eid, 1) < '5'"), "raw", ("answers_fit_sex",)),
    Fault("deaths before the visit", P, sql("update participant set p40000_i0 = '2005-05-13' where p40000_i0 is not null"), "raw", ("deaths_after_baseline",)),
    Fault("first occurrences without their sources", P, sql("update participant set p131965 = null"), "raw", ("first_occurrences_have_sources",)),
    Fault("only men were exported", P, sql("delete from participant where p31 = '0'"), "raw", ("share_female_as_published",)),
    Fault("years of birth of other people", P, sql(of_others("p34")), "raw", ("age_fits_birth_and_visit",)),
    Fault("smoking coded the other way round", P, sql("update participant set p20116_i0 = case p20116_i0 when '0' then '2' when '2' then '0' else p20116_i0 end"), "raw", ("share_never_smokers_as_published",)),
    Fault("answers such as prefer not to answer were left out (EXCLUDE coding)", P, sql("update participant set " + ", ".join(f"{column} = case when {column} not in ('-1', '-3') then {column} end" for column in ("p738_i0", "p20116_i0", "p20117_i0", "p1558_i0", "p924_i0", "p1160_i0", "p1309_i0", "p1289_i0", "p1329_i0", "p1349_i0", "p21000_i0", "p2443_i0", "p2463_i0", "p2296_i0", "p2724_i0", "p2814_i0"))), "raw", ("special_codes_were_exported",)),
    Fault("half of the answers turned into do not know", P, sql("update participant set p1160_i0 = '-1' where p1160_i0 is not null and right(eid, 1) < '5'"), "raw", ("special_codes_in_proportion",)),
    Fault("most of the cohort in the list of withdrawals", (*P, "withdrawals"), sql("insert into withdrawals select eid from participant where right(eid, 1) < '6'"), "raw", ("share_withdrawn_not_large",)),
    Fault("episodes cut off, their diagnoses kept", (*P, *HES), sql("delete from hesin where try_cast(ins_index as integer) > 0 and right(eid, 1) > '4'"), "raw", ("records_have_their_parent",)),
    Fault("a hospital file that broke off", (*P, *HES), lambda f: f.cut("hesin", 0.5), "raw", ("records_have_their_parent",)),
    Fault("ids shuffled in the table of deaths", (*P, *DEATH), sql("update death set eid = 'SYN' || lpad(cast(try_cast(right(eid, 6) as integer) + 1 as varchar), 6, '0')"), "raw", ("facts_agree",)),
    Fault("ids shuffled in the table of diagnoses", (*P, *HES), sql("update hesin_diag set eid = 'SYN' || lpad(cast(try_cast(right(eid, 6) as integer) + 7 as varchar), 6, '0')"), "raw", ("records_have_their_parent", "facts_agree")),
    Fault("most prescriptions with the ids of another application", (*P, *GP), sql("update gp_scripts set eid = 'OTHER' || eid where right(eid, 1) <> '3'"), "raw", ("records_not_of_strangers",)),
    Fault("discharges in the future", (*P, *HES), sql("update hesin set disdate = '2090-01-20' where right(eid, 2) = '20'"), "raw", ("dates_not_in_future",)),
    Fault("diagnosis codes cut to three characters", (*P, *HES), sql("update hesin_diag set diag_icd10 = left(diag_icd10, 3)"), "raw", ("facts_agree",)),
    Fault("a truncated protein file", OLINK, sql("delete from olink where eid > 'SYN000750'"), "raw", ("facts_agree",)),
    Fault("a batch offset of 2 NPX on one plate", OLINK, offset_plate, "raw", ("plates_not_offset",)),
    Fault("a batch that was normalised otherwise", OLINK, offset_batch, "raw", ("batches_not_offset",)),
    Fault("a duplicated plate", OLINK, sql(f"update participant set p30901_i0 = {PLATE} where p30901_i0 is not null and p30901_i0 <> {PLATE} and right(eid, 1) < '5'"), "raw", ("plates_hold_96", "wells_hold_one_sample")),
    Fault("counts in place of NPX", OLINK, sql("update olink set il6 = cast(round(1000 * exp(try_cast(il6 as double))) as varchar) where il6 is not null"), "raw", ("protein_results_not_above_range",)),
    Fault("shifted NMR columns", P, sql("update participant set p23401_i0 = p23402_i0, p23402_i0 = p23401_i0"), "raw", ("cholesterol_adds_up",)),
    Fault("logarithms in place of concentrations", P, sql("update participant set p23405_i0 = cast(ln(try_cast(p23405_i0 as double)) as varchar) where try_cast(p23405_i0 as double) > 0"), "raw", ("metabolites_not_negative",)),
    Fault("NMR plates read as short numbers", P, sql("update participant set p23649_i0 = left(p23649_i0, 4)"), "raw", ("metabolite_plates_hold_96",)),
    Fault("an NMR plate measured in milligrams", P, sql(scaled("p23400_i0", "* 38.67", where=f"p23649_i0 = {NMR_PLATE}")), "raw", ("metabolite_plates_alike",)),
    Fault("wells written in another grid", P, sql("update participant set p23660_i0 = 'Z99' where p23660_i0 is not null and right(eid, 1) = '5'"), "raw", ("metabolite_wells_are_wells",)),
    Fault("alleles exchanged in one GWAS", GWAS, sql("update sarcopenia set effect_allele = other_allele, other_allele = effect_allele"), "raw", ("gwas_frequencies_agree",)),
    Fault("an inflated sample size", GWAS, sql("update sarcopenia set n = cast(5 * try_cast(n as double) as varchar)"), "raw", ("gwas_errors_fit_sample_size",)),
    Fault("minus log10 P in the column of P", GWAS, sql("update sarcopenia set p_value = cast(-log10(try_cast(p_value as double)) as varchar)"), "raw", ("gwas_p_values_of_effects",)),
    Fault("effects without their sign", GWAS, sql("update sarcopenia set beta = ltrim(beta, '-')"), "raw", ("gwas_effects_centred",)),
    Fault("odds ratios in the column of log odds ratios", GWAS, sql("update sarcopenia set beta = cast(exp(try_cast(beta as double)) as varchar)"), "raw", ("gwas_effects_centred",)),
    Fault("allele frequencies in percent", GWAS, sql("update sarcopenia set effect_allele_frequency = cast(100 * try_cast(effect_allele_frequency as double) as varchar)"), "raw", ("gwas_frequencies_possible",)),
    Fault("a GWAS of another ancestry than the LD scores", GWAS, sql("update sarcopenia set effect_allele_frequency = cast(try_cast(effect_allele_frequency as double) ** 0.2 as varchar)"), "raw", ("gwas_frequencies_as_in_panel",)),
    Fault("standard errors of half their size", GWAS, sql("update sarcopenia set standard_error = cast(try_cast(standard_error as double) / 2 as varchar)"), "raw", ("gwas_p_values_of_effects",)),
    Fault("variants named by position, unlike the LD scores", GWAS, sql("update sarcopenia set rsid = variant_id"), "raw", ("variants_in_ld_panel",)),
)  # fmt: skip

AT_STAGING = (
    Fault("ICD-9 codes without their leading zeros", HES, sql("update hesin_diag set diag_icd9 = '1' where diag_icd9 is not null"), "staging", ("icd9_codes_look_like_codes",)),
    Fault("a month of English records lost", HES, lose_month, "staging", ("hospital_months_without_gaps",)),
    Fault("a month of English records loaded three times over", HES, sql("insert into hesin select * replace (ins_index || '9' as ins_index) from hesin where dsource = 'HES' and epistart like '2015-03-%'", "insert into hesin select * replace (ins_index || '8' as ins_index) from hesin where dsource = 'HES' and epistart like '2015-03-%' and ins_index not like '%9'"), "staging", ("hospital_months_without_peaks",)),
    Fault("admissions in place of the start of episodes", HES, sql("update hesin set epistart = null where right(eid, 1) in ('7', '8', '9')"), "staging", ("episodes_dated_by_start",)),
    Fault("unfinished episodes were exported", HES, sql("update hesin set epistat = '1' where right(eid, 1) in ('1', '2')"), "staging", ("episodes_finished",)),
    Fault("deaths without their register", DEATH, sql("update death set dsource = ''"), "staging", ("death_registers_known",)),
    Fault("underlying causes of death left out", DEATH, sql("delete from death_cause where level = '1'"), "staging", ("deaths_have_causes",)),
    Fault("Read codes cut to four characters", GP, sql("update gp_clinical set read_3 = left(read_3, 4), read_2 = left(read_2, 4)"), "staging", ("read_codes_look_like_codes",)),
    Fault("heights of other people at the repeat visits", P, sql("update participant set p50_i1 = '195', p50_i2 = '140'"), "staging", ("height_stays",)),
    Fault("ages of other people at the repeat visits", P, sql("update participant set p21003_i2 = cast(try_cast(p21003_i2 as integer) + 6 as varchar) where p21003_i2 is not null"), "staging", ("ages_advance_with_time",)),
    Fault("batches numbered from another release", OLINK, sql("update olink_batch_number set \"Batch\" = cast(try_cast(\"Batch\" as integer) + 8 as varchar)"), "staging", ("batches_known",)),
    Fault("limits of detection of other plates", OLINK, sql("update olink_limit_of_detection set \"PlateID\" = '9' || \"PlateID\""), "staging", ("plates_have_limits",)),
)  # fmt: skip

AT_MARTS = (
    Fault("a censoring date one year early", ("seeds/censoring_dates.csv",), lambda f: None, "marts", ("records_used_to_their_end",)),
)  # fmt: skip


FAULTS = (*AT_INGEST, *AT_RAW, *AT_STAGING, *AT_MARTS)

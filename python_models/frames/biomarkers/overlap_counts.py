"""How many biomarkers two lists share: out of what, beyond chance, and how their effects agree, as rows."""

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from python_models.estimators.mediation.estimated_shares import estimated_shares
from python_models.estimators.mediation.overlap import mediator_overlap
from python_models.estimators.mediation.share_intervals import DENOMINATORS, denominator_sizes, share_interval
from python_models.estimators.scans.correlated_overlap import correlated_overlap
from python_models.estimators.scans.effect_agreement import effect_agreement
from python_models.estimators.scans.panel_correlation import correlated_groups
from python_models.estimators.scans.panel_draws import Spectrum, panel_spectrum
from python_models.frames.biomarkers.biomarker_blocks import PLATFORMS, read_correlation, read_panel
from python_models.frames.biomarkers.biomarker_rows import LEVEL, finite
from python_models.frames.biomarkers.overlap_pairs import BOTH, Pair, Row, shared_of

F8 = npt.NDArray[np.float64]
SEED = 20_260_102
# Biomarkers of a group correlate by more than this on average: in simulated metabolites as correlated as measured ones
# intervals that resample such groups cover in 92 to 98 %, exact binomial ones in 61 to 82 %.
GROUPED_ABOVE = 0.3

# Shares that do not wait for a biomarker to be found twice.
ESTIMATED = ("estimated_share", "estimated_same_direction_share")

COUNTS = [
    ("denominator", pa.string()),
    *((name, pa.int64()) for name in ("n_tested", "n_background", "n_first", "n_second")),
    *((name, pa.int64()) for name in ("n_first_in_background", "n_second_in_background", "n_shared")),
    *((name, pa.int64()) for name in ("n_same_direction", "n_shared_at_fdr")),
    *(
        (name, pa.float64())
        for name in (
            "expected", "share", "share_lower", "share_upper", "same_direction_share", "same_direction_share_lower",
            "same_direction_share_upper", "share_at_fdr", "share_at_fdr_lower", "share_at_fdr_upper",
            "hypergeometric_p", "permutation_p", "permutation_mean", "permutation_upper",
            "same_direction_p", "correlated_p", "correlated_same_direction_p", "effect_correlation", "concordance",
        )
    ),
    ("agreement_refusal", pa.string()),
    *((f"{name}{part}", pa.float64()) for name in ESTIMATED for part in ("", "_lower", "_upper")),
    ("estimated_share_refusal", pa.string()),
    ("refusal", pa.string()),
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Correlations:
    """Of each platform's panel: places of the biomarkers in its correlations (K, K), and groups (K,) of them."""

    place: dict[str, dict[str, int]]
    matrix: dict[str, F8]
    groups: dict[str, npt.NDArray[np.int64]]

    @classmethod
    def of_build(cls, session: duckdb.DuckDBPyConnection) -> "Correlations":
        panels = [panel for one in PLATFORMS if (panel := read_panel(session, platform=one)) is not None]
        return cls.of_panels(
            {one.platform: ([biomarker.name for biomarker in one.kept], read_correlation(one)) for one in panels}
        )

    @classmethod
    def of_panels(cls, panels: dict[str, tuple[list[str], F8]]) -> "Correlations":
        """From names and correlations of each platform."""
        return cls(
            {platform: {name: k for k, name in enumerate(names)} for platform, (names, _) in panels.items()},
            {platform: matrix for platform, (_, matrix) in panels.items()},
            {platform: correlated_groups(matrix, limit=GROUPED_ABOVE) for platform, (_, matrix) in panels.items()},
        )

    def spectrum_among(self, platform: str, biomarkers: Iterable[str]) -> Spectrum | None:
        """Of some biomarkers; None of both platforms together: correlations between platforms are not kept."""
        if platform not in self.matrix:
            return None
        at = [self.place[platform][one] for one in biomarkers]
        return panel_spectrum(self.matrix[platform][np.ix_(at, at)])

    def groups_of(self, pair: Pair) -> npt.NDArray[np.str_]:
        """Labels (m,) of groups of correlated biomarkers, none of two platforms."""
        places = zip(pair.platform, pair.biomarker, strict=True)
        return np.array([f"{one} {self.groups[one][self.place[one][name]]}" for one, name in places], dtype=str)


def _agreement_columns(pair: Pair, platform: str, spectrum: Spectrum | None) -> Row:
    """Correlation and concordance of the effects; p where their errors and the correlations of z scores are known."""
    first, second = pair.path
    if first.size == 0:
        return {"agreement_refusal": "no biomarker is exchangeable: none is moved clearly enough to be on both lists"}
    columns: Row = {"concordance": float((np.sign(first) == np.sign(second)).mean())}
    has_errors = bool(np.isfinite(pair.error[0]).all())
    found = effect_agreement(first, second, errors=pair.error if has_errors else None, spectrum=spectrum, seed=SEED)
    if found is None:
        return {
            **columns,
            "agreement_refusal": f"no correlation: {first.size} biomarkers, or effects that are all equal",
        }
    columns["effect_correlation"] = found.correlation
    if found.correlation_p is not None:
        columns |= {"effect_correlation_p": found.correlation_p, "concordance_p": found.concordance_p}
    elif has_errors:
        columns["agreement_refusal"] = "no p: correlations of biomarkers between platforms are not kept"
    return columns


def _correlated_columns(inside: Pair, platform: str, spectrum: Spectrum | None) -> Row:
    """Chance values that hold where the biomarkers of a platform correlate; none of both platforms together."""
    if platform == BOTH:
        return {}
    first, second = (q < LEVEL for q in inside.q)
    if spectrum is None or not (first & second).any():
        return {"correlated_p": 1.0, "correlated_same_direction_p": 1.0}
    found = correlated_overlap(*inside.z, is_first=first, is_second=second, spectrum=spectrum, seed=SEED)
    return {"correlated_p": found.p, "correlated_same_direction_p": found.same_direction_p}


def count_rows(pair: Pair, common: Row, correlations: Correlations) -> list[Row]:
    """One row per platform (and both together) and denominator."""
    rows = []
    platforms = [platform for platform in PLATFORMS if (pair.platform == platform).any()]
    for platform in (*platforms, *([BOTH] if len(platforms) > 1 else [])):
        these = pair.on(platform)
        signs = [np.where(q < LEVEL, np.sign(e), 0.0) for e, q in zip(these.path, these.q, strict=True)]
        is_shared, is_at_fdr = shared_of(these)
        groups = correlations.groups_of(these)
        found = mediator_overlap(
            sign_first=signs[0],
            sign_second=signs[1],
            strata=these.platform,
            clusters=groups,
            is_background=these.is_background,
            seed=SEED,
        )
        inside = these.in_background()
        # What nothing asks for is not worked out: the panel's eigenvectors are seconds of thousands of proteins.
        is_asked = bool(is_shared.any() or np.isfinite(these.error[0]).all())
        spectrum = correlations.spectrum_among(platform, inside.biomarker) if is_asked and inside.biomarker else None
        shares = {
            "same_direction_share": is_shared & (signs[0] * signs[1] > 0),
            "share_at_fdr": is_at_fdr,
        }
        intervals = {
            name: share_interval(
                counted, is_first=signs[0] != 0, is_second=signs[1] != 0, clusters=groups,
                rng=np.random.default_rng(SEED),
            )
            for name, counted in shares.items()
        }  # fmt: skip
        estimated = estimated_shares(
            *these.z, is_first=signs[0] != 0, is_second=signs[1] != 0, clusters=groups, seed=SEED
        )
        sizes = denominator_sizes(found.n_first, found.n_second, found.n_shared)
        counts: Row = {
            "n_tested": len(these.biomarker),
            "n_background": found.n_background,
            "n_first": found.n_first,
            "n_second": found.n_second,
            "n_first_in_background": found.n_first_in_background,
            "n_second_in_background": found.n_second_in_background,
            "n_shared": found.n_shared,
            "n_same_direction": found.n_same_direction,
            "n_shared_at_fdr": int(is_at_fdr.sum()),
            "expected": found.expected,
            "hypergeometric_p": found.hypergeometric_p,
            "permutation_p": found.permutation_p,
            "permutation_mean": found.permutation_mean,
            "permutation_upper": found.permutation_upper,
            "same_direction_p": found.same_direction_p,
            **_correlated_columns(inside, platform, spectrum),
            **_agreement_columns(inside, platform, spectrum),
        }
        for k, denominator in enumerate(DENOMINATORS):
            row: Row = {
                **common,
                "platform": platform,
                "denominator": denominator,
                **counts,
                "share": finite(found.share[k]),
                "share_lower": finite(found.lower[k]),
                "share_upper": finite(found.upper[k]),
                "refusal": found.refusals[k],
                "estimated_share_refusal": estimated[0].refusals[k],
            }
            for name, one in zip(ESTIMATED, estimated, strict=True):
                for part, values in (("", one.share), ("_lower", one.lower), ("_upper", one.upper)):
                    row[f"{name}{part}"] = finite(values[k])
            for name, counted in shares.items():
                if sizes[k] > 0:
                    row[name] = int(counted.sum()) / int(sizes[k])
                    row[f"{name}_lower"], row[f"{name}_upper"] = (float(limit[k]) for limit in intervals[name])
            rows.append(row)
    return rows

"""Cost of the metrics, as ratios measured in one run.

``python benchmarks/metrics.py`` times every metric, curve and best threshold against
one ``numpy.argsort`` of the same scores: 1,000,000 rows, 1,000 events.

``python benchmarks/metrics.py references`` times published implementations on the
same rows: those of aeon, prts, TSB-AD, dtaianomaly and telemeval that can be imported.
Few can be installed beside skdsn, so they are best put into an environment of their
own, with skdsn on ``PYTHONPATH``.
"""

import argparse
import platform
import time
import warnings

import numpy as np
import pandas as pd
import sklearn

import skdsn
from skdsn import metrics

N_THRESHOLDS = 500
BUFFER = 100


def make_case(seed, n_tracks=100, n_rows=10_000, n_events=1_000):
    """Make labels, flags and scores: events a little higher, alarms of any length."""
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product(
        [range(n_tracks), pd.date_range("2024-01-01", periods=n_rows, freq="s")],
        names=["track", "time"],
    )
    y = np.zeros(len(index), dtype=np.int64)
    cells = len(y) // 100  # at most one event in every hundred rows, so none touch
    begin = 100 * rng.choice(cells, n_events, replace=False)
    for start, length in zip(begin, rng.integers(1, 90, n_events), strict=True):
        y[start + 5 : start + 5 + length] = 1
    flags = np.zeros_like(y)
    near = rng.choice(begin, n_events) + rng.integers(-50, 50, n_events)
    anywhere = rng.integers(0, len(y), n_events)
    for start in np.maximum(np.append(near, anywhere), 0):
        flags[start : start + rng.integers(1, 100)] = 1
    scores = rng.normal(size=len(y)) + 0.5 * y
    return pd.Series(y, index=index), flags, scores


def median_seconds(functions, n_repeats):
    """Time functions in turn, so that a busy moment hits all of them."""
    seconds = {name: [] for name in functions}
    for _ in range(n_repeats):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - start)
    return {name: float(np.median(taken)) for name, taken in seconds.items()}


def of_flags(y, flags):
    """Metrics of flags."""
    families = {
        "row_wise_scores": metrics.row_wise_scores,
        "point_adjusted_scores": metrics.point_adjusted_scores,
        "point_adjusted_area": metrics.point_adjusted_area,
        "event_wise_scores": metrics.event_wise_scores,
        "affiliation_scores": metrics.affiliation_scores,
        "range_based_scores": metrics.range_based_scores,
        "alarm_rates": metrics.alarm_rates,
        "adtqc_scores": metrics.adtqc_scores,
    }
    calls = {name: lambda f=f: f(y, flags) for name, f in families.items()}
    calls["point_adjusted_scores, k=20"] = lambda: metrics.point_adjusted_scores(
        y, flags, k=20
    )
    calls["event_wise_scores, telemanom"] = lambda: metrics.event_wise_scores(
        y, flags, corrected=False, matching="first"
    )
    labels, predictions = esa_tables(y, flags)
    calls["esa_adb_scores"] = lambda: metrics.esa_adb_scores(labels, predictions)
    return calls


def of_scores(y, scores):
    """Metrics, curves and best thresholds of scores."""
    calls = {
        "average_precision": lambda: metrics.average_precision(y, scores),
        "roc_auc": lambda: metrics.roc_auc(y, scores),
        f"vus_scores, buffer={BUFFER}": lambda: metrics.vus_scores(
            y, scores, buffer=BUFFER
        ),
        "threshold_for_budget": lambda: metrics.threshold_for_budget(
            y, scores, max_false_alarms=100
        ),
    }
    for name in ("row_f1", "point_adjusted_f1", "event_f1", "alarming_precision"):
        calls[f"best {name}"] = lambda name=name: metrics.best_threshold(
            name, y, scores
        )
    calls["best point_adjusted_f1, k=20"] = lambda: metrics.best_threshold(
        "point_adjusted_f1", y, scores, k=20
    )
    for name in ("point_adjusted_f1", "event_f1"):
        calls[f"curve {name}"] = lambda name=name: metrics.threshold_curve(
            name, y, scores
        )
    return calls


def esa_tables(y, flags):
    """Put the rows of all tracks one after the other, as one channel."""
    times = pd.date_range("2024-01-01", periods=len(y), freq="s")
    flags = pd.Series(flags, index=times)
    events = metrics.find_events(y.to_numpy(), tracks=times)
    labels = pd.DataFrame(
        {
            "ID": [f"id_{number}" for number in range(len(events))],
            "Channel": "c",
            "StartTime": events["start_time"],
            "EndTime": events["end_time"],
            "Category": "Anomaly",
        }
    )
    return labels, {"c": flags}


def time_metrics(options):
    """Print what each metric costs, in units of one sort."""
    y, flags, scores = make_case(options.seed)
    calls = {"numpy.argsort": lambda: np.argsort(scores)}
    calls |= of_flags(y, flags) | of_scores(y, scores)
    taken = median_seconds(calls, options.repeats)
    sort = taken["numpy.argsort"]
    for name, seconds in taken.items():
        print(f"{name:<30} {1e3 * seconds:8.1f} ms  {seconds / sort:6.2f} x argsort")

    # The loop of common use: percentiles of the scores, one full evaluation each.
    grid = np.percentile(scores, np.linspace(0, 100, 10))

    def loop():
        return max(metrics.point_adjusted_f1(y, scores >= t) for t in grid)

    looped = median_seconds({"loop": loop}, 3)["loop"] * N_THRESHOLDS / len(grid)
    ratio = looped / taken["best point_adjusted_f1"]
    print(
        f"point_adjusted_f1 in a loop over {N_THRESHOLDS} thresholds (from {len(grid)} "
        f"of them): {looped:.1f} s, {ratio:.0f} x best point_adjusted_f1"
    )
    # What the volume cannot do without: a sum over the rows near events per buffer.
    near = np.ones(int(y.sum()) + 1_000 * BUFFER)
    least = median_seconds({"sum": lambda: np.cumsum(near)}, 9)["sum"] * (BUFFER + 1)
    ratio = taken[f"vus_scores, buffer={BUFFER}"] / (least + sort)
    print(
        f"vus_scores: {ratio:.1f} x one sort and a sum per buffer, which is its limit"
    )


def references(y, flags, scores):
    """Pair published implementations with ours, as (package, theirs, ours)."""
    truth = y.to_numpy()

    def load_aeon():
        from aeon.benchmarking.metrics import anomaly_detection as aeon

        yield (
            "range-based P, R",
            lambda: (
                aeon.range_precision(truth, flags),
                aeon.range_recall(truth, flags),
            ),
            lambda: metrics.range_based_scores(truth, flags),
        )
        yield (
            "VUS-PR, buffer 10",
            lambda: aeon.range_pr_vus_score(truth, scores, max_buffer_size=10),
            lambda: metrics.vus_scores(truth, scores, buffer=10, variant="v2022"),
        )

    def load_prts():
        import prts

        yield (
            "range-based P, R",
            lambda: (
                prts.ts_precision(truth, flags, cardinality="reciprocal"),
                prts.ts_recall(truth, flags, cardinality="reciprocal"),
            ),
            lambda: metrics.range_based_scores(truth, flags),
        )

    def load_tsb_ad():
        from TSB_AD.evaluation.basic_metrics import basic_metricor, generate_curve

        yield (
            "VUS, buffer 10",
            lambda: generate_curve(truth, scores, 10, "opt", 250),
            lambda: metrics.vus_scores(truth, scores, buffer=10, variant="tsb_ad"),
        )
        yield (
            "best point-adjusted F1",
            lambda: basic_metricor().metric_PointF1PA(truth, scores),
            lambda: metrics.best_point_adjusted_f1(truth, scores),
        )

    def load_telemeval():
        from telemeval.metrics._affiliation_vendor import generics
        from telemeval.metrics._affiliation_vendor import metrics as affiliation

        convert = generics.convert_vector_to_events
        alarms, events = convert(flags.tolist()), convert(truth.tolist())
        yield (
            "affiliation",
            lambda: affiliation.pr_from_events(alarms, events, (0, len(truth))),
            lambda: metrics.affiliation_scores(truth, flags),
        )

    def load_dtaianomaly():
        from dtaianomaly import evaluation as dtaianomaly

        yield (
            "affiliation precision",
            lambda: dtaianomaly.AffiliationPrecision().compute(truth, flags),
            lambda: metrics.affiliation_scores(truth, flags),
        )

    return {
        "aeon": load_aeon,
        "prts": load_prts,
        "TSB-AD": load_tsb_ad,
        "telemeval": load_telemeval,
        "dtaianomaly": load_dtaianomaly,
    }


def time_references(options):
    """Print what published implementations cost, in units of ours."""
    small = references(*make_case(options.seed, n_tracks=2, n_events=20))
    for package, load in references(*make_case(options.seed)).items():
        try:
            pairs = list(load())
        except ImportError as error:
            print(f"{package:<12} not measured: {error}")
            continue
        for (name, theirs, ours), (_, compile_, _) in zip(
            pairs, small[package](), strict=True
        ):
            compile_()
            ours = median_seconds({"ours": ours}, 5)["ours"]
            theirs = median_seconds({"theirs": theirs}, 3)["theirs"]
            print(
                f"{package:<12} {name:<24} {theirs:8.3f} s, ours {1e3 * ours:7.1f} ms: "
                f"{theirs / ours:7.0f} x"
            )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=["metrics", "references"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=5, help="the median is taken")
    options = parser.parse_args()
    print(
        f"skdsn {skdsn.__version__}, numpy {np.__version__}, pandas {pd.__version__}, "
        f"scikit-learn {sklearn.__version__}, Python {platform.python_version()}, "
        f"{platform.machine()}; 1,000,000 rows, 1,000 events, seed {options.seed}"
    )
    # Others warn of their own divisions; it is their cost that is of interest here.
    warnings.simplefilter("ignore")
    (time_references if options.what == "references" else time_metrics)(options)


if __name__ == "__main__":
    main()

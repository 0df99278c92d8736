"""The public station feed: link states, mis-lock, and documents per minute.

Run ``python benchmarks/dsn_now.py link-states ahead mislock feed``; some minutes per
seed. All data are generated: debug strings are in the feed up to 2021 only, and the few
answers stored since then are too few to say anything.

``link-states`` tells the state of each row from all but the downlink itself, forward in
time, on whole contacts held out, and forward within each complex; ``ahead`` the state,
and a loss of lock, five minutes on, from the row itself. Beside the four models stand
the most frequent state, states drawn as often as in training, and persistence, which
is told the state of the row before (``ahead``: of the row). ``mislock`` learns usual
carriers on the first half of the time, and looks for planted locks on another
spacecraft in the second half. ``feed`` parses and joins documents of all forms.
"""

import argparse
import platform
import time

import numpy as np
import pandas as pd
import sklearn
from sklearn.metrics import average_precision_score, precision_recall_fscore_support

import skdsn
from skdsn.dsn_now import (
    MislockDetector,
    add_beam_counts,
    compare_link_state_models,
    concat_feeds,
    link_state_labels,
    make_dsn_now,
    make_link_state_classifier,
    parse_feed,
    to_telemetry,
)

STRIDE = 5  # minutes between training rows
AHEAD = "5min"


def rows_of(options, seed):
    """Generate rows at one a minute, and tell how many there are."""
    feed = make_dsn_now(options.days, interval=60.0, random_state=seed)
    X = add_beam_counts(to_telemetry(feed))
    contacts = X.index.get_level_values(0).nunique()
    print(f"seed {seed}: {len(X)} rows of {contacts} contacts")
    return feed, X


def compared(title, *arguments, **options):
    """Compare, and print the figures and which states are told how well."""
    start = time.perf_counter()
    found = compare_link_state_models(*arguments, stride=STRIDE, **options)
    print(f"\n{title} ({time.perf_counter() - start:.0f} s)")
    print(found.table.round(3).to_string())
    for subset, reason in found.skipped.items():
        print(f"{subset}: {reason}")
    if "all" in found.table.index:
        models = found.predictions.columns[1:]
        recall = {m: found.states.loc[("all", m), "recall"] for m in models}
        print("recall by state\n" + pd.DataFrame(recall).round(2).to_string())
    return found


def link_states(options):
    for seed in range(options.seeds):
        _, X = rows_of(options, seed)
        y = link_state_labels(X)
        print(y.value_counts(dropna=False).to_string())
        models = {
            name: make_link_state_classifier(name, stride=STRIDE, random_state=seed)
            for name in ("forest", "logistic", "naive_bayes", "linear_svc")
        }
        models["forest, told the row before"] = make_link_state_classifier(
            "forest", previous=True, stride=STRIDE, random_state=seed
        )
        compared("forward, an hour between", X, y, models=models, random_state=seed)
        compared("whole contacts, three folds", X, y, cv=3, random_state=seed)
        compared("forward, by complex", X, y, by="location", random_state=seed)


def ahead(options):
    for seed in range(options.seeds):
        _, X = rows_of(options, seed)
        for target in ("state", "lost"):
            y = link_state_labels(X, horizon=AHEAD, target=target)
            title = f"{target}, {AHEAD} ahead, forward in time"
            found = compared(title, X, y, horizon=AHEAD, random_state=seed)
            if target == "state":
                changing(found)


def changing(found):
    """Print what is told of the rows whose state changes: persistence tells nothing."""
    told = found.predictions
    changes = told["truth"] != told["persistence"]
    print(f"{changes.mean():.4f} of the rows change their state; of these are told")
    for model in told.columns[1:]:
        right = (told[model] == told["truth"])[changes].mean()
        alarms = told[model] != told["persistence"]
        true = changes[alarms].mean() if alarms.any() else np.nan
        print(f"  {model}: {right:.3f}; {true:.3f} of the changes it tells happen")


def mislock_truth(X, events):
    """Label the rows of planted locks on another spacecraft."""
    name = X.index.get_level_values(0).astype("str").str.rsplit("/", n=1).str[0]
    times = X.index.get_level_values(1)
    y = np.zeros(len(X), dtype=int)
    for event in events[events["kind"] == "wrong_spacecraft"].itertuples():
        receiver = f"{event.dish}/{event.spacecraft}"
        receiver += f"#{event.seq}" if event.seq else ""
        y[(name == receiver) & (times >= event.start) & (times <= event.end)] = 1
    return y


def mislock(options):
    rows = []
    for seed in range(options.seeds):
        feed, X = rows_of(options, seed)
        y = mislock_truth(X, feed.events)
        times = X.index.get_level_values(1)
        late = times >= times.min() + (times.max() - times.min()) / 2
        for name, changes in {
            "frequency and power": {},
            "frequency alone": {"power_weight": 0.0},
            "power, frequency hardly": {"doppler": 1e6, "power_weight": 1.0},
        }.items():
            detector = MislockDetector(**changes).fit(X[~late])
            flags = detector.predict(X[late]) == -1
            scores = -detector.score_samples(X[late])
            precision, recall, _, _ = precision_recall_fscore_support(
                y[late], flags, average="binary", zero_division=0
            )
            rows.append(
                {
                    "detector": name,
                    "precision": precision,
                    "recall": recall,
                    "average precision": average_precision_score(y[late], scores),
                    "by chance": y[late].mean(),
                    "rows": y[late].sum(),
                }
            )
    print(pd.DataFrame(rows).groupby("detector").mean().round(4).to_string())


def feed(options):
    for form in (1, 2, 3, 4):
        simulated = make_dsn_now(0.1, interval=20.0, form=form, random_state=0)
        documents = list(simulated.documents(form))
        size = np.mean([len(document) for document in documents])
        start = time.perf_counter()
        parsed = [parse_feed(document) for document in documents]
        middle = time.perf_counter()
        X = to_telemetry(concat_feeds(parsed))
        end = time.perf_counter()
        print(
            f"form {form}: {len(documents)} documents of {size:.0f} bytes, "
            f"{60 * len(documents) / (middle - start):.0f} parsed per minute; "
            f"{len(X)} rows joined, {len(X) / (end - middle):.0f} per second"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parts = {
        "link-states": link_states,
        "ahead": ahead,
        "mislock": mislock,
        "feed": feed,
    }
    parser.add_argument("parts", nargs="*", metavar="|".join(parts))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--days", type=float, default=9.6)
    options = parser.parse_args()
    print(
        f"Python {platform.python_version()}, skdsn {skdsn.__version__}, scikit-learn "
        f"{sklearn.__version__}, pandas {pd.__version__}, "
        f"{options.seeds} seeds from 0, {options.days} days"
    )
    for part in options.parts or parts:
        print(f"\n{part}")
        parts[part](options)


if __name__ == "__main__":
    main()

"""``skdsn score``."""

from pathlib import Path

import pandas as pd
from sklearn.pipeline import Pipeline

from skdsn.cli._detectors import load_detector
from skdsn.cli._print import counted, print_alarms
from skdsn.cli._read import read_data, read_raw_telemetry
from skdsn.detectors import ChannelwiseDetector
from skdsn.report import event_table, score_table, write_report
from skdsn.streaming import StreamingDetector


def run(args):
    """Score telemetry and write the report.

    Parameters
    ----------
    args : argparse.Namespace
    """
    detector, columns = load_detector(args.detector)
    if Path(args.telemetry).is_dir() and "mission" in columns:
        X = read_raw_telemetry(args.telemetry, columns, allow_pickle=args.allow_pickle)
    else:
        X = read_data(args, columns).X
    if args.chunk_rows is None:
        scores = score_table(detector, X)
    else:
        scores = _score_in_chunks(detector, X, args.chunk_rows)
    write_report(args.out, scores)
    alarms = _events(detector, X)
    if alarms is None:
        alarms = event_table(scores)
    print(
        f"Scored {counted(len(scores), 'row')}: {scores['anomaly'].sum():,} flagged, "
        f"in {counted(len(alarms), 'alarm')}."
    )
    print_alarms(alarms)
    print(f"Wrote {args.out}")


def _events(detector, X):
    """List the events with the channels responsible, or None where there are none."""
    last = detector[-1] if isinstance(detector, Pipeline) else detector
    if not isinstance(last, ChannelwiseDetector):
        return None
    if last is not detector:
        X = detector[:-1].transform(X)
    return last.events(X).drop(columns="n_channels")


def _score_in_chunks(detector, X, size):
    if size < 1:
        raise ValueError(f"--chunk-rows must be at least 1; got {size}.")
    stream = StreamingDetector(detector)
    parts = []
    for first in range(0, len(X), size):
        parts.append(stream.update(X.iloc[first : first + size]))
        stream.forget(*stream.tracks_[:-1])  # in a file, a track ends for good
    return pd.concat(parts)

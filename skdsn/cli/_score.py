"""``skdsn score``."""

from functools import partial
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
        trusted = args.allow_pickle
        frames = read_raw_telemetry(args.telemetry, columns, allow_pickle=trusted)
    else:
        frames = [read_data(args, columns).X]
    # By map, since the name of a loop would hold a frame while the next one is read.
    scored = map(partial(_score, detector, chunk_rows=args.chunk_rows), frames)
    tables, events = zip(*scored, strict=True)
    scores = pd.concat(tables)
    write_report(args.out, scores)
    alarms = event_table(scores) if events[0] is None else pd.concat(events)
    print(
        f"Scored {counted(len(scores), 'row')}: {scores['anomaly'].sum():,} flagged, "
        f"in {counted(len(alarms), 'alarm')}."
    )
    print_alarms(alarms)
    print(f"Wrote {args.out}")


def _score(detector, X, chunk_rows):
    """Give the table of scores, and the events with the channels responsible."""
    if chunk_rows is None:
        return score_table(detector, X), _events(detector, X)
    return _score_in_chunks(detector, X, chunk_rows), _events(detector, X)


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

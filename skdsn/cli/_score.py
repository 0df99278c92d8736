"""``skdsn score``."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from skdsn.base import inner_estimator
from skdsn.cli._detectors import load_detector
from skdsn.cli._print import counted, print_alarms
from skdsn.cli._read import (
    counting_from,
    read_chunks,
    read_data,
    read_raw_telemetry,
)
from skdsn.cli._report import print_windows
from skdsn.cli._targets import check_targets
from skdsn.detectors import ChannelwiseDetector
from skdsn.report import (
    channel_errors,
    event_table,
    score_table,
    window_report,
    write_report,
)
from skdsn.report._files import check_suffix
from skdsn.report._stages import error_step
from skdsn.streaming import StreamingDetector, stream_steps, without_tracks

# Of the rows that are not flagged, one in so many tells which errors are usual.
_THINNED = 20


def run(args):
    """Score telemetry and write the report.

    Parameters
    ----------
    args : argparse.Namespace
    """
    out = args.out or (None if args.report else "report.csv")
    option = "--out" if args.out else "--out, which is not given,"
    check_targets(
        {option: out, "--report": args.report},
        {"detector": args.detector, "telemetry": args.telemetry},
    )
    for path in filter(None, (out, args.report)):
        check_suffix(path)
    detector, columns = load_detector(args.detector)
    explain = args.report is not None and args.extended and _has_errors(detector)
    valued = {}
    frames = _noting(_frames(args, columns), valued)
    score = _score_whole if args.chunk_rows is None else _score_in_chunks
    parts = list(score(detector, frames, explain))
    _warn_of_empty(detector, valued)
    tables, events, errors = zip(*parts, strict=True)
    scores = pd.concat(tables)
    if out:
        write_report(out, scores)
    alarms = event_table(scores) if events[0] is None else pd.concat(events)
    print(
        f"Scored {counted(len(scores), 'row')}: {scores['anomaly'].sum():,} flagged, "
        f"in {counted(len(alarms), 'alarm')}."
    )
    print_alarms(alarms)
    if out:
        print(f"Wrote {out}")
    if args.report:
        if hasattr(detector, "predict_proba"):
            scores = scores.assign(probability=scores["score"])
        report = window_report(
            scores,
            args.window,
            extended=args.extended,
            errors=pd.concat(errors) if explain else None,
        )
        write_report(args.report, report)
        print_windows(report)
        print(f"Wrote {args.report}")


def _frames(args, columns):
    """Give the telemetry, whole or in chunks."""
    size = args.chunk_rows
    raw = Path(args.telemetry).is_dir() and "mission" in columns
    if raw:
        trusted = args.allow_pickle
        frames = read_raw_telemetry(args.telemetry, columns, allow_pickle=trusted)
    elif size is None or args.spacecraft:
        frames = [read_data(args, columns).X]
    else:
        return read_chunks(args, columns, size)
    if size is None:
        return frames
    return (X.iloc[i : i + size] for X in frames for i in range(0, len(X), size))


def _noting(frames, valued):
    """Pass telemetry on, and note for each column whether it has any value."""
    for X in frames:
        for name, any_value in X.notna().any().items():
            valued[name] = valued.get(name, False) or any_value
        yield X
        del X  # before the next one is read


def _warn_of_empty(detector, valued):
    """Tell which columns the imputer had to make up."""
    for step in getattr(inner_estimator(detector), "named_steps", {}).values():
        filled = getattr(step, "fill_values_", {})
        empty = [name for name in filled if not valued.get(name, True)]
        if empty:
            who, stand_in = f"Column {empty[0]!r} has", "value of training stands in"
            if empty[1:]:
                named = ", ".join(map(repr, empty[:5]))
                more = f" and {len(empty) - 5} others" if empty[5:] else ""
                who = f"Columns {named}{more} have"
                stand_in = "values of training stand in"
            warnings.warn(
                f"{who} no value in the telemetry; the {stand_in}.",
                UserWarning,
                stacklevel=2,
            )


def _score_whole(detector, frames, explain):
    """Score whole tracks: scores, events with the channels responsible, and errors."""
    begin = 0
    for X in frames:
        scores, events = score_table(detector, X), _events(detector, X)
        errors = _thin(channel_errors(detector, X), scores, begin) if explain else None
        del X  # before the next one is read
        begin += len(scores)
        yield scores, events, errors


def _events(detector, X):
    """List the events with the channels responsible, or None where there are none."""
    last = detector[-1] if isinstance(detector, Pipeline) else detector
    if not isinstance(last, ChannelwiseDetector):
        return None
    if last is not detector:
        X = detector[:-1].transform(X)
    return last.events(X).drop(columns="n_channels")


def _has_errors(detector):
    try:
        error_step(detector)
    except ValueError:
        return False
    return True


def _thin(errors, scores, begin):
    """Keep errors of flagged rows, and some to tell what is usual."""
    kept = scores["anomaly"].to_numpy() == 1
    kept[-begin % _THINNED :: _THINNED] = True  # the same ones in any chunks
    return errors[kept].astype(np.float32)


def _score_in_chunks(detector, chunks, explain):
    """Score chunk by chunk, and carry what the stages remember of the last track."""
    stream, ended = StreamingDetector(detector), set()
    errors_of = _ErrorStream(detector) if explain else None
    for chunk in chunks:
        begin = stream.n_rows_
        with counting_from(begin):
            scores = stream.update(chunk)
        errors = _thin(errors_of.update(chunk), scores, begin) if explain else None
        del chunk  # before the next one is read
        again = ended.intersection(stream.tracks_)
        if again:
            raise ValueError(
                f"The rows of track {min(again, key=str)!r} do not stand together; "
                "sort the file by track and time."
            )
        over = stream.tracks_[:-1]  # in a file, a track ends for good
        stream.forget(*over)
        if explain:
            errors_of.forget(over)
        ended.update(over)
        yield scores, None, errors


class _ErrorStream:
    """Compute the errors by channel, chunk by chunk."""

    def __init__(self, detector):
        step, names = error_step(detector)
        self.pipeline = inner_estimator(detector)
        self.stop = list(self.pipeline.named_steps).index(step) + 1
        self.columns = [name for name in names if name.startswith("error_")]
        self.state = None

    def update(self, chunk):
        output, self.state = stream_steps(
            self.pipeline, chunk, self.state, chunk.index, stop=self.stop
        )
        return output[self.columns]

    def forget(self, tracks):
        self.state = without_tracks(self.state, set(tracks))

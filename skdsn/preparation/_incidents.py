"""Find the incidents of a track in the table of a mission."""

import numpy as np
import pandas as pd

from skdsn.labeling import label_incidents
from skdsn.preparation._report import drop_report
from skdsn.tracks import parse_times

_OPEN = ("raise", "drop", "track")


class IncidentTable:
    """The incidents of a mission, and what they have matched so far.

    Parameters
    ----------
    incidents : DataFrame
    mission : MissionFormat
    open_start, open_end : {"raise", "drop", "track"}, default="track"
        What a missing time means; see :func:`skdsn.labeling.label_incidents`.
    padding : float, default=0.0
        Seconds by which each incident is widened on both sides.
    repair : bool, default=True
        Leave out incidents that end before they start, instead of raising.
    """

    def __init__(
        self,
        incidents,
        mission,
        *,
        open_start="track",
        open_end="track",
        padding=0.0,
        repair=True,
    ):
        for policy in (open_start, open_end):
            if policy not in _OPEN:
                raise ValueError(
                    f"open_start and open_end must be one of {_OPEN}; got {policy!r}."
                )
        self.table = incidents.reset_index(drop=True)
        times = {}
        for column in (mission.incident_start, mission.incident_end):
            if column not in incidents.columns:
                raise ValueError(
                    f"The incidents have no column {column!r}; their columns are "
                    f"{list(incidents.columns[:10])}."
                )
            times[column] = parse_times(self.table[column])
        self.start, self.end = times.values()
        self.policies = {"open_start": open_start, "open_end": open_end}
        for (column, found), policy in zip(
            times.items(), self.policies.values(), strict=True
        ):
            if policy == "raise" and found.isna().any():
                raise ValueError(
                    f"Incident {int(np.argmax(found.isna()))} has no {column!r}; give "
                    "open_start and open_end as 'track' (up to the border of the "
                    "track) or 'drop'."
                )
        self.padding = padding
        named = self.table.get(mission.incident_track, [None] * len(self.table))
        names = [None if pd.isna(name) else _as_name(name) for name in named]
        self.of_track = pd.Series(names, self.table.index, dtype=object)
        self.reversed = (self.start > self.end).to_numpy()
        if self.reversed.any() and not repair:
            row = int(np.argmax(self.reversed))
            raise ValueError(
                f"Incident {row} ends ({self.end[row]}) before it starts "
                f"({self.start[row]}); exchange its times, or drop it."
            )

    def label(self, track, index, names):
        """Label the rows of a track.

        Parameters
        ----------
        track : track id
        index : DatetimeIndex of shape (n_rows,)
        names : set of str
            Names that an incident may call this track by.

        Returns
        -------
        y : int64 ndarray of shape (n_rows,)
        matches : dict of int to int
            Number of an incident to the rows that it labels.
        """
        y = np.zeros(len(index), dtype=np.int64)
        first, last = index[0], index[-1]
        unnamed = self.of_track.isna().to_numpy()
        named = self.of_track.isin(names).to_numpy()
        open_start, open_end = self.start.isna().to_numpy(), self.end.isna().to_numpy()
        widened = pd.Timedelta(seconds=self.padding)
        near = (open_start | (self.start - widened <= last).to_numpy()) & (
            open_end | (self.end + widened >= first).to_numpy()
        )
        # By time alone, an open one is of the track that its other end lies in.
        inside = np.where(open_end, self.start.between(first, last), True)
        inside &= np.where(open_start, self.end.between(first, last), True)
        both = open_start & open_end
        own = near & ~self.reversed & (named | (unnamed & inside & ~both))
        if not own.any():
            return y, {}
        chosen = pd.DataFrame({"start": self.start[own], "end": self.end[own]})
        labels, report = label_incidents(
            index,
            chosen,
            start="start",
            end="end",
            track=None,
            padding=self.padding,
            return_report=True,
            **self.policies,
        )
        hit = report["n_rows"][report["n_rows"] > 0]
        return labels.to_numpy(), {int(i): int(n) for i, n in hit.items()}

    def report(self, matches, known):
        """Tell what became of each incident.

        Parameters
        ----------
        matches : iterable of dict of int to int
            What :meth:`label` returned, track by track.
        known : set of str
            Names of all tracks that there were.

        Returns
        -------
        DataFrame
            The table, with ``n_tracks``, ``n_rows`` and ``reason``.
        """
        n_tracks = np.zeros(len(self.table), dtype=np.int64)
        n_rows = np.zeros(len(self.table), dtype=np.int64)
        for match in matches:
            for number, count in match.items():
                n_tracks[int(number)] += 1
                n_rows[int(number)] += count
        unknown = self.of_track.notna() & ~self.of_track.isin(known)
        lost = self.of_track.isna() & self.start.isna() & self.end.isna()
        reason = np.select(
            [self.reversed, n_rows > 0, unknown.to_numpy(), lost.to_numpy()],
            [
                *("ends before it starts", "matched", "unknown track"),
                "neither times nor a track",
            ],
            "no rows in the interval",
        )
        for side, times in (("start", self.start), ("end", self.end)):
            dropped = times.isna() & (self.policies[f"open_{side}"] == "drop")
            reason = np.where(dropped, f"open {side}", reason)
        return self.table.assign(n_tracks=n_tracks, n_rows=n_rows, reason=reason)


def incident_report(told):
    """Make entries of a report of the incidents that labelled nothing.

    Parameters
    ----------
    told : DataFrame
        As :meth:`IncidentTable.report` returns it.

    Returns
    -------
    DataFrame
        An entry for each reason, with the number of incidents in it.
    """
    counts = told.loc[told["reason"] != "matched", "reason"].value_counts(sort=False)
    return drop_report(
        "incidents",
        [(None, f"{n} of {len(told)}: {reason}", 0) for reason, n in counts.items()],
        kept=True,
    )


def _as_name(name):
    """Name of a track; numbers among missing ones became floats."""
    whole = isinstance(name, float) and name.is_integer()
    return str(int(name) if whole else name)

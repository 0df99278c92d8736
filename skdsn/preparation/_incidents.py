"""Find the incidents of a track in the table of a mission."""

import numpy as np
import pandas as pd

from skdsn.datasets import MissionFormat
from skdsn.labeling import label_incidents
from skdsn.preparation._report import drop_report
from skdsn.preparation._tracks import read_wait
from skdsn.tracks import parse_times

# Added to the name of a column of the mission that has a name of ours.
_GIVEN = "_given"


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
        self.table = incidents.reset_index(drop=True)
        self.columns = {"start": mission.incident_start, "end": mission.incident_end}
        for column in self.columns.values():
            if column not in incidents.columns:
                raise ValueError(
                    f"The incidents have no column {column!r}; their columns are "
                    f"{list(incidents.columns[:10])}."
                )
        self.start, self.end = (
            parse_times(self.table[column]) for column in self.columns.values()
        )
        self.reversed = (self.start > self.end).to_numpy()
        if self.reversed.any() and not repair:
            row = int(np.argmax(self.reversed))
            raise ValueError(
                f"Incident {row} ends ({self.end[row]}) before it starts "
                f"({self.start[row]}); exchange its times, or drop it."
            )
        self.policies = {"open_start": open_start, "open_end": open_end}
        self.padding = read_wait(padding, "padding")
        named = self.table.get(mission.incident_track)
        if named is None:
            # The usual name need not be there; one that was chosen must be.
            if mission.incident_track != MissionFormat.incident_track:
                raise ValueError(
                    f"The incidents have no column {mission.incident_track!r}, which "
                    "names their track; their columns are "
                    f"{list(incidents.columns[:10])}."
                )
            named = [None] * len(self.table)
        names = [None if pd.isna(name) else _as_name(name) for name in named]
        self.of_track = pd.Series(names, self.table.index, dtype=object)
        # On no rows, to learn what it refuses, and what the policies drop.
        _, found = self._label(pd.DatetimeIndex([]), ~self.reversed)
        self.dropped = found["reason"][found["reason"].str.startswith("open")]

    def _label(self, index, chosen):
        return label_incidents(
            index,
            pd.concat([self.start[chosen], self.end[chosen]], axis=1),
            **self.columns,
            track=None,
            padding=self.padding,
            return_report=True,
            **self.policies,
        )

    def label(self, index, names):
        """Label the rows of a track.

        Parameters
        ----------
        index : DatetimeIndex of shape (n_rows,)
        names : set of str
            Names that an incident may call this track by.

        Returns
        -------
        y : int64 ndarray of shape (n_rows,)
        matches : dict of int to int
            Number of an incident to the rows that it labels.
        """
        first, last = index[0], index[-1]
        named, unnamed = self.of_track.isin(names), self.of_track.isna()
        # By time alone, an open one is of the track that its other end lies in.
        unnamed &= self.end.notna() | self.start.between(first, last)
        unnamed &= self.start.notna() | self.end.between(first, last)
        chosen = (named | unnamed).to_numpy() & ~self.reversed
        labels, report = self._label(index, chosen & self._near(first, last))
        hit = report["n_rows"][report["n_rows"] > 0]
        return labels.to_numpy(), {int(i): int(n) for i, n in hit.items()}

    def _near(self, first, last):
        """Tell, in one go, which incidents may have rows in a track."""
        widened = pd.Timedelta(seconds=self.padding)
        late, early = self.start - widened > last, self.end + widened < first
        return ~(late | early).to_numpy()

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
            The table, with ``n_tracks``, ``n_rows`` and ``reason``; a column of such a
            name that it has already is called ``<name>_given``.
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
        told = pd.DataFrame({"n_tracks": n_tracks, "n_rows": n_rows, "reason": reason})
        told.loc[self.dropped.index, "reason"] = self.dropped
        taken = {name: name + _GIVEN for name in told if name in self.table}
        return pd.concat([self.table.rename(columns=taken), told], axis=1)


def incident_report(told):
    """Make entries of a report of renamed columns, and what labelled nothing.

    Parameters
    ----------
    told : DataFrame
        As :meth:`IncidentTable.report` returns it.

    Returns
    -------
    DataFrame
        An entry for each column, and for each reason, with the number of incidents.
    """
    renamed = [name for name in told if name + _GIVEN in told]
    counts = told.loc[told["reason"] != "matched", "reason"].value_counts(sort=False)
    return drop_report(
        "incidents",
        [
            *((None, f"column {name} is now {name}{_GIVEN}", 0) for name in renamed),
            *((None, f"{n} of {len(told)}: {why}", 0) for why, n in counts.items()),
        ],
        kept=True,
    )


def _as_name(name):
    """Name of a track; numbers among missing ones became floats."""
    whole = isinstance(name, float) and name.is_integer()
    return str(int(name) if whole else name)

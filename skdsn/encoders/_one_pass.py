"""Encoders that run over a track once and forecast its next rows at every row."""

from abc import abstractmethod
from numbers import Integral

import numpy as np

from skdsn._core.segments import boundaries, pieces, prepend, row_starts
from skdsn._sklearn import NAMES, Interval, StrOptions
from skdsn.encoders._base import (
    ENCODER_CONSTRAINTS,
    FIT_SHARE,
    WITHHOLD,
    BaseEncoder,
    validation_rows,
)

ONE_PASS_CONSTRAINTS = {
    **ENCODER_CONSTRAINTS,
    **FIT_SHARE,
    **WITHHOLD,
    "known_inputs": NAMES,
    "horizon": [Interval(Integral, 1, None, closed="left")],
    "aggregate": [StrOptions({"first", "mean"})],
    "chunk_length": [Interval(Integral, 1, None, closed="left")],
    "validation_gap": [Interval(Integral, 0, None, closed="left")],
}


class OnePassForecaster(BaseEncoder):
    """Base of the encoders that forecast the next rows at every row.

    A subclass names its network, a OnePassNet, in ``_network()`` and runs it in
    ``_run(values, bounds, memories)``, which returns latents, forecasts of shape
    (n_rows, _reach, n_targets) without what is known beforehand, and ``remember``.
    """

    def _task(self, values, rows, labels, rng):
        bounds = rows.tracks.segments(self.max_gap)
        normal = np.ones(len(values), dtype=bool)
        if labels is not None:
            # No stretch holds an anomalous row: its state would carry it on.
            bounds = np.union1d(bounds, boundaries(labels == 1))
            normal = labels != 1
        if not (normal[bounds[:-1]] & (np.diff(bounds) > 1)).any():
            raise ValueError(
                "No normal row is followed by another one in its track, so there is "
                f"nothing to forecast; got n_samples={len(values)} rows in "
                f"{len(bounds) - 1} segments."
            )
        longest = int(np.diff(bounds)[normal[bounds[:-1]]].max())
        if longest <= self.horizon:
            raise ValueError(
                f"horizon={self.horizon} reaches beyond all normal stretches of the "
                f"training rows, the longest of which has {longest}; lower it or bring "
                "longer tracks."
            )
        in_train, in_valid = validation_rows(
            rows.tracks, self.validation_fraction, rng, self.validation_gap
        )
        # A single track is cut into a training and a validation part.
        bounds = np.union1d(bounds, boundaries(in_train - 2 * in_valid))
        chunk_length = min(self.chunk_length, longest)  # no more than is there
        starts, stops, segments = pieces(bounds, chunk_length)
        ends = bounds[segments + 1]
        known = normal[starts] & (ends - starts > 1)
        trains, validates = in_train[starts] & known, in_valid[starts] & known
        if not trains.any() and self.validation_gap:
            raise ValueError(
                f"validation_gap={self.validation_gap} leaves none of the "
                f"n_samples={len(values)} rows to train on; lower it."
            )
        if not trains.any() or not validates.any():
            trains, validates = known, np.zeros_like(known)

        def part(chosen):
            from skdsn.encoders._batches import ChunkBatches

            if not chosen.any():
                return None
            return ChunkBatches(
                values,
                self.target_indices_,
                self.known_indices_,
                self.horizon,
                starts[chosen],
                stops[chosen],
                ends[chosen],
                chunk_length,
            )

        network = self._network()
        network["module_params"] |= {
            "n_inputs": values.shape[1],
            "targets": self.target_indices_.tolist(),
            "n_known": len(self.known_indices_),
            "horizon": self.horizon,
        }
        return {**network, "train_set": part(trains), "valid_set": part(validates)}

    def _encode(self, values, tracks, bounds, memories):
        """Encode a chunk; memory of a segment: that of ``_run``, and its forecasts."""
        states = [None if memory is None else memory[0] for memory in memories]
        made = [None if memory is None else memory[1] for memory in memories]
        latents, forecasts, state_of = self._run(values, bounds, states)
        expected, made_in = self._expected(values, forecasts, bounds, made)
        errors = np.abs(expected - values[:, self.target_indices_])

        def remember(i):
            return state_of(i), made_in(i)

        return latents, errors, remember

    @property
    def _reach(self):
        """How many rows ahead the forecasts are that count."""
        return self.horizon if self.aggregate == "mean" else 1

    def _expected(self, values, forecasts, bounds, carried):
        """Say what was expected of each row, from the forecasts of earlier rows.

        Nothing forecasts the first row of a segment: it is what was expected.
        """
        reach = self._reach
        made, made_bounds, rows = prepend(forecasts, bounds, carried)
        starts = row_starts(made_bounds)[rows]
        targets = values[:, self.target_indices_]
        total = np.zeros(targets.shape)
        count = np.zeros(len(values), dtype=np.int64)
        for step in range(reach):
            there = rows - step - 1 >= starts
            total[there] += made[rows[there] - step - 1, step]
            count += there
            if len(self.known_indices_):
                weights = self.net_.module_.known_weights()[step].detach().cpu().numpy()
                known = values[np.ix_(there, self.known_indices_)]
                total[there] += known.astype(weights.dtype) @ weights.T
        expected = np.where(
            count[:, None] > 0, total / np.maximum(count, 1)[:, None], targets
        )

        def remember(i):
            first = max(made_bounds[i], made_bounds[i + 1] - reach)
            return made[first : made_bounds[i + 1]].copy()

        return expected, remember

    @abstractmethod
    def _network(self):
        """Name the network and the parameters of its own; see Training."""

    @abstractmethod
    def _run(self, values, bounds, memories):
        """Run the network over a chunk; see the class."""

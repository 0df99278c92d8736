"""Encoders that look at the trailing window of each row on its own."""

import numpy as np

from skdsn._core.moments import correlation, most_explained
from skdsn._core.segments import (
    last_valid_row,
    positions,
    prepend,
    row_starts,
    segment_ids,
)
from skdsn._core.windows import complete_windows, gather_windows, trailing_sum
from skdsn.encoders._base import BaseEncoder, validation_rows


class WindowedEncoder(BaseEncoder):
    """Base of the windowed encoders; a subclass names its network and its loss.

    The network predicts the target channels at the last row of a window from the
    other channels of that window, as the published detectors do.
    """

    _min_features = 2

    def _most_targets(self, n_features):
        # At least as many inputs as targets: a target is never an input.
        most = super()._most_targets(n_features)
        return max(1, min(most, n_features // 2))

    def _most_predictable(self, values, bounds, normal, columns, most):
        return most_explained(correlation(values, normal), columns, most)

    def _task(self, values, rows, labels, rng):
        bounds = rows.tracks.segments(self.max_gap)
        windows = complete_windows(bounds, self.window, self.fit_stride)
        if len(windows) == 0:
            raise ValueError(
                f"No window is complete: the longest track (or gap-free segment) has "
                f"n_samples={np.diff(bounds).max()} rows, the window {self.window}; "
                "shorten the window or bring longer tracks."
            )
        self.input_indices_ = np.setdiff1d(
            np.arange(values.shape[1]), self.target_indices_
        )
        if len(self.input_indices_) == 0:
            raise ValueError(
                "Every column is a target, so nothing is left to predict them from; "
                "name fewer targets."
            )
        targets = values[np.ix_(windows, self.target_indices_)]
        if labels is not None:
            ones = trailing_sum(labels == 1, bounds, self.window)[windows] > 0
            if self._has_classifier:
                unknown = trailing_sum(labels == -1, bounds, self.window)[windows] > 0
                targets[ones] = np.nan  # the regression learns from normal windows
                classes = np.where(ones, 1.0, np.where(unknown, np.nan, 0.0))
            elif ones.all():
                raise ValueError(
                    f"Every complete window of {self.window} rows holds an anomalous "
                    "row, so there is nothing normal to learn from; shorten the "
                    "window."
                )
            else:
                windows, targets = windows[~ones], targets[~ones]
        elif self._has_classifier:
            classes = np.full(len(windows), np.nan)
        if self._has_classifier:
            targets = np.column_stack([targets, classes.astype(np.float32)])
        valid = validation_rows(rows.tracks, self.validation_fraction, rng)[1]
        train_set, valid_set = self._batches(values, windows, targets, bounds, valid)
        return {**self._network(), "train_set": train_set, "valid_set": valid_set}

    def _batches(self, values, windows, targets, bounds, valid):
        from skdsn.encoders._batches import WindowBatches

        starts = row_starts(bounds)[windows]
        in_valid = valid[windows]
        # Windows that reach back over the cut of a single track belong to neither.
        in_train = ~in_valid
        straddling = in_valid & ~valid[windows - self.window + 1]
        in_valid &= ~straddling
        if not in_train.any() or not in_valid.any():
            in_train, in_valid = np.ones_like(in_train), np.zeros_like(in_valid)

        def part(chosen):
            return WindowBatches(
                values,
                windows[chosen],
                starts[chosen],
                self.window,
                self.input_indices_,
                targets[chosen],
            )

        return part(in_train), part(in_valid) if in_valid.any() else None

    def _encode(self, values, tracks, bounds, memories, stride=None, first=0):
        """Encode every `stride`-th row, counted from row `first` of a segment.

        Memory of a segment: its last ``window - 1`` rows, scaled; rows so far; and
        the encoded row that is being held.
        """
        stride = self.predict_stride if stride is None else stride
        tails = [None if memory is None else memory[0] for memory in memories]
        position = positions(bounds)
        for i, memory in enumerate(memories):
            if memory is not None:
                position[bounds[i] : bounds[i + 1]] += memory[1]
        # The first row of a segment has nothing to hold, so it is always encoded.
        due = (position == 0) | ((position - first) % stride == 0)

        extended, extended_bounds, moved = prepend(values, bounds, tails)
        rows = moved[due]
        encoded = self._encode_windows(
            extended, rows, row_starts(extended_bounds)[rows]
        )
        number = np.cumsum(due) - 1  # of the encoded row that each row holds
        waiting = np.flatnonzero(last_valid_row(due, bounds) < 0)
        if len(waiting):  # rows that hold what an earlier chunk encoded
            continued = segment_ids(bounds)[waiting]
            number[waiting] = len(encoded) + np.arange(len(waiting))
            held = np.stack([memories[i][2] for i in continued])
            encoded = np.concatenate([encoded, held])
        out = encoded if due.all() else encoded[number]

        def remember(i):
            last = bounds[i + 1] - 1
            tail = slice(
                max(extended_bounds[i], extended_bounds[i + 1] - self.window + 1),
                extended_bounds[i + 1],
            )
            return extended[tail].copy(), int(position[last]) + 1, out[last].copy()

        latents, errors = np.split(out, [self.n_latents_], axis=1)
        return latents, errors, remember

    def _encode_fitted(self, values, tracks, bounds, memories):
        return self._encode(
            values,
            tracks,
            bounds,
            memories,
            stride=self.fit_stride,
            first=self.window - 1,
        )

    def _encode_windows(self, values, rows, starts):
        """Latents and errors of some windows, float32 of shape (n_windows, ...)."""
        import torch

        module = self.net_.module_
        weight = next(module.parameters())
        out = np.empty(
            (len(rows), self.n_latents_ + len(self.target_indices_)), dtype=np.float32
        )
        with torch.inference_mode():
            for begin in range(0, len(rows), 256):
                batch = slice(begin, begin + 256)
                windows = gather_windows(
                    values, rows[batch], starts[batch], self.window
                )[:, :, self.input_indices_]
                X = torch.from_numpy(windows).to(weight.device, weight.dtype)
                latent, prediction = module.encode(X)
                target = values[np.ix_(rows[batch], self.target_indices_)]
                error = np.abs(prediction.cpu().numpy() - target)
                out[batch, : self.n_latents_] = latent.cpu().numpy()
                out[batch, self.n_latents_ :] = error
        return out

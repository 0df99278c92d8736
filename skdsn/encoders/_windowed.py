"""Encoders that look at the trailing window of each row on its own."""

from abc import abstractmethod

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
    """Base of the windowed encoders.

    A subclass names its network in ``_network()``, its inputs in
    ``_choose_inputs(n_features)``, what windows are trained on in ``_targets`` and
    ``_batches``, and how far a prediction is off in ``_window_errors``.
    """

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
        self.input_indices_ = self._choose_inputs(values.shape[1])
        classes = np.full(len(windows), np.nan, dtype=np.float32)
        if labels is not None:
            ones = trailing_sum(labels == 1, bounds, self.window)[windows] > 0
            unknown = trailing_sum(labels == -1, bounds, self.window)[windows] > 0
            classes[:] = np.where(ones, 1.0, np.where(unknown, np.nan, 0.0))
            if not self._has_classifier:
                if ones.all():
                    raise ValueError(
                        f"Every complete window of {self.window} rows holds an "
                        "anomalous row or a rare event, so there is nothing normal to "
                        "learn from; shorten the window."
                    )
                windows, classes = windows[~ones], classes[~ones]
        valid = validation_rows(rows.tracks, self.validation_fraction, rng)[1]
        train_set, valid_set = (
            None
            if chosen is None
            else self._batches(
                values,
                windows[chosen],
                row_starts(bounds)[windows[chosen]],
                classes[chosen],
            )
            for chosen in self._divide(windows, valid)
        )
        return {**self._network(), "train_set": train_set, "valid_set": valid_set}

    def _divide(self, windows, valid):
        """Which windows to train on, and which to validate on or None."""
        in_valid = valid[windows]
        # Windows that reach back over the cut of a single track belong to neither.
        in_train = ~in_valid
        straddling = in_valid & ~valid[windows - self.window + 1]
        in_valid &= ~straddling
        if not in_train.any() or not in_valid.any():
            return np.ones_like(in_train), None
        return in_train, in_valid

    def _encode(self, values, tracks, bounds, memories, stride=None, first=0):
        """Encode every `stride`-th row, counted from row `first` of a segment.

        Memory of a segment: its last ``window - 1`` rows, scaled; rows so far; and
        the encoded row that is being held.
        """
        stride = self.predict_stride if stride is None else stride
        for memory in memories:
            self._check_memory(memory, values.shape[1])
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

    def _check_memory(self, memory, n_features):
        """Refuse what an encoder of another window or other columns remembers."""
        if memory is None:
            return
        tail, n_rows, held = memory
        n_out = self.n_latents_ + len(self.target_indices_)
        own = tail.shape == (min(n_rows, self.window - 1), n_features)
        if not own or held.shape != (n_out,):
            raise ValueError(
                "state is of an encoder of other columns, or of another window than "
                f"{self.window} rows; give what the call for the previous chunk "
                "returned, or None to start afresh."
            )

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
                )
                X = torch.from_numpy(windows[:, :, self.input_indices_])
                latent, prediction = module.encode(X.to(weight.device, weight.dtype))
                truth = windows[:, :, self.target_indices_]
                error = self._window_errors(prediction.cpu().numpy(), truth)
                out[batch, : self.n_latents_] = latent.cpu().numpy()
                out[batch, self.n_latents_ :] = error
        return out

    @abstractmethod
    def _network(self):
        """Say which network is trained: arguments of ``Training``."""

    @abstractmethod
    def _choose_inputs(self, n_features):
        """Columns that the network sees, an int ndarray."""

    @abstractmethod
    def _batches(self, values, windows, starts, classes):
        """Dataset of some windows; `classes` are 0 and 1, or NaN if unknown."""

    @abstractmethod
    def _window_errors(self, prediction, truth):
        """Errors (n_windows, n_targets); `truth` is (n_windows, window, n_targets)."""


class LastRowEncoder(WindowedEncoder):
    """Base of the encoders that predict the last row of a window.

    The network predicts the target channels there from the other channels of the
    window, as the published detectors do.
    """

    _min_features = 2

    def _most_targets(self, n_features):
        # At least as many inputs as targets: a target is never an input.
        most = super()._most_targets(n_features)
        return max(1, min(most, n_features // 2))

    def _choose_inputs(self, n_features):
        inputs = np.setdiff1d(np.arange(n_features), self.target_indices_)
        if len(inputs) == 0:
            raise ValueError(
                "Every column is a target, so nothing is left to predict them from; "
                "name fewer targets."
            )
        return inputs

    def _batches(self, values, windows, starts, classes):
        from skdsn.encoders._batches import WindowBatches

        targets = values[np.ix_(windows, self.target_indices_)]
        if self._has_classifier:
            targets[classes == 1] = np.nan  # the regression learns from normal windows
            targets = np.column_stack([targets, classes])
        return WindowBatches(
            values, windows, starts, self.window, self.input_indices_, targets
        )

    def _window_errors(self, prediction, truth):
        return np.abs(prediction - truth[:, -1])

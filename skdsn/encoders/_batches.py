"""Training batches gathered from a long table, one batch at a time."""

import numpy as np
import torch

from skdsn._core.windows import gather_windows


class WindowBatches(torch.utils.data.Dataset):
    """Trailing windows and what to predict of each.

    Parameters
    ----------
    values : float32 ndarray of shape (n_rows, n_channels)
    rows, starts : int ndarray of shape (n_windows,)
        Last row of each window, first row of its segment.
    width : int
    inputs : int ndarray of shape (n_inputs,)
        Channels that the network sees.
    targets : float32 ndarray of shape (n_windows, n_targets)
        NaN where there is nothing to learn.
    """

    def __init__(self, values, rows, starts, width, inputs, targets):
        self.values = values
        self.rows = rows
        self.starts = starts
        self.width = width
        self.inputs = inputs
        self.targets = targets

    def __len__(self):
        return len(self.rows)

    def __getitems__(self, items):
        """Gather a whole batch: torch calls this with the numbers of its windows."""
        items = np.asarray(items)
        windows = gather_windows(
            self.values, self.rows[items], self.starts[items], self.width
        )
        if len(self.inputs) < windows.shape[2]:
            windows = windows[:, :, self.inputs]
        return torch.from_numpy(windows), torch.from_numpy(self.targets[items])


class ScaledRows:
    """A long table whose rows are scaled when they are taken.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_channels)
    scale : callable
        Rows to scaled rows, float32.
    """

    def __init__(self, values, scale):
        self.values = values
        self.scale = scale
        self.shape = values.shape

    def __len__(self):
        return len(self.values)

    def take(self, index, axis=0):
        """Take rows, as ``ndarray.take`` does."""
        rows = self.values.take(index, axis=axis)
        return self.scale(rows.reshape(-1, rows.shape[-1])).reshape(rows.shape)


class AutoencoderBatches(torch.utils.data.Dataset):
    """Trailing windows, of which some channels are to be reconstructed.

    Parameters
    ----------
    values : ScaledRows, or float32 ndarray, of shape (n_rows, n_channels)
    rows, starts : int ndarray of shape (n_windows,)
        Last row of each window, first row of its segment.
    width : int
    targets : int ndarray of shape (n_targets,)
    """

    def __init__(self, values, rows, starts, width, targets):
        self.values = values
        self.rows = rows
        self.starts = starts
        self.width = width
        self.targets = targets

    def __len__(self):
        return len(self.rows)

    def __getitems__(self, items):
        """Gather a whole batch: torch calls this with the numbers of its windows."""
        items = np.asarray(items)
        windows = gather_windows(
            self.values, self.rows[items], self.starts[items], self.width
        )
        return torch.from_numpy(windows), torch.from_numpy(windows[..., self.targets])


class ChunkBatches(torch.utils.data.Dataset):
    """Stretches of tracks and the rows after each row, for a loss at every row.

    Parameters
    ----------
    values : float32 ndarray of shape (n_rows, n_channels)
    targets, known : int ndarray of shape (n_targets,), (n_known,)
        Channels to forecast; channels known beforehand of the row forecast.
    horizon : int
        Rows ahead that are forecast.
    starts, stops, ends : int ndarray of shape (n_chunks,)
        Half-open rows of each chunk; shorter ones are padded. No row at or after its
        end is forecast.
    length : int
    """

    def __init__(self, values, targets, known, horizon, starts, stops, ends, length):
        self.values = values
        self.targets = targets
        self.known = known
        self.horizon = horizon
        self.starts = starts
        self.stops = stops
        self.ends = ends
        self.length = length

    def __len__(self):
        return len(self.starts)

    def __getitems__(self, items):
        """Gather a whole batch: torch calls this with the numbers of its chunks.

        Inputs are (B, T, n_channels), and (B, T, horizon, n_known) if something is
        known; targets (B, T, horizon, n_targets), NaN where there are none.
        """
        items = np.asarray(items)
        starts = self.starts[items, None]
        rows = starts + np.arange(self.length)
        inside = rows < self.stops[items, None]
        later = rows[..., None] + np.arange(1, self.horizon + 1)
        there = inside[..., None] & (later < self.ends[items, None, None])
        later = np.where(there, later, starts[..., None])
        targets = self.values[later[..., None], self.targets]
        targets[~there] = np.nan
        inputs = {"X": torch.from_numpy(self.values[np.where(inside, rows, starts)])}
        if len(self.known):
            known = self.values[later[..., None], self.known]
            inputs["known"] = torch.from_numpy(known)
        return inputs, torch.from_numpy(targets)


def keep_batch(batch):
    """Stand in for torch's collation: ``__getitems__`` has made the batch."""
    return batch

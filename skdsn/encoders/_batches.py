"""Training batches gathered from a long table, one batch at a time."""

import numpy as np
import torch

from skdsn._core.windows import gather_windows


class WindowBatches(torch.utils.data.Dataset):
    """Trailing windows and the targets at their last row.

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


class ChunkBatches(torch.utils.data.Dataset):
    """Stretches of tracks and the targets one row later, for a loss at every row.

    Parameters
    ----------
    values : float32 ndarray of shape (n_rows, n_channels)
    targets : float32 ndarray of shape (n_rows, n_targets)
        What to predict at each row, NaN where there is nothing to learn.
    starts, stops : int ndarray of shape (n_chunks,)
        Half-open rows of each chunk; shorter ones are padded.
    length : int
    """

    def __init__(self, values, targets, starts, stops, length):
        self.values = values
        self.targets = targets
        self.starts = starts
        self.stops = stops
        self.length = length

    def __len__(self):
        return len(self.starts)

    def __getitems__(self, items):
        """Gather a whole batch: torch calls this with the numbers of its chunks."""
        items = np.asarray(items)
        rows = self.starts[items, None] + np.arange(self.length)
        inside = rows < self.stops[items, None]
        rows = np.where(inside, rows, self.starts[items, None])
        targets = np.where(inside[..., None], self.targets[rows], np.float32(np.nan))
        return torch.from_numpy(self.values[rows]), torch.from_numpy(targets)


def keep_batch(batch):
    """Stand in for torch's collation: ``__getitems__`` has made the batch."""
    return batch

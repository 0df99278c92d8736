"""The networks: pure torch, no pandas, no scikit-learn.

Every network has ``encode``, which gives latent vectors and predictions of the
target channels, and ``forward``, which gives what the loss takes. Shapes are
written as (batch, time, channel).
"""

import math

import torch
from torch import nn


class TransformerNet(nn.Module):
    """Transformer over a window; predicts the targets at its last row.

    Parameters
    ----------
    n_inputs, n_targets : int
    d_model, n_heads, n_layers, dim_feedforward : int
    dropout : float
    """

    def __init__(
        self,
        n_inputs,
        n_targets,
        d_model=64,
        n_heads=4,
        n_layers=2,
        dim_feedforward=128,
        dropout=0.2,
    ):
        super().__init__()
        self.embed = nn.Linear(n_inputs, d_model)
        self.scale = math.sqrt(d_model)
        self.dropout = nn.Dropout(dropout)
        layer = nn.TransformerEncoderLayer(
            d_model, n_heads, dim_feedforward, dropout, batch_first=True
        )
        self.encoder = nn.TransformerEncoder(
            layer, n_layers, enable_nested_tensor=False
        )
        self.decoder = _head(d_model, 128, n_targets)

    def encode(self, X):
        """(B, W, n_inputs) -> latents (B, d_model), predictions (B, n_targets)."""
        z = self.embed(X) * self.scale
        z = self.dropout(z + _sinusoids(z.shape[1], z.shape[2], z))
        latent = self.encoder(z)[:, -1]
        return latent, self.decoder(latent)

    def forward(self, X):
        """(B, W, n_inputs) -> (B, n_targets)."""
        return self.encode(X)[1]


class CNNBiLSTMNet(nn.Module):
    """Convolution, bidirectional LSTM and attention over a window, two heads.

    Parameters
    ----------
    n_inputs, n_targets : int
    n_filters, kernel_size, hidden_size, n_layers : int
    dropout : float
        Between the LSTM layers.
    classify : bool
        Add the head that classifies the window.
    """

    def __init__(
        self,
        n_inputs,
        n_targets,
        n_filters=64,
        kernel_size=7,
        hidden_size=128,
        n_layers=4,
        dropout=0.5,
        classify=True,
    ):
        super().__init__()
        self.conv = nn.Conv1d(n_inputs, n_filters, kernel_size, padding="same")
        self.lstm = nn.LSTM(
            n_filters,
            hidden_size,
            n_layers,
            batch_first=True,
            bidirectional=True,
            dropout=dropout if n_layers > 1 else 0.0,
        )
        width = 2 * hidden_size
        self.attention = nn.Sequential(
            nn.Linear(width, hidden_size), nn.Tanh(), nn.Linear(hidden_size, 1)
        )
        self.decoder = _head(width, hidden_size, n_targets)
        self.classifier = _head(width, hidden_size, 1) if classify else None

    def encode(self, X):
        """(B, W, n_inputs) -> latents (B, 2 hidden), predictions (B, n_targets)."""
        z = torch.relu(self.conv(X.transpose(1, 2)))  # (B, filter, W)
        z, _ = self.lstm(z.transpose(1, 2))  # (B, W, 2 hidden)
        weight = torch.softmax(self.attention(z), dim=1)  # (B, W, 1)
        latent = (weight * z).sum(dim=1)
        return latent, self.decoder(latent)

    def forward(self, X):
        """(B, W, n_inputs) -> (B, n_targets), and a logit in one column more."""
        latent, prediction = self.encode(X)
        if self.classifier is None:
            return prediction
        return torch.cat([prediction, self.classifier(latent)], dim=1)


class LSTMNet(nn.Module):
    """Unidirectional LSTM; predicts the targets of the next row at every row.

    The head predicts the change from the present row, so that an untrained
    network is a persistence forecast.

    Parameters
    ----------
    n_inputs : int
    targets : sequence of int
        Input columns to forecast.
    hidden_size, n_layers : int
    dropout : float
        Between the LSTM layers.
    """

    def __init__(self, n_inputs, targets, hidden_size=64, n_layers=1, dropout=0.0):
        super().__init__()
        self.register_buffer("targets", torch.as_tensor(targets, dtype=torch.long))
        self.lstm = nn.LSTM(
            n_inputs,
            hidden_size,
            n_layers,
            batch_first=True,
            dropout=dropout if n_layers > 1 else 0.0,
        )
        self.head = nn.Linear(hidden_size, len(targets))

    def encode(self, X, lengths, state=None):
        """Run over tracks that go on from a state.

        Arguments: rows (B, T, n_inputs), padded; lengths (B,), not increasing;
        state (h, c), each (n_layers, B, hidden).
        Returns: latents (B, T, hidden), predictions (B, T, n_targets), state after
        the last row of each track.
        """
        packed = nn.utils.rnn.pack_padded_sequence(X, lengths, batch_first=True)
        z, state = self.lstm(packed, state)
        z, _ = nn.utils.rnn.pad_packed_sequence(
            z, batch_first=True, total_length=X.shape[1]
        )
        return z, X[..., self.targets] + self.head(z), state

    def forward(self, X):
        """(B, T, n_inputs) -> (B, T, n_targets)."""
        z, _ = self.lstm(X)
        return X[..., self.targets] + self.head(z)


class MaskedHuberLoss(nn.Module):
    """Huber loss over the targets that are not NaN, and a class loss if asked for.

    Parameters
    ----------
    classification_weight : float or None
        If not None, the last column of prediction and target is a logit and a 0/1
        label, whose binary cross-entropy is added with this weight.
    """

    def __init__(self, classification_weight=None):
        super().__init__()
        self.classification_weight = classification_weight

    def forward(self, prediction, target):
        """Return the loss, averaged over the known targets."""
        if self.classification_weight is None:
            return _known_mean(nn.functional.huber_loss, prediction, target)
        loss = _known_mean(nn.functional.huber_loss, prediction[:, :-1], target[:, :-1])
        label_loss = _known_mean(
            nn.functional.binary_cross_entropy_with_logits,
            prediction[:, -1],
            target[:, -1],
        )
        return loss + self.classification_weight * label_loss


def _known_mean(loss, prediction, target):
    known = ~torch.isnan(target)
    # A batch may hold nothing to learn from; the sum keeps the graph intact.
    if not known.any():
        return prediction.sum() * 0.0
    return loss(prediction[known], target[known])


def _head(n_inputs, n_hidden, n_outputs):
    return nn.Sequential(
        nn.Linear(n_inputs, n_hidden), nn.ReLU(), nn.Linear(n_hidden, n_outputs)
    )


def _sinusoids(n_steps, d_model, like):
    """Return the positional encoding of Vaswani et al. (2017), (n_steps, d_model)."""
    position = torch.arange(n_steps, dtype=like.dtype, device=like.device)[:, None]
    even = torch.arange(0, d_model, 2, dtype=like.dtype, device=like.device)
    angle = position * torch.exp(even * (-math.log(10_000.0) / d_model))
    waves = torch.stack([torch.sin(angle), torch.cos(angle)], dim=-1)
    return waves.flatten(1)[:, :d_model]

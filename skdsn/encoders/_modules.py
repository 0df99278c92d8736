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


class GRUAttentionNet(nn.Module):
    """Autoencoder over a window: GRU, attention, GRU.

    Parameters
    ----------
    n_inputs, n_targets : int
    hidden_size, latent_size : int
    """

    def __init__(self, n_inputs, n_targets, hidden_size=64, latent_size=32):
        super().__init__()
        self.encoder = nn.GRU(n_inputs, hidden_size, batch_first=True)
        self.attention = nn.Linear(hidden_size, 1)
        self.latent = nn.Linear(hidden_size, latent_size)
        self.start = nn.Linear(latent_size, hidden_size)
        self.decoder = nn.GRU(hidden_size, hidden_size, batch_first=True)
        self.output = nn.Linear(hidden_size, n_targets)

    def attend(self, X):
        """(B, W, n_inputs) -> encoder outputs (B, W, hidden), weights (B, W, 1)."""
        z, _ = self.encoder(X)
        return z, torch.softmax(self.attention(z), dim=1)

    def encode(self, X):
        """(B, W, n_inputs) -> latents (B, latent), windows (B, W, n_targets)."""
        z, weight = self.attend(X)
        latent = self.latent((weight * z).sum(dim=1))
        # The decoder sees nothing but the latent vector, in training as in scoring.
        z, _ = self.decoder(torch.zeros_like(z), self.start(latent)[None])
        return latent, self.output(z)

    def forward(self, X):
        """(B, W, n_inputs) -> (B, W, n_targets)."""
        return self.encode(X)[1]


class OnePassNet(nn.Module):
    """Base of the networks that forecast the targets of the next rows at every row.

    The head forecasts the change from the present row, so that an untrained network
    is a persistence forecast. What is known beforehand of a row is added to all
    forecasts of it.

    Parameters
    ----------
    targets : sequence of int
        Input columns to forecast.
    n_known : int
        Columns known beforehand.
    horizon : int
        Rows ahead.
    n_latents : int
    """

    def __init__(self, targets, n_known, horizon, n_latents):
        super().__init__()
        self.register_buffer("targets", torch.as_tensor(targets, dtype=torch.long))
        self.horizon = horizon
        n_outputs = horizon * len(targets)
        self.head = nn.Linear(n_latents, n_outputs)
        if n_known:
            self.known_head = nn.Linear(n_known, n_outputs, bias=False)

    def forecast(self, X, z):
        """Forecast without what is known: (B, T, horizon, n_targets)."""
        steps = self.head(z).unflatten(-1, (self.horizon, -1))
        return X[..., None, self.targets] + steps

    def known_weights(self):
        """Weights of what is known: (horizon, n_targets, n_known)."""
        return self.known_head.weight.unflatten(0, (self.horizon, -1))

    def forward(self, X, known=None):
        """(B, T, n_inputs), (B, T, horizon, n_known) -> (B, T, horizon, n_targets)."""
        forecast = self.forecast(X, self.latents(X))
        if known is None:
            return forecast
        return forecast + torch.einsum("bthk,hnk->bthn", known, self.known_weights())

    def latents(self, X):
        """(B, T, n_inputs) -> (B, T, n_latents)."""
        raise NotImplementedError


class LSTMNet(OnePassNet):
    """Unidirectional LSTM.

    Parameters
    ----------
    n_inputs : int
    targets : sequence of int
    n_known, horizon : int
    hidden_size, n_layers : int
    dropout : float
        Between the LSTM layers.
    """

    def __init__(
        self,
        n_inputs,
        targets,
        n_known=0,
        horizon=1,
        hidden_size=64,
        n_layers=1,
        dropout=0.0,
    ):
        super().__init__(targets, n_known, horizon, hidden_size)
        self.lstm = nn.LSTM(
            n_inputs,
            hidden_size,
            n_layers,
            batch_first=True,
            dropout=dropout if n_layers > 1 else 0.0,
        )

    def encode(self, X, lengths, state=None):
        """Run over tracks that go on from a state.

        Arguments: rows (B, T, n_inputs), padded; lengths (B,), not increasing;
        state (h, c), each (n_layers, B, hidden).
        Returns: latents (B, T, hidden), forecasts (B, T, horizon, n_targets) without
        what is known, state after the last row of each track.
        """
        packed = nn.utils.rnn.pack_padded_sequence(X, lengths, batch_first=True)
        z, state = self.lstm(packed, state)
        z, _ = nn.utils.rnn.pad_packed_sequence(
            z, batch_first=True, total_length=X.shape[1]
        )
        return z, self.forecast(X, z), state

    def latents(self, X):
        """(B, T, n_inputs) -> (B, T, hidden)."""
        return self.lstm(X)[0]


class TCNNet(OnePassNet):
    """Causal dilated convolutions with residual connections.

    Block *i* holds two convolutions whose taps lie ``2 ** i`` rows apart.

    Parameters
    ----------
    n_inputs : int
    targets : sequence of int
    n_known, horizon : int
    n_filters, kernel_size, n_blocks : int
    dropout : float
        Behind each convolution.
    """

    def __init__(
        self,
        n_inputs,
        targets,
        n_known=0,
        horizon=1,
        n_filters=32,
        kernel_size=3,
        n_blocks=5,
        dropout=0.0,
    ):
        super().__init__(targets, n_known, horizon, n_filters)
        self.embed = nn.Linear(n_inputs, n_filters)
        self.blocks = nn.ModuleList(
            _CausalBlock(n_filters, kernel_size, 2**i, dropout) for i in range(n_blocks)
        )

    def latents(self, X):
        """(B, T, n_inputs) -> (B, T, n_filters)."""
        z = self.embed(X).transpose(1, 2)  # (B, filter, T)
        for block in self.blocks:
            z = block(z)
        return z.transpose(1, 2)


class _CausalBlock(nn.Module):
    def __init__(self, n_filters, kernel_size, dilation, dropout):
        super().__init__()
        self.reach = (kernel_size - 1) * dilation
        self.convs = nn.ModuleList(
            nn.Conv1d(n_filters, n_filters, kernel_size, dilation=dilation)
            for _ in range(2)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, X):
        """(B, filter, T) -> (B, filter, T)."""
        z = X
        for conv in self.convs:
            z = conv(nn.functional.pad(z, (self.reach, 0)))
            z = self.dropout(torch.relu(z))
        return X + z


class WindowedLSTMNet(nn.Module):
    """The network of telemanom: two LSTM layers, afresh over each window.

    Weights start as in Keras: Glorot, orthogonal, a forget gate of 1, one bias.

    Parameters
    ----------
    n_inputs, n_outputs : int
    hidden_size, n_layers : int
    dropout : float
        Behind every layer.
    """

    def __init__(self, n_inputs, n_outputs, hidden_size=80, n_layers=2, dropout=0.3):
        super().__init__()
        self.lstm = nn.LSTM(
            n_inputs,
            hidden_size,
            n_layers,
            batch_first=True,
            dropout=dropout if n_layers > 1 else 0.0,
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden_size, n_outputs)
        for name, weight in self.lstm.named_parameters():
            if name.startswith("weight_ih"):
                nn.init.xavier_uniform_(weight)
            elif name.startswith("weight_hh"):
                nn.init.orthogonal_(weight)
            else:
                nn.init.zeros_(weight)
                if name.startswith("bias_ih"):
                    weight.data[hidden_size : 2 * hidden_size] = 1
                else:
                    weight.requires_grad_(False)
        nn.init.xavier_uniform_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def encode(self, X):
        """(B, W, n_inputs) -> latents (B, hidden), forecasts (B, n_outputs)."""
        latent = self.lstm(X)[0][:, -1]
        return latent, self.head(self.dropout(latent))

    def forward(self, X):
        """(B, W, n_inputs) -> (B, n_outputs)."""
        return self.encode(X)[1]


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


class MaskedSquaredLoss(nn.Module):
    """Squared error over the targets that are not NaN."""

    def forward(self, prediction, target):
        """Return the loss, averaged over the known targets."""
        return _known_mean(nn.functional.mse_loss, prediction, target)


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

"""Train many LSTM networks of one shape at once, each as if alone."""

import copy
from itertools import chain, zip_longest

import numpy as np
import pandas as pd
import torch
from torch import nn
from tqdm.auto import tqdm

from skdsn.encoders._training import (
    HALVING,
    PLATEAU,
    make_net,
    seeded,
    strip,
    torch_threads,
)


def train_fleet(trainings, verbose=0):
    """Fit the networks of a fleet, with their weights stacked.

    Each network draws its weights and its batches from its own seed, has its own
    learning rate, stops by its own validation loss and keeps its own best epoch, as in
    :func:`~skdsn.encoders._training.train_network`. Only dropout is drawn together.

    Parameters
    ----------
    trainings : list of Training
        Of LSTMNet, alike but for rows and seeds.
    verbose : int, default=0
        Positive shows a progress bar.

    Returns
    -------
    list of (skorch.NeuralNet, DataFrame)
        As train_network returns them.
    """
    first = trainings[0]
    with seeded(first.seed, first.device), torch_threads(first.n_threads):
        members = [_Member(training) for training in trainings]
        stack = _Stack([member.net.module_ for member in members], first)
        live = members
        epochs = range(first.max_epochs)
        for _ in tqdm(epochs, "fleet", disable=not verbose, unit="epoch"):
            train = _run_epoch(stack, live, training=True)
            valid = _run_epoch(stack, live, training=False)
            for number, member in enumerate(live):
                member.end_epoch(train[number], valid[number], stack, number)
            keep = [i for i, member in enumerate(live) if not member.stopped]
            if len(keep) < len(live):
                live = [live[i] for i in keep]
                if not live:
                    break
                stack.keep(keep)
            stack.set_rates([member.rate for member in live])
    return [member.result() for member in members]


class _Member:
    """One network of the fleet: its batches, its losses, its best weights."""

    def __init__(self, training):
        self.training = training
        with seeded(training.seed, training.device):
            self.net = make_net(training).initialize()
            self.drawn = torch.get_rng_state()
        self.loaders = {True: self.net.get_iterator(training.train_set, training=True)}
        if training.valid_set is not None:
            self.loaders[False] = self.net.get_iterator(
                training.valid_set, training=False
            )
        # The scheduler wants an optimizer, and only sets its rate.
        self.clock = torch.optim.SGD([torch.zeros(1)], lr=training.learning_rate)
        self.scheduler = PLATEAU(self.clock, **HALVING)
        self.best, self.missed, self.losses = np.inf, 0, []
        self.weights = copy.deepcopy(self.net.module_.state_dict())

    @property
    def rate(self):
        return self.clock.param_groups[0]["lr"]

    @property
    def stopped(self):
        return self.missed == self.training.patience

    def batches(self, training):
        """Give the batches of an epoch, drawn as if this network were alone."""
        if training not in self.loaders:
            return iter(())
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(self.drawn)
            batches = iter(self.loaders[training])
            first = next(batches)  # draws the order
            self.drawn = torch.get_rng_state()
        return chain([first], batches)

    def end_epoch(self, train_loss, loss, stack, number):
        if False not in self.loaders:  # nothing to validate on
            loss = train_loss
        self.losses.append((train_loss, loss))
        self.scheduler.step(loss)
        if loss < self.best:
            self.best, self.missed = loss, 0
            self.weights |= stack.weights_of(number)
        else:
            self.missed += 1

    def result(self):
        self.net.module_.load_state_dict(self.weights)
        train, valid = np.array(self.losses).T
        epochs = np.arange(1, len(train) + 1)
        columns = {"epoch": epochs, "train_loss": train, "valid_loss": valid}
        return strip(self.net), pd.DataFrame(columns)


class _Stack:
    """The networks as one: parameters whose first axis is the network.

    Shapes are written as (network, batch, time, channel).
    """

    def __init__(self, modules, training):
        stacked, _ = torch.func.stack_module_state(modules)
        module = modules[0]
        self.n_layers = module.lstm.num_layers
        self.dropout = module.lstm.dropout
        self.horizon = module.horizon
        self.targets = module.targets
        self.device = training.device
        self.weight_decay = training.weight_decay
        self.epsilon = training.epsilon
        self.params = stacked
        self.moments = {n: (p.detach() * 0, p.detach() * 0) for n, p in stacked.items()}
        self.n_steps = torch.zeros(len(modules), device=self.device)
        self.set_rates([training.learning_rate] * len(modules))

    def set_rates(self, rates):
        self.rates = torch.tensor(rates, device=self.device)

    def weights_of(self, number):
        return {n: p.detach()[number].clone() for n, p in self.params.items()}

    def keep(self, numbers):
        """Go on with some of the networks."""
        for name, param in self.params.items():
            self.params[name] = param.detach()[numbers].requires_grad_()
            mean, square = self.moments[name]
            self.moments[name] = mean[numbers], square[numbers]
        self.n_steps = self.n_steps[numbers]

    def losses(self, inputs, target, training):
        """Huber loss of each network, averaged over its known targets: (network,)."""
        forecast = self._forecast(**inputs, training=training)
        known = ~torch.isnan(target)
        loss = nn.functional.huber_loss(
            forecast, torch.where(known, target, 0), reduction="none"
        )
        loss = torch.where(known, loss, 0).flatten(1).sum(dim=1)
        return loss / known.flatten(1).sum(dim=1).clamp(min=1)

    def step(self, loss, active):
        """Step by Adam, those networks that are active, each at its own rate.

        torch's own has one rate and one number of steps for a whole stack.
        """
        grads = torch.autograd.grad(loss.sum(), list(self.params.values()))
        self.n_steps += active
        rates = torch.where(active, self.rates / (1 - 0.9**self.n_steps), 0)
        unbias = (1 - 0.999**self.n_steps).sqrt()
        with torch.no_grad():
            for (name, param), grad in zip(self.params.items(), grads, strict=True):
                shape = (-1, *(1,) * (param.ndim - 1))
                mean, square = self.moments[name]
                weight = active.reshape(shape).to(param.dtype)
                grad = grad + self.weight_decay * param
                mean += 0.1 * weight * (grad - mean)
                square += 0.001 * weight * (grad**2 - square)
                size = square.sqrt() / unbias.reshape(shape).clamp(min=1e-12)
                param -= rates.reshape(shape) * mean / (size + self.epsilon)

    def _forecast(self, X, known=None, *, training):
        z = X
        for layer in range(self.n_layers):
            if layer:
                z = nn.functional.dropout(z, self.dropout, training)
            z = self._lstm(z, layer)
        steps = self._linear(z, "head.weight", "head.bias")
        forecast = X[..., None, self.targets] + steps.unflatten(-1, (self.horizon, -1))
        if known is None:
            return forecast
        weights = self.params["known_head.weight"].unflatten(1, (self.horizon, -1))
        return forecast + torch.einsum("cbthk,chnk->cbthn", known, weights)

    def _lstm(self, X, layer):
        bias = f"bias_ih_l{layer}"
        gates = self._linear(X, f"lstm.weight_ih_l{layer}", f"lstm.{bias}")
        weight = self.params[f"lstm.weight_hh_l{layer}"].transpose(1, 2)
        bias = self.params[f"lstm.bias_hh_l{layer}"][:, None, None]
        h = c = X.new_zeros(len(X), X.shape[1], weight.shape[1])
        out = []
        for step in (gates + bias).unbind(dim=2):
            write, forget, value, read = torch.baddbmm(step, h, weight).chunk(4, dim=2)
            c = forget.sigmoid() * c + write.sigmoid() * value.tanh()
            h = read.sigmoid() * c.tanh()
            out.append(h)
        return torch.stack(out, dim=2)

    def _linear(self, X, weight, bias):
        weight, bias = self.params[weight], self.params[bias]
        out = torch.baddbmm(bias[:, None], X.flatten(1, 2), weight.transpose(1, 2))
        return out.unflatten(1, X.shape[1:3])


def _run_epoch(stack, members, *, training):
    """Run over the batches of all networks side by side; mean loss of each.

    0 for a network without batches.
    """
    total, n_chunks = np.zeros((2, len(members)))
    with torch.set_grad_enabled(training):
        iterators = [member.batches(training) for member in members]
        for batches in zip_longest(*iterators):
            inputs, target, sizes = _side_by_side(batches, stack.device)
            loss = stack.losses(inputs, target, training)
            if training:
                stack.step(loss, torch.from_numpy(sizes > 0).to(stack.device))
            total += sizes * loss.detach().cpu().numpy()
            n_chunks += sizes
    return total / np.maximum(n_chunks, 1)


def _side_by_side(batches, device):
    """Stack the batches of all networks; missing chunks have nothing to learn."""
    sizes = np.array([0 if batch is None else len(batch[1]) for batch in batches])
    largest = batches[sizes.argmax()]

    def stack(parts, like, fill):
        out = like.new_full((len(batches), *like.shape), fill)
        for place, part in zip(out, parts, strict=True):
            if part is not None:
                place[: len(part)] = part
        return out.to(device)

    inputs = {
        name: stack([batch and batch[0][name] for batch in batches], like, 0)
        for name, like in largest[0].items()
    }
    target = stack([batch and batch[1] for batch in batches], largest[1], np.nan)
    return inputs, target, sizes

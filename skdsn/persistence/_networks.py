"""Networks, as the parameters of their module and arrays of weights."""

import numpy as np

# Parameters that say how often a part is repeated, each time with its own weights.
_REPEATS = ("n_layers", "n_blocks")


def _take_network(net):
    modules = _modules()
    name = type(net.module_).__name__
    if type(net.module_) is not modules.get(name):
        raise TypeError(f"A network of {type(net.module_)} cannot be stored.")
    state = net.module_.state_dict()
    weights = {key: tensor.cpu().numpy() for key, tensor in state.items()}
    return {
        "module": name,
        "params": net.get_params_for("module"),
        "weights": {key: _narrow(array) for key, array in weights.items()},
        "device": str(next(net.module_.parameters()).device.type),
    }


def _narrow(weights):
    """Halve weights that are float32 by nature, as those after training are."""
    if weights.dtype != np.float64:
        return weights
    with np.errstate(over="ignore"):
        narrow = weights.astype(np.float32)
    return narrow if np.array_equal(narrow, weights) else weights


def _make_network(module, params, weights, device):
    """Make a network of parts that may be anything.

    Parameters
    ----------
    module : str
        Name of one of the networks of skdsn.
    params : dict
        Of its constructor.
    weights : dict of str to ndarray
    device : str
        Where it was; without such a device it comes to the CPU.
    """
    import torch
    from skorch import NeuralNet

    from skdsn.encoders._modules import MaskedHuberLoss
    from skdsn.encoders._training import seeded, strip

    module = _modules()[module]
    largest = sum(array.size for array in weights.values())
    for name, value in params.items():
        most = len(weights) if name in _REPEATS else largest
        numbers = value if isinstance(value, list) else [value]
        if not all(_is_number(item) and 0 <= item <= most for item in numbers):
            raise ValueError(f"it has a network with {name}={value!r}")
    # First without memory, so that no size is believed that the weights do not have.
    with torch.device("meta"):
        expected = module(**params).state_dict()
    if {key: array.shape for key, array in weights.items()} != {
        key: tuple(tensor.shape) for key, tensor in expected.items()
    }:
        raise ValueError(f"it has weights that are not those of {module.__name__}")
    for key, tensor in expected.items():
        kind = "f" if tensor.dtype.is_floating_point else "i"
        if weights[key].dtype.kind != kind:
            raise ValueError(f"it has weights {key} of {weights[key].dtype}")
    targets = weights.get("targets", np.zeros(0))
    if len(targets) and not (0 <= targets.min() <= targets.max() < params["n_inputs"]):
        raise ValueError("it has a network with a target that is no input")
    device = "cuda" if device == "cuda" and torch.cuda.is_available() else "cpu"
    net = NeuralNet(
        module,
        criterion=MaskedHuberLoss,
        train_split=None,
        callbacks__print_log=None,
        device=device,
        verbose=0,
        **{f"module__{name}": value for name, value in params.items()},
    )
    with seeded(0, device):
        strip(net.initialize())
    tensors = {key: torch.from_numpy(array) for key, array in weights.items()}
    net.module_.load_state_dict(tensors)
    return net


def _is_number(value):
    return type(value) in (bool, int, float)


def _modules():
    """Networks of skdsn, by name."""
    from skdsn.encoders import _modules as home

    return {
        name: kind
        for name, kind in vars(home).items()
        if name.endswith("Net") and getattr(kind, "__module__", "") == home.__name__
    }


# Kind to the names of its classes, how it is taken apart, and made of its parts.
KINDS = {"network": (("skorch.net.NeuralNet",), _take_network, _make_network)}

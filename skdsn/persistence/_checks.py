"""Whether what an estimator has learnt fits together.

scikit-learn checks parameters and telemetry, and trusts its own attributes. Some of
its compiled code reads wherever these tell it to; so they are checked here.
"""

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator

from skdsn.encoders._base import BaseEncoder
from skdsn.persistence._trusted import known_types, name_of

_BOOSTING = (
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting."
    "HistGradientBoostingClassifier"
)
# Attributes that are made anew, by the class that has them.
FORGOTTEN = {
    _BOOSTING: ("_loss", "_feature_subsample_rng"),
    # Caches, of no use to another process.
    "imblearn.pipeline.Pipeline": ("memory",),
    "sklearn.pipeline.Pipeline": ("memory",),
}
# One number for each feature that came in.
_PER_FEATURE = (
    "center_",
    "data_max_",
    "data_min_",
    "max_abs_",
    "mean_",
    "min_",
    "scale_",
    "var_",
    "variances_",
)
_MOST_JOBS = 1024


def check_object(value):
    """Check an object whose attributes came from a file.

    Parameters
    ----------
    value : object
        Changed only where an attribute is made anew.

    Raises
    ------
    ValueError, TypeError, LookupError, AttributeError
        If an attribute is missing, or does not fit the others.
    """
    kind, name = type(value), name_of(type(value))
    for key in vars(value):
        if key.startswith("__") or callable(getattr(kind, key, None)):
            raise ValueError(f"it has a {kind.__name__} with an attribute {key!r}")
        if key == "_parameter_constraints":
            raise ValueError(f"it has a {kind.__name__} with constraints of its own")
    if "memory" in FORGOTTEN.get(name, ()):
        value.memory = None
    if isinstance(value, BaseEstimator):
        _check_estimator(value)
    if isinstance(value, BaseEncoder):
        _check_encoder(value)
    if name in _CHECKS:
        _CHECKS[name](value)


def _check_estimator(value):
    if hasattr(type(value), "_parameter_constraints"):
        value._validate_params()
    n_jobs = getattr(value, "n_jobs", None)
    if n_jobs is not None and abs(n_jobs) > _MOST_JOBS:
        raise ValueError(f"it has an estimator with n_jobs={n_jobs}")
    learnt = vars(value)
    container = learnt.get("_sklearn_output_config", {}).get("transform", "default")
    if container not in ("default", "pandas", "polars"):
        raise ValueError(f"it has an estimator that returns {container!r}")
    if "n_features_in_" not in learnt:
        return
    n_features = learnt["n_features_in_"]
    if not isinstance(n_features, Integral) or n_features < 1:
        raise ValueError(f"it has an estimator with n_features_in_={n_features!r}")
    names = learnt.get("feature_names_in_")
    if names is not None and (
        names.shape != (n_features,)
        or len(set(names)) < n_features
        or not all(type(name) is str for name in names)
    ):
        raise ValueError("it has an estimator without a name for each feature")
    # A type that the user trusts may mean something else by these names.
    per_feature = _PER_FEATURE if name_of(type(value)) in known_types() else ()
    for key in per_feature:
        array = learnt.get(key)
        if isinstance(array, np.ndarray) and array.shape not in ((n_features,), ()):
            raise ValueError(
                f"it has a {type(value).__name__} whose {key} is not one number for "
                "each feature"
            )


def _check_tree(value):
    if "tree_" not in vars(value):
        return  # a template
    tree = _is_exact(value.tree_, "sklearn.tree._tree.Tree")
    n_classes = np.atleast_1d(getattr(value, "n_classes_", 1))
    if (
        tree.n_features != value.n_features_in_
        or tree.n_outputs != value.n_outputs_
        or not np.array_equal(n_classes, tree.n_classes)
    ):
        raise ValueError("it has a tree that does not fit its estimator")


def _check_forest(value):
    if "estimators_" not in vars(value):
        return
    for part in _some(value.estimators_, list):
        _is_tree(part)
        same = ("n_features_in_", "n_outputs_", "n_classes_")
        if any(getattr(part, name) != getattr(value, name) for name in same):
            raise ValueError("it has a forest with a tree that does not fit it")
    if len(value.classes_) != value.n_classes_:
        raise ValueError("it has a forest without a name for each class")


def _check_isolation_forest(value):
    if "estimators_" not in vars(value):
        return
    if not all(
        isinstance(n, Integral) for n in (value._max_features, value._max_samples)
    ):
        raise ValueError("it has an isolation forest without its size")
    trees, features = _some(value.estimators_, list), value.estimators_features_
    lengths, average = value._decision_path_lengths, value._average_path_length_per_tree
    for tree, chosen, *paths in zip(trees, features, lengths, average, strict=True):
        _is_tree(tree)
        own = np.asarray(chosen)
        if own.shape != (tree.n_features_in_,) or own.dtype.kind != "i":
            raise ValueError("it has a tree that does not fit its features")
        if own.min() < 0 or max(own.max() + 1, len(own)) > value.n_features_in_:
            raise ValueError("it has a tree that asks for a feature that is none")
        if any(path.shape != (tree.tree_.node_count,) for path in paths):
            raise ValueError("it has a tree without a path length for each node")


def _check_one_hot(value):
    if "categories_" not in vars(value):
        return
    dropped = value.drop_idx_, value._drop_idx_after_grouping
    if value._infrequent_enabled or any(part is not None for part in dropped):
        raise ValueError(
            "it has a OneHotEncoder with drop, min_frequency or max_categories, which "
            "cannot be checked"
        )
    columns = _some(value.categories_, list)
    if [len(levels) for levels in columns] != list(value._n_features_outs):
        raise ValueError("it has a OneHotEncoder that miscounts its categories")
    if len(columns) != value.n_features_in_:
        raise ValueError("it has a OneHotEncoder without categories for each column")
    for levels in columns:
        # It looks a value up by bisection, and writes where that ends.
        if levels.dtype.kind == "f" and np.isnan(levels[-1:]).any():
            levels = levels[:-1]
        if levels.dtype != object and not (levels[:-1] < levels[1:]).all():
            raise ValueError("it has a OneHotEncoder with categories out of order")


def _check_function(value):
    if value.func is not None or value.inverse_func is not None:
        raise ValueError("it has a FunctionTransformer with a function")


def _check_neighbors(value):
    if "_fit_X" in vars(value):
        raise ValueError("it has fitted NearestNeighbors, which cannot be checked")


def _check_boosting(value):
    if "_predictors" not in vars(value):
        return
    n_features = value.n_features_in_
    flags = value._bin_mapper.is_categorical_
    if value._preprocessor is not None or value._n_features != n_features:
        raise ValueError("it has gradient boosting with a preprocessor")
    if flags.shape != (n_features,) or flags.dtype != np.uint8 or flags.any():
        raise ValueError("it has gradient boosting with categorical features")
    n_trees = value.n_trees_per_iteration_
    if n_trees != (1 if len(value.classes_) == 2 else len(value.classes_)):
        raise ValueError("it has gradient boosting without a tree for each class")
    for trees in _some(value._predictors, list):
        if len(trees) != n_trees:
            raise ValueError("it has gradient boosting without a tree for each class")
        for tree in trees:
            features = _is_exact(
                tree,
                "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
            ).nodes["feature_idx"]
            if features.min() < 0 or features.max() >= n_features:
                raise ValueError("it has a tree that asks for a feature that is none")
    if value._baseline_prediction.shape != (1, n_trees):
        raise ValueError("it has gradient boosting without a baseline")
    value._loss = value._get_loss(sample_weight=None)
    value._feature_subsample_rng = np.random.default_rng(0)


def _check_encoder(value):
    net = vars(value).get("net_")
    if net is None:
        return
    _is_exact(net, "skorch.net.NeuralNet")
    device = next(net.module_.parameters()).device.type
    columns = [value.target_indices_, *_listed(value, "input_indices_")]
    columns += _listed(value, "known_indices_")
    for places in columns:
        if places.ndim != 1 or places.dtype.kind != "i":
            raise ValueError("it has an encoder with columns that are no numbers")
        if len(places) and not 0 <= places.min() <= places.max() < value.n_features_in_:
            raise ValueError("it has an encoder with a column that is none")
    own = net.get_params_for("module")
    expected = _expected_network(value)
    if any(own.get(name, given) != given for name, given in expected.items()):
        raise ValueError("it has an encoder with the network of another one")
    value.device_ = device


def _expected_network(value):
    """Say what the network of a fitted encoder has to be like."""
    targets = value.target_indices_
    known = _listed(value, "known_indices_")
    if hasattr(value, "_network"):
        expected = dict(value._network()["module_params"])
    else:
        expected = {"hidden_size": value.hidden_size, "n_layers": value.n_layers}
    return {
        "n_inputs": len(getattr(value, "input_indices_", range(value.n_features_in_))),
        "targets": targets.tolist(),
        "n_known": len(known[0]) if known else 0,
        "horizon": getattr(value, "horizon", None),
        "n_outputs": getattr(value, "horizon", 1) * len(targets),
        **expected,
    }


def _listed(value, name):
    return [vars(value)[name]] if name in vars(value) else []


def _some(parts, kind):
    if type(parts) is not kind or len(parts) == 0:
        raise ValueError("it has an ensemble without parts")
    return parts


def _is_tree(part):
    if name_of(type(part)) not in _TREES or "tree_" not in vars(part):
        raise ValueError("it has a forest with a part that is no tree")


def _is_exact(part, name):
    if name_of(type(part)) != name:
        raise ValueError(f"it has {type(part).__name__} in the place of {name}")
    return part


_TREES = {
    f"sklearn.tree._classes.{name}"
    for name in ("DecisionTreeClassifier", "ExtraTreeClassifier", "ExtraTreeRegressor")
}
_CHECKS = {
    **dict.fromkeys(_TREES, _check_tree),
    "sklearn.ensemble._forest.ExtraTreesClassifier": _check_forest,
    "sklearn.ensemble._forest.RandomForestClassifier": _check_forest,
    "sklearn.ensemble._iforest.IsolationForest": _check_isolation_forest,
    "sklearn.neighbors._unsupervised.NearestNeighbors": _check_neighbors,
    "sklearn.preprocessing._encoders.OneHotEncoder": _check_one_hot,
    "sklearn.preprocessing._function_transformer.FunctionTransformer": _check_function,
    _BOOSTING: _check_boosting,
}

"""Trees of scikit-learn, whose nodes are read without checking any index."""

import numpy as np
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.tree._tree import NODE_DTYPE, Tree

_LEAF = -1


def check_children(left, right, inner):
    """Check that nodes form a single tree.

    Parameters
    ----------
    left, right : int ndarray of shape (n_nodes,)
        Children of each node.
    inner : bool ndarray of shape (n_nodes,)
        Nodes that have children.

    Returns
    -------
    int
        Its depth.

    Raises
    ------
    ValueError
        If any node but the first is not the child of just one node before it.
    """
    n_nodes = len(left)
    children = np.concatenate([left[inner], right[inner]]).astype(np.int64)
    if n_nodes == 0 or not np.array_equal(np.sort(children), np.arange(1, n_nodes)):
        raise ValueError("it has a tree whose nodes are not linked as a tree")
    parents = np.tile(np.flatnonzero(inner), 2)
    if (children <= parents).any():
        raise ValueError("it has a tree with a child before its parent")
    depth, level = 0, np.zeros(1, dtype=np.int64)
    while inner[level].any():
        level = level[inner[level]]
        level = np.concatenate([left[level], right[level]]).astype(np.int64)
        depth += 1
    return depth


def _take_tree(tree):
    state = tree.__getstate__()
    return {
        "n_features": int(tree.n_features),
        "n_classes": np.array(tree.n_classes),
        "nodes": _without_padding(state["nodes"]),
        "values": np.array(state["values"]),
    }


def _make_tree(n_features, n_classes, nodes, values):
    """Make a tree of parts that may be anything.

    Parameters
    ----------
    n_features : int
    n_classes : int64 ndarray of shape (n_outputs,)
    nodes : structured ndarray of shape (n_nodes,)
    values : float64 ndarray of shape (n_nodes, n_outputs, max_n_classes)
    """
    nodes = _as_nodes(nodes, NODE_DTYPE)
    whole = n_classes.ndim == 1 and n_classes.dtype == np.intp and len(n_classes)
    if not whole or n_classes.min() < 1 or type(n_features) is not int:
        raise ValueError("it has a tree without classes")
    shape = (len(nodes), len(n_classes), int(n_classes.max()))
    if values.shape != shape or values.dtype != np.float64:
        raise ValueError("it has a tree whose values do not fit its nodes")
    left, right = nodes["left_child"], nodes["right_child"]
    inner = left != _LEAF
    if (right[~inner] != _LEAF).any():
        raise ValueError("it has a tree with half a leaf")
    depth = check_children(left, right, inner)
    feature = nodes["feature"][inner]
    if len(feature) and not (feature.min() >= 0 and feature.max() < n_features):
        raise ValueError("it has a tree that asks for a feature that is none")
    tree = Tree(n_features, n_classes, len(n_classes))
    tree.__setstate__(
        {
            "max_depth": depth,
            "node_count": len(nodes),
            "nodes": nodes,
            "values": np.ascontiguousarray(values),
        }
    )
    return tree


def _take_predictor(predictor):
    if predictor.nodes["is_categorical"].any():
        raise TypeError(
            "Gradient boosting with categorical features cannot be stored; encode them "
            "in a step before it."
        )
    return {"nodes": _without_padding(predictor.nodes)}


def _make_predictor(nodes):
    """Make a tree of gradient boosting; its owner checks the features."""
    nodes = _as_nodes(nodes, PREDICTOR_RECORD_DTYPE)
    if nodes["is_categorical"].any() or not np.isin(nodes["is_leaf"], (0, 1)).all():
        raise ValueError("it has a tree with nodes of an unknown kind")
    check_children(nodes["left"], nodes["right"], nodes["is_leaf"] == 0)
    return TreePredictor(nodes, *np.zeros((2, 0, 8), dtype=np.uint32))


def _as_nodes(nodes, dtype):
    if nodes.ndim != 1 or nodes.dtype.descr != np.zeros(0, dtype).dtype.descr:
        raise ValueError("it has a tree with nodes of another layout")
    return np.ascontiguousarray(nodes.astype(dtype))


def _without_padding(nodes):
    """Copy nodes, without what happens to lie in memory between their fields."""
    clean = np.zeros(len(nodes), dtype=nodes.dtype)
    for name in nodes.dtype.names:
        clean[name] = nodes[name]
    return clean


# Kind to the names of its classes, how it is taken apart, and made of its parts.
KINDS = {
    "tree": (("sklearn.tree._tree.Tree",), _take_tree, _make_tree),
    "predictor": (
        ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",),
        _take_predictor,
        _make_predictor,
    ),
}

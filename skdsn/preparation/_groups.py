"""Join passes that must not be parted."""

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from skdsn.preparation._report import drop_report


def join_passes(passes, matches):
    """Join passes that share an incident, directly or over other passes.

    Parameters
    ----------
    passes : Series of str
        Pass of each track, indexed by track.
    matches : sequence of dict
        By track: the number of an incident to the rows that it labels.

    Returns
    -------
    group : Series of str
        Indexed as `passes`: the first of the passes that are joined, by name.
    report : DataFrame
        ``track`` (None), ``step``, ``reason``, ``n_rows`` (0), ``kept``: an entry if
        any are joined.
    """
    codes, names = pd.factorize(passes)
    hits = [
        (code, int(number))
        for code, match in zip(codes, matches, strict=True)
        for number in match
    ]
    of_pass, of_incident = np.array(hits, dtype=np.int64).reshape(-1, 2).T
    n_nodes = len(names) + of_incident.max(initial=-1) + 1
    # Passes and incidents are the nodes, and an incident has edges to its passes.
    edges = (np.ones(len(hits)), (of_pass, len(names) + of_incident))
    graph = coo_array(edges, shape=(n_nodes, n_nodes))
    _, component = connected_components(graph, directed=False)
    of_name = pd.Series(names).groupby(component[: len(names)])
    first = of_name.transform("min").to_numpy()
    sizes = of_name.size()
    n_joined, n_groups = sizes[sizes > 1].sum(), (sizes > 1).sum()
    reason = f"{n_joined} passes share incidents, so they are dealt as {n_groups}"
    report = drop_report("split", [(None, reason, 0)] if n_joined else (), kept=True)
    return pd.Series(first[codes], passes.index, name="group"), report

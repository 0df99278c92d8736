"""``skdsn train``."""

import json
from time import perf_counter

from sklearn.frozen import FrozenEstimator

from skdsn.cli._detectors import (
    add_up_in_order,
    load_detector,
    make_recipe,
    save_detector,
)
from skdsn.cli._print import counted
from skdsn.cli._runs import EncoderCheckpoint, logged, store_digest
from skdsn.datasets import TrackStore
from skdsn.detectors import ScoreSmoother, TunedThresholdDetector
from skdsn.preparation import sample_tracks

DETECTOR, TUNED = "detector.pkl", "tuned.json"
# Rows that a detector is thinned out to, unless --set fit_stride says.
_ROWS = 200_000


def run(args):
    """Train a detector on a track store.

    Parameters
    ----------
    args : argparse.Namespace
    """
    store = TrackStore.open(args.store)
    path = store.folder / DETECTOR
    if path.exists() and not args.again:
        if load_detector(path)[1].get("store") == store_digest(store):
            print(f"{path} is there already; --again trains it anew.")
            return
        print(f"{path} was trained on other tracks or splits, so it is trained anew.")
    with logged(store.folder, args) as result:
        result |= train(store, args, _tuned_params(store, args))
    print(f"Saved {path}. Next: skdsn evaluate {store.folder}")


def _tuned_params(store, args):
    """Give what ``skdsn tune`` found for this store, but for what ``--set`` says."""
    path = store.folder / TUNED
    if not path.exists():
        return {}
    try:
        tuned = json.loads(path.read_text(encoding="utf-8"))
        origin, searched = (tuned["store"], tuned["recipe"]), dict(tuned["params"])
    except (ValueError, TypeError, LookupError) as error:
        raise ValueError(
            f"{path} is broken ({error}); run skdsn tune again, or remove it."
        ) from error
    if origin != (store_digest(store), args.recipe):
        print(f"{path} is of other tracks or another recipe, so it is left alone.")
        return {}
    given = {item.partition("=")[0] for item in args.overrides}
    params = {name: v for name, v in searched.items() if name not in given}
    print(f"With the parameters that skdsn tune found: {params}")
    return params


def train(store, args, params):
    """Fit a detector on the training tracks, its threshold on the others, and save it.

    Parameters
    ----------
    store : TrackStore
    args : argparse.Namespace
    params : dict
        Parameters to set in the recipe.

    Returns
    -------
    dict
        ``n_train_rows``, ``fit_stride``, ``params`` and ``threshold``.
    """
    _need_incidents(store, args)
    rows = read_split(store, "train", args.max_rows, args.seed)
    stride = thin_out(args, len(rows.X))
    detector = make_recipe(args).set_params(**params)
    print(
        f"Fitting on {counted(len(rows.X), 'row')} of "
        f"{counted(rows.X.index.get_level_values(0).nunique(), 'track')}; "
        f"{(rows.y == 1).mean():.2%} of the rows are anomalous ...",
        flush=True,
    )
    begin = perf_counter()
    checkpoint = EncoderCheckpoint(store.folder / "encoder.checkpoint")
    detector = detector.set_params(memory=checkpoint)
    detector = detector.fit(rows.X, rows.y)
    detector.set_params(memory=None)
    told = {"n_train_rows": len(rows.X), "fit_stride": stride, "params": params}
    del rows
    print(f"Fitted in {perf_counter() - begin:.0f} s.", flush=True)
    held_out = store.frame("val")
    if args.smooth:
        smoother = ScoreSmoother(FrozenEstimator(detector), halflife=args.smooth)
        detector = smoother.fit(held_out.X, held_out.y)
    detector = TunedThresholdDetector(
        detector,
        objective=args.objective,
        max_false_alarms=args.max_false_alarms,
        cv="prefit",
    ).fit(held_out.X, held_out.y)
    print(f"Rows are flagged where the score exceeds {detector.threshold_:.6g}.")
    remembered = {
        "mission": store.info,
        "kinds": store.columns,
        "store": store_digest(store),
    }
    save_detector(store.folder / DETECTOR, add_up_in_order(detector), remembered)
    checkpoint.remove()
    return {**told, "threshold": detector.threshold_}


def _need_incidents(store, args):
    """Refuse, before an hour of training, splits that nothing can be learnt from."""
    hit = set(store.tracks["split"][store.tracks["n_anomalous"] > 0])
    needed = {"train": "there is nothing to learn from"}
    if args.objective != "false_alarms":
        needed["val"] = "no threshold is best; see --objective false_alarms"
    for split, reason in needed.items():
        if split not in hit:
            raise ValueError(
                f"No track of split {split!r} has an incident, so {reason}. Prepare "
                "anew with more passes, or another --seed or --split."
            )
    if not (store.tracks["split"] == "val").any():
        raise ValueError(
            "The store has no track of split 'val' to choose the threshold on."
        )


def thin_out(args, n_rows, limit=_ROWS):
    """Have the forest learn from every so many rows, unless the arguments say.

    Rows seconds apart tell a forest the same thing again and again.

    Parameters
    ----------
    args : argparse.Namespace
        Its ``overrides`` gain a ``fit_stride``.
    n_rows : int
        Of training.
    limit : int
        Rows to be left, about.

    Returns
    -------
    int or None
        The stride; None if the arguments have one.
    """
    if any(item.startswith("fit_stride=") for item in args.overrides):
        return None
    stride = max(1, round(n_rows / limit))
    args.overrides = [*args.overrides, f"fit_stride={stride}"]
    if stride > 1:
        print(f"The forest learns from one row in {stride}.")
    return stride


def read_split(store, split, max_rows, seed):
    """Read a split, or as many of its tracks as a budget of rows allows.

    Parameters
    ----------
    store : TrackStore
    split : str
    max_rows : int or None
    seed : int

    Returns
    -------
    Bunch
        As :meth:`TrackStore.frame` returns it.
    """
    tracks = store.tracks[store.tracks["split"] == split]
    if max_rows is None or not len(tracks):
        return store.frame(split)
    chosen, left_out = sample_tracks(tracks, max_rows, random_state=seed)
    if len(left_out):
        print(f"Left out for --max-rows: {counted(len(left_out), 'track')}.")
    return store.frame(split, tracks=chosen)

"""``skdsn tune``."""

import errno
import json

from skdsn._files import replacing
from skdsn.cli._detectors import make_recipe
from skdsn.cli._runs import logged, store_digest
from skdsn.cli._train import DETECTOR, TUNED, read_split, thin_out, train
from skdsn.datasets import TrackStore
from skdsn.model_selection import GroupedTrackSplit, StratifiedTrackKFold, tune

# Rows that a trial is thinned out to: it is one of many.
_ROWS = 50_000


def run(args):
    """Search parameters on the training tracks of a store, and train with the best.

    Parameters
    ----------
    args : argparse.Namespace
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    store = TrackStore.open(args.store)
    with logged(store.folder, args, alone=False) as result:
        rows = read_split(store, "train", args.max_rows, args.seed)
        passes = dict(zip(rows.X.index.get_level_values(0), rows.groups, strict=True))
        given = args.overrides
        thin_out(args, len(rows.X), _ROWS)
        storage = store.folder / "study.db"
        try:
            found = tune(
                make_recipe(args),
                rows.X,
                rows.y,
                n_trials=args.trials,
                cv=GroupedTrackSplit(StratifiedTrackKFold(args.folds), groups=passes),
                scoring=args.scoring,
                storage=storage,
                study_name=args.study or args.recipe,
                timeout=args.timeout,
                random_state=args.search_seed,
                refit=False,
                callback=_print_trial,
            )
        except optuna.exceptions.StorageInternalError as error:
            reason = f"{storage} cannot be written: {str(error).splitlines()[0]}"
            raise OSError(errno.EAGAIN, reason) from error
        del rows
        print(f"Best of {len(found.trials)} trials: {found.score:.3f}, {found.params}")
        content = {
            "store": store_digest(store),
            "recipe": args.recipe,
            "scoring": args.scoring,
            "score": found.score,
            "n_trials": len(found.trials),
            "params": found.params,
        }
        with replacing(store.folder / TUNED) as draft:
            draft.write_text(json.dumps(content, indent=1))
        result["score"] = found.score
        args.max_rows, args.overrides = args.train_rows, given
        result |= train(store, args, found.params)
    print(f"Saved {store.folder / DETECTOR}. Next: skdsn evaluate {store.folder}")


def _print_trial(study, trial):
    value = "" if trial.value is None else f" {trial.value:.3f}"
    seconds = trial.duration.total_seconds()
    print(
        f"Trial {trial.number}: {trial.state.name.lower()}{value}, {seconds:.0f} s",
        flush=True,
    )

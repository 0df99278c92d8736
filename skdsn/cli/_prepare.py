"""``skdsn prepare``."""

from skdsn.cli._print import counted
from skdsn.cli._runs import logged
from skdsn.datasets import read_raw
from skdsn.preparation import prepare_tracks, read_quality


def run(args):
    """Select, label and split the tracks of a mission, and store them.

    Parameters
    ----------
    args : argparse.Namespace
    """
    raw = read_raw(args.raw, args.mission, allow_pickle=args.allow_pickle)
    with logged(args.out, args) as result:
        store = prepare_tracks(
            raw,
            args.out,
            bands=args.bands.split(",") if args.bands else None,
            trim=args.trim_elevation,
            min_rows=args.min_rows,
            repair=not args.strict,
            open_start=args.open_start,
            open_end=args.open_end,
            padding=args.padding,
            split=args.split,
            gap=args.gap,
            max_train_rows=args.max_train_rows,
            anomalous_share=args.anomalous_share,
            random_state=args.seed,
            progress=_print_progress,
        )
        result["n_rows"] = int(store.tracks["n_rows"].sum())
        result["n_tracks"] = len(store)
    print_quality(store)
    print(f"\nWrote {args.out}. Next: skdsn train {args.out}")


def print_quality(store):
    """Print the splits of a store, and what was left out, mended or missed.

    Parameters
    ----------
    store : TrackStore
    """
    tracks = store.tracks
    with_incidents = tracks["n_anomalous"] > 0
    table = tracks.assign(with_incidents=with_incidents).groupby("split", sort=False)
    table = table.agg(
        tracks=("n_rows", "size"),
        with_incidents=("with_incidents", "sum"),
        rows=("n_rows", "sum"),
        anomalous=("n_anomalous", "sum"),
    )
    table["share"] = table["anomalous"] / table["rows"]
    order = [name for name in ("train", "val", "test") if name in table.index]
    table = table.loc[[*order, *table.index.difference(order)]]
    print(table.to_string(float_format="{:.2%}".format))
    quality, incidents = read_quality(store)
    matched = (incidents["reason"] == "matched").sum()
    print(f"\nIncidents: {matched} of {len(incidents)} matched rows.")
    if len(quality) == 0:
        print("Nothing was left out, and nothing had to be mended.")
        return
    print("Left out, mended or missed (all of it in quality.csv):")
    counts = quality.groupby(["step", "reason"], sort=False)["n_rows"]
    counts = counts.agg(entries="size", rows="sum").reset_index()
    print(counts.to_string(index=False))


def _print_progress(chunk, number, n_chunks):
    print(f"{chunk} ({number} of {counted(n_chunks, 'chunk')})", flush=True)

"""``skdsn convert``."""

from skdsn.cli._print import counted
from skdsn.datasets import convert_raw, read_raw


def run(args):
    """Convert the raw files of a mission to Parquet.

    Parameters
    ----------
    args : argparse.Namespace
    """
    raw = read_raw(args.raw, args.mission, allow_pickle=args.allow_pickle)
    convert_raw(raw, args.out, progress=lambda chunk: print(chunk, flush=True))
    print(
        f"Wrote {counted(len(raw.chunks), 'chunk')} and "
        f"{counted(len(raw.incidents), 'incident')} to {args.out}. Next: skdsn prepare "
        f"--mission {args.mission} {args.out} OUT"
    )

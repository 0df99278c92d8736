"""``skdsn decode``."""

import importlib
import json
import tempfile
from collections import Counter
from pathlib import Path

import pandas as pd
from tqdm.auto import tqdm

from skdsn._files import replacing
from skdsn.ccsds import (
    FrameSpec,
    PacketExtractor,
    TelemetryMerger,
    decode_packets,
    extract_packets,
    iter_frames,
    iter_packets,
    load_mission,
    read_definitions,
    read_frames,
)
from skdsn.cli._print import counted
from skdsn.cli._targets import check_targets
from skdsn.cli._write_tables import TelemetryParts, check_suffix

_CELLS = 20_000_000  # of telemetry decoded at a time
_LISTED = 10  # names at most, of columns left out
_HINTS = {
    "rounded": " (integers above 2**53, which no float holds exactly)",
    "steps_back": " (packets older than rows before them begin a new track; a longer "
    "--hold, or --time received, may avoid it)",
}


def run(args):
    """Decode frames or packets, and write the telemetry.

    Parameters
    ----------
    args : argparse.Namespace
    """
    check_targets({"--out": args.out, "--json": args.json}, _inputs(args))
    check_suffix(args.out)
    for module in args.modules:
        _import(module)
    spec, definitions = _read_mission(args)
    counts = {}
    with tempfile.TemporaryDirectory(dir=Path(args.out).parent) as folder:
        parts = TelemetryParts(Path(folder))
        for frame in _telemetry(args, spec, definitions, counts):
            parts.add(frame)
        _print_counts(counts)
        if args.json:
            with replacing(args.json) as draft:
                draft.write_text(json.dumps(counts, indent=1) + "\n", encoding="utf-8")
        _check_rows(args, parts, counts)
        with replacing(args.out) as draft:
            n_columns = parts.write(draft, drop_empty=args.drop_empty)
    _print_result(args, parts, n_columns, counts)


def _import(module):
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ValueError(
            f"--import {module}: there is no module {error.name}; install it, or put "
            "its folder into the variable PYTHONPATH."
        ) from error


def _check_rows(args, parts, counts):
    """Say why there is no row."""
    if parts.n_rows:
        return
    timeless = counts["telemetry"]["without_time"]
    if timeless:
        raise ValueError(
            f"None of the {counted(timeless, 'packet')} has a time; {_remedy(args)}."
        )
    raise ValueError(
        f"No row of telemetry came out of {', '.join(args.frames)}: see the counts "
        "above, and check the spec and the definitions."
    )


def _remedy(args):
    """Say where packets may have a time from."""
    if args.time == "received" and not _can_start(args):
        return "leave --time received out, for files of packets do not say when"
    rule = "the definitions a rule for the time on board"
    return (
        f"give --start and --period, or {rule}" if _can_start(args) else f"give {rule}"
    )


def _can_start(args):
    return bool(args.spec or (args.mission and load_mission(args.mission).spec))


def _print_result(args, parts, n_columns, counts):
    """Print what was written, and what was left out of it."""
    empty = ""
    if parts.n_empty:
        what = "left out" if args.drop_empty else "among them"
        empty = f" ({parts.n_empty:,} without any value {what})"
    print(
        f"\n{counted(parts.n_rows, 'row')} in {counted(len(parts.tracks), 'track')}, "
        f"{counted(n_columns, 'column')}{empty}, {parts.first} to {parts.last}."
    )
    for reason, names in counts["telemetry"]["left_out"].items():
        more = f", and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
        listed = ", ".join(names[:_LISTED]) + more
        print(f"left out, {reason.replace('_', ' ')}: {listed}")
    kinds = counts["decoded"]["kinds"].items()
    timeless = {kind: found["without_time"] for kind, found in kinds}
    if any(timeless.values()):
        named = ", ".join(kind for kind, count in timeless.items() if count)
        print(
            f"{named}: {counted(sum(timeless.values()), 'packet')} without time are "
            f"left out; {_remedy(args)}"
        )
    for name in ("moved", "rounded", "steps_back"):
        count = counts["telemetry"][name]
        if count:
            print(f"{name.replace('_', ' ')}: {count:,}{_HINTS.get(name, '')}")
    print(f"Wrote {args.out}" + (f" and {args.json}" if args.json else ""))


def _inputs(args):
    """Give what is read, in words, to its file."""
    inputs = {f"input {path}": path for path in args.frames}
    inputs |= {"spec": args.spec, "definitions": args.packets}
    if args.packets and Path(args.packets).is_dir():
        files = Path(args.packets).iterdir()
        inputs |= {f"file {path.name} of the definitions": path for path in files}
    return inputs


def _read_mission(args):
    """Give the frame spec, None for files of packets, and the definitions."""
    if args.mission:
        if args.spec:
            raise ValueError("--mission stands in place of --spec; give one of them.")
        mission = load_mission(args.mission)
        spec, definitions = mission.spec, mission.definitions
    else:
        spec = FrameSpec.from_yaml(args.spec) if args.spec else None
        definitions = ()
    if args.packets:
        definitions = read_definitions(args.packets)
    if not definitions:
        raise ValueError(
            f"The mission {args.mission} comes without definitions of its packets; "
            "give them with --packets."
            if args.mission
            else "Give the definitions of the packets with --packets, or a --mission."
        )
    if args.kind:
        known = [each.name for each in definitions]
        for kind in args.kind:
            if kind not in known:
                raise ValueError(f"There is no kind {kind!r} of packets in {known}.")
    for each in definitions if args.time == "onboard" else ():
        if _is_wanted(each.name, args) and each.time is None:
            raise ValueError(
                f"The packets {each.name!r} have no rule for the time on board; leave "
                "--time out to take the time of reception there."
            )
    return spec, list(definitions)


def _is_wanted(kind, args):
    return not args.kind or kind in args.kind


def _telemetry(args, spec, definitions, counts):
    """Give the telemetry piece by piece, and at the end the counts of all stages."""
    merger = TelemetryMerger(
        max_gap=args.max_gap, hold=args.hold, numeric_only=not args.labels
    )
    time = "received" if args.time == "received" else None
    found = {}
    step = max(1, _CELLS // max(1, sum(_width(each) for each in definitions)))
    for packets in _packets(args, spec, counts):
        for start in range(0, max(len(packets), 1), step):
            piece = packets.iloc[start : start + step]
            # Of all kinds: a packet of one may look like one of another.
            kinds = decode_packets(piece, definitions, time=time)
            _add(found, kinds.statistics)
            kinds = {kind: kinds[kind] for kind in kinds if _is_wanted(kind, args)}
            yield merger.update(kinds)
    yield merger.finish()
    if args.kind:
        others = [name for name in found["kinds"] if not _is_wanted(name, args)]
        found["other_kinds"] = sum(found["kinds"].pop(n)["decoded"] for n in others)
    counts["decoded"] = found
    counts["telemetry"] = merger.statistics | {"left_out": merger.left_out}


def _width(definition):
    return len(definition.columns) or 100  # the length of an array may be open


def _packets(args, spec, counts):
    """Give the packets of all files piece by piece."""
    if spec is None:
        yield from _packets_alone(args, counts)
        return
    if args.prefix or args.on_error != "raise":
        raise ValueError(
            "--prefix and --on-error are of files of packets; leave --spec and "
            "--mission out, or these."
        )
    copies = args.copies or "station_count"
    options = {"format": args.format, "start": args.start, "period": args.period}
    if args.start and len(args.frames) > 1:
        raise ValueError("--start is the time of one file; decode them one by one.")
    if any(_is_csv(path, args.format) for path in args.frames):
        packets = extract_packets(
            _read_whole(args.frames, spec, options), spec, copies=copies
        )
        counts["channels"] = packets.attrs["statistics"]
        yield packets
        return
    extractor = PacketExtractor(spec, copies=copies)
    with tqdm(total=_n_frames(args.frames, spec), unit=" frames", disable=None) as bar:
        for path in args.frames:
            for frames in iter_frames(path, spec, **options):
                yield extractor.update(frames)
                bar.update(len(frames))
    yield extractor.finish()
    counts["channels"] = extractor.statistics


def _packets_alone(args, counts):
    """Give the packets of files without frames."""
    if args.format or args.start or args.period or args.copies:
        raise ValueError(
            "--format, --start, --period and --copies are of frames; give their --spec."
        )
    with tqdm(unit=" packets", disable=None) as bar:
        for path in args.frames:
            for packets in iter_packets(
                path, prefix=args.prefix, on_error=args.on_error
            ):
                yield packets
                bar.update(len(packets))
                counts.setdefault("files", {})[path] = packets.attrs["statistics"]


def _is_csv(path, format):
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    return format == "csv" or (format is None and ".csv" in suffixes)


def _n_frames(paths, spec):
    """Tell about how many frames files of raw frames hold, or None."""
    if spec.length is None or any(path.lower().endswith(".gz") for path in paths):
        return None
    size = len(spec.sync_marker) // 2 + spec.length + spec.trailer
    return sum(Path(path).stat().st_size for path in paths) // size


def _read_whole(paths, spec, options):
    """Read all frames, to be sorted by time and counted by station."""
    pieces = [read_frames(path, spec, **options) for path in paths]
    statistics = Counter()
    for piece in pieces:
        statistics.update(piece.attrs.pop("statistics"))
    frames = pd.concat(pieces, ignore_index=True)
    frames.attrs["statistics"] = dict(statistics)
    return frames


def _add(totals, counts):
    """Add nested counts."""
    for name, count in counts.items():
        if isinstance(count, dict):
            _add(totals.setdefault(name, {}), count)
        else:
            totals[name] = totals.get(name, 0) + count


def _print_counts(counts):
    """Print what every stage used and what it did not."""
    channels = dict(counts.get("channels") or {})
    if "channels" in counts:
        _print_reasons("Frames", channels.pop("frames", {}))
    for path, found in counts.get("files", {}).items():
        _print_reasons(path, found)
    if channels:
        table = pd.DataFrame(channels).T.fillna(0).astype(int)
        first = ["frames", "jumps", "packets"]
        rest = [name for name in table if name not in first and table[name].any()]
        table = table.reindex(columns=first + rest, fill_value=0)
        print("\nChannels (spacecraft/virtual channel)")
        print(table.T.to_string())
    decoded = counts.get("decoded", {})
    if decoded.get("kinds"):
        rows = {
            kind: {
                "packets": found["decoded"],
                "wrong length": found["wrong_length"],
                "without time": found["without_time"],
                "invalid values": sum(found["invalid"].values()),
            }
            for kind, found in decoded["kinds"].items()
        }
        print("\nKinds of packets")
        print(pd.DataFrame(rows).T.to_string())
    if decoded.get("other_kinds"):
        print(f"Packets of other kinds: {decoded['other_kinds']:,}")
    if decoded.get("unknown"):
        listed = [f"{apid}: {count:,}" for apid, count in decoded["unknown"].items()]
        more = f", and {len(listed) - 10} more" if len(listed) > 10 else ""
        print(f"Packets of no kind, by APID: {', '.join(listed[:10])}{more}")


def _print_reasons(title, found):
    reasons = [f"{name.replace('_', ' ')} {count:,}" for name, count in found.items()]
    print(f"{title}: {', '.join(reasons) or 'none'}")

"""Small recorded tracks of a made-up mission, and of the real ones as files."""

import gzip
import pickle

import numpy as np
import pandas as pd

from skdsn.datasets import MissionFormat, RawTracks

START, END = "INCIDENT_START_TIME_DT", "INCIDENT_END_TIME_DT"
TOY = MissionFormat(
    name="toy",
    time="T",
    drop=("DULL",),
    band="F",
    bands={"S": (2.0, 3.0), "K": (25.0, 28.0)},
    elevation="EL",
    min_rows=3,
)


def toy_frame(n_rows=8, begin=0.0, *, band="S", seed=0, **columns):
    """One row per second."""
    rng = np.random.default_rng(seed)
    frame = {
        "T": begin + np.arange(n_rows, dtype=float),
        "F": np.full(n_rows, {"S": 2.2, "K": 26.0}[band]),
        "EL": np.full(n_rows, 30.0),
        "SNR": rng.normal(size=n_rows),
        "LOCK": rng.choice(["IN", "OUT"], n_rows),
        "DULL": np.zeros(n_rows),
    }
    return pd.DataFrame({**frame, **columns})


def incident_table(*entries):
    """Entries are (track or None, start, end)."""
    return pd.DataFrame(entries, columns=["track", START, END])


def toy_raw(*chunks, incidents=(), mission=TOY):
    """Chunks are lists of (track id, frame)."""
    names = [f"chunk_{number}" for number in range(len(chunks))]
    table = incidents
    if not isinstance(table, pd.DataFrame):
        table = incident_table(*incidents)
    return RawTracks(mission, table, names, dict(zip(names, chunks, strict=True)).get)


def toy_chunks(n_chunks=3, n_passes=2, n_rows=8):
    """Passes one after the other, a minute apart."""
    return [
        [
            (f"P{number}", toy_frame(n_rows, 60.0 * number, seed=number))
            for number in range(chunk * n_passes, (chunk + 1) * n_passes)
        ]
        for chunk in range(n_chunks)
    ]


def recorded():
    """Three chunks; one track occurs twice in all, another in two chunks."""
    first, second, third = toy_chunks()
    second.append(first[0])
    third.append(("P1", toy_frame(8, 900.0)))
    incidents = [("P1", 60.0, 62.0), (None, 180.0, None), ("P9", 0.0, 1.0)]
    return toy_raw(first, second, third, incidents=incidents)


def jwst_frame(n_rows=6, begin=0.0, **columns):
    frame = {
        "RECEIVED_AT_TS": begin + np.arange(n_rows, dtype=float),
        "CARRIER_FREQ_MEASURED": np.full(n_rows, 2.2e9),
        "SNR": np.arange(n_rows, dtype=float),
    }
    return pd.DataFrame({**frame, **columns})


def write_jwst(folder, *chunks, incidents="1.0,2.0\n"):
    """Write chunk files, each a list of (track id, frame), and the incidents."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(chunks, start=1):
        data = gzip.compress(pickle.dumps(content))
        (folder / f"chunk_{number:03d}_mon_JWST.pkl.gz").write_bytes(data)
    (folder / "all_dr_data.csv").write_text(f"{START},{END}\n{incidents}")
    return folder


def content_of(folder):
    """All files of a folder: name to bytes."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }

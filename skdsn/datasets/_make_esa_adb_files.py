"""The files of a mission of the ESA Anomaly Dataset."""

import os
import pickle
import shutil
import zipfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

EPOCH = np.datetime64("2000-01-01T00:00:00.000", "ms")
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # the same for all, so that a seed fixes each byte


@contextmanager
def making_folder(path):
    """Give a draft of a folder, which takes its place once it is complete.

    Parameters
    ----------
    path : str or path-like
        Not there yet, or empty.

    Yields
    ------
    pathlib.Path
        Next to `path`, or in it; removed if the block fails.

    Raises
    ------
    FileExistsError
        If `path` is a file, or a folder that is not empty.
    """
    path = Path(path).absolute()
    there = path.is_dir()
    if there and any(path.iterdir()):
        raise FileExistsError(f"{path} is not empty; name a new or an empty folder.")
    if path.exists() and not there:
        raise FileExistsError(f"{path} is a file; name a new or an empty folder.")
    path.parent.mkdir(parents=True, exist_ok=True)
    # An empty folder may be where the process stands, or a mount: it stays.
    draft = (path if there else path.parent) / f".draft-{os.getpid()}-{path.name}"
    try:
        draft.mkdir()
        yield draft
        if there:
            for each in sorted(draft.iterdir()):
                each.rename(path / each.name)
        else:
            draft.rename(path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def write_column(folder, name, times, values):
    """Write a frame of one column as pandas does with ``to_pickle("NAME.zip")``.

    Parameters
    ----------
    folder : pathlib.Path
    name : str
        Of the column, the file and the only member of the archive.
    times : pandas.Index
    values : ndarray of shape (n_samples,)
    """
    # Names of type object, as the pandas of the original files had them.
    frame = pd.DataFrame(
        {0: pd.Series(values, index=times, dtype=values.dtype)}
    ).set_axis(pd.Index([name], dtype=object), axis=1)
    member = zipfile.ZipInfo(name, _ZIP_DATE)
    member.create_system = 3
    with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
        content = pickle.dumps(frame, protocol=4)
        archive.writestr(member, content, zipfile.ZIP_DEFLATED, compresslevel=1)


def write_table(path, table):
    """Write a table; times as the data set has them, with milliseconds and Z.

    Parameters
    ----------
    path : pathlib.Path
    table : DataFrame
    """
    table = table.assign(
        **{
            name: as_text(table[name])
            for name in ("StartTime", "EndTime")
            if name in table
        }
    )
    table.to_csv(path, index=False, lineterminator="\n")


def as_text(times):
    """ISO 8601 with milliseconds and Z, as the data set has it."""
    text = np.datetime_as_string(np.asarray(times, dtype="datetime64[ms]"))
    return [f"{each}Z" for each in text]


def as_index(milliseconds):
    """Turn milliseconds since the mission began into times without a zone."""
    times = EPOCH + np.asarray(milliseconds).astype("timedelta64[ms]")
    return pd.DatetimeIndex(times.astype("datetime64[ns]"))

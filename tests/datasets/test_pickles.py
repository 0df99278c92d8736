import _codecs
import codecs
import datetime
import decimal
import functools
import gzip
import io
import os
import pickle
import struct
import subprocess
import sys
import zoneinfo

import numpy as np
import pandas as pd
import pytest

from skdsn.datasets._pickle_check import check_content
from skdsn.datasets._pickles import load_frames

TIMES = pd.date_range("2025-06-02", periods=4, freq="s", name="time")
TEXT = np.array(["IN", None, "OUT", np.nan], dtype=object)


def masked(dtype):
    return pd.array([1, None, 0, 1], dtype=dtype)


FRAMES = {
    "text as object": pd.DataFrame({"a": pd.Series(TEXT, dtype=object)}),
    "text as str": pd.DataFrame({"a": ["IN", None, "OUT", "IN"]}),
    "text of python": pd.DataFrame({"a": pd.array(TEXT, dtype="string[python]")}),
    "text of arrow": pd.DataFrame({"a": pd.array(TEXT, dtype="string[pyarrow]")}),
    "numbers": pd.DataFrame(
        {"i": [1, 2], "f": np.float32([0.1, np.nan]), "u": np.uint8([1, 2])}
    ),
    "flags": pd.DataFrame({"a": [True, False]}),
    "masked": pd.DataFrame(
        {k: masked(k) for k in ("Int64", "UInt8", "Float32", "boolean")}
    ),
    "categories": pd.DataFrame(
        {"a": pd.Categorical(["x", None, "y"]), "b": pd.Categorical([3, 1, 2])}
    ),
    "times": pd.DataFrame(
        {"a": TIMES, "b": TIMES.as_unit("ns"), "d": TIMES - TIMES[0]}
    ),
    "zones": pd.DataFrame(
        {"a": TIMES.tz_localize("UTC"), "b": TIMES.tz_localize("Europe/Madrid")}
    ),
    "arrow": pd.DataFrame({"a": pd.array([1, None], dtype="int64[pyarrow]")}),
    "periods": pd.DataFrame({"a": pd.period_range("2025", periods=2, freq="D")}),
    "anything": pd.DataFrame(
        {
            "a": pd.Series([pd.NaT, pd.NA, None, TIMES[0]], dtype=object),
            "b": pd.Series([np.float64(1), np.int32(2), b"x", (1, "y")], dtype=object),
            "c": pd.Series(
                [datetime.date(2025, 6, 2), TIMES[0].to_pydatetime(), {1}, {"k": [2]}],
                dtype=object,
            ),
        }
    ),
    "two levels": pd.DataFrame(
        {"a": [1, 2]}, index=pd.MultiIndex.from_product([["A"], [0, 10]])
    ),
    "index of times": pd.DataFrame({"a": range(4)}, index=TIMES),
    "named index": pd.DataFrame({"a": [1, 2]}, index=pd.Index([7, 9], name="row")),
    "cut": pd.DataFrame({"a": [1, 2, 3], "b": list("xyz")}).iloc[::2],
    "empty": pd.DataFrame(),
}


def dumps(content, protocol=4):
    return io.BytesIO(pickle.dumps(content, protocol=protocol))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("kind", FRAMES)
def test_a_frame_of_any_type_comes_back(kind, protocol):
    frame = FRAMES[kind]
    loaded = load_frames(
        dumps([(np.int64(3), frame), ("x", None)], protocol), allow_pickle=True
    )
    assert loaded[0][0] == 3
    assert loaded[1] == ("x", None)
    pd.testing.assert_frame_equal(loaded[0][1], frame)


class Legacy(pickle._Pickler):
    """Names everything as pandas 2 and NumPy 1 did."""

    HOME = {
        pd.DataFrame: "pandas.core.frame DataFrame",
        pd.Index: "pandas.core.indexes.numeric Int64Index",
        pd.RangeIndex: "pandas.core.indexes.range RangeIndex",
        pd.arrays.DatetimeArray: "pandas.core.arrays.datetimes DatetimeArray",
        pd.Categorical: "pandas.core.arrays.categorical Categorical",
        pd.CategoricalDtype: "pandas.core.dtypes.dtypes CategoricalDtype",
        np._core.multiarray._reconstruct: "numpy.core.multiarray _reconstruct",
    }

    def save_global(self, obj, name=None):
        if obj not in self.HOME:
            return super().save_global(obj, name)
        self.write(b"c" + self.HOME[obj].replace(" ", "\n").encode() + b"\n")
        self.memoize(obj)

    dispatch = {**pickle._Pickler.dispatch, type: save_global}


def test_names_of_older_libraries_are_known():
    frame = pd.DataFrame(
        {"n": [1.0, 2.0], "t": TIMES[:2], "c": pd.Categorical(["x", "y"])},
        index=pd.Index([4, 5]),
        columns=pd.Index(["n", "t", "c"], dtype=object),
    )
    file = io.BytesIO()
    Legacy(file, 2).dump(frame)
    for name in (b"core.frame", b"numpy.core.", b"Int64Index", b"core.arrays"):
        assert name in file.getvalue()
    loaded = load_frames(file, allow_pickle=True)
    pd.testing.assert_frame_equal(loaded, frame)


def test_time_zones_of_pytz_become_those_of_python():
    """Written by hand, since pytz may not be there."""
    loaded = load_frames(io.BytesIO(b"cpytz\n_UTC\n)R."), allow_pickle=True)
    assert loaded is datetime.UTC
    text = b"cpytz\n_p\n(X\x0d\x00\x00\x00Europe/MadridK\x00tR."
    loaded = load_frames(io.BytesIO(text), allow_pickle=True)
    assert loaded == zoneinfo.ZoneInfo("Europe/Madrid")


class Hostile:
    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    ("function", "named"),
    [(os.mkdir, "posix.mkdir"), (os.system, "posix.system"), (eval, ".eval")],
)
@pytest.mark.skipif(os.name != "posix", reason="the names of os differ")
def test_a_pickle_that_runs_code_is_refused_by_name(
    tmp_path, function, named, protocol
):
    target = tmp_path / "made"
    order = {
        os.mkdir: str(target),
        os.system: f"touch {target}",
        eval: f"open({str(target)!r}, 'w')",
    }[function]
    path = tmp_path / "mons.pkl"
    # After a good frame, so that nothing at all is loaded before the refusal.
    content = [("A", FRAMES["numbers"]), ("B", Hostile(function, order))]
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    with pytest.raises(ValueError, match=rf"mons.pkl asks for \S*{named},"):
        load_frames(path, allow_pickle=True)
    assert not target.exists()
    assert os.listdir(tmp_path) == ["mons.pkl"]


@pytest.mark.parametrize(
    "content",
    [
        Hostile(getattr, pd.DataFrame, "to_csv"),
        Hostile(functools.partial, print),
        Hostile(__import__, "os"),
        Hostile(pd.read_pickle, "x"),
        Hostile(codecs.encode, "x", "rot13"),
        Hostile(_codecs.encode, "x", "rot13"),
        np.memmap,
    ],
    ids=lambda content: str(getattr(content, "call", content)),
)
def test_a_detour_to_other_functions_is_refused(content):
    with pytest.raises(ValueError, match="asks for"):
        load_frames(dumps(content), allow_pickle=True)


def test_an_attribute_of_anything_but_a_time_zone_is_refused():
    text = b"cbuiltins\ngetattr\n(cbuiltins\nlist\nX\x06\x00\x00\x00appendtR."
    with pytest.raises(ValueError, match="asks for the attribute 'append' of"):
        load_frames(io.BytesIO(text), allow_pickle=True)


def test_a_dotted_name_does_not_lead_out_of_an_admitted_class():
    text = b"\x80\x04\x8c\x06pandas\x8c\x10DataFrame.to_csv\x93."
    with pytest.raises(ValueError, match=r"asks for pandas.DataFrame.to_csv,"):
        load_frames(io.BytesIO(text), allow_pickle=True)


def test_a_class_cannot_be_changed():
    before = pd.StringDtype.na_value
    state = pickle.dumps((None, {"na_value": 0}), protocol=2)[2:-1]
    text = b"\x80\x02cpandas\nStringDtype\n" + state + b"b."
    with pytest.raises(ValueError, match=r"tries to change pandas.StringDtype itself"):
        load_frames(io.BytesIO(text), allow_pickle=True)
    assert pd.StringDtype.na_value is before


def test_an_array_of_forged_type_is_refused():
    """Bytes read as pointers to objects would be a way to run code."""
    forged = (*np.dtype("O").__reduce__()[2][:-1], 0)

    class Forged:
        def __reduce__(self):
            return np.dtype, ("O8", False, True), forged

    with pytest.raises(ValueError, match="of a type that no column has"):
        load_frames(dumps(Forged()), allow_pickle=True)


def test_without_permission_a_pickle_is_not_opened(tmp_path):
    with pytest.raises(ValueError, match=r"none.pkl is a pickle.*allow_pickle=True"):
        load_frames(tmp_path / "none.pkl", allow_pickle=False)
    with pytest.raises(FileNotFoundError):
        load_frames(tmp_path / "none.pkl", allow_pickle=True)


GOOD = pickle.dumps([("A", FRAMES["numbers"])])
BROKEN = {
    "empty.pkl": b"",
    "empty.pkl.gz": b"",
    "cut.pkl": GOOD[: len(GOOD) // 2],
    "cut.pkl.gz": gzip.compress(GOOD)[:-20],
    "stream of nothing.pkl.gz": gzip.compress(b""),
    "plain.pkl.gz": GOOD,
    "damaged.pkl.gz": gzip.compress(GOOD)[:-8] + struct.pack("<II", 1, 2),
    "table.pkl": b"AOJE,MCFB\n1,2\n",
    "compressed.pkl": gzip.compress(GOOD),
    "parquet.pkl": b"PAR1\x15\x04\x15",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_named_in_one_sentence(tmp_path, name):
    (tmp_path / name).write_bytes(BROKEN[name])
    with pytest.raises(ValueError, match="is no complete pickle of tele") as caught:
        load_frames(tmp_path / name, allow_pickle=True)
    message = str(caught.value)
    assert message.startswith(str(tmp_path / name))
    assert message.endswith(".")
    assert "\n" not in message


def test_a_compressed_file_is_told_by_its_name(tmp_path):
    path = tmp_path / "chunk.pkl.gz"
    path.write_bytes(gzip.compress(GOOD))
    loaded = load_frames(str(path), allow_pickle=True)
    pd.testing.assert_frame_equal(loaded[0][1], FRAMES["numbers"])


class Made:
    """Pickled as a call, and what fills its result."""

    def __init__(self, function, *args, state=None):
        self.call = function, args, state

    def __reduce__(self):
        return self.call


def damaged(content, old, new, protocol=2):
    text = pickle.dumps(content, protocol=protocol)
    assert text.count(old) == 1
    return io.BytesIO(text.replace(old, new))


LETTERS = np.array(list("abcd"), dtype=object)


@pytest.mark.parametrize("shape", [b"K\x40\x85", b"K\x03\x85"])
def test_an_array_that_does_not_fill_its_shape_is_refused(shape):
    """NumPy reads beyond a list that is too short."""
    with pytest.raises(ValueError, match="an array is not as long as its shape"):
        load_frames(damaged(LETTERS, b"K\x04\x85", shape), allow_pickle=True)


def test_an_array_of_negative_length_is_refused():
    file = damaged(np.zeros(4), b"K\x04\x85", b"J\xff\xff\xff\xff\x85")
    with pytest.raises(ValueError, match="an array has no shape"):
        load_frames(file, allow_pickle=True)


VOID = (3, "|", (np.dtype("O"), (1,)), None, None, 8, 1, 0)
FIELDS = (3, "|", None, ("a",), {"a": (np.dtype("O"), 0)}, 8, 1, 0)
FLOAT = np.dtype("f8").__reduce__()[2]


@pytest.mark.parametrize(
    "content",
    [
        Made(np.dtype, "V8", False, True, state=VOID),
        Made(np.dtype, "V8", False, True, state=FIELDS),
        Made(np.dtype, "f8", False, True, state=(*FLOAT[:2], *VOID[2:])),
        Made(np.dtype, "f8", False, True, state=(*FLOAT[:2], *FIELDS[2:])),
        Made(np.dtype, "O8", False, True, state=FLOAT),
        Made(np.dtype, "f8,O", False, True),
        Made(np.dtype, "f8", False, False),
    ],
    ids=range(7),
)
def test_a_type_that_hides_objects_is_refused(content):
    with pytest.raises(ValueError, match="of a type that no column has"):
        load_frames(dumps(content), allow_pickle=True)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (Made(list, range(10**10)), "makes a builtins.list of what is no list"),
        (Made(set, range(10**10)), "makes a builtins.set of what is no list"),
        (Made(bytearray, 10**12), "makes a builtins.bytearray of what is no list"),
        (Made(bytes, 10**12), "makes a builtins.bytes of what is no list"),
        (
            Made(int, decimal.Decimal("1e30000000")),
            "makes a builtins.int of what is no number",
        ),
        (Made(np.ndarray, (10**12,)), "makes a numpy.ndarray"),
        (Made(zoneinfo.ZoneInfo, "Europe"), "makes a zoneinfo.ZoneInfo"),
        (Made(pd.DataFrame, state=(1, 2)), "calls pandas.DataFrame"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_no_frame_needs_is_not_made(content, said):
    with pytest.raises(ValueError, match=said):
        load_frames(dumps(content), allow_pickle=True)


def test_a_folder_of_time_zones_is_no_time_zone():
    content = Made(zoneinfo.ZoneInfo._unpickle, "Europe", True)
    with pytest.raises(ValueError, match="is no complete pickle of telemetry frames"):
        load_frames(dumps(content), allow_pickle=True)


@pytest.mark.parametrize("name", ["DataFrame", "Series"])
def test_a_frame_without_content_is_refused(name):
    text = b"\x80\x02](X\x01\x00\x00\x00acpandas\n" + name.encode() + b"\n)\x81\x86e."
    with pytest.raises(ValueError, match=f"a pandas.{name} has no content"):
        load_frames(io.BytesIO(text), allow_pickle=True)


@pytest.mark.parametrize("places", [(0, 3), (1, 3), (0, 0), (5, 7), (0, 10**15)])
def test_columns_that_are_not_where_they_should_be_are_refused(places):
    frame = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
    (block,) = frame._mgr.blocks
    block.mgr_locs = type(block.mgr_locs)(slice(*places))
    with pytest.raises(ValueError, match="has other columns than it says"):
        load_frames(dumps([("A", frame)]), allow_pickle=True)


def test_a_column_of_another_length_is_refused():
    frame = pd.DataFrame({"a": [1.5, 2.5], "b": ["x", "y"]})
    frame._mgr.axes[1] = pd.RangeIndex(3)
    with pytest.raises(ValueError, match="not as long as its frame"):
        check_content({"A": frame})


@pytest.mark.parametrize("code", [2, 100, -2])
def test_a_code_without_category_is_refused(code):
    """Pandas would read beyond the categories."""
    column = pd.Categorical(["x", "y", "x"])
    column._ndarray[1] = code
    for content in (column, pd.Series(column), pd.DataFrame({"a": column})):
        with pytest.raises(ValueError, match="a code has no category"):
            load_frames(dumps(content), allow_pickle=True)


MUTATE = """
import io, pickle, random, sys, warnings
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
except ImportError:
    pass
import numpy as np
import pandas as pd
from skdsn.datasets._pickles import load_frames

warnings.simplefilter("ignore")
times = pd.date_range("2025-06-02", periods=5, freq="s")
frame = pd.DataFrame({
    "o": pd.Series(["IN", None, 1.5, times[0], pd.NaT], dtype=object),
    "s": list("abcab"),
    "c": pd.Categorical(list("xyxyz")),
    "t": times,
    "i": pd.array([1, None, 2, 3, 4], dtype="Int64"),
    "f": np.arange(5.0),
    "b": [True, False, True, False, True],
})
ends = {"loaded": 0, "refused": 0}
for seed in range(200):
    text = bytearray(pickle.dumps([("A", frame)], protocol=2 + seed % 4))
    rng = random.Random(seed)
    at = rng.randrange(len(text))
    if seed % 5 < 3:
        text[at] ^= 1 << rng.randrange(8)
    elif seed % 5 < 4:
        del text[at : at + rng.randrange(1, 9)]
    else:
        text[at:at] = rng.randbytes(rng.randrange(1, 5))
    print(seed, file=sys.stderr)
    try:
        content = load_frames(io.BytesIO(bytes(text)), allow_pickle=True)
    except ValueError as error:
        said = str(error)
        assert said.startswith("The file") and said.endswith("."), said
        assert "\\n" not in said, said
        ends["refused"] += 1
        continue
    ends["loaded"] += 1
    for each in content if isinstance(content, list) else ():
        for part in each if isinstance(each, tuple) else ():
            if isinstance(part, pd.DataFrame):
                for place in range(part.shape[1]):
                    column = part.iloc[:, place]
                    assert len(list(column)) == len(part)
                    pd.util.hash_pandas_object(column)
print(ends["loaded"], ends["refused"])
"""


def test_damage_is_told_and_never_crashes():
    """In another process, since a crash would take this one along."""
    done = subprocess.run(
        [sys.executable, "-c", MUTATE],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    loaded, refused = map(int, done.stdout.split())
    assert loaded + refused == 200
    assert loaded > 10
    assert refused > 100

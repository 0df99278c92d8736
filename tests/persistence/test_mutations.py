"""Any change of a file gives a detector that can be asked, or a ValueError."""

import copy
import io
import json
import warnings

import numpy as np
import pytest
from detector_files import places, rezip, unzip
from passes import small_passes, tiny_detector
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skdsn.base import anomaly_scores
from skdsn.encoders import FleetForecaster, LSTMForecaster
from skdsn.persistence import load, save

STRANGE = (None, True, -1, 0, 1, 2**40, -0.5, 1e308, "", "null", "nope", "[]", [], {})
# What scoring with a detector that makes no sense may raise.
ORDINARY = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)


def flip_bits(content, rng, n=1):
    content = bytearray(content)
    for place in rng.integers(len(content), size=n):
        content[place] ^= 1 << int(rng.integers(8))
    return bytes(content)


def change_tree(content, rng):
    """Put something else in one or two places of a JSON file."""
    tree = json.loads(content)
    for _ in range(rng.integers(1, 3)):
        all_places = places(tree)
        node, key = all_places[rng.integers(len(all_places))]
        kind = rng.integers(5)
        if kind == 0 and isinstance(node, dict):
            del node[key]
        elif kind == 1:
            other, name = all_places[rng.integers(len(all_places))]
            node[key] = copy.deepcopy(other[name])
        elif kind == 2 and isinstance(node[key], str) and node[key]:
            node[key] = flip_bits(node[key].encode(), rng).decode(errors="replace")
        elif kind == 3 and isinstance(node, dict) and "content" in node:
            node["content"] = json.dumps(STRANGE[rng.integers(len(STRANGE))])
        else:
            node[key] = STRANGE[rng.integers(len(STRANGE))]
    return json.dumps(tree).encode()


def change_value(content, rng):
    """Put another number, text or array where one was, so that the schema holds."""
    tree = json.loads(content)
    nodes = [node[key] for node, key in places(tree) if isinstance(node[key], dict)]
    scalars = [node for node in nodes if node.get("__loader__") == "JsonNode"]
    arrays = [node for node in nodes if "file" in node]
    for _ in range(rng.integers(1, 3)):
        if rng.random() < 0.1 and arrays:
            one, other = rng.integers(len(arrays), size=2)
            arrays[one]["file"] = arrays[other]["file"]
            continue
        node = scalars[rng.integers(len(scalars))]
        value = json.loads(node["content"])
        if isinstance(value, int) and rng.random() < 0.7:
            value += int(rng.choice([-100, -1, 1, 2, 1000]))
        elif rng.random() < 0.5:
            value = STRANGE[rng.integers(len(STRANGE) - 2)]
        else:
            value = json.loads(scalars[rng.integers(len(scalars))]["content"])
        node["content"] = json.dumps(value)
    return json.dumps(tree).encode()


def change_array(content, rng):
    """Put other numbers into an array, or break it."""
    array = np.load(io.BytesIO(content)).copy()
    kind = rng.integers(4)
    if kind == 0 or array.size == 0:
        return flip_bits(content, rng, n=3)
    if kind == 1:
        return content[: rng.integers(len(content))]
    if kind == 2:
        array = array[:-1] if array.ndim else array
    elif array.dtype.names:
        name = array.dtype.names[rng.integers(len(array.dtype.names))]
        array[name][rng.integers(len(array))] = rng.choice([-2, -1, 0, 1, 7, 100])
    elif array.dtype.kind in "iuf":
        value = rng.choice([-1, 0, 1, 99])
        array.flat[rng.integers(array.size)] = np.array(value).astype(array.dtype)
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def mutate(data, rng):
    """Change a file: as a whole, or inside one of its members."""
    kind = rng.integers(12)
    if kind == 0:
        return flip_bits(data, rng)
    if kind == 1:
        return data[: rng.integers(len(data))]
    members = unzip(data)
    names = list(members)
    if kind in (2, 3):
        name = names[rng.integers(len(names))]
        members[name] = flip_bits(members[name], rng)
    elif kind in (4, 5) and len(names) > 2:
        name = names[rng.integers(2, len(names))]
        members[name] = change_array(members[name], rng)
    elif kind < 9:
        members["schema.json"] = change_value(members["schema.json"], rng)
    else:
        name = names[int(rng.random() > 0.1)]
        members[name] = change_tree(members[name], rng)
    return rezip(members)


def try_file(path, data, X):
    """Load a file and score with it; say what came of it."""
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            detector = load(path, max_size=2**24)
        except ValueError as error:
            assert str(error).startswith(str(path)), error
            assert "\n" not in str(error), error
            return "refused"
        try:
            if hasattr(detector, "predict"):
                anomaly_scores(detector, X)
            else:
                detector.transform(X)
        except ORDINARY:
            return "useless"
    return "works"


def one_hot_forest(X, y):
    coded = make_pipeline(
        OneHotEncoder(sparse_output=False), IsolationForest(n_estimators=5)
    )
    return coded.fit(np.round(X.iloc[:, :2].fillna(0).to_numpy()) % 3)


def boosting(X, y):
    booster = HistGradientBoostingClassifier(max_iter=3, max_leaf_nodes=5)
    return make_pipeline(StandardScaler(), booster).fit(X.iloc[:, :4].fillna(0), y)


def fleet(X, y):
    one = LSTMForecaster(hidden_size=3, max_epochs=1, chunk_length=16)
    return FleetForecaster(one, random_state=0).fit(X.iloc[:, :2].fillna(0))


def recipe(X, y):
    return tiny_detector("dsn", classify__n_estimators=4).fit(X, y)


CASES = {
    "recipe": (recipe, lambda X: X),
    "boosting": (boosting, lambda X: X.iloc[:, :4].fillna(0)),
    "fleet": (fleet, lambda X: X.iloc[:, :2].fillna(0)),
    "one_hot": (
        one_hot_forest,
        lambda X: np.round(X.iloc[:, :2].fillna(0).to_numpy()) % 3,
    ),
}


@pytest.fixture(scope="module", params=CASES)
def saved(request, tmp_path_factory):
    X, y = small_passes(n_tracks=4, n_rows=30)
    make, view = CASES[request.param]
    path = tmp_path_factory.mktemp("files") / f"{request.param}.skops"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        save(make(X, y), path)
    return path, path.read_bytes(), view(X)


def test_the_unchanged_file_works(saved, tmp_path):
    assert (
        try_file(tmp_path / "same.skops", rezip(unzip(saved[1])), saved[2]) == "works"
    )


def test_a_changed_file_is_refused_or_gives_a_detector(saved, tmp_path):
    _, data, X = saved
    rng = np.random.default_rng(0)
    came = [try_file(tmp_path / "x.skops", mutate(data, rng), X) for _ in range(80)]
    assert came.count("refused") > 20
    assert came.count("useless") <= 10

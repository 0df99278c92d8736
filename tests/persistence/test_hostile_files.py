"""A file made to harm runs nothing and crashes nothing."""

import io
import json
import os
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from conftest import small_frame
from detector_files import attributes, edit, edit_arrays, places, rezip, unzip
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from skdsn.encoders import LSTMForecaster
from skdsn.forecasters import EchoStateForecaster
from skdsn.persistence import load, save

TEXT = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode"}


def scalar(value):
    return {**TEXT, "content": json.dumps(value), "is_json": True}


def container(kind, content):
    loader = f"{kind.title()}Node"
    return {
        "__class__": kind,
        "__module__": "builtins",
        "__loader__": loader,
        "content": content,
    }


def node(name, loader, **rest):
    module, _, kind = name.rpartition(".")
    return {"__class__": kind, "__module__": module, "__loader__": loader, **rest}


@pytest.fixture
def path(tmp_path):
    save(LogisticRegression().fit([[0.0], [1.0]], [0, 1]), tmp_path / "d.skops")
    return tmp_path / "d.skops"


def put(path, value, name="coef_"):
    """Put a node in the place of an attribute."""

    def change(schema):
        found = attributes(schema, name)
        assert found
        for holder, key in found:
            holder[key] = value

    edit(path, change)


def refusal(path, **options):
    with pytest.raises(ValueError) as caught:
        load(path, **options)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


CALL = container("tuple", [scalar("touch ran")])
KEY = node("builtins.str", "TypeNode")
EMPTY = container("dict", {}) | {"key_types": container("list", [])}


@pytest.mark.parametrize(
    "attack",
    [
        node("posix.system", "FunctionNode"),
        node("os.system", "TypeNode"),
        node("subprocess.Popen", "ObjectNode", content=EMPTY),
        node("subprocess.Popen", "ConstructorFromReduceNode", content=CALL),
        node("builtins.eval", "ConstructorFromReduceNode", content=CALL),
        node(
            "functools.partial",
            "PartialNode",
            content={
                "func": node("posix.system", "FunctionNode"),
                "args": CALL,
                "kwds": EMPTY,
                "namespace": scalar(None),
            },
        ),
        node(
            "operator.methodcaller",
            "OperatorFuncNode",
            attrs=container("tuple", [scalar("system"), scalar("touch ran")]),
        ),
        node(
            "builtins.str",
            "MethodNode",
            content={"func": "format", "obj": scalar("x")},
        ),
        node("builtins.map", "ListNode", content=[]),
        node("sklearn.tree._tree.Tree", "TreeNode", content=EMPTY),
        node("sklearn.svm._classes.SVC", "ObjectNode", content=EMPTY),
        node("sklearn.pipeline.Pipeline", "TypeNode"),
        node("skdsn.persistence._persist.load", "FunctionNode"),
        node("numpy.seterrcall", "FunctionNode"),
        node("numpy.add", "FunctionNode"),
        node("numpy.random._generator.Generator", "RandomGeneratorNode", content={}),
    ],
    ids=lambda attack: f"{attack['__loader__']}-{attack['__class__']}",
)
def test_what_could_run_is_refused_by_name(attack, path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put(path, attack)
    name = f"{attack['__module__']}.{attack['__class__']}"
    assert f"holds {name}" in refusal(path)
    assert not os.path.exists("ran")


def test_trusting_one_type_admits_no_other_way_to_call_it(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call = node("subprocess.Popen", "ConstructorFromReduceNode", content=CALL)
    put(path, call)
    refusal(path, trusted=["subprocess.Popen"])
    assert not os.path.exists("ran")


def test_pickled_arrays_are_refused(path, tmp_path, monkeypatch):
    class Runs:
        def __reduce__(self):
            return os.system, ("touch ran",)

    monkeypatch.chdir(tmp_path)
    members = unzip(path.read_bytes())
    buffer = io.BytesIO()
    np.save(buffer, np.array([Runs()], dtype=object), allow_pickle=True)
    members["0.npy"] = buffer.getvalue()
    path.write_bytes(rezip(members))
    assert "holds object" in refusal(path)
    assert not os.path.exists("ran")


@pytest.mark.parametrize("name", ["predict", "fit", "__class__", "__sklearn_tags__"])
def test_attributes_cannot_take_the_place_of_methods(name, path):
    def change(schema):
        state = schema["content"]
        state["content"][name] = scalar("x")
        state["key_types"]["content"].append(KEY)

    edit(path, change)
    assert f"attribute '{name}'" in refusal(path)


def test_a_function_in_a_transformer_is_refused(tmp_path):
    path = tmp_path / "d.skops"
    X = small_frame()
    one_hot = ("onehot", OneHotEncoder(), make_column_selector("none"))
    table = ColumnTransformer([one_hot], remainder=FunctionTransformer())
    save(table.fit(X), path)
    name = "skdsn.detectors.recipes.categorical_columns"
    put(path, node(name, "FunctionNode"), "inverse_func")
    assert "FunctionTransformer with a function" in refusal(path)


def trees(kind, tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 3))
    y = (X[:, 0] > 0).astype(int)
    made = {
        "forest": RandomForestClassifier(3, random_state=0),
        "isolation": IsolationForest(n_estimators=3, max_features=2, random_state=0),
        "boosting": HistGradientBoostingClassifier(max_iter=2, max_leaf_nodes=4),
    }[kind]
    save(make_pipeline(made).fit(X, y), tmp_path / "t.skops")
    return tmp_path / "t.skops"


LINKS = {
    "forest": ("left_child", "right_child", "feature"),
    "isolation": ("left_child", "right_child", "feature"),
    "boosting": ("left", "right", "feature_idx"),
}


@pytest.mark.parametrize("kind", LINKS)
@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        (0, 10**6, "linked as a tree"),
        (1, 10**6, "linked as a tree"),
        (0, 0, "linked as a tree"),
        (0, 2, "linked as a tree"),
        (2, 3, "a feature that is none"),
        (2, 2**30, "a feature that is none"),
        (2, -7, "a feature that is none"),
    ],
)
def test_trees_with_an_index_out_of_range_are_refused(
    kind, field, value, reason, tmp_path
):
    path = trees(kind, tmp_path)
    name = LINKS[kind][field]

    def change(array):
        if array.dtype.names and len(array) > 2:
            array[name][0] = value
            return array
        return None

    assert edit_arrays(path, change) > 0
    assert reason in refusal(path)


def test_trees_in_a_circle_are_refused(tmp_path):
    path = trees("forest", tmp_path)

    def change(array):
        if not array.dtype.names or len(array) < 5:
            return None
        # Two inner nodes become each other's left child.
        inner = np.flatnonzero(array["left_child"] > 0)[:3]
        one, other = inner[1], inner[2]
        array["left_child"][one], array["left_child"][other] = other, one
        return array

    assert edit_arrays(path, change) > 0
    assert "tree" in refusal(path)


@pytest.mark.parametrize("kind", ["forest", "isolation"])
def test_trees_of_another_size_than_their_values_are_refused(kind, tmp_path):
    path = trees(kind, tmp_path)
    edit_arrays(path, lambda array: array[:-1] if array.ndim == 3 else None)
    assert "values do not fit its nodes" in refusal(path)


@pytest.mark.parametrize("count", [0, -1, 3, 10**9])
def test_trees_with_other_classes_are_refused(count, tmp_path):
    path = trees("forest", tmp_path)

    def change(array):
        is_count = array.dtype.kind == "i" and array.shape == (1,)
        return np.full_like(array, count) if is_count else None

    assert edit_arrays(path, change) > 0
    refusal(path)


@pytest.mark.parametrize("n_features", [1, 4, 10**9, -3])
@pytest.mark.parametrize("kind", ["forest", "isolation", "boosting"])
def test_forests_that_miscount_their_features_are_refused(kind, n_features, tmp_path):
    path = trees(kind, tmp_path)
    put(path, scalar(n_features), "n_features_in_")
    refusal(path)
    path = trees(kind, tmp_path)
    name = "_n_features" if kind == "boosting" else "n_features"
    put(path, scalar(n_features), name)
    refusal(path)


def test_something_in_the_place_of_a_tree_is_refused(tmp_path):
    path = trees("forest", tmp_path)

    def change(schema):
        for holder, _ in attributes(schema, "tree_"):
            holder["aside_"], holder["tree_"] = holder["tree_"], scalar(1)
        for holder, key in places(schema):
            if isinstance(holder[key], dict) and "aside_" in holder[key]:
                holder["key_types"]["content"].append(KEY)

    edit(path, change)
    assert "in the place of sklearn.tree._tree.Tree" in refusal(path)


def one_hot(tmp_path):
    X = np.tile([[0.0, 1.0], [2.0, 3.0], [4.0, 1.0]], (3, 1))
    save(OneHotEncoder(sparse_output=False).fit(X), tmp_path / "o.skops")
    return tmp_path / "o.skops"


def test_categories_out_of_order_are_refused(tmp_path):
    path = one_hot(tmp_path)
    edit_arrays(path, lambda array: array[::-1].copy())
    assert "out of order" in refusal(path)


def test_miscounted_categories_are_refused(tmp_path):
    path = one_hot(tmp_path)
    put(path, container("list", [scalar(1), scalar(1)]), "_n_features_outs")
    assert "miscounts" in refusal(path)
    path = one_hot(tmp_path)
    put(path, container("list", [scalar(-5), scalar(-5)]), "_drop_idx_after_grouping")
    assert "cannot be checked" in refusal(path)


def test_a_sparse_table_with_an_index_out_of_range_is_refused(tmp_path):
    path = tmp_path / "e.skops"
    save(EchoStateForecaster(n_units=8, random_state=0).fit(small_frame()), path)

    def change(array):
        if array.dtype.kind == "i" and array.size > 20:
            array[0] = 10**6
            return array
        return None

    assert edit_arrays(path, change) == 1
    refusal(path)


@pytest.mark.parametrize("place", [-1, 625, 2**31])
def test_a_random_state_out_of_range_is_refused(place, tmp_path):
    path = tmp_path / "f.skops"
    forest = IsolationForest(n_estimators=2, random_state=np.random.RandomState(0))
    save(forest.fit([[0.0], [1.0]]), path)
    put(path, scalar(place), "pos")
    assert "random state" in refusal(path)


def encoder(tmp_path):
    save(
        LSTMForecaster(hidden_size=3, max_epochs=1, random_state=0).fit(small_frame()),
        tmp_path / "e.skops",
    )
    return tmp_path / "e.skops"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("module", "OnePassNet"),
        ("module", "MaskedHuberLoss"),
        ("module", "nn"),
        ("n_layers", 10**9),
        ("hidden_size", 10**6),
        ("hidden_size", 4),
        ("horizon", 10**9),
        ("dropout", "x"),
        ("n_inputs", -1),
    ],
)
def test_networks_that_are_not_their_weights_are_refused(name, value, tmp_path):
    path = encoder(tmp_path)
    tracemalloc.start()
    put(path, scalar(value), name)
    refusal(path)
    assert tracemalloc.get_traced_memory()[1] < 2**25
    tracemalloc.stop()


def test_weights_of_another_shape_or_kind_are_refused(tmp_path):
    for change in (
        lambda a: a[:-1],
        lambda a: a.astype(np.int64),
        lambda a: a[..., None],
    ):
        path = encoder(tmp_path)
        edit_arrays(path, lambda a, c=change: c(a) if a.dtype == np.float32 else None)
        assert "weights" in refusal(path)


@pytest.mark.parametrize("value", [99, -1])
def test_targets_that_are_no_columns_are_refused(value, tmp_path):
    path = encoder(tmp_path)
    edit_arrays(path, lambda a: np.full_like(a, value) if a.dtype == np.int64 else None)
    refusal(path)


def test_parameters_are_held_to_their_constraints(path):
    put(path, scalar(-1.0), "C")
    assert "'C' parameter" in refusal(path)


def test_a_bomb_is_refused_before_it_goes_off(path):
    members = unzip(path.read_bytes())
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(2**25))
    bomb = rezip(members | {"0.npy": buffer.getvalue()})
    path.write_bytes(bomb)
    assert len(bomb) < 2**20
    tracemalloc.start()
    assert "more than max_size" in refusal(path, max_size=2**26)
    path.write_bytes(rezip(members | {"schema.json": b"[" * 2**23}))
    assert "larger than" in refusal(path, max_size=2**26)
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()


def test_an_array_asked_for_again_and_again_counts_every_time(path):
    def change(schema):
        state = schema["content"]["content"]
        state["coef_"] = container("list", [state["coef_"]] * 300)

    edit_arrays(path, lambda array: np.zeros(2**17))
    edit(path, change)
    assert "add up to more" in refusal(path, max_size=2**28)


@pytest.mark.parametrize("shape", ["(10**15,)", "(1000000000000,)", "(2, 1)", "(-1,)"])
def test_an_array_shorter_than_it_says_is_refused(shape, path):
    members = unzip(path.read_bytes())
    header = (
        f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    )
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(8)
    path.write_bytes(rezip(members | {"0.npy": content}))
    refusal(path)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"protocol": 2}',
        b'{"protocol": 1}',
        b'{"a":' * 50_000,
        b"[" * 50_000 + b"]" * 50_000,
        b'{"protocol": 2, "__loader__": {}, "__module__": [], "__class__": 1}',
    ],
    ids=range(10),
)
@pytest.mark.parametrize("member", ["schema.json", "skdsn.json"])
def test_broken_json_is_refused(text, member, path):
    path.write_bytes(rezip(unzip(path.read_bytes()) | {member: text}))
    refusal(path)


def test_deep_nesting_is_refused(path):
    value = scalar(1)
    for _ in range(150):
        value = container("list", [value])
    put(path, value)
    assert "nested deeper" in refusal(path)


def test_nodes_that_hold_themselves_are_refused(path):
    def change(schema):
        for holder, key in places(schema):
            if key == "content" and isinstance(holder, dict):
                holder["__id__"] = 7

    edit(path, change)
    assert "__id__" in refusal(path)


def test_members_named_twice_or_for_nothing_are_refused(path):
    members = unzip(path.read_bytes())
    path.write_bytes(rezip(members | {"more.bin": b"x"}))
    assert "belong to nothing" in refusal(path)
    with (
        pytest.warns(UserWarning, match="Duplicate"),
        zipfile.ZipFile(path, "a") as file,
    ):
        file.writestr("schema.json", members["schema.json"])
    assert "twice" in refusal(path)


@pytest.mark.parametrize(
    "content", [b"", b"track,time\n", b"\x80\x05N.", b"PK\x03\x04"]
)
def test_what_is_no_archive_is_refused(content, path):
    path.write_bytes(content)
    refusal(path)


def test_a_folder_is_refused(tmp_path):
    assert "is a folder" in refusal(tmp_path)


def test_any_beginning_of_a_file_is_refused(path):
    data = path.read_bytes()
    for stop in range(0, len(data), max(1, len(data) // 60)):
        path.write_bytes(data[:stop])
        refusal(path)

"""Models come back able to predict; nothing executable is written or loaded; patched trees are refused, not run."""

import copy
import io
import json
import zipfile

import numpy as np
import pytest
import skops.io
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, SVR, NuSVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from jupyter_securecollab.errors import CannotHold, SealBroken
from jupyter_securecollab.manifest import Held
from jupyter_securecollab.model import Label, Level
from jupyter_securecollab.sealed import models, skops_file, trees
from jupyter_securecollab.sealed.blob import PreparedBlob
from jupyter_securecollab.sealed.models import open_model, prepare_model

X = np.random.default_rng(0).random((80, 4))
Y = (X[:, 0] + X[:, 1] > 1).astype(int)

ESTIMATORS = {
    "logistic regression": LogisticRegression(),
    "pipeline": make_pipeline(StandardScaler(), LogisticRegression()),
    "imputer": make_pipeline(SimpleImputer(), LogisticRegression()),
    "k means": KMeans(2, n_init=1, random_state=0),
    "log transform": make_pipeline(FunctionTransformer(np.log1p), LogisticRegression()),
    "tree": DecisionTreeClassifier(random_state=0),
    "stump": DecisionTreeClassifier(max_depth=1),
    "tree of several outputs": DecisionTreeRegressor(random_state=0),
    "forest": RandomForestClassifier(5, random_state=0),
    "extra trees": ExtraTreesRegressor(5, random_state=0),
    "isolation forest": IsolationForest(n_estimators=5, random_state=0),
    "boosted stumps": AdaBoostClassifier(n_estimators=3, random_state=0),
    "bagged trees": BaggingClassifier(DecisionTreeClassifier(), n_estimators=3, max_features=0.5, random_state=0),
    "brute neighbours": KNeighborsClassifier(algorithm="brute"),
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimator_comes_back_and_predicts_the_same(seal, name):
    model = ESTIMATORS[name].fit(X, np.column_stack([Y, -Y]) if "outputs" in name else Y)
    sealed = seal(prepare_model(model, Label(level=Level.CONFIDENTIAL)))
    assert list(sealed.levels) == [Level.CONFIDENTIAL]
    opened = sealed.open(using=open_model)
    assert type(opened) is type(model)
    np.testing.assert_array_equal(opened.predict(X), model.predict(X))


def test_unfitted_estimators_come_back(seal):
    for model in (LogisticRegression(C=2), DecisionTreeClassifier(max_depth=3), RandomForestClassifier(7)):
        opened = seal(prepare_model(model, Label())).open(using=open_model)
        assert opened.get_params() == model.get_params()


class Own(BaseEstimator):
    """An estimator of the user's own: skops would have to import it."""


REFUSED = {
    "GradientBoostingClassifier": lambda: GradientBoostingClassifier(n_estimators=2).fit(X, Y),
    "TreePredictor": lambda: HistGradientBoostingRegressor(max_iter=2).fit(X, Y),
    "KDTree": lambda: KNeighborsClassifier(algorithm="kd_tree").fit(X, Y),
    "Own": Own,
    "system": lambda: FunctionTransformer(__import__("os").system),
    "function": lambda: print,
    "list": lambda: [1, 2],
    "dict is not a model": lambda: {"a": [1]},
    "dict is not": dict,
    "dtype <U1": lambda: np.array(["a"]),
    "dtype object": lambda: {"a": np.array([None])},
    "dtype >i4": lambda: np.array([1], dtype=">i4"),
    "dtype complex128": lambda: np.array([1j]),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_is_not_supported_is_refused_by_name(message):
    with pytest.raises(CannotHold, match=message) as refusal:
        prepare_model(REFUSED[message](), Label())
    assert refusal.value.next_step


ARRAYS = [
    np.arange(12).reshape(3, 4),
    np.arange(12).reshape(3, 4)[:, ::2],
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.array(2.5),
    np.array([], dtype="float16"),
    np.array([True, False]),
    np.array([1 + 2j], dtype="complex64"),
    np.arange(5)[::-1],
]


@pytest.mark.parametrize("number", range(len(ARRAYS)))
def test_array_comes_back_exactly(seal, number):
    array = ARRAYS[number]
    opened = seal(prepare_model(array, Label())).open(using=open_model)
    assert (opened.dtype, opened.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(opened, array)
    assert opened.flags.writeable


def test_dict_of_arrays_comes_back(seal):
    arrays = {f"layer.{i}": array for i, array in enumerate(ARRAYS)}
    opened = seal(prepare_model(arrays, Label())).open(using=open_model)
    assert set(opened) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(opened[name], array)


def test_same_arrays_have_the_same_fingerprint(seal):
    arrays = {"a": ARRAYS[0], "b": ARRAYS[2]}
    same, other = ({name: array + extra for name, array in arrays.items()} for extra in (0, 1))
    prints = [
        seal(prepare_model(one, Label()), version=str(i)).fingerprint for i, one in enumerate((arrays, same, other))
    ]
    assert prints[0] == prints[1] != prints[2]


def _forge(seal, data, held):
    """What a lying sharer could store: any bytes, called anything."""
    return seal(PreparedBlob("model", held, Label(), len(data), lambda start, stop: data[start:stop]))


@pytest.mark.parametrize(
    ("held", "data"),
    [
        (Held("pickle"), b"cos\nsystem\n(S'true'\ntR."),
        (Held("safetensors", detail="joblib"), b""),
        (Held("safetensors", detail="array"), b"\xff" * 64),
        (Held("safetensors", detail="arrays"), (2**60).to_bytes(8, "little") + b"{}"),
        (Held("skops"), b"not a zip"),
        (Held("skops"), b"PK\x05\x06" + bytes(18)),
        (Held("bytes"), b"x"),
    ],
    ids=["pickle", "joblib", "noise", "absurd header", "no zip", "empty zip", "file"],
)
def test_forged_models_are_refused(seal, held, data):
    with pytest.raises(SealBroken):
        _forge(seal, data, held).open(using=open_model)


def _parts(model):
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(model))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _zip(parts, compression=zipfile.ZIP_STORED):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return made.getvalue()


def _npy(array):
    made = io.BytesIO()
    np.save(made, array, allow_pickle=False)
    return made.getvalue()


def _tree_parts(model, change):
    """The skops file of a model, the nodes or values of its (first) tree changed."""
    parts = _parts(model)
    for name, content in parts.items():
        if name.endswith(".npy"):
            array = np.load(io.BytesIO(content))
            if array.dtype.names:
                changed = change(array.copy())
                if changed is not None:
                    return parts | {name: _npy(changed)}
    raise AssertionError("no tree found")


def _set(field, at, value):
    def change(nodes):
        nodes[field][at] = value
        return nodes

    return change


def _inner(nodes, at):
    return np.flatnonzero(nodes["left_child"] != -1)[at]


def _cycle(nodes):
    nodes["left_child"][_inner(nodes, -1)] = 0
    return nodes


def _shared(nodes):
    first = _inner(nodes, 0)
    nodes["left_child"][first] = nodes["right_child"][first]
    return nodes


def _half_leaf(nodes):
    nodes["right_child"][_inner(nodes, 0)] = -1
    return nodes


PATCHES = {
    "child far outside": _set("left_child", 0, 10**9),
    "child just outside": lambda nodes: _set("right_child", 0, len(nodes))(nodes),
    "negative child": _set("left_child", 0, -7),
    "cycle": _cycle,
    "child of two": _shared,
    "leaf on one side": _half_leaf,
    "feature outside": _set("feature", 0, 4),
    "negative feature": _set("feature", 0, -3),
    "fewer nodes than counted": lambda nodes: nodes[:-1],
    "no nodes": lambda nodes: nodes[:0],
    "other fields": lambda nodes: nodes.astype([(name, "<i8") for name in nodes.dtype.names]),
    "two dimensions": lambda nodes: nodes.reshape(1, -1),
}


@pytest.mark.parametrize("name", PATCHES)
@pytest.mark.parametrize("estimator", ["tree", "forest"])
def test_patched_tree_is_refused(seal, name, estimator):
    model = ESTIMATORS[estimator].fit(X, Y)
    data = _zip(_tree_parts(model, PATCHES[name]))
    with pytest.raises(SealBroken):
        _forge(seal, data, Held("skops")).open(using=open_model)
    unchanged = _zip(_tree_parts(model, lambda nodes: nodes))
    assert _forge(seal, unchanged, Held("skops")).open(using=open_model).predict(X).shape == Y.shape


def _schema(parts, change):
    schema = json.loads(parts["schema.json"])
    change(schema)
    return parts | {"schema.json": json.dumps(schema).encode()}


def _tree_state(schema):
    return schema["content"]["content"]["tree_"]


def _json(value):
    return {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": json.dumps(value)}


def _set_number(key, value):
    return lambda schema: _tree_state(schema)["content"]["content"].update({key: _json(value)})


def _set_argument(at, value):
    return lambda schema: _tree_state(schema)["__reduce__"]["args"]["content"].__setitem__(at, _json(value))


def _set_attribute(key, value):
    return lambda schema: schema["content"]["content"].update({key: _json(value)})


SCHEMAS = {
    "more nodes than there are": _set_number("node_count", 10**6),
    "node count as text": _set_number("node_count", "3"),
    "depth too small": _set_number("max_depth", 0),
    "more features": _set_argument(0, 10**6),
    "no features": _set_argument(0, 0),
    "more outputs": _set_argument(2, 3),
    "no outputs": _set_argument(2, 0),
    "estimator of fewer features": _set_attribute("n_features_in_", 2),
    "estimator without a number of features": lambda schema: schema["content"]["content"].pop("n_features_in_"),
    "tree through another loader": lambda schema: _tree_state(schema).update(__loader__="ObjectNode"),
    "tree as constructor call": lambda schema: _tree_state(schema).update(
        __loader__="ConstructorFromReduceNode", content=_tree_state(schema)["__reduce__"]["args"]
    ),
    "tree outside an estimator": lambda schema: schema["content"]["content"].update(
        other_=schema["content"]["content"].pop("tree_")
    ),
    "tree of another class": lambda schema: schema.update(
        __class__="LogisticRegression", __module__="sklearn.linear_model._logistic"
    ),
    "unknown type": lambda schema: schema.update(__class__="system", __module__="os"),
    "unknown loader": lambda schema: schema.update(__loader__="EvalNode"),
    "cached node to nowhere": lambda schema: _tree_state(schema).update(__loader__="CachedNode", __id__=1),
    "future protocol": lambda schema: schema.update(protocol=99),
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_patched_schema_is_refused(name):
    parts = _parts(DecisionTreeClassifier(max_depth=2).fit(X, Y))
    skops_file.loads(_zip(parts))
    with pytest.raises(SealBroken), models.opaque():
        skops_file.loads(_zip(_schema(parts, SCHEMAS[name])))


@pytest.mark.parametrize("dtype", ["U1000", "V100", [("a", "i8")], "M8[us]"])
def test_a_type_of_values_other_than_numbers_is_refused(dtype):
    imputer = SimpleImputer().fit(X)
    imputer._fit_dtype = np.dtype(dtype)
    with pytest.raises(SealBroken), models.opaque():
        skops_file.loads(skops.io.dumps(imputer))


def test_a_type_of_values_through_another_loader_is_refused():
    def other_loader(schema):
        schema["content"]["content"]["_fit_dtype"].update(__loader__="ObjectNode")

    parts = _parts(SimpleImputer().fit(X))
    skops_file.loads(_zip(parts))
    with pytest.raises(SealBroken), models.opaque():
        skops_file.loads(_zip(_schema(parts, other_loader)))


def test_forest_wider_than_its_trees_is_refused(seal):
    forest = RandomForestClassifier(3, random_state=0).fit(X, Y)
    for count in (2, None):
        forest.n_features_in_ = count
        with pytest.raises(SealBroken):
            _forge(seal, skops.io.dumps(forest), Held("skops")).open(using=open_model)
    forest.n_features_in_ = 4
    assert _forge(seal, skops.io.dumps(forest), Held("skops")).open(using=open_model).predict(X).shape == Y.shape
    forest.estimators_[0] = LogisticRegression().fit(X, Y)
    with pytest.raises(SealBroken):
        _forge(seal, skops.io.dumps(forest), Held("skops")).open(using=open_model)


def test_archives_that_expand_or_are_named_oddly_are_refused():
    parts = _parts(LogisticRegression().fit(X, Y))
    skops_file.loads(_zip(parts))
    header = _npy(np.zeros(4)).replace(b"(4,)", b"(4444444444444,)".ljust(16))[: len(_npy(np.zeros(4)))]
    first = next(name for name in parts if name.endswith(".npy"))
    faults = [
        _zip(parts, zipfile.ZIP_DEFLATED),
        _zip(parts | {"../evil.npy": b""}),
        _zip(parts | {"x.pkl": b""}),
        _zip(parts | {"1.npz": b""}),
        _zip(parts | {first: header}),
        _zip(parts | {first: _npy(np.zeros(4)) + b"more"}),
        _zip(parts | {first: b"\x93NUMPY\x09\x00"}),
    ]
    for data in faults:
        with pytest.raises(SealBroken), models.opaque():
            skops_file.loads(data)


def test_truths_that_are_neither_are_refused(seal):
    truths = np.array([True, False, True])
    plain = models._safetensors("numpy").save({"array": truths})
    held = Held("safetensors", detail="array")
    assert (_forge(seal, plain, held).open(using=open_model) == truths).all()
    with pytest.raises(SealBroken):
        _forge(seal, plain[:-1] + b"\x02", held).open(using=open_model)


@pytest.mark.parametrize("dtype", ["?", [("a", "?")], [("a", [("b", "?", (2,))])]], ids=str)
def test_truths_in_arrays_of_estimators_are_looked_at(dtype):
    stream = io.BytesIO()
    np.save(stream, np.ones(4, dtype=dtype))
    if dtype == "?":
        skops_file._check_array(stream.getvalue())
    with pytest.raises(SealBroken):
        skops_file._check_array(stream.getvalue()[:-1] + b"\xff")


def test_arrays_of_objects_are_refused_before_numpy_loads_them():
    made = io.BytesIO()
    np.lib.format.write_array_header_1_0(made, {"descr": "|O", "fortran_order": False, "shape": (1,)})
    parts = _parts(LogisticRegression().fit(X, Y))
    first = next(name for name in parts if name.endswith(".npy"))
    with pytest.raises(SealBroken):
        skops_file.loads(_zip(parts | {first: made.getvalue() + bytes(8)}))


def test_tree_state_of_other_types_is_refused():
    model = DecisionTreeClassifier(max_depth=2).fit(X, Y)
    _, args, state = model.tree_.__reduce__()
    args = (int(args[0]), args[1], int(args[2]))
    state = state | {"max_depth": int(state["max_depth"]), "node_count": int(state["node_count"])}
    trees.check_state(args, state)
    for wrong_args, wrong_state in [
        (list(args), state),
        (args[:2], state),
        (args, None),
        (args, state | {"values": state["values"].astype("float32")}),
        (args, state | {"values": state["values"][:, :, :1]}),
        (args, state | {"values": state["values"].tolist()}),
        ((args[0], args[1].astype("int32"), 1), state),
        ((args[0], -args[1], 1), state),
    ]:
        with pytest.raises(SealBroken):
            trees.check_state(wrong_args, wrong_state)


def _doubling(innermost):
    """A file of 60 lists, each holding the one before twice: 2 ** 60 paths lead to the first."""
    parts = _parts([[]])
    schema = json.loads(parts["schema.json"])
    plain = {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode"}
    made = {**plain, "content": innermost, "__id__": 1}
    for number in range(2, 60):
        made = {**plain, "content": [made, {**made, "content": []}], "__id__": number}
    return _zip(parts | {"schema.json": json.dumps(schema | made).encode()})


def test_objects_held_many_times_over_are_looked_at_once():
    opened = skops_file.loads(_doubling([]))
    assert opened[0] is opened[1] and len(opened[0]) == 2


def test_a_type_that_is_never_loaded_is_found_however_often_it_is_held():
    function = {"__class__": "system", "__module__": "os", "__loader__": "FunctionNode", "content": "os.system"}
    with pytest.raises(SealBroken, match=r"os\.system.*never loaded"):
        skops_file.loads(_doubling([function]))


def _shrunk(array):
    return array[tuple(slice(0, 1) for _ in array.shape)].copy()


MACHINES = (SVC(), SVC(kernel="linear"), NuSVC(nu=0.2), SVR(), OneClassSVM())
MISFITS = {
    "support_vectors_": lambda found: np.zeros((0, 0)), "_dual_coef_": _shrunk, "_intercept_": _shrunk,
    "_n_support": lambda found: found * 1000, "support_": _shrunk, "_probA": lambda found: np.zeros(7),
}  # fmt: skip


@pytest.mark.parametrize("machine", MACHINES, ids=lambda one: f"{type(one).__name__} {one.kernel}")
def test_support_vector_machine_whose_arrays_do_not_fit_is_refused(machine):
    fitted = machine.fit(X, Y)
    assert (skops_file.loads(skops.io.dumps(fitted)).predict(X) == fitted.predict(X)).all()
    for name, patch in MISFITS.items():
        patched = copy.copy(fitted)
        found = patch(vars(fitted)[name])
        if found.shape == vars(fitted)[name].shape and (found == vars(fitted)[name]).all():
            continue  # of two classes there is but one pair
        vars(patched)[name] = found
        with pytest.raises(SealBroken):
            skops_file.loads(skops.io.dumps(patched))


def test_machines_that_cannot_be_checked_are_refused():
    with pytest.raises(SealBroken, match="SVC"):
        skops_file.loads(skops.io.dumps(SVC(kernel="precomputed").fit(X @ X.T, Y)))
    assert skops_file.loads(skops.io.dumps(SVC(kernel="precomputed"))).kernel == "precomputed"


def test_neighbours_that_do_not_fit_the_features_are_refused():
    fitted = KNeighborsClassifier(algorithm="brute").fit(X, Y)
    assert skops_file.loads(skops.io.dumps(fitted)).predict(X).shape == Y.shape
    for patched in (np.zeros((0, 0)), np.zeros((0, X.shape[1])), fitted._fit_X[:, :1].copy()):
        fitted._fit_X = patched
        with pytest.raises(SealBroken):
            skops_file.loads(skops.io.dumps(fitted))


def test_centres_that_do_not_fit_the_features_are_refused():
    fitted = KMeans(2, n_init=1).fit(X)
    assert (skops_file.loads(skops.io.dumps(fitted)).predict(X) == fitted.predict(X)).all()
    for wrong in ({"cluster_centers_": np.zeros((2, 1))}, {"n_features_in_": 5000}, {"_n_threads": 100_000}):
        patched = copy.deepcopy(fitted)
        vars(patched).update(wrong)
        with pytest.raises(SealBroken):
            skops_file.loads(skops.io.dumps(patched))


def test_a_model_that_keeps_results_in_a_folder_is_neither_opened_nor_shared(tmp_path):
    """joblib unpickles what lies there as soon as the model is fitted again."""
    plain = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    assert skops_file.loads(skops_file.dumps(plain)).memory is None
    keeping = make_pipeline(plain, memory=str(tmp_path / "ann"))
    with pytest.raises(SealBroken, match="in a folder"):
        skops_file.loads(skops.io.dumps(keeping))
    with pytest.raises(CannotHold, match="in a folder") as refusal:
        skops_file.dumps(keeping)
    assert "memory to None" in refusal.value.next_step and "ann" not in str(refusal.value) + refusal.value.next_step

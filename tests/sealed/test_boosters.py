"""Boosters come back and predict the same; files that would lead a library astray are refused before it reads them."""

import json
import re
import struct

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_securecollab.errors import CannotHold, SealBroken
from jupyter_securecollab.manifest import Held
from jupyter_securecollab.model import Label
from jupyter_securecollab.sealed import confined, lightgbm_file, ubjson, xgboost_file
from jupyter_securecollab.sealed.blob import PreparedBlob
from jupyter_securecollab.sealed.models import open_model, prepare_model

# Newer XGBoost says so of dart and linear boosters, which people have all the same.
pytestmark = pytest.mark.filterwarnings("ignore:.*is deprecated:UserWarning")

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(300, 4))
NAMED = pd.DataFrame(X, columns=["age", "dose", "site", "rating"])
NAMED["site"] = pd.Categorical(RANDOM.choice(["Ann", "Bob", "Cyd", "Dée", "Eve", "Flo"], 300))
NAMED["rating"] = pd.Categorical(RANDOM.choice([3, 9, 11], 300))
Y = NAMED["site"].isin(["Ann", "Eve"]).astype(int) + (X[:, 0] > 1)

XGBOOST = {
    "regression": {},
    "binary": {"objective": "binary:logistic"},
    "classes": {"objective": "multi:softprob", "num_class": 3},
    "quantiles": {"objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.5]},
    "dart": {"booster": "dart", "rate_drop": 0.5},
    "linear": {"booster": "gblinear"},
    "pruned": {"tree_method": "exact", "gamma": 5},
    "parallel trees": {"num_parallel_tree": 3},
}


def xgboost_of(params, rounds=3):
    plain = params.get("booster") == "gblinear" or params.get("tree_method") == "exact"
    target = np.minimum(Y, 1) if "binary" in params.get("objective", "") else Y
    matrix = xgboost.DMatrix(X if plain else NAMED, target, enable_categorical=not plain, nthread=1)
    return xgboost.train({"nthread": 1, **params}, matrix, rounds), matrix


LIGHTGBM = {
    "regression": {},
    "binary": {"objective": "binary"},
    "classes": {"objective": "multiclass", "num_class": 3},
    "linear trees": {"linear_tree": True},
    "forest": {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5},
    "monotone": {"monotone_constraints": [1, 0, 0, 0]},
    "root of squares": {"reg_sqrt": True},
}


def lightgbm_of(params, rounds=3):
    frame = X if params.keys() & {"linear_tree", "monotone_constraints"} else NAMED
    target = np.minimum(Y, 1) if params.get("objective") == "binary" else Y
    params = {"verbosity": -1, "num_leaves": 5, "num_threads": 1, **params}
    return lightgbm.train(params, lightgbm.Dataset(frame, target), rounds), frame


@pytest.mark.parametrize("name", XGBOOST)
def test_xgboost_is_sound_and_predicts_the_same(name):
    booster, matrix = xgboost_of(XGBOOST[name])
    data = xgboost_file.dumps(booster)
    xgboost_file.check(data)
    xgboost_file.use(data)
    np.testing.assert_array_equal(xgboost_file.loads(data).predict(matrix), booster.predict(matrix))


@pytest.mark.parametrize("name", LIGHTGBM)
def test_lightgbm_is_sound_and_predicts_the_same(name):
    booster, frame = lightgbm_of(LIGHTGBM[name])
    data = lightgbm_file.dumps(booster)
    lightgbm_file.check(data)
    lightgbm_file.use(data)
    np.testing.assert_array_equal(lightgbm_file.loads(data).predict(frame), booster.predict(frame))


def test_lightgbm_keeps_the_iteration_with_which_it_predicts(seal):
    booster, frame = lightgbm_of({}, rounds=5)
    booster.best_iteration = 2
    opened = seal(prepare_model(booster, Label())).open(using=open_model)
    np.testing.assert_array_equal(opened.predict(frame), booster.predict(frame))


def test_boosters_come_back_from_a_sealed_version(seal):
    booster, matrix = xgboost_of(XGBOOST["classes"])
    opened = seal(prepare_model(booster, Label())).open(using=open_model)
    np.testing.assert_array_equal(opened.predict(matrix), booster.predict(matrix))
    assert opened.feature_names == booster.feature_names


def _forge(seal, data, kind):
    return seal(PreparedBlob("model", Held(kind), Label(), len(data), lambda start, stop: data[start:stop]))


@pytest.mark.parametrize("kind", ["xgboost", "lightgbm"])
def test_a_forged_booster_is_not_opened(seal, kind):
    known = {"xgboost": xgboost_file, "lightgbm": lightgbm_file}[kind]
    data = known.dumps(xgboost_of({})[0] if kind == "xgboost" else lightgbm_of({})[0])
    with pytest.raises(SealBroken):
        _forge(seal, data[:-20], kind).open(using=open_model)


# -- UBJSON, and XGBoost in it -----------------------------------------------------------------------------------------


def text(value):
    return b"L" + struct.pack(">q", len(value.encode())) + value.encode()


def written(value):
    """UBJSON as XGBoost writes it."""
    if isinstance(value, dict):
        return b"{" + b"".join(text(name) + written(one) for name, one in value.items()) + b"}"
    if isinstance(value, list):
        return b"[#L" + struct.pack(">q", len(value)) + b"".join(map(written, value))
    if isinstance(value, np.ndarray):
        marker = next(one for one, dtype in ubjson._NUMBERS.items() if np.dtype(dtype) == value.dtype.newbyteorder(">"))
        big = value.astype(value.dtype.newbyteorder(">")).tobytes()
        return b"[$" + marker + b"#L" + struct.pack(">q", len(value)) + big
    if isinstance(value, str):
        return b"S" + text(value)
    return b"L" + struct.pack(">q", value) if isinstance(value, int) else b"d" + struct.pack(">f", value)


@pytest.fixture(scope="module")
def classes():
    return xgboost_file.dumps(xgboost_of(XGBOOST["classes"])[0])


def test_what_is_read_is_what_was_written(classes):
    model = ubjson.loads(classes)
    again = ubjson.loads(written(model))
    assert json.dumps(again, default=np.ndarray.tolist) == json.dumps(model, default=np.ndarray.tolist)
    xgboost_file.check(written(model))


WRONG_UBJSON = {
    "nothing": b"",
    "an open object": b"{",
    "more after the end": b"{}{}",
    "a name longer than the file": b"{L" + struct.pack(">q", 2**40) + b"a",
    "a name of negative length": b"{L" + struct.pack(">q", -1) + b"S" + text("a") + b"}",
    "a short length": b"{i\x01aS" + text("a") + b"}",
    "more items than bytes": b"[#L" + struct.pack(">q", 2**60),
    "more numbers than bytes": b"[$d#L" + struct.pack(">q", 2**60) + b"\0\0\0\0",
    "numbers of negative count": b"[$d#L" + struct.pack(">q", -4),
    "an array without count": b"[S" + text("a") + b"]",
    "texts of one type": b"[$S#L" + struct.pack(">q", 1) + text("a"),
    "an object with a count": b"{#L" + struct.pack(">q", 0),
    "a name twice": b"{" + (text("a") + b"T") * 2 + b"}",
    "no UTF-8": b"SL" + struct.pack(">q", 1) + b"\xff",
    "a marker nobody knows": b"H" + text("1"),
    "too deep": b"[#L" + struct.pack(">q", 1) + (b"[#L" + struct.pack(">q", 1)) * 5000 + b"T",
}


@pytest.mark.parametrize("name", WRONG_UBJSON)
def test_wrong_ubjson_is_refused(name):
    with pytest.raises((SealBroken, UnicodeDecodeError)):
        ubjson.loads(WRONG_UBJSON[name])
    with pytest.raises(SealBroken):
        xgboost_file.check(WRONG_UBJSON[name])


def _tree(model, number=0):
    return model["learner"]["gradient_booster"]["model"]["trees"][number]


def _inside(*path):
    *way, last = path

    def change(value):
        def apply(model):
            for name in way:
                model = model[name]
            model[last] = value

        return apply

    return change


def _node(field, at, value):
    def apply(model):
        _tree(model)[field] = _tree(model)[field].copy()
        _tree(model)[field][at] = value

    return apply


def _params(name, value):
    return _inside("learner", "learner_model_param", name)(value)


BOOSTER = ("learner", "gradient_booster", "model")
PATCHES = {
    "child far outside": _node("left_children", 0, 10**9),
    "child just outside": lambda model: _node("right_children", 0, len(_tree(model)["parents"]))(model),
    "negative child": _node("left_children", 0, -7),
    "child of itself": _node("left_children", 0, 0),
    "child of two": lambda model: _node("left_children", 0, int(_tree(model)["right_children"][0]))(model),
    "leaf on one side": _node("right_children", 0, -1),
    "feature outside": _node("split_indices", 0, 4),
    "negative feature": _node("split_indices", 0, -1),
    "another parent": _node("parents", 1, 2),
    "neither numbers nor categories": _node("split_type", 0, 7),
    "category of nobody": lambda model: _tree(model).update(categories_nodes=np.array([2], np.int32)),
    "absurd category": lambda model: _tree(model).update(
        categories=np.full_like(_tree(model)["categories"], 2**31 - 1)
    ),
    "segments outside": lambda model: _tree(model).update(
        categories_segments=_tree(model)["categories_segments"] + 1000
    ),
    "sizes outside": lambda model: _tree(model).update(categories_sizes=_tree(model)["categories_sizes"] + 1000),
    "sizes that run over": lambda model: _tree(model).update(
        categories=np.zeros(0, np.int32),
        categories_sizes=np.full(4, 2**62, np.int64),
        categories_segments=np.array([0, 2**62, -(2**63), -(2**62)], np.int64),
        categories_nodes=np.arange(4, dtype=np.int32),
        split_type=(np.arange(len(_tree(model)["split_type"])) < 4).astype("u1"),
    ),
    "more nodes than there are": lambda model: _tree(model)["tree_param"].update(num_nodes="1000"),
    "fewer numbers than nodes": lambda model: _tree(model).update(split_conditions=np.zeros(1, np.float32)),
    "numbers of another type": lambda model: _tree(model).update(
        left_children=_tree(model)["left_children"].astype("f4")
    ),
    "vectors as leaves": lambda model: _tree(model)["tree_param"].update(size_leaf_vector="2"),
    "another tree's number": lambda model: _tree(model).update(id=1),
    "a field of somebody's": lambda model: _tree(model).update(other=1),
    "fewer trees than counted": _inside(*BOOSTER, "gbtree_model_param", "num_trees")("1000"),
    "group outside": lambda model: _inside(*BOOSTER, "tree_info")([3] * 9)(model),
    "iterations outside": _inside(*BOOSTER, "iteration_indptr")([0, 3, 6, 900]),
    "iterations that run over": _inside(*BOOSTER, "iteration_indptr")(
        np.array([0, 2**31 - 1, -(2**31), -1, 9], np.int32)
    ),
    "more classes": _params("num_class", "1000000"),
    "no number of features": _params("num_feature", "-1"),
    "other features": _params("num_feature", "2"),
    "absurd features": _params("num_feature", "999999999"),
    "more base scores": _params("base_score", "[0E0,0E0]"),
    "an objective of somebody's": _inside("learner", "objective", "name")("custom"),
    "classes of the objective": _inside("learner", "objective", "softmax_multiclass_param", "num_class")("7"),
    "names for other features": _inside("learner", "feature_names")(["a"]),
    "no text in attributes": _inside("learner", "attributes")({"a": 1}),
    "no trees": lambda model: model["learner"]["gradient_booster"]["model"].pop("trees"),
    "another booster": _inside("learner", "gradient_booster", "name")("other"),
    "another version": _inside("version")([99, 0, 0]),
    "something beside": lambda model: model.update(other={}),
    "category names outside": _inside(*BOOSTER, "cats", "enc", 2, "offsets")(np.array([0, 99], np.int32)),
    "category names that are no UTF-8": lambda model: _inside(*BOOSTER, "cats", "enc", 2, "values")(
        np.full(19, -1, np.int8)
    )(model),
    "order of categories outside": lambda model: _inside(*BOOSTER, "cats", "sorted_idx")(np.full(9, 99, np.int32))(
        model
    ),
}


@pytest.mark.parametrize("name", PATCHES)
def test_patched_xgboost_is_refused(classes, name):
    model = ubjson.loads(classes)
    PATCHES[name](model)
    with pytest.raises(SealBroken):
        xgboost_file.check(written(model))


def test_rings_of_nodes_are_refused():
    """Two nodes that are each other's children hang together without the root; their number is no deleted nodes'."""
    model = ubjson.loads(xgboost_file.dumps(xgboost_of({}, rounds=1)[0]))
    tree = _tree(model)
    left, right = tree["left_children"].copy(), tree["right_children"].copy()
    inner = np.flatnonzero(left != -1)
    assert len(inner) >= 2
    left[0], right[0] = -1, -1
    tree.update(left_children=left, right_children=right)
    with pytest.raises(SealBroken):
        xgboost_file.check(written(model))


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_changed_byte_is_refused_or_harmless(data):
    """Whatever is flipped: refused by us, or the library loads it and predicts without trouble."""
    booster = xgboost_file.dumps(SMALL[0])
    place = data.draw(st.integers(0, len(booster) - 1))
    changed = booster[:place] + bytes([data.draw(st.integers(0, 255))]) + booster[place + 1 :]
    try:
        xgboost_file.check(changed)
    except SealBroken:
        return
    try:
        xgboost_file.use(changed)
    except (xgboost.core.XGBoostError, ValueError):
        return


@given(place=st.integers(0, 2000))
@settings(max_examples=40, deadline=None)
def test_any_shorter_file_is_refused(place):
    for known, booster in zip((xgboost_file, lightgbm_file), SMALL, strict=True):
        whole = known.dumps(booster)
        with pytest.raises(SealBroken):
            known.check(whole[: place % (len(whole) // 2)])


SMALL = (xgboost_of({"max_depth": 2}, rounds=1)[0], lightgbm_of({}, rounds=1)[0])

# -- LightGBM ----------------------------------------------------------------------------------------------------------


def _sized(booster_text):
    """The sizes in the header as the trees now have them."""
    head, rest = booster_text.split("\n\n", 1)
    trees = rest[: rest.index("end of trees")]
    sizes = [len(f"Tree={one}".encode()) for one in trees.split("Tree=")[1:]]
    lines = [f"tree_sizes={' '.join(map(str, sizes))}" if one.startswith("tree_sizes") else one for one in
             head.split("\n")]  # fmt: skip
    return "\n".join(lines) + "\n\n" + rest


def _first(field, change):
    """The first line of that field, its numbers changed."""

    def apply(booster_text):
        lines = booster_text.split("\n")
        at = next(number for number, line in enumerate(lines) if line.startswith(f"{field}="))
        words = lines[at].partition("=")[2].split(" ")
        lines[at] = f"{field}={' '.join(change(words))}"
        return _sized("\n".join(lines))

    return apply


def _put(value):
    return lambda words: [value, *words[1:]]


WRONG_LIGHTGBM = {
    "child far outside": _first("left_child", _put("999999999")),
    "child just outside": _first("right_child", lambda words: [str(len(words)), *words[1:]]),
    "leaf outside": _first("left_child", _put("-999")),
    "child of itself": _first("left_child", _put("0")),
    "child of two": _first("right_child", lambda words: [*words[:-1], words[0]]),
    "feature outside": _first("split_feature", _put("4")),
    "negative feature": _first("split_feature", _put("-1")),
    "absurd decision": _first("decision_type", _put("99")),
    "category list outside": _first("threshold", _put("77")),
    "category bounds outside": _first("cat_boundaries", lambda words: [*words[:-1], "9999"]),
    "negative category bounds": _first("cat_boundaries", _put("-1")),
    "more leaves": _first("num_leaves", _put("1000000")),
    "no leaves": _first("num_leaves", _put("0")),
    "more categories": _first("num_cat", _put("500")),
    "fewer values": _first("leaf_value", lambda words: words[:-1]),
    "no number": _first("leaf_value", _put("1_0")),
    "a half child": _first("left_child", _put("0.5")),
    "more features": _first("max_feature_idx", _put("5")),
    "more classes": _first("num_class", _put("4")),
    "classes of the objective": _first("objective", lambda words: ["multiclass", "num_class:9"]),
    "an objective of somebody's": _first("objective", lambda words: ["evil"]),
    "another version": _first("version", _put("v99")),
    "infinite sizes": lambda booster: booster.replace("tree_sizes=", "tree_sizes=99999999 "),
    "a size too small": lambda booster: booster.replace(
        booster.split("tree_sizes=")[1].split(" ")[0], "7", 1
    ),
    "a field twice": lambda booster: _sized(booster.replace("num_cat=1\n", "num_cat=1\nnum_cat=1\n", 1)),
    "a field of somebody's": lambda booster: _sized(booster.replace("num_cat=1\n", "num_cat=1\nother=1\n", 1)),
    "a header line twice": lambda booster: booster.replace("label_index=0\n", "label_index=0\nlabel_index=0\n"),
    "carriage returns": lambda booster: booster.replace("\n", "\r\n"),
    "a zero byte": lambda booster: booster.replace("feature_names=age", "feature_names=a\0e"),
    "files among the parameters": lambda booster: booster.replace("[data: ]", "[data: /home/ann/patients.csv]"),
    "machines among the parameters": lambda booster: booster.replace("[machines: ]", "[machines: 10.0.0.1:1]"),
    "no parameters": lambda booster: booster.replace("[boosting: gbdt]", "boosting: gbdt"),
    "a parser of one's own": lambda booster: booster + "\nparser:\n{}\nend of parser\n",
    "categories that are no lists": lambda booster: booster.replace(
        "pandas_categorical:[", 'pandas_categorical:[{"a": 1}, '
    ),
    "categories that are no JSON": lambda booster: booster.replace("pandas_categorical:[", "pandas_categorical:["
                                                                   + "[" * 100_000),
    "features of nobody": lambda booster: booster.replace("feature_names=age ", "feature_names="),
}  # fmt: skip


@pytest.fixture(scope="module")
def lightgbm_classes():
    return lightgbm_file.dumps(lightgbm_of(LIGHTGBM["classes"])[0]).decode()


@pytest.mark.parametrize("name", WRONG_LIGHTGBM)
def test_wrong_lightgbm_is_refused(lightgbm_classes, name):
    lightgbm_file.check(_sized(lightgbm_classes).encode())
    wrong = WRONG_LIGHTGBM[name](lightgbm_classes)
    assert wrong != lightgbm_classes
    with pytest.raises(SealBroken):
        lightgbm_file.check(wrong.encode())


def test_lightgbm_that_is_no_utf8_is_refused(lightgbm_classes):
    with pytest.raises(SealBroken):
        lightgbm_file.check(lightgbm_classes.encode().replace(b"feature_names=age", b"feature_names=a\xffe"))


@pytest.mark.parametrize("field", ["num_features", "leaf_features"])
def test_wrong_linear_trees_are_refused(field):
    booster = lightgbm_file.dumps(lightgbm_of(LIGHTGBM["linear trees"])[0]).decode()
    last = booster.rindex(f"\n{field}=") + len(field) + 2
    assert booster[last:].split("\n")[0].strip()
    with pytest.raises(SealBroken):
        lightgbm_file.check(_sized(booster[:last] + "99 " + booster[last:].lstrip(" 0123")).encode())


def test_counts_whose_sum_runs_over_are_refused():
    """Taken as 32 bits each, they would have LightGBM read behind the features that are there."""
    booster = lightgbm_file.dumps(lightgbm_of(LIGHTGBM["linear trees"] | {"num_leaves": 25, "min_data_in_leaf": 2})[0])
    before, line, after = booster.decode().rpartition("\nnum_features=")
    counts = [int(one) for one in after.split("\n")[0].split()]
    assert len(counts) > 19
    missing, forged = 2**64, list(counts)
    for leaf in range(len(forged)):
        more = min(missing, 900_000_000 << 30)
        forged[leaf], missing = forged[leaf] + more, missing - more
    assert sum(forged) % 2**64 == sum(counts) != sum(forged)
    written = " ".join(map(str, forged))
    with pytest.raises(SealBroken):
        lightgbm_file.check(_sized(before + line + written + after[after.index("\n") :]).encode())


def test_a_booster_without_trees_has_no_room_for_absurdly_many_classes(lightgbm_classes, classes):
    """A few hundred bytes would take gigabytes."""
    head, rest = lightgbm_classes.split("\n\n", 1)
    bare = re.sub("tree_sizes=.*", "tree_sizes=", head) + "\n\n" + rest[rest.index("end of trees") :]
    lightgbm_file.check(bare.encode())
    for known in ("num_class=", "num_tree_per_iteration=", "num_class:"):
        bare = bare.replace(f"{known}3", f"{known}99999999")
    with pytest.raises(SealBroken):
        lightgbm_file.check(bare.encode())
    model = ubjson.loads(classes)
    trees = model["learner"]["gradient_booster"]["model"]
    trees.update(trees=[], tree_info=np.zeros(0, np.int32), iteration_indptr=np.zeros(1, np.int32))
    trees["gbtree_model_param"]["num_trees"] = "0"
    xgboost_file.check(written(model))
    for way in (("learner_model_param",), ("objective", "softmax_multiclass_param")):
        inner = model["learner"]
        for name in way:
            inner = inner[name]
        inner["num_class"] = "99999999"
    model["learner"]["learner_model_param"]["base_score"] = "0.5"
    with pytest.raises(SealBroken):
        xgboost_file.check(written(model))


# -- what is refused when sharing --------------------------------------------------------------------------------------


def test_what_cannot_be_held_says_so():
    booster, _ = lightgbm_of({})
    told = booster.model_to_string().replace("[data: ]", "[data: /home/ann/patients.csv]")
    with pytest.raises(CannotHold, match="names files") as refusal:
        prepare_model(lightgbm.Booster(model_str=told), Label())
    assert "patients" not in str(refusal.value)
    vectors = xgboost.train(
        {"multi_strategy": "multi_output_tree", "tree_method": "hist"},
        xgboost.DMatrix(X, np.column_stack([X[:, 0], X[:, 1]])),
        2,
    )
    with pytest.raises(CannotHold, match="vectors"):
        prepare_model(vectors, Label())


def test_estimators_around_a_booster_say_where_it_is():
    with pytest.raises(CannotHold) as refusal:
        prepare_model(xgboost.XGBClassifier(n_estimators=1).fit(X, np.minimum(Y, 1)), Label())
    assert "get_booster()" in refusal.value.next_step
    with pytest.raises(CannotHold) as refusal:
        prepare_model(lightgbm.LGBMClassifier(n_estimators=1, verbosity=-1).fit(X, np.minimum(Y, 1)), Label())
    assert "booster_" in refusal.value.next_step


def test_names_of_formats_are_known_to_the_other_process():
    assert set(confined.FORMATS) == {"xgboost", "lightgbm", "onnx"}

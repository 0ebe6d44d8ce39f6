"""A masked model predicts what the model does, once inputs are renamed alike, and says what is left in it."""

import pickle
import warnings

import lightgbm
import numpy as np
import onnx
import pandas as pd
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction import DictVectorizer
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import LogisticRegression, Perceptron, RidgeClassifier, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from jupyter_securecollab.carried import estimator_copies
from jupyter_securecollab.carried.find import find
from jupyter_securecollab.carried.masked import mask
from jupyter_securecollab.errors import CannotHold
from jupyter_securecollab.frames.classify import Classifier
from jupyter_securecollab.frames.keyed import MaskKey
from jupyter_securecollab.frames.plans import mask_frame
from jupyter_securecollab.model import Level

# Newer XGBoost says so of dart and linear boosters, which people have all the same.
pytestmark = pytest.mark.filterwarnings("ignore:.*is deprecated:UserWarning")

RANDOM = np.random.default_rng(1)
NAMES = ["Maria Gomez", "Bob Ray", "Susan Clark", "John Smith", "Peter Miller", "Ann Lee", "Emma Jones", "Paul Weber"]
ROWS = 80
FRAME = pd.DataFrame({"patient": NAMES * 10, "ssn": RANDOM.normal(size=ROWS), "dose": RANDOM.normal(size=ROWS)})
SICK = (FRAME["dose"] + FRAME["patient"].isin(NAMES[:3]) > 0.5).astype(int)
NUMBERS = FRAME[["ssn", "dose"]]
DOCTORS = np.array(NAMES)[(FRAME["dose"] > 0).to_numpy() * 2 + (FRAME["ssn"] > 0).to_numpy() * 3]
KEY = MaskKey(bytes(range(32)))
CLASSIFIER = Classifier()


def masked(model, up_to=Level.INTERNAL):
    return mask(model, up_to, CLASSIFIER, lambda level: KEY)


CLASSIFIERS = [
    AdaBoostClassifier(n_estimators=3, random_state=0), BaggingClassifier(n_estimators=3, random_state=0),
    BernoulliNB(), DecisionTreeClassifier(), DummyClassifier(strategy="stratified", random_state=0),
    ExtraTreeClassifier(random_state=0), ExtraTreesClassifier(3, random_state=0), GaussianNB(),
    GaussianProcessClassifier(), GradientBoostingClassifier(n_estimators=2),
    GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1, 2]}, cv=2),
    HistGradientBoostingClassifier(max_iter=2), KNeighborsClassifier(3), LinearDiscriminantAnalysis(),
    LinearSVC(), LogisticRegression(), MLPClassifier((3,), max_iter=1), NearestCentroid(),
    OneVsRestClassifier(LogisticRegression()), Perceptron(), QuadraticDiscriminantAnalysis(reg_param=0.5),
    RandomForestClassifier(3, random_state=0), RidgeClassifier(), SGDClassifier(random_state=0), SVC(),
    SVC(probability=False, decision_function_shape="ovo"),
    VotingClassifier([("a", GaussianNB()), ("b", DecisionTreeClassifier())]),
    make_pipeline(StandardScaler(), LogisticRegression()),
]  # fmt: skip


def _fit(model, x, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one step of training does not converge
        return model.fit(x, y)


@pytest.mark.parametrize("model", CLASSIFIERS, ids=lambda one: type(one).__name__)
def test_classes_that_are_people_become_pseudonyms_and_predictions_stay(model):
    fitted = _fit(model, NUMBERS, DOCTORS)
    copy = masked(fitted)
    predicted = copy.model.predict(copy.inputs(NUMBERS))
    np.testing.assert_array_equal(copy.outputs(predicted), fitted.predict(NUMBERS))
    assert not set(predicted) & set(NAMES)
    assert not [one for one in find(copy.model, CLASSIFIER) if one.label.tag == "person_name"]
    assert set(fitted.predict(NUMBERS)) <= set(NAMES)  # the model itself is as it was


@pytest.mark.parametrize("model", [MultinomialNB(), ComplementNB()], ids=lambda one: type(one).__name__)
def test_counting_models_predict_the_same(model):
    fitted = model.fit(NUMBERS.abs(), DOCTORS)
    copy = masked(fitted)
    np.testing.assert_array_equal(copy.outputs(copy.model.predict(copy.inputs(NUMBERS.abs()))),
                                  fitted.predict(NUMBERS.abs()))  # fmt: skip


def test_labels_that_an_estimator_would_sort_anew_stay_and_it_is_said():
    fitted = CalibratedClassifierCV(GaussianNB(), cv=2).fit(NUMBERS, DOCTORS)
    copy = masked(fitted)
    np.testing.assert_array_equal(copy.model.predict(copy.inputs(NUMBERS)), fitted.predict(NUMBERS))
    assert [one for one in copy.left if one.where.endswith("classes_")]
    assert "CalibratedClassifierCV" not in estimator_copies._CLASSIFIERS


def encoding(encoder):
    steps = ColumnTransformer([("who", encoder, ["patient"])], remainder="passthrough")
    return Pipeline([("encode", steps), ("model", LogisticRegression())])


ENCODERS = [
    OneHotEncoder(handle_unknown="ignore"), OneHotEncoder(drop="first"), OneHotEncoder(drop=["Ann Lee"]),
    OneHotEncoder(categories=[sorted(NAMES)]), OneHotEncoder(max_categories=3), OrdinalEncoder(),
    TargetEncoder(),
]  # fmt: skip


@pytest.mark.parametrize("encoder", ENCODERS, ids=str)
def test_categories_become_pseudonyms_and_predictions_stay(encoder):
    fitted = encoding(encoder).fit(FRAME, SICK)
    copy = masked(fitted)
    inputs = copy.inputs(FRAME)
    np.testing.assert_array_equal(copy.model.predict_proba(inputs), fitted.predict_proba(FRAME))
    assert set(inputs.columns) == {"patient", "feature_1", "dose"} and not inputs["patient"].isin(NAMES).any()
    assert copy.left == ()
    assert [how for where, how in copy.done if where.endswith("categories_[0]")] == ["pseudonyms"]


def test_a_masked_column_of_that_name_under_that_key_fits():
    fitted = encoding(OneHotEncoder()).fit(FRAME, SICK)
    copy = masked(fitted)
    frame = mask_frame(FRAME, {"patient": "pseudonym"}, key=KEY).rename(columns=copy.columns)
    np.testing.assert_array_equal(copy.model.predict_proba(frame), fitted.predict_proba(FRAME))


def test_another_key_gives_other_pseudonyms():
    fitted = LabelEncoder().fit(NAMES)
    first, other = (mask(fitted, Level.INTERNAL, CLASSIFIER, lambda level, key=key: key).values[""]
                    for key in (KEY, MaskKey(bytes(32))))  # fmt: skip
    assert first.keys() == other.keys() and not set(first.values()) & set(other.values())


def test_what_lies_at_or_below_the_level_stays_as_it_is():
    fitted = encoding(OneHotEncoder()).fit(FRAME, SICK)
    copy = masked(fitted, Level.CONFIDENTIAL)
    assert copy.values == {} and set(copy.columns) == {"ssn"}
    assert masked(fitted, Level.SECRET).done == ()


def test_rows_stay_and_it_is_said_why():
    fitted = KNeighborsClassifier().fit(NUMBERS, DOCTORS)
    copy = masked(fitted)
    assert {one.where for one in copy.left} == {"kneighborsclassifier._fit_X", "kneighborsclassifier._tree"}
    assert all("rows" in one.stays and one.label.level == Level.CONFIDENTIAL for one in copy.left)


def test_columns_that_later_steps_choose_by_name_keep_their_names():
    first = ColumnTransformer([("who", OneHotEncoder(sparse_output=False), ["patient"])], remainder="passthrough")
    second = ColumnTransformer([("some", "passthrough", ["who__patient_Ann Lee", "remainder__dose"])])
    fitted = Pipeline([("a", first.set_output(transform="pandas")), ("b", second), ("c", LogisticRegression())])
    fitted.fit(FRAME, SICK)
    copy = masked(fitted)
    assert copy.columns == {} and [one for one in copy.left if "names" in one.holds]


def test_names_made_by_a_step_before_are_left_out():
    first = ColumnTransformer([("who", OneHotEncoder(sparse_output=False), ["patient"])], remainder="passthrough")
    fitted = Pipeline([("a", first.set_output(transform="pandas")), ("c", RandomForestClassifier(3))]).fit(FRAME, SICK)
    copy = masked(fitted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn remarks that names are compared no longer
        predicted = copy.model.predict_proba(copy.inputs(FRAME))
    np.testing.assert_array_equal(predicted, fitted.predict_proba(FRAME))
    assert copy.left == ()


def test_a_place_to_keep_results_is_removed(tmp_path):
    fitted = Pipeline([("model", LogisticRegression())], memory="/home/ann/cache")
    fitted.steps[0][1].fit(NUMBERS[["dose"]], SICK)
    copy = masked(fitted)
    assert copy.model.memory is None and fitted.memory == "/home/ann/cache"
    assert ("pipeline.memory", "removed") in copy.done and copy.left == ()


def test_nothing_that_was_masked_is_shown():
    copy = masked(encoding(OneHotEncoder()).fit(FRAME, SICK))
    shown = repr(copy)
    assert not [name for name in NAMES if name in shown]


LABELS = st.lists(st.text("abcdefghijkläöüß XYZ'-0123", min_size=1, max_size=9), min_size=2, max_size=6, unique=True)


@given(labels=LABELS, seed=st.integers(0, 9), model=st.sampled_from([0, 3, 7, 12, 15, 19, 21, 24, 26]))
@settings(max_examples=60, deadline=None)
def test_predictions_are_equal_whatever_the_labels_are(labels, seed, model):
    """Classes and categories together, replaced in the copy whatever they look like."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(60, 2))
    classes = np.array(labels, dtype=object)[np.arange(60) % len(labels)]
    fitted = _fit(CLASSIFIERS[model], x, classes)
    known = dict(zip(labels, (f"p{number:02}" for number in random.permutation(len(labels))), strict=True))
    copy, _, used = estimator_copies.copied(fitted, {}, {"": known}, frozenset())
    assert used == {"": known}
    assert [known[one] for one in fitted.predict(x)] == list(copy.predict(x))


# -- boosters ----------------------------------------------------------------------------------------------------------

CATEGORIES = FRAME.assign(patient=FRAME["patient"].astype("category"))


@pytest.mark.parametrize("params", [{}, {"booster": "dart"}, {"objective": "multi:softprob", "num_class": 2}], ids=str)
def test_xgboost_predicts_the_same_to_the_last_bit(params):
    booster = xgboost.train(params, xgboost.DMatrix(CATEGORIES, SICK, enable_categorical=True), 9)
    booster.set_attr(source="/home/ann/trial.csv", round="9")
    copy = masked(booster)
    inputs = copy.inputs(CATEGORIES)
    before = booster.predict(xgboost.DMatrix(CATEGORIES, enable_categorical=True))
    np.testing.assert_array_equal(copy.model.predict(xgboost.DMatrix(inputs, enable_categorical=True)), before)
    shuffled = inputs.assign(patient=inputs["patient"].cat.reorder_categories(sorted(inputs["patient"].cat.categories)))
    np.testing.assert_array_equal(copy.model.predict(xgboost.DMatrix(shuffled, enable_categorical=True)), before)
    assert copy.model.attributes() == {"round": "9"} and copy.left == ()
    assert not any(name.encode() in bytes(copy.model.save_raw("ubj")) for name in NAMES)


@pytest.mark.parametrize("params", [{}, {"objective": "binary"}, {"linear_tree": True}], ids=str)
def test_lightgbm_predicts_the_same_to_the_last_bit(params):
    params = {"verbosity": -1, "min_data_in_leaf": 3, "num_threads": 1, **params}
    told = lightgbm.train(params, lightgbm.Dataset(CATEGORIES, SICK), 9).model_to_string()
    booster = lightgbm.Booster(model_str=told.replace("[data: ]", "[data: /home/ann/trial.csv]"))
    copy = masked(booster)
    np.testing.assert_array_equal(copy.model.predict(copy.inputs(CATEGORIES)), booster.predict(CATEGORIES))
    text = copy.model.model_to_string()
    assert "trial.csv" not in text and "ssn" not in text and not [name for name in NAMES if name in text]
    assert copy.left == ()


# -- graphs ------------------------------------------------------------------------------------------------------------


def graph_model():
    code = helper.make_node("LabelEncoder", ["patient"], ["code"], domain="ai.onnx.ml", keys_strings=NAMES,
                            values_int64s=list(range(8)), name="code of patients")  # fmt: skip
    word = helper.make_node("LabelEncoder", ["code"], ["y"], domain="ai.onnx.ml", keys_int64s=list(range(8)),
                            values_strings=NAMES[::-1], doc_string="by ann.lee@example.org")  # fmt: skip
    text = TensorProto.STRING
    graph = helper.make_graph([code, word], "graph", [helper.make_tensor_value_info("patient", text, [None])],
                              [helper.make_tensor_value_info("y", text, [None])])  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("ai.onnx.ml", 3), helper.make_opsetid("", 18)])
    made.ir_version = 9
    onnx.helper.set_model_props(made, {"source": "/home/ann/trial.csv"})
    return made


def test_onnx_gives_the_same_once_inputs_are_renamed():
    model = graph_model()
    copy = masked(model)
    onnx.checker.check_model(copy.model)
    known = copy.values[""]
    (after,) = ReferenceEvaluator(copy.model).run(None, {"patient": np.array([known[name] for name in NAMES])})
    (before,) = ReferenceEvaluator(model).run(None, {"patient": np.array(NAMES)})
    assert copy.outputs(after) == list(before)
    data = copy.model.SerializeToString()
    assert b"trial.csv" not in data and b"example.org" not in data and NAMES[0].encode() not in data
    assert copy.left == () and model == graph_model()


def test_names_of_inputs_are_replaced_wherever_they_stand():
    yes = helper.make_node("Identity", ["ssn"], ["z"])
    graph = helper.make_graph(
        [helper.make_node("If", ["flag"], ["y"],
                          then_branch=helper.make_graph([yes], "a", [], [helper.make_tensor_value_info("z", 1, [1])]),
                          else_branch=helper.make_graph([yes], "b", [], [helper.make_tensor_value_info("z", 1, [1])]))],
        "graph", [helper.make_tensor_value_info("flag", TensorProto.BOOL, []),
                  helper.make_tensor_value_info("ssn", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])])  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    copy = masked(model)
    assert copy.columns == {"ssn": "feature_1"} and b"ssn" not in copy.model.SerializeToString()
    inputs = {"flag": np.array(True), "feature_1": np.array([2.5], np.float32)}
    assert ReferenceEvaluator(copy.model).run(None, inputs) == [np.float32(2.5)]


def test_tensors_keep_their_names_and_it_is_said():
    copy = masked({"patient_ssn": np.zeros(3)})
    assert copy.done == () and [one.stays for one in copy.left] == ["they are how the tensors are found"]


def test_what_is_no_model_is_refused():
    with pytest.raises(CannotHold):
        masked(FRAME)


def test_classes_stand_in_their_weights_too_and_are_replaced_there() -> None:
    weights = {name: 1.0 + number for number, name in enumerate(sorted(set(DOCTORS)))}
    model = LogisticRegression(class_weight=weights).fit(NUMBERS, DOCTORS)
    made = mask(model, Level.INTERNAL, CLASSIFIER, lambda _: KEY)
    assert list(made.model.class_weight.values()) == list(weights.values()) and set(made.values) == {""}
    assert not made.left and not [name for name in NAMES if name.encode() in pickle.dumps(made.model)]
    assert made.outputs(made.model.predict(made.inputs(NUMBERS))) == list(model.predict(NUMBERS))
    assert model.class_weight is weights  # the model itself is as it was
    balanced = mask(
        LogisticRegression(class_weight="balanced").fit(NUMBERS, SICK), Level.INTERNAL, CLASSIFIER, lambda _: KEY
    )
    assert balanced.model.class_weight == "balanced"


def test_what_a_vectorizer_of_dicts_calls_things_is_looked_at_without_what_comes_before() -> None:
    named = {one.where: one for one in find(DictVectorizer().fit([{"patient": name} for name in NAMES]), CLASSIFIER)}
    assert named["dictvectorizer.vocabulary_"].label.tag == "person_name" and named["dictvectorizer.vocabulary_"].stays
    other = find(DictVectorizer().fit([{"size": size} for size in ("small", "medium", "large")]), CLASSIFIER)
    assert all(one.label.level == Level.INTERNAL for one in other)

"""What fitted models carry is found where it is, with what it says of people, and without showing any of it."""

import json
import struct

import lightgbm
import numpy as np
import onnx
import pandas as pd
import pytest
import xgboost
from onnx import TensorProto, helper
from scipy.sparse import csr_array
from sklearn.cluster import DBSCAN, AffinityPropagation
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, KernelPCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KernelDensity, KNeighborsClassifier, LocalOutlierFactor, NearestNeighbors
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    LabelBinarizer,
    OneHotEncoder,
    OrdinalEncoder,
    QuantileTransformer,
    StandardScaler,
    TargetEncoder,
)
from sklearn.svm import SVC

from jupyter_securecollab.carried.find import Carried, find, is_model
from jupyter_securecollab.errors import CannotHold, Invalid
from jupyter_securecollab.frames.classify import Classifier
from jupyter_securecollab.model import Level

RANDOM = np.random.default_rng(0)
NAMES = ["Ann Lee", "Bob Ray", "Maria Gomez", "John Smith", "Peter Miller", "Susan Clark", "Emma Jones", "Paul Weber"]
ROWS = 64
PATIENTS = pd.DataFrame(
    {
        "patient": NAMES * (ROWS // len(NAMES)),
        "email": [f"person{number}@example.org" for number in range(ROWS)],
        "ssn": [f"{number + 100}-{number % 89 + 10}-{number * 7 + 1000}" for number in range(ROWS)],
        "age": RANDOM.integers(20, 80, ROWS),
        "dose": RANDOM.normal(size=ROWS),
    }
)
NUMBERS = PATIENTS[["age", "dose"]]
SICK = (PATIENTS["dose"] > 0).astype(int)
SECRETS = [*NAMES, *PATIENTS["email"], *PATIENTS["ssn"]]


@pytest.fixture(scope="module")
def classifier():
    return Classifier()


def carried(model, classifier) -> dict[str, Carried]:
    return {one.where.partition(".")[2]: one for one in find(model, classifier)}


def pipeline():
    columns = ColumnTransformer(
        [("who", OneHotEncoder(handle_unknown="ignore"), ["patient", "email"]), ("mean", TargetEncoder(), ["patient"])],
        remainder="drop",
    )
    steps = [("encoder", columns), ("model", RandomForestClassifier(10, random_state=0))]
    return Pipeline(steps).fit(PATIENTS, SICK)


def test_categories_of_a_pipeline_are_found_where_they_are(classifier):
    found = carried(pipeline(), classifier)
    names = found["steps[0].encoder.transformers_[0].who.categories_[0]"]
    assert str(names) == (
        "pipeline.steps[0].encoder.transformers_[0].who.categories_[0]: 8 texts, person_name, confidential"
    )
    assert found["steps[0].encoder.transformers_[0].who.categories_[1]"].label.tag == "email"
    assert found["steps[0].encoder.transformers_[1].mean.categories_[0]"].label.tag == "person_name"
    assert not names.stays and names.label.confidence > 0.8


def test_nothing_that_is_found_is_shown(classifier):
    for model in (pipeline(), KNeighborsClassifier().fit(NUMBERS, PATIENTS["patient"])):
        shown = "".join(f"{one}{one!r}{one.label}{one.holds}{one.stays}" for one in find(model, classifier))
        assert not [secret for secret in SECRETS if secret in shown]


def fitted(model, x=NUMBERS, y=None):
    return model.fit(x, PATIENTS["patient"] if y is None else y)


ROWS_KEPT = {
    "neighbours": (lambda: fitted(KNeighborsClassifier()), "_fit_X"),
    "neighbours alone": (lambda: fitted(NearestNeighbors()), "_fit_X"),
    "a compiled tree of neighbours": (lambda: fitted(NearestNeighbors()), "_tree"),
    "support vectors": (lambda: fitted(SVC()), "support_vectors_"),
    "a Gaussian process": (
        lambda: fitted(GaussianProcessClassifier(), y=SICK),
        "base_estimator_.X_train_",
    ),
    "exemplars": (lambda: fitted(AffinityPropagation(random_state=0)), "cluster_centers_"),
    "core samples": (lambda: fitted(DBSCAN(eps=9)), "components_"),
    "a density": (lambda: fitted(KernelDensity()), "tree_"),
    "a kernel": (lambda: fitted(KernelPCA()), "X_fit_"),
    "an imputer": (lambda: fitted(KNNImputer()), "_fit_X"),
    "rows of few values": (lambda: KNeighborsClassifier().fit(csr_array(NUMBERS.to_numpy()), SICK), "_fit_X"),
    "outliers": (lambda: fitted(LocalOutlierFactor(novelty=True)), "_fit_X"),
}


@pytest.mark.parametrize("name", ROWS_KEPT)
def test_rows_of_the_training_are_found_and_stay(classifier, name):
    make, where = ROWS_KEPT[name]
    found = carried(make(), classifier)[where]
    assert "rows of the training data" in found.holds and found.label.level >= Level.CONFIDENTIAL
    assert found.stays


def test_rows_say_what_their_columns_say(classifier):
    numbers = pd.DataFrame({"ssn": RANDOM.integers(10**8, 10**9, ROWS), "dose": PATIENTS["dose"]})
    found = carried(fitted(KNeighborsClassifier(), numbers), classifier)["_fit_X"]
    assert found.label.tag == "us_ssn" and found.label.level == Level.SECRET
    assert "'ssn'" in found.label.evidence


@pytest.mark.parametrize("model", [PCA(), StandardScaler(), LogisticRegression()], ids=lambda one: type(one).__name__)
def test_what_looks_like_rows_and_is_none_is_not_taken_for_them(classifier, model):
    found = find(model.fit(NUMBERS, SICK), classifier)
    assert [one for one in found if "rows" in one.holds] == []


def test_single_values_are_found(classifier):
    assert "quantiles_" in carried(fitted(QuantileTransformer(n_quantiles=9)), classifier)
    rising = IsotonicRegression().fit(PATIENTS["age"], PATIENTS["dose"])
    assert carried(rising, classifier)["X_thresholds_"].label.level == Level.INTERNAL
    filled = carried(SimpleImputer(strategy="most_frequent").fit(PATIENTS[["email"]]), classifier)["statistics_"]
    assert filled.label.tag == "email"


def test_groups_of_few_rows_are_counted(classifier):
    forest = RandomForestClassifier(9, random_state=0).fit(NUMBERS, SICK)
    assert "fewer than 5 rows" in carried(forest, classifier)["estimators_[*].tree_"].holds
    pruned = RandomForestClassifier(9, random_state=0, min_samples_leaf=6).fit(NUMBERS, SICK)
    assert "estimators_[*].tree_" not in carried(pruned, classifier)
    boosted = HistGradientBoostingClassifier(max_iter=9, min_samples_leaf=2).fit(NUMBERS, SICK)
    assert any("fewer than 5 rows" in one.holds for one in find(boosted, classifier))
    rare = GaussianNB().fit(NUMBERS, ["a"] * 62 + ["b"] * 2)
    assert carried(rare, classifier)["class_count_"].holds == "1 of 2 numbers are of fewer than 5 rows"


def test_classes_and_vocabularies_are_found(classifier):
    assert carried(LabelBinarizer().fit(PATIENTS["patient"]), classifier)["classes_"].label.tag == "person_name"
    words = carried(CountVectorizer(token_pattern=r"\S+").fit(PATIENTS["email"]), classifier)["vocabulary_"]
    assert words.label.tag == "email" and words.stays
    rare = TfidfVectorizer(token_pattern=r"\S+").fit(["fever, none@example.org", *(f"word{i}" for i in range(500))])
    assert carried(rare, classifier)["vocabulary_"].label.tag == "email"


def test_numbers_as_categories_are_looked_at_and_stay(classifier):
    coder = OrdinalEncoder().fit(pd.DataFrame({"ssn": RANDOM.integers(10**8, 10**9, 30)}))
    found = carried(coder, classifier)["categories_[0]"]
    assert found.label.tag == "us_ssn" and "order" in found.stays


def test_values_in_names_of_features_are_found(classifier):
    dummies = pd.get_dummies(PATIENTS[["patient"]])
    found = carried(LogisticRegression().fit(dummies, SICK), classifier)["feature_names_in_"]
    assert found.label.tag == "person_name" and found.label.level == Level.CONFIDENTIAL
    assert "feature_names_in_" not in carried(LogisticRegression().fit(NUMBERS[["dose"]], SICK), classifier)


class Own:
    """Something of the user's own inside an estimator."""

    def __init__(self):
        self.table = PATIENTS
        self.column = PATIENTS["email"]
        self.where = "/home/alice/secret/patients.csv"


def test_objects_of_ones_own_are_walked_and_code_is_said_to_be_unread(classifier):
    model = FunctionTransformer(func=lambda x: x, kw_args={"extra": Own()})
    found = carried(model, classifier)
    assert "not looked into" in found["func"].holds
    table = next(one for where, one in found.items() if where.endswith(".table"))
    assert table.label.tag == "us_ssn" and "64 rows" in table.holds
    column = next(one for where, one in found.items() if where.endswith(".column"))
    assert column.label.tag == "email"
    place = next(one for where, one in found.items() if where.endswith(".where"))
    assert place.label.tag == "username" and "alice" not in f"{place}{place.label}"


def test_objects_that_hold_each_other_are_looked_at_once(classifier):
    one = Own()
    one.other = {"again": [one, one]}
    assert len(find(FunctionTransformer(kw_args={"one": one}), classifier)) > 1


def categorical():
    return PATIENTS.assign(patient=PATIENTS["patient"].astype("category")).drop(columns=["ssn", "email"])


def test_xgboost_is_looked_into(classifier):
    booster = xgboost.train({}, xgboost.DMatrix(categorical(), PATIENTS["dose"], enable_categorical=True), 3)
    booster.set_attr(source="/Users/ann/trial.csv", note="fine")
    found = carried(booster, classifier)
    assert found["categories[0]"].label.tag == "person_name"
    assert found["attributes[source]"].label.tag == "username" and "attributes[note]" not in found
    assert "fewer than 5 rows" in found["trees[*].leaves"].holds
    wrapped = xgboost.XGBRegressor(n_estimators=2, enable_categorical=True).fit(categorical(), PATIENTS["dose"])
    assert carried(wrapped, classifier)["_Booster.categories[0]"].label.tag == "person_name"


def test_lightgbm_is_looked_into(classifier):
    params = {"verbosity": -1, "min_data_in_leaf": 2, "num_threads": 1}
    booster = lightgbm.train(params, lightgbm.Dataset(categorical(), PATIENTS["dose"]), 3)
    found = carried(booster, classifier)
    assert found["pandas_categorical[0]"].label.tag == "person_name"
    assert found["feature_infos"].stays and "fewer than 5 rows" in found["trees[*].leaves"].holds


def onnx_model(**more):
    names = helper.make_node("LabelEncoder", ["patient"], ["y"], domain="ai.onnx.ml", keys_strings=NAMES,
                             values_int64s=list(range(len(NAMES))), name="encode")  # fmt: skip
    machine = helper.make_node(
        "SVMRegressor", ["x"], ["z"], domain="ai.onnx.ml", coefficients=[1.0] * 3, kernel_type="LINEAR",
        kernel_params=[0.1, 0.0, 1.0], n_supports=3, rho=[0.0], support_vectors=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
    )  # fmt: skip
    graph = helper.make_graph(
        [names, machine], "graph",
        [helper.make_tensor_value_info("patient", TensorProto.STRING, [None]),
         helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor_value_info("y", TensorProto.INT64, [None])],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("ai.onnx.ml", 3), helper.make_opsetid("", 18)])
    onnx.helper.set_model_props(made, {"source": "C:\\Users\\ann\\trial.csv", **more})
    made.doc_string = "Questions to ann.lee@example.org"
    return made


def test_onnx_is_looked_into(classifier):
    found = carried(onnx_model(), classifier)
    assert found["graph.node.LabelEncoder.keys_strings"].label.tag == "person_name"
    assert found["metadata_props"].label.tag == "username"
    assert found["doc_string"].label.level == Level.CONFIDENTIAL
    vectors = found["graph.node.SVMRegressor.support_vectors"]
    assert vectors.holds == "3 rows of the training data" and vectors.stays


def test_tensors_are_looked_at_by_name(classifier):
    found = carried({"embedding.patient_ssn": np.zeros(3), "layer": np.ones(2)}, classifier)
    assert [one.label.tag for one in found.values()] == ["us_ssn"]
    assert find({"layer.0.weight": np.zeros(3)}, classifier) == []


def safetensors_file(folder, header):
    path = folder / "model.safetensors"
    told = json.dumps(header).encode() if isinstance(header, dict) else header
    path.write_bytes(struct.pack("<Q", len(told)) + told)
    return path


def test_a_file_of_safetensors_is_looked_at_by_its_header(classifier, tmp_path):
    entry = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    path = safetensors_file(tmp_path, {"__metadata__": {"trained_by": "/home/ann/run"}, "weight": entry})
    found = carried(path, classifier)
    assert [one.label.tag for one in find(path, classifier)] == ["username"] and found
    for header in (b"{", b"[1]", b"[" * 100_000, b"\xff"):
        with pytest.raises(Invalid, match="safetensors"):
            find(safetensors_file(tmp_path, header), classifier)


def test_what_is_no_model_is_refused(classifier):
    for other in (1, "model", [1, 2], {}, {"a": 1}, PATIENTS, print):
        assert not is_model(other)
        with pytest.raises(CannotHold, match="not a model"):
            find(other, classifier)


def test_unfitted_models_carry_nothing(classifier):
    for model in (LogisticRegression(), KNeighborsClassifier(), Pipeline([("a", StandardScaler())])):
        assert find(model, classifier) == []

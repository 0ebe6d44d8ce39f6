"""Models in a kernel: what they carry is shown, masked copies say what is left, sharing warns and unwraps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from notebook_kernels import Kernel
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import jupyter_securecollab as collab
from jupyter_securecollab.errors import CannotHold, Invalid

Kernels = Callable[[str | None], Kernel]

NAMES = ["Maria Gomez", "Bob Ray", "Susan Clark", "John Smith", "Peter Miller", "Ann Lee", "Emma Jones", "Paul Weber"]
FRAME = pd.DataFrame({"patient": NAMES * 5})
SICK = np.arange(40) % 3 == 0
MODEL = make_pipeline(OneHotEncoder(), LogisticRegression()).fit(FRAME, SICK)


def test_what_a_model_carries_is_shown_without_a_vault() -> None:
    found = collab.classify(MODEL)
    table = found.to_frame()
    assert list(table.columns) == ["attribute", "holds", "level", "tag", "confidence", "evidence", "stays"]
    first = table.iloc[0]
    assert first["attribute"] == "pipeline.steps[0].onehotencoder.categories_[0]"
    assert (first["holds"], first["tag"], first["level"], first["stays"]) == (
        "8 texts", "person_name", "confidential", "",
    )  # fmt: skip
    assert found.labels[first["attribute"]].tag == "person_name"
    shown = repr(found) + found._repr_html_()
    assert "may be sensitive" in shown and "can be masked" in shown and not [name for name in NAMES if name in shown]


def test_a_model_has_one_level_and_no_columns_to_set() -> None:
    for how in ({"accept": True}, {"set": {"a": "public"}}):
        with pytest.raises(Invalid, match="one level"):
            collab.classify(MODEL, **how)
    for how in ({"mask": {"a": "null"}}, {"k": 5}, {"explain": True}):
        with pytest.raises(Invalid, match="only up to a level"):
            collab.mask(MODEL, up_to="internal", **how)
    with pytest.raises(CannotHold, match="not a frame"):
        collab.classify(object())


def test_a_masked_copy_says_what_was_done_and_what_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    copy = collab.mask(MODEL, up_to="internal")
    shown = capsys.readouterr().out + repr(copy)
    assert "pseudonyms" in shown and "still there" not in shown and not [name for name in NAMES if name in shown]
    np.testing.assert_array_equal(copy.model.predict_proba(copy.inputs(FRAME)), MODEL.predict_proba(FRAME))
    assert dict(zip(copy.table["value"], copy.table["known_as"], strict=True)) == copy.values["patient"]
    neighbours = KNeighborsClassifier().fit(np.arange(40).reshape(20, 2), SICK[:20])
    collab.mask(neighbours, up_to="internal")
    assert "predictions are made from these rows" in capsys.readouterr().out


def test_a_preview_makes_nothing() -> None:
    shown = repr(collab.mask(MODEL, up_to="internal", preview=True))
    assert "nothing was made" in shown and "pseudonyms" in shown


MAKE = f"""
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
frame = pd.DataFrame({{"patient": {NAMES} * 5}})
model = make_pipeline(OneHotEncoder(), LogisticRegression()).fit(frame, [n % 3 == 0 for n in range(40)])
"""


def test_magics_classify_mask_and_share_models(new_kernel: Kernels, kernel: Kernels) -> None:
    alice = new_kernel("alice")
    alice.ok(MAKE)
    assert "person_name" in alice.ok("%classify model").text
    warned = alice.ok("%share model --as models/clear --level internal --preview").text
    assert "careful" in warned and "categories_[0]: 8 texts, person_name, confidential" in warned
    made = alice.ok("copy = %mask model --up-to internal")
    assert "model is unchanged" in made.text and "pseudonyms" in made.text
    shared = alice.ok("%share copy --as models/masked --with bob --level internal").text
    assert "careful" not in shared
    bob = kernel("bob")
    bob.ok("opened = %open models/masked")
    known = bob.ok("print(opened.steps[0][1].categories_[0].tolist())").text
    assert not [name for name in NAMES if name in known]


FLU = """
from sklearn.neighbors import NearestCentroid
import numpy as np
x = np.arange(16.0).reshape(8, 2)
who = {0} * 2
model = NearestCentroid().fit(x[[0, 3, 5, 7]], who[:4])
"""


def test_what_a_masked_model_calls_things_is_kept_for_those_who_may_see_it(
    new_kernel: Kernels, kernel: Kernels
) -> None:
    alice = new_kernel("alice")
    alice.ok(FLU.format(NAMES[:4]) + "copy = %mask model --up-to internal")
    assert "models/back.labels" not in alice.ok("%share copy --as models/back --level internal --preview").text
    shared = alice.ok("%share copy --as models/back --with bob erin --level internal").text
    assert "models/back.labels, version 1, for those who read up to confidential" in shared
    for person in ("bob", "erin"):
        denied = kernel(person).run("labels = %open models/back.labels")
        assert denied.error == "Denied" and not [name for name in NAMES if name in denied.text]
    alice.ok("%share models/back.labels --with bob erin --up-to confidential")
    assert kernel("bob").run("labels = %open models/back.labels").error == "Denied"  # not cleared for it
    erin = kernel("erin")
    erin.ok("labels = %open models/back.labels\nlate = %open models/back")
    erin.ok("import numpy as np\nx = np.arange(16.0).reshape(8, 2)")
    erin.ok('classes = labels[labels["of"] == "what it predicts"].set_index("known_as")["value"]')
    told = erin.ok("print(classes.loc[late.predict(x)].tolist())").printed
    assert told == alice.ok("print(model.predict(x).tolist())").printed and "Maria Gomez" in told
    again = alice.ok("%share copy --as models/back --with bob erin --level internal").text
    assert "models/back.labels, version 1" in again


def test_a_share_up_to_the_level_of_what_was_renamed_opens_that_too(new_kernel: Kernels, kernel: Kernels) -> None:
    alice = new_kernel("alice")
    alice.ok(MAKE + "copy = %mask model --up-to internal")
    alice.ok("%share copy --as models/both --with erin --up-to confidential --level internal")
    erin = kernel("erin")
    assert "(8, ['of', 'value', 'known_as'])" in erin.ok("t = %open models/both.labels\nlen(t), list(t)").text
    alice.ok("twice = copy.model\nplain = %mask twice --up-to confidential")  # nothing to rename, nothing to keep
    assert "labels" not in alice.ok("%share plain --as models/plain --level internal").text


def test_boosters_are_shared_and_opened(new_kernel: Kernels, kernel: Kernels) -> None:
    alice = new_kernel("alice")
    alice.ok("import lightgbm, numpy as np\nx = np.arange(200.0).reshape(100, 2)")
    alice.ok("booster = lightgbm.train({'verbosity': -1}, lightgbm.Dataset(x, x[:, 0]), 3)")
    alice.ok("%share booster --as models/booster --with bob --level internal")
    alice.ok("print('first', booster.predict(x)[7])")
    bob = kernel("bob")
    bob.ok("opened = %open models/booster\nimport numpy as np")
    given = bob.ok("print('first', opened.predict(np.arange(200.0).reshape(100, 2))[7])").printed
    assert given == alice.ok("print('first', booster.predict(x)[7])").printed

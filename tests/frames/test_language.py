"""What sentences contain as recognizers of text say it: of other packages, of ours around spaCy and presidio."""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

from jupyter_securecollab.errors import CannotHold, Invalid
from jupyter_securecollab.frames import asking
from jupyter_securecollab.frames.classify import Classifier, Finding
from jupyter_securecollab.frames.mask import mask_column
from jupyter_securecollab.frames.scrub import GROUP, text_recognizer, text_recognizers
from jupyter_securecollab.model import Level

SENTENCES = [f"on day {n} we spoke for a while with Zork Blim about the state of things" for n in range(200)]
THEIRS = """
import re
read = []
def names(texts):
    read.extend(texts)
    return [[(*one.span(), "person_name") for one in re.finditer("Zork Blim", text)] for text in texts]
def nothing(texts):
    return [[] for _ in texts]
def broken(texts):
    raise ValueError(texts[0])
class Unfit:
    def missing(self):
        return "a dictionary is not installed"
unfit = Unfit()
"""


def install(folder: Path, package: str, entry_points: str) -> None:
    """As an installed package says what it brings."""
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages: one that knows names, and what this project registers itself."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "theirs.py").write_text(THEIRS)
    install(tmp_path, "theirs", f"[{GROUP}]\nnames = theirs:names\nnothing = theirs:nothing\nunfit = theirs:unfit\n")
    text_recognizer.cache_clear()
    yield tmp_path
    text_recognizer.cache_clear()
    sys.modules.pop("theirs", None)


@pytest.fixture
def ours(site: Path) -> None:
    """The entry points of pyproject.toml, installed whatever else is."""
    project = tomllib.loads(Path(__file__).parents[2].joinpath("pyproject.toml").read_text())
    points = project["project"]["entry-points"][GROUP]
    install(site, "ours", f"[{GROUP}]\n" + "".join(f"{name} = {where}\n" for name, where in points.items()))


def found(texts: list[str], *names: str) -> Finding:
    classifier = Classifier(texts=lambda: text_recognizers(names))
    return classifier.find(pd.DataFrame({"notes": texts, "n": range(len(texts))}))["notes"]


@pytest.mark.usefixtures("site")
def test_sentences_are_as_high_as_what_a_recognizer_of_text_finds_in_them() -> None:
    before, after = found(SENTENCES), found(SENTENCES, "nothing", "names")
    assert (before.tag, before.level, before.contains) == ("free_text", Level.INTERNAL, ())
    assert (after.tag, after.level, after.contains) == ("free_text", Level.CONFIDENTIAL, ("person_name",))
    assert "names finds person_name (64 texts read)" in after.evidence() and "nothing" not in after.evidence()
    assert "Zork" not in repr(after) and found(SENTENCES, "nothing") == before


@pytest.mark.usefixtures("site")
def test_few_texts_are_read_and_the_same_ones_every_time() -> None:
    found([f"{text}, {'and so on ' * 500}" for text in SENTENCES], "names")
    read = sys.modules["theirs"].read
    assert len(read) == asking.TEXTS and max(map(len, read)) == 1_000
    found([f"{text}, {'and so on ' * 500}" for text in SENTENCES], "names")
    assert read[asking.TEXTS :] == read[: asking.TEXTS]


@pytest.mark.usefixtures("site")
def test_reading_ends_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "SECONDS", 1e-9)
    frame = pd.DataFrame({"notes": SENTENCES, "remarks": SENTENCES})
    told = Classifier(texts=lambda: text_recognizers(["names"])).find(frame)
    assert "(8 texts read)" in told["notes"].evidence() and told["remarks"].contains == ()
    assert len(sys.modules["theirs"].read) == 8


@pytest.mark.usefixtures("site")
def test_only_sentences_are_read() -> None:
    frame = pd.DataFrame({"contact": [f"person{n}@example.org" for n in range(40)], "who": ["Zork Blim", "Bo"] * 20})
    assert Classifier(texts=lambda: text_recognizers(["names"])).find(frame)["contact"].tag == "email"
    assert "theirs" not in sys.modules  # not even loaded


def test_a_recognizer_that_fails_stops_classification_without_showing_a_text(site: Path) -> None:
    install(site, "more", f"[{GROUP}]\nbroken = theirs:broken\n")
    with pytest.raises(CannotHold, match="failed: ValueError") as caught:
        found(SENTENCES, "names", "broken")
    assert "Zork" not in str(caught.value)
    assert found(["", "", ""], "broken").contains == ()  # nothing to read


@pytest.mark.usefixtures("ours")
@pytest.mark.parametrize("name", ["spacy", "presidio"])
def test_ours_say_what_they_lack_and_are_not_asked_then(name: str) -> None:
    lacks = "no model of spaCy is installed"
    if find_spec("spacy") is None or (name == "presidio" and find_spec("presidio_analyzer") is None):
        lacks = "is not installed"
    for choose in (lambda: text_recognizer(name), lambda: mask_column(pd.Series(["x y"]), f"scrub::{name}", None)):
        with pytest.raises(Invalid, match=lacks):
            choose()
    assert list(text_recognizers()) == ["names", "nothing"]
    with pytest.raises(Invalid, match="a dictionary is not installed"):
        text_recognizers(["names", "unfit"])


MODEL = """
import spacy
pipeline = spacy.blank("en")
ruler = pipeline.add_pipe("entity_ruler")
ruler.add_patterns([{"label": "PERSON", "pattern": "Zork Blim"}, {"label": "GPE", "pattern": "Blimburg"},
                    {"label": "ORG", "pattern": "Blim Ltd"}])
def load(**options):
    return pipeline
"""


@pytest.mark.parametrize("name", ["spacy", "presidio"])
def test_ours_read_with_an_installed_model(site: Path, ours: None, name: str) -> None:
    pytest.importorskip("spacy", reason="spaCy is not installed")
    if name == "presidio":
        pytest.importorskip("presidio_analyzer", reason="presidio-analyzer is not installed")
    (site / "en_small_names.py").write_text(MODEL)
    install(site, "en_small_names", "[spacy_models]\nen_small_names = en_small_names\n")
    importlib.invalidate_caches()
    text = "Zork Blim of Blim Ltd went to Blimburg, SSN 219-09-9999"
    made = mask_column(pd.Series([text, None]), f"scrub::{name}", "free_text").tolist()
    assert made[0] == "[person_name] of Blim Ltd went to [city], SSN [us_ssn]" and pd.isna(made[1])
    told = found(SENTENCES, name)
    assert told.contains == ("person_name",) and f"{name} finds person_name" in told.evidence()
    assert name in text_recognizers()

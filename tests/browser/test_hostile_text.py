"""Text that others wrote is text: in the sidebar and in what the notebook shows nothing of it ever runs."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

HOSTILE = "</style><img src=x onerror=window.ran=true><script>window.ran=true</script>"
FRAME = f"import pandas as pd\nframe = pd.DataFrame({{{HOSTILE!r}: [{HOSTILE!r}]}})"
# A client of her own making: ours has no way to give a title.
TITLED = f"""
from jupyter_securecollab.client import Client
begin = Client.begin
Client.begin = lambda self, *args, **options: begin(self, *args, **options, title={HOSTILE!r})
"""
SHARE = f'%share frame --as oncology/hostile --with bob --up-to secret --because "{HOSTILE}" --yes'


@pytest.fixture(scope="module")
def hostile(lab):
    lab.runs("alice", FRAME, TITLED, SHARE)


def ran(screen):
    """Whether any of it ran; gives images that do not load the time to say so."""
    screen.page.wait_for_function("[...document.images].every(image => image.complete)")
    return screen.page.evaluate("'ran' in window")


def test_in_the_sidebar(hostile, sit_down):
    bob = sit_down("bob")
    bob.show_panel()
    expect(bob.row("oncology/hostile")).to_have_attribute("title", HOSTILE)
    assert not ran(bob)


def test_in_what_the_reader_is_shown(hostile, lab, sit_down):
    path = lab.notebook("reads.ipynb", "frame = %open oncology/hostile", "frame", "%shares", "%open <b>oncology/x</b>")
    bob = sit_down("bob", path)
    for cell in (0, 1):
        expect(bob.run(cell)).to_contain_text(HOSTILE)
    for cell in (2, 3):
        bob.run(cell)
    expect(bob.page.locator(".jp-OutputArea-output b, .jp-OutputArea-output img")).to_have_count(0)
    assert not ran(bob)


def test_in_what_the_owner_is_shown(hostile, lab, sit_down):
    shows = (FRAME, "%classify frame", SHARE + " --preview", "%access oncology/hostile", "%audit oncology/hostile")
    alice = sit_down("alice", lab.notebook("writes.ipynb", *shows))
    said = [alice.run(cell).inner_text() for cell in range(len(shows))]
    assert HOSTILE in said[1]
    assert HOSTILE in said[2]
    assert not ran(alice)


def test_the_same_text_runs_where_somebody_makes_markup_of_it(lab, sit_down):
    """So the tests above would notice."""
    source = f"from IPython.display import HTML\nHTML({json.dumps(HOSTILE)})"
    bob = sit_down("bob", lab.notebook("markup.ipynb", source))
    bob.run(0)
    bob.page.wait_for_function("'ran' in window")

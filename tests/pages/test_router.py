"""The frame: seven pages, each at its address, and links that open an exact view."""

import pytest

from pages._parts.places import PLACES
from tests.pages.apps import ROOT, open_page

pytestmark = pytest.mark.usefixtures("home")


def test_every_page_of_the_map_has_a_file_and_every_file_is_on_the_map():
    files = {path.stem for path in (ROOT / "pages").glob("*.py") if not path.stem.startswith("_")}
    assert files == set(PLACES) == {
        "overview", "compare", "explain", "kernels", "timeline", "memory", "run", "choose", "sweeps", "claims", "models", "setup", "library"
    }  # fmt: skip


def test_the_entry_holds_nothing_but_the_app():
    """A second statement there would bring the old multipage mode back (see the traps in streamlit.md)."""
    lines = (ROOT / "streamlit_app.py").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("app")] == ['app = App("pages/_router.py")']


@pytest.mark.parametrize("name", ["overview", "compare", "library"])
def test_an_empty_store_gets_a_first_step_on_every_page(name: str):
    app = open_page(name)
    assert app.button(key="first_comparison").label == "Run your first comparison"


def test_the_first_step_leads_to_the_run_page():
    app = open_page("overview")
    app.button(key="first_comparison").click().run()
    assert not app.exception
    assert [title.value for title in app.title] == ["Run"]

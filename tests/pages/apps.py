"""The app without a browser: one page of it, with its frame, on a store of its own."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[2]
#: As long as a page may take on a machine that runs other tests beside it.
SECONDS = 120


def open_page(name: str, **query: str) -> AppTest:
    """The page of a name in `pages._parts.places.PLACES`, run once, without an exception."""
    app = AppTest.from_file(str(ROOT / "pages" / "_router.py"), default_timeout=SECONDS)
    if name != "overview":
        app.switch_page(str(ROOT / "pages" / f"{name}.py"))
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, [error.value for error in app.exception]
    return app


def words(app: AppTest) -> str:
    """Everything a person can read outside of tables and charts, backslashes of escaped markdown left out."""
    kinds = (app.title, app.header, app.subheader, app.markdown, app.caption, app.code, app.error, app.warning, app.info, app.success)
    parts = [str(element.value) for elements in kinds for element in elements]
    parts += [element.proto.title for elements in (app.error, app.warning, app.info, app.success) for element in elements]
    parts += [f"{metric.label} {metric.value}" for metric in app.metric]
    parts += [element.proto.label for element in app.get("page_link")]
    return "\n".join(parts).replace("\\", "")


def links(app: AppTest) -> dict[str, tuple[str, str]]:
    """Label of each link: page and query."""
    return {element.proto.label: (element.proto.page, element.proto.query_string) for element in app.get("page_link")}


def downloads(app: AppTest) -> list[str]:
    """The labels of the download buttons."""
    return [element.proto.label for element in app.get("download_button")]


def charts(app: AppTest) -> list[str]:
    """The alternative texts of the charts."""
    return [element.proto.alt for element in app.get("vega_lite_chart")]

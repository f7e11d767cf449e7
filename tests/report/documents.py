"""An HTML report taken apart, as a browser would read it."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any


class Document(HTMLParser):
    """What the tests ask of a report."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.scripts: list[str] = []
        """Those that are run."""
        self.data: dict[str, Any] = {}
        """Those that are read, by their id."""
        self.charts: list[dict[str, str]] = []
        """Attributes of each place of a chart."""
        self.buttons: list[dict[str, str]] = []
        self.addresses: list[str] = []
        """Whatever an element would fetch or lead to."""
        self.headings: list[str] = []
        self.policy: dict[str, str] = {}
        self.text = ""
        """What a person can read."""
        self._inside: list[tuple[str, dict[str, str]]] = []
        self.feed(data.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.addresses += [value for name, value in found.items() if name in ("src", "href", "srcset", "action", "data", "poster")]
        if "data-chart" in found:
            self.charts.append(found)
        if tag == "button":
            self.buttons.append(found)
        if tag == "meta":
            if found.get("http-equiv") == "Content-Security-Policy":
                self.policy = dict(part.strip().split(" ", 1) for part in found["content"].split(";"))
            return
        self._inside.append((tag, found))

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        tag, attributes = self._inside[-1] if self._inside else ("", {})
        if tag == "script" and attributes.get("type") == "application/json":
            self.data[attributes["id"]] = json.loads(data)
        elif tag == "script":
            self.scripts.append(data)
        elif tag != "style":
            self.text += data
            if tag in ("h1", "h2", "h3"):
                self.headings.append(data)

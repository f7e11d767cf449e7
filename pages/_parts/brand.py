"""The product's name as a picture: two bars of a pair, in the colours of the two frameworks."""

from __future__ import annotations

from core.charts.colours import FRAMEWORK_COLOURS

_TEXT = {"light": "#1f2628", "dark": "#e6ecec"}


def wordmark(theme: str) -> str:
    """An SVG for a `light` or `dark` background."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 236 28" width="236" height="28">'
        f'<rect x="0" y="4" width="13" height="8" rx="2" fill="{FRAMEWORK_COLOURS["tensorflow"]}"/>'
        f'<rect x="0" y="16" width="20" height="8" rx="2" fill="{FRAMEWORK_COLOURS["pytorch"]}"/>'
        f'<text x="30" y="20" font-family="Helvetica, Arial, sans-serif" font-size="18" '
        f'font-weight="600" textLength="204" lengthAdjust="spacingAndGlyphs" fill="{_TEXT[theme]}">Framework Showdown</text></svg>'
    )

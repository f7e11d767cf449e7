"""Whether this is the hosted demo, which shows what was recorded elsewhere: it runs nothing and keeps nothing."""

from __future__ import annotations

import os

from core.model.errors import ShowdownError

#: Set by the entry of the demo, to anything but nothing.
HOSTED_VARIABLE = "SHOWDOWN_HOSTED"
#: What a write to the demo's store fails with, in the place of the system's own words.
KEEPS_NOTHING = "this demo keeps nothing"
#: What starts the whole program in a copy of the project, on a machine of one's own.
OWN_COMMANDS = ("pip install -r requirements.txt", "streamlit run streamlit_app.py")


class HostedError(ShowdownError):
    """Something that the demo does not do."""


def is_hosted() -> bool:
    return bool(os.environ.get(HOSTED_VARIABLE))


def refuse_if_hosted(what: str) -> None:
    """Before something is started; `what` names it, such as `a comparison`. Raises HostedError in the demo."""
    if is_hosted():
        raise HostedError(f"This demo runs nothing, so {what} cannot be started here; on your own machine it can.")

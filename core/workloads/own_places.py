"""Where in the files of one's own workload an exception came from; standard library only, because a worker asks before it has numpy."""

from __future__ import annotations

import re
import sys
import traceback
from pathlib import Path

#: The package that a folder is imported as begins so.
OWN_PACKAGE = "showdown_own_"

#: A frame as tf.function tells it, in the text of the exception that it raises instead.
_TOLD_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<function>\w+)')


def own_folders() -> list[Path]:
    """Folders whose files have been imported by this process."""
    return [Path(module.__path__[0]) for name, module in sys.modules.items() if name.startswith(OWN_PACKAGE) and "." not in name]


def own_place(error: BaseException) -> str:
    """The innermost place in a file of one's own, as `FILE, line N, in FUNCTION`; empty where the exception passed through none."""
    folders = own_folders()
    frames = [(frame.f_code.co_filename, line, frame.f_code.co_name) for frame, line in traceback.walk_tb(error.__traceback__)]
    frames += [(told["file"], int(told["line"]), told["function"]) for told in _TOLD_FRAME.finditer(str(error))]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append((error.filename, error.lineno or 0, "<module>"))
    own = [frame for frame in frames if any(Path(frame[0]).is_relative_to(folder) for folder in folders)]
    if not own:
        return ""
    file, line, function = own[-1]
    return f"{file}, line {line}" + ("" if function == "<module>" else f", in {function}")


def first_line(error: BaseException) -> str:
    """What an exception says, in at most 300 characters; of one that tf.function wraps, what was raised inside."""
    text = str(error)
    if text.startswith("in user code:"):
        told = list(_TOLD_FRAME.finditer(text))
        # Behind the last frame come its line of source and then the exception.
        text = "\n".join(text[told[-1].end():].splitlines()[2:]) if told else text
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = lines[0] if lines else type(error).__name__
    return (said[:297] + "...") if len(said) > 300 else said.rstrip(".")

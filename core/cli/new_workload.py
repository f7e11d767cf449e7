"""`new-workload`: a folder with a pair of one's own that works, to be changed step by step."""

from __future__ import annotations

import keyword
import re
import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from core.workloads.registry import NAMES, PARTS, TEMPLATE, source_path
from core.workloads.spec import WorkloadError

_NAME_AND_TITLE = re.compile(r'^(    (?:name|title)=)".*?",$', re.MULTILINE)


def new_workload(
    name: Annotated[str, typer.Argument(help="Name of the folder and of the pair, e.g. my_net.")],
    folder: Annotated[Path, typer.Option(help="Where the new folder is made.")] = Path(),
    like: Annotated[str | None, typer.Option(metavar="WORKLOAD", help=f"Copy one of {', '.join(NAMES)}; a small network if not given.")] = None,
) -> None:
    """Write a pair of your own that works, commented, as a start."""
    written = write_workload(name, folder, like)
    named = shlex.quote(str(written))
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"Written to {escape(str(written))}: {', '.join(f'{part}.py' for part in PARTS)}. It passes parity as it is; next:")
    console.print(f"  python -m core compare {escape(named)} --a tensorflow --b pytorch")
    console.print("Then change the model on both sides; when parity fails, the verdict names the layer that differs and the likely cause.")
    console.print(f"To see it on the pages: export SHOWDOWN_WORKLOADS={escape(named)}")


def write_workload(name: str, folder: Path, like: str | None = None) -> Path:
    """The files of the template, or of a built-in workload, under another name; returns the new folder, absolute.

    Raises WorkloadError for a name that cannot be, for a folder that is there already or cannot be written.
    """
    if not name.isidentifier() or keyword.iskeyword(name):
        raise WorkloadError(f"'{name}' cannot be the name of a pair; use letters, digits and underscores, e.g. my_net.")
    if name in NAMES:
        raise WorkloadError(f"'{name}' is a built-in workload; choose another name.")
    if like is not None and like not in NAMES:
        raise WorkloadError(f"There is no workload '{like}' to start from; choose {' or '.join(NAMES)}.")
    target = folder.expanduser().resolve() / name
    try:
        target.mkdir(parents=True)
        for part in PARTS:
            text = source_path(like or TEMPLATE, part).read_text(encoding="utf-8")
            if part == "spec":
                text = _NAME_AND_TITLE.sub(rf'\1"{name}",', text, count=2)
            (target / f"{part}.py").write_text(text, encoding="utf-8")
    except FileExistsError as error:
        raise WorkloadError(f"{target} is there already; choose another name, or another place with --folder.") from error
    except OSError as error:
        raise WorkloadError(f"{target} cannot be written ({error.strerror}); choose another place with --folder.") from error
    return target

"""One experiment in one framework, from its settings to its result: `python -m core.worker.experiment NAME FRAMEWORK FOLDER`.

Reads `settings.json` in the folder, writes `events.jsonl` as it goes and `result.json` whole at the end. FRAMEWORK names the
module of the experiment's folder that is run: `tensorflow`, `pytorch`, or a runtime that needs neither.
"""

from __future__ import annotations

import json
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

from core.model.variant import FRAMEWORKS
from core.worker.events import EventWriter, finite
from core.worker.failure import classify_import
from core.worker.process import carry_out


def main(name: str, framework: str, folder: Path) -> int:
    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))

    def work(events: EventWriter) -> None:
        with events.phase("import"):
            try:
                module = import_module(f"core.worker.experiments.{name}.{framework}")
            except Exception as error:
                if framework not in FRAMEWORKS:
                    raise
                traceback.print_exc()
                raise classify_import(error, framework) from error
        with events.phase("experiment"):
            result = module.run(settings, lambda words: events.write("progress", words=words))
        partial = folder / "result.json.partial"
        partial.write_text(json.dumps(as_json(result), allow_nan=False), encoding="utf-8")
        partial.replace(folder / "result.json")

    return carry_out(work, folder=folder, device=settings["device"])


def as_json(value: Any) -> Any:
    """The same with what JSON has: NaN and infinities become None, arrays lists, numpy's numbers plain ones, tuples lists."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): as_json(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(one) for one in value]
    return finite(value) if isinstance(value, float) else value


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: python -m core.worker.experiment NAME FRAMEWORK FOLDER")
    sys.exit(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))

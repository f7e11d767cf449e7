"""Run the benchmarks of the product and print one table: `python -m bench [worker] [page] [traces] [power]`, without names all
of them.
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import page, power, traces, worker

SECTIONS = {"worker": worker.report, "page": page.report, "traces": traces.report}


def main(names: list[str]) -> int:
    known = [*SECTIONS, "power"]
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"There is no benchmark '{unknown[0]}'; choose {' or '.join(known)}.", file=sys.stderr)
        return 2
    console = Console()
    console.print(f"Measured on {processor()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}.")
    if "power" in (names or known):
        power.report(console)
    table = Table("ours over bare", "ratio: median (range)", "goal", "")
    for name in [name for name in names or SECTIONS if name in SECTIONS]:
        for label, ratio, goal in SECTIONS[name](console):
            table.add_row(label, str(ratio), *(("", "") if goal is None else (f"at most {goal}", ratio.against(goal))))
    if table.row_count:
        console.print(table)
    return 0


def processor() -> str:
    """The CPU's name as the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

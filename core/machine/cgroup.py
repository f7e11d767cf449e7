"""What the control group of this process allows: a container sees the whole machine but may use only a part of it.

Both versions of the kernel's interface, from the group upwards, because the tightest limit on the way is the one that holds.
`root` is the file system to read, `/` outside of tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

#: Version 1 says "no limit" with a number near 2**63; no machine has this much memory.
_NO_LIMIT_BYTES = 1 << 60


def cpu_quota_cores(root: Path = Path("/")) -> float | None:
    """CPU time that the group may use per unit of wall time; None where nothing limits it."""
    quotas = []
    for folder in _folders(root, "cpu"):
        words = _words(folder / "cpu.max")  # version 2: quota and period in one file
        if not words:
            words = _words(folder / "cpu.cfs_quota_us") + _words(folder / "cpu.cfs_period_us")
        if len(words) == 2 and words[0] not in ("max", "-1") and int(words[1]) > 0:
            quotas.append(int(words[0]) / int(words[1]))
    return min(quotas, default=None)


def memory_left_bytes(root: Path = Path("/")) -> int | None:
    """What the group may still take, file cache that can be dropped counted as free; None where nothing limits it."""
    left = []
    for folder in _folders(root, "memory"):
        limit = _words(folder / "memory.max") or _words(folder / "memory.limit_in_bytes")
        used = _words(folder / "memory.current") or _words(folder / "memory.usage_in_bytes")
        if limit and used and limit[0] != "max" and int(limit[0]) < _NO_LIMIT_BYTES:
            words = _words(folder / "memory.stat")
            statistics = dict(zip(words[::2], words[1::2], strict=False))
            droppable = statistics.get("total_inactive_file") or statistics.get("inactive_file") or "0"
            left.append(max(0, int(limit[0]) - int(used[0]) + int(droppable)))
    return min(left, default=None)


def _folders(root: Path, controller: str) -> Iterator[Path]:
    """Folders of this process's group and its parents, for one controller."""
    base = root / "sys/fs/cgroup"
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        mount = base / controllers if controllers else base
        # In a container the path may name a group that only the host can see; its top is then the group itself.
        inside = mount / path.strip("/")
        yield from (folder for folder in (inside, *inside.parents) if folder.is_dir() and folder.is_relative_to(mount))


def _words(path: Path) -> list[str]:
    return _text(path).split()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""  # another version of the interface, or no Linux

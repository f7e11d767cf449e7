"""The CPU time of a process and of everything it started, those that have ended included."""

from __future__ import annotations

import psutil


class ProcessTree:
    """Follows one process from now on; a process that is already gone is a tree without CPU time.

    The system adds an ended child's CPU time to its parent's once the parent has waited for it, so living members count with
    their own time and that of the children they waited for. A member that ended as an orphan keeps its last known time. Where
    the followed process has ended and this process is the parent that waited for it, what that added here closes the gap since
    the last look.
    """

    def __init__(self, pid: int, cores: int, at_s: float) -> None:
        """`cores` logical processors may run it: what it can have used since the last look is at most that many times as long."""
        self._pid = pid
        self._cores = cores
        self._members: dict[int, psutil.Process] = {}
        self._parents: dict[int, int] = {}
        self._last_s: dict[int, float] = {}
        self._orphans_s = 0.0
        self._at_s = at_s
        self._reaped_before_s = _waited_for_s()
        self._is_own_child = False
        self._total_s = 0.0
        try:
            self._members[pid] = psutil.Process(pid)
            self._is_own_child = self._members[pid].ppid() == psutil.Process().pid
        except psutil.NoSuchProcess:
            pass

    @property
    def pids(self) -> frozenset[int]:
        """Every member seen so far, the ended ones too."""
        return frozenset(self._last_s)

    def cpu_s(self, at_s: float) -> float:
        """CPU seconds of the tree since its processes began; never falls. `at_s`: now, on the clock given at the start."""
        self._find_members()
        living = self._look()
        total_s = sum(living.values()) + self._orphans_s
        if self._is_own_child and self._pid in self._last_s and self._pid not in living:
            possible_s = self._total_s + self._cores * (at_s - self._at_s)
            total_s = max(total_s, min(_waited_for_s() - self._reaped_before_s, possible_s))
        self._total_s = max(self._total_s, total_s)
        self._at_s = at_s
        return self._total_s

    def _find_members(self) -> None:
        if root := self._members.get(self._pid):
            try:
                for child in root.children(recursive=True):
                    self._members.setdefault(child.pid, child)
            except psutil.Error:
                pass  # it ended while we looked; `_look` notices

    def _look(self) -> dict[int, float]:
        """CPU seconds of each living member; the dead leave."""
        living: dict[int, float] = {}
        for pid, process in list(self._members.items()):
            try:
                if process.is_running():
                    times = process.cpu_times()
                    living[pid] = times.user + times.system + times.children_user + times.children_system
                    self._parents[pid] = process.ppid()
            except psutil.Error:
                living.pop(pid, None)
        for pid in self._members.keys() - living.keys():
            del self._members[pid]
            if not self._has_living_ancestor(pid, living):
                self._orphans_s += self._last_s.get(pid, 0.0)
        self._last_s |= living
        return living

    def _has_living_ancestor(self, pid: int, living: dict[int, float]) -> bool:
        seen = set()
        while (pid := self._parents.get(pid, 0)) and pid not in seen:
            if pid in living:
                return True
            seen.add(pid)
        return False


def _waited_for_s() -> float:
    times = psutil.Process().cpu_times()
    return float(times.children_user + times.children_system)

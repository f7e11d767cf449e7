"""CPU time of real process trees. Burned CPU seconds are exact enough to compare; nothing waits for the wall clock."""

import subprocess
import sys
import time

import pytest

from core.machine.process_tree import ProcessTree

BURN = "import time\nwhile time.process_time() < {}: pass\n"
THEN_WAIT = "print('done', flush=True)\ninput()\n"
CHILD = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', {!r}])\n"


def start(code):
    return subprocess.Popen([sys.executable, "-S", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def tree_of(process):
    return ProcessTree(process.pid, 64, time.monotonic())


def finish(process):
    process.communicate("\n")


def test_a_living_process_and_its_ended_child_count():
    process = start(BURN.format(0.2) + CHILD.format(BURN.format(0.3)) + THEN_WAIT)
    tree = tree_of(process)
    process.stdout.readline()
    assert tree.cpu_s(time.monotonic()) == pytest.approx(0.55, abs=0.15)
    assert process.pid in tree.pids
    finish(process)


def test_a_process_that_ended_unseen_counts_because_we_waited_for_it():
    process = start("input()\n" + BURN.format(0.3) + CHILD.format(BURN.format(0.2)))
    tree = tree_of(process)
    before = tree.cpu_s(time.monotonic())
    finish(process)
    assert tree.cpu_s(time.monotonic()) - before == pytest.approx(0.5, abs=0.15)


def test_what_other_children_used_meanwhile_is_bounded_by_what_was_possible():
    process = start("input()\n")
    tree = ProcessTree(process.pid, 1, at_s=0.0)
    tree.cpu_s(0.0)
    subprocess.run([sys.executable, "-S", "-c", BURN.format(0.4)], check=True)
    finish(process)
    assert tree.cpu_s(0.1) <= 0.1 + 0.1  # 0.1 s on one core, and what it had used before


def test_an_orphan_keeps_its_last_time():
    """The middle process ends without waiting; its child lives on outside the tree, then ends too."""
    orphan = BURN.format(0.2) + THEN_WAIT
    middle = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-S', '-c', {orphan!r}])\ninput()\n"
    process = start(f"import subprocess, sys\nsubprocess.run([sys.executable, '-S', '-c', {middle!r}])\n" + THEN_WAIT)
    tree = tree_of(process)
    assert process.stdout.readline() == "done\n"
    seen = tree.cpu_s(time.monotonic())
    assert len(tree.pids) == 3
    assert seen >= 0.2
    finish(process)
    assert tree.cpu_s(time.monotonic()) >= seen


def test_a_process_that_never_was_is_an_idle_tree():
    process = start("")
    finish(process)
    tree = tree_of(process)
    assert tree.cpu_s(time.monotonic()) == 0.0
    assert tree.pids == frozenset()

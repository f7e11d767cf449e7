"""How a recording looks in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

_NAME_WIDTH = 72


def print_summary(console: Console, found: dict[str, Any]) -> None:
    """A trace as `core.analysis.summary` gives it: facts, devices, where the time went, what could not be accounted for."""
    facts, coverage = found["facts"], found["coverage"]
    devices = ", ".join(escape(device["name"] or device["label"]) for device in facts["devices"])
    console.print(
        f"{facts['framework'] or 'unknown framework'} · {devices} · {facts['steps']} steps · {facts['events']:,} events · {_ms(facts['span_ns'])}"
    )
    of_step = "self time per step" if found["steps"] else "self time in all"
    if found["devices"]:
        console.print(_devices(found["devices"], found["idle_causes"]))
        console.print(_rows("Kernels (in all)", found["kernels"], ("name", "op_class", "operator"), found["coverage"]["device_time_ns"]))
    else:
        console.print("No device events: on a CPU the operators are the kernels.")
    if found["steps"]:
        console.print(_steps(found["steps"]))
    console.print(_rows(f"Kinds of operation ({'device time in all' if found['devices'] else of_step})", found["op_classes"], ("op_class",)))
    if any(row["layer"] for row in found["layers"]):
        console.print(_layers(found["layers"]))
    if not found["devices"]:
        console.print(_rows(f"Operators ({of_step})", found["operators"], ("name", "op_class")))
    if found["memory"]:
        console.print(_memory(found["memory"]))
    skipped = ", ".join(f"{count:,} {escape(reason)}" for reason, count in coverage["events_skipped"].items()) or "nothing"
    console.print(
        f"[bold]Accounted for[/]: {coverage['events_read']:,} of {coverage['events_found']:,} events read; left out: {skipped}."
    )
    if coverage["kernels"]:
        linked, classified = (_percent(coverage[f"device_time_{name}_fraction"]) for name in ("linked", "classified"))
        kernels = f"{coverage['kernels_linked']:,} of {coverage['kernels']:,} kernels linked to an operator"
        console.print(f"{kernels}; of device time {linked} linked, {classified} classified.")
    for why, part in coverage["unlinked"].items():
        console.print(f"  not linked: {part['events']:,} device events, {_ms(part['device_time_ns'])}: {why}", style="dim")


def print_snapshot(console: Console, found: dict[str, Any]) -> None:
    """A memory snapshot as `core.cli.trace.snapshot_summary` gives it."""
    table = Table(title="Memory", title_justify="left")
    for name in ("device", "segments", "reserved", "allocated", "peak", "events"):
        table.add_column(name, justify="left" if name == "device" else "right")
    for label, row in found["devices"].items():
        table.add_row(
            label,
            f"{row['segments']:,}",
            *(_size(row[name]) for name in ("reserved_bytes", "allocated_bytes", "peak_allocated_bytes")),
            f"{row['events']:,}",
        )
    console.print(table)
    for label, held in found["live_at_peak"].items():
        peak = Table(title=f"Device {label}: held at the peak", title_justify="left")
        peak.add_column("frame", overflow="ellipsis", no_wrap=True)
        for name in ("blocks", "memory", "share"):
            peak.add_column(name, justify="right")
        for row in held:
            peak.add_row(_short(row["frame"]), f"{row['blocks']:,}", _size(row["size_bytes"]), _percent(row["share"]))
        console.print(peak)


def print_difference(console: Console, found: dict[str, Any]) -> None:
    """Two recordings as `trace-diff` compares them."""
    if found["kind"] == "snapshot":
        table = Table(title=f"A {escape(found['a_path'])}, B {escape(found['b_path'])}", title_justify="left")
        names = list(found["frames"][0]) if found["frames"] else []
        for name in names:
            table.add_column(name.replace("_", " "), overflow="fold")
        for row in found["frames"]:
            table.add_row(*(_size(value) if name.endswith("bytes") else _short(str(value)) for name, value in row.items()))
        console.print(table)
        return
    a, b = found["a"], found["b"]
    console.print(
        f"A {escape(found['a_path'])}: {_ms(a['step_ns'])} {found['measure']} per step ({a['framework']}, {a['steps']} steps)"
    )
    console.print(
        f"B {escape(found['b_path'])}: {_ms(b['step_ns'])} {found['measure']} per step ({b['framework']}, {b['steps']} steps)"
    )
    ratio = "" if found["ratio"] is None else f", {found['ratio']:.3f} times A"
    console.print(f"[bold]B minus A: {_ms(found['difference_ns'], sign=True)}[/]{ratio}")
    for group in ("op_class", "layer", "operator", "kernel"):
        table = Table(title=f"By {group.replace('_', ' ')}", title_justify="left")
        table.add_column("", overflow="ellipsis", no_wrap=True)
        for name in ("A", "B", "B - A", "B / A"):
            table.add_column(name, justify="right")
        for row in found[f"by_{group}"]:
            ratio = "—" if row["ratio"] is None else f"{row['ratio']:.2f}"
            table.add_row(
                _short(row["key"] or f"no {group.replace('_', ' ')}"),
                _ms(row["a_ns"]),
                _ms(row["b_ns"]),
                _ms(row["difference_ns"], sign=True),
                ratio,
            )
        console.print(table)


def print_ranks(console: Console, ranks: Sequence[dict[str, Any]], behind: Sequence[dict[str, Any]]) -> None:
    """Ranks next to each other, and who was waited for."""
    names = ("step_ns", "busy_ns", "idle_ns", "compute_ns", "communication_ns", "exposed_communication_ns")
    table = Table("rank", "device", title="Ranks", title_justify="left")
    for name in names:
        table.add_column(name.removesuffix("_ns").replace("_", " "), justify="right")
    for row in ranks:
        table.add_row(str(row["rank"]), row["device"], *("—" if row[name] is None else _ms(row[name]) for name in names))
    console.print(table)
    for row in behind:
        if row["straggler"]:
            console.print(
                f"Step {row['step']}: rank {row['rank']} computed longest, {_ms(row['behind_ns'])} more than the quickest."
            )


def _devices(devices: dict[str, Any], idle: dict[str, Any]) -> Table:
    table = Table(title="Devices", title_justify="left")
    table.add_column("")
    for label in devices:
        table.add_column(f"device {label}", justify="right")
    for name in next(iter(devices.values())):
        if name.endswith("_ns"):
            table.add_row(
                name.removesuffix("_ns").replace("_", " "), *(_part(one[name], one["span_ns"]) for one in devices.values())
            )
    for name in ("host_wait_ns", "launch_gap_ns", "dependency_ns"):
        table.add_row(
            f"idle: {name.removesuffix('_ns').replace('_', ' ')}",
            *(_part(idle[label][name], one["span_ns"]) for label, one in devices.items()),
        )
    return table


def _steps(steps: Sequence[dict[str, Any]]) -> Table:
    table = Table(title="Steps, ms: each moment has one owner", title_justify="left")
    parts = [part for part in steps[0]["parts_ns"] if any(step["parts_ns"][part] for step in steps)]
    for name in ("step", "wall", *parts):
        table.add_column(name, justify="right")
    for step in steps:
        table.add_row(
            str(step["number"]), *(f"{ns / 1e6:,.3f}" for ns in (step["duration_ns"], *(step["parts_ns"][part] for part in parts)))
        )
    return table


def _layers(layers: Iterable[dict[str, Any]]) -> Table:
    table = Table(title="Layers (in all)", title_justify="left")
    for name in ("layer", "calls", "device, with what is in it", "host, with what is in it"):
        table.add_column(name, justify="left" if name == "layer" else "right")
    for row in layers:
        table.add_row(
            "  " * row["depth"] + _short(row["layer"] or "no layer"),
            str(row["calls"]),
            _ms(row["device_total_ns"]),
            _ms(row["host_total_ns"]),
        )
    return table


def _rows(title: str, rows: Sequence[dict[str, Any]], names: Sequence[str], whole_ns: int | None = None) -> Table:
    table = Table(title=title, title_justify="left")
    for name in names:
        table.add_column(name.replace("_", " "), overflow="ellipsis", no_wrap=True)
    measure = "self_ns" if rows and "self_ns" in rows[0] else "total_ns"
    for name in ("count", "time", "share"):
        table.add_column(name, justify="right")
    for row in rows:
        share = row["share"] if whole_ns is None else row[measure] / max(whole_ns, 1)
        table.add_row(*(_short(row[name] or "—") for name in names), f"{row['count']:,.0f}", _ms(row[measure]), _percent(share))
    return table


def _memory(memory: dict[str, Any]) -> Table:
    table = Table(title="Memory", title_justify="left")
    for name in ("device", "peak allocated", "peak reserved", "allocated at the end", "rows"):
        table.add_column(name, justify="left" if name == "device" else "right")
    for label, row in memory.items():
        table.add_row(
            label,
            *(_size(row[name]) for name in ("peak_allocated_bytes", "peak_reserved_bytes", "allocated_bytes")),
            f"{row['events']:,}",
        )
    return table


def _short(text: str) -> str:
    return escape(text if len(text) <= _NAME_WIDTH else f"{text[: _NAME_WIDTH - 1]}…")


def _ms(ns: float, *, sign: bool = False) -> str:
    return f"{ns / 1e6:{'+' if sign else ''},.3f} ms"


def _part(ns: int, whole_ns: int) -> str:
    return f"{_ms(ns)} {_percent(ns / max(whole_ns, 1)):>6}"


def _percent(share: float | None) -> str:
    return "—" if share is None else f"{share:.1%}"


def _size(value: float | None) -> str:
    if value is None:
        return "—"
    for unit, scale in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if abs(value) >= scale:
            return f"{value / scale:,.2f} {unit}"
    return f"{value:,.0f} B"

"""The parity proof of a stored comparison, and how it is shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
import streamlit as st

from core.analysis.comparison import parity_table
from core.charts.parity import parity_gates
from core.model.parity import STAGE_LABELS, ParityStage
from core.model.variant import FRAMEWORKS
from core.store.comparisons import StoredComparison
from core.store.files import StoreError, read_json
from pages._parts import formats
from pages._parts.charts import chart_with_table
from pages._parts.places import link


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What `parity.json` of a comparison says."""

    comparison: StoredComparison
    stages: tuple[ParityStage, ...]
    layers: dict[str, list[dict[str, Any]]]
    """Framework -> its layers as that framework counted them: `name`, `kind`, `shape`, `parameters`."""

    @property
    def passed(self) -> bool:
        return all(stage.passed for stage in self.stages)


def newest_proof(comparisons: Iterable[StoredComparison], workload: str, *, article: bool = False) -> Proof | None:
    """Of the newest comparison of both frameworks on this workload; `article`: with the network as the article printed it."""
    for one in comparisons:
        spec = one.spec
        if spec is None or spec.workload != workload or {spec.a.framework, spec.b.framework} != set(FRAMEWORKS):
            continue
        if article is not ("article" in (spec.a.network, spec.b.network)):
            continue
        try:
            raw = read_json(one.folder / "parity.json", dict[str, Any])
            stages = msgspec.convert(raw["stages"], tuple[ParityStage, ...])
            layers = {spec.variant(side).framework: list(found) for side, found in raw["layers"].items()}
        except (OSError, StoreError, KeyError, AttributeError, TypeError, msgspec.ValidationError):
            continue  # it has not come so far, or is damaged: the one before it will do
        return Proof(comparison=one, stages=stages, layers=layers)
    return None


def show_proof(proof: Proof) -> None:
    """Gate by gate: the error beside what is allowed."""
    one, failed = proof.comparison, [stage for stage in proof.stages if not stage.passed]
    frame = parity_table(proof.stages)
    assert one.spec is not None
    if failed:
        causes = "".join(f"\n\n**Likely cause ({STAGE_LABELS[stage.stage]}):** {formats.plain(stage.cause)}" for stage in failed if stage.cause)
        st.error(
            f"{len(failed)} of {len(proof.stages)} gates fail, so no ratio is given.{causes}",
            title="Not the same function",
            icon=":material/close:",
        )
    else:
        st.success("From the same weights and batches, both sides give the same numbers, up to rounding.",
                   title=f"The same function at all {len(proof.stages)} gates", icon=":material/verified:")  # fmt: skip
    chart_with_table(
        parity_gates(frame), frame, download_name=f"{one.id}-parity",
        alt="Error over allowed error at each gate, on a logarithmic axis: below 1, rounding explains it.",
        columns={"error": st.column_config.NumberColumn(format="%.2e"), "allowed": st.column_config.NumberColumn(format="%.0e"),
                 "passed": st.column_config.CheckboxColumn()},
    )  # fmt: skip
    for stage in frame.filter(~frame["passed"]).iter_rows(named=True):
        if stage["detail"] and stage["detail"] != "not reached":
            st.markdown(f"**{formats.plain(stage['stage'].capitalize())}**")
            st.code(stage["detail"], language=None, wrap_lines=True)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(formats.plain(f"Measured in {one.spec.a.label} against {one.spec.b.label}, {formats.ago(one.spec.created)}"), width="content")
        link("compare", "Open this comparison", comparison=one.id)

"""The evidence behind each criterion of the choice, and where the user may judge otherwise."""

from __future__ import annotations

import streamlit as st

from core.analysis.choose import MEASURED, OWN, Cell
from core.analysis.evidence import Evidence, evidence
from core.model.criterion import JUDGEMENT_LABELS, JUDGEMENTS, MEASURES
from core.model.variant import FRAMEWORK_LABELS
from core.store.claims import ClaimStore
from core.store.comparisons import ComparisonStore
from pages._parts import formats
from pages._parts.places import link
from pages._parts.stored import store

_CLAIMS = ("export", "seeds")
_AS_EVIDENCE = "as the evidence says"
_OUTCOMES = {"tensorflow": "orange", "pytorch": "blue", "tie": "gray", "mixed": "violet", "unknown": "gray"}


def measured_here() -> dict[str, list[Evidence]]:
    """What this machine's own comparisons and claims say, by measure."""
    here, claims = store(), ClaimStore()
    ended = tuple(id for id in here.ids() if (here.folder(id) / "result.json").exists())
    tested = tuple((id, path.stat().st_mtime_ns) for id in _CLAIMS if (path := claims.folder(id) / "result.json").exists())
    return _measured(str(here.root.parent), ended, tested)


@st.cache_data(max_entries=8, show_spinner=False)
def _measured(root: str, ended: tuple[str, ...], tested: tuple[tuple[str, int], ...]) -> dict[str, list[Evidence]]:
    comparisons = [(one.spec, one.result) for one in map(ComparisonStore().load, ended) if one.spec is not None and one.result is not None]
    claims = {id: result for id, _ in tested if (result := ClaimStore().load(id).result) is not None}
    return {measure: evidence(measure, comparisons, claims) for measure in MEASURES}


def own_judgement(id: str) -> str:
    """What the user judges of a criterion, read before its widget is drawn: of the session, else of the address, which has its label."""
    if (key := _key(id)) in st.session_state:
        return str(st.session_state[key])
    asked = st.query_params.get(key)
    return next((judgement for judgement, label in JUDGEMENT_LABELS.items() if label == asked), "")


def _key(id: str) -> str:
    return f"own_{id}"


def show_evidence(one: Cell) -> None:
    """One criterion: what was measured, what was looked up, how it is judged, and a way to judge otherwise."""
    criterion = one.criterion
    colour = _OUTCOMES[one.outcome]
    with st.expander(f"{criterion.title} · :{colour}[{one.outcome_label}] · {one.basis}", key=f"evidence_{criterion.id}"):
        st.markdown(f"*{formats.plain(criterion.question)}*")
        for found in one.evidence:
            st.markdown(f"- {formats.plain(found.words)}")
            if found.comparison:
                link("compare", "Open the comparison", comparison=found.comparison)
        for fact in criterion.facts:
            st.markdown(f"- **{FRAMEWORK_LABELS[fact.framework]}**: {formats.plain(fact.text)} *{formats.plain(fact.source)}, {fact.as_of}*")
        if criterion.reason and one.basis not in (MEASURED, OWN):
            st.markdown(f"Judged: **{JUDGEMENT_LABELS[criterion.judgement]}**. {formats.plain(criterion.reason)}")
        if criterion.measure and not one.evidence:
            _how_to_measure(criterion.measure)
        st.selectbox(
            "You judge", ["", *JUDGEMENTS], format_func=lambda value: JUDGEMENT_LABELS.get(value, _AS_EVIDENCE), key=_key(criterion.id),
            bind="query-params", width=260,
        )  # fmt: skip


def _how_to_measure(measure: str) -> None:
    st.caption("Not measured here yet.")
    match measure:
        case "export":
            st.code("python -m core claims run export", language="bash")
        case "reproducibility":
            st.code("python -m core claims run seeds", language="bash")
        case "gpu_speed":
            st.caption("It needs an NVIDIA GPU; on such a machine:")
            st.code("python -m core compare resnet50 --a tensorflow:device=gpu --b pytorch:device=gpu", language="bash")
        case _:
            link("run", "Compare the two frameworks here")

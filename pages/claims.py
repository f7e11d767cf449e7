"""Claims: does the article hold on this machine?"""

from __future__ import annotations

import polars as pl
import streamlit as st

from core.analysis.claims import verdict_counts
from core.charts.claims import verdict_bars
from core.claims.ledger import LedgerRow, ledger
from core.model.claim import CLAIM_VERDICT_LABELS
from core.model.hosted import is_hosted
from core.store.claims import ClaimStore
from pages._parts import formats
from pages._parts.charts import chart_with_table
from pages._parts.claim_cards import show_claim
from pages._parts.claim_runs import is_busy, show_recorded, show_run

EVERY = "every verdict"


def main() -> None:
    st.title("Claims", anchor=False)
    store = ClaimStore()
    rows = ledger(store)
    tested = sum(row.result is not None for row in rows)
    st.markdown(
        f"The article that this program grew out of makes **{len(rows)} statements** that can be checked. "
        + (f"{tested} have been looked at on {_where()}." if tested else f"None has been tested on {_where()} yet.")
    )
    _counts(rows)
    if is_hosted():
        show_recorded(rows)
    else:
        show_run(store)
    shown = _filtered(rows)
    busy = not is_hosted() and is_busy(store)
    for row in shown:
        show_claim(store, row, busy=busy)


def _where() -> str:
    return "the machine that is shown here" if is_hosted() else "this machine"


def _counts(rows: list[LedgerRow]) -> None:
    counts = verdict_counts([row.verdict for row in rows])
    table = pl.DataFrame(
        [{"id": row.claim.id, "the article says": row.claim.says, "verdict": CLAIM_VERDICT_LABELS[row.verdict], "reason": row.reason,
          "low": row.result.interval[0] if row.result and row.result.interval else None,
          "high": row.result.interval[1] if row.result and row.result.interval else None,
          "tested": row.result.tested if row.result else None, "comparison": row.comparison}
         for row in rows],
        infer_schema_length=None,
    )  # fmt: skip
    words = ", ".join(f"{count} {label}" for label, count in counts.iter_rows())
    chart_with_table(
        verdict_bars(counts), table, alt=f"Bars: how many of the claims have which verdict: {words}.", download_name="claims",
        columns={"low": st.column_config.NumberColumn("95 % from", format="%.3g"), "high": st.column_config.NumberColumn("to", format="%.3g")},
    )  # fmt: skip


def _filtered(rows: list[LedgerRow]) -> list[LedgerRow]:
    """Those of the verdict that is asked for in the address; all, if none is."""
    present = [label for verdict, label in CLAIM_VERDICT_LABELS.items() if any(row.verdict == verdict for row in rows)]
    wanted = st.selectbox("Show", [EVERY, *present], key="verdict", bind="query-params", width=280)
    shown = [row for row in rows if wanted == EVERY or CLAIM_VERDICT_LABELS[row.verdict] == wanted]
    st.caption(formats.plain(f"{len(shown)} of {len(rows)} claims, in the article's order."))
    return shown


main()

"""What training costs at the user's own price of the machine."""

from __future__ import annotations

import polars as pl

from core.model.comparison import SIDES, ComparisonResult

#: The amount of training that is priced: large enough for a price to be readable, the same for every workload.
SAMPLES = 100_000_000


def training_cost(result: ComparisonResult, batch_size: int, price_per_hour: float) -> pl.DataFrame:
    """Hours and price of training on 100 million samples at the median steady step time: `side`, `hours`, `price`.

    price = price per hour x samples / batch size x step time; in the currency of `price_per_hour`. A side that was not
    timed is left out. Import, compilation and evaluation are not in it.
    """
    rows = [
        (side, hours, hours * price_per_hour)
        for side in SIDES
        if side in result.sides and (step_ms := result.sides[side].step_ms) is not None
        for hours in (SAMPLES / batch_size * step_ms / 3.6e6,)
    ]
    return pl.DataFrame(rows, schema={"side": pl.String, "hours": pl.Float64, "price": pl.Float64}, orient="row")

"""What is private in a comparison or a recording, taken out before anything is made of it."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

import polars as pl

from core.analysis.comparison import PHASE_LABELS
from core.charts.memory import KIND_LABELS
from core.model.secrets import WITHHELD, is_secret
from core.store.privacy import Redactor

T = TypeVar("T")

#: Words by which charts and tables find things: where one stands alone it is that, whatever the people of this machine are called.
_OUR_OWN = frozenset((*PHASE_LABELS, *KIND_LABELS))


def redacted(value: T, redactor: Redactor) -> T:
    """The same value, new where it has to be, with every text in it redacted: dataclasses, containers and their keys, frames."""
    return cast("T", _redacted(value, redactor))


def _redacted(value: Any, redactor: Redactor) -> Any:
    if isinstance(value, str):
        return value if value in _OUR_OWN else redactor.text(value)
    if isinstance(value, pl.DataFrame):
        return _frame(value, redactor)
    if isinstance(value, dict):
        return {_key(key, redactor): WITHHELD if is_secret(key, one) else _redacted(one, redactor) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_redacted(one, redactor) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: _redacted(getattr(value, field.name), redactor) for field in fields(value)})
    return value


def _key(key: Any, redactor: Redactor) -> Any:
    """More often the name of a field than a text: the redactor tells the two apart."""
    return next(iter(redactor.value({key: None})))


def _frame(frame: pl.DataFrame, redactor: Redactor) -> pl.DataFrame:
    """Each name is looked at once, however many rows have it; columns of fixed words (`pl.Enum`) have nothing private."""
    changed = []
    for column in frame.get_columns():
        if not isinstance(column.dtype, pl.String | pl.Categorical):
            continue
        names = column.unique().drop_nulls().cast(pl.String).to_list()
        others = {name: other for name in names if (other := _redacted(name, redactor)) != name}
        if others:
            changed.append(column.cast(pl.String).replace(others).cast(column.dtype).alias(column.name))
    return frame.with_columns(changed) if changed else frame

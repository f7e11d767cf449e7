"""MLflow as far as it is used here: a client of one address, its experiments, and its errors in one sentence.

MLflow is optional and imported only here. A client that is given its address is used, never MLflow's global state: nothing else
that this process might log is touched.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import warnings
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from core.model.errors import ShowdownError

INSTALL = "pip install -r requirements-mlflow.txt"

#: For where the user set none: MLflow's own would try a dead server for minutes, and write to standard output.
_SETTINGS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]+@")
_SQLITE, _SQLITE_HEAD = "sqlite:///", b"SQLite format 3\0"
_REASON_LENGTH = 300


class MlflowError(ShowdownError):
    """A comparison that cannot be logged to MLflow."""


def local_uri(folder: Path) -> str:
    """The database that MLflow itself takes where it is started in this folder and not told another place."""
    return f"{_SQLITE}{folder.resolve() / 'mlflow.db'}"


def connect(uri: str) -> Any:
    """MLflow's client of one address, with its usage statistics off.

    Raises MlflowError where MLflow is not installed, or where there is nothing that it could be connected to.
    """
    remote = uri.startswith(("http://", "https://"))
    missing = [name for name in ("mlflow", *(() if remote else ("sqlalchemy", "alembic"))) if find_spec(name) is None]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise MlflowError(f"{' and '.join(missing)} {verb} not installed; run '{INSTALL}', then try again.")
    _check_database(uri)
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # read when it is imported
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # it would tell of every try, and the sentence says it
    with as_one_sentence(uri), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what MLflow and its libraries want of programmers
        return import_module("mlflow").MlflowClient(tracking_uri=uri, registry_uri=uri)


def experiment_id(client: Any, name: str, uri: str) -> str:
    """The experiment of this name, made where there is none.

    Raises MlflowError where it was deleted.
    """
    known = client.get_experiment_by_name(name)
    if known is None:
        return str(client.create_experiment(name, artifact_location=_artifacts_beside(uri, name)))
    if known.lifecycle_stage != "active":
        raise MlflowError(f"The experiment '{name}' was deleted in MLflow; restore it there, or give another --experiment.")
    return str(known.experiment_id)


@contextlib.contextmanager
def as_one_sentence(uri: str) -> Iterator[None]:
    """Make a MlflowError of whatever comes out of MLflow: its drivers and stores of artifacts have exceptions of their own."""
    try:
        yield
    except ShowdownError:
        raise
    except Exception as error:
        if _is_unreachable(error):
            words = "cannot be reached; start its server there, or give another --tracking-uri."
        else:
            words = f"does not take this comparison: {first_line(error)[:_REASON_LENGTH].rstrip('.')}."
        raise MlflowError(f"MLflow at {without_password(uri)} {words}") from error


def first_line(error: BaseException) -> str:
    """What an error says first, else what it is called; passwords in addresses left out."""
    return _CREDENTIALS.sub("", next(iter(str(error).strip().splitlines()), "") or type(error).__name__)


def without_password(uri: str) -> str:
    """An address as it may be shown."""
    return _CREDENTIALS.sub("", uri)


def _check_database(uri: str) -> None:
    """Raises MlflowError for a file that can be no database: MLflow would try it for minutes."""
    path = _database(uri)
    if path is None:
        return
    if path.is_dir():
        raise MlflowError(f"{path} is a folder; give a file in it, e.g. --tracking-uri {_SQLITE}{path / 'mlflow.db'}.")
    if path.is_file():
        with path.open("rb") as file:
            head = file.read(len(_SQLITE_HEAD))
        if head not in (b"", _SQLITE_HEAD):
            raise MlflowError(f"{path} is no SQLite database; give the file that MLflow uses, or one that does not exist yet.")


def _database(uri: str) -> Path | None:
    """The file of an SQLite address; None for any other."""
    return Path(uri.removeprefix(_SQLITE).partition("?")[0]) if uri.startswith(_SQLITE) else None


def _artifacts_beside(uri: str, experiment: str) -> str | None:
    """A folder beside a database file, where MLflow would take one in whatever folder it is started; a server knows its own."""
    path = _database(uri)
    return None if path is None else (path.parent.resolve() / "mlartifacts" / re.sub(r"[^\w.-]+", "-", experiment)).as_uri()


def _is_unreachable(error: BaseException) -> bool:
    if find_spec("requests") is None:
        return False  # it comes with MLflow
    requests = import_module("requests")
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, requests.ConnectionError | requests.Timeout):
            return True
        cause = cause.__cause__ or cause.__context__
    return False

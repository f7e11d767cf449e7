"""The command line: one file per group of commands, results on standard output, everything else on standard error."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from core.cli.bundle import bundle, import_bundle
from core.cli.claims import app as claims_app
from core.cli.compare import compare, referee
from core.cli.doctor import doctor
from core.cli.exports import exports
from core.cli.log_mlflow import log_mlflow
from core.cli.new_workload import new_workload
from core.cli.report import report
from core.cli.stored import cancel, delete, list_comparisons, show
from core.cli.sweep import app as sweep_app
from core.cli.tensorboard import tensorboard
from core.cli.trace import trace, trace_diff
from core.model.errors import ShowdownError

app = typer.Typer(
    name="python -m core",
    help="Run the same model in TensorFlow and PyTorch on this machine, and learn which is faster, and why.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(doctor)
app.command()(compare)
app.command("new-workload")(new_workload)
app.command()(exports)
app.command("list")(list_comparisons)
app.command()(show)
app.command()(cancel)
app.command()(delete)
app.command()(trace)
app.command("trace-diff")(trace_diff)
app.command()(report)
app.command()(bundle)
app.command("import")(import_bundle)
app.command("log-mlflow")(log_mlflow)
app.command()(tensorboard)
app.add_typer(sweep_app, name="sweep")
app.add_typer(claims_app, name="claims")
app.command(hidden=True)(referee)


def main() -> None:
    """Run a command; what the user can mend is one sentence and exit code 2."""
    try:
        app()
    except ShowdownError as error:
        Console(stderr=True, soft_wrap=True, highlight=False).print(f"[red]error:[/red] {_escape(str(error))}")
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(1)


def _escape(text: str) -> str:
    return text.replace("[", "\\[")

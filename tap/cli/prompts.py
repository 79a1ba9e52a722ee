"""`tap prompts …`: the prompt store from a shell."""

from __future__ import annotations

import shutil
import sys
import threading
from contextlib import nullcontext
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from tap.cli.command import Command
from tap.cli.prompts_io import hand_over, opened, printing, say, show_changes, show_list, show_one, tracked
from tap.cli.values import duration, json_value, text_from_stdin, whole_number
from tap.store import UNSET, AllLeased, ClientSettings, NothingPending, Priority, Status, Ticket, WorkReport
from tap.store.fields import prompt_fields
from tap.store.signals import stopped_by_signals
from tap.store.stream import Start

_HELP = """Store, find, hand out and finish prompts.

The table is --table, else the one that --outputs names (TAP_TABLE and TAP_OUTPUTS where neither is given).
On a terminal you get tables; with --json, or in a pipe, JSON lines.

Exit status:
0  done
1  an error: AWS, network, files
2  wrong usage or input
3  no such prompt
4  the prompt is not what you supposed, or the lease is lost
5  nothing to claim now
6  done, but lines or items were left out

Example: tap prompts create 'Review the code' code_review --priority high
"""
app = typer.Typer(name="prompts", help=_HELP, no_args_is_help=True, pretty_exceptions_enable=False)


def _unless_outputs_typed(context: typer.Context, table: str | None) -> str | None:
    """What was typed wins over the environment: --outputs over TAP_TABLE. (Typed options are read first.)"""
    sources = [context.get_parameter_source(name) for name in ("table", "outputs")]
    names = [source.name if source else "" for source in sources]
    return None if names == ["ENVIRONMENT", "COMMANDLINE"] else table


Table = Annotated[
    str | None,
    typer.Option(
        envvar="TAP_TABLE",
        help="The table's name; needs AWS_REGION.",
        metavar="NAME",
        callback=_unless_outputs_typed,
    ),
]
Outputs = Annotated[
    Path,
    typer.Option(envvar="TAP_OUTPUTS", help="From `cdktf deploy --outputs-file` or `terraform output -json`."),
]
Stack = Annotated[str | None, typer.Option(help="The stack, if the outputs hold several.", metavar="NAME")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON lines, also on a terminal.", metavar="")]
PromptId = Annotated[str, typer.Argument(metavar="ID", show_default=False, help="The prompt's id.")]
TaskType = Annotated[str | None, typer.Option("--type", help="Only prompts of this type.", metavar="TYPE")]
Token = Annotated[str, typer.Option("--token", help="What `claim` gave you.", metavar="TOKEN")]
Result = Annotated[Any, typer.Option("--result", parser=json_value, metavar="JSON", help="Any JSON, or @FILE with it.")]
Lease = Annotated[timedelta, typer.Option(parser=duration, metavar="DURATION", help="90s, 5m, 2h …")]
OUTPUTS = Path("outputs.json")


@app.command(epilog="Example: tap prompts create 'Review the code' code_review --priority high")
def create(
    text: Annotated[str, typer.Argument(help="The prompt; - reads it from standard input.")],
    task_type: Annotated[str, typer.Argument(help="What kind of work it is; workers can choose by it.")],
    priority: Annotated[Priority, typer.Option(help="High goes first.")] = "medium",
    prompt_id: Annotated[str | None, typer.Option("--id", help="Yours, to repeat safely.")] = None,
    expires_in: Annotated[
        timedelta, typer.Option(parser=duration, metavar="DURATION", help="How long it lives: 90s, 5m, 2h, 30d.")
    ] = "30d",  # type: ignore[assignment]
    max_attempts: Annotated[
        int | None,
        typer.Option(parser=whole_number(1, 1_000_000), metavar="N", help="Claims before it fails for good (5)."),
    ] = None,
    table: Table = None,
    outputs: Outputs = OUTPUTS,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Store a pending prompt and print it."""
    with opened(table, outputs, stack) as store:
        prompt = store.create(
            text_from_stdin() if text == "-" else text,
            task_type,
            priority,
            prompt_id=prompt_id,
            expires_in=expires_in,
            max_attempts=max_attempts,
        )
        show_one(prompt_fields(prompt), as_json=as_json)


@app.command(epilog="Example: tap prompts get 0b8f7a52-8a6e-4a6e-9d55-0f1d2c3b4a59")
def get(
    prompt_id: PromptId,
    table: Table = None,
    outputs: Outputs = OUTPUTS,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Print a prompt."""
    with opened(table, outputs, stack) as store:
        show_one(prompt_fields(store.get(prompt_id)), as_json=as_json)


@app.command(epilog="""Example: tap prompts update ID completed --result '{"score": 0.95}'""")
def update(
    prompt_id: PromptId,
    status: Annotated[Status, typer.Argument(help="The new one.")],
    result: Result = None,
    expected: Annotated[Status | None, typer.Option(help="Only if it has this status now.")] = None,
    more_attempts: Annotated[
        int | None,
        typer.Option(parser=whole_number(1, 1_000_000), metavar="N", help="With pending: so many claims more."),
    ] = None,
    table: Table = None,
    outputs: Outputs = OUTPUTS,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Set a prompt's status by hand; it overrides a claim."""
    with opened(table, outputs, stack) as store:
        prompt = store.update_status(
            prompt_id,
            status,
            _given(result),
            expected_status=expected,
            more_attempts=more_attempts,
        )
        show_one(prompt_fields(prompt), as_json=as_json)


@app.command("list", epilog="Example: tap prompts list --status pending --priority high --limit 20")
def list_(
    status: Annotated[Status | None, typer.Option(help="Only prompts with this status.")] = None,
    task_type: TaskType = None,
    priority: Annotated[Priority | None, typer.Option(help="Only prompts of this priority.")] = None,
    limit: Annotated[int | None, typer.Option(parser=whole_number(1), metavar="N", help="Stop after so many.")] = None,
    table: Table = None,
    outputs: Outputs = OUTPUTS,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Print the prompts that match, in no order."""
    with opened(table, outputs, stack) as store:
        found = store.list(status=status, task_type=task_type, priority=priority)
        show_list(found, limit, as_json=as_json)


@app.command(epilog="Example: tap prompts claim worker-1 --lease 10m   (exit status 5: nothing to do now)")
def claim(
    worker: Annotated[str, typer.Argument(help="Who takes it.")],
    lease: Lease = "5m",  # type: ignore[assignment]
    task_type: TaskType = None,
    table: Table = None,
    outputs: Outputs = OUTPUTS,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Take a pending prompt, or one whose lease ran out, and print it with the token that proves it."""
    if sys.__stdout__ is None:
        say("Standard output is closed, and a claim without its token is of no use: nothing was claimed.", status=1)
    with opened(table, outputs, stack) as store:
        taken = store.claim(worker, lease=lease, task_type=task_type)
        if isinstance(taken, NothingPending):
            say("Nothing is pending.", status=5)
        elif isinstance(taken, AllLeased):
            say(f"Others hold what there is; the first lease ends {taken.until.isoformat()}.", status=5)
        else:
            held = taken
            fields = prompt_fields(held.prompt) | {"token": held.token}
            hand_over(fields, lambda: store.release(held), as_json=as_json)


@app.command(epilog="Example: tap prompts work worker-1 --drain -- ./summarise.sh")
def work(
    worker: Annotated[str, typer.Argument(help="Who works.")],
    command: Annotated[list[str], typer.Argument(help="A program and its arguments, after --.", metavar="COMMAND…")],
    lease: Lease = "5m",  # type: ignore[assignment]
    task_type: TaskType = None,
    concurrency: Annotated[int, typer.Option(parser=whole_number(1, 1000), metavar="N", help="Prompts at a time.")] = 1,
    drain: Annotated[bool, typer.Option("--drain", help="End when nothing is free.", metavar="")] = False,
    once: Annotated[bool, typer.Option("--once", help="End after one prompt.", metavar="")] = False,
    grace: Annotated[
        timedelta, typer.Option(parser=duration, metavar="DURATION", help="For the program after SIGTERM or Ctrl-C.")
    ] = "30s",  # type: ignore[assignment]
    table: Table = None,
    outputs: Outputs = OUTPUTS,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Run a program for each prompt: the prompt as JSON on its standard input, the result as JSON from its output.

    Its exit status decides. 0: completed. 65: failed for good, with what it wrote to standard error. Anything else, or
    an output that is not JSON: released for another attempt, and failed after the last one.
    """
    if shutil.which(command[0]) is None:
        say(f"There is no program {command[0]!r} that can be run.", status=2)
    stop = threading.Event()
    with opened(table, outputs, stack) as store:
        run = Command(command, stop, grace.total_seconds())
        report = store.work(
            run, worker, lease=lease, task_type=task_type, concurrency=concurrency, drain=drain, once=once, stop=stop
        )
        if once and report == WorkReport():
            say("Nothing is free to claim.", status=5)
        show_one(asdict(report), as_json=as_json)


@app.command(epilog="Example: tap prompts watch --checkpoint watch.json | jq .change")
def watch(
    start: Annotated[Start, typer.Option("--from", help="Begin now, or with the oldest record (24 hours).")] = "now",
    checkpoint: Annotated[Path | None, typer.Option(help="Keeps how far it came; a second run goes on there.")] = None,
    table: Table = None,
    outputs: Outputs = OUTPUTS,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Print what happens to prompts until Ctrl-C or SIGTERM: a line for each change, from the table's stream."""
    stop = threading.Event()
    with opened(table, outputs, stack) as store, stopped_by_signals(stop):
        show_changes(store.changes(start=start, checkpoint=checkpoint, stop=stop), as_json=as_json)


@app.command(epilog="Example: tap prompts extend ID --token TOKEN --lease 10m")
def extend(
    prompt_id: PromptId,
    token: Token,
    lease: Lease = "5m",  # type: ignore[assignment]
    table: Table = None,
    outputs: Outputs = OUTPUTS,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Move a claim's end to --lease from now."""
    with opened(table, outputs, stack) as store:
        until = store.extend(Ticket(prompt_id, token), lease=lease)
        show_one({"id": prompt_id, "lease_until": until.isoformat()}, as_json=as_json)


@app.command(epilog="""Example: tap prompts complete ID --token TOKEN --result '{"score": 0.95}'""")
def complete(
    prompt_id: PromptId,
    token: Token,
    result: Result = None,
    table: Table = None,
    outputs: Outputs = OUTPUTS,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Finish a claimed prompt with its result."""
    with opened(table, outputs, stack) as store:
        prompt = store.complete(Ticket(prompt_id, token), _given(result))
        show_one(prompt_fields(prompt), as_json=as_json)


@app.command(epilog="""Example: tap prompts fail ID --token TOKEN --result '"no such repository"'""")
def fail(
    prompt_id: PromptId,
    token: Token,
    result: Result = None,
    table: Table = None,
    outputs: Outputs = OUTPUTS,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Finish a claimed prompt as failed, for good."""
    with opened(table, outputs, stack) as store:
        prompt = store.fail(Ticket(prompt_id, token), _given(result))
        show_one(prompt_fields(prompt), as_json=as_json)


@app.command(epilog="Example: tap prompts release ID --token TOKEN")
def release(
    prompt_id: PromptId,
    token: Token,
    table: Table = None,
    outputs: Outputs = OUTPUTS,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Give a claimed prompt back: pending again, at once."""
    with opened(table, outputs, stack) as store:
        held = Ticket(prompt_id, token)
        show_one(prompt_fields(store.release(held)), as_json=as_json)


@app.command(epilog="Example: tap prompts delete ID")
def delete(prompt_id: PromptId, table: Table = None, outputs: Outputs = OUTPUTS, stack: Stack = None) -> None:
    """Delete a prompt, whatever its status."""
    with opened(table, outputs, stack) as store:
        store.delete(prompt_id)


@app.command("import", epilog="Example: tap prompts import prompts.ndjson   (after a kill: the same again)")
def import_(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="NDJSON; - is standard input.")],
    rejects: Annotated[Path | None, typer.Option(help="Where bad lines go (FILE.import-….rejects); replaced.")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="Where it keeps how far it came (beside FILE).")] = None,
    workers: Annotated[int, typer.Option(parser=whole_number(1, 64), metavar="N", help="Connections at a time.")] = 16,
    again: Annotated[bool, typer.Option("--again", help="Also if the file was imported before.", metavar="")] = False,
    table: Table = None,
    outputs: Outputs = OUTPUTS,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Import prompts, one JSON object per line; {"prompt_text": …, "task_type": …} is enough.

    A prompt that exists is never overwritten.
    How far it came is kept beside FILE, or in --checkpoint: after a kill the same command goes on.
    A file that was imported completely is not imported twice, and of one that grew only the new lines.
    """
    from_stdin = str(source) == "-"
    a_stream = from_stdin or (source.exists() and not source.is_file())
    settings = ClientSettings(connections=2 * workers)
    resumable = "Interrupted. The import goes on where it stopped when you run it again."
    interrupted = "Interrupted." if a_stream else resumable
    with opened(table, outputs, stack, settings, interrupted) as store, tracked("Importing") as progress:
        report = store.import_prompts(
            sys.stdin.buffer if from_stdin else source,
            rejects=rejects or (Path("stdin.rejects") if a_stream else None),
            checkpoint=checkpoint,
            workers=workers,
            again=again,
            on_progress=lambda so_far: progress(so_far.offset, so_far.size, f"{so_far.lines:,} lines"),
        )
    fields = {name: getattr(report, name) for name in ("lines", "imported", "existing", "rejected", "resumed_at")}
    if report.finished_before:
        fields["note"] = "This very file was imported before; nothing was done (--again imports it once more)."
        say(fields["note"])
    show_one(fields, as_json=as_json)
    if report.finished_before and report.rejects:
        say(f"Lines that could not be imported then are in {report.rejects}.", status=6)
    if report.rejected:
        say(f"{report.rejected} lines were not imported: see {report.rejects}.", status=6)


@app.command(epilog="Example: tap prompts reindex   (after a kill: the same again)")
def reindex(
    checkpoint: Annotated[
        Path | None, typer.Option(help="Where it keeps how far it came (TABLE.reindex.json in this folder).")
    ] = None,
    workers: Annotated[int, typer.Option(parser=whole_number(1, 64), metavar="N", help="Connections at a time.")] = 16,
    table: Table = None,
    outputs: Outputs = OUTPUTS,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Give each unfinished prompt its entry in the claim index, after claim_index_enabled was switched on.

    Safe beside running workers, which find prompts without an entry only a few at a time.
    """
    settings = ClientSettings(connections=2 * workers)
    interrupted = "Interrupted. The reindex goes on where it stopped when you run it again."
    with opened(table, outputs, stack, settings, interrupted) as store, tracked("Reindexing") as progress:
        report = store.reindex(
            checkpoint=checkpoint or f"{store.table_name}.reindex.json",
            workers=workers,
            on_progress=lambda so_far: progress(0, 0, f"{so_far.items:,} items"),
        )
    show_one(asdict(report), as_json=as_json)
    if report.refused:
        say(f"{report.refused} prompts have no room for an entry (DynamoDB's 400 KB) and wait for a sweep.", status=6)


@app.command(epilog="Example: tap prompts export backup.ndjson; tap prompts export - | jq .status")
def export(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="NDJSON; - is standard output.")],
    segments: Annotated[int, typer.Option(parser=whole_number(1, 64), metavar="N", help="Parallel scans.")] = 4,
    table: Table = None,
    outputs: Outputs = OUTPUTS,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Export all living prompts, one JSON object per line."""
    to_stdout = str(target) == "-"
    with (
        opened(table, outputs, stack) as store,
        tracked("Exporting") as progress,
        printing() if to_stdout else nullcontext(),
    ):
        report = store.export_prompts(
            sys.stdout.buffer if to_stdout else target,
            segments=segments,
            on_progress=lambda so_far: progress(0, 0, f"{so_far.exported:,} prompts"),
        )
    if not to_stdout:
        show_one({"exported": report.exported, "unreadable": report.unreadable}, as_json=as_json)
    if report.unreadable:
        ids = ", ".join(report.unreadable_ids)
        say(f"{report.unreadable} items are no prompts and were left out: {ids}.", status=6)


def _given(result: Any) -> Any:
    """--result comes wrapped in a list, so that null is not "none given"."""
    return UNSET if result is None else result[0]

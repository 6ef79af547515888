"""`bff`: one file a command. What a command cannot do it says in one sentence, with the mend, and exits with 2."""

import sys

import typer

from bff.commands import break_, call, check, demo, dev, keys, new, openapi, plan, schema, serve, settings, token, top
from bff.commands.console import errors, escape
from bff.errors import Refusal

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
app.command("serve")(serve.serve)
app.command("dev")(dev.dev)
app.command("demo")(demo.demo)
app.command("check")(check.check)
app.command("plan")(plan.plan)
app.command("call")(call.call)
app.add_typer(new.app, name="new")
app.command("schema")(schema.schema)
app.command("openapi")(openapi.openapi)
app.command("settings")(settings.settings)
app.command("token")(token.token)
app.add_typer(keys.app, name="keys")
app.command("top")(top.top)
app.command("break")(break_.break_)
app.command("heal")(break_.heal)


def main() -> None:
    """The console script."""
    try:
        app()
    except Refusal as refusal:
        for fault in refusal.faults:
            errors.print(f"[red]refused[/] {escape(fault)}", highlight=False, soft_wrap=True)
        sys.exit(2)

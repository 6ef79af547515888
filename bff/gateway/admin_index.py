"""The first admin page: every app, its screens and their sections, and where to read on."""

from collections.abc import Mapping, Sequence
from html import escape

from bff.apps import App
from bff.composition.plan import Step
from bff.faces.openapi_screen import Documented
from bff.faces.screen import ServedScreen
from bff.gateway.admin_pages import fill

# Pages that the server itself answers on this listener.
OWN = ("/livez", "/readyz", "/stats", "/metrics")

_APP = """<section class="app"><header><h2>{title}</h2><code class="prefix">{prefix}</code><span class="doors">
<a class="door first" href="/docs/{name}">REST docs</a><a class="door first" href="/graphiql/{name}">GraphiQL</a>
<a class="door" href="/openapi/{name}.json">openapi.json</a><a class="door" href="/schema/{name}.graphql">schema.graphql</a>
</span></header><div class="wide"><table><thead><tr><th>Screen</th><th>Sections</th><th>Who</th><th>Budget</th></tr></thead>
<tbody>{rows}</tbody></table></div></section>"""
_ROW = """<tr><td class="path"><a href="/docs/{app}#/{app}/{name}"><code>{path}</code></a></td><td>{sections}</td>
<td>{who}</td><td class="budget">{budget} ms</td></tr>"""


def index_page(screens: Mapping[App, Sequence[ServedScreen]]) -> str:
    """The page; every word of a screen is escaped."""
    apps = "\n".join(_app(app, found) for app, found in screens.items())
    own = "".join(f'<a href="{path}"><code>{path}</code></a>' for path in OWN)
    return fill("index.html", {"apps": apps, "own": own})


def _app(app: App, screens: Sequence[ServedScreen]) -> str:
    rows = "\n".join(_row(app, served) for served in screens)
    title = escape(app.title or app.name)
    return _APP.format(title=title, prefix=escape(app.prefix), name=escape(app.name), rows=rows)


def _row(app: App, served: ServedScreen) -> str:
    screen, documented = served.screen, Documented(app, served)
    scopes = " ".join(f"<code>{escape(scope)}</code>" for scope in sorted(screen.scopes))
    return _ROW.format(
        app=escape(app.name),
        name=escape(documented.name),
        path=escape(documented.path),
        sections="".join(_chip(step) for step in served.plan.steps if step.shown),
        who=scopes or ("anyone" if screen.guests else "identified"),
        budget=round(screen.budget * 1000),
    )


def _chip(step: Step) -> str:
    kind = "chip required" if step.required else "chip"
    return f'<span class="{kind}" title="{escape(", ".join(step.services))}">{escape(step.key)}</span>'

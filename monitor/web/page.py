"""The status page: values -> HTML, everything escaped, no script. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import jinja2

from monitor import model


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows. decisions: of the last day, by kind. outbox: by channel and state."""

    at: datetime
    feeds: tuple[model.Feed, ...]
    alerts: tuple[model.Alert, ...]
    decisions: Mapping[str, int]
    waiting: int
    outbox: Mapping[tuple[str, str], int]


def render(shown: Shown) -> str:
    """Return the page."""
    return _PAGE.render(shown=shown)


STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin-bottom: 2rem; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8884; vertical-align: top; }
td { overflow-wrap: anywhere; }
.bad { color: #c0392b; }
"""

_PAGE = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string("""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>monitor</title><link rel="stylesheet" href="style.css"></head>
<body>
<h1>monitor</h1>
<p>{{ shown.at.strftime("%Y-%m-%d %H:%M:%S UTC") }}. {{ shown.waiting }} entries wait to be decided.
Last 24 hours:{% for kind, count in shown.decisions.items() %} {{ count }} {{ kind }}{{ "," if not loop.last }}
{%- else %} no entry matched a rule{% endfor %}.</p>
<h2>Alerts</h2>
<table><tr><th>Alert</th><th>Level</th><th>Headline</th><th>Story</th><th>At (UTC)</th></tr>
{%- for alert in shown.alerts %}
<tr><td>A-{{ alert.id }}</td><td>{{ alert.level.value }}</td><td>{{ alert.entry.title }} ({{ alert.entry.outlet }})</td>
<td>{{ alert.kind.value }}: {{ alert.story.title }}</td><td>{{ alert.created_at.strftime("%d %b %H:%M") }}</td></tr>
{%- else %}
<tr><td colspan="5">none yet</td></tr>
{%- endfor %}
</table>
<h2>Messages</h2>
<table><tr><th>Channel</th><th>State</th><th>Count</th></tr>
{%- for (channel, state), count in shown.outbox.items() %}
<tr><td>{{ channel }}</td><td>{{ state }}</td><td>{{ count }}</td></tr>
{%- else %}
<tr><td colspan="3">none yet</td></tr>
{%- endfor %}
</table>
<h2>Feeds</h2>
<table><tr><th>Feed</th><th>Status</th><th>Next poll (UTC)</th><th>Why then</th><th>Last error</th></tr>
{%- for feed in shown.feeds %}
<tr><td>{{ feed.name }}</td><td{% if feed.failures %} class="bad"{% endif %}>{{ feed.status.value }}
{%- if feed.failures %}, failed {{ feed.failures }} times{% endif %}</td>
<td>{{ feed.next_poll_at.strftime("%d %b %H:%M:%S") if feed.next_poll_at else "" }}</td>
<td>{{ feed.why }}</td><td>{{ feed.last_error or "" }}</td></tr>
{%- else %}
<tr><td colspan="5">no feeds: add one with <code>monitor feeds add URL</code></td></tr>
{%- endfor %}
</table>
</body></html>
""")

"""Channels of every form, and how to read what is rendered for them, for the tests of rendering."""

from html.parser import HTMLParser
from typing import Any

from monitor import model, render
from tests.builders import a_channel, a_match, a_rule, an_alert, an_entry

MAIL = a_channel(url="mailto://desk@example.org")
SLACK = a_channel(url="slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7Q4")
WEBHOOK = a_channel(url="json://localhost/hook")
TERMINAL = a_channel()
DISCORD = a_channel(url="discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js")
ALL = (MAIL, SLACK, WEBHOOK, TERMINAL, DISCORD)
KEY = "alert:7:desk"

IN_SUMMARY = (
    model.Evidence(model.Field.SUMMARY, 32, 48, "impose sanctions", "sanction*"),
    model.Evidence(model.Field.SUMMARY, 56, 65, "arms deal", "arms deal"),
)


def message(alert: model.Alert | None = None, channel: model.Channel = MAIL, thread: str = "") -> model.Message:
    """Render with plain defaults."""
    return render.alert(alert or an_alert(), channel, key=KEY, thread=thread)


def visible(html: str) -> str:
    """Return the text that a reader of an HTML document sees."""

    class Reader(HTMLParser):
        seen = ""
        hidden = False

        def handle_starttag(self, tag: str, attrs: Any) -> None:  # noqa: ARG002
            self.hidden = tag in {"style", "title"}

        def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
            self.hidden = False

        def handle_data(self, data: str) -> None:
            if not self.hidden:
                self.seen += data

    reader = Reader()
    reader.feed(html)
    return " ".join(reader.seen.split())


def slack_texts(data: Any) -> list[str]:
    """Return every text object of a Slack payload."""
    if isinstance(data, dict):
        own = [data["text"]] if data.get("type") in {"mrkdwn", "plain_text"} else []
        return own + [text for value in data.values() for text in slack_texts(value)]
    return [text for value in data for text in slack_texts(value)] if isinstance(data, list) else []


def some_alerts(count: int) -> list[model.Alert]:
    """Return alerts of two rules, the third of each four an update."""
    arms = (a_match(a_rule(id="arms-deal", title="Arms deal", level=model.Level.MEDIUM)),)
    return [
        an_alert(
            id=n,
            entry=an_entry(title=f"Headline number {n}."),
            kind=model.Kind.UPDATE if n % 4 == 3 else model.Kind.NEW,
            **({"matches": arms, "level": model.Level.MEDIUM} if n % 2 else {}),
        )
        for n in range(1, count + 1)
    ]

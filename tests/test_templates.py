"""A channel's own templates: filled with data, tried when they are read, and never in the way of an alert."""

from pathlib import Path

import pytest

from monitor import config, errors, model, render
from monitor.render import custom
from monitor.render.view import view
from monitor.store import engine
from tests.builders import a_channel, an_alert, an_entry
from tests.desk import Desk
from tests.rendering import DISCORD, KEY, MAIL, SLACK, TERMINAL, message

HOSTILE = "{{ 7 * 7 }} <!channel> @everyone <b>&\r\nBcc: all@example.org"


def own(channel: model.Channel, alert: model.Alert | None = None, **templates: str) -> model.Message:
    """Render an alert for a channel with templates."""
    changed = a_channel(url=channel.url, templates=model.Templates(**templates))
    return render.alert(alert or an_alert(), changed, key=KEY)


def test_a_template_replaces_its_part_alone() -> None:
    """What has no template keeps the built-in form."""
    told = own(MAIL, subject="{{ alert.level | upper }} for {{ channel }}: {{ alert.title }}")
    assert told.subject == "HIGH for desk: US warns Pyongyang and Moscow of new sanctions"
    assert (told.text, told.html) == (message().text, message().html)


def test_text_and_html_are_replaced() -> None:
    """Text and HTML have templates of their own; in HTML the matched words are marked."""
    told = own(MAIL, text="{{ alert.ref }}: {{ alert.why[0] }}", html="<p>{{ alert.title }}: {{ alert.snippet }}</p>")
    assert told.text == "A-7: Sanctions threat (high): warns, sanctions"
    assert told.html.startswith("<p>US warns Pyongyang and Moscow of new sanctions: Washington will not")


@pytest.mark.parametrize("name", list(custom.values(view(an_alert(), MAIL), an_alert(), str)))
def test_every_name_can_be_used_and_is_documented(name: str) -> None:
    """Each name of an alert can stand in a template, and the page has it."""
    page = (Path(__file__).parent.parent / "docs" / "channels.md").read_text(encoding="utf-8")
    assert f"`alert.{name}`" in page
    assert render.complaint("text", f"it is {{{{ alert.{name} }}}}") is None


def test_feed_text_is_data() -> None:
    """Feed text in a template is not a template, no markup, no mention and no header."""
    alert = an_alert(entry=an_entry(title=HOSTILE, summary=""))
    templates = {"subject": "{{ alert.title }}", "text": "{{ alert.title }}", "html": "<i>{{ alert.title }}</i>"}
    mail, slack, chat = (own(channel, alert, **templates) for channel in (MAIL, SLACK, DISCORD))
    assert "{{ 7 * 7 }}" in mail.text
    assert "\n" not in mail.subject
    assert "&lt;b&gt;&amp;" in mail.html
    assert "<b>" not in mail.html
    assert "<!" not in str(slack.data)
    assert "@everyone" not in str(slack.data)
    assert "@everyone" not in chat.text


def test_the_operators_own_markup_stands() -> None:
    """What the operator writes is theirs: a mention in the template calls somebody."""
    told = own(SLACK, text="<!here> *{{ alert.title }}*")
    assert told.data["blocks"][0]["text"]["text"].startswith("<!here> *US warns")  # type: ignore[index]
    assert own(DISCORD, text="@here {{ alert.title }}").text.startswith("@here US warns")


def test_a_long_text_is_cut_for_its_service() -> None:
    """What a template makes is cut to what the service takes."""
    assert len(own(DISCORD, text="{{ alert.title }} " * 200).text) <= 1_600
    assert len(own(TERMINAL, text="{{ alert.title * 9000 }}").text) <= 20_000


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ alert.titel }}", "'dict object' has no attribute 'titel'"),
        ("{% if %}", "line 1: Expected an expression, got 'end of statement block'"),
        ("one\n{{ alert.title", "line 2: unexpected end of template, expected 'end of print statement'."),
        ("{{ alert.others[0] }}", "no"),
        ("{{ ''.__class__.__mro__ }}", "access to attribute '__class__' of 'str' object is unsafe."),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{% include 'x' %}", "no loader for this environment specified"),
        ("{% if alert.is_update %}x{% endif %}", "it comes out empty"),
    ],
)
def test_a_template_that_cannot_be_filled_is_told(source: str, said: str) -> None:
    """A mistake in a template is told in one line when it is read."""
    complaint = render.complaint("text", source)
    assert complaint is not None
    assert said in complaint


CHANNEL = '[[channels]]\nname = "desk"\nurl = "stdout://"\n'


def loaded(folder: Path, text: str) -> config.Settings:
    """Load a configuration."""
    (folder / "config.toml").write_text(text, encoding="utf-8")
    return config.load(folder / "config.toml")


def test_templates_are_read_from_files(tmp_path: Path) -> None:
    """text_file and html_file start at the configuration's folder, and are watched."""
    (tmp_path / "desk.txt").write_text("{{ alert.ref }}", encoding="utf-8")
    settings = loaded(tmp_path, CHANNEL + '[channels.templates]\ntext_file = "desk.txt"\n')
    assert settings.all_channels[0].templates == model.Templates(text="{{ alert.ref }}")
    assert settings.template_paths == (tmp_path / "desk.txt",)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (
            'text = "{{ alert.titel }}"',
            "config.toml:5: [[channels]] number 1 text: this template cannot be filled: 'dict ",
        ),
        ('html_file = "no.html"', "config.toml:5: FOLDER/no.html cannot be read: No such file or directory"),
        ('text = "x"\ntext_file = "y"', "config.toml:6: text and text_file are both given; keep one"),
        ('txt = "x"', "config.toml:5: unknown key 'txt' (did you mean 'text'?)"),
    ],
)
def test_a_wrong_template_is_a_complaint_about_the_configuration(tmp_path: Path, table: str, said: str) -> None:
    """What is wrong with a template is named with file and line when the configuration is read."""
    with pytest.raises(errors.ConfigError) as caught:
        loaded(tmp_path, f"{CHANNEL}[channels.templates]\n{table}\n")
    assert str(caught.value).replace(str(tmp_path), "FOLDER").removeprefix("FOLDER/").startswith(said)


def test_a_template_that_fails_costs_no_alert(sqlite_store: engine.Store) -> None:
    """The alert goes out in the built-in form, and the operator is told once."""
    desk = Desk(
        sqlite_store,
        a_channel(templates=model.Templates(text="{{ alert.others[3] }}")),
        a_channel(name="ops", operator=True),
    )
    desk.alert()
    desk.alert()
    desk.run()
    desk.run()
    assert all("Story: new story" in told.text for name, told in desk.sender.sent if name == "desk")
    (told,) = [told for name, told in desk.sender.sent if name == "ops"]
    assert told.subject == "[monitor] the template of channel desk cannot be filled"

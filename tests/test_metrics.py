"""What Prometheus scrapes, and what is written in its language: the names agree."""

import json
import math
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from monitor import model, tally
from monitor.store import engine, facts
from monitor.web import metrics
from tests import builders, stored

ROOT = Path(__file__).parent.parent
NOW = builders.NOON
_WORDS = re.compile(r"\b((?:monitor|process|python)_[a-z_]+)\b")


def test_a_scrape_is_read_by_prometheus_itself(store: engine.Store) -> None:
    """Its own parser takes all of it: each family once, with a type and a help text that is a sentence."""
    families = _scraped(store)
    names = [family.name for family in families]
    assert len(names) == len(set(names))
    for family in families:
        assert family.type in {"counter", "gauge", "histogram"}, family.name
        if family.name.startswith("monitor_"):
            assert re.fullmatch(r"[A-Z].*\.", family.documentation), family.name


def test_names_follow_the_conventions(store: engine.Store) -> None:
    """Counters end in _total, times are in seconds, sizes in bytes, and no label bears a feed's words."""
    for family in _scraped(store):
        if not family.name.startswith("monitor_"):
            continue
        assert re.fullmatch(r"monitor(_[a-z]+)+", family.name)
        labels = {label for sample in family.samples for label in sample.labels}
        assert labels <= {
            *("outcome", "change", "rule", "kind", "channel", "verdict", "reason", "level", "le", "state", "status"),
            *("tick", "why", "fingerprint", "version", "python"),
        }, family.name
        if family.type == "histogram":
            assert family.name.endswith("_seconds"), family.name


def test_what_waits_is_told_with_its_age(store: engine.Store) -> None:
    """Queues, ages and health come from the store, whichever worker is asked."""
    stored.add_entries(store, "Oslo ministry warns of sanctions", at=NOW - timedelta(minutes=5))
    with store.write() as tx:
        facts.put(tx, "heartbeat", {"pid": 1}, NOW - timedelta(seconds=7))
    found = _values(store)
    assert found["monitor_store_up"] == 1
    assert found['monitor_feeds{status="active"}'] == 1
    assert found["monitor_entries_pending"] == 1
    assert found["monitor_entry_oldest_pending_seconds"] == 300
    assert found["monitor_heartbeat_age_seconds"] == 7
    assert found["monitor_store_size_bytes"] > 0


def test_a_feed_that_is_due_and_one_that_fails_are_counted(store: engine.Store) -> None:
    """Failing and overdue feeds are up to date at each scrape."""
    stored.add_feeds(store, "Wire", "Herald", now=NOW - timedelta(minutes=20))
    claimed = stored.claim_feed(store, "Wire")
    stored.save(store, stored.a_record(claimed, model.Polled.FAILED, at=NOW, error="503"))
    found = _values(store)
    assert found["monitor_feeds_failing"] == 1
    assert found["monitor_feeds_due"] == 1
    assert found["monitor_feed_overdue_seconds"] == 1200


def test_a_database_that_is_away_leaves_the_counters(tmp_path: Path) -> None:
    """The scrape goes on: it says that the store is away, and what this process counted."""
    gone = engine.open_store(f"sqlite:///{tmp_path}/monitor.db")
    found = _values(gone)  # it has no tables
    assert found["monitor_store_up"] == 0
    assert "monitor_feeds_failing" not in found
    assert 'monitor_polls_total{outcome="new"}' in found
    gone.close()


def test_counters_only_rise(store: engine.Store) -> None:
    """Two scrapes with work between them: no counter fell."""
    before = _values(store)
    tally.polled((), (), entries=2, edits=1)
    after = _values(store)
    counters = [name for name in before if "_total" in name and name.startswith("monitor_")]
    assert counters
    assert all(after[name] >= before[name] for name in counters)
    assert sum(after[name] - before[name] for name in counters) == 3


def test_every_name_in_the_alert_rules_exists(store: engine.Store) -> None:
    """An expression over a metric that is not there would never fire."""
    known = _sample_names(store)
    for alert in _alerts():
        assert _names(alert["expr"]) <= known, alert["alert"]


def test_every_name_in_the_dashboard_exists(store: engine.Store) -> None:
    """So does a panel: it would stay empty."""
    known = _sample_names(store)
    expressions = [target["expr"] for panel in _panels() for target in panel.get("targets", ())]
    assert len(expressions) > 30
    assert {expression for expression in expressions if not _names(expression) <= known} == set()


def test_every_metric_of_ours_is_watched_by_somebody(store: engine.Store) -> None:
    """Each family stands on the dashboard or in an alert; what nobody looks at is not worth counting."""
    told = "".join(target["expr"] for panel in _panels() for target in panel.get("targets", ()))
    told += "".join(alert["expr"] for alert in _alerts())
    ours = {family.name for family in _scraped(store) if family.name.startswith("monitor_")}
    unseen = {"monitor_config_last_reload_success_timestamp_seconds"}  # for people who ask when
    assert {name for name in ours - unseen if name not in told} == set()


def test_every_label_in_an_expression_is_one_of_its_metric(store: engine.Store) -> None:
    """A matcher for a label value that is never written matches nothing."""
    known = {(name, value) for name, values in _label_values(store).items() for value in values}
    for expression in [alert["expr"] for alert in _alerts()] + [
        target["expr"] for panel in _panels() for target in panel.get("targets", ())
    ]:
        for name, value in re.findall(r'\b(outcome|status|change|kind)="([^"]+)"', expression):
            assert (name, value) in known, expression


def test_every_alert_says_what_to_do() -> None:
    """A summary without a next step wakes somebody in vain; severities are the usual three."""
    assert len({alert["alert"] for alert in _alerts()}) == len(list(_alerts()))
    for alert in _alerts():
        assert alert["labels"]["severity"] in {"critical", "warning", "none"}
        summary = alert["annotations"]["summary"]
        assert len(summary) > 60, alert["alert"]
        assert re.search(r"`[^`]+`|Route it|by itself|by themselves|Fewer", summary), alert["alert"]


@pytest.mark.parametrize(
    ("trouble", "watched"),
    [
        ("feeds overdue", "monitor_feed_overdue_seconds"),
        ("messages stuck", "monitor_notification_oldest_pending_seconds"),
        ("a channel that fails", "monitor_channel_failures"),
        ("the daemon down", "up{"),
        ("the disk", "monitor_store_free_bytes"),
        ("no polls", "monitor_polls_total"),
        ("silence itself", "vector(1)"),
    ],
)
def test_every_trouble_that_matters_has_an_alert(trouble: str, watched: str) -> None:
    """Each kind of trouble that ends in a desk that is not told is looked for."""
    assert any(watched in alert["expr"] for alert in _alerts()), trouble


def test_brackets_in_expressions_are_closed() -> None:
    """The least that a parser of the language would complain of."""
    for expression in [alert["expr"] for alert in _alerts()] + [
        target["expr"] for panel in _panels() for target in panel.get("targets", ())
    ]:
        open_ones: list[str] = []
        for char in re.sub(r'"[^"]*"', '""', expression):
            if char in "([{":
                open_ones.append(char)
            elif char in ")]}":
                assert open_ones, expression
                assert "([{".index(open_ones.pop()) == ")]}".index(char), expression
        assert open_ones == [], expression


def test_the_panels_have_places_of_their_own() -> None:
    """No two panels share an id or a spot, and none is wider than the grid."""
    panels = list(_panels())
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        spot = panel["gridPos"]
        cells = {
            (x, y) for x in range(spot["x"], spot["x"] + spot["w"]) for y in range(spot["y"], spot["y"] + spot["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells


def _scraped(store: engine.Store) -> list[Metric]:
    tally.in_force("f00", ["sanctions-threat"], NOW, version="1")
    tally.channel_fares("desk", 0, None)
    return list(text_string_to_metric_families(metrics.scrape(store, NOW).decode()))


def _values(store: engine.Store) -> dict[str, float]:
    """Return samples by name with labels, as Prometheus writes them."""
    found = {}
    for family in _scraped(store):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    assert not any(math.isnan(value) for value in found.values())
    return found


def _label_values(store: engine.Store) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for family in _scraped(store):
        for sample in family.samples:
            for name, value in sample.labels.items():
                found.setdefault(name, set()).add(value)
    return found


def _sample_names(store: engine.Store) -> set[str]:
    """Return every name that an expression may use, those without a sample yet included."""
    names = {"python_info", "process_cpu_seconds_total"}
    for family in _scraped(store):
        names.add(f"{family.name}_total" if family.type == "counter" else family.name)
        if family.type == "histogram":
            names |= {f"{family.name}_{end}" for end in ("bucket", "sum", "count")}
    return names


def _names(expression: str) -> set[str]:
    return set(_WORDS.findall(re.sub(r'"[^"]*"', '""', expression)))


def _alerts() -> Iterator[dict[str, Any]]:
    with (ROOT / "deploy" / "prometheus" / "alerts.yaml").open(encoding="utf-8") as file:
        groups = yaml.safe_load(file)["groups"]
    for group in groups:
        yield from group["rules"]


def _panels() -> Iterator[dict[str, Any]]:
    board = json.loads((ROOT / "deploy" / "grafana" / "monitor.json").read_text(encoding="utf-8"))
    yield from board["panels"]

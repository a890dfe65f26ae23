"""Made-up days with several happenings that resemble each other: what the desk hears of them, and how often."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from importlib import resources

import pytest

from monitor import dedupe, model
from tests import builders, days

MORNING = datetime(2026, 4, 7, tzinfo=UTC)


@pytest.fixture(scope="module", params=["words alone", "with meaning"])
def encoder(request: pytest.FixtureRequest) -> dedupe.Encoder | None:
    """Return the encoder that is shipped, or none."""
    if request.param == "words alone":
        return None
    weights = resources.files("monitor.dedupe").joinpath("data").joinpath("encoder.npz").read_bytes()
    return dedupe.Encoder(weights)


def told(reports: Sequence[days.Report], encoder: dedupe.Encoder | None) -> Iterator[tuple[str, model.Assignment, int]]:
    """Yield for each report its happening, the decision and the story that it came to."""
    index = dedupe.Index(window=timedelta(days=7))
    for number, (happening, hours, title, summary) in enumerate(reports, start=1):
        at = MORNING + timedelta(hours=hours)
        entry = builders.an_entry(
            title=title, summary=summary, published_at=at, first_seen_at=at, url="", outlet=f"Outlet {number}"
        )
        profile = dedupe.profile(entry, encoder=encoder)
        found = index.assign(profile, at)
        story_id = number if found.story_id is None else found.story_id
        index.add(story_id, profile)
        yield happening, found, story_id


@pytest.mark.parametrize("day", days.ALL)
def test_no_happening_of_the_day_is_swallowed(day: str, encoder: dedupe.Encoder | None) -> None:
    """Whatever else was told, the first report of each happening raises an alert."""
    heard = set()
    for happening, found, _ in told(days.ALL[day], encoder):
        if happening not in heard:
            assert found.kind is not model.Kind.DUPLICATE, f"{happening}: {found.because}"
        heard.add(happening)


def test_few_happenings_are_told_twice(encoder: dedupe.Encoder | None) -> None:
    """Of all later reports of these days, at most one in five raises another alert."""
    repeats = later = 0
    for reports in days.ALL.values():
        heard = set()
        for happening, found, _ in told(reports, encoder):
            later += happening in heard
            repeats += happening in heard and found.kind is not model.Kind.DUPLICATE
            heard.add(happening)
    assert later >= 12
    assert repeats <= later / 5

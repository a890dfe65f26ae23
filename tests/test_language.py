"""Languages of headlines that declare none."""

import pytest

from monitor import language
from tests import builders


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The ministry warned on Monday that it would impose new sanctions on the bank", "en"),
        ("La France menace le Niger de nouvelles sanctions, selon le ministère", "fr"),
        ("El presidente viaja a Pekín para reunirse con su homólogo chino", "es"),
        ("Министерство иностранных дел России заявило, что ответит на новые санкции против банков", "ru"),
        ("外務省は新たな制裁を検討していると発表した。", "ja"),
        ("وزارة الخارجية تهدد بفرض عقوبات جديدة على البنوك", "ar"),
    ],
)
def test_a_sentence_tells_its_language(text: str, code: str) -> None:
    """A sentence of news is enough."""
    assert language.detect(text) == code


@pytest.mark.parametrize("text", ["", "Kim Jong Un", "12 345 678", "\ud800"])
def test_what_is_unsure_stays_unknown(text: str) -> None:
    """Names and numbers tell no language."""
    assert language.detect(text) == ""


def test_a_declared_language_is_kept() -> None:
    """Nothing is detected where the feed or the operator has spoken."""
    assert language.told(builders.an_entry(language="de")).language == "de"

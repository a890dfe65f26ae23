"""One form for the many addresses of one page."""

import pytest

from monitor.dedupe import links


@pytest.mark.parametrize(
    "url",
    [
        "https://wire.example/news/17",
        "http://wire.example/news/17/",
        "https://www.wire.example/news/17?utm_source=rss&utm_medium=feed",
        "https://m.wire.example/news/17#comments",
        "https://amp.wire.example/news/17",
        "https://wire.example/news/17/amp",
        "https://wire.example/amp/news/17",
        "https://WIRE.example:443/news/17?fbclid=abc",
        "https://wire-example.cdn.ampproject.org/c/s/wire.example/news/17",
        "https://www.google.com/amp/s/wire.example/news/17",
    ],
)
def test_the_same_page_has_one_form(url: str) -> None:
    """Scheme, mobile and AMP forms, tracking and fragments make no other page."""
    assert links.canonical(url) == "wire.example/news/17"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://wire.example/news/17", "https://wire.example/news/18"),
        ("https://wire.example/?id=17", "https://wire.example/?id=18"),
        ("https://wire.example/news/17", "https://wire.example:8080/news/17"),
        ("https://wire.example/amplitude", "https://wire.example/"),
        ("https://m.com/", "https://wire.example/"),
    ],
)
def test_other_pages_keep_other_forms(one: str, other: str) -> None:
    """What names another page is kept: path, numbers in the query, port."""
    assert links.canonical(one) != links.canonical(other)


@pytest.mark.parametrize(
    "url", ["", "wire", "mailto:desk@wire.example", "http://", "http://[::1", "http://wire.example:port/", "urn:guid:1"]
)
def test_what_is_no_page_has_no_form(url: str) -> None:
    """Broken and foreign addresses are left out instead of compared."""
    assert links.canonical(url) == ""


def test_the_order_of_a_query_is_none() -> None:
    """Parameters are sorted."""
    assert links.canonical("https://wire.example/?b=2&a=1") == links.canonical("https://wire.example/?a=1&b=2")

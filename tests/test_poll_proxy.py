"""Feeds through proxies: what the proxy is asked for, what it may not be asked for, and whose fault it is."""

import socket
from datetime import timedelta

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from monitor import model
from tests import certificates, proxies, servers
from tests.builders import a_feed
from tests.test_poll import BODY, failure, fetch

LOOPBACK = ("127.0.0.1/32",)
LOOKED_UP_HERE, LOOKED_UP_THERE = ("socks5", "socks4"), ("socks5h", "socks4a")


class _Names(AbstractResolver):
    """Our own look-up: `public.example` is on loopback, which a test allows or does not; nothing else exists."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host != "public.example":
            raise OSError(host)
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("scheme", LOOKED_UP_THERE)
def test_a_socks_proxy_looks_names_up_where_its_scheme_says_so(scheme: str) -> None:
    """With `socks5h` and `socks4a` the proxy gets the name and reaches what it is there."""
    with servers.FeedServer() as feeds, proxies.SocksServer(hosts={"inner.example": "127.0.0.1"}) as proxy:
        feeds.put("/a", BODY)
        url = f"http://inner.example:{feeds.port}/a"
        fetched = fetch(a_feed(url=url), proxy=proxy.url(scheme), names=_Names, allow_networks=())
        assert isinstance(fetched, model.Fetched)
        assert fetched.body == BODY
        assert proxy.asked == [f"inner.example:{feeds.port}"]
        assert feeds.requests[0].headers["host"] == f"inner.example:{feeds.port}"


@pytest.mark.parametrize("scheme", LOOKED_UP_HERE)
def test_a_socks_proxy_gets_an_address_that_was_checked(scheme: str) -> None:
    """With `socks5` and `socks4` names are looked up here; the proxy hears of no address that is not public."""
    with servers.FeedServer() as feeds, proxies.SocksServer() as proxy:
        feeds.put("/a", BODY)
        url = f"http://public.example:{feeds.port}/a"
        error = failure(a_feed(url=url), proxy=proxy.url(scheme), names=_Names, allow_networks=())
        assert "public.example leads to an address that is not public" in str(error)
        assert proxy.asked == []
        fetch(a_feed(url=url), proxy=proxy.url(scheme), names=_Names, allow_networks=LOOPBACK)
        assert proxy.asked == [f"127.0.0.1:{feeds.port}"]


@pytest.mark.parametrize("scheme", [*LOOKED_UP_HERE, *LOOKED_UP_THERE, "http"])
@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "[::1]", "[::ffff:10.0.0.1]", "localhost", "a.localhost."])
def test_no_proxy_is_asked_for_an_address_that_is_not_public(scheme: str, host: str) -> None:
    """What stands in a URL is checked whatever the proxy does with names; `localhost` is loopback everywhere."""
    with proxies.SocksServer() as proxy, servers.FeedServer() as plain:
        address = plain.url("") if scheme == "http" else proxy.url(scheme)
        error = failure(a_feed(url=f"http://{host}/a"), proxy=address, names=_Names, allow_networks=())
        assert "not public" in str(error)
        assert (proxy.asked, plain.requests) == ([], [])


def test_a_redirect_behind_a_proxy_is_checked_at_every_hop() -> None:
    """A feed that may be polled through the proxy does not lead it to an address inside."""
    with servers.FeedServer() as feeds, proxies.SocksServer(hosts={"a.example": "127.0.0.1"}) as proxy:
        feeds.redirect("/a", "http://169.254.169.254/latest/meta-data")
        url = f"http://a.example:{feeds.port}/a"
        assert "not public" in str(failure(a_feed(url=url), proxy=proxy.url("socks5h"), allow_networks=()))
        assert proxy.asked == [f"a.example:{feeds.port}"]


def test_a_socks_proxy_gets_its_user_and_password() -> None:
    """What stands in the proxy's URL opens it; a wrong password is the proxy's complaint, and is not shown."""
    with servers.FeedServer() as feeds, proxies.SocksServer(password="p@ss:word") as proxy:
        feeds.put("/a", BODY)
        feed = a_feed(url=feeds.url("/a"))
        assert isinstance(fetch(feed, proxy=proxy.url("socks5", "desk:p%40ss%3Aword")), model.Fetched)
        for userinfo in ("desk:wr0ng", ""):
            error = failure(feed, proxy=proxy.url("socks5", userinfo))
            assert f"the proxy 127.0.0.1:{proxy.port} takes neither us nor our user and password" in str(error)
            assert "wr0ng" not in str(error)
            assert error.offline  # all feeds behind it share this, and none is to blame


@certificates.needs_openssl
def test_tls_goes_through_a_socks_proxy() -> None:
    """The certificate is checked against the feed's host, not against the proxy; the proxy sees none of the request."""
    with (
        certificates.made() as made,
        servers.FeedServer(tls=made.server) as feeds,
        proxies.SocksServer(hosts={"desk.example": "127.0.0.1"}) as proxy,
    ):
        feeds.put("/a", BODY)
        url = f"https://desk.example:{feeds.port}/a"
        error = failure(a_feed(url=url), proxy=proxy.url("socks5h"))
        assert "desk.example has no valid TLS certificate: self-signed certificate" in str(error)
        spec = model.FeedSpec("Wire", url, proxy=proxy.url("socks5h"), accept_invalid_certificate=True)
        assert isinstance(fetch(a_feed(spec=spec, url=url)), model.Fetched)


@pytest.mark.parametrize(
    ("code", "said", "offline"),
    [
        (1, "has no connection to a.example", True),
        (2, "does not let us reach a.example", False),
        (4, "has no connection to a.example", True),
        (5, "a.example refuses connections on its port", False),
    ],
)
def test_a_socks_proxy_says_whose_fault_it_is(code: int, said: str, *, offline: bool) -> None:
    """What the proxy answers becomes words that name it; no connection may be its own network's outage."""
    with proxies.SocksServer(refuse=code) as proxy:
        error = failure(a_feed(url="http://a.example/a"), proxy=proxy.url("socks5h"))
    assert said in str(error)
    assert f"the proxy 127.0.0.1:{proxy.port}" in str(error)
    assert error.offline == offline


def test_socks4_knows_no_ipv6() -> None:
    """An IPv6 address cannot be asked of a SOCKS4 proxy, which is said."""
    with proxies.SocksServer() as proxy:
        error = failure(a_feed(url="http://[2606:4700::1111]/a"), proxy=proxy.url("socks4"))
    assert "speaks SOCKS4, which knows no IPv6 addresses" in str(error)


@pytest.mark.parametrize("scheme", ["http", *LOOKED_UP_HERE, *LOOKED_UP_THERE])
def test_a_proxy_that_is_down_is_blamed_itself(scheme: str) -> None:
    """The proxy is named without its password, the feed's host is not blamed, and it may be our own outage."""
    port = servers.free_port("127.0.0.1")
    feed = a_feed(url="http://public.example/a")
    error = failure(feed, proxy=f"{scheme}://desk:s3cret@127.0.0.1:{port}", names=_Names)
    assert str(error) == f"the proxy 127.0.0.1:{port} cannot be reached"
    assert error.offline


def test_a_proxy_without_an_address_is_named() -> None:
    """A proxy whose name does not exist is told from a feed whose name does not."""
    error = failure(a_feed(url="http://public.example/a"), proxy="socks5h://nowhere.invalid:1080", names=_Names)
    assert "the name of the proxy nowhere.invalid:1080 has no address" in str(error)


def test_a_socks_proxy_that_says_nothing_is_ended_by_the_deadline() -> None:
    """A proxy that takes the connection and never answers costs one deadline."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"socks5h://127.0.0.1:{silent.getsockname()[1]}"
        error = failure(a_feed(url="http://a.example/a"), proxy=address, deadline=timedelta(seconds=0.5))
    assert "the proxy" in str(error)
    assert error.offline


def test_an_http_proxy_that_wants_a_password_is_named() -> None:
    """A 407 is the proxy's, for plain requests and for tunnels."""
    with servers.FeedServer() as proxy:
        proxy.script("http://public.example/a", servers.Answer(407))
        assert "the proxy wants a user and password" in str(failure(_over("http"), proxy=proxy.url("")))
        proxy.script("public.example:443", servers.Answer(407))
        error = failure(_over("https"), proxy=proxy.url(""))
    assert "the proxy opens no way to public.example: 407" in str(error)
    assert not error.offline


def test_an_http_proxy_without_a_network_may_be_our_outage() -> None:
    """A tunnel that the proxy cannot open for want of a connection blames nobody when it is the same for all."""
    with servers.FeedServer() as proxy:
        proxy.script("public.example:443", servers.Answer(502))
        error = failure(_over("https"), proxy=proxy.url(""))
    assert "the proxy opens no way to public.example: 502 Bad Gateway" in str(error)
    assert error.offline


def _over(scheme: str) -> model.Feed:
    return a_feed(url=f"{scheme}://public.example/a")

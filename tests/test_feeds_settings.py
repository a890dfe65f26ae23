"""What a feed's table in the configuration may say of proxies and certificates, through the commands."""

from pathlib import Path

import pytest

from tests import certificates, proxies, servers
from tests.commands import environment, monitor, set_up

_RULES = '[rules]\npaths = ["rules"]\n'


def _config(url: str, poll: str = "", feed: str = "") -> str:
    return (
        f'[poll]\nallow_networks = ["127.0.0.1/32"]\n{poll}\n{_RULES}[[feeds]]\nname = "Wire"\nurl = "{url}"\n{feed}\n'
    )


@pytest.mark.parametrize("table", ["poll", "feeds"])
def test_a_proxy_is_kept_out_of_the_configuration(tmp_path: Path, table: str) -> None:
    """`proxy_env` and `proxy_file` name where the proxy's address with its password stands."""
    with servers.FeedServer() as feeds, proxies.SocksServer(password="p4ss") as proxy:
        feeds.put("/a.xml", servers.rss("A", servers.item("Envoy arrives", guid="1")))
        (tmp_path / "proxy.txt").write_text(proxy.url("socks5", "desk:p4ss") + "\n", encoding="utf-8")
        with environment(TEST_PROXY=proxy.url("socks5h", "desk:p4ss")):
            for count, key in enumerate(('proxy_env = "TEST_PROXY"', 'proxy_file = "proxy.txt"'), start=1):
                given = {"poll": key} if table == "poll" else {"feed": key}
                set_up(tmp_path, config=_config(feeds.url("/a.xml"), **given))
                assert monitor("poll", "--all", folder=tmp_path).status == 0
                assert len(proxy.asked) == feeds.count("/a.xml") == count


def test_a_proxy_that_is_not_given_is_told(tmp_path: Path) -> None:
    """An unset variable and a missing file are one line each with what to do, and nothing is polled without a proxy."""
    with environment(TEST_PROXY=None):
        set_up(tmp_path, config=_config("http://127.0.0.1/", poll='proxy_env = "TEST_PROXY"'))
        found = monitor("poll", folder=tmp_path)
        assert found.status == 2
        assert "the environment variable TEST_PROXY is not set or empty; set it" in found.err
    set_up(tmp_path, config=_config("http://127.0.0.1/", feed='proxy_file = "none.txt"'))
    found = monitor("poll", folder=tmp_path)
    assert found.status == 2
    assert "none.txt cannot be read: No such file or directory" in found.err


def test_a_password_of_a_proxy_is_not_shown(tmp_path: Path) -> None:
    """Neither the configuration that is shown nor a failed poll holds it."""
    port = servers.free_port("127.0.0.1")
    set_up(tmp_path, config=_config("http://a.example/", poll=f'proxy = "socks5h://desk:s3cret@127.0.0.1:{port}"'))
    said = [
        monitor(*command, folder=tmp_path) for command in (("poll", "--all"), ("config", "show"), ("feeds", "list"))
    ]
    assert f"the proxy 127.0.0.1:{port} cannot be reached" in said[0].err + said[2].out
    assert not [found for found in said if "s3cret" in found.out + found.err]


@certificates.needs_openssl
def test_an_expired_certificate_is_refused_unless_the_operator_says_otherwise(tmp_path: Path) -> None:
    """It costs the feed its poll, and the reason is told; accepted for this one feed, log, list and status say so."""
    with certificates.made(expired=True) as made, servers.FeedServer(tls=made.server) as feeds:
        feeds.put("/a.xml", servers.rss("A", servers.item("Envoy arrives", guid="1")))
        with environment(SSL_CERT_FILE=str(made.file)):  # nothing else is wrong with it
            set_up(tmp_path, config=_config(feeds.url("/a.xml")))
            refused = monitor("poll", "--all", folder=tmp_path)
            assert "has no valid TLS certificate: certificate has expired" in refused.err
            assert feeds.requests == []
            assert "certificates_not_checked" not in refused.err
            set_up(tmp_path, config=_config(feeds.url("/a.xml"), feed="accept_invalid_certificate = true"))
            accepted = monitor("poll", "--all", folder=tmp_path)
        assert feeds.count("/a.xml") == 1
    assert "certificates_not_checked" in accepted.err
    assert "warning" in accepted.err
    assert "Wire" in accepted.err
    listed = monitor("feeds", "list", "--json", folder=tmp_path).rows[0]
    assert (listed["certificate_checked"], listed["failures"]) == (False, 0)
    assert "CERTIFICATE NOT CHECKED" in monitor("feeds", "list", folder=tmp_path).out
    assert "Wire: its certificate is not checked" in monitor("status", folder=tmp_path).out

"""A real daemon whose encoder is damaged, and mended."""

from email.utils import formatdate
from pathlib import Path

import pytest
import sqlalchemy as sa

from monitor.store import tables
from tests import networks, servers
from tests.e2e.daemon import Daemon


@pytest.mark.slow
def test_a_damaged_encoder_is_told_once_and_costs_no_alert(tmp_path: Path) -> None:
    """Words alone decide; after the mend and a reload, meanings are stored."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "encoder.npz").write_bytes(networks.weights()[:3000])
    with servers.FeedServer() as feeds, servers.WebhookReceiver() as hooks:
        feeds.put("/world.xml", _world("Ministry threatens sanctions over grain"), etag='"1"')
        hook = hooks.url("/hook").replace("http", "json", 1)
        daemon = Daemon(tmp_path, [feeds.url("/world.xml")], [hook], '[stories]\nencoder = "model"\n')
        try:
            daemon.start()
            servers.until(lambda: len(hooks.messages) >= 2, 20)
            (tmp_path / "model" / "encoder.npz").write_bytes(networks.weights())
            daemon.hang_up()
            daemon.until_logged("reloaded")
            feeds.put("/world.xml", _world("Earthquake in Peru, tax cut in Peru: Peru warns of sanctions"), etag='"2"')
            servers.until(lambda: len(hooks.messages) >= 3, 20)
            assert daemon.stop() == 0
            told = [message.body.decode() for message in hooks.messages]
            assert sum("the encoder's weights are damaged" in text for text in told) == 1
            assert sum("grain" in text for text in told) == 1
            assert daemon.text.count("encoder_unusable") == 1
            store = daemon.store()
            with store.read() as tx:
                assert len(tx.connection().execute(sa.select(tables.senses)).all()) == 1
            store.close()
        finally:
            daemon.close()


def _world(title: str) -> bytes:
    return servers.rss("World", servers.item(title, guid=title, published=formatdate()))

"""`monitor run`: the daemon. Shell."""

import typer

from monitor.cli import options, session

EXAMPLES = options.examples("monitor run", "monitor run --config /etc/monitor/config.toml")


def command(config: options.Config = None) -> None:
    """Run the daemon.

    It polls, matches, alerts and delivers until it is told to stop. SIGTERM and Ctrl-C end it cleanly: what is under
    way is finished, within 8 seconds. SIGHUP, or a change of the files, reloads configuration, rules and known
    stories; a broken file is complained of and keeps the running state.
    """
    from monitor import config as configuration
    from monitor import daemon, log, web

    path = session.config_file(config)
    settings = configuration.load(path)
    log.configure(as_json=settings.log.format == "json", level=settings.log.level)
    with session.store(settings, tell=daemon.tell_upgrade):
        pass  # a store that cannot be opened is a wrong configuration
    raise typer.Exit(daemon.run(lambda: configuration.load(path), path, (web.serve,)))

"""`monitor explain`: why, and why not. Shell."""

from monitor.cli import options

EXAMPLES = options.examples('monitor explain "US warns Pyongyang of new sanctions"')


def command(config: options.Config = None) -> None:
    """Explain."""

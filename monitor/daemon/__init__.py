"""The service: APScheduler's few fixed ticks, signals, reload, drain. Shell; reads the clock and passes `now` down.

    poll       every second      claim due feeds and begin to poll them; answers are written as they come
    decide     every second, and at once when entries came in
    deliver    every second, and at once when an alert was made
    heartbeat  every 10 s        tell the store, and systemd's watchdog, that all ticks are alive
    ping       every minute      ask the [heartbeat] url, so that somebody notices when we are silent
    prune      every hour        let go of texts that are older than [keep] says
    feeds      every hour        tell the operator of feeds that are gone, failing or silent, once a day

Due times live in the tables, so that a restart polls nothing again. SIGTERM drains, SIGHUP and changed files reload.
"""

from monitor.daemon.once import OnceSummary, poll_once
from monitor.daemon.opening import tell_upgrade
from monitor.daemon.service import run

__all__ = ["OnceSummary", "poll_once", "run", "tell_upgrade"]

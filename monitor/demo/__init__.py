"""The demo: invented news on a loopback server, a mailbox, a webhook receiver, and the real daemon in between. Shell.

news      what eight outlets told in two weeks
formats   a feed document in each of four formats
server    the feeds, and the webhook receiver
mail      the mailbox
stage     the temporary folder and the daemon
follow    what the daemon's store knows
verdict   whether all came as it should
screen    what people see
show      all of it together
"""


def run(*, keep: bool, seconds: float) -> int:
    """Run the demo on standard output, and return its exit status: 0 when every expected alert arrived, else 1.

    keep: go on until Ctrl-C. seconds: how long the news takes to come out.
    """
    from monitor.demo import show

    return show.run(keep=keep, seconds=seconds)

"""Write the table of metrics in docs/operation.md: `python -m tools.write_metrics_reference`; a test compares them."""

import tempfile
from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.metrics import MetricWrapperBase

from monitor import clock, tally
from monitor.store import engine
from monitor.web import metrics
from tools import blocks

PAGE = blocks.DOCS / "operation.md"


def render() -> str:
    """Return the whole page, its table as the program has it now."""
    rows = ["| Name | Type | Labels | Means |", "|---|---|---|---|", *sorted(_rows())]
    return blocks.replaced(PAGE.read_text(encoding="utf-8"), "metrics", "\n".join(rows))


def _rows() -> Iterator[str]:
    for made in vars(tally).values():
        if isinstance(made, MetricWrapperBase):
            [family] = made.collect()
            yield _row(family, made._labelnames)  # noqa: SLF001  nothing public tells them
    with tempfile.TemporaryDirectory() as folder:
        store = engine.open_store(f"sqlite:///{folder}/monitor.db")
        store.upgrade()
        for family in metrics.of_store(store, clock.now()):
            yield _row(family, getattr(family, "_labelnames", ()))
        store.close()


def _row(family: Metric, labels: tuple[str, ...]) -> str:
    name = f"{family.name}_total" if family.type == "counter" else family.name
    shown = ", ".join(f"`{label}`" for label in labels)
    return f"| `{name}` | {family.type} | {shown} | {family.documentation} |"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")

"""What every table of config.toml is: checked, and closed to unknown keys. Pure."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from monitor.config import units

Duration = Annotated[timedelta, BeforeValidator(units.parse_duration)]
Size = Annotated[int, BeforeValidator(units.parse_size)]
Proxy = Annotated[str, AfterValidator(units.parse_proxy)]


class Table(BaseModel):
    """A table of config.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

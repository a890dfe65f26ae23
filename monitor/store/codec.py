"""Values of `model` to JSON and back, for JSON columns. Pure, strict, and the same for every noun.

A dataclass becomes an object of all its fields; instants and dates ISO text, durations seconds, sets sorted lists,
states their text. Decoding takes a field that is missing from its default, so that an old row is read after a noun
has grown, and refuses everything else that does not fit. Decoders are built once for each type from its annotations.
"""

import dataclasses
import functools
import json
import types
import typing
from collections.abc import Callable, Hashable, Mapping
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from monitor import errors

Json = Any  # what the json module reads and writes
_Noun = TypeVar("_Noun")
_Decoder = Callable[[Json], Any]


def encode(value: object) -> Json:
    """Return `value` as what JSON knows: dict, list, str, int, float, bool or None."""
    if value is None or type(value) in (str, int, float, bool):
        return value
    if dataclasses.is_dataclass(value):
        return {field.name: encode(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return _encode_other(value)


def decode(noun: type[_Noun], data: Json) -> _Noun:
    """Return the `noun` that `encode` made `data` of. Raises StoreError that says where it does not fit."""
    try:
        return _decoder(typing.cast(Hashable, noun))(data)  # type: ignore[no-any-return]
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise errors.StoreError(f"the database holds a {noun.__name__} that cannot be read: {error}") from error


def dumps(value: Json) -> str:
    """Return compact JSON text in which every script stays legible."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def loads(text: str) -> Json:
    """Return what `dumps` wrote."""
    return json.loads(text)


def _encode_other(value: object) -> Json:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): encode(inner) for key, inner in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(encode(inner) for inner in value)
    if isinstance(value, tuple | list):
        return [encode(inner) for inner in value]
    raise TypeError(f"{type(value).__name__} has no place in a JSON column")


@functools.cache
def _decoder(kind: object) -> _Decoder:
    if dataclasses.is_dataclass(kind):
        return _noun_decoder(typing.cast(type, kind))
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        return _optional_decoder(kind)
    if origin in (tuple, frozenset):
        return _sequence_decoder(origin, typing.get_args(kind)[0])
    if origin is Mapping:
        return _mapping_decoder(typing.get_args(kind)[1])
    return _plain_decoder(kind)


def _noun_decoder(kind: type) -> _Decoder:
    hints = typing.get_type_hints(kind)
    decoders = {field.name: _decoder(hints[field.name]) for field in dataclasses.fields(kind)}

    def decode_noun(data: Json) -> object:
        if type(data) is not dict:
            raise TypeError(f"{kind.__name__} is not an object: {data!r:.80}")
        try:
            return kind(**{name: decoders[name](inner) for name, inner in data.items()})
        except KeyError as error:
            raise TypeError(f"{kind.__name__} has no {error}") from error

    return decode_noun


def _optional_decoder(kind: object) -> _Decoder:
    (wanted,) = (inner for inner in typing.get_args(kind) if inner is not type(None))
    inner = _decoder(wanted)
    return lambda data: None if data is None else inner(data)


def _sequence_decoder(build: _Decoder, element: object) -> _Decoder:
    inner = _decoder(element)

    def decode_sequence(data: Json) -> object:
        if type(data) is not list:
            raise TypeError(f"not a list: {data!r:.80}")
        return build(inner(item) for item in data)

    return decode_sequence


def _mapping_decoder(element: object) -> _Decoder:
    inner = _decoder(element)

    def decode_mapping(data: Json) -> object:
        if type(data) is not dict:
            raise TypeError(f"not an object: {data!r:.80}")
        return {key: inner(item) for key, item in data.items()}

    return decode_mapping


def _plain_decoder(kind: object) -> _Decoder:
    if kind in (Any, object):
        return lambda data: data
    if kind is timedelta:
        return lambda data: timedelta(seconds=data)
    if kind in (datetime, date, time):
        return typing.cast(_Decoder, kind.fromisoformat)
    if not isinstance(kind, type):
        raise TypeError(f"{kind!r} has no place in a JSON column")
    if issubclass(kind, StrEnum):
        return typing.cast(_Decoder, kind)
    accepted = (int, float) if kind is float else (kind,)

    def decode_plain(data: Json) -> object:
        if type(data) not in accepted:
            raise TypeError(f"not a {kind.__name__}: {data!r:.80}")
        return data

    return decode_plain

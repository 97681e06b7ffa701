"""States as bytes: msgpack, with NumPy arrays as they lie in memory. Nothing in it can run code."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from collectors.summaries.state import State, StateError

_ARRAY = 1
_KINDS = {b"b": "|i1", b"h": "<i4", b"q": "<i8", b"Q": "<u8", b"d": "<f8"}
_CODES = {np.dtype(kind): code for code, kind in _KINDS.items()}


def encode(state: State) -> bytes:
    """The state as bytes.

    Raises:
        TypeError: something in it is neither plain nor an array that states are made of.
    """
    return _ENCODER.encode(state)


def decode(data: bytes) -> State:
    """The state again; its arrays can only be read.

    Raises:
        StateError: these are not such bytes.
    """
    try:
        state = _DECODER.decode(data)
    except (msgspec.DecodeError, ValueError, UnicodeDecodeError) as error:
        raise StateError(f"not a state: {error}") from error
    if not isinstance(state, dict):
        raise StateError(f"not a state: {type(state).__name__}, not a mapping")
    return state


def _pack(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype in _CODES:
        return msgspec.msgpack.Ext(_ARRAY, _CODES[value.dtype] + value.tobytes())
    if isinstance(value, np.integer | np.floating):
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot be in a state")


def _unpack(code: int, data: memoryview) -> Any:
    kind = _KINDS.get(bytes(data[:1]))
    if code != _ARRAY or kind is None:
        raise ValueError(f"an unknown kind of value ({code})")
    return np.frombuffer(data[1:], dtype=kind)


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_pack)
_DECODER = msgspec.msgpack.Decoder(ext_hook=_unpack)

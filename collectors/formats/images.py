"""Images in a record: measured, never kept. Limits hold before anything is decoded."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import xxhash

from collectors.events import ImageColumn, Status
from collectors.formats.columns import leftover
from collectors.layout import ImageLimits

FORMATS = ("PNG", "JPEG", "WEBP")
"""The image formats that are read, by Pillow's names."""

_STANDARD = str.maketrans("-_", "+/")
_LEVELS = np.arange(256) / 255


class _Measures(NamedTuple):
    brightness: float
    contrast: float
    width: int
    height: int


class Images:
    """Measures images, given as base64 or as a data URL of it.

    Raises:
        ImportError: Pillow is not installed.
    """

    def __init__(self, limits: ImageLimits) -> None:
        try:
            from PIL import Image
        except ImportError:
            raise ImportError(
                "features of kind image need Pillow: pip install 'inferwatch[images]'"
            ) from None
        self._pillow = Image
        self._limits = limits

    def column(self, values: Sequence[Any]) -> ImageColumn:
        """Images as a column; what is over a limit or does not decode is UNDECODABLE."""
        measures = np.full((4, len(values)), np.nan)
        hashes = np.zeros(len(values), dtype=np.uint64)
        status = np.zeros(len(values), dtype=np.uint8)
        for i, value in enumerate(values):
            if type(value) is not str or not value:
                status[i] = leftover(value)
                continue
            encoded = self._payload(value)
            measured = None if encoded is None else self._measure(encoded)
            if encoded is None or measured is None:
                status[i] = Status.UNDECODABLE
                continue
            measures[:, i] = measured
            hashes[i] = xxhash.xxh3_64_intdigest(encoded)
        brightness, contrast, width, height = measures
        return ImageColumn(brightness, contrast, width, height, hashes, status)

    def _payload(self, text: str) -> bytes | None:
        """The bytes of the image file; None if it is no base64, or too large."""
        if text[:5].lower() == "data:":
            head, _, text = text.partition(",")
            if not head.lower().endswith(";base64"):
                return None
        text = "".join(text.split()).rstrip("=").translate(_STANDARD)
        if len(text) * 3 // 4 > self._limits.max_bytes:
            return None
        try:
            return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except ValueError:
            return None

    def _measure(self, encoded: bytes) -> _Measures | None:
        """Luma, as Pillow weighs it (ITU-R 601-2), and size; None if it does not decode."""
        # Pillow's own warnings about size and palettes say nothing that the limits do not.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                with self._pillow.open(io.BytesIO(encoded), formats=FORMATS) as image:
                    width, height = image.size
                    if width * height > self._limits.max_pixels:
                        return None
                    brightness, contrast = _luma(image)
            except Exception:  # decoders raise whatever damaged bytes lead them to
                return None
        return _Measures(brightness, contrast, width, height)


def _luma(image: Any) -> tuple[float, float]:
    """Mean and standard deviation of the luma, 0 to 1, of an open Pillow image."""
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would clip to 8
        values = np.asarray(image, dtype=np.float64) / 65535
        return float(values.mean()), float(values.std())
    counts = np.array(image.convert("L").histogram(), dtype=np.float64)
    share = counts / counts.sum()
    mean = float(share @ _LEVELS)
    return mean, float(np.sqrt(share @ (_LEVELS - mean) ** 2))

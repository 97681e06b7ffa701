"""Images measured: real photographs against luma worked out by NumPy, and everything damaged."""

from __future__ import annotations

import base64
import builtins
import io
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.datasets
import xxhash
from numpy.typing import NDArray
from PIL import Image, ImageFile

from collectors.events import ImageColumn, Status
from collectors.formats.json import JsonFormat
from collectors.layout import ImageLimits
from tests.support.reading import feature, layout

PHOTOS = Path(sklearn.datasets.__file__).parent / "images"
LUMA = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in ITU-R BT.601."""


def photo(name: str) -> NDArray[np.uint8]:
    """RGB of a photograph, uint8 [height, width, 3]."""
    with Image.open(PHOTOS / name) as image:
        return np.asarray(image.convert("RGB"))


def written(pixels: NDArray[Any], form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form, **options)
    return buffer.getvalue()


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def images(*values: Any, **limits: int) -> ImageColumn:
    column = feature(
        "image", *values, image_limits=ImageLimits(**limits), max_record_bytes=50_000_000
    )
    assert isinstance(column, ImageColumn)
    return column


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def declared(width: int, height: int) -> bytes:
    """A tiny PNG that says it is this large, in grey."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


def refused(*values: Any, **limits: int) -> bool:
    """Whether every image is undecodable, and measured nothing."""
    column = images(*values, **limits)
    assert np.isnan([column.brightness, column.contrast, column.width, column.height]).all()
    assert not column.hashes.any()
    return bool((column.status == Status.UNDECODABLE).all())


@pytest.mark.parametrize("name", ["china.jpg", "flower.jpg"])
def test_real_photographs(name: str) -> None:
    pixels = photo(name)
    luma = pixels @ LUMA / 255
    files = [
        (PHOTOS / name).read_bytes(),
        written(pixels, "PNG"),
        written(pixels, "WEBP", lossless=True),
        written(pixels, "WEBP", quality=95),
    ]
    column = images(*map(b64, files))
    assert column.status.tolist() == [Status.OK] * 4
    assert column.width.tolist() == [640] * 4
    assert column.height.tolist() == [427] * 4
    assert column.brightness[:3] == pytest.approx([luma.mean()] * 3, abs=1e-3)
    assert column.contrast[:3] == pytest.approx([luma.std()] * 3, abs=1e-3)
    assert column.brightness[3] == pytest.approx(luma.mean(), abs=0.01)
    assert column.hashes.tolist() == [xxhash.xxh3_64_intdigest(raw) for raw in files]


def test_the_two_photographs_differ_as_one_sees() -> None:
    column = images(*(b64((PHOTOS / name).read_bytes()) for name in ("china.jpg", "flower.jpg")))
    assert column.brightness[0] > column.brightness[1] + 0.1


def test_ways_of_writing_one_image() -> None:
    raw = written(np.full((3, 5), 51, dtype=np.uint8), "PNG")
    text = b64(raw)
    urlsafe = base64.urlsafe_b64encode(raw).decode()
    forms = [
        text,
        f"data:image/png;base64,{text}",
        f"DATA:image/png;charset=x;BASE64,{text}",
        text.rstrip("="),
        urlsafe,
        "\n".join(text[i : i + 20] for i in range(0, len(text), 20)),
    ]
    column = images(*forms)
    assert column.status.tolist() == [Status.OK] * len(forms)
    assert column.brightness == pytest.approx([0.2] * len(forms))
    assert column.contrast == pytest.approx([0] * len(forms))
    assert (column.width[0], column.height[0]) == (5, 3)
    assert len(set(column.hashes.tolist())) == 1


@pytest.mark.parametrize(
    ("mode", "colour", "luma"),
    [
        ("1", 1, 1.0),
        ("L", 255, 1.0),
        ("LA", (51, 0), 0.2),
        ("P", 0, 0.0),
        ("RGB", (255, 0, 0), 0.299),
        ("RGBA", (0, 255, 0, 10), 0.587),
        ("I;16", 13107, 0.2),
    ],
)
def test_modes(mode: str, colour: Any, luma: float) -> None:
    buffer = io.BytesIO()
    Image.new(mode, (4, 4), colour).save(buffer, "PNG")
    column = images(b64(buffer.getvalue()))
    assert column.brightness[0] == pytest.approx(luma, abs=0.003)
    assert column.contrast[0] == pytest.approx(0, abs=1e-9)


def test_palettes_with_transparency_say_nothing() -> None:
    image = Image.new("P", (4, 4))
    image.putpalette([255, 255, 255] * 256)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", transparency=bytes(256))
    assert images(b64(buffer.getvalue())).brightness == pytest.approx([1.0])


def test_contrast_is_the_standard_deviation() -> None:
    half = np.zeros((2, 2), dtype=np.uint8)
    half[0] = 255
    assert images(b64(written(half, "PNG"))).contrast == pytest.approx([0.5])


def test_other_kinds_of_values() -> None:
    column = images(3, True, [1], {"a": 1}, None, ..., "")
    expected = [Status.TYPE] * 4 + [Status.NULL, Status.ABSENT, Status.EMPTY]
    assert column.status.tolist() == expected


def test_what_does_not_decode() -> None:
    raw = (PHOTOS / "flower.jpg").read_bytes()
    png = written(photo("flower.jpg"), "PNG")
    random = np.random.default_rng(7).bytes(5000)
    assert refused(b64(raw[:5000]), b64(raw[:50]), b64(png[: len(png) // 2]))
    assert refused(b64(random), b64(b"\x89PNG\r\n\x1a\n" + random), b64(b"\xff\xd8\xff" + random))
    assert refused("x", "é", "no base64!", "data:", "data:image/png,abc", "====", " ", "A" * 999)
    assert refused("data:image/svg+xml;base64," + b64(b"<svg/>"))


@pytest.mark.parametrize("form", ["GIF", "BMP", "TIFF", "PPM", "ICO"])
def test_other_formats_are_not_opened(form: str) -> None:
    assert refused(b64(written(np.zeros((16, 16), dtype=np.uint8), form)))


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (10_000, 10_000), (2**31, 2**31)])
def test_bombs_are_refused_before_pixels_are_decoded(
    width: int, height: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[object] = []
    monkeypatch.setattr(ImageFile.ImageFile, "load", loaded.append)
    assert refused(b64(declared(width % 2**32, height % 2**32)))
    assert loaded == []


def test_pixels_up_to_the_limit_pass() -> None:
    raw = b64(written(np.zeros((10, 10), dtype=np.uint8), "PNG"))
    assert images(raw, max_pixels=100).status.tolist() == [Status.OK]
    assert refused(raw, max_pixels=99)


def test_bytes_are_limited_before_base64_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = written(np.zeros((10, 10), dtype=np.uint8), "PNG")
    for padding in range(3):
        text = b64(raw + b"\0" * padding)
        assert images(text, max_bytes=len(raw) + padding).status.tolist() == [Status.OK]
        assert refused(text, max_bytes=len(raw) + padding - 1)
    monkeypatch.setattr(base64, "b64decode", None)
    assert refused(b64(raw), max_bytes=10)


def test_undecodable_images_cost_no_others() -> None:
    good = b64(written(np.zeros((2, 2), dtype=np.uint8), "PNG"))
    column = images(good, "?", good)
    assert column.values_at(np.arange(3)) == [0.0, None, 0.0]


def test_pillow_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] == "PIL":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    for name in [name for name in sys.modules if name.partition(".")[0] == "PIL"]:
        monkeypatch.delitem(sys.modules, name)
    JsonFormat(layout({"x": "number"}))
    with pytest.raises(ImportError, match=r"pip install 'inferwatch\[images\]'"):
        JsonFormat(layout({"x": "image"}))

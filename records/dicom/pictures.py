"""Decode one frame and make a JPEG of it. Runs in the guarded child only; see `foreign.py`."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from PIL import Image

from records.dicom.values import EXPLICIT_BE, NATIVE, RLE

MAX_PIXELS = 100_000_000
JPEG = "1.2.840.10008.1.2.4."


class NoDecoder(Exception):
    """Nothing here decodes this frame."""


def make(order: dict[str, Any]) -> dict[str, Any]:
    """Return {"width", "height"}, or {"problem": "no_preview"} when nothing decodes the frame."""
    if not 0 < order["rows"] * order["columns"] <= MAX_PIXELS:
        return {"problem": "no_preview"}
    try:
        pixels = _decoded(order, Path(order["source"]).read_bytes())
        picture = Image.fromarray(_as_bytes(order, pixels))
    except (NoDecoder, ValueError, RuntimeError, IndexError, TypeError, ZeroDivisionError):
        return {"problem": "no_preview"}
    if order["edge"]:
        picture.thumbnail((order["edge"], order["edge"]), Image.Resampling.BILINEAR)
    picture.save(order["target"], "JPEG", quality=order.get("quality", 85))
    return {"width": picture.width, "height": picture.height}


def _decoded(order: dict[str, Any], raw: bytes) -> Any:
    """Rows x columns, or rows x columns x 3."""
    syntax, rows, columns, samples = (
        order["transfer_syntax"], order["rows"], order["columns"], order["samples"]
    )  # fmt: skip
    if syntax in NATIVE:
        return _native(order, raw)
    if syntax == RLE:
        kind = np.dtype("u1" if order["bits"] <= 8 else "<u2")
        shape = (samples, rows, columns) if samples > 1 else (rows, columns)
        out = np.frombuffer(imagecodecs.dicomrle_decode(raw, kind), kind).reshape(shape)
        return np.moveaxis(out, 0, -1) if samples > 1 else _signed(order, out)
    decoders: dict[str, Any] = {
        JPEG + "50": imagecodecs.jpeg8_decode,
        JPEG + "51": imagecodecs.jpeg8_decode,
        JPEG + "57": imagecodecs.ljpeg_decode,
        JPEG + "70": imagecodecs.ljpeg_decode,
        JPEG + "80": imagecodecs.jpegls_decode,
        JPEG + "81": imagecodecs.jpegls_decode,
        JPEG + "90": imagecodecs.jpeg2k_decode,
        JPEG + "91": imagecodecs.jpeg2k_decode,
        JPEG + "201": imagecodecs.htj2k_decode,
        JPEG + "202": imagecodecs.htj2k_decode,
        JPEG + "203": imagecodecs.htj2k_decode,
    }
    decode = decoders.get(syntax)
    if decode is None:
        raise NoDecoder
    out = decode(raw)
    if out.shape[:2] != (rows, columns):
        raise NoDecoder
    return _signed(order, out)


def _native(order: dict[str, Any], raw: bytes) -> Any:
    rows, columns, samples, bits = order["rows"], order["columns"], order["samples"], order["bits"]
    if bits == 1:
        flat = np.unpackbits(np.frombuffer(raw, "u1"), bitorder="little")[: rows * columns]
        return flat.reshape(rows, columns) * 255
    if bits not in (8, 16, 32, 64):
        raise NoDecoder
    byte_order = ">" if order["transfer_syntax"] == EXPLICIT_BE else "<"
    letter = "f" if order["is_float"] else "i" if order["signed"] else "u"
    flat = np.frombuffer(raw, f"{byte_order}{letter}{bits // 8}")
    if order["photometric"] == "YBR_FULL_422" and samples == 3:
        return _from_422(flat[: rows * columns * 2], rows, columns)
    flat = flat[: rows * columns * samples]
    if samples == 1:
        return flat.reshape(rows, columns)
    if order["planar"]:
        return np.moveaxis(flat.reshape(samples, rows, columns), 0, -1)
    return flat.reshape(rows, columns, samples)


def _from_422(flat: Any, rows: int, columns: int) -> Any:
    """Two pixels share their colour: Y1 Y2 Cb Cr."""
    four = flat.reshape(-1, 4)
    out = np.empty((len(four) * 2, 3), "u1")
    out[0::2, 0], out[1::2, 0] = four[:, 0], four[:, 1]
    out[0::2, 1] = out[1::2, 1] = four[:, 2]
    out[0::2, 2] = out[1::2, 2] = four[:, 3]
    return out.reshape(rows, columns, 3)


def _signed(order: dict[str, Any], out: Any) -> Any:
    if order["signed"] and out.dtype.kind == "u" and out.ndim == 2:
        stored = min(order["stored"] or order["bits"], out.dtype.itemsize * 8)
        shift = out.dtype.itemsize * 8 - stored
        return (out << shift).astype(out.dtype.str.replace("u", "i")) >> shift
    return out


def _as_bytes(order: dict[str, Any], pixels: Any) -> Any:
    """Eight bits for the screen: palette, colour, or the window of the file."""
    photometric = order["photometric"]
    if photometric == "PALETTE COLOR" and pixels.ndim == 2:
        return _through_palette(order, pixels)
    if pixels.ndim == 3:
        if pixels.dtype != np.uint8:
            pixels = (pixels >> max(0, (order["stored"] or 8) - 8)).astype("u1")
        native = order["transfer_syntax"] in NATIVE or order["transfer_syntax"] == RLE
        if native and photometric.startswith("YBR"):
            return np.asarray(Image.fromarray(pixels[..., :3].copy(), "YCbCr").convert("RGB"))
        return np.ascontiguousarray(pixels[..., :3])
    values = pixels.astype("f4") * (order["slope"] or 1.0) + order["intercept"]
    low, high = _window(order, values)
    out = np.clip((values - low) / max(high - low, 1e-6) * 255, 0, 255).astype("u1")
    return 255 - out if photometric == "MONOCHROME1" else out


def _window(order: dict[str, Any], values: Any) -> tuple[float, float]:
    center, width = order.get("center"), order.get("width")
    if center is not None and width:
        return center - width / 2, center + width / 2
    return float(np.nanpercentile(values, 0.5)), float(np.nanpercentile(values, 99.5))


def _through_palette(order: dict[str, Any], pixels: Any) -> Any:
    channels = []
    for descriptor, table in order["palettes"]:
        count, first, bits = descriptor
        raw = b64decode(table)
        wide = bits == 16 and len(raw) >= 2 * (count or 65536)
        lut = np.frombuffer(raw, "<u2" if wide else "u1")
        lut = (lut >> 8).astype("u1") if wide else lut
        channels.append(lut[np.clip(pixels.astype("i4") - first, 0, len(lut) - 1)])
    return np.stack(channels, -1)

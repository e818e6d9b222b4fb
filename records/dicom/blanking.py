"""Blank places in the frames of one object. Runs in the guarded child only.

The result is native pixels: every frame decoded, the places set to black, written one after the
other as Explicit VR Little Endian wants them. The header is written by the caller.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from records.dicom import pictures
from records.dicom.values import NATIVE, RLE

MAX_BYTES = 512 * 1024**2


def blank(order: dict[str, Any]) -> dict[str, Any]:
    """Write the covered frames of `order["frames"]` ([offset, length] in `source`) to `target`.

    Returns how they are to be described, or {"problem": code}.
    """
    if not 0 < order["rows"] * order["columns"] <= pictures.MAX_PIXELS:
        return {"problem": "no_preview"}
    told: dict[str, Any] = {}
    with Path(order["source"]).open("rb") as source, Path(order["target"]).open("wb") as target:
        for offset, length in order["frames"]:
            source.seek(offset)
            try:
                pixels = _stored(order, pictures._decoded(order, source.read(length)))
            except (pictures.NoDecoder, ValueError, RuntimeError, IndexError, TypeError):
                return {"problem": "no_preview"}
            _cover(pixels, order)
            target.write(np.ascontiguousarray(pixels).tobytes())
            if target.tell() > MAX_BYTES:
                return {"problem": "too_large"}
            told = _described(order, pixels)
    return told or {"problem": "no_preview"}


def _stored(order: dict[str, Any], pixels: Any) -> Any:
    """Rows x columns, or rows x columns x 3 in RGB; as numbers that DICOM has a VR for."""
    photometric = order["photometric"]
    if photometric == "PALETTE COLOR" and pixels.ndim == 2:
        return pictures._through_palette(order, pixels)
    if pixels.ndim == 3:
        if pixels.dtype != np.uint8:
            pixels = (pixels >> max(0, (order["stored"] or 8) - 8)).astype("u1")
        native = order["transfer_syntax"] in NATIVE or order["transfer_syntax"] == RLE
        if native and photometric.startswith("YBR"):
            image = Image.fromarray(pixels[..., :3].copy(), "YCbCr").convert("RGB")
            return np.array(image)
        return pixels[..., :3].copy()
    if pixels.dtype.kind not in "ui" or pixels.dtype.itemsize > 4:
        raise pictures.NoDecoder
    return pixels.astype(pixels.dtype.newbyteorder("<")).copy()


def _cover(pixels: Any, order: dict[str, Any]) -> None:
    """Black: the least value that the picture holds, or the greatest where white is zero.

    A place is rounded outwards, so that no pixel of it shows.
    """
    rows, columns = pixels.shape[:2]
    black = pixels.max() if order["photometric"] == "MONOCHROME1" else pixels.min()
    if pixels.ndim == 3:
        black = 0
    for left, top, right, bottom in order["rectangles"]:
        y0, y1 = top * rows // 1000, -(-bottom * rows // 1000)
        x0, x1 = left * columns // 1000, -(-right * columns // 1000)
        pixels[y0:y1, x0:x1] = black


def _described(order: dict[str, Any], pixels: Any) -> dict[str, Any]:
    bits = pixels.dtype.itemsize * 8
    colour = pixels.ndim == 3
    grey = order["photometric"] if order["photometric"].startswith("MONO") else "MONOCHROME2"
    return {
        "rows": int(pixels.shape[0]),
        "columns": int(pixels.shape[1]),
        "samples": 3 if colour else 1,
        "photometric": "RGB" if colour else grey,
        "bits": bits,
        "stored": bits if colour else min(order["stored"] or bits, bits),
        "signed": int(pixels.dtype.kind == "i"),
    }

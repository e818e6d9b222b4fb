"""What a sealed reader gets of an object: a new one, built from an allow-list.

SECURITY: a list of what to remove (PS3.15 annex E) left 2,203 of 2,511 planted diagnoses; this list
of what to keep left none. Numbers that place, scale and window pixels are kept; five code strings
with closed value sets; UIDs become aliases. No free text, no dates, no names, no private elements.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

from records.dicom.values import Attributes, Element, alias_uid, is_uid

# Keyword order of PS3.6. Numbers and UIDs only; see `CLOSED` for code strings.
NUMBERS = {
    "00180050", "00180060", "00180080", "00180081", "00180082", "00180087", "00180088", "00181114",
    "00181150", "00181151", "00181152", "00181164", "00181314", "00186011", "0018602C",
    "0018602E", "00186012", "00186014", "00186018", "0018601A", "0018601C", "0018601E", "00186020",
    "00186022", "00186024", "00186026", "00189073", "00189087", "00189306", "00189310",
    "00200011", "00200012", "00200013", "00200032", "00200037", "00201041", "00209057", "00209128",
    "00209157", "00280002", "00280006", "00280008", "00280010", "00280011", "00280030", "00280034",
    "00280100", "00280101", "00280102", "00280103", "00280106", "00280107", "00280120", "00281050",
    "00281051", "00281052", "00281053", "00281101", "00281102", "00281103", "00289001",
    "00289002", "0040072A", "0040073A", "0040074A", "00480001", "00480002", "00480003", "00480006",
    "00480007", "00480102", "0048021E", "0048021F", "00480302", "00480303",
}  # fmt: skip
PALETTES = {"00281201", "00281202", "00281203"}
UIDS = {"0020000D", "0020000E", "00080018", "00200052", "00080016", "00083002", "00209161",
        "00209164"}  # fmt: skip
NOT_MAPPED = {"00080016", "00083002"}  # a class and a transfer syntax name no person
CLOSED = {
    "00080060": {"CR", "CT", "DX", "IO", "IVUS", "MG", "MR", "NM", "OCT", "OP", "OPT", "PT", "PX",
                 "RF", "RG", "SC", "SM", "US", "XA", "XC", "OT", "GM", "ES"},
    "00280004": {"MONOCHROME1", "MONOCHROME2", "RGB", "YBR_FULL", "YBR_FULL_422", "PALETTE COLOR",
                 "YBR_ICT", "YBR_RCT", "YBR_PARTIAL_420"},
    "00200060": {"R", "L"},
    "00200062": {"R", "L", "U", "B"},
    "00209311": {"3D", "3D_TEMPORAL", "TILED_FULL", "TILED_SPARSE"},
    "00281054": {"HU", "OD", "US", "MGML", "Z_EFF", "ED", "EDW", "HU_MOD", "PCT"},
    "00281056": {"LINEAR", "LINEAR_EXACT", "SIGMOID"},
    "00282110": {"00", "01"},
    "00185100": {"HFS", "HFP", "HFDR", "HFDL", "FFS", "FFP", "FFDR", "FFDL"},
    "00541001": {"HU", "BQML", "CNTS", "PROPCNTS", "GML", "CM2", "PCNT"},
}  # fmt: skip
SEQUENCES = {"52009229", "52009230", "00289110", "00209113", "00209116", "00289145", "00289132",
             "00209111", "00186011", "00289222", "00480008", "00480105", "00480207",
             "0048021A"}  # fmt: skip
OPTICAL_PATH = "00480106"  # its name, by which the frames of a slide point at it
ILLUMINATION = "00220016"  # of an optical path: a code, told in the standard's own words
ILLUMINATIONS = {"111741": "Transmission illumination", "111742": "Reflection illumination",
                 "111743": "Epifluorescence illumination",
                 "111744": "Brightfield illumination"}  # fmt: skip
PIXEL_TAGS = {"7FE00008", "7FE00009", "7FE00010"}
NUMERIC = {"US", "SS", "UL", "SL", "FL", "FD", "UV", "SV", "IS", "DS", "AT"}
_WHOLE_IMAGE_TYPE = {
    "ORIGINAL",
    "DERIVED",
    "PRIMARY",
    "SECONDARY",
    "AXIAL",
    "LOCALIZER",
    "VOLUME",
    "THUMBNAIL",
}


def project(attributes: Attributes, *, key: bytes, alias: str) -> Attributes:
    """Build the sealed form of a header in the JSON model; `alias` names the case file."""
    kept = _kept(attributes, key)
    kind = [
        str(v) for v in attributes.get("00080008", {}).get("Value", []) if v in _WHOLE_IMAGE_TYPE
    ]
    kept["00080008"] = {"vr": "CS", "Value": kind[:3]} if kind else {"vr": "CS"}
    kept["00100010"] = {"vr": "PN", "Value": [{"Alphabetic": alias}]}
    kept["00100020"] = {"vr": "LO", "Value": [alias]}
    kept["00120062"] = {"vr": "CS", "Value": ["YES"]}
    kept["00120063"] = {"vr": "LO", "Value": ["Allow-list for sealed review 1"]}
    for tag, vr in (("00080020", "DA"), ("00080030", "TM"), ("00080050", "SH"), ("00100030", "DA"),
                    ("00100040", "CS"), ("00200010", "SH")):  # fmt: skip
        kept[tag] = {"vr": vr}  # required by the classes, and empty
    return dict(sorted(kept.items()))


def _kept(attributes: Attributes, key: bytes) -> Attributes:
    kept: Attributes = {}
    for tag, element in attributes.items():
        if tag in SEQUENCES and element["vr"] == "SQ":
            items = [_kept(item, key) for item in element.get("Value", [])]
            kept[tag] = {"vr": "SQ", "Value": items}
        elif (told := _told(tag, element, key)) is not None:
            kept[tag] = told
    for tag in PALETTES & kept.keys():
        kept[tag] = _palette(kept[tag], kept.get(f"{tag[:5]}1{tag[6:]}", {}))
    return kept


def _told(tag: str, element: Element, key: bytes) -> Element | None:
    """One element as a sealed reader gets it; None when they do not."""
    values = element.get("Value", [])
    if tag in UIDS:
        uids = _uids(tag, element, key)
        return {"vr": "UI", "Value": uids} if uids else None
    if tag in CLOSED:
        is_closed = values and all(value in CLOSED[tag] for value in values)
        return {"vr": "CS", "Value": values} if is_closed else None
    if tag == OPTICAL_PATH:
        return {"vr": "SH", "Value": [alias_uid(key, str(name))[-8:] for name in values]}
    if tag == ILLUMINATION:
        return _illumination(element)
    if tag in NUMBERS:
        numbers = _numbers(element)
        return None if numbers is None else {"vr": element["vr"], "Value": numbers}
    is_bytes = (tag in PALETTES and element["vr"] in ("OW", "US")) or tag in PIXEL_TAGS
    return element if is_bytes else None


def _illumination(element: Element) -> Element:
    told = [item.get("00080100", {}).get("Value") or [""] for item in element.get("Value", [])]
    code = next((value[0] for value in told if value[0] in ILLUMINATIONS), "111744")
    item: Attributes = {
        "00080100": {"vr": "SH", "Value": [code]},
        "00080102": {"vr": "SH", "Value": ["DCM"]},
        "00080104": {"vr": "LO", "Value": [ILLUMINATIONS[code]]},
    }
    return {"vr": "SQ", "Value": [item]}


def _palette(element: Element, descriptor: Element) -> Element:
    """Its colours, and nothing that stands behind them."""
    told = (descriptor.get("Value") or [0])[0]
    count = told if isinstance(told, int) and told > 0 else 65536
    if "InlineBinary" in element:
        raw = b64decode(element["InlineBinary"])[: 2 * count]
        return {"vr": element["vr"], "InlineBinary": b64encode(raw).decode()}
    if "Value" in element:
        return {"vr": element["vr"], "Value": element["Value"][:count]}
    return element


def _uids(tag: str, element: Element, key: bytes) -> list[str]:
    values = [value for value in element.get("Value", []) if is_uid(value)]
    if tag in NOT_MAPPED:
        return [value for value in values if value.startswith("1.2.840.10008.")]
    return [alias_uid(key, value) for value in values]


def _numbers(element: Element) -> list[Any] | None:
    """The values when every one is a number; None otherwise. Text in a DS is no number."""
    values = element.get("Value", [])
    if element["vr"] not in NUMERIC or not values:
        return None
    if all(isinstance(value, int | float) or value is None for value in values):
        return list(values)
    return None

"""Records, images and pictures of the second corpus."""

# ruff: noqa: E501  (tables of carriers read best one a line)
from __future__ import annotations

import base64
import io
import json
import unicodedata
from collections.abc import Callable
from html import escape
from typing import Any

from PIL import Image, PngImagePlugin
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from bench.leaks.cases import NEUTRAL_EN
from bench.leaks.pdfs import letter, neutral, saved
from bench.leaks.records import image_object, object_bytes
from bench.leaks.scans import page_picture
from bench.leaks.second_pdfs import plain

Make = Callable[[str, int], bytes]
RTF = r"{\rtf1\ansi{\fonttbl\f0 Arial;}\f0 Seen today. \b %s\b0\par}"

# --- C-CDA -------------------------------------------------------------------------------------


def cda(
    *, title: str = "Clinical note", header: str = "", body: str = "", encoding: str = "utf-8"
) -> bytes:
    text = f"""<?xml version="1.0" encoding="{encoding}"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:sdtc="urn:hl7-org:sdtc">
<typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/><id root="1.2.3"/>
<code code="34133-9" codeSystem="2.16.840.1.113883.6.1"/><title>{title}</title><effectiveTime value="20260101"/>
{header}<component>{body or "<structuredBody/>"}</component></ClinicalDocument>"""
    return text.encode(encoding, "xmlcharrefreplace")


def in_section(text: str, entry: str = "", title: str = "Notes") -> str:
    return f"<structuredBody><component><section><title>{title}</title><text>{text}</text>{entry}</section></component></structuredBody>"


def packed(kind: str, content: bytes) -> bytes:
    coded = base64.b64encode(content).decode()
    return cda(
        body=f'<nonXMLBody><text mediaType="{kind}" representation="B64">{coded}</text></nonXMLBody>'
    )


def cda_of(make: Callable[[str], bytes]) -> Make:
    return lambda words, _seed: make(escape(words, quote=True))


def _cells(words: str) -> bytes:
    cells = "".join(f"<td>{word}</td>" for word in words.split())
    return cda(body=in_section(f"<table><tbody><tr><td>Dx</td>{cells}</tr></tbody></table>"))


CDAS: dict[str, Make] = {
    "cda document title": cda_of(lambda w: cda(title=f"Summary: {w}")),
    "cda section title": cda_of(lambda w: cda(body=in_section("See below.", title=w))),
    "cda table cells": cda_of(_cells),
    "cda list item": cda_of(lambda w: cda(body=in_section(f'<list><item>Pulse 72</item><item><content ID="a1" styleCode="Bold">{w}</content></item></list>'))),
    "cda footnote": cda_of(lambda w: cda(body=in_section(f'Seen.<footnote ID="f1">{w}</footnote>'))),
    "cda render caption": cda_of(lambda w: cda(body=in_section(f'<renderMultiMedia referencedObject="m1"><caption>{w}</caption></renderMultiMedia>'))),
    "cda translation": cda_of(lambda w: cda(body=in_section("Seen.", f'<entry><observation classCode="OBS" moodCode="EVN"><code code="29308-4"/><value xsi:type="CD" nullFlavor="OTH"><translation code="x" displayName="{w}"/></value></observation></entry>'))),
    "cda original text": cda_of(lambda w: cda(body=in_section("Seen.", f'<entry><observation classCode="OBS" moodCode="EVN"><value xsi:type="CD"><originalText>{w}</originalText></value></observation></entry>'))),
    "cda string value": cda_of(lambda w: cda(body=in_section("Seen.", f'<entry><observation classCode="OBS" moodCode="EVN"><value xsi:type="ST">{w}</value></observation></entry>'))),
    "cda comment": cda_of(lambda w: cda(body=in_section("Seen.") + f"<!-- {w.replace('--', '- -')} -->")),
    "cda instruction": cda_of(lambda w: cda(header=f"<?acme {w}?>")),
    "cda custodian": cda_of(lambda w: cda(header=f"<custodian><assignedCustodian><representedCustodianOrganization><id root='1.2'/><name>{w}</name></representedCustodianOrganization></assignedCustodian></custodian>")),
    "cda encounter": cda_of(lambda w: cda(header=f'<componentOf><encompassingEncounter><id root="1.2"/><code code="AMB" displayName="{w}"/><effectiveTime value="2026"/></encompassingEncounter></componentOf>')),
    "cda service event": cda_of(lambda w: cda(header=f'<documentationOf><serviceEvent classCode="PCPR"><code code="1" displayName="{w}"/></serviceEvent></documentationOf>')),
    "cda participant": cda_of(lambda w: cda(header=f"<participant typeCode='IND'><associatedEntity classCode='PRS'><associatedPerson><name>{w}</name></associatedPerson></associatedEntity></participant>")),
    "cda id of a text": cda_of(lambda w: cda(body=in_section(f'<content ID="{w.replace(" ", "-")}">Seen.</content>'))),
    "cda latin-1": cda_of(lambda w: cda(body=in_section(w), encoding="iso-8859-1")),
    "cda CDATA": lambda w, _s: cda(body=in_section(f"<![CDATA[<b>{w}</b>]]>")),
    "cda unknown element": cda_of(lambda w: cda(header=f'<sdtc:note xmlns:a="a" a:why="{w}"/>')),
    "cda packed text": lambda w, _s: packed("text/plain", f"Dx: {w}".encode()),
    "cda packed RTF": lambda w, _s: packed("text/rtf", (RTF % w).encode("cp1252", "replace")),
    "cda packed web page": cda_of(lambda w: packed("text/html", f"<html><body><p>{w}</p></body></html>".encode())),
    "cda packed PDF": lambda w, s: packed("application/pdf", saved(letter(s, plain(w)))),
}  # fmt: skip

# --- FHIR --------------------------------------------------------------------------------------


def fhir(**fields: Any) -> bytes:
    return json.dumps(
        {"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "MR"}} | fields
    ).encode()


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


FHIRS: dict[str, Make] = {
    "fhir contained": lambda w, _s: fhir(contained=[{"resourceType": "Condition", "id": "c", "code": {"text": w}}]),
    "fhir narrative": lambda w, _s: fhir(text={"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{escape(w)}</p></div>'}),
    "fhir narrative entity": lambda w, _s: fhir(text={"status": "generated", "div": f"<div><p>{escape(w).replace(' ', '&#160;')}</p></div>"}),
    "fhir narrative attribute": lambda w, _s: fhir(text={"status": "generated", "div": f'<div><img src="#a" alt="{escape(w, quote=True)}"/></div>'}),
    "fhir narrative comment": lambda w, _s: fhir(text={"status": "generated", "div": f"<div>ok<!-- {escape(w)} --></div>"}),
    "fhir extension": lambda w, _s: fhir(extension=[{"url": "http://a/b", "valueString": w}]),
    "fhir extension address": lambda w, _s: fhir(extension=[{"url": "http://a/b/" + w.replace(" ", "%20"), "valueBoolean": True}]),
    "fhir primitive extension": lambda w, _s: fhir(_status={"extension": [{"url": "http://a", "valueMarkdown": f"**{w}**"}]}),
    "fhir note": lambda w, _s: fhir(note=[{"text": w}]),
    "fhir display": lambda w, _s: fhir(subject={"reference": "Patient/1", "display": w}),
    "fhir identifier": lambda w, _s: fhir(identifier=[{"system": "urn:x", "value": w.replace(" ", "-")}]),
    "fhir tag": lambda w, _s: fhir(meta={"tag": [{"system": "urn:t", "code": "t", "display": w}]}),
    "fhir security": lambda w, _s: fhir(meta={"security": [{"system": "urn:t", "code": "R", "display": w}]}),
    "fhir related url": lambda w, _s: fhir(relatedArtifact=[{"type": "citation", "url": "https://a.org/" + w.replace(" ", "+")}]),
    "fhir attachment title": lambda w, _s: fhir(presentedForm=[{"contentType": "application/pdf", "title": w}]),
    "fhir attachment text": lambda w, _s: fhir(presentedForm=[{"contentType": "text/plain", "data": coded(w)}]),
    "fhir attachment RTF": lambda w, _s: fhir(presentedForm=[{"contentType": "text/rtf", "data": base64.b64encode((RTF % w).encode("cp1252", "replace")).decode()}]),
    "fhir attachment page": lambda w, _s: fhir(presentedForm=[{"contentType": "text/html", "data": coded(f"<html><p>{escape(w)}</p></html>")}]),
    "fhir binary": lambda w, s: json.dumps({"resourceType": "Binary", "contentType": "application/pdf", "data": base64.b64encode(saved(letter(s, plain(w)))).decode()}).encode(),
    "fhir base64 value": lambda w, _s: fhir(extension=[{"url": "http://a", "valueBase64Binary": coded(w)}]),
    "fhir id": lambda w, _s: fhir(id=w.replace(" ", "-")[:64]),
    "fhir questionnaire": lambda w, _s: json.dumps({"resourceType": "QuestionnaireResponse", "status": "completed", "item": [{"linkId": "1", "text": "Why?", "answer": [{"valueCoding": {"code": "x", "display": w}}]}]}).encode(),
    "fhir XML narrative": lambda w, _s: f'<Observation xmlns="http://hl7.org/fhir"><text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">{escape(w)}</div></text></Observation>'.encode(),
    "fhir XML value": lambda w, _s: f'<Observation xmlns="http://hl7.org/fhir"><valueString value="{escape(w, quote=True)}"/></Observation>'.encode(),
    "fhir XML data": lambda w, _s: f'<Binary xmlns="http://hl7.org/fhir"><contentType value="text/plain"/><data value="{coded(w)}"/></Binary>'.encode(),
}  # fmt: skip

# --- text --------------------------------------------------------------------------------------
TEXTS: dict[str, Make] = {
    "text latin-1": lambda w, s: "\n".join([*neutral(s), f"Dx: {w}"]).encode("cp1252", "replace"),
    "text CSV": lambda w, _s: f'date,code,note\n2026-01-01,1,"{w}"\n'.encode(),
    "text mail coded": lambda w, s: "\n".join([*neutral(s), "Subject: " + "".join(c if c.isascii() else "".join(f"={b:02X}" for b in c.encode()) for c in w)]).encode(),
    "text zero width": lambda w, s: "\n".join([*neutral(s), "\u200b".join(w)]).encode(),
    "text decomposed": lambda w, s: unicodedata.normalize("NFD", "\n".join([*neutral(s), w])).encode(),
    "text look-alikes": lambda w, s: "\n".join([*neutral(s), w.translate(str.maketrans("aeo", "\u0430\u0435\u043e"))]).encode(),
    "text full width": lambda w, s: "\n".join([*neutral(s), "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in w)]).encode(),
    "text two lines": lambda w, s: "\n".join([*neutral(s), "It is " + w.replace(" ", "\n"), "since May."]).encode(),
}  # fmt: skip

# --- images ------------------------------------------------------------------------------------


def header(change: Callable[[Any, str], None], uid: str = "1.2.840.10008.5.1.4.1.1.4") -> Make:
    def make(words: str, _seed: int) -> bytes:
        ds = image_object(uid)
        change(ds, words)
        return object_bytes(ds)

    return make


def _set(**fields: Any) -> Dataset:
    ds = Dataset()
    for name, value in fields.items():
        setattr(ds, name, value)
    return ds


def _put(keyword: str) -> Callable[[Any, str], None]:
    return lambda ds, words: setattr(ds, keyword, words)


def _private(ds: Any, words: str) -> None:
    ds.private_block(0x0029, "ACME 1", create=True).add_new(
        1, "OW", words.encode().ljust(len(words) + len(words) % 2)
    )


def _deep(ds: Any, words: str) -> None:
    inner = _set(TextValue=words)
    for _ in range(5):
        inner = _set(RequestAttributesSequence=Sequence([inner]))
    ds.RequestAttributesSequence = Sequence([inner])


def _meta(ds: Any, words: str) -> None:
    ds.file_meta.PrivateInformationCreatorUID, ds.file_meta.PrivateInformation = (
        "1.2.3",
        words.encode().ljust(len(words) + len(words) % 2),
    )


DICOM: dict[str, Make] = {
    f"dicom {name}": header(_put(name)) for name in (
        "AdditionalPatientHistory", "PatientComments", "ImageComments", "ReasonForTheRequestedProcedure", "MedicalAlerts",
        "DerivationDescription", "AcquisitionComments", "InterpretationText", "StudyComments", "TextString", "LongCodeValue", "FrameComments",
        "ContrastBolusAgent", "RequestingService", "InstitutionAddress", "VisitComments", "StationName", "OtherPatientNames")
} | {
    "dicom private OW": header(_private), "dicom five deep": header(_deep), "dicom file meta": header(_meta),
    "dicom overlay description": header(lambda ds, w: ds.add_new(0x60000022, "LO", w[:64])),
    "dicom curve comment": header(lambda ds, w: ds.add_new(0x50000022, "LO", w[:64])),
    "dicom annotation": header(lambda ds, w: setattr(ds, "GraphicAnnotationSequence", Sequence([_set(TextObjectSequence=Sequence([_set(UnformattedTextValue=w)]))])), "1.2.840.10008.5.1.4.1.1.11.1"),
    "dicom key object": header(lambda ds, w: (setattr(ds, "ConceptNameCodeSequence", Sequence([_set(CodeValue="113000", CodeMeaning="Of Interest")])), setattr(ds, "ContentSequence", Sequence([_set(ValueType="TEXT", TextValue=w)]))), "1.2.840.10008.5.1.4.1.1.88.59"),
    "dicom waveform note": header(lambda ds, w: setattr(ds, "WaveformAnnotationSequence", Sequence([_set(UnformattedTextValue=w)])), "1.2.840.10008.5.1.4.1.1.9.1.1"),
    "dicom encapsulated CDA": header(lambda ds, w: (setattr(ds, "MIMETypeOfEncapsulatedDocument", "text/XML"), setattr(ds, "EncapsulatedDocument", CDAS["cda string value"](w, 1))), "1.2.840.10008.5.1.4.1.1.104.2"),
}  # fmt: skip

# --- notes in pictures -------------------------------------------------------------------------


def picture(kind: str, **how: Any) -> bytes:
    out = io.BytesIO()
    page_picture(NEUTRAL_EN[:2], seed=1, dpi=60).save(out, kind, **how)
    return out.getvalue()


def exif(tag: int, value: Any) -> Any:
    table = Image.Exif()
    table[tag] = value
    return table


def png(key: str, words: str, **how: Any) -> bytes:
    info = PngImagePlugin.PngInfo()
    (info.add_itxt if how.pop("wide", False) else info.add_text)(key, words, **how)
    return picture("PNG", pnginfo=info)


def iptc(words: str) -> bytes:
    raw = words.encode()
    record = b"\x1c\x02\x78" + len(raw).to_bytes(2, "big") + raw
    block = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + len(record).to_bytes(4, "big") + record
    segment = b"\xff\xed" + (len(block) + 2).to_bytes(2, "big") + block
    plain_jpeg = picture("JPEG")
    return plain_jpeg[:2] + segment + plain_jpeg[2:]


NOTES: dict[str, Make] = {
    "jpeg EXIF description": lambda w, _s: picture("JPEG", exif=exif(0x010E, w.encode())),
    "jpeg EXIF Windows title": lambda w, _s: picture("JPEG", exif=exif(0x9C9B, w.encode("utf-16-le"))),
    "jpeg comment": lambda w, _s: picture("JPEG", comment=w.encode()),
    "jpeg XMP": lambda w, _s: picture("JPEG", xmp=f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><d>{escape(w)}</d></x:xmpmeta>'.encode()),
    "jpeg IPTC": lambda w, _s: iptc(w),
    "jpeg after the end": lambda w, _s: picture("JPEG") + w.encode(),
    "png text": lambda w, _s: png("Comment", w),
    "png packed text": lambda w, _s: png("Comment", w, zip=True),
    "png international text": lambda w, _s: png("Title", w, wide=True, lang="es", tkey="Titulo", zip=True),
    "tiff description": lambda w, _s: picture("TIFF", tiffinfo={270: w}),
    "webp EXIF": lambda w, _s: picture("WEBP", exif=exif(0x010E, w.encode())),
}  # fmt: skip

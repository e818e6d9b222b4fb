"""Carriers that are records or pictures: C-CDA, FHIR, plain text, photos, image objects."""

# ruff: noqa: E501  (tables of carriers read best one a line)
from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from html import escape
from typing import Any

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from bench.leaks.pdfs import at, letter, neutral, saved
from bench.leaks.scans import page_picture

# --- C-CDA -------------------------------------------------------------------------------------
CDA = """<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:sdtc="urn:hl7-org:sdtc">
<title>Continuity of Care Document</title>{header}
<component>{body}</component></ClinicalDocument>"""
SECTION = "<structuredBody>{inner}</structuredBody>"


def section(title: str, text: str, entry: str = "") -> str:
    return (
        f"<component><section><code code='11450-4' codeSystem='2.16.840.1.113883.6.1'/>"
        f"<title>{title}</title><text>{text}</text>{entry}</section></component>"
    )


def _cda(seed: int, *sections: str, header: str = "") -> bytes:
    plain = "".join(f"<paragraph>{escape(line)}</paragraph>" for line in neutral(seed))
    inner = section("Vital Signs", plain) + "".join(sections)
    return CDA.format(header=header, body=SECTION.format(inner=inner)).encode()


def _value(words: str) -> str:
    return (
        "<entry><observation classCode='OBS' moodCode='EVN'><code code='29308-4'/>"
        f"<value code='0000' displayName='{escape(words)}'/></observation></entry>"
    )


def cda_original_text(words: str, seed: int) -> bytes:
    entry = f"<entry><act><code nullFlavor='UNK'><originalText>{escape(words)}</originalText></code></act></entry>"
    return _cda(seed, section("Procedures", "<paragraph>None</paragraph>", entry))


def cda_split(words: str, seed: int) -> bytes:
    half = max(1, len(words) // 2)
    cut = f"{escape(words[:half])}<content styleCode='Bold'>{escape(words[half:])}</content>"
    return _cda(seed, section("Assessment", f"<paragraph>Likely {cut} today</paragraph>"))


def cda_unstructured(words: str, seed: int) -> bytes:
    inner = base64.b64encode(saved(letter(seed, at(60, 300, words)))).decode()
    body = f"<nonXMLBody><text mediaType='application/pdf' representation='B64'>{inner}</text></nonXMLBody>"
    return CDA.format(header="", body=body).encode()


CDAS: dict[str, Callable[[str, int], bytes]] = {
    "cda assessment": lambda w, s: _cda(s, section("Assessment", f"<paragraph>{escape(w)}</paragraph>")),
    "cda problem list": lambda w, s: _cda(s, section("Problem List", f"<list><item>1</item><item>{escape(w)}</item></list>")),
    "cda table cell": lambda w, s: _cda(s, section("Results", f"<table><tbody><tr><td>Note</td><td>{escape(w)}</td></tr></tbody></table>")),
    "cda coded value": lambda w, s: _cda(s, section("Problems", "<paragraph>1</paragraph>", _value(w))),
    "cda original text": cda_original_text,
    "cda split word": cda_split,
    "cda comment": lambda w, s: _cda(s, f"<!-- {escape(w).replace('--', '')} -->"),
    "cda header": lambda w, s: _cda(s, header=f"<documentationOf><serviceEvent><code displayName='{escape(w)}'/></serviceEvent></documentationOf>"),
    "cda unstructured body": cda_unstructured,
}  # fmt: skip


# --- FHIR --------------------------------------------------------------------------------------
def _bundle(seed: int, resource: dict[str, Any]) -> bytes:
    other = {"resourceType": "Observation", "status": "final", "code": {"text": "Haemoglobin"},
             "note": [{"text": line} for line in neutral(seed)]}  # fmt: skip
    entries = [{"resource": other}, {"resource": resource}]
    return json.dumps({"resourceType": "Bundle", "type": "document", "entry": entries}).encode()


def _fhir(resource_type: str, **fields: Any) -> Callable[[int], bytes]:
    return lambda seed: _bundle(seed, {"resourceType": resource_type, **fields})


def fhir_xml(words: str, seed: int) -> bytes:
    notes = "".join(f"<note><text value='{escape(line)}'/></note>" for line in neutral(seed))
    return (
        f"<Condition xmlns='http://hl7.org/fhir'><code><coding><display value='{escape(words)}'/>"
        f"</coding></code>{notes}</Condition>"
    ).encode()


def fhir_attachment(words: str, seed: int) -> bytes:
    inner = base64.b64encode(saved(letter(seed, at(60, 300, words)))).decode()
    content = [{"attachment": {"contentType": "application/pdf", "data": inner}}]
    return _fhir("DocumentReference", status="current", content=content)(seed)


FHIRS: dict[str, Callable[[str, int], bytes]] = {
    "fhir condition text": lambda w, s: _fhir("Condition", code={"text": w})(s),
    "fhir coding display": lambda w, s: _fhir("Condition", code={"coding": [{"display": w}]})(s),
    "fhir reason": lambda w, s: _fhir("ServiceRequest", reasonCode=[{"text": w}])(s),
    "fhir narrative": lambda w, s: _fhir("Composition", text={"status": "generated", "div": f"<div xmlns='http://www.w3.org/1999/xhtml'><p>Seen for <b>{escape(w)}</b>.</p></div>"})(s),
    "fhir note": lambda w, s: _fhir("Procedure", note=[{"text": "Because of " + w}])(s),
    "fhir extension": lambda w, s: _fhir("Patient", extension=[{"url": "http://x.example/e", "valueString": w}])(s),
    "fhir contained": lambda w, s: _fhir("DiagnosticReport", contained=[{"resourceType": "Condition", "code": {"text": w}}])(s),
    "fhir attachment": fhir_attachment,
    "fhir xml": fhir_xml,
}  # fmt: skip


# --- plain text and pictures -------------------------------------------------------------------
def _text(words: str, seed: int, encoding: str = "utf-8") -> bytes:
    return "\n".join([*neutral(seed), "", "Diagnosis: " + words, ""]).encode(encoding, "replace")


def _photo(kind: str, **how: Any) -> Callable[[str, int], bytes]:
    def make(words: str, seed: int) -> bytes:
        picture = page_picture([*neutral(seed), "", "Impression: " + words], seed=seed, **how)
        out = io.BytesIO()
        picture.save(out, kind, **({"quality": 80} if kind == "JPEG" else {}))
        return out.getvalue()

    return make


def fax(words: str, seed: int) -> bytes:
    first = page_picture(neutral(seed), seed=seed).convert("1")
    second = page_picture(["Impression: " + words], seed=seed).convert("1")
    out = io.BytesIO()
    first.save(out, "TIFF", save_all=True, append_images=[second], compression="group4")
    return out.getvalue()


TEXTS: dict[str, Callable[[str, int], bytes]] = {
    "text utf-8": _text,
    "text windows": lambda w, s: _text(w, s, "cp1252"),
}
PHOTOS: dict[str, Callable[[str, int], bytes]] = {
    "photo jpeg": _photo("JPEG", dpi=220, skew=-1.0, ink=40),
    "photo png": _photo("PNG"),
    "second page of a fax": fax,
}


# --- image objects -----------------------------------------------------------------------------
def image_object(class_uid: str = "1.2.840.10008.5.1.4.1.1.4", modality: str = "MR") -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = class_uid, ExplicitVRLittleEndian
    meta.MediaStorageSOPInstanceUID = generate_uid()
    ds = FileDataset("x", {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = class_uid, meta.MediaStorageSOPInstanceUID
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.Modality, ds.PatientID, ds.StudyDate = modality, "0001", "20210304"
    ds.StudyDescription, ds.SeriesDescription = "MR", "t2_tse_sag"
    ds.ProtocolName, ds.Manufacturer, ds.BodyPartExamined = "routine", "Acme", "BODY"
    ds.ImageType, ds.SpecificCharacterSet = ["ORIGINAL", "PRIMARY"], "ISO_IR 192"
    return ds


def object_bytes(ds: FileDataset) -> bytes:
    out = io.BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _header(keyword: str, long: bool = False) -> Callable[[str, int], bytes]:
    def make(words: str, seed: int) -> bytes:
        ds = image_object()
        filler = " ".join(neutral(seed)) + " " if long else ""
        setattr(ds, keyword, filler + words if long else words[:64])
        return object_bytes(ds)

    return make


def _coded(keyword: str) -> Callable[[str, int], bytes]:
    def make(words: str, _seed: int) -> bytes:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "X1", "99LOCAL", words[:64]
        ds = image_object()
        setattr(ds, keyword, Sequence([item]))
        return object_bytes(ds)

    return make


def private(vr: str, nested: bool = False) -> Callable[[str, int], bytes]:
    def make(words: str, _seed: int) -> bytes:
        ds = image_object()
        holder = Dataset() if nested else ds
        block = holder.private_block(0x0029, "ACME NOTES", create=True)
        block.add_new(0x10, vr, words.encode("latin-1", "replace") if vr in ("UN", "OB") else words)
        if nested:
            outer = ds.private_block(0x0031, "ACME OUTER", create=True)
            outer.add_new(0x10, "SQ", Sequence([holder]))
        return object_bytes(ds)

    return make


def report(words: str, _seed: int) -> bytes:
    ds = image_object("1.2.840.10008.5.1.4.1.1.88.11", "SR")
    name, leaf = Dataset(), Dataset()
    name.CodeValue, name.CodingSchemeDesignator, name.CodeMeaning = "121073", "DCM", "Impression"
    leaf.RelationshipType, leaf.ValueType = "CONTAINS", "TEXT"
    leaf.ConceptNameCodeSequence, leaf.TextValue = Sequence([name]), "Likely " + words + "."
    ds.ValueType, ds.ContentSequence = "CONTAINER", Sequence([leaf])
    return object_bytes(ds)


def encapsulated(words: str, seed: int) -> bytes:
    ds = image_object("1.2.840.10008.5.1.4.1.1.104.1", "DOC")
    content = saved(letter(seed, at(60, 300, words)))
    ds.MIMETypeOfEncapsulatedDocument = "application/pdf"
    ds.EncapsulatedDocument = content + b"\0" * (len(content) % 2)
    return object_bytes(ds)


DICOM: dict[str, Callable[[str, int], bytes]] = {
    "dicom StudyDescription": _header("StudyDescription"),
    "dicom SeriesDescription": _header("SeriesDescription"),
    "dicom ProtocolName": _header("ProtocolName"),
    "dicom ReasonForStudy": _header("ReasonForStudy"),
    "dicom AdmittingDiagnoses": _header("AdmittingDiagnosesDescription"),
    "dicom ImageComments": _header("ImageComments", long=True),
    "dicom PatientComments": _header("PatientComments", long=True),
    "dicom AdditionalPatientHistory": _header("AdditionalPatientHistory", long=True),
    "dicom InstitutionName": _header("InstitutionName"),
    "dicom procedure code": _coded("ProcedureCodeSequence"),
    "dicom reason code": _coded("ReasonForPerformedProcedureCodeSequence"),
    "dicom private text": private("LO"),
    "dicom private unknown": private("UN"),
    "dicom private nested": private("LT", nested=True),
    "dicom structured report": report,
    "dicom encapsulated pdf": encapsulated,
}

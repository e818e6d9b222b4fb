"""DICOMweb (PS3.18) for one case file at a time. See docs/dicomweb-conformance.md."""

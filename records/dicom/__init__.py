"""DICOM objects: read, kept in packs, projected. Used by `records` and the DICOMweb edge."""

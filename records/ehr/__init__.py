"""Fetching one patient's records from a hospital's record system: SMART on FHIR, plain FHIR R4."""

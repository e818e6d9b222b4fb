"""Edges for other systems: DICOMweb now, FHIR and REST later."""

"""Copying studies from and to other houses: DICOMweb and DIMSE, behind one guarded door."""

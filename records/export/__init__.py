"""A whole case file as one ZIP, out of one installation and into another. See `docs/export.md`."""

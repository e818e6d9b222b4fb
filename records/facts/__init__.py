"""Facts out of electronic records: reading them, one series per analyte, one timeline, by hand."""

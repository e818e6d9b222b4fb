"""The image viewer (OHIF) on one case file at a time. Its files are made by `deploy/local`."""

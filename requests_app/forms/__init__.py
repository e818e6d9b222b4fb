"""Forms of this app, a module for each page."""

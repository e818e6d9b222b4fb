"""Pages of this app, a module for each desk they belong to."""

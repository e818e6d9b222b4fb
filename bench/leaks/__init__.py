"""The leak corpus: carriers of many kinds with a planted original diagnosis, and clean files."""

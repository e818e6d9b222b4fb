"""Files that are wrong on purpose, sent through the real ways in. `mutators` makes them."""

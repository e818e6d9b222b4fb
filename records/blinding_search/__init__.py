"""Finding what would give the first opinion away, before a person decides about each item.

`sources` read an item into passages of text, `terms` says what to look for, `matching` finds it
and `searching` writes the hits. The modules named `foreign_*` run in the guarded child only.
"""

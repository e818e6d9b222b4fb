"""Electronic records as pages that people read.

`foreign*` run in the guarded child and make plain text in a shape of ours: no markup of the sender
is ever stored. `making` stores it, `rendering` writes our own HTML from it.
"""

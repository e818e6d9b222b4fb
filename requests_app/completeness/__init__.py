"""Is everything here that a specialist needs? Versioned checklists, evaluated on evidence.

`definition` reads a checklist, `evidence` gathers what a case file really holds, `evaluating`
compares the two, `choosing` picks the checklists of a request. A ticked box is not evidence: what
counts is what image headers, documents, laboratory values and answers say.
"""

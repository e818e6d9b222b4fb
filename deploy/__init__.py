"""How SecondOp is started: `deploy.local` for one machine, the other folders for a clinic's
containers.
"""

"""Every change of a referral's state, and what it does to the request beneath it."""

from specialists.workflow.checking import approve, begin_check, send_back
from specialists.workflow.opining import (
    ask_for_more,
    break_seal,
    resume,
    reveal,
    revise,
    save_completion,
    save_independent,
    seal,
    sign,
)
from specialists.workflow.referring import decline, expire_offer, recall, refer, take

__all__ = [
    "approve",
    "ask_for_more",
    "begin_check",
    "break_seal",
    "decline",
    "expire_offer",
    "recall",
    "refer",
    "resume",
    "reveal",
    "revise",
    "save_completion",
    "save_independent",
    "seal",
    "send_back",
    "sign",
    "take",
]

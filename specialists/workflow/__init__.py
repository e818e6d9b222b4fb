"""Every change of a referral's state, and what it does to the request beneath it."""

from specialists.workflow.amending import amend, further_opinion
from specialists.workflow.checking import approve, begin_check, send_back
from specialists.workflow.completing import (
    add_option,
    answer_follow_up,
    remove_option,
    revise,
    save_completion,
    sign,
)
from specialists.workflow.opining import (
    ask_for_more,
    break_seal,
    resume,
    reveal,
    save_independent,
    seal,
    write_to_clinic,
)
from specialists.workflow.referring import decline, expire_offer, recall, refer, take
from specialists.workflow.several import (
    answer_jointly,
    ask_further_reader,
    make_panel,
    stop_looking,
)

__all__ = [
    "add_option",
    "amend",
    "answer_follow_up",
    "answer_jointly",
    "approve",
    "ask_for_more",
    "ask_further_reader",
    "begin_check",
    "break_seal",
    "decline",
    "expire_offer",
    "further_opinion",
    "make_panel",
    "recall",
    "refer",
    "remove_option",
    "resume",
    "reveal",
    "revise",
    "save_completion",
    "save_independent",
    "seal",
    "send_back",
    "sign",
    "stop_looking",
    "take",
    "write_to_clinic",
]

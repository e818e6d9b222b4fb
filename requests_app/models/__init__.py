"""The rows of what is asked and how the answer is delivered."""

from requests_app.models.answers import SectionSave
from requests_app.models.checklist import (
    ChecklistVersion,
    ItemStatement,
    RequestChecklist,
    Waiver,
)
from requests_app.models.delivery import FollowUpQuestion, Rendering, Report, StaffTask
from requests_app.models.desk import DeskDecision
from requests_app.models.opinion_request import OpinionRequest, StatusChange
from requests_app.models.words import Message, PatientStatement, PrivateReason, Question, Wording

__all__ = [
    "ChecklistVersion",
    "DeskDecision",
    "FollowUpQuestion",
    "ItemStatement",
    "Message",
    "OpinionRequest",
    "PatientStatement",
    "PrivateReason",
    "Question",
    "Rendering",
    "Report",
    "RequestChecklist",
    "SectionSave",
    "StaffTask",
    "StatusChange",
    "Waiver",
    "Wording",
]

"""The rows of who answers and what they said."""

from specialists.models.opinion import (
    Answer,
    Comparison,
    Opinion,
    OpinionRevision,
    QualityCheck,
    Seal,
    TreatmentOption,
)
from specialists.models.panel import EarlierOpinion, Panel, PanelSeat
from specialists.models.referral import Referral, Specialist

__all__ = [
    "Answer",
    "Comparison",
    "EarlierOpinion",
    "Opinion",
    "OpinionRevision",
    "Panel",
    "PanelSeat",
    "QualityCheck",
    "Referral",
    "Seal",
    "Specialist",
    "TreatmentOption",
]

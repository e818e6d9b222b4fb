"""How long a record holder may take, by country and by what we ask under: a table with sources.

Whoever knows better changes the row here, with its source. `chasing.py` reads the steps.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = str | Promise
REMINDER_DAYS = (7, 14, 25)  # after asking; the last step, "due", is the term itself (day 30)
DUE, DUE_AGAIN = "due", "due again"


@dataclass(frozen=True)
class Term:
    """A stretch in days or in calendar months (Regulation (EEC) 1182/71 for the EU)."""

    days: int = 0
    months: int = 0

    def after(self, start: datetime, time_zone: str) -> datetime:
        """`start` moved by the term, at the same time of the day in `time_zone`.

        A month that has no such day ends on its last one (31 January -> 28 February).
        """
        local = start.astimezone(ZoneInfo(time_zone))
        month = local.month - 1 + self.months
        year, month = local.year + month // 12, month % 12 + 1
        day = min(local.day, monthrange(year, month)[1])
        return (
            local.replace(year=year, month=month, day=day) + timedelta(days=self.days)
        ).astimezone(start.tzinfo)


@dataclass(frozen=True)
class Clock:
    term: Term
    extension: Term | None  # the one extension the law allows; None: it names none
    is_law: bool  # False: the law sets no term and we count ours
    source: str
    office: Words = ""  # who hears a complaint
    office_address: str = ""


OCR = _("Office for Civil Rights, U.S. Department of Health and Human Services")
OCR_ADDRESS = "https://www.hhs.gov/hipaa/filing-a-complaint/"
EU_OFFICE = _("the data protection authority of that country")
EU_ADDRESS = "https://www.edpb.europa.eu/about-edpb/about-edpb/members_en"
OURS = Clock(Term(days=30), None, is_law=False, source="")
GDPR = Clock(
    Term(months=1), Term(months=2), is_law=True,
    source="Regulation (EU) 2016/679 (GDPR), Articles 12(3) and 15",
    office=EU_OFFICE, office_address=EU_ADDRESS,
)  # fmt: skip
# A disclosure under an authorization is permitted, not required: 45 CFR 164.508 sets no term. We
# count as if it were the patient's own request, and say that it is our count.
AUTHORIZED = Clock(
    Term(days=30), Term(days=30), is_law=False,
    source="45 CFR 164.508 sets no term; counted as 45 CFR 164.524(b)(2)",
    office=OCR, office_address=OCR_ADDRESS,
)  # fmt: skip
ACCESS: dict[str, Clock] = {
    "US": Clock(
        Term(days=30), Term(days=30), is_law=True, source="45 CFR 164.524(b)(2)",
        office=OCR, office_address=OCR_ADDRESS,
    ),
    "GB": Clock(
        Term(months=1), Term(months=2), is_law=True,
        source="UK GDPR, Articles 12(3) and 15; Data Protection Act 2018",
        office=_("Information Commissioner's Office"),
        office_address="https://ico.org.uk/make-a-complaint/",
    ),
    "CA": Clock(
        Term(days=30), Term(days=30), is_law=True,
        source="PIPEDA, section 8(3) and (4); Ontario: PHIPA, section 54(2) and (3)",
        office=_("the Privacy Commissioner of Canada, or the one of the province"),
        office_address="https://www.priv.gc.ca/en/report-a-concern/",
    ),
    "AU": Clock(
        Term(days=30), None, is_law=True,
        source="Privacy Act 1988, APP 12.4; OAIC guidelines, chapter 12",
        office=_("Office of the Australian Information Commissioner"),
        office_address="https://www.oaic.gov.au/privacy/privacy-complaints",
    ),
    "CH": Clock(
        Term(days=30), None, is_law=True,
        source="Federal Act on Data Protection, Article 25(7)",
        office=_("Federal Data Protection and Information Commissioner"),
        office_address="https://www.edoeb.admin.ch/",
    ),
    "BR": Clock(
        Term(days=15), None, is_law=True, source="Lei 13.709/2018 (LGPD), Article 19, II",
        office=_("Autoridade Nacional de Proteção de Dados"),
        office_address="https://www.gov.br/anpd/",
    ),
}  # fmt: skip
EU = "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE"
EEA = frozenset(f"{EU} IS LI NO".split())


def clock_of(country: str, basis: str) -> Clock:
    """The row for a holder's country and what we ask under (`RecordRequest.Basis`)."""
    if country == "US" and basis == "authorization":
        return AUTHORIZED
    if country in EEA:
        return GDPR
    return ACCESS.get(country, OURS)


def basis_for(country: str) -> str:
    """Where the patient's signature is a HIPAA authorization, and where it is an access letter."""
    return "authorization" if country == "US" else "access"

"""Routes of this app; each is declared in `access.py` too."""

from django.urls import path

from specialists.views import (
    amending,
    checking,
    completing,
    desk,
    reading,
    referring,
    several,
    writing,
)

app_name = "specialists"
urlpatterns = [
    path("clinic/requests/<uuid:pk>/refer/", referring.refer, name="refer"),
    path("clinic/referrals/<uuid:pk>/recall/", referring.recall, name="recall"),
    path("clinic/requests/<uuid:pk>/resume/", referring.resume, name="resume"),
    path("clinic/requests/<uuid:pk>/amend/", amending.amend, name="amend"),
    path(
        "clinic/requests/<uuid:pk>/further-opinion/",
        amending.further_opinion,
        name="further_opinion",
    ),
    path("clinic/requests/<uuid:pk>/compare/", several.compare, name="compare"),
    path("clinic/requests/<uuid:pk>/panel/", several.panel, name="panel"),
    path("clinic/requests/<uuid:pk>/stop-looking/", several.stop_looking, name="stop_looking"),
    path(
        "clinic/referrals/<uuid:pk>/messages/",
        referring.specialist_thread,
        name="specialist_thread",
    ),
    path("reviews/", desk.desk, name="desk"),
    path("reviews/profile/", desk.profile, name="profile"),
    path("reviews/reading-grade/", completing.reading_grade, name="reading_grade"),
    path("reviews/<uuid:pk>/", desk.referral, name="referral"),
    path("reviews/<uuid:pk>/take/", desk.take, name="take"),
    path("reviews/<uuid:pk>/decline/", desk.decline, name="decline"),
    path("reviews/<uuid:pk>/messages/", desk.thread, name="thread"),
    path("reviews/<uuid:pk>/case-file/", reading.case_file, name="case_file"),
    path("reviews/<uuid:pk>/read/", reading.mark_read, name="mark_read"),
    path("reviews/<uuid:pk>/opinion/", writing.write, name="write"),
    path("reviews/<uuid:pk>/autosave/", writing.autosave, name="autosave"),
    path("reviews/<uuid:pk>/seal/", writing.seal, name="seal"),
    path("reviews/<uuid:pk>/seal.json", writing.seal_file, name="seal_file"),
    path("reviews/<uuid:pk>/reveal/", writing.reveal, name="reveal"),
    path("reviews/<uuid:pk>/safety/", writing.break_seal, name="break_seal"),
    path("reviews/<uuid:pk>/complete/", completing.complete, name="complete"),
    path("reviews/<uuid:pk>/others/", several.others, name="others"),
    path("reviews/<uuid:pk>/revise/", completing.revise, name="revise"),
    path("reviews/<uuid:pk>/sign/", completing.sign, name="sign"),
    path("follow-up/<uuid:pk>/", completing.answer_follow_up, name="answer_follow_up"),
    path("checks/", checking.checks, name="checks"),
    path("checks/<uuid:pk>/", checking.check, name="check"),
    path("checks/<uuid:pk>/decide/", checking.decide, name="decide"),
]

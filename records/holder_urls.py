"""Routes about record holders; each is declared in `holder_access.py` too."""

from django.urls import path

from records.views import first_doctor, permissions, record_requests

app_name = "holders"
urlpatterns = [
    path("asks/", record_requests.asks, name="asks"),
    path("case-files/<uuid:pk>/record-holders/", record_requests.of_case_file, name="of_case_file"),
    path("record-holders/<uuid:pk>/ask/", record_requests.ask, name="ask"),
    path("record-requests/<uuid:pk>/", record_requests.record_request, name="record_request"),
    path("record-requests/<uuid:pk>/step/", record_requests.step, name="step"),
    path("record-requests/<uuid:pk>/letters/<uuid:letter>/", record_requests.letter, name="letter"),
    path("case-files/<uuid:pk>/where-treated/add/", permissions.add, name="add"),
    path("case-files/<uuid:pk>/where-treated/", permissions.mine, name="mine"),
    path("case-files/<uuid:pk>/first-doctor/", permissions.first_doctor, name="first_doctor"),
    path("first-doctor-letters/<uuid:pk>/", first_doctor.letter, name="first_doctor_letter"),
    path(
        "case-files/<uuid:pk>/first-doctor-letter/",
        first_doctor.letter_step,
        name="first_doctor_step",
    ),
    path("clinic/first-doctor/", first_doctor.duties_page, name="duties"),
    path("clinic/first-doctor/<uuid:pk>/end/", first_doctor.duty_end, name="duty_end"),
    path("authorizations/<uuid:pk>/", permissions.authorization, name="authorization"),
    path("authorizations/<uuid:pk>/take-back/", permissions.take_back, name="take_back"),
]

"""Routes of this app; each is declared in `access.py` too."""

from django.urls import path

from requests_app.views import gathering, intake, preparing, queue, report, start, status, triage

app_name = "requests"
urlpatterns = [
    path("start/", start.start, name="start"),
    path("start/emergency/", start.emergency, name="emergency"),
    path("start/begin/", start.begin, name="begin"),
    path("requests/", start.mine, name="mine"),
    path("requests/<uuid:pk>/tasks/", intake.task_list, name="task_list"),
    path("requests/<uuid:pk>/about/", intake.about, name="about"),
    path("requests/<uuid:pk>/told/", intake.told, name="told"),
    path("requests/<uuid:pk>/questions/", intake.questions, name="questions"),
    path("requests/<uuid:pk>/records/", intake.records, name="records"),
    path("requests/<uuid:pk>/review/", intake.review, name="review"),
    path("requests/<uuid:pk>/check/", intake.check, name="check"),
    path("requests/<uuid:pk>/discard/", intake.discard, name="discard"),
    path("requests/<uuid:pk>/", status.status, name="status"),
    path("requests/<uuid:pk>/needed/", gathering.needed, name="needed"),
    path("requests/<uuid:pk>/messages/", status.messages, name="messages"),
    path("requests/<uuid:pk>/withdraw/", status.withdraw, name="withdraw"),
    path("requests/<uuid:pk>/reopen/", status.reopen, name="reopen"),
    path("requests/<uuid:pk>/who-opened/", status.access_log, name="access_log"),
    path("reports/<uuid:pk>/", report.report, name="report"),
    path("reports/<uuid:pk>/pdf/", report.report_pdf, name="report_pdf"),
    path("reports/<uuid:pk>/data/", report.report_data, name="report_data"),
    path("reports/<uuid:pk>/acknowledge/", report.acknowledge, name="acknowledge"),
    path("reports/<uuid:pk>/questions/", report.follow_up, name="follow_up"),
    path("clinic/queue/", queue.queue, name="queue"),
    path("clinic/queue.csv", queue.queue_csv, name="queue_csv"),
    path("clinic/tasks/", queue.tasks, name="tasks"),
    path("clinic/tasks/<uuid:pk>/done/", queue.task_done, name="task_done"),
    path("clinic/requests/<uuid:pk>/", triage.triage, name="triage"),
    path("clinic/requests/<uuid:pk>/accept/", triage.accept, name="accept"),
    path("clinic/requests/<uuid:pk>/ask/", triage.ask_patient, name="ask_patient"),
    path("clinic/requests/<uuid:pk>/return/", triage.return_with_advice, name="return_with_advice"),
    path("clinic/requests/<uuid:pk>/ready/", triage.mark_ready, name="mark_ready"),
    path("clinic/requests/<uuid:pk>/checklist/", gathering.completeness, name="completeness"),
    path("clinic/checklists/", gathering.checklists, name="checklists"),
    path("clinic/checklists/<uuid:pk>/sign/", gathering.checklist_sign, name="checklist_sign"),
    path("clinic/checklists/<uuid:clinic>/<slug:key>/", gathering.checklist, name="checklist"),
    path("clinic/requests/<uuid:pk>/messages/", triage.staff_messages, name="staff_messages"),
    path("clinic/requests/<uuid:pk>/reopen/", triage.staff_reopen, name="staff_reopen"),
    path("clinic/requests/<uuid:pk>/records/", preparing.prepare, name="prepare"),
    path("clinic/requests/<uuid:pk>/records/decide/", preparing.decide, name="decide"),
    path(
        "clinic/requests/<uuid:pk>/records/places/",
        preparing.redaction_areas,
        name="redaction_areas",
    ),
]

"""Routes of this app; each is declared in `access.py` too."""

from django.urls import path

from secondop.accounts.views import invitations, members, profile, start

app_name = "accounts"
urlpatterns = [
    path("start/", start.start, name="start"),
    path("second-factor/", start.second_factor, name="second_factor"),
    path("roles/", start.roles, name="roles"),
    path("profile/", profile.profile, name="profile"),
    path("people/", members.members, name="members"),
    path("people/invite/", members.invite, name="invite"),
    path(
        "people/invitations/<uuid:pk>/revoke/", members.revoke_invitation, name="revoke_invitation"
    ),
    path(
        "people/invitations/<uuid:pk>/resend/", members.resend_invitation, name="resend_invitation"
    ),
    path("people/<uuid:pk>/end/", members.end_membership, name="end_membership"),
    path("clinic/", members.clinic, name="clinic"),
    path("invitation/<str:token>/", invitations.invitation, name="invitation"),
    path("join/", invitations.join, name="join"),
]

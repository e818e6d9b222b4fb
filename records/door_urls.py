"""Routes of the record holders' door; each is declared in `access.py` too."""

from django.urls import path, register_converter

from records.views import door


class CodeConverter:
    """A code of `records.holder_links`, as people may have typed it into an address."""

    regex = "[0-9A-Za-z]{52}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(CodeConverter, "door_code")

app_name = "door"
urlpatterns = [
    path("door/", door.page, name="page"),
    path("door/code/", door.code, name="code"),
    path("door/<door_code:code>/", door.enter, name="enter"),
    path("door/permission/", door.permission, name="permission"),
    path("door/permission.pdf", door.permission_pdf, name="permission_pdf"),
    path("door/files/", door.upload_create, name="upload_create"),
    path("door/files/<uuid:pk>/", door.upload, name="upload"),
    path("door/file/", door.file, name="file"),
    path("door/images/here/", door.images_here, name="images_here"),
    path("door/answer/", door.answer, name="answer"),
    path("door/thanks/", door.thanks, name="thanks"),
]

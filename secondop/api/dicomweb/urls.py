"""Routes of DICOMweb below one case file; each is declared in `secondop/api/access.py` too."""

from django.urls import include, path, register_converter

from secondop.api.dicomweb import door, pictures, retrieve, search


class UidConverter:
    """A UID as it may stand in an address; see `records.dicom.values.is_uid`."""

    regex = "[0-9A-Za-z.-]{1,64}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class PathConverter(UidConverter):
    regex = "[0-9A-F.]{8,200}"  # tags and item numbers: 00081140.0.00081155


class NumbersConverter(UidConverter):
    regex = "[0-9,]{1,8000}"


register_converter(UidConverter, "uid")
register_converter(PathConverter, "tag_path")
register_converter(NumbersConverter, "numbers")

app_name = "dicomweb"
INSTANCE = "studies/<uid:study>/series/<uid:series>/instances/<uid:instance>"
SERIES = "studies/<uid:study>/series/<uid:series>"
_routes = [
    path("studies", search.studies, name="studies"),
    path("series", search.series, name="all_series"),
    path("instances", search.instances, name="all_instances"),
    path("studies/<uid:study>/series", search.series, name="series"),
    path("studies/<uid:study>/instances", search.instances, name="study_instances"),
    path(f"{SERIES}/instances", search.instances, name="instances"),
    path("studies/<uid:study>/metadata", retrieve.study_metadata, name="study_metadata"),
    path(f"{SERIES}/metadata", retrieve.series_metadata, name="series_metadata"),
    path(f"{INSTANCE}/metadata", retrieve.instance_metadata, name="instance_metadata"),
    path("studies/<uid:study>/thumbnail", pictures.thumbnail, name="study_thumbnail"),
    path(f"{SERIES}/thumbnail", pictures.thumbnail, name="series_thumbnail"),
    path(f"{INSTANCE}/thumbnail", pictures.thumbnail, name="instance_thumbnail"),
    path("studies/<uid:study>/rendered", pictures.rendered, name="study_rendered"),
    path(f"{SERIES}/rendered", pictures.rendered, name="series_rendered"),
    path(f"{INSTANCE}/rendered", pictures.rendered, name="instance_rendered"),
    path(f"{INSTANCE}/frames/<int:number>/rendered", pictures.rendered, name="frame_rendered"),
    path(f"{INSTANCE}/frames/<int:number>/thumbnail", pictures.thumbnail, name="frame_thumbnail"),
    path(f"{INSTANCE}/frames/<numbers:numbers>", retrieve.frames, name="frames"),
    path(f"{INSTANCE}/bulkdata/<tag_path:path>", retrieve.bulk_data, name="bulk_data"),
    path("studies/<uid:study>", retrieve.study_or_store, name="study"),
    path(SERIES, retrieve.series, name="one_series"),
    path(INSTANCE, retrieve.instance, name="instance"),
]
urlpatterns = [
    path("case-files/<uuid:pk>/dicom-web/", include(_routes)),
    path("door/images/studies", door.store, name="door_store"),
]

"""Who may use which route of the edges. Rows are decided by sight; see `records/imaging.py`."""

from secondop.lib.routes import ANYBODY, SIGNED_IN, route

_DICOMWEB = (
    ("studies", "GET POST", "Search studies of a case file; store objects into it"),
    ("study", "GET POST", "A whole study; store into it"),
    ("all_series", "GET", "Search series"),
    ("all_instances", "GET", "Search instances"),
    ("series", "GET", "Search the series of a study"),
    ("study_instances", "GET", "Search the instances of a study"),
    ("instances", "GET", "Search the instances of a series"),
    ("study_metadata", "GET", "Headers of a study"),
    ("series_metadata", "GET", "Headers of a series"),
    ("instance_metadata", "GET", "Header of an instance"),
    ("study_thumbnail", "GET", "Small picture of a study"),
    ("series_thumbnail", "GET", "Small picture of a series"),
    ("instance_thumbnail", "GET", "Small picture of an instance"),
    ("study_rendered", "GET", "Picture of a study"),
    ("series_rendered", "GET", "Picture of a series"),
    ("instance_rendered", "GET", "Picture of an instance"),
    ("frame_rendered", "GET", "Picture of a frame"),
    ("frame_thumbnail", "GET", "Small picture of a frame"),
    ("frames", "GET", "Frames as stored"),
    ("bulk_data", "GET", "One long value"),
    ("one_series", "GET", "A whole series"),
    ("instance", "GET", "A whole instance"),
)
ROUTES = [
    route(f"dicomweb:{name}", methods, SIGNED_IN, shows, audit="imaging.opened", is_edge=True)
    for name, methods, shows in _DICOMWEB
]
ROUTES += [
    route("dicomweb:door_store", "POST", ANYBODY, "A record holder sends images; its link decides"),
    route("viewer:asset", "GET", ANYBODY, "A file of the viewer program: nobody's data"),
    route("viewer:open", "GET", SIGNED_IN, "Open the images of a case file in the viewer"),
    route("viewer:page", "GET", SIGNED_IN, "The viewer on one case file", audit="imaging.opened"),
    route("viewer:alive", "GET", SIGNED_IN, "Keep a session while images are read", is_edge=True),
]

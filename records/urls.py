"""Routes of this app; each is declared in `access.py` too."""

from django.urls import path

from records.views import (
    documents,
    facts,
    giveaway_terms,
    identity,
    icd10,
    imaging,
    imaging_inlets,
    imaging_upload,
    proxies,
    specimens,
    uploads,
)

app_name = "records"
urlpatterns = [
    path("case-files/<uuid:pk>/uploads/", uploads.upload_create, name="upload_create"),
    path("uploads/<uuid:pk>/", uploads.upload, name="upload"),
    path("case-files/<uuid:pk>/files/", uploads.upload_simple, name="upload_simple"),
    path("case-files/<uuid:pk>/documents/", documents.documents, name="documents"),
    path("documents/<uuid:pk>/", documents.document, name="document"),
    path("documents/<uuid:pk>/pages/<int:number>/", documents.page_image, name="page_image"),
    path("documents/<uuid:pk>/file/", documents.download, name="download"),
    path("documents/<uuid:pk>/kind/", documents.set_kind, name="set_kind"),
    path("documents/<uuid:pk>/remove/", documents.remove, name="remove"),
    path("case-files/<uuid:pk>/images/add/", imaging_upload.images_add, name="images_add"),
    path("case-files/<uuid:pk>/images/here/", imaging_upload.images_here, name="images_here"),
    path("case-files/<uuid:pk>/images/", imaging.images, name="images"),
    path("image-series/<uuid:pk>/", imaging.images_series, name="images_series"),
    path("image-series/<uuid:pk>/sight/", imaging.images_classify, name="images_classify"),
    path("image-series/<uuid:pk>/cover/", imaging.images_cover, name="images_cover"),
    path("image-studies/<uuid:pk>/decide/", imaging.images_decide, name="images_decide"),
    path("image-studies/<uuid:pk>/remove/", imaging.images_remove, name="images_remove"),
    path("case-files/<uuid:pk>/images/hospitals/", imaging_inlets.inlets, name="inlets"),
    path("hospitals/<uuid:pk>/close/", imaging_inlets.inlet_revoke, name="inlet_revoke"),
    path("clinic/giveaway-words/", giveaway_terms.giveaway_terms, name="giveaway_terms"),
    path("case-files/<uuid:pk>/right-patient/", identity.right_patient, name="right_patient"),
    path("right-patient/<uuid:pk>/", identity.identity_decide, name="identity_decide"),
    path("right-patient/<uuid:pk>/answer/", identity.identity_answer, name="identity_answer"),
    path("case-files/<uuid:pk>/facts/", facts.facts, name="facts"),
    path("case-files/<uuid:pk>/slides/", specimens.specimens, name="specimens"),
    path("slides/<uuid:pk>/<slug:new>/", specimens.specimen_step, name="specimen_step"),
    path("icd10/", icd10.icd10_search, name="icd10_search"),
    path("patients/<uuid:pk>/helpers/", proxies.proxies, name="proxies"),
    path("helpers/<uuid:pk>/accept/", proxies.proxy_accept, name="proxy_accept"),
    path("helpers/<uuid:pk>/take-back/", proxies.proxy_take_back, name="proxy_take_back"),
    path("helpers/<uuid:pk>/end/", proxies.proxy_end, name="proxy_end"),
]

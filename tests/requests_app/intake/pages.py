"""The pages on which a request is written, and answers that fit them."""

from django.urls import reverse

PAGES = ("task_list", "about", "told", "questions", "records", "review", "check", "discard")
ABOUT = {
    "full_name": "Maria Example", "born_on_month": "6", "born_on_day": "12",
    "born_on_year": "1968", "sex": "female", "phone": "", "country": "US",
    "has_allergies": "yes", "allergies": "Penicillin", "has_implants": "no",
    "takes_anticoagulants": "unknown", "version": "0", "tab": "a",
}  # fmt: skip
TOLD = {"diagnosis": "Breast cancer", "treatment_state": "not_started", "version": "0", "tab": "a"}
ASKED = {"purposes": ["options"], "version": "0", "tab": "a"}


def url(page, opinion_request):
    return reverse(f"requests:{page}", args=[opinion_request.pk])


def autosave(client, address, **fields):
    headers = {"accept": "application/json"}
    return client.post(address, {"autosave": "1", **fields}, headers=headers)

"""Feedback submissions: the answers of the made-up world's `crm` programme, as the CRM has them."""

from __future__ import annotations

from sandbox.universe.calendar import iso_ms
from sandbox.universe.crm import CrmObject, Properties, record_id
from sandbox.universe.surveys import Answer
from sandbox.universe.world import World

FEEDBACK = "feedback_submissions"
PROGRAMME = "crm"
_SURVEYS = {"nps": ("NPS", "4101", "Would you recommend us?"),
            "csat": ("CSAT", "4102", "How satisfied are you?")}  # fmt: skip


def submission_id(answer: Answer) -> str:
    """Return the id of an answer in the CRM."""
    return str(610_000_000_000 + answer.number)


def submissions(world: World) -> list[CrmObject]:
    """Return every submission with its history; only people that the CRM knows are asked."""
    contacts = {contact.id: contact.created for contact in world.crm.objects["contacts"]}
    made = []
    for answer in world.surveys:
        contact = record_id("contacts", answer.company.index, answer.person.number)
        at = answer.responded_at * 1000
        if answer.programme == PROGRAMME and contacts.get(contact, at) < at:
            said = [_properties(answer, one.score, one.comment) for one in answer.versions]
            given = {**_asked(answer, contact), **said[0]}
            thing = CrmObject(submission_id(answer), at, [(at, given)])
            for one, properties in zip(answer.versions[1:], said[1:], strict=True):
                thing.change(one.at * 1000, **properties)
            made.append(thing)
    return made


def _asked(answer: Answer, contact: str) -> Properties:
    sort, number, name = _SURVEYS[answer.instrument]
    at = iso_ms(answer.responded_at * 1000)
    return {
        "hs_survey_type": sort, "hs_survey_id": number, "hs_survey_name": name,
        "hs_survey_channel": "EMAIL", "hs_submission_timestamp": at, "hs_createdate": at,
        "hs_contact_id": contact,
    }  # fmt: skip


def _properties(answer: Answer, score: int, comment: str | None) -> Properties:
    group = None
    if answer.instrument == "nps":
        group = "PROMOTER" if score > 8 else "PASSIVE" if score > 6 else "DETRACTOR"
    return {"hs_value": str(score), "hs_response_group": group, "hs_content": comment}

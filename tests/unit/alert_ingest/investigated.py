"""An investigator's answer, as it is sent."""

from __future__ import annotations

ID = "edc4574d-f844-58cc-b5c9-dc4169c35240"
SAID = {
    "incident_id": ID,
    "summary": "The new image asks for a table that is not there.",
    "findings": ["Revision 7 came 40 s before the alert."],
    "suggestions": ["Roll back to revision 6."],
    "link": "https://investigations.example/7",
}

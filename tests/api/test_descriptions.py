"""The OpenAPI document describes itself: each operation has a summary, each parameter and field a description."""

from collections.abc import Iterator
from typing import Any

import pytest
from support.api.client import client_factory

_VERBS = {
    *("Branch", "Check", "Count", "Create", "Delete", "Download", "Edit", "Export", "Find", "List", "Rate", "Redact"),
    *("Refresh", "Regenerate", "Retrieve", "Retry", "Send", "Set", "Sign", "Stop", "Stream", "Switch", "Update"),
}


@pytest.fixture
def document(store) -> Iterator[dict[str, Any]]:
    for client_with in client_factory(store):
        yield client_with().get("/openapi.json").json()


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


def test_each_summary_is_an_imperative_of_its_own(document):
    summaries = [operation["summary"] for operation in operations(document)]
    assert {summary.split()[0] for summary in summaries} == _VERBS
    assert len(set(summaries)) == len(summaries)
    assert not [summary for summary in summaries if summary.endswith(".") or "\n" in summary]


def test_each_description_is_in_whole_sentences(document):
    found = operations(document)
    assert [op["summary"] for op in found if not op["description"].endswith(".")] == []


def test_each_parameter_is_described(document):
    found = [parameter for operation in operations(document) for parameter in operation.get("parameters", ())]
    assert found
    assert [parameter["name"] for parameter in found if not parameter.get("description", "").endswith(".")] == []


def test_each_schema_and_field_is_described(document):
    schemas = document["components"]["schemas"]
    assert {name for name, schema in schemas.items() if not schema.get("description")} == {"JsonValue"}
    fields = {f"{name}.{key}": value for name, s in schemas.items() for key, value in s.get("properties", {}).items()}
    assert fields
    assert [name for name, field in fields.items() if not field.get("description", "").endswith(".")] == []

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from gateway.http.cursor import PageQuery
from gateway.http.money import MoneyBody
from gateway.http.openapi import document
from gateway.http.route import Access, Route
from tests.http.stand import nothing, served

pytestmark = pytest.mark.core


class Purchase(BaseModel):
    """Buy something."""

    price: MoneyBody


class Bought(BaseModel):
    """It is yours."""

    price: MoneyBody
    next: str | None = None


ROUTES = [
    Route(
        method="POST",
        path="/v1/shops/{shop_id}/purchases",
        handler=nothing,
        access=Access.CLIENT,
        summary="Buy <something>",
        tag="shop",
        body=Purchase,
        answer=Bought,
        status=201,
        is_idempotency_key_needed=True,
        rate_per_minute=7,
    ),
    Route(
        method="GET",
        path="/v1/shops/{shop_id}/purchases",
        handler=nothing,
        access=Access.PUBLIC,
        summary="What was bought",
        tag="shop",
        query=PageQuery,
        answer=Bought,
    ),
    Route(
        method="POST",
        path="/v1/keys",
        handler=nothing,
        access=Access.INTEGRATOR,
        summary="Use a key",
        tag="keys",
    ),
]


def made() -> dict[str, Any]:
    return document(ROUTES, title="Shop & more", version="1.2", rate_per_minute=60)


def references(node: object) -> Iterator[str]:
    """Every `$ref` anywhere in the document."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def resolve(whole: dict[str, Any], reference: str) -> Any:
    node: Any = whole
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    return node


def test_every_route_is_a_path_and_every_reference_resolves() -> None:
    whole = made()

    assert whole["openapi"].startswith("3.1")
    for route in ROUTES:
        assert route.method.lower() in whole["paths"][route.path]
    found = list(references(whole))
    assert found
    for reference in found:
        assert resolve(whole, reference)


def test_operation_ids_are_unique() -> None:
    ids = [each["operationId"] for item in made()["paths"].values() for each in item.values()]

    assert len(ids) == len(set(ids)) == len(ROUTES)


def test_an_operation_tells_parameters_body_answer_refusals_and_rate() -> None:
    buy = made()["paths"]["/v1/shops/{shop_id}/purchases"]["post"]

    assert [(each["name"], each["in"]) for each in buy["parameters"]] == [
        ("shop_id", "path"),
        ("Idempotency-Key", "header"),
    ]
    assert buy["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/Purchase")
    assert "201" in buy["responses"]
    assert {"400", "401", "403", "404", "409", "422", "429"} <= set(buy["responses"])
    assert buy["security"] == [{"bearer": []}]
    assert "7 calls" in buy["description"]


def test_queries_keys_and_empty_answers_are_told_too() -> None:
    paths = made()["paths"]
    listed = paths["/v1/shops/{shop_id}/purchases"]["get"]
    keys = paths["/v1/keys"]["post"]

    assert {"cursor", "limit"} <= {each["name"] for each in listed["parameters"] if each["in"] == "query"}
    assert listed["security"] == []
    assert keys["security"] == [{"apiKey": []}]
    assert "204" in keys["responses"]


@pytest.mark.adapter
async def test_the_documents_and_the_page_are_served_and_need_nothing_from_elsewhere() -> None:
    async with served(ROUTES) as client:
        openapi = await (await client.get("/openapi.json")).json()
        asyncapi = await (await client.get("/asyncapi.json")).json()
        page = await (await client.get("/docs")).text()
        style = await client.get("/docs/reference.css")

    assert set(openapi["paths"]) == {route.path for route in ROUTES}
    assert asyncapi == {"asyncapi": "3.0.0"}
    assert style.content_type == "text/css"
    for route in ROUTES:
        assert route.path in page
    assert "Buy &lt;something&gt;" in page
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page
    assert "style=" not in page
    assert json.dumps(openapi)

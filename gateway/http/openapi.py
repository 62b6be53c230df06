"""The OpenAPI 3.1 document, made from the same routes that serve.

Decides how a `Route` reads as an operation: parameters from the path pattern and
the query model, bodies and answers from the pydantic models, refusals as shared
problem responses, security from `Access`, the rate from the route.
Never describes anything by hand that the code could contradict.
Specification: OpenAPI 3.1.1; problems RFC 9457.
"""

import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from gateway.http.gatekeeper import policy_of
from gateway.http.problem import CONTENT_TYPE
from gateway.http.route import Access, Route

Json = dict[str, Any]

_PROBLEM_SCHEMA: Json = {
    "type": "object",
    "description": "A refusal as RFC 9457 has it; `code` is what a program should look at.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "description": "`urn:gateway:problem:` and the code"},
        "title": {"type": "string", "description": "The kind of problem, always the same for a kind"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What went wrong this time"},
        "code": {"type": "string"},
        "retry_after_s": {"type": "integer", "description": "When to try again, with 429 and 503"},
        "errors": {
            "type": "array",
            "description": "Wrong fields, with 422",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "RFC 6901"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}

_REFUSALS = {
    "400": ("Malformed", "The request cannot be read, or a needed header is missing."),
    "401": ("Unauthenticated", "No token or key, or one that is bad, expired or revoked."),
    "402": ("PaymentNeeded", "The wallet does not cover what was asked."),
    "403": ("Forbidden", "The caller's role does not open this route."),
    "404": ("NotFound", "No such thing, or not the caller's to see."),
    "409": ("Conflict", "The thing is not in a state that allows this."),
    "413": ("TooLarge", "The body is over the limit."),
    "422": ("Unprocessable", "Fields are wrong, or an Idempotency-Key came back with another body."),
    "429": ("TooMany", "Over the rate; `Retry-After` says when to come back."),
    "503": ("Unavailable", "A part the gateway needs does not answer."),
}

_RATE_HEADERS: Json = {
    "RateLimit": {"description": "Calls left and seconds until the next", "schema": {"type": "string"}},
    "RateLimit-Policy": {"description": "Calls in a window of seconds", "schema": {"type": "string"}},
}


def document(routes: Sequence[Route], *, title: str, version: str, rate_per_minute: int) -> Json:
    """The whole document as a JSON object."""
    references, schemas = _schemas(routes)
    paths: dict[str, Json] = {}
    for route in routes:
        operation = _operation(route, references, schemas, rate_per_minute)
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.1",
        "info": {"title": title, "version": version},
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes)],
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Problem": _PROBLEM_SCHEMA},
            "responses": {name: _refusal(text) for name, text in _REFUSALS.values()},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
            },
        },
    }


_References = dict[tuple[type[BaseModel], JsonSchemaMode], Json]


def _schemas(routes: Sequence[Route]) -> tuple[_References, dict[str, Json]]:
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = []
    for route in routes:
        wanted += [(model, "validation") for model in (route.body, route.query) if model is not None]
        wanted += [(route.answer, "serialization")] if route.answer is not None else []
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = list(dict.fromkeys(wanted))
    found, definitions = models_json_schema(models, ref_template="#/components/schemas/{model}")
    return {model: found[model] for model in models}, dict(definitions.get("$defs", {}))


def _operation(route: Route, references: _References, schemas: dict[str, Json], rate_per_minute: int) -> Json:
    policy = policy_of(route, rate_per_minute)
    needs = {
        Access.PUBLIC: "Open to everybody",
        Access.SIGNED_IN: "For anybody signed in",
        Access.INTEGRATOR: "For an integrator's API key",
    }.get(route.access, f"For the role `{route.access.value}`")
    operation: Json = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "description": f"{needs}. At most {policy.calls} calls in {policy.window_s} s.",
        "tags": [route.tag],
        "parameters": _parameters(route, references, schemas),
        "responses": _responses(route, references),
        "security": _security(route.access),
        "x-access": route.access,
    }
    if route.body is not None:
        schema = references[route.body, "validation"]
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation


def _operation_id(route: Route) -> str:
    words = re.sub(r"[^A-Za-z0-9]+", "_", route.path).strip("_")
    return f"{route.method.lower()}_{words}"


def _security(access: Access) -> list[Json]:
    if access is Access.PUBLIC:
        return []
    return [{"apiKey": []}] if access is Access.INTEGRATOR else [{"bearer": []}]


def _parameters(route: Route, references: _References, schemas: dict[str, Json]) -> list[Json]:
    parameters: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)", route.path)
    ]
    if route.query is not None:
        name = references[route.query, "validation"]["$ref"].rsplit("/", 1)[1]
        model = schemas[name]
        parameters += [
            {"name": field, "in": "query", "required": field in model.get("required", []), "schema": schema}
            for field, schema in model.get("properties", {}).items()
        ]
    if route.is_idempotency_key_needed:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "description": "Same key and body: same answer. Same key and other body: 422.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
            }
        )
    return parameters


def _responses(route: Route, references: _References) -> Json:
    if route.answer is None:
        responses: Json = {"204": {"description": "Done; nothing to say", "headers": _RATE_HEADERS}}
    else:
        schema = references[route.answer, "serialization"]
        responses = {
            str(route.status): {
                "description": "Done",
                "headers": _RATE_HEADERS,
                "content": {"application/json": {"schema": schema}},
            }
        }
    for status in _refusals_of(route):
        responses[status] = {"$ref": f"#/components/responses/{_REFUSALS[status][0]}"}
    return responses


def _refusals_of(route: Route) -> list[str]:
    possible = {"429", "503"}
    if route.access is not Access.PUBLIC:
        possible |= {"401", "403"}
    if "{" in route.path:
        possible.add("404")
    if route.body is not None or route.query is not None or route.is_idempotency_key_needed:
        possible |= {"400", "422"}
    if route.method != "GET":
        possible |= {"402", "409", "413"}
    return sorted(possible)


def _refusal(description: str) -> Json:
    return {
        "description": description,
        "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }

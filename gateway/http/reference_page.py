"""The OpenAPI document as a page to read, made on the server.

Decides how operations and schemas are laid out; needs no script, no network and
no library, so it works offline and under the strictest content policy.
Never adds facts of its own: everything shown is in `/openapi.json`.
"""

import json
from html import escape
from typing import Any

Json = dict[str, Any]

STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#1c2430, #e6e9ee); --soft: light-dark(#5a6675, #9aa5b4);
  --paper: light-dark(#fff, #12161c); --line: light-dark(#dfe4ea, #2a323d); --accent: light-dark(#0b6b5c, #4cc9b0); }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 2rem 1rem 6rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.7rem; } h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); text-transform: capitalize; }
a { color: var(--accent); }
code, pre { font-family: ui-monospace, monospace; font-size: .86rem; }
pre { overflow-x: auto; padding: .8rem; border: 1px solid var(--line); border-radius: .5rem; }
details { border: 1px solid var(--line); border-radius: .5rem; margin: .6rem 0; padding: .2rem .9rem; }
summary { cursor: pointer; padding: .5rem 0; } summary span { color: var(--soft); }
.method { display: inline-block; min-width: 4.2rem; color: var(--accent); font-weight: 700; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .3rem .6rem .3rem 0;
  border-bottom: 1px solid var(--line); vertical-align: top; }
"""


def rendered(document: Json) -> str:
    """The page as HTML."""
    info = document["info"]
    sections = "".join(_section(document, tag["name"]) for tag in document["tags"])
    schemas = "".join(_schema(name, schema) for name, schema in document["components"]["schemas"].items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])}: HTTP reference</title>"
        '<link rel="stylesheet" href="/docs/reference.css"></head><body>'
        f"<h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>"
        '<p>The same as a document: <a href="/openapi.json">/openapi.json</a>; '
        'the socket: <a href="/asyncapi.json">/asyncapi.json</a>.</p>'
        f"{sections}<h2>Schemas</h2>{schemas}</body></html>"
    )


def _section(document: Json, tag: str) -> str:
    operations = [
        _operation(method, path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if tag in operation["tags"]
    ]
    return f"<h2>{escape(tag)}</h2>{''.join(operations)}"


def _operation(method: str, path: str, operation: Json) -> str:
    body = operation.get("requestBody")
    return (
        f'<details id="{escape(operation["operationId"])}"><summary><span class="method">{method.upper()}</span>'
        f"<code>{escape(path)}</code> <span>{escape(operation['summary'])}</span></summary>"
        f"<p>{escape(operation['description'])}</p>"
        f"{_parameters(operation['parameters'])}"
        f"{f'<p>Body: {_content(body)}</p>' if body else ''}"
        f"{_responses(operation['responses'])}</details>"
    )


def _parameters(parameters: list[Json]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(each['name'])}</code></td><td>{escape(each['in'])}</td>"
        f"<td>{'required' if each['required'] else 'optional'}</td></tr>"
        for each in parameters
    )
    return f"<table>{rows}</table>" if rows else ""


def _responses(responses: Json) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(status)}</code></td><td>{_answer(answer)}</td></tr>"
        for status, answer in responses.items()
    )
    return f"<table>{rows}</table>"


def _answer(answer: Json) -> str:
    if "$ref" in answer:
        return escape(answer["$ref"].rsplit("/", 1)[1])
    return f"{escape(answer['description'])} {_content(answer)}"


def _content(holder: Json) -> str:
    links = [_link(media["schema"]) for media in holder.get("content", {}).values()]
    return ", ".join(links)


def _link(schema: Json) -> str:
    if "$ref" not in schema:
        return "<code>object</code>"
    name = escape(schema["$ref"].rsplit("/", 1)[1])
    return f'<a href="#{name}"><code>{name}</code></a>'


def _schema(name: str, schema: Json) -> str:
    text = escape(json.dumps(schema, indent=2, ensure_ascii=False))
    return f'<details id="{escape(name)}"><summary><code>{escape(name)}</code></summary><pre>{text}</pre></details>'

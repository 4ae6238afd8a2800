"""Checks previews, a JSON object a line on standard input, against the vendors' API files.

usage: check_specs.py FOLDER <previews
Prints how many requests of each plan were checked. Fails with the request's name and what is wrong.
"""

import collections
import datetime
import json
import pathlib
import re
import sys
import urllib.parse

import graphql
import jsonschema
import yaml

# The files of each CRM, the first that knows a path is the one that counts.
OPENAPI = {
    "housecall_pro": ["housecallpro/housecall_v1.yaml"],
    "servicetitan": [
        "servicetitan/2025-05-swagger2/tenant-crm-v2.json",
        "servicetitan/2025-05-swagger2/tenant-jpm-v2.json",
        "servicetitan/2025-05-swagger2/tenant-settings-v2.json",
        "servicetitan/2022-04-openapi3/tenant-marketing-v2.yml",
    ],
}
GRAPHQL = {"jobber": "jobber/jobber-apptemplate-railsapi-schema.json"}

# The portal's export names the sandbox, whose paths are those of production.
HOSTS = {"api-integration.servicetitan.io": "api.servicetitan.io"}

# What a file says of a body in words only, by the operation's name.
IN_WORDS = {
    # "One of first_name, last_name, email, mobile_number, home_number, work_number are required."
    "post-customers": [
        "first_name", "last_name", "email", "mobile_number", "home_number", "work_number",
    ],
    # "Either this or Customer required"
    "post-leads": ["customer_id", "customer"],
}

# Where a vendor's file is known to be older than its API: for each type, the fields that are gone
# from it, and what was added.
OUTDATED = {
    "jobber": {
        # The file is of mid-2022, our requests are of version 2026-05-12, whose reference has these.
        # The names of the new nested types are ours; they never leave us.
        "gone": {"RequestCreateInput": ["customFormInput", "source"]},
        "added": """
            extend input ClientCreateInput { sourceAttribution: SourceAttributionInput }
            input SourceAttributionInput { sourceText: String }
            extend input RequestCreateInput {
              requestDetails: RequestDetailsInput
              salespersonId: EncodedId
            }
            input RequestDetailsInput { form: RequestDetailsFormInput }
            input RequestDetailsFormInput { sections: [RequestDetailsSectionInput!] }
            input RequestDetailsSectionInput {
              label: String
              items: [RequestDetailsItemInput!]
            }
            input RequestDetailsItemInput { label: String, answerText: String }
            extend input RequestCreateNoteInput { pinned: Boolean }
        """,
    },
}

# What stands in a preview for the id of a record that would only come into being.
UNMADE = re.compile(r"\(id of the \w+ created before\)")
# An id that is right for CRMs whose ids are numbers and for those whose are not.
MADE = {"servicetitan": 4711}


def main():
    folder = pathlib.Path(sys.argv[1])
    vendors = {crm: OpenApi(folder, files) for crm, files in OPENAPI.items() if there(folder, files)}
    for crm, file in GRAPHQL.items():
        if there(folder, [file]):
            vendors[crm] = GraphQl(folder / file, OUTDATED.get(crm))
    for crm in sorted({*OPENAPI, *GRAPHQL} - vendors.keys()):
        print(f"check-specs: {crm} skipped: the folder lacks its file")
    counts, faults, proven = collections.Counter(), collections.Counter(), set()
    for preview in map(json.loads, sys.stdin):
        crm = preview["crm"]
        if crm not in vendors:
            continue
        counts[crm, preview["plan"]] += 1
        request = made(preview["request"], MADE.get(crm, "id_1"))
        named = (crm, preview["plan"], request["activity"])
        for fault in vendors[crm].faults(request):
            faults[*named, fault] += 1
        if named not in proven:
            proven.add(named)
            for spoilt, request in spoilt_ways(request):
                if not vendors[crm].faults(request):
                    faults[*named, f"the check does not notice {spoilt}"] += 1
    for (crm, plan), count in counts.items():
        print(f"check-specs: {crm} {plan}: {count} requests checked")
    unseen = vendors.keys() - {crm for crm, _ in counts}
    for crm in unseen:
        print(f"check-specs: {crm}: no preview was there to check", file=sys.stderr)
    for named, count in faults.items():
        print(f"check-specs: {' '.join(named)} ({count} times)", file=sys.stderr)
    return 1 if faults or unseen or not counts else 0


def spoilt_ways(request):
    """The same request in ways that no vendor takes: a check that sees nothing there proves nothing."""
    yield "a wrong method", {**request, "method": "TRACE"}
    if request["body"] is None:
        yield "an unknown parameter", {**request, "url": request["url"] + "&leadrail=1"}
        return
    yield "an unknown field", {**request, "body": {**request["body"], "leadrail": 1}}
    for name, value in request["body"].items():
        spoilt = [] if isinstance(value, dict) else {}
        yield f"a wrong {name}", {**request, "body": {**request["body"], name: spoilt}}


def there(folder, files):
    return all((folder / file).is_file() for file in files)


def made(value, number):
    """The value with an id in the place of the words for records that would only come into being."""
    if isinstance(value, dict):
        return {name: made(item, number) for name, item in value.items()}
    if isinstance(value, list):
        return [made(item, number) for item in value]
    if not isinstance(value, str):
        return value
    if UNMADE.fullmatch(value):
        return number
    if not value.startswith("https://"):
        return value
    # In paths the words are percent-encoded.
    parts = [UNMADE.sub(str(number), urllib.parse.unquote(part)) for part in value.split("/")]
    fits = any(UNMADE.search(urllib.parse.unquote(part)) for part in value.split("/"))
    return "/".join(parts) if fits else value


class OpenApi:
    """The vendor's files, Swagger 2 or OpenAPI 3."""

    def __init__(self, folder, files):
        self.operations = []
        for file in files:
            document = yaml.load((folder / file).read_text(), Loader=yaml.CSafeLoader)
            for path, item in document["paths"].items():
                for address in addresses(document):
                    self.operations.append((pattern(address + path), item, document))

    def faults(self, request):
        url = urllib.parse.urlsplit(request["url"])
        fitting = [
            (matched, item, document)
            for form, item, document in self.operations
            if (matched := form.fullmatch(f"https://{url.netloc}{url.path}"))
        ]
        if not fitting:
            return ["no such path"]
        # A path without parameters comes before one with a parameter in the same place.
        matched, item, document = min(fitting, key=lambda found: len(found[0].groups()))
        operation = item.get(request["method"].lower())
        if operation is None:
            return ["no such method at this path"]
        parameters = [
            resolved(one, document) for one in item.get("parameters", []) + operation.get("parameters", [])
        ]
        found = parameter_faults("path", parameters, named_groups(matched, parameters))
        found += parameter_faults("query", parameters, urllib.parse.parse_qsl(url.query, True))
        if "authorization" not in request["headers"]:
            found.append("no authorization")
        return found + body_faults(request, operation, parameters, document)


def addresses(document):
    if "swagger" in document:
        found = [f"https://{document['host']}{document.get('basePath', '')}"]
    else:
        found = [server["url"] for server in document["servers"]]
    for theirs, meant in HOSTS.items():
        found = [address.replace(theirs, meant) for address in found]
    return [address.rstrip("/") for address in found]


def pattern(path):
    parts = re.split(r"(\{[^}]*\})", path)
    return re.compile("".join("([^/]+)" if part.startswith("{") else re.escape(part) for part in parts))


def named_groups(matched, parameters):
    names = [one["name"] for one in parameters if one["in"] == "path"]
    # The documents list path parameters in any order; all of them are of one type in a path.
    return list(zip(names, map(urllib.parse.unquote, matched.groups())))


def parameter_faults(place, parameters, given):
    known = {one["name"]: one for one in parameters if one["in"] == place}
    found = [f"no {place} parameter {name}" for name, _ in given if name not in known]
    missing = {name for name, one in known.items() if one.get("required")} - {name for name, _ in given}
    found += [f"{place} parameter {name} is missing" for name in sorted(missing)]
    for name, text in given:
        one = known.get(name, {})
        schema = one.get("schema", {key: one[key] for key in ("type", "format", "enum") if key in one})
        found += schema_faults(f"{place} parameter {name}", schema, read(text, schema))
        sorts = re.search(r"Available fields are: ([\w, ]+)", one.get("description", ""))
        if name == "sort" and sorts and text.lstrip("+-") not in sorts[1].split(", "):
            found.append(f"cannot be sorted by {text}")
    return found


def read(text, schema):
    """The value that a parameter's text stands for."""
    kind = schema.get("type")
    if kind in ("integer", "number") and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    return text.split(",") if kind == "array" else text


def body_faults(request, operation, parameters, document):
    schema, required = body_schema(operation, parameters)
    if request["body"] is None:
        return ["the body is missing"] if required else []
    if schema is None:
        return ["has a body, where the vendor takes none"]
    found = []
    if request["headers"].get("content-type") != "application/json":
        found.append("the body is not called JSON")
    one_of = IN_WORDS.get(operation.get("operationId"))
    if one_of and not any(request["body"].get(name) for name in one_of):
        found.append(f"the body has none of {', '.join(one_of)}")
    return found + schema_faults("body", resolved(schema, document), request["body"])


def body_schema(operation, parameters):
    """What a body must be, and whether there must be one."""
    for one in parameters:
        if one["in"] == "body":
            return one["schema"], one.get("required", False)
    body = operation.get("requestBody", {})
    content = body.get("content", {}).get("application/json", {})
    return content.get("schema"), body.get("required", False)


def resolved(schema, document, above=()):
    """The schema without references, as JSON Schema 2020-12, and closed where it names its fields."""
    if isinstance(schema, list):
        return [resolved(one, document, above) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(reference := schema.get("$ref"), str):
        if reference in above:
            return {}
        target = document
        for name in reference.removeprefix("#/").split("/"):
            target = target[name.replace("~1", "/")]
        return resolved(target, document, (*above, reference))
    plain = {
        name: resolved(value, document, above)
        for name, value in schema.items()
        if name not in ("example", "examples", "default", "x-examples")
    }
    if plain.pop("nullable", False) and isinstance(plain.get("type"), str):
        plain["type"] = [plain["type"], "null"]
    for part in plain.get("allOf", []):
        part.pop("unevaluatedProperties", None)
        if len(plain["allOf"]) > 1 or "properties" in plain:
            part.pop("additionalProperties", None)
    names_fields = isinstance(plain.get("properties"), dict) or "allOf" in plain
    if names_fields and "additionalProperties" not in plain:
        plain["unevaluatedProperties"] = False
    return plain


FORMATS = jsonschema.FormatChecker(formats=["uuid", "email", "date"])


@FORMATS.checks("date-time")
def is_time(value):
    if not isinstance(value, str):
        return True
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", value):
        return False
    try:
        return bool(datetime.datetime.fromisoformat(value))
    except ValueError:
        return False


@FORMATS.checks("int64")
def is_int64(value):
    return not isinstance(value, int) or -(2**63) <= value < 2**63


@FORMATS.checks("int32")
def is_int32(value):
    return not isinstance(value, int) or -(2**31) <= value < 2**31


def schema_faults(place, schema, value):
    validator = jsonschema.Draft202012Validator(schema, format_checker=FORMATS)
    return [
        # Places in lists are left out, so that the same fault counts as one.
        f"{place} {'.'.join(str(part) for part in fault.path if not isinstance(part, int))}: "
        f"{fault.message[:200]}"
        for fault in validator.iter_errors(value)
    ]


def text_that(fits):
    def parsed(value):
        if not isinstance(value, str) or not fits(value):
            raise graphql.GraphQLError("is not of its scalar's form")
        return value

    return parsed


class GraphQl:
    """The vendor's schema, from its introspection."""

    def __init__(self, file, outdated):
        schema = json.loads(file.read_text())["data"]
        gone = outdated["gone"] if outdated else {}
        for kind in schema["__schema"]["types"]:
            fields = kind["inputFields"] or []
            names = gone.get(kind["name"], [])
            kind["inputFields"] = [field for field in fields if field["name"] not in names]
        self.schema = graphql.build_client_schema(schema)
        if outdated:
            added = graphql.parse(outdated["added"])
            self.schema = graphql.extend_schema(self.schema, added)
        # An introspection does not say what a scalar of the vendor's own takes.
        for name, fits in (("EncodedId", lambda _: True), ("ISO8601DateTime", is_time)):
            self.schema.type_map[name].parse_value = text_that(fits)

    def faults(self, request):
        body = request["body"]
        if request["method"] != "POST" or not isinstance(body, dict):
            return ["is no POST of JSON"]
        found = [f"no field {name} in the body" for name in body.keys() - {"query", "variables", "operationName"}]
        if "authorization" not in request["headers"]:
            found.append("no authorization")
        try:
            document = graphql.parse(body.get("query"))
        except (TypeError, graphql.GraphQLError) as fault:
            return [f"the query cannot be read: {fault}"]
        found += [fault.message for fault in graphql.validate(self.schema, document)]
        operation = graphql.get_operation_ast(document, body.get("operationName"))
        if operation is None:
            return [*found, "no operation of the name given"]
        wanted = {one.variable.name.value for one in operation.variable_definitions}
        given = body.get("variables", {})
        if not isinstance(given, dict):
            return [*found, "the variables are no object"]
        found += [f"no variable {name}" for name in given.keys() - wanted]
        values = graphql.execution.values.get_variable_values(
            self.schema, operation.variable_definitions, given
        )
        return found + ([fault.message for fault in values] if isinstance(values, list) else [])


if __name__ == "__main__":
    sys.exit(main())

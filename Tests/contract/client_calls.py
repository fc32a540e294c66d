"""Every call in the sources of huggingface_hub, by its syntax tree: the URL's template with the methods that it is called with."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

# What sends a request, and what it sends if it does not say.
SENDERS = {"get": "GET", "post": "POST", "put": "PUT", "delete": "DELETE", "patch": "PATCH", "head": "HEAD", "paginate": "GET"}
# Here the method is the first argument.
BY_ARGUMENT = {"http_backoff", "http_stream_backoff", "_request_wrapper", "_httpx_follow_relative_redirects_with_backoff", "request", "stream"}
# The Hub's address. Other constants name other hosts, such as that of the Inference Endpoints.
ENDPOINT = re.compile(r"(\w+\.)*_?(endpoint|ENDPOINT)")


@dataclass(frozen=True)
class Call:
    where: str
    # None: the function builds the URL for another caller.
    method: str | None
    template: str


def template_of(node):
    """The text of an f-string that begins with the endpoint, with `{expression}` where something is put in."""
    if not isinstance(node, ast.JoinedStr) or not node.values or not isinstance(node.values[0], ast.FormattedValue):
        return None
    if len(node.values) < 2 or not isinstance(node.values[1], ast.Constant) or not node.values[1].value.startswith("/"):
        return None
    if not ENDPOINT.fullmatch(ast.unparse(node.values[0].value)):
        return None
    parts = []
    for value in node.values[1:]:
        parts.append(value.value if isinstance(value, ast.Constant) else "{" + ast.unparse(value.value) + "}")
    text = "".join(parts)
    return text if not re.search(r"\s|\(", re.sub(r"\{[^{}]*\}", "", text)) else None


def method_of(call):
    name = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id if isinstance(call.func, ast.Name) else ""
    if name in SENDERS:
        return SENDERS[name]
    if name in BY_ARGUMENT:
        given = [a for a in call.args[:1] if isinstance(a, ast.Constant)] + [k.value for k in call.keywords if k.arg == "method"]
        values = [a.value for a in given if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        return values[0].upper() if values else None
    return None


def calls_in(path, root):
    text = path.read_text()
    if "endpoint" not in text.lower():
        return
    tree = ast.parse(text)
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    for function in functions:
        if not any(template_of(node) for node in ast.walk(function)):
            continue
        named, found = {}, []
        for node in ast.walk(function):
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for part in ast.walk(node.value):
                    if template := template_of(part):
                        for target in targets:
                            if isinstance(target, ast.Name):
                                named.setdefault(target.id, set()).add(template)
        for node in ast.walk(function):
            if not isinstance(node, ast.Call) or not (method := method_of(node)):
                continue
            arguments = list(node.args) + [k.value for k in node.keywords if k.arg in ("url", "path")]
            for argument in arguments:
                for part in ast.walk(argument):
                    if template := template_of(part):
                        found.append((method, template))
                    elif isinstance(part, ast.Name) and part.id in named and part is argument:
                        found += [(method, template) for template in named[part.id]]
        called = {template for _, template in found}
        found += [(None, template) for node in ast.walk(function) if (template := template_of(node)) and template not in called]
        for method, template in dict.fromkeys(found):
            yield Call(f"{path.relative_to(root)}:{function.name}", method, template)


def calls(package: Path):
    found = []
    for path in sorted(package.rglob("*.py")):
        found += calls_in(path, package)
    return found


# Templates in which a name stands for more than it says.
SPECIAL = {
    "/api/{repo_id}/discussions/{discussion_num}/{resource}": "/api/models/acme/x/discussions/7/comment",
    "/api/{repo_type}s/{repo_id}/xet-{token_type.value}-token": "/api/buckets/acme/x/xet-read-token",
}
SAMPLES = (
    (r"encoded_path|encoded_prefix", "/a%2Fb"), (r"REPO_TYPES_URL_PREFIXES|url_prefix", "datasets/"), (r"slug", "acme/list-5f0c"),
    (r"repo_id|bucket_id|from_id|to_id|model_id|SANDBOX_SERVER_BUCKET", "acme/x"), (r"api_prefix", "models"), (r"repo_type", "model"),
    (r"token_type", "read"), (r"num", "7"), (r"namespace|organization|username|\buser\b|owner", "acme"), (r"revision|commit|branch|\btag\b", "refs%2Fpr%2F1"),
    (r"filename|path", "a/b.txt"), (r"status", "pending"), (r"", "word"),
)


def target_of(template):
    if template in SPECIAL:
        return SPECIAL[template]

    def sample(match):
        return next(text for pattern, text in SAMPLES if re.search(pattern, match[1]))

    return re.sub(r"\{([^{}]*)\}", sample, template).partition("?")[0]

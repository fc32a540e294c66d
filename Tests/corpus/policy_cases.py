"""Requests under a scope, and what becomes of them: the rules of docs/decisions/0027-scopes.md in Python, for generate.py."""
import json
import re

PRESETS = {
    "reader": "read search", "writer": "read search write discuss",
    "maintainer": "read search write discuss create move settings", "inference": "infer",
    "admin": "read search account infer write discuss create delete move settings publish spend other",
}
PRESETS["all"] = PRESETS["admin"]

SCOPES = [
    "reader acme/*", "writer acme/team-a-*", "reader *; deny all acme/secret", "read public; search public",
    "maintainer model:acme/*; publish model:acme/team-a-*", "read,search,discuss *", "admin *; deny delete *", "admin *",
    "infer acme/*", "spend acme/*; settings space:acme/*; read acme/*", "account *", "other *", "read,delete,move acme/*",
    "read,create,write bucket:acme/*", "writer acme/*; deny write model:acme/team-a-*; read public",
    "create,publish,settings,spend,read,write *",
]


def rules(scope):
    for text in scope.split("; "):
        words = text.split()
        deny = words[0] == "deny"
        names, pattern = words[deny:]
        yield deny, {a for name in names.split(",") for a in PRESETS.get(name, name).split()}, pattern


def glob(pattern, text, spans=False):
    return re.fullmatch("".join(("." if spans else "[^/]") + "*" if c == "*" else re.escape(c) for c in pattern), text) is not None


def fits(pattern, resource, deny):
    """resource: None, (kind, "owner/name"), ("namespace", owner), ("infer", model)"""
    kind, colon, rest = pattern.rpartition(":")
    if resource is None:
        return pattern == "*"
    what, name = resource
    if kind and kind != ("model" if what == "infer" else what):
        return False
    if rest == "*":
        return True
    if deny:
        rest, name = rest.lower(), name.lower()
    if what == "infer":
        return glob(rest, name, spans=True) or glob(rest, name.rpartition(":")[0], spans=True) if name else deny
    if what == "namespace":
        owner, _, tail = rest.partition("/")
        return tail == "*" and glob(owner, name)
    if name.startswith("me/"):
        owner, _, tail = rest.partition("/")
        return glob(tail or owner, name[3:]) and (deny or owner == "*" and tail != "")
    if "/" not in name:
        owner, slash, _ = rest.partition("/")
        return glob(owner, name) and (deny or not slash)
    return glob(rest, name)


def allowed(scope, need, any_pattern=False):
    """"with", "without" a credential, or nothing."""
    wanted, resource = need
    found = {"with": set(), "without": set()}
    denied = set()
    for deny, actions, pattern in rules(scope):
        if deny:
            denied |= actions if fits(pattern, resource, True) else set()
        elif pattern == "public":
            if resource is None or any_pattern or resource[0] not in ("namespace", "infer"):
                found["without"] |= actions
        elif any_pattern or fits(pattern, resource, False):
            found["with"] |= actions
    return next((how for how in ("with", "without") if (found[how] - denied) & set(wanted.split("|"))), None)


def unlimited(scope):
    return scope == "admin *"


def reads_all(scope):
    return any(p == "*" and "read" in a for d, a, p in rules(scope) if not d) and not any(d and "read" in a for d, a, p in rules(scope))


def decide(scope, needs, note=""):
    if note == "bad":
        return "allow" if unlimited(scope) else "400"
    if unlimited(scope):
        return "allow"
    if note == "ambiguous":
        return "403"
    for need in needs:
        if need[0] == "other" and need[1] is not None:
            if any(d and fits(p, need[1], True) for d, a, p in rules(scope)):
                return "403"
        how = allowed(scope, need, note in ("any", "filtered", "hidden"))
        if how == "with":
            continue
        if how == "without" and len(needs) == 1:
            return "public"
        action, resource = need[0].split("|")[0], need[1]
        named = resource is not None and resource[0] not in ("namespace", "infer")
        if named and action not in ("create", "publish", "other") and not allowed(scope, ("read", resource)):
            return "404"
        return f"403 {action}"
    if note == "hidden" and not reads_all(scope):
        return "public"
    if note == "filtered" and not reads_all(scope):
        return "filtered"
    return "allow"


KINDS = [("model", "models", ""), ("dataset", "datasets", "datasets/"), ("space", "spaces", "spaces/")]
NAMES = ["acme/team-a-x", "acme/secret", "other/y", "ACME/team-a-x", "Acme/Secret"]


def by_path():
    """(method, target, needs, note)"""
    for kind, plural, web in KINDS:
        for name in NAMES:
            it = (kind, name)
            api = f"/api/{plural}/{name}"
            yield "GET", api, [("read", it)], ""
            yield "HEAD", f"/{web}{name}/resolve/main/a/b.bin", [("read", it)], ""
            yield "POST", api + "/commit/main", [("write", it)], ""
            yield "POST", api + "/commit/main?create_pr=1", [("write|discuss", it)], ""
            yield "POST", f"/{web}{name}.git/git-receive-pack", [("write", it)], ""
            yield "PUT", api + "/settings", [("settings", it)], ""
            yield "POST", api + "/like", [("account", None)], ""
            yield "GET", f"/{web}{name}/settings", [("settings", it)], ""
    for name in NAMES[:3]:
        it = ("model", name)
        api = f"/api/models/{name}"
        yield "GET", api + "/tree/refs%2Fpr%2F1/a%20b", [("read", it)], ""
        yield "POST", api + "/paths-info/main", [("read", it)], ""
        yield "GET", api + "/xet-write-token/main", [("write|discuss", it)], ""
        yield "DELETE", api + "/branch/main", [("write", it)], ""
        yield "POST", api + "/commit/main?create_pr=1&create_pr=0", [("write", it)], ""
        yield "POST", api + "/discussions/3/merge", [("write", it)], ""
        yield "POST", api + "/discussions", [("discuss", it)], ""
        yield "GET", f"/{name}.git/info/refs?service=git-upload-pack", [("read", it)], ""
        yield "GET", f"/{name}.git/info/refs?service=git-receive-pack", [("write", it)], ""
        yield "GET", f"/{name}.git/info/refs?service=git-upload-pack&service=git-receive-pack", [("write", it)], ""
        yield "POST", api + "/new-thing", [("other", it)], ""
        yield "PATCH", api, [("other", it)], ""
        yield "POST", f"/api/spaces/{name}/hardware", [("spend", ("space", name))], ""
        yield "POST", f"/api/spaces/{name}/secrets", [("settings", ("space", name))], ""
        yield "GET", f"/api/buckets/{name}/tree/a", [("read", ("bucket", name))], ""
        yield "DELETE", f"/api/buckets/{name}", [("delete", ("bucket", name))], ""
        yield "GET", f"/api/buckets/{name}/xet-write-token", [("write", ("bucket", name))], ""
        owner = name.split("/")[0]
        yield "POST", f"/api/jobs/{owner}/687f/cancel", [("spend", ("namespace", owner))], ""
        yield "GET", f"/api/jobs/{owner}/687f/logs", [("read", ("namespace", owner))], ""
        for odd in (
            f"/api/models/{name}/", f"/api//models/{name}", f"/API/models/{name}", f"/api/models/{name.replace('/', '%2F')}",
            f"/api/models/{name}/commit/main/", f"/api/models/{name}.git/commit/main", f"/api/models/{name};x/settings",
            f"/api/models/{name}/%73ettings", f"/api/models/{name}/SETTINGS",
        ):
            yield "POST", odd, [], "ambiguous"
    yield "GET", "/gpt2/resolve/main/config.json", [("read", ("model", "gpt2"))], ""
    yield "GET", "/api/models/gpt2", [("read", ("model", "gpt2"))], ""
    yield "GET", "/acme/resolve/main/x", [("read", ("model", "acme"))], ""
    yield "GET", "/api/models?author=acme", [("search", None)], "filtered"
    yield "GET", "/api/trending", [("search", None)], "hidden"
    yield "GET", "/api/models-tags-by-type", [("search", None)], "any"
    yield "GET", "/acme", [("search", ("namespace", "acme"))], "hidden"
    yield "POST", "/api/settings/webhooks", [("account", None)], ""
    for page in ("/settings", "/settings/tokens", "/notifications", "/organizations/acme/settings", "/new"):
        yield "GET", page, [("account", None)], ""
    yield "GET", "/api/organizations/acme/billing/usage", [("account", ("namespace", "acme"))], ""
    yield "POST", "/api/unheard-of", [("other", None)], ""
    yield "DELETE", "/api/repos/create", [("other", None)], ""


def with_body():
    """(method, target, body, needs, note); a body that is a text goes as it is."""
    for name in ("team-a-x", "secret"):
        it = ("model", f"acme/{name}")
        here = {"organization": "acme", "name": name}
        made, public = ("create", it), ("publish", it)
        create = lambda more: ("POST", "/api/repos/create", {**here, **more})
        yield *create({"private": True}), [made], ""
        yield *create({}), [made, public], ""
        yield *create({"private": False}), [made, public], ""
        yield *create({"private": None}), [made, public], ""
        yield *create({"visibility": "private", "type": "model"}), [made], ""
        yield *create({"visibility": "public"}), [made, public], ""
        yield *create({"private": True, "visibility": "public"}), [made, public], ""
        yield *create({"private": False, "visibility": "private"}), [made, public], ""
        yield *create({"Private": True}), [made, public], ""
        yield *create({"private": "true"}), [], "bad"
        yield *create({"private": 1}), [], "bad"
        yield *create({"type": "models", "private": True}), [], "bad"
        space = ("space", f"acme/{name}")
        yield *create({"private": True, "type": "space", "sdk": "docker", "hardware": "a10g-small"}), [("create", space), ("spend", space)], ""
        yield *create({"private": True, "type": "space", "sdk": "docker", "hardware": "cpu-basic"}), [("create", space)], ""
        mount = {"type": "dataset", "source": "other/data", "mountPath": "/d", "readOnly": True}
        yield *create({"private": True, "type": "space", "sdk": "docker", "volumes": [mount]}), [("create", space), ("read", ("dataset", "other/data"))], ""
        yield "POST", "/api/repos/create", '{"organization":"acme","name":"%s","private":true,"private":false}' % name, [], "bad"
        yield "POST", "/api/repos/create", '{"organization":"acme","name":"%s","private":true,"pri\\u0076ate":false}' % name, [], "bad"
        yield "POST", "/api/repos/create", '["%s"]' % name, [], "bad"
        yield "DELETE", "/api/repos/delete", {**here, "type": "model"}, [("delete", it)], ""
        yield "DELETE", "/api/repos/delete", {**here, "type": "dataset"}, [("delete", ("dataset", it[1]))], ""
        yield "DELETE", "/api/repos/delete", {"name": it[1]}, [("delete", it)], ""
        yield "DELETE", "/api/repos/delete", {"name": name, "organization": None}, [("delete", ("model", f"me/{name}"))], ""
        yield "DELETE", "/api/repos/delete", {"name": f"other/{name}", "organization": "acme"}, [], "bad"
        yield "DELETE", "/api/repos/delete", {"name": f"../{name}", "organization": "acme"}, [], "bad"
        yield "POST", "/api/repos/move", {"fromRepo": it[1], "toRepo": f"acme/new-{name}", "type": "model"}, [("move", it), ("move", ("model", f"acme/new-{name}"))], ""
        yield "POST", "/api/repos/move", {"fromRepo": it[1], "toRepo": "other/new", "type": "model"}, [("move", it), ("move", ("model", "other/new"))], ""
        yield "POST", "/api/repos/move", {"fromRepo": it[1], "type": "model"}, [], "bad"
        settings = f"/api/models/{it[1]}/settings"
        yield "PUT", settings, {"private": True}, [("settings", it)], ""
        yield "PUT", settings, {"private": False}, [("settings", it), public], ""
        yield "PUT", settings, {"visibility": "public"}, [("settings", it), public], ""
        yield "PUT", settings, {"gated": "manual"}, [("settings", it)], ""
        for gate in ("auto", False, "false", 0, None, "", "Manual", True, ["manual"]):
            yield "PUT", settings, {"gated": gate}, [("settings", it), public], ""
        yield "PUT", settings, {"gated": "auto", "private": True}, [("settings", it), public], ""
        yield "POST", f"/api/models/{it[1]}/duplicate", {"repository": "acme/copy", "private": True}, [("read", it), ("create", ("model", "acme/copy"))], ""
        yield "POST", f"/api/models/{it[1]}/duplicate", {"repository": "acme/copy"}, [("read", it), ("create", ("model", "acme/copy")), ("publish", ("model", "acme/copy"))], ""
        batch = f"/{it[1]}.git/info/lfs/objects/batch"
        yield "POST", batch, {"operation": "download", "objects": []}, [("read", it)], ""
        yield "POST", batch, {"operation": "upload", "objects": []}, [("write", it)], ""
        yield "POST", batch, {"objects": []}, [], "bad"
        yield "POST", f"/api/models/{it[1]}/lfs-files/duplicate", {"target": {"type": "model", "name": "acme/copy"}, "files": []}, [("read", it), ("write", ("model", "acme/copy"))], ""
        yield "POST", f"/api/buckets/{it[1]}", {"visibility": "private"}, [("create", ("bucket", it[1]))], ""
        yield "POST", f"/api/buckets/{it[1]}", {}, [("create", ("bucket", it[1])), ("publish", ("bucket", it[1]))], ""
    yield "POST", "/api/buckets/me/mine", {"visibility": "private"}, [("create", ("bucket", "me/mine"))], ""
    yield "POST", "/api/jobs/acme", {"dockerImage": "python"}, [("spend", ("namespace", "acme"))], ""
    yield "POST", "/api/jobs/acme", {"volumes": [{"type": "model", "source": "other/y", "mountPath": "/m"}]}, [("spend", ("namespace", "acme")), ("read", ("model", "other/y")), ("write", ("model", "other/y"))], ""
    yield "POST", "/api/jobs/acme", {"expose": {"ports": [80], "portsPublic": [80]}}, [("spend", ("namespace", "acme")), ("publish", ("namespace", "acme"))], ""
    yield "POST", "/api/collections", {"title": "x", "namespace": "acme", "private": True}, [("account", ("namespace", "acme"))], ""
    for model in ("acme/m", "acme/m:groq", "other/m", "ACME/m"):
        yield "POST", "ROUTER/v1/chat/completions", {"model": model}, [("infer", ("infer", model))], ""
    yield "POST", "ROUTER/v1/chat/completions", {"messages": []}, [("infer", ("infer", ""))], ""
    yield "POST", "ROUTER/v1/chat/completions", {"model": " acme/m"}, [("infer", ("infer", ""))], ""
    yield "POST", "ROUTER/hf-inference/models/acme/m", {"inputs": "x"}, [("infer", ("infer", "acme/m"))], ""
    yield "POST", "ROUTER/hf-inference/models/other/m", {"model": "acme/m"}, [("infer", ("infer", "other/m"))], ""


def cases():
    for scope in SCOPES:
        for method, target, needs, note in by_path():
            yield scope, method, target, "-", "-", decide(scope, needs, note)
        for method, target, body, needs, note in with_body():
            text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, separators=(",", ":"))
            yield scope, method, target, "application/json", text, decide(scope, needs, note)

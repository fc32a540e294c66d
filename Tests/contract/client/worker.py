"""A client in a process of its own: huggingface_hub reads its environment when it is imported.

One line of JSON asks for a function of operations.py, one line answers.
"""

import json
import os
import sys

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # What a library prints is no response.

import operations  # noqa: E402
import tried  # noqa: E402


def answer(question):
    try:
        return {"value": getattr(operations, question["operation"])(*question["arguments"], **question["options"])}
    except Exception as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        kinds = [kind.__name__ for kind in type(error).__mro__]
        return {"errors": kinds, "status": status, "message": str(error), "cause": str(error.__cause__ or "")}


for line in sys.stdin:
    print(json.dumps({**answer(json.loads(line)), "tried": tried.take()}), file=answers, flush=True)

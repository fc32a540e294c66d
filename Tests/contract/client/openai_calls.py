"""What the tests ask of OpenAI's SDK, in a process of its own: `openai_calls.py BASE_URL CALL ARGUMENT...` prints JSON.

The client is made as docs/use.md says; retries are its own affair, so most calls have none.
"""

import asyncio
import json
import os
import sys
import time

import openai

BASE, CALL, *ARGUMENTS = sys.argv[1:]
MESSAGES = [{"role": "user", "content": "one two three"}]
OPTIONS = {"base_url": BASE, "api_key": os.environ.get("OPENAI_API_KEY", "hf_of_the_client"), "max_retries": 0}
chat = openai.OpenAI(**OPTIONS)


def complete():
    reply = chat.chat.completions.create(model="m", messages=MESSAGES)
    return {"text": reply.choices[0].message.content, "total": reply.usage.total_tokens}


def stream():
    events = chat.chat.completions.create(model="m", messages=MESSAGES, stream=True)
    return [(time.monotonic(), event.choices[0].delta.content or "") for event in events]


def stream_async():
    async def pieces():
        async with openai.AsyncOpenAI(**OPTIONS) as client:
            events = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
            return [(time.monotonic(), event.choices[0].delta.content or "") async for event in events]

    return asyncio.run(pieces())


def leave():
    """Closes a stream after its first event, and says when it was gone."""
    with chat.chat.completions.create(model="m", messages=MESSAGES, stream=True) as events:
        first = next(iter(events))
    return first.choices[0].delta.content


def models():
    return [model.id for model in chat.models.list()]


def embed():
    vector = chat.embeddings.create(model="m", input="text").data[0].embedding
    return [round(number, 3) for number in vector]


def fail():
    """The exception that a call raises."""
    try:
        chat.chat.completions.create(model="m", messages=MESSAGES)
    except openai.APIStatusError as error:
        kinds = [kind.__name__ for kind in type(error).__mro__]
        return {"kinds": kinds, "status": error.status_code, "id": error.request_id, "message": error.message, "body": error.body}
    return None


def fail_in_stream():
    """The exception that an event of a stream, or its early end, raises; and what had come before."""
    seen = ""
    try:
        for event in chat.chat.completions.create(model="m", messages=MESSAGES, stream=True):
            seen += event.choices[0].delta.content or ""
    except Exception as error:
        return {"seen": seen, "kinds": [kind.__name__ for kind in type(error).__mro__]}
    return {"seen": seen, "kinds": []}


def retry():
    return openai.OpenAI(**{**OPTIONS, "max_retries": 2}).models.list().data[0].id


print(json.dumps(globals()[CALL](*ARGUMENTS)))

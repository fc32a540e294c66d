"""Every line of Tests/corpus over TLS against the built binary, on what a client sees: the number of answers, the
refusal, and how the connection ends. What the gateway answers to targets that are none of its own does not matter."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from corpus import lines
from wire import Ended, WireError

LINES = lines()
AT_ONCE = 24
SENTINEL = b"GET /-/health HTTP/1.1\r\nHost: h\r\nX-Sentinel: 1\r\nConnection: close\r\n\r\n"


def error_code(rule):
    return "".join(word[:1].upper() + word[1:] for word in rule.replace(".", "").split("-"))


def judge(connection, line):
    """Reads what comes and gives what is wrong with it, or None."""
    expected = line.answers - (line.refusal is not None)
    for index in range(expected):
        target = line.targets[index]
        answer = connection.answer(target.method == "HEAD")
        if answer.closes and index + 1 < line.answers and target.has_body:
            # A handler that answers without its body's rest may close instead of reading on.
            return ends(connection)
        if answer["X-Error-Code"] == error_code(line.rule):
            return f"answer {index + 1} is the refusal already"
    if line.refusal is None:
        return judge_end(connection, answer.closes)
    return judge_refusal(connection, line)


def judge_refusal(connection, line):
    to_head = not line.targets and line.raw.startswith(b"HEAD ")
    answer = connection.answer(to_head)
    if line.targets and line.targets[-1].is_cut and answer.status != line.refusal:
        # The handler had answered before it came to the body's fault.
        return ends(connection) if answer.closes else f"{answer.status} without closing"
    if answer.status != line.refusal:
        return f"status {answer.status} ({answer['X-Error-Code']}) instead of {line.refusal} ({line.rule})"
    if to_head:
        assert answer["X-Error-Code"] == error_code(line.rule)
    else:
        answer.check_is_error(line.refusal, error_code(line.rule))
    return ends(connection) if answer.closes else "the refusal does not say Connection: close"


def judge_end(connection, closes):
    """Whether the connection is where it should be: closed, or at the beginning of the next request."""
    if closes:
        return ends(connection)
    connection.send(SENTINEL)
    answer = connection.answer()
    if answer.status != 200 or answer.body != b'{"status":"ok"}\n':
        return f"one response too many: {answer.status} {answer.body[:80]!r}"
    return ends(connection)


def ends(connection):
    try:
        answer = connection.interim_or_answer()
        return f"one response too many: {answer.status} {answer.body[:80]!r}"
    except Ended as end:
        return None if end.in_order else "the connection ended without close_notify"


def fault(gate, line, piece=None):
    with gate.connect(timeout=8) as connection:
        try:
            connection.send_whatever_happens(line.raw, piece)
            return judge(connection, line)
        except (Ended, WireError, OSError, AssertionError) as error:
            return f"{type(error).__name__}: {error}"


def faults(gate, chosen, piece=None):
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda line: fault(gate, line, piece), chosen)
        return [f"{line.id}: {problem}" for line, problem in zip(chosen, found) if problem]


def check(problems):
    assert not problems, f"{len(problems)} lines:\n" + "\n".join(problems)


def test_every_line_of_the_corpus_sent_whole_gets_its_answers_and_its_ending(gate):
    assert len(LINES) >= 200
    check(faults(gate, LINES))


def test_a_sample_of_the_corpus_sent_byte_by_byte_gets_the_same(gate):
    sample = [line for line in LINES if len(line.raw) < 300][::6]
    assert len(sample) >= 50
    check(faults(gate, sample, piece=1))


def test_a_fault_in_a_body_that_a_handler_waits_for_is_answered_with_the_refusal_itself(gate):
    start, waited_for = b"POST /a HTTP/1.1\r\n", b"POST /api/repo HTTP/1.1\r\nContent-Type: application/json\r\n"
    chosen = [
        replace(line, raw=waited_for + line.raw.removeprefix(start), targets=())
        for line in LINES
        if line.raw.startswith(start) and len(line.targets) == 1 and line.targets[0].is_cut
    ]
    assert len(chosen) >= 30
    check(faults(gate, chosen))
    check(faults(gate, chosen[::4], piece=1))


def test_every_line_is_counted_in_the_log_and_no_line_of_the_log_is_broken(gate):
    with gate.connect() as connection:
        connection.send(b"GET /-/health?quote=%22%5c HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        connection.answer()
    assert gate.wait_for_log(lambda line: line["path"].startswith("/-/health?"))
    assert all(100 <= line["status"] <= 599 for line in gate.log_lines)


def test_a_body_whose_length_is_zero_is_answered_like_one_that_is_not_there(gate):
    start = b"POST /api/repo HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
    with gate.connect(timeout=3) as connection:
        for framing in (b"", b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"Content-Length: 0\r\n"):
            connection.send(start + framing + b"\r\n")
            connection.answer().check_is_error(400, "BadRequest")
        for framing in (b"", b"Content-Length: 0\r\n"):
            connection.send(b"PUT /a HTTP/1.1\r\nHost: h\r\n" + framing + b"\r\n")
            connection.answer()

"""What makes docs/COMPATIBILITY.md: the same page whether one process has run the tests or several."""

import json
from types import SimpleNamespace

from clients import LIBRARIES, VARIANTS
from compatibility import Results

VERSIONS = {"huggingface_hub": "9.9"}
FIRST, SECOND, *OTHERS = map(str, (*VARIANTS, *LIBRARIES))


def tried(variant, *operations, test="a", failed=False):
    words = {"variant": variant, "versions": VERSIONS, "operations": operations}
    return [
        SimpleNamespace(when="call", failed=failed, nodeid=test, user_properties=[]),
        SimpleNamespace(when="teardown", failed=False, nodeid=test, user_properties=[("tried", words)]),
    ]


def program(what, place, works=True):
    test = SimpleNamespace(get_closest_marker=lambda _: SimpleNamespace(args=("llama.cpp", "GET", what)), session=SimpleNamespace())
    test.session.items = [None] * place + [test]
    return test, SimpleNamespace(when="call", passed=works, skipped=False)


# In the order of the tests.
TESTS = [
    [report for variant in OTHERS for report in tried(variant, "HfApi.whoami", test=variant)],
    tried(FIRST, "HfApi.whoami", "hf download"),
    program("first", 1),
    tried(SECOND, "HfApi.whoami", test="b"),
    program("second", 3, works=False),
    tried(FIRST, "HfApi.whoami", test="c", failed=True),
    program("first", 5, works=False),
]


def add(results, test):
    if isinstance(test, list):
        for report in test:
            results.add(report)
    else:
        results.add_program(*test)


def test_two_processes_that_share_the_tests_in_any_way_give_the_page_of_one():
    alone = Results()
    for test in TESTS:
        add(alone, test)
    page = alone.page()
    assert "| `HfApi.whoami` | no | yes |" in page and "| `GET` | second | no |" in page
    for share in range(1 << len(TESTS)):
        processes = Results(), Results()
        for place, test in enumerate(TESTS):
            add(processes[share >> place & 1], test)
        printed = Results()
        for process in processes:
            # As pytest-xdist carries it: nothing but what JSON knows.
            printed.take_in(json.loads(json.dumps(process.handed_over)))
        assert printed.page() == page, f"{share:b}"


def test_a_page_is_whole_when_the_files_of_all_processes_are_and_none_has_left_out_a_test():
    one, other, printed = Results(), Results(), Results()
    one.modules, other.modules = {"a.py"}, {"b.py"}
    printed.take_in(one.handed_over)
    printed.take_in(other.handed_over)
    assert printed.modules == {"a.py", "b.py"} and not printed.is_partial
    other.is_partial = True
    printed.take_in(other.handed_over)
    assert printed.is_partial

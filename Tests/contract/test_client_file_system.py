"""HfFileSystem, which reads files in blocks, through the gateway with the real clients."""

import pytest

from clients import MEBIBYTE, noise

pytestmark = pytest.mark.large_files


@pytest.mark.parametrize("is_large", [False, True])
def test_ranges(client, repo, put, is_large):
    text = "".join(f"{number:07}\n" for number in range(8 * 1024))
    content = noise(2 * MEBIBYTE) if is_large else text.encode()
    if is_large:
        put(repo, "x.bin", content)
    else:
        client("upload", repo, "x.txt", text)
    path = f"{repo}/x.bin" if is_large else f"{repo}/x.txt"
    size = len(content)
    ranges = [(0, 10), (size // 2, 100), (size - 10, 100), (5, 70_000)]
    read = client("read_ranges", path, ranges, 8192)
    assert read["size"] == size
    assert [bytes.fromhex(piece) for piece in read["pieces"]] == [content[start:][:length] for start, length in ranges]
    assert bytes.fromhex(client("cat_range", path, 100, 200)) == content[100:200]


def test_lists(client, repo):
    client("upload_texts", repo, {"a.txt": "1", "deep/b.txt": "2", "deep/er/c.csv": "3"})
    assert client("listing", repo) == [f"{repo}/.gitattributes", f"{repo}/a.txt", f"{repo}/deep"]
    assert client("listing", f"{repo}/deep") == [f"{repo}/deep/b.txt", f"{repo}/deep/er"]
    assert client("pattern", f"{repo}/**/*.txt") == [f"{repo}/a.txt", f"{repo}/deep/b.txt"]


def test_writes(client, repo):
    assert client("file_system_writes", repo) == {"there": [f"{repo}/b.txt"], "text": "text"}


def test_large_file_both_ways(client, repo, tmp_path):
    content = noise(6 * MEBIBYTE)
    (tmp_path / "x.bin").write_bytes(content)
    found = client("file_system_copies", str(tmp_path / "x.bin"), f"{repo}/x.bin", str(tmp_path / "back"))
    assert found == {"size": len(content), "exists": True, "is_file": True}
    assert (tmp_path / "back").read_bytes() == content

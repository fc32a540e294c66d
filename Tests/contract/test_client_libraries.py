"""datasets and transformers, which stand on huggingface_hub, through the gateway."""

import json

VOCABULARY = ["[UNK]", "hello", "world"]
TOKENIZER = {
    "version": "1.0",
    "added_tokens": [],
    "pre_tokenizer": {"type": "Whitespace"},
    "model": {
        "type": "WordLevel", "unk_token": "[UNK]", "vocab": {word: number for number, word in enumerate(VOCABULARY)},
    },
}


def test_load_dataset(libraries, tmp_path):
    name = "sandbox/words"
    libraries("create", name, True, "dataset")
    lines = [{"word": word, "number": number} for number, word in enumerate(VOCABULARY)]
    for path, text in {
        "data/train.jsonl": "\n".join(map(json.dumps, lines)),
        "data/test.jsonl": json.dumps(lines[0]),
    }.items():
        (tmp_path / "file").write_text(text)
        libraries("upload_from", str(tmp_path / "file"), name, path, "dataset")
    assert libraries("load_dataset", name) == {"train": lines, "test": lines[:1]}
    assert libraries("stream_dataset", name, "train") == lines


def test_from_pretrained(libraries):
    name = "sandbox/tiny"
    libraries("create", name, True)
    files = {
        "config.json": json.dumps({"model_type": "bert", "hidden_size": 8, "vocab_size": len(VOCABULARY)}),
        "tokenizer.json": json.dumps(TOKENIZER),
        "tokenizer_config.json": json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]"}),
    }
    libraries("upload_texts", name, files)
    assert libraries("load_config", name) == {"kind": "bert", "hidden_size": 8}
    assert libraries("tokenize", name, "hello new world") == [1, 0, 2]

"""A folder of broken files, each named for the rule that it breaks, with the exact message.

`python -m tests.config.test_broken` writes the messages anew; they are read before they are kept.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.config import ConfigError, load

FOLDER = Path(__file__).parent / "broken"
FILES = sorted(FOLDER.glob("*.yml"))


def message(file: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(file, environ={})
    return str(caught.value).replace(f"{FOLDER}/", "") + "\n"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_message_says_what_where_and_what_to_do(file: Path) -> None:
    assert message(file) == file.with_suffix(".txt").read_text()


if __name__ == "__main__":
    for one in FILES:
        one.with_suffix(".txt").write_text(message(one))

"""JSON whose objects remember the line they began on, so that a fault can name file and line."""

import json
import json.decoder
import json.scanner
import re
from typing import Any


class DuplicateKeyError(ValueError):
    """An object names a key twice; plain JSON would keep the last one silently."""

    def __init__(self, key: str, line: int) -> None:
        super().__init__(key)
        self.key = key
        self.line = line


class LocatedObject(dict[str, Any]):
    """A JSON object with the text it came from."""

    text: str
    start: int
    end: int

    @property
    def line(self) -> int:
        return self.text.count("\n", 0, self.start) + 1

    def line_of(self, key: str) -> int:
        """Line of `key` in this object, or of the object where the key is missing."""
        found = re.compile(rf'"{re.escape(key)}"\s*:').search(self.text, self.start, self.end)
        return self.text.count("\n", 0, found.start()) + 1 if found else self.line


class _LocatingDecoder(json.JSONDecoder):
    def __init__(self) -> None:
        super().__init__(object_pairs_hook=list)
        self.parse_object = self._parse_located_object
        # The C scanner never calls parse_object, so the plain one is used.
        self.scan_once = json.scanner.py_make_scanner(self)  # type: ignore[attr-defined]

    def _parse_located_object(self, text_and_end: tuple[str, int], *rest: Any) -> tuple[LocatedObject, int]:
        text, start = text_and_end
        pairs, end = json.decoder.JSONObject((text, start), *rest)  # type: ignore[attr-defined]
        located = LocatedObject(pairs)
        located.text, located.start, located.end = text, start - 1, end
        if len(located) < len(pairs):
            keys = [key for key, _ in pairs]
            raise DuplicateKeyError(key=next(key for key in keys if keys.count(key) > 1), line=located.line)
        return located, end


def parse_located_json(text: str) -> Any:
    """Parse `text`; every object in the result is a LocatedObject.

    Raises
    ------
    json.JSONDecodeError
        The text is not JSON; the exception holds the line.
    DuplicateKeyError
        An object names a key twice.
    """
    return _LocatingDecoder().decode(text)

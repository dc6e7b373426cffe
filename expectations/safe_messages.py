"""Engine errors without the data they quote: a conversion error names the very value it could not convert."""

import re

import duckdb

# These speak of names in the query; every other class may quote a value of a row.
STRUCTURAL_ERRORS = ("BinderException", "CatalogException", "ParserException", "IOException")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_NUMBER = re.compile(r"\b\d[\d.,:/-]*\b")
_WRAPPED = re.compile(r"\(_?duckdb\.(?P<name>\w+)\)\s*(?P<text>.*)", re.DOTALL)
_SOURCE_COLUMN = re.compile(r"source column (\w+)")


def safe_engine_message(error: duckdb.Error) -> str:
    """One line about `error`."""
    return _safe_duckdb_text(type(error).__name__, str(error))


def safe_message(text: str) -> str:
    """One line about an error that reached us as text, such as the exception_message of Great Expectations."""
    wrapped = _WRAPPED.search(text)
    if wrapped:
        return _safe_duckdb_text(wrapped["name"], wrapped["text"])
    first_line = text.strip().splitlines()[0] if text.strip() else "no message"
    return _NUMBER.sub("…", _QUOTED.sub("…", first_line))


def _safe_duckdb_text(name: str, text: str) -> str:
    if name in STRUCTURAL_ERRORS:
        return text.strip().splitlines()[0]
    kind = text.split(":", maxsplit=1)[0] if ":" in text else name
    kind = kind if re.fullmatch(r"[A-Za-z ]{1,40}", kind) else name
    column = _SOURCE_COLUMN.search(text)
    return f"{kind}{f' in column {column[1]}' if column else ''} (the engine's text may quote a value and is withheld)"

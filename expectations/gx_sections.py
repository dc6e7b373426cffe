"""What Great Expectations renders for its Data Docs, without the page around it.

Its page loads Bootstrap, jQuery, Font Awesome and Vega from content delivery networks and stamps itself with random
ids; offline it is unstyled and its pass and fail marks vanish. Its sections carry the content: they are rendered by its
own renderer and put into this project's page, which has its own style sheet.
"""

import copy
import re
from collections.abc import Mapping
from functools import cache
from html import escape
from typing import Any

from great_expectations.render.renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaSectionView

# Partly random, repeated from section to section, and nothing refers to them.
_ID = re.compile(r"\s(?:id|aria-controls)=(?:\"[^\"]*\"|[^\s>]+)", re.IGNORECASE)
_SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL | re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_SITE_LINK = re.compile(r"<a\b[^>]*href=\"(?:\.\./|https?:)[^\"]*\"[^>]*>(.*?)</a>", re.DOTALL | re.IGNORECASE)
_TOGGLE = re.compile(r"<p[^>]*>\s*<a\b[^>]*data-toggle=\"collapse\".*?</a>\s*</p>", re.DOTALL | re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n\s*\n+")


@cache
def _section_view() -> DefaultJinjaSectionView:
    """One view: each of its own would compile every template again."""
    return DefaultJinjaSectionView()


def rendered_sections(result: Any, *, observed: Mapping[str, str]) -> str:
    """HTML of one validation result, one table per column as Data Docs show them.

    observed : what was seen by expectation; Data Docs would only say "0% unexpected".
    """
    result = copy.deepcopy(result)
    for one in result.results:
        words = observed.get(one.expectation_config.meta["name"])
        if words and not one.exception_info["raised_exception"]:
            one.result["observed_value"] = escape(words)
            # Said in those words already, where it may be said: it could count a handful of people.
            one.result.pop("unexpected_count", None)
    # The first section repeats suite name, counts and load times, which our page says itself.
    sections = ValidationResultsPageRenderer().render(result).sections[1:]
    view = _section_view()
    html = "\n".join(
        view.render({"section": section.to_json_dict(), "section_loop": {"index": 1}}) for section in sections
    )
    for pattern, replacement in (
        (_SCRIPT, ""),
        (_COMMENT, ""),
        (_TOGGLE, ""),
        (_SITE_LINK, r"\1"),
        (_ID, ""),
        (_BLANK_LINES, "\n"),
    ):
        html = pattern.sub(replacement, html)
    return html

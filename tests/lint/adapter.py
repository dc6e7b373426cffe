"""What the SQL linter sees in place of dbt's adapter: an expression, or a select where a macro gives one."""

from collections.abc import Callable


def dispatch(name: str) -> Callable[..., str]:
    """The stand-in for an engine macro: it reads like the SQL that the macro gives."""

    def dispatched(*arguments: object) -> str:
        if name == "explode_json_list":
            relation, keys = arguments[0], arguments[1]
            assert isinstance(keys, list)
            return f"select {', '.join(keys)}, element_index, element, element_beside\n    from {relation}"
        return f"{name}({', '.join(str(argument) for argument in arguments)})"

    return dispatched

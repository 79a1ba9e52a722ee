"""Values, attributes and blocks as HCL's native syntax; `terraform fmt` does the spacing.

https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tap.hcl.schema import Blocks

_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
#: Arguments whose value is an expression although the JSON has it as plain text.
_REFERENCES: Final = ("depends_on",)
#: A list, or an object in a list, up to this length stands on one line.
_LINE: Final = 140
#: What comes first in a block, and what comes last, as HashiCorp's style guide has it:
#: https://developer.hashicorp.com/terraform/language/style
_FIRST: Final = ("count", "for_each", "provider", "name", "alarm_name", "dashboard_name", "id", "description")
_LAST: Final = ("tags", "lifecycle", "depends_on")


class Expression(str):
    """Text that is HCL already."""

    __slots__ = ()


def body(arguments: Mapping[str, Any], blocks: Blocks, comments: Mapping[str, str]) -> Iterator[str]:
    """The lines of a block's body: attributes, then nested blocks. `comments` are reasons by argument."""
    told = {name for name, value in arguments.items() if value is not None and name != "//"}
    for number, name in enumerate(sorted(told, key=lambda name: (_place(name, blocks), name))):
        value = arguments[name]
        if number and (name in blocks or name in _LAST or name == "dynamic"):
            yield ""
        yield from (f"# {line}" for line in comments.get(name, "").splitlines())
        if name == "dynamic":
            yield from _dynamic(value, blocks)
        elif name in blocks:
            for number, one in enumerate(value if isinstance(value, list) else [value]):
                if number:
                    yield ""
                yield f"{name} {{"
                yield from body(one, blocks[name], {})
                yield "}"
        elif name in _REFERENCES:
            yield f"{name} = {_list([Expression(one) for one in value])}"
        else:
            yield f"{name} = {expression(value)}"


def _dynamic(value: Mapping[str, Any], blocks: Blocks) -> Iterator[str]:
    """Blocks that are there on a condition; JSON has them by the name of the block."""
    several = [(label, one) for label, all_of_it in value.items() for one in all_of_it]
    for number, (label, one) in enumerate(several):
        if number:
            yield ""
        yield f'dynamic "{label}" {{'
        yield f"for_each = {expression(one['for_each'])}"
        yield ""
        yield "content {"
        yield from body(one["content"], blocks[label], {})
        yield from ("}", "}")


def _place(name: str, blocks: Blocks) -> int:
    if name in _FIRST:
        return _FIRST.index(name)
    if name in _LAST:
        return len(_FIRST) + 2 + _LAST.index(name)
    return len(_FIRST) + (1 if name in blocks or name == "dynamic" else 0)


def expression(value: Any) -> str:
    """A value as an expression."""
    if isinstance(value, Expression):
        return value
    if isinstance(value, str):
        return _jsonencode(value) or template(value)
    if isinstance(value, bool | int | float) or value is None:
        return json.dumps(value)
    if isinstance(value, dict):
        if not value:
            return "{}"
        return "\n".join(["{", *(f"{_key(key)} = {expression(one)}" for key, one in value.items()), "}"])
    return _list(value)


def _list(values: list[Any]) -> str:
    items = [_on_one_line(value) or expression(value) for value in values]
    line = f"[{', '.join(items)}]"
    if len(line) <= _LINE and "\n" not in line:
        return line
    return "\n".join(["[", *(f"{item}," for item in items), "]"])


def _on_one_line(value: Any) -> str | None:
    """A short object of scalars, as it stands in a list."""
    if not isinstance(value, dict) or not value:
        return None
    line = f"{{ {', '.join(f'{_key(key)} = {expression(one)}' for key, one in value.items())} }}"
    return line if len(line) <= _LINE and "\n" not in line else None


def _key(key: str) -> str:
    return key if _IDENTIFIER.fullmatch(key) else template(key)


def _jsonencode(text: str) -> str | None:
    """JSON in a string as the data that it holds, references inside it as what they are."""
    if text[:1] not in ("{", "["):
        return None
    try:
        data = json.loads(text)
    except ValueError:
        return None
    return f"jsonencode({expression(data)})"


def template(text: str) -> str:
    """A string with its `${…}`; of one that is nothing else, the expression inside."""
    split = list(parts(text))
    if len(split) == 1 and split[0][0]:
        return split[0][1]
    quoted = [f"${{{part}}}" if is_code else _escaped(part) for is_code, part in split]
    return f'"{"".join(quoted)}"'


def _escaped(literal: str) -> str:
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return "".join(escapes.get(char, char) for char in literal)


def parts(text: str) -> Iterator[tuple[bool, str]]:
    """Literals (False) and the insides of `${…}` (True), in order."""
    start = position = 0
    while (opening := text.find("${", position)) >= 0:
        if text[opening - 1 : opening] == "$":  # `$${` is a literal
            position = opening + 2
            continue
        if opening > start:
            yield False, text[start:opening]
        end = _closing(text, opening + 2)
        yield True, text[opening + 2 : end]
        start = position = end + 1
    if start < len(text):
        yield False, text[start:]


def _closing(text: str, position: int) -> int:
    """Where the brace is that ends an interpolation; braces in quotes inside it don't count."""
    depth, quoted = 1, False
    while position < len(text):
        char = text[position]
        if char == "\\" and quoted:
            position += 1
        elif char == '"':
            quoted = not quoted
        elif not quoted and char in "{}":
            depth += 1 if char == "{" else -1
            if depth == 0:
                return position
        position += 1
    raise ValueError(f"an interpolation has no end: {text}")

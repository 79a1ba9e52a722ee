"""Values as HCL: what is written, piece by piece. Whether Terraform reads it so is asked in tests/validation."""

from typing import Any

import pytest

from tap.hcl.text import Expression, body, expression, template


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain", '"plain"'),
        ("", '""'),
        ('a "b" \\ c', '"a \\"b\\" \\\\ c"'),
        ("two\nlines", '"two\\nlines"'),
        ("ünï", '"ünï"'),
        ("${aws_kms_key.K.arn}", "aws_kms_key.K.arn"),
        ("a-${var.x}-b", '"a-${var.x}-b"'),
        ("${var.a}${var.b}", '"${var.a}${var.b}"'),
        ('${lookup({"a" = "}"}, var.x, "y")}', 'lookup({"a" = "}"}, var.x, "y")'),
        ('${var.x == "\\"" ? 1 : 0}', 'var.x == "\\"" ? 1 : 0'),
        ("$${not.this}", '"$${not.this}"'),
        (True, "true"),
        (7, "7"),
        (None, "null"),
        ([], "[]"),
        ({}, "{}"),
        (["a", "${b.c}"], '["a", b.c]'),
        ({"a": 1, "b:c": 2}, '{\na = 1\n"b:c" = 2\n}'),
        (["x" * 90, "y" * 90], f'[\n"{"x" * 90}",\n"{"y" * 90}",\n]'),
        ([{"a": 1}], "[{ a = 1 }]"),
        ('{"a": ["${b.c}"]}', "jsonencode({\na = [b.c]\n})"),
        ('["a"]', 'jsonencode(["a"])'),
        ("{not json", '"{not json"'),
        (Expression("var.x"), "var.x"),
    ],
)
def test_a_value_is_written_as_a_person_would(value: Any, written: str) -> None:
    assert expression(value) == written


def test_an_interpolation_without_an_end_is_no_string() -> None:
    with pytest.raises(ValueError, match="has no end"):
        template("${a")


def test_a_body_has_attributes_then_blocks_then_what_is_terraforms() -> None:
    arguments: dict[str, Any] = {
        "depends_on": ["a.b"],
        "lifecycle": {"prevent_destroy": True},
        "ttl": {"enabled": True},
        "attribute": [{"name": "id"}, {"name": "x"}],
        "zone": "z",
        "name": "n",
        "count": "${1}",
        "left_out": None,
        "//": {"metadata": {}},
        "tags": {"a": "b"},
    }
    lines = list(body(arguments, {"ttl": {}, "attribute": {}, "lifecycle": {}}, {"zone": "why\nso"}))
    assert lines == [
        *("count = 1", 'name = "n"', "# why", "# so", 'zone = "z"'),
        *("", "attribute {", 'name = "id"', "}", "", "attribute {", 'name = "x"', "}"),
        *("", "ttl {", "enabled = true", "}", "", 'tags = {\na = "b"\n}'),
        *("", "lifecycle {", "prevent_destroy = true", "}", "", "depends_on = [a.b]"),
    ]


def test_a_map_that_is_no_block_stays_an_attribute() -> None:
    assert list(body({"dimensions": {"T": "t"}}, {}, {})) == ['dimensions = {\nT = "t"\n}']

"""Templates in YAML as the data that CloudFormation takes them for."""

import pytest

from tap.declared.yaml_templates import parsed
from tests.support.cloudformation import template


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: !Ref B", {"a": {"Ref": "B"}}),
        ("a: !GetAtt Key.Arn", {"a": {"Fn::GetAtt": ["Key", "Arn"]}}),
        ("a: !GetAtt [Key, Arn]", {"a": {"Fn::GetAtt": ["Key", "Arn"]}}),
        ("a: !Sub '${B}-c'", {"a": {"Fn::Sub": "${B}-c"}}),
        ("a: !If [Big, !Ref B, !Ref AWS::NoValue]", {"a": {"Fn::If": ["Big", {"Ref": "B"}, {"Ref": "AWS::NoValue"}]}}),
        ("a: !Not [!Equals [!Ref B, '']]", {"a": {"Fn::Not": [{"Fn::Equals": [{"Ref": "B"}, ""]}]}}),
        ("a: !Condition On", {"a": {"Condition": "On"}}),
        ("a:\n  Fn::Transform: {Name: x}", {"a": {"Fn::Transform": {"Name": "x"}}}),
        ("Version: 2012-10-17", {"Version": "2012-10-17"}),
        ('{"a": 300, "b": true}', {"a": 300, "b": True}),
    ],
)
def test_short_forms_are_written_out(text: str, data: object) -> None:
    assert parsed(text) == data


def test_a_template_has_the_logical_ids_that_terraform_has() -> None:
    from tests.support.the_stack import ADDRESSES

    assert set(template()["Resources"]) == {address.partition(".")[2] for address in ADDRESSES} - {"SNSTopicPolicy"}

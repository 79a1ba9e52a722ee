# Terraform's own tests of the stack, run by test_terraform.py: the whole JSON is planned, or applied, with a provider
# that only pretends. Each run is one pytest test. EACH_ALARM stands for the list of all alarms.

mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws-cn" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws-cn:sns:us-east-1:123456789012:mock-topic" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws-cn:kms:us-east-1:123456789012:key/mock-key" }
  }
}

run "nothing_given" {
  command = plan
  assert {
    condition     = length(aws_sns_topic_subscription.AlertEmailSubscription) == 0
    error_message = "There is a subscription without an address."
  }
  assert {
    condition     = aws_dynamodb_table.TurnAroundPromptTable.deletion_protection_enabled == false
    error_message = "The table is protected though nobody asked."
  }
  assert {
    condition     = aws_dynamodb_table.TurnAroundPromptTable.point_in_time_recovery[0].enabled == false
    error_message = "The table is recoverable though nobody asked."
  }
}

run "has_alert_email" {
  command = plan
  variables {
    alert_email = "ops@example.com"
  }
  assert {
    condition     = [for one in aws_sns_topic_subscription.AlertEmailSubscription : "${one.protocol}:${one.endpoint}"] == ["email:ops@example.com"]
    error_message = "There is not exactly one subscription, of that address."
  }
  assert {
    condition     = aws_dynamodb_table.TurnAroundPromptTable.deletion_protection_enabled == false
    error_message = "An address switched protection on."
  }
}

run "enable_deletion_protection" {
  command = plan
  variables {
    deletion_protection_enabled = true
  }
  assert {
    condition     = aws_dynamodb_table.TurnAroundPromptTable.deletion_protection_enabled == true
    error_message = "The table is not protected."
  }
  assert {
    condition     = aws_dynamodb_table.TurnAroundPromptTable.point_in_time_recovery[0].enabled == false
    error_message = "Protection switched recovery on."
  }
}

run "enable_point_in_time_recovery" {
  command = plan
  variables {
    point_in_time_recovery_enabled = true
  }
  assert {
    condition     = aws_dynamodb_table.TurnAroundPromptTable.point_in_time_recovery[0].enabled == true
    error_message = "The table is not recoverable."
  }
  assert {
    condition     = aws_dynamodb_table.TurnAroundPromptTable.deletion_protection_enabled == false
    error_message = "Recovery switched protection on."
  }
}

run "null_is_the_default" {
  command = plan
  variables {
    alert_email                    = null
    deletion_protection_enabled    = null
    point_in_time_recovery_enabled = null
  }
  assert {
    condition     = length(aws_sns_topic_subscription.AlertEmailSubscription) == 0
    error_message = "null is an address."
  }
  assert {
    condition     = aws_dynamodb_table.TurnAroundPromptTable.deletion_protection_enabled == false
    error_message = "null left protection to the provider."
  }
}

run "bad_address" {
  command = plan
  variables {
    alert_email = "ops@"
  }
  expect_failures = [var.alert_email]
}

run "outputs_are_the_real_things" {
  command = apply
  assert {
    condition     = output.TurnAroundPromptTableName == aws_dynamodb_table.TurnAroundPromptTable.name
    error_message = "TurnAroundPromptTableName is ${output.TurnAroundPromptTableName}."
  }
  assert {
    condition     = output.TurnAroundPromptTableArn == aws_dynamodb_table.TurnAroundPromptTable.arn
    error_message = "TurnAroundPromptTableArn is ${output.TurnAroundPromptTableArn}."
  }
  assert {
    condition     = output.TurnAroundPromptTableStreamArn == aws_dynamodb_table.TurnAroundPromptTable.stream_arn
    error_message = "TurnAroundPromptTableStreamArn is ${output.TurnAroundPromptTableStreamArn}."
  }
  assert {
    condition     = output.KMSKeyId == aws_kms_key.KMSKey.key_id
    error_message = "KMSKeyId is ${output.KMSKeyId}."
  }
  assert {
    condition     = output.KMSKeyArn == aws_kms_key.KMSKey.arn
    error_message = "KMSKeyArn is ${output.KMSKeyArn}."
  }
  assert {
    condition     = output.SNSTopicArn == aws_sns_topic.SNSTopic.arn
    error_message = "SNSTopicArn is ${output.SNSTopicArn}."
  }
  assert {
    condition     = output.DashboardURL == "https://us-east-1.console.amazonaws.cn/cloudwatch/home?region=us-east-1#dashboards:name=${aws_cloudwatch_dashboard.CloudWatchDashboard.dashboard_name}"
    error_message = "DashboardURL is ${output.DashboardURL}."
  }
}

run "policies_are_of_this_account_and_partition" {
  command = apply
  assert {
    condition     = jsondecode(aws_kms_key.KMSKey.policy).Statement[0].Principal == { AWS = "arn:aws-cn:iam::123456789012:root" }
    error_message = "The key's first statement is for ${jsonencode(jsondecode(aws_kms_key.KMSKey.policy).Statement[0].Principal)}."
  }
  assert {
    condition = alltrue([
      for policy in [aws_kms_key.KMSKey.policy, aws_sns_topic_policy.SNSTopicPolicy.policy] : anytrue([
        for one in jsondecode(policy).Statement :
        try(one.Condition.ArnLike["aws:SourceArn"], "") == "arn:aws-cn:cloudwatch:us-east-1:123456789012:alarm:*"
      ])
    ])
    error_message = "A policy does not let the alarms of this account in."
  }
  assert {
    condition     = alltrue([for one in jsondecode(aws_sns_topic_policy.SNSTopicPolicy.policy).Statement : one.Resource == "arn:aws-cn:sns:us-east-1:123456789012:tap-dev-alerts"])
    error_message = "The topic's policy is about another topic."
  }
}

run "wired_together" {
  command = apply
  assert {
    condition = alltrue([
      for alarm in EACH_ALARM : alarm.alarm_actions == toset([aws_sns_topic.SNSTopic.arn]) && alarm.ok_actions == toset([aws_sns_topic.SNSTopic.arn])
    ])
    error_message = "An alarm does not tell the topic, or only half."
  }
  assert {
    condition     = aws_dynamodb_table.TurnAroundPromptTable.server_side_encryption[0].kms_key_arn == aws_kms_key.KMSKey.arn && aws_sns_topic.SNSTopic.kms_master_key_id == aws_kms_key.KMSKey.arn
    error_message = "Table or topic are not under our key."
  }
  assert {
    condition     = aws_kms_alias.KMSKeyAlias.target_key_id == aws_kms_key.KMSKey.key_id
    error_message = "The alias is another key's."
  }
}

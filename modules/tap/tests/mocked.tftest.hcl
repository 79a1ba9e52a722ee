# `terraform test`: no account and no endpoint, a provider that only pretends.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { id = "eu-west-1", name = "eu-west-1" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555" }
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-west-1:111122223333:tap-dev-alerts" }
  }
  mock_resource "aws_cloudwatch_metric_alarm" {
    defaults = { arn = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:one" }
  }
}

variables {
  environment_suffix = "dev"
}

run "defaults" {
  assert {
    condition     = output.TurnAroundPromptTableName == "tap-dev-turnaround-prompts"
    error_message = "The table's name begins with the project and the environment."
  }
  assert {
    condition     = length(aws_sns_topic_subscription.AlertEmailSubscription) == 0
    error_message = "Without an address nobody is told."
  }
  assert {
    condition     = length(aws_dynamodb_table.TurnAroundPromptTable.global_secondary_index) == 0
    error_message = "Without the setting there is no index."
  }
  assert {
    condition     = aws_dynamodb_table.TurnAroundPromptTable.tags == tomap({ Environment = "dev", Project = "tap", ManagedBy = "terraform" })
    error_message = "The tags say whose it is."
  }
  assert {
    condition     = strcontains(output.DashboardURL, "eu-west-1")
    error_message = "The region is the provider's."
  }
}

run "everything_on" {
  variables {
    project_name                   = "shop"
    alert_email                    = "ops@example.com"
    deletion_protection_enabled    = true
    point_in_time_recovery_enabled = true
    claim_index_enabled            = true
    alarm_period                   = 600
    thresholds                     = { throttle_alarm = 50 }
    names                          = { table = "jobs" }
    tags                           = { "Cost:Center" = "1" }
  }

  assert {
    condition     = aws_dynamodb_table.TurnAroundPromptTable.name == "jobs" && aws_sns_topic.SNSTopic.name == "shop-dev-alerts"
    error_message = "A name of its own leaves the others."
  }
  assert {
    condition     = one(aws_dynamodb_table.TurnAroundPromptTable.global_secondary_index).name == "claims" && length(aws_dynamodb_table.TurnAroundPromptTable.attribute) == 3
    error_message = "The index is there, with its attributes."
  }
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.DynamoDBReadThrottleAlarm.metric_query) == 3 && aws_cloudwatch_metric_alarm.DynamoDBReadThrottleAlarm.metric_name == null
    error_message = "The throttle alarms sum the table and the index."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.DynamoDBThrottleAlarm.threshold == 50 && aws_cloudwatch_metric_alarm.DynamoDBThrottleAlarm.period == 600
    error_message = "Thresholds and the period are the settings'."
  }
  assert {
    condition     = strcontains(aws_cloudwatch_dashboard.CloudWatchDashboard.dashboard_body, "Requests in ten minutes")
    error_message = "The dashboard says what the alarms sum over."
  }
  assert {
    condition     = aws_sns_topic_subscription.AlertEmailSubscription[0].endpoint == "ops@example.com"
    error_message = "Who is to be told is told."
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    environment_suffix = "My Dev"
    project_name       = "7up"
    alert_email        = "ops@"
    alarm_period       = 90
    thresholds         = { throttle_alarm = 0 }
    names              = { key_alias = "tap" }
  }

  expect_failures = [
    var.environment_suffix, var.project_name, var.alert_email, var.alarm_period, var.thresholds, var.names,
  ]
}

locals {
  minutes = lookup({ "60" = "one minute", "300" = "five minutes", "600" = "ten minutes" }, tostring(var.alarm_period), "${var.alarm_period / 60} minutes")
  names = {
    table                = coalesce(var.names.table, "${var.project_name}-${var.environment_suffix}-turnaround-prompts")
    key_alias            = coalesce(var.names.key_alias, "alias/${var.project_name}-${var.environment_suffix}")
    topic                = coalesce(var.names.topic, "${var.project_name}-${var.environment_suffix}-alerts")
    dashboard            = coalesce(var.names.dashboard, "${var.project_name}-${var.environment_suffix}-dashboard")
    throttle_alarm       = coalesce(var.names.throttle_alarm, "${var.project_name}-${var.environment_suffix}-dynamodb-throttle")
    system_error_alarm   = coalesce(var.names.system_error_alarm, "${var.project_name}-${var.environment_suffix}-dynamodb-system-errors")
    read_throttle_alarm  = coalesce(var.names.read_throttle_alarm, "${var.project_name}-${var.environment_suffix}-dynamodb-read-throttle")
    write_throttle_alarm = coalesce(var.names.write_throttle_alarm, "${var.project_name}-${var.environment_suffix}-dynamodb-write-throttle")
  }
  # `region` is new in hashicorp/aws 6.x, where `id` and `name` are deprecated.
  region = data.aws_region.current[contains(keys(data.aws_region.current), "region") ? "region" : "id"]

  tags = merge(var.tags, { Environment = var.environment_suffix, Project = var.project_name, ManagedBy = var.managed_by })
}

data "aws_caller_identity" "account" {}

data "aws_partition" "partition" {}

data "aws_region" "current" {}

resource "aws_cloudwatch_dashboard" "CloudWatchDashboard" {
  dashboard_name = local.names.dashboard
  dashboard_body = jsonencode({
    periodOverride = "inherit"
    widgets = [
      {
        type   = "text"
        x      = 0
        y      = 0
        width  = 24
        height = 2
        properties = {
          markdown = "# TAP, ${var.environment_suffix}\nTable `${local.names.table}`. Red alarm below? Its description says where to look."
        }
      },
      {
        type   = "alarm"
        x      = 0
        y      = 2
        width  = 24
        height = 3
        properties = {
          title = "Alarms"
          alarms = [
            aws_cloudwatch_metric_alarm.DynamoDBThrottleAlarm.arn,
            aws_cloudwatch_metric_alarm.DynamoDBSystemErrorAlarm.arn,
            aws_cloudwatch_metric_alarm.DynamoDBReadThrottleAlarm.arn,
            aws_cloudwatch_metric_alarm.DynamoDBWriteThrottleAlarm.arn,
          ]
        }
      },
      {
        type   = "metric"
        x      = 0
        y      = 5
        width  = 12
        height = 6
        properties = {
          title  = "Errors: DynamoDB's (by operation) and callers' (whole account)"
          view   = "timeSeries"
          region = local.region
          period = var.alarm_period
          stat   = "Sum"
          metrics = [
            ["AWS/DynamoDB", "SystemErrors", "TableName", local.names.table, "Operation", "GetItem", { label = "GetItem" }],
            ["AWS/DynamoDB", "SystemErrors", "TableName", local.names.table, "Operation", "BatchGetItem", { label = "BatchGetItem" }],
            ["AWS/DynamoDB", "SystemErrors", "TableName", local.names.table, "Operation", "Query", { label = "Query" }],
            ["AWS/DynamoDB", "SystemErrors", "TableName", local.names.table, "Operation", "Scan", { label = "Scan" }],
            ["AWS/DynamoDB", "SystemErrors", "TableName", local.names.table, "Operation", "PutItem", { label = "PutItem" }],
            ["AWS/DynamoDB", "SystemErrors", "TableName", local.names.table, "Operation", "UpdateItem", { label = "UpdateItem" }],
            ["AWS/DynamoDB", "SystemErrors", "TableName", local.names.table, "Operation", "DeleteItem", { label = "DeleteItem" }],
            ["AWS/DynamoDB", "SystemErrors", "TableName", local.names.table, "Operation", "BatchWriteItem", { label = "BatchWriteItem" }],
            ["AWS/DynamoDB", "SystemErrors", "TableName", local.names.table, "Operation", "TransactGetItems", { label = "TransactGetItems" }],
            ["AWS/DynamoDB", "SystemErrors", "TableName", local.names.table, "Operation", "TransactWriteItems", { label = "TransactWriteItems" }],
            ["AWS/DynamoDB", "UserErrors", { label = "UserErrors" }],
          ]
          yAxis = {
            left = {
              label     = "Requests in ${local.minutes}"
              showUnits = false
              min       = 0
            }
          }
          annotations = {
            horizontal = [{ label = "UserErrors: alarm from here", value = var.thresholds.throttle_alarm, color = "#d13212" }]
          }
        }
      },
      {
        type   = "metric"
        x      = 12
        y      = 5
        width  = 12
        height = 6
        properties = {
          title  = "Throttled reads and writes"
          view   = "timeSeries"
          region = local.region
          period = var.alarm_period
          stat   = "Sum"
          metrics = jsondecode(var.claim_index_enabled ? jsonencode([
            ["AWS/DynamoDB", "ReadThrottleEvents", "TableName", local.names.table, { label = "ReadThrottleEvents" }],
            [
              "AWS/DynamoDB",
              "ReadThrottleEvents",
              "TableName",
              local.names.table,
              "GlobalSecondaryIndexName",
              "claims",
              { label = "ReadThrottleEvents, index" },
            ],
            ["AWS/DynamoDB", "WriteThrottleEvents", "TableName", local.names.table, { label = "WriteThrottleEvents" }],
            [
              "AWS/DynamoDB",
              "WriteThrottleEvents",
              "TableName",
              local.names.table,
              "GlobalSecondaryIndexName",
              "claims",
              { label = "WriteThrottleEvents, index" },
            ],
            ]) : jsonencode([
            ["AWS/DynamoDB", "ReadThrottleEvents", "TableName", local.names.table, { label = "ReadThrottleEvents" }],
            ["AWS/DynamoDB", "WriteThrottleEvents", "TableName", local.names.table, { label = "WriteThrottleEvents" }],
          ]))
          yAxis = {
            left = {
              label     = "Events in ${local.minutes}"
              showUnits = false
              min       = 0
            }
          }
          annotations = {
            horizontal = jsondecode(var.thresholds.read_throttle_alarm == var.thresholds.write_throttle_alarm ? jsonencode([{ label = "Read or write throttles: alarm from here", value = var.thresholds.read_throttle_alarm, color = "#d13212" }]) : jsonencode([
              { label = "Reads: alarm from here", value = var.thresholds.read_throttle_alarm, color = "#d13212" },
              { label = "Writes: alarm from here", value = var.thresholds.write_throttle_alarm, color = "#d13212" },
            ]))
          }
        }
      },
      {
        type   = "metric"
        x      = 0
        y      = 11
        width  = 12
        height = 6
        properties = {
          title  = "Consumed capacity"
          view   = "timeSeries"
          region = local.region
          period = 60
          stat   = "Sum"
          metrics = jsondecode(var.claim_index_enabled ? jsonencode([
            [{ expression = "read/PERIOD(read)", label = "Read", id = "reads" }],
            [{ expression = "read_index/PERIOD(read_index)", label = "Read, index", id = "reads_index" }],
            [{ expression = "write/PERIOD(write)", label = "Write", id = "writes" }],
            [{ expression = "write_index/PERIOD(write_index)", label = "Write, index", id = "writes_index" }],
            ["AWS/DynamoDB", "ConsumedReadCapacityUnits", "TableName", local.names.table, { id = "read", visible = false }],
            [
              "AWS/DynamoDB",
              "ConsumedReadCapacityUnits",
              "TableName",
              local.names.table,
              "GlobalSecondaryIndexName",
              "claims",
              { id = "read_index", visible = false },
            ],
            ["AWS/DynamoDB", "ConsumedWriteCapacityUnits", "TableName", local.names.table, { id = "write", visible = false }],
            [
              "AWS/DynamoDB",
              "ConsumedWriteCapacityUnits",
              "TableName",
              local.names.table,
              "GlobalSecondaryIndexName",
              "claims",
              { id = "write_index", visible = false },
            ],
            ]) : jsonencode([
            [{ expression = "read/PERIOD(read)", label = "Read", id = "reads" }],
            [{ expression = "write/PERIOD(write)", label = "Write", id = "writes" }],
            ["AWS/DynamoDB", "ConsumedReadCapacityUnits", "TableName", local.names.table, { id = "read", visible = false }],
            ["AWS/DynamoDB", "ConsumedWriteCapacityUnits", "TableName", local.names.table, { id = "write", visible = false }],
          ]))
          yAxis = {
            left = {
              label     = "Capacity units per second"
              showUnits = false
              min       = 0
            }
          }
        }
      },
      {
        type   = "metric"
        x      = 12
        y      = 11
        width  = 12
        height = 6
        properties = {
          title  = "Throttled requests, by operation"
          view   = "timeSeries"
          region = local.region
          period = 60
          stat   = "Sum"
          metrics = [
            ["AWS/DynamoDB", "ThrottledRequests", "TableName", local.names.table, "Operation", "GetItem", { label = "GetItem" }],
            ["AWS/DynamoDB", "ThrottledRequests", "TableName", local.names.table, "Operation", "BatchGetItem", { label = "BatchGetItem" }],
            ["AWS/DynamoDB", "ThrottledRequests", "TableName", local.names.table, "Operation", "Query", { label = "Query" }],
            ["AWS/DynamoDB", "ThrottledRequests", "TableName", local.names.table, "Operation", "Scan", { label = "Scan" }],
            ["AWS/DynamoDB", "ThrottledRequests", "TableName", local.names.table, "Operation", "PutItem", { label = "PutItem" }],
            ["AWS/DynamoDB", "ThrottledRequests", "TableName", local.names.table, "Operation", "UpdateItem", { label = "UpdateItem" }],
            ["AWS/DynamoDB", "ThrottledRequests", "TableName", local.names.table, "Operation", "DeleteItem", { label = "DeleteItem" }],
            ["AWS/DynamoDB", "ThrottledRequests", "TableName", local.names.table, "Operation", "BatchWriteItem", { label = "BatchWriteItem" }],
            ["AWS/DynamoDB", "ThrottledRequests", "TableName", local.names.table, "Operation", "TransactGetItems", { label = "TransactGetItems" }],
            ["AWS/DynamoDB", "ThrottledRequests", "TableName", local.names.table, "Operation", "TransactWriteItems", { label = "TransactWriteItems" }],
          ]
          yAxis = {
            left = {
              label     = "Requests per minute"
              showUnits = false
              min       = 0
            }
          }
        }
      },
      {
        type   = "metric"
        x      = 0
        y      = 17
        width  = 12
        height = 6
        properties = {
          title  = "Latency, average"
          view   = "timeSeries"
          region = local.region
          period = 60
          stat   = "Average"
          metrics = jsondecode(var.claim_index_enabled ? jsonencode([
            ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", local.names.table, "Operation", "GetItem", { label = "GetItem" }],
            ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", local.names.table, "Operation", "Query", { label = "Query" }],
            ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", local.names.table, "Operation", "Scan", { label = "Scan" }],
            ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", local.names.table, "Operation", "PutItem", { label = "PutItem" }],
            ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", local.names.table, "Operation", "UpdateItem", { label = "UpdateItem" }],
            ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", local.names.table, "Operation", "DeleteItem", { label = "DeleteItem" }],
            ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", local.names.table, "Operation", "BatchWriteItem", { label = "BatchWriteItem" }],
            ]) : jsonencode([
            ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", local.names.table, "Operation", "GetItem", { label = "GetItem" }],
            ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", local.names.table, "Operation", "Scan", { label = "Scan" }],
            ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", local.names.table, "Operation", "PutItem", { label = "PutItem" }],
            ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", local.names.table, "Operation", "UpdateItem", { label = "UpdateItem" }],
            ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", local.names.table, "Operation", "DeleteItem", { label = "DeleteItem" }],
            ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", local.names.table, "Operation", "BatchWriteItem", { label = "BatchWriteItem" }],
          ]))
          yAxis = {
            left = {
              label     = "Milliseconds"
              showUnits = false
              min       = 0
            }
          }
        }
      },
      {
        type   = "metric"
        x      = 12
        y      = 17
        width  = 12
        height = 6
        properties = {
          title  = "Latency, slowest request"
          view   = "timeSeries"
          region = local.region
          period = 60
          stat   = "Maximum"
          metrics = jsondecode(var.claim_index_enabled ? jsonencode([
            ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", local.names.table, "Operation", "GetItem", { label = "GetItem" }],
            ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", local.names.table, "Operation", "Query", { label = "Query" }],
            ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", local.names.table, "Operation", "Scan", { label = "Scan" }],
            ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", local.names.table, "Operation", "PutItem", { label = "PutItem" }],
            ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", local.names.table, "Operation", "UpdateItem", { label = "UpdateItem" }],
            ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", local.names.table, "Operation", "DeleteItem", { label = "DeleteItem" }],
            ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", local.names.table, "Operation", "BatchWriteItem", { label = "BatchWriteItem" }],
            ]) : jsonencode([
            ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", local.names.table, "Operation", "GetItem", { label = "GetItem" }],
            ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", local.names.table, "Operation", "Scan", { label = "Scan" }],
            ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", local.names.table, "Operation", "PutItem", { label = "PutItem" }],
            ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", local.names.table, "Operation", "UpdateItem", { label = "UpdateItem" }],
            ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", local.names.table, "Operation", "DeleteItem", { label = "DeleteItem" }],
            ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", local.names.table, "Operation", "BatchWriteItem", { label = "BatchWriteItem" }],
          ]))
          yAxis = {
            left = {
              label     = "Milliseconds"
              showUnits = false
              min       = 0
            }
          }
        }
      },
    ]
  })
}

resource "aws_cloudwatch_metric_alarm" "DynamoDBReadThrottleAlarm" {
  alarm_name          = local.names.read_throttle_alarm
  alarm_actions       = [aws_sns_topic.SNSTopic.arn]
  alarm_description   = "Reads of ${local.names.table} were throttled (ReadThrottleEvents): a hot key, or the account's table limits."
  comparison_operator = "GreaterThanOrEqualToThreshold"
  dimensions = var.claim_index_enabled ? null : {
    TableName = local.names.table
  }
  evaluation_periods = 1
  metric_name        = var.claim_index_enabled ? null : "ReadThrottleEvents"
  namespace          = var.claim_index_enabled ? null : "AWS/DynamoDB"
  ok_actions         = [aws_sns_topic.SNSTopic.arn]
  period             = var.claim_index_enabled ? null : var.alarm_period
  statistic          = var.claim_index_enabled ? null : "Sum"
  threshold          = var.thresholds.read_throttle_alarm
  # DynamoDB emits an error metric only when there was an error: silence is good news.
  treat_missing_data = "notBreaching"

  dynamic "metric_query" {
    for_each = var.claim_index_enabled ? [1] : []

    content {
      id          = "total"
      expression  = "FILL(m1, 0) + FILL(m2, 0)"
      label       = "Table and index"
      return_data = true
    }
  }

  dynamic "metric_query" {
    for_each = var.claim_index_enabled ? [1] : []

    content {
      id = "m1"

      metric {
        dimensions = {
          TableName = local.names.table
        }
        metric_name = "ReadThrottleEvents"
        namespace   = "AWS/DynamoDB"
        period      = var.alarm_period
        stat        = "Sum"
      }
    }
  }

  dynamic "metric_query" {
    for_each = var.claim_index_enabled ? [1] : []

    content {
      id = "m2"

      metric {
        dimensions = {
          GlobalSecondaryIndexName = "claims"
          TableName                = local.names.table
        }
        metric_name = "ReadThrottleEvents"
        namespace   = "AWS/DynamoDB"
        period      = var.alarm_period
        stat        = "Sum"
      }
    }
  }


  tags = local.tags
}

resource "aws_cloudwatch_metric_alarm" "DynamoDBSystemErrorAlarm" {
  alarm_name          = local.names.system_error_alarm
  alarm_actions       = [aws_sns_topic.SNSTopic.arn]
  alarm_description   = "DynamoDB answered requests to ${local.names.table} with HTTP 500 (SystemErrors), over all operations. Clients retry by themselves; look at the AWS Health Dashboard if it lasts."
  comparison_operator = "GreaterThanOrEqualToThreshold"
  evaluation_periods  = 1
  ok_actions          = [aws_sns_topic.SNSTopic.arn]
  threshold           = var.thresholds.system_error_alarm
  # DynamoDB emits an error metric only when there was an error: silence is good news.
  treat_missing_data = "notBreaching"

  metric_query {
    id          = "total"
    expression  = "FILL(m1, 0) + FILL(m2, 0) + FILL(m3, 0) + FILL(m4, 0) + FILL(m5, 0) + FILL(m6, 0) + FILL(m7, 0) + FILL(m8, 0) + FILL(m9, 0) + FILL(m10, 0)"
    label       = "Sum over all operations"
    return_data = true
  }

  metric_query {
    id = "m1"

    metric {
      dimensions = {
        Operation = "GetItem"
        TableName = local.names.table
      }
      metric_name = "SystemErrors"
      namespace   = "AWS/DynamoDB"
      period      = var.alarm_period
      stat        = "Sum"
    }
  }

  metric_query {
    id = "m2"

    metric {
      dimensions = {
        Operation = "BatchGetItem"
        TableName = local.names.table
      }
      metric_name = "SystemErrors"
      namespace   = "AWS/DynamoDB"
      period      = var.alarm_period
      stat        = "Sum"
    }
  }

  metric_query {
    id = "m3"

    metric {
      dimensions = {
        Operation = "Query"
        TableName = local.names.table
      }
      metric_name = "SystemErrors"
      namespace   = "AWS/DynamoDB"
      period      = var.alarm_period
      stat        = "Sum"
    }
  }

  metric_query {
    id = "m4"

    metric {
      dimensions = {
        Operation = "Scan"
        TableName = local.names.table
      }
      metric_name = "SystemErrors"
      namespace   = "AWS/DynamoDB"
      period      = var.alarm_period
      stat        = "Sum"
    }
  }

  metric_query {
    id = "m5"

    metric {
      dimensions = {
        Operation = "PutItem"
        TableName = local.names.table
      }
      metric_name = "SystemErrors"
      namespace   = "AWS/DynamoDB"
      period      = var.alarm_period
      stat        = "Sum"
    }
  }

  metric_query {
    id = "m6"

    metric {
      dimensions = {
        Operation = "UpdateItem"
        TableName = local.names.table
      }
      metric_name = "SystemErrors"
      namespace   = "AWS/DynamoDB"
      period      = var.alarm_period
      stat        = "Sum"
    }
  }

  metric_query {
    id = "m7"

    metric {
      dimensions = {
        Operation = "DeleteItem"
        TableName = local.names.table
      }
      metric_name = "SystemErrors"
      namespace   = "AWS/DynamoDB"
      period      = var.alarm_period
      stat        = "Sum"
    }
  }

  metric_query {
    id = "m8"

    metric {
      dimensions = {
        Operation = "BatchWriteItem"
        TableName = local.names.table
      }
      metric_name = "SystemErrors"
      namespace   = "AWS/DynamoDB"
      period      = var.alarm_period
      stat        = "Sum"
    }
  }

  metric_query {
    id = "m9"

    metric {
      dimensions = {
        Operation = "TransactGetItems"
        TableName = local.names.table
      }
      metric_name = "SystemErrors"
      namespace   = "AWS/DynamoDB"
      period      = var.alarm_period
      stat        = "Sum"
    }
  }

  metric_query {
    id = "m10"

    metric {
      dimensions = {
        Operation = "TransactWriteItems"
        TableName = local.names.table
      }
      metric_name = "SystemErrors"
      namespace   = "AWS/DynamoDB"
      period      = var.alarm_period
      stat        = "Sum"
    }
  }

  tags = local.tags
}

resource "aws_cloudwatch_metric_alarm" "DynamoDBThrottleAlarm" {
  alarm_name          = local.names.throttle_alarm
  alarm_actions       = [aws_sns_topic.SNSTopic.arn]
  alarm_description   = "Requests to DynamoDB that were refused with HTTP 400 (UserErrors), in the whole account and region: AWS does not count them by table. Look for a deployment with bad parameters or credentials."
  comparison_operator = "GreaterThanOrEqualToThreshold"
  evaluation_periods  = 1
  metric_name         = "UserErrors"
  namespace           = "AWS/DynamoDB"
  ok_actions          = [aws_sns_topic.SNSTopic.arn]
  period              = var.alarm_period
  statistic           = "Sum"
  threshold           = var.thresholds.throttle_alarm
  # DynamoDB emits an error metric only when there was an error: silence is good news.
  treat_missing_data = "notBreaching"

  tags = local.tags
}

resource "aws_cloudwatch_metric_alarm" "DynamoDBWriteThrottleAlarm" {
  alarm_name          = local.names.write_throttle_alarm
  alarm_actions       = [aws_sns_topic.SNSTopic.arn]
  alarm_description   = "Writes to ${local.names.table} were throttled (WriteThrottleEvents): a hot key, or the account's table limits."
  comparison_operator = "GreaterThanOrEqualToThreshold"
  dimensions = var.claim_index_enabled ? null : {
    TableName = local.names.table
  }
  evaluation_periods = 1
  metric_name        = var.claim_index_enabled ? null : "WriteThrottleEvents"
  namespace          = var.claim_index_enabled ? null : "AWS/DynamoDB"
  ok_actions         = [aws_sns_topic.SNSTopic.arn]
  period             = var.claim_index_enabled ? null : var.alarm_period
  statistic          = var.claim_index_enabled ? null : "Sum"
  threshold          = var.thresholds.write_throttle_alarm
  # DynamoDB emits an error metric only when there was an error: silence is good news.
  treat_missing_data = "notBreaching"

  dynamic "metric_query" {
    for_each = var.claim_index_enabled ? [1] : []

    content {
      id          = "total"
      expression  = "FILL(m1, 0) + FILL(m2, 0)"
      label       = "Table and index"
      return_data = true
    }
  }

  dynamic "metric_query" {
    for_each = var.claim_index_enabled ? [1] : []

    content {
      id = "m1"

      metric {
        dimensions = {
          TableName = local.names.table
        }
        metric_name = "WriteThrottleEvents"
        namespace   = "AWS/DynamoDB"
        period      = var.alarm_period
        stat        = "Sum"
      }
    }
  }

  dynamic "metric_query" {
    for_each = var.claim_index_enabled ? [1] : []

    content {
      id = "m2"

      metric {
        dimensions = {
          GlobalSecondaryIndexName = "claims"
          TableName                = local.names.table
        }
        metric_name = "WriteThrottleEvents"
        namespace   = "AWS/DynamoDB"
        period      = var.alarm_period
        stat        = "Sum"
      }
    }
  }


  tags = local.tags
}

resource "aws_dynamodb_table" "TurnAroundPromptTable" {
  name                        = local.names.table
  billing_mode                = "PAY_PER_REQUEST"
  deletion_protection_enabled = var.deletion_protection_enabled
  hash_key                    = "id"
  stream_enabled              = true
  stream_view_type            = "NEW_AND_OLD_IMAGES"

  attribute {
    name = "id"
    type = "S"
  }

  dynamic "attribute" {
    for_each = var.claim_index_enabled ? [1] : []

    content {
      name = "claim_queue"
      type = "S"
    }
  }

  dynamic "attribute" {
    for_each = var.claim_index_enabled ? [1] : []

    content {
      name = "claim_order"
      type = "S"
    }
  }

  dynamic "global_secondary_index" {
    for_each = var.claim_index_enabled ? [1] : []

    content {
      name               = "claims"
      hash_key           = "claim_queue"
      non_key_attributes = ["status", "task_type", "ttl", "lease_until", "attempts", "max_attempts", "claim_rank"]
      projection_type    = "INCLUDE"
      range_key          = "claim_order"
    }
  }


  point_in_time_recovery {
    enabled = var.point_in_time_recovery_enabled
  }

  # Written even when it is off: a block that is left out plans as no change where the real
  # table differs (hashicorp/terraform-provider-aws#29811). So is point_in_time_recovery.
  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.KMSKey.arn
  }

  ttl {
    attribute_name = "ttl"
    enabled        = true
  }

  tags = local.tags

  # The last to be made is the first to be destroyed: while the table is protected a destroy stops there,
  # and leaves it with its alarms. So they have its name, and not a reference to it.
  depends_on = [
    aws_kms_alias.KMSKeyAlias,
    aws_sns_topic_policy.SNSTopicPolicy,
    aws_sns_topic_subscription.AlertEmailSubscription,
    aws_cloudwatch_dashboard.CloudWatchDashboard,
  ]
}

resource "aws_iam_policy" "ImporterPolicy" {
  count       = var.iam_policies_enabled ? 1 : 0
  name        = "${var.project_name}-${var.environment_suffix}-${local.region}-importer"
  description = "Imports prompts in bulk, and gives those that have none their entry in the claim index."
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ImportPrompts"
        Effect   = "Allow"
        Action   = ["dynamodb:DescribeTable", "dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:PutItem", "dynamodb:Scan", "dynamodb:UpdateItem"]
        Resource = "arn:${data.aws_partition.partition.partition}:dynamodb:${local.region}:${data.aws_caller_identity.account.account_id}:table/${local.names.table}"
      },
      {
        Sid      = "UseKeyThroughDynamoDB"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:DescribeKey"]
        Resource = aws_kms_key.KMSKey.arn
        Condition = {
          StringLike = {
            "kms:ViaService" = "dynamodb.${local.region}.amazonaws.com*"
          }
        }
      },
    ]
  })

  tags = local.tags
}

resource "aws_iam_policy" "ReaderPolicy" {
  count       = var.iam_policies_enabled ? 1 : 0
  name        = "${var.project_name}-${var.environment_suffix}-${local.region}-reader"
  description = "Reads prompts: get, list and export."
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ReadPrompts"
        Effect   = "Allow"
        Action   = ["dynamodb:DescribeTable", "dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Scan"]
        Resource = "arn:${data.aws_partition.partition.partition}:dynamodb:${local.region}:${data.aws_caller_identity.account.account_id}:table/${local.names.table}"
      },
      {
        Sid      = "ListPromptsByIndex"
        Effect   = "Allow"
        Action   = ["dynamodb:Query"]
        Resource = "arn:${data.aws_partition.partition.partition}:dynamodb:${local.region}:${data.aws_caller_identity.account.account_id}:table/${local.names.table}/index/claims"
      },
      {
        Sid      = "UseKeyThroughDynamoDB"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:DescribeKey"]
        Resource = aws_kms_key.KMSKey.arn
        Condition = {
          StringLike = {
            "kms:ViaService" = "dynamodb.${local.region}.amazonaws.com*"
          }
        }
      },
    ]
  })

  tags = local.tags
}

resource "aws_iam_policy" "StreamConsumerPolicy" {
  count       = var.iam_policies_enabled ? 1 : 0
  name        = "${var.project_name}-${var.environment_suffix}-${local.region}-stream-consumer"
  description = "Reads the table's stream of changes: watch."
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "FindStream"
        Effect   = "Allow"
        Action   = ["dynamodb:DescribeTable"]
        Resource = "arn:${data.aws_partition.partition.partition}:dynamodb:${local.region}:${data.aws_caller_identity.account.account_id}:table/${local.names.table}"
      },
      {
        Sid      = "ReadStream"
        Effect   = "Allow"
        Action   = ["dynamodb:DescribeStream", "dynamodb:GetShardIterator", "dynamodb:GetRecords"]
        Resource = "arn:${data.aws_partition.partition.partition}:dynamodb:${local.region}:${data.aws_caller_identity.account.account_id}:table/${local.names.table}/stream/*"
      },
      {
        Sid      = "UseKeyThroughDynamoDB"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:DescribeKey"]
        Resource = aws_kms_key.KMSKey.arn
        Condition = {
          StringLike = {
            "kms:ViaService" = "dynamodb.${local.region}.amazonaws.com*"
          }
        }
      },
    ]
  })

  tags = local.tags
}

resource "aws_iam_policy" "WorkerPolicy" {
  count       = var.iam_policies_enabled ? 1 : 0
  name        = "${var.project_name}-${var.environment_suffix}-${local.region}-worker"
  description = "Claims prompts and completes them, by the claim index where there is one: claim and work."
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ClaimPrompts"
        Effect   = "Allow"
        Action   = ["dynamodb:DescribeTable", "dynamodb:Scan", "dynamodb:UpdateItem"]
        Resource = "arn:${data.aws_partition.partition.partition}:dynamodb:${local.region}:${data.aws_caller_identity.account.account_id}:table/${local.names.table}"
      },
      {
        Sid      = "FindPromptsByIndex"
        Effect   = "Allow"
        Action   = ["dynamodb:Query"]
        Resource = "arn:${data.aws_partition.partition.partition}:dynamodb:${local.region}:${data.aws_caller_identity.account.account_id}:table/${local.names.table}/index/claims"
      },
      {
        Sid      = "UseKeyThroughDynamoDB"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:DescribeKey"]
        Resource = aws_kms_key.KMSKey.arn
        Condition = {
          StringLike = {
            "kms:ViaService" = "dynamodb.${local.region}.amazonaws.com*"
          }
        }
      },
    ]
  })

  tags = local.tags
}

resource "aws_iam_policy" "WriterPolicy" {
  count       = var.iam_policies_enabled ? 1 : 0
  name        = "${var.project_name}-${var.environment_suffix}-${local.region}-writer"
  description = "Stores prompts one by one: create, update and delete."
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "WritePrompts"
        Effect   = "Allow"
        Action   = ["dynamodb:DescribeTable", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
        Resource = "arn:${data.aws_partition.partition.partition}:dynamodb:${local.region}:${data.aws_caller_identity.account.account_id}:table/${local.names.table}"
      },
      {
        Sid      = "UseKeyThroughDynamoDB"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:DescribeKey"]
        Resource = aws_kms_key.KMSKey.arn
        Condition = {
          StringLike = {
            "kms:ViaService" = "dynamodb.${local.region}.amazonaws.com*"
          }
        }
      },
    ]
  })

  tags = local.tags
}

resource "aws_kms_alias" "KMSKeyAlias" {
  name          = local.names.key_alias
  target_key_id = aws_kms_key.KMSKey.key_id
}

resource "aws_kms_key" "KMSKey" {
  description = "Encrypts the prompts and alerts of TapStack${var.environment_suffix}"
  # The shortest window AWS allows: an environment stays deletable, a mistake can be undone for a week.
  deletion_window_in_days = 7
  enable_key_rotation     = true
  # Without the second statement CloudWatch drops every alarm message silently:
  # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "AccountAdministersKey"
        Effect = "Allow"
        Principal = {
          AWS = "arn:${data.aws_partition.partition.partition}:iam::${data.aws_caller_identity.account.account_id}:root"
        }
        Action   = "kms:*"
        Resource = "*"
      },
      {
        Sid    = "AlarmsPublishToEncryptedTopic"
        Effect = "Allow"
        Principal = {
          Service = "cloudwatch.amazonaws.com"
        }
        Action   = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource = "*"
        Condition = {
          StringEquals = {
            "aws:SourceAccount" = data.aws_caller_identity.account.account_id
          }
          ArnLike = {
            "aws:SourceArn" = "arn:${data.aws_partition.partition.partition}:cloudwatch:${local.region}:${data.aws_caller_identity.account.account_id}:alarm:*"
          }
        }
      },
    ]
  })

  tags = local.tags
}

resource "aws_sns_topic" "SNSTopic" {
  name              = local.names.topic
  kms_master_key_id = aws_kms_key.KMSKey.arn

  tags = local.tags
}

resource "aws_sns_topic_policy" "SNSTopicPolicy" {
  arn = aws_sns_topic.SNSTopic.arn
  # This account's alarms may publish, and nobody without TLS.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "AlarmsPublish"
        Effect = "Allow"
        Principal = {
          Service = "cloudwatch.amazonaws.com"
        }
        Action   = "sns:Publish"
        Resource = "arn:${data.aws_partition.partition.partition}:sns:${local.region}:${data.aws_caller_identity.account.account_id}:${local.names.topic}"
        Condition = {
          StringEquals = {
            "aws:SourceAccount" = data.aws_caller_identity.account.account_id
          }
          ArnLike = {
            "aws:SourceArn" = "arn:${data.aws_partition.partition.partition}:cloudwatch:${local.region}:${data.aws_caller_identity.account.account_id}:alarm:*"
          }
        }
      },
      {
        Sid    = "NobodyPublishesWithoutTls"
        Effect = "Deny"
        Principal = {
          AWS = "*"
        }
        Action   = "sns:Publish"
        Resource = "arn:${data.aws_partition.partition.partition}:sns:${local.region}:${data.aws_caller_identity.account.account_id}:${local.names.topic}"
        Condition = {
          Bool = {
            "aws:SecureTransport" = "false"
          }
        }
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "AlertEmailSubscription" {
  count     = var.alert_email == "" ? 0 : 1
  endpoint  = var.alert_email
  protocol  = "email"
  topic_arn = aws_sns_topic.SNSTopic.arn
}

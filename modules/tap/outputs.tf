output "DashboardURL" {
  description = "Address of the dashboard in AWS's console"
  value       = "https://${local.region}.${lookup({ "aws-cn" = "console.amazonaws.cn", "aws-us-gov" = "console.amazonaws-us-gov.com", "aws-eusc" = "console.amazonaws-eusc.eu" }, data.aws_partition.partition.partition, "console.aws.amazon.com")}/cloudwatch/home?region=${local.region}#dashboards:name=${local.names.dashboard}"
}

output "EnvironmentSuffix" {
  description = "Name of this environment"
  value       = var.environment_suffix
}

output "KMSKeyArn" {
  description = "ARN of that key"
  value       = aws_kms_key.KMSKey.arn
}

output "KMSKeyId" {
  description = "Id of the key that encrypts the table and the topic"
  value       = aws_kms_key.KMSKey.key_id
}

output "SNSTopicArn" {
  description = "ARN of the topic that the alarms tell"
  value       = aws_sns_topic.SNSTopic.arn
}

output "StackName" {
  description = "Name of this stack"
  value       = "TapStack${var.environment_suffix}"
}

output "TurnAroundPromptTableArn" {
  description = "ARN of the table"
  value       = aws_dynamodb_table.TurnAroundPromptTable.arn
}

output "TurnAroundPromptTableName" {
  description = "Name of the table of turnaround prompts"
  value       = aws_dynamodb_table.TurnAroundPromptTable.name
}

output "TurnAroundPromptTableStreamArn" {
  description = "ARN of the table's stream of changes"
  value       = aws_dynamodb_table.TurnAroundPromptTable.stream_arn
}

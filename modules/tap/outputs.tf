output "DashboardURL" {
  description = "Address of the dashboard in AWS's console"
  value       = "https://${local.region}.${lookup({ "aws-cn" = "console.amazonaws.cn", "aws-us-gov" = "console.amazonaws-us-gov.com", "aws-eusc" = "console.amazonaws-eusc.eu" }, data.aws_partition.partition.partition, "console.aws.amazon.com")}/cloudwatch/home?region=${local.region}#dashboards:name=${local.names.dashboard}"
}

output "EnvironmentSuffix" {
  description = "Name of this environment"
  value       = var.environment_suffix
}

output "ImporterPolicyArn" {
  description = "Imports prompts in bulk, and gives those that have none their entry in the claim index."
  value       = one(aws_iam_policy.ImporterPolicy[*].arn)
}

output "KMSKeyArn" {
  description = "ARN of that key"
  value       = aws_kms_key.KMSKey.arn
}

output "KMSKeyId" {
  description = "Id of the key that encrypts the table and the topic"
  value       = aws_kms_key.KMSKey.key_id
}

output "ReaderPolicyArn" {
  description = "Reads prompts: get, list and export."
  value       = one(aws_iam_policy.ReaderPolicy[*].arn)
}

output "SNSTopicArn" {
  description = "ARN of the topic that the alarms tell"
  value       = aws_sns_topic.SNSTopic.arn
}

output "StackName" {
  description = "Name of this stack"
  value       = "TapStack${var.environment_suffix}"
}

output "StreamConsumerPolicyArn" {
  description = "Reads the table's stream of changes: watch."
  value       = one(aws_iam_policy.StreamConsumerPolicy[*].arn)
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

output "WorkerPolicyArn" {
  description = "Claims prompts and completes them, by the claim index where there is one: claim and work."
  value       = one(aws_iam_policy.WorkerPolicy[*].arn)
}

output "WriterPolicyArn" {
  description = "Stores prompts one by one: create, update and delete."
  value       = one(aws_iam_policy.WriterPolicy[*].arn)
}

# `terraform test -test-directory=tests/endpoint`, with AWS_ENDPOINT_URL and credentials: it makes a stack, and destroys it.

variables {
  environment_suffix  = "tftest"
  claim_index_enabled = true
}

run "made" {
  assert {
    condition     = endswith(output.TurnAroundPromptTableArn, ":table/tap-tftest-turnaround-prompts")
    error_message = "The table is there."
  }
  assert {
    condition     = aws_dynamodb_table.TurnAroundPromptTable.stream_arn == output.TurnAroundPromptTableStreamArn
    error_message = "Its stream is told."
  }
}

run "nothing_left_to_change" {
  command = plan

  assert {
    condition     = output.KMSKeyArn == run.made.KMSKeyArn && output.SNSTopicArn == run.made.SNSTopicArn
    error_message = "A second plan keeps the key and the topic."
  }
}

"""Policy documents as pure functions: plain data in and out, so they are tested without any AWS.

`resources` has the policies of the key and the topic, `roles` those of the people and programs that use the stack.
Every argument may be a Terraform expression.
"""

"""Terraform JSON as HCL that a person would have written.

`text` writes values, attributes and blocks; `root` lays a stack's JSON out in files; `schema` knows what is a block.
CDKTF's own export (`cdktf synth --hcl`) writes HCL that Terraform can't parse: terraform-cdk#3911, #3459.
"""

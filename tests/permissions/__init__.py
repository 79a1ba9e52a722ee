"""The permission proof: what a full life of a stack asks AWS for, against the policies that are shipped.

`lives` runs the real thing on an embedded AWS, `requests` makes of what was sent what IAM would be asked, and `proof`
has the policies evaluated: each request allowed, each action needed, everything else denied.
"""

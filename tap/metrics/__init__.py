"""CloudWatch's metrics: which ones AWS emits, and arithmetic on them.

`catalogue` says what exists; `expressions` evaluates CloudWatch's expressions on data points.
"""

"""The command line, `python -m tap …`. It never imports cdktf, so it answers at once."""

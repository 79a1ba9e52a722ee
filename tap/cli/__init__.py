"""The command line, `tap …`. It never imports cdktf, so it answers at once."""

"""TAP: the Task Assignment Platform's stack in CDKTF, and what a team needs to live with it."""
